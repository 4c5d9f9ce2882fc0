/* SPDX-License-Identifier: MIT */
/*
 * Events: everything that can happen to a fleet. Events change state; decisions change the world.
 *
 * An event is `(t_us, kind, payload)`. Kinds are either *world* (they happened to us) or *ours* (we
 * did them). A decision takes effect through its intent: FY_EV_STARTING reserves the devices for
 * (job, attempt), the engine acts, and its answer FY_EV_STARTED or FY_EV_STOPPED comes back as an
 * event. (job, attempt) is the fencing token: an answer for another attempt is stale and refused.
 *
 *     submitted ─► WAITING ─starting─► STARTING ─started─► RUNNING ─finished/failed/cancelled─►
 * gone ▲          ▲                   │ stopped            │ stopping (BLOCKED,
 * └───────────────────┴───── stopped ── STOPPING HELD)
 *
 * Work and power are resolved to integers here, so that a journal depends on no catalogue.
 */
#ifndef FUYAO_EVENT_H
#define FUYAO_EVENT_H

#include "fuyao/job.h"

typedef enum fy_event_kind {
    /* world */
    FY_EV_CHIP_ADDED,    /* name; chip = index */
    FY_EV_NODE_ADDED,    /* node_record */
    FY_EV_NODE_DOWN,     /* node; its jobs get their own failed events */
    FY_EV_NODE_UP,       /* node */
    FY_EV_NODE_DRAINED,  /* node: starts nothing more */
    FY_EV_NODE_RESUMED,  /* node */
    FY_EV_NODE_RESERVED, /* node, tenant (-1 = maintenance), a = from, b = to [us] */
    FY_EV_TENANT_SET,    /* tenant, tenant_record */
    FY_EV_SUBMITTED,     /* job = next id (the first: 0 or 1), job_record */
    FY_EV_CANCELLED,     /* job */
    FY_EV_FINISHED,      /* job, attempt */
    FY_EV_FAILED,        /* job, attempt, node to blame or -1; a = 1: goes back to the queue */
    FY_EV_PROGRESS,      /* job, attempt, a = work done [q] as observed */
    FY_EV_LIMITS,        /* job, a = new time limit [us] or -1; without a job: a = cap on the
                            fleet's power, high estimate without PUE [mW], or -1 */
    FY_EV_HELD,          /* job: not considered until released */
    FY_EV_RELEASED,      /* job */
    FY_EV_MIX,           /* mix: what the typical jobs ask, for fragmentation and fgd */
    /* ours */
    FY_EV_ROUND,        /* a = hash of the policy's configuration, name = policy, config */
    FY_EV_STARTING,     /* job, attempt, place, reason */
    FY_EV_STARTED,      /* job, attempt, a = rate [q/s], b = pause before work goes on [us] */
    FY_EV_STOPPING,     /* job, attempt, reason, a = other job's id or -1 */
    FY_EV_STOPPED,      /* job, attempt; a = 1: the work since the last checkpoint is saved */
    FY_EV_RESIZING,     /* job, attempt, place (fewer or more workers on the same chip), a, b as
                           in started */
    FY_EV_MOVED,        /* job, attempt, place (a failed worker replaced by a spare), a, b */
    FY_EV_CHECKPOINTED, /* job, attempt */
    FY_EV_RATED,        /* job, attempt, a = rate [q/s] */
    FY_N_EVENT_KINDS
} fy_event_kind;

const char *fy_event_name(fy_event_kind kind);
bool fy_event_is_ours(fy_event_kind kind);

/* Why a decision was taken, or why a job waits. `fy_reason_text` has the words. */
typedef enum fy_reason {
    FY_WHY_NONE,
    FY_WHY_FIRST,           /* first in the policy's order and it fits */
    FY_WHY_BACKFILL,        /* fits without delaying the reservation of job `other` */
    FY_WHY_GUARANTEE,       /* its tenant is below its guarantee */
    FY_WHY_GAIN,            /* loses most without this chip */
    FY_WHY_PREEMPT_LEVEL,   /* job `other` has attained less service */
    FY_WHY_PREEMPT_RECLAIM, /* job `other`'s tenant reclaims its guarantee */
    FY_WHY_PREEMPT_ORDER,   /* job `other` comes first in the policy's order */
    FY_WHY_BETTER_CHIP,     /* a better chip is free for it */
    FY_WHY_NO_DEVICES,      /* too few free devices of its acceptable chips */
    FY_WHY_FRAGMENTED,      /* enough devices are free, but not on suitable nodes */
    FY_WHY_BEHIND,          /* job `other` stands before it and must go first */
    FY_WHY_RESERVED,        /* would delay the reservation of job `other` */
    FY_WHY_TENANT_LIMIT,    /* its tenant has reached its borrowing limit */
    FY_WHY_ARRAY_LIMIT,     /* its array has reached its limit */
    FY_WHY_POWER_CAP,       /* would exceed the power cap */
    FY_WHY_DEPENDS,         /* waits for job `other` */
    FY_WHY_HELD,            /* held */
    FY_WHY_NEVER_CHIP,      /* accepts no chip of this fleet, or only chips it brings no rate for */
    FY_WHY_NEVER_SIZE,      /* larger than the fleet */
    FY_WHY_NEVER_TIGHT,     /* must keep to fewer nodes than could hold it */
    FY_WHY_NEVER_POWER,     /* the power cap leaves too little for it even when nothing else runs */
    FY_WHY_NEVER_DEPENDS,   /* job `other`, which it waits for, did not finish well */
    FY_WHY_WINDOW,          /* a maintenance window or reservation is too near */
    FY_WHY_NEXT_ROUND,      /* the next round has not come yet */
    FY_WHY_CANCELLED,       /* stopped because its owner or an operator cancelled it */
    FY_WHY_TIME_LIMIT,      /* stopped at its time limit */
    FY_WHY_REQUEUED,        /* stopped to go back to the queue, as somebody asked */
    FY_N_REASONS
} fy_reason;

