/* SPDX-License-Identifier: MIT */
/*
 * The engine against the fleet: what ought to be, what is, and the events that bring them together.
 *
 *                what the engine shows
 *     fleet      nothing          starting   running            exited
 *     STARTING   ask again        -          started            started, then as RUNNING
 *     RUNNING    kill, when it    -          progress           finished, failed or lost, by its
 *                stays away                                     exit
 *     STOPPING   kill             kill       kill after grace   stopped, cancelled, timed out
 *     otherwise  -                kill       kill               forget
 *
 * A run that is not shown is killed only after several full looks and some seconds, and called lost
 * only once the engine says that it is gone: engines err, and no job may run twice at once.
 */
#include "daemon/ctl_state.h"

#include <nettle/hmac.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOST_AFTER_LOOKS = 2 };
static const int64_t lost_after_us = 10 * 1000000LL;

/* ------------------------------------------------------------------ how a run ended, as JSON */

static const char *describe(fy_ctl *ctl, const fy_run *run, const char *why, size_t *len)
{
    fy_str *s = &ctl->body;

    fy_str_clear(s);
    fy_str_puts(s, "{");
    if (run != NULL && run->state == FY_RUN_EXITED && !run->lost && !run->refused) {
        fy_json_put_int(s, "exit", run->exit_code);
        if (run->exit_signal != 0) {
            fy_json_put_int(s, "signal", run->exit_signal);
        }
        if (!isnan(run->cpu_s)) {
            fy_json_put_real(s, "cpu_s", run->cpu_s);
        }
        if (run->max_rss_kib >= 0) {
            fy_json_put_int(s, "max_rss_kib", run->max_rss_kib);
        }
        if (!isnan(run->energy_j)) {
            fy_json_put_real(s, "energy_j", run->energy_j);
        }
    }
    if (why != NULL) {
        fy_json_put_text(s, "why", why);
    }
    fy_str_puts(s, "}");
    *len = s->len;
    return s->text;
}

static int emit_end(fy_ctl *ctl, const fy_job *job, fy_event_kind kind, int64_t a,
                    const fy_run *run, const char *why, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, kind, job);
    size_t len;
    const char *body = describe(ctl, run, why, &len);

    event.a = a;
    return ctl_emit(ctl, &event, body, len, err);
}

static void set_note(fy_live *live, const char *text)
{
    free(live->note);
    live->note = text != NULL ? strdup(text) : NULL;
}

/* ------------------------------------------------------------------ events from observations */

static int started(fy_ctl *ctl, const fy_job *job, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, FY_EV_STARTED, job);

    event.a = fy_job_working_rate(job, job->working, job->spread);
    event.a = event.a > 0 ? event.a : 1;
    event.b = job->attempt > 1 ? job->rec.restart_cost_us : 0;
    return ctl_emit(ctl, &event, NULL, 0, err);
}

/* All its work is done, whatever the model thinks. */
static int finished(fy_ctl *ctl, const fy_job *job, const fy_run *run, fy_err *err)
{
    int status = 0;

    if (job->rec.work_q >= 0 && fy_job_done(job, ctl->now_us) < job->rec.work_q) {
        fy_event event = ctl_job_event(ctl, FY_EV_PROGRESS, job);

        event.a = job->rec.work_q;
        status = ctl_emit(ctl, &event, NULL, 0, err);
    }
    return status == 0 ? emit_end(ctl, job, FY_EV_FINISHED, -1, run, NULL, err) : status;
}

/* The node that the run's first worker stood on: to be blamed for what is no job's fault. */
static int32_t node_of(const fy_job *job)
{
    return job->n_holds > 0 ? job->holds[0].node : -1;
}

/* It ended through no doing of its own: back to the queue where it may. */
static int interrupted(fy_ctl *ctl, const fy_job *job, const fy_run *run, const char *why,
                       bool blame, fy_err *err)
{
    fy_live *live = ctl_live(ctl, job);
    fy_event event = ctl_job_event(ctl, FY_EV_FAILED, job);
    size_t len;
    const char *body = describe(ctl, run, why, &len);

    set_note(live, why);
    event.a = live->requeue ? 1 : 0;
    event.node = blame ? node_of(job) : -1;
    return ctl_emit(ctl, &event, body, len, err);
}

static int exited(fy_ctl *ctl, const fy_job *job, const fy_run *run, fy_err *err)
{
    const fy_live *live = ctl_live(ctl, job);

    if (run->refused && live->vanished) {
        return interrupted(ctl, job, NULL, "its run vanished: the engine does not know it", true,
                           err);
    }
    if (run->refused) {
        return emit_end(ctl, job, FY_EV_FAILED, 0, run,
                        run->text != NULL ? run->text : "the engine could not start it", err);
    }
    if (run->lost) {
        return interrupted(ctl, job, run,
                           run->text != NULL ? run->text : "its run vanished: nobody saw it end",
                           true, err);
    }
    if (run->exit_code == 0 && run->exit_signal == 0) {
        return finished(ctl, job, run, err);
    }
    return emit_end(ctl, job, FY_EV_FAILED, 0, run, NULL, err);
}

