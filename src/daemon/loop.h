/* SPDX-License-Identifier: MIT */
/*
 * The daemon's one thread: sockets, the engine's hints and the clock come in, the controller takes
 * its turn, answers go out. It knows nothing of what they say.
 */
#ifndef FUYAO_DAEMON_LOOP_H
#define FUYAO_DAEMON_LOOP_H

#include "daemon/http.h"

typedef struct fy_loop fy_loop;

typedef struct fy_loop_options {
    fy_http_options http;   /* its `due` and `ctx` are set here */
    fy_hooks *hooks;        /* borrowed; NULL = none */
    int engine_poll_ms;     /* how often an engine without a file descriptor is looked at */
    void (*hup)(void *ctx); /* SIGHUP: read the configuration again; NULL = ignored */
    void *ctx;
} fy_loop_options;

fy_loop_options fy_loop_defaults(void);

/* ctl, engine (NULL = none), auth: borrowed. Errors: as fy_http_open. */
int fy_loop_open(fy_loop **out, const fy_loop_options *options, fy_ctl *ctl, fy_engine *engine,
                 fy_auth *auth, fy_err *err) FY_NODISCARD;

/*
 * Work until fy_loop_stop, SIGTERM or SIGINT (returns 0), or until a commit fails (FY_EIO): then
 * nothing more is answered, and the program ends and recovers. SIGPIPE is ignored from here on.
 */
int fy_loop_run(fy_loop *loop, fy_err *err) FY_NODISCARD;

/* From any thread. */
void fy_loop_stop(fy_loop *loop);

void fy_loop_close(fy_loop *loop); /* NULL allowed */

const fy_http *fy_loop_http(const fy_loop *loop);

#endif
