/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double ten_to[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum { MAX_DOUBLE_TEXT = 127, EXACT_POWER = 22 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

fy_num fy_num_int(const char *text, size_t len, int64_t low, int64_t high, int64_t *out)
{
    size_t i = 0;
    int64_t value = 0;
    bool negative = len > 0 && text[0] == '-';
    bool overflow = false;

    i += negative ? 1 : 0;
    if (i == len) {
        return FY_NUM_NOT;
    }
    for (; i < len; i++) {
        int digit = text[i] - '0';

        if (digit < 0 || digit > 9) {
            return FY_NUM_NOT;
        }
        overflow = overflow || __builtin_mul_overflow(value, (int64_t)10, &value) ||
                   __builtin_add_overflow(value, (int64_t)(negative ? -digit : digit), &value);
    }
    if (overflow || value < low || value > high) {
        return FY_NUM_RANGE;
    }
    *out = value;
    return FY_NUM_OK;
}

/* The pieces of a decimal number: value = mantissa x 10^exponent, if no digit was left out. */
typedef struct decimal {
    uint64_t mantissa;
    int64_t exponent;
    int digits; /* significant ones, leading zeros not counted */
    bool negative;
} decimal;

/* Digits from `i` on into d; returns the first index behind them. */
static size_t scan_digits(const char *text, size_t len, size_t i, bool fraction, decimal *d)
{
    for (; i < len && is_digit(text[i]); i++) {
        if (d->digits < 19) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(text[i] - '0');
            d->exponent -= fraction ? 1 : 0;
        }
        d->digits += d->digits > 0 || text[i] != '0' ? 1 : 0;
    }
    return i;
}

static fy_num scan_exponent(const char *text, size_t len, size_t i, decimal *d)
{
    int64_t power = 0;

    if (i == len) {
        return FY_NUM_OK;
    }
    if (text[i] != 'e' && text[i] != 'E') {
        return FY_NUM_NOT;
    }
    i++;
    if (i < len && text[i] == '+') {
        i++;
        if (i < len && text[i] == '-') {
            return FY_NUM_NOT;
        }
    }
    if (fy_num_int(text + i, len - i, -9999, 9999, &power) == FY_NUM_NOT) {
        return FY_NUM_NOT;
    }
    d->exponent += power;
    return FY_NUM_OK;
}

static fy_num scan_decimal(const char *text, size_t len, decimal *d)
{
    size_t i = 0, begin, integer, fraction = 0;

    *d = (decimal){0};
    if (i < len && (text[i] == '-' || text[i] == '+')) {
        d->negative = text[i] == '-';
        i++;
    }
    begin = i;
    i = scan_digits(text, len, i, false, d);
    integer = i - begin;
    if (i < len && text[i] == '.') {
        begin = ++i;
        i = scan_digits(text, len, i, true, d);
        fraction = i - begin;
    }
    return integer + fraction == 0 ? FY_NUM_NOT : scan_exponent(text, len, i, d);
}

/* The library's strtod is exact but slow; it is asked only where the short cut is not exact. */
static fy_num slow_double(const char *text, size_t len, double *out)
{
    char copy[MAX_DOUBLE_TEXT + 1];
    double value;

    memcpy(copy, text, len);
    copy[len] = '\0';
    value = strtod(copy, NULL);
    if (!isfinite(value)) {
        return FY_NUM_RANGE;
    }
    *out = value;
    return FY_NUM_OK;
}

/*
 * A mantissa below 2^53 and a power of ten up to 10^22 are both exact doubles, so one division or
 * multiplication rounds correctly (W. D. Clinger, "How to read floating point numbers accurately",
 * 1990).
 */
fy_num fy_num_double(const char *text, size_t len, double *out)
{
    decimal d;
    double value;

    if (len > MAX_DOUBLE_TEXT || scan_decimal(text, len, &d) != FY_NUM_OK) {
        return FY_NUM_NOT;
    }
    if (d.digits > 19 || d.mantissa >= (uint64_t)1 << 53 || d.exponent < -EXACT_POWER ||
        d.exponent > EXACT_POWER) {
        return slow_double(text, len, out);
    }
    value = (double)d.mantissa;
    value = d.exponent < 0 ? value / ten_to[-d.exponent] : value * ten_to[d.exponent];
    *out = d.negative ? -value : value;
    return FY_NUM_OK;
}

/* Append a decimal digit to *value, or note in *overflow that it has grown past any seconds. */
static void push_digit(int64_t *value, int digit, bool *overflow)
{
    *overflow = *overflow || *value > FY_NUM_MAX_US / 10;
    *value = *overflow ? *value : *value * 10 + digit;
}

/* What is finer than a microsecond: `len` digits. Returns what rounding half up adds. */
static int scan_fine(const char *text, size_t len, bool *fine)
{
    for (size_t i = 0; i < len; i++) {
        *fine = *fine || text[i] != '0';
    }
    return len > 0 && text[0] >= '5' ? 1 : 0;
}

fy_num fy_num_us(const char *text, size_t len, fy_num_round round, int64_t *out)
{
    size_t integer = 0, decimals = 0;
    const char *fraction;
    int64_t value = 0;
    bool overflow = false, fine = false;
    int up;

    while (integer < len && is_digit(text[integer])) {
        push_digit(&value, text[integer++] - '0', &overflow);
    }
    fraction = text + integer + (integer < len && text[integer] == '.' ? 1 : 0);
    while (fraction + decimals < text + len && is_digit(fraction[decimals])) {
        decimals++;
    }
    if (integer + decimals == 0 || fraction + decimals < text + len) {
        return FY_NUM_NOT;
    }
    for (size_t i = 0; i < 6; i++) {
        push_digit(&value, i < decimals ? fraction[i] - '0' : 0, &overflow);
    }
    up = decimals > 6 ? scan_fine(fraction + 6, decimals - 6, &fine) : 0;
    if (overflow || value > FY_NUM_MAX_US - 1) {
        return FY_NUM_RANGE;
    }
    if (fine && round == FY_NUM_EXACT) {
        return FY_NUM_DECIMALS;
    }
    *out = value + up;
    return FY_NUM_OK;
}

size_t fy_num_put_int(char *out, int64_t value)
{
    char digits[24];
    size_t n = 0, len = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        out[len++] = '-';
    }
    while (n > 0) {
        out[len++] = digits[--n];
    }
    out[len] = '\0';
    return len;
}

