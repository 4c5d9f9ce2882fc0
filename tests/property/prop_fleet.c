/* SPDX-License-Identifier: MIT */
/*
 * Random events, sensible and senseless, on random fleets: every invariant after each, a refused
 * event changes nothing, an accepted one survives the journal byte for byte, and the journal leads
 * a new fleet to the same state.
 */
#include "base/rng.h"
#include "base/str.h"
#include "fleet/place.h"
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CASES = 150, EVENTS = 300, MOST_RATES = 3, MOST_CHUNKS = 8, MOST_PLACE_DEVICES = 64 };

typedef struct world {
    fy_rng rng;
    fy_fleet *fleet;
    fy_placer *placers[FY_N_PLACEMENTS];
    hand_text journal;
    uint64_t seed;
    int64_t now_us;
    int accepted, refused;
    /* payloads of the event at hand */
    fy_node_record node;
    fy_tenant_record tenant;
    fy_job_record job;
    fy_rate rates[MOST_RATES];
    int64_t after[2], guarantee[FY_MAX_CHIPS];
    fy_place place;
    fy_chunk chunks[MOST_CHUNKS];
    int32_t devices[MOST_PLACE_DEVICES];
    fy_mix_record mix;
    fy_mix_class classes[4];
    char name[32];
} world;

static int below(world *w, int n)
{
    return (int)fy_rng_below(&w->rng, (uint64_t)n);
}

static bool chance(world *w, double share)
{
    return fy_rng_unit(&w->rng) < share;
}

/* One of the ends of 64 bits, now and then. */
static int64_t odd(world *w, int64_t usual)
{
    static const int64_t ends[] = {INT64_MAX, INT64_MIN, -1, 0, 1, INT64_MAX / 2, -2};

    return chance(w, 0.02) ? ends[below(w, 7)] : usual;
}

/* ------------------------------------------------------------------ payloads */

static void random_node(world *w)
{
    w->node = (fy_node_record){.name = w->name,
                               .chip = below(w, w->fleet->n_chips + 1) - (int)chance(w, 0.02),
                               .devices = (int)odd(w, below(w, 9)) % 5000,
                               .cpu_milli = odd(w, chance(w, 0.5) ? FY_PLENTY : below(w, 64000)),
                               .memory_mib = odd(w, chance(w, 0.5) ? FY_PLENTY : below(w, 64000)),
                               .rack = below(w, 2)};
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        w->node.idle_mw[i] = odd(w, 100000 + 1000 * i);
        w->node.active_mw[i] = odd(w, 400000 + 1000 * i);
        w->node.overhead_mw[i] = odd(w, 900000);
    }
}

static void random_tenant(world *w)
{
    w->tenant = (fy_tenant_record){.name = w->name,
                                   .weight = chance(w, 0.02) ? (double)odd(w, 0) - 1
                                                             : 0.5 + fy_rng_unit(&w->rng),
                                   .borrow_milli = odd(w, 1000 * (below(w, 20) - 1)),
                                   .guarantee_milli = w->guarantee,
                                   .n = below(w, w->fleet->n_chips + 1)};
    w->tenant.borrow_milli = chance(w, 0.6) ? -1 : w->tenant.borrow_milli;
    for (int c = 0; c < w->tenant.n; c++) {
        w->guarantee[c] = odd(w, 1000 * below(w, 8));
    }
}

static void random_ask(world *w)
{
    fy_job_record *rec = &w->job;

    if (chance(w, 0.3)) {
        rec->milli = (int)odd(w, 1 + below(w, 999)) % 2000;
    } else if (chance(w, 0.4)) {
        rec->workers = 1 + below(w, 5);
        rec->min_workers = 1 + below(w, rec->workers);
        rec->max_workers = rec->workers + below(w, 4);
        rec->spares = below(w, 3);
        rec->devices = below(w, 3);
    } else {
        rec->devices = below(w, 5);
    }
    rec->max_workers = (int32_t)odd(w, rec->max_workers);
    rec->cpu_milli = odd(w, chance(w, 0.5) ? 0 : below(w, 8000));
    rec->memory_mib = odd(w, chance(w, 0.5) ? 0 : below(w, 8000));
}

