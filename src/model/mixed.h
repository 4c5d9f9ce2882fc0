/* SPDX-License-Identifier: MIT */
/*
 * Parts of the search over mixed devices, private to the model: plans composed from costed slices,
 * per-type tables, options of whole replicas, and pipelines over types.
 */
#ifndef FUYAO_MODEL_MIXED_H
#define FUYAO_MODEL_MIXED_H

#include "fuyao/mixed.h"
#include "model/search.h"

/* Sums in another order may differ by this much; bounds leave room for it. */
#define FY_MIXED_ROUNDING 1e-9

/* ------------------------------------------------------------------------------- composing */

/* What of a device costs what, for objectives other than time. All 0 for time. */
typedef struct fy_mixed_rates {
    double second; /* of a device held for a second, idle */
    double joule;  /* of a joule beside that */
} fy_mixed_rates;

/* Costings of all types. */
typedef struct fy_mixed_context {
    const fy_mixed_spec *spec;
    fy_costing costing[FY_MAX_TYPES];
    fy_mixed_rates rates[FY_MAX_TYPES];
} fy_mixed_context;

void fy_mixed_context_make(fy_mixed_context *out, const fy_mixed_spec *spec);

/* The estimate of a plan of the class from the parts of its slices, one a part of the plan. */
void fy_mixed_compose(fy_mixed_estimate *out, const fy_mixed_context *context,
                      const fy_mixed_plan *plan, const fy_parts *const *parts);

/* Does the pipeline fit in memory? */
bool fy_mixed_fits(const fy_mixed_context *context, const fy_mixed_plan *plan,
                   const fy_parts *const *parts);

/* Summing gradients between n types, one of which uses so many devices [s]; 0 for n = 1. */
double fy_mixed_exchange_s(const fy_mixed_context *context, int type, int devices, int n);

/* What `layers` layers make of a stage of the pipeline. */
fy_stage fy_mixed_stage(const fy_model *model, int layers, bool first, bool last);
int fy_mixed_least_first(const fy_model *model); /* layers on the first stage */
int fy_mixed_leading(const fy_model *model);     /* dense layers that stand on the first stage */

/* ------------------------------------------------------------------------------- search */

typedef struct fy_mixed_slice {
    fy_layout layout; /* of the slice; the rest is 1 */
    fy_parts parts;
    fy_layer_costs costs;
    double stages_s;             /* all stages, one microbatch, at least [s] */
    double device_s;             /* a sequence costs at least [device seconds] */
    double joule;                /* ... at least [J] */
    double layer_s;              /* one layer but for leading ones, one microbatch [s] */
    double layer_j;              /* ... beside idle power, one device [J] */
    double first_s, last_s;      /* embedding, head: at least, beside the layers [s] */
    double own_hop_s, far_hop_s; /* one hand-over inside a node and between nodes */
    /* pipeline, made when first asked for: seconds of a stage, [3][layers + 1]: first, last, other;
     * without hand-over */
    double *stage_s;
    int *held, held_dp; /* fy_mixed_held's, for so many replicas */
} fy_mixed_slice;

typedef struct fy_mixed_table {
    fy_search_spec search; /* of this type alone */
    fy_cluster cluster;    /* its devices are set by whoever asks the rules */
    fy_space space;
    int devices; /* the most */
    fy_mixed_slice *slices;
    size_t n_slices, room;
    double least_device_s; /* of any slice, a sequence */
    double least_value;    /* energy and money: a sequence costs at least */
} fy_mixed_table;

typedef struct fy_mixed_walk fy_mixed_walk;

/* Errors: those of fy_mixed_run. Closed by the caller in any case. */
int fy_mixed_table_open(fy_mixed_walk *walk, int type, fy_err *err) FY_NODISCARD;
void fy_mixed_table_fill(fy_mixed_walk *walk, int type);
void fy_mixed_table_close(fy_mixed_table *table);

struct fy_mixed_walk {
    const fy_mixed_spec *spec;
    fy_mixed_context context;
    fy_mixed_table table[FY_MAX_TYPES];
    fy_mixed_result *out;
};

/* The best value found, INFINITY before there is one. */
double fy_mixed_best_value(const fy_mixed_walk *walk);

void fy_mixed_offer(fy_mixed_walk *walk, const fy_mixed_plan *plan,
                    const fy_mixed_estimate *estimate);
/* Least value of `sequences` on `devices` with a slice. */
double fy_mixed_slice_value(const fy_mixed_walk *walk, int type, const fy_mixed_slice *slice,
                            double sequences, double devices);
unsigned fy_mixed_overlap(const fy_mixed_spec *spec, const fy_layout *l);

/* Offer the best plan of a kind, if it is within `limit` and better than those offered before. */
void fy_mixed_one(fy_mixed_walk *walk, int type);
void fy_mixed_data(fy_mixed_walk *walk, double limit);
void fy_mixed_pipelines(fy_mixed_walk *walk, double limit);

#endif
