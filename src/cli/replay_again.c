/* SPDX-License-Identifier: MIT */
/*
 * `fuyao replay --policy`: another policy on the same world. From the journal come only nodes,
 * tenants, submissions, cancellations, windows and outages; everything else is decided anew in the
 * simulator. A job's speed on a chip is observed where the journal has a run of it there, modelled
 * elsewhere; the outcome says which share of device time is modelled.
 */
#include "base/arena.h"
#include "cli/replay.h"
#include "fleet/state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double us_per_s = 1e6;

/* Device time of one job in the simulation, up to its last change. */
typedef struct use {
    int64_t since_us, milli;
    int chip;
} use;

/* What the journal shows of a job's work, in quanta at the rate each attempt started with. */
typedef struct seen_work {
    double kept_q; /* of attempts that saved what they had done */
    double rate_q; /* of the running attempt */
    int64_t from_us;
    double q_per_unit;
    bool observed; /* somebody said how far it was: the record's work was an estimate */
} seen_work;

struct replay_again {
    fy_arena arena;
    fy_site site;
    fy_pool_spec *pools;
    size_t pools_room;
    fy_tenant_spec *tenants;
    size_t tenants_room;
    const char **nodes; /* [n_nodes] what the simulator will call them */
    size_t n_nodes, nodes_room;
    int chip_nodes[FY_MAX_CHIPS];
    int64_t first;     /* id of the first job: 0, or 1 where people count */
    fy_job_spec *jobs; /* [n_jobs] by id - first */
    size_t n_jobs, jobs_room, next;
    uint64_t *ran; /* [n_jobs] chips on which the journal ran it */
    size_t ran_room;
    seen_work *work; /* [n_jobs] */
    size_t work_room;
    fy_happening *happenings;
    size_t n_happenings, happenings_room;
    double power_cap_w;
    int64_t left_out;
    /* of the simulation */
    use *uses; /* [n_jobs] */
    fy_wide held, modelled;
    int64_t now_us;
};

struct replay_again *replay_again_new(void)
{
    struct replay_again *again = fy_calloc(1, sizeof *again);

    again->power_cap_w = NAN;
    return again;
}

void replay_again_free(struct replay_again *again)
{
    if (again != NULL) {
        fy_arena_free(&again->arena);
        free(again->pools);
        free(again->tenants);
        free(again->nodes);
        free(again->jobs);
        free(again->ran);
        free(again->work);
        free(again->happenings);
        free(again->uses);
        free(again);
    }
}

/* ------------------------------------------------------------------ the site */

static void note_chip(struct replay_again *again, const fy_event *event)
{
    fy_chip *chip = fy_arena_alloc(&again->arena, sizeof *chip);

    chip->id = chip->name = fy_arena_strdup(&again->arena, event->name);
    again->site.chips[again->site.n_chips++] = chip;
}

static fy_range watts(const int64_t mw[FY_N_ESTIMATES])
{
    return (fy_range){.low = (double)mw[FY_LO] / 1000,
                      .mid = (double)mw[FY_MID] / 1000,
                      .high = (double)mw[FY_HI] / 1000,
                      .grade = FY_GRADE_DERIVED};
}

static bool same_range(const fy_range *a, const fy_range *b)
{
    return a->low == b->low && a->mid == b->mid && a->high == b->high;
}

static bool same_shape(const fy_pool_spec *a, const fy_pool_spec *b)
{
    return a->chip == b->chip && a->devices == b->devices && a->cpu_milli == b->cpu_milli &&
           a->memory_mib == b->memory_mib && same_range(&a->idle_w, &b->idle_w) &&
           same_range(&a->active_w, &b->active_w) && same_range(&a->overhead_w, &b->overhead_w);
}

static fy_pool_spec *add_pool(struct replay_again *again, const fy_pool_spec *like)
{
    size_t n = (size_t)again->site.n_pools++;

    again->pools = fy_grow(again->pools, &again->pools_room, n + 1, sizeof *again->pools);
    again->pools[n] = *like;
    again->pools[n].name = fy_arena_printf(&again->arena, "pool%zu", n);
    return &again->pools[n];
}

/*
 * The pool that the node joins. A rack of several nodes is a pool of its own; nodes that are each
 * their own rack share one.
 */
