/* SPDX-License-Identifier: MIT */
/*
 * Counts of devices that leave some idle: 520 devices cut a model worse than 512. What a count can
 * reach at best follows from the work of its products and from how evenly layers can be dealt.
 */
#include "model/search.h"

#include <stdlib.h>

/* Share of a layer's parameters in products at least: not norms, biases and routers. */
static const double in_products = 0.9;

/* Slices costed for counts below the one asked, before the rest is left: mixtures of experts have
 * a hundred thousand a count. */
enum { MAX_SLICES = 400000 };

/* Seconds of one device for the step's products at the best rate. */
static double work_s(const fy_search_spec *spec)
{
    const fy_model *m = spec->model;
    fy_costing c = fy_costing_make(m, spec->cluster, spec->stack, spec->constants);
    double rate = 0;
    for (int i = 0; i < FY_N_FORMATS; i++) {
        rate = c.machine.matrix_flops[i] > rate ? c.machine.matrix_flops[i] : rate;
    }
    double dense = m->experts > 0 ? m->dense_layers : m->layers;
    double params = dense * c.params.dense_layer + (m->layers - dense) * c.params.moe_active;
    double tokens = (double)spec->global_batch * m->seq_len;
    return (m->lora_rank > 0 ? 4 : 6) * params * in_products * tokens / rate;
}

/* Least of (layers of the largest stage) x pp / layers over all shapes; INFINITY: there is none. */
static double least_uneven(const fy_search_spec *spec)
{
    fy_space s;
    double least = INFINITY;
    int layers = spec->model->layers;
    fy_layout l = {.ep = 1, .microbatch = 1, .global_batch = spec->global_batch};
    if (fy_space_open(&s, spec, NULL) != 0) {
        fy_space_close(&s);
        return INFINITY;
    }
    for (int t = 0; t < s.devices.n; t++) {
        l.tp = s.devices.at[t];
        for (int c = 0; fy_space_tensor(&s, l.tp) && c < s.devices.n; c++) {
            l.cp = s.devices.at[c];
            for (int p = 0; fy_space_context(&s, &l, l.cp) && p < s.devices.n; p++) {
                int pp = s.devices.at[p];
                if (fy_space_pipeline(&s, &l, pp)) {
                    int largest = (layers + pp - 1) / pp;
                    double uneven = (double)largest * pp / layers;
                    least = uneven < least ? uneven : least;
                }
            }
        }
    }
    fy_space_close(&s);
    return least;
}

/* Step of the best layout on n devices, INFINITY where there is none below `limit_s`. */
static double best_s(const fy_search_spec *spec, int n, double work, double limit_s,
                     int64_t *slices)
{
    fy_cluster cluster = *spec->cluster;
    fy_search_spec one = *spec;
    fy_search_result r;
    cluster.devices = n;
    one.cluster = &cluster;
    one.top = 1;
    one.front = false;
    double uneven = least_uneven(&one);
    /* embedding and head may count as layers: the largest stage holds one layer less */
    double even = (double)one.model->layers / (one.model->layers + 2);
    if (!(work / n * uneven * even < limit_s) || fy_search_run(&r, &one, NULL) != 0) {
        return INFINITY;
    }
    double s = r.n_top > 0 ? r.top[0].value : (double)INFINITY;
    *slices += r.counts.slices;
    fy_search_free(&r);
    return s;
}

int fy_search_fewer(const fy_search_spec *spec, const fy_search_result *all, int step)
{
    int devices = spec->cluster->devices;
    int best = devices;
    double limit_s = all->n_top > 0 ? all->top[0].value : (double)INFINITY;
    bool too_big = all->n_top == 0 && all->counts.too_big > 0;
    if (spec->objective != FY_BY_TIME || all->unknown != NULL || too_big || step < 1) {
        return devices;
    }
    double work = work_s(spec);
    int64_t slices = 0;
    int n = devices;
    while (n > 1 && slices < MAX_SLICES) {
        n = n > step ? (n - 1) / step * step : n - 1;
        if (!(work / n < limit_s)) {
            break;
        }
        double s = best_s(spec, n, work, limit_s, &slices);
        if (s < limit_s) {
            limit_s = s;
            best = n;
        }
    }
    return best;
}
