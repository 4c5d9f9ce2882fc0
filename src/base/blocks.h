/* SPDX-License-Identifier: MIT */
/*
 * Blocks of memory by size class (powers of two), given back to a free list and handed out again:
 * once a process has seen its largest load it allocates nothing more. For objects whose size
 * varies and which come and go by the million.
 */
#ifndef FUYAO_BASE_BLOCKS_H
#define FUYAO_BASE_BLOCKS_H

#include "base/arena.h"

#include <stddef.h>

enum { FY_BLOCK_CLASSES = 40 };

typedef struct fy_blocks {
    void *free[FY_BLOCK_CLASSES]; /* lists through the blocks' first word */
    fy_arena arena;
} fy_blocks; /* zero-initialised is valid */

/* A block of at least `size` bytes, not zeroed, aligned to 16. Never NULL. */
void *fy_blocks_get(fy_blocks *blocks, size_t size);
void fy_blocks_put(fy_blocks *blocks, void *block, size_t size); /* the size it was got with */
void fy_blocks_free(fy_blocks *blocks);

#endif
