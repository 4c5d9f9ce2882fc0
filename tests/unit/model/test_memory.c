/* SPDX-License-Identifier: MIT */
/* Memory against published totals and sums made by hand. */
#include "fuyao/plan.h"
#include "model/activation.h"
#include "model/memory.h"
#include "model/step.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const double gib = 1073741824.0;

static void near(const char *what, double value, double expected, double share)
{
    if (!(fabs(value / expected - 1) <= share)) {
        fprintf(stderr, "%s: %.9g is not %.9g within %g\n", what, value, expected, share);
    }
    assert_true(fabs(value / expected - 1) <= share);
}

/* A GPT with biases, of Megatron-LM's kind. */
static fy_model gpt(int layers, int hidden, int heads, int vocab)
{
    return (fy_model){
        .layers = layers,
        .hidden = hidden,
        .heads = heads,
        .kv_heads = heads,
        .head_dim = hidden / heads,
        .ffn = 4 * hidden,
        .seq_len = 2048,
        .vocab = vocab,
        .attention = FY_MHA,
        .norm = FY_LAYER_NORM,
        .position = FY_POSITION_LEARNED,
        .causal = true,
        .bias = true,
        .tied = true,
    };
}

static const fy_stack selective = {
    .id = "megatron-selective",
    .attention = FY_ATTN_SOFTMAX,
    .fused_elementwise = true,
    .fused_norm = true,
    .main_grads_fp32 = true,
    .seq_parallel = true,
    .dropout = true,
    .fp8_weight_bytes = 2,
    .gradient_bytes = 4,
    .optimizer_bytes = 12,
    .loss_bytes = 14,
    .loss_bytes_selective = 14,
};

static double kept(const fy_model *m, const fy_stack *stack, const fy_slice *slice)
{
    fy_costing c = {.model = m, .stack = stack};
    fy_block b = {0};
    fy_activation_block(&b, &c, FY_LAYER_DENSE, slice);
    return b.kept_bytes;
}

/*
 * Korthikanti et al. 2022 (arXiv 2205.05198): models of Table 3, the formulas of Table 2 a layer.
 * 5 a s / h is 80 for GPT-3 (96 heads, 12,288) and 64 for MT-NLG (128, 20,480), section 5.
 */
