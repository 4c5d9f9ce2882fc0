/* SPDX-License-Identifier: MIT */
/*
 * The state machine, kind by kind: what an event does and what it refuses (world_apply checks that
 * a refused event changes nothing and that every invariant holds).
 */
#include "world.h"

static const int32_t d0[] = {0}, d1[] = {1}, d2[] = {2}, d01[] = {0, 1}, d02[] = {0, 2};

/* ------------------------------------------------------------------ a job's life */

static void a_job_lives_and_finishes(void **state)
{
    world w;
    fy_job_record rec = world_record(2);
    const fy_job *job;

    (void)state;
    world_begin(&w, 2, 2);
    job = world_submit(&w, &rec);
    assert_int_equal(job->state, FY_JOB_WAITING);
    assert_int_equal(w.fleet->n_waiting, 1);
    assert_false(world_job(&w, FY_EV_STARTED, job, 10, 0)); /* nothing is starting */
    w.now_us = 5 * S;
    assert_true(world_place(&w, FY_EV_STARTING, job, 2, 2, d01));
    assert_int_equal(job->state, FY_JOB_STARTING);
    assert_int_equal(job->attempt, 1);
    assert_int_equal(w.fleet->pools[0].n_whole, 2);
    assert_int_equal(w.fleet->pools[0].held_milli, 2000);
    assert_false(world_place(&w, FY_EV_STARTING, job, 2, 2, d01)); /* not twice */
    assert_false(world_job(&w, FY_EV_STARTED, job, 0, 0));         /* no rate */
    assert_true(world_job(&w, FY_EV_STARTED, job, 10, 0));
    assert_int_equal(fy_job_finish_us(job), 105 * S);
    w.now_us = 104 * S;
    assert_int_equal(fy_job_done(job, w.now_us), 990);
    assert_false(world_job(&w, FY_EV_FINISHED, job, -1, 0)); /* its work is not done */
    w.now_us = 105 * S;
    assert_true(world_job(&w, FY_EV_FINISHED, job, -1, 0));
    assert_null(fy_fleet_job(w.fleet, 0));
    assert_int_equal(w.fleet->pools[0].n_whole, 4);
    assert_int_equal(w.fleet->n_live, 0);
    assert_true(w.fleet->pools[0].productive_int == (fy_wide)200 * S * FY_WHOLE);
    world_end(&w);
}

static void answers_for_another_attempt_are_stale(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;
    fy_event late;

    (void)state;
    world_begin(&w, 1, 2);
    job = world_submit(&w, &rec);
    assert_true(world_start(&w, job, 2, 1, d0));
    assert_true(world_job(&w, FY_EV_STOPPING, job, -1, 0));
    assert_false(world_job(&w, FY_EV_STOPPING, job, -1, 0));
    assert_true(world_job(&w, FY_EV_STOPPED, job, 1, 0));
    assert_true(world_place(&w, FY_EV_STARTING, job, 2, 1, d1));
    late = world_event(&w, FY_EV_STARTED);
    late.job = 0;
    late.attempt = 1;
    late.a = 10;
    late.b = 0;
    assert_false(world_apply(&w, &late));
    assert_non_null(strstr(w.err.text, "attempt 2"));
    assert_true(world_job(&w, FY_EV_STOPPED, job, 0, 0)); /* a start that failed is rolled back */
    assert_int_equal(job->state, FY_JOB_WAITING);
    assert_int_equal(w.fleet->pools[0].n_whole, 2);
    world_end(&w);
}

static void cancelling_ends_any_state(void **state)
{
    world w;
    fy_job_record rec = world_record(1);

    (void)state;
    world_begin(&w, 1, 4);
    for (int steps = 0; steps <= 3; steps++) {
        const fy_job *job = world_submit(&w, &rec);

        if (steps > 0) {
            assert_true(world_place(&w, FY_EV_STARTING, job, 4, 1, d0));
        }
        if (steps > 1) {
            assert_true(world_job(&w, FY_EV_STARTED, job, 10, 0));
        }
        if (steps > 2) {
            assert_true(world_job(&w, FY_EV_STOPPING, job, -1, 0));
        }
        assert_true(world_job(&w, FY_EV_CANCELLED, job, -1, 0));
        assert_int_equal(w.fleet->slot_of[steps], FY_ENDED_CANCELLED);
    }
    assert_int_equal(w.fleet->pools[0].n_whole, 4);
    world_end(&w);
}

