/* SPDX-License-Identifier: MIT */
/*
 * A policy that comes to a fleet at work: taking over who waits and who runs, and saving and
 * loading the rest, so that it decides as one that has observed everything.
 */
#include "base/pack.h"
#include "sched/open.h"

#include <string.h>

static const char magic[] = "FYSCHED1";

/* ------------------------------------------------------------------ taking over */

static fy_event about(const fy_fleet *fleet, fy_event_kind kind)
{
    return (fy_event){.t_us = fleet->now_us,
                      .kind = kind,
                      .job = -1,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

/* Show the policy each tenant, and each live job in the order of submission, as it is now. */
void fy_sched_adopt(fy_sched *sched)
{
    fy_fleet *fleet = sched->fleet;

    fy_fleet_forget_woken(fleet); /* they are shown with all the others */
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        fy_event event = about(fleet, FY_EV_TENANT_SET);

        event.tenant = (int32_t)i;
        fy_sched_observe(sched, &event, NULL);
    }
    for (size_t id = 0; id < fleet->n_ids; id++) {
        const fy_job *job = fy_fleet_job(fleet, (int64_t)id);
        fy_event event = about(fleet, FY_EV_SUBMITTED);

        if (job == NULL) {
            continue;
        }
        event.job = job->id;
        event.attempt = job->attempt;
        fy_sched_observe(sched, &event, job);
        if (job->state == FY_JOB_STOPPING) {
            event.kind = FY_EV_STOPPING;
            fy_sched_observe(sched, &event, job);
        }
    }
}

/* ------------------------------------------------------------------ saving, loading */

void fy_sched_save(const fy_sched *sched, fy_str *out)
{
    size_t begin = fy_pack_begin(out, magic);

    fy_pack_text(out, sched->ops->info.name);
    fy_pack_count(out, sched->hash);
    fy_pack_count(out, sched->options.seed);
    fy_pack_count(out, sched->fleet->n_events);
    fy_pack_int(out, sched->fleet->now_us);
    fy_pack_int(out, sched->told);
    fy_pack_int(out, sched->stirred);
    if (sched->ops->save != NULL) {
        sched->ops->save(sched->policy, sched->fleet, out);
    }
    fy_pack_end(out, begin);
}

static int load_body(fy_sched *sched, fy_unpack *in, fy_err *err)
{
    const char *name = sched->ops->info.name;
    size_t len;
    const char *saved = fy_unpack_text(in, &len);
    bool same = len == strlen(name) && memcmp(saved, name, len) == 0;

    same &= fy_unpack_u64(in) == sched->hash;
    same &= fy_unpack_u64(in) == sched->options.seed;
    if (!same) {
        return fy_fail(err, FY_EPARSE,
                       "snapshot of a policy: of %.*s with other settings than this %s", (int)len,
                       saved, name);
    }
    same = fy_unpack_u64(in) == sched->fleet->n_events;
    same &= fy_unpack_int(in) == sched->fleet->now_us;
    if (!same) {
        return fy_fail(err, FY_EPARSE, "snapshot of a policy: of another instant than its fleet");
    }
    sched->told = fy_unpack_in(in, 0, 1) == 1;
    sched->stirred = fy_unpack_in(in, 0, 1) == 1;
    if ((sched->ops->load != NULL && !sched->ops->load(sched->policy, sched->fleet, in)) ||
        in->failed || in->at != in->end) {
        return fy_fail(err, FY_EPARSE, "snapshot of a policy: nothing that %s could have saved",
                       name);
    }
    return 0;
}

static int load_bytes(fy_sched *sched, const void *bytes, size_t len, bool trusted, fy_err *err)
{
    fy_unpack in;
    int status = fy_unpack_frame(&in, bytes, len, magic, trusted, "snapshot of a policy", err);

    return status == 0 ? load_body(sched, &in, err) : status;
}

int fy_sched_load(fy_sched *sched, const void *bytes, size_t len, fy_err *err)
{
    return load_bytes(sched, bytes, len, false, err);
}

int fy_sched_reload(fy_sched **out, const fy_sched *like, fy_fleet *fleet, const fy_str *bytes,
                    fy_err *err)
{
    int status = fy_sched_open(out, fleet, &like->options, err);

    if (status == 0) {
        status = load_bytes(*out, bytes->text, bytes->len, true, err);
        if (status != 0) {
            fy_sched_close(*out);
            *out = NULL;
        }
    }
    return status;
}
