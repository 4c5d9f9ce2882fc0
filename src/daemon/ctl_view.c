/* SPDX-License-Identifier: MIT */
/*
 * Views: JSON written in one pass over the state. A tenant sees its own jobs, and of nodes what
 * anybody may know: how many devices are idle, not who has the others.
 */
#include "daemon/ctl_state.h"

#include <jansson.h>

#include <math.h>
#include <string.h>

enum { ENDED_ROWS = 1000 }; /* where nobody says how many */

/* ------------------------------------------------------------------ one job */

fy_shown_state ctl_shown(const fy_ctl *ctl, const fy_job *job)
{
    static const fy_shown_state states[] = {
        [FY_JOB_BLOCKED] = FY_SHOWN_BLOCKED, [FY_JOB_HELD] = FY_SHOWN_HELD,
        [FY_JOB_WAITING] = FY_SHOWN_WAITING, [FY_JOB_STARTING] = FY_SHOWN_STARTING,
        [FY_JOB_RUNNING] = FY_SHOWN_RUNNING, [FY_JOB_STOPPING] = FY_SHOWN_STOPPING,
        [FY_JOB_GONE] = FY_SHOWN_CANCELLED,
    };

    (void)ctl;
    return states[job->state];
}

static void put_nodes(const fy_ctl *ctl, const fy_job *job, fy_str *s)
{
    int32_t per_worker = job->rec.milli > 0 ? 1 : job->rec.devices;

    fy_json_key(s, "nodes");
    fy_str_puts(s, "[");
    for (int32_t i = 0; i < job->n_holds; i++) {
        const fy_hold *hold = &job->holds[i];
        const fy_node *node = &ctl->fleet->nodes[hold->node];

        fy_json_comma(s);
        fy_str_puts(s, "{");
        fy_json_put_text(s, "node", node->name);
        fy_json_put_int(s, "workers", hold->workers);
        fy_json_key(s, "devices");
        fy_str_puts(s, "[");
        for (int32_t k = 0; k < hold->workers * per_worker; k++) {
            fy_json_comma(s);
            fy_json_int(s, job->devices[hold->first + k] - node->first_device);
        }
        fy_str_puts(s, "]}");
    }
    fy_str_puts(s, "]");
}

/* What `fuyao queue` shows. */
static void put_row(const fy_ctl *ctl, const fy_job *job, const fy_live *live, const char *state,
                    fy_str *s)
{
    static const char *const priorities[] = {"high", "normal", "spot"};

    fy_json_put_int(s, "id", job->id);
    fy_json_put_text(s, "name", job->rec.name);
    fy_json_put_text(s, "tenant", ctl->fleet->tenants[job->tenant].name);
    fy_json_put_text(s, "user", live != NULL ? live->user : NULL);
    fy_json_put_text(s, "state", state);
    fy_json_put_text(s, "priority", priorities[job->rec.priority]);
    fy_json_put_int(s, "workers", job->rec.workers);
    fy_json_put_int(s, "devices", job->rec.milli > 0 ? 0 : job->rec.workers * job->rec.devices);
    if (job->rec.milli > 0) {
        fy_json_put_real(s, "share", (double)job->rec.milli / FY_WHOLE);
    }
    fy_json_put_us(s, "submitted_s", job->submit_us);
    if (live != NULL && live->array_index >= 0) {
        fy_json_put_int(s, "array_of", job->rec.array_of);
        fy_json_put_int(s, "array_index", live->array_index);
    }
    fy_json_put_int(s, "attempt", job->attempt);
    if (fy_job_holds(job)) {
        fy_json_put_text(s, "chip", ctl->fleet->pools[job->chip].name);
        fy_json_put_us(s, "started_s", job->start_us);
        fy_json_put_text(s, "node", ctl->fleet->nodes[job->holds[0].node].name);
        fy_json_put_int(s, "n_nodes", job->n_holds);
    }
}

static double units(const fy_job *job, int64_t q)
{
    return (double)q / job->rec.q_per_unit;
}

