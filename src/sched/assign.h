/* SPDX-License-Identifier: MIT */
/*
 * Deciding anew for everybody: a policy that looks at all jobs, running and waiting, says which
 * chip each should have now, counting devices only; this file then does what it takes: it stops
 * those that run elsewhere, and starts the others once their devices are free.
 */
#ifndef FUYAO_SCHED_ASSIGN_H
#define FUYAO_SCHED_ASSIGN_H

#include "sched/policy.h"

typedef struct fy_assign {
    fy_job *job;
    int64_t key, tie; /* order among the jobs, for the policy's use */
    int64_t stand;    /* scratch of match.c */
    int32_t chip;     /* the chip it should have, -1 = none */
} fy_assign;

typedef struct fy_assigns {
    fy_assign *list; /* [n] */
    size_t n, room;
    int64_t free[FY_MAX_CHIPS]; /* milli-devices to give away, running jobs' own included */
} fy_assigns;                   /* zero-initialised is valid; kept between rounds for its memory */

/* All jobs that run or could (waiting and placeable; starting ones count as running). */
void fy_assigns_gather(fy_assigns *all, const fy_fleet *fleet);

/* Sort by (key, tie). */
void fy_assigns_sort(fy_assigns *all);

/* Milli-devices that it takes on `chip`: what it holds where it runs there already (an elastic gang
 * may hold more or less than it asked for), else what it asks for. */
int64_t fy_job_takes_milli(const fy_job *job, int chip);

/* Give the job `chip` and count it. */
void fy_assign_chip(fy_assigns *all, fy_assign *assign, int chip);

/*
 * Carry the assignment out. Running jobs whose chip is another or none are stopped (`why_stop`);
 * while any is stopping nothing is started. Otherwise waiting jobs are started in the list's order;
 * `strict`: the first that cannot be placed ends the pass.
 */
void fy_assigns_realize(fy_assigns *all, fy_round *round, bool strict, fy_reason why_start,
                        fy_reason why_stop);

void fy_assigns_free(fy_assigns *all);

#endif
