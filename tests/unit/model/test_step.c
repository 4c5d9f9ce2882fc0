/* SPDX-License-Identifier: MIT */
/*
 * A whole step: one that is added up by hand, the traffic of gradients and updates, and which term
 * each knob moves.
 */
#include "../../planner.h"
#include "model/step.h"

/*
 * A chip whose best product runs at 1 TFLOP/s (85 % of its peak: a generation nobody measured),
 * with memory of 1 PB/s for products and streams of which only the stated parts count.
 */
static fy_chip toy_chip(void)
{
    return (fy_chip){.id = "toy",
                     .arch = "Toy",
                     .vendor = "Toy",
                     .bf16 = {.mid = 1e12 / 0.80},
                     .fp16 = {.mid = NAN},
                     .fp8 = {.mid = NAN},
                     .tf32 = {.mid = NAN},
                     .fp32 = {.mid = 0.1e12 / 0.80},
                     .sms = {.mid = NAN},
                     .boost_hz = {.mid = NAN},
                     .memory_bytes = {.mid = 80e9},
                     .memory_bytes_per_s = {.mid = 1e12},
                     .link_bytes_per_s = {.mid = 200e9},
                     .pcie_gen = {.mid = NAN},
                     .tdp_w = {.mid = 500},
                     .idle_w = {.mid = 100}};
}

static fy_model toy_model(void)
{
    return (fy_model){.layers = 4,
                      .hidden = 256,
                      .heads = 2,
                      .kv_heads = 2,
                      .head_dim = 128,
                      .ffn = 512,
                      .seq_len = 512,
                      .vocab = 1024,
                      .attention = FY_MHA,
                      .norm = FY_LAYER_NORM,
                      .position = FY_POSITION_NONE};
}

static const fy_stack plain = {.id = "plain",
                               .attention = FY_ATTN_FLASH2,
                               .capture = FY_COMPILED,
                               .fused_elementwise = true,
                               .fused_norm = true,
                               .fused_loss = true,
                               .fused_optimizer = true,
                               .main_grads_fp32 = true,
                               .seq_parallel = true,
                               .fp8_weight_bytes = 2,
                               .gradient_bytes = 4,
                               .optimizer_bytes = 12,
                               .loss_bytes = 6,
                               .loss_bytes_selective = 6};

typedef struct scene {
    fy_chip chip;
    fy_model model;
    fy_cluster cluster;
    fy_stack stack;
    fy_constants constants;
    fy_layout layout;
} scene;

/* One device, one microbatch of one sequence. */
static void toy(scene *s)
{
    *s = (scene){.chip = toy_chip(),
                 .model = toy_model(),
                 .stack = plain,
                 .constants = ideal_constants(),
                 .layout = {.tp = 1,
                            .pp = 1,
                            .dp = 1,
                            .ep = 1,
                            .cp = 1,
                            .vpp = 1,
                            .microbatch = 1,
                            .global_batch = 1,
                            .precision = FY_PREC_BF16}};
    s->cluster =
        (fy_cluster){.devices = 1, .per_node = 8, .nic_bytes_per_s = 40e9, .power_cap_w = NAN};
}

static fy_estimate estimate(scene *s)
{
    fy_estimate e;
    fy_err err = {0};
    s->cluster.chip = &s->chip;
    s->cluster.devices = s->layout.tp * s->layout.pp * s->layout.dp * s->layout.cp;
    if (fy_plan_estimate(&e, &s->model, &s->layout, &s->cluster, &s->stack, &s->constants, &err)) {
        fail_msg("%s", err.text);
    }
    double sum = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        sum += e.term_s[i];
    }
    near("terms add up", sum, e.step_s, 1e-12);
    return e;
}

/* 2 m n (k + 96) at 1 TFLOP/s: every dimension here is a whole number of tiles and lines. */
static double mm(double m, double n, double k)
{
    return 2 * m * n * (k + 96) / 1e12;
}

/* Forward, and both gradients, of a linear layer from k to n over t tokens. */
static double linear(double t, double k, double n)
{
    return mm(t, n, k) + mm(t, k, n) + mm(k, n, t);
}

