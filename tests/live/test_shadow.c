/* SPDX-License-Identifier: MIT */
/* A policy that runs along: what it would have done, by hand-made days whose waits can be counted
 * in one's head. Simulated time, the fake engine. */
#include "base/rng.h"
#include "centre.h"
#include "fleet/state.h"

#include <jansson.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const fy_who lin = {
    .uid = 1001, .gid = 1001, .user = "lin", .tenant = "t0", .scope = FY_SCOPE_SUBMIT};

static int64_t submit(centre *c, int workers, int devices, int64_t estimate_s)
{
    static const char *const args[] = {"/bin/true"};
    static const fy_chip_rate chips[] = {{"chip-a", (double)NAN}};
    fy_submission job = fy_submission_default();
    int64_t first;
    int count;
    bool again;

    job.args = args;
    job.n_args = 1;
    job.chips = chips;
    job.n_chips = 1;
    job.workers = job.min_workers = job.max_workers = workers;
    job.devices = devices;
    job.estimate_us = estimate_s * (int64_t)HAND_US;
    if (fy_ctl_submit(c->ctl, &lin, &job, &first, &count, &again, &c->err) != 0) {
        fail_msg("%s", c->err.text);
    }
    return first;
}

static void open_with(centre *c, const char *policy, const char *shadow, double run)
{
    fy_fake_options engine = fy_fake_honest();

    engine.run_low = engine.run_high = run;
    centre_init(c, policy, &engine);
    c->options.shadow.policy = shadow;
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
}

static void go_on(centre *c, int seconds)
{
    for (int i = 0; i < 10 * seconds; i++) {
        if (centre_turn(c, c->now_us + (int64_t)HAND_US / 10) != 0) {
            fail_msg("%s", c->err.text);
        }
    }
}

static json_t *view(centre *c)
{
    fy_str text = {0};
    json_t *json;

    if (fy_ctl_view_shadow(c->ctl, &centre_root, &text, &c->err) != 0) {
        fail_msg("%s", c->err.text);
    }
    json = json_loads(text.text, 0, NULL);
    assert_non_null(json);
    fy_str_free(&text);
    return json;
}

static double number(const json_t *json, const char *side, const char *key)
{
    const json_t *of = side != NULL ? json_object_get(json, side) : json;

    return json_number_value(json_object_get(of, key));
}

static void near(double got, double want, double within, const char *what)
{
    if (!(fabs(got - want) <= within)) {
        fail_msg("%s is %g, not %g", what, got, want);
    }
}

/* fifo: waits of 0, 10 and 110 s; srtf lets the short one pass: 0, 10 and 20 s. */
static void the_short_one_first(void **state)
{
    centre c;
    json_t *json;

    (void)state;
    open_with(&c, "fifo", "srtf", 1);
    (void)submit(&c, 3, 4, 10);
    go_on(&c, 1);
    (void)submit(&c, 3, 4, 100);
    (void)submit(&c, 3, 4, 10);
    go_on(&c, 200);
    json = view(&c);
    assert_int_equal(number(json, NULL, "jobs"), 3);
    assert_int_equal(number(json, "live", "finished"), 3);
    assert_int_equal(number(json, "shadow", "finished"), 3);
    near(number(json, "live", "mean_wait_s"), (9 + 109) / 3.0, 1, "the live wait");
    near(number(json, "shadow", "mean_wait_s"), (9 + 19) / 3.0, 1, "the shadow's wait");
    near(json_number_value(json_object_get(
             json_array_get(json_object_get(json_object_get(json, "shadow"), "tenants"), 0),
             "device_hours")),
         12 * 120 / 3600.0, 0.01, "device-hours");
    json_decref(json);
    centre_free(&c);
}

/* The same policy beside itself is the same, also where jobs take a fifth of their estimate, and
 * five times it: what is observed holds. */
static void beside_itself(void **state)
{
    static const double runs[] = {1, 0.2, 5};

    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        centre c;
        json_t *json;

        open_with(&c, "fifo", "fifo", runs[i]);
        for (int k = 0; k < 6; k++) {
            (void)submit(&c, 3, 4, 20);
            go_on(&c, 2);
        }
        go_on(&c, (int)(6 * 20 * runs[i]) + 20);
        json = view(&c);
        assert_int_equal(number(json, "live", "finished"), 6);
        assert_int_equal(number(json, "shadow", "finished"), 6);
        assert_int_equal(number(json, NULL, "guessed"), 0);
        near(number(json, "shadow", "mean_wait_s"), number(json, "live", "mean_wait_s"), 1.5,
             "the shadow's wait");
        json_decref(json);
        centre_free(&c);
    }
}

/* People and nodes happen to both; failures by nobody's fault but the job's own, too. */
static void the_same_world(void **state)
{
    centre c;
    json_t *json;
    int64_t held, cancelled, failing;

    (void)state;
    open_with(&c, "fifo", "las", 1);
    cancelled = submit(&c, 3, 4, 1000);
    go_on(&c, 2);
    failing = submit(&c, 1, 4, 1000);
    held = submit(&c, 1, 4, 10);
    assert_int_equal(fy_ctl_job(c.ctl, &lin, held, FY_VERB_HOLD, &c.err), 0);
    go_on(&c, 2);
    assert_int_equal(fy_ctl_job(c.ctl, &lin, cancelled, FY_VERB_CANCEL, &c.err), 0);
    assert_int_equal(fy_ctl_node(c.ctl, &centre_root, "p0-0002", FY_NODE_DRAIN, "a fan", &c.err),
                     0);
    go_on(&c, 60);
    assert_int_equal(fy_ctl_job(c.ctl, &lin, held, FY_VERB_RELEASE, &c.err), 0);
    go_on(&c, 30);
    assert_true(fy_fake_finish(c.fake, (fy_run_key){failing, 1}, 1, 0));
    go_on(&c, 30);
    json = view(&c);
    for (int i = 0; i < 2; i++) {
        const char *side = i == 0 ? "live" : "shadow";

        assert_int_equal(number(json, side, "finished"), 1);
        assert_int_equal(number(json, side, "failed"), 1);
        assert_int_equal(number(json, side, "waiting"), 0);
        assert_int_equal(number(json, side, "running"), 0);
    }
    json_decref(json);
    centre_free(&c);
}

