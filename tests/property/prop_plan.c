/* SPDX-License-Identifier: MIT */
/*
 * What must hold of one step of a fixed layout, whatever the numbers: better parts are never
 * slower, results are finite and in order, energy lies between idle and the limit, what is unknown
 * is said. Each case has its own seed, printed on failure.
 */
#include "search_questions.h"

enum { N_CASES = 1000, SEED = 11 };

/* A layout of the question's cluster that passes the checks, or false. */
static bool random_layout(question *q, fy_layout *l, fy_rng *rng)
{
    int n = q->cluster.devices;
    for (int attempt = 0; attempt < 60; attempt++) {
        *l = (fy_layout){.tp = PICK(rng, 1, 2, 4, 8),
                         .pp = PICK(rng, 1, 1, 2, 4, 8),
                         .cp = PICK(rng, 1, 1, 1, 2),
                         .ep = q->model.experts > 0 ? PICK(rng, 1, 2, 4, 8) : 1,
                         .vpp = 1,
                         .microbatch = PICK(rng, 1, 2, 4),
                         .recompute = (fy_recompute)fy_rng_below(rng, FY_N_RECOMPUTES),
                         .seq_parallel = fy_rng_below(rng, 2),
                         .zero = (int)fy_rng_below(rng, 4),
                         .precision = (fy_precision)fy_rng_below(rng, FY_N_PRECISIONS),
                         .overlap = (unsigned)fy_rng_below(rng, 16),
                         .schedule = (fy_schedule)fy_rng_below(rng, FY_N_SCHEDULES)};
        int rest = l->tp * l->pp * l->cp;
        if (n % rest != 0) {
            continue;
        }
        l->dp = n / rest;
        l->vpp = l->pp > 1 ? PICK(rng, 1, 1, 2) : 1;
        l->global_batch = l->dp * l->microbatch * PICK(rng, 1, 2, 8, 16);
        if (fy_layout_check(l, &q->model, &q->cluster, NULL) == 0) {
            return true;
        }
    }
    return false;
}

/* Case `i`: false where no layout was found. */
static bool draw(question *q, fy_layout *l, const world *w, int i)
{
    fy_rng rng = fy_rng_stream(SEED, (uint64_t)i);
    random_question(q, w, &rng);
    q->chip.tf32.mid = fy_known(q->chip.tf32.mid) ? q->chip.tf32.mid : 50e12;
    q->chip.fp8.mid = fy_known(q->chip.fp8.mid) ? q->chip.fp8.mid : 200e12;
    q->chip.fp32.mid = fy_known(q->chip.fp32.mid) ? q->chip.fp32.mid : 10e12;
    return random_layout(q, l, &rng);
}

