/* SPDX-License-Identifier: MIT */
/*
 * Clocks that are set, forwards and back, while the daemon works and while it is down: the
 * journal's time never goes back, no time limit fires early and none stalls.
 */
#include "live/drive.h"
#include "live/server.h"

/* The wall clock of this process is off by so much (the test's own stands before the library's). */
static _Atomic int64_t wall_off_s;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);

    if (status == 0 && clock == CLOCK_REALTIME) {
        now->tv_sec += wall_off_s;
    }
    return status;
}

static const char limited[] =
    "{\"args\": [\"true\"], \"workdir\": \"/tmp\", \"time_limit_us\": 900000000}";

static int64_t submitted_us(const server *s, int64_t id)
{
    const fy_job *job = fy_fleet_job(fy_ctl_fleet(s->centre.ctl), id);

    assert_non_null(job);
    return job->submit_us;
}

static void a_wall_clock_that_is_set_moves_no_deadline(void **state)
{
    const int64_t hour = 3600, minute_us = 60 * (int64_t)HAND_US;
    server s;

    (void)state;
    wall_off_s = 0;
    server_begin(&s, server_options());
    expect(&s, "POST", "/v1/jobs", limited, 201, NULL);
    wall_off_s = hour;
    expect(&s, "POST", "/v1/jobs", limited, 201, NULL);
    wall_off_s = -2 * hour;
    expect(&s, "POST", "/v1/jobs", limited, 201, NULL);
    server_stop(&s);
    for (int64_t id = 2; id <= 3; id++) {
        assert_true(submitted_us(&s, id) >= submitted_us(&s, id - 1));
        assert_true(submitted_us(&s, id) < submitted_us(&s, 1) + minute_us);
    }
    for (int64_t id = 1; id <= 3; id++) { /* an hour by the wall is none: nothing was stopped */
        assert_int_equal(drive_state(&s.centre, id), FY_JOB_STARTING);
    }
    server_end(&s);
    wall_off_s = 0;
}

/* Started again where the wall clock stands before the journal's end: it goes on from there. */
static void a_daemon_started_before_the_journals_end_goes_on_from_it(void **state)
{
    server s;
    int64_t last_us, end_us;

    (void)state;
    wall_off_s = 7200;
    server_begin(&s, server_options());
    expect(&s, "POST", "/v1/jobs", limited, 201, NULL);
    server_stop(&s);
    fy_loop_close(s.loop);
    fy_auth_close(s.auth);
    last_us = submitted_us(&s, 1);
    end_us = fy_ctl_now(s.centre.ctl);
    wall_off_s = 0;
    centre_kill(&s.centre);
    s.centre.now_us = last_us - 7200 * (int64_t)HAND_US;
    if (centre_open(&s.centre) != 0) {
        fail_msg("%s", s.centre.err.text);
    }
    assert_true(fy_ctl_now(s.centre.ctl) >= last_us);
    fy_loop_options options = server_options();
    options.http.socket_path = s.path;
    assert_int_equal(fy_auth_open(&s.auth, NULL, 0, s.centre.store, &s.err), 0);
    assert_int_equal(fy_loop_open(&s.loop, &options, s.centre.ctl, fy_fake_engine(s.centre.fake),
                                  s.auth, &s.err),
                     0);
    assert_int_equal(pthread_create(&s.thread, NULL, server_work, &s), 0);
    s.running = true;
    expect(&s, "POST", "/v1/jobs", limited, 201, NULL);
    server_stop(&s);
    assert_true(submitted_us(&s, 2) >= last_us);
    assert_true(submitted_us(&s, 2) < end_us + 60 * (int64_t)HAND_US);
    server_end(&s);
}

/* ------------------------------------------------------------------ in simulated time */

