/* SPDX-License-Identifier: MIT */
/* What must hold of the best plan on several types of chip, whatever the model says a step costs.
 */
#include "mixed_questions.h"

enum { N_INVARIANTS = 80 };

/* A question on two types or three by time; all that a copy points to moves with it. */
static bool draw(mixed_question *q, const world *w, uint64_t stream, int i)
{
    fy_rng rng = fy_rng_stream(stream, (uint64_t)i);
    random_mixed(q, w, &rng);
    q->spec.objective = FY_BY_TIME;
    return q->spec.n_types > 1;
}

static double best_of(mixed_question *q, fy_mixed_result *r)
{
    fy_err err = {0};
    q->spec.model = &q->model;
    for (int k = 0; k < q->spec.n_types; k++) {
        q->spec.types[k].cluster.chip = &q->chip[k];
    }
    if (fy_mixed_run(r, &q->spec, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return r->found ? r->best.estimate.value : (double)INFINITY;
}

/* The best of one type's layouts on up to so many devices, by the search for one type. */
static double homogeneous(const mixed_question *q, int devices)
{
    double best = INFINITY;
    for (int d = 1; d <= devices; d++) {
        const fy_mixed_type *t = &q->spec.types[0];
        fy_cluster cluster = t->cluster;
        cluster.devices = d;
        fy_search_result r;
        fy_search_spec spec = {.model = &q->model,
                               .cluster = &cluster,
                               .stack = q->spec.stack,
                               .constants = &t->constants,
                               .global_batch = q->spec.global_batch,
                               .precision = q->spec.precision,
                               .pins = q->spec.pins,
                               .objective = q->spec.objective,
                               .prices = t->prices,
                               .top = 1};
        int rc = fy_search_run(&r, &spec, NULL);
        if (rc == FY_EINFEASIBLE && spec.pins.tp != FY_FREE && d % spec.pins.tp != 0) {
            continue; /* not with so many devices */
        }
        assert_int_equal(rc, 0);
        best = r.n_top > 0 && r.top[0].value < best ? r.top[0].value : best;
        fy_search_free(&r);
    }
    return best;
}

static void test_equal_chips(void **state)
{
    for (int i = 0; i < N_INVARIANTS; i++) {
        fy_rng rng = fy_rng_stream(21, (uint64_t)i);
        fy_mixed_result r;
        mixed_question q;
        random_mixed(&q, *state, &rng);
        int n = PICK(&rng, 1, 4, 7, 16);
        q.spec.n_types = 2;
        q.spec.types[0].cluster.devices = n;
        q.chip[1] = q.chip[0];
        q.chip[1].id = "another-name";
        q.spec.types[1] = q.spec.types[0];
        q.spec.types[1].cluster.devices = 8;
        double mixed = best_of(&q, &r);
        double one = homogeneous(&q, n + 8);
        /* a pipeline over both names adds the same numbers in another order */
        if (!same_bits(mixed, one) && !(fabs(mixed / one - 1) < 1e-12)) {
            fail_msg("case %d: %.17g, one type %.17g", i, mixed, one);
        }
    }
}

static void test_more_is_no_worse(void **state)
{
    for (int i = 0; i < N_INVARIANTS; i++) {
        fy_mixed_result r;
        mixed_question q;
        if (!draw(&q, *state, 22, i)) {
            continue;
        }
        double before = best_of(&q, &r);
        for (int which = 0; which < 6; which++) {
            mixed_question better = q;
            fy_mixed_type *t = &better.spec.types[i % q.spec.n_types];
            fy_chip *chip = &better.chip[i % q.spec.n_types];
            double *const what[] = {&chip->memory_bytes_per_s.mid, &chip->link_bytes_per_s.mid,
                                    &t->cluster.nic_bytes_per_s, &chip->memory_bytes.mid,
                                    &t->constants.value[FY_C_MATMUL]};
            if (which < 5) {
                *what[which] *= 1.7;
            } else {
                t->cluster.devices++;
            }
            double after = best_of(&better, &r);
            if (!(after <= before * (1 + 1e-12))) {
                fail_msg("case %d, which %d: %.17g became %.17g", i, which, before, after);
            }
        }
    }
}

/* A chip that computes (almost) nothing is left out, and the others do as well without it. */
static void test_slow_is_left_out(void **state)
{
    for (int i = 0; i < N_INVARIANTS; i++) {
        fy_mixed_result r;
        mixed_question q;
        if (!draw(&q, *state, 23, i)) {
            continue;
        }
        int slow = q.spec.n_types - 1;
        mixed_question without = q;
        without.spec.n_types--;
        double alone = best_of(&without, &r);
        double speed = i % 2 ? 0 : 1e-12;
        q.chip[slow].bf16.mid *= speed;
        q.chip[slow].fp16.mid *= speed;
        double with = best_of(&q, &r);
        if (!r.found || !(alone < (double)INFINITY)) {
            continue; /* nothing fits, or only there */
        }
        assert_true(fabs(with / alone - 1) < 1e-12);
        for (int k = 0; k < r.best.plan.n_parts; k++) {
            assert_int_not_equal(r.best.plan.part[k].type, slow);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_chips),
        cmocka_unit_test(test_more_is_no_worse),
        cmocka_unit_test(test_slow_is_left_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
