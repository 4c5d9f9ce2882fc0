/* SPDX-License-Identifier: MIT */
#include "daemon/listen.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* A socket file nobody answers at is of a daemon that is gone. */
static int take_over(const char *path, const struct sockaddr_un *address, fy_err *err)
{
    struct stat st;
    int fd, answers;

    if (lstat(path, &st) != 0) {
        return 0;
    }
    if (!S_ISSOCK(st.st_mode)) {
        return fy_fail(err, FY_EINVAL, "%s is in the way: it is no socket", path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fy_fail(err, FY_EIO, "no socket: %s", strerror(errno));
    }
    answers = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool alive = answers == 0 || errno == EAGAIN;
    (void)close(fd);
    if (alive) {
        return fy_fail(err, FY_EINVAL, "another daemon answers at %s", path);
    }
    if (unlink(path) != 0) {
        return fy_fail(err, FY_EIO, "%s cannot be removed: %s", path, strerror(errno));
    }
    return 0;
}

/* Bind and listen; closes the socket on an error. */
static int listen_at(int fd, const void *address, socklen_t len, const char *name, fy_err *err)
{
    if (bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0) {
        int code = fy_fail(err, FY_EIO, "cannot listen at %s: %s", name, strerror(errno));
        (void)close(fd);
        return code;
    }
    return fd;
}

int fy_listen_unix(const char *path, unsigned mode, fy_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t before;
    int code, fd;

    if (strlen(path) >= sizeof address.sun_path) {
        return fy_fail(err, FY_EINVAL, "a socket's path has at most %zu bytes, unlike %.120s",
                       sizeof address.sun_path - 1, path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    code = take_over(path, &address, err);
    if (code != 0) {
        return code;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fy_fail(err, FY_EIO, "no socket: %s", strerror(errno));
    }
    /* Its mode comes with it: chmod() later would follow what somebody put in its place. */
    before = umask((mode_t)(~mode & 0777));
    fd = listen_at(fd, &address, sizeof address, path, err);
    (void)umask(before);
    return fd;
}

/* Cut "HOST:PORT" or "[HOST]:PORT"; false where it is neither. */
static bool cut_address(const char *text, char host[64], uint16_t *port)
{
    bool bracket = text[0] == '[';
    const char *begin = text + bracket, *colon = strrchr(text, ':'), *end;
    int64_t number;

    if (colon == NULL || colon == text) {
        return false;
    }
    end = bracket ? colon - 1 : colon;
    if (end <= begin || (bracket && *end != ']') || (size_t)(end - begin) >= 64) {
        return false;
    }
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    if (fy_num_int(colon + 1, strlen(colon + 1), 0, UINT16_MAX, &number) != FY_NUM_OK) {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

int fy_listen_loopback(const char *text, fy_err *err)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    char host[64];
    uint16_t port = 0;
    bool is_four, is_six;
    int fd, one = 1;

    if (!cut_address(text, host, &port)) {
        return fy_fail(err, FY_EINVAL, "listen '%.80s': write 127.0.0.1:PORT or [::1]:PORT", text);
    }
    is_four =
        inet_pton(AF_INET, host, &four.sin_addr) == 1 && ntohl(four.sin_addr.s_addr) >> 24 == 127;
    is_six = inet_pton(AF_INET6, host, &six.sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    if (!is_four && !is_six) {
        return fy_fail(err, FY_EINVAL,
                       "listen '%.80s': only loopback (127.0.0.1 or [::1]) is listened on; let a "
                       "front such as nginx end TLS for others",
                       text);
    }
    fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fy_fail(err, FY_EIO, "no socket: %s", strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    four.sin_port = six.sin6_port = htons(port);
    return is_four ? listen_at(fd, &four, sizeof four, text, err)
                   : listen_at(fd, &six, sizeof six, text, err);
}
