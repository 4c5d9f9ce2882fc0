/* SPDX-License-Identifier: MIT */
/*
 * What comes from outside a job: nodes fail (each with an exponential time between failures, some
 * together with their rack) and are repaired, and what the events file dates: drains, windows,
 * deliveries, cancellations.
 */
#include "sim/run.h"

#include <uthash.h>

#include <stdlib.h>
#include <string.h>

static const double us_per_s = 1e6;

struct fy_cancel_name {
    UT_hash_handle hh;
    int64_t job; /* -1 = not submitted so far */
};

static int64_t after_s(int64_t t_us, double s)
{
    double us = s * us_per_s;

    return us < 9e18 - (double)t_us ? t_us + (int64_t)us + 1 : FY_NEVER - 1;
}

/* All nodes together fail n times as often as one. */
static void draw_failure(fy_sim *run, int64_t t_us)
{
    fy_faults *f = &run->faults;

    f->next_us =
        f->mtbf_s > 0 && run->fleet->n_nodes > 0
            ? after_s(t_us, fy_rng_exponential(&f->rng, f->mtbf_s / (double)run->fleet->n_nodes))
            : FY_NEVER;
}

/* Order by instant, then as given. */
static int compare_order(const fy_happening *list, int a, int b)
{
    if (list[a].t_us != list[b].t_us) {
        return list[a].t_us < list[b].t_us ? -1 : 1;
    }
    return (a > b) - (a < b);
}

/* ------------------------------------------------------------------ jobs to be cancelled */

static fy_cancel_name *cancel_named(const fy_sim *run, const char *name)
{
    fy_cancel_name *entry = NULL;

    HASH_FIND(hh, run->cancel_names, name, strlen(name), entry);
    return entry;
}

static void open_cancels(fy_sim *run)
{
    const fy_sim_options *o = run->options;

    run->cancel_list = fy_calloc((size_t)o->n_happenings + 1, sizeof *run->cancel_list);
    for (int i = 0; i < o->n_happenings; i++) {
        const char *name = o->happenings[i].name;

        if (o->happenings[i].kind == FY_HAPPEN_CANCEL && cancel_named(run, name) == NULL) {
            run->cancel_list[i].job = -1;
            HASH_ADD_KEYPTR(hh, run->cancel_names, name, strlen(name), &run->cancel_list[i]);
        }
    }
}

void fy_outside_submitted(fy_sim *run, const fy_job *job)
{
    fy_cancel_name *entry = run->cancel_names != NULL ? cancel_named(run, job->rec.name) : NULL;

    if (entry != NULL && entry->job < 0) {
        entry->job = job->id;
    }
}

/* ------------------------------------------------------------------ opening and closing */

int fy_outside_open(fy_sim *run, int64_t t0_us)
{
    const fy_sim_options *o = run->options;
    fy_faults *f = &run->faults;

    f->mtbf_s = o->mtbf_s;
    f->repair_s = o->repair_s;
    f->rack_share = o->rack_share;
    f->rng = fy_rng_stream(o->seed, 0xfa17);
    draw_failure(run, t0_us);
    run->order = fy_calloc((size_t)o->n_happenings + 1, sizeof *run->order);
    for (int i = 0; i < o->n_happenings; i++) {
        int k = i;

        for (; k > 0 && compare_order(o->happenings, run->order[k - 1], i) > 0; k--) {
            run->order[k] = run->order[k - 1];
        }
        run->order[k] = i;
    }
    open_cancels(run);
    return 0;
}

void fy_outside_close(fy_sim *run)
{
    fy_heap_free(&run->faults.repairs);
    fy_heap_pos_free(&run->faults.pos);
    HASH_CLEAR(hh, run->cancel_names);
    free(run->cancel_list);
    free(run->order);
    free(run->faults.dark);
}

