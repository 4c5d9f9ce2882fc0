/* SPDX-License-Identifier: MIT */
#include "model/step.h"

#include "model/collective.h"
#include "model/energy.h"
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

static void add_layers(stage_cost *s, const fy_block *b, double layers, through *f, through *r)
{
    if (!(layers > 0)) {
        return;
    }
    add_pass(s, &b->forward, layers);
    add_pass(s, &b->backward, layers);
    add_again(s, &b->again, layers);
    f->device_s += layers * fy_pass_s(&b->forward);
    f->kernels += layers * b->forward.kernels;
    r->device_s += layers * (fy_pass_s(&b->backward) + fy_pass_s(&b->again));
    r->kernels += layers * (b->backward.kernels + b->again.kernels);
    s->params += layers * b->params;
    s->expert_params += layers * b->expert_params;
}

/* Launching the kernels of a pass, where that takes longer than running them. */
static double host_wait_s(const fy_costing *c, through t)
{
    double scale = c->stack->capture == FY_CAPTURED ? 0.1 : 1;
    double host = t.kernels * c->machine.launch_s * scale;
    return host > t.device_s ? host - t.device_s : 0;
}

static void add_head(const fy_costing *c, const fy_parts *p, stage_cost *s, through *f, through *r)
{
    int passes = 1 + c->model->mtp_layers;
    for (int i = 0; i < passes; i++) {
        add_end(s, &p->ends.head_forward, &f->device_s);
        add_end(s, &p->ends.head_backward, &r->device_s);
    }
    if (c->model->mtp_layers > 0) {
        const fy_block *b = c->model->experts > 0 ? &p->moe : &p->dense;
        add_layers(s, b, c->model->mtp_layers, f, r);
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
    add_layers(&s, &p->dense, stage->dense, &f, &r);
    add_layers(&s, &p->moe, stage->moe, &f, &r);
    if (stage->embedding) {
        add_end(&s, &p->ends.embedding_forward, &f.device_s);
        add_end(&s, &p->ends.embedding_backward, &r.device_s);
        f.kernels += p->ends.embedding_forward.kernels;
        r.kernels += p->ends.embedding_backward.kernels;
        s.params += p->ends.embedding_params;
    }
    if (stage->head) {
        add_head(c, p, &s, &f, &r);
        if (stage->embedding && c->model->tied) { /* one matrix */
            s.params -= p->ends.head_params;
        }
    }
    double host_f = host_wait_s(c, f) + c->machine.micro_s * l->vpp * 0.5;
    double host_r = host_wait_s(c, r) + c->machine.micro_s * l->vpp * 0.5;
    s.host = host_f + host_r;
    s.pp = 2 * transfer_s * l->vpp;
    s.forward = f.device_s + host_f + transfer_s * l->vpp;
    s.backward = r.device_s + host_r + transfer_s * l->vpp;
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
                         const stage_cost *stage, double microbatches)
{
    const fy_machine *mc = &c->machine;
    bool hide = (l->overlap & FY_OVERLAP_DP) != 0;
    bool each = l->zero == 2 && !c->stack->main_grads_fp32;
    double times = each && microbatches > 1 ? microbatches : 1;
    double reduce = dense.reduce + experts.reduce;
    double gather = dense.gather + experts.gather;
    if (hide) {
        reduce = fy_paid_s(mc, reduce, stage->backward);
        gather = fy_paid_s(mc, gather, stage->forward);
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
                        const stage_cost *stage, double layers, double microbatches)
{
    double gather = dense.gather + experts.gather;
    double reduce = dense.reduce + experts.reduce;
    double forward = fy_paid_s(&c->machine, gather, stage->forward);
    double again = l->zero >= 3 ? gather : 0; /* stage 2: weights stay after the forward pass */
    double backward = fy_paid_s(&c->machine, again + reduce, stage->backward);
    return microbatches * (forward + backward) + gather / layers;
}

static double gradients_s(const fy_costing *c, const fy_layout *l, const fy_cluster *cluster,
                          const stage_cost *stage, double layers, double microbatches)
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
        return sharded_s(c, l, of_dense, of_experts, stage, n, microbatches);
    }
    double s = replicas_s(c, l, exchange_s(c, l, replicas, dense),
                          exchange_s(c, l, expert, experts), stage, microbatches);
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

static int slowest_stage(const stage_cost cost[FY_N_STAGES], int pp)
{
    int at = 0;
    for (int i = 1; i < FY_N_STAGES && pp > 1; i++) {
        if (cost[i].forward + cost[i].backward > cost[at].forward + cost[at].backward) {
            at = i;
        }
    }
    return at;
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

/* Routing, imbalance and the age of the software move mixtures of experts by this much more. */
static const double experts_spread = 0.25;

void fy_interval_fill(fy_estimate *out, const fy_model *model, double spread)
{
    if (model->experts > 0 && spread < experts_spread) {
        spread = experts_spread;
    }
    out->low_s = out->step_s / (1 + FY_Z80 * spread);
    out->high_s = out->step_s * (1 + FY_Z80 * spread);
}

void fy_step_compose(fy_estimate *out, const fy_costing *c, const fy_cluster *cluster,
                     const fy_layout *l, const fy_parts *parts, double spread)
{
    memset(out, 0, sizeof *out);
    double *t = out->term_s;
    double microbatches = (double)l->global_batch / ((double)l->dp * l->microbatch);
    fy_stages stages = fy_stages_deal(c->model, l->pp, l->vpp);
    stage_cost cost[FY_N_STAGES] = {0};
    double stage_s[FY_N_STAGES] = {0};
    double hand_on = transfer_s(c, l, cluster);
    for (int i = 0; i < (l->pp > 1 ? FY_N_STAGES : 1); i++) {
        if (i == FY_STAGE_MIDDLE && stages.middle == 0) {
            continue;
        }
        cost[i] = stage_cost_of(c, parts, &stages.at[i], l, hand_on);
        stage_s[i] = cost[i].forward + cost[i].backward;
    }
    int slowest = slowest_stage(cost, l->pp);
    const stage_cost *s = &cost[slowest];
    double layers = stages.at[slowest].dense + stages.at[slowest].moe;
    fill_terms(t, s, microbatches);
    t[FY_T_HOST] += c->machine.step_s;
    t[FY_T_BUBBLE] = fy_bubble_s(&stages, stage_s, l, microbatches);
    t[FY_T_DP] = gradients_s(c, l, cluster, s, layers, microbatches);
    t[FY_T_OPTIMIZER] = optimizer_s(c, l, s);
    double nodes = (double)cluster->devices / cluster->per_node;
    double smooth = sum_terms(t);
    t[FY_T_JITTER] = nodes > 1 ? smooth * c->machine.jitter * fy_doublings(nodes) : 0;
    out->unknown =
        fy_machine_unknown(&c->machine, fy_precision_format(l->precision), cluster->devices);
    out->step_s = out->unknown == NULL ? sum_terms(t) : (double)NAN;
    fy_interval_fill(out, c->model, spread);
    double tokens = (double)l->global_batch * c->model->seq_len;
    out->tokens_per_s = tokens / out->step_s;
    out->model_flops = tokens * fy_model_flops_per_token(c->model, false);
    double peak = c->machine.peak_flops[fy_precision_format(l->precision)];
    out->mfu = out->model_flops / (out->step_s * peak * cluster->devices);
    fy_memory_fill(&out->memory, c, l, parts, &stages, microbatches);
    fy_energy_fill(out, cluster);
}

fy_stage_share fy_stage_share_of(const fy_costing *c, const fy_cluster *cluster, const fy_layout *l,
                                 const fy_parts *parts, const fy_stage *stage, double hop_s,
                                 double microbatches)
{
    fy_stage_share out = {{0}, 0, 0};
    stage_cost s = stage_cost_of(c, parts, stage, l, hop_s);
    fill_terms(out.term_s, &s, microbatches);
    out.once_s = s.forward + s.backward;
    out.sync_s = gradients_s(c, l, cluster, &s, stage->dense + stage->moe, microbatches);
    out.term_s[FY_T_OPTIMIZER] = optimizer_s(c, l, &s);
    return out;
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
    fy_step_compose(out, &costing, cluster, layout, &parts, constants->spread);
    return 0;
}
