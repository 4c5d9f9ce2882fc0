/* SPDX-License-Identifier: MIT */
/* The event loop by hand: what happens at one instant and in which order, and when a run ends. */
#include "unit/sched/scene.h"

static scene s;

static void happens(const fy_happening *list, int n)
{
    s.options.happenings = list;
    s.options.n_happenings = n;
}

/* A service on one of two devices, another job for a while: the window is --until's. */
static void services_run_to_the_end_of_the_run(void **state)
{
    fy_job_spec *service;

    (void)state;
    scene_init(&s, 1, 1, 2);
    s.options.until_us = 100LL * HAND_US;
    service = scene_job(&s, 0, 1, NAN);
    service->service = true;
    scene_job(&s, 0, 1, 20);
    scene_run(&s, "fifo");
    scene_near(s.allocated, 1.2 / 2, "allocated", 0);
    assert_string_equal(s.rows[0].state, "running");
}

/* Nodes fail under services too. */
static void services_meet_failures(void **state)
{
    static const fy_happening down[] = {
        {.t_us = 50LL * HAND_US, .kind = FY_HAPPEN_DOWN, .name = "p0-0000"}};

    (void)state;
    scene_init(&s, 1, 1, 1);
    s.options.until_us = 100LL * HAND_US;
    scene_job(&s, 0, 1, NAN)->service = true;
    happens(down, 1);
    scene_run(&s, "fifo");
    assert_int_equal(s.rows[0].failures, 1);
    scene_near(s.allocated, 0.5, "allocated", 0);
}

/* At 5 s the first is cancelled and the third comes: the second has the device at 5 s. */
static void what_is_cancelled_makes_room_at_once(void **state)
{
    static const fy_happening cancel[] = {
        {.t_us = 5LL * HAND_US, .kind = FY_HAPPEN_CANCEL, .name = "j0"},
        {.t_us = 100LL * HAND_US, .kind = FY_HAPPEN_CANCEL, .name = "j1"}, /* has ended */
    };

    (void)state;
    scene_init(&s, 1, 1, 1);
    scene_job(&s, 0, 1, 10);
    scene_job(&s, 1, 1, 10);
    happens(cancel, 2);
    scene_run(&s, "fifo");
    assert_int_equal(s.rounds, 4); /* at 0, 1, 5 and 15 s */
    scene_ran(&s, 1, 5, 15);
}

static void nobody_is_cancelled_whom_nobody_knows(void **state)
{
    static const fy_happening cancel[] = {
        {.t_us = 5LL * HAND_US, .kind = FY_HAPPEN_CANCEL, .name = "j7"}};
    fy_sim_result *result = NULL;
    fy_err err = {0};

    (void)state;
    scene_init(&s, 1, 1, 1);
    scene_job(&s, 0, 1, 10);
    happens(cancel, 1);
    s.options.sched.policy = "fifo";
    s.options.source = hand_source(&s.jobs);
    assert_int_equal(fy_sim_run(&result, &s.options, &err), FY_EINVAL);
    assert_string_equal(err.text,
                        "event for job 'j7': no job of that name was submitted before 5 s");
}

/* The window's tenant has the node already; a stranger beside it leaves, and has not failed. */
static void a_window_clears_strangers_only(void **state)
{
    static const fy_happening window[] = {
        {.t_us = 5LL * HAND_US,
         .kind = FY_HAPPEN_WINDOW,
         .from_us = 10LL * HAND_US,
         .until_us = 50LL * HAND_US,
         .name = "p0-0000",
         .tenant = "t0"},
        {.t_us = 10LL * HAND_US, .kind = FY_HAPPEN_CLEAR, .name = "p0-0000"},
        {.t_us = 50LL * HAND_US, .kind = FY_HAPPEN_WINDOW, .name = "p0-0000"},
    };

    (void)state;
    scene_init(&s, 1, 1, 2);
    hand_tenant(&s.hand, 1, 0, -1);
    scene_job(&s, 0, 1, 20)->tenant = "t0";
    scene_job(&s, 0, 1, 20);
    happens(window, 3);
    scene_run(&s, "fifo");
    scene_ran(&s, 0, 0, 20);
    scene_ran(&s, 1, 0, 60); /* half of it by 10 s, the rest after the window */
    assert_int_equal(s.rows[1].failures, 0);
    assert_int_equal(s.rows[1].preemptions, 0);
}

/* Four of 2 to 4 workers and a spare: one node falls, the gang goes on at the size it had. */
static void an_elastic_gang_keeps_its_size(void **state)
{
    static const fy_happening down[] = {
        {.t_us = 5LL * HAND_US, .kind = FY_HAPPEN_DOWN, .name = "p0-0004"}};
    fy_job_spec *job;

    (void)state;
    scene_init(&s, 1, 5, 1);
    job = hand_job(&s.jobs, 0, 2, 100); /* 2 workers: 100 s */
    job->max_workers = 4;
    job->spares = 1;
    happens(down, 1);
    scene_run(&s, "fifo");
    assert_int_equal(s.moved_to, 4);
    scene_ran(&s, 0, 0, 50); /* 4 workers: 50 s */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_run_to_the_end_of_the_run),
        cmocka_unit_test(services_meet_failures),
        cmocka_unit_test(what_is_cancelled_makes_room_at_once),
        cmocka_unit_test(nobody_is_cancelled_whom_nobody_knows),
        cmocka_unit_test(a_window_clears_strangers_only),
        cmocka_unit_test(an_elastic_gang_keeps_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
