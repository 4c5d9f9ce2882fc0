/* SPDX-License-Identifier: MIT */
/*
 * The live records: what each event means beyond the fleet. The same code runs when an event
 * happens and when it is read back from the journal, so that both lead to the same state.
 *
 * Bodies (JSON) that are read here:
 *     submitted   {"uid","gid","user", "key"?,"index"?, "like": id of the array's first task |
 *                  "job": the submission}
 *     finished, failed, cancelled, stopped   how the run ended: see ctl_run.c
 *     node-drained   {"reason"}
 */
#include "daemon/ctl_state.h"

#include <jansson.h>

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ records */

fy_live *ctl_live_new(fy_ctl *ctl, const fy_job *job)
{
    size_t before = ctl->lives_room;
    fy_live *live = fy_calloc(1, sizeof *live);

    ctl->lives = fy_grow(ctl->lives, &ctl->lives_room, (size_t)job->slot + 1, sizeof(fy_live *));
    for (size_t i = before; i < ctl->lives_room; i++) {
        ctl->lives[i] = NULL;
    }
    live->id = job->id;
    live->array_index = -1;
    live->asked_us = live->missing_us = -1;
    live->progress = NAN;
    ctl->lives[job->slot] = live;
    return live;
}

static void body_drop(fy_body *body)
{
    if (body != NULL && --body->refs == 0) {
        free(body->workdir);
        free(body->output);
        free(body);
    }
}

void ctl_live_drop(fy_ctl *ctl, int32_t slot)
{
    fy_live *live = ctl->lives[slot];

    if (live != NULL) {
        body_drop(live->body);
        free(live->user);
        free(live->past);
        free(live->note);
        free(live);
        ctl->lives[slot] = NULL;
    }
    fy_heap_remove(&ctl->due, &ctl->due_pos, slot);
}

void ctl_lives_free(fy_ctl *ctl)
{
    for (size_t i = 0; i < ctl->lives_room; i++) {
        if (ctl->lives[i] != NULL) {
            ctl_live_drop(ctl, (int32_t)i);
        }
    }
    free(ctl->lives);
}

/* Once for all tasks of an array: reading its indices each time would take n * n steps. */
static int read_body(fy_body *body, fy_err *err)
{
    fy_arena arena = {0};
    fy_submission what;
    int status = fy_submission_read(&what, body->text, body->len, &arena, err);

    if (status == 0) {
        body->time_limit_us = what.time_limit_us;
        body->grace_us = what.grace_us;
        body->signal_before_us = what.signal_before_us;
        body->checkpoint_signal = what.checkpoint_signal;
        body->signal_script = what.signal_script;
        body->requeue = what.requeue;
        body->workdir = what.workdir != NULL ? strdup(what.workdir) : NULL;
        body->output = what.output != NULL ? strdup(what.output) : NULL;
        body->read = true;
    }
    fy_arena_free(&arena);
    return status;
}

int ctl_live_read(fy_live *live, fy_err *err)
{
    fy_body *body = live->body;
    int status = body->read ? 0 : read_body(body, err);

    if (status == 0) {
        live->time_limit_us = body->time_limit_us;
        live->grace_us = body->grace_us;
        live->signal_before_us = body->signal_before_us;
        live->checkpoint_signal = body->checkpoint_signal;
        live->signal_script = body->signal_script;
        live->requeue = body->requeue;
    }
    return status;
}

/* ------------------------------------------------------------------ idempotency keys */

enum { MOST_KEYS = 100000 };

void ctl_key_add(fy_ctl *ctl, const char *text, int64_t first, int32_t count, int64_t at_us)
{
    size_t len = strlen(text);
    fy_seen_key *key = fy_calloc(1, sizeof *key + len + 1);

    memcpy(key->text, text, len);
    key->first = first;
    key->count = count;
    key->at_us = at_us;
    HASH_ADD_KEYPTR(hh, ctl->keys, key->text, len, key);
    if (HASH_COUNT(ctl->keys) > MOST_KEYS) {
        fy_seen_key *oldest = ctl->keys; /* the table keeps the order of entry */

        HASH_DEL(ctl->keys, oldest);
        free(oldest);
    }
}

