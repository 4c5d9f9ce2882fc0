/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `fuyao sim` share. Private to the command.
 *
 *     sim_options ─► sim_plan (which runs) ─► parallel ─► sim_run: source ─► fy_sim_run ─► files
 *                                                └─► sim_table or sim_json (over the seeds of each)
 */
#ifndef FUYAO_CLI_SIM_H
#define FUYAO_CLI_SIM_H

#include "base/arena.h"
#include "cli/parallel.h"
#include "cli/planner.h"
#include "fuyao/sim.h"

#include <jansson.h>

#include <stdatomic.h>
#include <stdio.h>

enum {
    SIM_MAX_POLICIES = 16,
    SIM_MAX_SETTINGS = 64,
    SIM_MAX_SEEDS = 1000,
    SIM_AHEAD = 100000,
    SIM_MAX_REASONS = 16
};

typedef struct sim_options {
    const char *fleet, *trace, *format, *rates, *placement, *events, *jobs_out, *journal_out;
    const char *policies[SIM_MAX_POLICIES];
    int n_policies;
    fy_setting settings[SIM_MAX_SETTINGS]; /* the policies'; the run's own are below */
    int n_settings;
    fy_costs costs[2]; /* [n_costs] a run of each policy for each */
    int n_costs;
    bool costs_given;
    double round_s, round_hold_s, until_s, mtbf_s, repair_s, rack_share, power_cap_w;
    double limit_factor, inflate; /* inflate: NAN = a run by the trace's own times */
    bool whole_steps, skip_bad, hash, json, seeds_given, seed_given, shuffle_given;
    fy_limits limits;
    fy_rho rho;
    uint64_t seed; /* first; the shuffle's with --inflate */
    int n_seeds;
    char *replace_from, *replace_to; /* NULL = none */
    double replace_ratio;            /* 0 = one for one */
    fy_arena arena;
} sim_options;

/*
 * Read the command line. Returns 0, or an exit code after printing why; *stop is set where there
 * is nothing to do (--help).
 */
int sim_options_read(sim_options *options, bool *stop, int argc, char **argv);
void sim_options_free(sim_options *options);

/* ------------------------------------------------------------------ input: sim_input.c,
 * sim_replace.c */

/* A chip replaced: how each job's acceptable chips and rates follow. */
typedef struct sim_replace {
    const fy_site *from_site, *to_site; /* borrowed */
    const fy_planner *planner;          /* borrowed; of jobs that name a workload */
    int from, to;                       /* index in from_site; in to_site */
    int renumbered[FY_MAX_CHIPS];       /* chip of from_site -> chip of to_site */
} sim_replace;

void sim_replace_init(sim_replace *replace, const fy_site *from_site, const fy_site *to_site,
                      const char *from, const char *to);

/*
 * Rewrite `job`, read against from_site, for to_site.
 *   accept   room for FY_MAX_CHIPS; becomes the job's list
 * Errors: FY_EINVAL where the rate on the new chip cannot be known.
 */
int sim_replace_job(const sim_replace *replace, fy_job_spec *job, fy_accept *accept,
                    fy_err *err) FY_NODISCARD;

/* A trace, read ahead as far as SIM_AHEAD jobs (all of it for --inflate). */
typedef struct sim_input {
    const sim_options *options;
    const fy_site *read_site;   /* names of chips are resolved against it */
    const sim_replace *replace; /* NULL = none */
    cli_planner *planner;       /* rates of jobs that name a workload */
    int n_runs;                 /* how many sources will be opened */
    char path[64];              /* of standard input's copy, "" = options->trace */
    int spool;                  /* descriptor of that copy, or -1 */
    fy_trace *trace;            /* behind the jobs read ahead; NULL while a source has it */
    fy_job_spec *jobs;          /* [n_jobs] read ahead; owned by the arena */
    size_t n_jobs, room;
    int64_t n_planned;   /* of them with the planner's rates */
    bool whole;          /* they are all jobs of the trace */
    fy_trace_info about; /* after reading ahead */
    fy_arena arena;
} sim_input;

/* Open and read ahead; the caller has set options, read_site, replace and n_runs. */
int sim_input_open(sim_input *input, fy_err *err) FY_NODISCARD;
/* Say which rows --skip-bad has passed over, on standard error. */
void sim_input_report(const sim_input *input);
void sim_input_close(sim_input *input);

/* One run's view of the input: first what was read ahead, then the trace in batches. */
typedef struct sim_source {
    const sim_input *input;
    fy_trace *trace;         /* NULL where what was read ahead is all */
    const fy_job_spec *jobs; /* [n_jobs] read ahead or the batch */
    size_t next, n_jobs;
    fy_job_spec *batch; /* owned */
    fy_arena arena;     /* of the batch */
    double read_s;
} sim_source;

int sim_source_open(sim_source *source, sim_input *input, fy_err *err) FY_NODISCARD;
int sim_source_next(void *source, fy_job_spec *job, fy_err *err);
void sim_source_close(sim_source *source, sim_input *input);

/* Processor time of the calling thread [s]. */
double sim_cpu_s(void);

/* ------------------------------------------------------------------ events: sim_events.c */

typedef struct sim_events {
    fy_happening *list; /* [n] */
    size_t n, room;
    fy_arena arena;
} sim_events;

/* Read --events FILE, strictly. Errors: file:line. */
int sim_events_read(sim_events *events, const char *path, const fy_site *site,
                    fy_err *err) FY_NODISCARD;
void sim_events_free(sim_events *events);

/* ------------------------------------------------------------------ runs: sim.c, sim_files.c */

/* Refuse a file to be written that another option names too. Returns 0, or an exit code. */
int sim_files_check(const sim_options *options);

typedef struct sim_output sim_output; /* the jobs and journal files of the one run */
int sim_output_open(sim_output **out, const sim_options *options, fy_sim_options *sim,
                    fy_err *err) FY_NODISCARD;
/* Finish or drop the files; with `keep` the journal's SHA-256 goes to `sha256` if wanted. */
int sim_output_close(sim_output *output, bool keep, char sha256[65], fy_err *err) FY_NODISCARD;

typedef struct sim_reasons {
    struct {
        const char *text; /* borrowed from the library */
        int64_t jobs;
    } list[SIM_MAX_REASONS]; /* [n] */
    int n;
} sim_reasons;

typedef struct sim_run {
    const char *policy;
    fy_costs costs;
    uint64_t seed;
    fy_sim_result *result;
    double cpu_s;
    int64_t noted;              /* jobs done as progress has counted them */
    char sha256[65];            /* "" = not asked for */
    sim_reasons never, waiting; /* why jobs can never be placed; why they wait at the end */
    void (*write_job)(void *ctx, const fy_sim_job *job); /* NULL without --jobs-out */
    void *write_job_ctx;
    int status;
    fy_err err;
} sim_run;

/* Everything the runs share; constant while they run, but for the run of one's own. */
typedef struct sim_plan {
    const sim_options *options;
    const fy_site *site;
    sim_input *input;
    sim_events events;
    sim_run *runs; /* [n_runs]: by policy, then costs, then seed */
    int n_runs;
} sim_plan;

/* ------------------------------------------------------------------ progress: sim_progress.c */

void sim_progress_begin(const sim_plan *plan);
void sim_progress_note(void *run, int64_t done, int64_t now_us);
void sim_progress_end(void);

#endif
