/* SPDX-License-Identifier: MIT */
/*
 * The simulator against another one that shares no code with it but the structs: it steps through
 * time second by second and looks at everything at each step. Strict fifo, pack, one chip, two
 * nodes of two devices, up to four gangs of one to three devices and up to three faults: the same
 * start and the same end of every job. All 124 million instances of the grid were compared once and
 * agree (FUYAO_ORACLE=all, 25 minutes); the test takes an even sample of them.
 */
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NODES = 2, DEVICES = 2, MOST_JOBS = 4, MOST_FAULTS = 3, NEVER = 1000 };

typedef struct job {
    int arrival, size, duration; /* s */
    int start, end;              /* first start and end; NEVER */
} job;

typedef struct fault {
    int node, down, up;
} fault;

typedef struct instance {
    job jobs[MOST_JOBS];
    int n_jobs;
    fault faults[MOST_FAULTS];
    int n_faults;
} instance;

/* ------------------------------------------------------------------ the other simulator */

typedef struct stepper {
    bool up[NODES];
    int idle[NODES];
    int on[MOST_JOBS][NODES]; /* devices held */
    int left[MOST_JOBS];      /* seconds of work */
    bool runs[MOST_JOBS], ended[MOST_JOBS];
} stepper;

static void give_back(stepper *s, int j)
{
    for (int n = 0; n < NODES; n++) {
        s->idle[n] += s->on[j][n];
        s->on[j][n] = 0;
    }
    s->runs[j] = false;
}

/* The fullest node that takes the whole gang, else all of the emptier node and the rest. */
static bool place(stepper *s, int j, int size)
{
    int room[NODES];
    int best = -1;

    for (int n = 0; n < NODES; n++) {
        room[n] = s->up[n] ? s->idle[n] : 0;
        if (room[n] >= size && (best < 0 || room[n] < room[best])) {
            best = n;
        }
    }
    if (best >= 0) {
        s->on[j][best] = size;
    } else if (room[0] + room[1] >= size) {
        int most = room[1] > room[0];

        s->on[j][most] = room[most];
        s->on[j][!most] = size - room[most];
    } else {
        return false;
    }
    s->idle[0] -= s->on[j][0];
    s->idle[1] -= s->on[j][1];
    s->runs[j] = true;
    return true;
}

static void strike(stepper *s, const instance *in, int t)
{
    for (int f = 0; f < in->n_faults; f++) {
        const fault *it = &in->faults[f];

        if (it->up == t) {
            s->up[it->node] = true;
        }
        if (it->down == t && s->up[it->node]) {
            s->up[it->node] = false;
            for (int j = 0; j < in->n_jobs; j++) {
                if (s->on[j][it->node] > 0) {
                    give_back(s, j); /* its work so far is kept: costs none */
                }
            }
        }
    }
}

static void step_through(instance *in)
{
    stepper s = {.up = {true, true}, .idle = {DEVICES, DEVICES}};

    for (int j = 0; j < in->n_jobs; j++) {
        s.left[j] = in->jobs[j].duration;
        in->jobs[j].start = in->jobs[j].end = NEVER;
    }
    for (int t = 0; t < 40; t++) {
        bool blocked = false;

        for (int j = 0; j < in->n_jobs; j++) {
            if (s.runs[j] && --s.left[j] == 0) {
                in->jobs[j].end = t;
                s.ended[j] = true;
                give_back(&s, j);
            }
        }
        strike(&s, in, t);
        for (int j = 0; j < in->n_jobs && !blocked; j++) {
            if (in->jobs[j].arrival <= t && !s.ended[j] && !s.runs[j]) {
                blocked = !place(&s, j, in->jobs[j].size);
                if (!blocked && in->jobs[j].start == NEVER) {
                    in->jobs[j].start = t;
                }
            }
        }
    }
}

/* ------------------------------------------------------------------ ours */

typedef struct seen {
    int start[MOST_JOBS], end[MOST_JOBS];
} seen;

static void note(void *ctx, const fy_sim_job *done)
{
    seen *out = ctx;
    int j = done->name[1] - '0';

    out->start[j] = (int)(done->start_us / HAND_US);
    out->end[j] = (int)(done->end_us / HAND_US);
    assert_true(done->start_us % HAND_US == 0 && done->end_us % HAND_US == 0);
}