/*
 * t = 512 tokens, h = 256, 4 layers, all on one device:
 *   products     qkv 256 -> 768, out 256 -> 256, up 256 -> 512, down 512 -> 256
 *   attention    2 heads of 128, no mask: 2 x 512 x 512 scores of 512 FLOP; the K loop of 128 has
 *                24 to fill; exponentials unknown, 0.4 of it, half hidden; backward 2.5 and 2 times
 *                over 0.85
 *   streams      of 2 bytes: forward t h (4 + 6) + t f 2, backward t h (8 + 2) + t f 3
 *   embedding    look-up 6 t h bytes, scatter 8 t h; logits t x 1024: products, 6 bytes forward
 *                and 4.2 backward
 *   optimiser    34 bytes a parameter
 */
static void test_by_hand(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    s.constants.value[FY_C_STEP] = 0.01;
    s.constants.value[FY_C_MICRO] = 0.002;
    fy_estimate e = estimate(&s);
    double t = 512, h = 256, f = 512, v = 1024;
    double products = linear(t, h, 3 * h) + linear(t, h, h) + linear(t, h, f) + linear(t, f, h);
    near("matmul", e.term_s[FY_T_MATMUL], 4 * products, 1e-12);
    double flops = 2 * t * t * 512;
    double matrix = flops * 152 / 128 / 1e12;
    double vector = flops * 0.4 / 1e12;
    double attention = matrix + 0.5 * vector + (2.5 * matrix + vector) / 0.85;
    near("attention", e.term_s[FY_T_ATTENTION], 4 * attention, 1e-12);
    double passes = t * h * 20 + t * f * 5;
    near("elementwise", e.term_s[FY_T_ELEMENTWISE], 4 * passes * 2 / 1e12, 1e-12);
    double ends = linear(t, h, v) + (14 * t * h + t * v * 10.2) / 1e12;
    near("embedding", e.term_s[FY_T_EMBEDDING], ends, 1e-12);
    near("host", e.term_s[FY_T_HOST], 0.01 + 0.002, 1e-12);
    /* 4 h h + 2 h f and two norms of weight and bias a layer, embedding and head */
    double params = 4 * (4 * h * h + 2 * h * f + 4 * h) + 2 * v * h;
    near("optimizer", e.term_s[FY_T_OPTIMIZER], 34 * params / 1e12, 2e-3);
    static const fy_term none[] = {FY_T_RECOMPUTE, FY_T_TP,     FY_T_CP, FY_T_EP,
                                   FY_T_PP,        FY_T_BUBBLE, FY_T_DP, FY_T_JITTER};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        near(fy_term_name(none[i]), e.term_s[none[i]], 0, 0);
    }
    near("tokens", e.tokens_per_s, t / e.step_s, 1e-12);
    near("MFU", e.mfu, e.model_flops / e.step_s / (1e12 / 0.80), 1e-12);
    /* 6 a parameter in products, 12 h s a layer for the scores */
    near("work", e.model_flops, t * (6 * (4 * (4 * h * h + 2 * h * f) + v * h) + 4 * 12 * h * t),
         1e-2);
    near("interval", e.high_s * e.low_s, e.step_s * e.step_s, 1e-12);
}

