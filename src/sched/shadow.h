/* SPDX-License-Identifier: MIT */
/*
 * A shadow: policy B beside policy A on a copy of A's fleet. It is told what the world does to A
 * (submissions, cancellations, nodes, tenants) and what became known of jobs there; engines answer
 * B at once. It decides nothing outside.
 *
 * A job ends in the shadow when its work is done at its rates there. Its work is what A observed,
 * where A has ended it: `factor` is then its true rate by its modelled one. While A runs it beyond
 * its estimate, the shadow waits for the truth; what A has not even begun ends as estimated, and is
 * counted as guessed.
 */
#ifndef FUYAO_SCHED_SHADOW_H
#define FUYAO_SCHED_SHADOW_H

#include "fleet/state.h"
#include "fuyao/sched.h"

typedef struct fy_shadow fy_shadow;

/* From the present of `fleet` (borrowed for the call), in which `options` are valid. Errors:
 * FY_EINVAL as fy_sched_open. */
int fy_shadow_open(fy_shadow **out, const fy_fleet *fleet, const fy_sched_options *options,
                   fy_err *err) FY_NODISCARD;
void fy_shadow_close(fy_shadow *shadow); /* NULL allowed */

/* What A's events about jobs say of them: of RATED, FINISHED and FAILED; else NAN and -1. */
typedef struct fy_shadow_truth {
    double factor; /* true rate / modelled rate; NAN = not known */
    int64_t end_q; /* work at which the job ends; -1 = all of it */
} fy_shadow_truth;

/*
 * Let the shadow's own time go on to `to_us`, in at most `*steps` ends and rounds, which are taken
 * off. Returns 1 when it is there, 0 when the steps are used up, or a negative code.
 */
int fy_shadow_run(fy_shadow *shadow, int64_t to_us, int *steps, fy_err *err) FY_NODISCARD;

/* An event of A's, at which the shadow's time must have arrived. Kinds that are A's own business
 * are ignored. Errors: FY_EINVAL: the two have come apart; it is of no more use. */
int fy_shadow_take(fy_shadow *shadow, const fy_event *event, fy_shadow_truth truth,
                   fy_err *err) FY_NODISCARD;

/* Let the policy decide if anything has happened. Returns the rounds that it took, or a code. */
int fy_shadow_decide(fy_shadow *shadow, fy_err *err) FY_NODISCARD;

typedef struct fy_shadow_tally {
    int64_t started, finished, failed, preempted;
    int64_t guessed; /* of finished: ended as estimated, A not having begun them */
    double wait_us;  /* integral of waiting jobs */
} fy_shadow_tally;   /* since it was opened */

fy_shadow_tally fy_shadow_count(fy_shadow *shadow);
fy_fleet *fy_shadow_fleet(fy_shadow *shadow); /* to read */
const fy_sched *fy_shadow_sched(const fy_shadow *shadow);
/* The next instant of its own at which anything happens; INT64_MAX = none. */
int64_t fy_shadow_wake(const fy_shadow *shadow);

#endif
