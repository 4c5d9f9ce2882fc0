/* SPDX-License-Identifier: MIT */
/*
 * The reader of measured runs: two formats, recognised by their header. It keeps what a row states
 * and fills nothing in, but for what the single-node format implies; model/fill.c does the rest.
 */
#include "model/runs.h"

#include "base/arena.h"
#include "base/num.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fy_runs {
    fy_arena arena; /* holds all texts */
    fy_run *runs;   /* [n_runs] */
    int n_runs;
    size_t room;
};

typedef enum run_format { FORMAT_RUNS, FORMAT_SINGLE_NODE } run_format;

/* Columns that are not cells of the spec. */
typedef enum other_column {
    COLUMN_ID,
    COLUMN_SET,
    COLUMN_MODEL,
    COLUMN_CHIP,
    COLUMN_STACK,
    COLUMN_METRIC,
    COLUMN_VALUE,
    COLUMN_STEP,
    COLUMN_MEMORY,
    COLUMN_MEMORY_KIND,
    N_COLUMNS
} other_column;

static const char *const column_names[N_COLUMNS] = {
    "id",    "set",    "model",           "chip",       "stack", "metric",
    "value", "step_s", "peak_memory_gib", "memory_kind"};

typedef struct reader {
    fy_runs *runs;
    fy_csv csv;
    run_format format;
    int cells[FY_N_CELLS]; /* index of the column, -1 = absent */
    int others[N_COLUMNS];
} reader;

/* ------------------------------------------------------------------ header */

/* The columns without which a table is not of that format. */
static const char *const runs_needed[] = {"chip", "n_chips", "global_batch"};
static const char *const single_needed[] = {"n_chips", "global_batch", "hidden", "heads", "layers",
                                            "seq_len", "tp",           "dp",     "pp"};

static const char *missing(const fy_csv *csv, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fy_csv_column(csv, names[i]) < 0) {
            return names[i];
        }
    }
    return NULL;
}

static int read_header(reader *r, fy_err *err)
{
    enum { N_RUNS = sizeof runs_needed / sizeof *runs_needed };
    enum { N_SINGLE = sizeof single_needed / sizeof *single_needed };
    const char *absent;
    int rc = fy_csv_header(&r->csv, err);

    if (rc <= 0) {
        return rc < 0 ? rc : fy_fail(err, FY_EPARSE, "%.120s: is empty", r->csv.name);
    }
    r->format = fy_csv_column(&r->csv, "micro_batch") >= 0 ? FORMAT_SINGLE_NODE : FORMAT_RUNS;
    absent = r->format == FORMAT_RUNS ? missing(&r->csv, runs_needed, N_RUNS)
                                      : missing(&r->csv, single_needed, N_SINGLE);
    if (absent != NULL) {
        return fy_fail(err, FY_EPARSE,
                       "%.100s:1: no column %s; a table of runs has at least chip, n_chips and "
                       "global_batch",
                       r->csv.name, absent);
    }
    for (int i = 0; i < FY_N_CELLS; i++) {
        r->cells[i] = fy_csv_column(&r->csv, fy_run_cell_name((fy_run_cell)i));
    }
    r->cells[FY_CELL_DETAILS] = -1; /* no column is called so on purpose */
    for (int i = 0; i < N_COLUMNS; i++) {
        r->others[i] = fy_csv_column(&r->csv, column_names[i]);
    }
    if (r->format == FORMAT_SINGLE_NODE) {
        r->cells[FY_CELL_MICROBATCH] = fy_csv_column(&r->csv, "micro_batch");
        r->others[COLUMN_STEP] = fy_csv_column(&r->csv, "iteration_ms");
    }
    return 0;
}

/* ------------------------------------------------------------------ rows */

static fy_field at(const reader *r, int column)
{
    return column >= 0 ? r->csv.fields[column] : (fy_field){"", 0};
}

static const char *keep(reader *r, other_column column)
{
    fy_field field = at(r, r->others[column]);

    return fy_arena_strndup(&r->runs->arena, field.text, field.len);
}

