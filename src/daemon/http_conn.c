/* SPDX-License-Identifier: MIT */
/* One request: who asks, may it, its body, its answer when that is durable. */
#include "base/arena.h"
#include "base/num.h"
#include "daemon/http_internal.h"
#include "daemon/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { COPY_BYTES = 4096, HEADER = 64 };

static fy_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

static const char *header(const fy_conn *conn, const char *name)
{
    return MHD_lookup_connection_value(conn->mhd, MHD_HEADER_KIND, name);
}

void *fy_conn_uri(void *front, const char *uri, struct MHD_Connection *mhd)
{
    fy_conn *conn = conn_of(mhd);

    (void)front;
    fy_str_clear(&conn->uri);
    fy_str_add(&conn->uri, uri, strlen(uri));
    conn->stage = FY_STAGE_HEAD;
    return conn;
}

void fy_conn_done(void *front, struct MHD_Connection *mhd, void **request,
                  enum MHD_RequestTerminationCode how)
{
    fy_conn *conn = conn_of(mhd);
    fy_http *http;

    (void)front;
    (void)request;
    (void)how;
    if (conn == NULL) {
        return;
    }
    http = conn->http;
    if (conn->stage == FY_STAGE_PARKED) { /* closed before it was answered */
        for (size_t i = 0; i < http->n_parked; i++) {
            if (http->parked[i] == conn) {
                memmove(&http->parked[i], &http->parked[i + 1],
                        (--http->n_parked - i) * sizeof(fy_conn *));
                break;
            }
        }
    }
    fy_stream_end(conn);
    if (conn->payer != NULL) {
        conn->payer->body_bytes -= conn->promised;
        conn->promised = 0;
        conn->payer = NULL;
    }
    if (conn->body.room > COPY_BYTES) { /* a thousand idle connections keep no large buffers */
        fy_str_free(&conn->body);
    }
    conn->stage = FY_STAGE_IDLE;
    if (!conn->cut) {
        conn->until_ms = fy_http_now_ms(http) + http->options.idle_ms;
    }
}

/* ------------------------------------------------------------------ the answer */

static struct MHD_Response *make_response(fy_conn *conn)
{
    fy_reply *reply = &conn->reply;
    struct MHD_Response *response;

    if (conn->stage == FY_STAGE_STREAM) {
        return fy_stream_response(conn);
    }
    if (reply->body.len <= COPY_BYTES) {
        return MHD_create_response_from_buffer(
            reply->body.len, reply->body.len > 0 ? reply->body.text : (char[]){""},
            MHD_RESPMEM_MUST_COPY);
    }
    response =
        MHD_create_response_from_buffer(reply->body.len, reply->body.text, MHD_RESPMEM_MUST_FREE);
    if (response != NULL) {
        reply->body = (fy_str){0}; /* transferred */
    }
    return response;
}

static void add_headers(const fy_conn *conn, struct MHD_Response *response)
{
    const fy_reply *reply = &conn->reply;
    char text[HEADER];

    (void)MHD_add_response_header(response, "Content-Type", reply->type);
    if (reply->job >= 0) {
        (void)snprintf(text, sizeof text, "/v1/jobs/%lld", (long long)reply->job);
        (void)MHD_add_response_header(response, "Location", text);
    }
    if (reply->size >= 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)reply->size);
        (void)MHD_add_response_header(response, "Fuyao-Size", text);
        (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    }
    if (reply->status == 401) {
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    }
    if (reply->status == 405) {
        (void)MHD_add_response_header(response, "Allow", fy_route_allow(&conn->request.uri));
    }
    if (reply->status == 429) {
        (void)MHD_add_response_header(response, "Retry-After", "1");
    }
}

static enum MHD_Result respond(fy_conn *conn)
{
    struct MHD_Response *response = make_response(conn);
    enum MHD_Result queued = MHD_NO;

    if (conn->stage != FY_STAGE_STREAM) {
        conn->stage = FY_STAGE_ANSWER;
        conn->until_ms = fy_http_now_ms(conn->http) + conn->http->options.answer_ms;
    }
    if (response != NULL) {
        add_headers(conn, response);
        queued = MHD_queue_response(conn->mhd, (unsigned)conn->reply.status, response);
        MHD_destroy_response(response);
    }
    return queued;
}