int64_t fy_outside_next(const fy_sim *run, bool idle)
{
    const fy_sim_options *o = run->options;
    const fy_heap_entry *repair = fy_heap_top(&run->faults.repairs);
    int64_t t = idle ? FY_NEVER : run->faults.next_us;

    t = t > run->fleet->now_us ? t : run->fleet->now_us; /* one put off while idle */

    t = repair != NULL && repair->key < t ? repair->key : t;
    if (run->happening < o->n_happenings) {
        int64_t at = o->happenings[run->order[run->happening]].t_us;

        at = at > run->fleet->now_us ? at : run->fleet->now_us;
        t = at < t ? at : t;
    }
    return t;
}

bool fy_outside_helps(const fy_sim *run)
{
    return run->faults.repairs.n > 0 || run->happening < run->options->n_happenings;
}

/* ------------------------------------------------------------------ nodes going down */

static int node_event(fy_sim *run, fy_event_kind kind, int32_t node)
{
    fy_event event = fy_sim_event(run, kind);

    event.node = node;
    run->changed = true;
    return fy_sim_emit(run, &event, run->err);
}

/* The gang goes on without what it had on `node`, a spare taking over, if it has enough. */
static int lose_job(fy_sim *run, fy_job *job, int32_t node)
{
    fy_event event = fy_sim_event(run, FY_EV_FAILED);
    fy_place place = {.chip = job->chip};
    int status;

    event.job = job->id;
    event.attempt = job->attempt;
    event.a = 1;
    place.chunks = fy_calloc((size_t)job->n_holds + 1, sizeof *place.chunks);
    place.devices = fy_calloc((size_t)job->n_devices + 1, sizeof *place.devices);
    for (int h = 0; h < job->n_holds; h++) {
        const fy_hold *hold = &job->holds[h];
        int n = hold->workers * job->rec.devices;

        if (hold->node != node) {
            place.chunks[place.n_chunks++] = (fy_chunk){hold->node, hold->workers};
            place.workers += hold->workers;
            memcpy(place.devices + place.n_devices, job->devices + hold->first,
                   (size_t)n * sizeof *place.devices);
            place.n_devices += n;
        }
    }
    if (job->state == FY_JOB_RUNNING && job->rec.spares > 0 && place.workers >= job->working) {
        event.kind = FY_EV_MOVED;
        event.place = &place;
        event.a = fy_job_working_rate(
            job, job->working,
            place.n_chunks > fy_fleet_least_nodes(run->fleet, &run->fleet->classes[job->cls],
                                                  job->chip, place.workers));
        event.b = job->rec.restart_cost_us;
    }
    run->changed = true;
    status = fy_sim_emit(run, &event, run->err);
    if (status == 0 && event.kind == FY_EV_FAILED) {
        fy_heap_remove(&run->ends, &run->end_pos, job->slot);
    } else if (status == 0) {
        fy_sim_schedule(run, job);
    }
    free(place.chunks);
    free(place.devices);
    return status;
}

static int clear_node(fy_sim *run, int32_t node)
{
    int status = 0;

    while (status == 0 && run->fleet->nodes[node].holds != NULL) {
        status = lose_job(run, run->fleet->jobs[run->fleet->nodes[node].holds->slot], node);
    }
    return status;
}

static int take_down(fy_sim *run, int32_t node, int64_t up_us)
{
    int status;

    if (!run->fleet->nodes[node].up) {
        return 0;
    }
    status = node_event(run, FY_EV_NODE_DOWN, node);
    if (status == 0) {
        status = clear_node(run, node);
    }
    if (up_us < FY_NEVER) {
        fy_heap_set(&run->faults.repairs, &run->faults.pos, node, up_us, node);
    }
    return status;
}

/* Would the idle fleet with this node stay below the power cap now? */
static bool cap_allows(const fy_fleet *fleet, const fy_node *node)
{
    int64_t more = node->overhead_mw[FY_HI] + node->idle_mw[FY_HI] * node->n_devices;

    return fleet->power_cap_mw == FY_NEVER || fleet->power_mw[FY_HI] + more <= fleet->power_cap_mw;
}

