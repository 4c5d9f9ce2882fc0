/* SPDX-License-Identifier: MIT */
/*
 * A tenant who submits without end: its limit stops it, and without a limit 100,000 jobs of its
 * own (30,000 in slower builds) cost a bounded amount of memory each and keep nobody else waiting.
 */
#include "live/drive.h"

#include <malloc.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SLOW) || !defined(__OPTIMIZE__)
enum { MANY = 30000, MEASURED = 0 };
#else
enum { MANY = 100000, MEASURED = 1 };
#endif
enum { MOST_BYTES_A_JOB = 2500, TASKS = 10000 };

static void a_limit_stops_a_tenant_and_nobody_else(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_quota quota = {
        .tenant = "t0", .queued = 1000, .devices = -1, .time_limit_us = -1, .default_limit_us = -1};
    fy_submission job = drive_job(30), array = drive_job(30);
    static int tasks[1001];
    int64_t first;
    bool again;
    int count;
    centre c;

    (void)state;
    centre_init(&c, "fair", &o);
    c.options.quotas = &quota;
    c.options.n_quotas = 1;
    assert_int_equal(centre_open(&c), 0);
    for (int i = 0; i <= 1000; i++) {
        tasks[i] = i;
    }
    array.array = tasks;
    array.n_array = 1001;
    assert_int_equal(fy_ctl_submit(c.ctl, &tenants[0], &array, &first, &count, &again, &c.err),
                     FY_EINVAL);
    assert_string_equal(c.err.text, "tenant t0 has 0 jobs that have not ended; with 1001 more it "
                                    "would pass its limit of 1000");
    assert_int_equal(fy_ctl_fleet(c.ctl)->n_live, 0); /* an array is taken whole or not */
    array.n_array = 1000;
    assert_int_equal(drive_submit(&c, 0, &array), 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fy_ctl_submit(c.ctl, &tenants[0], &job, &first, &count, &again, &c.err),
                         FY_EINVAL);
        (void)drive_submit(&c, 1, &job);
        drive_to(&c, c.now_us + 1);
        drive_restart(&c); /* what it has is counted again */
    }
    drive_for(&c, 200);
    (void)drive_submit(&c, 0, &job); /* some have ended: as many may come */
    drive_end(&c);
}

/* Bytes in use now. */
static double heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static void a_flood_is_taken_and_others_are_served(void **state)
{
    fy_fake_options o = fy_fake_honest();
    fy_submission job = drive_job(300);
    static int tasks[TASKS];
    double before, after;
    int64_t ids[12];
    centre c;

    (void)state;
    centre_init(&c, "fair", &o);
    assert_int_equal(centre_open(&c), 0);
    before = heap_bytes();
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = i;
    }
    for (int n = 0; n < MANY; n += n < MANY - 2 * TASKS ? 1 : TASKS) {
        fy_submission array = job;

        if (n >= MANY - 2 * TASKS) { /* the last of them as two arrays */
            array.array = tasks;
            array.n_array = TASKS;
        }
        (void)drive_submit(&c, 0, &array);
        if (n % 1000 == 0) {
            assert_int_equal(centre_turn(&c, c.now_us + 1000), 0);
        }
    }
    drive_to(&c, c.now_us + 1);
    after = heap_bytes();
    assert_int_equal(fy_ctl_fleet(c.ctl)->n_live, MANY);
    if (MEASURED) {
        print_message("# %.0f bytes a waiting job\n", (after - before) / MANY);
        assert_true((after - before) / MANY < MOST_BYTES_A_JOB);
    }
    for (int i = 0; i < 12; i++) {
        ids[i] = drive_submit(&c, 1 + i % 2, &job);
    }
    drive_for(&c, 310); /* the flood's first jobs end; then the others' turn has come */
    drive_restart(&c);
    drive_for(&c, 320);
    for (int i = 0; i < 12; i++) {
        drive_expect(&c, ids[i], "\"finished\"");
    }
    assert_true(fy_ctl_fleet(c.ctl)->n_live > MANY - 200);
    drive_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_stops_a_tenant_and_nobody_else),
        cmocka_unit_test(a_flood_is_taken_and_others_are_served),
    };

    return cmocka_run_group_tests_name("many jobs", tests, NULL, NULL);
}
