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
#include "fuyao/workload.h"

#include <stdbool.h>

typedef enum fy_recompute {
    FY_RECOMPUTE_NONE,
    FY_RECOMPUTE_SELECTIVE, /* attention's core again */
    FY_RECOMPUTE_FULL,      /* every layer again, its input kept */
    FY_N_RECOMPUTES
} fy_recompute;

/* Communication that the framework is told to hide behind computation. */
enum { FY_OVERLAP_TP = 1, FY_OVERLAP_DP = 2, FY_OVERLAP_PP = 4, FY_OVERLAP_EP = 8 };

typedef enum fy_schedule { FY_1F1B, FY_ZERO_BUBBLE, FY_N_SCHEDULES } fy_schedule;

/* The parallel strategy. devices = tp * pp * dp * cp; ep divides dp * cp * tp. */
typedef struct fy_layout {
    int tp, pp, dp, ep, cp;
    int vpp;          /* virtual stages a device; 1 = 1F1B */
    int microbatch;   /* sequences at once */
    int global_batch; /* sequences a step, all replicas together */
    fy_recompute recompute;
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
} fy_cluster;

/* Kernels for attention's core. */
typedef enum fy_attention_kernel {
    FY_ATTN_UNFUSED, /* scores in memory; scale, mask and softmax apart */
    FY_ATTN_SOFTMAX, /* scores in memory; scale, mask and softmax in one kernel where eligible */
    FY_ATTN_FLASH2,  /* scores never in memory */
    FY_ATTN_FLASH3,  /* the same with Hopper's asynchronous matrix units */
} fy_attention_kernel;

typedef enum fy_capture { FY_EAGER, FY_COMPILED, FY_CAPTURED } fy_capture;

/* Constants fitted for one pair of chip family and stack; docs/model.md gives each its meaning. */
typedef enum fy_constant {
    FY_C_MATMUL,    /* share of the sustained matrix rate that products reach at best */
    FY_C_MEMORY,    /* share of memory bandwidth that streaming kernels reach */
    FY_C_ATTENTION, /* share of the matrix rate that the attention kernel reaches */
    FY_C_GAP,       /* a kernel's fill and drain on the device [s] */
    FY_C_LAUNCH,    /* host time to launch one kernel [s] */
    FY_C_LINK,      /* share of the node's link bandwidth that collectives reach */
    FY_C_NETWORK,   /* share of the NICs' bandwidth that collectives reach */
    FY_C_LATENCY,   /* latency of one step of a collective in the node [s] */
    FY_C_EXPOSED,   /* share of overlapped communication that is paid nevertheless */
    FY_C_STEP,      /* host work a step: data, loss, logging, optimiser's launches [s] */
    FY_C_MICRO,     /* host work a microbatch and virtual stage [s] */
    FY_C_JITTER,    /* mean growth of a step for each doubling of nodes */
    FY_N_CONSTANTS
} fy_constant;

typedef struct fy_constants {
    double value[FY_N_CONSTANTS];
    fy_grade grade; /* fitted, or assumed where a neighbour's or the prior stands in */
    int rows;       /* fitted on so many rows */
    double spread;  /* standard deviation of ln(predicted / measured) on rows left out */
} fy_constants;

