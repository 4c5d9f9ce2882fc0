/* SPDX-License-Identifier: MIT */
/*
 * What the controller's files share. Everything here follows from the journal's records (line and
 * body) alone, but for what is said to be of this daemon's life: after a death it is asked anew.
 *
 *     ctl ── fleet, sched       the state machine and the policy
 *       ├─ lives[slot]          what the fleet does not keep of a live job: what runs, whose it is
 *       ├─ due                  heap of jobs by the instant at which time asks for something
 *       ├─ acts                 what the engine is to do after the next commit
 *       └─ keys                 idempotency keys
 */
#ifndef FUYAO_DAEMON_CTL_STATE_H
#define FUYAO_DAEMON_CTL_STATE_H

#include "base/heap.h"
#include "daemon/ctl.h"
#include "daemon/json_text.h"
#include "fleet/state.h"

#include <uthash.h>

/* A submission's canonical JSON, shared by the tasks of an array. */
typedef struct fy_body {
    int32_t refs;
    bool read;              /* what follows is known; the tasks of an array share it */
    char *workdir, *output; /* what views show of it; NULL where it says nothing */
    int64_t time_limit_us, grace_us, signal_before_us;
    int32_t checkpoint_signal;
    bool signal_script, requeue;
    size_t len;
    char text[];
} fy_body;

/* One attempt that is over. */
typedef struct fy_past_attempt {
    int64_t start_us, end_us, lost_ms; /* lost: device-milliseconds done again */
    int32_t attempt, chip, devices, exit_code, exit_signal;
    const char *how; /* a constant: finished, failed, preempted, ... */
} fy_past_attempt;

enum { FY_KEPT_ATTEMPTS = 16 };

typedef struct fy_live {
    int64_t id;
    fy_body *body;
    int64_t uid, gid;
    char *user;
    int32_t array_index;                               /* -1 */
    int64_t time_limit_us, grace_us, signal_before_us; /* of the submission; -1 none */
    int32_t checkpoint_signal;
    bool signal_script, requeue;
    fy_past_attempt *past; /* [n_past], the last FY_KEPT_ATTEMPTS */
    int32_t n_past, n_attempts;
    fy_reason stopping; /* why the present attempt is being stopped */
    int64_t stop_us;    /* since when */
    double progress;    /* units that the present attempt reported; NAN = none */
    int64_t progress_us, progress_from_us;
    double progress_from;
    char *note; /* one line about what last went wrong; NULL */

    /* of this daemon's life */
    int64_t asked_us;   /* the engine was last asked to start or stop it; -1 */
    int64_t missing_us; /* the engine has not shown it since; -1 */
    int32_t missed;     /* full looks without it */
    bool signalled;     /* had its signal before the time limit */
    bool killed, frozen;
    bool vanished; /* stayed away for so long that it was killed */
    bool ending;   /* it has ended, and its epilog is at work */
    uint32_t seen; /* the full look that last showed it */
} fy_live;

typedef enum fy_act_kind {
    FY_ACT_START,
    FY_ACT_STOP, /* the polite way first */
    FY_ACT_SIGNAL,
    FY_ACT_KILL,
    FY_ACT_FORGET
} fy_act_kind;

typedef struct fy_act {
    fy_act_kind kind;
    fy_run_key key;
    int signo;
    bool script;
} fy_act;

typedef struct fy_seen_key {
    UT_hash_handle hh;
    int64_t first, at_us;
    int32_t count;
    char text[]; /* tenant, a newline, the key */
} fy_seen_key;

typedef struct fy_tally_live {
    int64_t submitted, started, finished, failed, cancelled, timeouts, preempted, lost;
    int64_t rounds, commits, acts, engine_errors, refused_answers;
} fy_tally_live; /* of this daemon's life */

struct fy_ctl {
    fy_ctl_options options;
    fy_arena arena; /* copies of the options */
    fy_arena quota_arena;
    fy_store *store;
    fy_engine *engine;
    fy_fleet *fleet;
    fy_sched *sched;
    fy_sched_options want; /* the configured policy; opened at the first round */
    fy_journal_line line;
    fy_journal_reader *reader;
    fy_str body; /* scratch */

    fy_live **lives; /* [lives_room] by slot */
    size_t lives_room;
    int64_t *live_of_tenant; /* [tenant_room] jobs not ended */
    size_t tenant_room;
    fy_heap due;
    fy_heap_pos due_pos;
    fy_act *acts;
    size_t n_acts, acts_room;
    fy_seen_key *keys;
    char **drain_reasons; /* [drain_room] by node */
    size_t drain_room;
    fy_rate *rates; /* scratch */

