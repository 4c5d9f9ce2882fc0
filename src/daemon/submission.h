/* SPDX-License-Identifier: MIT */
/*
 * What a tenant hands in: a command and what it asks for, before it is a job of the fleet. Read
 * from JSON (the body of POST /v1/jobs) and written back as the canonical JSON that the journal
 * keeps beside the *submitted* event. Refuses what it does not know: an unknown field is an error
 * that names it and lists what there is.
 *
 *     #FUYAO lines, #SBATCH lines, YAML, options ──(client)──► JSON ──► fy_submission ──► job
 *
 * JSON has one key a member below, of the same name and unit. `priority` and `launch` are words,
 * `checkpoint_signal` is a signal's name, `chips` a list of names or of {"chip", "rate"},
 * `environment` an object, `array` a text such as "0-9,20-30:5". What is not stated is left out.
 */
#ifndef FUYAO_DAEMON_SUBMISSION_H
#define FUYAO_DAEMON_SUBMISSION_H

#include "base/arena.h"
#include "fuyao/job.h"

typedef enum fy_launch {
    FY_LAUNCH_ONCE, /* one process for the gang, on its first node: as sbatch does */
    FY_LAUNCH_EACH  /* one process a worker, with RANK and LOCAL_RANK */
} fy_launch;

typedef struct fy_chip_rate {
    const char *chip;
    double rate; /* units of work a second of the whole gang; NAN = not stated */
} fy_chip_rate;

typedef struct fy_pair {
    const char *key, *value;
} fy_pair;

/* All strings are owned by the arena it was read into. -1 / NAN / NULL = not stated. */
typedef struct fy_submission {
    const char *name;   /* at most 120 bytes, no control characters; default "job" */
    const char *tenant; /* NULL = the caller's own */
    const char *key;    /* idempotency key, at most 120 bytes; NULL = none */
    const char *comment;

    /* what runs: a script (its text, run by its #! line or /bin/sh) or argv */
    const char *script;
    const char *const *args; /* [n_args] of the script, or argv itself where there is no script */
    int n_args;
    const char *workdir;        /* absolute; default "/" */
    const fy_pair *environment; /* [n_environment] added to what the engine builds from nothing */
    int n_environment;
    const char *output, *error; /* paths, %j job, %A first job of its array, %a index, %x name, %%
                                   percent; NULL = default; error NULL = with output */
    fy_launch launch;

    /* what it asks for */
    fy_priority priority;
    int workers, min_workers, max_workers, devices, milli, spares; /* as in fy_job_spec */
    int64_t cpu_milli, memory_mib;                                 /* per worker; 0 = not stated */
    const fy_chip_rate *chips; /* [n_chips] acceptable, best first; none = any */
    int n_chips;
    const char *workload; /* NULL, or its name: rates and layout come from the planner */
    int batch;            /* sequences a step; 0 = the workload's own */
    bool service;
    double work;         /* units: tokens with a workload, else steps; NAN = estimate_us says it */
    int64_t estimate_us; /* how long it will run on its first chip; -1 */
    int64_t time_limit_us; /* it is stopped after so long in one attempt; -1 = none */
    int64_t deadline_us;   /* instant; -1 */
    int64_t min_run_us;

    /* order among jobs */
    const int64_t *after; /* [n_after] ids that must finish well first */
    int n_after;
    const int *array; /* [n_array] indices, ascending; none = no array */
    int n_array, array_limit;
    bool hold;

    /* interruption */
    bool requeue;          /* goes back to the queue when it is preempted or its node fails; default
                              yes */
    bool signal_script;    /* B: only the script, not all its processes */
    int checkpoint_signal; /* signal number that asks for a checkpoint; 0 = none */
    int64_t signal_before_us; /* so long before its time limit it gets the signal; -1 */
    int64_t grace_us;         /* between the signal (or TERM) and KILL; default 30 s */
    int64_t checkpoint_interval_us, checkpoint_cost_us, restart_cost_us; /* -1 = not stated */
} fy_submission;

enum {
    FY_SUBMISSION_MAX_BYTES = 4 << 20, /* of JSON */
    FY_SUBMISSION_MAX_SCRIPT = 1 << 20,
    FY_SUBMISSION_MAX_TASKS = 100000, /* of one array */
    FY_SUBMISSION_MAX_BULK = 10000    /* submissions in one list */
};

/* Nothing to run yet; everything else at its default. */
fy_submission fy_submission_default(void);

/*
 * Read one submission from JSON text.
 *   arena   takes all strings and arrays
 * Errors: FY_EINVAL or FY_EPARSE, one line: the field, what it holds, what would be right.
 */
int fy_submission_read(fy_submission *out, const char *json, size_t len, fy_arena *arena,
                       fy_err *err) FY_NODISCARD;

/*
 * Read one submission, or a JSON list of 1 to FY_SUBMISSION_MAX_BULK of them.
 *   out   [*n], owned by the arena
 *   list  whether it was a list; may be NULL
 * Errors: as above; in a list the line begins with the submission's place, "[3]: " (from 0).
 */
int fy_submission_read_list(fy_submission **out, int *n, bool *list, const char *json, size_t len,
                            fy_arena *arena, fy_err *err) FY_NODISCARD;

/* Canonical JSON in fixed key order, only what differs from the defaults; reads back to an equal
 * submission. Owned by the arena; *len may be NULL. */
const char *fy_submission_write(const fy_submission *submission, fy_arena *arena, size_t *len);

#endif
