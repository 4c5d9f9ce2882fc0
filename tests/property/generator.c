/* SPDX-License-Identifier: MIT */
/*
 * The generator: equal seeds give equal bytes, the load asked for is met, shares come out as asked,
 * every job can be placed, and all of it reads back.
 */
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

typedef struct tally {
    int64_t jobs, one, wide, failed, cancelled, services, named, by_tenant[16];
    double demand_s, by_chip_s[3], train_s;
} tally;

static int add(void *ctx, const char *bytes, size_t len)
{
    fy_str_add(ctx, bytes, len);
    return 0;
}

static fy_gen *open_gen(const fy_gen_options *options)
{
    fy_gen *gen = NULL;
    fy_err err = {0};

    if (fy_gen_open(&gen, options, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return gen;
}

static void count_job(const fixture *f, const fy_job_spec *job, tally *t)
{
    double duration_s = job->service ? (double)job->cancel_us / 1e6 : job->work, devices = 0;

    for (int i = 0; i < job->n_accept; i++) {
        devices += f->pools[job->accept[i].chip].nodes * f->pools[job->accept[i].chip].devices;
    }
    for (int i = 0; i < job->n_accept; i++) {
        const fy_pool_spec *pool = &f->pools[job->accept[i].chip];
        double s = job->workers * duration_s * pool->nodes * pool->devices / devices /
                   (job->service ? 1 : job->accept[i].rate);

        t->by_chip_s[job->accept[i].chip] += s;
        t->demand_s += s;
        assert_true(job->workers <= pool->nodes * pool->devices);
        assert_true(job->accept[i].rate > 0 && job->accept[i].rate_spread > 0);
        assert_true(job->accept[i].rate_spread <= job->accept[i].rate);
        assert_true(i == 0 || job->accept[i].rate <= job->accept[i - 1].rate);
    }
    t->jobs++;
    t->one += job->workers == 1;
    t->wide += job->workers > 8;
    t->failed += job->end == FY_END_FAIL;
    t->cancelled += job->end == FY_END_CANCEL || (job->cancel_us >= 0 && !job->service);
    t->services += job->service;
    t->named += job->n_accept == 1;
    t->train_s += job->service ? 0 : job->work;
    for (int i = 0; i < 16; i++) {
        char name[24];

        (void)snprintf(name, sizeof name, "tenant-%02d", i + 1);
        t->by_tenant[i] += strcmp(job->tenant, name) == 0;
    }
}

static tally run(const fixture *f, const fy_gen_options *options, fy_str *text)
{
    fy_gen *gen = open_gen(options);
    int64_t last_us = 0;
    fy_job_spec job;
    tally t = {0};

    if (text != NULL) {
        assert_int_equal(fy_canonical_header(add, text), 0);
    }
    while (fy_gen_next(gen, &job) > 0) {
        assert_true(job.submit_us >= last_us && (double)job.submit_us <= options->days * 86400e6);
        last_us = job.submit_us;
        count_job(f, &job, &t);
        if (text != NULL) {
            assert_int_equal(fy_canonical_row(&job, &f->site, add, text), 0);
        }
    }
    fy_gen_close(gen);
    return t;
}

static void equal_seeds_give_equal_bytes(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    fy_str a = {0}, b = {0};

    (void)state;
    options.days = 5;
    (void)run(f, &options, &a);
    (void)run(f, &options, &b);
    assert_true(a.len == b.len && memcmp(a.text, b.text, a.len) == 0);
    fy_str_clear(&b);
    options.seed++;
    (void)run(f, &options, &b);
    assert_false(a.len == b.len && memcmp(a.text, b.text, a.len) == 0);
    fy_str_free(&a);
    fy_str_free(&b);
    fixture_free(f);
}

/* Durations are rounded to whole seconds, so the load is met to that. */
static void load_is_met(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        fixture *f = fixture_new();
        fy_gen_options options = fy_gen_options_default(&f->site);
        double capacity_s;
        tally t;

        options.seed = seed;
        options.days = 1 + (double)(seed % 7) * 5;
        options.load = 0.3 + (double)(seed % 5) / 4;
        options.jobs = seed % 3 == 0 ? 3000 : 0;
        capacity_s = options.days * 86400 * 96;
        t = run(f, &options, NULL);
        assert_true(options.jobs == 0 || t.jobs == options.jobs);
        if (t.services > 0 && fabs(t.demand_s / capacity_s / options.load - 1) > 0.002) {
            fail_msg("seed %d: load %g, asked %g", (int)seed, t.demand_s / capacity_s,
                     options.load);
        }
        fixture_free(f);
    }
}

static bool within(double value, double low, double high)
{
    return value >= low && value <= high;
}

static void marginals_are_as_published(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    double n;
    tally t;

    (void)state;
    for (int i = 0; i < 3; i++) {
        f->pools[i].nodes = 400;
    }
    t = run(f, &options, NULL);
    n = (double)t.jobs;
    assert_true(t.jobs > 50000);
    assert_true(within((double)t.one / n, 0.92, 0.94));
    assert_true(within((double)t.wide / n, 0.003, 0.004));
    assert_true(within((double)t.failed / (n - (double)t.services), 0.40, 0.425));
    assert_true(within((double)t.cancelled / (n - (double)t.services), 0.06, 0.076));
    /* Philly's mean is 13,136 s; what is drawn from so heavy a tail varies */
    assert_true(within(t.train_s / (n - (double)t.services), 11000, 16000));
    for (int c = 0; c < 3; c++) { /* every type is asked for about as much */
        assert_true(within(t.by_chip_s[c] / (3200 * 30 * 86400.0), 0.6, 1.3));
    }
    for (int i = 1; i < 12; i++) { /* demand falls as 1 / rank */
        double expected = (double)t.by_tenant[0] / (i + 1);

        assert_true(within((double)t.by_tenant[i], 0.9 * expected, 1.1 * expected));
    }
    assert_int_equal(t.by_tenant[12], 0);
    fixture_free(f);
}

static void shares_are_as_asked(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    tally t;

    (void)state;
    options.jobs = 50000;
    options.multi_node_share = 0.05;
    options.failure_share = 0.1;
    options.cancel_share = 0.3;
    options.services_share = 0;
    options.tenants = 3;
    t = run(f, &options, NULL);
    assert_int_equal(t.services, 0);
    assert_true(within((double)t.wide / 50000, 0.045, 0.055));
    assert_true(within((double)t.failed / 50000, 0.095, 0.105));
    assert_true(within((double)t.cancelled / 50000, 0.29, 0.31));
    assert_true(t.by_tenant[2] > 0 && t.by_tenant[3] == 0);
    options.failure_share = 1;
    options.cancel_share = 0;
    t = run(f, &options, NULL);
    assert_int_equal(t.failed, 50000);
    fixture_free(f);
}

/* A chip without rates is offered to jobs of its own only, and is as busy as the others. */
static void unrated_chips_get_jobs_of_their_own(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    fy_gen *gen;
    fy_job_spec job;
    tally t;

    (void)state;
    f->chips[2].bf16 = fy_range_unknown();
    f->chips[2].memory_bytes_per_s = fy_range_unknown();
    options.jobs = 20000;
    gen = open_gen(&options);
    while (fy_gen_next(gen, &job) > 0) {
        for (int i = 0; i < job.n_accept; i++) {
            assert_true(job.accept[i].chip != 1 || (job.n_accept == 1 && isnan(job.mix[0])));
        }
    }
    fy_gen_close(gen);
    t = run(f, &options, NULL);
    assert_true(within(t.by_chip_s[1] / (32 * 30 * 86400.0), 0.899, 0.901));
    fixture_free(f);
}

static void rows_read_back(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    fy_trace_options trace_options = {.site = &f->site};
    fy_str text = {0};
    fy_trace *trace;
    fy_job_spec job, made;
    fy_gen *gen;
    fy_err err = {0};

    (void)state;
    options.jobs = 5000;
    (void)run(f, &options, &text);
    gen = open_gen(&options);
    assert_int_equal(fy_trace_open_bytes(&trace, "t", text.text, text.len, &trace_options, &err),
                     0);
    while (fy_gen_next(gen, &made) > 0) {
        if (fy_trace_next(trace, &job, &err) != 1) {
            fail_msg("%s", err.text);
        }
        assert_string_equal(job.name, made.name);
        assert_true(job.submit_us == made.submit_us && job.service == made.service);
        assert_true(job.work == made.work || (isnan(job.work) && isnan(made.work)));
        assert_true(job.n_accept == made.n_accept && job.any_chip == made.any_chip);
        for (int i = 0; i < job.n_accept; i++) {
            assert_true(job.accept[i].rate == made.accept[i].rate);
            assert_int_equal(job.accept[i].grade, made.accept[i].grade);
        }
    }
    assert_int_equal(fy_trace_next(trace, &job, &err), 0);
    fy_trace_close(trace);
    fy_gen_close(gen);
    fy_str_free(&text);
    fixture_free(f);
}

static void bad_options_are_refused(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options good = fy_gen_options_default(&f->site), bad;
    fy_gen *gen;
    fy_err err;

    (void)state;
    bad = good;
    bad.days = (double)NAN;
    assert_int_equal(fy_gen_open(&gen, &bad, &err), FY_ERANGE);
    bad = good;
    bad.load = 0;
    assert_int_equal(fy_gen_open(&gen, &bad, &err), FY_ERANGE);
    bad = good;
    bad.jobs = -1;
    assert_int_equal(fy_gen_open(&gen, &bad, &err), FY_ERANGE);
    bad = good;
    bad.failure_share = 0.7;
    bad.cancel_share = 0.4;
    assert_int_equal(fy_gen_open(&gen, &bad, &err), FY_ERANGE);
    bad = good;
    bad.days = 36500;
    bad.load = 100;
    for (int i = 0; i < 3; i++) {
        f->pools[i].nodes = 1000000;
    }
    assert_int_equal(fy_gen_open(&gen, &bad, &err), FY_ERANGE);
    assert_null(gen);
    f->site.n_pools = f->site.n_chips = 0;
    assert_int_equal(fy_gen_open(&gen, &good, &err), FY_EINFEASIBLE);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_give_equal_bytes),
        cmocka_unit_test(load_is_met),
        cmocka_unit_test(marginals_are_as_published),
        cmocka_unit_test(shares_are_as_asked),
        cmocka_unit_test(unrated_chips_get_jobs_of_their_own),
        cmocka_unit_test(rows_read_back),
        cmocka_unit_test(bad_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
