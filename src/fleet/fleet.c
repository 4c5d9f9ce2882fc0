/* SPDX-License-Identifier: MIT */
/* Making and freeing a fleet, and building one from a site. */
#include "fleet/internal.h"

#include <stdio.h>
#include <stdlib.h>

fy_fleet *fy_fleet_new(void)
{
    fy_fleet *fleet = fy_calloc(1, sizeof *fleet);

    fleet->power_cap_mw = FY_NEVER;
    return fleet;
}

static void free_pool(fy_pool *pool)
{
    for (int k = 0; pool->by_free != NULL && k <= pool->max_devices; k++) {
        fy_bitset_free(&pool->by_free[k]);
    }
    free(pool->by_free);
    fy_bitset_free(&pool->partial);
    fy_bitset_free(&pool->reserved);
    free(pool->nodes);
    free(pool->racks);
}

void fy_fleet_free(fy_fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    for (int c = 0; c < fleet->n_chips; c++) {
        free_pool(&fleet->pools[c]);
    }
    free(fleet->nodes);
    free(fleet->version);
    free(fleet->idle_milli);
    free(fleet->stale);
    free(fleet->tenants);
    free(fleet->classes);
    free(fleet->class_hash);
    free(fleet->arrays);
    free(fleet->woken);
    free(fleet->array_hash);
    free(fleet->jobs);
    free(fleet->free_slots);
    free(fleet->slot_of);
    fy_blocks_free(&fleet->blocks);
    fy_arena_free(&fleet->arena);
    free(fleet);
}

static int64_t milliwatts(double w)
{
    return fy_known(w) && w > 0 ? (int64_t)(w * 1000 + 0.5) : 0;
}

static void power_of(const fy_range *range, int64_t mw[FY_N_ESTIMATES])
{
    mw[FY_LO] = milliwatts(range->low);
    mw[FY_MID] = milliwatts(range->mid);
    mw[FY_HI] = milliwatts(range->high);
}

int fy_pool_events(const fy_pool_spec *pool, int first, int count, int64_t t_us, fy_event_fn emit,
                   void *ctx, fy_err *err)
{
    char name[128];
    fy_node_record rec = {.name = name,
                          .chip = pool->chip,
                          .devices = pool->devices,
                          .cpu_milli = pool->cpu_milli >= 0 ? pool->cpu_milli : FY_PLENTY,
                          .memory_mib = pool->memory_mib >= 0 ? pool->memory_mib : FY_PLENTY};
    fy_event event = {.t_us = t_us,
                      .kind = FY_EV_NODE_ADDED,
                      .job = -1,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .node_record = &rec};
    int status = 0;

    power_of(&pool->idle_w, rec.idle_mw);
    power_of(&pool->active_w, rec.active_mw);
    power_of(&pool->overhead_w, rec.overhead_mw);
    for (int i = 0; i < count && status == 0; i++) {
        (void)snprintf(name, sizeof name, "%s-%04d", pool->name, first + i);
        rec.rack =
            pool->nodes_per_rack > 0 && i % pool->nodes_per_rack != 0 ? FY_RACK_LAST : FY_RACK_NEW;
        status = emit(ctx, &event, err);
    }
    return status;
}

int fy_site_events(const fy_site *site, int64_t t_us, fy_event_fn emit, void *ctx, fy_err *err)
{
    fy_event event = {.t_us = t_us, .job = -1, .node = -1, .tenant = -1, .chip = -1};
    int status = 0;

    for (int c = 0; c < site->n_chips && status == 0; c++) {
        event.kind = FY_EV_CHIP_ADDED;
        event.chip = c;
        event.name = site->chips[c]->id;
        status = emit(ctx, &event, err);
    }
    event.chip = -1;
    event.name = NULL;
    for (int p = 0; p < site->n_pools && status == 0; p++) {
        status = fy_pool_events(&site->pools[p], 0, site->pools[p].nodes, t_us, emit, ctx, err);
    }
    for (int i = 0; i < site->n_tenants && status == 0; i++) {
        const fy_tenant_spec *spec = &site->tenants[i];
        fy_tenant_record rec = {.name = spec->name,
                                .weight = spec->weight,
                                .borrow_milli = spec->borrow_milli,
                                .guarantee_milli = spec->guarantee_milli,
                                .n = site->n_chips};

        event.kind = FY_EV_TENANT_SET;
        event.tenant = i;
        event.tenant_record = &rec;
        status = emit(ctx, &event, err);
    }
    return status;
}
