/* SPDX-License-Identifier: MIT */
/*
 * The best layout as flags of Megatron-LM (megatron/training/arguments.py, core releases 0.12 and
 * later), for a program such as pretrain_gpt.py. Data, tokenizer, learning rate and checkpoints
 * are the site's. Written from the published arguments; not run against an installation.
 */
#include "cli/cmd.h"
#include "cli/plan_ask.h"
#include "model/pipeline.h"

#include <stdarg.h>
#include <stdio.h>

/* One flag a line, all but the last ended by a backslash. */
static void flag(const char *fmt, ...) FY_PRINTF(1, 2);
static void flag(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs(" \\\n    --", stdout);
    vprintf(fmt, args);
    va_end(args);
}

static void emit_shape(const fy_model *m, int batch)
{
    flag("num-layers %d", m->layers);
    flag("hidden-size %d", m->hidden);
    flag("ffn-hidden-size %d", m->ffn);
    flag("num-attention-heads %d", m->heads);
    if (m->attention == FY_GQA || m->attention == FY_MQA) {
        flag("group-query-attention");
        flag("num-query-groups %d", m->kv_heads);
    }
    if (m->attention != FY_MLA && m->head_dim * m->heads != m->hidden) {
        flag("kv-channels %d", m->head_dim);
    }
    flag("seq-length %d", m->seq_len);
    flag("max-position-embeddings %d", m->seq_len);
    flag("global-batch-size %d", batch);
    if (m->gated) {
        flag("swiglu");
    }
    if (m->norm == FY_RMS_NORM) {
        flag("normalization RMSNorm");
    }
    if (m->position == FY_ROTARY) {
        flag("position-embedding-type rope");
    }
    if (!m->bias) {
        flag("disable-bias-linear");
    }
    if (!m->tied) {
        flag("untie-embeddings-and-output-weights");
    }
    if (m->qk_norm) {
        flag("qk-layernorm");
    }
}

static void emit_mixture(const fy_model *m, const fy_layout *l, bool between_nodes)
{
    if (m->attention == FY_MLA) {
        flag("multi-latent-attention");
        if (m->q_rank > 0) {
            flag("q-lora-rank %d", m->q_rank);
        }
        flag("kv-lora-rank %d", m->kv_rank);
        flag("qk-head-dim %d", m->nope_dim);
        flag("qk-pos-emb-head-dim %d", m->rope_dim);
        flag("v-head-dim %d", m->v_dim);
    }
    if (m->experts > 0) {
        flag("num-experts %d", m->experts);
        flag("moe-router-topk %d", m->experts_per_token);
        flag("moe-ffn-hidden-size %d", m->expert_ffn);
        if (m->expert_groups > 0) {
            flag("moe-router-num-groups %d", m->expert_groups);
            flag("moe-router-group-topk %d", m->chosen_groups);
        }
        if (m->shared_experts > 0) {
            flag("moe-shared-expert-intermediate-size %d", m->shared_experts * m->expert_ffn);
        }
        if (m->dense_layers > 0) {
            flag("moe-layer-freq \"([0]*%d+[1]*%d)\"", m->dense_layers,
                 m->layers - m->dense_layers);
        }
        flag("moe-grouped-gemm");
        if (between_nodes) { /* as the model assumes: docs/model.md, Collectives */
            flag("moe-token-dispatcher-type flex");
            flag("moe-enable-deepep");
        } else {
            flag("moe-token-dispatcher-type alltoall");
        }
        flag("expert-model-parallel-size %d", l->ep);
        if (l->ep > 1) {
            flag("expert-tensor-parallel-size 1");
        }
    }
    if (m->mtp_layers > 0) {
        flag("mtp-num-layers %d", m->mtp_layers);
    }
}

/* Layers of the chunk of a stage: an end's first (or last) ones are short. */
static int chunk_layers(const fy_stages *s, const fy_layout *l, int stage, int chunk)
{
    int kind = stage == 0           ? FY_STAGE_FIRST
               : stage == l->pp - 1 ? FY_STAGE_LAST
               : stage <= s->less   ? FY_STAGE_LESS
                                    : FY_STAGE_MIDDLE;
    int layers = (int)(s->at[kind].dense + s->at[kind].moe + 0.5);
    int most = (layers + l->vpp - 1) / l->vpp;
    int least = stage == 0 ? chunk : l->vpp - 1 - chunk; /* chunks before this one that fill up */
    int short_of = most * l->vpp - layers;
    int mine = short_of - least * most;
    mine = mine < 0 ? 0 : mine > most ? most : mine;
    return most - mine;
}

/* Every chunk by its layers, in the order in which a microbatch goes through them. */
static void emit_layout(const fy_model *m, const fy_layout *l)
{
    fy_stages s = fy_stages_deal(m, l);
    char text[4000] = "E";
    size_t at = 1;
    for (int i = 0; i < l->pp * l->vpp && at < sizeof text - 40; i++) {
        int n = chunk_layers(&s, l, i % l->pp, i / l->pp);
        const char *bar = i > 0 ? "|" : "";
        at += (size_t)(n > 0 ? snprintf(text + at, sizeof text - at, "%st*%d", bar, n)
                             : snprintf(text + at, sizeof text - at, "%s", bar));
    }
    flag("pipeline-model-parallel-layout \"%s%s%sL\"", text, m->mtp_layers > 0 ? "m*" : "",
         m->mtp_layers > 0 ? "1" : "");
}

