/* SPDX-License-Identifier: MIT */
/*
 * From a submission to a job of the fleet: chips by name, rates from the planner, the tenant's own
 * figures or none at all, work and limits in integers. A job that states nothing is given an
 * estimate and the same speed everywhere: nobody knows better, and the grade says `assumed`.
 */
#include "daemon/ctl_state.h"
#include "fleet/quanta.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ chips and rates */

static int chip_number(const fy_ctl *ctl, const char *name)
{
    int site = fy_site_chip(ctl->options.site, name, strlen(name));

    if (site < 0) {
        return site;
    }
    for (int c = 0; c < ctl->fleet->n_chips; c++) {
        if (strcmp(ctl->fleet->pools[c].name, ctl->options.site->chips[site]->id) == 0) {
            return c;
        }
    }
    return FY_CHIP_ABSENT;
}

int ctl_site_chip(const fy_ctl *ctl, int chip)
{
    const fy_site *site = ctl->options.site;

    for (int i = 0; i < site->n_chips; i++) {
        if (strcmp(site->chips[i]->id, ctl->fleet->pools[chip].name) == 0) {
            return i;
        }
    }
    return -1;
}

static int no_chip(const fy_ctl *ctl, const char *name, int why, fy_err *err)
{
    char list[160] = "";

    for (int c = 0; c < ctl->fleet->n_chips; c++) {
        size_t len = strlen(list);

        (void)snprintf(list + len, sizeof list - len, "%s%s", c > 0 ? ", " : "",
                       ctl->fleet->pools[c].name);
    }
    return fy_fail(err, FY_EINVAL, "chips: %s %.60s; there are %s",
                   why == FY_CHIP_UNKNOWN ? "no chip is called" : "this centre has no", name, list);
}

/* The planner's rate of the workload on a chip; false where it cannot run there. */
static bool planned(const fy_ctl *ctl, const fy_workload *workload, const fy_submission *what,
                    fy_accept *out)
{
    const fy_planner *planner = ctl->options.planner;
    fy_rate_ask ask = {.workload = workload,
                       .batch = what->batch,
                       .chip = ctl_site_chip(ctl, out->chip),
                       .devices = what->workers * what->devices};

    return ask.chip >= 0 && planner->rate(planner->ctx, &ask, out);
}

bool ctl_rate_on(const fy_ctl *ctl, const fy_submission *what, fy_accept *out)
{
    const fy_workload *workload = NULL;
    fy_err err = {0};

    return what->workload != NULL && ctl->options.planner != NULL &&
           ctl->options.planner->find(ctl->options.planner->ctx, what->workload, &workload, &err) ==
               0 &&
           workload != NULL && planned(ctl, workload, what, out);
}

static int find_workload(const fy_ctl *ctl, const fy_submission *what, const fy_workload **out,
                         fy_err *err)
{
    const fy_planner *planner = ctl->options.planner;
    int status;

    *out = NULL;
    if (what->workload == NULL) {
        return 0;
    }
    if (planner == NULL) {
        return fy_fail(err, FY_EINVAL, "workload: this daemon runs without a planner");
    }
    if (what->devices == 0 || what->milli > 0) {
        return fy_fail(err, FY_EINVAL, "workload: %.60s wants whole devices; give devices",
                       what->workload);
    }
    status = planner->find(planner->ctx, what->workload, out, err);
    if (status == 0 && *out == NULL) {
        return fy_fail(err, FY_EINVAL,
                       "workload: no workload is called %.60s; docs/workloads.md lists them",
                       what->workload);
    }
    return status;
}

/* Seconds that the job says, or is taken, to run on its first chip. */
static double estimate_s(const fy_ctl *ctl, const fy_submission *what)
{
    int64_t us = what->estimate_us >= 0     ? what->estimate_us
                 : what->time_limit_us >= 0 ? what->time_limit_us
                                            : ctl->options.default_estimate_us;

    return (double)(us > 0 ? us : 1) / 1e6;
}

