/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the planner share: the catalogue, constants that take nothing off, a machine
 * of four units with round numbers, and comparison within a share.
 */
#ifndef FUYAO_TESTS_PLANNER_H
#define FUYAO_TESTS_PLANNER_H

#include "model/machine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* `value` is `expected` within a share of it. */
static inline void near(const char *what, double value, double expected, double share)
{
    if (!(fabs(value - expected) <= share * fabs(expected))) {
        fail_msg("%s: %.17g is not %.17g within %g", what, value, expected, share);
    }
}

static inline void between(const char *what, double value, double low, double high)
{
    if (!(value >= low && value <= high)) {
        fail_msg("%s: %.17g is not in %g .. %g", what, value, low, high);
    }
}

/* Shares 1, no gap, no latency, no host work: what is left is the chip. */
static inline fy_constants ideal_constants(void)
{
    fy_constants c = {.grade = FY_GRADE_ASSUMED};
    c.value[FY_C_MATMUL] = c.value[FY_C_MEMORY] = c.value[FY_C_ATTENTION] = 1;
    c.value[FY_C_LINK] = c.value[FY_C_NETWORK] = 1;
    return c;
}

/* 4 units of 1 TFLOP/s each, memory so fast that it never decides. */
static inline fy_machine toy_machine(void)
{
    fy_machine m = {.units = 4,
                    .clock_hz = NAN,
                    .mma_sync_flops = 4e12,
                    .exp_per_s = NAN,
                    .alu_per_s = NAN,
                    .memory_bps = 1e12,
                    .gemm_memory_bps = 1e18,
                    .usable_bytes = 80e9,
                    .link_bps = 100e9,
                    .net_bps = 40e9,
                    .link_latency_s = 1e-6,
                    .net_latency_s = 5e-6,
                    .attention = 1,
                    .per_node = 4};
    for (int i = 0; i < FY_N_FORMATS; i++) {
        m.matrix_flops[i] = m.peak_flops[i] = 4e12;
    }
    return m;
}

static inline fy_catalog *open_catalog(void)
{
    fy_catalog *catalog = NULL;
    fy_err err = {0};
    const char *data = getenv("FUYAO_DATA");
    assert_non_null(data);
    if (fy_catalog_load(&catalog, data, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return catalog;
}

/* A catalogue's chip under ideal constants, 8 a node. */
static inline fy_machine real_machine(const fy_catalog *catalog, const char *id)
{
    const fy_chip *chip = fy_catalog_find_chip(catalog, id);
    fy_constants ideal = ideal_constants();
    assert_non_null(chip);
    fy_cluster cluster = {
        .chip = chip, .devices = 8, .per_node = 8, .nic_bytes_per_s = 200e9, .power_cap_w = NAN};
    return fy_machine_make(&cluster, &ideal);
}

#endif
