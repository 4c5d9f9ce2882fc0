/* SPDX-License-Identifier: MIT */
/*
 * A digest of everything that decides the future: FNV-1a over 64-bit words in an order that depends
 * on ids alone, so that two fleets with the same history agree whatever slots and addresses their
 * jobs have. Integrals and the passing clock decide nothing and stay out.
 */
#include "fleet/internal.h"

#include <string.h>

static void put(uint64_t *h, int64_t value)
{
    uint64_t v = (uint64_t)value;

    for (int i = 0; i < 8; i++) {
        *h = (*h ^ (v & 0xff)) * 0x100000001b3u;
        v >>= 8;
    }
}

static void put_wide(uint64_t *h, fy_wide value)
{
    put(h, (int64_t)(uint64_t)value);
    put(h, (int64_t)(value >> 64));
}

static void put_double(uint64_t *h, double value)
{
    int64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put(h, bits);
}

static void put_text(uint64_t *h, const char *text)
{
    for (; *text != '\0'; text++) {
        *h = (*h ^ (unsigned char)*text) * 0x100000001b3u;
    }
    *h = (*h ^ 0xff) * 0x100000001b3u;
}

static void put_node(uint64_t *h, const fy_fleet *fleet, const fy_node *node)
{
    put_text(h, node->name);
    put(h, node->chip);
    put(h, node->rack);
    put(h, node->up | node->drained << 1 | node->listed << 2);
    put(h, node->n_devices);
    put(h, node->cpu_free);
    put(h, node->cpu_total);
    put(h, node->memory_free);
    put(h, node->memory_total);
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        put(h, node->idle_mw[i]);
        put(h, node->active_mw[i]);
        put(h, node->overhead_mw[i]);
    }
    put(h, node->reserved_tenant);
    put(h, node->reserved_from_us);
    put(h, node->reserved_to_us);
    for (int i = 0; i < 3; i++) {
        put(h, node->fail_job[i]);
        put(h, node->fail_us[i]);
    }
    for (int d = 0; d < node->n_devices; d++) {
        put(h, fleet->idle_milli[node->first_device + d]);
    }
}

static void put_record(uint64_t *h, const fy_job_record *rec)
{
    put_text(h, rec->name);
    put(h, rec->priority);
    put(h, rec->workers);
    put(h, rec->min_workers);
    put(h, rec->max_workers);
    put(h, rec->devices);
    put(h, rec->milli);
    put(h, rec->spares);
    put(h, rec->cpu_milli);
    put(h, rec->memory_mib);
    put(h, rec->work_q);
    put_double(h, rec->q_per_unit);
    put(h, rec->end);
    put(h, rec->checkpoint_interval_us);
    put(h, rec->checkpoint_cost_us);
    put(h, rec->restart_cost_us);
    put(h, rec->limit_us);
    put(h, rec->deadline_us);
    put(h, rec->min_run_us);
    put(h, rec->array_of);
    put(h, rec->array_limit);
    put(h, rec->n_after);
    for (int i = 0; i < rec->n_after; i++) {
        put(h, rec->after[i]);
    }
    put(h, rec->n_rates);
    for (int i = 0; i < rec->n_rates; i++) {
        put(h, rec->rates[i].chip);
        put(h, rec->rates[i].grade);
        put(h, rec->rates[i].rate_q);
        put(h, rec->rates[i].spread_q);
    }
}

static void put_job(uint64_t *h, const fy_job *job)
{
    put(h, job->id);
    put_record(h, &job->rec);
    put(h, job->tenant);
    put(h, job->state);
    put(h, job->attempt);
    put(h, job->submit_us);
    put(h, job->queued_us);
    put(h, job->start_us);
    put(h, job->first_start_us);
    put(h, job->ran_us);
    put(h, job->never);
    put(h, job->n_open);
    put(h, job->done_q);
    put(h, job->rate_q);
    put(h, job->anchor_us);
    put(h, job->saved_q);
    put(h, job->saved_us);
    put(h, job->held_at_us);
    put_wide(h, job->held_int);
    put_wide(h, job->lost_int);
    put_wide(h, job->pause_int);
    put_wide(h, job->attempt_held);
    put_wide(h, job->attempt_pause);
    put_wide(h, job->attempt_lost);
    put_wide(h, job->active_at_submit);
    put(h, job->preemptions);
    put(h, job->failures);
    for (int i = 0; i < 3; i++) {
        put(h, job->failed_nodes[i]);
    }
    put(h, job->n_holds > 0 ? job->chip : -1);
    put(h, job->workers);
    put(h, job->working);
    put(h, job->spread);
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        put(h, job->n_holds > 0 ? job->power_mw[i] : 0);
    }
    put(h, job->n_holds);
    for (int i = 0; i < job->n_holds; i++) {
        put(h, job->holds[i].node);
        put(h, job->holds[i].workers);
    }
    for (int i = 0; i < job->n_devices; i++) {
        put(h, job->devices[i]);
    }
}

static void put_tenant(uint64_t *h, const fy_fleet *fleet, const fy_tenant *tenant)
{
    put_text(h, tenant->name);
    put_double(h, tenant->weight);
    put(h, tenant->borrow_milli);
    put(h, tenant->beyond_at_set);
    put(h, tenant->n_waiting);
    for (int c = 0; c < fleet->n_chips; c++) {
        put(h, tenant->guarantee_milli[c]);
        put(h, tenant->held_milli[c]);
    }
}

uint64_t fy_fleet_digest(const fy_fleet *fleet)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];

        put_text(&h, pool->name);
        put(&h, pool->n_up);
        put(&h, pool->n_whole);
        put(&h, pool->idle_milli);
        put(&h, pool->held_milli);
        put(&h, pool->stopping_milli);
        put(&h, pool->slack_mw);
        put(&h, pool->power_mw[FY_LO]);
        put(&h, pool->power_mw[FY_MID]);
        put(&h, pool->power_mw[FY_HI]);
    }
    for (int i = 0; i < fleet->mix.n; i++) {
        put(&h, fleet->mix.classes[i].cpu_milli);
        put(&h, fleet->mix.classes[i].devices);
        put(&h, fleet->mix.classes[i].milli);
        put(&h, fleet->mix.classes[i].weight);
    }
    put(&h, fleet->power_cap_mw);
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        put_node(&h, fleet, &fleet->nodes[i]);
    }
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        put_tenant(&h, fleet, &fleet->tenants[i]);
    }
    for (size_t id = 0; id < fleet->n_ids; id++) {
        int32_t slot = fleet->slot_of[id];

        if (slot >= 0) {
            put_job(&h, fleet->jobs[slot]);
        } else { /* one byte: there may be millions */
            h = (h ^ (uint8_t)slot) * 0x100000001b3u;
        }
    }
    return h;
}