static fy_pool_spec *pool_for(struct replay_again *again, const fy_pool_spec *like, bool joins_rack,
                              bool delivered)
{
    fy_pool_spec *last = again->site.n_pools > 0 ? &again->pools[again->site.n_pools - 1] : NULL;

    for (int p = 0; delivered && p < again->site.n_pools; p++) {
        if (same_shape(&again->pools[p], like)) {
            return &again->pools[p];
        }
    }
    if (last == NULL || !same_shape(last, like) || delivered) {
        return add_pool(again, like);
    }
    if (joins_rack && last->nodes_per_rack == 0 && last->nodes > 1) {
        last->nodes--; /* the last node opens a rack and takes this one in */
        last = add_pool(again, like);
        last->nodes = 1;
    } else if (!joins_rack && last->nodes_per_rack > 0) {
        return add_pool(again, like);
    }
    last->nodes_per_rack = joins_rack ? last->nodes + 1 : 0;
    return last;
}

static fy_happening *happen(struct replay_again *again, fy_happening_kind kind, int64_t t_us)
{
    size_t n = again->n_happenings++;

    again->happenings =
        fy_grow(again->happenings, &again->happenings_room, n + 1, sizeof *again->happenings);
    again->happenings[n] =
        (fy_happening){.t_us = t_us, .kind = kind, .name = "", .tenant = "", .count = 1};
    return &again->happenings[n];
}

static void note_node(struct replay_again *again, const fy_event *event)
{
    const fy_node_record *rec = event->node_record;
    bool delivered = again->n_jobs > 0;
    bool joins = rec->rack == FY_RACK_LAST && again->chip_nodes[rec->chip] > 0;
    fy_pool_spec like = {.chip = rec->chip,
                         .devices = rec->devices,
                         .devices_per_chip = 1,
                         .cpu_milli = rec->cpu_milli < FY_PLENTY ? rec->cpu_milli : -1,
                         .memory_mib = rec->memory_mib < FY_PLENTY ? rec->memory_mib : -1,
                         .idle_w = watts(rec->idle_mw),
                         .active_w = watts(rec->active_mw),
                         .overhead_w = watts(rec->overhead_mw)};
    fy_pool_spec *pool = pool_for(again, &like, joins, delivered);
    int number = delivered ? again->chip_nodes[rec->chip] : pool->nodes;

    again->nodes =
        fy_grow(again->nodes, &again->nodes_room, again->n_nodes + 1, sizeof *again->nodes);
    again->nodes[again->n_nodes++] = fy_arena_printf(&again->arena, "%s-%04d", pool->name, number);
    again->chip_nodes[rec->chip]++;
    if (delivered) {
        happen(again, FY_HAPPEN_DELIVER, event->t_us)->name = pool->name;
    } else {
        if (joins && pool->nodes == 1) { /* it took the last node of the pool before along */
            again->nodes[again->n_nodes - 2] =
                fy_arena_printf(&again->arena, "%s-%04d", pool->name, 0);
        }
        pool->nodes++;
    }
}

/* Tenants that only the submissions mention need no note: the simulator meets them again. */
static void note_tenant(struct replay_again *again, const fy_event *event)
{
    const fy_tenant_record *rec = event->tenant_record;
    int64_t *guarantee;

    if (again->n_jobs > 0) {
        again->left_out += rec->weight != 1 || rec->borrow_milli != -1 || rec->n > 0;
        return;
    }
    guarantee = fy_arena_alloc(&again->arena, FY_MAX_CHIPS * sizeof *guarantee);
    for (int c = 0; rec->guarantee_milli != NULL && c < rec->n; c++) {
        guarantee[c] = rec->guarantee_milli[c];
    }
    if (event->tenant == again->site.n_tenants) {
        again->tenants = fy_grow(again->tenants, &again->tenants_room,
                                 (size_t)++again->site.n_tenants, sizeof *again->tenants);
    }
    again->tenants[event->tenant] =
        (fy_tenant_spec){.name = fy_arena_strdup(&again->arena, rec->name),
                         .weight = rec->weight,
                         .borrow_milli = rec->borrow_milli,
                         .guarantee_milli = guarantee};
}

/* ------------------------------------------------------------------ jobs */

static fy_accept *accept_of(struct replay_again *again, const fy_job_record *rec)
{
    fy_accept *accept =
        fy_arena_alloc(&again->arena, (size_t)rec->n_rates * sizeof *accept + sizeof *accept);

    for (int i = 0; i < rec->n_rates; i++) {
        accept[i] = (fy_accept){.chip = rec->rates[i].chip,
                                .rate = (double)rec->rates[i].rate_q / rec->q_per_unit,
                                .rate_spread = (double)rec->rates[i].spread_q / rec->q_per_unit,
                                .grade = (fy_grade)rec->rates[i].grade};
    }
    return accept;
}

