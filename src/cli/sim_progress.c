/* SPDX-License-Identifier: MIT */
/* One line on a terminal: how many jobs are done, how fast, how long it will take. Else nothing. */
#include "cli/sim.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    bool on;
    int64_t total; /* jobs of all runs; 0 = unknown */
    double begun_s;
    _Atomic int64_t done;    /* of all runs */
    _Atomic int64_t next_us; /* when to print again */
} progress;

static double wall_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void sim_progress_begin(const sim_plan *plan)
{
    progress.on = isatty(STDERR_FILENO) == 1;
    progress.begun_s = wall_s();
    if (plan->input->whole) {
        progress.total = (int64_t)plan->input->n_jobs * plan->n_runs;
    }
    atomic_store(&progress.next_us, (int64_t)(progress.begun_s * 1e6) + 500000);
}

static void print_line(double now_s)
{
    double done = (double)atomic_load(&progress.done);
    double took_s = now_s - progress.begun_s;
    double left = (double)progress.total - done;

    fprintf(stderr, "\r%.0f jobs, %.0f a second", done, done / took_s);
    if (left > 0 && done > 0) {
        fprintf(stderr, ", %.0f s left", left / (done / took_s));
    }
    fputs("\033[K", stderr);
}

void sim_progress_note(void *ctx, int64_t done, int64_t now_us)
{
    sim_run *run = ctx;
    double now_s;
    int64_t due_us;

    (void)now_us;
    if (!progress.on) {
        return;
    }
    atomic_fetch_add(&progress.done, done - run->noted);
    run->noted = done;
    now_s = wall_s();
    due_us = atomic_load(&progress.next_us);
    if (now_s * 1e6 >= (double)due_us &&
        atomic_compare_exchange_strong(&progress.next_us, &due_us,
                                       (int64_t)(now_s * 1e6) + 200000)) {
        print_line(now_s);
    }
}

void sim_progress_end(void)
{
    if (progress.on) {
        fputs("\r\033[K", stderr);
    }
}
