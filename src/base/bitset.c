/* SPDX-License-Identifier: MIT */
#include "base/bitset.h"

#include "base/arena.h"

#include <stdlib.h>

fy_bitset fy_bitset_new(int n)
{
    int n_words = (n + 63) / 64 + 1;
    int n_summary = (n_words + 63) / 64;
    uint64_t *words = fy_calloc((size_t)n_words + (size_t)n_summary, sizeof *words);

    return (fy_bitset){.words = words, .summary = words + n_words, .n_words = n_words};
}

void fy_bitset_free(fy_bitset *set)
{
    free(set->words);
    *set = (fy_bitset){0};
}

void fy_bitset_add(fy_bitset *set, int i)
{
    uint64_t bit = (uint64_t)1 << (i & 63);
    int w = i >> 6;

    if ((set->words[w] & bit) == 0) {
        set->words[w] |= bit;
        set->summary[w >> 6] |= (uint64_t)1 << (w & 63);
        set->count++;
    }
}

void fy_bitset_drop(fy_bitset *set, int i)
{
    uint64_t bit = (uint64_t)1 << (i & 63);
    int w = i >> 6;

    if ((set->words[w] & bit) != 0) {
        set->words[w] &= ~bit;
        if (set->words[w] == 0) {
            set->summary[w >> 6] &= ~((uint64_t)1 << (w & 63));
        }
        set->count--;
    }
}

int fy_bitset_next(const fy_bitset *set, int i)
{
    int w = i >> 6;
    uint64_t bits;

    if (set->count == 0 || w >= set->n_words) {
        return -1;
    }
    bits = set->words[w] & (~(uint64_t)0 << (i & 63));
    if (bits != 0) {
        return (w << 6) + __builtin_ctzll(bits);
    }
    for (int s = ++w >> 6; s <= (set->n_words - 1) >> 6; s++) {
        bits = set->summary[s];
        if (s == w >> 6) {
            bits &= ~(uint64_t)0 << (w & 63);
        }
        if (bits != 0) {
            w = (s << 6) + __builtin_ctzll(bits);
            return (w << 6) + __builtin_ctzll(set->words[w]);
        }
    }
    return -1;
}
