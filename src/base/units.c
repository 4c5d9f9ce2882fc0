/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *text;
    double scale; /* SI units in one of these */
    bool shown;   /* used when printing */
} unit;

enum { MAX_UNITS = 12, MAX_TEXT = 200 };

typedef struct dimension {
    const char *what;      /* with article, for errors */
    const char *right;     /* an example of what would be right */
    unit units[MAX_UNITS]; /* smallest first among the shown; ended by a NULL text */
} dimension;

static const dimension dimensions[FY_N_DIMS] = {
    [FY_DIM_RATIO] = {"a ratio", "0.85 or 85 %", {{"", 1, true}, {"%", 0.01, false}}},
    [FY_DIM_COUNT] = {"a whole number", "8", {{"", 1, true}}},
    [FY_DIM_BYTES] = {"an amount of memory",
                      "96 GB or 512 GiB",
                      {{"B", 1, true},
                       {"kB", 1e3, true},
                       {"MB", 1e6, true},
                       {"GB", 1e9, true},
                       {"TB", 1e12, true},
                       {"PB", 1e15, true},
                       {"KiB", 1024.0, false},
                       {"MiB", 1048576.0, false},
                       {"GiB", 1073741824.0, false},
                       {"TiB", 1099511627776.0, false}}},
    [FY_DIM_CACHE] = {"an amount of memory",
                      "50 MiB",
                      {{"B", 1, true},
                       {"KiB", 1024.0, true},
                       {"MiB", 1048576.0, true},
                       {"GiB", 1073741824.0, true},
                       {"kB", 1e3, false},
                       {"MB", 1e6, false}}},
    [FY_DIM_BYTES_PER_S] = {"a bandwidth in bytes",
                            "900 GB/s or 4.0 TB/s",
                            {{"B/s", 1, true},
                             {"kB/s", 1e3, true},
                             {"MB/s", 1e6, true},
                             {"GB/s", 1e9, true},
                             {"TB/s", 1e12, true},
                             {"PB/s", 1e15, true},
                             {"MiB/s", 1048576.0, false},
                             {"GiB/s", 1073741824.0, false},
                             {"TiB/s", 1099511627776.0, false}}},
    [FY_DIM_BITS_PER_S] = {"a bandwidth in bits",
                           "400 Gbit/s",
                           {{"bit/s", 1, true},
                            {"kbit/s", 1e3, true},
                            {"Mbit/s", 1e6, true},
                            {"Gbit/s", 1e9, true},
                            {"Tbit/s", 1e12, true}}},
    [FY_DIM_FLOP_PER_S] = {"a rate of floating-point operations",
                           "148 TFLOP/s",
                           {{"FLOP/s", 1, true},
                            {"MFLOP/s", 1e6, true},
                            {"GFLOP/s", 1e9, true},
                            {"TFLOP/s", 1e12, true},
                            {"PFLOP/s", 1e15, true},
                            {"EFLOP/s", 1e18, true},
                            {"TFLOPS", 1e12, false},
                            {"PFLOPS", 1e15, false}}},
    [FY_DIM_OP_PER_S] = {"a rate of integer operations",
                         "296 TOP/s",
                         {{"OP/s", 1, true},
                          {"GOP/s", 1e9, true},
                          {"TOP/s", 1e12, true},
                          {"POP/s", 1e15, true},
                          {"TOPS", 1e12, false},
                          {"POPS", 1e15, false}}},
    [FY_DIM_POWER] = {"a power",
                      "400 W or 10.2 kW",
                      {{"W", 1, true}, {"kW", 1e3, true}, {"MW", 1e6, true}, {"mW", 1e-3, false}}},
    [FY_DIM_TIME] = {"a duration",
                     "30 s, 10 min, 7 h or 30 d",
                     {{"us", 1e-6, true},
                      {"ms", 1e-3, true},
                      {"s", 1, true},
                      {"min", 60, true},
                      {"h", 3600, true},
                      {"d", 86400, true}}},
    [FY_DIM_FREQUENCY] =
        {"a frequency",
         "1.853 GHz",
         {{"Hz", 1, true}, {"kHz", 1e3, true}, {"MHz", 1e6, true}, {"GHz", 1e9, true}}},
    [FY_DIM_ENERGY] = {"an energy",
                       "3.6 MJ or 1 kWh",
                       {{"J", 1, true},
                        {"Wh", 3.6e3, false},
                        {"kJ", 1e3, false},
                        {"MJ", 1e6, false},
                        {"kWh", 3.6e6, true},
                        {"MWh", 3.6e9, true},
                        {"GWh", 3.6e12, true}}},
    [FY_DIM_AREA] = {"an area", "814 mm2", {{"mm2", 1, true}}},
    [FY_DIM_LENGTH] = {"a feature size", "5 nm", {{"nm", 1, true}}},
    [FY_DIM_USD] = {"an amount in US dollars", "11000 USD", {{"USD", 1, true}}},
    [FY_DIM_CNY] = {"an amount in yuan", "85000 CNY", {{"CNY", 1, true}}},
    [FY_DIM_USD_PER_KWH] = {"an electricity price in US dollars",
                            "0.08 USD/kWh",
                            {{"USD/kWh", 1, true}}},
    [FY_DIM_CNY_PER_KWH] = {"an electricity price in yuan", "0.32 CNY/kWh", {{"CNY/kWh", 1, true}}},
};

