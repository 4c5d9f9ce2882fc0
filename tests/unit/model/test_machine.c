/* SPDX-License-Identifier: MIT */
/* Sustained rates against published measurements, and what power caps do to them. */
#include "../../planner.h"

#include <string.h>

static int setup(void **state)
{
    *state = open_catalog();
    return 0;
}

static int teardown(void **state)
{
    fy_catalog_free(*state);
    return 0;
}

/*
 * Best products that were measured [TFLOP/s]:
 *   A100 271, H100 794  MAMF, stas00/ml-engineering, compute/accelerator, tables of 2024
 *   H800 PCIe 531.6     cuBLAS under its 350 W cap; source in data/chips
 *   H20                 its 148 need less power than its limit: issue alone decides, 0.95
 */
static void test_sustained(void **state)
{
    static const struct {
        const char *chip;
        double tflops, tolerance;
    } cases[] = {
        {"a100-80-sxm4", 271, 0.01},
        {"h100-sxm5", 794, 0.01},
        {"h800-pcie", 531.6, 0.05},
        {"h20-96-sxm5", 0.95 * 148, 1e-6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_machine m = real_machine(*state, cases[i].chip);
        near(cases[i].chip, m.matrix_flops[FY_F16] / 1e12, cases[i].tflops, cases[i].tolerance);
    }
}

/* The share of the matrix rate enters as it is; fp8 has a further share on Hopper. */
static void test_formats(void **state)
{
    fy_machine m = real_machine(*state, "h100-sxm5");
    double share = m.matrix_flops[FY_F16] / m.peak_flops[FY_F16];
    near("tf32", m.matrix_flops[FY_T32], 494.5e12 * share, 1e-12);
    near("fp32", m.matrix_flops[FY_F32], 67e12 * share, 1e-12);
    near("fp8", m.matrix_flops[FY_F8], 1979e12 * share * 0.93, 1e-12);
    m = real_machine(*state, "a100-80-sxm4"); /* no fp8: no rate */
    assert_true(isnan(m.matrix_flops[FY_F8]));
    assert_int_equal(fy_precision_format(FY_PREC_FP32), FY_F32);
    assert_int_equal(fy_precision_format(FY_PREC_TF32), FY_T32);
    assert_int_equal(fy_precision_format(FY_PREC_BF16_PURE), FY_F16);
    assert_int_equal(fy_precision_format(FY_PREC_FP8), FY_F8);
}

static double capped(const fy_chip *chip, double cap_w)
{
    fy_constants ideal = ideal_constants();
    fy_cluster c = {
        .chip = chip, .devices = 8, .per_node = 8, .nic_bytes_per_s = NAN, .power_cap_w = cap_w};
    return fy_machine_make(&c, &ideal).matrix_flops[FY_F16];
}

/* f goes with the cube root of what is left above idle; a cap above the limit changes nothing. */
static void test_power_cap(void **state)
{
    const fy_chip *chip = fy_catalog_find_chip(*state, "a100-80-sxm4");
    double full = capped(chip, NAN);
    double idle = chip->idle_w.mid;
    near("400 W", capped(chip, 400), full, 0);
    near("500 W", capped(chip, 500), full, 0);
    near("250 W", capped(chip, 250), full * fy_cbrt((250 - idle) / (400 - idle)), 1e-12);
    double last = full;
    for (double cap = 390; cap > 120; cap -= 10) {
        double now = capped(chip, cap);
        assert_true(now < last && now > 0);
        last = now;
    }
    near("H20 at 450 W", capped(fy_catalog_find_chip(*state, "h20-96-sxm5"), 450), 0.95 * 148e12,
         1e-6); /* still less than it may draw */
}

/* Bridges join pairs: within them the link, beyond them PCIe, no switch; a fabric that carries half
 * of what the NICs can. */
static void test_bridges(void **state)
{
    fy_constants c = ideal_constants();
    fy_chip chip = *fy_catalog_find_chip(*state, "h100-pcie");
    fy_cluster cluster = {
        .chip = &chip, .devices = 8, .per_node = 4, .nic_bytes_per_s = 100e9, .power_cap_w = NAN};
    fy_machine all = fy_machine_make(&cluster, &c);
    assert_int_equal(all.link_group, 4);
    assert_true(fy_cluster_linked(&cluster, 4) && !fy_cluster_linked(&cluster, 8));
    cluster.link_group = 2;
    cluster.oversubscribed = 2;
    fy_machine pairs = fy_machine_make(&cluster, &c);
    assert_int_equal(pairs.link_group, 2);
    assert_true(fy_cluster_linked(&cluster, 2) && !fy_cluster_linked(&cluster, 4));
    near("same link", pairs.link_bps, all.link_bps, 0);
    near("PCIe 5", pairs.pcie_bps, 63e9, 1e-2);
    near("no switch", pairs.reduce_bps, 0, 0);
    near("half", pairs.net_bps, all.net_bps / 2, 0);
    chip.link_bytes_per_s.mid = 0;
    assert_false(fy_cluster_linked(&cluster, 2));
}

/* One way over the link is half of both; a chip without a link uses PCIe; latency between nodes. */
static void test_rates(void **state)
{
    fy_constants c = ideal_constants();
    fy_machine m = real_machine(*state, "h100-sxm5");
    near("link", m.link_bps, 450e9, 1e-12);
    near("switch", m.reduce_bps, 450e9 * 0.74, 1e-12);
    near("network", m.net_bps, 200e9, 0);
    near("dispatch", m.dispatch_bps, 0.88 * 200e9, 1e-12);
    near("memory", m.memory_bps, 3.35e12, 1e-12);
    near("operands", m.gemm_memory_bps, 3.35e12 * 0.9, 1e-12);
    fy_chip pcie = {.arch = "Toy", .vendor = "Toy", .pcie_gen = {.mid = 4}};
    fy_cluster cluster = {.chip = &pcie, .devices = 8, .per_node = 8, .nic_bytes_per_s = NAN};
    c.value[FY_C_LINK] = 0.5;
    c.value[FY_C_LATENCY] = 2e-6;
    c.value[FY_C_GAP] = 3e-6;
    c.value[FY_C_LAUNCH] = 5e-6;
    m = fy_machine_make(&cluster, &c);
    near("PCIe 4", m.link_bps, 0.5 * 31.5e9, 1e-12);
    near("no switch", m.reduce_bps, 0, 0);
    near("latency", m.link_latency_s, 2e-6, 0);
    near("between nodes", m.net_latency_s, 6e-6, 1e-12);
    near("handing over", m.sync_s, 3e-6 + 4 * 5e-6, 1e-12);
}

/* The first missing rate is named, and only where it is needed. */
static void test_unknown(void **state)
{
    fy_machine m = toy_machine();
    (void)state;
    assert_null(fy_machine_unknown(&m, FY_F16, 8));
    m.net_bps = NAN;
    assert_null(fy_machine_unknown(&m, FY_F16, 4));
    assert_string_equal(fy_machine_unknown(&m, FY_F16, 8), "network bandwidth of a node");
    m.link_bps = NAN;
    assert_null(fy_machine_unknown(&m, FY_F16, 1));
    assert_string_equal(fy_machine_unknown(&m, FY_F16, 2), "link bandwidth");
    m.memory_bps = NAN;
    assert_string_equal(fy_machine_unknown(&m, FY_F16, 1), "memory bandwidth");
    m.matrix_flops[FY_F8] = NAN;
    assert_string_equal(fy_machine_unknown(&m, FY_F8, 1), "dense fp8 rate");
    assert_string_equal(fy_machine_unknown(&m, FY_F16, 1), "memory bandwidth");
}

static void test_roots(void **state)
{
    (void)state;
    for (int i = 1; i <= 1000; i++) {
        double x = i;
        near("cube root", fy_cbrt(x * x * x), x, 2e-15);
        near("small", fy_cbrt(1 / (x * x * x)), 1 / x, 2e-15);
        near("against libm", fy_cbrt(x * 0.37), cbrt(x * 0.37), 1e-15);
    }
    assert_true(fy_cbrt(0) == 0);
    assert_true(fy_cbrt(-1) == 0);
    assert_true(fy_cbrt(8) == 2);
    for (int i = 0; i < 40; i++) {
        assert_true(fy_doublings((double)(INT64_C(1) << i)) == i);
    }
    assert_true(fy_doublings(3) == 1.5); /* half way from 2 to 4 */
    assert_true(fy_doublings(1) == 0);
    assert_true(fy_doublings(0.5) == 0);
    double last = 0;
    for (double n = 1; n < 70; n += 0.25) {
        assert_true(fy_doublings(n) >= last);
        last = fy_doublings(n);
    }
}

/* GiB that torch.cuda reports as a device's total, as users list them. */
static void test_usable(void **state)
{
    static const struct {
        const char *chip;
        double gib, tolerance;
    } cases[] = {
        {"a100-80-sxm4", 79.2, 0.005}, {"h20-96-sxm5", 95.0, 0.01}, {"rtx3090", 23.69, 0.01},
        {"a10", 22.2, 0.01},           {"l40s", 44.4, 0.01},        {"t4", 14.7, 0.01},
        {"b200", 178.4, 0.005},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_machine m = real_machine(*state, cases[i].chip);
        near(cases[i].chip, m.usable_bytes / 1073741824.0, cases[i].gib, cases[i].tolerance);
    }
}

/* A chip with fp16 alone is not taken for one with bf16; rates that are unknown pass. */
static void test_no_bf16(void **state)
{
    const fy_chip *v100 = fy_catalog_find_chip(*state, "v100-sxm2");
    fy_chip unknown = {.id = "x", .fp16.mid = NAN, .bf16.mid = NAN};
    fy_err err = {0};
    assert_int_equal(fy_precision_check(FY_PREC_BF16, v100, &err), FY_EINFEASIBLE);
    assert_string_equal(err.text, "v100-sxm2 has no bf16: precision fp16 or fp32 would be right");
    assert_int_equal(fy_precision_check(FY_PREC_BF16_PURE, v100, &err), FY_EINFEASIBLE);
    assert_int_equal(fy_precision_check(FY_PREC_FP16, v100, &err), 0);
    assert_int_equal(fy_precision_check(FY_PREC_FP32, v100, &err), 0);
    assert_int_equal(fy_precision_check(FY_PREC_BF16, &unknown, &err), 0);
    assert_int_equal(fy_precision_check(FY_PREC_BF16, fy_catalog_find_chip(*state, "a10"), &err),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sustained), cmocka_unit_test(test_usable),
        cmocka_unit_test(test_no_bf16),   cmocka_unit_test(test_formats),
        cmocka_unit_test(test_power_cap), cmocka_unit_test(test_rates),
        cmocka_unit_test(test_bridges),   cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_roots),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
