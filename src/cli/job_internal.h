/* SPDX-License-Identifier: MIT */
/* The table of a job's options; for job_options.c and job_take.c alone. */
#ifndef FUYAO_CLI_JOB_INTERNAL_H
#define FUYAO_CLI_JOB_INTERNAL_H

#include "cli/job.h"

/* How an option's value is read. The first kinds put it into a field of the submission. */
typedef enum job_kind {
    JOB_TEXT,
    JOB_COUNT,
    JOB_AMOUNT,
    JOB_SPAN,
    JOB_MINUTES, /* a span; a number alone is minutes, UNLIMITED is none */
    JOB_INSTANT,
    JOB_YES,
    JOB_NO,
    JOB_SIZE,    /* at: offset of an int64_t in cli_job, MiB */
    JOB_NUMBER,  /* at: the same, a count */
    JOB_SWITCH,  /* at: offset of a bool in cli_job */
    JOB_WORDING, /* at: offset of a const char * in cli_job */
    JOB_IGNORED, /* known to Slurm; named in a warning */
    JOB_SPECIAL  /* its own function in job_take.c */
} job_kind;

typedef enum cli_job_word { CLI_WORD_NONE, CLI_WORD_NEEDED, CLI_WORD_OPTIONAL } cli_job_word;

typedef int (*job_take_fn)(cli_job *job, const char *value, fy_err *err);

struct cli_job_option {
    const char *name;
    char letter; /* 0 = none */
    cli_job_word word;
    job_kind kind;
    const char *field; /* of the submission; of ignored ones why */
    size_t at;
    int64_t low, high; /* of counts */
    job_take_fn take;
};

/* job_take.c */
int job_take_array(cli_job *job, const char *value, fy_err *err);
int job_take_chips(cli_job *job, const char *value, fy_err *err);
int job_take_constraint(cli_job *job, const char *value, fy_err *err);
int job_take_dependency(cli_job *job, const char *value, fy_err *err);
int job_take_env(cli_job *job, const char *value, fy_err *err);
int job_take_export(cli_job *job, const char *value, fy_err *err);
int job_take_gres(cli_job *job, const char *value, fy_err *err);
int job_take_gpus(cli_job *job, const char *value, fy_err *err);
int job_take_gpus_per_node(cli_job *job, const char *value, fy_err *err);
int job_take_gpus_per_task(cli_job *job, const char *value, fy_err *err);
int job_take_nodes(cli_job *job, const char *value, fy_err *err);
int job_take_path(cli_job *job, const char *field, const char *value, fy_err *err);
int job_take_output(cli_job *job, const char *value, fy_err *err);
int job_take_error(cli_job *job, const char *value, fy_err *err);
int job_take_folder(cli_job *job, const char *value, fy_err *err);
int job_take_qos(cli_job *job, const char *value, fy_err *err);
int job_take_rate(cli_job *job, const char *value, fy_err *err);
int job_take_share(cli_job *job, const char *value, fy_err *err);
int job_take_signal(cli_job *job, const char *value, fy_err *err);
int job_take_cpus(cli_job *job, const char *value, fy_err *err);

#endif