fy_seen_key *ctl_key_find(const fy_ctl *ctl, const char *text)
{
    fy_seen_key *key = NULL;

    HASH_FIND(hh, ctl->keys, text, strlen(text), key);
    return key;
}

void ctl_keys_free(fy_ctl *ctl)
{
    fy_seen_key *key = ctl->keys;

    HASH_CLEAR(hh, ctl->keys);
    while (key != NULL) {
        fy_seen_key *next = key->hh.next;

        free(key);
        key = next;
    }
}

/* ------------------------------------------------------------------ submitted */

static fy_body *body_of(fy_ctl *ctl, const char *body, size_t len, int64_t like)
{
    static const char mark[] = "\"job\":"; /* it cannot stand inside a string, being unescaped */
    const char *at;
    fy_body *out;

    if (like >= 0) {
        const fy_job *first = fy_fleet_job(ctl->fleet, like);

        if (first == NULL || ctl_live(ctl, first) == NULL) {
            return NULL;
        }
        out = ctl_live(ctl, first)->body;
        out->refs++;
        return out;
    }
    at = body != NULL ? memmem(body, len, mark, sizeof mark - 1) : NULL;
    if (at == NULL) {
        return NULL;
    }
    at += sizeof mark - 1;
    len = (size_t)(body + len - at) - 1; /* without the last brace */
    out = fy_calloc(1, sizeof *out + len + 1);
    memcpy(out->text, at, len);
    out->len = len;
    out->refs = 1;
    return out;
}

static void note_key(fy_ctl *ctl, const fy_job *job, const char *key)
{
    char text[400];
    fy_seen_key *seen;

    (void)snprintf(text, sizeof text, "%.200s\n%.160s", ctl->fleet->tenants[job->tenant].name, key);
    seen = ctl_key_find(ctl, text);
    if (seen != NULL && job->id == seen->first + seen->count) {
        seen->count++; /* the next task of its array */
    } else if (seen == NULL) {
        ctl_key_add(ctl, text, job->id, 1, ctl->fleet->now_us);
    }
}

/* Room to count the jobs of every tenant there is by now; new ones have none. */
static void grow_tenants(fy_ctl *ctl)
{
    size_t before = ctl->tenant_room;

    ctl->live_of_tenant = fy_grow(ctl->live_of_tenant, &ctl->tenant_room, ctl->fleet->n_tenants,
                                  sizeof *ctl->live_of_tenant);
    for (size_t i = before; i < ctl->tenant_room; i++) {
        ctl->live_of_tenant[i] = 0;
    }
}

static int note_submitted(fy_ctl *ctl, const fy_job *job, const char *body, size_t len, fy_err *err)
{
    fy_live *live = ctl_live_new(ctl, job);
    json_int_t uid = -1, gid = -1, index = -1, like = -1;
    json_t *json = json_loadb(body != NULL ? body : "", len, 0, NULL);
    const char *user = json_string_value(json_object_get(json, "user"));
    const char *key = json_string_value(json_object_get(json, "key"));
    int status = 0;

    if (json == NULL || json_unpack(json, "{s:I, s:I, s?I, s?I}", "uid", &uid, "gid", &gid, "index",
                                    &index, "like", &like) != 0) {
        json_decref(json);
        return fy_fail(err, FY_EPARSE, "job %lld: its record has no readable body",
                       (long long)job->id);
    }
    live->uid = uid;
    live->gid = gid;
    live->user = user != NULL ? strdup(user) : NULL;
    live->array_index = (int32_t)index;
    live->body = body_of(ctl, body, len, like);
    if (key != NULL) {
        note_key(ctl, job, key);
    }
    json_decref(json);
    status = live->body == NULL ? fy_fail(err, FY_EPARSE, "job %lld: its record has no submission",
                                          (long long)job->id)
                                : ctl_live_read(live, err);
    grow_tenants(ctl);
    ctl->live_of_tenant[job->tenant]++;
    ctl->tally.submitted++;
    return status;
}

/* ------------------------------------------------------------------ attempts */

