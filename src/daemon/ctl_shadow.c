/* SPDX-License-Identifier: MIT */
/*
 * Shadow mode: policy B beside A. What happens is written to a queue, one journal line each with
 * what it says of the job's rate, and taken from it a few lines a turn after the commit and the
 * acts, so that the live path pays for a copy of a line. Nothing of it is on disk: after a restart
 * it begins anew from the present, and so it does when it falls too far behind.
 */
#include "daemon/ctl_state.h"
#include "sched/shadow.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_A_TURN = 256, STEPS_A_TURN = 32, MOST_QUEUE = 64 << 20 };

static const double us_per_hour = 3600e6;

/* Of A's present attempt in a slot. */
typedef struct attempt {
    int64_t rate_q, from_us, done_q; /* modelled rate, since, from what; rate 0 = none */
} attempt;

struct fy_beside {
    fy_arena arena; /* of the options */
    fy_sched_options options;
    fy_shadow *run;
    fy_journal_reader *reader;
    fy_str queue;
    size_t taken;      /* of the queue, bytes */
    attempt *attempts; /* [attempts_room] by A's slot */
    size_t attempts_room;
    int64_t since_us, at_us; /* A is counted from .. to */
    double wait_us;
    int64_t started, finished, failed, preempted, restarts;
    double *before; /* [n_before] device-us of A's and the shadow's tenants when it began */
    size_t n_before;
    char why[240]; /* why it stopped; "" = it works */
};

/* ------------------------------------------------------------------ opening */

static void keep_options(fy_beside *sh, const fy_sched_options *options)
{
    fy_setting *settings =
        fy_arena_alloc(&sh->arena, (size_t)(options->n_settings + 1) * sizeof *settings);

    for (int i = 0; i < options->n_settings; i++) {
        settings[i] = (fy_setting){fy_arena_strdup(&sh->arena, options->settings[i].key),
                                   fy_arena_strdup(&sh->arena, options->settings[i].value)};
    }
    sh->options = *options;
    sh->options.settings = settings;
    sh->options.policy = fy_arena_strdup(&sh->arena, options->policy);
    sh->options.placement =
        options->placement != NULL ? fy_arena_strdup(&sh->arena, options->placement) : NULL;
}

static attempt *attempt_in(fy_beside *sh, int32_t slot)
{
    size_t before = sh->attempts_room;

    sh->attempts =
        fy_grow(sh->attempts, &sh->attempts_room, (size_t)slot + 1, sizeof *sh->attempts);
    for (size_t i = before; i < sh->attempts_room; i++) {
        sh->attempts[i] = (attempt){0};
    }
    return &sh->attempts[slot];
}

static void note_running(fy_ctl *ctl, fy_beside *sh)
{
    for (size_t i = 0; i < ctl->fleet->n_slots; i++) {
        const fy_job *job = ctl->fleet->jobs[i];

        *attempt_in(sh, (int32_t)i) = job->state == FY_JOB_RUNNING
                                          ? (attempt){job->rate_q, job->anchor_us, job->done_q}
                                          : (attempt){0};
    }
}

/* From the present on. */
static int begin(fy_ctl *ctl, fy_beside *sh, fy_err *err)
{
    fy_fleet *fleet = ctl->fleet;

    fy_fleet_tick(fleet, ctl->now_us);
    fy_fleet_integrate(fleet, fleet->now_us);
    fy_shadow_close(sh->run);
    sh->run = NULL;
    fy_str_clear(&sh->queue);
    sh->taken = 0;
    sh->since_us = sh->at_us = ctl->now_us;
    sh->wait_us = 0;
    sh->started = sh->finished = sh->failed = sh->preempted = 0;
    free(sh->before);
    sh->n_before = fleet->n_tenants;
    sh->before = fy_calloc(sh->n_before + 1, sizeof *sh->before);
    for (size_t i = 0; i < sh->n_before; i++) {
        sh->before[i] = (double)fleet->tenants[i].held_int;
    }
    note_running(ctl, sh);
    return fy_shadow_open(&sh->run, fleet, &sh->options, err);
}