/* Accumulating repeats the microbatch, not the update; recomputing repeats the forward pass. */
static void test_microbatches(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    fy_estimate one = estimate(&s);
    s.layout.global_batch = 7;
    fy_estimate seven = estimate(&s);
    for (int i = 0; i < FY_N_TERMS; i++) {
        near(fy_term_name((fy_term)i), seven.term_s[i],
             one.term_s[i] * (i == FY_T_OPTIMIZER ? 1 : 7), 1e-12);
    }
    s.layout.global_batch = 1;
    s.layout.recompute = FY_RECOMPUTE_SELECTIVE;
    fy_estimate selective = estimate(&s);
    s.layout.recompute = FY_RECOMPUTE_FULL;
    fy_estimate full = estimate(&s);
    double matrix = 2 * 512.0 * 512 * 512 * 152 / 128 / 1e12;
    near("core again", selective.term_s[FY_T_RECOMPUTE],
         4 * (matrix + 0.2 * 2 * 512.0 * 512 * 512 / 1e12), 1e-12);
    assert_true(full.term_s[FY_T_RECOMPUTE] > selective.term_s[FY_T_RECOMPUTE]);
    between("a third of the rest",
            full.term_s[FY_T_RECOMPUTE] / (one.term_s[FY_T_MATMUL] + one.term_s[FY_T_ATTENTION] +
                                           one.term_s[FY_T_ELEMENTWISE]),
            0.25, 0.4);
    /* a checkpoint that stops early leaves out the last product: tokens x ffn x hidden */
    s.stack.recompute_stops_early = true;
    fy_estimate early = estimate(&s);
    double last = 2 * 512.0 * 256 * 512;
    double products = last * 2 + 2 * 512.0 * 256 * 256 * 4;
    between("without the last product",
            (full.term_s[FY_T_RECOMPUTE] - early.term_s[FY_T_RECOMPUTE]) /
                (one.term_s[FY_T_MATMUL] / 3),
            0.9 * last / products, 1.1 * last / products);
}

/* 4 replicas in a node, ring at 100 GB/s: 2 x 3/4 x 4 bytes a parameter; sharded: 4 + 2 bytes. */
static void test_gradients(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    s.layout.dp = s.layout.global_batch = 4;
    double h = 256, f = 512, v = 1024;
    double params = 4 * (4 * h * h + 2 * h * f + 4 * h) + 2 * v * h;
    fy_estimate all = estimate(&s);
    near("all-reduce", all.term_s[FY_T_DP], 1.5 * 4 * params / 100e9, 2e-3);
    s.layout.zero = 1;
    fy_estimate sharded = estimate(&s);
    near("scatter, gather", sharded.term_s[FY_T_DP], 0.75 * (4 + 2) * params / 100e9, 2e-3);
    near("a quarter", sharded.term_s[FY_T_OPTIMIZER] * 4, all.term_s[FY_T_OPTIMIZER], 1e-12);
    s.layout.overlap = FY_OVERLAP_DP; /* all hidden where nothing is paid nevertheless */
    near("hidden", estimate(&s).term_s[FY_T_DP], 0, 1e-12);
    s.constants.value[FY_C_EXPOSED] = 0.25;
    near("paid", estimate(&s).term_s[FY_T_DP] * 4, sharded.term_s[FY_T_DP], 1e-9);
    s.stack.main_grads_fp32 = false; /* 2 bytes each */
    s.layout.overlap = 0;
    near("16 bits", estimate(&s).term_s[FY_T_DP], 0.75 * (2 + 2) * params / 100e9, 2e-3);
    s.layout.zero = 2; /* no buffer of their own: reduced for every microbatch */
    s.layout.global_batch = 8;
    near("each", estimate(&s).term_s[FY_T_DP], 0.75 * (2 * 2 + 2) * params / 100e9, 2e-3);
}

/*
 * Fully sharded: two gathers and a reduction a microbatch, layer by layer, hidden but for the
 * share that is paid and for the first gather, which nothing hides. Layers of one size: the ends
 * are dealt among them.
 */
static void test_fully_sharded(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    s.layout.dp = 4;
    s.layout.global_batch = 8;
    s.layout.zero = 3;
    s.stack.shards_weights = true;
    s.constants.value[FY_C_EXPOSED] = 1; /* nothing hidden */
    double h = 256, f = 512, v = 1024;
    double params = 4 * (4 * h * h + 2 * h * f + 4 * h) + 2 * v * h;
    double gather = 0.75 * 2 * params / 100e9;
    double reduce = 0.75 * 4 * params / 100e9;
    double ends = (gather + reduce) / 4; /* the first layer gathered, the last one reduced */
    near("exposed", estimate(&s).term_s[FY_T_DP], 2 * (2 * gather + reduce) + ends, 2e-3);
    s.constants.value[FY_C_EXPOSED] = 0;
    near("hidden", estimate(&s).term_s[FY_T_DP], ends, 2e-3);
}

