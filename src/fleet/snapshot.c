/* SPDX-License-Identifier: MIT */
/*
 * A fleet as bytes. Written is what events have left behind; free sets, counters, power and hash
 * tables follow from it and are built again by the code that keeps them. Kept exactly are slots,
 * classes and the order of what is held on a node, because policies speak of jobs by slot, of asks
 * by class, and look at holds in that order.
 *
 *     scalars | chips | tenants | mix | nodes | classes | arrays | how ids ended | jobs by slot
 *     | holds by node | states of nodes | free slots | accounts
 */
#include "fleet/snapshot.h"

#include "fleet/internal.h"

#include <string.h>

const char fy_snapshot_magic[] = "FYFLEET1";

static void put_name(fy_str *out, const char *name)
{
    fy_pack_text(out, name);
}

static void put_mw(fy_str *out, const int64_t mw[FY_N_ESTIMATES])
{
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        fy_pack_int(out, mw[i]);
    }
}

/* ------------------------------------------------------------------ what is there */

static void put_tenants(fy_str *out, const fy_fleet *fleet)
{
    fy_pack_count(out, fleet->n_tenants);
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        const fy_tenant *tenant = &fleet->tenants[i];

        put_name(out, tenant->name);
        fy_pack_double(out, tenant->weight);
        fy_pack_int(out, tenant->borrow_milli);
        for (int c = 0; c < fleet->n_chips; c++) {
            fy_pack_int(out, tenant->guarantee_milli[c]);
        }
    }
}

static void put_mix(fy_str *out, const fy_mix *mix)
{
    fy_pack_count(out, (uint64_t)mix->n);
    for (int i = 0; i < mix->n; i++) {
        fy_pack_int(out, mix->classes[i].cpu_milli);
        fy_pack_int(out, mix->classes[i].devices);
        fy_pack_int(out, mix->classes[i].milli);
        fy_pack_int(out, mix->classes[i].weight);
    }
}

static void put_nodes(fy_str *out, const fy_fleet *fleet)
{
    fy_pack_count(out, fleet->n_nodes);
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];
        const fy_pool *pool = &fleet->pools[node->chip];

        put_name(out, node->name);
        fy_pack_int(out, node->chip);
        fy_pack_int(out, node->n_devices);
        fy_pack_int(out, node->cpu_total);
        fy_pack_int(out, node->memory_total);
        fy_pack_int(out,
                    pool->racks[node->rack].first == node->in_pool ? FY_RACK_NEW : FY_RACK_LAST);
        put_mw(out, node->idle_mw);
        put_mw(out, node->active_mw);
        put_mw(out, node->overhead_mw);
    }
}

static void put_classes(fy_str *out, const fy_fleet *fleet)
{
    fy_pack_count(out, fleet->n_classes);
    for (size_t i = 0; i < fleet->n_classes; i++) {
        const fy_class *cls = &fleet->classes[i];
        const fy_class_key *key = &cls->key;

        fy_pack_count(out, key->mask);
        fy_pack_count(out, key->tight);
        fy_pack_int(out, key->cpu_milli);
        fy_pack_int(out, key->memory_mib);
        fy_pack_int(out, key->array_of);
        fy_pack_int(out, key->limit_us);
        fy_pack_int(out, key->workers);
        fy_pack_int(out, key->min_workers);
        fy_pack_int(out, key->max_workers);
        fy_pack_int(out, key->devices);
        fy_pack_int(out, key->milli);
        fy_pack_int(out, key->spares);
        fy_pack_int(out, key->tenant);
        fy_pack_int(out, key->array_limit);
        fy_pack_int(out, cls->shape);
        fy_pack_int(out, cls->never);
        fy_pack_count(out, cls->fits);
        fy_pack_count(out, cls->counted);
    }
    fy_pack_count(out, fleet->n_arrays);
    for (size_t i = 0; i < fleet->n_arrays; i++) {
        fy_pack_int(out, fleet->arrays[i].of);
        fy_pack_count(out, fleet->arrays[i].mask);
    }
}