/* The rate that the submission itself gives for a chip, with its grade. */
static void stated(const fy_ctl *ctl, const fy_submission *what, double rate, fy_accept *out)
{
    bool known = isfinite(rate) && rate > 0;

    out->grade = known ? FY_GRADE_MEASURED : FY_GRADE_ASSUMED;
    out->rate = known ? rate : isnan(what->work) ? 1 : what->work / estimate_s(ctl, what);
    out->rate_spread = out->rate;
}

/* What the job accepts, best first. Returns how many, or a negative code. */
static int accepted(const fy_ctl *ctl, const fy_submission *what, const fy_workload *workload,
                    fy_accept *out, fy_err *err)
{
    bool any = what->n_chips == 0;
    int most = any ? ctl->fleet->n_chips : what->n_chips;
    int absent = FY_CHIP_ABSENT;
    int n = 0;

    for (int i = 0; i < most; i++) {
        int chip = any ? i : chip_number(ctl, what->chips[i].chip);
        fy_accept accept = {.chip = chip};
        bool twice = false;

        if (chip == FY_CHIP_UNKNOWN) {
            return no_chip(ctl, what->chips[i].chip, chip, err);
        }
        for (int k = 0; k < n; k++) {
            twice |= out[k].chip == chip;
        }
        if (chip < 0 || twice) {
            continue; /* an alternative that this centre lacks */
        }
        if (workload == NULL) {
            stated(ctl, what, any ? (double)NAN : what->chips[i].rate, &accept);
        } else if (!planned(ctl, workload, what, &accept)) {
            continue;
        }
        out[n++] = accept;
    }
    if (n == 0 && workload != NULL) {
        return fy_fail(err, FY_EINVAL,
                       "workload: %.60s does not run on %d devices of any chip it accepts; `fuyao "
                       "plan %.60s --on CHIP:%d` says why",
                       what->workload, what->workers * what->devices, what->workload,
                       what->workers * what->devices);
    }
    return n == 0 && !any ? no_chip(ctl, what->chips[0].chip, absent, err) : n;
}

/* ------------------------------------------------------------------ the record */

static int64_t policy_limit(const fy_submission *what, const fy_job_record *rec)
{
    double slowest = (double)INFINITY;
    double us;

    if (what->time_limit_us >= 0) {
        return what->time_limit_us;
    }
    if (rec->work_q < 0) {
        return -1;
    }
    for (int i = 0; i < rec->n_rates; i++) {
        slowest = rec->rates[i].rate_q > 0 && (double)rec->rates[i].rate_q < slowest
                      ? (double)rec->rates[i].rate_q
                      : slowest;
    }
    us = (double)rec->work_q / slowest * 1e6;
    return us >= 0 && us < 9e17 ? (int64_t)us + 1 : -1;
}

static int64_t or_else(int64_t value, int64_t fallback)
{
    return value >= 0 ? value : fallback;
}

/* What it accepts, in integers; by speed where it named no chip. */
static fy_rate *in_quanta(const fy_accept *accept, int n, bool any, double q, fy_arena *arena)
{
    fy_rate *rates = fy_arena_alloc(arena, (size_t)(n + 1) * sizeof *rates);

    for (int i = 0; i < n; i++) {
        rates[i] = (fy_rate){.chip = accept[i].chip,
                             .grade = (int32_t)accept[i].grade,
                             .rate_q = fy_quanta(accept[i].rate, q),
                             .spread_q = fy_quanta(accept[i].rate_spread, q)};
    }
    if (any) {
        fy_rates_sort(rates, n);
    }
    return rates;
}

