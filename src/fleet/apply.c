/* SPDX-License-Identifier: MIT */
/*
 * The one mutator. Each kind of event has one function, which first checks that the event makes
 * sense in the present state and only then changes it: a refused event changes nothing.
 */
#include "fleet/internal.h"

#include <assert.h>
#include <string.h>

static const int64_t sick_node_window_us = 60 * 1000000LL; /* three jobs failing within a minute */

/* Instants and spans stay far from the ends of 64 bits, so that sums of a few of them fit. */
static const int64_t longest_us = 1000000000000000000;

static bool sane_span(int64_t us)
{
    return us >= 0 && us <= longest_us;
}

static int refuse(const fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    static const char *const names[] = {"blocked", "held",     "waiting", "starting",
                                        "running", "stopping", "gone"};
    const fy_job *job = fy_fleet_job(fleet, event->job);
    const char *kind = fy_event_name(event->kind);

    if (job == NULL) {
        return fy_fail(err, FY_EINVAL, "%s of job %lld: there is no such job now", kind,
                       (long long)event->job);
    }
    return fy_fail(err, FY_EINVAL, "%s of job %lld, attempt %d: it is %s, attempt %d", kind,
                   (long long)event->job, event->attempt, names[job->state], job->attempt);
}

/* The job an event speaks of, if it is live and the attempt is the present one. */
static fy_job *job_of(const fy_fleet *fleet, const fy_event *event)
{
    fy_job *job = fy_fleet_job(fleet, event->job);

    return job != NULL && event->attempt == job->attempt ? job : NULL;
}

/* ------------------------------------------------------------------ chips, nodes, tenants */

static int apply_chip(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    if (fleet->n_chips >= FY_MAX_CHIPS || event->chip != fleet->n_chips) {
        return fy_fail(err, FY_EINVAL, "chip %d: the next one is %d of at most %d", event->chip,
                       fleet->n_chips, FY_MAX_CHIPS);
    }
    fleet->pools[fleet->n_chips++] =
        (fy_pool){.name = fy_arena_strdup(&fleet->arena, event->name), .at_us = event->t_us};
    return 0;
}

static int apply_node(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_node *node;

    if (event->node < 0 || (size_t)event->node >= fleet->n_nodes) {
        return fy_fail(err, FY_EINVAL, "%s: no node %d", fy_event_name(event->kind), event->node);
    }
    if (event->kind == FY_EV_NODE_RESERVED &&
        (event->a < -longest_us || event->b > longest_us || event->tenant < -1 ||
         (event->tenant >= 0 && (size_t)event->tenant >= fleet->n_tenants))) {
        return fy_fail(err, FY_EINVAL, "node-reserved: its window or tenant %d is out of range",
                       event->tenant);
    }
    node = &fleet->nodes[event->node];
    fy_node_unlist(fleet, node);
    if (event->kind == FY_EV_NODE_DRAINED) {
        node->drained = true;
    } else if (event->kind == FY_EV_NODE_RESUMED) {
        node->drained = false;
    } else {
        bool window = event->b > event->a;

        fleet->pools[node->chip].n_windows += window - (node->reserved_to_us != FY_NEVER);
        node->reserved_tenant = window ? event->tenant : -1;
        node->reserved_from_us = window ? event->a : FY_NEVER;
        node->reserved_to_us = window ? event->b : FY_NEVER;
    }
    fy_node_list(fleet, node);
    return 0;
}

static int apply_node_power(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    if (event->node < 0 || (size_t)event->node >= fleet->n_nodes) {
        return fy_fail(err, FY_EINVAL, "%s: no node %d", fy_event_name(event->kind), event->node);
    }
    fy_node_set_up(fleet, &fleet->nodes[event->node], event->kind == FY_EV_NODE_UP);
    fy_jobs_refresh(fleet); /* what the power cap leaves has changed */
    return 0;
}

