/* SPDX-License-Identifier: MIT */
/*
 * Matrix products: tiles and waves by hand on a machine of four units of 1 TFLOP/s (gap 0, memory
 * without limit), and a large one against what was measured.
 */
#include "../../planner.h"
#include "model/gemm.h"

static fy_gemm product(double m, double n, double k)
{
    return (fy_gemm){m, n, k, 1, FY_F16, 2, 2, false, false};
}

/* One wave of tiles: 2 tm tn (k + 96) at 1 TFLOP/s and the share of the tile. */
static double wave_s(double tm, double tn, double k, double share)
{
    return 2 * tm * tn * (k + 96) / (1e12 * share);
}

static void test_waves(void **state)
{
    fy_machine mc = toy_machine();
    (void)state;
    /* 4 tiles of 256 x 128 on 4 units */
    fy_gemm g = product(256, 512, 1024);
    near("one wave", fy_gemm_s(&mc, &g), wave_s(256, 128, 1024, 1), 1e-12);
    g = product(512, 512, 1024);
    near("two waves", fy_gemm_s(&mc, &g), 2 * wave_s(256, 128, 1024, 1), 1e-12);
    g = product(128, 1024, 1024); /* on its side: 128 x 256 */
    near("one wave on its side", fy_gemm_s(&mc, &g), wave_s(128, 256, 1024, 1), 1e-12);
    /* 5 large tiles would take 2 waves (146.8 us), 10 of 128 x 128 three (114.7), 20 of 128 x 64
     * five: 5 x 22.11 = 110.5 us */
    g = product(256, 640, 1024);
    near("ragged", fy_gemm_s(&mc, &g), 5 * wave_s(128, 64, 1024, 0.83), 1e-12);
    /* 4 independent products, each one tile */
    g = product(256, 128, 512);
    g.count = 4;
    near("count", fy_gemm_s(&mc, &g), wave_s(256, 128, 512, 1), 1e-12);
    g.count = 5; /* 20 tiles of 128 x 64 again */
    near("count, ragged", fy_gemm_s(&mc, &g), 5 * wave_s(128, 64, 512, 0.83), 1e-12);
    mc.gap_s = 3e-6;
    near("gap", fy_gemm_s(&mc, &g), 5 * wave_s(128, 64, 512, 0.83) + 3e-6, 1e-12);
    g.m = 0;
    assert_true(fy_gemm_s(&mc, &g) == 0); /* no kernel, no gap */
}

/* Where units are unknown their number cannot be wasted: tiles alone count. */
static void test_units_unknown(void **state)
{
    fy_machine mc = toy_machine();
    fy_gemm g = product(256, 640, 1024);
    (void)state;
    mc.units = 0;
    near("five tiles", fy_gemm_s(&mc, &g), 5 * wave_s(256, 128, 1024, 4), 1e-12);
}

/* One tile of 128 x 128 for 4 units: K is cut in 4, the sums are read and added [4 B, 5 times]. */
static void test_k_split(void **state)
{
    fy_machine mc = toy_machine();
    fy_gemm g = product(128, 128, 8192);
    (void)state;
    near("four parts", fy_gemm_s(&mc, &g), wave_s(128, 128, 2048, 0.96), 1e-8);
    mc.gemm_memory_bps = 1e12;
    near("and their sum", fy_gemm_s(&mc, &g), wave_s(128, 128, 2048, 0.96) + 128 * 128 * 20 / 1e12,
         1e-12);
    g.k = 1023; /* too short to be cut; 4 tiles of 64 x 64 are as wide as the machine */
    near("short", fy_gemm_s(&mc, &g),
         wave_s(64, 64, 1023, 0.66) * fy_alignment(1023, 2) * fy_alignment(128, 2), 1e-12);
}

