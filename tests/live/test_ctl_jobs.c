/* SPDX-License-Identifier: MIT */
/*
 * What is promised of jobs at the controller, on an honest engine, across deaths of the daemon:
 * keys, dependencies, holds, limits, signals, priorities, cancellation in every state, a change of
 * policy, and a site that grows and shrinks.
 */
#include "live/drive.h"

static void begin(centre *c)
{
    fy_fake_options honest = fy_fake_honest();

    drive_begin(c, "fifo", &honest);
}

static void verb(centre *c, int64_t id, fy_job_verb what)
{
    if (fy_ctl_job(c->ctl, &centre_root, id, what, &c->err) != 0) {
        fail_msg("job %lld: %s", (long long)id, c->err.text);
    }
}

/* ------------------------------------------------------------------ keys */

static void submit_key(centre *c, int tenant, const fy_submission *job, int64_t first, bool again)
{
    int64_t got;
    int count;
    bool seen;

    assert_int_equal(fy_ctl_submit(c->ctl, &tenants[tenant], job, &got, &count, &seen, &c->err), 0);
    assert_int_equal(got, first);
    assert_true(seen == again);
    assert_int_equal(count, job->n_array > 0 ? job->n_array : 1);
}

/* A client that heard nothing asks again, in the same life, in the next, and after the job's end.
 */
static void a_key_repeated_across_deaths_is_one_job(void **state)
{
    static const int tasks[] = {0, 1, 2};
    fy_submission one = drive_job(30), array = drive_job(30);
    centre c;

    (void)state;
    begin(&c);
    one.key = "once";
    array.key = "thrice";
    array.array = tasks;
    array.n_array = 3;
    submit_key(&c, 0, &one, 1, false);
    drive_restart(&c); /* before the commit: nobody was told, and nothing is there */
    submit_key(&c, 0, &one, 1, false);
    submit_key(&c, 0, &array, 2, false);
    submit_key(&c, 0, &one, 1, true);
    drive_for(&c, 1);
    drive_restart(&c);
    submit_key(&c, 0, &one, 1, true);
    submit_key(&c, 0, &array, 2, true);
    submit_key(&c, 1, &one, 5, false); /* another tenant's key is another key */
    drive_out(&c, 200);
    drive_restart(&c);
    submit_key(&c, 0, &array, 2, true);
    submit_key(&c, 0, &one, 1, true);
    drive_for(&c, 1);
    for (int64_t id = 1; id <= 5; id++) {
        assert_int_equal(drive_began(&c, id), 1);
    }
    drive_end(&c);
}

/* ------------------------------------------------------------------ order */

static void dependencies_hold_across_a_death(void **state)
{
    fy_submission job = drive_job(60);
    int64_t first, ids[3];
    centre c;

    (void)state;
    begin(&c);
    first = drive_submit(&c, 0, &job);
    job.after = &first;
    job.n_after = 1;
    ids[0] = drive_submit(&c, 0, &job);
    drive_for(&c, 1);
    drive_restart(&c);
    drive_for(&c, 30);
    assert_int_equal(drive_state(&c, ids[0]), FY_JOB_BLOCKED);
    drive_for(&c, 40);
    drive_expect(&c, first, "\"finished\"");
    assert_int_equal(drive_state(&c, ids[0]), FY_JOB_RUNNING);
    first = ids[0];
    ids[1] = drive_submit(&c, 0, &job); /* after one that fails */
    drive_for(&c, 1);
    assert_true(fy_fake_finish(c.fake, (fy_run_key){ids[0], 1}, 3, 0));
    drive_for(&c, 10);
    drive_expect(&c, ids[0], "\"failed\"");
    assert_int_equal(drive_began(&c, ids[1]), 0);
    assert_true(drive_state(&c, ids[1]) != FY_JOB_RUNNING);
    verb(&c, ids[1], FY_VERB_CANCEL);
    drive_out(&c, 10);
    drive_end(&c);
}

static void a_held_job_starts_when_it_is_released(void **state)
{
    fy_submission job = drive_job(30);
    int64_t id;
    centre c;

    (void)state;
    begin(&c);
    job.hold = true;
    id = drive_submit(&c, 0, &job);
    drive_for(&c, 60);
    drive_restart(&c);
    drive_for(&c, 60);
    assert_int_equal(drive_state(&c, id), FY_JOB_HELD);
    assert_int_equal(drive_began(&c, id), 0);
    verb(&c, id, FY_VERB_RELEASE);
    drive_for(&c, 1);
    assert_int_equal(drive_state(&c, id), FY_JOB_RUNNING);
    drive_out(&c, 60);
    drive_end(&c);
}

