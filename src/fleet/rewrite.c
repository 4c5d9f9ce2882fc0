/* SPDX-License-Identifier: MIT */
#include "fleet/rewrite.h"

#include "fleet/internal.h"

int fy_fleet_rewrite(fy_fleet *fleet, int64_t id, const fy_job_record *rec, fy_err *err)
{
    fy_job *job = fy_fleet_job(fleet, id);
    fy_job_record whole = *rec;
    int64_t queued_us;
    void *block;
    size_t size;

    if (job == NULL || job->state != FY_JOB_WAITING) {
        return fy_fail(err, FY_EINVAL, "job %lld does not wait", (long long)id);
    }
    whole.tenant = job->rec.tenant;
    whole.array_of = job->rec.array_of;
    whole.array_limit = job->rec.array_limit;
    whole.limit_us = -1; /* one that is live may be longer than one submitted */
    if (fy_job_record_check(fleet, &whole, id, err) != 0) {
        return FY_EINVAL;
    }
    whole.limit_us = rec->limit_us;
    queued_us = job->queued_us;
    block = job->block;
    size = job->block_size;
    fy_job_unwait(fleet, job, FY_JOB_HELD);
    fy_job_copy_record(fleet, job, &whole); /* `rec` may point into the old one */
    fy_blocks_put(&fleet->blocks, block, size);
    job->cls = fy_class_of(fleet, &job->rec);
    if (job->array >= 0) {
        fleet->arrays[job->array].mask |= fleet->classes[job->cls].key.mask;
    }
    fy_job_wait(fleet, job);
    job->queued_us = queued_us;
    return 0;
}
