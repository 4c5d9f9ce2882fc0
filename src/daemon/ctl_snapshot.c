/* SPDX-License-Identifier: MIT */
/*
 * The controller's snapshot: the fleet's and the policy's own, and in JSON what the live records
 * add. It follows from the journal alone, so it may be thrown away at any time.
 *
 *     "fuyao-ctl 1\n"  then three parts, each `LENGTH\n` and so many bytes: fleet, policy, records
 */
#include "base/num.h"
#include "daemon/ctl_state.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char header[] = "fuyao-ctl 1\n";

/* ------------------------------------------------------------------ writing */

static void put_part(fy_str *out, const fy_str *part)
{
    fy_str_printf(out, "%zu\n", part->len);
    fy_str_add(out, part->text != NULL ? part->text : "", part->len);
}

/* Exactly, unlike fy_json_put_real, which rounds for people. */
static void put_exact(fy_str *out, const char *key, double value)
{
    char text[FY_NUM_TEXT];

    fy_json_key(out, key);
    if (isfinite(value)) {
        fy_str_add(out, text, fy_num_put_double(text, value));
    } else {
        fy_str_puts(out, "null");
    }
}

static void add_int(fy_str *out, int64_t value)
{
    fy_json_comma(out);
    fy_json_int(out, value);
}

static void put_attempts(fy_str *out, const fy_live *live)
{
    fy_json_key(out, "past");
    fy_str_puts(out, "[");
    for (int32_t i = 0; i < live->n_past; i++) {
        const fy_past_attempt *p = &live->past[i];
        const int64_t numbers[] = {p->start_us, p->end_us,  p->lost_ms,   p->attempt,
                                   p->chip,     p->devices, p->exit_code, p->exit_signal};

        fy_json_comma(out);
        fy_str_puts(out, "[");
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            add_int(out, numbers[k]);
        }
        fy_json_comma(out);
        fy_json_text(out, p->how);
        fy_str_puts(out, "]");
    }
    fy_str_puts(out, "]");
}

/* `like`: the first job that shares its body, or -1 where it is the first. */
static void put_live(fy_str *out, const fy_live *live, int64_t like)
{
    fy_json_comma(out);
    fy_str_puts(out, "{");
    fy_json_put_int(out, "id", live->id);
    fy_json_put_int(out, "uid", live->uid);
    fy_json_put_int(out, "gid", live->gid);
    fy_json_put_text(out, "user", live->user);
    fy_json_put_int(out, "index", live->array_index);
    fy_json_put_int(out, "stopping", (int)live->stopping);
    fy_json_put_int(out, "stop_us", live->stop_us);
    put_exact(out, "progress", live->progress);
    fy_json_put_int(out, "progress_us", live->progress_us);
    fy_json_put_int(out, "from_us", live->progress_from_us);
    put_exact(out, "from", live->progress_from);
    fy_json_put_int(out, "n_attempts", live->n_attempts);
    fy_json_put_text(out, "note", live->note);
    put_attempts(out, live);
    if (like >= 0) {
        fy_json_put_int(out, "like", like);
    } else {
        fy_json_put_text(out, "body", live->body->text);
    }
    fy_str_puts(out, "}");
}

/* Tasks of an array share one body: the first of them carries it. */
static void put_lives(fy_str *out, const fy_ctl *ctl)
{
    fy_json_key(out, "jobs");
    fy_str_puts(out, "[");
    for (size_t id = 0; id < ctl->fleet->n_ids; id++) {
        const fy_job *job = fy_fleet_job(ctl->fleet, (int64_t)id);
        const fy_live *live = job != NULL ? ctl_live(ctl, job) : NULL;
        const fy_job *first = live != NULL && job->rec.array_of >= 0
                                  ? fy_fleet_job(ctl->fleet, job->rec.array_of)
                                  : NULL;
        bool shared = first != NULL && first != job && ctl_live(ctl, first)->body == live->body;

        if (live != NULL) {
            put_live(out, live, shared ? first->id : -1);
        }
    }
    fy_str_puts(out, "]");
}

static void put_keys(fy_str *out, const fy_ctl *ctl)
{
    fy_json_key(out, "keys");
    fy_str_puts(out, "[");
    for (const fy_seen_key *key = ctl->keys; key != NULL; key = key->hh.next) {
        fy_json_comma(out);
        fy_str_puts(out, "[");
        fy_json_text(out, key->text);
        add_int(out, key->first);
        add_int(out, key->count);
        add_int(out, key->at_us);
        fy_str_puts(out, "]");
    }
    fy_str_puts(out, "]");
}

static void put_drains(fy_str *out, const fy_ctl *ctl)
{
    fy_json_key(out, "drains");
    fy_str_puts(out, "[");
    for (size_t i = 0; i < ctl->drain_room; i++) {
        if (ctl->drain_reasons[i] != NULL) {
            fy_json_comma(out);
            fy_str_puts(out, "[");
            add_int(out, (int64_t)i);
            fy_json_comma(out);
            fy_json_text(out, ctl->drain_reasons[i]);
            fy_str_puts(out, "]");
        }
    }
    fy_str_puts(out, "]");
}

