/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a submission: read, or refused with one line without control characters. What is
 * read is written to JSON that reads back to the same bytes.
 */
#include "daemon/submission.h"

#include "daemon/submission_fields.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const fy_submission *s)
{
    fy_arena arena = {0};
    fy_submission back;
    size_t len, again_len;
    const char *json = fy_submission_write(s, &arena, &len);
    const char *again;
    fy_err err = {0};
    int rc = len <= FY_SUBMISSION_MAX_BYTES ? fy_submission_read(&back, json, len, &arena, &err)
                                            : 1; /* escapes may make it longer than it came */

    assert(s->script != NULL || s->n_args > 0);
    assert(s->workers >= s->min_workers && s->workers <= s->max_workers && s->workdir[0] == '/');
    assert(fy_text_control(s->name, strlen(s->name)) < 0);
    assert(rc >= 0);
    if (rc == 0) {
        again = fy_submission_write(&back, &arena, &again_len);
        assert(len == again_len && memcmp(json, again, len) == 0);
    }
    fy_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_arena arena = {0};
    fy_submission *all = NULL, one;
    fy_err err = {0};
    int n = 0;
    int rc = fy_submission_read_list(&all, &n, NULL, (const char *)data, size, &arena, &err);

    if (rc == 0) {
        for (int i = 0; i < n && i < 20; i++) {
            check(&all[i]);
        }
    } else {
        assert(all == NULL && n == 0 && err.code == rc && err.text[0] != '\0');
        assert(fy_text_control(err.text, strlen(err.text)) < 0);
    }
    if (fy_submission_read(&one, (const char *)data, size, &arena, NULL) == 0) {
        check(&one);
    }
    fy_arena_free(&arena);
    return 0;
}
