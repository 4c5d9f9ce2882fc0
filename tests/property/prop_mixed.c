/* SPDX-License-Identifier: MIT */
/*
 * The search over mixed devices against an oracle: plain loops over every plan of the class, the
 * rules written out a second time, each plan estimated by itself. Bounds may save work, never
 * change the optimum.
 */
#include "fuyao/mixed.h"
#include "search_questions.h"

enum { N_CASES = 400, N_INVARIANTS = 40, MAX_OPTIONS = 4000 };
static const double rounding = 1e-12; /* sums of equal plans in another order */

/* Types of a question; points into itself, so it stays where it is. */
typedef struct mixed_question {
    fy_model model;
    fy_chip chip[FY_MAX_TYPES];
    fy_mixed_spec spec;
} mixed_question;

/* ------------------------------------------------------------------------------- questions */

static fy_model small_model(fy_rng *rng)
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

static void set_type(mixed_question *q, const world *w, fy_rng *rng, int k, const char *id)
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
static void random_mixed(mixed_question *q, const world *w, fy_rng *rng)
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
    if (n == 2 && time && fy_rng_below(rng, 4) == 0) {
        q->spec.types[1].cluster.devices = PICK(rng, 24, 40, 56);
        q->spec.pins.microbatch = 1;
        q->spec.pins.seq_parallel = 0;
    }
}

/* ------------------------------------------------------------------------------- oracle */

typedef struct oracle {
    const mixed_question *q;
    double best;
    fy_mixed_plan plan; /* of that value */
    int64_t plans;
} oracle;

static double oracle_try(oracle *o, const fy_mixed_plan *plan)
{
    fy_mixed_estimate e;
    fy_err err = {0};
    if (fy_mixed_evaluate(&e, &o->q->spec, plan, &err) != 0) {
        fail_msg("%s", err.text);
    }
    o->plans++;
    if (e.fits && e.value < o->best) {
        o->best = e.value;
        o->plan = *plan;
    }
    return e.value;
}

/* One type's layouts for so many sequences on so many devices; fastest first. */
typedef struct option {
    fy_mixed_part part;
    int sequences;
    double step_s;
} option;

typedef struct options {
    option *at; /* [n], by sequences */
    int n, room;
} options;

static void add_options(options *out, const mixed_question *q, int type, int devices, int n)
{
    const fy_mixed_type *t = &q->spec.types[type];
    fy_cluster cluster = t->cluster;
    bool one = n == q->spec.global_batch; /* nobody waits for it */
    cluster.devices = devices;
    for (int b = 1; b <= n; b++) {
        bool wanted = q->spec.pins.microbatch == FY_FREE || q->spec.pins.microbatch == b;
        if (n % b || q->spec.global_batch % b || !wanted) {
            continue;
        }
        fy_search_result r;
        fy_search_spec spec = {.model = &q->model,
                               .cluster = &cluster,
                               .stack = q->spec.stack,
                               .constants = &t->constants,
                               .global_batch = n,
                               .precision = q->spec.precision,
                               .pins = q->spec.pins,
                               .objective = q->spec.objective,
                               .prices = t->prices,
                               .top = one || q->spec.objective == FY_BY_TIME ? 1 : FY_MAX_TOP,
                               .effort = FY_BRUTE_FORCE};
        spec.pins.microbatch = b;
        assert_int_equal(fy_search_run(&r, &spec, NULL), 0);
        assert_true(spec.top == 1 || r.counts.evaluated <= FY_MAX_TOP);
        for (int i = 0; i < r.n_top; i++) {
            if (out->n == out->room) {
                out->room = out->room ? 2 * out->room : 64;
                out->at = realloc(out->at, (size_t)out->room * sizeof *out->at);
                assert_non_null(out->at);
            }
            const fy_layout *l = &r.top[i].layout;
            out->at[out->n++] =
                (option){{type, devices, *l, l->pp, 0}, n, r.top[i].estimate.step_s};
        }
        fy_search_free(&r);
    }
}

static void oracle_combine(oracle *o, const options *of, fy_mixed_plan *plan, int at, int left,
                           double slowest)
{
    const options *list = &of[plan->part[at].type];
    int type = plan->part[at].type;
    bool last = at + 1 == plan->n_parts;
    for (int i = 0; i < list->n; i++) {
        const option *a = &list->at[i];
        double step = a->step_s > slowest ? a->step_s : slowest;
        if (a->sequences > left || (last && a->sequences < left)) {
            continue;
        }
        if (o->q->spec.objective == FY_BY_TIME && step > o->best) {
            continue; /* the step lasts at least that long */
        }
        plan->part[at] = a->part;
        if (last) {
            oracle_try(o, plan);
        } else {
            oracle_combine(o, of, plan, at + 1, left - a->sequences, step);
        }
        plan->part[at].type = type;
    }
}

