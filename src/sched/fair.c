/* SPDX-License-Identifier: MIT */
/*
 * fair: weighted dominant resource fairness (Ghodsi et al., NSDI 2011) over chip types, with
 * guarantees per type, borrowing, reclaim by preemption, and usage that decays.
 *
 *   share(t)  max over chips c of held(t, c) / devices(c)                        dominant share
 *   usage(t)  the share's moving average: usage <- share + (usage - share) 2^(-dt / halflife)
 *   order     what stays within a guarantee; then priority; then least (share + usage) / weight;
 *             then, within a tenant, submission
 *
 * A job that its tenant's guarantee covers and that finds no room takes it back: jobs of tenants
 * that hold more than their guarantee of that chip are stopped, services and jobs within their
 * minimum run time aside. For single devices from the tenant that is furthest beyond: gangs just
 * large enough before larger ones and before several smaller, then least priority and latest start.
 * For workers of several devices node by node, emptiest first, on each the latest placed first,
 * whoever's they are. Nothing is reclaimed for what is borrowed.
 *
 * Complexity of a round: O(active classes + decisions (tenants + log n)); a reclaim for workers of
 * several devices looks at as many nodes as it needs, emptiest first.
 */
#include "sched/fair.h"

#include <stdlib.h>
#include <string.h>

static const double us_per_s = 1e6;
static const double ln2 = 0.69314718055994530942;
enum { REFRESHES_PER_HALFLIFE = 1024 };

/* ------------------------------------------------------------------ shares */

static fy_fair_tenant *view_of(fy_policy *fair, int32_t tenant)
{
    fair->tenants = fy_grow(fair->tenants, &fair->room, (size_t)tenant + 1, sizeof *fair->tenants);
    while (fair->n_tenants <= (size_t)tenant) {
        fair->tenants[fair->n_tenants++] = (fy_fair_tenant){.at_us = 0};
    }
    return &fair->tenants[tenant];
}

static void age_usage(const fy_policy *fair, fy_fair_tenant *v, int64_t now_us)
{
    if (now_us > v->at_us && fair->halflife_s > 0) {
        double dt_s = (double)(now_us - v->at_us) / us_per_s;

        v->usage = v->share + (v->usage - v->share) * fy_rng_exp(-ln2 * dt_s / fair->halflife_s);
    }
    v->at_us = now_us;
}

static void set_share(fy_policy *fair, const fy_fleet *fleet, int32_t tenant)
{
    const fy_tenant *t = &fleet->tenants[tenant];
    fy_fair_tenant *v = view_of(fair, tenant);
    double share = 0;

    age_usage(fair, v, fleet->now_us);
    v->guaranteed = false;
    for (int c = 0; c < fleet->n_chips; c++) {
        int64_t all = (int64_t)fleet->pools[c].n_devices * FY_WHOLE;
        double part = all > 0 ? (double)t->held_milli[c] / (double)all : 0;

        share = part > share ? part : share;
        v->guaranteed |= t->guarantee_milli[c] > 0;
    }
    fair->guarantees |= v->guaranteed;
    v->share = share;
    v->key = (v->share + v->usage) / t->weight;
}

static void refresh(fy_policy *fair, const fy_fleet *fleet)
{
    double step_us = fair->halflife_s * us_per_s / REFRESHES_PER_HALFLIFE;

    if (fair->halflife_s > 0 && (double)(fleet->now_us - fair->refreshed_us) >= step_us) {
        fair->refreshed_us = fleet->now_us;
        for (size_t i = 0; i < fair->n_tenants; i++) {
            age_usage(fair, &fair->tenants[i], fleet->now_us);
            fair->tenants[i].key =
                (fair->tenants[i].share + fair->tenants[i].usage) / fleet->tenants[i].weight;
        }
    }
}

/* ------------------------------------------------------------------ guarantees */

