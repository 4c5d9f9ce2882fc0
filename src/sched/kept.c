/* SPDX-License-Identifier: MIT */
#include "sched/kept.h"

void fy_kept_save_heap(fy_str *out, const fy_heap *heap)
{
    fy_pack_count(out, heap->n);
    for (size_t i = 0; i < heap->n; i++) {
        fy_pack_int(out, heap->entries[i].item);
        fy_pack_int(out, heap->entries[i].key);
        fy_pack_int(out, heap->entries[i].tie);
    }
}

int32_t fy_kept_load_slot(fy_unpack *in, const fy_fleet *fleet)
{
    int32_t slot = (int32_t)fy_unpack_in(in, 0, (int64_t)fleet->n_slots - 1);

    in->failed |= !in->failed && fleet->jobs[slot]->state == FY_JOB_GONE;
    return in->failed ? -1 : slot;
}

bool fy_kept_load_heap(fy_unpack *in, const fy_fleet *fleet, bool running, fy_heap *heap,
                       fy_heap_pos *pos)
{
    size_t n = fy_unpack_count(in);

    for (size_t i = 0; i < n; i++) {
        int32_t slot = fy_kept_load_slot(in, fleet);
        int64_t key = fy_unpack_int(in);
        int64_t tie = fy_unpack_int(in);

        if (in->failed || fy_heap_has(pos, slot) || (running && fleet->jobs[slot]->n_holds == 0)) {
            in->failed = true;
            return false;
        }
        fy_heap_set(heap, pos, slot, key, tie);
    }
    return !in->failed;
}
