/* SPDX-License-Identifier: MIT */
/* The best layouts seen, the Pareto front, and what can no longer enter either. */
#include "model/search.h"

#include <stdlib.h>
#include <string.h>

/* Floors and estimates add the same numbers in another order: far more than that may differ. */
static const double rounding = 1e-9;

static const char *const objective_names[FY_N_OBJECTIVES] = {
    [FY_BY_TIME] = "time",
    [FY_BY_ENERGY] = "energy",
    [FY_BY_MONEY] = "money",
};

const char *fy_objective_name(fy_objective objective)
{
    return objective_names[objective];
}

int fy_objective_find(const char *name)
{
    for (int i = 0; i < FY_N_OBJECTIVES; i++) {
        if (strcmp(name, objective_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static double site_energy_j(double step_s, double energy_j, const fy_prices *p, int devices)
{
    double overhead = fy_known(p->overhead_w) ? p->overhead_w * devices * step_s : 0;
    return (energy_j + overhead) * (fy_known(p->pue) ? p->pue : 1);
}

static double step_money(double step_s, double energy_j, const fy_prices *p, int devices)
{
    if (!fy_known(p->device_hour) && !fy_known(p->kwh)) {
        return NAN;
    }
    double hours = fy_known(p->device_hour) ? p->device_hour * devices * step_s / 3600 : 0;
    double kwh = site_energy_j(step_s, energy_j, p, devices) / 3.6e6;
    return hours + (fy_known(p->kwh) ? p->kwh * kwh : 0);
}

double fy_site_energy_j(const fy_estimate *e, const fy_prices *prices, int devices)
{
    return site_energy_j(e->step_s, e->energy_j, prices, devices);
}

double fy_step_money(const fy_estimate *e, const fy_prices *prices, int devices)
{
    return step_money(e->step_s, e->energy_j, prices, devices);
}

fy_pins fy_pins_none(void)
{
    return (fy_pins){FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE,
                     FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE, FY_FREE};
}

bool fy_pins_fewest(const fy_pins *p)
{
    return p->recompute_layers == FY_FEWEST ||
           (p->recompute_layers == FY_FREE && p->recompute == FY_FREE);
}

static int order(int a, int b)
{
    return (a > b) - (a < b);
}

int fy_layout_order(const fy_layout *a, const fy_layout *b)
{
    const int pairs[][2] = {
        {a->tp, b->tp},
        {a->cp, b->cp},
        {a->ep, b->ep},
        {a->microbatch, b->microbatch},
        {a->seq_parallel, b->seq_parallel},
        {(int)a->recompute, (int)b->recompute},
        {a->pp, b->pp},
        {a->vpp, b->vpp},
        {a->zero, b->zero},
        {(int)a->schedule, (int)b->schedule},
        {a->recompute_layers, b->recompute_layers},
        {a->first_layers, b->first_layers},
        {a->last_layers, b->last_layers},
        {-(int)a->overlap, -(int)b->overlap}, /* what hides more comes first */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        int o = order(pairs[i][0], pairs[i][1]);
        if (o != 0) {
            return o;
        }
    }
    return 0;
}

bool fy_same_shape(const fy_layout *a, const fy_layout *b)
{
    return a->tp == b->tp && a->pp == b->pp && a->dp == b->dp && a->cp == b->cp && a->ep == b->ep;
}

void fy_best_open(fy_best *best, const fy_search_spec *spec)
{
    *best = (fy_best){.spec = spec};
    best->top = fy_calloc((size_t)spec->top, sizeof *best->top);
}

double fy_best_value(const fy_best *best, double step_s, double energy_j)
{
    const fy_search_spec *s = best->spec;
    switch (s->objective) {
    case FY_BY_ENERGY:
        return site_energy_j(step_s, energy_j, &s->prices, s->cluster->devices);
    case FY_BY_MONEY:
        return step_money(step_s, energy_j, &s->prices, s->cluster->devices);
    case FY_BY_TIME:
    case FY_N_OBJECTIVES:
        break;
    }
    return step_s;
}

static bool better(const fy_ranked *a, const fy_ranked *b)
{
    if (!fy_known(a->value) || !fy_known(b->value)) { /* what is unknown is never better */
        return fy_known(a->value);
    }
    return a->value < b->value ||
           (!(b->value < a->value) && fy_layout_order(&a->layout, &b->layout) < 0);
}

static int find_shape(const fy_best *best, const fy_layout *layout)
{
    for (int i = 0; best->spec->distinct == FY_DISTINCT_SHAPE && i < best->n_top; i++) {
        if (fy_same_shape(&best->top[i].layout, layout)) {
            return i;
        }
    }
    return -1;
}

static void offer_top(fy_best *best, const fy_ranked *r)
{
    int at = find_shape(best, &r->layout);
    if (at < 0 && best->n_top < best->spec->top) {
        at = best->n_top++;
    } else {
        at = at < 0 ? best->n_top - 1 : at;
        if (!better(r, &best->top[at])) {
            return;
        }
    }
    while (at > 0 && better(r, &best->top[at - 1])) {
        best->top[at] = best->top[at - 1];
        at--;
    }
    best->top[at] = *r;
}

/* The front is sorted by time; energy falls along it. */
static void offer_front(fy_best *best, const fy_ranked *r)
{
    const fy_estimate *e = &r->estimate;
    int at = 0;
    while (at < best->n_front && best->front[at].estimate.step_s < e->step_s) {
        at++;
    }
    if (at > 0 && best->front[at - 1].estimate.energy_j <= e->energy_j) {
        return;
    }
    fy_ranked *f = best->front;
    if (at < best->n_front && f[at].estimate.step_s <= e->step_s) { /* equally fast */
        bool same =
            f[at].estimate.energy_j <= e->energy_j && f[at].estimate.energy_j >= e->energy_j;
        if (f[at].estimate.energy_j < e->energy_j ||
            (same && fy_layout_order(&f[at].layout, &r->layout) < 0)) {
            return;
        }
    }
    int end = at;
    while (end < best->n_front && f[end].estimate.energy_j >= e->energy_j) {
        end++;
    }
    f = fy_grow(best->front, &best->room_front, (size_t)best->n_front + 1, sizeof *f);
    memmove(&f[at + 1], &f[end], (size_t)(best->n_front - end) * sizeof *f);
    f[at] = *r;
    best->front = f;
    best->n_front += 1 - (end - at);
}

void fy_best_offer(fy_best *best, const fy_layout *layout, const fy_estimate *e)
{
    double value = fy_best_value(best, e->step_s, e->energy_j);
    bool room = best->n_top < best->spec->top || best->spec->distinct == FY_DISTINCT_SHAPE ||
                value <= best->top[best->n_top - 1].value;
    if (!room && !best->spec->front) {
        return;
    }
    fy_ranked r = {.layout = *layout, .estimate = *e, .value = value};
    if (room) {
        offer_top(best, &r);
    }
    if (best->spec->front && fy_known(e->energy_j)) { /* without energy there is no front */
        offer_front(best, &r);
    }
}

static bool beyond_front(const fy_best *best, fy_floor floor)
{
    for (int i = 0; i < best->n_front; i++) {
        const fy_estimate *e = &best->front[i].estimate;
        if (e->step_s < floor.step_s * (1 - rounding) &&
            e->energy_j < floor.energy_j * (1 - rounding)) {
            return true;
        }
    }
    return false;
}

bool fy_best_beyond(const fy_best *best, fy_floor floor, const fy_layout *layout)
{
    if (best->spec->front && fy_known(floor.energy_j) && !beyond_front(best, floor)) {
        return false;
    }
    double value = fy_best_value(best, floor.step_s, floor.energy_j) * (1 - rounding);
    int at = layout != NULL ? find_shape(best, layout) : -1;
    if (at >= 0) {
        return best->top[at].value < value;
    }
    return best->n_top == best->spec->top && best->top[best->n_top - 1].value < value;
}