/* What `tenant` would hold beyond its guarantees with `milli` more of `chip`. */
static int64_t held_beyond(const fy_fleet *fleet, const fy_tenant *tenant, int chip, int64_t milli)
{
    int64_t beyond = 0;

    for (int c = 0; c < fleet->n_chips; c++) {
        int64_t held = tenant->held_milli[c] + (c == chip ? milli : 0);
        int64_t over = held - tenant->guarantee_milli[c];

        beyond += over > 0 ? over : 0;
    }
    return beyond;
}

static int apply_tenant(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    const fy_tenant_record *rec = event->tenant_record;
    fy_tenant *tenant;

    bool ok = event->tenant >= 0 && (size_t)event->tenant <= fleet->n_tenants && rec->weight > 0 &&
              rec->weight <= 1e12 && rec->borrow_milli >= -1 && rec->borrow_milli <= FY_PLENTY &&
              rec->n >= 0 && rec->n <= fleet->n_chips;

    for (int c = 0; ok && rec->guarantee_milli != NULL && c < rec->n; c++) {
        ok = rec->guarantee_milli[c] >= 0 && rec->guarantee_milli[c] <= FY_PLENTY;
    }
    if (!ok) {
        return fy_fail(err, FY_EINVAL, "tenant %s: number, weight or limits out of range",
                       rec->name);
    }
    if ((size_t)event->tenant == fleet->n_tenants) {
        fleet->tenants = fy_grow(fleet->tenants, &fleet->tenants_room, fleet->n_tenants + 1,
                                 sizeof *fleet->tenants);
        fleet->tenants[fleet->n_tenants++] =
            (fy_tenant){.name = fy_arena_strdup(&fleet->arena, rec->name), .at_us = event->t_us};
    }
    tenant = &fleet->tenants[event->tenant];
    tenant->weight = rec->weight;
    tenant->borrow_milli = rec->borrow_milli;
    memset(tenant->guarantee_milli, 0, sizeof tenant->guarantee_milli);
    for (int c = 0; rec->guarantee_milli != NULL && c < rec->n; c++) {
        tenant->guarantee_milli[c] = rec->guarantee_milli[c];
    }
    tenant->beyond_at_set = held_beyond(fleet, tenant, -1, 0);
    for (int c = 0; c < fleet->n_chips; c++) {
        fleet->pools[c].releases++; /* limits moved: what did not fit may fit now */
    }
    return 0;
}

/* ------------------------------------------------------------------ health */

/* Blame `node` for a failure of `job`: the third job within a minute drains it. */
static void blame_node(fy_fleet *fleet, int32_t number, int64_t job)
{
    fy_node *node = &fleet->nodes[number];
    int recent = 0;

    if (node->fail_job[0] != job) {
        for (int i = 2; i > 0; i--) {
            node->fail_job[i] = node->fail_job[i - 1];
            node->fail_us[i] = node->fail_us[i - 1];
        }
    }
    node->fail_job[0] = job;
    node->fail_us[0] = fleet->now_us;
    for (int i = 0; i < 3; i++) {
        recent += node->fail_job[i] >= 0 && fleet->now_us - node->fail_us[i] <= sick_node_window_us;
    }
    if (recent == 3 && node->fail_job[0] != node->fail_job[2] &&
        node->fail_job[1] != node->fail_job[2] && !node->drained) {
        fy_node_unlist(fleet, node);
        node->drained = true;
        fy_node_list(fleet, node);
    }
}

