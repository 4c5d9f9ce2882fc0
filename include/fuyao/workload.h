/* SPDX-License-Identifier: MIT */
/*
 * What is trained: the architecture of a model with all sizes that decide its cost, and the
 * shipped workloads (data/workloads). Sizes are counts; the formulas on them (parameters, work a
 * token) are here so that every other part of the model agrees on them. Refuses to hold anything
 * about chips or layouts, but for a black-box workload's measured rates.
 */
#ifndef FUYAO_WORKLOAD_H
#define FUYAO_WORKLOAD_H

#include "fuyao/chip.h"
#include "fuyao/error.h"

#include <stdbool.h>

typedef enum fy_precision {
    FY_PREC_FP32 = 0,
    FY_PREC_TF32,      /* fp32 values, products at TF32 rate */
    FY_PREC_FP16,      /* fp32 master weights, loss scaling */
    FY_PREC_BF16,      /* fp32 master weights */
    FY_PREC_BF16_PURE, /* no fp32 copy: weights, gradients and moments in bf16 */
    FY_PREC_FP8,       /* products in fp8 with casts and amax; the rest as bf16 */
    FY_N_PRECISIONS
} fy_precision;

typedef enum fy_attention { FY_MHA, FY_GQA, FY_MQA, FY_MLA, FY_N_ATTENTIONS } fy_attention;

typedef enum fy_workload_kind {
    FY_LANGUAGE,  /* decoder over a vocabulary, logits and loss at every position */
    FY_VISION,    /* encoder over image patches, one class a picture */
    FY_BLACK_BOX, /* nothing known but measured rates */
} fy_workload_kind;

/* How the position enters; decides parameters and one kernel a layer. */
typedef enum fy_position { FY_POSITION_NONE, FY_POSITION_LEARNED, FY_ROTARY, FY_ALIBI } fy_position;

typedef enum fy_norm { FY_LAYER_NORM, FY_RMS_NORM } fy_norm;

/* Sizes of a transformer. All counts; 0 means that the part does not exist. */
typedef struct fy_model {
    int layers, hidden;
    int heads, kv_heads, head_dim; /* head_dim of queries and keys (MLA: nope + rope) */
    int ffn;                       /* width of one branch of a dense layer's feed-forward */
    bool gated;                    /* three matrices (SwiGLU, GeGLU), else two */
    int seq_len;                   /* tokens a sequence; for vision patches + class token */
    int vocab;                     /* as trained, padding included; vision: classes */
    bool tied;                     /* the output matrix is the embedding */
    bool causal;
    bool bias;           /* linear layers add a bias */
    bool parallel_block; /* attention and feed-forward read the same norm */
    bool qk_norm;
    fy_position position;
    fy_norm norm;
    fy_attention attention;
    int window;       /* keys a query sees at most in windowed layers; 0 = all */
    int window_every; /* of this many layers one sees all keys; 0 with window: none does */
    /* mixture of experts: routed experts a MoE layer, routed ones a token takes, ... */
    int experts, shared_experts, experts_per_token, expert_ffn;
    int dense_layers; /* layers without experts (all of them where experts is 0) */
    /* a token's experts lie in `chosen_groups` of `expert_groups` groups; 0 = in any */
    int expert_groups, chosen_groups;
    /* multi-head latent attention */
    int q_rank, kv_rank, nope_dim, rope_dim, v_dim;
    int mtp_layers; /* multi-token prediction: further blocks with their own head pass */
    int patch_dim;  /* vision: channels x patch x patch, input width of the patch embedding */
    int lora_rank;  /* 0 = all weights are trained; else only adapters of this rank */
} fy_model;

/* A measured rate of a black-box workload. */
typedef struct fy_workload_rate {
    const char *chip;     /* id */
    int devices;          /* on how many */
    double samples_per_s; /* all devices together */
    fy_grade grade;
    const char *source;
} fy_workload_rate;

typedef struct fy_workload {
    const char *id, *name, *source;
    fy_grade grade;             /* of the sizes */
    const char *const *aliases; /* names in public tables, n_aliases of them */
    int n_aliases;
    const char *const *notes; /* "cell: note", n_notes of them */
    int n_notes;
    fy_workload_kind kind;
    fy_model model;
    int global_batch;              /* sequences a step in the published training; 0 = unknown */
    fy_precision precision;        /* of the published training */
    double train_tokens;           /* of the published training; NAN = unknown */
    const fy_workload_rate *rates; /* [n_rates], black boxes only */
    int n_rates;
    const char *memory_note; /* NULL, or what is said of a black box's memory */
} fy_workload;

/* Parameters by part [count]. `active` of them work on one token. */
typedef struct fy_params {
    double embedding;     /* input embedding, with learned positions and patch projection */
    double head;          /* output matrix; 0 where tied */
    double dense_layer;   /* one layer without experts; 0 where there is none */
    double moe_layer;     /* one layer with experts, router included; 0 where there is none */
    double moe_active;    /* of it, working on one token */
    double expert;        /* one routed expert */
    double attention;     /* attention part of any layer, with all norms of the layer */
    double mtp;           /* all multi-token prediction blocks; embedding and head are shared */
    double mtp_active;    /* of them, working on one token */
    double total, active; /* mtp included, adapters not; published totals leave mtp out */
    double lora;          /* adapters on every matrix of every layer, at lora_rank; else 0 */
    double trained;       /* have gradients and an optimiser: lora where there is one, else total */
} fy_params;

fy_params fy_model_params(const fy_model *model);

/*
 * Work of training on one token without recomputation [FLOP]: 6 a parameter in matrix products
 * (head included, embedding look-up not; 4 a frozen one, whose gradient is not computed) and
 * 12 l h s for attention scores, of which windows leave the keys they show and `halve` the keys
 * that a causal mask shows. h is heads x head_dim here. The convention of published MFU figures
 * does not halve.
 */
double fy_model_flops_per_token(const fy_model *model, bool halve);

/*
 * Are the sizes those of a model of `kind` (not a black box)? Positive where needed, heads a
 * multiple of kv_heads, experts and latent ranks complete or absent, at most FY_MAX_SIZE each.
 * Errors: FY_ERANGE, FY_EINFEASIBLE, with the key and what is right.
 */
int fy_model_check(const fy_model *model, fy_workload_kind kind, fy_err *err) FY_NODISCARD;
enum { FY_MAX_SIZE = 10000000, FY_MAX_LAYERS = 10000 };

const char *fy_precision_name(fy_precision precision); /* `bf16-pure` */
int fy_precision_find(const char *name);               /* fy_precision, or -1 */
const char *fy_attention_name(fy_attention attention);
int fy_attention_find(const char *name);

typedef struct fy_workloads fy_workloads;

/*
 * Load every *.yaml of the folder `data_dir`/workloads, sorted by id.
 *   out  owned by caller, freed with fy_workloads_free
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE, FY_EINFEASIBLE with file:line.
 */
int fy_workloads_load(fy_workloads **out, const char *data_dir, fy_err *err) FY_NODISCARD;
/* One workload from the file at `path` (a user's own); same schema, exactly one entry. */
int fy_workloads_load_file(fy_workloads **out, const char *path, fy_err *err) FY_NODISCARD;
void fy_workloads_free(fy_workloads *workloads); /* NULL allowed */

int fy_workloads_count(const fy_workloads *workloads);
const fy_workload *fy_workloads_at(const fy_workloads *workloads, int i);
/* By id, name or alias; letters' case, blanks, `-` and `_` ignored; NULL if none. */
const fy_workload *fy_workloads_find(const fy_workloads *workloads, const char *name);

#endif
