/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server: libmicrohttpd without threads inside a libuv loop, on a Unix socket and, where
 * configured, on loopback TCP.
 *
 *     loop turn:  read what clients sent ─► fy_ctl_* ─► fy_ctl_turn (one commit) ─► answer
 *
 * A request whose answer rests on records that are not durable yet is parked until they are; many
 * are answered after one commit. The server commits nothing itself: it calls `due` when a commit is
 * wanted, and its owner calls fy_http_answer after each turn (daemon/loop.h does both).
 */
#ifndef FUYAO_DAEMON_HTTP_H
#define FUYAO_DAEMON_HTTP_H

#include "daemon/auth.h"
#include "daemon/ctl.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

typedef struct fy_http fy_http;

typedef struct fy_http_options {
    const char *socket_path; /* of the Unix socket */
    unsigned socket_mode;    /* of its file; 0666: peers are told apart by the kernel */
    const char *listen;      /* "127.0.0.1:8787" or "[::1]:8787"; NULL = no TCP */

    /* limits; operators are exempt from `rate_per_s`, `burst` and `busy_*` alone */
    int connections, connections_per_uid, connections_unknown; /* ... without a token yet, TCP */
    int streams_per_uid;
    size_t body_bytes, bodies_per_uid_bytes; /* of one request; of all under way */
    double rate_per_s, burst;                /* requests of one uid; rate 0 = no limit */
    double busy_share, busy_ms; /* of the daemon's time that answers to one uid may take; that it
                                   may take beyond; share 0 = no limit */
    int64_t idle_ms;            /* from the last answer to the end of the next request's head */
    int64_t request_ms;         /* from there to the end of its body */
    int64_t answer_ms;          /* from there until the client has taken the answer */
    int64_t heartbeat_ms;       /* of event streams */
    int64_t stuck_ms; /* an event stream's client that takes nothing for so long is cut off */

    int (*reload)(void *ctx, fy_err *err); /* read the configuration again; NULL = cannot */
    void *reload_ctx;

    void (*due)(void *ctx); /* a turn is wanted */
    void *ctx;
} fy_http_options;

fy_http_options fy_http_defaults(void);

/*
 * Open on a loop (borrowed), with a controller and the table of users (both borrowed).
 * Errors: FY_EINVAL (an address that is not loopback, a path too long, somebody answers there
 * already), FY_EIO.
 */
int fy_http_open(fy_http **out, const fy_http_options *options, uv_loop_t *loop, fy_ctl *ctl,
                 fy_auth *auth, fy_err *err) FY_NODISCARD;

/* After a turn: answer what is durable now, feed the event streams. */
void fy_http_answer(fy_http *http);

/* Stop: parked requests get no answer. The loop must run once more (uv_run) before it is closed.
 * NULL allowed. */
void fy_http_close(fy_http *http);

/* The TCP port listened on, for tests that ask for port 0; -1 = none. */
int fy_http_port(const fy_http *http);

typedef struct fy_http_counts {
    int connections, parked, streams;
    int64_t requests, refused; /* since the start */
} fy_http_counts;
fy_http_counts fy_http_count(const fy_http *http);

#endif
