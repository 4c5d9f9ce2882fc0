/* SPDX-License-Identifier: MIT */
/*
 * Workloads: published parameter totals, work a token, names, and what is said of bad input.
 */
#include "fuyao/workload.h"
#include "model/workload_yaml.h"

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
    fy_workloads *all = NULL;
    const char *dir = getenv("FUYAO_DATA");
    if (fy_workloads_load(&all, dir != NULL ? dir : "data", &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    *state = all;
    return 0;
}

static int unload(void **state)
{
    fy_workloads_free(*state);
    return 0;
}

static const fy_workload *workload(void **state, const char *name)
{
    const fy_workload *w = fy_workloads_find(*state, name);
    if (w == NULL) {
        fprintf(stderr, "no workload \"%s\"\n", name);
    }
    assert_non_null(w);
    return w;
}

static void near(const char *what, double value, double expected, double share)
{
    if (!(fabs(value / expected - 1) <= share)) {
        fprintf(stderr, "%s: %.9g is not %.9g within %g\n", what, value, expected, share);
    }
    assert_true(fabs(value / expected - 1) <= share);
}

/*
 * Totals as published, 10^9. Six digits and more are counts of the published checkpoints or tables
 * (MPT: llm-foundry's benchmark README, column NumParams; BLOOM: arXiv 2211.05100, Table 3; SC21:
 * its Table 1; the others: model cards, from memory); shorter ones are rounded in the source.
 */
static const struct total {
    const char *id;
    double total, active; /* active 0: all */
    double share;         /* tolerance */
} totals[] = {
    {"gpt-1.7b", 1.7, 0, 0.03},
    {"gpt-18.4b", 18.4, 0, 0.003},
    {"gpt-39.1b", 39.1, 0, 0.001},
    {"gpt-145.6b", 145.6, 0, 0.0005},
    {"gpt-310.1b", 310.1, 0, 0.0005},
    {"megatron-530b", 529.6, 0, 0.0005},
    {"megatron-1t", 1008.0, 0, 0.0005},
    {"gpt3-175b", 175, 0, 0.005},
    {"gpt3-5b", 5, 0, 0.02},
    {"gpt3-20b", 20.25, 0, 0.002},
    {"gpt-neox-20b", 20.554567680, 0, 1e-4},
    {"gpt-j-6b", 6.050882784, 0, 2e-4},
    {"gpt-neo-2.7b", 2.651307520, 0, 2e-4},
    {"opt-175b", 175, 0, 0.005},
    {"opt-66b", 66, 0, 0.01},
    {"bloom-560m", 0.559214592, 0, 1e-5},
    {"bloom-1b1", 1.065314304, 0, 1e-5},
    {"bloom-1b7", 1.722408960, 0, 1e-5},
    {"bloom-3b", 3.002557440, 0, 1e-5},
    {"bloom-7b1", 7.069016064, 0, 1e-5},
    {"bloom-176b", 176.247271424, 0, 1e-6},
    {"bloom-181b-h64", 181, 0, 0.003},
    {"bloom-196b", 196, 0, 0.003},
    {"mpt-125m", 0.125311488, 0, 1e-9},
    {"mpt-350m", 0.355985408, 0, 1e-9},
    {"mpt-760m", 0.760470528, 0, 1e-9},
    {"mpt-1b", 1.315950592, 0, 1e-9},
    {"mpt-3b", 2.651837440, 0, 1e-9},
    {"mpt-7b", 6.658859008, 0, 1e-9},
    {"mpt-13b", 12.853954560, 0, 1e-9},
    {"mpt-30b", 29.975214080, 0, 1e-9},
    {"mpt-70b", 64.862437376, 0, 1e-9},
    {"llama1-7b", 6.738415616, 0, 1e-9},
    {"llama1-33b", 32.528943616, 0, 1e-9},
    {"llama1-65b", 65.285660672, 0, 1e-9},
    {"llama2-13b", 13.015864320, 0, 1e-9},
    {"llama2-70b", 68.976648192, 0, 1e-9},
    {"llama3-8b", 8.030261248, 0, 1e-9},
    {"llama3-70b", 70.553706496, 0, 1e-9},
    {"llama3-405b", 405.853388800, 0, 1e-9},
    {"llama3.2-1b", 1.235814400, 0, 1e-9},
    {"llama3.2-3b", 3.212749824, 0, 1e-9},
    {"llama4-scout", 109, 17, 0.02},
    {"llama4-maverick", 400, 17, 0.02},
    {"glm-130b", 130, 0, 0.015},
    {"palm-540b", 540.35, 0, 0.001},
    {"nemotron-8b", 8.54, 0, 0.001},
    {"nemotron-15b", 15.6, 0, 0.005},
    {"nemotron-22b", 21.26, 0, 0.001},
    {"nemotron-340b", 340, 0, 0.005},
    {"mistral-7b", 7.241732096, 0, 1e-9},
    {"qwen2.5-7b", 7.615616512, 0, 1e-4},
    {"qwen2.5-72b", 72.706203648, 0, 1e-4},
    {"qwen3-8b", 8.190735360, 0, 1e-5},
    {"qwen3-32b", 32.762123264, 0, 1e-5},
    {"mixtral-8x7b", 46.702792704, 12.9, 0.003},
    {"mixtral-8x22b", 141, 39, 0.006},
    {"deepseek-67b", 67, 0, 0.01},
    {"deepseek-v2", 236, 21, 0.02},
    {"deepseek-v2-lite", 15.7, 0, 0.005},
    {"deepseek-v3", 671, 37, 0.02},
    {"kimi-k2", 1026.4, 32.6, 0.02},
    {"qwen3-30b-a3b", 30.532122624, 3.3, 0.02},
    {"qwen3-235b-a22b", 235, 22, 0.01},
    {"gpt-oss-20b", 20.9, 0, 0.002},
    {"gpt-oss-120b", 116.8, 0, 0.001},
    {"ling-plus", 290, 28.8, 0.01},
    {"vit-b-16", 0.086567656, 0, 1e-9},
    {"vit-l-16", 0.304326632, 0, 1e-9},
    {"vit-h-14", 0.632045800, 0, 1e-9},
    {"vit-g-14", 1.0126, 0, 1e-4},
    {"vit-gigantic-14", 1.8444, 0, 1e-4},
    {"vit-22b", 21.7, 0, 0.015},
};

static void totals_are_the_published_ones(void **state)
{
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        const struct total *t = &totals[i];
        fy_params p = fy_model_params(&workload(state, t->id)->model);
        near(t->id, (p.total - p.mtp) / 1e9, t->total, t->share);
        if (t->active > 0) {
            near(t->id, (p.active - p.mtp_active) / 1e9, t->active, t->share < 0.02 ? 0.01 : 0.02);
        }
    }
}

