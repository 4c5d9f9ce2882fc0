/* SPDX-License-Identifier: MIT */
/*
 * One optimiser step of a whole job: blocks, ends, pipeline, gradients and update added up.
 * fy_plan_estimate computes the parts and composes them; the search keeps parts in tables and
 * composes millions of layouts. The order of the sums is the same, so are the bits.
 */
#ifndef FUYAO_MODEL_STEP_H
#define FUYAO_MODEL_STEP_H

#include "model/block.h"
#include "model/pipeline.h"

/* What a slice of the model costs on a device. */
typedef struct fy_parts {
    fy_block dense, moe; /* moe zero where there are no experts */
    fy_ends ends;
} fy_parts;

fy_costing fy_costing_make(const fy_model *model, const fy_cluster *cluster, const fy_stack *stack,
                           const fy_constants *constants);
fy_slice fy_slice_of(const fy_layout *layout);
fy_parts fy_parts_cost(const fy_costing *costing, const fy_slice *slice);

/*
 * The whole estimate of a layout that fy_layout_check has passed, from its parts. Unknown rates
 * give step_s NAN and name what is missing.
 */
void fy_step_compose(fy_estimate *out, const fy_costing *costing, const fy_cluster *cluster,
                     const fy_layout *layout, const fy_parts *parts, const fy_constants *constants);

/* One microbatch through one stage, either way [s]. */
typedef struct fy_passes {
    double forward_s, backward_s;
} fy_passes;

static inline fy_passes fy_passes_longer(fy_passes a, fy_passes b)
{
    return (fy_passes){a.forward_s > b.forward_s ? a.forward_s : b.forward_s,
                       a.backward_s > b.backward_s ? a.backward_s : b.backward_s};
}

/*
 * One stage by itself, for pipelines whose stages differ in more than their layers (mixed.h). Sums
 * are those of fy_step_compose.
 *   l           borrowed; pp is that of the whole pipeline
 *   cluster     borrowed; of it, per_node
 *   hop_s       of one microbatch to the next stage [s], fy_hop_s
 */
typedef struct fy_stage_share {
    double term_s[FY_N_TERMS]; /* of a step; bubble, dp and jitter are 0 */
    double once_s;             /* one microbatch, forward and backward */
    fy_passes passes;          /* the two */
    double pressed_s;          /* fy_estimate.pressed_s */
} fy_stage_share;

fy_stage_share fy_stage_share_of(const fy_costing *costing, const fy_layout *l,
                                 const fy_parts *parts, const fy_stage *stage, double hop_s,
                                 double microbatches);

/* Gradients and sharded weights of the same stage, behind passes that take so long [s]. */
double fy_stage_sync_s(const fy_costing *costing, const fy_cluster *cluster, const fy_layout *l,
                       const fy_parts *parts, const fy_stage *stage, fy_passes behind,
                       double microbatches);

/* Its update [s]. */
double fy_stage_update_s(const fy_costing *costing, const fy_layout *l, const fy_parts *parts,
                         const fy_stage *stage);

/* Handing one microbatch's activations to the next stage, as far as it is not hidden [s]. */
double fy_hop_s(const fy_costing *costing, const fy_layout *layout, bool same_node);

#endif
