/* SPDX-License-Identifier: MIT */
/* Streaming kernels: passes over memory and kernels counted by hand. */
#include "../../planner.h"
#include "model/elementwise.h"

static const fy_stream_shape shape = {
    .tokens = 100, .split_tokens = 50, .hidden = 10, .ffn = 40, .qk_width = 20, .bytes = 2};

static void check(const char *what, fy_stream s, double bytes, double kernels)
{
    near(what, s.bytes, bytes, 1e-12);
    near(what, s.kernels, kernels, 0);
}

/* Bytes: 2 x (split tokens x hidden = 500, tokens x ffn = 4,000, tokens x width = 2,000). */
static void test_fused(void **state)
{
    fy_model m = {.norm = FY_LAYER_NORM, .position = FY_POSITION_LEARNED};
    fy_stack fused = {.fused_elementwise = true, .fused_norm = true};
    (void)state;
    /* two norms of 2 passes, two residuals of 3, plain activation of 2 */
    check("forward", fy_stream_forward(&m, &fused, &shape), 2 * (500 * (4 + 6) + 4000 * 2), 5);
    /* norms 4 each, residuals' gradients 1 each, activation 3 */
    check("backward", fy_stream_backward(&m, &fused, &shape), 2 * (500 * (8 + 2) + 4000 * 3), 5);
    fused.dropout = true; /* a mask of a byte; backward reads it and writes */
    check("dropout", fy_stream_forward(&m, &fused, &shape), 2 * (500 * (4 + 7) + 4000 * 2), 5);
    check("dropout, backward", fy_stream_backward(&m, &fused, &shape),
          2 * (500 * (8 + 5) + 4000 * 3), 7);
    fused.dropout = false;
    m.gated = true; /* two branches in, one out; backward 5 */
    check("gated", fy_stream_forward(&m, &fused, &shape), 2 * (500 * 10 + 4000 * 3), 5);
    check("gated, backward", fy_stream_backward(&m, &fused, &shape), 2 * (500 * 10 + 4000 * 5), 5);
    m.position = FY_ROTARY; /* read and write queries and keys */
    check("rotary", fy_stream_forward(&m, &fused, &shape), 2 * (500 * 10 + 4000 * 3 + 2000 * 2), 7);
    m.qk_norm = true;
    check("head norms", fy_stream_forward(&m, &fused, &shape), 2 * (500 * 10 + 4000 * 3 + 2000 * 4),
          9);
    m.parallel_block = true; /* one norm for both branches */
    check("parallel", fy_stream_forward(&m, &fused, &shape), 2 * (500 * 8 + 4000 * 3 + 2000 * 4),
          8);
}

/* What is not fused goes through memory once more. */
static void test_unfused(void **state)
{
    fy_model m = {.norm = FY_RMS_NORM, .gated = true, .position = FY_ROTARY};
    fy_stack fused = {.fused_elementwise = true, .fused_norm = true};
    fy_stack plain = {0};
    (void)state;
    /* norm in 5 kernels and 4 times the passes, silu apart, rotary in 8 */
    check("plain", fy_stream_forward(&m, &plain, &shape),
          2 * (500 * (16 + 6) + 4000 * 5 + 2000 * 8), 10 + 2 + 2 + 8);
    fy_stream a = fy_stream_forward(&m, &plain, &shape);
    fy_stream b = fy_stream_forward(&m, &fused, &shape);
    assert_true(a.bytes > b.bytes && a.kernels > b.kernels);
    a = fy_stream_backward(&m, &plain, &shape);
    b = fy_stream_backward(&m, &fused, &shape);
    assert_true(a.bytes > b.bytes && a.kernels > b.kernels);
    m = (fy_model){.norm = FY_LAYER_NORM, .bias = true};
    /* bias before the activation and before the residual, 2 passes each */
    check("bias", fy_stream_forward(&m, &plain, &shape), 2 * (500 * (4 + 10) + 4000 * 4),
          2 + 4 + 2);
    /* gradients of biases: sums over ffn and hidden */
    check("bias, backward", fy_stream_backward(&m, &plain, &shape),
          2 * (500 * 10 + 4000 * 3 + 100 * 50), 2 + 2 + 2 + 4);
}

/* 4 bytes an element: 16 bits read, 8 bits written twice. Time: traffic and gaps. */
static void test_time(void **state)
{
    fy_machine mc = toy_machine();
    (void)state;
    check("cast", fy_stream_cast(1000), 4000, 1);
    mc.gap_s = 3e-6;
    fy_stream s = fy_stream_add(fy_stream_cast(1e6), (fy_stream){6e6, 4});
    near("time", fy_stream_s(&mc, s), 10e6 / 1e12 + 5 * 3e-6, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fused),
        cmocka_unit_test(test_unfused),
        cmocka_unit_test(test_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
