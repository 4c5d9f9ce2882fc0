/* SPDX-License-Identifier: MIT */
/*
 * The fleet's state, for reading by the fleet's own files, the scheduler and the simulator. Only
 * src/fleet/ writes it, and only inside fy_fleet_apply.
 *
 *     fleet ── pools[chip] ── free sets: nodes by number of idle whole devices
 *       │                 └─ integrals of held devices, power, fragmentation
 *       ├─ nodes[] ── devices idle_milli[first_device ..] ── list of holds
 *       ├─ tenants[] ── held per chip
 *       ├─ classes[] ── like asks share one class: what fails for one fails for all
 *       └─ jobs[slot] ── record, attempt, holds (one a node), anchors
 */
#ifndef FUYAO_FLEET_STATE_H
#define FUYAO_FLEET_STATE_H

#include "base/arena.h"
#include "base/bitset.h"
#include "base/blocks.h"
#include "fuyao/fleet.h"

enum { FY_WHOLE = 1000 }; /* milli-devices in a device */
#define FY_NEVER  INT64_MAX
#define FY_PLENTY (INT64_MAX / 4) /* cpu or memory that nobody stated */

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

/* Jobs that ask the same of a node and of the limits. */
typedef struct fy_class_key {
    uint64_t mask;  /* acceptable chips with a rate */
    uint64_t tight; /* those on which the gang must not span more nodes than it must */
    int64_t cpu_milli, memory_mib, array_of;
    int32_t workers, min_workers, max_workers, devices, milli, spares, tenant, array_limit;
} fy_class_key;

typedef struct fy_class {
    fy_class_key key;
    int32_t index;
    int32_t next;    /* in the hash chain */
    uint32_t shape;  /* version of the fleet's shape that `never` was computed for */
    fy_reason never; /* FY_WHY_NONE, or why it fits on no empty fleet of this shape */
} fy_class;

typedef struct fy_node {
    const char *name;
    int32_t chip, rack, in_pool, n_devices, first_device;
    int32_t n_whole;    /* idle whole devices */
    int64_t idle_milli; /* over all devices */
    int64_t cpu_free, cpu_total, memory_free, memory_total;
    bool up, drained;
    bool listed; /* stands in the pool's free sets */
    int32_t reserved_tenant;
    int64_t reserved_from_us, reserved_to_us; /* FY_NEVER = none */
    int64_t idle_mw[FY_N_ESTIMATES], active_mw[FY_N_ESTIMATES], overhead_mw[FY_N_ESTIMATES];
    fy_hold *holds;
    int64_t fail_job[3], fail_us[3]; /* the last failures blamed on it */
    int64_t frag;                    /* F_n of the typical mix [milli x weight] */
    bool frag_stale;
} fy_node;

typedef struct fy_rack {
    int32_t chip, first, last; /* nodes in the pool: first .. last */
    int32_t n_whole;           /* idle whole devices on listed nodes */
} fy_rack;

/* All nodes of one chip type. */
typedef struct fy_pool {
    const char *name;
    int32_t *nodes; /* [n_nodes], node numbers by place in the pool */
    int32_t n_nodes, max_devices;
    int32_t n_devices;  /* all, up or not */
    int32_t n_up;       /* devices on nodes that are up */
    int32_t n_whole;    /* idle whole devices on listed nodes */
    int64_t idle_milli; /* on listed nodes */
    int64_t held_milli;
    int64_t stopping_milli; /* of held: jobs that are on their way out */
    fy_bitset *by_free;     /* [max_devices + 1] listed nodes by idle whole devices */
    fy_bitset partial;      /* listed nodes with a partly used device that has room */
    fy_bitset reserved;     /* up nodes with a window: only some jobs may use them */
    fy_rack *racks;
    int32_t n_racks;
    bool unlimited;                     /* no node states cpu or memory */
    uint64_t releases;                  /* grows whenever something may fit that did not */
    int64_t power_mw[FY_N_ESTIMATES];   /* all nodes of the pool, now */
    fy_wide held_int, up_int, all_int;  /* milli-device x us: held, up, all there are */
    fy_wide productive_int;             /* the same, of ended attempts: held - paused - lost */
    fy_wide energy_int[FY_N_ESTIMATES]; /* mW x us, without PUE */
    int64_t at_us;                      /* integrals are up to here */
} fy_pool;

typedef struct fy_tenant {
    const char *name;
    double weight;
    int64_t borrow_milli;
    int64_t guarantee_milli[FY_MAX_CHIPS];
    int64_t held_milli[FY_MAX_CHIPS];
    int64_t held_total;
    fy_wide held_int; /* milli-device x us up to at_us */
    int64_t at_us;
    int32_t n_waiting;
    int64_t beyond_at_set; /* held beyond its guarantees when they were set last */
} fy_tenant;