static fy_estimate estimate(const question *q, const fy_layout *l)
{
    fy_estimate e;
    fy_err err = {0};
    fy_cluster cluster = q->cluster;
    cluster.chip = &q->chip;
    if (fy_plan_estimate(&e, &q->model, l, &cluster, q->spec.stack, &q->constants, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return e;
}

#define HOLDS(i, condition, ...)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_message("# seed %d, case %d: ", SEED, i);                                        \
            print_message(__VA_ARGS__);                                                            \
            fail_msg("%s", #condition);                                                            \
        }                                                                                          \
    } while (0)

/*
 * What gradients and the update take more, where a faster part makes another stage the slowest:
 * a step is the slowest stage's, whose parameters may be more.
 */
static double other_stage_s(const fy_estimate *before, const fy_estimate *after, double jitter)
{
    double more = after->term_s[FY_T_DP] + after->term_s[FY_T_OPTIMIZER] - before->term_s[FY_T_DP] -
                  before->term_s[FY_T_OPTIMIZER];
    return more > 0 ? more * (1 + jitter) : 0;
}

/* More of any rate is never slower, but for what another slowest stage costs. */
static void test_more_is_no_slower(void **state)
{
    static const char *const names[] = {"memory",       "link",        "network",
                                        "matrix share", "matrix peak", "power"};
    int n = 0;
    for (int i = 0; i < N_CASES; i++) {
        question q;
        fy_layout l;
        if (!draw(&q, &l, *state, i)) {
            continue;
        }
        n++;
        fy_estimate before = estimate(&q, &l);
        for (int which = 0; which < 6; which++) {
            question better = q;
            fy_rng rng = fy_rng_stream(SEED + 1, (uint64_t)(i * 6 + which));
            double more = 1 + 3 * fy_rng_unit(&rng);
            double *const what[] = {&better.chip.memory_bytes_per_s.mid,
                                    &better.chip.link_bytes_per_s.mid,
                                    &better.cluster.nic_bytes_per_s,
                                    &better.constants.value[FY_C_MATMUL],
                                    &better.chip.bf16.mid,
                                    &better.chip.tdp_w.mid};
            *what[which] *= more;
            if (which == 4) { /* of all formats, at the power that it needs */
                better.chip.fp8.mid *= more, better.chip.tf32.mid *= more;
                better.chip.fp32.mid *= more, better.chip.tdp_w.mid *= more;
                better.chip.idle_w.mid *= more;
            }
            fy_estimate after = estimate(&better, &l);
            double jitter = q.constants.value[FY_C_JITTER] * 20; /* doublings at most */
            double other = l.pp > 1 ? other_stage_s(&before, &after, jitter) : 0;
            HOLDS(i, after.step_s <= before.step_s * (1 + 1e-12) + other,
                  "%.2f x %s: %.12g s, then %.12g\n", more, names[which], before.step_s,
                  after.step_s);
        }
    }
    assert_true(n > N_CASES / 2);
}

static void test_ranges(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        question q;
        fy_layout l;
        if (!draw(&q, &l, *state, i)) {
            continue;
        }
        fy_estimate e = estimate(&q, &l);
        HOLDS(i, isfinite(e.step_s) && e.step_s > 0, "step %g\n", e.step_s);
        HOLDS(i, e.low_s <= e.step_s && e.step_s <= e.high_s, "%g .. %g\n", e.low_s, e.high_s);
        HOLDS(i, e.unknown == NULL, "unknown\n");
        double sum = 0;
        for (int k = 0; k < FY_N_TERMS; k++) {
            HOLDS(i, e.term_s[k] >= 0, "%s %g\n", fy_term_name((fy_term)k), e.term_s[k]);
            sum += e.term_s[k];
        }
        HOLDS(i, fabs(sum / e.step_s - 1) < 1e-12, "terms %g, step %g\n", sum, e.step_s);
        HOLDS(i, e.mfu > 0 && (e.mfu < 1 || l.precision <= FY_PREC_TF32), "mfu %g\n", e.mfu);
        double idle = q.chip.idle_w.mid;
        double limit = q.chip.tdp_w.mid;
        HOLDS(i, e.device_w >= idle && e.device_w <= limit * (1 + 1e-12), "%g W\n", e.device_w);
        double all = e.step_s * q.cluster.devices;
        HOLDS(i, e.energy_j >= idle * all && e.energy_j <= limit * all * (1 + 1e-12), "%g J\n",
              e.energy_j);
    }
}

