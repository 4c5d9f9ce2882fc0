/* SPDX-License-Identifier: MIT */
/*
 * Alibaba 2023 (openb) pod lists. A pod is one worker: num_gpu devices on one node, or gpu_milli of
 * one device where num_gpu is 1 and gpu_milli below 1000. A pod without a GPU is a job with zero
 * devices. It lasts from scheduled_time, or from creation_time where that is blank, to
 * deletion_time; 0 seconds is a job that ends at once. gpu_spec `A|B` lists the acceptable chips.
 * In a list without times every pod is submitted at 0, in the order of the file, and stays: a
 * service, good for filling a fleet. qos and pod_phase are results or classes of another scheduler
 * and are not read.
 * Source: alibaba/clusterdata, cluster-trace-gpu-v2023; Weng et al., ATC'23.
 */
#include "trace/reader.h"

enum { NAME, CPU_MILLI, MEMORY_MIB, NUM_GPU, GPU_MILLI, GPU_SPEC, CREATION, DELETION, SCHEDULED };

static const fy_column columns[] = {{"name", true},
                                    {"cpu_milli", true},
                                    {"memory_mib", true},
                                    {"num_gpu", true},
                                    {"gpu_milli", true},
                                    {"gpu_spec", false},
                                    {"creation_time", false},
                                    {"deletion_time", false},
                                    {"scheduled_time", false},
                                    {NULL, false}};

static void read_devices(fy_row *row, fy_job_spec *job)
{
    int64_t milli = fy_row_int(row, GPU_MILLI, 0, 1000);

    job->devices = (int)fy_row_int(row, NUM_GPU, 0, FY_MAX_DEVICES);
    if (row->rc < 0) {
        return;
    }
    if (job->devices == 1 && milli >= 1 && milli < 1000) {
        job->milli = (int)milli;
    } else if (milli != (job->devices == 0 ? 0 : 1000)) {
        (void)fy_row_wrong(row, GPU_MILLI, FY_ERANGE,
                           "0 for no GPU, 1 to 1000 for one, 1000 for more");
    }
}

static void read_times(fy_row *row, const fy_trace *trace, fy_job_spec *job)
{
    int64_t start_us, end_us;

    if (trace->column[CREATION] < 0 || trace->column[DELETION] < 0) {
        job->service = true;
        return;
    }
    job->submit_us = fy_row_us(row, CREATION, FY_NUM_NEAREST);
    start_us = fy_row_us_or(row, SCHEDULED, FY_NUM_NEAREST, job->submit_us);
    end_us = fy_row_us(row, DELETION, FY_NUM_NEAREST);
    if (row->rc == 0 && end_us < start_us) {
        (void)fy_row_wrong(row, DELETION, FY_ERANGE,
                           "at or after scheduled_time (creation_time where that is blank)");
    }
    fy_job_set_duration(job, end_us - start_us);
}

static int openb_row(fy_trace *trace, fy_job_spec *job, fy_err *err)
{
    fy_row row = fy_row_begin(trace, err);

    *job = fy_row_job(trace);
    job->name = fy_row_name(&row, NAME);
    job->cpu_milli = fy_row_int(&row, CPU_MILLI, 0, FY_MAX_MILLI);
    job->memory_mib = fy_row_int(&row, MEMORY_MIB, 0, FY_MAX_MIB);
    read_devices(&row, job);
    read_times(&row, trace, job);
    fy_row_chips(&row, GPU_SPEC, trace, fy_row_field(&row, GPU_SPEC), job);
    return row.rc < 0 ? row.rc : 1;
}

const fy_reader fy_reader_openb = {
    .name = "openb",
    .tested = "real data",
    .separator = ',',
    .quotes = true,
    .columns = columns,
    .named = true,
    .row = openb_row,
};
