/* SPDX-License-Identifier: MIT */
/* Routes about the centre: nodes, tenants, policy, tokens, the daemon itself. */
#include "base/arena.h"
#include "daemon/api_internal.h"
#include "daemon/json_text.h"

#include <stdlib.h>
#include <string.h>

/* Leave out the lines that another tenant's label marks. */
static void own_lines(fy_str *text, const char *tenant)
{
    fy_str kept = {0}, own = {0};

    fy_str_printf(&own, "tenant=\"%s\"", tenant);
    for (const char *line = text->text; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        len += line[len] == '\n';
        const char *label = memmem(line, len, "tenant=\"", 8);
        if (label == NULL || strncmp(label, own.text, own.len) == 0) {
            fy_str_add(&kept, line, len);
        }
        line += len;
    }
    fy_str_free(&own);
    fy_str_free(text);
    *text = kept;
}

/* Views that take nothing but who asks. */
int fy_api_view(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    switch ((int)request->match.route->id) {
    case FY_ROUTE_NODES:
        fy_ctl_view_nodes(api->ctl, request->who, &reply->body);
        break;
    case FY_ROUTE_TENANTS:
        fy_ctl_view_tenants(api->ctl, request->who, &reply->body);
        break;
    case FY_ROUTE_USAGE:
        if (fy_uri_get(&request->uri, "shadow") != NULL) {
            return fy_ctl_view_shadow(api->ctl, request->who, &reply->body, err);
        }
        fy_ctl_view_usage(api->ctl, request->who, &reply->body);
        break;
    case FY_ROUTE_STATUS:
        fy_ctl_view_status(api->ctl, request->who, &reply->body);
        break;
    case FY_ROUTE_METRICS:
        reply->type = "text/plain; version=0.0.4; charset=utf-8";
        fy_ctl_view_metrics(api->ctl, &reply->body);
        if (request->who->scope != FY_SCOPE_OPERATE) {
            own_lines(&reply->body, request->who->tenant);
        }
        break;
    case FY_ROUTE_INDEX:
        fy_route_index(&reply->body);
        break;
    default:
        fy_str_puts(&reply->body, "{\"status\": \"ok\"}\n");
        break;
    }
    return 0;
}

int fy_api_node(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    bool drain = request->match.route->id == FY_ROUTE_DRAIN;
    json_t *body = fy_api_body(request, err);
    const char *reason = NULL;
    int code = body == NULL ? FY_EPARSE
               : drain      ? fy_api_unpack(body, err, "{s:s}", "reason", &reason)
                            : fy_api_unpack(body, err, "{}");

    if (code == 0 && drain && reason[0] == '\0') {
        code = fy_fail(err, FY_EPARSE, "reason: say why, others will read it");
    }
    if (code == 0) {
        code = fy_ctl_node(api->ctl, request->who, request->match.name,
                           drain ? FY_NODE_DRAIN : FY_NODE_RESUME, reason, err);
    }
    json_decref(body);
    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}

int fy_api_reserve(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    json_t *body = fy_api_body(request, err);
    const char *tenant = NULL;
    json_int_t from_us = 0, to_us = 0;
    int code = body == NULL ? FY_EPARSE
                            : fy_api_unpack(body, err, "{s:s, s:I, s:I}", "tenant", &tenant,
                                            "from_us", &from_us, "to_us", &to_us);

    if (code == 0 && (from_us < 0 || to_us <= from_us)) {
        code = fy_fail(err, FY_EPARSE, "to_us must be after from_us, both since 1970");
    }
    if (code == 0) {
        code = fy_ctl_reserve(api->ctl, request->who, request->match.name, tenant, from_us, to_us,
                              err);
    }
    json_decref(body);
    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}

/* Settings borrow from `object`. */
static int read_settings(json_t *object, fy_setting **out, int *n, fy_err *err)
{
    const char *key;
    json_t *value;

    *n = 0;
    if (object != NULL && !json_is_object(object)) {
        return fy_fail(err, FY_EPARSE, "settings: an object of strings");
    }
    *out = fy_calloc(json_object_size(object) + 1, sizeof **out);
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value)) {
            return fy_fail(err, FY_EPARSE, "settings: %.60s must be a string, as in --set", key);
        }
        (*out)[(*n)++] = (fy_setting){.key = key, .value = json_string_value(value)};
    }
    return 0;
}

int fy_api_policy(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    json_t *body = fy_api_body(request, err), *settings = NULL;
    fy_setting *list = NULL;
    fy_sched_options sched = {0};
    json_int_t seed = 0;
    int shadow = 0;
    int code = body == NULL
                   ? FY_EPARSE
                   : fy_api_unpack(body, err, "{s:s, s?s, s?o, s?I, s?b}", "policy", &sched.policy,
                                   "placement", &sched.placement, "settings", &settings, "seed",
                                   &seed, "shadow", &shadow);

    if (code == 0) {
        code = read_settings(settings, &list, &sched.n_settings, err);
    }
    if (code == 0) {
        sched.settings = list;
        sched.seed = (uint64_t)seed;
        code = shadow == 0 ? fy_ctl_policy(api->ctl, request->who, &sched, err)
                           : fy_ctl_shadow(api->ctl, request->who,
                                           strcmp(sched.policy, "none") == 0 ? NULL : &sched, err);
    }
    if (code == 0) {
        fy_str_puts(&reply->body, "{\"policy\": ");
        fy_json_text(&reply->body, sched.policy);
        fy_str_puts(&reply->body, "}\n");
    }
    free(list);
    json_decref(body);
    return code;
}

int fy_api_reload(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    json_t *body = fy_api_body(request, err);
    int code = body == NULL ? FY_EPARSE : fy_api_unpack(body, err, "{}");

    json_decref(body);
    if (code == 0 && api->reload == NULL) {
        code = fy_fail(err, FY_EINVAL, "there is no configuration to read again");
    }
    if (code == 0 && api->reload(api->reload_ctx, err) != 0) {
        code = FY_EINVAL; /* whatever is wrong with it: the daemon works on */
    }
    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}

int fy_api_tokens(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    (void)request;
    (void)err;
    fy_auth_token_list(api->auth, &reply->body);
    return 0;
}

int fy_api_token_new(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    json_t *body = fy_api_body(request, err);
    const char *name = NULL, *tenant = NULL, *scope_word = NULL;
    json_int_t uid = 0;
    fy_scope scope = FY_SCOPE_READ;
    char secret[FY_TOKEN_TEXT];
    int code = body == NULL ? FY_EPARSE
                            : fy_api_unpack(body, err, "{s:s, s:s, s:I, s:s}", "name", &name,
                                            "tenant", &tenant, "uid", &uid, "scope", &scope_word);

    /* A stolen token must not be able to make another that outlives it. */
    if (code == 0 && !request->unix_socket) {
        code = fy_fail(err, FY_EINVAL, "tokens are made through the Unix socket only");
    }
    if (code == 0) {
        code = fy_scope_read(scope_word, &scope, err);
    }
    if (code == 0) {
        code = fy_auth_token_new(api->auth, name, tenant, uid, scope, api->now_us, secret, err);
    }
    if (code == 0) {
        reply->status = 201;
        fy_str_printf(&reply->body, "{\"name\": \"%s\", \"token\": \"%s\"}\n", name, secret);
        explicit_bzero(secret, sizeof secret);
    }
    json_decref(body);
    return code;
}

int fy_api_token_drop(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err)
{
    int code = fy_auth_token_drop(api->auth, request->match.name, err);

    if (code == 0) {
        fy_api_done(reply, request);
    }
    return code;
}