static void random_job(world *w)
{
    int64_t next = (int64_t)w->fleet->n_ids;

    w->job = (fy_job_record){.name = w->name,
                             .tenant = below(w, (int)w->fleet->n_tenants + 1),
                             .priority = (fy_priority)below(w, 3),
                             .workers = 1,
                             .min_workers = 1,
                             .max_workers = 1,
                             .devices = 1,
                             .rates = w->rates,
                             .n_rates = below(w, MOST_RATES + 1),
                             .work_q = odd(w, chance(w, 0.1) ? -1 : below(w, 100000)),
                             .q_per_unit = 1,
                             .end = (fy_end)below(w, 3),
                             .checkpoint_interval_us = odd(w, (int64_t)below(w, 50) * HAND_US),
                             .checkpoint_cost_us = odd(w, below(w, 3) * HAND_US),
                             .restart_cost_us = odd(w, below(w, 20) * HAND_US),
                             .limit_us = odd(w, chance(w, 0.5) ? -1 : below(w, 300) * HAND_US),
                             .deadline_us = odd(w, -1),
                             .min_run_us = odd(w, 0),
                             .after = w->after,
                             .n_after = next > 0 && chance(w, 0.2) ? 1 + below(w, 2) : 0,
                             .array_of = chance(w, 0.2) ? next / 8 : -1};
    w->job.array_limit = w->job.array_of >= 0 || chance(w, 0.1) ? 1 + below(w, 2) : 0;
    random_ask(w);
    for (int i = 0; i < w->job.n_rates; i++) {
        w->rates[i] = (fy_rate){.chip = below(w, w->fleet->n_chips + (int)chance(w, 0.02)),
                                .grade = FY_GRADE_MEASURED,
                                .rate_q = odd(w, 1 + below(w, 2000)),
                                .spread_q = odd(w, below(w, 2000))};
    }
    for (int i = 0; i < w->job.n_after; i++) {
        w->after[i] = odd(w, below(w, (int)next));
    }
}

static void random_mix(world *w)
{
    w->mix = (fy_mix_record){.classes = w->classes, .n = below(w, 5)};
    for (int i = 0; i < w->mix.n; i++) {
        w->classes[i] = (fy_mix_class){.cpu_milli = odd(w, below(w, 4000)),
                                       .devices = (int32_t)odd(w, below(w, 4)),
                                       .milli = (int32_t)odd(w, below(w, 2) * below(w, 1000)),
                                       .weight = odd(w, 1 + below(w, 100))};
    }
}

/* A copy of `place` that may be spoilt; without one, a wild guess. */
static void random_place(world *w, const fy_place *place)
{
    w->place = (fy_place){
        .chip = below(w, w->fleet->n_chips + 1), .chunks = w->chunks, .devices = w->devices};
    if (place != NULL && place->n_chunks <= MOST_CHUNKS && place->n_devices <= MOST_PLACE_DEVICES) {
        w->place = *place;
        w->place.chunks =
            memcpy(w->chunks, place->chunks, (size_t)place->n_chunks * sizeof *place->chunks);
        w->place.devices =
            memcpy(w->devices, place->devices, (size_t)place->n_devices * sizeof *place->devices);
    } else {
        for (; w->place.n_chunks < below(w, MOST_CHUNKS); w->place.n_chunks++) {
            w->chunks[w->place.n_chunks] = (fy_chunk){
                (int32_t)odd(w, below(w, (int)w->fleet->n_nodes + 1)), (int32_t)odd(w, 1)};
        }
        w->place.n_devices = w->place.workers = w->place.n_chunks;
        for (int d = 0; d < w->place.n_devices; d++) {
            w->devices[d] = (int32_t)odd(w, below(w, (int)w->fleet->n_devices + 1));
        }
    }
    if (w->place.n_devices > 0 && chance(w, 0.1)) {
        w->devices[below(w, w->place.n_devices)] = (int32_t)odd(w, w->devices[0] + 1);
    }
    w->place.workers += chance(w, 0.03);
    w->place.n_devices -= w->place.n_devices > 0 && chance(w, 0.03);
}

/* ------------------------------------------------------------------ events */

