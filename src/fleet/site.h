/* SPDX-License-Identifier: MIT */
/* Building a site: what its loader and its editor share. Private to the fleet layer. */
#ifndef FUYAO_FLEET_SITE_H
#define FUYAO_FLEET_SITE_H

#include "fuyao/site.h"

/* An empty site with its arena; freed with fy_site_free. `catalog` is borrowed. */
fy_site *fy_site_new(const fy_catalog *catalog);

/* Index of the chip in the site, added if new; negative where the site has FY_MAX_CHIPS. */
int fy_site_add_chip(fy_site *site, const fy_chip *chip);

/* Devices of one chip type (index) over all pools. */
int64_t fy_site_devices_of(const fy_site *site, int chip);

/* A package's range shared by its devices. */
fy_range fy_site_per_device(fy_range package, double devices_per_chip);

#endif