/* Did it say that all its work is done? An exit status of 0 alone says nothing here: programs
 * answer TERM with it, too. */
static bool said_all(const fy_job *job, const fy_run *run)
{
    return job->rec.work_q >= 0 && !isnan(run->progress) &&
           run->progress * job->rec.q_per_unit >= (double)job->rec.work_q;
}

/* The run of a job that is being stopped is gone. `run` NULL: nothing shows it. */
static int stopped(fy_ctl *ctl, const fy_job *job, const fy_run *run, fy_err *err)
{
    const fy_live *live = ctl_live(ctl, job);
    bool whole = run != NULL && run->state == FY_RUN_EXITED && !run->lost && !run->refused;
    bool saved = whole && run->checkpointed;

    if (whole && run->exit_code == 0 && run->exit_signal == 0 && said_all(job, run)) {
        return finished(ctl, job, run, err); /* it was quicker than the stop */
    }
    if (live->stopping == FY_WHY_CANCELLED) {
        return emit_end(ctl, job, FY_EV_CANCELLED, -1, run, NULL, err);
    }
    if (live->stopping == FY_WHY_TIME_LIMIT) {
        return emit_end(ctl, job, FY_EV_FAILED, 0, run, "its time limit", err);
    }
    if (!live->requeue && fy_reason_is_policy(live->stopping)) {
        return emit_end(ctl, job, FY_EV_FAILED, 0, run, "preempted, and it is not to be requeued",
                        err);
    }
    return emit_end(ctl, job, FY_EV_STOPPED, saved ? 1 : 0, run, NULL, err);
}

/* ------------------------------------------------------------------ one run */

/* The fleet knows nothing of this run: it must not be. */
static void foreign(fy_ctl *ctl, const fy_run *run)
{
    ctl->tally.refused_answers++;
    ctl_act(ctl, (fy_act){.kind = run->state == FY_RUN_EXITED ? FY_ACT_FORGET : FY_ACT_KILL,
                          .key = run->key});
}

static int is_running(fy_ctl *ctl, fy_job *job, const fy_run *run, fy_err *err)
{
    fy_live *live = ctl_live(ctl, job);
    int status = 0;

    if (run->frozen != live->frozen) {
        live->frozen = run->frozen;
        set_note(live, run->frozen ? "its shim does not answer" : NULL);
    }
    if (job->state == FY_JOB_STARTING) {
        status = started(ctl, job, err);
    }
    if (status == 0 && job->state == FY_JOB_RUNNING && !isnan(run->progress) &&
        run->progress != live->progress) {
        status = ctl_observed(ctl, job, run->progress, err);
    }
    return status;
}

/* A run of ours that is EXITED; one that never ran needs no epilog. */
static int ended(fy_ctl *ctl, fy_job *job, const fy_run *run, fy_err *err)
{
    bool failed = run->lost || run->exit_code != 0 || run->exit_signal != 0, wait = false;
    int status = 0;

    if (job->state == FY_JOB_STARTING && !run->refused) {
        status = started(ctl, job, err);
    }
    if (status == 0 && !run->refused) {
        status = ctl_epilog(ctl, job, failed && job->state != FY_JOB_STOPPING, &wait, err);
    }
    if (status != 0 || wait) {
        return status;
    }
    return job->state == FY_JOB_STOPPING ? stopped(ctl, job, run, err) : exited(ctl, job, run, err);
}

static int take(fy_ctl *ctl, const fy_run *run, fy_err *err)
{
    fy_job *job = fy_fleet_job(ctl->fleet, run->key.job);
    fy_live *live;

    if (job == NULL || job->attempt != run->key.attempt || !fy_job_holds(job)) {
        if (run->state != FY_RUN_NONE) {
            foreign(ctl, run);
        }
        return 0;
    }
    live = ctl_live(ctl, job);
    if (run->state != FY_RUN_NONE) {
        live->missing_us = -1;
        live->missed = 0;
        live->seen = ctl->list_number;
    }
    if (run->state == FY_RUN_RUNNING) {
        return is_running(ctl, job, run, err);
    }
    return run->state == FY_RUN_EXITED ? ended(ctl, job, run, err) : 0;
}

static void engine_failed(fy_ctl *ctl, const fy_err *why)
{
    ctl->engine_out = true;
    ctl->tally.engine_errors++;
    (void)snprintf(ctl->engine_why, sizeof ctl->engine_why, "%s", why->text);
}