/* A training framework as far as it decides cost; data/stacks, docs/stacks.md. */
typedef struct fy_stack {
    const char *id, *name, *source;
    fy_attention_kernel attention;
    fy_capture capture;
    unsigned overlap;       /* FY_OVERLAP_*, what it hides unless a layout says otherwise */
    bool fused_elementwise; /* bias + activation, bias + dropout + residual in one kernel each */
    bool fused_norm, fused_loss, fused_optimizer;
    bool main_grads_fp32; /* weight gradients are accumulated in fp32 */
    bool seq_parallel;    /* can */
    bool grouped_experts; /* all experts' products in one kernel */
    bool dedup_dispatch;  /* a token is sent once to a node, whatever its experts there */
    bool p2p_scatter;     /* stage inputs are sent in tp parts and gathered */
    bool shards_weights;  /* fully sharded: weights are gathered layer by layer (FSDP) */
    bool dropout;
    bool unpadded_vocab;      /* leaves the vocabulary odd where tp is 1 */
    bool keeps_products;      /* selective: every second product's output is kept, not all but the
                                 core of attention */
    bool keeps_outputs;       /* a stage's output until its backward pass */
    bool fp8_inputs;          /* products' inputs are kept in fp8 where they are computed in it */
    int fp8_weight_bytes;     /* of a weight where products are in fp8: copies and transposes [B] */
    int gradient_bytes;       /* of a weight's gradient, in 16 bit training, as it is kept [B] */
    int optimizer_bytes;      /* of a weight's moments, fp32 copy and fp32 gradient [B] */
    int loss_bytes;           /* of a logit at the peak of the loss [B] */
    int loss_bytes_selective; /* the same for programs that recompute selectively [B] */
    double buffer_bytes;      /* buckets for communication, whatever the model [B] */
    int zero;                 /* default sharding */
    fy_recompute recompute;   /* default */
} fy_stack;

/* Where a step's time goes. They add up to step_s. Order: docs/model.md. */
typedef enum fy_term {
    FY_T_MATMUL,      /* matrix products, router and experts included */
    FY_T_ATTENTION,   /* attention's core */
    FY_T_ELEMENTWISE, /* norms, rotary, activation, dropout, residual, casts */
    FY_T_EMBEDDING,   /* embedding, logits, loss */
    FY_T_RECOMPUTE,   /* what is computed a second time */
    FY_T_HOST,        /* waiting for launches and host work */
    FY_T_TP,          /* tensor parallel collectives, exposed */
    FY_T_CP,          /* context parallel exchange, exposed */
    FY_T_EP,          /* all-to-all of experts, exposed */
    FY_T_PP,          /* transfers between stages, exposed */
    FY_T_BUBBLE,      /* waiting in the pipeline, uneven stages included */
    FY_T_DP,          /* gradients and sharded weights, exposed */
    FY_T_OPTIMIZER,   /* update, gradient norm, casts */
    FY_T_JITTER,      /* waiting for the slowest of many */
    FY_N_TERMS
} fy_term;

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
    bool fits;
} fy_memory;

typedef struct fy_estimate {
    double step_s;        /* NAN = unknown */
    double low_s, high_s; /* 80 % interval */
    double term_s[FY_N_TERMS];
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

const char *fy_term_name(fy_term term);               /* `matmul` */
const char *fy_memory_term_name(fy_memory_term term); /* `weights` */
const char *fy_recompute_name(fy_recompute recompute);
int fy_recompute_find(const char *name); /* fy_recompute, or -1 */

typedef struct fy_stacks fy_stacks;

/*
 * Load `data_dir`/stacks: what each stack does, and the fitted constants.
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE with file:line.
 */
int fy_stacks_load(fy_stacks **out, const char *data_dir, fy_err *err) FY_NODISCARD;
/*
 * Read further constants, measured on a site (`fuyao plan --calibrate`); where they speak for a
 * chip or a pair of family and stack they take the place of those loaded before.
 * Errors: as fy_stacks_load. What was read before an error stays.
 */
int fy_stacks_add_constants(fy_stacks *stacks, const char *path, fy_err *err) FY_NODISCARD;
void fy_stacks_free(fy_stacks *stacks); /* NULL allowed */
int fy_stacks_count(const fy_stacks *stacks);
const fy_stack *fy_stacks_at(const fy_stacks *stacks, int i);
const fy_stack *fy_stacks_find(const fy_stacks *stacks, const char *id); /* NULL if none */

/*
 * Constants for a chip under a stack: the fitted ones of the chip's family, else the same stack's
 * of the family nearest by age, else the nearest stack's (`near` in data/stacks), else the prior.
 *   without  leave rows of this set out of the fit (NULL: none)
 */
fy_constants fy_stacks_constants(const fy_stacks *stacks, const fy_stack *stack,
                                 const fy_chip *chip, const char *without);

#endif
