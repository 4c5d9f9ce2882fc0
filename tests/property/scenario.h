/* SPDX-License-Identifier: MIT */
/*
 * Random small sites, jobs of every kind and faults, for the simulator under any policy: one
 * scenario a seed.
 */
#ifndef FUYAO_TESTS_SCENARIO_H
#define FUYAO_TESTS_SCENARIO_H

#include "base/rng.h"
#include "hand.h"

enum { MOST_JOBS = 40, MOST_HAPPENINGS = 6 };

typedef struct scenario {
    hand_site hand;
    hand_jobs jobs;
    fy_happening happenings[MOST_HAPPENINGS];
    char nodes[MOST_HAPPENINGS][24];
    fy_sim_options options;
} scenario;

static inline int below(fy_rng *rng, int n)
{
    return (int)fy_rng_below(rng, (uint64_t)n);
}

static inline bool chance(fy_rng *rng, double share)
{
    return fy_rng_unit(rng) < share;
}

static inline void random_site(fy_rng *rng, hand_site *hand)
{
    int pools;

    hand_site_init(hand, 1 + below(rng, 3));
    pools = hand->site.n_chips + below(rng, 2);
    for (int p = 0; p < pools; p++) {
        fy_pool_spec *pool =
            hand_pool(hand, p % hand->site.n_chips, 1 + below(rng, 5), 1 + below(rng, 8));

        pool->nodes_per_rack = below(rng, 3);
        pool->cpu_milli = chance(rng, 0.5) ? 1000 * (1 + below(rng, 64)) : -1;
        pool->memory_mib = chance(rng, 0.3) ? 1024 * (1 + below(rng, 64)) : -1;
        pool->idle_w = hand_exactly(50);
        pool->active_w = (fy_range){.low = 300, .mid = 400, .high = 500};
    }
    for (int t = below(rng, 4); t > 0; t--) {
        hand_tenant(hand, 1 + below(rng, 4), below(rng, 4), below(rng, 6) - 1);
    }
}

static inline void random_shape(fy_rng *rng, fy_job_spec *job)
{
    switch (below(rng, 6)) {
    case 0:
        job->milli = 1 + below(rng, 999);
        break;
    case 1:
        job->devices = 0;
        break;
    case 2:
        job->workers = 1 + below(rng, 6);
        job->devices = 1 + below(rng, 3);
        job->min_workers = 1 + below(rng, job->workers);
        job->max_workers = job->workers + below(rng, 4);
        break;
    case 3:
        job->workers = job->min_workers = job->max_workers = 1 + below(rng, 6);
        job->spares = below(rng, 3);
        break;
    default:
        job->devices = 1 + below(rng, 4);
        break;
    }
    job->cpu_milli = chance(rng, 0.5) ? 500 * below(rng, 8) : 0;
    job->memory_mib = chance(rng, 0.3) ? 512 * below(rng, 8) : 0;
}

static inline void random_accept(fy_rng *rng, hand_jobs *jobs, int i, int chips)
{
    int first = below(rng, chips);

    jobs->jobs[i].n_accept = 1 + below(rng, chips);
    for (int k = 0; k < jobs->jobs[i].n_accept; k++) {
        double rate = 0.25 + fy_rng_unit(rng) * 2;

        jobs->accept[i][k] =
            (fy_accept){.chip = (first + k) % chips,
                        .rate = rate,
                        .rate_spread = chance(rng, 0.7) ? rate * (0.5 + fy_rng_unit(rng) / 2) : 0,
                        .grade = FY_GRADE_MEASURED};
    }
    jobs->jobs[i].any_chip = chance(rng, 0.3);
}

