/* SPDX-License-Identifier: MIT */
#include "fleet/place.h"

#include "fleet/score.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct fy_placer {
    fy_placement kind;
    fy_scorer scorer;
    fy_chunk *chunks;
    size_t n_chunks, chunks_room;
    int32_t *devices;
    size_t devices_room;
    uint64_t tight; /* chips of the present search on which the gang must not spread */
};

static const struct {
    const char *name, *summary;
} placements[FY_N_PLACEMENTS] = {
    [FY_PLACE_PACK] = {"pack", "fullest nodes that fit, gangs on few nodes and in one rack"},
    [FY_PLACE_SPREAD] = {"spread", "emptiest nodes, gangs over many nodes"},
    [FY_PLACE_BESTFIT] = {"bestfit", "least CPU and devices left on the node"},
    [FY_PLACE_FGD] = {"fgd", "least growth of fragmentation (Weng et al., ATC 2023)"},
};

const char *fy_placement_name(fy_placement kind)
{
    return placements[kind].name;
}

const char *fy_placement_summary(fy_placement kind)
{
    return placements[kind].summary;
}

fy_placement fy_placement_find(const char *name)
{
    int kind = 0;

    while (kind < FY_N_PLACEMENTS && strcmp(placements[kind].name, name) != 0) {
        kind++;
    }
    return (fy_placement)kind;
}

fy_placer *fy_placer_new(fy_placement kind)
{
    fy_placer *placer = fy_calloc(1, sizeof *placer);

    placer->kind = kind;
    fy_scorer_init(&placer->scorer);
    return placer;
}

void fy_placer_free(fy_placer *placer)
{
    if (placer != NULL) {
        fy_scorer_free(&placer->scorer);
        free(placer->chunks);
        free(placer->devices);
        free(placer);
    }
}

/* ------------------------------------------------------------------ one node */

/* The fullest (spread: emptiest) listed node of the pool with what is wanted, or -1. */
static int node_by_free(const fy_placer *placer, const fy_fleet *fleet, int chip,
                        const fy_want *want, int *free_after)
{
    const fy_pool *pool = &fleet->pools[chip];
    bool spread = placer->kind == FY_PLACE_SPREAD;
    int least = want->milli > 0 ? 1 : want->devices;

    for (int i = 0; i <= pool->max_devices - least; i++) {
        int k = spread ? pool->max_devices - i : least + i;

        for (int n = fy_bitset_next(&pool->by_free[k], 0); n >= 0;
             n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            const fy_node *node = &fleet->nodes[pool->nodes[n]];

            if (node->cpu_free >= want->cpu_milli && node->memory_free >= want->memory_mib) {
                *free_after = k - least;
                return pool->nodes[n];
            }
        }
    }
    return -1;
}

/* The partly used device that `milli` fill best on a listed node of the pool, or -1. */
static int fullest_partial(const fy_fleet *fleet, int chip, const fy_want *want, int *device)
{
    const fy_pool *pool = &fleet->pools[chip];
    int best = -1;
    int best_idle = FY_WHOLE;

    for (int n = fy_bitset_next(&pool->partial, 0); n >= 0;
         n = fy_bitset_next(&pool->partial, n + 1)) {
        const fy_node *node = &fleet->nodes[pool->nodes[n]];
        int d;

        if (node->cpu_free < want->cpu_milli || node->memory_free < want->memory_mib) {
            continue;
        }
        d = fy_fullest_device(fleet, node, want->milli);
        if (d >= 0 && fleet->idle_milli[d] < best_idle) {
            best = pool->nodes[n];
            best_idle = fleet->idle_milli[d];
            *device = d;
        }
    }
    return best;
}

/* A node with a window that this job may use nevertheless (its tenant's, or it ends in time). */
static int reserved_node(const fy_fleet *fleet, const fy_job *job, int chip, const fy_want *want)
{
    const fy_pool *pool = &fleet->pools[chip];

    for (int n = fy_bitset_next(&pool->reserved, 0); n >= 0;
         n = fy_bitset_next(&pool->reserved, n + 1)) {
        const fy_node *node = &fleet->nodes[pool->nodes[n]];

        if (fy_node_open(node, job, fleet->now_us) && fy_node_fits(fleet, node, want)) {
            return pool->nodes[n];
        }
    }
    return -1;
}

