/* SPDX-License-Identifier: MIT */
/* The load behind `fuyao gen`: chances of sizes, kinds, tenants and ends, and how many jobs. */
#include "trace/gen_model.h"

#include <math.h>
#include <stdlib.h>

/* Philly's jobs by size; its 12s and 24s are counted with 16 and 32. */
static const double size_jobs[FY_GEN_SIZES] = {76627, 1818, 1870, 1643, 206, 74, 6, 3};

static const double named_share = 1.0 / 3; /* jobs that name one chip type */
static const double services_default = 0.1;

enum { DEFAULT_TENANTS = 12 };

/* Turn weights into cumulative chances; false if all are 0. */
static bool accumulate(double *weights, int n)
{
    double sum = 0, running = 0;

    for (int i = 0; i < n; i++) {
        sum += weights[i];
    }
    for (int i = 0; i < n; i++) {
        running += weights[i];
        weights[i] = sum > 0 ? running / sum : 0;
    }
    return sum > 0;
}

static double chance_of(const double *cumulative, int i)
{
    return cumulative[i] - (i > 0 ? cumulative[i - 1] : 0);
}

/* ------------------------------------------------------------------ sizes, kinds, tenants */

static int size_class(int size)
{
    return size == 0 ? 0 : size < 3 ? 1 : size == 3 ? 2 : 3;
}

/* Can every variant of this kind of work be placed at this size? */
static bool is_placed(const fy_gen_model *model, int kind, int size)
{
    bool placed = true;

    for (int v = 0; v < FY_GEN_VARIANTS; v++) {
        placed = placed && model->profiles[kind][v][size].n_accept > 0;
    }
    return placed;
}

/* Can anything of this size be placed, on rated chips or on chip `only`? */
static bool size_fits(const fy_gen_model *model, const fy_gen_offer *o, int size, int only)
{
    if (only >= 0) {
        return size == 0 || o->devices[only] >= 2 * fy_gen_size(size);
    }
    for (int k = 0; k < FY_GEN_TRAIN_KINDS; k++) {
        if (is_placed(model, k, size)) {
            return true;
        }
    }
    return false;
}

/* Chances of sizes; `wide` is the share of gangs larger than a node, NAN = as published. */
static int choose_sizes(const fy_gen_model *model, const fy_gen_offer *o, int only, double wide,
                        double *chance, fy_err *err)
{
    double narrow_sum = 0, wide_sum = 0;

    for (int s = 0; s < FY_GEN_SIZES; s++) {
        chance[s] = size_fits(model, o, s, only) ? size_jobs[s] : 0;
        *(fy_gen_size(s) > o->per_node ? &wide_sum : &narrow_sum) += chance[s];
    }
    if (!isnan(wide) && wide > 0 && wide_sum <= 0 && only < 0) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "no gang of up to %d devices is larger than a node of this fleet (%d) and "
                       "fits half of a chip type; ask for no such gangs",
                       fy_gen_size(FY_GEN_SIZES - 1), o->per_node);
    }
    for (int s = 0; s < FY_GEN_SIZES && !isnan(wide) && wide_sum > 0 && narrow_sum > 0; s++) {
        chance[s] *= fy_gen_size(s) > o->per_node ? wide / wide_sum : (1 - wide) / narrow_sum;
    }
    (void)accumulate(chance, FY_GEN_SIZES);
    return 0;
}

/* A tenant of taste i does three times as much of kind i as others do. */
static void choose_kinds(fy_gen_model *model)
{
    for (int taste = 0; taste < FY_GEN_TRAIN_KINDS; taste++) {
        for (int s = 0; s < FY_GEN_SIZES; s++) {
            double *chance = model->kind_chance[taste][s];

            for (int k = 0; k < FY_GEN_TRAIN_KINDS; k++) {
                bool placed = is_placed(model, k, s);

                chance[k] = placed ? fy_gen_kinds[k].weight[size_class(s)] + 1e-6 : 0;
                chance[k] *= k == taste ? 3 : 1;
            }
            (void)accumulate(chance, FY_GEN_TRAIN_KINDS);
        }
    }
}

static void choose_tenants(fy_gen_model *model, int tenants)
{
    const fy_site *site = model->site;

    model->tenants = tenants > 0           ? tenants
                     : site->n_tenants > 0 ? site->n_tenants
                                           : DEFAULT_TENANTS;
    model->tenants = model->tenants > FY_GEN_MAX_TENANTS ? FY_GEN_MAX_TENANTS : model->tenants;
    for (int i = 0; i < model->tenants; i++) {
        model->tenant_name[i] = i < site->n_tenants
                                    ? site->tenants[i].name
                                    : fy_arena_printf(&model->arena, "tenant-%02d", i + 1);
        model->tenant_chance[i] = 1.0 / (i + 1);
    }
    (void)accumulate(model->tenant_chance, model->tenants);
}

