/* SPDX-License-Identifier: MIT */
#include "model/block.h"

#include "model/activation.h"
#include "model/attention.h"
#include "model/collective.h"
#include "model/elementwise.h"
#include "model/gemm.h"

/* Kernels of a layer beside those counted where they are costed: reshapes, splits, copies. */
static const double eager_extra = 11;

/* Host work of recomputing a layer: saving and restoring random states, a graph of its own. */
static const double checkpoint_launches = 8;

/*
 * Host work of a pass through a layer of experts beside its products, in launches: router, top-k,
 * counts, sorting, and waiting for the counts to arrive at the host before products can be sized.
 * With kernels made for dispatch (DeepEP), and more through the framework's all-to-all: counts of
 * all devices, two exchanges, sorting by expert. From layers that launching binds, in Megatron-Core
 * on H100 with one sequence: about 9.4 and 15.5 to 16.8 ms a layer and step, whatever the model
 * (NVIDIA-NeMo/Megatron-Bridge, docs/performance-summary-archive.md; yanring/Megatron-MoE-ModelZoo,
 * best_practice/Qwen3).
 */
static const double router_launches = 470;
static const double all_to_all_launches = 330;

/* Padding tokens of each expert for products in fp8, and taking it away: two reads and two writes
 * (Megatron-Core, TEGroupedMLP, fp8_padding). */
static const double fp8_padding_passes = 4;

/* Products launched from one loop below the framework cost less than one launched from it. */
static const double batched_launch = 0.25;

/* Host work of one collective, in launches of a plain kernel: the process group's bookkeeping. */
static const double collective_launches = 1;

/* Sizes of the layer as one device sees them. */
typedef struct view {
    double tokens;       /* a microbatch's on this device before sequence parallelism */
    double split_tokens; /* of them where norms and residuals are split */
    double heads, kv_heads;
    double bytes; /* of an activation */
    fy_format format;
    double in_bytes; /* of an operand of a product */
    double grad_bytes;
} view;

double fy_value_bytes(fy_precision precision)
{
    return precision == FY_PREC_FP32 || precision == FY_PREC_TF32 ? 4 : 2;
}

double fy_gradient_bytes(const fy_stack *stack, fy_precision precision)
{
    if (precision == FY_PREC_BF16_PURE) {
        return 2;
    }
    return stack->main_grads_fp32 ? 4 : fy_value_bytes(precision);
}

static double at_least_one(double x)
{
    return x < 1 ? 1 : x;
}

static view view_of(const fy_costing *c, const fy_slice *s)
{
    const fy_model *m = c->model;
    double tokens = (double)s->microbatch * m->seq_len / s->cp;
    fy_format format = fy_precision_format(s->precision);
    double bytes = fy_value_bytes(s->precision);
    return (view){
        .tokens = tokens,
        .split_tokens = s->seq_parallel ? tokens / s->tp : tokens,
        .heads = at_least_one((double)m->heads / s->tp),
        .kv_heads = at_least_one((double)m->kv_heads / s->tp),
        .bytes = bytes,
        .format = format,
        .in_bytes = format == FY_F8 ? 1 : bytes,
        .grad_bytes = fy_gradient_bytes(c->stack, s->precision),
    };
}

/* A linear layer's three products: forward, gradient of the input, gradient of the weight. */
typedef struct linear {
    double forward, backward, kernels;
    fy_stream cast; /* fp8: of the input, forward; the same again for the gradient */
} linear;

static linear linear_s(const fy_costing *c, const view *v, double m, double k, double n,
                       double count)
{
    const fy_machine *mc = &c->machine;
    bool trained = c->model->lora_rank == 0;
    fy_gemm f = {m, n, k, count, v->format, v->in_bytes, v->bytes, false, false};
    fy_gemm dx = {m, k, n, count, v->format, v->in_bytes, v->bytes, false, false};
    fy_gemm dw = {k, n, m, count, v->format, v->in_bytes, v->grad_bytes, true, true};
    linear l = {.forward = fy_gemm_s(mc, &f), .kernels = 1};
    l.backward = fy_gemm_s(mc, &dx) + (trained ? fy_gemm_s(mc, &dw) : 0);
    if (v->format == FY_F8) {
        l.cast = fy_stream_cast((m * k) * count);
    }
    return l;
}

