/* SPDX-License-Identifier: MIT */
/* The growing string: always terminated, bytes kept as given. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_add_up(void **state)
{
    fy_str s = {0};

    (void)state;
    fy_str_puts(&s, "fu");
    fy_str_add(&s, "yao!", 3);
    fy_str_printf(&s, " %d%s", 2026, "");
    assert_string_equal(s.text, "fuyao 2026");
    assert_int_equal(s.len, 10);
    fy_str_free(&s);
    assert_null(s.text);
}

static void empty_pieces_change_nothing(void **state)
{
    fy_str s = {0};

    (void)state;
    fy_str_printf(&s, "%s", "");
    assert_int_equal(s.len, 0);
    fy_str_puts(&s, "");
    assert_int_equal(s.len, 0);
    assert_string_equal(s.text, "");
    fy_str_free(&s);
}

static void bytes_may_be_zero(void **state)
{
    fy_str s = {0};

    (void)state;
    fy_str_add(&s, "a\0b", 3);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.text, "a\0b", 4);
    fy_str_free(&s);
}

static void clear_keeps_the_room(void **state)
{
    fy_str s = {0};
    size_t room;

    (void)state;
    fy_str_clear(&s); /* unused */
    for (int i = 0; i < 1000; i++) {
        fy_str_printf(&s, "%04d", i);
    }
    assert_int_equal(s.len, 4000);
    assert_memory_equal(s.text + 4 * 567, "0567", 4);
    room = s.room;
    fy_str_clear(&s);
    assert_int_equal(s.len, 0);
    assert_string_equal(s.text, "");
    assert_int_equal(s.room, room);
    fy_str_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_add_up),
        cmocka_unit_test(empty_pieces_change_nothing),
        cmocka_unit_test(bytes_may_be_zero),
        cmocka_unit_test(clear_keeps_the_room),
    };

    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
