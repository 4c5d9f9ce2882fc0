/* SPDX-License-Identifier: MIT */
/* Jobs' slots, the copies of their records, and arrays. */
#include "fleet/internal.h"

#include <string.h>

fy_job_spec fy_job_spec_default(void)
{
    return (fy_job_spec){.name = "",
                         .tenant = "",
                         .priority = FY_NORMAL,
                         .workers = 1,
                         .min_workers = 1,
                         .max_workers = 1,
                         .devices = 1,
                         .work = NAN,
                         .mix = {NAN, NAN, NAN, NAN},
                         .cancel_us = -1,
                         .checkpoint_interval_us = -1,
                         .checkpoint_cost_us = -1,
                         .restart_cost_us = -1,
                         .limit_us = -1,
                         .deadline_us = -1,
                         .array_index = -1,
                         .array_of = -1};
}

/* ------------------------------------------------------------------ arrays */

static size_t array_bucket(const fy_fleet *fleet, int64_t of)
{
    return fy_hash_bytes(&of, sizeof of) & (fleet->array_buckets - 1);
}

static void grow_array_hash(fy_fleet *fleet)
{
    size_t buckets = fleet->array_buckets > 0 ? fleet->array_buckets * 4 : 64;

    fleet->array_hash = fy_realloc(fleet->array_hash, buckets, sizeof *fleet->array_hash);
    fleet->array_buckets = buckets;
    memset(fleet->array_hash, 0xff, buckets * sizeof *fleet->array_hash);
    for (size_t i = 0; i < fleet->n_arrays; i++) {
        size_t b = array_bucket(fleet, fleet->arrays[i].of);

        fleet->arrays[i].next = fleet->array_hash[b];
        fleet->array_hash[b] = (int32_t)i;
    }
}

int32_t fy_array_at(fy_fleet *fleet, int64_t of)
{
    size_t b;

    if (fleet->n_arrays >= fleet->array_buckets) {
        grow_array_hash(fleet);
    }
    b = array_bucket(fleet, of);
    for (int32_t i = fleet->array_hash[b]; i >= 0; i = fleet->arrays[i].next) {
        if (fleet->arrays[i].of == of) {
            return i;
        }
    }
    fleet->arrays =
        fy_grow(fleet->arrays, &fleet->arrays_room, fleet->n_arrays + 1, sizeof *fleet->arrays);
    fleet->arrays[fleet->n_arrays] = (fy_array){.of = of, .next = fleet->array_hash[b]};
    fleet->array_hash[b] = (int32_t)fleet->n_arrays;
    return (int32_t)fleet->n_arrays++;
}

/* The array that the record's limit is about, made where it is new; -1 = none. */
static int32_t array_of(fy_fleet *fleet, const fy_job_record *rec)
{
    bool limited = rec->array_limit > 0 && rec->array_of >= 0; /* else it limits nothing */

    return limited ? fy_array_at(fleet, rec->array_of) : -1;
}

/* ------------------------------------------------------------------ jobs */

void fy_job_wait(fy_fleet *fleet, fy_job *job)
{
    fy_class *cls = &fleet->classes[job->cls];

    if (cls->shape != fleet->shape) {
        fy_class_refresh(fleet, cls); /* the fleet changed while the job ran or was held */
    }
    job->never = cls->never;
    job->state = FY_JOB_WAITING;
    job->queued_us = fleet->now_us;
    fleet->n_waiting++;
    fleet->n_never += job->never != FY_WHY_NONE;
    fleet->tenants[job->tenant].n_waiting++;
}

void fy_job_unwait(fy_fleet *fleet, fy_job *job, fy_job_state state)
{
    job->state = state;
    fleet->n_waiting--;
    fleet->n_never -= job->never != FY_WHY_NONE;
    fleet->tenants[job->tenant].n_waiting--;
}

/* Spans stay far from the ends of 64 bits, so that sums of a few of them fit: 31,000 years. */
static const int64_t longest_us = 1000000000000000000;