/*
 * A full look did not show the job's run; asked about it alone the engine may. Where it stays away
 * it is to be killed, look after look, until the engine says that it is EXITED: before that nothing
 * proves that it does not live, and its devices are not given away.
 */
static int missing(fy_ctl *ctl, fy_job *job, fy_err *err)
{
    fy_live *live = ctl_live(ctl, job);
    fy_run run = {0};
    fy_err why = {0};

    if (job->state == FY_JOB_STARTING) {
        if (live->asked_us < 0) {
            ctl_act(ctl, (fy_act){.kind = FY_ACT_START, .key = {job->id, job->attempt}});
        }
        return 0;
    }
    if (ctl->engine->ops->look(ctl->engine, (fy_run_key){job->id, job->attempt}, &run, &why) != 0) {
        engine_failed(ctl, &why);
        return 0;
    }
    if (run.state != FY_RUN_NONE) {
        run.key = (fy_run_key){job->id, job->attempt};
        return take(ctl, &run, err);
    }
    if (live->missing_us < 0) {
        live->missing_us = ctl->now_us;
        live->missed = 0;
    }
    live->missed++;
    if (live->missed > LOST_AFTER_LOOKS && ctl->now_us - live->missing_us >= lost_after_us) {
        live->vanished = true;
        ctl_act(ctl, (fy_act){.kind = FY_ACT_KILL, .key = {job->id, job->attempt}});
    }
    return 0;
}

/* ------------------------------------------------------------------ looking */

typedef struct looking {
    fy_ctl *ctl;
    fy_err *err;
    int status;
} looking;

static void each_run(void *ctx, const fy_run *run)
{
    looking *look = ctx;

    if (look->status == 0) {
        look->status = take(look->ctl, run, look->err);
    }
}

int ctl_look_all(fy_ctl *ctl, fy_err *err)
{
    looking look = {.ctl = ctl, .err = err};
    fy_err why = {0};

    ctl->next_list_us = ctl->now_us + ctl->options.list_period_us;
    ctl->list_number++;
    if (ctl->engine->ops->list(ctl->engine, each_run, &look, &why) != 0) {
        engine_failed(ctl, &why); /* what it did show is true; what it did not proves nothing */
        return look.status;
    }
    ctl->engine_out = false;
    for (size_t i = 0; look.status == 0 && i < ctl->fleet->n_slots; i++) {
        fy_job *job = ctl->fleet->jobs[i];

        if (fy_job_holds(job) && ctl_live(ctl, job)->seen != ctl->list_number) {
            look.status = missing(ctl, job, err);
        }
    }
    return look.status;
}

/* One run; 1 where the engine does not answer. */
static int look_at(fy_ctl *ctl, fy_run_key key, fy_err *err)
{
    fy_run run = {0};
    fy_err why = {0};

    if (ctl->engine->ops->look(ctl->engine, key, &run, &why) != 0) {
        engine_failed(ctl, &why);
        return 1;
    }
    run.key = key;
    return take(ctl, &run, err);
}

int ctl_look_at(fy_ctl *ctl, fy_run_key key, fy_err *err)
{
    int status = look_at(ctl, key, err);

    return status > 0 ? 0 : status;
}

int ctl_take_hints(fy_ctl *ctl, fy_err *err)
{
    fy_run_key key;
    int status = 0;

    while (status == 0 && ctl->engine->ops->hint(ctl->engine, &key)) {
        status = look_at(ctl, key, err);
    }
    return status > 0 ? 0 : status;
}

/* ------------------------------------------------------------------ acts */

