/* SPDX-License-Identifier: MIT */
/*
 * The search itself. A layout falls into a slice (how one layer is cut: tp, cp, ep, microbatch,
 * sequence parallelism, recomputation, overlap inside a layer) and the rest (pp, dp, vpp, zero,
 * overlap between devices). First the table: one entry a slice, with its parts and its floor. Then
 * the entries, best floor first; of each all pipelines. Brute force visits all in order.
 */
#include "model/search.h"

#include "model/gemm.h"

#include <stdlib.h>
#include <string.h>

enum { INSIDE = FY_OVERLAP_TP | FY_OVERLAP_EP };

typedef struct entry {
    fy_layout layout; /* of the slice; the rest is 1 */
    fy_parts parts;
    fy_layer_costs costs;
    fy_floor floor;
} entry;

typedef struct walk {
    const fy_search_spec *spec;
    fy_space space;
    fy_costing costing;
    fy_best best;
    fy_search_result *out;
    entry *table; /* [n_table] */
    size_t n_table, room;
    bool counting; /* only the size of the space */
} walk;

/* ------------------------------------------------------------------------------------- rest */

static double missing(const fy_memory *m)
{
    return m->reserved + m->bytes[FY_M_CONTEXT] - m->capacity;
}

static void offer_closest(walk *w, const fy_layout *l, const fy_parts *parts, const fy_memory *m)
{
    fy_search_result *r = w->out;
    if (r->has_closest) {
        double was = missing(&r->closest.estimate.memory);
        double is = missing(m);
        if (was < is || (!(is < was) && fy_layout_order(&r->closest.layout, l) < 0)) {
            return;
        }
    }
    r->has_closest = true;
    r->closest.layout = *l;
    fy_step_compose(&r->closest.estimate, &w->costing, w->spec->cluster, l, parts,
                    w->spec->constants);
    r->closest.value = NAN;
}

/* Overlap between devices and the schedule: the memory is the same. */
static void visit_hidden(walk *w, fy_layout l, const fy_parts *parts)
{
    const unsigned outside = FY_OVERLAP_DP | FY_OVERLAP_PP;
    unsigned inside = l.overlap & INSIDE;
    for (unsigned bits = 0; bits <= outside; bits++) {
        if ((bits & ~outside) || !fy_space_overlap(&w->space, &l, outside, bits)) {
            continue;
        }
        l.overlap = inside | bits;
        fy_estimate e;
        fy_step_compose(&e, &w->costing, w->spec->cluster, &l, parts, w->spec->constants);
        w->out->counts.evaluated++;
        fy_best_offer(&w->best, &l, &e);
    }
}

static int hidden_count(const walk *w, const fy_layout *l)
{
    const unsigned outside = FY_OVERLAP_DP | FY_OVERLAP_PP;
    int n = 0;
    for (unsigned bits = 0; bits <= outside; bits++) {
        n += !(bits & ~outside) && fy_space_overlap(&w->space, l, outside, bits);
    }
    return n;
}

/* `hidden` layouts that differ in nothing that memory depends on. */
static void visit_memory(walk *w, fy_layout l, const entry *at, int hidden)
{
    fy_search_counts *n = &w->out->counts;
    fy_memory memory;
    if (!fy_space_runs(&w->space, &l)) {
        n->refused += hidden;
    } else if (fy_layout_settle(&l, &memory, &w->costing, &at->parts, &w->spec->pins)) {
        visit_hidden(w, l, &at->parts);
    } else {
        n->too_big += hidden;
        if (w->best.n_top == 0) {
            offer_closest(w, &l, &at->parts, &memory);
        }
    }
}

/* Can no layout of this pipeline enter? */
static bool beyond(const walk *w, const fy_layout *l, const entry *at)
{
    if (w->spec->effort == FY_BRUTE_FORCE || w->best.n_top == 0) {
        return false;
    }
    return fy_best_beyond(&w->best, fy_pipeline_floor(&at->floor, l), NULL);
}

