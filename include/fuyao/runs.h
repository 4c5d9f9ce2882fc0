/* SPDX-License-Identifier: MIT */
/*
 * Measured training runs as tables publish them, and a prediction for each: what a row states, how
 * its blanks were filled, what the planner says. A prediction is made from a fy_run_spec alone, so
 * it cannot see what was measured, nor a row's id, source, year or note. Refuses to guess a number
 * that is there but malformed: such a row is skipped, with the reason.
 *
 *     file ──► fy_runs (fy_run: fy_run_spec + fy_run_measured) ──► fy_run_predict ──► fy_prediction
 */
#ifndef FUYAO_RUNS_H
#define FUYAO_RUNS_H

#include "fuyao/chip.h"
#include "fuyao/error.h"
#include "fuyao/plan.h"
#include "fuyao/workload.h"

#include <stddef.h>

/* What a prediction depends on, cell by cell, in the order of the file's columns. */
typedef enum fy_run_cell {
    FY_CELL_LAYERS,
    FY_CELL_HIDDEN,
    FY_CELL_HEADS,
    FY_CELL_KV_HEADS,
    FY_CELL_HEAD_DIM,
    FY_CELL_FFN,
    FY_CELL_GATED,
    FY_CELL_SEQ_LEN,
    FY_CELL_VOCAB,
    FY_CELL_EXPERTS,
    FY_CELL_SHARED_EXPERTS,
    FY_CELL_EXPERTS_PER_TOKEN,
    FY_CELL_EXPERT_FFN,
    FY_CELL_DENSE_LAYERS,
    FY_CELL_ATTENTION,
    FY_CELL_TOTAL_PARAMS,
    FY_CELL_DETAILS, /* no column: tied, bias, norm, position, ranks, window, ... */
    FY_CELL_CHIP,
    FY_CELL_N_CHIPS,
    FY_CELL_CHIPS_PER_NODE,
    FY_CELL_NIC,
    FY_CELL_STACK,
    FY_CELL_TP,
    FY_CELL_PP,
    FY_CELL_DP,
    FY_CELL_EP,
    FY_CELL_CP,
    FY_CELL_VPP,
    FY_CELL_MICROBATCH,
    FY_CELL_GLOBAL_BATCH,
    FY_CELL_RECOMPUTE,
    FY_CELL_SEQ_PARALLEL,
    FY_CELL_ZERO,
    FY_CELL_PRECISION,
    FY_CELL_OVERLAP,
    FY_N_CELLS
} fy_run_cell;

/* Where a cell's value comes from. */
typedef enum fy_origin {
    FY_ORIGIN_BLANK = 0,
    FY_ORIGIN_GIVEN,      /* the row states it */
    FY_ORIGIN_WORKLOAD,   /* the shipped workload of that name */
    FY_ORIGIN_CONVENTION, /* what such models and machines have, or what the other cells leave */
    FY_ORIGIN_CATALOG,    /* the server that holds this chip */
    FY_ORIGIN_STACK,      /* the stack's default */
    FY_ORIGIN_SEARCH,     /* the fastest layout that fits */
    FY_N_ORIGINS
} fy_origin;

/* All that a prediction may depend on. Blank cells hold 0 (NAN where real). */
typedef struct fy_run_spec {
    const char *model_name;
    const char *chip;     /* an id, or `id:count+id:count` */
    const char *stack;    /* "" = blank */
    const char *workload; /* id of the shipped one that filled blanks; NULL = none */
    fy_model model;
    fy_layout layout;
    double total_params;    /* as published, rounded */
    double nic_bytes_per_s; /* of a node */
    int n_chips, chips_per_node;
    fy_origin origin[FY_N_CELLS];
} fy_run_spec;

typedef enum fy_memory_kind {
    FY_MEMORY_NONE,        /* not measured */
    FY_MEMORY_TORCH_PEAK,  /* against fy_memory.reserved: what torchtitan logs */
    FY_MEMORY_DEVICE_USED, /* against fy_memory.device_used */
    FY_MEMORY_STATED,      /* against fy_memory.device_used */
    FY_N_MEMORY_KINDS
} fy_memory_kind;

