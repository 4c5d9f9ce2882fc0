/* SPDX-License-Identifier: MIT */
#include "daemon/process.h"

#include "base/arena.h"
#include "base/num.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the bytes read, 0 on any failure; `out` is NUL-terminated. */
static size_t slurp(const char *path, char *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = 1;

    while (fd >= 0 && len + 1 < room && n > 0) {
        n = read(fd, out + len, room - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    out[len] = '\0';
    return len;
}

void fy_boot_id(char out[FY_BOOT_ID])
{
    size_t len = slurp("/proc/sys/kernel/random/boot_id", out, FY_BOOT_ID);

    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)out[i]) && out[i] != '-') {
            out[i] = '\0';
            return;
        }
    }
}

/* The next blank-separated field; false at the end. */
static bool next_field(const char **at, const char *end, const char **field, size_t *len)
{
    while (*at < end && (**at == ' ' || **at == '\n')) {
        (*at)++;
    }
    *field = *at;
    while (*at < end && **at != ' ' && **at != '\n') {
        (*at)++;
    }
    *len = (size_t)(*at - *field);
    return *len > 0;
}

bool fy_process_parse(const char *text, size_t len, fy_process *out)
{
    const char *close = memrchr(text, ')', len), *at, *field;
    const char *blank = memchr(text, ' ', len);
    int64_t number;
    size_t n;

    *out = (fy_process){0};
    if (close == NULL || blank == NULL || blank > close ||
        fy_num_int(text, (size_t)(blank - text), 1, INT32_MAX, &number) != FY_NUM_OK) {
        return false;
    }
    out->pid = (pid_t)number;
    at = close + 1;
    if (!next_field(&at, text + len, &field, &n) || n != 1) {
        return false;
    }
    out->state = *field;
    for (int i = 4; i <= 22; i++) { /* numbered as proc(5) does */
        if (!next_field(&at, text + len, &field, &n)) {
            return false;
        }
        if (i != 4 && i != 6 && i != 22) {
            continue;
        }
        if (fy_num_int(field, n, 0, INT64_MAX, &number) != FY_NUM_OK ||
            (i != 22 && number > INT32_MAX)) {
            return false;
        }
        if (i == 4) {
            out->parent = (pid_t)number;
        } else if (i == 6) {
            out->session = (pid_t)number;
        } else {
            out->start = (uint64_t)number;
        }
    }
    return true;
}

bool fy_process_read(pid_t pid, fy_process *out)
{
    char path[40], text[1024];
    size_t len;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    len = slurp(path, text, sizeof text);
    return len > 0 && fy_process_parse(text, len, out) && out->pid == pid;
}

int fy_process_open(pid_t pid, uint64_t start)
{
    int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    fy_process now;

    /* It is the right one if it is so after the descriptor holds it. */
    if (fd >= 0 && (!fy_process_read(pid, &now) || now.start != start)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool send(pid_t pid, uint64_t start, int signo, siginfo_t *info)
{
    int fd = fy_process_open(pid, start);
    bool sent = fd >= 0 && syscall(SYS_pidfd_send_signal, fd, signo, info, 0) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return sent;
}

bool fy_process_signal(pid_t pid, uint64_t start, int signo)
{
    return send(pid, start, signo, NULL);
}

bool fy_process_queue(pid_t pid, uint64_t start, int signo, int value)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    info.si_signo = signo;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    return send(pid, start, signo, &info);
}

size_t fy_process_all(fy_process **out)
{
    DIR *proc = opendir("/proc");
    size_t n = 0, room = 0;
    struct dirent *entry;

    *out = NULL;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        int64_t pid;
        fy_process found;

        if (fy_num_int(entry->d_name, strlen(entry->d_name), 1, INT32_MAX, &pid) == FY_NUM_OK &&
            fy_process_read((pid_t)pid, &found)) {
            *out = fy_grow(*out, &room, n + 1, sizeof **out);
            (*out)[n++] = found;
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
    return n;
}

static int by_pid(const void *a, const void *b)
{
    const fy_process *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}

size_t fy_process_below(fy_process *all, size_t n, pid_t root)
{
    bool *below = fy_calloc(n + 1, sizeof *below);
    bool more = true;
    size_t kept = 0;

    if (n > 0) {
        qsort(all, n, sizeof *all, by_pid);
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < n; i++) {
            fy_process key = {.pid = all[i].parent};
            const fy_process *parent = bsearch(&key, all, n, sizeof *all, by_pid);

            if (!below[i] && all[i].pid != root &&
                (all[i].parent == root || (parent != NULL && below[parent - all]))) {
                below[i] = more = true;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (below[i] && all[i].state != 'Z' && all[i].state != 'X') {
            all[kept++] = all[i];
        }
    }
    free(below);
    return kept;
}

bool fy_process_has(pid_t pid, const char *entry)
{
    enum { ROOM = 256 * 1024 };
    char path[40], *text = fy_calloc(1, ROOM);
    size_t len, want = strlen(entry);
    bool found = false;

    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    len = slurp(path, text, ROOM);
    for (size_t at = 0; at < len && !found; at += strlen(text + at) + 1) {
        found = strncmp(text + at, entry, want + 1) == 0;
    }
    free(text);
    return found;
}
