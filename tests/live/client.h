/* SPDX-License-Identifier: MIT */
/* A raw client for tests of the server: one socket, one request at a time, every wait bounded. */
#ifndef FUYAO_TESTS_LIVE_CLIENT_H
#define FUYAO_TESTS_LIVE_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENT_DEADLINE_MS = 20000, CLIENT_ROOM = 1 << 20 };

typedef struct client_answer {
    int status; /* 0: the connection ended before an answer was complete */
    char *head; /* owned, with the status line */
    char *body; /* owned */
} client_answer;

static inline void client_drop(client_answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (client_answer){0};
}

static inline int client_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static inline int client_tcp(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static inline bool client_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Wait for any of `events`; the events there are, 0 at the deadline. */
static inline int client_wait(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, CLIENT_DEADLINE_MS) > 0 ? p.revents : 0;
}

/* Read until `mark` is there or the other side ends; owned by the caller, NULL at the deadline. */
static inline char *client_until(int fd, const char *mark)
{
    char *text = calloc(1, CLIENT_ROOM);
    size_t len = 0;

    while (text != NULL && len + 1 < CLIENT_ROOM && strstr(text, mark) == NULL) {
        if (client_wait(fd, POLLIN) == 0) {
            free(text);
            return NULL;
        }
        ssize_t n = recv(fd, text + len, 1, 0); /* no byte too many */
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    return text;
}

static inline client_answer client_read(int fd, bool with_body)
{
    client_answer answer = {.head = client_until(fd, "\r\n\r\n")};
    const char *length = answer.head == NULL ? NULL : strcasestr(answer.head, "Content-Length: ");
    size_t want = length == NULL ? 0 : (size_t)atoll(length + 16), len = 0;

    if (answer.head == NULL || strncmp(answer.head, "HTTP/1.1 ", 9) != 0) {
        return answer;
    }
    answer.body = calloc(1, want + 1);
    while (with_body && len < want && client_wait(fd, POLLIN) != 0) {
        ssize_t n = recv(fd, answer.body + len, want - len, 0);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    answer.status = !with_body || len == want ? atoi(answer.head + 9) : 0;
    return answer;
}

/* One request; `more` is further header lines ("" = none), body NULL = none. */
static inline client_answer client_ask(int fd, const char *method, const char *target,
                                       const char *more, const char *body)
{
    char *text = NULL;
    size_t n = body != NULL ? strlen(body) : 0;
    int len = body != NULL
                  ? asprintf(&text, "%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
                             method, target, more, n, body)
                  : asprintf(&text, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, target, more);
    client_answer answer = {0};

    if (len > 0 && client_send(fd, text, (size_t)len)) {
        answer = client_read(fd, strcmp(method, "HEAD") != 0);
    }
    free(text);
    return answer;
}

#endif
