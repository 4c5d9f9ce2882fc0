/* SPDX-License-Identifier: MIT */
/*
 * What follows from a model's sizes alone: parameters by part, work a token, and whether the sizes
 * make sense. Shapes: h hidden, a heads, k kv_heads, d head_dim, f width of a feed-forward branch.
 * Checked against published totals in tests/unit/model/test_workload.c.
 */
#include "fuyao/workload.h"

#include <math.h>
#include <string.h>

/* Matrices and vectors (biases, norms) are counted apart: work follows the former alone. */
typedef struct weights {
    double matrices, vectors;
    double adapters; /* LoRA: r (in + out) for each matrix, r the rank */
} weights;

static weights plus(weights x, weights y)
{
    return (weights){x.matrices + y.matrices, x.vectors + y.vectors, x.adapters + y.adapters};
}

static weights times(double n, weights x)
{
    return (weights){n * x.matrices, n * x.vectors, n * x.adapters};
}

/* A linear layer from `in` to `out`, with its bias where the model has any. */
static weights linear(const fy_model *m, double in, double out)
{
    return (weights){in * out, m->bias ? out : 0, m->lora_rank * (in + out)};
}

/* Scale, and a shift for layer norms of models with biases. */
static double norm(const fy_model *m, double width)
{
    return m->norm == FY_LAYER_NORM && m->bias ? 2 * width : width;
}

/* Width of one head's values. */
static double value_dim(const fy_model *m)
{
    return m->attention == FY_MLA ? m->v_dim : m->head_dim;
}

/*
 * Multi-head latent attention: queries through rank q (or straight), keys and values through rank
 * k plus one rotary key for all heads. Source: DeepSeek-V2, arXiv 2405.04434, sec. 2.1.
 */
static weights latent_attention(const fy_model *m)
{
    double h = m->hidden, a = m->heads;
    weights w = {.vectors = norm(m, m->kv_rank)};
    if (m->q_rank > 0) {
        w = plus(w, linear(m, h, m->q_rank));
        w = plus(w, linear(m, m->q_rank, a * m->head_dim));
        w.vectors += norm(m, m->q_rank);
    } else {
        w = plus(w, linear(m, h, a * m->head_dim));
    }
    w = plus(w, linear(m, h, m->kv_rank + m->rope_dim));
    w = plus(w, linear(m, m->kv_rank, a * (m->nope_dim + m->v_dim)));
    return plus(w, linear(m, a * m->v_dim, h));
}

/* Attention with all norms of the layer: before it and, but in parallel blocks, after it. */
static weights attention(const fy_model *m)
{
    double h = m->hidden, a = m->heads, k = m->kv_heads, d = m->head_dim;
    weights w = {0};
    if (m->attention == FY_MLA) {
        w = latent_attention(m);
    } else {
        w = plus(linear(m, h, (a + 2 * k) * d), linear(m, a * d, h));
    }
    w.vectors += (m->parallel_block ? 1 : 2) * norm(m, h) + (m->qk_norm ? 2 * norm(m, d) : 0);
    return w;
}

/* Feed-forward of one branch's width f: h -> f (twice where gated) -> h. */
static weights feed_forward(const fy_model *m, double f)
{
    return plus(linear(m, m->hidden, (m->gated ? 2 : 1) * f), linear(m, f, m->hidden));
}

/* `n` experts, the shared ones and the router. Routers carry no adapters. */
static weights mixture(const fy_model *m, double n)
{
    weights router = linear(m, m->hidden, m->experts);
    router.adapters = 0;
    return plus(router, times(n + m->shared_experts, feed_forward(m, m->expert_ffn)));
}

/*
 * A block of multi-token prediction: [2h -> h] projection, two norms of its inputs and one before
 * the head, and a layer of the last kind. Source: DeepSeek-V3, arXiv 2412.19437, sec. 2.2.
 */
static weights prediction(const fy_model *m, weights layer)
{
    weights w = {2.0 * m->hidden * m->hidden, 3 * norm(m, m->hidden), 0};
    return plus(w, layer);
}

static double embedding(const fy_model *m)
{
    double h = m->hidden;
    double positions = m->position == FY_POSITION_LEARNED ? m->seq_len * h : 0;
    if (m->patch_dim > 0) { /* projection with bias, and the class token */
        return m->patch_dim * h + 2 * h + positions;
    }
    return m->vocab * h + positions;
}

