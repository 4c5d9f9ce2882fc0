/* SPDX-License-Identifier: MIT */
/*
 * Microsoft's Philly cluster, 2017, as flattened in petuum/adaptdl: one CSV row a job. Instants are
 * local text without an offset and are read as UTC, so an hour is repeated or missing where
 * daylight saving ended (2017-11-05); rows are sorted by time, stably, and instants count from the
 * first submission. A job of n GPUs is a gang of n workers of one device, accepts any chip and
 * brings the rate 1/duration. The virtual cluster is the tenant. Jobs are named by their row.
 * gpu_time repeats duration x num_gpus and is not read.
 * Source: msr-fiddle/philly-traces; Jeon et al., ATC'19.
 */
#include "trace/reader.h"

enum { TIMESTAMP, DURATION, NUM_GPUS, CLUSTER };

static const fy_column columns[] = {
    {"timestamp", true}, {"duration", true}, {"num_gpus", true}, {"cluster", true}, {NULL, false}};

static int philly_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);
    fy_field date = fy_row_field(&row, TIMESTAMP);
    int64_t submit_s = 0;

    *job = fy_row_job(trace);
    if (!fy_parse_date(date.text, date.len, &submit_s)) {
        return fy_row_wrong(&row, TIMESTAMP, FY_EPARSE, "a date as 2017-10-09 07:01:55");
    }
    job->submit_us = submit_s * 1000000;
    fy_job_set_duration(job, fy_row_us(&row, DURATION, FY_NUM_NEAREST));
    job->workers = (int)fy_row_int(&row, NUM_GPUS, 1, FY_MAX_WORKERS);
    job->min_workers = job->max_workers = job->workers;
    job->tenant = fy_row_name_or_empty(&row, CLUSTER);
    fy_str_clear(&trace->text);
    fy_str_printf(&trace->text, "%lld", (long long)trace->data_rows);
    job->name = trace->text.text;
    return row.rc < 0 ? row.rc : 1;
}

const fy_reader fy_reader_philly = {
    .name = "philly",
    .tested = "real data",
    .separator = ',',
    .quotes = true,
    .columns = columns,
    .relative = true,
    .row = philly_row,
};
