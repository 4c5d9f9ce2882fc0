/* SPDX-License-Identifier: MIT */
/*
 * A small site made in memory, for tests that read jobs without reading files: three rated chips in
 * the fleet (v100, p100, k80) and one in the catalogue alone (h800).
 */
#ifndef FUYAO_TESTS_FIXTURE_H
#define FUYAO_TESTS_FIXTURE_H

#include "fuyao/site.h"
#include "model/catalog.h"

#include <stdlib.h>

typedef struct fixture {
    fy_site site;
    fy_catalog catalog;
    fy_chip chips[4];
    fy_pool_spec pools[3];
} fixture;

static const char *const fixture_names[4] = {"h800", "k80", "p100", "v100"};
static const char *const fixture_aliases[4] = {"H800", "K80", "P100", "V100"};

/* Made to be computed with: v100 has 4 times the FLOP/s of k80 and twice its bandwidth. */
static inline fixture *fixture_new(void)
{
    static const double flop_per_s[4] = {80e12, 5e12, 10e12, 20e12};
    static const double bytes_per_s[4] = {2e12, 0.5e12, 0.5e12, 1e12};
    fixture *f = calloc(1, sizeof *f);

    if (f == NULL) {
        abort();
    }
    for (int i = 0; i < 4; i++) {
        fy_chip *chip = &f->chips[i];

        chip->id = fixture_names[i];
        chip->aliases = &fixture_aliases[i];
        chip->n_aliases = 1;
        chip->bf16 = fy_range_exact(flop_per_s[i], FY_GRADE_DATASHEET, "made up");
        chip->memory_bytes_per_s = fy_range_exact(bytes_per_s[i], FY_GRADE_DATASHEET, "made up");
        chip->link_bytes_per_s = fy_range_unknown();
        chip->memory_bytes = fy_range_exact(32e9, FY_GRADE_DATASHEET, "made up");
        chip->pcie_gen = fy_range_exact(3, FY_GRADE_DATASHEET, "made up");
    }
    f->catalog.chips = f->chips;
    f->catalog.n_chips = 4;
    f->site.name = "fixture";
    f->site.catalog = &f->catalog;
    f->site.pools = f->pools;
    for (int i = 0; i < 3; i++) {
        f->site.chips[i] = &f->chips[3 - i]; /* v100, p100, k80 */
        f->pools[i] = (fy_pool_spec){.name = fixture_names[3 - i],
                                     .chip = i,
                                     .nodes = 4,
                                     .devices = 8,
                                     .devices_per_chip = 1,
                                     .cpu_milli = 96000,
                                     .memory_mib = 524288};
    }
    f->site.n_chips = f->site.n_pools = 3;
    return f;
}

static inline void fixture_free(fixture *f)
{
    free(f);
}

#endif
