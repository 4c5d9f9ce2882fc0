/* SPDX-License-Identifier: MIT */
#include "model/fit.h"

#include "base/arena.h"
#include "model/interval.h"
#include "model/step.h"

#include <stdlib.h>

/* How far a constant may reasonably lie from the prior, as a ratio less one. */
static const double prior_sd[FY_N_CONSTANTS] = {
    [FY_C_MATMUL] = 0.06, [FY_C_MEMORY] = 0.12, [FY_C_ATTENTION] = 0.15, [FY_C_GAP] = 0.4,
    [FY_C_LAUNCH] = 1.0,  [FY_C_LINK] = 0.15,   [FY_C_NETWORK] = 0.25,   [FY_C_LATENCY] = 0.5,
    [FY_C_EXPOSED] = 0.5, [FY_C_STEP] = 0.8,    [FY_C_MICRO] = 0.7,      [FY_C_JITTER] = 0.7,
};

/* Weight of the prior against a mean row: at one deviation it costs as much as 1 % of error. */
static const double strength = 1e-4;

/* Many rows outweigh the prior: it counts as so many of them (assumed). */
static const double prior_rows = 300;

/* Steps of 1 to 1/32 of a constant's deviation, at most so many passes with each. */
enum { HALVINGS = 6, MAX_PASSES = 30 };

static double apart(double a, double b)
{
    return a > b ? a / b - 1 : b / a - 1;
}

static double loss(double e)
{
    const double knee = 0.10;
    return e < knee ? e * e : knee * (2 * e - knee);
}

static double predict_s(const fy_fit_row *row, const fy_constants *constants)
{
    fy_costing c = fy_costing_make(&row->model, &row->cluster, row->stack, constants);
    fy_slice slice = fy_slice_of(&row->layout);
    fy_parts parts = fy_parts_cost(&c, &slice);
    fy_estimate e;
    fy_step_compose(&e, &c, &row->cluster, &row->layout, &parts, constants);
    return e.step_s;
}

/* What only rows of several nodes tell. */
static bool between_nodes(int k)
{
    return k == FY_C_NETWORK || k == FY_C_JITTER;
}

/* Weight of the prior of one constant beside rows that tell of it. */
static double prior_weight(const fy_fit_row *rows, int n, int k)
{
    int telling = 0;
    for (int i = 0; i < n; i++) {
        const fy_cluster *c = &rows[i].cluster;
        telling += !between_nodes(k) || c->devices > c->per_node ? 1 : 0;
    }
    return strength * prior_rows / (prior_rows + telling);
}

static double objective(const fy_fit_row *rows, int n, const fy_constants *prior,
                        const fy_constants *at, int *used)
{
    double sum = 0;
    double weight = 0;
    *used = 0;
    for (int i = 0; i < n; i++) {
        double s = predict_s(&rows[i], at);
        if (s > 0) {
            sum += rows[i].weight * loss(apart(s, rows[i].measured_s));
            weight += rows[i].weight;
            *used += 1;
        }
    }
    double penalty = 0;
    for (int k = 0; k < FY_N_CONSTANTS; k++) {
        double d = apart(at->value[k], prior->value[k]) / prior_sd[k];
        penalty += prior_weight(rows, n, k) * d * d;
    }
    return (weight > 0 ? sum / weight : 0) + penalty;
}

/* One pass over all constants with one step size; returns whether anything improved. */
static bool descend(const fy_fit_row *rows, int n, const fy_constants *prior, double step,
                    fy_constants *at, double *best)
{
    bool moved = false;
    int used = 0;
    for (int k = 0; k < FY_N_CONSTANTS; k++) {
        for (int direction = 0; direction < 2; direction++) {
            fy_constants trial = *at;
            double factor = 1 + step * prior_sd[k];
            trial.value[k] *= direction == 0 ? factor : 1 / factor;
            double value = objective(rows, n, prior, &trial, &used);
            if (value < *best) {
                *best = value;
                *at = trial;
                moved = true;
                break;
            }
        }
    }
    return moved;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int fy_fit_errors(const fy_fit_row *rows, int n, const fy_constants *constants, double *errors)
{
    int used = 0;
    for (int i = 0; i < n; i++) {
        double s = predict_s(&rows[i], constants);
        if (s > 0) {
            errors[used++] = apart(s, rows[i].measured_s);
        }
    }
    return used;
}

double fy_fit_spread(double *errors, int n)
{
    qsort(errors, (size_t)n, sizeof *errors, compare);
    int at = n * 4 / 5 < n ? n * 4 / 5 : n - 1;
    return n > 0 ? errors[at] / FY_Z80 : 0;
}

fy_constants fy_fit(const fy_fit_row *rows, int n, const fy_constants *prior)
{
    fy_constants at = *prior;
    int used = 0;
    double best = objective(rows, n, prior, &at, &used);
    double step = 1;
    for (int halving = 0; halving < HALVINGS; halving++) {
        for (int i = 0; i < MAX_PASSES && descend(rows, n, prior, step, &at, &best); i++) {
        }
        step /= 2;
    }
    at.rows = used;
    at.grade = FY_GRADE_FITTED;
    double *errors = fy_calloc((size_t)n + 1, sizeof *errors);
    at.spread = fy_fit_spread(errors, fy_fit_errors(rows, n, &at, errors));
    free(errors);
    return at;
}