static const fy_job *pick_job(world *w, int tries, fy_job_state state)
{
    const fy_job *job = NULL;

    for (int i = 0; i < tries && w->fleet->n_slots > 0 && (job == NULL || job->state != state);
         i++) {
        job = w->fleet->jobs[below(w, (int)w->fleet->n_slots)];
    }
    return job;
}

static void about_job(world *w, fy_event *event, fy_job_state state)
{
    const fy_job *job = pick_job(w, 8, state);

    event->job = odd(w, job != NULL ? job->id : 0);
    event->attempt = (job != NULL ? job->attempt : 1) + (int)chance(w, 0.03);
}

static void fill_starting(world *w, fy_event *event)
{
    const fy_job *job = pick_job(w, 12, FY_JOB_WAITING);
    fy_place place;
    bool found = false;

    if (job != NULL) {
        int workers = job->rec.min_workers;

        workers += below(w, job->rec.max_workers - workers + 1) + job->rec.spares;
        found = job->state != FY_JOB_GONE && workers < 64 &&
                fy_placer_find(w->placers[below(w, FY_N_PLACEMENTS)], w->fleet, job, ~(uint64_t)0,
                               workers, &place);
        event->job = job->id;
        event->attempt = job->attempt + 1 + (int)chance(w, 0.03);
    }
    random_place(w, found ? &place : NULL);
    event->place = &w->place;
    event->reason = (fy_reason)below(w, FY_N_REASONS);
}

/* The gang without its last chunk, as it is, or anywhere. */
static void fill_moved(world *w, fy_event *event)
{
    const fy_job *job = pick_job(w, 12, FY_JOB_RUNNING);
    fy_chunk chunks[MOST_CHUNKS];
    fy_place place = {.chunks = chunks};
    bool runs = job != NULL && job->state == FY_JOB_RUNNING && job->n_holds <= MOST_CHUNKS;

    for (int h = 0; runs && h < job->n_holds - (int)(job->n_holds > 1 && chance(w, 0.5)); h++) {
        chunks[place.n_chunks++] = (fy_chunk){job->holds[h].node, job->holds[h].workers};
        place.workers += job->holds[h].workers;
    }
    if (runs) {
        place.chip = job->chip;
        place.n_devices = place.workers * job->rec.devices;
        place.devices = job->devices;
        if (chance(w, 0.3)) {
            (void)fy_placer_find(w->placers[0], w->fleet, job, ~(uint64_t)0, place.workers, &place);
        }
    }
    about_job(w, event, FY_JOB_RUNNING);
    event->job = runs ? job->id : event->job;
    event->attempt = runs ? job->attempt : event->attempt;
    random_place(w, runs ? &place : NULL);
    event->place = &w->place;
    event->a = odd(w, 1 + below(w, 1000));
    event->b = odd(w, below(w, 5) * HAND_US);
}

static void fill_numbers(world *w, fy_event *event)
{
    static const fy_job_state usual[FY_N_EVENT_KINDS] = {
        [FY_EV_CANCELLED] = FY_JOB_WAITING,    [FY_EV_FINISHED] = FY_JOB_RUNNING,
        [FY_EV_FAILED] = FY_JOB_RUNNING,       [FY_EV_PROGRESS] = FY_JOB_RUNNING,
        [FY_EV_LIMITS] = FY_JOB_WAITING,       [FY_EV_HELD] = FY_JOB_WAITING,
        [FY_EV_RELEASED] = FY_JOB_HELD,        [FY_EV_STARTED] = FY_JOB_STARTING,
        [FY_EV_STOPPING] = FY_JOB_RUNNING,     [FY_EV_STOPPED] = FY_JOB_STOPPING,
        [FY_EV_CHECKPOINTED] = FY_JOB_RUNNING, [FY_EV_RATED] = FY_JOB_RUNNING};

    about_job(w, event, usual[event->kind]);
    event->node = chance(w, 0.5) ? -1 : (int32_t)odd(w, below(w, (int)w->fleet->n_nodes + 1));
    event->tenant = below(w, (int)w->fleet->n_tenants + 2) - 1;
    event->a = odd(w, below(w, 2000));
    event->b = odd(w, below(w, 5) * HAND_US);
    if (event->kind == FY_EV_FAILED || event->kind == FY_EV_STOPPED) {
        event->a = below(w, 2);
    } else if (event->kind == FY_EV_NODE_RESERVED) {
        event->a = w->now_us + (int64_t)below(w, 50) * HAND_US;
        event->b = odd(w, chance(w, 0.5) ? 0 : event->a + (int64_t)below(w, 50) * HAND_US);
    } else if (event->kind == FY_EV_LIMITS) {
        event->job = chance(w, 0.2) ? -1 : event->job;
        event->a = event->job == -1 && chance(w, 0.7) ? -1 : odd(w, below(w, 2000) * 1000);
    }
}

