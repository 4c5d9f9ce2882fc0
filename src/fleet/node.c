/* SPDX-License-Identifier: MIT */
/*
 * Nodes and what is held on them. The free sets hold exactly the nodes on which anybody may start
 * now ("listed": up, not drained, no window); nodes with a window stand in `reserved` instead.
 */
#include "fleet/internal.h"

#include <stdlib.h>
#include <string.h>

static const size_t most_nodes = 1 << 18; /* 2^18 x 4096 devices have numbers of 31 bits */

static int64_t slack_mw(const fy_node *node, int estimate)
{
    return node->active_mw[estimate] - node->idle_mw[estimate];
}

static bool may_list(const fy_node *node)
{
    return node->up && !node->drained && node->reserved_to_us == FY_NEVER;
}

static bool has_partial(const fy_node *node)
{
    return node->idle_milli > (int64_t)node->n_whole * FY_WHOLE;
}

/* A change on `node` is over: its version and what follows from it. */
static void touched(fy_fleet *fleet, fy_node *node)
{
    fleet->version[node - fleet->nodes]++;
    if (!node->frag_stale && fleet->mix.n > 0) {
        node->frag_stale = true;
        fleet->stale =
            fy_grow(fleet->stale, &fleet->stale_room, fleet->n_stale + 1, sizeof *fleet->stale);
        fleet->stale[fleet->n_stale++] = (int32_t)(node - fleet->nodes);
    }
}

void fy_node_list(fy_fleet *fleet, fy_node *node)
{
    fy_pool *pool = &fleet->pools[node->chip];

    if (node->up && node->reserved_to_us != FY_NEVER) {
        fy_bitset_add(&pool->reserved, node->in_pool);
        pool->releases++;
    }
    if (may_list(node)) {
        node->listed = true;
        fy_bitset_add(&pool->by_free[node->n_whole], node->in_pool);
        if (has_partial(node)) {
            fy_bitset_add(&pool->partial, node->in_pool);
        }
        pool->n_whole += node->n_whole;
        pool->idle_milli += node->idle_milli;
        pool->racks[node->rack].n_whole += node->n_whole;
        pool->releases++;
    }
    touched(fleet, node);
}

void fy_node_unlist(fy_fleet *fleet, fy_node *node)
{
    fy_pool *pool = &fleet->pools[node->chip];

    (void)fleet;
    fy_bitset_drop(&pool->reserved, node->in_pool);
    if (node->listed) {
        node->listed = false;
        fy_bitset_drop(&pool->by_free[node->n_whole], node->in_pool);
        fy_bitset_drop(&pool->partial, node->in_pool);
        pool->n_whole -= node->n_whole;
        pool->idle_milli -= node->idle_milli;
        pool->racks[node->rack].n_whole -= node->n_whole;
    }
}

/* Count (sign +1) or discount (-1) the power of a node that holds nothing. */
static void count_power(fy_fleet *fleet, const fy_node *node, int sign)
{
    fy_pool *pool = &fleet->pools[node->chip];

    fy_pool_integrate(pool, fleet->now_us);
    pool->n_up += sign * node->n_devices;
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        int64_t mw = node->overhead_mw[i] + node->idle_mw[i] * node->n_devices;

        pool->power_mw[i] += sign * mw;
        fleet->power_mw[i] += sign * mw;
    }
    fleet->rest_mw += sign * (node->overhead_mw[FY_HI] + node->idle_mw[FY_HI] * node->n_devices);
    fleet->shape += fleet->power_cap_mw != FY_NEVER;
}

void fy_node_set_up(fy_fleet *fleet, fy_node *node, bool up)
{
    if (node->up != up) {
        fy_node_unlist(fleet, node);
        node->up = up;
        count_power(fleet, node, up ? 1 : -1);
        for (int c = 0; c < fleet->n_chips; c++) {
            fleet->pools[c].releases++; /* what the power cap forbade may fit now */
        }
        fy_node_list(fleet, node);
    }
}

