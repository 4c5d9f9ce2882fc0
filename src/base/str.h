/* SPDX-License-Identifier: MIT */
/* A growing string. Zero-initialised is valid and empty; text is always NUL-terminated once used.
 */
#ifndef FUYAO_BASE_STR_H
#define FUYAO_BASE_STR_H

#include <stddef.h>

typedef struct fy_str {
    char *text; /* owned; NULL while empty and unused */
    size_t len; /* bytes without the NUL */
    size_t room;
} fy_str;

void fy_str_add(fy_str *s, const char *bytes, size_t len);
void fy_str_puts(fy_str *s, const char *text);
void fy_str_printf(fy_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fy_str_clear(fy_str *s); /* empty, room kept */
void fy_str_free(fy_str *s);  /* empty, room given back */

#endif
