/* SPDX-License-Identifier: MIT */
/*
 * Alibaba 2026 spot GPU job table, from the published schema, untested on real data. A job has
 * worker_num workers of gpu_request devices and cpu_request cores each; a gpu_request below 1 is a
 * share of a device and needs one worker. job_type HP is priority high, Spot is spot. The
 * organization is the tenant.
 * Source: alibaba/clusterdata, cluster-trace-v2026-spot-gpu.
 */
#include "trace/reader.h"

enum { JOB_NAME, ORGANIZATION, GPU_MODEL, CPU, GPU, WORKERS, SUBMIT, DURATION, TYPE };

static const fy_column columns[] = {{"job_name", true},    {"organization", false},
                                    {"gpu_model", true},   {"cpu_request", false},
                                    {"gpu_request", true}, {"worker_num", true},
                                    {"submit_time", true}, {"duration", true},
                                    {"job_type", true},    {NULL, false}};

static void read_gang(fy_row *row, fy_job_spec *job)
{
    double gpus = fy_row_double(row, GPU, 0, FY_MAX_DEVICES);
    int64_t devices = (int64_t)gpus;

    job->workers = (int)fy_row_int(row, WORKERS, 1, FY_MAX_WORKERS);
    job->min_workers = job->max_workers = job->workers;
    if (fy_row_has(row, CPU)) {
        job->cpu_milli = (int64_t)(fy_row_double(row, CPU, 0, 1e9) * 1000 + 0.5);
    }
    if (row->rc < 0) {
        return;
    }
    if (gpus > 0 && gpus < 1 && job->workers == 1 && gpus * 1000 >= 0.5 && gpus * 1000 < 999.5) {
        job->milli = (int)(gpus * 1000 + 0.5);
    } else if ((double)devices < gpus || (double)devices > gpus) {
        (void)fy_row_wrong(row, GPU, FY_ERANGE,
                           "a whole number, or a share below 1 with one worker");
    } else {
        job->devices = (int)devices;
    }
}

static int spot_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);
    fy_field type = fy_row_field(&row, TYPE);

    *job = fy_row_job(trace);
    job->name = fy_row_name(&row, JOB_NAME);
    job->tenant = fy_row_name_or_empty(&row, ORGANIZATION);
    read_gang(&row, job);
    job->submit_us = fy_row_us(&row, SUBMIT, FY_NUM_NEAREST);
    fy_job_set_duration(job, fy_row_us(&row, DURATION, FY_NUM_NEAREST));
    if (fy_field_is(type, "HP")) {
        job->priority = FY_HIGH;
    } else if (fy_field_is(type, "Spot")) {
        job->priority = FY_SPOT;
    } else {
        (void)fy_row_wrong(&row, TYPE, FY_EPARSE, "HP or Spot");
    }
    fy_row_chips(&row, GPU_MODEL, trace, fy_row_field(&row, GPU_MODEL), job);
    return row.rc < 0 ? row.rc : 1;
}

const fy_reader fy_reader_spot = {
    .name = "spot",
    .tested = "from the published schema, untested on real data",
    .separator = ',',
    .quotes = true,
    .columns = columns,
    .named = true,
    .row = spot_row,
};
