/* SPDX-License-Identifier: MIT */
#include "base/pack.h"
#include "fleet/state.h"
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct world {
    fy_fleet *fleet;
    fy_sched *sched;
    int starts, stops;
} world;

static int apply(void *ctx, const fy_event *event, fy_err *err)
{
    world *w = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : NULL;
    int status = fy_fleet_apply(w->fleet, event, err);

    if (status == 0) {
        job = job == NULL && event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : job;
        fy_sched_observe(w->sched, event, job);
        w->starts += event->kind == FY_EV_STARTING;
        w->stops += event->kind == FY_EV_STOPPING;
    }
    return status;
}

/* Two tenants, eight devices; two jobs run, the third finds no room. */
static world busy_world(const fy_sched_options *options)
{
    static hand_site hand;
    world w = {.fleet = fy_fleet_new()};
    fy_err err = {0};

    hand_site_init(&hand, 1);
    hand_pool(&hand, 0, 2, 4);
    hand_tenant(&hand, 1, 4, -1);
    hand_tenant(&hand, 1, 0, -1);
    assert_int_equal(fy_sched_open(&w.sched, w.fleet, options, &err), 0);
    assert_int_equal(fy_site_events(&hand.site, 0, apply, &w, &err), 0);
    for (int i = 0; i < 3; i++) {
        fy_rate rate = {.chip = 0, .rate_q = 1000, .spread_q = 1000};
        fy_job_record rec = {.name = "j",
                             .tenant = i % 2,
                             .priority = FY_NORMAL,
                             .workers = 4,
                             .min_workers = 4,
                             .max_workers = 4,
                             .devices = 1,
                             .rates = &rate,
                             .n_rates = 1,
                             .work_q = 1000000,
                             .q_per_unit = 1,
                             .limit_us = -1,
                             .deadline_us = -1,
                             .array_of = -1};
        fy_event event = {.t_us = HAND_US,
                          .kind = FY_EV_SUBMITTED,
                          .job = i,
                          .node = -1,
                          .tenant = -1,
                          .chip = -1,
                          .job_record = &rec};

        assert_int_equal(apply(&w, &event, &err), 0);
    }
    assert_true(fy_sched_round(w.sched, HAND_US, apply, &w, &err) >= 0);
    assert_int_equal(w.starts, 2);
    return w;
}

static void close_world(world *w)
{
    fy_sched_close(w->sched);
    fy_fleet_free(w->fleet);
}

static void another_policy_instant_or_damage_is_refused(void **state)
{
    fy_sched_options las = {.policy = "las"};
    fy_sched_options fair = {.policy = "fair"};
    fy_setting setting = {"las.levels", "3"};
    fy_sched_options other = {.policy = "las", .settings = &setting, .n_settings = 1};
    world w = busy_world(&las);
    fy_sched *sched = NULL;
    fy_str bytes = {0};
    fy_err err = {0};

    (void)state;
    fy_sched_save(w.sched, &bytes);
    assert_int_equal(fy_sched_open(&sched, w.fleet, &las, &err), 0);
    assert_int_equal(fy_sched_load(sched, bytes.text, bytes.len, &err), 0);
    bytes.text[40] ^= 1;
    assert_int_equal(fy_sched_load(sched, bytes.text, bytes.len, &err), FY_EPARSE);
    bytes.text[40] ^= 1;
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(fy_sched_load(sched, bytes.text, len, &err), FY_EPARSE);
    }
    fy_sched_close(sched);
    assert_int_equal(fy_sched_open(&sched, w.fleet, &fair, &err), 0);
    assert_int_equal(fy_sched_load(sched, bytes.text, bytes.len, &err), FY_EPARSE);
    assert_string_equal(err.text,
                        "snapshot of a policy: of las with other settings than this fair");
    fy_sched_close(sched);
    assert_int_equal(fy_sched_open(&sched, w.fleet, &other, &err), 0);
    assert_int_equal(fy_sched_load(sched, bytes.text, bytes.len, &err), FY_EPARSE);
    fy_sched_close(sched);
    assert_int_equal(
        apply(&w, &(fy_event){.t_us = 2 * HAND_US, .kind = FY_EV_CANCELLED, .job = 2}, &err), 0);
    assert_int_equal(fy_sched_open(&sched, w.fleet, &las, &err), 0);
    assert_int_equal(fy_sched_load(sched, bytes.text, bytes.len, &err), FY_EPARSE);
    assert_non_null(strstr(err.text, "another instant"));
    fy_sched_close(sched);
    fy_str_free(&bytes);
    close_world(&w);
}

/* Bytes changed by somebody who mends the hash: an error or a policy that decides, never more. */
static void what_means_harm_ends_in_an_error_or_a_policy(void **state)
{
    static const unsigned char wrong[] = {0, 1, 3, 0x7f, 0x80, 0xff};
    const fy_policy_info *info;

    (void)state;
    for (int p = 0; (info = fy_policy_at(p)) != NULL; p++) {
        fy_sched_options options = {.policy = info->name};
        world w = busy_world(&options);
        fy_str bytes = {0};
        fy_err err = {0};

        fy_sched_save(w.sched, &bytes);
        for (size_t i = 16; i < bytes.len - 8; i++) {
            for (size_t k = 0; k < sizeof wrong; k++) {
                fy_fleet *fleet = fy_fleet_copy(w.fleet);
                world harmed = {.fleet = fleet};
                fy_str framed = {0};
                size_t begin = fy_pack_begin(&framed, "FYSCHED1");

                fy_str_add(&framed, bytes.text + 16, bytes.len - 24);
                framed.text[i] = (char)wrong[k];
                fy_pack_end(&framed, begin);
                assert_int_equal(fy_sched_open(&harmed.sched, fleet, &options, &err), 0);
                if (fy_sched_load(harmed.sched, framed.text, framed.len, &err) == 0) {
                    (void)!fy_sched_round(harmed.sched, HAND_US, apply, &harmed, &err);
                    assert_int_equal(fy_fleet_check(fleet, &err), 0);
                }
                close_world(&harmed);
                fy_str_free(&framed);
            }
        }
        fy_str_free(&bytes);
        close_world(&w);
    }
}

/* A policy opened on a fleet at work knows who waits and who runs: the third job starts on what the
 * first has left, beside the second. */
static void another_policy_takes_over(void **state)
{
    fy_sched_options las = {.policy = "las"};
    fy_sched_options fair = {.policy = "fair"};
    world w = busy_world(&las);
    fy_err err = {0};

    (void)state;
    assert_int_equal(
        apply(&w, &(fy_event){.t_us = 2 * HAND_US, .kind = FY_EV_CANCELLED, .job = 0}, &err), 0);
    fy_sched_close(w.sched);
    assert_int_equal(fy_sched_open(&w.sched, w.fleet, &fair, &err), 0);
    assert_int_equal(fy_sched_round(w.sched, 2 * HAND_US, apply, &w, &err), 1);
    assert_int_equal(fy_fleet_job(w.fleet, 2)->state, FY_JOB_STARTING);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_policy_instant_or_damage_is_refused),
        cmocka_unit_test(what_means_harm_ends_in_an_error_or_a_policy),
        cmocka_unit_test(another_policy_takes_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
