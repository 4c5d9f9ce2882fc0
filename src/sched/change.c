/* SPDX-License-Identifier: MIT */
#include "sched/change.h"

#include "sched/whatif.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t fy_tenant_beyond(const fy_fleet *fleet, const fy_tenant *tenant, int chip, int64_t milli)
{
    int64_t beyond = 0;

    for (int c = 0; c < fleet->n_chips; c++) {
        int64_t over = tenant->held_milli[c] + (c == chip ? milli : 0) - tenant->guarantee_milli[c];

        beyond += over > 0 ? over : 0;
    }
    return beyond;
}

/* ------------------------------------------------------------------ the list */

static fy_change *add(fy_changes *all, fy_change_kind kind, double price)
{
    all->list = fy_grow(all->list, &all->room, all->n + 1, sizeof *all->list);
    all->hopeful = fy_grow(all->hopeful, &all->hopeful_room, all->n + 1, sizeof *all->hopeful);
    all->hopeful[all->n] = false;
    all->list[all->n] = (fy_change){.kind = kind,
                                    .price = price,
                                    .node = -1,
                                    .amount = -1,
                                    .job = -1,
                                    .chip = -1,
                                    .starts_with = -1};
    return &all->list[all->n++];
}

static bool accepts(const fy_fleet *fleet, const fy_job *job, int chip)
{
    return fleet->classes[job->cls].key.mask >> chip & 1;
}

static void find_chips(fy_changes *all, const fy_fleet *fleet, const fy_job *job,
                       const fy_explain_options *o)
{
    int64_t best = 0;

    for (int i = 0; i < job->rec.n_rates; i++) {
        best = job->rec.rates[i].rate_q > best ? job->rec.rates[i].rate_q : best;
    }
    for (int c = 0; c < fleet->n_chips && o->rate != NULL; c++) {
        fy_rate rate = {.chip = c};

        if (!accepts(fleet, job, c) && fleet->pools[c].n_nodes > 0 &&
            o->rate(o->rate_ctx, job, c, &rate) && rate.rate_q > 0 && rate.spread_q >= 0) {
            rate.chip = c;
            add(all, FY_CHANGE_ACCEPT, (double)best / (double)rate.rate_q)->rate = rate;
        }
    }
}

/* Workers beside the spares that the idle devices of the chip might hold. */
static int idle_workers(const fy_fleet *fleet, const fy_job *job, int chip)
{
    const fy_pool *pool = &fleet->pools[chip];

    return job->rec.devices > 0 ? pool->n_whole / job->rec.devices - job->rec.spares : 0;
}

static void add_fewer(fy_changes *all, const fy_job *job, int workers)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->list[i].kind == FY_CHANGE_FEWER && all->list[i].workers == workers) {
            return;
        }
    }
    add(all, FY_CHANGE_FEWER, (double)job->rec.workers / workers)->workers = workers;
}

/* Half, a quarter, ... and as many as each chip's idle devices might hold. */
static void find_fewer(fy_changes *all, const fy_fleet *fleet, const fy_job *job)
{
    for (int w = job->rec.workers / 2; w >= 1; w /= 2) {
        if (w < job->rec.min_workers) {
            add_fewer(all, job, w);
        }
    }
    for (int c = 0; c < fleet->n_chips; c++) {
        int w = accepts(fleet, job, c) ? idle_workers(fleet, job, c) : 0;

        if (w >= 1 && w < job->rec.min_workers) {
            add_fewer(all, job, w);
        }
    }
}

/* Are the pool's idle devices enough, counted, with what is idle on the node? */
static bool enough_with(const fy_fleet *fleet, const fy_job *job, const fy_node *node)
{
    int workers = job->rec.min_workers + job->rec.spares;
    int64_t need = fy_gang_milli(workers, job->rec.devices, job->rec.milli);

    return fleet->pools[node->chip].idle_milli + node->idle_milli >= need;
}