/* One node for all that is wanted, by the placer's rule, or -1; *device for a share. */
static int one_node(fy_placer *placer, const fy_fleet *fleet, const fy_job *job,
                    const fy_want *want, int *device)
{
    int best = -1;
    int best_free = 0;

    *device = -1;
    if (placer->kind == FY_PLACE_FGD && fleet->mix.n > 0) {
        return fy_fgd_best(&placer->scorer, fleet, job, want, device);
    }
    if (placer->kind == FY_PLACE_BESTFIT || placer->kind == FY_PLACE_FGD) {
        return fy_bestfit_best(fleet, job, want);
    }
    for (uint64_t left = want->mask; left != 0; left &= left - 1) {
        int chip = __builtin_ctzll(left);
        int node = reserved_node(fleet, job, chip, want);
        int free_after = 0;

        if (node >= 0) {
            return node;
        }
        if (want->milli > 0 && placer->kind == FY_PLACE_PACK) {
            node = fullest_partial(fleet, chip, want, device);
            if (node >= 0) {
                return node;
            }
        }
        node = node_by_free(placer, fleet, chip, want, &free_after);
        if (node >= 0 && (best < 0 || (placer->kind == FY_PLACE_SPREAD ? free_after > best_free
                                                                       : free_after < best_free))) {
            best = node;
            best_free = free_after;
        }
    }
    return best;
}

/* ------------------------------------------------------------------ several nodes */

/* Workers that the node can take now. */
static int capacity(const fy_node *node, const fy_job_record *rec)
{
    return (int)fy_workers_in((fy_amounts){node->n_whole, node->cpu_free, node->memory_free},
                              (fy_amounts){rec->devices, rec->cpu_milli, rec->memory_mib},
                              INT32_MAX);
}

static void add_chunk(fy_placer *placer, int32_t node, int workers)
{
    placer->chunks =
        fy_grow(placer->chunks, &placer->chunks_room, placer->n_chunks + 1, sizeof *placer->chunks);
    placer->chunks[placer->n_chunks++] = (fy_chunk){.node = node, .workers = workers};
}

/* A node among first .. last of the pool that takes exactly the last `workers`, tightest first. */
static int last_node(const fy_fleet *fleet, const fy_pool *pool, const fy_job *job, int workers,
                     int below, const fy_rack *range)
{
    for (int k = workers * job->rec.devices; k < below; k++) {
        for (int n = fy_bitset_next(&pool->by_free[k], range->first); n >= 0 && n <= range->last;
             n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            if (capacity(&fleet->nodes[pool->nodes[n]], &job->rec) >= workers) {
                return pool->nodes[n];
            }
        }
    }
    return -1;
}

/* Emptiest nodes first, the rest on the tightest node; within first .. last of the pool. */
static bool fewest_nodes(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, int chip,
                         int workers, const fy_rack *range)
{
    const fy_pool *pool = &fleet->pools[chip];
    int least = job->rec.devices > 0 ? job->rec.devices : 0;
    int left = workers;

    placer->n_chunks = 0;
    for (int k = pool->max_devices; k >= least && left > 0; k--) {
        for (int n = fy_bitset_next(&pool->by_free[k], range->first);
             n >= 0 && n <= range->last && left > 0; n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            int room = capacity(&fleet->nodes[pool->nodes[n]], &job->rec);
            int tail = room >= left && least > 0 ? last_node(fleet, pool, job, left, k, range) : -1;

            if (tail >= 0) {
                add_chunk(placer, tail, left);
                left = 0;
            } else if (room > 0) {
                add_chunk(placer, pool->nodes[n], room < left ? room : left);
                left -= room < left ? room : left;
            }
        }
    }
    return left == 0;
}