/* How much of the user's text an error repeats. */
#define SHOW "%.60s"

/* Length of the decimal number at `s` ([+-] digits [. digits] [e [+-] digits]), 0 if none. */
static size_t number_len(const char *s)
{
    const char *p = s;
    size_t digits = 0;
    if (*p == '+' || *p == '-') {
        p++;
    }
    for (; isdigit((unsigned char)*p); p++) {
        digits++;
    }
    if (*p == '.' && isdigit((unsigned char)p[1])) {
        for (p++; isdigit((unsigned char)*p); p++) {
            digits++;
        }
    }
    if (digits == 0) {
        return 0;
    }
    if (*p == 'e' || *p == 'E') {
        const char *q = p + 1;
        if (*q == '+' || *q == '-') {
            q++;
        }
        if (isdigit((unsigned char)*q)) {
            while (isdigit((unsigned char)*q)) {
                q++;
            }
            p = q;
        }
    }
    return (size_t)(p - s);
}

static int wrong(const char *text, const dimension *d, fy_err *err)
{
    return fy_fail(err, FY_EPARSE, "\"" SHOW "\" is not %s; write for example %s", text, d->what,
                   d->right);
}

static const unit *find_unit(const dimension *d, const char *text, size_t len)
{
    for (int i = 0; i < MAX_UNITS && d->units[i].text != NULL; i++) {
        if (strlen(d->units[i].text) == len && memcmp(d->units[i].text, text, len) == 0) {
            return &d->units[i];
        }
    }
    return NULL;
}

static int check_value(const char *text, double v, fy_dim dim, fy_sign sign, fy_err *err)
{
    const dimension *d = &dimensions[dim];
    if (!isfinite(v)) {
        return fy_fail(err, FY_ERANGE, "\"" SHOW "\" is too large for %s", text, d->what);
    }
    if (v < 0 && sign != FY_ANY_SIGN) {
        return fy_fail(err, FY_ERANGE, "\"" SHOW "\" is negative; %s must be %s, for example %s",
                       text, d->what, sign == FY_POSITIVE ? "positive" : "0 or more", d->right);
    }
    if (v == 0 && sign == FY_POSITIVE) {
        return fy_fail(err, FY_ERANGE, "\"" SHOW "\" must be positive; leave out what is unknown",
                       text);
    }
    if (dim == FY_DIM_COUNT && (v != floor(v) || fabs(v) > 1e15)) {
        return fy_fail(err, FY_ERANGE, "\"" SHOW "\" must be a whole number", text);
    }
    return 0;
}

/*
 * Number and unit from text[0..len); an empty unit takes `fallback` where that is not NULL.
 * *used is the unit that was found.
 */
static int parse_part(const char *text, fy_dim dim, fy_sign sign, const unit *fallback,
                      double *value, const unit **used, fy_err *err)
{
    const dimension *d = &dimensions[dim];
    const char *p = text;
    bool dollar = dim == FY_DIM_USD && *p == '$';
    p += dollar ? 1 : 0;
    size_t n = number_len(p);
    if (n == 0) {
        return wrong(text, d, err);
    }
    char *end = NULL;
    double v = strtod(p, &end);
    if (end != p + n) { /* a hexadecimal number, or a locale that writes them differently */
        return wrong(text, d, err);
    }
    p += n;
    p += *p == ' ' ? 1 : 0;
    const unit *u = dollar && *p == '\0' ? &d->units[0] : find_unit(d, p, strlen(p));
    if (u == NULL && *p == '\0') {
        u = fallback;
    }
    if (u == NULL) {
        return *p == '\0'
                   ? fy_fail(err, FY_EPARSE, "\"" SHOW "\" has no unit; write for example %s", text,
                             d->right)
                   : wrong(text, d, err);
    }
    v *= u->scale;
    int rc = check_value(text, v, dim, sign, err);
    if (rc == 0) {
        *value = v == 0 ? 0 : v; /* no minus zero */
        *used = u;
    }
    return rc;
}

