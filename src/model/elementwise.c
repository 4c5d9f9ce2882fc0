/* SPDX-License-Identifier: MIT */
#include "model/elementwise.h"

static fy_stream stream(double elements, double passes, double bytes, double kernels)
{
    return (fy_stream){elements * passes * bytes, kernels};
}

/* Two norms a layer (one where attention and feed-forward share it). */
static fy_stream norms(const fy_model *model, const fy_stack *stack, const fy_stream_shape *s,
                       double passes)
{
    double n = model->parallel_block ? 1 : 2;
    /* an unfused norm casts to fp32, squares, averages and scales apart */
    double cost = stack->fused_norm ? passes : passes * 4;
    double kernels = stack->fused_norm ? 1 : 5;
    if (model->norm == FY_LAYER_NORM) { /* one kernel in every framework */
        cost = passes;
        kernels = 1;
    }
    return stream(s->split_tokens * s->hidden, cost * n, s->bytes, kernels * n);
}

/* Bias, dropout and residual after attention and after the feed-forward. */
static fy_stream residuals(const fy_model *model, const fy_stack *stack, const fy_stream_shape *s,
                           bool backward)
{
    double passes = 3; /* read x, read the branch, write */
    double kernels = 1;
    if (!stack->fused_elementwise) {
        passes += (model->bias ? 2 : 0) + (stack->dropout ? 2.5 : 0);
        kernels += (model->bias ? 1 : 0) + (stack->dropout ? 1 : 0);
    } else if (stack->dropout) {
        passes += 0.5; /* the mask, a byte an element */
    }
    if (backward) {
        passes = stack->dropout ? 2.5 : 1; /* the residual's gradient passes; an addition remains */
        kernels = stack->dropout ? 2 : 1;
    }
    return stream(s->split_tokens * s->hidden, 2 * passes, s->bytes, 2 * kernels);
}

/* Activation of the feed-forward: gated reads two branches and writes one. */
static fy_stream activation(const fy_model *model, const fy_stack *stack, const fy_stream_shape *s,
                            bool backward)
{
    double passes = model->gated ? 3 : 2;
    double kernels = 1;
    if (!stack->fused_elementwise) {
        passes += model->gated ? 2 : model->bias ? 2 : 0; /* silu apart, or the bias */
        kernels += 1;
    }
    if (backward) {
        passes = model->gated ? (stack->fused_elementwise ? 5 : 8) : 3;
    }
    return stream(s->tokens * s->ffn, passes, s->bytes, kernels);
}

/* Rotary embedding of queries and keys; the bias of their projection; head-wise norms. */
static fy_stream positions(const fy_model *model, const fy_stack *stack, const fy_stream_shape *s)
{
    fy_stream total = {0};
    double width = s->tokens * s->qk_width;
    if (model->position == FY_ROTARY) {
        bool fused = stack->fused_elementwise;
        total = fy_stream_add(total, stream(width, fused ? 2 : 8, s->bytes, fused ? 2 : 8));
    }
    if (model->qk_norm) {
        total = fy_stream_add(total, stream(width, 2, s->bytes, 2));
    }
    return total;
}

fy_stream fy_stream_forward(const fy_model *model, const fy_stack *stack, const fy_stream_shape *s)
{
    fy_stream total = norms(model, stack, s, 2);
    total = fy_stream_add(total, residuals(model, stack, s, false));
    total = fy_stream_add(total, activation(model, stack, s, false));
    return fy_stream_add(total, positions(model, stack, s));
}

fy_stream fy_stream_backward(const fy_model *model, const fy_stack *stack, const fy_stream_shape *s)
{
    fy_stream total = norms(model, stack, s, 4); /* read x, dy, write dx, sums of weights */
    total = fy_stream_add(total, residuals(model, stack, s, true));
    total = fy_stream_add(total, activation(model, stack, s, true));
    if (model->bias) { /* gradients of biases: sums over tokens */
        total = fy_stream_add(total, stream(s->tokens * (s->ffn + s->hidden), 1, s->bytes, 4));
    }
    return fy_stream_add(total, positions(model, stack, s));
}

fy_stream fy_stream_cast(double elements)
{
    return (fy_stream){elements * 4, 1}; /* read 2 bytes, write 1 twice */
}
