/* SPDX-License-Identifier: MIT */
/*
 * A device in its cluster as the kernels see it: rates that are really sustained, latencies and
 * per-kernel costs. Made once per chip, cluster and constants; all the model's formulas
 * read it and nothing else of the chip. Rates are NAN where the chip's are unknown.
 */
#ifndef FUYAO_MODEL_MACHINE_H
#define FUYAO_MODEL_MACHINE_H

#include "fuyao/plan.h"

/* Operands of a matrix product. */
typedef enum fy_format { FY_F32, FY_T32, FY_F16, FY_F8, FY_N_FORMATS } fy_format;

typedef struct fy_gemm_memo fy_gemm_memo; /* gemm.h */

typedef struct fy_machine {
    double matrix_flops[FY_N_FORMATS]; /* sustained by the best large product [FLOP/s] */
    double peak_flops[FY_N_FORMATS];   /* of the data sheet */
    double units;           /* multiprocessors that share a product's tiles; 0 = unknown */
    double clock_hz;        /* NAN = unknown */
    double mma_sync_flops;  /* matrix rate of kernels with synchronous matrix instructions */
    double exp_per_s;       /* exponentials a second; NAN = unknown */
    double alu_per_s;       /* fp32 operations a second outside the matrix units; NAN = unknown */
    double hopper;          /* 1 where asynchronous matrix kernels exist */
    double memory_bps;      /* streaming kernels [B/s] */
    double gemm_memory_bps; /* operands of products [B/s] */
    double usable_bytes;    /* of memory, by programs */
    double gap_s, launch_s, step_s, micro_s; /* constants of the stack */
    double sync_s;                           /* handing over to a collective's stream and back */
    double link_bps;     /* a device's share of the node's link, one direction [B/s] */
    double reduce_bps;   /* of reductions inside the switch; 0 = it cannot */
    double pcie_bps;     /* the same by PCIe, where the link does not join the devices */
    double net_bps;      /* a node's NICs, one direction [B/s]; NAN = unknown */
    double dispatch_bps; /* the same in kernels made for dispatch to experts */
    double link_latency_s, net_latency_s; /* of one step of a collective */
    double attention;                     /* share of the ideal attention kernel */
    double exposed, jitter;
    int per_node;
    int link_group;     /* devices that the link joins; 0 = there is no link */
    fy_gemm_memo *memo; /* borrowed; NULL = products are not remembered */
} fy_machine;

/*
 * Source of the sustained rate: a chip at full matrix rate would draw more than its limit, and
 * dynamic power goes with the cube of the clock near the top of its range, so
 *     f = cbrt((limit - idle) / demand),   at most the generation's issue share
 * with the demand of a generation, above idle, taken from one measured chip of it (machine.c).
 */
fy_machine fy_machine_make(const fy_cluster *cluster, const fy_constants *constants);

/* Format of the products under a precision. */
fy_format fy_precision_format(fy_precision precision);

/* The first rate that is missing for this work, or NULL. */
const char *fy_machine_unknown(const fy_machine *machine, fy_format format, int devices);

/* A device's power limit: the cap where that is lower, or the chip's own [W]. */
double fy_power_limit_w(const fy_cluster *cluster);

/*
 * Share of the way from idle power to the limit that a device draws in matrix products: all of it
 * where their demand is more, else the demand and what memory and fabric draw meanwhile, 0.45 of
 * the way (assumed). 1 where the generation's demand is not known.
 */
double fy_matrix_power(const fy_chip *chip, double limit_w);

/* Cube root for x >= 0; equal bytes everywhere (no libm). */
double fy_cbrt(double x);

/* log2 for n >= 1, linear between powers of two; equal bytes everywhere. */
double fy_doublings(double n);

#endif