static void find_nodes(fy_changes *all, const fy_fleet *fleet, const fy_job *job)
{
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];
        bool window = node->reserved_to_us != FY_NEVER && node->reserved_tenant != job->tenant;

        if (!node->up || !accepts(fleet, job, node->chip)) {
            continue;
        }
        if (node->drained) {
            add(all, FY_CHANGE_RESUME, node->n_devices)->node = (int)i;
            all->hopeful[all->n - 1] = enough_with(fleet, job, node);
        }
        if (window) {
            add(all, FY_CHANGE_UNRESERVE, node->n_devices)->node = (int)i;
            all->hopeful[all->n - 1] = enough_with(fleet, job, node);
        }
    }
}

static void add_amount(fy_changes *all, fy_change_kind kind, int64_t amount, int64_t present)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->list[i].kind == kind && all->list[i].amount == amount) {
            return;
        }
    }
    if (amount < 0) {
        add(all, kind, NAN);
    } else if (amount > present) {
        add(all, kind, (double)(amount - present) / 1000)->amount = amount;
    }
}

/* To just what the gang needs on one of its chips, or to none. */
static void find_limits(fy_changes *all, const fy_fleet *fleet, const fy_job *job)
{
    const fy_tenant *tenant = &fleet->tenants[job->tenant];
    int64_t unit = fy_gang_milli(1, job->rec.devices, job->rec.milli);
    int64_t sizes[2] = {unit * (job->rec.min_workers + job->rec.spares),
                        unit * (job->rec.workers + job->rec.spares)};

    for (int k = 0; k < 2 * fleet->n_chips; k++) {
        int c = k / 2;
        int64_t milli = sizes[k % 2];

        if (!accepts(fleet, job, c)) {
            continue;
        }
        if (tenant->borrow_milli >= 0) {
            add_amount(all, FY_CHANGE_BORROW, fy_tenant_beyond(fleet, tenant, c, milli),
                       tenant->borrow_milli);
        }
        if (fleet->power_cap_mw != FY_NEVER) {
            add_amount(all, FY_CHANGE_POWER,
                       fleet->power_mw[FY_HI] + fleet->pools[c].slack_mw * milli / FY_WHOLE,
                       fleet->power_cap_mw);
        }
    }
    if (tenant->borrow_milli >= 0) {
        add_amount(all, FY_CHANGE_BORROW, -1, 0);
    }
    if (fleet->power_cap_mw != FY_NEVER) {
        add_amount(all, FY_CHANGE_POWER, -1, 0);
    }
}

/* ------------------------------------------------------------------ whom to stop */

/* Device-seconds of work since the last checkpoint, and of the restart. */
static double lost_device_s(const fy_job *job, int64_t now_us)
{
    double undone = (double)(fy_job_done(job, now_us) - fy_job_saved(job, now_us));
    double lost_s = job->rate_q > 0 ? undone / (double)job->rate_q : 0;

    return (lost_s + (double)job->rec.restart_cost_us / 1e6) * (double)job->held_milli / FY_WHOLE;
}

static void find_victims(fy_changes *all, const fy_fleet *fleet, const fy_job *job, int64_t now_us)
{
    size_t first = all->n;
    fy_whatif what = {0};

    for (size_t s = 0; s < fleet->n_slots; s++) {
        const fy_job *victim = fleet->jobs[s];

        if (victim->state == FY_JOB_RUNNING && victim->rec.work_q >= 0) {
            add(all, FY_CHANGE_PREEMPT, lost_device_s(victim, now_us))->job = victim->id;
        }
    }
    for (int c = 0; c < fleet->n_chips; c++) {
        if (!accepts(fleet, job, c) || fleet->pools[c].n_nodes == 0) {
            continue;
        }
        fy_whatif_begin(&what, fleet, job, c, job->rec.min_workers + job->rec.spares);
        for (size_t i = first; i < all->n; i++) {
            const fy_job *victim = fy_fleet_job(fleet, all->list[i].job);

            if (victim->chip == c) {
                fy_whatif_remove(&what, victim);
                all->hopeful[i] = fy_whatif_fits(&what);
                fy_whatif_restore(&what, victim);
            }
        }
        fy_whatif_end(&what);
    }
    fy_whatif_free(&what);
}