static void test_table_of_korthikanti(void **state)
{
    static const struct {
        int heads, hidden, layers;
        double microbatch;
    } models[] = {
        {64, 6144, 48, 4}, {96, 12288, 96, 1}, {128, 20480, 105, 1}, {160, 25600, 128, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        fy_model m = gpt(models[i].layers, models[i].hidden, models[i].heads, 51200);
        double h = m.hidden;
        double sbh = m.seq_len * models[i].microbatch * h;
        double scores = 5.0 * m.heads * m.seq_len / h;
        fy_slice s = {.tp = 8,
                      .cp = 1,
                      .ep = 1,

                      .microbatch = (int)models[i].microbatch,
                      .precision = FY_PREC_FP16};
        near("tensor parallel", kept(&m, &selective, &s), sbh * (10 + 24.0 / 8 + scores / 8),
             1e-12);
        s.seq_parallel = true;
        near("with sequence parallel", kept(&m, &selective, &s), sbh * (34 + scores) / 8, 1e-12);
        s.recompute = FY_RECOMPUTE_SELECTIVE;
        near("selective", kept(&m, &selective, &s), sbh * 34 / 8, 1e-12);
        s.recompute = FY_RECOMPUTE_FULL;
        near("full", kept(&m, &selective, &s), sbh * 2 / 8, 1e-12);
        s.seq_parallel = false;
        near("full, inputs not split", kept(&m, &selective, &s), sbh * 2, 1e-12);
    }
    near("GPT-3's scores", 5.0 * 96 * 2048 / 12288, 80, 1e-12);
    near("MT-NLG's scores", 5.0 * 128 * 2048 / 20480, 64, 1e-12);
}

static fy_memory memory_of(const fy_model *m, const fy_stack *stack, const fy_layout *l)
{
    fy_costing c = {.model = m, .stack = stack, .params = fy_model_params(m)};
    c.machine.usable_bytes = 80e9 * 1.073741824 * 0.992;
    fy_slice s = fy_slice_of(l);
    fy_parts p = {.ends = {.embedding_params = c.params.embedding / l->tp,
                           .head_params = (m->tied ? c.params.embedding : c.params.head) / l->tp}};
    p.dense.params = c.params.dense_layer / l->tp;
    fy_activation_block(&p.dense, &c, FY_LAYER_DENSE, &s);
    fy_activation_ends(&p.ends, &c, &s);
    fy_stages stages = fy_stages_deal(m, l);
    fy_memory memory = {0};
    double microbatches = (double)l->global_batch / l->dp / l->microbatch;
    fy_memory_fill(&memory, &c, l, &p, &stages, microbatches);
    return memory;
}

static double states_of(const fy_memory *m)
{
    return m->bytes[FY_M_WEIGHTS] + m->bytes[FY_M_GRADIENTS] + m->bytes[FY_M_OPTIMIZER];
}

/* 18 bytes a parameter (Megatron: 2 + 4 + 12); 6 + 12 / d with the optimiser split over d. */
static void test_states(void **state)
{
    fy_model m = gpt(48, 6144, 64, 51200);
    double params = fy_model_params(&m).total;
    fy_layout l = {.tp = 1,
                   .pp = 1,
                   .dp = 4,
                   .cp = 1,
                   .ep = 1,
                   .vpp = 1,
                   .microbatch = 1,
                   .global_batch = 4,
                   .precision = FY_PREC_BF16};
    (void)state;
    fy_memory replicated = memory_of(&m, &selective, &l);
    near("18 bytes", states_of(&replicated), 18 * params, 0.002);
    l.zero = 1;
    fy_memory split = memory_of(&m, &selective, &l);
    near("6 + 12 / 4 bytes", states_of(&split), 9 * params, 0.002);
    assert_true(!split.fits && !split.runs); /* 22 B parameters do not fit on one device */
    l.precision = FY_PREC_BF16_PURE;
    fy_memory pure = memory_of(&m, &selective, &l);
    near("4 + 4 / 4 bytes", states_of(&pure), 5 * params, 0.002);
}

static fy_model llama3_8b(int seq_len)
{
    return (fy_model){
        .layers = 32,
        .hidden = 4096,
        .heads = 32,
        .kv_heads = 8,
        .head_dim = 128,
        .ffn = 14336,
        .gated = true,
        .seq_len = seq_len,
        .vocab = 128256,
        .attention = FY_GQA,
        .norm = FY_RMS_NORM,
        .position = FY_ROTARY,
        .causal = true,
    };
}

static const fy_stack fsdp = {
    .id = "fsdp-compile",
    .attention = FY_ATTN_FLASH2,
    .capture = FY_COMPILED,
    .fused_elementwise = true,
    .fused_norm = true,
    .fused_loss = true,
    .main_grads_fp32 = true,
    .shards_weights = true,
    .keeps_products = true,
    .fp8_weight_bytes = 2,
    .gradient_bytes = 4,
    .optimizer_bytes = 8,
    .loss_bytes = 14,
    .loss_bytes_selective = 14,
};

/*
 * Llama 3.1 8B under FSDP on 8 devices, microbatch 2 of 8,192 tokens, by hand. States: 16 bytes x
 * 8.03e9 / 8 = 16.06e9. Kept by layer: input, q, attention's output 4096 each, v 1024, gate 14336
 * elements of 2 bytes, 128 bytes of sums: 55,424 bytes a token. Logits: 14 bytes x 128,256 a token.
 * The measured peak is 77.0 GiB reserved (torchtitan benchmarks, December 2024, Table 1).
 */
static void test_torchtitan(void **state)
{
    fy_model m = llama3_8b(8192);
    fy_layout l = {.tp = 1,
                   .pp = 1,
                   .dp = 8,
                   .cp = 1,
                   .ep = 1,
                   .vpp = 1,
                   .microbatch = 2,
                   .global_batch = 16,
                   .recompute = FY_RECOMPUTE_SELECTIVE,
                   .zero = 3,
                   .precision = FY_PREC_BF16};
    double tokens = 16384;
    (void)state;
    fy_memory x = memory_of(&m, &fsdp, &l);
    near("states", states_of(&x), 16 * 8.03e9 / 8, 0.002);
    l.precision = FY_PREC_BF16_PURE; /* computed in 16 bits, kept in 32 */
    fy_memory pure = memory_of(&m, &fsdp, &l);
    near("pure", states_of(&pure), states_of(&x), 1e-12);
    double head = 2 * tokens * 4096 * 2;
    near("activations", x.bytes[FY_M_ACTIVATIONS], 32 * tokens * 55424 + head, 1e-9);
    double layer = 218112000;
    double ends = 2.0 * 4096 * 128256 * 2;
    near("workspace", x.bytes[FY_M_WORKSPACE], tokens * 14 * 128256 + 10 * layer + ends, 1e-3);
    near("reserved", x.reserved / gib, 77.0, 0.05);
    l.dp = 128, l.global_batch = 256;
    near("on 128 devices", memory_of(&m, &fsdp, &l).reserved / gib, 62.0, 0.05);
}

/* Under 1F1B stage i keeps pp - i; interleaved the first keeps (pp - 1) / vpp more (2205.05198). */
static void test_in_flight(void **state)
{
    fy_layout l = {.pp = 8, .vpp = 1};
    (void)state;
    assert_true(fy_in_flight(&l, 0, 64) == 8);
    assert_true(fy_in_flight(&l, 1, 64) == 7);
    assert_true(fy_in_flight(&l, 7, 64) == 1);
    assert_true(fy_in_flight(&l, 0, 4) == 4);
    l.vpp = 2;
    assert_true(fy_in_flight(&l, 0, 64) == 8 * (1 + 7.0 / 16));
    assert_true(fy_in_flight(&l, 1, 64) == 8 * (1 + 7.0 / 16) - 1);
}

/* The readings are in order, and what the driver shows stays within the device while it can. */
static void test_readings(void **state)
{
    fy_model m = llama3_8b(2048);
    fy_layout l = {.tp = 1,
                   .pp = 1,
                   .dp = 8,
                   .cp = 1,
                   .ep = 1,
                   .vpp = 1,
                   .microbatch = 1,
                   .zero = 3,
                   .precision = FY_PREC_BF16};
    (void)state;
    for (l.microbatch = 1; l.microbatch <= 64; l.microbatch *= 2) {
        l.global_batch = 8 * l.microbatch;
        fy_memory x = memory_of(&m, &fsdp, &l);
        assert_true(x.allocated < x.reserved);
        assert_true(x.device_used > x.allocated);
        assert_true(!x.fits || x.device_used <= x.capacity);
    }
    assert_true(!memory_of(&m, &fsdp, &l).fits); /* microbatch 128 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_of_korthikanti),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_torchtitan),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
