/* SPDX-License-Identifier: MIT */
/* Views of the whole: nodes, tenants, usage, status, metrics, and the journal as a stream. */
#include "daemon/ctl_state.h"

#include <math.h>
#include <string.h>

static const double us_per_hour = 3600e6;

/* ------------------------------------------------------------------ nodes */

static const char *node_state(const fy_node *node)
{
    int64_t all = (int64_t)node->n_devices * FY_WHOLE;

    if (!node->up) {
        return "down";
    }
    if (node->drained) {
        return node->holds != NULL ? "draining" : "drained";
    }
    return node->idle_milli == all && node->holds == NULL ? "idle"
           : node->idle_milli == 0 && node->n_devices > 0 ? "allocated"
                                                          : "mixed";
}

void fy_ctl_view_nodes(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    const fy_fleet *fleet = ctl->fleet;

    fy_str_puts(json, "{");
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_json_key(json, "nodes");
    fy_str_puts(json, "[");
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        const fy_node *node = &fleet->nodes[i];
        const char *reason = i < ctl->drain_room ? ctl->drain_reasons[i] : NULL;

        fy_json_comma(json);
        fy_str_puts(json, "{");
        fy_json_put_text(json, "name", node->name);
        fy_json_put_text(json, "chip", fleet->pools[node->chip].name);
        fy_json_put_text(json, "state", node_state(node));
        fy_json_put_int(json, "devices", node->n_devices);
        fy_json_put_real(json, "idle_devices", (double)node->idle_milli / FY_WHOLE);
        if (node->cpu_total < FY_PLENTY) {
            fy_json_put_real(json, "cpus", (double)node->cpu_total / 1000);
            fy_json_put_real(json, "idle_cpus", (double)node->cpu_free / 1000);
        }
        if (reason != NULL) {
            fy_json_put_text(json, "reason", reason);
        }
        if (node->reserved_to_us != FY_NEVER) {
            fy_json_put_us(json, "reserved_from_s", node->reserved_from_us);
            fy_json_put_us(json, "reserved_to_s", node->reserved_to_us);
            fy_json_put_text(json, "reserved_for",
                             node->reserved_tenant >= 0 ? fleet->tenants[node->reserved_tenant].name
                                                        : "maintenance");
        }
        fy_json_key(json, "jobs");
        fy_str_puts(json, "[");
        for (const fy_hold *hold = node->holds; hold != NULL; hold = hold->next) {
            const fy_job *job = fleet->jobs[hold->slot];

            if (ctl_may_see(ctl, who, job->tenant)) {
                fy_json_comma(json);
                fy_json_int(json, job->id);
            }
        }
        fy_str_puts(json, "]}");
    }
    fy_str_puts(json, "]}");
}

/* ------------------------------------------------------------------ tenants and usage */

/* What it may ask for; what is not limited is left out. */
static void put_quota(const fy_quota *quota, fy_str *json)
{
    fy_json_key(json, "limits");
    fy_str_puts(json, "{");
    if (quota != NULL && quota->queued >= 0) {
        fy_json_put_int(json, "queued", quota->queued);
    }
    if (quota != NULL && quota->devices >= 0) {
        fy_json_put_int(json, "devices", quota->devices);
    }
    if (quota != NULL && quota->time_limit_us >= 0) {
        fy_json_put_us(json, "time_limit_s", quota->time_limit_us);
    }
    if (quota != NULL && quota->default_limit_us >= 0) {
        fy_json_put_us(json, "default_time_limit_s", quota->default_limit_us);
    }
    fy_str_puts(json, "}");
}

static void put_tenant(const fy_ctl *ctl, size_t i, fy_str *json)
{
    const fy_fleet *fleet = ctl->fleet;
    const fy_tenant *tenant = &fleet->tenants[i];

    fy_json_put_text(json, "tenant", tenant->name);
    fy_json_put_real(json, "weight", tenant->weight);
    fy_json_put_real(json, "borrow_devices",
                     tenant->borrow_milli < 0 ? (double)NAN
                                              : (double)tenant->borrow_milli / FY_WHOLE);
    fy_json_key(json, "guarantee");
    fy_str_puts(json, "{");
    for (int c = 0; c < fleet->n_chips; c++) {
        if (tenant->guarantee_milli[c] > 0) {
            fy_json_put_real(json, fleet->pools[c].name,
                             (double)tenant->guarantee_milli[c] / FY_WHOLE);
        }
    }
    fy_str_puts(json, "}");
    fy_json_key(json, "held");
    fy_str_puts(json, "{");
    for (int c = 0; c < fleet->n_chips; c++) {
        if (tenant->held_milli[c] > 0) {
            fy_json_put_real(json, fleet->pools[c].name, (double)tenant->held_milli[c] / FY_WHOLE);
        }
    }
    fy_str_puts(json, "}");
    fy_json_put_int(json, "jobs", i < ctl->tenant_room ? ctl->live_of_tenant[i] : 0);
    fy_json_put_int(json, "waiting", tenant->n_waiting);
    put_quota(ctl_quota_of(ctl, tenant->name), json);
}

