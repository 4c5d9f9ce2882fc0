/* SPDX-License-Identifier: MIT */
/*
 * The inflation experiment of the FGD paper: how full can the fleet get before what is left is of
 * no use? Jobs arrive in a shuffled order, nobody leaves, what does not fit is dropped.
 */
#include "fleet/frag.h"
#include "fleet/place.h"
#include "sim/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INFLATE_MAX_PERCENT = 130 };

int fy_mix_of_jobs(fy_sim *run, const fy_job_spec *jobs, int64_t n)
{
    fy_event event = fy_sim_event(run, FY_EV_MIX);
    int status = 0;
    fy_mix_class *classes = NULL;
    size_t count = 0;
    size_t room = 0;

    for (int64_t i = 0; i < n; i++) {
        const fy_job_spec *job = &jobs[i];
        size_t k = 0;

        while (k < count &&
               (classes[k].cpu_milli != job->cpu_milli || classes[k].devices != job->devices ||
                classes[k].milli != job->milli)) {
            k++;
        }
        if (k == count) {
            classes = fy_grow(classes, &room, count + 1, sizeof *classes);
            classes[count++] = (fy_mix_class){job->cpu_milli, job->devices, job->milli, 0};
        } else if (k > 0) { /* frequent classes move to the front: the search stays short */
            fy_mix_class swap = classes[k];

            classes[k] = classes[k - 1];
            classes[--k] = swap;
        }
        classes[k].weight++;
    }
    if (count > 0) {
        event.mix = &(fy_mix_record){.classes = classes, .n = (int)count};
        status = fy_sim_emit(run, &event, run->err);
    }
    free(classes);
    return status;
}

static int64_t need_milli(const fy_job_spec *job)
{
    return fy_gang_milli(job->workers, job->devices, job->milli);
}

/* The jobs in a shuffled order, then drawn again until they ask for `want` milli-devices. */
static int64_t *draw_order(const fy_job_spec *jobs, int64_t n, int64_t want, uint64_t seed,
                           int64_t *count)
{
    fy_rng rng = fy_rng_seed(seed);
    int64_t *order = fy_calloc((size_t)n, sizeof *order);
    size_t room = (size_t)n;
    size_t len = (size_t)n;
    int64_t asked = 0;

    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
        asked += need_milli(&jobs[i]);
    }
    if (asked > 0) {
        while (asked < want) {
            int64_t i = (int64_t)fy_rng_below(&rng, (uint64_t)n);

            order = fy_grow(order, &room, len + 1, sizeof *order);
            order[len++] = i;
            asked += need_milli(&jobs[i]);
        }
    }
    for (size_t i = len; i-- > 1;) {
        size_t k = fy_rng_below(&rng, i + 1);
        int64_t swap = order[i];

        order[i] = order[k];
        order[k] = swap;
    }
    *count = (int64_t)len;
    return order;
}

typedef struct fill {
    fy_sim_fill *rows;
    int n;
    int64_t devices_milli;
} fill;

/* One row for each whole per cent of the fleet's devices that has arrived. */
static void note_fill(fill *f, fy_fleet *fleet, int64_t arrived_milli)
{
    int percent;
    int64_t held = 0;

    assert(f->devices_milli > 0); /* a site has devices */
    percent = (int)(arrived_milli * 100 / f->devices_milli);
    if (f->n > percent || f->n > INFLATE_MAX_PERCENT) {
        return;
    }
    fy_fleet_tick(fleet, fleet->now_us + 1);
    for (int c = 0; c < fleet->n_chips; c++) {
        held += fleet->pools[c].held_milli;
    }
    while (f->n <= percent && f->n <= INFLATE_MAX_PERCENT) {
        f->rows[f->n] = (fy_sim_fill){.arrived = f->n / 100.0,
                                      .allocated = (double)held / (double)f->devices_milli,
                                      .fragmented = (double)fleet->frag / (double)fleet->mix.total /
                                                    (double)f->devices_milli};
        f->n++;
    }
}

/* One job arrives and is placed now or never. */
static int arrive(fy_sim *run, fy_placer *placer, const fy_job_spec *spec, int64_t *dropped)
{
    fy_event event = fy_sim_event(run, FY_EV_SUBMITTED);
    fy_job_record rec;
    fy_job *job;
    fy_place place;
    int status = fy_resolve(run, spec, &rec);

    if (status != 0) {
        return status;
    }
    rec.n_after = 0;
    rec.array_limit = 0;
    event.t_us++;
    event.job = (int64_t)run->fleet->n_ids;
    event.job_record = &rec;
    status = fy_sim_emit(run, &event, run->err);
    if (status != 0) {
        return status;
    }
    job = fy_fleet_job(run->fleet, event.job);
    fy_metrics_submitted(run, job);
    event = fy_sim_event(run, FY_EV_CANCELLED);
    event.job = job->id;
    if (job->never == FY_WHY_NONE &&
        fy_placer_find(placer, run->fleet, job, ~(uint64_t)0, rec.workers, &place)) {
        event.kind = FY_EV_STARTING;
        event.attempt = 1;
        event.place = &place;
        event.reason = FY_WHY_FIRST;
    } else {
        (*dropped)++;
    }
    status = fy_sim_emit(run, &event, run->err);
    run->n_answers = 0;
    return status;
}

static int fill_up(fy_sim *run, const fy_job_spec *jobs, const int64_t *order, int64_t count,
                   fill *f, int64_t *dropped)
{
    const char *name = run->options->sched.placement;
    fy_placer *placer = fy_placer_new(fy_placement_find(name != NULL ? name : "pack"));
    int64_t arrived = 0;
    int status = 0;

    note_fill(f, run->fleet, 0);
    for (int64_t i = 0; i < count && status == 0; i++) {
        arrived += need_milli(&jobs[order[i]]);
        status = arrive(run, placer, &jobs[order[i]], dropped);
        note_fill(f, run->fleet, arrived);
    }
    fy_placer_free(placer);
    return status;
}

int fy_sim_inflate(fy_sim_result **out, const fy_sim_options *options, const fy_job_spec *jobs,
                   int64_t n, double inflate, uint64_t seed, fy_err *err)
{
    fy_sim run = {.options = options, .err = err};
    fill f = {.rows = fy_calloc(INFLATE_MAX_PERCENT + 2, sizeof *f.rows)};
    int64_t *order = NULL;
    int64_t count = 0;
    int64_t dropped = 0;
    int status;

    run.fleet = fy_fleet_new();
    status = fy_sched_open(&run.sched, run.fleet, &options->sched, err);
    if (status == 0) {
        status = fy_site_events(options->site, 0, fy_sim_emit, &run, err);
    }
    if (status == 0) {
        status = fy_mix_of_jobs(&run, jobs, n);
    }
    if (status == 0) {
        for (int c = 0; c < run.fleet->n_chips; c++) {
            f.devices_milli += (int64_t)run.fleet->pools[c].n_devices * FY_WHOLE;
        }
        order = draw_order(jobs, n, (int64_t)(inflate * (double)f.devices_milli), seed, &count);
        status = fill_up(&run, jobs, order, count, &f, &dropped);
    }
    if (status == 0) {
        *out = fy_metrics_result(&run, run.fleet->now_us);
        (*out)->dropped = dropped;
        (*out)->unfinished -= dropped; /* what was placed stays */
        (*out)->fill = f.rows;
        (*out)->n_fill = f.n;
        f.rows = NULL;
    }
    free(f.rows);
    free(order);
    fy_sim_close(&run);
    return status;
}