/* A number above 0, or NAN where blank. */
static int take_measured(const reader *r, other_column column, double unit, double *out,
                         fy_err *err)
{
    fy_field field = at(r, r->others[column]);
    char shown[FY_SHOWN];

    *out = NAN;
    if (field.len == 0) {
        return 0;
    }
    if (fy_num_double(field.text, field.len, out) != FY_NUM_OK || !(*out > 0 && *out <= 1e12)) {
        return fy_fail(err, FY_EPARSE, "%s is '%s'; it must be a number above 0, at most 1e12",
                       r->csv.header[r->others[column]].text, fy_field_shown(shown, field));
    }
    *out *= unit;
    return 0;
}

static int take_memory(const reader *r, fy_run_measured *m, fy_err *err)
{
    fy_field kind = at(r, r->others[COLUMN_MEMORY_KIND]);
    char shown[FY_SHOWN];
    int rc = take_measured(r, COLUMN_MEMORY, 1024.0 * 1024 * 1024, &m->peak_memory_bytes, err);

    if (rc != 0 || !fy_known(m->peak_memory_bytes)) {
        return rc;
    }
    m->memory_kind = FY_MEMORY_STATED;
    for (int i = FY_MEMORY_NONE + 1; i < FY_N_MEMORY_KINDS; i++) {
        if (fy_field_is(kind, fy_memory_kind_name((fy_memory_kind)i))) {
            m->memory_kind = (fy_memory_kind)i;
            return 0;
        }
    }
    return kind.len == 0 ? 0
                         : fy_fail(err, FY_EPARSE,
                                   "memory_kind is '%s'; it must be torch-peak, device-used or "
                                   "stated",
                                   fy_field_shown(shown, kind));
}

/* What the single-node format leaves out because it is the same in every row. */
static void imply_single_node(reader *r, fy_run *run)
{
    fy_run_spec *s = &run->spec;

    run->id = fy_arena_printf(&r->runs->arena, "line-%lld", (long long)r->csv.line);
    run->set = "single-node-a100";
    s->model_name = "";
    s->chip = "a100-80-sxm4";
    s->stack = "megatron-deepspeed";
    s->origin[FY_CELL_CHIP] = s->origin[FY_CELL_STACK] = FY_ORIGIN_CONVENTION;
    fy_run_cell_fill(s, FY_CELL_CHIPS_PER_NODE, 8, FY_ORIGIN_CONVENTION);
    fy_run_cell_fill(s, FY_CELL_VOCAB, 51200, FY_ORIGIN_CONVENTION);
    fy_run_cell_fill(s, FY_CELL_GATED, 0, FY_ORIGIN_CONVENTION);
    fy_run_cell_fill(s, FY_CELL_PRECISION, FY_PREC_FP16, FY_ORIGIN_CONVENTION);
    fy_run_cell_fill(s, FY_CELL_RECOMPUTE, FY_RECOMPUTE_FULL, FY_ORIGIN_CONVENTION);
}

static void take_texts(reader *r, fy_run *run)
{
    fy_run_spec *s = &run->spec;

    run->id = keep(r, COLUMN_ID);
    run->set = keep(r, COLUMN_SET);
    s->model_name = keep(r, COLUMN_MODEL);
    s->chip = keep(r, COLUMN_CHIP);
    s->stack = keep(r, COLUMN_STACK);
    s->origin[FY_CELL_CHIP] = s->chip[0] != '\0' ? FY_ORIGIN_GIVEN : FY_ORIGIN_BLANK;
    s->origin[FY_CELL_STACK] = s->stack[0] != '\0' ? FY_ORIGIN_GIVEN : FY_ORIGIN_BLANK;
    /* a set of adapters, and names that end so: only adapters are trained */
    if (strcmp(run->set, "lora") == 0 || strcasestr(s->model_name, "lora") != NULL) {
        s->model.lora_rank = 16;
    }
    if (run->id[0] == '\0') {
        run->id = fy_arena_printf(&r->runs->arena, "line-%lld", (long long)r->csv.line);
    }
}

