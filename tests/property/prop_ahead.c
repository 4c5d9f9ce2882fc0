/* SPDX-License-Identifier: MIT */
/*
 * Looking ahead against what then happened: from any settled instant of a simulated history after
 * the last arrival, a waiting job is expected to start when and where it did, or never where it
 * never did. Estimates are exact here, and nothing fails.
 */
#include "base/str.h"
#include "fleet/state.h"
#include "fuyao/explain.h"
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CASES = 60, MOST_STEPS = 100000, MOST_ASKED = 10 };

typedef struct history {
    const scenario *s;
    fy_fleet *fleet;
    fy_sched *sched;
    fy_rng rng;
    int asked, started;
} history;

static void demand(bool holds, const history *h, const char *what)
{
    if (!holds) {
        fail_msg("%s; policy %s, placement %s, seed %llu, question %d", what,
                 h->s->options.sched.policy, h->s->options.sched.placement,
                 (unsigned long long)h->s->options.seed, h->asked);
    }
}

static int apply(void *ctx, const fy_event *event, fy_err *err)
{
    history *h = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(h->fleet, event->job) : NULL;
    int status = fy_fleet_apply(h->fleet, event, err);

    if (status == 0) {
        job = job == NULL && event->job >= 0 ? fy_fleet_job(h->fleet, event->job) : job;
        fy_sched_observe(h->sched, event, job);
    }
    return status;
}

/* The next line as an event; false at the end. */
static bool next_line(fy_journal_reader *reader, const hand_text *journal, size_t *at,
                      fy_event *event)
{
    const char *p = journal->text + *at;
    const char *eol = *at < journal->len ? memchr(p, '\n', journal->len - *at) : NULL;
    fy_err err = {0};

    if (eol == NULL) {
        return false;
    }
    assert_int_equal(fy_journal_decode(reader, p, (size_t)(eol - p), event, &err), 0);
    *at += (size_t)(eol - p) + 1;
    return true;
}

/* Where the last arrival stands. */
static size_t last_arrival(const hand_text *journal)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_event event;
    size_t last = 0;

    for (size_t at = 0; next_line(reader, journal, &at, &event);) {
        last = event.kind == FY_EV_SUBMITTED ? at : last;
    }
    fy_journal_reader_free(reader);
    return last;
}

/* When and where job `id` starts from `at` on; -1 = never. */
static int64_t start_of(const hand_text *journal, size_t at, int64_t id, int *chip)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_event event;
    int64_t start_us = -1;

    while (start_us < 0 && next_line(reader, journal, &at, &event)) {
        if (event.kind == FY_EV_STARTING && event.job == id) {
            start_us = event.t_us;
            *chip = event.place->chip;
        }
    }
    fy_journal_reader_free(reader);
    return start_us;
}

static void ask(history *h, const hand_text *journal, size_t at)
{
    const fy_job *job = h->fleet->jobs[below(&h->rng, (int)h->fleet->n_slots)];
    fy_ahead ahead;
    fy_err err = {0};
    int chip = -1;
    int64_t start_us;

    if (job->state > FY_JOB_WAITING || h->asked >= MOST_ASKED) {
        return;
    }
    h->asked++;
    start_us = start_of(journal, at, job->id, &chip);
    demand(fy_ahead_start(&ahead, h->sched, h->fleet->now_us, job->id, MOST_STEPS, &err) == 0, h,
           err.text);
    if (start_us < 0) {
        demand(ahead.what != FY_AHEAD_STARTS, h, "what never started is not expected to");
    } else {
        demand(ahead.what == FY_AHEAD_STARTS, h, "what started is expected to");
        demand(ahead.start_us == start_us, h, "it is expected at the instant at which it started");
        demand(ahead.chip == chip, h, "and on that chip");
        h->started++;
    }
}

static int live(history *h, const hand_text *journal)
{
    size_t last = last_arrival(journal);
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_event event;
    fy_err err = {0};
    size_t before = 0;

    for (size_t at = 0; next_line(reader, journal, &at, &event); before = at) {
        if (before >= last && event.t_us > h->fleet->now_us) {
            ask(h, journal, before);
        }
        if (event.kind == FY_EV_ROUND) {
            demand(fy_sched_round(h->sched, event.t_us, apply, h, &err) >= 0, h, err.text);
            for (;;) { /* its decisions are the next lines */
                size_t peek = at;
                fy_event next;

                if (!next_line(reader, journal, &peek, &next) ||
                    (next.kind != FY_EV_STARTING && next.kind != FY_EV_STOPPING)) {
                    break;
                }
                at = peek;
            }
            continue;
        }
        demand(apply(h, &event, &err) == 0, h, err.text);
    }
    fy_journal_reader_free(reader);
    return h->started;
}

static const fy_setting quick[] = {
    {"las.first", "40"},      {"las.levels", "4"},   {"las.promote", "1.5"},
    {"fair.halflife", "120"}, {"gain.period", "45"}, {"fifo.chip", "draw"},
};

static int one(scenario *s, const char *policy, const char *placement)
{
    history h = {.s = s, .rng = fy_rng_stream(s->options.seed, 78), .fleet = fy_fleet_new()};
    hand_text journal = {0};
    fy_sim_result *result = NULL;
    fy_err err = {0};
    int started;

    s->options.sched = (fy_sched_options){
        .policy = policy, .placement = placement, .seed = s->options.seed, .settings = quick};
    s->options.sched.n_settings = s->options.seed % 3 == 0 ? 0 : sizeof quick / sizeof quick[0];
    s->options.source = hand_source(&s->jobs);
    s->options.journal = hand_journal;
    s->options.journal_ctx = &journal;
    demand(fy_sim_run(&result, &s->options, &err) == 0, &h, err.text);
    fy_sim_result_free(result);
    demand(fy_sched_open(&h.sched, h.fleet, &s->options.sched, &err) == 0, &h, err.text);
    started = live(&h, &journal);
    fy_sched_close(h.sched);
    fy_fleet_free(h.fleet);
    free(journal.text);
    return started;
}

static void what_is_expected_is_what_happens(void **state)
{
    static const char *const placements[] = {"pack", "spread", "bestfit", "fgd"};
    static scenario s;
    int started = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        const fy_policy_info *p;

        random_scenario(&s, seed);
        s.options.n_happenings = 0;
        s.options.mtbf_s = 0;
        s.options.round_us = 0;
        s.options.until_us = FY_NEVER;
        for (int i = 0; i < s.jobs.n; i++) { /* most come early, so that there is much to expect */
            s.jobs.jobs[i].submit_us /= 16;
            s.jobs.jobs[i].cancel_us = -1;
        }
        for (int i = 0; (p = fy_policy_at(i)) != NULL; i++) {
            started += one(&s, p->name, placements[(seed + (uint64_t)i) % 4]);
        }
    }
    assert_true(started > 10 * CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_expected_is_what_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
