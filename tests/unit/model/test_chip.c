/* SPDX-License-Identifier: MIT */
/*
 * The catalogue: its size, that unknown stays unknown, how gaps are filled, and the published
 * ratios of H20, A800, H800 and H100 with what follows from them.
 */
#include "fuyao/chip.h"
#include "fuyao/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load(void **state)
{
    fy_err err = {0};
    fy_catalog *catalog = NULL;
    const char *dir = getenv("FUYAO_DATA");
    if (fy_catalog_load(&catalog, dir != NULL ? dir : "data", &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    *state = catalog;
    return 0;
}

static int unload(void **state)
{
    fy_catalog_free(*state);
    return 0;
}

static const fy_chip *chip(void **state, const char *id)
{
    const fy_chip *c = fy_catalog_find_chip(*state, id);
    assert_non_null(c);
    return c;
}

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fprintf(stderr, "%.6g is not %.6g within %.2g\n", value, expected, tolerance);
    }
    assert_true(fabs(value - expected) <= tolerance);
}

static void all_chips_and_servers_are_there(void **state)
{
    assert_int_equal(fy_catalog_n_chips(*state), 73);
    assert_int_equal(fy_catalog_n_servers(*state), 84);
    for (int i = 1; i < 73; i++) {
        assert_true(strcmp(fy_catalog_chip(*state, i - 1)->id, fy_catalog_chip(*state, i)->id) < 0);
    }
    for (int i = 0; i < 84; i++) {
        const fy_server *s = fy_catalog_server(*state, i);
        assert_non_null(fy_catalog_find_chip(*state, s->chip));
        assert_true(s->chips >= 1);
    }
    assert_null(fy_catalog_find_chip(*state, "h100"));
    assert_null(fy_catalog_find_server(*state, ""));
}

static void check_number(const fy_range *r)
{
    if (r->grade == FY_GRADE_UNKNOWN) {
        assert_true(isnan(r->low) && isnan(r->mid) && isnan(r->high));
        return;
    }
    assert_true(0 < r->low && r->low <= r->mid && r->mid <= r->high && r->high < 1e20);
    assert_non_null(r->source);
}

static void nothing_unknown_is_zero(void **state)
{
    for (int i = 0; i < fy_catalog_n_chips(*state); i++) {
        const fy_chip *c = fy_catalog_chip(*state, i);
        const fy_range *const numbers[] = {&c->year,
                                           &c->sms,
                                           &c->boost_hz,
                                           &c->fp64,
                                           &c->fp32,
                                           &c->tf32,
                                           &c->bf16,
                                           &c->fp16,
                                           &c->fp8,
                                           &c->fp4,
                                           &c->int8,
                                           &c->l2_bytes,
                                           &c->pcie_gen,
                                           &c->memory_bytes,
                                           &c->memory_bytes_per_s,
                                           &c->tdp_w,
                                           &c->idle_w,
                                           &c->active_w,
                                           &c->die_mm2,
                                           &c->node_nm,
                                           &c->tpp,
                                           &c->price_usd,
                                           &c->performance_density};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            check_number(numbers[k]);
        }
        const fy_range *link = &c->link_bytes_per_s; /* here a known 0 says: no link */
        assert_true(link->mid != 0 || strcmp(c->link_name, "none") == 0);
    }
    const fy_chip *code = chip(state, "alibaba-g2");
    assert_true(isnan(code->bf16.mid) && isnan(code->memory_bytes.mid) && isnan(code->tdp_w.mid));
    assert_true(isnan(code->idle_w.mid) && isnan(code->link_bytes_per_s.mid));
    assert_true(isnan(fy_chip_slowdown(code, chip(state, "t4"), FY_COMPUTE).mid));
}

