/* SPDX-License-Identifier: MIT */
/* Each public format by a few hand-made rows: how it is recognised, what a row means, bad rows. */
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

enum { MAX_JOBS = 8 };

/* A whole trace read; jobs of formats that are sorted stay valid until it is closed. */
typedef struct reading {
    fixture *f;
    fy_trace *trace;
    fy_job_spec jobs[MAX_JOBS];
    int n;
    fy_err err; /* of the last call */
    int rc;
} reading;

static const char *data(const char *name)
{
    static char path[1024];
    const char *root = getenv("ROOT");

    (void)snprintf(path, sizeof path, "%s/tests/data/traces/%s", root != NULL ? root : ".", name);
    return path;
}

static reading read_text(const char *format, const char *text, const char *rates)
{
    reading r = {.f = fixture_new()};
    fy_trace_options options = {.site = &r.f->site, .rates_path = rates};

    r.rc = fy_trace_open_bytes(&r.trace, "t", text, strlen(text), &options, &r.err);
    if (r.rc == 0) {
        assert_string_equal(fy_trace_about(r.trace).format, format);
        while (r.n < MAX_JOBS && (r.rc = fy_trace_next(r.trace, &r.jobs[r.n], &r.err)) > 0) {
            r.n++;
        }
    }
    return r;
}

static void done(reading *r)
{
    fy_trace_close(r->trace);
    fixture_free(r->f);
}

static void expect_error(const char *format, const char *head, const char *row, const char *why)
{
    char text[1024];
    reading r;

    (void)snprintf(text, sizeof text, "%s%s\n", head, row);
    r = read_text(format, text, NULL);
    assert_true(r.rc < 0);
    assert_string_equal(r.err.text, why);
    done(&r);
}

static void is_gang(const fy_job_spec *job, int workers, int devices)
{
    assert_int_equal(job->workers, workers);
    assert_int_equal(job->min_workers, workers);
    assert_int_equal(job->max_workers, workers);
    assert_int_equal(job->devices, devices);
}

static void philly(void **state)
{
    static const char head[] = "timestamp,duration,num_gpus,gpu_time,cluster\n";
    reading r = read_text("philly",
                          "timestamp,duration,num_gpus,gpu_time,cluster\n"
                          "2017-11-05 02:00:00,66.0,4,264.0,vc2\n"
                          "2017-11-05 01:30:00,10,1,10,vc1\n"
                          "2017-11-05 02:00:00,5,1,5,vc1\n",
                          NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 3);
    assert_string_equal(r.jobs[0].name, "2");
    assert_string_equal(r.jobs[1].name, "1"); /* sorted, stably, from the first submission on */
    assert_string_equal(r.jobs[2].name, "3");
    assert_true(r.jobs[0].submit_us == 0 && r.jobs[1].submit_us == 1800000000);
    assert_true(r.jobs[1].work == 66 && r.jobs[1].work_is_time && r.jobs[1].any_chip);
    is_gang(&r.jobs[1], 4, 1);
    assert_int_equal(r.jobs[1].n_accept, 3);
    assert_string_equal(r.jobs[1].tenant, "vc2");
    done(&r);
    expect_error("philly", head, "2017-02-29 00:00:00,1,1,1,v",
                 "t:2: timestamp is '2017-02-29 00:00:00'; it must be a date as 2017-10-09 "
                 "07:01:55");
    expect_error("philly", head, "2017-02-28 00:00:00,1,0,1,v",
                 "t:2: num_gpus is '0'; it must be a whole number from 1 to 1000000");
}

static void pai(void **state)
{
    static const char head[] =
        "job_id,user,num_inst,num_gpu,num_cpu,submit_time,duration,wait_time,"
        "gpu_type,user_dur\n";
    reading r = read_text("pai",
                          "job_id,user,num_inst,num_gpu,num_cpu,submit_time,duration,wait_time,"
                          "gpu_type,user_dur\n"
                          "75,u,2,4,10,5,177,0,MISC,1\n"
                          "76,u,1,0.25,4,5,177,0,V100,1\n"
                          "77,w,3,0,4,4,177,0,,1\n",
                          NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 3);
    assert_string_equal(r.jobs[0].name, "77");
    is_gang(&r.jobs[0], 3, 0);
    is_gang(&r.jobs[1], 8, 1);
    assert_int_equal(r.jobs[1].cpu_milli, 2500);
    assert_true(r.jobs[1].any_chip && r.jobs[1].submit_us == 5000000);
    is_gang(&r.jobs[2], 1, 1);
    assert_int_equal(r.jobs[2].milli, 250);
    assert_true(r.jobs[2].n_accept == 1 && r.jobs[2].accept[0].chip == 0);
    done(&r);
    expect_error("pai", head, "1,u,2,0.5,4,5,1,0,MISC,1",
                 "t:2: num_gpu is '0.5'; it must be a whole number, or a share below 1 with one "
                 "instance");
    expect_error("pai", head, "1,u,1,1,4,5,1,0,A999,1",
                 "t:2: gpu_type: chip 'A999' is not in the catalogue; use an id or alias that "
                 "`fuyao chips` lists");
    expect_error("pai", head, "1,u,1,1,4,5,1,0,MISC,1\n1,u,1,1,4,6,1,0,MISC,1",
                 "t:3: job '1' occurs twice; every job needs a name of its own");
}