/* Written without a tree of objects: the daemon answers nobody while it saves. */
void ctl_save(const fy_ctl *ctl, fy_str *out)
{
    fy_str part = {0};

    fy_str_puts(out, header);
    fy_fleet_save(ctl->fleet, &part);
    put_part(out, &part);
    fy_str_clear(&part);
    fy_sched_save(ctl->sched, &part);
    put_part(out, &part);
    fy_str_clear(&part);
    fy_str_puts(&part, "{");
    put_lives(&part, ctl);
    put_keys(&part, ctl);
    put_drains(&part, ctl);
    fy_json_put_text(&part, "policy", fy_sched_name(ctl->sched));
    fy_json_put_text(&part, "config", fy_sched_config(ctl->sched));
    fy_str_puts(&part, "}");
    put_part(out, &part);
    fy_str_free(&part);
}

/* ------------------------------------------------------------------ reading */

typedef struct reading {
    const char *at, *end;
} reading;

static int get_part(reading *r, const char **part, size_t *len, fy_err *err)
{
    size_t n = 0;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && n < SIZE_MAX / 16) {
        n = n * 10 + (size_t)(*r->at++ - '0');
    }
    if (r->at == r->end || *r->at != '\n' || n > (size_t)(r->end - r->at - 1)) {
        return fy_fail(err, FY_EPARSE, "snapshot: cut off");
    }
    *part = r->at + 1;
    *len = n;
    r->at += n + 1;
    return 0;
}

static const char *word_of(const char *text)
{
    static const char *const words[] = {"finished", "cancelled", "timeout",  "lost",
                                        "failed",   "requeued",  "preempted"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], text) == 0) {
            return words[i];
        }
    }
    return "failed";
}

static int load_attempts(fy_live *live, const json_t *list)
{
    size_t n = json_array_size(list);

    live->past = n > 0 ? fy_calloc(n, sizeof *live->past) : NULL;
    for (size_t i = 0; i < n && i < FY_KEPT_ATTEMPTS; i++) {
        fy_past_attempt *p = &live->past[live->n_past];
        json_int_t start, end, lost;
        const char *how;

        if (json_unpack(json_array_get(list, i), "[I, I, I, i, i, i, i, i, s]", &start, &end, &lost,
                        &p->attempt, &p->chip, &p->devices, &p->exit_code, &p->exit_signal,
                        &how) != 0) {
            return FY_EPARSE;
        }
        p->start_us = start;
        p->end_us = end;
        p->lost_ms = lost;
        p->how = word_of(how);
        live->n_past++;
    }
    return 0;
}

static double real_of(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static fy_body *shared_body(fy_ctl *ctl, const json_t *json)
{
    const json_t *text = json_object_get(json, "body");
    const json_t *like = json_object_get(json, "like");
    fy_body *body = NULL;

    if (json_is_string(text)) {
        size_t len = json_string_length(text);

        body = fy_calloc(1, sizeof *body + len + 1);
        memcpy(body->text, json_string_value(text), len);
        body->len = len;
        body->refs = 1;
    } else if (json_is_integer(like)) {
        const fy_job *first = fy_fleet_job(ctl->fleet, json_integer_value(like));
        fy_live *live =
            first != NULL && (size_t)first->slot < ctl->lives_room ? ctl->lives[first->slot] : NULL;

        body = live != NULL ? live->body : NULL;
        if (body != NULL) {
            body->refs++;
        }
    }
    return body;
}

static int load_live(fy_ctl *ctl, const json_t *json, fy_err *err)
{
    json_int_t id, uid, gid, stop_us, progress_us, from_us;
    const char *user = json_string_value(json_object_get(json, "user"));
    const char *note = json_string_value(json_object_get(json, "note"));
    int index, stopping, n_attempts;
    const json_t *past;
    const fy_job *job;
    fy_live *live;

    if (json_unpack((json_t *)(uintptr_t)json, "{s:I, s:I, s:I, s:i, s:i, s:I, s:I, s:I, s:i, s:o}",
                    "id", &id, "uid", &uid, "gid", &gid, "index", &index, "stopping", &stopping,
                    "stop_us", &stop_us, "progress_us", &progress_us, "from_us", &from_us,
                    "n_attempts", &n_attempts, "past", &past) != 0) {
        return fy_fail(err, FY_EPARSE, "snapshot: a job's record is malformed");
    }
    job = fy_fleet_job(ctl->fleet, id);
    if (job == NULL || (unsigned)stopping >= FY_N_REASONS ||
        ((size_t)job->slot < ctl->lives_room && ctl->lives[job->slot] != NULL)) {
        return fy_fail(err, FY_EPARSE, "snapshot: job %lld is not the fleet's", (long long)id);
    }
    live = ctl_live_new(ctl, job);
    live->uid = uid;
    live->gid = gid;
    live->user = user != NULL ? strdup(user) : NULL;
    live->note = note != NULL ? strdup(note) : NULL;
    live->array_index = index;
    live->stopping = (fy_reason)stopping;
    live->stop_us = stop_us;
    live->progress = real_of(json, "progress");
    live->progress_from = real_of(json, "from");
    live->progress_us = progress_us;
    live->progress_from_us = from_us;
    live->n_attempts = n_attempts;
    live->body = shared_body(ctl, json);
    if (live->body == NULL || load_attempts(live, past) != 0) {
        return fy_fail(err, FY_EPARSE, "snapshot: job %lld: no submission", (long long)id);
    }
    ctl->live_of_tenant = fy_grow(ctl->live_of_tenant, &ctl->tenant_room, ctl->fleet->n_tenants,
                                  sizeof *ctl->live_of_tenant);
    ctl->live_of_tenant[job->tenant]++;
    return ctl_live_read(live, err);
}

static int load_keys(fy_ctl *ctl, const json_t *list, fy_err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t first, at_us;
        const char *text;
        int count;

        if (json_unpack(json_array_get(list, i), "[s, I, i, I]", &text, &first, &count, &at_us) !=
            0) {
            return fy_fail(err, FY_EPARSE, "snapshot: an idempotency key is malformed");
        }
        ctl_key_add(ctl, text, first, count, at_us);
    }
    return 0;
}

