/* SPDX-License-Identifier: MIT */
#include "daemon/text.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the UTF-8 character at `s` (RFC 3629), 0 where there is none. */
static size_t utf8(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (n == 0 || s[0] > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) { /* the NUL at the end too */
            return 0;
        }
    }
    bool outside = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                   (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return outside ? 0 : n;
}

void fy_text_json(fy_str *out, const char *text)
{
    if (text == NULL) {
        fy_str_puts(out, "null");
        return;
    }
    fy_str_puts(out, "\"");
    for (const char *s = text; *s != '\0';) {
        size_t n = utf8((const unsigned char *)s);
        if (n == 0) {
            fy_str_puts(out, "\xef\xbf\xbd");
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            fy_str_add(out, "\\", 1);
            fy_str_add(out, s, 1);
        } else if ((unsigned char)*s < 0x20) {
            fy_str_printf(out, "\\u%04x", (unsigned)*s);
        } else {
            fy_str_add(out, s, n);
        }
        s += n;
    }
    fy_str_puts(out, "\"");
}

void fy_text_error(fy_str *out, const char *text)
{
    fy_str_puts(out, "{\"error\": ");
    fy_text_json(out, text);
    fy_str_puts(out, "}\n");
}
