/* SPDX-License-Identifier: MIT */
/* What the files of `fuyao serve` share: serve.c, serve_state.c and serve_site.c. */
#ifndef FUYAO_CLI_SERVE_H
#define FUYAO_CLI_SERVE_H

#include "base/arena.h"
#include "cli/planner.h"
#include "daemon/conf.h"
#include "daemon/loop.h"

typedef struct serve_args {
    const char *config, *state, *socket, *listen, *fleet, *policy;
    bool check;
} serve_args;

/* Everything that is open. */
typedef struct serve {
    serve_args args;
    fy_conf conf;
    fy_catalog *catalog;
    const fy_site *site;
    fy_site *loaded; /* the same, where it came from a file; else NULL */
    bool virtual_devices;
    cli_planner *planner;
    fy_engine *engine;
    fy_hooks *hooks;
    fy_store *store;
    fy_auth *auth;
    fy_ctl *ctl;
    fy_loop *loop;
    fy_arena arena;
    const char *state, *socket, *secret;
    const char *note; /* what was found on this machine; NULL */
} serve;

/* serve_state.c: the state folder and the socket's, made where they are missing; then the secret
 * with which runs' tokens are made, made once and readable by nobody else. */
int serve_folders(serve *s, fy_err *err) FY_NODISCARD;
int serve_secret(serve *s, fy_err *err) FY_NODISCARD;

/* As many open files as the connections need; where the system allows fewer, fewer connections. */
void serve_descriptors(fy_http_options *http);

/* serve.c: what the controller is to know. */
fy_ctl_options serve_ctl_options(const serve *s);

/* serve_reload.c: read the configuration again; on an error nothing has changed. */
int serve_reload(serve *s, fy_err *err) FY_NODISCARD;
int serve_reload_asked(void *serve, fy_err *err); /* for a request */
void serve_reload_hup(void *serve);               /* for SIGHUP: says what came of it */

/* serve_site.c: the fleet file's devices, or this machine's. */
int serve_site(serve *s, fy_err *err) FY_NODISCARD;

#endif
