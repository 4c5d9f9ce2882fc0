/* SPDX-License-Identifier: MIT */
/* What the live tests of the local engine share: a state folder of their own, runs of small shell
 * scripts, and waiting for what is to be seen, with a deadline. engine_end.h has the rest. */
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

#endif
