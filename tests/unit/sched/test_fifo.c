/* SPDX-License-Identifier: MIT */
/* fifo by hand: nothing overtakes, but what stands still for its own sake holds up nobody. */
#include "unit/sched/scene.h"

static scene s;

static void nothing_overtakes(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 4);
    scene_job(&s, 0, 3, 10);
    scene_job(&s, 1, 2, 10);
    scene_job(&s, 2, 1, 1); /* would fit beside the first */
    scene_run(&s, "fifo");
    scene_ran(&s, 0, 0, 10);
    scene_ran(&s, 1, 10, 20);
    scene_ran(&s, 2, 10, 11);
}

static void priority_comes_first(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 1);
    scene_job(&s, 0, 1, 10);
    scene_job(&s, 1, 1, 10)->priority = FY_SPOT;
    scene_job(&s, 2, 1, 10);
    scene_job(&s, 3, 1, 10)->priority = FY_HIGH;
    scene_run(&s, "fifo");
    scene_ran(&s, 0, 0, 10);
    scene_ran(&s, 3, 10, 20);
    scene_ran(&s, 2, 20, 30);
    scene_ran(&s, 1, 30, 40);
}

static void a_tenant_at_its_limit_holds_up_nobody(void **state)
{
    (void)state;
    scene_init(&s, 1, 1, 4);
    hand_tenant(&s.hand, 1, 1, 0);
    scene_job(&s, 0, 1, 10)->tenant = "t0";
    scene_job(&s, 1, 1, 10)->tenant = "t0";
    scene_job(&s, 2, 1, 10);
    scene_run(&s, "fifo");
    scene_ran(&s, 1, 10, 20);
    scene_ran(&s, 2, 2, 12);
}

static void reasons_are_true(void **state)
{
    (void)state;
    scene_init(&s, 1, 2, 2);
    hand_tenant(&s.hand, 1, 1, 0);
    scene_job(&s, 0, 1, 1)->tenant = "t0";
    scene_job(&s, 0, 1, 100);
    scene_job(&s, 0, 1, 100); /* the second node has one left, so has the first at 1 s */
    scene_job(&s, 2, 2, 10);
    scene_job(&s, 2, 1, 10);
    s.options.until_us = 5LL * HAND_US;
    scene_run(&s, "fifo");
    scene_waits(&s, 3, FY_WHY_FRAGMENTED);
    scene_waits(&s, 4, FY_WHY_BEHIND);
}

static void never(int job, fy_reason reason)
{
    assert_string_equal(s.rows[job].state, "never");
    assert_string_equal(s.rows[job].reason, fy_reason_text(reason));
}

/* CPU for one worker a node where devices would do for two: two workers span two nodes, not one. */
static void a_gang_that_cannot_keep_together_holds_up_nobody(void **state)
{
    (void)state;
    scene_init(&s, 1, 2, 2);
    s.hand.pools[0].cpu_milli = 1000;
    hand_job(&s.jobs, 0, 2, 10)->cpu_milli = 1000;
    s.jobs.accept[0][0].rate_spread = 0;
    hand_job(&s.jobs, 1, 2, 10)->cpu_milli = 1000;
    scene_run(&s, "fifo");
    never(0, FY_WHY_NEVER_TIGHT);
    scene_ran(&s, 1, 1, 11);
}

/* Two nodes of two devices draw 2.4 kW idle, each busy device 0.3 kW more. */
static void a_gang_beyond_the_power_cap_holds_up_nobody(void **state)
{
    static const char *const policies[] = {"fifo", "backfill", "srtf", "las", "fair", "gain"};

    (void)state;
    for (int p = 0; p < 6; p++) {
        scene_init(&s, 1, 2, 2);
        s.options.power_cap_w = 3000;
        hand_job(&s.jobs, 0, 3, 10);
        hand_job(&s.jobs, 1, 2, 10);
        scene_run(&s, policies[p]);
        never(0, FY_WHY_NEVER_POWER);
        scene_ran(&s, 1, 1, 11);
    }
}

/* While a node is down its share of the cap is free, and the gang may have it. */
static void a_fallen_node_leaves_its_power_to_others(void **state)
{
    static const fy_happening fall[] = {
        {.t_us = 5LL * HAND_US, .kind = FY_HAPPEN_DOWN, .name = "p0-0001"},
        {.t_us = 7LL * HAND_US, .kind = FY_HAPPEN_UP, .name = "p0-0001"},
    };
    static const char *const policies[] = {"fifo", "backfill", "srtf", "las", "fair", "gain"};

    (void)state;
    for (int p = 0; p < 6; p++) {
        scene_init(&s, 1, 2, 4);
        s.options.power_cap_w = 2800 + 500;
        s.options.happenings = fall;
        s.options.n_happenings = 2;
        hand_job(&s.jobs, 0, 2, 10);
        hand_job(&s.jobs, 1, 1, 1);
        hand_job(&s.jobs, 6, 2, 10);
        scene_run(&s, policies[p]);
        scene_ran(&s, 1, 1, 2);
        scene_ran(&s, 0, 5, 15);
        scene_ran(&s, 2, 6, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_overtakes),
        cmocka_unit_test(priority_comes_first),
        cmocka_unit_test(a_tenant_at_its_limit_holds_up_nobody),
        cmocka_unit_test(reasons_are_true),
        cmocka_unit_test(a_gang_that_cannot_keep_together_holds_up_nobody),
        cmocka_unit_test(a_gang_beyond_the_power_cap_holds_up_nobody),
        cmocka_unit_test(a_fallen_node_leaves_its_power_to_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
