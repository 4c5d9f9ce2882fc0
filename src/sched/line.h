/* SPDX-License-Identifier: MIT */
/*
 * A line of jobs, each with a number: who is the first whose number is at most x? Jobs join at the
 * end, stand out while they do not wait, keep their place until they end. A binary tree of minima
 * over the places:
 *
 *     least   [1] least of all   children of i: 2i, 2i+1   leaf of place p: size + p
 *
 * The places live in an array by slot that lines may share as long as a job stands in one of them.
 */
#ifndef FUYAO_SCHED_LINE_H
#define FUYAO_SCHED_LINE_H

#include <stddef.h>
#include <stdint.h>

typedef struct fy_line_places {
    int32_t *at; /* [room] by slot, -1 = in no line */
    size_t room;
} fy_line_places; /* zero-initialised is valid */

typedef struct fy_line {
    int64_t *least;  /* [2 size] */
    int32_t *slots;  /* [size], -1 = has left */
    size_t size, n;  /* places, used so far */
    size_t n_inside; /* who has not left */
} fy_line;           /* zero-initialised is valid and empty */

/* Join at the end, standing out. O(1) amortised. */
void fy_line_join(fy_line *line, fy_line_places *places, int32_t slot);

/* Stand in with `number` (INT64_MAX = stand out). O(log n). */
void fy_line_set(fy_line *line, const fy_line_places *places, int32_t slot, int64_t number);

/* Leave for good; nothing happens where the job is in no line. O(log n). */
void fy_line_leave(fy_line *line, fy_line_places *places, int32_t slot);

/* Slot of the first that stands in with a number of at most `most` < INT64_MAX; -1 = none. */
int32_t fy_line_first(const fy_line *line, int64_t most);

void fy_line_free(fy_line *line);

#endif
