/* SPDX-License-Identifier: MIT */
/*
 * The search over mixed devices against an oracle: plain loops over every plan of the class, the
 * rules written out a second time, each plan estimated by itself. Bounds may save work, never
 * change the optimum.
 */
#include "mixed_questions.h"

enum { N_CASES = 400 };
static const double rounding = 1e-12; /* sums of equal plans in another order */

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
        fy_err err = {0};
        int rc = fy_search_run(&r, &spec, &err);
        if (rc == FY_EINFEASIBLE && (spec.pins.tp != FY_FREE || spec.pins.cp != FY_FREE)) {
            continue; /* not with so many devices */
        }
        assert_int_equal(rc, 0);
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
    bool flash = s->attention >= FY_ATTN_FLASH1;
    const fy_pins *p = &q->spec.pins;
    if ((p->tp != FY_FREE && l->tp != p->tp) || (p->cp != FY_FREE && l->cp != p->cp) ||
        (p->ep != FY_FREE && l->ep != p->ep)) {
        return false;
    }
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

/* Every pair of counts and batch that divide 8, with two small models. */
static void test_every_divisor(void **state)
{
    int some = 0;
    for (int i = 0; i < 2 * 4 * 4 * 4; i++) {
        fy_rng rng = fy_rng_seed(5);
        mixed_question q;
        random_mixed(&q, *state, &rng);
        q.model = (fy_model){.layers = 4,
                             .hidden = 8192,
                             .heads = 4,
                             .kv_heads = 2,
                             .head_dim = 128,
                             .ffn = 32768,
                             .gated = true,
                             .seq_len = 4096,
                             .vocab = 32000,
                             .causal = true,
                             .position = FY_ROTARY,
                             .attention = FY_GQA};
        if (i % 2) {
            q.model.experts = 4;
            q.model.experts_per_token = 2;
            q.model.expert_ffn = 8192;
            q.model.dense_layers = 1;
        }
        q.spec.stack = fy_stacks_find(((const world *)*state)->stacks, "megatron-core");
        q.spec.n_types = 2;
        q.spec.objective = FY_BY_TIME;
        q.spec.pins = fy_pins_none();
        q.spec.pins.recompute = FY_RECOMPUTE_NONE;
        q.spec.pins.seq_parallel = 0;
        q.spec.global_batch = 1 << (i / 2 % 4);
        set_type(&q, *state, &rng, 0, "h800-sxm5");
        set_type(&q, *state, &rng, 1, "h20-96-sxm5");
        q.spec.types[0].cluster.devices = 1 << (i / 8 % 4);
        q.spec.types[1].cluster.devices = 1 << (i / 32 % 4);
        some += compare(&q, i) >= 0;
    }
    assert_true(some >= 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_oracle),
        cmocka_unit_test(test_every_divisor),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