static void put_attempts(const fy_ctl *ctl, const fy_live *live, fy_str *s)
{
    fy_json_key(s, "attempts");
    fy_str_puts(s, "[");
    for (int32_t i = 0; i < live->n_past; i++) {
        const fy_past_attempt *past = &live->past[i];

        fy_json_comma(s);
        fy_str_puts(s, "{");
        fy_json_put_int(s, "attempt", past->attempt);
        fy_json_put_text(s, "chip", ctl->fleet->pools[past->chip].name);
        fy_json_put_us(s, "started_s", past->start_us);
        fy_json_put_us(s, "ended_s", past->end_us);
        fy_json_put_text(s, "how", past->how);
        fy_json_put_int(s, "exit", past->exit_code);
        if (past->exit_signal != 0) {
            fy_json_put_int(s, "signal", past->exit_signal);
        }
        fy_json_put_real(s, "lost_device_s", (double)past->lost_ms / 1000);
        fy_str_puts(s, "}");
    }
    fy_str_puts(s, "]");
}

static void put_costs(const fy_job *job, fy_str *s)
{
    fy_json_put_real(s, "held_device_s", (double)job->held_int / FY_WHOLE / 1e6);
    fy_json_put_real(s, "lost_device_s", (double)job->lost_int / FY_WHOLE / 1e6);
    fy_json_put_int(s, "preemptions", job->preemptions);
    fy_json_put_int(s, "failures", job->failures);
}

static void put_rates(const fy_ctl *ctl, const fy_job *job, fy_str *s)
{
    static const char *const unit = "units_per_s";

    fy_json_key(s, "chips");
    fy_str_puts(s, "[");
    for (int i = 0; i < job->rec.n_rates; i++) {
        fy_json_comma(s);
        fy_str_puts(s, "{");
        fy_json_put_text(s, "chip", ctl->fleet->pools[job->rec.rates[i].chip].name);
        fy_json_put_real(s, unit, units(job, job->rec.rates[i].rate_q));
        fy_json_put_text(s, "grade", fy_grade_name((fy_grade)job->rec.rates[i].grade));
        fy_str_puts(s, "}");
    }
    fy_str_puts(s, "]");
}

/* Where its output goes. */
static void put_output(const fy_ctl *ctl, const fy_job *job, const fy_live *live, fy_str *s)
{
    const char *pattern = live->body->output;
    fy_str path = {0};

    ctl_expand_into(job, live, live->body->workdir,
                    pattern != NULL ? pattern : ctl->options.default_output, &path);
    fy_json_put_text(s, "output", path.text);
    fy_str_free(&path);
}

static void put_full(const fy_ctl *ctl, const fy_job *job, const fy_live *live, fy_str *s)
{
    int64_t now_us = ctl->fleet->now_us;

    fy_json_put_int(s, "uid", live->uid);
    put_rates(ctl, job, s);
    fy_json_put_real(s, "work", job->rec.work_q >= 0 ? units(job, job->rec.work_q) : (double)NAN);
    fy_json_put_real(s, "done", units(job, fy_job_done(job, now_us)));
    if (fy_job_holds(job)) {
        put_nodes(ctl, job, s);
        fy_json_put_real(s, "progress", live->progress);
        fy_json_put_us(s, "expected_end_s",
                       job->state == FY_JOB_RUNNING && fy_job_finish_us(job) < FY_NEVER
                           ? fy_job_finish_us(job)
                           : -1);
    }
    if (job->state == FY_JOB_STOPPING) {
        fy_json_put_text(s, "stopping", fy_reason_text(live->stopping));
    }
    put_costs(job, s);
    if (live->note != NULL) {
        fy_json_put_text(s, "note", live->note);
    }
    put_attempts(ctl, live, s);
    put_output(ctl, job, live, s);
    fy_json_put_bool(s, "virtual", ctl->options.virtual_devices);
    fy_json_key(s, "submission");
    fy_str_add(s, live->body->text, live->body->len);
}

