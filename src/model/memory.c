/* SPDX-License-Identifier: MIT */
#include "model/memory.h"

/* Bytes beside the allocator: CUDA context and libraries, and buffers of each communicator. */
static const double context_bytes = 1.2e9;
static const double communicator_bytes = 0.25e9;

/* The allocator's blocks do not fit exactly: share of what comes and goes. */
static const double fragmentation = 0.06;

/* Memory that a maker's figure promises but a program cannot have (ECC, page tables, firmware):
 * A100 80 GB shows 81,920 MiB of 85.9e9 B, H20 97,871 MiB of 96 GiB. */
static double usable_bytes(double maker)
{
    double gib = 1073741824.0;
    double gb = 1e9;
    /* makers write GB and mean GiB: 80 GB is 80 GiB less about 0.8 % */
    return maker / gb * gib * 0.992;
}

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

static double state_bytes(fy_precision precision)
{
    switch (precision) {
    case FY_PREC_FP32:
    case FY_PREC_TF32:
        return 8;
    case FY_PREC_BF16_PURE:
        return 4;
    case FY_PREC_FP16:
    case FY_PREC_BF16:
    case FY_PREC_FP8:
    case FY_N_PRECISIONS:
        break;
    }
    return 12;
}

/* Weights, gradients and optimiser of one stage under its sharding. */
static void states(double *b, const fy_costing *c, const fy_layout *l, held h)
{
    double shards = (double)l->dp * l->cp;
    double expert_shards = shards * l->tp / ((double)l->ep * (l->ep > 1 ? 1 : l->tp));
    expert_shards = expert_shards > 1 ? expert_shards : 1;
    double dense = h.params - h.expert_params;
    double full = dense + h.expert_params;
    double split = dense / shards + h.expert_params / expert_shards;
    double trained = c->model->lora_rank > 0 ? 0.01 : 1;
    bool fsdp = c->stack->shards_weights;
    double value = fy_value_bytes(l->precision);
    double kept_value = fsdp && l->precision != FY_PREC_BF16_PURE ? 4 : value;
    b[FY_M_WEIGHTS] = l->zero >= 3 || fsdp ? split * kept_value : full * value;
    double grad = fy_gradient_bytes(c->stack, l->precision);
    b[FY_M_GRADIENTS] = (l->zero >= 2 ? split : full) * grad * trained;
    double state = state_bytes(l->precision);
    if (fsdp && l->precision != FY_PREC_BF16_PURE) {
        state = 8; /* the fp32 weights are the master copy */
    }
    b[FY_M_OPTIMIZER] = (l->zero >= 1 ? split : full) * state * trained;
}

static void working(double *b, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                    const fy_stage *stage, double in_flight)
{
    double kept = stage->dense * p->dense.kept_bytes + stage->moe * p->moe.kept_bytes;
    b[FY_M_ACTIVATIONS] = kept * in_flight;
    double again =
        p->dense.again_bytes > p->moe.again_bytes ? p->dense.again_bytes : p->moe.again_bytes;
    double logits = 0;
    if (stage->head) {
        logits = p->ends.head_bytes;
        b[FY_M_ACTIVATIONS] += p->ends.head_kept_bytes;
    }
    double gathered = 0;
    if (l->zero >= 3 || c->stack->shards_weights) { /* this layer's and the next one's weights */
        double layer = p->dense.params > p->moe.params ? p->dense.params : p->moe.params;
        gathered = 2 * layer * fy_value_bytes(l->precision) +
                   layer * fy_gradient_bytes(c->stack, l->precision);
    }
    b[FY_M_WORKSPACE] = (again > logits ? again : logits) + gathered;
}

static double fill_one(double *b, const fy_costing *c, const fy_layout *l, const fy_parts *p,
                       const fy_stage *stage, double in_flight)
{
    states(b, c, l, held_by(c, p, stage));
    working(b, c, l, p, stage, in_flight);
    return b[FY_M_WEIGHTS] + b[FY_M_GRADIENTS] + b[FY_M_OPTIMIZER] + b[FY_M_ACTIVATIONS] +
           b[FY_M_WORKSPACE];
}

void fy_memory_fill(fy_memory *out, const fy_costing *c, const fy_layout *l,
                    const fy_cluster *cluster, const fy_parts *p, const fy_stages *stages,
                    double microbatches)
{
    double last[FY_N_MEMORY_TERMS] = {0};
    double deep = fy_in_flight(l, microbatches);
    double first_sum = fill_one(out->bytes, c, l, p, &stages->at[FY_STAGE_FIRST], deep);
    if (l->pp > 1) {
        double shallow = microbatches < 1 ? microbatches : 1;
        double last_sum = fill_one(last, c, l, p, &stages->at[FY_STAGE_LAST], shallow);
        if (last_sum > first_sum) {
            for (int i = 0; i < FY_N_MEMORY_TERMS; i++) {
                out->bytes[i] = last[i];
            }
            first_sum = last_sum;
        }
    }
    double moving = out->bytes[FY_M_ACTIVATIONS] + out->bytes[FY_M_WORKSPACE];
    out->bytes[FY_M_ALLOCATOR] = fragmentation * moving;
    int groups = (l->tp > 1) + (l->pp > 1) + (l->dp * l->cp > 1) + (l->ep > 1) + (l->cp > 1);
    out->bytes[FY_M_CONTEXT] = context_bytes + groups * communicator_bytes;
    out->allocated = first_sum;
    out->reserved = first_sum + out->bytes[FY_M_ALLOCATOR];
    out->device_used = out->reserved + out->bytes[FY_M_CONTEXT];
    out->capacity = usable_bytes(c->machine.memory_bytes);
    out->fits = !(first_sum + out->bytes[FY_M_CONTEXT] > out->capacity);
    (void)cluster;
}
