/* SPDX-License-Identifier: MIT */
/* Any bytes as Gavel's table of rates: read, or refused with one line; look-ups give true rates. */
#include "trace/rates.h"

#include "../fixture.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fixture *f = fixture_new();
    fy_gavel_rates *rates;
    fy_accept accept[FY_MAX_CHIPS];
    fy_err err = {0};
    int rc = fy_gavel_rates_parse(&rates, "t", (const char *)data, size, &f->site, &err);

    if (rc == 0) {
        for (int scale = 1; scale <= 8; scale *= 2) {
            int n_absent, n = fy_gavel_rates_of(rates, "A", scale, accept, &n_absent);

            assert(n <= f->site.n_chips + FY_MAX_CHIPS && n_absent >= 0);
            for (int i = 0; i < n; i++) {
                assert(accept[i].chip >= 0 && accept[i].chip < f->site.n_chips);
                assert(accept[i].rate > 0 && isfinite(accept[i].rate));
                assert(accept[i].rate_spread >= 0 && isfinite(accept[i].rate_spread));
                assert(i == 0 || accept[i].rate <= accept[i - 1].rate);
            }
        }
        fy_gavel_rates_free(rates);
    } else {
        assert(err.code == rc && strncmp(err.text, "t:", 2) == 0 && rates == NULL);
    }
    fixture_free(f);
    return 0;
}
