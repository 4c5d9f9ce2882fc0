/* SPDX-License-Identifier: MIT */
/*
 * Pipelines over several types. For what is common (context group, microbatch, replicas) and every
 * order of types: a slice a type, stages a type, layers a stage; at each choice what no completion
 * of it can beat is held against the limit.
 */
#include "model/mixed_pipe.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------- shapes */

static void set_hops(fy_mixed_pipe *p)
{
    for (int i = 0; i < p->n; i++) {
        const fy_mixed_slice *s = p->pick[i];
        const fy_machine *mc = &p->walk->context.costing[p->order[i]].machine;
        bool inside = s->layout.tp * p->cp * p->dp < mc->per_node;
        double hop = s->far_hop_s;
        if (p->stages[i] > 1 && inside && s->own_hop_s > hop) {
            hop = s->own_hop_s;
        }
        for (int k = i - 1; k <= i + 1; k += 2) {
            if (k >= 0 && k < p->n && p->pick[k]->far_hop_s > hop) {
                hop = p->pick[k]->far_hop_s;
            }
        }
        p->hop[i] = hop;
    }
}

static void set_plan(fy_mixed_pipe *p, int stages)
{
    p->plan = (fy_mixed_plan){.kind = FY_MIXED_PIPELINE, .n_parts = p->n};
    for (int i = 0; i < p->n; i++) {
        fy_mixed_part *part = &p->plan.part[i];
        fy_layout l = p->pick[i]->layout;
        l.pp = stages;
        l.dp = p->dp;
        l.overlap = fy_mixed_overlap(p->walk->spec, &l);
        *part = (fy_mixed_part){.type = p->order[i],
                                .devices = l.tp * l.cp * l.dp * p->stages[i],
                                .layout = l,
                                .stages = p->stages[i]};
    }
}

/* Does tensor parallelism fit the nodes when so many devices are used? */
static bool tensor_fits(fy_mixed_pipe *p)
{
    for (int i = 0; i < p->n; i++) {
        fy_mixed_table *t = &p->walk->table[p->order[i]];
        t->cluster.devices = p->plan.part[i].devices;
        if (!fy_space_tensor(&t->space, p->pick[i]->layout.tp)) {
            return false;
        }
    }
    return true;
}

/* What a stage costs at least beside its layers [s]. */
static double beside_s(const fy_mixed_pipe *p, int at)
{
    return p->walk->context.costing[p->order[at]].machine.micro_s + 2 * p->hop[at];
}

/* What stages cost at least: the slowest and all of them, one microbatch. */
typedef struct shape {
    double slowest, sum; /* [s] */
    double joule;        /* value of what layers draw beside idle power */
    int stages;
} shape;

static shape shape_of(fy_mixed_pipe *p)
{
    const fy_mixed_context *c = &p->walk->context;
    double pace = 0;
    double ends = 0; /* in layers */
    double least_layer = INFINITY;
    double least_value = INFINITY;
    int layers = p->layers - p->leading;
    shape out = {0, 0, 0, 0};
    for (int i = 0; i < p->n; i++) {
        const fy_mixed_slice *s = p->pick[i];
        double value = c->rates[p->order[i]].joule * p->dp * p->cp * s->layout.tp *
                       p->microbatches * s->layer_j;
        double beside = p->stages[i] * beside_s(p, i) + (i == 0 ? s->first_s : 0) +
                        (i == p->n - 1 ? s->last_s : 0);
        p->joule[i] = value;
        pace += p->stages[i] / s->layer_s;
        ends += beside / s->layer_s;
        out.sum += beside;
        least_layer = s->layer_s < least_layer ? s->layer_s : least_layer;
        least_value = value < least_value ? value : least_value;
        out.stages += p->stages[i];
    }
    out.slowest = (layers + ends) / pace;
    out.sum += layers * least_layer;
    out.joule = layers * least_value;
    return out;
}

/* Jitter, host work and devices of the shape. */
static void set_rates(fy_mixed_pipe *p)
{
    const fy_mixed_context *c = &p->walk->context;
    double nodes = 0;
    double jitter = 0;
    p->held = p->extra = 0;
    for (int i = 0; i < p->n; i++) {
        const fy_machine *mc = &c->costing[p->order[i]].machine;
        double devices = (double)p->pick[i]->layout.tp * p->cp * p->dp * p->stages[i];
        p->held += c->rates[p->order[i]].second * devices;
        nodes += devices / mc->per_node;
        jitter = mc->jitter > jitter ? mc->jitter : jitter;
        p->extra = mc->step_s > p->extra ? mc->step_s : p->extra;
    }
    p->grown = nodes > 1 ? 1 + jitter * fy_doublings(nodes) : 1;
}

