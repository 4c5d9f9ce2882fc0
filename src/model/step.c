/* SPDX-License-Identifier: MIT */
#include "model/step.h"

#include "model/collective.h"
#include "model/energy.h"
#include "model/interval.h"
#include "model/memory.h"

#include <string.h>

fy_costing fy_costing_make(const fy_model *model, const fy_cluster *cluster, const fy_stack *stack,
                           const fy_constants *constants)
{
    return (fy_costing){
        .model = model,
        .stack = stack,
        .machine = fy_machine_make(cluster, constants),
        .params = fy_model_params(model),
    };
}

fy_slice fy_slice_of(const fy_layout *l)
{
    return (fy_slice){
        .tp = l->tp,
        .cp = l->cp,
        .ep = l->ep,
        .microbatch = l->microbatch,
        .seq_parallel = l->seq_parallel,
        .recompute = l->recompute,
        .precision = l->precision,
        .overlap = l->overlap,
    };
}

fy_parts fy_parts_cost(const fy_costing *c, const fy_slice *slice)
{
    fy_parts p = {0};
    if (c->model->experts > 0) {
        p.moe = fy_block_cost(c, FY_LAYER_MOE, slice);
    }
    if (c->model->experts == 0 || c->model->dense_layers > 0) {
        p.dense = fy_block_cost(c, FY_LAYER_DENSE, slice);
    }
    p.ends = fy_ends_cost(c, slice);
    return p;
}

/* Sums of one stage for one microbatch [s]; what the terms of a step are made of. */
typedef struct stage_cost {
    double matmul, attention, elementwise, embedding, again;
    double host, tp, cp, ep, pp;
    double forward, backward; /* all of it, either way */
    double pressed;           /* longer where launches take FY_SLOW_LAUNCH times as long */
    double params, expert_params;
} stage_cost;

static void add_pass(stage_cost *s, const fy_pass *p, double times)
{
    s->matmul += times * p->matmul;
    s->attention += times * p->attention;
    s->elementwise += times * p->elementwise;
    s->tp += times * p->tp;
    s->cp += times * p->cp;
    s->ep += times * p->ep;
}

/* Recomputed device work is a term of its own; its communication stays with the others. */
static void add_again(stage_cost *s, const fy_pass *p, double times)
{
    s->again += times * (p->matmul + p->attention + p->elementwise);
    s->tp += times * p->tp;
    s->cp += times * p->cp;
    s->ep += times * p->ep;
}

static void add_end(stage_cost *s, const fy_pass *p, double *total)
{
    s->embedding += p->matmul + p->elementwise;
    s->tp += p->tp;
    *total += fy_pass_s(p);
}

/* Device and launch time of a pass through one stage. */
typedef struct through {
    double device_s, kernels;
} through;

/* `plain` of the layers are not computed again. */
static void add_layers(stage_cost *s, const fy_block *b, double layers, double plain, through *f,
                       through *r)
{
    if (!(layers > 0)) {
        return;
    }
    double again = layers - plain;
    add_pass(s, &b->forward, layers);
    add_pass(s, &b->backward, layers);
    add_again(s, &b->again, again);
    f->device_s += layers * fy_pass_s(&b->forward);
    f->kernels += layers * b->forward.kernels;
    r->device_s += layers * fy_pass_s(&b->backward) + again * fy_pass_s(&b->again);
    r->kernels += layers * b->backward.kernels + again * b->again.kernels;
    s->params += layers * b->params;
    s->expert_params += layers * b->expert_params;
}

/*
 * What a pass waits for launches. Kernels run in the order of their launches, none before its own:
 * the first k parts are bound by launching and the others by running, for the k that lasts longest.
 * `layers` is the pass without its `end`, the embedding backward or the head forward; what comes
 * before the layers is among them.
 */
static double host_wait_s(const fy_costing *c, through layers, through end, double times)
{
    double scale = c->stack->capture == FY_CAPTURED ? 0.1 : 1;
    double launch = c->machine.launch_s * scale * times;
    double all = (layers.kernels + end.kernels) * launch - layers.device_s - end.device_s;
    double before = layers.kernels * launch - layers.device_s;
    double wait = all > before ? all : before;
    return wait > 0 ? wait : 0;
}