    int64_t now_us;
    int64_t (*clock)(void *ctx); /* NULL: time stands still between turns */
    void *clock_ctx;
    int64_t next_list_us;
    uint32_t list_number;
    bool dirty;      /* a round is due */
    bool recovering; /* records are being taken from the journal */
    bool full;       /* the disk is nearly full: nothing more is accepted */
    bool engine_out; /* the engine did not answer last time */
    char engine_why[240];
    fy_tally_live tally;
    struct fy_beside *shadow; /* NULL: no policy runs beside */
};

enum { FY_ENDED_WORD = 16 };

/* ------------------------------------------------------------------ ctl.c */

/* Apply an event, journal it with its body (NULL = none), tell the policy, note it. */
int ctl_emit(fy_ctl *ctl, const fy_event *event, const char *body, size_t len,
             fy_err *err) FY_NODISCARD;
/* A command comes in: what time is it? */
void ctl_tick(fy_ctl *ctl);
fy_event ctl_event(const fy_ctl *ctl, fy_event_kind kind);
fy_event ctl_job_event(const fy_ctl *ctl, fy_event_kind kind, const fy_job *job);
/* Apply an event, let the policy see it, and note what it means here; journals nothing. */
int ctl_take(fy_ctl *ctl, const fy_event *event, const char *body, size_t len,
             fy_err *err) FY_NODISCARD;
/* Open the policy that a scheduler's first round names: `placement=P seed=N key=value ...`. */
int ctl_open_named(fy_ctl *ctl, const char *policy, const char *config, fy_err *err) FY_NODISCARD;
/* The policy that a snapshot was taken with, as it was then. */
int ctl_restore_policy(fy_ctl *ctl, const char *policy, const char *config, const void *bytes,
                       size_t len, fy_err *err) FY_NODISCARD;
/* For the next commit, then the engine. */
void ctl_act(fy_ctl *ctl, fy_act act);

static inline fy_live *ctl_live(const fy_ctl *ctl, const fy_job *job)
{
    return ctl->lives[job->slot];
}

/* The job, if `who` may see it; else FY_ENOENT. */
int ctl_find(const fy_ctl *ctl, const fy_who *who, int64_t id, fy_job **out,
             fy_err *err) FY_NODISCARD;
/* Body of a *limits* event: a job that is being stopped will end as cancelled. */
extern const char ctl_cancel_mark[];
bool ctl_may_see(const fy_ctl *ctl, const fy_who *who, int32_t tenant);

/* ------------------------------------------------------------------ ctl_recover.c */

/* From snapshot and journal. *anew: the policy does not stand where the journal has it, so it must
 * take over anew. */
int ctl_recover(fy_ctl *ctl, bool *anew, fy_err *err) FY_NODISCARD;