/* One worker a node, then a second, and so on: emptiest nodes first. */
static bool most_nodes(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, int chip,
                       int workers)
{
    const fy_pool *pool = &fleet->pools[chip];
    int left = workers;
    bool grew = true;

    placer->n_chunks = 0;
    for (int k = pool->max_devices; k >= job->rec.devices && left > 0; k--) {
        for (int n = fy_bitset_next(&pool->by_free[k], 0); n >= 0 && left > 0;
             n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            if (capacity(&fleet->nodes[pool->nodes[n]], &job->rec) > 0) {
                add_chunk(placer, pool->nodes[n], 1);
                left--;
            }
        }
    }
    while (left > 0 && grew) {
        grew = false;
        for (size_t c = 0; c < placer->n_chunks && left > 0; c++) {
            const fy_node *node = &fleet->nodes[placer->chunks[c].node];

            if (placer->chunks[c].workers < capacity(node, &job->rec)) {
                placer->chunks[c].workers++;
                left--;
                grew = true;
            }
        }
    }
    return left == 0;
}

static bool in_racks(const fy_pool *pool)
{
    return pool->n_racks > 1 && pool->n_racks < pool->n_nodes;
}

/* Does what was chosen keep to `most` nodes? */
static bool narrow(const fy_placer *placer, int most)
{
    return (int)placer->n_chunks <= most;
}

static int roomiest_first(const void *a, const void *b)
{
    const fy_chunk *x = a;
    const fy_chunk *y = b;

    return x->workers != y->workers ? y->workers - x->workers : x->node - y->node;
}

/* The nodes with most room for this job, those in a window that is open to it included. */
static bool roomiest_nodes(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, int chip,
                           int workers)
{
    const fy_pool *pool = &fleet->pools[chip];
    int left = workers;
    size_t n = 0;

    placer->n_chunks = 0;
    for (int i = 0; i < pool->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[pool->nodes[i]];
        int room = fy_node_open(node, job, fleet->now_us) ? capacity(node, &job->rec) : 0;

        if (room > 0) {
            add_chunk(placer, pool->nodes[i], room);
        }
    }
    if (placer->n_chunks > 1) {
        qsort(placer->chunks, placer->n_chunks, sizeof *placer->chunks, roomiest_first);
    }
    for (; n < placer->n_chunks && left > 0; n++) {
        fy_chunk *chunk = &placer->chunks[n];

        chunk->workers = chunk->workers < left ? chunk->workers : left;
        left -= chunk->workers;
    }
    placer->n_chunks = n;
    return left == 0;
}

/*
 * The fullest rack whose idle devices are enough, then the whole pool; on at most `most` nodes.
 * Where that fails and there are windows, or CPU and memory make some nodes roomier than others of
 * as many devices, each node is asked what it can take: what fy_whatif says fits is found.
 */
static bool gang_in_pool(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, int chip,
                         int workers, int most)
{
    const fy_pool *pool = &fleet->pools[chip];
    fy_rack all = {.chip = chip, .first = 0, .last = pool->n_nodes - 1};
    int need = workers * job->rec.devices;
    int best = -1;

    if (placer->kind == FY_PLACE_SPREAD && most == INT_MAX) {
        return most_nodes(placer, fleet, job, chip, workers) ||
               (pool->reserved.count > 0 && roomiest_nodes(placer, fleet, job, chip, workers));
    }
    for (int r = 0; in_racks(pool) && r < pool->n_racks; r++) {
        if (pool->racks[r].n_whole >= need &&
            (best < 0 || pool->racks[r].n_whole < pool->racks[best].n_whole)) {
            best = r;
        }
    }
    if (best >= 0 && fewest_nodes(placer, fleet, job, chip, workers, &pool->racks[best]) &&
        narrow(placer, most)) {
        return true;
    }
    if (fewest_nodes(placer, fleet, job, chip, workers, &all) && narrow(placer, most)) {
        return true;
    }
    return (pool->reserved.count > 0 || (most < INT_MAX && !pool->unlimited)) &&
           roomiest_nodes(placer, fleet, job, chip, workers) && narrow(placer, most);
}

