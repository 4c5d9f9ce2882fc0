/* SPDX-License-Identifier: MIT */
/*
 * JSON written straight into a growing string: what the API answers, where building a tree of ten
 * thousand jobs first would cost more than the answer. Writes only; reading is Jansson's.
 */
#ifndef FUYAO_DAEMON_JSON_TEXT_H
#define FUYAO_DAEMON_JSON_TEXT_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A string in quotes; bytes that are no UTF-8 become U+FFFD. NULL writes null. */
void fy_json_text(fy_str *s, const char *text);

/* `"key":` preceded by a comma unless an object or array has just been opened. */
void fy_json_key(fy_str *s, const char *key);
void fy_json_comma(fy_str *s);

/* Members of an object. */
void fy_json_put_text(fy_str *s, const char *key, const char *text);
void fy_json_put_int(fy_str *s, const char *key, int64_t value);
void fy_json_put_real(fy_str *s, const char *key, double value); /* null where unknown */
void fy_json_put_bool(fy_str *s, const char *key, bool value);
/* Microseconds as seconds with the fraction that there is; negative writes null. */
void fy_json_put_us(fy_str *s, const char *key, int64_t us);

/* Decimal digits. */
void fy_json_int(fy_str *s, int64_t value);

/* The one form of an error: {"error": "..."} and a newline. */
void fy_json_error(fy_str *s, const char *text);

#endif