/* Chance that a job of size s is of kind k, over all tenants. */
static double kind_share(const fy_gen_model *model, int s, int k)
{
    double share = 0;

    for (int t = 0; t < model->tenants; t++) {
        const double *chance = model->kind_chance[t % FY_GEN_TRAIN_KINDS][s];

        share += chance_of(model->tenant_chance, t) * chance_of(chance, k);
    }
    return share;
}

/* Long jobs are cancelled more and fail less, so that the shares over all jobs are as asked. */
static void choose_ends(fy_gen_model *model, double fail, double cancel)
{
    const double *sizes = model->parts[FY_GEN_RATED].size_chance;
    double tail = 0;

    for (int s = 0; s < FY_GEN_SIZES; s++) {
        tail += chance_of(sizes, s) * fy_gen_long_share[s];
    }
    tail = tail > 0 ? tail : fy_gen_long_share[0];
    model->cancel_long = 6 * cancel < 0.5 ? 6 * cancel : cancel > 0.5 ? cancel : 0.5;
    if (tail * model->cancel_long > cancel) {
        model->cancel_long = cancel / tail;
    }
    model->cancel_short = (cancel - tail * model->cancel_long) / (1 - tail);
    model->fail_long = fail * (1 - model->cancel_long) * 0.5;
    model->fail_short = (fail - tail * model->fail_long) / (1 - tail);
    if (model->fail_short + model->cancel_short > 1) {
        model->fail_long = fail;
        model->fail_short = fail;
        model->cancel_long = cancel;
        model->cancel_short = cancel;
    }
}

/* ------------------------------------------------------------------ load */

/* Chances to name one chip alone: devices of the chip times `boost`. */
static void choose_named(fy_gen_profile *p, const fy_gen_offer *o, const double *boost)
{
    for (int i = 0; i < p->n_accept; i++) {
        p->named[i] = o->devices[p->accept[i].chip] * boost[p->accept[i].chip];
    }
    (void)accumulate(p->named, p->n_accept);
}

/*
 * Expected device-seconds of a job of this profile, if it lasts `duration_s` on the reference and
 * runs on an accepted chip in proportion to the devices there; added up by chip.
 */
static double add_demand(const fy_gen_profile *p, const fy_gen_offer *o, double weight_s,
                         double *demand_s)
{
    double all = 0, sum = 0;

    for (int i = 0; i < p->n_accept; i++) {
        all += o->devices[p->accept[i].chip];
    }
    for (int i = 0; i < p->n_accept; i++) {
        const fy_accept *a = &p->accept[i];
        double chance =
            (1 - named_share) * o->devices[a->chip] / all + named_share * chance_of(p->named, i);

        demand_s[a->chip] += weight_s * chance * (p->unit / a->rate);
        sum += weight_s * chance * (p->unit / a->rate);
    }
    return sum;
}

/* Mean device-seconds of a rated job; `demand_s` by chip. */
static double rated_demand(fy_gen_model *model, const fy_gen_offer *o, const double *boost,
                           double *demand_s)
{
    const double *sizes = model->parts[FY_GEN_RATED].size_chance;
    double mean = 0;

    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        demand_s[c] = 0;
    }
    for (int s = 0; s < FY_GEN_SIZES; s++) {
        for (int k = 0; k < FY_GEN_TRAIN_KINDS; k++) {
            double weight = chance_of(sizes, s) * kind_share(model, s, k) * fy_gen_size(s) *
                            fy_gen_duration_mean_s(s) / FY_GEN_VARIANTS;

            for (int v = 0; v < FY_GEN_VARIANTS; v++) {
                fy_gen_profile *p = &model->profiles[k][v][s];

                choose_named(p, o, boost);
                mean += add_demand(p, o, weight, demand_s);
            }
        }
    }
    return mean;
}

/* Move the boosts towards equal demand a device. */
static void adjust(const fy_gen_offer *o, const double *demand_s, double mean, double *boost)
{
    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        if (o->rated[c]) {
            double fair = mean * o->devices[c] / o->rated_devices;

            boost[c] *= demand_s[c] > 0 ? sqrt(fair / demand_s[c]) : 2;
            boost[c] = boost[c] < 1e-3 ? 1e-3 : boost[c] > 1e3 ? 1e3 : boost[c];
        }
    }
}

/*
 * Jobs that name a chip name the less asked for ones more often, until every type's demand is as
 * near to its part of the fleet as that can bring it. Returns the mean device-seconds of a job.
 */
static double balance(fy_gen_model *model, const fy_gen_offer *o)
{
    enum { ROUNDS = 60 };
    double boost[FY_MAX_CHIPS], demand_s[FY_MAX_CHIPS];

    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        boost[c] = 1;
    }
    for (int round = 1; round < ROUNDS; round++) {
        double mean = rated_demand(model, o, boost, demand_s);

        adjust(o, demand_s, mean, boost);
    }
    for (int v = 0; v < FY_GEN_VARIANTS; v++) {
        for (int s = 0; s < FY_GEN_SIZES; s++) {
            choose_named(&model->profiles[FY_GEN_SERVICE][v][s], o, boost);
        }
    }
    return rated_demand(model, o, boost, demand_s);
}

