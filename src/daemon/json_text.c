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

/* The first byte that does not stand for itself in a string: a control, a quote, a backslash, or
 * the begin of a longer sequence. */
static const unsigned char *plain_end(const unsigned char *p)
{
    while (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\') {
        p++;
    }
    return p;
}

static void escape(fy_str *s, unsigned char c)
{
    if (c == '"' || c == '\\') {
        fy_str_printf(s, "\\%c", c);
    } else if (c == '\n') {
        fy_str_puts(s, "\\n");
    } else if (c == '\t') {
        fy_str_puts(s, "\\t");
    } else if (c < 0x80) {
        fy_str_printf(s, "\\u%04x", c);
    } else {
        fy_str_puts(s, "\\ufffd");
    }
}

void fy_json_text(fy_str *s, const char *text)
{
    const unsigned char *p = (const unsigned char *)text, *from = p;

    if (text == NULL) {
        fy_str_add(s, "null", 4);
        return;
    }
    fy_str_add(s, "\"", 1);
    while (*(p = plain_end(p)) != '\0') {
        size_t n = *p < 0x80 ? 0 : utf8_len(p);

        if (n > 1) {
            p += n;
            continue;
        }
        fy_str_add(s, (const char *)from, (size_t)(p - from));
        escape(s, *p);
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

/* In one piece: a view of ten thousand jobs writes a quarter of a million keys. */
void fy_json_key(fy_str *s, const char *key)
{
    char text[64] = ",\"";
    size_t len = strlen(key);
    bool first = s->len == 0 || s->text[s->len - 1] == '{' || s->text[s->len - 1] == '[';

    if (len + 4 > sizeof text) {
        fy_str_printf(s, "%s\"%s\":", first ? "" : ",", key);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        text[2 + i] = key[i];
    }
    text[2 + len] = '"';
    text[3 + len] = ':';
    fy_str_add(s, text + first, len + 4 - first);
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

void fy_json_error(fy_str *s, const char *text)
{
    fy_str_puts(s, "{\"error\": ");
    fy_json_text(s, text);
    fy_str_puts(s, "}\n");
}
