/* SPDX-License-Identifier: MIT */
/* Seeded questions to the search, and equality of its answers to the last bit. */
#ifndef FUYAO_TESTS_SEARCH_QUESTIONS_H
#define FUYAO_TESTS_SEARCH_QUESTIONS_H

#include "base/rng.h"
#include "fuyao/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    fy_catalog *catalog;
    fy_stacks *stacks;
} world;

/* One question; points into itself, so it stays where it is. */
typedef struct question {
    fy_model model;
    fy_chip chip;
    fy_cluster cluster;
    fy_constants constants;
    fy_search_spec spec;
} question;

static inline int setup(void **state)
{
    static world w;
    const char *data = getenv("FUYAO_DATA");
    fy_err err = {0};
    assert_non_null(data);
    assert_int_equal(fy_catalog_load(&w.catalog, data, &err), 0);
    assert_int_equal(fy_stacks_load(&w.stacks, data, &err), 0);
    *state = &w;
    return 0;
}

static inline int teardown(void **state)
{
    world *w = *state;
    fy_catalog_free(w->catalog);
    fy_stacks_free(w->stacks);
    return 0;
}

static inline int pick(fy_rng *rng, const int *values, int n)
{
    return values[fy_rng_below(rng, (uint64_t)n)];
}

#define PICK(rng, ...)                                                                             \
    pick(rng, (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))

static inline fy_model random_model(fy_rng *rng)
{
    fy_model m = {.layers = PICK(rng, 4, 6, 7, 8, 12, 14, 16, 24, 30),
                  .heads = PICK(rng, 4, 6, 8, 12, 16, 32),
                  .head_dim = PICK(rng, 64, 128),
                  .seq_len = PICK(rng, 512, 1024, 2048, 4096),
                  .vocab = PICK(rng, 32000, 51200),
                  .causal = true,
                  .position = FY_ROTARY};
    m.hidden = m.heads * m.head_dim;
    m.kv_heads = fy_rng_below(rng, 2) ? m.heads : m.heads / 2;
    m.attention = m.kv_heads == m.heads ? FY_MHA : FY_GQA;
    m.gated = fy_rng_below(rng, 2);
    m.ffn = m.hidden * PICK(rng, 3, 4);
    m.tied = fy_rng_below(rng, 2);
    if (fy_rng_below(rng, 3) == 0) {
        m.experts = PICK(rng, 4, 8, 16);
        m.experts_per_token = 2;
        m.expert_ffn = m.ffn / 2;
        m.shared_experts = PICK(rng, 0, 1);
        m.dense_layers = PICK(rng, 0, 1, 3);
    }
    return m;
}

static inline fy_pins random_pins(fy_rng *rng)
{
    fy_pins p = fy_pins_none();
    if (fy_rng_below(rng, 4) == 0) {
        p.recompute = (int)fy_rng_below(rng, FY_N_RECOMPUTES);
    }
    if (fy_rng_below(rng, 8) == 0) {
        p.recompute = FY_RECOMPUTE_FULL;
        p.recompute_layers = PICK(rng, FY_FEWEST, 0, 1, 2, 3);
    }
    if (fy_rng_below(rng, 12) == 0) {
        p.first_layers = PICK(rng, 1, 2);
        p.last_layers = PICK(rng, 1, 2);
    }
    if (fy_rng_below(rng, 6) == 0) {
        p.zero = PICK(rng, 0, 1, 3);
    }
    if (fy_rng_below(rng, 6) == 0) {
        p.overlap = (int)fy_rng_below(rng, 8);
    }
    if (fy_rng_below(rng, 8) == 0) {
        p.schedule = FY_ZERO_BUBBLE;
    }
    return p;
}

static inline void random_question(question *q, const world *w, fy_rng *rng)
{
    static const char *const chips[] = {"a100-80-sxm4", "h100-sxm5", "h800-sxm5", "h20-96-sxm5",
                                        "l20"};
    const fy_stack *stack =
        fy_stacks_at(w->stacks, (int)fy_rng_below(rng, (uint64_t)fy_stacks_count(w->stacks)));
    q->model = random_model(rng);
    q->chip = *fy_catalog_find_chip(w->catalog, chips[fy_rng_below(rng, 5)]);
    if (fy_rng_below(rng, 3) == 0) { /* tight, so that memory decides */
        q->chip.memory_bytes.mid *= 0.1 + 0.4 * fy_rng_unit(rng);
    }
    q->cluster = (fy_cluster){.chip = &q->chip,
                              .devices = PICK(rng, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64),
                              .per_node = PICK(rng, 4, 8),
                              .nic_bytes_per_s = PICK(rng, 25, 100, 400) * 1e9,
                              .power_cap_w = NAN};
    q->constants = fy_stacks_constants(w->stacks, stack, &q->chip, NULL);
    q->spec = (fy_search_spec){.model = &q->model,
                               .cluster = &q->cluster,
                               .stack = stack,
                               .constants = &q->constants,
                               .global_batch = PICK(rng, 8, 16, 24, 32, 48),
                               .precision = fy_rng_below(rng, 4) ? FY_PREC_BF16 : FY_PREC_FP16,
                               .pins = random_pins(rng),
                               .objective = (fy_objective)fy_rng_below(rng, FY_N_OBJECTIVES),
                               .prices = {1.5 * fy_rng_unit(rng), 0.1, 1.3, 200},
                               .top = PICK(rng, 1, 3, 20),
                               .distinct = (fy_distinct)fy_rng_below(rng, 2),
                               .front = fy_rng_below(rng, 2)};
}

static inline bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static inline void assert_same_estimate(const fy_estimate *a, const fy_estimate *b)
{
    assert_true(same_bits(a->step_s, b->step_s));
    assert_true(same_bits(a->low_s, b->low_s) && same_bits(a->high_s, b->high_s));
    for (int i = 0; i < FY_N_TERMS; i++) {
        assert_true(same_bits(a->term_s[i], b->term_s[i]));
    }
    for (int i = 0; i < FY_N_MEMORY_TERMS; i++) {
        assert_true(same_bits(a->memory.bytes[i], b->memory.bytes[i]));
    }
    assert_true(same_bits(a->memory.device_used, b->memory.device_used));
    assert_true(same_bits(a->device_w, b->device_w) && same_bits(a->energy_j, b->energy_j));
    assert_true(same_bits(a->mfu, b->mfu) && same_bits(a->tokens_per_s, b->tokens_per_s));
}

static inline void assert_same_ranked(const fy_ranked *a, const fy_ranked *b)
{
    assert_int_equal(fy_layout_order(&a->layout, &b->layout), 0);
    assert_true(same_bits(a->value, b->value));
    assert_same_estimate(&a->estimate, &b->estimate);
}

#endif
