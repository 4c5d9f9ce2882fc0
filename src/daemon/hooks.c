/* SPDX-License-Identifier: MIT */
/*
 *     asked ─► QUEUED ─► BUSY (node after node) ─► PASSED or FAILED ─forget─► nothing
 *
 * Marks, one file a run and kind (KIND-JOB.ATTEMPT):  "busy" | "passed" | "failed NODE WHY"
 */
#include "daemon/hooks.h"

#include "base/arena.h"
#include "base/str.h"
#include "daemon/hook_marks.h"
#include "daemon/hook_process.h"
#include "daemon/run_record.h"

#include <uthash.h>
#include <utlist.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST_AT_ONCE = 32, MOST_CHECKS = 4 };

typedef struct task {
    UT_hash_handle hh;
    struct task *prev, *next; /* in one of the lists */
    fy_hook_kind kind;
    fy_run_key key;
    fy_hook_state state;
    bool told;             /* it is in the list of those done */
    int64_t next_us;       /* HEALTH: the next one is due */
    fy_hook_state was;     /* HEALTH: how the last one went */
    fy_arena arena;        /* of the environments */
    const char **nodes;    /* [n_nodes] */
    char **devices;        /* [n_nodes] */
    int n_nodes, at;       /* the node at which it is */
    const char *common[8]; /* of the environment; NULL-ended */
    fy_hook_process process;
    char node[128], why[FY_HOOK_LINE + 80];
    char name[]; /* KIND-JOB.ATTEMPT, or health_check-NODE */
} task;

struct fy_hooks {
    fy_hooks_options options;
    fy_arena texts;
    char *folder;
    int epoll, timer;
    task *tasks;
    task *queued, *checks, *running, *done;
    int n_running, n_checks;
    bool checked;
};

static const char *const names[FY_N_HOOKS] = {"prolog", "epilog", "health_check"};

const char *fy_hook_name(fy_hook_kind kind)
{
    return names[kind];
}

fy_hooks_options fy_hooks_defaults(void)
{
    fy_hooks_options options = {.health_every_us = 300 * 1000000LL};

    for (int k = 0; k < FY_N_HOOKS; k++) {
        options.programs[k].limit_us = 60 * 1000000LL;
    }
    return options;
}

