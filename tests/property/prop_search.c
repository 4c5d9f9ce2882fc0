/* SPDX-License-Identifier: MIT */
/*
 * The search against an oracle: plain loops over every number, the rules written out a second time
 * and the explaining evaluator. Bounds and tables may save work, never change a bit.
 */
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

enum { N_CASES = 240, N_INVARIANTS = 60, N_LAYOUTS = 10000 };

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

static int setup(void **state)
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

static int teardown(void **state)
{
    world *w = *state;
    fy_catalog_free(w->catalog);
    fy_stacks_free(w->stacks);
    return 0;
}

/* ------------------------------------------------------------------------------- questions */

static int pick(fy_rng *rng, const int *values, int n)
{
    return values[fy_rng_below(rng, (uint64_t)n)];
}

#define PICK(rng, ...)                                                                             \
    pick(rng, (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))

static fy_model random_model(fy_rng *rng)
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

static fy_pins random_pins(fy_rng *rng)
{
    fy_pins p = fy_pins_none();
    if (fy_rng_below(rng, 4) == 0) {
        p.recompute = (int)fy_rng_below(rng, FY_N_RECOMPUTES);
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

static void random_question(question *q, const world *w, fy_rng *rng)
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

/* ------------------------------------------------------------------------------- oracle */

typedef struct oracle {
    const question *q;
    fy_ranked *all; /* [n], every layout that fits */
    int n, room;
    int64_t space, refused, too_big;
} oracle;

static bool in_pin(int pin, int value)
{
    return pin == FY_FREE || pin == value;
}

/* docs/plan.md, rules; pins of degrees are not drawn here. */
static bool rules(const question *q, const fy_layout *l)
{
    const fy_model *m = &q->model;
    const fy_stack *s = q->spec.stack;
    int devices = q->cluster.devices;
    int per_node = q->cluster.per_node;
    bool flash = s->attention == FY_ATTN_FLASH2 || s->attention == FY_ATTN_FLASH3;
    if (m->heads % l->tp || (m->kv_heads % l->tp && l->tp % m->kv_heads) || m->ffn % l->tp) {
        return false;
    }
    if (devices > per_node && per_node % l->tp && l->tp % per_node) {
        return false;
    }
    if (l->cp > 1 && (!flash || m->seq_len % (2 * l->cp) || m->seq_len / (2 * l->cp) < 64)) {
        return false;
    }
    if (m->experts == 0 ? l->ep != 1 : m->experts % l->ep || (l->dp * l->cp * l->tp) % l->ep) {
        return false;
    }
    if (m->experts > 0 && l->ep == 1 && m->expert_ffn % l->tp) {
        return false;
    }
    if (l->pp > m->layers || l->global_batch % l->dp || l->global_batch / l->dp % l->microbatch) {
        return false;
    }
    int chunks = l->pp * l->vpp;
    if (l->vpp > 1 && (l->pp == 1 || (m->layers % chunks && (m->layers + 1) % chunks &&
                                      (m->layers + 2) % chunks))) {
        return false;
    }
    return !l->seq_parallel || (l->tp > 1 && s->seq_parallel && m->seq_len / l->cp % l->tp == 0);
}

static bool zero_rule(const question *q, const fy_layout *l)
{
    const fy_stack *s = q->spec.stack;
    if (q->spec.pins.zero != FY_FREE) {
        return l->zero == q->spec.pins.zero;
    }
    int first = s->shards_weights ? 2 : 0;
    int last = s->zero > 0 ? 3 : 0;
    return l->zero >= first && l->zero <= last && (l->dp * l->cp > 1 || l->zero == first);
}

static bool overlap_rule(const question *q, const fy_layout *l)
{
    if (q->spec.pins.overlap != FY_FREE) {
        return l->overlap == (unsigned)q->spec.pins.overlap;
    }
    unsigned can = q->spec.stack->overlap;
    can &= ~(unsigned)(l->tp > 1 ? 0 : FY_OVERLAP_TP);
    can &= ~(unsigned)(l->ep > 1 ? 0 : FY_OVERLAP_EP);
    can &= ~(unsigned)(l->pp > 1 ? 0 : FY_OVERLAP_PP);
    can &= ~(unsigned)(l->dp * l->cp > 1 ? 0 : FY_OVERLAP_DP);
    return (l->overlap & ~can) == 0;
}

static bool runs(const question *q, const fy_layout *l)
{
    int microbatches = l->global_batch / l->dp / l->microbatch;
    return (l->vpp == 1 || microbatches % l->pp == 0) && l->tp <= q->cluster.per_node &&
           (l->zero <= 1 || l->zero <= q->spec.stack->zero || q->spec.pins.zero != FY_FREE);
}

static void oracle_try(oracle *o, const fy_layout *l)
{
    const question *q = o->q;
    fy_err err = {0};
    fy_ranked r = {.layout = *l};
    o->space++;
    if (!runs(q, l)) {
        o->refused++;
        return;
    }
    assert_int_equal(fy_plan_estimate(&r.estimate, &q->model, l, &q->cluster, q->spec.stack,
                                      &q->constants, &err),
                     0);
    if (!r.estimate.memory.fits) {
        o->too_big++;
        return;
    }
    const fy_prices *p = &q->spec.prices;
    r.value = q->spec.objective == FY_BY_TIME ? r.estimate.step_s
              : q->spec.objective == FY_BY_ENERGY
                  ? fy_site_energy_j(&r.estimate, p, q->cluster.devices)
                  : fy_step_money(&r.estimate, p, q->cluster.devices);
    if (o->n == o->room) {
        o->room = o->room ? 2 * o->room : 1024;
        o->all = realloc(o->all, (size_t)o->room * sizeof *o->all);
        assert_non_null(o->all);
    }
    o->all[o->n++] = r;
}

static void oracle_rest(oracle *o, fy_layout l)
{
    for (int sp = 0; sp <= 1; sp++) {
        l.seq_parallel = sp != 0;
        if (!rules(o->q, &l)) {
            continue;
        }
        for (int recompute = 0; recompute < FY_N_RECOMPUTES; recompute++) {
            l.recompute = (fy_recompute)recompute;
            if (!in_pin(o->q->spec.pins.recompute, recompute)) {
                continue;
            }
            for (l.zero = 0; l.zero <= 3; l.zero++) {
                for (l.overlap = 0; l.overlap < 16; l.overlap++) {
                    if (zero_rule(o->q, &l) && overlap_rule(o->q, &l)) {
                        oracle_try(o, &l);
                    }
                }
            }
        }
    }
}

static void oracle_shapes(oracle *o, fy_layout l)
{
    int rest = o->q->cluster.devices / l.tp / l.cp;
    for (l.pp = 1; l.pp <= rest && l.pp <= o->q->model.layers; l.pp++) {
        if (rest % l.pp) {
            continue;
        }
        l.dp = rest / l.pp;
        for (l.ep = 1; l.ep <= (o->q->model.experts ? o->q->model.experts : 1); l.ep++) {
            for (l.microbatch = 1; l.microbatch <= l.global_batch; l.microbatch++) {
                if (l.global_batch % (l.microbatch * l.dp)) {
                    continue;
                }
                for (l.vpp = 1; l.vpp * l.pp <= o->q->model.layers + 2; l.vpp++) {
                    oracle_rest(o, l);
                }
            }
        }
    }
}

static int by_value(const void *a, const void *b)
{
    const fy_ranked *x = a;
    const fy_ranked *y = b;
    if (x->value < y->value || y->value < x->value) {
        return x->value < y->value ? -1 : 1;
    }
    return fy_layout_order(&x->layout, &y->layout);
}

static oracle oracle_run(const question *q)
{
    oracle o = {.q = q};
    fy_layout l = {.global_batch = q->spec.global_batch,
                   .precision = q->spec.precision,
                   .schedule = q->spec.pins.schedule == FY_ZERO_BUBBLE ? FY_ZERO_BUBBLE : FY_1F1B};
    for (l.tp = 1; l.tp <= q->cluster.devices; l.tp++) {
        for (l.cp = 1; l.cp <= q->cluster.devices / l.tp; l.cp++) {
            if (q->cluster.devices % (l.tp * l.cp) == 0) {
                oracle_shapes(&o, l);
            }
        }
    }
    if (o.n > 0) {
        qsort(o.all, (size_t)o.n, sizeof *o.all, by_value);
    }
    return o;
}

/* ------------------------------------------------------------------------------- comparing */

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void assert_same_estimate(const fy_estimate *a, const fy_estimate *b)
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

static void assert_same_ranked(const fy_ranked *a, const fy_ranked *b)
{
    assert_int_equal(fy_layout_order(&a->layout, &b->layout), 0);
    assert_true(same_bits(a->value, b->value));
    assert_same_estimate(&a->estimate, &b->estimate);
}

static bool same_shape(const fy_layout *a, const fy_layout *b)
{
    return a->tp == b->tp && a->pp == b->pp && a->dp == b->dp && a->cp == b->cp && a->ep == b->ep;
}

static void assert_top(const oracle *o, const fy_search_result *r)
{
    int at = 0;
    for (int i = 0; i < o->n && at < o->q->spec.top; i++) {
        bool seen = false;
        for (int k = 0; k < i && o->q->spec.distinct == FY_DISTINCT_SHAPE; k++) {
            seen = seen || same_shape(&o->all[k].layout, &o->all[i].layout);
        }
        if (!seen) {
            assert_true(at < r->n_top);
            assert_same_ranked(&r->top[at++], &o->all[i]);
        }
    }
    assert_int_equal(r->n_top, at);
}

/* Every member of the front is beaten by none, and every layout that is beaten by none is like one
 * of its members. */
static void assert_front(const oracle *o, const fy_search_result *r)
{
    for (int i = 0; i < o->n; i++) {
        const fy_estimate *e = &o->all[i].estimate;
        bool beaten = false;
        bool there = false;
        for (int k = 0; k < r->n_front; k++) {
            const fy_estimate *f = &r->front[k].estimate;
            beaten = beaten || (f->step_s <= e->step_s && f->energy_j <= e->energy_j);
            there =
                there || (same_bits(f->step_s, e->step_s) && same_bits(f->energy_j, e->energy_j));
        }
        assert_true(beaten || there);
    }
    for (int k = 1; k < r->n_front; k++) {
        assert_true(r->front[k - 1].estimate.step_s < r->front[k].estimate.step_s);
        assert_true(r->front[k - 1].estimate.energy_j > r->front[k].estimate.energy_j);
    }
}

/* Oracle, brute force and bounds on one question; returns the layouts that fit. */
static int compare(question *q)
{
    fy_err err = {0};
    fy_search_result all;
    fy_search_result bounded;
    oracle o = oracle_run(q);
    q->spec.effort = FY_BRUTE_FORCE;
    assert_int_equal(fy_search_run(&all, &q->spec, &err), 0);
    q->spec.effort = FY_BOUNDED;
    assert_int_equal(fy_search_run(&bounded, &q->spec, &err), 0);
    assert_null(all.unknown);
    assert_true(all.counts.space == o.space && bounded.counts.space == o.space);
    assert_true(all.counts.refused == o.refused && all.counts.too_big == o.too_big);
    assert_true(all.counts.evaluated == o.n && all.counts.skipped == 0);
    assert_top(&o, &all);
    assert_top(&o, &bounded);
    if (q->spec.front) {
        assert_front(&o, &all);
        assert_front(&o, &bounded);
        assert_int_equal(all.n_front, bounded.n_front);
        for (int i = 0; i < all.n_front; i++) {
            assert_same_ranked(&all.front[i], &bounded.front[i]);
        }
    }
    assert_int_equal(all.has_closest, bounded.has_closest);
    assert_int_equal(all.has_closest, o.n == 0 && o.too_big > 0);
    if (all.has_closest) {
        assert_int_equal(fy_layout_order(&all.closest.layout, &bounded.closest.layout), 0);
        assert_same_estimate(&all.closest.estimate, &bounded.closest.estimate);
    }
    int n = o.n;
    free(o.all);
    fy_search_free(&all);
    fy_search_free(&bounded);
    return n;
}

/* ------------------------------------------------------------------------------- tests */

static void test_equals_oracle(void **state)
{
    int some = 0;
    for (int i = 0; i < N_CASES; i++) {
        fy_rng rng = fy_rng_stream(1, (uint64_t)i);
        question q;
        random_question(&q, *state, &rng);
        some += compare(&q) > 0;
    }
    print_message("# %d of %d cases have layouts that fit\n", some, N_CASES);
    assert_true(some >= 200);
}

static void small_question(question *q, const world *w, const fy_model *model)
{
    fy_rng rng = fy_rng_seed(7);
    random_question(q, w, &rng);
    q->model = *model;
    q->chip = *fy_catalog_find_chip(w->catalog, "a100-80-sxm4");
    q->cluster.per_node = 8;
    q->spec.stack = fy_stacks_find(w->stacks, "megatron-core");
    q->constants = fy_stacks_constants(w->stacks, q->spec.stack, &q->chip, NULL);
    q->spec.pins = fy_pins_none();
    q->spec.objective = FY_BY_TIME;
    q->spec.top = 3;
    q->spec.front = true;
}

/* Every count of devices that divides 48 with every batch that divides 48. */
static void test_every_divisor(void **state)
{
    const fy_model models[] = {
        {.layers = 12,
         .hidden = 1536,
         .heads = 12,
         .kv_heads = 12,
         .head_dim = 128,
         .ffn = 6144,
         .seq_len = 1024,
         .vocab = 51200,
         .tied = true,
         .causal = true,
         .bias = true,
         .position = FY_POSITION_LEARNED},
        {.layers = 6,
         .hidden = 1024,
         .heads = 8,
         .kv_heads = 4,
         .head_dim = 128,
         .ffn = 3072,
         .gated = true,
         .seq_len = 1024,
         .vocab = 32000,
         .causal = true,
         .position = FY_ROTARY,
         .norm = FY_RMS_NORM,
         .attention = FY_GQA,
         .experts = 8,
         .experts_per_token = 2,
         .expert_ffn = 1536,
         .dense_layers = 1},
    };
    int some = 0;
    for (int k = 0; k < 2; k++) {
        for (int devices = 1; devices <= 48; devices++) {
            for (int batch = 1; batch <= 48; batch++) {
                if (48 % devices || 48 % batch) {
                    continue;
                }
                question q;
                small_question(&q, *state, &models[k]);
                q.cluster.devices = devices;
                q.spec.global_batch = batch;
                some += compare(&q) > 0;
            }
        }
    }
    assert_true(some >= 100);
}

/* What the search composes from its table is what the explaining evaluator computes. */
static void test_same_as_estimate(void **state)
{
    int n = 0;
    for (int i = 0; n < N_LAYOUTS; i++) {
        fy_rng rng = fy_rng_stream(2, (uint64_t)i);
        fy_search_result r;
        question q;
        random_question(&q, *state, &rng);
        q.spec.top = FY_MAX_TOP;
        q.spec.distinct = FY_DISTINCT_LAYOUT;
        assert_int_equal(fy_search_run(&r, &q.spec, NULL), 0);
        for (int k = 0; k < r.n_top; k++) {
            fy_estimate e;
            assert_int_equal(fy_plan_estimate(&e, &q.model, &r.top[k].layout, &q.cluster,
                                              q.spec.stack, &q.constants, NULL),
                             0);
            assert_same_estimate(&e, &r.top[k].estimate);
        }
        n += r.n_top;
        fy_search_free(&r);
    }
    print_message("# %d layouts\n", n);
}

static double best_of(question *q)
{
    fy_search_result r;
    assert_int_equal(fy_search_run(&r, &q->spec, NULL), 0);
    double best = r.n_top > 0 ? r.top[0].value : (double)INFINITY;
    fy_search_free(&r);
    return best;
}

/* More of what a device has never makes the best step slower. */
static void test_more_is_no_worse(void **state)
{
    for (int i = 0; i < N_INVARIANTS; i++) {
        fy_rng rng = fy_rng_stream(3, (uint64_t)i);
        question q;
        random_question(&q, *state, &rng);
        q.spec.objective = FY_BY_TIME;
        double before = best_of(&q);
        double more = 1 + 3 * fy_rng_unit(&rng);
        int n =
            q.model.experts > 0 ? 4 : 5; /* experts' gradients hide behind the same work twice */
        for (int which = 0; which < n; which++) {
            question better = q;
            better.cluster.chip = &better.chip;
            better.spec.model = &better.model;
            better.spec.cluster = &better.cluster;
            better.spec.constants = &better.constants;
            double *const what[] = {&better.chip.memory_bytes_per_s.mid,
                                    &better.chip.link_bytes_per_s.mid,
                                    &better.cluster.nic_bytes_per_s, &better.chip.memory_bytes.mid,
                                    &better.constants.value[FY_C_MATMUL]};
            *what[which] *= more;
            double after = best_of(&better);
            if (!(after <= before * (1 + 1e-12))) {
                fail_msg("case %d, which %d: %.17g became %.17g", i, which, before, after);
            }
        }
    }
}

/* One more device is never worse by time, as some may stay idle. */
static void test_one_more_device(void **state)
{
    for (int i = 0; i < 20; i++) {
        fy_rng rng = fy_rng_stream(5, (uint64_t)i);
        double last = (double)INFINITY;
        question q;
        random_question(&q, *state, &rng);
        q.spec.objective = FY_BY_TIME;
        q.spec.pins = fy_pins_none();
        for (int n = 1; n <= 20; n++) {
            fy_search_result all;
            q.cluster.devices = n;
            assert_int_equal(fy_search_run(&all, &q.spec, NULL), 0);
            q.cluster.devices = fy_search_fewer(&q.spec, &all, 1);
            double now = best_of(&q);
            assert_true(q.cluster.devices <= n && now <= last);
            last = now;
            fy_search_free(&all);
        }
    }
}

/* The count of the space needs no visit and knows the pins. */
static void test_pins_and_count(void **state)
{
    for (int i = 0; i < N_INVARIANTS; i++) {
        fy_rng rng = fy_rng_stream(4, (uint64_t)i);
        question q;
        fy_search_result r;
        random_question(&q, *state, &rng);
        assert_int_equal(fy_search_run(&r, &q.spec, NULL), 0);
        int64_t n = 0;
        assert_int_equal(fy_search_count(&n, &q.spec, NULL), 0);
        assert_true(n == r.counts.space);
        if (r.n_top > 0) { /* fixing the best leaves the best */
            const fy_layout *l = &r.top[0].layout;
            fy_search_result again;
            q.spec.pins = (fy_pins){l->tp,           l->pp,   l->dp,           l->ep,
                                    l->cp,           l->vpp,  l->microbatch,   (int)l->recompute,
                                    l->seq_parallel, l->zero, (int)l->overlap, (int)l->schedule};
            assert_int_equal(fy_search_run(&again, &q.spec, NULL), 0);
            assert_int_equal(again.n_top, 1);
            assert_same_ranked(&again.top[0], &r.top[0]);
            fy_search_free(&again);
        }
        fy_search_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_oracle),    cmocka_unit_test(test_every_divisor),
        cmocka_unit_test(test_same_as_estimate), cmocka_unit_test(test_more_is_no_worse),
        cmocka_unit_test(test_pins_and_count),   cmocka_unit_test(test_one_more_device),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