/* Two bits an id: live, or how it ended. A history of a million jobs takes 250 kB. */
static void put_ids(fy_str *out, const fy_fleet *fleet)
{
    unsigned char byte = 0;

    fy_pack_count(out, fleet->n_ids);
    for (size_t id = 0; id < fleet->n_ids; id++) {
        int32_t slot = fleet->slot_of[id];
        unsigned how = slot >= 0 ? 0 : (unsigned)(-1 - slot);

        byte = (unsigned char)(byte | how << (id % 4 * 2));
        if (id % 4 == 3 || id + 1 == fleet->n_ids) {
            fy_str_add(out, (const char *)&byte, 1);
            byte = 0;
        }
    }
}

/* ------------------------------------------------------------------ jobs */

static void put_record(fy_str *out, const fy_job_record *rec)
{
    put_name(out, rec->name);
    fy_pack_int(out, rec->priority);
    fy_pack_int(out, rec->workers);
    fy_pack_int(out, rec->min_workers);
    fy_pack_int(out, rec->max_workers);
    fy_pack_int(out, rec->devices);
    fy_pack_int(out, rec->milli);
    fy_pack_int(out, rec->spares);
    fy_pack_int(out, rec->cpu_milli);
    fy_pack_int(out, rec->memory_mib);
    fy_pack_int(out, rec->work_q);
    fy_pack_double(out, rec->q_per_unit);
    fy_pack_int(out, rec->end);
    fy_pack_int(out, rec->checkpoint_interval_us);
    fy_pack_int(out, rec->checkpoint_cost_us);
    fy_pack_int(out, rec->restart_cost_us);
    fy_pack_int(out, rec->limit_us);
    fy_pack_int(out, rec->deadline_us);
    fy_pack_int(out, rec->min_run_us);
    fy_pack_int(out, rec->array_of);
    fy_pack_int(out, rec->array_limit);
    fy_pack_count(out, (uint64_t)rec->n_rates);
    for (int i = 0; i < rec->n_rates; i++) {
        fy_pack_int(out, rec->rates[i].chip);
        fy_pack_int(out, rec->rates[i].grade);
        fy_pack_int(out, rec->rates[i].rate_q);
        fy_pack_int(out, rec->rates[i].spread_q);
    }
    fy_pack_count(out, (uint64_t)rec->n_after);
    for (int i = 0; i < rec->n_after; i++) {
        fy_pack_int(out, rec->after[i]);
    }
}

static void put_progress(fy_str *out, const fy_job *job)
{
    fy_pack_int(out, job->submit_us);
    fy_pack_int(out, job->queued_us);
    fy_pack_int(out, job->start_us);
    fy_pack_int(out, job->ran_us);
    fy_pack_int(out, job->first_start_us);
    fy_pack_int(out, job->done_q);
    fy_pack_int(out, job->rate_q);
    fy_pack_int(out, job->anchor_us);
    fy_pack_int(out, job->saved_q);
    fy_pack_int(out, job->saved_us);
    fy_pack_int(out, job->held_at_us);
    fy_pack_int(out, job->preemptions);
    fy_pack_int(out, job->failures);
    for (int i = 0; i < 3; i++) {
        fy_pack_int(out, job->failed_nodes[i]);
    }
    fy_pack_wide_int(out, job->attempt_pause);
    fy_pack_wide_int(out, job->attempt_held);
    fy_pack_wide_int(out, job->attempt_lost);
    fy_pack_wide_int(out, job->held_int);
    fy_pack_wide_int(out, job->lost_int);
    fy_pack_wide_int(out, job->pause_int);
    fy_pack_wide_int(out, job->active_at_submit);
}

static void put_place(fy_str *out, const fy_job *job)
{
    fy_pack_int(out, job->working);
    fy_pack_count(out, (uint64_t)job->n_holds);
    for (int h = 0; h < job->n_holds; h++) {
        fy_pack_int(out, job->holds[h].node);
        fy_pack_int(out, job->holds[h].workers);
    }
    for (int d = 0, last = 0; d < job->n_devices; last = job->devices[d++]) {
        fy_pack_int(out, job->devices[d] - last);
    }
}