static void note_job(replay *r, const fy_event *event)
{
    struct replay_again *again = r->again;
    const fy_job_record *rec = event->job_record;
    size_t n = again->n_jobs++;
    int64_t *after = fy_arena_alloc(&again->arena, (size_t)rec->n_after * sizeof *after + 1);
    fy_job_spec *job;

    again->first = n == 0 ? event->job : again->first;
    again->jobs = fy_grow(again->jobs, &again->jobs_room, n + 1, sizeof *again->jobs);
    again->ran = fy_grow(again->ran, &again->ran_room, n + 1, sizeof *again->ran);
    again->ran[n] = 0;
    again->work = fy_grow(again->work, &again->work_room, n + 1, sizeof *again->work);
    again->work[n] = (seen_work){.q_per_unit = rec->q_per_unit};
    for (int i = 0; i < rec->n_after; i++) {
        after[i] = rec->after[i] - again->first;
    }
    job = &again->jobs[n];
    *job = fy_job_spec_default();
    job->name = fy_arena_strdup(&again->arena, rec->name);
    job->tenant = r->fleet->tenants[rec->tenant].name;
    job->submit_us = event->t_us;
    job->priority = rec->priority;
    job->workers = rec->workers;
    job->min_workers = rec->min_workers;
    job->max_workers = rec->max_workers;
    job->devices = rec->devices;
    job->milli = rec->milli;
    job->cpu_milli = rec->cpu_milli;
    job->memory_mib = rec->memory_mib;
    job->spares = rec->spares;
    job->accept = accept_of(again, rec);
    job->n_accept = rec->n_rates;
    job->work = rec->work_q >= 0 ? (double)rec->work_q / rec->q_per_unit : (double)NAN;
    job->service = rec->work_q < 0;
    job->end = rec->end;
    job->checkpoint_interval_us = rec->checkpoint_interval_us;
    job->checkpoint_cost_us = rec->checkpoint_cost_us;
    job->restart_cost_us = rec->restart_cost_us;
    job->limit_us = rec->limit_us;
    job->deadline_us = rec->deadline_us;
    job->min_run_us = rec->min_run_us;
    job->after = after;
    job->n_after = rec->n_after;
    job->array_of = rec->array_of >= 0 ? rec->array_of - again->first : -1;
    job->array_limit = rec->array_limit;
}

/* Somebody cancelled it; where its own end is a cancellation, the work says when. */
static void note_cancel(struct replay_again *again, const fy_event *event)
{
    fy_job_spec *job = &again->jobs[event->job - again->first];

    if (job->end != FY_END_CANCEL) {
        job->cancel_us = event->t_us - job->submit_us;
    }
}

/* ------------------------------------------------------------------ events */

static void note_window(replay *r, const fy_event *event)
{
    struct replay_again *again = r->again;
    const char *name = again->nodes[event->node];
    const char *tenant = event->tenant >= 0 ? r->fleet->tenants[event->tenant].name : "";
    bool window = event->b > event->a;
    fy_happening *h = happen(again, FY_HAPPEN_WINDOW, event->t_us);

    h->name = name;
    h->tenant = tenant;
    h->from_us = window ? event->a : 0;
    h->until_us = window ? event->b : 0;
    if (window) {
        happen(again, FY_HAPPEN_CLEAR, event->a > event->t_us ? event->a : event->t_us)->name =
            name;
    }
}

static void note_limits(struct replay_again *again, const fy_event *event)
{
    if (event->job == -1 && again->n_jobs == 0) {
        again->power_cap_w = event->a >= 0 ? (double)event->a / 1000 : (double)NAN;
    } else {
        again->left_out++;
    }
}

static void note_outage(struct replay_again *again, const fy_event *event)
{
    static const fy_happening_kind kinds[FY_N_EVENT_KINDS] = {
        [FY_EV_NODE_DOWN] = FY_HAPPEN_DOWN,
        [FY_EV_NODE_UP] = FY_HAPPEN_UP,
        [FY_EV_NODE_DRAINED] = FY_HAPPEN_DRAIN,
        [FY_EV_NODE_RESUMED] = FY_HAPPEN_RESUME};

    happen(again, kinds[event->kind], event->t_us)->name = again->nodes[event->node];
}

/*
 * The work of a job whose progress was observed is what it did, not what somebody once estimated:
 * its time at the rate it started with. What was not saved at a stop is not part of it.
 */
static void note_work(struct replay_again *again, const fy_event *event)
{
    seen_work *work = &again->work[event->job - again->first];
    fy_job_spec *job = &again->jobs[event->job - again->first];
    double done_q = work->rate_q * (double)(event->t_us - work->from_us) / us_per_s;

    if (event->kind == FY_EV_PROGRESS) {
        work->observed = true;
    } else if (event->kind == FY_EV_STARTED) {
        work->rate_q = (double)event->a;
        work->from_us = event->t_us + event->b;
    } else if (event->kind == FY_EV_STOPPED && event->a == 1) {
        work->kept_q += done_q > 0 ? done_q : 0;
    } else if (event->kind == FY_EV_FINISHED && work->observed && !job->service) {
        double q = work->kept_q + (done_q > 0 ? done_q : 0);

        job->work = q >= 1 ? q / work->q_per_unit : job->work;
    }
}

