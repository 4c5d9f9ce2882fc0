/* SPDX-License-Identifier: MIT */
/* Sockets, the loop's handles, connections coming and going, time limits. */
#include "daemon/http.h"

#include "base/arena.h"
#include "daemon/http_internal.h"
#include "daemon/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SWEEP_MS = 1000,
    CONNECTION_MEMORY = 16 << 10, /* MHD's pool: request line, headers, read and write buffers */
    PUMPS = 8                     /* rounds before other handles of the loop have their turn */
};

fy_http_options fy_http_defaults(void)
{
    return (fy_http_options){.socket_mode = 0666,
                             .connections = 4096,
                             .connections_per_uid = 1536,
                             .connections_unknown = 128,
                             .streams_per_uid = 64,
                             .body_bytes = 8 << 20,
                             .bodies_per_uid_bytes = 64 << 20,
                             .rate_per_s = 2000,
                             .burst = 4000,
                             .busy_share = 0.25,
                             .busy_ms = 4000,
                             .idle_ms = 60000,
                             .request_ms = 30000,
                             .answer_ms = 60000,
                             .heartbeat_ms = 15000,
                             .stuck_ms = 60000};
}

int64_t fy_http_now_ms(const fy_http *http)
{
    return (int64_t)uv_now(http->loop);
}

/* ------------------------------------------------------------------ connections */

void fy_conn_suspend(fy_conn *conn)
{
    MHD_suspend_connection(conn->mhd);
    conn->suspended = true;
}

void fy_conn_resume(fy_conn *conn)
{
    if (conn->suspended) {
        conn->suspended = false;
        MHD_resume_connection(conn->mhd);
    }
}

void fy_conn_cut(fy_conn *conn)
{
    conn->cut = true;
    conn->until_ms = INT64_MAX;
    (void)shutdown(conn->fd, SHUT_RDWR);
    fy_conn_resume(conn);
}

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                           "Content-Length: 42\r\nConnection: close\r\n\r\n"
                           "{\"error\": \"too many connections are open\"}";

/* More connections than one may hold: a last word, past MHD, which then sees the end. */
static void turn_away(fy_conn *conn)
{
    (void)send(conn->fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    conn->http->counts.refused++;
    fy_conn_cut(conn);
}

/* Whoever has shown no token makes room for who comes next, so that nobody holds the door shut:
 * who has a token shows it at once. False: all of them are on their way out. */
static bool make_room(const fy_conn *fresh)
{
    fy_conn *oldest = NULL;

    for (fy_conn *conn = fresh->next; conn != NULL; conn = conn->next) { /* newest first */
        oldest = conn->holder == fresh->holder && !conn->cut ? conn : oldest;
    }
    if (oldest != NULL) {
        fresh->http->counts.refused++;
        fy_conn_cut(oldest);
    }
    return oldest != NULL;
}

static void welcome(fy_front *front, struct MHD_Connection *mhd, void **context)
{
    fy_http *http = front->http;
    fy_conn *conn = fy_calloc(1, sizeof *conn);
    int64_t now_ms = fy_http_now_ms(http), uid = FY_NOBODY;
    int most = http->options.connections_unknown;
    struct ucred peer;
    socklen_t len = sizeof peer;

    *context = conn;
    conn->http = http;
    conn->front = front;
    conn->mhd = mhd;
    conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    conn->until_ms = now_ms + http->options.idle_ms;
    conn->next = http->conns;
    if (http->conns != NULL) {
        http->conns->prev = conn;
    }
    http->conns = conn;
    if (front->is_unix && getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
        uid = (int64_t)peer.uid;
        most = http->options.connections_per_uid;
    }
    conn->holder = fy_meter_of(&http->meters, uid, http->options.burst, now_ms);
    conn->holder->connections++;
    if (http->counts.connections++ == 0) {
        uv_update_time(http->loop);
        (void)uv_timer_again(&http->sweep);
    }
    if (conn->holder->connections > most && (front->is_unix || !make_room(conn))) {
        turn_away(conn);
    }
}

static void farewell(fy_conn *conn)
{
    fy_http *http = conn->http;

    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        http->conns = conn->next;
    }
    conn->holder->connections--;
    http->counts.connections--;
    if (http->counts.connections == 0 && !http->closing) {
        (void)uv_timer_stop(&http->sweep);
    }
    fy_stream_end(conn);
    fy_str_free(&conn->uri);
    fy_str_free(&conn->body);
    fy_str_free(&conn->reply.body);
    free(conn->bearer);
    free(conn);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        welcome(cls, mhd, context);
    } else if (*context != NULL) {
        farewell(*context);
        *context = NULL;
    }
}

/* ------------------------------------------------------------------ the loop's handles */

static bool pump_front(fy_front *front)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 1;

    if (front->mhd == NULL) {
        return false;
    }
    (void)MHD_run(front->mhd);
    return MHD_get_timeout(front->mhd, &wait_ms) == MHD_YES && wait_ms == 0;
}

static void on_again(uv_timer_t *timer);

/* Let MHD work until it waits for its sockets; the rest, if any, in the loop's next turn. */
static void pump(fy_http *http)
{
    bool more = true;

    for (int i = 0; more && i < PUMPS; i++) {
        more = pump_front(&http->fronts[0]);
        more = pump_front(&http->fronts[1]) || more;
    }
    if (more) {
        (void)uv_timer_start(&http->again, on_again, 0, 0);
    }
}

