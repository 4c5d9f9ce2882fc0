/* SPDX-License-Identifier: MIT */
/* An explanation in words: one sentence for the reason, one for the start, one for the change. */
#include "base/num.h"
#include "base/str.h"
#include "fleet/state.h"
#include "fuyao/explain.h"

#include <inttypes.h>
#include <math.h>

static const char *const names[FY_N_CHANGES] = {
    [FY_CHANGE_NONE] = "none",           [FY_CHANGE_WAIT] = "wait",
    [FY_CHANGE_RELEASE] = "release",     [FY_CHANGE_ACCEPT] = "accept-chip",
    [FY_CHANGE_FEWER] = "fewer-workers", [FY_CHANGE_PRIORITY] = "priority",
    [FY_CHANGE_RESUME] = "resume-node",  [FY_CHANGE_UNRESERVE] = "end-reservation",
    [FY_CHANGE_BORROW] = "borrow-limit", [FY_CHANGE_POWER] = "power-cap",
    [FY_CHANGE_PREEMPT] = "preempt",
};

const char *fy_change_name(fy_change_kind kind)
{
    return (int)kind >= 0 && kind < FY_N_CHANGES ? names[kind] : "unknown";
}

static const char *const priorities[] = {"high", "normal", "spot"};

/* ------------------------------------------------------------------ small parts */

static void put_devices(fy_str *out, int64_t milli)
{
    char text[FY_NUM_TEXT];

    fy_num_put_double(text, (double)milli / FY_WHOLE);
    fy_str_printf(out, "%s device%s", text, milli == FY_WHOLE ? "" : "s");
}

static void put_job(fy_str *out, const fy_fleet *fleet, int64_t id)
{
    const fy_job *job = fy_fleet_job(fleet, id);

    if (job != NULL && job->rec.name[0] != '\0') {
        fy_str_printf(out, "job %" PRId64 " (%s)", id, job->rec.name);
    } else {
        fy_str_printf(out, "job %" PRId64, id);
    }
}

static void put_chips(fy_str *out, const fy_evidence *e, const fy_fleet *fleet)
{
    for (int i = 0; i < e->n_rooms; i++) {
        const char *join = i == 0 ? "" : (i + 1 < e->n_rooms ? ", " : " or ");

        fy_str_printf(out, "%s%s", join, fleet->pools[e->rooms[i].chip].name);
    }
}

static void put_span(fy_str *out, int64_t us)
{
    double s = (double)us / 1e6;

    if (s < 120) {
        fy_str_printf(out, "%.0f s", s);
    } else if (s < 7200) {
        fy_str_printf(out, "%.0f min", s / 60);
    } else if (s < 172800) {
        fy_str_printf(out, "%.1f h", s / 3600);
    } else {
        fy_str_printf(out, "%.1f days", s / 86400);
    }
}

/* ------------------------------------------------------------------ the reason */

static void put_need(fy_str *out, const fy_evidence *e, const fy_fleet *fleet)
{
    int workers = e->workers + e->spares;

    fy_str_puts(out, "it needs ");
    if (e->milli > 0) {
        fy_str_printf(out, "%g of one device of ", (double)e->milli / FY_WHOLE);
    } else if (workers > 1) {
        fy_str_printf(out, "%d workers of %d device%s, %" PRId64 " in all, of ", workers,
                      e->devices, e->devices == 1 ? "" : "s", e->need_milli / FY_WHOLE);
    } else {
        fy_str_printf(out, "%d device%s of ", e->devices, e->devices == 1 ? "" : "s");
    }
    put_chips(out, e, fleet);
}

static void put_rooms(fy_str *out, const fy_evidence *e, const fy_fleet *fleet)
{
    for (int i = 0; i < e->n_rooms; i++) {
        const fy_room *room = &e->rooms[i];

        fy_str_puts(out, i == 0 ? "; " : ", ");
        if (e->milli > 0) {
            fy_str_printf(out, "%g of %d %s are idle in parts", room->milli_idle, room->up,
                          fleet->pools[room->chip].name);
        } else {
            fy_str_printf(out, "%d of %d %s are idle", room->idle, room->up,
                          fleet->pools[room->chip].name);
        }
        if (e->milli == 0 && room->idle > 0) {
            fy_str_printf(out, ", at most %d on one node", room->largest);
        }
    }
}

