/* SPDX-License-Identifier: MIT */
#include "sched/shadow.h"

#include "base/heap.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_ROUNDS = 20 }; /* at one instant; the rest later */

static const int64_t least_wake_us = 1000000; /* between two rounds that only time asks for */

/* What is known of a job beyond the fleet, by its slot. */
typedef struct mark {
    double factor;
    int64_t end_q;                   /* -1 = all its work */
    bool ended, fails;               /* A has ended it; not well */
    bool runs_there;                 /* A runs it now */
    int64_t rate_q, from_us, done_q; /* of the present attempt: modelled rate, since, from what */
} mark;

typedef struct intent {
    int64_t job;
    int32_t attempt;
} intent;

struct fy_shadow {
    fy_fleet *fleet;
    fy_sched *sched;
    fy_heap ends;
    fy_heap_pos pos;
    mark *marks; /* [room] by slot */
    size_t room;
    intent *intents; /* [n_intents] to be answered */
    size_t n_intents, intents_room;
    bool dirty;
    int64_t decided_us;
    fy_shadow_tally tally;
    int64_t counted_us; /* the waiting jobs are counted up to here */
};

static const mark unknown = {.factor = 1, .end_q = -1};

static mark *mark_of(fy_shadow *s, const fy_job *job)
{
    size_t before = s->room;

    s->marks = fy_grow(s->marks, &s->room, (size_t)job->slot + 1, sizeof *s->marks);
    for (size_t i = before; i < s->room; i++) {
        s->marks[i] = unknown;
    }
    return &s->marks[job->slot];
}

