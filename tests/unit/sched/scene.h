/* SPDX-License-Identifier: MIT */
/*
 * A scene for a policy: a small fleet, a few jobs, one run; then when and where each job ran.
 * Instants are seconds; jobs have the numbers in which they were added.
 */
#ifndef FUYAO_TESTS_SCENE_H
#define FUYAO_TESTS_SCENE_H

#include "base/rng.h"
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SCENE_NODES = 8, SCENE_SETTINGS = 4 };

typedef struct scene_row {
    double start_s, end_s, wait_s; /* start: first; -1 = never */
    int preemptions, failures;
    char chip[16], state[16], reason[120];
    int first_node;           /* of the last attempt */
    int workers[SCENE_NODES]; /* of the last attempt, by node */
} scene_row;

typedef struct scene {
    hand_site hand;
    hand_jobs jobs;
    fy_sim_options options;
    fy_setting settings[SCENE_SETTINGS];
    scene_row rows[HAND_MAX_JOBS];
    double mean_s; /* mean completion time */
    int64_t rounds;
    double allocated; /* of the whole run */
    int moved_to;     /* workers in the last moved event */
} scene;

/* `nodes` nodes of `devices` devices of chip 0; limits are the true run times. */
static inline void scene_init(scene *s, int chips, int nodes, int devices)
{
    hand_site_init(&s->hand, chips);
    for (int c = 0; c < chips; c++) {
        hand_pool(&s->hand, c, nodes, devices);
    }
    s->jobs.n = 0;
    s->options = fy_sim_options_default(&s->hand.site);
    s->options.limits = FY_LIMITS_EXACT;
    s->options.sched = (fy_sched_options){.settings = s->settings, .seed = 1};
}

/* One worker with `devices` devices. */
static inline fy_job_spec *scene_job(scene *s, double submit_s, int devices, double work_s)
{
    fy_job_spec *job = hand_job(&s->jobs, submit_s, 1, work_s);

    job->devices = devices;
    return job;
}

static inline void scene_set(scene *s, const char *key, const char *value)
{
    assert_true(s->options.sched.n_settings < SCENE_SETTINGS);
    s->settings[s->options.sched.n_settings++] = (fy_setting){key, value};
}

static inline int scene_event(void *ctx, const fy_event *event, fy_err *err)
{
    scene *s = ctx;

    (void)err;
    if (event->kind == FY_EV_STARTING) {
        scene_row *row = &s->rows[event->job];

        memset(row->workers, 0, sizeof row->workers);
        row->first_node = event->place->chunks[0].node;
        for (int c = 0; c < event->place->n_chunks; c++) {
            assert_true(event->place->chunks[c].node < SCENE_NODES);
            row->workers[event->place->chunks[c].node] = event->place->chunks[c].workers;
        }
    }
    if (event->kind == FY_EV_MOVED) {
        s->moved_to = event->place->workers;
    }
    return 0;
}

static inline void scene_done(void *ctx, const fy_sim_job *job)
{
    scene *s = ctx;
    scene_row *row = &s->rows[atoi(job->name + 1)];

    row->start_s = job->start_us < 0 ? -1 : (double)job->start_us / HAND_US;
    row->end_s = (double)job->end_us / HAND_US;
    row->wait_s = (double)job->wait_us / HAND_US;
    row->preemptions = job->preemptions;
    row->failures = job->failures;
    (void)snprintf(row->chip, sizeof row->chip, "%s", job->chip != NULL ? job->chip : "");
    (void)snprintf(row->state, sizeof row->state, "%s", job->state);
    (void)snprintf(row->reason, sizeof row->reason, "%s", job->reason != NULL ? job->reason : "");
}

static inline void scene_run(scene *s, const char *policy)
{
    fy_sim_result *result = NULL;
    fy_err err = {0};

    s->options.sched.policy = policy;
    s->options.source = hand_source(&s->jobs);
    s->options.journal = scene_event;
    s->options.job_done = scene_done;
    s->options.journal_ctx = s->options.job_done_ctx = s;
    if (fy_sim_run(&result, &s->options, &err) != 0) {
        fail_msg("%s: %s", policy, err.text);
    }
    s->mean_s = result->jct_s.mean;
    s->rounds = result->rounds;
    s->allocated = result->allocated;
    fy_sim_result_free(result);
}

/* Within two microseconds: what limits and rates are rounded by. */
static inline void scene_near(double got, double want, const char *what, int job)
{
    if (!(got > want - 2e-6 && got < want + 2e-6)) {
        fail_msg("%s of job %d: %.6f, not %.6f", what, job, got, want);
    }
}

static inline void scene_ran(const scene *s, int job, double start_s, double end_s)
{
    scene_near(s->rows[job].start_s, start_s, "start", job);
    scene_near(s->rows[job].end_s, end_s, "end", job);
}

static inline void scene_waits(const scene *s, int job, fy_reason reason)
{
    assert_string_equal(s->rows[job].state, "waiting");
    assert_string_equal(s->rows[job].reason, fy_reason_text(reason));
}

#endif