/* ------------------------------------------------------------------ by price */

typedef struct ranked {
    fy_change change;
    bool hopeful;
} ranked;

static int by_price(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;
    bool bare_x = isnan(x->change.price);
    bool bare_y = isnan(y->change.price);

    if (x->change.kind != y->change.kind) {
        return x->change.kind < y->change.kind ? -1 : 1;
    }
    if (x->hopeful != y->hopeful) {
        return x->hopeful ? -1 : 1;
    }
    if (bare_x != bare_y) {
        return bare_x ? 1 : -1;
    }
    if (!bare_x && x->change.price != y->change.price) {
        return x->change.price < y->change.price ? -1 : 1;
    }
    if (x->change.node != y->change.node) {
        return x->change.node < y->change.node ? -1 : 1;
    }
    if (x->change.rate.chip != y->change.rate.chip) {
        return x->change.rate.chip < y->change.rate.chip ? -1 : 1;
    }
    return (x->change.job > y->change.job) - (x->change.job < y->change.job);
}

static void sort(fy_changes *all)
{
    ranked *list = fy_calloc(all->n + 1, sizeof *list);

    for (size_t i = 0; i < all->n; i++) {
        list[i] = (ranked){all->list[i], all->hopeful[i]};
    }
    qsort(list, all->n, sizeof *list, by_price);
    for (size_t i = 0; i < all->n; i++) {
        all->list[i] = list[i].change;
        all->hopeful[i] = list[i].hopeful;
    }
    free(list);
}

void fy_changes_find(fy_changes *all, const fy_fleet *fleet, const fy_job *job,
                     const fy_explain_options *options)
{
    all->n = 0;
    if (job->state == FY_JOB_HELD && job->n_open >= 0) {
        add(all, FY_CHANGE_RELEASE, 0);
    }
    if (job->state != FY_JOB_WAITING) {
        return; /* nothing else lets a held or blocked job start */
    }
    find_chips(all, fleet, job, options);
    find_fewer(all, fleet, job);
    for (int p = (int)job->rec.priority - 1; p >= FY_HIGH; p--) {
        add(all, FY_CHANGE_PRIORITY, (int)job->rec.priority - p)->priority = (fy_priority)p;
    }
    find_nodes(all, fleet, job);
    find_limits(all, fleet, job);
    find_victims(all, fleet, job, options->now_us);
    sort(all);
}

void fy_changes_free(fy_changes *all)
{
    free(all->list);
    free(all->hopeful);
    *all = (fy_changes){0};
}

/* ------------------------------------------------------------------ trying one */

/* The record that the job has after the change, its rates in `rates`; NULL where it stays. */
static const fy_job_record *record_after(const fy_change *change, const fy_job *job,
                                         fy_job_record *rec, fy_rate rates[FY_MAX_CHIPS + 1])
{
    int n = 0;

    *rec = job->rec;
    rec->rates = rates;
    for (int i = 0; i < job->rec.n_rates; i++) {
        fy_rate rate = job->rec.rates[i];

        if (change->kind == FY_CHANGE_ACCEPT && rate.chip == change->rate.chip) {
            continue; /* listed, and without a rate until now */
        }
        if (change->kind == FY_CHANGE_FEWER) {
            fy_wide q = (fy_wide)rate.rate_q * change->workers / job->rec.workers;
            fy_wide spread_q = (fy_wide)rate.spread_q * change->workers / job->rec.workers;

            rate.rate_q = rate.rate_q > 0 && q == 0 ? 1 : (int64_t)q;
            rate.spread_q = rate.spread_q > 0 && spread_q == 0 ? 1 : (int64_t)spread_q;
        }
        rates[n++] = rate;
    }
    if (change->kind == FY_CHANGE_ACCEPT) {
        rates[n++] = change->rate;
    } else if (change->kind == FY_CHANGE_FEWER) {
        rec->workers = rec->min_workers = rec->max_workers = change->workers;
    } else if (change->kind == FY_CHANGE_PRIORITY) {
        rec->priority = change->priority;
    } else {
        return NULL;
    }
    rec->n_rates = n;
    return rec;
}

