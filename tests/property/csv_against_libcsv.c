/* SPDX-License-Identifier: MIT */
/*
 * The reader of tables against libcsv (strict) on random text: the same rows and fields, and the
 * same verdict on what is malformed, but for blanks, which libcsv cuts off and the text has not.
 */
#include "base/csv.h"

#include "base/rng.h"
#include "base/str.h"

#include <csv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void on_field(void *bytes, size_t len, void *out)
{
    fy_str_puts(out, "[");
    fy_str_add(out, bytes, len);
    fy_str_puts(out, "]");
}

static void on_row(int end, void *out)
{
    (void)end;
    fy_str_puts(out, ";");
}

/* False if libcsv finds it malformed. */
static bool by_libcsv(const char *text, size_t len, fy_str *out)
{
    struct csv_parser parser;
    bool ok;

    assert_int_equal(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI), 0);
    ok = csv_parse(&parser, text, len, on_field, on_row, out) == len;
    ok = ok && csv_fini(&parser, on_field, on_row, out) == 0;
    csv_free(&parser);
    return ok;
}

static bool by_us(const char *text, size_t len, fy_str *out)
{
    fy_csv csv;
    fy_err err;
    int rc;

    assert_int_equal(fy_csv_open_bytes(&csv, "t", text, len, &err), 0);
    while ((rc = fy_csv_next(&csv, &err)) > 0) {
        for (int i = 0; i < csv.n_fields; i++) {
            on_field((void *)(uintptr_t)csv.fields[i].text, csv.fields[i].len, out);
        }
        on_row('\n', out);
    }
    fy_csv_close(&csv);
    return rc == 0;
}

/* Fields and separators by turns, but for one in fifty, so that some texts are malformed. */
static void make_text(fy_rng *rng, fy_str *text)
{
    static const char *const fields[] = {"",           "a",          "bc",      "def",
                                         "\"q\"",      "\"\"",       "\"x,y\"", "\"l\nm\"",
                                         "\"d\"\"e\"", "\"c\r\nr\"", "\""};
    static const char *const separators[] = {",", ",", ",", "\n", "\r\n"};
    uint64_t n = fy_rng_below(rng, 30), kinds = fy_rng_below(rng, 3) == 0 ? 11 : 10;

    fy_str_clear(text);
    fy_str_puts(text, "");
    for (uint64_t i = 0; i < n; i++) {
        fy_str_puts(text, fields[fy_rng_below(rng, kinds)]);
        fy_str_puts(text, fy_rng_below(rng, 50) > 0 ? separators[fy_rng_below(rng, 5)] : "");
    }
}

static void same_rows_as_libcsv(void **state)
{
    fy_rng rng = fy_rng_seed(7);
    fy_str text = {0}, ours = {0}, theirs = {0};
    int agreed = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        bool ok;

        make_text(&rng, &text);
        fy_str_clear(&ours);
        fy_str_clear(&theirs);
        fy_str_puts(&ours, "");
        fy_str_puts(&theirs, "");
        ok = by_us(text.text, text.len, &ours);
        if (ok != by_libcsv(text.text, text.len, &theirs)) {
            fail_msg("case %d: %s: '%s'", i, ok ? "we take it" : "libcsv takes it", text.text);
        }
        if (ok) {
            assert_string_equal(ours.text, theirs.text);
            agreed++;
        }
    }
    assert_true(agreed > 20000);
    fy_str_free(&text);
    fy_str_free(&ours);
    fy_str_free(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_rows_as_libcsv)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
