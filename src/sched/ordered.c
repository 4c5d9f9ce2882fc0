/* SPDX-License-Identifier: MIT */
#include "sched/ordered.h"

#include "sched/kept.h"

#include <stdlib.h>

void fy_ordered_init(fy_ordered *o, const fy_ordered_ops *ops, void *ctx)
{
    *o = (fy_ordered){.ops = ops, .ctx = ctx};
    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        o->claim[c] = -1;
    }
}

void fy_ordered_free(fy_ordered *o)
{
    for (size_t h = 0; h < o->n_heaps; h++) {
        fy_heap_free(&o->heaps[h].heap);
    }
    fy_queue_free(&o->queue);
    fy_heap_free(&o->due);
    fy_heap_pos_free(&o->pos);
    fy_heap_pos_free(&o->due_pos);
    fy_whatif_free(&o->what);
    free(o->heaps);
    free(o->heap_of);
    free(o->asked_us);
    free(o->stopping);
    free(o->taken);
    free(o->chosen);
    free(o->vain);
    *o = (fy_ordered){0};
}

/* ------------------------------------------------------------------ those that run */

static int32_t heap_for(fy_ordered *o, int32_t chip, int64_t weight)
{
    size_t h = 0;

    while (h < o->n_heaps && (o->heaps[h].chip != chip || o->heaps[h].weight != weight)) {
        h++;
    }
    if (h == o->n_heaps) {
        o->heaps = fy_grow(o->heaps, &o->heaps_room, h + 1, sizeof *o->heaps);
        o->heaps[o->n_heaps++] = (fy_ordered_heap){.chip = chip, .weight = weight};
    }
    return (int32_t)h;
}

static void running_remove(fy_ordered *o, const fy_job *job)
{
    if (fy_heap_has(&o->pos, job->slot)) {
        fy_heap_remove(&o->heaps[o->heap_of[job->slot]].heap, &o->pos, job->slot);
    }
}

/* Put a running job where it stands now, unless nothing may stop it. */
static void running_put(fy_ordered *o, const fy_job *job, int64_t now_us)
{
    int64_t due = o->ops->due != NULL ? o->ops->due(o->ctx, job, now_us) : FY_NEVER;
    int64_t safe_us = job->rec.min_run_us < FY_NEVER - job->start_us
                          ? job->start_us + job->rec.min_run_us
                          : FY_NEVER;

    running_remove(o, job);
    if (job->rec.work_q < 0) {
        due = FY_NEVER;
    } else if (safe_us > now_us) {
        due = safe_us;
    } else {
        int64_t key, weight;

        o->ops->place(o->ctx, job, now_us, &key, &weight);
        o->heap_of[job->slot] = heap_for(o, job->chip, weight);
        fy_heap_set(&o->heaps[o->heap_of[job->slot]].heap, &o->pos, job->slot, key, -job->id);
    }
    if (due < FY_NEVER) {
        fy_heap_set(&o->due, &o->due_pos, job->slot, due, job->id);
    } else {
        fy_heap_remove(&o->due, &o->due_pos, job->slot);
    }
}

/* ------------------------------------------------------------------ observing */

static void know_slots(fy_ordered *o, const fy_fleet *fleet)
{
    o->heap_of = fy_grow(o->heap_of, &o->heap_of_room, fleet->n_slots + 1, sizeof *o->heap_of);
    o->asked_us = fy_grow(o->asked_us, &o->asked_room, fleet->n_slots + 1, sizeof *o->asked_us);
    for (; o->n_slots < fleet->n_slots; o->n_slots++) {
        o->heap_of[o->n_slots] = -1;
        o->asked_us[o->n_slots] = FY_NEVER;
    }
}

static void note_stopping(fy_ordered *o, const fy_fleet *fleet, const fy_event *event,
                          const fy_job *job)
{
    const fy_job *other = fy_fleet_job(fleet, event->a);

    o->stopping = fy_grow(o->stopping, &o->stopping_room, o->n_stopping + 1, sizeof *o->stopping);
    o->stopping[o->n_stopping++] = job->slot;
    if (other != NULL) {
        o->claim[job->chip] = other->id;
        o->asked_us[other->slot] = event->t_us;
    }
}

static void forget_stopping(fy_ordered *o, const fy_job *job)
{
    for (size_t i = 0; i < o->n_stopping; i++) {
        if (o->stopping[i] == job->slot) {
            o->stopping[i] = o->stopping[--o->n_stopping];
            return;
        }
    }
}

