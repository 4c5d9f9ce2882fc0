/* SPDX-License-Identifier: MIT */
/* What http.c (sockets, limits), http_conn.c (one request) and http_stream.c (events) share. */
#ifndef FUYAO_DAEMON_HTTP_INTERNAL_H
#define FUYAO_DAEMON_HTTP_INTERNAL_H

#include "daemon/api.h"
#include "daemon/http.h"
#include "daemon/meter.h"

#include <microhttpd.h>

/* One listening socket with its MHD daemon. */
typedef struct fy_front {
    fy_http *http;
    struct MHD_Daemon *mhd; /* NULL = not in use */
    uv_poll_t poll;
    bool is_unix;
} fy_front;

typedef enum fy_stage {
    FY_STAGE_IDLE,   /* between requests; a head may be on its way */
    FY_STAGE_HEAD,   /* the request line is here */
    FY_STAGE_BODY,   /* the head is here and accepted */
    FY_STAGE_PARKED, /* answered by the API, not yet durable */
    FY_STAGE_ANSWER, /* MHD sends the answer */
    FY_STAGE_STREAM  /* an event stream */
} fy_stage;

/* An event stream's state: nothing is kept of what the client has yet to take but one batch. */
typedef struct fy_stream {
    int64_t seq;   /* records up to here are in `text` or were sent */
    fy_str text;   /* one batch, as server-sent events */
    size_t taken;  /* bytes of it that MHD took */
    int64_t at_ms; /* when MHD last asked for more */
    int64_t beat_ms;
    unsigned generation; /* of the table of users that let it in */
} fy_stream;

/* One connection; freed when MHD closes it. */
typedef struct fy_conn {
    struct fy_conn *next, *prev; /* of all */
    fy_http *http;
    const fy_front *front;
    struct MHD_Connection *mhd;
    int fd;
    fy_stage stage;
    bool suspended, cut; /* cut: shut down by us, MHD has not closed it yet */
    int64_t until_ms;    /* the stage must be over by then; INT64_MAX = no limit */

    fy_meter *holder;    /* counts the connection */
    fy_meter *payer;     /* counts the request */
    size_t promised;     /* bytes of its body, counted at the payer */
    bool operates;       /* the caller has scope operate */
    unsigned peer_known; /* generation of the table that `peer` came from; 0 = not yet asked */
    fy_identity peer;    /* by the Unix socket */
    fy_identity *bearer; /* by a token, this request; owned, NULL until the first */
    fy_request request;
    fy_reply reply;
    fy_str uri, body;
    fy_stream *stream; /* owned; NULL = none */
} fy_conn;

struct fy_http {
    fy_http_options options;
    uv_loop_t *loop;
    fy_api api;
    fy_front fronts[2];
    uv_timer_t sweep, again;
    int open_handles;
    fy_meters meters;
    fy_conn *conns;   /* all */
    fy_conn **parked; /* [n_parked] in order of arrival */
    size_t n_parked, parked_room;
    fy_http_counts counts;
    int port;
    char *path; /* owned: the socket's */
    bool closing;
};

/* MHD's callbacks, http_conn.c. */
enum MHD_Result fy_conn_request(void *front, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request);
void *fy_conn_uri(void *front, const char *uri, struct MHD_Connection *mhd);
void fy_conn_done(void *front, struct MHD_Connection *mhd, void **request,
                  enum MHD_RequestTerminationCode how);

/* Begin an event stream as this request's answer; false: `reply` says why not. */
bool fy_stream_begin(fy_conn *conn);
struct MHD_Response *fy_stream_response(fy_conn *conn);
/* Wake it where there are records or a heartbeat is due; cut it off where it is stuck. */
void fy_stream_feed(fy_conn *conn, int64_t committed);
void fy_stream_end(fy_conn *conn);

/* Suspend and resume, so that `suspended` is always true of MHD. */
void fy_conn_suspend(fy_conn *conn);
void fy_conn_resume(fy_conn *conn);
/* Shut the socket down; MHD then closes the connection. */
void fy_conn_cut(fy_conn *conn);

int64_t fy_http_now_ms(const fy_http *http);

#endif
