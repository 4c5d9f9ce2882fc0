/* SPDX-License-Identifier: MIT */
/* The handlers of the routes, in api_jobs.c and api_centre.c; api.c holds them by id. */
#ifndef FUYAO_DAEMON_API_INTERNAL_H
#define FUYAO_DAEMON_API_INTERNAL_H

#include "daemon/api.h"

#include <jansson.h>

/* Returns 0, having set status and body (200 and JSON unless said otherwise), or a negative code
 * that becomes an error answer. */
typedef int (*fy_api_fn)(fy_api *api, const fy_request *request, fy_reply *reply, fy_err *err);

int fy_api_submit(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_jobs(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_job(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_explain(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_output(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_verb(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_signal(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_progress(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_node(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_reserve(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_view(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_policy(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_reload(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_tokens(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_token_new(fy_api *, const fy_request *, fy_reply *, fy_err *);
int fy_api_token_drop(fy_api *, const fy_request *, fy_reply *, fy_err *);

/*
 * The body as a JSON object; one without a member where there is no body. Owned by the caller.
 * NULL with FY_EPARSE: no JSON, no object, a member twice.
 */
json_t *fy_api_body(const fy_request *request, fy_err *err);

/* As json_unpack_ex with JSON_STRICT, the error as one line. */
int fy_api_unpack(json_t *body, fy_err *err, const char *format, ...) FY_NODISCARD;

/* {"id": ...} and the like: the answer to what has nothing else to say. */
void fy_api_done(fy_reply *reply, const fy_request *request);

#endif
