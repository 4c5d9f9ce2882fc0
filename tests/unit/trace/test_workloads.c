/* SPDX-License-Identifier: MIT */
/*
 * Jobs that name a workload: what the columns mean, what is refused, and that the generator's such
 * jobs meet their load and read back. The planner is a made-up one with rates one can compute with.
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

/* 1000 tokens a second and device on v100, half on p100; `big` runs nowhere, `mid` not on k80. */
typedef struct made_up {
    fy_workload small, mid, big, black;
    int64_t asked;
    double reference; /* factor on rates where a duration is read */
    fy_planner face;
} made_up;

static int find(void *ctx, const char *name, const fy_workload **out, fy_err *err)
{
    made_up *m = ctx;
    const fy_workload *all[] = {&m->small, &m->mid, &m->big, &m->black};

    *out = NULL;
    if (strcmp(name, "broken") == 0) {
        return fy_fail(err, FY_EIO, "the workloads cannot be read");
    }
    for (size_t i = 0; i < 4; i++) {
        *out = strcmp(all[i]->id, name) == 0 ? all[i] : *out;
    }
    if (*out == NULL && strchr(name, '-') != NULL) { /* the usual mix of the generator */
        *out = strcmp(name, "llama2-7b") < 0 ? &m->small : &m->mid;
    }
    return 0;
}

static bool rate(void *ctx, const fy_rate_ask *ask, fy_accept *out)
{
    made_up *m = ctx;
    double per_s = 1000.0 * ask->devices / (1 << ask->chip);

    m->asked++;
    assert_true(ask->devices > 0);
    if (ask->workload == &m->big || (ask->workload == &m->mid && ask->chip == 2)) {
        return false;
    }
    per_s *= ask->batch > 0 ? 2 : 1;
    out->rate = ask->reference ? per_s * m->reference : per_s;
    out->rate_spread = ask->devices > 1 ? out->rate / 2 : out->rate;
    out->grade = FY_GRADE_DERIVED;
    return true;
}

static void made_up_init(made_up *m)
{
    static const fy_model model = {.seq_len = 100};

    *m = (made_up){.reference = 1};
    m->small = (fy_workload){.id = "small", .model = model, .global_batch = 10};
    m->mid = (fy_workload){.id = "mid", .model = model, .global_batch = 10};
    m->big = (fy_workload){.id = "big", .model = model};
    m->black = (fy_workload){.id = "black", .kind = FY_BLACK_BOX};
    m->face = (fy_planner){find, rate, m};
}

static const char header[] = "job,submit_s,workload,tokens,steps,samples,batch,duration_s,ref,work,"
                             "rates,mix,workers,devices,milli,chips\n";

/* The job of one row; -1 where it is refused, with the message in *err. */
static int read_row(const fixture *f, const fy_planner *planner, const char *row, fy_job_spec *job,
                    fy_accept accept[3], fy_err *err)
{
    fy_trace_options options = {.site = &f->site, .planner = planner};
    fy_trace *trace = NULL;
    char text[600];
    int rc;

    (void)snprintf(text, sizeof text, "%s%s\n", header, row);
    rc = fy_trace_open_bytes(&trace, "t", text, strlen(text), &options, err);
    assert_int_equal(rc, 0);
    rc = fy_trace_next(trace, job, err);
    for (int i = 0; rc > 0 && i < job->n_accept; i++) {
        accept[i] = job->accept[i];
    }
    fy_trace_close(trace);
    return rc;
}

static void work_is_counted_in_tokens(void **state)
{
    static const struct {
        const char *row;
        double work;
    } cases[] = {
        {"a,0,small,2e12,,,,,,,,,8,,,", 2e12},
        {"a,0,small,,3,,,,,,,,8,,,", 3 * 10 * 100},      /* the workload's batch */
        {"a,0,small,,3,,7,,,,,,8,,,", 3 * 7 * 100},      /* the row's */
        {"a,0,small,,,50,,,,,,,8,,,", 50 * 100},         /* sequences */
        {"a,0,black,,,50,,,,,,,8,,,", 50},               /* samples, whatever they are */
        {"a,0,small,,,,,60,p100,,,,8,,,", 60 * 8 * 500}, /* what p100s do in a minute */
        {"a,0,mid,,,,,60,v100,,,,2,4,,", 60 * 8 * 1000},
    };
    fixture *f = fixture_new();
    made_up m;

    (void)state;
    made_up_init(&m);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fy_accept accept[3];
        fy_job_spec job;
        fy_err err = {0};

        if (read_row(f, &m.face, cases[i].row, &job, accept, &err) != 1) {
            fail_msg("%s: %s", cases[i].row, err.text);
        }
        if (fabs(job.work - cases[i].work) > 1e-6 || job.work_is_time || !job.planned) {
            fail_msg("%s: work %g, expected %g", cases[i].row, job.work, cases[i].work);
        }
    }
    fixture_free(f);
}

