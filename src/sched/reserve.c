/* SPDX-License-Identifier: MIT */
#include "sched/reserve.h"

#include "fleet/place.h"

#include <stdlib.h>
#include <string.h>

void fy_reserve_init(fy_reserve *r)
{
    *r = (fy_reserve){.job = -1, .chip = -1, .at_us = FY_NEVER};
}

void fy_reserve_free(fy_reserve *r)
{
    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        fy_heap_free(&r->ends[c]);
    }
    fy_heap_pos_free(&r->pos);
    fy_whatif_free(&r->what);
    free(r->nodes);
    free(r->idle);
    free(r->gone);
    free(r->chunks);
    free(r->numbers);
    *r = (fy_reserve){0};
}

static int64_t end_of(const fy_job *job)
{
    return job->rec.limit_us >= 0 && job->rec.limit_us < FY_NEVER - job->start_us
               ? job->start_us + job->rec.limit_us
               : FY_NEVER;
}

void fy_reserve_observe(fy_reserve *r, const fy_job *job)
{
    if (job != NULL && fy_job_holds(job)) {
        fy_heap_set(&r->ends[job->chip], &r->pos, job->slot, end_of(job), job->id);
    } else if (job != NULL && fy_heap_has(&r->pos, job->slot)) {
        fy_heap_remove(&r->ends[job->chip], &r->pos, job->slot);
    }
}

/* ------------------------------------------------------------------ making it */

/* The earliest instant on `chip`; leaves those who must end in `gone` and removed in `what`. */
static int64_t earliest(fy_reserve *r, const fy_fleet *fleet, const fy_job *job, int chip)
{
    int64_t at_us = fleet->now_us;
    const fy_heap_entry *top;

    r->n_gone = 0;
    fy_whatif_begin(&r->what, fleet, job, chip, job->rec.min_workers + job->rec.spares);
    while (!fy_whatif_fits(&r->what)) {
        top = fy_heap_top(&r->ends[chip]);
        if (top == NULL || top->key == FY_NEVER) {
            at_us = FY_NEVER;
            break;
        }
        at_us = top->key > at_us ? top->key : at_us;
        r->gone = fy_grow(r->gone, &r->gone_room, r->n_gone + 1, sizeof *r->gone);
        r->gone[r->n_gone++] = *top;
        fy_whatif_remove(&r->what, fleet->jobs[top->item]);
        fy_heap_remove(&r->ends[chip], &r->pos, top->item);
    }
    for (size_t i = 0; i < r->n_gone; i++) {
        fy_heap_set(&r->ends[chip], &r->pos, r->gone[i].item, r->gone[i].key, r->gone[i].tie);
    }
    return at_us;
}

static void keep_node(fy_reserve *r, int32_t number, int32_t workers)
{
    const fy_node *node = &r->what.fleet->nodes[number];
    const fy_whatif_node *more = &r->what.nodes[number];

    r->nodes = fy_grow(r->nodes, &r->nodes_room, r->n_nodes + 1, sizeof *r->nodes);
    r->nodes[r->n_nodes++] = (fy_reserved_node){.node = number,
                                                .workers = workers,
                                                .cpu_milli = node->cpu_free + more->cpu_milli,
                                                .memory_mib = node->memory_free + more->memory_mib,
                                                .first = r->n_idle};
    r->idle =
        fy_grow(r->idle, &r->idle_room, r->n_idle + (size_t)node->n_devices + 1, sizeof *r->idle);
    for (int d = node->first_device; d < node->first_device + node->n_devices; d++) {
        r->idle[r->n_idle++] = (int16_t)(r->what.fleet->idle_milli[d] + r->what.freed[d]);
    }
}

typedef struct candidate {
    int32_t node, room;
    bool busy; /* not free now: to reserve it hurts nobody */
} candidate;

static int busy_first(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;

    if (x->busy != y->busy) {
        return x->busy ? -1 : 1;
    }
    return x->room != y->room ? y->room - x->room : x->node - y->node;
}

static int roomy_first(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;

    if (x->room != y->room) {
        return y->room - x->room;
    }
    return x->busy != y->busy ? y->busy - x->busy : x->node - y->node;
}

/* Nodes for all workers: one that must become free if one is enough; else those that must become
 * free before those that are, or the fewest where the gang must not spread. */
