/* SPDX-License-Identifier: MIT */
/* fair by hand: guarantees are taken back, from whom they may be, as soon as they may be. */
#include "unit/sched/scene.h"

static scene s;

/* Tenant t0 has half of `devices` guaranteed, t1 nothing. */
static void scene_fair(int nodes, int devices)
{
    scene_init(&s, 1, nodes, devices);
    hand_tenant(&s.hand, 1, nodes * devices / 2, -1);
    hand_tenant(&s.hand, 1, 0, -1);
}

static fy_job_spec *of(const char *tenant, fy_job_spec *job)
{
    job->tenant = tenant;
    return job;
}

static void a_guarantee_is_taken_back(void **state)
{
    (void)state;
    scene_fair(1, 2);
    of("t1", scene_job(&s, 0, 1, 100));
    of("t1", scene_job(&s, 1, 1, 100));
    of("t0", scene_job(&s, 5, 1, 10));
    of("t0", scene_job(&s, 6, 1, 10)); /* beyond it: waits */
    scene_run(&s, "fair");
    scene_ran(&s, 2, 5, 15);
    scene_ran(&s, 3, 15, 25);
    assert_int_equal(s.rows[0].preemptions, 0);
    assert_int_equal(s.rows[1].preemptions, 1); /* the latest start */
}

/* The latest to start may not be stopped yet: the one before it is. */
static void a_minimum_run_time_shields_nobody_else(void **state)
{
    (void)state;
    scene_fair(1, 2);
    of("t1", scene_job(&s, 0, 1, 100));
    of("t1", scene_job(&s, 1, 1, 100))->min_run_us = 50LL * HAND_US;
    of("t0", scene_job(&s, 5, 1, 10));
    scene_run(&s, "fair");
    scene_ran(&s, 2, 5, 15);
    scene_ran(&s, 1, 1, 101);
    assert_int_equal(s.rows[0].preemptions, 1);
}

static void a_reclaim_waits_for_the_minimum_run_time(void **state)
{
    (void)state;
    for (int devices = 1; devices <= 2; devices++) { /* one by one, and node by node */
        scene_fair(2, devices);
        for (int i = 0; i < 2; i++) {
            of("t1", scene_job(&s, 0, devices, 100))->min_run_us = (40 + i) * (int64_t)HAND_US;
        }
        of("t0", scene_job(&s, 5, devices, 10));
        scene_run(&s, "fair");
        scene_ran(&s, 2, 40, 50);
        assert_int_equal(s.rows[0].preemptions, 1);
        assert_int_equal(s.rows[1].preemptions, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guarantee_is_taken_back),
        cmocka_unit_test(a_minimum_run_time_shields_nobody_else),
        cmocka_unit_test(a_reclaim_waits_for_the_minimum_run_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
