/* SPDX-License-Identifier: MIT */
/* The local engine's verbs. What is read back is in engine_local_look.c. */
#include "daemon/engine_local_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

fy_local_options fy_local_defaults(void)
{
    return (fy_local_options){.max_processes = 4096};
}

/* ------------------------------------------------------------------ start */

static char *copy_folder(const fy_local *e, fy_run_key key, fy_arena *arena)
{
    return fy_arena_printf(arena, "%s/run/%lld.%d", e->state, (long long)key.job, (int)key.attempt);
}

static fy_order resolve(fy_local *e, const fy_run_spec *spec, fy_arena *arena)
{
    const fy_submission *what = spec->what;
    bool drop = geteuid() == 0 && spec->uid != 0;
    const fy_local_user *user = fy_local_user_of(e, drop ? spec->uid : geteuid(), spec->gid);
    const char *folder = copy_folder(e, spec->key, arena);
    fy_user_home home = {.user = user->name, .home = user->home, .shell = user->shell};
    fy_environment env = fy_environment_build(spec, &home, "127.0.0.1", folder, arena);

    return (fy_order){
        .key = spec->key,
        .uid = spec->uid,
        .gid = spec->gid,
        .drop = drop,
        .workers = env.workers,
        .checkpoint_signal = what->checkpoint_signal,
        .append = spec->key.attempt > 1,
        .max_processes = e->max_processes > 0 ? e->max_processes + e->processes_before : 0,
        .max_file_bytes = e->max_file_bytes,
        .cpu_milli = spec->cpu_milli,
        .memory_mib = spec->memory_mib,
        .boot = e->boot,
        .folder = folder,
        .cgroup = e->groups.runs != NULL
                      ? fy_arena_printf(arena, "%s/%s-%lld.%d", e->groups.runs, e->tag,
                                        (long long)spec->key.job, (int)spec->key.attempt)
                      : NULL,
        .workdir = what->workdir != NULL ? what->workdir : home.home,
        .output = spec->output != NULL ? spec->output : "/dev/null",
        .error = spec->error,
        .script = what->script,
        .argv = what->args,
        .n_argv = what->n_args,
        .env = env.all,
        .n_env = env.n,
        .each = env.each,
        .n_each = env.n_each,
        .groups = user->groups,
        .n_groups = user->n_groups,
    };
}

