/* SPDX-License-Identifier: MIT */
/*
 * What of a layout follows from the rest of it: how many layers the ends of a pipeline hold so
 * that the slowest stage is as fast as possible, and how few layers are computed again so that
 * memory suffices. The searches settle both; fy_plan_estimate takes what it is given.
 */
#ifndef FUYAO_MODEL_SETTLE_H
#define FUYAO_MODEL_SETTLE_H

#include "fuyao/search.h"
#include "model/step.h"

/* Device or launch time, whichever is longer, of one microbatch both ways [s]. */
typedef struct fy_layer_costs {
    double dense_s, moe_s;  /* of one layer, with what is computed again */
    double first_s, last_s; /* of embedding and head, with layers that predict further tokens */
} fy_layer_costs;

fy_layer_costs fy_layer_costs_of(const fy_costing *costing, const fy_parts *parts);

/*
 * Set first_layers and last_layers of a layout with pp > 1: the deal whose slowest stage is
 * fastest, 0 and 0 where the one of fy_stages_deal is as good. Middle stages share the rest as
 * evenly as it goes; with vpp > 1 they are all alike and no virtual stage is larger than it must
 * be. Leading dense layers stay on the first stage; where they do not fit there nothing is set, nor
 * with fewer microbatches than stages, which then wait for each other however layers are dealt.
 */
void fy_layout_balance(fy_layout *layout, const fy_model *model, const fy_layer_costs *costs);

/*
 * Does the layout fit in memory? If not as balanced, as fy_stages_deal has it by itself. Where full
 * recomputation is not pinned, in as few layers of a virtual stage as fit, but at least one: fewer
 * are never slower.
 *   layout   in: all else; out: with recompute_layers, first_layers, last_layers
 *   memory   out; of the last deal tried where none fits
 */
bool fy_layout_settle(fy_layout *layout, fy_memory *memory, const fy_costing *costing,
                      const fy_parts *parts, const fy_pins *pins);

#endif
