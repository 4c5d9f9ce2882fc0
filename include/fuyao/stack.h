/* SPDX-License-Identifier: MIT */
/*
 * Training frameworks as far as they decide cost, and the constants fitted for them: data, read
 * from data/stacks (docs/stacks.md). A constant belongs to a pair of chip family and stack and has
 * a physical meaning (docs/model.md); none depends on a model, a run or a source.
 */
#ifndef FUYAO_STACK_H
#define FUYAO_STACK_H

#include "fuyao/chip.h"
#include "fuyao/error.h"

#include <stdbool.h>

typedef enum fy_recompute {
    FY_RECOMPUTE_NONE,
    FY_RECOMPUTE_SELECTIVE, /* attention's core again */
    FY_RECOMPUTE_FULL,      /* every layer again, its input kept */
    FY_N_RECOMPUTES
} fy_recompute;

/* Communication that the framework is told to hide behind computation. */
enum { FY_OVERLAP_TP = 1, FY_OVERLAP_DP = 2, FY_OVERLAP_PP = 4, FY_OVERLAP_EP = 8 };

/* Kernels for attention's core. */
typedef enum fy_attention_kernel {
    FY_ATTN_UNFUSED, /* scores in memory; scale, mask and softmax apart */
    FY_ATTN_SOFTMAX, /* scores in memory; scale, mask and softmax in one kernel where eligible */
    FY_ATTN_FLASH1,  /* scores never in memory, first generation and its Triton version */
    FY_ATTN_FLASH2,  /* the same, better dealt to warps */
    FY_ATTN_FLASH3,  /* the same with Hopper's asynchronous matrix units */
} fy_attention_kernel;

typedef enum fy_capture { FY_EAGER, FY_COMPILED, FY_CAPTURED } fy_capture;

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

/* Launching a kernel may take so many times longer than thought: 7 us is the prior, 30 was fitted.
 */
#define FY_SLOW_LAUNCH 3.0

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

/*
 * How far the runs reach that constants were fitted on. All zero where they are another pair's or
 * the prior. An interval grows with what lies beyond (model/interval.h).
 */
typedef struct fy_reach {
    double share[FY_N_TERMS]; /* largest share of a step that each term took in any of them */
    double pressed;           /* the same of fy_estimate.pressed_s */
    int devices;              /* most of any run */
    unsigned precisions;      /* 1 << fy_precision of each */
    bool experts, sharded;    /* mixtures of experts; weights sharded over replicas */
} fy_reach;

typedef struct fy_constants {
    double value[FY_N_CONSTANTS];
    fy_grade grade; /* fitted, or assumed where a neighbour's or the prior stands in */
    int rows;       /* fitted on so many rows */
    double spread;  /* standard deviation of ln(predicted / measured) on rows left out */
    fy_reach reach;
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
    bool dedup_dispatch;  /* between nodes: a token is sent once to a node, by kernels of its own */
    bool fp8_dispatch;    /* where products are in fp8, tokens go to experts in it */
    bool p2p_scatter;     /* stage inputs are sent in tp parts and gathered */
    bool shards_weights;  /* fully sharded: weights are gathered layer by layer (FSDP) */
    bool dropout;
    bool unpadded_vocab; /* leaves the vocabulary odd where tp is 1 */
    bool merges_parts;   /* context groups: partial outputs are put together in fp32, unfused */
    bool recompute_stops_early; /* full: not behind the last tensor that is needed */
    bool keeps_products;        /* selective: every second product's output is kept, not all but the
                                   core of attention */
    bool keeps_outputs;         /* a stage's output until its backward pass */
    bool fp8_inputs;            /* products' inputs are kept in fp8 where they are computed in it */
    int fp8_weight_bytes;     /* of a weight where products are in fp8: copies and transposes [B] */
    int gradient_bytes;       /* of a weight's gradient, in 16 bit training, as it is kept [B] */
    int optimizer_bytes;      /* of a weight's moments, fp32 copy and fp32 gradient [B] */
    int loss_bytes;           /* of a logit at the peak of the loss [B] */
    int loss_bytes_selective; /* the same for programs that recompute selectively [B] */
    double buffer_bytes;      /* buckets for communication, whatever the model [B] */
    int zero;                 /* default sharding */
    fy_recompute recompute;   /* default */
} fy_stack;

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
