/* SPDX-License-Identifier: MIT */
/* The server on a real socket, with a controller of a few lines: what is answered, when, to whom,
 * and what hostile and broken clients get. */
#include "daemon/loop.h"
#include "live/client.h"
#include "standin_ctl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char one_job[] = "{\"args\": [\"true\"], \"workdir\": \"/tmp\"}";

typedef struct world {
    char folder[64], path[96];
    fy_store *store;
    fy_ctl ctl;
    fy_auth *auth;
    fy_loop *loop;
    pthread_t thread;
    fy_err err;
    int code; /* of fy_loop_run */
    bool running;
} world;

static void *work(void *arg)
{
    world *w = arg;

    w->code = fy_loop_run(w->loop, &w->err);
    return NULL;
}

static fy_loop_options quick(void)
{
    fy_loop_options options = fy_loop_defaults();

    options.http.listen = "127.0.0.1:0";
    return options;
}

static void begin(world *w, fy_loop_options options)
{
    fy_err err = {0};

    memset(w, 0, sizeof *w);
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/fuyao-http-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->path, sizeof w->path, "%s/socket", w->folder);
    if (fy_store_open(&w->store, &(fy_store_options){.folder = w->folder}, &err) != 0 ||
        fy_auth_open(&w->auth, NULL, 0, w->store, &err) != 0) {
        fail_msg("%s", err.text);
    }
    w->ctl.store = w->store;
    options.http.socket_path = w->path;
    if (fy_loop_open(&w->loop, &options, &w->ctl, NULL, w->auth, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
    w->running = true;
}

static void stop(world *w)
{
    if (w->running) {
        fy_loop_stop(w->loop);
        assert_int_equal(pthread_join(w->thread, NULL), 0);
        w->running = false;
    }
}

static void end(world *w)
{
    char command[128];

    stop(w);
    fy_loop_close(w->loop);
    fy_auth_close(w->auth);
    fy_store_close(w->store);
    free(w->ctl.jobs);
    assert_int_not_equal(access(w->path, F_OK), 0); /* the socket goes with its daemon */
    (void)snprintf(command, sizeof command, "rm -rf %s", w->folder);
    assert_int_equal(system(command), 0);
}

/* Ask once over a new connection; the status, and a part that the body must hold. */
static void expect_at(int fd, const char *method, const char *target, const char *more,
                      const char *body, int status, const char *part)
{
    assert_true(fd >= 0);
    client_answer answer = client_ask(fd, method, target, more, body);
    if (answer.status != status || (part != NULL && strstr(answer.body, part) == NULL)) {
        fail_msg("%s %s: %d, wanted %d with %s: %s%s", method, target, answer.status, status,
                 part != NULL ? part : "anything", answer.head != NULL ? answer.head : "(none)",
                 answer.body != NULL ? answer.body : "");
    }
    client_drop(&answer);
    (void)close(fd);
}

static void expect(const world *w, const char *method, const char *target, const char *body,
                   int status, const char *part)
{
    expect_at(client_unix(w->path), method, target, "", body, status, part);
}

/* ------------------------------------------------------------------ answers */

static void routes_answer(void **state)
{
    world w;

    (void)state;
    begin(&w, quick());
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    expect(&w, "GET", "/api", NULL, 200, "\"/v1/jobs/{id}/explain\"");
    expect(&w, "POST", "/v1/jobs", one_job, 201, "{\"id\": 1, \"count\": 1, \"again\": false}");
    expect(&w, "POST", "/v1/jobs?dry_run=1", one_job, 200, "starts");
    expect(&w, "GET", "/v1/jobs/1", NULL, 200, "\"id\": 1");
    expect(&w, "HEAD", "/v1/jobs/1", NULL, 200, NULL);
    expect(&w, "GET", "/v1/jobs/1/explain", NULL, 200, NULL);
    expect(&w, "POST", "/v1/jobs/1/signal", "{\"signal\": \"SIGUSR1\"}", 200, NULL);
    expect(&w, "POST", "/v1/jobs/1/signal", "{\"signal\": \"WRONG\"}", 400, "signal");
    expect(&w, "POST", "/v1/jobs/1/progress", "{\"attempt\": 1, \"token\": \"right\", \"done\": 2}",
           200, NULL);
    expect(&w, "POST", "/v1/jobs/1/progress", "{\"attempt\": 1, \"token\": \"wrong\", \"done\": 2}",
           404, NULL);
    expect(&w, "POST", "/v1/jobs/1/hold", "", 200, NULL);
    expect(&w, "POST", "/v1/jobs/1/cancel", "{\"why\": 1}", 400, "why");
    expect(&w, "POST", "/v1/jobs/1/cancel", NULL, 200, "\"id\": 1");
    expect(&w, "POST", "/v1/jobs/1/cancel", NULL, 409, "has ended");
    expect(&w, "POST", "/v1/nodes/n0/drain", "{\"reason\": \"fan\"}", 200, "n0");
    expect(&w, "POST", "/v1/nodes/n0/drain", "{}", 400, "reason");
    expect(&w, "POST", "/v1/nodes/n%31/resume", NULL, 404, "no node n1");
    expect(&w, "POST", "/v1/nodes/n0/reserve", "{\"tenant\": \"a\", \"from_us\": 5, \"to_us\": 9}",
           200, NULL);
    expect(&w, "POST", "/v1/policy", "{\"policy\": \"las\", \"settings\": {\"a\": \"b\"}}", 200,
           "las");
    expect(&w, "POST", "/v1/policy", "{\"policy\": \"x\"}", 400, "no policy x");
    expect(&w, "GET", "/v1/nodes", NULL, 200, NULL);
    expect(&w, "GET", "/metrics", NULL, 200, "fuyao_jobs 1");
    end(&w);
}

static void wrong_addresses_are_named(void **state)
{
    world w;

    (void)state;
    begin(&w, quick());
    expect(&w, "GET", "/v1/jobs/2", NULL, 404, "no job 2");
    expect(&w, "GET", "/v1/jobs/x", NULL, 404, "see /api");
    expect(&w, "GET", "/v1/nothing", NULL, 404, "see /api");
    expect(&w, "GET", "/v1/jobs?ful=1", NULL, 400,
           "no parameter ful; it has: tenant, user, name, state, after, limit, full");
    expect(&w, "GET", "/v1/jobs?limit=0", NULL, 400, "1 to 100000");
    expect(&w, "GET", "/v1/jobs?state=waiting,odd", NULL, 400, "state 'odd'");
    expect(&w, "GET", "/v1/jobs?limit=%zz", NULL, 400, "escape");
    client_answer answer = client_ask(client_unix(w.path), "DELETE", "/v1/jobs/1", "", NULL);
    assert_int_equal(answer.status, 405);
    assert_non_null(strstr(answer.head, "Allow: GET, HEAD\r\n"));
    client_drop(&answer);
    end(&w);
}

static void pages_follow_each_other(void **state)
{
    world w;

    (void)state;
    begin(&w, quick());
    for (int i = 0; i < 5; i++) {
        expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    }
    expect(&w, "GET", "/v1/jobs?limit=2", NULL, 200, "{\"jobs\": [{\"id\": 1}, {\"id\": 2}]}");
    expect(&w, "GET", "/v1/jobs?limit=2&after=2", NULL, 200, "[{\"id\": 3}, {\"id\": 4}]");
    expect(&w, "GET", "/v1/jobs?limit=2&after=4", NULL, 200, "[{\"id\": 5}]");
    expect(&w, "GET", "/v1/jobs?after=5", NULL, 200, "[]");
    end(&w);
}

static void bulk_is_read_before_it_is_taken(void **state)
{
    world w;

    (void)state;
    begin(&w, quick());
    expect(&w, "POST", "/v1/jobs", "[{\"args\":[\"a\"]}, {\"argz\":[\"b\"]}]", 400, "element 1");
    expect(&w, "POST", "/v1/jobs", "[{\"args\":[\"a\"]}", 400, "does not end");
    expect(&w, "GET", "/v1/jobs", NULL, 200, "[]");
    expect(&w, "POST", "/v1/jobs", " [{\"args\":[\"a\"]},{\"args\":[\"b\"]}]", 201, "\"id\": 2");
    expect(&w, "POST", "/v1/jobs", "[{\"args\":[\"a\"]},{\"args\":[\"b\"],\"devices\":2000}]", 207,
           "{\"error\": \"no node has 2000 devices\"}");
    expect(&w, "POST", "/v1/jobs", "[]", 201, "[");
    expect(&w, "POST", "/v1/jobs", "", 400, "empty");
    end(&w);
}

/* ------------------------------------------------------------------ durability */

static void nothing_is_answered_before_its_commit(void **state)
{
    world w;

    (void)state;
    begin(&w, quick());
    int fd = client_unix(w.path);
    w.ctl.watch_fd = fd;
    for (int i = 0; i < 50; i++) {
        client_answer answer = client_ask(fd, "POST", "/v1/jobs", "", one_job);
        assert_int_equal(answer.status, 201);
        client_drop(&answer);
    }
    w.ctl.watch_fd = 0;
    (void)close(fd);
    stop(&w);
    assert_int_equal(w.ctl.commits, 50); /* each waited for its own */
    assert_int_equal(w.ctl.early, 0);
    assert_int_equal(fy_store_committed(w.store), 50);
    end(&w);
}

static void a_failed_commit_answers_nobody(void **state)
{
    world w;

    (void)state;
    begin(&w, quick());
    expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    w.ctl.broken = true;
    int fd = client_unix(w.path);
    char request[256];
    int n = snprintf(request, sizeof request,
                     "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                     strlen(one_job), one_job);
    assert_true(client_send(fd, request, (size_t)n));
    assert_int_equal(pthread_join(w.thread, NULL), 0); /* the loop ends by itself */
    w.running = false;
    assert_int_equal(w.code, FY_EIO);
    assert_string_equal(w.err.text, "the disk is gone");
    fy_loop_close(w.loop);
    w.loop = NULL;
    client_answer answer = client_read(fd, true);
    assert_int_equal(answer.status, 0);
    client_drop(&answer);
    (void)close(fd);
    end(&w);
}

static size_t swallow(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * n;
}

/* libcurl as the client that people will use: keep-alive over the Unix socket, several at once. */
static void many_share_a_commit(void **state)
{
    enum { CLIENTS = 32, ROUNDS = 20 };
    world w;
    CURLM *multi;
    CURL *easy[CLIENTS];
    int left = 0;

    (void)state;
    begin(&w, quick());
    multi = curl_multi_init();
    for (int i = 0; i < CLIENTS; i++) {
        easy[i] = curl_easy_init();
        (void)curl_easy_setopt(easy[i], CURLOPT_UNIX_SOCKET_PATH, w.path);
        (void)curl_easy_setopt(easy[i], CURLOPT_URL, "http://fuyao/v1/jobs");
        (void)curl_easy_setopt(easy[i], CURLOPT_POSTFIELDS, one_job);
        (void)curl_easy_setopt(easy[i], CURLOPT_WRITEFUNCTION, swallow);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            (void)curl_multi_add_handle(multi, easy[i]);
        }
        do {
            assert_int_equal(curl_multi_perform(multi, &left), CURLM_OK);
        } while (left > 0 && curl_multi_poll(multi, NULL, 0, CLIENT_DEADLINE_MS, NULL) == CURLM_OK);
        for (int i = 0; i < CLIENTS; i++) {
            long status = 0;
            (void)curl_easy_getinfo(easy[i], CURLINFO_RESPONSE_CODE, &status);
            assert_int_equal(status, 201);
            (void)curl_multi_remove_handle(multi, easy[i]);
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        curl_easy_cleanup(easy[i]);
    }
    (void)curl_multi_cleanup(multi);
    stop(&w);
    assert_int_equal(w.ctl.n_jobs, CLIENTS * ROUNDS);
    assert_int_equal(fy_store_committed(w.store), CLIENTS * ROUNDS);
    assert_true(w.ctl.commits < CLIENTS * ROUNDS);
    end(&w);
}

/* ------------------------------------------------------------------ hostile and broken clients */

/* The status of a raw text's answer; 0 = the connection was closed without one. */
static int raw(const world *w, const char *text, size_t len)
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
    world w;
    fy_loop_options options = quick();
    char *long_header = calloc(1, 70000);
    int status;

    (void)state;
    options.http.body_bytes = 1000;
    options.http.idle_ms = 2000; /* for what never becomes a request */
    begin(&w, options);
    assert_int_equal(RAW(&w, "GET /v1/jobs/%00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(RAW(&w, "GET //v1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(RAW(&w, "GET /v1/jobs HTTP/1.1\r\n\r\n"), 400); /* no Host */
    assert_int_equal(RAW(&w, "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
                     400);
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
    end(&w);
}

static void slow_clients_are_cut_off(void **state)
{
    static const char half[] = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    fy_loop_options options = quick();
    world w;

    (void)state;
    options.http.idle_ms = options.http.request_ms = 500;
    begin(&w, options);
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
    end(&w);
}

static void a_thousand_idle_connections_are_borne(void **state)
{
    enum { IDLE = 1000 };
    struct rlimit limit;
    fy_loop_options options = quick();
    world w;
    int *fds = calloc(IDLE + 1, sizeof *fds);

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    options.http.connections_per_uid = IDLE;
    begin(&w, options);
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
    expect_at(client_tcp(fy_http_port(fy_loop_http(w.loop))), "GET", "/healthz", "", NULL, 200,
              "ok"); /* others still come in */
    for (int i = 0; i <= IDLE; i++) {
        (void)close(fds[i]);
    }
    free(fds);
    end(&w);
}

/* ------------------------------------------------------------------ who may what */

static void make_token(const world *w, const char *name, const char *tenant, const char *scope,
                       char header[160])
{
    char body[256];

    (void)snprintf(body, sizeof body,
                   "{\"name\": \"%s\", \"tenant\": \"%s\", \"uid\": 4321, \"scope\": \"%s\"}", name,
                   tenant, scope);
    client_answer answer = client_ask(client_unix(w->path), "POST", "/v1/tokens", "", body);
    assert_int_equal(answer.status, 201);
    const char *token = strstr(answer.body, "fuyao_");
    assert_non_null(token);
    (void)snprintf(header, 160, "Authorization: Bearer %.*s\r\n", FY_TOKEN_TEXT - 1, token);
    client_drop(&answer);
}

static void tenants_are_kept_apart(void **state)
{
    world w;
    char a[160], b[160], reader[160];

    (void)state;
    begin(&w, quick());
    int port = fy_http_port(fy_loop_http(w.loop));
    make_token(&w, "a1", "a", "submit", a);
    make_token(&w, "b1", "b", "submit", b);
    make_token(&w, "r1", "a", "read", reader);
    expect_at(client_tcp(port), "GET", "/v1/jobs", "", NULL, 401, "Bearer TOKEN");
    expect_at(client_tcp(port), "GET", "/v1/jobs", "Authorization: Bearer fuyao_00\r\n", NULL, 401,
              "no such access token");
    expect_at(client_tcp(port), "GET", "/v1/jobs", "Authorization: Basic eDp5\r\n", NULL, 401,
              NULL);
    expect_at(client_unix(w.path), "GET", "/v1/jobs", "Authorization: Bearer x\r\n", NULL, 401,
              NULL);
    expect_at(client_tcp(port), "POST", "/v1/jobs", a, one_job, 201, "\"id\": 1");
    expect_at(client_tcp(port), "GET", "/v1/jobs/1", reader, NULL, 200, "\"tenant\": \"a\"");
    expect_at(client_tcp(port), "POST", "/v1/jobs", reader, one_job, 403, "scope submit");
    expect_at(client_tcp(port), "POST", "/v1/jobs/1/cancel", reader, NULL, 403, NULL);
    expect_at(client_tcp(port), "GET", "/v1/jobs/1", b, NULL, 404, "no job 1");
    expect_at(client_tcp(port), "GET", "/v1/jobs/1/output", b, NULL, 404, "no job 1");
    expect_at(client_tcp(port), "POST", "/v1/jobs/1/cancel", b, NULL, 404, "no job 1");
    expect_at(client_tcp(port), "GET", "/v1/jobs", b, NULL, 200, "[]");
    expect_at(client_tcp(port), "POST", "/v1/nodes/n0/resume", a, NULL, 403, "operate");
    expect_at(client_tcp(port), "GET", "/v1/tokens", a, NULL, 403, NULL);
    client_answer metrics = client_ask(client_tcp(port), "GET", "/metrics", reader, NULL);
    assert_int_equal(metrics.status, 200);
    assert_string_equal(metrics.body, "fuyao_jobs 1\nfuyao_held{tenant=\"a\"} 1\n");
    client_drop(&metrics);
    expect(&w, "GET", "/metrics", NULL, 200, "fuyao_held{tenant=\"ab\"} 2");
    expect(&w, "GET", "/v1/tokens", NULL, 200,
           "\"name\": \"b1\", \"tenant\": \"b\", \"uid\": 4321");
    expect(&w, "POST", "/v1/tokens/a1/drop", NULL, 200, "a1");
    expect(&w, "POST", "/v1/tokens/a1/drop", NULL, 404, "no token a1");
    expect_at(client_tcp(port), "GET", "/v1/jobs", a, NULL, 401, NULL);
    expect(&w, "POST", "/v1/tokens",
           "{\"name\": \"z\", \"tenant\": \"a\", \"uid\": 0, \"scope\": \"submit\"}", 400, "root");
    make_token(&w, "op", "a", "operate", a);
    expect_at(client_tcp(port), "POST", "/v1/tokens", a,
              "{\"name\": \"z\", \"tenant\": \"a\", \"uid\": 7, \"scope\": \"submit\"}", 400,
              "Unix socket only");
    end(&w);
}

static void one_user_cannot_ask_without_end(void **state)
{
    fy_loop_options options = quick();
    world w;
    char a[160];
    int statuses[600] = {0};

    (void)state;
    options.http.rate_per_s = 0.001; /* nothing comes back while the test runs */
    options.http.burst = 5;
    begin(&w, options);
    make_token(&w, "a1", "a", "submit", a);
    for (int i = 0; i < 7; i++) {
        client_answer answer =
            client_ask(client_tcp(fy_http_port(fy_loop_http(w.loop))), "GET", "/v1/jobs", a, NULL);
        statuses[answer.status]++;
        client_drop(&answer);
    }
    assert_int_equal(statuses[200], 5);
    assert_int_equal(statuses[429], 2);
    expect(&w, "GET", "/v1/jobs", NULL, 200, NULL); /* an operator always may */
    end(&w);
}

static void outputs_are_read_as_their_user(void **state)
{
    world w;
    char file[128], link[128], target[160];

    (void)state;
    begin(&w, quick());
    (void)snprintf(file, sizeof file, "%s/out", w.folder);
    (void)snprintf(link, sizeof link, "%s/link", w.folder);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_true(fputs("0123456789", out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(symlink(file, link), 0);
    w.ctl.output = file;
    expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    (void)snprintf(target, sizeof target, "/v1/jobs/1/output?from=7");
    client_answer answer = client_ask(client_unix(w.path), "GET", target, "", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "789");
    assert_non_null(strstr(answer.head, "Fuyao-Size: 10\r\n"));
    client_drop(&answer);
    expect(&w, "GET", "/v1/jobs/1/output?limit=2&from=1", NULL, 200, "12");
    expect(&w, "GET", "/v1/jobs/1/output?from=99", NULL, 200, "");
    w.ctl.output = link;
    expect(&w, "GET", "/v1/jobs/1/output", NULL, 409, "is a link");
    w.ctl.output = w.folder;
    expect(&w, "GET", "/v1/jobs/1/output", NULL, 409, "no plain file");
    w.ctl.output = "/nowhere/out";
    expect(&w, "GET", "/v1/jobs/1/output", NULL, 404, NULL);
    if (geteuid() == 0) { /* the job is another user's: root's file is not for it */
        char a[160];
        make_token(&w, "a1", "a", "submit", a);
        int port = fy_http_port(fy_loop_http(w.loop));
        expect_at(client_tcp(port), "POST", "/v1/jobs", a, one_job, 201, "\"id\": 2");
        assert_int_equal(chmod(w.folder, 0755), 0);
        w.ctl.output = file;
        expect_at(client_tcp(port), "GET", "/v1/jobs/2/output", a, NULL, 409, "another user");
        assert_int_equal(chmod(file, 0600), 0);
        expect_at(client_tcp(port), "GET", "/v1/jobs/2/output", a, NULL, 404, "Permission denied");
        assert_int_equal(chown(file, 4321, 4321), 0);
        expect_at(client_tcp(port), "GET", "/v1/jobs/2/output", a, NULL, 200, "0123456789");
    }
    end(&w);
}

/* ------------------------------------------------------------------ events */

/* Open a stream; its head must be there. */
static int stream(const world *w, const char *more)
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
    world w;

    (void)state;
    begin(&w, quick());
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
    end(&w);
}

static void quiet_streams_beat(void **state)
{
    fy_loop_options options = quick();
    world w;

    (void)state;
    options.http.heartbeat_ms = 100;
    begin(&w, options);
    int fd = stream(&w, "");
    for (int i = 0; i < 2; i++) {
        char *text = client_until(fd, ": alive\n\n");
        assert_non_null(text);
        assert_non_null(strstr(text, ": alive"));
        free(text);
    }
    (void)close(fd);
    end(&w);
}

static void a_client_that_never_reads_is_cut_off(void **state)
{
    fy_loop_options options = quick();
    world w;
    fy_str bulk = {0};

    (void)state;
    options.http.stuck_ms = 500;
    options.http.answer_ms = 500;
    begin(&w, options);
    fy_str_puts(&bulk, "[{\"args\":[\"a\"]}");
    for (int i = 1; i < 10000; i++) {
        fy_str_puts(&bulk, ",{\"args\":[\"a\"]}");
    }
    fy_str_puts(&bulk, "]");
    for (int i = 0; i < 3; i++) {
        expect(&w, "POST", "/v1/jobs", bulk.text, 201, NULL);
    }
    fy_str_free(&bulk);
    int events = stream(&w, ""), queue = client_unix(w.path);
    static const char ask[] = "GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_true(client_send(queue, ask, sizeof ask - 1));
    assert_true(client_wait(events, POLLRDHUP) & POLLRDHUP);
    assert_true(client_wait(queue, POLLRDHUP) & POLLRDHUP);
    (void)close(events);
    (void)close(queue);
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    stop(&w);
    assert_int_equal(fy_http_count(fy_loop_http(w.loop)).streams, 0);
    end(&w);
}

static void a_dropped_token_ends_its_streams(void **state)
{
    world w;
    char a[160];

    (void)state;
    begin(&w, quick());
    make_token(&w, "a1", "a", "read", a);
    int fd = stream(&w, a);
    expect(&w, "POST", "/v1/tokens/a1/drop", NULL, 200, NULL);
    expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    char *rest = client_until(fd, "0\r\n\r\n"); /* the last chunk */
    assert_non_null(rest);
    assert_null(strstr(rest, "id: 1"));
    free(rest);
    (void)close(fd);
    end(&w);
}

/* ------------------------------------------------------------------ sockets */

static void expect_closed(const char *listen_at, const char *path, const char *part)
{
    fy_loop_options options = fy_loop_defaults();
    fy_loop *loop = NULL;
    fy_ctl ctl = {0};
    fy_auth *auth = NULL;
    fy_err err = {0};

    assert_int_equal(fy_auth_open(&auth, NULL, 0, NULL, &err), 0);
    options.http.socket_path = path;
    options.http.listen = listen_at;
    assert_int_equal(fy_loop_open(&loop, &options, &ctl, NULL, auth, &err), FY_EINVAL);
    if (strstr(err.text, part) == NULL) {
        fail_msg("%s", err.text);
    }
    fy_auth_close(auth);
}

static void nothing_but_loopback_is_listened_on(void **state)
{
    world w;
    char path[128], longer[200];

    (void)state;
    begin(&w, quick());
    (void)snprintf(path, sizeof path, "%s/other", w.folder);
    expect_closed("0.0.0.0:8787", path, "only loopback");
    expect_closed("192.168.0.1:8787", path, "only loopback");
    expect_closed("[::]:8787", path, "only loopback");
    expect_closed("example.org:80", path, "only loopback");
    expect_closed("127.0.0.1", path, "127.0.0.1:PORT");
    expect_closed("127.0.0.1:70000", path, "127.0.0.1:PORT");
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    expect_closed(NULL, longer, "at most 107 bytes");
    expect_closed(NULL, w.path, "another daemon answers");
    expect_closed(NULL, w.folder, "no socket");
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_answer),
        cmocka_unit_test(wrong_addresses_are_named),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(bulk_is_read_before_it_is_taken),
        cmocka_unit_test(nothing_is_answered_before_its_commit),
        cmocka_unit_test(a_failed_commit_answers_nobody),
        cmocka_unit_test(many_share_a_commit),
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(slow_clients_are_cut_off),
        cmocka_unit_test(a_thousand_idle_connections_are_borne),
        cmocka_unit_test(tenants_are_kept_apart),
        cmocka_unit_test(one_user_cannot_ask_without_end),
        cmocka_unit_test(outputs_are_read_as_their_user),
        cmocka_unit_test(streams_go_on_where_they_were),
        cmocka_unit_test(quiet_streams_beat),
        cmocka_unit_test(a_client_that_never_reads_is_cut_off),
        cmocka_unit_test(a_dropped_token_ends_its_streams),
        cmocka_unit_test(nothing_but_loopback_is_listened_on),
    };

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
