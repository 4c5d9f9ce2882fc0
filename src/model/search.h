/* SPDX-License-Identifier: MIT */
/*
 * Parts of the search, private to the model: the space (which values each part of a layout may
 * take), floors (what no layout of a subtree can beat) and the list of the best.
 */
#ifndef FUYAO_MODEL_SEARCH_H
#define FUYAO_MODEL_SEARCH_H

#include "base/arena.h"
#include "fuyao/search.h"
#include "model/settle.h"
#include "model/step.h"

/* ------------------------------------------------------------------------------------- space */

typedef struct fy_values {
    int *at;
    int n;
} fy_values;

/* Values in ascending order, owned by the arena. Lists that depend on others are cut by rules. */
typedef struct fy_space {
    const fy_search_spec *spec;
    fy_arena arena;
    fy_values devices, batch, experts, layers; /* their divisors; layers: 1, 2, 3 ... */
    int flash;        /* 1: attention never holds the scores, so a context can be cut */
    fy_values zero;   /* what the stack shards */
    const int *deals; /* [layers + 3 + mtp]: layers dealt to so many virtual stages at least */
} fy_space;

/* Do the pins go together, with the model and with the cluster? Errors: FY_EINFEASIBLE. */
int fy_pins_check(const fy_search_spec *spec, fy_err *err) FY_NODISCARD;

/* Errors: those of fy_search_run. Closed by the caller in any case. */
int fy_space_open(fy_space *space, const fy_search_spec *spec, fy_err *err) FY_NODISCARD;
void fy_space_close(fy_space *space);

/*
 * The rules, one function a part; `l` has what was chosen before. docs/plan.md has them as prose.
 * Returned lists are in ascending order.
 */
bool fy_space_tensor(const fy_space *space, int tp);
bool fy_space_context(const fy_space *space, const fy_layout *l, int cp);
bool fy_space_expert(const fy_space *space, const fy_layout *l, int ep);
bool fy_space_sequence(const fy_space *space, const fy_layout *l, int seq_parallel);
bool fy_space_recompute(const fy_space *space, int recompute);
/* Sets dp: the devices that are left. */
bool fy_space_pipeline(const fy_space *space, fy_layout *l, int pp);
bool fy_space_virtual(const fy_space *space, const fy_layout *l, int vpp);
/* Sets the layers of the ends and, where they are given, those computed again. */
void fy_space_deal(const fy_space *space, fy_layout *l, const fy_layer_costs *costs);
bool fy_space_zero(const fy_space *space, const fy_layout *l, int zero);
/* Is `bits` (of those in `which`) a choice of overlap? */
bool fy_space_overlap(const fy_space *space, const fy_layout *l, unsigned which, unsigned bits);
bool fy_space_microbatch(const fy_space *space, int microbatch);

/*
 * Can the schedule run it? Interleaved stages take microbatches in rounds of pp. Gradients and
 * weights are sharded only by stacks that do so by default: others would have to communicate with
 * every microbatch, which nothing charges. Tensor groups stay in a node unless tp is given.
 */
bool fy_space_runs(const fy_space *space, const fy_layout *l);
bool fy_space_near(const fy_space *space, const fy_layout *l); /* the last of these rules */

/* ------------------------------------------------------------------------------------- floors */

/* Device time of one layer for one microbatch, by term. */
void fy_layer_terms(double t[FY_N_TERMS], const fy_block *block);

/* What every layout of a slice costs at least. */
typedef struct fy_floor {
    double step_s, energy_j;
    double stages_s; /* of all stages together, one microbatch */
} fy_floor;

/* `fewest`: as few layers as fit are computed again. */
fy_floor fy_slice_floor(const fy_costing *costing, const fy_cluster *cluster,
                        const fy_layout *layout, const fy_parts *parts, bool fewest);

/* The same of the layouts of a slice with this pipeline (pp, dp, vpp). */
fy_floor fy_pipeline_floor(const fy_floor *slice, const fy_layout *layout);

/* ------------------------------------------------------------------------------------- best */

typedef struct fy_best {
    const fy_search_spec *spec;
    fy_ranked *top, *front; /* owned */
    int n_top, n_front;
    size_t room_front;
} fy_best;

void fy_best_open(fy_best *best, const fy_search_spec *spec);
/* Objective's value of an estimate's time and energy. */
double fy_best_value(const fy_best *best, double step_s, double energy_j);
void fy_best_offer(fy_best *best, const fy_layout *layout, const fy_estimate *estimate);
/* Can nothing at or above `floor` enter? `layout`: of one shape, NULL = any. */
bool fy_best_beyond(const fy_best *best, fy_floor floor, const fy_layout *layout);
bool fy_same_shape(const fy_layout *a, const fy_layout *b);

#endif