static int take_row(reader *r, fy_run *run, fy_err *err)
{
    fy_run_measured *m = &run->measured;
    int rc = 0;

    m->metric = "";
    if (r->format == FORMAT_RUNS) {
        take_texts(r, run);
        m->metric = keep(r, COLUMN_METRIC);
    }
    for (int i = 0; i < FY_N_CELLS && rc == 0; i++) {
        fy_field field = at(r, r->cells[i]);

        rc = field.len > 0 ? fy_run_cell_put(&run->spec, (fy_run_cell)i, field, err) : 0;
    }
    if (r->format == FORMAT_SINGLE_NODE) {
        imply_single_node(r, run);
        return rc != 0 ? rc : take_measured(r, COLUMN_STEP, 1e-3, &m->step_s, err);
    }
    rc = rc != 0 ? rc : take_measured(r, COLUMN_STEP, 1, &m->step_s, err);
    rc = rc != 0 ? rc : take_measured(r, COLUMN_VALUE, 1, &m->value, err);
    return rc != 0 ? rc : take_memory(r, m, err);
}

static void judge(fy_run *run)
{
    if (strcmp(run->set, "other") == 0) {
        run->status = FY_RUN_NOT_COMPARABLE;
        run->reason = "a single run, or a second statement of one (set other)";
    } else if (!fy_known(run->measured.step_s)) {
        run->status = FY_RUN_NOT_COMPARABLE;
        run->reason = "no step time published (step_s is blank)";
    }
}

/* A row that is whole but not understood keeps its id and set. */
static void add_row(reader *r, int whole, const fy_err *broken)
{
    fy_runs *runs = r->runs;
    fy_run run = {.set = "",
                  .spec = {.model_name = "",
                           .chip = "",
                           .stack = "",
                           .total_params = NAN,
                           .nic_bytes_per_s = NAN},
                  .measured = {"", NAN, NAN, NAN, FY_MEMORY_NONE}};
    fy_err err = {0};

    if (whole < 0) {
        run.id = fy_arena_printf(&runs->arena, "line-%lld", (long long)r->csv.line);
        run.status = FY_RUN_SKIPPED;
        run.reason = fy_arena_strdup(&runs->arena, broken->text);
    } else if (take_row(r, &run, &err) != 0) {
        run.status = FY_RUN_SKIPPED;
        run.reason = fy_arena_strdup(&runs->arena, err.text);
    } else {
        judge(&run);
    }
    runs->runs = fy_grow(runs->runs, &runs->room, (size_t)runs->n_runs + 1, sizeof run);
    runs->runs[runs->n_runs++] = run;
}

static int read_all(reader *r, fy_err *err)
{
    int rc = read_header(r, err);
    fy_err row = {0};

    if (rc != 0) {
        return rc;
    }
    while ((rc = fy_csv_next(&r->csv, &row)) != 0) {
        if (rc < 0 && r->csv.broken) {
            return fy_fail(err, rc, "%s", row.text);
        }
        if (r->runs->n_runs == 10000000) {
            return fy_fail(err, FY_ERANGE, "%.120s: more than ten million rows", r->csv.name);
        }
        add_row(r, rc, &row);
    }
    return 0;
}

static int finish(reader *r, int rc, fy_runs **out, fy_err *err)
{
    if (rc == 0) {
        r->runs = fy_calloc(1, sizeof *r->runs);
        rc = read_all(r, err);
    }
    fy_csv_close(&r->csv);
    if (rc != 0) {
        fy_runs_free(r->runs);
        r->runs = NULL;
    }
    *out = r->runs;
    return rc;
}

int fy_runs_read(fy_runs **out, const char *path, fy_err *err)
{
    reader r = {0};

    return finish(&r, fy_csv_open(&r.csv, path, err), out, err);
}

int fy_runs_parse(fy_runs **out, const char *name, const void *bytes, size_t len, fy_err *err)
{
    reader r = {0};

    return finish(&r, fy_csv_open_bytes(&r.csv, name, bytes, len, err), out, err);
}

void fy_runs_free(fy_runs *runs)
{
    if (runs != NULL) {
        fy_arena_free(&runs->arena);
        free(runs->runs);
        free(runs);
    }
}

int fy_runs_count(const fy_runs *runs)
{
    return runs->n_runs;
}

const fy_run *fy_runs_at(const fy_runs *runs, int i)
{
    assert(i >= 0 && i < runs->n_runs);
    return &runs->runs[i];
}
