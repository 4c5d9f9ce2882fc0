/* SPDX-License-Identifier: MIT */
/* Submission, for `fuyao submit` and for sbatch: the same options and files, other words. */
#ifndef FUYAO_CLI_SUBMIT_H
#define FUYAO_CLI_SUBMIT_H

#include "fuyao/chip.h"

#include <jansson.h>

typedef enum cli_manner { CLI_AS_FUYAO, CLI_AS_SBATCH } cli_manner;

/* Returns an exit code. */
int cli_submit(cli_manner manner, int argc, char **argv);

/* Make ids of the catalogue of the names in the member `chips`, which must be there. */
void cli_submit_chips(json_t *fields, const fy_catalog *catalog);

#endif
