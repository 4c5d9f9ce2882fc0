/* SPDX-License-Identifier: MIT */
#include "base/pack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static fy_unpack over(const fy_str *s)
{
    return (fy_unpack){.at = (const unsigned char *)s->text,
                       .end = (const unsigned char *)s->text + s->len};
}

static void numbers_come_back(void **state)
{
    static const int64_t ints[] = {
        0, 1, -1, 63, 64, -64, -65, INT32_MAX, INT32_MIN, INT64_MAX - 1, INT64_MAX, INT64_MIN};
    const fy_pack_wide most = (((fy_pack_wide)1 << 126) - 1) * 2 + 1;
    const fy_pack_wide wides[] = {
        0, 1, -1, (fy_pack_wide)1 << 64, -((fy_pack_wide)1 << 100), most, -most - 1};
    fy_str s = {0};
    fy_unpack in;

    (void)state;
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        fy_pack_int(&s, ints[i]);
        fy_pack_count(&s, (uint64_t)ints[i]);
    }
    for (size_t i = 0; i < sizeof wides / sizeof wides[0]; i++) {
        fy_pack_wide_int(&s, wides[i]);
    }
    fy_pack_double(&s, -0.1);
    fy_pack_text(&s, "\xe6\x89\xb6\xe6\x91\x87");
    in = over(&s);
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        assert_true(fy_unpack_int(&in) == ints[i]);
        assert_true(fy_unpack_u64(&in) == (uint64_t)ints[i]);
    }
    for (size_t i = 0; i < sizeof wides / sizeof wides[0]; i++) {
        assert_true(fy_unpack_wide_int(&in) == wides[i]);
    }
    assert_true(fy_unpack_double(&in) == -0.1);
    {
        size_t len;
        const char *text = fy_unpack_text(&in, &len);

        assert_int_equal(len, 6);
        assert_memory_equal(text, "\xe6\x89\xb6\xe6\x91\x87", 6);
    }
    assert_true(!in.failed && in.at == in.end);
    fy_str_free(&s);
}

static void one_value_has_one_form(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {
        {"\x80\x00", 2},                                              /* 0 in two bytes */
        {"\x80", 1},                                                  /* cut off */
        {"", 0},                                                      /* nothing */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},             /* 65 bits */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13}, /* more */
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fy_unpack in = {.at = (const unsigned char *)wrong[i].bytes,
                        .end = (const unsigned char *)wrong[i].bytes + wrong[i].len};

        assert_true(fy_unpack_u64(&in) == 0);
        assert_true(in.failed);
        assert_true(fy_unpack_int(&in) == 0 && fy_unpack_wide_int(&in) == 0);
    }
}

static void more_than_there_is_is_a_fault(void **state)
{
    fy_str s = {0};
    fy_unpack in;
    size_t len;

    (void)state;
    fy_pack_count(&s, 3); /* of things, and two bytes are left */
    fy_pack_int(&s, 5);
    fy_pack_int(&s, 6);
    in = over(&s);
    assert_int_equal(fy_unpack_count(&in), 0);
    assert_true(in.failed);
    in = over(&s);
    assert_int_equal(fy_unpack_in(&in, -10, 10), -2);
    assert_int_equal(fy_unpack_in(&in, 6, 10), 0);
    assert_true(in.failed);
    fy_str_clear(&s);
    fy_pack_count(&s, 3);
    fy_str_add(&s, "a\0b", 3);
    in = over(&s);
    assert_string_equal(fy_unpack_text(&in, &len), "");
    assert_true(in.failed && len == 0);
    fy_str_free(&s);
}

static void frames_tell_what_is_wrong(void **state)
{
    fy_str s = {0};
    fy_unpack in;
    fy_err err = {0};
    size_t begin = fy_pack_begin(&s, "TESTING1");

    (void)state;
    fy_pack_int(&s, 7);
    fy_pack_end(&s, begin);
    assert_int_equal(fy_unpack_frame(&in, s.text, s.len, "TESTING1", false, "a test", &err), 0);
    assert_int_equal(fy_unpack_int(&in), 7);
    assert_true(in.at == in.end);
    assert_int_equal(fy_unpack_frame(&in, s.text, s.len, "TESTING2", false, "a test", &err),
                     FY_EPARSE);
    assert_string_equal(err.text, "a test: of version 1; this program reads version 2");
    assert_int_equal(fy_unpack_frame(&in, s.text, s.len, "RESTING1", false, "a test", &err),
                     FY_EPARSE);
    assert_int_equal(fy_unpack_frame(&in, s.text, s.len - 1, "TESTING1", false, "a test", &err),
                     FY_EPARSE);
    assert_string_equal(err.text, "a test: 24 bytes long, but it says 25: torn");
    s.text[16]++;
    assert_int_equal(fy_unpack_frame(&in, s.text, s.len, "TESTING1", false, "a test", &err),
                     FY_EPARSE);
    assert_string_equal(err.text, "a test: its hash is another than it says: damaged");
    assert_int_equal(fy_unpack_frame(&in, s.text, s.len, "TESTING1", true, "a test", &err), 0);
    fy_str_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(one_value_has_one_form),
        cmocka_unit_test(more_than_there_is_is_a_fault),
        cmocka_unit_test(frames_tell_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
