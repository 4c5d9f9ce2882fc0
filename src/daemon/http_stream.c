/* SPDX-License-Identifier: MIT */
/*
 * GET /v1/events: the journal as server-sent events. A stream holds one batch of text and the
 * number up to which it has read, so a client that takes nothing costs no memory and is cut off
 * after a while; with Last-Event-ID it goes on where it was.
 */
#include "base/arena.h"
#include "base/num.h"
#include "daemon/http_internal.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, BLOCK_BYTES = 8192 };

/* The number of a record's line: {"seq": N, ...}; -1 where it has none. */
static int64_t seq_of(const char *line)
{
    static const char key[] = "{\"seq\":";
    int64_t seq;

    if (strncmp(line, key, sizeof key - 1) != 0) {
        return -1;
    }
    line += sizeof key - 1;
    line += strspn(line, " ");
    return fy_num_int(line, strspn(line, "0123456789"), 0, INT64_MAX, &seq) == FY_NUM_OK ? seq : -1;
}

/* Take the next records into the batch. */
static int refill(fy_conn *conn, fy_err *err)
{
    fy_stream *stream = conn->stream;
    fy_str lines = {0};
    int64_t last = stream->seq, shown = stream->seq;
    int code = fy_ctl_view_events(conn->http->api.ctl, conn->request.who, stream->seq, BATCH,
                                  &lines, &last, err);

    fy_str_clear(&stream->text);
    stream->taken = 0;
    for (char *line = lines.text, *end; code == 0 && line != NULL && *line != '\0';
         line = end + 1) {
        end = line + strcspn(line, "\n");
        bool final = *end == '\0';
        *end = '\0';
        int64_t seq = seq_of(line);
        if (seq >= 0) {
            fy_str_printf(&stream->text, "id: %lld\ndata: %s\n\n", (long long)seq, line);
            shown = seq;
        }
        if (final) {
            break;
        }
    }
    if (code == 0 && last > shown) { /* others' records: skip them after a reconnect too */
        fy_str_printf(&stream->text, "id: %lld\n\n", (long long)last);
    }
    stream->seq = last > shown ? last : shown;
    fy_str_free(&lines);
    return code;
}

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t most)
{
    fy_conn *conn = cls;
    fy_stream *stream = conn->stream;
    fy_http *http = conn->http;
    int64_t now_ms = fy_http_now_ms(http);

    (void)position;
    if (stream == NULL || http->closing || conn->cut ||
        stream->generation != fy_auth_generation(http->api.auth)) {
        return MHD_CONTENT_READER_END_OF_STREAM; /* the client comes back and is asked anew */
    }
    stream->at_ms = now_ms;
    if (stream->taken == stream->text.len && stream->seq < fy_ctl_committed(http->api.ctl) &&
        refill(conn, NULL) != 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (stream->taken == stream->text.len && now_ms >= stream->beat_ms) {
        fy_str_clear(&stream->text);
        fy_str_puts(&stream->text, ": alive\n\n");
        stream->taken = 0;
    }
    size_t n = stream->text.len - stream->taken;
    if (n == 0) {
        fy_conn_suspend(conn);
        return 0;
    }
    n = n < most ? n : most;
    memcpy(out, stream->text.text + stream->taken, n);
    stream->taken += n;
    stream->beat_ms = now_ms + http->options.heartbeat_ms;
    return (ssize_t)n;
}

void fy_stream_feed(fy_conn *conn, int64_t committed)
{
    const fy_stream *stream = conn->stream;
    fy_http *http = conn->http;
    int64_t now_ms = fy_http_now_ms(http);

    if (!conn->suspended) {
        if (now_ms - stream->at_ms >= http->options.stuck_ms) {
            fy_conn_cut(conn);
        }
    } else if (stream->seq < committed || now_ms >= stream->beat_ms ||
               stream->generation != fy_auth_generation(http->api.auth)) {
        fy_conn_resume(conn);
    }
}

static int read_position(const fy_conn *conn, int64_t *out, fy_err *err)
{
    const char *text = MHD_lookup_connection_value(conn->mhd, MHD_HEADER_KIND, "Last-Event-ID");

    if (text == NULL) {
        return fy_api_int(&conn->request.uri, "after", 0, INT64_MAX, 0, out, err);
    }
    return fy_num_int(text, strlen(text), 0, INT64_MAX, out) == FY_NUM_OK
               ? 0
               : fy_fail(err, FY_EPARSE, "Last-Event-ID '%.40s' is no number", text);
}

bool fy_stream_begin(fy_conn *conn)
{
    fy_http *http = conn->http;
    fy_err err = {0};
    int64_t seq = 0;
    int code = fy_route_check(conn->request.match.route, &conn->request.uri, &err);

    if (code == 0) {
        code = read_position(conn, &seq, &err);
    }
    if (code == 0 && conn->payer->streams >= http->options.streams_per_uid) {
        (void)fy_fail(&err, FY_EINVAL, "more than %d event streams", http->options.streams_per_uid);
        fy_reply_error(&conn->reply, 429, err.text);
        return false;
    }
    if (code != 0) {
        fy_reply_error(&conn->reply, 400, err.text);
        return false;
    }
    conn->stream = fy_calloc(1, sizeof *conn->stream);
    conn->stream->seq = seq;
    conn->stream->generation = fy_auth_generation(http->api.auth);
    conn->stream->at_ms = fy_http_now_ms(http);
    conn->payer->streams++;
    http->counts.streams++;
    code = refill(conn, &err);
    if (code != 0) {
        fy_stream_end(conn);
        fy_reply_error(&conn->reply, code == FY_EIO ? 503 : 410, err.text);
        return false;
    }
    fy_str_clear(&conn->reply.body);
    conn->reply.status = 200;
    conn->reply.type = "text/event-stream";
    conn->reply.job = -1;
    conn->reply.size = -1;
    return true;
}

struct MHD_Response *fy_stream_response(fy_conn *conn)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, conn, NULL);

    if (response != NULL) {
        (void)MHD_add_response_header(response, "Cache-Control", "no-cache");
        (void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
    }
    return response;
}

void fy_stream_end(fy_conn *conn)
{
    if (conn->stream == NULL) {
        return;
    }
    if (conn->payer != NULL) {
        conn->payer->streams--;
    }
    conn->http->counts.streams--;
    fy_str_free(&conn->stream->text);
    free(conn->stream);
    conn->stream = NULL;
}
