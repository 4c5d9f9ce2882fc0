/* SPDX-License-Identifier: MIT */
/* Reading the jobs of a snapshot: records, progress, who waits for whom, and where gangs run. */
#include "fleet/internal.h"
#include "fleet/snapshot.h"

#include <stdlib.h>
#include <string.h>

static void load_lists(fy_load *l, fy_job_record *rec)
{
    size_t n = fy_unpack_count(&l->in);

    rec->n_rates = n <= FY_MAX_CHIPS ? (int)n : 0;
    l->in.failed |= n > FY_MAX_CHIPS;
    l->rates = fy_grow(l->rates, &l->rates_room, n + 1, sizeof *l->rates);
    for (int i = 0; i < rec->n_rates; i++) {
        l->rates[i].chip = fy_load_int32(l, 0, FY_MAX_CHIPS - 1);
        l->rates[i].grade = fy_load_int32(l, INT32_MIN, INT32_MAX);
        l->rates[i].rate_q = fy_unpack_int(&l->in);
        l->rates[i].spread_q = fy_unpack_int(&l->in);
    }
    n = fy_unpack_count(&l->in);
    rec->n_after = (int)n;
    l->in.failed |= n > INT32_MAX;
    l->after = fy_grow(l->after, &l->after_room, n + 1, sizeof *l->after);
    for (size_t i = 0; i < n && !l->in.failed; i++) {
        l->after[i] = fy_unpack_int(&l->in);
    }
    rec->rates = l->rates;
    rec->after = l->after;
}

static bool load_record(fy_load *l, fy_job *job)
{
    fy_job_record rec = {.name = fy_load_name(l), .tenant = job->tenant};
    int64_t limit_us;

    rec.priority = (fy_priority)fy_unpack_in(&l->in, FY_HIGH, FY_SPOT);
    rec.workers = fy_load_int32(l, 1, INT32_MAX);
    rec.min_workers = fy_load_int32(l, 1, INT32_MAX);
    rec.max_workers = fy_load_int32(l, 1, INT32_MAX);
    rec.devices = fy_load_int32(l, 0, INT32_MAX);
    rec.milli = fy_load_int32(l, 0, INT32_MAX);
    rec.spares = fy_load_int32(l, 0, INT32_MAX);
    rec.cpu_milli = fy_unpack_int(&l->in);
    rec.memory_mib = fy_unpack_int(&l->in);
    rec.work_q = fy_unpack_int(&l->in);
    rec.q_per_unit = fy_unpack_double(&l->in);
    rec.end = (fy_end)fy_unpack_in(&l->in, FY_END_FINISH, FY_END_CANCEL);
    rec.checkpoint_interval_us = fy_unpack_int(&l->in);
    rec.checkpoint_cost_us = fy_unpack_int(&l->in);
    rec.restart_cost_us = fy_unpack_int(&l->in);
    limit_us = fy_unpack_in(&l->in, -1, INT64_MAX); /* may be longer than a submitted one */
    rec.limit_us = limit_us < FY_LOAD_SPAN ? limit_us : FY_LOAD_SPAN;
    rec.deadline_us = fy_unpack_int(&l->in);
    rec.min_run_us = fy_unpack_int(&l->in);
    rec.array_of = fy_unpack_int(&l->in);
    rec.array_limit = fy_load_int32(l, 0, INT32_MAX);
    load_lists(l, &rec);
    if (l->in.failed || fy_job_record_check(l->fleet, &rec, job->id, NULL) != 0) {
        return fy_load_bad(l, "a job's record");
    }
    rec.limit_us = limit_us;
    if (!fy_class_suits(l->fleet, &l->fleet->classes[job->cls], &rec)) {
        return fy_load_bad(l, "a job of another class");
    }
    fy_job_copy_record(l->fleet, job, &rec);
    return true;
}