/* The node comes up, or stays dark until something ends where the power cap forbids it. */
static int bring_up(fy_sim *run, int32_t node)
{
    fy_faults *f = &run->faults;

    if (run->fleet->nodes[node].up) {
        return 0;
    }
    if (cap_allows(run->fleet, &run->fleet->nodes[node])) {
        return node_event(run, FY_EV_NODE_UP, node);
    }
    f->dark = fy_grow(f->dark, &f->dark_room, f->n_dark + 1, sizeof *f->dark);
    f->dark[f->n_dark++] = node;
    return 0;
}

int fy_outside_light(fy_sim *run)
{
    fy_faults *f = &run->faults;
    size_t n = f->n_dark;
    int status = 0;

    f->n_dark = 0; /* those that still may not come up are put back, in their order */
    for (size_t i = 0; i < n && status == 0; i++) {
        status = bring_up(run, f->dark[i]);
    }
    return status;
}

static int fail_some(fy_sim *run)
{
    fy_faults *f = &run->faults;
    int64_t now_us = run->fleet->now_us;
    int32_t node = (int32_t)fy_rng_below(&f->rng, run->fleet->n_nodes);
    bool whole_rack = fy_rng_unit(&f->rng) < f->rack_share;
    int64_t up_us = after_s(now_us, fy_rng_exponential(&f->rng, f->repair_s));
    const fy_pool *pool = &run->fleet->pools[run->fleet->nodes[node].chip];
    const fy_rack rack = pool->racks[run->fleet->nodes[node].rack];
    int status = 0;

    draw_failure(run, now_us);
    if (!whole_rack) {
        return take_down(run, node, up_us);
    }
    for (int i = rack.first; i <= rack.last && status == 0; i++) {
        status = take_down(run, pool->nodes[i], up_us);
    }
    return status;
}

/* ------------------------------------------------------------------ dated happenings */

