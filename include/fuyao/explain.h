/* SPDX-License-Identifier: MIT */
/*
 * Why a job waits, when it is expected to start, and what single change would start it now. All of
 * it is found on copies of the fleet and its policy: nothing here changes them.
 */
#ifndef FUYAO_EXPLAIN_H
#define FUYAO_EXPLAIN_H

#include "fuyao/sched.h"

#include <stdbool.h>

/* ------------------------------------------------------------------ looking ahead */

typedef enum fy_ahead_what {
    FY_AHEAD_STARTS, /* at start_us, on `chip` */
    FY_AHEAD_LATER,  /* not by start_us, which is as far as was looked */
    FY_AHEAD_NEVER,  /* everything that can end by itself has ended, and it has not started */
} fy_ahead_what;

typedef struct fy_ahead {
    fy_ahead_what what;
    int64_t start_us;
    int chip, workers; /* -1 where it does not start; spares included */
    int steps;         /* instants looked at */
} fy_ahead;

/*
 * Let the policy run ahead from `now_us` until waiting job `id` starts, nothing more happens, or
 * `most_steps` instants have been looked at. What runs ends when its work is done at its present
 * rate, or at its time limit; a service never ends; reservations of nodes end when they say;
 * nothing arrives, nothing fails, and nobody is released. Errors: FY_ENOENT (no such job),
 * FY_EINVAL (it does not wait; the policy's decision was refused).
 */
int fy_ahead_start(fy_ahead *out, const fy_sched *sched, int64_t now_us, int64_t id, int most_steps,
                   fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ why it waits */

/* What a chip that the job accepts has to offer now. Devices, on nodes that anybody may use. */
typedef struct fy_room {
    int chip;
    int up;            /* devices on nodes that are up */
    int idle;          /* whole idle ones */
    int largest;       /* most of them on one node */
    int nodes;         /* least nodes for its smallest gang */
    bool tight;        /* it may not span more than these */
    double milli_idle; /* idle devices, parts of devices included */
} fy_room;

/* The numbers behind the reason. */
typedef struct fy_evidence {
    int workers, spares, devices, milli; /* the smallest gang: what it needs at least */
    int64_t need_milli;                  /* the same in milli-devices, spares included */
    fy_room rooms[FY_MAX_CHIPS];         /* [n_rooms] in the job's order of preference */
    int n_rooms;
    int64_t beyond_milli, borrow_milli;      /* tenant: held beyond its guarantees; may, -1 = all */
    int64_t tenant_held_milli;               /* of all chips */
    int array_running, array_limit;          /* 0 = no limit */
    int64_t power_mw, cap_mw, power_need_mw; /* high estimates without PUE; cap -1 = none */
    int64_t next_us;                         /* when the policy decides next by itself; INT64_MAX */
} fy_evidence;

/* ------------------------------------------------------------------ what would start it */

/* In the order of their prices: the first that works is the cheapest. */
typedef enum fy_change_kind {
    FY_CHANGE_NONE,      /* no single change of those tried would */
    FY_CHANGE_WAIT,      /* none is needed: the next pass starts it */
    FY_CHANGE_RELEASE,   /* its hold ends */
    FY_CHANGE_ACCEPT,    /* it accepts another chip, last; price: how many times slower */
    FY_CHANGE_FEWER,     /* it asks for fewer workers; price: how many times fewer */
    FY_CHANGE_PRIORITY,  /* a higher priority; price: steps */
    FY_CHANGE_RESUME,    /* one node's drain ends; price: its devices */
    FY_CHANGE_UNRESERVE, /* one node's reservation ends; price: its devices */
    FY_CHANGE_BORROW,    /* its tenant may borrow more; price: devices more */
    FY_CHANGE_POWER,     /* a higher power cap; price: watts more, without PUE */
    FY_CHANGE_PREEMPT,   /* one running job is stopped, and held until this one has started; price:
                            device-seconds of its work that are lost, restart included */
    FY_N_CHANGES
} fy_change_kind;

const char *fy_change_name(fy_change_kind kind); /* short, stable: for JSON */

typedef struct fy_change {
    fy_change_kind kind;
    fy_priority priority;
    fy_rate rate;   /* FY_CHANGE_ACCEPT */
    int workers;    /* FY_CHANGE_FEWER */
    int node;       /* FY_CHANGE_RESUME, FY_CHANGE_UNRESERVE */
    int64_t amount; /* new limit or cap [milli-devices or mW], -1 = none */
    int64_t job;    /* FY_CHANGE_PREEMPT: whom */
    double price;   /* NAN where no end of it can be named: a limit or cap that is lifted */
    int chip;       /* where the job then starts, with how many workers (spares included) */
    int starts_with;
} fy_change;

typedef struct fy_explanation {
    int64_t job, other; /* other: the job that stands in its way, -1 = none */
    fy_reason reason;   /* in a pass at now_us; FY_WHY_NEXT_ROUND where that pass starts it */
    fy_evidence evidence;
    fy_ahead ahead;
    fy_change change;
    int tried, left_out; /* changes tried, and those not tried for want of trials */
} fy_explanation;

typedef struct fy_explain_options {
    int64_t now_us;  /* not before the fleet's instant */
    int most_steps;  /* of looking ahead; 0 = do not look; with more than 64 classes of asks
                        proportionally fewer are taken */
    int most_trials; /* changes tried; 0 = none is */
    /* The rate of the job on a chip that it does not accept: true and *rate, or false. NULL = it
     * could run on none. */
    bool (*rate)(void *ctx, const struct fy_job *job, int chip, fy_rate *rate);
    void *rate_ctx;
} fy_explain_options;

fy_explain_options fy_explain_defaults(int64_t now_us);

/*
 * Explain why live job `id` does not run. A job that runs has the reason FY_WHY_NONE and nothing
 * else. Each change is tried on a copy of the fleet and its policy: it is applied, then one pass is
 * run (round after round at this instant, engines answering at once, until the policy stops nobody
 * any more); a change is named only if the job starts in that pass.
 * Errors: FY_ENOENT (no such job), FY_EINVAL (the policy's decision was refused).
 */
int fy_explain(fy_explanation *out, const fy_sched *sched, int64_t id,
               const fy_explain_options *options, fy_err *err) FY_NODISCARD;

/* One sentence each, without a full stop, added to `out`. */
void fy_explain_reason(const fy_explanation *e, const fy_fleet *fleet, struct fy_str *out);
void fy_explain_start(const fy_explanation *e, const fy_fleet *fleet, struct fy_str *out);
void fy_explain_change(const fy_explanation *e, const fy_fleet *fleet, struct fy_str *out);

#endif
