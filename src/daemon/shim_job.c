/* SPDX-License-Identifier: MIT */
/* The way from the shim's child to the job: who it is, where it stands, what it may, then exec. */
#include "daemon/cgroup.h"
#include "daemon/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH_BANG = 512 };

/* What cannot be done ends the child; its line goes to the shim. */
static _Noreturn void refuse(int errors, const char *what, const char *name)
{
    char line[400];
    int why = errno;
    int len = snprintf(line, sizeof line, "%s%s%.250s: %s", what, name[0] != '\0' ? " " : "", name,
                       strerror(why));

    if (len > 0) {
        (void)!write(errors, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
    }
    _exit(127);
}

static void limit(int resource, int64_t most, int errors, const char *what)
{
    struct rlimit now, wanted;

    if (getrlimit((__rlimit_resource_t)resource, &now) != 0) {
        refuse(errors, what, "");
    }
    wanted = now;
    wanted.rlim_cur = (rlim_t)most;
    if (now.rlim_max != RLIM_INFINITY && wanted.rlim_cur > now.rlim_max) {
        wanted.rlim_cur = now.rlim_max;
    }
    wanted.rlim_max = wanted.rlim_cur;
    if (setrlimit((__rlimit_resource_t)resource, &wanted) != 0) {
        refuse(errors, what, "");
    }
}

static void set_limits(const fy_order *o, int errors)
{
    limit(RLIMIT_CORE, 0, errors, "cannot limit core files");
    if (o->max_processes > 0) {
        limit(RLIMIT_NPROC, o->max_processes, errors, "cannot limit the number of processes");
    }
    if (o->max_file_bytes > 0) {
        limit(RLIMIT_FSIZE, o->max_file_bytes, errors, "cannot limit the size of files");
    }
}

/* Groups first, the user last: afterwards there is no right left to change the groups with. */
static void drop_privileges(const fy_order *o, int errors)
{
    gid_t *groups = fy_calloc((size_t)o->n_groups + 1, sizeof *groups);

    for (int i = 0; i < o->n_groups; i++) {
        groups[i] = (gid_t)o->groups[i];
    }
    if (setgroups((size_t)o->n_groups, groups) != 0) {
        refuse(errors, "cannot take the user's groups", "");
    }
    if (setresgid(o->gid, o->gid, o->gid) != 0) {
        refuse(errors, "cannot take the user's group", "");
    }
    if (setresuid(o->uid, o->uid, o->uid) != 0) {
        refuse(errors, "cannot become the user", "");
    }
    if (o->uid != 0 && setuid(0) == 0) { /* must have failed */
        errno = EPERM;
        refuse(errors, "privileges could be taken back", "");
    }
    free(groups);
}

/* Never through a link, never waiting for a reader. */
static int open_output(const fy_order *o, const char *path, int worker, int errors)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd;

    if (!o->append && worker == 0) {
        flags |= O_TRUNC;
    }
    fd = open(path, flags, 0666);
    if (fd < 0) {
        refuse(errors, errno == ELOOP ? "output is a symbolic link:" : "cannot open output", path);
    }
    (void)fcntl(fd, F_SETFL, O_APPEND);
    return fd;
}

static void open_files(const fy_order *o, int worker, int errors)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open_output(o, o->output, worker, errors);
    bool both = o->error == NULL || strcmp(o->error, o->output) == 0;
    int err = both ? out : open_output(o, o->error, worker, errors);

    if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(err, STDERR_FILENO) < 0) {
        refuse(errors, "cannot set up the output", "");
    }
}

/* One worker's entries first, then all others of different names. */
static char **environment(const fy_order *o, int worker)
{
    const char *const *own = o->each + (size_t)worker * (size_t)o->n_each;
    size_t n = 0;
    const char **env = fy_calloc((size_t)o->n_env + (size_t)o->n_each + 1, sizeof *env);
    char **out;

    for (int i = 0; i < o->n_each; i++) {
        env[n++] = own[i];
    }
    for (int i = 0; i < o->n_env; i++) {
        size_t name = strcspn(o->env[i], "=") + 1;
        bool replaced = false;

        for (int k = 0; k < o->n_each && !replaced; k++) {
            replaced = strncmp(own[k], o->env[i], name) == 0;
        }
        if (!replaced) {
            env[n++] = o->env[i];
        }
    }
    memcpy(&out, &env, sizeof out); /* execve takes no const */
    return out;
}

/* How the kernel reads #!: a program and at most one argument. Without it, /bin/sh. */
static int interpreter(const char *script, char line[HASH_BANG], const char *argv[2])
{
    size_t len = strcspn(script, "\n");
    char *at = line, *end;

    argv[0] = "/bin/sh";
    if (strncmp(script, "#!", 2) != 0 || len - 2 >= HASH_BANG) {
        return 1;
    }
    memcpy(line, script + 2, len - 2);
    end = line + (len - 2);
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    *end = '\0';
    at += strspn(at, " \t");
    if (*at == '\0') {
        return 1;
    }
    argv[0] = at;
    at += strcspn(at, " \t");
    if (*at == '\0') {
        return 1;
    }
    *at++ = '\0';
    argv[1] = at + strspn(at, " \t");
    return 2;
}

static _Noreturn void run(const fy_order *o, int errors)
{
    const char **argv = fy_calloc((size_t)o->n_argv + 4, sizeof *argv), *start[2];
    char line[HASH_BANG], *path = NULL, **args;
    size_t n = 0;

    if (o->script != NULL) {
        int words = interpreter(o->script, line, start);

        for (int i = 0; i < words; i++) {
            argv[n++] = start[i];
        }
        if (asprintf(&path, "%s/script", o->folder) < 0) {
            refuse(errors, "out of memory", "");
        }
        argv[n++] = path;
    }
    for (int i = 0; i < o->n_argv; i++) {
        argv[n++] = o->argv[i];
    }
    memcpy(&args, &argv, sizeof args);
    (void)execvp(args[0], args);
    refuse(errors, o->script != NULL ? "cannot run the script's interpreter" : "cannot run",
           args[0]);
}

static void default_signals(void)
{
    sigset_t none;

    for (int signo = 1; signo < NSIG; signo++) {
        (void)signal(signo, SIG_DFL); /* fails for KILL and STOP, and libc's own */
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void fy_shim_exec(const fy_order *o, int worker, bool inside, int errors, pid_t shim)
{
    default_signals();
    (void)setpgid(0, 0);
    if (o->cgroup != NULL && !inside && !fy_cgroup_join(o->cgroup)) {
        refuse(errors, "cannot enter the control group", o->cgroup);
    }
    set_limits(o, errors);
    if (o->drop) {
        drop_privileges(o, errors);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        refuse(errors, "cannot give up new privileges", "");
    }
    /* After the change of user, which clears it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != shim) {
        _exit(127);
    }
    (void)umask(022);
    if (chdir(o->workdir) != 0) {
        refuse(errors, "cannot enter the working directory", o->workdir);
    }
    open_files(o, worker, errors);
    (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    environ = environment(o, worker);
    run(o, errors);
}
