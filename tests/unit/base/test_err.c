/* SPDX-License-Identifier: MIT */
/* Error text: written once, prefixed, cut when too long, and optional. */
#include "fuyao/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void fail_writes_code_and_text(void **state)
{
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_fail(&err, FY_ERANGE, "%s:%d: hbm must be positive", "a.yaml", 7),
                     FY_ERANGE);
    assert_int_equal(err.code, FY_ERANGE);
    assert_string_equal(err.text, "a.yaml:7: hbm must be positive");
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(fy_fail(NULL, FY_EIO, "disk full"), FY_EIO);
    assert_int_equal(fy_fail_prefix(NULL, FY_EIO, "writing"), FY_EIO);
}

static void prefix_goes_before(void **state)
{
    fy_err err = {0};

    (void)state;
    fy_fail(&err, FY_EPARSE, "'9 Gx' is not a size");
    assert_int_equal(fy_fail_prefix(&err, FY_EIO, "chip %s", "h20"), FY_EPARSE);
    assert_string_equal(err.text, "chip h20: '9 Gx' is not a size");
    fy_fail_prefix(&err, FY_EIO, "data/chips");
    assert_string_equal(err.text, "data/chips: chip h20: '9 Gx' is not a size");
}

static void long_text_is_cut(void **state)
{
    char longer[2 * FY_ERR_TEXT];
    fy_err err = {0};

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    fy_fail(&err, FY_EINVAL, "%s", longer);
    assert_int_equal(strlen(err.text), FY_ERR_TEXT - 1);
    fy_fail_prefix(&err, FY_EINVAL, "here");
    assert_int_equal(strlen(err.text), FY_ERR_TEXT - 1);
    assert_memory_equal(err.text, "here: xxx", 9);
    fy_fail_prefix(&err, FY_EINVAL, "%s", longer);
    assert_int_equal(strlen(err.text), FY_ERR_TEXT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_writes_code_and_text),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(prefix_goes_before),
        cmocka_unit_test(long_text_is_cut),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
