/* SPDX-License-Identifier: MIT */
/*
 * Who gets which chip when chips are scarce: deferred acceptance (Gale and Shapley 1962) between
 * jobs and chips. Each job asks for its chips from the best down; each chip keeps those who would
 * lose most by being refused, as many as it has devices for. A job on its last chip loses
 * everything, so it stands before any that could go elsewhere; among those, the given order holds.
 *
 *     job: h800 > a100 > l20         asks h800: loses 1 - r(a100)/r(h800) if refused
 *     job: h800                      asks h800: loses 1, for it has no other
 */
#ifndef FUYAO_SCHED_MATCH_H
#define FUYAO_SCHED_MATCH_H

#include "base/heap.h"
#include "sched/assign.h"

/* A chip that a job would take, best first. */
typedef struct fy_option {
    int32_t chip;
    int64_t rate_q;
} fy_option;

typedef struct fy_match {
    fy_heap kept[FY_MAX_CHIPS]; /* by chip, of indices into the list: the one to go next on top */
    fy_heap_pos pos;
    fy_option *options; /* all jobs' options one after another */
    size_t n_options, options_room;
    int32_t *first, *count, *next; /* [n] a job's options, and the one to ask for next */
    size_t first_room, count_room, next_room;
    int32_t *waiting; /* stack of refused jobs */
    size_t n_waiting, waiting_room;
} fy_match; /* zero-initialised is valid; kept between rounds for its memory */

/*
 * Assign a chip to every entry of `all` that has none, out of all->free.
 *   options   fills the job's options, best first, and returns how many (at most FY_MAX_CHIPS);
 *             a refused job asks for the next
 *   beyond    true where the job would take its tenant beyond its share of the chip: on its last
 *             chip such a job stands behind those within theirs
 *   moved     told of each change: `sign` +1 the job was given the chip, -1 it lost it again
 * The list must be in the order that decides among equals. O(n chips log n).
 */
typedef struct fy_match_rules {
    int (*options)(void *ctx, const fy_job *job, fy_option *out);
    bool (*beyond)(void *ctx, const fy_job *job, int chip);
    void (*moved)(void *ctx, const fy_job *job, int chip, int sign);
    void *ctx;
} fy_match_rules;

void fy_match_run(fy_match *match, fy_assigns *all, const fy_match_rules *rules);
void fy_match_free(fy_match *match);

#endif
