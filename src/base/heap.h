/* SPDX-License-Identifier: MIT */
/*
 * A 4-ary min-heap of small integers ("items") ordered by (key, tie), which knows where each item
 * stands, so that an item can be moved or removed in O(log n). The positions live in an array that
 * several heaps may share as long as an item is in one of them at a time.
 *
 *     entries:  [0] smallest   children of i: 4i+1 .. 4i+4   parent of i: (i-1)/4
 *     pos->at[item] = index in `entries`, or -1
 */
#ifndef FUYAO_BASE_HEAP_H
#define FUYAO_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fy_heap_pos {
    int32_t *at; /* [room], owned; -1 = in no heap */
    size_t room;
} fy_heap_pos; /* zero-initialised is valid */

typedef struct fy_heap_entry {
    int64_t key;
    int64_t tie;
    int32_t item;
} fy_heap_entry;

typedef struct fy_heap {
    fy_heap_entry *entries; /* owned */
    size_t n;
    size_t room;
} fy_heap; /* zero-initialised is valid and empty */

/* Insert `item` (>= 0), or give it a new key where it is in this heap already. */
void fy_heap_set(fy_heap *heap, fy_heap_pos *pos, int32_t item, int64_t key, int64_t tie);

/* Take `item` out; nothing happens where it is in no heap. */
void fy_heap_remove(fy_heap *heap, fy_heap_pos *pos, int32_t item);

bool fy_heap_has(const fy_heap_pos *pos, int32_t item);

/* The smallest entry, or NULL; borrowed until the heap changes. */
static inline const fy_heap_entry *fy_heap_top(const fy_heap *heap)
{
    return heap->n > 0 ? &heap->entries[0] : NULL;
}

void fy_heap_free(fy_heap *heap);
void fy_heap_pos_free(fy_heap_pos *pos);

#endif
