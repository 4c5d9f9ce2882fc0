/* SPDX-License-Identifier: MIT */
/*
 * Two worlds live through the same random history under every policy: one observes everything from
 * the start, the other is put into bytes and taken out again at random instants. They must take the
 * same decisions, which are those of the journal, and end in the same state with the same accounts.
 */
#include "base/str.h"
#include "fleet/state.h"
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CASES = 300 };

typedef struct world {
    fy_fleet *fleet;
    fy_sched *sched;
    hand_text said; /* of the round at hand */
} world;

typedef struct two_worlds {
    const scenario *s;
    world whole, copied;
    fy_rng rng;
    int copies, rounds;
} two_worlds;

static void demand(bool holds, const two_worlds *two, const char *what)
{
    if (!holds) {
        fail_msg("%s; policy %s, placement %s, seed %llu, copy %d, round %d", what,
                 two->s->options.sched.policy, two->s->options.sched.placement,
                 (unsigned long long)two->s->options.seed, two->copies, two->rounds);
    }
}

static void open_world(two_worlds *two, world *w)
{
    fy_err err = {0};

    w->fleet = fy_fleet_new();
    demand(fy_sched_open(&w->sched, w->fleet, &two->s->options.sched, &err) == 0, two, err.text);
}

static void close_world(world *w)
{
    fy_sched_close(w->sched);
    fy_fleet_free(w->fleet);
    free(w->said.text);
    *w = (world){0};
}

static int apply(void *ctx, const fy_event *event, fy_err *err)
{
    world *w = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : NULL;
    int status = fy_fleet_apply(w->fleet, event, err);

    if (status == 0) {
        job = job == NULL && event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : job;
        fy_sched_observe(w->sched, event, job);
    }
    return status;
}

static int say(void *ctx, const fy_event *event, fy_err *err)
{
    world *w = ctx;

    (void)hand_journal(&w->said, event, err);
    return apply(w, event, err);
}

/* Into bytes and out again. */
static void renew(two_worlds *two)
{
    world fresh = {0};
    fy_str fleet = {0};
    fy_str sched = {0};
    fy_err err = {0};

    fy_fleet_save(two->copied.fleet, &fleet);
    fy_sched_save(two->copied.sched, &sched);
    demand(fy_fleet_load(&fresh.fleet, fleet.text, fleet.len, &err) == 0 &&
               fy_sched_open(&fresh.sched, fresh.fleet, &two->s->options.sched, &err) == 0 &&
               fy_sched_load(fresh.sched, sched.text, sched.len, &err) == 0,
           two, err.text);
    close_world(&two->copied);
    two->copied = fresh;
    two->copies++;
    fy_str_free(&fleet);
    fy_str_free(&sched);
}

/* Why everybody waits is the same in both. */
static void compare_reasons(const two_worlds *two)
{
    for (size_t id = 0; id < two->whole.fleet->n_ids; id++) {
        int64_t there, here;
        fy_reason a = fy_sched_explain(two->whole.sched, (int64_t)id, &there);
        fy_reason b = fy_sched_explain(two->copied.sched, (int64_t)id, &here);

        demand(a == b && there == here, two, "a job waits for the same reason");
    }
}

/* Both decide; what they decide is what stands in the journal. Returns its length. */
static size_t decide(two_worlds *two, const fy_event *event, const char *text, size_t left)
{
    fy_err err = {0};

    two->rounds++;
    two->whole.said.len = two->copied.said.len = 0;
    demand(fy_sched_wake(two->whole.sched) == fy_sched_wake(two->copied.sched), two,
           "both wake at the same instant");
    demand(fy_sched_round(two->whole.sched, event->t_us, say, &two->whole, &err) >= 0, two,
           err.text);
    demand(fy_sched_round(two->copied.sched, event->t_us, say, &two->copied, &err) >= 0, two,
           err.text);
    demand(two->whole.said.len <= left &&
               memcmp(two->whole.said.text, text, two->whole.said.len) == 0,
           two, "the decisions are those of the journal");
    demand(two->whole.said.len == two->copied.said.len &&
               memcmp(two->whole.said.text, two->copied.said.text, two->whole.said.len) == 0,
           two, "the copy takes the same decisions");
    compare_reasons(two);
    return two->whole.said.len;
}

static void live(two_worlds *two, const hand_text *journal)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    const char *end = journal->text + journal->len;

    for (const char *p = journal->text; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        fy_event event;
        fy_err err = {0};

        demand(fy_journal_decode(reader, p, (size_t)(eol - p), &event, &err) == 0, two, err.text);
        if (chance(&two->rng, 0.03)) {
            renew(two);
        }
        if (event.kind == FY_EV_ROUND) {
            p += decide(two, &event, p, (size_t)(end - p));
            continue;
        }
        demand(apply(&two->whole, &event, &err) == 0 && apply(&two->copied, &event, &err) == 0, two,
               err.text);
        p = eol + 1;
    }
    fy_journal_reader_free(reader);
}

static void compare_ends(two_worlds *two, uint64_t digest)
{
    fy_str a = {0};
    fy_str b = {0};
    fy_err err = {0};

    demand(fy_fleet_digest(two->whole.fleet) == digest &&
               fy_fleet_digest(two->copied.fleet) == digest,
           two, "all end in one state");
    demand(fy_fleet_check(two->copied.fleet, &err) == 0, two, err.text);
    fy_fleet_save(two->whole.fleet, &a);
    fy_fleet_save(two->copied.fleet, &b);
    demand(a.len == b.len && memcmp(a.text, b.text, a.len) == 0, two, "with the same accounts");
    fy_str_free(&a);
    fy_str_free(&b);
}

/* Levels, half-lives and periods that these short histories reach. */
static const fy_setting quick[] = {
    {"las.first", "40"},      {"las.levels", "4"},   {"las.promote", "1.5"},
    {"fair.halflife", "120"}, {"gain.period", "45"}, {"fifo.chip", "draw"},
};

static int copies; /* of all histories */

static void one(scenario *s, const char *policy, const char *placement)
{
    two_worlds two = {.s = s, .rng = fy_rng_stream(s->options.seed, 77)};
    hand_text journal = {0};
    fy_sim_result *result = NULL;
    fy_err err = {0};
    uint64_t digest;

    s->options.sched =
        (fy_sched_options){.policy = policy, .placement = placement, .seed = s->options.seed};
    if (s->options.seed % 4 != 0) {
        s->options.sched.settings = quick;
        s->options.sched.n_settings = sizeof quick / sizeof quick[0];
    }
    s->options.source = hand_source(&s->jobs);
    s->options.journal = hand_journal;
    s->options.journal_ctx = &journal;
    demand(fy_sim_run(&result, &s->options, &err) == 0, &two, err.text);
    digest = result->digest;
    fy_sim_result_free(result);
    open_world(&two, &two.whole);
    open_world(&two, &two.copied);
    live(&two, &journal);
    compare_ends(&two, digest);
    close_world(&two.whole);
    close_world(&two.copied);
    free(journal.text);
    copies += two.copies;
}

static void a_copy_decides_as_the_whole(void **state)
{
    static const char *const placements[] = {"pack", "spread", "bestfit", "fgd"};
    static scenario s;

    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        const fy_policy_info *p;

        random_scenario(&s, seed);
        for (int i = 0; (p = fy_policy_at(i)) != NULL; i++) {
            one(&s, p->name, placements[(seed + (uint64_t)i) % 4]);
        }
    }
    assert_true(copies > CASES * 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_decides_as_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
