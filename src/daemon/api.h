/* SPDX-License-Identifier: MIT */
/*
 * What each route does, without sockets: a request that is complete and whose sender is known goes
 * in, an answer comes out that may be sent once its ticket is committed.
 */
#ifndef FUYAO_DAEMON_API_H
#define FUYAO_DAEMON_API_H

#include "base/str.h"
#include "daemon/auth.h"
#include "daemon/ctl.h"
#include "daemon/request.h"
#include "daemon/route.h"

typedef struct fy_api {
    fy_ctl *ctl;                           /* borrowed */
    fy_auth *auth;                         /* borrowed */
    int (*reload)(void *ctx, fy_err *err); /* NULL = cannot */
    void *reload_ctx;
    int64_t now_us; /* wall clock, set by the caller */
} fy_api;

typedef struct fy_request {
    fy_match match;
    fy_uri uri;
    const fy_who *who; /* NULL only where the route is open */
    bool unix_socket;  /* it came through the Unix socket */
    const char *body;  /* NULL = none */
    size_t body_len;
} fy_request;

enum {
    FY_API_BULK = 10000,
    FY_API_TRIES = 16, /* elements of a bulk dry run: each is tried on a copy of the fleet */
    FY_API_JOBS = 100000,
    FY_API_OUTPUT = 1 << 20
};

/* Zero-initialised is valid; `body` keeps its room from one answer to the next. */
typedef struct fy_reply {
    int status;
    const char *type; /* Content-Type */
    fy_str body;
    int64_t ticket; /* may be sent once this is committed */
    int64_t job;    /* Location: /v1/jobs/JOB; -1 = none */
    int64_t size;   /* Fuyao-Size: of the whole output; -1 = none */
} fy_reply;

/* Answer any route but FY_ROUTE_EVENTS. */
void fy_api_answer(fy_api *api, const fy_request *request, fy_reply *reply);

/* Make `reply` an error with a line for people, forgetting what it held. */
void fy_reply_error(fy_reply *reply, int status, const char *text);

/* May this caller use the route? 0, or the status of the refusal (403) with a line. */
int fy_api_may(const fy_route *route, const fy_who *who, fy_err *err) FY_NODISCARD;

/* An integer parameter of the query: 0 with `fallback` where it is not given, or FY_EINVAL. */
int fy_api_int(const fy_uri *uri, const char *key, int64_t low, int64_t high, int64_t fallback,
               int64_t *out, fy_err *err) FY_NODISCARD;

#endif