/* Megatron-Core recomputes all layers that predict further tokens or none: none where it
 * recomputes a part. */
static void add_head(const fy_costing *c, const fy_parts *p, const fy_layout *l, stage_cost *s,
                     through *f, through *r)
{
    int passes = 1 + c->model->mtp_layers;
    for (int i = 0; i < passes; i++) {
        add_end(s, &p->ends.head_forward, &f->device_s);
        add_end(s, &p->ends.head_backward, &r->device_s);
    }
    if (c->model->mtp_layers > 0) {
        const fy_block *b = c->model->experts > 0 ? &p->moe : &p->dense;
        double plain = fy_plain_mtp(c->model, l);
        add_layers(s, b, c->model->mtp_layers, plain, f, r);
    }
    f->kernels += p->ends.head_forward.kernels * passes;
    r->kernels += p->ends.head_backward.kernels * passes;
    s->params += p->ends.head_params;
}

static stage_cost stage_cost_of(const fy_costing *c, const fy_parts *p, const fy_stage *stage,
                                const fy_layout *l, double transfer_s)
{
    stage_cost s = {0};
    through f = {0};
    through r = {0};
    through f_end = {0};
    through r_end = {0};
    add_layers(&s, &p->dense, stage->dense, stage->plain_dense, &f, &r);
    add_layers(&s, &p->moe, stage->moe, stage->plain_moe, &f, &r);
    if (stage->embedding) {
        add_end(&s, &p->ends.embedding_forward, &f.device_s);
        add_end(&s, &p->ends.embedding_backward, &r_end.device_s);
        f.kernels += p->ends.embedding_forward.kernels;
        r_end.kernels += p->ends.embedding_backward.kernels;
        s.params += p->ends.embedding_params;
    }
    if (stage->head) {
        add_head(c, p, l, &s, &f_end, &r);
        if (stage->embedding && c->model->tied) { /* one matrix */
            s.params -= p->ends.head_params;
        }
    }
    double wait_f = host_wait_s(c, f, f_end, 1);
    double wait_r = host_wait_s(c, r, r_end, 1);
    double host_f = wait_f + c->machine.micro_s * l->vpp * 0.5;
    double host_r = wait_r + c->machine.micro_s * l->vpp * 0.5;
    s.pressed = host_wait_s(c, f, f_end, FY_SLOW_LAUNCH) - wait_f +
                host_wait_s(c, r, r_end, FY_SLOW_LAUNCH) - wait_r;
    s.host = host_f + host_r;
    s.pp = 2 * transfer_s * l->vpp;
    s.forward = f.device_s + f_end.device_s + host_f + transfer_s * l->vpp;
    s.backward = r.device_s + r_end.device_s + host_r + transfer_s * l->vpp;
    return s;
}

double fy_hop_s(const fy_costing *c, const fy_layout *l, bool same_node)
{
    const fy_model *m = c->model;
    double bytes =
        (double)l->microbatch * m->seq_len / l->cp * m->hidden * fy_value_bytes(l->precision);
    bool parts = l->seq_parallel || c->stack->p2p_scatter;
    double sent = parts ? bytes / l->tp : bytes;
    double s = fy_send_s(&c->machine, same_node, sent) + c->machine.gap_s;
    if (parts && !l->seq_parallel && l->tp > 1) {
        s += fy_all_gather_s(&c->machine, fy_group_make(l->tp, 1, c->machine.per_node), bytes);
    }
    return l->overlap & FY_OVERLAP_PP ? s * c->machine.exposed : s;
}

static double transfer_s(const fy_costing *c, const fy_layout *l, const fy_cluster *cluster)
{
    return l->pp > 1 ? fy_hop_s(c, l, cluster->devices / l->pp < cluster->per_node) : 0;
}

/* Reducing gradients over replicas, and gathering weights that each updated a part of, once [s]. */
typedef struct exchange {
    double reduce, gather;
} exchange;

