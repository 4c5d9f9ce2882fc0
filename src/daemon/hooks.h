/* SPDX-License-Identifier: MIT */
/*
 * Programs of the site that the daemon runs beside jobs: `prolog` before a run starts on a node,
 * `epilog` after it ended, `health_check` now and then. They run as the daemon's user, at most some
 * of them at once, and nobody waits for them: the controller asks again, or is told.
 *
 * Asking is idempotent by (kind, job, attempt): a hook that has passed or failed for it is not run
 * again, also by the next daemon, which finds the marks in the folder. A daemon that is killed
 * while one runs leaves a mark of that, too: the next one kills what is left of it and runs it
 * anew, so that a hook may run twice for a run, but never twice at once.
 */
#ifndef FUYAO_DAEMON_HOOKS_H
#define FUYAO_DAEMON_HOOKS_H

#include "daemon/engine.h"

typedef struct fy_hooks fy_hooks;

typedef enum fy_hook_kind {
    FY_HOOK_PROLOG,
    FY_HOOK_EPILOG,
    FY_HOOK_HEALTH,
    FY_N_HOOKS
} fy_hook_kind;
const char *fy_hook_name(fy_hook_kind kind); /* as in the configuration */

typedef struct fy_hook_program {
    const char *path; /* absolute; NULL = none */
    int64_t limit_us; /* killed after this, with its group; > 0 */
} fy_hook_program;

typedef struct fy_hooks_options {
    fy_hook_program programs[FY_N_HOOKS];
    int64_t health_every_us; /* of each node; > 0 */
    bool auto_resume;        /* a node drained by its health check comes back when it passes */
} fy_hooks_options;

fy_hooks_options fy_hooks_defaults(void);

/* May they be run? Errors: FY_EINVAL: "prolog: PATH is no program", ... */
int fy_hooks_check(const fy_hooks_options *options, fy_err *err) FY_NODISCARD;

/* `folder`: of the marks, made where it is missing. Errors: FY_EIO. */
int fy_hooks_open(fy_hooks **out, const char *folder, fy_err *err) FY_NODISCARD;
/* Other programs from now on (copied); those at work go on. */
void fy_hooks_set(fy_hooks *hooks, const fy_hooks_options *options);
const fy_hooks_options *fy_hooks_get(const fy_hooks *hooks);
/* NULL allowed. Hooks at work are killed; their marks stay, and the next daemon runs them anew. */
void fy_hooks_close(fy_hooks *hooks);

typedef enum fy_hook_state {
    FY_HOOK_NONE, /* not configured, or not asked for */
    FY_HOOK_BUSY,
    FY_HOOK_PASSED,
    FY_HOOK_FAILED
} fy_hook_state;

typedef struct fy_hook_result {
    fy_hook_state state;
    fy_hook_kind kind;
    fy_run_key key;
    const char *node, *why; /* FAILED: where and one line; borrowed until the next call */
} fy_hook_result;

/* What is known of the hook of a run; NONE where it was never asked for. */
fy_hook_result fy_hooks_known(fy_hooks *hooks, fy_hook_kind kind, fy_run_key key);
/* Run it on each of the run's nodes, one after the other, unless that was asked before. `spec` is
 * borrowed for the call. NONE: there is no such program. */
fy_hook_state fy_hooks_run(fy_hooks *hooks, fy_hook_kind kind, const fy_run_spec *spec);
/* The run is over and its end is committed: its marks may go; what still runs for it is killed. */
void fy_hooks_forget(fy_hooks *hooks, fy_run_key key);

/* How the node's last health check went; begins one where it is due. */
fy_hook_result fy_hooks_health(fy_hooks *hooks, const char *node);
/* It is due at once: a job failed there. `anew`: what was found before no longer counts. */
void fy_hooks_suspect(fy_hooks *hooks, const char *node, bool anew);

/* A descriptor that is readable when there is work, and the work: never waits. */
int fy_hooks_fd(const fy_hooks *hooks);
void fy_hooks_work(fy_hooks *hooks);
/* Take the next run's hook that is done; false: none. */
bool fy_hooks_done(fy_hooks *hooks, fy_hook_result *out);
/* Some node's health check is done since the last call. */
bool fy_hooks_checked(fy_hooks *hooks);

#endif