int ctl_resolve(fy_ctl *ctl, const fy_submission *what, int32_t tenant, fy_arena *arena,
                fy_job_record *rec, fy_err *err)
{
    fy_accept accept[FY_MAX_CHIPS];
    fy_job_spec spec = fy_job_spec_default();
    const fy_workload *workload;
    double q;
    int status = find_workload(ctl, what, &workload, err);

    if (status != 0) {
        return status;
    }
    accept[0] = (fy_accept){0};
    spec.n_accept = accepted(ctl, what, workload, accept, err);
    if (spec.n_accept < 0) {
        return spec.n_accept;
    }
    spec.accept = accept;
    spec.workers = what->workers;
    spec.max_workers = what->max_workers;
    spec.work = !isnan(what->work)  ? what->work
                : spec.n_accept > 0 ? estimate_s(ctl, what) * accept[0].rate
                                    : estimate_s(ctl, what);
    q = fy_quanta_per_unit(&spec);
    *rec = (fy_job_record){
        .name = what->name,
        .tenant = tenant,
        .priority = what->priority,
        .workers = what->workers,
        .min_workers = what->min_workers,
        .max_workers = what->max_workers,
        .devices = what->milli > 0 ? 1 : what->devices,
        .milli = what->milli,
        .spares = what->spares,
        .cpu_milli = what->cpu_milli,
        .memory_mib = what->memory_mib,
        .rates = in_quanta(accept, spec.n_accept, what->n_chips == 0, q, arena),
        .n_rates = spec.n_accept,
        .work_q = what->service ? -1 : (int64_t)(spec.work * q + 0.5),
        .q_per_unit = q,
        /* with a checkpoint signal nothing is lost at a stop that waits for it; without one nobody
         * knows better than that all is */
        .checkpoint_interval_us =
            or_else(what->checkpoint_interval_us, what->checkpoint_signal != 0 ? 0 : FY_NEVER),
        .checkpoint_cost_us = or_else(what->checkpoint_cost_us, 0),
        .restart_cost_us = or_else(what->restart_cost_us, 0),
        .deadline_us = what->deadline_us,
        .min_run_us = what->min_run_us,
        .after = what->after,
        .n_after = what->n_after,
        .array_of = -1};
    rec->limit_us = policy_limit(what, rec);
    return 0;
}

/* ------------------------------------------------------------------ may it? */