/* Adapters: no gradients of frozen weights, and next to no update. */
static void test_lora(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    s.layout.dp = s.layout.global_batch = 4;
    fy_estimate all = estimate(&s);
    s.model.lora_rank = 8;
    fy_estimate lora = estimate(&s);
    assert_true(lora.term_s[FY_T_MATMUL] < 0.75 * all.term_s[FY_T_MATMUL]);
    assert_true(lora.term_s[FY_T_EMBEDDING] < all.term_s[FY_T_EMBEDDING]);
    assert_true(lora.term_s[FY_T_DP] < 0.2 * all.term_s[FY_T_DP]);
    assert_true(lora.term_s[FY_T_OPTIMIZER] < 0.2 * all.term_s[FY_T_OPTIMIZER]);
    near("attention", lora.term_s[FY_T_ATTENTION], all.term_s[FY_T_ATTENTION], 1e-12);
}

/* A model on 2 x 2 x 2 x 2 devices of two nodes, with everything that costs something. */
static void busy(scene *s)
{
    toy(s);
    s->model.layers = 8;
    s->layout = (fy_layout){.tp = 2,
                            .pp = 2,
                            .dp = 4,
                            .ep = 1,
                            .cp = 1,
                            .vpp = 1,
                            .microbatch = 1,
                            .global_batch = 16,
                            .zero = 1,
                            .precision = FY_PREC_BF16};
    s->constants.value[FY_C_GAP] = 2e-6;
    s->constants.value[FY_C_LAUNCH] = 300e-6; /* so slow that the device waits */
    s->constants.value[FY_C_LATENCY] = 3e-6;
    s->constants.value[FY_C_EXPOSED] = 0.2;
    s->constants.value[FY_C_STEP] = 1e-3;
    s->constants.value[FY_C_MICRO] = 1e-4;
    s->constants.value[FY_C_JITTER] = 0.01;
}

