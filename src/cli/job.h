/* SPDX-License-Identifier: MIT */
/*
 * A job as a person writes it: #FUYAO and #SBATCH lines of a script, a YAML file, options on the
 * command line. All three say the same options by the same table; what is said later wins, and the
 * result is the JSON of a submission. What Slurm knows and Fuyao does not is named in a warning.
 *
 *     #SBATCH lines ─► #FUYAO lines ─► (or YAML) ─► command line ─► cli_job_finish ─► JSON
 */
#ifndef FUYAO_CLI_JOB_H
#define FUYAO_CLI_JOB_H

#include "base/arena.h"
#include "base/str.h"
#include "fuyao/error.h"

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>

/* Gang and sizes as Slurm states them; -1 = not said. */
typedef struct cli_job_slurm {
    int64_t nodes, tasks, tasks_per_node, cpus_per_task;
    int64_t gpus, gpus_per_node, gpus_per_task;
    int64_t memory_mib, memory_per_cpu_mib, memory_per_gpu_mib;
} cli_job_slurm;

typedef enum cli_export { CLI_EXPORT_UNSAID, CLI_EXPORT_NONE, CLI_EXPORT_ALL } cli_export;

typedef struct cli_job {
    json_t *fields;    /* of the submission, where an option is a field */
    json_t *variables; /* stated by --env and --export */
    fy_str warnings;   /* lines */
    fy_arena arena;
    cli_job_slurm slurm;
    bool from_slurm; /* #SBATCH lines or the name sbatch: devices default to none */
    cli_export export;
    const char *wrap;   /* NULL, or a command for the shell */
    const char *folder; /* where relative paths begin; absolute, borrowed */
    const char *user;   /* for %u in paths, borrowed; NULL = unknown */
    int64_t now_us;     /* for deadlines that begin with + */

    /* what the client does with it */
    bool parsable, wait, dry_run, json, print, quiet, help;
    const char *socket;
} cli_job;

void cli_job_open(cli_job *job, const char *folder, const char *user, int64_t now_us);
void cli_job_close(cli_job *job);

/* ------------------------------------------------------------------ one option */

typedef struct cli_job_option cli_job_option; /* a row of the table */

/* By long name without dashes or by letter; NULL = there is none. */
const cli_job_option *cli_job_option_named(const char *name, size_t len);
const cli_job_option *cli_job_option_letter(char letter);

/* Take it with its value (NULL without). Errors: one line that begins with --NAME. */
int cli_job_take(cli_job *job, const cli_job_option *option, const char *value,
                 fy_err *err) FY_NODISCARD;

/* `text`, as printf, as one more warning. */
void cli_job_warn(cli_job *job, const char *fmt, ...) FY_PRINTF(2, 3);

/*
 * Take the options at the beginning of `words` [n].
 *   strict   true: an unknown option is an error; else it is named in a warning and passed over,
 *            with the word after it if that is no option and `swallow` says so
 * *used = words taken; the rest begins with the first operand (a lone `--` is taken).
 */
typedef enum cli_unknown { CLI_UNKNOWN_FAILS, CLI_UNKNOWN_WARNS, CLI_UNKNOWN_SWALLOWS } cli_unknown;
int cli_job_words(cli_job *job, char *const *words, int n, cli_unknown unknown, int *used,
                  fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ files */

enum { CLI_JOB_MAX_FILE = 1 << 20 };

/* Directives of a script, and the script itself. `name` stands for it in errors. */
int cli_job_script(cli_job *job, const char *name, const char *text, size_t len,
                   fy_err *err) FY_NODISCARD;
/* A YAML file: keys are options' names, values their values. */
int cli_job_yaml(cli_job *job, const char *name, const char *text, size_t len,
                 fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ the whole */

/* Words of the command (without a script) or arguments of the script. */
void cli_job_args(cli_job *job, char *const *words, int n);

/*
 * The submission's JSON, checked as the daemon will check it.
 *   environment   NULL, or what --export=ALL takes from (NAME=value, NULL-terminated)
 * *json is owned by the job's arena.
 */
int cli_job_finish(cli_job *job, char *const *environment, const char **json, size_t *len,
                   fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ values: job_values.c */

/* Time as D-HH:MM:SS, HH:MM:SS, MM:SS, or numbers with units (90s, 1h30m, 10 min, 2 d). A number
 * alone is minutes where `bare` says so, else refused. */
typedef enum cli_bare { CLI_BARE_NO, CLI_BARE_MINUTES } cli_bare;
int cli_read_span(const char *text, cli_bare bare, int64_t *us, fy_err *err) FY_NODISCARD;
/* 2026-12-01, 2026-12-01T08:00[:30] in local time or with Z; +SPAN from now. */
int cli_read_instant(const char *text, int64_t now_us, int64_t *us, fy_err *err) FY_NODISCARD;
/* 1T, 15.5e12, 300B, 20k. */
int cli_read_amount(const char *text, double *out, fy_err *err) FY_NODISCARD;
/* Slurm's 4000, 512M, 64G, or 64 GiB; MiB without a unit, rounded up. */
int cli_read_memory(const char *text, int64_t *mib, fy_err *err) FY_NODISCARD;

#endif
