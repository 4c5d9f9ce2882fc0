/* SPDX-License-Identifier: MIT */
/*
 * srtf and srsf: by hand; on one device srtf is never worse than fifo, and equals the optimum that
 * an exhaustive search over all preemptive schedules finds.
 */
#include "unit/sched/scene.h"

enum { TINY = 4, CASES = 100 };

static scene s;

static void the_shorter_takes_the_device(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 1);
    scene_job(&s, 0, 1, 10);
    scene_job(&s, 1, 1, 3);
    scene_job(&s, 3, 1, 9); /* as long as what the first has left: no reason to stop it */
    scene_run(&s, "srtf");
    scene_ran(&s, 1, 1, 4);
    scene_ran(&s, 0, 0, 13);
    scene_ran(&s, 2, 13, 22);
    assert_int_equal(s.rows[0].preemptions, 1);
}

static void service_counts_devices(void **state)
{
    (void)state;
    for (int by_service = 0; by_service < 2; by_service++) {
        scene_init(&s, 1, 1, 2);
        scene_job(&s, 0, 2, 10);
        scene_job(&s, 1, 1, 15); /* 9 s x 2 left of the first: 18 > 15 */
        scene_run(&s, by_service ? "srsf" : "srtf");
        scene_ran(&s, 0, 0, by_service ? 25 : 10);
        scene_ran(&s, 1, by_service ? 1 : 10, by_service ? 16 : 25);
    }
}

static void remaining_is_by_the_best_chip(void **state)
{
    (void)state;
    scene_init(&s, 2, 1, 1);
    for (int i = 0; i < 3; i++) {
        scene_job(&s, i == 2, 1, i == 2 ? 6 : 10);
        s.jobs.accept[i][1] = (fy_accept){.chip = 1, .rate = 0.5};
        s.jobs.jobs[i].n_accept = 2;
    }
    scene_run(&s, "srtf");
    /* 1 s: 9 left on the fast chip, 9.5 on the slow one; 6 takes the fast one, which its owner asks
     * for first, and gets the slow one in turn: 9.5 x best rate is last in order */
    scene_ran(&s, 2, 1, 7);
    assert_string_equal(s.rows[2].chip, "chip-a");
    assert_true(s.rows[0].preemptions + s.rows[1].preemptions < 6);
}

static void nobody_is_stopped_in_vain(void **state)
{
    (void)state;
    scene_init(&s, 1, 2, 2);
    scene_job(&s, 0, 2, 20);
    scene_job(&s, 0, 1, 50);
    scene_job(&s, 0, 1, 200)->min_run_us = 1000LL * HAND_US; /* beside 50, on the other node */
    scene_job(&s, 1, 2, 5); /* 50 is later than 20, but of no use: only 20 makes way */
    scene_run(&s, "srtf");
    scene_ran(&s, 3, 1, 6);
    assert_int_equal(s.rows[1].preemptions, 0);
    assert_int_equal(s.rows[0].preemptions, 1);
    scene_ran(&s, 0, 0, 25);
}

static void shares_make_way(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 1);
    for (int i = 0; i < 3; i++) {
        scene_job(&s, 0, 1, 20 + 10 * i)->milli = 300;
    }
    scene_job(&s, 1, 1, 5)->milli = 400; /* 100 idle: the longest share must go, no other */
    scene_run(&s, "srtf");
    scene_ran(&s, 3, 1, 6);
    assert_int_equal(s.rows[0].preemptions + s.rows[1].preemptions, 0);
    scene_ran(&s, 2, 0, 45);
}

static void cpu_counts(void **state)
{
    (void)state;
    scene_init(&s, 1, 2, 2);
    s.hand.pools[0].cpu_milli = 4000;
    scene_job(&s, 0, 1, 20)->cpu_milli = 1000;
    scene_job(&s, 0, 1, 30)->cpu_milli = 3000; /* both on node 0 */
    scene_job(&s, 0, 2, 40)->cpu_milli = 0;
    scene_job(&s, 1, 1, 5)->cpu_milli = 3000; /* 40 holds devices enough, 30 has the CPU too */
    scene_run(&s, "srtf");
    scene_ran(&s, 3, 1, 6);
    assert_int_equal(s.rows[2].preemptions, 1); /* last in order, and its node has the CPU */
    assert_int_equal(s.rows[1].preemptions, 0);
}