static double sum(weights w)
{
    return w.matrices + w.vectors;
}

/* Layers of the two kinds, in full and as far as one token meets them. */
typedef struct layers {
    double n_dense, n_moe;
    weights dense, moe, moe_active;
    weights mtp, mtp_active; /* one block */
} layers;

static layers layers_of(const fy_model *m)
{
    weights shared = attention(m);
    layers l = {.n_dense = m->experts > 0 ? m->dense_layers : m->layers};
    l.n_moe = m->layers - l.n_dense;
    if (l.n_dense > 0) {
        l.dense = plus(shared, feed_forward(m, m->ffn));
    }
    if (l.n_moe > 0) {
        l.moe = plus(shared, mixture(m, m->experts));
        l.moe_active = plus(shared, mixture(m, m->experts_per_token));
    }
    if (m->mtp_layers > 0) {
        l.mtp = prediction(m, l.n_moe > 0 ? l.moe : l.dense);
        l.mtp_active = prediction(m, l.n_moe > 0 ? l.moe_active : l.dense);
    }
    return l;
}

fy_params fy_model_params(const fy_model *m)
{
    layers l = layers_of(m);
    fy_params p = {
        .embedding = embedding(m),
        .attention = sum(attention(m)),
        .dense_layer = sum(l.dense),
        .moe_layer = sum(l.moe),
        .moe_active = sum(l.moe_active),
        .expert = m->experts > 0 ? sum(feed_forward(m, m->expert_ffn)) : 0,
        .mtp = m->mtp_layers * sum(l.mtp),
        .mtp_active = m->mtp_layers * sum(l.mtp_active),
    };
    if (!m->tied) {
        p.head = (double)m->vocab * m->hidden + (m->patch_dim > 0 ? m->vocab : 0);
    }
    double common = p.embedding + p.head + norm(m, m->hidden) + l.n_dense * p.dense_layer;
    p.total = common + l.n_moe * p.moe_layer + p.mtp;
    p.active = common + l.n_moe * p.moe_active + p.mtp_active;
    p.lora = l.n_dense * l.dense.adapters + l.n_moe * l.moe.adapters;
    p.trained = m->lora_rank > 0 ? p.lora : p.total;
    return p;
}

/* Keys that one query sees in the mean, with a window of `w` keys (0 = none). */
static double keys_seen(const fy_model *m, double w, bool halve)
{
    double s = m->seq_len;
    w = w > 0 && w < s ? w : s;
    /* sum over queries i of min(i, w), by s: w (s - w/2) / s */
    return halve && m->causal ? w * (s - w / 2) / s : w;
}

double fy_model_flops_per_token(const fy_model *m, bool halve)
{
    layers l = layers_of(m);
    weights all = plus(plus(times(l.n_dense, l.dense), times(l.n_moe, l.moe_active)),
                       times(m->mtp_layers, l.mtp_active));
    double passes = 1 + m->mtp_layers, whole = m->layers + m->mtp_layers;
    double head = passes * m->vocab * m->hidden, patches = (double)m->patch_dim * m->hidden;
    if (m->patch_dim > 0) {
        head /= m->seq_len; /* one class a picture */
    }
    double frozen = m->lora_rank > 0 ? 4 : 6;
    double flops = frozen * (all.matrices + head + patches) + 6 * all.adapters;
    double windowed = m->window == 0        ? 0
                      : m->window_every > 0 ? m->layers - m->layers / m->window_every
                                            : m->layers;
    double keys =
        windowed * keys_seen(m, m->window, halve) + (whole - windowed) * keys_seen(m, 0, halve);
    /* scores and weighted values, each 2 a key and channel, forward once and backward twice */
    return flops + 6 * keys * m->heads * (m->head_dim + value_dim(m));
}

/* -------------------------------------------------------------------------------------- checks */

static int need(int value, const char *key, fy_err *err)
{
    if (value <= 0) {
        return fy_fail(err, FY_ERANGE, "%s: must be positive", key);
    }
    return 0;
}