static fy_event about(const fy_shadow *s, fy_event_kind kind, const fy_job *job)
{
    return (fy_event){.t_us = s->fleet->now_us,
                      .kind = kind,
                      .job = job != NULL ? job->id : -1,
                      .attempt = job != NULL ? job->attempt : 0,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

static void tick(fy_shadow *s, int64_t t_us)
{
    if (t_us > s->counted_us) {
        s->tally.wait_us += (double)s->fleet->n_waiting * (double)(t_us - s->counted_us);
        s->counted_us = t_us;
    }
    if (t_us > s->fleet->now_us) {
        fy_fleet_tick(s->fleet, t_us);
    }
}

static int emit(void *ctx, const fy_event *event, fy_err *err)
{
    fy_shadow *s = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(s->fleet, event->job) : NULL;
    int status;

    tick(s, event->t_us);
    status = fy_fleet_apply(s->fleet, event, err);
    if (status != 0) {
        return status;
    }
    if (job == NULL && event->kind == FY_EV_SUBMITTED) {
        job = fy_fleet_job(s->fleet, event->job);
        *mark_of(s, job) = unknown;
    }
    fy_sched_observe(s->sched, event, job);
    if (event->kind == FY_EV_STARTING || event->kind == FY_EV_STOPPING) {
        s->intents = fy_grow(s->intents, &s->intents_room, s->n_intents + 1, sizeof *s->intents);
        s->intents[s->n_intents++] = (intent){event->job, event->attempt};
    }
    s->tally.started += event->kind == FY_EV_STARTING;
    s->tally.preempted += event->kind == FY_EV_STOPPING && fy_reason_is_policy(event->reason);
    s->dirty |= event->kind != FY_EV_ROUND;
    return 0;
}

/* ------------------------------------------------------------------ ends */

static int64_t scaled(int64_t rate_q, double factor)
{
    double rate = (double)rate_q * factor;

    return rate >= 1 ? (rate < 4e18 ? (int64_t)rate : (int64_t)4e18) : 1;
}

/* The instant at which the job's work, or as much of it as A did, will be done. */
static int64_t end_us(const fy_job *job, const mark *m)
{
    int64_t left = m->end_q - job->done_q;
    double span_us;

    if (m->end_q < 0 || (job->rec.work_q >= 0 && m->end_q >= job->rec.work_q)) {
        return fy_job_finish_us(job);
    }
    if (left <= 0 || job->rate_q <= 0) {
        return job->anchor_us;
    }
    span_us = (double)left / (double)job->rate_q * 1e6;
    return span_us < 1e17 ? job->anchor_us + (int64_t)span_us + 1 : FY_NEVER;
}

static void schedule(fy_shadow *s, const fy_job *job)
{
    int64_t at = job->state == FY_JOB_RUNNING ? end_us(job, mark_of(s, job)) : FY_NEVER;

    if (at < FY_NEVER) {
        fy_heap_set(&s->ends, &s->pos, job->slot, at, job->id);
    } else {
        fy_heap_remove(&s->ends, &s->pos, job->slot);
    }
}

static int put(fy_shadow *s, const fy_job *job, fy_event_kind kind, int64_t a, fy_err *err)
{
    fy_event event = about(s, kind, job);

    event.a = a;
    return emit(s, &event, err);
}

/* A runs it, and it takes longer than thought: as in A, its estimate doubles. */
static int outlived(fy_shadow *s, const fy_job *job, fy_err *err)
{
    const mark *m = mark_of(s, job);
    int64_t half = job->rec.work_q / 2;
    int64_t worked_us = s->fleet->now_us > m->from_us ? s->fleet->now_us - m->from_us : 1;
    double rate = (double)(job->rec.work_q - half) / (double)worked_us * 1e6;
    int status = put(s, job, FY_EV_PROGRESS, half, err);

    return status == 0 ? put(s, job, FY_EV_RATED, scaled(1, rate), err) : status;
}

static int end_one(fy_shadow *s, const fy_job *job, fy_err *err)
{
    const mark *m = mark_of(s, job);
    int status;

    fy_heap_remove(&s->ends, &s->pos, job->slot);
    if (!m->ended && m->runs_there && job->rec.work_q > 1) {
        status = outlived(s, job, err);
        schedule(s, job);
        return status;
    }
    if (m->fails) {
        s->tally.failed++;
        return put(s, job, FY_EV_FAILED, 0, err);
    }
    s->tally.finished++;
    s->tally.guessed += !m->ended;
    status = fy_job_done(job, s->fleet->now_us) < job->rec.work_q
                 ? put(s, job, FY_EV_PROGRESS, job->rec.work_q, err)
                 : 0;
    return status == 0 ? put(s, job, FY_EV_FINISHED, -1, err) : status;
}

/* ------------------------------------------------------------------ answers */

static int answer(fy_shadow *s, const fy_job *job, fy_err *err)
{
    bool start = job->state == FY_JOB_STARTING;
    fy_event event = about(s, start ? FY_EV_STARTED : FY_EV_STOPPED, job);
    mark *m = mark_of(s, job);
    int status;

    event.a = 0;
    if (start) {
        m->rate_q = fy_job_working_rate(job, job->working, job->spread);
        m->rate_q = m->rate_q > 0 ? m->rate_q : 1;
        event.a = scaled(m->rate_q, m->factor);
        event.b = job->attempt > 1 ? job->rec.restart_cost_us : 0;
    }
    status = emit(s, &event, err);
    if (status == 0 && start) {
        m->from_us = job->anchor_us;
        m->done_q = job->done_q;
    }
    if (status == 0) {
        schedule(s, job);
    }
    return status;
}

static int answer_all(fy_shadow *s, fy_err *err)
{
    int status = 0;

    for (size_t i = 0; i < s->n_intents && status == 0; i++) {
        const fy_job *job = fy_fleet_job(s->fleet, s->intents[i].job);

        if (job != NULL && job->attempt == s->intents[i].attempt &&
            (job->state == FY_JOB_STARTING || job->state == FY_JOB_STOPPING)) {
            status = answer(s, job, err);
        }
    }
    s->n_intents = 0;
    return status;
}

int fy_shadow_decide(fy_shadow *s, fy_err *err)
{
    int64_t wake_us = fy_sched_wake(s->sched);
    bool due = wake_us <= s->fleet->now_us && s->fleet->now_us >= s->decided_us + least_wake_us;
    bool again = s->dirty || due;
    int rounds = 0;

    for (; again && rounds < MOST_ROUNDS; rounds++) {
        int64_t before = s->tally.preempted;
        int status = fy_sched_round(s->sched, s->fleet->now_us, emit, s, err);

        status = status < 0 ? status : answer_all(s, err);
        if (status < 0) {
            return status;
        }
        again = s->tally.preempted > before; /* what was stopped makes room at once */
    }
    s->dirty = again;
    s->decided_us = s->fleet->now_us;
    return rounds;
}

/* ------------------------------------------------------------------ opening */

int fy_shadow_open(fy_shadow **out, const fy_fleet *fleet, const fy_sched_options *options,
                   fy_err *err)
{
    fy_shadow *s = fy_calloc(1, sizeof *s);
    int status;

    s->fleet = fy_fleet_copy(fleet);
    s->counted_us = s->fleet->now_us;
    status = fy_sched_open(&s->sched, s->fleet, options, err);
    for (size_t i = 0; status == 0 && i < s->fleet->n_slots; i++) {
        const fy_job *job = s->fleet->jobs[i];

        if (job->state == FY_JOB_STARTING || job->state == FY_JOB_STOPPING) {
            mark_of(s, job)->runs_there = job->state == FY_JOB_STARTING;
            status = answer(s, job, err);
        } else if (job->state == FY_JOB_RUNNING) {
            *mark_of(s, job) = (mark){.factor = 1,
                                      .end_q = -1,
                                      .runs_there = true,
                                      .rate_q = job->rate_q > 0 ? job->rate_q : 1,
                                      .from_us = job->anchor_us,
                                      .done_q = job->done_q};
            schedule(s, job);
        }
    }
    s->dirty = true;
    s->tally = (fy_shadow_tally){0};
    if (status != 0) {
        fy_shadow_close(s);
        return status;
    }
    *out = s;
    return 0;
}

void fy_shadow_close(fy_shadow *s)
{
    if (s != NULL) {
        fy_sched_close(s->sched);
        fy_fleet_free(s->fleet);
        fy_heap_free(&s->ends);
        fy_heap_pos_free(&s->pos);
        free(s->marks);
        free(s->intents);
        free(s);
    }
}

/* ------------------------------------------------------------------ going on */

int64_t fy_shadow_wake(const fy_shadow *s)
{
    const fy_heap_entry *top = fy_heap_top(&s->ends);
    int64_t wake_us = fy_sched_wake(s->sched), t = top != NULL ? top->key : FY_NEVER;
    int64_t soonest = s->decided_us + least_wake_us;

    if (wake_us < FY_NEVER) {
        wake_us = wake_us > soonest ? wake_us : soonest;
        t = wake_us < t ? wake_us : t;
    }
    return t;
}

int fy_shadow_run(fy_shadow *s, int64_t to_us, int *steps, fy_err *err)
{
    for (;;) {
        const fy_heap_entry *top;
        int64_t t = fy_shadow_wake(s);
        int status = 0;

        if (t > to_us) {
            tick(s, to_us);
            return 1;
        }
        if (*steps <= 0) {
            return 0;
        }
        tick(s, t);
        while (status == 0 && *steps > 0 && (top = fy_heap_top(&s->ends)) != NULL &&
               top->key <= s->fleet->now_us) {
            status = end_one(s, s->fleet->jobs[top->item], err);
            --*steps;
        }
        status = status == 0 ? fy_shadow_decide(s, err) : status;
        if (status < 0) {
            return status;
        }
        *steps -= status > 0 ? status : 1;
    }
}

/* ------------------------------------------------------------------ what A tells */

/* A knows more of the job's rate now: the attempt is counted again from its start. */
static int learn(fy_shadow *s, const fy_job *job, fy_err *err)
{
    const mark *m = mark_of(s, job);
    int64_t span_us = s->fleet->now_us - m->from_us;
    double done, most = job->rec.work_q >= 0 ? (double)job->rec.work_q : 4e18;
    int status = 0;

    if (job->state != FY_JOB_RUNNING) {
        return 0;
    }
    done = (double)m->done_q +
           (span_us > 0 ? (double)m->rate_q * m->factor / 1e6 * (double)span_us : 0);
    if (job->rec.work_q >= 0) {
        status = put(s, job, FY_EV_PROGRESS, done < most ? (int64_t)done : job->rec.work_q, err);
    }
    if (status == 0) {
        status = put(s, job, FY_EV_RATED, scaled(m->rate_q, m->factor), err);
    }
    schedule(s, job);
    return status;
}

static int learn_end(fy_shadow *s, const fy_job *job, const fy_event *event, fy_shadow_truth truth,
                     fy_err *err)
{
    mark *m = mark_of(s, job);

    m->runs_there = false;
    if (event->kind == FY_EV_FAILED && event->a == 1) {
        return 0; /* no doing of the job's */
    }
    m->ended = true;
    m->fails = event->kind == FY_EV_FAILED;
    m->end_q = m->fails ? truth.end_q : -1;
    m->factor = truth.factor > 0 ? truth.factor : m->factor;
    return learn(s, job, err);
}

static int node_down(fy_shadow *s, const fy_event *event, fy_err *err)
{
    int status = 0;

    while (status == 0 && s->fleet->nodes[event->node].holds != NULL) {
        const fy_job *job = s->fleet->jobs[s->fleet->nodes[event->node].holds->slot];

        fy_heap_remove(&s->ends, &s->pos, job->slot);
        status = put(s, job, FY_EV_FAILED, 1, err);
    }
    return status;
}

/* What happens to a node may have happened here before (the fleet drains on its own, too). */
static int node_event(fy_shadow *s, const fy_event *event, fy_err *err)
{
    const fy_node *node = &s->fleet->nodes[event->node];
    int status = 0;

    if ((event->kind == FY_EV_NODE_DOWN && !node->up) ||
        (event->kind == FY_EV_NODE_UP && node->up)) {
        return 0;
    }
    if (event->kind == FY_EV_NODE_DOWN) {
        status = node_down(s, event, err);
    }
    return status == 0 ? emit(s, event, err) : status;
}

static int job_event(fy_shadow *s, const fy_job *job, const fy_event *event, fy_shadow_truth truth,
                     fy_err *err)
{
    fy_event copy = *event;

    switch ((int)event->kind) {
    case FY_EV_STARTED:
        mark_of(s, job)->runs_there = true;
        return 0;
    case FY_EV_STOPPED:
        mark_of(s, job)->runs_there = false;
        return 0;
    case FY_EV_RATED:
        mark_of(s, job)->factor = truth.factor > 0 ? truth.factor : mark_of(s, job)->factor;
        return learn(s, job, err);
    case FY_EV_FINISHED:
    case FY_EV_FAILED:
        return learn_end(s, job, event, truth, err);
    case FY_EV_CANCELLED:
        fy_heap_remove(&s->ends, &s->pos, job->slot);
        copy.attempt = job->attempt;
        return emit(s, &copy, err);
    case FY_EV_HELD:
        return job->state == FY_JOB_WAITING ? emit(s, &copy, err) : 0;
    case FY_EV_RELEASED:
        return job->state == FY_JOB_HELD && job->n_open >= 0 ? emit(s, &copy, err) : 0;
    case FY_EV_LIMITS:
        return emit(s, &copy, err);
    case FY_EV_STOPPING:
        if (event->reason != FY_WHY_REQUEUED || job->state != FY_JOB_RUNNING) {
            return 0;
        }
        fy_heap_remove(&s->ends, &s->pos, job->slot);
        return put(s, job, FY_EV_STOPPED, 0, err);
    default:
        return 0;
    }
}

int fy_shadow_take(fy_shadow *s, const fy_event *event, fy_shadow_truth truth, fy_err *err)
{
    const fy_job *job = event->job >= 0 ? fy_fleet_job(s->fleet, event->job) : NULL;

    if (event->t_us > s->fleet->now_us) {
        tick(s, event->t_us);
    }
    switch ((int)event->kind) {
    case FY_EV_NODE_DOWN:
    case FY_EV_NODE_UP:
    case FY_EV_NODE_DRAINED:
    case FY_EV_NODE_RESUMED:
    case FY_EV_NODE_RESERVED:
        return node_event(s, event, err);
    case FY_EV_CHIP_ADDED:
    case FY_EV_NODE_ADDED:
    case FY_EV_TENANT_SET:
    case FY_EV_MIX:
    case FY_EV_SUBMITTED:
        return emit(s, event, err);
    case FY_EV_LIMITS:
        return event->job < 0 ? emit(s, event, err)
               : job != NULL  ? job_event(s, job, event, truth, err)
                              : 0;
    default:
        return job != NULL ? job_event(s, job, event, truth, err) : 0;
    }
}

/* ------------------------------------------------------------------ reading */

fy_shadow_tally fy_shadow_count(fy_shadow *s)
{
    return s->tally;
}

const fy_sched *fy_shadow_sched(const fy_shadow *s)
{
    return s->sched;
}

fy_fleet *fy_shadow_fleet(fy_shadow *s)
{
    return s->fleet;
}
