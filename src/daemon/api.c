/* SPDX-License-Identifier: MIT */
#include "daemon/api.h"

#include "base/num.h"
#include "daemon/api_internal.h"
#include "daemon/json_text.h"

#include <stdarg.h>
#include <string.h>

static const fy_api_fn handlers[FY_N_ROUTES] = {
    [FY_ROUTE_SUBMIT] = fy_api_submit,
    [FY_ROUTE_JOBS] = fy_api_jobs,
    [FY_ROUTE_JOB] = fy_api_job,
    [FY_ROUTE_EXPLAIN] = fy_api_explain,
    [FY_ROUTE_OUTPUT] = fy_api_output,
    [FY_ROUTE_CANCEL] = fy_api_verb,
    [FY_ROUTE_HOLD] = fy_api_verb,
    [FY_ROUTE_RELEASE] = fy_api_verb,
    [FY_ROUTE_REQUEUE] = fy_api_verb,
    [FY_ROUTE_SIGNAL] = fy_api_signal,
    [FY_ROUTE_PROGRESS] = fy_api_progress,
    [FY_ROUTE_NODES] = fy_api_view,
    [FY_ROUTE_DRAIN] = fy_api_node,
    [FY_ROUTE_RESUME] = fy_api_node,
    [FY_ROUTE_RESERVE] = fy_api_reserve,
    [FY_ROUTE_TENANTS] = fy_api_view,
    [FY_ROUTE_USAGE] = fy_api_view,
    [FY_ROUTE_STATUS] = fy_api_view,
    [FY_ROUTE_POLICY] = fy_api_policy,
    [FY_ROUTE_RELOAD] = fy_api_reload,
    [FY_ROUTE_TOKENS] = fy_api_tokens,
    [FY_ROUTE_TOKEN_NEW] = fy_api_token_new,
    [FY_ROUTE_TOKEN_DROP] = fy_api_token_drop,
    [FY_ROUTE_METRICS] = fy_api_view,
    [FY_ROUTE_HEALTH] = fy_api_view,
    [FY_ROUTE_INDEX] = fy_api_view,
};

static int status_of(int code, const fy_request *request)
{
    if (code == FY_ENOENT) {
        return 404;
    }
    if (code == FY_EIO) {
        return 503;
    }
    /* What was asked is well formed: it is the job's or the node's state that forbids it. */
    bool about_state = request->match.id >= 0 || request->match.name != NULL;
    return code == FY_EINVAL && about_state ? 409 : code == FY_EINFEASIBLE ? 422 : 400;
}

void fy_reply_error(fy_reply *reply, int status, const char *text)
{
    fy_str_clear(&reply->body);
    fy_json_error(&reply->body, text);
    reply->status = status;
    reply->type = "application/json";
    reply->job = -1;
    reply->size = -1;
}

int fy_api_may(const fy_route *route, const fy_who *who, fy_err *err)
{
    if (route->open || who->scope >= route->scope) {
        return 0;
    }
    (void)fy_fail(err, FY_EINVAL, "this needs scope %s; %s has %s", fy_scope_name(route->scope),
                  who->user, fy_scope_name(who->scope));
    return 403;
}

int fy_api_int(const fy_uri *uri, const char *key, int64_t low, int64_t high, int64_t fallback,
               int64_t *out, fy_err *err)
{
    const char *text = fy_uri_get(uri, key);

    *out = fallback;
    if (text == NULL || fy_num_int(text, strlen(text), low, high, out) == FY_NUM_OK) {
        return 0;
    }
    return fy_fail(err, FY_EPARSE, "%s is '%.40s': it is an integer from %lld to %lld", key, text,
                   (long long)low, (long long)high);
}

json_t *fy_api_body(const fy_request *request, fy_err *err)
{
    json_error_t where;
    json_t *body;

    if (request->body_len == 0) {
        return json_object();
    }
    body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &where);
    if (body != NULL && json_is_object(body)) {
        return body;
    }
    if (body != NULL) {
        (void)fy_fail(err, FY_EPARSE, "the body is JSON, but no object");
    } else {
        (void)fy_fail(err, FY_EPARSE, "the body is no JSON: line %d: %.160s", where.line,
                      where.text);
    }
    json_decref(body);
    return NULL;
}

int fy_api_unpack(json_t *body, fy_err *err, const char *format, ...)
{
    json_error_t where;
    va_list args;
    int code;

    va_start(args, format);
    code = json_vunpack_ex(body, &where, JSON_STRICT, format, args);
    va_end(args);
    return code == 0 ? 0 : fy_fail(err, FY_EPARSE, "the body: %.200s", where.text);
}

void fy_api_done(fy_reply *reply, const fy_request *request)
{
    if (request->match.id >= 0) {
        fy_str_printf(&reply->body, "{\"id\": %lld}\n", (long long)request->match.id);
    } else if (request->match.name != NULL) {
        fy_str_puts(&reply->body, "{\"name\": ");
        fy_json_text(&reply->body, request->match.name);
        fy_str_puts(&reply->body, "}\n");
    } else {
        fy_str_puts(&reply->body, "{}\n");
    }
}

/* JSON ends with a newline, for people with curl. */
static void end_line(fy_reply *reply)
{
    const fy_str *body = &reply->body;

    if (reply->size < 0 && body->len > 0 && body->text[body->len - 1] != '\n') {
        fy_str_puts(&reply->body, "\n");
    }
}

void fy_api_answer(fy_api *api, const fy_request *request, fy_reply *reply)
{
    fy_err err = {0};
    int code = fy_route_check(request->match.route, &request->uri, &err);

    fy_str_clear(&reply->body);
    reply->status = 200;
    reply->type = "application/json";
    reply->job = -1;
    reply->size = -1;
    if (code != 0) {
        fy_reply_error(reply, 400, err.text);
    } else {
        code = handlers[request->match.route->id](api, request, reply, &err);
        if (code != 0) {
            fy_reply_error(reply, status_of(code, request), err.text);
        }
        end_line(reply);
    }
    /* An error too may rest on what is not durable yet. */
    reply->ticket = fy_ctl_ticket(api->ctl);
}