static void grow_pool(fy_fleet *fleet, fy_pool *pool, const fy_node_record *rec)
{
    int n = pool->n_nodes + 1;
    int devices = rec->devices > pool->max_devices ? rec->devices : pool->max_devices;

    (void)fleet;
    pool->nodes = fy_realloc(pool->nodes, (size_t)n, sizeof *pool->nodes);
    pool->racks = fy_realloc(pool->racks, (size_t)pool->n_racks + 1, sizeof *pool->racks);
    if (pool->by_free == NULL || devices > pool->max_devices || n > pool->partial.n_words * 64) {
        fy_bitset *old = pool->by_free;
        int members = n * 2 > 1024 ? n * 2 : 1024;

        pool->by_free = fy_calloc((size_t)devices + 1, sizeof *pool->by_free);
        for (int k = 0; k <= devices; k++) {
            pool->by_free[k] = fy_bitset_new(members);
            for (int i = -1; old != NULL && k <= pool->max_devices;) {
                i = fy_bitset_next(&old[k], i + 1);
                if (i < 0) {
                    break;
                }
                fy_bitset_add(&pool->by_free[k], i);
            }
        }
        for (int k = 0; old != NULL && k <= pool->max_devices; k++) {
            fy_bitset_free(&old[k]);
        }
        free(old);
        fy_bitset *sets[2] = {&pool->partial, &pool->reserved};
        for (int s = 0; s < 2; s++) {
            fy_bitset grown = fy_bitset_new(members);

            for (int i = -1; sets[s]->words != NULL;) {
                i = fy_bitset_next(sets[s], i + 1);
                if (i < 0) {
                    break;
                }
                fy_bitset_add(&grown, i);
            }
            fy_bitset_free(sets[s]);
            *sets[s] = grown;
        }
        pool->max_devices = devices;
    }
}

/* At most 1 MW a device and 10 MW a node, so that sums over a fleet fit 64 bits. */
static bool sane_power(const fy_node_record *rec)
{
    bool ok = true;

    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        ok = ok && rec->idle_mw[i] >= 0 && rec->idle_mw[i] <= 1000000000 &&
             rec->active_mw[i] >= 0 && rec->active_mw[i] <= 1000000000 &&
             rec->overhead_mw[i] >= 0 && rec->overhead_mw[i] <= 10000000000;
    }
    return ok;
}

static bool sane_record(const fy_fleet *fleet, const fy_node_record *rec)
{
    return rec->chip >= 0 && rec->chip < fleet->n_chips && rec->devices >= 0 &&
           rec->devices <= 4096 && rec->cpu_milli >= 0 && rec->cpu_milli <= FY_PLENTY &&
           rec->memory_mib >= 0 && rec->memory_mib <= FY_PLENTY && fleet->n_nodes < most_nodes &&
           sane_power(rec) &&
           fy_mix_fits(fleet->mix.total, fleet->n_devices + (size_t)rec->devices);
}

static void copy_power(fy_node *node, const fy_node_record *rec)
{
    memcpy(node->idle_mw, rec->idle_mw, sizeof node->idle_mw);
    memcpy(node->active_mw, rec->active_mw, sizeof node->active_mw);
    memcpy(node->overhead_mw, rec->overhead_mw, sizeof node->overhead_mw);
}

