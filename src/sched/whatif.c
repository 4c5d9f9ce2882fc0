/* SPDX-License-Identifier: MIT */
#include "sched/whatif.h"

#include <stdlib.h>
#include <string.h>

/* Is there a device with room for the share? */
static bool share_fits(const fy_whatif *what, const fy_node *node)
{
    for (int d = node->first_device; d < node->first_device + node->n_devices; d++) {
        if (what->fleet->idle_milli[d] + what->freed[d] >= what->job->rec.milli) {
            return true;
        }
    }
    return false;
}

int32_t fy_whatif_room(const fy_whatif *what, int32_t number)
{
    const fy_job_record *rec = &what->job->rec;
    const fy_node *node = &what->fleet->nodes[number];
    const fy_whatif_node *more = &what->nodes[number];
    fy_amounts have = {node->n_whole + more->whole, node->cpu_free + more->cpu_milli,
                       node->memory_free + more->memory_mib};
    fy_amounts ask = {rec->milli > 0 ? 0 : rec->devices, rec->cpu_milli, rec->memory_mib};
    int64_t room;

    if (!fy_node_open(node, what->job, what->fleet->now_us)) {
        return 0;
    }
    room = fy_workers_in(have, ask, what->workers);
    if (rec->milli > 0) {
        return room > 0 && share_fits(what, node) ? 1 : 0;
    }
    return (int32_t)room;
}

static void count_room(fy_whatif *what, int32_t room, int nodes)
{
    what->by_room[room] += nodes;
    what->total += (int64_t)room * nodes;
}

static void count_all(fy_whatif *what)
{
    const fy_pool *pool = &what->fleet->pools[what->chip];
    const fy_job_record *rec = &what->job->rec;

    if (rec->devices == 0 || (!pool->unlimited && rec->cpu_milli + rec->memory_mib > 0)) {
        for (int n = 0; n < pool->n_nodes; n++) {
            count_room(what, fy_whatif_room(what, pool->nodes[n]), 1);
        }
        return;
    }
    for (int k = rec->devices; k <= pool->max_devices; k++) {
        int room = k / rec->devices;

        count_room(what, room < what->workers ? room : what->workers, pool->by_free[k].count);
    }
    for (int n = fy_bitset_next(&pool->reserved, 0); n >= 0;
         n = fy_bitset_next(&pool->reserved, n + 1)) {
        count_room(what, fy_whatif_room(what, pool->nodes[n]), 1);
    }
}

static void make_room(fy_whatif *what, const fy_fleet *fleet, int workers)
{
    what->by_room =
        fy_grow(what->by_room, &what->by_room_room, (size_t)workers + 1, sizeof *what->by_room);
    memset(what->by_room, 0, ((size_t)workers + 1) * sizeof *what->by_room);
    what->nodes = fy_grow(what->nodes, &what->nodes_room, fleet->n_nodes + 1, sizeof *what->nodes);
    for (; what->n_nodes < fleet->n_nodes; what->n_nodes++) {
        what->nodes[what->n_nodes] = (fy_whatif_node){0};
    }
    what->freed =
        fy_grow(what->freed, &what->freed_room, fleet->n_devices + 1, sizeof *what->freed);
    for (; what->n_freed < fleet->n_devices; what->n_freed++) {
        what->freed[what->n_freed] = 0;
    }
}

void fy_whatif_begin(fy_whatif *what, const fy_fleet *fleet, const fy_job *job, int chip,
                     int workers)
{
    const fy_class *cls = &fleet->classes[job->cls];
    bool tight = cls->key.tight >> chip & 1;

    make_room(what, fleet, workers);
    what->fleet = fleet;
    what->job = job;
    what->chip = chip;
    what->workers = workers;
    what->most_nodes = tight ? fy_fleet_least_nodes(fleet, cls, chip, workers) : INT32_MAX;
    what->total = 0;
    what->n_touched = 0;
    if (job->rec.milli == 0) { /* a share that does not fit now has no room anywhere */
        count_all(what);
    }
}

static void touch(fy_whatif *what, int32_t number)
{
    fy_whatif_node *node = &what->nodes[number];

    if (!node->touched) {
        what->touched =
            fy_grow(what->touched, &what->touched_room, what->n_touched + 1, sizeof *what->touched);
        what->touched[what->n_touched++] = number;
        node->touched = true;
        node->room = what->job->rec.milli == 0 ? fy_whatif_room(what, number) : 0;
    }
}

static void change(fy_whatif *what, const fy_job *victim, int sign)
{
    const fy_job_record *rec = &victim->rec;
    int ask = fy_ask_milli(rec->milli);

    for (int h = 0; h < victim->n_holds; h++) {
        const fy_hold *hold = &victim->holds[h];
        fy_whatif_node *node = &what->nodes[hold->node];
        int32_t room;

        touch(what, hold->node);
        for (int i = 0; i < hold->workers * rec->devices; i++) {
            int32_t d = victim->devices[hold->first + i];

            node->whole -=
                what->freed[d] > 0 && what->fleet->idle_milli[d] + what->freed[d] == FY_WHOLE;
            what->freed[d] = (int16_t)(what->freed[d] + sign * ask);
            node->whole +=
                what->freed[d] > 0 && what->fleet->idle_milli[d] + what->freed[d] == FY_WHOLE;
        }
        node->cpu_milli += sign * rec->cpu_milli * hold->workers;
        node->memory_mib += sign * rec->memory_mib * hold->workers;
        room = fy_whatif_room(what, hold->node);
        if (room != node->room) {
            count_room(what, node->room, -1);
            count_room(what, room, 1);
            node->room = room;
        }
    }
}

void fy_whatif_remove(fy_whatif *what, const fy_job *victim)
{
    change(what, victim, 1);
}

void fy_whatif_restore(fy_whatif *what, const fy_job *victim)
{
    change(what, victim, -1);
}

bool fy_whatif_fits(const fy_whatif *what)
{
    int64_t left = what->workers;
    int64_t nodes = what->most_nodes;

    if (what->total < left || what->most_nodes == INT32_MAX) {
        return what->total >= left;
    }
    for (int32_t room = what->workers; room > 0 && left > 0 && nodes > 0; room--) {
        int64_t n = what->by_room[room] < nodes ? what->by_room[room] : nodes;

        nodes -= n;
        left -= n * room;
    }
    return left <= 0;
}

/* Callers need not restore what they removed: devices of touched nodes are put to rest here. */
void fy_whatif_end(fy_whatif *what)
{
    for (size_t i = 0; i < what->n_touched; i++) {
        const fy_node *node = &what->fleet->nodes[what->touched[i]];

        memset(&what->freed[node->first_device], 0, (size_t)node->n_devices * sizeof *what->freed);
        what->nodes[what->touched[i]] = (fy_whatif_node){0};
    }
    what->n_touched = 0;
    what->fleet = NULL;
    what->job = NULL;
}

void fy_whatif_free(fy_whatif *what)
{
    free(what->by_room);
    free(what->nodes);
    free(what->freed);
    free(what->touched);
    *what = (fy_whatif){0};
}