static void add_linear(const fy_costing *c, fy_block *b, linear l, double grad_width)
{
    b->forward.matmul += l.forward;
    b->backward.matmul += l.backward;
    b->forward.kernels += l.kernels + l.cast.kernels;
    b->backward.kernels += 2 * l.kernels + l.cast.kernels;
    if (l.cast.kernels > 0) {
        b->forward.elementwise += fy_stream_s(&c->machine, l.cast);
        b->backward.elementwise += fy_stream_s(&c->machine, fy_stream_cast(grad_width));
    }
}

/* Projections of grouped or multi-head attention. */
static void attention_linear(const fy_costing *c, const view *v, fy_block *b)
{
    const fy_model *m = c->model;
    if (m->attention == FY_MLA) {
        double q_in = m->q_rank > 0 ? m->q_rank : m->hidden;
        double down = (m->q_rank > 0 ? m->q_rank : 0) + m->kv_rank + m->rope_dim;
        double q_out = v->heads * (m->nope_dim + m->rope_dim);
        double kv_out = v->heads * (m->nope_dim + m->v_dim);
        add_linear(c, b, linear_s(c, v, v->split_tokens, m->hidden, down, 1),
                   v->split_tokens * down);
        add_linear(c, b, linear_s(c, v, v->tokens, q_in, q_out, 1), v->tokens * q_out);
        add_linear(c, b, linear_s(c, v, v->tokens, m->kv_rank, kv_out, 1), v->tokens * kv_out);
        add_linear(c, b, linear_s(c, v, v->tokens, v->heads * m->v_dim, m->hidden, 1),
                   v->tokens * m->hidden);
        return;
    }
    double qkv = (v->heads + 2 * v->kv_heads) * m->head_dim;
    add_linear(c, b, linear_s(c, v, v->tokens, m->hidden, qkv, 1), v->tokens * qkv);
    add_linear(c, b, linear_s(c, v, v->tokens, v->heads * m->head_dim, m->hidden, 1),
               v->tokens * m->hidden);
}

/* Format of products that stay out of fp8: attention's core, embedding and head. */
static fy_format wide_format(const view *v)
{
    return v->format == FY_F8 ? FY_F16 : v->format;
}

/* Share of the score matrix that a layer's mask leaves, averaged over windowed and full layers. */
static double seen_share(const fy_model *m)
{
    double s = m->seq_len;
    double full = m->causal ? 0.5 : 1;
    if (m->window <= 0 || m->window >= s) {
        return full;
    }
    double w = m->window;
    double windowed = m->causal ? w / s - w * w / (2 * s * s) : (2 * w / s < 1 ? 2 * w / s : 1);
    double whole = m->window_every > 0 ? 1.0 / m->window_every : 0;
    return whole * full + (1 - whole) * windowed;
}

static fy_attention_cost core_s(const fy_costing *c, const fy_slice *s, const view *v)
{
    const fy_model *m = c->model;
    fy_attention_shape shape = {
        .batch = s->microbatch,
        .heads = v->heads,
        .kv_heads = m->attention == FY_MLA ? v->heads : v->kv_heads,
        .queries = (double)m->seq_len / s->cp,
        .keys = m->seq_len,
        .qk_dim = m->attention == FY_MLA ? m->nope_dim + m->rope_dim : m->head_dim,
        .v_dim = m->attention == FY_MLA ? m->v_dim : m->head_dim,
        .seen = seen_share(m),
        .causal = m->causal,
        .dropout = c->stack->dropout,
        .bytes = v->bytes,
        .format = wide_format(v),
    };
    return fy_attention_s(&c->machine, c->stack->attention, &shape);
}

/*
 * PyTorch's ring attention puts the partial outputs together in fp32, operator by operator: a cast
 * (6 bytes a value), a difference (12), a product (8) and a sum (12); backward the gradients of
 * queries, keys and values of each part are added in fp32 (10). Source: _SDPAMerger and
 * _templated_ring_attention_backward, torch.distributed.tensor.experimental.
 */
static void merge_parts(const fy_costing *c, const fy_slice *s, const view *v, fy_block *b)
{
    const fy_model *m = c->model;
    double q = v->tokens * v->heads * m->head_dim;
    double kv = 2 * v->tokens * v->kv_heads * m->head_dim;
    double merges = s->cp - 1;
    fy_stream f = {merges * q * (6 + 12 + 8 + 12), 6 * merges};
    fy_stream back = {merges * (q + kv) * 10, 3 * merges};
    b->forward.elementwise += fy_stream_s(&c->machine, f);
    b->backward.elementwise += fy_stream_s(&c->machine, back);
    b->forward.kernels += f.kernels;
    b->backward.kernels += back.kernels;
}

