/* SPDX-License-Identifier: MIT */
/*
 * Fitting a stack's constants on measured steps. The prior is a measurement too: a constant moves
 * away from it only as far as the runs insist, so that a handful of rows cannot turn a physical
 * share into nonsense. Deterministic: coordinate descent with shrinking steps, no random start.
 */
#ifndef FUYAO_MODEL_FIT_H
#define FUYAO_MODEL_FIT_H

#include "fuyao/plan.h"

/* One measured step, everything known. */
typedef struct fy_fit_row {
    fy_model model;
    fy_layout layout;
    fy_cluster cluster;
    const fy_stack *stack;
    double measured_s;
    double weight; /* > 0 */
} fy_fit_row;

/*
 * Constants that minimise
 *   sum_i weight_i loss(e_i) / sum_i weight_i + strength sum_c ((ratio to the prior - 1) / sd_c)^2
 * where e = max(predicted, measured) / min - 1 and loss is quadratic up to 10 %, then linear.
 *   rows  [n], borrowed; rows that cannot be estimated are left out
 * `rows` of the result counts those used, `spread` is a robust deviation of their errors.
 */
fy_constants fy_fit(const fy_fit_row *rows, int n, const fy_constants *prior);

/* Errors max(predicted, measured) / min - 1 of the rows that can be estimated; how many there are.
 *   errors  [n] */
int fy_fit_errors(const fy_fit_row *rows, int n, const fy_constants *constants, double *errors);

/* Standard deviation of a normal whose central 80 % hold 80 % of these errors; sorts them. */
double fy_fit_spread(double *errors, int n);

#endif
