/* SPDX-License-Identifier: MIT */
/*
 * backfill: EASY backfilling (Lifka, JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 2001). Order as
 * in fifo: priority, then submission. The first job that does not fit gets a reservation; a later
 * one may start now if
 *
 *   now + its limit <= reserved instant, or
 *   after it the reserved nodes still keep what the first job needs at that instant
 *
 * so a job without a limit never passes a reservation it could delay. The reservation is made node
 * by node on the acceptable chip on which its instant is earliest, from the limits of what runs;
 * where that hangs on a job without a limit there is no instant, and only jobs with a limit, or on
 * chips that the first job does not accept, may start. Power is not reserved: what the cap stops is
 * not passed.
 *
 *     class: line of its jobs ─► the first whose limit is short enough, O(log n)
 *
 * Complexity of a round: O((active classes + log n) x decisions), and a reservation made anew
 * O(k log n) for the k jobs that must end first.
 */
#include "sched/line.h"
#include "sched/policy.h"
#include "sched/queue.h"
#include "sched/reserve.h"

#include <stdlib.h>

enum { N_PRIORITIES = FY_SPOT + 1 };
static const int64_t no_limit_us = INT64_MAX - 1;

typedef struct waiting {
    fy_line lines[N_PRIORITIES];
    int32_t n, active_at; /* how many wait; place among the active classes, -1 = none waits */
    uint64_t refused_in;  /* the pass in which it would have delayed the first job: from then on
                             only its short jobs are let through */
} waiting;

struct fy_policy {
    fy_queue queue;
    fy_reserve reserve;
    fy_line_places places;
    waiting *classes; /* [n] by class */
    int32_t *active;
    size_t n, room, n_active, active_room;
    uint64_t pass;
};

/* ------------------------------------------------------------------ lines */

static waiting *class_at(fy_policy *bf, int32_t cls)
{
    bf->classes = fy_grow(bf->classes, &bf->room, (size_t)cls + 1, sizeof *bf->classes);
    for (; bf->n <= (size_t)cls; bf->n++) {
        bf->classes[bf->n] = (waiting){.active_at = -1};
    }
    return &bf->classes[cls];
}

static void stand_in(fy_policy *bf, const fy_job *job)
{
    waiting *w = class_at(bf, job->cls);
    int64_t limit_us = job->rec.limit_us >= 0 ? job->rec.limit_us : no_limit_us;

    fy_line_set(&w->lines[job->rec.priority], &bf->places, job->slot, limit_us);
    if (w->n++ == 0) {
        bf->active = fy_grow(bf->active, &bf->active_room, bf->n_active + 1, sizeof *bf->active);
        w->active_at = (int32_t)bf->n_active;
        bf->active[bf->n_active++] = job->cls;
    }
}

static void stand_out(fy_policy *bf, const fy_job *job)
{
    waiting *w = class_at(bf, job->cls);

    fy_line_set(&w->lines[job->rec.priority], &bf->places, job->slot, INT64_MAX);
    if (--w->n == 0) {
        int32_t last = bf->active[--bf->n_active];

        bf->active[w->active_at] = last;
        bf->classes[last].active_at = w->active_at;
        w->active_at = -1;
    }
}

/* Called once for each job that begins to wait. */
static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    *key = fy_order_key(job, 0);
    *tie = job->id;
    stand_in(ctx, job);
}