static void put_lack(fy_str *out, const fy_evidence *e, const fy_fleet *fleet)
{
    put_need(out, e, fleet);
    if (e->n_rooms > 0 && e->rooms[0].tight && e->workers + e->spares > 1) {
        fy_str_printf(out, " on at most %d node%s", e->rooms[0].nodes,
                      e->rooms[0].nodes == 1 ? "" : "s");
    }
    put_rooms(out, e, fleet);
}

static void put_limit(fy_str *out, const fy_explanation *x, const fy_fleet *fleet)
{
    const fy_evidence *e = &x->evidence;
    const fy_job *job = fy_fleet_job(fleet, x->job);

    if (x->reason == FY_WHY_TENANT_LIMIT) {
        fy_str_printf(out, "its tenant %s holds ", fleet->tenants[job->tenant].name);
        put_devices(out, e->beyond_milli);
        fy_str_puts(out, " beyond its guarantees and may borrow ");
        put_devices(out, e->borrow_milli);
        fy_str_puts(out, "; the job needs ");
        put_devices(out, e->need_milli);
    } else if (x->reason == FY_WHY_ARRAY_LIMIT) {
        fy_str_printf(out, "%d tasks of its array run, and no more than %d may", e->array_running,
                      e->array_limit);
    } else {
        fy_str_printf(
            out,
            "it may draw up to %.2f kW, and the fleet at %.2f kW leaves %.2f kW under its "
            "cap of %.2f kW (without PUE)",
            (double)e->power_need_mw / 1e6, (double)e->power_mw / 1e6,
            (double)(e->cap_mw - e->power_mw) / 1e6, (double)e->cap_mw / 1e6);
    }
}

static void put_other(fy_str *out, const fy_explanation *x, const fy_fleet *fleet)
{
    put_job(out, fleet, x->other);
    if (x->reason == FY_WHY_BEHIND) {
        fy_str_puts(out, " stands before it and must start first; ");
        put_lack(out, &x->evidence, fleet);
    } else if (x->reason == FY_WHY_RESERVED) {
        fy_str_puts(out, " has the devices reserved, and starting this one would delay it; ");
        put_lack(out, &x->evidence, fleet);
    } else if (x->reason == FY_WHY_DEPENDS) {
        fy_str_puts(out, " must finish well first");
    } else {
        fy_str_puts(out, ", which it waits for, did not finish well");
    }
}

void fy_explain_reason(const fy_explanation *x, const fy_fleet *fleet, fy_str *out)
{
    bool other = x->other >= 0;

    switch ((int)x->reason) {
    case FY_WHY_NO_DEVICES:
    case FY_WHY_FRAGMENTED:
        put_lack(out, &x->evidence, fleet);
        return;
    case FY_WHY_TENANT_LIMIT:
    case FY_WHY_ARRAY_LIMIT:
    case FY_WHY_POWER_CAP:
        put_limit(out, x, fleet);
        return;
    case FY_WHY_BEHIND:
    case FY_WHY_RESERVED:
    case FY_WHY_DEPENDS:
    case FY_WHY_NEVER_DEPENDS:
        if (other) {
            put_other(out, x, fleet);
            return;
        }
        break;
    case FY_WHY_NEVER_SIZE:
    case FY_WHY_NEVER_TIGHT:
    case FY_WHY_NEVER_POWER:
        fy_str_printf(out, "it %s: ", fy_reason_text(x->reason));
        put_lack(out, &x->evidence, fleet);
        return;
    case FY_WHY_NONE:
        fy_str_puts(out, "it does not wait");
        return;
    default:
        break;
    }
    if (x->reason == FY_WHY_HELD || x->reason == FY_WHY_NEVER_CHIP) {
        fy_str_printf(out, "it %s", fy_reason_text(x->reason));
    } else {
        fy_str_puts(out, fy_reason_text(x->reason));
    }
}

