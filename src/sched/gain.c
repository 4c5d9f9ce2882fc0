/* SPDX-License-Identifier: MIT */
/*
 * gain: comparative advantage (Ricardo 1817). A scarce chip is offered first to the job that loses
 * most without it. No oracle: nobody is asked how long a job will run.
 *
 *   loss(job)   (r_best - r_next) / r_best over its acceptable chips: what it loses on the next one
 *   order       priority; then tenants within their fair share of the devices (weight, or
 *               guarantee where larger) before those beyond it; then run time attained, in doubling
 *               steps from one hour (least attained service: Gu et al., NSDI 2019); then
 *               submission, set forward by loss x gain.credit
 *   offer       in that order each job takes the fastest chip with room
 *   price       what a stop wastes is waste = restart + work since the last checkpoint [s]. A job is
 *               left alone until it has run 20 times its waste (so at most a twentieth is wasted),
 *               and is moved to a faster chip only if (r_new / r_now - 1) x age > waste, taking it
 *               to run as long again as it has run (heavy tails)
 *
 * Two kinds of pass. The whole look: all jobs are assigned anew, O(n log n) for n running and
 * waiting jobs; at most once in gain.period. Between looks waiting jobs fill what is free,
 * O(active classes).
 */
#include <stdlib.h>

#include "sched/assign.h"
#include "sched/queue.h"

enum { PATIENCE = 20 };                          /* run time over waste before a stop */
static const double first_step_s = 3600;         /* run time of the first step */
static const double us_per_s = 1e6;

struct fy_policy {
    fy_queue queue;
    fy_assigns all;
    double period_s, credit_s;
    int64_t looked_us;  /* last whole look; -1 = never */
    bool dirty;         /* something has happened since */
    int64_t *quota;     /* [tenants] fair share in milli-devices */
    int64_t *given;     /* [tenants] assigned in this look */
    size_t quota_room, given_room;
};

/* ------------------------------------------------------------------ order */

static double loss_of(const fy_job *job)
{
    int64_t best = 0;
    int64_t next = 0;

    for (int i = 0; i < job->rec.n_rates; i++) {
        int64_t rate = job->rec.rates[i].rate_q;

        if (rate > best) {
            next = best;
            best = rate;
        } else if (rate > next) {
            next = rate;
        }
    }
    return best > 0 ? (double)(best - next) / (double)best : 0;
}

/* Step of attained run time: 0 up to one hour, then each twice as wide as the last. */
static int64_t step_of(const fy_job *job, int64_t now_us)
{
    int64_t devices = fy_job_need_milli(job) / FY_WHOLE;
    double attained_s =
        (double)fy_job_attained_us(job, now_us) / us_per_s / (double)(devices > 0 ? devices : 1);
    int64_t step = 0;

    if (job->rec.work_q < 0) {
        return 0; /* a service never ends: what it has had says nothing */
    }
    for (double edge = first_step_s; attained_s > edge && step < 15; edge *= 2) {
        step++;
    }
    return step;
}

/* Priority (2 bits), step (4 bits), credited submission [us] (54 bits from a year before 0). */
static int64_t key_of(const fy_policy *gain, const fy_job *job, int64_t now_us)
{
    int64_t at = job->submit_us - (int64_t)(loss_of(job) * gain->credit_s * us_per_s);
    int64_t offset = (int64_t)1 << 53;

    at = at + offset < 0 ? 0 : at + offset;
    at = at >= (int64_t)1 << 54 ? ((int64_t)1 << 54) - 1 : at;
    return fy_order_key(job, step_of(job, now_us) << 55 | at);
}

static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    const fy_policy *gain = ctx;

    *key = key_of(gain, job, job->queued_us);
    *tie = job->id;
}

/* ------------------------------------------------------------------ fair shares */

