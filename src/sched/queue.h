/* SPDX-License-Identifier: MIT */
/*
 * Waiting jobs by class. Jobs of one class ask the same, so when the first of them does not fit,
 * none does: a pass over a queue of any length looks at the heads of classes only. A class that did
 * not fit is left alone until something has been released on one of its chips.
 *
 *     active classes ─► class 17: heap of jobs by (key, tie)
 *                       class 4:  heap ...   blocked until the releases of its chips change
 */
#ifndef FUYAO_SCHED_QUEUE_H
#define FUYAO_SCHED_QUEUE_H

#include "base/heap.h"
#include "base/pack.h"
#include "fleet/state.h"

typedef struct fy_queue_class {
    fy_heap heap;
    int32_t active_at;   /* place among the active classes of its need, -1 = empty */
    int32_t need;        /* index into fy_queue.active */
    uint64_t blocked_at; /* releases when it last did not fit, UINT64_MAX = not blocked */
    fy_reason why;       /* why it did not fit */
} fy_queue_class;

/* Active classes by the least devices that their gangs need: [0] none or a share, [b] 2^(b-1) and
 * more, so that a pass can leave out those for whom no chip has devices enough. */
enum { FY_NEEDS = 24 };

typedef struct fy_queue_list {
    int32_t *classes;
    size_t n, room;
} fy_queue_list;

typedef struct fy_queue {
    fy_heap_pos pos;         /* by job slot */
    fy_queue_class *classes; /* [n] by class */
    size_t n, room;
    fy_queue_list active[FY_NEEDS]; /* classes with waiting jobs, by need */
    size_t n_jobs;
} fy_queue; /* zero-initialised is valid and empty */

/* Put `job` in, or give it a new place in the order. */
void fy_queue_put(fy_queue *queue, const fy_job *job, int64_t key, int64_t tie);
void fy_queue_remove(fy_queue *queue, const fy_job *job);
bool fy_queue_has(const fy_queue *queue, const fy_job *job);

/*
 * Keep the queue in step with an event: jobs that begin to wait are put in with key and tie from
 * `order`, jobs that no longer wait are taken out, and jobs that a larger fleet can place now are
 * looked for. O(log n).
 */
typedef void (*fy_order_fn)(void *ctx, const fy_job *job, int64_t *key, int64_t *tie);
void fy_queue_observe(fy_queue *queue, const fy_fleet *fleet, const fy_event *event,
                      const fy_job *job, fy_order_fn order, void *ctx);

/* The class did not fit: leave it alone until something is released. */
void fy_queue_block(fy_queue *queue, const fy_fleet *fleet, int32_t cls, fy_reason why);
bool fy_queue_blocked(const fy_queue *queue, const fy_fleet *fleet, int32_t cls);

/* Something that no release shows has changed: look at every class again. O(active classes). */
void fy_queue_unblock(fy_queue *queue);

/* The class whose first job comes first of all, among those not blocked; -1 = none. */
int32_t fy_queue_first(const fy_queue *queue, const fy_fleet *fleet);

/*
 * The same where classes have a rank before their first job's key: the least rank wins, INT64_MAX
 * is passed over. `rank` sees the class's key, its first job, and whether a chip it accepts has
 * devices enough for it, counted; classes without room are not shown unless `all`.
 */
typedef int64_t (*fy_rank_fn)(void *ctx, const fy_class_key *key, const fy_job *head, bool room);
int32_t fy_queue_first_ranked(const fy_queue *queue, const fy_fleet *fleet, bool all,
                              fy_rank_fn rank, void *ctx);

/* Has a chip that the class accepts devices enough free for it, wherever they are? */
bool fy_class_has_room(const fy_fleet *fleet, const fy_class_key *key);

/* The first job of a class; NULL where it is empty. */
fy_job *fy_queue_head(const fy_queue *queue, const fy_fleet *fleet, int32_t cls);

/* Is it a limit of the job's own tenant or array? Who waits for one holds up nobody. */
bool fy_own_limit(fy_reason why);

/*
 * The class whose first job comes first of all, blocked or not, passing over those blocked by a
 * limit of their own; -1 = none.
 */
int32_t fy_queue_front(const fy_queue *queue, const fy_fleet *fleet);

/* Why `job`, which waits, waits: what its class ran into, or that it stands behind another. */
fy_reason fy_queue_explain(const fy_queue *queue, const fy_fleet *fleet, const fy_job *job,
                           int64_t *other);

/* Which classes did not fit, and why: what a queue filled anew does not know. */
void fy_queue_save(const fy_queue *queue, fy_str *out);
bool fy_queue_load(fy_queue *queue, const fy_fleet *fleet, fy_unpack *in);

void fy_queue_free(fy_queue *queue);

/* Order: priority first, then `x` (0 <= x < 2^60). */
static inline int64_t fy_order_key(const fy_job *job, int64_t x)
{
    return ((int64_t)job->rec.priority << 60) | x;
}

#endif
