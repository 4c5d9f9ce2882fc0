/* SPDX-License-Identifier: MIT */
#include "sched/assign.h"

#include <stdlib.h>

static bool runs(const fy_job *job)
{
    return job->state == FY_JOB_RUNNING || job->state == FY_JOB_STARTING;
}

int64_t fy_job_takes_milli(const fy_job *job, int chip)
{
    return runs(job) && job->chip == chip ? job->held_milli : fy_job_need_milli(job);
}

void fy_assigns_gather(fy_assigns *all, const fy_fleet *fleet)
{
    all->n = 0;
    for (int c = 0; c < fleet->n_chips; c++) {
        all->free[c] = fleet->pools[c].idle_milli;
    }
    for (size_t s = 0; s < fleet->n_slots; s++) {
        fy_job *job = fleet->jobs[s];

        if (!runs(job) && (job->state != FY_JOB_WAITING || job->never != FY_WHY_NONE)) {
            continue;
        }
        all->list = fy_grow(all->list, &all->room, all->n + 1, sizeof *all->list);
        all->list[all->n++] = (fy_assign){.job = job, .tie = job->id, .chip = -1};
        if (runs(job)) {
            all->free[job->chip] += job->held_milli;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const fy_assign *x = a;
    const fy_assign *y = b;

    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->tie > y->tie) - (x->tie < y->tie);
}

void fy_assigns_sort(fy_assigns *all)
{
    if (all->n > 1) {
        qsort(all->list, all->n, sizeof *all->list, compare);
    }
}

void fy_assign_chip(fy_assigns *all, fy_assign *assign, int chip)
{
    assign->chip = chip;
    all->free[chip] -= fy_job_takes_milli(assign->job, chip);
}

void fy_assigns_realize(fy_assigns *all, fy_round *round, bool strict, fy_reason why_start,
                        fy_reason why_stop)
{
    bool stopping = false;

    for (size_t i = 0; i < all->n && round->status == 0; i++) {
        fy_job *job = all->list[i].job;

        if (job->state == FY_JOB_RUNNING && job->chip != all->list[i].chip) {
            stopping |= fy_round_stop(round, job, why_stop, -1);
        }
    }
    for (size_t i = 0; i < all->n && !stopping && round->status == 0; i++) {
        fy_job *job = all->list[i].job;

        if (job->state == FY_JOB_WAITING && all->list[i].chip >= 0 &&
            fy_round_try(round, job, (uint64_t)1 << all->list[i].chip, why_start) != FY_WHY_NONE &&
            strict) {
            return;
        }
    }
}

void fy_assigns_free(fy_assigns *all)
{
    free(all->list);
    *all = (fy_assigns){0};
}
