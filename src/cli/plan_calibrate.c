/* SPDX-License-Identifier: MIT */
/*
 * `fuyao plan --calibrate ROWS…`: fit the planner's constants on measured runs and print them as
 * a file that `--constants FILE` reads. data/stacks/constants.yaml is made by this command.
 */
#include "cli/cmd.h"
#include "cli/plan.h"
#include "fuyao/calibrate.h"

#include <getopt.h>
#include <stdio.h>

enum { MAX_TABLES = 16, OPT_CALIBRATE = 256, OPT_LEFT_OUT, OPT_CHIP };

static const char usage[] =
    "usage: fuyao plan --calibrate ROWS [ROWS…] [--left-out] [--chip ID]\n"
    "Fit the planner's constants on measured runs; prints a file for --constants.\n\n"
    "  ROWS         tables of runs as for --validate\n"
    "  --left-out   fit again without each set of runs, to judge predictions of unseen ones\n"
    "  --chip ID    the constants are for this chip alone, not for its family\n";

static const struct option long_options[] = {
    {"calibrate", required_argument, NULL, OPT_CALIBRATE},
    {"left-out", no_argument, NULL, OPT_LEFT_OUT},
    {"chip", required_argument, NULL, OPT_CHIP},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

typedef struct wanted {
    const char *paths[MAX_TABLES];
    int n;
    const char *chip; /* NULL = by family */
    fy_left_out left_out;
} wanted;

/* Returns 0, or an exit code after printing; *stop: there is nothing more to do. */
static int read_arguments(int argc, char **argv, wanted *w, bool *stop)
{
    int opt;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        switch (opt) {
        case 'h':
            fputs(usage, stdout);
            *stop = true;
            return 0;
        case OPT_CALIBRATE:
            w->paths[w->n++] = optarg;
            break;
        case OPT_LEFT_OUT:
            w->left_out = FY_EACH_SET_LEFT_OUT;
            break;
        case OPT_CHIP:
            w->chip = optarg;
            break;
        case ':':
            return cli_fail(CLI_USAGE, "plan: %.60s needs a value", argv[optind - 1]);
        default:
            return cli_fail(CLI_USAGE, "plan: --calibrate does not go with %.60s",
                            argv[optind - 1]);
        }
        if (w->n == MAX_TABLES) {
            return cli_fail(CLI_USAGE, "plan: at most %d tables", MAX_TABLES - 1);
        }
    }
    for (int i = optind; i < argc; i++) {
        if (w->n == MAX_TABLES) {
            return cli_fail(CLI_USAGE, "plan: at most %d tables", MAX_TABLES - 1);
        }
        w->paths[w->n++] = argv[i];
    }
    return 0;
}

/* A number with four digits, as the reader takes it. */
static void print_number(const char *name, double value)
{
    printf("    %s: \"%.4g\"\n", name, value);
}

/* How far the runs reach: what a wider interval of a prediction beyond them goes by. */
static void print_reach(const fy_reach *r)
{
    if (r->devices == 0) {
        return;
    }
    printf("    devices: %d\n    precisions:", r->devices);
    for (int i = 0; i < FY_N_PRECISIONS; i++) {
        if (r->precisions >> i & 1U) {
            printf(" %s", fy_precision_name((fy_precision)i));
        }
    }
    printf("\n%s%s", r->experts ? "    experts: true\n" : "",
           r->sharded ? "    sharded: true\n" : "");
    print_number("pressed", r->pressed);
    printf("    shares:");
    for (int i = 0; i < FY_N_TERMS; i++) {
        if (r->share[i] > 0) {
            printf(" %s %.3g", fy_term_name((fy_term)i), r->share[i]);
        }
    }
    printf("\n");
}

static void print_entry(const fy_calibrated *e, const char *chip)
{
    if (chip != NULL) {
        printf("  - chip: %s\n    family: %s\n", chip, e->family);
    } else {
        printf("  - family: %s\n", e->family);
    }
    printf("    stack: %s\n", e->stack);
    if (e->without[0] != '\0') {
        printf("    without: %s\n", e->without);
    }
    printf("    rows: %d\n", e->constants.rows);
    print_number("spread", e->constants.spread);
    print_reach(&e->constants.reach);
    for (int i = 0; i < FY_N_CONSTANTS; i++) {
        print_number(fy_constant_name((fy_constant)i), e->constants.value[i]);
    }
}

static void print_all(const fy_calibration *c, const char *chip)
{
    printf("# Constants of the planner, fitted on measured runs by `fuyao plan --calibrate`.\n"
           "# docs/model.md gives each its physical meaning.\n"
           "constants:\n");
    for (int i = 0; i < fy_calibration_count(c); i++) {
        print_entry(fy_calibration_at(c, i), chip);
    }
}

static int calibrate(const plan_data *data, const wanted *w)
{
    fy_runs *tables[MAX_TABLES] = {NULL};
    fy_err err = {0};
    int code = 0;
    for (int i = 0; i < w->n && code == 0; i++) {
        if (fy_runs_read(&tables[i], w->paths[i], &err) != 0) {
            code = cli_fail_err(&err);
        }
    }
    if (code == 0) {
        fy_run_world world = {data->catalog, data->workloads, data->stacks};
        fy_calibration *c = fy_calibrate((const fy_runs *const *)tables, w->n, &world, w->left_out);
        if (fy_calibration_count(c) == 0) {
            code = cli_fail(CLI_USAGE, "plan: --calibrate: no run of these tables has a step time "
                                       "and a layout that can be predicted");
        } else {
            print_all(c, w->chip);
        }
        fy_calibration_free(c);
    }
    for (int i = 0; i < w->n; i++) {
        fy_runs_free(tables[i]);
    }
    return code;
}

int plan_calibrate_run(int argc, char **argv)
{
    wanted w = {.left_out = FY_ALL_ROWS};
    plan_data data = {0};
    bool stop = false;
    int code = read_arguments(argc, argv, &w, &stop);
    if (code != 0 || stop) {
        return code;
    }
    code = plan_data_open(&data, NULL);
    if (code == 0 && w.chip != NULL && fy_catalog_find_chip(data.catalog, w.chip) == NULL) {
        code = cli_fail(CLI_USAGE, "plan: no chip \"%.60s\"; `fuyao chips` lists them", w.chip);
    }
    code = code == 0 ? calibrate(&data, &w) : code;
    plan_data_close(&data);
    return code;
}
