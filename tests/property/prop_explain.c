/* SPDX-License-Identifier: MIT */
/*
 * Explanations held against what is so. In random states of random histories, under every policy:
 * the change that is named, applied to a copy, starts the job in that pass; no change of a cheaper
 * kind does; where none is named, none of all single changes does. Copies, changes and passes are
 * made here a second time, apart from the code that explains.
 */
#include "base/str.h"
#include "fleet/rewrite.h"
#include "fuyao/explain.h"
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { STATES = 2000, TRIALS = 100000 };

typedef struct world {
    fy_fleet *fleet;
    fy_sched *sched;
    const fy_sched_options *options;
    int64_t watch;
    bool started, stopped;
} world;

typedef struct tally {
    int states, named[FY_N_CHANGES], tried;
} tally;

static void demand(bool holds, const scenario *s, const char *what, fy_change_kind kind)
{
    if (!holds) {
        fail_msg("%s (%s); policy %s, seed %llu", what, fy_change_name(kind),
                 s->options.sched.policy, (unsigned long long)s->options.seed);
    }
}

static int apply(void *ctx, const fy_event *event, fy_err *err)
{
    world *w = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : NULL;
    int status = fy_fleet_apply(w->fleet, event, err);

    if (status == 0) {
        job = job == NULL && event->job >= 0 ? fy_fleet_job(w->fleet, event->job) : job;
        fy_sched_observe(w->sched, event, job);
        w->started |= event->kind == FY_EV_STARTING && event->job == w->watch;
        w->stopped |= event->kind == FY_EV_STOPPING;
    }
    return status;
}

