/* SPDX-License-Identifier: MIT */
/*
 * Sites and lists of jobs made by hand, for the tests of fleet and simulator: no files, no
 * catalogue. Everything lives in the struct; pools and jobs are added one by one.
 */
#ifndef FUYAO_TESTS_HAND_H
#define FUYAO_TESTS_HAND_H

#include "fuyao/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HAND_MAX_POOLS = 16, HAND_MAX_JOBS = 512, HAND_US = 1000000 };

typedef struct hand_site {
    fy_site site;
    fy_chip chips[8];
    char chip_names[8][16];
    fy_pool_spec pools[HAND_MAX_POOLS];
    char pool_names[HAND_MAX_POOLS][16];
    fy_tenant_spec tenants[8];
    char tenant_names[8][16];
    int64_t guarantees[8][8];
} hand_site;

static inline fy_range hand_exactly(double x)
{
    return (fy_range){.low = x, .mid = x, .high = x, .grade = FY_GRADE_MEASURED};
}

static inline void hand_site_init(hand_site *hand, int chips)
{
    *hand = (hand_site){.site = {.name = "hand",
                                 .note = "",
                                 .n_chips = chips,
                                 .pue = hand_exactly(1),
                                 .price_per_kwh = hand_exactly(1),
                                 .currency = "CNY",
                                 .power_cap_w = NAN}};
    hand->site.pools = hand->pools;
    hand->site.tenants = hand->tenants;
    for (int c = 0; c < chips; c++) {
        (void)snprintf(hand->chip_names[c], sizeof hand->chip_names[c], "chip-%c", 'a' + c);
        hand->chips[c].id = hand->chip_names[c];
        hand->chips[c].name = hand->chip_names[c];
        hand->site.chips[c] = &hand->chips[c];
    }
}

/* Nodes p0-0000 ...; 100 W idle, 400 W busy, 1 kW of overhead. CPU and memory unlimited if < 0. */
static inline fy_pool_spec *hand_pool(hand_site *hand, int chip, int nodes, int devices)
{
    int p = hand->site.n_pools++;

    (void)snprintf(hand->pool_names[p], sizeof hand->pool_names[p], "p%d", p);
    hand->pools[p] = (fy_pool_spec){.name = hand->pool_names[p],
                                    .chip = chip,
                                    .nodes = nodes,
                                    .devices = devices,
                                    .devices_per_chip = 1,
                                    .cpu_milli = -1,
                                    .memory_mib = -1,
                                    .idle_w = hand_exactly(100),
                                    .active_w = hand_exactly(400),
                                    .overhead_w = hand_exactly(1000)};
    return &hand->pools[p];
}

/* Tenant t0 ... with `guarantee` devices of chip 0; borrows at most `borrow` devices (-1: all). */
static inline fy_tenant_spec *hand_tenant(hand_site *hand, double weight, int guarantee, int borrow)
{
    int t = hand->site.n_tenants++;

    (void)snprintf(hand->tenant_names[t], sizeof hand->tenant_names[t], "t%d", t);
    hand->guarantees[t][0] = (int64_t)guarantee * 1000;
    hand->tenants[t] = (fy_tenant_spec){.name = hand->tenant_names[t],
                                        .weight = weight,
                                        .borrow_milli = borrow < 0 ? -1 : (int64_t)borrow * 1000,
                                        .guarantee_milli = hand->guarantees[t]};
    return &hand->tenants[t];
}

/* Jobs for fy_sim_run, in order of submission. */
typedef struct hand_jobs {
    fy_job_spec jobs[HAND_MAX_JOBS];
    fy_accept accept[HAND_MAX_JOBS][8];
    int64_t after[HAND_MAX_JOBS][4];
    char names[HAND_MAX_JOBS][16];
    int n, next;
} hand_jobs;

/* A job of `workers` one-device workers that takes `work_s` on chip 0, which alone it accepts. */
static inline fy_job_spec *hand_job(hand_jobs *list, double submit_s, int workers, double work_s)
{
    int i = list->n++;
    fy_job_spec *job = &list->jobs[i];

    (void)snprintf(list->names[i], sizeof list->names[i], "j%d", i);
    list->accept[i][0] = (fy_accept){.chip = 0, .rate = 1, .rate_spread = 1};
    *job = fy_job_spec_default();
    job->name = list->names[i];
    job->submit_us = (int64_t)(submit_s * HAND_US);
    job->workers = job->min_workers = job->max_workers = workers;
    job->accept = list->accept[i];
    job->n_accept = 1;
    job->after = list->after[i];
    job->work = work_s;
    job->work_is_time = true;
    return job;
}

static inline int hand_next(void *ctx, fy_job_spec *job, fy_err *err)
{
    hand_jobs *list = ctx;

    (void)err;
    if (list->next >= list->n) {
        return 0;
    }
    *job = list->jobs[list->next++];
    return 1;
}

static inline fy_source hand_source(hand_jobs *list)
{
    list->next = 0;
    return (fy_source){hand_next, list};
}

/* ------------------------------------------------------------------ journals in memory */

typedef struct hand_text {
    char *text; /* freed by the test */
    size_t len, room;
} hand_text;

static inline int hand_journal(void *ctx, const fy_event *event, fy_err *err)
{
    hand_text *out = ctx;
    fy_journal_line line = {0};

    (void)err;
    fy_journal_encode(event, &line);
    if (out->room - out->len < line.len) {
        out->room = out->room * 2 + line.len;
        out->text = realloc(out->text, out->room);
    }
    memcpy(out->text + out->len, line.text, line.len);
    out->len += line.len;
    fy_journal_line_free(&line);
    return 0;
}

/* Apply every line of the journal to a new fleet. NULL with err where one is refused. */
static inline fy_fleet *hand_replay(const hand_text *journal, fy_err *err)
{
    fy_fleet *fleet = fy_fleet_new();
    fy_journal_reader *reader = fy_journal_reader_new();
    const char *end = journal->text + journal->len;
    int status = 0;

    for (const char *p = journal->text; p < end && status == 0;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        fy_event event;

        status = fy_journal_decode(reader, p, (size_t)(eol - p), &event, err);
        status = status == 0 ? fy_fleet_apply(fleet, &event, err) : status;
        p = eol + 1;
    }
    fy_journal_reader_free(reader);
    if (status != 0) {
        fy_fleet_free(fleet);
        return NULL;
    }
    return fleet;
}

#endif
