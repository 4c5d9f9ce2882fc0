/* SPDX-License-Identifier: MIT */
/* Any bytes as a table: every row is read or refused with file:line, and fields stay inside. */
#include "base/csv.h"

#include "base/num.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(fy_field field)
{
    char shown[FY_SHOWN], text[FY_NUM_TEXT];
    int64_t n = 0, back = 0;
    double x = 0, again = 0;

    assert(strlen(field.text) == field.len);
    assert(strlen(fy_field_shown(shown, field)) < FY_SHOWN);
    if (fy_num_int(field.text, field.len, INT64_MIN, INT64_MAX, &n) == FY_NUM_OK) {
        assert(fy_num_int(text, fy_num_put_int(text, n), n, n, &back) == FY_NUM_OK);
    }
    if (fy_num_us(field.text, field.len, FY_NUM_NEAREST, &n) == FY_NUM_OK) {
        assert(n >= 0 && n <= FY_NUM_MAX_US);
    }
    if (fy_num_double(field.text, field.len, &x) == FY_NUM_OK) {
        assert(fy_num_double(text, fy_num_put_double(text, x), &again) == FY_NUM_OK);
        assert(memcmp(&x, &again, sizeof x) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separators[] = {',', '\t', '|', '\n'};
    fy_csv csv;
    fy_err err = {0};
    fy_field line;
    int64_t last = 0;
    int rc;

    if (size == 0 || fy_csv_open_bytes(&csv, "t", data + 1, size - 1, &err) != 0) {
        return 0;
    }
    csv.separator = separators[data[0] & 3];
    csv.quotes = (data[0] & 4) == 0;
    rc = fy_csv_peek(&csv, &line, &err); /* whatever they answer, the next must stand it */
    if ((data[0] & 8) != 0) {
        rc = fy_csv_header(&csv, &err);
    }
    while ((rc = fy_csv_next(&csv, &err)) != 0) {
        assert(csv.line > last);
        last = csv.line;
        assert(rc > 0 || (err.code == rc && strncmp(err.text, "t:", 2) == 0));
        for (int i = 0; rc > 0 && i < csv.n_fields; i++) {
            check_field(csv.fields[i]);
        }
    }
    fy_csv_close(&csv);
    return 0;
}