static void oracle_replicas(oracle *o)
{
    const fy_mixed_spec *s = &o->q->spec;
    options of[FY_MAX_TYPES] = {{NULL, 0, 0}};
    for (int k = 0; k < s->n_types; k++) {
        for (int n = s->n_types > 1 ? 1 : s->global_batch; n <= s->global_batch; n++) {
            for (int d = 1; d <= s->types[k].cluster.devices; d++) {
                add_options(&of[k], o->q, k, d, n);
            }
        }
    }
    for (unsigned set = 1; set < 1u << s->n_types; set++) {
        fy_mixed_plan plan = {.kind = FY_MIXED_DATA};
        bool one_vendor = true;
        for (int k = 0; k < s->n_types; k++) {
            if (set & 1u << k) {
                plan.part[plan.n_parts++].type = k;
                one_vendor = one_vendor && strcmp(o->q->chip[k].vendor,
                                                  o->q->chip[plan.part[0].type].vendor) == 0;
            }
        }
        plan.kind = plan.n_parts == 1 ? FY_MIXED_ONE : FY_MIXED_DATA;
        if (one_vendor) {
            oracle_combine(o, of, &plan, 0, s->global_batch, 0);
        }
    }
    for (int k = 0; k < s->n_types; k++) {
        free(of[k].at);
    }
}

/* ------------------------------------------------------------------------------- pipelines */

