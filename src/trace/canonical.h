/* SPDX-License-Identifier: MIT */
/* The columns of the canonical CSV, shared by its reader and its writer. */
#ifndef FUYAO_TRACE_CANONICAL_H
#define FUYAO_TRACE_CANONICAL_H

#include "trace/reader.h"

typedef enum fy_canonical_column {
    FY_COL_JOB,
    FY_COL_SUBMIT,
    FY_COL_DURATION,
    FY_COL_WORK,
    FY_COL_WORKLOAD,
    FY_COL_TOKENS,
    FY_COL_STEPS,
    FY_COL_SAMPLES,
    FY_COL_BATCH,
    FY_COL_TENANT,
    FY_COL_PRIORITY,
    FY_COL_WORKERS,
    FY_COL_MIN_WORKERS,
    FY_COL_MAX_WORKERS,
    FY_COL_DEVICES,
    FY_COL_MILLI,
    FY_COL_CPU,
    FY_COL_MEMORY,
    FY_COL_SPARES,
    FY_COL_CHIPS,
    FY_COL_RATES,
    FY_COL_MIX,
    FY_COL_REF,
    FY_COL_CHECKPOINT,
    FY_COL_CHECKPOINT_COST,
    FY_COL_RESTART,
    FY_COL_LIMIT,
    FY_COL_DEADLINE,
    FY_COL_MIN_RUN,
    FY_COL_AFTER,
    FY_COL_ARRAY,
    FY_COL_END,
    FY_COL_CANCEL,
    FY_COL_SERVICE,
    FY_COL_COUNT,
} fy_canonical_column;

extern const fy_column fy_canonical_columns[FY_COL_COUNT + 1]; /* ended by a NULL name */

/* canonical_workload.c: the workload that the row names, its batch and its work, if any. */
void fy_canonical_workload(fy_row *row, fy_trace *trace, fy_job_spec *job);
/* Rates from the planner on the chips of `list`; what cannot run there is left out. */
void fy_canonical_plan(fy_row *row, fy_trace *trace, const fy_chip_list *list, fy_job_spec *job);

enum { FY_MAX_AFTER = 1000 }; /* dependencies of one job */

#endif
