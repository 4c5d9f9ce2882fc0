/* SPDX-License-Identifier: MIT */
/*
 * The controller: the fleet, a policy, the journal and an engine held together. It is the daemon
 * without sockets, clocks or threads: the caller brings time, requests and the engine, so a test
 * drives it through ten thousand deaths a minute.
 *
 * A turn:  commands and what the engine shows ─► events (fleet and journal)
 *          ─► rounds of the policy ─► intents ─► commit ─► answers to clients, acts of the engine.
 * Nothing is answered or done before the commit that holds its reason. What a command returned is
 * durable once `fy_ctl_committed() >= the ticket` it gave.
 *
 * Reconciliation is level-triggered: what the fleet says ought to be is compared with what the
 * engine shows, run by run where a hint names one and all of them every few seconds.
 */
#ifndef FUYAO_DAEMON_CTL_H
#define FUYAO_DAEMON_CTL_H

#include "base/str.h"
#include "daemon/engine.h"
#include "daemon/hooks.h"
#include "daemon/store.h"
#include "daemon/submission.h"
#include "fuyao/rates.h"
#include "fuyao/sched.h"

typedef struct fy_ctl fy_ctl;

typedef enum fy_scope { FY_SCOPE_READ, FY_SCOPE_SUBMIT, FY_SCOPE_OPERATE } fy_scope;

/* Who asks. Operators see and touch everything, others their own tenant's jobs. */
typedef struct fy_who {
    int64_t uid, gid;
    const char *user;   /* for people */
    const char *tenant; /* whose jobs it may see and touch */
    fy_scope scope;
} fy_who;

/* What a tenant may ask for; -1 = no limit, default -1. */
typedef struct fy_quota {
    const char *tenant; /* NULL: everybody's default */
    int64_t queued;     /* jobs not ended */
    int64_t devices;    /* of one job */
    int64_t time_limit_us, default_limit_us;
} fy_quota;

/* The layout that the planner found for a workload on a chip of the site, as variables for the
 * run's environment (FUYAO_TP, FUYAO_PP, ...). `chip`: the site's index. Returns how many it wrote,
 * at most `most`; strings owned by the arena. */
typedef struct fy_layouts {
    int (*find)(void *ctx, const char *workload, int batch, int chip, int devices, fy_arena *arena,
                fy_pair *out, int most);
    void *ctx;
} fy_layouts;

typedef struct fy_ctl_options {
    const fy_site *site;       /* borrowed for the controller's life; its chips, nodes, tenants */
    bool virtual_devices;      /* shown everywhere */
    fy_sched_options sched;    /* copied */
    fy_sched_options shadow;   /* copied; runs along from the beginning; policy NULL: none */
    const fy_planner *planner; /* NULL: jobs that name a workload are refused */
    const fy_layouts *layouts; /* NULL: no layout is handed to runs */
    fy_hooks *hooks;           /* borrowed; NULL: no programs beside the runs */
    const fy_quota *quotas;    /* [n_quotas], copied */
    int n_quotas;
    int64_t power_cap_mw;        /* of the devices, without PUE; -1 = none (fy_power_cap_mw) */
    int64_t default_estimate_us; /* of a job that states nothing; > 0 */
    int64_t start_timeout_us;    /* a run not seen within this is asked for again */
    int64_t list_period_us;      /* between two looks at all runs */
    int snapshot_every;          /* events between two snapshots, at most 50,000 */
    const char *default_output;  /* pattern; "fuyao-%j.out" */
    const char *socket;          /* told to runs; NULL = not */
    const char *secret;          /* of this state folder: tokens of runs are made with it */
} fy_ctl_options;

fy_ctl_options fy_ctl_defaults(void);

/*
 * Open on a store (borrowed) and an engine (borrowed): rebuild from snapshot and journal, or begin
 * a new journal from the site. The site may have grown since: new nodes, tenants and chips become
 * events; what the journal has and the site lacks is drained with a reason.
 * Errors: FY_EPARSE (the journal does not apply), FY_EINVAL, FY_EIO.
 */
int fy_ctl_open(fy_ctl **out, const fy_ctl_options *options, fy_store *store, fy_engine *engine,
                int64_t now_us, fy_err *err) FY_NODISCARD;
void fy_ctl_close(fy_ctl *ctl); /* NULL allowed; runs go on */

/* ------------------------------------------------------------------ commands
 * Each returns 0 and what was asked is part of the next commit, or FY_ENOENT (no such job, or none
 * that `who` may see), FY_EINVAL (not now, not allowed, wrong), with one line; then nothing
 * changed.
 */

/*
 * Take a submission as one job, or as one a task of its array.
 *   first, count   ids first .. first + count - 1
 *   again          true: its idempotency key was seen before, and these are that job's ids
 */
int fy_ctl_submit(fy_ctl *ctl, const fy_who *who, const fy_submission *what, int64_t *first,
                  int *count, bool *again, fy_err *err) FY_NODISCARD;

/* What would a submission do: nothing is changed. Adds a JSON object: starts now or when, where,
 * why it would wait, what was understood. */
int fy_ctl_try(fy_ctl *ctl, const fy_who *who, const fy_submission *what, fy_str *json,
               fy_err *err) FY_NODISCARD;

typedef enum fy_job_verb {
    FY_VERB_CANCEL,
    FY_VERB_HOLD,
    FY_VERB_RELEASE,
    FY_VERB_REQUEUE
} fy_job_verb;
int fy_ctl_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_job_verb verb,
               fy_err *err) FY_NODISCARD;
int fy_ctl_signal(fy_ctl *ctl, const fy_who *who, int64_t id, int signo, fy_err *err) FY_NODISCARD;