static bool load_progress(fy_load *l, fy_job *job)
{
    job->submit_us = fy_load_instant(l);
    job->queued_us = fy_load_instant(l);
    job->start_us = fy_load_instant(l);
    job->ran_us = fy_unpack_in(&l->in, 0, FY_LOAD_FAR);
    job->first_start_us = fy_load_instant(l);
    job->done_q = fy_unpack_in(&l->in, 0, INT64_MAX);
    job->rate_q = fy_unpack_in(&l->in, 0, INT64_MAX);
    job->anchor_us = fy_load_instant(l);
    job->saved_q = fy_unpack_in(&l->in, 0, INT64_MAX);
    job->saved_us = fy_load_instant(l);
    job->held_at_us = fy_load_instant(l);
    job->preemptions = fy_load_int32(l, 0, INT32_MAX - 1);
    job->failures = fy_load_int32(l, 0, INT32_MAX - 1);
    for (int i = 0; i < 3; i++) {
        job->failed_nodes[i] = fy_unpack_int(&l->in);
    }
    job->attempt_pause = fy_load_wide(l, 0, FY_LOAD_TIME);
    job->attempt_held = fy_load_wide(l, 0, FY_LOAD_TIME);
    job->attempt_lost = fy_load_wide(l, 0, FY_LOAD_TIME);
    job->held_int = fy_load_wide(l, 0, FY_LOAD_TIME);
    job->lost_int = fy_load_wide(l, 0, FY_LOAD_TIME);
    job->pause_int = fy_load_wide(l, 0, FY_LOAD_TIME);
    job->active_at_submit = fy_load_wide(l, 0, FY_LOAD_TIME);
    return fy_load_fine(l, "a job's progress");
}

static bool load_dependents(fy_load *l, fy_job *job)
{
    size_t n = fy_unpack_count(&l->in);
    fy_dependent **end = &job->dependents;

    for (size_t i = 0; i < n; i++) {
        fy_dependent *link;
        int64_t id = fy_unpack_in(&l->in, job->id + 1, INT64_MAX);

        if (l->in.failed || (uint64_t)id >= l->fleet->n_ids) {
            return fy_load_bad(l, "a dependent");
        }
        link = fy_blocks_get(&l->fleet->blocks, sizeof *link);
        *link = (fy_dependent){.id = id};
        *end = link;
        end = &link->next;
    }
    return fy_load_fine(l, "dependents");
}

static bool load_place(fy_load *l, fy_job *job)
{
    int32_t working = fy_load_int32(l, 0, INT32_MAX);
    size_t n = fy_unpack_count(&l->in);
    fy_place place = {.chip = job->chip, .n_chunks = (int32_t)n};
    int64_t devices = 0;

    l->chunks = fy_grow(l->chunks, &l->chunks_room, n + 1, sizeof *l->chunks);
    for (size_t i = 0; i < n && !l->in.failed; i++) {
        l->chunks[i].node = fy_load_int32(l, 0, INT32_MAX);
        l->chunks[i].workers = fy_load_int32(l, 1, 1 << 21);
        place.workers += l->chunks[i].workers;
        devices += (int64_t)l->chunks[i].workers * job->rec.devices;
        l->in.failed |= place.workers > 1 << 21 || devices > l->in.end - l->in.at;
    }
    if (n < 1 || n > INT32_MAX || job->chip < 0 || !fy_load_fine(l, "a gang")) {
        return fy_load_bad(l, "a gang without a place");
    }
    place.n_devices = (int32_t)devices;
    l->devices = fy_grow(l->devices, &l->devices_room, (size_t)devices + 1, sizeof *l->devices);
    for (int32_t d = 0, last = 0; d < place.n_devices; last = l->devices[d++]) {
        l->devices[d] = last + fy_load_int32(l, -last, INT32_MAX - last);
    }
    place.chunks = l->chunks;
    place.devices = l->devices;
    if (l->in.failed || fy_place_check(l->fleet, job, &place, NULL, l->err) != 0) {
        return fy_load_bad(l, "a gang's place");
    }
    fy_place_hold(l->fleet, job, &place);
    job->working = working;
    l->fleet->n_running++;
    if (job->state == FY_JOB_STOPPING) {
        l->fleet->pools[job->chip].stopping_milli += job->held_milli;
    }
    if (job->array >= 0) {
        l->fleet->arrays[job->array].running++;
    }
    return true;
}