static void visit_pipeline(walk *w, fy_layout l, const entry *at)
{
    int layers = w->spec->model->layers + 2 + w->spec->model->mtp_layers;
    int hidden = hidden_count(w, &l);
    for (int v = 0; v < w->space.layers.n && l.pp * w->space.layers.at[v] <= layers; v++) {
        l.vpp = w->space.layers.at[v];
        if (!fy_space_virtual(&w->space, &l, l.vpp) || (!w->counting && beyond(w, &l, at))) {
            continue;
        }
        if (!w->counting) {
            fy_space_deal(&w->space, &l, &at->costs);
        }
        for (int z = 0; z < w->space.zero.n; z++) {
            l.zero = w->space.zero.at[z];
            if (!fy_space_zero(&w->space, &l, l.zero)) {
                continue;
            }
            w->out->counts.space += hidden;
            if (!w->counting) {
                visit_memory(w, l, at, hidden);
            }
        }
    }
}

static void visit_entry(walk *w, const entry *at)
{
    fy_layout l = at->layout;
    for (int p = 0; p < w->space.devices.n; p++) {
        if (fy_space_pipeline(&w->space, &l, w->space.devices.at[p])) {
            visit_pipeline(w, l, at);
        }
    }
}

/* ------------------------------------------------------------------------------------- slices */

/* Does any pipeline go with the slice? */
static bool any_pipeline(const walk *w, fy_layout l)
{
    for (int p = 0; p < w->space.devices.n; p++) {
        if (fy_space_pipeline(&w->space, &l, w->space.devices.at[p])) {
            return true;
        }
    }
    return false;
}

static void take_slice(walk *w, const fy_layout *l)
{
    entry one = {.layout = *l};
    bool near = fy_space_near(&w->space, l);
    if (near && !w->counting) {
        w->out->counts.slices++;
        fy_slice slice = fy_slice_of(l);
        one.parts = fy_parts_cost(&w->costing, &slice);
        one.costs = fy_layer_costs_of(&w->costing, &one.parts);
    }
    if (w->counting || w->spec->effort == FY_BRUTE_FORCE) {
        visit_entry(w, &one);
        return;
    }
    if (!near) {
        return;
    }
    bool fewest = l->recompute == FY_RECOMPUTE_FULL && fy_pins_fewest(&w->spec->pins);
    one.floor = fy_slice_floor(&w->costing, w->spec->cluster, l, &one.parts, fewest);
    w->table = fy_grow(w->table, &w->room, w->n_table + 1, sizeof *w->table);
    w->table[w->n_table++] = one;
}

static void each_kind(walk *w, fy_layout l)
{
    for (int sequence = 0; sequence <= 1; sequence++) {
        if (!fy_space_sequence(&w->space, &l, sequence)) {
            continue;
        }
        l.seq_parallel = sequence != 0;
        for (int r = 0; r < FY_N_RECOMPUTES; r++) {
            if (!fy_space_recompute(&w->space, r)) {
                continue;
            }
            l.recompute = (fy_recompute)r;
            for (unsigned bits = 0; bits <= INSIDE; bits++) {
                if (!(bits & ~(unsigned)INSIDE) && fy_space_overlap(&w->space, &l, INSIDE, bits)) {
                    l.overlap = bits;
                    take_slice(w, &l);
                }
            }
        }
    }
}

static void each_microbatch(walk *w, fy_layout l)
{
    for (int i = 0; i < w->space.batch.n; i++) {
        l.microbatch = w->space.batch.at[i];
        if (fy_space_microbatch(&w->space, l.microbatch) && any_pipeline(w, l)) {
            each_kind(w, l);
        }
    }
}

