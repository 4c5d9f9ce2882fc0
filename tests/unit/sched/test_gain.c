/* SPDX-License-Identifier: MIT */
/* gain by hand: the scarce chip goes to the job that loses most without it, and moves are priced.
 */
#include "unit/sched/scene.h"

static scene s;

/* A job that runs at `a` on chip a and at `b` on chip b. */
static fy_job_spec *either(double submit_s, double work, double a, double b)
{
    int i = s.jobs.n;
    fy_job_spec *job = scene_job(&s, submit_s, 1, work);

    s.jobs.accept[i][0] = (fy_accept){.chip = 0, .rate = a};
    s.jobs.accept[i][1] = (fy_accept){.chip = 1, .rate = b};
    job->n_accept = 2;
    return job;
}

static void whoever_loses_most_is_served_first(void **state)
{
    (void)state;
    scene_init(&s, 2, 1, 1);
    either(0, 100, 1, 1);
    either(0, 100, 4, 1); /* loses three quarters on b */
    scene_run(&s, "gain");
    assert_string_equal(s.rows[0].chip, "chip-b");
    assert_string_equal(s.rows[1].chip, "chip-a");
    scene_ran(&s, 1, 0, 25);
    scene_run(&s, "fifo");
    assert_string_equal(s.rows[0].chip, "chip-a");
}

static void a_move_is_made_where_it_is_worth_its_price(void **state)
{
    (void)state;
    for (int costs = 0; costs < 2; costs++) {
        scene_init(&s, 2, 1, 1);
        scene_set(&s, "gain.period", "0");
        s.options.costs = costs ? FY_COSTS_TRACE : FY_COSTS_NONE;
        scene_job(&s, 0, 1, 10);
        either(0, 100, 4, 1)->restart_cost_us = 60LL * HAND_US;
        s.jobs.jobs[1].checkpoint_interval_us = 0;
        scene_run(&s, "gain");
        /* a is free at 10 s, when 90 are left: 22.5 s there; a restart would take another 60 */
        scene_ran(&s, 1, 0, costs ? 100 : 32.5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_loses_most_is_served_first),
        cmocka_unit_test(a_move_is_made_where_it_is_worth_its_price),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