static void note_starting(fy_ctl *ctl, const fy_job *job, fy_live *live)
{
    live->asked_us = live->missing_us = -1;
    live->missed = 0;
    live->signalled = live->killed = live->frozen = live->ending = live->vanished = false;
    live->stopping = FY_WHY_NONE;
    live->progress = NAN;
    live->progress_us = 0;
    ctl_act(ctl, (fy_act){.kind = FY_ACT_START, .key = {job->id, job->attempt}});
}

/* How a run ended, from an event's body. */
static void read_end(const char *body, size_t len, fy_past_attempt *past)
{
    json_t *json = body != NULL ? json_loadb(body, len, 0, NULL) : NULL;

    if (json != NULL) {
        (void)json_unpack(json, "{s?i, s?i}", "exit", &past->exit_code, "signal",
                          &past->exit_signal);
        json_decref(json);
    }
}

static const char *how(const fy_event *event, const fy_live *live)
{
    switch ((int)event->kind) {
    case FY_EV_FINISHED:
        return "finished";
    case FY_EV_CANCELLED:
        return "cancelled";
    case FY_EV_FAILED:
        return live->stopping == FY_WHY_TIME_LIMIT ? "timeout" : event->a == 1 ? "lost" : "failed";
    default:
        return live->stopping == FY_WHY_REQUEUED ? "requeued" : "preempted";
    }
}

static void keep_attempt(fy_ctl *ctl, const fy_event *event, const fy_job *job, fy_live *live,
                         const char *body, size_t len)
{
    fy_past_attempt past = {.start_us = job->start_us,
                            .end_us = ctl->fleet->now_us,
                            .lost_ms = (int64_t)(job->attempt_lost / FY_WHOLE / 1000),
                            .attempt = job->attempt,
                            .chip = job->chip,
                            .devices = (int32_t)(job->attempt_held / FY_WHOLE > 0),
                            .how = how(event, live)};

    read_end(body, len, &past);
    if (live->n_past == FY_KEPT_ATTEMPTS) {
        memmove(live->past, live->past + 1, (FY_KEPT_ATTEMPTS - 1) * sizeof *live->past);
        live->n_past--;
    }
    live->past = fy_realloc(live->past, (size_t)live->n_past + 1, sizeof *live->past);
    live->past[live->n_past++] = past;
    live->n_attempts++;
}

static void count_end(fy_ctl *ctl, const fy_event *event, const fy_live *live)
{
    fy_tally_live *tally = &ctl->tally;

    tally->finished += event->kind == FY_EV_FINISHED;
    tally->cancelled += event->kind == FY_EV_CANCELLED;
    if (event->kind == FY_EV_FAILED) {
        tally->lost += event->a == 1;
        tally->timeouts += event->a != 1 && live->stopping == FY_WHY_TIME_LIMIT;
        tally->failed += event->a != 1 && live->stopping != FY_WHY_TIME_LIMIT;
    }
    if (event->kind == FY_EV_STOPPED) {
        tally->preempted += fy_reason_is_policy(live->stopping);
    }
}

static void put_past(fy_ctl *ctl, const fy_event *event, const fy_job *job, const char *body,
                     size_t len)
{
    fy_str json = {0};
    char state[FY_ENDED_WORD];

    ctl_write_ended(ctl, job, event, body, len, &json, state);
    fy_store_past_put(ctl->store, &(fy_past_job){.id = job->id,
                                                 .submit_us = job->submit_us,
                                                 .end_us = ctl->fleet->now_us,
                                                 .tenant = ctl->fleet->tenants[job->tenant].name,
                                                 .name = job->rec.name,
                                                 .state = state,
                                                 .json = json.text});
    fy_str_free(&json);
}

/* An attempt, or the job with it, is over. */
static void note_over(fy_ctl *ctl, const fy_event *event, const fy_job *job, fy_live *live,
                      const char *body, size_t len)
{
    bool ran = event->attempt >= 1 && event->kind != FY_EV_CANCELLED;

    ran |= event->kind == FY_EV_CANCELLED && live->stopping == FY_WHY_CANCELLED;
    if (ran) {
        keep_attempt(ctl, event, job, live, body, len);
        ctl_act(ctl, (fy_act){.kind = FY_ACT_FORGET, .key = {job->id, job->attempt}});
    }
    count_end(ctl, event, live);
    live->frozen = live->ending = false;
    if (job->state == FY_JOB_GONE) {
        if (!ctl->recovering) {
            put_past(ctl, event, job, body, len);
        }
        ctl->live_of_tenant[job->tenant]--;
        ctl_live_drop(ctl, job->slot);
    } else {
        live->stopping = FY_WHY_NONE;
        fy_heap_remove(&ctl->due, &ctl->due_pos, job->slot);
    }
}

