/* SPDX-License-Identifier: MIT */
/*
 * bench-round DATA: how long a scheduling pass takes with 10,000 jobs queued on the 10,412 devices
 * of data/fleets/alibaba-2026.yaml. Everything is in this process: a pass is fy_sched_round with
 * each decision applied to the fleet and shown to the policy; journal and engine are not in it.
 * Prints one JSON object a policy, milliseconds of processor time:
 *
 *   idle      10,000 jobs queued, all devices idle: the pass that fills the fleet
 *   full      all devices held, 10,000 queued, the policy just opened and a period later: it
 *             considers everything anew
 *   step      the same fleet, one job ended or one came since the last pass: median, p99
 *   explain   one of the queued jobs: median, most
 */
#include "base/arena.h"
#include "base/rng.h"
#include "fleet/quanta.h"
#include "fleet/state.h"
#include "fuyao/explain.h"
#include "fuyao/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUED = 10000, STEPS = 2000, ASKS = 25, TENANTS = 8, LISTS = 12 };

static const int64_t second_us = 1000000;

typedef struct bench {
    fy_fleet *fleet;
    fy_sched *sched;
    fy_rng rng;
    int64_t now_us;
    int64_t next_id;
} bench;

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void must(int status, const fy_err *err)
{
    if (status < 0) {
        (void)fprintf(stderr, "bench-round: %s\n", err->text);
        exit(3);
    }
}

static int take(void *ctx, const fy_event *event, fy_err *err)
{
    bench *b = ctx;
    const fy_job *job = event->job >= 0 ? fy_fleet_job(b->fleet, event->job) : NULL;
    int status = fy_fleet_apply(b->fleet, event, err);

    if (status != 0) {
        return status;
    }
    job = job == NULL && event->job >= 0 ? fy_fleet_job(b->fleet, event->job) : job;
    if (b->sched != NULL) {
        fy_sched_observe(b->sched, event, job);
    }
    return 0;
}