int fy_node_new(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    const fy_node_record *rec = event->node_record;
    fy_pool *pool;
    fy_node *node;
    int32_t number = (int32_t)fleet->n_nodes;
    bool opens_rack;

    if (!sane_record(fleet, rec)) {
        return fy_fail(err, FY_EINVAL, "node %s: chip %d, %d devices: out of range", rec->name,
                       rec->chip, rec->devices);
    }
    pool = &fleet->pools[rec->chip];
    fy_pool_integrate(pool, fleet->now_us);
    opens_rack = rec->rack != FY_RACK_LAST || pool->n_racks == 0;
    grow_pool(fleet, pool, rec);
    fleet->nodes = fy_grow(fleet->nodes, &fleet->nodes_room, fleet->n_nodes + 1, sizeof *node);
    fleet->version =
        fy_grow(fleet->version, &fleet->version_room, fleet->n_nodes + 1, sizeof *fleet->version);
    fleet->version[fleet->n_nodes] = 1;
    node = &fleet->nodes[fleet->n_nodes++];
    *node = (fy_node){.chip = rec->chip,
                      .in_pool = pool->n_nodes,
                      .n_devices = rec->devices,
                      .first_device = (int32_t)fleet->n_devices,
                      .n_whole = rec->devices,
                      .idle_milli = (int64_t)rec->devices * FY_WHOLE,
                      .cpu_free = rec->cpu_milli,
                      .cpu_total = rec->cpu_milli,
                      .memory_free = rec->memory_mib,
                      .memory_total = rec->memory_mib,
                      .reserved_tenant = -1,
                      .reserved_from_us = FY_NEVER,
                      .reserved_to_us = FY_NEVER,
                      .fail_job = {-1, -1, -1}};
    node->name = fy_arena_strdup(&fleet->arena, rec->name);
    copy_power(node, rec);
    if (opens_rack) {
        node->rack = pool->n_racks++;
        pool->racks[node->rack] = (fy_rack){.chip = rec->chip, .first = node->in_pool};
    } else {
        node->rack = pool->n_racks - 1;
    }
    pool->racks[node->rack].last = node->in_pool;
    pool->nodes[pool->n_nodes++] = number;
    if (slack_mw(node, FY_HI) > pool->slack_mw) {
        pool->slack_mw = slack_mw(node, FY_HI);
    }
    pool->n_devices += rec->devices;
    pool->unlimited = pool->n_nodes == 1 ? true : pool->unlimited;
    pool->unlimited &= rec->cpu_milli >= FY_PLENTY && rec->memory_mib >= FY_PLENTY;
    fleet->idle_milli =
        fy_grow(fleet->idle_milli, &fleet->devices_room,
                fleet->n_devices + (size_t)rec->devices + 1, sizeof *fleet->idle_milli);
    for (int d = 0; d < rec->devices; d++) {
        fleet->idle_milli[fleet->n_devices++] = FY_WHOLE;
    }
    fleet->shape++;
    fy_node_set_up(fleet, node, true);
    fy_jobs_refresh(fleet);
    return 0;
}

bool fy_node_open(const fy_node *node, const fy_job *job, int64_t now_us)
{
    if (!node->up || node->drained) {
        return false;
    }
    if (node->reserved_to_us == FY_NEVER || now_us >= node->reserved_to_us) {
        return true;
    }
    if (node->reserved_tenant >= 0 && node->reserved_tenant == job->tenant) {
        return true;
    }
    /* Before a window only what is sure to be gone in time may start. */
    return now_us < node->reserved_from_us && job->rec.limit_us >= 0 &&
           job->rec.limit_us <= node->reserved_from_us - now_us;
}

/* What `holder` has on the node already and may count as free when it moves; NULL = nothing. */
static const fy_hold *own_hold(const fy_job *holder, int32_t node)
{
    for (int h = 0; holder != NULL && h < holder->n_holds; h++) {
        if (holder->holds[h].node == node) {
            return &holder->holds[h];
        }
    }
    return NULL;
}

/* Idle milli of device `d`, with what the job itself has there. */
static int idle_for(const fy_fleet *fleet, const fy_job *job, const fy_hold *own, int32_t d)
{
    int n = own != NULL ? own->workers * job->rec.devices : 0;

    for (int i = 0; i < n; i++) {
        if (job->devices[own->first + i] == d) {
            return fleet->idle_milli[d] + fy_ask_milli(job->rec.milli);
        }
    }
    return fleet->idle_milli[d];
}