/* The fleet is full; of two that wait the one of higher priority goes first, though it came last.
 */
static void priority_goes_before_order(void **state)
{
    fy_submission big = drive_job(100), small = drive_job(10);
    int64_t low, high;
    centre c;

    (void)state;
    begin(&c);
    big.workers = big.min_workers = big.max_workers = 12;
    (void)drive_submit(&c, 0, &big);
    (void)drive_submit(&c, 0, &big);
    drive_for(&c, 1);
    small.workers = small.min_workers = small.max_workers = 12;
    low = drive_submit(&c, 0, &small);
    small.priority = FY_HIGH;
    high = drive_submit(&c, 0, &small);
    drive_for(&c, 50);
    assert_int_equal(drive_state(&c, low), FY_JOB_WAITING);
    drive_out(&c, 300);
    for (size_t i = 0, seen = 0; i < fy_fake_marks(c.fake); i++) {
        fy_fake_mark mark = fy_fake_mark_get(c.fake, i);

        assert_false(mark.key.job == low && !seen);
        seen |= mark.key.job == high;
    }
    drive_end(&c);
}

/* ------------------------------------------------------------------ limits */

/* The signal comes so long before the limit; a job that heeds it saves its work, and one that does
 * not is stopped at the limit. */
static void the_checkpoint_signal_comes_before_the_limit(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(1000);

    (void)state;
    job.time_limit_us = 300 * (int64_t)HAND_US;
    job.signal_before_us = 90 * (int64_t)HAND_US;
    job.checkpoint_signal = 10;
    job.grace_us = 5 * (int64_t)HAND_US;
    for (int deaf = 0; deaf < 2; deaf++) {
        int64_t id, ended_us;
        centre c;

        o.deaf = deaf;
        drive_begin(&c, "fifo", &o);
        id = drive_submit(&c, 0, &job);
        drive_for(&c, 100);
        drive_restart(&c);
        drive_out(&c, 400);
        ended_us = fy_fake_mark_get(c.fake, 0).ended_us - fy_fake_mark_get(c.fake, 0).began_us;
        if (deaf) {
            drive_expect(&c, id, "\"timeout\"");
            assert_true(ended_us >= 304 * (int64_t)HAND_US && ended_us <= 307 * (int64_t)HAND_US);
        } else {
            assert_true(fy_fake_mark_get(c.fake, 0).checkpointed);
            assert_true(ended_us >= 209 * (int64_t)HAND_US && ended_us <= 212 * (int64_t)HAND_US);
        }
        drive_end(&c);
    }
}

/* ------------------------------------------------------------------ cancelling, putting back */

static void cancelled_in_any_state_it_never_runs_again(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(1000);
    int64_t ids[4];
    centre c;

    (void)state;
    o.start_us = 20 * (int64_t)HAND_US;
    o.stop_us = 20 * (int64_t)HAND_US;
    job.grace_us = 0;
    drive_begin(&c, "fifo", &o);
    for (int i = 0; i < 4; i++) {
        ids[i] = drive_submit(&c, 0, &job);
    }
    drive_to(&c, c.now_us + 1);
    assert_int_equal(drive_state(&c, ids[0]), FY_JOB_STARTING);
    verb(&c, ids[0], FY_VERB_CANCEL); /* while it starts */
    drive_for(&c, 40);
    verb(&c, ids[1], FY_VERB_REQUEUE);
    drive_to(&c, c.now_us + 1);
    assert_int_equal(drive_state(&c, ids[1]), FY_JOB_STOPPING);
    verb(&c, ids[1], FY_VERB_CANCEL); /* while it is stopped for another reason */
    verb(&c, ids[2], FY_VERB_CANCEL);
    drive_to(&c, c.now_us + 1);
    verb(&c, ids[2], FY_VERB_CANCEL); /* twice */
    drive_restart(&c);
    drive_for(&c, 60);
    for (int i = 0; i < 3; i++) {
        drive_expect(&c, ids[i], "\"cancelled\"");
        assert_true(drive_began(&c, ids[i]) <= 1);
    }
    assert_int_not_equal(fy_ctl_job(c.ctl, &centre_root, ids[0], FY_VERB_CANCEL, &c.err), 0);
    assert_non_null(strstr(c.err.text, "has ended already"));
    verb(&c, ids[3], FY_VERB_CANCEL);
    drive_out(&c, 60);
    drive_end(&c);
}

