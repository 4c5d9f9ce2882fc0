/* SPDX-License-Identifier: MIT */
/* Measured rates: Gavel's table and Sia's profiles, computed by hand from tests/data/traces. */
#include "fixture.h"
#include "trace/rates.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *data(const char *name)
{
    static char path[1024];
    const char *root = getenv("ROOT");

    (void)snprintf(path, sizeof path, "%s/tests/data/traces/%s", root != NULL ? root : ".", name);
    return path;
}

static void gavel_rates_are_looked_up(void **state)
{
    fixture *f = fixture_new();
    fy_gavel_rates *rates;
    fy_accept accept[FY_MAX_CHIPS];
    fy_err err = {0};
    int n_absent;

    (void)state;
    assert_int_equal(fy_gavel_rates_load(&rates, data("gavel-rates.json"), &f->site, &err), 0);
    assert_int_equal(fy_gavel_rates_of(rates, "Toy (batch size 8)", 1, accept, &n_absent), 2);
    assert_int_equal(n_absent, 1);
    assert_true(accept[0].chip == 0 && accept[0].rate == 10 && accept[1].rate == 5);
    assert_int_equal(accept[0].grade, FY_GRADE_MEASURED);
    /* fastest first; spread as measured, 0 where the table has the type but not the job */
    assert_int_equal(fy_gavel_rates_of(rates, "Toy (batch size 8)", 4, accept, &n_absent), 2);
    assert_int_equal(n_absent, 0);
    assert_true(accept[0].chip == 1 && accept[0].rate == 40 && accept[0].rate_spread == 0);
    assert_true(accept[1].chip == 0 && accept[1].rate == 36 && accept[1].rate_spread == 18);
    /* 0 = cannot run; no entry = not measured */
    assert_int_equal(fy_gavel_rates_of(rates, "Big", 2, accept, &n_absent), 0);
    assert_int_equal(n_absent, 0);
    assert_int_equal(fy_gavel_rates_of(rates, "Big", 4, accept, &n_absent), -1);
    fy_gavel_rates_free(rates);
    fixture_free(f);
}

static void bad_gavel_tables_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "t:1: not JSON: "},
        {"{\n\"v100\":", "t:2: not JSON: "},
        {"[]", "t: must be an object of chip types"},
        {"{}", "t: holds no chip type"},
        {"{\"v100\": 3}", "t: 'v100' must hold job types and their rates"},
        {"{\"h900\": {}}",
         "t: chip 'h900' is not in the catalogue; use an id or alias that `fuyao chips` lists"},
        {"{\"v100\": {\"x\": {}}}", "t: 'v100', \"x\": \"null\" must be steps a second, 0 to 1e18"},
        {"{\"v100\": {\"x\": {\"null\": -1}}}",
         "t: 'v100', \"x\": \"null\" must be steps a second, 0 to 1e18"},
        {"{\"v100\": {\"x\": {\"null\": \"7\"}}}",
         "t: 'v100', \"x\": \"null\" must be steps a second, 0 to 1e18"},
        {"{\"v100\": {}, \"v100\": {}}", NULL},
        {"{\"v100\": {\"x\": {\"null\": 1e999}}}", NULL},
    };
    fixture *f = fixture_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_gavel_rates *rates;
        fy_err err = {0};

        assert_true(fy_gavel_rates_parse(&rates, "t", cases[i].text, strlen(cases[i].text),
                                         &f->site, &err) < 0);
        assert_null(rates);
        if (cases[i].why != NULL) {
            assert_memory_equal(err.text, cases[i].why, strlen(cases[i].why));
        }
    }
    fixture_free(f);
}

static void missing_gavel_tables_are_refused(void **state)
{
    fixture *f = fixture_new();
    fy_gavel_rates *rates;
    fy_err err;

    (void)state;
    assert_int_equal(fy_gavel_rates_load(&rates, "/nonexistent", &f->site, &err), FY_ENOENT);
    assert_string_equal(err.text, "/nonexistent: cannot be read: No such file or directory");
    assert_int_equal(fy_gavel_rates_load(&rates, "/tmp", &f->site, &err), FY_EIO);
    fixture_free(f);
}

/* The fixture with its v100s called aws, so that the toy profiles hold for them, four a node. */
static fixture *sia_site(void)
{
    static const char *const aws[] = {"aws"};
    fixture *f = fixture_new();

    f->chips[3].aliases = aws;
    f->pools[0].devices = 4;
    return f;
}

