/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <math.h>

json_t *cli_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_json_text(const char *s)
{
    json_t *out;
    char plain[256];
    size_t n = 0;

    if (s == NULL) {
        return json_null();
    }
    out = json_string(s);
    if (out == NULL) {
        for (; s[n] != '\0' && n < sizeof plain - 1; n++) {
            plain[n] = (char)((s[n] & 0x80) != 0 ? '?' : s[n]);
        }
        out = json_stringn(plain, n);
    }
    return out;
}
