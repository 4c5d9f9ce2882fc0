/* SPDX-License-Identifier: MIT */
/*
 * How fast a workload runs: the planner's best layout on so many devices of a chip, searched once
 * for each distinct question and kept, so that a million jobs ask no more searches than there are
 * kinds of them. An answer depends on its question alone, never on what was asked before. Refuses
 * to guess: what does not fit, or needs a number that is unknown, has no rate, and says why.
 *
 *     fy_rate_key ──► fy_rates_find ──► fy_planned_rate (searched at the first asking)
 */
#ifndef FUYAO_RATES_H
#define FUYAO_RATES_H

#include "fuyao/job.h"
#include "fuyao/plan.h"
#include "fuyao/site.h"

typedef struct fy_rate_key {
    const fy_workload *workload;
    const fy_chip *chip;
    int batch;              /* sequences a step; 0 = the workload's own */
    int devices, per_node;  /* per_node devices share a node's link and its NICs */
    double nic_bytes_per_s; /* of a node, all NICs together, one direction; NAN = unknown */
} fy_rate_key;

/* Units: tokens; samples of a black box. */
typedef struct fy_planned_rate {
    double per_s;     /* of all devices together; NAN = the workload cannot run there */
    double low, high; /* 80 % interval */
    int devices;      /* that the best layout uses: fewer where no layout uses all */
    fy_grade grade;   /* derived; of a black box, that of its measurement */
    const char *why;  /* NULL, or why there is no rate; owned by the table */
    fy_layout layout; /* the best one; tp = 0 where there is none (a black box) */
} fy_planned_rate;

typedef struct fy_rates fy_rates;

/* An empty table. `stacks` is borrowed; layouts are those of its `megatron-core`. */
int fy_rates_new(fy_rates **out, const fy_stacks *stacks, fy_err *err) FY_NODISCARD;
void fy_rates_free(fy_rates *rates); /* NULL allowed */

/* The rate; owned by the table. Key: workload and chip borrowed for the table's life. */
const fy_planned_rate *fy_rates_find(fy_rates *rates, const fy_rate_key *key);

int64_t fy_rates_keys(const fy_rates *rates);     /* distinct questions asked so far */
int64_t fy_rates_searches(const fy_rates *rates); /* searches they took */

/* The catalogue's first server with that chip and a known network, else its first; or NULL. */
const fy_server *fy_catalog_usual_server(const fy_catalog *catalog, const fy_chip *chip);

/* ------------------------------------------------------------------ on a site */

/* What a job asks: its gang of `devices` on a chip of the site. */
typedef struct fy_rate_ask {
    const fy_workload *workload;
    int batch;      /* sequences a step; 0 = the workload's own */
    int chip;       /* index into the site's chips */
    int devices;    /* whole ones, >= 1 */
    bool reference; /* only to read a duration: the site as the trace was written for */
} fy_rate_ask;

/* Who answers: readers of traces and the generator ask, whoever has the table fills it in. */
typedef struct fy_planner {
    /* The workload called `name` (id, name or alias), or NULL. Errors: those of loading them. */
    int (*find)(void *ctx, const char *name, const fy_workload **out, fy_err *err);
    /* Fill out->rate, rate_spread and grade; false where the workload cannot run there. */
    bool (*rate)(void *ctx, const fy_rate_ask *ask, fy_accept *out);
    void *ctx;
} fy_planner;

/*
 * The answer for a site, from the table: `rate` in as few nodes as fit, `rate_spread` over twice as
 * many, each with its part of a node's network, and never above `rate`. Nodes are of the shape in
 * which the site has most devices of the chip; their network is that of the pool's server or, where
 * that is unknown, in proportion to devices that of fy_catalog_usual_server.
 * Returns the compact rate, which says why there is none; owned by the table.
 */
const fy_planned_rate *fy_rates_on_site(fy_rates *rates, const fy_site *site,
                                        const fy_rate_ask *ask, fy_accept *out);

#endif
