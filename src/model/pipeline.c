/* SPDX-License-Identifier: MIT */
#include "model/pipeline.h"

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* Layers on the first, a middle and the last device; `less` middle ones hold one layer less. */
typedef struct counts {
    int first, middle, last, less;
} counts;

static counts as_given(int layers, const fy_layout *l)
{
    counts n = {.first = l->first_layers, .last = l->last_layers};
    int rest = layers - n.first - n.last;
    if (l->pp > 2) {
        n.middle = ceil_div(rest, l->pp - 2);
        n.less = n.middle * (l->pp - 2) - rest;
    }
    return n;
}

/* Do layers divide when so many more are counted? */
static bool divides(int layers, int more, int chunks)
{
    return (layers + more) % chunks == 0;
}

static counts uneven(int layers, int pp)
{
    counts n = {.middle = ceil_div(layers, pp)};
    if (pp == 2) {
        return (counts){.first = n.middle, .last = layers - n.middle};
    }
    int rest = layers - n.middle * (pp - 2);
    if (rest < 2) { /* too few for the ends: some middle stages take one less */
        rest = 2 * (layers / pp);
        n.less = n.middle * (pp - 2) - (layers - rest);
    }
    /* a short last stage: it has the logits besides */
    n.first = rest - 1 < n.middle ? rest - 1 : n.middle;
    n.last = rest - n.first;
    return n;
}

static counts deal_counts(const fy_model *m, const fy_layout *l)
{
    int layers = m->layers;
    int chunks = l->pp * l->vpp;
    int more = 2 + m->mtp_layers;
    if (l->pp == 1) {
        return (counts){.first = layers};
    }
    if (l->first_layers > 0) {
        return as_given(layers, l);
    }
    if (divides(layers, 0, chunks)) {
        return (counts){layers / l->pp, layers / l->pp, layers / l->pp, 0};
    }
    if (divides(layers, 2, chunks)) { /* embedding and head are a layer each */
        int each = (layers + 2) / l->pp;
        return (counts){each - 1, each, each - 1, 0};
    }
    if (divides(layers, 1, chunks)) { /* the head is one */
        int each = (layers + 1) / l->pp;
        return (counts){each, each, each - 1, 0};
    }
    /* Megatron's layouts for DeepSeek-V3, all interleaved; without that the head, of two passes,
     * would make the last stage the slowest by far */
    bool counted = m->mtp_layers > 0 && l->vpp > 1;
    if (counted && divides(layers, more, chunks) && (layers + more) / l->pp > more) {
        int each = (layers + more) / l->pp;
        return (counts){each - 1, each, each - more + 1, 0};
    }
    return uneven(layers, l->pp);
}

/* Of a virtual stage the first layers are computed again; dense ones lead. */
static void set_plain(fy_stage *s, const fy_layout *l, bool leading)
{
    double layers = s->dense + s->moe;
    double again = (double)l->recompute_layers * l->vpp;
    again = again < layers ? again : layers;
    double dense = layers > 0 ? again * s->dense / layers : 0;
    if (leading) {
        dense = s->dense < l->recompute_layers ? s->dense : l->recompute_layers;
        dense = again - dense > s->moe ? again - s->moe : dense;
    }
    s->plain_dense = s->dense - dense;
    s->plain_moe = s->moe - (again - dense);
}

fy_stages fy_stages_deal(const fy_model *model, const fy_layout *l)
{
    counts n = deal_counts(model, l);
    int others = l->pp > 2 ? l->pp - 2 : 0;
    fy_stages s = {.middle = others - n.less, .less = n.less};
    const int count[FY_N_STAGES] = {n.first, n.middle, n.last, n.less > 0 ? n.middle - 1 : 0};
    int dense = model->experts > 0 ? model->dense_layers : model->layers;
    double share = model->layers > 0 ? (double)dense / model->layers : 1;
    bool leading = model->experts > 0 && dense <= count[0]; /* all on the first stage */
    for (int i = 0; i < FY_N_STAGES; i++) {
        double d = leading ? (i == 0 ? dense : 0) : share * count[i];
        s.at[i] = (fy_stage){.dense = d, .moe = count[i] - d};
        if (l->recompute == FY_RECOMPUTE_FULL && l->recompute_layers > 0) {
            set_plain(&s.at[i], l, leading);
        }
    }
    s.at[FY_STAGE_FIRST].embedding = true;
    s.at[l->pp > 1 ? FY_STAGE_LAST : FY_STAGE_FIRST].head = true;
    return s;
}

int fy_largest_chunk(const fy_model *model, const fy_layout *l)
{
    counts n = deal_counts(model, l);
    int most = n.first > n.last ? n.first : n.last;
    most = n.middle > most ? n.middle : most;
    return ceil_div(most, l->vpp);
}

double fy_bubble_s(const fy_stages *stages, const double *stage_s, const fy_layout *layout,
                   double microbatches)
{
    if (layout->pp <= 1) {
        return 0;
    }
    double slowest = stage_s[0];
    for (int i = 1; i < FY_N_STAGES; i++) {
        slowest = stage_s[i] > slowest ? stage_s[i] : slowest;
    }
    double sum = stage_s[FY_STAGE_FIRST] + stage_s[FY_STAGE_LAST] +
                 stages->middle * stage_s[FY_STAGE_MIDDLE] + stages->less * stage_s[FY_STAGE_LESS];
    /* with fewer microbatches than stages every chunk waits for the one before it */
    double parts = microbatches < layout->pp ? 1 : layout->vpp;
    double lost = (sum - slowest) / parts;
    bool fills =
        layout->schedule == FY_ZERO_BUBBLE && layout->vpp == 1; /* ZB-H1 is not interleaved */
    return fills ? lost / 3 : lost;
}

double fy_in_flight(const fy_layout *layout, int stage, double microbatches)
{
    double pp = layout->pp;
    double deep = pp - stage;
    if (layout->vpp > 1) {
        deep = pp + (pp - 1 - 2.0 * stage) / layout->vpp;
    }
    return deep < microbatches ? deep : microbatches;
}
