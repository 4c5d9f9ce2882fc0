/* SPDX-License-Identifier: MIT */
/*
 * What a policy is made of. One file a policy; at its head paper, formula and complexity.
 *
 * A policy derives what it keeps from events alone, so deciding after observing equals deciding
 * after rebuilding from the journal, or from a snapshot of the fleet and of the policy. Effort
 * limits count iterations, never seconds.
 */
#ifndef FUYAO_SCHED_POLICY_H
#define FUYAO_SCHED_POLICY_H

#include "base/pack.h"
#include "base/rng.h"
#include "fleet/place.h"
#include "fuyao/sched.h"

/* What a policy works with while it decides. */
typedef struct fy_round {
    fy_fleet *fleet; /* to read; changed only through start and stop */
    fy_placer *placer;
    int64_t now_us;
    int n_decisions;
    int n_stops;
    int status; /* < 0: an intent was refused; the round is over */
    fy_event_fn emit;
    void *ctx;
    fy_err *err;
} fy_round;

/* Start `job` at `place`. False where the round is over. */
bool fy_round_start(fy_round *round, fy_job *job, const fy_place *place, fy_reason reason);

/* Stop `job` for the sake of job `other` (-1 = none). */
bool fy_round_stop(fy_round *round, fy_job *job, fy_reason reason, int64_t other);

/*
 * Start `job` on the first group of equally fast chips of `mask`, in the job's order of preference,
 * that has room; elastic jobs with as many workers as fit. FY_WHY_NONE: started; else why not.
 */
fy_reason fy_round_try(fy_round *round, fy_job *job, uint64_t mask, fy_reason reason);

/* Settings of one policy, read at open. */
typedef struct fy_settings {
    const fy_setting *list;
    int n;
    uint64_t seed;
} fy_settings;

/*
 * The value of `key`, or `fallback`. A malformed or impossible value is an error text in `err` (the
 * first one stays) and `fallback`.
 */
double fy_settings_number(const fy_settings *settings, const char *key, double fallback, double low,
                          double high, fy_err *err);
/* Index of the value among `choices` (NULL-ended). */
int fy_settings_choice(const fy_settings *settings, const char *key, const char *const *choices,
                       int fallback, fy_err *err);

typedef struct fy_policy fy_policy; /* each policy's own struct */

typedef struct fy_policy_ops {
    fy_policy_info info;
    fy_policy *(*open)(const fy_fleet *fleet, const fy_settings *settings, fy_err *err);
    /* `job`: the one the event is about (still readable where it has just ended), or NULL */
    void (*observe)(fy_policy *policy, const fy_fleet *fleet, const fy_event *event,
                    const fy_job *job);
    void (*decide)(fy_policy *policy, fy_round *round);
    int64_t (*wake)(const fy_policy *policy, const fy_fleet *fleet); /* NULL = never */
    fy_reason (*explain)(const fy_policy *policy, const fy_fleet *fleet, const fy_job *job,
                         int64_t *other); /* for placeable waiting jobs */
    /*
     * What the policy keeps and the fleet does not show, as bytes; and back, into a policy just
     * opened on that fleet (whose waiting jobs may ask for something else by now). NULL = nothing.
     * `load` returns false where the bytes are none of its own; the policy may then only be closed.
     */
    void (*save)(const fy_policy *policy, const fy_fleet *fleet, fy_str *out);
    bool (*load)(fy_policy *policy, const fy_fleet *fleet, fy_unpack *in);
    void (*close)(fy_policy *policy);
} fy_policy_ops;

extern const fy_policy_ops fy_policy_fifo;
extern const fy_policy_ops fy_policy_backfill;
extern const fy_policy_ops fy_policy_srtf;
extern const fy_policy_ops fy_policy_srsf;
extern const fy_policy_ops fy_policy_las;
extern const fy_policy_ops fy_policy_fair;
extern const fy_policy_ops fy_policy_gain;

#endif