void ctl_shadow_free(fy_ctl *ctl)
{
    fy_beside *sh = ctl->shadow;

    if (sh != NULL) {
        fy_shadow_close(sh->run);
        fy_journal_reader_free(sh->reader);
        fy_str_free(&sh->queue);
        fy_arena_free(&sh->arena);
        free(sh->attempts);
        free(sh->before);
        free(sh);
        ctl->shadow = NULL;
    }
}

int fy_ctl_shadow(fy_ctl *ctl, const fy_who *who, const fy_sched_options *options, fy_err *err)
{
    static const fy_sched_options none = {0};

    if (who->scope < FY_SCOPE_OPERATE) {
        return fy_fail(err, FY_EINVAL, "only operators set a shadow");
    }
    ctl_tick(ctl);
    return ctl_set_shadow(ctl, options != NULL ? options : &none, err);
}

int ctl_set_shadow(fy_ctl *ctl, const fy_sched_options *options, fy_err *err)
{
    fy_beside *sh;
    int status;

    if (options->policy == NULL) {
        ctl_shadow_free(ctl);
        return 0;
    }
    if (ctl->shadow != NULL && ctl->shadow->run != NULL &&
        fy_sched_same(fy_shadow_sched(ctl->shadow->run), options)) {
        return 0; /* it goes on */
    }
    sh = fy_calloc(1, sizeof *sh);
    keep_options(sh, options);
    sh->reader = fy_journal_reader_new();
    status = begin(ctl, sh, err);
    if (status == 0) {
        ctl_shadow_free(ctl);
        ctl->shadow = sh;
    } else {
        fy_beside *kept = ctl->shadow;

        ctl->shadow = sh;
        ctl_shadow_free(ctl);
        ctl->shadow = kept;
    }
    return status;
}

/* ------------------------------------------------------------------ what happens in A */

static void count_a(fy_ctl *ctl, fy_beside *sh, int32_t waiting)
{
    sh->wait_us += (double)waiting * (double)(ctl->now_us - sh->at_us);
    sh->at_us = ctl->now_us;
}

/* What the event says of the job's true rate and end. */
static fy_shadow_truth truth_of(const fy_ctl *ctl, const fy_event *event, const fy_job *job,
                                const attempt *now)
{
    fy_shadow_truth truth = {.factor = (double)NAN, .end_q = -1};
    double span_us = (double)(ctl->now_us - now->from_us), model;

    if (now->rate_q <= 0) {
        return truth;
    }
    span_us = span_us > 1 ? span_us : 1;
    model = (double)now->rate_q * span_us / 1e6; /* work that it should have done */
    if (event->kind == FY_EV_RATED) {
        truth.factor = (double)event->a / (double)now->rate_q;
    } else if (event->kind == FY_EV_FINISHED && job->rec.work_q > now->done_q) {
        truth.factor = (double)(job->rec.work_q - now->done_q) / model;
    } else if (event->kind == FY_EV_FAILED) {
        truth.end_q = now->done_q + (model < 4e18 ? (int64_t)model : 0);
    }
    return truth;
}

static bool matters(const fy_event *event)
{
    return event->kind != FY_EV_ROUND && event->kind != FY_EV_STARTING &&
           event->kind != FY_EV_CHECKPOINTED && event->kind != FY_EV_PROGRESS &&
           (event->kind != FY_EV_STOPPING || event->reason == FY_WHY_REQUEUED);
}

