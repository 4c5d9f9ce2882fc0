/* SPDX-License-Identifier: MIT */
/* A site once loaded: names of chips, and copies of it with chips replaced. */
#include "fleet/site.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fy_site *fy_site_new(const fy_catalog *catalog)
{
    fy_site *site = fy_calloc(1, sizeof *site);
    site->own = fy_calloc(1, sizeof(fy_arena));
    site->catalog = catalog;
    return site;
}

int fy_site_add_chip(fy_site *site, const fy_chip *chip)
{
    for (int i = 0; i < site->n_chips; i++) {
        if (site->chips[i] == chip) {
            return i;
        }
    }
    if (site->n_chips == FY_MAX_CHIPS) {
        return -1;
    }
    site->chips[site->n_chips] = chip;
    return site->n_chips++;
}

int64_t fy_site_devices_of(const fy_site *site, int chip)
{
    int64_t n = 0;
    for (int i = 0; i < site->n_pools; i++) {
        n += site->pools[i].chip == chip ? (int64_t)site->pools[i].nodes * site->pools[i].devices
                                         : 0;
    }
    return n;
}

fy_range fy_site_per_device(fy_range package, double devices_per_chip)
{
    return (fy_range){package.low / devices_per_chip, package.mid / devices_per_chip,
                      package.high / devices_per_chip, package.grade, package.source};
}

void fy_site_free(fy_site *site)
{
    if (site != NULL) {
        fy_arena_free(site->own);
        free(site->own);
        free(site);
    }
}

static bool has_alias(const fy_chip *chip, const char *name, size_t len)
{
    for (int i = 0; i < chip->n_aliases; i++) {
        if (strlen(chip->aliases[i]) == len && memcmp(chip->aliases[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_id(const fy_chip *chip, const char *name, size_t len)
{
    return strlen(chip->id) == len && memcmp(chip->id, name, len) == 0;
}

int fy_site_chip(const fy_site *site, const char *name, size_t len)
{
    for (int i = 0; i < site->n_chips; i++) {
        if (has_id(site->chips[i], name, len)) {
            return i;
        }
    }
    bool known = false;
    for (int i = 0; i < fy_catalog_n_chips(site->catalog); i++) {
        const fy_chip *c = fy_catalog_chip(site->catalog, i);
        if (has_id(c, name, len)) {
            return FY_CHIP_ABSENT; /* an exact id, and not one of this site */
        }
        known = known || has_alias(c, name, len);
    }
    for (int i = 0; i < site->n_chips && known; i++) {
        if (has_alias(site->chips[i], name, len)) {
            return i;
        }
    }
    return known ? FY_CHIP_ABSENT : FY_CHIP_UNKNOWN;
}

/* Nodes of `pool` after replacing its devices by `ratio` times as many in nodes of its shape. */
static int nodes_after(const fy_pool_spec *pool, double ratio)
{
    if (!(ratio > 0)) {
        return pool->nodes;
    }
    double devices = round((double)pool->nodes * pool->devices * ratio);
    double nodes = floor(devices / pool->devices);
    return nodes < 1 ? 1 : nodes > 1e7 ? 10000000 : (int)nodes;
}

static int copy_pools(fy_site *to, const fy_site *site, int from_chip, const fy_chip *new_chip,
                      double ratio, fy_err *err)
{
    to->pools = fy_arena_alloc(to->own, (size_t)site->n_pools * sizeof *to->pools);
    to->n_pools = site->n_pools;
    for (int i = 0; i < site->n_pools; i++) {
        fy_pool_spec *p = &to->pools[i];
        *p = site->pools[i];
        p->name = fy_arena_strdup(to->own, p->name);
        const fy_chip *chip = site->chips[p->chip];
        if (p->chip == from_chip) {
            chip = new_chip;
            p->nodes = nodes_after(p, ratio);
            p->devices_per_chip = 1;
            p->idle_w = new_chip->idle_w;
            p->active_w = new_chip->active_w;
        }
        p->chip = fy_site_add_chip(to, chip);
        if (p->chip < 0) {
            return fy_fail(err, FY_ERANGE, "more than %d chip types in one fleet", FY_MAX_CHIPS);
        }
    }
    return 0;
}

/* Guarantees follow their devices to the new chip, scaled and never beyond what is there. */
static void copy_tenants(fy_site *to, const fy_site *site, int from_chip, const fy_chip *new_chip,
                         double ratio)
{
    double times = ratio > 0 ? ratio : 1;
    to->n_tenants = site->n_tenants;
    to->tenants = fy_arena_alloc(to->own, ((size_t)site->n_tenants + 1) * sizeof *to->tenants);
    for (int t = 0; t < site->n_tenants; t++) {
        const fy_tenant_spec *old = &site->tenants[t];
        fy_tenant_spec *new = &to->tenants[t];
        *new = *old;
        new->name = fy_arena_strdup(to->own, old->name);
        new->guarantee_milli = fy_arena_alloc(to->own, (size_t)to->n_chips * sizeof(int64_t));
        for (int c = 0; c < site->n_chips; c++) {
            bool moved = c == from_chip;
            int at = fy_site_add_chip(to, moved ? new_chip : site->chips[c]);
            int64_t devices = old->guarantee_milli[c] / 1000;
            devices = moved ? (int64_t)floor((double)devices * times) : devices;
            new->guarantee_milli[at] += devices * 1000;
        }
    }
    for (int c = 0; c < to->n_chips; c++) {
        int64_t left = fy_site_devices_of(to, c) * 1000;
        for (int t = 0; t < to->n_tenants; t++) {
            int64_t *g = &to->tenants[t].guarantee_milli[c];
            *g = *g < left ? *g : left;
            left -= *g;
        }
    }
}

int fy_site_replace(fy_site **out, const fy_site *site, const char *from, const char *to,
                    double ratio, fy_err *err)
{
    int from_chip = fy_site_chip(site, from, strlen(from));
    if (from_chip < 0) {
        return fy_fail(err, FY_ENOENT, "cannot replace %s: the fleet %s has none", from,
                       site->name);
    }
    const fy_chip *new_chip = fy_catalog_find_chip(site->catalog, to);
    if (new_chip == NULL) {
        return fy_fail(err, FY_ENOENT, "cannot replace %s: no chip \"%s\" in the catalogue", from,
                       to);
    }
    if (ratio < 0 || isinf(ratio)) {
        return fy_fail(err, FY_ERANGE, "cannot replace %s: the ratio must be positive", from);
    }
    fy_site *copy = fy_site_new(site->catalog);
    copy->name = fy_arena_printf(copy->own, "%s, %s as %s", site->name, site->chips[from_chip]->id,
                                 new_chip->id);
    copy->note = fy_arena_strdup(copy->own, site->note);
    copy->currency = fy_arena_strdup(copy->own, site->currency);
    copy->pue = site->pue;
    copy->price_per_kwh = site->price_per_kwh;
    copy->power_cap_w = site->power_cap_w;
    int rc = copy_pools(copy, site, from_chip, new_chip, ratio, err);
    if (rc != 0) {
        fy_site_free(copy);
        return rc;
    }
    copy_tenants(copy, site, from_chip, new_chip, ratio);
    *out = copy;
    return 0;
}