static int32_t node_named(const fy_fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        if (strcmp(fleet->nodes[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

static int32_t tenant_named(const fy_fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        if (strcmp(fleet->tenants[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* Nodes of the fleet that are called POOL-NUMBER. */
static int count_named(const fy_fleet *fleet, const char *pool)
{
    size_t len = strlen(pool);
    int n = 0;

    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const char *name = fleet->nodes[i].name;

        n += strncmp(name, pool, len) == 0 && name[len] == '-' &&
             strchr(name + len + 1, '-') == NULL;
    }
    return n;
}

/* New nodes; those for which the power cap leaves nothing stay dark. */
static int deliver(fy_sim *run, const fy_happening *h)
{
    for (int p = 0; p < run->options->site->n_pools; p++) {
        const fy_pool_spec *pool = &run->options->site->pools[p];
        size_t first = run->fleet->n_nodes;
        int status;

        if (strcmp(pool->name, h->name) != 0) {
            continue;
        }
        status = fy_pool_events(pool, count_named(run->fleet, pool->name), h->count,
                                run->fleet->now_us, fy_sim_emit, run, run->err);
        for (size_t i = run->fleet->n_nodes;
             status == 0 && i-- > first &&
             run->fleet->power_mw[FY_HI] > run->fleet->power_cap_mw;) {
            status = node_event(run, FY_EV_NODE_DOWN, (int32_t)i);
            status = status == 0 ? bring_up(run, (int32_t)i) : status;
        }
        return status;
    }
    return fy_fail(run->err, FY_EINVAL, "delivery to pool '%s': the fleet has no such pool",
                   h->name);
}

/* From now on nothing starts on the node that would reach into the window. */
static int window(fy_sim *run, const fy_happening *h, int32_t node)
{
    fy_event event = fy_sim_event(run, FY_EV_NODE_RESERVED);

    event.node = node;
    event.tenant =
        h->tenant != NULL && h->tenant[0] != '\0' ? tenant_named(run->fleet, h->tenant) : -1;
    event.a = h->from_us;
    event.b = h->until_us;
    return fy_sim_emit(run, &event, run->err);
}

/* A job on the node that is not of the window's tenant; NULL = none. */
static const fy_job *stranger_on(const fy_fleet *fleet, const fy_node *node)
{
    for (const fy_hold *hold = node->holds; hold != NULL; hold = hold->next) {
        const fy_job *job = fleet->jobs[hold->slot];

        if (node->reserved_tenant < 0 || job->tenant != node->reserved_tenant) {
            return job;
        }
    }
    return NULL;
}

/* The window begins: all but its tenant's jobs go back to the queue, which is no failure. */
static int clear_window(fy_sim *run, int32_t node)
{
    fy_event event = fy_sim_event(run, FY_EV_STOPPED);
    const fy_job *job;
    int status = 0;

    event.a = 0;
    while (status == 0 && (job = stranger_on(run->fleet, &run->fleet->nodes[node])) != NULL) {
        event.job = job->id;
        event.attempt = job->attempt;
        fy_heap_remove(&run->ends, &run->end_pos, job->slot);
        run->changed = true;
        status = fy_sim_emit(run, &event, run->err);
    }
    return status;
}

static int cancel(fy_sim *run, const fy_happening *h)
{
    const fy_cancel_name *entry = cancel_named(run, h->name);
    const fy_job *job = fy_fleet_job(run->fleet, entry->job);

    if (entry->job < 0) {
        return fy_fail(run->err, FY_EINVAL,
                       "event for job '%s': no job of that name was submitted before %g s", h->name,
                       (double)h->t_us / us_per_s);
    }
    return job != NULL ? fy_sim_end(run, job, FY_EV_CANCELLED) : 0; /* it may have ended */
}

static int happen(fy_sim *run, const fy_happening *h)
{
    int32_t node;

    if (h->kind == FY_HAPPEN_DELIVER) {
        return deliver(run, h);
    }
    if (h->kind == FY_HAPPEN_CANCEL) {
        return cancel(run, h);
    }
    node = node_named(run->fleet, h->name);
    if (node < 0) {
        return fy_fail(run->err, FY_EINVAL, "event for node '%s': the fleet has no such node",
                       h->name);
    }
    switch (h->kind) {
    case FY_HAPPEN_DOWN:
        return take_down(run, node, FY_NEVER);
    case FY_HAPPEN_UP:
        fy_heap_remove(&run->faults.repairs, &run->faults.pos, node);
        return bring_up(run, node);
    case FY_HAPPEN_DRAIN:
        return node_event(run, FY_EV_NODE_DRAINED, node);
    case FY_HAPPEN_RESUME:
        return node_event(run, FY_EV_NODE_RESUMED, node);
    case FY_HAPPEN_WINDOW:
        return window(run, h, node);
    case FY_HAPPEN_CLEAR:
        return clear_window(run, node);
    case FY_HAPPEN_DELIVER:
    case FY_HAPPEN_CANCEL:
        break;
    }
    return 0;
}

int fy_outside_step(fy_sim *run, int64_t t_us, bool idle)
{
    const fy_sim_options *o = run->options;
    const fy_heap_entry *top;
    int status = 0;

    while (status == 0 && (top = fy_heap_top(&run->faults.repairs)) != NULL && top->key == t_us) {
        int32_t node = top->item;

        fy_heap_remove(&run->faults.repairs, &run->faults.pos, node);
        status = bring_up(run, node);
    }
    while (status == 0 && run->happening < o->n_happenings &&
           o->happenings[run->order[run->happening]].t_us <= t_us) {
        status = happen(run, &o->happenings[run->order[run->happening++]]);
    }
    while (status == 0 && run->faults.next_us <= t_us && !idle) {
        status = fail_some(run);
    }
    return status;
}
