/* SPDX-License-Identifier: MIT */
/*
 * The simulator against theory (M/M/1 and M/M/c: mean wait within three standard errors of Erlang's
 * formula) and against schedules worked out by hand.
 */
#include "base/rng.h"
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ------------------------------------------------------------------ queues */

enum { BATCHES = 30, WARM_UP = 2000 };

typedef struct queue {
    fy_rng rng;
    double rate, service_s, now_s;
    int n, made, counted;
    fy_accept accept;
    double wait_s[BATCHES]; /* sums */
} queue;

static int next_customer(void *ctx, fy_job_spec *job, fy_err *err)
{
    queue *q = ctx;

    (void)err;
    if (q->made++ == q->n) {
        return 0;
    }
    q->now_s += fy_rng_exponential(&q->rng, 1 / q->rate);
    *job = fy_job_spec_default();
    job->submit_us = (int64_t)(q->now_s * HAND_US);
    job->accept = &q->accept;
    job->n_accept = 1;
    job->work = fy_rng_exponential(&q->rng, q->service_s);
    job->work_is_time = true;
    return 1;
}

static void count_customer(void *ctx, const fy_sim_job *job)
{
    queue *q = ctx;
    int i = q->counted++ - WARM_UP;

    if (i >= 0) {
        q->wait_s[(int64_t)i * BATCHES / (q->n - WARM_UP)] += (double)job->wait_us / HAND_US;
    }
}

/* Erlang's C formula: mean wait before service with load a = rate x service on c servers. */
static double erlang_wait_s(double rate, double service_s, int c)
{
    double a = rate * service_s;
    double term = 1; /* a^k / k! */
    double sum = 0;
    double busy;

    for (int k = 0; k < c; k++) {
        sum += term;
        term *= a / (k + 1);
    }
    busy = term * c / (c - a);
    return busy / (sum + busy) * service_s / (c - a);
}

static void run_queue(double load, int servers, int n, uint64_t seed)
{
    queue q = {.rng = fy_rng_seed(seed), .rate = load * servers / 10, .service_s = 10, .n = n};
    hand_site site;
    fy_sim_options o;
    fy_sim_result *result;
    fy_err err = {0};
    double mean = 0;
    double var = 0;
    double theory = erlang_wait_s(q.rate, q.service_s, servers);
    double each = (double)(n - WARM_UP) / BATCHES;

    hand_site_init(&site, 1);
    (void)hand_pool(&site, 0, 1, servers);
    q.accept = (fy_accept){.chip = 0, .rate = 1, .rate_spread = 1};
    o = fy_sim_options_default(&site.site);
    o.source = (fy_source){next_customer, &q};
    o.job_done = count_customer;
    o.job_done_ctx = &q;
    assert_int_equal(fy_sim_run(&result, &o, &err), 0);
    assert_int_equal(result->finished, n);
    assert_true(fabs(result->utilization - load) < 0.03);
    fy_sim_result_free(result);
    for (int b = 0; b < BATCHES; b++) {
        mean += q.wait_s[b] / each / BATCHES;
    }
    for (int b = 0; b < BATCHES; b++) {
        double off = q.wait_s[b] / each - mean;

        var += off * off / (BATCHES - 1);
    }
    if (fabs(mean - theory) > 3 * sqrt(var / BATCHES)) {
        fail_msg("load %g on %d: mean wait %g s, theory %g s, standard error %g s", load, servers,
                 mean, theory, sqrt(var / BATCHES));
    }
}

static void one_server_waits_as_theory_says(void **state)
{
    (void)state;
    assert_true(fabs(erlang_wait_s(0.05, 10, 1) - 10) < 1e-9); /* rho / (mu - lambda) */
    run_queue(0.3, 1, 20000, 1);
    run_queue(0.5, 1, 20000, 2);
    run_queue(0.8, 1, 40000, 3);
}

static void several_servers_wait_as_theory_says(void **state)
{
    (void)state;
    run_queue(0.5, 2, 20000, 4);
    run_queue(0.8, 4, 30000, 5);
    run_queue(0.9, 8, 40000, 6);
}

/* ------------------------------------------------------------------ by hand */

typedef struct schedule {
    hand_site site;
    hand_jobs jobs;
    fy_sim_options o;
    fy_happening happenings[4];
    fy_sim_result *result;
    double start_s[16], end_s[16], lost_s[16];
    char state[16][16];
} schedule;