/* OpenAI counts 5.13 and 3.61 billion active, the embedding left out. */
static void active_without_embedding(void **state)
{
    fy_params large = fy_model_params(&workload(state, "gpt-oss-120b")->model);
    fy_params small = fy_model_params(&workload(state, "gpt-oss-20b")->model);
    near("gpt-oss-120b", large.active - large.embedding, 5.13e9, 0.005);
    near("gpt-oss-20b", small.active - small.embedding, 3.61e9, 0.005);
}

static void parts_make_the_whole(void **state)
{
    for (int i = 0; i < fy_workloads_count(*state); i++) {
        const fy_workload *w = fy_workloads_at(*state, i);
        const fy_model *m = &w->model;
        if (w->kind == FY_BLACK_BOX) {
            continue;
        }
        fy_params p = fy_model_params(m);
        double moe = m->experts > 0 ? m->layers - m->dense_layers : 0;
        double whole =
            p.embedding + p.head + (m->layers - moe) * p.dense_layer + moe * p.moe_layer + p.mtp;
        near(w->id, whole, p.total, 1e-4); /* but for the last norm */
        assert_true(p.active <= p.total && p.attention < p.dense_layer + p.moe_layer);
        assert_true(m->lora_rank > 0 ? p.trained < 0.01 * p.total : p.trained == p.total);
        assert_int_equal(fy_model_check(m, w->kind, NULL), 0);
    }
}

