/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "fleet/state.h"
#include "fuyao/explain.h"
#include "hand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct world {
    hand_site hand;
    fy_fleet *fleet;
    fy_sched *sched;
    struct {
        int64_t job;
        bool start;
    } answers[64];
    int n_answers;
} world;

static int apply(void *ctx, const fy_event *event, fy_err *err)
{
    world *w = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : NULL;
    int status = fy_fleet_apply(w->fleet, event, err);

    if (status == 0) {
        job = job == NULL && event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : job;
        fy_sched_observe(w->sched, event, job);
    }
    if (status == 0 && (event->kind == FY_EV_STARTING || event->kind == FY_EV_STOPPING)) {
        w->answers[w->n_answers].job = event->job;
        w->answers[w->n_answers++].start = event->kind == FY_EV_STARTING;
    }
    return status;
}

static fy_event about(const world *w, fy_event_kind kind)
{
    return (fy_event){.t_us = w->fleet->now_us,
                      .kind = kind,
                      .job = -1,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

static void happen(world *w, fy_event event)
{
    fy_err err = {0};

    if (apply(w, &event, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* Four nodes of four devices of chip-a, two of chip-b; tenants t0 and t1. */
static void open_world(world *w, const char *policy)
{
    fy_sched_options options = {.policy = policy};
    fy_err err = {0};

    *w = (world){.fleet = fy_fleet_new()};
    hand_site_init(&w->hand, 2);
    hand_pool(&w->hand, 0, 4, 4);
    hand_pool(&w->hand, 1, 2, 4);
    hand_tenant(&w->hand, 1, 0, -1);
    hand_tenant(&w->hand, 1, 0, -1);
    assert_int_equal(fy_sched_open(&w->sched, w->fleet, &options, &err), 0);
    assert_int_equal(fy_site_events(&w->hand.site, 0, apply, w, &err), 0);
}

static void close_world(world *w)
{
    fy_sched_close(w->sched);
    fy_fleet_free(w->fleet);
}

static void settle(world *w)
{
    fy_err err = {0};

    assert_true(fy_sched_round(w->sched, w->fleet->now_us, apply, w, &err) >= 0);
    for (int i = 0; i < w->n_answers; i++) {
        const fy_job *job = fy_fleet_job(w->fleet, w->answers[i].job);
        fy_event event = about(w, w->answers[i].start ? FY_EV_STARTED : FY_EV_STOPPED);

        event.job = job->id;
        event.attempt = job->attempt;
        event.a = w->answers[i].start ? fy_job_working_rate(job, job->working, job->spread) : 0;
        happen(w, event);
    }
    w->n_answers = 0;
}

/* `workers` workers of one device on chip-a for `seconds` of work; restarts cost a minute. */
static int64_t submit(world *w, int workers, int seconds, bool tight)
{
    fy_rate rate = {.chip = 0, .rate_q = 1000, .spread_q = tight ? 0 : 1000};
    fy_event event = about(w, FY_EV_SUBMITTED);
    fy_job_record rec = {.name = "train",
                         .priority = FY_NORMAL,
                         .workers = workers,
                         .min_workers = workers,
                         .max_workers = workers,
                         .devices = 1,
                         .rates = &rate,
                         .n_rates = 1,
                         .work_q = (int64_t)seconds * 1000,
                         .q_per_unit = 1,
                         .checkpoint_interval_us = INT64_MAX,
                         .restart_cost_us = 60LL * HAND_US,
                         .limit_us = -1,
                         .deadline_us = -1,
                         .array_of = -1};

    event.job = (int64_t)w->fleet->n_ids;
    event.job_record = &rec;
    happen(w, event);
    settle(w);
    return event.job;
}

static fy_explanation explain(world *w, int64_t id)
{
    fy_explain_options options = fy_explain_defaults(w->fleet->now_us);
    fy_explanation x;
    fy_err err = {0};

    assert_int_equal(fy_explain(&x, w->sched, id, &options, &err), 0);
    return x;
}

static void says(const world *w, const fy_explanation *x, const char *reason, const char *start,
                 const char *change)
{
    fy_str text = {0};

    fy_explain_reason(x, w->fleet, &text);
    assert_string_equal(text.text, reason);
    fy_str_clear(&text);
    fy_explain_start(x, w->fleet, &text);
    assert_string_equal(text.text, start);
    fy_str_clear(&text);
    fy_explain_change(x, w->fleet, &text);
    assert_string_equal(text.text, change);
    fy_str_free(&text);
}

static void fewer_workers_before_anybody_is_stopped(void **state)
{
    world w;
    fy_explanation x;
    int64_t id;

    (void)state;
    open_world(&w, "fifo");
    (void)submit(&w, 10, 300, false);
    id = submit(&w, 12, 100, false);
    x = explain(&w, id);
    assert_int_equal(x.reason, FY_WHY_NO_DEVICES);
    assert_int_equal(x.evidence.rooms[0].idle, 6);
    assert_int_equal(x.evidence.rooms[0].largest, 4);
    assert_int_equal(x.ahead.what, FY_AHEAD_STARTS);
    assert_int_equal(x.ahead.start_us, 300LL * HAND_US);
    assert_int_equal(x.change.kind, FY_CHANGE_FEWER);
    says(&w, &x,
         "it needs 12 workers of 1 device, 12 in all, of chip-a; 6 of 16 chip-a are idle, at most "
         "4 on one node",
         "expected to start in 5 min on chip-a, if nothing else comes",
         "would start now with 6 instead of 12 workers");
    close_world(&w);
}

static bool rate_of(void *ctx, const fy_job *job, int chip, fy_rate *rate)
{
    (void)ctx;
    (void)job;
    *rate = (fy_rate){.chip = chip, .rate_q = 250, .spread_q = 250};
    return true;
}

static void another_chip_costs_nobody_anything(void **state)
{
    world w;
    fy_explanation x;
    fy_explain_options options;
    fy_err err = {0};
    int64_t id;

    (void)state;
    open_world(&w, "las");
    (void)submit(&w, 16, 300, false);
    id = submit(&w, 1, 100, false);
    options = fy_explain_defaults(w.fleet->now_us);
    options.rate = rate_of;
    assert_int_equal(fy_explain(&x, w.sched, id, &options, &err), 0);
    says(&w, &x, "it needs 1 device of chip-a; 0 of 16 chip-a are idle",
         "expected to start in 5 min on chip-a, if nothing else comes",
         "would start now if it accepted chip-b, at 0.25 times its best rate");
    close_world(&w);
}

/* Two could be stopped: the one that loses less is named, 100 s of work and 60 s of restart on each
 * of its four devices. It is held meanwhile, or fifo would give it its devices back. */
static void the_cheapest_victim_is_named(void **state)
{
    world w;
    fy_explanation x;
    int64_t cheap;
    int64_t id;

    (void)state;
    open_world(&w, "fifo");
    (void)submit(&w, 12, 300, false);
    cheap = submit(&w, 4, 300, false);
    fy_fleet_tick(w.fleet, 100LL * HAND_US);
    id = submit(&w, 1, 50, false);
    x = explain(&w, id);
    assert_int_equal(x.change.kind, FY_CHANGE_PREEMPT);
    assert_int_equal(x.change.job, cheap);
    assert_true(fabs(x.change.price - 4 * 160) < 1e-6);
    says(&w, &x, "it needs 1 device of chip-a; 0 of 16 chip-a are idle",
         "expected to start in 3 min on chip-a, if nothing else comes",
         "would start now if job 1 (train) were stopped, which would lose 640 device-seconds of "
         "work");
    close_world(&w);
}

static void a_tight_gang_lacks_a_node_not_devices(void **state)
{
    world w;
    fy_explanation x;
    int64_t id;

    (void)state;
    open_world(&w, "fifo");
    for (int i = 0; i < 4; i++) { /* three on each node */
        (void)submit(&w, 3, 300, true);
    }
    id = submit(&w, 4, 100, true);
    x = explain(&w, id);
    assert_int_equal(x.reason, FY_WHY_FRAGMENTED);
    assert_int_equal(x.evidence.rooms[0].idle, 4);
    assert_int_equal(x.evidence.rooms[0].largest, 1);
    says(&w, &x,
         "it needs 4 workers of 1 device, 4 in all, of chip-a on at most 1 node; 4 of 16 chip-a "
         "are idle, at most 1 on one node",
         "expected to start in 5 min on chip-a, if nothing else comes",
         "would start now with 1 instead of 4 workers");
    close_world(&w);
}

static void drains_and_limits_are_changes(void **state)
{
    world w;
    fy_explanation x;
    fy_event event;
    int64_t id;

    (void)state;
    open_world(&w, "backfill");
    for (int n = 0; n < 4; n++) {
        event = about(&w, FY_EV_NODE_DRAINED);
        event.node = n;
        happen(&w, event);
    }
    id = submit(&w, 1, 100, false);
    x = explain(&w, id);
    assert_int_equal(x.change.kind, FY_CHANGE_RESUME);
    says(&w, &x, "it needs 1 device of chip-a; 0 of 16 chip-a are idle",
         "not expected to start as things are",
         "would start now if the drain of node p0-0000 ended");
    for (int n = 0; n < 4; n++) {
        event = about(&w, FY_EV_NODE_RESUMED);
        event.node = n;
        happen(&w, event);
    }
    x = explain(&w, id);
    assert_int_equal(x.reason, FY_WHY_NEXT_ROUND);
    assert_int_equal(x.change.kind, FY_CHANGE_WAIT);
    settle(&w);
    event = about(&w, FY_EV_TENANT_SET);
    event.tenant = 0;
    event.tenant_record = &(fy_tenant_record){.name = "t0", .weight = 1, .borrow_milli = 2000};
    happen(&w, event);
    id = submit(&w, 2, 100, false);
    x = explain(&w, id);
    says(&w, &x,
         "its tenant t0 holds 1 device beyond its guarantees and may borrow 2 devices; the job "
         "needs 2 devices",
         "expected to start in 100 s on chip-a, if nothing else comes",
         "would start now with 1 instead of 2 workers");
    close_world(&w);
}

static void holds_and_dependencies(void **state)
{
    world w;
    fy_explanation x;
    fy_event event;
    int64_t id;

    (void)state;
    open_world(&w, "gain");
    (void)submit(&w, 16, 100, false);
    id = submit(&w, 4, 100, false);
    event = about(&w, FY_EV_HELD);
    event.job = id;
    happen(&w, event);
    x = explain(&w, id);
    says(&w, &x, "it is held", "not expected to start as things are",
         "no single change would start it now");
    event = about(&w, FY_EV_CANCELLED);
    event.job = 0;
    happen(&w, event);
    x = explain(&w, id);
    says(&w, &x, "it is held", "not expected to start as things are",
         "would start now if it were released");
    close_world(&w);
}

static void what_is_not_there_is_an_error(void **state)
{
    world w;
    fy_explanation x;
    fy_ahead ahead;
    fy_explain_options options = fy_explain_defaults(0);
    fy_err err = {0};
    int64_t id;

    (void)state;
    open_world(&w, "fair");
    assert_int_equal(fy_explain(&x, w.sched, 7, &options, &err), FY_ENOENT);
    assert_int_equal(fy_ahead_start(&ahead, w.sched, 0, 7, 10, &err), FY_ENOENT);
    id = submit(&w, 1, 10, false);
    assert_int_equal(fy_ahead_start(&ahead, w.sched, 0, id, 10, &err), FY_EINVAL);
    x = explain(&w, id);
    assert_int_equal(x.reason, FY_WHY_NONE);
    assert_int_equal(x.change.kind, FY_CHANGE_NONE);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_workers_before_anybody_is_stopped),
        cmocka_unit_test(another_chip_costs_nobody_anything),
        cmocka_unit_test(the_cheapest_victim_is_named),
        cmocka_unit_test(a_tight_gang_lacks_a_node_not_devices),
        cmocka_unit_test(drains_and_limits_are_changes),
        cmocka_unit_test(holds_and_dependencies),
        cmocka_unit_test(what_is_not_there_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