/* Time has moved some jobs in the order: what did not fit may fit now. */
static void ripen(fy_ordered *o, const fy_fleet *fleet, int64_t now_us)
{
    const fy_heap_entry *top;
    bool any = false;

    while ((top = fy_heap_top(&o->due)) != NULL && top->key <= now_us) {
        const fy_job *job = fleet->jobs[top->item];
        int64_t key, tie;

        fy_heap_remove(&o->due, &o->due_pos, job->slot);
        any = true;
        if (job->state == FY_JOB_RUNNING) {
            running_put(o, job, now_us);
        } else if (fy_queue_has(&o->queue, job)) {
            o->ops->ripen(o->ctx, job, now_us);
            o->ops->order(o->ctx, job, &key, &tie);
            fy_queue_put(&o->queue, job, key, tie);
        }
    }
    if (any) {
        fy_queue_unblock(&o->queue);
    }
}

void fy_ordered_observe(fy_ordered *o, const fy_fleet *fleet, const fy_event *event,
                        const fy_job *job)
{
    know_slots(o, fleet);
    fy_queue_observe(&o->queue, fleet, event, job, o->ops->order, o->ctx);
    if (event->kind == FY_EV_ROUND) {
        ripen(o, fleet, event->t_us);
    }
    if (job == NULL) {
        return;
    }
    forget_stopping(o, job);
    if (event->kind == FY_EV_SUBMITTED) {
        o->asked_us[job->slot] = FY_NEVER;
    }
    if (event->kind == FY_EV_STOPPING) {
        note_stopping(o, fleet, event, job);
    }
    if (job->state == FY_JOB_RUNNING) {
        running_put(o, job, event->t_us);
        return;
    }
    running_remove(o, job);
    fy_heap_remove(&o->due, &o->due_pos, job->slot);
    if (fy_queue_has(&o->queue, job)) {
        int64_t due = o->ops->due != NULL ? o->ops->due(o->ctx, job, event->t_us) : FY_NEVER;

        if (due < FY_NEVER) {
            fy_heap_set(&o->due, &o->due_pos, job->slot, due, job->id);
        }
        if (fy_queue_head(&o->queue, fleet, job->cls) == job) {
            o->queue.classes[job->cls].blocked_at =
                UINT64_MAX; /* it may drive out whom the others of its class may not */
        }
    }
}

int64_t fy_ordered_wake(const fy_ordered *o, const fy_fleet *fleet)
{
    const fy_heap_entry *top = o->queue.n_jobs > 0 ? fy_heap_top(&o->due) : NULL;

    if (top == NULL) {
        return FY_NEVER;
    }
    return top->key > fleet->now_us ? top->key : fleet->now_us;
}

/* ------------------------------------------------------------------ making way */

/* The job on `chip` that comes last in order and after `rank`; NULL = none. */
static fy_job *last_running(const fy_ordered *o, const fy_round *round, int chip, int64_t rank)
{
    fy_job *last = NULL;

    for (size_t h = 0; h < o->n_heaps; h++) {
        const fy_heap_entry *top = fy_heap_top(&o->heaps[h].heap);
        fy_job *job =
            top != NULL && o->heaps[h].chip == chip ? round->fleet->jobs[top->item] : NULL;
        int64_t at = job != NULL ? o->ops->rank_running(o->ctx, job, round->now_us) : rank;

        if (at > rank) {
            last = job;
            rank = at;
        }
    }
    return last;
}

/* Would the job fit, and the power cap hold, without those chosen? */
static bool enough(const fy_ordered *o, const fy_fleet *fleet, const fy_job *job, int chip)
{
    int64_t milli = fy_gang_milli(o->what.workers, job->rec.devices, job->rec.milli);
    int64_t power_mw = fleet->power_mw[FY_HI] + fleet->pools[chip].slack_mw * milli / FY_WHOLE;

    if (!fy_whatif_fits(&o->what)) {
        return false;
    }
    if (fleet->power_cap_mw == FY_NEVER) {
        return true;
    }
    for (size_t i = 0; i < o->n_chosen; i++) {
        power_mw -= o->chosen[i] != NULL ? o->chosen[i]->power_mw[FY_HI] : 0;
    }
    return power_mw <= fleet->power_cap_mw;
}

