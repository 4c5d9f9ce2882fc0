/* SPDX-License-Identifier: MIT */
/*
 * Limits, progress, lost work and integrals, worked out by hand: 10 quanta a second of 1000.
 */
#include "world.h"

static const int32_t d0[] = {0}, d1[] = {1}, d2[] = {2}, d01[] = {0, 1}, d12[] = {1, 2},
                     d012[] = {0, 1, 2};

/* ------------------------------------------------------------------ limits */

static void tenants_borrow_up_to_their_limit(void **state)
{
    world w;
    fy_job_record rec = world_record(2);
    const fy_job *jobs[2];

    (void)state;
    world_begin(&w, 2, 2);
    (void)world_tenant(&w, 0, 1, 1); /* one of its own, one borrowed */
    jobs[0] = world_submit(&w, &rec);
    rec = world_record(1);
    jobs[1] = world_submit(&w, &rec);
    assert_true(world_start(&w, jobs[0], 2, 2, d01));
    assert_int_equal(fy_fleet_may_start(w.fleet, jobs[1], 0, 1000), FY_WHY_TENANT_LIMIT);
    assert_false(world_start(&w, jobs[1], 2, 1, d2));
    (void)world_tenant(&w, 0, 2, 1);
    assert_true(world_start(&w, jobs[1], 2, 1, d2));
    (void)world_tenant(&w, 0, 0, 0); /* what runs goes on */
    assert_int_equal(w.fleet->tenants[0].held_total, 3000);
    world_end(&w);
}

static void tenants_out_of_range_are_refused(void **state)
{
    static const int64_t minus[] = {-1};
    world w;
    fy_tenant_record rec = {.name = "t", .weight = 1, .borrow_milli = -1};
    fy_event e;

    (void)state;
    world_begin(&w, 1, 1);
    e = world_event(&w, FY_EV_TENANT_SET);
    e.tenant_record = &rec;
    assert_false(world_apply(&w, &e)); /* tenant -1 */
    e.tenant = 2;                      /* the next is 1 */
    assert_false(world_apply(&w, &e));
    e.tenant = 1;
    rec.weight = 0;
    assert_false(world_apply(&w, &e));
    rec.weight = NAN;
    assert_false(world_apply(&w, &e));
    rec.weight = 1;
    rec.borrow_milli = -2;
    assert_false(world_apply(&w, &e));
    rec.borrow_milli = -1;
    rec.guarantee_milli = minus;
    rec.n = 1;
    assert_false(world_apply(&w, &e));
    rec.n = 0;
    assert_true(world_apply(&w, &e));
    world_end(&w);
}

static void arrays_run_so_many_at_once(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *jobs[3];

    (void)state;
    world_begin(&w, 1, 3);
    rec.array_of = 0;
    rec.array_limit = 2;
    for (int i = 0; i < 3; i++) {
        jobs[i] = world_submit(&w, &rec);
    }
    assert_true(world_start(&w, jobs[0], 3, 1, d0));
    assert_true(world_start(&w, jobs[1], 3, 1, d1));
    assert_int_equal(fy_fleet_may_start(w.fleet, jobs[2], 0, 1000), FY_WHY_ARRAY_LIMIT);
    assert_false(world_start(&w, jobs[2], 3, 1, d2));
    assert_true(world_job(&w, FY_EV_CANCELLED, jobs[0], -1, 0));
    assert_true(world_start(&w, jobs[2], 3, 1, d2));
    world_end(&w);
}

static void a_limit_on_no_array_limits_nothing(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *jobs[2];

    (void)state;
    world_begin(&w, 1, 3);
    rec.array_limit = 1;
    jobs[0] = world_submit(&w, &rec);
    jobs[1] = world_submit(&w, &rec);
    assert_true(world_start(&w, jobs[0], 3, 1, d0));
    assert_true(world_start(&w, jobs[1], 3, 1, d1));
    world_end(&w);
}

