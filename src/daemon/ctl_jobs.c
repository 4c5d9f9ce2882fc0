/* SPDX-License-Identifier: MIT */
/* What people ask of jobs and nodes once they are there. */
#include "daemon/ctl_state.h"

#include <assert.h>
#include <string.h>

const char ctl_cancel_mark[] = "{\"cancel\":true}";

/* ------------------------------------------------------------------ who may */

bool ctl_may_see(const fy_ctl *ctl, const fy_who *who, int32_t tenant)
{
    return who->scope == FY_SCOPE_OPERATE ||
           strcmp(ctl->fleet->tenants[tenant].name, who->tenant) == 0;
}

static int no_job(int64_t id, fy_err *err)
{
    return fy_fail(err, FY_ENOENT, "there is no job %lld", (long long)id);
}

int ctl_find(const fy_ctl *ctl, const fy_who *who, int64_t id, fy_job **out, fy_err *err)
{
    fy_job *job = fy_fleet_job(ctl->fleet, id);

    if (job == NULL || !ctl_may_see(ctl, who, job->tenant)) {
        return no_job(id, err);
    }
    *out = job;
    return 0;
}

/* The job, live and open to changes by `who`. */
static int find_live(fy_ctl *ctl, const fy_who *who, int64_t id, fy_job **out, fy_err *err)
{
    const char *json = NULL;
    bool ended;

    ctl_tick(ctl);
    if (who->scope < FY_SCOPE_SUBMIT) {
        return fy_fail(err, FY_EINVAL, "this access may read only");
    }
    if (fy_fleet_job(ctl->fleet, id) != NULL) {
        return ctl_find(ctl, who, id, out, err);
    }
    ended = fy_store_past_get(ctl->store, id, &json, NULL) == 0 && json != NULL;
    if (ended) {
        fy_str seen = {0};
        int status = fy_ctl_view_job(ctl, who, id, &seen, err);

        fy_str_free(&seen);
        return status != 0 ? status
                           : fy_fail(err, FY_EINVAL, "job %lld has ended already", (long long)id);
    }
    return no_job(id, err);
}

static int only_operators(const fy_who *who, const char *what, fy_err *err)
{
    return who->scope < FY_SCOPE_OPERATE
               ? fy_fail(err, FY_EINVAL, "only operators %s; %.60s is not one", what, who->user)
               : 0;
}

/* Who asked, for the journal. */
static const char *by(fy_ctl *ctl, const fy_who *who, const char *reason, size_t *len)
{
    fy_str *s = &ctl->body;

    fy_str_clear(s);
    fy_str_puts(s, "{");
    fy_json_put_int(s, "uid", who->uid);
    fy_json_put_text(s, "user", who->user);
    if (reason != NULL) {
        fy_json_put_text(s, "reason", reason);
    }
    fy_str_puts(s, "}");
    *len = s->len;
    return s->text;
}

static int emit_by(fy_ctl *ctl, const fy_who *who, const fy_event *event, const char *reason,
                   fy_err *err)
{
    size_t len;
    const char *body = by(ctl, who, reason, &len);

    return ctl_emit(ctl, event, body, len, err);
}

/* ------------------------------------------------------------------ jobs */

static int stop(fy_ctl *ctl, const fy_who *who, const fy_job *job, fy_reason reason, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, FY_EV_STOPPING, job);

    event.reason = reason;
    return emit_by(ctl, who, &event, NULL, err);
}

static int cancel(fy_ctl *ctl, const fy_who *who, fy_job *job, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, FY_EV_CANCELLED, job);

    if (job->state == FY_JOB_STOPPING) {
        if (ctl_live(ctl, job)->stopping == FY_WHY_CANCELLED) {
            return 0; /* asked before: it is on its way out */
        }
        /* It is being stopped for another reason and would come back. Its devices are not free
         * before its run is gone, so for now the journal only notes what it will end as. */
        event = ctl_job_event(ctl, FY_EV_LIMITS, job);
        event.a = job->rec.limit_us;
        return ctl_emit(ctl, &event, ctl_cancel_mark, strlen(ctl_cancel_mark), err);
    }
    if (fy_job_holds(job)) {
        return stop(ctl, who, job, FY_WHY_CANCELLED, err);
    }
    return emit_by(ctl, who, &event, NULL, err);
}

static int hold(fy_ctl *ctl, const fy_who *who, const fy_job *job, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, FY_EV_HELD, job);

    if (job->state == FY_JOB_HELD) {
        return 0;
    }
    if (job->state != FY_JOB_WAITING) {
        return fy_fail(err, FY_EINVAL, "job %lld is %s; only a waiting job can be held%s",
                       (long long)job->id, fy_shown_name(ctl_shown(ctl, job)),
                       fy_job_holds(job) ? ": requeue it, then hold it" : "");
    }
    return emit_by(ctl, who, &event, NULL, err);
}

static int release(fy_ctl *ctl, const fy_who *who, const fy_job *job, fy_err *err)
{
    fy_event event = ctl_job_event(ctl, FY_EV_RELEASED, job);

    if (job->state == FY_JOB_WAITING) {
        return 0;
    }
    if (job->state == FY_JOB_HELD && job->n_open < 0) {
        return fy_fail(err, FY_EINVAL,
                       "job %lld waits for a job that did not finish well: cancel it",
                       (long long)job->id);
    }
    if (job->state != FY_JOB_HELD) {
        return fy_fail(err, FY_EINVAL, "job %lld is %s, not held", (long long)job->id,
                       fy_shown_name(ctl_shown(ctl, job)));
    }
    return emit_by(ctl, who, &event, NULL, err);
}

