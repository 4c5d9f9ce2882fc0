/* SPDX-License-Identifier: MIT */
/*
 * Small steps for tests of the controller by hand: a job, a submission that must be taken, time
 * that goes on turn by turn as the loop lets it, and questions about a job.
 */
#ifndef FUYAO_TESTS_LIVE_DRIVE_H
#define FUYAO_TESTS_LIVE_DRIVE_H

#include "live/prove.h"

#include <string.h>

static const char *const drive_argv[] = {"/bin/true"};

/* A centre with this policy and engine, open. */
static inline void drive_begin(centre *c, const char *policy, const fy_fake_options *engine)
{
    centre_init(c, policy, engine);
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
}

/* One worker with one device for so many seconds. */
static inline fy_submission drive_job(int64_t seconds)
{
    fy_submission job = fy_submission_default();

    job.args = drive_argv;
    job.n_args = 1;
    job.workdir = "/tmp";
    job.estimate_us = seconds * HAND_US;
    return job;
}

static inline int64_t drive_submit(centre *c, int tenant, const fy_submission *job)
{
    int64_t first = -1;
    int count;
    bool again;

    if (fy_ctl_submit(c->ctl, &tenants[tenant], job, &first, &count, &again, &c->err) != 0) {
        fail_msg("%s", c->err.text);
    }
    return first;
}

/* Time goes on to `t_us`, with a turn wherever one is due. */
static inline void drive_to(centre *c, int64_t t_us)
{
    for (int i = 0;; i++) {
        int64_t next = fy_fake_next(c->fake), wake = fy_ctl_wake(c->ctl);

        next = wake < next ? wake : next;
        next = next <= c->now_us ? c->now_us + 1 : next;
        next = next < t_us ? next : t_us;
        if (centre_turn(c, next) != 0) {
            fail_msg("%s", c->err.text);
        }
        if (next >= t_us && fy_ctl_wake(c->ctl) > c->now_us) {
            return;
        }
        t_us = next >= t_us ? c->now_us + 1 : t_us; /* decided at the last instant: one more */
        assert_true(i < 2000000);
    }
}

static inline void drive_for(centre *c, int64_t seconds)
{
    drive_to(c, c->now_us + seconds * HAND_US);
}

/* Until all jobs are over, at most so many seconds. */
static inline void drive_out(centre *c, int64_t seconds)
{
    int64_t until_us = c->now_us + seconds * HAND_US;

    while (fy_ctl_fleet(c->ctl)->n_live > 0) {
        if (c->now_us >= until_us) {
            fail_msg("after %lld s jobs are left: %s", (long long)seconds, left_over(c));
        }
        drive_for(c, 10);
    }
}

static inline void drive_restart(centre *c)
{
    centre_kill(c);
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
}

static inline fy_job_state drive_state(const centre *c, int64_t id)
{
    const fy_job *job = fy_fleet_job(fy_ctl_fleet(c->ctl), id);

    return job != NULL ? job->state : FY_JOB_GONE;
}

/* The job's full object holds this text. */
static inline bool drive_says(centre *c, int64_t id, const char *part)
{
    fy_str text = {0};
    bool found = fy_ctl_view_job(c->ctl, &centre_root, id, &text, &c->err) == 0 &&
                 strstr(text.text, part) != NULL;

    fy_str_free(&text);
    return found;
}

static inline void drive_expect(centre *c, int64_t id, const char *part)
{
    fy_str text = {0};

    if (!drive_says(c, id, part)) {
        (void)!fy_ctl_view_job(c->ctl, &centre_root, id, &text, &c->err);
        fail_msg("job %lld: no %s in %s", (long long)id, part, text.text);
    }
}

/* Attempts that were asked of the engine and truly began, of one job. */
static inline int drive_began(const centre *c, int64_t id)
{
    int n = 0;

    for (size_t i = 0; i < fy_fake_marks(c->fake); i++) {
        fy_fake_mark mark = fy_fake_mark_get(c->fake, i);

        n += mark.key.job == id && mark.began_us >= 0;
    }
    return n;
}

/* All that the history says is in order; then the end. */
static inline void drive_end(centre *c)
{
    tally *none = fy_calloc(1, sizeof *none);

    if (fy_ctl_ticket(c->ctl) != fy_ctl_committed(c->ctl)) {
        drive_to(c, c->now_us + 1);
    }
    prove_all(c, none);
    free(none);
    centre_free(c);
}

#endif
