/* SPDX-License-Identifier: MIT */
/* The jobs' part of the fleet's state: see state.h, which everybody else includes. */
#ifndef FUYAO_FLEET_STATE_JOBS_H
#define FUYAO_FLEET_STATE_JOBS_H

#include "fuyao/fleet.h"

enum { FY_WHOLE = 1000 }; /* milli-devices in a device */
#define FY_NEVER  INT64_MAX
#define FY_PLENTY (INT64_MAX / 4) /* cpu or memory that nobody stated */

/* What a worker takes of each device that it has: `milli` where it wants a share, else all of it.
 */
static inline int32_t fy_ask_milli(int32_t milli)
{
    return milli > 0 ? milli : FY_WHOLE;
}

static inline int64_t fy_gang_milli(int64_t workers, int64_t devices, int32_t milli)
{
    return workers * devices * fy_ask_milli(milli);
}

__extension__ typedef __int128 fy_wide; /* products of two 64-bit quantities, and their sums */

typedef enum fy_job_state {
    FY_JOB_BLOCKED, /* waits for other jobs (afterok) */
    FY_JOB_HELD,
    FY_JOB_WAITING,
    FY_JOB_STARTING,
    FY_JOB_RUNNING,
    FY_JOB_STOPPING,
    FY_JOB_GONE, /* slot is free */
} fy_job_state;

/* How an ended job ended; kept for ever, for those that depend on it. */
enum { FY_ENDED_OK = -2, FY_ENDED_FAILED = -3, FY_ENDED_CANCELLED = -4 };

/* What a gang holds on one node: a link of the node's list and an element of the job's array. */
typedef struct fy_hold {
    struct fy_hold *next, *prev;        /* on the same node */
    int32_t node, workers, slot, first; /* first: index into the job's devices */
} fy_hold;

typedef struct fy_dependent {
    struct fy_dependent *next;
    int64_t id;
} fy_dependent;

typedef struct fy_job {
    int64_t id;
    int32_t slot, cls, tenant, attempt;
    int32_t array; /* index into the fleet's arrays, -1 = none with a limit */
    fy_job_state state;
    fy_reason never;   /* FY_WHY_NONE, or why it can never be placed on this fleet */
    fy_job_record rec; /* its arrays live in `block` */
    void *block;
    size_t block_size;

    int64_t submit_us, queued_us, start_us; /* queued: since when it waits; start: of the attempt */
    int64_t ran_us;                         /* total length of the attempts that have ended */
    int64_t first_start_us;                 /* -1 = never started */

    /* the running attempt */
    int32_t chip, workers; /* workers held now, spares included */
    int32_t working;       /* of these: who works, the others being spares */
    fy_hold *holds;
    int32_t n_holds, n_devices;
    int32_t *devices;
    size_t place_size;
    int64_t held_milli;
    bool spread;                         /* on more nodes than it must */
    fy_wide attempt_pause, attempt_held; /* of this attempt, up to held_at_us */
    fy_wide attempt_lost;                /* of this attempt: in lost_int already */

    /* progress: done(t) = done_q + rate_q (t - anchor_us) / 1e6 for t >= anchor_us */
    int64_t done_q, rate_q, anchor_us;
    int64_t saved_q, saved_us;        /* last checkpoint before the anchor */
    int64_t power_mw[FY_N_ESTIMATES]; /* busy minus idle, of all held devices */

    /* totals over all attempts */
    fy_wide held_int; /* milli-device x us held, up to held_at_us */
    int64_t held_at_us;
    fy_wide lost_int;  /* of these: work that was or will be done again */
    fy_wide pause_int; /* of these: no progress (start, restart, stop) */
    int32_t preemptions, failures;
    int64_t failed_nodes[3];  /* distinct nodes it failed on, -1 = none */
    fy_wide active_at_submit; /* integral of active jobs at submission [job-us] */

    int32_t n_open; /* dependencies not finished */
    fy_dependent *dependents;
} fy_job;

/* An attempt of it has its devices: from its intent to its end. */
static inline bool fy_job_holds(const fy_job *job)
{
    return job->state == FY_JOB_STARTING || job->state == FY_JOB_RUNNING ||
           job->state == FY_JOB_STOPPING;
}

/* Jobs that ask the same of a node and of the limits. */
typedef struct fy_class_key {
    uint64_t mask;  /* acceptable chips with a rate */
    uint64_t tight; /* those on which the gang must not span more nodes than it must */
    int64_t cpu_milli, memory_mib, array_of;
    int64_t limit_us; /* -1 where no node of these chips has a window that it could end before */
    int32_t workers, min_workers, max_workers, devices, milli, spares, tenant, array_limit;
} fy_class_key;

typedef struct fy_class {
    fy_class_key key;
    int32_t index;
    int32_t next;                /* in the hash chain */
    uint32_t shape;              /* version of the fleet's shape that `never` was computed for */
    fy_reason never;             /* FY_WHY_NONE, or why it fits on no empty fleet of this shape */
    uint64_t fits;               /* chips found to have room for it, ... */
    size_t counted;              /* ... when the fleet had so many nodes */
    struct fy_class_room *rooms; /* [FY_MAX_CHIPS], NULL while it fits: see class.c */
} fy_class;

typedef struct fy_array {
    int64_t of;
    uint64_t mask; /* chips that any of its tasks accepts */
    int32_t running;
    int32_t next; /* in the hash chain */
} fy_array;

#endif
