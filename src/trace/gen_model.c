/* SPDX-License-Identifier: MIT */
#include "trace/gen_model.h"

#include <math.h>

const fy_gen_kind fy_gen_kinds[FY_GEN_KINDS] = {
    /* compute, memory, link, host */
    {"pretrain", {0.62, 0.12, 0.24, 0.02}, 40e9, {0, 0.05, 0.3, 0.8}, 0.5, 0},
    {"finetune", {0.55, 0.25, 0.17, 0.03}, 24e9, {0.25, 0.5, 0.4, 0.15}, 0.1, 0.05},
    {"vision", {0.50, 0.30, 0.08, 0.12}, 8e9, {0.35, 0.3, 0.2, 0.05}, 0.05, 0.1},
    {"rollout", {0.15, 0.75, 0.08, 0.02}, 24e9, {0.1, 0.1, 0.1, 0}, 0.1, 0.1},
    {"debug", {0.30, 0.40, 0, 0.30}, 0, {0.3, 0.05, 0, 0}, 0, 0.3},
    {"service", {0.12, 0.80, 0.05, 0.03}, 24e9, {0.6, 0.32, 0.08, 0}, 1, 0},
};

/* Short jobs are log-normal, long ones bounded Pareto. By size: median of the short, share of the
 * long; fitted by hand to Philly's quantiles and to its means of 8,301, 30,942, 78,762 and 129,775
 * s for 1, 2, 4 and 8 GPUs. */
static const double short_median_s[FY_GEN_SIZES] = {900, 1000, 5000, 5000, 5000, 3000, 2000, 2000};
const double fy_gen_long_share[FY_GEN_SIZES] = {0.055, 0.25, 0.65, 0.85, 0.85, 0.3, 0.1, 0.1};
static const double short_sigma = 1.5;
static const double long_low_s = 20000, long_high_s = 4628226, long_alpha = 0.95;

static const double life_median_s = 2 * 86400, life_sigma = 0.8;

static double power(double x, double y)
{
    return fy_rng_exp(y * fy_rng_log(x));
}

int fy_gen_size(int size)
{
    return 1 << size;
}

/* ------------------------------------------------------------------ distributions */

static double pareto_mean_s(void)
{
    double a = long_alpha, cut = power(long_low_s / long_high_s, a);

    return a * power(long_low_s, a) / (1 - cut) *
           (power(long_high_s, 1 - a) - power(long_low_s, 1 - a)) / (1 - a);
}

double fy_gen_duration_mean_s(int size)
{
    double body = short_median_s[size] * fy_rng_exp(short_sigma * short_sigma / 2);

    return (1 - fy_gen_long_share[size]) * body + fy_gen_long_share[size] * pareto_mean_s();
}

double fy_gen_duration_s(int size, fy_rng *rng, bool *is_long)
{
    double cut = power(long_low_s / long_high_s, long_alpha);

    *is_long = fy_rng_unit(rng) < fy_gen_long_share[size];
    if (*is_long) {
        double u = fy_rng_unit(rng) * (1 - cut);

        return long_low_s * power(1 - u, -1 / long_alpha);
    }
    return fy_rng_lognormal(rng, short_median_s[size], short_sigma);
}

double fy_gen_lifetime_mean_s(void)
{
    return life_median_s * fy_rng_exp(life_sigma * life_sigma / 2);
}

double fy_gen_lifetime_s(fy_rng *rng)
{
    return fy_rng_lognormal(rng, life_median_s, life_sigma);
}

double fy_gen_arrivals(int64_t hour)
{
    static const double by_hour[24] = {1.10, 1.01, 0.99, 1.01, 1.04, 1.18, 1.32, 1.38,
                                       1.27, 1.07, 0.90, 0.76, 0.73, 0.73, 0.79, 0.82,
                                       0.90, 0.96, 0.99, 0.93, 0.93, 0.96, 1.10, 1.13};

    return by_hour[hour % 24] * (hour / 24 % 7 < 5 ? 1.2 : 0.5);
}

int fy_gen_pick(const double *cumulative, int n, double u)
{
    int i = 0;

    while (i < n - 1 && u >= cumulative[i]) {
        i++;
    }
    return i;
}

/* ------------------------------------------------------------------ the site */

