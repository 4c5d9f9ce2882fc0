/* SPDX-License-Identifier: MIT */
/*
 * Classes of like asks, and which of them can never be placed: on the fleet as it stands, with
 * every node empty, none of the chips they accept has room, or room on as few nodes as the gang
 * must keep to, or the power cap leaves too little beside the idle fleet.
 */
#include "fleet/internal.h"

#include <stdlib.h>
#include <string.h>

/* Room counted on the empty nodes of a pool so far: nodes are only ever added. */
typedef struct fy_class_room {
    int32_t seen;
    int64_t workers;
} fy_class_room;

int64_t fy_workers_in(fy_amounts have, fy_amounts ask, int64_t most)
{
    most = ask.devices > 0 && have.devices / ask.devices < most ? have.devices / ask.devices : most;
    most = ask.cpu_milli > 0 && have.cpu_milli / ask.cpu_milli < most
               ? have.cpu_milli / ask.cpu_milli
               : most;
    return ask.memory_mib > 0 && have.memory_mib / ask.memory_mib < most
               ? have.memory_mib / ask.memory_mib
               : most;
}

/* Workers of this class that the empty node could hold. */
static int64_t node_capacity(const fy_node *node, const fy_class_key *key)
{
    fy_amounts have = {node->n_devices, node->cpu_total, node->memory_total};
    fy_amounts ask = {key->devices, key->cpu_milli, key->memory_mib};

    return fy_workers_in(have, ask, key->milli > 0 ? 1 : INT32_MAX);
}

int fy_fleet_least_nodes(const fy_fleet *fleet, const fy_class *cls, int chip, int workers)
{
    const fy_pool *pool = &fleet->pools[chip];
    int per_node;

    if (cls->key.devices == 0) {
        return 1;
    }
    per_node = pool->max_devices / cls->key.devices;
    return per_node > 0 ? (workers + per_node - 1) / per_node : workers;
}

/* ------------------------------------------------------------------ never */

static int largest_first(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return (*x < *y) - (*x > *y);
}

/*
 * Is there a size of the gang that the roomiest nodes hold, no more of them than it may span? With
 * m nodes it may have at most m x per_node workers, and more than (m - 1) x per_node, or m - 1
 * nodes are all it may span.
 */
static bool fits_tightly(const fy_fleet *fleet, const fy_class_key *key, int chip)
{
    const fy_pool *pool = &fleet->pools[chip];
    int64_t per_node = key->devices > 0 ? pool->max_devices / key->devices : INT32_MAX;
    int64_t low = (int64_t)key->min_workers + key->spares;
    int64_t high = (int64_t)key->max_workers + key->spares;
    int64_t *room = fy_calloc((size_t)pool->n_nodes + 1, sizeof *room);
    int64_t sum = 0;
    bool fits = false;

    for (int i = 0; i < pool->n_nodes; i++) {
        room[i] = node_capacity(&fleet->nodes[pool->nodes[i]], key);
    }
    qsort(room, (size_t)pool->n_nodes, sizeof *room, largest_first);
    for (int64_t m = 1; m <= pool->n_nodes && !fits && (m - 1) * per_node < high; m++) {
        int64_t least = (m - 1) * per_node + 1 > low ? (m - 1) * per_node + 1 : low;
        int64_t most = m * per_node < high ? m * per_node : high;

        sum += room[m - 1];
        fits = least <= (most < sum ? most : sum);
    }
    free(room);
    return fits;
}

/* Do the empty nodes of the pool hold the smallest gang, however far it spreads? */
static bool has_room(const fy_fleet *fleet, const fy_class_key *key, int chip, fy_class_room *room)
{
    const fy_pool *pool = &fleet->pools[chip];
    int64_t need = (int64_t)key->min_workers + key->spares;

    for (; room->seen < pool->n_nodes && room->workers < need; room->seen++) {
        room->workers += node_capacity(&fleet->nodes[pool->nodes[room->seen]], key);
    }
    return room->workers >= need;
}