void ctl_token(const fy_ctl *ctl, fy_run_key key, char out[33])
{
    struct hmac_sha256_ctx hmac;
    uint8_t digest[16];
    char text[64];
    int n = snprintf(text, sizeof text, "run %" PRId64 ".%" PRId32, key.job, key.attempt);

    hmac_sha256_set_key(&hmac, strlen(ctl->options.secret), (const uint8_t *)ctl->options.secret);
    hmac_sha256_update(&hmac, (size_t)n, (const uint8_t *)text);
    hmac_sha256_digest(&hmac, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}

/* The parts of the gang by node, with device numbers as the node counts them. */
static fy_run_node *run_nodes(const fy_ctl *ctl, const fy_job *job, fy_arena *arena)
{
    fy_run_node *nodes = fy_arena_alloc(arena, (size_t)job->n_holds * sizeof *nodes);
    int32_t per_worker = job->rec.milli > 0 ? 1 : job->rec.devices;

    for (int32_t i = 0; i < job->n_holds; i++) {
        const fy_hold *hold = &job->holds[i];
        const fy_node *node = &ctl->fleet->nodes[hold->node];
        int32_t n = hold->workers * per_worker;
        int32_t *devices = fy_arena_alloc(arena, (size_t)(n > 0 ? n : 1) * sizeof *devices);

        for (int32_t k = 0; k < n; k++) {
            devices[k] = job->devices[hold->first + k] - node->first_device;
        }
        nodes[i] = (fy_run_node){
            .name = node->name, .workers = hold->workers, .n_devices = n, .devices = devices};
    }
    return nodes;
}

int ctl_run_spec(fy_ctl *ctl, const fy_job *job, fy_submission *what, fy_run_spec *spec,
                 fy_arena *arena, fy_err *err)
{
    const fy_live *live = ctl_live(ctl, job);
    char token[33];
    int status = fy_submission_read(what, live->body->text, live->body->len, arena, err);

    if (status != 0) {
        return status;
    }
    *spec = (fy_run_spec){.key = {job->id, job->attempt},
                          .uid = (uid_t)live->uid,
                          .gid = (gid_t)live->gid,
                          .name = job->rec.name,
                          .array_job = job->rec.array_of,
                          .chip = ctl->fleet->pools[job->chip].name,
                          .tenant = ctl->fleet->tenants[job->tenant].name,
                          .virtual_devices = ctl->options.virtual_devices,
                          .what = what,
                          .nodes = run_nodes(ctl, job, arena),
                          .n_nodes = job->n_holds,
                          .cpu_milli = job->rec.cpu_milli * job->workers,
                          .memory_mib = job->rec.memory_mib * job->workers,
                          .array_index = live->array_index};
    ctl_token(ctl, spec->key, token);
    spec->token = fy_arena_strdup(arena, token);
    spec->environment = ctl_environment(ctl, job, what, arena, &spec->n_environment);
    spec->output = ctl_expand(
        job, live, what, what->output != NULL ? what->output : ctl->options.default_output, arena);
    spec->error = what->error != NULL ? ctl_expand(job, live, what, what->error, arena) : NULL;
    return 0;
}

static int do_start(fy_ctl *ctl, const fy_job *job, fy_err *err)
{
    fy_arena arena = {0};
    fy_submission what;
    fy_run_spec spec;
    int status = ctl_run_spec(ctl, job, &what, &spec, &arena, err);

    if (status == 0) {
        ctl_live(ctl, job)->asked_us = ctl->now_us;
        status = ctl_prolog_lets(ctl, &spec) ? ctl->engine->ops->start(ctl->engine, &spec, err) : 0;
    }
    fy_arena_free(&arena);
    return status;
}

/* Ask for the end: the checkpoint signal where a policy wants the devices, TERM otherwise; KILL
 * once the grace is over. */
static int do_stop(fy_ctl *ctl, const fy_job *job, fy_err *err)
{
    const fy_engine_ops *ops = ctl->engine->ops;
    fy_live *live = ctl_live(ctl, job);
    fy_run_key key = {job->id, job->attempt};
    bool checkpoint = live->checkpoint_signal != 0 && live->stopping != FY_WHY_CANCELLED;

    live->asked_us = ctl->now_us;
    if (live->killed || live->grace_us == 0) {
        return ops->kill(ctl->engine, key, err);
    }
    return ops->signal(ctl->engine, key, checkpoint ? live->checkpoint_signal : 15,
                       checkpoint && live->signal_script, err);
}

static int do_act(fy_ctl *ctl, const fy_act *act, fy_err *err)
{
    const fy_engine_ops *ops = ctl->engine->ops;
    const fy_job *job = fy_fleet_job(ctl->fleet, act->key.job);
    bool present = job != NULL && job->attempt == act->key.attempt;

    ctl->tally.acts++;
    switch (act->kind) {
    case FY_ACT_START:
        return present && job->state == FY_JOB_STARTING ? do_start(ctl, job, err) : 0;
    case FY_ACT_STOP:
        return present && job->state == FY_JOB_STOPPING ? do_stop(ctl, job, err) : 0;
    case FY_ACT_SIGNAL:
        return present && act->signo > 0
                   ? ops->signal(ctl->engine, act->key, act->signo, act->script, err)
                   : 0;
    case FY_ACT_KILL:
        return ops->kill(ctl->engine, act->key, err);
    case FY_ACT_FORGET:
        if (ctl->options.hooks != NULL && !(present && fy_job_holds(job))) {
            fy_hooks_forget(ctl->options.hooks, act->key);
        }
        return present && fy_job_holds(job) ? 0 : ops->forget(ctl->engine, act->key, err);
    }
    return 0;
}

void ctl_do_acts(fy_ctl *ctl)
{
    for (size_t i = 0; i < ctl->n_acts; i++) { /* an act that fails is asked for again in time */
        fy_err why = {0};

        if (do_act(ctl, &ctl->acts[i], &why) != 0) {
            engine_failed(ctl, &why);
        }
    }
    ctl->n_acts = 0;
}
