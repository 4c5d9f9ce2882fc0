/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fy_str_add(fy_str *s, const char *bytes, size_t len)
{
    s->text = fy_grow(s->text, &s->room, s->len + len + 1, 1);
    memcpy(s->text + s->len, bytes, len);
    s->len += len;
    s->text[s->len] = '\0';
}

void fy_str_puts(fy_str *s, const char *text)
{
    fy_str_add(s, text, strlen(text));
}

void fy_str_printf(fy_str *s, const char *fmt, ...)
{
    va_list args;
    va_list again;
    int len;

    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len > 0) {
        s->text = fy_grow(s->text, &s->room, s->len + (size_t)len + 1, 1);
        (void)vsnprintf(s->text + s->len, (size_t)len + 1, fmt, again);
        s->len += (size_t)len;
    }
    va_end(again);
}

void fy_str_clear(fy_str *s)
{
    s->len = 0;
    if (s->text != NULL) {
        s->text[0] = '\0';
    }
}

void fy_str_free(fy_str *s)
{
    free(s->text);
    *s = (fy_str){0};
}
