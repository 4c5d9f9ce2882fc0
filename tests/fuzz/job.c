/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a job file: as a script, as YAML and, cut at blanks, as words of a command line.
 * Each becomes JSON that reads as a submission, or is refused with one line.
 */
#include "cli/job.h"

#include "daemon/submission.h"
#include "daemon/submission_fields.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refused(const fy_err *err)
{
    assert(err->code < 0 && err->text[0] != '\0');
    assert(strchr(err->text, '\n') == NULL);
}

static void finish(cli_job *job)
{
    fy_arena arena = {0};
    fy_submission s;
    fy_err err = {0};
    const char *json = NULL;
    size_t len = 0;

    if (cli_job_finish(job, NULL, &json, &len, &err) == 0) {
        assert(len > FY_SUBMISSION_MAX_BYTES ||
               fy_submission_read(&s, json, len, &arena, NULL) == 0);
    } else {
        check_refused(&err);
    }
    fy_arena_free(&arena);
}

static void read_as(const char *text, size_t size, int form)
{
    cli_job job;
    fy_err err = {0};
    int rc, used, n = 0;
    char *words[64], *save = NULL;

    cli_job_open(&job, "/w", "me", 0);
    if (form == 0) {
        rc = cli_job_script(&job, "input", text, size, &err);
    } else if (form == 1) {
        rc = cli_job_yaml(&job, "input", text, size, &err);
    } else {
        char *copy = fy_arena_strndup(&job.arena, text, size);

        for (char *w = strtok_r(copy, " \n", &save); w != NULL && n < 64;
             w = strtok_r(NULL, " \n", &save)) {
            words[n++] = w;
        }
        rc = cli_job_words(&job, words, n, CLI_UNKNOWN_FAILS, &used, &err);
        assert(rc != 0 || (used >= 0 && used <= n));
        cli_job_args(&job, words, n);
    }
    if (rc == 0) {
        finish(&job);
    } else {
        check_refused(&err);
    }
    cli_job_close(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int form = 0; form < 3; form++) {
        read_as((const char *)data, size, form);
    }
    return 0;
}
