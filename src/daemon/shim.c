/* SPDX-License-Identifier: MIT */
#include "daemon/shim.h"

#include "daemon/cgroup.h"
#include "daemon/run_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct worker {
    pid_t pid;
    bool gone;
} worker;

typedef struct shim {
    const fy_order *order;
    int run;
    worker *workers; /* [n_workers] started so far */
    int n_workers, n_gone;
    bool has_status; /* of the first worker that failed, else of the first */
    int code, signo;
    bool asked; /* the checkpoint signal or TERM was sent to it */
    int64_t cpu_us, rss_kib;
    int64_t kill_us; /* monotonic: what is left is killed then; INT64_MAX = never */
    sigset_t wanted;
} shim;

enum { MERCY_US = 5000000, FEW = 16 };

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* One line in one write. A full disk is waited for: an end that is not written down is lost. */
static void record(int run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void record(int run, const char *fmt, ...)
{
    char line[512];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(line, sizeof line - 1, fmt, args);
    va_end(args);
    len = len < (int)sizeof line - 1 ? len : (int)sizeof line - 2;
    line[len++] = '\n';
    while (write(run, line, (size_t)len) < 0) {
        pause_ms(errno == EINTR ? 0 : 200);
    }
}

/* The first line. Where it cannot be written nothing has begun, and it can be asked for again. */
static void introduce(int run, const fy_order *order, const fy_process *self)
{
    if (dprintf(run, "fuyao-run 1 %s %d %llu %lld\n", order->boot, (int)self->pid,
                (unsigned long long)self->start, (long long)fy_wall_us()) < 0) {
        _exit(1);
    }
}

/* Without a daemon that reads there is nobody to tell. */
static void hint(fy_run_key key)
{
    int fifo = open("../../hints", O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    char line[FY_RUN_NAME + 1];

    if (fifo >= 0) {
        fy_run_name(line, key);
        (void)strcat(line, "\n");
        (void)!write(fifo, line, strlen(line));
        (void)close(fifo);
    }
}

static _Noreturn void end_refused(const shim *s, const char *text)
{
    char clean[FY_RUN_TEXT];

    fy_run_text(clean, text);
    record(s->run, "refused %lld %s", (long long)fy_wall_us(), clean);
    if (s->order->cgroup != NULL) {
        fy_cgroup_remove(s->order->cgroup);
    }
    hint(s->order->key);
    _exit(0);
}

/* ------------------------------------------------------------------ what ends, and kills */

static void keep_status(shim *s, int status)
{
    bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    bool failed_before = s->has_status && (s->code != 0 || s->signo != 0);

    if (!s->has_status || (failed && !failed_before)) {
        s->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        s->signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        s->has_status = true;
    }
}

/* Take in everything that has ended; false: no child is left. */
static bool reap(shim *s)
{
    struct rusage used;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
        s->cpu_us += (int64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                     used.ru_utime.tv_usec + used.ru_stime.tv_usec;
        s->rss_kib = used.ru_maxrss > s->rss_kib ? used.ru_maxrss : s->rss_kib;
        for (int i = 0; i < s->n_workers; i++) {
            if (s->workers[i].pid == pid && !s->workers[i].gone) {
                s->workers[i].gone = true;
                s->n_gone++;
                keep_status(s, status);
            }
        }
    }
    return pid == 0;
}

/* Signal all that is below the shim; returns how many there were. */
static size_t signal_all(int signo)
{
    fy_process *all;
    size_t n = fy_process_all(&all);

    n = fy_process_below(all, n, getpid());
    for (size_t i = 0; i < n; i++) {
        (void)fy_process_signal(all[i].pid, all[i].start, signo);
    }
    free(all);
    return n;
}

/* Kill the shim's own children, which nobody else can wait for, so their numbers are theirs. What
 * they leave is the shim's child next. The kernel may pass over some, or not tell. */
static void kill_children(void)
{
    char path[64], text[4096], *at = text, *end;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    for (long pid = strtol(at, &end, 10); end != at && pid > 0; pid = strtol(at, &end, 10)) {
        (void)kill((pid_t)pid, SIGKILL);
        at = end;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* At first what is cheap, then all of /proc. Many at once may fork faster than one can kill them:
 * stopped, they go on filling the limit on processes, so nothing new comes; then they die. */
static void kill_round(const shim *s, int round)
{
    if (s->order->cgroup != NULL && fy_cgroup_kill(s->order->cgroup)) {
        return;
    }
    if (round < 3) {
        kill_children();
        return;
    }
    if (signal_all(SIGKILL) > FEW) {
        size_t before = 0, now = signal_all(SIGSTOP);

        for (int i = 0; i < 20 && now != before; i++) {
            before = now;
            now = signal_all(SIGSTOP);
        }
        (void)signal_all(SIGKILL);
    }
}

/* Is nothing left but the dead, which a tracer outside of the run has not waited for? Seen three
 * times: one look at /proc may miss what forks. */
static bool only_dead(int *times)
{
    const pid_t self = getpid();
    fy_process *all;
    size_t n = fy_process_all(&all);
    bool dead = false;

    for (size_t i = 0; i < n; i++) { /* none seen at all: /proc told nothing */
        dead |= all[i].parent == self && all[i].state == 'Z';
    }
    *times = dead && fy_process_below(all, n, self) == 0 ? *times + 1 : 0;
    free(all);
    return *times >= 3;
}

/* Until no process of the run is left. What cannot be killed (it sits in the kernel) is waited
 * for: its device is not free. */
static void kill_all(shim *s)
{
    long ms = 1;
    int times = 0;

    for (int round = 0; reap(s); round = round < 3 ? round + 1 : 3) {
        struct timespec wait = {.tv_sec = 0, .tv_nsec = ms * 1000000};
        sigset_t child;

        kill_round(s, round);
        if (round == 3 && reap(s) && only_dead(&times)) {
            break;
        }
        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        if (reap(s)) {
            (void)sigtimedwait(&child, NULL, &wait);
            ms = ms < 500 ? ms * 2 : 500;
        }
    }
    if (!s->has_status && s->n_workers > 0) { /* its tracer has it */
        s->signo = SIGKILL;
    }
}

/* ------------------------------------------------------------------ start */

typedef struct birth {
    const fy_order *order;
    int worker, errors;
    pid_t shim;
} birth;

static void be_born(void *ctx)
{
    const birth *b = ctx;

    fy_shim_exec(b->order, b->worker, true, b->errors, b->shim);
}

/* Start the worker `i`; NULL, or why not. */
static const char *start_worker(shim *s, int i, char text[400])
{
    int pipes[2];
    ssize_t n;
    fy_process seen;
    birth place;
    pid_t pid;

    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return "cannot start: no file descriptors left";
    }
    place = (birth){.order = s->order, .worker = i, .errors = pipes[1], .shim = getpid()};
    pid = s->order->cgroup != NULL ? fy_cgroup_fork(s->order->cgroup, be_born, &place) : -1;
    if (pid < 0) {     /* no page table is copied; the shim has one thread and waits for the exec */
        pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
        if (pid == 0) { /* NOLINTNEXTLINE(clang-analyzer-unix.Vfork) */
            fy_shim_exec(s->order, i, false, pipes[1], place.shim);
        }
    }
    (void)close(pipes[1]);
    if (pid < 0) {
        (void)close(pipes[0]);
        return "cannot start: no more processes are allowed";
    }
    s->workers[s->n_workers++] = (worker){.pid = pid};
    do {
        n = read(pipes[0], text, 399); /* ends with the exec */
    } while (n < 0 && errno == EINTR);
    (void)close(pipes[0]);
    if (n > 0) {
        text[n] = '\0';
        return text;
    }
    if (i > 0) { /* the first stands for all */
        return NULL;
    }
    if (!fy_process_read(pid, &seen)) {
        seen.start = 0;
    }
    record(s->run, "job %d %llu %lld", (int)pid, (unsigned long long)seen.start,
           (long long)fy_wall_us());
    return NULL;
}

static void start_all(shim *s)
{
    for (int i = 0; i < s->order->workers; i++) {
        char text[400];
        const char *why = start_worker(s, i, text);

        if (why != NULL) {
            char copy[400];

            (void)snprintf(copy, sizeof copy, "%s", why);
            kill_all(s);
            if (i > 0) { /* others had begun: that is an end, not a refusal */
                fy_run_text(text, copy);
                record(s->run, "exit 127 0 0 %lld %lld %lld %s", (long long)s->cpu_us,
                       (long long)s->rss_kib, (long long)fy_wall_us(), text);
                hint(s->order->key);
                _exit(0);
            }
            end_refused(s, copy);
        }
    }
    hint(s->order->key);
}

/* A file that only the user may read and run, in a folder in which only the daemon's user writes.
 */
static bool put_file(int folder, const char *name, mode_t mode, const char *text, const fy_order *o)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    size_t len = strlen(text), at = 0;
    ssize_t n = 0;

    if (fd < 0 && errno == EEXIST) { /* an earlier try that came to nothing */
        (void)unlinkat(folder, name, 0);
        fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    }
    if (fd < 0) {
        return false;
    }
    while (at < len && (n = write(fd, text + at, len - at)) > 0) {
        at += (size_t)n;
    }
    if (o->drop && fchown(fd, o->uid, o->gid) != 0) {
        at = len + 1;
    }
    return close(fd) == 0 && at == len;
}

/* The progress file of a run before this one in the same folder, if nobody else's hands were on it:
 * another user may still hold it open. */
static bool take_progress(int folder, const fy_order *o)
{
    int fd = openat(folder, "progress", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    bool ours = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
                (st.st_mode & 07777) == 0600 && st.st_uid == (o->drop ? o->uid : geteuid()) &&
                st.st_gid == (o->drop ? o->gid : getegid()) && ftruncate(fd, 0) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return ours;
}

/* ------------------------------------------------------------------ the run's life */

static void obey(shim *s, const siginfo_t *info)
{
    int value = info->si_value.sival_int, signo = value & 0xff;

    if (info->si_code != SI_QUEUE || (info->si_uid != 0 && info->si_uid != getuid())) {
        return;
    }
    if ((value & FY_SHIM_KILL) != 0) {
        s->kill_us = 0;
        return;
    }
    if (signo == 0 || signo >= NSIG) {
        return;
    }
    if ((signo == SIGTERM || signo == s->order->checkpoint_signal) && !s->asked) {
        s->asked = true; /* once: the record stays short, however often it is asked */
        record(s->run, "signal %d %lld", signo, (long long)fy_wall_us());
    }
    if ((value & FY_SHIM_SCRIPT) == 0) {
        (void)signal_all(signo);
        return;
    }
    for (int i = 0; i < s->n_workers; i++) {
        if (!s->workers[i].gone) { /* not yet waited for: the number is still its own */
            (void)kill(s->workers[i].pid, signo);
        }
    }
}

/* When one worker has failed the others wait for it for ever. */
static void mind_failure(shim *s)
{
    if (s->n_gone > 0 && s->n_gone < s->n_workers && (s->code != 0 || s->signo != 0) &&
        s->kill_us == INT64_MAX) {
        s->kill_us = monotonic_us() + MERCY_US;
        for (int i = 0; i < s->n_workers; i++) {
            if (!s->workers[i].gone) {
                (void)kill(s->workers[i].pid, SIGTERM);
            }
        }
    }
}

static void attend(shim *s)
{
    while (reap(s) && s->n_gone < s->n_workers) {
        siginfo_t info;
        int signo;

        mind_failure(s);
        if (s->kill_us == INT64_MAX) {
            signo = sigwaitinfo(&s->wanted, &info);
        } else {
            int64_t left_us = s->kill_us - monotonic_us();
            struct timespec wait = {.tv_sec = left_us / 1000000,
                                    .tv_nsec = (left_us % 1000000) * 1000};

            if (left_us <= 0) {
                return;
            }
            signo = sigtimedwait(&s->wanted, &info, &wait);
        }
        if (signo == FY_SHIM_CONTROL) {
            obey(s, &info);
        }
    }
}

static const char *note(const shim *s)
{
    return s->signo == SIGXFSZ ? "wrote a file beyond the limit on its size" : "";
}

static void become_shim(shim *s)
{
    (void)setsid();
    (void)prctl(PR_SET_NAME, "fuyao-shim", 0, 0, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (int signo = 1; signo < 32; signo++) {
        if (signo != SIGCHLD && signo != SIGSEGV && signo != SIGBUS && signo != SIGFPE &&
            signo != SIGILL && signo != SIGABRT) {
            (void)signal(signo, SIG_IGN);
        }
    }
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&s->wanted);
    (void)sigaddset(&s->wanted, SIGCHLD);
    (void)sigaddset(&s->wanted, FY_SHIM_CONTROL);
    (void)sigprocmask(SIG_SETMASK, &s->wanted, NULL);
}

static bool prepare(const fy_order *o, int folder)
{
    return (o->script == NULL || put_file(folder, "script", 0500, o->script, o)) &&
           (take_progress(folder, o) || put_file(folder, "progress", 0600, "", o));
}

_Noreturn void fy_shim_main(int run, int folder, const char *bytes, size_t len)
{
    fy_arena arena = {0};
    fy_order order;
    shim s = {.order = &order, .run = run, .kill_us = INT64_MAX};
    fy_process self;
    fy_err err;

    become_shim(&s);
    if (fchdir(folder) != 0 || !fy_process_read(getpid(), &self)) {
        _exit(1);
    }
    if (fy_order_unpack(&order, bytes, len, &arena, &err) != 0) {
        record(run, "refused %lld %s", (long long)fy_wall_us(), err.text);
        _exit(1);
    }
    introduce(run, &order, &self); /* from here on the attempt counts as begun, whatever comes */
    s.workers = fy_calloc((size_t)order.workers, sizeof *s.workers);
    if (!prepare(&order, folder)) {
        end_refused(&s, "cannot write the script into the state folder: is the disk full?");
    }
    (void)close(folder);
    if (order.cgroup != NULL &&
        !fy_cgroup_make(order.cgroup, order.memory_mib, order.max_processes, order.cpu_milli)) {
        end_refused(&s, "cannot make a control group for it");
    }
    start_all(&s);
    attend(&s);
    kill_all(&s);
    record(run, "exit %d %d %d %lld %lld %lld %s", s.code, s.signo,
           s.asked && s.code == 0 && s.signo == 0, (long long)s.cpu_us, (long long)s.rss_kib,
           (long long)fy_wall_us(), note(&s));
    if (order.cgroup != NULL) {
        fy_cgroup_remove(order.cgroup);
    }
    hint(order.key);
    _exit(0);
}
