/* SPDX-License-Identifier: MIT */
/* What fair keeps, for the file that decides and the one that saves and loads it. */
#ifndef FUYAO_SCHED_FAIR_H
#define FUYAO_SCHED_FAIR_H

#include "sched/policy.h"
#include "sched/queue.h"

enum { FY_FAIR_SIZES = 12 };

typedef struct fy_fair_tenant {
    double share, usage, key;
    bool guaranteed; /* has some guarantee */
    int64_t at_us;   /* usage is up to here */
    /* by chip and size (powers of two) and in each by (least priority, latest start) */
    fy_heap running[FY_MAX_CHIPS][FY_FAIR_SIZES];
    int32_t n_running[FY_MAX_CHIPS];
    int64_t going[FY_MAX_CHIPS]; /* held by jobs stopped in this round */
} fy_fair_tenant;

struct fy_policy {
    fy_queue queue;
    fy_fair_tenant *tenants;
    size_t n_tenants, room;
    fy_heap_pos pos; /* of running jobs, by slot */
    fy_heap young;   /* running jobs within their minimum run time, by its end */
    fy_heap_pos young_pos;
    double halflife_s;
    int64_t refreshed_us;
    bool reclaim;
    bool guarantees; /* some tenant has one */
    bool any_going;  /* some tenant's `going` is not 0 */
    int64_t *served; /* jobs that have reclaimed at `served_us`: none does so twice */
    size_t n_served, served_room;
    int64_t served_us;
};

void fy_fair_save(const fy_policy *fair, const fy_fleet *fleet, fy_str *out);
bool fy_fair_load(fy_policy *fair, const fy_fleet *fleet, fy_unpack *in);
void fy_fair_free_running(fy_fair_tenant *v);

#endif
