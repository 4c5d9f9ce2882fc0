/* SPDX-License-Identifier: MIT */
/* Seeded questions to the search over mixed devices. */
#ifndef FUYAO_TESTS_MIXED_QUESTIONS_H
#define FUYAO_TESTS_MIXED_QUESTIONS_H

#include "fuyao/mixed.h"
#include "search_questions.h"

/* Types of a question; points into itself, so it stays where it is. */
typedef struct mixed_question {
    fy_model model;
    fy_chip chip[FY_MAX_TYPES];
    fy_mixed_spec spec;
} mixed_question;

static inline fy_model small_model(fy_rng *rng)
{
    fy_model m = random_model(rng);
    m.layers = PICK(rng, 3, 4, 5, 6);
    m.heads = PICK(rng, 2, 4);
    m.kv_heads = PICK(rng, 1, 2);
    m.hidden = m.heads * m.head_dim * PICK(rng, 4, 16, 32); /* much work, so that mixing pays */
    m.attention = m.kv_heads == m.heads ? FY_MHA : FY_GQA;
    m.ffn = m.hidden * 4;
    m.seq_len = PICK(rng, 128, 4096, 8192);
    if (m.experts > 0) {
        m.experts = 4;
        m.dense_layers = PICK(rng, 0, 1, 2);
        m.expert_ffn = m.ffn / 2;
    }
    return m;
}

static inline void set_type(mixed_question *q, const world *w, fy_rng *rng, int k, const char *id)
{
    fy_mixed_type *t = &q->spec.types[k];
    q->chip[k] = *fy_catalog_find_chip(w->catalog, id);
    double memory = fy_rng_below(rng, 3) == 0 ? 0.1 + fy_rng_unit(rng) : 1 + 9 * fy_rng_unit(rng);
    q->chip[k].memory_bytes.mid *= memory;
    t->cluster = (fy_cluster){.chip = &q->chip[k],
                              .devices = 1,
                              .per_node = PICK(rng, 2, 4, 8),
                              .nic_bytes_per_s = PICK(rng, 25, 400, 4000) * 1e9,
                              .power_cap_w = NAN};
    t->constants = fy_stacks_constants(w->stacks, q->spec.stack, &q->chip[k], NULL);
    t->prices = (fy_prices){0.5 + fy_rng_unit(rng), 0.1, 1.3, 200};
}

/* Few enough plans for an oracle: the more devices, the more is fixed. */
static inline void random_mixed(mixed_question *q, const world *w, fy_rng *rng)
{
    static const char *const chips[] = {"a100-80-sxm4", "h800-sxm5", "h20-96-sxm5", "l20"};
    int first = (int)fy_rng_below(rng, 4);
    int n = PICK(rng, 1, 2, 2, 2, 3);
    q->model = small_model(rng);
    q->spec = (fy_mixed_spec){.model = &q->model, .pins = fy_pins_none(), .n_types = n};
    q->spec.stack =
        fy_stacks_at(w->stacks, (int)fy_rng_below(rng, (uint64_t)fy_stacks_count(w->stacks)));
    q->spec.global_batch = n < 3 ? PICK(rng, 4, 6, 8) : PICK(rng, 3, 4);
    q->spec.precision = fy_rng_below(rng, 4) ? FY_PREC_BF16 : FY_PREC_FP16;
    q->spec.objective =
        (fy_objective)PICK(rng, FY_BY_TIME, FY_BY_TIME, FY_BY_TIME, FY_BY_ENERGY, FY_BY_MONEY);
    bool time = q->spec.objective == FY_BY_TIME;
    q->spec.pins.recompute = n == 1 ? FY_FREE : (int)fy_rng_below(rng, FY_N_RECOMPUTES);
    q->spec.pins.seq_parallel = n < 3 && time ? FY_FREE : 0;
    q->spec.pins.zero = time || n == 1 ? FY_FREE : q->spec.stack->zero;
    q->spec.pins.schedule = fy_rng_below(rng, 4) ? FY_FREE : FY_ZERO_BUBBLE;
    if (n == 3) {
        q->spec.pins.microbatch = 1;
    }
    for (int k = 0; k < n; k++) {
        set_type(q, w, rng, k, chips[(first + k) % 4]);
        if (fy_rng_below(rng, 5) == 0) {
            q->chip[k].vendor = "another";
        }
        q->spec.types[k].cluster.devices = n == 1   ? PICK(rng, 5, 12, 17, 64)
                                           : n == 3 ? PICK(rng, 1, 2, 3, 4)
                                           : time   ? PICK(rng, 1, 3, 4, 6, 8)
                                                    : PICK(rng, 1, 2, 3, 4);
    }
    if (fy_rng_below(rng, 5) == 0) { /* values that every rule allows */
        q->spec.pins.tp = PICK(rng, FY_FREE, 1, 2);
        q->spec.pins.cp = PICK(rng, FY_FREE, 1);
        q->spec.pins.ep = PICK(rng, FY_FREE, 1);
    }
    if (n == 2 && time && fy_rng_below(rng, 4) == 0) {
        q->spec.types[1].cluster.devices = PICK(rng, 24, 40, 56);
        q->spec.pins.microbatch = 1;
        q->spec.pins.seq_parallel = 0;
    }
}

#endif
