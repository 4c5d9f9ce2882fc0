/* SPDX-License-Identifier: MIT */
/*
 * Placement: where a gang goes once a policy has decided that it goes. An axis of its own, so that
 * each policy can be combined with each placement.
 *
 *   pack     the fullest nodes that still fit; gangs on as few nodes as can be, in one rack if one
 *            has room
 *   spread   the emptiest nodes; gangs over as many nodes as they have workers
 *            (as by pack where the job has no rate for that)
 *   bestfit  the node with the lowest 0.5 x (cpu left) / (largest node's cpu) + 0.5 x (devices
 * left) / (largest node's devices); a share goes to the fullest device that fits (as in the code of
 * FGD's paper) fgd      the node whose fragmentation grows least: floor(100 sigmoid((F before - F
 * after) / 1000)), ties to the lowest node; a share's device by the same score
 *
 * bestfit and fgd choose one node; gangs that need several are placed as by pack.
 */
#ifndef FUYAO_FLEET_PLACE_H
#define FUYAO_FLEET_PLACE_H

#include "fleet/state.h"

typedef enum fy_placement {
    FY_PLACE_PACK,
    FY_PLACE_SPREAD,
    FY_PLACE_BESTFIT,
    FY_PLACE_FGD,
    FY_N_PLACEMENTS
} fy_placement;

const char *fy_placement_name(fy_placement kind);
const char *fy_placement_summary(fy_placement kind);

/* The placement called `name`, or FY_N_PLACEMENTS. */
fy_placement fy_placement_find(const char *name);

typedef struct fy_placer fy_placer;

fy_placer *fy_placer_new(fy_placement kind); /* owned by caller */
void fy_placer_free(fy_placer *placer);

/*
 * A place for `workers` workers of `job` on one of the chips in `mask`, now.
 * Returns true and fills *place (arrays borrowed from the placer until the next call), or false.
 * pack and spread: O(nodes used x devices a node) as a rule; bestfit and fgd: O(nodes).
 */
bool fy_placer_find(fy_placer *placer, const fy_fleet *fleet, const fy_job *job, uint64_t mask,
                    int workers, fy_place *place);

/* Bring chunks into the order of nodes, as a place has them. */
void fy_chunks_sort(fy_chunk *chunks, size_t n);

/* The score that fgd gives to a node for one worker, computed afresh: what the cache must equal.
 * -1 = does not fit. *device: number of the device chosen for a share, or -1. */
int fy_fgd_score(const fy_fleet *fleet, const fy_node *node, int64_t cpu_milli, int devices,
                 int milli, int *device);

#endif
