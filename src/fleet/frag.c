/* SPDX-License-Identifier: MIT */
#include "fleet/frag.h"

#include "fleet/internal.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const fy_mix_class *x = a;
    const fy_mix_class *y = b;

    if (x->devices != y->devices) {
        return x->devices < y->devices ? -1 : 1;
    }
    if (x->milli != y->milli) {
        return x->milli < y->milli ? -1 : 1;
    }
    return x->cpu_milli != y->cpu_milli ? (x->cpu_milli < y->cpu_milli ? -1 : 1) : 0;
}

static void add_class(fy_mix *mix, int i, int64_t *cpu, int64_t *cum)
{
    const fy_mix_class *cls = &mix->classes[i];
    fy_mix_group *group = mix->n_groups > 0 ? &mix->groups[mix->n_groups - 1] : NULL;

    if (group == NULL || cls->devices != cls[-1].devices || cls->milli != cls[-1].milli) {
        group = &mix->groups[mix->n_groups++];
        *group = (fy_mix_group){.devices = cls->devices,
                                .milli = fy_ask_milli(cls->milli),
                                .cpu = cpu + i,
                                .cum = cum + i};
    }
    group->weight += cls->weight;
    cpu[i] = cls->cpu_milli;
    cum[i] = group->weight;
    group->n++;
    mix->total += cls->weight;
}

bool fy_mix_fits(int64_t weight, size_t devices)
{
    return (fy_wide)weight * FY_WHOLE * (int64_t)devices <= (fy_wide)1 << 62;
}

static int check_mix(const fy_fleet *fleet, const fy_mix_record *rec, fy_err *err)
{
    int64_t total = 0;
    bool ok = rec->n >= 0;

    for (int i = 0; ok && i < rec->n; i++) {
        const fy_mix_class *cls = &rec->classes[i];

        ok = cls->cpu_milli >= 0 && cls->devices >= 0 && cls->milli >= 0 && cls->milli < FY_WHOLE &&
             cls->weight >= 1 && cls->weight <= FY_NEVER - total;
        total += ok ? cls->weight : 0;
    }
    return ok && fy_mix_fits(total, fleet->n_devices)
               ? 0
               : fy_fail(err, FY_EINVAL, "mix: a class or the sum of the weights is out of range");
}

int fy_mix_set(fy_fleet *fleet, const fy_event *event, fy_err *err)
{
    const fy_mix_record *rec = event->mix;
    fy_mix *mix = &fleet->mix;
    size_t n = (size_t)rec->n;
    int64_t *cpu;

    if (check_mix(fleet, rec, err) != 0) {
        return FY_EINVAL;
    }
    cpu = fy_arena_alloc(&fleet->arena, n * 2 * sizeof *cpu + 1);
    *mix = (fy_mix){.classes = fy_arena_alloc(&fleet->arena, n * sizeof *mix->classes + 1),
                    .groups = fy_arena_alloc(&fleet->arena, n * sizeof *mix->groups + 1),
                    .n = rec->n};
    if (n > 0) {
        memcpy(mix->classes, rec->classes, n * sizeof *mix->classes);
        qsort(mix->classes, n, sizeof *mix->classes, compare);
    }
    for (int i = 0; i < rec->n; i++) {
        add_class(mix, i, cpu, cpu + n);
    }
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        fleet->version[i]++; /* scores change with the mix */
        if (!fleet->nodes[i].frag_stale) {
            fleet->nodes[i].frag_stale = true;
            fleet->stale =
                fy_grow(fleet->stale, &fleet->stale_room, fleet->n_stale + 1, sizeof *fleet->stale);
            fleet->stale[fleet->n_stale++] = (int32_t)i;
        }
    }
    return 0;
}

/* Weight of the group's classes that ask for no more than `cpu_free`. */
static int64_t with_cpu(const fy_mix_group *group, int64_t cpu_free)
{
    int lo = 0;
    int hi = group->n;

    if (group->cpu[group->n - 1] <= cpu_free) {
        return group->weight;
    }
    while (lo < hi) {
        int mid = (lo + hi) / 2;

        if (group->cpu[mid] <= cpu_free) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo > 0 ? group->cum[lo - 1] : 0;
}

int64_t fy_frag(const fy_mix *mix, int64_t cpu_free, const int16_t *idle, int n)
{
    int64_t all = 0;
    int64_t f = 0;

    for (int d = 0; d < n; d++) {
        all += idle[d];
    }
    if (all == 0) {
        return 0;
    }
    for (int g = 0; g < mix->n_groups; g++) {
        const fy_mix_group *group = &mix->groups[g];
        int64_t small = 0;
        int fit = 0;
        int64_t able;

        for (int d = 0; d < n; d++) {
            bool too_small = idle[d] < group->milli;

            small += too_small ? idle[d] : 0;
            fit += !too_small;
        }
        able = group->devices > 0 && fit >= group->devices ? with_cpu(group, cpu_free) : 0;
        f += able * small + (group->weight - able) * all;
    }
    return f;
}

int64_t fy_node_frag(const fy_fleet *fleet, const fy_node *node)
{
    if (!node->frag_stale) {
        return node->frag;
    }
    return node->up ? fy_frag(&fleet->mix, node->cpu_free, fleet->idle_milli + node->first_device,
                              node->n_devices)
                    : 0;
}

/* Bring F of all nodes changed since the last call up to date. */
void fy_frag_flush(fy_fleet *fleet)
{
    for (size_t i = 0; i < fleet->n_stale; i++) {
        fy_node *node = &fleet->nodes[fleet->stale[i]];
        int64_t f = fy_node_frag(fleet, node);

        fleet->frag += f - node->frag;
        node->frag = f;
        node->frag_stale = false;
    }
    fleet->n_stale = 0;
}