/* May the smallest gang draw its power on the chip while nothing else is held? */
static bool has_power(const fy_fleet *fleet, const fy_class_key *key, int chip)
{
    int64_t milli = fy_gang_milli(key->min_workers + key->spares, key->devices, key->milli);

    return fleet->power_cap_mw == FY_NEVER ||
           fleet->rest_mw + fleet->pools[chip].slack_mw * milli / FY_WHOLE <= fleet->power_cap_mw;
}

/* Why the class fits on no chip, FY_WHY_NONE where it does: the least hopeless chip's reason. */
void fy_class_refresh(fy_fleet *fleet, fy_class *cls)
{
    const fy_class_key *key = &cls->key;
    fy_class_room first[FY_MAX_CHIPS] = {{0, 0}};
    fy_class_room *rooms = cls->rooms != NULL ? cls->rooms : first;

    cls->fits = cls->counted == fleet->n_nodes ? cls->fits : 0;
    cls->counted = fleet->n_nodes;
    cls->shape = fleet->shape;
    cls->never = key->mask == 0 ? FY_WHY_NEVER_CHIP : FY_WHY_NEVER_SIZE;
    for (uint64_t left = key->mask; left != 0; left &= left - 1) {
        int c = __builtin_ctzll(left);
        bool known = cls->fits >> c & 1;

        if (!known && !has_room(fleet, key, c, &rooms[c])) {
            continue;
        }
        if (!known && (key->tight >> c & 1) != 0 && !fits_tightly(fleet, key, c)) {
            cls->never = cls->never == FY_WHY_NEVER_SIZE ? FY_WHY_NEVER_TIGHT : cls->never;
            continue;
        }
        cls->fits |= (uint64_t)1 << c;
        if (has_power(fleet, key, c)) {
            cls->never = FY_WHY_NONE;
            return;
        }
        cls->never = FY_WHY_NEVER_POWER;
    }
    if (cls->rooms == NULL) { /* it will be asked again with each node that comes */
        cls->rooms = fy_arena_alloc(&fleet->arena, sizeof first);
        memcpy(cls->rooms, first, sizeof first);
    }
}

/* The job begins to wait, or can or cannot be placed any more, because of what happened elsewhere.
 */
void fy_job_wake(fy_fleet *fleet, const fy_job *job)
{
    fleet->woken =
        fy_grow(fleet->woken, &fleet->woken_room, fleet->n_woken + 1, sizeof *fleet->woken);
    fleet->woken[fleet->n_woken++] = job->slot;
}

void fy_jobs_refresh(fy_fleet *fleet)
{
    bool changed = false;

    for (size_t i = 0; fleet->n_waiting > 0 && i < fleet->n_classes; i++) {
        fy_class *cls = &fleet->classes[i];
        fy_reason before = cls->never;

        if (cls->shape != fleet->shape &&
            (before != FY_WHY_NONE || cls->key.tight != 0 || fleet->power_cap_mw != FY_NEVER)) {
            fy_class_refresh(fleet, cls);
            changed |= cls->never != before;
        }
    }
    for (size_t s = 0; changed && s < fleet->n_slots; s++) {
        fy_job *job = fleet->jobs[s];
        fy_reason never = fleet->classes[job->cls].never;

        if (job->state == FY_JOB_WAITING && job->never != never) {
            fleet->n_never += (never != FY_WHY_NONE) - (job->never != FY_WHY_NONE);
            job->never = never;
            fy_job_wake(fleet, job);
        }
    }
}

/* ------------------------------------------------------------------ finding one */

uint64_t fy_hash_bytes(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, 64 bits */

    for (size_t i = 0; i < len; i++) {
        h = (h ^ p[i]) * 0x100000001b3u;
    }
    return h;
}

