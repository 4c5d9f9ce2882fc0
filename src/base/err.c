/* SPDX-License-Identifier: MIT */
/* The one place where error text is formatted. */
#include "fuyao/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fy_fail(fy_err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;

        err->code = code;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return code;
}

int fy_fail_prefix(fy_err *err, int code, const char *fmt, ...)
{
    char prefix[FY_ERR_TEXT];
    char text[FY_ERR_TEXT];
    va_list args;

    if (err == NULL) {
        return code;
    }
    va_start(args, fmt);
    (void)vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    memcpy(text, err->text, sizeof text);
    if (snprintf(err->text, sizeof err->text, "%s: %s", prefix, text) < 0) {
        err->text[0] = '\0';
    }
    return err->code;
}