void replay_again_note(replay *r, const fy_event *event)
{
    struct replay_again *again = r->again;
    fy_event_kind kind = event->kind;

    if (kind == FY_EV_PROGRESS || kind == FY_EV_STARTED || kind == FY_EV_STOPPED ||
        kind == FY_EV_FINISHED) {
        note_work(again, event);
    } else if (kind == FY_EV_CHIP_ADDED) {
        note_chip(again, event);
    } else if (kind == FY_EV_NODE_ADDED) {
        note_node(again, event);
    } else if (kind == FY_EV_TENANT_SET) {
        note_tenant(again, event);
    } else if (kind == FY_EV_SUBMITTED) {
        note_job(r, event);
    } else if (kind == FY_EV_CANCELLED) {
        note_cancel(again, event);
    } else if (kind == FY_EV_NODE_RESERVED) {
        note_window(r, event);
    } else if (kind == FY_EV_LIMITS) {
        note_limits(again, event);
    } else if (kind == FY_EV_STARTING) {
        again->ran[event->job - again->first] |= (uint64_t)1 << event->place->chip;
    } else if (kind >= FY_EV_NODE_DOWN && kind <= FY_EV_NODE_RESUMED) {
        note_outage(again, event);
    } else {
        again->left_out += kind == FY_EV_HELD || kind == FY_EV_RELEASED ||
                           (kind == FY_EV_FAILED && event->node >= 0);
    }
}

/* ------------------------------------------------------------------ the simulation */

static int next_job(void *ctx, fy_job_spec *job, fy_err *err)
{
    struct replay_again *again = ctx;

    (void)err;
    if (again->next == again->n_jobs) {
        return 0;
    }
    *job = again->jobs[again->next++];
    return 1;
}

/* Count what the job has held since its last change, and what it holds from now on. */
static void count_use(struct replay_again *again, int64_t job, int64_t t_us, const fy_place *place)
{
    use *u = &again->uses[job];
    fy_wide held = (fy_wide)(t_us - u->since_us) * u->milli;
    int ask = again->jobs[job].milli > 0 ? again->jobs[job].milli : FY_WHOLE;

    again->held += held;
    if (u->milli > 0 && (again->ran[job] >> u->chip & 1) == 0) {
        again->modelled += held;
    }
    u->since_us = t_us;
    u->milli = place != NULL ? (int64_t)place->n_devices * ask : 0;
    u->chip = place != NULL ? place->chip : 0;
}

static int note_run(void *ctx, const fy_event *event, fy_err *err)
{
    struct replay_again *again = ctx;

    (void)err;
    again->now_us = event->t_us;
    if (event->place != NULL || event->kind == FY_EV_STOPPED || event->kind == FY_EV_FAILED ||
        event->kind == FY_EV_FINISHED || event->kind == FY_EV_CANCELLED) {
        count_use(again, event->job, event->t_us, event->place);
    }
    return 0;
}

int replay_again_run(replay *r, const char *policy, replay_outcome *out, fy_err *err)
{
    struct replay_again *again = r->again;
    fy_site *site = &again->site;
    fy_sim_options options;
    int status;

    site->name = site->note = "";
    site->pools = again->pools;
    site->tenants = again->tenants;
    site->pue = site->price_per_kwh = (fy_range){1, 1, 1, FY_GRADE_ASSUMED, NULL};
    site->currency = "";
    site->power_cap_w = NAN;
    options = fy_sim_options_default(site);
    options.source = (fy_source){next_job, again};
    options.sched.policy = policy;
    options.costs = FY_COSTS_TRACE;
    options.power_cap_w = again->power_cap_w;
    options.happenings = again->happenings;
    options.n_happenings = (int)again->n_happenings;
    options.mix_jobs = again->jobs;
    options.n_mix_jobs = (int64_t)again->n_jobs;
    options.journal = note_run;
    options.journal_ctx = again;
    options.until_us = r->fleet->n_running > 0 ? r->fleet->now_us : FY_NEVER;
    again->uses = fy_calloc(again->n_jobs + 1, sizeof *again->uses);
    status = fy_sim_run(&out->result, &options, err);
    if (status == 0) {
        for (size_t i = 0; i < again->n_jobs; i++) {
            count_use(again, (int64_t)i, again->now_us, NULL);
        }
        out->modelled = again->held > 0 ? (double)again->modelled / (double)again->held : 0;
        out->left_out = again->left_out;
    }
    return status;
}
