/* SPDX-License-Identifier: MIT */
/*
 * The planner: what one training step of a model costs on given chips in a given layout - time by
 * term, memory by term, power - and which layout is best. Pure functions on values; SI units; every
 * formula has its source where it is computed (docs/model.md goes through them in the order of the
 * code). An unknown rate makes the result unknown and is named; nothing is invented.
 *
 *     fy_model + fy_layout + fy_cluster + fy_stack ──► fy_plan_estimate ──► fy_estimate
 */
#ifndef FUYAO_PLAN_H
#define FUYAO_PLAN_H

#include "fuyao/chip.h"
#include "fuyao/error.h"
#include "fuyao/stack.h"
#include "fuyao/workload.h"

#include <stdbool.h>

typedef enum fy_schedule { FY_1F1B, FY_ZERO_BUBBLE, FY_N_SCHEDULES } fy_schedule;

/* The parallel strategy. devices = tp * pp * dp * cp; ep divides dp * cp * tp. */
typedef struct fy_layout {
    int tp, pp, dp, ep, cp;
    int vpp;          /* virtual stages a device; 1 = 1F1B */
    int microbatch;   /* sequences at once */
    int global_batch; /* sequences a step, all replicas together */
    fy_recompute recompute;
    /* FY_RECOMPUTE_FULL: so many layers of each virtual stage are computed again, the first ones,
     * the others not (Megatron's method `block`); 0 = all */
    int recompute_layers;
    /* layers on the first and on the last stage, the others share the rest; 0, 0 = as pipeline.h
     * deals them */
    int first_layers, last_layers;
    bool seq_parallel;
    int zero; /* 0 replicated, 1 optimiser, 2 + gradients, 3 + weights sharded over dp */
    fy_precision precision;
    unsigned overlap;     /* FY_OVERLAP_* */
    fy_schedule schedule; /* of the pipeline; with vpp > 1 interleaved */
} fy_layout;

/* Like devices in like servers. */
typedef struct fy_cluster {
    const fy_chip *chip;    /* borrowed */
    int devices, per_node;  /* per_node devices share a node's link and its NICs */
    double nic_bytes_per_s; /* of a node, all NICs together, one direction; NAN = unknown */
    double power_cap_w;     /* a device's limit; NAN = the chip's own */
    int link_group; /* devices that the link joins (bridges: 2), the others by PCIe; 0 = all */
    double oversubscribed; /* NICs' rate / what the fabric above carries, >= 1; 0 = 1 */
} fy_cluster;

/* Does the chip's own link join that many neighbours? */
bool fy_cluster_linked(const fy_cluster *cluster, int devices);

typedef enum fy_memory_term {
    FY_M_WEIGHTS,
    FY_M_GRADIENTS,
    FY_M_OPTIMIZER,   /* master weights and moments */
    FY_M_ACTIVATIONS, /* kept for the backward pass, by schedule */
    FY_M_WORKSPACE,   /* logits, recomputed layer, gathered weights, buckets */
    FY_M_ALLOCATOR,   /* reserved beyond the peak: fragmentation */
    FY_M_CONTEXT,     /* driver, libraries, communicators */
    FY_N_MEMORY_TERMS
} fy_memory_term;

typedef struct fy_memory {
    double bytes[FY_N_MEMORY_TERMS]; /* on the fullest device */
    double allocated;                /* peak of the allocator: the first five */
    double reserved;                 /* with fragmentation */
    double device_used;              /* with context after a long run, as nvidia-smi shows */
    double capacity;                 /* usable; NAN = unknown */
    bool fits; /* reserved and context: it runs without being short of memory */
    bool runs; /* allocated and context: it runs, if need be by giving the cache back */
} fy_memory;

typedef struct fy_estimate {
    double step_s;        /* NAN = unknown */
    double low_s, high_s; /* 80 % interval */
    double term_s[FY_N_TERMS];
    double pressed_s; /* what a host FY_SLOW_LAUNCH times as slow would add; not in step_s */
    fy_memory memory;
    double tokens_per_s; /* all devices */
    double model_flops;  /* a step, without recomputation, attention not halved */
    double mfu;          /* of the dense peak of the products' precision */
    double device_w;     /* mean of a device over the step */
    double energy_j;     /* of all devices a step; servers and site come on top */
    const char *unknown; /* names the missing number where step_s is unknown; else NULL */
} fy_estimate;

/*
 * Predict one step.
 *   model, layout, cluster, stack, constants  borrowed
 * Errors: FY_EINFEASIBLE, a layout that contradicts itself, the model or the cluster (the text
 * says which and what would be right). A layout that does not fit in memory is a result.
 */
int fy_plan_estimate(fy_estimate *out, const fy_model *model, const fy_layout *layout,
                     const fy_cluster *cluster, const fy_stack *stack,
                     const fy_constants *constants, fy_err *err) FY_NODISCARD;

/* Does the layout make sense for model and cluster? Errors as above. */
int fy_layout_check(const fy_layout *layout, const fy_model *model, const fy_cluster *cluster,
                    fy_err *err) FY_NODISCARD;

/*
 * Can the chip multiply in this precision? A chip with fp16 and without bf16 (Volta, Turing) cannot
 * in bf16: frameworks emulate it in fp32 or refuse. Rates that are merely unknown pass.
 * Errors: FY_EINFEASIBLE, naming what it can.
 */
int fy_precision_check(fy_precision precision, const fy_chip *chip, fy_err *err) FY_NODISCARD;

const char *fy_term_name(fy_term term);               /* `matmul` */
const char *fy_memory_term_name(fy_memory_term term); /* `weights` */

#endif
