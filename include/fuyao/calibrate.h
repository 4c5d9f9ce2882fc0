/* SPDX-License-Identifier: MIT */
/*
 * Constants from measured runs: the same fit that made data/stacks/constants.yaml, for anyone who
 * has measured steps of his own. A pair of chip family and stack is fitted on its rows alone; a set
 * weighs as the fourth root of its rows, so that a long table does not drown a short one. Left-out
 * variants leave one set out each, so that predictions can be judged on runs that took no part.
 */
#ifndef FUYAO_CALIBRATE_H
#define FUYAO_CALIBRATE_H

#include "fuyao/runs.h"

typedef enum fy_left_out { FY_ALL_ROWS, FY_EACH_SET_LEFT_OUT } fy_left_out;

typedef struct fy_calibration fy_calibration;

/*
 * Fit every pair of chip family and stack among the comparable rows of `tables` [n_tables]. Blanks
 * of a row's layout are searched with the constants fitted so far, three times over.
 *   world  borrowed: where each pair starts from, and its prior
 * Returned: owned by caller, freed with fy_calibration_free. Cannot fail: rows that cannot be
 * predicted, and jobs on several kinds of chip, take no part.
 */
fy_calibration *fy_calibrate(const fy_runs *const *tables, int n_tables, const fy_run_world *world,
                             fy_left_out left_out);
void fy_calibration_free(fy_calibration *calibration); /* NULL allowed */

/* One fitted entry. `without`: the set left out, "" where none is. */
typedef struct fy_calibrated {
    const char *family, *stack, *without;
    fy_constants constants;
} fy_calibrated;

int fy_calibration_count(const fy_calibration *calibration);
const fy_calibrated *fy_calibration_at(const fy_calibration *calibration, int i);

/* Name of a constant as in data/stacks/constants.yaml. */
const char *fy_constant_name(fy_constant constant);

#endif