void ctl_write_job(const fy_ctl *ctl, const fy_job *job, bool full, fy_str *json)
{
    const fy_live *live = ctl_live(ctl, job);

    fy_str_puts(json, "{");
    put_row(ctl, job, live, fy_shown_name(ctl_shown(ctl, job)), json);
    if (job->state == FY_JOB_WAITING || job->state == FY_JOB_BLOCKED || job->state == FY_JOB_HELD) {
        int64_t other;
        fy_reason why = fy_sched_explain(ctl->sched, job->id, &other);

        fy_json_put_text(json, "reason", fy_reason_name(why));
        if (full) {
            fy_json_put_text(json, "why", fy_reason_text(why));
        }
    }
    if (full) {
        put_full(ctl, job, live, json);
    }
    fy_str_puts(json, "}");
}

/* ------------------------------------------------------------------ ended jobs */

void ctl_write_ended(const fy_ctl *ctl, const fy_job *job, const fy_event *event, const char *body,
                     size_t len, fy_str *json, char state[FY_ENDED_WORD])
{
    const fy_live *live = ctl_live(ctl, job);
    fy_shown_state shown = event->kind == FY_EV_FINISHED         ? FY_SHOWN_FINISHED
                           : event->kind == FY_EV_CANCELLED      ? FY_SHOWN_CANCELLED
                           : live->stopping == FY_WHY_TIME_LIMIT ? FY_SHOWN_TIMEOUT
                                                                 : FY_SHOWN_FAILED;

    (void)snprintf(state, FY_ENDED_WORD, "%s", fy_shown_name(shown));
    fy_str_puts(json, "{");
    put_row(ctl, job, live, state, json);
    fy_json_put_us(json, "first_started_s", job->first_start_us);
    fy_json_put_us(json, "ended_s", event->t_us);
    fy_json_put_int(json, "uid", live->uid);
    put_costs(job, json);
    put_attempts(ctl, live, json);
    put_output(ctl, job, live, json);
    if (len > 2) {
        fy_json_key(json, "end");
        fy_str_add(json, body, len);
    }
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_json_key(json, "submission");
    fy_str_add(json, live->body->text, live->body->len);
    fy_str_puts(json, "}");
}

static int past_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *out, fy_err *err)
{
    const char *json = NULL;
    const char *tenant;
    json_t *object;
    bool may;
    int status = fy_store_past_get(ctl->store, id, &json, err);

    if (status != 0 || json == NULL) {
        return status != 0 ? status
                           : fy_fail(err, FY_ENOENT, "there is no job %lld", (long long)id);
    }
    object = json_loads(json, 0, NULL);
    tenant = json_string_value(json_object_get(object, "tenant"));
    may = who->scope == FY_SCOPE_OPERATE || (tenant != NULL && strcmp(tenant, who->tenant) == 0);
    json_decref(object);
    if (!may) {
        return fy_fail(err, FY_ENOENT, "there is no job %lld", (long long)id);
    }
    fy_str_puts(out, json);
    return 0;
}

int fy_ctl_view_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json, fy_err *err)
{
    fy_job *job;

    if (fy_fleet_job(ctl->fleet, id) == NULL) {
        return past_job(ctl, who, id, json, err);
    }
    if (ctl_find(ctl, who, id, &job, err) != 0) {
        return FY_ENOENT;
    }
    ctl_tick(ctl);
    fy_fleet_integrate(ctl->fleet, ctl->fleet->now_us);
    ctl_write_job(ctl, job, true, json);
    return 0;
}

/* ------------------------------------------------------------------ the queue */

static bool passes(const fy_ctl *ctl, const fy_who *who, const fy_job_filter *filter,
                   const fy_job *job)
{
    const fy_live *live = ctl_live(ctl, job);

    if (job->id <= filter->after || !ctl_may_see(ctl, who, job->tenant) ||
        (filter->tenant != NULL &&
         strcmp(filter->tenant, ctl->fleet->tenants[job->tenant].name) != 0) ||
        (filter->name != NULL && strcmp(filter->name, job->rec.name) != 0) ||
        (filter->user != NULL && (live->user == NULL || strcmp(filter->user, live->user) != 0))) {
        return false;
    }
    return filter->states == 0 || (filter->states >> ctl_shown(ctl, job) & 1) != 0;
}

