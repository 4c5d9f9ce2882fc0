/* SPDX-License-Identifier: MIT */
/* The tail of a progress file, which a job writes: any bytes, read or passed over; what is reported
 * is finite, not negative, and the last line that stands whole. */
#include "daemon/run_record.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int whole = 0; whole <= 1; whole++) {
        double done = NAN, saved = NAN;
        bool found = fy_progress_parse((const char *)data, size, whole != 0, &done, &saved);

        if (found != isfinite(done) || (isfinite(saved) && !found) || done < 0 || saved < 0) {
            abort();
        }
    }
    return 0;
}
