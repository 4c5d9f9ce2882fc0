/* SPDX-License-Identifier: MIT */
/*
 * One fault of the engine at a time: silence, lost verbs, lost, doubled and stray hints, runs
 * missing from lists, late and false answers. Each has its own promise; all of them that no job
 * runs twice at once, that none is lost, and that the history adds up (drive_end).
 */
#include "live/drive.h"

enum { JOBS = 40, JOB_S = 30 };

/* A day of jobs of 30 s on an engine with these faults; what is asked for is that all end. */
static void a_day(centre *c, const fy_fake_options *engine, int64_t ids[JOBS], int64_t within_s)
{
    fy_submission job = drive_job(JOB_S);

    drive_begin(c, "fifo", engine);
    for (int i = 0; i < JOBS; i++) {
        ids[i] = drive_submit(c, i % 3, &job);
    }
    drive_out(c, within_s);
}

/* All finished, each in one attempt. */
static void all_in_one(centre *c, const int64_t ids[JOBS])
{
    for (int i = 0; i < JOBS; i++) {
        drive_expect(c, ids[i], "\"finished\"");
        assert_int_equal(drive_began(c, ids[i]), 1);
    }
    drive_end(c);
}

static void an_honest_engine_is_believed_at_once(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS], began_us;
    centre c;

    (void)state;
    a_day(&c, &o, ids, 200);
    began_us = fy_fake_mark_get(c.fake, 0).began_us;
    assert_true(began_us - 1000 * (int64_t)HAND_US < HAND_US / 10);
    all_in_one(&c, ids);
}

/* ------------------------------------------------------------------ silence */

/* Ten minutes without a word. Runs go on, ends are learned of afterwards, nothing starts twice. */
static void silent_for_ten_minutes(bool errors)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission brief = drive_job(60), lasting = drive_job(2000);
    int64_t ids[6], late;
    fy_str status = {0};
    centre c;

    drive_begin(&c, "fifo", &o);
    for (int i = 0; i < 6; i++) {
        ids[i] = drive_submit(&c, i % 3, i < 3 ? &brief : &lasting);
    }
    drive_for(&c, 10);
    fy_fake_silence(c.fake, c.now_us + 600 * (int64_t)HAND_US, errors);
    drive_for(&c, 100);
    late = drive_submit(&c, 0, &brief); /* it is still taken in, and shown */
    drive_for(&c, 400);
    drive_restart(&c);
    drive_for(&c, 50);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(drive_state(&c, ids[i]), FY_JOB_RUNNING);
    }
    assert_int_equal(drive_began(&c, late), 0);
    fy_ctl_view_status(c.ctl, &centre_root, &status);
    assert_non_null(
        strstr(status.text, errors ? "\"engine_answers\":false" : "\"engine_answers\":true"));
    fy_str_free(&status);
    drive_for(&c, 70);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(drive_state(&c, ids[i]), i < 3 ? FY_JOB_GONE : FY_JOB_RUNNING);
    }
    drive_out(&c, 3000);
    for (int i = 0; i < 6; i++) {
        drive_expect(&c, ids[i], "\"finished\"");
        assert_int_equal(drive_began(&c, ids[i]), 1);
    }
    drive_expect(&c, late, "\"finished\"");
    drive_end(&c);
}

static void ten_minutes_without_an_answer_lose_nothing(void **state)
{
    (void)state;
    silent_for_ten_minutes(true);
}

/* Its lists were believed: after ten seconds all jobs were lost, and later ran twice. */
static void ten_minutes_of_empty_answers_lose_nothing(void **state)
{
    (void)state;
    silent_for_ten_minutes(false);
}

/* ------------------------------------------------------------------ one knob */

static void lost_verbs_are_repeated(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.drop_verb = 0.5;
    a_day(&c, &o, ids, 1000);
    all_in_one(&c, ids);
}

static void failing_verbs_and_looks_are_repeated(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.error = 0.5;
    a_day(&c, &o, ids, 2000);
    all_in_one(&c, ids);
}

static void without_hints_lists_tell_within_their_period(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(12);
    int64_t id, from_us;
    centre c;

    (void)state;
    o.drop_hint = 1;
    drive_begin(&c, "fifo", &o);
    id = drive_submit(&c, 0, &job);
    from_us = c.now_us;
    while (drive_state(&c, id) != FY_JOB_GONE) {
        drive_for(&c, 1);
        assert_true(c.now_us < from_us + (12 + 5 + 2) * (int64_t)HAND_US);
    }
    assert_int_equal(drive_began(&c, id), 1);
    drive_end(&c);
}

static void doubled_stray_and_shuffled_hints_change_nothing(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.repeat_hint = o.stray_hint = 0.9;
    o.reorder = true;
    a_day(&c, &o, ids, 200);
    all_in_one(&c, ids);
}

/* One list without it had a run killed. */
static void a_run_that_a_list_lacks_lives_on(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.hide = 0.9;
    a_day(&c, &o, ids, 1000);
    all_in_one(&c, ids);
}

static void false_answers_touch_no_job(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.lie = 1;
    a_day(&c, &o, ids, 200);
    all_in_one(&c, ids);
}

