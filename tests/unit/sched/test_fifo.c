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

static void window(fy_happening list[], int node, const char *tenant)
{
    static const char *const nodes[] = {"p0-0000", "p0-0001"};

    list[0] = (fy_happening){.t_us = 0,
                             .kind = FY_HAPPEN_WINDOW,
                             .from_us = 20LL * HAND_US,
                             .until_us = 90LL * HAND_US,
                             .name = nodes[node],
                             .tenant = tenant};
    list[1] = (fy_happening){.t_us = 20LL * HAND_US, .kind = FY_HAPPEN_CLEAR, .name = nodes[node]};
    list[2] = (fy_happening){.t_us = 90LL * HAND_US, .kind = FY_HAPPEN_WINDOW, .name = nodes[node]};
}

/* A gang that needs more than one node has all of its tenant's, under every placement. */
static void a_gang_uses_its_tenants_windows(void **state)
{
    static const char *const placements[] = {"pack", "spread", "bestfit", "fgd"};

    (void)state;
    for (int p = 0; p < 4; p++) {
        fy_happening list[6];

        scene_init(&s, 1, 2, 2);
        hand_tenant(&s.hand, 1, 0, -1);
        window(list, 0, "t0");
        window(list + 3, 1, "t0");
        s.options.happenings = list;
        s.options.n_happenings = 6;
        s.options.sched.placement = placements[p];
        hand_job(&s.jobs, 25, 4, 10)->tenant = "t0";
        hand_job(&s.jobs, 25, 3, 10); /* nobody else may */
        scene_run(&s, "fifo");
        scene_ran(&s, 0, 25, 35);
        scene_ran(&s, 1, 90, 100);
    }
}

/* Both ask the same; one would reach into the window, the other is over before it. */
static void a_window_stops_only_those_who_reach_into_it(void **state)
{
    static const char *const policies[] = {"srtf", "las", "fair", "gain", "backfill"};

    (void)state;
    for (int p = 0; p < 5; p++) {
        fy_happening list[3];

        scene_init(&s, 1, 1, 1);
        window(list, 0, "");
        s.options.happenings = list;
        s.options.n_happenings = 3;
        hand_job(&s.jobs, 0, 1, 50)->priority = FY_HIGH;
        hand_job(&s.jobs, 1, 1, 10);
        scene_run(&s, policies[p]);
        scene_ran(&s, 1, 1, 11);
        scene_ran(&s, 0, 90, 140);
    }
}

/* An elastic gang holds all of a, more than it asked for: that is not there for others. */
static void what_an_elastic_gang_holds_is_taken(void **state)
{
    fy_job_spec *job;

    (void)state;
    scene_init(&s, 2, 1, 4);
    scene_set(&s, "fifo.anew", "yes");
    hand_job(&s.jobs, 0, 1, 100)->max_workers = 4;
    job = hand_job(&s.jobs, 1, 1, 10);
    s.jobs.accept[1][1] = (fy_accept){.chip = 1, .rate = 1};
    job->n_accept = 2;
    scene_run(&s, "fifo");
    scene_ran(&s, 0, 0, 25);
    scene_ran(&s, 1, 1, 11);
    assert_string_equal(s.rows[1].chip, "chip-b");
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
        cmocka_unit_test(a_gang_uses_its_tenants_windows),
        cmocka_unit_test(what_an_elastic_gang_holds_is_taken),
        cmocka_unit_test(a_window_stops_only_those_who_reach_into_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
