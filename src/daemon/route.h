/* SPDX-License-Identifier: MIT */
/*
 * The one table of what the daemon answers. The router matches by it, /api prints it, the CLI's
 * help and docs/rest.md are held against it. Handlers are in api.c, by the route's id.
 */
#ifndef FUYAO_DAEMON_ROUTE_H
#define FUYAO_DAEMON_ROUTE_H

#include "base/str.h"
#include "daemon/ctl.h"
#include "daemon/request.h"

typedef enum fy_route_id {
    FY_ROUTE_SUBMIT,
    FY_ROUTE_JOBS,
    FY_ROUTE_JOB,
    FY_ROUTE_EXPLAIN,
    FY_ROUTE_OUTPUT,
    FY_ROUTE_CANCEL,
    FY_ROUTE_HOLD,
    FY_ROUTE_RELEASE,
    FY_ROUTE_REQUEUE,
    FY_ROUTE_SIGNAL,
    FY_ROUTE_PROGRESS,
    FY_ROUTE_NODES,
    FY_ROUTE_DRAIN,
    FY_ROUTE_RESUME,
    FY_ROUTE_RESERVE,
    FY_ROUTE_TENANTS,
    FY_ROUTE_USAGE,
    FY_ROUTE_STATUS,
    FY_ROUTE_POLICY,
    FY_ROUTE_RELOAD,
    FY_ROUTE_EVENTS,
    FY_ROUTE_TOKENS,
    FY_ROUTE_TOKEN_NEW,
    FY_ROUTE_TOKEN_DROP,
    FY_ROUTE_METRICS,
    FY_ROUTE_HEALTH,
    FY_ROUTE_INDEX,
    FY_N_ROUTES
} fy_route_id;

typedef enum fy_param_in { FY_IN_QUERY, FY_IN_BODY, FY_IN_HEADER } fy_param_in;

typedef struct fy_param {
    const char *name; /* NULL ends the list */
    fy_param_in in;
    const char *kind; /* text, integer, number, flag, object: for people */
    const char *meaning;
} fy_param;

typedef struct fy_route {
    fy_route_id id;
    const char *method;  /* GET (HEAD with it) or POST */
    const char *path;    /* parts in braces stand for a value: {id} an integer, {name} text */
    bool open;           /* asks for no identity */
    fy_scope scope;      /* needed, where it is not open */
    const char *command; /* the fuyao command that uses it; NULL = none */
    const char *summary;
    const fy_param *params;
} fy_route;

/* The i-th route from 0 on; NULL after the last. Indexed by its id. */
const fy_route *fy_route_at(int i);

/* What a request's path holds. */
typedef struct fy_match {
    const fy_route *route; /* NULL: nothing has that path and method */
    int64_t id;            /* of {id}, >= 0; -1 = none */
    const char *name;      /* of {name}, borrowed from the URI; NULL = none */
    bool path_known;       /* another method has this path: the answer is 405, not 404 */
} fy_match;
fy_match fy_route_match(const char *method, const fy_uri *uri);

/* 0, or FY_EINVAL that names a query parameter which the route does not know and lists its own. */
int fy_route_check(const fy_route *route, const fy_uri *uri, fy_err *err) FY_NODISCARD;

/* The table as JSON, as /api answers it. */
void fy_route_index(fy_str *json);

/* The methods that a path has, for the header Allow: "GET, HEAD" or "GET, HEAD, POST"; "" = none.
 */
const char *fy_route_allow(const fy_uri *uri);

const char *fy_scope_name(fy_scope scope);
/* 0, or FY_EINVAL with the words there are. */
int fy_scope_read(const char *word, fy_scope *out, fy_err *err) FY_NODISCARD;

#endif
