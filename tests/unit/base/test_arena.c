/* SPDX-License-Identifier: MIT */
/* The arena and the growing array: zeroed, aligned, apart from each other, reusable. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 2000 };

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
    fy_arena arena = {0};
    unsigned char *blocks[BLOCKS];

    (void)state;
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = (size_t)(i * 37 % 301);

        blocks[i] = fy_arena_alloc(&arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(blocks[i][k], 0);
        }
        memset(blocks[i], i % 251 + 1, size);
    }
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = (size_t)(i * 37 % 301);

        for (size_t k = 0; k < size; k++) {
            assert_int_equal(blocks[i][k], i % 251 + 1);
        }
    }
    fy_arena_free(&arena);
}

static void a_block_larger_than_a_chunk(void **state)
{
    enum { MEGABYTE = 1 << 20 };
    fy_arena arena = {0};
    char *small = fy_arena_strdup(&arena, "before");
    char *large = fy_arena_alloc(&arena, MEGABYTE);
    char *after = fy_arena_strdup(&arena, "after");

    (void)state;
    memset(large, 'x', MEGABYTE);
    assert_string_equal(small, "before");
    assert_string_equal(after, "after");
    fy_arena_free(&arena);
}

static void text_is_copied_and_formatted(void **state)
{
    fy_arena arena = {0};

    (void)state;
    assert_string_equal(fy_arena_strndup(&arena, "h20-96", 3), "h20");
    assert_string_equal(fy_arena_strdup(&arena, ""), "");
    assert_string_equal(fy_arena_printf(&arena, "%s x %d", "h800", 1752), "h800 x 1752");
    fy_arena_free(&arena);
}

static void usable_again_after_free(void **state)
{
    fy_arena arena = {0};

    (void)state;
    fy_arena_free(&arena); /* empty */
    for (int round = 0; round < 3; round++) {
        assert_string_equal(fy_arena_strdup(&arena, "again"), "again");
        fy_arena_free(&arena);
        assert_null(arena.chunks);
    }
}

static void an_array_grows_and_keeps_its_elements(void **state)
{
    int *array = NULL;
    size_t room = 0;
    int moves = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        size_t before = room;

        array = fy_grow(array, &room, (size_t)i + 1, sizeof *array);
        assert_true(room > (size_t)i);
        moves += room != before;
        array[i] = i;
    }
    assert_true(moves < 25); /* geometric growth */
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(array[i], i);
    }
    free(array);
}

static void nothing_is_still_a_block(void **state)
{
    char *block = fy_calloc(0, 8);

    (void)state;
    assert_non_null(block);
    block = fy_realloc(block, 0, 8);
    assert_non_null(block);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_block_larger_than_a_chunk),
        cmocka_unit_test(text_is_copied_and_formatted),
        cmocka_unit_test(usable_again_after_free),
        cmocka_unit_test(an_array_grows_and_keeps_its_elements),
        cmocka_unit_test(nothing_is_still_a_block),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