static fy_event about(const bench *b, fy_event_kind kind, const fy_job *job)
{
    return (fy_event){.t_us = b->now_us,
                      .kind = kind,
                      .job = job != NULL ? job->id : -1,
                      .attempt = job != NULL ? job->attempt : 0,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

static void emit(bench *b, fy_event event)
{
    fy_err err = {0};

    must(take(b, &event, &err), &err);
}

/* ------------------------------------------------------------------ who asks for what */

/* As published for such centres: most ask for one device, few for more than a node. */
static void shape(bench *b, fy_job_record *rec)
{
    static const struct {
        int share, workers, devices;
    } shapes[] = {{60, 1, 1}, {12, 1, 2}, {10, 1, 4}, {12, 1, 8}, {4, 2, 8}, {2, 8, 8}};
    int at = (int)fy_rng_below(&b->rng, 100);
    int i = 0;

    while (at >= shapes[i].share) {
        at -= shapes[i++].share;
    }
    rec->workers = rec->min_workers = rec->max_workers = shapes[i].workers;
    rec->devices = shapes[i].devices;
}

/* One of LISTS fixed lists of chips; the rates are the job's own. */
static int rates(bench *b, double q, fy_rate *out)
{
    fy_rng list = fy_rng_seed(1 + fy_rng_below(&b->rng, LISTS));
    int want = 1 + (int)fy_rng_below(&list, (uint64_t)b->fleet->n_chips);
    int n = 0;

    for (int c = 0; c < b->fleet->n_chips; c++) {
        if ((int)fy_rng_below(&list, (uint64_t)(b->fleet->n_chips - c)) < want - n) {
            double rate = 0.5 + fy_rng_unit(&b->rng) * 2;

            out[n++] = (fy_rate){.chip = c,
                                 .grade = FY_GRADE_MEASURED,
                                 .rate_q = fy_quanta(rate, q),
                                 .spread_q = fy_quanta(rate * 0.9, q)};
        }
    }
    fy_rates_sort(out, n);
    return n;
}

static void submit(bench *b)
{
    fy_job_spec spec = fy_job_spec_default();
    fy_rate list[FY_MAX_CHIPS];
    fy_accept accept = {.rate = 1, .rate_spread = 1};
    fy_event event = about(b, FY_EV_SUBMITTED, NULL);
    fy_job_record rec = {.name = "bench",
                         .tenant = (int)fy_rng_below(&b->rng, TENANTS),
                         .priority = fy_rng_below(&b->rng, 5) == 0 ? FY_SPOT : FY_NORMAL,
                         .array_of = -1,
                         .checkpoint_interval_us = 600 * second_us,
                         .limit_us = -1,
                         .deadline_us = -1,
                         .rates = list};
    double q;

    shape(b, &rec);
    spec.n_accept = 1;
    spec.accept = &accept;
    spec.workers = rec.workers;
    spec.work = 600 + fy_rng_unit(&b->rng) * 100000;
    q = fy_quanta_per_unit(&spec);
    rec.q_per_unit = q;
    rec.work_q = (int64_t)(spec.work * q);
    rec.limit_us = (int64_t)(spec.work * 4e6);
    rec.n_rates = rates(b, q, list);
    event.job = b->next_id++;
    event.job_record = &rec;
    emit(b, event);
}

static void add_tenants(bench *b)
{
    for (int i = 0; i < TENANTS; i++) {
        int64_t guarantee[FY_MAX_CHIPS];
        char name[16];
        fy_tenant_record rec = {.name = name,
                                .weight = 1 + i % 3,
                                .borrow_milli = -1,
                                .guarantee_milli = guarantee,
                                .n = b->fleet->n_chips};
        fy_event event = about(b, FY_EV_TENANT_SET, NULL);

        (void)snprintf(name, sizeof name, "tenant-%d", i);
        for (int c = 0; c < rec.n; c++) { /* half of all is guaranteed to somebody */
            guarantee[c] = (int64_t)b->fleet->pools[c].n_devices * FY_WHOLE / (2 * TENANTS);
        }
        event.tenant = i;
        event.tenant_record = &rec;
        emit(b, event);
    }
}

/* ------------------------------------------------------------------ passes */

static size_t waiting(const bench *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->fleet->n_slots; i++) {
        n += b->fleet->jobs[i]->state == FY_JOB_WAITING;
    }
    return n;
}

/* One pass; then the engine's answers, which are not in the time. */
static double pass(bench *b)
{
    double t = now_ms();
    fy_err err = {0};

    must(fy_sched_round(b->sched, b->now_us, take, b, &err), &err);
    t = now_ms() - t;
    for (size_t i = 0; i < b->fleet->n_slots; i++) {
        const fy_job *job = b->fleet->jobs[i];

        if (job->state == FY_JOB_STARTING) {
            fy_event event = about(b, FY_EV_STARTED, job);

            event.a = fy_job_working_rate(job, job->working, job->spread);
            event.b = 0;
            emit(b, event);
        } else if (job->state == FY_JOB_STOPPING) {
            emit(b, about(b, FY_EV_STOPPED, job));
        }
    }
    return t;
}

/* A job that runs, by chance, ends. */
static void end_one(bench *b)
{
    size_t n = b->fleet->n_slots, from = fy_rng_below(&b->rng, n);

    for (size_t i = 0; i < n; i++) {
        const fy_job *job = b->fleet->jobs[(from + i) % n];

        if (job->state == FY_JOB_RUNNING) {
            fy_event event = about(b, FY_EV_PROGRESS, job);

            event.a = job->rec.work_q;
            if (fy_job_done(job, b->now_us) < event.a) {
                emit(b, event);
            }
            emit(b, about(b, FY_EV_FINISHED, job));
            return;
        }
    }
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;

    return (a > b) - (a < b);
}

/* Until the devices are held and so many wait. */
static void fill(bench *b)
{
    for (int i = 0; i < 40; i++) {
        b->now_us += second_us;
        for (size_t n = waiting(b); n < QUEUED; n++) {
            submit(b);
        }
        (void)pass(b);
        if (waiting(b) + 20 > QUEUED) {
            break;
        }
    }
}

static void step_all(bench *b, double *ms)
{
    for (int i = 0; i < STEPS; i++) {
        b->now_us += second_us / 10; /* several minutes in all: within one period of gain */
        if (i % 2 == 0) {
            end_one(b);
        } else {
            submit(b);
        }
        ms[i] = pass(b);
    }
    qsort(ms, STEPS, sizeof *ms, by_value);
}

static void ask_all(bench *b, double *ms)
{
    int n = 0;

    for (size_t i = 0; n < ASKS; i = (i + 397) % b->fleet->n_slots) {
        const fy_job *job = b->fleet->jobs[i];

        if (job->state == FY_JOB_WAITING) {
            fy_explain_options options = fy_explain_defaults(b->now_us);
            fy_explanation e;
            fy_err err = {0};
            double t = now_ms();

            must(fy_explain(&e, b->sched, job->id, &options, &err), &err);
            ms[n++] = now_ms() - t;
        }
    }
    qsort(ms, ASKS, sizeof *ms, by_value);
}

static void reopen(bench *b, const char *policy)
{
    fy_sched_options options = {.policy = policy};
    fy_err err = {0};

    fy_sched_close(b->sched);
    b->sched = NULL;
    must(fy_sched_open(&b->sched, b->fleet, &options, &err), &err);
}

static void run(const fy_site *site, const char *policy)
{
    static double step[STEPS], ask[ASKS];
    bench b = {.fleet = fy_fleet_new(), .rng = fy_rng_seed(1)};
    double idle, full;
    fy_err err = {0};

    must(fy_site_events(site, 0, take, &b, &err), &err);
    add_tenants(&b);
    reopen(&b, policy);
    for (int i = 0; i < QUEUED; i++) {
        submit(&b);
    }
    idle = pass(&b);
    fill(&b);
    b.now_us += 1000 * second_us;
    reopen(&b, policy);
    full = pass(&b);
    (void)pass(&b); /* what it stopped has room made */
    fill(&b);
    step_all(&b, step);
    ask_all(&b, ask);
    (void)printf(
        "{\"policy\": \"%s\", \"idle_ms\": %.3f, \"full_ms\": %.3f, \"step_p50_ms\": %.4f, "
        "\"step_p99_ms\": %.4f, \"explain_p50_ms\": %.1f, \"explain_most_ms\": %.1f, "
        "\"queued\": %zu, \"classes\": %zu}\n",
        policy, idle, full, step[STEPS / 2], step[STEPS * 99 / 100], ask[ASKS / 2], ask[ASKS - 1],
        waiting(&b), b.fleet->n_classes);
    (void)fflush(stdout);
    fy_sched_close(b.sched);
    fy_fleet_free(b.fleet);
}

int main(int argc, char **argv)
{
    static const char *const policies[] = {"las", "fair", "gain"};
    const char *data = argc > 1 ? argv[1] : "data";
    char path[4096];
    fy_catalog *catalog;
    fy_site *site;
    fy_err err = {0};

    must(fy_catalog_load(&catalog, data, &err), &err);
    (void)snprintf(path, sizeof path, "%s/fleets/alibaba-2026.yaml", data);
    must(fy_site_load(&site, catalog, path, &err), &err);
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        run(site, policies[i]);
    }
    fy_site_free(site);
    fy_catalog_free(catalog);
    return 0;
}
