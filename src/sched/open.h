/* SPDX-License-Identifier: MIT */
/* A policy at work, as the files that open, run and copy it see it. */
#ifndef FUYAO_SCHED_OPEN_H
#define FUYAO_SCHED_OPEN_H

#include "base/str.h"
#include "sched/policy.h"

struct fy_sched {
    const fy_policy_ops *ops;
    fy_policy *policy;
    fy_placer *placer;
    fy_fleet *fleet;
    uint64_t hash;
    fy_str config;            /* as text, for the first round event */
    bool told;                /* that event has been */
    bool stirred;             /* something has happened since the last round */
    fy_arena arena;           /* of what `options` points to */
    fy_sched_options options; /* as it was opened, for a copy */
};

/* Show a policy just opened who waits and who runs. */
void fy_sched_adopt(fy_sched *sched);

/*
 * A policy like `like` on `fleet`, a copy of its fleet at the same instant, with what fy_sched_save
 * has just written. Jobs that wait may ask for something else there.
 */
int fy_sched_reload(fy_sched **out, const fy_sched *like, fy_fleet *fleet, const fy_str *bytes,
                    fy_err *err) FY_NODISCARD;

#endif