/* By hand: 6 (N - h V) and 12 l h s with N the total, V h counted once where tied. */
static void work_of_a_token(void **state)
{
    const fy_model *gpt = &workload(state, "gpt3-175b")->model;
    double layers = 96 * 12.0 * 12288 * 12288, head = 51200.0 * 12288;
    near("gpt3", fy_model_flops_per_token(gpt, false),
         6 * (layers + head) + 12 * 96.0 * 12288 * 2048, 1e-12);
    near("gpt3 halved", fy_model_flops_per_token(gpt, true),
         6 * (layers + head) + 6 * 96.0 * 12288 * 2048, 1e-12);
    /* SC21, eq. 3: 96 B s l h^2 (1 + s/6h + V/16lh) with recomputation of the layers */
    near("gpt3 by SC21", 4 / 3.0 * (fy_model_flops_per_token(gpt, false) - 6 * head) + 6 * head,
         96 * 96.0 * 12288 * 12288 * (1 + 2048 / (6 * 12288.0) + 51200 / (16 * 96 * 12288.0)),
         1e-12);
    fy_model glm = workload(state, "glm-130b")->model;
    assert_true(fy_model_flops_per_token(&glm, true) == fy_model_flops_per_token(&glm, false));

    /* half of the layers see 128 keys of 4096 */
    const fy_model *oss = &workload(state, "gpt-oss-120b")->model;
    fy_model open = *oss;
    open.window = open.window_every = 0;
    near("window", fy_model_flops_per_token(&open, false) - fy_model_flops_per_token(oss, false),
         12 * 18.0 * 64 * 64 * (4096 - 128), 1e-9);

    /* DeepSeek-V3: keys of 192 and values of 128 channels */
    fy_model v3 = workload(state, "deepseek-v3")->model;
    fy_params p = fy_model_params(&v3);
    /* its published weights: 11.5 B beside the 671 B; 1.5 B of them and the head work on a token */
    near("mtp", p.mtp, 11.5e9, 0.012);
    near("mtp active", p.mtp_active + p.head, 1.5e9, 0.08);
    assert_int_equal(v3.expert_groups, 8);
    assert_int_equal(v3.chosen_groups, 4);
    v3.mtp_layers = 0;
    double one = fy_model_flops_per_token(&v3, false);
    v3.seq_len *= 2;
    near("mla", fy_model_flops_per_token(&v3, false) - one, 6 * 61.0 * 128 * (192 + 128) * 4096,
         1e-9);

    /* no gradients of frozen weights: two thirds, but for attention and the adapters */
    fy_model lora = workload(state, "llama2-70b-lora")->model, full = lora;
    full.lora_rank = 0;
    double attention = 12 * 80.0 * 8192 * 4096;
    near("lora",
         fy_model_flops_per_token(&lora, false) - attention - 6 * fy_model_params(&lora).lora,
         2 / 3.0 * (fy_model_flops_per_token(&full, false) - attention), 1e-9);
}

