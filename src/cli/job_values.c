/* SPDX-License-Identifier: MIT */
/* Values of a job's options: spans of time, instants, amounts of work, memory. */
#include "base/num.h"
#include "base/units.h"
#include "cli/job.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Up to 100 years: what is longer is a mistake. */
static const double longest_s = 100 * 365.25 * 86400;

static int not_a_span(const char *text, fy_err *err)
{
    return fy_fail(err, FY_EINVAL,
                   "\"%.40s\" is no time; write for example 90s, 10m, 1h30m, 2 d or 1-12:00:00",
                   text);
}

/* [D-]HH[:MM[:SS]] or MM[:SS]. Returns false where the text is nothing of it. */
static bool read_clock(const char *text, double *s)
{
    const char *dash = strchr(text, '-');
    double parts[3] = {0};
    int n = 0;
    int64_t days = 0;

    if (dash != NULL && fy_num_int(text, (size_t)(dash - text), 0, 36525, &days) != FY_NUM_OK) {
        return false;
    }
    for (const char *at = dash != NULL ? dash + 1 : text;; n++) {
        size_t len = strcspn(at, ":");
        int64_t value;

        if (n == 3 || fy_num_int(at, len, 0, 100000000, &value) != FY_NUM_OK) {
            return false;
        }
        parts[n] = (double)value;
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    if (dash != NULL || n == 2) { /* hours first */
        *s = (double)days * 86400 + parts[0] * 3600 + parts[1] * 60 + parts[2];
    } else {
        *s = parts[0] * 60 + parts[1];
    }
    return true;
}

static double unit_s(const char *unit, size_t len)
{
    static const struct {
        const char *name;
        double s;
    } units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1},     {"sec", 1},     {"m", 60},
                 {"min", 60},  {"h", 3600},  {"d", 86400}, {"day", 86400}, {"days", 86400}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].name) == len && strncmp(units[i].name, unit, len) == 0) {
            return units[i].s;
        }
    }
    return NAN;
}

/* Numbers with units, one after the other: 1h30m. */
static bool read_units(const char *text, double *s)
{
    *s = 0;
    for (const char *at = text; *at != '\0';) {
        size_t digits = strspn(at, "0123456789.");
        const char *unit = at + digits + strspn(at + digits, " ");
        size_t len = strspn(unit, "abcdefghijklmnopqrstuvwxyz");
        double value, of = unit_s(unit, len);

        if (fy_num_double(at, digits, &value) != FY_NUM_OK || isnan(of)) {
            return false;
        }
        *s += value * of;
        at = unit + len + strspn(unit + len, " ");
    }
    return true;
}

int cli_read_span(const char *text, cli_bare bare, int64_t *us, fy_err *err)
{
    bool plain = strspn(text, "0123456789") == strlen(text);
    double s;

    if (text[0] == '\0' || (plain && bare == CLI_BARE_NO)) {
        return plain && text[0] != '\0'
                   ? fy_fail(err, FY_EINVAL,
                             "\"%.40s\" has no unit; write for example %.20ss or "
                             "%.20sm",
                             text, text, text)
                   : not_a_span(text, err);
    }
    if (!(strpbrk(text, ":-") != NULL || plain ? read_clock(text, &s) : read_units(text, &s))) {
        return not_a_span(text, err);
    }
    if (s > longest_s) {
        return fy_fail(err, FY_EINVAL, "\"%.40s\" is more than a hundred years", text);
    }
    *us = (int64_t)(s * 1e6 + 0.5);
    return 0;
}

/* Just `n` digits at *at, which moves on, after the character `before` (0 = none). */
static bool read_digits(const char **at, char before, int n, int *out)
{
    const char *from = *at + (before != '\0');
    int64_t value;

    if ((before != '\0' && **at != before) || strnlen(from, (size_t)n) < (size_t)n ||
        fy_num_int(from, (size_t)n, 0, 9999, &value) != FY_NUM_OK) {
        return false;
    }
    *at = from + n;
    *out = (int)value;
    return true;
}