static void the_power_cap_holds(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *jobs[2];
    fy_event e;

    (void)state;
    world_begin(&w, 1, 2); /* 1200 mW idle; busy at most 500 instead of 100 */
    jobs[0] = world_submit(&w, &rec);
    jobs[1] = world_submit(&w, &rec);
    e = world_event(&w, FY_EV_LIMITS);
    e.a = 1999;
    assert_true(world_apply(&w, &e));
    assert_true(world_start(&w, jobs[0], 2, 1, d0));
    assert_int_equal(fy_fleet_may_start(w.fleet, jobs[1], 0, 1000), FY_WHY_POWER_CAP);
    assert_false(world_start(&w, jobs[1], 2, 1, d1));
    e.a = 2000;
    assert_true(world_apply(&w, &e));
    assert_true(world_start(&w, jobs[1], 2, 1, d1));
    w.now_us = S;
    e.t_us = S;
    e.a = -1;
    assert_true(world_apply(&w, &e));
    assert_int_equal(w.fleet->peak_mw[FY_HI], 2000);
    world_end(&w);
}

/* ------------------------------------------------------------------ progress by hand */

/* Checkpoints at 30, 60, 90 s of work; a failure after 50 s keeps 300 of 500 quanta. */
static void a_failure_loses_what_is_not_saved(void **state)
{
    world w;
    fy_job_record rec = world_record(2);
    const fy_job *job;

    (void)state;
    world_begin(&w, 1, 2);
    rec.checkpoint_interval_us = 30 * S;
    job = world_submit(&w, &rec);
    assert_true(world_place(&w, FY_EV_STARTING, job, 2, 2, d01));
    assert_true(world_job(&w, FY_EV_STARTED, job, 10, 5 * S)); /* works from 5 s on */
    assert_int_equal(fy_job_done(job, 4 * S), 0);
    assert_int_equal(fy_job_saved(job, 34 * S), 0);
    assert_int_equal(fy_job_saved(job, 35 * S), 300);
    w.now_us = 55 * S;
    assert_int_equal(fy_job_done(job, w.now_us), 500);
    assert_int_equal(fy_job_saved(job, w.now_us), 300);
    assert_true(world_failed(&w, job, 0, true));
    assert_int_equal(job->done_q, 300);
    assert_true(job->lost_int == (fy_wide)2000 * 20 * S);
    assert_true(job->pause_int == (fy_wide)2000 * 5 * S);
    assert_true(job->held_int == (fy_wide)2000 * 55 * S);
    assert_true(w.fleet->pools[0].productive_int == (fy_wide)2000 * 30 * S);
    assert_int_equal(job->ran_us, 55 * S);
    w.now_us = 60 * S;
    assert_true(world_start(&w, job, 2, 2, d01));
    assert_int_equal(fy_job_finish_us(job), 130 * S); /* 700 left */
    world_end(&w);
}

static void stopping_saves_or_loses(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;

    (void)state;
    world_begin(&w, 1, 1);
    job = world_submit(&w, &rec);
    assert_true(world_start(&w, job, 1, 1, d0));
    w.now_us = 10 * S;
    assert_true(world_job(&w, FY_EV_STOPPING, job, -1, 0));
    assert_int_equal(w.fleet->pools[0].stopping_milli, 1000);
    w.now_us = 12 * S; /* it works no more while it stops */
    assert_int_equal(fy_job_done(job, w.now_us), 100);
    assert_true(world_job(&w, FY_EV_STOPPED, job, 1, 0));
    assert_int_equal(job->done_q, 100);
    assert_true(job->lost_int == 0);
    assert_true(job->pause_int == (fy_wide)1000 * 2 * S);
    assert_int_equal(job->preemptions, 1);
    assert_true(world_start(&w, job, 1, 1, d0));
    w.now_us = 15 * S;
    assert_true(world_job(&w, FY_EV_STOPPED, job, 0, 0)); /* without notice */
    assert_int_equal(job->done_q, 100);
    assert_true(job->lost_int == (fy_wide)1000 * 3 * S);
    world_end(&w);
}