/* Take those that run from the last in order on until the job fits. */
static bool choose(fy_ordered *o, fy_round *round, const fy_job *job, int chip)
{
    int64_t rank = o->ops->rank(o->ctx, job, round->now_us);

    while (!enough(o, round->fleet, job, chip)) {
        fy_job *victim = last_running(o, round, chip, rank);

        if (victim == NULL) {
            return false;
        }
        running_remove(o, victim);
        o->taken = fy_grow(o->taken, &o->taken_room, o->n_taken + 1, sizeof(fy_job *));
        o->taken[o->n_taken++] = victim;
        if (o->ops->rank(o->ctx, victim, round->now_us) > rank) {
            o->chosen = fy_grow(o->chosen, &o->chosen_room, o->n_chosen + 1, sizeof(fy_job *));
            o->chosen[o->n_chosen++] = victim;
            fy_whatif_remove(&o->what, victim);
        }
    }
    return true;
}

/* Spare whom the job can do without, the first in order first. */
static void spare(fy_ordered *o, fy_round *round, const fy_job *job, int chip)
{
    for (size_t i = o->n_chosen; i-- > 0;) {
        fy_job *victim = o->chosen[i];

        fy_whatif_restore(&o->what, victim);
        o->chosen[i] = NULL;
        if (!enough(o, round->fleet, job, chip)) {
            fy_whatif_remove(&o->what, victim);
            o->chosen[i] = victim;
        }
    }
}

/* What the search for `job` on `chip` hangs on, beside the round. */
static fy_ordered_vain search_of(const fy_ordered *o, const fy_round *round, const fy_job *job,
                                 int chip)
{
    return (fy_ordered_vain){.rank = o->ops->rank(o->ctx, job, round->now_us),
                             .cpu_milli = job->rec.cpu_milli,
                             .memory_mib = job->rec.memory_mib,
                             .chip = chip,
                             .workers = job->rec.min_workers + job->rec.spares,
                             .devices = job->rec.devices,
                             .milli = job->rec.milli,
                             .tight = (round->fleet->classes[job->cls].key.tight >> chip & 1) != 0};
}

static bool same_ask(const fy_ordered_vain *a, const fy_ordered_vain *b)
{
    return a->chip == b->chip && a->workers == b->workers && a->devices == b->devices &&
           a->milli == b->milli && a->cpu_milli == b->cpu_milli && a->memory_mib == b->memory_mib &&
           a->tight == b->tight;
}

/* Was it searched in vain before? What starts since leaves less room; what stops leaves more. */
static bool in_vain(fy_ordered *o, const fy_round *round, const fy_ordered_vain *search)
{
    if (o->vain_stops != round->n_stops) {
        o->n_vain = 0;
        o->vain_stops = round->n_stops;
    }
    for (size_t i = 0; i < o->n_vain; i++) {
        if (same_ask(&o->vain[i], search) && o->vain[i].rank <= search->rank) {
            return true;
        }
    }
    return false;
}

static void note_vain(fy_ordered *o, const fy_round *round, const fy_ordered_vain *search)
{
    if (round->fleet->pools[search->chip].reserved.count == 0) { /* else it hangs on the tenant */
        o->vain = fy_grow(o->vain, &o->vain_room, o->n_vain + 1, sizeof *o->vain);
        o->vain[o->n_vain++] = *search;
    }
}

/* Can the job have its devices on `chip` from those that stop already, or must now? */
static bool make_way_on(fy_ordered *o, fy_round *round, const fy_job *job, int chip)
{
    fy_ordered_vain search = search_of(o, round, job, chip);
    bool found, on_their_way, may_ask = o->asked_us[job->slot] != round->now_us;

    if (round->fleet->pools[chip].stopping_milli == 0 &&
        last_running(o, round, chip, search.rank) == NULL) {
        return false; /* the usual case, told without counting any room */
    }
    if (in_vain(o, round, &search)) {
        return false;
    }
    o->n_taken = o->n_chosen = 0;
    fy_whatif_begin(&o->what, round->fleet, job, chip, job->rec.min_workers + job->rec.spares);
    for (size_t i = 0; i < o->n_stopping; i++) {
        const fy_job *gone = round->fleet->jobs[o->stopping[i]];

        if (gone->chip == chip) {
            fy_whatif_remove(&o->what, gone);
        }
    }
    on_their_way =
        round->fleet->pools[chip].stopping_milli > 0 && enough(o, round->fleet, job, chip);
    found = !on_their_way && may_ask && choose(o, round, job, chip);
    if (found) {
        spare(o, round, job, chip);
    } else if (!on_their_way && may_ask) {
        note_vain(o, round, &search);
    }
    fy_whatif_end(&o->what);
    for (size_t i = 0; i < o->n_taken; i++) {
        running_put(o, o->taken[i], round->now_us);
    }
    for (size_t i = 0; found && i < o->n_chosen; i++) {
        if (o->chosen[i] != NULL) {
            (void)fy_round_stop(round, o->chosen[i], o->ops->why_stop, job->id);
        }
    }
    if (on_their_way) {
        o->claim[chip] = job->id;
    }
    return found || on_their_way;
}

