/* SPDX-License-Identifier: MIT */
/*
 * fifo: strictly first come, first served, by priority and then by submission. The first job that
 * does not fit ends the pass, so nothing overtakes. Jobs stopped by a limit of their own tenant or
 * array are passed over: they hold up nobody.
 *
 *   fifo.chip=draw   each of the acceptable chips with room is equally likely (and kept)
 *   fifo.anew=yes    every decision chooses the chips of all jobs anew, the job's best chip with
 *                    room first, in order of submission; what runs elsewhere is moved
 *
 * Complexity of a round: O(active classes + decisions log n); anew: O(n log n) for n jobs.
 */
#include "sched/assign.h"
#include "sched/queue.h"

#include <stdlib.h>

struct fy_policy {
    fy_queue queue;
    fy_assigns all;
    bool draw, anew;
    uint64_t seed;
};

static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    (void)ctx;
    *key = fy_order_key(job, 0);
    *tie = job->id;
}

static fy_policy *fifo_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    static const char *const chips[] = {"preference", "draw", NULL};
    static const char *const yes_no[] = {"no", "yes", NULL};
    fy_policy *fifo = fy_calloc(1, sizeof *fifo);

    (void)fleet;
    fifo->draw = fy_settings_choice(settings, "fifo.chip", chips, 0, err) == 1;
    fifo->anew = fy_settings_choice(settings, "fifo.anew", yes_no, 0, err) == 1;
    fifo->seed = settings->seed;
    return fifo;
}

static void fifo_observe(fy_policy *fifo, const fy_fleet *fleet, const fy_event *event,
                         const fy_job *job)
{
    fy_queue_observe(&fifo->queue, fleet, event, job, order, NULL);
}

/* One of the acceptable chips with room, each equally likely; all of them where none has room.
 * The draw hangs on seed, job and attempt alone, so that a replay draws the same. */
static uint64_t draw_chip(const fy_policy *fifo, fy_round *round, fy_job *job)
{
    fy_rng rng = fy_rng_stream(fifo->seed, (uint64_t)job->id * 64 + (uint64_t)(job->attempt % 64));
    uint64_t open[FY_MAX_CHIPS];
    fy_place place;
    int n = 0;

    for (int i = 0; i < job->rec.n_rates; i++) {
        uint64_t chip = (uint64_t)1 << job->rec.rates[i].chip;

        if (fy_placer_find(round->placer, round->fleet, job, chip,
                           job->rec.workers + job->rec.spares, &place)) {
            open[n++] = chip;
        }
    }
    return n > 0 ? open[fy_rng_below(&rng, (uint64_t)n)] : ~(uint64_t)0;
}

static void decide_anew(fy_policy *fifo, fy_round *round)
{
    fy_assigns *all = &fifo->all;

    fy_assigns_gather(all, round->fleet);
    for (size_t i = 0; i < all->n; i++) {
        all->list[i].key = fy_order_key(all->list[i].job, 0);
    }
    fy_assigns_sort(all);
    for (size_t i = 0; i < all->n; i++) {
        const fy_job *job = all->list[i].job;
        int chip = -1;

        for (int k = 0; k < job->rec.n_rates && chip < 0; k++) {
            int c = job->rec.rates[k].chip;

            if (job->rec.rates[k].rate_q > 0 && all->free[c] >= fy_job_takes_milli(job, c)) {
                chip = c;
            }
        }
        if (chip < 0) {
            break;
        }
        fy_assign_chip(all, &all->list[i], chip);
    }
    fy_assigns_realize(all, round, true, FY_WHY_FIRST, FY_WHY_PREEMPT_ORDER);
}

static void fifo_decide(fy_policy *fifo, fy_round *round)
{
    if (fifo->anew) {
        decide_anew(fifo, round);
        return;
    }
    while (round->status == 0) {
        int32_t cls = fy_queue_front(&fifo->queue, round->fleet);
        fy_job *job = cls >= 0 ? fy_queue_head(&fifo->queue, round->fleet, cls) : NULL;
        fy_reason why;

        if (job == NULL || fy_queue_blocked(&fifo->queue, round->fleet, cls)) {
            return;
        }
        why = fy_round_try(round, job, fifo->draw ? draw_chip(fifo, round, job) : ~(uint64_t)0,
                           FY_WHY_FIRST);
        if (why != FY_WHY_NONE) {
            fy_queue_block(&fifo->queue, round->fleet, cls, why);
            if (!fy_own_limit(why)) {
                return;
            }
        }
    }
}

static fy_reason fifo_explain(const fy_policy *fifo, const fy_fleet *fleet, const fy_job *job,
                              int64_t *other)
{
    int32_t cls = fy_queue_front(&fifo->queue, fleet);
    const fy_job *front = cls >= 0 ? fy_queue_head(&fifo->queue, fleet, cls) : NULL;

    if (front != NULL && front != job) {
        fy_reason own = fy_queue_explain(&fifo->queue, fleet, job, other);

        if (fy_own_limit(own)) {
            return own;
        }
        *other = front->id;
        return FY_WHY_BEHIND;
    }
    return fy_queue_explain(&fifo->queue, fleet, job, other);
}

static void fifo_save(const fy_policy *fifo, const fy_fleet *fleet, fy_str *out)
{
    (void)fleet;
    fy_queue_save(&fifo->queue, out);
}

static bool fifo_load(fy_policy *fifo, const fy_fleet *fleet, fy_unpack *in)
{
    return fy_queue_load(&fifo->queue, fleet, in);
}

static void fifo_close(fy_policy *fifo)
{
    if (fifo != NULL) {
        fy_queue_free(&fifo->queue);
        fy_assigns_free(&fifo->all);
        free(fifo);
    }
}

const fy_policy_ops fy_policy_fifo = {
    .info = {"fifo", "strict first come, first served", false},
    .open = fifo_open,
    .observe = fifo_observe,
    .decide = fifo_decide,
    .explain = fifo_explain,
    .save = fifo_save,
    .load = fifo_load,
    .close = fifo_close,
};
