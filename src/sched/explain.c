/* SPDX-License-Identifier: MIT */
/* Reason, evidence, expected start, and the cheapest change that works. */
#include "fuyao/explain.h"

#include "sched/change.h"
#include "sched/open.h"

fy_explain_options fy_explain_defaults(int64_t now_us)
{
    return (fy_explain_options){.now_us = now_us, .most_steps = 1000, .most_trials = 24};
}

static fy_room room_on(const fy_fleet *fleet, const fy_job *job, int chip)
{
    const fy_pool *pool = &fleet->pools[chip];
    const fy_class *cls = &fleet->classes[job->cls];
    fy_room room = {.chip = chip,
                    .up = pool->n_up,
                    .idle = pool->n_whole,
                    .milli_idle = (double)pool->idle_milli / FY_WHOLE,
                    .tight = cls->key.tight >> chip & 1};

    for (int k = pool->max_devices; k > 0 && pool->by_free != NULL && room.largest == 0; k--) {
        room.largest = pool->by_free[k].count > 0 ? k : 0;
    }
    room.nodes = fy_fleet_least_nodes(fleet, cls, chip, job->rec.min_workers + job->rec.spares);
    return room;
}

static void find_evidence(fy_evidence *e, const fy_sched *sched, const fy_job *job)
{
    const fy_fleet *fleet = sched->fleet;
    const fy_tenant *tenant = &fleet->tenants[job->tenant];
    const fy_job_record *rec = &job->rec;

    *e = (fy_evidence){.workers = rec->min_workers,
                       .spares = rec->spares,
                       .devices = rec->devices,
                       .milli = rec->milli,
                       .need_milli =
                           fy_gang_milli(rec->min_workers + rec->spares, rec->devices, rec->milli),
                       .beyond_milli = fy_tenant_beyond(fleet, tenant, -1, 0),
                       .borrow_milli = tenant->borrow_milli,
                       .tenant_held_milli = tenant->held_total,
                       .array_running = job->array >= 0 ? fleet->arrays[job->array].running : 0,
                       .array_limit = job->array >= 0 ? rec->array_limit : 0,
                       .power_mw = fleet->power_mw[FY_HI],
                       .cap_mw = fleet->power_cap_mw != FY_NEVER ? fleet->power_cap_mw : -1,
                       .next_us = fy_sched_wake(sched)};
    for (int i = 0; i < rec->n_rates; i++) {
        if (rec->rates[i].rate_q > 0) {
            e->rooms[e->n_rooms++] = room_on(fleet, job, rec->rates[i].chip);
        }
    }
    if (e->n_rooms > 0) {
        e->power_need_mw = fleet->pools[e->rooms[0].chip].slack_mw * e->need_milli / FY_WHOLE;
    }
}

/* One pass without any change: does it start the job, and if not, why not? What stood in its way
 * before may be gone, and what stands in it now is what the policy ran into in that pass. */
static int pass_as_it_is(fy_explanation *out, const fy_trial_bytes *bytes, int64_t now_us,
                         fy_err *err)
{
    fy_trial trial;
    int status = fy_trial_open(&trial, bytes, now_us, out->job, NULL, err);

    if (status != 0) {
        return status;
    }
    status = fy_trial_pass(&trial, err);
    if (status == 0 && trial.started) {
        out->reason = FY_WHY_NEXT_ROUND;
        out->other = -1;
        out->change.kind = FY_CHANGE_WAIT;
        out->change.chip = trial.chip;
        out->change.starts_with = trial.workers;
    } else if (status == 0) {
        out->reason = fy_sched_explain(trial.sched, out->job, &out->other);
    }
    fy_trial_close(&trial);
    return status;
}

/* Try them from the cheapest on. */
static int find_change(fy_explanation *out, const fy_trial_bytes *bytes, const fy_fleet *fleet,
                       const fy_job *job, const fy_explain_options *options, fy_err *err)
{
    fy_changes all = {0};
    bool starts = false;
    int nodes = 0; /* a fleet with many drained ones leaves trials for other changes */
    int status = 0;

    fy_changes_find(&all, fleet, job, options);
    for (size_t i = 0; i < all.n && status == 0 && !starts; i++) {
        bool node = all.list[i].kind == FY_CHANGE_RESUME || all.list[i].kind == FY_CHANGE_UNRESERVE;

        if (out->tried >= options->most_trials || (node && nodes >= options->most_trials / 4 + 1)) {
            out->left_out++;
            continue;
        }
        nodes += node;
        out->tried++;
        status = fy_change_try(&all.list[i], bytes, options->now_us, job, &starts, err);
        if (starts) {
            out->change = all.list[i];
        }
    }
    fy_changes_free(&all);
    return status;
}

/* A pass takes the longer the more classes of asks wait: fewer instants where there are many. */
static int steps_within(const fy_fleet *fleet, int most_steps)
{
    const int64_t usual_classes = 64;
    int64_t classes = (int64_t)fleet->n_classes;
    int64_t steps = classes > usual_classes ? most_steps * usual_classes / classes : most_steps;

    return steps > 1 ? (int)steps : 1;
}

int fy_explain(fy_explanation *out, const fy_sched *sched, int64_t id,
               const fy_explain_options *options, fy_err *err)
{
    const fy_job *job = fy_fleet_job(sched->fleet, id);
    fy_trial_bytes bytes;
    int status = 0;

    *out = (fy_explanation){.job = id, .other = -1, .change = {.kind = FY_CHANGE_NONE}};
    out->change.node = out->change.chip = out->change.starts_with = -1;
    out->change.job = -1;
    out->ahead = (fy_ahead){.what = FY_AHEAD_LATER, .start_us = options->now_us, .chip = -1};
    if (job == NULL) {
        return fy_fail(err, FY_ENOENT, "no job %lld, or it has ended", (long long)id);
    }
    out->reason = fy_sched_explain(sched, id, &out->other);
    find_evidence(&out->evidence, sched, job);
    if (job->state > FY_JOB_WAITING) {
        return 0;
    }
    fy_trial_take(&bytes, sched);
    status = pass_as_it_is(out, &bytes, options->now_us, err);
    if (status == 0 && options->most_steps > 0) {
        status = fy_ahead_of(&out->ahead, &bytes, options->now_us, id,
                             steps_within(sched->fleet, options->most_steps), err);
    }
    if (status == 0 && out->change.kind != FY_CHANGE_WAIT && options->most_trials > 0) {
        status = find_change(out, &bytes, sched->fleet, job, options, err);
    }
    fy_trial_free_bytes(&bytes);
    return status;
}