static void try_shape(fy_mixed_pipe *p)
{
    set_rates(p);
    set_hops(p);
    shape s = shape_of(p);
    double sum = s.sum > s.slowest ? s.sum : s.slowest;
    double step = p->grown * (p->extra + p->layer_gain * s.slowest + p->sum_share * sum);
    if (fy_mixed_beyond(p, fy_mixed_by_time(p) ? step : p->held * step + s.joule)) {
        return;
    }
    set_plan(p, s.stages);
    if (!tensor_fits(p)) {
        return;
    }
    for (int i = 0; i < p->n; i++) {
        fy_mixed_stage_table(p, p->order[i], p->pick[i]);
    }
    double room = p->limit * (1 + FY_MIXED_ROUNDING);
    if (!fy_mixed_by_time(p)) {
        room = p->held > 0 ? (room - s.joule) / p->held : (double)INFINITY;
    }
    room = room / p->grown - p->extra;
    /* the slowest is one of the sum */
    double a = (room - p->sum_share * sum) / p->layer_gain;
    double b = room / (p->layer_gain + p->sum_share);
    fy_mixed_layers(p, (p->layer_gain > 0 && a < b ? a : b) * (1 + FY_MIXED_ROUNDING));
}

/* With fewer stages here, can the pipeline still be fast enough? `pace`: of those chosen. */
static bool fast_enough(const fy_mixed_pipe *p, int at, int n, double pace)
{
    pace += n / p->pick[at]->layer_s;
    for (int i = at + 1; i < p->n; i++) {
        pace += p->most[i] / p->pick[i]->layer_s;
    }
    double step = (p->layer_gain + p->sum_share) * (p->layers - p->leading) / pace;
    return !fy_mixed_by_time(p) || !fy_mixed_beyond(p, step);
}

/* Layers that the stages of the shape hold at most: stages further from the end hold fewer. */
static int held_by(const fy_mixed_pipe *p)
{
    int behind = 0;
    int sum = p->leading;
    for (int i = p->n - 1; i >= 0; i--) {
        sum += p->holds[i][behind + p->stages[i]] - p->holds[i][behind];
        behind += p->stages[i];
    }
    return sum;
}

/* The same at most, of any shape with these slices: every type as near to the end as it can be. */
static int held_at_most(const fy_mixed_pipe *p)
{
    int sum = p->leading;
    for (int i = 0; i < p->n; i++) {
        int behind = p->n - 1 - i;
        int stages = p->most[i] < p->layers - behind ? p->most[i] : p->layers - behind;
        sum += stages > 0 ? p->holds[i][behind + stages] - p->holds[i][behind] : 0;
    }
    return sum;
}

static void each_stages(fy_mixed_pipe *p, int at, int left, double pace)
{
    if (at == p->n) {
        if (held_by(p) >= p->layers) {
            try_shape(p);
        }
        return;
    }
    int most = left - (p->n - 1 - at);
    most = p->most[at] < most ? p->most[at] : most;
    for (int n = most; n >= 1 && fast_enough(p, at, n, pace); n--) {
        p->stages[at] = n;
        each_stages(p, at + 1, left - n, pace + n / p->pick[at]->layer_s);
    }
}

/* A slice for every position; what the rest may add at best is known. */
static void each_pick(fy_mixed_pipe *p, int at, double pace, double least)
{
    if (at == p->n) {
        int spare = fy_mixed_least_first(p->walk->spec->model) - 1;
        for (int i = 0; i < p->n; i++) {
            p->holds[i] = fy_mixed_held(p, p->order[i], p->pick[i]);
        }
        if (held_at_most(p) >= p->layers) {
            each_stages(p, 0, p->layers - spare, 0);
        }
        return;
    }
    int type = p->order[at];
    const fy_mixed_table *t = &p->walk->table[type];
    double pace_behind = 0;
    double least_behind = INFINITY;
    for (int i = at + 1; i < p->n; i++) {
        double v = p->value[p->order[i]];
        pace_behind += p->pace[p->order[i]];
        least_behind = v < least_behind ? v : least_behind;
    }
    for (int k = 0; k < p->n_cand[type]; k++) {
        fy_mixed_slice *s = p->cand[type][k];
        int block = s->layout.tp * p->cp * p->dp;
        if (block > t->devices || block % s->layout.ep != 0) {
            continue;
        }
        p->most[at] = t->devices / block;
        double mine = pace + p->most[at] / s->layer_s;
        double step =
            (p->layer_gain + p->sum_share) * (p->layers - p->leading) / (mine + pace_behind);
        const fy_mixed_rates *r = &p->walk->context.rates[type];
        double v =
            (double)block * p->microbatches * (r->second * s->layer_s + r->joule * s->layer_j);
        double low = v < least ? v : least;
        double all = low < least_behind ? low : least_behind;
        if (fy_mixed_beyond(p, fy_mixed_by_time(p) ? step : all * (p->layers - p->leading))) {
            continue;
        }
        p->pick[at] = s;
        each_pick(p, at + 1, mine, low);
    }
}

