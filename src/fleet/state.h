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
#include "base/blocks.h"
#include "fleet/state_jobs.h"
#include "fleet/state_nodes.h"

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
    uint32_t shape;      /* grows with each node added, and under a power cap with what is up */
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
    int32_t *woken; /* [n_woken] slots that the last event, beside its own job, let wait, or for
                       which it changed whether they can ever be placed */
    size_t n_woken, woken_room;
    int32_t *slot_of; /* [n_ids] by id: slot, or how it ended */
    size_t n_ids, ids_room;

    int32_t n_waiting, n_running, n_live; /* live: not ended */
    int32_t n_never;                      /* of the waiting: can never be placed */
    int64_t n_active;                     /* waiting or running, for rho */
    int64_t frag;                         /* F of the fleet: milli idle and unusable x mix weight */
    fy_wide active_int;                   /* integral of n_active up to now [job-us] */
    fy_wide frag_int;                     /* integral of frag up to now */

    int64_t power_cap_mw;             /* of power_mw[FY_HI]: facility cap / PUE; FY_NEVER = none */
    int64_t power_mw[FY_N_ESTIMATES]; /* all pools, now, without PUE */
    int64_t rest_mw;                  /* of power_mw[FY_HI]: were nothing held */
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

/* Rate [q/s] of the held job's gang on its chip, checkpoints that take time included: what a
 * *started* event carries. */
int64_t fy_job_working_rate(const fy_job *job, int workers, bool spread);

/* Milli-devices that the job asks for on any chip, spares included. */
static inline int64_t fy_job_need_milli(const fy_job *job)
{
    return fy_gang_milli(job->rec.workers + job->rec.spares, job->rec.devices, job->rec.milli);
}

/* What a worker asks of a node, or a node has; 0 of an ask is nothing. */
typedef struct fy_amounts {
    int64_t devices, cpu_milli, memory_mib;
} fy_amounts;

/* Workers, at most `most`, that each ask `ask` and have room in `have`. */
int64_t fy_workers_in(fy_amounts have, fy_amounts ask, int64_t most);

/* Nodes that a gang of `workers` needs at least on the emptiest nodes of the pool. */
int fy_fleet_least_nodes(const fy_fleet *fleet, const fy_class *cls, int chip, int workers);

/* May this job start as far as limits go? FY_WHY_NONE, or the limit that forbids it. */
fy_reason fy_fleet_may_start(const fy_fleet *fleet, const fy_job *job, int chip, int64_t milli);

/* May this node take a worker of this job from `now` on (up, not drained, windows)? */
bool fy_node_open(const fy_node *node, const fy_job *job, int64_t now_us);

/* Let time go on to `t_us` >= now_us: O(1), changes no number that decides anything. */
void fy_fleet_tick(fy_fleet *fleet, int64_t t_us);

/* Who was woken by the last event has been told of. */
void fy_fleet_forget_woken(fy_fleet *fleet);

/* Bring all integrals up to `t_us`; between calls they are kept lazily. */
void fy_fleet_integrate(fy_fleet *fleet, int64_t t_us);

#endif
