/* SPDX-License-Identifier: MIT */
/*
 * Fragmentation as FGD defines it (Weng et al., ATC 2023): how much of a node's idle device time
 * the typical job mix could not use if it came now.
 *
 *     F_n(k) = all idle milli of node n,              if task class k cannot run there at all
 *            = idle milli on devices with idle < ask, otherwise
 *     F_n    = sum_k p_k F_n(k)
 *
 * Weights are integer counts, so F is an integer [milli x weight] and exact. Classes that differ
 * only in CPU share a group: what their devices see is the same, and how many of them have CPU
 * enough is one look-up in a cumulative table.
 */
#ifndef FUYAO_FLEET_FRAG_H
#define FUYAO_FLEET_FRAG_H

#include "fleet/state.h"

typedef struct fy_mix_group {
    int32_t devices, milli; /* milli: what a worker asks of each device, FY_WHOLE if whole */
    int64_t weight;         /* of all its classes */
    int32_t n;
    const int64_t *cpu; /* [n] ascending */
    const int64_t *cum; /* [n] weight of the classes up to here */
} fy_mix_group;

/*
 * F of a node with `cpu_free` and `n` devices of which idle[] is what is idle [milli].
 * O(groups x n).
 */
int64_t fy_frag(const fy_mix *mix, int64_t cpu_free, const int16_t *idle, int n);

#endif