/* ------------------------------------------------------------------------------- common */

static void each_order(fy_mixed_pipe *p, int n, unsigned left)
{
    if (n >= 2) {
        p->n = n;
        each_pick(p, 0, 0, INFINITY);
    }
    for (int k = 0; k < p->walk->spec->n_types; k++) {
        if (left & 1u << k && p->n_cand[k] > 0) {
            p->order[n] = k;
            each_order(p, n + 1, left & ~(1u << k));
        }
    }
}

/* The best that a type's candidates can give. */
static void set_best(fy_mixed_pipe *p, int type)
{
    const fy_mixed_table *t = &p->walk->table[type];
    const fy_mixed_rates *r = &p->walk->context.rates[type];
    p->pace[type] = 0;
    p->value[type] = INFINITY;
    for (int k = 0; k < p->n_cand[type]; k++) {
        const fy_mixed_slice *s = p->cand[type][k];
        int block = s->layout.tp * p->cp * p->dp;
        int groups = t->devices / block;
        double pace = groups / s->layer_s;
        double v =
            (double)block * p->microbatches * (r->second * s->layer_s + r->joule * s->layer_j);
        p->pace[type] = pace > p->pace[type] ? pace : p->pace[type];
        p->value[type] = v < p->value[type] ? v : p->value[type];
    }
}

static void each_replicas(fy_mixed_pipe *p)
{
    const fy_mixed_spec *spec = p->walk->spec;
    int rounds = spec->global_batch / p->microbatch;
    bool zero_bubble = spec->pins.schedule == FY_ZERO_BUBBLE;
    for (p->dp = 1; p->dp <= rounds; p->dp++) {
        if (rounds % p->dp != 0) {
            continue;
        }
        p->microbatches = rounds / p->dp;
        p->sum_share = zero_bubble ? 1.0 / 3 : 1;
        p->layer_gain = p->microbatches - p->sum_share;
        for (int k = 0; k < spec->n_types; k++) {
            set_best(p, k);
        }
        each_order(p, 0, ~0u);
    }
}

static void gather(fy_mixed_pipe *p)
{
    for (int k = 0; k < p->walk->spec->n_types; k++) {
        fy_mixed_table *t = &p->walk->table[k];
        p->n_cand[k] = 0;
        for (size_t i = 0; i < t->n_slices; i++) {
            fy_mixed_slice *s = &t->slices[i];
            if (s->layout.cp == p->cp && s->layout.microbatch == p->microbatch) {
                p->cand[k][p->n_cand[k]++] = s;
            }
        }
    }
}

/* Is there a slice with this context group? */
static bool *context_groups(const fy_mixed_walk *w, int most)
{
    bool *seen = fy_calloc((size_t)most + 1, sizeof *seen);
    for (int k = 0; k < w->spec->n_types; k++) {
        for (size_t i = 0; i < w->table[k].n_slices; i++) {
            seen[w->table[k].slices[i].layout.cp] = true;
        }
    }
    return seen;
}

static void each_common(fy_mixed_pipe *p)
{
    const fy_mixed_walk *w = p->walk;
    const fy_values *batch = &w->table[0].space.batch;
    int most = 0;
    for (int k = 0; k < w->spec->n_types; k++) {
        most = w->table[k].devices > most ? w->table[k].devices : most;
    }
    bool *seen = context_groups(w, most);
    for (p->cp = 1; p->cp <= most; p->cp++) {
        for (int b = 0; seen[p->cp] && b < batch->n; b++) {
            p->microbatch = batch->at[b];
            gather(p);
            each_replicas(p);
        }
    }
    free(seen);
}

void fy_mixed_pipelines(fy_mixed_walk *w, double limit)
{
    fy_mixed_pipe p = {.walk = w,
                       .limit = limit,
                       .layers = w->spec->model->layers,
                       .leading = fy_mixed_leading(w->spec->model)};
    for (int k = 0; k < w->spec->n_types; k++) {
        p.cand[k] = fy_calloc(w->table[k].n_slices + 1, sizeof(fy_mixed_slice *));
    }
    each_common(&p);
    for (int k = 0; k < w->spec->n_types; k++) {
        free(p.cand[k]);
    }
}