#define OPENB                                                                                      \
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,"            \
    "deletion_time,scheduled_time\n"

static void openb(void **state)
{
    reading r = read_text("openb",
                          OPENB "p0,12000,16384,1,460,,LS,Running,0,100,40\n"
                                "p1,1000,16384,8,1000,V100|P100,LS,Pending,50,100,\n"
                                "p2,1000,16384,0,0,,BE,Failed,60,60,60\n"
                                "p3,1,1,1,1000,H800,BE,Failed,70,75,71.0\n",
                          NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 4);
    is_gang(&r.jobs[0], 1, 1);
    assert_true(r.jobs[0].milli == 460 && r.jobs[0].cpu_milli == 12000);
    assert_true(r.jobs[0].memory_mib == 16384 && r.jobs[0].work == 60);
    is_gang(&r.jobs[1], 1, 8);
    assert_true(r.jobs[1].milli == 0 && r.jobs[1].work == 50 && !r.jobs[1].any_chip);
    assert_true(r.jobs[1].n_accept == 2 && r.jobs[1].accept[0].chip == 0);
    is_gang(&r.jobs[2], 1, 0);
    assert_true(r.jobs[2].work == 0 && r.jobs[2].work_is_time);
    assert_true(r.jobs[3].n_accept == 0 && r.jobs[3].n_absent == 1 && r.jobs[3].work == 4);
    done(&r);
    expect_error("openb", OPENB, "p,1,1,2,500,,,,0,9,0",
                 "t:2: gpu_milli is '500'; it must be 0 for no GPU, 1 to 1000 for one, 1000 for "
                 "more");
    expect_error("openb", OPENB, "p,1,1,1,1000,,,,5,4,",
                 "t:2: deletion_time is '4'; it must be at or after scheduled_time (creation_time "
                 "where that is blank)");
    expect_error("openb", OPENB, "p,1,1,1,1000,A||B,,,5,9,",
                 "t:2: gpu_spec: chip 'A' is not in the catalogue; use an id or alias that `fuyao "
                 "chips` lists");
}

static void openb_without_times_is_services(void **state)
{
    reading r = read_text("openb",
                          "name,cpu_milli,memory_mib,num_gpu,gpu_milli\n"
                          "p0,1,2,1,460\n",
                          NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 1);
    assert_true(r.jobs[0].service && isnan(r.jobs[0].work) && r.jobs[0].submit_us == 0);
    done(&r);
}

#define SPOT                                                                                       \
    "job_name,organization,gpu_model,cpu_request,gpu_request,worker_num,submit_time,duration,"     \
    "job_type\n"

static void spot(void **state)
{
    reading r = read_text("spot",
                          SPOT "j0,org,V100,12,4,2,10,3600,HP\n"
                               "j1,,,4,0.5,1,5,60,Spot\n",
                          NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 2);
    assert_true(r.jobs[0].priority == FY_SPOT && r.jobs[0].milli == 500 && r.jobs[0].any_chip);
    assert_true(r.jobs[1].priority == FY_HIGH && r.jobs[1].n_accept == 1);
    is_gang(&r.jobs[1], 2, 4);
    assert_int_equal(r.jobs[1].cpu_milli, 12000);
    assert_string_equal(fy_trace_about(r.trace).tested,
                        "from the published schema, untested on real data");
    done(&r);
    expect_error("spot", SPOT, "j,o,V100,1,1,1,1,1,hp",
                 "t:2: job_type is 'hp'; it must be HP or Spot");
}

