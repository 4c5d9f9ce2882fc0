/* SPDX-License-Identifier: MIT */
/*
 * The simulator: a fleet, a list of jobs and a policy in virtual time, through the same state
 * machine and the same round as the daemon; and what came of it.
 */
#ifndef FUYAO_SIM_H
#define FUYAO_SIM_H

#include "fuyao/sched.h"
#include "fuyao/trace.h"

typedef enum fy_costs { FY_COSTS_NONE, FY_COSTS_DEFAULT, FY_COSTS_TRACE } fy_costs;

/* Where a trace states no costs: 60 s to restart, a checkpoint every 10 minutes that costs nothing
 * (assumed; every header prints it). */
#define FY_DEFAULT_RESTART_US    (60 * 1000000LL)
#define FY_DEFAULT_CHECKPOINT_US (600 * 1000000LL)

typedef enum fy_limits {
    FY_LIMITS_NONE,
    FY_LIMITS_TRACE,
    FY_LIMITS_EXACT,
    FY_LIMITS_FACTOR
} fy_limits;

typedef enum fy_rho { FY_RHO_FUYAO, FY_RHO_GAVEL, FY_RHO_SIA } fy_rho;

/* Where jobs come from: returns 1 and a job, 0 at the end, or a negative code. */
typedef struct fy_source {
    int (*next)(void *ctx, fy_job_spec *job, fy_err *err);
    void *ctx;
} fy_source;

/*
 * A dated change from outside. A window is announced at `t_us`, holds from `from_us` to `until_us`
 * and is made of three happenings, which fy_happening_window writes: WINDOW now, CLEAR at its
 * begin, WINDOW with from = until = 0 at its end.
 */
typedef enum fy_happening_kind {
    FY_HAPPEN_DOWN,
    FY_HAPPEN_UP,
    FY_HAPPEN_DRAIN,
    FY_HAPPEN_RESUME,
    FY_HAPPEN_WINDOW,
    FY_HAPPEN_CLEAR, /* what runs on the node goes back to the queue, the window's tenant's aside */
    FY_HAPPEN_DELIVER, /* `count` nodes like those of pool `name` */
    FY_HAPPEN_CANCEL,  /* the job called `name` */
} fy_happening_kind;

typedef struct fy_happening {
    int64_t t_us;
    int64_t from_us, until_us; /* of a window */
    fy_happening_kind kind;
    const char *name;   /* of a node, pool or job; borrowed */
    const char *tenant; /* who may use the node in the window; "" = nobody: maintenance */
    int count;
} fy_happening;

/* One ended job (or one that the run's end cut off). */
typedef struct fy_sim_job {
    const char *name, *tenant, *chip, *state; /* finished, failed, cancelled, running, waiting,
                                                 held, never */
    const char *reason;                       /* for waiting and never: why */
    int64_t submit_us, start_us, end_us;      /* start: first; -1 = never */
    int64_t wait_us;                          /* all time submitted and not running */
    int32_t workers, devices, milli, attempts, preemptions, failures;
    double device_s, lost_device_s, rho; /* rho NAN where it is not defined */
    int64_t deadline_us;
} fy_sim_job;

typedef struct fy_sim_options {
    const fy_site *site;
    fy_source source;
    fy_sched_options sched;
    fy_costs costs;
    fy_limits limits;
    double limit_factor;
    fy_rho rho;
    int64_t round_us;      /* 0 = decide at every event; else at multiples of this */
    int64_t round_hold_us; /* decide only after an arrival or end, and this long after the last */
    bool whole_steps;      /* a unit of work cut by the end of a round is done again */
    int64_t until_us;      /* instant at which the run ends; INT64_MAX = when all is done */
    double mtbf_s;         /* mean time between failures of a node; 0 = none */
    double repair_s;       /* mean time to repair */
    double rack_share;     /* share of failures that take a whole rack */
    uint64_t seed;
    double power_cap_w;             /* facility power; NAN = none */
    const fy_happening *happenings; /* [n_happenings], any order */
    int n_happenings;
    const fy_job_spec *mix_jobs; /* [n_mix_jobs] the typical mix for `fragmented`; 0 = none */
    int64_t n_mix_jobs;
    fy_event_fn journal; /* NULL, or takes every event */
    void *journal_ctx;
    void (*job_done)(void *ctx, const fy_sim_job *job); /* NULL, or one call a job */
    void *job_done_ctx;
    void (*progress)(void *ctx, int64_t done, int64_t now_us); /* NULL, or now and then */
    void *progress_ctx;
} fy_sim_options;

/* All options at rest: no costs, no failures, every event decides. */
fy_sim_options fy_sim_options_default(const fy_site *site);

typedef struct fy_stat {
    double mean, p50, p90, p99, max; /* nearest rank; NAN where nothing was counted */
} fy_stat;

typedef struct fy_sim_range {
    double low, mid, high;
} fy_sim_range;

typedef struct fy_sim_tenant {
    char *name; /* owned by the result */
    int64_t jobs;
    double jct_mean_s, device_s, rho_mean;
} fy_sim_tenant;

typedef struct fy_sim_pool {
    const char *chip;
    int64_t devices;
    double allocated, utilization;
    fy_sim_range energy_kwh;
} fy_sim_pool;

typedef struct fy_sim_fill {
    double arrived, allocated, fragmented; /* shares of all devices */
} fy_sim_fill;

/* What came of a run. Shares are fractions of 1. Owned by the result, freed together. */
typedef struct fy_sim_result {
    const char *policy, *placement, *costs;
    int64_t jobs, finished, unfinished, never_placeable, failed, cancelled, dropped;
    fy_stat jct_s, wait_s;
    double makespan_s, utilization, allocated, fragmented;
    int64_t preemptions;
    double lost_work_device_s;
    double rho_mean, rho_p99, rho_worst, rho_unfair;
    fy_sim_range energy_kwh, cost, peak_kw;
    fy_sim_range busy_kwh;       /* of energy_kwh: devices while held, PUE included */
    double assumed_energy_share; /* of energy_kwh.mid that rests on assumed numbers */
    const char *currency;
    fy_sim_tenant *tenants;
    int n_tenants;
    fy_sim_pool *pools;
    int n_pools;
    fy_sim_fill *fill;
    int n_fill;
    int64_t events, rounds;
    uint64_t digest; /* of the final state */
} fy_sim_result;

/* Run to the end. Errors: those of the source, FY_EINVAL for options that make no sense. */
int fy_sim_run(fy_sim_result **out, const fy_sim_options *options, fy_err *err) FY_NODISCARD;
void fy_sim_result_free(fy_sim_result *result);

/*
 * The inflation experiment: the jobs shuffled by `seed` and cloned (drawn again with that seed)
 * until they ask for `inflate` times the fleet's devices, arriving one by one; nobody leaves, what
 * cannot be placed is dropped and counted. result->fill has a row per per cent arrived.
 *   jobs   [n], borrowed
 */
int fy_sim_inflate(fy_sim_result **out, const fy_sim_options *options, const fy_job_spec *jobs,
                   int64_t n, double inflate, uint64_t seed, fy_err *err) FY_NODISCARD;

#endif