/* Keys and values travel once around the context group, behind attention as far as that lasts. */
static void context_exchange(const fy_costing *c, const fy_slice *s, const view *v, fy_block *b)
{
    if (s->cp <= 1) {
        return;
    }
    const fy_model *m = c->model;
    double kv = m->attention == FY_MLA ? v->heads * (m->nope_dim + m->rope_dim + m->v_dim)
                                       : 2 * v->kv_heads * m->head_dim;
    double bytes = v->tokens * s->cp * kv * v->bytes; /* of all members */
    fy_group g = fy_group_make(s->cp, s->tp, c->machine.per_node);
    double once = fy_all_gather_s(&c->machine, g, bytes);
    b->forward.cp = fy_paid_s(&c->machine, once, b->forward.attention);
    b->backward.cp = fy_paid_s(&c->machine, 2 * once, b->backward.attention);
    if (c->stack->merges_parts) {
        merge_parts(c, s, v, b);
    }
    b->forward.kernels += s->cp;
    b->backward.kernels += 2.0 * s->cp;
}

/*
 * Sums of `bytes` over the tensor group, `times` a pass; under sequence parallelism gathers and
 * scatters of the same volume, and in the backward pass one gather more each, of the input.
 */
typedef struct sums {
    double pass, back;
} sums;

static sums tensor_sums_s(const fy_costing *c, const fy_slice *s, double bytes, double times)
{
    const fy_machine *mc = &c->machine;
    fy_group g = fy_group_make(s->tp, 1, mc->per_node);
    if (!s->seq_parallel) {
        double pass = times * fy_all_reduce_s(mc, g, bytes);
        return (sums){pass, pass};
    }
    double gather = times * fy_all_gather_s(mc, g, bytes);
    return (sums){2 * gather, 2.5 * gather}; /* of the one more half hidden by a product */
}

static void tensor_exchange(const fy_costing *c, const fy_slice *s, const view *v, double times,
                            fy_block *b)
{
    if (s->tp <= 1) {
        return;
    }
    const fy_machine *mc = &c->machine;
    sums t = tensor_sums_s(c, s, v->tokens * c->model->hidden * v->bytes, times);
    /* in parts behind the products, which lose SMs to it; only over a link of their own */
    if (s->overlap & FY_OVERLAP_TP && s->tp <= mc->link_group) {
        t.pass = fy_paid_s(mc, t.pass, b->forward.matmul);
        t.back = fy_paid_s(mc, t.back, b->backward.matmul);
    }
    b->forward.tp += t.pass;
    b->backward.tp += t.back;
    double kernels = times * (s->seq_parallel ? 2 : 1) * collective_launches;
    b->forward.kernels += kernels;
    b->backward.kernels += kernels;
}

/*
 * Experts that tp cuts: under sequence parallelism each device sorts its own tokens, so that the
 * copies for all experts of a token are gathered, and scattered again (Megatron-Core's all-to-all
 * dispatcher with expert tensor parallelism). Their sizes are known late: nothing hides it.
 */
static void cut_experts_exchange(const fy_costing *c, const fy_slice *s, const view *v, fy_block *b)
{
    const fy_model *m = c->model;
    if (fy_expert_cut(s->tp, s->ep) <= 1) {
        return;
    }
    double copies = s->seq_parallel ? m->experts_per_token : 1;
    sums t = tensor_sums_s(c, s, v->tokens * copies * m->hidden * v->bytes, 1);
    b->forward.tp += t.pass;
    b->backward.tp += s->seq_parallel ? t.pass : t.back;
    b->forward.kernels += 2 * collective_launches;
    b->backward.kernels += 2 * collective_launches;
}

/* Returns its last product. */
static linear dense_feed_forward(const fy_costing *c, const fy_slice *s, const view *v, double ffn,
                                 fy_block *b)
{
    const fy_model *m = c->model;
    double width = ffn / s->tp;
    double up = (m->gated ? 2 : 1) * width;
    add_linear(c, b, linear_s(c, v, v->tokens, m->hidden, up, 1), v->tokens * up);
    linear last = linear_s(c, v, v->tokens, width, m->hidden, 1);
    add_linear(c, b, last, v->tokens * m->hidden);
    return last;
}

