/* SPDX-License-Identifier: MIT */
/* `fuyao plan --validate`: how far off the predictions are, as tables for people. */
#include "base/arena.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/plan.h"
#include "cli/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_WORST = 10, N_REASONS = 10 };

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void cell_share(cli_table *table, double share, bool sign)
{
    if (!fy_known(share)) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, sign ? "%+.1f %%" : "%.1f %%", share * 100);
    }
}

static void cell_number(cli_table *table, double value)
{
    char text[FY_UNITS_TEXT];

    cli_table_cell(table, "%s", fy_known(value) ? fy_units_format_number(text, value) : "-");
}

/* ------------------------------------------------------------------ parts */

static void print_counts(const fy_accuracy *a)
{
    printf("%d run%s: %d compared, %d not comparable, %d skipped\n", a->n_rows, plural(a->n_rows),
           a->n_ok, a->n_not_comparable, a->n_skipped);
}

static void print_sets(const fy_accuracy *a)
{
    cli_table *table;

    if (a->n_sets == 0) {
        return;
    }
    table = cli_table_new();
    cli_table_column(table, "SET", CLI_LEFT);
    cli_table_column(table, "RUNS", CLI_RIGHT);
    cli_table_column(table, "MAPE", CLI_RIGHT);
    cli_table_column(table, "MEDIAN", CLI_RIGHT);
    cli_table_column(table, "P90", CLI_RIGHT);
    cli_table_column(table, "BIAS", CLI_RIGHT);
    cli_table_column(table, "LEFT OUT", CLI_RIGHT);
    for (int i = 0; i < a->n_sets; i++) {
        const fy_set_accuracy *s = &a->sets[i];

        cli_table_row(table);
        cli_table_cell(table, "%s", s->set);
        cli_table_cell(table, "%d", s->n);
        cell_share(table, s->mape, false);
        cell_share(table, s->median, false);
        cell_share(table, s->p90, false);
        cell_share(table, s->bias, true);
        cell_share(table, s->mape_left_out, false);
    }
    printf("\nError of the step time by set; left out = with constants fitted without the set.\n");
    cli_table_print(table);
}

static void print_rankings(const fy_accuracy *a)
{
    double *values = fy_calloc((size_t)a->n_rankings + 1, sizeof *values);
    int n_tau = 0, within = 0;
    double tau, worst = 0;

    for (int i = 0; i < a->n_rankings; i++) {
        const fy_ranking *r = &a->rankings[i];

        if (fy_known(r->tau_b)) {
            values[n_tau++] = r->tau_b;
        }
        within += r->regret <= 0.03;
        worst = fmax(worst, r->regret);
    }
    tau = fy_quantile(values, n_tau, 0.5);
    if (a->n_rankings > 0) {
        printf("\nRanking: %d group%s of one model on the same chips with one batch\n",
               a->n_rankings, plural(a->n_rankings));
        if (n_tau > 0) {
            printf("  median tau-b %.2f, lowest %.2f\n", tau, values[0]);
        }
        printf("  the run predicted fastest is within 3 %% of the best in %d, at worst %.1f %% "
               "behind\n",
               within, worst * 100);
    }
    free(values);
}

static void print_memory(const fy_accuracy *a)
{
    cli_table *table;

    if (a->n_memory == 0) {
        return;
    }
    table = cli_table_new();
    cli_table_column(table, "KIND", CLI_LEFT);
    cli_table_column(table, "RUNS", CLI_RIGHT);
    cli_table_column(table, "MAPE", CLI_RIGHT);
    cli_table_column(table, "BELOW 95 %", CLI_RIGHT);
    for (int i = 0; i < a->n_memory; i++) {
        const fy_memory_accuracy *m = &a->memory[i];

        cli_table_row(table);
        cli_table_cell(table, "%s", fy_memory_kind_name(m->kind));
        cli_table_cell(table, "%d", m->n);
        cell_share(table, m->mape, false);
        cell_share(table, m->below, false);
    }
    printf("\nMemory of the fullest device; the last column is the share of runs predicted below\n"
           "95 %% of what was measured.\n");
    cli_table_print(table);
}

static void print_intervals(const fy_accuracy *a)
{
    if (fy_known(a->coverage80)) {
        printf("\n80 %% intervals hold %.1f %% of the measured step times; median width "
               "+-%.1f %%\n",
               a->coverage80 * 100, a->width80 * 100);
    }
}

/* ------------------------------------------------------------------ rows */

typedef struct listed {
    const fy_run_result *row;
} listed;

static int by_error(const void *a, const void *b)
{
    const fy_run_result *x = ((const listed *)a)->row, *y = ((const listed *)b)->row;
    double ex = fabs(x->error), ey = fabs(y->error);

    return ex > ey ? -1 : ex < ey ? 1 : x < y ? -1 : x > y;
}