static void keep_nodes(fy_reserve *r)
{
    const fy_pool *pool = &r->what.fleet->pools[r->what.chip];
    bool tight = r->what.most_nodes != INT32_MAX;
    int32_t left = r->what.workers;
    candidate *list;
    size_t n = 0;

    for (size_t i = 0; i < r->what.n_touched; i++) {
        if (r->what.nodes[r->what.touched[i]].room >= left) {
            keep_node(r, r->what.touched[i], left);
            return;
        }
    }
    list = fy_calloc((size_t)pool->n_nodes + 1, sizeof *list);
    for (int i = 0; i < pool->n_nodes; i++) {
        int32_t number = pool->nodes[i];
        int32_t room = fy_whatif_room(&r->what, number);

        if (room > 0) {
            list[n++] = (candidate){number, room, r->what.nodes[number].touched};
        }
    }
    qsort(list, n, sizeof *list, tight ? roomy_first : busy_first);
    for (size_t i = 0; i < n && left > 0; i++) {
        int32_t take = list[i].room < left ? list[i].room : left;

        keep_node(r, list[i].node, take);
        left -= take;
    }
    free(list);
}

void fy_reserve_make(fy_reserve *r, const fy_fleet *fleet, const fy_job *job)
{
    r->job = job->id;
    r->at_us = FY_NEVER;
    r->chip = -1;
    r->chips = fleet->classes[job->cls].key.mask;
    r->devices = job->rec.devices;
    r->milli = job->rec.milli;
    r->cpu_milli = job->rec.cpu_milli;
    r->memory_mib = job->rec.memory_mib;
    r->n_nodes = r->n_idle = 0;
    for (int i = 0; i < job->rec.n_rates; i++) {
        int chip = job->rec.rates[i].chip;
        int64_t at_us;

        if (job->rec.rates[i].rate_q <= 0 || fleet->pools[chip].n_nodes == 0) {
            continue;
        }
        at_us = earliest(r, fleet, job, chip);
        if (at_us < r->at_us) {
            r->at_us = at_us;
            r->chip = chip;
            r->n_nodes = r->n_idle = 0;
            keep_nodes(r);
        }
        fy_whatif_end(&r->what);
    }
}

/* ------------------------------------------------------------------ beside it */

static fy_reserved_node *part_of(const fy_reserve *r, int32_t node)
{
    for (size_t i = 0; i < r->n_nodes; i++) {
        if (r->nodes[i].node == node) {
            return &r->nodes[i];
        }
    }
    return NULL;
}

/* Does the reserved node keep what it must if the job has the chunk with `numbers` as well? */
static bool keeps(const fy_reserve *r, const fy_fleet *fleet, const fy_job *job,
                  const fy_chunk *chunk, const int32_t *numbers)
{
    const fy_reserved_node *part = part_of(r, chunk->node);
    const fy_node *node = &fleet->nodes[chunk->node];
    int32_t n = chunk->workers * job->rec.devices;
    int32_t i = 0;
    int workers = 0;

    if (part == NULL) {
        return true;
    }
    if (part->cpu_milli - job->rec.cpu_milli * chunk->workers < r->cpu_milli * part->workers ||
        part->memory_mib - job->rec.memory_mib * chunk->workers < r->memory_mib * part->workers) {
        return false;
    }
    for (int32_t d = 0; d < node->n_devices; d++) { /* both run in order of numbers */
        bool taken = i < n && numbers[i] == node->first_device + d;
        int idle = r->idle[part->first + (size_t)d] - (taken ? fy_ask_milli(job->rec.milli) : 0);

        i += taken;
        workers += r->milli > 0 ? idle >= r->milli : idle == FY_WHOLE;
    }
    return workers >= part->workers * r->devices;
}

bool fy_reserve_allows(const fy_reserve *r, const fy_fleet *fleet, const fy_job *job,
                       const fy_place *place)
{
    const int32_t *numbers = place->devices;

    if (r->at_us == FY_NEVER) {
        return (r->chips >> place->chip & 1) == 0;
    }
    for (int c = 0; place->chip == r->chip && c < place->n_chunks; c++) {
        int32_t n = place->chunks[c].workers * job->rec.devices;

        if (!keeps(r, fleet, job, &place->chunks[c], numbers)) {
            return false;
        }
        numbers += n;
    }
    return true;
}

void fy_reserve_take(fy_reserve *r, const fy_fleet *fleet, const fy_job *job, const fy_place *place)
{
    const int32_t *numbers = place->devices;

    for (int c = 0; place->chip == r->chip && c < place->n_chunks; c++) {
        const fy_chunk *chunk = &place->chunks[c];
        fy_reserved_node *part = part_of(r, chunk->node);
        int32_t n = chunk->workers * job->rec.devices;

        for (int32_t i = 0; part != NULL && i < n; i++) {
            int32_t d = numbers[i] - fleet->nodes[chunk->node].first_device;

            r->idle[part->first + (size_t)d] =
                (int16_t)(r->idle[part->first + (size_t)d] - fy_ask_milli(job->rec.milli));
        }
        if (part != NULL) {
            part->cpu_milli -= job->rec.cpu_milli * chunk->workers;
            part->memory_mib -= job->rec.memory_mib * chunk->workers;
        }
        numbers += n;
    }
}

