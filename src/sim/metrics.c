/* SPDX-License-Identifier: MIT */
/*
 * What came of a run. Measures as docs/glossary.md defines them; percentiles by nearest rank. All
 * counts are kept as integers and turned into seconds, shares and kWh only here at the end.
 */
#include "sim/run.h"

#include <stdlib.h>
#include <string.h>

static const double us_per_s = 1e6;
static const double rho_scale = 1e9; /* rho is kept in units of 1e-9, as an integer */
static const double unfair_above =
    1.05; /* rho beyond this counts as unfair (Mahajan et al. 2020) */

static double seconds(fy_wide milli_us)
{
    return (double)milli_us / FY_WHOLE / us_per_s;
}

void fy_metrics_submitted(fy_sim *run, const fy_job *job)
{
    fy_metrics *m = &run->metrics;

    m->jobs++;
    m->never += job->never != FY_WHY_NONE;
    while (m->n_tenants < run->fleet->n_tenants) {
        m->tenants = fy_grow(m->tenants, &m->tenants_room, m->n_tenants + 1, sizeof *m->tenants);
        m->tenants[m->n_tenants++] = (fy_tally){0};
    }
    m->tenants[job->tenant].jobs++;
}

/* ------------------------------------------------------------------ rho */

/* One chip's offer: rate, and the share of its time that the job's part of the fleet amounts to. */
typedef struct offer {
    double rate, share;
} offer;

static int offers_of(const fy_sim *run, const fy_job *job, double n, offer out[FY_MAX_CHIPS])
{
    const fy_job_record *rec = &job->rec;
    double gang =
        (double)rec->workers * rec->devices * (rec->milli > 0 ? rec->milli / (double)FY_WHOLE : 1);
    int count = 0;

    for (int i = 0; i < rec->n_rates; i++) {
        if (rec->rates[i].rate_q > 0 && gang > 0) {
            double devices = run->fleet->pools[rec->rates[i].chip].n_devices;

            out[count++] = (offer){(double)rec->rates[i].rate_q, devices / n / gang};
        }
    }
    return count;
}

/* Fastest first, until its whole time is used: nobody runs on two chips at once. */
static double alone_fuyao(offer *offers, int n)
{
    double left = 1;
    double rate = 0;

    for (int i = 0; i < n && left > 0; i++) {
        int best = i;
        offer o;

        for (int k = i + 1; k < n; k++) {
            best = offers[k].rate > offers[best].rate ? k : best;
        }
        o = offers[best];
        offers[best] = offers[i];
        o.share = o.share < left ? o.share : left;
        rate += o.rate * o.share;
        left -= o.share;
    }
    return rate;
}

/* Gavel: its part of every type in proportion, scaled down to its whole time at most. */
static double alone_gavel(const offer *offers, int n)
{
    double rate = 0;
    double time = 0;

    for (int i = 0; i < n; i++) {
        rate += offers[i].rate * offers[i].share;
        time += offers[i].share;
    }
    return time > 1 ? rate / time : rate;
}

/* Sia: the best single type. */
static double alone_sia(const offer *offers, int n)
{
    double rate = 0;

    for (int i = 0; i < n; i++) {
        double r = offers[i].rate * (offers[i].share < 1 ? offers[i].share : 1);

        rate = r > rate ? r : rate;
    }
    return rate;
}

double fy_rho_of(const fy_sim *run, const fy_job *job, int64_t end_us)
{
    double jct_us = (double)(end_us - job->submit_us);
    double n = jct_us > 0 ? (double)(run->fleet->active_int - job->active_at_submit) / jct_us : 1;
    offer offers[FY_MAX_CHIPS];
    int count = offers_of(run, job, n > 1 ? n : 1, offers);
    double rate_q;

    if (job->rec.work_q <= 0 || count == 0) {
        return NAN;
    }
    rate_q = run->options->rho == FY_RHO_GAVEL ? alone_gavel(offers, count)
             : run->options->rho == FY_RHO_SIA ? alone_sia(offers, count)
                                               : alone_fuyao(offers, count);
    return rate_q > 0 ? jct_us / us_per_s / ((double)job->rec.work_q / rate_q) : (double)NAN;
}

/* ------------------------------------------------------------------ one job */

static const char *chip_of(const fy_sim *run, const fy_job *job)
{
    return job->chip >= 0 ? run->fleet->pools[job->chip].name : "";
}