static int check_range(const fy_model *m, fy_err *err)
{
    const struct {
        const char *key;
        int value, most;
    } sizes[] = {
        {"layers", m->layers, FY_MAX_LAYERS},
        {"hidden", m->hidden, FY_MAX_SIZE},
        {"heads", m->heads, FY_MAX_SIZE},
        {"kv_heads", m->kv_heads, FY_MAX_SIZE},
        {"head_dim", m->head_dim, FY_MAX_SIZE},
        {"ffn", m->ffn, FY_MAX_SIZE},
        {"seq_len", m->seq_len, FY_MAX_SIZE},
        {"vocab", m->vocab, FY_MAX_SIZE},
        {"window", m->window, FY_MAX_SIZE},
        {"window_every", m->window_every, FY_MAX_LAYERS},
        {"experts", m->experts, FY_MAX_SIZE},
        {"shared_experts", m->shared_experts, FY_MAX_SIZE},
        {"experts_per_token", m->experts_per_token, FY_MAX_SIZE},
        {"expert_ffn", m->expert_ffn, FY_MAX_SIZE},
        {"dense_layers", m->dense_layers, FY_MAX_LAYERS},
        {"expert_groups", m->expert_groups, FY_MAX_SIZE},
        {"chosen_groups", m->chosen_groups, FY_MAX_SIZE},
        {"q_rank", m->q_rank, FY_MAX_SIZE},
        {"kv_rank", m->kv_rank, FY_MAX_SIZE},
        {"nope_dim", m->nope_dim, FY_MAX_SIZE},
        {"rope_dim", m->rope_dim, FY_MAX_SIZE},
        {"v_dim", m->v_dim, FY_MAX_SIZE},
        {"mtp_layers", m->mtp_layers, FY_MAX_LAYERS},
        {"patch_dim", m->patch_dim, FY_MAX_SIZE},
        {"lora_rank", m->lora_rank, FY_MAX_SIZE},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i].value < 0 || sizes[i].value > sizes[i].most) {
            return fy_fail(err, FY_ERANGE, "%s: %d is absurd; at least 0 and at most %d",
                           sizes[i].key, sizes[i].value, sizes[i].most);
        }
    }
    return 0;
}

static int check_attention(const fy_model *m, fy_err *err)
{
    if (m->attention == FY_MLA) {
        if (m->kv_rank == 0 || m->nope_dim == 0 || m->v_dim == 0) {
            return fy_fail(err, FY_EINFEASIBLE,
                           "attention: mla needs kv_rank, nope_dim, rope_dim and v_dim");
        }
        if (m->head_dim != m->nope_dim + m->rope_dim) {
            return fy_fail(err, FY_EINFEASIBLE, "head_dim: %d, but nope_dim + rope_dim is %d",
                           m->head_dim, m->nope_dim + m->rope_dim);
        }
        return 0;
    }
    if (m->kv_rank != 0 || m->q_rank != 0 || m->nope_dim != 0 || m->rope_dim != 0 ||
        m->v_dim != 0) {
        return fy_fail(err, FY_EINFEASIBLE, "attention: ranks are for mla, this is %s",
                       fy_attention_name(m->attention));
    }
    if (m->heads % m->kv_heads != 0) {
        return fy_fail(err, FY_EINFEASIBLE, "kv_heads: heads %d is not a multiple of %d", m->heads,
                       m->kv_heads);
    }
    bool fits = m->attention == FY_MHA   ? m->kv_heads == m->heads
                : m->attention == FY_MQA ? m->kv_heads == 1
                                         : m->kv_heads > 1 && m->kv_heads < m->heads;
    if (!fits) {
        return fy_fail(err, FY_EINFEASIBLE, "attention: %s does not have %d kv_heads of %d heads",
                       fy_attention_name(m->attention), m->kv_heads, m->heads);
    }
    return 0;
}

/* Groups of experts: equal ones, and room for a token's experts in those that are chosen. */
static int check_groups(const fy_model *m, fy_err *err)
{
    if (m->expert_groups == 0 && m->chosen_groups == 0) {
        return 0;
    }
    if (m->expert_groups == 0 || m->experts % m->expert_groups != 0) {
        return fy_fail(err, FY_EINFEASIBLE, "expert_groups: %d experts do not make %d equal groups",
                       m->experts, m->expert_groups);
    }
    if (m->chosen_groups == 0 || m->chosen_groups > m->expert_groups ||
        m->experts / m->expert_groups < (m->experts_per_token - 1) / m->chosen_groups + 1) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "chosen_groups: %d of %d groups do not hold a token's %d experts",
                       m->chosen_groups, m->expert_groups, m->experts_per_token);
    }
    return 0;
}