/* On the first chip of `mask`, in the job's order of preference, where that is possible. */
static void make_way(fy_ordered *o, fy_round *round, const fy_job *job, uint64_t mask)
{
    for (int i = 0; i < job->rec.n_rates && round->status == 0; i++) {
        int chip = job->rec.rates[i].chip;

        if (job->rec.rates[i].rate_q > 0 && (mask >> chip & 1) != 0 &&
            round->fleet->pools[chip].n_nodes > 0 && make_way_on(o, round, job, chip)) {
            return;
        }
    }
}

/* ------------------------------------------------------------------ deciding */

static bool comes_before(fy_ordered *o, const fy_job *a, const fy_job *b)
{
    int64_t key_a, tie_a, key_b, tie_b;

    o->ops->order(o->ctx, a, &key_a, &tie_a);
    o->ops->order(o->ctx, b, &key_b, &tie_b);
    return key_a != key_b ? key_a < key_b : tie_a < tie_b;
}

/* Chips on which devices are on their way to a job that comes before this one. */
static uint64_t claimed(fy_ordered *o, const fy_fleet *fleet, const fy_job *job)
{
    uint64_t mask = 0;

    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_job *owner = o->claim[c] >= 0 ? fy_fleet_job(fleet, o->claim[c]) : NULL;

        if (owner == NULL || owner->state != FY_JOB_WAITING ||
            fleet->pools[c].stopping_milli == 0) {
            o->claim[c] = -1;
        } else if (owner != job && comes_before(o, owner, job)) {
            mask |= (uint64_t)1 << c;
        }
    }
    return mask;
}

void fy_ordered_decide(fy_ordered *o, fy_round *round)
{
    o->n_vain = 0;
    o->vain_stops = round->n_stops;
    while (round->status == 0) {
        int32_t cls = fy_queue_first(&o->queue, round->fleet);
        fy_job *job = cls >= 0 ? fy_queue_head(&o->queue, round->fleet, cls) : NULL;
        uint64_t mask;
        fy_reason why;

        if (job == NULL) {
            return;
        }
        mask = ~claimed(o, round->fleet, job);
        if ((round->fleet->classes[cls].key.mask & mask) == 0) {
            fy_queue_block(&o->queue, round->fleet, cls, FY_WHY_BEHIND);
            continue;
        }
        why = fy_round_try(round, job, mask, FY_WHY_FIRST);
        if (why != FY_WHY_NONE) {
            if (!fy_own_limit(why)) {
                make_way(o, round, job, mask);
            }
            fy_queue_block(&o->queue, round->fleet, cls, why);
        }
    }
}

fy_reason fy_ordered_explain(const fy_ordered *o, const fy_fleet *fleet, const fy_job *job,
                             int64_t *other)
{
    fy_reason why = fy_queue_explain(&o->queue, fleet, job, other);

    for (int c = 0; why == FY_WHY_BEHIND && *other < 0 && c < fleet->n_chips; c++) {
        if ((fleet->classes[job->cls].key.mask >> c & 1) != 0) {
            *other = o->claim[c];
        }
    }
    return why;
}

/* ------------------------------------------------------------------ what it keeps */

void fy_ordered_save(const fy_ordered *o, const fy_fleet *fleet, fy_str *out)
{
    size_t asked = 0;

    fy_queue_save(&o->queue, out);
    fy_pack_count(out, o->n_heaps);
    for (size_t h = 0; h < o->n_heaps; h++) {
        fy_pack_int(out, o->heaps[h].chip);
        fy_pack_int(out, o->heaps[h].weight);
        fy_kept_save_heap(out, &o->heaps[h].heap);
    }
    fy_kept_save_heap(out, &o->due);
    for (size_t s = 0; s < o->n_slots; s++) {
        asked += o->asked_us[s] == fleet->now_us;
    }
    fy_pack_count(out, asked); /* what was asked at other instants decides nothing */
    for (size_t s = 0; s < o->n_slots; s++) {
        if (o->asked_us[s] == fleet->now_us) {
            fy_pack_int(out, (int64_t)s);
        }
    }
    for (int c = 0; c < fleet->n_chips; c++) {
        fy_pack_int(out, o->claim[c]);
    }
    fy_pack_count(out, o->n_stopping);
    for (size_t i = 0; i < o->n_stopping; i++) {
        fy_pack_int(out, o->stopping[i]);
    }
}