static bool slice_rules(const mixed_question *q, int type, const fy_layout *l, int devices)
{
    const fy_model *m = &q->model;
    const fy_stack *s = q->spec.stack;
    int per_node = q->spec.types[type].cluster.per_node;
    bool flash = s->attention == FY_ATTN_FLASH2 || s->attention == FY_ATTN_FLASH3;
    if (m->heads % l->tp || (m->kv_heads % l->tp && l->tp % m->kv_heads) || m->ffn % l->tp ||
        l->tp > per_node || (devices > per_node && per_node % l->tp)) {
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
    int pin = q->spec.pins.seq_parallel;
    return pin != FY_FREE ? l->seq_parallel == pin
                          : !l->seq_parallel ||
                                (l->tp > 1 && s->seq_parallel && m->seq_len / l->cp % l->tp == 0);
}

static unsigned all_overlap(const fy_stack *s, const fy_layout *l)
{
    return s->overlap &
           ~(unsigned)((l->tp > 1 ? 0 : FY_OVERLAP_TP) | (l->ep > 1 ? 0 : FY_OVERLAP_EP) |
                       (l->dp * l->cp > 1 ? 0 : FY_OVERLAP_DP));
}

/* Every division of the layers that are left among the parts from `at` on. */
static void oracle_layers(oracle *o, fy_mixed_plan *plan, int at, int left)
{
    if (at == plan->n_parts) {
        if (left == 0) {
            oracle_try(o, plan);
        }
        return;
    }
    int others = plan->part[at].stages - (at == 0) - (at == plan->n_parts - 1);
    for (int n = others; n <= (others > 0 ? left : 0); n++) {
        plan->part[at].middle = n;
        oracle_layers(o, plan, at + 1, left - n);
    }
}

static void oracle_ends(oracle *o, fy_mixed_plan *plan)
{
    const fy_model *m = &o->q->model;
    int least = m->experts > 0 && 4 * m->dense_layers <= m->layers ? m->dense_layers : 1;
    int stages = 0;
    for (int i = 0; i < plan->n_parts; i++) {
        stages += plan->part[i].stages;
    }
    for (int i = 0; i < plan->n_parts; i++) {
        plan->part[i].layout.pp = stages;
    }
    for (plan->first = least > 1 ? least : 1; plan->first < m->layers; plan->first++) {
        for (plan->last = 1; plan->first + plan->last <= m->layers; plan->last++) {
            oracle_layers(o, plan, 0, m->layers - plan->first - plan->last);
        }
    }
}

/* Every slice and number of stages of the part; `common` has what all parts share. */
static void oracle_part(oracle *o, fy_mixed_plan *plan, int at, const fy_layout *common, int left)
{
    if (at == plan->n_parts) {
        oracle_ends(o, plan);
        return;
    }
    fy_mixed_part *p = &plan->part[at];
    const fy_mixed_spec *s = &o->q->spec;
    int most = s->types[p->type].cluster.devices;
    int experts = o->q->model.experts > 0 ? o->q->model.experts : 1;
    fy_layout l = *common;
    for (l.tp = 1; l.tp * l.cp * l.dp <= most; l.tp++) {
        for (p->stages = 1; p->stages <= left && l.tp * l.cp * l.dp * p->stages <= most;
             p->stages++) {
            p->devices = l.tp * l.cp * l.dp * p->stages;
            for (int i = 0; i < experts * 2 * FY_N_RECOMPUTES; i++) {
                l.ep = i % experts + 1;
                l.seq_parallel = i / experts % 2;
                l.recompute = (fy_recompute)(i / experts / 2);
                bool wanted = s->pins.recompute == FY_FREE || s->pins.recompute == (int)l.recompute;
                if (wanted && slice_rules(o->q, p->type, &l, p->devices)) {
                    l.overlap = all_overlap(s->stack, &l);
                    p->layout = l;
                    oracle_part(o, plan, at + 1, common, left - p->stages);
                }
            }
        }
    }
}

static void oracle_common(oracle *o, fy_mixed_plan *plan)
{
    const fy_mixed_spec *s = &o->q->spec;
    const fy_stack *stack = s->stack;
    int first = stack->shards_weights ? 2 : 0;
    fy_layout l = {.vpp = 1,
                   .global_batch = s->global_batch,
                   .precision = s->precision,
                   .schedule = s->pins.schedule == FY_ZERO_BUBBLE ? FY_ZERO_BUBBLE : FY_1F1B};
    for (l.cp = 1; l.cp <= 64; l.cp++) {
        for (l.dp = 1; l.dp <= 64; l.dp++) {
            for (l.microbatch = 1; l.microbatch <= s->global_batch; l.microbatch++) {
                bool wanted = s->pins.microbatch == FY_FREE || s->pins.microbatch == l.microbatch;
                if (!wanted || s->global_batch % (l.dp * l.microbatch) || l.cp * l.dp > 64) {
                    continue;
                }
                for (l.zero = first; l.zero <= (stack->zero > 0 ? 3 : 0); l.zero++) {
                    bool can = (l.dp * l.cp > 1 || l.zero == first) &&
                               (l.zero < 2 || l.zero <= stack->zero);
                    if (s->pins.zero == FY_FREE ? can : l.zero == s->pins.zero) {
                        oracle_part(o, plan, 0, &l, o->q->model.layers);
                    }
                }
            }
        }
    }
}

static void oracle_pipelines(oracle *o, fy_mixed_plan *plan, unsigned left)
{
    if (plan->n_parts >= 2) {
        oracle_common(o, plan);
    }
    for (int k = 0; k < o->q->spec.n_types; k++) {
        if (left & 1u << k) {
            fy_mixed_plan longer = *plan;
            longer.part[longer.n_parts++].type = k;
            oracle_pipelines(o, &longer, left & ~(1u << k));
        }
    }
}

/* ------------------------------------------------------------------------------- comparing */

/* What is found costs what it says, bit for bit. */
static void assert_true_estimate(const mixed_question *q, const fy_mixed_ranked *r)
{
    fy_mixed_estimate e;
    assert_int_equal(fy_mixed_evaluate(&e, &q->spec, &r->plan, NULL), 0);
    assert_true(same_bits(e.value, r->estimate.value) && same_bits(e.step_s, r->estimate.step_s));
    for (int i = 0; i < r->plan.n_parts; i++) {
        assert_same_estimate(&e.part[i], &r->estimate.part[i]);
        double sum = 0;
        for (int t = 0; t < FY_N_TERMS; t++) {
            sum += e.part[i].term_s[t];
        }
        assert_true(fabs(sum / e.step_s - 1) < 1e-9);
    }
}

/* Returns the kind of the best plan, -1 where none fits. */
static int compare(const mixed_question *q, int number)
{
    fy_mixed_result r;
    fy_err err = {0};
    fy_mixed_plan none = {.kind = FY_MIXED_PIPELINE};
    oracle o = {.q = q, .best = INFINITY};
    if (fy_mixed_run(&r, &q->spec, &err) != 0) {
        fail_msg("case %d: %s", number, err.text);
    }
    assert_null(r.unknown);
    oracle_replicas(&o);
    oracle_pipelines(&o, &none, (1u << q->spec.n_types) - 1);
    assert_int_equal(r.found, o.best < (double)INFINITY);
    if (!r.found) {
        return -1;
    }
    double off = r.best.estimate.value / o.best - 1;
    if (!(fabs(off) <= rounding)) {
        fail_msg("case %d, %d types: %.17g, of all %lld plans the best has %.17g", number,
                 q->spec.n_types, r.best.estimate.value, (long long)o.plans, o.best);
    }
    assert_true_estimate(q, &r.best);
    return (int)r.best.plan.kind;
}

static void test_equals_oracle(void **state)
{
    int kinds[FY_N_MIXED_KINDS + 1] = {0};
    for (int i = 0; i < N_CASES; i++) {
        fy_rng rng = fy_rng_stream(11, (uint64_t)i);
        mixed_question q;
        random_mixed(&q, *state, &rng);
        kinds[1 + compare(&q, i)]++;
    }
    print_message("# nothing fits %d, one %d, data %d, pipeline %d\n", kinds[0], kinds[1], kinds[2],
                  kinds[3]);
    assert_true(kinds[1] > 0 && kinds[2] > 0 && kinds[3] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_oracle),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