static void holding_and_releasing(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;

    (void)state;
    world_begin(&w, 1, 1);
    job = world_submit(&w, &rec);
    assert_false(world_job(&w, FY_EV_RELEASED, job, -1, 0));
    assert_true(world_job(&w, FY_EV_HELD, job, -1, 0));
    assert_false(world_job(&w, FY_EV_HELD, job, -1, 0));
    assert_false(world_start(&w, job, 1, 1, d0));
    assert_true(world_job(&w, FY_EV_RELEASED, job, -1, 0));
    assert_true(world_start(&w, job, 1, 1, d0));
    assert_true(world_job(&w, FY_EV_LIMITS, job, 7 * S, 0));
    assert_int_equal(job->rec.limit_us, 7 * S);
    assert_false(world_job(&w, FY_EV_LIMITS, job, -2, 0));
    world_end(&w);
}

/* ------------------------------------------------------------------ places */

static void places_must_fit(void **state)
{
    static const int32_t beyond[] = {3, 4}, twice[] = {1, 1}, back[] = {2, 0};
    world w;
    fy_job_record rec = world_record(2);
    const fy_job *job;
    const fy_job *other;

    (void)state;
    world_begin(&w, 2, 2);
    job = world_submit(&w, &rec);
    rec.workers = rec.min_workers = rec.max_workers = 1;
    other = world_submit(&w, &rec);
    assert_true(world_start(&w, other, 2, 1, d1));
    assert_false(world_place(&w, FY_EV_STARTING, job, 2, 2, d01)); /* 1 is taken */
    assert_false(world_place(&w, FY_EV_STARTING, job, 2, 2, beyond));
    assert_false(world_place(&w, FY_EV_STARTING, job, 2, 2, twice));
    assert_false(world_place(&w, FY_EV_STARTING, job, 2, 2, back)); /* nodes in order */
    assert_false(world_place(&w, FY_EV_STARTING, job, 2, 1, d0));   /* a gang is whole or not */
    assert_false(world_place(&w, FY_EV_STARTING, other, 2, 1, d0)); /* it runs */
    assert_true(world_place(&w, FY_EV_STARTING, job, 2, 2, d02));
    assert_true(job->spread); /* one node would have been enough */
    world_end(&w);
}

static void nodes_lack_cpu(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *first;
    const fy_job *second;

    (void)state;
    world_begin(&w, 0, 0);
    (void)world_node(&w, 0, 2, 4000, FY_RACK_NEW);
    rec.cpu_milli = 2500;
    first = world_submit(&w, &rec);
    second = world_submit(&w, &rec);
    assert_true(world_start(&w, first, 2, 1, d0));
    assert_false(world_start(&w, second, 2, 1, d1));
    assert_non_null(strstr(w.err.text, "CPU"));
    rec.cpu_milli = 4001;
    assert_int_equal(world_submit(&w, &rec)->never, FY_WHY_NEVER_SIZE);
    world_end(&w);
}

static void shares_fill_a_device(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *jobs[3];

    (void)state;
    world_begin(&w, 1, 2);
    for (int i = 0; i < 3; i++) {
        rec.milli = i < 2 ? 400 : 300;
        jobs[i] = world_submit(&w, &rec);
    }
    assert_true(world_start(&w, jobs[0], 2, 1, d0));
    assert_int_equal(w.fleet->pools[0].n_whole, 1);
    assert_int_equal(w.fleet->pools[0].partial.count, 1);
    assert_true(world_start(&w, jobs[1], 2, 1, d0));
    assert_int_equal(w.fleet->idle_milli[0], 200);
    assert_false(world_start(&w, jobs[2], 2, 1, d0));
    assert_true(world_start(&w, jobs[2], 2, 1, d1));
    assert_int_equal(w.fleet->pools[0].held_milli, 1100);
    assert_int_equal(w.fleet->power_mw[FY_MID], 1000 + 200 + 300 * 1100 / 1000);
    assert_true(world_job(&w, FY_EV_CANCELLED, jobs[2], -1, 0));
    assert_int_equal(w.fleet->nodes[0].n_whole, 1);
    world_end(&w);
}