static int load_drains(fy_ctl *ctl, const json_t *list, fy_err *err)
{
    ctl->drain_room = ctl->fleet->n_nodes;
    ctl->drain_reasons = fy_calloc(ctl->drain_room + 1, sizeof *ctl->drain_reasons);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *reason;
        int node;

        if (json_unpack(json_array_get(list, i), "[i, s]", &node, &reason) != 0 || node < 0 ||
            (size_t)node >= ctl->drain_room || ctl->drain_reasons[node] != NULL) {
            return fy_fail(err, FY_EPARSE, "snapshot: a drain's reason is malformed");
        }
        ctl->drain_reasons[node] = strdup(reason);
    }
    return 0;
}

static int load_records(fy_ctl *ctl, const json_t *json, fy_err *err)
{
    const json_t *jobs = json_object_get(json, "jobs");
    int status = 0;

    ctl->live_of_tenant = fy_grow(ctl->live_of_tenant, &ctl->tenant_room, ctl->fleet->n_tenants,
                                  sizeof *ctl->live_of_tenant);
    for (size_t i = 0; i < ctl->tenant_room; i++) {
        ctl->live_of_tenant[i] = 0;
    }
    for (size_t i = 0; i < json_array_size(jobs) && status == 0; i++) {
        status = load_live(ctl, json_array_get(jobs, i), err);
    }
    for (size_t i = 0; i < ctl->fleet->n_slots && status == 0; i++) {
        const fy_job *job = ctl->fleet->jobs[i];

        if (job->state == FY_JOB_GONE) {
            continue;
        }
        if ((size_t)job->slot >= ctl->lives_room || ctl->lives[job->slot] == NULL) {
            status =
                fy_fail(err, FY_EPARSE, "snapshot: job %lld has no record", (long long)job->id);
        } else {
            ctl_schedule(ctl, job);
        }
    }
    if (status == 0) {
        status = load_keys(ctl, json_object_get(json, "keys"), err);
    }
    return status == 0 ? load_drains(ctl, json_object_get(json, "drains"), err) : status;
}

int ctl_load(fy_ctl *ctl, const void *bytes, size_t len, fy_err *err)
{
    reading r = {.at = bytes, .end = (const char *)bytes + len};
    const char *fleet = NULL, *policy = NULL, *records = NULL;
    size_t n_fleet = 0, n_policy = 0, n_records = 0;
    fy_fleet *loaded;
    json_t *json;
    int status;

    if (len < sizeof header - 1 || memcmp(r.at, header, sizeof header - 1) != 0) {
        return fy_fail(err, FY_EPARSE, "snapshot: not one of this version");
    }
    r.at += sizeof header - 1;
    if (get_part(&r, &fleet, &n_fleet, err) != 0 || get_part(&r, &policy, &n_policy, err) != 0 ||
        get_part(&r, &records, &n_records, err) != 0) {
        return FY_EPARSE;
    }
    status = fy_fleet_load(&loaded, fleet, n_fleet, err);
    if (status != 0) {
        return status;
    }
    fy_fleet_free(ctl->fleet);
    ctl->fleet = loaded;
    ctl->now_us = loaded->now_us;
    json = json_loadb(records, n_records, 0, NULL);
    status = ctl_restore_policy(ctl, json_string_value(json_object_get(json, "policy")),
                                json_string_value(json_object_get(json, "config")), policy,
                                n_policy, err);
    if (status == 0) {
        status = load_records(ctl, json, err);
    }
    json_decref(json);
    return status;
}
