/* SPDX-License-Identifier: MIT */
/*
 * A fleet file (data/fleets/NAME.yaml): pools of like nodes, network, tenants, and the site's PUE,
 * price and power. Parsed strictly; immutable after load; everything in it is borrowed from it.
 */
#ifndef FUYAO_SITE_H
#define FUYAO_SITE_H

#include "fuyao/chip.h"

#include <stdint.h>

enum { FY_MAX_CHIPS = 64 }; /* chip types in one fleet: a set of them fits a 64-bit mask */

typedef struct fy_pool_spec {
    const char *name;          /* of the pool; node names are NAME-0000 ... */
    int chip;                  /* index into fy_site.chips */
    int nodes;                 /* >= 1 */
    int devices;               /* per node, >= 1 */
    int devices_per_chip;      /* devices that software sees per package (2 for a K80's dies) */
    int64_t cpu_milli;         /* per node; -1 = unlimited (not stated) */
    int64_t memory_mib;        /* per node; -1 = unlimited (not stated) */
    int nodes_per_rack;        /* 0 = no racks stated: each node is its own failure domain */
    fy_range idle_w, active_w; /* per device */
    fy_range overhead_w;       /* per node */
    double nic_bytes_per_s;    /* per node, all NICs, one direction; 0 or NAN = unknown */
} fy_pool_spec;

typedef struct fy_tenant_spec {
    const char *name;
    double weight;            /* > 0 */
    int64_t borrow_milli;     /* devices beyond the guarantee, milli; -1 = unlimited */
    int64_t *guarantee_milli; /* [n_chips], owned by the site */
} fy_tenant_spec;

typedef struct fy_site {
    const char *name;
    const char *note;                   /* source of the shape */
    const fy_chip *chips[FY_MAX_CHIPS]; /* types present, in order of first mention */
    int n_chips;
    fy_pool_spec *pools;
    int n_pools;
    fy_tenant_spec *tenants;
    int n_tenants;
    fy_range pue;              /* ratio >= 1 */
    fy_range price_per_kwh;    /* in `currency` */
    const char *currency;      /* "CNY", "USD" */
    double power_cap_w;        /* NAN = none */
    const fy_catalog *catalog; /* borrowed */
    void *own;                 /* the site's arena */
} fy_site;

/*
 * Load a fleet file; chips and servers come from `catalog` (borrowed, must outlive the site).
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE with file:line.
 */
int fy_site_load(fy_site **out, const fy_catalog *catalog, const char *path,
                 fy_err *err) FY_NODISCARD;
void fy_site_free(fy_site *site);

enum { FY_CHIP_ABSENT = -1, FY_CHIP_UNKNOWN = -2 };

/*
 * Index of the chip type called `name` (id or alias, `len` bytes) in this site. An exact id wins,
 * then an alias of a chip that the site has. FY_CHIP_ABSENT: in the catalogue, not in this site.
 * FY_CHIP_UNKNOWN: no such name.
 */
int fy_site_chip(const fy_site *site, const char *name, size_t len);

/*
 * A copy of `site` in which every device of chip `from` is one of chip `to`: one for one (nodes
 * keep their shape), or, where `ratio` > 0, round(devices x ratio) devices in nodes of the same
 * shape, rounded down to whole nodes and at least one.
 */
int fy_site_replace(fy_site **out, const fy_site *site, const char *from, const char *to,
                    double ratio, fy_err *err) FY_NODISCARD;

#endif