static exchange exchange_s(const fy_costing *c, const fy_layout *l, fy_group g, double params)
{
    const fy_machine *mc = &c->machine;
    double grads = params * fy_gradient_bytes(c->stack, l->precision);
    if (l->zero == 0) {
        return (exchange){.reduce = fy_all_reduce_s(mc, g, grads)};
    }
    double values = params * fy_value_bytes(l->precision);
    return (exchange){fy_all_gather_s(mc, g, grads), fy_all_gather_s(mc, g, values)};
}

/*
 * Replicated weights: hidden behind the last microbatch's backward and the first one's forward
 * pass. Where gradients are sharded (stage 2) and accumulate in no buffer of their own, each
 * microbatch's are reduced.
 */
static double replicas_s(const fy_costing *c, const fy_layout *l, exchange dense, exchange experts,
                         fy_passes behind, double microbatches)
{
    const fy_machine *mc = &c->machine;
    bool hide = (l->overlap & FY_OVERLAP_DP) != 0;
    bool each = l->zero == 2 && !c->stack->main_grads_fp32;
    double times = each && microbatches > 1 ? microbatches : 1;
    double reduce = dense.reduce + experts.reduce;
    double gather = dense.gather + experts.gather;
    if (hide) {
        reduce = fy_paid_s(mc, reduce, behind.backward_s);
        gather = fy_paid_s(mc, gather, behind.forward_s);
    }
    return times * reduce + gather;
}

/* Gathering and reducing weights that lie in shards over a group, layer by layer, once [s]. */
typedef struct sharded {
    double gather, reduce;
} sharded;

static sharded shards_s(const fy_costing *c, const fy_layout *l, fy_group g, double params,
                        double layers)
{
    const fy_machine *mc = &c->machine;
    double each = params / layers;
    return (sharded){
        .gather = fy_all_gather_s(mc, g, each * fy_value_bytes(l->precision)) * layers,
        .reduce = fy_all_gather_s(mc, g, each * fy_gradient_bytes(c->stack, l->precision)) * layers,
    };
}

/* Fully sharded: every layer is gathered for each pass of each microbatch. */
static double sharded_s(const fy_costing *c, const fy_layout *l, sharded dense, sharded experts,
                        fy_passes behind, double layers, double microbatches)
{
    double gather = dense.gather + experts.gather;
    double reduce = dense.reduce + experts.reduce;
    double forward = fy_paid_s(&c->machine, gather, behind.forward_s);
    double again = l->zero >= 3 ? gather : 0; /* stage 2: weights stay after the forward pass */
    double backward = fy_paid_s(&c->machine, again + reduce, behind.backward_s);
    /* nothing is left to hide the first gather and the last reduction behind */
    return microbatches * (forward + backward) + (gather + reduce) / layers;
}

static double gradients_s(const fy_costing *c, const fy_layout *l, const fy_cluster *cluster,
                          const stage_cost *stage, fy_passes behind, double layers,
                          double microbatches)
{
    int per_node = cluster->per_node;
    double trained = c->params.trained / c->params.total;
    double dense = (stage->params - stage->expert_params) * trained;
    double experts = stage->expert_params * trained;
    fy_group replicas = fy_group_make(l->dp * l->cp, l->tp, per_node);
    int etp = fy_expert_cut(l->tp, l->ep);
    int expert_size = l->dp * l->cp * l->tp / (l->ep * etp);
    fy_group expert = fy_group_make(expert_size > 0 ? expert_size : 1, l->ep * etp, per_node);
    if (l->zero >= 3 || c->stack->shards_weights) {
        double n = layers > 1 ? layers : 1;
        sharded of_dense = shards_s(c, l, replicas, dense / trained, n);
        sharded of_experts = shards_s(c, l, expert, experts / trained, n);
        of_dense.reduce *= trained;
        of_experts.reduce *= trained;
        return sharded_s(c, l, of_dense, of_experts, behind, n, microbatches);
    }
    double s = replicas_s(c, l, exchange_s(c, l, replicas, dense),
                          exchange_s(c, l, expert, experts), behind, microbatches);
    if (c->model->tied && l->pp > 1) { /* first and last stage add their copies' gradients */
        bool inside = cluster->devices <= per_node;
        fy_group ends = {.size = 2, .in_node = inside ? 2 : 1, .sharing = per_node};
        s += fy_all_reduce_s(&c->machine, ends,
                             c->params.embedding / l->tp *
                                 fy_gradient_bytes(c->stack, l->precision));
    }
    return s;
}