/* Whole lines cost nothing; 2 bytes an element: 64, 32, 16, 8, 4, 2 elements and odd counts. */
static void test_alignment(void **state)
{
    static const struct {
        double n, bytes, factor;
    } cases[] = {{64, 2, 1},    {4096, 2, 1},  {32, 2, 1.04}, {16, 2, 1.14},
                 {8, 2, 1.22},  {4, 2, 1.6},   {2, 2, 2.2},   {1, 2, 3},
                 {50257, 2, 3}, {50304, 2, 1}, {51200, 2, 1}, {128, 1, 1},
                 {32, 4, 1},    {16, 1, 1.22}, {1e16, 2, 1},  {12288, 2, 1.0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        near("alignment", fy_alignment(cases[i].n, cases[i].bytes), cases[i].factor, 0);
    }
    fy_machine mc = toy_machine();
    fy_gemm g = product(256, 512, 1024);
    double whole = fy_gemm_s(&mc, &g);
    g.n = 511; /* as many tiles, none aligned */
    near("odd n", fy_gemm_s(&mc, &g), 3 * whole, 1e-12);
    g.k = 1023; /* at most 3 in all */
    near("odd n and k", fy_gemm_s(&mc, &g), 3 * wave_s(256, 128, 1023, 1), 1e-12);
    g = product(255, 512, 1024);
    near("m is free", fy_gemm_s(&mc, &g), whole, 1e-12);
}

/* A row times a matrix is its weights' way through memory: A100, 2.039 TB/s x 0.9. */
static void test_skinny(void **state)
{
    fy_machine mc = real_machine(*state, "a100-80-sxm4");
    fy_gemm g = product(1, 8192, 8192);
    double bytes = (8192.0 * 8192 + 8192 + 8192) * 2;
    near("row", fy_gemm_s(&mc, &g), bytes / (2.039e12 * 0.9), 1e-3);
    g = product(8192, 8192, 8192);
    g.accumulate = true;
    g.k = 64; /* gradient of a weight from few tokens: C read and written */
    bytes = (2 * 8192.0 * 64 + 2 * 8192.0 * 8192) * 2;
    near("short sum", fy_gemm_s(&mc, &g), bytes / (2.039e12 * 0.9), 1e-3);
}

/*
 * Large products reach the best that was measured of any shape: A100 271.2, H100 794.5 TFLOP/s
 * (MAMF, stas00/ml-engineering); H800 PCIe 531.6 at 8192^3 (data/chips).
 */
static void test_published(void **state)
{
    static const struct {
        const char *chip;
        double n, tflops, tolerance;
    } cases[] = {{"a100-80-sxm4", 8192, 271.2, 0.03},
                 {"h100-sxm5", 8192, 794.5, 0.05},
                 {"h800-pcie", 8192, 531.6, 0.05}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_machine mc = real_machine(*state, cases[i].chip);
        double n = cases[i].n;
        fy_gemm g = product(n, n, n);
        near(cases[i].chip, 2 * n * n * n / fy_gemm_s(&mc, &g) / 1e12, cases[i].tflops,
             cases[i].tolerance);
    }
}

/* Larger is never faster, along each dimension; below 1,024 K is not cut, a regime of its own. */
static void test_monotonic(void **state)
{
    fy_machine mc = real_machine(*state, "a100-80-sxm4");
    static const double fixed[] = {64, 512, 1024, 4096};
    for (int dim = 0; dim < 3; dim++) {
        for (int f = 0; f < 16; f++) {
            double last = 0;
            for (int i = dim == 2 ? 16 : 1; i <= 128; i++) {
                double x[3] = {fixed[f % 4], fixed[f / 4], fixed[f % 4]};
                x[dim] = 64 * i;
                fy_gemm g = product(x[0], x[1], x[2]);
                double now = fy_gemm_s(&mc, &g);
                if (!(now >= last * 0.98)) {
                    fail_msg("%g x %g x %g: %.9g after %.9g", x[0], x[1], x[2], now, last);
                }
                last = now;
            }
        }
    }
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waves),     cmocka_unit_test(test_units_unknown),
        cmocka_unit_test(test_k_split),   cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_skinny),    cmocka_unit_test(test_published),
        cmocka_unit_test(test_monotonic),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
