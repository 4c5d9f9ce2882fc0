/* SPDX-License-Identifier: MIT */
#include "model/memory.h"

#include <string.h>

/* Bytes beside the allocator: context and libraries' code and workspaces, which grow with the
 * generation; buffers of each communicator, more where the switch reduces (NVLS). */
static const double context_bytes[2] = {0.9e9, 1.8e9}; /* [hopper] */
static const double communicator_bytes[2] = {0.4e9, 0.8e9};

/* The allocator's blocks do not fit exactly: share of what comes and goes. */
static const double fragmentation = 0.06;

/* Freed blocks that are not given back: a long run's reserve grows towards what there is, more
 * where blocks come and go. Shares of all that is reserved, and of activations and workspace. */
static const double cache_growth = 0.06;
static const double moving_growth = 0.10;

typedef struct held {
    double params, expert_params; /* on this device before sharding */
} held;

static held held_by(const fy_costing *c, const fy_parts *p, const fy_stage *stage)
{
    held h = {
        .params = stage->dense * p->dense.params + stage->moe * p->moe.params,
        .expert_params = stage->moe * p->moe.expert_params,
    };
    if (stage->embedding) {
        h.params += p->ends.embedding_params;
    }
    if (stage->head && !(stage->embedding && c->model->tied)) {
        h.params += p->ends.head_params;
    }
    if (stage->head) {
        const fy_block *b = c->model->experts > 0 ? &p->moe : &p->dense;
        h.params += c->model->mtp_layers * b->params;
        h.expert_params += c->model->mtp_layers * b->expert_params;
    }
    return h;
}

/* Bytes a parameter. */
typedef struct state {
    double weight, gradient, optimizer;
} state;

static state state_of(const fy_stack *stack, fy_precision precision)
{
    switch (precision) {
    case FY_PREC_FP32:
    case FY_PREC_TF32:
        return (state){4, 4, 8};
    case FY_PREC_BF16_PURE:
        return stack->shards_weights ? (state){2, 4, 8} : (state){2, 2, 4};
    case FY_PREC_FP8:
        return (state){stack->fp8_weight_bytes, stack->gradient_bytes, stack->optimizer_bytes};
    case FY_PREC_FP16:
    case FY_PREC_BF16:
    case FY_N_PRECISIONS:
        break;
    }
    return (state){2, stack->gradient_bytes, stack->optimizer_bytes};
}

/*
 * FSDP keeps shards of weights, gradients and moments, all of the master's type. Where weights are
 * not resharded after the forward pass they stay gathered, and under a pipeline gradients are
 * added up unsharded until the last microbatch, in the type that they are reduced in.
 * Source: pytorch torch/distributed/fsdp/_fully_shard and torch/distributed/pipelining, 2.6.
 */
static void sharded_states(double *b, const fy_layout *l, state s, double full, double split)
{
    b[FY_M_WEIGHTS] = split * s.gradient;
    b[FY_M_GRADIENTS] = split * s.gradient;
    b[FY_M_OPTIMIZER] = split * s.optimizer;
    if (l->zero <= 2) {
        b[FY_M_WEIGHTS] += full * s.weight;
        b[FY_M_GRADIENTS] += l->pp > 1 ? full * s.gradient : 0;
    }
}

/* Weights, gradients and optimiser of one stage under its sharding. */
static void states(double *b, const fy_costing *c, const fy_layout *l, held h)
{
    double shards = (double)l->dp * l->cp;
    double expert_shards = shards * l->tp / ((double)l->ep * fy_expert_cut(l->tp, l->ep));
    expert_shards = expert_shards > 1 ? expert_shards : 1;
    double dense = h.params - h.expert_params;
    double full = dense + h.expert_params;
    double split = dense / shards + h.expert_params / expert_shards;
    state s = state_of(c->stack, l->precision);
    if (c->stack->shards_weights) {
        sharded_states(b, l, s, full, split);
    } else {
        b[FY_M_WEIGHTS] = (l->zero >= 3 ? split : full) * s.weight;
        b[FY_M_GRADIENTS] = (l->zero >= 2 ? split : full) * s.gradient;
        b[FY_M_OPTIMIZER] = (l->zero >= 1 ? split : full) * s.optimizer;
    }
    double trained = c->params.trained / c->params.total;
    b[FY_M_GRADIENTS] *= trained;
    b[FY_M_OPTIMIZER] *= trained;
}

/* Weights gathered for use: this layer's and the next one's, a layer's gradient as it was made and
 * as it is reduced; embedding and head, which FSDP gathers once a pass. */
static double gathered_bytes(const fy_costing *c, const fy_layout *l, const fy_parts *p,
                             const fy_stage *stage)
{
    bool fsdp = c->stack->shards_weights;
    if (l->zero < 3 && !fsdp) {
        return 0;
    }
    double value = fy_value_bytes(l->precision);
    double reduced = fsdp ? fy_gradient_bytes(c->stack, l->precision) : 0;
    double layer = p->dense.params > p->moe.params ? p->dense.params : p->moe.params;
    double ends = (stage->embedding ? p->ends.embedding_params : 0) +
                  (stage->head && !c->model->tied ? p->ends.head_params : 0);
    double weights = l->zero >= 3 ? (2 * layer + ends) * value : 0;
    return weights + layer * (value + reduced);
}

/* What a stage hands on [B]: outputs kept with each microbatch under way; PyTorch's pipeline
 * keeps buffers for every microbatch's input and gradient besides. */
