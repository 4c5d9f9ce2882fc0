/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, ALIGN = 16 };

struct fy_arena_chunk {
    struct fy_arena_chunk *next;
    size_t size; /* of the block behind the header */
};

enum { HEADER_BYTES = (sizeof(struct fy_arena_chunk) + ALIGN - 1) / ALIGN * ALIGN };

#ifdef FY_ARENA_MALLOC
static const size_t chunk_bytes = 1;
#else
static const size_t chunk_bytes = CHUNK_BYTES;
#endif

/* Out of memory is not survivable and not reportable without memory: stop here, nowhere else. */
static _Noreturn void fy_oom(void)
{
    abort();
}

void *fy_calloc(size_t count, size_t size)
{
    void *block = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (block == NULL) {
        fy_oom();
    }
    return block;
}

void *fy_realloc(void *old, size_t count, size_t size)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        fy_oom();
    }
    block = realloc(old, bytes > 0 ? bytes : 1);
    if (block == NULL) {
        fy_oom();
    }
    return block;
}

void *fy_grow(void *array, size_t *capacity, size_t need, size_t size)
{
    size_t room = *capacity;

    if (need <= room) {
        return array;
    }
    room = room < 16 ? 16 : room;
    while (room < need) {
        room += room / 2;
    }
    *capacity = room;
    return fy_realloc(array, room, size);
}

static char *chunk_data(struct fy_arena_chunk *chunk)
{
    return (char *)chunk + HEADER_BYTES;
}

void *fy_arena_alloc(fy_arena *arena, size_t size)
{
    size_t want = (size + ALIGN - 1) / ALIGN * ALIGN;
    char *block;

    if (arena->chunks == NULL || arena->chunks->size - arena->used < want) {
        size_t bytes = want > chunk_bytes ? want : chunk_bytes;
        struct fy_arena_chunk *chunk = fy_calloc(1, HEADER_BYTES + bytes);

        chunk->size = bytes;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->used = 0;
    }
    block = chunk_data(arena->chunks) + arena->used;
    arena->used += want;
    return block;
}

char *fy_arena_strndup(fy_arena *arena, const char *text, size_t len)
{
    char *copy = fy_arena_alloc(arena, len + 1);

    memcpy(copy, text, len);
    return copy;
}

char *fy_arena_strdup(fy_arena *arena, const char *text)
{
    return fy_arena_strndup(arena, text, strlen(text));
}

char *fy_arena_printf(fy_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_list again;
    char *text;
    int len;

    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    text = fy_arena_alloc(arena, (size_t)(len > 0 ? len : 0) + 1);
    (void)vsnprintf(text, (size_t)(len > 0 ? len : 0) + 1, fmt, again);
    va_end(again);
    return text;
}

void fy_arena_free(fy_arena *arena)
{
    struct fy_arena_chunk *chunk = arena->chunks;

    while (chunk != NULL) {
        struct fy_arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
    *arena = (fy_arena){0};
}
