/* SPDX-License-Identifier: MIT */
/* What a plan on several types costs: whole replicas side by side, or pipelines over types. */
#include "model/energy.h"
#include "model/interval.h"
#include "model/memory.h"
#include "model/mixed.h"

#include <string.h>

static double or_zero(double x)
{
    return fy_known(x) ? x : 0;
}

static fy_mixed_rates rates_of(const fy_mixed_spec *spec, const fy_mixed_type *t)
{
    const fy_prices *p = &t->prices;
    double pue = fy_known(p->pue) ? p->pue : 1;
    double held_w = (t->cluster.chip->idle_w.mid + or_zero(p->overhead_w)) * pue;
    double kwh = or_zero(p->kwh) / 3.6e6;
    switch (spec->objective) {
    case FY_BY_ENERGY:
        return (fy_mixed_rates){held_w, pue};
    case FY_BY_MONEY:
        return (fy_mixed_rates){or_zero(p->device_hour) / 3600 + held_w * kwh, pue * kwh};
    case FY_BY_TIME:
    case FY_N_OBJECTIVES:
        break;
    }
    return (fy_mixed_rates){0, 0};
}

void fy_mixed_context_make(fy_mixed_context *out, const fy_mixed_spec *spec)
{
    *out = (fy_mixed_context){.spec = spec};
    for (int k = 0; k < spec->n_types; k++) {
        const fy_mixed_type *t = &spec->types[k];
        out->costing[k] = fy_costing_make(spec->model, &t->cluster, spec->stack, &t->constants);
        out->rates[k] = rates_of(spec, t);
    }
}

static fy_cluster cluster_of(const fy_mixed_spec *spec, const fy_mixed_part *part)
{
    fy_cluster c = spec->types[part->type].cluster;
    c.devices = part->devices;
    return c;
}

/* The sums over all parts, and the objective. */
static void sum_up(fy_mixed_estimate *out, const fy_mixed_context *c, const fy_mixed_plan *plan)
{
    const fy_mixed_spec *spec = c->spec;
    fy_format format = fy_precision_format(spec->precision);
    double tokens = (double)spec->global_batch * spec->model->seq_len;
    double flops = tokens * fy_model_flops_per_token(spec->model, false);
    double peak = 0;
    out->fits = true;
    out->energy_j = out->site_j = out->money = 0;
    for (int i = 0; i < plan->n_parts; i++) {
        const fy_mixed_part *p = &plan->part[i];
        const fy_prices *prices = &spec->types[p->type].prices;
        out->energy_j += out->part[i].energy_j;
        out->site_j += fy_site_energy_j(&out->part[i], prices, p->devices);
        out->money += fy_step_money(&out->part[i], prices, p->devices);
        out->fits = out->fits && out->part[i].memory.fits;
        peak += c->costing[p->type].machine.peak_flops[format] * p->devices;
    }
    out->tokens_per_s = tokens / out->step_s;
    out->mfu = flops / (out->step_s * peak);
    out->value = spec->objective == FY_BY_ENERGY  ? out->site_j
                 : spec->objective == FY_BY_MONEY ? out->money
                                                  : out->step_s;
}

/* ------------------------------------------------------------------------------- replicas */

double fy_mixed_exchange_s(const fy_mixed_context *c, int type, int devices, int n)
{
    if (n <= 1) {
        return 0;
    }
    const fy_machine *mc = &c->costing[type].machine;
    const fy_mixed_spec *spec = c->spec;
    double bytes =
        c->costing[type].params.trained * fy_gradient_bytes(spec->stack, spec->precision);
    double nodes = (double)devices / mc->per_node;
    return 2.0 * (n - 1) / n * bytes / (nodes * mc->net_bps) + 2.0 * (n - 1) * mc->net_latency_s +
           mc->sync_s;
}

