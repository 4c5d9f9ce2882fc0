/* SPDX-License-Identifier: MIT */
#include "fuyao/goodput.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void near(double value, double expected, double tolerance)
{
    assert_true(fabs(value - expected) <= tolerance);
}

static fy_goodput of(double mtbf, double checkpoint, double restart, double work, int nodes)
{
    const fy_failures f = {mtbf, checkpoint, restart};
    return fy_goodput_of(work, nodes, &f);
}

/* Young's sqrt(2 d M): d = 50 s, M = 100 nodes of 10^6 s -> 10^4 s: 1000 s and a little less. */
static void test_interval(void **state)
{
    (void)state;
    fy_goodput g = of(1e6, 50, 0, 1e7, 100);
    near(g.interval_s, 967.2, 0.5);
    near(g.share, 1 / (1 + 50 / 967.2 + 967.2 / 2e4), 0.01);
    near(g.failures, g.wall_s / 1e4, 1e-6 * g.failures);
}

/* The interval is the best one: neighbours take longer. Daly's wall time, by libm. */
static void test_interval_is_best(void **state)
{
    (void)state;
    double m = 1e4;
    fy_goodput g = of(m, 60, 300, 1e7, 1);
    for (double x = 0.5; x < 2; x += 0.05) {
        double t = g.interval_s * x;
        double wall = m * exp(300 / m) * expm1((t + 60) / m) * 1e7 / t;
        assert_true(wall >= g.wall_s * (1 - 1e-4));
    }
}

static void test_without_failures(void **state)
{
    (void)state;
    fy_goodput g = of(1e15, 10, 600, 1e6, 8);
    near(g.share, 1, 1e-3);
    assert_true(isnan(of(NAN, 10, 10, 1e6, 1).wall_s));
    assert_true(isnan(of(1e6, NAN, 10, 1e6, 1).share));
}

/* More nodes fail more often; a checkpoint longer than the time between failures still ends. */
static void test_more_nodes(void **state)
{
    (void)state;
    double last = 1;
    for (int nodes = 1; nodes <= 1 << 14; nodes *= 2) {
        double share = of(2e7, 30, 600, 3e6, nodes).share;
        assert_true(share > 0 && share < last);
        last = share;
    }
    assert_true(of(100, 300, 10, 1e4, 1).share > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_interval_is_best),
        cmocka_unit_test(test_without_failures),
        cmocka_unit_test(test_more_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
