/* SPDX-License-Identifier: MIT */
/*
 * A job of the canonical CSV that names a workload in place of rates: its work in tokens, whatever
 * unit the row counts in, and its rate on each chip from the planner. A chip on which the workload
 * cannot run is not acceptable; the planner keeps the reason.
 */
#include "trace/canonical.h"

enum { MAX_BATCH = 10000000 }; /* as the search: FY_MAX_BATCH */

/* Tokens a sequence; a black box counts samples. */
static double tokens_a_sample(const fy_workload *w)
{
    return w->kind == FY_BLACK_BOX ? 1 : w->model.seq_len;
}

static void read_amount(fy_row *row, fy_job_spec *job)
{
    const fy_workload *w = job->workload;
    int batch = job->batch > 0 ? job->batch : w->global_batch;

    if (fy_row_has(row, FY_COL_WORK) ||
        (fy_row_has(row, FY_COL_TOKENS) && w->kind == FY_BLACK_BOX)) {
        (void)fy_row_wrong(row, fy_row_has(row, FY_COL_WORK) ? FY_COL_WORK : FY_COL_TOKENS,
                           FY_EPARSE,
                           w->kind == FY_BLACK_BOX ? "empty: a black box counts samples"
                                                   : "empty beside a workload: give tokens, steps "
                                                     "or samples");
    } else if (fy_row_has(row, FY_COL_TOKENS)) {
        job->work = fy_row_double(row, FY_COL_TOKENS, 0, 1e24);
    } else if (fy_row_has(row, FY_COL_SAMPLES)) {
        job->work = fy_row_double(row, FY_COL_SAMPLES, 0, 1e18) * tokens_a_sample(w);
    } else if (fy_row_has(row, FY_COL_STEPS) && batch <= 0) {
        (void)fy_row_wrong(row, FY_COL_BATCH, FY_EPARSE,
                           "given beside steps: the workload's batch is unknown");
    } else if (fy_row_has(row, FY_COL_STEPS)) {
        job->work = fy_row_double(row, FY_COL_STEPS, 0, 1e15) * batch * tokens_a_sample(w);
    }
}

/* Columns that speak of a workload, in a row that names none. */
static void refuse_alone(fy_row *row)
{
    static const int columns[] = {FY_COL_TOKENS, FY_COL_STEPS, FY_COL_SAMPLES, FY_COL_BATCH};

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (fy_row_has(row, columns[i])) {
            (void)fy_row_wrong(row, columns[i], FY_EPARSE, "empty where no workload is named");
        }
    }
}

void fy_canonical_workload(fy_row *row, fy_trace *trace, fy_job_spec *job)
{
    const char *name;
    fy_err why;
    int rc;

    if (!fy_row_has(row, FY_COL_WORKLOAD)) {
        refuse_alone(row);
        return;
    }
    if (trace->planner == NULL) {
        row->rc = fy_row_fail(trace, row->err, FY_EINVAL,
                              "names a workload, and there is no planner to ask for its rates");
        return;
    }
    name = fy_row_name(row, FY_COL_WORKLOAD);
    rc = trace->planner->find(trace->planner->ctx, name, &job->workload, &why);
    if (rc < 0) {
        row->rc = row->rc < 0 ? row->rc : fy_fail(row->err, rc, "%s", why.text);
        return;
    }
    job->batch = (int)fy_row_int_or(row, FY_COL_BATCH, 1, MAX_BATCH, 0);
    if (job->workload == NULL) {
        (void)fy_row_wrong(row, FY_COL_WORKLOAD, FY_EPARSE,
                           "the id or an alias of a workload in data/workloads");
    } else {
        read_amount(row, job);
    }
}

static void check_shape(fy_row *row, const fy_job_spec *job)
{
    if (job->milli > 0 || job->devices == 0) {
        (void)fy_row_wrong(
            row, job->milli > 0 ? FY_COL_MILLI : FY_COL_DEVICES, FY_EPARSE,
            "such that the gang has whole devices: the planner knows no other rates");
    } else if ((int64_t)job->workers * job->devices > FY_MAX_DEVICES) {
        (void)fy_row_wrong(row, FY_COL_WORKERS, FY_ERANGE,
                           "such that the gang has at most 1000000 "
                           "devices");
    }
    if (fy_row_has(row, FY_COL_MIX)) {
        (void)fy_row_wrong(row, FY_COL_MIX, FY_EPARSE, "empty beside a workload");
    }
}

/* duration_s holds on chip `ref`, on the site as the trace was written for. */
static void duration_to_tokens(fy_row *row, fy_trace *trace, fy_rate_ask ask, fy_job_spec *job)
{
    fy_field name = fy_row_field(row, FY_COL_REF);
    fy_accept accept = {0};

    ask.chip = name.len > 0 ? fy_site_chip(trace->site, name.text, name.len) : FY_CHIP_UNKNOWN;
    ask.reference = true;
    if (ask.chip < 0 || !trace->planner->rate(trace->planner->ctx, &ask, &accept)) {
        (void)fy_row_wrong(row, FY_COL_REF, FY_EPARSE,
                           "a chip of the fleet on which the workload runs and duration_s counts "
                           "(or give tokens)");
        return;
    }
    job->work *= accept.rate;
    job->work_is_time = false;
}

void fy_canonical_plan(fy_row *row, fy_trace *trace, const fy_chip_list *list, fy_job_spec *job)
{
    fy_rate_ask ask = {.workload = job->workload, .batch = job->batch};
    int kept = 0;

    check_shape(row, job);
    if (row->rc < 0) {
        return;
    }
    ask.devices = job->workers * job->devices;
    if (job->work_is_time) {
        duration_to_tokens(row, trace, ask, job);
    } else if (fy_row_has(row, FY_COL_REF)) {
        (void)fy_row_wrong(row, FY_COL_REF, FY_EPARSE, "empty where no duration_s is given");
    }
    for (int i = 0; i < list->n_accept && row->rc == 0; i++) {
        fy_accept *accept = &trace->accept[kept];

        ask.chip = list->accept[i].chip;
        *accept = (fy_accept){.chip = ask.chip};
        kept += trace->planner->rate(trace->planner->ctx, &ask, accept);
    }
    job->accept = trace->accept;
    job->n_accept = kept;
    job->planned = true;
}
