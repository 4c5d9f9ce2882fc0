/* SPDX-License-Identifier: MIT */
/*
 * What fy_canonical_row writes reads back to an equal job: random jobs with any field set, written
 * as one trace and read again.
 */
#include "base/rng.h"
#include "base/str.h"
#include "fixture.h"
#include "trace/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { JOBS = 200 };

typedef struct made {
    fy_job_spec job;
    char name[64], tenant[64];
    fy_accept accept[3];
    int64_t after[4];
} made;

static int add(void *ctx, const char *bytes, size_t len)
{
    fy_str_add(ctx, bytes, len);
    return 0;
}

static int64_t some_us(fy_rng *rng)
{
    return (int64_t)fy_rng_below(rng, fy_rng_below(rng, 2) == 0 ? 100 : 10000000000000);
}

static int64_t maybe_us(fy_rng *rng)
{
    return fy_rng_below(rng, 3) == 0 ? some_us(rng) : -1;
}

static double some_rate(fy_rng *rng)
{
    switch (fy_rng_below(rng, 3)) {
    case 0:
        return 1;
    case 1:
        return (double)(1 + fy_rng_below(rng, 100000)) / 1000;
    default:
        return fy_rng_exp(20 * fy_rng_normal(rng) / 3);
    }
}

static void make_shape(fy_rng *rng, fy_job_spec *job)
{
    job->priority = (fy_priority)fy_rng_below(rng, 3);
    if (fy_rng_below(rng, 4) == 0) {
        job->milli = 1 + (int)fy_rng_below(rng, 999);
    } else {
        job->devices = (int)fy_rng_below(rng, 9);
        job->min_workers = 1 + (int)fy_rng_below(rng, 4);
        job->workers = job->min_workers + (int)fy_rng_below(rng, 3);
        job->max_workers = job->workers + (int)fy_rng_below(rng, 2);
    }
    job->cpu_milli = (int64_t)fy_rng_below(rng, 3) * 1500;
    job->memory_mib = (int64_t)fy_rng_below(rng, 3) * 1024;
    job->spares = (int)fy_rng_below(rng, 2);
}

/* Any chip, some chips, or some chips for a job that named none; rates and mix as they go. */
static void make_chips(fy_rng *rng, made *m)
{
    fy_job_spec *job = &m->job;
    bool mixed = fy_rng_below(rng, 3) == 0;
    bool plain = fy_rng_below(rng, 3) == 0 && (job->work_is_time || job->service) && !mixed;
    int first = (int)fy_rng_below(rng, 3);

    job->any_chip = fy_rng_below(rng, 2) == 0;
    job->n_accept = job->any_chip && plain ? 3 : 1 + (int)fy_rng_below(rng, 3);
    first = job->any_chip && plain ? 0 : first;
    for (int i = 0; i < job->n_accept; i++) {
        fy_accept *a = &m->accept[i];

        a->chip = (first + i) % 3;
        a->rate = plain ? 1 : some_rate(rng);
        a->rate_spread = plain || fy_rng_below(rng, 2) == 0 ? a->rate : a->rate / 3;
        a->grade = mixed ? FY_GRADE_DERIVED : FY_GRADE_MEASURED;
    }
    job->accept = m->accept;
    if (mixed) {
        job->mix[0] = (double)fy_rng_below(rng, 50) / 100;
        job->mix[1] = 0.25;
        job->mix[2] = fy_rng_unit(rng) / 5;
        job->mix[3] = 1 - job->mix[0] - job->mix[1] - job->mix[2];
    }
}

static void make_relations(fy_rng *rng, made *m, int64_t sequence)
{
    fy_job_spec *job = &m->job;

    if (sequence > 0 && fy_rng_below(rng, 3) == 0) {
        job->n_after = 1 + (int)fy_rng_below(rng, 4);
        for (int i = 0; i < job->n_after; i++) {
            m->after[i] = (int64_t)fy_rng_below(rng, (uint64_t)sequence);
        }
        job->after = m->after;
    }
    if (fy_rng_below(rng, 4) == 0) {
        job->array_of = (int64_t)fy_rng_below(rng, (uint64_t)sequence + 1);
        job->array_index = (int)fy_rng_below(rng, 100);
        job->array_limit = (int)fy_rng_below(rng, 3);
    }
}

