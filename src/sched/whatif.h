/* SPDX-License-Identifier: MIT */
/*
 * What if some of those that run were gone: would a job that does not fit now fit then? Rooms are
 * counted node by node, with CPU, memory and shares of devices, so that what frees enough devices
 * in the wrong places is not taken for an answer.
 *
 *     begin ─► remove(victim) ... restore(victim) ... fits? ─► end
 */
#ifndef FUYAO_SCHED_WHATIF_H
#define FUYAO_SCHED_WHATIF_H

#include "fleet/state.h"

typedef struct fy_whatif_node {
    int64_t cpu_milli, memory_mib; /* of those that are gone */
    int32_t whole;                 /* devices that become whole */
    int32_t room;                  /* workers that fit */
    bool touched;
} fy_whatif_node;

typedef struct fy_whatif {
    const fy_fleet *fleet; /* borrowed from begin to end */
    const fy_job *job;
    int chip, workers, most_nodes;
    int64_t total;         /* sum of the rooms */
    int32_t *by_room;      /* [workers + 1] nodes by room, which `workers` cuts off */
    fy_whatif_node *nodes; /* [node]; at rest between searches */
    int16_t *freed;        /* [device] milli of those that are gone; likewise */
    int32_t *touched;      /* [n_touched] nodes */
    size_t n_touched, by_room_room, nodes_room, n_nodes, freed_room, n_freed, touched_room;
} fy_whatif; /* zero-initialised is valid */

/* Ask for `workers` workers of `job`, which do not fit now, on `chip`. O(devices a node), or
 * O(nodes) where CPU or memory may be short. */
void fy_whatif_begin(fy_whatif *what, const fy_fleet *fleet, const fy_job *job, int chip,
                     int workers);

/* Suppose that `victim`, which holds devices of the chip, is gone; or that it is there after all.
 */
void fy_whatif_remove(fy_whatif *what, const fy_job *victim);
void fy_whatif_restore(fy_whatif *what, const fy_job *victim);

/* Do the workers fit? O(1), or O(rooms) where the gang must not spread. */
bool fy_whatif_fits(const fy_whatif *what);

/* Workers that would fit on `node`, at most all; with `fy_whatif.freed`, what a device would have.
 */
int32_t fy_whatif_room(const fy_whatif *what, int32_t node);

void fy_whatif_end(fy_whatif *what);
void fy_whatif_free(fy_whatif *what);

#endif
