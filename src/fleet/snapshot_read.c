/* SPDX-License-Identifier: MIT */
/*
 * Reading a fleet's snapshot. Bytes from outside may be anything: each number is held against its
 * range before it is used as an index or a size, nodes and places go through the same checks as
 * events, and in the end fy_fleet_check counts everything again.
 */
#include "base/pack.h"
#include "fleet/internal.h"
#include "fleet/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const int64_t most_frag = (int64_t)1 << 62;

bool fy_load_bad(fy_load *l, const char *what)
{
    l->what = l->what == NULL ? what : l->what;
    return false;
}

bool fy_load_fine(fy_load *l, const char *what)
{
    return l->in.failed ? fy_load_bad(l, what) : true;
}

/* ------------------------------------------------------------------ values */

/* Borrowed until the next name. */
const char *fy_load_name(fy_load *l)
{
    size_t len;
    const char *text = fy_unpack_text(&l->in, &len);

    l->name = fy_grow(l->name, &l->name_room, len + 1, 1);
    memcpy(l->name, text, len);
    l->name[len] = '\0';
    return l->name;
}

fy_wide fy_load_wide(fy_load *l, fy_wide low, int bits)
{
    fy_wide value = fy_unpack_wide_int(&l->in);

    if (value < low || value > (fy_wide)1 << bits) {
        l->in.failed = true;
        return 0;
    }
    return value;
}

int64_t fy_load_instant(fy_load *l)
{
    return fy_unpack_in(&l->in, -FY_LOAD_FAR, FY_LOAD_FAR);
}

int32_t fy_load_int32(fy_load *l, int64_t low, int64_t high)
{
    return (int32_t)fy_unpack_in(&l->in, low, high);
}

static void get_mw(fy_load *l, int64_t mw[FY_N_ESTIMATES])
{
    for (int i = 0; i < FY_N_ESTIMATES; i++) {
        mw[i] = fy_unpack_int(&l->in);
    }
}

/* ------------------------------------------------------------------ what is there */

static bool load_chips(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    size_t n = fy_unpack_count(&l->in);

    if (n > FY_MAX_CHIPS) {
        return fy_load_bad(l, "too many chips");
    }
    for (size_t c = 0; c < n; c++) {
        fleet->pools[c] = (fy_pool){.name = fy_arena_strdup(&fleet->arena, fy_load_name(l)),
                                    .at_us = fleet->now_us};
        fleet->n_chips++;
    }
    return fy_load_fine(l, "chips");
}

static bool load_tenants(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    size_t n = fy_unpack_count(&l->in);

    for (size_t i = 0; i < n && !l->in.failed; i++) {
        fy_tenant *tenant;

        fleet->tenants = fy_grow(fleet->tenants, &fleet->tenants_room, i + 1, sizeof *tenant);
        tenant = &fleet->tenants[fleet->n_tenants++];
        *tenant = (fy_tenant){.name = fy_arena_strdup(&fleet->arena, fy_load_name(l)),
                              .weight = fy_unpack_double(&l->in),
                              .at_us = fleet->now_us};
        tenant->borrow_milli = fy_unpack_in(&l->in, -1, FY_PLENTY);
        for (int c = 0; c < fleet->n_chips; c++) {
            tenant->guarantee_milli[c] = fy_unpack_in(&l->in, 0, FY_PLENTY);
        }
        if (!(tenant->weight > 0 && tenant->weight <= 1e12)) {
            return fy_load_bad(l, "a tenant's weight");
        }
    }
    return fy_load_fine(l, "tenants");
}

