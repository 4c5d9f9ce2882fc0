/* SPDX-License-Identifier: MIT */
/* Changing what a waiting job asks for, on a copy of a fleet: what if it had asked for that? */
#ifndef FUYAO_FLEET_REWRITE_H
#define FUYAO_FLEET_REWRITE_H

#include "fleet/state.h"

/*
 * Job `id`, which must wait, asks for `rec` from now on; its tenant, array and place in time stay.
 * No event: a fleet with a journal must never see it, and a policy must be opened afterwards.
 * Errors: FY_EINVAL where it does not wait or the record makes no sense; nothing changed.
 */
int fy_fleet_rewrite(fy_fleet *fleet, int64_t id, const fy_job_record *rec,
                     fy_err *err) FY_NODISCARD;

#endif