void ctl_shadow_see(fy_ctl *ctl, const fy_event *event, const fy_job *job, int32_t waiting)
{
    fy_beside *sh = ctl->shadow;
    fy_shadow_truth truth = {.factor = (double)NAN, .end_q = -1};
    attempt *now = job != NULL ? attempt_in(sh, job->slot) : NULL;

    count_a(ctl, sh, waiting);
    sh->started += event->kind == FY_EV_STARTING;
    sh->finished += event->kind == FY_EV_FINISHED;
    sh->failed += event->kind == FY_EV_FAILED && event->a != 1;
    sh->preempted += event->kind == FY_EV_STOPPING && fy_reason_is_policy(event->reason);
    if (now != NULL) {
        truth = truth_of(ctl, event, job, now);
        if (event->kind == FY_EV_STARTED) {
            *now = (attempt){event->a, job->anchor_us, job->done_q};
        } else if (job->state != FY_JOB_RUNNING) {
            now->rate_q = job->state == FY_JOB_STOPPING ? now->rate_q : 0;
        }
    }
    if (sh->run != NULL && matters(event)) {
        fy_str_printf(&sh->queue, "%a %" PRId64 " ", truth.factor, truth.end_q);
        fy_str_add(&sh->queue, ctl->line.text, ctl->line.len);
    }
}

/* ------------------------------------------------------------------ taking it in */

static void gave_up(fy_beside *sh, const fy_err *why)
{
    fy_shadow_close(sh->run);
    sh->run = NULL;
    fy_str_free(&sh->queue);
    sh->taken = 0;
    (void)snprintf(sh->why, sizeof sh->why, "%s", why->text);
}

/* The next line. Returns 1, 0 where the shadow is not there yet, or a negative code. */
static int take_line(fy_beside *sh, int *steps, fy_err *err)
{
    const char *text = sh->queue.text + sh->taken, *line;
    const char *end = memchr(text, '\n', sh->queue.len - sh->taken);
    fy_shadow_truth truth;
    fy_event event;
    char *rest;
    int status;

    truth.factor = strtod(text, &rest);
    truth.end_q = strtoll(rest, &rest, 10);
    line = rest + 1;
    status = fy_journal_decode(sh->reader, line, (size_t)(end - line), &event, err);
    if (status == 0) {
        status = fy_shadow_run(sh->run, event.t_us, steps, err);
    }
    if (status == 1) {
        status = fy_shadow_take(sh->run, &event, truth, err);
        sh->taken += (size_t)(end + 1 - text);
        status = status == 0 ? 1 : status;
    }
    return status;
}

/* More of the present instant is in the queue: one command's events, such as a submission that is
 * held, are not to be decided between. */
static bool amid_instant(const fy_beside *sh)
{
    char *rest;

    if (sh->taken == sh->queue.len) {
        return false;
    }
    (void)strtod(sh->queue.text + sh->taken, &rest);
    (void)strtoll(rest, &rest, 10);
    return strtoll(rest, NULL, 10) <= fy_shadow_fleet(sh->run)->now_us;
}

void ctl_shadow_work(fy_ctl *ctl)
{
    fy_beside *sh = ctl->shadow;
    fy_err err = {0};
    int steps = STEPS_A_TURN, status = 1;

    if (sh == NULL || sh->run == NULL) {
        return;
    }
    for (int i = 0; i < LINES_A_TURN && status == 1 && sh->taken < sh->queue.len; i++) {
        status = take_line(sh, &steps, &err);
    }
    if (sh->taken == sh->queue.len) {
        fy_str_clear(&sh->queue);
        sh->taken = 0;
        status = status == 1 ? fy_shadow_run(sh->run, ctl->now_us, &steps, &err) : status;
    } else if (sh->taken > sh->queue.len / 2) {
        memmove(sh->queue.text, sh->queue.text + sh->taken, sh->queue.len - sh->taken);
        sh->queue.len -= sh->taken;
        sh->taken = 0;
    }
    if (status >= 0 && !amid_instant(sh)) {
        status = fy_shadow_decide(sh->run, &err);
    }
    if (status >= 0 && sh->queue.len - sh->taken > MOST_QUEUE) {
        sh->restarts++;
        status = begin(ctl, sh, &err);
    }
    if (status < 0) {
        gave_up(sh, &err);
    }
}

int64_t ctl_shadow_wake(const fy_ctl *ctl)
{
    const fy_beside *sh = ctl->shadow;

    return sh == NULL || sh->run == NULL ? FY_NEVER
           : sh->taken < sh->queue.len   ? ctl->now_us
                                         : fy_shadow_wake(sh->run);
}

