/* SPDX-License-Identifier: MIT */
/*
 * Alibaba PAI 2020, the columns of cluster-trace-gpu-v2020's simulator. A job is a gang of
 * num_inst x num_gpu workers of one device; with 0 < num_gpu < 1 and one instance it is a share of
 * a device. num_cpu counts cores an instance. gpu_type names the chip, MISC or nothing = any. The
 * columns that hold predictions (user_dur, group_dur, ...) and wait_time are results of other runs
 * and are not read.
 * Source: alibaba/clusterdata, cluster-trace-gpu-v2020/simulator; Weng et al., NSDI'22.
 */
#include "trace/reader.h"

enum { JOB_ID, USER, NUM_INST, NUM_GPU, NUM_CPU, SUBMIT_TIME, DURATION, GPU_TYPE };

static const fy_column columns[] = {{"job_id", true},   {"user", true},      {"num_inst", true},
                                    {"num_gpu", true},  {"num_cpu", false},  {"submit_time", true},
                                    {"duration", true}, {"gpu_type", false}, {NULL, false}};

/* Whole devices as a gang of one-device workers, or a share of one device. */
static void read_gang(fy_row *row, fy_job_spec *job)
{
    int64_t instances = fy_row_int(row, NUM_INST, 1, 1000);
    double gpus = fy_row_double(row, NUM_GPU, 0, 1000);
    int64_t cpu_milli = 0;
    int64_t devices = (int64_t)gpus;

    if (fy_row_has(row, NUM_CPU)) {
        cpu_milli = (int64_t)(fy_row_double(row, NUM_CPU, 0, 1e9) * 1000 + 0.5);
    }
    if (row->rc < 0) {
        return;
    }
    if (gpus > 0 && gpus < 1 && instances == 1) {
        job->milli = (int)(gpus * 1000 + 0.5);
        if (job->milli < 1 || job->milli > 999) {
            (void)fy_row_wrong(row, NUM_GPU, FY_ERANGE, "a share from 0.001 to 0.999");
        }
        job->cpu_milli = cpu_milli;
    } else if ((double)devices < gpus || (double)devices > gpus) {
        (void)fy_row_wrong(row, NUM_GPU, FY_ERANGE,
                           "a whole number, or a share below 1 with one instance");
    } else if (devices == 0) {
        job->workers = (int)instances;
        job->devices = 0;
        job->cpu_milli = cpu_milli;
    } else {
        job->workers = (int)(instances * devices);
        job->cpu_milli = (cpu_milli + devices - 1) / devices;
    }
}

static int pai_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);
    fy_field chip = fy_row_field(&row, GPU_TYPE);

    *job = fy_row_job(trace);
    job->name = fy_row_name(&row, JOB_ID);
    job->tenant = fy_row_name_or_empty(&row, USER);
    job->submit_us = fy_row_us(&row, SUBMIT_TIME, FY_NUM_NEAREST);
    fy_job_set_duration(job, fy_row_us(&row, DURATION, FY_NUM_NEAREST));
    read_gang(&row, job);
    job->min_workers = job->max_workers = job->workers;
    if (!fy_field_is(chip, "MISC")) {
        fy_row_chips(&row, GPU_TYPE, trace, chip, job);
    }
    return row.rc < 0 ? row.rc : 1;
}

const fy_reader fy_reader_pai = {
    .name = "pai",
    .tested = "real data",
    .separator = ',',
    .quotes = true,
    .columns = columns,
    .named = true,
    .row = pai_row,
};
