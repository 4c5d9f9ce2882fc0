/* SPDX-License-Identifier: MIT */
/*
 * Sia's workloads: name, time, application, num_replicas, batch_size. A job is a gang of
 * num_replicas workers of one device; its work is counted in iterations and its rates come from the
 * folder of profiles given by --rates (rates_sia.c). Replicas are fixed.
 * Source: siasosp23/artifacts, sia-simulator/workloads; Jayaram Subramanya et al., SOSP'23.
 */
#include "trace/rates.h"
#include "trace/reader.h"

enum { NAME, TIME, APPLICATION, REPLICAS, BATCH };

static const fy_column columns[] = {{"name", true},        {"time", true},
                                    {"application", true}, {"num_replicas", true},
                                    {"batch_size", true},  {NULL, false}};

static int sia_open(fy_trace *trace, fy_err *err)
{
    if (trace->rates_path == NULL) {
        return fy_fail(err, FY_EINVAL,
                       "%s: a sia trace needs --rates FOLDER, the profiles by application",
                       trace->csv.name);
    }
    trace->state = fy_sia_rates_new(trace->rates_path, trace->site);
    return 0;
}

static void sia_close(fy_trace *trace)
{
    fy_sia_rates_free(trace->state);
}

static int sia_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);
    fy_err why;
    const char *application;
    int batch, rc;

    *job = fy_row_job(trace);
    job->name = fy_row_name(&row, NAME);
    job->submit_us = fy_row_us(&row, TIME, FY_NUM_NEAREST);
    job->workers = (int)fy_row_int(&row, REPLICAS, 1, 10000);
    job->min_workers = job->max_workers = job->workers;
    batch = (int)fy_row_int(&row, BATCH, 1, 1000000000);
    application = fy_row_name(&row, APPLICATION);
    if (row.rc < 0) {
        return row.rc;
    }
    rc = fy_sia_work(trace->state, application, batch, &job->work, &why);
    if (rc == 0) {
        rc = fy_sia_rates_of(trace->state, application, job->workers, batch, trace->accept,
                             &job->n_accept, &job->n_absent, &why);
    }
    job->accept = trace->accept;
    return rc < 0 ? fy_row_fail(trace, err, rc, "%s", why.text) : 1;
}

const fy_reader fy_reader_sia = {
    .name = "sia",
    .tested = "real data",
    .separator = ',',
    .quotes = true,
    .columns = columns,
    .named = true,
    .open = sia_open,
    .row = sia_row,
    .close = sia_close,
};