static void gavel(void **state)
{
    static const char text[] =
        "Toy (batch size 8)\tcmd \"x\"\twd\t-n\t1\t1000\t1\t1\t-1.000000\t0.5\n"
        "Toy (batch size 8)\tcmd\twd\t-n\t0\t400\t4\t5.0\t2\t3\n";
    reading r = read_text("gavel", text, data("gavel-rates.json"));

    (void)state;
    assert_true(r.rc == 0 && r.n == 2);
    assert_string_equal(r.jobs[0].name, "1");
    assert_true(r.jobs[0].submit_us == 500000 && r.jobs[0].work == 1000);
    assert_true(!r.jobs[0].work_is_time && r.jobs[0].n_accept == 2 && r.jobs[0].n_absent == 1);
    assert_true(r.jobs[0].accept[0].rate == 10 && r.jobs[0].deadline_us == -1);
    is_gang(&r.jobs[1], 4, 1);
    assert_true(r.jobs[1].accept[0].chip == 1 && r.jobs[1].accept[0].rate == 40);
    assert_true(r.jobs[1].priority == FY_HIGH);
    assert_true(r.jobs[1].deadline_us == 3000000 + 2 * 10000000); /* alone on p100: 10 s */
    done(&r);
    r = read_text("gavel", text, NULL);
    assert_int_equal(r.rc, FY_EINVAL);
    assert_string_equal(r.err.text, "t: a gavel trace needs --rates FILE, a table such as "
                                    "simulation_throughputs.json");
    done(&r);
    r = read_text("gavel", "Toy (batch size 9)\tc\tw\t-n\t1\t1000\t1\t1\t-1\t0\n",
                  data("gavel-rates.json"));
    assert_string_equal(r.err.text, "t:1: the rates have no entry for ('Toy (batch size 9)', 1); "
                                    "give a table that has it");
    done(&r);
    r = read_text("gavel", "Big\tc\tw\t-n\t1\t1000\t2\t1\t-1\t0\n", data("gavel-rates.json"));
    assert_string_equal(r.err.text, "t:1: the rates are 0 on every chip; the job can run nowhere");
    done(&r);
}

static void sia(void **state)
{
    static const char text[] = "name,time,application,num_replicas,batch_size\n"
                               "toy-0,53.5,toy,1,16\n";
    static const char *const aws[] = {"aws"};
    fixture *f = fixture_new();
    fy_trace_options options = {.site = &f->site, .rates_path = data("sia")};
    fy_trace *trace;
    fy_job_spec job;
    fy_err err = {0};

    (void)state;
    f->chips[3].aliases = aws;
    f->pools[0].devices = 4;
    assert_int_equal(fy_trace_open_bytes(&trace, "t", text, sizeof text - 1, &options, &err), 0);
    assert_int_equal(fy_trace_next(trace, &job, &err), 1);
    assert_true(job.work == 250 && !job.work_is_time && job.n_accept == 1);
    assert_true(fabs(job.accept[0].rate - 1 / 1.7) < 1e-12);
    assert_string_equal(fy_trace_about(trace).format, "sia");
    fy_trace_close(trace);
    fixture_free(f);
}

static void swf(void **state)
{
    reading r = read_text("swf",
                          "; Version: 2.2\n"
                          "1 0 5 100 4 -1 -1 8 3600 -1 1 3 1 -1 1 -1 -1 -1\n"
                          " 2  10  7 -1 -1 -1 -1 2 3600 -1 5 4 1 -1 1 -1 -1 -1\n"
                          "3\t20 0 50 2 -1 -1 2 -1 -1 0 -1 1 -1 1 -1 -1 -1\r\n",
                          NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 3);
    assert_string_equal(r.jobs[0].name, "1");
    assert_string_equal(r.jobs[0].tenant, "user-3");
    is_gang(&r.jobs[0], 4, 1);
    assert_true(r.jobs[0].work == 100 && r.jobs[0].limit_us == 3600000000);
    is_gang(&r.jobs[1], 2, 1); /* cancelled while it waited */
    assert_true(r.jobs[1].cancel_us == 7000000 && r.jobs[1].work == 3600);
    assert_true(r.jobs[2].end == FY_END_FAIL && r.jobs[2].limit_us == -1);
    assert_string_equal(r.jobs[2].tenant, "");
    done(&r);
    expect_error("swf", ";\n", "1 0 5 100 4 -1 -1 8 3600", "t:2: 9 fields; a line has 18");
    expect_error("swf", ";\n", "1 0 5 100 -1 -1 -1 -1 3600 -1 1 3 1 -1 1 -1 -1 -1",
                 "t:2: requested processors is '-1'; it must be known, 1 or more, where no "
                 "processors were allocated");
}

#define SACCT "JobID|User|Account|Submit|End|Elapsed|State|AllocTRES|ReqTRES|Timelimit\n"

