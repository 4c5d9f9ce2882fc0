/* SPDX-License-Identifier: MIT */
#include "model/activation.h"

/* Sizes of the layer as one device sees them. */
typedef struct sizes {
    double tokens;       /* a microbatch's on this device before sequence parallelism */
    double split_tokens; /* of them where norms and residuals are split */
    double heads, kv_heads;
    double bytes; /* of an activation */
    double hidden;
    double routed; /* tokens of the experts here, a token once for each of its experts */
    double ffn;    /* elements of one branch of the feed-forward, experts included */
} sizes;

/* Tensors of a layer [B]; `all` is their sum. */
typedef struct tensors {
    double norm_in, norm_out; /* of two norms; the outputs are inputs of products */
    double norm_copy;         /* fp32 copies, where RMSNorm is not one kernel */
    double masks;             /* of two dropouts behind the products */
    double qkv, rotated, latent;
    double core;   /* scores, their softmax and mask; or one sum a row */
    double scores; /* elements of the former; 0 where they are never in memory */
    double out;
    double up, act; /* outputs of the first products, of the activation */
    double copies;  /* tokens dealt to experts */
    double returns; /* what the experts return, where that is weighted afterwards */
    double all;
} tensors;

static double at_least_one(double x)
{
    return x < 1 ? 1 : x;
}

static sizes sizes_of(const fy_costing *c, fy_layer_kind kind, const fy_slice *s)
{
    const fy_model *m = c->model;
    double tokens = (double)s->microbatch * m->seq_len / s->cp;
    sizes z = {
        .tokens = tokens,
        .split_tokens = s->seq_parallel ? tokens / s->tp : tokens,
        .heads = at_least_one((double)m->heads / s->tp),
        .kv_heads = at_least_one((double)m->kv_heads / s->tp),
        .bytes = fy_value_bytes(s->precision),
        .hidden = m->hidden,
    };
    if (kind == FY_LAYER_DENSE) {
        z.ffn = tokens * m->ffn / s->tp;
        return z;
    }
    double cut = s->ep > 1 ? s->tp : 1; /* experts that are dealt are not cut */
    double etp = fy_expert_cut(s->tp, s->ep);
    double shared = (double)m->shared_experts * m->expert_ffn;
    z.routed = tokens / cut * m->experts_per_token;
    z.ffn = z.routed * m->expert_ffn / etp + tokens * shared / s->tp;
    return z;
}

static void attention_tensors(tensors *t, const fy_costing *c, const sizes *z)
{
    const fy_model *m = c->model;
    double head = z->tokens * m->head_dim * z->bytes;
    t->out = head * z->heads;
    t->qkv = head * (z->heads + 2 * z->kv_heads);
    t->rotated = m->position == FY_ROTARY ? head * (z->heads + z->kv_heads) : 0;
    if (m->attention == FY_MLA) {
        t->out = z->tokens * z->heads * m->v_dim * z->bytes;
        t->qkv = z->tokens * z->heads * (2.0 * (m->nope_dim + m->rope_dim) + m->v_dim) * z->bytes;
        t->rotated = 0;
        t->latent = z->split_tokens * (m->q_rank + m->kv_rank + m->rope_dim) * z->bytes;
    }
    double mask = c->stack->dropout ? 1 : 0;
    bool scores = c->stack->attention == FY_ATTN_UNFUSED || c->stack->attention == FY_ATTN_SOFTMAX;
    t->scores = scores ? z->heads * z->tokens * m->seq_len : 0;
    t->core = scores ? t->scores * (2 * z->bytes + mask) : z->tokens * z->heads * 4;
}

static tensors tensors_of(const fy_costing *c, const fy_slice *s, const sizes *z)
{
    const fy_model *m = c->model;
    const fy_stack *stack = c->stack;
    tensors t = {0};
    double wide = z->split_tokens * z->hidden;
    double norms = m->parallel_block ? 1 : 2;
    t.norm_in = norms * wide * z->bytes;
    t.norm_out = norms * wide * z->bytes;
    bool copies = m->norm == FY_RMS_NORM && !stack->fused_norm;
    t.norm_copy = copies ? norms * wide * 4 : 0;
    t.masks = stack->dropout ? 2 * wide : 0;
    attention_tensors(&t, c, z);
    t.up = (m->gated ? 2 : 1) * z->ffn * z->bytes;
    /* silu(gate) is a tensor of its own unless it is one kernel with the product */
    t.act = (m->gated && !stack->fused_elementwise ? 2 : 1) * z->ffn * z->bytes;
    t.copies = t.returns = z->routed * z->hidden * z->bytes;
    if (s->precision == FY_PREC_FP8 && stack->fp8_inputs) { /* inputs of products in 8 bits */
        t.norm_out /= 2, t.out /= 2, t.act /= 2, t.copies /= 2;
        t.returns = 0; /* software of that age weights the activation */
    }
    t.all = t.norm_in + t.norm_out + t.norm_copy + t.masks + t.qkv + t.rotated + t.latent + t.core +
            t.out + t.up + t.act + t.copies + t.returns;
    return t;
}