/* Every name of published tables that the planner is validated on. */
static const char *const names[] = {
    "GPT-1.7B", "GPT-3.6B", "GPT-7.5B", "GPT-18.4B", "GPT-39.1B", "GPT-76.1B", "GPT-145.6B",
    "GPT-310.1B", "GPT-529.6B", "GPT-1008.0B", "GPT-3 175B", "22B", "175B (GPT-3)", "530B (MT-NLG)",
    "1T", "MT-NLG 530B", "Llama-2 7B", "Llama-2 13B", "Llama-2 70B", "LLaMA-1 7B", "LLaMA-1 13B",
    "LLaMA-1 33B", "LLaMA-1 65B", "Llama-4 Scout", "Llama-4 Maverick", "BLOOM 176B",
    "BLOOM tuning 181B", "BLOOM tuning 196B", "BLOOM tuning 182B", "BLOOM tuning 177B",
    "BLOOM tuning 195B", "GLM-130B", "OPT-175B", "GPT-NeoX-20B", "PaLM 540B", "Ling-Plus",
    "Llama-3.1 8B", "Llama-3.1 70B (2D + async TP)", "Llama-3.1 405B (1F1B, async TP)",
    "Llama-3.1 405B (interleaved 1F1B, async TP)", "Llama-3.1 70B (vanilla TP)", "LLAMA3.1_405B",
    "Qwen3_30B_a3B", "LLAMA3_70B", "GPT OSS 120B", "DeepSeekV3 (dropless)", "GPT3-20B", "LLAMA2-7B",
    "LLAMA2-70B", "Nemotron-8B", "Nemotron-22B", "Nemotron-340B", "LLAMA3-8B", "LLAMA3-405B",
    "LLAMA2-70B SFT", "LLAMA2-70B LoRA", "Llama-3 8B", "Llama-3 70B", "Mixtral 8x7B",
    "GPT-3 6.7B (Paddle)", "GPT-3 13B (Paddle)", "LLaMA-1 7B (Paddle)", "LLaMA-1 13B (Paddle)",
    "MPT-70b", "MPT-30b", "MPT-13b", "MPT-7b", "MPT-3b", "MPT-1b", "MPT-760m", "MPT-350m",
    "MPT-125m", "GPT-Neo 2.7B", "OPT-350M",
    /* and those that the command line promises */
    "gpt3-175b", "megatron-1t", "llama3-405b", "llama2-7b", "deepseek-v2", "deepseek-v3",
    "qwen3-235b-a22b", "mixtral-8x22b", "gpt-oss-20b", "vit-22b", "xpeng-driving-2022"};

static void names_are_found(void **state)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        workload(state, names[i]);
    }
    assert_ptr_equal(workload(state, "GPT-3 175B"), workload(state, "gpt3_175b"));
    assert_ptr_equal(workload(state, "  LLAMA 3 - 405b"), workload(state, "llama3-405b"));
    assert_null(fy_workloads_find(*state, ""));
    assert_null(fy_workloads_find(*state, "gpt3"
                                          "............................................"
                                          "............................................"));
    for (int i = 1; i < fy_workloads_count(*state); i++) {
        assert_true(strcmp(fy_workloads_at(*state, i - 1)->id, fy_workloads_at(*state, i)->id) < 0);
    }
    for (int i = 0; i < FY_N_PRECISIONS; i++) {
        assert_int_equal(fy_precision_find(fy_precision_name((fy_precision)i)), i);
    }
    for (int i = 0; i < FY_N_ATTENTIONS; i++) {
        assert_int_equal(fy_attention_find(fy_attention_name((fy_attention)i)), i);
    }
    assert_int_equal(fy_precision_find("int8"), -1);
}

static void details_are_kept(void **state)
{
    const fy_workload *v3 = workload(state, "deepseek-v3");
    assert_int_equal(v3->model.attention, FY_MLA);
    assert_int_equal(v3->model.head_dim, 192);
    assert_int_equal(v3->precision, FY_PREC_FP8);
    near("tokens", v3->train_tokens, 14.8e12, 1e-12);
    assert_true(strncmp(v3->notes[0], "mtp_layers: ", 12) == 0);
    const fy_workload *palm = workload(state, "palm-540b");
    assert_int_equal(palm->model.attention, FY_MQA);
    assert_int_equal(palm->model.kv_heads, 1);
    assert_false(workload(state, "vit-l-16")->model.causal);
    assert_true(isnan(workload(state, "gpt-22b")->train_tokens));
    const fy_workload *car = workload(state, "xpeng-driving-2022");
    assert_int_equal(car->kind, FY_BLACK_BOX);
    assert_int_equal(car->n_rates, 0); /* unknown stays unknown */
    assert_non_null(car->memory_note);
}

/* ----------------------------------------------------------------------------------- bad input */

static const char tiny[] = "workloads:\n"           /* 1 */
                           "  - id: tiny\n"         /* 2 */
                           "    name: Tiny\n"       /* 3 */
                           "    layers: 4\n"        /* 4 */
                           "    hidden: 256\n"      /* 5 */
                           "    heads: 8\n"         /* 6 */
                           "    ffn: 1024\n"        /* 7 */
                           "    seq_len: 128\n"     /* 8 */
                           "    vocab: 1000\n"      /* 9 */
                           "    position: rotary\n" /* 10 */
                           "    norm: rms\n"        /* 11 */
                           "    precision: bf16\n"  /* 12 */
                           "    source: made up\n"  /* 13 */
                           "    confidence: recalled\n";

