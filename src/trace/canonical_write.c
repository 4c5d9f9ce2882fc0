/* SPDX-License-Identifier: MIT */
/*
 * Writing the canonical CSV: only fields that differ from the default are filled, and what is
 * written reads back to an equal job. Dependencies are written by number (`#12`), because the
 * writer does not keep names.
 */
#include "trace/canonical.h"

#include <math.h>
#include <string.h>

int fy_canonical_header(fy_write_fn write, void *ctx)
{
    fy_str line = {0};
    int rc;

    for (int i = 0; i < FY_COL_COUNT; i++) {
        fy_str_puts(&line, i > 0 ? "," : "");
        fy_str_puts(&line, fy_canonical_columns[i].name);
    }
    fy_str_puts(&line, "\n");
    rc = write(ctx, line.text, line.len);
    fy_str_free(&line);
    return rc;
}

static void put_int(fy_str *out, int64_t value)
{
    char text[FY_NUM_TEXT];

    fy_str_add(out, text, fy_num_put_int(text, value));
}

static void put_int_unless(fy_str *out, int64_t value, int64_t usual)
{
    if (value != usual) {
        put_int(out, value);
    }
}

/* Nothing for a negative (absent) time. */
static void put_us(fy_str *out, int64_t value_us)
{
    char text[FY_NUM_TEXT];

    if (value_us >= 0) {
        fy_str_add(out, text, fy_num_put_us(text, value_us));
    }
}

static void put_double(fy_str *out, double value)
{
    char text[FY_NUM_TEXT];

    fy_str_add(out, text, fy_num_put_double(text, value));
}

static void put_name(fy_str *out, const char *name)
{
    if (strpbrk(name, ",\"") == NULL) {
        fy_str_puts(out, name);
        return;
    }
    fy_str_puts(out, "\"");
    for (const char *p = name; *p != '\0'; p++) {
        fy_str_add(out, p, 1);
        if (*p == '"') {
            fy_str_puts(out, "\"");
        }
    }
    fy_str_puts(out, "\"");
}

/* All rates 1: the job runs equally fast anywhere, and the rates column stays empty. */
static bool rates_are_one(const fy_job_spec *job)
{
    bool one = (job->work_is_time || job->service) && isnan(job->mix[0]);

    for (int i = 0; i < job->n_accept && one; i++) {
        one = job->accept[i].rate == 1.0 && job->accept[i].rate_spread == 1.0;
    }
    return one;
}

static bool all_in_order(const fy_job_spec *job, const fy_site *site)
{
    bool all = job->any_chip && job->n_accept == site->n_chips;

    for (int i = 0; i < job->n_accept && all; i++) {
        all = job->accept[i].chip == i;
    }
    return all;
}

static void put_chips(fy_str *out, const fy_job_spec *job, const fy_site *site)
{
    bool one = job->planned || rates_are_one(job); /* the planner finds them again */

    if (!one || !all_in_order(job, site)) {
        fy_str_puts(out, job->any_chip ? "*|" : "");
        for (int i = 0; i < job->n_accept; i++) {
            fy_str_puts(out, i > 0 ? "|" : "");
            fy_str_puts(out, site->chips[job->accept[i].chip]->id);
        }
    }
    fy_str_puts(out, ",");
    for (int i = 0; i < job->n_accept && !one; i++) {
        const fy_accept *accept = &job->accept[i];

        fy_str_puts(out, i > 0 ? "|" : "");
        put_double(out, accept->rate);
        if (accept->rate_spread < accept->rate || accept->rate_spread > accept->rate) {
            fy_str_puts(out, "/");
            put_double(out, accept->rate_spread);
        }
    }
    fy_str_puts(out, ",");
    for (int i = 0; i < FY_N_BOUNDS && !isnan(job->mix[0]); i++) {
        fy_str_puts(out, i > 0 ? "/" : "");
        put_double(out, job->mix[i]);
    }
    fy_str_puts(out, ",,"); /* ref is never needed beside rates */
}