static void rates_checkpoints_and_observations(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;

    (void)state;
    world_begin(&w, 1, 1);
    job = world_submit(&w, &rec);
    assert_true(world_place(&w, FY_EV_STARTING, job, 1, 1, d0));
    assert_false(world_job(&w, FY_EV_RATED, job, 20, 0)); /* it does not run yet */
    assert_true(world_job(&w, FY_EV_STARTED, job, 10, 4 * S));
    w.now_us = 2 * S;
    assert_true(world_job(&w, FY_EV_CHECKPOINTED, job, -1, 0)); /* the pause goes on */
    assert_int_equal(fy_job_done(job, 5 * S), 10);
    w.now_us = 10 * S;
    assert_true(world_job(&w, FY_EV_RATED, job, 20, 0));
    assert_false(world_job(&w, FY_EV_RATED, job, -1, 0));
    assert_int_equal(fy_job_done(job, 15 * S), 60 + 100);
    w.now_us = 15 * S;
    assert_true(world_job(&w, FY_EV_CHECKPOINTED, job, -1, 0));
    assert_int_equal(fy_job_saved(job, 20 * S), 160);
    w.now_us = 20 * S;
    assert_true(world_job(&w, FY_EV_PROGRESS, job, 200, 0)); /* the model said 260 */
    assert_int_equal(fy_job_done(job, 20 * S), 200);
    assert_int_equal(fy_job_finish_us(job), 60 * S);
    assert_true(world_job(&w, FY_EV_PROGRESS, job, 150, 0)); /* less than what was saved */
    assert_int_equal(fy_job_saved(job, 20 * S), 150);
    assert_true(world_job(&w, FY_EV_PROGRESS, job, 5000, 0));
    assert_int_equal(fy_job_done(job, 20 * S), 1000);
    assert_true(world_job(&w, FY_EV_FINISHED, job, -1, 0));
    world_end(&w);
}

static void gangs_resize_and_move(void **state)
{
    world w;
    fy_job_record rec = world_record(2);
    const fy_job *job;
    fy_event e;

    (void)state;
    world_begin(&w, 4, 1);
    rec.max_workers = 3;
    job = world_submit(&w, &rec);
    assert_false(world_place(&w, FY_EV_RESIZING, job, 1, 3, d012)); /* it does not run */
    assert_true(world_start(&w, job, 1, 2, d01));
    w.now_us = 10 * S;
    assert_false(world_place(&w, FY_EV_RESIZING, job, 1, 1, d0)); /* fewer than its minimum */
    assert_true(world_place(&w, FY_EV_RESIZING, job, 1, 3, d012));
    assert_int_equal(job->workers, 3);
    assert_int_equal(fy_job_done(job, w.now_us), 100); /* nothing is lost */
    e = world_event(&w, FY_EV_NODE_DRAINED);
    e.node = 1;
    assert_true(world_apply(&w, &e));
    w.now_us = 20 * S;
    assert_true(world_place(&w, FY_EV_MOVED, job, 1, 2, d12)); /* keeps what it has on node 1 */
    assert_int_equal(fy_job_done(job, w.now_us), 0);           /* nothing had been saved */
    assert_true(job->lost_int == (fy_wide)2000 * 10 * S + (fy_wide)3000 * 10 * S);
    assert_false(world_place(&w, FY_EV_RESIZING, job, 1, 3, (int32_t[]){1, 2, 4})); /* no device */
    assert_int_equal(w.fleet->idle_milli[0], 1000);
    world_end(&w);
}