/* The order in a file of memory; -1 and a text. */
static int pack(fy_local *e, const fy_run_spec *spec, fy_err *err)
{
    fy_arena arena = {0};
    fy_order order = resolve(e, spec, &arena);
    size_t at = 0;
    ssize_t n = 1;
    int fd;

    fy_str_clear(&e->packed);
    fy_order_pack(&e->packed, &order);
    fy_arena_free(&arena);
    if (e->packed.len > FY_ORDER_MAX) {
        (void)fy_fail(err, FY_ERANGE, "the job's script, arguments and environment take %zu bytes",
                      e->packed.len);
        return -2;
    }
    fd = memfd_create("fuyao-order", MFD_CLOEXEC);
    while (fd >= 0 && at < e->packed.len && n > 0) {
        n = write(fd, e->packed.text + at, e->packed.len - at);
        at += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0 || at < e->packed.len) {
        (void)fy_fail(err, FY_EIO, "cannot write an order into memory: %s", strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

static int start(fy_engine *engine, const fy_run_spec *spec, fy_err *err)
{
    fy_local *e = (fy_local *)engine;
    fy_local_claim claim;
    fy_err why;
    int code = fy_local_claim_run(e, spec->key, true, &claim, err), order;

    if (code != 0) {
        return code;
    }
    if (claim.locked && !claim.record.shim && claim.record.end == FY_RECORD_OPEN) {
        order = pack(e, spec, &why);
        if (order == -2) {
            code = fy_local_end(&claim, "refused", why.text);
        } else if (order == -1) {
            code = fy_fail(err, FY_EIO, "%s", why.text);
        } else {
            code = fy_zygote_start(&e->zygote, claim.run, claim.folder, order, err);
            (void)close(order);
        }
    }
    fy_local_claim_drop(&claim);
    return code;
}

/* ------------------------------------------------------------------ signal, kill, forget */

static int send(fy_engine *engine, fy_run_key key, int signo, bool script, fy_err *err)
{
    fy_local *e = (fy_local *)engine;
    fy_local_claim claim;
    int code = fy_local_claim_run(e, key, false, &claim, err);

    if (code == 0 && claim.run >= 0 && !claim.locked && claim.record.shim && signo > 0 &&
        signo < NSIG) {
        (void)fy_process_queue(claim.record.shim_pid, claim.record.shim_start, FY_SHIM_CONTROL,
                               signo | (script ? FY_SHIM_SCRIPT : 0));
    }
    fy_local_claim_drop(&claim);
    return code;
}

/* A shim that is stopped would obey never: its processes and it itself are killed from here. One
 * that sits in the kernel may wait for a child that its user keeps from its program (by a stop, or
 * a lease on it): once the child is killed it hears again. */
static void kill_below(const fy_local_claim *claim, bool shim_too)
{
    fy_process *all;
    size_t n = fy_process_all(&all);

    n = fy_process_below(all, n, claim->record.shim_pid);
    for (size_t i = 0; i < n; i++) {
        (void)fy_process_signal(all[i].pid, all[i].start, SIGKILL);
    }
    free(all);
    if (shim_too) {
        (void)fy_process_signal(claim->record.shim_pid, claim->record.shim_start, SIGKILL);
    }
}

static int stop(fy_engine *engine, fy_run_key key, fy_err *err)
{
    fy_local *e = (fy_local *)engine;
    fy_local_claim claim;
    int code = fy_local_claim_run(e, key, true, &claim, err);

    if (code != 0) {
        return code;
    }
    if (claim.record.end == FY_RECORD_OPEN) {
        if (!claim.locked && claim.record.shim) {
            if (fy_local_frozen(&claim.record)) {
                kill_below(&claim, true);
            } else {
                (void)fy_process_queue(claim.record.shim_pid, claim.record.shim_start,
                                       FY_SHIM_CONTROL, FY_SHIM_KILL);
                if (fy_local_deaf(&claim.record)) {
                    kill_below(&claim, false);
                }
            }
        } else if (claim.locked && claim.record.shim) {
            (void)fy_local_bury(e, key, &claim);
        } else if (claim.locked) {
            code = fy_local_end(&claim, "refused", "stopped before it began");
        } /* else its order is on the way: asked again it will have a shim */
    }
    fy_local_claim_drop(&claim);
    return code;
}

static int forget(fy_engine *engine, fy_run_key key, fy_err *err)
{
    fy_local *e = (fy_local *)engine;
    fy_local_claim claim;
    char name[FY_RUN_NAME];
    int code = fy_local_claim_run(e, key, false, &claim, err);

    if (code == 0 && claim.run >= 0 && claim.record.end != FY_RECORD_OPEN) {
        fy_run_name(name, key);
        /* The record goes last: while it stands, the run is known to have ended. */
        (void)unlinkat(claim.folder, "script", 0);
        if (fy_local_spare_keep(e, name, &claim)) {
            fy_local_claim_drop(&claim);
            return 0;
        }
        (void)unlinkat(claim.folder, "progress", 0);
        (void)unlinkat(claim.folder, "run", 0);
        if (unlinkat(e->runs, name, AT_REMOVEDIR) != 0 && errno == ENOTEMPTY) {
            fy_local_empty(claim.folder); /* the job had put something there */
            (void)unlinkat(e->runs, name, AT_REMOVEDIR);
        }
    }
    fy_local_claim_drop(&claim);
    return code;
}

/* ------------------------------------------------------------------ hints */

static void work(fy_engine *engine)
{
    fy_local *e = (fy_local *)engine;
    char bytes[4096];
    ssize_t n;

    while (e->hinted.len < FY_LOCAL_HINTS && (n = read(e->fifo, bytes, sizeof bytes)) > 0) {
        fy_str_add(&e->hinted, bytes, (size_t)n);
    }
}

static bool take_hint(fy_engine *engine, fy_run_key *key)
{
    fy_local *e = (fy_local *)engine;

    if (e->hint_at >= e->hinted.len) {
        fy_str_clear(&e->hinted);
        e->hint_at = 0;
        work(engine);
    }
    while (e->hint_at < e->hinted.len) {
        char *line = e->hinted.text + e->hint_at;
        char *end = memchr(line, '\n', e->hinted.len - e->hint_at);

        if (end == NULL) { /* never from a shim: it writes whole lines */
            fy_str_clear(&e->hinted);
            e->hint_at = 0;
            return false;
        }
        *end = '\0';
        e->hint_at += (size_t)(end - line) + 1;
        if (fy_run_name_parse(line, key)) {
            return true;
        }
    }
    return false;
}

static int fd(const fy_engine *engine)
{
    return ((const fy_local *)engine)->fifo;
}

/* ------------------------------------------------------------------ open, close */

static int nodes(fy_engine *engine, fy_node_fn each, void *ctx, fy_err *err)
{
    fy_local *e = (fy_local *)engine;

    (void)err;
    for (int i = 0; i < e->n_nodes; i++) {
        fy_node_seen seen = {.name = e->nodes[i],
                             .up = true,
                             .power_w = e->n_nodes == 1 ? fy_nvml_power_w(e->nvml) : (double)NAN};

        each(ctx, &seen);
    }
    return 0;
}

static void close_local(fy_engine *engine)
{
    fy_local *e = (fy_local *)engine;

    if (e == NULL) {
        return;
    }
    fy_zygote_close(&e->zygote);
    fy_nvml_close(e->nvml);
    fy_cgroups_close(&e->groups);
    if (e->runs >= 0) {
        (void)close(e->runs);
    }
    if (e->fifo >= 0) {
        (void)close(e->fifo);
    }
    for (int i = 0; i < e->n_users; i++) {
        fy_local_user_free(&e->users[i]);
    }
    for (int i = 0; i < e->n_nodes; i++) {
        free(e->nodes[i]);
    }
    free(e->nodes);
    free(e->state);
    fy_str_free(&e->packed);
    fy_str_free(&e->hinted);
    free(e);
}

static int open_state(fy_local *e, fy_err *err)
{
    char path[4096];
    struct stat st;

    if (snprintf(path, sizeof path, "%s/run", e->state) >= (int)sizeof path ||
        (mkdir(e->state, 0711) != 0 && errno != EEXIST) ||
        (mkdir(path, 0711) != 0 && errno != EEXIST) ||
        (e->runs = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0 ||
        fstat(e->runs, &st) != 0) {
        return fy_fail(err, FY_EIO, "cannot use the state folder %s: %s", e->state,
                       strerror(errno));
    }
    (void)snprintf(e->tag, sizeof e->tag, "%llx-%llx", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    fy_local_spare_sweep(e);
    (void)snprintf(path, sizeof path, "%s/hints", e->state);
    if (mkfifo(path, 0600) != 0 && errno != EEXIST) {
        return fy_fail(err, FY_EIO, "cannot make the FIFO %s: %s", path, strerror(errno));
    }
    /* For writing too: so there is no end of file between two shims. */
    e->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (e->fifo < 0) {
        return fy_fail(err, FY_EIO, "cannot open the FIFO %s: %s", path, strerror(errno));
    }
    return 0;
}

static void say_isolation(fy_local *e)
{
    (void)snprintf(e->isolation, sizeof e->isolation, "%s; %s; %s.",
                   geteuid() == 0 ? "Each run has its submitter's user and groups"
                                  : "Not started by root: all runs share this one user",
                   e->groups.why,
                   "CUDA_VISIBLE_DEVICES tells a run its devices and keeps it from no other");
}

int fy_local_open(fy_engine **out, const fy_local_options *o, fy_err *err)
{
    static const fy_engine_ops ops = {
        .name = "local",
        .start = start,
        .signal = send,
        .kill = stop,
        .forget = forget,
        .look = fy_local_look,
        .list = fy_local_list,
        .nodes = nodes,
        .hint = take_hint,
        .fd = fd,
        .work = work,
        .close = close_local,
    };
    fy_local *e;
    int code;

    *out = NULL;
    if (o->state == NULL || o->state[0] != '/') {
        return fy_fail(err, FY_EINVAL, "the state folder must be an absolute path");
    }
    e = fy_calloc(1, sizeof *e);
    e->engine.ops = &ops;
    e->runs = e->fifo = e->zygote.socket = -1;
    if (!o->no_cgroups) {
        fy_cgroups_open(&e->groups, NULL, NULL);
    } else {
        (void)snprintf(e->groups.why, sizeof e->groups.why, "control groups are not used");
    }
    code = fy_zygote_open(&e->zygote, err);
    e->state = strdup(o->state);
    e->max_processes = o->max_processes;
    e->max_file_bytes = o->max_file_bytes;
    e->processes_before = fy_local_processes_now();
    fy_boot_id(e->boot);
    if (e->boot[0] == '\0') {
        (void)strcpy(e->boot, "-");
    }
    e->nodes = fy_calloc((size_t)o->n_nodes + 1, sizeof *e->nodes);
    for (int i = 0; i < o->n_nodes; i++) {
        e->nodes[e->n_nodes++] = strdup(o->nodes[i]);
    }
    say_isolation(e);
    e->nvml = o->read_power ? fy_nvml_open(NULL) : NULL; /* after the zygote: it opens devices */
    code = code == 0 ? open_state(e, err) : code;
    if (code != 0) {
        close_local(&e->engine);
        return code;
    }
    *out = &e->engine;
    return 0;
}

const char *fy_local_isolation(const fy_engine *engine)
{
    return ((const fy_local *)engine)->isolation;
}
