/* SPDX-License-Identifier: MIT */
/* Any bytes as a table of measured runs: read, or refused with one line; every row makes sense. */
#include "fuyao/runs.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const fy_run *run)
{
    char text[FY_CELL_TEXT];

    assert(run->id != NULL && run->set != NULL);
    assert((run->status == FY_RUN_OK) == (run->reason == NULL));
    assert(run->spec.model_name != NULL && run->spec.chip != NULL && run->spec.stack != NULL);
    if (run->status == FY_RUN_OK) {
        assert(run->measured.step_s > 0 && isfinite(run->measured.step_s));
    }
    if (run->status != FY_RUN_SKIPPED) {
        for (int i = 0; i < FY_N_CELLS; i++) {
            assert(strlen(fy_run_cell_text(text, &run->spec, (fy_run_cell)i)) < sizeof text);
        }
        assert(run->spec.n_chips >= 0 && run->spec.layout.zero <= 3);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_runs *runs;
    fy_err err = {0};
    int rc = fy_runs_parse(&runs, "t", data, size, &err);

    if (rc != 0) {
        assert(rc < 0 && err.code == rc && runs == NULL && strncmp(err.text, "t:", 2) == 0);
        return 0;
    }
    for (int i = 0; i < fy_runs_count(runs); i++) {
        check(fy_runs_at(runs, i));
    }
    fy_runs_free(runs);
    return 0;
}
