/* SPDX-License-Identifier: MIT */
/*
 * The prediction of a run whose layout may have blanks: every layout that fits the cells given is
 * estimated, and the fastest that fits in memory is kept, else the fastest. Cells that are given
 * are taken as they are, however odd: that run was made.
 */
#include "base/arena.h"
#include "model/runs.h"

#include <stdlib.h>
#include <string.h>

/* Values to try for one cell; the one that is given where it is. */
typedef struct options {
    int values[64];
    int n;
} options;

typedef struct search {
    fy_prediction *best;
    const fy_run_spec *filled; /* blanks left: those to search */
    const fy_stack *stack;
    const fy_chip *chips[FY_MAX_RUN_CHIPS];
    fy_constants constants[FY_MAX_RUN_CHIPS];
    int n_chips;
    bool widen; /* the stack is not known: a wider interval */
    fy_err err; /* of the last layout refused */
    int refused;
    bool fits; /* the best one does */
    bool too_many;
    fy_run_spec probe, first; /* the layout at hand, the first one tried */
    bool varied[FY_N_CELLS];  /* more than one value was tried */
} search;

/* More than any run of the public tables needs; what leaves more open says too little. */
enum { MAX_LAYOUTS = 100000 };

static options given_or_none(const search *s, fy_run_cell cell)
{
    options o = {{0}, 0};

    if (!fy_run_blank(s->filled, cell)) {
        o.values[o.n++] = fy_run_cell_int(s->filled, cell);
    }
    return o;
}

static void add_divisors(options *o, int n, int most)
{
    for (int d = 1; d <= n && d <= most && o->n < 64; d++) {
        if (n % d == 0) {
            o->values[o->n++] = d;
        }
    }
}

static options tensor_options(const search *s)
{
    options o = given_or_none(s, FY_CELL_TP);
    const fy_run_spec *f = s->filled;

    if (o.n == 0) {
        int n = f->n_chips < f->chips_per_node ? f->n_chips : f->chips_per_node;

        for (int tp = 1; tp <= n && o.n < 64; tp++) {
            if (f->n_chips % tp == 0 && f->model.heads % tp == 0) {
                o.values[o.n++] = tp;
            }
        }
    }
    return o;
}

static options pipeline_options(const search *s, int tp)
{
    options o = given_or_none(s, FY_CELL_PP);
    const fy_run_spec *f = s->filled;

    if (o.n == 0) {
        int rest = f->n_chips / tp / f->layout.cp;

        if (!fy_run_blank(f, FY_CELL_DP)) {
            o.values[o.n++] = rest / f->layout.dp > 0 ? rest / f->layout.dp : 1;
        } else {
            add_divisors(&o, rest, f->model.layers);
        }
    }
    return o;
}

static options expert_options(const search *s, const fy_layout *l)
{
    options o = given_or_none(s, FY_CELL_EP);
    int ranks = l->tp * l->dp * l->cp;

    for (int ep = 1;
         fy_run_blank(s->filled, FY_CELL_EP) && ep <= s->filled->model.experts && o.n < 64; ep++) {
        if (s->filled->model.experts % ep == 0 && ranks % ep == 0) {
            o.values[o.n++] = ep;
        }
    }
    return o;
}

/*
 * Interleaving needs a number of microbatches that the stages divide, and chunks of equal size,
 * embedding and head counted as layers or not. Without a pipeline there is nothing to interleave.
 */
static options virtual_options(const search *s, const fy_layout *l)
{
    options o = given_or_none(s, FY_CELL_VPP);
    int layers = s->filled->model.layers;

    if (l->pp == 1 || o.n == 0) {
        o.n = 1;
        o.values[0] = 1;
    } else {
        return o;
    }
    for (int v = 2; l->pp > 1 && v <= 16 && l->pp <= layers / v; v++) {
        int chunks = l->pp * v;

        if (l->global_batch / l->dp / l->microbatch % l->pp == 0 &&
            (layers % chunks == 0 || (layers + 2) % chunks == 0)) {
            o.values[o.n++] = v;
        }
    }
    return o;
}

static options microbatch_options(const search *s, const fy_layout *l)
{
    options o = given_or_none(s, FY_CELL_MICROBATCH);

    if (o.n == 0) {
        o.values[o.n++] = 1;
        if (l->global_batch % l->dp == 0) {
            o.n = 0;
            add_divisors(&o, l->global_batch / l->dp, 1024);
        }
    }
    return o;
}