static void what_never_fits_is_known(void **state)
{
    world w;
    fy_job_record rec = world_record(5);
    const fy_job *large;
    const fy_job *foreign;

    (void)state;
    world_begin(&w, 2, 2);
    large = world_submit(&w, &rec);
    assert_int_equal(large->never, FY_WHY_NEVER_SIZE);
    rec = world_record(1);
    rec.n_rates = 0;
    foreign = world_submit(&w, &rec);
    assert_int_equal(foreign->never, FY_WHY_NEVER_CHIP);
    assert_int_equal(w.fleet->n_never, 2);
    rec = world_record(3);
    rec.spares = 2; /* spares need devices too */
    assert_int_equal(world_submit(&w, &rec)->never, FY_WHY_NEVER_SIZE);
    (void)world_node(&w, 0, 1, FY_PLENTY, FY_RACK_NEW);
    assert_int_equal(large->never, FY_WHY_NONE);
    assert_int_equal(foreign->never, FY_WHY_NEVER_CHIP);
    assert_int_equal(w.fleet->n_never, 1);
    world_end(&w);
}

/* ------------------------------------------------------------------ nodes */

static void closed_nodes_take_nothing_new(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;
    fy_event e;

    (void)state;
    world_begin(&w, 1, 2);
    job = world_submit(&w, &rec);
    for (int kind = FY_EV_NODE_DOWN; kind <= FY_EV_NODE_RESUMED; kind++) {
        bool closes = kind == FY_EV_NODE_DOWN || kind == FY_EV_NODE_DRAINED;

        e = world_event(&w, (fy_event_kind)kind);
        assert_false(world_apply(&w, &e)); /* node -1 */
        e.node = 1;
        assert_false(world_apply(&w, &e));
        e.node = 0;
        assert_true(world_apply(&w, &e));
        assert_int_equal(w.fleet->pools[0].n_whole, closes ? 0 : 2);
        assert_int_equal(w.fleet->power_mw[FY_MID], kind == FY_EV_NODE_DOWN ? 0 : 1200);
        if (closes) {
            assert_false(world_start(&w, job, 2, 1, d0));
        }
    }
    assert_true(world_start(&w, job, 2, 1, d0));
    world_end(&w);
}

static void windows_keep_their_hours(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *unknown;
    const fy_job *shorter;
    const fy_job *friends;
    fy_event e;

    (void)state;
    world_begin(&w, 1, 4);
    (void)world_tenant(&w, 1, 0, -1);
    unknown = world_submit(&w, &rec);
    rec.limit_us = 50 * S;
    shorter = world_submit(&w, &rec);
    rec.limit_us = -1;
    rec.tenant = 1;
    friends = world_submit(&w, &rec);
    e = world_event(&w, FY_EV_NODE_RESERVED);
    e.node = 0;
    e.tenant = 2;
    e.a = 100 * S;
    e.b = 200 * S;
    assert_false(world_apply(&w, &e)); /* no such tenant */
    e.tenant = 1;
    assert_true(world_apply(&w, &e));
    assert_int_equal(w.fleet->pools[0].n_whole, 0);
    assert_int_equal(w.fleet->pools[0].reserved.count, 1);
    assert_false(world_start(&w, unknown, 4, 1, d0)); /* might reach into it */
    w.now_us = 50 * S;
    assert_true(world_start(&w, shorter, 4, 1, d0)); /* ends at 100 s at the latest */
    w.now_us = 150 * S;
    assert_true(world_start(&w, friends, 4, 1, d1));
    assert_false(world_start(&w, unknown, 4, 1, d2));
    e = world_event(&w, FY_EV_NODE_RESERVED);
    e.node = 0;
    e.a = e.b = 0; /* it is over */
    assert_true(world_apply(&w, &e));
    assert_true(world_start(&w, unknown, 4, 1, d2));
    world_end(&w);
}

static void a_sick_node_is_drained(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *jobs[3];

    (void)state;
    world_begin(&w, 2, 4);
    for (int i = 0; i < 3; i++) {
        jobs[i] = world_submit(&w, &rec);
    }
    for (int i = 0; i < 5; i++) { /* two jobs fail there again and again: it may be them */
        w.now_us += 5 * S;
        assert_true(world_start(&w, jobs[i % 2], 4, 1, d0));
        assert_true(world_failed(&w, jobs[i % 2], 0, true));
    }
    assert_false(w.fleet->nodes[0].drained);
    w.now_us += 61 * S; /* the third comes too late */
    assert_true(world_start(&w, jobs[2], 4, 1, d0));
    assert_true(world_failed(&w, jobs[2], 0, true));
    assert_false(w.fleet->nodes[0].drained);
    for (int i = 0; i < 2; i++) {
        w.now_us += 30 * S;
        assert_true(world_start(&w, jobs[i], 4, 1, d0));
        assert_true(world_failed(&w, jobs[i], 0, true));
    }
    assert_true(w.fleet->nodes[0].drained); /* three jobs within 60 s */
    assert_int_equal(w.fleet->pools[0].n_whole, 4);
    assert_false(world_start(&w, jobs[0], 4, 1, d0));
    world_end(&w);
}

