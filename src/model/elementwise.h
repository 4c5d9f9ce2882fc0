/* SPDX-License-Identifier: MIT */
/*
 * Kernels that stream: norms, rotary embedding, activation, dropout, residual, casts. Each costs
 * its traffic at the memory rate and its launch gap; what a stack fuses is one kernel less and one
 * trip through memory less. Traffic is counted in passes: reads or writes of one element a token.
 */
#ifndef FUYAO_MODEL_ELEMENTWISE_H
#define FUYAO_MODEL_ELEMENTWISE_H

#include "model/machine.h"

typedef struct fy_stream {
    double bytes;   /* read and written */
    double kernels; /* that do it */
} fy_stream;

/* What a layer's streaming kernels touch, per pass through the layer. */
typedef struct fy_stream_shape {
    double tokens;       /* on the device where a layer is whole */
    double split_tokens; /* where norms and residuals are split by sequence parallelism */
    double hidden;
    double ffn;      /* width of the feed-forward on this device, all branches of one kind */
    double qk_width; /* queries and keys on this device */
    double bytes;    /* of an element */
} fy_stream_shape;

fy_stream fy_stream_forward(const fy_model *model, const fy_stack *stack,
                            const fy_stream_shape *shape);
fy_stream fy_stream_backward(const fy_model *model, const fy_stack *stack,
                             const fy_stream_shape *shape);

/* Casting `elements` 16-bit values to fp8, as they are and transposed, with amax. */
fy_stream fy_stream_cast(double elements);

static inline double fy_stream_s(const fy_machine *machine, fy_stream stream)
{
    return stream.bytes / machine->memory_bps + stream.kernels * machine->gap_s;
}

static inline fy_stream fy_stream_add(fy_stream a, fy_stream b)
{
    return (fy_stream){a.bytes + b.bytes, a.kernels + b.kernels};
}

#endif
