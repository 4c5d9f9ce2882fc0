/* SPDX-License-Identifier: MIT */
/*
 * What a policy keeps, as bytes: the parts that several policies share. A policy opened on a fleet
 * that is at work takes over who waits and who runs (fy_sched_open); saved is only what the fleet
 * does not show.
 */
#ifndef FUYAO_SCHED_KEPT_H
#define FUYAO_SCHED_KEPT_H

#include "base/heap.h"
#include "base/pack.h"
#include "fleet/state.h"

void fy_kept_save_heap(fy_str *out, const fy_heap *heap);

/*
 * Fill an empty heap of jobs by slot. False where an entry is no job that is live (`running`: that
 * holds devices), or stands in a heap of `pos` already.
 */
bool fy_kept_load_heap(fy_unpack *in, const fy_fleet *fleet, bool running, fy_heap *heap,
                       fy_heap_pos *pos);

/* The slot of a live job; -1 on a fault. */
int32_t fy_kept_load_slot(fy_unpack *in, const fy_fleet *fleet);

#endif