/* `tiny` with `old` replaced by `new`, and what is then said of it. */
static const struct bad {
    const char *old, *new, *said;
} bad[] = {
    {"ffn: 1024", "fnn: 1024", "f:7: unknown key \"fnn\""},
    {"ffn: 1024", "ffn: 1024\n    ffn: 1024", "f:8: duplicate key \"ffn\"; give it once"},
    {"    hidden: 256\n", "", "f:2: workload \"tiny\": the key \"hidden\" is missing"},
    {"    norm: rms\n", "", "f:2: workload \"tiny\": the key \"norm\" is missing"},
    {"    precision: bf16\n", "", "f:2: workload \"tiny\": the key \"precision\" is missing"},
    {"    source: made up\n", "", "f:13: the key \"source\" is missing"},
    {"    ffn: 1024\n", "", "f:2: tiny: ffn: must be positive"},
    {"layers: 4", "layers:", "f:4: empty value; leave out what is unknown"},
    {"layers: 4", "layers: 0", "f:4: tiny: layers: must be positive"},
    {"layers: 4", "layers: -4",
     "f:4: layers: \"-4\" is negative; a whole number must be 0 or more, "
     "for example 8"},
    {"layers: 4", "layers: four",
     "f:4: layers: \"four\" is not a whole number; write for example 8"},
    {"layers: 4", "layers: 4.5", "f:4: layers: \"4.5\" must be a whole number"},
    {"layers: 4", "layers: 0x4", "f:4: layers: \"0x4\" is not a whole number; write for example 8"},
    {"layers: 4", "layers: 1e6",
     "f:4: tiny: layers: 1000000 is absurd; at least 0 and at most 10000"},
    {"hidden: 256", "hidden: 1e12", "f:5: hidden: 1e12 is absurd; at most 10000000"},
    {"hidden: 256", "hidden: 1e999", "f:5: hidden: \"1e999\" is too large for a whole number"},
    {"hidden: 256", "hidden: 257", "f:2: head_dim: missing, and hidden is not a multiple of heads"},
    {"heads: 8", "heads: 8\n    kv_heads: 3",
     "f:7: tiny: kv_heads: heads 8 is not a multiple of 3"},
    {"heads: 8", "heads: 8\n    kv_heads: 0", "f:7: tiny: kv_heads: must be positive"},
    {"heads: 8", "heads: 8\n    kv_heads: 16",
     "f:7: tiny: kv_heads: heads 8 is not a multiple of 16"},
    {"heads: 8", "heads: 8\n    attention: gqa",
     "f:7: tiny: attention: gqa does not have 8 kv_heads "
     "of 8 heads"},
    {"heads: 8", "heads: 8\n    attention: mla",
     "f:2: workload \"tiny\": the key \"kv_rank\" is missing"},
    {"heads: 8", "heads: 8\n    q_rank: 64",
     "f:2: tiny: attention: ranks are for mla, this is mha"},
    {"heads: 8", "heads: 8\n    attention: full",
     "f:7: attention: \"full\" is none of mha, gqa, mqa, "
     "mla"},
    {"norm: rms", "norm: batch", "f:11: norm: \"batch\" is none of layer, rms"},
    {"norm: rms", "norm: rms\n    gated: maybe", "f:12: gated: \"maybe\" is none of no, yes"},
    {"precision: bf16", "precision: fp4",
     "f:12: precision: \"fp4\" is none of fp32, tf32, fp16, bf16, "
     "bf16-pure, fp8"},
    {"confidence: recalled", "confidence: sure", "f:14: confidence: unknown grade sure"},
    {"ffn: 1024", "ffn: 1024\n    experts: 8", "f:2: tiny: experts_per_token: must be positive"},
    {"ffn: 1024", "ffn: 1024\n    expert_ffn: 8",
     "f:2: tiny: experts: missing, though other keys of a "
     "mixture of experts are there"},
    {"ffn: 1024", "experts: 8\n    expert_ffn: 8\n    experts_per_token: 9",
     "f:9: tiny: experts_per_token: 9 of 8 experts"},
    {"ffn: 1024", "experts: 8\n    expert_ffn: 8\n    experts_per_token: 2\n    dense_layers: 4",
     "f:10: tiny: dense_layers: 4 of 4 layers leave none for experts"},
    {"ffn: 1024", "experts: 8\n    expert_ffn: 8\n    experts_per_token: 2\n    expert_groups: 3",
     "f:10: tiny: expert_groups: 8 experts do not make 3 equal groups"},
    {"ffn: 1024", "experts: 8\n    expert_ffn: 8\n    experts_per_token: 2\n    chosen_groups: 1",
     "f:2: tiny: expert_groups: 8 experts do not make 0 equal groups"},
    {"ffn: 1024",
     "experts: 8\n    expert_ffn: 8\n    experts_per_token: 3\n    expert_groups: 4\n"
     "    chosen_groups: 1",
     "f:11: tiny: chosen_groups: 1 of 4 groups do not hold a token's 3 experts"},
    {"ffn: 1024", "ffn: 1024\n    expert_groups: 8",
     "f:2: tiny: experts: missing, though other keys of a "
     "mixture of experts are there"},
    {"ffn: 1024", "ffn: 1024\n    window_every: 2", "f:8: tiny: window_every: there is no window"},
    {"ffn: 1024", "ffn: 1024\n    patch_dim: 588",
     "f:8: tiny: patch_dim: only vision models have it"},
    {"ffn: 1024", "ffn: 1024\n    kind: vision", "f:2: tiny: patch_dim: a vision model needs it"},
    {"ffn: 1024", "ffn: 1024\n    kind: black-box",
     "f:11: position: a black box has no sizes, only "
     "rates"},
    {"ffn: 1024", "ffn: 1024\n    memory: much", "f:8: memory: only a black box has it"},
    {"ffn: 1024", "ffn: 1024\n    train_tokens: 1e300",
     "f:8: train_tokens: \"1e300\" must be a whole "
     "number"},
    {"ffn: 1024", "ffn: 1024\n    notes:\n      - {cell: fnn, text: x}",
     "f:9: notes: a note on an unknown cell fnn"},
    {"name: Tiny", "name: Tiny\n    aliases: [T-I-N-Y]",
     "f:2: \"T-I-N-Y\" of workload \"tiny\" already names \"tiny\""},
    {"name: Tiny", "name: Tiny\n    aliases: [a b, AB]",
     "f:2: \"AB\" of workload \"tiny\" already names \"tiny\""},
    {"workloads:\n", "workloads: []\n", "f:2: not valid YAML: did not find expected key"},
};

