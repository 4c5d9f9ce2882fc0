/* SPDX-License-Identifier: MIT */
/*
 * backfill by hand; and, over random cases, its promise: under exact limits the first job in the
 * queue never starts later than it would if nobody after it had come.
 */
#include "unit/sched/scene.h"

enum { CASES = 200, JOBS = 40, NODES = 3, DEVICES = 4 };

static scene s;

static void what_ends_in_time_goes_first(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 4);
    scene_job(&s, 0, 3, 10);
    scene_job(&s, 1, 4, 10);
    scene_job(&s, 2, 1, 20); /* would delay the second */
    scene_job(&s, 3, 1, 7);  /* ends with the first */
    scene_run(&s, "backfill");
    scene_ran(&s, 3, 3, 10);
    scene_ran(&s, 1, 10, 20);
    scene_ran(&s, 2, 20, 40);
}

static void what_leaves_enough_goes_first(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 4);
    scene_job(&s, 0, 3, 10);
    scene_job(&s, 1, 3, 10);
    scene_job(&s, 2, 1, 100); /* the fourth device is not reserved */
    scene_job(&s, 3, 1, 100);
    scene_run(&s, "backfill");
    scene_ran(&s, 2, 2, 102);
    scene_ran(&s, 1, 10, 20);
    scene_ran(&s, 3, 20, 120);
}

static void without_a_limit_nobody_passes(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 4);
    s.options.limits = FY_LIMITS_TRACE;
    scene_job(&s, 0, 3, 10)->limit_us = 12LL * HAND_US;
    scene_job(&s, 1, 4, 10);
    scene_job(&s, 2, 1, 1); /* states no limit */
    scene_job(&s, 3, 1, 1)->limit_us = 10LL * HAND_US;
    scene_job(&s, 4, 1, 1)->limit_us = 2LL * HAND_US;
    scene_run(&s, "backfill");
    scene_ran(&s, 1, 10, 20);
    scene_ran(&s, 2, 20, 21);
    scene_ran(&s, 3, 20, 21);
    scene_ran(&s, 4, 4, 5);
    s.options.limits = FY_LIMITS_NONE;
    scene_run(&s, "backfill");
    scene_ran(&s, 4, 20, 21);
}

static void nodes_are_reserved_not_counts(void **state)
{
    (void)state;
    scene_init(&s, 1, 2, 2);
    scene_job(&s, 0, 1, 10);  /* node 0 */
    scene_job(&s, 0, 1, 3);   /* node 0 */
    scene_job(&s, 0, 1, 100); /* node 1 */
    scene_job(&s, 4, 2, 10);  /* node 0, at 10 s */
    scene_job(&s, 5, 1, 100); /* node 0 has an idle device as well, but is reserved */
    scene_job(&s, 6, 1, 100);
    scene_run(&s, "backfill");
    scene_ran(&s, 3, 10, 20);
    assert_int_equal(s.rows[3].first_node, 0);
    scene_ran(&s, 4, 5, 105);
    assert_int_equal(s.rows[4].first_node, 1);
    scene_ran(&s, 5, 20, 120);
}

static void the_earliest_chip_is_reserved(void **state)
{
    (void)state;
    scene_init(&s, 2, 1, 2);
    scene_job(&s, 0, 1, 10);
    scene_job(&s, 0, 1, 5);
    s.jobs.accept[1][0].chip = 1;
    scene_job(&s, 1, 2, 10); /* either chip: b is free at 5 s */
    s.jobs.accept[2][1] = (fy_accept){.chip = 1, .rate = 1};
    s.jobs.jobs[2].n_accept = 2;
    scene_job(&s, 2, 1, 50); /* a: not reserved */
    scene_job(&s, 2, 1, 50); /* b: reserved */
    s.jobs.accept[4][0].chip = 1;
    scene_run(&s, "backfill");
    assert_string_equal(s.rows[2].chip, "chip-b");
    scene_ran(&s, 2, 5, 15);
    scene_ran(&s, 3, 2, 52);
    scene_ran(&s, 4, 15, 65);
}