int fy_job_record_check(const fy_fleet *fleet, const fy_job_record *rec, int64_t id, fy_err *err)
{
    uint64_t seen = 0;
    bool ok =
        rec->workers >= 1 && rec->min_workers >= 1 && rec->min_workers <= rec->workers &&
        rec->max_workers >= rec->workers && rec->max_workers <= 1 << 20 && rec->devices >= 0 &&
        rec->devices <= 4096 && rec->milli >= 0 && rec->milli < FY_WHOLE && rec->spares >= 0 &&
        rec->spares <= 1 << 20 && rec->cpu_milli >= 0 && rec->cpu_milli <= FY_PLENTY / (1 << 21) &&
        rec->memory_mib >= 0 && rec->memory_mib <= FY_PLENTY / (1 << 21) && rec->work_q >= -1 &&
        rec->checkpoint_interval_us >= 0 && rec->checkpoint_cost_us >= 0 &&
        rec->restart_cost_us >= 0 && rec->min_run_us >= 0 && rec->limit_us >= -1 &&
        rec->checkpoint_cost_us <= longest_us && rec->restart_cost_us <= longest_us &&
        (rec->checkpoint_interval_us <= longest_us || rec->checkpoint_interval_us == FY_NEVER) &&
        rec->min_run_us <= longest_us && rec->limit_us <= longest_us && rec->array_limit >= 0 &&
        rec->q_per_unit > 0 && rec->n_rates >= 0 && rec->n_after >= 0 &&
        (int64_t)(rec->max_workers + rec->spares) * rec->devices <= 1 << 30 &&
        (unsigned)rec->priority <= FY_SPOT && (unsigned)rec->end <= FY_END_CANCEL;

    if (!ok || (rec->milli > 0 && (rec->max_workers != 1 || rec->devices != 1))) {
        return fy_fail(err, FY_EINVAL, "job %s: its size, work or costs are out of range",
                       rec->name);
    }
    if (rec->tenant < 0 || (size_t)rec->tenant >= fleet->n_tenants) {
        return fy_fail(err, FY_EINVAL, "job %s: no tenant %d", rec->name, rec->tenant);
    }
    for (int i = 0; i < rec->n_rates; i++) {
        uint64_t bit = (uint64_t)1 << (rec->rates[i].chip & 63);
        bool twice = (seen & bit) != 0;

        seen |= bit;
        if (twice || rec->rates[i].chip < 0 || rec->rates[i].chip >= fleet->n_chips ||
            rec->rates[i].rate_q < 0 || rec->rates[i].spread_q < 0) {
            return fy_fail(err, FY_EINVAL, "job %s: rate %d is malformed", rec->name, i);
        }
    }
    for (int i = 0; i < rec->n_after; i++) {
        if (rec->after[i] < 0 || rec->after[i] >= id) {
            return fy_fail(err, FY_EINVAL, "job %s depends on job %lld, which is not before it",
                           rec->name, (long long)rec->after[i]);
        }
    }
    return 0;
}

void fy_job_copy_record(fy_fleet *fleet, fy_job *job, const fy_job_record *rec)
{
    size_t rates = (size_t)rec->n_rates * sizeof(fy_rate);
    size_t after = (size_t)rec->n_after * sizeof(int64_t);
    size_t name = strlen(rec->name) + 1;
    char *block;

    job->block_size = rates + after + name;
    block = job->block = fy_blocks_get(&fleet->blocks, job->block_size);
    job->rec = *rec;
    job->rec.rates = (fy_rate *)(void *)block;
    job->rec.after = (int64_t *)(void *)(block + rates);
    job->rec.name = block + rates + after;
    if (rates > 0) {
        memcpy(block, rec->rates, rates);
    }
    if (after > 0) {
        memcpy(block + rates, rec->after, after);
    }
    memcpy(block + rates + after, rec->name, name);
}

/* Register the job with those it waits for. Returns true if one can no longer finish well. */
static bool await(fy_fleet *fleet, fy_job *job)
{
    for (int i = 0; i < job->rec.n_after; i++) {
        fy_job *first = fy_fleet_job(fleet, job->rec.after[i]);
        int32_t how = fleet->slot_of[job->rec.after[i]];

        if (first != NULL) {
            fy_dependent *link = fy_blocks_get(&fleet->blocks, sizeof *link);

            *link = (fy_dependent){.next = first->dependents, .id = job->id};
            first->dependents = link;
            job->n_open++;
        } else if (how != FY_ENDED_OK) {
            return true;
        }
    }
    return false;
}

