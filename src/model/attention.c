/* SPDX-License-Identifier: MIT */
#include "model/attention.h"

#include "model/gemm.h"

#include <stdint.h>

/* fp32 operations a score outside the matrix units: scale, maximum, subtract, sum, rescale. */
static const double alu_per_score = 5;

/* Rows of queries that one block of a flash kernel holds; edge blocks of a mask are whole. */
static const double block_rows = 128;

bool fy_softmax_fused(const fy_attention_shape *s, bool long_rows)
{
    double limit = long_rows ? 16384 : 2048;
    bool rows = (int64_t)(s->heads * s->batch) % 4 == 0 && (int64_t)s->keys % 4 == 0;
    return s->keys > 16 && s->keys <= limit && rows;
}

/* Waves of blocks over the multiprocessors, relative to a perfect deal; 1 where unknown. */
static double wave_loss(const fy_machine *mc, const fy_attention_shape *s)
{
    if (!(mc->units > 0)) {
        return 1;
    }
    double blocks = s->batch * s->heads * s->queries / block_rows;
    double waves = blocks / mc->units;
    double whole = (double)(int64_t)waves;
    whole += whole < waves ? 1 : 0;
    if (waves < 1) {
        return 1 / waves < 16 ? 1 / waves : 16;
    }
    /* causal blocks are uneven, so that the last wave is half hidden */
    return 1 + (whole - waves) / whole * 0.5;
}

/*
 * Matrix rate that a generation of kernels reaches. The third issues Hopper's asynchronous
 * instructions; the first splits keys over warps, which exchange sums through shared memory: 25 to
 * 40 % of an A100 (arXiv 2307.08691, section 1), bound by clock and SM, not by the matrix units.
 */
static double flash_rate(const fy_machine *mc, fy_attention_kernel kernel, fy_format format)
{
    if (format != FY_F16) { /* flash kernels take 16 bits; those that take more are no faster */
        double wide = mc->matrix_flops[format] / mc->matrix_flops[FY_F16];
        return mc->mma_sync_flops * (wide < 1 ? wide : 1);
    }
    if (kernel == FY_ATTN_FLASH3 && mc->hopper > 0) {
        return mc->matrix_flops[FY_F16] * 0.92;
    }
    double first = 1200 * mc->units * mc->clock_hz;
    bool slow = kernel == FY_ATTN_FLASH1 && first > 0 && first < mc->mma_sync_flops;
    return slow ? first : mc->mma_sync_flops;
}

static fy_attention_cost flash_s(const fy_machine *mc, fy_attention_kernel kernel,
                                 const fy_attention_shape *s)
{
    bool third = kernel == FY_ATTN_FLASH3;
    double edge = s->causal ? block_rows / 2 / s->keys : 0;
    double seen = s->seen + edge < 1 ? s->seen + edge : 1;
    double scores = s->batch * s->heads * s->queries * s->keys * seen;
    double flops = 2 * (s->qk_dim + s->v_dim) * scores;
    double rate = flash_rate(mc, kernel, s->format);
    double vector = 0;
    if (fy_known(mc->exp_per_s)) {
        vector = scores / mc->exp_per_s + scores * alu_per_score / mc->alu_per_s;
    } else {
        vector =
            flops / mc->matrix_flops[FY_F16] * 0.4; /* of the vector units, whatever the format */
    }
    /* heads narrower than 128 leave the score product's K loop short */
    double fill = (s->qk_dim + 24) / s->qk_dim;
    double matrix = flops / rate * fill;
    double hidden = third && mc->hopper > 0 ? 0.4 : 0.5;
    double loss = wave_loss(mc, s) / mc->attention;
    double io = s->batch * s->queries * (s->heads * (s->qk_dim + s->v_dim)) * s->bytes +
                s->batch * s->keys * s->kv_heads * (s->qk_dim + s->v_dim) * s->bytes;
    double forward = (matrix + hidden * vector) * loss;
    double memory = io / mc->memory_bps;
    double backward = (2.5 * matrix + 2 * hidden * vector) / 0.85 * loss;
    return (fy_attention_cost){
        .forward_s = (forward > memory ? forward : memory) + mc->gap_s,
        .backward_s = (backward > 2.5 * memory ? backward : 2.5 * memory) + 3 * mc->gap_s,
        .forward_kernels = 1,
        .backward_kernels = 3,
    };
}

/* The two products with the scores in memory, as batched products. */
static double scores_product_s(const fy_machine *mc, const fy_attention_shape *s, double k_or_n,
                               bool into_scores)
{
    fy_gemm g = {.m = s->queries,
                 .n = into_scores ? s->keys : k_or_n,
                 .k = into_scores ? k_or_n : s->keys,
                 .count = s->batch * s->heads,
                 .format = s->format,
                 .in_bytes = s->bytes,
                 .out_bytes = s->bytes};
    /* operands of one head are cut out of [tokens, heads x dim]: strided, not contiguous */
    return fy_gemm_s(mc, &g) / mc->attention;
}

static fy_attention_cost stored_s(const fy_machine *mc, bool fused, const fy_attention_shape *s)
{
    double scores = s->batch * s->heads * s->queries * s->keys;
    double pass = scores * s->bytes / mc->memory_bps; /* one read or one write of the scores */
    double to = scores_product_s(mc, s, s->qk_dim, true);
    double from = scores_product_s(mc, s, s->v_dim, false);
    /* fused: read and write, half of it masked away; else scale, mask, cast, softmax, cast */
    double softmax = fused ? (s->causal ? 1.5 : 2) * pass : 11 * pass;
    double softmax_back = fused ? (s->causal ? 2.25 : 3) * pass : 9 * pass;
    double drop = s->dropout ? 2.5 * pass : 0;
    /* beside the products; without fusion the mask is sliced, expanded and cast as well */
    double kernels = (fused ? 3 : 14) + (s->dropout ? 1 : 0);
    return (fy_attention_cost){
        .forward_s = to + from + softmax + drop + (fused ? 2 : 6) * mc->gap_s,
        .backward_s = 2 * to + 2 * from + softmax_back + drop + (fused ? 2 : 6) * mc->gap_s,
        .forward_kernels = kernels,
        .backward_kernels = fused ? 2 * kernels : 1.5 * kernels,
    };
}

fy_attention_cost fy_attention_s(const fy_machine *mc, fy_attention_kernel kernel,
                                 const fy_attention_shape *s)
{
    switch (kernel) {
    case FY_ATTN_FLASH1:
    case FY_ATTN_FLASH2:
    case FY_ATTN_FLASH3:
        return flash_s(mc, kernel, s);
    case FY_ATTN_SOFTMAX:
        return stored_s(mc, fy_softmax_fused(s, false), s);
    case FY_ATTN_UNFUSED:
        break;
    }
    return stored_s(mc, false, s);
}