/* The first job of the class with a limit of at most `most_us`. */
static fy_job *first_of(const fy_policy *bf, const fy_fleet *fleet, int32_t cls, int64_t most_us)
{
    for (int p = 0; p < N_PRIORITIES; p++) {
        int32_t slot = fy_line_first(&bf->classes[cls].lines[p], most_us);

        if (slot >= 0) {
            return fleet->jobs[slot];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ the first job */

/* Start from the front while it fits. Returns the first job that does not, or NULL. */
static fy_job *start_front(fy_policy *bf, fy_round *round)
{
    while (round->status == 0) {
        int32_t cls = fy_queue_front(&bf->queue, round->fleet);
        fy_job *job = cls >= 0 ? fy_queue_head(&bf->queue, round->fleet, cls) : NULL;
        fy_reason why;

        if (job == NULL || fy_queue_blocked(&bf->queue, round->fleet, cls)) {
            return job;
        }
        why = fy_round_try(round, job, ~(uint64_t)0, FY_WHY_FIRST);
        if (why != FY_WHY_NONE) {
            fy_queue_block(&bf->queue, round->fleet, cls, why);
        }
    }
    return NULL;
}

/* Power is not reserved: where the cap alone stops the first job, nothing passes it. */
static bool waits_for_power(const fy_policy *bf, const fy_job *first)
{
    return bf->queue.classes[first->cls].why == FY_WHY_POWER_CAP;
}

/* ------------------------------------------------------------------ those behind it */

static bool refused(const fy_policy *bf, int32_t cls)
{
    return bf->classes[cls].refused_in == bf->pass;
}

/* How long a job may run that ends before the reserved instant. */
static int64_t short_us(const fy_policy *bf, int64_t now_us)
{
    return bf->reserve.at_us == FY_NEVER ? no_limit_us - 1 : bf->reserve.at_us - now_us;
}

/* The first of all classes that may hope, and whether it is sure to end in time. */
static fy_job *next_behind(const fy_policy *bf, const fy_fleet *fleet, int64_t now_us)
{
    fy_job *best = NULL;

    for (size_t i = 0; i < bf->n_active; i++) {
        int32_t cls = bf->active[i];
        fy_job *job = NULL;

        if (!fy_queue_blocked(&bf->queue, fleet, cls)) {
            job = first_of(bf, fleet, cls, refused(bf, cls) ? short_us(bf, now_us) : no_limit_us);
        }
        if (job != NULL && (best == NULL || job->rec.priority < best->rec.priority ||
                            (job->rec.priority == best->rec.priority && job->id < best->id))) {
            best = job;
        }
    }
    return best;
}

/* Start a long job where the reservation allows it, `workers` of them on one chip. */
static fy_reason try_chip(fy_policy *bf, fy_round *round, fy_job *job, int chip, int workers)
{
    int64_t milli = fy_gang_milli(workers, job->rec.devices, job->rec.milli);
    fy_reason why = fy_fleet_may_start(round->fleet, job, chip, milli);
    fy_place place;

    if (why != FY_WHY_NONE) {
        return why;
    }
    if (!fy_placer_find(round->placer, round->fleet, job, (uint64_t)1 << chip, workers, &place)) {
        return round->fleet->pools[chip].idle_milli >= milli ? FY_WHY_FRAGMENTED
                                                             : FY_WHY_NO_DEVICES;
    }
    if (!fy_reserve_allows(&bf->reserve, round->fleet, job, &place) &&
        (bf->reserve.at_us == FY_NEVER ||
         !fy_reserve_beside(&bf->reserve, round->fleet, job, chip, workers, &place))) {
        return FY_WHY_RESERVED;
    }
    fy_reserve_take(&bf->reserve, round->fleet, job, &place);
    (void)fy_round_start(round, job, &place, FY_WHY_BACKFILL);
    return FY_WHY_NONE;
}

static fy_reason try_beside(fy_policy *bf, fy_round *round, fy_job *job)
{
    const fy_job_record *rec = &job->rec;
    fy_reason reserved = FY_WHY_NONE;
    fy_reason why = FY_WHY_NO_DEVICES;

    for (int i = 0; i < rec->n_rates; i++) {
        if (rec->rates[i].rate_q <= 0 || round->fleet->pools[rec->rates[i].chip].n_nodes == 0) {
            continue;
        }
        why = try_chip(bf, round, job, rec->rates[i].chip, rec->workers + rec->spares);
        if (why != FY_WHY_NONE && rec->min_workers < rec->workers) {
            reserved = why == FY_WHY_RESERVED ? why : reserved;
            why = try_chip(bf, round, job, rec->rates[i].chip, rec->min_workers + rec->spares);
        }
        if (why == FY_WHY_NONE) {
            return why;
        }
        reserved = why == FY_WHY_RESERVED ? why : reserved;
    }
    return reserved != FY_WHY_NONE ? reserved : why;
}

static void start_behind(fy_policy *bf, fy_round *round)
{
    while (round->status == 0) {
        fy_job *job = next_behind(bf, round->fleet, round->now_us);
        bool ends_in_time;
        fy_reason why;

        if (job == NULL) {
            return;
        }
        ends_in_time = job->rec.limit_us >= 0 && job->rec.limit_us <= short_us(bf, round->now_us);
        why = ends_in_time ? fy_round_try(round, job, ~(uint64_t)0, FY_WHY_BACKFILL)
                           : try_beside(bf, round, job);
        if (why == FY_WHY_RESERVED) {
            bf->classes[job->cls].refused_in = bf->pass;
        } else if (why != FY_WHY_NONE) {
            fy_queue_block(&bf->queue, round->fleet, job->cls, why);
        }
    }
}

/* ------------------------------------------------------------------ the policy */

static fy_policy *backfill_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    fy_policy *bf = fy_calloc(1, sizeof *bf);

    (void)fleet;
    (void)settings;
    (void)err;
    fy_reserve_init(&bf->reserve);
    return bf;
}

/* Who stands in line and is about to leave the queue. */
static void step_out(fy_policy *bf, const fy_job *job)
{
    if (fy_queue_has(&bf->queue, job) &&
        (job->state != FY_JOB_WAITING || job->never != FY_WHY_NONE)) {
        stand_out(bf, job);
    }
}

static void backfill_observe(fy_policy *bf, const fy_fleet *fleet, const fy_event *event,
                             const fy_job *job)
{
    if (event->kind == FY_EV_SUBMITTED) {
        fy_line_join(&class_at(bf, job->cls)->lines[job->rec.priority], &bf->places, job->slot);
    }
    if (job != NULL) {
        step_out(bf, job);
    }
    for (size_t i = 0; i < fleet->n_woken; i++) {
        step_out(bf, fleet->jobs[fleet->woken[i]]);
    }
    fy_queue_observe(&bf->queue, fleet, event, job, order, bf);
    fy_reserve_observe(&bf->reserve, job);
    if (job != NULL && job->state == FY_JOB_GONE) {
        fy_line_leave(&class_at(bf, job->cls)->lines[job->rec.priority], &bf->places, job->slot);
    }
    if (event->kind == FY_EV_LIMITS && job != NULL && fy_queue_has(&bf->queue, job)) {
        stand_out(bf, job);
        stand_in(bf, job);
    }
}

static void backfill_decide(fy_policy *bf, fy_round *round)
{
    fy_job *first = start_front(bf, round);

    bf->pass++;
    if (first != NULL && round->status == 0 && bf->queue.n_jobs > 1 &&
        !waits_for_power(bf, first)) {
        fy_reserve_make(&bf->reserve, round->fleet, first);
        start_behind(bf, round);
    }
}

static fy_reason backfill_explain(const fy_policy *bf, const fy_fleet *fleet, const fy_job *job,
                                  int64_t *other)
{
    int32_t cls = fy_queue_front(&bf->queue, fleet);
    const fy_job *first = cls >= 0 ? fy_queue_head(&bf->queue, fleet, cls) : NULL;
    fy_reason why = fy_queue_explain(&bf->queue, fleet, job, other);

    if (first != NULL && first != job && waits_for_power(bf, first)) {
        *other = first->id;
        return FY_WHY_BEHIND;
    }
    if ((why == FY_WHY_BEHIND || why == FY_WHY_NEXT_ROUND) && refused(bf, job->cls) &&
        job->id != bf->reserve.job) {
        *other = bf->reserve.job;
        return FY_WHY_RESERVED;
    }
    return why;
}

static void backfill_save(const fy_policy *bf, const fy_fleet *fleet, fy_str *out)
{
    (void)fleet;
    fy_queue_save(&bf->queue, out);
    fy_pack_int(out, bf->reserve.job);
    fy_pack_count(out, bf->n);
    for (size_t c = 0; c < bf->n; c++) {
        fy_pack_int(out, refused(bf, (int32_t)c));
    }
}

static bool backfill_load(fy_policy *bf, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n;

    if (!fy_queue_load(&bf->queue, fleet, in)) {
        return false;
    }
    bf->pass = 1;
    bf->reserve.job = fy_unpack_in(in, -1, INT64_MAX);
    n = fy_unpack_count(in);
    if (n > fleet->n_classes) {
        return false;
    }
    for (size_t c = 0; c < n; c++) {
        class_at(bf, (int32_t)c)->refused_in = (uint64_t)fy_unpack_in(in, 0, 1);
    }
    return !in->failed;
}

static void backfill_close(fy_policy *bf)
{
    if (bf != NULL) {
        for (size_t c = 0; c < bf->n; c++) {
            for (int p = 0; p < N_PRIORITIES; p++) {
                fy_line_free(&bf->classes[c].lines[p]);
            }
        }
        fy_queue_free(&bf->queue);
        fy_reserve_free(&bf->reserve);
        free(bf->places.at);
        free(bf->classes);
        free(bf->active);
        free(bf);
    }
}

const fy_policy_ops fy_policy_backfill = {
    .info = {"backfill", "EASY: first come, first served, and what delays nobody first", false},
    .open = backfill_open,
    .observe = backfill_observe,
    .decide = backfill_decide,
    .explain = backfill_explain,
    .save = backfill_save,
    .load = backfill_load,
    .close = backfill_close,
};
