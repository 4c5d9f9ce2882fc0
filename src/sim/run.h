/* SPDX-License-Identifier: MIT */
/*
 * One run in progress: what the simulator's files share.
 *
 *     source ─► resolve ─► submitted ─┐
 *     ends, cancels, faults ──────────┼─► fleet ─► policy ─► intents ─► answers ─► ends
 *                                     └─► metrics
 */
#ifndef FUYAO_SIM_RUN_H
#define FUYAO_SIM_RUN_H

#include "base/heap.h"
#include "base/rng.h"
#include "fleet/state.h"
#include "fuyao/sim.h"

typedef struct fy_answer {
    int64_t job;
    int32_t attempt;
    bool start;
} fy_answer;

typedef struct fy_tenant_name fy_tenant_name; /* tenants by name: resolve.c */
typedef struct fy_cancel_name fy_cancel_name; /* jobs that the events cancel: outside.c */

typedef struct fy_faults {
    double mtbf_s, repair_s, rack_share;
    fy_rng rng;
    int64_t next_us; /* next failure, FY_NEVER = none */
    fy_heap repairs; /* of nodes, by instant */
    fy_heap_pos pos;
    int32_t *dark; /* nodes that the power cap keeps off until something ends */
    size_t n_dark, dark_room;
} fy_faults;

typedef struct fy_tally {
    double jct_s, device_s, rho;
    int64_t jobs, ended, with_rho;
} fy_tally;

typedef struct fy_metrics {
    int64_t *jct_us, *wait_us; /* [n] */
    int64_t *rho;              /* [n_rho] x 1e-9 */
    size_t n, n_rho, jct_room, wait_room, rho_room;
    int64_t jobs, finished, failed, cancelled, never;
    int64_t preemptions;
    double jct_sum_s, wait_sum_s, rho_sum;
    int64_t unfair;
    fy_wide lost_int;
    fy_tally *tenants;
    size_t tenants_room, n_tenants;
    int64_t first_us, last_us;
} fy_metrics;

typedef struct fy_sim {
    const fy_sim_options *options;
    fy_fleet *fleet;
    fy_sched *sched;
    fy_metrics metrics;
    fy_faults faults;
    fy_heap ends, cancels; /* of jobs, by instant */
    fy_heap_pos end_pos, cancel_pos;
    fy_answer *answers;
    size_t n_answers, answers_room;
    fy_tenant_name *tenant_names;
    fy_rate *rates; /* scratch of resolve */
    size_t rates_room;
    int64_t n_services, n_rounds;
    int64_t last_round_us, last_decision_us;
    bool dirty;    /* something happened since the last decision */
    bool changed;  /* a job came or ended since the last decision */
    bool cut;      /* the run ended at until_us with work left */
    int happening; /* next of `order` */
    int *order;    /* happenings by instant */
    fy_cancel_name *cancel_names, *cancel_list;
    fy_err *err;
} fy_sim;

/* resolve.c: the job's record, in integers; strings borrowed from the spec, rates from the run.
 * Returns 0 or a negative code. A tenant not met before is set by an event first. */
int fy_resolve(fy_sim *run, const fy_job_spec *spec, fy_job_record *rec) FY_NODISCARD;
void fy_resolve_free(fy_sim *run);

/* run.c: apply an event, journal it, tell the policy. */
int fy_sim_emit(void *run, const fy_event *event, fy_err *err) FY_NODISCARD;
void fy_sim_close(fy_sim *run);

/* Note when the running job will end: by its work or at its limit. */
void fy_sim_schedule(fy_sim *run, const fy_job *job);
fy_event fy_sim_event(const fy_sim *run, fy_event_kind kind);

/* The job is over: by its own end, at its limit, or cancelled. */
int fy_sim_end(fy_sim *run, const fy_job *job, fy_event_kind kind) FY_NODISCARD;

/* outside.c: failures, repairs and dated happenings. */
int fy_outside_open(fy_sim *run, int64_t t0_us) FY_NODISCARD;
/* Instant of the next; FY_NEVER = none. `idle`: nothing runs, so no node need fail any more. */
int64_t fy_outside_next(const fy_sim *run, bool idle);
bool fy_outside_helps(const fy_sim *run); /* may it still let waiting jobs start? */
int fy_outside_step(fy_sim *run, int64_t t_us, bool idle) FY_NODISCARD; /* everything due at t_us */
void fy_outside_submitted(fy_sim *run, const fy_job *job);
int fy_outside_light(fy_sim *run) FY_NODISCARD; /* bring up what the power cap kept dark */
void fy_outside_close(fy_sim *run);

/* inflate.c: tell the fleet the typical mix of `jobs`, for its fragmentation. */
int fy_mix_of_jobs(fy_sim *run, const fy_job_spec *jobs, int64_t n) FY_NODISCARD;

/* metrics.c */
void fy_metrics_submitted(fy_sim *run, const fy_job *job);
void fy_metrics_ended(fy_sim *run, const fy_job *job, const char *state);
fy_sim_result *fy_metrics_result(fy_sim *run, int64_t end_us);
void fy_metrics_free(fy_metrics *metrics);
double fy_rho_of(const fy_sim *run, const fy_job *job, int64_t end_us);

#endif
