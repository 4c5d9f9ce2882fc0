/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include "base/arena.h"

#include <stdlib.h>

static bool before(const fy_heap_entry *a, const fy_heap_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void put(fy_heap *heap, fy_heap_pos *pos, size_t i, fy_heap_entry entry)
{
    heap->entries[i] = entry;
    pos->at[entry.item] = (int32_t)i;
}

static void sift_up(fy_heap *heap, fy_heap_pos *pos, size_t i, fy_heap_entry entry)
{
    while (i > 0) {
        size_t parent = (i - 1) / 4;

        if (!before(&entry, &heap->entries[parent])) {
            break;
        }
        put(heap, pos, i, heap->entries[parent]);
        i = parent;
    }
    put(heap, pos, i, entry);
}

static void sift_down(fy_heap *heap, fy_heap_pos *pos, size_t i, fy_heap_entry entry)
{
    for (;;) {
        size_t first = 4 * i + 1;
        size_t least = first;

        if (first >= heap->n) {
            break;
        }
        for (size_t c = first + 1; c < first + 4 && c < heap->n; c++) {
            if (before(&heap->entries[c], &heap->entries[least])) {
                least = c;
            }
        }
        if (!before(&heap->entries[least], &entry)) {
            break;
        }
        put(heap, pos, i, heap->entries[least]);
        i = least;
    }
    put(heap, pos, i, entry);
}

static void grow_pos(fy_heap_pos *pos, int32_t item)
{
    size_t old = pos->room;

    pos->at = fy_grow(pos->at, &pos->room, (size_t)item + 1, sizeof *pos->at);
    for (size_t i = old; i < pos->room; i++) {
        pos->at[i] = -1;
    }
}

bool fy_heap_has(const fy_heap_pos *pos, int32_t item)
{
    return (size_t)item < pos->room && pos->at[item] >= 0;
}

void fy_heap_set(fy_heap *heap, fy_heap_pos *pos, int32_t item, int64_t key, int64_t tie)
{
    fy_heap_entry entry = {.key = key, .tie = tie, .item = item};
    size_t i;

    grow_pos(pos, item);
    if (pos->at[item] < 0) {
        heap->entries = fy_grow(heap->entries, &heap->room, heap->n + 1, sizeof *heap->entries);
        i = heap->n++;
        sift_up(heap, pos, i, entry);
        return;
    }
    i = (size_t)pos->at[item];
    if (before(&entry, &heap->entries[i])) {
        sift_up(heap, pos, i, entry);
    } else {
        sift_down(heap, pos, i, entry);
    }
}

void fy_heap_remove(fy_heap *heap, fy_heap_pos *pos, int32_t item)
{
    size_t i;
    fy_heap_entry last;

    if (!fy_heap_has(pos, item)) {
        return;
    }
    i = (size_t)pos->at[item];
    pos->at[item] = -1;
    last = heap->entries[--heap->n];
    if (i == heap->n) {
        return;
    }
    if (i > 0 && before(&last, &heap->entries[(i - 1) / 4])) {
        sift_up(heap, pos, i, last);
    } else {
        sift_down(heap, pos, i, last);
    }
}

void fy_heap_free(fy_heap *heap)
{
    free(heap->entries);
    *heap = (fy_heap){0};
}

void fy_heap_pos_free(fy_heap_pos *pos)
{
    free(pos->at);
    *pos = (fy_heap_pos){0};
}
