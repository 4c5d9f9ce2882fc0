/* SPDX-License-Identifier: MIT */
/*
 * gain: comparative advantage (Ricardo 1817). A scarce chip is offered first to the job that loses
 * most without it. No oracle: nobody is asked how long a job will run.
 *
 *   order       service attained in doubling steps from one device-hour (least attained service: Gu
 *               et al., NSDI 2019), then submission. Steps start later the lower the priority; a
 *               running job's step stays before those of lower priority, so that no job displaces
 *               one that matters more
 *   who, where  deferred acceptance (match.h): each job asks for its fastest chip first, each chip
 *               keeps those who would lose most on their next; on a last chip tenants within their
 *               fair share of it (by weight; the guarantee where larger) come first, then the order
 *   price       what a stop wastes is waste = restart + work since the last checkpoint [s]. A job
 * is left alone until it has run 20 times its waste (so at most a twentieth is wasted), and is
 * moved to a faster chip only if (r_new / r_now - 1) x age > waste, taking it to run as long again
 * as it has run (heavy tails)
 *
 * Two kinds of pass. The whole look: all jobs are assigned anew, O(n log n) for n running and
 * waiting jobs; once in gain.period as long as somebody waits or runs on a slower chip than it
 * could (time alone changes steps and prices), or something has happened. Between looks waiting
 * jobs fill what is free, O(active classes).
 */
#include "sched/match.h"
#include "sched/queue.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 20 }; /* run time over waste before a stop */
enum { STEPS_APART = 8, MOST_STEPS = 20 };
static const double first_step_s = 3600; /* device-seconds of the first step */
static const double us_per_s = 1e6;

struct fy_policy {
    fy_queue queue;
    fy_assigns all;
    fy_match match;
    double period_s;
    int64_t looked_us; /* last whole look; -1 = never */
    bool dirty;        /* something has happened since */
    bool unsettled;    /* somebody waits, or runs on a slower chip than it could */
    int64_t *quota;    /* [tenants][chips] fair share in milli-devices */
    int64_t *given;    /* [tenants][chips] assigned in this look */
    bool *active;      /* [n_active] by tenant: has it jobs? */
    bool quotas_stale; /* since a tenant came, began or ceased to have jobs, or a node's state */
    size_t quota_room, given_room, n_active, active_room;
};

/* ------------------------------------------------------------------ order */

/* Step of attained service, the later the lower the priority. */
static int64_t step_of(const fy_job *job, int64_t now_us)
{
    double attained_s = (double)fy_job_attained_us(job, now_us) / us_per_s;
    double edge = first_step_s;
    int64_t step = (int64_t)job->rec.priority * STEPS_APART;
    int64_t last = job->state == FY_JOB_RUNNING && job->rec.priority < FY_SPOT
                       ? step + STEPS_APART - 1
                       : step + MOST_STEPS;

    if (job->rec.work_q < 0) {
        return step; /* a service never ends: what it has had says nothing */
    }
    while (attained_s > edge && step < last) {
        edge *= 2;
        step++;
    }
    return step;
}

/* Step (6 bits), submission [us] (54 bits, from the trace's epoch). */
static int64_t key_of(const fy_job *job, int64_t now_us)
{
    int64_t most = ((int64_t)1 << 54) - 1;
    int64_t at = job->submit_us < 0 ? 0 : job->submit_us;

    return step_of(job, now_us) << 55 | (at < most ? at : most);
}

static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    (void)ctx;
    *key = key_of(job, job->queued_us);
    *tie = job->id;
}

/* ------------------------------------------------------------------ fair shares */

/* Each tenant's part of each chip by weight among those with jobs; at least its guarantee. */
static void find_quotas(fy_policy *gain, const fy_fleet *fleet)
{
    size_t cells = fleet->n_tenants * (size_t)fleet->n_chips;
    double weights = 0;

    gain->quota = fy_grow(gain->quota, &gain->quota_room, cells + 1, sizeof *gain->quota);
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        const fy_tenant *t = &fleet->tenants[i];

        weights += t->n_waiting > 0 || t->held_total > 0 ? t->weight : 0;
    }
    for (size_t k = 0; k < cells; k++) {
        const fy_tenant *t = &fleet->tenants[k / (size_t)fleet->n_chips];
        int c = (int)(k % (size_t)fleet->n_chips);
        double all = (double)fleet->pools[c].n_up * FY_WHOLE;
        int64_t part = weights > 0 ? (int64_t)(all * (t->weight / weights)) : (int64_t)all;

        gain->quota[k] = part > t->guarantee_milli[c] ? part : t->guarantee_milli[c];
    }
    gain->quotas_stale = false;
}

