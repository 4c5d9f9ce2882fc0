/* SPDX-License-Identifier: MIT */
/*
 * What a layer and the head keep for the backward pass, tensor by tensor, and what comes and goes
 * while one layer is worked on. Bytes of one microbatch on one device. Kernel time is elsewhere
 * (block.h); this only counts tensors that a framework's autograd holds on to.
 */
#ifndef FUYAO_MODEL_ACTIVATION_H
#define FUYAO_MODEL_ACTIVATION_H

#include "model/block.h"

/*
 * Set `kept_bytes` and `again_bytes` of a block.
 * For a plain layer with dropout in 16 bits and unfused attention the sum of Korthikanti et al.
 * 2022 (arXiv 2205.05198), equations 1 to 6: s b h (10 + 24 / t + 5 a s / (h t)), all over t with
 * sequence parallelism; s b h 34 / t where the core is computed again; 2 s b h / t under full
 * recomputation. Written out by tensor it holds for gated, grouped and routed layers too.
 */
void fy_activation_block(fy_block *block, const fy_costing *costing, fy_layer_kind kind,
                         const fy_slice *slice);

/* Set `head_bytes` (at the loss) and `head_kept_bytes` of the ends. */
void fy_activation_ends(fy_ends *ends, const fy_costing *costing, const fy_slice *slice);

#endif