static void shares_and_cpu_are_reserved(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 2);
    s.hand.pools[0].cpu_milli = 4000;
    scene_job(&s, 0, 1, 10)->cpu_milli = 2000;
    scene_job(&s, 1, 2, 10)->cpu_milli = 3000;
    scene_job(&s, 2, 1, 50)->milli = 100;      /* would keep a device from being whole */
    scene_job(&s, 3, 0, 50)->cpu_milli = 2000; /* would keep CPU */
    scene_job(&s, 4, 0, 50)->cpu_milli = 1000; /* leaves 3 of 4 */
    scene_run(&s, "backfill");
    scene_ran(&s, 1, 10, 20);
    scene_ran(&s, 2, 20, 70);
    scene_ran(&s, 3, 20, 70);
    scene_ran(&s, 4, 4, 54);
}

static void reasons_are_true(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 4);
    scene_job(&s, 0, 3, 10);
    scene_job(&s, 1, 4, 10);
    scene_job(&s, 2, 1, 20);
    scene_job(&s, 3, 2, 20);
    s.options.until_us = 5LL * HAND_US;
    scene_run(&s, "backfill");
    scene_waits(&s, 1, FY_WHY_NO_DEVICES);
    scene_waits(&s, 2, FY_WHY_RESERVED);
    scene_waits(&s, 3, FY_WHY_NO_DEVICES);
}

/* ------------------------------------------------------------------ the promise */

/* The instant from `t_s` on at which `job` fits if only those that came before it, or ran before it
 * was first, go on: by trying each end. */
static double promised(int job, double t_s)
{
    double at_s = t_s;

    for (;;) {
        int free[NODES] = {DEVICES, DEVICES, DEVICES};
        int room = 0;
        double next_s = INFINITY;

        for (int i = 0; i < s.jobs.n; i++) {
            const scene_row *row = &s.rows[i];

            if (i == job || row->start_s > t_s || (row->start_s == t_s && i > job) ||
                row->end_s <= at_s) {
                continue;
            }
            next_s = row->end_s < next_s ? row->end_s : next_s;
            for (int n = 0; n < NODES; n++) {
                free[n] -= row->workers[n] * s.jobs.jobs[i].devices;
            }
        }
        for (int n = 0; n < NODES; n++) {
            room += free[n] / s.jobs.jobs[job].devices;
        }
        if (room >= s.jobs.jobs[job].workers) {
            return at_s;
        }
        at_s = next_s;
    }
}

static void check_promises(uint64_t seed)
{
    double first_s = 0; /* when all before it had started */

    for (int i = 0; i < s.jobs.n; i++) {
        double submit_s = (double)s.jobs.jobs[i].submit_us / HAND_US;
        double promise_s;

        first_s = first_s > submit_s ? first_s : submit_s;
        promise_s = promised(i, first_s);
        if (s.rows[i].start_s > promise_s + 1e-5) {
            fail_msg("seed %d: job %d starts at %.6f, promised at %.6f for %.6f", (int)seed, i,
                     s.rows[i].start_s, first_s, promise_s);
        }
        first_s = s.rows[i].start_s > first_s ? s.rows[i].start_s : first_s;
    }
}

static void reservations_are_kept(void **state)
{
    int passed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        fy_rng rng = fy_rng_seed(seed);
        double t = 0;

        scene_init(&s, 1, NODES, DEVICES);
        for (int i = 0; i < JOBS; i++) {
            fy_job_spec *job;
            bool gang = fy_rng_below(&rng, 3) == 0;

            t += fy_rng_below(&rng, 2) == 0 ? fy_rng_exponential(&rng, 10) : 0;
            job = scene_job(&s, t, 1 + (int)fy_rng_below(&rng, gang ? 3 : DEVICES),
                            1 + fy_rng_exponential(&rng, 20));
            job->workers = gang ? 1 + (int)fy_rng_below(&rng, 3) : 1;
            job->min_workers = job->max_workers = job->workers;
        }
        scene_run(&s, "backfill");
        check_promises(seed);
        for (int i = 1; i < JOBS; i++) {
            passed += s.rows[i].start_s < s.rows[i - 1].start_s;
        }
    }
    assert_true(passed > CASES); /* and it does fill */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ends_in_time_goes_first),
        cmocka_unit_test(what_leaves_enough_goes_first),
        cmocka_unit_test(without_a_limit_nobody_passes),
        cmocka_unit_test(nodes_are_reserved_not_counts),
        cmocka_unit_test(the_earliest_chip_is_reserved),
        cmocka_unit_test(shares_and_cpu_are_reserved),
        cmocka_unit_test(reasons_are_true),
        cmocka_unit_test(reservations_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
