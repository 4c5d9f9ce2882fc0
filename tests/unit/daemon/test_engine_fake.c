/* SPDX-License-Identifier: MIT */
/*
 * The fake engine: what it does is the same for the same seed, it keeps the promises of engine.h
 * while it shows the truth badly, and it sees by itself what a daemon must never do.
 */
#include "base/rng.h"
#include "daemon/engine_fake.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000000, DEVICES = 4 };

static const int32_t numbers[DEVICES] = {0, 1, 2, 3};

static int ask(fy_fake *fake, int64_t job, int attempt, int first, int n, int milli)
{
    fy_engine *engine = fy_fake_engine(fake);
    fy_submission what = {.milli = milli,
                          .estimate_us = 10 * SECOND,
                          .work = 100,
                          .checkpoint_signal = SIGUSR1,
                          .checkpoint_cost_us = SECOND};
    fy_run_node node = {.name = "n0", .workers = 1, .n_devices = n, .devices = numbers + first};
    fy_run_spec spec = {.key = {job, attempt}, .what = &what, .nodes = &node, .n_nodes = 1};

    return engine->ops->start(engine, &spec, NULL);
}

static fy_run seen(fy_fake *fake, int64_t job, int attempt)
{
    fy_engine *engine = fy_fake_engine(fake);
    fy_run run;

    assert_int_equal(engine->ops->look(engine, (fy_run_key){job, attempt}, &run, NULL), 0);
    return run;
}

static int verb(fy_fake *fake, int (*do_it)(fy_engine *, fy_run_key, fy_err *), int64_t job)
{
    return do_it(fy_fake_engine(fake), (fy_run_key){job, 1}, NULL);
}

static fy_fake *honest(void)
{
    fy_fake_options options = fy_fake_honest();

    return fy_fake_new(&options);
}

static void a_run_begins_works_ends_and_is_forgotten(void **state)
{
    fy_fake *fake = honest();
    const fy_engine_ops *ops = fy_fake_engine(fake)->ops;
    fy_run_key key;
    fy_run run;

    (void)state;
    assert_int_equal(ask(fake, 7, 1, 0, 2, 0), 0);
    assert_int_equal(seen(fake, 7, 1).state, FY_RUN_STARTING);
    assert_false(ops->hint(fy_fake_engine(fake), &key));
    fy_fake_advance(fake, fy_fake_next(fake));
    assert_true(ops->hint(fy_fake_engine(fake), &key));
    assert_int_equal(key.job, 7);
    assert_int_equal(seen(fake, 7, 1).state, FY_RUN_RUNNING);
    fy_fake_advance(fake, 5 * SECOND);
    run = seen(fake, 7, 1);
    assert_true(run.progress > 49 && run.progress < 51);
    fy_fake_advance(fake, 11 * SECOND);
    run = seen(fake, 7, 1);
    assert_int_equal(run.state, FY_RUN_EXITED);
    assert_int_equal(run.exit_code, 0);
    assert_false(run.lost || run.refused || run.checkpointed);
    assert_int_equal(verb(fake, ops->forget, 7), 0);
    assert_int_equal(seen(fake, 7, 1).state, FY_RUN_NONE);
    assert_int_equal(fy_fake_marks(fake), 1);
    assert_true(fy_fake_mark_get(fake, 0).finished);
    assert_int_equal(fy_fake_mark_get(fake, 0).n_devices, 2);
    assert_null(fy_fake_violation(fake));
    fy_fake_free(fake);
}

static void a_second_start_does_nothing(void **state)
{
    fy_fake *fake = honest();

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ask(fake, 7, 1, 0, 1, 0), 0);
        fy_fake_advance(fake, i * 4 * SECOND);
    }
    assert_int_equal(fy_fake_marks(fake), 1);
    assert_null(fy_fake_violation(fake));
    fy_fake_free(fake);
}

/* The checkpoint signal ends a run with all its work saved; KILL does not. */
static void signals_and_kill_end_a_run(void **state)
{
    fy_fake *fake = honest();
    fy_engine *engine = fy_fake_engine(fake);
    fy_run run;

    (void)state;
    for (int64_t job = 1; job <= 3; job++) {
        assert_int_equal(ask(fake, job, 1, (int)job, 1, 0), 0);
    }
    fy_fake_advance(fake, SECOND);
    assert_int_equal(engine->ops->signal(engine, (fy_run_key){1, 1}, SIGUSR1, true, NULL), 0);
    assert_int_equal(engine->ops->signal(engine, (fy_run_key){2, 1}, SIGTERM, false, NULL), 0);
    assert_int_equal(verb(fake, engine->ops->kill, 3), 0);
    assert_int_equal(verb(fake, engine->ops->forget, 3), 0); /* not yet EXITED: kept */
    fy_fake_advance(fake, 4 * SECOND);
    run = seen(fake, 1, 1);
    assert_true(run.state == FY_RUN_EXITED && run.checkpointed && run.exit_code == 0);
    assert_true(run.saved > 0 && run.saved < 100);
    run = seen(fake, 2, 1);
    assert_true(run.state == FY_RUN_EXITED && !run.checkpointed && run.exit_signal == SIGTERM);
    run = seen(fake, 3, 1);
    assert_true(run.state == FY_RUN_EXITED && !run.checkpointed && run.exit_signal == SIGKILL);
    fy_fake_free(fake);
}

