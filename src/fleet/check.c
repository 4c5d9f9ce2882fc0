/* SPDX-License-Identifier: MIT */
/*
 * Every invariant of a fleet, from first principles: what is kept as a counter or a set is counted
 * again from the jobs and their holds. Slow on purpose and independent of the code that keeps the
 * counters; debug builds call it after every event.
 */
#include "fleet/internal.h"

#include <stdlib.h>
#include <string.h>

/* What a count from scratch gives. */
typedef struct recount {
    const fy_fleet *fleet;
    fy_err *err;
    int32_t *used;          /* [n_devices] milli */
    int64_t *cpu, *memory;  /* [n_nodes] taken */
    int32_t *links;         /* [n_nodes] holds */
    int64_t *tenant_held;   /* [n_tenants][n_chips] */
    int32_t *tenant_waits;  /* [n_tenants] */
    int32_t *array_running; /* [n_arrays] */
    int64_t held[FY_MAX_CHIPS], stopping[FY_MAX_CHIPS];
    int64_t power[FY_MAX_CHIPS][FY_N_ESTIMATES];
    fy_wide productive[FY_MAX_CHIPS]; /* of attempts that run */
    int n_waiting, n_running, n_live, n_never;
} recount;

static bool holding(const fy_job *job)
{
    return job->state == FY_JOB_STARTING || job->state == FY_JOB_RUNNING ||
           job->state == FY_JOB_STOPPING;
}

/* ------------------------------------------------------------------ jobs */

/* One hold of a gang: its node and its devices, and what they give. */
static int count_hold(recount *rc, const fy_job *job, const fy_hold *hold, int64_t power[])
{
    const fy_fleet *fleet = rc->fleet;
    const fy_node *node = &fleet->nodes[hold->node];
    int n = hold->workers * job->rec.devices;

    if (hold->workers < 1 || hold->slot != job->slot || node->chip != job->chip ||
        (hold > job->holds && hold->node <= hold[-1].node)) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld: malformed hold on node %s",
                       (long long)job->id, node->name);
    }
    for (int i = 0; i < n; i++) {
        int32_t d = job->devices[hold->first + i];

        if (d < node->first_device || d >= node->first_device + node->n_devices ||
            (i > 0 && d <= job->devices[hold->first + i - 1])) {
            return fy_fail(rc->err, FY_EINVAL, "job %lld: device %d is not node %s's, or twice",
                           (long long)job->id, d, node->name);
        }
        rc->used[d] += fy_ask_milli(job->rec.milli);
        if (rc->used[d] > FY_WHOLE) {
            return fy_fail(rc->err, FY_EINVAL, "device %d is over-committed: %d milli in use", d,
                           rc->used[d]);
        }
    }
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        power[i] +=
            (node->active_mw[i] - node->idle_mw[i]) * n * fy_ask_milli(job->rec.milli) / FY_WHOLE;
    }
    rc->links[hold->node]++;
    rc->cpu[hold->node] += job->rec.cpu_milli * hold->workers;
    rc->memory[hold->node] += job->rec.memory_mib * hold->workers;
    return 0;
}

/* A gang is whole: all its workers, no more than it asked for, on what its holds say. */
static int count_gang(recount *rc, const fy_job *job)
{
    int64_t power[FY_N_ESTIMATES] = {0};
    int64_t workers = 0;
    int status = 0;

    for (int h = 0; h < job->n_holds && status == 0; h++) {
        status = count_hold(rc, job, &job->holds[h], power);
        workers += job->holds[h].workers;
    }
    if (status != 0) {
        return status;
    }
    if (workers != job->workers || job->n_devices != workers * job->rec.devices ||
        workers < job->rec.min_workers || workers > job->rec.max_workers + job->rec.spares ||
        job->working < job->rec.min_workers || job->working > workers ||
        job->working > job->rec.max_workers ||
        job->held_milli != (int64_t)job->n_devices * fy_ask_milli(job->rec.milli)) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld: a gang of %lld workers is not whole",
                       (long long)job->id, (long long)workers);
    }
    if (memcmp(power, job->power_mw, sizeof power) != 0) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld: its power differs from a recount",
                       (long long)job->id);
    }
    rc->held[job->chip] += job->held_milli;
    rc->stopping[job->chip] += job->state == FY_JOB_STOPPING ? job->held_milli : 0;
    rc->productive[job->chip] += fy_job_productive(job, rc->fleet->now_us);
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        rc->power[job->chip][i] += power[i];
    }
    rc->tenant_held[job->tenant * rc->fleet->n_chips + job->chip] += job->held_milli;
    if ((job->array >= 0) != (job->rec.array_limit > 0 && job->rec.array_of >= 0)) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld is in no array, or in one too many",
                       (long long)job->id);
    }
    if (job->array >= 0) {
        rc->array_running[job->array]++;
    }
    return 0;
}

