/* SPDX-License-Identifier: MIT */
/* las by hand: levels, thresholds, who makes way, promotion; and that it is repeatable. */
#include "fleet/state.h"
#include "unit/sched/scene.h"

static scene s;

static void scene_las(int nodes, int devices, const char *first)
{
    scene_init(&s, 1, nodes, devices);
    scene_set(&s, "las.first", first);
}

static void a_level_ends_by_time_alone(void **state)
{
    (void)state;
    scene_las(1, 1, "10");
    scene_job(&s, 0, 1, 30);
    scene_job(&s, 3, 1, 5); /* waits: the first is in level 0 as well, until 10 s */
    scene_run(&s, "las");
    scene_ran(&s, 1, 10, 15);
    scene_ran(&s, 0, 0, 35);
    assert_int_equal(s.rows[0].preemptions, 1);
    scene_near(s.rows[0].wait_s, 5, "wait", 0);
}

static void service_is_devices_times_time(void **state)
{
    (void)state;
    scene_las(1, 4, "10");
    scene_job(&s, 0, 4, 30);
    scene_job(&s, 1, 1, 5); /* four devices attain 10 in 2.5 s */
    scene_run(&s, "las");
    scene_ran(&s, 1, 2.5, 7.5);
    scene_ran(&s, 0, 0, 35);
}

static void levels_are_four_times_as_wide(void **state)
{
    (void)state;
    scene_las(1, 1, "10");
    scene_set(&s, "las.levels", "3");
    scene_job(&s, 0, 1, 100);
    scene_job(&s, 5, 1, 20);
    scene_run(&s, "las");
    /* 0: level 1 at 10 s; 1: level 1 after 10 s, at 20; there 0 stands first (first start), so 1
     * is not stopped and ends at 30; 0 goes on */
    scene_ran(&s, 1, 10, 30);
    scene_ran(&s, 0, 0, 120);
    s.jobs.jobs[1].work = 60;
    scene_run(&s, "las");
    /* 1 leaves level 1 after 40 s, at 50; 0 (10 s attained) goes on, to its 40 s at 80; both are in
     * the last level then */
    scene_ran(&s, 0, 0, 140);
    scene_ran(&s, 1, 10, 160);
    assert_int_equal(s.rows[1].preemptions, 1);
}

static void nobody_makes_way_within_a_level(void **state)
{
    (void)state;
    scene_las(1, 1, "1000");
    scene_job(&s, 0, 1, 100);
    scene_job(&s, 1, 1, 1);
    scene_job(&s, 2, 1, 2);
    scene_run(&s, "las");
    scene_ran(&s, 0, 0, 100);
    scene_ran(&s, 1, 100, 101);
    scene_ran(&s, 2, 101, 103);
    assert_int_equal(s.rows[0].preemptions, 0);
}

static void the_latest_makes_way_and_none_in_vain(void **state)
{
    (void)state;
    scene_las(2, 2, "10");
    scene_job(&s, 0, 1, 100);   /* node 0 */
    scene_job(&s, 0, 1, 3);     /* node 0 */
    scene_job(&s, 1, 1, 100);   /* node 1 */
    scene_job(&s, 2, 1, 100);   /* node 1 */
    scene_job(&s, 2.5, 1, 100); /* node 0, from 3 s: the latest */
    scene_job(&s, 20, 2, 5);    /* needs a whole node */
    scene_run(&s, "las");
    scene_ran(&s, 5, 20, 25);
    assert_int_equal(s.rows[0].preemptions, 0);
    assert_int_equal(s.rows[4].preemptions, 0); /* latest, but of no use alone */
    assert_int_equal(s.rows[2].preemptions, 1);
    assert_int_equal(s.rows[3].preemptions, 1);
}

static void minimum_run_times_hold(void **state)
{
    (void)state;
    scene_las(1, 1, "10");
    scene_job(&s, 0, 1, 30)->min_run_us = 20LL * HAND_US;
    scene_job(&s, 3, 1, 5);
    scene_run(&s, "las");
    scene_ran(&s, 1, 20, 25);
    scene_ran(&s, 0, 0, 35);
}

static void promotion_ends_a_long_wait(void **state)
{
    (void)state;
    for (int promote = 0; promote < 2; promote++) {
        scene_las(1, 1, "10");
        scene_set(&s, "las.promote", promote ? "1" : "0");
        scene_job(&s, 0, 1, 40);
        scene_job(&s, 12, 1, 5);
        scene_job(&s, 13, 1, 10);
        scene_job(&s, 14, 1, 10);
        scene_run(&s, "las");
        scene_ran(&s, 1, 12, 17);
        scene_ran(&s, 2, 17, 27);
        /* 0 ran for 12 s and has waited as long at 24: level 0, before 3; 10 s later it is in level
         * 1 again */
        scene_ran(&s, 3, promote ? 37 : 27, promote ? 47 : 37);
        scene_ran(&s, 0, 0, 65);
        assert_int_equal(s.rows[0].preemptions, 1 + promote);
    }
}

static void services_stay(void **state)
{
    (void)state;
    scene_las(1, 2, "10");
    scene_job(&s, 0, 1, NAN)->service = true;
    scene_job(&s, 0, 1, 50);
    scene_job(&s, 20, 1, 5);
    scene_job(&s, 20, 1, 5);
    s.options.until_us = 200LL * HAND_US;
    scene_run(&s, "las");
    assert_int_equal(s.rows[0].preemptions, 0);
    assert_string_equal(s.rows[0].state, "running");
    scene_ran(&s, 2, 20, 25);
    scene_ran(&s, 3, 25, 30);
    scene_ran(&s, 1, 0, 60);
}

/* ------------------------------------------------------------------ stops that take time */