static void rates_are_those_of_the_gang(void **state)
{
    fixture *f = fixture_new();
    fy_accept accept[3];
    fy_job_spec job;
    fy_err err;
    made_up m;

    (void)state;
    made_up_init(&m);
    assert_int_equal(read_row(f, &m.face, "a,0,mid,1e9,,,,,,,,,4,2,,", &job, accept, &err), 1);
    assert_true(job.any_chip && job.n_accept == 2 && job.workload == &m.mid);
    assert_true(accept[0].chip == 0 && accept[0].rate == 8000 && accept[0].rate_spread == 4000);
    assert_true(accept[1].chip == 1 && accept[1].rate == 4000);
    assert_int_equal(accept[1].grade, FY_GRADE_DERIVED);
    /* in the order of the list; what the site lacks is counted */
    assert_int_equal(
        read_row(f, &m.face, "a,0,small,1e9,,,,,,,,,4,2,,k80|h800|v100", &job, accept, &err), 1);
    assert_true(!job.any_chip && job.n_accept == 2 && job.n_absent == 1 && accept[0].chip == 2);
    /* runs nowhere: a job all the same, that can never be placed */
    assert_int_equal(read_row(f, &m.face, "a,0,big,1e9,,,,,,,,,4,2,,", &job, accept, &err), 1);
    assert_int_equal(job.n_accept, 0);
    /* stated rates come before the planner's */
    m.asked = 0;
    assert_int_equal(read_row(f, &m.face, "a,0,big,1e9,,,,,,,7,,4,2,,k80", &job, accept, &err), 1);
    assert_true(m.asked == 0 && !job.planned && accept[0].rate == 7 && job.work == 1e9);
    assert_int_equal(accept[0].grade, FY_GRADE_MEASURED);
    fixture_free(f);
}

static void bad_rows_say_what_would_be_right(void **state)
{
    static const char *const cases[][2] = {
        {"a,0,nothing,1e9,,,,,,,,,1,,,", "workload is 'nothing'; it must be the id or an alias"},
        {"a,0,broken,1e9,,,,,,,,,1,,,", "the workloads cannot be read"},
        {"a,0,small,,,,,,,,,,1,,,", "nothing says how much work"},
        {"a,0,small,1e9,3,,,,,,,,1,,,", "more than one of the columns"},
        {"a,0,small,,,,,,,5,,,1,,,", "work is '5'; it must be empty beside a workload"},
        {"a,0,,1e9,,,,,,,,,1,,,", "tokens is '1e9'; it must be empty where no workload"},
        {"a,0,,,,,5,60,,,,,1,,,", "batch is '5'; it must be empty where no workload"},
        {"a,0,black,1e9,,,,,,,,,1,,,", "a black box counts samples"},
        {"a,0,big,,3,,,,,,,,1,,,", "batch is empty; it must be given beside steps"},
        {"a,0,small,,,,,60,,,,,1,,,", "ref is empty; it must be a chip of the fleet"},
        {"a,0,mid,,,,,60,k80,,,,1,,,", "ref is 'k80'; it must be a chip of the fleet on which"},
        {"a,0,small,1e9,,,,,k80,,,,1,,,", "ref is 'k80'; it must be empty"},
        {"a,0,small,1e9,,,,,,,,1/0/0/0,1,,,", "mix is '1/0/0/0'; it must be empty beside"},
        {"a,0,small,1e9,,,,,,,,,1,1,500,", "milli is '500'; it must be such that"},
        {"a,0,small,1e9,,,,,,,,,1,0,,", "devices is '0'; it must be such that"},
        {"a,0,small,1e9,,,,,,,,,10000,10000,,", "workers is '10000'; it must be such that"},
        {"a,0,small,-1,,,,,,,,,1,,,", "tokens is '-1'; it must be a number"},
        {"a,0,small,1e9,,,0,,,,,,1,,,", "batch is '0'; it must be a whole number"},
    };
    fixture *f = fixture_new();
    fy_job_spec job;
    fy_accept accept[3];
    fy_err err = {0};
    made_up m;

    (void)state;
    made_up_init(&m);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (read_row(f, &m.face, cases[i][0], &job, accept, &err) >= 0) {
            fail_msg("%s: accepted", cases[i][0]);
        }
        if (strstr(err.text, cases[i][1]) == NULL) {
            fail_msg("%s: %s", cases[i][0], err.text);
        }
    }
    assert_true(read_row(f, NULL, "a,0,small,1e9,,,,,,,,,1,,,", &job, accept, &err) < 0);
    assert_non_null(strstr(err.text, "no planner"));
    fixture_free(f);
}

