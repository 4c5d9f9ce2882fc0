/* SPDX-License-Identifier: MIT */
/*
 * How a model's layers are dealt to the stages of a pipeline, and what the schedule costs: the
 * slowest stage works all the time, the others' work is waited for once at either end.
 */
#ifndef FUYAO_MODEL_PIPELINE_H
#define FUYAO_MODEL_PIPELINE_H

#include "fuyao/plan.h"

/* Layers of one device (all its virtual stages together). */
typedef struct fy_stage {
    double dense, moe;             /* layers of either kind */
    double plain_dense, plain_moe; /* of them not computed again where the others are */
    bool embedding, head;
} fy_stage;

enum { FY_STAGE_FIRST, FY_STAGE_MIDDLE, FY_STAGE_LAST, FY_STAGE_LESS, FY_N_STAGES };

/* First, a middle and the last stage; of a single one the first is also the last. Where the rest
 * does not divide, the middle stages next to the first, which keep more microbatches, hold a layer
 * less. */
typedef struct fy_stages {
    fy_stage at[FY_N_STAGES];
    int middle, less; /* how many middle stages of either size there are */
} fy_stages;

/* How many stages there are of a kind. */
static inline int fy_stages_of(const fy_stages *stages, int kind)
{
    return kind == FY_STAGE_MIDDLE ? stages->middle : kind == FY_STAGE_LESS ? stages->less : 1;
}

/*
 * Deal `model`'s layers to pp stages in pp * vpp chunks: as first_layers and last_layers say. Where
 * they do not and the layers divide, equally. Else embedding and head count as layers where that
 * divides (as Llama 3 405B: 126 + 2 over 16), else the head alone, else both and the layers that
 * predict further tokens (as DeepSeek-V3: 61 + 3 over 16), else the last stage is short, as it
 * computes the logits, and the largest governs. Dense layers of a mixture come first.
 */
fy_stages fy_stages_deal(const fy_model *model, const fy_layout *layout);

/* Layers that predict further tokens and are not computed again where others are. */
static inline int fy_plain_mtp(const fy_model *model, const fy_layout *layout)
{
    return layout->recompute == FY_RECOMPUTE_FULL && layout->recompute_layers > 0
               ? model->mtp_layers
               : 0;
}

/* Layers of the largest virtual stage. */
int fy_largest_chunk(const fy_model *model, const fy_layout *layout);

/*
 * Seconds lost to filling and draining: (sum of the stages' time for one microbatch - the
 * slowest's) / vpp (interleaving needs at least pp microbatches); a zero-bubble schedule fills two
 * thirds of it with gradients of weights. Source: Narayanan et al. 2021 (arXiv 2104.04473)
 * section 2.2, written for unequal stages; Qi et al. 2023 (arXiv 2401.10241), ZB-H1.
 *   stage_s   [FY_N_STAGES] time of one microbatch, forward and backward
 */
double fy_bubble_s(const fy_stages *stages, const double *stage_s, const fy_layout *layout,
                   double microbatches);

/*
 * Microbatches whose activations a stage (0 = the first) keeps, in units of one microbatch through
 * all of its layers: min(m, pp - stage) under 1F1B; interleaved pp + (pp - 1 - 2 stage) / vpp
 * (arXiv 2205.05198, and the warm-up of Megatron-LM's schedules).
 */
double fy_in_flight(const fy_layout *layout, int stage, double microbatches);

#endif