static bool load_mix(fy_load *l)
{
    size_t n = fy_unpack_count(&l->in);
    fy_mix_class *classes = fy_calloc(n + 1, sizeof *classes);
    fy_mix_record rec = {.classes = classes, .n = (int)n};
    int status = 0;

    for (size_t i = 0; i < n; i++) {
        classes[i].cpu_milli = fy_unpack_int(&l->in);
        classes[i].devices = fy_load_int32(l, 0, INT32_MAX);
        classes[i].milli = fy_load_int32(l, 0, FY_WHOLE);
        classes[i].weight = fy_unpack_int(&l->in);
    }
    if (!l->in.failed && n > 0) {
        status = fy_mix_set(l->fleet, &(fy_event){.mix = &rec}, NULL);
        for (size_t i = 0; status == 0 && i < n; i++) { /* sorted as it was written */
            status = memcmp(&l->fleet->mix.classes[i], &classes[i], sizeof classes[i]) != 0;
        }
    }
    free(classes);
    return (n <= INT32_MAX && status == 0 && !l->in.failed) || fy_load_bad(l, "the typical mix");
}

static bool load_nodes(fy_load *l)
{
    size_t n = fy_unpack_count(&l->in);

    for (size_t i = 0; i < n && !l->in.failed; i++) {
        fy_node_record rec = {.name = fy_load_name(l),
                              .chip = fy_load_int32(l, 0, FY_MAX_CHIPS),
                              .devices = fy_load_int32(l, 0, INT32_MAX)};
        const fy_pool *pool;

        rec.cpu_milli = fy_unpack_int(&l->in);
        rec.memory_mib = fy_unpack_int(&l->in);
        rec.rack = fy_load_int32(l, FY_RACK_NEW, FY_RACK_LAST);
        get_mw(l, rec.idle_mw);
        get_mw(l, rec.active_mw);
        get_mw(l, rec.overhead_mw);
        pool = rec.chip < l->fleet->n_chips ? &l->fleet->pools[rec.chip] : NULL;
        if (l->in.failed || pool == NULL || (pool->n_racks == 0 && rec.rack != FY_RACK_NEW) ||
            fy_node_new(l->fleet, &(fy_event){.t_us = l->fleet->now_us, .node_record = &rec},
                        NULL) != 0) {
            return fy_load_bad(l, "a node");
        }
    }
    return fy_load_fine(l, "nodes");
}

/* ------------------------------------------------------------------ classes, arrays, ids */

static bool sane_key(const fy_fleet *fleet, const fy_class_key *key)
{
    uint64_t chips = fleet->n_chips < 64 ? ((uint64_t)1 << fleet->n_chips) - 1 : UINT64_MAX;

    return (key->mask & ~chips) == 0 && (key->tight & ~chips) == 0 && key->workers >= 1 &&
           key->min_workers >= 1 && key->min_workers <= key->workers &&
           key->max_workers >= key->workers && key->max_workers <= 1 << 20 && key->devices >= 0 &&
           key->devices <= 4096 && key->milli >= 0 && key->milli < FY_WHOLE && key->spares >= 0 &&
           key->spares <= 1 << 20 && key->cpu_milli >= 0 && key->memory_mib >= 0 &&
           key->tenant >= 0 && (size_t)key->tenant < fleet->n_tenants && key->array_limit >= 0;
}

bool fy_load_never(int64_t never)
{
    return never == FY_WHY_NONE || never == FY_WHY_NEVER_CHIP || never == FY_WHY_NEVER_SIZE ||
           never == FY_WHY_NEVER_TIGHT || never == FY_WHY_NEVER_POWER;
}

