/* SPDX-License-Identifier: MIT */
/* Submission, for `fuyao submit` and for sbatch: the same options and files, other words. */
#ifndef FUYAO_CLI_SUBMIT_H
#define FUYAO_CLI_SUBMIT_H

typedef enum cli_manner { CLI_AS_FUYAO, CLI_AS_SBATCH } cli_manner;

/* Returns an exit code. */
int cli_submit(cli_manner manner, int argc, char **argv);

#endif
