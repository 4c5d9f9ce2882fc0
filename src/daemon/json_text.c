/* SPDX-License-Identifier: MIT */
/* JSON text, written by hand and by one pass. */
#include "daemon/json_text.h"

#include "base/num.h"

#include <math.h>
#include <string.h>

/* Length of the UTF-8 sequence that begins at `p`, 0 where it is none. */
static size_t utf8_len(const unsigned char *p)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = *p < 0x80 ? 1 : (*p >> 5) == 6 ? 2 : (*p >> 4) == 14 ? 3 : (*p >> 3) == 30 ? 4 : 0;
    unsigned code = n < 2 ? *p : *p & (0xffu >> (n + 1));

    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (n >= 2 && (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))) {
        return 0;
    }
    return n;
}

void fy_json_text(fy_str *s, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *from = p;

    if (text == NULL) {
        fy_str_puts(s, "null");
        return;
    }
    fy_str_add(s, "\"", 1);
    while (*p != '\0') {
        size_t n = utf8_len(p);

        if (n > 0 && *p >= 0x20 && *p != '"' && *p != '\\' && *p != 0x7f) {
            p += n;
            continue;
        }
        fy_str_add(s, (const char *)from, (size_t)(p - from));
        if (*p == '"' || *p == '\\') {
            fy_str_printf(s, "\\%c", *p);
        } else if (*p == '\n') {
            fy_str_puts(s, "\\n");
        } else if (*p == '\t') {
            fy_str_puts(s, "\\t");
        } else if (*p < 0x80) {
            fy_str_printf(s, "\\u%04x", *p);
        } else {
            fy_str_puts(s, "\\ufffd");
        }
        from = ++p;
    }
    fy_str_add(s, (const char *)from, (size_t)(p - from));
    fy_str_add(s, "\"", 1);
}

void fy_json_comma(fy_str *s)
{
    if (s->len > 0 && s->text[s->len - 1] != '{' && s->text[s->len - 1] != '[') {
        fy_str_add(s, ",", 1);
    }
}

void fy_json_key(fy_str *s, const char *key)
{
    fy_json_comma(s);
    fy_str_add(s, "\"", 1);
    fy_str_add(s, key, strlen(key));
    fy_str_add(s, "\":", 2);
}

void fy_json_put_text(fy_str *s, const char *key, const char *text)
{
    fy_json_key(s, key);
    fy_json_text(s, text);
}

void fy_json_int(fy_str *s, int64_t value)
{
    char digits[24];
    char *p = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        *--p = '-';
    }
    fy_str_add(s, p, (size_t)(digits + sizeof digits - p));
}

void fy_json_put_int(fy_str *s, const char *key, int64_t value)
{
    fy_json_key(s, key);
    fy_json_int(s, value);
}

void fy_json_put_real(fy_str *s, const char *key, double value)
{
    fy_json_key(s, key);
    if (!isfinite(value)) {
        fy_str_puts(s, "null");
    } else if (value == floor(value) && fabs(value) < 1e15) {
        fy_json_int(s, (int64_t)value);
    } else {
        fy_str_printf(s, "%.6g", value);
    }
}

void fy_json_put_bool(fy_str *s, const char *key, bool value)
{
    fy_json_key(s, key);
    fy_str_puts(s, value ? "true" : "false");
}

void fy_json_put_us(fy_str *s, const char *key, int64_t us)
{
    char fraction[8] = {'.', 0};
    int64_t part = us % 1000000;
    int n = 6;

    fy_json_key(s, key);
    if (us < 0) {
        fy_str_puts(s, "null");
        return;
    }
    fy_json_int(s, us / 1000000);
    if (part > 0) {
        for (int i = 6; i >= 1; i--) {
            fraction[i] = (char)('0' + part % 10);
            part /= 10;
        }
        while (fraction[n] == '0') {
            n--;
        }
        fy_str_add(s, fraction, (size_t)n + 1);
    }
}
