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
                     const fy_layout *layout, const fy_parts *parts, double spread);

#endif
