/* SPDX-License-Identifier: MIT */
/*
 * The site's programs beside the runs: a run is asked for once its prolog has passed, its end is
 * taken once its epilog is over, and a node whose program says no is drained with what it said.
 * Level-triggered as everything: what was not seen when it happened is seen at the next look.
 */
#include "daemon/ctl_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char health_prefix[] = "health check: ";

static int32_t node_called(const fy_ctl *ctl, const char *name)
{
    for (size_t i = 0; i < ctl->fleet->n_nodes; i++) {
        if (strcmp(ctl->fleet->nodes[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

const char *ctl_drain_reason(const fy_ctl *ctl, int32_t node)
{
    return (size_t)node < ctl->drain_room ? ctl->drain_reasons[node] : NULL;
}

static const char *body_of(fy_ctl *ctl, const char *key, const char *text, size_t *len)
{
    fy_str *s = &ctl->body;

    fy_str_clear(s);
    fy_str_puts(s, "{");
    fy_json_put_text(s, key, text);
    fy_str_puts(s, "}");
    *len = s->len;
    return s->text;
}

static int node_event(fy_ctl *ctl, fy_event_kind kind, int32_t node, const char *reason,
                      fy_err *err)
{
    fy_event event = ctl_event(ctl, kind);
    size_t len;
    const char *body = body_of(ctl, "reason", reason, &len);

    event.node = node;
    return ctl_emit(ctl, &event, body, len, err);
}

static int drain(fy_ctl *ctl, int32_t node, const char *reason, fy_err *err)
{
    return node < 0 || ctl->fleet->nodes[node].drained
               ? 0
               : node_event(ctl, FY_EV_NODE_DRAINED, node, reason, err);
}

/* ------------------------------------------------------------------ prolog */

bool ctl_prolog_lets(fy_ctl *ctl, const fy_run_spec *spec)
{
    fy_hook_state state = ctl->options.hooks != NULL
                              ? fy_hooks_run(ctl->options.hooks, FY_HOOK_PROLOG, spec)
                              : FY_HOOK_NONE;

    return state == FY_HOOK_NONE || state == FY_HOOK_PASSED;
}

/* It never ran: the node goes, the job comes back, whatever it says of being requeued. */
static int prolog_failed(fy_ctl *ctl, fy_job *job, const fy_hook_result *done, fy_err *err)
{
    fy_live *live = ctl_live(ctl, job);
    fy_event event = ctl_job_event(ctl, FY_EV_FAILED, job);
    int32_t node = node_called(ctl, done->node);
    char text[500];
    size_t len;
    const char *body;
    int status;

    (void)snprintf(text, sizeof text, "prolog: %.250s (job %lld)", done->why, (long long)job->id);
    status = drain(ctl, node, text, err);
    if (status != 0) {
        return status;
    }
    (void)snprintf(text, sizeof text, "the prolog failed on %.120s: %.250s", done->node, done->why);
    free(live->note);
    live->note = strdup(text);
    body = body_of(ctl, "why", text, &len);
    event.a = 1;
    event.node = node;
    return ctl_emit(ctl, &event, body, len, err);
}

static int prolog_done(fy_ctl *ctl, const fy_hook_result *done, fy_err *err)
{
    fy_job *job = fy_fleet_job(ctl->fleet, done->key.job);

    if (job == NULL || job->attempt != done->key.attempt || job->state != FY_JOB_STARTING) {
        return 0;
    }
    if (done->state == FY_HOOK_FAILED) {
        return prolog_failed(ctl, job, done, err);
    }
    ctl_act(ctl, (fy_act){.kind = FY_ACT_START, .key = done->key});
    return 0;
}

/* ------------------------------------------------------------------ epilog */

/* Begin it, or say how it is. */
static fy_hook_result epilog(fy_ctl *ctl, const fy_job *job)
{
    fy_hooks *hooks = ctl->options.hooks;
    fy_run_key key = {job->id, job->attempt};
    fy_hook_result known = fy_hooks_known(hooks, FY_HOOK_EPILOG, key);

    if (known.state == FY_HOOK_NONE && fy_hooks_get(hooks)->programs[FY_HOOK_EPILOG].path != NULL) {
        fy_arena arena = {0};
        fy_submission what;
        fy_run_spec spec;
        fy_err err = {0};

        if (ctl_run_spec(ctl, job, &what, &spec, &arena, &err) == 0) {
            known.state = fy_hooks_run(hooks, FY_HOOK_EPILOG, &spec);
        }
        fy_arena_free(&arena);
        known = fy_hooks_known(hooks, FY_HOOK_EPILOG, key);
    }
    return known;
}

int ctl_epilog(fy_ctl *ctl, fy_job *job, bool failed, bool *wait, fy_err *err)
{
    fy_hook_result done;
    int status = 0;

    *wait = false;
    if (ctl->options.hooks == NULL) {
        return 0;
    }
    done = epilog(ctl, job);
    if (done.state == FY_HOOK_BUSY) {
        *wait = ctl_live(ctl, job)->ending = true;
        ctl_schedule(ctl, job);
        return 0;
    }
    for (int32_t i = 0; failed && i < job->n_holds; i++) {
        fy_hooks_suspect(ctl->options.hooks, ctl->fleet->nodes[job->holds[i].node].name, false);
    }
    if (done.state == FY_HOOK_FAILED) {
        char text[400];

        (void)snprintf(text, sizeof text, "epilog: %.250s (job %lld)", done.why,
                       (long long)job->id);
        status = drain(ctl, node_called(ctl, done.node), text, err);
    }
    return status;
}

/* ------------------------------------------------------------------ nodes */

static int take_health(fy_ctl *ctl, int32_t number, fy_err *err)
{
    const fy_node *node = &ctl->fleet->nodes[number];
    fy_hook_result health = fy_hooks_health(ctl->options.hooks, node->name);
    const char *reason = ctl_drain_reason(ctl, number);
    char text[400];

    if (health.state == FY_HOOK_FAILED && !node->drained) {
        (void)snprintf(text, sizeof text, "%s%.250s", health_prefix, health.why);
        return node_event(ctl, FY_EV_NODE_DRAINED, number, text, err);
    }
    if (health.state == FY_HOOK_PASSED && node->drained && reason != NULL &&
        fy_hooks_get(ctl->options.hooks)->auto_resume &&
        strncmp(reason, health_prefix, sizeof health_prefix - 1) == 0) {
        return node_event(ctl, FY_EV_NODE_RESUMED, number, "its health check passes again", err);
    }
    return 0;
}

int ctl_take_hooks(fy_ctl *ctl, fy_err *err)
{
    fy_hooks *hooks = ctl->options.hooks;
    fy_hook_result done;
    int status = 0;

    if (hooks == NULL) {
        return 0;
    }
    fy_hooks_work(hooks);
    while (status == 0 && fy_hooks_done(hooks, &done)) {
        status = done.kind == FY_HOOK_PROLOG ? prolog_done(ctl, &done, err)
                                             : ctl_look_at(ctl, done.key, err);
    }
    if (fy_hooks_checked(hooks) || ctl->next_list_us <= ctl->now_us) {
        for (size_t i = 0; status == 0 && i < ctl->fleet->n_nodes; i++) {
            status = take_health(ctl, (int32_t)i, err);
        }
    }
    return status;
}
