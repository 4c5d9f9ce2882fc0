/* SPDX-License-Identifier: MIT */
/* The search over mixed devices: types made one where they are equal, tables, kinds of plan. */
#include "model/mixed.h"

#include "model/gemm.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20 };
static const double first_guess = 1.04;
static const double next_guess = 1.06;

double fy_mixed_best_value(const fy_mixed_walk *walk)
{
    return walk->out->found ? walk->out->best.estimate.value : (double)INFINITY;
}

void fy_mixed_offer(fy_mixed_walk *walk, const fy_mixed_plan *plan, const fy_mixed_estimate *e)
{
    fy_mixed_result *out = walk->out;
    fy_mixed_ranked *own = &out->kind[plan->kind];
    if (!(e->value < (double)INFINITY) || !e->fits) {
        return;
    }
    if (!out->has[plan->kind] || e->value < own->estimate.value) {
        out->has[plan->kind] = true;
        own->plan = *plan;
        own->estimate = *e;
    }
    if (!out->found || e->value < out->best.estimate.value) {
        out->found = true;
        out->best.plan = *plan;
        out->best.estimate = *e;
    }
}

static bool same(double a, double b)
{
    return (!fy_known(a) && !fy_known(b)) || !(a < b || b < a);
}

static bool same_prices(const fy_prices *a, const fy_prices *b)
{
    return same(a->device_hour, b->device_hour) && same(a->kwh, b->kwh) && same(a->pue, b->pue) &&
           same(a->overhead_w, b->overhead_w);
}

/* Equal in all that a plan's value depends on? */
static bool same_type(const fy_mixed_spec *spec, const fy_mixed_context *c, int i, int k)
{
    const fy_mixed_type *a = &spec->types[i];
    const fy_mixed_type *b = &spec->types[k];
    const fy_machine *m = &c->costing[i].machine;
    const fy_machine *n = &c->costing[k].machine;
    return memcmp(m, n, offsetof(fy_machine, per_node)) == 0 && m->per_node == n->per_node &&
           m->link_group == n->link_group &&
           same(a->cluster.chip->tdp_w.mid, b->cluster.chip->tdp_w.mid) &&
           same(a->cluster.chip->idle_w.mid, b->cluster.chip->idle_w.mid) &&
           same(a->cluster.power_cap_w, b->cluster.power_cap_w) &&
           same(a->constants.spread, b->constants.spread) && same_prices(&a->prices, &b->prices) &&
           strcmp(a->cluster.chip->vendor, b->cluster.chip->vendor) == 0;
}

/* Types without repetition; from[] tells which each was. */
static void merge(fy_mixed_spec *out, const fy_mixed_spec *spec, int from[FY_MAX_TYPES])
{
    fy_mixed_context all;
    fy_mixed_context_make(&all, spec);
    *out = *spec;
    out->n_types = 0;
    for (int k = 0; k < spec->n_types; k++) {
        int at = 0;
        while (at < out->n_types && !same_type(spec, &all, from[at], k)) {
            at++;
        }
        if (at < out->n_types) {
            out->types[at].cluster.devices += spec->types[k].cluster.devices;
        } else {
            from[out->n_types] = k;
            out->types[out->n_types++] = spec->types[k];
        }
    }
}

static const char *unknown_of(const fy_mixed_spec *spec, int k)
{
    const fy_mixed_type *t = &spec->types[k];
    const fy_chip *chip = t->cluster.chip;
    fy_machine machine = fy_machine_make(&t->cluster, &t->constants);
    int devices = spec->n_types > 1 ? FY_MAX_DEVICES : t->cluster.devices; /* over the network */
    const char *rate = fy_machine_unknown(&machine, fy_precision_format(spec->precision), devices);
    bool priced = fy_known(t->prices.device_hour) || fy_known(t->prices.kwh);
    bool power = spec->objective == FY_BY_ENERGY ||
                 (spec->objective == FY_BY_MONEY && fy_known(t->prices.kwh));
    if (rate != NULL) {
        return rate;
    }
    if (spec->objective == FY_BY_MONEY && !priced) {
        return "price";
    }
    return power && !(fy_known(chip->tdp_w.mid) && fy_known(chip->idle_w.mid)) ? "power" : NULL;
}