/* Each tenant's part of all devices by weight among those with jobs; at least its guarantees. */
static void find_quotas(fy_policy *gain, const fy_fleet *fleet)
{
    size_t n = fleet->n_tenants;
    int64_t devices = 0;
    double weights = 0;

    gain->quota = fy_grow(gain->quota, &gain->quota_room, n + 1, sizeof *gain->quota);
    gain->given = fy_grow(gain->given, &gain->given_room, n + 1, sizeof *gain->given);
    for (int c = 0; c < fleet->n_chips; c++) {
        devices += (int64_t)fleet->pools[c].n_up * FY_WHOLE;
    }
    for (size_t i = 0; i < n; i++) {
        const fy_tenant *t = &fleet->tenants[i];

        weights += t->n_waiting > 0 || t->held_total > 0 ? t->weight : 0;
    }
    for (size_t i = 0; i < n; i++) {
        const fy_tenant *t = &fleet->tenants[i];
        int64_t guaranteed = 0;

        for (int c = 0; c < fleet->n_chips; c++) {
            guaranteed += t->guarantee_milli[c];
        }
        gain->quota[i] =
            weights > 0 ? (int64_t)((double)devices * (t->weight / weights)) : devices;
        gain->quota[i] = gain->quota[i] > guaranteed ? gain->quota[i] : guaranteed;
        gain->given[i] = 0;
    }
}

typedef struct rank_ctx {
    const fy_policy *gain;
    const fy_fleet *fleet;
} rank_ctx;

/* Priority first, then tenants within their share. */
static int64_t rank(void *ctx, const fy_class_key *key, const fy_job *head, bool room)
{
    const rank_ctx *r = ctx;
    const fy_tenant *t = &r->fleet->tenants[key->tenant];

    (void)room;
    return head->rec.priority * 2 + (t->held_total > r->gain->quota[key->tenant]);
}

/* ------------------------------------------------------------------ the price of a stop */

static double waste_s(const fy_job *job, int64_t now_us)
{
    double undone = (double)(fy_job_done(job, now_us) - fy_job_saved(job, now_us));
    double lost = job->rate_q > 0 ? undone / (double)job->rate_q : 0;

    return lost + (double)job->rec.restart_cost_us / us_per_s;
}

static double age_s(const fy_job *job, int64_t now_us)
{
    return (double)(now_us - job->start_us) / us_per_s;
}

/* A job that must be left where it is. */
static bool pinned(const fy_job *job, int64_t now_us)
{
    return job->state == FY_JOB_STARTING || job->rec.work_q < 0 ||
           now_us - job->start_us < job->rec.min_run_us ||
           age_s(job, now_us) < PATIENCE * waste_s(job, now_us);
}

/* Is the move from where it runs to a chip with `rate_q` worth its price? */
static bool worth(const fy_job *job, int64_t rate_q, int64_t now_us)
{
    double better = job->rate_q > 0 ? (double)rate_q / (double)job->rate_q - 1 : 1;

    return better > 0 && better * age_s(job, now_us) > waste_s(job, now_us);
}

/* ------------------------------------------------------------------ the whole look */

static bool has_room(const fy_assigns *all, const fy_assign *a, int chip)
{
    return all->free[chip] >= fy_job_need_milli(a->job);
}

static void offer(fy_assigns *all, fy_assign *a, int64_t now_us)
{
    const fy_job *job = a->job;

    for (int k = 0; k < job->rec.n_rates; k++) {
        const fy_rate *rate = &job->rec.rates[k];

        if (rate->rate_q <= 0 || !has_room(all, a, rate->chip)) {
            continue;
        }
        if (job->state == FY_JOB_RUNNING && rate->chip != job->chip &&
            has_room(all, a, job->chip) && !worth(job, rate->rate_q, now_us)) {
            fy_assign_chip(all, a, job->chip);
        } else {
            fy_assign_chip(all, a, rate->chip);
        }
        return;
    }
}

