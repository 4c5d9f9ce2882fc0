/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a workloads file: loaded, or refused with one line. What is loaded has sizes that
 * make sense, so that parameters and work are finite and positive.
 */
#include "model/workload_yaml.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const fy_workload *w)
{
    if (w->kind == FY_BLACK_BOX) {
        for (int i = 0; i < w->n_rates; i++) {
            assert(w->rates[i].samples_per_s > 0 && w->rates[i].devices > 0);
        }
        return;
    }
    fy_params p = fy_model_params(&w->model);
    double all = fy_model_flops_per_token(&w->model, false);
    double half = fy_model_flops_per_token(&w->model, true);

    assert(fy_model_check(&w->model, w->kind, NULL) == 0);
    assert(isfinite(p.total) && p.active > 0 && p.active <= p.total && p.trained > 0);
    assert(isfinite(all) && half > 0 && half <= all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_workloads *all = NULL;
    fy_err err = {0};
    int rc = fy_workloads_parse(&all, "input", (const char *)data, size, &err);
    if (rc == 0) {
        for (int i = 0; i < fy_workloads_count(all); i++) {
            const fy_workload *w = fy_workloads_at(all, i);
            check(w);
            assert(fy_workloads_find(all, w->id) == w);
            assert(fy_workloads_find(all, w->name) == w);
        }
        fy_workloads_free(all);
    } else {
        assert(all == NULL && err.code == rc && strncmp(err.text, "input", 5) == 0);
        assert(strchr(err.text, '\n') == NULL);
    }
    return 0;
}