/*
 * Selective recomputation by operation: outputs of every second product and of attention are kept,
 * and the layer's input. Products in the order q, k, v, out, gate, up, down.
 * Source: pytorch/torchtitan torchtitan/parallelisms/parallelize_llama.py of December 2024.
 */
static double kept_products(const fy_costing *c, const fy_slice *s, const sizes *z,
                            const tensors *t)
{
    const fy_model *m = c->model;
    double input = z->split_tokens * z->hidden * z->bytes;
    double q = z->tokens * z->heads * m->head_dim * z->bytes;
    double v = z->tokens * z->kv_heads * m->head_dim * z->bytes;
    double gate = z->ffn * z->bytes;
    /* nothing needs the last product's output; a compiler sees that, the eager policy does not */
    bool down = m->gated && c->stack->capture == FY_EAGER;
    double scattered = s->tp > 1 ? 2 * input : 0; /* and results of reductions */
    return input + q + v + gate + (down ? z->tokens * z->hidden * z->bytes : 0) + scattered +
           t->out + z->tokens * z->heads * 4;
}

/* Gradients alive at once in a layer's backward pass, and gathered inputs. */
static double passing(const fy_slice *s, const sizes *z, const tensors *t)
{
    double gathered = s->seq_parallel && s->tp > 1 ? 2 * z->tokens * z->hidden * z->bytes : 0;
    double ffn = t->up + t->act;
    double core = t->scores * 2 * z->bytes;
    return (ffn > core ? ffn : core) + 2 * z->split_tokens * z->hidden * z->bytes + gathered;
}

/* The core of attention is computed again; with latent attention the projections up from the
 * latents and the experts' activation too, which cost little and hold most (Megatron-Core,
 * --recompute-modules core_attn mla_up_proj moe_act); versions that can weight the activation. */
static double kept_selective(const fy_model *m, const tensors *t)
{
    return t->all - t->core - (m->attention == FY_MLA ? t->qkv + t->act + t->returns : 0);
}

void fy_activation_block(fy_block *b, const fy_costing *c, fy_layer_kind kind, const fy_slice *s)
{
    sizes z = sizes_of(c, kind, s);
    tensors t = tensors_of(c, s, &z);
    double kept = t.all;
    if (s->recompute == FY_RECOMPUTE_FULL) {
        kept = z.split_tokens * z.hidden * z.bytes;
    } else if (s->recompute == FY_RECOMPUTE_SELECTIVE) {
        kept =
            c->stack->keeps_products ? kept_products(c, s, &z, &t) : kept_selective(c->model, &t);
        kept = kept < t.all ? kept : t.all;
    }
    b->kept_bytes = kept;
    b->plain_bytes = t.all;
    b->again_bytes = t.all - kept + passing(s, &z, &t);
}

void fy_activation_ends(fy_ends *e, const fy_costing *c, const fy_slice *s)
{
    sizes z = sizes_of(c, FY_LAYER_DENSE, s);
    double logits = z.tokens * c->model->vocab / s->tp;
    double wide = z.split_tokens * z.hidden * z.bytes;
    double gathered = s->seq_parallel && s->tp > 1 ? z.tokens * z.hidden * z.bytes : 0;
    bool selective = s->recompute == FY_RECOMPUTE_SELECTIVE;
    double each = selective ? c->stack->loss_bytes_selective : c->stack->loss_bytes;
    if (c->stack->shards_weights && s->tp > 1) {
        each += 4; /* the loss over a split vocabulary is not one operation */
    }
    e->head_bytes = logits * each + gathered;
    e->head_kept_bytes = 2 * wide;
}