/* The typical job mix, grouped for fast evaluation: see frag.c. */
typedef struct fy_mix {
    fy_mix_class *classes; /* [n], sorted by (devices, milli, cpu) */
    int32_t n;
    int64_t total; /* sum of weights */
    struct fy_mix_group *groups;
    int32_t n_groups;
} fy_mix;

typedef struct fy_array {
    int64_t of;
    int32_t running;
    int32_t next; /* in the hash chain */
} fy_array;

struct fy_fleet {
    int64_t now_us;
    uint64_t n_events;
    fy_arena arena;   /* names, nodes' parts: what lives as long as the fleet */
    fy_blocks blocks; /* jobs' parts */

    fy_pool pools[FY_MAX_CHIPS];
    int32_t n_chips;

    fy_node *nodes;
    size_t n_nodes, nodes_room;
    uint32_t *version; /* [n_nodes] from 1, grows with each change of what is free there */
    size_t version_room;
    uint32_t shape;      /* grows with each node added */
    int16_t *idle_milli; /* [n_devices] by device number */
    size_t n_devices, devices_room;
    int32_t *stale; /* nodes whose frag is out of date */
    size_t n_stale, stale_room;

    fy_tenant *tenants;
    size_t n_tenants, tenants_room;

    fy_class *classes;
    size_t n_classes, classes_room;
    int32_t *class_hash; /* [class_buckets] heads of chains, -1 = empty */
    size_t class_buckets;

    fy_array *arrays;
    size_t n_arrays, arrays_room;
    int32_t *array_hash; /* [array_buckets] heads of chains, -1 = empty */
    size_t array_buckets;

    fy_job **jobs; /* [n_slots] by slot; each stays where it is */
    size_t n_slots, slots_room;
    int32_t *free_slots;
    size_t n_free_slots, free_slots_room;
    int32_t *slot_of; /* [n_ids] by id: slot, or how it ended */
    size_t n_ids, ids_room;

    int32_t n_waiting, n_running, n_live; /* live: not ended */
    int32_t n_never;                      /* of the waiting: can never be placed */
    int64_t n_active;                     /* waiting or running, for rho */
    fy_wide active_int;                   /* integral of n_active up to now [job-us] */
    int64_t frag;                         /* F of the fleet: milli idle and unusable x mix weight */
    fy_wide frag_int;                     /* its integral up to now */

    int64_t power_cap_mw;             /* of power_mw[FY_HI]: facility cap / PUE; FY_NEVER = none */
    int64_t power_mw[FY_N_ESTIMATES]; /* all pools, now, without PUE */
    int64_t peak_mw[FY_N_ESTIMATES];  /* greatest of them over any interval */

    fy_mix mix;
};

/* ------------------------------------------------------------------ reading */

static inline fy_job *fy_fleet_job(const fy_fleet *fleet, int64_t id)
{
    int32_t slot = id >= 0 && (uint64_t)id < fleet->n_ids ? fleet->slot_of[id] : -1;

    return slot >= 0 ? fleet->jobs[slot] : NULL;
}

/* Work done by `t_us` [q], never more than the job's work. */
int64_t fy_job_done(const fy_job *job, int64_t t_us);

/* Work safe in a checkpoint at `t_us` [q]. */
int64_t fy_job_saved(const fy_job *job, int64_t t_us);

/* The instant at which the running job's work will be done; FY_NEVER for a service. */
int64_t fy_job_finish_us(const fy_job *job);

/* Service attained by `t_us` [device-us], all attempts, pauses included. */
int64_t fy_job_attained_us(const fy_job *job, int64_t t_us);

/* Productive milli-device x us of the running attempt by `t_us`; 0 where none runs. */
fy_wide fy_job_productive(const fy_job *job, int64_t t_us);

/* Entry of the job's rates for `chip`, or NULL. */
const fy_rate *fy_job_rate_on(const fy_job *job, int chip);

/* Rate [q/s] on `chip` with `workers` workers, spread or not; 0 = cannot run so. */
int64_t fy_job_rate(const fy_job *job, int chip, int workers, bool spread);

/* Nodes that a gang of `workers` needs at least on the emptiest nodes of the pool. */
int fy_fleet_least_nodes(const fy_fleet *fleet, const fy_class *cls, int chip, int workers);

/* May this job start as far as limits go? FY_WHY_NONE, or the limit that forbids it. */
fy_reason fy_fleet_may_start(const fy_fleet *fleet, const fy_job *job, int chip, int64_t milli);

/* May this node take a worker of this job from `now` on (up, not drained, windows)? */
bool fy_node_open(const fy_node *node, const fy_job *job, int64_t now_us);

/* Let time go on to `t_us` >= now_us: O(1), changes no number that decides anything. */
void fy_fleet_tick(fy_fleet *fleet, int64_t t_us);

/* Bring all integrals up to `t_us`; between calls they are kept lazily. */
void fy_fleet_integrate(fy_fleet *fleet, int64_t t_us);

#endif