/* The first five terms are what is allocated, with fragmentation reserved; context comes on top. */
static void test_memory(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        question q;
        fy_layout l;
        if (!draw(&q, &l, *state, i)) {
            continue;
        }
        fy_memory m = estimate(&q, &l).memory;
        double sum = 0;
        for (int k = 0; k < FY_N_MEMORY_TERMS; k++) {
            HOLDS(i, m.bytes[k] >= 0 && isfinite(m.bytes[k]), "%s %g\n",
                  fy_memory_term_name((fy_memory_term)k), m.bytes[k]);
            sum += k < FY_M_ALLOCATOR ? m.bytes[k] : 0;
        }
        HOLDS(i, fabs(sum / m.allocated - 1) < 1e-12, "sum %g, allocated %g\n", sum, m.allocated);
        double reserved = m.allocated + m.bytes[FY_M_ALLOCATOR];
        HOLDS(i, fabs(m.reserved / reserved - 1) < 1e-9, "%g, %g\n", m.reserved, reserved);
        HOLDS(i, m.device_used >= m.allocated, "%g, %g\n", m.device_used, m.allocated);
        double context = m.bytes[FY_M_CONTEXT];
        HOLDS(i, m.fits == (m.reserved + context <= m.capacity), "fits %d: %g of %g\n", m.fits,
              m.reserved + context, m.capacity);
        HOLDS(i, m.runs == (m.allocated + context <= m.capacity), "runs %d: %g of %g\n", m.runs,
              m.allocated + context, m.capacity);
        if (l.zero < 3 && l.pp == 1) { /* more sharding never takes more for the states */
            fy_layout more = l;
            more.zero++;
            fy_memory s = estimate(&q, &more).memory;
            double a = m.bytes[FY_M_WEIGHTS] + m.bytes[FY_M_GRADIENTS] + m.bytes[FY_M_OPTIMIZER];
            double b = s.bytes[FY_M_WEIGHTS] + s.bytes[FY_M_GRADIENTS] + s.bytes[FY_M_OPTIMIZER];
            HOLDS(i, b <= a * (1 + 1e-12), "zero %d: %g, then %g\n", l.zero, a, b);
        }
    }
}

/* A missing rate gives NAN and its name where it is needed, and nothing where it is not. */
static void test_unknown(void **state)
{
    static const char *const names[] = {"dense rate", "memory bandwidth", "link bandwidth",
                                        "network bandwidth of a node"};
    for (int i = 0; i < N_CASES; i++) {
        question q;
        fy_layout l;
        if (!draw(&q, &l, *state, i)) {
            continue;
        }
        int n = q.cluster.devices;
        const bool needed[] = {true, true, n > 1 && q.cluster.per_node > 1, n > q.cluster.per_node};
        for (int which = 0; which < 4; which++) {
            question less = q;
            fy_chip *c = &less.chip;
            double *const what[] = {&c->bf16.mid, &c->memory_bytes_per_s.mid,
                                    &c->link_bytes_per_s.mid, &less.cluster.nic_bytes_per_s};
            *what[which] = NAN;
            if (which == 0) {
                c->fp16.mid = c->fp32.mid = c->tf32.mid = c->fp8.mid = NAN;
            }
            if (which == 2) { /* PCIe stands in for a link */
                c->pcie_gen.mid = NAN;
            }
            fy_estimate e = estimate(&less, &l);
            HOLDS(i, isnan(e.step_s) == needed[which],
                  "without %s: %g (tp %d pp %d dp %d cp %d ep %d on %d of %d)\n", names[which],
                  e.step_s, l.tp, l.pp, l.dp, l.cp, l.ep, n, less.cluster.per_node);
            HOLDS(i, (e.unknown != NULL) == needed[which], "without %s\n", names[which]);
            bool fp8 = which == 0 && l.precision == FY_PREC_FP8;
            const char *name = fp8 ? "dense fp8 rate" : names[which];
            HOLDS(i, !needed[which] || strcmp(e.unknown, name) == 0, "%s\n", e.unknown);
            HOLDS(i, !needed[which] || (isnan(e.energy_j) && isnan(e.mfu) && isnan(e.high_s)),
                  "without %s\n", names[which]);
        }
    }
}

/* The same question twice, with another in between: the same bits. */
static void test_pure(void **state)
{
    for (int i = 0; i + 1 < N_CASES; i++) {
        question q, other;
        fy_layout l, another;
        if (!draw(&q, &l, *state, i) || !draw(&other, &another, *state, i + 1)) {
            continue;
        }
        fy_estimate first = estimate(&q, &l);
        (void)estimate(&other, &another);
        fy_estimate second = estimate(&q, &l);
        assert_same_estimate(&first, &second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_is_no_slower),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_pure),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
