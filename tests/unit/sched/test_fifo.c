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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_overtakes),
        cmocka_unit_test(priority_comes_first),
        cmocka_unit_test(a_tenant_at_its_limit_holds_up_nobody),
        cmocka_unit_test(reasons_are_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
