/* SPDX-License-Identifier: MIT */
/*
 * How many layers runs of stages can hold in memory at most. Memory of a stage is a sum of what
 * does not depend on its layers, what grows with them, and what grows with the microbatches in
 * flight; of a stage at distance j from the end of the pipeline j are in flight, or all.
 */
#include "model/memory.h"
#include "model/mixed_pipe.h"

#include <string.h>

/* Memory that so many layers need beside those of a stage with none, with so many in flight. */
static double needed(const fy_costing *c, const fy_layout *l, const fy_parts *parts, int layers,
                     int in_flight, double microbatches, double *capacity)
{
    fy_memory m;
    memset(&m, 0, sizeof m);
    fy_stage stage = fy_mixed_stage(c->model, layers, false, false);
    fy_memory_stage(&m, c, l, parts, &stage, l->pp - in_flight, microbatches);
    *capacity = m.capacity;
    return m.reserved + m.bytes[FY_M_CONTEXT];
}

/* Layers of a stage at distance j, at most; never too few. */
static void add_zero(int *most, const fy_costing *c, const fy_layout *l, const fy_parts *parts,
                     int layers, double microbatches)
{
    double capacity = NAN;
    double one = needed(c, l, parts, 1, 1, microbatches, &capacity);
    double layer = needed(c, l, parts, 2, 1, microbatches, &capacity) - one;
    double flying = needed(c, l, parts, 1, 2, microbatches, &capacity) - one;
    double both = needed(c, l, parts, 2, 2, microbatches, &capacity) - one - layer - flying;
    for (int j = 1; j <= layers; j++) {
        double more = (j < microbatches ? j : microbatches) - 1;
        double room = capacity * (1 + FY_MIXED_ROUNDING) - one - more * flying;
        double each = layer + more * both;
        double n = room >= 0 ? 1 + room / each : 0;
        n = n < layers ? n : layers;
        most[j] = n > most[j] ? (int)(n + 1e-6) : most[j];
    }
}

const int *fy_mixed_held(const fy_mixed_pipe *p, int type, fy_mixed_slice *s)
{
    const fy_mixed_walk *w = p->walk;
    const fy_space *space = &w->table[type].space;
    if (s->held != NULL && s->held_dp == p->dp) {
        return s->held;
    }
    if (s->held == NULL) {
        s->held = fy_calloc((size_t)p->layers + 1, sizeof *s->held);
    }
    memset(s->held, 0, ((size_t)p->layers + 1) * sizeof *s->held);
    s->held_dp = p->dp;
    fy_layout l = s->layout;
    l.pp = p->layers > 1 ? p->layers : 2;
    l.dp = p->dp;
    l.overlap = fy_mixed_overlap(w->spec, &l);
    for (int z = 0; z < space->zero.n; z++) {
        l.zero = space->zero.at[z];
        if (fy_space_zero(space, &l, l.zero) && fy_space_runs(space, &l)) {
            add_zero(s->held, &w->context.costing[type], &l, &s->parts, p->layers, p->microbatches);
        }
    }
    for (int j = 1; j <= p->layers; j++) {
        s->held[j] += s->held[j - 1];
    }
    return s->held;
}