static int check_chunk(const fy_fleet *fleet, const fy_job *job, const fy_chunk *chunk,
                       const int32_t *devices, const fy_hold *own, fy_err *err)
{
    const fy_job_record *rec = &job->rec;
    const fy_node *node = &fleet->nodes[chunk->node];
    int64_t more = chunk->workers - (own != NULL ? own->workers : 0);
    int n = chunk->workers * rec->devices;

    if (more > 0 && !fy_node_open(node, job, fleet->now_us)) {
        return fy_fail(err, FY_EINVAL, "job %lld: node %s takes no new work", (long long)job->id,
                       node->name);
    }
    if (rec->cpu_milli * more > node->cpu_free || rec->memory_mib * more > node->memory_free) {
        return fy_fail(err, FY_EINVAL, "job %lld: node %s lacks CPU or memory", (long long)job->id,
                       node->name);
    }
    for (int i = 0; i < n; i++) {
        int32_t d = devices[i];

        if (d < node->first_device || d >= node->first_device + node->n_devices ||
            (i > 0 && d <= devices[i - 1])) {
            return fy_fail(err, FY_EINVAL, "job %lld: device %d is not on node %s or twice there",
                           (long long)job->id, d, node->name);
        }
        if (idle_for(fleet, job, own, d) < fy_ask_milli(rec->milli)) {
            return fy_fail(err, FY_EINVAL, "job %lld: device %d is not free", (long long)job->id,
                           d);
        }
    }
    return 0;
}

int fy_place_check(const fy_fleet *fleet, const fy_job *job, const fy_place *place,
                   const fy_job *holder, fy_err *err)
{
    const int most = job->rec.max_workers + job->rec.spares;
    int workers = 0;
    int devices = 0;

    for (int c = 0; c < place->n_chunks; c++) {
        const fy_chunk *chunk = &place->chunks[c];

        if (chunk->node < 0 || (size_t)chunk->node >= fleet->n_nodes || chunk->workers < 1 ||
            chunk->workers > most - workers || fleet->nodes[chunk->node].chip != place->chip ||
            (c > 0 && chunk->node <= place->chunks[c - 1].node) ||
            (int64_t)chunk->workers * job->rec.devices > place->n_devices - devices) {
            return fy_fail(err, FY_EINVAL, "job %lld: malformed place", (long long)job->id);
        }
        if (check_chunk(fleet, job, chunk, place->devices + devices, own_hold(holder, chunk->node),
                        err) != 0) {
            return FY_EINVAL;
        }
        devices += chunk->workers * job->rec.devices;
        workers += chunk->workers;
    }
    if (workers != place->workers || devices != place->n_devices ||
        workers < job->rec.min_workers) {
        return fy_fail(err, FY_EINVAL, "job %lld: a gang of %d to %d workers cannot run with %d",
                       (long long)job->id, job->rec.min_workers, most, workers);
    }
    return 0;
}

/* Give (sign -1: take) what `hold` has on its node. */
static void change(fy_fleet *fleet, const fy_job *job, const fy_hold *hold, int sign)
{
    fy_node *node = &fleet->nodes[hold->node];
    int ask = fy_ask_milli(job->rec.milli);
    int n = hold->workers * job->rec.devices;
    bool listed = node->listed;
    fy_pool *pool = &fleet->pools[node->chip];
    int32_t whole = node->n_whole;

    for (int i = 0; i < n; i++) {
        int16_t *idle = &fleet->idle_milli[job->devices[hold->first + i]];

        node->n_whole -= *idle == FY_WHOLE;
        *idle = (int16_t)(*idle + sign * ask);
        node->n_whole += *idle == FY_WHOLE;
    }
    node->idle_milli += (int64_t)sign * ask * n;
    node->cpu_free += sign * job->rec.cpu_milli * hold->workers;
    node->memory_free += sign * job->rec.memory_mib * hold->workers;
    if (listed) {
        if (whole != node->n_whole) {
            fy_bitset_drop(&pool->by_free[whole], node->in_pool);
            fy_bitset_add(&pool->by_free[node->n_whole], node->in_pool);
        }
        if (job->rec.milli > 0 || has_partial(node)) {
            (has_partial(node) ? fy_bitset_add : fy_bitset_drop)(&pool->partial, node->in_pool);
        }
        pool->n_whole += node->n_whole - whole;
        pool->racks[node->rack].n_whole += node->n_whole - whole;
        pool->idle_milli += (int64_t)sign * ask * n;
    }
    touched(fleet, node);
}