typedef struct fy_run_measured {
    const char *metric;       /* what the source states; "" = not said */
    double value;             /* in the metric's unit; NAN = blank */
    double step_s;            /* NAN = blank */
    double peak_memory_bytes; /* NAN = blank */
    fy_memory_kind memory_kind;
} fy_run_measured;

typedef enum fy_run_status { FY_RUN_OK, FY_RUN_SKIPPED, FY_RUN_NOT_COMPARABLE } fy_run_status;

typedef struct fy_run {
    const char *id, *set;
    fy_run_status status;
    const char *reason; /* NULL where ok */
    fy_run_spec spec;   /* not to be used where skipped */
    fy_run_measured measured;
} fy_run;

typedef struct fy_runs fy_runs;

/*
 * Read a table of runs; its header tells which: the general one (docs/plan.md), or that of
 * single-node runs, of which each is read as made on A100 80 GB, 8 a node, under megatron-deepspeed
 * in fp16 with full recomputation and a vocabulary of 51,200. Columns are found by name, others
 * ignored. A row that cannot be understood is kept as skipped; a row without step_s, or of set
 * `other`, is not comparable.
 *   out   owned by caller, freed with fy_runs_free; all texts are borrowed from it
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE (no such header, a broken file) with file:line.
 */
int fy_runs_read(fy_runs **out, const char *path, fy_err *err) FY_NODISCARD;
/* The same from `len` bytes in memory called `name`. */
int fy_runs_parse(fy_runs **out, const char *name, const void *bytes, size_t len,
                  fy_err *err) FY_NODISCARD;
void fy_runs_free(fy_runs *runs); /* NULL allowed */
int fy_runs_count(const fy_runs *runs);
const fy_run *fy_runs_at(const fy_runs *runs, int i);

const char *fy_run_cell_name(fy_run_cell cell); /* the column's: `kv_heads` */
const char *fy_origin_name(fy_origin origin);   /* `search` */
const char *fy_memory_kind_name(fy_memory_kind kind);
const char *fy_run_status_name(fy_run_status status); /* `not_comparable` */

/* The cell's value as the column would state it; returns `out`. */
enum { FY_CELL_TEXT = 64 };
const char *fy_run_cell_text(char out[FY_CELL_TEXT], const fy_run_spec *spec, fy_run_cell cell);

/* What predictions are made with; all borrowed. */
typedef struct fy_run_world {
    const fy_catalog *catalog;
    const fy_workloads *workloads;
    const fy_stacks *stacks;
} fy_run_world;

enum { FY_MAX_RUN_CHIPS = 8 };

typedef struct fy_prediction {
    fy_run_spec spec; /* with every cell filled */
    const fy_stack *stack;
    const fy_chip *chip;    /* of a mixed job the one that decides */
    fy_constants constants; /* for that chip */
    fy_estimate estimate;
    int layouts, fitting;        /* tried for the blanks; of them fit */
    double fastest_s, slowest_s; /* of the fitting ones, of all where none fits */
} fy_prediction;

/*
 * Fill what is blank and not searched: from the shipped workload of that name, else one of exactly
 * these sizes; then by convention, from the catalogue and from the stack's defaults.
 * Errors: FY_EINVAL, a size that is blank and cannot be filled, an unknown chip or stack;
 * FY_EINFEASIBLE, FY_ERANGE, sizes that contradict each other.
 */
int fy_run_fill(fy_run_spec *spec, const fy_run_world *world, fy_err *err) FY_NODISCARD;

/*
 * Predict a run: fill its blanks, try every layout for those that remain (degrees, virtual stages,
 * microbatch, recomputation) and keep the fastest that fits, else the fastest. Of a mixed job
 * every device is taken for its slowest kind.
 *   without   use constants fitted without this set; NULL = all
 * Errors: as fy_run_fill and fy_plan_estimate.
 */
int fy_run_predict(fy_prediction *out, const fy_run_spec *spec, const fy_run_world *world,
                   const char *without, fy_err *err) FY_NODISCARD;

#endif
