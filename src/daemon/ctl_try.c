/* SPDX-License-Identifier: MIT */
/*
 * A submission that is not made: what would it be, and what would become of it? On a copy of fleet
 * and policy it is submitted and explained; the state does not change.
 */
#include "daemon/ctl_state.h"
#include "fuyao/explain.h"

#include <math.h>

static void put_accepted(const fy_ctl *ctl, const fy_job_record *rec, fy_str *json)
{
    fy_json_key(json, "chips");
    fy_str_puts(json, "[");
    for (int i = 0; i < rec->n_rates; i++) {
        const fy_pool *pool = &ctl->fleet->pools[rec->rates[i].chip];

        fy_json_comma(json);
        fy_str_puts(json, "{");
        fy_json_put_text(json, "chip", pool->name);
        fy_json_put_real(json, "units_per_s", (double)rec->rates[i].rate_q / rec->q_per_unit);
        fy_json_put_text(json, "grade", fy_grade_name((fy_grade)rec->rates[i].grade));
        fy_json_put_real(json, "expected_run_s",
                         rec->work_q >= 0 && rec->rates[i].rate_q > 0
                             ? (double)rec->work_q / (double)rec->rates[i].rate_q
                             : (double)NAN);
        fy_json_put_real(json, "idle_devices", (double)pool->idle_milli / FY_WHOLE);
        fy_str_puts(json, "}");
    }
    fy_str_puts(json, "]");
}

/* A copy of fleet and policy on which something may happen. */
typedef struct trial {
    fy_fleet *fleet;
    fy_sched *sched;
} trial;

static int copy_all(const fy_ctl *ctl, trial *t, fy_err *err)
{
    fy_str kept = {0};
    int status;

    t->fleet = fy_fleet_copy(ctl->fleet);
    fy_sched_save(ctl->sched, &kept);
    status = fy_sched_open(&t->sched, t->fleet, &ctl->want, err);
    if (status == 0) {
        status = fy_sched_load(t->sched, kept.text, kept.len, err);
    }
    fy_str_free(&kept);
    return status;
}

static int happen(trial *t, const fy_event *event, fy_err *err)
{
    int status = fy_fleet_apply(t->fleet, event, err);

    if (status == 0) {
        fy_sched_observe(t->sched, event, fy_fleet_job(t->fleet, event->job));
    }
    return status;
}

/* The job, submitted on the copy. */
static int submit_there(const fy_ctl *ctl, trial *t, const char *tenant, fy_job_record *rec,
                        bool held, fy_err *err)
{
    fy_tenant_record fresh = {.name = tenant, .weight = 1, .borrow_milli = -1};
    fy_event event = ctl_event(ctl, FY_EV_TENANT_SET);
    int status = 0;

    rec->tenant = ctl_tenant(ctl, tenant);
    if (rec->tenant < 0) {
        rec->tenant = event.tenant = (int32_t)t->fleet->n_tenants;
        event.tenant_record = &fresh;
        status = happen(t, &event, err);
    }
    event = ctl_event(ctl, FY_EV_SUBMITTED);
    event.job = (int64_t)t->fleet->n_ids;
    event.job_record = rec;
    status = status == 0 ? happen(t, &event, err) : status;
    if (status == 0 && held && fy_fleet_job(t->fleet, event.job)->state == FY_JOB_WAITING) {
        event.kind = FY_EV_HELD;
        status = happen(t, &event, err);
    }
    return status;
}

/* What would become of it: whether a pass starts it now, else why it waits. */
static int foresee(const fy_ctl *ctl, const char *tenant, const fy_job_record *asked, bool held,
                   fy_str *json, fy_err *err)
{
    fy_explain_options options = fy_explain_defaults(ctl->now_us);
    fy_job_record rec = *asked;
    fy_explanation e;
    trial t = {0};
    int status = copy_all(ctl, &t, err);

    if (status == 0) {
        status = submit_there(ctl, &t, tenant, &rec, held, err);
    }
    if (status == 0) {
        status = fy_explain(&e, t.sched, (int64_t)t.fleet->n_ids - 1, &options, err);
    }
    if (status == 0) {
        fy_json_put_bool(json, "starts_now", e.reason == FY_WHY_NEXT_ROUND);
        if (e.reason != FY_WHY_NEXT_ROUND) {
            ctl_write_explanation(&e, t.fleet, json);
        }
    }
    fy_sched_close(t.sched);
    fy_fleet_free(t.fleet);
    return status;
}

int fy_ctl_try(fy_ctl *ctl, const fy_who *who, const fy_submission *asked, fy_str *json,
               fy_err *err)
{
    fy_arena arena = {0};
    fy_submission what = *asked;
    fy_job_record rec;
    fy_str out = {0};
    const char *tenant, *text;
    size_t len;
    int status;

    ctl_tick(ctl);
    status = ctl_prepare(ctl, who, &what, &tenant, &arena, &rec, err);
    if (status == 0) {
        fy_str_puts(&out, "{");
        fy_json_put_text(&out, "tenant", tenant);
        fy_json_put_int(&out, "jobs", what.n_array > 0 ? what.n_array : 1);
        fy_json_put_int(&out, "devices", what.milli > 0 ? 0 : (int64_t)what.workers * what.devices);
        put_accepted(ctl, &rec, &out);
        status = foresee(ctl, tenant, &rec, what.hold, &out, err);
    }
    if (status == 0) {
        fy_json_put_bool(&out, "virtual", ctl->options.virtual_devices);
        text = fy_submission_write(&what, &arena, &len);
        fy_json_key(&out, "submission");
        fy_str_add(&out, text, len);
        fy_str_puts(&out, "}");
        fy_str_add(json, out.text, out.len);
    }
    fy_str_free(&out);
    fy_arena_free(&arena);
    return status;
}
