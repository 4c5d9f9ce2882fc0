/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of stacks and, behind a line `%%`, a file of constants: loaded, or refused
 * with one line. What is loaded gives every stack constants that can be computed with.
 */
#include "model/stack.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const fy_stacks *all)
{
    static const char *const families[] = {"Old", "New", NULL};
    for (int i = 0; i < fy_stacks_count(all); i++) {
        const fy_stack *s = fy_stacks_at(all, i);
        assert(fy_stacks_find(all, s->id) == s);
        assert(s->zero >= 0 && s->zero <= 3 && s->overlap < 16);
        assert(s->gradient_bytes >= 0 && s->optimizer_bytes >= 0 && s->loss_bytes >= 0);
        for (int f = 0; f < 3; f++) {
            fy_chip chip = {.id = "chip-1", .arch = families[f]};
            fy_constants c = fy_stacks_constants(all, s, &chip, f == 1 ? "mine" : NULL);
            assert(c.rows >= 0 && c.spread >= 0 && isfinite(c.spread));
            assert(c.value[FY_C_MATMUL] > 0 && c.value[FY_C_LINK] > 0);
            for (int k = 0; k < FY_N_CONSTANTS; k++) {
                assert(c.value[k] >= 0 && isfinite(c.value[k]));
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *cut = size > 0 ? memmem(text, size, "\n%%\n", 4) : NULL;
    size_t first = cut != NULL ? (size_t)(cut - text) + 1 : size;
    size_t from = cut != NULL ? first + 3 : size;
    fy_stacks *all = NULL;
    fy_err err = {0};
    int rc = fy_stacks_parse(&all, "input", text, first, "input", text + from, size - from, &err);

    if (rc == 0) {
        check(all);
        fy_stacks_free(all);
    } else {
        assert(all == NULL && err.code == rc && strncmp(err.text, "input", 5) == 0);
        assert(strchr(err.text, '\n') == NULL);
    }
    return 0;
}
