/* SPDX-License-Identifier: MIT */
#include "model/pipeline.h"

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* Layers on the first, a middle and the last device. */
static void deal_counts(int layers, int pp, int vpp, int count[FY_N_STAGES])
{
    int chunks = pp * vpp;
    if (layers % chunks == 0) {
        count[0] = count[1] = count[2] = layers / pp;
    } else if ((layers + 2) % chunks == 0) { /* embedding and head are a layer each */
        int each = (layers + 2) / pp;
        count[0] = each - 1, count[1] = each, count[2] = each - 1;
    } else if ((layers + 1) % chunks == 0) { /* the head is one */
        int each = (layers + 1) / pp;
        count[0] = count[1] = each, count[2] = each - 1;
    } else if (pp == 2) {
        count[0] = ceil_div(layers, 2), count[2] = layers - count[0], count[1] = 0;
    } else {
        count[1] = ceil_div(layers, pp);
        int rest = layers - count[1] * (pp - 2);
        if (rest < 2) { /* too few for the ends: some middle stages take one less */
            rest = 2 * (layers / pp);
        }
        /* a short last stage: it has the logits besides */
        count[0] = rest - 1 < count[1] ? rest - 1 : count[1];
        count[2] = rest - count[0];
    }
}

fy_stages fy_stages_deal(const fy_model *model, int pp, int vpp)
{
    fy_stages s = {.middle = pp > 2 ? pp - 2 : 0};
    int count[FY_N_STAGES] = {model->layers, 0, 0};
    if (pp > 1) {
        deal_counts(model->layers, pp, vpp, count);
    }
    int dense = model->experts > 0 ? model->dense_layers : model->layers;
    double share = model->layers > 0 ? (double)dense / model->layers : 1;
    bool leading = model->experts > 0 && dense <= count[0]; /* all on the first stage */
    for (int i = 0; i < FY_N_STAGES; i++) {
        double d = leading ? (i == 0 ? dense : 0) : share * count[i];
        s.at[i] = (fy_stage){.dense = d, .moe = count[i] - d};
    }
    s.at[FY_STAGE_FIRST].embedding = true;
    s.at[pp > 1 ? FY_STAGE_LAST : FY_STAGE_FIRST].head = true;
    return s;
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
                 stages->middle * stage_s[FY_STAGE_MIDDLE];
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