/* Turns whose time goes back count as none: a limit of 100 s is reached after 100 s. */
static void time_limits_fire_neither_early_nor_late(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(1000);
    int64_t id, began_us;
    centre c;

    (void)state;
    job.time_limit_us = 100 * (int64_t)HAND_US;
    job.grace_us = 0;
    drive_begin(&c, "fifo", &o);
    id = drive_submit(&c, 0, &job);
    drive_for(&c, 1);
    began_us = fy_fleet_job(fy_ctl_fleet(c.ctl), id)->start_us;
    for (int s = 2; s < 100; s += 7) {
        drive_to(&c, began_us + s * (int64_t)HAND_US);
        assert_int_equal(fy_ctl_turn(c.ctl, c.now_us - 3600 * (int64_t)HAND_US, &c.err), 0);
        assert_true(fy_ctl_now(c.ctl) >= c.now_us);
        assert_int_equal(drive_state(&c, id), FY_JOB_RUNNING);
    }
    drive_to(&c, began_us + 99 * (int64_t)HAND_US);
    assert_int_equal(drive_state(&c, id), FY_JOB_RUNNING);
    drive_to(&c, began_us + 101 * (int64_t)HAND_US);
    drive_expect(&c, id, "\"timeout\"");
    drive_end(&c);
}

/* A restart an hour behind the journal gives the job the rest of its limit, no more and no less. */
static void a_restart_behind_the_journal_keeps_the_rest_of_a_limit(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(1000);
    int64_t id, began_us, now_us;
    centre c;

    (void)state;
    job.time_limit_us = 100 * (int64_t)HAND_US;
    job.grace_us = 0;
    drive_begin(&c, "fifo", &o);
    id = drive_submit(&c, 0, &job);
    drive_for(&c, 1);
    began_us = fy_fleet_job(fy_ctl_fleet(c.ctl), id)->start_us;
    drive_to(&c, began_us + 60 * (int64_t)HAND_US);
    (void)drive_submit(&c, 1, &job); /* the journal's end */
    drive_to(&c, c.now_us + 1);
    now_us = c.now_us;
    c.now_us -= 3600 * (int64_t)HAND_US;
    drive_restart(&c);
    c.now_us = fy_ctl_now(c.ctl);
    assert_true(c.now_us <= now_us && c.now_us > now_us - 6 * (int64_t)HAND_US);
    drive_to(&c, began_us + 99 * (int64_t)HAND_US);
    assert_int_equal(drive_state(&c, id), FY_JOB_RUNNING);
    drive_to(&c, began_us + 101 * (int64_t)HAND_US);
    drive_expect(&c, id, "\"timeout\"");
    drive_end(&c);
}

/* A clock that jumps a year ahead ends what has a limit, once, and the rest goes on. */
static void a_jump_ahead_is_time_that_passed(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission limited_job = drive_job(100), free_job = drive_job(4000 * (int64_t)10000);
    int64_t ids[2];
    centre c;

    (void)state;
    limited_job.time_limit_us = 200 * (int64_t)HAND_US;
    drive_begin(&c, "fifo", &o);
    ids[0] = drive_submit(&c, 0, &limited_job);
    ids[1] = drive_submit(&c, 0, &free_job);
    drive_for(&c, 10);
    centre_kill(&c);
    c.now_us += 365 * 86400 * (int64_t)HAND_US;
    fy_fake_advance(c.fake, c.now_us);
    assert_int_equal(centre_open(&c), 0);
    drive_for(&c, 10);
    drive_expect(&c, ids[0], "\"finished\""); /* it ended while nobody looked */
    assert_int_equal(drive_state(&c, ids[1]), FY_JOB_RUNNING);
    drive_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wall_clock_that_is_set_moves_no_deadline),
        cmocka_unit_test(a_daemon_started_before_the_journals_end_goes_on_from_it),
        cmocka_unit_test(time_limits_fire_neither_early_nor_late),
        cmocka_unit_test(a_restart_behind_the_journal_keeps_the_rest_of_a_limit),
        cmocka_unit_test(a_jump_ahead_is_time_that_passed),
    };

    return cmocka_run_group_tests_name("clocks", tests, NULL, NULL);
}
