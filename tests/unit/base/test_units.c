/* SPDX-License-Identifier: MIT */
/* Quantities in text: what is taken, what is refused and why, and how they are printed. */
#include "base/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void right_text_gives_si(void **state)
{
    static const struct {
        const char *text;
        fy_dim dim;
        double si;
    } cases[] = {
        {"96 GB", FY_DIM_BYTES, 96e9},
        {"96GB", FY_DIM_BYTES, 96e9},
        {"512 GiB", FY_DIM_BYTES, 512 * 1073741824.0},
        {"1 MiB", FY_DIM_BYTES, 1048576},
        {"50 MiB", FY_DIM_CACHE, 52428800},
        {"4.0 TB/s", FY_DIM_BYTES_PER_S, 4e12},
        {"400 Gbit/s", FY_DIM_BITS_PER_S, 400e9},
        {"148 TFLOP/s", FY_DIM_FLOP_PER_S, 148e12},
        {"1.979 PFLOP/s", FY_DIM_FLOP_PER_S, 1979e12},
        {"296 TOPS", FY_DIM_OP_PER_S, 296e12},
        {"400 W", FY_DIM_POWER, 400},
        {"10.2 kW", FY_DIM_POWER, 10200},
        {"1.853 GHz", FY_DIM_FREQUENCY, 1.853e9},
        {"30 s", FY_DIM_TIME, 30},
        {"10 min", FY_DIM_TIME, 600},
        {"7 h", FY_DIM_TIME, 25200},
        {"30 d", FY_DIM_TIME, 2592000},
        {"250 us", FY_DIM_TIME, 250e-6},
        {"1 kWh", FY_DIM_ENERGY, 3.6e6},
        {"0.32 CNY/kWh", FY_DIM_CNY_PER_KWH, 0.32},
        {"0.08 USD/kWh", FY_DIM_USD_PER_KWH, 0.08},
        {"11000 USD", FY_DIM_USD, 11000},
        {"$11000", FY_DIM_USD, 11000},
        {"85 %", FY_DIM_RATIO, 0.85},
        {"1e-3", FY_DIM_RATIO, 0.001},
        {"+2", FY_DIM_RATIO, 2},
        {"8", FY_DIM_COUNT, 8},
        {"0 GB/s", FY_DIM_BYTES_PER_S, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v = -1;
        fy_err err = {0};
        assert_int_equal(fy_units_parse(cases[i].text, cases[i].dim, FY_NOT_NEGATIVE, &v, &err), 0);
        assert_true(fabs(v - cases[i].si) <= 1e-12 * fabs(cases[i].si));
    }
}

static void wrong_text_is_refused_with_advice(void **state)
{
    static const struct {
        const char *text;
        fy_dim dim;
        fy_sign sign;
        int code;
        const char *says;
    } cases[] = {
        {"", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "96 GB"},
        {"96", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "has no unit"},
        {"96 GB extra", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "an amount of memory"},
        {"96  GB", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "96 GB"},
        {" 96 GB", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "96 GB"},
        {"96 GB ", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "96 GB"},
        {"96 gb", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "96 GB"},
        {"96 W", FY_DIM_BYTES, FY_POSITIVE, FY_EPARSE, "an amount of memory"},
        {"nan W", FY_DIM_POWER, FY_POSITIVE, FY_EPARSE, "400 W"},
        {"inf W", FY_DIM_POWER, FY_POSITIVE, FY_EPARSE, "400 W"},
        {"0x10 W", FY_DIM_POWER, FY_POSITIVE, FY_EPARSE, "400 W"},
        {"1,000 W", FY_DIM_POWER, FY_POSITIVE, FY_EPARSE, "400 W"},
        {"1e999 W", FY_DIM_POWER, FY_POSITIVE, FY_ERANGE, "too large"},
        {"-5 W", FY_DIM_POWER, FY_NOT_NEGATIVE, FY_ERANGE, "negative"},
        {"0 W", FY_DIM_POWER, FY_POSITIVE, FY_ERANGE, "must be positive"},
        {"1.5", FY_DIM_COUNT, FY_POSITIVE, FY_ERANGE, "whole number"},
        {"1e20", FY_DIM_COUNT, FY_POSITIVE, FY_ERANGE, "whole number"},
        {"~", FY_DIM_POWER, FY_POSITIVE, FY_EPARSE, "400 W"},
        {".", FY_DIM_RATIO, FY_POSITIVE, FY_EPARSE, "0.85"},
        {"0.3 CNY/kWh", FY_DIM_USD_PER_KWH, FY_POSITIVE, FY_EPARSE, "US dollars"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v = 123;
        fy_err err = {0};
        int rc = fy_units_parse(cases[i].text, cases[i].dim, cases[i].sign, &v, &err);
        assert_int_equal(rc, cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.text, cases[i].says));
        assert_true(v == 123);
    }
}

static void ranges_keep_three_numbers(void **state)
{
    double r[3] = {0};

    (void)state;
    assert_int_equal(
        fy_units_parse_range("1700 .. 2500 .. 4600 W", FY_DIM_POWER, FY_POSITIVE, r, NULL), 0);
    assert_true(r[0] == 1700 && r[1] == 2500 && r[2] == 4600);
    assert_int_equal(fy_units_parse_range("900 GB/s .. 1 TB/s .. 2 TB/s", FY_DIM_BYTES_PER_S,
                                          FY_POSITIVE, r, NULL),
                     0);
    assert_true(r[0] == 900e9 && r[2] == 2e12);
    assert_int_equal(fy_units_parse_range("5 W", FY_DIM_POWER, FY_POSITIVE, r, NULL), 0);
    assert_true(r[0] == 5 && r[1] == 5 && r[2] == 5);

    static const char *const wrong[] = {
        "1 .. 2 W", "3 .. 2 .. 1 W", "1 .. 2 .. 3", "1..2..3 W", "1 .. 2 .. 3 .. 4 W", " .. ", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fy_err err = {0};
        assert_true(fy_units_parse_range(wrong[i], FY_DIM_POWER, FY_POSITIVE, r, &err) < 0);
        assert_true(err.text[0] != '\0');
    }
    assert_true(r[0] == 5); /* untouched */
}

static void printing_shows_four_digits(void **state)
{
    static const struct {
        double value;
        fy_dim dim;
        const char *text;
    } cases[] = {
        {96e9, FY_DIM_BYTES, "96 GB"},
        {60 * 1048576.0, FY_DIM_CACHE, "60 MiB"},
        {3.35e12, FY_DIM_BYTES_PER_S, "3.35 TB/s"},
        {989.5e12, FY_DIM_FLOP_PER_S, "989.5 TFLOP/s"},
        {999.96e12, FY_DIM_FLOP_PER_S, "1 PFLOP/s"},
        {0, FY_DIM_POWER, "0 W"},
        {10200, FY_DIM_POWER, "10.2 kW"},
        {1234567, FY_DIM_RATIO, "1234567"},
        {0.00012345, FY_DIM_RATIO, "0.0001234"},
        {600, FY_DIM_TIME, "10 min"},
        {90000, FY_DIM_TIME, "1.042 d"},
        {-5, FY_DIM_POWER, "-5 W"},
    };
    char out[FY_UNITS_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(fy_units_format(out, cases[i].value, cases[i].dim), cases[i].text);
    }
    assert_string_equal(fy_units_format(out, (double)NAN, FY_DIM_POWER), "unknown");
    assert_string_equal(fy_units_format_number(out, (double)NAN), "unknown");
    assert_string_equal(fy_units_format_number(out, 1e300), "1e+300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_text_gives_si),
        cmocka_unit_test(wrong_text_is_refused_with_advice),
        cmocka_unit_test(ranges_keep_three_numbers),
        cmocka_unit_test(printing_shows_four_digits),
    };
    return cmocka_run_group_tests_name("base/units", tests, NULL, NULL);
}