/* Workers of the job that the node takes now. */
static int room_now(const fy_node *node, const fy_job_record *rec, int most)
{
    int32_t devices = rec->milli > 0 ? 0 : rec->devices; /* a share's device is looked for later */

    return (int)fy_workers_in((fy_amounts){node->n_whole, node->cpu_free, node->memory_free},
                              (fy_amounts){devices, rec->cpu_milli, rec->memory_mib}, most);
}

/* Add `workers` on the node to the place, on its idle devices; false where a share has none. */
static bool add_chunk(fy_reserve *r, const fy_fleet *fleet, const fy_job *job, int32_t number,
                      int workers, fy_place *place)
{
    const fy_node *node = &fleet->nodes[number];
    int32_t want = workers * job->rec.devices;
    int32_t best = -1;

    r->chunks = fy_grow(r->chunks, &r->chunks_room, (size_t)place->n_chunks + 1, sizeof *r->chunks);
    r->numbers = fy_grow(r->numbers, &r->numbers_room, (size_t)(place->n_devices + want) + 1,
                         sizeof *r->numbers);
    for (int32_t d = node->first_device; d < node->first_device + node->n_devices && want > 0;
         d++) {
        int idle = fleet->idle_milli[d];

        if (job->rec.milli == 0 && idle == FY_WHOLE) {
            r->numbers[place->n_devices++] = d;
            want--;
        } else if (job->rec.milli > 0 && idle >= job->rec.milli &&
                   (best < 0 || idle < fleet->idle_milli[best])) {
            best = d;
        }
    }
    if (best >= 0) {
        r->numbers[place->n_devices++] = best;
        want--;
    }
    r->chunks[place->n_chunks++] = (fy_chunk){.node = number, .workers = workers};
    place->workers += workers;
    place->chunks = r->chunks;
    place->devices = r->numbers;
    return want == 0;
}

/* The emptiest nodes without a part in the reservation. */
static bool gang_beside(fy_reserve *r, const fy_fleet *fleet, const fy_job *job, int chip,
                        int workers, fy_place *place)
{
    const fy_class *cls = &fleet->classes[job->cls];
    const fy_pool *pool = &fleet->pools[chip];
    int most = (cls->key.tight >> chip & 1) != 0 ? fy_fleet_least_nodes(fleet, cls, chip, workers)
                                                 : INT32_MAX;
    int left = workers;
    int n_chunks = 0;

    for (int k = pool->max_devices; k >= job->rec.devices && left > 0; k--) {
        for (int n = fy_bitset_next(&pool->by_free[k], 0); n >= 0 && left > 0 && n_chunks < most;
             n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            int32_t number = pool->nodes[n];
            int room = room_now(&fleet->nodes[number], &job->rec, left);

            if (room > 0 && part_of(r, number) == NULL) {
                r->chunks =
                    fy_grow(r->chunks, &r->chunks_room, (size_t)n_chunks + 1, sizeof *r->chunks);
                r->chunks[n_chunks++] = (fy_chunk){.node = number, .workers = room};
                left -= room;
            }
        }
    }
    if (left > 0) {
        return false;
    }
    fy_chunks_sort(r->chunks, (size_t)n_chunks);
    *place = (fy_place){.chip = chip};
    for (int c = 0; c < n_chunks; c++) {
        (void)add_chunk(r, fleet, job, r->chunks[c].node, r->chunks[c].workers, place);
    }
    return true;
}

bool fy_reserve_beside(fy_reserve *r, const fy_fleet *fleet, const fy_job *job, int chip,
                       int workers, fy_place *place)
{
    const fy_pool *pool = &fleet->pools[chip];
    int least = job->rec.milli > 0 ? 0 : job->rec.devices * workers;

    for (int k = least; k <= pool->max_devices; k++) {
        for (int n = fy_bitset_next(&pool->by_free[k], 0); n >= 0;
             n = fy_bitset_next(&pool->by_free[k], n + 1)) {
            int32_t number = pool->nodes[n];

            *place = (fy_place){.chip = chip};
            if (room_now(&fleet->nodes[number], &job->rec, workers) == workers &&
                add_chunk(r, fleet, job, number, workers, place) &&
                fy_reserve_allows(r, fleet, job, place)) {
                return true;
            }
        }
    }
    return workers > 1 && gang_beside(r, fleet, job, chip, workers, place);
}