/* Routed experts: their tokens after dispatch, as grouped products or one product each. Returns
 * the copies of tokens that a device dispatches. */
static double expert_products(const fy_costing *c, const fy_slice *s, const view *v, fy_block *b)
{
    const fy_model *m = c->model;
    const fy_machine *mc = &c->machine;
    double etp = fy_expert_cut(s->tp, s->ep);
    double source = s->ep > 1 ? v->tokens / s->tp : v->tokens; /* tokens a device dispatches */
    double routed = source * m->experts_per_token;
    double local = (double)m->experts / s->ep;
    double each = at_least_one(routed / local);
    double width = m->expert_ffn / etp;
    double up = (m->gated ? 2 : 1) * width;
    double calls = c->stack->grouped_experts ? 1 : local;
    double per_call = local / calls;
    linear first = linear_s(c, v, each, m->hidden, up, per_call);
    linear second = linear_s(c, v, each, width, m->hidden, per_call);
    double launches = 1 + (calls - 1) * batched_launch;
    first.forward *= calls, first.backward *= calls, first.kernels *= launches;
    second.forward *= calls, second.backward *= calls, second.kernels *= launches;
    first.cast.bytes *= calls, second.cast.bytes *= calls; /* of all experts in one kernel */
    add_linear(c, b, first, routed * up);
    add_linear(c, b, second, routed * m->hidden);
    /* router in fp32, top-k, permute, unpermute, weighted sum, activation */
    fy_gemm router = {source, m->experts, m->hidden, 1, FY_F16, 2, 4, false, false};
    b->forward.matmul += fy_gemm_s(mc, &router);
    b->backward.matmul += 2 * fy_gemm_s(mc, &router);
    double act = m->gated ? 3 : 2;
    /* products in fp8 want whole blocks of tokens: copied into padded rows before, out of them
     * after */
    double passes = 10 + (v->format == FY_F8 && !c->stack->fp8_dispatch ? fp8_padding_passes : 0);
    fy_stream f = {routed * (m->hidden * passes + width * act) * v->bytes, 14};
    fy_stream back = {routed * (m->hidden * passes + width * (act + 2)) * v->bytes, 16};
    b->forward.elementwise += fy_stream_s(mc, f);
    b->backward.elementwise += fy_stream_s(mc, back);
    b->forward.kernels += f.kernels;
    b->backward.kernels += back.kernels;
    return routed;
}

/*
 * Biases of experts lie one an expert, so they are added expert by expert with the token's weight
 * in fp32 and put together again; their gradients are sums an expert. Bytes a value of the second
 * product, and 2 a value of the first in the sums. Source: Megatron-Core, TEGroupedMLP.
 */
static void expert_biases(const fy_costing *c, const fy_slice *s, double routed, fy_block *b)
{
    const fy_model *m = c->model;
    if (!m->bias) {
        return;
    }
    double local = (double)m->experts / s->ep;
    double width = (double)m->expert_ffn / fy_expert_cut(s->tp, s->ep);
    fy_stream f = {routed * m->hidden * 28.0, 2 * local + 2};
    fy_stream back = {routed * (m->hidden * 38.0 + width * (m->gated ? 4.0 : 2.0)), 6 * local};
    b->forward.elementwise += fy_stream_s(&c->machine, f);
    b->backward.elementwise += fy_stream_s(&c->machine, back);
    b->forward.kernels += f.kernels;
    b->backward.kernels += back.kernels;
}

