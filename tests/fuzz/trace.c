/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a trace, its format recognised, bad rows skipped or not (by the first byte): every
 * job handed out is possible, comes in order, and can be written as a canonical row.
 */
#include "../fixture.h"
#include "trace/reader.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int forget(void *ctx, const char *bytes, size_t len)
{
    (void)ctx;
    assert(len > 0 && memchr(bytes, '\0', len) == NULL);
    return 0;
}

/* A planner that knows the workload `w` and the black box `b`, on all chips but the last. */
static int find(void *ctx, const char *name, const fy_workload **out, fy_err *err)
{
    static const fy_workload known[] = {
        {.id = "w", .model = {.seq_len = 2048}, .global_batch = 8},
        {.id = "b", .kind = FY_BLACK_BOX},
    };

    (void)ctx;
    (void)err;
    *out = NULL;
    for (size_t i = 0; i < 2; i++) {
        *out = strcmp(known[i].id, name) == 0 ? &known[i] : *out;
    }
    return 0;
}

static bool rate(void *ctx, const fy_rate_ask *ask, fy_accept *out)
{
    (void)ctx;
    assert(ask->devices >= 1 && ask->devices <= 1000000 && ask->batch >= 0);
    assert(ask->chip >= 0 && ask->chip < 3 && ask->workload != NULL);
    out->rate = out->rate_spread = 1000.0 * ask->devices;
    out->grade = FY_GRADE_DERIVED;
    return ask->chip < 2;
}

static void check_job(const fy_job_spec *job, const fy_site *site, int64_t sequence)
{
    assert(job->workers >= 1 && job->min_workers >= 1 && job->min_workers <= job->workers);
    assert(job->max_workers >= job->workers && job->devices >= 0);
    assert(job->milli == 0 || (job->milli < 1000 && job->workers == 1 && job->devices == 1));
    assert(job->cpu_milli >= 0 && job->memory_mib >= 0 && job->spares >= 0);
    assert(job->submit_us >= 0 && job->min_run_us >= 0);
    assert(job->service ? isnan(job->work) : job->work >= 0 && isfinite(job->work));
    assert(job->n_accept >= 0 && job->n_accept <= site->n_chips);
    assert(job->n_accept > 0 || job->n_absent > 0 || job->planned);
    assert(!job->planned || job->workload != NULL);
    for (int i = 0; i < job->n_accept; i++) {
        assert(job->accept[i].chip >= 0 && job->accept[i].chip < site->n_chips);
        assert(job->accept[i].rate > 0 && isfinite(job->accept[i].rate));
    }
    for (int i = 0; i < job->n_after; i++) {
        assert(job->after[i] >= 0 && job->after[i] < sequence);
    }
    assert(job->array_of <= sequence);
    assert(fy_canonical_row(job, site, forget, NULL) ==
           (job->n_absent > 0 || job->n_accept == 0 ? FY_EINVAL : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fixture *f = fixture_new();
    fy_planner planner = {find, rate, NULL};
    fy_trace_options options = {.site = &f->site, .planner = &planner};
    fy_trace *trace;
    fy_job_spec job;
    fy_err err = {0};
    int64_t last_us = 0, n = 0;
    int rc;

    options.skip_bad = size > 0 && (data[0] & 1) != 0;
    if (size > 0 && fy_trace_open_bytes(&trace, "t", data + 1, size - 1, &options, &err) == 0) {
        while ((rc = fy_trace_next(trace, &job, &err)) > 0) {
            assert(job.submit_us >= last_us);
            last_us = job.submit_us;
            check_job(&job, &f->site, n++);
        }
        assert(rc == 0 || (err.code == rc && strncmp(err.text, "t:", 2) == 0));
        for (int64_t i = 0; i < fy_trace_about(trace).skipped && i < 1000; i++) {
            assert(strncmp(fy_trace_skipped(trace, i), "t:", 2) == 0);
        }
        fy_trace_close(trace);
    }
    fixture_free(f);
    return 0;
}
