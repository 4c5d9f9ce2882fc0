/* SPDX-License-Identifier: MIT */
/* The server on real sockets: what is answered, when, and to whom. */
#include "live/server.h"

#include <curl/curl.h>

static void routes_answer(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    expect(&w, "GET", "/api", NULL, 200, "\"/v1/jobs/{id}/explain\"");
    expect(&w, "POST", "/v1/jobs", one_job, 201, "{\"id\": 1, \"count\": 1, \"again\": false}");
    expect(&w, "POST", "/v1/jobs?dry_run=1", one_job, 200, "idle_devices");
    expect(&w, "GET", "/v1/jobs/1", NULL, 200, "\"id\":1");
    expect(&w, "HEAD", "/v1/jobs/1", NULL, 200, NULL);
    expect(&w, "GET", "/v1/jobs/1/explain", NULL, 200, NULL);
    expect(&w, "POST", "/v1/jobs/3/signal", "{\"signal\": \"SIGUSR1\"}", 404, "no job 3");
    expect(&w, "POST", "/v1/jobs/1/signal", "{\"signal\": \"WRONG\"}", 400, "signal");
    expect(&w, "POST", "/v1/jobs/1/progress", "{\"attempt\": 0, \"token\": \"x\", \"done\": 2}",
           400, "attempt is 1 or more");
    expect(&w, "POST", "/v1/jobs/1/progress", "{\"attempt\": 1, \"token\": \"wrong\", \"done\": 2}",
           404, NULL);
    expect(&w, "POST", "/v1/jobs", "{\"args\": [\"a\"], \"workdir\": \"/tmp\", \"hold\": true}",
           201, "\"id\": 2");
    expect(&w, "POST", "/v1/jobs/2/release", "", 200, "\"id\": 2");
    expect(&w, "POST", "/v1/jobs/1/cancel", "{\"why\": 1}", 400, "why");
    expect(&w, "POST", "/v1/jobs/1/cancel", NULL, 200, "\"id\": 1");
    expect(&w, "POST", "/v1/nodes/p0-0000/drain", "{\"reason\": \"fan\"}", 200, "p0-0000");
    expect(&w, "POST", "/v1/nodes/p0-0000/drain", "{}", 400, "reason");
    expect(&w, "POST", "/v1/nodes/p%30-9/resume", NULL, 404, "no node p0-9");
    expect(&w, "POST", "/v1/nodes/p0-0000/reserve",
           "{\"tenant\": \"t0\", \"from_us\": 5, \"to_us\": 4}", 400, "after from_us");
    expect(&w, "POST", "/v1/policy", "{\"policy\": \"las\", \"settings\": {}}", 200, "las");
    expect(&w, "POST", "/v1/policy", "{\"policy\": \"x\"}", 400, "x");
    expect(&w, "GET", "/v1/nodes", NULL, 200, NULL);
    expect(&w, "GET", "/v1/tenants", NULL, 200, "\"held\":{},\"jobs\":0,\"waiting\":0,");
    client_answer tenants = client_ask(client_unix(w.path), "GET", "/v1/tenants", "", NULL);
    for (const char *at = tenants.body; (at = strstr(at, "\"jobs\":")) != NULL; at += 7) {
        assert_true(atoll(at + 7) <= 2); /* each counts its own from 0 */
    }
    client_drop(&tenants);
    expect(&w, "GET", "/metrics", NULL, 200, "fuyao_jobs_waiting ");
    server_end(&w);
}

static void wrong_addresses_are_named(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
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
    server_end(&w);
}

static void pages_follow_each_other(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
    for (int i = 0; i < 5; i++) {
        expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    }
    expect(&w, "GET", "/v1/jobs?limit=2", NULL, 200, "\"next\":2}");
    expect(&w, "GET", "/v1/jobs?limit=2&after=2", NULL, 200, "\"next\":4}");
    expect(&w, "GET", "/v1/jobs?limit=2&after=4", NULL, 200, "[{\"id\":5,");
    expect(&w, "GET", "/v1/jobs?after=5", NULL, 200, "[]");
    server_end(&w);
}