static void look(fy_policy *gain, fy_round *round)
{
    fy_assigns *all = &gain->all;

    fy_assigns_gather(all, round->fleet);
    for (size_t i = 0; i < all->n; i++) {
        fy_assign *a = &all->list[i];
        const fy_job *job = a->job;

        a->key = key_of(gain, job, round->now_us);
        if (job->state != FY_JOB_WAITING && pinned(job, round->now_us)) {
            fy_assign_chip(all, a, job->chip);
            gain->given[job->tenant] += job->held_milli;
        }
    }
    fy_assigns_sort(all);
    for (int beyond = 0; beyond < 2; beyond++) {
        for (size_t i = 0; i < all->n; i++) {
            fy_assign *a = &all->list[i];
            int64_t *given = &gain->given[a->job->tenant];
            int64_t need = fy_job_need_milli(a->job);

            if (a->chip < 0 && (beyond || *given + need <= gain->quota[a->job->tenant])) {
                offer(all, a, round->now_us);
                *given += a->chip >= 0 ? need : 0;
            }
        }
    }
    fy_assigns_realize(all, round, false, FY_WHY_GAIN, FY_WHY_BETTER_CHIP);
}

/* ------------------------------------------------------------------ between looks */

static void fill(fy_policy *gain, fy_round *round)
{
    rank_ctx ctx = {gain, round->fleet};

    while (round->status == 0) {
        int32_t cls = fy_queue_first_ranked(&gain->queue, round->fleet, false, rank, &ctx);
        fy_job *job = cls >= 0 ? fy_queue_head(&gain->queue, round->fleet, cls) : NULL;
        fy_reason why;

        if (job == NULL) {
            return;
        }
        why = fy_round_try(round, job, ~(uint64_t)0, FY_WHY_GAIN);
        if (why != FY_WHY_NONE) {
            fy_queue_block(&gain->queue, round->fleet, cls, why);
        }
    }
}

static bool look_due(const fy_policy *gain, int64_t now_us)
{
    return gain->looked_us < 0 ||
           (double)(now_us - gain->looked_us) >= gain->period_s * us_per_s;
}

static void gain_decide(fy_policy *gain, fy_round *round)
{
    find_quotas(gain, round->fleet);
    /* The rounds that follow a look's stops at one instant belong to it. */
    if (gain->looked_us == round->now_us || (gain->dirty && look_due(gain, round->now_us))) {
        gain->looked_us = round->now_us;
        gain->dirty = false;
        look(gain, round);
        if (round->n_stops > 0) {
            return;
        }
    }
    fill(gain, round);
}

/* ------------------------------------------------------------------ the rest */

static fy_policy *gain_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    fy_policy *gain = fy_calloc(1, sizeof *gain);

    (void)fleet;
    gain->period_s = fy_settings_number(settings, "gain.period", 300, 0, 1e9, err);
    gain->credit_s = fy_settings_number(settings, "gain.credit", 86400, 0, 1e9, err);
    gain->looked_us = -1;
    return gain;
}

static void gain_observe(fy_policy *gain, const fy_fleet *fleet, const fy_event *event,
                         const fy_job *job)
{
    fy_queue_observe(&gain->queue, fleet, event, job, order, gain);
    gain->dirty |= !fy_event_is_ours(event->kind);
}

static fy_reason gain_explain(const fy_policy *gain, const fy_fleet *fleet, const fy_job *job,
                              int64_t *other)
{
    return fy_queue_explain(&gain->queue, fleet, job, other);
}

static void gain_close(fy_policy *gain)
{
    if (gain != NULL) {
        fy_queue_free(&gain->queue);
        fy_assigns_free(&gain->all);
        free(gain->quota);
        free(gain->given);
        free(gain);
    }
}

const fy_policy_ops fy_policy_gain = {
    .info = {"gain", "comparative advantage: chips to the jobs that lose most without them", false},
    .open = gain_open,
    .observe = gain_observe,
    .decide = gain_decide,
    .explain = gain_explain,
    .close = gain_close,
};