static fy_event_kind random_kind(world *w)
{
    static const fy_event_kind often[] = {FY_EV_SUBMITTED, FY_EV_SUBMITTED, FY_EV_STARTING,
                                          FY_EV_STARTING,  FY_EV_STARTING,  FY_EV_STARTED,
                                          FY_EV_STARTED,   FY_EV_FINISHED,  FY_EV_STOPPED,
                                          FY_EV_MOVED,     FY_EV_RESIZING};

    if (w->fleet->n_chips == 0 || w->fleet->n_tenants == 0 || w->fleet->n_nodes < 3) {
        return (fy_event_kind[]){FY_EV_CHIP_ADDED, FY_EV_TENANT_SET, FY_EV_NODE_ADDED}[below(w, 3)];
    }
    return chance(w, 0.6) ? often[below(w, 11)] : (fy_event_kind)below(w, FY_N_EVENT_KINDS);
}

static void random_event(world *w, fy_event *event)
{
    static const char *const names[] = {"a", "", "b c=d%", "\xe6\x89\xb6\xe6\x91\x87", "\t\n\x7f"};

    (void)snprintf(w->name, sizeof w->name, "%s%d", names[below(w, 5)], below(w, 100));
    w->now_us += chance(w, 0.6) ? (int64_t)below(w, 20) * HAND_US + below(w, 1000) : 0;
    *event = (fy_event){.t_us = chance(w, 0.01) ? odd(w, w->now_us - 1) : w->now_us,
                        .job = -1,
                        .a = -1,
                        .node = -1,
                        .tenant = -1,
                        .chip = -1,
                        .kind = random_kind(w)};
    if (event->kind == FY_EV_STARTING) {
        fill_starting(w, event);
    } else if (event->kind == FY_EV_MOVED || event->kind == FY_EV_RESIZING) {
        fill_moved(w, event);
    } else if (event->kind == FY_EV_SUBMITTED) {
        random_job(w);
        event->job = odd(w, (int64_t)w->fleet->n_ids);
        event->job_record = &w->job;
    } else if (event->kind == FY_EV_NODE_ADDED) {
        random_node(w);
        event->node_record = &w->node;
    } else if (event->kind == FY_EV_MIX) {
        random_mix(w);
        event->mix = &w->mix;
    } else if (event->kind == FY_EV_TENANT_SET) {
        random_tenant(w);
        event->tenant = below(w, (int)w->fleet->n_tenants + 1) % 6;
        event->tenant_record = &w->tenant;
    } else if (event->kind == FY_EV_CHIP_ADDED) {
        event->chip = w->fleet->n_chips < 3 ? w->fleet->n_chips : (int)odd(w, 3) % 100;
        event->name = w->name;
    } else {
        fill_numbers(w, event);
        event->name = event->kind == FY_EV_ROUND ? "policy" : NULL;
    }
}

/* ------------------------------------------------------------------ what must hold */

static void demand(bool holds, const world *w, const fy_event *event, const char *what)
{
    if (!holds) {
        fail_msg("%s; after %s of job %lld, event %d of seed %llu", what,
                 fy_event_name(event->kind), (long long)event->job, w->accepted + w->refused,
                 (unsigned long long)w->seed);
    }
}

/* The line leads back to itself. Kept in the journal. */
static void keep(world *w, const fy_event *event)
{
    size_t from = w->journal.len;
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_journal_line line = {0};
    fy_event again;
    fy_err err = {0};

    (void)hand_journal(&w->journal, event, &err);
    demand(fy_journal_decode(reader, w->journal.text + from, w->journal.len - from - 1, &again,
                             &err) == 0,
           w, event, err.text);
    fy_journal_encode(&again, &line);
    demand(line.len == w->journal.len - from &&
               memcmp(line.text, w->journal.text + from, line.len) == 0,
           w, event, "encoding what was decoded gives the same line");
    fy_journal_line_free(&line);
    fy_journal_reader_free(reader);
}