static void bulk_is_read_before_it_is_taken(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
    expect(&w, "POST", "/v1/jobs", "[{\"args\":[\"a\"]}, {\"argz\":[\"b\"]}]", 400, "element 1");
    expect(&w, "POST", "/v1/jobs", "[{\"args\":[\"a\"]}", 400, "does not end");
    expect(&w, "GET", "/v1/jobs", NULL, 200, "[]");
    expect(&w, "POST", "/v1/jobs", " [{\"args\":[\"a\"]},{\"args\":[\"b\"]}]", 201, "\"id\": 2");
    expect(&w, "POST", "/v1/jobs", "[{\"args\":[\"a\"]},{\"args\":[\"b\"],\"after\":[99]}]", 207,
           "{\"error\": \"after: there is no job 99");
    expect(&w, "POST", "/v1/jobs", "[]", 201, "[");
    expect(&w, "POST", "/v1/jobs", "", 400, "empty");
    server_end(&w);
}

/* One request of a tenant may not keep the daemon from all others. */
#ifdef FY_CHECK /* the fleet is recounted after every event */
#define LAST_TASK "999"
#else
#define LAST_TASK "99999"
#endif

static void one_request_does_no_endless_work(void **state)
{
    server w;
    fy_str body = {0};

    (void)state;
    server_begin(&w, server_options());
    expect(&w, "POST", "/v1/jobs",
           "[{\"args\":[\"a\"],\"array\":\"0-59999\"},{\"args\":[\"a\"],\"array\":\"0-59999\"}]",
           400, "100000 jobs at most, not 120000");
    expect(&w, "GET", "/v1/jobs", NULL, 200, "[]");
    for (int i = 0; i < 17; i++) {
        fy_str_puts(&body, i > 0 ? ",{\"args\":[\"a\"]}" : "[{\"args\":[\"a\"]}");
    }
    fy_str_puts(&body, "]");
    expect(&w, "POST", "/v1/jobs?dry_run=1", body.text, 400, "16 submissions at most, not 17");
    expect(&w, "POST", "/v1/jobs", body.text, 201, "\"id\": 17");
    fy_str_free(&body);
    /* The largest array there may be; to read its indices for each task took minutes. */
    expect(&w, "POST", "/v1/jobs", "{\"args\":[\"a\"],\"hold\":true,\"array\":\"0-" LAST_TASK "\"}",
           201, "\"count\": ");
    server_end(&w);
}

static void nothing_is_answered_before_its_commit(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
    int fd = client_unix(w.path);
    disk.watch_fd = fd;
    for (int i = 0; i < 50; i++) {
        client_answer answer = client_ask(fd, "POST", "/v1/jobs", "", one_job);
        assert_int_equal(answer.status, 201);
        client_drop(&answer);
    }
    disk.watch_fd = 0;
    (void)close(fd);
    server_stop(&w);
    assert_true(disk.syncs >= 50); /* each waited for its own */
    assert_int_equal(disk.early, 0);
    assert_true(fy_store_committed(w.centre.store) >= 50);
    server_end(&w);
}