static bool load_class(fy_load *l)
{
    fy_class_key key;
    fy_class *cls;

    memset(&key, 0, sizeof key);
    key.mask = fy_unpack_u64(&l->in);
    key.tight = fy_unpack_u64(&l->in);
    key.cpu_milli = fy_unpack_int(&l->in);
    key.memory_mib = fy_unpack_int(&l->in);
    key.array_of = fy_unpack_int(&l->in);
    key.limit_us = fy_unpack_int(&l->in);
    key.workers = fy_load_int32(l, 1, INT32_MAX);
    key.min_workers = fy_load_int32(l, 1, INT32_MAX);
    key.max_workers = fy_load_int32(l, 1, INT32_MAX);
    key.devices = fy_load_int32(l, 0, INT32_MAX);
    key.milli = fy_load_int32(l, 0, INT32_MAX);
    key.spares = fy_load_int32(l, 0, INT32_MAX);
    key.tenant = fy_load_int32(l, 0, INT32_MAX);
    key.array_limit = fy_load_int32(l, 0, INT32_MAX);
    if (l->in.failed || !sane_key(l->fleet, &key)) {
        return fy_load_bad(l, "a class of asks");
    }
    cls = fy_class_restore(l->fleet, &key);
    if (cls == NULL) {
        return fy_load_bad(l, "a class of asks that is there twice");
    }
    cls->shape = (uint32_t)fy_unpack_in(&l->in, 0, UINT32_MAX);
    cls->never = (fy_reason)fy_unpack_in(&l->in, 0, FY_N_REASONS - 1);
    cls->fits = fy_unpack_u64(&l->in);
    cls->counted = (size_t)fy_unpack_u64(&l->in);
    return (!l->in.failed && fy_load_never(cls->never) && (cls->fits & ~key.mask) == 0 &&
            cls->counted <= l->fleet->n_nodes) ||
           fy_load_bad(l, "what fits a class");
}

static bool load_classes(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    size_t n = fy_unpack_count(&l->in);

    for (size_t i = 0; i < n; i++) {
        if (!load_class(l)) {
            return false;
        }
    }
    n = fy_unpack_count(&l->in);
    for (size_t i = 0; i < n; i++) {
        int64_t of = fy_unpack_in(&l->in, 0, INT64_MAX);

        if (l->in.failed || fy_array_at(fleet, of) != (int32_t)i) {
            return fy_load_bad(l, "an array that is there twice");
        }
        fleet->arrays[i].mask = fy_unpack_u64(&l->in);
        if (fleet->n_chips < 64 && fleet->arrays[i].mask >> fleet->n_chips != 0) {
            return fy_load_bad(l, "an array's chips");
        }
    }
    return fy_load_fine(l, "classes or arrays");
}

static bool load_ids(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    uint64_t n = fy_unpack_u64(&l->in);
    const unsigned char *bits = NULL;

    if (n / 4 <= (uint64_t)(l->in.end - l->in.at)) {
        bits = fy_unpack_bytes(&l->in, (size_t)(n + 3) / 4);
    }
    if (bits == NULL || (n % 4 != 0 && bits[n / 4] >> (n % 4 * 2) != 0)) {
        return fy_load_bad(l, "how jobs ended");
    }
    fleet->slot_of = fy_grow(fleet->slot_of, &fleet->ids_room, (size_t)n, sizeof *fleet->slot_of);
    fleet->n_ids = (size_t)n;
    for (size_t id = 0; id < n; id++) { /* -1: live, and filled in when its job is read */
        fleet->slot_of[id] = -1 - (bits[id / 4] >> (id % 4 * 2) & 3);
    }
    return true;
}

/* ------------------------------------------------------------------ how it stands */