static int check_experts(const fy_model *m, fy_err *err)
{
    if (m->experts == 0) {
        if (m->shared_experts != 0 || m->experts_per_token != 0 || m->expert_ffn != 0 ||
            m->dense_layers != 0 || m->expert_groups != 0 || m->chosen_groups != 0) {
            return fy_fail(err, FY_EINFEASIBLE,
                           "experts: missing, though other keys of a mixture "
                           "of experts are there");
        }
        return need(m->ffn, "ffn", err);
    }
    int rc = need(m->experts_per_token, "experts_per_token", err);
    if (rc == 0) {
        rc = need(m->expert_ffn, "expert_ffn", err);
    }
    if (rc == 0 && m->experts_per_token > m->experts) {
        rc = fy_fail(err, FY_EINFEASIBLE, "experts_per_token: %d of %d experts",
                     m->experts_per_token, m->experts);
    }
    if (rc == 0 && m->dense_layers >= m->layers) {
        rc = fy_fail(err, FY_EINFEASIBLE, "dense_layers: %d of %d layers leave none for experts",
                     m->dense_layers, m->layers);
    }
    rc = rc != 0 ? rc : check_groups(m, err);
    return rc != 0 || m->dense_layers == 0 ? rc : need(m->ffn, "ffn", err);
}

static int check_rest(const fy_model *m, fy_workload_kind kind, fy_err *err)
{
    if ((kind == FY_VISION) != (m->patch_dim > 0)) {
        return fy_fail(err, FY_EINFEASIBLE, "patch_dim: %s",
                       kind == FY_VISION ? "a vision model needs it"
                                         : "only vision models have it");
    }
    if (kind == FY_VISION && (m->tied || m->causal || m->mtp_layers > 0)) {
        return fy_fail(err, FY_EINFEASIBLE, "tied, causal and mtp_layers: only language models");
    }
    if (m->window_every > 0 && m->window == 0) {
        return fy_fail(err, FY_EINFEASIBLE, "window_every: there is no window");
    }
    return 0;
}

int fy_model_check(const fy_model *m, fy_workload_kind kind, fy_err *err)
{
    int rc = check_range(m, err);
    const struct {
        const char *key;
        int value;
    } needed[] = {{"layers", m->layers},     {"hidden", m->hidden},     {"heads", m->heads},
                  {"kv_heads", m->kv_heads}, {"head_dim", m->head_dim}, {"seq_len", m->seq_len},
                  {"vocab", m->vocab}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed && rc == 0; i++) {
        rc = need(needed[i].value, needed[i].key, err);
    }
    if (rc == 0) {
        rc = check_attention(m, err);
    }
    if (rc == 0) {
        rc = check_experts(m, err);
    }
    return rc == 0 ? check_rest(m, kind, err) : rc;
}

/* --------------------------------------------------------------------------------------- names */

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *const precisions[FY_N_PRECISIONS] = {
    [FY_PREC_FP32] = "fp32", [FY_PREC_TF32] = "tf32",           [FY_PREC_FP16] = "fp16",
    [FY_PREC_BF16] = "bf16", [FY_PREC_BF16_PURE] = "bf16-pure", [FY_PREC_FP8] = "fp8",
};

const char *fy_precision_name(fy_precision precision)
{
    return precisions[precision];
}

int fy_precision_find(const char *name)
{
    return find(precisions, FY_N_PRECISIONS, name);
}

static const char *const attentions[FY_N_ATTENTIONS] = {
    [FY_MHA] = "mha", [FY_GQA] = "gqa", [FY_MQA] = "mqa", [FY_MLA] = "mla"};

const char *fy_attention_name(fy_attention attention)
{
    return attentions[attention];
}

int fy_attention_find(const char *name)
{
    return find(attentions, FY_N_ATTENTIONS, name);
}