void fy_explain_start(const fy_explanation *x, const fy_fleet *fleet, fy_str *out)
{
    int64_t wait_us = x->ahead.start_us - fleet->now_us;

    if (x->ahead.what == FY_AHEAD_STARTS) {
        fy_str_puts(out, "expected to start in ");
        put_span(out, wait_us > 0 ? wait_us : 0);
        fy_str_printf(out, " on %s, if nothing else comes", fleet->pools[x->ahead.chip].name);
    } else if (x->ahead.what == FY_AHEAD_LATER) {
        fy_str_puts(out, "not expected to start within ");
        put_span(out, wait_us > 0 ? wait_us : 0);
        fy_str_puts(out, ", as far as was looked ahead");
    } else {
        fy_str_puts(out, "not expected to start as things are");
    }
}

/* ------------------------------------------------------------------ the change */

static void put_raise(fy_str *out, const fy_explanation *x, const fy_fleet *fleet)
{
    const fy_change *c = &x->change;
    const fy_job *job = fy_fleet_job(fleet, x->job);

    if (c->kind == FY_CHANGE_BORROW) {
        fy_str_printf(out, "if tenant %s might borrow ", fleet->tenants[job->tenant].name);
        if (c->amount < 0) {
            fy_str_puts(out, "without limit");
        } else {
            put_devices(out, c->amount);
            fy_str_puts(out, " instead of ");
            put_devices(out, x->evidence.borrow_milli);
        }
    } else if (c->amount < 0) {
        fy_str_puts(out, "without the power cap");
    } else {
        fy_str_printf(out, "under a power cap of %.2f kW instead of %.2f kW (without PUE)",
                      ceil((double)c->amount / 1e4) / 100, (double)x->evidence.cap_mw / 1e6);
    }
}

static void put_change(fy_str *out, const fy_explanation *x, const fy_fleet *fleet)
{
    const fy_change *c = &x->change;
    const fy_job *job = fy_fleet_job(fleet, x->job);

    switch (c->kind) {
    case FY_CHANGE_RELEASE:
        fy_str_puts(out, "if it were released");
        return;
    case FY_CHANGE_ACCEPT:
        fy_str_printf(out, "if it accepted %s", fleet->pools[c->rate.chip].name);
        if (c->price > 0) {
            fy_str_printf(out, ", at %.2g times its best rate", 1 / c->price);
        }
        return;
    case FY_CHANGE_FEWER:
        fy_str_printf(out, "with %d instead of %d workers", c->workers, job->rec.workers);
        return;
    case FY_CHANGE_PRIORITY:
        fy_str_printf(out, "with priority %s instead of %s", priorities[c->priority],
                      priorities[job->rec.priority]);
        return;
    case FY_CHANGE_RESUME:
    case FY_CHANGE_UNRESERVE:
        fy_str_printf(out, "if the %s of node %s ended",
                      c->kind == FY_CHANGE_RESUME ? "drain" : "reservation",
                      fleet->nodes[c->node].name);
        return;
    case FY_CHANGE_BORROW:
    case FY_CHANGE_POWER:
        put_raise(out, x, fleet);
        return;
    case FY_CHANGE_PREEMPT:
        fy_str_puts(out, "if ");
        put_job(out, fleet, c->job);
        fy_str_printf(out, " were stopped, which would lose %.0f device-seconds of work", c->price);
        return;
    case FY_CHANGE_NONE:
    case FY_CHANGE_WAIT:
    case FY_N_CHANGES:
        break;
    }
}

void fy_explain_change(const fy_explanation *x, const fy_fleet *fleet, fy_str *out)
{
    if (x->reason == FY_WHY_NONE) {
        fy_str_puts(out, "nothing need change");
    } else if (x->change.kind == FY_CHANGE_WAIT) {
        fy_str_puts(out, "it starts in the next pass");
    } else if (x->change.kind != FY_CHANGE_NONE) {
        fy_str_puts(out, "would start now ");
        put_change(out, x, fleet);
    } else if (x->left_out > 0) {
        fy_str_printf(out, "none of the %d cheapest changes of %d would start it now", x->tried,
                      x->tried + x->left_out);
    } else {
        fy_str_puts(out, "no single change would start it now");
    }
}