static void tell_job(fy_sim *run, const fy_job *job, const char *state, const char *reason,
                     int64_t end_us, double rho)
{
    const fy_sim_options *o = run->options;
    bool gone = job->state == FY_JOB_GONE;
    bool runs = job->state >= FY_JOB_STARTING && job->state <= FY_JOB_STOPPING;
    int64_t ran_us = job->ran_us + (runs ? end_us - job->start_us : 0);
    fy_wide held =
        job->held_int + (runs ? (fy_wide)(end_us - job->held_at_us) * job->held_milli : 0);

    if (o->job_done != NULL) {
        o->job_done(o->job_done_ctx, &(fy_sim_job){.name = job->rec.name,
                                                   .tenant = run->fleet->tenants[job->tenant].name,
                                                   .chip = chip_of(run, job),
                                                   .state = state,
                                                   .reason = reason,
                                                   .submit_us = job->submit_us,
                                                   .start_us = job->first_start_us,
                                                   .end_us = gone ? end_us : -1,
                                                   .wait_us = end_us - job->submit_us - ran_us,
                                                   .workers = job->rec.workers,
                                                   .devices = job->rec.devices,
                                                   .milli = job->rec.milli,
                                                   .attempts = job->attempt,
                                                   .preemptions = job->preemptions,
                                                   .failures = job->failures,
                                                   .device_s = seconds(held),
                                                   .lost_device_s = seconds(job->lost_int),
                                                   .rho = rho,
                                                   .deadline_us = job->rec.deadline_us});
    }
}

static void count_ended(fy_metrics *m, const fy_job *job, int64_t jct_us, double rho)
{
    fy_tally *tenant = &m->tenants[job->tenant];

    m->jct_us = fy_grow(m->jct_us, &m->jct_room, m->n + 1, sizeof *m->jct_us);
    m->wait_us = fy_grow(m->wait_us, &m->wait_room, m->n + 1, sizeof *m->wait_us);
    m->jct_us[m->n] = jct_us;
    m->wait_us[m->n++] = jct_us - job->ran_us;
    m->jct_sum_s += (double)jct_us / us_per_s;
    m->wait_sum_s += (double)(jct_us - job->ran_us) / us_per_s;
    tenant->ended++;
    tenant->jct_s += (double)jct_us / us_per_s;
    if (fy_known(rho)) {
        m->rho = fy_grow(m->rho, &m->rho_room, m->n_rho + 1, sizeof *m->rho);
        m->rho[m->n_rho++] =
            rho < 1e9 ? (int64_t)(rho * rho_scale + 0.5) : (int64_t)(1e9 * rho_scale);
        m->rho_sum += rho;
        m->unfair += rho > unfair_above;
        tenant->rho += rho;
        tenant->with_rho++;
    }
}

void fy_metrics_ended(fy_sim *run, const fy_job *job, const char *state)
{
    fy_metrics *m = &run->metrics;
    int64_t now_us = run->fleet->now_us;
    bool cancelled = strcmp(state, "cancelled") == 0;
    double rho = cancelled ? (double)NAN : fy_rho_of(run, job, now_us);

    m->finished++;
    m->cancelled += cancelled;
    m->failed += strcmp(state, "failed") == 0;
    m->never -= job->never != FY_WHY_NONE; /* cancelled before a place was ever possible */
    m->last_us = now_us;
    m->preemptions += job->preemptions;
    m->lost_int += job->lost_int;
    m->tenants[job->tenant].device_s += seconds(job->held_int);
    if (!cancelled) {
        count_ended(m, job, now_us - job->submit_us, rho);
    }
    tell_job(run, job, state, "", now_us, rho);
}

/* ------------------------------------------------------------------ statistics */

/* Part v[lo .. hi] about the median of its first, middle and last: returns m so that nothing in
 * lo .. m is greater than anything in m+1 .. hi. */
static size_t partition(int64_t *v, size_t lo, size_t hi)
{
    int64_t a = v[lo], b = v[lo + (hi - lo) / 2], c = v[hi];
    int64_t low = a < b ? a : b;
    int64_t high = a < b ? b : a;
    int64_t pivot = c < low ? low : (c > high ? high : c);
    size_t i = lo, j = hi;

    for (;; i++, j--) {
        int64_t swap;

        while (v[i] < pivot) {
            i++;
        }
        while (pivot < v[j]) {
            j--;
        }
        if (i >= j) {
            return j;
        }
        swap = v[i];
        v[i] = v[j];
        v[j] = swap;
    }
}

/* The k-th smallest (0 = least) of n values, which are reordered: quickselect. */
static int64_t select_nth(int64_t *v, size_t n, size_t k)
{
    size_t lo = 0, hi = n - 1;

    while (lo < hi) {
        size_t m = partition(v, lo, hi);

        if (k <= m) {
            hi = m;
        } else {
            lo = m + 1;
        }
    }
    return v[k];
}

/* Nearest rank: the ceil(p n)-th smallest. */
static size_t rank_of(double p, size_t n)
{
    double r = p * (double)n;
    size_t k = (size_t)r;

    k += (double)k < r;
    return k > 0 ? k - 1 : 0;
}