static bool load_whose(fy_load *l, fy_job *job)
{
    fy_fleet *fleet = l->fleet;

    job->id = fy_unpack_in(&l->in, 0, INT64_MAX);
    job->cls = fy_load_int32(l, 0, INT32_MAX);
    job->tenant = fy_load_int32(l, 0, INT32_MAX);
    job->attempt = fy_load_int32(l, 0, INT32_MAX - 1);
    job->array = fy_load_int32(l, -1, INT32_MAX);
    job->never = (fy_reason)fy_unpack_in(&l->in, 0, FY_N_REASONS - 1);
    job->chip = fy_load_int32(l, -1, fleet->n_chips - 1);
    job->n_open = fy_load_int32(l, -1, INT32_MAX);
    job->spread = fy_unpack_in(&l->in, 0, 1) == 1;
    if (l->in.failed || (uint64_t)job->id >= fleet->n_ids || fleet->slot_of[job->id] != -1 ||
        (size_t)job->cls >= fleet->n_classes || (size_t)job->tenant >= fleet->n_tenants ||
        (job->array >= 0 && (size_t)job->array >= fleet->n_arrays) || !fy_load_never(job->never)) {
        return fy_load_bad(l, "whose job it is");
    }
    fleet->slot_of[job->id] = job->slot;
    return true;
}

static bool load_job(fy_load *l, int32_t slot)
{
    fy_fleet *fleet = l->fleet;
    fy_job *job = fy_arena_alloc(&fleet->arena, sizeof *job);

    *job = (fy_job){.slot = slot};
    fleet->jobs = fy_grow(fleet->jobs, &fleet->slots_room, fleet->n_slots + 1, sizeof(fy_job *));
    fleet->jobs[fleet->n_slots++] = job;
    job->state = FY_JOB_GONE;
    if (fleet->n_classes == 0) {
        return fy_load_bad(l, "jobs without a class");
    }
    job->block_size = 1;
    job->block = fy_blocks_get(&fleet->blocks, job->block_size);
    *(char *)job->block = '\0';
    job->rec.name = job->block;
    job->state = (fy_job_state)fy_unpack_in(&l->in, FY_JOB_BLOCKED, FY_JOB_GONE);
    if (job->state == FY_JOB_GONE || l->in.failed) {
        return fy_load_fine(l, "a job");
    }
    if (!load_whose(l, job) || !load_record(l, job) || !load_progress(l, job) ||
        !load_dependents(l, job)) {
        return false;
    }
    if ((job->array >= 0) != (job->rec.array_limit > 0 && job->rec.array_of >= 0) ||
        (job->array >= 0 && fleet->arrays[job->array].of != job->rec.array_of)) {
        return fy_load_bad(l, "a job of another array");
    }
    fleet->n_live++;
    fleet->n_active++;
    fleet->n_waiting += job->state == FY_JOB_WAITING;
    fleet->tenants[job->tenant].n_waiting += job->state == FY_JOB_WAITING;
    fleet->n_never += job->state == FY_JOB_WAITING && job->never != FY_WHY_NONE;
    return fy_job_holds(job) ? load_place(l, job) : true;
}

/* Each id that is live has its job, and each job as many open dependencies as it waits for. */
static bool check_ids(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    int32_t *open = fy_calloc(fleet->n_slots + 1, sizeof *open);
    bool ok = true;

    for (size_t id = 0; id < fleet->n_ids; id++) {
        ok &= fleet->slot_of[id] != -1;
    }
    for (size_t s = 0; ok && s < fleet->n_slots; s++) {
        for (const fy_dependent *d = fleet->jobs[s]->dependents; d != NULL; d = d->next) {
            const fy_job *job = fy_fleet_job(fleet, d->id);

            open[job != NULL ? (size_t)job->slot : fleet->n_slots] += 1;
        }
    }
    for (size_t s = 0; ok && s < fleet->n_slots; s++) {
        ok = fleet->jobs[s]->n_open <= 0 || fleet->jobs[s]->n_open == open[s];
    }
    free(open);
    return ok || fy_load_bad(l, "a live job that is missing, or waits for others than it says");
}

bool fy_load_jobs(fy_load *l)
{
    size_t n = fy_unpack_count(&l->in);

    if (n > l->fleet->n_ids) {
        return fy_load_bad(l, "more slots than jobs");
    }
    for (size_t s = 0; s < n; s++) {
        if (!load_job(l, (int32_t)s)) {
            return false;
        }
    }
    return check_ids(l);
}
