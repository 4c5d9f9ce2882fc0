/* SPDX-License-Identifier: MIT */
/*
 * Standard Workload Format, from the published schema, untested on real data: 18 numbers a line
 * separated by blanks, -1 = unknown, lines starting with `;` are comments. Processors are taken as
 * devices: the allocated ones, else the requested, make a gang of one-device workers that accepts
 * any chip. Run time is the duration, requested time the limit, user the tenant. Status 0 is a
 * failed job, 5 a cancelled one; cancelled without having run, it waits for its wait time and would
 * have used its requested time. Average CPU time, memory, group, executable, queue, partition,
 * preceding job and think time are not read (submit times hold the last two already).
 * Source: D. Feitelson, Parallel Workloads Archive, "The Standard Workload Format".
 */
#include "trace/reader.h"

enum {
    NUMBER,
    SUBMIT,
    WAIT,
    RUN,
    ALLOCATED,
    CPU_TIME,
    MEMORY,
    REQUESTED,
    REQUESTED_TIME,
    REQUESTED_MEMORY,
    STATUS,
    USER,
    N_FIELDS = 18
};

static const char *const names[N_FIELDS] = {"job number",
                                            "submit time",
                                            "wait time",
                                            "run time",
                                            "allocated processors",
                                            "average CPU time",
                                            "used memory",
                                            "requested processors",
                                            "requested time",
                                            "requested memory",
                                            "status",
                                            "user",
                                            "group",
                                            "executable",
                                            "queue",
                                            "partition",
                                            "preceding job",
                                            "think time"};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The fields of a line; returns their number, counting no further than N_FIELDS + 1. */
static int split(fy_field line, fy_field *fields)
{
    int n = 0;
    size_t i = 0;

    while (i < line.len && n <= N_FIELDS) {
        size_t begin;

        while (i < line.len && is_blank(line.text[i])) {
            i++;
        }
        begin = i;
        while (i < line.len && !is_blank(line.text[i])) {
            i++;
        }
        if (i > begin) {
            if (n < N_FIELDS) {
                fields[n] = (fy_field){line.text + begin, i - begin};
            }
            n++;
        }
    }
    return n;
}

static bool swf_shape(const char *line, size_t len)
{
    fy_field fields[N_FIELDS];
    double x;

    if (len > 0 && line[0] == ';') {
        return true;
    }
    if (split((fy_field){line, len}, fields) != N_FIELDS) {
        return false;
    }
    for (int i = 0; i < N_FIELDS; i++) {
        if (fy_num_double(fields[i].text, fields[i].len, &x) != FY_NUM_OK) {
            return false;
        }
    }
    return true;
}

/* One line being read, with the first error. */
typedef struct swf_line {
    fy_trace *trace;
    fy_field fields[N_FIELDS];
    fy_err *err;
    int rc;
} swf_line;

static void wrong(swf_line *line, int i, const char *right)
{
    char shown[FY_SHOWN];

    if (line->rc == 0) {
        line->rc = fy_row_fail(line->trace, line->err, FY_EPARSE, "%s is '%s'; it must be %s",
                               names[i], fy_field_shown(shown, line->fields[i]), right);
    }
}

static bool is_unknown(const swf_line *line, int i)
{
    return fy_field_is(line->fields[i], "-1");
}

/* Seconds as microseconds, -1 if unknown. */
static int64_t read_us(swf_line *line, int i)
{
    int64_t us = -1;

    if (!is_unknown(line, i) &&
        fy_num_us(line->fields[i].text, line->fields[i].len, FY_NUM_NEAREST, &us) != FY_NUM_OK) {
        wrong(line, i, "seconds, 0 or more and below 1e12, or -1");
    }
    return us;
}

/* A whole number in [low, high], -1 if unknown. */
static int64_t read_int(swf_line *line, int i, int64_t low, int64_t high)
{
    int64_t value = -1;

    if (!is_unknown(line, i) &&
        fy_num_int(line->fields[i].text, line->fields[i].len, low, high, &value) != FY_NUM_OK) {
        wrong(line, i, "a whole number, or -1");
    }
    return value;
}

static void read_end(swf_line *line, fy_job_spec *job)
{
    int64_t status = read_int(line, STATUS, 0, 5), run_us = read_us(line, RUN);
    int64_t wait_us = read_us(line, WAIT);

    job->limit_us = read_us(line, REQUESTED_TIME);
    job->limit_us = job->limit_us == 0 ? -1 : job->limit_us;
    job->end = status == 0 ? FY_END_FAIL : status == 5 ? FY_END_CANCEL : FY_END_FINISH;
    if (status == 5 && run_us <= 0 && wait_us >= 0 && job->limit_us > 0) {
        job->end = FY_END_FINISH;
        job->cancel_us = wait_us;
        run_us = job->limit_us;
    }
    if (run_us < 0) {
        wrong(line, RUN, "known (or the job cancelled, with wait and requested time known)");
    }
    fy_job_set_duration(job, run_us);
}

static int swf_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    swf_line line = {.trace = trace, .err = err};
    fy_field text = trace->csv.fields[0];
    int64_t devices, number, user;
    size_t job_end;
    int n;

    *job = fy_row_job(trace);
    if (text.text[0] == ';') {
        return 0;
    }
    n = split(text, line.fields);
    if (n != N_FIELDS) {
        return fy_row_fail(trace, err, FY_EPARSE, "%s%d fields; a line has %d",
                           n > N_FIELDS ? "more than " : "", n > N_FIELDS ? N_FIELDS : n, N_FIELDS);
    }
    if (is_unknown(&line, SUBMIT)) {
        wrong(&line, SUBMIT, "known");
    }
    job->submit_us = read_us(&line, SUBMIT);
    devices = read_int(&line, ALLOCATED, 0, FY_MAX_WORKERS);
    devices = devices > 0 ? devices : read_int(&line, REQUESTED, 0, FY_MAX_WORKERS);
    if (devices <= 0) {
        wrong(&line, REQUESTED, "known, 1 or more, where no processors were allocated");
    }
    job->workers = job->min_workers = job->max_workers = (int)devices;
    read_end(&line, job);
    number = read_int(&line, NUMBER, 0, INT64_MAX);
    user = read_int(&line, USER, 0, INT64_MAX);
    if (number < 0) {
        wrong(&line, NUMBER, "known");
    }
    fy_str_clear(&trace->text);
    fy_str_printf(&trace->text, "%lld", (long long)number);
    job_end = trace->text.len + 1;
    fy_str_add(&trace->text, "", 1); /* the two names share the buffer */
    if (user >= 0) {
        fy_str_printf(&trace->text, "user-%lld", (long long)user);
    }
    job->name = trace->text.text;
    job->tenant = trace->text.text + job_end;
    return line.rc < 0 ? line.rc : 1;
}

const fy_reader fy_reader_swf = {
    .name = "swf",
    .tested = "from the published schema, untested on real data",
    .separator = '\n',
    .quotes = false,
    .shape = swf_shape,
    .named = true,
    .row = swf_row,
};