static void compose_replicas(fy_mixed_estimate *out, const fy_mixed_context *c,
                             const fy_mixed_plan *plan, const fy_parts *const *parts)
{
    int n = plan->n_parts;
    double slowest = 0;
    double spread = 0;
    out->exchange_s = 0;
    for (int i = 0; i < n; i++) {
        const fy_mixed_part *p = &plan->part[i];
        fy_cluster cluster = cluster_of(c->spec, p);
        double x = fy_mixed_exchange_s(c, p->type, p->devices, n);
        fy_step_compose(&out->part[i], &c->costing[p->type], &cluster, &p->layout, parts[i],
                        &c->spec->types[p->type].constants);
        slowest = out->part[i].step_s > slowest ? out->part[i].step_s : slowest;
        out->exchange_s = x > out->exchange_s ? x : out->exchange_s;
        double own = fy_interval_spread_of(&out->part[i]);
        spread = own > spread ? own : spread;
    }
    fy_estimate all = {.step_s = slowest + out->exchange_s};
    fy_interval_fill(&all, spread);
    out->step_s = all.step_s;
    out->low_s = all.low_s;
    out->high_s = all.high_s;
    for (int i = 0; i < n && n > 1; i++) {
        fy_estimate *e = &out->part[i];
        fy_cluster cluster = cluster_of(c->spec, &plan->part[i]);
        e->term_s[FY_T_BUBBLE] += slowest - e->step_s;
        e->term_s[FY_T_DP] += out->exchange_s;
        e->tokens_per_s *= e->step_s / all.step_s;
        e->mfu *= e->step_s / all.step_s;
        e->step_s = all.step_s;
        e->low_s = all.low_s;
        e->high_s = all.high_s;
        fy_energy_fill(e, &cluster);
    }
}

/* ------------------------------------------------------------------------------- pipelines */

static bool leading(const fy_model *m)
{
    return m->experts > 0 && 4 * m->dense_layers <= m->layers;
}

int fy_mixed_least_first(const fy_model *m)
{
    return leading(m) && m->dense_layers > 1 ? m->dense_layers : 1;
}

int fy_mixed_leading(const fy_model *m)
{
    return leading(m) ? m->dense_layers : 0;
}

fy_stage fy_mixed_stage(const fy_model *m, int layers, bool first, bool last)
{
    double dense = layers;
    if (m->experts > 0) {
        dense = leading(m) ? (first ? m->dense_layers : 0)
                           : (double)m->dense_layers / m->layers * layers;
    }
    return (fy_stage){.dense = dense, .moe = layers - dense, .embedding = first, .head = last};
}

/* Like stages of a part. */
typedef struct group {
    fy_stage stage;
    int count;
    int rank; /* of the first of them in the pipeline */
} group;

enum { MAX_GROUPS = 4 };

static int groups_of(group out[MAX_GROUPS], const fy_model *m, const fy_mixed_plan *plan, int at)
{
    const fy_mixed_part *p = &plan->part[at];
    bool head = at == 0;
    bool tail = at == plan->n_parts - 1;
    int rank = 0;
    int n = 0;
    for (int i = 0; i < at; i++) {
        rank += plan->part[i].stages;
    }
    if (head) {
        out[n++] = (group){fy_mixed_stage(m, plan->first, true, false), 1, rank++};
    }
    int others = p->stages - head - tail;
    int odd = others > 0 ? p->middle % others : 0;
    if (odd > 0) {
        out[n++] = (group){fy_mixed_stage(m, p->middle / others + 1, false, false), odd, rank};
        rank += odd;
    }
    if (others > odd) {
        int even = others - odd;
        out[n++] = (group){fy_mixed_stage(m, p->middle / others, false, false), even, rank};
        rank += even;
    }
    if (tail) {
        out[n++] = (group){fy_mixed_stage(m, plan->last, false, true), 1, rank};
    }
    return n;
}

static double microbatches_of(const fy_layout *l)
{
    return (double)l->global_batch / ((double)l->dp * l->microbatch);
}