/* What was searched, with the bounds: `vpp=2 microbatch=4, 3.1 .. 4.4 s`. */
static void cell_search(cli_table *table, const fy_prediction *p)
{
    fy_str text = {0};
    char value[FY_CELL_TEXT], low[FY_UNITS_TEXT], high[FY_UNITS_TEXT];

    for (int i = 0; i < FY_N_CELLS; i++) {
        if (p->spec.origin[i] == FY_ORIGIN_SEARCH) {
            fy_str_printf(&text, "%s%s=%s", text.len > 0 ? " " : "",
                          fy_run_cell_name((fy_run_cell)i),
                          fy_run_cell_text(value, &p->spec, (fy_run_cell)i));
        }
    }
    if (text.len > 0) {
        fy_str_printf(&text, ", %s .. %s s", fy_units_format_number(low, p->fastest_s),
                      fy_units_format_number(high, p->slowest_s));
    }
    cli_table_cell(table, "%s", text.len > 0 ? text.text : "");
    fy_str_free(&text);
}

static const char *largest_term(const fy_estimate *e)
{
    int largest = 0;

    for (int i = 1; i < FY_N_TERMS; i++) {
        largest = e->term_s[i] > e->term_s[largest] ? i : largest;
    }
    return fy_term_name((fy_term)largest);
}

static void print_worst(const fy_accuracy *a)
{
    listed *rows = fy_calloc((size_t)a->n_rows + 1, sizeof *rows);
    cli_table *table = cli_table_new();
    int n = 0;

    for (int i = 0; i < a->n_rows; i++) {
        if (a->rows[i].status == FY_RUN_OK) {
            rows[n++].row = &a->rows[i];
        }
    }
    qsort(rows, (size_t)n, sizeof *rows, by_error);
    cli_table_column(table, "RUN", CLI_LEFT);
    cli_table_column(table, "SET", CLI_LEFT);
    cli_table_column(table, "MODEL", CLI_LEFT);
    cli_table_column(table, "MEASURED s", CLI_RIGHT);
    cli_table_column(table, "PREDICTED s", CLI_RIGHT);
    cli_table_column(table, "ERROR", CLI_RIGHT);
    cli_table_column(table, "LARGEST TERM", CLI_LEFT);
    cli_table_column(table, "FITS", CLI_LEFT);
    cli_table_column(table, "SEARCHED", CLI_WRAP);
    for (int i = 0; i < n && i < N_WORST; i++) {
        const fy_run_result *r = rows[i].row;

        cli_table_row(table);
        cli_table_cell(table, "%s", r->run->id);
        cli_table_cell(table, "%s", r->run->set);
        cli_table_cell(table, "%s", r->run->spec.model_name);
        cell_number(table, r->run->measured.step_s);
        cell_number(table, r->prediction.estimate.step_s);
        cell_share(table, r->error, true);
        cli_table_cell(table, "%s", largest_term(&r->prediction.estimate));
        cli_table_cell(table, "%s", r->prediction.estimate.memory.fits ? "yes" : "no");
        cell_search(table, &r->prediction);
    }
    if (n > 0) {
        printf("\nFarthest off:\n");
        cli_table_print(table);
    } else {
        cli_table_free(table);
    }
    free(rows);
}

static void print_skipped(const fy_accuracy *a)
{
    int n = 0;

    for (int i = 0; i < a->n_rows; i++) {
        const fy_run_result *r = &a->rows[i];

        if (r->status != FY_RUN_SKIPPED) {
            continue;
        }
        if (n == 0) {
            printf("\nSkipped:\n");
        }
        if (n++ < N_REASONS) {
            printf("  %s: %s\n", r->run->id, r->reason);
        }
    }
    if (n > N_REASONS) {
        printf("  and %d more; --json lists all\n", n - N_REASONS);
    }
}

int plan_validate(const plan_data *data, const plan_options *options)
{
    fy_run_world world = {data->catalog, data->workloads, data->stacks};
    fy_runs *runs;
    fy_accuracy *accuracy;
    fy_err err = {0};

    if (fy_runs_read(&runs, options->validate, &err) != 0) {
        return cli_fail_err(&err);
    }
    accuracy = fy_accuracy_of(runs, &world);
    if (options->json) {
        plan_validate_json(accuracy);
    } else {
        print_counts(accuracy);
        print_sets(accuracy);
        print_rankings(accuracy);
        print_memory(accuracy);
        print_intervals(accuracy);
        print_worst(accuracy);
        print_skipped(accuracy);
    }
    fy_accuracy_free(accuracy);
    fy_runs_free(runs);
    return CLI_OK;
}
