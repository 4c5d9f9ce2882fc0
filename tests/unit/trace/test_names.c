/* SPDX-License-Identifier: MIT */
/* Names of jobs against a plain list: counted up, padded, out of order, twice. */
#include "base/rng.h"
#include "trace/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool add(fy_names *names, const char *text, int64_t sequence)
{
    return fy_names_add(names, text, strlen(text), sequence);
}

static int64_t find(const fy_names *names, const char *text)
{
    return fy_names_find(names, text, strlen(text));
}

static void counted_names_are_found(void **state)
{
    fy_names *names = fy_names_new();
    char text[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(text, sizeof text, "job-%d", i + 5);
        assert_true(add(names, text, i));
    }
    assert_int_equal(find(names, "job-5"), 0);
    assert_int_equal(find(names, "job-100004"), 99999);
    assert_int_equal(find(names, "job-4"), -1);
    assert_int_equal(find(names, "job-100005"), -1);
    assert_int_equal(find(names, "job-05"), -1);
    assert_int_equal(find(names, "job-"), -1);
    assert_int_equal(find(names, "Job-7"), -1);
    assert_false(add(names, "job-77", 100000));
    assert_true(add(names, "job-077", 100000));
    assert_int_equal(find(names, "job-077"), 100000);
    assert_int_equal(find(names, "job-77"), 72);
    fy_names_free(names);
}

static void padded_names_are_found(void **state)
{
    fy_names *names = fy_names_new();
    char text[32];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(text, sizeof text, "p%03d", i);
        assert_true(add(names, text, i));
    }
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(text, sizeof text, "p%03d", i);
        assert_int_equal(find(names, text), i);
        assert_false(add(names, text, 9999));
    }
    assert_int_equal(find(names, "p0"), -1);
    assert_int_equal(find(names, "p0100"), -1);
    fy_names_free(names);
}

enum { N = 3000 };

/* Random names of which many are equal, in runs and out of order, with gaps in the numbers. */
static void random_names_equal_a_list(void **state)
{
    static const char *const stems[] = {"", "a", "job-", "x9y", "0", "00"};

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        fy_rng rng = fy_rng_seed(seed);
        fy_names *names = fy_names_new();
        char(*list)[40] = calloc(N, sizeof *list);
        int n = 0, number = 0, stem = 0;

        assert_non_null(list);
        while (n < N) {
            char text[40];
            int at = -1;

            if (fy_rng_below(&rng, 40) == 0) {
                number = (int)fy_rng_below(&rng, 2000);
                stem = (int)fy_rng_below(&rng, 6);
            }
            (void)snprintf(text, sizeof text, seed % 2 ? "%s%d" : "%s%04d", stems[stem], number++);
            for (int i = 0; i < n; i++) {
                at = strcmp(list[i], text) == 0 ? i : at;
            }
            assert_int_equal(find(names, text), at);
            assert_int_equal(add(names, text, n), at < 0);
            if (at < 0) {
                strcpy(list[n++], text);
            } else {
                n += fy_rng_below(&rng, 3) == 0 ? 1 : 0; /* a number that no name has */
            }
        }
        free(list);
        fy_names_free(names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_names_are_found),
        cmocka_unit_test(padded_names_are_found),
        cmocka_unit_test(random_names_equal_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
