/* SPDX-License-Identifier: MIT */
/* One type's slices with their floors: what the searches over several types share. */
#include "model/energy.h"
#include "model/mixed.h"

#include <stdlib.h>
#include <string.h>

double fy_mixed_slice_value(const fy_mixed_walk *w, int type, const fy_mixed_slice *slice,
                            double sequences, double devices)
{
    const fy_prices *p = &w->spec->types[type].prices;
    fy_estimate e;
    double held_s = sequences * slice->device_s;
    switch (w->spec->objective) {
    case FY_BY_ENERGY:
        memset(&e, 0, sizeof e);
        e.step_s = held_s;
        e.energy_j = sequences * slice->joule;
        return fy_site_energy_j(&e, p, 1);
    case FY_BY_MONEY:
        memset(&e, 0, sizeof e);
        e.step_s = held_s;
        e.energy_j = sequences * slice->joule;
        return fy_step_money(&e, p, 1);
    case FY_BY_TIME:
    case FY_N_OBJECTIVES:
        break;
    }
    return held_s / devices;
}

/* Energy of one layer beside idle power [J], and its time. */
static void layer_floor(fy_mixed_slice *s, const fy_costing *c, const fy_cluster *cluster)
{
    const fy_model *m = c->model;
    double dense[FY_N_TERMS];
    double moe[FY_N_TERMS];
    fy_estimate e;
    double share = fy_mixed_stage(m, m->layers, false, false).dense / m->layers;
    fy_layer_terms(dense, &s->parts.dense);
    fy_layer_terms(moe, &s->parts.moe);
    memset(&e, 0, sizeof e);
    for (int i = 0; i < FY_N_TERMS; i++) {
        e.term_s[i] = share * dense[i] + (1 - share) * moe[i];
        e.step_s += e.term_s[i];
    }
    s->layer_s = e.step_s;
    fy_energy_fill(&e, cluster);
    s->layer_j = e.energy_j - cluster->chip->idle_w.mid * e.step_s;
}

/* Embedding and head, and handing over. */
static void ends_floor(fy_mixed_slice *s, const fy_mixed_walk *w, const fy_costing *c)
{
    const fy_ends *e = &s->parts.ends;
    fy_layout l = s->layout;
    l.pp = 2;
    l.overlap = fy_mixed_overlap(w->spec, &l);
    s->far_hop_s = fy_hop_s(c, &l, false);
    s->own_hop_s = fy_hop_s(c, &l, true);
    s->first_s = fy_pass_s(&e->embedding_forward) + fy_pass_s(&e->embedding_backward);
    s->last_s = fy_pass_s(&e->head_forward) + fy_pass_s(&e->head_backward);
    s->last_s *= 1 + c->model->mtp_layers;
    s->last_s += c->model->mtp_layers * s->layer_s;
}

static void take(fy_mixed_walk *w, int type, const fy_layout *l)
{
    fy_mixed_table *t = &w->table[type];
    const fy_costing *c = &w->context.costing[type];
    fy_mixed_slice s = {.layout = *l};
    fy_cluster one = t->cluster;
    one.devices = 1;
    s.layout.overlap = fy_mixed_overlap(w->spec, l) & (FY_OVERLAP_TP | FY_OVERLAP_EP);
    s.layout.global_batch = 1;
    fy_slice slice = fy_slice_of(&s.layout);
    s.parts = fy_parts_cost(c, &slice);
    bool fewest = l->recompute == FY_RECOMPUTE_FULL && fy_pins_fewest(&w->spec->pins);
    fy_floor floor = fy_slice_floor(c, &one, &s.layout, &s.parts, fewest);
    s.costs = fy_layer_costs_of(c, &s.parts);
    s.device_s = floor.step_s;
    s.stages_s = floor.stages_s;
    s.joule = floor.energy_j;
    s.layout.global_batch = w->spec->global_batch;
    layer_floor(&s, c, &one);
    ends_floor(&s, w, c);
    w->out->counts.slices++;
    if (s.device_s < (double)INFINITY) { /* else so slow that it never ends */
        t->slices = fy_grow(t->slices, &t->room, t->n_slices + 1, sizeof *t->slices);
        t->slices[t->n_slices++] = s;
    }
}

