/* SPDX-License-Identifier: MIT */
/*
 * What time alone asks for: time limits, the signal before them, the end of a grace, answers that
 * are overdue, and jobs that outlive their estimate. One heap, one entry a job: its next instant.
 */
#include "daemon/ctl_state.h"

#include <math.h>

static const int64_t again_us = 5 * 1000000LL;       /* between two asks for the same thing */
static const int64_t rate_every_us = 60 * 1000000LL; /* between two observed rates of a job */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t plus(int64_t at_us, int64_t span_us)
{
    return span_us < FY_NEVER - at_us ? at_us + span_us : FY_NEVER;
}

/* The instant of the signal that the job asked for before its time limit. */
static int64_t signal_at(const fy_job *job, const fy_live *live)
{
    if (live->time_limit_us < 0 || live->signal_before_us < 0 || live->signalled) {
        return FY_NEVER;
    }
    return plus(job->start_us, live->time_limit_us > live->signal_before_us
                                   ? live->time_limit_us - live->signal_before_us
                                   : 0);
}

static int64_t limit_at(const fy_job *job, const fy_live *live)
{
    return live->time_limit_us >= 0 ? plus(job->start_us, live->time_limit_us) : FY_NEVER;
}

void ctl_schedule(fy_ctl *ctl, const fy_job *job)
{
    const fy_live *live = ctl_live(ctl, job);
    int64_t at = FY_NEVER;

    if (job->state == FY_JOB_STARTING) {
        at =
            plus(live->asked_us >= 0 ? live->asked_us : ctl->now_us, ctl->options.start_timeout_us);
        at = least(at, limit_at(job, live));
    } else if (job->state == FY_JOB_RUNNING && !live->ending) {
        at = least(limit_at(job, live), signal_at(job, live));
        at = least(at, fy_job_finish_us(job) < FY_NEVER ? fy_job_finish_us(job) + 1 : FY_NEVER);
    } else if (job->state == FY_JOB_STOPPING) {
        at = live->killed ? plus(live->asked_us, again_us) : plus(live->stop_us, live->grace_us);
    }
    if (at < FY_NEVER) {
        fy_heap_set(&ctl->due, &ctl->due_pos, job->slot, at, job->id);
    } else {
        fy_heap_remove(&ctl->due, &ctl->due_pos, job->slot);
    }
}

/* ------------------------------------------------------------------ estimates */

static int emit_job(fy_ctl *ctl, const fy_job *job, fy_event_kind kind, int64_t a, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, kind, job);

    event.a = a;
    return ctl_emit(ctl, &event, NULL, 0, err);
}

/*
 * The work should be done and is not: the job goes on, and its estimate doubles. As far as the
 * policy is to know, half of the work is done and the rest takes as long as it took so far.
 */
static int outlived(fy_ctl *ctl, fy_job *job, fy_err *err)
{
    int64_t worked_us = job->anchor_us < ctl->now_us ? ctl->now_us - job->start_us : 1;
    int64_t half = job->rec.work_q / 2 > 0 ? job->rec.work_q / 2 : 0;
    fy_wide rate = (fy_wide)(job->rec.work_q - half) * 1000000 / (worked_us > 0 ? worked_us : 1);
    int status = emit_job(ctl, job, FY_EV_PROGRESS, half, err);

    if (status == 0) {
        status = emit_job(ctl, job, FY_EV_RATED, rate > 0 ? (int64_t)rate : 1, err);
    }
    if (status == 0 && job->rec.limit_us >= 0 && ctl_live(ctl, job)->time_limit_us < 0) {
        status = emit_job(ctl, job, FY_EV_LIMITS, 2 * job->rec.limit_us, err);
    }
    return status;
}

int ctl_observed(fy_ctl *ctl, fy_job *job, double done, fy_err *err)
{
    fy_live *live = ctl_live(ctl, job);
    double most = (double)job->rec.work_q / job->rec.q_per_unit;
    int64_t span_us = ctl->now_us - live->progress_from_us;
    double rate;
    int status;

    if (job->state != FY_JOB_RUNNING || job->rec.work_q < 0 || !(done >= 0)) {
        return 0;
    }
    done = done < most ? done : most;
    live->progress = done;
    live->progress_us = ctl->now_us;
    if (isnan(live->progress_from)) { /* the first report: from here on its rate is observed */
        live->progress_from = done;
        live->progress_from_us = ctl->now_us;
        return emit_job(ctl, job, FY_EV_PROGRESS, (int64_t)(done * job->rec.q_per_unit), err);
    }
    if (span_us < rate_every_us || done <= live->progress_from) {
        return 0;
    }
    rate = (done - live->progress_from) / ((double)span_us / 1e6) * job->rec.q_per_unit;
    live->progress_from = done;
    live->progress_from_us = ctl->now_us;
    status = emit_job(ctl, job, FY_EV_PROGRESS, (int64_t)(done * job->rec.q_per_unit), err);
    if (status == 0 && rate >= 1 && rate < 4e18) {
        status = emit_job(ctl, job, FY_EV_RATED, (int64_t)rate, err);
    }
    return status;
}

/* ------------------------------------------------------------------ due */

static int stop(fy_ctl *ctl, const fy_job *job, fy_reason reason, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, FY_EV_STOPPING, job);

    event.reason = reason;
    return ctl_emit(ctl, &event, NULL, 0, err);
}

static int due_running(fy_ctl *ctl, fy_job *job, fy_live *live, fy_err *err)
{
    if (limit_at(job, live) <= ctl->now_us) {
        return stop(ctl, job, FY_WHY_TIME_LIMIT, err);
    }
    if (signal_at(job, live) <= ctl->now_us) {
        live->signalled = true;
        ctl_act(ctl, (fy_act){.kind = FY_ACT_SIGNAL,
                              .key = {job->id, job->attempt},
                              .signo = live->checkpoint_signal,
                              .script = live->signal_script});
    }
    if (fy_job_finish_us(job) < ctl->now_us) {
        return outlived(ctl, job, err);
    }
    return 0;
}

static int due(fy_ctl *ctl, fy_job *job, fy_err *err)
{
    fy_live *live = ctl_live(ctl, job);

    if (job->state == FY_JOB_RUNNING) {
        return due_running(ctl, job, live, err);
    }
    if (job->state == FY_JOB_STARTING) {
        if (limit_at(job, live) <= ctl->now_us) {
            return stop(ctl, job, FY_WHY_TIME_LIMIT, err);
        }
        live->asked_us = ctl->now_us;
        ctl_act(ctl, (fy_act){.kind = FY_ACT_START, .key = {job->id, job->attempt}});
    } else if (job->state == FY_JOB_STOPPING) {
        live->asked_us = ctl->now_us;
        live->killed = true;
        ctl_act(ctl, (fy_act){.kind = FY_ACT_STOP, .key = {job->id, job->attempt}});
    }
    return 0;
}

int ctl_take_due(fy_ctl *ctl, fy_err *err)
{
    const fy_heap_entry *top;
    int status = 0;

    while (status == 0 && (top = fy_heap_top(&ctl->due)) != NULL && top->key <= ctl->now_us) {
        fy_job *job = ctl->fleet->jobs[top->item];

        fy_heap_remove(&ctl->due, &ctl->due_pos, top->item);
        if (ctl->lives[job->slot] != NULL) {
            status = due(ctl, job, err);
            if (status == 0 && job->state != FY_JOB_GONE) {
                ctl_schedule(ctl, job);
            }
        }
    }
    return status;
}