/* Work lies within 0 .. all of it; held time = pauses + productive time + what is done again. */
static int check_progress(const recount *rc, const fy_job *job)
{
    int64_t now_us = rc->fleet->now_us;
    int64_t done = fy_job_done(job, now_us);
    int64_t saved = fy_job_saved(job, now_us);

    if (done < 0 || saved < 0 || saved > done || (job->rec.work_q >= 0 && done > job->rec.work_q)) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld: %lld of %lld quanta done, %lld saved",
                       (long long)job->id, (long long)done, (long long)job->rec.work_q,
                       (long long)saved);
    }
    if (job->held_at_us > now_us || job->attempt_pause < 0 || job->attempt_lost < 0 ||
        job->attempt_pause + job->attempt_lost > job->attempt_held ||
        job->pause_int < job->attempt_pause || job->held_int < job->attempt_held ||
        job->lost_int < job->attempt_lost || job->pause_int + job->lost_int > job->held_int) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld: held time is not pauses + work + lost work",
                       (long long)job->id);
    }
    if (!holding(job) &&
        (job->rate_q != 0 || job->n_holds != 0 || job->held_milli != 0 || job->holds != NULL)) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld holds or works although it does not run",
                       (long long)job->id);
    }
    return 0;
}

static int check_job(recount *rc, const fy_job *job)
{
    const fy_fleet *fleet = rc->fleet;
    bool waits = job->state == FY_JOB_WAITING;

    if (job->id < 0 || (size_t)job->id >= fleet->n_ids || fleet->slot_of[job->id] != job->slot ||
        job->tenant < 0 || (size_t)job->tenant >= fleet->n_tenants) {
        return fy_fail(rc->err, FY_EINVAL, "slot %d: job %lld is not where its id says", job->slot,
                       (long long)job->id);
    }
    if ((job->state == FY_JOB_BLOCKED) != (job->n_open > 0) ||
        (job->n_open < 0 && job->state != FY_JOB_HELD)) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld: %d open dependencies in state %d",
                       (long long)job->id, job->n_open, (int)job->state);
    }
    if (waits && fleet->classes[job->cls].shape == fleet->shape &&
        job->never != fleet->classes[job->cls].never) {
        return fy_fail(rc->err, FY_EINVAL, "job %lld and its class differ on what never fits",
                       (long long)job->id);
    }
    rc->n_live++;
    rc->n_waiting += waits;
    rc->n_never += waits && job->never != FY_WHY_NONE;
    rc->tenant_waits[job->tenant] += waits;
    rc->n_running += holding(job);
    if (holding(job) && count_gang(rc, job) != 0) {
        return FY_EINVAL;
    }
    return check_progress(rc, job);
}