static double handed_on_bytes(const fy_costing *c, const fy_layout *l, double in_flight,
                              double microbatches)
{
    if (l->pp <= 1) {
        return 0;
    }
    double tokens = (double)l->microbatch * c->model->seq_len / l->cp;
    double each =
        tokens * c->model->hidden * fy_value_bytes(l->precision) / (l->seq_parallel ? l->tp : 1);
    double times = c->stack->shards_weights  ? in_flight + 2 * microbatches
                   : c->stack->keeps_outputs ? in_flight
                                             : 0;
    return each * times;
}

/* Bytes that layers keep for the backward pass; `plain` of them are not computed again. */
static double kept_by(const fy_block *b, double layers, double plain)
{
    return (layers - plain) * b->kept_bytes + plain * b->plain_bytes;
}

static void working(double *b, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                    const fy_stage *stage, double in_flight, double microbatches)
{
    double kept = kept_by(&p->dense, stage->dense, stage->plain_dense) +
                  kept_by(&p->moe, stage->moe, stage->plain_moe);
    if (stage->head && c->model->mtp_layers > 0) {
        const fy_block *block = c->model->experts > 0 ? &p->moe : &p->dense;
        kept += kept_by(block, c->model->mtp_layers, fy_plain_mtp(c->model, l));
    }
    b[FY_M_ACTIVATIONS] = kept * in_flight + handed_on_bytes(c, l, in_flight, microbatches);
    double again =
        p->dense.again_bytes > p->moe.again_bytes ? p->dense.again_bytes : p->moe.again_bytes;
    double logits = 0;
    if (stage->head) {
        logits = p->ends.head_bytes;
        b[FY_M_ACTIVATIONS] += p->ends.head_kept_bytes;
    }
    b[FY_M_WORKSPACE] =
        (again > logits ? again : logits) + gathered_bytes(c, l, p, stage) + c->stack->buffer_bytes;
}

static double fill_one(double *b, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                       const fy_stage *stage, int rank, double microbatches)
{
    states(b, c, l, held_by(c, p, stage));
    working(b, c, l, p, stage, fy_in_flight(l, rank, microbatches), microbatches);
    return b[FY_M_WEIGHTS] + b[FY_M_GRADIENTS] + b[FY_M_OPTIMIZER] + b[FY_M_ACTIVATIONS] +
           b[FY_M_WORKSPACE];
}

/* Where layers do not divide it is not said which stage is short; it is not taken to be the first,
 * which keeps most. */
static fy_stage first_stage(const fy_costing *c, const fy_layout *l, const fy_stages *stages)
{
    fy_stage first = stages->at[FY_STAGE_FIRST];
    int layers = c->model->layers;
    int chunks = l->pp * l->vpp;
    bool even = layers % chunks == 0 || (layers + 2) % chunks == 0 || (layers + 1) % chunks == 0;
    const fy_stage *middle = &stages->at[FY_STAGE_MIDDLE];
    if (!even && l->first_layers == 0 && c->model->experts == 0 && stages->middle > 0 &&
        middle->dense > first.dense) {
        first.dense = middle->dense;
        first.plain_dense = middle->plain_dense;
    }
    return first;
}

/* The stage that needs most; of the middle ones the earliest, which keeps most. */
static double fullest(double *bytes, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                      const fy_stages *stages, double microbatches)
{
    fy_stage first = first_stage(c, l, stages);
    double most = fill_one(bytes, c, l, p, &first, 0, microbatches);
    for (int i = FY_STAGE_MIDDLE; i < FY_N_STAGES && l->pp > 1; i++) {
        if (fy_stages_of(stages, i) == 0) {
            continue;
        }
        double at[FY_N_MEMORY_TERMS] = {0};
        int rank = i == FY_STAGE_MIDDLE ? 1 + stages->less : i == FY_STAGE_LESS ? 1 : l->pp - 1;
        double sum = fill_one(at, c, l, p, &stages->at[i], rank, microbatches);
        if (sum > most) {
            most = sum;
            memcpy(bytes, at, sizeof at);
        }
    }
    return most;
}

/* What comes on top of what is allocated, and whether all of it fits. */
static void sum_up(fy_memory *out, const fy_costing *c, const fy_layout *l, double allocated)
{
    double *b = out->bytes;
    int hopper = c->machine.hopper > 0;
    int groups = (l->tp > 1) + (l->pp > 1) + (l->dp * l->cp > 1) + (l->ep > 1) + (l->cp > 1);
    double capacity = c->machine.usable_bytes;
    double moving = b[FY_M_ACTIVATIONS] + b[FY_M_WORKSPACE];
    b[FY_M_ALLOCATOR] = fragmentation * moving;
    b[FY_M_CONTEXT] = context_bytes[hopper] + groups * communicator_bytes[hopper];
    out->allocated = allocated;
    out->reserved = allocated + b[FY_M_ALLOCATOR];
    double least = allocated + b[FY_M_CONTEXT];
    double grown = out->reserved * (1 + cache_growth) + moving_growth * moving + b[FY_M_CONTEXT];
    /* short of memory the allocator gives its cache back */
    out->device_used = !(grown > capacity) ? grown : least > capacity ? least : capacity;
    out->capacity = capacity;
    out->fits = !(out->reserved + b[FY_M_CONTEXT] > capacity);
    out->runs = !(least > capacity);
}

void fy_memory_stage(fy_memory *out, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                     const fy_stage *stage, int rank, double microbatches)
{
    sum_up(out, c, l, fill_one(out->bytes, c, l, p, stage, rank, microbatches));
}

void fy_memory_fill(fy_memory *out, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                    const fy_stages *stages, double microbatches)
{
    double allocated = fullest(out->bytes, c, l, p, stages, microbatches);
    sum_up(out, c, l, allocated);
}
