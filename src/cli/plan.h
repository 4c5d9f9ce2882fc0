/* SPDX-License-Identifier: MIT */
/* What the parts of `fuyao plan` share. Private to the command. */
#ifndef FUYAO_CLI_PLAN_H
#define FUYAO_CLI_PLAN_H

#include "fuyao/accuracy.h"

#include <stdbool.h>

typedef struct plan_options {
    const char *validate;  /* a table of measured runs; NULL = not asked */
    const char *constants; /* further constants; NULL = none */
    bool json;
} plan_options;

/* The catalogue, the workloads and the stacks of the data folder. */
typedef struct plan_data {
    fy_catalog *catalog;
    fy_workloads *workloads;
    fy_stacks *stacks;
} plan_data;

/*
 * Load them, and the constants of the file at `constants` (NULL = none) besides. Returns 0, or an
 * exit code after printing why; the caller closes either way.
 */
int plan_data_open(plan_data *data, const char *constants);
void plan_data_close(plan_data *data);

/* `--validate`: predict every run of the table and say how far off. Returns an exit code. */
int plan_validate(const plan_data *data, const plan_options *options);

/* `--calibrate`: constants from measured runs, as a file. Returns an exit code. */
int plan_calibrate_run(int argc, char **argv);

void plan_validate_json(const fy_accuracy *accuracy);

#endif
