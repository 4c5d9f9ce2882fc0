/* SPDX-License-Identifier: MIT */
/*
 * Slurm's own history, `sacct --parsable2` with its header, from the published schema, untested on
 * real data. Needed: JobID, Submit, State, Elapsed and AllocTRES or ReqTRES. A row whose JobID has
 * a dot is a step of a job and is passed over. n GPUs (gres/gpu:TYPE=n names the chip, gres/gpu=n
 * any) are a gang of n one-device workers; cpu and mem are divided among them. A job without a GPU
 * has zero devices. Elapsed is the duration, Timelimit the limit, Account, else User, the tenant.
 * Instants are read as UTC and count from the first submission. FAILED, TIMEOUT, NODE_FAIL,
 * OUT_OF_MEMORY, BOOT_FAIL, DEADLINE and PREEMPTED end in failure; CANCELLED after no time waits
 * from Submit to End and would have used its Timelimit. A job that has not ended is a bad row.
 * Source: sacct(1) of Slurm 22.05 to 24.11.
 */
#include "trace/reader.h"

#include <string.h>

enum { JOB_ID, SUBMIT, STATE, ELAPSED, ALLOC, REQ, LIMIT, ACCOUNT, USER, END };

static const fy_column columns[] = {{"JobID", true},      {"Submit", true},     {"State", true},
                                    {"Elapsed", true},    {"AllocTRES", false}, {"ReqTRES", false},
                                    {"Timelimit", false}, {"Account", false},   {"User", false},
                                    {"End", false},       {NULL, false}};

/* [days-]hours:minutes:seconds, or minutes:seconds. */
static bool parse_span(fy_field field, int64_t *out_us)
{
    const char *dash = field.len > 0 ? memchr(field.text, '-', field.len) : NULL;
    const char *p = dash != NULL ? dash + 1 : field.text, *end = field.text + field.len;
    int64_t days = 0, part, total_s = 0;
    int parts = 0;

    if (dash != NULL &&
        fy_num_int(field.text, (size_t)(dash - field.text), 0, 1000000, &days) != FY_NUM_OK) {
        return false;
    }
    while (p <= end) {
        const char *colon = p < end ? memchr(p, ':', (size_t)(end - p)) : NULL;
        const char *stop = colon != NULL ? colon : end;

        if (++parts > 3 || fy_num_int(p, (size_t)(stop - p), 0, 1000000, &part) != FY_NUM_OK ||
            (parts > 1 && part > 59)) {
            return false;
        }
        total_s = total_s * 60 + part;
        p = stop + 1;
    }
    *out_us = (days * 86400 + total_s) * 1000000;
    return parts == 3 || (parts == 2 && dash == NULL);
}

/* A count with a unit as in mem=64G: mebibytes. Slurm's units are powers of 1024. */
static bool parse_mib(const char *text, size_t len, int64_t *out)
{
    static const char units[] = "KMGTP";
    const char *unit = len > 0 && text[len - 1] != '\0' ? strchr(units, text[len - 1]) : NULL;
    double value, factor = 1.0 / 1024 / 1024;

    for (const char *u = units; unit != NULL && u <= unit; u++) {
        factor *= 1024;
    }
    if (fy_num_double(text, unit != NULL ? len - 1 : len, &value) != FY_NUM_OK || value < 0 ||
        value * factor > (double)FY_MAX_MIB) {
        return false;
    }
    *out = (int64_t)(value * factor + 0.999999);
    return true;
}

/* What a TRES list gives: "billing=8,cpu=8,gres/gpu=4,gres/gpu:a100=4,mem=64G,node=1". */
typedef struct tres {
    int64_t gpus, typed; /* all, and of the named type */
    fy_field type;
    int64_t cpus, mib;
    int n_types;
} tres;

static bool parse_tres(fy_field list, tres *out)
{
    static const char gpu[] = "gres/gpu";
    const char *p = list.text, *end = list.text + list.len;

    *out = (tres){0};
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma != NULL ? comma : end;
        const char *equals = memchr(p, '=', (size_t)(stop - p));
        size_t key = equals != NULL ? (size_t)(equals - p) : 0, g = sizeof gpu - 1;
        fy_field value = {equals != NULL ? equals + 1 : p,
                          equals != NULL ? (size_t)(stop - equals - 1) : 0};
        bool ok = equals != NULL;

        if (ok && key == 3 && memcmp(p, "cpu", 3) == 0) {
            ok = fy_num_int(value.text, value.len, 0, 1000000000, &out->cpus) == FY_NUM_OK;
        } else if (ok && key == 3 && memcmp(p, "mem", 3) == 0) {
            ok = parse_mib(value.text, value.len, &out->mib);
        } else if (ok && key == g && memcmp(p, gpu, g) == 0) {
            ok = fy_num_int(value.text, value.len, 0, FY_MAX_WORKERS, &out->gpus) == FY_NUM_OK;
        } else if (ok && key > g + 1 && memcmp(p, gpu, g) == 0 && p[g] == ':') {
            ok = fy_num_int(value.text, value.len, 0, FY_MAX_WORKERS, &out->typed) == FY_NUM_OK;
            out->type = (fy_field){p + g + 1, key - g - 1};
            out->n_types++;
        }
        if (!ok) {
            return false;
        }
        p = stop + 1;
    }
    return true;
}

