/* SPDX-License-Identifier: MIT */
/* Hostlists both ways: what is written as one names the hosts that it was made of, and no other. */
#include "base/rng.h"
#include "cli/slurm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void lists_are_as_slurm_writes_them(void **state)
{
    static const struct {
        const char *names[8], *list;
    } cases[] = {
        {{NULL}, ""},
        {{"login"}, "login"},
        {{"h800-20", "h800-02", "h800-01", "h800-03"}, "h800-[01-03,20]"},
        {{"a9", "a10", "a11"}, "a9,a[10-11]"}, /* widths do not mix */
        {{"a01", "a1", "b1"}, "a1,a01,b1"},
        {{"x-1", "x", "x-2-1", "x-2-2"}, "x,x-1,x-2-[1-2]"},
        {{"n1234567890", "n1234567891"}, "n1[234567890-234567891]"}, /* nine digits fit a number */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *names[8];
        size_t n = 0;
        fy_str list = {0};

        while (n < 8 && cases[i].names[n] != NULL) {
            names[n] = cases[i].names[n];
            n++;
        }
        slurm_hostlist(&list, names, n);
        assert_string_equal(list.text != NULL ? list.text : "", cases[i].list);
        fy_str_free(&list);
    }
}

static void hosts_are_found_in_lists(void **state)
{
    static const struct {
        const char *list, *name;
        bool in;
    } cases[] = {
        {"h800-[01-16,20]", "h800-01", true},
        {"h800-[01-16,20]", "h800-16", true},
        {"h800-[01-16,20]", "h800-20", true},
        {"h800-[01-16,20]", "h800-17", false},
        {"h800-[01-16,20]", "h800-1", false},
        {"h800-[01-16,20]", "h80-01", false},
        {"a,b[1-2],c", "c", true},
        {"a,b[1-2],c", "b2", true},
        {"a,b[1-2],c", "b", false},
        {"a[1-2", "a1", false},
        {"", "a", false},
        {"a[", "a", false},
        {"a[-1]", "a1", false},
        {"a[1-]", "a1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (slurm_in_hostlist(cases[i].list, cases[i].name) != cases[i].in) {
            fail_msg("%s in %s", cases[i].name, cases[i].list);
        }
    }
}

/* Random sets of names with numbers of one to four digits, padded or not. */
static void lists_name_their_hosts_and_no_other(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        fy_rng rng = fy_rng_seed(seed);
        char texts[60][24];
        const char *names[60];
        bool in[60];
        size_t n = 0;
        fy_str list = {0};

        for (int i = 0; i < 60; i++) {
            bool twice = false;

            snprintf(texts[i], sizeof texts[i], "%s%0*d", fy_rng_below(&rng, 2) ? "h800-" : "l20",
                     1 + (int)fy_rng_below(&rng, 3), (int)fy_rng_below(&rng, 40));
            for (int k = 0; k < i; k++) {
                twice = twice || strcmp(texts[k], texts[i]) == 0;
            }
            in[i] = !twice && fy_rng_below(&rng, 2) == 0;
            if (in[i]) {
                names[n++] = texts[i];
            } else if (twice) {
                texts[i][0] = '?'; /* asked of its twin */
            }
        }
        slurm_hostlist(&list, names, n);
        for (int i = 0; i < 60; i++) {
            if (slurm_in_hostlist(n > 0 ? list.text : "", texts[i]) != in[i]) {
                fail_msg("seed %llu: %s in %s", (unsigned long long)seed, texts[i], list.text);
            }
        }
        fy_str_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_as_slurm_writes_them),
        cmocka_unit_test(hosts_are_found_in_lists),
        cmocka_unit_test(lists_name_their_hosts_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