/* `part` of 10^places behind a decimal point, without trailing zeros; nothing for 0. */
static size_t put_fraction(char *out, int64_t part, int places)
{
    size_t len = (size_t)places + 1;

    if (part == 0) {
        return 0;
    }
    out[0] = '.';
    for (size_t i = len - 1; i >= 1; i--) {
        out[i] = (char)('0' + part % 10);
        part /= 10;
    }
    while (out[len - 1] == '0') {
        len--;
    }
    return len;
}

size_t fy_num_put_us(char *out, int64_t value_us)
{
    size_t len;

    assert(value_us >= 0);
    len = fy_num_put_int(out, value_us / 1000000);
    len += put_fraction(out + len, value_us % 1000000, 6);
    out[len] = '\0';
    return len;
}

/* Few decimals are the common case: tried first, and taken only if they read back exactly. */
size_t fy_num_put_double(char *out, double value)
{
    double size = value < 0 ? -value : value;
    size_t len = 0;

    assert(isfinite(value));
    for (int places = 0; places <= 9 && size < 1e6; places += 3) {
        int64_t scaled = (int64_t)(size * ten_to[places] + 0.5);
        int64_t unit = (int64_t)ten_to[places];

        if ((double)scaled / ten_to[places] == size && (scaled != 0 || !signbit(value))) {
            if (value < 0) {
                out[len++] = '-';
            }
            len += fy_num_put_int(out + len, scaled / unit);
            len += put_fraction(out + len, scaled % unit, places);
            out[len] = '\0';
            return len;
        }
    }
    for (int digits = 15; digits <= 17; digits++) {
        int n = snprintf(out, FY_NUM_TEXT, "%.*g", digits, value);

        if (digits == 17 || strtod(out, NULL) == value) {
            return (size_t)n;
        }
    }
    return 0;
}
