/* SPDX-License-Identifier: MIT */
/*
 * The generated trace as a stream. A first pass over the same random numbers adds up what is
 * demanded, so that the second, which hands the jobs out, can scale durations to the load asked for
 * and place the arrivals: given their number, the arrivals of a Poisson process are sorted uniform
 * numbers, which are running sums of exponential ones, mapped through the cumulative rate. Memory
 * is constant; nothing but base/rng is random.
 */
#include "base/num.h"
#include "base/str.h"
#include "trace/gen_model.h"

#include <math.h>
#include <stdlib.h>

struct fy_gen {
    fy_gen_model *model;
    fy_rng jobs, arrivals; /* streams of random numbers */
    int64_t made;
    double waited, waited_all; /* sum of exponential gaps so far, and of all */
    double mass, mass_all;     /* cumulative arrival rate up to `hour`, and of all */
    int64_t hour;
    char name[FY_NUM_TEXT];
    fy_accept accept; /* of a job that names one chip */
};

/* Everything random of one job but its arrival. */
typedef struct draw {
    int part, kind, variant, size, tenant;
    int named;                   /* index into the profile's chips, -1 = any of them */
    double duration_s, demand_s; /* before scaling */
    bool is_long;
    double u_end, u_cancel, u_limit, u_priority;
} draw;

fy_gen_options fy_gen_options_default(const fy_site *site)
{
    return (fy_gen_options){.site = site,
                            .days = 30,
                            .load = 0.9,
                            .seed = 1,
                            .multi_node_share = (double)NAN,
                            .failure_share = (double)NAN,
                            .cancel_share = (double)NAN,
                            .services_share = (double)NAN};
}

static const fy_gen_profile *profile_of(const fy_gen_model *model, const draw *d)
{
    return &model->profiles[d->kind][d->variant][d->size];
}

static void draw_rated(const fy_gen_model *model, fy_rng *rng, draw *d)
{
    double u_kind = fy_rng_unit(rng), u_named = fy_rng_unit(rng), u_chip = fy_rng_unit(rng);
    const fy_gen_profile *profile;
    double time;

    d->variant = (int)fy_rng_below(rng, FY_GEN_VARIANTS);
    if (d->part == FY_GEN_SERVICES) {
        d->kind = FY_GEN_SERVICE;
        d->duration_s = fy_gen_lifetime_s(rng);
    } else {
        const double *chance = model->kind_chance[d->tenant % FY_GEN_TRAIN_KINDS][d->size];

        d->kind = fy_gen_pick(chance, FY_GEN_TRAIN_KINDS, u_kind);
        d->duration_s = fy_gen_duration_s(d->size, rng, &d->is_long);
    }
    profile = profile_of(model, d);
    time = d->part == FY_GEN_SERVICES ? 1 : profile->time;
    if (u_named * 3 < 1) {
        d->named = fy_gen_pick(profile->named, profile->n_accept, u_chip);
        time = d->part == FY_GEN_SERVICES ? 1 : profile->unit / profile->accept[d->named].rate;
    }
    d->demand_s = fy_gen_size(d->size) * d->duration_s * time;
}

/* The same numbers in either pass. */
static draw draw_job(const fy_gen_model *model, fy_rng *rng)
{
    draw d = {.named = -1};
    double u = fy_rng_unit(rng);

    while (d.part < model->n_parts - 1 && u >= model->parts[d.part].chance) {
        d.part++;
    }
    d.size = fy_gen_pick(model->parts[d.part].size_chance, FY_GEN_SIZES, fy_rng_unit(rng));
    d.tenant = fy_gen_pick(model->tenant_chance, model->tenants, fy_rng_unit(rng));
    d.u_end = fy_rng_unit(rng);
    d.u_cancel = fy_rng_unit(rng);
    d.u_limit = fy_rng_unit(rng);
    d.u_priority = fy_rng_unit(rng);
    if (d.part < FY_GEN_UNRATED) {
        draw_rated(model, rng, &d);
    } else {
        d.duration_s = fy_gen_duration_s(d.size, rng, &d.is_long);
        d.demand_s = fy_gen_size(d.size) * d.duration_s;
    }
    return d;
}

