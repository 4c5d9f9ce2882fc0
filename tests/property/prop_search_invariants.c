/* SPDX-License-Identifier: MIT */
/*
 * What must hold of the search whatever the model says: composed layouts equal explained ones, more
 * bandwidth or one more device is never worse, pins keep the best.
 */
#include "search_questions.h"

enum { N_INVARIANTS = 60, N_LAYOUTS = 10000 };

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
                                    l->seq_parallel, l->zero, (int)l->overlap, (int)l->schedule,
                                    FY_FREE,         FY_FREE, FY_FREE};
            if (l->recompute == FY_RECOMPUTE_FULL) {
                q.spec.pins.recompute_layers = l->recompute_layers;
            }
            if (l->first_layers > 0) {
                q.spec.pins.first_layers = l->first_layers;
                q.spec.pins.last_layers = l->last_layers;
            }
            fy_err err = {0};
            if (fy_search_run(&again, &q.spec, &err) != 0) {
                fail_msg("case %d: %s", i, err.text);
            }
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
        cmocka_unit_test(test_same_as_estimate),
        cmocka_unit_test(test_more_is_no_worse),
        cmocka_unit_test(test_one_more_device),
        cmocka_unit_test(test_pins_and_count),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
