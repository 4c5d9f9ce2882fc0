/* SPDX-License-Identifier: MIT */
/* The machines' part of the fleet's state: see state.h, which everybody else includes. */
#ifndef FUYAO_FLEET_STATE_NODES_H
#define FUYAO_FLEET_STATE_NODES_H

#include "base/bitset.h"
#include "fleet/state_jobs.h"

typedef struct fy_node {
    const char *name;
    int32_t chip, rack, in_pool, n_devices, first_device;
    int32_t n_whole;    /* idle whole devices */
    int64_t idle_milli; /* over all devices */
    int64_t cpu_free, cpu_total, memory_free, memory_total;
    bool up, drained;
    bool listed; /* stands in the pool's free sets */
    int32_t reserved_tenant;
    int64_t reserved_from_us, reserved_to_us; /* FY_NEVER = none */
    int64_t idle_mw[FY_N_ESTIMATES], active_mw[FY_N_ESTIMATES], overhead_mw[FY_N_ESTIMATES];
    fy_hold *holds;
    int64_t fail_job[3], fail_us[3]; /* the last failures blamed on it */
    int64_t frag;                    /* F_n of the typical mix [milli x weight] */
    bool frag_stale;
} fy_node;

typedef struct fy_rack {
    int32_t chip, first, last; /* nodes in the pool: first .. last */
    int32_t n_whole;           /* idle whole devices on listed nodes */
} fy_rack;

/* All nodes of one chip type. */
typedef struct fy_pool {
    const char *name;
    int32_t *nodes; /* [n_nodes], node numbers by place in the pool */
    int32_t n_nodes, max_devices;
    int32_t n_devices;  /* all, up or not */
    int32_t n_up;       /* devices on nodes that are up */
    int32_t n_whole;    /* idle whole devices on listed nodes */
    int64_t idle_milli; /* on listed nodes */
    int64_t held_milli;
    int64_t slack_mw;       /* most that a busy device of it may draw beyond an idle one, high */
    int64_t stopping_milli; /* of held: jobs that are on their way out */
    fy_bitset *by_free;     /* [max_devices + 1] listed nodes by idle whole devices */
    fy_bitset partial;      /* listed nodes with a partly used device that has room */
    fy_bitset reserved;     /* up nodes with a window: only some jobs may use them */
    int32_t n_windows;      /* nodes with a window, up or not */
    fy_rack *racks;
    int32_t n_racks;
    bool unlimited;                     /* no node states cpu or memory */
    uint64_t releases;                  /* grows whenever something may fit that did not */
    int64_t power_mw[FY_N_ESTIMATES];   /* all nodes of the pool, now */
    fy_wide held_int, up_int, all_int;  /* milli-device x us: held, up, all there are */
    fy_wide productive_int;             /* the same, of ended attempts: held - paused - lost */
    fy_wide energy_int[FY_N_ESTIMATES]; /* mW x us, without PUE */
    int64_t at_us;                      /* integrals are up to here */
} fy_pool;

#endif