/* Why the node starts nothing more; NULL: it does. */
static void set_reason(fy_ctl *ctl, int32_t node, const char *reason)
{
    size_t before = ctl->drain_room;

    ctl->drain_reasons =
        fy_grow(ctl->drain_reasons, &ctl->drain_room, (size_t)node + 1, sizeof *ctl->drain_reasons);
    for (size_t i = before; i < ctl->drain_room; i++) {
        ctl->drain_reasons[i] = NULL;
    }
    free(ctl->drain_reasons[node]);
    ctl->drain_reasons[node] = reason != NULL ? strdup(reason) : NULL;
}

static void note_drained(fy_ctl *ctl, const fy_event *event, const char *body, size_t len)
{
    json_t *json = body != NULL ? json_loadb(body, len, 0, NULL) : NULL;
    const char *reason = json_string_value(json_object_get(json, "reason"));

    set_reason(ctl, event->node, event->kind == FY_EV_NODE_DRAINED ? reason : NULL);
    json_decref(json);
    if (event->kind == FY_EV_NODE_RESUMED && !ctl->recovering && ctl->options.hooks != NULL) {
        fy_hooks_suspect(ctl->options.hooks, ctl->fleet->nodes[event->node].name, true);
    }
}

/* The fleet drains a node that three jobs were lost on within a minute: say so. */
static void note_blamed(fy_ctl *ctl, const fy_event *event)
{
    const fy_node *node = &ctl->fleet->nodes[event->node];
    char text[160];

    if (node->drained && ctl_drain_reason(ctl, event->node) == NULL) {
        (void)snprintf(text, sizeof text,
                       "three jobs failed there within a minute: %lld, %lld and %lld",
                       (long long)node->fail_job[2], (long long)node->fail_job[1],
                       (long long)node->fail_job[0]);
        set_reason(ctl, event->node, text);
    }
}

static int note_job(fy_ctl *ctl, const fy_event *event, const fy_job *job, const char *body,
                    size_t len)
{
    fy_live *live = ctl_live(ctl, job);

    assert(live != NULL); /* since it was submitted */
    switch ((int)event->kind) {
    case FY_EV_STARTING:
        note_starting(ctl, job, live);
        break;
    case FY_EV_STARTED:
        ctl->tally.started++;
        live->progress_from = NAN;
        live->missing_us = -1;
        break;
    case FY_EV_STOPPING:
        live->stopping = event->reason;
        live->stop_us = event->t_us;
        live->asked_us = -1;
        live->killed = false;
        ctl_act(ctl, (fy_act){.kind = FY_ACT_STOP, .key = {job->id, job->attempt}});
        break;
    case FY_EV_FINISHED:
    case FY_EV_FAILED:
    case FY_EV_CANCELLED:
    case FY_EV_STOPPED:
        if (event->kind == FY_EV_FAILED && event->node >= 0) {
            note_blamed(ctl, event);
        }
        note_over(ctl, event, job, live, body, len);
        return 0;
    case FY_EV_LIMITS:
        if (len == strlen(ctl_cancel_mark) && memcmp(body, ctl_cancel_mark, len) == 0) {
            live->stopping = FY_WHY_CANCELLED;
        }
        break;
    default:
        break;
    }
    ctl_schedule(ctl, job);
    return 0;
}

int ctl_note(fy_ctl *ctl, const fy_event *event, const fy_job *job, const char *body, size_t len,
             fy_err *err)
{
    if (job == NULL) {
        if (event->kind == FY_EV_NODE_DRAINED || event->kind == FY_EV_NODE_RESUMED) {
            note_drained(ctl, event, body, len);
        }
        return 0;
    }
    return event->kind == FY_EV_SUBMITTED ? note_submitted(ctl, job, body, len, err)
                                          : note_job(ctl, event, job, body, len);
}