static int compare_chunks(const void *a, const void *b)
{
    const fy_chunk *x = a;
    const fy_chunk *y = b;

    return (x->node > y->node) - (x->node < y->node);
}

void fy_chunks_sort(fy_chunk *chunks, size_t n)
{
    if (n > 1) {
        qsort(chunks, n, sizeof *chunks, compare_chunks);
    }
}

/* Chunks in order of nodes, lowest idle devices on each. */
static void fill_devices(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, int device,
                         fy_place *place)
{
    int32_t n = 0;
    int32_t workers = 0;

    fy_chunks_sort(placer->chunks, placer->n_chunks);
    for (size_t c = 0; c < placer->n_chunks; c++) {
        const fy_node *node = &fleet->nodes[placer->chunks[c].node];
        int want = placer->chunks[c].workers * job->rec.devices;

        workers += placer->chunks[c].workers;
        placer->devices = fy_grow(placer->devices, &placer->devices_room, (size_t)(n + want) + 1,
                                  sizeof *placer->devices);
        if (job->rec.milli > 0) {
            placer->devices[n++] =
                device >= 0 ? device : fy_fullest_device(fleet, node, job->rec.milli);
            continue;
        }
        for (int d = 0; d < node->n_devices && want > 0; d++) {
            if (fleet->idle_milli[node->first_device + d] == FY_WHOLE) {
                placer->devices[n++] = node->first_device + d;
                want--;
            }
        }
    }
    place->chip = fleet->nodes[placer->chunks[0].node].chip;
    place->workers = workers;
    place->n_chunks = (int32_t)placer->n_chunks;
    place->n_devices = n;
    place->chunks = placer->chunks;
    place->devices = placer->devices;
}

/* Chips of `mask` whose idle devices could be enough: the quick no for most questions. */
static uint64_t roomy(const fy_fleet *fleet, const fy_job *job, uint64_t mask, int workers)
{
    int64_t need = (int64_t)workers * job->rec.devices;
    uint64_t out = 0;

    for (uint64_t left = mask; left != 0; left &= left - 1) {
        int chip = __builtin_ctzll(left);
        const fy_pool *pool = &fleet->pools[chip];
        bool enough =
            job->rec.milli > 0 ? pool->idle_milli >= job->rec.milli : pool->n_whole >= need;

        if (pool->n_nodes > 0 && (enough || pool->reserved.count > 0)) {
            out |= (uint64_t)1 << chip;
        }
    }
    return out;
}

bool fy_placer_find(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, uint64_t mask,
                    int workers, fy_place *place)
{
    const fy_class *cls = &fleet->classes[job->cls];
    fy_want want = {.mask = roomy(fleet, job, mask & cls->key.mask, workers),
                    .cpu_milli = job->rec.cpu_milli * workers,
                    .memory_mib = job->rec.memory_mib * workers,
                    .devices = job->rec.devices * workers,
                    .milli = job->rec.milli};
    int device = -1;
    int node;

    if (want.mask == 0) {
        return false;
    }
    if (placer->kind != FY_PLACE_SPREAD || workers == 1 || cls->key.tight != 0) {
        node = one_node(placer, fleet, job, &want, &device);
        if (node >= 0) {
            placer->n_chunks = 0;
            add_chunk(placer, node, workers);
            fill_devices(placer, fleet, job, device, place);
            return true;
        }
    }
    for (uint64_t left = workers > 1 ? want.mask : 0; left != 0; left &= left - 1) {
        int chip = __builtin_ctzll(left);
        bool tight = cls->key.tight >> chip & 1;
        int most = tight ? fy_fleet_least_nodes(fleet, cls, chip, workers) : INT_MAX;

        if (gang_in_pool(placer, fleet, job, chip, workers, most)) {
            fill_devices(placer, fleet, job, -1, place);
            return true;
        }
    }
    return false;
}
