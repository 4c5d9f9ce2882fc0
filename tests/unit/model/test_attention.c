/* SPDX-License-Identifier: MIT */
/* Attention's core against the figures of its kernels' papers, and what decides by hand. */
#include "../../planner.h"
#include "model/attention.h"

static fy_attention_shape shape(double keys, double dim, bool causal)
{
    return (fy_attention_shape){.batch = 16384 / keys, /* 16k tokens, as in both papers */
                                .heads = 2048 / dim,
                                .kv_heads = 2048 / dim,
                                .queries = keys,
                                .keys = keys,
                                .qk_dim = dim,
                                .v_dim = dim,
                                .seen = causal ? 0.5 : 1,
                                .causal = causal,
                                .bytes = 2,
                                .format = FY_F16};
}

/* FLOP as both papers count: 4 s^2 d heads forward, halved under a causal mask; backward 2.5. */
static double flops(const fy_attention_shape *s)
{
    return 4 * s->batch * s->heads * s->queries * s->keys * s->qk_dim * (s->causal ? 0.5 : 1);
}

/* Shares of peak [312 and 989 TFLOP/s]. */
static double share(const fy_machine *mc, fy_attention_kernel kernel, const fy_attention_shape *s)
{
    return flops(s) / fy_attention_s(mc, kernel, s).forward_s / mc->peak_flops[FY_F16];
}

/*
 * FlashAttention-2 (arXiv 2307.08691) figure 5, A100, head 128, causal forward: about 0.6 of peak
 * from 8k tokens on, up to 0.73 without mask (section 4.1; the model stays at 0.60 there). On H100
 * it reaches 0.35 to 0.5 (FlashAttention-3, arXiv 2407.08608, figure 5: 320 to 400 TFLOP/s);
 * FlashAttention-3 0.6 to 0.75, where the model stays at 0.50.
 */
static void test_published(void **state)
{
    fy_machine a100 = real_machine(*state, "a100-80-sxm4");
    fy_machine h100 = real_machine(*state, "h100-sxm5");
    for (double keys = 8192; keys <= 16384; keys *= 2) {
        fy_attention_shape causal = shape(keys, 128, true);
        fy_attention_shape full = shape(keys, 128, false);
        between("A100, FA2, causal", share(&a100, FY_ATTN_FLASH2, &causal), 0.58, 0.75);
        between("A100, FA2, full", share(&a100, FY_ATTN_FLASH2, &full), 0.58, 0.75);
        between("H100, FA2, causal", share(&h100, FY_ATTN_FLASH2, &causal), 0.35, 0.5);
        between("H100, FA3, causal", share(&h100, FY_ATTN_FLASH3, &causal), 0.48, 0.75);
        between("H100, FA3, full", share(&h100, FY_ATTN_FLASH3, &full), 0.5, 0.78);
        /* without asynchronous matrix units the third generation is the second */
        near("A100, FA3", share(&a100, FY_ATTN_FLASH3, &full), share(&a100, FY_ATTN_FLASH2, &full),
             0);
    }
    fy_attention_shape narrow = shape(8192, 64, false);
    fy_attention_shape wide = shape(8192, 128, false);
    assert_true(share(&a100, FY_ATTN_FLASH2, &narrow) < share(&a100, FY_ATTN_FLASH2, &wide));
}

/*
 * The first generation reaches 25 to 40 % of an A100 (arXiv 2307.08691, abstract and section 1),
 * and is bound by clock and SM: on an H100 its share of the peak halves.
 */
static void test_first_generation(void **state)
{
    fy_machine a100 = real_machine(*state, "a100-80-sxm4");
    fy_machine h100 = real_machine(*state, "h100-sxm5");
    fy_attention_shape causal = shape(16384, 128, true);
    between("A100, FA1", share(&a100, FY_ATTN_FLASH1, &causal), 0.25, 0.45);
    between("H100, FA1", share(&h100, FY_ATTN_FLASH1, &causal), 0.15, 0.23);
    assert_true(share(&a100, FY_ATTN_FLASH1, &causal) < share(&a100, FY_ATTN_FLASH2, &causal));
}

/* In fp32 and tf32 the products run at their own rate: an A100 has 19.5 and 156 of 312 TFLOP/s. */
static void test_wide_formats(void **state)
{
    fy_machine a100 = real_machine(*state, "a100-80-sxm4");
    fy_attention_shape s = shape(16384, 128, true);
    double half = fy_attention_s(&a100, FY_ATTN_FLASH2, &s).forward_s;
    s.format = FY_T32;
    between("tf32", fy_attention_s(&a100, FY_ATTN_FLASH2, &s).forward_s / half, 1.7, 2);
    s.format = FY_F32;
    between("fp32", fy_attention_s(&a100, FY_ATTN_FLASH3, &s).forward_s / half, 12, 16);
    double stored = fy_attention_s(&a100, FY_ATTN_SOFTMAX, &s).forward_s;
    s.format = FY_F16;
    assert_true(stored > 1.5 * fy_attention_s(&a100, FY_ATTN_SOFTMAX, &s).forward_s);
}