static void reasons_are_true(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 2);
    scene_job(&s, 0, 2, 10);
    scene_job(&s, 0, 1, 50);
    scene_job(&s, 0, 1, 60);
    s.options.until_us = 5LL * HAND_US;
    scene_run(&s, "srtf");
    scene_waits(&s, 1, FY_WHY_NO_DEVICES);
    scene_waits(&s, 2, FY_WHY_NO_DEVICES);
}

/* ------------------------------------------------------------------ against the optimum */

typedef struct tiny {
    int n, submit[TINY], left[TINY];
} tiny;

/* Least sum of completion instants from `t` on: every job tried in every unit of time. */
static int least_sum(tiny *jobs, int t)
{
    int best = -1;
    int unfinished = 0;

    for (int i = 0; i < jobs->n; i++) {
        int sum;

        unfinished += jobs->left[i] > 0;
        if (jobs->left[i] == 0 || jobs->submit[i] > t) {
            continue;
        }
        jobs->left[i]--;
        sum = least_sum(jobs, t + 1) + (jobs->left[i] == 0 ? t + 1 : 0);
        jobs->left[i]++;
        best = best < 0 || sum < best ? sum : best;
    }
    return best >= 0 ? best : (unfinished > 0 ? least_sum(jobs, t + 1) : 0);
}

static void it_is_optimal_on_one_device(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        fy_rng rng = fy_rng_seed(seed);
        tiny jobs = {.n = 1 + (int)fy_rng_below(&rng, TINY)};
        int t = 0;
        int sum;

        scene_init(&s, 1, 1, 1);
        for (int i = 0; i < jobs.n; i++) {
            t += (int)fy_rng_below(&rng, 3);
            jobs.submit[i] = t;
            jobs.left[i] = 1 + (int)fy_rng_below(&rng, 4);
            scene_job(&s, t, 1, jobs.left[i]);
        }
        sum = least_sum(&jobs, 0);
        for (int i = 0; i < jobs.n; i++) {
            sum -= jobs.submit[i];
        }
        scene_run(&s, "srtf");
        if (!(s.mean_s * jobs.n > sum - 1e-4 && s.mean_s * jobs.n < sum + 1e-4)) {
            fail_msg("seed %d: %.6f, not %d", (int)seed, s.mean_s * jobs.n, sum);
        }
    }
}

static void it_beats_fifo_on_one_device(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        fy_rng rng = fy_rng_seed(seed);
        double t = 0;
        double srtf_s;

        scene_init(&s, 1, 1, 1);
        for (int i = 0; i < 40; i++) {
            t += fy_rng_exponential(&rng, 10);
            scene_job(&s, t, 1, 0.001 + fy_rng_exponential(&rng, 10));
        }
        scene_run(&s, "srtf");
        srtf_s = s.mean_s;
        scene_run(&s, "srsf"); /* the same where all have one device */
        assert_true(srtf_s == s.mean_s);
        scene_run(&s, "fifo");
        if (srtf_s > s.mean_s + 1e-4) {
            fail_msg("seed %d: srtf %.6f, fifo %.6f", (int)seed, srtf_s, s.mean_s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shorter_takes_the_device),
        cmocka_unit_test(service_counts_devices),
        cmocka_unit_test(remaining_is_by_the_best_chip),
        cmocka_unit_test(nobody_is_stopped_in_vain),
        cmocka_unit_test(shares_make_way),
        cmocka_unit_test(cpu_counts),
        cmocka_unit_test(reasons_are_true),
        cmocka_unit_test(it_is_optimal_on_one_device),
        cmocka_unit_test(it_beats_fifo_on_one_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
