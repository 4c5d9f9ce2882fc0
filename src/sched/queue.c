/* SPDX-License-Identifier: MIT */
#include "sched/queue.h"

#include <stdlib.h>

static fy_queue_class *class_at(fy_queue *queue, int32_t cls)
{
    queue->classes = fy_grow(queue->classes, &queue->room, (size_t)cls + 1, sizeof *queue->classes);
    for (; queue->n <= (size_t)cls; queue->n++) {
        queue->classes[queue->n] = (fy_queue_class){.active_at = -1, .blocked_at = UINT64_MAX};
    }
    return &queue->classes[cls];
}

bool fy_queue_has(const fy_queue *queue, const fy_job *job)
{
    return fy_heap_has(&queue->pos, job->slot);
}

/* Devices that the smallest gang of the class takes; 0 where it wants none or a share. */
static int64_t need_of(const fy_class_key *key)
{
    return key->milli > 0 ? 0 : (int64_t)(key->min_workers + key->spares) * key->devices;
}

static int32_t need_index(int64_t need)
{
    int32_t b = need > 0 ? 64 - __builtin_clzll((unsigned long long)need) : 0;

    return b < FY_NEEDS ? b : FY_NEEDS - 1;
}

static void activate(fy_queue *queue, fy_queue_class *qc, const fy_job *job)
{
    const fy_job_record *rec = &job->rec;
    fy_class_key key = {.milli = rec->milli,
                        .min_workers = rec->min_workers,
                        .spares = rec->spares,
                        .devices = rec->devices};
    fy_queue_list *list;

    qc->need = need_index(need_of(&key));
    list = &queue->active[qc->need];
    list->classes = fy_grow(list->classes, &list->room, list->n + 1, sizeof *list->classes);
    qc->active_at = (int32_t)list->n;
    list->classes[list->n++] = job->cls;
}

static void deactivate(fy_queue *queue, fy_queue_class *qc)
{
    fy_queue_list *list = &queue->active[qc->need];
    int32_t last = list->classes[--list->n];

    list->classes[qc->active_at] = last;
    queue->classes[last].active_at = qc->active_at;
    qc->active_at = -1;
}

void fy_queue_put(fy_queue *queue, const fy_job *job, int64_t key, int64_t tie)
{
    fy_queue_class *qc = class_at(queue, job->cls);

    queue->n_jobs += !fy_queue_has(queue, job);
    fy_heap_set(&qc->heap, &queue->pos, job->slot, key, tie);
    if (qc->active_at < 0) {
        activate(queue, qc, job);
    }
}

void fy_queue_remove(fy_queue *queue, const fy_job *job)
{
    fy_queue_class *qc;

    if (!fy_queue_has(queue, job)) {
        return;
    }
    qc = class_at(queue, job->cls);
    fy_heap_remove(&qc->heap, &queue->pos, job->slot);
    queue->n_jobs--;
    if (qc->heap.n == 0) {
        deactivate(queue, qc);
    }
}

/* In the queue stand those that wait and can be placed. */
static void put_waiting(fy_queue *queue, const fy_job *job, fy_order_fn order, void *ctx)
{
    int64_t key, tie;

    if (job->state != FY_JOB_WAITING || job->never != FY_WHY_NONE) {
        fy_queue_remove(queue, job);
    } else if (!fy_queue_has(queue, job)) {
        order(ctx, job, &key, &tie);
        fy_queue_put(queue, job, key, tie);
    }
}

void fy_queue_observe(fy_queue *queue, const fy_fleet *fleet, const fy_event *event,
                      const fy_job *job, fy_order_fn order, void *ctx)
{
    if (job != NULL) {
        put_waiting(queue, job, order, ctx);
    }
    if (event->kind == FY_EV_LIMITS && job != NULL && fy_queue_has(queue, job)) {
        class_at(queue, job->cls)->blocked_at = UINT64_MAX; /* it may end before a window now */
    }
    /* Dependents of a job that has finished, and jobs that can be placed now, or no more. */
    for (size_t i = 0; i < fleet->n_woken; i++) {
        put_waiting(queue, fleet->jobs[fleet->woken[i]], order, ctx);
    }
}

/* Grows whenever the class may fit though it did not: releases on the chips that concern it. */
static uint64_t releases(const fy_fleet *fleet, int32_t cls)
{
    const fy_class_key *key = &fleet->classes[cls].key;
    bool all = fleet->tenants[key->tenant].borrow_milli >= 0 || fleet->power_cap_mw != FY_NEVER;
    uint64_t sum = 0;

    for (int c = 0; c < fleet->n_chips; c++) {
        sum += all || (key->mask >> c & 1) != 0 ? fleet->pools[c].releases : 0;
    }
    return sum;
}

void fy_queue_block(fy_queue *queue, const fy_fleet *fleet, int32_t cls, fy_reason why)
{
    fy_queue_class *qc = class_at(queue, cls);

    qc->blocked_at = releases(fleet, cls);
    qc->why = why;
}

void fy_queue_unblock(fy_queue *queue)
{
    for (int b = 0; b < FY_NEEDS; b++) {
        for (size_t i = 0; i < queue->active[b].n; i++) {
            queue->classes[queue->active[b].classes[i]].blocked_at = UINT64_MAX;
        }
    }
}

bool fy_queue_blocked(const fy_queue *queue, const fy_fleet *fleet, int32_t cls)
{
    const fy_queue_class *qc = &queue->classes[cls];

    return qc->blocked_at != UINT64_MAX && qc->blocked_at == releases(fleet, cls);
}