static enum MHD_Result refuse(fy_conn *conn, int status, const char *text)
{
    conn->http->counts.refused++;
    fy_reply_error(&conn->reply, status, text);
    return respond(conn);
}

/* ------------------------------------------------------------------ the head */

/* A connection of TCP counts as its token's user from now on. Returns 0 or the status of a refusal.
 */
static int hold(fy_conn *conn, fy_err *err)
{
    fy_http *http = conn->http;
    fy_meter *meter = fy_meter_of(&http->meters, conn->bearer->who.uid, http->options.burst,
                                  fy_http_now_ms(http));

    if (conn->front->is_unix || meter == conn->holder) {
        return 0;
    }
    if (meter->connections >= http->options.connections_per_uid) {
        (void)fy_fail(err, FY_ERANGE, "too many connections are open");
        return 503;
    }
    conn->holder->connections--;
    meter->connections++;
    conn->holder = meter;
    return 0;
}

/* Sets request.who, NULL where nobody is known. Returns 0 or the status of a refusal. */
static int identify(fy_conn *conn, fy_err *err)
{
    fy_auth *auth = conn->http->api.auth;
    const char *authorization = header(conn, "Authorization");

    conn->request.who = NULL;
    conn->request.unix_socket = conn->front->is_unix;
    if (authorization != NULL) {
        if (conn->bearer == NULL) {
            conn->bearer = fy_calloc(1, sizeof *conn->bearer);
        }
        if (fy_auth_bearer(auth, authorization, conn->bearer, err) != 0) {
            return 401;
        }
        conn->request.who = &conn->bearer->who;
        return hold(conn, err);
    } else if (conn->front->is_unix) {
        if (conn->peer_known != fy_auth_generation(auth)) {
            if (fy_auth_peer(auth, conn->fd, &conn->peer, err) != 0) {
                return 403;
            }
            conn->peer_known = fy_auth_generation(auth);
        }
        conn->request.who = &conn->peer.who;
    } else if (!conn->request.match.route->open) {
        (void)fy_fail(err, FY_EINVAL, "who asks? Send \"Authorization: Bearer TOKEN\"");
        return 401;
    }
    return 0;
}

/* Count the request at whoever asks. Returns 0 or the status of a refusal. */
static int charge(fy_conn *conn, fy_err *err)
{
    fy_http *http = conn->http;
    const fy_who *who = conn->request.who;
    int64_t now_ms = fy_http_now_ms(http);

    conn->operates = who != NULL && who->scope == FY_SCOPE_OPERATE;
    conn->payer =
        fy_meter_of(&http->meters, who != NULL ? who->uid : FY_NOBODY, http->options.burst, now_ms);
    conn->promised = 0;
    if (conn->operates) {
        return 0;
    }
    if (!fy_meter_take(conn->payer, http->options.rate_per_s, http->options.burst, now_ms)) {
        (void)fy_fail(err, FY_EINVAL, "more than %.0f requests a second", http->options.rate_per_s);
        return 429;
    }
    if (!fy_meter_rested(conn->payer, http->options.busy_share, http->options.busy_ms, now_ms)) {
        (void)fy_fail(err, FY_EINVAL,
                      "answers to this user have taken more than %.0f %% of the time of all; try "
                      "again later",
                      100 * http->options.busy_share);
        return 429;
    }
    return 0;
}

static enum MHD_Result count_length(void *cls, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    int *n = cls;

    (void)kind;
    (void)value;
    *n += strcasecmp(key, "Content-Length") == 0;
    return MHD_YES;
}

