/* SPDX-License-Identifier: MIT */
/*
 * The names that scripts know, reached through argv[0]: sbatch, squeue, scancel, sinfo. Output
 * forms as Slurm 22.05 prints them; a chip stands where a partition would.
 */
#ifndef FUYAO_CLI_SLURM_H
#define FUYAO_CLI_SLURM_H

#include "base/str.h"
#include "cli/client.h"

/* The program of that name, or NULL. */
typedef int (*slurm_main)(int argc, char **argv);
slurm_main slurm_program(const char *name);

int slurm_sbatch(int argc, char **argv);
int slurm_squeue(int argc, char **argv);
int slurm_scancel(int argc, char **argv);
int slurm_sinfo(int argc, char **argv);

/* Print `PROGRAM: error: TEXT`; returns 1, as these programs do. */
int slurm_fail(const char *program, const char *fmt, ...) FY_PRINTF(2, 3);

/* ------------------------------------------------------------------ hostlists */

/* Add names as a hostlist: h800-[01-16,20],cpu1. `names` [n] are sorted in place. */
void slurm_hostlist(fy_str *out, const char **names, size_t n);

/* Is `name` in a hostlist such as h800-[01-16,20],cpu1? */
bool slurm_in_hostlist(const char *list, const char *name);

/* Is `text` one of the words of a list with commas, ignoring case? */
bool slurm_in_list(const char *list, const char *text);

/* ------------------------------------------------------------------ formats */

/* The text of one field (`%c`), NULL where there is none of that letter; header: its title. */
typedef struct slurm_field {
    char letter;
    const char *title;
    void (*put)(fy_str *out, const void *row);
} slurm_field;

/*
 * Print a row, or with `row` NULL the titles, by a format such as "%.18i %.9P %20j": a point sets
 * right, a number is the width, what is longer is cut. Returns false for a letter that is not in
 * `fields` (ended by letter 0); *bad is then that letter.
 */
bool slurm_print(const char *format, const slurm_field *fields, const void *row, char *bad);

#endif
