/* SPDX-License-Identifier: MIT */
/*
 * las: least attained service in levels, two-dimensional (Tiresias: Gu et al., NSDI 2019, 2D-LAS).
 * No oracle: what counts is the service a job has had, devices x time, over all its attempts.
 *
 *   level     0 below las.first device-seconds; level i ends at las.first x 4^i; the last of
 *             las.levels has no end
 *   order     priority; then level; then first start, or submission where it never started
 *   stops     only across levels (and priorities): a job of a lower level takes the devices of
 *             those in higher levels, the highest level and the latest in it first
 *   promote   a job that has waited las.promote times as long as it has run goes back to level 0
 *             (0 = never)
 *
 * The paper takes few levels (two in its test bed) against thrashing and leaves the threshold to
 * the site; 57,600 device-seconds (16 device-hours) is the one that Pollux's comparison with
 * Tiresias uses. Services attain nothing: they stay in level 0 and are never stopped. What comes
 * after a gang that does not fit starts beside it, so a gang may wait long in a busy level; that is
 * what las.promote is for.
 *
 * Complexity of a round: O(active classes + decisions log n); a level change is an instant in a
 * heap, O(log n).
 */
#include "sched/ordered.h"

#include <stdlib.h>

enum { AT_BITS = 55, MOST_LEVELS = 16 };

struct fy_policy {
    fy_ordered ordered; /* first: see ordered.h */
    int levels;
    double promote;
    int64_t edge_us[MOST_LEVELS]; /* [levels - 1] upper edges of the levels [device-us] */
    int64_t *forgiven_us;         /* [slot] service attained before its promotion */
    size_t n_slots, forgiven_room;
};

static int level_of(const fy_policy *las, const fy_job *job, int64_t now_us)
{
    int64_t attained_us = fy_job_attained_us(job, now_us) - las->forgiven_us[job->slot];
    int level = 0;

    while (job->rec.work_q >= 0 && level < las->levels - 1 && attained_us >= las->edge_us[level]) {
        level++;
    }
    return level;
}

/* Priority, level, and the instant that orders the level. */
static int64_t key_of(const fy_policy *las, const fy_job *job, int64_t now_us)
{
    int64_t at = job->first_start_us >= 0 ? job->first_start_us : job->submit_us;
    int64_t most = ((int64_t)1 << AT_BITS) - 1;

    at = at < 0 ? 0 : (at < most ? at : most);
    return fy_order_key(job, (int64_t)level_of(las, job, now_us) << AT_BITS | at);
}

static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    *key = key_of(ctx, job, job->queued_us);
    *tie = job->id;
}

static int64_t rank(void *ctx, const fy_job *job, int64_t now_us)
{
    return key_of(ctx, job, now_us) >> AT_BITS;
}

static void place(void *ctx, const fy_job *job, int64_t now_us, int64_t *key, int64_t *weight)
{
    *key = -key_of(ctx, job, now_us);
    *weight = 0;
}

/* The instant at which a running job leaves its level, or a waiting one is promoted. */
static int64_t due(void *ctx, const fy_job *job, int64_t now_us)
{
    const fy_policy *las = ctx;
    int level = level_of(las, job, now_us);
    double patience_us = las->promote * (double)job->ran_us;
    fy_wide left;

    if (job->state != FY_JOB_RUNNING) {
        return las->promote > 0 && level > 0 && patience_us < 1e18
                   ? job->queued_us + (int64_t)patience_us
                   : FY_NEVER;
    }
    if (level == las->levels - 1 || job->held_milli == 0) {
        return FY_NEVER;
    }
    left = (fy_wide)(las->edge_us[level] + las->forgiven_us[job->slot]) * FY_WHOLE - job->held_int;
    left = (left + job->held_milli - 1) / job->held_milli;
    return left < FY_NEVER / 2 ? job->held_at_us + (int64_t)left : FY_NEVER;
}

static void ripen(void *ctx, const fy_job *job, int64_t now_us)
{
    fy_policy *las = ctx;

    las->forgiven_us[job->slot] = fy_job_attained_us(job, now_us);
}

static const fy_ordered_ops ops = {.order = order,
                                   .rank = rank,
                                   .rank_running = rank,
                                   .place = place,
                                   .due = due,
                                   .ripen = ripen,
                                   .why_stop = FY_WHY_PREEMPT_LEVEL};

static fy_policy *las_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    fy_policy *las = fy_calloc(1, sizeof *las);
    double edge_us = fy_settings_number(settings, "las.first", 57600, 1e-6, 1e11, err) * 1e6;

    (void)fleet;
    fy_ordered_init(&las->ordered, &ops, las);
    las->levels = (int)fy_settings_number(settings, "las.levels", 2, 1, MOST_LEVELS, err);
    las->promote = fy_settings_number(settings, "las.promote", 0, 0, 1e9, err);
    for (int i = 0; i < MOST_LEVELS; i++) {
        las->edge_us[i] = edge_us < 4e18 ? (int64_t)edge_us : (int64_t)4e18;
        edge_us *= 4;
    }
    return las;
}

static void las_observe(fy_policy *las, const fy_fleet *fleet, const fy_event *event,
                        const fy_job *job)
{
    las->forgiven_us = fy_grow(las->forgiven_us, &las->forgiven_room, fleet->n_slots + 1,
                               sizeof *las->forgiven_us);
    for (; las->n_slots < fleet->n_slots; las->n_slots++) {
        las->forgiven_us[las->n_slots] = 0;
    }
    if (event->kind == FY_EV_SUBMITTED) {
        las->forgiven_us[job->slot] = 0;
    }
    fy_ordered_observe(&las->ordered, fleet, event, job);
}

static void las_save(const fy_policy *las, const fy_fleet *fleet, fy_str *out)
{
    fy_ordered_save(&las->ordered, fleet, out);
    fy_pack_count(out, las->n_slots);
    for (size_t s = 0; s < las->n_slots; s++) {
        fy_pack_int(out, las->forgiven_us[s]);
    }
}

static bool las_load(fy_policy *las, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n;

    if (!fy_ordered_load(&las->ordered, fleet, in)) {
        return false;
    }
    n = fy_unpack_count(in);
    if (n > fleet->n_slots || n > las->n_slots) {
        return false;
    }
    for (size_t s = 0; s < n; s++) {
        las->forgiven_us[s] = fy_unpack_in(in, 0, INT64_MAX / 4);
    }
    fy_ordered_reorder(&las->ordered, fleet);
    return !in->failed;
}

static void las_close(fy_policy *las)
{
    if (las != NULL) {
        fy_ordered_free(&las->ordered);
        free(las->forgiven_us);
        free(las);
    }
}

const fy_policy_ops fy_policy_las = {
    .info = {"las", "least attained service in levels, preempting (Tiresias 2D-LAS)", false},
    .open = las_open,
    .observe = las_observe,
    .decide = fy_ordered_policy_decide,
    .wake = fy_ordered_policy_wake,
    .explain = fy_ordered_policy_explain,
    .save = las_save,
    .load = las_load,
    .close = las_close,
};
