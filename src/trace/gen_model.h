/* SPDX-License-Identifier: MIT */
/*
 * The statistical model behind `fuyao gen`: sizes, durations, kinds of work, ends and tenants, with
 * their sources, resolved against a site. Built once; drawing from it changes nothing in it.
 *
 * Sources of the defaults
 *   sizes, durations, arrivals   Microsoft Philly 2017 (Jeon et al., ATC'19), 82,247 jobs counted
 * in the flat file: 93.2 % ask for one GPU, the largest for 128; mean 13,136 s, median 1,144 s, p90
 * 11,266 s, p99 254,884 s, longest 53.6 days, longer with size up to 8 GPUs. Arrivals by hour:
 * median over the days of the count in each hour, smoothed over three hours (peak over trough 1.9);
 * a weekend day has 0.42 of a weekday. ends     Shanghai AI Lab's Acme (Hu et al., NSDI'24), by
 * count: Seren 42.9 % fail and 7.4 % are cancelled, Kalos 39.7 % and 6.2 %; their mean. By time
 * most is cancelled, so long jobs are cancelled more often and fail less often than short ones.
 *   chip named    a third of the tasks in Alibaba's 2023 trace name a GPU type.
 *   tenants  demand falls as 1/rank (Philly's fifteen virtual clusters: 26, 17, 13, 10, 8, ... % of
 *       GPU time).
 * The mixes of the kinds of work, the workloads they may name, their memory, priorities and shares,
 * and the share and lifetime of services are invented; they are round numbers and no source stands
 * behind them.
 */
#ifndef FUYAO_TRACE_GEN_MODEL_H
#define FUYAO_TRACE_GEN_MODEL_H

#include "base/arena.h"
#include "base/rng.h"
#include "fuyao/trace.h"

enum {
    FY_GEN_SIZES = 8, /* gangs of 1, 2, 4, ... 128 devices */
    FY_GEN_KINDS = 6, /* the last is the service */
    FY_GEN_TRAIN_KINDS = FY_GEN_KINDS - 1,
    FY_GEN_VARIANTS = 4, /* of a kind's mix */
    FY_GEN_SERVICE = FY_GEN_KINDS - 1,
    FY_GEN_MAX_TENANTS = 1000,
    FY_GEN_MAX_WORKLOADS = 64,
};

/* Work of one kind, variant and size: where it runs, how fast. */
typedef struct fy_gen_profile {
    double mix[FY_N_BOUNDS];
    const fy_workload *workload; /* NULL: known by its mix alone */
    double unit; /* work a second on the reference: 1, or a workload's tokens a second */
    const fy_accept *accept; /* [n_accept] fastest first; owned by the model's arena */
    int n_accept;            /* 0: this work cannot be placed and is not drawn */
    double *named;           /* [n_accept] cumulative chance to name that chip alone, last = 1 */
    double time;             /* mean of unit/rate over the accepted devices */
    double slowest;          /* least rate */
} fy_gen_profile;

/* Parts of the load, each met exactly: rated work, services, work for one unrated chip each. */
enum {
    FY_GEN_RATED,
    FY_GEN_SERVICES,
    FY_GEN_UNRATED,
    FY_GEN_PARTS = FY_GEN_UNRATED + FY_MAX_CHIPS
};

typedef struct fy_gen_part {
    double target_s;                  /* device-seconds that the part must demand */
    double mean_s;                    /* expected device-seconds a job */
    double chance;                    /* of a job to be of this part, cumulative */
    double scale;                     /* factor on durations, so that the target is met exactly */
    double size_chance[FY_GEN_SIZES]; /* cumulative */
    fy_accept accept;                 /* of an unrated chip's part */
} fy_gen_part;

