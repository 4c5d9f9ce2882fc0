/* SPDX-License-Identifier: MIT */
#include "fuyao/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    fy_catalog *catalog;
    fy_workloads *workloads;
    fy_stacks *stacks;
    fy_cluster cluster;
    fy_constants constants;
    fy_search_spec spec;
} world;

static void open_world(world *w, const char *workload, const char *chip, int devices)
{
    const char *data = getenv("FUYAO_DATA");
    assert_int_equal(fy_catalog_load(&w->catalog, data, NULL), 0);
    assert_int_equal(fy_workloads_load(&w->workloads, data, NULL), 0);
    assert_int_equal(fy_stacks_load(&w->stacks, data, NULL), 0);
    const fy_workload *l = fy_workloads_find(w->workloads, workload);
    const fy_chip *c = fy_catalog_find_chip(w->catalog, chip);
    const fy_stack *stack = fy_stacks_find(w->stacks, "megatron-core");
    assert_non_null(l);
    assert_non_null(c);
    w->cluster = (fy_cluster){c, devices, 8, 200e9, NAN, 0, 1};
    w->constants = fy_stacks_constants(w->stacks, stack, c, NULL);
    w->spec = (fy_search_spec){.model = &l->model,
                               .cluster = &w->cluster,
                               .stack = stack,
                               .constants = &w->constants,
                               .global_batch = l->global_batch,
                               .precision = l->precision,
                               .pins = fy_pins_none(),
                               .prices = {NAN, NAN, NAN, NAN},
                               .top = 1};
}

static void close_world(world *w)
{
    fy_stacks_free(w->stacks);
    fy_workloads_free(w->workloads);
    fy_catalog_free(w->catalog);
}

/* ------------------------------------------------------------------------------- Calculon's */

typedef struct calculon {
    int64_t options, images;
    int64_t images_there; /* of them in our space */
    const world *w;
} calculon;

static bool in_space(const world *w, const fy_pins *pins)
{
    int64_t n = 0;
    fy_search_spec spec = w->spec;
    spec.pins = *pins;
    return fy_search_count(&n, &spec, NULL) == 0 && n == 1;
}

/*
 * The options of one (tp, pp, dp, vpp): two networks to choose from for each dimension, three ways
 * of summing over tp (the third is sequence parallelism) of which one may gather again, two ways
 * of overlapping it.
 */
static void calculon_options(calculon *c, fy_pins p, int batch)
{
    int nets = (p.tp > 1 ? 2 : 1) * (p.pp > 1 ? 2 : 1) * (p.dp > 1 ? 2 : 1);
    int hides_dp = p.dp > 1 ? 2 : 1;
    for (int m = 1; m <= batch / p.dp; m++) {
        if (batch / p.dp % m || m * 2048 % p.tp) {
            continue;
        }
        p.microbatch = m;
        for (p.recompute = 0; p.recompute < FY_N_RECOMPUTES; p.recompute++) {
            int sums = p.recompute == FY_RECOMPUTE_FULL ? 3 : 4;
            c->options += (int64_t)nets * sums * (p.tp > 1 ? 3 : 1) * hides_dp * hides_dp;
            for (int k = 0; k < 16; k++) {
                p.zero = k & 1;
                p.seq_parallel = k >> 1 & 1;
                p.overlap = (k & 4 ? FY_OVERLAP_TP : 0) | (k & 8 ? FY_OVERLAP_DP : 0);
                bool same = (p.tp == 1 && (k & 6)) || (p.dp == 1 && (k & 9));
                if (!same) {
                    c->images++;
                    c->images_there += in_space(c->w, &p);
                }
            }
        }
    }
}

/* calculon-ai/calculon, llm/optimal_execution.py and llm.py, offload off: 512 processors, batch
 * 1536, hidden 12288, 96 heads, 96 blocks. Its count is 1,905,552. */