static fy_job *take_slot(fy_fleet *fleet)
{
    int32_t slot;

    if (fleet->n_free_slots > 0) {
        slot = fleet->free_slots[--fleet->n_free_slots];
        /* The last job's record stayed readable until now, for those who count what ended. */
        fy_blocks_put(&fleet->blocks, fleet->jobs[slot]->block, fleet->jobs[slot]->block_size);
    } else {
        slot = (int32_t)fleet->n_slots;
        fleet->jobs =
            fy_grow(fleet->jobs, &fleet->slots_room, fleet->n_slots + 1, sizeof(fy_job *));
        fleet->jobs[fleet->n_slots++] = fy_arena_alloc(&fleet->arena, sizeof(fy_job));
    }
    *fleet->jobs[slot] = (fy_job){.slot = slot};
    return fleet->jobs[slot];
}

int fy_job_new(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job;
    bool broken;

    if (fy_job_record_check(fleet, event->job_record, event->job, err) != 0) {
        return FY_EINVAL;
    }
    if (event->job != (int64_t)fleet->n_ids && !(fleet->n_ids == 0 && event->job == 1)) {
        return fy_fail(err, FY_EINVAL, "job %s has id %lld; the next id is %zu",
                       event->job_record->name, (long long)event->job, fleet->n_ids);
    }
    if (event->job == 1 && fleet->n_ids == 0) { /* people count jobs from 1: there is no job 0 */
        fleet->slot_of = fy_grow(fleet->slot_of, &fleet->ids_room, 1, sizeof *fleet->slot_of);
        fleet->slot_of[fleet->n_ids++] = FY_ENDED_CANCELLED;
    }
    job = take_slot(fleet);
    job->id = event->job;
    job->tenant = event->job_record->tenant;
    fy_job_copy_record(fleet, job, event->job_record);
    fleet->slot_of =
        fy_grow(fleet->slot_of, &fleet->ids_room, fleet->n_ids + 1, sizeof *fleet->slot_of);
    fleet->slot_of[fleet->n_ids++] = job->slot;
    job->cls = fy_class_of(fleet, &job->rec);
    job->array = array_of(fleet, &job->rec);
    if (job->array >= 0) {
        fleet->arrays[job->array].mask |= fleet->classes[job->cls].key.mask;
    }
    if (fleet->classes[job->cls].shape != fleet->shape) {
        fy_class_refresh(fleet, &fleet->classes[job->cls]);
    }
    job->never = fleet->classes[job->cls].never;
    job->submit_us = job->queued_us = job->held_at_us = event->t_us;
    job->first_start_us = -1;
    job->chip = -1;
    for (int i = 0; i < 3; i++) {
        job->failed_nodes[i] = -1;
    }
    job->active_at_submit = fleet->active_int;
    fleet->n_live++;
    fleet->n_active++;
    broken = await(fleet, job);
    if (broken) {
        job->state = FY_JOB_HELD; /* its dependency can never be satisfied */
        job->n_open = -1;
    } else if (job->n_open > 0) {
        job->state = FY_JOB_BLOCKED;
    } else {
        fy_job_wait(fleet, job);
    }
    return 0;
}

/* One of those that `job` waited for has ended. */
static void settle_dependent(fy_fleet *fleet, fy_job *job, int32_t how)
{
    if (job == NULL || job->n_open <= 0) {
        return;
    }
    if (how != FY_ENDED_OK) {
        job->state = FY_JOB_HELD;
        job->n_open = -1;
        return;
    }
    if (--job->n_open == 0 && job->state == FY_JOB_BLOCKED) {
        fy_job_wait(fleet, job);
        fy_job_wake(fleet, job);
    }
}

void fy_job_end(fy_fleet *fleet, fy_job *job, int32_t how)
{
    fy_dependent *link = job->dependents;

    if (job->state == FY_JOB_WAITING) {
        fy_job_unwait(fleet, job, FY_JOB_GONE);
    }
    job->state = FY_JOB_GONE;
    job->dependents = NULL;
    fleet->slot_of[job->id] = how;
    fleet->n_live--;
    fleet->n_active--;
    while (link != NULL) {
        fy_dependent *next = link->next;

        settle_dependent(fleet, fy_fleet_job(fleet, link->id), how);
        fy_blocks_put(&fleet->blocks, link, sizeof *link);
        link = next;
    }
    fleet->free_slots = fy_grow(fleet->free_slots, &fleet->free_slots_room, fleet->n_free_slots + 1,
                                sizeof *fleet->free_slots);
    fleet->free_slots[fleet->n_free_slots++] = job->slot;
}
