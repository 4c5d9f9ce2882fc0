/* SPDX-License-Identifier: MIT */
#include "base/blocks.h"

#include <string.h>

static int size_class(size_t size)
{
    return size <= 32 ? 5 : 64 - __builtin_clzll((unsigned long long)size - 1);
}

void *fy_blocks_get(fy_blocks *blocks, size_t size)
{
    int c = size_class(size);
    void *block = blocks->free[c];

    if (block == NULL) {
        return fy_arena_alloc(&blocks->arena, (size_t)1 << c);
    }
    memcpy(&blocks->free[c], block, sizeof(void *));
    return block;
}

void fy_blocks_put(fy_blocks *blocks, void *block, size_t size)
{
    int c = size_class(size);

    memcpy(block, &blocks->free[c], sizeof(void *));
    blocks->free[c] = block;
}

void fy_blocks_free(fy_blocks *blocks)
{
    fy_arena_free(&blocks->arena);
    *blocks = (fy_blocks){0};
}
