/* SPDX-License-Identifier: MIT */
/* Numbers of `fuyao sim`'s results over the seeds of one policy and costs, and their printing. */
#ifndef FUYAO_CLI_SIM_RESULTS_H
#define FUYAO_CLI_SIM_RESULTS_H

#include "cli/sim.h"

/* Mean over seeds with its 95 % confidence interval (NAN where there is one seed only). */
typedef struct sim_mean {
    double mean, low, high;
} sim_mean;

sim_mean sim_mean_of(const double *values, int n);

typedef enum sim_kind { SIM_COUNT, SIM_REAL } sim_kind;
typedef struct sim_field { /* one number of a result: where it stands in JSON and in the struct */
    const char *group, *name; /* group NULL: at the top */
    sim_kind kind;
    size_t at;
} sim_field;

extern const sim_field sim_fields[]; /* ended by a NULL name; in the order of JSON */

/* The mean of a field (by offset) over the seeds of one policy and costs. */
sim_mean sim_mean_at(const sim_run *runs, int n, const sim_field *field);
double sim_mean_real(const sim_run *runs, int n, size_t at); /* of a double, by offset */
double sim_mean_count(const sim_run *runs, int n, size_t at);

void sim_print_json(const sim_plan *plan); /* on standard output */
void sim_print_table(const sim_plan *plan);

#endif
