/* SPDX-License-Identifier: MIT */
/*
 * srtf and srsf: shortest remaining time first, and shortest remaining service first, both with
 * preemption (Schrage 1968: srtf has the least mean completion time on one machine; srsf as in Gu
 * et al., NSDI 2019). Oracles: nobody knows the remaining work of a real job.
 *
 *   remaining   work left / rate on the fastest acceptable chip, with all workers
 *   order       priority; then remaining (srtf), or remaining x devices (srsf): those it asks
 *               for, whatever an elastic gang holds, so that a stop changes no job's place
 *   stops       only those that come strictly later; a service has no end: it comes first and is
 *               never stopped
 *
 * Among those that run remaining time falls alike for all, so they are kept by the instant at which
 * they finish; for srsf one heap for each number of devices. Complexity of a round: O(active
 * classes + decisions x (log n + heaps)).
 */
#include "sched/ordered.h"

#include <stdlib.h>

enum { X_BITS = 60 };

struct fy_policy {
    fy_ordered ordered; /* first: see ordered.h */
    bool by_service;
};

static int64_t clamp(fy_wide x)
{
    const fy_wide most = ((fy_wide)1 << X_BITS) - 1;

    return (int64_t)(x < 0 ? 0 : (x < most ? x : most));
}

static int64_t best_rate(const fy_job *job)
{
    int64_t best = 1;

    for (int i = 0; i < job->rec.n_rates; i++) {
        int64_t rate = fy_job_rate(job, job->rec.rates[i].chip, job->rec.max_workers, false);

        best = rate > best ? rate : best;
    }
    return best;
}

/* Milli-devices that a second of remaining time counts for. */
static int64_t weight(const fy_policy *srtf, const fy_job *job)
{
    int64_t milli = fy_job_need_milli(job);

    if (!srtf->by_service) {
        return FY_WHOLE;
    }
    return milli > 0 ? milli : 1;
}

static int64_t rank(void *ctx, const fy_job *job, int64_t now_us)
{
    fy_wide left_q = job->rec.work_q - fy_job_done(job, now_us);

    if (job->rec.work_q < 0) {
        return fy_order_key(job, 0);
    }
    return fy_order_key(job,
                        clamp(left_q * 1000000 / best_rate(job) * weight(ctx, job) / FY_WHOLE));
}

static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    *key = rank(ctx, job, job->queued_us);
    *tie = job->id;
}

/* By the rate at which it runs, which may not be its best: never below its rank. */
static int64_t rank_running(void *ctx, const fy_job *job, int64_t now_us)
{
    fy_wide left_us = fy_job_finish_us(job) - now_us;

    return fy_order_key(job, clamp(left_us * weight(ctx, job) / FY_WHOLE));
}

static void place(void *ctx, const fy_job *job, int64_t now_us, int64_t *key, int64_t *heap)
{
    (void)now_us;
    *key = -fy_order_key(job, clamp(fy_job_finish_us(job)));
    *heap = weight(ctx, job);
}

static const fy_ordered_ops ops = {.order = order,
                                   .rank = rank,
                                   .rank_running = rank_running,
                                   .place = place,
                                   .why_stop = FY_WHY_PREEMPT_ORDER};

static fy_policy *open_by(bool by_service)
{
    fy_policy *srtf = fy_calloc(1, sizeof *srtf);

    fy_ordered_init(&srtf->ordered, &ops, srtf);
    srtf->by_service = by_service;
    return srtf;
}

static fy_policy *srtf_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    (void)fleet;
    (void)settings;
    (void)err;
    return open_by(false);
}

static fy_policy *srsf_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    (void)fleet;
    (void)settings;
    (void)err;
    return open_by(true);
}

static void srtf_close(fy_policy *srtf)
{
    if (srtf != NULL) {
        fy_ordered_free(&srtf->ordered);
        free(srtf);
    }
}

const fy_policy_ops fy_policy_srtf = {
    .info = {"srtf", "shortest remaining time first, preempting (oracle)", true},
    .open = srtf_open,
    .observe = fy_ordered_policy_observe,
    .decide = fy_ordered_policy_decide,
    .wake = fy_ordered_policy_wake,
    .explain = fy_ordered_policy_explain,
    .save = fy_ordered_policy_save,
    .load = fy_ordered_policy_load,
    .close = srtf_close,
};

const fy_policy_ops fy_policy_srsf = {
    .info = {"srsf", "shortest remaining time x devices first, preempting (oracle)", true},
    .open = srsf_open,
    .observe = fy_ordered_policy_observe,
    .decide = fy_ordered_policy_decide,
    .wake = fy_ordered_policy_wake,
    .explain = fy_ordered_policy_explain,
    .save = fy_ordered_policy_save,
    .load = fy_ordered_policy_load,
    .close = srtf_close,
};