static void each_cut(walk *w, fy_layout l)
{
    for (int t = 0; t < w->space.devices.n; t++) {
        l.tp = w->space.devices.at[t];
        if (!fy_space_tensor(&w->space, l.tp)) {
            continue;
        }
        for (int c = 0; c < w->space.devices.n; c++) {
            l.cp = w->space.devices.at[c];
            if (!fy_space_context(&w->space, &l, l.cp)) {
                continue;
            }
            for (int e = 0; e < w->space.experts.n; e++) {
                l.ep = w->space.experts.at[e];
                if (fy_space_expert(&w->space, &l, l.ep)) {
                    each_microbatch(w, l);
                }
            }
        }
    }
}

/* ------------------------------------------------------------------------------------- all */

/* An entry of the table, by its place. */
typedef struct rank {
    double floor_s;
    size_t at;
} rank;

static int by_floor(const void *a, const void *b)
{
    const rank *x = a;
    const rank *y = b;
    if (x->floor_s < y->floor_s || y->floor_s < x->floor_s) {
        return x->floor_s < y->floor_s ? -1 : 1;
    }
    return x->at < y->at ? -1 : 1;
}

static void visit_table(walk *w)
{
    rank *line = fy_calloc(w->n_table ? w->n_table : 1, sizeof *line);
    for (size_t i = 0; i < w->n_table; i++) {
        line[i] = (rank){w->table[i].floor.step_s, i};
    }
    qsort(line, w->n_table, sizeof *line, by_floor);
    for (size_t i = 0; i < w->n_table; i++) {
        const entry *at = &w->table[line[i].at];
        if (!fy_best_beyond(&w->best, at->floor, NULL)) {
            visit_entry(w, at);
        }
    }
    free(line);
}

static fy_layout start(const fy_search_spec *spec)
{
    int schedule = spec->pins.schedule;
    return (fy_layout){.tp = 1,
                       .pp = 1,
                       .dp = 1,
                       .ep = 1,
                       .cp = 1,
                       .vpp = 1,
                       .microbatch = 1,
                       .global_batch = spec->global_batch,
                       .zero = spec->stack->zero,
                       .precision = spec->precision,
                       .schedule = schedule == FY_FREE ? FY_1F1B : (fy_schedule)schedule};
}

int fy_search_count(int64_t *out, const fy_search_spec *spec, fy_err *err)
{
    fy_search_result result = {0};
    walk w = {.spec = spec, .out = &result, .counting = true};
    int rc = fy_space_open(&w.space, spec, err);
    if (rc == 0) {
        each_cut(&w, start(spec));
        *out = result.counts.space;
    }
    fy_space_close(&w.space);
    return rc;
}

static void finish(walk *w)
{
    fy_search_result *out = w->out;
    out->top = w->best.top;
    out->n_top = w->best.n_top;
    out->front = w->best.front;
    out->n_front = w->best.n_front;
    if (out->n_top > 0) {
        out->has_closest = false;
    }
}

int fy_search_run(fy_search_result *out, const fy_search_spec *spec, fy_err *err)
{
    *out = (fy_search_result){0};
    walk w = {.spec = spec, .out = out};
    int64_t space = 0;
    int rc = fy_search_count(&space, spec, err);
    rc = rc ? rc : fy_space_open(&w.space, spec, err);
    if (rc != 0) {
        fy_space_close(&w.space);
        return rc;
    }
    w.costing = fy_costing_make(spec->model, spec->cluster, spec->stack, spec->constants);
    w.costing.machine.memo = fy_gemm_memo_new();
    out->unknown = fy_machine_unknown(&w.costing.machine, fy_precision_format(spec->precision),
                                      spec->cluster->devices);
    fy_best_open(&w.best, spec);
    if (out->unknown == NULL) {
        each_cut(&w, start(spec));
        visit_table(&w);
    }
    fy_search_counts *n = &out->counts;
    n->space = space;
    n->skipped = space - n->refused - n->too_big - n->evaluated;
    finish(&w);
    free(w.costing.machine.memo);
    free(w.table);
    fy_space_close(&w.space);
    return 0;
}

void fy_search_free(fy_search_result *result)
{
    if (result != NULL) {
        free(result->top);
        free(result->front);
        *result = (fy_search_result){0};
    }
}
