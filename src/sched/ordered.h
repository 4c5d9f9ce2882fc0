/* SPDX-License-Identifier: MIT */
/*
 * Policies that are an order: who comes first runs, if need be in the place of those who come last.
 *
 *     waiting: queue by (key, tie) ─ first ─► fits? start it
 *                                             else: the least of those that run, last in order
 *                                             first, whose going makes it fit, are stopped
 *     running: heaps by chip and weight, last in order on top
 *     due:     heap of instants at which time alone moves a job in the order
 *
 * A job never makes way for one that does not come strictly before it, and a job stopped stands no
 * earlier in the order than it did while it ran: no two jobs can drive each other out. Devices on
 * their way from those that were stopped belong to the job they were stopped for: whoever comes
 * after it may not start on that chip until they have arrived. As a last safeguard a job may have
 * others stopped for it once an instant.
 *
 * What comes after a job that does not fit may start beside it. Services and jobs within their
 * minimum run time are never stopped.
 */
#ifndef FUYAO_SCHED_ORDERED_H
#define FUYAO_SCHED_ORDERED_H

#include "sched/policy.h"
#include "sched/queue.h"
#include "sched/whatif.h"

typedef struct fy_ordered_ops {
    fy_order_fn order; /* a waiting job's place in the queue */
    /* A job's rank at `now_us` if it waited, and a bound on it for one that runs (>= rank, falling
     * through a heap from its top): only those of a greater rank make way. */
    int64_t (*rank)(void *ctx, const fy_job *job, int64_t now_us);
    int64_t (*rank_running)(void *ctx, const fy_job *job, int64_t now_us);
    /* A running job's place in its heap (least = stopped first); heaps differ by weight. */
    void (*place)(void *ctx, const fy_job *job, int64_t now_us, int64_t *key, int64_t *weight);
    /* The instant at which time moves the job in the order; FY_NEVER = none. May be NULL. */
    int64_t (*due)(void *ctx, const fy_job *job, int64_t now_us);
    /* That instant has come for a waiting job. May be NULL. */
    void (*ripen)(void *ctx, const fy_job *job, int64_t now_us);
    fy_reason why_stop;
} fy_ordered_ops;

typedef struct fy_ordered_heap {
    fy_heap heap;
    int64_t weight;
    int32_t chip;
} fy_ordered_heap;

/* For such a gang nobody can make way on the chip: neither for a job of this rank nor for a later
 * one, as long as nobody else is stopped. Every class that asks for as much would find the same. */
typedef struct fy_ordered_vain {
    int64_t rank, cpu_milli, memory_mib;
    int32_t chip, workers, devices, milli;
    bool tight;
} fy_ordered_vain;

typedef struct fy_ordered {
    const fy_ordered_ops *ops;
    void *ctx;
    fy_queue queue;
    fy_ordered_heap *heaps; /* [n_heaps] */
    size_t n_heaps, heaps_room;
    fy_heap_pos pos, due_pos;
    fy_heap due;
    int32_t *heap_of;  /* [slot], where pos has it */
    int64_t *asked_us; /* [slot] when others were last stopped for it */
    size_t n_slots, heap_of_room, asked_room;
    int64_t claim[FY_MAX_CHIPS]; /* job for which others are stopping, -1 = none */
    int32_t *stopping;           /* [n_stopping] slots */
    fy_job **taken;              /* [n_taken] of one search */
    fy_job **chosen;
    size_t n_stopping, n_taken, n_chosen, stopping_room, taken_room, chosen_room;
    fy_whatif what;
    fy_ordered_vain *vain; /* [n_vain] searches of this round that found nobody to stop */
    size_t n_vain, vain_room;
    int vain_stops; /* stops that the round had decided by then */
} fy_ordered;

void fy_ordered_init(fy_ordered *o, const fy_ordered_ops *ops, void *ctx);
void fy_ordered_observe(fy_ordered *o, const fy_fleet *fleet, const fy_event *event,
                        const fy_job *job);
void fy_ordered_decide(fy_ordered *o, fy_round *round);
int64_t fy_ordered_wake(const fy_ordered *o, const fy_fleet *fleet);
fy_reason fy_ordered_explain(const fy_ordered *o, const fy_fleet *fleet, const fy_job *job,
                             int64_t *other);
void fy_ordered_save(const fy_ordered *o, const fy_fleet *fleet, fy_str *out);
/* Who waits gets its place anew: what the order hangs on has been loaded. */
void fy_ordered_reorder(fy_ordered *o, const fy_fleet *fleet);
bool fy_ordered_load(fy_ordered *o, const fy_fleet *fleet, fy_unpack *in);
void fy_ordered_free(fy_ordered *o);

/* The same as functions of a policy, for those whose struct begins with their fy_ordered. */
void fy_ordered_policy_observe(fy_policy *policy, const fy_fleet *fleet, const fy_event *event,
                               const fy_job *job);
void fy_ordered_policy_decide(fy_policy *policy, fy_round *round);
int64_t fy_ordered_policy_wake(const fy_policy *policy, const fy_fleet *fleet);
fy_reason fy_ordered_policy_explain(const fy_policy *policy, const fy_fleet *fleet,
                                    const fy_job *job, int64_t *other);
void fy_ordered_policy_save(const fy_policy *policy, const fy_fleet *fleet, fy_str *out);
bool fy_ordered_policy_load(fy_policy *policy, const fy_fleet *fleet, fy_unpack *in);

#endif
