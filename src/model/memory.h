/* SPDX-License-Identifier: MIT */
/*
 * Memory of the fullest device, term by term, as three readings: what the allocator handed out at
 * its peak, what it reserved, and what the driver shows. Each term is a formula that a user can
 * check line by line (docs/model.md).
 */
#ifndef FUYAO_MODEL_MEMORY_H
#define FUYAO_MODEL_MEMORY_H

#include "model/block.h"
#include "model/pipeline.h"
#include "model/step.h"

void fy_memory_fill(fy_memory *out, const fy_costing *costing, const fy_layout *layout,
                    const fy_parts *parts, const fy_stages *stages, double microbatches);

/* Of one stage by itself, the one with that rank of the pipeline. */
void fy_memory_stage(fy_memory *out, const fy_costing *costing, const fy_layout *layout,
                     const fy_parts *parts, const fy_stage *stage, int rank, double microbatches);

#endif
