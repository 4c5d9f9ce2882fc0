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
    int reach;   /* neighbours from the first to the last of these */
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

/* Which experts a token goes to: `copies` of them, in `chosen` of `groups` equal groups of experts
 * that lie one behind the other; groups 0: anywhere. */
typedef struct fy_choice {
    double copies;
    int groups, chosen;
} fy_choice;

/*
 * Expected number of the group's `places` (equal parts: its nodes, its members) that hold an expert
 * of a token: places (1 - (1 - 1/places)^copies), at random; where groups are chosen first the same
 * within each of them, and where places hold whole groups, that of the groups.
 */
double fy_places_hit(double places, fy_choice choice);

/* How the copies of tokens travel, each share of all copies. */
typedef struct fy_route {
    double far;     /* sent to nodes; 1 where each copy is sent by itself */
    double near;    /* handed to devices of a node */
    double net_bps; /* what the node's NICs reach in it [B/s] */
} fy_route;

/* Each copy by itself, in the library's all-to-all. */
fy_route fy_route_each(const fy_machine *machine);
/* By kernels that send a token once to a node, and there once to a device (DeepEP). */
fy_route fy_route_once(const fy_machine *machine, fy_group group, fy_choice choice);

/*
 * Seconds to hand `bytes` (of all copies a member sends) to the members they are for, each copy to
 * one of them at random. Between nodes and on the link at the same time; the slower decides.
 */
double fy_dispatch_s(const fy_machine *machine, fy_group group, double bytes, fy_route route);

/* Does the group reach over several nodes? */
bool fy_group_crosses(fy_group group);

/*
 * What of `comm_s` is paid when it may hide behind `behind_s` of computation: what sticks out, and
 * the exposed share of the rest.
 */
double fy_paid_s(const fy_machine *machine, double comm_s, double behind_s);

/* Seconds to hand `bytes` to one other device, in the node or in another one. */
double fy_send_s(const fy_machine *machine, bool same_node, double bytes);

#endif