/* The fleet as bytes and back: the same bytes again, the same state, every invariant; the random
 * life goes on with the copy. */
static void through_bytes(world *w)
{
    fy_str bytes = {0};
    fy_str again = {0};
    fy_fleet *copy = NULL;
    fy_event none = {0};
    fy_err err = {0};

    fy_fleet_save(w->fleet, &bytes);
    demand(fy_fleet_load(&copy, bytes.text, bytes.len, &err) == 0, w, &none, err.text);
    fy_fleet_save(copy, &again);
    demand(again.len == bytes.len && memcmp(again.text, bytes.text, bytes.len) == 0, w, &none,
           "a loaded fleet saves the same bytes");
    demand(fy_fleet_digest(copy) == fy_fleet_digest(w->fleet), w, &none,
           "a loaded fleet has the same digest");
    fy_fleet_free(w->fleet);
    w->fleet = copy;
    for (int k = 0; k < FY_N_PLACEMENTS; k++) {
        fy_placer_free(w->placers[k]);
        w->placers[k] = fy_placer_new((fy_placement)k);
    }
    fy_str_free(&bytes);
    fy_str_free(&again);
}

static void step(world *w)
{
    fy_event event;
    fy_err err = {0};
    uint64_t before = fy_fleet_digest(w->fleet);
    int64_t now_us = w->fleet->now_us;

    random_event(w, &event);
    if (fy_fleet_apply(w->fleet, &event, &err) == 0) {
        w->accepted++;
        demand(event.t_us >= now_us || w->accepted == 1, w, &event, "time does not go back");
        w->now_us = event.t_us < (int64_t)1e15 ? event.t_us : w->now_us;
        keep(w, &event);
    } else {
        w->refused++;
        demand(err.code != 0 && err.text[0] != '\0', w, &event, "a refusal says why");
        demand(fy_fleet_digest(w->fleet) == before && w->fleet->now_us == now_us, w, &event,
               "a refused event changes nothing");
    }
    demand(fy_fleet_check(w->fleet, &err) == 0, w, &event, err.text);
}

/* A life through bytes has the accounts of a life without: all that a snapshot holds is equal. */
static void compare_accounts(world *w, fy_fleet *again)
{
    fy_str here = {0};
    fy_str there = {0};
    fy_event none = {0};

    fy_fleet_integrate(w->fleet, w->fleet->now_us);
    fy_fleet_integrate(again, again->now_us);
    fy_fleet_save(w->fleet, &here);
    fy_fleet_save(again, &there);
    demand(here.len == there.len && memcmp(here.text, there.text, here.len) == 0, w, &none,
           "accounts through bytes are those without");
    fy_str_free(&here);
    fy_str_free(&there);
}

static void one_fleet(uint64_t seed)
{
    static world w;
    fy_err err = {0};
    fy_fleet *again;

    w = (world){.rng = fy_rng_seed(seed), .fleet = fy_fleet_new(), .seed = seed};
    for (int k = 0; k < FY_N_PLACEMENTS; k++) {
        w.placers[k] = fy_placer_new((fy_placement)k);
    }
    for (int i = 0; i < EVENTS; i++) {
        step(&w);
        if (chance(&w, 0.05)) {
            through_bytes(&w);
        }
    }
    again = hand_replay(&w.journal, &err);
    if (again == NULL || fy_fleet_digest(again) != fy_fleet_digest(w.fleet)) {
        fail_msg("the journal leads elsewhere, seed %llu: %s", (unsigned long long)seed, err.text);
    }
    compare_accounts(&w, again);
    fy_fleet_free(again);
    fy_fleet_free(w.fleet);
    for (int k = 0; k < FY_N_PLACEMENTS; k++) {
        fy_placer_free(w.placers[k]);
    }
    free(w.journal.text);
}

static void random_events_keep_every_invariant(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        one_fleet(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_events_keep_every_invariant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