/* Tokens travel to their experts and back: once each a pass, the gradients the same way. */
static void expert_exchange(const fy_costing *c, const fy_slice *s, const view *v, double routed,
                            fy_block *b)
{
    const fy_model *m = c->model;
    const fy_machine *mc = &c->machine;
    fy_group g = fy_group_make(s->ep, 1, mc->per_node);
    bool once = c->stack->dedup_dispatch && s->ep > 1 && fy_group_crosses(g);
    b->forward.kernels += router_launches + (once ? 0 : all_to_all_launches);
    b->backward.kernels += router_launches + (once ? 0 : all_to_all_launches);
    if (s->ep <= 1) {
        return;
    }
    fy_choice choice = {m->experts_per_token, m->expert_groups, m->chosen_groups};
    fy_route route = once ? fy_route_once(mc, g, choice) : fy_route_each(mc);
    bool small = c->stack->fp8_dispatch && v->format == FY_F8;
    double there = small ? 1 + 4.0 / 128 : v->bytes; /* with a scale for each 128 values */
    double wide = routed * m->hidden;
    double both =
        fy_dispatch_s(mc, g, wide * there, route) + fy_dispatch_s(mc, g, wide * v->bytes, route);
    b->forward.ep += both;
    b->backward.ep += both;
    b->forward.kernels += 2 * collective_launches;
    b->backward.kernels += 2 * collective_launches;
}

/*
 * Dispatch that is hidden runs beside the computation of another microbatch, whose forward pass
 * meets this one's backward pass: all of the layer's computation lies before it.
 */
static void hide_exchange(const fy_costing *c, const fy_slice *s, fy_block *b)
{
    double sent = b->forward.ep + b->backward.ep;
    if (!(s->overlap & FY_OVERLAP_EP) || !(sent > 0)) {
        return;
    }
    const fy_pass *f = &b->forward;
    const fy_pass *r = &b->backward;
    double behind =
        f->matmul + f->attention + f->elementwise + r->matmul + r->attention + r->elementwise;
    double share = fy_paid_s(&c->machine, sent, behind) / sent;
    b->forward.ep *= share;
    b->backward.ep *= share;
}

static void streams(const fy_costing *c, const fy_slice *s, const view *v, double ffn, fy_block *b)
{
    const fy_model *m = c->model;
    double qk = (v->heads + v->kv_heads) * m->head_dim;
    if (m->attention == FY_MLA) {
        qk = v->heads * (m->rope_dim + m->nope_dim) * 2.0;
    }
    fy_stream_shape shape = {
        .tokens = v->tokens,
        .split_tokens = v->split_tokens,
        .hidden = m->hidden,
        .ffn = ffn / s->tp,
        .qk_width = qk,
        .bytes = v->bytes,
    };
    fy_stream f = fy_stream_forward(m, c->stack, &shape);
    fy_stream back = fy_stream_backward(m, c->stack, &shape);
    double extra = c->stack->capture == FY_EAGER ? eager_extra : 0;
    b->forward.elementwise += fy_stream_s(&c->machine, f);
    b->backward.elementwise += fy_stream_s(&c->machine, back);
    b->forward.kernels += f.kernels + extra;
    b->backward.kernels += back.kernels + 2 * extra;
}

/*
 * What is computed again in the backward pass. PyTorch's checkpoints without re-entrance stop at
 * the last tensor that was kept: the last product and its sum over the tensor group, whose result
 * only the next layer needs, are not run again (torch.utils.checkpoint, set_checkpoint_early_stop).
 */
static void recomputed(const fy_costing *c, const fy_slice *s, fy_attention_cost core, linear last,
                       fy_block *b)
{
    if (s->recompute == FY_RECOMPUTE_FULL) {
        b->again = b->forward;
        b->again.kernels += checkpoint_launches;
        if (c->stack->recompute_stops_early) {
            b->again.matmul -= last.forward;
            b->again.kernels -= last.kernels;
            b->again.tp *= last.kernels > 0 ? (s->seq_parallel ? 0.75 : 0.5) : 1;
        }
    } else if (s->recompute == FY_RECOMPUTE_SELECTIVE) {
        b->again.attention = core.forward_s;
        b->again.kernels = core.forward_kernels;
    }
}

