/* SPDX-License-Identifier: MIT */
/*
 * Memory in two forms: an arena for objects that die together, and xmalloc-style helpers for the
 * few growing arrays. Running out of memory ends the program in one place (fy_oom): state is
 * durable elsewhere, so there is nothing to unwind. With FY_ARENA_MALLOC defined (debug builds)
 * every block is its own malloc, so that AddressSanitizer sees each use after reset.
 */
#ifndef FUYAO_BASE_ARENA_H
#define FUYAO_BASE_ARENA_H

#include <stddef.h>

typedef struct fy_arena {
    struct fy_arena_chunk *chunks; /* newest first */
    size_t used;                   /* bytes used in the newest chunk */
} fy_arena;                        /* zero-initialised is valid and empty */

/* `size` zeroed bytes, aligned for any type, valid until reset or free. Never NULL. */
void *fy_arena_alloc(fy_arena *arena, size_t size);

/* A copy of `len` bytes of text plus a terminating NUL. */
char *fy_arena_strndup(fy_arena *arena, const char *text, size_t len);
char *fy_arena_strdup(fy_arena *arena, const char *text);

/* Text formatted as by printf. */
char *fy_arena_printf(fy_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void fy_arena_free(fy_arena *arena); /* everything in it; the arena is empty and usable again */

/* Never NULL; zeroed; `count * size` is checked for overflow. Freed with free(). */
void *fy_calloc(size_t count, size_t size);
void *fy_realloc(void *old, size_t count, size_t size);

/*
 * Make room for at least `need` elements in a growing array: returns the (moved) array and sets
 * *capacity. New elements are not zeroed.
 */
void *fy_grow(void *array, size_t *capacity, size_t need, size_t size);

#endif