/* Demand of each part and the sum of all gaps between arrivals. */
static void first_pass(fy_gen *gen)
{
    fy_gen_model *model = gen->model;
    double demand_s[FY_GEN_PARTS] = {0};
    fy_rng jobs = gen->jobs, arrivals = gen->arrivals;

    for (int64_t i = 0; i < model->jobs; i++) {
        draw d = draw_job(model, &jobs);

        demand_s[d.part] += d.demand_s;
        gen->waited_all += fy_rng_exponential(&arrivals, 1);
    }
    gen->waited_all += fy_rng_exponential(&arrivals, 1);
    for (int i = 0; i < model->n_parts; i++) {
        if (demand_s[i] > 0) {
            model->parts[i].scale = model->parts[i].target_s / demand_s[i];
        }
    }
}

/* Arrival rate times length of an hour, the last of which may be cut short by the end. */
static double hour_mass(const fy_gen *gen, int64_t hour)
{
    double left = gen->model->days * 24 - (double)hour;

    return fy_gen_arrivals(hour) * (left < 1 ? left : 1);
}

static int64_t next_arrival_s(fy_gen *gen)
{
    int64_t last = (int64_t)(gen->model->days * 24), second;
    double target;

    gen->waited += fy_rng_exponential(&gen->arrivals, 1);
    target = gen->waited / gen->waited_all * gen->mass_all;
    while (gen->hour < last && gen->mass + hour_mass(gen, gen->hour) <= target) {
        gen->mass += hour_mass(gen, gen->hour);
        gen->hour++;
    }
    second = (int64_t)((target - gen->mass) / fy_gen_arrivals(gen->hour) * 3600);
    return gen->hour * 3600 + (second < 0 ? 0 : second > 3600 ? 3600 : second);
}

static int check_options(const fy_gen_options *o, fy_err *err)
{
    if (!(o->days > 0 && o->days <= 36500)) {
        return fy_fail(err, FY_ERANGE, "days must be above 0 and at most 36500");
    }
    if (!(o->load > 0 && o->load <= 100)) {
        return fy_fail(err, FY_ERANGE, "load must be above 0 and at most 100 (0.9 is 90 %%)");
    }
    if (o->jobs < 0 || o->jobs > 1000000000) {
        return fy_fail(err, FY_ERANGE, "jobs must be from 0 to 1000000000");
    }
    if (o->tenants < 0 || o->tenants > FY_GEN_MAX_TENANTS) {
        return fy_fail(err, FY_ERANGE, "tenants must be from 0 to %d", FY_GEN_MAX_TENANTS);
    }
    if (!(isnan(o->multi_node_share) || (o->multi_node_share >= 0 && o->multi_node_share <= 1)) ||
        !(isnan(o->services_share) || (o->services_share >= 0 && o->services_share <= 1))) {
        return fy_fail(err, FY_ERANGE, "shares must be from 0 to 1");
    }
    double fail = isnan(o->failure_share) ? FY_GEN_FAIL : o->failure_share;
    double cancel = isnan(o->cancel_share) ? FY_GEN_CANCEL : o->cancel_share;

    if (!(fail >= 0 && cancel >= 0 && fail + cancel <= 1)) {
        return fy_fail(err, FY_ERANGE,
                       "shares of failures and cancellations must sum to at most 1");
    }
    return 0;
}

int fy_gen_open(fy_gen **out, const fy_gen_options *options, fy_err *err)
{
    fy_gen *gen;
    fy_gen_model *model;
    int rc = check_options(options, err);

    *out = NULL;
    if (rc < 0) {
        return rc;
    }
    rc = fy_gen_model_build(&model, options, err);
    if (rc < 0) {
        return rc;
    }
    gen = fy_calloc(1, sizeof *gen);
    gen->model = model;
    gen->jobs = fy_rng_stream(options->seed, 3);
    gen->arrivals = fy_rng_stream(options->seed, 4);
    for (int64_t h = 0; (double)h < options->days * 24; h++) {
        gen->mass_all += hour_mass(gen, h);
    }
    first_pass(gen);
    *out = gen;
    return 0;
}

/* Whole seconds, or milliseconds where that would be coarse. */
static int64_t to_us(double duration_s)
{
    double capped = duration_s < 1e11 ? duration_s : 1e11;
    int64_t us =
        capped >= 100 ? (int64_t)(capped + 0.5) * 1000000 : (int64_t)(capped * 1000 + 0.5) * 1000;

    return us > 0 ? us : 1000;
}