static fy_hold *hold_on(const fy_job *job, int32_t node)
{
    int low = 0;
    int high = job->n_holds;

    while (low < high) {
        int mid = (low + high) / 2;

        if (job->holds[mid].node < node) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < job->n_holds && job->holds[low].node == node ? &job->holds[low] : NULL;
}

/* Bring what is held on the node into the order in which it was. */
static bool load_links(fy_load *l, int32_t number)
{
    fy_fleet *fleet = l->fleet;
    fy_node *node = &fleet->nodes[number];
    fy_hold *last = NULL;
    size_t n = fy_unpack_count(&l->in);
    size_t held = 0;

    for (const fy_hold *hold = node->holds; hold != NULL; hold = hold->next) {
        held++;
    }
    if (n != held) {
        return fy_load_bad(l, "a node's list of holds");
    }
    node->holds = NULL;
    for (size_t i = 0; i < n; i++) {
        int32_t slot = fy_load_int32(l, 0, (int64_t)fleet->n_slots - 1);
        fy_hold *hold = l->in.failed ? NULL : hold_on(fleet->jobs[slot], number);

        if (hold == NULL || hold->prev != hold) {
            return fy_load_bad(l, "a node's list of holds");
        }
        *(last != NULL ? &last->next : &node->holds) = hold;
        hold->prev = last;
        hold->next = NULL;
        last = hold;
    }
    return true;
}

static bool load_standing(fy_load *l, int32_t number, fy_wide *frag)
{
    fy_fleet *fleet = l->fleet;
    fy_node *node = &fleet->nodes[number];
    int64_t flags;

    if (!load_links(l, number)) {
        return false;
    }
    flags = fy_unpack_in(&l->in, 0, 3);
    fy_node_unlist(fleet, node);
    node->drained = (flags & 2) != 0;
    node->reserved_tenant = fy_load_int32(l, -1, (int64_t)fleet->n_tenants - 1);
    node->reserved_from_us = fy_unpack_in(&l->in, -FY_LOAD_SPAN, INT64_MAX);
    node->reserved_to_us = fy_unpack_in(&l->in, -FY_LOAD_SPAN, INT64_MAX);
    fleet->pools[node->chip].n_windows += node->reserved_to_us != FY_NEVER;
    fy_node_list(fleet, node);
    fy_node_set_up(fleet, node, (flags & 1) != 0);
    for (int i = 0; i < 3; i++) {
        node->fail_job[i] = fy_unpack_in(&l->in, -1, INT64_MAX);
        node->fail_us[i] = fy_load_instant(l);
    }
    node->frag = fy_unpack_in(&l->in, 0, most_frag);
    *frag += node->frag;
    return (node->reserved_to_us == FY_NEVER
                ? node->reserved_from_us == FY_NEVER && node->reserved_tenant == -1
                : node->reserved_from_us < node->reserved_to_us &&
                      node->reserved_to_us <= FY_LOAD_SPAN) ||
           fy_load_bad(l, "a node's window");
}

static bool load_nodes_standing(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    fy_wide frag = 0;

    fleet->n_stale = 0; /* what placing has touched says nothing */
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        fleet->nodes[i].frag_stale = true; /* and is not to be noted any more */
    }
    for (size_t s = 0; s < fleet->n_slots; s++) {
        for (int h = 0; h < fleet->jobs[s]->n_holds; h++) {
            fleet->jobs[s]->holds[h].prev = &fleet->jobs[s]->holds[h]; /* in no list yet */
        }
    }
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        if (!load_standing(l, (int32_t)i, &frag)) {
            return false;
        }
    }
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        fleet->nodes[i].frag_stale = false;
    }
    fleet->frag = frag <= most_frag ? (int64_t)frag : 0;
    return frag <= most_frag ? fy_load_fine(l, "nodes' states") : fy_load_bad(l, "fragmentation");
}

static bool load_free_slots(fy_load *l)
{
    fy_fleet *fleet = l->fleet;
    size_t n = fy_unpack_count(&l->in);

    if (n > fleet->n_slots) {
        return fy_load_bad(l, "free slots");
    }
    fleet->free_slots =
        fy_grow(fleet->free_slots, &fleet->free_slots_room, n + 1, sizeof *fleet->free_slots);
    for (size_t i = 0; i < n; i++) {
        int32_t slot = fy_load_int32(l, 0, (int64_t)fleet->n_slots - 1);

        if (l->in.failed || fleet->jobs[slot]->state != FY_JOB_GONE || fleet->jobs[slot]->id < 0) {
            return fy_load_bad(l, "a free slot that is none, or is there twice");
        }
        fleet->jobs[slot]->id = -1; /* seen */
        fleet->free_slots[fleet->n_free_slots++] = slot;
    }
    return n == fleet->n_slots - (size_t)fleet->n_live ? fy_load_fine(l, "free slots")
                                                       : fy_load_bad(l, "a gone job's slot");
}

