/* SPDX-License-Identifier: MIT */
/*
 * The best layout: every layout of one chip type for a model and a global batch, estimated in full
 * (time, memory, energy), and the best, the next ones and the Pareto front kept. Exhaustive and
 * exact: bounds may skip layouts, the answer has the same bits as without them. docs/plan.md has
 * the rules that say which layouts there are.
 *
 *     fy_search_spec ──► fy_search_run ──► fy_search_result (best first)
 */
#ifndef FUYAO_SEARCH_H
#define FUYAO_SEARCH_H

#include "fuyao/plan.h"

#include <stdint.h>

typedef enum fy_objective { FY_BY_TIME, FY_BY_ENERGY, FY_BY_MONEY, FY_N_OBJECTIVES } fy_objective;

enum {
    FY_FREE = -1,  /* a part of the layout that the search chooses */
    FY_FEWEST = -2 /* recompute_layers: under full recomputation too, as few as fit */
};

/* What of the layout is given; FY_FREE elsewhere. fy_pins_none() leaves all free. */
typedef struct fy_pins {
    int tp, pp, dp, ep, cp, vpp, microbatch;
    int recompute;    /* fy_recompute; full with recompute_layers free: all layers */
    int seq_parallel; /* 0, 1 */
    int zero;
    int overlap;  /* FY_OVERLAP_* */
    int schedule; /* fy_schedule; free = 1F1B */
    /* of a virtual stage, 0 = all; free with recompute: as few as fit in memory */
    int recompute_layers;
    int first_layers, last_layers; /* both or none */
} fy_pins;

fy_pins fy_pins_none(void);
bool fy_pins_fewest(const fy_pins *pins); /* is full recomputation of as few layers as fit? */

/* What a step costs beside its time. NAN = unknown. */
typedef struct fy_prices {
    double device_hour; /* of one device [money/h] */
    double kwh;         /* [money/kWh] */
    double pue;         /* site power / server power, >= 1 */
    double overhead_w;  /* of a server beside its devices, a device's share [W] */
} fy_prices;

/* Energy of a step at the site [J]: devices, their share of the servers, PUE; an unknown overhead
 * or PUE is left out (fy_prices says so to whoever prints). */
double fy_site_energy_j(const fy_estimate *estimate, const fy_prices *prices, int devices);

/* Money for a step: what is known of device hours and energy; NAN where neither price is. */
double fy_step_money(const fy_estimate *estimate, const fy_prices *prices, int devices);

typedef enum fy_effort { FY_BOUNDED, FY_BRUTE_FORCE } fy_effort;

/* What the best ones must differ in from each other. */
typedef enum fy_distinct {
    FY_DISTINCT_LAYOUT, /* in anything */
    FY_DISTINCT_SHAPE,  /* in tp, pp, dp, cp or ep: rivals worth reading */
} fy_distinct;

typedef struct fy_search_spec {
    const fy_model *model;     /* borrowed, as the next three */
    const fy_cluster *cluster; /* all its devices are used */
    const fy_stack *stack;
    const fy_constants *constants;
    int global_batch;
    fy_precision precision;
    fy_pins pins;
    fy_objective objective;
    fy_prices prices;
    int top; /* how many to keep, 1 .. FY_MAX_TOP */
    fy_distinct distinct;
    bool front; /* keep the Pareto front of time and energy (with prices, of money too) */
    fy_effort effort;
} fy_search_spec;

enum { FY_MAX_TOP = 1000, FY_MAX_DEVICES = 1000000, FY_MAX_BATCH = 10000000 };

typedef struct fy_ranked {
    fy_layout layout;
    fy_estimate estimate;
    double value; /* of the objective: s, J or money a step; smaller is better */
} fy_ranked;

/* How many layouts; the first is the sum of the others. */
typedef struct fy_search_counts {
    int64_t space;     /* all combinations of the options */
    int64_t refused;   /* by the rules of docs/plan.md: nobody runs them so */
    int64_t too_big;   /* do not fit in memory */
    int64_t evaluated; /* time, memory and energy computed */
    int64_t skipped;   /* by bounds; 0 under FY_BRUTE_FORCE */
    int64_t slices;    /* entries of the table of parts */
} fy_search_counts;

typedef struct fy_search_result {
    fy_ranked *top; /* [n_top], best first; equal values in the order of enumeration */
    int n_top;
    fy_ranked *front; /* [n_front], fastest first */
    int n_front;
    fy_search_counts counts;
    bool has_closest;    /* nothing fits, but layouts there are: */
    fy_ranked closest;   /* the one that misses by least memory */
    const char *unknown; /* the missing number, where nothing can be estimated; else NULL */
} fy_search_result;

/*
 * Search. An empty answer is a result: counts say why.
 * Errors: FY_EINFEASIBLE, pins that contradict each other, the model or the cluster; FY_ERANGE,
 * sizes beyond all sense. The text says which and what would be right.
 */
int fy_search_run(fy_search_result *out, const fy_search_spec *spec, fy_err *err) FY_NODISCARD;
void fy_search_free(fy_search_result *result); /* what it holds; NULL allowed */

/*
 * The count of devices, at most the cluster's, on which the best step by time is shortest: fewer
 * than all where all cut the model worse, so that one more device never makes a step slower.
 *   all   what fy_search_run found with all devices    step  devices of a node: above one node
 *         only whole ones are counted
 * All devices where another objective is asked or nothing fits. Counts are tried downwards as long
 * as they could win, for at most 400,000 slices (a second or two).
 */
int fy_search_fewer(const fy_search_spec *spec, const fy_search_result *all, int step);

/* Size of the space, without visiting it. Errors as above. */
int fy_search_count(int64_t *out, const fy_search_spec *spec, fy_err *err) FY_NODISCARD;

const char *fy_objective_name(fy_objective objective);
int fy_objective_find(const char *name); /* fy_objective, or -1 */

/* -1, 0, 1: the order in which layouts are enumerated; decides between equal values. */
int fy_layout_order(const fy_layout *a, const fy_layout *b);

#endif