/* Chips on which the class stays within its tenant's guarantee. */
static uint64_t covered(const fy_fleet *fleet, const fy_class_key *key)
{
    const fy_tenant *t = &fleet->tenants[key->tenant];
    int64_t need = fy_gang_milli(key->workers + key->spares, key->devices, key->milli);
    uint64_t chips = 0;

    for (uint64_t left = key->mask; left != 0; left &= left - 1) {
        int c = __builtin_ctzll(left);

        if (t->guarantee_milli[c] > 0 && t->held_milli[c] + need <= t->guarantee_milli[c]) {
            chips |= (uint64_t)1 << c;
        }
    }
    return chips;
}

typedef struct rank_ctx {
    const fy_policy *fair;
    const fy_fleet *fleet;
} rank_ctx;

/* Covered or not (1 bit), priority (2 bits), key in 2^-40 (the rest). Where there is no room, only
 * what is covered may hope: for a reclaim. */
static int64_t rank(void *ctx, const fy_class_key *key, const fy_job *head, bool room)
{
    const rank_ctx *r = ctx;
    const fy_fair_tenant *v = &r->fair->tenants[key->tenant];
    bool safe = v->guaranteed && covered(r->fleet, key) != 0;
    double scaled = v->key * 0x1p40;
    int64_t low = scaled < 0x1p58 ? (int64_t)scaled : (int64_t)1 << 58;

    if (!room && !safe) {
        return INT64_MAX;
    }
    return (safe ? 0 : (int64_t)1 << 61) | (int64_t)head->rec.priority << 59 | low;
}

/* ------------------------------------------------------------------ reclaim */

/* Index of the least power of two that is not below `milli` devices. */
static int size_of(int64_t milli)
{
    int64_t devices = (milli + FY_WHOLE - 1) / FY_WHOLE;
    int s = devices > 1 ? 64 - __builtin_clzll((unsigned long long)devices - 1) : 0;

    return s < FY_FAIR_SIZES ? s : FY_FAIR_SIZES - 1;
}

/* Next victim of a tenant for `need`: the least gang that is enough, else the largest there is. */
static fy_job *victim_of(const fy_fair_tenant *v, const fy_fleet *fleet, int chip, int64_t need)
{
    int fit = size_of(need);

    for (int s = fit; s < FY_FAIR_SIZES; s++) {
        if (v->running[chip][s].n > 0) {
            return fleet->jobs[fy_heap_top(&v->running[chip][s])->item];
        }
    }
    for (int s = fit - 1; s >= 0; s--) {
        if (v->running[chip][s].n > 0) {
            return fleet->jobs[fy_heap_top(&v->running[chip][s])->item];
        }
    }
    return NULL;
}

static bool may_be_stopped(const fy_policy *fair, const fy_fleet *fleet, const fy_job *job,
                           int32_t for_tenant)
{
    const fy_tenant *t = &fleet->tenants[job->tenant];

    return job->tenant != for_tenant && job->state == FY_JOB_RUNNING && job->rec.work_q >= 0 &&
           t->held_milli[job->chip] - fair->tenants[job->tenant].going[job->chip] >
               t->guarantee_milli[job->chip] &&
           fleet->now_us - job->start_us >= job->rec.min_run_us;
}

static bool stop(fy_policy *fair, fy_round *round, fy_job *victim, const fy_job *job)
{
    fair->any_going = true;
    fair->tenants[victim->tenant].going[victim->chip] += victim->held_milli;
    return fy_round_stop(round, victim, FY_WHY_PREEMPT_RECLAIM, job->id);
}

/* The tenant furthest beyond its guarantee of `chip`, by weight; -1 = none. */
static int32_t furthest_beyond(const fy_policy *fair, const fy_fleet *fleet, int chip,
                               int32_t for_tenant)
{
    int32_t best = -1;
    double most = 0;

    for (size_t i = 0; i < fair->n_tenants; i++) {
        const fy_tenant *t = &fleet->tenants[i];
        int64_t held = t->held_milli[chip] - fair->tenants[i].going[chip];
        double beyond = (double)(held - t->guarantee_milli[chip]) / t->weight;

        if ((int32_t)i != for_tenant && beyond > most && fair->tenants[i].n_running[chip] > 0) {
            best = (int32_t)i;
            most = beyond;
        }
    }
    return best;
}

