/* SPDX-License-Identifier: MIT */
/* Numbers in text: what is taken, what is refused, and that what is written reads back. */
#include "base/num.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static fy_num to_us(const char *text, fy_num_round round, int64_t *us)
{
    return fy_num_us(text, strlen(text), round, us);
}

static void seconds_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {{"0", 0},
                 {"66.0", 66000000},
                 {"0.000001", 1},
                 {".5", 500000},
                 {"7.", 7000000},
                 {"487.661836", 487661836},
                 {"007.10", 7100000},
                 {"1.0000000000", 1000000},
                 {"999999999999.999999", 999999999999999999}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = -1;

        assert_int_equal(to_us(cases[i].text, FY_NUM_EXACT, &us), FY_NUM_OK);
        assert_int_equal(us, cases[i].us);
    }
}

static void seconds_too_fine_are_refused_or_rounded(void **state)
{
    int64_t us = -1;

    (void)state;
    assert_int_equal(to_us("1.2999999523", FY_NUM_EXACT, &us), FY_NUM_DECIMALS);
    assert_int_equal(us, -1);
    assert_int_equal(to_us("1.2999999523", FY_NUM_NEAREST, &us), FY_NUM_OK);
    assert_int_equal(us, 1300000);
    assert_int_equal(to_us("1.2999994", FY_NUM_NEAREST, &us), FY_NUM_OK);
    assert_int_equal(us, 1299999);
}

static void bad_seconds_are_refused(void **state)
{
    static const struct {
        const char *text;
        fy_num why;
    } cases[] = {{"", FY_NUM_NOT},
                 {".", FY_NUM_NOT},
                 {"-1", FY_NUM_NOT},
                 {"+1", FY_NUM_NOT},
                 {"1e3", FY_NUM_NOT},
                 {" 1", FY_NUM_NOT},
                 {"1 ", FY_NUM_NOT},
                 {"nan", FY_NUM_NOT},
                 {"inf", FY_NUM_NOT},
                 {"0x10", FY_NUM_NOT},
                 {"1.2.3", FY_NUM_NOT},
                 {"1000000000000", FY_NUM_RANGE},
                 {"99999999999999999999999999", FY_NUM_RANGE}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = -7;

        assert_int_equal(to_us(cases[i].text, FY_NUM_EXACT, &us), cases[i].why);
        assert_int_equal(us, -7);
    }
}

static void integers_have_ranges(void **state)
{
    int64_t v = 0;

    (void)state;
    assert_int_equal(fy_num_int("-9223372036854775808", 20, INT64_MIN, INT64_MAX, &v), FY_NUM_OK);
    assert_true(v == INT64_MIN);
    assert_int_equal(fy_num_int("9223372036854775808", 19, INT64_MIN, INT64_MAX, &v), FY_NUM_RANGE);
    assert_int_equal(fy_num_int("5", 1, 6, 9, &v), FY_NUM_RANGE);
    assert_int_equal(fy_num_int("", 0, 0, 9, &v), FY_NUM_NOT);
    assert_int_equal(fy_num_int("-", 1, -9, 9, &v), FY_NUM_NOT);
    assert_int_equal(fy_num_int("+1", 2, 0, 9, &v), FY_NUM_NOT);
    assert_int_equal(fy_num_int("1.0", 3, 0, 9, &v), FY_NUM_NOT);
}

static void doubles_equal_the_library(void **state)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1e-22",
                                        "1e22",
                                        "123456789.125",
                                        "1e300",
                                        "4.9e-324",
                                        "0.1",
                                        "3e0",
                                        "1E+5",
                                        "1e-5",
                                        ".5",
                                        "5.",
                                        "-1.5e-3",
                                        "0e999",
                                        "9007199254740993",
                                        "1797693134862315708e290",
                                        "123456789012345678901234567890",
                                        "0.00000000000000000000000000001"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double v = -7, expected = strtod(texts[i], NULL);

        assert_int_equal(fy_num_double(texts[i], strlen(texts[i]), &v), FY_NUM_OK);
        assert_memory_equal(&v, &expected, sizeof v);
    }
}

static void bad_doubles_are_refused(void **state)
{
    static const char *const texts[] = {"",      "nan",   "inf", "-inf", "0x1p3",   "1e", "e5",
                                        "1e5.0", "1,5",   "--1", " 1",   "1 ",      ".",  "+",
                                        "1e+",   "1e+-5", "1e-", "1f",   "infinity"};
    double v = -7;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(fy_num_double(texts[i], strlen(texts[i]), &v), FY_NUM_NOT);
    }
    assert_int_equal(fy_num_double("1e999", 5, &v), FY_NUM_RANGE);
    assert_true(v == -7);
}

static void random_numbers_read_back(void **state)
{
    fy_rng rng = fy_rng_seed(11);

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[FY_NUM_TEXT];
        uint64_t bits = fy_rng_u64(&rng);
        double x, back = 0;
        int64_t n = (int64_t)bits >> (bits & 63), n_back = 0;
        size_t len;

        memcpy(&x, &bits, sizeof x);
        x = i % 3 == 0 ? (double)(int64_t)(bits % 2000000) / 1000 : x;
        x = i % 3 == 1 ? fy_rng_unit(&rng) * 100 : x;
        if (!isfinite(x)) {
            continue;
        }
        len = fy_num_put_double(text, x);
        assert_true(len < FY_NUM_TEXT && len == strlen(text));
        assert_int_equal(fy_num_double(text, len, &back), FY_NUM_OK);
        assert_memory_equal(&x, &back, sizeof x);
        len = fy_num_put_int(text, n);
        assert_int_equal(fy_num_int(text, len, INT64_MIN, INT64_MAX, &n_back), FY_NUM_OK);
        assert_true(n == n_back);
        n = (int64_t)(bits % FY_NUM_MAX_US);
        len = fy_num_put_us(text, n);
        assert_int_equal(fy_num_us(text, len, FY_NUM_EXACT, &n_back), FY_NUM_OK);
        assert_true(n == n_back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_exact),
        cmocka_unit_test(seconds_too_fine_are_refused_or_rounded),
        cmocka_unit_test(bad_seconds_are_refused),
        cmocka_unit_test(integers_have_ranges),
        cmocka_unit_test(doubles_equal_the_library),
        cmocka_unit_test(bad_doubles_are_refused),
        cmocka_unit_test(random_numbers_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