static void a_sick_job_is_held(void **state)
{
    static const int32_t device[] = {0, 1, 0, 2};
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;

    (void)state;
    world_begin(&w, 3, 1);
    job = world_submit(&w, &rec);
    for (int i = 0; i < 4; i++) { /* the third different node is the fourth failure */
        w.now_us += 100 * S;
        assert_int_equal(job->state, FY_JOB_WAITING);
        assert_true(world_start(&w, job, 1, 1, &device[i]));
        assert_false(world_failed(&w, job, 3, true)); /* no such node */
        assert_true(world_failed(&w, job, device[i], true));
    }
    assert_int_equal(job->state, FY_JOB_HELD);
    assert_int_equal(job->failures, 4);
    assert_true(world_job(&w, FY_EV_RELEASED, job, -1, 0));
    assert_true(world_start(&w, job, 1, 1, d0));
    assert_true(world_failed(&w, job, 0, true)); /* its record is clean again */
    assert_int_equal(job->state, FY_JOB_WAITING);
    assert_true(world_start(&w, job, 1, 1, d0));
    assert_true(world_failed(&w, job, -1, false)); /* for good */
    assert_int_equal(w.fleet->slot_of[0], FY_ENDED_FAILED);
    world_end(&w);
}

/* ------------------------------------------------------------------ dependencies */

static void dependents_wait_for_a_good_end(void **state)
{
    static const int64_t after[] = {0, 1};
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *first;
    const fy_job *second;
    const fy_job *both;

    (void)state;
    world_begin(&w, 1, 2);
    rec.work_q = 0;
    first = world_submit(&w, &rec);
    second = world_submit(&w, &rec);
    rec.after = after;
    rec.n_after = 2;
    both = world_submit(&w, &rec);
    assert_int_equal(both->state, FY_JOB_BLOCKED);
    assert_false(world_start(&w, both, 2, 1, d0));
    assert_false(world_job(&w, FY_EV_HELD, both, -1, 0));
    assert_true(world_start(&w, first, 2, 1, d0));
    assert_true(world_job(&w, FY_EV_FINISHED, first, -1, 0));
    assert_int_equal(both->state, FY_JOB_BLOCKED);
    assert_true(world_start(&w, second, 2, 1, d0));
    assert_true(world_job(&w, FY_EV_FINISHED, second, -1, 0));
    assert_int_equal(both->state, FY_JOB_WAITING);
    assert_int_equal(world_submit(&w, &rec)->state, FY_JOB_WAITING); /* they have ended well */
    world_end(&w);
}

static void a_bad_end_holds_dependents_for_ever(void **state)
{
    static const int64_t after[] = {0};
    static const int64_t itself[] = {2};
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *first;
    const fy_job *waits;
    fy_event e;

    (void)state;
    world_begin(&w, 1, 1);
    first = world_submit(&w, &rec);
    rec.after = after;
    rec.n_after = 1;
    waits = world_submit(&w, &rec);
    assert_true(world_job(&w, FY_EV_CANCELLED, first, -1, 0));
    assert_int_equal(waits->state, FY_JOB_HELD);
    assert_false(world_job(&w, FY_EV_RELEASED, waits, -1, 0));
    rec.after = itself;
    e = world_event(&w, FY_EV_SUBMITTED);
    e.job = 2;
    e.job_record = &rec;
    assert_false(world_apply(&w, &e)); /* no cycles: only earlier jobs */
    rec.after = after;
    assert_int_equal(world_submit(&w, &rec)->state, FY_JOB_HELD);
    world_end(&w);
}

/* ------------------------------------------------------------------ the check itself */

