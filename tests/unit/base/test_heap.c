/* SPDX-License-Identifier: MIT */
/* The heap against a list that is searched anew each time. */
#include "base/heap.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ITEMS = 60, STEPS = 5000 };

static void an_empty_heap_has_no_top(void **state)
{
    fy_heap heap = {0};
    fy_heap_pos pos = {0};

    (void)state;
    assert_null(fy_heap_top(&heap));
    fy_heap_remove(&heap, &pos, 5); /* in no heap: nothing happens */
    assert_false(fy_heap_has(&pos, 5));
    fy_heap_set(&heap, &pos, 5, -1, 0);
    assert_true(fy_heap_has(&pos, 5));
    assert_int_equal(fy_heap_top(&heap)->item, 5);
    fy_heap_remove(&heap, &pos, 5);
    assert_null(fy_heap_top(&heap));
    fy_heap_free(&heap);
    fy_heap_pos_free(&pos);
}

static void ties_go_by_the_second_number(void **state)
{
    fy_heap heap = {0};
    fy_heap_pos pos = {0};

    (void)state;
    fy_heap_set(&heap, &pos, 1, INT64_MAX, 3);
    fy_heap_set(&heap, &pos, 2, INT64_MAX, 2);
    fy_heap_set(&heap, &pos, 3, INT64_MIN, 9);
    assert_int_equal(fy_heap_top(&heap)->item, 3);
    fy_heap_remove(&heap, &pos, 3);
    assert_int_equal(fy_heap_top(&heap)->item, 2);
    fy_heap_set(&heap, &pos, 1, INT64_MAX, 1); /* a new key moves it up */
    assert_int_equal(fy_heap_top(&heap)->item, 1);
    fy_heap_set(&heap, &pos, 1, INT64_MAX, 4); /* and down */
    assert_int_equal(fy_heap_top(&heap)->item, 2);
    fy_heap_free(&heap);
    fy_heap_pos_free(&pos);
}

/* Two heaps share positions: an item is in one of them at a time. */
static void the_top_is_always_the_least(void **state)
{
    fy_rng rng = fy_rng_seed(11);
    fy_heap heaps[2] = {{0}, {0}};
    fy_heap_pos pos = {0};
    int64_t key[ITEMS];
    int in[ITEMS]; /* 0, 1, or -1 */

    (void)state;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = -1;
    }
    for (int step = 0; step < STEPS; step++) {
        int item = (int)fy_rng_below(&rng, ITEMS);

        if (in[item] >= 0 && fy_rng_below(&rng, 2) == 0) {
            fy_heap_remove(&heaps[in[item]], &pos, item);
            in[item] = -1;
        } else {
            in[item] = in[item] >= 0 ? in[item] : (int)fy_rng_below(&rng, 2);
            key[item] = (int64_t)fy_rng_below(&rng, 40) - 20;
            fy_heap_set(&heaps[in[item]], &pos, item, key[item], item);
        }
        for (int h = 0; h < 2; h++) {
            size_t n = 0;
            int least = -1;

            for (int i = 0; i < ITEMS; i++) {
                n += in[i] == h;
                least = in[i] == h && (least < 0 || key[i] < key[least]) ? i : least;
            }
            assert_int_equal(heaps[h].n, n);
            assert_int_equal(n > 0 ? fy_heap_top(&heaps[h])->item : -1, least);
        }
    }
    for (int h = 0; h < 2; h++) {
        fy_heap_free(&heaps[h]);
    }
    fy_heap_pos_free(&pos);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_top),
        cmocka_unit_test(ties_go_by_the_second_number),
        cmocka_unit_test(the_top_is_always_the_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
