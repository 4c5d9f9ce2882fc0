/* SPDX-License-Identifier: MIT */
/* Routes about jobs. */
#include "base/arena.h"
#include "base/num.h"
#include "daemon/api_internal.h"
#include "daemon/json_text.h"
#include "daemon/output.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ submissions */

/* The elements of a bulk body, read before the first of them is taken. */
typedef struct bulk {
    fy_submission *each;
    size_t n, room;
    fy_arena *arena;
} bulk;

static int read_one(void *ctx, int i, const char *text, size_t len, fy_err *err)
{
    bulk *b = ctx;
    int code;

    b->each = fy_grow(b->each, &b->room, b->n + 1, sizeof *b->each);
    code = fy_submission_read(&b->each[b->n], text, len, b->arena, err);
    if (code != 0) {
        return fy_fail_prefix(err, code, "element %d", i);
    }
    b->n++;
    return 0;
}

static int add_taken(fy_api *api, const fy_request *request, const fy_submission *what,
                     fy_reply *reply, bool *again, fy_err *err)
{
    int64_t first = 0;
    int count = 0;
    int code = fy_ctl_submit(api->ctl, request->who, what, &first, &count, again, err);

    if (code == 0) {
        fy_str_printf(&reply->body, "{\"id\": %lld, \"count\": %d, \"again\": %s}",
                      (long long)first, count, *again ? "true" : "false");
        reply->job = first;
    }
    return code;
}

static int add_tried(fy_api *api, const fy_request *request, const fy_submission *what,
                     fy_reply *reply, fy_err *err)
{
    return fy_ctl_try(api->ctl, request->who, what, &reply->body, err);
}

/* One request must not keep the daemon from all others for long. */
static int bulk_fits(const bulk *b, bool dry, fy_err *err)
{
    int64_t jobs = 0;

    for (size_t i = 0; i < b->n; i++) {
        jobs += b->each[i].n_array > 0 ? b->each[i].n_array : 1;
    }
    if (jobs > FY_SUBMISSION_MAX_TASKS) {
        return fy_fail(err, FY_ERANGE, "one request makes %d jobs at most, not %lld",
                       (int)FY_SUBMISSION_MAX_TASKS, (long long)jobs);
    }
    if (dry && b->n > FY_API_TRIES) {
        return fy_fail(err, FY_ERANGE, "one dry run takes %d submissions at most, not %zu",
                       (int)FY_API_TRIES, b->n);
    }
    return 0;
}

static int submit_bulk(fy_api *api, const fy_request *request, bool dry, fy_arena *arena,
                       fy_reply *reply, fy_err *err)
{
    bulk b = {.arena = arena};
    size_t bad = 0;
    int n = fy_json_split(request->body, request->body_len, FY_API_BULK, read_one, &b, err);

    n = n >= 0 ? bulk_fits(&b, dry, err) : n;
    fy_str_puts(&reply->body, "[");
    for (size_t i = 0; n >= 0 && i < b.n; i++) {
        fy_err one = {0};
        bool again = false;
        fy_str_puts(&reply->body, i > 0 ? ",\n " : "\n ");
        size_t mark = reply->body.len;
        int code = dry ? add_tried(api, request, &b.each[i], reply, &one)
                       : add_taken(api, request, &b.each[i], reply, &again, &one);
        if (code != 0) {
            reply->body.len = mark;
            fy_json_error(&reply->body, one.text);
            reply->body.len--; /* its newline */
            bad++;
        }
    }
    fy_str_puts(&reply->body, "\n]\n");
    free(b.each);
    reply->job = -1;
    reply->status = bad == 0 ? (dry ? 200 : 201) : bad < b.n ? 207 : 400;
    return n < 0 ? n : 0;
}

static int submit_one(fy_api *api, const fy_request *request, bool dry, fy_arena *arena,
                      fy_reply *reply, fy_err *err)
{
    fy_submission what;
    bool again = false;
    int code = fy_submission_read(&what, request->body, request->body_len, arena, err);

    if (code != 0) {
        return code;
    }
    code = dry ? add_tried(api, request, &what, reply, err)
               : add_taken(api, request, &what, reply, &again, err);
    fy_str_puts(&reply->body, "\n");
    reply->status = dry || again ? 200 : 201;
    return code;
}

static int read_flag(const fy_uri *uri, const char *key, bool *out, fy_err *err)
{
    int64_t value = 0;
    int code = fy_api_int(uri, key, 0, 1, 0, &value, err);

    *out = value != 0;
    return code;
}

int fy_api_submit(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    fy_arena arena = {0};
    bool dry = false;
    int code = read_flag(&request->uri, "dry_run", &dry, err);

    if (code == 0 && request->body_len == 0) {
        code = fy_fail(err, FY_EPARSE, "the body is empty: it is a submission or an array of them");
    }
    if (code == 0) {
        bool many = fy_json_first(request->body, request->body_len) == '[';
        code = many ? submit_bulk(api, request, dry, &arena, reply, err)
                    : submit_one(api, request, dry, &arena, reply, err);
    }
    fy_arena_free(&arena);
    return code;
}

/* ------------------------------------------------------------------ views */

