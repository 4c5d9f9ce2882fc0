/* SPDX-License-Identifier: MIT */
#include "sched/trial.h"

#include "fleet/rewrite.h"
#include "fleet/snapshot.h"
#include "sched/open.h"

#include <stdlib.h>

enum { SETTLING_ROUNDS = 10000 };

void fy_trial_take(fy_trial_bytes *bytes, const fy_sched *sched)
{
    *bytes = (fy_trial_bytes){.like = sched};
    fy_fleet_save(sched->fleet, &bytes->fleet);
    fy_sched_save(sched, &bytes->sched);
}

void fy_trial_free_bytes(fy_trial_bytes *bytes)
{
    fy_str_free(&bytes->fleet);
    fy_str_free(&bytes->sched);
}

fy_event fy_trial_event(const fy_trial *trial, fy_event_kind kind)
{
    return (fy_event){.t_us = trial->fleet->now_us,
                      .kind = kind,
                      .job = -1,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

static void schedule(fy_trial *trial, const fy_job *job)
{
    int64_t end_us = fy_job_finish_us(job);

    if (job->rec.limit_us >= 0 && job->rec.limit_us < FY_NEVER - job->start_us &&
        job->start_us + job->rec.limit_us < end_us) {
        end_us = job->start_us + job->rec.limit_us;
    }
    if (end_us < FY_NEVER) {
        fy_heap_set(&trial->ends, &trial->pos, job->slot, end_us, job->id);
    } else {
        fy_heap_remove(&trial->ends, &trial->pos, job->slot);
    }
}

static void note_intent(fy_trial *trial, const fy_event *event)
{
    bool start = event->kind == FY_EV_STARTING;

    trial->answers =
        fy_grow(trial->answers, &trial->answers_room, trial->n_answers + 1, sizeof *trial->answers);
    trial->answers[trial->n_answers++] =
        (fy_trial_answer){.job = event->job, .attempt = event->attempt, .start = start};
    if (start && event->job == trial->watch && !trial->started) {
        trial->started = true;
        trial->chip = event->place->chip;
        trial->workers = event->place->workers;
    }
}

int fy_trial_emit(void *ctx, const fy_event *event, fy_err *err)
{
    fy_trial *trial = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(trial->fleet, event->job) : NULL;
    int status = fy_fleet_apply(trial->fleet, event, err);

    if (status != 0) {
        return status;
    }
    fy_sched_observe(trial->sched, event, job);
    if (event->kind == FY_EV_STARTING || event->kind == FY_EV_STOPPING) {
        note_intent(trial, event);
    }
    trial->dirty |= event->kind != FY_EV_ROUND;
    return 0;
}

static int answer_one(fy_trial *trial, const fy_job *job, fy_err *err)
{
    bool start = job->state == FY_JOB_STARTING;
    fy_event event = fy_trial_event(trial, start ? FY_EV_STARTED : FY_EV_STOPPED);
    int status;

    event.job = job->id;
    event.attempt = job->attempt;
    event.a = 0;
    if (start) {
        event.a = fy_job_working_rate(job, job->working, job->spread);
        event.a = event.a > 0 ? event.a : 1; /* on a place that no rate is known for */
        event.b = job->attempt > 1 ? job->rec.restart_cost_us : 0;
    }
    status = fy_trial_emit(trial, &event, err);
    if (status == 0 && start) {
        schedule(trial, job);
    } else {
        fy_heap_remove(&trial->ends, &trial->pos, job->slot);
    }
    return status;
}

static int answer_all(fy_trial *trial, fy_err *err)
{
    int status = 0;

    for (size_t i = 0; i < trial->n_answers && status == 0; i++) {
        const fy_job *job = fy_fleet_job(trial->fleet, trial->answers[i].job);

        if (job != NULL && job->attempt == trial->answers[i].attempt &&
            (job->state == FY_JOB_STARTING || job->state == FY_JOB_STOPPING)) {
            status = answer_one(trial, job, err);
        }
    }
    trial->n_answers = 0;
    return status;
}

/* ------------------------------------------------------------------ opening */

static int answer_pending(fy_trial *trial, fy_err *err)
{
    int status = 0;

    for (size_t s = 0; s < trial->fleet->n_slots && status == 0; s++) {
        const fy_job *job = trial->fleet->jobs[s];

        if (job->state == FY_JOB_STARTING || job->state == FY_JOB_STOPPING) {
            status = answer_one(trial, job, err);
        } else if (job->state == FY_JOB_RUNNING) {
            schedule(trial, job);
        }
    }
    return status;
}

int fy_trial_open(fy_trial *trial, const fy_trial_bytes *bytes, int64_t now_us, int64_t watch,
                  const fy_job_record *rec, fy_err *err)
{
    int status;

    *trial = (fy_trial){.watch = watch};
    trial->fleet = fy_fleet_reload(bytes->fleet.text, bytes->fleet.len);
    status = rec != NULL ? fy_fleet_rewrite(trial->fleet, watch, rec, err) : 0;
    if (status == 0) {
        status = fy_sched_reload(&trial->sched, bytes->like, trial->fleet, &bytes->sched, err);
    }
    if (status == 0) {
        trial->dirty = trial->sched->stirred;
        fy_fleet_tick(trial->fleet, now_us > trial->fleet->now_us ? now_us : trial->fleet->now_us);
        status = answer_pending(trial, err);
    }
    if (status == 0 && rec != NULL) { /* the policy looks at it again as at one just come */
        fy_event event = fy_trial_event(trial, FY_EV_LIMITS);

        event.job = watch;
        event.a = rec->limit_us;
        status = fy_trial_emit(trial, &event, err);
    }
    if (status != 0) {
        fy_trial_close(trial);
    }
    return status;
}

void fy_trial_close(fy_trial *trial)
{
    fy_sched_close(trial->sched);
    fy_fleet_free(trial->fleet);
    fy_heap_free(&trial->ends);
    fy_heap_pos_free(&trial->pos);
    free(trial->answers);
    *trial = (fy_trial){0};
}

/* ------------------------------------------------------------------ going on */

int fy_trial_pass(fy_trial *trial, fy_err *err)
{
    int64_t most = (int64_t)trial->fleet->n_live + SETTLING_ROUNDS;
    bool stopped = true;

    for (int64_t rounds = 0; stopped; rounds++) {
        int decided = fy_sched_round(trial->sched, trial->fleet->now_us, fy_trial_emit, trial, err);
        int status;

        stopped = false;
        for (size_t i = 0; i < trial->n_answers; i++) {
            stopped |= !trial->answers[i].start;
        }
        status = decided < 0 ? decided : answer_all(trial, err);
        if (status != 0) {
            return status;
        }
        if (rounds > most) {
            return fy_fail(err, FY_EINVAL, "the policy stops jobs without end at one instant");
        }
    }
    trial->dirty = false;
    return 0;
}

/* What ends now: at its limit, or as its record says. */
static int end_one(fy_trial *trial, const fy_job *job, fy_err *err)
{
    bool done = fy_job_finish_us(job) <= trial->fleet->now_us;
    fy_event event = fy_trial_event(trial, done && job->rec.end == FY_END_FINISH   ? FY_EV_FINISHED
                                           : done && job->rec.end == FY_END_CANCEL ? FY_EV_CANCELLED
                                                                                   : FY_EV_FAILED);

    event.job = job->id;
    event.attempt = job->attempt;
    event.a = 0;
    fy_heap_remove(&trial->ends, &trial->pos, job->slot);
    return fy_trial_emit(trial, &event, err);
}

/* The next end of a reservation of a node; FY_NEVER = none. */
static int64_t next_window(const fy_fleet *fleet, int32_t *node)
{
    int64_t next_us = FY_NEVER;

    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];

        for (int i = 0; i < pool->n_nodes && pool->n_windows > 0; i++) {
            if (fleet->nodes[pool->nodes[i]].reserved_to_us < next_us) {
                *node = pool->nodes[i];
                next_us = fleet->nodes[*node].reserved_to_us;
            }
        }
    }
    return next_us;
}