static void the_check_finds_what_is_wrong(void **state)
{
    world w;
    fy_job_record rec = world_record(1);
    const fy_job *job;
    fy_err err;

    (void)state;
    world_begin(&w, 2, 2);
    job = world_submit(&w, &rec);
    assert_true(world_start(&w, job, 2, 1, d0));
#define SPOIL(lvalue)                                                                              \
    do {                                                                                           \
        (lvalue)++;                                                                                \
        assert_int_equal(fy_fleet_check(w.fleet, &err), FY_EINVAL);                                \
        (lvalue)--;                                                                                \
        assert_int_equal(fy_fleet_check(w.fleet, &err), 0);                                        \
    } while (0)
    SPOIL(w.fleet->idle_milli[0]);
    SPOIL(w.fleet->idle_milli[3]);
    SPOIL(w.fleet->n_waiting);
    SPOIL(w.fleet->n_running);
    SPOIL(w.fleet->power_mw[FY_LO]);
    SPOIL(w.fleet->pools[0].held_milli);
    SPOIL(w.fleet->pools[0].n_whole);
    SPOIL(w.fleet->pools[0].power_mw[FY_HI]);
    SPOIL(w.fleet->pools[0].held_int);
    SPOIL(w.fleet->pools[0].racks[1].n_whole);
    SPOIL(w.fleet->pools[0].by_free[1].count);
    SPOIL(w.fleet->tenants[0].held_milli[0]);
    SPOIL(w.fleet->tenants[0].held_int);
    SPOIL(w.fleet->nodes[0].n_whole);
    SPOIL(w.fleet->nodes[1].cpu_free);
    SPOIL(w.fleet->jobs[0]->workers);
    SPOIL(w.fleet->jobs[0]->saved_q);
    SPOIL(w.fleet->jobs[0]->power_mw[FY_MID]);
    SPOIL(w.fleet->jobs[0]->devices[0]);
    world_end(&w);
}

static uint64_t digest_with(const fy_job_record *rec)
{
    fy_job_record first = world_record(1);
    uint64_t digest;
    world w;

    world_begin(&w, 2, 2);
    (void)world_submit(&w, &first);
    (void)world_submit(&w, rec);
    digest = fy_fleet_digest(w.fleet);
    world_end(&w);
    return digest;
}

/* Two fleets that differ in one term of one job have different futures, and digests. */
static void the_digest_sees_every_term(void **state)
{
    static const int64_t zero[] = {0};
    const fy_job_record usual = world_record(2);
    uint64_t digest = digest_with(&usual);

    (void)state;
    assert_true(digest_with(&usual) == digest);
#define DIFFERS(change)                                                                            \
    do {                                                                                           \
        fy_job_record rec = usual;                                                                 \
        change;                                                                                    \
        assert_true(digest_with(&rec) != digest);                                                  \
    } while (0)
    DIFFERS(rec.min_workers = 1);
    DIFFERS(rec.max_workers = 3);
    DIFFERS(rec.spares = 1);
    DIFFERS(rec.cpu_milli = 1);
    DIFFERS(rec.memory_mib = 1);
    DIFFERS(rec.q_per_unit = 10);
    DIFFERS(rec.end = FY_END_FAIL);
    DIFFERS(rec.checkpoint_interval_us = 1);
    DIFFERS(rec.checkpoint_cost_us = 1);
    DIFFERS(rec.restart_cost_us = 1);
    DIFFERS(rec.limit_us = 1);
    DIFFERS(rec.min_run_us = 1);
    DIFFERS((rec.after = zero, rec.n_after = 1));
    DIFFERS((rec.array_of = 0, rec.array_limit = 1));
    DIFFERS((rec.array_of = 0, rec.array_limit = 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_lives_and_finishes),
        cmocka_unit_test(answers_for_another_attempt_are_stale),
        cmocka_unit_test(cancelling_ends_any_state),
        cmocka_unit_test(holding_and_releasing),
        cmocka_unit_test(places_must_fit),
        cmocka_unit_test(nodes_lack_cpu),
        cmocka_unit_test(shares_fill_a_device),
        cmocka_unit_test(what_never_fits_is_known),
        cmocka_unit_test(closed_nodes_take_nothing_new),
        cmocka_unit_test(windows_keep_their_hours),
        cmocka_unit_test(a_sick_node_is_drained),
        cmocka_unit_test(a_sick_job_is_held),
        cmocka_unit_test(dependents_wait_for_a_good_end),
        cmocka_unit_test(a_bad_end_holds_dependents_for_ever),
        cmocka_unit_test(the_check_finds_what_is_wrong),
        cmocka_unit_test(the_digest_sees_every_term),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