static void on_again(uv_timer_t *timer)
{
    pump(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    const fy_front *front = poll->data;

    (void)status;
    (void)events;
    pump(front->http);
}

/* Once a second while anybody is connected: who is too slow, which streams need a heartbeat. */
static void on_sweep(uv_timer_t *timer)
{
    fy_http *http = timer->data;
    int64_t now_ms = fy_http_now_ms(http), committed = fy_ctl_committed(http->api.ctl);
    bool touched = false;

    for (fy_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        if (now_ms >= conn->until_ms) {
            fy_conn_cut(conn);
            touched = true;
        } else if (conn->stage == FY_STAGE_STREAM && !conn->cut) {
            fy_stream_feed(conn, committed);
            touched = true;
        }
    }
    if (touched) {
        pump(http);
    }
}

void fy_http_answer(fy_http *http)
{
    int64_t committed = fy_ctl_committed(http->api.ctl);
    size_t left = 0;
    bool touched = false;

    for (size_t i = 0; i < http->n_parked; i++) {
        fy_conn *conn = http->parked[i];
        if (conn->reply.ticket <= committed) {
            fy_conn_resume(conn);
            touched = true;
        } else {
            http->parked[left++] = conn;
        }
    }
    http->n_parked = left;
    if (http->counts.streams > 0) {
        for (fy_conn *conn = http->conns; conn != NULL; conn = conn->next) {
            if (conn->stage == FY_STAGE_STREAM && !conn->cut && conn->stream->seq < committed) {
                fy_stream_feed(conn, committed);
                touched = true;
            }
        }
    }
    if (touched) {
        pump(http);
    }
}

/* ------------------------------------------------------------------ open and close */

static int start_front(fy_http *http, fy_front *front, int fd, fy_err *err)
{
    const union MHD_DaemonInfo *info;

    front->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, fy_conn_request,
        front, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)http->options.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION, on_connection, front,
        MHD_OPTION_NOTIFY_COMPLETED, fy_conn_done, front, MHD_OPTION_URI_LOG_CALLBACK, fy_conn_uri,
        front, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    info = front->mhd == NULL ? NULL : MHD_get_daemon_info(front->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        (void)close(fd);
        return fy_fail(err, FY_EIO, "the HTTP server does not start: %s", strerror(errno));
    }
    (void)uv_poll_init(http->loop, &front->poll, info->epoll_fd);
    http->open_handles++;
    front->poll.data = front;
    (void)uv_poll_start(&front->poll, UV_READABLE, on_readable);
    return 0;
}

static int start(fy_http *http, fy_err *err)
{
    const fy_http_options *options = &http->options;
    int fd = fy_listen_unix(options->socket_path, options->socket_mode, err), code;

    if (fd < 0) {
        return fd;
    }
    http->path = strdup(options->socket_path);
    http->fronts[0].is_unix = true;
    code = start_front(http, &http->fronts[0], fd, err);
    if (code != 0 || options->listen == NULL) {
        return code;
    }
    fd = fy_listen_loopback(options->listen, err);
    if (fd < 0) {
        return fd;
    }
    struct sockaddr_in6 bound = {0}; /* the port lies where sockaddr_in has it */
    socklen_t len = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) == 0) {
        http->port = ntohs(bound.sin6_port);
    }
    return start_front(http, &http->fronts[1], fd, err);
}

int fy_http_open(fy_http **out, const fy_http_options *options, uv_loop_t *loop, fy_ctl *ctl,
                 fy_auth *auth, fy_err *err)
{
    fy_http *http = fy_calloc(1, sizeof *http);
    int code;

    *out = NULL;
    http->options = *options;
    http->loop = loop;
    http->api = (fy_api){
        .ctl = ctl, .auth = auth, .reload = options->reload, .reload_ctx = options->reload_ctx};
    http->port = -1;
    http->fronts[0].http = http->fronts[1].http = http;
    (void)uv_timer_init(loop, &http->sweep);
    (void)uv_timer_init(loop, &http->again);
    http->open_handles = 2;
    http->sweep.data = http->again.data = http;
    (void)uv_timer_start(&http->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    (void)uv_timer_stop(&http->sweep); /* begins with the first connection */
    code = start(http, err);
    if (code != 0) {
        fy_http_close(http);
        return code;
    }
    *out = http;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    fy_http *http = handle->type == UV_POLL ? ((fy_front *)handle->data)->http : handle->data;

    if (--http->open_handles == 0) {
        fy_meters_free(&http->meters);
        free(http->parked);
        free(http->path);
        free(http);
    }
}

void fy_http_close(fy_http *http)
{
    if (http == NULL) {
        return;
    }
    http->closing = true;
    for (fy_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        fy_conn_resume(conn); /* MHD stops with none suspended */
    }
    if (http->path != NULL) {
        (void)unlink(http->path);
    }
    for (int i = 0; i < 2; i++) {
        fy_front *front = &http->fronts[i];
        if (front->poll.data != NULL) {
            (void)uv_poll_stop(&front->poll);
            uv_close((uv_handle_t *)&front->poll, on_closed);
        }
        if (front->mhd != NULL) {
            MHD_stop_daemon(front->mhd); /* closes the listening socket too */
            front->mhd = NULL;
        }
    }
    uv_close((uv_handle_t *)&http->sweep, on_closed);
    uv_close((uv_handle_t *)&http->again, on_closed);
}

int fy_http_port(const fy_http *http)
{
    return http->port;
}

fy_http_counts fy_http_count(const fy_http *http)
{
    fy_http_counts counts = http->counts;

    counts.parked = (int)http->n_parked;
    return counts;
}