typedef struct past_rows {
    const fy_job_filter *filter;
    fy_str *json;
    int n;
} past_rows;

static int past_row(void *ctx, const fy_past_job *job, fy_err *err)
{
    past_rows *rows = ctx;
    bool wanted = false;

    (void)err;
    for (int s = FY_SHOWN_FINISHED; s < FY_N_SHOWN; s++) {
        wanted |= (rows->filter->states >> s & 1) != 0 &&
                  strcmp(job->state, fy_shown_name((fy_shown_state)s)) == 0;
    }
    if (wanted && (rows->filter->name == NULL || strcmp(rows->filter->name, job->name) == 0)) {
        fy_json_comma(rows->json);
        fy_str_puts(rows->json, job->json);
        rows->n++;
    }
    return 0;
}

/* Ended jobs, newest first, where the filter asks for such states. */
static int past_jobs(fy_ctl *ctl, const fy_who *who, const fy_job_filter *filter, fy_str *json,
                     fy_err *err)
{
    const unsigned ended = ~0u << FY_SHOWN_FINISHED;
    past_rows rows = {.filter = filter, .json = json};
    const char *tenant = who->scope == FY_SCOPE_OPERATE ? filter->tenant : who->tenant;

    return (filter->states & ended) == 0
               ? 0
               : fy_store_past_list(ctl->store, -1, filter->limit > 0 ? filter->limit : ENDED_ROWS,
                                    tenant, past_row, &rows, err);
}

void fy_ctl_view_jobs(fy_ctl *ctl, const fy_who *who, const fy_job_filter *filter, fy_str *json)
{
    const fy_fleet *fleet = ctl->fleet;
    int n = 0;
    int64_t last = -1;
    fy_err err = {0};
    bool failed;
    int64_t id = filter->after >= 0 ? filter->after + 1 : 0;

    ctl_tick(ctl);
    fy_fleet_integrate(ctl->fleet, ctl->fleet->now_us);
    fy_str_puts(json, "{");
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_json_put_us(json, "now_s", fleet->now_us);
    fy_json_key(json, "jobs");
    fy_str_puts(json, "[");
    for (; (uint64_t)id < fleet->n_ids && (filter->limit == 0 || n < filter->limit); id++) {
        const fy_job *job = fy_fleet_job(fleet, id);

        if (job != NULL && passes(ctl, who, filter, job)) {
            fy_json_comma(json);
            ctl_write_job(ctl, job, filter->full, json);
            last = id;
            n++;
        }
    }
    failed = past_jobs(ctl, who, filter, json, &err) != 0;
    fy_str_puts(json, "]");
    if (failed) {
        fy_json_put_text(json, "error", err.text);
    }
    if ((uint64_t)id < fleet->n_ids) {
        fy_json_put_int(json, "next", last);
    }
    fy_str_puts(json, "}");
}

/* ------------------------------------------------------------------ output, events */

int fy_ctl_output(fy_ctl *ctl, const fy_who *who, int64_t id, fy_arena *arena, const char **path,
                  int64_t *uid, fy_err *err)
{
    fy_str text = {0};
    json_t *json = NULL;
    json_int_t owner = -1;
    const char *output = NULL;
    int status = fy_ctl_view_job(ctl, who, id, &text, err);

    if (status == 0) {
        json = json_loadb(text.text, text.len, 0, NULL);
        if (json_unpack(json, "{s:s, s:I}", "output", &output, "uid", &owner) != 0) {
            status = fy_fail(err, FY_EINVAL, "job %lld has no output", (long long)id);
        } else {
            *path = fy_arena_strdup(arena, output);
            *uid = owner;
        }
    }
    json_decref(json);
    fy_str_free(&text);
    return status;
}