static int requeue(fy_ctl *ctl, const fy_who *who, const fy_job *job, fy_err *err)
{
    if (job->state != FY_JOB_RUNNING && job->state != FY_JOB_STARTING) {
        return fy_fail(err, FY_EINVAL, "job %lld is %s; only a running job can be requeued",
                       (long long)job->id, fy_shown_name(ctl_shown(ctl, job)));
    }
    return stop(ctl, who, job, FY_WHY_REQUEUED, err);
}

int fy_ctl_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_job_verb verb, fy_err *err)
{
    fy_job *job = NULL;
    int status = find_live(ctl, who, id, &job, err);

    if (status != 0) {
        return status;
    }
    assert(job != NULL);
    switch (verb) {
    case FY_VERB_CANCEL:
        return cancel(ctl, who, job, err);
    case FY_VERB_HOLD:
        return hold(ctl, who, job, err);
    case FY_VERB_RELEASE:
        return release(ctl, who, job, err);
    case FY_VERB_REQUEUE:
        return requeue(ctl, who, job, err);
    }
    return fy_fail(err, FY_EINVAL, "no such verb");
}

int fy_ctl_signal(fy_ctl *ctl, const fy_who *who, int64_t id, int signo, fy_err *err)
{
    fy_job *job = NULL;
    int status = find_live(ctl, who, id, &job, err);

    if (status != 0) {
        return status;
    }
    assert(job != NULL);
    if (job->state != FY_JOB_RUNNING) {
        return fy_fail(err, FY_EINVAL, "job %lld is %s: a signal goes to a running job",
                       (long long)id, fy_shown_name(ctl_shown(ctl, job)));
    }
    ctl_act(ctl, (fy_act){.kind = FY_ACT_SIGNAL, .key = {job->id, job->attempt}, .signo = signo});
    return 0;
}

/* Equal in a time that does not depend on where they differ. */
static bool equal_secrets(const char *a, const char *b)
{
    size_t n = strlen(a);
    unsigned differ = strlen(b) != n;

    for (size_t i = 0; i < n && b[i] != '\0'; i++) {
        differ |= (unsigned char)(a[i] ^ b[i]);
    }
    return differ == 0;
}

int fy_ctl_progress(fy_ctl *ctl, fy_run_key key, const char *token, double done, fy_err *err)
{
    fy_job *job = fy_fleet_job(ctl->fleet, key.job);
    char want[33];

    ctl_tick(ctl);
    ctl_token(ctl, key, want);
    if (job == NULL || !equal_secrets(want, token)) {
        return fy_fail(err, FY_ENOENT, "no run %lld.%d has this token", (long long)key.job,
                       key.attempt);
    }
    if (job->attempt != key.attempt || job->state != FY_JOB_RUNNING) {
        return fy_fail(err, FY_EINVAL, "run %lld.%d is over", (long long)key.job, key.attempt);
    }
    if (!(done >= 0 && done < 1e18)) {
        return fy_fail(err, FY_EINVAL, "progress: give units of work done, 0 or more");
    }
    return ctl_observed(ctl, job, done, err);
}

/* ------------------------------------------------------------------ nodes */

static int find_node(fy_ctl *ctl, const char *name, int32_t *out, fy_err *err)
{
    ctl_tick(ctl);
    for (size_t i = 0; i < ctl->fleet->n_nodes; i++) {
        if (strcmp(ctl->fleet->nodes[i].name, name) == 0) {
            *out = (int32_t)i;
            return 0;
        }
    }
    return fy_fail(err, FY_ENOENT, "there is no node %.60s; `fuyao nodes` lists them", name);
}

int fy_ctl_node(fy_ctl *ctl, const fy_who *who, const char *node, fy_node_verb verb,
                const char *reason, fy_err *err)
{
    bool drain = verb == FY_NODE_DRAIN;
    fy_event event = ctl_event(ctl, drain ? FY_EV_NODE_DRAINED : FY_EV_NODE_RESUMED);
    int status = only_operators(who, "drain and resume nodes", err);

    if (status == 0) {
        status = find_node(ctl, node, &event.node, err);
        event.t_us = ctl->now_us;
    }
    if (status == 0 && drain && (reason == NULL || reason[0] == '\0')) {
        status =
            fy_fail(err, FY_EINVAL, "drain %.60s: give a reason; others will ask for it", node);
    }
    return status == 0 ? emit_by(ctl, who, &event, reason, err) : status;
}

int fy_ctl_reserve(fy_ctl *ctl, const fy_who *who, const char *node, const char *tenant,
                   int64_t from_us, int64_t to_us, fy_err *err)
{
    fy_event event = ctl_event(ctl, FY_EV_NODE_RESERVED);
    int status = only_operators(who, "reserve nodes", err);

    if (status == 0) {
        status = find_node(ctl, node, &event.node, err);
        event.t_us = ctl->now_us;
    }
    if (status == 0 && tenant != NULL) {
        event.tenant = ctl_tenant(ctl, tenant);
        if (event.tenant < 0) {
            status = fy_fail(err, FY_ENOENT, "there is no tenant %.60s", tenant);
        }
    }
    if (status == 0 && to_us < from_us) {
        status = fy_fail(err, FY_EINVAL, "a reservation ends after it begins");
    }
    event.a = from_us;
    event.b = to_us;
    return status == 0 ? emit_by(ctl, who, &event, NULL, err) : status;
}