/* ------------------------------------------------------------------ view */

typedef struct side {
    const char *policy;
    double wait_us;
    int64_t started, finished, failed, preempted;
    fy_fleet *fleet;
} side;

static void put_side(const fy_ctl *ctl, const fy_who *who, const fy_beside *sh, const char *key,
                     const side *of, int64_t jobs, fy_str *json)
{
    fy_json_key(json, key);
    fy_str_puts(json, "{");
    fy_json_put_text(json, "policy", of->policy);
    fy_json_put_real(json, "mean_wait_s", jobs > 0 ? of->wait_us / (double)jobs / 1e6 : 0);
    fy_json_put_int(json, "started", of->started);
    fy_json_put_int(json, "finished", of->finished);
    fy_json_put_int(json, "failed", of->failed);
    fy_json_put_int(json, "preemptions", of->preempted);
    fy_json_put_int(json, "waiting", of->fleet->n_waiting);
    fy_json_put_int(json, "running", of->fleet->n_running);
    fy_json_key(json, "tenants");
    fy_str_puts(json, "[");
    fy_fleet_integrate(of->fleet, of->fleet->now_us);
    for (size_t i = 0; i < of->fleet->n_tenants && i < ctl->fleet->n_tenants; i++) {
        double held = (double)of->fleet->tenants[i].held_int;

        if (ctl_may_see(ctl, who, (int32_t)i)) {
            fy_json_comma(json);
            fy_str_puts(json, "{");
            fy_json_put_text(json, "tenant", of->fleet->tenants[i].name);
            fy_json_put_real(json, "device_hours",
                             (held - (i < sh->n_before ? sh->before[i] : 0)) / FY_WHOLE /
                                 us_per_hour);
            fy_str_puts(json, "}");
        }
    }
    fy_str_puts(json, "]}");
}

int fy_ctl_view_shadow(fy_ctl *ctl, const fy_who *who, fy_str *json, fy_err *err)
{
    fy_beside *sh = ctl->shadow;
    fy_shadow_tally tally;
    int64_t jobs;
    side a, b;

    if (sh == NULL) {
        return fy_fail(err, FY_ENOENT, "no shadow: `fuyao policy --shadow NAME` begins one");
    }
    if (sh->run == NULL) {
        return fy_fail(err, FY_EINVAL, "the shadow has ended: %.180s", sh->why);
    }
    ctl_tick(ctl);
    count_a(ctl, sh, ctl->fleet->n_waiting);
    ctl_shadow_work(ctl);
    if (sh->run == NULL) {
        return fy_fail(err, FY_EINVAL, "the shadow has ended: %.180s", sh->why);
    }
    tally = fy_shadow_count(sh->run);
    jobs = ctl->fleet->n_live + sh->finished + sh->failed;
    a = (side){ctl->want.policy, sh->wait_us,   sh->started, sh->finished,
               sh->failed,       sh->preempted, ctl->fleet};
    b = (side){sh->options.policy, tally.wait_us,   tally.started,           tally.finished,
               tally.failed,       tally.preempted, fy_shadow_fleet(sh->run)};
    fy_str_puts(json, "{");
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_json_put_us(json, "since_s", sh->since_us);
    fy_json_put_us(json, "until_s", b.fleet->now_us);
    fy_json_put_bool(json, "behind", sh->taken < sh->queue.len);
    fy_json_put_int(json, "jobs", jobs);
    fy_json_put_int(json, "guessed", tally.guessed);
    fy_json_put_int(json, "restarts", sh->restarts);
    put_side(ctl, who, sh, "live", &a, jobs, json);
    put_side(ctl, who, sh, "shadow", &b, jobs, json);
    fy_str_puts(json, "}");
    return 0;
}

const char *ctl_shadow_policy(const fy_ctl *ctl)
{
    return ctl->shadow != NULL ? ctl->shadow->options.policy : NULL;
}
