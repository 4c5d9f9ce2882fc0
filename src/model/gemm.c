/* SPDX-License-Identifier: MIT */
#include "model/gemm.h"

#include "base/arena.h"

#include <stdint.h>
#include <string.h>

/* Tile sizes of the vendor's library, and the share of the matrix rate each can sustain: a
 * smaller tile re-reads its operands more often than shared memory can deliver them. */
typedef struct tile {
    double m, n, share;
} tile;

static const tile tiles[] = {
    {256, 128, 1.00}, {128, 256, 1.00}, {128, 128, 0.96},
    {128, 64, 0.83},  {64, 128, 0.83},  {64, 64, 0.66},
};

/* K steps of a tile's prologue and epilogue, in elements of a 128-byte-deep pipeline stage. */
static const double k_fill = 96;

/* Above this a double of a count need not be exact; shapes beyond are aligned for our purpose. */
static const double exact = 1e15;

static double ceil_div(double a, double b)
{
    if (a > exact) {
        return a / b;
    }
    int64_t whole = ((int64_t)a + (int64_t)b - 1) / (int64_t)b;
    return (double)whole;
}

double fy_alignment(double n, double bytes)
{
    if (n > exact || n < 1) {
        return 1;
    }
    int64_t whole = (int64_t)n * (int64_t)bytes;
    static const struct {
        int64_t line;
        double factor;
    } steps[] = {{128, 1.0}, {64, 1.04}, {32, 1.14}, {16, 1.22}, {8, 1.6}, {4, 2.2}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (whole % steps[i].line == 0) {
            return steps[i].factor;
        }
    }
    return 3;
}

/* One tiling with the K loop cut into `split` parts, whose sums are added in a second pass. */
static double tiling_s(const fy_machine *mc, const fy_gemm *g, const tile *t, double split)
{
    double k = g->k / split;
    double units = mc->units > 0 ? mc->units : 1;
    double work = ceil_div(g->m, t->m) * ceil_div(g->n, t->n) * g->count * split;
    double waves = mc->units > 0 ? ceil_div(work, units) : work;
    double unit_flops = mc->matrix_flops[g->format] / units * t->share;
    double s = waves * 2 * t->m * t->n * (k + k_fill) / unit_flops;
    if (split > 1) {
        s += g->m * g->n * g->count * 4 * (split + 1) / mc->gemm_memory_bps;
    }
    return s;
}

/* Best over tiles and, where tiles are fewer than multiprocessors, cuts of K. */
static double compute_s(const fy_machine *mc, const fy_gemm *g)
{
    double best = 0;
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
        double s = tiling_s(mc, g, &tiles[i], 1);
        best = best > 0 && best < s ? best : s;
        double work = ceil_div(g->m, tiles[i].m) * ceil_div(g->n, tiles[i].n) * g->count;
        if (work * 2 <= mc->units && g->k >= 1024) {
            double split = mc->units / work < 8 ? (double)(int)(mc->units / work) : 8;
            double cut = tiling_s(mc, g, &tiles[i], split);
            best = cut < best ? cut : best;
        }
    }
    return best;
}

/* ------------------------------------------------------------------------------- memo */

enum { SLOTS = 4096 }; /* a power of two */

typedef struct slot {
    fy_gemm g; /* m = 0: empty */
    double s;
} slot;

struct fy_gemm_memo {
    slot at[SLOTS];
};

fy_gemm_memo *fy_gemm_memo_new(void)
{
    return fy_calloc(1, sizeof(fy_gemm_memo));
}

static bool equal(double a, double b)
{
    return !(a < b || a > b);
}

static bool same(const fy_gemm *a, const fy_gemm *b)
{
    return equal(a->m, b->m) && equal(a->n, b->n) && equal(a->k, b->k) &&
           equal(a->count, b->count) && a->format == b->format && equal(a->in_bytes, b->in_bytes) &&
           equal(a->out_bytes, b->out_bytes) && a->accumulate == b->accumulate &&
           a->by_rows == b->by_rows;
}

static uint64_t bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static slot *slot_of(fy_gemm_memo *memo, const fy_gemm *g)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t h = bits(g->m) * odd;
    h = ((h >> 29) ^ h ^ bits(g->n)) * odd;
    h = ((h >> 29) ^ h ^ bits(g->k)) * odd;
    h = ((h >> 29) ^ h ^ bits(g->count) ^ bits(g->out_bytes) ^ g->by_rows) * odd;
    return &memo->at[(h >> 40) % SLOTS];
}

/* ------------------------------------------------------------------------------- time */

static double gemm_s(const fy_machine *mc, const fy_gemm *g)
{
    /* what is contiguous: rows of k, or of m and n where operands lie by k */
    double aligned =
        fy_alignment(g->n, g->in_bytes) * fy_alignment(g->by_rows ? g->m : g->k, g->in_bytes);
    double compute = compute_s(mc, g) * (aligned < 3 ? aligned : 3);
    double out = g->m * g->n * g->out_bytes * (g->accumulate ? 2 : 1);
    double bytes = ((g->m + g->n) * g->k * g->in_bytes + out) * g->count;
    double memory = bytes / mc->gemm_memory_bps;
    return (compute > memory ? compute : memory) + mc->gap_s;
}

double fy_gemm_s(const fy_machine *mc, const fy_gemm *g)
{
    if (!(g->m > 0 && g->n > 0 && g->k > 0 && g->count > 0)) {
        return 0;
    }
    if (mc->memo == NULL) {
        return gemm_s(mc, g);
    }
    slot *at = slot_of(mc->memo, g);
    if (!same(&at->g, g)) {
        at->g = *g;
        at->s = gemm_s(mc, g);
    }
    return at->s;
}
