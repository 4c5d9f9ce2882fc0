/* SPDX-License-Identifier: MIT */
/* `fuyao plan`: options, the data, and which question is asked. */
#include "cli/plan.h"

#include "cli/cmd.h"
#include "cli/plan_ask.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao plan --validate FILE [--constants FILE] [--json]\n"
    "Predict runs that others measured, and say how far off the predictions are.\n\n"
    "  --validate FILE       a table of runs as CSV, `-` = standard input; docs/plan.md has its\n"
    "                        columns. What a row leaves blank is filled from the shipped workload\n"
    "                        of that name, by convention, or by the fastest layout that fits\n"
    "  --constants FILE      constants measured on a site (--calibrate) before the shipped ones\n"
    "  --json                JSON instead of tables: every row, its terms, how blanks were "
    "filled\n\n"
    "A prediction sees nothing that was measured, nor a row's id, source, year or note.\n";

enum { OPT_VALIDATE = 256, OPT_CONSTANTS, OPT_JSON };

static const struct option long_options[] = {
    {"validate", required_argument, NULL, OPT_VALIDATE},
    {"constants", required_argument, NULL, OPT_CONSTANTS},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Returns 0, or an exit code after printing; *stop: there is nothing more to do. */
static int read_arguments(int argc, char **argv, plan_options *o, bool *stop)
{
    int opt;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        switch (opt) {
        case 'h':
            fputs(usage, stdout);
            *stop = true;
            return 0;
        case OPT_VALIDATE:
            o->validate = optarg;
            break;
        case OPT_CONSTANTS:
            o->constants = optarg;
            break;
        case OPT_JSON:
            o->json = true;
            break;
        case ':':
            return cli_fail(CLI_USAGE, "plan: %.60s needs a value", argv[optind - 1]);
        default:
            return cli_fail(CLI_USAGE, "plan: unknown option %.60s; `fuyao plan --help`",
                            argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return cli_fail(CLI_USAGE, "plan: unexpected argument %.60s; `fuyao plan --help`",
                        argv[optind]);
    }
    if (o->validate == NULL) {
        return cli_fail(CLI_USAGE, "plan: --validate FILE is needed; `fuyao plan --help`");
    }
    return 0;
}

int plan_data_open(plan_data *data, const char *constants)
{
    char folder[CLI_PATH_MAX];
    fy_err err = {0};
    int code = cli_data_dir(folder);

    if (code != 0) {
        return code;
    }
    if (fy_catalog_load(&data->catalog, folder, &err) != 0 ||
        fy_workloads_load(&data->workloads, folder, &err) != 0 ||
        fy_stacks_load(&data->stacks, folder, &err) != 0 ||
        (constants != NULL && fy_stacks_add_constants(data->stacks, constants, &err) != 0)) {
        return cli_fail_err(&err);
    }
    return 0;
}

void plan_data_close(plan_data *data)
{
    fy_stacks_free(data->stacks);
    fy_workloads_free(data->workloads);
    fy_catalog_free(data->catalog);
}

static bool has_option(int argc, char **argv, const char *option)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], option, strlen(option)) == 0) {
            return true;
        }
    }
    return false;
}

int cmd_plan(int argc, char **argv)
{
    if (has_option(argc, argv, "--calibrate")) {
        return plan_calibrate_run(argc, argv);
    }
    if (!has_option(argc, argv, "--validate")) {
        return plan_question_run(argc, argv);
    }
    plan_options options = {0};
    plan_data data = {0};
    bool stop = false;
    int code = read_arguments(argc, argv, &options, &stop);

    if (code != 0 || stop) {
        return code;
    }
    code = plan_data_open(&data, options.constants);
    if (code == 0) {
        code = plan_validate(&data, &options);
    }
    plan_data_close(&data);
    return code;
}
