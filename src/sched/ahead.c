/* SPDX-License-Identifier: MIT */
/* Looking ahead: the policy runs on a copy, with the ends that are expected. */
#include "fuyao/explain.h"
#include "sched/open.h"
#include "sched/trial.h"

static int run_ahead(fy_ahead *out, fy_trial *trial, int most_steps, fy_err *err)
{
    int going = 1;

    while (going > 0 && !trial->started && out->steps < most_steps) {
        going = fy_trial_step(trial, err);
        out->steps++;
    }
    if (going < 0) {
        return going;
    }
    out->start_us = trial->fleet->now_us;
    out->what = trial->started ? FY_AHEAD_STARTS : (going > 0 ? FY_AHEAD_LATER : FY_AHEAD_NEVER);
    if (trial->started) {
        out->chip = trial->chip;
        out->workers = trial->workers;
    }
    return 0;
}

int fy_ahead_of(fy_ahead *out, const fy_trial_bytes *bytes, int64_t now_us, int64_t id,
                int most_steps, fy_err *err)
{
    fy_trial trial;
    int status = fy_trial_open(&trial, bytes, now_us, id, NULL, err);

    *out = (fy_ahead){.what = FY_AHEAD_NEVER, .chip = -1, .workers = -1};
    if (status == 0) {
        status = run_ahead(out, &trial, most_steps, err);
        fy_trial_close(&trial);
    }
    return status;
}

int fy_ahead_start(fy_ahead *out, const fy_sched *sched, int64_t now_us, int64_t id, int most_steps,
                   fy_err *err)
{
    const fy_job *job = fy_fleet_job(sched->fleet, id);
    fy_trial_bytes bytes;
    int status;

    if (job == NULL) {
        return fy_fail(err, FY_ENOENT, "no job %lld, or it has ended", (long long)id);
    }
    if (job->state > FY_JOB_WAITING) {
        return fy_fail(err, FY_EINVAL, "job %lld does not wait", (long long)id);
    }
    fy_trial_take(&bytes, sched);
    status = fy_ahead_of(out, &bytes, now_us, id, most_steps, err);
    fy_trial_free_bytes(&bytes);
    return status;
}
