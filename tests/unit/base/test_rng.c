/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: published values of the two generators, the logarithm and the exponential against
 * the C library's, and the moments of each distribution within three standard errors.
 */
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { DRAWS = 200000 };

/* From the authors' C code: state {1,2,3,4}; the same list stands in several other libraries. */
static void xoshiro_gives_its_published_values(void **state)
{
    static const uint64_t expected[] = {11520u,
                                        0u,
                                        1509978240u,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u,
                                        10595114339597558777u,
                                        2904607092377533576u};
    fy_rng rng = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(fy_rng_u64(&rng) == expected[i]);
    }
}

/* The state after seeding is splitmix64's sequence; 1234567 is its widely published example. */
static void seeding_is_splitmix64(void **state)
{
    fy_rng rng = fy_rng_seed(1234567);

    (void)state;
    assert_true(rng.s[0] == 6457827717110365317u);
    assert_true(rng.s[1] == 3203168211198807973u);
    assert_true(rng.s[2] == 9817491932198370423u);
    assert_true(rng.s[3] == 4593380528125082431u);
}

/* These must never change: every golden transcript and every stored seed depends on them. */
static void seeds_mean_the_same_for_ever(void **state)
{
    static const struct {
        uint64_t seed;
        uint64_t first[4];
    } cases[] = {
        {0, {0x99ec5f36cb75f2b4u, 0xbf6e1f784956452au, 0x1a5f849d4933e6e0u, 0x6aa594f1262d2d2cu}},
        {1, {0xb3f2af6d0fc710c5u, 0x853b559647364ceau, 0x92f89756082a4514u, 0x642e1c7bc266a3a7u}},
        {20260101,
         {0x57e28e0407eb6adeu, 0xae12aadc7d2056a3u, 0x007b518906d1df4fu, 0x98342917c27b3aebu}},
    };

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        fy_rng rng = fy_rng_seed(cases[c].seed);

        for (int i = 0; i < 4; i++) {
            assert_true(fy_rng_u64(&rng) == cases[c].first[i]);
        }
    }
}

static void streams_differ_and_repeat(void **state)
{
    fy_rng a = fy_rng_stream(7, 1);
    fy_rng again = fy_rng_stream(7, 1);
    fy_rng b = fy_rng_stream(7, 2);
    fy_rng c = fy_rng_stream(8, 1);

    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t x = fy_rng_u64(&a);

        assert_true(x == fy_rng_u64(&again));
        assert_true(x != fy_rng_u64(&b));
        assert_true(x != fy_rng_u64(&c));
    }
}

static void log_and_exp_agree_with_the_c_library(void **state)
{
    fy_rng rng = fy_rng_seed(3);
    double worst_log = 0, worst_exp = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double x = 1400 * fy_rng_unit(&rng) - 700;
        double y = exp(x);
        double near_one = 0.5 + fy_rng_unit(&rng);

        worst_exp = fmax(worst_exp, fabs(fy_rng_exp(x) / y - 1));
        worst_exp = fmax(worst_exp, fabs(fy_rng_exp(x / 700) / exp(x / 700) - 1));
        worst_log = fmax(worst_log, fabs(fy_rng_log(y) / log(y) - 1));
        worst_log = fmax(worst_log, fabs(fy_rng_log(near_one) / log(near_one) - 1));
    }
    assert_true(worst_log < 1e-14);
    assert_true(worst_exp < 1e-14);
}

static void log_and_exp_at_the_edges(void **state)
{
    (void)state;
    assert_true(fy_rng_log(1) == 0);
    assert_true(fy_rng_exp(0) == 1);
    assert_true(fabs(fy_rng_log(0x1p-1074) / log(0x1p-1074) - 1) < 1e-14);
    assert_true(fabs(fy_rng_log(1.7e308) / log(1.7e308) - 1) < 1e-14);
    assert_true(fy_rng_exp(-1000) == 0);
    assert_true(isinf(fy_rng_exp(1000)));
}

/* The mean of DRAWS values of known mean and standard deviation, within three standard errors. */
static void assert_mean(double sum, double mean, double deviation)
{
    double error = deviation / sqrt(DRAWS);

    assert_true(fabs(sum / DRAWS - mean) < 3 * error);
}

static void moments_of_the_distributions(void **state)
{
    fy_rng rng = fy_rng_seed(42);
    double unit = 0, unit2 = 0, expo = 0, normal = 0, normal2 = 0, logn = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double u = fy_rng_unit(&rng);
        double n = fy_rng_normal(&rng);

        assert_true(u >= 0 && u < 1);
        unit += u;
        unit2 += u * u;
        expo += fy_rng_exponential(&rng, 30);
        normal += n;
        normal2 += n * n;
        logn += fy_rng_lognormal(&rng, 600, 0.5);
    }
    assert_mean(unit, 0.5, sqrt(1.0 / 12));
    assert_mean(unit2, 1.0 / 3, sqrt(4.0 / 45));
    assert_mean(expo, 30, 30);
    assert_mean(normal, 0, 1);
    assert_mean(normal2, 1, sqrt(2));
    assert_mean(logn, 600 * exp(0.125), 600 * exp(0.125) * sqrt(exp(0.25) - 1));
}

static void below_is_fair(void **state)
{
    enum { FACES = 7 };
    fy_rng rng = fy_rng_seed(5);
    int seen[FACES] = {0};
    double p = 1.0 / FACES;

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t face = fy_rng_below(&rng, FACES);

        assert_true(face < FACES);
        seen[face]++;
    }
    for (int i = 0; i < FACES; i++) {
        assert_mean(seen[i], p, sqrt(p * (1 - p)));
    }
    assert_int_equal(fy_rng_below(&rng, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoshiro_gives_its_published_values),
        cmocka_unit_test(seeding_is_splitmix64),
        cmocka_unit_test(seeds_mean_the_same_for_ever),
        cmocka_unit_test(streams_differ_and_repeat),
        cmocka_unit_test(log_and_exp_agree_with_the_c_library),
        cmocka_unit_test(log_and_exp_at_the_edges),
        cmocka_unit_test(moments_of_the_distributions),
        cmocka_unit_test(below_is_fair),
    };

    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