/* Is `text` refused with the line `said`? */
static bool says(const char *text, size_t len, const char *said)
{
    fy_workloads *all = NULL;
    fy_err err = {0};
    assert_true(fy_workloads_parse(&all, "f", text, len, &err) < 0);
    assert_null(all);
    if (strcmp(err.text, said) != 0) {
        fprintf(stderr, "said:   %s\nwanted: %s\n", err.text, said);
    }
    return strcmp(err.text, said) == 0;
}

static void bad_input_is_told(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[2000];
        const char *at = strstr(tiny, bad[i].old);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tiny), tiny, bad[i].new,
                 at + strlen(bad[i].old));
        wrong += !says(text, strlen(text), bad[i].said);
    }
    assert_int_equal(wrong, 0);
}

static void broken_files_are_told(void **state)
{
    (void)state;
    char text[2000];
    snprintf(text, sizeof text, "%s%s", tiny, strchr(tiny, '\n') + 1);
    assert_true(
        says(text, strlen(text), "f:2: \"tiny\" of workload \"tiny\" already names \"tiny\""));
    assert_true(says("", 0, "f: the file is empty"));
    assert_true(says(tiny, 60, "f:6: not valid YAML: could not find expected ':'"));
    assert_true(says("\200\201\0\1binary", 10, "f: not a text file (invalid leading UTF-8 octet)"));

    /* every cut of a good file is good or told, and no byte of it is read past its end */
    for (size_t len = 0; len < sizeof tiny - 1; len++) {
        char *cut = malloc(len + 1);
        fy_workloads *all = NULL;
        fy_err err = {0};
        assert_non_null(cut);
        memcpy(cut, tiny, len);
        int rc = fy_workloads_parse(&all, "f", cut, len, &err);
        assert_true(rc < 0 ? strncmp(err.text, "f:", 2) == 0 : all != NULL);
        fy_workloads_free(all);
        free(cut);
    }
}