void fy_ctl_view_tenants(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    fy_str_puts(json, "{\"tenants\":[");
    for (size_t i = 0; i < ctl->fleet->n_tenants; i++) {
        if (ctl_may_see(ctl, who, (int32_t)i)) {
            fy_json_comma(json);
            fy_str_puts(json, "{");
            put_tenant(ctl, i, json);
            fy_str_puts(json, "}");
        }
    }
    fy_str_puts(json, "]}");
}

void fy_ctl_view_usage(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    fy_fleet *fleet = ctl->fleet;

    ctl_tick(ctl);
    fy_fleet_integrate(fleet, fleet->now_us);
    fy_str_puts(json, "{");
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_json_key(json, "tenants");
    fy_str_puts(json, "[");
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        if (ctl_may_see(ctl, who, (int32_t)i)) {
            fy_json_comma(json);
            fy_str_puts(json, "{");
            fy_json_put_text(json, "tenant", fleet->tenants[i].name);
            fy_json_put_real(json, "device_hours",
                             (double)fleet->tenants[i].held_int / FY_WHOLE / us_per_hour);
            fy_str_puts(json, "}");
        }
    }
    fy_str_puts(json, "],\"chips\":[");
    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];

        fy_json_comma(json);
        fy_str_puts(json, "{");
        fy_json_put_text(json, "chip", pool->name);
        fy_json_put_int(json, "devices", pool->n_devices);
        fy_json_put_real(json, "held_device_hours",
                         (double)pool->held_int / FY_WHOLE / us_per_hour);
        fy_json_put_real(json, "all_device_hours", (double)pool->all_int / FY_WHOLE / us_per_hour);
        fy_json_put_real(json, "energy_kwh", (double)pool->energy_int[FY_MID] / 1e3 / 3.6e12);
        fy_str_puts(json, "}");
    }
    fy_str_puts(json, "]}");
}

/* ------------------------------------------------------------------ status */

void fy_ctl_view_status(fy_ctl *ctl, const fy_who *who, fy_str *json)
{
    const fy_fleet *fleet = ctl->fleet;

    (void)who;
    fy_str_puts(json, "{");
    fy_json_put_text(json, "policy", ctl->want.policy);
    fy_json_put_text(json, "placement", ctl->want.placement != NULL ? ctl->want.placement : "pack");
    if (ctl_shadow_policy(ctl) != NULL) {
        fy_json_put_text(json, "shadow", ctl_shadow_policy(ctl));
    }
    fy_json_put_text(json, "engine", ctl->engine->ops->name);
    fy_json_put_bool(json, "engine_answers", !ctl->engine_out);
    if (ctl->engine_out) {
        fy_json_put_text(json, "engine_why", ctl->engine_why);
    }
    fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
    fy_json_put_bool(json, "accepting", !ctl->full);
    fy_json_put_us(json, "now_s", fleet->now_us);
    if (fleet->power_cap_mw != FY_NEVER) {
        fy_json_put_real(json, "power_cap_w", (double)fleet->power_cap_mw / 1000);
    }
    if (fy_store_warning(ctl->store)[0] != '\0') {
        fy_json_put_text(json, "warning", fy_store_warning(ctl->store));
    }
    fy_json_put_int(json, "events", fy_store_committed(ctl->store));
    fy_json_put_int(json, "nodes", (int64_t)fleet->n_nodes);
    fy_json_put_int(json, "live", fleet->n_live);
    fy_json_put_int(json, "waiting", fleet->n_waiting);
    fy_json_put_int(json, "running", fleet->n_running);
    fy_json_key(json, "chips");
    fy_str_puts(json, "[");
    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];

        fy_json_comma(json);
        fy_str_puts(json, "{");
        fy_json_put_text(json, "chip", pool->name);
        fy_json_put_int(json, "devices", pool->n_devices);
        fy_json_put_int(json, "up", pool->n_up);
        fy_json_put_real(json, "held", (double)pool->held_milli / FY_WHOLE);
        fy_str_puts(json, "}");
    }
    fy_str_puts(json, "]}");
}

/* ------------------------------------------------------------------ metrics */

static void metric(fy_str *s, const char *name, const char *type, const char *help, double value)
{
    fy_str_printf(s, "# HELP fuyao_%s %s\n# TYPE fuyao_%s %s\nfuyao_%s %.17g\n", name, help, name,
                  type, name, value);
}

/* A label's value, with its backslashes, quotes and line ends escaped. */
static void label(fy_str *s, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            fy_str_puts(s, "\\n");
        } else {
            if (*text == '"' || *text == '\\') {
                fy_str_add(s, "\\", 1);
            }
            fy_str_add(s, text, 1);
        }
    }
}

