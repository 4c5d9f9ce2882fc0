/* SPDX-License-Identifier: MIT */
/*
 * A reservation: the earliest instant at which a job that does not fit now would fit if everything
 * that runs ended at its limit, and the nodes on which it would then run. What has no limit never
 * ends for this purpose.
 *
 * It is made anew in each round from the fleet as it is, and is never later than it was as long as
 * limits and nodes hold: what was let past it since ends in time, or leaves its nodes enough.
 */
#ifndef FUYAO_SCHED_RESERVE_H
#define FUYAO_SCHED_RESERVE_H

#include "base/heap.h"
#include "sched/whatif.h"

typedef struct fy_reserved_node {
    int32_t node, workers;         /* of the job it is reserved for */
    int64_t cpu_milli, memory_mib; /* free at that instant */
    size_t first;                  /* of its devices in `idle` */
} fy_reserved_node;

typedef struct fy_reserve {
    int64_t job;            /* for whom, -1 = nobody */
    int64_t at_us;          /* FY_NEVER: it waits for something without a limit */
    int32_t chip;           /* -1 then */
    uint64_t chips;         /* all it accepts */
    int32_t devices, milli; /* what each of its workers asks */
    int64_t cpu_milli, memory_mib;
    fy_reserved_node *nodes; /* [n_nodes] */
    int16_t *idle;           /* [n_idle] milli of their devices, free at that instant */
    size_t n_nodes, n_idle, nodes_room, idle_room;
    fy_heap ends[FY_MAX_CHIPS]; /* what runs, by the end of its limit */
    fy_heap_pos pos;
    fy_whatif what;
    fy_heap_entry *gone; /* [n_gone] of one search */
    fy_chunk *chunks;    /* of a place beside it */
    int32_t *numbers;
    size_t n_gone, gone_room, chunks_room, numbers_room;
} fy_reserve;

void fy_reserve_init(fy_reserve *r);
void fy_reserve_observe(fy_reserve *r, const fy_job *job);

/* Make it for `job`, which does not fit now.
 * O(k log n) for the k jobs that must end, and the same again for each chip. */
void fy_reserve_make(fy_reserve *r, const fy_fleet *fleet, const fy_job *job);

/* May `job`, which may run on past that instant, hold `place` without delaying it? O(chunks). */
bool fy_reserve_allows(const fy_reserve *r, const fy_fleet *fleet, const fy_job *job,
                       const fy_place *place);

/* It now holds that place. */
void fy_reserve_take(fy_reserve *r, const fy_fleet *fleet, const fy_job *job,
                     const fy_place *place);

/* A place on `chip` that it allows: on the fullest single node, else on the emptiest nodes without
 * a part in the reservation. Arrays borrowed until the next call. */
bool fy_reserve_beside(fy_reserve *r, const fy_fleet *fleet, const fy_job *job, int chip,
                       int workers, fy_place *place);

void fy_reserve_free(fy_reserve *r);

#endif
