/* SPDX-License-Identifier: MIT */
/*
 * Any text as a quantity and as a range of every dimension: refused, or finite, in order, and read
 * back from its own printed form within four digits.
 */
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256];
    if (size >= sizeof text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    for (int d = 0; d < FY_N_DIMS; d++) {
        double v = 0, r[3] = {0}, back = 0;
        char out[FY_UNITS_TEXT];
        fy_err err = {0};
        if (fy_units_parse(text, (fy_dim)d, FY_ANY_SIGN, &v, &err) == 0) {
            assert(isfinite(v));
            fy_units_format(out, v, (fy_dim)d);
            assert(fy_units_parse(out, (fy_dim)d, FY_ANY_SIGN, &back, &err) == 0);
            assert(fabs(back - v) <= 6e-4 * fabs(v));
        } else {
            assert(err.text[0] != '\0');
        }
        if (fy_units_parse_range(text, (fy_dim)d, FY_NOT_NEGATIVE, r, &err) == 0) {
            assert(0 <= r[0] && r[0] <= r[1] && r[1] <= r[2] && isfinite(r[2]));
        }
    }
    return 0;
}