static bool is_rated(const fy_chip *chip)
{
    static const double plain[FY_N_BOUNDS] = {0.5, 0.5, 0, 0};

    return fy_known(fy_chip_slowdown_mix(chip, chip, plain).mid);
}

/* Half of a worker's fair part of the node that has least a device, so that CPU never dominates. */
void fy_gen_share_hosts(fy_gen_model *model)
{
    model->cpu_milli = 4000;
    model->memory_mib = 32768;
    for (int i = 0; i < model->site->n_pools; i++) {
        const fy_pool_spec *pool = &model->site->pools[i];
        int64_t cpu = pool->cpu_milli / pool->devices / 2;
        int64_t memory = pool->memory_mib / pool->devices / 2;

        if (pool->cpu_milli >= 0 && cpu < model->cpu_milli) {
            model->cpu_milli = cpu;
        }
        if (pool->memory_mib >= 0 && memory < model->memory_mib) {
            model->memory_mib = memory;
        }
    }
}

fy_gen_offer fy_gen_count_site(const fy_site *site)
{
    fy_gen_offer o = {.ref = -1};

    for (int i = 0; i < site->n_pools; i++) {
        const fy_pool_spec *pool = &site->pools[i];

        o.devices[pool->chip] += (double)pool->nodes * pool->devices;
        o.per_node = pool->devices > o.per_node ? pool->devices : o.per_node;
    }
    for (int c = 0; c < site->n_chips; c++) {
        o.rated[c] = is_rated(site->chips[c]) && o.devices[c] > 0;
        o.rated_devices += o.rated[c] ? o.devices[c] : 0;
        if (o.rated[c] && (o.ref < 0 || o.devices[c] > o.devices[o.ref])) {
            o.ref = c;
        }
    }
    return o;
}

/* ------------------------------------------------------------------ profiles */

/* Both directions together; a x16 slot of that generation where there is no better link. */
static double link_bytes_per_s(const fy_chip *chip)
{
    double gen = chip->pcie_gen.mid, link = chip->link_bytes_per_s.mid;
    double slot = fy_known(gen) && gen >= 1 && gen <= 8 ? 32e9 : (double)NAN;

    for (int g = 3; fy_known(slot) && g < (int)gen; g++) {
        slot *= 2;
    }
    return fy_known(link) && link > 0 && !(slot > link) ? link : slot;
}

static double link_slowdown(const fy_chip *chip, const fy_chip *ref)
{
    return chip == ref ? 1 : link_bytes_per_s(ref) / link_bytes_per_s(chip);
}

static double to_four_decimals(double x)
{
    return (double)(int64_t)(x * 1e4 + 0.5) / 1e4;
}

/* Rates of `mix` on one chip against the reference; rate 0 if not known or out of proportion. */
static fy_accept rate_on(const fy_site *site, const fy_gen_offer *o, int chip, const double *mix)
{
    double without[FY_N_BOUNDS] = {mix[FY_COMPUTE], mix[FY_MEMORY], 0, mix[FY_HOST]};
    double slow = fy_chip_slowdown_mix(site->chips[chip], site->chips[o->ref], without).mid;
    double link =
        mix[FY_LINK] > 0 ? mix[FY_LINK] * link_slowdown(site->chips[chip], site->chips[o->ref]) : 0;
    fy_accept accept = {.chip = chip, .grade = FY_GRADE_DERIVED};

    if (slow + link > 0.001 && slow + link < 100) {
        accept.rate = to_four_decimals(1 / (slow + link));
        /* over more nodes than it must: the link's part takes half as long again (invented) */
        accept.rate_spread = to_four_decimals(1 / (slow + 1.5 * link));
    }
    return accept;
}

/* A mix near the kind's, in whole per cent; one device has no link to wait for. */
static void vary_mix(const double *base, bool single, fy_rng *rng, double *mix)
{
    double jittered[FY_N_BOUNDS], sum = 0;
    int percent[FY_N_BOUNDS], left = 100, largest = 0;

    for (int i = 0; i < FY_N_BOUNDS; i++) {
        jittered[i] = base[i] * (0.6 + 0.8 * fy_rng_unit(rng));
    }
    if (single) {
        jittered[FY_COMPUTE] += jittered[FY_LINK];
        jittered[FY_LINK] = 0;
    }
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        sum += jittered[i];
        largest = jittered[i] > jittered[largest] ? i : largest;
    }
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        percent[i] = (int)(jittered[i] / sum * 100);
        left -= percent[i];
    }
    percent[largest] += left;
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        mix[i] = percent[i] / 100.0;
    }
}