/* Stages that no flag for embedding and loss describes. */
static void emit_uneven(const fy_model *m, const fy_layout *l)
{
    fy_stages s = fy_stages_deal(m, l);
    double first = s.at[FY_STAGE_FIRST].dense + s.at[FY_STAGE_FIRST].moe;
    double last = s.at[FY_STAGE_LAST].dense + s.at[FY_STAGE_LAST].moe;
    if (l->vpp > 1 || s.less > 0) {
        emit_layout(m, l);
        return;
    }
    flag("decoder-first-pipeline-num-layers %.0f", first);
    if (l->pp > 2) {
        flag("decoder-last-pipeline-num-layers %.0f", last);
    }
}

/* Stages with so many layers each. */
static void emit_given(const fy_model *m, const fy_layout *l, const int *layers)
{
    fputs(" \\\n    --pipeline-model-parallel-layout \"E", stdout);
    for (int i = 0; i < l->pp; i++) {
        printf("%st*%d", i > 0 ? "|" : "", layers[i]);
    }
    printf("%sL\"", m->mtp_layers > 0 ? "m*1" : "");
}

static void emit_stages(const fy_model *m, const fy_layout *l, const int *layers)
{
    int chunks = l->pp * l->vpp;
    bool written = layers != NULL || l->first_layers > 0;
    flag("tensor-model-parallel-size %d", l->tp);
    flag("pipeline-model-parallel-size %d", l->pp);
    flag("context-parallel-size %d", l->cp);
    if (layers != NULL) {
        emit_given(m, l, layers);
    } else if (l->first_layers > 0) {
        emit_uneven(m, l);
    } else if (l->pp > 1 && m->layers % chunks != 0) {
        if ((m->layers + 2) % chunks == 0) {
            flag("account-for-embedding-in-pipeline-split");
            flag("account-for-loss-in-pipeline-split");
        } else if ((m->layers + 1) % chunks == 0) {
            flag("account-for-loss-in-pipeline-split");
        } else {
            written = true;
            emit_uneven(m, l);
        }
    }
    if (l->vpp > 1) {
        if (!written) { /* else the written stages say it: Megatron-LM takes one of the two */
            flag("num-virtual-stages-per-pipeline-rank %d", l->vpp);
        }
        if (!(l->overlap & FY_OVERLAP_PP)) {
            flag("no-overlap-p2p-communication");
        }
    }
    flag("micro-batch-size %d", l->microbatch);
    if (l->seq_parallel) {
        flag("sequence-parallel");
    }
    if (l->overlap & FY_OVERLAP_TP) {
        flag("tp-comm-overlap");
    }
}

static void emit_memory(const fy_model *m, const fy_layout *l)
{
    static const char *const shards[] = {"no_shard", "optim", "optim_grads", "optim_grads_params"};
    if (l->recompute == FY_RECOMPUTE_FULL) {
        flag("recompute-granularity full");
        flag("recompute-method %s", l->recompute_layers > 0 ? "block" : "uniform");
        flag("recompute-num-layers %d", l->recompute_layers > 0 ? l->recompute_layers : 1);
    } else if (l->recompute == FY_RECOMPUTE_SELECTIVE) {
        flag("recompute-granularity selective");
        if (m->attention == FY_MLA) { /* as activation.c has it */
            flag("recompute-modules core_attn mla_up_proj%s", m->experts > 0 ? " moe_act" : "");
        }
    }
    if (l->zero >= 2) {
        flag("use-megatron-fsdp");
        flag("data-parallel-sharding-strategy %s", shards[l->zero]);
    }
    if (l->zero >= 1) {
        flag("use-distributed-optimizer");
    }
    if (l->overlap & FY_OVERLAP_EP) {
        flag("overlap-moe-expert-parallel-comm");
    }
    if (l->overlap & FY_OVERLAP_DP) {
        flag("overlap-grad-reduce");
        if (l->zero >= 1) {
            flag("overlap-param-gather");
        }
    }
}

static void emit_precision(fy_precision precision)
{
    switch (precision) {
    case FY_PREC_FP16:
        flag("fp16");
        break;
    case FY_PREC_FP8:
        flag("bf16");
        flag("fp8-format hybrid");
        break;
    case FY_PREC_BF16:
    case FY_PREC_BF16_PURE:
        flag("bf16");
        break;
    case FY_PREC_FP32:
    case FY_PREC_TF32:
    case FY_N_PRECISIONS:
        break;
    }
    flag("use-flash-attn");
}

int plan_emit(const plan_question *q, const plan_answer *a)
{
    return plan_emit_stages(q, a, NULL);
}

int plan_emit_stages(const plan_question *q, const plan_answer *a, const int *layers)
{
    const fy_layout *l = &a->found.top[0].layout;
    int per_node = a->cluster.per_node < a->devices ? a->cluster.per_node : a->devices;
    if (l->schedule == FY_ZERO_BUBBLE) {
        return cli_fail(CLI_NO, "Megatron-LM has no zero-bubble schedule");
    }
    if (q->workload->kind != FY_LANGUAGE || q->model.lora_rank > 0) {
        return cli_fail(CLI_NO, "%s is no language model that pretrain_gpt.py trains",
                        q->workload->id);
    }
    printf("torchrun --nproc-per-node %d --nnodes %d pretrain_gpt.py", per_node,
           (a->devices + per_node - 1) / per_node);
    emit_stages(&q->model, l, layers);
    emit_shape(&q->model, q->batch);
    emit_mixture(&q->model, l, l->ep > per_node);
    emit_memory(&q->model, l);
    emit_precision(q->precision);
    puts("");
    return CLI_OK;
}