static void chip_metrics(const fy_fleet *fleet, fy_str *s)
{
    fy_str_puts(s, "# HELP fuyao_devices Devices by chip and use.\n# TYPE fuyao_devices gauge\n");
    for (int c = 0; c < fleet->n_chips; c++) {
        const fy_pool *pool = &fleet->pools[c];
        const double values[] = {pool->n_devices, pool->n_up, (double)pool->held_milli / FY_WHOLE};
        static const char *const uses[] = {"all", "up", "held"};

        for (int k = 0; k < 3; k++) {
            fy_str_puts(s, "fuyao_devices{chip=\"");
            label(s, pool->name);
            fy_str_printf(s, "\",use=\"%s\"} %.17g\n", uses[k], values[k]);
        }
    }
    fy_str_puts(s, "# HELP fuyao_tenant_device_seconds_total Device time held by tenant.\n# TYPE "
                   "fuyao_tenant_device_seconds_total counter\n");
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        fy_str_puts(s, "fuyao_tenant_device_seconds_total{tenant=\"");
        label(s, fleet->tenants[i].name);
        fy_str_printf(s, "\"} %.17g\n", (double)fleet->tenants[i].held_int / FY_WHOLE / 1e6);
    }
}

void fy_ctl_view_metrics(fy_ctl *ctl, fy_str *s)
{
    const fy_fleet *fleet = ctl->fleet;
    const fy_tally_live *t = &ctl->tally;
    const struct {
        const char *name, *help;
        int64_t value;
    } counters[] = {
        {"submitted_total", "Jobs submitted since the daemon started.", t->submitted},
        {"started_total", "Runs started.", t->started},
        {"finished_total", "Jobs finished.", t->finished},
        {"failed_total", "Jobs failed.", t->failed},
        {"cancelled_total", "Jobs cancelled.", t->cancelled},
        {"timeouts_total", "Jobs stopped at their time limit.", t->timeouts},
        {"preempted_total", "Runs preempted.", t->preempted},
        {"lost_total", "Runs that vanished and went back to the queue.", t->lost},
        {"rounds_total", "Rounds of the policy.", t->rounds},
        {"commits_total", "Commits of the journal.", t->commits},
        {"engine_errors_total", "Verbs that the engine did not take.", t->engine_errors},
        {"stale_answers_total", "Runs shown that the fleet does not know.", t->refused_answers},
    };

    ctl_tick(ctl);
    fy_fleet_integrate(ctl->fleet, ctl->fleet->now_us);
    metric(s, "jobs_waiting", "gauge", "Jobs that wait.", fleet->n_waiting);
    metric(s, "jobs_running", "gauge", "Jobs that hold devices.", fleet->n_running);
    metric(s, "journal_events", "gauge", "Events in the journal.",
           (double)fy_store_committed(ctl->store));
    metric(s, "accepting", "gauge", "1 while new jobs are accepted.", ctl->full ? 0 : 1);
    metric(s, "engine_up", "gauge", "1 while the engine answers.", ctl->engine_out ? 0 : 1);
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        metric(s, counters[i].name, "counter", counters[i].help, (double)counters[i].value);
    }
    chip_metrics(fleet, s);
}

/* ------------------------------------------------------------------ the journal as a stream */

typedef struct streaming {
    fy_ctl *ctl;
    const fy_who *who;
    fy_str *lines;
    fy_journal_reader *reader;
    int64_t last;
} streaming;

/* May `who` see the event? Events of jobs that have ended long ago only operators may. */
static bool visible(const streaming *st, const fy_event *event)
{
    const fy_job *job = event->job >= 0 ? fy_fleet_job(st->ctl->fleet, event->job) : NULL;

    if (st->who->scope == FY_SCOPE_OPERATE) {
        return true;
    }
    return job != NULL && ctl_may_see(st->ctl, st->who, job->tenant);
}

static int stream_record(void *ctx, const fy_record *record, fy_err *err)
{
    streaming *st = ctx;
    fy_event event;
    int status = fy_journal_decode(st->reader, record->line, record->len, &event, err);

    if (status != 0) {
        return status;
    }
    st->last = record->seq;
    if (!visible(st, &event)) {
        return 0;
    }
    fy_str_puts(st->lines, "{");
    fy_json_put_int(st->lines, "seq", record->seq);
    fy_json_put_us(st->lines, "t_s", event.t_us);
    fy_json_put_text(st->lines, "kind", fy_event_name(event.kind));
    if (event.job >= 0) {
        fy_json_put_int(st->lines, "job", event.job);
    }
    if (event.attempt > 0) {
        fy_json_put_int(st->lines, "attempt", event.attempt);
    }
    if (event.reason != FY_WHY_NONE) {
        fy_json_put_text(st->lines, "reason", fy_reason_name(event.reason));
    }
    fy_str_puts(st->lines, "}\n");
    return 0;
}

int fy_ctl_view_events(fy_ctl *ctl, const fy_who *who, int64_t seq, int most, fy_str *lines,
                       int64_t *last, fy_err *err)
{
    streaming st = {
        .ctl = ctl, .who = who, .lines = lines, .reader = fy_journal_reader_new(), .last = seq};
    int status = seq > fy_store_committed(ctl->store)
                     ? fy_fail(err, FY_ENOENT, "there is no record %lld yet", (long long)seq)
                     : fy_store_read(ctl->store, seq, most, stream_record, &st, err);

    *last = st.last;
    fy_journal_reader_free(st.reader);
    return status;
}
