/* SPDX-License-Identifier: MIT */
#include "daemon/route.h"

#include "base/num.h"
#include "daemon/json_text.h"

#include <string.h>

/* Does the path have the route's form? Sets what stands at its braces. */
static bool fits(const char *path, const fy_uri *uri, fy_match *match)
{
    int i = 0;

    while (*path == '/') {
        const char *piece = path + 1;
        size_t len = strcspn(piece, "/");
        if (i == uri->n_segments) {
            return false;
        }
        const char *there = uri->segments[i++];
        if (strncmp(piece, "{id}", len) == 0) {
            if (fy_num_int(there, strlen(there), 0, INT64_MAX, &match->id) != FY_NUM_OK) {
                return false;
            }
        } else if (*piece == '{') {
            match->name = there;
        } else if (strlen(there) != len || memcmp(piece, there, len) != 0) {
            return false;
        }
        path = piece + len;
    }
    return i == uri->n_segments;
}

fy_match fy_route_match(const char *method, const fy_uri *uri)
{
    fy_match match = {.id = -1};
    bool head = strcmp(method, "HEAD") == 0;

    for (int i = 0; i < FY_N_ROUTES; i++) {
        const fy_route *route = fy_route_at(i);
        fy_match found = {.id = -1};
        if (!fits(route->path, uri, &found)) {
            continue;
        }
        match.path_known = true;
        if (strcmp(route->method, head ? "GET" : method) == 0) {
            found.route = route;
            found.path_known = true;
            return found;
        }
    }
    return match;
}

const char *fy_route_allow(const fy_uri *uri)
{
    bool get = fy_route_match("GET", uri).route != NULL;
    bool post = fy_route_match("POST", uri).route != NULL;

    return get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : post ? "POST" : "";
}

static bool knows(const fy_route *route, const char *key)
{
    for (const fy_param *param = route->params; param->name != NULL; param++) {
        if (param->in == FY_IN_QUERY && strcmp(param->name, key) == 0) {
            return true;
        }
    }
    return false;
}

int fy_route_check(const fy_route *route, const fy_uri *uri, fy_err *err)
{
    for (int i = 0; i < uri->n_args; i++) {
        fy_str list = {0};
        if (knows(route, uri->args[i].key)) {
            continue;
        }
        for (const fy_param *param = route->params; param->name != NULL; param++) {
            if (param->in == FY_IN_QUERY) {
                fy_str_printf(&list, "%s%s", list.len > 0 ? ", " : "", param->name);
            }
        }
        int code =
            fy_fail(err, FY_EINVAL, "%s %s has no parameter %.60s; it has: %s", route->method,
                    route->path, uri->args[i].key, list.len > 0 ? list.text : "none");
        fy_str_free(&list);
        return code;
    }
    return 0;
}

static void add_params(fy_str *json, const fy_route *route)
{
    static const char *const where[] = {"query", "body", "header"};

    fy_str_puts(json, ", \"parameters\": [");
    for (const fy_param *param = route->params; param->name != NULL; param++) {
        fy_str_puts(json, param == route->params ? "" : ", ");
        fy_str_printf(json, "{\"name\": \"%s\", \"in\": \"%s\", \"kind\": \"%s\", \"meaning\": ",
                      param->name, where[param->in], param->kind);
        fy_json_text(json, param->meaning);
        fy_str_puts(json, "}");
    }
    fy_str_puts(json, "]");
}

void fy_route_index(fy_str *json)
{
    fy_str_puts(json, "{\"routes\": [\n");
    for (int i = 0; i < FY_N_ROUTES; i++) {
        const fy_route *route = fy_route_at(i);
        fy_str_printf(json, "  {\"method\": \"%s\", \"path\": \"%s\", \"scope\": ", route->method,
                      route->path);
        fy_json_text(json, route->open ? "none" : fy_scope_name(route->scope));
        fy_str_puts(json, ", \"summary\": ");
        fy_json_text(json, route->summary);
        add_params(json, route);
        fy_str_puts(json, i + 1 < FY_N_ROUTES ? "},\n" : "}\n");
    }
    fy_str_puts(json, "]}\n");
}

static const char *const scopes[] = {
    [FY_SCOPE_READ] = "read", [FY_SCOPE_SUBMIT] = "submit", [FY_SCOPE_OPERATE] = "operate"};

const char *fy_scope_name(fy_scope scope)
{
    return scopes[scope];
}

int fy_scope_read(const char *word, fy_scope *out, fy_err *err)
{
    for (int i = FY_SCOPE_READ; i <= FY_SCOPE_OPERATE; i++) {
        if (strcmp(word, scopes[i]) == 0) {
            *out = (fy_scope)i;
            return 0;
        }
    }
    return fy_fail(err, FY_EINVAL, "scope '%.40s': it is read, submit or operate", word);
}