/* Single devices: any victim's devices will do. Returns what is on its way. */
static int64_t reclaim_devices(fy_policy *fair, fy_round *round, const fy_job *job, int chip,
                               int64_t need)
{
    int64_t freed = 0;

    while (freed < need && round->status == 0) {
        int32_t tenant = furthest_beyond(fair, round->fleet, chip, job->tenant);
        fy_job *victim = tenant >= 0
                             ? victim_of(&fair->tenants[tenant], round->fleet, chip, need - freed)
                             : NULL;

        if (victim == NULL || !may_be_stopped(fair, round->fleet, victim, job->tenant)) {
            break;
        }
        freed += victim->held_milli;
        (void)stop(fair, round, victim, job);
    }
    return freed;
}

/* Devices of the node that are idle or could be: its borrowers' included. */
static int reclaimable(const fy_policy *fair, const fy_fleet *fleet, const fy_node *node,
                       int32_t for_tenant)
{
    int n = node->n_whole;

    for (const fy_hold *h = node->holds; h != NULL; h = h->next) {
        const fy_job *holder = fleet->jobs[h->slot];

        if (holder->rec.milli == 0 && may_be_stopped(fair, fleet, holder, for_tenant)) {
            n += h->workers * holder->rec.devices;
        }
    }
    return n;
}

static void clear_node(fy_policy *fair, fy_round *round, const fy_job *job, int32_t number,
                       int devices)
{
    bool found = true;

    while (found && round->fleet->nodes[number].n_whole < devices && round->status == 0) {
        int coming = round->fleet->nodes[number].n_whole;

        found = false;
        for (const fy_hold *h = round->fleet->nodes[number].holds; h != NULL; h = h->next) {
            fy_job *holder = round->fleet->jobs[h->slot];

            if (holder->state == FY_JOB_STOPPING) {
                coming += h->workers * holder->rec.devices;
            } else if (!found && holder->rec.milli == 0 && holder->rec.devices > 0 &&
                       may_be_stopped(fair, round->fleet, holder, job->tenant)) {
                found = coming < devices && stop(fair, round, holder, job);
                coming += found ? h->workers * holder->rec.devices : 0;
            }
        }
        if (coming >= devices) {
            return;
        }
    }
}

/* Workers of the job that the pool could take if all that may be stopped were. */
static int64_t room_by_reclaim(const fy_policy *fair, const fy_fleet *fleet, const fy_job *job,
                               int chip)
{
    const fy_pool *pool = &fleet->pools[chip];
    int64_t room = 0;

    for (int n = 0; n < pool->n_nodes; n++) {
        const fy_node *node = &fleet->nodes[pool->nodes[n]];

        room += node->listed ? reclaimable(fair, fleet, node, job->tenant) / job->rec.devices : 0;
    }
    return room;
}

/* Workers of several devices: clear whole nodes, emptiest first. */
static bool reclaim_nodes(fy_policy *fair, fy_round *round, const fy_job *job, int chip)
{
    const fy_pool *pool = &round->fleet->pools[chip];
    int devices = job->rec.devices;
    int left = job->rec.workers + job->rec.spares;
    int stops = round->n_stops;

    if (room_by_reclaim(fair, round->fleet, job, chip) < left) {
        return false; /* stopping some would be in vain */
    }

    for (int k = pool->max_devices; k >= 0 && left > 0; k--) {
        for (int n = fy_bitset_next(&pool->by_free[k], 0); n >= 0 && left > 0;
             n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            int32_t number = pool->nodes[n];
            int room = reclaimable(fair, round->fleet, &round->fleet->nodes[number], job->tenant) /
                       devices;

            if (room > 0) {
                int take = room < left ? room : left;

                clear_node(fair, round, job, number, take * devices);
                left -= take;
            }
        }
    }
    return round->n_stops > stops;
}

/* Could reclaiming be enough? Idle devices and all that borrowers hold, counted. */
static bool enough_borrowed(const fy_fleet *fleet, const fy_job *job, int chip, int64_t need)
{
    int64_t total = fleet->pools[chip].idle_milli;

    for (size_t i = 0; i < fleet->n_tenants && total < need; i++) {
        int64_t over = fleet->tenants[i].held_milli[chip] - fleet->tenants[i].guarantee_milli[chip];

        total += (int32_t)i != job->tenant && over > 0 ? over : 0;
    }
    return total >= need;
}