int fy_hooks_check(const fy_hooks_options *options, fy_err *err)
{
    for (int k = 0; k < FY_N_HOOKS; k++) {
        const char *path = options->programs[k].path;
        struct stat st;

        if (path != NULL && path[0] != '/') {
            return fy_fail(err, FY_EINVAL, "%s: %.100s must be an absolute path", names[k], path);
        }
        if (path != NULL &&
            (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || access(path, X_OK) != 0)) {
            return fy_fail(err, FY_EINVAL, "%s: %.100s is no program that the daemon may run",
                           names[k], path);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ tasks */

static void run_name(char out[64], fy_hook_kind kind, fy_run_key key)
{
    (void)snprintf(out, 64, "%s-%" PRId64 ".%" PRId32, names[kind], key.job, key.attempt);
}

static task *find(const fy_hooks *hooks, const char *name)
{
    task *t = NULL;

    HASH_FIND(hh, hooks->tasks, name, strlen(name), t);
    return t;
}

static task *add(fy_hooks *hooks, const char *name, fy_hook_kind kind, fy_run_key key)
{
    size_t len = strlen(name);
    task *t = fy_calloc(1, sizeof *t + len + 1);

    memcpy(t->name, name, len);
    t->kind = kind;
    t->key = key;
    HASH_ADD_KEYPTR(hh, hooks->tasks, t->name, len, t);
    return t;
}

static fy_hook_result result(const task *t)
{
    return (fy_hook_result){
        .state = t->state, .kind = t->kind, .key = t->key, .node = t->node, .why = t->why};
}

static void set_timer(const fy_hooks *hooks)
{
    int64_t next_us = INT64_MAX;
    struct itimerspec at = {0};
    const task *t;

    DL_FOREACH(hooks->running, t)
    {
        int64_t due_us = t->process.ended >= 0 ? t->process.deadline_us
                                               : fy_hook_now_us() + 20000; /* looked at by time */

        next_us = due_us < next_us ? due_us : next_us;
    }
    if (next_us < INT64_MAX) {
        next_us = next_us > 0 ? next_us : 1;
        at.it_value.tv_sec = next_us / 1000000;
        at.it_value.tv_nsec = next_us % 1000000 * 1000 + 1;
    }
    (void)timerfd_settime(hooks->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void watch(const fy_hooks *hooks, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (fd >= 0) {
        (void)epoll_ctl(hooks->epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* ------------------------------------------------------------------ at work */

/* The environment of one node's program, from nothing. */
static int start_one(fy_hooks *hooks, task *t, fy_err *err)
{
    const fy_hook_program *program = &hooks->options.programs[t->kind];
    char *environment[16];
    char texts[3][300];
    int n = 0;

    (void)snprintf(t->node, sizeof t->node, "%s", t->nodes[t->at]);
    (void)snprintf(texts[0], sizeof texts[0], "FUYAO_NODE=%.200s", t->node);
    (void)snprintf(texts[1], sizeof texts[1], "%s%s", FY_HOOK_MARK, t->name);
    (void)snprintf(texts[2], sizeof texts[2], "FUYAO_HOOK_FOLDER=%.200s", hooks->folder);
    environment[n++] = (char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                                           "/sbin:/bin";
    for (int i = 0; i < 3; i++) {
        environment[n++] = texts[i];
    }
    if (t->devices != NULL) {
        environment[n++] = t->devices[t->at];
    }
    for (int i = 0; t->common[i] != NULL; i++) {
        environment[n++] = (char *)(uintptr_t)t->common[i];
    }
    environment[n] = NULL;
    if (program->path == NULL) { /* taken out of the configuration since */
        return 1;
    }
    if (fy_hook_start(&t->process, program->path, environment, program->limit_us, err) != 0) {
        return err->code;
    }
    watch(hooks, t->process.ended);
    watch(hooks, t->process.out);
    return 0;
}

static void finish(fy_hooks *hooks, task *t, bool passed)
{
    t->state = passed ? FY_HOOK_PASSED : FY_HOOK_FAILED;
    fy_arena_free(&t->arena);
    t->nodes = NULL;
    t->devices = NULL;
    if (t->kind == FY_HOOK_HEALTH) {
        t->was = t->state;
        t->next_us = fy_hook_now_us() + hooks->options.health_every_us;
        hooks->checked = true;
        return;
    }
    fy_hook_mark_write(hooks->folder, t->name, passed ? "passed" : "failed", t->node, t->why);
    t->told = true;
    DL_APPEND(hooks->done, t);
}

/* Run it on its next node, or it is done. True: its program is at work. */
static bool go_on(fy_hooks *hooks, task *t)
{
    fy_err err = {0};
    int code;

    if (t->at == t->n_nodes) {
        finish(hooks, t, true);
        return false;
    }
    code = start_one(hooks, t, &err);
    if (code != 0) {
        if (code < 0) {
            (void)snprintf(t->why, sizeof t->why, "%.200s", err.text);
        }
        finish(hooks, t, code > 0);
        return false;
    }
    DL_APPEND(hooks->running, t);
    hooks->n_running++;
    hooks->n_checks += t->kind == FY_HOOK_HEALTH;
    return true;
}

static void start_queued(fy_hooks *hooks)
{
    while (hooks->queued != NULL && hooks->n_running - hooks->n_checks < MOST_AT_ONCE) {
        task *t = hooks->queued;

        DL_DELETE(hooks->queued, t);
        (void)go_on(hooks, t);
    }
    while (hooks->checks != NULL && hooks->n_checks < MOST_CHECKS) {
        task *t = hooks->checks;

        DL_DELETE(hooks->checks, t);
        (void)go_on(hooks, t);
    }
}

static void unlist(fy_hooks *hooks, task *t)
{
    DL_DELETE(hooks->running, t);
    hooks->n_running--;
    hooks->n_checks -= t->kind == FY_HOOK_HEALTH;
}

void fy_hooks_work(fy_hooks *hooks)
{
    uint64_t times;
    task *t, *next;

    (void)!read(hooks->timer, &times, sizeof times);
    DL_FOREACH_SAFE(hooks->running, t, next)
    {
        if (fy_hook_poll(&t->process, t->why)) {
            unlist(hooks, t);
            t->at++;
            if (t->why[0] != '\0') {
                finish(hooks, t, false);
            } else {
                (void)go_on(hooks, t);
            }
        }
    }
    start_queued(hooks);
    set_timer(hooks);
}

int fy_hooks_fd(const fy_hooks *hooks)
{
    return hooks->epoll;
}

bool fy_hooks_done(fy_hooks *hooks, fy_hook_result *out)
{
    task *t = hooks->done;

    if (t == NULL) {
        return false;
    }
    DL_DELETE(hooks->done, t);
    t->told = false;
    *out = result(t);
    return true;
}

bool fy_hooks_checked(fy_hooks *hooks)
{
    bool checked = hooks->checked;

    hooks->checked = false;
    return checked;
}

/* ------------------------------------------------------------------ runs */

fy_hook_result fy_hooks_known(fy_hooks *hooks, fy_hook_kind kind, fy_run_key key)
{
    char name[64];
    const task *t;

    run_name(name, kind, key);
    t = find(hooks, name);
    return t != NULL ? result(t) : (fy_hook_result){.kind = kind, .key = key};
}

static void take_spec(task *t, const fy_run_spec *spec)
{
    fy_arena *arena = &t->arena;
    int n = 0;

    t->n_nodes = spec->n_nodes;
    t->nodes = fy_arena_alloc(arena, ((size_t)spec->n_nodes + 1) * sizeof *t->nodes);
    t->devices = fy_arena_alloc(arena, ((size_t)spec->n_nodes + 1) * sizeof *t->devices);
    for (int i = 0; i < spec->n_nodes; i++) {
        const fy_run_node *node = &spec->nodes[i];
        fy_str list = {0};

        fy_str_puts(&list, "FUYAO_DEVICES=");
        for (int d = 0; d < node->n_devices; d++) {
            fy_str_printf(&list, "%s%d", d > 0 ? "," : "", (int)node->devices[d]);
        }
        t->nodes[i] = fy_arena_strdup(arena, node->name);
        t->devices[i] = fy_arena_strdup(arena, list.text);
        fy_str_free(&list);
    }
    t->common[n++] = fy_arena_printf(arena, "FUYAO_JOB_ID=%" PRId64, spec->key.job);
    t->common[n++] = fy_arena_printf(arena, "FUYAO_ATTEMPT=%" PRId32, spec->key.attempt);
    t->common[n++] = fy_arena_printf(arena, "FUYAO_JOB_NAME=%s", spec->name);
    t->common[n++] =
        fy_arena_printf(arena, "FUYAO_TENANT=%s", spec->tenant != NULL ? spec->tenant : "");
    t->common[n++] = fy_arena_printf(arena, "FUYAO_UID=%lld", (long long)spec->uid);
    t->common[n++] = fy_arena_printf(arena, "FUYAO_CHIP=%s", spec->chip);
    t->common[n++] =
        fy_arena_printf(arena, "FUYAO_VIRTUAL_DEVICES=%d", spec->virtual_devices ? 1 : 0);
    t->common[n] = NULL;
}

fy_hook_state fy_hooks_run(fy_hooks *hooks, fy_hook_kind kind, const fy_run_spec *spec)
{
    char name[64];
    task *t;

    run_name(name, kind, spec->key);
    t = find(hooks, name);
    if (t == NULL && hooks->options.programs[kind].path == NULL) {
        return FY_HOOK_NONE;
    }
    if (t == NULL) {
        t = add(hooks, name, kind, spec->key);
        take_spec(t, spec);
        t->state = FY_HOOK_BUSY;
        fy_hook_mark_write(hooks->folder, t->name, "busy", "", "");
        DL_APPEND(hooks->queued, t);
        start_queued(hooks);
        set_timer(hooks);
    } else if (t->state != FY_HOOK_BUSY && !t->told) { /* asked again: tell again */
        t->told = true;
        DL_APPEND(hooks->done, t);
    }
    return t->state;
}

static void drop(fy_hooks *hooks, task *t)
{
    assert(hooks->tasks != NULL);
    if (t->process.pid > 0) {
        fy_hook_kill(&t->process);
        unlist(hooks, t);
    } else if (t->state == FY_HOOK_BUSY) {
        if (t->kind == FY_HOOK_HEALTH) {
            assert(hooks->checks != NULL);
            DL_DELETE(hooks->checks, t);
        } else {
            assert(hooks->queued != NULL);
            DL_DELETE(hooks->queued, t);
        }
    }
    if (t->told) {
        DL_DELETE(hooks->done, t); /* NOLINT(clang-analyzer-core.NullDereference): it is in it */
    }
    HASH_DEL(hooks->tasks, t);
    fy_arena_free(&t->arena);
    free(t);
}

void fy_hooks_forget(fy_hooks *hooks, fy_run_key key)
{
    for (int k = 0; k < FY_HOOK_HEALTH; k++) {
        char name[64];
        task *t;

        run_name(name, (fy_hook_kind)k, key);
        t = find(hooks, name);
        if (t != NULL) {
            fy_hook_mark_drop(hooks->folder, name);
            drop(hooks, t);
        }
    }
}

/* ------------------------------------------------------------------ nodes */

static task *node_task(fy_hooks *hooks, const char *node)
{
    char name[200];
    task *t;

    (void)snprintf(name, sizeof name, "%s-%.180s", names[FY_HOOK_HEALTH], node);
    t = find(hooks, name);
    return t != NULL ? t : add(hooks, name, FY_HOOK_HEALTH, (fy_run_key){0});
}

fy_hook_result fy_hooks_health(fy_hooks *hooks, const char *node)
{
    task *t;
    fy_hook_result out;

    if (hooks->options.programs[FY_HOOK_HEALTH].path == NULL) {
        return (fy_hook_result){.kind = FY_HOOK_HEALTH};
    }
    t = node_task(hooks, node);
    out = result(t);
    out.state = t->was;
    if (t->state != FY_HOOK_BUSY && t->next_us <= fy_hook_now_us()) {
        t->n_nodes = 1;
        t->at = 0;
        t->nodes = fy_arena_alloc(&t->arena, sizeof *t->nodes);
        t->nodes[0] = fy_arena_strdup(&t->arena, node);
        t->state = FY_HOOK_BUSY;
        DL_APPEND(hooks->checks, t);
        start_queued(hooks);
        set_timer(hooks);
    }
    return out;
}

void fy_hooks_suspect(fy_hooks *hooks, const char *node, bool anew)
{
    if (hooks->options.programs[FY_HOOK_HEALTH].path != NULL) {
        task *t = node_task(hooks, node);

        t->next_us = 0;
        t->was = anew ? FY_HOOK_NONE : t->was;
        hooks->checked = true; /* the controller looks at the nodes, which begins it */
    }
}

/* ------------------------------------------------------------------ opening */

/* A mark of the daemon before: what passed or failed stays so, what was at work is run anew. */
static void take_mark(void *ctx, const char *name, const char *state, const char *node,
                      const char *why)
{
    fy_hooks *hooks = ctx;

    for (int k = 0; k < FY_HOOK_HEALTH; k++) {
        size_t len = strlen(names[k]);
        fy_run_key key;
        task *t;

        if (strncmp(name, names[k], len) != 0 || name[len] != '-' ||
            !fy_run_name_parse(name + len + 1, &key)) {
            continue;
        }
        t = add(hooks, name, (fy_hook_kind)k, key);
        t->state = strcmp(state, "passed") == 0 ? FY_HOOK_PASSED : FY_HOOK_FAILED;
        (void)snprintf(t->node, sizeof t->node, "%s", node);
        (void)snprintf(t->why, sizeof t->why, "%s", why);
    }
}

int fy_hooks_open(fy_hooks **out, const char *folder, fy_err *err)
{
    fy_hooks *hooks = fy_calloc(1, sizeof *hooks);

    hooks->options = fy_hooks_defaults();
    hooks->folder = strdup(folder);
    hooks->epoll = epoll_create1(EPOLL_CLOEXEC);
    hooks->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (hooks->epoll < 0 || hooks->timer < 0 || (mkdir(folder, 0700) != 0 && errno != EEXIST)) {
        int failed = errno;

        fy_hooks_close(hooks);
        return fy_fail(err, FY_EIO, "hooks: %.200s: %s", folder, strerror(failed));
    }
    watch(hooks, hooks->timer);
    fy_hook_marks_read(folder, take_mark, hooks);
    *out = hooks;
    return 0;
}

void fy_hooks_set(fy_hooks *hooks, const fy_hooks_options *options)
{
    fy_arena before = hooks->texts;

    hooks->texts = (fy_arena){0};
    hooks->options = *options;
    for (int k = 0; k < FY_N_HOOKS; k++) {
        const char *path = options->programs[k].path;

        hooks->options.programs[k].path =
            path != NULL ? fy_arena_strdup(&hooks->texts, path) : NULL;
    }
    fy_arena_free(&before);
}

const fy_hooks_options *fy_hooks_get(const fy_hooks *hooks)
{
    return &hooks->options;
}

void fy_hooks_close(fy_hooks *hooks)
{
    task *t, *next;

    if (hooks == NULL) {
        return;
    }
    HASH_ITER(hh, hooks->tasks, t, next)
    {
        drop(hooks, t);
    }
    if (hooks->epoll >= 0) {
        (void)close(hooks->epoll);
    }
    if (hooks->timer >= 0) {
        (void)close(hooks->timer);
    }
    fy_arena_free(&hooks->texts);
    free(hooks->folder);
    free(hooks);
}