static void a_failed_commit_answers_nobody(void **state)
{
    server w;

    (void)state;
    server_begin(&w, server_options());
    expect(&w, "POST", "/v1/jobs", one_job, 201, NULL);
    disk.broken = true;
    int fd = client_unix(w.path);
    char request[256];
    int n = snprintf(request, sizeof request,
                     "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                     strlen(one_job), one_job);
    assert_true(client_send(fd, request, (size_t)n));
    server_join(&w); /* the loop ends by itself */
    assert_int_equal(w.code, FY_EIO);
    server_end(&w);
    client_answer answer = client_read(fd, true);
    assert_int_equal(answer.status, 0);
    client_drop(&answer);
    (void)close(fd);
}

static size_t swallow(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * n;
}

static void many_share_a_commit(void **state)
{
    enum { CLIENTS = 32, ROUNDS = 20 };
    server w;
    CURLM *multi;
    CURL *easy[CLIENTS];
    int left = 0;

    (void)state;
    server_begin(&w, server_options());
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
    expect(&w, "GET", "/v1/jobs/640", NULL, 200, NULL);
    expect(&w, "GET", "/v1/jobs/641", NULL, 404, NULL);
    server_stop(&w);
    assert_true(disk.syncs < CLIENTS * ROUNDS);
    server_end(&w);
}

static void tenants_are_kept_apart(void **state)
{
    server w;
    char a[160], b[160], reader[160];

    (void)state;
    server_begin(&w, server_options());
    int port = server_port(&w);
    make_token(&w, "a1", "t0", "submit", a);
    make_token(&w, "b1", "t1", "submit", b);
    make_token(&w, "r1", "t0", "read", reader);
    expect_at(client_tcp(port), "GET", "/v1/jobs", "", NULL, 401, "Bearer TOKEN");
    expect_at(client_tcp(port), "GET", "/v1/jobs", "Authorization: Bearer fuyao_00\r\n", NULL, 401,
              "no such access token");
    expect_at(client_tcp(port), "GET", "/v1/jobs", "Authorization: Basic eDp5\r\n", NULL, 401,
              NULL);
    expect_at(client_unix(w.path), "GET", "/v1/jobs", "Authorization: Bearer x\r\n", NULL, 401,
              NULL);
    expect_at(client_tcp(port), "POST", "/v1/jobs", a, one_job, 201, "\"id\": 1");
    expect_at(client_tcp(port), "GET", "/v1/jobs/1", reader, NULL, 200, "\"tenant\":\"t0\"");
    expect_at(client_tcp(port), "POST", "/v1/jobs", reader, one_job, 403, "scope submit");
    expect_at(client_tcp(port), "POST", "/v1/jobs/1/cancel", reader, NULL, 403, NULL);
    expect_at(client_tcp(port), "GET", "/v1/jobs/1", b, NULL, 404, "no job 1");
    expect_at(client_tcp(port), "GET", "/v1/jobs/1/output", b, NULL, 404, "no job 1");
    expect_at(client_tcp(port), "POST", "/v1/jobs/1/cancel", b, NULL, 404, "no job 1");
    expect_at(client_tcp(port), "GET", "/v1/jobs", b, NULL, 200, "[]");
    expect_at(client_tcp(port), "POST", "/v1/nodes/p0-0000/resume", a, NULL, 403, "operate");
    expect_at(client_tcp(port), "GET", "/v1/tokens", a, NULL, 403, NULL);
    client_answer metrics = client_ask(client_tcp(port), "GET", "/metrics", reader, NULL);
    assert_int_equal(metrics.status, 200);
    assert_non_null(strstr(metrics.body, "tenant=\"t0\""));
    assert_null(strstr(metrics.body, "tenant=\"t1\""));
    client_drop(&metrics);
    expect(&w, "GET", "/metrics", NULL, 200, "tenant=\"t1\"");
    expect(&w, "GET", "/v1/tokens", NULL, 200,
           "\"name\": \"b1\", \"tenant\": \"t1\", \"uid\": 4321");
    expect(&w, "POST", "/v1/tokens/a1/drop", NULL, 200, "a1");
    expect(&w, "POST", "/v1/tokens/a1/drop", NULL, 404, "no token a1");
    expect_at(client_tcp(port), "GET", "/v1/jobs", a, NULL, 401, NULL);
    expect(&w, "POST", "/v1/tokens",
           "{\"name\": \"z\", \"tenant\": \"a\", \"uid\": 0, \"scope\": \"submit\"}", 400, "root");
    make_token(&w, "op", "t0", "operate", a);
    expect_at(client_tcp(port), "POST", "/v1/tokens", a,
              "{\"name\": \"z\", \"tenant\": \"a\", \"uid\": 7, \"scope\": \"submit\"}", 400,
              "Unix socket only");
    server_end(&w);
}

static void one_user_cannot_take_all_of_the_time(void **state)
{
    fy_loop_options options = server_options();
    server w;
    char a[160], b[160];

    (void)state;
    options.http.busy_share = 1e-9; /* nothing comes back while the test runs */
    options.http.busy_ms = 0;
    server_begin(&w, options);
    make_token(&w, "a1", "t0", "submit", a);
    make_token(&w, "op", "t0", "operate", b);
    expect_at(client_tcp(server_port(&w)), "GET", "/v1/jobs", a, NULL, 200, NULL);
    expect_at(client_tcp(server_port(&w)), "GET", "/v1/jobs", a, NULL, 429, "of the time of all");
    expect_at(client_tcp(server_port(&w)), "GET", "/v1/jobs", b, NULL, 200, NULL);
    server_end(&w);
}

static void one_user_cannot_ask_without_end(void **state)
{
    fy_loop_options options = server_options();
    server w;
    char a[160];
    int statuses[600] = {0};

    (void)state;
    options.http.rate_per_s = 0.001; /* nothing comes back while the test runs */
    options.http.burst = 5;
    server_begin(&w, options);
    make_token(&w, "a1", "t0", "submit", a);
    for (int i = 0; i < 7; i++) {
        client_answer answer = client_ask(client_tcp(server_port(&w)), "GET", "/v1/jobs", a, NULL);
        statuses[answer.status]++;
        client_drop(&answer);
    }
    assert_int_equal(statuses[200], 5);
    assert_int_equal(statuses[429], 2);
    expect(&w, "GET", "/v1/jobs", NULL, 200, NULL); /* an operator always may */
    server_end(&w);
}

/* Hand in a job whose output is at a path. */
static void submit_with_output(const server *w, int fd, const char *header, const char *path)
{
    char body[256];

    (void)w;
    (void)snprintf(body, sizeof body,
                   "{\"args\": [\"true\"], \"workdir\": \"/tmp\", \"output\": \"%s\"}", path);
    expect_at(fd, "POST", "/v1/jobs", header, body, 201, NULL);
}

static void outputs_are_read_as_their_user(void **state)
{
    server w;
    char file[128], link[128];

    (void)state;
    server_begin(&w, server_options());
    (void)snprintf(file, sizeof file, "%s/out", w.centre.folder);
    (void)snprintf(link, sizeof link, "%s/link", w.centre.folder);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_true(fputs("0123456789", out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(symlink(file, link), 0);
    submit_with_output(&w, client_unix(w.path), "", file);
    submit_with_output(&w, client_unix(w.path), "", link);
    submit_with_output(&w, client_unix(w.path), "", w.centre.folder);
    submit_with_output(&w, client_unix(w.path), "", "/nowhere/out");
    client_answer answer =
        client_ask(client_unix(w.path), "GET", "/v1/jobs/1/output?from=7", "", NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "789");
    assert_non_null(strstr(answer.head, "Fuyao-Size: 10\r\n"));
    client_drop(&answer);
    expect(&w, "GET", "/v1/jobs/1/output?limit=2&from=1", NULL, 200, "12");
    expect(&w, "GET", "/v1/jobs/1/output?from=99", NULL, 200, "");
    expect(&w, "GET", "/v1/jobs/2/output", NULL, 409, "is a link");
    expect(&w, "GET", "/v1/jobs/3/output", NULL, 409, "no plain file");
    expect(&w, "GET", "/v1/jobs/4/output", NULL, 404, "No such file");
    if (geteuid() == 0) { /* the job is another user's: root's file is not for it */
        char a[160];
        int port = server_port(&w);
        make_token(&w, "a1", "t0", "submit", a);
        submit_with_output(&w, client_tcp(port), a, file);
        assert_int_equal(chmod(w.centre.folder, 0755), 0);
        expect_at(client_tcp(port), "GET", "/v1/jobs/5/output", a, NULL, 409, "another user");
        assert_int_equal(chmod(file, 0600), 0);
        expect_at(client_tcp(port), "GET", "/v1/jobs/5/output", a, NULL, 404, "Permission denied");
        assert_int_equal(chown(file, 4321, 4321), 0);
        expect_at(client_tcp(port), "GET", "/v1/jobs/5/output", a, NULL, 200, "0123456789");
    }
    server_end(&w);
}

static void expect_closed(const char *listen_at, const char *path, const char *part)
{
    fy_loop_options options = fy_loop_defaults();
    fy_loop *loop = NULL;
    fy_auth *auth = NULL;
    fy_err err = {0};

    assert_int_equal(fy_auth_open(&auth, NULL, 0, NULL, &err), 0);
    options.http.socket_path = path;
    options.http.listen = listen_at;
    assert_int_equal(fy_loop_open(&loop, &options, NULL, NULL, auth, &err), FY_EINVAL);
    if (strstr(err.text, part) == NULL) {
        fail_msg("%s", err.text);
    }
    fy_auth_close(auth);
}

static void nothing_but_loopback_is_listened_on(void **state)
{
    server w;
    char path[128], longer[200];

    (void)state;
    server_begin(&w, server_options());
    (void)snprintf(path, sizeof path, "%s/other", w.centre.folder);
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
    expect_closed(NULL, w.centre.folder, "no socket");
    expect(&w, "GET", "/healthz", NULL, 200, "ok");
    server_end(&w);
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
        cmocka_unit_test(tenants_are_kept_apart),
        cmocka_unit_test(one_user_cannot_ask_without_end),
        cmocka_unit_test(one_user_cannot_take_all_of_the_time),
        cmocka_unit_test(one_request_does_no_endless_work),
        cmocka_unit_test(outputs_are_read_as_their_user),
        cmocka_unit_test(nothing_but_loopback_is_listened_on),
    };

    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