static bool load_running(fy_ordered *o, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n = fy_unpack_count(in);

    for (size_t h = 0; h < o->n_heaps; h++) {
        fy_heap_free(&o->heaps[h].heap);
    }
    fy_heap_pos_free(&o->pos);
    o->n_heaps = 0;
    for (size_t h = 0; h < n; h++) {
        int32_t chip = (int32_t)fy_unpack_in(in, 0, fleet->n_chips - 1);
        int64_t weight = fy_unpack_int(in);
        size_t before = o->n_heaps;
        int32_t at = in->failed ? -1 : heap_for(o, chip, weight);

        if (at != (int32_t)before ||
            !fy_kept_load_heap(in, fleet, true, &o->heaps[at].heap, &o->pos)) {
            return false;
        }
        for (size_t i = 0; i < o->heaps[at].heap.n; i++) {
            o->heap_of[o->heaps[at].heap.entries[i].item] = at;
        }
    }
    return true;
}

bool fy_ordered_load(fy_ordered *o, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n;

    know_slots(o, fleet);
    if (!fy_queue_load(&o->queue, fleet, in) || !load_running(o, fleet, in)) {
        return false;
    }
    fy_heap_free(&o->due);
    fy_heap_pos_free(&o->due_pos);
    if (!fy_kept_load_heap(in, fleet, false, &o->due, &o->due_pos)) {
        return false;
    }
    n = fy_unpack_count(in);
    for (size_t i = 0; i < n && !in->failed; i++) {
        int64_t slot = fy_unpack_in(in, 0, (int64_t)fleet->n_slots - 1);

        o->asked_us[in->failed ? 0 : slot] = fleet->now_us;
    }
    for (int c = 0; c < fleet->n_chips; c++) {
        o->claim[c] = fy_unpack_in(in, -1, INT64_MAX);
    }
    n = fy_unpack_count(in);
    o->n_stopping = 0;
    o->stopping = fy_grow(o->stopping, &o->stopping_room, n + 1, sizeof *o->stopping);
    for (size_t i = 0; i < n && !in->failed; i++) {
        int32_t slot = fy_kept_load_slot(in, fleet);

        in->failed |= slot >= 0 && fleet->jobs[slot]->state != FY_JOB_STOPPING;
        o->stopping[o->n_stopping++] = slot;
    }
    return !in->failed;
}

void fy_ordered_reorder(fy_ordered *o, const fy_fleet *fleet)
{
    for (size_t s = 0; s < fleet->n_slots; s++) {
        const fy_job *job = fleet->jobs[s];
        int64_t key, tie;

        if (job->state == FY_JOB_WAITING && fy_queue_has(&o->queue, job)) {
            o->ops->order(o->ctx, job, &key, &tie);
            fy_queue_put(&o->queue, job, key, tie);
        }
    }
}

/* ------------------------------------------------------------------ as a policy's functions */

void fy_ordered_policy_observe(fy_policy *policy, const fy_fleet *fleet, const fy_event *event,
                               const fy_job *job)
{
    fy_ordered_observe((fy_ordered *)(void *)policy, fleet, event, job);
}

void fy_ordered_policy_decide(fy_policy *policy, fy_round *round)
{
    fy_ordered_decide((fy_ordered *)(void *)policy, round);
}

int64_t fy_ordered_policy_wake(const fy_policy *policy, const fy_fleet *fleet)
{
    return fy_ordered_wake((const fy_ordered *)(const void *)policy, fleet);
}

fy_reason fy_ordered_policy_explain(const fy_policy *policy, const fy_fleet *fleet,
                                    const fy_job *job, int64_t *other)
{
    return fy_ordered_explain((const fy_ordered *)(const void *)policy, fleet, job, other);
}

void fy_ordered_policy_save(const fy_policy *policy, const fy_fleet *fleet, fy_str *out)
{
    fy_ordered_save((const fy_ordered *)(const void *)policy, fleet, out);
}

bool fy_ordered_policy_load(fy_policy *policy, const fy_fleet *fleet, fy_unpack *in)
{
    return fy_ordered_load((fy_ordered *)(void *)policy, fleet, in);
}
