/* SPDX-License-Identifier: MIT */
/*
 * One chip against another: how much slower, how much more energy a unit of work, and what becomes
 * of claims made about the pair. Every answer is a range with the numbers that decide it; nothing
 * here is written for one pair of chips. Measurements, claims and mixes are data
 * (data/evidence.yaml).
 */
#ifndef FUYAO_COMPARE_H
#define FUYAO_COMPARE_H

#include "fuyao/chip.h"

/* Something measured, elsewhere or here. */
typedef struct fy_measured {
    const char *chip;    /* id */
    const char *against; /* id; NULL for a property of one chip */
    const char
        *quantity;  /* `slowdown` (time ratio) or `gemm_share` (share of dense peak reached) */
    fy_bound bound; /* for a slowdown */
    fy_range value;
    bool outlier; /* a software fault by the look of it: shown, never part of a range */
    const char *what, *source;
} fy_measured;

/* What a claim is about. */
typedef enum fy_claim_kind {
    FY_CLAIM_PEAK_RATIO, /* dense peak of `chip` over that of the other */
    FY_CLAIM_SLOWDOWN,   /* time a unit of training work, over all mixes */
    FY_CLAIM_ENERGY,     /* energy a unit of training work, over all mixes */
} fy_claim_kind;

typedef struct fy_claim {
    const char *id, *text, *chip, *source;
    const char **against; /* [n_against] chip ids that the claim's words may mean */
    int n_against;
    fy_claim_kind kind;
    double low, high; /* the claim holds where the quantity lies in [low, high) */
} fy_claim;

/* Shares of the reference chip's time, by bound; a kind of work. */
typedef struct fy_mix {
    const char *id, *name, *source;
    double share[FY_N_BOUNDS]; /* sum 1 */
    bool training;             /* claims about training range over these */
} fy_mix;

typedef enum fy_truth { FY_FALSE, FY_TRUE, FY_UNDECIDED } fy_truth;

typedef enum fy_strictness { FY_ASSUME, FY_STRICT } fy_strictness;

int fy_catalog_n_claims(const fy_catalog *catalog);
const fy_claim *fy_catalog_claim(const fy_catalog *catalog, int i);
int fy_catalog_n_mixes(const fy_catalog *catalog);
const fy_mix *fy_catalog_mix(const fy_catalog *catalog, int i);
int fy_catalog_n_measured(const fy_catalog *catalog);
const fy_measured *fy_catalog_measured(const fy_catalog *catalog, int i);

/*
 * Does a measurement of chips `m->chip` against `m->against` speak for `a` against `b`? Yes where
 * each is the chip measured or one of the same architecture with, for compute, the same dense
 * rates, for memory the same bandwidth too, for links the same link.
 */
bool fy_measured_applies(const fy_catalog *catalog, const fy_measured *m, const fy_chip *a,
                         const fy_chip *b);

/* The two rates whose ratio fy_chip_slowdown is; unknown where one side has none. */
typedef struct fy_basis {
    fy_range on_a, on_b;         /* [FLOP/s] for compute, [B/s] for memory and links */
    const char *what_a, *what_b; /* what each is, for people: `dense BF16` */
} fy_basis;
fy_basis fy_slowdown_basis(const fy_chip *a, const fy_chip *b, fy_bound bound);

/*
 * Share of the dense peak that `chip` sustains in large matrix products: hull of what was measured
 * and, unless strict, of the assumed sustained clock. Unknown where neither is known.
 */
fy_range fy_sustained_share(const fy_catalog *catalog, const fy_chip *chip, fy_strictness strict);

/* Of one architecture, and `a` has no less power and memory bandwidth for its peak than `b`. */
bool fy_sustains_no_less(const fy_chip *a, const fy_chip *b);

/*
 * Time a unit of work on `a` over time on `b` for work of one bound: hull of the ratio of the data
 * sheets, the ratio of sustained rates (compute) and the measurements that apply. The first of
 * these gives the middle.
 */
fy_range fy_slowdown(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b, fy_bound bound,
                     fy_strictness strict);

/* The same for a mix of bounds: sum of share times slowdown (shares of the time on `b`). */
fy_range fy_slowdown_of_mix(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                            const double share[FY_N_BOUNDS], fy_strictness strict);

/*
 * Power of `a` over power of `b` while at work of one bound: ratio of the power limits times the
 * ratio of the assumed mean shares of them. An assumption that both chips share cancels; strict
 * takes the limits alone. FY_N_BOUNDS is not allowed.
 */
fy_range fy_power_ratio(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                        fy_bound bound, fy_strictness strict);

/* Energy a unit of work of a mix on `a` over that on `b` (the chips alone). */
fy_range fy_energy_of_mix(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                          const double share[FY_N_BOUNDS], fy_strictness strict);

/* The range of a claim's quantity for `a` against `b`, over all training mixes and pure bounds. */
fy_range fy_claim_value(const fy_catalog *catalog, const fy_claim *claim, const fy_chip *a,
                        const fy_chip *b, fy_strictness strict);

/* Is `chip` one of those that the claim compares with? */
bool fy_claim_is_about(const fy_claim *claim, const fy_chip *chip);

/* True if the whole range lies within the claim, false if none of it does, else undecided. */
fy_truth fy_claim_truth(const fy_claim *claim, fy_range value);

#endif