fy_block fy_block_cost(const fy_costing *c, fy_layer_kind kind, const fy_slice *s)
{
    const fy_model *m = c->model;
    view v = view_of(c, s);
    fy_block b = {0};
    attention_linear(c, &v, &b);
    fy_attention_cost core = core_s(c, s, &v);
    b.forward.attention = core.forward_s;
    b.backward.attention = core.backward_s;
    b.forward.kernels += core.forward_kernels;
    b.backward.kernels += core.backward_kernels;
    context_exchange(c, s, &v, &b);
    double times = 0;
    linear last = {0};
    if (kind == FY_LAYER_MOE) {
        double shared = (double)m->shared_experts * m->expert_ffn;
        times = shared <= 0 ? 1 : 2;
        if (shared > 0) {
            dense_feed_forward(c, s, &v, shared, &b);
        }
        double routed = expert_products(c, s, &v, &b);
        expert_biases(c, s, routed, &b);
        expert_exchange(c, s, &v, routed, &b);
        streams(c, s, &v, shared, &b);
        double etp = fy_expert_cut(s->tp, s->ep);
        b.expert_params = c->params.expert * m->experts / s->ep / etp;
        double rest = c->params.moe_layer - c->params.expert * m->experts;
        b.params = b.expert_params + rest / s->tp;
    } else {
        times = m->parallel_block ? 1 : 2;
        last = dense_feed_forward(c, s, &v, m->ffn, &b);
        streams(c, s, &v, m->ffn, &b);
        b.params = c->params.dense_layer / s->tp;
    }
    tensor_exchange(c, s, &v, times, &b); /* behind all products of the layer */
    if (kind == FY_LAYER_MOE) {
        cut_experts_exchange(c, s, &v, &b);
        hide_exchange(c, s, &b);
    }
    recomputed(c, s, core, last, &b);
    fy_activation_block(&b, c, kind, s);
    return b;
}

fy_ends fy_ends_cost(const fy_costing *c, const fy_slice *s)
{
    const fy_model *m = c->model;
    const fy_machine *mc = &c->machine;
    view v = view_of(c, s);
    fy_ends e = {0};
    double vocab = (double)m->vocab / s->tp;
    double h = m->hidden;
    e.embedding_params = c->params.embedding / s->tp;
    e.head_params = (m->tied ? c->params.embedding : c->params.head) / s->tp;
    /* look-up: read and write a row a token; backward: an fp32 scatter of gradients */
    fy_stream look = {v.tokens * h * 2 * v.bytes + v.tokens * h * v.bytes, 3};
    e.embedding_forward.elementwise = fy_stream_s(mc, look);
    e.embedding_backward.elementwise = fy_stream_s(mc, (fy_stream){v.tokens * h * 8, 3});
    e.embedding_forward.kernels = e.embedding_backward.kernels = 3;
    /* a picture has one class, read off one token; a text has a loss at every token */
    double rows = m->patch_dim > 0 ? s->microbatch : v.tokens;
    if (m->patch_dim > 0) {
        fy_gemm patches = {v.tokens, h,       m->patch_dim, 1,    wide_format(&v),
                           v.bytes,  v.bytes, false,        false};
        e.embedding_forward.matmul = fy_gemm_s(mc, &patches);
        e.embedding_backward.matmul = e.embedding_forward.matmul; /* of the weight alone */
    }
    if (s->tp == 1 && c->stack->unpadded_vocab) {
        vocab -= 1; /* an odd number of columns: no product over it is aligned */
    }
    fy_gemm f = {rows, vocab, h, 1, wide_format(&v), v.bytes, v.bytes, false, false};
    fy_gemm dx = {rows, h, vocab, 1, wide_format(&v), v.bytes, v.bytes, false, false};
    fy_gemm dw = {h, vocab, rows, 1, wide_format(&v), v.bytes, v.grad_bytes, true, true};
    e.head_forward.matmul = fy_gemm_s(mc, &f);
    e.head_backward.matmul = fy_gemm_s(mc, &dx) + (m->lora_rank > 0 ? 0 : fy_gemm_s(mc, &dw));
    double logits = rows * vocab;
    double passes = c->stack->fused_loss ? 3 * v.bytes : 2 * v.bytes + 6 * 4; /* fp32 otherwise */
    double kernels = c->stack->fused_loss ? 4 : 9;
    e.head_forward.elementwise = fy_stream_s(mc, (fy_stream){logits * passes, kernels});
    e.head_backward.elementwise = fy_stream_s(mc, (fy_stream){logits * passes * 0.7, kernels / 2});
    e.head_forward.kernels = kernels + 2;
    e.head_backward.kernels = kernels / 2 + 3;
    if (s->tp > 1) {
        fy_group g = fy_group_make(s->tp, 1, mc->per_node);
        double sum = fy_all_reduce_s(mc, g, v.tokens * h * v.bytes);
        e.embedding_forward.tp = sum;
        e.head_backward.tp = sum;
        e.head_forward.tp = 3 * fy_all_reduce_s(mc, g, v.tokens * 4);
    }
    fy_activation_ends(&e, c, s);
    return e;
}