/* Killed before it began, an attempt never begins, whether or not its start had arrived. */
static void kill_comes_before_a_start(void **state)
{
    fy_fake *fake = honest();
    const fy_engine_ops *ops = fy_fake_engine(fake)->ops;

    (void)state;
    assert_int_equal(ask(fake, 1, 1, 0, 1, 0), 0);
    assert_int_equal(verb(fake, ops->kill, 1), 0);
    assert_int_equal(verb(fake, ops->kill, 2), 0);
    assert_int_equal(ask(fake, 2, 1, 0, 1, 0), 0);
    fy_fake_advance(fake, 100 * SECOND);
    for (int64_t job = 1; job <= 2; job++) {
        assert_true(seen(fake, job, 1).state == FY_RUN_EXITED && seen(fake, job, 1).refused);
        assert_int_equal(fy_fake_mark_get(fake, (size_t)job - 1).began_us, -1);
    }
    fy_fake_free(fake);
}

static void breaches_are_seen(void **state)
{
    static const struct {
        int64_t job;
        int first, n, milli;
        const char *says; /* NULL: nothing is wrong yet */
    } steps[] = {
        {1, 0, 2, 0, NULL},
        {2, 2, 1, 400, NULL},
        {3, 2, 1, 600, NULL},
        {4, 2, 1, 1, "a device is over-committed: job 4 attempt 1"},
    };
    fy_fake *fake = honest();

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(ask(fake, steps[i].job, 1, steps[i].first, steps[i].n, steps[i].milli), 0);
        fy_fake_advance(fake, (int64_t)(i + 1) * SECOND);
        if (steps[i].says == NULL) {
            assert_null(fy_fake_violation(fake));
        } else {
            assert_non_null(strstr(fy_fake_violation(fake), steps[i].says));
        }
    }
    fy_fake_free(fake);

    fake = honest();
    assert_int_equal(ask(fake, 1, 1, 0, 1, 0), 0);
    assert_int_equal(ask(fake, 1, 2, 1, 1, 0), 0);
    fy_fake_advance(fake, SECOND);
    assert_non_null(strstr(fy_fake_violation(fake), "a job runs twice at once"));
    fy_fake_free(fake);

    fake = honest();
    assert_int_equal(verb(fake, fy_fake_engine(fake)->ops->kill, 1), 0);
    assert_int_equal(verb(fake, fy_fake_engine(fake)->ops->forget, 1), 0);
    assert_int_equal(ask(fake, 1, 1, 0, 1, 0), 0);
    assert_non_null(strstr(fy_fake_violation(fake), "after it was forgotten"));
    fy_fake_free(fake);
}

static void count(void *ctx, const fy_run *run)
{
    (void)run;
    (*(int *)ctx)++;
}

static void silence_is_silent(void **state)
{
    fy_fake *fake = honest();
    fy_engine *engine = fy_fake_engine(fake);
    fy_run_key key;
    fy_err err;
    int n = 0;

    (void)state;
    assert_int_equal(ask(fake, 1, 1, 0, 1, 0), 0);
    fy_fake_silence(fake, 600 * (int64_t)SECOND, true);
    fy_fake_advance(fake, SECOND);
    assert_int_equal(engine->ops->list(engine, count, &n, &err), FY_EIO);
    assert_int_equal(ask(fake, 2, 1, 1, 1, 0), FY_EIO);
    fy_fake_silence(fake, 600 * (int64_t)SECOND, false);
    assert_int_equal(engine->ops->list(engine, count, &n, &err), 0);
    assert_int_equal(ask(fake, 2, 1, 1, 1, 0), 0);
    assert_false(engine->ops->hint(engine, &key));
    assert_int_equal(n, 0);
    fy_fake_advance(fake, fy_fake_next(fake));
    assert_true(engine->ops->hint(engine, &key));
    assert_int_equal(engine->ops->list(engine, count, &n, &err), 0);
    assert_int_equal(n, 1); /* what was begun went on, what was asked for then came to nothing */
    assert_int_equal(seen(fake, 1, 1).state, FY_RUN_EXITED);
    fy_fake_free(fake);
}