static void put_job(fy_str *out, const fy_job *job)
{
    size_t dependents = 0;

    fy_pack_int(out, job->state);
    if (job->state == FY_JOB_GONE) {
        return;
    }
    fy_pack_int(out, job->id);
    fy_pack_int(out, job->cls);
    fy_pack_int(out, job->tenant);
    fy_pack_int(out, job->attempt);
    fy_pack_int(out, job->array);
    fy_pack_int(out, job->never);
    fy_pack_int(out, job->chip);
    fy_pack_int(out, job->n_open);
    fy_pack_int(out, job->spread); /* of its last attempt where it waits again */
    put_record(out, &job->rec);
    put_progress(out, job);
    for (const fy_dependent *link = job->dependents; link != NULL; link = link->next) {
        dependents++;
    }
    fy_pack_count(out, dependents);
    for (const fy_dependent *link = job->dependents; link != NULL; link = link->next) {
        fy_pack_int(out, link->id);
    }
    if (fy_job_holds(job)) {
        put_place(out, job);
    }
}

/* ------------------------------------------------------------------ how it stands */

static void put_standing(fy_str *out, const fy_fleet *fleet)
{
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];
        size_t n = 0;

        for (const fy_hold *hold = node->holds; hold != NULL; hold = hold->next) {
            n++;
        }
        fy_pack_count(out, n);
        for (const fy_hold *hold = node->holds; hold != NULL; hold = hold->next) {
            fy_pack_int(out, hold->slot);
        }
        fy_pack_int(out, (int64_t)node->up | (int64_t)node->drained << 1);
        fy_pack_int(out, node->reserved_tenant);
        fy_pack_int(out, node->reserved_from_us);
        fy_pack_int(out, node->reserved_to_us);
        for (int k = 0; k < 3; k++) {
            fy_pack_int(out, node->fail_job[k]);
            fy_pack_int(out, node->fail_us[k]);
        }
        fy_pack_int(out, fy_node_frag(fleet, node));
    }
    fy_pack_count(out, fleet->n_free_slots);
    for (size_t i = 0; i < fleet->n_free_slots; i++) {
        fy_pack_int(out, fleet->free_slots[i]);
    }
}

static void put_accounts(fy_str *out, const fy_fleet *fleet)
{
    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];

        fy_pack_count(out, pool->releases);
        fy_pack_int(out, pool->at_us);
        fy_pack_wide_int(out, pool->held_int);
        fy_pack_wide_int(out, pool->up_int);
        fy_pack_wide_int(out, pool->all_int);
        fy_pack_wide_int(out, pool->productive_int);
        for (int i = 0; i < FY_N_ESTIMATES; i++) {
            fy_pack_wide_int(out, pool->energy_int[i]);
        }
    }
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        fy_pack_int(out, fleet->tenants[i].at_us);
        fy_pack_wide_int(out, fleet->tenants[i].held_int);
        fy_pack_int(out, fleet->tenants[i].beyond_at_set);
    }
    fy_pack_int(out, fleet->shape);
    put_mw(out, fleet->peak_mw);
    fy_pack_wide_int(out, fleet->active_int);
    fy_pack_wide_int(out, fleet->frag_int);
}

void fy_fleet_save(const fy_fleet *fleet, fy_str *out)
{
    size_t begin = fy_pack_begin(out, fy_snapshot_magic);

    fy_pack_int(out, fleet->now_us);
    fy_pack_count(out, fleet->n_events);
    fy_pack_int(out, fleet->power_cap_mw);
    fy_pack_count(out, (uint64_t)fleet->n_chips);
    for (int c = 0; c < fleet->n_chips; c++) {
        put_name(out, fleet->pools[c].name);
    }
    put_tenants(out, fleet);
    put_mix(out, &fleet->mix);
    put_nodes(out, fleet);
    put_classes(out, fleet);
    put_ids(out, fleet);
    fy_pack_count(out, fleet->n_slots);
    for (size_t s = 0; s < fleet->n_slots; s++) {
        put_job(out, fleet->jobs[s]);
    }
    put_standing(out, fleet);
    put_accounts(out, fleet);
    fy_pack_end(out, begin);
}

fy_fleet *fy_fleet_copy(const fy_fleet *fleet)
{
    fy_str bytes = {0};
    fy_fleet *copy;

    fy_fleet_save(fleet, &bytes);
    copy = fy_fleet_reload(bytes.text, bytes.len);
    fy_str_free(&bytes);
    return copy;
}