/* Remember that `job` failed on `node`: returns true on the third different node. */
static bool blame_job(fy_job *job, int32_t node)
{
    for (int i = 0; i < 3; i++) {
        if (job->failed_nodes[i] == node) {
            return false;
        }
        if (job->failed_nodes[i] < 0) {
            job->failed_nodes[i] = node;
            return i == 2;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ the life of a job */

static void count_array(fy_fleet *fleet, const fy_job *job, int sign)
{
    if (job->array >= 0) {
        fy_array *array = &fleet->arrays[job->array];

        array->running += sign;
        for (uint64_t left = sign < 0 ? array->mask : 0; left != 0; left &= left - 1) {
            fleet->pools[__builtin_ctzll(left)].releases++;
        }
    }
}

/* `lost_q` quanta of this attempt will be done again: no more than the time it has worked. */
static void lose(fy_pool *pool, fy_job *job, int64_t lost_q)
{
    fy_wide most = job->attempt_held - job->attempt_pause - job->attempt_lost;

    if (lost_q > 0 && job->rate_q > 0) {
        fy_wide lost = (fy_wide)lost_q * 1000000 / job->rate_q * job->held_milli;

        lost = lost < most ? lost : most;
        job->attempt_lost += lost;
        job->lost_int += lost;
        pool->productive_int -= lost;
    }
}

/* The attempt is over at now: account for it and give everything back. `saved`: nothing is lost. */
static void end_attempt(fy_fleet *fleet, fy_job *job, bool saved)
{
    fy_pool *pool = &fleet->pools[job->chip];
    int64_t done = fy_job_done(job, fleet->now_us);
    int64_t kept = saved ? done : fy_job_saved(job, fleet->now_us);

    fy_job_segment(job, fleet->now_us);
    if (job->state == FY_JOB_STOPPING) {
        pool->stopping_milli -= job->held_milli;
    }
    lose(pool, job, done - kept);
    pool->productive_int += job->attempt_held - job->attempt_pause;
    job->done_q = kept;
    job->rate_q = 0;
    job->ran_us += fleet->now_us - job->start_us;
    count_array(fleet, job, -1);
    fy_place_release(fleet, job);
    fleet->n_running--;
}

/* May the job hold `milli` more of `chip`, as far as its tenant and the power cap go? */
static fy_reason may_hold(const fy_fleet *fleet, const fy_job *job, int chip, int64_t milli)
{
    const fy_tenant *tenant = &fleet->tenants[job->tenant];

    if (tenant->borrow_milli >= 0 &&
        held_beyond(fleet, tenant, chip, milli) > tenant->borrow_milli) {
        return FY_WHY_TENANT_LIMIT;
    }
    if (fleet->power_cap_mw != FY_NEVER &&
        fleet->power_mw[FY_HI] + fleet->pools[chip].slack_mw * milli / FY_WHOLE >
            fleet->power_cap_mw) {
        return FY_WHY_POWER_CAP;
    }
    return FY_WHY_NONE;
}

fy_reason fy_fleet_may_start(const fy_fleet *fleet, const fy_job *job, int chip, int64_t milli)
{
    if (job->array >= 0 && fleet->arrays[job->array].running >= job->rec.array_limit) {
        return FY_WHY_ARRAY_LIMIT;
    }
    return may_hold(fleet, job, chip, milli);
}

/* Of `held` workers just given, those beyond the spares work; at least the smallest gang. */
static int32_t working_of(const fy_job *job, int32_t held)
{
    int32_t n = held - job->rec.spares;

    return n > job->rec.min_workers ? n : job->rec.min_workers;
}

static int apply_starting(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = fy_fleet_job(fleet, event->job);
    const fy_place *place = event->place;
    int64_t milli;

    if (job == NULL || job->state != FY_JOB_WAITING || event->attempt != job->attempt + 1) {
        return refuse(fleet, event, err);
    }
    if (place == NULL || place->chip < 0 || place->chip >= fleet->n_chips ||
        fy_job_rate_on(job, place->chip) == NULL) {
        return fy_fail(err, FY_EINVAL, "job %lld has no rate on that chip", (long long)job->id);
    }
    if (fy_place_check(fleet, job, place, NULL, err) != 0) {
        return FY_EINVAL;
    }
    milli = fy_gang_milli(1, place->n_devices, job->rec.milli);
    if (fy_fleet_may_start(fleet, job, place->chip, milli) != FY_WHY_NONE) {
        return fy_fail(err, FY_EINVAL, "job %lld may not start: %s", (long long)job->id,
                       fy_reason_text(fy_fleet_may_start(fleet, job, place->chip, milli)));
    }
    fy_job_unwait(fleet, job, FY_JOB_STARTING);
    job->attempt++;
    job->start_us = event->t_us;
    job->held_at_us = event->t_us;
    job->attempt_held = job->attempt_pause = job->attempt_lost = 0;
    fy_place_hold(fleet, job, place);
    job->working = working_of(job, place->workers);
    job->spread = place->n_chunks > fy_fleet_least_nodes(fleet, &fleet->classes[job->cls],
                                                         place->chip, place->workers);
    if (job->first_start_us < 0) {
        job->first_start_us = event->t_us;
    }
    count_array(fleet, job, 1);
    fleet->n_running++;
    return 0;
}

static int apply_started(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = job_of(fleet, event);

    if (job == NULL || job->state != FY_JOB_STARTING || event->a <= 0 || !sane_span(event->b)) {
        return refuse(fleet, event, err);
    }
    fy_job_anchor(job, event->t_us, event->a, event->b);
    job->state = FY_JOB_RUNNING;
    return 0;
}

static int apply_stopping(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = job_of(fleet, event);
    int64_t done, saved;

    if (job == NULL || (job->state != FY_JOB_RUNNING && job->state != FY_JOB_STARTING)) {
        return refuse(fleet, event, err);
    }
    /* Progress ends here; what stopped brings is whether it is kept. */
    done = fy_job_done(job, event->t_us);
    saved = fy_job_saved(job, event->t_us);
    fy_job_segment(job, event->t_us);
    job->state = FY_JOB_STOPPING;
    job->done_q = done;
    job->saved_q = saved;
    job->preemptions += fy_reason_is_policy(event->reason);
    fleet->pools[job->chip].stopping_milli += job->held_milli;
    return 0;
}

static int apply_stopped(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = job_of(fleet, event);
    bool saved = event->a == 1;

    if (job == NULL || !fy_job_holds(job)) {
        return refuse(fleet, event, err);
    }
    end_attempt(fleet, job, saved);
    fy_job_wait(fleet, job);
    return 0;
}

static int apply_end(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    bool any_state = event->kind == FY_EV_CANCELLED;
    fy_job *job = any_state ? fy_fleet_job(fleet, event->job) : job_of(fleet, event);

    if (job == NULL || (!any_state && !fy_job_holds(job))) {
        return refuse(fleet, event, err);
    }
    if (event->kind == FY_EV_FINISHED && job->rec.work_q >= 0 &&
        fy_job_done(job, event->t_us) < job->rec.work_q) {
        return fy_fail(err, FY_EINVAL, "job %lld cannot have finished: its work is not done",
                       (long long)job->id);
    }
    if (fy_job_holds(job)) {
        end_attempt(fleet, job, true);
    }
    fy_job_end(fleet, job, event->kind == FY_EV_FINISHED ? FY_ENDED_OK : FY_ENDED_CANCELLED);
    return 0;
}

static int apply_failed(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = job_of(fleet, event);
    bool hold = false;

    if (job == NULL || !fy_job_holds(job)) {
        return refuse(fleet, event, err);
    }
    if (event->node >= 0 && (size_t)event->node >= fleet->n_nodes) {
        return fy_fail(err, FY_EINVAL, "failed: no node %d", event->node);
    }
    if (event->node >= 0) {
        blame_node(fleet, event->node, job->id);
        hold = blame_job(job, event->node);
    }
    end_attempt(fleet, job, event->a != 1);
    job->failures++;
    if (event->a != 1) {
        fy_job_end(fleet, job, FY_ENDED_FAILED);
    } else {
        fy_job_wait(fleet, job);
        if (hold) {
            fy_job_unwait(fleet, job, FY_JOB_HELD);
        }
    }
    return 0;
}

static int apply_held(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = fy_fleet_job(fleet, event->job);
    bool hold = event->kind == FY_EV_HELD;

    if (job == NULL || job->n_open < 0 || job->state != (hold ? FY_JOB_WAITING : FY_JOB_HELD)) {
        return refuse(fleet, event, err);
    }
    if (hold) {
        fy_job_unwait(fleet, job, FY_JOB_HELD);
    } else {
        for (int i = 0; i < 3; i++) {
            job->failed_nodes[i] = -1;
        }
        fy_job_wait(fleet, job);
    }
    return 0;
}

static void take_progress(fy_job *job, int64_t done_q)
{
    job->done_q = job->rec.work_q >= 0 && done_q > job->rec.work_q ? job->rec.work_q : done_q;
    job->saved_q = job->saved_q < job->done_q ? job->saved_q : job->done_q;
}

static int apply_rated(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = job_of(fleet, event);
    bool counts = event->kind != FY_EV_CHECKPOINTED;
    int64_t pause;

    if (job != NULL && job->state == FY_JOB_STOPPING && event->kind == FY_EV_PROGRESS &&
        event->a >= 0) { /* on its way out it still says how far it came */
        take_progress(job, event->a);
        return 0;
    }
    if (job == NULL || job->state != FY_JOB_RUNNING || (counts && event->a < 0)) {
        return refuse(fleet, event, err);
    }
    pause = job->anchor_us > event->t_us ? job->anchor_us - event->t_us : 0;
    fy_job_anchor(job, event->t_us, event->kind == FY_EV_RATED ? event->a : job->rate_q, pause);
    if (event->kind == FY_EV_CHECKPOINTED) {
        job->saved_q = job->done_q;
        job->saved_us = job->anchor_us;
    } else if (event->kind == FY_EV_PROGRESS) { /* it may correct the model in either direction */
        take_progress(job, event->a);
    }
    return 0;
}

/* A running gang gets another place (fewer, more or other workers) and goes on from there. */
static int apply_moved(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = job_of(fleet, event);
    const fy_place *place = event->place;
    fy_class *cls;
    int64_t more;
    int32_t working;

    if (job == NULL || job->state != FY_JOB_RUNNING || place == NULL || place->chip != job->chip ||
        event->a <= 0 || !sane_span(event->b)) {
        return refuse(fleet, event, err);
    }
    if (fy_place_check(fleet, job, place, job, err) != 0) {
        return FY_EINVAL;
    }
    more = fy_gang_milli(1, place->n_devices, job->rec.milli) - job->held_milli;
    if (more > 0 && may_hold(fleet, job, job->chip, more) != FY_WHY_NONE) {
        return fy_fail(err, FY_EINVAL, "job %lld may not grow: %s", (long long)job->id,
                       fy_reason_text(may_hold(fleet, job, job->chip, more)));
    }
    fy_job_anchor(job, event->t_us, job->rate_q, 0);
    if (event->kind ==
        FY_EV_MOVED) { /* the lost worker takes the work since the checkpoint along */
        lose(&fleet->pools[job->chip], job, job->done_q - job->saved_q);
        job->done_q = job->saved_q;
        job->saved_us = event->t_us + event->b;
        job->failures++;
    }
    working = event->kind == FY_EV_RESIZING ? working_of(job, place->workers) : job->working;
    fy_place_release(fleet, job);
    fy_place_hold(fleet, job, place);
    job->working = working < place->workers ? working : place->workers;
    cls = &fleet->classes[job->cls];
    job->spread = place->n_chunks > fy_fleet_least_nodes(fleet, cls, place->chip, place->workers);
    job->anchor_us = event->t_us + event->b;
    job->rate_q = event->a;
    return 0;
}

static int apply_limits(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    fy_job *job = fy_fleet_job(fleet, event->job);

    if (event->job == -1 && event->a >= -1) {
        fleet->power_cap_mw = event->a >= 0 ? event->a : FY_NEVER;
        for (int c = 0; c < fleet->n_chips; c++) {
            fleet->pools[c].releases++;
        }
        fleet->shape++;
        fy_jobs_refresh(fleet);
        return 0;
    }
    if (job == NULL || event->a < -1) {
        return refuse(fleet, event, err);
    }
    job->rec.limit_us = event->a;
    return 0;
}

typedef int (*apply_fn)(fy_fleet *, const fy_event *, fy_err *);

static int apply_round(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    (void)fleet;
    (void)event;
    (void)err;
    return 0;
}

static const apply_fn appliers[FY_N_EVENT_KINDS] = {
    [FY_EV_CHIP_ADDED] = apply_chip,
    [FY_EV_NODE_ADDED] = fy_node_new,
    [FY_EV_NODE_DOWN] = apply_node_power,
    [FY_EV_NODE_UP] = apply_node_power,
    [FY_EV_NODE_DRAINED] = apply_node,
    [FY_EV_NODE_RESUMED] = apply_node,
    [FY_EV_NODE_RESERVED] = apply_node,
    [FY_EV_TENANT_SET] = apply_tenant,
    [FY_EV_SUBMITTED] = fy_job_new,
    [FY_EV_CANCELLED] = apply_end,
    [FY_EV_FINISHED] = apply_end,
    [FY_EV_FAILED] = apply_failed,
    [FY_EV_PROGRESS] = apply_rated,
    [FY_EV_LIMITS] = apply_limits,
    [FY_EV_HELD] = apply_held,
    [FY_EV_RELEASED] = apply_held,
    [FY_EV_MIX] = fy_mix_set,
    [FY_EV_ROUND] = apply_round,
    [FY_EV_STARTING] = apply_starting,
    [FY_EV_STARTED] = apply_started,
    [FY_EV_STOPPING] = apply_stopping,
    [FY_EV_STOPPED] = apply_stopped,
    [FY_EV_RESIZING] = apply_moved,
    [FY_EV_MOVED] = apply_moved,
    [FY_EV_CHECKPOINTED] = apply_rated,
    [FY_EV_RATED] = apply_rated,
};

int fy_fleet_apply(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    const int64_t now_us = fleet->now_us;
    const fy_wide active_int = fleet->active_int;
    const fy_wide frag_int = fleet->frag_int;
    int64_t peak_mw[FY_N_ESTIMATES];
    int status;

    if ((int)event->kind < 0 || event->kind >= FY_N_EVENT_KINDS) {
        return fy_fail(err, FY_EINVAL, "event of unknown kind %d", (int)event->kind);
    }
    if (event->t_us < -longest_us || event->t_us > longest_us ||
        (event->t_us < now_us && fleet->n_events > 0)) {
        return fy_fail(err, FY_EINVAL, "%s at %lld us: the fleet is already at %lld us",
                       fy_event_name(event->kind), (long long)event->t_us, (long long)now_us);
    }
    memcpy(peak_mw, fleet->peak_mw, sizeof peak_mw);
    if (fleet->n_events == 0) {
        fleet->now_us = event->t_us;
    }
    fleet->n_woken = 0;
    fy_fleet_tick(fleet, event->t_us);
    status = appliers[event->kind](fleet, event, err);
    if (status == 0) {
        fleet->n_events++;
    } else { /* a refused event moves no clock either */
        fleet->now_us = now_us;
        fleet->active_int = active_int;
        fleet->frag_int = frag_int;
        memcpy(fleet->peak_mw, peak_mw, sizeof peak_mw);
    }
    return status;
}

void fy_fleet_forget_woken(fy_fleet *fleet)
{
    fleet->n_woken = 0;
}