/* Traffic of the update per parameter [B]: gradient, master copy, two moments, new value. */
static double update_bytes(const fy_stack *stack, fy_precision precision)
{
    double norm = 4; /* the gradient's norm reads it once */
    switch (precision) {
    case FY_PREC_BF16_PURE:
        return 2 + 2 + 4 * 2 + 2;
    case FY_PREC_FP32:
    case FY_PREC_TF32:
        return norm + 4 + 8 + 8 + 8;
    case FY_PREC_FP16: /* unscale and check for overflow: read and write */
        return norm + 8 + 4 + 8 + 16 + 2;
    case FY_PREC_BF16:
    case FY_PREC_FP8:
    case FY_N_PRECISIONS:
        break;
    }
    return norm + 4 + 8 + 16 + 2 + (stack->fused_optimizer ? 0 : 12);
}

static double optimizer_s(const fy_costing *c, const fy_layout *l, const stage_cost *stage)
{
    double trained = c->params.trained / c->params.total;
    double experts = stage->expert_params;
    double dense = stage->params - experts;
    double shards = l->zero >= 1 ? (double)l->dp * l->cp : 1;
    double cut = (double)l->ep * fy_expert_cut(l->tp, l->ep);
    double expert_shards = l->zero >= 1 ? shards * l->tp / cut : 1;
    double mine = dense / shards + experts / (expert_shards > 1 ? expert_shards : 1);
    return mine * trained * update_bytes(c->stack, l->precision) / c->machine.memory_bps;
}

static void fill_terms(double *t, const stage_cost *s, double microbatches)
{
    t[FY_T_MATMUL] = microbatches * s->matmul;
    t[FY_T_ATTENTION] = microbatches * s->attention;
    t[FY_T_ELEMENTWISE] = microbatches * s->elementwise;
    t[FY_T_EMBEDDING] = microbatches * s->embedding;
    t[FY_T_RECOMPUTE] = microbatches * s->again;
    t[FY_T_HOST] = microbatches * s->host;
    t[FY_T_TP] = microbatches * s->tp;
    t[FY_T_CP] = microbatches * s->cp;
    t[FY_T_EP] = microbatches * s->ep;
    t[FY_T_PP] = microbatches * s->pp;
}

static double sum_terms(const double *t)
{
    double sum = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        sum += t[i];
    }
    return sum;
}

/* Costs of all stages. */
typedef struct pipeline {
    fy_stages stages;
    stage_cost cost[FY_N_STAGES];
    double once_s[FY_N_STAGES]; /* one microbatch, both ways; 0: there is no such stage */
    fy_passes longest;          /* of any stage */
    int slowest;
} pipeline;

static pipeline pipeline_of(const fy_costing *c, const fy_cluster *cluster, const fy_layout *l,
                            const fy_parts *parts)
{
    pipeline p = {.stages = fy_stages_deal(c->model, l)};
    double hand_on = transfer_s(c, l, cluster);
    for (int i = 0; i < (l->pp > 1 ? FY_N_STAGES : 1); i++) {
        if (fy_stages_of(&p.stages, i) == 0) {
            continue;
        }
        stage_cost *s = &p.cost[i];
        *s = stage_cost_of(c, parts, &p.stages.at[i], l, hand_on);
        p.once_s[i] = s->forward + s->backward;
        p.slowest = p.once_s[i] > p.once_s[p.slowest] ? i : p.slowest;
        p.longest = fy_passes_longer(p.longest, (fy_passes){s->forward, s->backward});
    }
    return p;
}

/* Gradients and update of the stage where they take longest; what hides them lasts as long as the
 * longest passes, as stages wait for each other. A shorter pass thus never makes a step longer. */