/* The slowest hand-over that the part's stages take part in. */
static double hop_s(const fy_mixed_context *c, const fy_mixed_plan *plan, int at)
{
    const fy_mixed_part *p = &plan->part[at];
    const fy_layout *l = &p->layout;
    const fy_costing *costing = &c->costing[p->type];
    double s = fy_hop_s(costing, l, false);
    if (p->stages > 1) {
        double own = fy_hop_s(costing, l, l->tp * l->cp * l->dp < costing->machine.per_node);
        s = own > s ? own : s;
    }
    for (int i = at - 1; i <= at + 1; i += 2) {
        if (i >= 0 && i < plan->n_parts) {
            const fy_mixed_part *other = &plan->part[i];
            double t = fy_hop_s(&c->costing[other->type], &other->layout, false);
            s = t > s ? t : s;
        }
    }
    return s;
}

static void part_memory(fy_memory *out, const fy_mixed_context *c, const fy_mixed_plan *plan,
                        int at, const fy_parts *parts)
{
    group g[MAX_GROUPS];
    const fy_mixed_part *p = &plan->part[at];
    double microbatches = microbatches_of(&p->layout);
    int n = groups_of(g, c->spec->model, plan, at);
    memset(out, 0, sizeof *out);
    for (int i = 0; i < n; i++) {
        fy_memory m;
        memset(&m, 0, sizeof m);
        fy_memory_stage(&m, &c->costing[p->type], &p->layout, parts, &g[i].stage, g[i].rank,
                        microbatches);
        if (i == 0 || m.allocated > out->allocated) {
            *out = m;
        }
    }
}

bool fy_mixed_fits(const fy_mixed_context *c, const fy_mixed_plan *plan,
                   const fy_parts *const *parts)
{
    for (int i = 0; i < plan->n_parts; i++) {
        fy_memory m;
        part_memory(&m, c, plan, i, parts[i]);
        if (!m.fits) {
            return false;
        }
    }
    return true;
}

static double sum_terms(const double *t)
{
    double sum = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        sum += t[i];
    }
    return sum;
}

/* What all stages wait for together. */
typedef struct pace {
    fy_stage_share slowest;
    fy_passes longest;          /* of any stage: what hides gradients */
    double sync_s, optimizer_s; /* of the stage where they take longest together */
    double sum_s;               /* of all stages, one microbatch */
    double step_s, jitter;      /* host work a step, constant: the worst type's */
    double nodes;
} common_pace;

static void add_part(common_pace *out, fy_estimate *e, const fy_mixed_context *c,
                     const fy_mixed_plan *plan, int at, const fy_parts *parts)
{
    group g[MAX_GROUPS];
    const fy_mixed_part *p = &plan->part[at];
    const fy_machine *mc = &c->costing[p->type].machine;
    double microbatches = microbatches_of(&p->layout);
    double hop = hop_s(c, plan, at);
    int n = groups_of(g, c->spec->model, plan, at);
    memset(e->term_s, 0, sizeof e->term_s);
    e->pressed_s = 0;
    for (int i = 0; i < n; i++) {
        fy_stage_share s = fy_stage_share_of(&c->costing[p->type], &p->layout, parts, &g[i].stage,
                                             hop, microbatches);
        for (int t = 0; t < FY_N_TERMS; t++) {
            e->term_s[t] += s.term_s[t] * g[i].count / p->stages;
        }
        e->pressed_s += s.pressed_s * g[i].count / p->stages;
        out->sum_s += g[i].count * s.once_s;
        out->longest = fy_passes_longer(out->longest, s.passes);
        if (s.once_s > out->slowest.once_s) {
            out->slowest = s;
        }
    }
    e->term_s[FY_T_HOST] += mc->step_s;
    out->step_s = mc->step_s > out->step_s ? mc->step_s : out->step_s;
    out->jitter = mc->jitter > out->jitter ? mc->jitter : out->jitter;
    out->nodes += (double)p->devices / mc->per_node;
}

