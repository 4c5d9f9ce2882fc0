/* SPDX-License-Identifier: MIT */
/* What the reader of runs, the filling of blanks and the search for them share. */
#ifndef FUYAO_MODEL_RUNS_H
#define FUYAO_MODEL_RUNS_H

#include "base/csv.h"
#include "fuyao/runs.h"

/*
 * Put a field that is not empty into its cell.
 * Errors: FY_EPARSE, naming the column, what stands there and what may.
 */
int fy_run_cell_put(fy_run_spec *spec, fy_run_cell cell, fy_field field, fy_err *err) FY_NODISCARD;

/* Set a whole-numbered cell that is blank, and where from; one that is not blank is left alone. */
void fy_run_cell_fill(fy_run_spec *spec, fy_run_cell cell, int value, fy_origin origin);

/* The value of a whole-numbered cell (yes and no as 1 and 0). */
int fy_run_cell_int(const fy_run_spec *spec, fy_run_cell cell);

static inline bool fy_run_blank(const fy_run_spec *spec, fy_run_cell cell)
{
    return spec->origin[cell] == FY_ORIGIN_BLANK;
}

/*
 * The kinds of chip that `text` names: `id`, or `id:count+id:count`.
 *   chips   [FY_MAX_RUN_CHIPS], borrowed from the catalogue
 *   total   sum of the counts, 0 where there are none
 * Returns how many kinds, or FY_EINVAL.
 */
int fy_run_chips(const char *text, const fy_catalog *catalog,
                 const fy_chip *chips[FY_MAX_RUN_CHIPS], int *total, fy_err *err) FY_NODISCARD;

/* The stack of a row: `other` and blank are megatron-core. NULL if there is none. */
const fy_stack *fy_run_stack(const char *id, const fy_stacks *stacks);

#endif