static options recompute_options(const search *s)
{
    options o = given_or_none(s, FY_CELL_RECOMPUTE);

    for (int r = 0; fy_run_blank(s->filled, FY_CELL_RECOMPUTE) && r < FY_N_RECOMPUTES; r++) {
        o.values[o.n++] = r;
    }
    return o;
}

/* ------------------------------------------------------------------ one layout */

/* An interval twice as wide on the logarithm's scale. */
static void widen(fy_estimate *e)
{
    e->low_s *= e->low_s / e->step_s;
    e->high_s *= e->high_s / e->step_s;
}

/* The slowest of the job's kinds of chip, each as if all were of it. */
static int estimate(search *s, const fy_layout *layout, fy_estimate *out, int *kind)
{
    bool fits = true;

    for (int i = 0; i < s->n_chips; i++) {
        fy_cluster cluster = {.chip = s->chips[i],
                              .devices = s->filled->n_chips,
                              .per_node = s->filled->chips_per_node,
                              .nic_bytes_per_s = s->filled->nic_bytes_per_s,
                              .power_cap_w = NAN};
        fy_estimate e;
        int rc = fy_plan_estimate(&e, &s->filled->model, layout, &cluster, s->stack,
                                  &s->constants[i], &s->err);

        if (rc != 0) {
            return rc;
        }
        fits = fits && e.memory.runs; /* it ran, perhaps short of memory */
        if (i == 0 || !(e.step_s <= out->step_s)) {
            *out = e;
            *kind = i;
        }
    }
    out->memory.fits = fits;
    if (s->widen) {
        widen(out);
    }
    return 0;
}

/* Note which cells differ from the first layout. */
static void note(search *s, const fy_layout *layout)
{
    s->probe.layout = *layout;
    if (s->best->layouts + s->refused == 0) {
        s->first.layout = *layout;
    }
    for (int i = FY_CELL_TP; i <= FY_CELL_RECOMPUTE; i++) {
        fy_run_cell cell = (fy_run_cell)i;

        s->varied[i] =
            s->varied[i] || fy_run_cell_int(&s->probe, cell) != fy_run_cell_int(&s->first, cell);
    }
}

static void try_layout(search *s, const fy_layout *layout)
{
    fy_prediction *best = s->best;
    fy_estimate e = {0};
    bool first = best->layouts == 0;
    int kind = 0;

    if (best->layouts + s->refused == MAX_LAYOUTS) {
        s->too_many = true;
        return;
    }
    note(s, layout);
    if (estimate(s, layout, &e, &kind) != 0) {
        s->refused++;
        return;
    }
    best->layouts++;
    if (e.memory.fits) {
        best->fitting++;
    }
    if (!first && s->fits && !e.memory.fits) {
        return;
    }
    if (first || s->fits != e.memory.fits) { /* the first that fits starts the bounds anew */
        best->fastest_s = best->slowest_s = e.step_s;
    } else {
        best->slowest_s = e.step_s > best->slowest_s ? e.step_s : best->slowest_s;
        if (!(e.step_s < best->fastest_s)) {
            return;
        }
        best->fastest_s = e.step_s;
    }
    s->fits = e.memory.fits;
    best->estimate = e;
    best->spec.layout = *layout;
    best->chip = s->chips[kind];
    best->constants = s->constants[kind];
}

/* ------------------------------------------------------------------ all of them */

static void try_shapes(search *s, fy_layout l)
{
    options experts = expert_options(s, &l), recomputes = recompute_options(s);
    options micros = microbatch_options(s, &l);

    for (int m = 0; m < micros.n && !s->too_many; m++) {
        options virtuals;

        l.microbatch = micros.values[m];
        virtuals = virtual_options(s, &l);
        for (int v = 0; v < virtuals.n; v++) {
            l.vpp = virtuals.values[v];
            for (int e = 0; e < experts.n; e++) {
                l.ep = experts.values[e];
                for (int r = 0; r < recomputes.n; r++) {
                    l.recompute = (fy_recompute)recomputes.values[r];
                    try_layout(s, &l);
                }
            }
        }
    }
}

