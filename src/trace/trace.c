/* SPDX-License-Identifier: MIT */
/*
 * Opening a trace: which format it is, and the one loop through which every format's rows pass
 * (bad rows, names that occur twice, order of submission, sorting).
 */
#include "trace/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 1000 };

const fy_reader *const fy_readers[] = {
    &fy_reader_canonical, &fy_reader_philly, &fy_reader_pai, &fy_reader_openb, &fy_reader_spot,
    &fy_reader_gavel,     &fy_reader_sia,    &fy_reader_swf, &fy_reader_sacct, NULL,
};

/* ------------------------------------------------------------------ recognition */

/* Does the header `line` have a column called `name`, quoted or not? */
static bool line_has(fy_field line, char separator, const char *name)
{
    size_t len = strlen(name);
    const char *p = line.text, *end = line.text + line.len;

    while (p <= end) {
        const char *stop = memchr(p, separator, (size_t)(end - p));
        size_t width = (size_t)((stop != NULL ? stop : end) - p);

        if (width >= 2 && *p == '"' && p[width - 1] == '"') {
            p++;
            width -= 2;
        }
        if (width == len && memcmp(p, name, len) == 0) {
            return true;
        }
        if (stop == NULL) {
            return false;
        }
        p = stop + 1;
    }
    return false;
}

static bool reader_fits(const fy_reader *reader, fy_field line)
{
    if (reader->shape != NULL) {
        return reader->shape(line.text, line.len);
    }
    for (const fy_column *c = reader->columns; c->name != NULL; c++) {
        if (c->needed && !line_has(line, reader->separator, c->name)) {
            return false;
        }
    }
    return true;
}

static int choose_reader(fy_trace *trace, const char *format, fy_field line, fy_err *err)
{
    fy_str names = {0};

    for (int i = 0; fy_readers[i] != NULL; i++) {
        const fy_reader *reader = fy_readers[i];

        if (format != NULL ? strcmp(format, reader->name) == 0 : reader_fits(reader, line)) {
            trace->reader = reader;
            fy_str_free(&names);
            return 0;
        }
        fy_str_printf(&names, "%s%s", i > 0 ? ", " : "", reader->name);
    }
    if (format != NULL) {
        (void)fy_fail(err, FY_EINVAL, "'%s' is no trace format; the formats are %s", format,
                      names.text);
    } else {
        char shown[FY_SHOWN];

        (void)fy_fail(err, FY_EPARSE,
                      "%s:1: no trace format starts with '%s'; the formats are %s; name one with "
                      "--format",
                      trace->csv.name, fy_field_shown(shown, line), names.text);
    }
    fy_str_free(&names);
    return format != NULL ? FY_EINVAL : FY_EPARSE;
}

static int refuse_others(const fy_trace *trace, fy_err *err)
{
    for (int i = 0; i < trace->csv.n_header; i++) {
        const fy_column *c = trace->reader->columns;

        while (c->name != NULL && !fy_field_is(trace->csv.header[i], c->name)) {
            c++;
        }
        if (c->name == NULL) {
            char shown[FY_SHOWN];

            return fy_row_fail(trace, err, FY_EPARSE,
                               "column '%s' is unknown; docs/traces.md lists the columns of the "
                               "%s format",
                               fy_field_shown(shown, trace->csv.header[i]), trace->reader->name);
        }
    }
    return 0;
}

static int read_header(fy_trace *trace, fy_err *err)
{
    const fy_column *columns = trace->reader->columns;
    int rc = fy_csv_header(&trace->csv, err);

    if (rc < 0) {
        return rc;
    }
    for (int i = 0; columns[i].name != NULL; i++) {
        assert(i < FY_MAX_COLUMNS);
        trace->column[i] = fy_csv_column(&trace->csv, columns[i].name);
        if (columns[i].needed && trace->column[i] < 0) {
            return fy_row_fail(trace, err, FY_EPARSE,
                               "column '%s' is missing; the %s format needs it", columns[i].name,
                               trace->reader->name);
        }
    }
    return trace->reader->only_columns ? refuse_others(trace, err) : 0;
}