static int read_states(const char *text, unsigned *out, fy_err *err)
{
    *out = 0;
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, ",");
        int state = 0;
        while (state < FY_N_SHOWN &&
               (strlen(fy_shown_name((fy_shown_state)state)) != len ||
                memcmp(fy_shown_name((fy_shown_state)state), text, len) != 0)) {
            state++;
        }
        if (state == FY_N_SHOWN) {
            return fy_fail(err, FY_EPARSE,
                           "state '%.*s': it is blocked, held, waiting, starting, running, "
                           "stopping, finished, failed, cancelled or timeout",
                           (int)(len < 40 ? len : 40), text);
        }
        *out |= 1u << state;
        text += len + (text[len] == ',');
    }
    return 0;
}

int fy_api_jobs(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    const fy_uri *uri = &request->uri;
    fy_job_filter filter = {.tenant = fy_uri_get(uri, "tenant"),
                            .user = fy_uri_get(uri, "user"),
                            .name = fy_uri_get(uri, "name")};
    int64_t limit = 0;
    int code = read_states(fy_uri_get(uri, "state"), &filter.states, err);

    if (code == 0) {
        code = fy_api_int(uri, "after", -1, INT64_MAX, -1, &filter.after, err);
    }
    if (code == 0) {
        code = fy_api_int(uri, "limit", 1, FY_API_JOBS, FY_API_JOBS, &limit, err);
    }
    if (code == 0) {
        code = read_flag(uri, "full", &filter.full, err);
    }
    if (code == 0) {
        filter.limit = (int)limit;
        fy_ctl_view_jobs(api->ctl, request->who, &filter, &reply->body);
    }
    return code;
}

int fy_api_job(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    return fy_ctl_view_job(api->ctl, request->who, request->match.id, &reply->body, err);
}

int fy_api_explain(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    return fy_ctl_view_explain(api->ctl, request->who, request->match.id, &reply->body, err);
}

int fy_api_output(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    const char *path = NULL;
    fy_arena arena = {0};
    int64_t uid = -1, from, limit;
    int code = fy_api_int(&request->uri, "from", 0, INT64_MAX, 0, &from, err);

    if (code == 0) {
        code = fy_api_int(&request->uri, "limit", 1, FY_API_OUTPUT, 1 << 18, &limit, err);
    }
    if (code == 0) {
        code = fy_ctl_output(api->ctl, request->who, request->match.id, &arena, &path, &uid, err);
    }
    if (code == 0) {
        reply->type = "application/octet-stream";
        code = fy_output_read(path, uid, from, (size_t)limit, &reply->body, &reply->size, err);
    }
    fy_arena_free(&arena);
    return code;
}

/* ------------------------------------------------------------------ verbs */

int fy_api_verb(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    fy_route_id route = request->match.route->id;
    fy_job_verb verb = route == FY_ROUTE_CANCEL    ? FY_VERB_CANCEL
                       : route == FY_ROUTE_HOLD    ? FY_VERB_HOLD
                       : route == FY_ROUTE_RELEASE ? FY_VERB_RELEASE
                                                   : FY_VERB_REQUEUE;
    json_t *body = fy_api_body(request, err);
    int code = body == NULL ? FY_EPARSE : fy_api_unpack(body, err, "{}");

    json_decref(body);
    if (code == 0) {
        code = fy_ctl_job(api->ctl, request->who, request->match.id, verb, err);
    }
    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}

static int read_signal(const json_t *value, int *out, fy_err *err)
{
    const char *name = json_string_value(value);
    int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;

    if (name != NULL && fy_num_int(name, strlen(name), 1, 64, &number) != FY_NUM_OK) {
        const char *word = strncmp(name, "SIG", 3) == 0 ? name + 3 : name;
        for (int s = 1; s < NSIG; s++) {
            const char *known = sigabbrev_np(s);
            if (known != NULL && strcmp(known, word) == 0) {
                number = s;
            }
        }
    }
    if (number < 1 || number > 64) {
        return fy_fail(err, FY_EPARSE, "signal: it is a name such as USR1, or a number 1 to 64");
    }
    *out = (int)number;
    return 0;
}

int fy_api_signal(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    json_t *body = fy_api_body(request, err), *value = NULL;
    int signo = 0;
    int code = body == NULL ? FY_EPARSE : fy_api_unpack(body, err, "{s:o}", "signal", &value);

    if (code == 0) {
        code = read_signal(value, &signo, err);
    }
    json_decref(body);
    if (code == 0) {
        code = fy_ctl_signal(api->ctl, request->who, request->match.id, signo, err);
    }
    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}

int fy_api_progress(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    json_t *body = fy_api_body(request, err);
    const char *token = NULL;
    json_int_t attempt = 0;
    double done = 0;
    int code = body == NULL ? FY_EPARSE
                            : fy_api_unpack(body, err, "{s:I, s:s, s:F}", "attempt", &attempt,
                                            "token", &token, "done", &done);

    if (code == 0 && (attempt < 1 || attempt > INT32_MAX || done < 0)) {
        code = fy_fail(err, FY_EPARSE, "attempt is 1 or more, done 0 or more");
    }
    if (code == 0) {
        fy_run_key key = {.job = request->match.id, .attempt = (int32_t)attempt};
        code = fy_ctl_progress(api->ctl, key, token, done, err);
    }
    json_decref(body);
    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}