/* Services: sizes by the kind's weights, device-seconds over their lifetimes. */
static double service_demand(fy_gen_model *model)
{
    double *chance = model->parts[FY_GEN_SERVICES].size_chance, mean = 0;

    for (int s = 0; s < FY_GEN_SIZES; s++) {
        bool placed = is_placed(model, FY_GEN_SERVICE, s);

        chance[s] = placed ? fy_gen_kinds[FY_GEN_SERVICE].weight[size_class(s)] : 0;
    }
    (void)accumulate(chance, FY_GEN_SIZES);
    for (int s = 0; s < FY_GEN_SIZES; s++) {
        mean += chance_of(chance, s) * fy_gen_size(s) * fy_gen_lifetime_mean_s();
    }
    return mean;
}

static int add_unrated(fy_gen_model *model, const fy_gen_offer *o, int chip, double target_s,
                       double wide, fy_err *err)
{
    fy_gen_part *part = &model->parts[model->n_parts++];
    int rc = choose_sizes(model, o, chip, wide, part->size_chance, err);

    for (int s = 0; s < FY_GEN_SIZES; s++) {
        part->mean_s +=
            chance_of(part->size_chance, s) * fy_gen_size(s) * fy_gen_duration_mean_s(s);
    }
    part->target_s = target_s * o->devices[chip];
    part->accept =
        (fy_accept){.chip = chip, .rate = 1, .rate_spread = 1, .grade = FY_GRADE_MEASURED};
    return rc;
}

static int build_parts(fy_gen_model *model, const fy_gen_offer *o, const fy_gen_options *options,
                       fy_err *err)
{
    double a_device_s = options->load * options->days * 86400, rated = o->rated_devices;
    double services = isnan(options->services_share) ? services_default : options->services_share;
    fy_gen_part *jobs = &model->parts[FY_GEN_RATED], *held = &model->parts[FY_GEN_SERVICES];
    int rc = 0;

    model->n_parts = FY_GEN_UNRATED;
    for (int c = 0; c < model->site->n_chips && rc == 0; c++) {
        if (!o->rated[c] && o->devices[c] > 0) {
            rc = add_unrated(model, o, c, a_device_s, options->multi_node_share, err);
        }
    }
    if (rc == 0 && rated > 0) {
        rc = choose_sizes(model, o, -1, options->multi_node_share, jobs->size_chance, err);
        choose_kinds(model);
        jobs->target_s = a_device_s * rated * (1 - services);
        jobs->mean_s = balance(model, o);
        held->target_s = a_device_s * rated * services;
        held->mean_s = service_demand(model);
    }
    return rc;
}

/* How many jobs, and of which part. */
static int choose_counts(fy_gen_model *model, const fy_gen_options *options, fy_err *err)
{
    double chance[FY_GEN_PARTS], expected = 0;
    fy_rng rng = fy_rng_stream(options->seed, 2);

    for (int i = 0; i < model->n_parts; i++) {
        const fy_gen_part *part = &model->parts[i];

        chance[i] = part->mean_s > 0 ? part->target_s / part->mean_s : 0;
        expected += chance[i];
    }
    (void)accumulate(chance, model->n_parts);
    for (int i = 0; i < model->n_parts; i++) {
        model->parts[i].chance = chance[i];
        model->parts[i].scale = 1;
    }
    if (!(expected > 0)) {
        return fy_fail(err, FY_EINFEASIBLE, "the fleet has no device to load");
    }
    if (options->jobs > 0) {
        model->jobs = options->jobs;
        return 0;
    }
    if (!(expected < 1e9)) {
        return fy_fail(err, FY_ERANGE,
                       "that load over that time takes %.3g jobs; give fewer days or --jobs",
                       expected);
    }
    expected += sqrt(expected) * fy_rng_normal(&rng); /* Poisson, for all but the smallest */
    model->jobs = expected < 1 ? 1 : (int64_t)(expected + 0.5);
    return 0;
}

int fy_gen_model_build(fy_gen_model **out, const fy_gen_options *options, fy_err *err)
{
    fy_gen_model *model = fy_calloc(1, sizeof *model);
    fy_gen_offer o = fy_gen_count_site(options->site);
    int rc;

    model->site = options->site;
    model->days = options->days;
    fy_gen_share_hosts(model);
    choose_tenants(model, options->tenants);
    rc = fy_gen_build_profiles(model, &o, options, err);
    rc = rc == 0 ? build_parts(model, &o, options, err) : rc;
    if (rc == 0) {
        choose_ends(model, isnan(options->failure_share) ? FY_GEN_FAIL : options->failure_share,
                    isnan(options->cancel_share) ? FY_GEN_CANCEL : options->cancel_share);
        rc = choose_counts(model, options, err);
    }
    if (rc < 0) {
        fy_gen_model_free(model);
        model = NULL;
    }
    *out = model;
    return rc;
}

void fy_gen_model_free(fy_gen_model *model)
{
    if (model != NULL) {
        fy_arena_free(&model->arena);
        free(model);
    }
}
