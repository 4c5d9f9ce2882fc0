/* SPDX-License-Identifier: MIT */
/*
 * The trace as a source of jobs: read ahead for the typical mix, then as a stream in batches, so
 * that reading and deciding can be timed apart. Each run reads for itself; a trace that was read
 * ahead as a whole is shared. Standard input is copied to a file where it is read more than once.
 */
#include "cli/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 4096 };

double sim_cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ------------------------------------------------------------------ standard input, kept */

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno != EINTR) {
            return -1;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int spool_input(sim_input *input, fy_err *err)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    char bytes[65536];
    ssize_t n;

    (void)snprintf(path, sizeof path, "%s/fuyao-trace-XXXXXX",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    input->spool = mkstemp(path);
    if (input->spool < 0) {
        return fy_fail(err, FY_EIO, "cannot make a file for standard input, %.100s: %s", path,
                       strerror(errno));
    }
    (void)unlink(path);
    (void)snprintf(input->path, sizeof input->path, "/proc/self/fd/%d", input->spool);
    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || write_all(input->spool, bytes, (size_t)n) != 0) {
            return fy_fail(err, FY_EIO, "cannot keep standard input for several runs: %s",
                           strerror(errno));
        }
    }
    return 0;
}

/* Errors name standard input, not its copy. */
static int blame(const sim_input *input, int status, fy_err *err)
{
    size_t len = strlen(input->path);

    if (status < 0 && len > 0 && strncmp(err->text, input->path, len) == 0) {
        char rest[FY_ERR_TEXT];

        (void)snprintf(rest, sizeof rest, "%s", err->text + len);
        return fy_fail(err, err->code, "standard input%s", rest);
    }
    return status;
}

static int open_trace(const sim_input *input, fy_trace **out, fy_err *err)
{
    const sim_options *o = input->options;
    fy_trace_options how = {.site = input->read_site,
                            .format = o->format,
                            .rates_path = o->rates,
                            .planner = cli_planner_face(input->planner),
                            .skip_bad = o->skip_bad};

    return blame(
        input, fy_trace_open(out, input->path[0] != '\0' ? input->path : o->trace, &how, err), err);
}

/* ------------------------------------------------------------------ jobs that outlive their row */

static const void *copy_of(fy_arena *arena, const void *bytes, size_t size)
{
    void *copy;

    if (size == 0) {
        return NULL;
    }
    copy = fy_arena_alloc(arena, size);
    memcpy(copy, bytes, size);
    return copy;
}

/* `before`: the job before it, whose tenant's name it may share, or NULL. */
static void keep_job(fy_arena *arena, fy_job_spec *to, const fy_job_spec *job,
                     const fy_job_spec *before)
{
    *to = *job;
    to->name = fy_arena_strdup(arena, job->name);
    to->tenant = before != NULL && strcmp(before->tenant, job->tenant) == 0
                     ? before->tenant
                     : fy_arena_strdup(arena, job->tenant);
    to->accept = copy_of(arena, job->accept, (size_t)job->n_accept * sizeof *job->accept);
    to->after = copy_of(arena, job->after, (size_t)job->n_after * sizeof *job->after);
}

/* The next job, its chips and rates after --replace. */
static int next_job(const sim_input *input, fy_trace *trace, fy_job_spec *job, fy_accept *accept,
                    fy_err *err)
{
    int status = blame(input, fy_trace_next(trace, job, err), err);

    if (status > 0 && input->replace != NULL) {
        int replaced = sim_replace_job(input->replace, job, accept, err);

        status = replaced < 0 ? replaced : status;
    }
    return status;
}

int sim_input_open(sim_input *input, fy_err *err)
{
    bool all = fy_known(input->options->inflate);
    fy_accept accept[FY_MAX_CHIPS];
    fy_job_spec job;
    int status = 0;

    input->spool = -1;
    if (strcmp(input->options->trace, "-") == 0 && input->n_runs > 1) {
        status = spool_input(input, err);
    }
    status = status == 0 ? open_trace(input, &input->trace, err) : status;
    while (status >= 0 && (all || input->n_jobs < SIM_AHEAD)) {
        status = next_job(input, input->trace, &job, accept, err);
        if (status <= 0) {
            break;
        }
        input->jobs = fy_grow(input->jobs, &input->room, input->n_jobs + 1, sizeof *input->jobs);
        keep_job(&input->arena, &input->jobs[input->n_jobs], &job,
                 input->n_jobs > 0 ? &input->jobs[input->n_jobs - 1] : NULL);
        input->n_jobs++;
        input->n_planned += job.planned;
    }
    cli_planner_counted(input->planner);
    if (status < 0) {
        return status;
    }
    input->whole = status == 0;
    input->about = fy_trace_about(input->trace);
    return 0;
}

void sim_input_report(const sim_input *input)
{
    int64_t n = input->trace != NULL ? fy_trace_about(input->trace).skipped : 0;

    if (n > 0) {
        fprintf(stderr, "fuyao: %lld bad row%s passed over:\n", (long long)n, n > 1 ? "s" : "");
    }
    for (int64_t i = 0; i < n && i < 1000; i++) {
        fprintf(stderr, "  %s\n", fy_trace_skipped(input->trace, i));
    }
    if (n > 1000) {
        fprintf(stderr, "  and %lld more\n", (long long)(n - 1000));
    }
}

void sim_input_close(sim_input *input)
{
    fy_trace_close(input->trace);
    fy_arena_free(&input->arena);
    free(input->jobs);
    if (input->spool >= 0) {
        (void)close(input->spool);
    }
}

/* ------------------------------------------------------------------ one run's stream */

int sim_source_open(sim_source *source, sim_input *input, fy_err *err)
{
    *source = (sim_source){.input = input};
    if (input->whole || input->n_runs == 1) {
        source->jobs = input->jobs;
        source->n_jobs = input->n_jobs;
    }
    if (input->whole) {
        return 0;
    }
    source->batch = fy_calloc(BATCH, sizeof *source->batch);
    if (input->n_runs == 1) {
        source->trace = input->trace;
        input->trace = NULL;
        return 0;
    }
    return open_trace(input, &source->trace, err);
}

static int fill_batch(sim_source *source, fy_err *err)
{
    double begun_s = sim_cpu_s();
    fy_accept accept[FY_MAX_CHIPS];
    fy_job_spec job;
    int status = 1;

    fy_arena_free(&source->arena);
    source->jobs = source->batch;
    source->next = source->n_jobs = 0;
    while (source->n_jobs < BATCH && status > 0) {
        status = next_job(source->input, source->trace, &job, accept, err);
        if (status > 0) {
            keep_job(&source->arena, &source->batch[source->n_jobs], &job,
                     source->n_jobs > 0 ? &source->batch[source->n_jobs - 1] : NULL);
            source->n_jobs++;
        }
    }
    source->read_s += sim_cpu_s() - begun_s;
    return status < 0 ? status : 0;
}

int sim_source_next(void *ctx, fy_job_spec *job, fy_err *err)
{
    sim_source *source = ctx;

    if (source->next == source->n_jobs && source->trace != NULL) {
        int status = fill_batch(source, err);

        if (status < 0) {
            return status;
        }
    }
    if (source->next == source->n_jobs) {
        return 0;
    }
    *job = source->jobs[source->next++];
    return 1;
}

void sim_source_close(sim_source *source, sim_input *input)
{
    if (input->n_runs == 1 && source->trace != NULL) {
        input->trace = source->trace; /* it knows which rows it passed over */
    } else {
        fy_trace_close(source->trace);
    }
    fy_arena_free(&source->arena);
    free(source->batch);
}