void fy_gen_add_accept(fy_accept *list, int *n, fy_accept accept)
{
    int at = (*n)++;

    while (at > 0 && list[at - 1].rate < accept.rate) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = accept;
}

/* The chips on which work of that memory and size can run; a gang takes at most half of a type. */
static int list_chips(const fy_site *site, const fy_gen_offer *o, double memory_bytes, int devices,
                      const double *mix, fy_accept *list)
{
    int n = 0;

    for (int c = 0; c < site->n_chips; c++) {
        double memory = site->chips[c]->memory_bytes.mid;

        if (o->rated[c] && (memory_bytes <= 0 || memory >= memory_bytes) &&
            o->devices[c] >= (devices > 1 ? 2 * devices : 1)) {
            fy_accept accept = rate_on(site, o, c, mix);

            if (accept.rate > 0 && accept.rate_spread > 0) {
                fy_gen_add_accept(list, &n, accept);
            }
        }
    }
    return n;
}

/* By the roofline mix. Returns how many chips. */
static int mix_profile(const fy_gen_model *model, const fy_gen_offer *o, const fy_gen_profile *p,
                       const fy_gen_kind *kind, int devices, fy_accept *list)
{
    int n = list_chips(model->site, o, kind->memory_bytes, devices, p->mix, list);
    double fits = 0;

    for (int i = 0; i < n; i++) {
        fits += o->devices[list[i].chip];
    }
    if (fits < 0.4 * o->rated_devices) { /* a site of small chips: the work is made to fit them */
        n = list_chips(model->site, o, 0, devices, p->mix, list);
    }
    return n;
}

/* Take `list` [p->n_accept] as the chips of the profile. */
static void keep_profile(fy_gen_model *model, const fy_gen_offer *o, fy_gen_profile *p, bool single,
                         const fy_accept *list)
{
    size_t room = (size_t)p->n_accept + 1;
    fy_accept *kept = fy_arena_alloc(&model->arena, room * sizeof *kept);
    double all = 0, time = 0;

    p->named = fy_arena_alloc(&model->arena, room * sizeof *p->named);
    p->slowest = p->n_accept > 0 ? list[p->n_accept - 1].rate : 1;
    for (int i = 0; i < p->n_accept; i++) {
        double n = o->devices[list[i].chip];

        kept[i] = list[i];
        if (single) {
            kept[i].rate_spread = kept[i].rate;
        }
        all += n;
        time += n * p->unit / list[i].rate;
    }
    p->accept = kept;
    p->time = all > 0 ? time / all : 1;
}

int fy_gen_build_profiles(fy_gen_model *model, const fy_gen_offer *o, const fy_gen_options *options,
                          fy_err *err)
{
    fy_rng rng = fy_rng_stream(options->seed, 1);
    int n = o->ref >= 0 ? FY_GEN_KINDS * FY_GEN_VARIANTS * FY_GEN_SIZES : 0;

    for (int i = 0; i < n; i++) { /* kinds, of each all variants, of each all sizes */
        int k = i / (FY_GEN_VARIANTS * FY_GEN_SIZES);
        int v = i / FY_GEN_SIZES % FY_GEN_VARIANTS, s = i % FY_GEN_SIZES;
        fy_gen_profile *p = &model->profiles[k][v][s];
        fy_accept list[FY_MAX_CHIPS] = {{0}};

        p->unit = 1;
        vary_mix(fy_gen_kinds[k].mix, s == 0, &rng, p->mix);
        p->n_accept = fy_gen_plan_profile(model, options, o, k, v, s, list, err);
        if (p->n_accept < 0) {
            return p->n_accept;
        }
        if (p->workload == NULL) {
            p->n_accept = mix_profile(model, o, p, &fy_gen_kinds[k], fy_gen_size(s), list);
        }
        keep_profile(model, o, p, s == 0, list);
    }
    return 0;
}