static int check(const fy_mixed_spec *spec, fy_err *err)
{
    const fy_pins *p = &spec->pins;
    const int own[] = {p->pp, p->dp, p->vpp, p->recompute_layers, p->first_layers, p->last_layers};
    if (spec->n_types < 1 || spec->n_types > FY_MAX_TYPES) {
        return fy_fail(err, FY_ERANGE, "%d types of chip: from 1 to %d can be planned",
                       spec->n_types, FY_MAX_TYPES);
    }
    for (int i = 0; i < spec->n_types; i++) {
        int rc = fy_precision_check(spec->precision, spec->types[i].cluster.chip, err);
        if (rc != 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (own[i] != FY_FREE) {
            return fy_fail(
                err, FY_EINFEASIBLE,
                "on several types tp, cp, ep, microbatch, recompute, seq_parallel, zero, "
                "overlap and schedule can be fixed; pp, dp, vpp and layers cannot");
        }
    }
    return 0;
}

static void name_types(fy_mixed_ranked *r, const int from[FY_MAX_TYPES])
{
    for (int i = 0; i < r->plan.n_parts; i++) {
        r->plan.part[i].type = from[r->plan.part[i].type];
    }
}

/* A step that no plan can beat: every device at the pace of its type's best slice. */
static double ideal_s(const fy_mixed_walk *w)
{
    double pace = 0;
    for (int k = 0; k < w->spec->n_types; k++) {
        pace += w->table[k].devices / w->table[k].least_device_s;
    }
    return w->spec->global_batch / pace;
}

/*
 * Plans on several types. The lower the limit, the less there is to visit: it starts near what is
 * ideal and grows until a plan is within it or it reaches the best of one type.
 */
static void several(fy_mixed_walk *w)
{
    double guess = ideal_s(w) * first_guess;
    for (int round = 0; round <= ROUNDS; round++) {
        double best = fy_mixed_best_value(w);
        bool all = w->spec->objective != FY_BY_TIME || round == ROUNDS || !(guess < best);
        fy_mixed_data(w, all ? best : guess);
        best = fy_mixed_best_value(w);
        fy_mixed_pipelines(w, !all && guess < best ? guess : best);
        if (all || fy_mixed_best_value(w) <= guess) {
            return;
        }
        guess *= next_guess;
    }
}

static void search(fy_mixed_walk *w)
{
    int n = w->spec->n_types;
    for (int k = 0; k < n; k++) {
        fy_mixed_table_fill(w, k);
    }
    for (int k = 0; k < n; k++) {
        fy_mixed_one(w, k);
    }
    if (n > 1) {
        several(w);
    }
}

int fy_mixed_run(fy_mixed_result *out, const fy_mixed_spec *spec, fy_err *err)
{
    fy_mixed_spec merged;
    fy_mixed_walk w = {.spec = &merged, .out = out};
    int from[FY_MAX_TYPES] = {0};
    *out = (fy_mixed_result){.found = false};
    int rc = check(spec, err);
    if (rc != 0) {
        return rc;
    }
    for (int k = 0; k < spec->n_types && out->unknown == NULL; k++) {
        out->unknown = unknown_of(spec, k);
        out->unknown_type = k;
    }
    merge(&merged, spec, from);
    fy_mixed_context_make(&w.context, &merged);
    for (int k = 0; k < merged.n_types && rc == 0; k++) {
        rc = fy_mixed_table_open(&w, k, err);
    }
    if (rc == 0 && out->unknown == NULL) {
        for (int k = 0; k < merged.n_types; k++) {
            w.context.costing[k].machine.memo = fy_gemm_memo_new();
        }
        search(&w);
    }
    for (int k = 0; k < merged.n_types; k++) {
        fy_mixed_table_close(&w.table[k]);
        free(w.context.costing[k].machine.memo);
    }
    name_types(&out->best, from);
    for (int i = 0; i < FY_N_MIXED_KINDS; i++) {
        name_types(&out->kind[i], from);
    }
    return rc;
}