static void sacct(void **state)
{
    reading r =
        read_text("sacct",
                  SACCT "101|ann|lab|2026-01-31T23:59:59|x|1-02:03:04|COMPLETED|billing=8,cpu=16,"
                        "gres/gpu:v100=4,gres/gpu=4,mem=64G,node=1|cpu=16|2-00:00:00\n"
                        "101.batch|||2026-01-31T23:59:59|x|1-02:03:04|COMPLETED|cpu=16||\n"
                        "102_7|bob||2026-01-31T23:59:50|x|10:00|FAILED|cpu=3,mem=1000M||UNLIMITED\n"
                        "103|bob||1769904000|2026-02-01T01:00:00|00:00:00|CANCELLED by 1000||"
                        "cpu=1,gres/gpu=1|01:00:00\n",
                  NULL);

    (void)state;
    assert_true(r.rc == 0 && r.n == 3);
    assert_string_equal(r.jobs[0].name, "102_7");
    is_gang(&r.jobs[0], 1, 0);
    assert_true(r.jobs[0].end == FY_END_FAIL && r.jobs[0].work == 600);
    assert_true(r.jobs[0].memory_mib == 1000 && r.jobs[0].cpu_milli == 3000);
    assert_string_equal(r.jobs[0].tenant, "bob");
    is_gang(&r.jobs[1], 4, 1);
    assert_true(r.jobs[1].submit_us == 9000000 && r.jobs[1].work == 93784);
    assert_true(r.jobs[1].limit_us == 172800000000 && r.jobs[1].n_accept == 1);
    assert_true(r.jobs[1].cpu_milli == 4000 && r.jobs[1].memory_mib == 16384);
    assert_true(r.jobs[2].submit_us == 10000000 && r.jobs[2].cancel_us == 3600000000);
    assert_true(r.jobs[2].work == 3600 && r.jobs[2].any_chip);
    done(&r);
    expect_error("sacct", SACCT, "1|b||2026-02-01T00:00:00|x|00:10|RUNNING|cpu=1||",
                 "t:2: State is 'RUNNING'; it must be that of a job that has ended; ask sacct for "
                 "--state=CD,F,CA,TO,NF,OOM");
    expect_error("sacct", SACCT, "1|b||2026-02-01T00:00:00|x|1 day|FAILED|cpu=1||",
                 "t:2: Elapsed is '1 day'; it must be [days-]hours:minutes:seconds");
    expect_error("sacct", SACCT, "1|b||2026-02-01T00:00:00|x|00:10|FAILED|gres/gpu:v100=-1||",
                 "t:2: AllocTRES is 'gres/gpu:v100=-1'; it must be a list such as "
                 "cpu=8,gres/gpu:a100=4,mem=64G,node=1");
}

static void dates_are_days(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } good[] = {{"1970-01-01 00:00:00", 0},
                {"2000-02-29T12:00:00", 951825600},
                {"2017-10-09 07:01:55", 1507532515},
                {"2100-03-01 00:00:00", 4107542400}};
    static const char *const bad[] = {
        "2100-02-29 00:00:00", "2017-13-01 00:00:00", "2017-00-01 00:00:00",
        "2017-01-01 24:00:00", "2017-01-01 00:60:00", "2017-1-01 00:00:000",
        "2017-01-01",          "1969-12-31 23:59:59", "2017-01-01 00:00:-1"};
    int64_t s = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fy_parse_date(good[i].text, strlen(good[i].text), &s));
        assert_int_equal(s, good[i].s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(fy_parse_date(bad[i], strlen(bad[i]), &s));
    }
}

static void only_gavel_and_sia_take_rates(void **state)
{
    reading r = read_text("philly", "timestamp,duration,num_gpus,cluster\n", "x.json");

    (void)state;
    assert_int_equal(r.rc, FY_EINVAL);
    assert_string_equal(r.err.text,
                        "the philly format takes no rates file; only gavel and sia traces do");
    done(&r);
}

static void every_reader_is_listed(void **state)
{
    const fy_trace_format *formats = fy_trace_formats();

    (void)state;
    for (int i = 0;; i++) {
        if (fy_readers[i] == NULL) {
            assert_null(formats[i].name);
            break;
        }
        assert_string_equal(formats[i].name, fy_readers[i]->name);
        assert_int_equal(strstr(formats[i].summary, fy_readers[i]->tested) != NULL,
                         strcmp(fy_readers[i]->tested, "real data") != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philly),
        cmocka_unit_test(pai),
        cmocka_unit_test(openb),
        cmocka_unit_test(openb_without_times_is_services),
        cmocka_unit_test(spot),
        cmocka_unit_test(gavel),
        cmocka_unit_test(sia),
        cmocka_unit_test(swf),
        cmocka_unit_test(sacct),
        cmocka_unit_test(dates_are_days),
        cmocka_unit_test(only_gavel_and_sia_take_rates),
        cmocka_unit_test(every_reader_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