int fy_units_parse(const char *text, fy_dim dim, fy_sign sign, double *value, fy_err *err)
{
    const unit *used = NULL;
    return parse_part(text, dim, sign, NULL, value, &used, err);
}

/* Split `text` at " .. " into at most three NUL-terminated parts in `copy`; returns how many. */
static int split_range(char *copy, char *part[3])
{
    int n = 0;
    for (char *p = copy; p != NULL && n < 3;) {
        part[n++] = p;
        p = strstr(p, " .. ");
        if (p != NULL) {
            *p = '\0';
            p += 4;
        }
        if (p != NULL && n == 3) {
            return 4;
        }
    }
    return n;
}

int fy_units_parse_range(const char *text, fy_dim dim, fy_sign sign, double range[3], fy_err *err)
{
    const dimension *d = &dimensions[dim];
    char copy[MAX_TEXT];
    char *part[3];
    if (strlen(text) >= sizeof copy) {
        return wrong(text, d, err);
    }
    memcpy(copy, text, strlen(text) + 1);
    int n = split_range(copy, part);
    if (n != 1 && n != 3) {
        return fy_fail(err, FY_EPARSE,
                       "\"" SHOW "\" is not a range; write LOW .. MID .. HIGH and a unit", text);
    }
    double v[3] = {0};
    const unit *used = NULL;
    for (int i = n - 1; i >= 0; i--) { /* the last part has the unit that the others may lack */
        int rc = parse_part(part[i], dim, sign, used, &v[i], &used, err);
        if (rc != 0) {
            return rc;
        }
    }
    if (n == 1) {
        v[1] = v[2] = v[0];
    }
    if (!(v[0] <= v[1] && v[1] <= v[2])) {
        return fy_fail(err, FY_ERANGE, "\"" SHOW "\" is out of order; write LOW .. MID .. HIGH",
                       text);
    }
    memcpy(range, v, sizeof v);
    return 0;
}

char *fy_units_format_number(char out[FY_UNITS_TEXT], double value)
{
    if (isnan(value)) {
        snprintf(out, FY_UNITS_TEXT, "unknown");
        return out;
    }
    double a = fabs(value);
    if (!isfinite(value) || (a != 0 && (a < 1e-4 || a >= 1e15))) {
        snprintf(out, FY_UNITS_TEXT, "%.4g", value);
        return out;
    }
    double x = a;
    int decimals = 3; /* 4 significant digits */
    while (x >= 9.9995 && decimals > 0) {
        x /= 10;
        decimals--;
    }
    while (x > 0 && x < 0.99995 && decimals < 8) {
        x *= 10;
        decimals++;
    }
    snprintf(out, FY_UNITS_TEXT, "%.*f", decimals, value);
    if (strchr(out, '.') != NULL) {
        char *end = out + strlen(out);
        while (end[-1] == '0') {
            *--end = '\0';
        }
        if (end[-1] == '.') {
            end[-1] = '\0';
        }
    }
    return out;
}

char *fy_units_format(char out[FY_UNITS_TEXT], double value, fy_dim dim)
{
    const dimension *d = &dimensions[dim];
    const unit *best = NULL;
    for (int i = 0; i < MAX_UNITS && d->units[i].text != NULL; i++) {
        const unit *u = &d->units[i];
        if (u->shown && (best == NULL || fabs(value) >= u->scale * 0.99995)) {
            best = u;
        }
    }
    if (isnan(value) || best == NULL) {
        snprintf(out, FY_UNITS_TEXT, "unknown");
        return out;
    }
    char number[FY_UNITS_TEXT];
    fy_units_format_number(number, value / best->scale);
    snprintf(out, FY_UNITS_TEXT, "%.18s%s%.10s", number, best->text[0] == '\0' ? "" : " ",
             best->text);
    return out;
}
