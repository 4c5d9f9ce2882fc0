/* SPDX-License-Identifier: MIT */
/*
 * What the daemon serves: the devices that a fleet file declares, or this machine's own. A machine
 * without accelerators has CPU slots, one a processor: devices of a chip called `cpu`.
 */
#include "cli/cmd.h"
#include "model/catalog.h"
#include "cli/serve.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static fy_range some(double value)
{
    return fy_range_exact(value, FY_GRADE_ASSUMED, "a processor of this machine");
}

static int machine_site(serve *s)
{
    fy_site *site = fy_arena_alloc(&s->arena, sizeof *site);
    fy_pool_spec *pool = fy_arena_alloc(&s->arena, sizeof *pool);
    fy_chip *chip = fy_arena_alloc(&s->arena, sizeof *chip);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    char host[60] = "here";

    (void)gethostname(host, sizeof host - 1);
    processors = processors > 0 && processors <= 4096 ? processors : 1;
    *chip = (fy_chip){.id = "cpu", .name = "a processor"};
    *pool = (fy_pool_spec){.name = fy_arena_strdup(&s->arena, host),
                           .nodes = 1,
                           .devices = (int)processors,
                           .devices_per_chip = 1,
                           .cpu_milli = (int64_t)processors * 1000,
                           .memory_mib =
                               pages > 0 && page > 0 ? (int64_t)pages / 1024 * page / 1024 : -1,
                           .idle_w = some(0),
                           .active_w = some(0),
                           .overhead_w = some(0),
                           .nic_bytes_per_s = (double)NAN};
    *site = (fy_site){.name = pool->name,
                      .note = "this machine",
                      .n_chips = 1,
                      .pools = pool,
                      .n_pools = 1,
                      .pue = some(1),
                      .price_per_kwh = fy_range_unknown(),
                      .currency = "USD",
                      .power_cap_w = (double)NAN,
                      .catalog = s->catalog};
    site->chips[0] = chip;
    s->site = site;
    s->virtual_devices = false;
    return 0;
}

int serve_site(serve *s, fy_err *err)
{
    const char *fleet = s->args.fleet != NULL ? s->args.fleet : s->conf.fleet;
    int status;

    if (fleet == NULL) {
        return machine_site(s);
    }
    status = fy_site_load(&s->loaded, s->catalog, fleet, err);
    s->site = s->loaded;
    s->virtual_devices = !s->conf.real_devices;
    return status;
}