static void fill_update(double *t, const fy_costing *c, const fy_cluster *cluster,
                        const fy_layout *l, const pipeline *p, double microbatches)
{
    double most = -1;
    for (int i = 0; i < (l->pp > 1 ? FY_N_STAGES : 1); i++) {
        if (fy_stages_of(&p->stages, i) == 0) {
            continue;
        }
        double layers = p->stages.at[i].dense + p->stages.at[i].moe;
        double sync = gradients_s(c, l, cluster, &p->cost[i], p->longest, layers, microbatches);
        double update = optimizer_s(c, l, &p->cost[i]);
        if (sync + update > most) {
            most = sync + update;
            t[FY_T_DP] = sync;
            t[FY_T_OPTIMIZER] = update;
        }
    }
}

void fy_step_compose(fy_estimate *out, const fy_costing *c, const fy_cluster *cluster,
                     const fy_layout *l, const fy_parts *parts, const fy_constants *constants)
{
    memset(out, 0, sizeof *out);
    double *t = out->term_s;
    double microbatches = (double)l->global_batch / ((double)l->dp * l->microbatch);
    pipeline p = pipeline_of(c, cluster, l, parts);
    fill_terms(t, &p.cost[p.slowest], microbatches);
    t[FY_T_HOST] += c->machine.step_s;
    t[FY_T_BUBBLE] = fy_bubble_s(&p.stages, p.once_s, l, microbatches);
    fill_update(t, c, cluster, l, &p, microbatches);
    double nodes = (double)cluster->devices / cluster->per_node;
    double smooth = sum_terms(t);
    t[FY_T_JITTER] = nodes > 1 ? smooth * c->machine.jitter * fy_doublings(nodes) : 0;
    out->unknown =
        fy_machine_unknown(&c->machine, fy_precision_format(l->precision), cluster->devices);
    out->step_s = out->unknown == NULL ? sum_terms(t) : (double)NAN;
    out->pressed_s = microbatches * p.cost[p.slowest].pressed;
    fy_interval_fill(out, fy_interval_spread(out, c->model, l, cluster->devices, constants));
    double tokens = (double)l->global_batch * c->model->seq_len;
    out->tokens_per_s = tokens / out->step_s;
    out->model_flops = tokens * fy_model_flops_per_token(c->model, false);
    double peak = c->machine.peak_flops[fy_precision_format(l->precision)];
    out->mfu = out->model_flops / (out->step_s * peak * cluster->devices);
    fy_memory_fill(&out->memory, c, l, parts, &p.stages, microbatches);
    fy_energy_fill(out, cluster);
}

fy_stage_share fy_stage_share_of(const fy_costing *c, const fy_layout *l, const fy_parts *parts,
                                 const fy_stage *stage, double hop_s, double microbatches)
{
    fy_stage_share out = {.once_s = 0};
    stage_cost s = stage_cost_of(c, parts, stage, l, hop_s);
    fill_terms(out.term_s, &s, microbatches);
    out.once_s = s.forward + s.backward;
    out.passes = (fy_passes){s.forward, s.backward};
    out.pressed_s = microbatches * s.pressed;
    out.term_s[FY_T_OPTIMIZER] = optimizer_s(c, l, &s);
    return out;
}

double fy_stage_sync_s(const fy_costing *c, const fy_cluster *cluster, const fy_layout *l,
                       const fy_parts *parts, const fy_stage *stage, fy_passes behind,
                       double microbatches)
{
    stage_cost s = stage_cost_of(c, parts, stage, l, 0);
    return gradients_s(c, l, cluster, &s, behind, stage->dense + stage->moe, microbatches);
}

double fy_stage_update_s(const fy_costing *c, const fy_layout *l, const fy_parts *parts,
                         const fy_stage *stage)
{
    stage_cost s = stage_cost_of(c, parts, stage, l, 0);
    return optimizer_s(c, l, &s);
}

int fy_plan_estimate(fy_estimate *out, const fy_model *model, const fy_layout *layout,
                     const fy_cluster *cluster, const fy_stack *stack,
                     const fy_constants *constants, fy_err *err)
{
    int rc = fy_layout_check(layout, model, cluster, err);
    if (rc != 0) {
        return rc;
    }
    fy_costing costing = fy_costing_make(model, cluster, stack, constants);
    fy_slice slice = fy_slice_of(layout);
    fy_parts parts = fy_parts_cost(&costing, &slice);
    fy_step_compose(out, &costing, cluster, layout, &parts, constants);
    return 0;
}