static void gaps_are_filled_and_marked(void **state)
{
    const fy_chip *h800 = chip(state, "h800-sxm5"), *h20 = chip(state, "h20-96-sxm5");
    assert_int_equal(h800->idle_w.grade, FY_GRADE_ASSUMED);
    near(h800->idle_w.low, 0.08 * 700, 1e-9);
    near(h800->idle_w.mid, 0.12 * 700, 1e-9);
    near(h800->idle_w.high, 0.20 * 700, 1e-9);
    near(h800->active_w.mid, 0.82 * 700, 1e-9);
    near(h20->active_w.low, 0.55 * 500, 1e-9);
    assert_int_equal(h20->idle_w.grade, FY_GRADE_DATASHEET); /* known: not touched */
    near(h20->idle_w.mid, 71.5, 0.5);
    near(chip(state, "a100-80-sxm4")->idle_w.high, 68, 1e-9);
    /* the more exact scope wins: an id over its class, a class over "*" */
    near(fy_catalog_assumption(*state, "h100-96-hbm2e", "sustained_clock_share", NULL)->mid, 0.75,
         1e-9);
    near(fy_catalog_assumption(*state, "h100-sxm5", "sustained_clock_share", NULL)->mid, 0.85,
         1e-9);
    near(fy_catalog_assumption(*state, "t4", "mtbf_interruption_device_h", NULL)->mid, 30000, 1e-9);
    assert_null(fy_catalog_assumption(*state, "t4", "no such quantity", NULL));
    near(fy_catalog_assumption(*state, "t4", "purchase_price", "CNY/device")->mid, 6000, 1e-9);
    near(chip(state, "t4")->price_usd.mid, 800, 1e-9);
    const fy_server *spot = fy_catalog_find_server(*state, "h800-spot-8");
    assert_int_equal(spot->overhead_w.grade, FY_GRADE_ASSUMED);
    near(spot->overhead_w.mid, 2500, 1e-9);
    assert_int_equal(fy_catalog_find_server(*state, "dgx-h100")->overhead_w.grade,
                     FY_GRADE_DATASHEET);
    near(fy_catalog_find_server(*state, "cloudmatrix384")->overhead_w.mid, 350 * 384, 1e-6);
}

static void ratios_of_the_data_sheets(void **state)
{
    const fy_chip *h20 = chip(state, "h20-96-sxm5"), *h100 = chip(state, "h100-sxm5"),
                  *h800 = chip(state, "h800-sxm5"), *h200 = chip(state, "h200-sxm5"),
                  *a800 = chip(state, "a800-80-sxm4"), *pcie = chip(state, "h100-pcie");
    near(h20->bf16.mid / h100->bf16.mid, 0.150, 0.0005);
    near(h20->fp8.mid / h100->fp8.mid, 0.150, 0.0005);
    near(h20->bf16.mid / pcie->bf16.mid, 0.196, 0.0005);
    near(h20->bf16.mid / a800->bf16.mid, 0.474, 0.0005);
    near(h20->memory_bytes_per_s.mid / h100->memory_bytes_per_s.mid, 1.19, 0.005);
    near(h20->memory_bytes_per_s.mid / h200->memory_bytes_per_s.mid, 0.83, 0.005);
    near(h20->memory_bytes_per_s.mid / a800->memory_bytes_per_s.mid, 1.96, 0.005);
    near(h20->memory_bytes.mid / h100->memory_bytes.mid, 1.20, 0.005);
    near(h20->memory_bytes.mid / a800->memory_bytes.mid, 1.20, 0.005);
    near(h20->link_bytes_per_s.mid / h100->link_bytes_per_s.mid, 1.00, 0.005);
    near(h20->link_bytes_per_s.mid / h800->link_bytes_per_s.mid, 2.25, 0.005);
    near(h20->link_bytes_per_s.mid / a800->link_bytes_per_s.mid, 2.25, 0.005);
    near(h20->fp64.mid / h100->fp64.mid, 0.029, 0.0005);
    near(h20->fp64.mid / h800->fp64.mid, 1, 0.0005);
    near(h20->fp64.mid / a800->fp64.mid, 0.10, 0.005);
    near(h20->tdp_w.mid / h100->tdp_w.mid, 0.71, 0.005);
    near(h20->tdp_w.mid / a800->tdp_w.mid, 1.25, 0.005);
}