static void put_work(fy_str *out, const fy_job_spec *job)
{
    if (job->work_is_time && !job->service) {
        put_us(out, (int64_t)(job->work * 1e6 + 0.5));
    }
    fy_str_puts(out, ",");
    if (!job->work_is_time && !job->service && job->workload == NULL) {
        put_double(out, job->work);
    }
    fy_str_puts(out, ",");
}

/* Work in tokens, or samples of a black box; `steps` is for people. */
static void put_workload(fy_str *out, const fy_job_spec *job)
{
    bool counted = job->workload != NULL && !job->service;
    bool black = job->workload != NULL && job->workload->kind == FY_BLACK_BOX;

    if (job->workload != NULL) {
        put_name(out, job->workload->id);
    }
    fy_str_puts(out, ",");
    if (counted && !black) {
        put_double(out, job->work);
    }
    fy_str_puts(out, ",,");
    if (counted && black) {
        put_double(out, job->work);
    }
    fy_str_puts(out, ",");
    put_int_unless(out, job->batch, 0);
    fy_str_puts(out, ",");
}

static void put_shape(fy_str *out, const fy_job_spec *job)
{
    put_name(out, job->tenant);
    fy_str_puts(out, job->priority == FY_HIGH   ? ",high,"
                     : job->priority == FY_SPOT ? ",spot,"
                                                : ",,");
    put_int_unless(out, job->workers, 1);
    fy_str_puts(out, ",");
    put_int_unless(out, job->min_workers, job->workers);
    fy_str_puts(out, ",");
    put_int_unless(out, job->max_workers, job->workers);
    fy_str_puts(out, ",");
    put_int_unless(out, job->devices, 1);
    fy_str_puts(out, ",");
    put_int_unless(out, job->milli, 0);
    fy_str_puts(out, ",");
    put_int_unless(out, job->cpu_milli, 0);
    fy_str_puts(out, ",");
    put_int_unless(out, job->memory_mib, 0);
    fy_str_puts(out, ",");
    put_int_unless(out, job->spares, 0);
    fy_str_puts(out, ",");
}

static void put_times(fy_str *out, const fy_job_spec *job)
{
    const int64_t times_us[] = {job->checkpoint_interval_us,
                                job->checkpoint_cost_us,
                                job->restart_cost_us,
                                job->limit_us,
                                job->deadline_us,
                                job->min_run_us};

    for (size_t i = 0; i < sizeof times_us / sizeof times_us[0]; i++) {
        put_us(out, i == 5 && times_us[i] == 0 ? -1 : times_us[i]);
        fy_str_puts(out, ",");
    }
}

static void put_relations(fy_str *out, const fy_job_spec *job)
{
    static const char *const ends[] = {",", "fail,", "cancel,"};

    for (int i = 0; i < job->n_after; i++) {
        fy_str_puts(out, i > 0 ? "|#" : "#");
        put_int(out, job->after[i]);
    }
    fy_str_puts(out, ",");
    if (job->array_of >= 0) {
        fy_str_puts(out, "#");
        put_int(out, job->array_of);
        fy_str_puts(out, ":");
        put_int(out, job->array_index);
        if (job->array_limit > 0) {
            fy_str_puts(out, ":");
            put_int(out, job->array_limit);
        }
    }
    fy_str_puts(out, ",");
    fy_str_puts(out, ends[job->end]);
    put_us(out, job->cancel_us);
    fy_str_puts(out, job->service ? ",yes\n" : ",\n");
}

int fy_canonical_row(const fy_job_spec *job, const fy_site *site, fy_write_fn write, void *ctx)
{
    fy_str line = {0};
    int rc;

    if (job->n_accept == 0 || job->n_absent > 0) {
        return FY_EINVAL; /* the names of chips that the site lacks are not known here */
    }
    put_name(&line, job->name);
    fy_str_puts(&line, ",");
    put_us(&line, job->submit_us);
    fy_str_puts(&line, ",");
    put_work(&line, job);
    put_workload(&line, job);
    put_shape(&line, job);
    put_chips(&line, job, site);
    put_times(&line, job);
    put_relations(&line, job);
    rc = write(ctx, line.text, line.len);
    fy_str_free(&line);
    return rc;
}