static void note_job(void *ctx, const fy_sim_job *job)
{
    schedule *s = ctx;
    int i = (int)strtol(job->name + 1, NULL, 10);

    s->start_s[i] = (double)job->start_us / HAND_US;
    s->end_s[i] = (double)job->end_us / HAND_US;
    s->lost_s[i] = job->lost_device_s;
    (void)snprintf(s->state[i], sizeof s->state[i], "%s", job->state);
}

static schedule *begin(int chips)
{
    static schedule s;

    s = (schedule){0};
    hand_site_init(&s.site, chips);
    s.o = fy_sim_options_default(&s.site.site);
    s.o.happenings = s.happenings;
    return &s;
}

static void happens(schedule *s, double t_s, fy_happening_kind kind, const char *name)
{
    s->happenings[s->o.n_happenings++] =
        (fy_happening){.t_us = (int64_t)(t_s * HAND_US), .kind = kind, .name = name, .count = 1};
}

static void go(schedule *s, const char *policy)
{
    fy_err err = {0};

    s->o.source = hand_source(&s->jobs);
    s->o.sched.policy = policy;
    s->o.job_done = note_job;
    s->o.job_done_ctx = s;
    fy_sim_result_free(s->result);
    if (fy_sim_run(&s->result, &s->o, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void runs(const schedule *s, int job, double start_s, double end_s)
{
    if (s->start_s[job] != start_s || s->end_s[job] != end_s) {
        fail_msg("job %d runs %.6f .. %.6f s, by hand %.6f .. %.6f s", job, s->start_s[job],
                 s->end_s[job], start_s, end_s);
    }
}

static void near(double value, double expected)
{
    if (fabs(value - expected) > 1e-9 * (1 + fabs(expected))) {
        fail_msg("%.12g, by hand %.12g", value, expected);
    }
}

/* 10 s and 5 s of work on one device at once: completion 10 and 15 s, wait 0 and 10 s. */
static void two_jobs_on_one_device(void **state)
{
    schedule *s = begin(1);

    (void)state;
    (void)hand_pool(&s->site, 0, 1, 1);
    (void)hand_job(&s->jobs, 0, 1, 10);
    (void)hand_job(&s->jobs, 0, 1, 5);
    go(s, "fifo");
    runs(s, 0, 0, 10);
    runs(s, 1, 10, 15);
    near(s->result->jct_s.mean, 12.5);
    near(s->result->wait_s.mean, 5);
    near(s->result->jct_s.p50, 10);
    near(s->result->jct_s.p90, 15);
    near(s->result->makespan_s, 15);
    near(s->result->utilization, 1);
    near(s->result->allocated, 1);
    near(s->result->energy_kwh.mid, 1.4 * 15 / 3600); /* 1 kW and 400 W */
    near(s->result->peak_kw.high, 1.4);
    fy_sim_result_free(s->result);
}

/* The gang of two at 1 s waits for j0; strict fifo holds j2 up, backfill lets it by. */
static void nothing_overtakes_in_fifo(void **state)
{
    schedule *s = begin(1);

    (void)state;
    (void)hand_pool(&s->site, 0, 1, 2);
    (void)hand_job(&s->jobs, 0, 1, 10);
    (void)hand_job(&s->jobs, 1, 2, 5);
    (void)hand_job(&s->jobs, 2, 1, 1);
    (void)hand_job(&s->jobs, 2, 1, 9);
    s->o.limits = FY_LIMITS_EXACT;
    go(s, "fifo");
    runs(s, 0, 0, 10);
    runs(s, 1, 10, 15);
    runs(s, 2, 15, 16);
    runs(s, 3, 15, 24);
    go(s, "backfill");
    runs(s, 1, 10, 15); /* not delayed */
    runs(s, 2, 2, 3);
    runs(s, 3, 15, 24); /* 3 + 9 s would reach past 10 s */
    fy_sim_result_free(s->result);
}

/* The shortest remaining first: 10 s at 0, 2 s at 1 s; nothing is lost. */
static void srtf_lets_the_shorter_one_in(void **state)
{
    schedule *s = begin(1);

    (void)state;
    (void)hand_pool(&s->site, 0, 1, 1);
    (void)hand_job(&s->jobs, 0, 1, 10);
    (void)hand_job(&s->jobs, 1, 1, 2);
    go(s, "srtf");
    runs(s, 0, 0, 12);
    runs(s, 1, 1, 3);
    assert_int_equal(s->result->preemptions, 1);
    fy_sim_result_free(s->result);
}

/*
 * 100 s of work, a checkpoint every 30 s, 10 s to restart. The node is down from 50 to 60 s: of 50
 * s done 30 are saved; work goes on at 70 s and the other 70 s end at 140 s.
 */
static void a_failure_costs_what_was_not_saved(void **state)
{
    schedule *s = begin(1);
    fy_job_spec *job;

    (void)state;
    (void)hand_pool(&s->site, 0, 1, 2);
    job = hand_job(&s->jobs, 0, 2, 100);
    job->checkpoint_interval_us = 30 * HAND_US;
    job->restart_cost_us = 10 * HAND_US;
    s->o.costs = FY_COSTS_TRACE;
    happens(s, 50, FY_HAPPEN_DOWN, "p0-0000");
    happens(s, 60, FY_HAPPEN_UP, "p0-0000");
    go(s, "fifo");
    runs(s, 0, 0, 140);
    near(s->lost_s[0], 40);                    /* 20 s on two devices */
    near(s->result->allocated, 260.0 / 280);   /* all but the outage */
    near(s->result->utilization, 200.0 / 260); /* of what was up: 2 x 100 s */
    near(s->result->lost_work_device_s, 40);
    fy_sim_result_free(s->result);
}

/* Two workers and a spare on three nodes: at 10 s one node is lost, 5 s later the two go on. */
static void a_spare_takes_over(void **state)
{
    schedule *s = begin(1);
    fy_job_spec *job;

    (void)state;
    (void)hand_pool(&s->site, 0, 3, 1);
    job = hand_job(&s->jobs, 0, 2, 20);
    job->spares = 1;
    job->checkpoint_interval_us = 0;
    job->restart_cost_us = 5 * HAND_US;
    s->o.costs = FY_COSTS_TRACE;
    happens(s, 10, FY_HAPPEN_DOWN, "p0-0001");
    go(s, "fifo");
    runs(s, 0, 0, 25);
    near(s->result->lost_work_device_s, 0);
    fy_sim_result_free(s->result);
}

/* j1 waits for j0; j2 waits for j3, which fails at its limit of 5 s: j2 never runs. */
static void dependencies_and_limits(void **state)
{
    schedule *s = begin(1);
    fy_job_spec *job;

    (void)state;
    (void)hand_pool(&s->site, 0, 1, 4);
    (void)hand_job(&s->jobs, 0, 1, 10);
    job = hand_job(&s->jobs, 0, 1, 5);
    job->n_after = 1;
    s->jobs.after[1][0] = 0;
    job = hand_job(&s->jobs, 0, 1, 10);
    job->limit_us = 5 * HAND_US;
    job = hand_job(&s->jobs, 0, 1, 1);
    job->n_after = 1;
    s->jobs.after[3][0] = 2;
    go(s, "fifo");
    runs(s, 0, 0, 10);
    runs(s, 1, 10, 15);
    runs(s, 2, 0, 5);
    assert_string_equal(s->state[2], "failed");
    assert_string_equal(s->state[3], "held");
    assert_int_equal(s->result->unfinished, 1);
    fy_sim_result_free(s->result);
}

/* 12 units at 3 a second on chip b, 2 on chip a, 1.5 spread: b first, then a, whole and spread. */
static void rates_by_chip_and_spread(void **state)
{
    schedule *s = begin(2);

    (void)state;
    (void)hand_pool(&s->site, 0, 2, 2);
    (void)hand_pool(&s->site, 1, 1, 2);
    for (int j = 0; j < 3; j++) {
        fy_job_spec *job = hand_job(&s->jobs, 0, 2, 12);

        s->jobs.accept[j][0] = (fy_accept){.chip = 1, .rate = 3, .rate_spread = 3};
        s->jobs.accept[j][1] = (fy_accept){.chip = 0, .rate = 2, .rate_spread = 1.5};
        job->n_accept = 2;
    }
    go(s, "fifo");
    runs(s, 0, 0, 4);
    runs(s, 1, 0, 6);
    runs(s, 2, 0, 6);
    s->o.sched.placement = "spread";
    go(s, "fifo");
    runs(s, 0, 0, 4);
    runs(s, 1, 0, 8);
    runs(s, 2, 0, 8);
    fy_sim_result_free(s->result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_waits_as_theory_says),
        cmocka_unit_test(several_servers_wait_as_theory_says),
        cmocka_unit_test(two_jobs_on_one_device),
        cmocka_unit_test(nothing_overtakes_in_fifo),
        cmocka_unit_test(srtf_lets_the_shorter_one_in),
        cmocka_unit_test(a_failure_costs_what_was_not_saved),
        cmocka_unit_test(a_spare_takes_over),
        cmocka_unit_test(dependencies_and_limits),
        cmocka_unit_test(rates_by_chip_and_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
