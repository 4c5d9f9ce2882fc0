/* SPDX-License-Identifier: MIT */
/*
 * A prediction does not see what was measured: with the measured columns shuffled over the rows
 * and every id, source, year and note renamed, all predictions stay bit-identical. On the project's
 * own table, and on the published runs where they lie beside the source (../shared/truth).
 */
#include "base/arena.h"
#include "base/csv.h"
#include "base/rng.h"
#include "base/str.h"
#include "fuyao/accuracy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_SEEDS = 20 };

static const char *const measured[] = {"value", "step_s", "iteration_ms", "peak_memory_gib"};
static const char *const names[] = {"id", "source", "year", "note", "citation", "metric"};

typedef struct table {
    fy_arena arena;
    const char **header; /* [n_columns] */
    const char ***rows;  /* [n_rows][n_columns] */
    int n_columns, n_rows;
} table;

static bool among(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char **copy_fields(table *t, const fy_field *fields, int n)
{
    const char **out = fy_arena_alloc(&t->arena, (size_t)n * sizeof *out);

    for (int i = 0; i < n; i++) {
        out[i] = fy_arena_strndup(&t->arena, fields[i].text, fields[i].len);
    }
    return out;
}

/* Rows that are whole; others would keep nothing to compare. */
static table read_table(const char *path)
{
    table t = {0};
    fy_csv csv;
    fy_err err = {0};
    size_t room = 0;
    int rc;

    assert_int_equal(fy_csv_open(&csv, path, &err), 0);
    assert_int_equal(fy_csv_header(&csv, &err), 1);
    t.n_columns = csv.n_header;
    t.header = copy_fields(&t, csv.header, csv.n_header);
    while ((rc = fy_csv_next(&csv, &err)) != 0) {
        if (rc > 0) {
            t.rows = fy_grow(t.rows, &room, (size_t)t.n_rows + 1, sizeof *t.rows);
            t.rows[t.n_rows++] = copy_fields(&t, csv.fields, csv.n_fields);
        }
    }
    fy_csv_close(&csv);
    return t;
}

static void free_table(table *t)
{
    fy_arena_free(&t->arena);
    free(t->rows);
}

static void put(fy_str *out, const char *text)
{
    fy_str_puts(out, "\"");
    for (; *text != '\0'; text++) {
        fy_str_add(out, text, 1);
        if (*text == '"') {
            fy_str_puts(out, "\"");
        }
    }
    fy_str_puts(out, "\"");
}

/* The table as text; with a seed above 0 disguised. */
static fy_str disguised(const table *t, uint64_t seed)
{
    fy_str out = {0};
    fy_rng rng = fy_rng_seed(seed);
    int *from = fy_calloc((size_t)t->n_rows + 1, sizeof *from);

    for (int i = 0; i < t->n_rows; i++) {
        int k = seed > 0 ? (int)fy_rng_below(&rng, (uint64_t)i + 1) : i;

        from[i] = from[k];
        from[k] = i;
    }
    for (int c = 0; c < t->n_columns; c++) {
        put(&out, t->header[c]);
        fy_str_puts(&out, c + 1 < t->n_columns ? "," : "\n");
    }
    for (int r = 0; r < t->n_rows; r++) {
        for (int c = 0; c < t->n_columns; c++) {
            const char *name = t->header[c];

            if (seed > 0 && among(name, names, sizeof names / sizeof *names)) {
                fy_str_printf(&out, "%llu", (unsigned long long)fy_rng_below(&rng, 3000));
            } else {
                bool moves = among(name, measured, sizeof measured / sizeof *measured);

                put(&out, t->rows[moves ? from[r] : r][c]);
            }
            fy_str_puts(&out, c + 1 < t->n_columns ? "," : "\n");
        }
    }
    free(from);
    return out;
}

static void same_double(double a, double b, const char *what, int row, uint64_t seed)
{
    if (memcmp(&a, &b, sizeof a) != 0) {
        fail_msg("seed %llu, row %d: %s is %.17g and %.17g", (unsigned long long)seed, row, what, a,
                 b);
    }
}

static void same_row(const fy_run_result *a, const fy_run_result *b, int row, uint64_t seed)
{
    const fy_estimate *x = &a->prediction.estimate, *y = &b->prediction.estimate;

    if (a->run->status == FY_RUN_SKIPPED || b->run->status == FY_RUN_SKIPPED) {
        return; /* a malformed measured cell skips whichever row it came to */
    }
    assert_int_equal(a->predicted, b->predicted);
    if (!a->predicted) {
        return;
    }
    same_double(x->step_s, y->step_s, "step_s", row, seed);
    same_double(x->low_s, y->low_s, "low_s", row, seed);
    same_double(x->high_s, y->high_s, "high_s", row, seed);
    for (int i = 0; i < FY_N_TERMS; i++) {
        same_double(x->term_s[i], y->term_s[i], fy_term_name((fy_term)i), row, seed);
    }
    for (int i = 0; i < FY_N_MEMORY_TERMS; i++) {
        same_double(x->memory.bytes[i], y->memory.bytes[i], fy_memory_term_name((fy_memory_term)i),
                    row, seed);
    }
    assert_int_equal(a->prediction.layouts, b->prediction.layouts);
    assert_int_equal(a->prediction.fitting, b->prediction.fitting);
    assert_memory_equal(a->prediction.spec.origin, b->prediction.spec.origin,
                        sizeof b->prediction.spec.origin);
}

static fy_run_world open_world(void)
{
    const char *data = getenv("FUYAO_DATA");
    fy_catalog *catalog;
    fy_workloads *workloads;
    fy_stacks *stacks;

    data = data != NULL ? data : "data";
    assert_int_equal(fy_catalog_load(&catalog, data, NULL), 0);
    assert_int_equal(fy_workloads_load(&workloads, data, NULL), 0);
    assert_int_equal(fy_stacks_load(&stacks, data, NULL), 0);
    return (fy_run_world){catalog, workloads, stacks};
}

static void close_world(fy_run_world *world)
{
    fy_catalog_free((fy_catalog *)(uintptr_t)world->catalog);
    fy_workloads_free((fy_workloads *)(uintptr_t)world->workloads);
    fy_stacks_free((fy_stacks *)(uintptr_t)world->stacks);
}

static fy_runs *parse(const fy_str *text)
{
    fy_runs *runs;
    fy_err err = {0};

    if (fy_runs_parse(&runs, "t", text->text, text->len, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return runs;
}

static void check_table(const char *path)
{
    fy_run_world world = open_world();
    table t = read_table(path);
    fy_str plain = disguised(&t, 0);
    fy_runs *runs = parse(&plain);
    fy_accuracy *as_is = fy_accuracy_of(runs, &world);

    assert_true(as_is->n_ok > 0);
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        fy_str text = disguised(&t, seed);
        fy_runs *other = parse(&text);
        fy_accuracy *shuffled = fy_accuracy_of(other, &world);

        assert_int_equal(shuffled->n_rows, as_is->n_rows);
        for (int i = 0; i < as_is->n_rows; i++) {
            same_row(&as_is->rows[i], &shuffled->rows[i], i, seed);
        }
        fy_accuracy_free(shuffled);
        fy_runs_free(other);
        fy_str_free(&text);
    }
    fy_accuracy_free(as_is);
    fy_runs_free(runs);
    fy_str_free(&plain);
    free_table(&t);
    close_world(&world);
}

static const char *path_of(const char *name)
{
    static char path[1024];
    const char *root = getenv("ROOT");

    (void)snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    return path;
}

static void own_table(void **state)
{
    (void)state;
    check_table(path_of("tests/data/runs.csv"));
}

static const char published[2][48] = {"../shared/truth/runs.csv",
                                      "../shared/truth/single-node-a100.csv"};

static void published_runs(void **state)
{
    (void)state;
    check_table(path_of(published[0]));
}

static void published_single_node(void **state)
{
    (void)state;
    check_table(path_of(published[1]));
}

/* What is not there is not handed to cmocka, whose skip() meson takes for a failure. */
int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(own_table),
        cmocka_unit_test(published_runs),
        cmocka_unit_test(published_single_node),
    };
    size_t n = 1;

    for (int i = 0; i < 2; i++) {
        if (access(path_of(published[i]), R_OK) == 0) {
            tests[n++] = tests[i + 1];
        } else {
            printf("# skipped: no %s beside the source\n", published[i]);
        }
    }
    (void)fflush(stdout);
    return _cmocka_run_group_tests("prop_validate", tests, n, NULL, NULL);
}
