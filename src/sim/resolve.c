/* SPDX-License-Identifier: MIT */
/*
 * From what a trace says to what the fleet keeps: work and rates become integers (quanta, a power
 * of ten to the unit of work, as fine as 63 bits allow), costs and limits take their defaults, and
 * the tenant gets its number.
 */
#include "fleet/quanta.h"
#include "sim/run.h"

#include <uthash.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fy_tenant_name {
    UT_hash_handle hh;
    int32_t number;
    char name[];
};

static int32_t remember(fy_sim *run, const char *name, int32_t number)
{
    size_t len = strlen(name);
    fy_tenant_name *entry = fy_calloc(1, sizeof *entry + len + 1);

    memcpy(entry->name, name, len);
    entry->number = number;
    HASH_ADD_KEYPTR(hh, run->tenant_names, entry->name, len, entry);
    return number;
}

/* The number of the tenant called `name`; a new one gets weight 1, no guarantee and no limit. */
static int tenant_of(fy_sim *run, const char *name, int32_t *number)
{
    fy_tenant_name *entry = NULL;
    fy_tenant_record rec = {.name = name, .weight = 1, .borrow_milli = -1};
    fy_event event;

    if (run->tenant_names == NULL) {
        for (size_t i = 0; i < run->fleet->n_tenants; i++) {
            (void)remember(run, run->fleet->tenants[i].name, (int32_t)i);
        }
    }
    HASH_FIND(hh, run->tenant_names, name, strlen(name), entry);
    if (entry != NULL) {
        *number = entry->number;
        return 0;
    }
    *number = remember(run, name, (int32_t)run->fleet->n_tenants);
    event = fy_sim_event(run, FY_EV_TENANT_SET);
    event.tenant = *number;
    event.tenant_record = &rec;
    return fy_sim_emit(run, &event, run->err);
}

/* Rounds of `round_us` with whole units only: what is cut by a round's end is done again. */
static double whole(const fy_sim *run, double rate)
{
    double round_s = (double)run->options->round_us / 1e6;
    double units = floor(rate * round_s);

    return run->options->whole_steps && round_s > 0 && units >= 1 ? units / round_s : rate;
}

static void resolve_costs(const fy_sim *run, const fy_job_spec *spec, fy_job_record *rec)
{
    int64_t interval = spec->checkpoint_interval_us;

    if (run->options->costs == FY_COSTS_NONE) {
        rec->checkpoint_interval_us = rec->checkpoint_cost_us = rec->restart_cost_us = 0;
        return;
    }
    rec->checkpoint_interval_us = interval >= 0 ? interval : FY_DEFAULT_CHECKPOINT_US;
    rec->checkpoint_cost_us = spec->checkpoint_cost_us >= 0 ? spec->checkpoint_cost_us : 0;
    rec->restart_cost_us =
        spec->restart_cost_us >= 0 ? spec->restart_cost_us : FY_DEFAULT_RESTART_US;
}

/* The limit a policy may count on: longest run on the slowest chip, times the factor. */
static int64_t limit_of(const fy_sim *run, const fy_job_spec *spec)
{
    double slowest = (double)INFINITY;
    double limit_us;

    if (run->options->limits == FY_LIMITS_NONE) {
        return -1;
    }
    if (run->options->limits == FY_LIMITS_TRACE) {
        return spec->limit_us;
    }
    for (int i = 0; i < spec->n_accept; i++) {
        double rate = spec->accept[i].rate;
        double spread = spec->accept[i].rate_spread;

        slowest = rate > 0 && rate < slowest ? rate : slowest;
        slowest = spread > 0 && spread < slowest ? spread : slowest;
    }
    limit_us = spec->work / slowest * 1e6 *
               (run->options->limits == FY_LIMITS_FACTOR ? run->options->limit_factor : 1);
    return limit_us >= 0 && limit_us < 9e18 ? (int64_t)limit_us + 1 : -1;
}

int fy_resolve(fy_sim *run, const fy_job_spec *spec, fy_job_record *rec)
{
    double q = fy_quanta_per_unit(spec);
    int32_t tenant;
    int status = tenant_of(run, spec->tenant[0] != '\0' ? spec->tenant : "default", &tenant);

    if (status != 0) {
        return status;
    }
    run->rates =
        fy_grow(run->rates, &run->rates_room, (size_t)spec->n_accept + 1, sizeof *run->rates);
    for (int i = 0; i < spec->n_accept; i++) {
        run->rates[i] =
            (fy_rate){.chip = spec->accept[i].chip,
                      .grade = (int32_t)spec->accept[i].grade,
                      .rate_q = fy_quanta(whole(run, spec->accept[i].rate), q),
                      .spread_q = fy_quanta(whole(run, spec->accept[i].rate_spread), q)};
    }
    if (spec->any_chip) {
        fy_rates_sort(run->rates, spec->n_accept);
    }
    *rec = (fy_job_record){.name = spec->name,
                           .tenant = tenant,
                           .priority = spec->priority,
                           .workers = spec->workers,
                           .min_workers = spec->min_workers,
                           .max_workers = spec->max_workers,
                           .devices = spec->devices,
                           .milli = spec->milli,
                           .spares = spec->spares,
                           .cpu_milli = spec->cpu_milli,
                           .memory_mib = spec->memory_mib,
                           .rates = run->rates,
                           .n_rates = spec->n_accept,
                           .work_q = spec->service ? -1 : (int64_t)(spec->work * q + 0.5),
                           .q_per_unit = q,
                           .end = spec->end,
                           .limit_us = limit_of(run, spec),
                           .deadline_us = spec->deadline_us,
                           .min_run_us = spec->min_run_us,
                           .after = spec->after,
                           .n_after = spec->n_after,
                           .array_of = spec->array_of,
                           .array_limit = spec->array_limit};
    resolve_costs(run, spec, rec);
    return 0;
}

void fy_resolve_free(fy_sim *run)
{
    fy_tenant_name *entry = run->tenant_names;

    HASH_CLEAR(hh, run->tenant_names); /* the table; the entries stay linked */
    while (entry != NULL) {
        fy_tenant_name *next = entry->hh.next;

        free(entry);
        entry = next;
    }
    free(run->rates);
}