static bool earlier(const fy_queue *queue, int32_t a, int32_t b)
{
    const fy_heap_entry *x, *y;

    if (b < 0) {
        return true;
    }
    x = fy_heap_top(&queue->classes[a].heap);
    y = fy_heap_top(&queue->classes[b].heap);
    return x->key != y->key ? x->key < y->key : x->tie < y->tie;
}

int32_t fy_queue_first(const fy_queue *queue, const fy_fleet *fleet)
{
    int32_t best = -1;

    for (int b = 0; b < FY_NEEDS; b++) {
        for (size_t i = 0; i < queue->active[b].n; i++) {
            int32_t cls = queue->active[b].classes[i];

            if (earlier(queue, cls, best) && !fy_queue_blocked(queue, fleet, cls)) {
                best = cls;
            }
        }
    }
    return best;
}

bool fy_class_has_room(const fy_fleet *fleet, const fy_class_key *key)
{
    int64_t need = need_of(key);

    for (uint64_t left = key->mask; left != 0; left &= left - 1) {
        const fy_pool *pool = &fleet->pools[__builtin_ctzll(left)];

        if ((key->milli > 0 ? pool->idle_milli >= key->milli : pool->n_whole >= need) ||
            pool->reserved.count > 0) {
            return true;
        }
    }
    return false;
}

/* The greatest need that any chip can meet, counted. */
static int32_t greatest_need(const fy_fleet *fleet)
{
    int32_t most = 0;

    for (int c = 0; c < fleet->n_chips; c++) {
        if (fleet->pools[c].reserved.count > 0) {
            return FY_NEEDS - 1;
        }
        most = fleet->pools[c].n_whole > most ? fleet->pools[c].n_whole : most;
    }
    return need_index(most);
}

int32_t fy_queue_first_ranked(const fy_queue *queue, const fy_fleet *fleet, bool all,
                              fy_rank_fn rank, void *ctx)
{
    int32_t most = all ? FY_NEEDS - 1 : greatest_need(fleet);
    int32_t best = -1;
    int64_t best_rank = INT64_MAX;

    for (int b = 0; b <= most; b++) {
        for (size_t i = 0; i < queue->active[b].n; i++) {
            int32_t cls = queue->active[b].classes[i];
            const fy_class_key *key = &fleet->classes[cls].key;
            bool room = fy_class_has_room(fleet, key);
            int64_t r;

            if ((!room && !all) || fy_queue_blocked(queue, fleet, cls)) {
                continue;
            }
            r = rank(ctx, key, fy_queue_head(queue, fleet, cls), room);
            if (r < best_rank || (r == best_rank && r < INT64_MAX && earlier(queue, cls, best))) {
                best = cls;
                best_rank = r;
            }
        }
    }
    return best;
}

fy_job *fy_queue_head(const fy_queue *queue, const fy_fleet *fleet, int32_t cls)
{
    const fy_heap_entry *top = fy_heap_top(&queue->classes[cls].heap);

    return top != NULL ? fleet->jobs[top->item] : NULL;
}

bool fy_own_limit(fy_reason why)
{
    return why == FY_WHY_TENANT_LIMIT || why == FY_WHY_ARRAY_LIMIT;
}

int32_t fy_queue_front(const fy_queue *queue, const fy_fleet *fleet)
{
    int32_t best = -1;

    for (int b = 0; b < FY_NEEDS; b++) {
        for (size_t i = 0; i < queue->active[b].n; i++) {
            int32_t cls = queue->active[b].classes[i];

            if (earlier(queue, cls, best) &&
                !(fy_own_limit(queue->classes[cls].why) && fy_queue_blocked(queue, fleet, cls))) {
                best = cls;
            }
        }
    }
    return best;
}

fy_reason fy_queue_explain(const fy_queue *queue, const fy_fleet *fleet, const fy_job *job,
                           int64_t *other)
{
    const fy_job *head;

    *other = -1;
    if ((size_t)job->cls >= queue->n || queue->classes[job->cls].active_at < 0) {
        return FY_WHY_NEXT_ROUND;
    }
    head = fy_queue_head(queue, fleet, job->cls);
    if (fy_queue_blocked(queue, fleet, job->cls)) {
        return queue->classes[job->cls].why;
    }
    if (head != job) {
        *other = head->id;
        return FY_WHY_BEHIND;
    }
    if (!fy_class_has_room(fleet, &fleet->classes[job->cls].key)) {
        return FY_WHY_NO_DEVICES;
    }
    return FY_WHY_NEXT_ROUND;
}

void fy_queue_save(const fy_queue *queue, fy_str *out)
{
    fy_pack_count(out, queue->n);
    for (size_t i = 0; i < queue->n; i++) {
        fy_pack_int(out, queue->classes[i].why);
        fy_pack_count(out, queue->classes[i].blocked_at);
    }
}

bool fy_queue_load(fy_queue *queue, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n = fy_unpack_count(in);

    if (n > fleet->n_classes) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        fy_queue_class *qc = class_at(queue, (int32_t)i);

        qc->why = (fy_reason)fy_unpack_in(in, 0, FY_N_REASONS - 1);
        qc->blocked_at = fy_unpack_u64(in);
    }
    return !in->failed;
}

void fy_queue_free(fy_queue *queue)
{
    for (size_t i = 0; i < queue->n; i++) {
        fy_heap_free(&queue->classes[i].heap);
    }
    free(queue->classes);
    for (int b = 0; b < FY_NEEDS; b++) {
        free(queue->active[b].classes);
    }
    fy_heap_pos_free(&queue->pos);
    *queue = (fy_queue){0};
}