static bool load_accounts(fy_load *l)
{
    fy_fleet *fleet = l->fleet;

    for (int c = 0; c < fleet->n_chips; c++) {
        fy_pool *pool = &fleet->pools[c];

        pool->releases = fy_unpack_u64(&l->in);
        pool->at_us = fy_unpack_in(&l->in, -FY_LOAD_SPAN, FY_LOAD_SPAN);
        pool->held_int = fy_load_wide(l, 0, FY_LOAD_TIME);
        pool->up_int = fy_load_wide(l, 0, FY_LOAD_TIME);
        pool->all_int = fy_load_wide(l, 0, FY_LOAD_TIME);
        pool->productive_int = fy_load_wide(l, -((fy_wide)1 << FY_LOAD_TIME), FY_LOAD_TIME);
        for (int i = 0; i < FY_N_ESTIMATES; i++) {
            pool->energy_int[i] = fy_load_wide(l, -((fy_wide)1 << FY_LOAD_ENERGY), FY_LOAD_ENERGY);
        }
    }
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        fleet->tenants[i].at_us = fy_unpack_in(&l->in, -FY_LOAD_SPAN, FY_LOAD_SPAN);
        fleet->tenants[i].held_int = fy_load_wide(l, 0, FY_LOAD_TIME);
        fleet->tenants[i].beyond_at_set = fy_unpack_in(&l->in, 0, INT64_MAX);
    }
    fleet->shape = (uint32_t)fy_unpack_in(&l->in, 0, UINT32_MAX);
    get_mw(l, fleet->peak_mw);
    fleet->active_int = fy_load_wide(l, 0, FY_LOAD_TIME);
    fleet->frag_int = fy_load_wide(l, 0, FY_LOAD_ENERGY);
    return fy_load_fine(l, "accounts");
}

static bool load_all(fy_load *l)
{
    fy_fleet *fleet = l->fleet;

    fleet->now_us = fy_unpack_in(&l->in, -FY_LOAD_SPAN, FY_LOAD_SPAN);
    fleet->n_events = fy_unpack_u64(&l->in);
    fleet->power_cap_mw = fy_unpack_in(&l->in, 0, FY_NEVER);
    return fy_load_fine(l, "its beginning") && load_chips(l) && load_tenants(l) && load_mix(l) &&
           load_nodes(l) && load_classes(l) && load_ids(l) && fy_load_jobs(l) &&
           load_nodes_standing(l) && load_free_slots(l) && load_accounts(l) &&
           (l->in.at == l->in.end || fy_load_bad(l, "bytes after its end"));
}

static int load_bytes(fy_fleet **out, const void *bytes, size_t len, bool trusted, fy_err *err)
{
    fy_err why = {0};
    fy_load l = {.err = &why};
    int status = fy_unpack_frame(&l.in, bytes, len, fy_snapshot_magic, trusted, "snapshot", err);

    if (status != 0) {
        return status;
    }
    l.fleet = fy_fleet_new();
    if (!load_all(&l)) {
        status = fy_fail(err, FY_EPARSE, "snapshot: no state of a fleet: %s out of range or torn",
                         l.what != NULL ? l.what : "something");
    } else if (!trusted && fy_fleet_check(l.fleet, &why) != 0) {
        status = fy_fail(err, FY_EPARSE, "snapshot: no state of a fleet: %s", why.text);
    }
    free(l.chunks);
    free(l.devices);
    free(l.rates);
    free(l.after);
    free(l.name);
    if (status == 0) {
        *out = l.fleet;
    } else {
        fy_fleet_free(l.fleet);
    }
    return status;
}

int fy_fleet_load(fy_fleet **out, const void *bytes, size_t len, fy_err *err)
{
    return load_bytes(out, bytes, len, false, err);
}

fy_fleet *fy_fleet_reload(const void *bytes, size_t len)
{
    fy_fleet *fleet = NULL;
    fy_err err = {0};
    int status = load_bytes(&fleet, bytes, len, true, &err);

    assert(status == 0);
    return fleet;
}