static void set_end(const fy_gen_model *model, const draw *d, double duration_s, fy_job_spec *job)
{
    double cancel = d->is_long ? model->cancel_long : model->cancel_short;
    double fail = d->is_long ? model->fail_long : model->fail_short;

    if (d->u_end < cancel) {
        job->end = FY_END_CANCEL;
    } else if (d->u_end < cancel + fail) {
        job->end = FY_END_FAIL;
    }
    if (job->end == FY_END_CANCEL && d->u_cancel < 0.1) { /* by someone who waits no longer */
        job->end = FY_END_FINISH;
        job->cancel_us = to_us(duration_s * (1 + 20 * d->u_cancel));
    }
}

/* Seconds, or whole tokens where the job names a workload. */
static void set_work(const fy_gen_model *model, const draw *d, double duration_s, fy_job_spec *job)
{
    job->work = duration_s;
    job->work_is_time = job->workload == NULL;
    if (job->workload != NULL) {
        double tokens = duration_s * profile_of(model, d)->unit;

        job->work = tokens < 9e18 ? (double)(int64_t)(tokens + 0.5) : tokens;
    }
}

/* Seven of ten jobs state a limit that suffices on the slowest chip they accept. */
static void set_limit(const draw *d, double slowest, fy_job_spec *job)
{
    if (d->u_limit < 0.7) {
        double limit_s = job->work / slowest * (1.2 + 5 * d->u_limit);

        job->limit_us = ((int64_t)(limit_s < 1e11 ? limit_s : 1e11) / 600 + 1) * 600 * 1000000;
    }
}

static void set_chips(fy_gen *gen, const draw *d, fy_job_spec *job)
{
    const fy_gen_model *model = gen->model;
    const fy_gen_profile *profile;

    if (d->part >= FY_GEN_UNRATED) {
        job->accept = &model->parts[d->part].accept;
        job->n_accept = 1;
        return;
    }
    profile = profile_of(model, d);
    for (int i = 0; i < FY_N_BOUNDS && profile->workload == NULL; i++) {
        job->mix[i] = profile->mix[i];
    }
    job->workload = profile->workload;
    job->planned = profile->workload != NULL;
    job->accept = profile->accept;
    job->n_accept = profile->n_accept;
    if (d->named >= 0) {
        gen->accept = profile->accept[d->named];
        job->accept = &gen->accept;
        job->n_accept = 1;
    }
}

static void set_priority(const draw *d, fy_job_spec *job)
{
    const fy_gen_kind *kind = &fy_gen_kinds[d->kind];

    if (d->part < FY_GEN_UNRATED && d->u_priority < kind->high) {
        job->priority = FY_HIGH;
    } else if (d->part < FY_GEN_UNRATED && d->u_priority < kind->high + kind->spot) {
        job->priority = FY_SPOT;
    }
}

int fy_gen_next(fy_gen *gen, fy_job_spec *job)
{
    fy_gen_model *model = gen->model;
    int64_t duration_us;
    draw d;

    if (gen->made == model->jobs) {
        return 0;
    }
    gen->made++;
    d = draw_job(model, &gen->jobs);
    *job = fy_job_spec_default();
    (void)fy_num_put_int(gen->name, gen->made);
    job->name = gen->name;
    job->tenant = model->tenant_name[d.tenant];
    job->submit_us = next_arrival_s(gen) * 1000000;
    job->workers = job->min_workers = job->max_workers = fy_gen_size(d.size);
    job->cpu_milli = model->cpu_milli;
    job->memory_mib = model->memory_mib;
    set_chips(gen, &d, job);
    set_priority(&d, job);
    duration_us = to_us(d.duration_s * model->parts[d.part].scale);
    if (d.part == FY_GEN_SERVICES) {
        job->service = true;
        job->cancel_us = duration_us;
        return 1;
    }
    set_work(model, &d, (double)duration_us / 1e6, job);
    set_end(model, &d, (double)duration_us / 1e6, job);
    set_limit(&d, job->accept[job->n_accept - 1].rate, job);
    return 1;
}

void fy_gen_close(fy_gen *gen)
{
    if (gen != NULL) {
        fy_gen_model_free(gen->model);
        free(gen);
    }
}
