/* SPDX-License-Identifier: MIT */
#include "daemon/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool write_to(const char *folder, const char *file, const char *text)
{
    char path[4200];
    int n = snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = n > 0 && n < (int)sizeof path ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0) {
        (void)close(fd);
    }
    return done;
}

static bool read_from(const char *path, char *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, room - 1) : -1;

    if (fd >= 0) {
        (void)close(fd);
    }
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The line "0::PATH" of /proc/self/cgroup. */
static bool own_group(char *out, size_t room)
{
    char text[8192], *line, *end;

    if (!read_from("/proc/self/cgroup", text, sizeof text)) {
        return false;
    }
    line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (line == NULL) {
        return false;
    }
    line += *line == '\n' ? 4 : 3;
    end = strchr(line, '\n');
    if (end != NULL) {
        *end = '\0';
    }
    end = strrchr(line, '/');
    if (end != NULL && strcmp(end, "/fuyao-daemon") == 0) { /* started from within itself */
        *end = '\0';
    }
    return snprintf(out, room, "%s", strcmp(line, "/") == 0 ? "" : line) < (int)room;
}

static const char *find_mount(void)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char path[64];

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/cgroup.controllers", places[i]);
        if (access(path, R_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = text; (at = strstr(at, word)) != NULL; at += len) {
        bool begins = at == text || at[-1] == ' ';
        bool ends = at[len] == '\0' || at[len] == ' ' || at[len] == '\n';

        if (begins && ends) {
            return true;
        }
    }
    return false;
}

/* Hand the controllers that there are down to `folder`'s children. */
static void hand_down(const char *folder)
{
    (void)write_to(folder, "cgroup.subtree_control", "+memory");
    (void)write_to(folder, "cgroup.subtree_control", "+pids");
    (void)write_to(folder, "cgroup.subtree_control", "+cpu");
}

static void say(fy_cgroups *g)
{
    if (g->memory && g->pids && g->cpu) {
        (void)snprintf(g->why, sizeof g->why,
                       "control groups limit memory, processes and CPU of each run");
    } else {
        (void)snprintf(g->why, sizeof g->why,
                       "control groups hold each run together; not limited by them here:%s%s%s",
                       g->memory ? "" : " memory", g->pids ? "" : " processes",
                       g->cpu ? "" : " CPU");
    }
}

void fy_cgroups_open(fy_cgroups *g, const char *mount, const char *own)
{
    char self[4096], base[4096], leaf[4200], path[4300], text[512];

    memset(g, 0, sizeof *g);
    mount = mount != NULL ? mount : find_mount();
    if (mount == NULL) {
        (void)snprintf(g->why, sizeof g->why, "no control groups of version 2 on this machine");
        return;
    }
    if (own == NULL && own_group(self, sizeof self)) {
        own = self;
    }
    if (own == NULL || snprintf(base, sizeof base, "%s%s", mount, own) >= (int)sizeof base ||
        snprintf(leaf, sizeof leaf, "%s/fuyao-daemon", base) >= (int)sizeof leaf ||
        (mkdir(leaf, 0755) != 0 && errno != EEXIST) || !fy_cgroup_join(leaf)) {
        (void)snprintf(g->why, sizeof g->why,
                       "control groups may not be used here: no right to make one below its own");
        return;
    }
    (void)snprintf(leaf, sizeof leaf, "%s/fuyao-runs", base);
    if (mkdir(leaf, 0755) != 0 && errno != EEXIST) {
        (void)snprintf(g->why, sizeof g->why, "control groups may not be used here: %s",
                       strerror(errno));
        return;
    }
    hand_down(base);
    hand_down(leaf);
    (void)snprintf(path, sizeof path, "%s/cgroup.subtree_control", leaf);
    (void)read_from(path, text, sizeof text);
    g->memory = has_word(text, "memory");
    g->pids = has_word(text, "pids");
    g->cpu = has_word(text, "cpu");
    g->runs = strdup(leaf);
    say(g);
}

void fy_cgroups_close(fy_cgroups *g)
{
    free(g->runs);
    g->runs = NULL;
}

bool fy_cgroup_make(const char *folder, int64_t memory_mib, int64_t max_processes,
                    int64_t cpu_milli)
{
    char text[64];

    if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
        return false;
    }
    if (memory_mib > 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)memory_mib * 1048576);
        (void)write_to(folder, "memory.max", text);
        (void)write_to(folder, "memory.swap.max", "0");
        (void)write_to(folder, "memory.oom.group", "1");
    }
    if (max_processes > 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)max_processes);
        (void)write_to(folder, "pids.max", text);
    }
    if (cpu_milli > 0) { /* of a period of 100 ms */
        (void)snprintf(text, sizeof text, "%lld 100000", (long long)cpu_milli * 100);
        (void)write_to(folder, "cpu.max", text);
    }
    return true;
}

bool fy_cgroup_join(const char *folder)
{
    return write_to(folder, "cgroup.procs", "0");
}

/* Under AddressSanitizer, which must know of every stack, and elsewhere memory is copied. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define SHARES_MEMORY 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef SHARES_MEMORY
#endif
#endif
#endif

#ifdef SHARES_MEMORY
/* As vfork: no page table is copied and the parent stands still. The child has a stack of its own,
 * because its caller's is the parent's. */
static long make_child(struct clone_args *args, void (*child)(void *), void *ctx)
{
    static _Alignas(16) char stack[256 << 10];
    long pid = SYS_clone3;

    args->flags |= CLONE_VM;
    args->stack = (uint64_t)(uintptr_t)stack;
    args->stack_size = sizeof stack;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "movq %[ctx], %%rdi\n\t"
                     "callq *%[child]\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(pid)
                     : "D"(args), "S"(sizeof *args), [child] "r"(child), [ctx] "r"(ctx)
                     : "rcx", "r11", "memory", "cc");
    return pid;
}
#else
static long make_child(struct clone_args *args, void (*child)(void *), void *ctx)
{
    long pid = syscall(SYS_clone3, args, sizeof *args);

    if (pid == 0) {
        child(ctx);
    }
    return pid;
}
#endif

pid_t fy_cgroup_fork(const char *folder, void (*child)(void *ctx), void *ctx)
{
    int fd = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP | CLONE_VFORK, .exit_signal = SIGCHLD, .cgroup = (uint64_t)fd};
    long pid;

    if (fd < 0) {
        return -1;
    }
    pid = make_child(&args, child, ctx);
    (void)close(fd);
    return pid > 0 ? (pid_t)pid : -1;
}

bool fy_cgroup_kill(const char *folder)
{
    return write_to(folder, "cgroup.kill", "1");
}

void fy_cgroup_remove(const char *folder)
{
    (void)rmdir(folder);
}