/* Backward does 2.5 times the products at a lower rate (figures 5 and 7 of FA2). */
static void test_backward(void **state)
{
    fy_machine a100 = real_machine(*state, "a100-80-sxm4");
    fy_attention_shape s = shape(8192, 128, true);
    fy_attention_cost c = fy_attention_s(&a100, FY_ATTN_FLASH2, &s);
    between("backward", c.backward_s / c.forward_s, 2.5, 3.2);
    between("backward, of peak", 2.5 * flops(&s) / c.backward_s / 312e12, 0.5, 0.63);
    assert_true(c.forward_kernels < c.backward_kernels);
}

/* Source: masked_softmax_dropout and is_kernel_available of Megatron-LM's fused_softmax.py. */
static void test_eligibility(void **state)
{
    static const struct {
        double keys, heads, batch;
        bool long_rows, fused;
    } cases[] = {
        {2048, 8, 1, false, true},  {2048, 6, 2, false, true},   {2048, 6, 1, false, false},
        {2050, 8, 1, false, false}, {2052, 8, 1, false, false},  {2052, 8, 1, true, true},
        {16384, 8, 1, true, true},  {16388, 8, 1, true, false},  {16, 8, 1, false, false},
        {20, 8, 1, false, true},    {1022, 8, 1, false, false},  {4096, 16, 4, false, false},
        {2048, 5, 4, false, true},  {2048, 10, 1, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_attention_shape s = {
            .keys = cases[i].keys, .heads = cases[i].heads, .batch = cases[i].batch};
        if (fy_softmax_fused(&s, cases[i].long_rows) != cases[i].fused) {
            fail_msg("case %zu", i);
        }
    }
}

/* Scores in memory: 11 passes against 2, and against none. Eligibility decides the stack's own. */
static void test_generations(void **state)
{
    fy_machine a100 = real_machine(*state, "a100-80-sxm4");
    fy_attention_shape s = shape(2048, 128, true);
    double unfused = fy_attention_s(&a100, FY_ATTN_UNFUSED, &s).forward_s;
    double fused = fy_attention_s(&a100, FY_ATTN_SOFTMAX, &s).forward_s;
    double flash = fy_attention_s(&a100, FY_ATTN_FLASH2, &s).forward_s;
    assert_true(unfused > 2 * fused && fused > 2 * flash);
    /* the difference is passes over the scores: 11 - 1.5 of 2 bytes at memory's rate */
    double pass = s.batch * s.heads * s.queries * s.keys * 2 / a100.memory_bps;
    near("passes", unfused - fused, 9.5 * pass, 1e-9);
    s.dropout = true;
    near("dropout", fy_attention_s(&a100, FY_ATTN_SOFTMAX, &s).forward_s - fused, 2.5 * pass, 1e-9);
    s.dropout = false;
    s.heads = s.kv_heads = 5;
    s.batch = 1;
    near("not eligible", fy_attention_s(&a100, FY_ATTN_SOFTMAX, &s).forward_s,
         fy_attention_s(&a100, FY_ATTN_UNFUSED, &s).forward_s, 0);
}

/* What a mask hides is not computed, but for the blocks of 128 rows on its edge. */
static void test_masks(void **state)
{
    fy_machine mc = toy_machine();
    fy_attention_shape s = shape(16384, 128, false);
    (void)state;
    double full = fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s;
    s.seen = 0.5;
    near("half", fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s, full / 2, 1e-12);
    s.causal = true;
    near("causal", fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s, full * (0.5 + 64.0 / 16384),
         1e-12);
    s.seen = 0.05; /* a window */
    near("window", fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s, full * (0.05 + 64.0 / 16384),
         1e-12);
    s.seen = 1; /* never more than all */
    near("all", fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s, full, 1e-12);
    s.kv_heads = 1; /* grouped queries read less, compute as much */
    near("grouped", fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s, full, 1e-12);
    mc.attention = 0.5;
    near("share", fy_attention_s(&mc, FY_ATTN_FLASH2, &s).forward_s, 2 * full, 1e-12);
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
        cmocka_unit_test(test_published),   cmocka_unit_test(test_first_generation),
        cmocka_unit_test(test_backward),    cmocka_unit_test(test_wide_formats),
        cmocka_unit_test(test_eligibility), cmocka_unit_test(test_generations),
        cmocka_unit_test(test_masks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
