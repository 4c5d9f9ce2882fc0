/* SPDX-License-Identifier: MIT */
/* What fair keeps, as bytes: shares and usage as they were last computed, who runs in which size.
 */
#include "sched/fair.h"
#include "sched/kept.h"

#include <string.h>

static void save_tenant(const fy_fair_tenant *v, const fy_fleet *fleet, fy_str *out)
{
    size_t n = 0;

    fy_pack_double(out, v->share);
    fy_pack_double(out, v->usage);
    fy_pack_double(out, v->key);
    fy_pack_int(out, v->guaranteed);
    fy_pack_int(out, v->at_us);
    for (int k = 0; k < fleet->n_chips * FY_FAIR_SIZES; k++) {
        n += v->running[k / FY_FAIR_SIZES][k % FY_FAIR_SIZES].n > 0;
    }
    fy_pack_count(out, n);
    for (int k = 0; k < fleet->n_chips * FY_FAIR_SIZES; k++) {
        if (v->running[k / FY_FAIR_SIZES][k % FY_FAIR_SIZES].n > 0) {
            fy_pack_int(out, k);
            fy_kept_save_heap(out, &v->running[k / FY_FAIR_SIZES][k % FY_FAIR_SIZES]);
        }
    }
}

void fy_fair_save(const fy_policy *fair, const fy_fleet *fleet, fy_str *out)
{
    fy_queue_save(&fair->queue, out);
    fy_pack_count(out, fair->n_tenants);
    for (size_t i = 0; i < fair->n_tenants; i++) {
        save_tenant(&fair->tenants[i], fleet, out);
    }
    fy_kept_save_heap(out, &fair->young);
    fy_pack_int(out, fair->refreshed_us);
    fy_pack_int(out, fair->guarantees);
    fy_pack_int(out, fair->served_us);
    fy_pack_count(out, fair->n_served);
    for (size_t i = 0; i < fair->n_served; i++) {
        fy_pack_int(out, fair->served[i]);
    }
}

void fy_fair_free_running(fy_fair_tenant *v)
{
    for (int k = 0; k < FY_MAX_CHIPS * FY_FAIR_SIZES; k++) {
        fy_heap_free(&v->running[k / FY_FAIR_SIZES][k % FY_FAIR_SIZES]);
    }
    memset(v->n_running, 0, sizeof v->n_running);
}

static bool load_tenant(fy_policy *fair, fy_fair_tenant *v, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n;

    v->share = fy_unpack_double(in);
    v->usage = fy_unpack_double(in);
    v->key = fy_unpack_double(in);
    v->guaranteed = fy_unpack_in(in, 0, 1) == 1;
    v->at_us = fy_unpack_in(in, INT64_MIN / 4, INT64_MAX / 4);
    n = fy_unpack_count(in);
    for (size_t i = 0; i < n; i++) {
        int64_t k = fy_unpack_in(in, 0, (int64_t)fleet->n_chips * FY_FAIR_SIZES - 1);
        fy_heap *heap = &v->running[k / FY_FAIR_SIZES][k % FY_FAIR_SIZES];

        if (in->failed || heap->n > 0 || !fy_kept_load_heap(in, fleet, true, heap, &fair->pos)) {
            return false;
        }
        v->n_running[k / FY_FAIR_SIZES] += (int32_t)heap->n;
    }
    return !in->failed && v->share >= 0 && v->usage >= 0 && v->key >= 0;
}

bool fy_fair_load(fy_policy *fair, const fy_fleet *fleet, fy_unpack *in)
{
    size_t n;

    if (!fy_queue_load(&fair->queue, fleet, in)) {
        return false;
    }
    n = fy_unpack_count(in);
    if (n != fair->n_tenants) {
        return false;
    }
    fy_heap_pos_free(&fair->pos);
    for (size_t i = 0; i < n; i++) {
        fy_fair_free_running(&fair->tenants[i]);
        if (!load_tenant(fair, &fair->tenants[i], fleet, in)) {
            return false;
        }
    }
    fy_heap_free(&fair->young);
    fy_heap_pos_free(&fair->young_pos);
    if (!fy_kept_load_heap(in, fleet, true, &fair->young, &fair->young_pos)) {
        return false;
    }
    fair->refreshed_us = fy_unpack_in(in, INT64_MIN / 4, INT64_MAX / 4);
    fair->guarantees = fy_unpack_in(in, 0, 1) == 1;
    fair->served_us = fy_unpack_int(in);
    fair->n_served = fy_unpack_count(in);
    fair->served = fy_grow(fair->served, &fair->served_room, fair->n_served + 1, sizeof(int64_t));
    for (size_t i = 0; i < fair->n_served; i++) {
        fair->served[i] = fy_unpack_int(in);
    }
    return !in->failed;
}