/* A run reports work done; `token` is what its environment holds. */
int fy_ctl_progress(fy_ctl *ctl, fy_run_key key, const char *token, double done,
                    fy_err *err) FY_NODISCARD;

/* Operators only. */
typedef enum fy_node_verb { FY_NODE_DRAIN, FY_NODE_RESUME } fy_node_verb;
int fy_ctl_node(fy_ctl *ctl, const fy_who *who, const char *node, fy_node_verb verb,
                const char *reason, fy_err *err) FY_NODISCARD;
int fy_ctl_reserve(fy_ctl *ctl, const fy_who *who, const char *node, const char *tenant,
                   int64_t from_us, int64_t to_us, fy_err *err) FY_NODISCARD;
int fy_ctl_policy(fy_ctl *ctl, const fy_who *who, const fy_sched_options *sched,
                  fy_err *err) FY_NODISCARD;

/* The cap on a facility's power, cooling included, as one on its devices: the site's own where
 * `cap_w` is NAN; -1 = none. */
int64_t fy_power_cap_mw(double cap_w, const fy_site *site);

/*
 * Other options from now on: site (what it has gained, or lost), planner, quotas, policy, power cap
 * and default estimate; the others stay. What is borrowed is the new one's from then on. On an
 * error nothing has changed.
 */
int fy_ctl_reload(fy_ctl *ctl, const fy_ctl_options *options, fy_err *err) FY_NODISCARD;

/* Let another policy run along on a copy from now on, deciding nothing (NULL: none). The one that
 * runs along already goes on. */
int fy_ctl_shadow(fy_ctl *ctl, const fy_who *who, const fy_sched_options *options,
                  fy_err *err) FY_NODISCARD;

/* Other limits of tenants from now on (copied). */
void fy_ctl_quotas(fy_ctl *ctl, const fy_quota *quotas, int n);

/* The journal's number that must be committed before the last command may be answered. */
int64_t fy_ctl_ticket(const fy_ctl *ctl);
int64_t fy_ctl_committed(const fy_ctl *ctl);

/* ------------------------------------------------------------------ time */

/* One turn. Errors: FY_EIO: the commit failed; nothing may be answered, the daemon exits. */
int fy_ctl_turn(fy_ctl *ctl, int64_t now_us, fy_err *err) FY_NODISCARD;

/* One bounded piece of the store's housekeeping, for when the turn's answers are out: 1 where more
 * remains, 0 where nothing does. Errors: FY_EIO, as for a turn. */
int fy_ctl_tidy(fy_ctl *ctl, fy_err *err) FY_NODISCARD;

/* The next instant at which a turn is due though nothing happens. */
int64_t fy_ctl_wake(const fy_ctl *ctl);

/* Whom commands ask for the time; without one it stands still between turns. */
void fy_ctl_clock(fy_ctl *ctl, int64_t (*now)(void *ctx), void *ctx);

/* The journal's present instant: never before its last event. */
int64_t fy_ctl_now(const fy_ctl *ctl);

/* ------------------------------------------------------------------ views: JSON, as one object */

typedef struct fy_job_filter {
    const char *tenant, *user, *name; /* NULL = all */
    unsigned states;                  /* bit per fy_shown_state; 0 = all not ended */
    int64_t after;                    /* ids greater than this */
    int limit;                        /* most rows; 0 = all */
    bool full;                        /* full objects, else the columns of `fuyao queue` */
} fy_job_filter;

typedef enum fy_shown_state {
    FY_SHOWN_BLOCKED,
    FY_SHOWN_HELD,
    FY_SHOWN_WAITING,
    FY_SHOWN_STARTING,
    FY_SHOWN_RUNNING,
    FY_SHOWN_STOPPING,
    FY_SHOWN_FINISHED,
    FY_SHOWN_FAILED,
    FY_SHOWN_CANCELLED,
    FY_SHOWN_TIMEOUT,
    FY_N_SHOWN
} fy_shown_state;
const char *fy_shown_name(fy_shown_state state);

void fy_ctl_view_jobs(fy_ctl *ctl, const fy_who *who, const fy_job_filter *filter, fy_str *json);
int fy_ctl_view_job(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json,
                    fy_err *err) FY_NODISCARD;
int fy_ctl_view_explain(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json,
                        fy_err *err) FY_NODISCARD;
void fy_ctl_view_nodes(fy_ctl *ctl, const fy_who *who, fy_str *json);
void fy_ctl_view_tenants(fy_ctl *ctl, const fy_who *who, fy_str *json);
void fy_ctl_view_usage(fy_ctl *ctl, const fy_who *who, fy_str *json);
void fy_ctl_view_status(fy_ctl *ctl, const fy_who *who, fy_str *json);
/* The policy that decides beside the one that runs along: FY_ENOENT where none does. */
int fy_ctl_view_shadow(fy_ctl *ctl, const fy_who *who, fy_str *json, fy_err *err) FY_NODISCARD;
/* Prometheus text. */
void fy_ctl_view_metrics(fy_ctl *ctl, fy_str *text);
/* Records after `seq` that `who` may see, one JSON object a line, at most `most`; *last = the last
 * one looked at. */
int fy_ctl_view_events(fy_ctl *ctl, const fy_who *who, int64_t seq, int most, fy_str *lines,
                       int64_t *last, fy_err *err) FY_NODISCARD;
/* Paths of a job's outputs and whose they are, for `logs`. */
int fy_ctl_output(fy_ctl *ctl, const fy_who *who, int64_t id, fy_arena *arena, const char **path,
                  int64_t *uid, fy_err *err) FY_NODISCARD;

/* The fleet, for tests and checkers. */
const fy_fleet *fy_ctl_fleet(const fy_ctl *ctl);

#endif
