/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a chips file: loaded, or refused with one line. The file goes through memory only.
 */
#include "model/catalog.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_catalog catalog = {.n_chips = 0};
    fy_err err = {0};
    int rc = fy_catalog_parse_chips(&catalog, "input", (const char *)data, size, &err);
    if (rc == 0) {
        for (int i = 0; i < catalog.n_chips; i++) {
            const fy_range *tdp = &catalog.chips[i].tdp_w;
            assert(isnan(tdp->mid) || (tdp->low > 0 && tdp->low <= tdp->mid));
        }
    } else {
        assert(err.code == rc && strncmp(err.text, "input", 5) == 0);
        assert(strchr(err.text, '\n') == NULL);
    }
    fy_arena_free(&catalog.arena);
    return 0;
}