/* Thousands of events of one instant take more than one turn: none of them is decided between. */
static void held_at_once(void **state)
{
    static const char *const args[] = {"/bin/true"};
    fy_submission job = fy_submission_default();
    centre c;
    json_t *json;
    int64_t first;
    int count, indices[2000];
    bool again;

    (void)state;
    open_with(&c, "fifo", "las", 1);
    job.args = args;
    job.n_args = 1;
    job.estimate_us = 100 * (int64_t)HAND_US;
    job.hold = true;
    for (int i = 0; i < 2000; i++) {
        indices[i] = i;
    }
    job.array = indices;
    job.n_array = 2000;
    /* one event more, so that what a turn takes ends between a submission and its hold */
    assert_int_equal(fy_ctl_node(c.ctl, &centre_root, "p1-0000", FY_NODE_DRAIN, "odd", &c.err), 0);
    assert_int_equal(fy_ctl_submit(c.ctl, &lin, &job, &first, &count, &again, &c.err), 0);
    assert_int_equal(count, 2000);
    go_on(&c, 20);
    json = view(&c);
    assert_false(json_is_true(json_object_get(json, "behind")));
    assert_int_equal(number(json, NULL, "jobs"), 2000);
    assert_int_equal(number(json, "live", "started"), 0);
    assert_int_equal(number(json, "shadow", "started"), 0);
    json_decref(json);
    centre_free(&c);
}

/* It may begin and end at any time, over a queue at work, and asks for what there is. */
static void while_running(void **state)
{
    fy_sched_options las = {.policy = "las"}, wrong = {.policy = "best"};
    centre c;
    json_t *json;
    fy_str text = {0};

    (void)state;
    open_with(&c, "fifo", NULL, 1);
    assert_int_equal(fy_ctl_view_shadow(c.ctl, &centre_root, &text, &c.err), FY_ENOENT);
    for (int k = 0; k < 9; k++) {
        (void)submit(&c, 1 + k % 3, 4, 20 + k);
    }
    go_on(&c, 10);
    assert_int_equal(fy_ctl_shadow(c.ctl, &lin, &las, &c.err), FY_EINVAL);
    assert_int_equal(fy_ctl_shadow(c.ctl, &centre_root, &wrong, &c.err), FY_EINVAL);
    assert_int_equal(fy_ctl_shadow(c.ctl, &centre_root, &las, &c.err), 0);
    go_on(&c, 300);
    json = view(&c);
    assert_int_equal(number(json, "live", "finished"), 9);
    assert_int_equal(number(json, "shadow", "finished"), 9);
    near(number(json, NULL, "since_s"), (double)c.now_us / 1e6 - 300, 0.2, "since");
    json_decref(json);

    centre_kill(&c); /* nothing of it is on disk */
    assert_int_equal(centre_open(&c), 0);
    assert_int_equal(fy_ctl_view_shadow(c.ctl, &centre_root, &text, &c.err), FY_ENOENT);
    assert_int_equal(fy_ctl_shadow(c.ctl, &centre_root, &las, &c.err), 0);
    assert_int_equal(fy_ctl_shadow(c.ctl, &centre_root, NULL, &c.err), 0);
    assert_int_equal(fy_ctl_view_shadow(c.ctl, &centre_root, &text, &c.err), FY_ENOENT);
    fy_str_free(&text);
    centre_free(&c);
}

/* Every policy beside every other through a hostile engine's day: none comes apart. */
static void any_beside_any(void **state)
{
    (void)state;
    for (int a = 0; fy_policy_at(a) != NULL; a++) {
        int b = (a * 3 + 1) % 7;
        fy_fake_options engine = fy_fake_hostile((uint64_t)a + 1);
        fy_rng rng = fy_rng_seed((uint64_t)a);
        centre c;
        json_t *json;

        centre_init(&c, fy_policy_at(a)->name, &engine);
        c.options.shadow.policy = fy_policy_at(b)->name;
        assert_int_equal(centre_open(&c), 0);
        for (int k = 0; k < 200; k++) {
            int64_t id = submit(&c, 1 + (int)(fy_rng_u64(&rng) % 3), 4, 5 + k % 40);
            fy_err ignored = {0};

            if (k % 5 == 0) {
                (void)!fy_ctl_job(c.ctl, &lin, id - 2, (fy_job_verb)(fy_rng_u64(&rng) % 4),
                                  &ignored);
            }
            if (k % 17 == 0) {
                (void)!fy_ctl_node(c.ctl, &centre_root, "p0-0001",
                                   k % 2 == 0 ? FY_NODE_DRAIN : FY_NODE_RESUME, "a test", &ignored);
            }
            go_on(&c, 3);
        }
        json = view(&c);
        assert_true(number(json, "shadow", "finished") > 20);
        json_decref(json);
        centre_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_one_first), cmocka_unit_test(beside_itself),
        cmocka_unit_test(the_same_world),      cmocka_unit_test(while_running),
        cmocka_unit_test(any_beside_any),      cmocka_unit_test(held_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
