/* SPDX-License-Identifier: MIT */
#include "daemon/hook_process.h"

#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t fy_hook_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int spawn(pid_t *pid, const char *program, char *const environment[], int out)
{
    char *const argv[] = {(char *)(uintptr_t)program, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    int failed;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, out, 1);
    (void)posix_spawn_file_actions_adddup2(&files, out, 2);
    (void)posix_spawn_file_actions_addclosefrom_np(&files, 3);
    (void)posix_spawn_file_actions_addchdir_np(&files, "/");
    (void)posix_spawnattr_init(&how);
    (void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setpgroup(&how, 0);
    (void)posix_spawnattr_setsigmask(&how, &none);
    (void)posix_spawnattr_setsigdefault(&how, &all);
    failed = posix_spawn(pid, program, &files, &how, argv, environment);
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}

int fy_hook_start(fy_hook_process *p, const char *program, char *const environment[],
                  int64_t limit_us, fy_err *err)
{
    fy_process seen;
    int ends[2], failed;

    *p = (fy_hook_process){.ended = -1, .out = -1, .limit_us = limit_us};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fy_fail(err, FY_EIO, "cannot run %.100s: %s", program, strerror(errno));
    }
    failed = spawn(&p->pid, program, environment, ends[1]);
    (void)close(ends[1]);
    if (failed != 0) {
        (void)close(ends[0]);
        return fy_fail(err, FY_EIO, "cannot run %.100s: %s", program, strerror(failed));
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    p->out = ends[0];
    p->ended = fy_process_read(p->pid, &seen) ? fy_process_open(p->pid, seen.start) : -1;
    p->deadline_us = fy_hook_now_us() + limit_us;
    return 0;
}

/* Keep the first line of what it printed, printable characters only; drop the rest. */
static void read_output(fy_hook_process *p)
{
    char bytes[4096];
    ssize_t n;

    for (int i = 0; i < 16 && (n = read(p->out, bytes, sizeof bytes)) > 0; i++) {
        for (ssize_t k = 0; k < n && !p->whole; k++) {
            unsigned char c = (unsigned char)bytes[k];

            if (c == '\n') {
                p->whole = p->n > 0;
            } else if (p->n + 1 < sizeof p->line) {
                p->line[p->n++] = (char)(c < ' ' || c == 127 ? ' ' : c);
            }
        }
    }
    p->line[p->n] = '\0';
}

static void let_go(fy_hook_process *p)
{
    if (p->ended >= 0) {
        (void)close(p->ended);
    }
    (void)close(p->out);
    p->ended = p->out = -1;
    p->pid = 0;
}

static void explain(const fy_hook_process *p, int status, char why[FY_HOOK_LINE + 80])
{
    const char *colon = p->n > 0 ? ": " : "";

    why[0] = '\0';
    if (p->late) {
        (void)snprintf(why, FY_HOOK_LINE + 80, "not done after %.3g s%s%s",
                       (double)p->limit_us / 1e6, colon, p->line);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(why, FY_HOOK_LINE + 80, "ended by signal %d%s%s", WTERMSIG(status), colon,
                       p->line);
    } else if (WEXITSTATUS(status) != 0 && p->n > 0) {
        (void)snprintf(why, FY_HOOK_LINE + 80, "%s", p->line);
    } else if (WEXITSTATUS(status) != 0) {
        (void)snprintf(why, FY_HOOK_LINE + 80, "exit status %d", WEXITSTATUS(status));
    }
}

bool fy_hook_poll(fy_hook_process *p, char why[FY_HOOK_LINE + 80])
{
    siginfo_t info = {0};
    int status;

    read_output(p);
    if (!p->late && fy_hook_now_us() >= p->deadline_us) {
        p->late = true;
        (void)kill(-p->pid, SIGKILL);
    }
    /* Seen, but not yet reaped: the group's number is still its own while it is killed. */
    if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
        return false;
    }
    read_output(p);
    (void)kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {
    }
    explain(p, status, why);
    let_go(p);
    return true;
}

void fy_hook_kill(fy_hook_process *p)
{
    if (p->pid > 0) {
        (void)kill(-p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        let_go(p);
    }
}