static void put_back_it_runs_once_more_from_what_it_saved(void **state)
{
    fy_submission job = drive_job(100);
    int64_t id;
    fy_fake_mark mark;
    centre c;

    (void)state;
    begin(&c);
    job.checkpoint_signal = 10;
    job.requeue = false; /* of preemption and lost runs; what somebody asks for is done */
    id = drive_submit(&c, 0, &job);
    drive_for(&c, 60);
    verb(&c, id, FY_VERB_REQUEUE);
    drive_out(&c, 200);
    drive_expect(&c, id, "\"finished\"");
    assert_int_equal(drive_began(&c, id), 2);
    mark = fy_fake_mark_get(c.fake, 1);
    assert_true(mark.ended_us - mark.began_us < 42 * (int64_t)HAND_US);
    drive_end(&c);
}

/* ------------------------------------------------------------------ the centre */

static void a_changed_policy_is_there_after_a_death(void **state)
{
    fy_sched_options las = {.policy = "las"};
    fy_submission job = drive_job(60);
    fy_str status = {0};
    centre c;

    (void)state;
    begin(&c);
    (void)drive_submit(&c, 0, &job);
    drive_for(&c, 10);
    assert_int_not_equal(fy_ctl_policy(c.ctl, &tenants[0], &las, &c.err), 0);
    assert_int_equal(fy_ctl_policy(c.ctl, &centre_root, &las, &c.err), 0);
    drive_for(&c, 10);
    c.options.sched.policy = "las"; /* as the configuration says by now */
    drive_restart(&c);
    (void)drive_submit(&c, 1, &job);
    drive_for(&c, 10);
    fy_ctl_view_status(c.ctl, &centre_root, &status);
    assert_non_null(strstr(status.text, "\"las\""));
    c.options.sched.policy = "fifo"; /* what was changed by hand gives way to the configured one */
    drive_restart(&c);
    fy_str_clear(&status);
    fy_ctl_view_status(c.ctl, &centre_root, &status);
    assert_non_null(strstr(status.text, "\"fifo\""));
    fy_str_free(&status);
    drive_out(&c, 200);
    drive_end(&c);
}

/* Nodes are delivered; later a pool is taken out of the file: its jobs end, nothing new starts. */
static void a_site_grows_and_shrinks_between_lives(void **state)
{
    fy_submission job = drive_job(100), big = drive_job(20);
    int64_t on_b, id;
    centre c;

    (void)state;
    begin(&c);
    job.workers = job.min_workers = job.max_workers = 4;
    for (int i = 0; i < 6; i++) {
        on_b = drive_submit(&c, i % 2, &job);
    }
    drive_for(&c, 10);
    centre_kill(&c);
    (void)hand_pool(&c.hand, 1, 2, 8);
    assert_int_equal(centre_open(&c), 0);
    assert_int_equal(fy_ctl_fleet(c.ctl)->n_nodes, 8);
    big.workers = big.min_workers = big.max_workers = 16;
    id = drive_submit(&c, 1, &big);
    drive_for(&c, 5);
    assert_int_equal(drive_state(&c, id), FY_JOB_RUNNING); /* on what was delivered */
    centre_kill(&c);
    c.hand.site.n_pools = 1;
    assert_int_equal(centre_open(&c), 0);
    assert_int_equal(drive_state(&c, on_b), FY_JOB_RUNNING);
    drive_for(&c, 120);
    drive_expect(&c, on_b, "\"finished\"");
    drive_expect(&c, id, "\"finished\"");
    for (int i = 0; i < 6; i++) {
        (void)drive_submit(&c, i % 2, &job);
    }
    drive_for(&c, 10);
    for (size_t i = 3; i < 8; i++) {
        assert_true(fy_ctl_fleet(c.ctl)->nodes[i].drained);
    }
    assert_int_equal(fy_ctl_fleet(c.ctl)->n_running, 3);
    drive_out(&c, 400);
    drive_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_repeated_across_deaths_is_one_job),
        cmocka_unit_test(dependencies_hold_across_a_death),
        cmocka_unit_test(a_held_job_starts_when_it_is_released),
        cmocka_unit_test(priority_goes_before_order),
        cmocka_unit_test(the_checkpoint_signal_comes_before_the_limit),
        cmocka_unit_test(cancelled_in_any_state_it_never_runs_again),
        cmocka_unit_test(put_back_it_runs_once_more_from_what_it_saved),
        cmocka_unit_test(a_changed_policy_is_there_after_a_death),
        cmocka_unit_test(a_site_grows_and_shrinks_between_lives),
    };

    return cmocka_run_group_tests_name("controller and jobs", tests, NULL, NULL);
}