typedef struct fy_gen_model {
    const fy_site *site;
    fy_arena arena;
    double days;
    int64_t jobs;
    int tenants;
    const char *tenant_name[FY_GEN_MAX_TENANTS];
    double tenant_chance[FY_GEN_MAX_TENANTS]; /* cumulative */
    double kind_chance[FY_GEN_TRAIN_KINDS][FY_GEN_SIZES]
                      [FY_GEN_TRAIN_KINDS]; /* [taste] cumulative */
    fy_gen_profile profiles[FY_GEN_KINDS][FY_GEN_VARIANTS][FY_GEN_SIZES];
    fy_gen_part parts[FY_GEN_PARTS];
    int n_parts;
    double fail_short, fail_long, cancel_short, cancel_long; /* chance by kind of duration */
    int64_t cpu_milli, memory_mib;                           /* of a worker */
} fy_gen_model;

/* What kind of work a kind is; the table is in gen_model.c. */
typedef struct fy_gen_kind {
    const char *name;
    double mix[FY_N_BOUNDS];
    double memory_bytes; /* that a device must have */
    double weight[4];    /* share among gangs of 1, 2 to 4, 8, and more */
    double high, spot;   /* share with that priority */
} fy_gen_kind;
extern const fy_gen_kind fy_gen_kinds[FY_GEN_KINDS];

/* Shares of jobs that fail and that are cancelled, unless the options say otherwise. */
#define FY_GEN_FAIL   0.413
#define FY_GEN_CANCEL 0.068

/* What a site offers, by chip. */
typedef struct fy_gen_offer {
    double devices[FY_MAX_CHIPS];
    bool rated[FY_MAX_CHIPS];
    double rated_devices;
    int ref;      /* the rated chip with most devices; -1 = none is rated */
    int per_node; /* most devices in a node */
} fy_gen_offer;

fy_gen_offer fy_gen_count_site(const fy_site *site);

/* Parts of fy_gen_model_build: what a worker gets of its host, and where each kind of work runs. */
void fy_gen_share_hosts(fy_gen_model *model);
int fy_gen_build_profiles(fy_gen_model *model, const fy_gen_offer *o, const fy_gen_options *options,
                          fy_err *err) FY_NODISCARD;

/* Insert into `list` [*n], fastest first. */
void fy_gen_add_accept(fy_accept *list, int *n, fy_accept accept);

/*
 * The workload of a kind, variant and size, and where it runs: fills `list` [FY_MAX_CHIPS], sets
 * workload and unit of the profile. Returns how many chips; 0 where the profile is left to its mix;
 * or an error: FY_ENOENT, or those of loading workloads.
 */
int fy_gen_plan_profile(fy_gen_model *model, const fy_gen_options *options, const fy_gen_offer *o,
                        int kind, int variant, int size, fy_accept *list, fy_err *err) FY_NODISCARD;

/* By size: the share of long jobs, and means of the distributions drawn from below. */
extern const double fy_gen_long_share[FY_GEN_SIZES];
double fy_gen_duration_mean_s(int size);
double fy_gen_lifetime_mean_s(void);

int fy_gen_size(int size); /* devices of the i-th size */

/*
 * Build the model for `options` (checked). Random choices (variants of mixes) come from `seed`.
 * Errors: FY_ERANGE, FY_EINFEASIBLE.
 */
int fy_gen_model_build(fy_gen_model **out, const fy_gen_options *options, fy_err *err) FY_NODISCARD;
void fy_gen_model_free(fy_gen_model *model); /* NULL allowed */

/* Seconds on the reference chip; *is_long tells from which part of the distribution. */
double fy_gen_duration_s(int size, fy_rng *rng, bool *is_long);
double fy_gen_lifetime_s(fy_rng *rng); /* of a service */

/* Relative arrivals in the hour that starts `hour` hours after Monday 00:00; mean 1 over a week. */
double fy_gen_arrivals(int64_t hour);

/* Index into `cumulative` [n] (last = 1) for a uniform number u in [0, 1). */
int fy_gen_pick(const double *cumulative, int n, double u);

#endif