/* Stop the victim, without a checkpoint, and hold it: a policy that puts it first would give it
 * its devices back before anybody else has a chance. */
static int preempt(fy_trial *trial, int64_t id, fy_err *err)
{
    static const fy_event_kind kinds[] = {FY_EV_STOPPING, FY_EV_STOPPED, FY_EV_HELD};
    int status = 0;

    for (int k = 0; k < 3 && status == 0; k++) {
        const fy_job *victim = fy_fleet_job(trial->fleet, id);
        fy_event event = fy_trial_event(trial, kinds[k]);

        event.job = id;
        event.attempt = victim->attempt;
        event.reason = FY_WHY_PREEMPT_ORDER;
        event.a = kinds[k] == FY_EV_STOPPED ? 0 : -1;
        status = fy_trial_emit(trial, &event, err);
    }
    return status;
}

static int set_borrowing(fy_trial *trial, int32_t number, int64_t borrow_milli, fy_err *err)
{
    const fy_tenant *tenant = &trial->fleet->tenants[number];
    fy_event event = fy_trial_event(trial, FY_EV_TENANT_SET);
    int64_t guarantee[FY_MAX_CHIPS];
    fy_tenant_record rec = {.name = tenant->name,
                            .weight = tenant->weight,
                            .borrow_milli = borrow_milli,
                            .guarantee_milli = guarantee,
                            .n = trial->fleet->n_chips};

    memcpy(guarantee, tenant->guarantee_milli, sizeof guarantee);
    event.tenant = number;
    event.tenant_record = &rec;
    return fy_trial_emit(trial, &event, err);
}

/* The changes that are events. */
static int apply(fy_trial *trial, const fy_change *change, const fy_job *job, fy_err *err)
{
    fy_event event = fy_trial_event(trial, FY_EV_LIMITS);

    switch (change->kind) {
    case FY_CHANGE_RELEASE:
        event.kind = FY_EV_RELEASED;
        event.job = job->id;
        return fy_trial_emit(trial, &event, err);
    case FY_CHANGE_RESUME:
        event.kind = FY_EV_NODE_RESUMED;
        event.node = change->node;
        return fy_trial_emit(trial, &event, err);
    case FY_CHANGE_UNRESERVE:
        event.kind = FY_EV_NODE_RESERVED;
        event.node = change->node;
        event.a = event.b = 0;
        return fy_trial_emit(trial, &event, err);
    case FY_CHANGE_BORROW:
        return set_borrowing(trial, job->tenant, change->amount, err);
    case FY_CHANGE_POWER:
        event.a = change->amount;
        return fy_trial_emit(trial, &event, err);
    case FY_CHANGE_PREEMPT:
        return preempt(trial, change->job, err);
    case FY_CHANGE_NONE:
    case FY_CHANGE_WAIT:
    case FY_CHANGE_ACCEPT:
    case FY_CHANGE_FEWER:
    case FY_CHANGE_PRIORITY:
    case FY_N_CHANGES:
        break;
    }
    return 0;
}

int fy_change_try(fy_change *change, const fy_trial_bytes *bytes, int64_t now_us, const fy_job *job,
                  bool *starts, fy_err *err)
{
    fy_rate rates[FY_MAX_CHIPS + 1];
    fy_job_record rec;
    fy_trial trial;
    int status =
        fy_trial_open(&trial, bytes, now_us, job->id, record_after(change, job, &rec, rates), err);

    *starts = false;
    if (status != 0) {
        return status;
    }
    status = apply(&trial, change, job, err);
    status = status == 0 ? fy_trial_pass(&trial, err) : status;
    if (status == 0 && trial.started) {
        *starts = true;
        change->chip = trial.chip;
        change->starts_with = trial.workers;
    }
    fy_trial_close(&trial);
    return status;
}
