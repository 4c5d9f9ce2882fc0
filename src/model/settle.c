/* SPDX-License-Identifier: MIT */
#include "model/settle.h"

#include "model/memory.h"

#include <string.h>

/* ------------------------------------------------------------------------------- deal */

static double pass_s(const fy_costing *c, const fy_pass *p, const fy_pass *again)
{
    double scale = c->stack->capture == FY_CAPTURED ? 0.1 : 1;
    double device = fy_pass_s(p) + (again != NULL ? fy_pass_s(again) : 0);
    double kernels = p->kernels + (again != NULL ? again->kernels : 0);
    double host = kernels * c->machine.launch_s * scale;
    return device > host ? device : host;
}

static double layer_s(const fy_costing *c, const fy_block *b)
{
    return pass_s(c, &b->forward, NULL) + pass_s(c, &b->backward, &b->again);
}

fy_layer_costs fy_layer_costs_of(const fy_costing *c, const fy_parts *p)
{
    const fy_model *m = c->model;
    const fy_ends *e = &p->ends;
    fy_layer_costs out = {.dense_s = layer_s(c, &p->dense), .moe_s = layer_s(c, &p->moe)};
    double further = m->experts > 0 ? out.moe_s : out.dense_s;
    out.first_s = pass_s(c, &e->embedding_forward, NULL) + pass_s(c, &e->embedding_backward, NULL);
    out.last_s = pass_s(c, &e->head_forward, NULL) + pass_s(c, &e->head_backward, NULL);
    out.last_s = out.last_s * (1 + m->mtp_layers) + further * m->mtp_layers;
    return out;
}

/* Times of stages by their layers. */
typedef struct balance {
    double first_s, last_s; /* beside their layers, in units of `each_s` */
    double each_s;          /* a layer that is not one of the leading ones */
    int leading;            /* dense layers on the first stage, which first_s contains */
} balance;

static balance balance_of(const fy_model *m, const fy_layer_costs *c)
{
    balance b = {.first_s = c->first_s, .last_s = c->last_s, .each_s = c->dense_s};
    if (m->experts > 0) {
        b.leading = m->dense_layers;
        b.first_s += b.leading * c->dense_s;
        b.each_s = c->moe_s;
    }
    return b;
}

static double first_s(const balance *b, int layers)
{
    return b->first_s + (layers - b->leading) * b->each_s;
}

static double last_s(const balance *b, int layers)
{
    return b->last_s + layers * b->each_s;
}

/* The most layers of an end within the time, `least` at least; `beside`: what it has else. */
static int most_within(const balance *b, double beside, int counted, int least, double within_s)
{
    double room = (within_s - beside) / b->each_s;
    int n = room > 0 ? (int)room + counted : counted;
    return n > least ? n : least;
}

typedef struct ends {
    int first, last, middle; /* layers; of the largest middle stages */
} ends;

/*
 * Middle stages of m layers and more: the ends take what is done within their time, then whoever is
 * done soonest takes the next. That is the least of the slowest stage's time.
 */
static ends deal_from(const balance *b, int layers, int others, int m)
{
    int least = b->leading > 1 ? b->leading : 1;
    double within = m * b->each_s;
    ends e = {.middle = m};
    e.first = most_within(b, b->first_s, b->leading, least, within);
    e.last = most_within(b, b->last_s, 0, 1, within);
    int left = layers - others * m - e.first - e.last;
    while (left > 0) {
        double first = first_s(b, e.first + 1);
        double last = last_s(b, e.last + 1);
        double middle = others > 0 ? (m + 1) * b->each_s : (double)INFINITY;
        if (middle <= first && middle <= last && e.middle == m) {
            e.middle = m + 1;
            left -= others;
        } else if (last < first) {
            e.last++, left--;
        } else {
            e.first++, left--;
        }
    }
    return e;
}

/* Can so many layers be dealt when middle stages have m and the ends their time? */
static bool holds(const balance *b, int layers, int others, int m)
{
    int least = b->leading > 1 ? b->leading : 1;
    double within = m * b->each_s;
    return most_within(b, b->first_s, b->leading, least, within) +
               most_within(b, b->last_s, 0, 1, within) + others * m >=
           layers;
}

static double slowest_s(const balance *b, const ends *e, int others)
{
    double s = first_s(b, e->first);
    double last = last_s(b, e->last);
    double middle = others > 0 ? e->middle * b->each_s : 0;
    s = last > s ? last : s;
    return middle > s ? middle : s;
}