/* Note whether the tenant has jobs: whoever begins or ceases to changes everybody's part. */
static void note_active(fy_policy *gain, const fy_fleet *fleet, int32_t tenant)
{
    const fy_tenant *t = &fleet->tenants[tenant];
    bool active = t->n_waiting > 0 || t->held_total > 0;

    gain->active = fy_grow(gain->active, &gain->active_room, (size_t)tenant + 1, sizeof(bool));
    while (gain->n_active <= (size_t)tenant) {
        gain->active[gain->n_active++] = false;
    }
    gain->quotas_stale |= gain->active[tenant] != active;
    gain->active[tenant] = active;
}

static size_t cell(const fy_fleet *fleet, int32_t tenant, int chip)
{
    return (size_t)tenant * (size_t)fleet->n_chips + (size_t)chip;
}

typedef struct rank_ctx {
    const fy_policy *gain;
    const fy_fleet *fleet;
} rank_ctx;

/* Tenants within their share of some chip that the class accepts come first. */
static int64_t rank(void *ctx, const fy_class_key *key, const fy_job *head, bool room)
{
    const rank_ctx *r = ctx;
    const fy_tenant *t = &r->fleet->tenants[key->tenant];
    int64_t need = fy_job_need_milli(head);

    (void)room;
    for (uint64_t left = key->mask; left != 0; left &= left - 1) {
        int c = __builtin_ctzll(left);

        if (t->held_milli[c] + need <= r->gain->quota[cell(r->fleet, key->tenant, c)]) {
            return 0;
        }
    }
    return 1;
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

typedef struct look_ctx {
    fy_policy *gain;
    const fy_fleet *fleet;
} look_ctx;

/* Chips from the fastest down; a running job asks for faster ones only where the move is worth it.
 */
static int options(void *ctx, const fy_job *job, fy_option *out)
{
    const look_ctx *look = ctx;
    int n = 0;

    for (int k = 0; k < job->rec.n_rates; k++) {
        const fy_rate *rate = &job->rec.rates[k];
        bool runs_here = job->state == FY_JOB_RUNNING && job->chip == rate->chip;

        if (rate->rate_q > 0 && (job->state == FY_JOB_WAITING || runs_here || n > 0 ||
                                 worth(job, rate->rate_q, look->fleet->now_us))) {
            out[n++] = (fy_option){rate->chip, rate->rate_q};
        }
    }
    return n;
}

static bool beyond(void *ctx, const fy_job *job, int chip)
{
    const look_ctx *look = ctx;
    size_t k = cell(look->fleet, job->tenant, chip);

    return look->gain->given[k] + fy_job_takes_milli(job, chip) > look->gain->quota[k];
}

static void moved(void *ctx, const fy_job *job, int chip, int sign)
{
    const look_ctx *look = ctx;

    look->gain->given[cell(look->fleet, job->tenant, chip)] += sign * fy_job_takes_milli(job, chip);
}

static void look(fy_policy *gain, fy_round *round)
{
    fy_assigns *all = &gain->all;
    look_ctx ctx = {gain, round->fleet};
    fy_match_rules rules = {options, beyond, moved, &ctx};
    size_t cells = round->fleet->n_tenants * (size_t)round->fleet->n_chips;

    gain->given = fy_grow(gain->given, &gain->given_room, cells + 1, sizeof *gain->given);
    memset(gain->given, 0, cells * sizeof *gain->given);
    fy_assigns_gather(all, round->fleet);
    for (size_t i = 0; i < all->n; i++) {
        fy_assign *a = &all->list[i];

        a->key = key_of(a->job, round->now_us);
        if (a->job->state != FY_JOB_WAITING && pinned(a->job, round->now_us)) {
            fy_assign_chip(all, a, a->job->chip);
            moved(&ctx, a->job, a->job->chip, 1);
        }
    }
    fy_assigns_sort(all);
    fy_match_run(&gain->match, all, &rules);
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

/* The instant of the next look; FY_NEVER where there is nothing to look for. */
static int64_t next_look_us(const fy_policy *gain)
{
    if (!gain->dirty && !gain->unsettled) {
        return FY_NEVER;
    }
    return gain->looked_us < 0 ? 0 : gain->looked_us + (int64_t)(gain->period_s * us_per_s);
}

/* Would a later look find anything to do, if nothing happened until then? */
static bool is_unsettled(const fy_policy *gain)
{
    for (size_t i = 0; i < gain->all.n; i++) {
        const fy_job *job = gain->all.list[i].job;
        int64_t best = 0;

        for (int k = 0; k < job->rec.n_rates; k++) {
            best = job->rec.rates[k].rate_q > best ? job->rec.rates[k].rate_q : best;
        }
        if (job->state == FY_JOB_WAITING ||
            (job->state == FY_JOB_RUNNING && job->rec.work_q >= 0 &&
             fy_job_rate(job, job->chip, job->rec.workers, false) < best)) {
            return true;
        }
    }
    return false;
}

static void gain_decide(fy_policy *gain, fy_round *round)
{
    if (gain->quotas_stale) {
        find_quotas(gain, round->fleet);
    }
    /* The rounds that follow a look's stops at one instant belong to it. */
    if (gain->looked_us == round->now_us || next_look_us(gain) <= round->now_us) {
        gain->looked_us = round->now_us;
        gain->dirty = false;
        look(gain, round);
        gain->unsettled = is_unsettled(gain);
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
    gain->period_s = fy_settings_number(settings, "gain.period", 900, 0, 1e9, err);
    gain->looked_us = -1;
    return gain;
}

static void gain_observe(fy_policy *gain, const fy_fleet *fleet, const fy_event *event,
                         const fy_job *job)
{
    fy_queue_observe(&gain->queue, fleet, event, job, order, gain);
    gain->dirty |= !fy_event_is_ours(event->kind);
    gain->quotas_stale |= event->kind <= FY_EV_TENANT_SET; /* chips, nodes, tenants */
    if (job != NULL) {
        note_active(gain, fleet, job->tenant);
    }
    for (size_t i = 0; i < fleet->n_woken; i++) {
        note_active(gain, fleet, fleet->jobs[fleet->woken[i]]->tenant);
    }
}

static int64_t gain_wake(const fy_policy *gain, const fy_fleet *fleet)
{
    int64_t at = next_look_us(gain);

    if (gain->looked_us == fleet->now_us && at < FY_NEVER && at <= fleet->now_us) {
        at = fleet->now_us +
             (int64_t)us_per_s; /* a period of 0 looks once a second without events */
    }
    return at > fleet->now_us ? at : fleet->now_us;
}

static fy_reason gain_explain(const fy_policy *gain, const fy_fleet *fleet, const fy_job *job,
                              int64_t *other)
{
    return fy_queue_explain(&gain->queue, fleet, job, other);
}

static void gain_save(const fy_policy *gain, const fy_fleet *fleet, fy_str *out)
{
    size_t cells = gain->quotas_stale ? 0 : fleet->n_tenants * (size_t)fleet->n_chips;

    fy_queue_save(&gain->queue, out);
    fy_pack_int(out, gain->looked_us);
    fy_pack_int(out, gain->dirty);
    fy_pack_int(out, gain->unsettled);
    fy_pack_count(out, cells);
    for (size_t k = 0; k < cells; k++) {
        fy_pack_int(out, gain->quota[k]);
    }
}

static bool gain_load(fy_policy *gain, const fy_fleet *fleet, fy_unpack *in)
{
    size_t cells;

    if (!fy_queue_load(&gain->queue, fleet, in)) {
        return false;
    }
    gain->looked_us = fy_unpack_in(in, INT64_MIN / 4, INT64_MAX / 4);
    gain->dirty = fy_unpack_in(in, 0, 1) == 1;
    gain->unsettled = fy_unpack_in(in, 0, 1) == 1;
    cells = fy_unpack_count(in);
    if (cells != 0 && cells != fleet->n_tenants * (size_t)fleet->n_chips) {
        return false;
    }
    gain->quotas_stale = cells == 0;
    gain->quota = fy_grow(gain->quota, &gain->quota_room, cells + 1, sizeof *gain->quota);
    for (size_t k = 0; k < cells; k++) {
        gain->quota[k] = fy_unpack_in(in, 0, INT64_MAX);
    }
    return !in->failed;
}

static void gain_close(fy_policy *gain)
{
    if (gain != NULL) {
        fy_queue_free(&gain->queue);
        fy_assigns_free(&gain->all);
        fy_match_free(&gain->match);
        free(gain->quota);
        free(gain->given);
        free(gain->active);
        free(gain);
    }
}

const fy_policy_ops fy_policy_gain = {
    .info = {"gain", "comparative advantage: chips to the jobs that lose most without them", false},
    .open = gain_open,
    .observe = gain_observe,
    .decide = gain_decide,
    .wake = gain_wake,
    .explain = gain_explain,
    .save = gain_save,
    .load = gain_load,
    .close = gain_close,
};
