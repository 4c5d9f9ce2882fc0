/* SPDX-License-Identifier: MIT */
/*
 * The engine: who carries decisions out. One header, one implementation a file (local, fake,
 * Slurm); docs/engine.md is its page.
 *
 * Verbs are asynchronous and idempotent by (job, attempt): asking twice does what asking once does,
 * across restarts of the daemon. What truly happens is read with `look` and `list`, which tell what
 * is observed; hints only say where to look first. The engine never decides: a run that the daemon
 * does not know is listed, and the daemon has it stopped.
 *
 *     start ─► (nothing | STARTING) ─► RUNNING ─► EXITED ─forget─► nothing
 *        └──────────── kill ────────────────────────┘
 *
 * What a daemon may rely on:
 *   - EXITED is true for ever: no process of the run lives, its devices are free, and that attempt
 *     never runs again. It stays listed until it is forgotten; the daemon asks for no attempt again
 *     that it has forgotten.
 *   - NONE proves nothing: a start may be under way. To be rid of a run for certain, `kill` it
 *     until it is EXITED; one that never began becomes EXITED too, `refused`.
 *   - The engine itself never starts a run again.
 * What it may not: that an answer is fresh, that a verb that returned 0 has taken effect (look, and
 * ask again), that a hint comes, or comes once, or in order, or names a run that exists, that only
 * its own runs and present attempts are listed, that a forgotten run stays away, that progress
 * grows or is within the work.
 */
#ifndef FUYAO_DAEMON_ENGINE_H
#define FUYAO_DAEMON_ENGINE_H

#include "daemon/submission.h"
#include "fuyao/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct fy_run_key {
    int64_t job;
    int32_t attempt; /* >= 1 */
} fy_run_key;

static inline bool fy_run_key_equal(fy_run_key a, fy_run_key b)
{
    return a.job == b.job && a.attempt == b.attempt;
}

/* The part of a gang on one node. */
typedef struct fy_run_node {
    const char *name;
    int32_t workers;
    int32_t n_devices;
    const int32_t *devices; /* [n_devices] numbers on that node, worker by worker */
} fy_run_node;

/* Everything an engine needs to start a run; borrowed for the call. */
typedef struct fy_run_spec {
    fy_run_key key;
    const char *token; /* unguessable, of this attempt: with it the run reports progress */
    uid_t uid;         /* whom it runs as; ignored, and said so, where the engine is not root */
    gid_t gid;
    const char *name, *chip, *tenant;
    bool virtual_devices;
    const fy_submission *what;  /* command, directory, launch, signals, its own environment */
    const fy_pair *environment; /* [n_environment] what the daemon adds to what the engine builds
                                   from nothing (docs/engine.md): layout, API socket */
    int n_environment;
    const char *output, *error; /* absolute, expanded; error NULL = with output */
    const fy_run_node *nodes;   /* [n_nodes] */
    int32_t n_nodes;
    int64_t cpu_milli, memory_mib; /* of the whole run, limits; 0 = none */
    int64_t array_job;             /* id of its array's first task; -1 */
    int32_t array_index;           /* -1 */
} fy_run_spec;

typedef enum fy_run_state {
    FY_RUN_NONE,
    FY_RUN_STARTING,
    FY_RUN_RUNNING,
    FY_RUN_EXITED
} fy_run_state;

/* What is observed of a run. */
typedef struct fy_run {
    fy_run_key key;
    fy_run_state state;
    int64_t started_us, ended_us;   /* wall clock since 1970; 0 = not yet */
    bool lost;                      /* EXITED, but nobody saw how: shim killed, machine rebooted */
    bool refused;                   /* EXITED without having run: `text` says why */
    int32_t exit_code, exit_signal; /* of the script, or of the first worker that failed */
    bool checkpointed;   /* EXITED with all its work saved: status 0 after its checkpoint signal or
                            TERM, or its last progress line says `saved` */
    double progress;     /* units of work done that it reported; NAN = none */
    double saved;        /* units of them that it reported as saved; NAN = none */
    int64_t progress_us; /* when it last reported (wall clock); 0 */
    double cpu_s;        /* user + system, by wait4; NAN while it runs */
    int64_t max_rss_kib; /* -1 unknown */
    double energy_j;     /* NAN unknown */
    bool frozen;         /* its shim does not answer */
    const char *text;    /* NULL, or one line for people; borrowed until the next call */
} fy_run;

typedef struct fy_engine fy_engine;
typedef void (*fy_run_fn)(void *ctx, const fy_run *run);

/* What an engine knows of a node at present. */
typedef struct fy_node_seen {
    const char *name;
    bool up;
    const char *why; /* NULL, or why it is not up; borrowed */
    double power_w;  /* NAN unknown */
} fy_node_seen;
typedef void (*fy_node_fn)(void *ctx, const fy_node_seen *node);

typedef struct fy_engine_ops {
    const char *name;
    /* Each returns 0, or a negative code when the engine itself is out of order (the daemon tries
     * again later); a run that cannot start is no error but a run that EXITED as refused. */
    int (*start)(fy_engine *engine, const fy_run_spec *spec, fy_err *err);
    /* Send `signo` to the run: to all its processes, or only to the script (of each worker, where
     * each is launched). No run: nothing. */
    int (*signal)(fy_engine *engine, fy_run_key key, int signo, bool script, fy_err *err);
    /* Stop it: KILL, everything that belongs to it; in the end it is EXITED. An attempt that has
     * not begun never will: it is EXITED, refused. The daemon has sent TERM or the checkpoint
     * signal before and waited for the grace. */
    int (*kill)(fy_engine *engine, fy_run_key key, fy_err *err);
    /* The daemon has committed what it learned of an EXITED run: drop it. A run that is not
     * EXITED is kept. */
    int (*forget)(fy_engine *engine, fy_run_key key, fy_err *err);
    /* What is observed of one run; 0 and state NONE where there is none. */
    int (*look)(fy_engine *engine, fy_run_key key, fy_run *out, fy_err *err);
    /* Everything observed, in no order. `each` may call no verb. */
    int (*list)(fy_engine *engine, fy_run_fn each, void *ctx, fy_err *err);
    int (*nodes)(fy_engine *engine, fy_node_fn each, void *ctx, fy_err *err);
    /* Take the next hint: false = none waits. */
    bool (*hint)(fy_engine *engine, fy_run_key *key);
    /* A file descriptor that is readable when hints or replies wait (-1: none, poll), and the work
     * to do then. */
    int (*fd)(const fy_engine *engine);
    void (*work)(fy_engine *engine);
    void (*close)(fy_engine *engine); /* runs go on */
} fy_engine_ops;

/* The first member of every engine. */
struct fy_engine {
    const fy_engine_ops *ops;
};

#endif
