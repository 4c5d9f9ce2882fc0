/* SPDX-License-Identifier: MIT */
/*
 * Gavel's traces: ten fields separated by tabs, no header: job type, command, working folder, name
 * of the steps argument, needs data (0 or 1), total steps, scale factor, priority weight, SLO,
 * arrival. The scale factor is the gang, one device a worker; total steps is the work; rates come
 * from --rates (rates_gavel.c). A priority weight above 1 is priority high, below 1 spot. An SLO
 * other than -1 is a multiple of the time alone on the fastest chip and becomes a deadline. Jobs
 * are named by their row. Command, folder, argument and needs data do not concern the schedule.
 * Source: stanford-futuredata/gavel, scheduler/utils.py; Narayanan et al., OSDI'20.
 */
#include "trace/rates.h"
#include "trace/reader.h"

#include <string.h>

enum { TYPE, STEPS = 5, SCALE, WEIGHT, SLO, ARRIVAL, N_FIELDS };

/* Without a header the columns have no names in the file; these are for messages. */
static const fy_column columns[] = {{"job type", false},
                                    {"command", false},
                                    {"working folder", false},
                                    {"steps argument", false},
                                    {"needs data", false},
                                    {"total steps", false},
                                    {"scale factor", false},
                                    {"priority weight", false},
                                    {"SLO", false},
                                    {"arrival", false},
                                    {NULL, false}};

static bool gavel_shape(const char *line, size_t len)
{
    int tabs = 0;

    for (size_t i = 0; i < len; i++) {
        tabs += line[i] == '\t' ? 1 : 0;
    }
    return tabs == N_FIELDS - 1;
}

static int gavel_open(fy_trace *trace, fy_err *err)
{
    fy_gavel_rates *rates;
    int rc;

    if (trace->rates_path == NULL) {
        return fy_fail(err, FY_EINVAL,
                       "%s: a gavel trace needs --rates FILE, a table such as "
                       "simulation_throughputs.json",
                       trace->csv.name);
    }
    for (int i = 0; i < N_FIELDS; i++) {
        trace->column[i] = i;
    }
    rc = fy_gavel_rates_load(&rates, trace->rates_path, trace->site, err);
    trace->state = rates;
    return rc;
}

static void gavel_close(fy_trace *trace)
{
    fy_gavel_rates_free(trace->state);
}

static void read_rates(fy_row *row, fy_trace *trace, fy_job_spec *job)
{
    fy_field type = fy_row_field(row, TYPE);

    job->workers = (int)fy_row_int(row, SCALE, 1, FY_MAX_WORKERS);
    job->min_workers = job->max_workers = job->workers;
    if (row->rc < 0) {
        return;
    }
    job->n_accept =
        fy_gavel_rates_of(trace->state, type.text, job->workers, trace->accept, &job->n_absent);
    job->accept = trace->accept;
    if (job->n_accept < 0) {
        char shown[FY_SHOWN];

        row->rc = fy_row_fail(trace, row->err, FY_EPARSE,
                              "the rates have no entry for ('%s', %d); give a table that has it",
                              fy_field_shown(shown, type), job->workers);
    } else if (job->n_accept == 0 && job->n_absent == 0) {
        row->rc = fy_row_fail(trace, row->err, FY_ERANGE,
                              "the rates are 0 on every chip; the job can run nowhere");
    }
}

static void read_urgency(fy_row *row, fy_job_spec *job)
{
    double weight = fy_row_double(row, WEIGHT, 1e-9, 1e9);
    fy_field slo = fy_row_field(row, SLO);
    double factor = 0;

    job->priority = weight > 1 ? FY_HIGH : weight < 1 ? FY_SPOT : FY_NORMAL;
    if (fy_num_double(slo.text, slo.len, &factor) == FY_NUM_OK && factor == -1.0) {
        return;
    }
    factor = fy_row_double(row, SLO, 0, 1e6);
    if (row->rc == 0 && job->n_accept > 0) {
        double span_us = factor * job->work / job->accept[0].rate * 1e6;

        if (!(span_us < (double)FY_NUM_MAX_US)) {
            (void)fy_row_wrong(row, SLO, FY_ERANGE, "a deadline before 1e12 s");
            return;
        }
        job->deadline_us = job->submit_us + (int64_t)(span_us + 0.5);
    }
}

static int gavel_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);

    *job = fy_row_job(trace);
    if (trace->csv.n_fields != N_FIELDS) {
        return fy_row_fail(trace, err, FY_EPARSE, "%d fields; a gavel row has %d, tab separated",
                           trace->csv.n_fields, N_FIELDS);
    }
    job->submit_us = fy_row_us(&row, ARRIVAL, FY_NUM_NEAREST);
    job->work = fy_row_double(&row, STEPS, 0, 1e24);
    read_rates(&row, trace, job);
    read_urgency(&row, job);
    fy_str_clear(&trace->text);
    fy_str_printf(&trace->text, "%lld", (long long)trace->data_rows);
    job->name = trace->text.text;
    return row.rc < 0 ? row.rc : 1;
}

const fy_reader fy_reader_gavel = {
    .name = "gavel",
    .tested = "real data",
    .separator = '\t',
    .quotes = false,
    .columns = columns,
    .shape = gavel_shape,
    .open = gavel_open,
    .row = gavel_row,
    .close = gavel_close,
};
