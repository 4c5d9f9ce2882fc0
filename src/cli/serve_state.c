/* SPDX-License-Identifier: MIT */
/* Where the daemon keeps things: folders and the secret. */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

    s->state = absolute(s, state);
    s->socket = absolute(s, socket);
    status = make_folder(s->state, 0711, err);
    folder = fy_arena_strdup(&s->arena, s->socket);
    *strrchr(folder, '/') = '\0';
    return status == 0 && folder[0] != '\0' ? make_folder(folder, 0755, err) : status;
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
