/* SPDX-License-Identifier: MIT */
/*
 * The published traces as they are, where they lie beside the source (../shared/traces); skipped
 * elsewhere. Counts from their publishers' descriptions, or counted in the files by other means.
 */
#include "fuyao/trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Sums over a trace. */
typedef struct totals {
    int jobs, shares, without_device, unplaceable, at_once;
    double gpu_h;  /* of jobs whose work is time */
    double best_h; /* device-hours, each job alone on its fastest chip */
    int64_t last_us;
} totals;

static const char *shared(const char *name)
{
    static char paths[2][1024];
    static int next;
    const char *root = getenv("ROOT");
    char *path = paths[next ^= 1];

    (void)snprintf(path, sizeof paths[0], "%s/../shared/traces/%s", root != NULL ? root : ".",
                   name);
    return path;
}

static totals read_trace(const char *fleet, const char *name, const char *rates, const char *format)
{
    const char *data = getenv("FUYAO_DATA");
    fy_trace_options options = {.rates_path = rates != NULL ? shared(rates) : NULL};
    const char *file = shared(name);
    fy_catalog *catalog = NULL;
    fy_site *site = NULL;
    fy_trace *trace = NULL;
    fy_job_spec job;
    totals t = {0};
    fy_err err = {0};
    char path[1024];
    int rc;

    data = data != NULL ? data : "data";
    (void)snprintf(path, sizeof path, "%s/fleets/%s.yaml", data, fleet);
    if (fy_catalog_load(&catalog, data, &err) != 0 ||
        fy_site_load(&site, catalog, path, &err) != 0) {
        fail_msg("%s", err.text);
    }
    options.site = site;
    if (fy_trace_open(&trace, file, &options, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(fy_trace_about(trace).format, format);
    while ((rc = fy_trace_next(trace, &job, &err)) > 0) {
        assert_true(job.submit_us >= t.last_us);
        t.jobs++;
        t.shares += job.milli > 0;
        t.without_device += job.devices == 0;
        t.unplaceable += job.n_accept == 0;
        t.at_once += job.work == 0.0;
        t.gpu_h += job.work_is_time ? job.work * job.workers * job.devices / 3600 : 0;
        t.best_h += job.n_accept > 0 && job.work > 0
                        ? job.work / job.accept[0].rate * job.workers * job.devices / 3600
                        : 0;
        t.last_us = job.submit_us;
    }
    if (rc < 0) {
        fail_msg("%s", err.text);
    }
    fy_trace_close(trace);
    fy_site_free(site);
    fy_catalog_free(catalog);
    return t;
}

static void philly(void **state)
{
    totals t = read_trace("philly-500", "philly/philly.csv", NULL, "philly");

    (void)state;
    assert_int_equal(t.jobs, 82247);
    assert_true(fabs(t.gpu_h - 978078.47) < 0.01);
    assert_true(t.last_us == 9408690000000);
    assert_int_equal(t.unplaceable, 0);
}

static void pai(void **state)
{
    totals t = read_trace("pai-800", "pai-2020/philly_as_pai_20000.csv", NULL, "pai");

    (void)state;
    assert_int_equal(t.jobs, 20000);
    assert_true(t.last_us == 3106309000000);
}

static void openb(void **state)
{
    totals t = read_trace("openb-2023", "alibaba-2023/openb_pod_list_default.csv", NULL, "openb");

    (void)state;
    assert_int_equal(t.jobs, 8152);
    assert_int_equal(t.shares, 3078);
    assert_int_equal(t.without_device, 1088);
    assert_int_equal(t.at_once, 1);
    assert_int_equal(t.unplaceable, 0);
    t = read_trace("openb-2023", "alibaba-2023/openb_pod_list_gpushare100.csv", NULL, "openb");
    assert_int_equal(t.jobs, 8152);
    assert_int_equal(t.shares, 7064);
    t = read_trace("openb-2023", "alibaba-2023/openb_pod_list_multigpu50.csv", NULL, "openb");
    assert_int_equal(t.jobs, 9061);
    assert_int_equal(t.shares, 3078);
}

static void gavel(void **state)
{
    static const char rates[] = "gavel/simulation_throughputs.json";
    totals t = read_trace("gavel-36x3", "gavel/generated_36x36x36_lam600_seed0_400jobs.trace",
                          rates, "gavel");

    (void)state;
    assert_int_equal(t.jobs, 400);
    assert_int_equal(t.unplaceable, 0);
    assert_true(t.last_us == 189883360297);
    assert_true(fabs(t.best_h / 400 - 14.70) < 0.01); /* each job alone on its fastest chip */
    t = read_trace("gavel-12x3", "gavel/msr_e13805_seed0_newformat.trace", rates, "gavel");
    assert_int_equal(t.jobs, 504);
    assert_int_equal(t.unplaceable, 0);
}

/* Four rates at placements 6, 24, 48 and 444 were computed apart from this program. */
static void sia(void **state)
{
    totals t = read_trace("sia-64", "sia/workloads/philly-6.csv", "sia/profiles", "sia");

    (void)state;
    assert_int_equal(t.jobs, 160);
    assert_int_equal(t.unplaceable, 0);
    t = read_trace("sia-64", "sia/workloads/saturn-1.csv", "sia/profiles", "sia");
    assert_int_equal(t.jobs, 160);
    t = read_trace("sia-64", "sia/workloads/newtrace-1.csv", "sia/profiles", "sia");
    assert_int_equal(t.jobs, 960);
}

/*
 * What is not there is skipped. cmocka's skip() prints "not ok N # SKIP", which meson takes for a
 * failure, so a test without its folder is not handed to cmocka at all.
 */
int main(void)
{
    static const struct CMUnitTest all[] = {
        cmocka_unit_test(philly), cmocka_unit_test(pai), cmocka_unit_test(openb),
        cmocka_unit_test(gavel),  cmocka_unit_test(sia),
    };
    static const char *const folders[] = {"philly", "pai-2020", "alibaba-2023", "gavel", "sia"};
    enum { N_TESTS = sizeof all / sizeof all[0] };
    struct CMUnitTest tests[N_TESTS] = {{0}};
    size_t n = 0;

    for (int i = 0; i < N_TESTS; i++) {
        if (access(shared(folders[i]), R_OK) == 0) {
            tests[n++] = all[i];
        }
    }
    for (int i = 0; n == 0 && i < N_TESTS; i++) {
        if (i == 0) {
            (void)printf("1..%d\n", (int)N_TESTS);
        }
        (void)printf("ok %d - %s # SKIP no traces/%s beside the source\n", i + 1, all[i].name,
                     folders[i]);
    }
    if (n == 0) {
        return 0;
    }
    for (int i = 0; i < N_TESTS; i++) {
        if (access(shared(folders[i]), R_OK) != 0) {
            (void)printf("# skipped %s: no traces/%s beside the source\n", all[i].name, folders[i]);
        }
    }
    return _cmocka_run_group_tests("real", tests, n, NULL, NULL);
}