static void black_boxes_have_rates(void **state)
{
    (void)state;
    static const char head[] = "workloads:\n  - id: box\n    name: Box\n    kind: black-box\n"
                               "    source: s\n    confidence: measured\n    rates:\n      - ";
    char text[1000];
    fy_workloads *all = NULL;
    fy_err err = {0};
    snprintf(text, sizeof text, "%s%s\n", head,
             "{chip: t4, devices: 8, rate: 12.5 samples/s, confidence: measured, source: s}");
    assert_int_equal(fy_workloads_parse(&all, "f", text, strlen(text), &err), 0);
    const fy_workload *w = fy_workloads_at(all, 0);
    assert_int_equal(w->n_rates, 1);
    assert_string_equal(w->rates[0].chip, "t4");
    assert_int_equal(w->rates[0].devices, 8);
    near("rate", w->rates[0].samples_per_s, 12.5, 1e-12);
    fy_workloads_free(all);

    static const struct {
        const char *rate, *said;
    } wrong[] = {
        {"{chip: t4, devices: 8, rate: 12.5, confidence: measured, source: s}",
         "f:8: rates[0].rate: \"12.5\" is not a rate; write for example 12.5 samples/s"},
        {"{chip: t4, devices: 8, rate: 5 % samples/s, confidence: measured, source: s}",
         "f:8: rates[0].rate: \"5 % samples/s\" is not a rate; write for example 12.5 samples/s"},
        {"{chip: t4, devices: 8, rate: 0 samples/s, confidence: measured, source: s}",
         "f:8: rates[0].rate: \"0\" must be positive; leave out what is unknown"},
        {"{chip: t4, devices: 0, rate: 1 samples/s, confidence: measured, source: s}",
         "f:8: rates[0].devices: must be positive"},
        {"{chip: t4, devices: 8, rate: 1 samples/s, confidence: good, source: s}",
         "f:8: rates[0].confidence: unknown grade good"},
        {"{devices: 8, rate: 1 samples/s, confidence: measured, source: s}",
         "f:8: the key \"chip\" is missing"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "%s%s\n", head, wrong[i].rate);
        assert_true(says(text, strlen(text), wrong[i].said));
    }
}

static void folders_and_files(void **state)
{
    (void)state;
    fy_workloads *all = NULL;
    fy_err err = {0};
    char path[1000];
    assert_int_equal(fy_workloads_load(&all, "/nonexistent", &err), FY_ENOENT);
    assert_string_equal(err.text, "/nonexistent/workloads: No such file or directory");
    assert_int_equal(fy_workloads_load_file(&all, "/nonexistent.yaml", &err), FY_ENOENT);
    const char *dir = getenv("FUYAO_DATA");
    snprintf(path, sizeof path, "%s/workloads/driving.yaml", dir != NULL ? dir : "data");
    assert_int_equal(fy_workloads_load_file(&all, path, &err), FY_EINVAL);
    assert_non_null(strstr(err.text, "workloads in it; a file of one's own has one"));
    assert_null(all);
    fy_workloads_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_the_published_ones),
        cmocka_unit_test(active_without_embedding),
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(work_of_a_token),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(details_are_kept),
        cmocka_unit_test(bad_input_is_told),
        cmocka_unit_test(broken_files_are_told),
        cmocka_unit_test(black_boxes_have_rates),
        cmocka_unit_test(folders_and_files),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