/* What of the pool is idle as the job wants it: whole devices, or any for a share. */
static int64_t whole_idle(const fy_pool *pool, const fy_job *job)
{
    return job->rec.milli > 0 ? 0 : (int64_t)pool->n_whole * FY_WHOLE;
}

/* Has the job reclaimed at this instant already? If what it got was not enough (its gang may need
 * nodes close to each other), more of the same would go on for ever. */
static bool served(fy_policy *fair, int64_t now_us, int64_t id)
{
    if (fair->served_us != now_us) {
        fair->served_us = now_us;
        fair->n_served = 0;
    }
    for (size_t i = 0; i < fair->n_served; i++) {
        if (fair->served[i] == id) {
            return true;
        }
    }
    fair->served =
        fy_grow(fair->served, &fair->served_room, fair->n_served + 1, sizeof *fair->served);
    fair->served[fair->n_served++] = id;
    return false;
}

/* Take back for `job` what its tenant's guarantee covers. True where devices are on their way. */
static bool reclaim(fy_policy *fair, fy_round *round, const fy_job *job)
{
    const fy_class_key *key = &round->fleet->classes[job->cls].key;
    int64_t need = fy_job_need_milli(job);
    bool again = served(fair, round->now_us, job->id);

    for (int i = 0; i < job->rec.n_rates; i++) {
        int chip = job->rec.rates[i].chip;
        const fy_pool *pool = &round->fleet->pools[chip];

        if ((covered(round->fleet, key) >> chip & 1) == 0) {
            continue;
        }
        if (pool->stopping_milli > 0) {
            return true; /* wait for what is already coming */
        }
        if (again || !enough_borrowed(round->fleet, job, chip, need)) {
            continue;
        }
        if (job->rec.devices > 1
                ? reclaim_nodes(fair, round, job, chip)
                : reclaim_devices(fair, round, job, chip, need - whole_idle(pool, job)) > 0) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ the policy */

static void fair_decide(fy_policy *fair, fy_round *round)
{
    rank_ctx ctx = {fair, round->fleet};

    refresh(fair, round->fleet);
    for (size_t i = 0; fair->any_going && i < fair->n_tenants; i++) {
        memset(fair->tenants[i].going, 0, sizeof fair->tenants[i].going);
    }
    fair->any_going = false;
    while (round->status == 0) {
        int32_t cls = fy_queue_first_ranked(&fair->queue, round->fleet,
                                            fair->reclaim && fair->guarantees, rank, &ctx);
        fy_job *job = cls >= 0 ? fy_queue_head(&fair->queue, round->fleet, cls) : NULL;
        uint64_t safe;
        fy_reason why = FY_WHY_NO_DEVICES;

        if (job == NULL) {
            return;
        }
        safe = covered(round->fleet, &round->fleet->classes[cls].key);
        if (safe != 0) {
            why = fy_round_try(round, job, safe, FY_WHY_GUARANTEE);
        }
        if (why != FY_WHY_NONE) {
            why = fy_round_try(round, job, ~safe, FY_WHY_FIRST);
        }
        if (why == FY_WHY_NONE) {
            continue;
        }
        if (safe != 0 && fair->reclaim && reclaim(fair, round, job)) {
            return; /* the rounds after these stops give it what is freed */
        }
        fy_queue_block(&fair->queue, round->fleet, cls, why);
    }
}

static void order(void *ctx, const fy_job *job, int64_t *key, int64_t *tie)
{
    (void)ctx;
    *key = fy_order_key(job, 0);
    *tie = job->id;
}

static void track_running(fy_policy *fair, const fy_job *job, int64_t now_us)
{
    fy_fair_tenant *v = view_of(fair, job->tenant);
    int64_t safe_us = job->start_us + job->rec.min_run_us;
    bool victim = job->state == FY_JOB_RUNNING && job->rec.work_q >= 0;

    if (victim && safe_us > now_us) {
        fy_heap_set(&fair->young, &fair->young_pos, job->slot, safe_us, job->id);
        victim = false;
    } else {
        fy_heap_remove(&fair->young, &fair->young_pos, job->slot);
    }
    if (job->chip < 0 || victim == fy_heap_has(&fair->pos, job->slot)) {
        return;
    }
    if (victim) {
        fy_heap_set(&v->running[job->chip][size_of(job->held_milli)], &fair->pos, job->slot,
                    -((int64_t)job->rec.priority << 60) - job->start_us, job->id);
        v->n_running[job->chip]++;
    } else {
        /* What it held is gone where it has stopped: the size it was filed under is found. */
        for (int s = 0; s < FY_FAIR_SIZES; s++) {
            const fy_heap *heap = &v->running[job->chip][s];
            size_t at = (size_t)fair->pos.at[job->slot];

            if (at < heap->n && heap->entries[at].item == job->slot) {
                fy_heap_remove(&v->running[job->chip][s], &fair->pos, job->slot);
                break;
            }
        }
        v->n_running[job->chip]--;
    }
}

/* Whose minimum run time is over may be stopped now. */
static void ripen(fy_policy *fair, const fy_fleet *fleet, int64_t now_us)
{
    const fy_heap_entry *top;

    while ((top = fy_heap_top(&fair->young)) != NULL && top->key <= now_us) {
        track_running(fair, fleet->jobs[top->item], now_us);
        fy_queue_unblock(&fair->queue);
    }
}

static void fair_observe(fy_policy *fair, const fy_fleet *fleet, const fy_event *event,
                         const fy_job *job)
{
    fy_queue_observe(&fair->queue, fleet, event, job, order, NULL);
    if (event->kind == FY_EV_ROUND) {
        ripen(fair, fleet, event->t_us);
    }
    if (event->tenant >= 0) {
        set_share(fair, fleet, event->tenant);
    }
    if (job != NULL) {
        track_running(fair, job, event->t_us);
        if (event->kind != FY_EV_STARTED) {
            set_share(fair, fleet, job->tenant);
        }
    }
}

static fy_policy *fair_open(const fy_fleet *fleet, const fy_settings *settings, fy_err *err)
{
    static const char *const yes_no[] = {"no", "yes", NULL};
    fy_policy *fair = fy_calloc(1, sizeof *fair);

    (void)fleet;
    fair->halflife_s = fy_settings_number(settings, "fair.halflife", 86400, 0, 1e10, err);
    fair->reclaim = fy_settings_choice(settings, "fair.reclaim", yes_no, 1, err) == 1;
    return fair;
}

/* The end of a minimum run time lets a guarantee be reclaimed. */
static int64_t fair_wake(const fy_policy *fair, const fy_fleet *fleet)
{
    const fy_heap_entry *top = fy_heap_top(&fair->young);

    if (top == NULL || !fair->reclaim || !fair->guarantees || fair->queue.n_jobs == 0) {
        return FY_NEVER;
    }
    return top->key > fleet->now_us ? top->key : fleet->now_us;
}

static fy_reason fair_explain(const fy_policy *fair, const fy_fleet *fleet, const fy_job *job,
                              int64_t *other)
{
    return fy_queue_explain(&fair->queue, fleet, job, other);
}

static void fair_close(fy_policy *fair)
{
    if (fair != NULL) {
        fy_queue_free(&fair->queue);
        for (size_t i = 0; i < fair->n_tenants; i++) {
            fy_fair_free_running(&fair->tenants[i]);
        }
        free(fair->tenants);
        free(fair->served);
        fy_heap_pos_free(&fair->pos);
        fy_heap_free(&fair->young);
        fy_heap_pos_free(&fair->young_pos);
        free(fair);
    }
}

const fy_policy_ops fy_policy_fair = {
    .info = {"fair", "dominant shares by weight, guarantees, borrowing and reclaim", false},
    .open = fair_open,
    .observe = fair_observe,
    .decide = fair_decide,
    .wake = fair_wake,
    .explain = fair_explain,
    .save = fy_fair_save,
    .load = fy_fair_load,
    .close = fair_close,
};
