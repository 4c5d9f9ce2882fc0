/* SPDX-License-Identifier: MIT */
/*
 * The event loop. At one instant: ends, then cancellations, then what comes from outside, then
 * arrivals, then the policy, until it wants nothing more. Engines answer at once here; the path is
 * the daemon's: intent, answer, event.
 */
#include "sim/run.h"

#include <assert.h>
#include <stdlib.h>

enum { SETTLING_ROUNDS = 10000, PROGRESS_EVERY = 4096 };

fy_sim_options fy_sim_options_default(const fy_site *site)
{
    return (fy_sim_options){.site = site,
                            .sched = {.policy = "fifo"},
                            .limits = FY_LIMITS_TRACE,
                            .limit_factor = 1,
                            .until_us = FY_NEVER,
                            .repair_s = 4 * 3600,
                            .power_cap_w = NAN};
}

fy_event fy_sim_event(const fy_sim *run, fy_event_kind kind)
{
    return (fy_event){.t_us = run->fleet->now_us,
                      .kind = kind,
                      .job = -1,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

/* Remember what an intent makes the engine answer. */
static void note_intent(fy_sim *run, const fy_event *event)
{
    run->answers =
        fy_grow(run->answers, &run->answers_room, run->n_answers + 1, sizeof *run->answers);
    run->answers[run->n_answers++] = (fy_answer){
        .job = event->job, .attempt = event->attempt, .start = event->kind == FY_EV_STARTING};
}

int fy_sim_emit(void *ctx, const fy_event *event, fy_err *err)
{
    fy_sim *run = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(run->fleet, event->job) : NULL;
    int status = fy_fleet_apply(run->fleet, event, err);

    if (status == 0 && run->options->journal != NULL) {
        status = run->options->journal(run->options->journal_ctx, event, err);
    }
    if (status != 0) {
        return status;
    }
#ifdef FY_CHECK
    status = fy_fleet_check(run->fleet, err);
    if (status != 0) {
        return status;
    }
#endif
    if (job == NULL && event->kind == FY_EV_SUBMITTED) {
        job = fy_fleet_job(run->fleet, event->job);
    }
    fy_sched_observe(run->sched, event, job);
    if (event->kind == FY_EV_STARTING || event->kind == FY_EV_STOPPING) {
        note_intent(run, event);
    }
    if (event->kind != FY_EV_ROUND) {
        run->dirty = true;
    }
    return 0;
}

/* ------------------------------------------------------------------ answers */

void fy_sim_schedule(fy_sim *run, const fy_job *job)
{
    int64_t end_us = fy_job_finish_us(job);

    if (job->rec.limit_us >= 0 && job->rec.limit_us < FY_NEVER - job->start_us &&
        job->start_us + job->rec.limit_us < end_us) {
        end_us = job->start_us + job->rec.limit_us;
    }
    if (end_us < FY_NEVER) {
        fy_heap_set(&run->ends, &run->end_pos, job->slot, end_us, job->id);
    } else {
        fy_heap_remove(&run->ends, &run->end_pos, job->slot);
    }
}

static int answer_start(fy_sim *run, const fy_job *job)
{
    fy_event event = fy_sim_event(run, FY_EV_STARTED);
    int status;

    event.job = job->id;
    event.attempt = job->attempt;
    event.a = fy_job_working_rate(job, job->working, job->spread);
    event.b = job->attempt > 1 ? job->rec.restart_cost_us : 0;
    status = fy_sim_emit(run, &event, run->err);
    if (status == 0) {
        fy_sim_schedule(run, job);
    }
    return status;
}

static int answer_stop(fy_sim *run, const fy_job *job)
{
    fy_event event = fy_sim_event(run, FY_EV_STOPPED);

    event.job = job->id;
    event.attempt = job->attempt;
    event.a = 0;
    fy_heap_remove(&run->ends, &run->end_pos, job->slot);
    return fy_sim_emit(run, &event, run->err);
}

static int answer_all(fy_sim *run)
{
    int status = 0;

    for (size_t i = 0; i < run->n_answers && status == 0; i++) {
        const fy_answer *answer = &run->answers[i];
        const fy_job *job = fy_fleet_job(run->fleet, answer->job);

        assert(job != NULL && job->attempt == answer->attempt);
        status = answer->start ? answer_start(run, job) : answer_stop(run, job);
    }
    run->n_answers = 0;
    return status;
}

/* ------------------------------------------------------------------ arrivals and ends */

static int submit(fy_sim *run, const fy_job_spec *spec)
{
    fy_event event = fy_sim_event(run, FY_EV_SUBMITTED);
    fy_job_record rec;
    const fy_job *job;
    int status = fy_resolve(run, spec, &rec);

    if (status != 0) {
        return status;
    }
    event.t_us = spec->submit_us;
    event.job = (int64_t)run->fleet->n_ids;
    event.job_record = &rec;
    status = fy_sim_emit(run, &event, run->err);
    if (status != 0) {
        return status;
    }
    job = fy_fleet_job(run->fleet, event.job);
    run->n_services += spec->service;
    if (spec->cancel_us >= 0) {
        fy_heap_set(&run->cancels, &run->cancel_pos, job->slot, spec->submit_us + spec->cancel_us,
                    job->id);
    }
    fy_metrics_submitted(run, job);
    fy_outside_submitted(run, job);
    run->changed = true;
    return 0;
}

int fy_sim_end(fy_sim *run, const fy_job *job, fy_event_kind kind)
{
    fy_event event = fy_sim_event(run, kind);
    int status;

    fy_heap_remove(&run->ends, &run->end_pos, job->slot);
    fy_heap_remove(&run->cancels, &run->cancel_pos, job->slot);
    event.job = job->id;
    event.attempt = job->attempt;
    event.a = 0;
    run->n_services -= job->rec.work_q < 0;
    status = fy_sim_emit(run, &event, run->err);
    if (status == 0) {
        fy_metrics_ended(run, job,
                         kind == FY_EV_FINISHED ? "finished"
                                                : (kind == FY_EV_FAILED ? "failed" : "cancelled"));
        run->changed = true;
    }
    return status;
}

static int end_due(fy_sim *run, int64_t t_us)
{
    const fy_heap_entry *top;
    int status = 0;

    while (status == 0 && (top = fy_heap_top(&run->ends)) != NULL && top->key == t_us) {
        const fy_job *job = run->fleet->jobs[top->item];
        bool done = fy_job_finish_us(job) <= t_us;
        fy_event_kind kind = done && job->rec.end == FY_END_FINISH   ? FY_EV_FINISHED
                             : done && job->rec.end == FY_END_CANCEL ? FY_EV_CANCELLED
                                                                     : FY_EV_FAILED;

        status = fy_sim_end(run, job, kind);
    }
    while (status == 0 && (top = fy_heap_top(&run->cancels)) != NULL && top->key == t_us) {
        status = fy_sim_end(run, run->fleet->jobs[top->item], FY_EV_CANCELLED);
    }
    return status;
}

/* ------------------------------------------------------------------ rounds */

/* Round after round until the policy stops nobody any more. A job has others stopped for it once an
 * instant, so there are no more rounds than jobs and some, or the policy is broken. */
static int settle(fy_sim *run)
{
    int64_t most = (int64_t)run->fleet->n_live + SETTLING_ROUNDS;
    int64_t rounds = 0;
    int decided;

    run->last_decision_us = run->last_round_us = run->fleet->now_us;
    do {
        bool stopped = false;
        int status;

        decided = fy_sched_round(run->sched, run->fleet->now_us, fy_sim_emit, run, run->err);
        if (decided < 0) {
            return decided;
        }
        run->n_rounds++;
        for (size_t i = 0; i < run->n_answers; i++) {
            stopped |= !run->answers[i].start;
        }
        status = answer_all(run);
        if (status != 0) {
            return status;
        }
        if (!stopped) {
            break; /* only what was stopped gives the policy anything new to decide */
        }
        if (++rounds > most) {
            return fy_fail(run->err, FY_EINVAL,
                           "policy %s stops jobs without end at one instant (%lld us): a fault of "
                           "the policy's",
                           run->options->sched.policy, (long long)run->fleet->now_us);
        }
    } while (decided > 0);
    run->dirty = run->changed = false;
    return 0;
}

/* The instant of the next round; FY_NEVER where nothing calls for one. */
static int64_t next_round(const fy_sim *run)
{
    const fy_sim_options *o = run->options;
    int64_t wake = fy_sched_wake(run->sched);
    bool wanted = run->dirty;
    int64_t at;

    if (o->round_us == 0) {
        return wanted ? run->fleet->now_us : wake;
    }
    if (o->round_hold_us > 0) {
        wanted = run->changed;
    }
    if (!wanted && wake == FY_NEVER) {
        return FY_NEVER;
    }
    /* Rounds follow each other at `round_us`; after an idle time the first comes at once. */
    at = run->last_round_us;
    if (at != FY_NEVER) {
        int64_t least = at + o->round_us;
        int64_t held = run->last_decision_us + o->round_hold_us;
        int64_t due = wanted ? run->fleet->now_us : wake;

        due = due > held ? due : held;
        due = due > least ? due : least;
        if (run->fleet->n_running > 0) { /* on the grid of rounds */
            at += (due - at + o->round_us - 1) / o->round_us * o->round_us;
        } else {
            at = due;
        }
        return at;
    }
    return run->fleet->now_us;
}

/* ------------------------------------------------------------------ the loop */

static int64_t heap_next(const fy_heap *heap)
{
    const fy_heap_entry *top = fy_heap_top(heap);

    return top != NULL ? top->key : FY_NEVER;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Jobs too large for the fleet may fit once all that is announced has been delivered. */
static bool coming_devices(const fy_sim *run)
{
    return run->fleet->n_never > 0 && run->happening < run->options->n_happenings;
}

/* Are there services that run, or may yet, to the end of the run? */
static bool lasting(const fy_sim *run)
{
    return run->options->until_us != FY_NEVER && run->n_services > 0 &&
           run->fleet->n_running + run->fleet->n_waiting > run->fleet->n_never;
}

/* Is there anything left that can end, or start and then end, or lasts until the run ends? */
static bool alive(const fy_sim *run, bool more)
{
    bool waiting = run->fleet->n_waiting > run->fleet->n_never || coming_devices(run);

    return more || run->ends.n > 0 || run->cancels.n > 0 || lasting(run) ||
           (waiting && (run->dirty || fy_outside_helps(run)));
}

static int loop(fy_sim *run, fy_job_spec *next, bool more)
{
    const fy_sim_options *o = run->options;
    int status = 0;

    while (status == 0 && alive(run, more)) {
        bool idle = !more && run->ends.n == 0 && run->cancels.n == 0 && !lasting(run);
        int64_t round = next_round(run);
        int64_t t = least(least(heap_next(&run->ends), heap_next(&run->cancels)),
                          least(fy_outside_next(run, idle), round));

        t = more ? least(t, next->submit_us) : t;
        if (t > o->until_us || t == FY_NEVER) {
            run->cut = t != FY_NEVER || o->until_us != FY_NEVER;
            break;
        }
        fy_fleet_tick(run->fleet, t);
        status = end_due(run, t);
        status = status == 0 ? fy_outside_step(run, t, idle) : status;
        status = status == 0 && run->faults.n_dark > 0 ? fy_outside_light(run) : status;
        while (status == 0 && more && next->submit_us == t) {
            status = submit(run, next);
            if (status == 0) {
                int got = o->source.next(o->source.ctx, next, run->err);

                more = got > 0;
                status = got < 0 ? got : 0;
            }
        }
        if (status == 0 && next_round(run) <= t) {
            status = settle(run);
        }
        if (o->progress != NULL && run->n_rounds % PROGRESS_EVERY == 0) {
            o->progress(o->progress_ctx, run->metrics.finished, t);
        }
    }
    return status;
}

static int set_power_cap(fy_sim *run)
{
    const fy_sim_options *o = run->options;
    double cap = fy_known(o->power_cap_w) ? o->power_cap_w : o->site->power_cap_w;
    double pue = fy_known(o->site->pue.high) ? o->site->pue.high : 1;
    fy_event event = fy_sim_event(run, FY_EV_LIMITS);

    if (!fy_known(cap)) {
        return 0;
    }
    event.a = cap * 1000 / pue < 9e18 ? (int64_t)(cap * 1000 / pue) : FY_NEVER;
    if (run->fleet->power_mw[FY_HI] > event.a) {
        return fy_fail(run->err, FY_EINVAL,
                       "power cap %.0f W: the idle fleet alone may draw %.0f W (PUE included)", cap,
                       (double)run->fleet->power_mw[FY_HI] / 1000 * pue);
    }
    return fy_sim_emit(run, &event, run->err);
}

void fy_sim_close(fy_sim *run)
{
    fy_sched_close(run->sched);
    fy_fleet_free(run->fleet);
    fy_heap_free(&run->ends);
    fy_heap_free(&run->cancels);
    fy_heap_pos_free(&run->end_pos);
    fy_heap_pos_free(&run->cancel_pos);
    free(run->answers);
    fy_outside_close(run);
    fy_resolve_free(run);
    fy_metrics_free(&run->metrics);
}

static int run_open(fy_sim *run, int64_t t0_us)
{
    const fy_sim_options *o = run->options;
    int status = fy_sched_open(&run->sched, run->fleet, &o->sched, run->err);

    if (status == 0) {
        status = fy_site_events(o->site, t0_us, fy_sim_emit, run, run->err);
    }
    if (status == 0) {
        status = set_power_cap(run);
    }
    return status == 0 ? fy_outside_open(run, t0_us) : status;
}

int fy_sim_run(fy_sim_result **out, const fy_sim_options *options, fy_err *err)
{
    fy_sim run = {.options = options, .err = err, .last_round_us = FY_NEVER};
    fy_job_spec next;
    int64_t end_us;
    int status = options->source.next(options->source.ctx, &next, err);
    bool more = status > 0;

    if (status < 0) {
        return status;
    }
    run.fleet = fy_fleet_new();
    status = run_open(&run, more ? next.submit_us : 0);
    if (status == 0) {
        status = fy_mix_of_jobs(&run, options->mix_jobs, options->n_mix_jobs);
    }
    if (status == 0) {
        run.metrics.first_us = run.fleet->now_us;
        run.dirty = false;
        status = loop(&run, &next, more);
    }
    if (status == 0) {
        end_us = run.cut ? options->until_us : run.fleet->now_us;
        *out = fy_metrics_result(&run, end_us);
    }
    fy_sim_close(&run);
    return status;
}
