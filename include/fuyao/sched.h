/* SPDX-License-Identifier: MIT */
/*
 * Policies: who runs next, on which chip. A policy reads the fleet, keeps only what it derives from
 * events, and decides; it never changes state itself. Its decisions become intent events through
 * the round, which the simulator and the daemon both call.
 */
#ifndef FUYAO_SCHED_H
#define FUYAO_SCHED_H

#include "fuyao/fleet.h"

/* Settings as given by --set key=value; keys are NAME.key. Borrowed. */
typedef struct fy_setting {
    const char *key, *value;
} fy_setting;

typedef struct fy_sched_options {
    const char *policy;    /* a name that fy_policy_at knows */
    const char *placement; /* NULL = pack */
    const fy_setting *settings;
    int n_settings;
    uint64_t seed; /* for policies that draw */
} fy_sched_options;

typedef struct fy_policy_info {
    const char *name, *summary;
    bool oracle; /* uses what nobody can know: true remaining time */
} fy_policy_info;

/* The i-th policy from 0 on; NULL after the last. */
const fy_policy_info *fy_policy_at(int i);

/* Every key that --set knows, with its meaning and default; ended by a NULL key. */
typedef struct fy_setting_info {
    const char *key, *fallback, *meaning;
} fy_setting_info;

const fy_setting_info *fy_setting_list(void);

typedef struct fy_sched fy_sched;

/*
 * A policy with its placement, for `fleet` (borrowed, must outlive it). On a fleet at work it takes
 * over who waits and who runs, as one would that has seen nothing of how it came to that: to change
 * the policy while running.
 * Errors: FY_EINVAL names the unknown policy, placement, key or value and lists what there is.
 */
int fy_sched_open(fy_sched **out, fy_fleet *fleet, const fy_sched_options *options,
                  fy_err *err) FY_NODISCARD;
void fy_sched_close(fy_sched *sched); /* NULL allowed */

struct fy_str;

/* Append what the policy keeps and its fleet does not show, as bytes, to be saved with the fleet.
 * Not within a round. */
void fy_sched_save(const fy_sched *sched, struct fy_str *out);

/*
 * Back into a policy just opened with the same options on the same fleet at the same instant: from
 * then on it decides as the one that was saved, which observed everything. Where a journal goes on
 * after that instant, decide each of its rounds again (fy_sched_round; the decisions are the lines
 * that follow): when it last looked is a thing that a policy learns by deciding.
 * Errors: FY_EPARSE where the bytes are torn, damaged, or of another policy or instant; the policy
 * may then only be closed.
 */
int fy_sched_load(fy_sched *sched, const void *bytes, size_t len, fy_err *err) FY_NODISCARD;

/* Is it the policy, placement, seed and settings of `options`? */
bool fy_sched_same(const fy_sched *sched, const fy_sched_options *options);

/* Its name, and its configuration as its first round event has it; borrowed. */
const char *fy_sched_name(const fy_sched *sched);
const char *fy_sched_config(const fy_sched *sched);

/* Its first round event, which names it, is in the journal already. */
void fy_sched_told(fy_sched *sched);

/*
 * Tell the policy of an event that the fleet has applied. `job`: the one it is about, as it is now
 * (still readable where it has just ended), or NULL.
 */
struct fy_job;
void fy_sched_observe(fy_sched *sched, const fy_event *event, const struct fy_job *job);

/*
 * One round at the fleet's present instant: a round event, then the policy's decisions as intent
 * events, each handed to `emit`, which must apply it to the fleet, tell the policy
 * (fy_sched_observe) and act on it. Returns the number of decisions, or a negative code.
 */
int fy_sched_round(fy_sched *sched, int64_t now_us, fy_event_fn emit, void *ctx,
                   fy_err *err) FY_NODISCARD;

/* The next instant at which time alone may change a decision; INT64_MAX = none. */
int64_t fy_sched_wake(const fy_sched *sched);

/* Why job `id` waits: a reason and the job that stands in its way (-1 = none). */
fy_reason fy_sched_explain(const fy_sched *sched, int64_t id, int64_t *other);

#endif