static void late_answers_are_waited_for(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.late = 1;
    o.late_us = 60 * (int64_t)HAND_US;
    a_day(&c, &o, ids, 2000);
    all_in_one(&c, ids);
}

static void wild_progress_ends_no_job(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.wild = 1;
    a_day(&c, &o, ids, 400);
    all_in_one(&c, ids);
}

/* ------------------------------------------------------------------ how runs end */

static void a_failure_or_a_crash_is_the_jobs_own(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.fail = o.crash = 1;
    a_day(&c, &o, ids, 400);
    for (int i = 0; i < JOBS; i++) {
        drive_expect(&c, ids[i], "\"failed\"");
        assert_int_equal(drive_began(&c, ids[i]), 1);
    }
    drive_end(&c);
}

static void a_refused_run_fails_and_never_began(void **state)
{
    fy_fake_options o = fy_fake_honest();
    int64_t ids[JOBS];
    centre c;

    (void)state;
    o.refuse = 1;
    a_day(&c, &o, ids, 400);
    for (int i = 0; i < JOBS; i++) {
        drive_expect(&c, ids[i], "\"failed\"");
        assert_int_equal(drive_began(&c, ids[i]), 0);
    }
    drive_end(&c);
}

/* Nobody saw how it ended: it runs again, unless its owner said that it must not. */
static void a_lost_run_goes_back_to_the_queue_where_it_may(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission again = drive_job(600), once = drive_job(600);
    int64_t ids[2];
    centre c;

    (void)state;
    once.requeue = false;
    drive_begin(&c, "fifo", &o);
    ids[0] = drive_submit(&c, 0, &again);
    ids[1] = drive_submit(&c, 0, &once);
    drive_for(&c, 20);
    assert_true(fy_fake_lose(c.fake, (fy_run_key){ids[0], 1}));
    assert_true(fy_fake_lose(c.fake, (fy_run_key){ids[1], 1}));
    drive_for(&c, 20);
    assert_int_equal(drive_state(&c, ids[0]), FY_JOB_RUNNING);
    drive_expect(&c, ids[1], "\"failed\"");
    drive_out(&c, 2000);
    drive_expect(&c, ids[0], "\"finished\"");
    assert_int_equal(drive_began(&c, ids[0]), 2);
    assert_int_equal(drive_began(&c, ids[1]), 1);
    drive_end(&c);
}

static void a_frozen_shim_is_shown_and_its_job_goes_on(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(100);
    int64_t id;
    centre c;

    (void)state;
    o.vanish = 1;
    drive_begin(&c, "fifo", &o);
    id = drive_submit(&c, 0, &job);
    drive_for(&c, 20);
    drive_expect(&c, id, "its shim does not answer");
    drive_out(&c, 300);
    drive_expect(&c, id, "\"finished\"");
    assert_int_equal(drive_began(&c, id), 1);
    drive_end(&c);
}

static void a_deaf_run_is_killed_after_its_grace(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(1000);
    int64_t id, at_us;
    fy_fake_mark mark;
    centre c;

    (void)state;
    o.deaf = 1;
    job.grace_us = 20 * (int64_t)HAND_US;
    drive_begin(&c, "fifo", &o);
    id = drive_submit(&c, 0, &job);
    drive_for(&c, 30);
    at_us = c.now_us;
    assert_int_equal(fy_ctl_job(c.ctl, &tenants[0], id, FY_VERB_CANCEL, &c.err), 0);
    drive_out(&c, 60);
    drive_expect(&c, id, "\"cancelled\"");
    mark = fy_fake_mark_get(c.fake, 0);
    assert_int_equal(mark.exit_signal, 9);
    assert_true(mark.ended_us >= at_us + job.grace_us);
    assert_true(mark.ended_us < at_us + job.grace_us + HAND_US);
    drive_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_engine_is_believed_at_once),
        cmocka_unit_test(ten_minutes_without_an_answer_lose_nothing),
        cmocka_unit_test(ten_minutes_of_empty_answers_lose_nothing),
        cmocka_unit_test(lost_verbs_are_repeated),
        cmocka_unit_test(failing_verbs_and_looks_are_repeated),
        cmocka_unit_test(without_hints_lists_tell_within_their_period),
        cmocka_unit_test(doubled_stray_and_shuffled_hints_change_nothing),
        cmocka_unit_test(a_run_that_a_list_lacks_lives_on),
        cmocka_unit_test(false_answers_touch_no_job),
        cmocka_unit_test(late_answers_are_waited_for),
        cmocka_unit_test(wild_progress_ends_no_job),
        cmocka_unit_test(a_failure_or_a_crash_is_the_jobs_own),
        cmocka_unit_test(a_refused_run_fails_and_never_began),
        cmocka_unit_test(a_lost_run_goes_back_to_the_queue_where_it_may),
        cmocka_unit_test(a_frozen_shim_is_shown_and_its_job_goes_on),
        cmocka_unit_test(a_deaf_run_is_killed_after_its_grace),
    };

    return cmocka_run_group_tests_name("controller and engine", tests, NULL, NULL);
}
