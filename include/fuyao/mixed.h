/* SPDX-License-Identifier: MIT */
/*
 * The best plan on devices of several types: which of them hold which stages, how many layers each,
 * and what share of the batch each replica takes. Exact within this class of plans:
 *
 *  one       One type alone, on any number of its devices: every layout of fuyao/search.h.
 *  data      Whole replicas, those of one type all alike, each type with a layout of its own
 *            (search.h's, for the sequences that this type takes). Any division of the global batch
 *            that gives every replica of a type the same whole number of microbatches. When the
 *            slowest type has finished, gradients are summed between the types as one ring over
 *            all their nodes, at the pace of the type with the least NICs in use. One vendor.
 *  pipeline  Every replica alike, its pipeline in runs of consecutive stages, one run a type, in
 *            any order of the types. A stage is a block of tp x cp x dp devices of one type. dp,
 *            cp, microbatch and zero are common; tp, ep, sequence parallelism, recomputation and
 *            the number of stages are a type's own. The first stage (embedding) and the last one
 *            (head) hold any number of layers of their own; of each type the other stages share
 *            any number of layers evenly, the earlier ones taking the odd ones. 1F1B or zero
 * bubble, not interleaved. The slowest stage governs, and a stage pays the slowest hand-over it
 *            takes part in; the one between types goes through NICs. Vendors may differ.
 *
 * In all of them a type may be left out, or give fewer devices than there are. Every layout hides
 * what its stack can hide (hiding less is never better); microbatches divide the global batch.
 * Leading dense layers of a mixture of experts stand on the first stage where they are a quarter of
 * the layers or fewer, else every layer counts as the average one. Types whose rates, prices and
 * vendor are equal are one type.
 *
 *     fy_mixed_spec ──► fy_mixed_run ──► fy_mixed_result
 */
#ifndef FUYAO_MIXED_H
#define FUYAO_MIXED_H

#include "fuyao/search.h"

enum { FY_MAX_TYPES = 3 };

typedef enum fy_mixed_kind {
    FY_MIXED_ONE,
    FY_MIXED_DATA,
    FY_MIXED_PIPELINE,
    FY_N_MIXED_KINDS
} fy_mixed_kind;

/* Devices of one type. */
typedef struct fy_mixed_type {
    fy_cluster cluster; /* its devices are the most that may be used */
    fy_constants constants;
    fy_prices prices;
} fy_mixed_type;

typedef struct fy_mixed_spec {
    const fy_model *model; /* borrowed, as the stack and the types' chips */
    const fy_stack *stack;
    fy_mixed_type types[FY_MAX_TYPES];
    int n_types; /* 1 .. FY_MAX_TYPES */
    int global_batch;
    fy_precision precision;
    /* of tp, cp, ep (of all types), microbatch, recompute, seq_parallel, zero, overlap, schedule;
     * others free */
    fy_pins pins;
    fy_objective objective;
} fy_mixed_spec;

/* What one type does. */
typedef struct fy_mixed_part {
    int type; /* of the spec; of equal types the first */
    int devices;
    fy_layout layout; /* one, data: global_batch is this type's; pipeline: pp is of all types */
    int stages;       /* of a replica's pipeline on this type */
    int middle;       /* pipeline: layers on them, but for the first and the last of all stages */
} fy_mixed_part;

typedef struct fy_mixed_plan {
    fy_mixed_kind kind;
    int n_parts;
    fy_mixed_part part[FY_MAX_TYPES]; /* pipeline: in the order of stages; else of types */
    int first, last;                  /* pipeline: layers on the first and on the last stage */
} fy_mixed_plan;

typedef struct fy_mixed_estimate {
    double step_s, low_s, high_s;
    double exchange_s; /* of it, summing gradients between types */
    double tokens_per_s, mfu;
    double energy_j; /* of all devices used, a step */
    double site_j, money;
    double value; /* of the objective */
    bool fits;
    /* of each part: terms are the mean of its devices and add up to step_s, waiting for other
     * types as bubble; memory is that of its fullest device */
    fy_estimate part[FY_MAX_TYPES];
} fy_mixed_estimate;

/*
 * Estimate one plan.
 * Errors: FY_EINFEASIBLE, a plan outside the class; the text says why.
 */
int fy_mixed_evaluate(fy_mixed_estimate *out, const fy_mixed_spec *spec, const fy_mixed_plan *plan,
                      fy_err *err) FY_NODISCARD;

typedef struct fy_mixed_ranked {
    fy_mixed_plan plan;
    fy_mixed_estimate estimate;
} fy_mixed_ranked;

typedef struct fy_mixed_counts {
    int64_t evaluated; /* layouts and plans estimated in full */
    int64_t slices;    /* entries of the tables of parts */
} fy_mixed_counts;

typedef struct fy_mixed_result {
    bool found;
    fy_mixed_ranked best;
    /* the best of each kind where it is seen: `one` always; others only if they are the best */
    bool has[FY_N_MIXED_KINDS];
    fy_mixed_ranked kind[FY_N_MIXED_KINDS];
    fy_mixed_counts counts;
    const char *unknown; /* the missing number, where nothing can be estimated; else NULL */
    int unknown_type;    /* of which type */
} fy_mixed_result;

/*
 * Search. No plan that fits is a result (found is false).
 * Errors: FY_EINFEASIBLE, pins of other parts than those named, or that contradict the model;
 * FY_ERANGE, sizes beyond all sense. The text says which and what would be right.
 */
int fy_mixed_run(fy_mixed_result *out, const fy_mixed_spec *spec, fy_err *err) FY_NODISCARD;

const char *fy_mixed_kind_name(fy_mixed_kind kind); /* `data` */

#endif