/* The job's held amount and power change by `milli` on `chip`. */
static void count_held(fy_fleet *fleet, fy_job *job, int sign)
{
    fy_pool *pool = &fleet->pools[job->chip];
    fy_tenant *tenant = &fleet->tenants[job->tenant];

    fy_pool_integrate(pool, fleet->now_us);
    fy_tenant_integrate(tenant, fleet->now_us);
    pool->held_milli += sign * job->held_milli;
    tenant->held_milli[job->chip] += sign * job->held_milli;
    tenant->held_total += sign * job->held_milli;
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        pool->power_mw[i] += sign * job->power_mw[i];
        fleet->power_mw[i] += sign * job->power_mw[i];
    }
}

void fy_place_hold(fy_fleet *fleet, fy_job *job, const fy_place *place)
{
    size_t size =
        (size_t)place->n_chunks * sizeof(fy_hold) + (size_t)place->n_devices * sizeof(int32_t);
    int32_t first = 0;

    job->chip = place->chip;
    job->workers = place->workers;
    job->place_size = size;
    job->n_holds = place->n_chunks;
    job->n_devices = place->n_devices;
    job->holds = fy_blocks_get(&fleet->blocks, size);
    job->devices = (int32_t *)(void *)(job->holds + place->n_chunks);
    if (place->n_devices > 0) {
        memcpy(job->devices, place->devices, (size_t)place->n_devices * sizeof *job->devices);
    }
    job->held_milli = (int64_t)place->n_devices * fy_ask_milli(job->rec.milli);
    memset(job->power_mw, 0, sizeof job->power_mw);
    for (int c = 0; c < place->n_chunks; c++) {
        fy_hold *hold = &job->holds[c];
        fy_node *node = &fleet->nodes[place->chunks[c].node];
        int n = place->chunks[c].workers * job->rec.devices;

        *hold = (fy_hold){.next = node->holds,
                          .node = place->chunks[c].node,
                          .workers = place->chunks[c].workers,
                          .slot = job->slot,
                          .first = first};
        if (hold->next != NULL) {
            hold->next->prev = hold;
        }
        node->holds = hold;
        change(fleet, job, hold, -1);
        first += n;
        for (int i = 0; i < FY_N_ESTIMATES; i++) {
            job->power_mw[i] += slack_mw(node, i) * n * fy_ask_milli(job->rec.milli) / FY_WHOLE;
        }
    }
    count_held(fleet, job, 1);
}

void fy_place_release(fy_fleet *fleet, fy_job *job)
{
    for (int c = 0; c < job->n_holds; c++) {
        fy_hold *hold = &job->holds[c];

        if (hold->prev != NULL) {
            hold->prev->next = hold->next;
        } else {
            fleet->nodes[hold->node].holds = hold->next;
        }
        if (hold->next != NULL) {
            hold->next->prev = hold->prev;
        }
        change(fleet, job, hold, 1);
    }
    count_held(fleet, job, -1);
    fleet->pools[job->chip].releases++;
    fy_blocks_put(&fleet->blocks, job->holds, job->place_size);
    job->holds = NULL;
    job->devices = NULL;
    job->n_holds = job->n_devices = 0;
    job->held_milli = 0;
    job->workers = job->working = 0;
}
