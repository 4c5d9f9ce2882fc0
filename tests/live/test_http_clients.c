/* SPDX-License-Identifier: MIT */
/* The server against broken, slow and hostile clients, and streams of events. */
#include "live/server.h"

#include <sys/resource.h>

static int raw(const server *w, const char *text, size_t len)
{
    int fd = client_unix(w->path);

    (void)client_send(fd, text, len);
    client_answer answer = client_read(fd, true);
    int status = answer.status;
    client_drop(&answer);
    (void)close(fd);
    return status;
}

#define RAW(w, text) raw(w, text, sizeof(text) - 1)

static void malformed_requests_are_refused(void **state)
{
    server w;
    fy_loop_options options = server_options();
    char *long_header = calloc(1, 70000);
    int status;

    (void)state;
    options.http.body_bytes = 1000;
    options.http.idle_ms = 2000; /* for what never becomes a request */
    server_begin(&w, options);
    assert_int_equal(RAW(&w, "GET /v1/jobs/%00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(RAW(&w, "GET //v1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(RAW(&w, "GET /v1/jobs HTTP/1.1\r\n\r\n"), 400); /* no Host */
    assert_int_equal(
        RAW(&w, "GET /v1/jobs?full=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), 400);
    assert_int_equal(RAW(&w, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                     411);
    assert_int_equal(RAW(&w, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"),
                     413);
    assert_int_equal(
        RAW(&w, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n"),
        413);
    status = RAW(&w, "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n");
    assert_true(status == 400 || status == 0);
    status = RAW(&w, "\x16\x03\x01\x02garbage\r\n\r\n\r\n");
    assert_true(status == 400 || status == 0);
    (void)strcpy(long_header, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
    memset(long_header + strlen(long_header), 'x', 60000);
    (void)strcat(long_header, "\r\n\r\n");
    status = raw(&w, long_header, strlen(long_header));
    assert_true(status == 431 || status == 413 || status == 0);
    free(long_header);
    expect(&w, "POST", "/v1/jobs", "{\"args\": [\"a\"]", 400, NULL);
    expect(&w, "POST", "/v1/jobs", "\xff\xfe", 400, NULL);
    expect(&w, "GET", "/healthz", NULL, 200, "ok"); /* it lives */
    server_end(&w);
}

static void slow_clients_are_cut_off(void **state)
{
    static const char half[] = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    fy_loop_options options = server_options();
    server w;

    (void)state;
    options.http.idle_ms = options.http.request_ms = 500;
    server_begin(&w, options);
    int idle = client_unix(w.path), head = client_unix(w.path), body = client_unix(w.path);
    assert_true(client_send(head, "GET /healthz HT", 15));
    assert_true(client_send(body, half, sizeof half - 1));
    assert_true(client_wait(idle, POLLRDHUP) & POLLRDHUP);
    assert_true(client_wait(head, POLLRDHUP) & POLLRDHUP);
    assert_true(client_wait(body, POLLRDHUP) & POLLRDHUP);
    (void)close(idle);
    (void)close(head);
    (void)close(body);
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    server_end(&w);
}

static void a_thousand_idle_connections_are_borne(void **state)
{
    enum { IDLE = 1000 };
    struct rlimit limit;
    fy_loop_options options = server_options();
    server w;
    int *fds = calloc(IDLE + 1, sizeof *fds);

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    options.http.connections_per_uid = IDLE;
    server_begin(&w, options);
    for (int i = 0; i < IDLE; i++) {
        fds[i] = client_unix(w.path);
        assert_true(fds[i] >= 0);
    }
    /* One too many gets a line and the end; those there are still served. */
    fds[IDLE] = client_unix(w.path);
    client_answer answer = client_read(fds[IDLE], true);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "{\"error\": \"too many connections are open\"}");
    client_drop(&answer);
    for (int i = 0; i < IDLE; i += 111) {
        answer = client_ask(fds[i], "POST", "/v1/jobs", "", one_job);
        assert_int_equal(answer.status, 201);
        client_drop(&answer);
    }
    expect_at(client_tcp(server_port(&w)), "GET", "/healthz", "", NULL, 200,
              "ok"); /* others still come in */
    for (int i = 0; i <= IDLE; i++) {
        (void)close(fds[i]);
    }
    free(fds);
    server_end(&w);
}

/* Who has shown no token makes room for who comes next; who has shown one keeps its place. */
static void strangers_hold_no_door_shut(void **state)
{
    enum { MOST = 4, KEPT = 6, STRANGERS = 9 };
    fy_loop_options options = server_options();
    server w;
    char token[160], request[400];
    int kept[KEPT], strangers[STRANGERS], len;

    (void)state;
    options.http.connections_unknown = MOST;
    server_begin(&w, options);
    make_token(&w, "a1", "t0", "submit", token);
    len = snprintf(request, sizeof request, "GET /v1/jobs HTTP/1.1\r\nHost: x\r\n%s\r\n", token);
    for (int i = 0; i < KEPT; i++) {
        kept[i] = client_tcp(server_port(&w));
        assert_true(client_send(kept[i], request, (size_t)len));
        client_answer answer = client_read(kept[i], true);
        assert_int_equal(answer.status, 200);
        client_drop(&answer);
    }
    for (int i = 0; i < STRANGERS; i++) {
        strangers[i] = client_tcp(server_port(&w));
        assert_true(strangers[i] >= 0);
    }
    expect_at(client_tcp(server_port(&w)), "GET", "/healthz", "", NULL, 200, "ok");
    for (int i = 0; i < STRANGERS - MOST; i++) { /* the oldest had to go */
        client_answer gone = client_read(strangers[i], true);
        assert_true(gone.status != 200);
        client_drop(&gone);
    }
    for (int i = 0; i < KEPT; i++) {
        assert_true(client_send(kept[i], request, (size_t)len));
        client_answer answer = client_read(kept[i], true);
        assert_int_equal(answer.status, 200);
        client_drop(&answer);
        (void)close(kept[i]);
    }
    for (int i = 0; i < STRANGERS; i++) {
        (void)close(strangers[i]);
    }
    server_end(&w);
}

static void two_lengths_are_refused(void **state)
{
    static const char request[] =
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}";
    server w;
    int fd;

    (void)state;
    server_begin(&w, server_options());
    fd = client_unix(w.path);
    assert_true(client_send(fd, request, sizeof request - 1));
    client_answer answer = client_read(fd, true);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.body, "2 times"));
    client_drop(&answer);
    (void)close(fd);
    server_end(&w);
}

static int stream(const server *w, const char *more)
{
    char request[256];
    int fd = client_unix(w->path);
    int n = snprintf(request, sizeof request, "GET /v1/events HTTP/1.1\r\nHost: x\r\n%s\r\n", more);

    assert_true(client_send(fd, request, (size_t)n));
    char *head = client_until(fd, "\r\n\r\n");
    assert_non_null(head);
    assert_non_null(strstr(head, "200 OK"));
    assert_non_null(strstr(head, "text/event-stream"));
    free(head);
    return fd;
}

static void streams_go_on_where_they_were(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
    for (int i = 0; i < 3; i++) {
        expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    }
    int fd = stream(&w, "Last-Event-ID: 2\r\n");
    char *text = client_until(fd, "\n\n");
    assert_non_null(strstr(text, "id: 3\ndata: {\"seq\":3,"));
    free(text);
    expect(&w, "POST", "/v1/jobs", one_job, 201, NULL); /* the stream waits and is woken */
    text = client_until(fd, "id: 4\n");
    assert_non_null(text);
    assert_non_null(strstr(text, "id: 4\n"));
    free(text);
    (void)close(fd);
    expect_at(client_unix(w.path), "GET", "/v1/events", "Last-Event-ID: x\r\n", NULL, 400,
              "no number");
    expect(&w, "GET", "/v1/events?after=99", NULL, 410, "no record 99");
    server_end(&w);
}

static void quiet_streams_beat(void **state)
{
    fy_loop_options options = server_options();
    server w;

    (void)state;
    options.http.heartbeat_ms = 100;
    server_begin(&w, options);
    int fd = stream(&w, "");
    for (int i = 0; i < 2; i++) {
        char *text = client_until(fd, ": alive\n\n");
        assert_non_null(text);
        assert_non_null(strstr(text, ": alive"));
        free(text);
    }
    (void)close(fd);
    server_end(&w);
}

static void a_client_that_never_reads_is_cut_off(void **state)
{
    fy_loop_options options = server_options();
    server w;
    fy_str bulk = {0};

    (void)state;
    options.http.stuck_ms = 500;
    options.http.answer_ms = 2000;
    server_begin(&w, options);
    fy_str_puts(&bulk, "[{\"args\":[\"a\"]}");
    for (int i = 1; i < 500; i++) { /* small bulks: slow builds check the fleet at each job */
        fy_str_puts(&bulk, ",{\"args\":[\"a\"]}");
    }
    fy_str_puts(&bulk, "]");
    for (int i = 0; i < 10; i++) {
        expect(&w, "POST", "/v1/jobs", bulk.text, 201, NULL);
    }
    fy_str_free(&bulk);
    int events = stream(&w, ""), queue = client_unix(w.path);
    static const char ask[] = "GET /v1/jobs?full=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_true(client_send(queue, ask, sizeof ask - 1));
    assert_true(client_wait(events, POLLRDHUP) & POLLRDHUP);
    assert_true(client_wait(queue, POLLRDHUP) & POLLRDHUP);
    (void)close(events);
    (void)close(queue);
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    server_stop(&w);
    assert_int_equal(fy_http_count(fy_loop_http(w.loop)).streams, 0);
    server_end(&w);
}

static void a_dropped_token_ends_its_streams(void **state)
{
    server w;
    char a[160];

    (void)state;
    server_begin(&w, server_options());
    make_token(&w, "a1", "t0", "read", a);
    int fd = stream(&w, a);
    expect(&w, "POST", "/v1/tokens/a1/drop", NULL, 200, NULL);
    expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    char *rest = client_until(fd, "0\r\n\r\n"); /* the last chunk */
    assert_non_null(rest);
    assert_null(strstr(rest, "submitted"));
    free(rest);
    (void)close(fd);
    server_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(slow_clients_are_cut_off),
        cmocka_unit_test(a_thousand_idle_connections_are_borne),
        cmocka_unit_test(strangers_hold_no_door_shut),
        cmocka_unit_test(two_lengths_are_refused),
        cmocka_unit_test(streams_go_on_where_they_were),
        cmocka_unit_test(quiet_streams_beat),
        cmocka_unit_test(a_client_that_never_reads_is_cut_off),
        cmocka_unit_test(a_dropped_token_ends_its_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
