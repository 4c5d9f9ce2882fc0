/* SPDX-License-Identifier: MIT */
/* Where the daemon keeps things: folders and the secret. */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make a folder and those above it. */
static int make_folder(const char *path, mode_t mode, fy_err *err)
{
    char part[4096];
    size_t len = strlen(path);

    if (len >= sizeof part) {
        return fy_fail(err, FY_EINVAL, "%.60s...: the path is too long", path);
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, i == len ? mode : 0755) != 0 && errno != EEXIST) {
            return fy_fail(err, FY_EIO, "cannot make the folder %.200s: %s", part, strerror(errno));
        }
    }
    return 0;
}

static const char *absolute(serve *s, const char *path)
{
    char *folder;
    const char *out;

    if (path[0] == '/') {
        return fy_arena_strdup(&s->arena, path);
    }
    folder = getcwd(NULL, 0);
    out = fy_arena_printf(&s->arena, "%s/%s", folder != NULL ? folder : "", path);
    free(folder);
    return out;
}

static const char *default_state(serve *s)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (geteuid() == 0) {
        return "/var/lib/fuyao";
    }
    return state != NULL && state[0] == '/'
               ? fy_arena_printf(&s->arena, "%s/fuyao", state)
               : fy_arena_printf(&s->arena, "%s/.local/state/fuyao", home != NULL ? home : "");
}

static const char *default_socket(serve *s)
{
    const char *named = getenv("FUYAO_SOCKET");
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (named != NULL && named[0] != '\0') {
        return named;
    }
    return geteuid() == 0 || runtime == NULL
               ? "/run/fuyao/socket"
               : fy_arena_printf(&s->arena, "%s/fuyao/socket", runtime);
}

/* Whoever may write in the state folder is the daemon: it must be of its user alone. */
static int check_folder(const char *path, fy_err *err)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return fy_fail(err, FY_EIO, "%.200s is no folder that can be used", path);
    }
    if (st.st_uid != geteuid()) {
        return fy_fail(err, FY_EINVAL,
                       "the state folder %.200s belongs to another user (uid %lu): nobody else may "
                       "write there",
                       path, (unsigned long)st.st_uid);
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fy_fail(err, FY_EINVAL,
                       "others may write in the state folder %.200s: take that away (chmod go-w)",
                       path);
    }
    return 0;
}

int serve_folders(serve *s, fy_err *err)
{
    const char *state = s->args.state != NULL   ? s->args.state
                        : s->conf.state != NULL ? s->conf.state
                                                : default_state(s);
    const char *socket = s->args.socket != NULL   ? s->args.socket
                         : s->conf.socket != NULL ? s->conf.socket
                                                  : default_socket(s);
    char *folder;
    int status;

    (void)umask(022); /* users must pass to their runs' scripts, however the daemon was started */
    s->state = absolute(s, state);
    s->socket = absolute(s, socket);
    status = make_folder(s->state, 0711, err);
    status = status == 0 ? check_folder(s->state, err) : status;
    folder = fy_arena_strdup(&s->arena, s->socket);
    *strrchr(folder, '/') = '\0';
    return status == 0 && folder[0] != '\0' ? make_folder(folder, 0755, err) : status;
}

/* ------------------------------------------------------------------ descriptors */

/* Connections that took all descriptors would leave none to look at runs. */
void serve_descriptors(fy_http_options *http)
{
    enum { OTHERS = 256 }; /* the store, hooks, and what is open for a moment */
    struct rlimit limit;
    const int fronts = http->listen != NULL ? 2 : 1; /* each has its own count */
    rlim_t wanted = (rlim_t)http->connections * (rlim_t)fronts + OTHERS;
    int most;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return;
    }
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        most = limit.rlim_cur > 2 * (rlim_t)OTHERS ? (int)limit.rlim_cur - OTHERS
                                                   : (int)limit.rlim_cur / 2;
        most /= fronts;
        http->connections = most;
        http->connections_per_uid =
            http->connections_per_uid < most / 2 ? http->connections_per_uid : most / 2;
        fprintf(stderr,
                "fuyao: serve: only %d connections at once: the limit on open files is %d\n", most,
                (int)limit.rlim_cur);
    }
}

/* ------------------------------------------------------------------ the secret */

/* What tokens of runs are made with: made once, readable by nobody else. */
int serve_secret(serve *s, fy_err *err)
{
    const char *path = fy_arena_printf(&s->arena, "%s/secret", s->state);
    unsigned char bytes[32];
    char text[65] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n;

    if (fd < 0 && errno == ENOENT) {
        const char *fresh = fy_arena_printf(&s->arena, "%s.new", path);

        if (getentropy(bytes, sizeof bytes) != 0) {
            return fy_fail(err, FY_EIO, "no randomness: %s", strerror(errno));
        }
        for (size_t i = 0; i < sizeof bytes; i++) {
            (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        }
        fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || write(fd, text, 64) != 64 || fsync(fd) != 0 || rename(fresh, path) != 0) {
            (void)close(fd);
            return fy_fail(err, FY_EIO, "cannot write %.200s: %s", path, strerror(errno));
        }
    } else if (fd >= 0) {
        n = read(fd, text, 64);
        if (n != 64) {
            (void)close(fd);
            return fy_fail(err, FY_EPARSE,
                           "%.200s is no secret: remove it, and runs that go on "
                           "can no longer report their progress",
                           path);
        }
    } else {
        return fy_fail(err, FY_EIO, "cannot read %.200s: %s", path, strerror(errno));
    }
    (void)close(fd);
    s->secret = fy_arena_strdup(&s->arena, text);
    return 0;
}
