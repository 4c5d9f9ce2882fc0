/* SPDX-License-Identifier: MIT */
/*
 * A disk that fills up or whose sync fails, under a controller at work: what is refused and in
 * which words, what is not lost, and that nothing is written or synced a second time.
 */
#include "live/drive.h"
#include "support/fault_disk.h"

static int64_t free_bytes;

static int64_t told_room(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return free_bytes;
}

/* The system's files, but for the room that they tell of. */
static void begin_with_room(centre *c, fy_files *files, int64_t bytes)
{
    fy_fake_options honest = fy_fake_honest();

    free_bytes = bytes;
    *files = fy_files_system;
    files->room = told_room;
    centre_init(c, "fifo", &honest);
    c->disk.files = files;
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
}

static const int64_t plenty = (int64_t)10 << 30;

static void refused(centre *c, const fy_submission *job)
{
    int64_t first, ids = (int64_t)fy_ctl_fleet(c->ctl)->n_ids;
    fy_str status = {0};
    bool again;
    int count;

    assert_int_equal(fy_ctl_submit(c->ctl, &tenants[0], job, &first, &count, &again, &c->err),
                     FY_EIO);
    assert_string_equal(c->err.text,
                        "the disk of the state folder is nearly full: nothing new is accepted "
                        "until there is room");
    assert_int_equal(fy_ctl_fleet(c->ctl)->n_ids, ids);
    fy_ctl_view_status(c->ctl, &centre_root, &status);
    assert_non_null(strstr(status.text, "\"accepting\":false"));
    fy_str_free(&status);
}

static void below_the_reserve_ends_are_kept_and_nothing_is_accepted(void **state)
{
    fy_submission brief = drive_job(30), lasting = drive_job(100);
    int64_t ids[2], late;
    fy_files files;
    centre c;

    (void)state;
    begin_with_room(&c, &files, plenty);
    ids[0] = drive_submit(&c, 0, &brief);
    ids[1] = drive_submit(&c, 1, &lasting);
    drive_for(&c, 10);
    free_bytes = (int64_t)1 << 20;
    drive_for(&c, 30); /* the end of the first is journalled and told */
    drive_expect(&c, ids[0], "\"finished\"");
    refused(&c, &brief);
    assert_int_equal(fy_ctl_job(c.ctl, &tenants[1], ids[1], FY_VERB_CANCEL, &c.err), 0);
    drive_for(&c, 10);
    drive_expect(&c, ids[1], "\"cancelled\"");
    free_bytes = plenty;
    drive_for(&c, 10);
    late = drive_submit(&c, 0, &brief);
    drive_out(&c, 100);
    drive_expect(&c, late, "\"finished\"");
    drive_end(&c);
}

/* It accepted until its first commit was over. */
static void a_daemon_started_on_a_full_disk_accepts_nothing(void **state)
{
    fy_submission job = drive_job(30);
    fy_files files;
    centre c;

    (void)state;
    begin_with_room(&c, &files, plenty);
    (void)drive_submit(&c, 0, &job);
    drive_for(&c, 5);
    free_bytes = 0;
    drive_restart(&c);
    refused(&c, &job);
    free_bytes = plenty;
    drive_for(&c, 10);
    (void)drive_submit(&c, 0, &job);
    drive_out(&c, 100);
    drive_end(&c);
}

/* ------------------------------------------------------------------ on a disk that fails */

static fault_disk *begin_on(centre *c)
{
    fy_fake_options honest = fy_fake_honest();
    fault_disk *disk = fault_disk_new("fault", 5);

    centre_init(c, "fifo", &honest);
    c->disk =
        (fy_store_options){.folder = "state", .vfs = "fault", .files = fault_disk_files(disk)};
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
    return disk;
}

/* The commit that failed was the last: whatever is asked, nothing more is written or synced. */
static void check_never_again(centre *c, fault_disk *disk)
{
    int64_t committed = fy_ctl_committed(c->ctl);
    fy_err err = {0};

    fault_disk_arm(disk, FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE, (int64_t)1 << 60, FAULT_ERROR);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(fy_ctl_turn(c->ctl, c->now_us + i * HAND_US, &err), FY_EIO);
        assert_true(fy_ctl_tidy(c->ctl, &err) < 0);
    }
    assert_non_null(strstr(err.text, "has stopped: cannot"));
    assert_int_equal(fy_ctl_committed(c->ctl), committed);
    assert_int_equal(fault_disk_count(disk), 0);
}

/* Jobs run; in the midst of it a commit meets this fault. */
static void fails_in_a_commit(unsigned ops, fault_kind kind, const char *says, bool power)
{
    fy_submission brief = drive_job(30), lasting = drive_job(100);
    int64_t ids[2], told, lost;
    centre c;
    fault_disk *disk = begin_on(&c);
    size_t runs;

    ids[0] = drive_submit(&c, 0, &brief);
    ids[1] = drive_submit(&c, 1, &lasting);
    drive_for(&c, 10);
    told = (int64_t)fy_ctl_fleet(c.ctl)->n_ids;
    lost = drive_submit(&c, 2, &brief);
    runs = fy_fake_marks(c.fake);
    fault_disk_arm(disk, ops, 1, kind);
    assert_int_equal(centre_turn(&c, c.now_us + HAND_US), FY_EIO);
    if (strstr(c.err.text, says) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", says, c.err.text);
    }
    check_never_again(&c, disk);
    assert_int_equal(fy_fake_marks(c.fake), runs); /* what was not committed was not begun */
    centre_kill(&c);
    if (power) {
        fault_disk_power(disk);
    } else {
        fault_disk_restart(disk);
    }
    fy_fake_advance(c.fake, c.now_us + 40 * (int64_t)HAND_US); /* the first ends meanwhile */
    c.now_us += 40 * (int64_t)HAND_US;
    if (centre_open(&c) != 0) {
        fail_msg("%s", c.err.text);
    }
    assert_true((int64_t)fy_ctl_fleet(c.ctl)->n_ids >= told);
    drive_for(&c, 10);
    drive_expect(&c, ids[0], "\"finished\"");
    assert_true(drive_submit(&c, 2, &brief) >= lost);
    drive_out(&c, 200);
    drive_expect(&c, ids[1], "\"finished\"");
    assert_int_equal(drive_began(&c, ids[1]), 1);
    drive_end(&c);
    fault_disk_free(disk);
}

static void a_full_disk_ends_the_daemon_and_loses_no_end(void **state)
{
    (void)state;
    fails_in_a_commit(FAULT_WRITE, FAULT_FULL, "full", false);
}

static void a_sync_that_fails_is_never_tried_again(void **state)
{
    (void)state;
    fails_in_a_commit(FAULT_SYNC, FAULT_ERROR, "I/O", false);
    fails_in_a_commit(FAULT_SYNC, FAULT_ERROR, "I/O", true);
}

static void a_write_that_fails_ends_the_daemon(void **state)
{
    (void)state;
    fails_in_a_commit(FAULT_WRITE, FAULT_ERROR, "I/O", true);
    fails_in_a_commit(FAULT_WRITE, FAULT_SHORT, "I/O", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_reserve_ends_are_kept_and_nothing_is_accepted),
        cmocka_unit_test(a_daemon_started_on_a_full_disk_accepts_nothing),
        cmocka_unit_test(a_full_disk_ends_the_daemon_and_loses_no_end),
        cmocka_unit_test(a_sync_that_fails_is_never_tried_again),
        cmocka_unit_test(a_write_that_fails_ends_the_daemon),
    };

    return cmocka_run_group_tests_name("controller and disk", tests, NULL, NULL);
}