static int end_windows(fy_trial *trial, fy_err *err)
{
    int32_t node = -1;
    int status = 0;

    while (status == 0 && next_window(trial->fleet, &node) <= trial->fleet->now_us) {
        fy_event event = fy_trial_event(trial, FY_EV_NODE_RESERVED);

        event.node = node;
        event.a = event.b = 0;
        status = fy_trial_emit(trial, &event, err);
    }
    return status;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int fy_trial_step(fy_trial *trial, fy_err *err)
{
    int64_t now_us = trial->fleet->now_us;
    const fy_heap_entry *top = fy_heap_top(&trial->ends);
    int64_t wake_us = fy_sched_wake(trial->sched);
    int32_t node = -1;
    int64_t t = least(top != NULL ? top->key : FY_NEVER, next_window(trial->fleet, &node));
    int status = 0;

    if (trial->dirty) {
        t = now_us;
    } else if (wake_us < FY_NEVER && trial->fleet->n_running > 0) {
        t = least(t, wake_us > now_us ? wake_us : now_us + 1);
    }
    if (t == FY_NEVER) {
        return 0;
    }
    fy_fleet_tick(trial->fleet, t > now_us ? t : now_us);
    while (status == 0 && (top = fy_heap_top(&trial->ends)) != NULL && top->key <= t) {
        status = end_one(trial, trial->fleet->jobs[top->item], err);
    }
    status = status == 0 ? end_windows(trial, err) : status;
    if (status == 0 && (trial->dirty || fy_sched_wake(trial->sched) <= t)) {
        status = fy_trial_pass(trial, err);
    }
    return status < 0 ? status : 1;
}