static fy_stat stat_of(int64_t *us, size_t n, double sum_s)
{
    if (n == 0) {
        return (fy_stat){NAN, NAN, NAN, NAN, NAN};
    }
    return (fy_stat){.mean = sum_s / (double)n,
                     .p50 = (double)select_nth(us, n, rank_of(0.50, n)) / us_per_s,
                     .p90 = (double)select_nth(us, n, rank_of(0.90, n)) / us_per_s,
                     .p99 = (double)select_nth(us, n, rank_of(0.99, n)) / us_per_s,
                     .max = (double)select_nth(us, n, n - 1) / us_per_s};
}

static void fill_rho(fy_sim_result *out, fy_metrics *m)
{
    size_t n = m->n_rho;

    out->rho_mean = n > 0 ? m->rho_sum / (double)n : (double)NAN;
    out->rho_unfair = n > 0 ? (double)m->unfair / (double)n : (double)NAN;
    out->rho_p99 =
        n > 0 ? (double)select_nth(m->rho, n, rank_of(0.99, n)) / rho_scale : (double)NAN;
    out->rho_worst = n > 0 ? (double)select_nth(m->rho, n, n - 1) / rho_scale : (double)NAN;
}

/* ------------------------------------------------------------------ energy and money */

static fy_sim_range scaled(fy_sim_range e, const fy_range *by)
{
    return (fy_sim_range){e.low * by->low, e.mid * by->mid, e.high * by->high};
}

/* Energy of the chip's devices while held. */
static void add_busy(const fy_sim *run, int chip, const fy_range *pue, fy_sim_range *sum)
{
    const fy_pool *pool = &run->fleet->pools[chip];

    if (pool->n_nodes > 0) {
        const int64_t *mw = run->fleet->nodes[pool->nodes[0]].active_mw;
        double device_us = (double)pool->held_int / FY_WHOLE;
        double kwh = 1e-9 / 3.6e6;

        sum->low += device_us * (double)mw[FY_LO] * kwh * pue->low;
        sum->mid += device_us * (double)mw[FY_MID] * kwh * pue->mid;
        sum->high += device_us * (double)mw[FY_HI] * kwh * pue->high;
    }
}

static void fill_energy(fy_sim *run, fy_sim_result *out)
{
    const fy_site *site = run->options->site;
    fy_range pue =
        fy_known(site->pue.mid) ? site->pue : (fy_range){1, 1, 1, FY_GRADE_UNKNOWN, NULL};
    double kwh_per_mw_us = 1e-9 / 3.6e6;
    double assumed = 0;

    for (int c = 0; c < out->n_pools; c++) {
        const fy_wide *energy = run->fleet->pools[c].energy_int;
        fy_sim_range it = {(double)energy[FY_LO] * kwh_per_mw_us,
                           (double)energy[FY_MID] * kwh_per_mw_us,
                           (double)energy[FY_HI] * kwh_per_mw_us};

        out->pools[c].energy_kwh = scaled(it, &pue);
        add_busy(run, c, &pue, &out->busy_kwh);
        out->energy_kwh.low += out->pools[c].energy_kwh.low;
        out->energy_kwh.mid += out->pools[c].energy_kwh.mid;
        out->energy_kwh.high += out->pools[c].energy_kwh.high;
        for (int p = 0; p < site->n_pools; p++) {
            if (site->pools[p].chip == c && site->pools[p].active_w.grade == FY_GRADE_ASSUMED) {
                assumed += out->pools[c].energy_kwh.mid;
                break;
            }
        }
    }
    out->assumed_energy_share = out->energy_kwh.mid > 0 ? assumed / out->energy_kwh.mid : 0;
    out->cost = scaled(out->energy_kwh, &site->price_per_kwh);
    out->currency = site->currency;
    out->peak_kw = scaled((fy_sim_range){(double)run->fleet->peak_mw[FY_LO] / 1e6,
                                         (double)run->fleet->peak_mw[FY_MID] / 1e6,
                                         (double)run->fleet->peak_mw[FY_HI] / 1e6},
                          &pue);
}

/* ------------------------------------------------------------------ the result */

