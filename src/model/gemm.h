/* SPDX-License-Identifier: MIT */
/*
 * Time of a matrix product by its shape: tiles dealt to the chip's multiprocessors in waves, the
 * fill of each tile's K loop, alignment of every dimension, and the traffic of its operands. Not a
 * constant share of peak: small, ragged and skinny products are slow for causes that are here.
 */
#ifndef FUYAO_MODEL_GEMM_H
#define FUYAO_MODEL_GEMM_H

#include "model/machine.h"

/* C[m, n] (+)= A[m, k] B[k, n], `count` independent ones in one kernel. */
typedef struct fy_gemm {
    double m, n, k, count;
    fy_format format;
    double in_bytes, out_bytes; /* of one element */
    bool accumulate;            /* C is read and added to */
    bool by_rows;               /* both operands are stored by k, as for the gradient of a weight */
} fy_gemm;

/*
 * Seconds on the device, launch gap included.
 *   t = max(min over tiles of waves x tile time, traffic / bandwidth) + gap
 *   tile time = 2 tm tn (k + fill) / (rate of one multiprocessor x share of the tile size)
 * Source: the tiling of NVIDIA's "Matrix Multiplication Background User's Guide"; shares of tile
 * sizes from its figures; checked in tests/unit/model/test_gemm.c.
 */
double fy_gemm_s(const fy_machine *machine, const fy_gemm *gemm);

/*
 * The products met, by shape: slices of a layout share most of theirs. A machine that has one
 * remembers each product's time; the bits are those without. Owned by the caller, freed by free.
 */
fy_gemm_memo *fy_gemm_memo_new(void);

/*
 * Factor >= 1 on time where a dimension of n elements of `bytes` is not a whole number of 128 B
 * lines: partial lines are fetched and predicated tiles computed.
 */
double fy_alignment(double n, double bytes);

#endif