static fy_event about(const world *w, fy_event_kind kind, int64_t job)
{
    const fy_job *it = job >= 0 ? fy_fleet_job(w->fleet, job) : NULL;

    return (fy_event){.t_us = w->fleet->now_us,
                      .kind = kind,
                      .job = job,
                      .attempt = it != NULL ? it->attempt : 0,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

static bool happen(world *w, fy_event event)
{
    fy_err err = {0};

    return apply(w, &event, &err) == 0;
}

/* Every engine answers, until none has anything to answer. */
static void answer(world *w)
{
    for (size_t s = 0; s < w->fleet->n_slots; s++) {
        const fy_job *job = w->fleet->jobs[s];

        if (job->state == FY_JOB_STARTING) {
            fy_event event = about(w, FY_EV_STARTED, job->id);

            event.a = fy_job_working_rate(job, job->working, job->spread);
            event.b = job->attempt > 1 ? job->rec.restart_cost_us : 0;
            assert_true(happen(w, event));
        } else if (job->state == FY_JOB_STOPPING) {
            fy_event event = about(w, FY_EV_STOPPED, job->id);

            event.a = 0;
            assert_true(happen(w, event));
        }
    }
}

static bool starts_in_a_pass(world *w)
{
    fy_err err = {0};

    do {
        w->stopped = false;
        assert_true(fy_sched_round(w->sched, w->fleet->now_us, apply, w, &err) >= 0);
        answer(w);
    } while (w->stopped && !w->started);
    return w->started;
}

/* ------------------------------------------------------------------ copies */

static world copy_of(const world *w, const fy_job_record *rec)
{
    world copy = {.fleet = fy_fleet_copy(w->fleet), .options = w->options, .watch = w->watch};
    fy_str kept = {0};
    fy_err err = {0};

    fy_sched_save(w->sched, &kept);
    if (rec != NULL) {
        assert_int_equal(fy_fleet_rewrite(copy.fleet, w->watch, rec, &err), 0);
    }
    assert_int_equal(fy_sched_open(&copy.sched, copy.fleet, w->options, &err), 0);
    assert_int_equal(fy_sched_load(copy.sched, kept.text, kept.len, &err), 0);
    answer(&copy);
    if (rec != NULL) {
        fy_event event = about(&copy, FY_EV_LIMITS, w->watch);

        event.a = rec->limit_us;
        assert_true(happen(&copy, event));
    }
    fy_str_free(&kept);
    return copy;
}

static void close_world(world *w)
{
    fy_sched_close(w->sched);
    fy_fleet_free(w->fleet);
}

static bool starts(world copy)
{
    bool yes = starts_in_a_pass(&copy);

    close_world(&copy);
    return yes;
}

/* ------------------------------------------------------------------ single changes */

static bool rate_of(void *ctx, const fy_job *job, int chip, fy_rate *rate)
{
    (void)ctx;
    if ((job->id + chip) % 3 == 0) {
        return false;
    }
    *rate = (fy_rate){.chip = chip, .rate_q = 500, .spread_q = (job->id + chip) % 2 * 400};
    return true;
}

static bool with_chip(const world *w, const fy_job *job, int chip)
{
    fy_rate rates[FY_MAX_CHIPS];
    fy_job_record rec = job->rec;
    int n = 0;

    for (int i = 0; i < rec.n_rates; i++) {
        if (rec.rates[i].chip != chip) {
            rates[n++] = rec.rates[i];
        }
    }
    if (!rate_of(NULL, job, chip, &rates[n]) || w->fleet->pools[chip].n_nodes == 0) {
        return false;
    }
    rec.rates = rates;
    rec.n_rates = n + 1;
    return starts(copy_of(w, &rec));
}

static bool with_workers(const world *w, const fy_job *job, int workers)
{
    fy_rate rates[FY_MAX_CHIPS];
    fy_job_record rec = job->rec;

    for (int i = 0; i < rec.n_rates; i++) {
        int64_t q = rec.rates[i].rate_q * workers / rec.workers;
        int64_t spread_q = rec.rates[i].spread_q * workers / rec.workers;

        rates[i] = rec.rates[i];
        rates[i].rate_q = q == 0 && rec.rates[i].rate_q > 0 ? 1 : q;
        rates[i].spread_q = spread_q == 0 && rec.rates[i].spread_q > 0 ? 1 : spread_q;
    }
    rec.rates = rates;
    rec.workers = rec.min_workers = rec.max_workers = workers;
    return starts(copy_of(w, &rec));
}

static bool with_priority(const world *w, const fy_job *job, int priority)
{
    fy_job_record rec = job->rec;

    rec.priority = (fy_priority)priority;
    return starts(copy_of(w, &rec));
}

static bool with_event(const world *w, fy_event event)
{
    world copy = copy_of(w, NULL);

    if (!happen(&copy, event)) {
        close_world(&copy);
        return false;
    }
    return starts(copy);
}

static bool with_borrowing(const world *w, const fy_job *job, int64_t amount)
{
    const fy_tenant *t = &w->fleet->tenants[job->tenant];
    fy_tenant_record rec = {.name = t->name,
                            .weight = t->weight,
                            .borrow_milli = amount,
                            .guarantee_milli = t->guarantee_milli,
                            .n = w->fleet->n_chips};
    fy_event event = about(w, FY_EV_TENANT_SET, -1);

    event.tenant = job->tenant;
    event.tenant_record = &rec;
    return with_event(w, event);
}

static bool without(const world *w, int64_t victim)
{
    world copy = copy_of(w, NULL);
    fy_event stopped;

    if (!happen(&copy, about(&copy, FY_EV_STOPPING, victim))) {
        close_world(&copy);
        return false;
    }
    stopped = about(&copy, FY_EV_STOPPED, victim);
    stopped.a = 0;
    assert_true(happen(&copy, stopped) && happen(&copy, about(&copy, FY_EV_HELD, victim)));
    return starts(copy);
}

static bool named(const world *w, const fy_job *job, const fy_change *c)
{
    fy_event event = about(w, FY_EV_LIMITS, -1);

    switch ((int)c->kind) {
    case FY_CHANGE_WAIT:
        return starts(copy_of(w, NULL));
    case FY_CHANGE_RELEASE:
        return with_event(w, about(w, FY_EV_RELEASED, job->id));
    case FY_CHANGE_ACCEPT:
        return with_chip(w, job, c->rate.chip);
    case FY_CHANGE_FEWER:
        return with_workers(w, job, c->workers);
    case FY_CHANGE_PRIORITY:
        return with_priority(w, job, (int)c->priority);
    case FY_CHANGE_RESUME:
        event.kind = FY_EV_NODE_RESUMED;
        event.node = c->node;
        return with_event(w, event);
    case FY_CHANGE_UNRESERVE:
        event.kind = FY_EV_NODE_RESERVED;
        event.node = c->node;
        event.a = event.b = 0;
        return with_event(w, event);
    case FY_CHANGE_BORROW:
        return with_borrowing(w, job, c->amount);
    case FY_CHANGE_POWER:
        event.a = c->amount;
        return with_event(w, event);
    default:
        return c->kind == FY_CHANGE_PREEMPT && without(w, c->job);
    }
}

/* ------------------------------------------------------------------ all of them */

static bool accepts(const world *w, const fy_job *job, int chip)
{
    return fy_job_rate_on(job, chip) != NULL && fy_job_rate_on(job, chip)->rate_q > 0 &&
           w->fleet->pools[chip].n_nodes > 0;
}

static int64_t beyond_with(const world *w, const fy_job *job, int chip, int64_t milli)
{
    const fy_tenant *t = &w->fleet->tenants[job->tenant];
    int64_t beyond = 0;

    for (int c = 0; c < w->fleet->n_chips; c++) {
        int64_t over = t->held_milli[c] - t->guarantee_milli[c] + (c == chip ? milli : 0);

        beyond += over > 0 ? over : 0;
    }
    return beyond;
}

static bool any_gang_or_chip(const world *w, const fy_job *job, fy_change_kind below_kind)
{
    bool any = false;

    for (int c = 0; c < w->fleet->n_chips; c++) {
        if (below_kind > FY_CHANGE_ACCEPT && !accepts(w, job, c)) {
            any |= with_chip(w, job, c);
        } else if (below_kind > FY_CHANGE_FEWER && job->rec.devices > 0) {
            int room = w->fleet->pools[c].n_whole / job->rec.devices - job->rec.spares;

            any |= room >= 1 && room < job->rec.min_workers && with_workers(w, job, room);
        }
    }
    for (int n = job->rec.workers / 2; n >= 1 && below_kind > FY_CHANGE_FEWER; n /= 2) {
        any |= n < job->rec.min_workers && with_workers(w, job, n);
    }
    for (int p = 0; p < (int)job->rec.priority && below_kind > FY_CHANGE_PRIORITY; p++) {
        any |= with_priority(w, job, p);
    }
    return any;
}

static bool any_node_or_limit(const world *w, const fy_job *job, fy_change_kind below_kind)
{
    fy_change c = {.kind = FY_CHANGE_RESUME};
    bool any = false;

    for (c.node = 0; c.node < (int)w->fleet->n_nodes; c.node++) {
        const fy_node *node = &w->fleet->nodes[c.node];

        c.kind = FY_CHANGE_RESUME;
        any |= below_kind > c.kind && node->drained && named(w, job, &c);
        c.kind = FY_CHANGE_UNRESERVE;
        any |= below_kind > c.kind && node->reserved_to_us != FY_NEVER && named(w, job, &c);
    }
    for (int k = 0; k < 2 * w->fleet->n_chips; k++) {
        int workers = (k % 2 == 0 ? job->rec.min_workers : job->rec.workers) + job->rec.spares;
        int64_t milli = fy_gang_milli(workers, job->rec.devices, job->rec.milli);

        c.kind = FY_CHANGE_BORROW;
        c.amount = beyond_with(w, job, k / 2, milli);
        any |= below_kind > c.kind && w->fleet->tenants[job->tenant].borrow_milli >= 0 &&
               c.amount > w->fleet->tenants[job->tenant].borrow_milli && named(w, job, &c);
        c.kind = FY_CHANGE_POWER;
        c.amount = w->fleet->power_mw[FY_HI] + w->fleet->pools[k / 2].slack_mw * milli / FY_WHOLE;
        any |= below_kind > c.kind && c.amount > w->fleet->power_cap_mw && named(w, job, &c);
    }
    c.amount = -1;
    any |= below_kind > c.kind && named(w, job, &c);
    c.kind = FY_CHANGE_BORROW;
    return any || (below_kind > c.kind && named(w, job, &c));
}

/* Would any change of a kind cheaper than `below_kind` start the job? */
static bool any_change(const world *w, const fy_job *job, fy_change_kind below_kind)
{
    fy_change c = {.kind = FY_CHANGE_WAIT};
    bool any = named(w, job, &c);

    c.kind = FY_CHANGE_RELEASE;
    any |= below_kind > c.kind && named(w, job, &c);
    any |= job->state == FY_JOB_WAITING && any_gang_or_chip(w, job, below_kind);
    any |= any_node_or_limit(w, job, below_kind);
    for (size_t s = 0; s < w->fleet->n_slots && below_kind > FY_CHANGE_PREEMPT; s++) {
        const fy_job *victim = w->fleet->jobs[s];

        any |= victim->state == FY_JOB_RUNNING && victim->rec.work_q >= 0 && without(w, victim->id);
    }
    return any;
}

/* ------------------------------------------------------------------ states */

/* Live through `lines` lines of the journal. */
static void live(world *w, const hand_text *journal, size_t lines)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    const char *p = journal->text;

    for (size_t i = 0; i < lines; i++) {
        const char *eol = memchr(p, '\n', journal->len - (size_t)(p - journal->text));
        fy_event event;
        fy_err err = {0};

        assert_int_equal(fy_journal_decode(reader, p, (size_t)(eol - p), &event, &err), 0);
        assert_int_equal(apply(w, &event, &err), 0);
        p = eol + 1;
    }
    fy_journal_reader_free(reader);
}

static const fy_job *pick(const world *w, fy_rng *rng)
{
    size_t n = w->fleet->n_slots;
    size_t first = n > 0 ? (size_t)fy_rng_below(rng, n) : 0;

    for (size_t i = 0; i < n; i++) {
        const fy_job *job = w->fleet->jobs[(first + i) % n];

        if (job->state <= FY_JOB_WAITING) {
            return job;
        }
    }
    return NULL;
}

/* Drain, reserve and limit something, so that more stands in the way than devices. */
static void hinder(world *w, fy_rng *rng)
{
    fy_event event = about(w, FY_EV_NODE_DRAINED, -1);
    int32_t tenant = (int32_t)fy_rng_below(rng, w->fleet->n_tenants);

    for (int n = 0; n < (int)w->fleet->n_nodes; n++) {
        event.node = n;
        event.kind = chance(rng, 0.5) ? FY_EV_NODE_DRAINED : FY_EV_NODE_RESERVED;
        event.a = w->fleet->now_us;
        event.b = event.a + 500LL * HAND_US;
        if (chance(rng, 0.6)) {
            (void)happen(w, event);
        }
    }
    if (chance(rng, 0.3)) {
        event = about(w, FY_EV_LIMITS, -1);
        event.a = w->fleet->power_mw[FY_HI] + 1000LL * below(rng, 500);
        (void)happen(w, event);
    }
    if (chance(rng, 0.4)) {
        const fy_tenant *t = &w->fleet->tenants[tenant];
        fy_tenant_record rec = {.name = t->name,
                                .weight = t->weight,
                                .borrow_milli = 1000LL * below(rng, 3),
                                .guarantee_milli = t->guarantee_milli,
                                .n = w->fleet->n_chips};

        event = about(w, FY_EV_TENANT_SET, -1);
        event.tenant = tenant;
        event.tenant_record = &rec;
        (void)happen(w, event);
    }
}

/* One more job, on one chip. */
static const fy_job *submit(world *w, fy_rng *rng)
{
    int chip = below(rng, w->fleet->n_chips);
    int workers = 1 + below(rng, 3);
    fy_rate rate = {.chip = chip, .rate_q = 700, .spread_q = chance(rng, 0.5) ? 600 : 0};
    fy_event event = about(w, FY_EV_SUBMITTED, (int64_t)w->fleet->n_ids);
    fy_job_record rec = {.name = "late",
                         .tenant = (int)fy_rng_below(rng, w->fleet->n_tenants),
                         .priority = (fy_priority)below(rng, 3),
                         .workers = workers,
                         .min_workers = workers,
                         .max_workers = workers,
                         .devices = 1 + below(rng, 2),
                         .rates = &rate,
                         .n_rates = 1,
                         .work_q = 100000,
                         .q_per_unit = 1,
                         .limit_us = -1,
                         .deadline_us = -1,
                         .array_of = -1};

    event.job_record = &rec;
    assert_true(happen(w, event));
    return fy_fleet_job(w->fleet, event.job);
}

static void check(scenario *s, world *w, const fy_job *job, tally *sum)
{
    fy_explain_options options = fy_explain_defaults(w->fleet->now_us);
    uint64_t digest = fy_fleet_digest(w->fleet);
    fy_explanation x;
    fy_str text = {0};
    fy_err err = {0};

    options.most_trials = TRIALS;
    options.most_steps = 50;
    options.rate = rate_of;
    demand(fy_explain(&x, w->sched, job->id, &options, &err) == 0, s, err.text, FY_CHANGE_NONE);
    demand(fy_fleet_digest(w->fleet) == digest, s, "explaining changes nothing", x.change.kind);
    if (x.change.kind != FY_CHANGE_NONE) {
        demand(named(w, job, &x.change), s, "what is named starts the job", x.change.kind);
    }
    if (x.change.kind != FY_CHANGE_WAIT) {
        fy_change_kind least = x.change.kind == FY_CHANGE_NONE ? FY_N_CHANGES : x.change.kind;

        demand(!any_change(w, job, least), s, "nothing cheaper would", x.change.kind);
    }
    fy_explain_reason(&x, w->fleet, &text);
    fy_explain_start(&x, w->fleet, &text);
    fy_explain_change(&x, w->fleet, &text);
    demand(text.len > 40, s, "there are words for it", x.change.kind);
    fy_str_free(&text);
    sum->states++;
    sum->tried += x.tried;
    sum->named[x.change.kind]++;
}

static void one(scenario *s, const char *policy, tally *sum)
{
    fy_rng rng = fy_rng_stream(s->options.seed, 79);
    hand_text journal = {0};
    fy_sim_result *result = NULL;
    world w = {.fleet = fy_fleet_new(), .watch = -1, .options = &s->options.sched};
    fy_err err = {0};
    size_t lines = 0;
    const fy_job *job;

    s->options.sched = (fy_sched_options){.policy = policy, .seed = s->options.seed};
    s->options.source = hand_source(&s->jobs);
    s->options.journal = hand_journal;
    s->options.journal_ctx = &journal;
    demand(fy_sim_run(&result, &s->options, &err) == 0, s, err.text, FY_CHANGE_NONE);
    fy_sim_result_free(result);
    for (size_t i = 0; i < journal.len; i++) {
        lines += journal.text[i] == '\n';
    }
    demand(fy_sched_open(&w.sched, w.fleet, w.options, &err) == 0, s, err.text, FY_CHANGE_NONE);
    live(&w, &journal, (size_t)fy_rng_below(&rng, lines + 1));
    if (chance(&rng, 0.5) && w.fleet->n_tenants > 0) {
        hinder(&w, &rng);
        w.watch = submit(&w, &rng)->id;
        if (chance(&rng, 0.5)) { /* settled, or not yet */
            (void)starts_in_a_pass(&w);
        }
        job = fy_fleet_job(w.fleet, w.watch);
        job = job->state <= FY_JOB_WAITING ? job : NULL;
        w.started = false;
    } else {
        job = pick(&w, &rng);
    }
    if (job != NULL) {
        if (chance(&rng, 0.1) && job->state == FY_JOB_WAITING) {
            (void)happen(&w, about(&w, FY_EV_HELD, job->id));
        }
        w.watch = job->id;
        check(s, &w, job, sum);
    }
    close_world(&w);
    free(journal.text);
}

static void what_is_named_is_so(void **state)
{
    static scenario s;
    tally sum = {0};

    (void)state;
    for (uint64_t seed = 1; sum.states < STATES; seed++) {
        const fy_policy_info *p;

        random_scenario(&s, seed);
        for (int i = 0; i < s.jobs.n; i++) { /* crowded, so that jobs wait */
            s.jobs.jobs[i].submit_us /= 4;
        }
        for (int i = 0; (p = fy_policy_at(i)) != NULL; i++) {
            one(&s, p->name, &sum);
        }
        assert_true(seed < 100 * STATES);
    }
    for (int k = 0; k < FY_N_CHANGES; k++) { /* every kind has been met */
        printf("# %s: %d of %d\n", fy_change_name((fy_change_kind)k), sum.named[k], sum.states);
        assert_true(sum.named[k] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_is_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