static void each_kind(fy_mixed_walk *w, int type, fy_layout l)
{
    const fy_space *space = &w->table[type].space;
    for (int sequence = 0; sequence <= 1; sequence++) {
        if (!fy_space_sequence(space, &l, sequence)) {
            continue;
        }
        l.seq_parallel = sequence != 0;
        for (int r = 0; r < FY_N_RECOMPUTES; r++) {
            if (fy_space_recompute(space, r)) {
                l.recompute = (fy_recompute)r;
                take(w, type, &l);
            }
        }
    }
}

static void each_expert(fy_mixed_walk *w, int type, fy_layout l)
{
    fy_mixed_table *t = &w->table[type];
    for (int e = 0; e < t->space.experts.n; e++) {
        l.ep = t->space.experts.at[e];
        t->cluster.devices = l.ep;
        if (l.ep > t->devices || !fy_space_expert(&t->space, &l, l.ep)) {
            continue;
        }
        for (int b = 0; b < t->space.batch.n; b++) {
            l.microbatch = t->space.batch.at[b];
            if (fy_space_microbatch(&t->space, l.microbatch)) {
                each_kind(w, type, l);
            }
        }
    }
}

static int by_floor(const void *a, const void *b)
{
    const fy_mixed_slice *x = a;
    const fy_mixed_slice *y = b;
    if (x->device_s < y->device_s || y->device_s < x->device_s) {
        return x->device_s < y->device_s ? -1 : 1;
    }
    return fy_layout_order(&x->layout, &y->layout);
}

static void set_least(fy_mixed_walk *w, int type)
{
    fy_mixed_table *t = &w->table[type];
    t->least_device_s = t->least_value = INFINITY;
    for (size_t i = 0; i < t->n_slices; i++) {
        double s = t->slices[i].device_s;
        double v = fy_mixed_slice_value(w, type, &t->slices[i], 1, t->devices);
        t->least_device_s = s < t->least_device_s ? s : t->least_device_s;
        t->least_value = v < t->least_value ? v : t->least_value;
    }
}

int fy_mixed_table_open(fy_mixed_walk *w, int type, fy_err *err)
{
    const fy_mixed_spec *spec = w->spec;
    fy_mixed_table *t = &w->table[type];
    t->cluster = spec->types[type].cluster;
    t->devices = t->cluster.devices;
    t->search = (fy_search_spec){.model = spec->model,
                                 .cluster = &t->cluster,
                                 .stack = spec->stack,
                                 .constants = &spec->types[type].constants,
                                 .global_batch = spec->global_batch,
                                 .precision = spec->precision,
                                 .pins = spec->pins,
                                 .top = 1};
    /* devices may stay idle: what is fixed must go with those that are used */
    int unit = (spec->pins.tp > 0 ? spec->pins.tp : 1) * (spec->pins.cp > 0 ? spec->pins.cp : 1);
    t->cluster.devices = t->devices > unit ? t->devices / unit * unit : unit;
    return fy_space_open(&t->space, &t->search, err);
}

void fy_mixed_table_fill(fy_mixed_walk *w, int type)
{
    const fy_mixed_spec *spec = w->spec;
    fy_mixed_table *t = &w->table[type];
    int schedule = spec->pins.schedule;
    fy_layout l = {.pp = 1,
                   .dp = 1,
                   .vpp = 1,
                   .zero = spec->stack->zero,
                   .precision = spec->precision,
                   .schedule = schedule == FY_FREE ? FY_1F1B : (fy_schedule)schedule};
    for (l.tp = 1; l.tp <= t->devices && l.tp <= spec->model->heads; l.tp++) {
        t->cluster.devices = l.tp;
        if (!fy_space_tensor(&t->space, l.tp) || !fy_space_near(&t->space, &l)) {
            continue;
        }
        for (l.cp = 1; l.cp <= t->devices / l.tp; l.cp++) {
            t->cluster.devices = l.tp * l.cp;
            if (fy_space_context(&t->space, &l, l.cp)) {
                each_expert(w, type, l);
            }
        }
    }
    if (t->n_slices > 0) {
        qsort(t->slices, t->n_slices, sizeof *t->slices, by_floor);
    }
    set_least(w, type);
}

void fy_mixed_table_close(fy_mixed_table *t)
{
    for (size_t i = 0; i < t->n_slices; i++) {
        free(t->slices[i].stage_s);
        free(t->slices[i].held);
    }
    free(t->slices);
    fy_space_close(&t->space);
}
