/* SPDX-License-Identifier: MIT */
/*
 * Questions about what would be: a submission that is not made, and why a job waits. Both work on
 * copies or on nothing at all; the state does not change.
 */
#include "daemon/ctl_state.h"

#include <string.h>

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

int fy_ctl_try(fy_ctl *ctl, const fy_who *who, const fy_submission *asked, fy_str *json,
               fy_err *err)
{
    fy_arena arena = {0};
    fy_submission what = *asked;
    fy_job_record rec;
    const char *tenant, *text;
    size_t len;
    int status = ctl_prepare(ctl, who, &what, &tenant, &arena, &rec, err);

    if (status == 0) {
        fy_str_puts(json, "{");
        fy_json_put_text(json, "tenant", tenant);
        fy_json_put_int(json, "jobs", what.n_array > 0 ? what.n_array : 1);
        fy_json_put_int(json, "devices", what.milli > 0 ? 0 : (int64_t)what.workers * what.devices);
        put_accepted(ctl, &rec, json);
        fy_json_put_bool(json, "virtual", ctl->options.virtual_devices);
        text = fy_submission_write(&what, &arena, &len);
        fy_json_key(json, "submission");
        fy_str_add(json, text, len);
        fy_str_puts(json, "}");
    }
    fy_arena_free(&arena);
    return status;
}

int fy_ctl_view_explain(fy_ctl *ctl, const fy_who *who, int64_t id, fy_str *json, fy_err *err)
{
    fy_job *job;
    int64_t other;
    fy_reason why;
    int status = ctl_find(ctl, who, id, &job, err);

    if (status != 0) {
        return status;
    }
    fy_str_puts(json, "{");
    fy_json_put_int(json, "id", id);
    fy_json_put_text(json, "state", fy_shown_name(ctl_shown(ctl, job)));
    why = fy_sched_explain(ctl->sched, id, &other);
    fy_json_put_text(json, "reason", fy_reason_name(why));
    fy_json_put_text(json, "why", fy_reason_text(why));
    if (other >= 0) {
        fy_json_put_int(json, "other", other);
    }
    fy_str_puts(json, "}");
    return 0;
}