static void simulate(const hand_site *site, const instance *in, seen *out)
{
    static const char *const nodes[NODES] = {"p0-0000", "p0-0001"};
    static hand_jobs jobs;
    fy_happening happenings[2 * MOST_FAULTS];
    fy_sim_options o = fy_sim_options_default(&site->site);
    fy_sim_result *result = NULL;
    fy_err err = {0};

    jobs.n = 0;
    for (int j = 0; j < in->n_jobs; j++) {
        (void)hand_job(&jobs, in->jobs[j].arrival, in->jobs[j].size, in->jobs[j].duration);
    }
    for (int f = 0; f < in->n_faults; f++) {
        const fault *it = &in->faults[f];

        happenings[2 * f] =
            (fy_happening){.t_us = it->up * HAND_US, .kind = FY_HAPPEN_UP, .name = nodes[it->node]};
        happenings[2 * f + 1] = (fy_happening){
            .t_us = it->down * HAND_US, .kind = FY_HAPPEN_DOWN, .name = nodes[it->node]};
    }
    o.source = hand_source(&jobs);
    o.happenings = happenings;
    o.n_happenings = 2 * in->n_faults;
    o.job_done = note;
    o.job_done_ctx = out;
    if (fy_sim_run(&result, &o, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(result->finished, in->n_jobs);
    fy_sim_result_free(result);
}

static int compared;

static void compare(const hand_site *site, instance *in)
{
    seen ours = {0};

    step_through(in);
    simulate(site, in, &ours);
    compared++;
    for (int j = 0; j < in->n_jobs; j++) {
        const job *it = &in->jobs[j];

        if (ours.start[j] != it->start || ours.end[j] != it->end) {
            for (int k = 0; k < in->n_jobs; k++) {
                print_error("job %d: arrives %d, %d devices, %d s\n", k, in->jobs[k].arrival,
                            in->jobs[k].size, in->jobs[k].duration);
            }
            for (int f = 0; f < in->n_faults; f++) {
                print_error("node %d down %d .. %d\n", in->faults[f].node, in->faults[f].down,
                            in->faults[f].up);
            }
            fail_msg("job %d runs %d .. %d s; step by step %d .. %d s", j, ours.start[j],
                     ours.end[j], it->start, it->end);
        }
    }
}

/* ------------------------------------------------------------------ the grid */

/* Every list of `n` jobs from job `j` on: arrivals in order, the first at 0. */
static void every_job(const hand_site *site, instance *in, int j, int n, int stride)
{
    static int count;

    if (j == n) {
        in->n_jobs = n;
        if (count++ % stride == 0) {
            compare(site, in);
        }
        return;
    }
    for (int arrival = j > 0 ? in->jobs[j - 1].arrival : 0; arrival <= (j > 0 ? 2 : 0); arrival++) {
        for (int size = 1; size <= 3; size++) {
            for (int duration = 1; duration <= 3; duration++) {
                in->jobs[j] = (job){.arrival = arrival, .size = size, .duration = duration};
                every_job(site, in, j + 1, n, stride);
            }
        }
    }
}

/* Every set of `n` faults from fault `f` on, each numbered no lower than the one before. */
static void every_fault(const hand_site *site, instance *in, int f, int n, int from, int jobs,
                        int stride)
{
    if (f == n) {
        in->n_faults = n;
        every_job(site, in, 0, jobs, stride);
        return;
    }
    for (int k = from; k < 20; k++) {
        int down = k / 2 % 5;

        in->faults[f] = (fault){.node = k % 2, .down = down, .up = down + 1 + k / 10};
        every_fault(site, in, f + 1, n, k, jobs, stride);
    }
}

static void sims_agree_on_every_instance(void **state)
{
    static const struct {
        int jobs, faults, stride; /* one instance of `stride` is compared */
    } grid[] = {
        {1, 0, 1},  {2, 0, 1},   {3, 0, 1},    {4, 0, 31},    {1, 1, 1},   {2, 1, 3},
        {3, 1, 31}, {4, 1, 499}, {1, 2, 1},    {2, 2, 31},    {3, 2, 499}, {4, 2, 4999},
        {1, 3, 7},  {2, 3, 97},  {3, 3, 1999}, {4, 3, 39989},
    };
    const char *which = getenv("FUYAO_ORACLE");
    bool all = which != NULL && strcmp(which, "all") == 0;
    hand_site site;

    (void)state;
    hand_site_init(&site, 1);
    (void)hand_pool(&site, 0, NODES, DEVICES);
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) {
        instance in = {0};

        every_fault(&site, &in, 0, grid[i].faults, 0, grid[i].jobs, all ? 1 : grid[i].stride);
    }
    print_message("# %d instances compared\n", compared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sims_agree_on_every_instance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
