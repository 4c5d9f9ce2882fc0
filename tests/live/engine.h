/* SPDX-License-Identifier: MIT */
/* What the live tests of the local engine share: a state folder of their own, runs of small shell
 * scripts, and waiting for what is to be seen, with a deadline. */
#ifndef FUYAO_TESTS_LIVE_ENGINE_H
#define FUYAO_TESTS_LIVE_ENGINE_H

#include "daemon/engine_local.h"
#include "daemon/process.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_S = 60, OTHER_USER = 61234 };

typedef struct rig {
    char folder[64], state[80], out[80];
    fy_local_options options;
    fy_engine *engine;
} rig;

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void rig_open(rig *r)
{
    fy_err err = {0};

    if (fy_local_open(&r->engine, &r->options, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* A folder in which every user may write, with a state folder in it. */
static inline void rig_new(rig *r)
{
    memset(r, 0, sizeof *r);
    (void)strcpy(r->folder, "/tmp/fuyao-engine-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    assert_int_equal(chmod(r->folder, 01777), 0);
    (void)snprintf(r->state, sizeof r->state, "%s/state", r->folder);
    (void)snprintf(r->out, sizeof r->out, "%s/out", r->folder);
    r->options = fy_local_defaults();
    r->options.state = r->state;
    r->options.no_cgroups = true;
}

static inline double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline fy_run seen(rig *r, fy_run_key key)
{
    fy_err err = {0};
    fy_run run;

    if (r->engine->ops->look(r->engine, key, &run, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return run;
}

/* Wait for the engine to have something to say, at most a tick. */
static inline void wait_for_news(rig *r)
{
    struct pollfd fd = {.fd = -1, .events = POLLIN};
    fy_run_key key;

    if (r->engine == NULL) { /* another process has it */
        (void)poll(NULL, 0, 5);
        return;
    }
    fd.fd = r->engine->ops->fd(r->engine);
    (void)poll(&fd, 1, 20);
    r->engine->ops->work(r->engine);
    while (r->engine->ops->hint(r->engine, &key)) {
    }
}

static inline fy_run wait_state(rig *r, fy_run_key key, fy_run_state state)
{
    double until_s = now_s() + DEADLINE_S;
    fy_run run = seen(r, key);

    while (run.state != state) {
        if (now_s() > until_s || run.state == FY_RUN_EXITED) {
            fail_msg("job %lld: state %d, not %d: %s", (long long)key.job, (int)run.state,
                     (int)state, run.text != NULL ? run.text : "");
        }
        wait_for_news(r);
        run = seen(r, key);
    }
    return run;
}

typedef struct order {
    const char *script; /* NULL: argv */
    const char *args[8];
    const char *workdir, *output;
    fy_launch launch;
    int workers, checkpoint_signal;
    const fy_pair *environment;
    int n_environment;
    uid_t uid;
} order;

static inline int ask(rig *r, fy_run_key key, order o, fy_err *err)
{
    static const int32_t devices[] = {0, 1};
    fy_run_node nodes[] = {{.name = "here",
                            .workers = o.workers > 0 ? o.workers : 1,
                            .n_devices = 2,
                            .devices = devices}};
    fy_submission what = {.script = o.script,
                          .args = o.args,
                          .workdir = o.workdir != NULL ? o.workdir : r->folder,
                          .launch = o.launch,
                          .checkpoint_signal = o.checkpoint_signal};
    fy_run_spec spec = {.key = key,
                        .token = "token",
                        .uid = o.uid,
                        .gid = o.uid,
                        .name = "a; rm -rf $(HOME) 'name",
                        .chip = "cpu",
                        .tenant = "tests",
                        .what = &what,
                        .environment = o.environment,
                        .n_environment = o.n_environment,
                        .output = o.output != NULL ? o.output : r->out,
                        .nodes = nodes,
                        .n_nodes = 1,
                        .array_job = -1,
                        .array_index = -1};

    while (o.args[what.n_args] != NULL) {
        what.n_args++;
    }
    return r->engine->ops->start(r->engine, &spec, err);
}

static inline void start(rig *r, fy_run_key key, order o)
{
    fy_err err = {0};

    if (ask(r, key, o, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static inline void verb(rig *r, int (*do_it)(fy_engine *, fy_run_key, fy_err *), fy_run_key key)
{
    fy_err err = {0};

    if (do_it(r->engine, key, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* Kill a run until it has ended. */
static inline fy_run end_run(rig *r, fy_run_key key)
{
    double until_s = now_s() + DEADLINE_S;
    fy_run run = seen(r, key);

    while (run.state != FY_RUN_EXITED) {
        if (now_s() > until_s) {
            fail_msg("job %lld cannot be killed", (long long)key.job);
        }
        verb(r, r->engine->ops->kill, key);
        wait_for_news(r);
        run = seen(r, key);
    }
    return run;
}

static inline void each_ends(void *ctx, const fy_run *run)
{
    fy_run_key *keys = ctx;
    int n = 0;

    while (keys[n].job != -1) {
        n++;
    }
    keys[n] = run->key;
    keys[n + 1].job = -1;
}

/* Nothing is left: every run is ended and forgotten, the folder removed. */
static inline void rig_free(rig *r)
{
    fy_run_key keys[64];
    fy_err err = {0};

    keys[0].job = -1;
    assert_int_equal(r->engine->ops->list(r->engine, each_ends, keys, &err), 0);
    for (int i = 0; keys[i].job != -1; i++) {
        (void)end_run(r, keys[i]);
        verb(r, r->engine->ops->forget, keys[i]);
    }
    r->engine->ops->close(r->engine);
    assert_int_equal(nftw(r->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A file's text; "" where there is none. */
static inline const char *text_of(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

    if (file != NULL) {
        (void)fclose(file);
    }
    text[n] = '\0';
    return text;
}

/* Wait until a file holds `what`. */
static inline void wait_text(rig *r, const char *path, const char *what)
{
    double until_s = now_s() + DEADLINE_S;

    while (strstr(text_of(path), what) == NULL) {
        if (now_s() > until_s) {
            fail_msg("%s never held %s", path, what);
        }
        wait_for_news(r);
    }
}

/* The number behind `name` in the output. */
static inline pid_t number_in(const char *path, const char *name)
{
    const char *at = strstr(text_of(path), name);

    assert_non_null(at);
    return (pid_t)strtol(at + strlen(name), NULL, 10);
}

static inline bool is_alive(pid_t pid)
{
    fy_process now;

    return fy_process_read(pid, &now) && now.state != 'Z' && now.state != 'X';
}

/* The shim of a run, from its record. */
static inline pid_t shim_of(rig *r, fy_run_key key)
{
    char path[200];
    int pid = 0;

    (void)snprintf(path, sizeof path, "%s/run/%lld.%d/run", r->state, (long long)key.job,
                   (int)key.attempt);
    assert_int_equal(sscanf(text_of(path), "fuyao-run 1 %*s %d", &pid), 1);
    return (pid_t)pid;
}

#endif
