/* SPDX-License-Identifier: MIT */
/*
 * A set of small integers that finds its next member quickly: one bit a member, and above it one
 * summary bit a word, so that 262,144 members are two look-ups apart.
 *
 *     summary  ...0000000000000101        bit w set: words[w] is not 0
 *     words    [0] 0100..1  [1] 0  [2] 1000..0
 */
#ifndef FUYAO_BASE_BITSET_H
#define FUYAO_BASE_BITSET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fy_bitset {
    uint64_t *words;   /* [n_words], owned */
    uint64_t *summary; /* [(n_words + 63) / 64], in the same block */
    int n_words;
    int count; /* members */
} fy_bitset;

fy_bitset fy_bitset_new(int n); /* for members 0 .. n-1 */
void fy_bitset_free(fy_bitset *set);

static inline bool fy_bitset_has(const fy_bitset *set, int i)
{
    return (set->words[i >> 6] >> (i & 63)) & 1;
}

void fy_bitset_add(fy_bitset *set, int i);
void fy_bitset_drop(fy_bitset *set, int i);

/* The least member >= i, or -1. */
int fy_bitset_next(const fy_bitset *set, int i);

#endif
