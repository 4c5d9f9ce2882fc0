/* SPDX-License-Identifier: MIT */
/*
 * A daemon for tests of its sockets: the whole of it but its configuration, on the fake engine,
 * its loop in a thread of its own. Commits are watched where they reach the disk.
 */
#ifndef FUYAO_TESTS_LIVE_SERVER_H
#define FUYAO_TESTS_LIVE_SERVER_H

#include "daemon/loop.h"
#include "live/centre.h"
#include "live/client.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

static const char one_job[] = "{\"args\": [\"true\"], \"workdir\": \"/tmp\"}";

/* What fdatasync does, which is how SQLite makes a commit durable (the test's own stands before the
 * library's). */
typedef struct server_disk {
    _Atomic int watch_fd; /* a client's end: nothing may arrive there before the sync; 0 = none */
    _Atomic int early, syncs;
    _Atomic bool broken;
} server_disk;
static server_disk disk;

int fdatasync(int fd)
{
    int watched = disk.watch_fd;
    char byte;

    if (watched > 0 && recv(watched, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
        disk.early++;
    }
    disk.syncs++;
    if (disk.broken) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

typedef struct server {
    centre centre;
    char path[96];
    fy_auth *auth;
    fy_loop *loop;
    pthread_t thread;
    fy_err err;
    int code; /* of fy_loop_run */
    bool running;
} server;

static inline void *server_work(void *arg)
{
    server *s = arg;

    s->code = fy_loop_run(s->loop, &s->err);
    return NULL;
}

static inline fy_loop_options server_options(void)
{
    fy_loop_options options = fy_loop_defaults();

    options.http.listen = "127.0.0.1:0";
    return options;
}

static inline void server_begin(server *s, fy_loop_options options)
{
    static const fy_fake_options honest = {0};
    struct timespec now;

    memset(s, 0, sizeof *s);
    disk.watch_fd = disk.early = disk.syncs = 0;
    disk.broken = false;
    centre_init(&s->centre, "fifo", &honest);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    s->centre.now_us = (int64_t)now.tv_sec * 1000000;
    if (centre_open(&s->centre) != 0) {
        fail_msg("%s", s->centre.err.text);
    }
    (void)snprintf(s->path, sizeof s->path, "%s/socket", s->centre.folder);
    options.http.socket_path = s->path;
    if (fy_auth_open(&s->auth, NULL, 0, s->centre.store, &s->err) != 0 ||
        fy_loop_open(&s->loop, &options, s->centre.ctl, fy_fake_engine(s->centre.fake), s->auth,
                     &s->err) != 0) {
        fail_msg("%s", s->err.text);
    }
    assert_int_equal(pthread_create(&s->thread, NULL, server_work, s), 0);
    s->running = true;
}

static inline int server_port(const server *s)
{
    return fy_http_port(fy_loop_http(s->loop));
}

/* Wait for the loop to end by itself. */
static inline void server_join(server *s)
{
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    s->running = false;
}

static inline void server_stop(server *s)
{
    if (s->running) {
        fy_loop_stop(s->loop);
        server_join(s);
    }
}

static inline void server_end(server *s)
{
    server_stop(s);
    fy_loop_close(s->loop);
    assert_int_not_equal(access(s->path, F_OK), 0); /* the socket goes with its daemon */
    fy_auth_close(s->auth);
    centre_free(&s->centre);
}

/* One request over a connection of its own: its status, and a part that the body must hold. */
static inline void expect_at(int fd, const char *method, const char *target, const char *more,
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

static inline void expect(const server *s, const char *method, const char *target, const char *body,
                          int status, const char *part)
{
    expect_at(client_unix(s->path), method, target, "", body, status, part);
}

/* Make a token of uid 4321; writes the header line that shows it. */
static inline void make_token(const server *s, const char *name, const char *tenant,
                              const char *scope, char header[160])
{
    int fd = client_unix(s->path);
    char body[256];

    (void)snprintf(body, sizeof body,
                   "{\"name\": \"%s\", \"tenant\": \"%s\", \"uid\": 4321, \"scope\": \"%s\"}", name,
                   tenant, scope);
    client_answer answer = client_ask(fd, "POST", "/v1/tokens", "", body);
    assert_int_equal(answer.status, 201);
    const char *token = strstr(answer.body, "fuyao_");
    assert_non_null(token);
    (void)snprintf(header, 160, "Authorization: Bearer %.*s\r\n", FY_TOKEN_TEXT - 1, token);
    client_drop(&answer);
    (void)close(fd);
}

#endif