/* Gradients of a part's stages, when all passes are known. */
static void add_sync(common_pace *out, fy_estimate *e, const fy_mixed_context *c,
                     const fy_mixed_plan *plan, int at, const fy_parts *parts)
{
    group g[MAX_GROUPS];
    const fy_mixed_part *p = &plan->part[at];
    const fy_costing *costing = &c->costing[p->type];
    const fy_cluster *cluster = &c->spec->types[p->type].cluster;
    double microbatches = microbatches_of(&p->layout);
    int n = groups_of(g, c->spec->model, plan, at);
    for (int i = 0; i < n; i++) {
        double sync = fy_stage_sync_s(costing, cluster, &p->layout, parts, &g[i].stage,
                                      out->longest, microbatches);
        double update = fy_stage_update_s(costing, &p->layout, parts, &g[i].stage);
        e->term_s[FY_T_DP] += sync * g[i].count / p->stages;
        if (sync + update > out->sync_s + out->optimizer_s) {
            out->sync_s = sync;
            out->optimizer_s = update;
        }
    }
}

static double jitter_s(const common_pace *p, double smooth)
{
    return p->nodes > 1 ? smooth * p->jitter * fy_doublings(p->nodes) : 0;
}

static double smooth_s(const common_pace *p, const fy_layout *l)
{
    double lost = p->sum_s - p->slowest.once_s;
    double microbatches = microbatches_of(l);
    return microbatches * p->slowest.once_s + (l->schedule == FY_ZERO_BUBBLE ? lost / 3 : lost) +
           p->step_s + p->sync_s + p->optimizer_s;
}

static void compose_pipeline(fy_mixed_estimate *out, const fy_mixed_context *c,
                             const fy_mixed_plan *plan, const fy_parts *const *parts)
{
    common_pace pace = {.sum_s = 0};
    for (int i = 0; i < plan->n_parts; i++) {
        add_part(&pace, &out->part[i], c, plan, i, parts[i]);
    }
    for (int i = 0; i < plan->n_parts; i++) {
        add_sync(&pace, &out->part[i], c, plan, i, parts[i]);
    }
    double smooth = smooth_s(&pace, &plan->part[0].layout);
    double jitter = jitter_s(&pace, smooth);
    fy_estimate all = {.step_s = smooth + jitter};
    double spread = 0;
    for (int i = 0; i < plan->n_parts; i++) {
        fy_estimate *e = &out->part[i];
        const fy_mixed_part *p = &plan->part[i];
        e->term_s[FY_T_JITTER] = jitter;
        e->term_s[FY_T_BUBBLE] = all.step_s - sum_terms(e->term_s);
        e->step_s = all.step_s;
        double own = fy_interval_spread(e, c->spec->model, &p->layout, p->devices,
                                        &c->spec->types[p->type].constants);
        spread = own > spread ? own : spread;
    }
    fy_interval_fill(&all, spread);
    out->step_s = all.step_s;
    out->low_s = all.low_s;
    out->high_s = all.high_s;
    out->exchange_s = 0;
    for (int i = 0; i < plan->n_parts; i++) {
        fy_estimate *e = &out->part[i];
        fy_cluster cluster = cluster_of(c->spec, &plan->part[i]);
        e->low_s = all.low_s;
        e->high_s = all.high_s;
        e->tokens_per_s = e->model_flops = e->mfu = NAN; /* a stage has no tokens of its own */
        part_memory(&e->memory, c, plan, i, parts[i]);
        fy_energy_fill(e, &cluster);
    }
}

void fy_mixed_compose(fy_mixed_estimate *out, const fy_mixed_context *c, const fy_mixed_plan *plan,
                      const fy_parts *const *parts)
{
    memset(out, 0, sizeof *out);
    if (plan->kind == FY_MIXED_PIPELINE) {
        compose_pipeline(out, c, plan, parts);
    } else {
        compose_replicas(out, c, plan, parts);
    }
    sum_up(out, c, plan);
}
