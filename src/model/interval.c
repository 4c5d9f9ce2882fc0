/* SPDX-License-Identifier: MIT */
#include "model/interval.h"

#include "model/step.h"

#include <string.h>

/*
 * Deviation of each term where its constants are not the pair's own, as a share of the term.
 * Kernels are known better than communication, and that better than what the host does. Set once on
 * the errors of sets left out (docs/accuracy.md, Intervals), none for a set.
 */
static const double term_sd[FY_N_TERMS] = {
    [FY_T_MATMUL] = 0.10,    [FY_T_ATTENTION] = 0.20, [FY_T_ELEMENTWISE] = 0.20,
    [FY_T_EMBEDDING] = 0.20, [FY_T_RECOMPUTE] = 0.12, [FY_T_HOST] = 1.0,
    [FY_T_TP] = 0.30,        [FY_T_CP] = 0.50,        [FY_T_EP] = 0.40,
    [FY_T_PP] = 0.50,        [FY_T_BUBBLE] = 0.20,    [FY_T_DP] = 0.40,
    [FY_T_OPTIMIZER] = 0.20, [FY_T_JITTER] = 0.70,
};

/* A precision, fully sharded weights, or experts that no fitted row had. */
static const double precision_sd = 0.06;
static const double sharded_sd = 0.05;
static const double experts_sd = 0.10;
/* Each doubling of devices beyond the largest fitted run. */
static const double doubling_sd = 0.03;
/* Of the time by which a slow host would hold up the step, as far as that is 0.3 of the step: one
 * that would take longer still is not believed to be that slow. */
static const double pressed_sd = 0.8;
static const double pressed_most = 0.3;

static double square(double x)
{
    return x * x;
}

double fy_interval_spread(const fy_estimate *e, const fy_model *model, const fy_layout *l,
                          int devices, const fy_constants *c)
{
    const fy_reach *r = &c->reach;
    double sum = square(c->spread);
    double step = e->step_s;
    for (int i = 0; i < FY_N_TERMS; i++) {
        double beyond = e->term_s[i] / step - r->share[i];
        sum += beyond > 0 ? square(beyond * term_sd[i]) : 0;
    }
    double press = e->pressed_s / step - r->pressed;
    press = press < pressed_most ? press : pressed_most;
    sum += press > 0 ? square(press * pressed_sd) : 0;
    if (r->devices > 0 && devices > r->devices) {
        sum += square(doubling_sd * fy_doublings((double)devices / r->devices));
    }
    sum += (r->precisions >> l->precision & 1U) == 0 ? square(precision_sd) : 0;
    sum += l->zero >= 3 && !r->sharded ? square(sharded_sd) : 0;
    sum += model->experts > 0 && !r->experts ? square(experts_sd) : 0;
    return sqrt(sum);
}

void fy_interval_fill(fy_estimate *out, double spread)
{
    out->low_s = out->step_s / (1 + FY_Z80 * spread);
    out->high_s = out->step_s * (1 + FY_Z80 * spread);
}

double fy_interval_spread_of(const fy_estimate *e)
{
    return (e->high_s / e->step_s - 1) / FY_Z80;
}

static void reach_row(fy_reach *out, const fy_fit_row *row, const fy_constants *constants)
{
    fy_costing c = fy_costing_make(&row->model, &row->cluster, row->stack, constants);
    fy_slice slice = fy_slice_of(&row->layout);
    fy_parts parts = fy_parts_cost(&c, &slice);
    fy_estimate e;
    fy_step_compose(&e, &c, &row->cluster, &row->layout, &parts, constants);
    if (!(e.step_s > 0)) {
        return;
    }
    for (int i = 0; i < FY_N_TERMS; i++) {
        double share = e.term_s[i] / e.step_s;
        out->share[i] = share > out->share[i] ? share : out->share[i];
    }
    double pressed = e.pressed_s / e.step_s;
    out->pressed = pressed > out->pressed ? pressed : out->pressed;
    out->devices = row->cluster.devices > out->devices ? row->cluster.devices : out->devices;
    out->precisions |= 1U << row->layout.precision;
    out->experts = out->experts || row->model.experts > 0;
    out->sharded = out->sharded || row->layout.zero >= 3;
}

void fy_interval_reach(fy_reach *out, const fy_fit_row *rows, int n, const fy_constants *constants)
{
    *out = (fy_reach){.devices = 0};
    for (int i = 0; i < n; i++) {
        reach_row(out, &rows[i], constants);
    }
}