static void by_hand(void **state)
{
    fy_fake *fake = honest();

    (void)state;
    assert_false(fy_fake_finish(fake, (fy_run_key){1, 1}, 3, 0));
    assert_int_equal(ask(fake, 1, 1, 0, 1, 0), 0);
    assert_int_equal(ask(fake, 2, 1, 1, 1, 0), 0);
    fy_fake_advance(fake, SECOND);
    assert_true(fy_fake_finish(fake, (fy_run_key){1, 1}, 3, 0));
    assert_true(fy_fake_lose(fake, (fy_run_key){2, 1}));
    assert_int_equal(seen(fake, 1, 1).exit_code, 3);
    assert_true(seen(fake, 2, 1).lost);
    fy_fake_free(fake);
}

/* ------------------------------------------------------------------ twenty hostile minutes */

typedef struct witness {
    fy_fake *fake;
    uint64_t sum; /* of all that was shown */
    int lies, wild, gone;
} witness;

/* What a list shows is wrong only where engine.h says that it may be. */
static void watch(void *ctx, const fy_run *run)
{
    witness *w = ctx;
    bool real = false;

    for (size_t i = 0; i < fy_fake_marks(w->fake); i++) {
        fy_fake_mark mark = fy_fake_mark_get(w->fake, i);

        if (fy_run_key_equal(mark.key, run->key)) {
            real = true;
            if (run->state == FY_RUN_EXITED) {
                assert_true(mark.began_us < 0 || mark.ended_us >= 0);
                assert_true(run->lost || run->refused || run->exit_code == mark.exit_code);
                w->gone++;
            }
        }
    }
    w->lies += !real;
    w->wild += isnan(run->progress) || run->progress < 0 || run->progress > 100.001;
    w->sum = w->sum * 31 + (uint64_t)run->key.job + (uint64_t)run->state * 7;
}

/* A simple daemon that keeps each device for one attempt until that is EXITED. */
static witness drive(uint64_t seed)
{
    fy_fake_options options = fy_fake_hostile(seed);
    fy_fake *fake = fy_fake_new(&options);
    fy_engine *engine = fy_fake_engine(fake);
    fy_rng rng = fy_rng_seed(seed + 1);
    fy_run_key on[DEVICES] = {{0, 0}};
    int64_t next_job = 1;
    witness w = {.fake = fake};
    fy_run_key key;

    for (int64_t now_us = 0; now_us < 1200 * (int64_t)SECOND; now_us += SECOND) {
        fy_fake_advance(fake, now_us);
        for (int d = 0; d < DEVICES; d++) {
            fy_run run;

            if (on[d].job == 0) {
                on[d] = (fy_run_key){next_job++, 1};
            }
            if (engine->ops->look(engine, on[d], &run, NULL) != 0) {
                continue;
            }
            if (run.state == FY_RUN_NONE) {
                (void)ask(fake, on[d].job, 1, d, 1, 0);
            } else if (run.state == FY_RUN_EXITED) {
                (void)engine->ops->forget(engine, on[d], NULL);
                on[d].job = 0;
            } else if (fy_rng_below(&rng, 40) == 0) {
                (void)engine->ops->kill(engine, on[d], NULL);
            }
        }
        while (engine->ops->hint(engine, &key)) {
            w.sum = w.sum * 31 + (uint64_t)key.job;
        }
        (void)engine->ops->list(engine, watch, &w, NULL);
    }
    assert_null(fy_fake_violation(fake));
    assert_true(next_job > 40);
    fy_fake_free(fake);
    return w;
}

static void a_hostile_engine_keeps_its_promises_and_its_seed(void **state)
{
    witness total = {0};

    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        witness a = drive(seed), b = drive(seed);

        assert_true(a.sum == b.sum);
        assert_true(a.sum != total.sum);
        total.sum = a.sum;
        total.lies += a.lies;
        total.wild += a.wild;
        total.gone += a.gone;
    }
    assert_true(total.lies > 0 && total.wild > 0 && total.gone > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_begins_works_ends_and_is_forgotten),
        cmocka_unit_test(a_second_start_does_nothing),
        cmocka_unit_test(signals_and_kill_end_a_run),
        cmocka_unit_test(kill_comes_before_a_start),
        cmocka_unit_test(breaches_are_seen),
        cmocka_unit_test(silence_is_silent),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(a_hostile_engine_keeps_its_promises_and_its_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