static inline void random_terms(fy_rng *rng, const hand_site *hand, hand_jobs *jobs, int i)
{
    fy_job_spec *job = &jobs->jobs[i];

    job->priority = (fy_priority)below(rng, 3);
    job->tenant =
        hand->site.n_tenants > 0 ? hand->tenants[below(rng, hand->site.n_tenants)].name : "";
    job->end = chance(rng, 0.1) ? FY_END_FAIL : (chance(rng, 0.1) ? FY_END_CANCEL : FY_END_FINISH);
    job->cancel_us = chance(rng, 0.1) ? (int64_t)below(rng, 400) * HAND_US : -1;
    job->checkpoint_interval_us = (int64_t)below(rng, 30) * HAND_US;
    job->checkpoint_cost_us = below(rng, 2) * HAND_US;
    job->restart_cost_us = (int64_t)below(rng, 20) * HAND_US;
    job->limit_us = chance(rng, 0.3) ? (int64_t)(1 + below(rng, 300)) * HAND_US : -1;
    job->min_run_us = (int64_t)below(rng, 20) * HAND_US;
    if (i > 0 && chance(rng, 0.15)) {
        job->n_after = 1 + below(rng, 2);
        jobs->after[i][0] = below(rng, i);
        jobs->after[i][1] = below(rng, i);
    }
    if (chance(rng, 0.2)) {
        job->array_of = i / 8 * 8;
        job->array_limit = 1 + below(rng, 3);
    }
    if (chance(rng, 0.05)) {
        job->service = true;
        job->work = NAN;
    }
}

static inline void random_jobs(fy_rng *rng, const hand_site *hand, hand_jobs *jobs)
{
    int n = 1 + below(rng, MOST_JOBS);
    double submit_s = 0;

    jobs->n = 0;
    for (int i = 0; i < n; i++) {
        fy_job_spec *job;

        submit_s += chance(rng, 0.3) ? 0 : fy_rng_exponential(rng, 20);
        job = hand_job(jobs, submit_s, 1, chance(rng, 0.02) ? 0 : 1 + fy_rng_exponential(rng, 90));
        random_shape(rng, job);
        random_accept(rng, jobs, i, hand->site.n_chips);
        random_terms(rng, hand, jobs, i);
    }
}

static inline void random_happenings(fy_rng *rng, scenario *s)
{
    int n = below(rng, MOST_HAPPENINGS - 2);
    int k = 0;

    for (int i = 0; i < n; i++) {
        const fy_pool_spec *pool = &s->hand.pools[below(rng, s->hand.site.n_pools)];
        fy_happening *h = &s->happenings[k];

        (void)snprintf(s->nodes[k], sizeof s->nodes[k], "%s-%04d", pool->name,
                       below(rng, pool->nodes));
        *h = (fy_happening){.t_us = (int64_t)below(rng, 300) * HAND_US,
                            .kind = (fy_happening_kind)below(rng, FY_HAPPEN_CLEAR + 1),
                            .name = s->nodes[k],
                            .tenant = chance(rng, 0.5) ? "t0" : "",
                            .count = 1};
        h->from_us = h->t_us + (int64_t)below(rng, 60) * HAND_US;
        h->until_us = h->from_us + (int64_t)(1 + below(rng, 60)) * HAND_US;
        k++;
    }
    if (chance(rng, 0.3)) {
        s->happenings[k++] = (fy_happening){.t_us = 100 * HAND_US,
                                            .kind = FY_HAPPEN_DELIVER,
                                            .name = s->hand.pools[0].name,
                                            .count = 2};
    }
    s->options.n_happenings = k;
}

static inline void random_scenario(scenario *s, uint64_t seed)
{
    fy_rng rng = fy_rng_seed(seed);

    random_site(&rng, &s->hand);
    random_jobs(&rng, &s->hand, &s->jobs);
    s->options = fy_sim_options_default(&s->hand.site);
    random_happenings(&rng, s);
    s->options.happenings = s->happenings;
    s->options.costs = (fy_costs)below(&rng, 3);
    s->options.limits = (fy_limits)below(&rng, 4);
    s->options.limit_factor = 1.5;
    s->options.round_us = chance(&rng, 0.3) ? 30 * HAND_US : 0;
    s->options.until_us = 5000LL * HAND_US;
    s->options.mtbf_s = chance(&rng, 0.5) ? 400 : 0;
    s->options.repair_s = 60;
    s->options.rack_share = 0.3;
    s->options.seed = seed;
    s->options.power_cap_w = chance(&rng, 0.2) ? 60000 : NAN;
    s->options.mix_jobs = s->jobs.jobs;
    s->options.n_mix_jobs = s->jobs.n;
}

#endif