/* Bring the fleet to the site of the options: only what is new becomes an event. */
int ctl_fit_site(fy_ctl *ctl, fy_err *err) FY_NODISCARD;
/* Another policy, known to open, decides from now on. */
int ctl_change_policy(fy_ctl *ctl, const fy_sched_options *sched, fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ ctl_reload.c */

int ctl_set_cap(fy_ctl *ctl, int64_t cap_mw, fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ ctl_shadow.c */

typedef struct fy_beside fy_beside;

/* An event was applied, and its line is in ctl->line. `waiting`: jobs that waited before it. */
void ctl_shadow_see(fy_ctl *ctl, const fy_event *event, const fy_job *job, int32_t waiting);
/* Let the shadow be that of `options`; its policy NULL: none. */
int ctl_set_shadow(fy_ctl *ctl, const fy_sched_options *options, fy_err *err) FY_NODISCARD;
void ctl_shadow_work(fy_ctl *ctl); /* a bounded part of what there is to do */
int64_t ctl_shadow_wake(const fy_ctl *ctl);
const char *ctl_shadow_policy(const fy_ctl *ctl); /* NULL = none */
void ctl_shadow_free(fy_ctl *ctl);

/* ------------------------------------------------------------------ ctl_live.c */

/* What the event means for the live records. `job`: as it is after the event. */
int ctl_note(fy_ctl *ctl, const fy_event *event, const fy_job *job, const char *body, size_t len,
             fy_err *err) FY_NODISCARD;
void ctl_lives_free(fy_ctl *ctl);
fy_live *ctl_live_new(fy_ctl *ctl, const fy_job *job);
void ctl_live_drop(fy_ctl *ctl, int32_t slot);
/* Fill what follows from the submission's JSON. */
int ctl_live_read(fy_live *live, fy_err *err) FY_NODISCARD;
void ctl_key_add(fy_ctl *ctl, const char *text, int64_t first, int32_t count, int64_t at_us);
fy_seen_key *ctl_key_find(const fy_ctl *ctl, const char *text);
void ctl_keys_free(fy_ctl *ctl);

/* ------------------------------------------------------------------ ctl_run.c */

/* Carry out what the last commit allows. */
void ctl_do_acts(fy_ctl *ctl);
/* One look at everything, or at one run. */
int ctl_look_all(fy_ctl *ctl, fy_err *err) FY_NODISCARD;
int ctl_take_hints(fy_ctl *ctl, fy_err *err) FY_NODISCARD;
/* The attempt's secret, 32 hex digits. */
void ctl_token(const fy_ctl *ctl, fy_run_key key, char out[33]);

/* What the engine needs, all of it derived from the fleet and the submission. */
int ctl_run_spec(fy_ctl *ctl, const fy_job *job, fy_submission *what, fy_run_spec *spec,
                 fy_arena *arena, fy_err *err) FY_NODISCARD;
int ctl_look_at(fy_ctl *ctl, fy_run_key key, fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ ctl_hooks.c */

/* May the run be asked for? Begins its prolog where there is one. */
bool ctl_prolog_lets(fy_ctl *ctl, const fy_run_spec *spec);
/* Before the end of a run is taken: *wait: its epilog is at work, look again later. */
int ctl_epilog(fy_ctl *ctl, fy_job *job, bool failed, bool *wait, fy_err *err) FY_NODISCARD;
/* What hooks that are done mean for jobs and nodes. */
int ctl_take_hooks(fy_ctl *ctl, fy_err *err) FY_NODISCARD;
const char *ctl_drain_reason(const fy_ctl *ctl, int32_t node); /* NULL = none */

/* ------------------------------------------------------------------ ctl_env.c */

/* What the controller adds to a run's environment. Owned by the arena. */
const fy_pair *ctl_environment(fy_ctl *ctl, const fy_job *job, const fy_submission *what,
                               fy_arena *arena, int *n);
/* A path pattern expanded and made absolute. */
void ctl_expand_into(const fy_job *job, const fy_live *live, const char *workdir,
                     const char *pattern, fy_str *out);
const char *ctl_expand(const fy_job *job, const fy_live *live, const fy_submission *what,
                       const char *pattern, fy_arena *arena);

/* ------------------------------------------------------------------ ctl_time.c */

/* Note when time next asks for something of the job. */
void ctl_schedule(fy_ctl *ctl, const fy_job *job);
int ctl_take_due(fy_ctl *ctl, fy_err *err) FY_NODISCARD;
/* Work that the run reported: progress and rate as observed. */
int ctl_observed(fy_ctl *ctl, fy_job *job, double done, fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ ctl_submit.c */

/* The fleet's record of a submission; arrays owned by the arena. */
int ctl_resolve(fy_ctl *ctl, const fy_submission *what, int32_t tenant, fy_arena *arena,
                fy_job_record *rec, fy_err *err) FY_NODISCARD;
/* The planner's rate on out->chip of the workload that it names; false where there is none. */
bool ctl_rate_on(const fy_ctl *ctl, const fy_submission *what, fy_accept *out);
/* Everything that may forbid a submission, before anything changes; fills in what it left out. */
int ctl_prepare(fy_ctl *ctl, const fy_who *who, fy_submission *what, const char **tenant,
                fy_arena *arena, fy_job_record *rec, fy_err *err) FY_NODISCARD;
/* The limits that hold for a tenant; NULL = none. */
const fy_quota *ctl_quota_of(const fy_ctl *ctl, const char *tenant);
/* The site's index of a chip of the fleet, -1 where the site has it no more. */
int ctl_site_chip(const fy_ctl *ctl, int chip);
int32_t ctl_tenant(const fy_ctl *ctl, const char *name); /* -1 = not yet */

/* ------------------------------------------------------------------ ctl_explain.c */

struct fy_explanation;
/* Its members, into an object that has been opened. */
void ctl_write_explanation(const struct fy_explanation *e, const fy_fleet *fleet, fy_str *json);

/* ------------------------------------------------------------------ ctl_view.c */

fy_shown_state ctl_shown(const fy_ctl *ctl, const fy_job *job);
void ctl_write_job(const fy_ctl *ctl, const fy_job *job, bool full, fy_str *json);
/* The full object of a job that has just ended by `event`. */
void ctl_write_ended(const fy_ctl *ctl, const fy_job *job, const fy_event *event, const char *body,
                     size_t len, fy_str *json, char state[FY_ENDED_WORD]);

/* ------------------------------------------------------------------ ctl_snapshot.c */

void ctl_save(const fy_ctl *ctl, fy_str *out);
int ctl_load(fy_ctl *ctl, const void *bytes, size_t len, fy_err *err) FY_NODISCARD;

#endif
