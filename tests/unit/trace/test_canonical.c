/* SPDX-License-Identifier: MIT */
/* The canonical CSV: what each column means, and what is said of a bad row. */
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

static fy_trace *open_text(const fixture *f, const char *text, bool skip_bad)
{
    fy_trace_options options = {.site = &f->site, .skip_bad = skip_bad};
    fy_trace *trace = NULL;
    fy_err err = {0};

    if (fy_trace_open_bytes(&trace, "t", text, strlen(text), &options, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return trace;
}

/* The only job of a header and a row. */
static fy_job_spec only_job(const fixture *f, fy_trace **trace, const char *text)
{
    fy_job_spec job;
    fy_err err = {0};

    *trace = open_text(f, text, false);
    if (fy_trace_next(*trace, &job, &err) != 1) {
        fail_msg("%s", err.text);
    }
    return job;
}

static void defaults_are_a_rigid_job_on_any_chip(void **state)
{
    fixture *f = fixture_new();
    fy_trace *trace;
    fy_job_spec job = only_job(f, &trace, "job,submit_s,duration_s\na,1.5,60\n");
    fy_err err;

    (void)state;
    assert_string_equal(job.name, "a");
    assert_string_equal(job.tenant, "");
    assert_int_equal(job.submit_us, 1500000);
    assert_true(job.work == 60 && job.work_is_time && !job.service);
    assert_int_equal(job.priority, FY_NORMAL);
    assert_true(job.workers == 1 && job.min_workers == 1 && job.max_workers == 1);
    assert_true(job.devices == 1 && job.milli == 0 && job.cpu_milli == 0 && job.memory_mib == 0);
    assert_true(job.any_chip && job.n_accept == 3 && job.n_absent == 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(job.accept[i].chip, i);
        assert_true(job.accept[i].rate == 1 && job.accept[i].rate_spread == 1);
        assert_int_equal(job.accept[i].grade, FY_GRADE_MEASURED);
    }
    assert_true(isnan(job.mix[0]) && job.end == FY_END_FINISH);
    assert_true(job.cancel_us == -1 && job.limit_us == -1 && job.deadline_us == -1);
    assert_true(job.checkpoint_interval_us == -1 && job.checkpoint_cost_us == -1);
    assert_true(job.restart_cost_us == -1 && job.min_run_us == 0);
    assert_true(job.n_after == 0 && job.array_of == -1 && job.array_index == -1);
    assert_int_equal(fy_trace_next(trace, &job, &err), 0);
    assert_int_equal(fy_trace_about(trace).rows, 1);
    assert_string_equal(fy_trace_about(trace).format, "canonical");
    assert_false(fy_trace_about(trace).states_costs);
    fy_trace_close(trace);
    fixture_free(f);
}

static void every_column_is_read(void **state)
{
    static const char text[] =
        "job,submit_s,work,tenant,priority,workers,min_workers,max_workers,devices,cpu_milli,"
        "memory_mib,spares,chips,rates,mix,checkpoint_s,checkpoint_cost_s,restart_s,limit_s,"
        "deadline_s,min_run_s,end,cancel_s\n"
        "\"x, y\",0,1e12,lab,spot,4,2,8,2,8000,16384,1,P100|h800|v100,2|9|1e2/0,0.5/0.25/0.25/0,"
        "600,1.5,30,3600,86400,60,fail,7200\n";
    fixture *f = fixture_new();
    fy_trace *trace;
    fy_job_spec job = only_job(f, &trace, text);

    (void)state;
    assert_string_equal(job.name, "x, y");
    assert_string_equal(job.tenant, "lab");
    assert_int_equal(job.priority, FY_SPOT);
    assert_true(job.work == 1e12 && !job.work_is_time);
    assert_true(job.workers == 4 && job.min_workers == 2 && job.max_workers == 8);
    assert_true(job.devices == 2 && job.cpu_milli == 8000 && job.memory_mib == 16384);
    assert_int_equal(job.spares, 1);
    assert_true(job.n_accept == 2 && job.n_absent == 1 && !job.any_chip);
    assert_true(job.accept[0].chip == 1 && job.accept[0].rate == 2);
    assert_true(job.accept[0].rate_spread == 2 && job.accept[0].grade == FY_GRADE_DERIVED);
    assert_true(job.accept[1].chip == 0 && job.accept[1].rate == 100);
    assert_true(job.accept[1].rate_spread == 0);
    assert_true(job.mix[0] == 0.5 && job.mix[1] == 0.25 && job.mix[2] == 0.25 && job.mix[3] == 0);
    assert_true(job.checkpoint_interval_us == 600000000 && job.checkpoint_cost_us == 1500000);
    assert_true(job.restart_cost_us == 30000000 && job.limit_us == 3600000000);
    assert_true(job.deadline_us == 86400000000 && job.min_run_us == 60000000);
    assert_true(job.end == FY_END_FAIL && job.cancel_us == 7200000000);
    assert_true(fy_trace_about(trace).states_costs && fy_trace_about(trace).states_limits);
    fy_trace_close(trace);
    fixture_free(f);
}

/* v100 against p100: compute 2 times as fast, memory 2 times; k80 half the compute, equal memory.
 */
static void rates_follow_from_mix_and_ref(void **state)
{
    fixture *f = fixture_new();
    fy_trace *trace;
    fy_job_spec job =
        only_job(f, &trace, "job,submit_s,duration_s,mix,ref\na,0,60,0.5/0.5/0/0,P100\n");

    (void)state;
    assert_int_equal(job.n_accept, 3);
    assert_true(job.any_chip);
    assert_true(fabs(job.accept[0].rate - 2) < 1e-12);
    assert_true(job.accept[1].rate == 1);
    assert_true(fabs(job.accept[2].rate - 1 / 1.5) < 1e-12);
    assert_int_equal(job.accept[0].grade, FY_GRADE_DERIVED);
    fy_trace_close(trace);
    fixture_free(f);
}

static void chips_absent_from_the_site_are_counted(void **state)
{
    fixture *f = fixture_new();
    fy_trace *trace;
    fy_job_spec job = only_job(f, &trace, "job,submit_s,duration_s,chips\na,0,60,H800\n");

    (void)state;
    assert_true(job.n_accept == 0 && job.n_absent == 1 && !job.any_chip);
    fy_trace_close(trace);
    fixture_free(f);
}

static void dependencies_and_arrays_name_earlier_jobs(void **state)
{
    static const char text[] = "job,submit_s,duration_s,after,array\n"
                               "a,0,1,,\n"
                               "job-1,0,1,,job-1:0:2\n"
                               "job-2,0,1,,job-1:1:2\n"
                               "z,0,1,job-2|a|#1,\n";
    fixture *f = fixture_new();
    fy_trace *trace = open_text(f, text, false);
    fy_job_spec job;
    fy_err err;

    (void)state;
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_true(job.array_of == 1 && job.array_index == 0 && job.array_limit == 2);
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_true(job.array_of == 1 && job.array_index == 1 && job.array_limit == 2);
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_int_equal(job.n_after, 3);
    assert_true(job.after[0] == 2 && job.after[1] == 0 && job.after[2] == 1);
    fy_trace_close(trace);
    fixture_free(f);
}

static void services_have_no_work(void **state)
{
    fixture *f = fixture_new();
    fy_trace *trace;
    fy_job_spec job = only_job(f, &trace, "job,submit_s,service,chips,rates\na,0,yes,v100,3\n");

    (void)state;
    assert_true(job.service && isnan(job.work) && job.accept[0].rate == 3);
    fy_trace_close(trace);
    fixture_free(f);
}

#define HEAD                                                                                       \
    "job,submit_s,duration_s,work,workers,max_workers,devices,milli,priority,chips,rates,"         \
    "mix,ref,after,array,service,end,limit_s\n"

/* Rows with one thing wrong, and the whole message. */
static const struct {
    const char *row, *why;
} bad_rows[] = {
    {",0,1,,,,,,,,,,,,,,,", "t:2: job is empty; it must be a name"},
    {"a:b,0,1,,,,,,,,,,,,,,,", "t:2: job is 'a:b'; it must be a name without ':'"},
    {"#1,0,1,,,,,,,,,,,,,,,", "t:2: job is '#1'; it must be a name that does not start with '#'"},
    {"a,,1,,,,,,,,,,,,,,,",
     "t:2: submit_s is empty; it must be seconds as a plain decimal number, 0 or more, such as "
     "3600 or 0.5"},
    {"a,-1,1,,,,,,,,,,,,,,,",
     "t:2: submit_s is '-1'; it must be seconds as a plain decimal number, 0 or more, such as "
     "3600 or 0.5"},
    {"a,0,nan,,,,,,,,,,,,,,,",
     "t:2: duration_s is 'nan'; it must be seconds as a plain decimal number, 0 or more, such "
     "as 3600 or 0.5"},
    {"a,0,1e99,,,,,,,,,,,,,,,",
     "t:2: duration_s is '1e99'; it must be seconds as a plain decimal number, 0 or more, such "
     "as 3600 or 0.5"},
    {"a,0,99999999999999999999,,,,,,,,,,,,,,,",
     "t:2: duration_s is '99999999999999999999'; it must be less than 1e12 seconds"},
    {"a,0,0.0000001,,,,,,,,,,,,,,,",
     "t:2: duration_s is '0.0000001'; it must be seconds with at most six decimals"},
    {"a,0,,,,,,,,,,,,,,,,",
     "t:2: nothing says how much work there is; a job has one of duration_s and work, or with a "
     "workload one of tokens, steps, samples and duration_s, a service none"},
    {"a,0,1,1,,,,,,v100,1,,,,,,,",
     "t:2: more than one of the columns that say how much work; a job has one of duration_s and "
     "work, or with a workload one of tokens, steps, samples and duration_s, a service none"},
    {"a,0,1,,,,,,,,,,,,,yes,,",
     "t:2: a service with an end; a job has one of duration_s and work, or with a workload one "
     "of tokens, steps, samples and duration_s, a service none"},
    {"a,0,,5,,,,,,,,,,,,,,",
     "t:2: rates is empty; it must be given with work, in units of work a second of the whole "
     "gang"},
    {"a,0,,inf,,,,,,v100,1,,,,,,,", "t:2: work is 'inf'; it must be a number from 0 to 1e+24"},
    {"a,0,1,,0,,,,,,,,,,,,,", "t:2: workers is '0'; it must be a whole number from 1 to 1000000"},
    {"a,0,1,,1.5,,,,,,,,,,,,,",
     "t:2: workers is '1.5'; it must be a whole number from 1 to 1000000"},
    {"a,0,1,,4,2,,,,,,,,,,,,",
     "t:2: max_workers is '2'; it must be a whole number from 4 to 1000000"},
    {"a,0,1,,2,,,500,,,,,,,,,,",
     "t:2: milli is '500'; it must be empty, or the job one worker with one device"},
    {"a,0,1,,,,,1000,,,,,,,,,,", "t:2: milli is '1000'; it must be a whole number from 0 to 999"},
    {"a,0,1,,,,,,urgent,,,,,,,,,", "t:2: priority is 'urgent'; it must be high, normal or spot"},
    {"a,0,1,,,,,,,h900,,,,,,,,",
     "t:2: chips: chip 'h900' is not in the catalogue; use an id or alias that `fuyao chips` "
     "lists"},
    {"a,0,1,,,,,,,v100|V100,,,,,,,,", "t:2: chips: chip 'V100' is named twice; name each once"},
    {"a,0,1,,,,,,,v100|p100,1,,,,,,,", "t:2: rates is '1'; it must be as long as chips"},
    {"a,0,1,,,,,,,v100,1|2,,,,,,,",
     "t:2: rates is '1|2'; it must be one rate or rate/spread a name in chips, 0 to 1e18, "
     "separated by '|'"},
    {"a,0,1,,,,,,,v100,-1,,,,,,,",
     "t:2: rates is '-1'; it must be one rate or rate/spread a name in chips, 0 to 1e18, "
     "separated by '|'"},
    {"a,0,1,,,,,,,v100,0,,,,,,,", "t:2: rates is '0'; it must be above 0 on some chip"},
    {"a,0,1,,,,,,,,,0.5/0.5,v100,,,,,",
     "t:2: mix is '0.5/0.5'; it must be four shares of compute, memory, link and host that sum "
     "to 1, such as 0.6/0.2/0.2/0"},
    {"a,0,1,,,,,,,,,0.5/0.5/0/0,,,,,,",
     "t:2: ref is empty; it must be the id of the chip on which duration_s counts (or give "
     "rates)"},
    {"a,0,1,,,,,,,v100,,0/0/1/0,p100,,,,,",
     "t:2: no slowdown is known of v100 against p100; leave that chip out or give rates"},
    {"a,0,1,,,,,,,,,,p100,,,,,",
     "t:2: ref is 'p100'; it must be empty where neither rates nor mix is given"},
    {"a,0,1,,,,,,,,,,,a,,,,",
     "t:2: after names 'a', which no row above has; name earlier jobs only"},
    {"a,0,1,,,,,,,,,,,#0,,,,",
     "t:2: after names '#0', which no row above has; name earlier jobs only"},
    {"a,0,1,,,,,,,,,,,,b:0,,,",
     "t:2: array is 'b:0'; it must be led by this job or one in a row above"},
    {"a,0,1,,,,,,,,,,,,a,,,",
     "t:2: array is 'a'; it must be the array's first task:index or first task:index:limit"},
    {"a,0,1,,,,,,,,,,,,,no,,", "t:2: service is 'no'; it must be yes or empty"},
    {"a,0,1,,,,,,,,,,,,,,done,", "t:2: end is 'done'; it must be finish, fail or cancel"},
    {"a,0,1,,,,,,,,,,,,,,", "t:2: 17 fields where the header has 18; is it cut off?"},
};

static void bad_rows_say_what_would_be_right(void **state)
{
    fixture *f = fixture_new();

    (void)state;
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        char text[1024];
        fy_trace *trace;
        fy_job_spec job;
        fy_err err = {0};

        (void)snprintf(text, sizeof text, HEAD "%s\n", bad_rows[i].row);
        trace = open_text(f, text, false);
        assert_true(fy_trace_next(trace, &job, &err) < 0);
        assert_string_equal(err.text, bad_rows[i].why);
        assert_true(fy_trace_next(trace, &job, &err) < 0);
        assert_string_equal(err.text, "t: reading has failed before");
        fy_trace_close(trace);
    }
    fixture_free(f);
}

static void skipped_rows_are_listed(void **state)
{
    static const char text[] = "job,submit_s,duration_s,after\n"
                               "a,0,1,\n"
                               "a,1,1,\n"
                               "b,2,-1,\n"
                               "c,1,1,b\n"
                               "c,5,1,a\n"
                               "d,4,1,\n"
                               "e,5\n"
                               "f,5,1,c\n";
    fixture *f = fixture_new();
    fy_trace *trace = open_text(f, text, true);
    fy_job_spec job;
    fy_err err;

    (void)state;
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_string_equal(job.name, "c");
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_string_equal(job.name, "f");
    assert_int_equal(job.after[0], 1);
    assert_int_equal(fy_trace_next(trace, &job, &err), 0);
    assert_int_equal(fy_trace_about(trace).rows, 3);
    assert_int_equal(fy_trace_about(trace).skipped, 5);
    assert_string_equal(fy_trace_skipped(trace, 0),
                        "t:3: job 'a' occurs twice; every job needs a name of its own");
    assert_string_equal(fy_trace_skipped(trace, 2),
                        "t:5: after names 'b', which no row above has; name earlier jobs only");
    assert_string_equal(fy_trace_skipped(trace, 3),
                        "t:7: job 'd' is submitted before the job above it; sort the rows by "
                        "submit_s");
    fy_trace_close(trace);
    fixture_free(f);
}

/* Files that do not open, whole messages. */
static void bad_files_are_refused(void **state)
{
    static const struct {
        const char *text, *format, *why;
    } cases[] = {
        {"", NULL, "t: is empty; a trace has at least one job"},
        {"\n\n", NULL, "t: is empty; a trace has at least one job"},
        {"job,submit\na,0\n", NULL,
         "t:1: no trace format starts with 'job,submit'; the formats are canonical, philly, pai, "
         "openb, spot, gavel, sia, swf, sacct; name one with --format"},
        {"job,submit_s,prio\n", NULL,
         "t:1: column 'prio' is unknown; docs/traces.md lists the columns of the canonical format"},
        {"a,b\n", "canonical", "t:1: column 'job' is missing; the canonical format needs it"},
        {"a,b\n", "csv",
         "'csv' is no trace format; the formats are canonical, philly, pai, openb, spot, gavel, "
         "sia, swf, sacct"},
    };
    fixture *f = fixture_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_trace_options options = {.site = &f->site, .format = cases[i].format};
        fy_trace *trace = NULL;
        fy_err err = {0};

        assert_true(fy_trace_open_bytes(&trace, "t", cases[i].text, strlen(cases[i].text), &options,
                                        &err) < 0);
        assert_null(trace);
        assert_string_equal(err.text, cases[i].why);
    }
    fixture_free(f);
}

static void a_trace_without_jobs_is_refused(void **state)
{
    fixture *f = fixture_new();
    fy_trace *trace = open_text(f, "job,submit_s,duration_s\n", false);
    fy_job_spec job;
    fy_err err;

    (void)state;
    assert_int_equal(fy_trace_next(trace, &job, &err), FY_EPARSE);
    assert_string_equal(err.text, "t: holds no job");
    fy_trace_close(trace);
    trace = open_text(f, "job,submit_s,duration_s\na,0,-1\n", true);
    assert_int_equal(fy_trace_next(trace, &job, &err), FY_EPARSE);
    assert_string_equal(err.text, "t: holds no job that could be read");
    fy_trace_close(trace);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_a_rigid_job_on_any_chip),
        cmocka_unit_test(every_column_is_read),
        cmocka_unit_test(rates_follow_from_mix_and_ref),
        cmocka_unit_test(chips_absent_from_the_site_are_counted),
        cmocka_unit_test(dependencies_and_arrays_name_earlier_jobs),
        cmocka_unit_test(services_have_no_work),
        cmocka_unit_test(bad_rows_say_what_would_be_right),
        cmocka_unit_test(skipped_rows_are_listed),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(a_trace_without_jobs_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