static void slowdowns_of_the_h20(void **state)
{
    const fy_chip *h20 = chip(state, "h20-96-sxm5"), *a800 = chip(state, "a800-80-sxm4");
    static const char *const full[] = {"h100-sxm5", "h800-sxm5", "h200-sxm5"};
    for (size_t i = 0; i < 3; i++) {
        const fy_chip *b = chip(state, full[i]);
        near(fy_chip_slowdown(h20, b, FY_COMPUTE).mid, 6.69, 0.005);
        for (int strict = FY_ASSUME; strict <= FY_STRICT; strict++) {
            fy_range r = fy_slowdown(*state, h20, b, FY_COMPUTE, (fy_strictness)strict);
            near(r.low, 4.3, 0.005);
            near(r.mid, 4.755, 0.06); /* medians of 4.70 and 4.81 */
            near(r.high, 6.69, 0.005);
        }
    }
    near(fy_chip_slowdown(h20, a800, FY_COMPUTE).mid, 2.11, 0.005);
    fy_range memory = fy_slowdown(*state, h20, chip(state, "h800-sxm5"), FY_MEMORY, FY_ASSUME);
    near(memory.low, 0.84, 0.005);
    near(memory.mid, 1.07, 0.005); /* as measured, not by the data sheets */
    near(memory.high, 1.12, 0.005);
    near(fy_slowdown(*state, h20, chip(state, "h800-sxm5"), FY_LINK, FY_ASSUME).mid, 0.44, 0.005);
    fy_range back = fy_slowdown(*state, chip(state, "h800-sxm5"), h20, FY_COMPUTE, FY_ASSUME);
    near(back.low, 1 / 6.6858, 1e-4);
    near(back.high, 1 / 4.3, 1e-4);
    fy_range self = fy_slowdown(*state, h20, h20, FY_COMPUTE, FY_ASSUME);
    assert_true(self.low == 1 && self.high == 1);
}

/* Shares of two architectures are free of each other; within one, power and bandwidth order them.
 */
static void sustained_rates_by_intervals(void **state)
{
    const fy_chip *h20 = chip(state, "h20-96-sxm5"), *h800 = chip(state, "h800-sxm5"),
                  *l20 = chip(state, "l20"), *pcie = chip(state, "h100-pcie");
    fy_range a = fy_sustained_share(*state, l20, FY_ASSUME);
    fy_range b = fy_sustained_share(*state, h800, FY_ASSUME);
    fy_range r = fy_slowdown(*state, l20, h800, FY_COMPUTE, FY_ASSUME);
    double peak = fy_chip_slowdown(l20, h800, FY_COMPUTE).mid;

    near(r.low, peak * b.low / a.high, 1e-9);
    near(r.high, peak * b.high / a.low, 1e-9);
    r = fy_slowdown(*state, h800, l20, FY_COMPUTE, FY_ASSUME);
    near(r.high, a.high / b.low / peak, 1e-9);
    assert_true(fy_sustains_no_less(h20, h800) && !fy_sustains_no_less(h800, h20));
    assert_false(fy_sustains_no_less(pcie, h800)); /* less power for its peak */
    assert_false(fy_sustains_no_less(l20, h800) || fy_sustains_no_less(h800, l20));
}

static void energy_of_the_h20(void **state)
{
    const fy_chip *h20 = chip(state, "h20-96-sxm5"), *h100 = chip(state, "h100-sxm5"),
                  *a800 = chip(state, "a800-80-sxm4");
    const double compute[FY_N_BOUNDS] = {1, 0, 0, 0}, memory[FY_N_BOUNDS] = {0, 1, 0, 0};
    fy_range e = fy_energy_of_mix(*state, h20, h100, compute, FY_STRICT);
    near(e.mid, 3.4, 0.05);  /* 4.8 x 500/700 */
    near(e.high, 4.8, 0.05); /* at peak rates */
    near(fy_energy_of_mix(*state, h20, a800, compute, FY_STRICT).high, 2.6, 0.05);
    near(fy_energy_of_mix(*state, h20, h100, memory, FY_STRICT).high, 0.8, 0.005);
    e = fy_energy_of_mix(*state, h20, h100, compute, FY_ASSUME);
    assert_int_equal(e.grade, FY_GRADE_ASSUMED);
    assert_true(e.low < 3.4 && e.high > 4.8 && e.high < 10);
}

