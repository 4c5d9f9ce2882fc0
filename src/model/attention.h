/* SPDX-License-Identifier: MIT */
/*
 * Time of attention's core (scores, softmax, weighted sum) by generation of kernel. What decides:
 * whether the scores go through memory, whether the fused softmax is eligible, how long matrix
 * instructions wait for exponentials, and what a causal mask lets the kernel skip.
 */
#ifndef FUYAO_MODEL_ATTENTION_H
#define FUYAO_MODEL_ATTENTION_H

#include "model/machine.h"

/* On one device. */
typedef struct fy_attention_shape {
    double batch;           /* sequences */
    double heads, kv_heads; /* on this device */
    double queries, keys;   /* per sequence; queries < keys under context parallelism */
    double qk_dim, v_dim;
    double seen; /* share of the score matrix that the mask leaves, (0, 1] */
    bool causal, dropout;
    double bytes;     /* of an element */
    fy_format format; /* of the products: FY_F16, or wider */
} fy_attention_shape;

typedef struct fy_attention_cost {
    double forward_s, backward_s;
    double forward_kernels, backward_kernels;
} fy_attention_cost;

/*
 * Flash kernels: t = t_matrix / a + b (t_exp + t_alu), a and b by generation; backward 2.5 times
 * the products at 0.85 of the rate (FlashAttention-2, arXiv 2307.08691, figures 5 and 7;
 * FlashAttention-3, arXiv 2407.08608, figures 5 and 6).
 * Kernels with scores in memory: two batched products forward and four backward, and passes over
 * the scores: one for the fused softmax, five without; dropout one more.
 */
fy_attention_cost fy_attention_s(const fy_machine *machine, fy_attention_kernel kernel,
                                 const fy_attention_shape *shape);

/*
 * Can Megatron's fused softmax run? Its kernel deals four rows of scores to a block: 16 < keys <=
 * 2048 (16384 in later releases: `long_rows`), keys and heads x batch divisible by 4.
 * Source: NVIDIA/Megatron-LM, megatron/fused_kernels and model/fused_softmax.py (2021-2022).
 */
bool fy_softmax_fused(const fy_attention_shape *shape, bool long_rows);

#endif
