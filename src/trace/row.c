/* SPDX-License-Identifier: MIT */
#include "trace/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fy_row_fail(const fy_trace *trace, fy_err *err, int code, const char *fmt, ...)
{
    char text[FY_ERR_TEXT];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fy_fail(err, code, "%s:%lld: %s", trace->csv.name, (long long)trace->csv.line, text);
}

fy_job_spec fy_row_job(fy_trace *trace)
{
    fy_job_spec job = fy_job_spec_default();
    const fy_chip_list *any;
    int rc = fy_chip_lists_get(trace->lists, (fy_field){"", 0}, &any, NULL);

    if (rc == 0) { /* always: the empty list names no chip that could be unknown */
        job.accept = any->accept;
        job.n_accept = any->n_accept;
    }
    job.any_chip = true;
    job.tenant = "";
    return job;
}

fy_row fy_row_begin(const fy_trace *trace, fy_err *err)
{
    return (fy_row){.trace = trace, .err = err, .rc = 0};
}

fy_field fy_row_field(const fy_row *row, int column)
{
    int i = row->trace->column[column];

    return i < 0 || i >= row->trace->csv.n_fields ? (fy_field){"", 0} : row->trace->csv.fields[i];
}

bool fy_row_has(const fy_row *row, int column)
{
    return fy_row_field(row, column).len > 0;
}

int fy_row_wrong(fy_row *row, int column, int code, const char *right)
{
    fy_field field = fy_row_field(row, column);
    const char *name = row->trace->reader->columns[column].name;
    char shown[FY_SHOWN];

    if (row->rc < 0) {
        return row->rc;
    }
    if (field.len == 0) {
        row->rc =
            fy_row_fail(row->trace, row->err, code, "%s is empty; it must be %s", name, right);
    } else {
        row->rc = fy_row_fail(row->trace, row->err, code, "%s is '%s'; it must be %s", name,
                              fy_field_shown(shown, field), right);
    }
    return row->rc;
}

static const char *range_text(char out[64], const char *what, double low, double high)
{
    (void)snprintf(out, 64, "%s from %.10g to %.10g", what, low, high);
    return out;
}

int64_t fy_row_int(fy_row *row, int column, int64_t low, int64_t high)
{
    fy_field field = fy_row_field(row, column);
    int64_t value = low;
    fy_num rc = fy_num_int(field.text, field.len, low, high, &value);

    if (rc != FY_NUM_OK) {
        char right[64];

        (void)fy_row_wrong(row, column, rc == FY_NUM_RANGE ? FY_ERANGE : FY_EPARSE,
                           range_text(right, "a whole number", (double)low, (double)high));
    }
    return value;
}

int64_t fy_row_int_or(fy_row *row, int column, int64_t low, int64_t high, int64_t absent)
{
    return fy_row_has(row, column) ? fy_row_int(row, column, low, high) : absent;
}

double fy_row_double(fy_row *row, int column, double low, double high)
{
    fy_field field = fy_row_field(row, column);
    double value = low;
    fy_num rc = fy_num_double(field.text, field.len, &value);

    if (rc == FY_NUM_OK && !(value >= low && value <= high)) {
        rc = FY_NUM_RANGE;
    }
    if (rc != FY_NUM_OK) {
        char right[64];

        (void)fy_row_wrong(row, column, rc == FY_NUM_RANGE ? FY_ERANGE : FY_EPARSE,
                           range_text(right, "a number", low, high));
        return low;
    }
    return value;
}

int64_t fy_row_us(fy_row *row, int column, fy_num_round round)
{
    fy_field field = fy_row_field(row, column);
    int64_t value = 0;

    switch (fy_num_us(field.text, field.len, round, &value)) {
    case FY_NUM_OK:
        break;
    case FY_NUM_NOT:
        (void)fy_row_wrong(row, column, FY_EPARSE,
                           "seconds as a plain decimal number, 0 or more, such as 3600 or 0.5");
        break;
    case FY_NUM_RANGE:
        (void)fy_row_wrong(row, column, FY_ERANGE, "less than 1e12 seconds");
        break;
    case FY_NUM_DECIMALS:
        (void)fy_row_wrong(row, column, FY_ERANGE, "seconds with at most six decimals");
        break;
    }
    return value;
}

int64_t fy_row_us_or(fy_row *row, int column, fy_num_round round, int64_t absent)
{
    return fy_row_has(row, column) ? fy_row_us(row, column, round) : absent;
}

const char *fy_row_name_or_empty(fy_row *row, int column)
{
    fy_field field = fy_row_field(row, column);

    for (size_t i = 0; i < field.len; i++) {
        unsigned char c = (unsigned char)field.text[i];

        if (c < 0x20 || c == 0x7f || c == '|' || field.len > 255) {
            (void)fy_row_wrong(row, column, FY_EPARSE,
                               "at most 255 bytes without control characters or '|'");
            return "";
        }
    }
    if (field.len > 0 && field.text[0] == '#') {
        (void)fy_row_wrong(row, column, FY_EPARSE, "a name that does not start with '#'");
    }
    return field.text;
}

const char *fy_row_name(fy_row *row, int column)
{
    if (!fy_row_has(row, column)) {
        (void)fy_row_wrong(row, column, FY_EPARSE, "a name");
    }
    return fy_row_name_or_empty(row, column);
}

void fy_row_chips(fy_row *row, int column, fy_trace *trace, fy_field names, fy_job_spec *job)
{
    const fy_chip_list *list;
    fy_err err;

    if (row->rc < 0) {
        return;
    }
    if (fy_chip_lists_get(trace->lists, names, &list, &err) < 0) {
        row->rc = fy_row_fail(trace, row->err, FY_EPARSE, "%s: %s",
                              trace->reader->columns[column].name, err.text);
        return;
    }
    job->accept = list->accept;
    job->n_accept = list->n_accept;
    job->n_absent = list->n_absent;
    job->any_chip = list->any;
}

void fy_job_set_duration(fy_job_spec *job, int64_t duration_us)
{
    job->work = (double)duration_us / 1e6;
    job->work_is_time = true;
}

/* Days from 1970-01-01 of a day in the Gregorian calendar (H. Hinnant, chrono algorithms). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
    return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
           days_of(year, month, 1);
}

bool fy_parse_date(const char *text, size_t len, int64_t *out_s)
{
    int64_t year, month, day, hour, minute, second;

    if (len != 19 || text[4] != '-' || text[7] != '-' || (text[10] != ' ' && text[10] != 'T') ||
        text[13] != ':' || text[16] != ':') {
        return false;
    }
    if (fy_num_int(text, 4, 1970, 9999, &year) != FY_NUM_OK ||
        fy_num_int(text + 5, 2, 1, 12, &month) != FY_NUM_OK ||
        fy_num_int(text + 8, 2, 1, days_in(year, month), &day) != FY_NUM_OK ||
        fy_num_int(text + 11, 2, 0, 23, &hour) != FY_NUM_OK ||
        fy_num_int(text + 14, 2, 0, 59, &minute) != FY_NUM_OK ||
        fy_num_int(text + 17, 2, 0, 59, &second) != FY_NUM_OK) {
        return false;
    }
    *out_s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