/* Is there a body, and may it be so long? Returns 0 or the status of a refusal. */
static int weigh(fy_conn *conn, fy_err *err)
{
    const fy_http_options *options = &conn->http->options;
    const char *text = header(conn, "Content-Length");
    int64_t length = 0;
    int said = 0;

    /* Two lengths: a front may have believed the other one. */
    (void)MHD_get_connection_values(conn->mhd, MHD_HEADER_KIND, count_length, &said);
    if (said > 1) {
        (void)fy_fail(err, FY_EINVAL, "Content-Length is there %d times", said);
        return 400;
    }
    if (header(conn, "Transfer-Encoding") != NULL) {
        (void)fy_fail(err, FY_EINVAL, "say the body's length: no Transfer-Encoding");
        return 411;
    }
    if (text != NULL && fy_num_int(text, strlen(text), 0, INT64_MAX, &length) != FY_NUM_OK) {
        (void)fy_fail(err, FY_EINVAL, "Content-Length is no number");
        return 400;
    }
    if (length > 0 && strcmp(conn->request.match.route->method, "GET") == 0) {
        (void)fy_fail(err, FY_EINVAL, "a GET has no body");
        return 400;
    }
    if ((uint64_t)length > options->body_bytes) {
        (void)fy_fail(err, FY_ERANGE, "a body has at most %zu bytes", options->body_bytes);
        return 413;
    }
    if (conn->payer->body_bytes + (size_t)length > options->bodies_per_uid_bytes) {
        (void)fy_fail(err, FY_ERANGE, "more than %zu bytes of requests are under way",
                      options->bodies_per_uid_bytes);
        return 429;
    }
    conn->promised = (size_t)length;
    conn->payer->body_bytes += conn->promised;
    return 0;
}

static enum MHD_Result begin(fy_conn *conn, const char *method)
{
    fy_request *request = &conn->request;
    fy_err err = {0};
    int status = 0;

    conn->http->counts.requests++;
    conn->until_ms = fy_http_now_ms(conn->http) + conn->http->options.request_ms;
    if (fy_uri_parse(&request->uri, conn->uri.text, &err) != 0) {
        return refuse(conn, 400, err.text);
    }
    request->match = fy_route_match(method, &request->uri);
    if (request->match.route == NULL) {
        bool known = request->match.path_known;
        return refuse(conn, known ? 405 : 404,
                      known ? "this address has other methods" : "no such address: see /api");
    }
    status = identify(conn, &err);
    if (status == 0) {
        status = charge(conn, &err);
    }
    if (status == 0) {
        status = fy_api_may(request->match.route, request->who, &err);
    }
    if (status == 0) {
        status = weigh(conn, &err);
    }
    if (status != 0) {
        return refuse(conn, status, err.text);
    }
    fy_str_clear(&conn->body);
    conn->stage = FY_STAGE_BODY;
    return MHD_YES;
}

/* ------------------------------------------------------------------ the whole */

static void park(fy_conn *conn)
{
    fy_http *http = conn->http;

    conn->stage = FY_STAGE_PARKED;
    conn->until_ms = INT64_MAX;
    http->parked = fy_grow(http->parked, &http->parked_room, http->n_parked + 1, sizeof(fy_conn *));
    http->parked[http->n_parked++] = conn;
    fy_conn_suspend(conn);
}

static double monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static enum MHD_Result finish(fy_conn *conn)
{
    fy_http *http = conn->http;
    struct timespec now;
    double began_ms;

    if (conn->request.match.route->id == FY_ROUTE_EVENTS) {
        if (fy_stream_begin(conn)) {
            conn->stage = FY_STAGE_STREAM;
            conn->until_ms = INT64_MAX;
        }
        return respond(conn);
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    http->api.now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    conn->request.body = conn->body.text;
    conn->request.body_len = conn->body.len;
    began_ms = monotonic_ms();
    fy_api_answer(&http->api, &conn->request, &conn->reply);
    fy_meter_spend(conn->payer, monotonic_ms() - began_ms);
    if (conn->reply.ticket > fy_ctl_committed(http->api.ctl)) {
        park(conn);
        http->options.due(http->options.ctx);
        return MHD_YES;
    }
    return respond(conn);
}

enum MHD_Result fy_conn_request(void *front, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request)
{
    fy_conn *conn = *request;

    (void)front;
    (void)mhd;
    (void)url;
    (void)version;
    if (conn == NULL || conn->cut || conn->http->closing) {
        return MHD_NO;
    }
    if (conn->stage == FY_STAGE_HEAD) {
        return begin(conn, method);
    }
    if (conn->stage == FY_STAGE_PARKED) {
        return respond(conn);
    }
    if (conn->stage != FY_STAGE_BODY) {
        return MHD_NO;
    }
    if (*upload_size == 0) {
        return finish(conn);
    }
    if (conn->body.len + *upload_size > conn->promised) {
        return MHD_NO;
    }
    fy_str_add(&conn->body, upload, *upload_size);
    *upload_size = 0;
    return MHD_YES;
}
