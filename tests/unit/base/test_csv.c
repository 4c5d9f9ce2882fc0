/* SPDX-License-Identifier: MIT */
/* Tables in text: rows and fields, line numbers, quotes, and what is refused. */
#include "base/csv.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* All rows of `text`, fields in brackets, rows by line: "1[a][b] 2[c][d]"; errors as they come. */
static char *rows_of(const char *text, size_t len, char separator, bool quotes)
{
    fy_csv csv;
    fy_err err;
    fy_str out = {0};
    int rc;

    assert_int_equal(fy_csv_open_bytes(&csv, "t", text, len, &err), 0);
    csv.separator = separator;
    csv.quotes = quotes;
    while ((rc = fy_csv_next(&csv, &err)) != 0) {
        fy_str_puts(&out, out.len > 0 ? " " : "");
        if (rc < 0) {
            fy_str_printf(&out, "<%s>", err.text);
            continue;
        }
        fy_str_printf(&out, "%lld", (long long)csv.line);
        for (int i = 0; i < csv.n_fields; i++) {
            assert_int_equal(strlen(csv.fields[i].text), csv.fields[i].len);
            fy_str_printf(&out, "[%s]", csv.fields[i].text);
        }
    }
    fy_csv_close(&csv);
    fy_str_puts(&out, "");
    return out.text;
}

