/* SPDX-License-Identifier: MIT */
/*
 * Single changes that might start a waiting job, in the order of their prices, and the trial of
 * one. docs/explain.md lists them for people.
 */
#ifndef FUYAO_SCHED_CHANGE_H
#define FUYAO_SCHED_CHANGE_H

#include "fuyao/explain.h"
#include "sched/trial.h"

typedef struct fy_changes {
    fy_change *list; /* [n], cheapest first */
    bool *hopeful;   /* of nodes and preemptions: with those devices the job would have room; tried
                        before the others of its kind */
    size_t n, room, hopeful_room;
} fy_changes; /* zero-initialised is valid */

/* All changes for the job. What cannot concern it (a limit it does not run into) is none. */
void fy_changes_find(fy_changes *all, const fy_fleet *fleet, const fy_job *job,
                     const fy_explain_options *options);
void fy_changes_free(fy_changes *all);

/*
 * Apply the change to a copy and run one pass. *starts: the job has
 * started in it, and change->chip and starts_with say where.
 */
int fy_change_try(fy_change *change, const fy_trial_bytes *bytes, int64_t now_us, const fy_job *job,
                  bool *starts, fy_err *err) FY_NODISCARD;

/* What the tenant would hold beyond its guarantees with `milli` more of `chip`. */
int64_t fy_tenant_beyond(const fy_fleet *fleet, const fy_tenant *tenant, int chip, int64_t milli);

#endif