/* A duration means what it meant where the trace was written, whatever has replaced its chip. */
static void durations_count_on_the_site_as_it_was(void **state)
{
    fixture *f = fixture_new();
    fy_accept accept[3];
    fy_job_spec job;
    fy_err err;
    made_up m;

    (void)state;
    made_up_init(&m);
    m.reference = 5;
    assert_int_equal(read_row(f, &m.face, "a,0,small,,,,,60,v100,,,,1,,,", &job, accept, &err), 1);
    assert_true(job.work == 60 * 5000 && accept[0].rate == 1000);
    fixture_free(f);
}

/* ------------------------------------------------------------------ the generator */

static int add(void *ctx, const char *bytes, size_t len)
{
    fy_str_add(ctx, bytes, len);
    return 0;
}

typedef struct tally {
    int64_t jobs, planned, small;
    double demand_s;
} tally;

static void count_job(const fixture *f, const made_up *m, const fy_job_spec *job, tally *t)
{
    double on = 0, seconds = 0;

    t->jobs++;
    t->planned += job->planned;
    t->small += job->workload == &m->small;
    assert_true(job->planned == (job->workload != NULL));
    assert_true(!job->planned || (isnan(job->mix[0]) && !job->work_is_time));
    for (int i = 0; i < job->n_accept; i++) {
        const fy_pool_spec *pool = &f->pools[job->accept[i].chip];
        double n = (double)pool->nodes * pool->devices;
        double s = job->service ? (double)job->cancel_us / 1e6 : job->work / job->accept[i].rate;

        on += n;
        seconds += n * s;
        assert_true(i == 0 || job->accept[i].rate <= job->accept[i - 1].rate);
    }
    t->demand_s += job->workers * seconds / on;
}

static tally generate(const fixture *f, const made_up *m, const fy_gen_options *options,
                      fy_str *text)
{
    fy_gen *gen;
    fy_job_spec job;
    fy_err err;
    tally t = {0};

    if (fy_gen_open(&gen, options, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(fy_canonical_header(add, text), 0);
    while (fy_gen_next(gen, &job) > 0) {
        count_job(f, m, &job, &t);
        assert_int_equal(fy_canonical_row(&job, &f->site, add, text), 0);
    }
    fy_gen_close(gen);
    return t;
}

static void generated_jobs_meet_the_load_and_read_back(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    fy_trace_options how = {.site = &f->site};
    fy_str a = {0}, b = {0}, again = {0};
    fy_trace *trace;
    fy_job_spec job;
    fy_err err = {0};
    made_up m;
    tally t;

    (void)state;
    made_up_init(&m);
    how.planner = options.planner = &m.face;
    options.days = 10;
    t = generate(f, &m, &options, &a);
    (void)generate(f, &m, &options, &b);
    assert_true(a.len == b.len && memcmp(a.text, b.text, a.len) == 0);
    assert_true(t.planned > t.jobs / 4 && t.planned < t.jobs && t.small < t.planned);
    assert_true(fabs(t.demand_s / (10 * 86400.0 * 96) / options.load - 1) < 0.002);
    assert_int_equal(fy_canonical_header(add, &again), 0);
    assert_int_equal(fy_trace_open_bytes(&trace, "t", a.text, a.len, &how, &err), 0);
    while (fy_trace_next(trace, &job, &err) > 0) {
        assert_int_equal(fy_canonical_row(&job, &f->site, add, &again), 0);
    }
    assert_string_equal(err.text, "");
    assert_true(a.len == again.len && memcmp(a.text, again.text, a.len) == 0);
    fy_trace_close(trace);
    fy_str_free(&a);
    fy_str_free(&b);
    fy_str_free(&again);
    fixture_free(f);
}

/* A list of one: all that the kinds draw is that, and where it runs nowhere the mixes stay. */
static void a_list_is_drawn_from(void **state)
{
    fixture *f = fixture_new();
    fy_gen_options options = fy_gen_options_default(&f->site);
    const fy_workload *list[1];
    fy_str text = {0};
    made_up m;
    tally t;

    (void)state;
    made_up_init(&m);
    options.planner = &m.face;
    options.workloads = list;
    options.n_workloads = 1;
    list[0] = &m.small;
    t = generate(f, &m, &options, &text);
    assert_true(t.planned > 0 && t.small == t.planned);
    list[0] = &m.big;
    t = generate(f, &m, &options, &text);
    assert_true(t.jobs > 0 && t.planned == 0);
    fy_str_free(&text);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_counted_in_tokens),
        cmocka_unit_test(rates_are_those_of_the_gang),
        cmocka_unit_test(bad_rows_say_what_would_be_right),
        cmocka_unit_test(durations_count_on_the_site_as_it_was),
        cmocka_unit_test(generated_jobs_meet_the_load_and_read_back),
        cmocka_unit_test(a_list_is_drawn_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