/* Is a stop for this reason the policy's decision? Else somebody asked for it. */
static inline bool fy_reason_is_policy(fy_reason reason)
{
    return reason != FY_WHY_CANCELLED && reason != FY_WHY_TIME_LIMIT && reason != FY_WHY_REQUEUED;
}

const char *fy_reason_name(fy_reason reason); /* short, stable: for journals and JSON */
const char *fy_reason_text(fy_reason reason); /* a clause for people */

/* Power with its uncertainty: low, mid, high [mW]. */
enum { FY_LO, FY_MID, FY_HI, FY_N_ESTIMATES };

/* Racks are failure domains; a node without one stated opens its own. */
enum { FY_RACK_NEW, FY_RACK_LAST };

typedef struct fy_node_record {
    const char *name;
    int chip;
    int devices;                   /* 0 allowed: a CPU node */
    int64_t cpu_milli, memory_mib; /* INT64_MAX / 4 = unlimited */
    int rack; /* FY_RACK_NEW, or FY_RACK_LAST: with the node added before of this chip */
    int64_t idle_mw[FY_N_ESTIMATES];     /* per device */
    int64_t active_mw[FY_N_ESTIMATES];   /* per device, busy */
    int64_t overhead_mw[FY_N_ESTIMATES]; /* per node while up */
} fy_node_record;

typedef struct fy_tenant_record {
    const char *name;
    double weight;
    int64_t borrow_milli;           /* -1 = unlimited */
    const int64_t *guarantee_milli; /* [n] by chip, NULL = none */
    int n;
} fy_tenant_record;

typedef struct fy_rate {
    int32_t chip;
    int32_t grade;
    int64_t rate_q;   /* quanta a second of the whole gang in as few nodes as can be */
    int64_t spread_q; /* the same over more nodes; 0 = cannot */
} fy_rate;

typedef struct fy_job_record {
    const char *name;
    int tenant;
    fy_priority priority;
    int workers, min_workers, max_workers, devices, milli, spares;
    int64_t cpu_milli, memory_mib;
    const fy_rate *rates; /* [n_rates], in order of preference */
    int n_rates;
    int64_t work_q;    /* quanta; -1 = no end (service) */
    double q_per_unit; /* quanta per unit of work, a power of ten */
    fy_end end;
    int64_t checkpoint_interval_us; /* 0 = nothing is ever lost; INT64_MAX = everything */
    int64_t checkpoint_cost_us, restart_cost_us;
    int64_t limit_us, deadline_us, min_run_us;
    const int64_t *after;
    int n_after;
    int64_t array_of; /* -1 = none */
    int array_limit;  /* 0 = none */
} fy_job_record;

/* What a worker of a class of typical jobs asks, and how often it comes. */
typedef struct fy_mix_class {
    int64_t cpu_milli;
    int32_t devices, milli; /* as in a job's record */
    int64_t weight;         /* >= 1 */
} fy_mix_class;

typedef struct fy_mix_record {
    const fy_mix_class *classes; /* [n] */
    int n;
} fy_mix_record;

/* Workers of a gang on one node. */
typedef struct fy_chunk {
    int32_t node;
    int32_t workers;
} fy_chunk;

/*
 * Where a gang runs: chunks by node, and the device numbers (of the whole fleet) chunk by chunk,
 * `workers x devices` each (one a worker where the job wants a share).
 */
typedef struct fy_place {
    int32_t chip;
    int32_t workers; /* sum over the chunks */
    int32_t n_chunks;
    int32_t n_devices;
    fy_chunk *chunks; /* [n_chunks] */
    int32_t *devices; /* [n_devices] */
} fy_place;

typedef struct fy_event {
    int64_t t_us;
    int64_t job; /* id, or -1 */
    int64_t a, b;
    int32_t attempt;
    int32_t node, tenant, chip; /* -1 where not used */
    fy_event_kind kind;
    fy_reason reason;
    const char *name;
    const char *config; /* of a scheduler's first round: `placement=P seed=N key=value ...`, else
                           NULL */
    const fy_node_record *node_record; /* payloads are borrowed for the call */
    const fy_tenant_record *tenant_record;
    const fy_job_record *job_record;
    const fy_mix_record *mix;
    const fy_place *place;
} fy_event;

#endif