static void test_contains_calculon(void **state)
{
    (void)state;
    world w;
    open_world(&w, "gpt3-175b", "a100-80-sxm4", 512);
    calculon c = {.w = &w};
    for (int tp = 1; tp <= 512; tp *= 2) {
        for (int pp = 1; 96 % tp == 0 && pp <= 96 && pp * tp <= 512; pp++) {
            if (512 % (tp * pp) || 96 % pp) {
                continue;
            }
            fy_pins p = fy_pins_none();
            p.tp = tp, p.pp = pp, p.dp = 512 / tp / pp, p.cp = 1;
            for (p.vpp = 1; p.vpp <= (pp > 1 ? 96 / pp : 1); p.vpp++) {
                if (96 / pp % p.vpp == 0) {
                    calculon_options(&c, p, 1536);
                }
            }
        }
    }
    int64_t space = 0;
    assert_int_equal(fy_search_count(&space, &w.spec, NULL), 0);
    assert_true(c.options == 1905552);
    assert_true(c.images == 89112);
    assert_true(c.images_there == c.images);
    assert_true(space >= c.options);
    close_world(&w);
}

/* ------------------------------------------------------------------------------- refusals */

static void refused(world *w, fy_pins pins, int code, const char *text)
{
    fy_search_result r;
    fy_err err = {0};
    fy_search_spec spec = w->spec;
    spec.pins = pins;
    assert_int_equal(fy_search_run(&r, &spec, &err), code);
    if (strstr(err.text, text) == NULL) {
        fail_msg("`%s` is not in `%s`", text, err.text);
    }
}

static void test_contradictions(void **state)
{
    (void)state;
    world w;
    fy_pins p = fy_pins_none();
    open_world(&w, "gpt3-175b", "a100-80-sxm4", 512);
    p.tp = 7;
    refused(&w, p, FY_EINFEASIBLE, "tp=7 does not divide 96 attention heads");
    p.tp = 8, p.pp = 128;
    refused(&w, p, FY_EINFEASIBLE, "pp=128");
    p.pp = 64, p.dp = 4;
    refused(&w, p, FY_EINFEASIBLE, "is 2048 with what is given, there are 512 devices");
    p.pp = 8, p.dp = 4, p.cp = 1;
    refused(&w, p, FY_EINFEASIBLE, "is 256 with what is given, which must equal 512");
    p = fy_pins_none(), p.ep = 2;
    refused(&w, p, FY_EINFEASIBLE, "no experts");
    p = fy_pins_none(), p.vpp = 2, p.pp = 1;
    refused(&w, p, FY_EINFEASIBLE, "vpp=2 needs pp");
    p = fy_pins_none(), p.microbatch = 5;
    refused(&w, p, FY_EINFEASIBLE, "microbatch=5 does not divide 1536");
    w.spec.global_batch = 0;
    refused(&w, fy_pins_none(), FY_ERANGE, "global batch");
    w.spec.global_batch = 1536, w.cluster.devices = FY_MAX_DEVICES + 1;
    refused(&w, fy_pins_none(), FY_ERANGE, "1000001 devices");
    close_world(&w);
}

/* ------------------------------------------------------------------------------- results */

static void test_too_big(void **state)
{
    (void)state;
    world w;
    fy_search_result r;
    open_world(&w, "gpt3-175b", "a100-80-sxm4", 8);
    assert_int_equal(fy_search_run(&r, &w.spec, NULL), 0);
    assert_int_equal(r.n_top, 0);
    assert_true(r.has_closest && r.counts.too_big > 0 && r.counts.evaluated == 0);
    assert_true(r.closest.estimate.memory.device_used > r.closest.estimate.memory.capacity);
    fy_search_free(&r);
    close_world(&w);
}

static void test_unknown_rate(void **state)
{
    (void)state;
    world w;
    fy_search_result r;
    open_world(&w, "gpt3-175b", "a100-80-sxm4", 512);
    w.cluster.nic_bytes_per_s = NAN;
    assert_int_equal(fy_search_run(&r, &w.spec, NULL), 0);
    assert_int_equal(r.n_top, 0);
    assert_non_null(r.unknown);
    assert_non_null(strstr(r.unknown, "network"));
    fy_search_free(&r);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contains_calculon),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_unknown_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