/* Each constant moves its term, a share downwards and a cost upwards. */
static void test_constants(void **state)
{
    static const struct {
        fy_constant constant;
        fy_term term;
        int sign;
        bool overlap;
    } cases[] = {
        {FY_C_MATMUL, FY_T_MATMUL, -1, false},    {FY_C_MEMORY, FY_T_ELEMENTWISE, -1, false},
        {FY_C_MEMORY, FY_T_OPTIMIZER, -1, false}, {FY_C_ATTENTION, FY_T_ATTENTION, -1, false},
        {FY_C_GAP, FY_T_ELEMENTWISE, 1, false},   {FY_C_GAP, FY_T_MATMUL, 1, false},
        {FY_C_LAUNCH, FY_T_HOST, 1, false},       {FY_C_LINK, FY_T_TP, -1, false},
        {FY_C_NETWORK, FY_T_PP, -1, false},       {FY_C_LATENCY, FY_T_TP, 1, false},
        {FY_C_EXPOSED, FY_T_DP, 1, true},         {FY_C_EXPOSED, FY_T_TP, 1, true},
        {FY_C_EXPOSED, FY_T_PP, 1, true},         {FY_C_STEP, FY_T_HOST, 1, false},
        {FY_C_MICRO, FY_T_HOST, 1, false},        {FY_C_MICRO, FY_T_BUBBLE, 1, false},
        {FY_C_JITTER, FY_T_JITTER, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene s;
        busy(&s);
        s.layout.overlap = cases[i].overlap ? FY_OVERLAP_DP | FY_OVERLAP_TP | FY_OVERLAP_PP : 0;
        fy_estimate before = estimate(&s);
        s.constants.value[cases[i].constant] *= 1.3;
        fy_estimate after = estimate(&s);
        double change = after.term_s[cases[i].term] - before.term_s[cases[i].term];
        if (!(change * cases[i].sign > 0)) {
            fail_msg("case %zu: %s went from %g to %g", i, fy_term_name(cases[i].term),
                     before.term_s[cases[i].term], after.term_s[cases[i].term]);
        }
    }
}

static void expect(const char *what, bool ok)
{
    if (!ok) {
        fail_msg("%s", what);
    }
}

/* Each part of the layout moves the term it is for. */
static void test_layout(void **state)
{
    scene s;
    (void)state;
    busy(&s);
    fy_estimate base = estimate(&s);
    expect("every term", base.term_s[FY_T_TP] > 0 && base.term_s[FY_T_PP] > 0 &&
                             base.term_s[FY_T_BUBBLE] > 0 && base.term_s[FY_T_DP] > 0 &&
                             base.term_s[FY_T_JITTER] > 0 && base.term_s[FY_T_HOST] > 0);
    s.layout.vpp = 2;
    fy_estimate vpp = estimate(&s);
    expect("interleaving: less bubble, more transfers",
           vpp.term_s[FY_T_BUBBLE] < base.term_s[FY_T_BUBBLE] &&
               vpp.term_s[FY_T_PP] > base.term_s[FY_T_PP]);
    busy(&s);
    s.layout.schedule = FY_ZERO_BUBBLE;
    near("zero bubble", estimate(&s).term_s[FY_T_BUBBLE] * 3, base.term_s[FY_T_BUBBLE], 1e-12);
    busy(&s);
    s.layout.seq_parallel = true;
    expect("split norms", estimate(&s).term_s[FY_T_ELEMENTWISE] < base.term_s[FY_T_ELEMENTWISE]);
    busy(&s);
    s.layout.cp = 2;
    s.layout.dp = 2;
    s.chip.link_bytes_per_s.mid = 1e9; /* else hidden behind attention */
    expect("context exchange", estimate(&s).term_s[FY_T_CP] > 0);
    busy(&s);
    s.layout.microbatch = 2;
    fy_estimate wide = estimate(&s);
    expect("fewer, larger microbatches", wide.term_s[FY_T_MATMUL] < base.term_s[FY_T_MATMUL] &&
                                             wide.term_s[FY_T_BUBBLE] > base.term_s[FY_T_BUBBLE]);
    busy(&s);
    s.layout.pp = 1;
    s.layout.dp = 8;
    fy_estimate flat = estimate(&s);
    near("no pipeline", flat.term_s[FY_T_BUBBLE] + flat.term_s[FY_T_PP], 0, 0);
    busy(&s);
    s.stack.capture = FY_CAPTURED;
    expect("captured", estimate(&s).term_s[FY_T_HOST] < base.term_s[FY_T_HOST]);
    busy(&s);
    s.cluster.per_node = 16;
    near("one node", estimate(&s).term_s[FY_T_JITTER], 0, 0);
}

static void with_experts(scene *s)
{
    busy(s);
    s->model.experts = 8;
    s->model.experts_per_token = 2;
    s->model.expert_ffn = 256;
    s->constants.value[FY_C_GAP] = s->constants.value[FY_C_LAUNCH] = 0; /* bytes alone count */
    s->constants.value[FY_C_LATENCY] = 0;
}

/* Experts: all-to-all, fewer gradients of experts where they are dealt, a wider interval. */
static void test_experts(void **state)
{
    scene s;
    (void)state;
    with_experts(&s);
    fy_estimate cut = estimate(&s);
    near("no exchange", cut.term_s[FY_T_EP], 0, 0);
    s.layout.ep = 4;
    fy_estimate dealt = estimate(&s);
    expect("all-to-all", dealt.term_s[FY_T_EP] > 0);
    s.chip.link_bytes_per_s.mid *= 1000; /* so short that computation hides all of it */
    fy_estimate quick = estimate(&s);
    s.layout.overlap = FY_OVERLAP_EP;
    near("hidden", estimate(&s).term_s[FY_T_EP], 0.2 * quick.term_s[FY_T_EP], 1e-9);
    s.chip.link_bytes_per_s.mid /= 1e8; /* so long that most sticks out */
    fy_estimate some = estimate(&s);
    s.layout.overlap = 0;
    fy_estimate none = estimate(&s);
    between("sticks out", some.term_s[FY_T_EP] / none.term_s[FY_T_EP], 0.9, 0.9999);
    double behind =
        none.term_s[FY_T_MATMUL] + none.term_s[FY_T_ATTENTION] + none.term_s[FY_T_ELEMENTWISE];
    near("by what computes beside it", none.term_s[FY_T_EP] - some.term_s[FY_T_EP], 0.8 * behind,
         1e-6);
    expect("interval", dealt.high_s / dealt.step_s > 1.12);
}

/* Between nodes kernels made for it send less, at their own rate, and launch less. */
static void test_dispatch_between_nodes(void **state)
{
    scene s;
    (void)state;
    with_experts(&s);
    s.layout.ep = 4;
    s.cluster.per_node = 2;
    fy_estimate each = estimate(&s);
    s.stack.dedup_dispatch = true;
    fy_estimate once = estimate(&s);
    /* two copies on two nodes: 1.5 of them travel, at 0.88 of the NICs' rate */
    near("bytes", once.term_s[FY_T_EP] / each.term_s[FY_T_EP], 0.75 / 0.88, 1e-9);
    s.model.expert_groups = 2;
    s.model.chosen_groups = 1;
    near("one node", estimate(&s).term_s[FY_T_EP] / each.term_s[FY_T_EP], 0.5 / 0.88, 1e-9);
    s.cluster.per_node = 8;
    near("in the node it is not used", estimate(&s).term_s[FY_T_EP],
         (s.stack.dedup_dispatch = false, estimate(&s)).term_s[FY_T_EP], 1e-12);
    s.constants.value[FY_C_LAUNCH] = 1e-3; /* the host decides */
    s.cluster.per_node = 2;
    double more = estimate(&s).step_s;
    s.stack.dedup_dispatch = true;
    expect("fewer launches", estimate(&s).step_s < 0.8 * more);
}

/* In fp8 what goes there is one byte and a scale for 128; what comes back is two. */
static void test_fp8_dispatch(void **state)
{
    scene s;
    (void)state;
    with_experts(&s);
    s.chip.fp8.mid = 2 * s.chip.bf16.mid;
    s.layout.ep = 4;
    s.layout.precision = FY_PREC_FP8;
    double wide = estimate(&s).term_s[FY_T_EP];
    s.stack.fp8_dispatch = true;
    near("fp8", estimate(&s).term_s[FY_T_EP] / wide, (1 + 1.0 / 32 + 2) / 4, 1e-9);
    s.layout.precision = FY_PREC_BF16;
    near("bf16", estimate(&s).term_s[FY_T_EP], wide, 1e-9);
}

/* Padding in fp8: 4 passes over the tokens dealt to experts, forward and back; casts of all. */
static void test_fp8_experts(void **state)
{
    scene s;
    (void)state;
    with_experts(&s);
    s.chip.fp8.mid = 2 * s.chip.bf16.mid;
    s.layout.ep = 2;
    s.layout.precision = FY_PREC_FP8;
    double padded = estimate(&s).term_s[FY_T_ELEMENTWISE];
    s.stack.fp8_dispatch = true;
    double routed = 512.0 / 2 * 2 * s.layout.global_batch / s.layout.dp * 4; /* on 4 layers */
    near("padding", padded - estimate(&s).term_s[FY_T_ELEMENTWISE], 2 * 4 * routed * 256 * 2 / 1e12,
         1e-9);
    double one = estimate(&s).term_s[FY_T_ELEMENTWISE];
    s.stack.grouped_experts = true;
    near("casts whatever the kernels", estimate(&s).term_s[FY_T_ELEMENTWISE], one, 1e-9);
}

/* Experts cut by tp: copies for all experts of a token are gathered, and nothing hides it. */
static void test_cut_experts(void **state)
{
    scene s;
    (void)state;
    with_experts(&s);
    s.model.heads = s.model.kv_heads = 2;
    s.layout.tp = 2;
    s.layout.dp = 2;
    s.layout.seq_parallel = true;
    fy_estimate two = estimate(&s);
    s.model.experts_per_token = 4;
    fy_estimate four = estimate(&s);
    /* attention 2 + 2.5 gathers of t, experts 2 k + 2 k */
    near("copies", four.term_s[FY_T_TP] - two.term_s[FY_T_TP],
         s.layout.global_batch / s.layout.dp * 4 * 8 * 0.5 * 512 * 256 * 2 / 100e9, 0.02);
    s.layout.overlap = FY_OVERLAP_TP;
    expect("not hidden", estimate(&s).term_s[FY_T_TP] > 0.6 * four.term_s[FY_T_TP]);
}

/* Biases of experts are added one expert after the other: memory and launches. */
static void test_expert_biases(void **state)
{
    scene s;
    (void)state;
    with_experts(&s);
    fy_estimate bare = estimate(&s);
    s.model.bias = true;
    fy_estimate biased = estimate(&s);
    double routed = 512.0 * 2 * s.layout.global_batch / s.layout.dp * 4;
    expect("passes", biased.term_s[FY_T_ELEMENTWISE] - bare.term_s[FY_T_ELEMENTWISE] >
                         routed * (256 * 66.0) / 1e12);
    s.constants.value[FY_C_LAUNCH] = 1e-3;
    double many = estimate(&s).step_s;
    s.model.bias = false;
    expect("launches", many > 1.02 * estimate(&s).step_s);
}

/*
 * Kernels wait for their launches in order: where layers are bound by launching, the logits, which
 * come last in the forward pass, are on top of that; backward they come first, so the layers'
 * launches go on meanwhile.
 */
static void test_order_of_launches(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    s.constants.value[FY_C_LAUNCH] = 1e-3; /* all that runs is far shorter */
    double all = estimate(&s).step_s;
    s.model.vocab = 1024 * 1024; /* logits of seconds */
    fy_estimate e = estimate(&s);
    double t = 512, h = 256, v = 1024 * 1024;
    double forward = mm(t, v, h) + 6 * t * v / 1e12;
    double backward = mm(t, h, v) + mm(h, v, t) + 4.2 * t * v / 1e12;
    expect("layers wait", all > 0.05 && forward > all && backward > all);
    double optimizer = e.term_s[FY_T_OPTIMIZER];
    double launched = e.step_s - forward - backward - optimizer; /* of the forward layers alone */
    between("forward layers", launched, 0.02, 0.6 * all);
}

/* Partial outputs of a context group are put together in fp32: 38 bytes a value and 10 back. */
static void test_merged_parts(void **state)
{
    scene s;
    (void)state;
    toy(&s);
    s.layout.cp = 2;
    double without = estimate(&s).term_s[FY_T_ELEMENTWISE];
    s.stack.merges_parts = true;
    double values = 512 / 2 * 256; /* of queries, of keys, of values */
    near("merged", estimate(&s).term_s[FY_T_ELEMENTWISE] - without,
         4 * values * (38 + 3 * 10) / 1e12, 1e-9);
    s.layout.cp = 1;
    double alone = estimate(&s).term_s[FY_T_ELEMENTWISE];
    s.stack.merges_parts = false;
    near("alone", alone, estimate(&s).term_s[FY_T_ELEMENTWISE], 0);
}

static void test_unknown(void **state)
{
    scene s;
    (void)state;
    busy(&s);
    s.cluster.nic_bytes_per_s = NAN;
    fy_estimate e;
    s.cluster.chip = &s.chip;
    s.cluster.devices = 16;
    assert_int_equal(
        fy_plan_estimate(&e, &s.model, &s.layout, &s.cluster, &s.stack, &s.constants, NULL), 0);
    assert_true(isnan(e.step_s) && isnan(e.low_s) && isnan(e.energy_j) && isnan(e.mfu));
    assert_string_equal(e.unknown, "network bandwidth of a node");
    assert_true(e.memory.allocated > 0); /* needs no rate */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_microbatches),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_fully_sharded),
        cmocka_unit_test(test_lora),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_experts),
        cmocka_unit_test(test_dispatch_between_nodes),
        cmocka_unit_test(test_fp8_dispatch),
        cmocka_unit_test(test_fp8_experts),
        cmocka_unit_test(test_cut_experts),
        cmocka_unit_test(test_expert_biases),
        cmocka_unit_test(test_order_of_launches),
        cmocka_unit_test(test_merged_parts),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