static void grow_class_hash(fy_fleet *fleet)
{
    size_t buckets = fleet->class_buckets > 0 ? fleet->class_buckets * 4 : 256;

    fleet->class_hash = fy_realloc(fleet->class_hash, buckets, sizeof *fleet->class_hash);
    fleet->class_buckets = buckets;
    memset(fleet->class_hash, 0xff, buckets * sizeof *fleet->class_hash);
    for (size_t i = 0; i < fleet->n_classes; i++) {
        fy_class *cls = &fleet->classes[i];
        size_t b = fy_hash_bytes(&cls->key, sizeof cls->key) & (buckets - 1);

        cls->next = fleet->class_hash[b];
        fleet->class_hash[b] = cls->index;
    }
}

/* Index of the class with this key, or -1 and the bucket where it belongs. */
static int32_t look_up(fy_fleet *fleet, const fy_class_key *key, size_t *bucket)
{
    if (fleet->n_classes >= fleet->class_buckets) {
        grow_class_hash(fleet);
    }
    *bucket = fy_hash_bytes(key, sizeof *key) & (fleet->class_buckets - 1);
    for (int32_t i = fleet->class_hash[*bucket]; i >= 0; i = fleet->classes[i].next) {
        if (memcmp(&fleet->classes[i].key, key, sizeof *key) == 0) {
            return i;
        }
    }
    return -1;
}

static fy_class *add_class(fy_fleet *fleet, const fy_class_key *key, size_t bucket)
{
    fy_class *cls;

    fleet->classes =
        fy_grow(fleet->classes, &fleet->classes_room, fleet->n_classes + 1, sizeof *fleet->classes);
    cls = &fleet->classes[fleet->n_classes];
    *cls = (fy_class){.index = (int32_t)fleet->n_classes, .next = fleet->class_hash[bucket]};
    memcpy(&cls->key, key, sizeof *key);
    fleet->class_hash[bucket] = cls->index;
    fleet->n_classes++;
    return cls;
}

fy_class *fy_class_restore(fy_fleet *fleet, const fy_class_key *key)
{
    size_t bucket;

    return look_up(fleet, key, &bucket) < 0 ? add_class(fleet, key, bucket) : NULL;
}

static fy_class_key key_of(const fy_fleet *fleet, const fy_job_record *rec)
{
    fy_class_key key;

    memset(&key, 0, sizeof key); /* the padding takes part in comparing and hashing */
    key.workers = rec->workers;
    key.min_workers = rec->min_workers;
    key.max_workers = rec->max_workers;
    key.devices = rec->devices;
    key.milli = rec->milli;
    key.spares = rec->spares;
    key.tenant = rec->tenant;
    key.cpu_milli = rec->cpu_milli;
    key.memory_mib = rec->memory_mib;
    key.array_limit = rec->array_of >= 0 ? rec->array_limit : 0;
    key.limit_us = -1;
    key.array_of = rec->array_limit > 0 ? rec->array_of : -1;
    for (int i = 0; i < rec->n_rates; i++) {
        uint64_t bit = (uint64_t)1 << rec->rates[i].chip;

        key.mask |= rec->rates[i].rate_q > 0 ? bit : 0;
        if (rec->rates[i].rate_q > 0 && fleet->pools[rec->rates[i].chip].n_windows > 0) {
            key.limit_us = rec->limit_us; /* before a window a shorter job may fit */
        }
        key.tight |= rec->rates[i].spread_q > 0 ? 0 : bit;
    }
    return key;
}

int32_t fy_class_of(fy_fleet *fleet, const fy_job_record *rec)
{
    fy_class_key key;
    size_t bucket;
    int32_t found;
    fy_class *cls;

    key = key_of(fleet, rec);
    found = look_up(fleet, &key, &bucket);
    if (found >= 0) {
        return found;
    }
    cls = add_class(fleet, &key, bucket);
    fy_class_refresh(fleet, cls);
    return cls->index;
}

bool fy_class_suits(const fy_fleet *fleet, const fy_class *cls, const fy_job_record *rec)
{
    fy_class_key key;

    key = key_of(fleet, rec);
    key.limit_us = cls->key.limit_us; /* it may have been set anew since */
    return memcmp(&key, &cls->key, sizeof key) == 0;
}