static void rows_are_read(void **state)
{
    static const struct {
        const char *text, *rows;
    } cases[] = {
        {"", ""},
        {"\n\r\n\n", ""},
        {"a", "1[a]"},
        {"a,b\n", "1[a][b]"},
        {"a,b\r\nc,d\r\n", "1[a][b] 2[c][d]"},
        {",\n,,", "1[][] 2[][][]"},
        {"a,b,\n", "1[a][b][]"},
        {"\xef\xbb\xbf"
         "a,b\n",
         "1[a][b]"},
        {"a\n\n\nb\n", "1[a] 4[b]"},
        {"\"a\",\"b\"\n", "1[a][b]"},
        {"\"a,b\",c\n", "1[a,b][c]"},
        {"\"a\"\"b\",\"\"\n", "1[a\"b][]"},
        {"\"a\nb\",c\nd,e\n", "1[a\nb][c] 3[d][e]"},
        {"\"a\r\nb\"\r\nc\n", "1[a\r\nb] 3[c]"},
        {"\"a\"\r\n", "1[a]"},
        {"x,\"\"\"\"", "1[x][\"]"},
        {" a , b \n", "1[ a ][ b ]"},
        {"abcdefghijklmnop,q,rstuvwxyzabcdefgh\n", "1[abcdefghijklmnop][q][rstuvwxyzabcdefgh]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *rows = rows_of(cases[i].text, strlen(cases[i].text), ',', true);

        assert_string_equal(rows, cases[i].rows);
        free(rows);
    }
}

static void other_separators_are_read(void **state)
{
    char *rows = rows_of("a\tb \"c\"\t,\n", 10, '\t', false);

    (void)state;
    assert_string_equal(rows, "1[a][b \"c\"][,]");
    free(rows);
    rows = rows_of("a|b||\n", 6, '|', false);
    assert_string_equal(rows, "1[a][b][][]");
    free(rows);
    rows = rows_of("a, b\tc\n", 7, '\n', false);
    assert_string_equal(rows, "1[a, b\tc]");
    free(rows);
}

static void bad_rows_say_where(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *rows;
    } cases[] = {
        {"a,b\"c\nd\n", 8,
         "<t:1: a quote inside an unquoted field; quote the field and double the quote> 2[d]"},
        {"\"a\"b\nc\n", 7, "<t:1: text behind a closing quote> 2[c]"},
        {"a\n\"b\nc\n", 7, "1[a] <t:2: a quote is opened and never closed>"},
        {"\"", 1, "<t:1: a quote is opened and never closed>"},
        {"a\0b\nc\n", 6, "<t:1: a NUL byte; this is not a text file> 2[c]"},
        {"\"a\n\0\"\nc\n", 8, "<t:1: a NUL byte; this is not a text file> 3[c]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *rows = rows_of(cases[i].text, cases[i].len, ',', true);

        assert_string_equal(rows, cases[i].rows);
        free(rows);
    }
}

static void header_names_columns(void **state)
{
    static const char text[] = "x,\"y\",z\n1,2,3\n4,5\n6,7,8,9\n";
    fy_csv csv;
    fy_err err;

    (void)state;
    assert_int_equal(fy_csv_open_bytes(&csv, "t", text, sizeof text - 1, &err), 0);
    assert_int_equal(fy_csv_header(&csv, &err), 1);
    assert_int_equal(fy_csv_column(&csv, "y"), 1);
    assert_int_equal(fy_csv_column(&csv, "w"), -1);
    assert_int_equal(fy_csv_next(&csv, &err), 1);
    assert_true(fy_field_is(csv.fields[2], "3"));
    assert_int_equal(fy_csv_next(&csv, &err), FY_EPARSE);
    assert_string_equal(err.text, "t:3: 2 fields where the header has 3; is it cut off?");
    assert_int_equal(fy_csv_next(&csv, &err), FY_EPARSE);
    assert_string_equal(err.text, "t:4: 4 fields where the header has 3; is it cut off?");
    assert_int_equal(fy_csv_next(&csv, &err), 0);
    fy_csv_close(&csv);
}

static void bad_headers_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {{"a,,b\n", "t:1: column 2 has no name"},
                 {"a,b,a\n", "t:1: column 'a' occurs twice"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_csv csv;
        fy_err err;

        assert_int_equal(fy_csv_open_bytes(&csv, "t", cases[i].text, strlen(cases[i].text), &err),
                         0);
        assert_int_equal(fy_csv_header(&csv, &err), FY_EPARSE);
        assert_string_equal(err.text, cases[i].why);
        fy_csv_close(&csv);
    }
}

static void peek_takes_nothing(void **state)
{
    fy_csv csv;
    fy_err err;
    fy_field line;

    (void)state;
    assert_int_equal(fy_csv_open_bytes(&csv, "t", "\n\r\na;b\r\nc\n", 10, &err), 0);
    assert_int_equal(fy_csv_peek(&csv, &line, &err), 1);
    assert_int_equal(line.len, 3);
    assert_memory_equal(line.text, "a;b", 3);
    assert_int_equal(fy_csv_next(&csv, &err), 1);
    assert_int_equal(csv.line, 3);
    assert_true(fy_field_is(csv.fields[0], "a;b"));
    fy_csv_close(&csv);
}

/* A file several times the buffer, rows and quoted fields across its borders. */
static void files_are_streamed(void **state)
{
    char path[] = "/tmp/fuyao-test-csv-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    fy_csv csv;
    fy_err err;
    size_t room;
    int rows = 0, rc;

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 60000; i++) {
        fprintf(file, "%d,\"quoted %d\n, two lines\",%s\r\n", i, i, i % 7 == 0 ? "" : "plain");
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(fy_csv_open(&csv, path, &err), 0);
    room = csv.room;
    while ((rc = fy_csv_next(&csv, &err)) > 0) {
        char expected[64];

        assert_int_equal(csv.n_fields, 3);
        assert_int_equal(csv.line, 2 * rows + 1);
        (void)snprintf(expected, sizeof expected, "quoted %d\n, two lines", rows);
        assert_string_equal(csv.fields[1].text, expected);
        assert_string_equal(csv.fields[2].text, rows % 7 == 0 ? "" : "plain");
        rows++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(rows, 60000);
    assert_int_equal(csv.room, room); /* constant memory */
    fy_csv_close(&csv);
    assert_int_equal(unlink(path), 0);
}

static void missing_files_and_folders_are_refused(void **state)
{
    fy_csv csv;
    fy_err err;

    (void)state;
    assert_int_equal(fy_csv_open(&csv, "/nonexistent/x.csv", &err), FY_ENOENT);
    assert_string_equal(err.text, "/nonexistent/x.csv: cannot be read: No such file or directory");
    assert_int_equal(fy_csv_open(&csv, "/tmp", &err), 0);
    assert_int_equal(fy_csv_next(&csv, &err), FY_EIO);
    assert_string_equal(err.text, "/tmp: cannot be read: Is a directory");
    assert_int_equal(fy_csv_next(&csv, &err), 0);
    fy_csv_close(&csv);
}

static void shown_fields_are_printable(void **state)
{
    char out[FY_SHOWN];

    (void)state;
    assert_string_equal(fy_field_shown(out, (fy_field){"a\x01\xff\x7f"
                                                       "b",
                                                       5}),
                        "a???b");
    assert_string_equal(
        fy_field_shown(out, (fy_field){"0123456789012345678901234567890123456789012345678901", 52}),
        "01234567890123456789012345678901234567890123...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(other_separators_are_read),
        cmocka_unit_test(bad_rows_say_where),
        cmocka_unit_test(header_names_columns),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(peek_takes_nothing),
        cmocka_unit_test(files_are_streamed),
        cmocka_unit_test(missing_files_and_folders_are_refused),
        cmocka_unit_test(shown_fields_are_printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