static int check_jobs(recount *rc)
{
    const fy_fleet *fleet = rc->fleet;
    size_t gone = 0;

    for (size_t s = 0; s < fleet->n_slots; s++) {
        const fy_job *job = fleet->jobs[s];

        gone += job->state == FY_JOB_GONE;
        if (job->slot != (int32_t)s || (job->state != FY_JOB_GONE && check_job(rc, job) != 0)) {
            return FY_EINVAL;
        }
    }
    if (gone != fleet->n_free_slots) {
        return fy_fail(rc->err, FY_EINVAL, "%zu slots are free, %zu are listed so", gone,
                       fleet->n_free_slots);
    }
    if (rc->n_waiting != fleet->n_waiting || rc->n_running != fleet->n_running ||
        rc->n_live != fleet->n_live || rc->n_live != fleet->n_active ||
        rc->n_never != fleet->n_never) {
        return fy_fail(rc->err, FY_EINVAL,
                       "%d jobs wait, %d run, %d live, %d fit never; counted %d, %d, %d, %d",
                       fleet->n_waiting, fleet->n_running, fleet->n_live, fleet->n_never,
                       rc->n_waiting, rc->n_running, rc->n_live, rc->n_never);
    }
    for (size_t i = 0; i < fleet->n_arrays; i++) {
        if (rc->array_running[i] != fleet->arrays[i].running) {
            return fy_fail(rc->err, FY_EINVAL, "array %lld: %d tasks run, not %d",
                           (long long)fleet->arrays[i].of, rc->array_running[i],
                           fleet->arrays[i].running);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ nodes */

/* The node's list of holds leads through exactly the holds that the jobs have on it. */
static int check_links(const recount *rc, const fy_node *node)
{
    const fy_hold *prev = NULL;
    int n = 0;

    for (const fy_hold *hold = node->holds; hold != NULL && n <= rc->links[node - rc->fleet->nodes];
         hold = hold->next) {
        const fy_job *job = rc->fleet->jobs[hold->slot];

        if (hold->prev != prev || !holding(job) || hold < job->holds ||
            hold >= job->holds + job->n_holds) {
            return fy_fail(rc->err, FY_EINVAL, "node %s: its list of holds is broken", node->name);
        }
        prev = hold;
        n++;
    }
    if (n != rc->links[node - rc->fleet->nodes]) {
        return fy_fail(rc->err, FY_EINVAL, "node %s: its list misses holds", node->name);
    }
    return 0;
}

/* The node stands in exactly the free sets in which it should. */
static int check_sets(const recount *rc, const fy_node *node)
{
    const fy_pool *pool = &rc->fleet->pools[node->chip];
    bool window = node->reserved_to_us != FY_NEVER;
    bool listed = node->up && !node->drained && !window;
    bool partial = node->idle_milli > (int64_t)node->n_whole * FY_WHOLE;

    if (node->listed != listed ||
        fy_bitset_has(&pool->partial, node->in_pool) != (listed && partial) ||
        fy_bitset_has(&pool->reserved, node->in_pool) != (node->up && window)) {
        return fy_fail(rc->err, FY_EINVAL, "node %s stands in the wrong free set", node->name);
    }
    for (int k = 0; k <= pool->max_devices; k++) {
        if (fy_bitset_has(&pool->by_free[k], node->in_pool) != (listed && k == node->n_whole)) {
            return fy_fail(rc->err, FY_EINVAL, "node %s with %d idle devices, set %d", node->name,
                           node->n_whole, k);
        }
    }
    return 0;
}

static int check_node(const recount *rc, int32_t number)
{
    const fy_fleet *fleet = rc->fleet;
    const fy_node *node = &fleet->nodes[number];
    int32_t whole = 0;
    int64_t idle = 0;

    for (int d = node->first_device; d < node->first_device + node->n_devices; d++) {
        if (fleet->idle_milli[d] != FY_WHOLE - rc->used[d]) {
            return fy_fail(rc->err, FY_EINVAL, "device %d: %d milli idle, counted %d", d,
                           fleet->idle_milli[d], FY_WHOLE - rc->used[d]);
        }
        whole += fleet->idle_milli[d] == FY_WHOLE;
        idle += fleet->idle_milli[d];
    }
    if (whole != node->n_whole || idle != node->idle_milli ||
        node->cpu_free != node->cpu_total - rc->cpu[number] || node->cpu_free < 0 ||
        node->memory_free != node->memory_total - rc->memory[number] || node->memory_free < 0) {
        return fy_fail(rc->err, FY_EINVAL,
                       "node %s: free devices, CPU or memory differ from a "
                       "recount",
                       node->name);
    }
    if (fleet->pools[node->chip].nodes[node->in_pool] != number) {
        return fy_fail(rc->err, FY_EINVAL, "node %s is not where its pool says", node->name);
    }
    return check_sets(rc, node) != 0 ? FY_EINVAL : check_links(rc, node);
}

/* ------------------------------------------------------------------ pools, tenants */

/* Racks are ranges of the pool's nodes, one after the other, with their idle devices. */
static int check_racks(const recount *rc, const fy_pool *pool)
{
    int next = 0;

    for (int r = 0; r < pool->n_racks; r++) {
        const fy_rack *rack = &pool->racks[r];
        int64_t whole = 0;

        for (int i = rack->first; i <= rack->last; i++) {
            const fy_node *node = &rc->fleet->nodes[pool->nodes[i]];

            whole += node->rack == r && node->listed ? node->n_whole : 0;
        }
        if (rack->first != next || rack->last < rack->first || whole != rack->n_whole) {
            return fy_fail(rc->err, FY_EINVAL, "rack %d of %s differs from a recount", r,
                           pool->name);
        }
        next = rack->last + 1;
    }
    return next == pool->n_nodes
               ? 0
               : fy_fail(rc->err, FY_EINVAL, "the racks of %s miss nodes", pool->name);
}

static int check_set_counts(const recount *rc, const fy_pool *pool)
{
    int listed = 0;
    int partial = 0;
    int reserved = 0;
    int free_sum = 0;

    for (int i = 0; i < pool->n_nodes; i++) {
        const fy_node *node = &rc->fleet->nodes[pool->nodes[i]];

        listed += node->listed;
        partial += fy_bitset_has(&pool->partial, i);
        reserved += fy_bitset_has(&pool->reserved, i);
    }
    for (int k = 0; pool->by_free != NULL && k <= pool->max_devices; k++) {
        free_sum += pool->by_free[k].count;
    }
    return free_sum == listed && partial == pool->partial.count && reserved == pool->reserved.count
               ? 0
               : fy_fail(rc->err, FY_EINVAL, "the free sets of %s miscount", pool->name);
}

static int check_pool(const recount *rc, int c)
{
    const fy_fleet *fleet = rc->fleet;
    const fy_pool *pool = &fleet->pools[c];
    fy_pool sum = {0};
    fy_wide held_int = pool->held_int + (fy_wide)(fleet->now_us - pool->at_us) * pool->held_milli;

    memcpy(sum.power_mw, rc->power[c], sizeof sum.power_mw);
    for (int n = 0; n < pool->n_nodes; n++) {
        const fy_node *node = &fleet->nodes[pool->nodes[n]];

        sum.n_windows += node->reserved_to_us != FY_NEVER;
        sum.n_devices += node->n_devices;
        sum.n_up += node->up ? node->n_devices : 0;
        sum.n_whole += node->listed ? node->n_whole : 0;
        sum.idle_milli += node->listed ? node->idle_milli : 0;
        for (int i = 0; i < FY_N_ESTIMATES && node->up; i++) {
            sum.power_mw[i] += node->overhead_mw[i] + node->idle_mw[i] * node->n_devices;
        }
    }
    if (sum.n_devices != pool->n_devices || sum.n_up != pool->n_up ||
        sum.n_whole != pool->n_whole || sum.n_windows != pool->n_windows ||
        sum.idle_milli != pool->idle_milli || rc->held[c] != pool->held_milli ||
        rc->stopping[c] != pool->stopping_milli) {
        return fy_fail(rc->err, FY_EINVAL,
                       "pool %s: devices up, idle, held or stopping differ "
                       "from a recount",
                       pool->name);
    }
    if (memcmp(sum.power_mw, pool->power_mw, sizeof sum.power_mw) != 0) {
        return fy_fail(rc->err, FY_EINVAL, "pool %s: %lld mW, counted %lld", pool->name,
                       (long long)pool->power_mw[FY_MID], (long long)sum.power_mw[FY_MID]);
    }
    if (pool->at_us > fleet->now_us || pool->productive_int + rc->productive[c] < 0 ||
        pool->productive_int + rc->productive[c] > held_int) {
        return fy_fail(rc->err, FY_EINVAL, "pool %s: more productive than held time", pool->name);
    }
    return check_set_counts(rc, pool) != 0 ? FY_EINVAL : check_racks(rc, pool);
}

static int check_tenant(const recount *rc, size_t number)
{
    const fy_tenant *tenant = &rc->fleet->tenants[number];
    int64_t total = 0;
    int64_t beyond = 0;

    for (int c = 0; c < rc->fleet->n_chips; c++) {
        int64_t held = rc->tenant_held[number * (size_t)rc->fleet->n_chips + (size_t)c];
        int64_t over = held - tenant->guarantee_milli[c];

        if (held != tenant->held_milli[c]) {
            return fy_fail(rc->err, FY_EINVAL, "tenant %s holds %lld milli of chip %d, not %lld",
                           tenant->name, (long long)held, c, (long long)tenant->held_milli[c]);
        }
        total += held;
        beyond += over > 0 ? over : 0;
    }
    if (total != tenant->held_total || rc->tenant_waits[number] != tenant->n_waiting) {
        return fy_fail(rc->err, FY_EINVAL, "tenant %s: held or waiting differ from a recount",
                       tenant->name);
    }
    if (tenant->borrow_milli >= 0 && beyond > tenant->borrow_milli &&
        beyond > tenant->beyond_at_set) {
        return fy_fail(rc->err, FY_EINVAL, "tenant %s borrows %lld milli, limit %lld", tenant->name,
                       (long long)beyond, (long long)tenant->borrow_milli);
    }
    return 0;
}

/* What pools have given is what tenants have taken, as power and over all time. */
static int check_conservation(const recount *rc)
{
    const fy_fleet *fleet = rc->fleet;
    fy_wide given = 0;
    fy_wide taken = 0;
    int64_t power[FY_N_ESTIMATES] = {0};
    int64_t rest_mw = 0;

    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];

        rest_mw += node->up ? node->overhead_mw[FY_HI] + node->idle_mw[FY_HI] * node->n_devices : 0;
    }
    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];

        given += pool->held_int + (fy_wide)(fleet->now_us - pool->at_us) * pool->held_milli;
        for (int i = 0; i < FY_N_ESTIMATES; i++) {
            power[i] += pool->power_mw[i];
        }
    }
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        const fy_tenant *tenant = &fleet->tenants[i];

        taken += tenant->held_int + (fy_wide)(fleet->now_us - tenant->at_us) * tenant->held_total;
    }
    if (given != taken) {
        return fy_fail(rc->err, FY_EINVAL, "device time given and taken differ");
    }
    if (memcmp(power, fleet->power_mw, sizeof power) != 0 || rest_mw != fleet->rest_mw) {
        return fy_fail(rc->err, FY_EINVAL, "the fleet's power is not the sum of its pools'");
    }
    return 0;
}

