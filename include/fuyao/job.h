/* SPDX-License-Identifier: MIT */
/*
 * What a tenant submits, as a trace reader or an API hands it to the fleet. All dimensioned fields
 * carry their unit in the name; instants are microseconds since the trace's epoch.
 */
#ifndef FUYAO_JOB_H
#define FUYAO_JOB_H

#include "fuyao/workload.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum fy_priority { FY_HIGH, FY_NORMAL, FY_SPOT } fy_priority;

/* How a job's own end is reached, when it is known from history. */
typedef enum fy_end { FY_END_FINISH, FY_END_FAIL, FY_END_CANCEL } fy_end;

/* One acceptable chip type; the order in the job's list is its preference, best first. */
typedef struct fy_accept {
    int chip;           /* index into the site's chips */
    fy_grade grade;     /* of the rates */
    double rate;        /* units of work a second of the whole gang, > 0, in as few nodes as fit */
    double rate_spread; /* the same where the gang spans more nodes than it must; 0 = cannot */
} fy_accept;

typedef struct fy_job_spec {
    const char *name;   /* unique in a trace; borrowed until the next fy_trace_next */
    const char *tenant; /* borrowed likewise; "" = "default" */
    int64_t submit_us;
    fy_priority priority;

    int workers;                  /* gang size at start, >= 1 */
    int min_workers, max_workers; /* elastic range; equal to workers where rigid */
    int devices;        /* whole devices a worker, >= 0 (0: CPU only); 1 where milli > 0 */
    int milli;          /* 0 = whole devices; 1..999 = share of one device, workers == 1 */
    int64_t cpu_milli;  /* per worker, >= 0 */
    int64_t memory_mib; /* per worker, >= 0 */
    int spares;         /* workers held idle to replace failed ones, >= 0 */

    const fy_accept *accept; /* [n_accept], chips of this site only; n_accept may be 0 */
    int n_accept;
    int n_absent;  /* acceptable chips that the site does not have */
    bool any_chip; /* the job named no chip */

    double work;                 /* units, > 0; NAN for a service (no end); 0 = ends at once */
    bool work_is_time;           /* unit = second on a chip of rate 1 (the trace gave a duration) */
    bool service;                /* runs until cancelled or the run ends */
    const fy_workload *workload; /* NULL, or what it trains; work is then in tokens (samples of a
                                    black box), rates are those a second */
    int batch;                   /* sequences a step; 0 = the workload's own */
    bool planned;                /* the rates are the planner's; else stated in the trace */
    double mix[FY_N_BOUNDS]; /* roofline shares of the reference time; mix[0] = NAN if unknown */

    fy_end end;        /* what happens when the work is done (default finish) */
    int64_t cancel_us; /* cancelled that long after submission; -1 = never */

    int64_t checkpoint_interval_us; /* -1 = not stated; 0 = continuous (nothing is lost) */
    int64_t checkpoint_cost_us;     /* pause per checkpoint; -1 = not stated */
    int64_t restart_cost_us;        /* before work goes on after an interruption; -1 = not stated */
    int64_t limit_us;               /* requested time limit; -1 = none */
    int64_t deadline_us;            /* instant; -1 = none */
    int64_t min_run_us;             /* not preempted sooner in an attempt, >= 0 */

    const int64_t *after; /* [n_after] sequence numbers (0 = first job of the trace) that must
                             finish first (afterok) */
    int n_after;
    int array_index;  /* index in a job array, -1 = none */
    int array_limit;  /* tasks of the array running at once; 0 = no limit */
    int64_t array_of; /* sequence number of the array's first task, -1 = none */
} fy_job_spec;

/* A rigid one-device job of normal priority with nothing stated: what readers start from. */
fy_job_spec fy_job_spec_default(void);

#endif
