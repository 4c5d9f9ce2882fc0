/* SPDX-License-Identifier: MIT */
#include "fuyao/rates.h"

#include "base/arena.h"
#include "fuyao/search.h"

#include <uthash.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The key's members one after the other, without padding whose bytes could differ. */
typedef struct packed {
    const fy_workload *workload;
    const fy_chip *chip;
    double nic_bytes_per_s;
    int32_t batch, devices, per_node, zero;
} packed;

typedef struct entry {
    UT_hash_handle hh;
    packed key;
    fy_planned_rate rate;
} entry;

struct fy_rates {
    const fy_stacks *stacks;
    const fy_stack *stack;
    entry *entries;
    fy_arena arena;
    int64_t searches;
};

int fy_rates_new(fy_rates **out, const fy_stacks *stacks, fy_err *err)
{
    const fy_stack *stack = fy_stacks_find(stacks, "megatron-core");

    *out = NULL;
    if (stack == NULL) {
        return fy_fail(err, FY_ENOENT,
                       "data/stacks has no megatron-core, whose layouts are planned");
    }
    *out = fy_calloc(1, sizeof **out);
    (*out)->stacks = stacks;
    (*out)->stack = stack;
    return 0;
}

void fy_rates_free(fy_rates *rates)
{
    if (rates != NULL) {
        HASH_CLEAR(hh, rates->entries); /* the table; the entries are the arena's */
        fy_arena_free(&rates->arena);
        free(rates);
    }
}

int64_t fy_rates_keys(const fy_rates *rates)
{
    return (int64_t)HASH_COUNT(rates->entries);
}

int64_t fy_rates_searches(const fy_rates *rates)
{
    return rates->searches;
}

/* ------------------------------------------------------------------ one rate */

static fy_planned_rate no_rate(const char *why)
{
    return (fy_planned_rate){
        .per_s = (double)NAN, .low = (double)NAN, .high = (double)NAN, .why = why};
}

/* A black box has the rates that were measured and no others. */
static fy_planned_rate measured(const fy_workload *w, const fy_rate_key *key)
{
    for (int i = 0; i < w->n_rates; i++) {
        const fy_workload_rate *r = &w->rates[i];

        if (r->devices == key->devices && strcmp(r->chip, key->chip->id) == 0) {
            return (fy_planned_rate){.per_s = r->samples_per_s,
                                     .low = r->samples_per_s,
                                     .high = r->samples_per_s,
                                     .devices = key->devices,
                                     .grade = r->grade};
        }
    }
    return no_rate("a black box, not measured on so many of them");
}

static const char *why_none(fy_rates *rates, const fy_search_result *found)
{
    const fy_memory *m = &found->closest.estimate.memory;

    if (found->unknown != NULL) {
        return fy_arena_printf(&rates->arena, "its %s is unknown", found->unknown);
    }
    if (found->has_closest) {
        return fy_arena_printf(&rates->arena, "does not fit: %.3g GiB too much on a device",
                               (m->reserved + m->bytes[FY_M_CONTEXT] - m->capacity) / 1073741824);
    }
    return "no layout uses them with this batch";
}

static int search(fy_rates *rates, fy_search_spec *spec, fy_search_result *found, fy_err *err)
{
    rates->searches++;
    return fy_search_run(found, spec, err);
}

/* With all devices; where no layout uses all, with as many as the fastest one uses. */
static int search_all(fy_rates *rates, fy_search_spec *spec, fy_cluster *cluster,
                      fy_search_result *found, fy_err *err)
{
    int rc = search(rates, spec, found, err);
    int fewer = cluster->devices;

    if (rc == 0 && found->n_top == 0 && found->counts.too_big == 0) {
        fewer = fy_search_fewer(spec, found, cluster->per_node);
    }
    if (fewer < cluster->devices) {
        fy_search_free(found);
        cluster->devices = fewer;
        rc = search(rates, spec, found, err);
    }
    return rc;
}

/* Nothing crosses the network then, and what is not known of it makes nothing unknown. */
static bool in_node(const fy_rate_key *key)
{
    return key->devices <= key->per_node;
}

static fy_planned_rate planned(fy_rates *rates, const fy_rate_key *key)
{
    const fy_workload *w = key->workload;
    fy_cluster cluster = {.chip = key->chip,
                          .devices = key->devices,
                          .per_node = key->per_node,
                          .nic_bytes_per_s = in_node(key) ? 1 : key->nic_bytes_per_s,
                          .power_cap_w = (double)NAN};
    fy_constants constants = fy_stacks_constants(rates->stacks, rates->stack, key->chip, NULL);
    fy_search_spec spec = {.model = &w->model,
                           .cluster = &cluster,
                           .stack = rates->stack,
                           .constants = &constants,
                           .global_batch = key->batch > 0 ? key->batch : w->global_batch,
                           .precision = w->precision,
                           .pins = fy_pins_none(),
                           .prices = {(double)NAN, (double)NAN, (double)NAN, (double)NAN},
                           .top = 1};
    fy_search_result found = {0};
    fy_planned_rate rate;
    fy_err err = {0};

    if (spec.global_batch <= 0) {
        return no_rate("its global batch is unknown: give one");
    }
    if (search_all(rates, &spec, &cluster, &found, &err) != 0) {
        return no_rate(fy_arena_strdup(&rates->arena, err.text));
    }
    rate = no_rate(found.n_top > 0 ? NULL : why_none(rates, &found));
    if (found.n_top > 0 && !fy_known(found.top[0].estimate.tokens_per_s)) {
        rate.why = "a number that its layouts need is unknown";
    } else if (found.n_top > 0) {
        const fy_estimate *e = &found.top[0].estimate;

        rate = (fy_planned_rate){.per_s = e->tokens_per_s,
                                 .low = e->tokens_per_s * (e->step_s / e->high_s),
                                 .high = e->tokens_per_s * (e->step_s / e->low_s),
                                 .devices = cluster.devices,
                                 .grade = FY_GRADE_DERIVED,
                                 .layout = found.top[0].layout};
    }
    fy_search_free(&found);
    return rate;
}

const fy_planned_rate *fy_rates_find(fy_rates *rates, const fy_rate_key *key)
{
    packed k;
    entry *e;

    memset(&k, 0, sizeof k);
    k.workload = key->workload;
    k.chip = key->chip;
    k.nic_bytes_per_s = in_node(key)                     ? 0
                        : fy_known(key->nic_bytes_per_s) ? key->nic_bytes_per_s
                                                         : -1;
    k.batch = key->batch == key->workload->global_batch ? 0 : key->batch;
    k.devices = key->devices;
    k.per_node = key->per_node;
    HASH_FIND(hh, rates->entries, &k, sizeof k, e);
    if (e == NULL) {
        e = fy_arena_alloc(&rates->arena, sizeof *e);
        e->key = k;
        e->rate = key->workload->kind == FY_BLACK_BOX ? measured(key->workload, key)
                                                      : planned(rates, key);
        HASH_ADD(hh, rates->entries, key, sizeof e->key, e);
    }
    return &e->rate;
}

const fy_server *fy_catalog_usual_server(const fy_catalog *catalog, const fy_chip *chip)
{
    const fy_server *first = NULL;

    for (int i = 0; i < fy_catalog_n_servers(catalog); i++) {
        const fy_server *s = fy_catalog_server(catalog, i);

        if (strcmp(s->chip, chip->id) != 0) {
            continue;
        }
        if (fy_known(s->nic_bits_per_s.mid)) {
            return s;
        }
        first = first != NULL ? first : s;
    }
    return first;
}