typedef struct live {
    fy_fleet *fleet;
    fy_sched *sched;
    int starts, stops;
    int64_t last; /* job of the last intent */
} live;

static int live_emit(void *ctx, const fy_event *event, fy_err *err)
{
    live *l = ctx;
    int status = fy_fleet_apply(l->fleet, event, err);

    if (status == 0) {
        fy_sched_observe(l->sched, event, fy_fleet_job(l->fleet, event->job));
        l->starts += event->kind == FY_EV_STARTING;
        l->stops += event->kind == FY_EV_STOPPING;
        l->last = event->job >= 0 ? event->job : l->last;
    }
    return status;
}

static void tell(live *l, int64_t t_s, fy_event_kind kind, int64_t job, int devices)
{
    const fy_rate rate = {.chip = 0, .rate_q = 1000, .spread_q = 1000};
    const fy_job_record rec = {.name = "j",
                               .priority = FY_NORMAL,
                               .workers = 1,
                               .min_workers = 1,
                               .max_workers = 1,
                               .devices = devices,
                               .rates = &rate,
                               .n_rates = 1,
                               .work_q = 1000000,
                               .q_per_unit = 1,
                               .limit_us = -1,
                               .deadline_us = -1,
                               .array_of = -1};
    const fy_event event = {.t_us = t_s * HAND_US,
                            .kind = kind,
                            .job = job,
                            .attempt = kind == FY_EV_SUBMITTED ? 0 : 1,
                            .a = kind == FY_EV_STARTED ? 1000 : 0,
                            .node = -1,
                            .tenant = -1,
                            .chip = -1,
                            .job_record = kind == FY_EV_SUBMITTED ? &rec : NULL};
    fy_err err = {0};

    if (live_emit(l, &event, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static int decide(live *l, int64_t t_s)
{
    fy_err err = {0};
    int n = fy_sched_round(l->sched, t_s * HAND_US, live_emit, l, &err);

    if (n < 0) {
        fail_msg("%s", err.text);
    }
    return n;
}

static void devices_on_their_way_have_an_owner(void **state)
{
    const fy_tenant_record tenant = {.name = "t0", .weight = 1, .borrow_milli = -1};
    fy_err err = {0};
    int64_t other;
    live l = {.fleet = fy_fleet_new()};

    (void)state;
    scene_las(1, 3, "10");
    s.options.sched.policy = "las";
    assert_int_equal(fy_sched_open(&l.sched, l.fleet, &s.options.sched, &err), 0);
    assert_int_equal(fy_site_events(&s.hand.site, 0, live_emit, &l, &err), 0);
    assert_int_equal(live_emit(&l,
                               &(fy_event){.kind = FY_EV_TENANT_SET,
                                           .job = -1,
                                           .node = -1,
                                           .chip = -1,
                                           .tenant = 0,
                                           .tenant_record = &tenant},
                               &err),
                     0);
    tell(&l, 0, FY_EV_SUBMITTED, 0, 2);
    assert_int_equal(decide(&l, 0), 1);
    tell(&l, 0, FY_EV_STARTED, 0, 0);
    assert_true(fy_sched_wake(l.sched) == INT64_MAX); /* nobody waits */
    tell(&l, 1, FY_EV_SUBMITTED, 1, 3);
    assert_int_equal(decide(&l, 1), 0);
    assert_true(fy_sched_wake(l.sched) == 5 * HAND_US); /* ten device-seconds on two devices */
    assert_int_equal(decide(&l, 5), 1);
    assert_int_equal(l.stops, 1);
    tell(&l, 6, FY_EV_SUBMITTED, 2, 1); /* fits on the idle device, but that is spoken for */
    assert_int_equal(decide(&l, 6), 0);
    assert_int_equal(fy_sched_explain(l.sched, 2, &other), FY_WHY_BEHIND);
    assert_true(other == 1);
    tell(&l, 7, FY_EV_STOPPED, 0, 0);
    assert_int_equal(decide(&l, 7), 1);
    assert_int_equal(l.starts, 2);
    assert_true(l.last == 1);
    fy_sched_close(l.sched);
    fy_fleet_free(l.fleet);
}

static void equal_runs_are_equal_and_settle(void **state)
{
    scene_row rows[60];

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        fy_rng rng = fy_rng_seed(seed);

        scene_las(3, 4, "20");
        scene_set(&s, "las.levels", "4");
        scene_set(&s, "las.promote", seed % 2 ? "2" : "0");
        s.options.costs = seed % 3 ? FY_COSTS_NONE : FY_COSTS_DEFAULT;
        s.options.limits = FY_LIMITS_NONE;
        for (int i = 0; i < 60; i++) {
            scene_job(&s, (double)(i * 2), 1 + (int)fy_rng_below(&rng, 4),
                      1 + fy_rng_exponential(&rng, 40));
        }
        scene_run(&s, "las");
        assert_true(s.rounds < 5000); /* no two jobs drive each other out for ever */
        memcpy(rows, s.rows, sizeof rows);
        memset(s.rows, 0, sizeof s.rows);
        scene_run(&s, "las");
        assert_memory_equal(rows, s.rows, sizeof rows);
        for (int i = 0; i < 60; i++) {
            assert_string_equal(rows[i].state, "finished");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_ends_by_time_alone),
        cmocka_unit_test(service_is_devices_times_time),
        cmocka_unit_test(levels_are_four_times_as_wide),
        cmocka_unit_test(nobody_makes_way_within_a_level),
        cmocka_unit_test(the_latest_makes_way_and_none_in_vain),
        cmocka_unit_test(minimum_run_times_hold),
        cmocka_unit_test(promotion_ends_a_long_wait),
        cmocka_unit_test(services_stay),
        cmocka_unit_test(devices_on_their_way_have_an_owner),
        cmocka_unit_test(equal_runs_are_equal_and_settle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