static void read_tres(fy_row *row, fy_trace *trace, fy_job_spec *job)
{
    int column = fy_row_has(row, ALLOC) ? ALLOC : REQ;
    int64_t n;
    tres t;

    if (!parse_tres(fy_row_field(row, column), &t)) {
        (void)fy_row_wrong(row, column, FY_EPARSE,
                           "a list such as cpu=8,gres/gpu:a100=4,mem=64G,node=1");
        return;
    }
    if (t.n_types > 1 || (t.n_types == 1 && t.gpus > 0 && t.gpus != t.typed)) {
        (void)fy_row_wrong(row, column, FY_EPARSE,
                           "of one GPU type; gangs of several are not read");
        return;
    }
    n = t.n_types == 1 ? t.typed : t.gpus;
    job->devices = n > 0 ? 1 : 0;
    job->workers = job->min_workers = job->max_workers = n > 0 ? (int)n : 1;
    job->cpu_milli = (t.cpus * 1000 + job->workers - 1) / job->workers;
    job->memory_mib = (t.mib + job->workers - 1) / job->workers;
    if (n > 0 && t.n_types == 1) {
        fy_row_chips(row, column, trace, t.type, job);
    }
}

/* A date, or seconds since 1970. */
static int64_t read_instant_us(fy_row *row, int column)
{
    fy_field field = fy_row_field(row, column);
    int64_t s = 0;

    if (!fy_parse_date(field.text, field.len, &s) &&
        fy_num_int(field.text, field.len, 0, 100000000000, &s) != FY_NUM_OK) {
        (void)fy_row_wrong(row, column, FY_EPARSE,
                           "a date as 2026-01-31T23:59:59, or seconds since 1970");
    }
    return s * 1000000;
}

static void read_state(fy_row *row, fy_job_spec *job)
{
    static const char *const failed[] = {"FAILED",    "TIMEOUT",  "NODE_FAIL", "OUT_OF_MEMORY",
                                         "BOOT_FAIL", "DEADLINE", "PREEMPTED"};
    fy_field state = fy_row_field(row, STATE);

    if (fy_field_is(state, "COMPLETED")) {
        return;
    }
    if (state.len >= 9 && memcmp(state.text, "CANCELLED", 9) == 0) { /* "CANCELLED by 1000" */
        job->end = FY_END_CANCEL;
        return;
    }
    for (size_t i = 0; i < sizeof failed / sizeof failed[0]; i++) {
        if (fy_field_is(state, failed[i])) {
            job->end = FY_END_FAIL;
            return;
        }
    }
    (void)fy_row_wrong(row, STATE, FY_EPARSE,
                       "that of a job that has ended; ask sacct for --state=CD,F,CA,TO,NF,OOM");
}

static void read_spans(fy_row *row, fy_job_spec *job)
{
    fy_field limit = fy_row_field(row, LIMIT);
    int64_t elapsed_us = 0;

    if (!parse_span(fy_row_field(row, ELAPSED), &elapsed_us)) {
        (void)fy_row_wrong(row, ELAPSED, FY_EPARSE, "[days-]hours:minutes:seconds");
    }
    if (limit.len > 0 && !fy_field_is(limit, "UNLIMITED") &&
        !fy_field_is(limit, "Partition_Limit") && !parse_span(limit, &job->limit_us)) {
        (void)fy_row_wrong(row, LIMIT, FY_EPARSE, "[days-]hours:minutes:seconds or UNLIMITED");
    }
    job->limit_us = job->limit_us == 0 ? -1 : job->limit_us;
    if (job->end == FY_END_CANCEL && elapsed_us == 0 && job->limit_us > 0 && fy_row_has(row, END)) {
        int64_t end_us = read_instant_us(row, END);

        if (row->rc == 0 && end_us < job->submit_us) {
            (void)fy_row_wrong(row, END, FY_ERANGE, "at or after Submit");
        }
        job->end = FY_END_FINISH;
        job->cancel_us = end_us - job->submit_us;
        elapsed_us = job->limit_us;
    }
    fy_job_set_duration(job, elapsed_us);
}

static int sacct_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);

    *job = fy_row_job(trace);
    job->name = fy_row_name(&row, JOB_ID);
    if (row.rc == 0 && strchr(job->name, '.') != NULL) {
        return 0; /* a step */
    }
    job->submit_us = read_instant_us(&row, SUBMIT);
    job->tenant = fy_row_name_or_empty(&row, fy_row_has(&row, ACCOUNT) ? ACCOUNT : USER);
    read_state(&row, job);
    read_spans(&row, job);
    read_tres(&row, trace, job);
    return row.rc < 0 ? row.rc : 1;
}

static int sacct_open(fy_trace *trace, fy_err *err)
{
    if (trace->rates_path != NULL) {
        return fy_fail(err, FY_EINVAL, "the sacct format takes no rates file");
    }
    if (trace->column[ALLOC] < 0 && trace->column[REQ] < 0) {
        return fy_fail(err, FY_EPARSE,
                       "%s:1: neither AllocTRES nor ReqTRES; add one to sacct --format",
                       trace->csv.name);
    }
    return 0;
}

const fy_reader fy_reader_sacct = {
    .name = "sacct",
    .tested = "from the published schema, untested on real data",
    .separator = '|',
    .quotes = false,
    .columns = columns,
    .relative = true,
    .named = true,
    .open = sacct_open,
    .row = sacct_row,
};