static void growth_stays_within_the_limits(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;

    (void)state;
    world_begin(&w, 1, 3);
    (void)world_tenant(&w, 0, 0, 2);
    rec.max_workers = 3;
    rec.array_of = 0;
    rec.array_limit = 1; /* it does not stand in its own way */
    job = world_submit(&w, &rec);
    assert_true(world_start(&w, job, 3, 1, d0));
    assert_true(world_place(&w, FY_EV_RESIZING, job, 3, 2, d01));
    assert_false(world_place(&w, FY_EV_RESIZING, job, 3, 3, d012));
    world_end(&w);
}

/* ------------------------------------------------------------------ integrals by hand */

/* One device of two held from 10 to 30 s; the node is down from 40 to 50 s. */
static void time_is_integrated_lazily(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;
    const fy_pool *pool;
    fy_event e;

    (void)state;
    world_begin(&w, 1, 2);
    pool = &w.fleet->pools[0];
    job = world_submit(&w, &rec);
    w.now_us = 10 * S;
    assert_true(world_start(&w, job, 2, 1, d0));
    fy_fleet_tick(w.fleet, 20 * S); /* a clock changes nothing */
    assert_int_equal(pool->at_us, 10 * S);
    assert_int_equal(fy_job_attained_us(job, 20 * S), 10 * S);
    w.now_us = 30 * S;
    assert_true(world_job(&w, FY_EV_CANCELLED, job, -1, 0));
    for (int i = 0; i < 2; i++) {
        w.now_us = (40 + 10 * i) * S;
        e = world_event(&w, i == 0 ? FY_EV_NODE_DOWN : FY_EV_NODE_UP);
        e.node = 0;
        assert_true(world_apply(&w, &e));
    }
    fy_fleet_integrate(w.fleet, 60 * S);
    assert_true(pool->held_int == (fy_wide)1000 * 20 * S);
    assert_true(w.fleet->tenants[0].held_int == (fy_wide)1000 * 20 * S);
    assert_true(pool->up_int == (fy_wide)2000 * 50 * S);
    assert_true(pool->energy_int[FY_MID] == (fy_wide)1200 * 50 * S + (fy_wide)300 * 20 * S);
    assert_true(w.fleet->active_int == (fy_wide)30 * S); /* one job for 30 s */
    assert_int_equal(w.fleet->peak_mw[FY_HI], 1200 + 400);
    world_end(&w);
}

static void time_does_not_go_back(void **state)
{
    world w;
    fy_event e;

    (void)state;
    world_begin(&w, 1, 1);
    w.now_us = 10 * S;
    e = world_event(&w, FY_EV_ROUND);
    assert_true(world_apply(&w, &e));
    e.t_us = 9 * S;
    assert_false(world_apply(&w, &e));
    e.t_us = INT64_MAX;
    assert_false(world_apply(&w, &e));
    e.t_us = 11 * S;
    e.kind = FY_N_EVENT_KINDS;
    assert_false(world_apply(&w, &e));
    e.kind = FY_EV_CHIP_ADDED; /* the next chip is 1 */
    e.chip = 2;
    e.name = "c";
    assert_false(world_apply(&w, &e));
    e.kind = FY_EV_ROUND;
    e.t_us = 10 * S;
    assert_true(world_apply(&w, &e)); /* what was refused at 11 s moved no clock */
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_borrow_up_to_their_limit),
        cmocka_unit_test(tenants_out_of_range_are_refused),
        cmocka_unit_test(arrays_run_so_many_at_once),
        cmocka_unit_test(a_limit_on_no_array_limits_nothing),
        cmocka_unit_test(the_power_cap_holds),
        cmocka_unit_test(a_failure_loses_what_is_not_saved),
        cmocka_unit_test(stopping_saves_or_loses),
        cmocka_unit_test(rates_checkpoints_and_observations),
        cmocka_unit_test(gangs_resize_and_move),
        cmocka_unit_test(growth_stays_within_the_limits),
        cmocka_unit_test(time_is_integrated_lazily),
        cmocka_unit_test(time_does_not_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