/* ------------------------------------------------------------------ all of it */

static int check_all(recount *rc)
{
    const fy_fleet *fleet = rc->fleet;
    int status = check_jobs(rc);

    for (size_t i = 0; i < fleet->n_nodes && status == 0; i++) {
        status = check_node(rc, (int32_t)i);
    }
    for (int c = 0; c < fleet->n_chips && status == 0; c++) {
        status = check_pool(rc, c);
    }
    for (size_t i = 0; i < fleet->n_tenants && status == 0; i++) {
        status = check_tenant(rc, i);
    }
    return status == 0 ? check_conservation(rc) : status;
}

int fy_fleet_check(const fy_fleet *fleet, fy_err *err)
{
    size_t chips = (size_t)fleet->n_chips;
    recount rc = {.fleet = fleet,
                  .err = err,
                  .used = fy_calloc(fleet->n_devices + 1, sizeof *rc.used),
                  .cpu = fy_calloc(fleet->n_nodes + 1, sizeof *rc.cpu),
                  .memory = fy_calloc(fleet->n_nodes + 1, sizeof *rc.memory),
                  .links = fy_calloc(fleet->n_nodes + 1, sizeof *rc.links),
                  .tenant_held = fy_calloc(fleet->n_tenants * chips + 1, sizeof *rc.tenant_held),
                  .tenant_waits = fy_calloc(fleet->n_tenants + 1, sizeof *rc.tenant_waits),
                  .array_running = fy_calloc(fleet->n_arrays + 1, sizeof *rc.array_running)};
    int status = check_all(&rc);

    free(rc.used);
    free(rc.cpu);
    free(rc.memory);
    free(rc.links);
    free(rc.tenant_held);
    free(rc.tenant_waits);
    free(rc.array_running);
    return status;
}
