/* SPDX-License-Identifier: MIT */
/* The columns of the canonical CSV, shared by its reader and its writer. */
#ifndef FUYAO_TRACE_CANONICAL_H
#define FUYAO_TRACE_CANONICAL_H

#include "trace/reader.h"

typedef enum fy_canonical_column {
    FY_C_JOB,
    FY_C_SUBMIT,
    FY_C_DURATION,
    FY_C_WORK,
    FY_C_TENANT,
    FY_C_PRIORITY,
    FY_C_WORKERS,
    FY_C_MIN_WORKERS,
    FY_C_MAX_WORKERS,
    FY_C_DEVICES,
    FY_C_MILLI,
    FY_C_CPU,
    FY_C_MEMORY,
    FY_C_SPARES,
    FY_C_CHIPS,
    FY_C_RATES,
    FY_C_MIX,
    FY_C_REF,
    FY_C_CHECKPOINT,
    FY_C_CHECKPOINT_COST,
    FY_C_RESTART,
    FY_C_LIMIT,
    FY_C_DEADLINE,
    FY_C_MIN_RUN,
    FY_C_AFTER,
    FY_C_ARRAY,
    FY_C_END,
    FY_C_CANCEL,
    FY_C_SERVICE,
    FY_C_COUNT,
} fy_canonical_column;

extern const fy_column fy_canonical_columns[FY_C_COUNT + 1]; /* ended by a NULL name */

enum { FY_MAX_AFTER = 1000 }; /* dependencies of one job */

#endif
