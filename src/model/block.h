/* SPDX-License-Identifier: MIT */
/*
 * One transformer layer on one device for one microbatch: device time by term, kernels to launch,
 * bytes kept. Everything that a layer's cost depends on is in fy_slice; the step (step.h) only adds
 * blocks up. The search keeps a table of blocks, the explaining evaluator computes each anew; both
 * call these functions, so that their results are bit-identical.
 */
#ifndef FUYAO_MODEL_BLOCK_H
#define FUYAO_MODEL_BLOCK_H

#include "model/machine.h"

typedef enum fy_layer_kind { FY_LAYER_DENSE, FY_LAYER_MOE } fy_layer_kind;

/* How one layer is cut up; the part of a layout that a block depends on. */
typedef struct fy_slice {
    int tp, cp, ep;
    int microbatch;
    bool seq_parallel;
    fy_recompute recompute;
    fy_precision precision;
    unsigned overlap;
} fy_slice;

/* One pass of a microbatch through a layer [s], exposed communication apart. */
typedef struct fy_pass {
    double matmul, attention, elementwise;
    double tp, cp, ep;
    double kernels;
} fy_pass;

typedef struct fy_block {
    fy_pass forward, backward, again; /* again: what is recomputed in the backward pass */
    double kept_bytes;                /* for the backward pass, per microbatch */
    double plain_bytes;               /* the same of a layer of which nothing is recomputed */
    double again_bytes;               /* while one layer is recomputed */
    double params;                    /* parameters of the layer on this device */
    double expert_params; /* of them in routed experts, replicated dp * cp * tp / ep times */
} fy_block;

/* Everything that stays the same over layouts. */
typedef struct fy_costing {
    const fy_model *model;
    const fy_stack *stack;
    fy_machine machine;
    fy_params params;
} fy_costing;

fy_block fy_block_cost(const fy_costing *costing, fy_layer_kind kind, const fy_slice *slice);

/* Embedding (with positions) and head (norm, logits, loss) on the device that holds them. */
typedef struct fy_ends {
    fy_pass embedding_forward, embedding_backward;
    fy_pass head_forward, head_backward;
    double embedding_params, head_params; /* on this device */
    double head_bytes;                    /* logits and their gradient, per microbatch */
    double head_kept_bytes;
} fy_ends;

fy_ends fy_ends_cost(const fy_costing *costing, const fy_slice *slice);

/* Into how many parts one expert is cut: by tp, but only where experts are not dealt. */
static inline int fy_expert_cut(int tp, int ep)
{
    return ep > 1 ? 1 : tp;
}

/* Bytes of an element of weights and activations, and of a weight's gradient. */
double fy_value_bytes(fy_precision precision);
double fy_gradient_bytes(const fy_stack *stack, fy_precision precision);

/* Device time of a pass [s]: all but kernels. */
static inline double fy_pass_s(const fy_pass *p)
{
    return p->matmul + p->attention + p->elementwise + p->tp + p->cp + p->ep;
}

#endif