static int open_reader(fy_trace *trace, const char *format, fy_err *err)
{
    fy_field line;
    int rc = fy_csv_peek(&trace->csv, &line, err);

    if (rc < 0) {
        return rc;
    }
    if (rc == 0) {
        return fy_fail(err, FY_EPARSE, "%s: is empty; a trace has at least one job",
                       trace->csv.name);
    }
    rc = choose_reader(trace, format, line, err);
    if (rc < 0) {
        return rc;
    }
    trace->csv.separator = trace->reader->separator;
    trace->csv.quotes = trace->reader->quotes;
    trace->info.format = trace->reader->name;
    trace->info.tested = trace->reader->tested;
    if (trace->reader->shape == NULL) {
        rc = read_header(trace, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (trace->reader->open != NULL) {
        return trace->reader->open(trace, err);
    }
    if (trace->rates_path != NULL) {
        return fy_fail(err, FY_EINVAL,
                       "the %s format takes no rates file; only gavel and sia traces do",
                       trace->reader->name);
    }
    return 0;
}

static fy_trace *new_trace(const fy_trace_options *options)
{
    fy_trace *trace = fy_calloc(1, sizeof *trace);

    trace->site = options->site;
    trace->rates_path = options->rates_path;
    trace->planner = options->planner;
    trace->skip_bad = options->skip_bad;
    trace->names = fy_names_new();
    trace->lists = fy_chip_lists_new(options->site);
    return trace;
}

/* `rc` is that of opening trace->csv. */
static int finish_open(fy_trace **out, fy_trace *trace, int rc, const char *format, fy_err *err)
{
    *out = NULL;
    if (rc == 0) {
        rc = open_reader(trace, format, err);
    }
    if (rc < 0) {
        fy_trace_close(trace);
        return rc;
    }
    *out = trace;
    return 0;
}

int fy_trace_open(fy_trace **out, const char *path, const fy_trace_options *options, fy_err *err)
{
    fy_trace *trace = new_trace(options);

    return finish_open(out, trace, fy_csv_open(&trace->csv, path, err), options->format, err);
}

int fy_trace_open_bytes(fy_trace **out, const char *name, const void *bytes, size_t len,
                        const fy_trace_options *options, fy_err *err)
{
    fy_trace *trace = new_trace(options);

    return finish_open(out, trace, fy_csv_open_bytes(&trace->csv, name, bytes, len, err),
                       options->format, err);
}

void fy_trace_close(fy_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    if (trace->reader != NULL && trace->reader->close != NULL) {
        trace->reader->close(trace);
    }
    fy_csv_close(&trace->csv);
    fy_names_free(trace->names);
    fy_chip_lists_free(trace->lists);
    fy_str_free(&trace->text);
    free(trace->skipped);
    free(trace->jobs);
    fy_arena_free(&trace->arena);
    free(trace);
}

/* ------------------------------------------------------------------ rows */

/* What holds for a job of any format: its place in the order, and its name. */
static int check_job(fy_trace *trace, const fy_job_spec *job, fy_err *err)
{
    size_t len = strlen(job->name);

    if (trace->reader->streamed && job->submit_us < trace->last_us) {
        return fy_row_fail(trace, err, FY_EPARSE,
                           "job '%.60s' is submitted before the job above it; sort the rows by "
                           "submit_s",
                           job->name);
    }
    if (trace->reader->named) {
        int64_t sequence = trace->reader->streamed ? trace->info.rows : (int64_t)trace->n_jobs;

        if (!fy_names_add(trace->names, job->name, len, sequence)) {
            return fy_row_fail(trace, err, FY_EPARSE,
                               "job '%.60s' occurs twice; every job needs a name of its own",
                               job->name);
        }
    }
    trace->last_us = job->submit_us;
    return 1;
}

static void note_skipped(fy_trace *trace, const fy_err *err)
{
    if (trace->info.skipped < MAX_LISTED) {
        trace->skipped = fy_grow(trace->skipped, &trace->skipped_room,
                                 (size_t)trace->info.skipped + 1, sizeof *trace->skipped);
        trace->skipped[trace->info.skipped] = fy_arena_strdup(&trace->arena, err->text);
    }
    trace->info.skipped++;
}

/* The next good row: 1, 0 at the end, or an error. */
static int next_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    for (;;) {
        fy_err bad;
        int rc = fy_csv_next(&trace->csv, &bad);

        if (rc == 0) {
            return 0;
        }
        trace->data_rows++;
        if (rc > 0) {
            rc = trace->reader->row(trace, job, &bad);
        }
        if (rc > 0) {
            rc = check_job(trace, job, &bad);
        }
        if (rc > 0) {
            return 1;
        }
        if (rc < 0 && (!trace->skip_bad || trace->csv.broken)) {
            trace->failed = true;
            return fy_fail(err, rc, "%s", bad.text);
        }
        if (rc < 0) {
            note_skipped(trace, &bad);
        }
    }
}

/* ------------------------------------------------------------------ formats read whole */

static bool same_chips(const fy_job_spec *a, const fy_job_spec *b)
{
    if (a->n_accept != b->n_accept) {
        return false;
    }
    for (int i = 0; i < a->n_accept; i++) {
        const fy_accept *x = &a->accept[i], *y = &b->accept[i];

        if (x->chip != y->chip || x->grade != y->grade || x->rate != y->rate ||
            x->rate_spread != y->rate_spread) {
            return false;
        }
    }
    return true;
}

/* A copy of `job` whose strings and lists live as long as the trace. */
static fy_job_spec keep_job(fy_trace *trace, const fy_job_spec *job)
{
    const fy_job_spec *last = trace->n_jobs > 0 ? &trace->jobs[trace->n_jobs - 1] : NULL;
    fy_job_spec copy = *job;

    assert(job->n_after == 0); /* no such format has dependencies */
    copy.name = fy_arena_strdup(&trace->arena, job->name);
    copy.tenant = last != NULL && strcmp(last->tenant, job->tenant) == 0
                      ? last->tenant
                      : fy_arena_strdup(&trace->arena, job->tenant);
    if (last != NULL && same_chips(last, job)) {
        copy.accept = last->accept;
    } else {
        fy_accept *accept = fy_arena_alloc(&trace->arena, (size_t)job->n_accept * sizeof *accept);

        memcpy(accept, job->accept, (size_t)job->n_accept * sizeof *accept);
        copy.accept = accept;
    }
    return copy;
}

typedef struct order {
    int64_t submit_us;
    size_t index;
} order;

static int by_submission(const void *a, const void *b)
{
    const order *x = a, *y = b;

    if (x->submit_us != y->submit_us) {
        return x->submit_us < y->submit_us ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Sort stably by submission, and shift instants if the format's are dates. */
static void sort_jobs(fy_trace *trace)
{
    size_t n = trace->n_jobs;
    order *orders = fy_calloc(n, sizeof *orders);
    fy_job_spec *sorted = fy_calloc(n, sizeof *sorted);
    int64_t zero_us;

    for (size_t i = 0; i < n; i++) {
        orders[i] = (order){trace->jobs[i].submit_us, i};
    }
    qsort(orders, n, sizeof *orders, by_submission);
    zero_us = trace->reader->relative && n > 0 ? orders[0].submit_us : 0;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = trace->jobs[orders[i].index];
        sorted[i].submit_us -= zero_us;
    }
    free(orders);
    free(trace->jobs);
    trace->jobs = sorted;
}

static int load_jobs(fy_trace *trace, fy_err *err)
{
    fy_job_spec job = fy_job_spec_default();
    int rc;

    while ((rc = next_row(trace, &job, err)) > 0) {
        fy_job_spec copy = keep_job(trace, &job);

        trace->jobs =
            fy_grow(trace->jobs, &trace->jobs_room, trace->n_jobs + 1, sizeof *trace->jobs);
        trace->jobs[trace->n_jobs++] = copy;
    }
    if (rc == 0) {
        sort_jobs(trace);
        trace->loaded = true;
    }
    return rc;
}

static int next_loaded(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    if (!trace->loaded) {
        int rc = load_jobs(trace, err);

        if (rc < 0) {
            return rc;
        }
    }
    if (trace->next_job == trace->n_jobs) {
        return 0;
    }
    *job = trace->jobs[trace->next_job++];
    return 1;
}

/* ------------------------------------------------------------------ the public face */

int fy_trace_next(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    int rc;

    if (trace->failed) {
        return fy_fail(err, FY_EINVAL, "%s: reading has failed before", trace->csv.name);
    }
    rc = trace->reader->streamed ? next_row(trace, job, err) : next_loaded(trace, job, err);
    if (rc > 0) {
        trace->info.rows++;
        trace->info.states_limits = trace->info.states_limits || job->limit_us >= 0;
        trace->info.states_costs = trace->info.states_costs || job->checkpoint_interval_us >= 0 ||
                                   job->checkpoint_cost_us >= 0 || job->restart_cost_us >= 0;
    } else if (rc == 0 && trace->info.rows == 0) {
        trace->failed = true;
        return fy_fail(err, FY_EPARSE, "%s: holds no job%s", trace->csv.name,
                       trace->info.skipped > 0 ? " that could be read" : "");
    }
    return rc;
}

fy_trace_info fy_trace_about(const fy_trace *trace)
{
    return trace->info;
}

const char *fy_trace_skipped(const fy_trace *trace, int64_t i)
{
    assert(i >= 0 && i < trace->info.skipped && i < MAX_LISTED);
    return trace->skipped[i];
}

const fy_trace_format *fy_trace_formats(void)
{
    static const fy_trace_format formats[] = {
        {"canonical", "Fuyao's own CSV, as docs/traces.md describes it"},
        {"philly", "Microsoft Philly 2017, flat CSV"},
        {"pai", "Alibaba PAI 2020, CSV of its simulator"},
        {"openb", "Alibaba 2023 (openb) pod list"},
        {"spot", "Alibaba 2026 spot GPU job table (from the published schema, untested on real "
                 "data)"},
        {"gavel", "Gavel trace, tab separated; needs --rates FILE.json"},
        {"sia", "Sia workload; needs --rates FOLDER of profiles"},
        {"swf", "Standard Workload Format (from the published schema, untested on real data)"},
        {"sacct", "Slurm `sacct --parsable2` (from the published schema, untested on real data)"},
        {NULL, NULL},
    };

    return formats;
}
