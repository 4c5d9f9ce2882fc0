/* SPDX-License-Identifier: MIT */
/* Mean power from the terms of a step, by hand. */
#include "../../planner.h"
#include "model/energy.h"

/* 100 W idle, 500 W limit; 2 s of products, 1 s waiting for a neighbour, 1 s of streaming. */
static void test_by_hand(void **state)
{
    fy_chip chip = {.tdp_w = {.mid = 500}, .idle_w = {.mid = 100}};
    fy_cluster c = {.chip = &chip, .devices = 10, .power_cap_w = NAN};
    fy_estimate e = {.step_s = 4};
    (void)state;
    e.term_s[FY_T_MATMUL] = 2;
    e.term_s[FY_T_BUBBLE] = 1;
    e.term_s[FY_T_ELEMENTWISE] = 1;
    fy_energy_fill(&e, &c);
    near("power", e.device_w, 100 + 400 * (2 * 1.0 + 0.2 + 0.6) / 4, 1e-12);
    near("energy", e.energy_j, e.device_w * 4 * 10, 1e-12);
    c.power_cap_w = 300;
    fy_energy_fill(&e, &c);
    near("capped", e.device_w, 100 + 200 * 2.8 / 4, 1e-12);
    c.power_cap_w = 900; /* above its limit */
    fy_energy_fill(&e, &c);
    near("cap above", e.device_w, 380, 1e-12);
}

/* No term alone goes below idle or above the limit; products are at it. */
static void test_bounds(void **state)
{
    fy_chip chip = {.tdp_w = {.mid = 700}, .idle_w = {.mid = 70}};
    fy_cluster c = {.chip = &chip, .devices = 1, .power_cap_w = NAN};
    (void)state;
    for (int i = 0; i < FY_N_TERMS; i++) {
        fy_estimate e = {.step_s = 1};
        e.term_s[i] = 1;
        fy_energy_fill(&e, &c);
        between(fy_term_name((fy_term)i), e.device_w, 70 + 1e-9, 700 + 1e-9);
        assert_true(i == FY_T_MATMUL || e.device_w < 700);
    }
}

/* What is unknown stays so. */
static void test_unknown(void **state)
{
    fy_chip chip = {.tdp_w = {.mid = 700}, .idle_w = {.mid = NAN}};
    fy_cluster c = {.chip = &chip, .devices = 1, .power_cap_w = NAN};
    fy_estimate e = {.step_s = 1};
    (void)state;
    fy_energy_fill(&e, &c);
    assert_true(isnan(e.device_w) && isnan(e.energy_j));
    chip.idle_w.mid = 70;
    e.step_s = NAN;
    fy_energy_fill(&e, &c);
    assert_true(isnan(e.energy_j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
