/* SPDX-License-Identifier: MIT */
/*
 * Lazy integration. Nothing here runs because time passes: an integral is brought up to date just
 * before the quantity under it changes, so a clock event costs O(1) and changes no number.
 */
#include "fleet/internal.h"

static const int64_t us_per_s = 1000000;

void fy_pool_integrate(fy_pool *pool, int64_t t_us)
{
    fy_wide dt = t_us - pool->at_us;

    if (dt == 0) {
        return;
    }
    pool->held_int += dt * pool->held_milli;
    pool->up_int += dt * pool->n_up * FY_WHOLE;
    pool->all_int += dt * pool->n_devices * FY_WHOLE;
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        pool->energy_int[i] += dt * pool->power_mw[i];
    }
    pool->at_us = t_us;
}

void fy_tenant_integrate(fy_tenant *tenant, int64_t t_us)
{
    tenant->held_int += (fy_wide)(t_us - tenant->at_us) * tenant->held_total;
    tenant->at_us = t_us;
}

void fy_fleet_integrate(fy_fleet *fleet, int64_t t_us)
{
    fy_fleet_tick(fleet, t_us);
    for (int c = 0; c < fleet->n_chips; c++) {
        fy_pool_integrate(&fleet->pools[c], t_us);
    }
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        fy_tenant_integrate(&fleet->tenants[i], t_us);
    }
}

/*
 * Let time go on to `t_us`. What the state was after the last event held for the whole interval:
 * here, and not at each event, power peaks and fragmentation are taken, so that states which last
 * no time (a stop and a start at one instant) do not count.
 */
void fy_fleet_tick(fy_fleet *fleet, int64_t t_us)
{
    fy_wide dt = t_us - fleet->now_us;

    if (dt == 0) {
        return;
    }
    fy_frag_flush(fleet);
    fleet->frag_int += dt * fleet->frag;
    fleet->active_int += dt * fleet->n_active;
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        if (fleet->power_mw[i] > fleet->peak_mw[i]) {
            fleet->peak_mw[i] = fleet->power_mw[i];
        }
    }
    fleet->now_us = t_us;
}

/* Close the running segment of constant devices and rate at `t_us` and add it to the totals. */
void fy_job_segment(fy_job *job, int64_t t_us)
{
    int64_t dt = t_us - job->held_at_us;
    int64_t pause = dt;

    if (job->state == FY_JOB_RUNNING) {
        pause = job->anchor_us > job->held_at_us ? job->anchor_us - job->held_at_us : 0;
        pause = pause < dt ? pause : dt;
    }
    job->held_int += (fy_wide)dt * job->held_milli;
    job->attempt_held += (fy_wide)dt * job->held_milli;
    job->pause_int += (fy_wide)pause * job->held_milli;
    job->attempt_pause += (fy_wide)pause * job->held_milli;
    job->held_at_us = t_us;
}

/* From `t_us` on the job pauses for `pause_us` and then works at `rate_q`. */
void fy_job_anchor(fy_job *job, int64_t t_us, int64_t rate_q, int64_t pause_us)
{
    if (job->state == FY_JOB_RUNNING) {
        int64_t done = fy_job_done(job, t_us);
        int64_t interval = job->rec.checkpoint_interval_us;

        /* The checkpoint rhythm goes on; what it has saved so far is remembered. */
        job->saved_q = fy_job_saved(job, t_us);
        if (interval > 0 && interval < FY_NEVER && t_us > job->saved_us) {
            job->saved_us += (t_us - job->saved_us) / interval * interval;
        }
        job->done_q = done;
    } else {
        job->saved_q = job->done_q;
        job->saved_us = t_us + pause_us;
    }
    fy_job_segment(job, t_us);
    job->anchor_us = t_us + pause_us;
    job->rate_q = rate_q;
}

int64_t fy_job_done(const fy_job *job, int64_t t_us)
{
    fy_wide done;

    if (job->state != FY_JOB_RUNNING || t_us <= job->anchor_us) {
        return job->done_q;
    }
    done = job->done_q + (fy_wide)job->rate_q * (t_us - job->anchor_us) / us_per_s;
    if (job->rec.work_q >= 0 && done > job->rec.work_q) {
        return job->rec.work_q;
    }
    return done > FY_NEVER ? FY_NEVER : (int64_t)done;
}

int64_t fy_job_saved(const fy_job *job, int64_t t_us)
{
    int64_t interval = job->rec.checkpoint_interval_us;
    int64_t at_us;

    if (job->state == FY_JOB_STOPPING) {
        return job->saved_q;
    }
    if (job->state != FY_JOB_RUNNING || interval == 0) {
        return fy_job_done(job, t_us);
    }
    if (interval == FY_NEVER || t_us <= job->saved_us) {
        return job->saved_q;
    }
    at_us = job->saved_us + (t_us - job->saved_us) / interval * interval;
    return at_us <= job->anchor_us ? job->saved_q : fy_job_done(job, at_us);
}

int64_t fy_job_finish_us(const fy_job *job)
{
    fy_wide left, us;

    if (job->rec.work_q < 0 || job->rate_q <= 0 || job->state != FY_JOB_RUNNING) {
        return FY_NEVER;
    }
    left = (fy_wide)(job->rec.work_q - job->done_q) * us_per_s;
    us = job->anchor_us + (left + job->rate_q - 1) / job->rate_q;
    return us < FY_NEVER ? (int64_t)us : FY_NEVER - 1;
}

int64_t fy_job_attained_us(const fy_job *job, int64_t t_us)
{
    fy_wide held = job->held_int;

    if (job->state >= FY_JOB_STARTING && job->state <= FY_JOB_STOPPING) {
        held += (fy_wide)(t_us - job->held_at_us) * job->held_milli;
    }
    return (int64_t)(held / FY_WHOLE);
}

fy_wide fy_job_productive(const fy_job *job, int64_t t_us)
{
    fy_job now = *job;

    if (job->state < FY_JOB_STARTING || job->state > FY_JOB_STOPPING) {
        return 0;
    }
    fy_job_segment(&now, t_us);
    return now.attempt_held - now.attempt_pause;
}

const fy_rate *fy_job_rate_on(const fy_job *job, int chip)
{
    for (int i = 0; i < job->rec.n_rates; i++) {
        if (job->rec.rates[i].chip == chip) {
            return &job->rec.rates[i];
        }
    }
    return NULL;
}

/* Elastic jobs are taken to scale linearly between their bounds (grade assumed). */
int64_t fy_job_rate(const fy_job *job, int chip, int workers, bool spread)
{
    const fy_rate *rate = fy_job_rate_on(job, chip);
    fy_wide q;

    if (rate == NULL) {
        return 0;
    }
    q = spread ? rate->spread_q : rate->rate_q;
    if (workers != job->rec.workers) {
        q = q * workers / job->rec.workers;
    }
    return (int64_t)q;
}

/* Checkpoints that take time slow the work down: one cost for every interval worked. */
static int64_t with_checkpoints(const fy_job *job, int64_t rate_q)
{
    int64_t interval = job->rec.checkpoint_interval_us;
    int64_t cost = job->rec.checkpoint_cost_us;

    if (interval <= 0 || interval == FY_NEVER || cost == 0) {
        return rate_q;
    }
    rate_q = (int64_t)((fy_wide)rate_q * interval / (interval + cost));
    return rate_q > 0 ? rate_q : 1;
}

int64_t fy_job_working_rate(const fy_job *job, int workers, bool spread)
{
    return with_checkpoints(job, fy_job_rate(job, job->chip, workers, spread));
}