static void make_job(fy_rng *rng, made *m, int64_t sequence, int64_t submit_us)
{
    static const char *const tenants[] = {"", "lab", "a, b", "say \"x\"", " x ", "\xe6\x89\xb6"};
    fy_job_spec *job = &m->job;

    *job = fy_job_spec_default();
    (void)snprintf(m->name, sizeof m->name, "%s%d", sequence % 5 == 0 ? "x,\"" : "job ",
                   (int)(sequence * 7919 % 100003));
    (void)snprintf(m->tenant, sizeof m->tenant, "%s", tenants[fy_rng_below(rng, 6)]);
    job->name = m->name;
    job->tenant = m->tenant;
    job->submit_us = submit_us;
    switch (fy_rng_below(rng, 4)) {
    case 0:
        job->service = true;
        break;
    case 1:
        job->work = some_rate(rng);
        break;
    default:
        fy_job_set_duration(job, some_us(rng));
    }
    make_shape(rng, job);
    make_chips(rng, m);
    make_relations(rng, m, sequence);
    job->end = (fy_end)fy_rng_below(rng, 3);
    job->cancel_us = maybe_us(rng);
    job->checkpoint_interval_us = maybe_us(rng);
    job->checkpoint_cost_us = maybe_us(rng);
    job->restart_cost_us = maybe_us(rng);
    job->limit_us = maybe_us(rng);
    job->deadline_us = maybe_us(rng);
    job->min_run_us = fy_rng_below(rng, 2) == 0 ? 0 : some_us(rng);
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static bool same_relations(const fy_job_spec *a, const fy_job_spec *b)
{
    bool ok = a->n_accept == b->n_accept && a->n_after == b->n_after;

    for (int i = 0; ok && i < a->n_accept; i++) {
        const fy_accept *x = &a->accept[i], *y = &b->accept[i];

        ok = x->chip == y->chip && x->rate == y->rate && x->rate_spread == y->rate_spread &&
             x->grade == y->grade;
    }
    for (int i = 0; ok && i < a->n_after; i++) {
        ok = a->after[i] == b->after[i];
    }
    return ok && a->array_of == b->array_of && a->array_index == b->array_index &&
           a->array_limit == b->array_limit;
}

static bool same_job(const fy_job_spec *a, const fy_job_spec *b)
{
    bool ok = strcmp(a->name, b->name) == 0 && strcmp(a->tenant, b->tenant) == 0;

    for (int i = 0; i < FY_N_BOUNDS; i++) {
        ok = ok && same(a->mix[i], b->mix[i]);
    }
    return ok && a->submit_us == b->submit_us && a->priority == b->priority &&
           a->workers == b->workers && a->min_workers == b->min_workers &&
           a->max_workers == b->max_workers && a->devices == b->devices && a->milli == b->milli &&
           a->cpu_milli == b->cpu_milli && a->memory_mib == b->memory_mib &&
           a->spares == b->spares && a->n_absent == b->n_absent && a->any_chip == b->any_chip &&
           same(a->work, b->work) && a->work_is_time == b->work_is_time &&
           a->service == b->service && a->end == b->end && a->cancel_us == b->cancel_us &&
           a->checkpoint_interval_us == b->checkpoint_interval_us &&
           a->checkpoint_cost_us == b->checkpoint_cost_us &&
           a->restart_cost_us == b->restart_cost_us && a->limit_us == b->limit_us &&
           a->deadline_us == b->deadline_us && a->min_run_us == b->min_run_us &&
           same_relations(a, b);
}

static void jobs_read_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        fixture *f = fixture_new();
        fy_rng rng = fy_rng_seed(seed);
        fy_trace_options options = {.site = &f->site};
        made *jobs = calloc(JOBS, sizeof *jobs);
        fy_str text = {0};
        fy_trace *trace;
        fy_err err = {0};
        int64_t now_us = 0;

        assert_non_null(jobs);
        assert_int_equal(fy_canonical_header(add, &text), 0);
        for (int i = 0; i < JOBS; i++) {
            now_us += fy_rng_below(&rng, 2) == 0 ? 0 : some_us(&rng);
            make_job(&rng, &jobs[i], i, now_us);
            assert_int_equal(fy_canonical_row(&jobs[i].job, &f->site, add, &text), 0);
        }
        assert_int_equal(fy_trace_open_bytes(&trace, "t", text.text, text.len, &options, &err), 0);
        for (int i = 0; i < JOBS; i++) {
            fy_job_spec job;

            if (fy_trace_next(trace, &job, &err) != 1 || !same_job(&job, &jobs[i].job)) {
                fail_msg("seed %d, job %d: %s\n", (int)seed, i, err.text);
            }
        }
        fy_trace_close(trace);
        fy_str_free(&text);
        free(jobs);
        fixture_free(f);
    }
}

static void jobs_that_cannot_be_written_are_refused(void **state)
{
    fixture *f = fixture_new();
    fy_job_spec job = fy_job_spec_default();
    fy_str text = {0};

    (void)state;
    fy_job_set_duration(&job, 1);
    job.n_absent = 1;
    assert_int_equal(fy_canonical_row(&job, &f->site, add, &text), FY_EINVAL);
    assert_int_equal(text.len, 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_read_back),
        cmocka_unit_test(jobs_that_cannot_be_written_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
