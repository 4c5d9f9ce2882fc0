/* SPDX-License-Identifier: MIT */
/*
 * How good predictions are: every run of a table predicted with all constants and again with those
 * fitted without its set, and the errors summed up by set, by ranking and by kind of memory.
 * Errors are fractions, e = predicted / measured - 1; an average that has no row is NAN.
 */
#ifndef FUYAO_ACCURACY_H
#define FUYAO_ACCURACY_H

#include "fuyao/runs.h"

typedef struct fy_run_result {
    const fy_run *run; /* borrowed from the runs */
    fy_run_status status;
    const char *reason; /* NULL where ok */
    bool predicted;     /* prediction is there; rows that are not comparable have one too */
    fy_prediction prediction;
    double error;          /* NAN unless ok */
    double error_left_out; /* with constants fitted without this row's set; NAN = there are none */
    double memory_bytes;   /* predicted, of the kind measured; reserved where none is */
    double memory_error;   /* NAN where none is measured */
} fy_run_result;

typedef struct fy_set_accuracy {
    const char *set;
    int n;
    double mape, median, p90; /* of |e| */
    double bias;              /* mean of e */
    double mape_left_out;
} fy_set_accuracy;

/* Runs of one model on the same devices with one batch: is the fastest predicted so? */
typedef struct fy_ranking {
    const char *group;
    int n;
    double tau_b;  /* over pairs whose times are at least 3 % apart; NAN = no such pair */
    double regret; /* measured time of the predicted fastest / best measured - 1 */
} fy_ranking;

typedef struct fy_memory_accuracy {
    fy_memory_kind kind;
    int n;
    double mape;
    double below; /* share predicted below 95 % of the measured */
} fy_memory_accuracy;

/* A pair of chip family and stack among the rows. */
typedef struct fy_constants_used {
    const char *chip_family, *stack;
    int n; /* fitted for this pair; 0 where another's or the prior stand in */
} fy_constants_used;

typedef struct fy_accuracy {
    int n_rows, n_ok, n_skipped, n_not_comparable;
    const fy_run_result *rows; /* [n_rows] in the file's order */
    const fy_set_accuracy *sets;
    int n_sets;
    const fy_ranking *rankings;
    int n_rankings;
    fy_memory_accuracy memory[FY_N_MEMORY_KINDS]; /* [n_memory] */
    int n_memory;
    const fy_constants_used *constants;
    int n_constants;
    double coverage80; /* share of measured times within their 80 % interval */
    double width80;    /* median of (high - low) / 2 / predicted */
} fy_accuracy;

/*
 * Predict all runs and sum up. Cannot fail: a run that cannot be predicted is skipped.
 *   runs, world   borrowed, and needed as long as the result
 * Returned: owned by caller, freed with fy_accuracy_free.
 */
fy_accuracy *fy_accuracy_of(const fy_runs *runs, const fy_run_world *world);
void fy_accuracy_free(fy_accuracy *accuracy); /* NULL allowed */

/* Quantile q (0 to 1) of `n` values by linear interpolation; sorts them. NAN where n is 0. */
double fy_quantile(double *values, int n, double q);

/*
 * Kendall's tau-b of predicted against measured times over pairs whose measured times differ by
 * at least 3 % (of the smaller). NAN where no pair counts or all predictions are equal.
 */
double fy_tau_b(const double *predicted, const double *measured, int n);

#endif