static fy_accept sia_rate(fy_sia_rates *rates, int replicas, int batch, int expected)
{
    fy_accept accept[FY_MAX_CHIPS] = {{0}};
    fy_err err = {0};
    int n, n_absent;
    int rc = fy_sia_rates_of(rates, "toy", replicas, batch, accept, &n, &n_absent, &err);

    if (rc != (expected > 0 ? 0 : FY_ERANGE)) {
        fail_msg("%d: %s", rc, err.text);
    }
    assert_int_equal(n, expected);
    return accept[0];
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12 * fabs(b);
}

static void sia_rates_are_interpolated(void **state)
{
    fixture *f = sia_site();
    fy_sia_rates *rates = fy_sia_rates_new(data("sia"), &f->site);
    fy_accept a;

    (void)state;
    a = sia_rate(rates, 1, 4, 1); /* a measured point; one replica cannot spread */
    assert_true(near(a.rate, 1 / 0.5) && near(a.rate_spread, a.rate));
    a = sia_rate(rates, 1, 6, 1); /* half way: 0.7 s */
    assert_true(near(a.rate, 1 / 0.7));
    a = sia_rate(rates, 1, 16, 1); /* twice the largest batch: 2 x 0.9 less one sync of 0.1 */
    assert_true(near(a.rate, 1 / 1.7));
    a = sia_rate(rates, 1, 18, 1); /* three steps of 6: 3 x 0.7 - 2 x 0.1 */
    assert_true(near(a.rate, 1 / 1.9));
    a = sia_rate(rates, 4, 24, 1); /* placement 4 at 6: 0.8; spread is 22: 1.0 */
    assert_true(near(a.rate, 1 / 0.8) && near(a.rate_spread, 1 / 1.0));
    /* 12 on three nodes (444 is not measured): between 10 and 14 on three nodes at batch 6 */
    a = sia_rate(rates, 12, 72, 1);
    assert_true(near(a.rate, 1 / 1.7) && a.rate_spread == 0);
    (void)sia_rate(rates, 1, 2, 0); /* below the smallest batch: not measured */
    /* two replicas on one node: between one and four at batch 8 */
    a = sia_rate(rates, 2, 16, 1);
    assert_true(near(a.rate, 3 / 2.8));
    (void)sia_rate(rates, 20, 160, 0); /* on five nodes: not measured */
    fy_sia_rates_free(rates);
    fixture_free(f);
}

static void sia_work_is_the_last_iteration(void **state)
{
    fixture *f = sia_site();
    fy_sia_rates *rates = fy_sia_rates_new(data("sia"), &f->site);
    fy_err err;
    double work = 0;

    (void)state;
    assert_int_equal(fy_sia_work(rates, "toy", 16, &work, &err), 0);
    assert_true(work == 250);
    assert_int_equal(fy_sia_work(rates, "toy", 17, &work, &err), FY_ENOENT);
    assert_int_equal(fy_sia_work(rates, "../toy", 16, &work, &err), FY_EPARSE);
    fy_sia_rates_free(rates);
    fixture_free(f);
}

static void unknown_sia_applications_are_refused(void **state)
{
    fixture *f = sia_site();
    fy_sia_rates *rates = fy_sia_rates_new(data("sia"), &f->site);
    fy_accept accept[FY_MAX_CHIPS];
    fy_err err;
    int n, n_absent;

    (void)state;
    for (int i = 0; i < 2; i++) { /* twice: a failure is not taken for a profile */
        assert_int_equal(fy_sia_rates_of(rates, "none", 1, 4, accept, &n, &n_absent, &err),
                         FY_ENOENT);
        assert_non_null(strstr(err.text, "/sia/none: no placements-TYPE.csv there"));
    }
    assert_int_equal(fy_sia_rates_of(rates, "gpt_pmp", 1, 4, accept, &n, &n_absent, &err),
                     FY_EPARSE);
    fy_sia_rates_free(rates);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gavel_rates_are_looked_up),
        cmocka_unit_test(bad_gavel_tables_are_refused),
        cmocka_unit_test(missing_gavel_tables_are_refused),
        cmocka_unit_test(sia_rates_are_interpolated),
        cmocka_unit_test(sia_work_is_the_last_iteration),
        cmocka_unit_test(unknown_sia_applications_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