static void try_all(search *s)
{
    const fy_run_spec *f = s->filled;
    options tensors = tensor_options(s);

    for (int t = 0; t < tensors.n; t++) {
        options pipelines = pipeline_options(s, tensors.values[t]);

        for (int p = 0; p < pipelines.n; p++) {
            fy_layout l = f->layout;
            int shared;

            l.tp = tensors.values[t];
            l.pp = pipelines.values[p];
            shared = l.tp * l.pp * l.cp;
            if (fy_run_blank(f, FY_CELL_DP)) {
                l.dp = f->n_chips / shared > 0 ? f->n_chips / shared : 1;
            }
            if (fy_run_blank(f, FY_CELL_SEQ_PARALLEL)) {
                l.seq_parallel = s->stack->seq_parallel && l.tp > 1;
            }
            try_shapes(s, l);
        }
    }
}

/* Blanks that had one value to try followed from the other cells. */
static void name_origins(const search *s)
{
    fy_run_spec *spec = &s->best->spec;

    if (fy_run_blank(spec, FY_CELL_SEQ_PARALLEL)) {
        spec->origin[FY_CELL_SEQ_PARALLEL] = FY_ORIGIN_STACK;
    }
    for (int i = FY_CELL_TP; i < FY_N_CELLS; i++) {
        if (spec->origin[i] == FY_ORIGIN_BLANK) {
            spec->origin[i] = s->varied[i] ? FY_ORIGIN_SEARCH : FY_ORIGIN_CONVENTION;
        }
    }
}

static int check_product(const fy_run_spec *f, fy_err *err)
{
    const fy_layout *l = &f->layout;
    long long n = (long long)(l->tp > 0 ? l->tp : 1) * (l->pp > 0 ? l->pp : 1);

    n = n <= 10000000 ? n * l->cp : n;
    n = n <= 10000000 ? n * (l->dp > 0 ? l->dp : 1) : n;
    if (n > f->n_chips || f->n_chips % n != 0) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "tp x pp x dp x cp makes %lld devices, but n_chips is %d", n, f->n_chips);
    }
    return 0;
}

/* It ran, so where nothing fits with the stack's own sharding, and none is given, it sharded more.
 */
static void shard_more(search *s, fy_run_spec *filled)
{
    fy_origin *origin = &filled->origin[FY_CELL_ZERO];

    if (*origin == FY_ORIGIN_GIVEN) {
        return;
    }
    int own = filled->layout.zero;
    int most = s->stack->zero > 0 ? 3 : 2; /* stacks that shard nothing by themselves: gradients */
    for (int zero = own < 2 ? 2 : own + 1; zero <= most && !s->fits && !s->too_many; zero++) {
        filled->layout.zero = zero;
        *origin = FY_ORIGIN_SEARCH;
        try_all(s);
    }
    if (s->best->spec.layout.zero > own) {
        s->best->spec.origin[FY_CELL_ZERO] = FY_ORIGIN_SEARCH;
    }
}

int fy_run_predict(fy_prediction *out, const fy_run_spec *spec, const fy_run_world *world,
                   const char *without, fy_err *err)
{
    fy_run_spec filled = *spec;
    search s = {.best = out, .filled = &filled};
    int total, rc = fy_run_fill(&filled, world, err);

    rc = rc != 0 ? rc : check_product(&filled, err);
    if (rc != 0) {
        return rc;
    }
    s.n_chips = fy_run_chips(filled.chip, world->catalog, s.chips, &total, err);
    if (s.n_chips < 0) {
        return s.n_chips;
    }
    s.stack = fy_run_stack(filled.stack, world->stacks);
    s.widen = strcmp(filled.stack, s.stack->id) != 0;
    for (int i = 0; i < s.n_chips; i++) {
        s.constants[i] = fy_stacks_constants(world->stacks, s.stack, s.chips[i], without);
    }
    *out = (fy_prediction){.spec = filled,
                           .stack = s.stack,
                           .chip = s.chips[0],
                           .constants = s.constants[0],
                           .fastest_s = NAN,
                           .slowest_s = NAN};
    try_all(&s);
    shard_more(&s, &filled);
    if (s.too_many) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "more than %d layouts to try; give more of tp, pp, dp, ep, vpp, microbatch",
                       MAX_LAYOUTS);
    }
    if (out->layouts == 0) {
        return s.refused > 0
                   ? fy_fail(err, s.err.code, "%s", s.err.text)
                   : fy_fail(err, FY_EINFEASIBLE,
                             "no layout has these cells: n_chips %d, tp %d, pp %d, dp %d",
                             filled.n_chips, filled.layout.tp, filled.layout.pp, filled.layout.dp);
    }
    name_origins(&s);
    return 0;
}
