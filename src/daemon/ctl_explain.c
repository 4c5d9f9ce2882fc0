/* SPDX-License-Identifier: MIT */
/*
 * Why a job waits, as JSON: the reason, its evidence, the expected start and the cheapest single
 * change, each as numbers and as a sentence. All of it is found on copies.
 */
#include "daemon/ctl_state.h"
#include "fuyao/explain.h"

#include <math.h>
#include <string.h>

/* The rate of a job on a chip that it does not accept: the planner's where it names a workload; the
 * same as elsewhere where all its rates are but assumed; else nobody knows. */
static bool rate_elsewhere(void *ctx, const fy_job *job, int chip, fy_rate *rate)
{
    fy_ctl *ctl = ctx;
    const fy_live *live = ctl_live(ctl, job);
    fy_arena arena = {0};
    fy_submission what;
    fy_accept accept = {.chip = chip};
    fy_err err = {0};
    bool known = false;

    if (fy_submission_read(&what, live->body->text, live->body->len, &arena, &err) == 0) {
        known = ctl_rate_on(ctl, &what, &accept);
    }
    fy_arena_free(&arena);
    if (known) {
        *rate = (fy_rate){.chip = chip,
                          .grade = (int32_t)accept.grade,
                          .rate_q = (int64_t)(accept.rate * job->rec.q_per_unit),
                          .spread_q = (int64_t)(accept.rate_spread * job->rec.q_per_unit)};
    } else if (job->rec.n_rates > 0 && job->rec.rates[0].grade == FY_GRADE_ASSUMED) {
        *rate = job->rec.rates[0];
        rate->chip = chip;
        known = true;
    }
    return known && rate->rate_q > 0;
}

static void put_sentence(fy_str *json, const char *key, const fy_explanation *e,
                         const fy_fleet *fleet,
                         void (*say)(const fy_explanation *, const fy_fleet *, fy_str *))
{
    fy_str text = {0};

    say(e, fleet, &text);
    if (text.len > 0) {
        fy_json_put_text(json, key, text.text);
    }
    fy_str_free(&text);
}

static void put_evidence(const fy_evidence *ev, const fy_fleet *fleet, fy_str *json)
{
    fy_json_key(json, "evidence");
    fy_str_puts(json, "{");
    fy_json_put_int(json, "workers", ev->workers);
    fy_json_put_int(json, "devices_per_worker", ev->devices);
    fy_json_put_real(json, "needs_devices", (double)ev->need_milli / FY_WHOLE);
    fy_json_key(json, "chips");
    fy_str_puts(json, "[");
    for (int i = 0; i < ev->n_rooms; i++) {
        const fy_room *room = &ev->rooms[i];

        fy_json_comma(json);
        fy_str_puts(json, "{");
        fy_json_put_text(json, "chip", fleet->pools[room->chip].name);
        fy_json_put_int(json, "up", room->up);
        fy_json_put_int(json, "idle", room->idle);
        fy_json_put_int(json, "most_idle_on_a_node", room->largest);
        fy_json_put_int(json, "least_nodes", room->nodes);
        fy_str_puts(json, "}");
    }
    fy_str_puts(json, "]");
    fy_json_put_real(json, "tenant_holds", (double)ev->tenant_held_milli / FY_WHOLE);
    fy_json_put_real(json, "tenant_borrows", (double)ev->beyond_milli / FY_WHOLE);
    fy_json_put_real(json, "tenant_may_borrow",
                     ev->borrow_milli < 0 ? (double)NAN : (double)ev->borrow_milli / FY_WHOLE);
    if (ev->array_limit > 0) {
        fy_json_put_int(json, "array_running", ev->array_running);
        fy_json_put_int(json, "array_limit", ev->array_limit);
    }
    if (ev->cap_mw >= 0) {
        fy_json_put_real(json, "power_w", (double)ev->power_mw / 1000);
        fy_json_put_real(json, "power_cap_w", (double)ev->cap_mw / 1000);
        fy_json_put_real(json, "power_needed_w", (double)ev->power_need_mw / 1000);
    }
    fy_str_puts(json, "}");
}

static void put_change(const fy_explanation *e, const fy_fleet *fleet, fy_str *json)
{
    const fy_change *change = &e->change;

    fy_json_key(json, "change");
    fy_str_puts(json, "{");
    fy_json_put_text(json, "kind", fy_change_name(change->kind));
    put_sentence(json, "text", e, fleet, fy_explain_change);
    if (change->kind != FY_CHANGE_NONE) {
        fy_json_put_real(json, "price", change->price);
    }
    switch ((int)change->kind) {
    case FY_CHANGE_ACCEPT:
        fy_json_put_text(json, "chip", fleet->pools[change->rate.chip].name);
        break;
    case FY_CHANGE_FEWER:
        fy_json_put_int(json, "workers", change->workers);
        break;
    case FY_CHANGE_RESUME:
    case FY_CHANGE_UNRESERVE:
        fy_json_put_text(json, "node", fleet->nodes[change->node].name);
        break;
    case FY_CHANGE_PREEMPT:
        fy_json_put_int(json, "job", change->job);
        break;
    default:
        break;
    }
    fy_json_put_int(json, "tried", e->tried);
    fy_json_put_int(json, "not_tried", e->left_out);
    fy_str_puts(json, "}");
}

void ctl_write_explanation(const fy_explanation *e, const fy_fleet *fleet, fy_str *json)
{
    fy_json_put_text(json, "reason", fy_reason_name(e->reason));
    put_sentence(json, "why", e, fleet, fy_explain_reason);
    if (e->other >= 0) {
        fy_json_put_int(json, "other", e->other);
    }
    put_evidence(&e->evidence, fleet, json);
    if (e->ahead.what == FY_AHEAD_STARTS) {
        fy_json_put_us(json, "expected_start_s", e->ahead.start_us);
    }
    put_sentence(json, "expected", e, fleet, fy_explain_start);
    put_change(e, fleet, json);
}

/* The job, live; one that has ended is no mystery, and the error says so. */
static int find_waiting(fy_ctl *ctl, const fy_who *who, int64_t id, fy_job **out, fy_err *err)
{
    fy_str seen = {0};
    int status;

    if (fy_fleet_job(ctl->fleet, id) != NULL) {
        return ctl_find(ctl, who, id, out, err);
    }
    status = fy_ctl_view_job(ctl, who, id, &seen, err);
    fy_str_free(&seen);
    return status != 0 ? status
                       : fy_fail(err, FY_EINVAL, "job %lld has ended; `fuyao show %lld` says how",
                                 (long long)id, (long long)id);
}

int fy_ctl_view_explain(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json, fy_err *err)
{
    fy_explain_options options;
    fy_explanation e;
    fy_job *job = NULL;
    int status = find_waiting(ctl, who, id, &job, err);

    if (status != 0) {
        return status;
    }
    ctl_tick(ctl);
    options = fy_explain_defaults(ctl->now_us);
    options.rate = rate_elsewhere;
    options.rate_ctx = ctl;
    status = fy_explain(&e, ctl->sched, id, &options, err);
    if (status != 0) {
        return status;
    }
    fy_str_puts(json, "{");
    fy_json_put_int(json, "id", id);
    fy_json_put_text(json, "state", fy_shown_name(ctl_shown(ctl, job)));
    if (e.reason != FY_WHY_NONE) {
        ctl_write_explanation(&e, ctl->fleet, json);
    }
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_str_puts(json, "}");
    return 0;
}
