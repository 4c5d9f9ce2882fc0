/* SPDX-License-Identifier: MIT */
/*
 * The search against an oracle: plain loops over every number, the rules written out a second time
 * and the explaining evaluator. Bounds and tables may save work, never change a bit.
 */
#include "model/settle.h"
#include "search_questions.h"

enum { N_CASES = 240 };

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
    bool flash = s->attention == FY_ATTN_FLASH1 || s->attention == FY_ATTN_FLASH2 ||
                 s->attention == FY_ATTN_FLASH3;
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
    if (q->spec.pins.first_layers != FY_FREE) {
        int rest = m->layers - q->spec.pins.first_layers - q->spec.pins.last_layers;
        int each = (l->pp - 2) * l->vpp;
        if (l->pp == 1 || (l->pp == 2 && rest) || rest < each ||
            (l->vpp > 1 && l->pp > 2 && rest % each)) {
            return false;
        }
    } else if (l->vpp > 1 && (l->pp == 1 || (m->layers % chunks && (m->layers + 1) % chunks &&
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
    bool link = q->chip.link_bytes_per_s.mid > 0 || l->tp > q->cluster.per_node;
    can &= ~(unsigned)(l->tp > 1 && link ? 0 : FY_OVERLAP_TP);
    can &= ~(unsigned)(l->ep > 1 ? 0 : FY_OVERLAP_EP);
    can &= ~(unsigned)(l->pp > 1 ? 0 : FY_OVERLAP_PP);
    can &= ~(unsigned)(l->dp * l->cp > 1 ? 0 : FY_OVERLAP_DP);
    return (l->overlap & ~can) == 0;
}

static bool runs(const question *q, const fy_layout *l)
{
    int microbatches = l->global_batch / l->dp / l->microbatch;
    if (l->recompute_layers > 0 && l->recompute_layers >= fy_largest_chunk(&q->model, l)) {
        return false;
    }
    return (l->vpp == 1 || microbatches % l->pp == 0) && l->tp <= q->cluster.per_node &&
           (l->zero <= 1 || l->zero <= q->spec.stack->zero || q->spec.pins.zero != FY_FREE);
}

static fy_estimate estimate_of(const question *q, const fy_layout *l)
{
    fy_err err = {0};
    fy_estimate e;
    if (fy_plan_estimate(&e, &q->model, l, &q->cluster, q->spec.stack, &q->constants, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return e;
}

/* The fastest that fits, however many layers are computed again; a tie goes to fewer. Of some
 * layouts all numbers are tried, of the others the first that fits and two more. */
static bool fastest(const question *q, fy_ranked *out, fy_layout l)
{
    const fy_pins *p = &q->spec.pins;
    bool fewest =
        l.recompute == FY_RECOMPUTE_FULL &&
        (p->recompute_layers == FY_FEWEST || (p->recompute == FY_FREE && p->recompute_layers < 0));
    int all = fewest ? fy_largest_chunk(&q->model, &l) : 1;
    bool found = false;
    int most = all;
    for (int k = 1; k <= most; k++) {
        if (fewest) {
            l.recompute_layers = k % all;
        }
        fy_estimate e = estimate_of(q, &l);
        if (e.memory.fits && (!found || e.step_s < out->estimate.step_s)) {
            bool every = l.microbatch == 1 && l.overlap == 0;
            most = found || every || k + 2 > all ? most : k + 2;
            out->layout = l;
            out->estimate = e;
            found = true;
        }
    }
    return found;
}

/* As balanced if that fits, else as pipeline.h deals it. */
static void deal(const question *q, fy_layout *l)
{
    fy_costing c = fy_costing_make(&q->model, &q->cluster, q->spec.stack, &q->constants);
    fy_slice slice = fy_slice_of(l);
    fy_parts parts = fy_parts_cost(&c, &slice);
    fy_layer_costs costs = fy_layer_costs_of(&c, &parts);
    const fy_pins *p = &q->spec.pins;
    if (l->pp > 1 && p->first_layers != FY_FREE) {
        l->first_layers = p->first_layers;
        l->last_layers = p->last_layers;
    } else if (l->pp > 1) {
        fy_layout_balance(l, &q->model, &costs);
    }
    if (p->recompute_layers > 0) {
        bool all = p->recompute_layers == fy_largest_chunk(&q->model, l);
        l->recompute_layers = all ? 0 : p->recompute_layers;
    }
}

static void oracle_try(oracle *o, fy_layout *layout)
{
    const question *q = o->q;
    fy_layout dealt = *layout;
    fy_layout *l = &dealt;
    fy_ranked r;
    memset(&r, 0, sizeof r);
    deal(q, l);
    o->space++;
    if (!runs(q, l)) {
        o->refused++;
        return;
    }
    bool found = fastest(q, &r, *l);
    if (!found && l->first_layers > 0 && q->spec.pins.first_layers == FY_FREE) {
        l->first_layers = l->last_layers = 0;
        found = fastest(q, &r, *l);
    }
    if (!found) {
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
            if (!in_pin(o->q->spec.pins.recompute, recompute) ||
                (o->q->spec.pins.recompute_layers != FY_FREE && recompute != FY_RECOMPUTE_FULL)) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_oracle),
        cmocka_unit_test(test_every_divisor),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