/* DATE[Thh:mm[:ss][Z]] */
static bool read_calendar(const char *text, struct tm *out, bool *zulu)
{
    const char *at = text;
    int year, month, second = 0;
    bool right = read_digits(&at, '\0', 4, &year) && read_digits(&at, '-', 2, &month) &&
                 read_digits(&at, '-', 2, &out->tm_mday);

    *zulu = false;
    if (right && *at == 'T') {
        right = read_digits(&at, 'T', 2, &out->tm_hour) && read_digits(&at, ':', 2, &out->tm_min) &&
                (*at != ':' || read_digits(&at, ':', 2, &second));
        *zulu = right && *at == 'Z';
        at += *zulu;
    }
    if (!right || *at != '\0') {
        return false;
    }
    out->tm_sec = second;
    out->tm_year = year - 1900;
    out->tm_mon = month - 1;
    return year >= 1970 && month >= 1 && month <= 12 && out->tm_mday >= 1 && out->tm_mday <= 31 &&
           out->tm_hour <= 23 && out->tm_min <= 59 && second <= 60;
}

int cli_read_instant(const char *text, int64_t now_us, int64_t *us, fy_err *err)
{
    size_t skip = strncmp(text, "now+", 4) == 0 ? 4 : text[0] == '+' ? 1 : 0;
    struct tm when = {.tm_isdst = -1};
    int64_t span = 0;
    bool zulu;

    if (skip > 0) {
        if (cli_read_span(text + skip, CLI_BARE_MINUTES, &span, err) != 0) {
            return FY_EINVAL;
        }
        *us = now_us + span;
        return 0;
    }
    if (!read_calendar(text, &when, &zulu)) {
        return fy_fail(err, FY_EINVAL,
                       "\"%.40s\" is no instant; write for example 2026-12-01T08:00, "
                       "2026-12-01T08:00:00Z or +3d",
                       text);
    }
    *us = (int64_t)(zulu ? timegm(&when) : mktime(&when)) * 1000000;
    return 0;
}

int cli_read_amount(const char *text, double *out, fy_err *err)
{
    static const char letters[] = "kKMGBT";
    static const double scales[] = {1e3, 1e3, 1e6, 1e9, 1e9, 1e12};
    size_t len = strlen(text);
    const char *letter = len > 0 ? strchr(letters, text[len - 1]) : NULL;
    double value;

    if (len == 0 || fy_num_double(text, letter != NULL ? len - 1 : len, &value) != FY_NUM_OK ||
        !(value > 0)) {
        return fy_fail(err, FY_EINVAL,
                       "\"%.40s\" is no amount; write for example 20000, 300B, 1T or 1.5e13", text);
    }
    *out = value * (letter != NULL ? scales[letter - letters] : 1);
    return 0;
}

int cli_read_memory(const char *text, int64_t *mib, fy_err *err)
{
    static const char letters[] = "KMGT";
    size_t digits = strspn(text, "0123456789");
    const char *letter = text[digits] != '\0' && text[digits + 1] == '\0'
                             ? strchr(letters, toupper((unsigned char)text[digits]))
                             : NULL;
    double bytes;
    fy_err why;

    if (digits > 0 && (text[digits] == '\0' || letter != NULL)) {
        int64_t n;
        double scale[] = {1024, 1048576, 1073741824, 1099511627776};

        if (fy_num_int(text, digits, 0, 1000000000000, &n) == FY_NUM_OK) {
            bytes = (double)n * (letter != NULL ? scale[letter - letters] : 1048576);
            *mib = (int64_t)ceil(bytes / 1048576);
            return 0;
        }
    } else if (fy_units_parse(text, FY_DIM_BYTES, FY_NOT_NEGATIVE, &bytes, &why) == 0 &&
               bytes < 1e18) {
        *mib = (int64_t)ceil(bytes / 1048576);
        return 0;
    }
    return fy_fail(err, FY_EINVAL, "\"%.40s\" is no size; write for example 64G, 512M or 64 GiB",
                   text);
}