int32_t ctl_tenant(const fy_ctl *ctl, const char *name)
{
    for (size_t i = 0; i < ctl->fleet->n_tenants; i++) {
        if (strcmp(ctl->fleet->tenants[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

const fy_quota *ctl_quota_of(const fy_ctl *ctl, const char *tenant)
{
    const fy_quota *found = NULL;

    for (int i = 0; i < ctl->options.n_quotas; i++) {
        const fy_quota *quota = &ctl->options.quotas[i];

        if (quota->tenant == NULL ? found == NULL : strcmp(quota->tenant, tenant) == 0) {
            found = quota;
        }
    }
    return found;
}

/* The submission within its tenant's limits, a default time limit filled in. */
static int within_quota(const fy_ctl *ctl, const char *tenant, int32_t number, int count,
                        fy_submission *what, fy_err *err)
{
    const fy_quota *quota = ctl_quota_of(ctl, tenant);
    int64_t live =
        number >= 0 && (size_t)number < ctl->tenant_room ? ctl->live_of_tenant[number] : 0;
    int64_t devices = (int64_t)(what->max_workers + what->spares) * what->devices;

    if (quota == NULL) {
        return 0;
    }
    if (quota->queued >= 0 && live + count > quota->queued) {
        return fy_fail(err, FY_EINVAL,
                       "tenant %.60s has %lld jobs that have not ended; with %d more it would pass "
                       "its limit of %lld",
                       tenant, (long long)live, count, (long long)quota->queued);
    }
    if (quota->devices >= 0 && devices > quota->devices) {
        return fy_fail(err, FY_EINVAL, "tenant %.60s may ask for %lld devices a job, not %lld",
                       tenant, (long long)quota->devices, (long long)devices);
    }
    if (what->time_limit_us < 0 && !what->service) {
        what->time_limit_us = quota->default_limit_us;
    }
    if (quota->time_limit_us >= 0 && !what->service &&
        (what->time_limit_us < 0 || what->time_limit_us > quota->time_limit_us)) {
        return fy_fail(err, FY_EINVAL, "tenant %.60s may ask for a time limit of %lld s at most",
                       tenant, (long long)(quota->time_limit_us / 1000000));
    }
    return 0;
}

/* What its tenant may ever hold must be enough for it. */
static int within_tenant(const fy_ctl *ctl, int32_t number, const fy_job_record *rec, fy_err *err)
{
    const fy_tenant *tenant = number >= 0 ? &ctl->fleet->tenants[number] : NULL;
    int64_t asks = fy_gang_milli(rec->min_workers + rec->spares, rec->devices, rec->milli);
    int64_t most = 0;

    if (tenant == NULL || tenant->borrow_milli < 0) {
        return 0;
    }
    for (int i = 0; i < rec->n_rates; i++) {
        int64_t own = tenant->guarantee_milli[rec->rates[i].chip];

        most = own > most ? own : most;
    }
    most += tenant->borrow_milli;
    return asks <= most
               ? 0
               : fy_fail(err, FY_EINVAL,
                         "tenant %.60s may hold %g devices of a chip that the job accepts, "
                         "guarantee and borrowing together; the job asks for %g",
                         tenant->name, (double)most / FY_WHOLE, (double)asks / FY_WHOLE);
}

/* For whom the job is: the caller's own tenant, or another where the caller operates. */
static int tenant_name(const fy_who *who, const fy_submission *what, const char **out, fy_err *err)
{
    *out = what->tenant != NULL ? what->tenant : who->tenant;
    if (who->scope < FY_SCOPE_SUBMIT) {
        return fy_fail(err, FY_EINVAL, "this access may read only");
    }
    if (who->scope < FY_SCOPE_OPERATE && strcmp(*out, who->tenant) != 0) {
        return fy_fail(err, FY_EINVAL, "tenant: %.60s may submit for tenant %.60s only", who->user,
                       who->tenant);
    }
    return 0;
}

static int check_after(const fy_ctl *ctl, const fy_who *who, const fy_submission *what, fy_err *err)
{
    for (int i = 0; i < what->n_after; i++) {
        int64_t id = what->after[i];
        const fy_job *job = fy_fleet_job(ctl->fleet, id);

        if (id < 0 || (uint64_t)id >= ctl->fleet->n_ids ||
            (job != NULL && !ctl_may_see(ctl, who, job->tenant))) {
            return fy_fail(err, FY_EINVAL, "after: there is no job %lld", (long long)id);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ submitting */

static int ensure_tenant(fy_ctl *ctl, const char *name, int32_t *number, fy_err *err)
{
    fy_tenant_record rec = {.name = name, .weight = 1, .borrow_milli = -1};
    fy_event event = ctl_event(ctl, FY_EV_TENANT_SET);
    int status = 0;

    if (*number < 0) {
        *number = event.tenant = (int32_t)ctl->fleet->n_tenants;
        event.tenant_record = &rec;
        status = ctl_emit(ctl, &event, NULL, 0, err);
    }
    return status;
}

static void write_body(fy_str *s, const fy_who *who, const fy_submission *what, int index,
                       int64_t like, const char *json, size_t len)
{
    fy_str_clear(s);
    fy_str_puts(s, "{");
    fy_json_put_int(s, "uid", who->uid);
    fy_json_put_int(s, "gid", who->gid);
    fy_json_put_text(s, "user", who->user);
    if (what->key != NULL) {
        fy_json_put_text(s, "key", what->key);
    }
    if (index >= 0) {
        fy_json_put_int(s, "index", index);
    }
    if (like >= 0) {
        fy_json_put_int(s, "like", like);
    } else {
        fy_json_key(s, "job");
        fy_str_add(s, json, len);
    }
    fy_str_puts(s, "}");
}

/* People count jobs from 1. */
static int64_t next_id(const fy_fleet *fleet)
{
    return fleet->n_ids > 0 ? (int64_t)fleet->n_ids : 1;
}

static int submit_task(fy_ctl *ctl, const fy_who *who, const fy_submission *what,
                       const fy_job_record *rec, int index, int64_t like, const char *json,
                       size_t len, fy_err *err)
{
    fy_event event = ctl_event(ctl, FY_EV_SUBMITTED);
    fy_str body = {0};
    const fy_job *job;
    int status;

    event.job = next_id(ctl->fleet);
    event.job_record = rec;
    write_body(&body, who, what, index, like, json, len);
    status = ctl_emit(ctl, &event, body.text, body.len, err);
    fy_str_free(&body);
    job = fy_fleet_job(ctl->fleet, event.job);
    if (status == 0 && what->hold && job->state == FY_JOB_WAITING) {
        event = ctl_job_event(ctl, FY_EV_HELD, job);
        status = ctl_emit(ctl, &event, NULL, 0, err);
    }
    return status;
}

static bool seen_before(const fy_ctl *ctl, const char *tenant, const fy_submission *what,
                        int64_t *first, int *count)
{
    char text[400];
    const fy_seen_key *seen;

    if (what->key == NULL) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%.200s\n%.160s", tenant, what->key);
    seen = ctl_key_find(ctl, text);
    if (seen != NULL) {
        *first = seen->first;
        *count = seen->count;
    }
    return seen != NULL;
}

int ctl_prepare(fy_ctl *ctl, const fy_who *who, fy_submission *what, const char **tenant,
                fy_arena *arena, fy_job_record *rec, fy_err *err)
{
    int count = what->n_array > 0 ? what->n_array : 1;
    int32_t number = -1;
    int status = tenant_name(who, what, tenant, err);

    if (status == 0) {
        number = ctl_tenant(ctl, *tenant);
        status = check_after(ctl, who, what, err);
    }
    if (status == 0) {
        status = within_quota(ctl, *tenant, number, count, what, err);
    }
    if (status == 0) {
        status = ctl_resolve(ctl, what, number >= 0 ? number : 0, arena, rec, err);
    }
    return status == 0 ? within_tenant(ctl, number, rec, err) : status;
}

int fy_ctl_submit(fy_ctl *ctl, const fy_who *who, const fy_submission *asked, int64_t *first,
                  int *count, bool *again, fy_err *err)
{
    fy_submission what = *asked;
    fy_arena arena = {0};
    fy_job_record rec;
    const char *tenant = "", *json;
    int32_t number;
    size_t len;
    int status = tenant_name(who, &what, &tenant, err);

    ctl_tick(ctl);
    *again = status == 0 && seen_before(ctl, tenant, &what, first, count);
    if (status != 0 || *again) {
        return status;
    }
    if (ctl->full) {
        return fy_fail(err, FY_EIO,
                       "the disk of the state folder is nearly full: nothing new is accepted until "
                       "there is room");
    }
    status = ctl_prepare(ctl, who, &what, &tenant, &arena, &rec, err);
    number = ctl_tenant(ctl, tenant);
    if (status == 0) {
        status = ensure_tenant(ctl, tenant, &number, err);
    }
    *first = next_id(ctl->fleet);
    *count = what.n_array > 0 ? what.n_array : 1;
    if (status == 0) {
        rec.tenant = number;
        rec.array_of = what.n_array > 0 ? *first : -1;
        rec.array_limit = what.n_array > 0 ? what.array_limit : 0;
        json = fy_submission_write(&what, &arena, &len);
        for (int i = 0; i < *count && status == 0; i++) {
            status = submit_task(ctl, who, &what, &rec, what.n_array > 0 ? what.array[i] : -1,
                                 i > 0 ? *first : -1, json, len, err);
        }
    }
    fy_arena_free(&arena);
    return status;
}
