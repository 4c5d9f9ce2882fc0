/* SPDX-License-Identifier: MIT */
/* The set against an array of booleans, at the borders of words and of summaries. */
#include "base/bitset.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MEMBERS = 9000 }; /* more than 64 x 64: two words of summary and more */

static void check(const fy_bitset *set, const bool *in)
{
    int next = -1;
    int count = 0;

    for (int i = MEMBERS - 1; i >= 0; i--) {
        next = in[i] ? i : next;
        count += in[i];
        assert_int_equal(fy_bitset_has(set, i), in[i]);
        assert_int_equal(fy_bitset_next(set, i), next);
    }
    assert_int_equal(set->count, count);
}

static void an_empty_set_has_no_next(void **state)
{
    static const bool none[MEMBERS];
    fy_bitset set = fy_bitset_new(MEMBERS);

    (void)state;
    check(&set, none);
    fy_bitset_drop(&set, 7); /* not a member: nothing happens */
    check(&set, none);
    assert_int_equal(fy_bitset_next(&set, MEMBERS + 1000), -1);
    fy_bitset_free(&set);
}

static void borders_of_words_count(void **state)
{
    static const int borders[] = {0, 63, 64, 127, 4095, 4096, 4097, 8191, 8192, MEMBERS - 1};
    static bool in[MEMBERS];
    fy_bitset set = fy_bitset_new(MEMBERS);

    (void)state;
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++) {
        in[borders[i]] = true;
        fy_bitset_add(&set, borders[i]);
        fy_bitset_add(&set, borders[i]); /* twice is once */
        check(&set, in);
    }
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++) {
        in[borders[i]] = false;
        fy_bitset_drop(&set, borders[i]);
        check(&set, in);
    }
    fy_bitset_free(&set);
}

static void random_members_are_found(void **state)
{
    static bool in[MEMBERS];
    fy_rng rng = fy_rng_seed(5);
    fy_bitset set = fy_bitset_new(MEMBERS);

    (void)state;
    for (int round = 0; round < 20; round++) {
        for (int k = 0; k < 300; k++) {
            int i = (int)fy_rng_below(&rng, MEMBERS);

            in[i] = fy_rng_below(&rng, 3) == 0;
            (in[i] ? fy_bitset_add : fy_bitset_drop)(&set, i);
        }
        check(&set, in);
    }
    fy_bitset_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_no_next),
        cmocka_unit_test(borders_of_words_count),
        cmocka_unit_test(random_members_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