static void claims_of_the_press(void **state)
{
    static const struct {
        const char *id, *against;
        fy_truth truth;
    } cases[] = {
        {"twenty-percent", "h100-sxm5", FY_FALSE},
        {"twenty-percent", "h100-pcie", FY_TRUE},
        {"tens-of-times-slower", "h100-sxm5", FY_FALSE},
        {"tens-of-times-slower", "a800-80-sxm4", FY_FALSE},
        {"tens-of-times-the-energy", "h100-sxm5", FY_FALSE},
        {"tens-of-times-the-energy", "h100-pcie", FY_FALSE},
    };
    int seen = 0;
    for (int i = 0; i < fy_catalog_n_claims(*state); i++) {
        const fy_claim *claim = fy_catalog_claim(*state, i);
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            const fy_chip *b = chip(state, cases[k].against);
            if (strcmp(claim->id, cases[k].id) == 0) {
                fy_range v = fy_claim_value(*state, claim, chip(state, claim->chip), b, FY_ASSUME);
                assert_true(fy_claim_is_about(claim, b));
                assert_int_equal(fy_claim_truth(claim, v), cases[k].truth);
                seen++;
            }
        }
    }
    assert_int_equal(seen, 6);
    const fy_claim open = {.low = 10, .high = INFINITY};
    const fy_range wide = {5, 8, 12, FY_GRADE_ASSUMED, NULL};
    assert_int_equal(fy_claim_truth(&open, wide), FY_UNDECIDED);
}

static void outliers_and_other_bounds_decide_nothing(void **state)
{
    int outliers = 0;
    for (int i = 0; i < fy_catalog_n_measured(*state); i++) {
        const fy_measured *m = fy_catalog_measured(*state, i);
        outliers += m->outlier ? 1 : 0;
        assert_true(m->value.low > 0 && m->value.high >= m->value.low);
        if (m->against != NULL) {
            assert_true(fy_measured_applies(*state, m, chip(state, "h20-96-sxm5"),
                                            chip(state, "h100-sxm5")));
            assert_false(fy_measured_applies(*state, m, chip(state, "h20-96-sxm5"),
                                             chip(state, "h100-pcie")));
        }
    }
    assert_int_equal(outliers, 1);
}

static void mixes_lie_between_their_bounds(void **state)
{
    const fy_chip *h20 = chip(state, "h20-96-sxm5"), *h800 = chip(state, "h800-sxm5");
    const double half[FY_N_BOUNDS] = {0.5, 0, 0.5, 0};
    near(fy_chip_slowdown_mix(h20, h800, half).mid, 0.5 * 6.6858 + 0.5 * 0.4444, 1e-3);
    for (int i = 0; i < fy_catalog_n_mixes(*state); i++) {
        fy_range r =
            fy_slowdown_of_mix(*state, h20, h800, fy_catalog_mix(*state, i)->share, FY_ASSUME);
        assert_true(r.low >= 0.44 && r.high <= 6.69);
    }
    /* PCIe stands in for a link where it is known that there is none */
    near(fy_chip_slowdown(chip(state, "l20"), h800, FY_LINK).mid, 400 / 63.02, 0.01);
    const double no_link[FY_N_BOUNDS] = {0, 1, 0, 0};
    assert_true(isnan(fy_chip_slowdown_mix(chip(state, "mlu590"), h800, no_link).mid));
}

static void a_catalogue_that_is_not_there(void **state)
{
    fy_catalog *catalog = NULL;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_catalog_load(&catalog, "/nonexistent", &err), FY_ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/catalog.yaml"));
    assert_null(catalog);
    fy_catalog_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_chips_and_servers_are_there),
        cmocka_unit_test(nothing_unknown_is_zero),
        cmocka_unit_test(gaps_are_filled_and_marked),
        cmocka_unit_test(ratios_of_the_data_sheets),
        cmocka_unit_test(slowdowns_of_the_h20),
        cmocka_unit_test(sustained_rates_by_intervals),
        cmocka_unit_test(energy_of_the_h20),
        cmocka_unit_test(claims_of_the_press),
        cmocka_unit_test(outliers_and_other_bounds_decide_nothing),
        cmocka_unit_test(mixes_lie_between_their_bounds),
        cmocka_unit_test(a_catalogue_that_is_not_there),
    };
    return cmocka_run_group_tests_name("model/chip", tests, load, unload);
}
