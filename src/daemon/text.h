/* SPDX-License-Identifier: MIT */
/* JSON text that the API writes itself: strings with their quotes, and the one form of an error. */
#ifndef FUYAO_DAEMON_TEXT_H
#define FUYAO_DAEMON_TEXT_H

#include "base/str.h"

/* Add a JSON string. Bytes that are not UTF-8 become U+FFFD; NULL becomes null. */
void fy_text_json(fy_str *out, const char *text);

/* Add {"error": "..."} and a newline. */
void fy_text_error(fy_str *out, const char *text);

#endif