static ends deal_even(const balance *b, const fy_model *model, int pp)
{
    int others = pp - 2;
    int m = model->layers / pp > 1 ? model->layers / pp : 1;
    while (m > 1 && holds(b, model->layers, others, m)) {
        m--;
    }
    while (!holds(b, model->layers, others, m + 1)) {
        m++;
    }
    return deal_from(b, model->layers, others, m);
}

/* Virtual stages of q layers, a few layers less on the ends. */
static ends deal_virtual(const balance *b, const fy_model *model, int pp, int vpp)
{
    int q = (model->layers + pp * vpp - 1) / (pp * vpp);
    int each = q * vpp;
    int less = pp * each - model->layers;
    ends best = {each, each - less, each};
    for (int i = 1; i <= less; i++) {
        ends e = {each - i, each - less + i, each};
        if (e.first >= b->leading && slowest_s(b, &e, pp - 2) < slowest_s(b, &best, pp - 2)) {
            best = e;
        }
    }
    return best;
}

void fy_layout_balance(fy_layout *l, const fy_model *model, const fy_layer_costs *costs)
{
    balance b = balance_of(model, costs);
    fy_layout as_is = *l;
    if ((double)l->global_batch < (double)l->dp * l->microbatch * l->pp) {
        l->first_layers = l->last_layers = 0; /* stages work one after the other, not at once */
        return;
    }
    as_is.first_layers = as_is.last_layers = 0;
    as_is.recompute_layers = 0;
    l->first_layers = l->last_layers = 0;
    fy_stages stages = fy_stages_deal(model, &as_is);
    const fy_stage *at = stages.at;
    ends was = {.first = (int)(at[FY_STAGE_FIRST].dense + at[FY_STAGE_FIRST].moe + 0.5),
                .last = (int)(at[FY_STAGE_LAST].dense + at[FY_STAGE_LAST].moe + 0.5),
                .middle = (int)(at[FY_STAGE_MIDDLE].dense + at[FY_STAGE_MIDDLE].moe + 0.5)};
    int least = b.leading > 1 ? b.leading : 1;
    if (was.first < least || model->layers < least + 1 + (l->pp - 2) || !(b.each_s > 0)) {
        return;
    }
    ends is = l->vpp > 1 ? deal_virtual(&b, model, l->pp, l->vpp) : deal_even(&b, model, l->pp);
    bool whole = is.first >= least && is.last >= 1 &&
                 model->layers - is.first - is.last >= (l->pp - 2) * (l->vpp > 1 ? is.middle : 1);
    if (whole && slowest_s(&b, &is, l->pp - 2) < slowest_s(&b, &was, l->pp - 2) * (1 - 1e-9)) {
        l->first_layers = is.first;
        l->last_layers = is.last;
    }
}

/* ------------------------------------------------------------------------------- memory */

static bool fits(fy_memory *memory, const fy_costing *c, const fy_layout *l, const fy_parts *parts)
{
    double microbatches = (double)l->global_batch / ((double)l->dp * l->microbatch);
    fy_stages stages = fy_stages_deal(c->model, l);
    memset(memory, 0, sizeof *memory);
    fy_memory_fill(memory, c, l, parts, &stages, microbatches);
    return memory->fits;
}

/* The fewest layers computed again that fit. All is 0. */
static bool fits_with_fewest(fy_layout *l, fy_memory *memory, const fy_costing *c,
                             const fy_parts *parts)
{
    int all = fy_largest_chunk(c->model, l);
    l->recompute_layers = all > 1 ? 1 : 0;
    if (fits(memory, c, l, parts) || all == 1) {
        return memory->fits;
    }
    l->recompute_layers = 0;
    if (!fits(memory, c, l, parts)) {
        return false;
    }
    int low = 1; /* too few */
    int high = all;
    while (high - low > 1) {
        fy_memory m;
        int n = (low + high) / 2;
        l->recompute_layers = n;
        if (fits(&m, c, l, parts)) {
            high = n;
            *memory = m;
        } else {
            low = n;
        }
    }
    l->recompute_layers = high == all ? 0 : high;
    return true;
}

bool fy_layout_settle(fy_layout *l, fy_memory *memory, const fy_costing *c, const fy_parts *parts,
                      const fy_pins *pins)
{
    bool fewest = l->recompute == FY_RECOMPUTE_FULL && fy_pins_fewest(pins);
    for (;;) {
        if (fewest ? fits_with_fewest(l, memory, c, parts) : fits(memory, c, l, parts)) {
            return true;
        }
        if (l->first_layers == 0 || pins->first_layers != FY_FREE) {
            return false;
        }
        l->first_layers = l->last_layers = 0;
    }
}
