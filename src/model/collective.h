/* SPDX-License-Identifier: MIT */
/*
 * Time of collective operations over the real tiers of a cluster: devices of one node on its link,
 * nodes on their NICs. A group is described by how its members lie; the slower tier governs, as
 * rings pass both. Refuses to know what is sent or whether it can be hidden.
 */
#ifndef FUYAO_MODEL_COLLECTIVE_H
#define FUYAO_MODEL_COLLECTIVE_H

#include "model/machine.h"

/* Members of one group. */
typedef struct fy_group {
    int size;    /* members */
    int in_node; /* of them in one node, >= 1 */
    int sharing; /* groups of this kind that share one node's NICs, >= 1 */
} fy_group;

/* `size` members, each `stride` devices behind the last, in nodes of per_node devices. */
fy_group fy_group_make(int size, int stride, int per_node);

/*
 * Seconds to reduce `bytes` held by every member and give the sum to all (all-reduce), or half of
 * it: leave each a part (reduce-scatter), or give each part to all (all-gather); `bytes` is the
 * whole vector in each case.
 *   ring: 2 (n-1)/n bytes / bw + 2 (n-1) latency; tree between nodes: 2 log2(n) latency.
 *   switch that adds (NVLink of Hopper): bytes / reduce_bps + 2 latency, if that is less.
 * Source: Thakur et al. 2005; NCCL's bus bandwidth convention.
 */
double fy_all_reduce_s(const fy_machine *machine, fy_group group, double bytes);
double fy_all_gather_s(const fy_machine *machine, fy_group group, double bytes);

/*
 * Seconds to hand `bytes` (of all copies a member sends) to the members they are for, each copy to
 * one of them at random. Between nodes a token travels `far_copies` times for every copy: 1 where
 * each copy is sent by itself, less where it is sent once a node and spread there (fy_far_copies).
 */
double fy_dispatch_s(const fy_machine *machine, fy_group group, double bytes, double far_copies);

/*
 * Expected share of `copies` that have to leave for another node when each node is sent at most
 * one: nodes (1 - (1 - 1/nodes)^copies) / copies, of all nodes.
 */
double fy_far_copies(fy_group group, double copies);

/*
 * What of `comm_s` is paid when it may hide behind `behind_s` of computation: what sticks out, and
 * the exposed share of the rest.
 */
double fy_paid_s(const fy_machine *machine, double comm_s, double behind_s);

/* Seconds to hand `bytes` to one other device, in the node or in another one. */
double fy_send_s(const fy_machine *machine, bool same_node, double bytes);

#endif
