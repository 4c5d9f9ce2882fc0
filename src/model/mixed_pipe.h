/* SPDX-License-Identifier: MIT */
/*
 * Pipelines over several types, private to the model: what is chosen so far. mixed_pipeline.c
 * chooses shapes, mixed_layers.c deals layers to their stages.
 */
#ifndef FUYAO_MODEL_MIXED_PIPE_H
#define FUYAO_MODEL_MIXED_PIPE_H

#include "model/mixed.h"

enum { FY_MIXED_ZEROS = 4 };

typedef struct fy_mixed_pipe {
    fy_mixed_walk *walk;
    double limit;
    int layers, leading; /* of them on the first stage, not counted in bounds */
    double layer_gain; /* m - 1 and 1, or m - 1/3 and 1/3: slowest stage and sum of stages count */
    double sum_share;
    int cp, microbatch, dp, microbatches;
    fy_mixed_slice **cand[FY_MAX_TYPES]; /* with this context group and microbatch */
    int n_cand[FY_MAX_TYPES];
    double pace[FY_MAX_TYPES];  /* most stages per second a layer of any candidate */
    double value[FY_MAX_TYPES]; /* least value of a layer on any candidate, a step */
    int order[FY_MAX_TYPES], n;
    fy_mixed_slice *pick[FY_MAX_TYPES]; /* by position, as the next ones */
    int most[FY_MAX_TYPES];             /* stages that there are devices for */
    int stages[FY_MAX_TYPES];
    const int *holds[FY_MAX_TYPES]; /* fy_mixed_held */
    double hop[FY_MAX_TYPES];
    int other[FY_MAX_TYPES], cap[FY_MAX_TYPES]; /* stages but the first and last; layers on each */
    double joule[FY_MAX_TYPES];                 /* value of what a layer draws beside idle power */
    double held;                                /* value of a second, all devices */
    double grown, extra;         /* a step is at least grown x (extra + sum of stages' shares) */
    double sync[FY_MIXED_ZEROS]; /* ... + this, by zero */
    fy_mixed_plan plan;
} fy_mixed_pipe;

static inline bool fy_mixed_by_time(const fy_mixed_pipe *p)
{
    return p->walk->spec->objective == FY_BY_TIME;
}

static inline bool fy_mixed_beyond(const fy_mixed_pipe *p, double value)
{
    return value * (1 - FY_MIXED_ROUNDING) > p->limit;
}

/* Seconds of every stage with a slice, by layers; made once. */
void fy_mixed_stage_table(const fy_mixed_pipe *p, int type, fy_mixed_slice *s);

/*
 * [layers + 1], borrowed until asked for other replicas: layers that the last j stages of a
 * pipeline, all with this slice and neither embedding nor head, hold in memory at most. Leading
 * dense layers of the first stage come on top.
 */
const int *fy_mixed_held(const fy_mixed_pipe *p, int type, fy_mixed_slice *s);

/* Offer every division of the layers, the slowest stage within so many seconds. */
void fy_mixed_layers(fy_mixed_pipe *p, double within_s);

#endif