/* What still runs or waits at the end. */
static void count_open(fy_sim *run, int64_t end_us, fy_wide productive[FY_MAX_CHIPS])
{
    fy_metrics *m = &run->metrics;

    for (size_t s = 0; s < run->fleet->n_slots; s++) {
        const fy_job *job = run->fleet->jobs[s];
        bool runs = job->state >= FY_JOB_STARTING && job->state <= FY_JOB_STOPPING;
        const char *state = runs ? "running" : "waiting";
        fy_reason why = FY_WHY_NONE;
        int64_t other;

        if (job->state == FY_JOB_GONE) {
            continue;
        }
        if (runs) {
            productive[job->chip] += fy_job_productive(job, end_us);
        } else {
            why = fy_sched_explain(run->sched, job->id, &other);
            state = job->never != FY_WHY_NONE      ? "never"
                    : job->state == FY_JOB_WAITING ? "waiting"
                                                   : "held";
        }
        m->preemptions += job->preemptions;
        m->lost_int += job->lost_int;
        m->tenants[job->tenant].device_s += seconds(
            job->held_int + (runs ? (fy_wide)(end_us - job->held_at_us) * job->held_milli : 0));
        tell_job(run, job, state, why != FY_WHY_NONE ? fy_reason_text(why) : "", end_us, NAN);
    }
}

static void fill_tenants(fy_sim *run, fy_sim_result *out)
{
    const fy_metrics *m = &run->metrics;

    out->n_tenants = (int)m->n_tenants;
    out->tenants = fy_calloc(m->n_tenants, sizeof *out->tenants);
    for (size_t i = 0; i < m->n_tenants; i++) {
        const fy_tally *t = &m->tenants[i];

        out->tenants[i] = (fy_sim_tenant){
            .name = strdup(run->fleet->tenants[i].name),
            .jobs = t->jobs,
            .jct_mean_s = t->ended > 0 ? t->jct_s / (double)t->ended : (double)NAN,
            .device_s = t->device_s,
            .rho_mean = t->with_rho > 0 ? t->rho / (double)t->with_rho : (double)NAN};
    }
}

static double share(fy_wide part, fy_wide whole)
{
    return whole > 0 ? (double)part / (double)whole : (double)NAN;
}

static void fill_pools(fy_sim *run, fy_sim_result *out, int64_t end_us)
{
    fy_wide productive[FY_MAX_CHIPS] = {0};
    fy_wide held = 0, up = 0, all = 0, useful = 0;

    count_open(run, end_us, productive);
    out->n_pools = run->fleet->n_chips;
    out->pools = fy_calloc((size_t)out->n_pools, sizeof *out->pools);
    for (int c = 0; c < out->n_pools; c++) {
        const fy_pool *pool = &run->fleet->pools[c];

        productive[c] += pool->productive_int;
        out->pools[c] = (fy_sim_pool){.chip = run->options->site->chips[c]->id,
                                      .devices = pool->n_devices,
                                      .allocated = share(pool->held_int, pool->all_int),
                                      .utilization = share(productive[c], pool->up_int)};
        held += pool->held_int;
        up += pool->up_int;
        useful += productive[c];
        all += pool->all_int;
    }
    out->allocated = share(held, all);
    out->utilization = share(useful, up);
    out->fragmented = run->fleet->mix.total > 0
                          ? share(run->fleet->frag_int / run->fleet->mix.total, all)
                          : (double)NAN;
}

fy_sim_result *fy_metrics_result(fy_sim *run, int64_t end_us)
{
    fy_metrics *m = &run->metrics;
    fy_sim_result *out = fy_calloc(1, sizeof *out);
    const char *placement = run->options->sched.placement;
    static const char *const costs[] = {"none", "default", "trace"};

    fy_fleet_integrate(run->fleet, end_us);
    out->policy = run->options->sched.policy;
    out->placement = placement != NULL ? placement : "pack";
    out->costs = costs[run->options->costs];
    fill_pools(run, out, end_us);
    fill_tenants(run, out);
    fill_energy(run, out);
    fill_rho(out, m);
    out->jobs = m->jobs;
    out->finished = m->finished;
    out->failed = m->failed;
    out->cancelled = m->cancelled;
    out->never_placeable = run->fleet->n_never;
    out->unfinished = m->jobs - m->finished - out->never_placeable;
    out->jct_s = stat_of(m->jct_us, m->n, m->jct_sum_s);
    out->wait_s = stat_of(m->wait_us, m->n, m->wait_sum_s);
    out->makespan_s =
        (double)((m->last_us > m->first_us ? m->last_us : end_us) - m->first_us) / us_per_s;
    out->preemptions = m->preemptions;
    out->lost_work_device_s = seconds(m->lost_int);
    out->events = (int64_t)run->fleet->n_events;
    out->rounds = run->n_rounds;
    out->digest = fy_fleet_digest(run->fleet);
    return out;
}

void fy_sim_result_free(fy_sim_result *result)
{
    if (result != NULL) {
        for (int i = 0; i < result->n_tenants; i++) {
            free(result->tenants[i].name);
        }
        free(result->tenants);
        free(result->pools);
        free(result->fill);
        free(result);
    }
}

void fy_metrics_free(fy_metrics *metrics)
{
    free(metrics->jct_us);
    free(metrics->wait_us);
    free(metrics->rho);
    free(metrics->tenants);
}
