/* SPDX-License-Identifier: MIT */
/* A small fleet for the unit tests of src/fleet/, and one function an event. */
#ifndef FUYAO_TESTS_WORLD_H
#define FUYAO_TESTS_WORLD_H

#include "fleet/place.h"
#include "fleet/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { S = 1000000 }; /* microseconds */

typedef struct world {
    fy_fleet *fleet;
    fy_err err;
    int64_t now_us;
} world;

static inline fy_event world_event(const world *w, fy_event_kind kind)
{
    return (fy_event){
        .t_us = w->now_us, .kind = kind, .job = -1, .a = -1, .node = -1, .tenant = -1, .chip = -1};
}

/* Applies; checks every invariant, and that a refused event changes nothing. True = accepted. */
static inline bool world_apply(world *w, const fy_event *event)
{
    uint64_t before = fy_fleet_digest(w->fleet);
    int64_t now_us = w->fleet->now_us;
    fy_err broken = {0};
    int status;

    w->err = (fy_err){0};
    status = fy_fleet_apply(w->fleet, event, &w->err);
    if (fy_fleet_check(w->fleet, &broken) != 0) {
        fail_msg("after %s: %s", fy_event_name(event->kind), broken.text);
    }
    if (status != 0) {
        assert_true(w->err.text[0] != '\0');
        assert_true(fy_fleet_digest(w->fleet) == before);
        assert_int_equal(w->fleet->now_us, now_us);
    }
    return status == 0;
}

static inline void world_must(world *w, const fy_event *event)
{
    if (!world_apply(w, event)) {
        fail_msg("%s refused: %s", fy_event_name(event->kind), w->err.text);
    }
}

static inline void world_chip(world *w, const char *name)
{
    fy_event e = world_event(w, FY_EV_CHIP_ADDED);

    e.chip = w->fleet->n_chips;
    e.name = name;
    world_must(w, &e);
}

/* 100 mW idle, 400 mW busy, 1000 mW overhead. Returns the node's number. */
static inline int world_node(world *w, int chip, int devices, int64_t cpu_milli, int rack)
{
    fy_event e = world_event(w, FY_EV_NODE_ADDED);
    fy_node_record rec = {.name = "n",
                          .chip = chip,
                          .devices = devices,
                          .cpu_milli = cpu_milli,
                          .memory_mib = FY_PLENTY,
                          .rack = rack,
                          .idle_mw = {100, 100, 100},
                          .active_mw = {300, 400, 500},
                          .overhead_mw = {1000, 1000, 1000}};

    e.node_record = &rec;
    world_must(w, &e);
    return (int)w->fleet->n_nodes - 1;
}

/* Returns the tenant's number. borrow in devices, -1 = unlimited. */
static inline int world_tenant(world *w, int number, int guarantee, int borrow)
{
    fy_event e = world_event(w, FY_EV_TENANT_SET);
    int64_t milli = (int64_t)guarantee * FY_WHOLE;
    fy_tenant_record rec = {.name = "t",
                            .weight = 1,
                            .borrow_milli = borrow < 0 ? -1 : (int64_t)borrow * FY_WHOLE,
                            .guarantee_milli = &milli,
                            .n = 1};

    e.tenant = number;
    e.tenant_record = &rec;
    world_must(w, &e);
    return number;
}

/* One chip with `nodes` nodes of `devices` devices, and tenant 0. */
static inline void world_begin(world *w, int nodes, int devices)
{
    *w = (world){.fleet = fy_fleet_new()};
    world_chip(w, "a");
    for (int i = 0; i < nodes; i++) {
        (void)world_node(w, 0, devices, FY_PLENTY, FY_RACK_NEW);
    }
    (void)world_tenant(w, 0, 0, -1);
}

static inline void world_end(world *w)
{
    fy_fleet_free(w->fleet);
}

static const fy_rate world_rate = {.chip = 0, .rate_q = 10, .spread_q = 10};

/* `workers` one-device workers, 1000 quanta of work at 10 a second, nothing saved by itself. */
static inline fy_job_record world_record(int workers)
{
    return (fy_job_record){.name = "j",
                           .priority = FY_NORMAL,
                           .workers = workers,
                           .min_workers = workers,
                           .max_workers = workers,
                           .devices = 1,
                           .rates = &world_rate,
                           .n_rates = 1,
                           .work_q = 1000,
                           .q_per_unit = 1,
                           .checkpoint_interval_us = INT64_MAX,
                           .limit_us = -1,
                           .deadline_us = -1,
                           .array_of = -1};
}

static inline const fy_job *world_submit(world *w, const fy_job_record *rec)
{
    fy_event e = world_event(w, FY_EV_SUBMITTED);

    e.job = (int64_t)w->fleet->n_ids;
    e.job_record = rec;
    world_must(w, &e);
    return fy_fleet_job(w->fleet, e.job);
}

/* An event about the job's present attempt. */
static inline bool world_job(world *w, fy_event_kind kind, const fy_job *job, int64_t a, int64_t b)
{
    fy_event e = world_event(w, kind);

    e.job = job->id;
    e.attempt = job->attempt;
    e.a = a;
    e.b = b;
    return world_apply(w, &e);
}

static inline bool world_failed(world *w, const fy_job *job, int node, bool again)
{
    fy_event e = world_event(w, FY_EV_FAILED);

    e.job = job->id;
    e.attempt = job->attempt;
    e.node = node;
    e.a = again;
    return world_apply(w, &e);
}

/* Start the job on `n` one-device workers at the given devices of a fleet with `per_node` each. */
static inline bool world_place(world *w, fy_event_kind kind, const fy_job *job, int per_node, int n,
                               const int32_t *devices)
{
    fy_event e = world_event(w, kind);
    fy_chunk chunks[16];
    int32_t copy[16];
    fy_place place = {.chip = 0, .workers = n, .chunks = chunks, .devices = copy, .n_devices = n};

    memcpy(copy, devices, (size_t)n * sizeof *copy);
    for (int i = 0; i < n; i++) {
        int node = devices[i] / per_node;

        if (place.n_chunks == 0 || chunks[place.n_chunks - 1].node != node) {
            chunks[place.n_chunks++] = (fy_chunk){.node = node};
        }
        chunks[place.n_chunks - 1].workers++;
    }
    e.job = job->id;
    e.attempt = job->attempt + (kind == FY_EV_STARTING);
    e.place = &place;
    e.a = 10;
    e.b = 0;
    return world_apply(w, &e);
}

static inline bool world_start(world *w, const fy_job *job, int per_node, int n,
                               const int32_t *devices)
{
    return world_place(w, FY_EV_STARTING, job, per_node, n, devices) &&
           world_job(w, FY_EV_STARTED, job, 10, 0);
}

#endif
