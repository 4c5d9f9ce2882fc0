/* SPDX-License-Identifier: MIT */
/*
 * What this machine has: accelerators on the PCI bus, known by their ids in the chip catalogue, and
 * processors. An accelerator that the catalogue does not know, or knows under two names, stays
 * unknown: it is listed, and no rate is made up for it. Virtual devices are declared in a fleet
 * file and never discovered.
 */
#ifndef FUYAO_DAEMON_DISCOVER_H
#define FUYAO_DAEMON_DISCOVER_H

#include "base/arena.h"
#include "daemon/nvml.h"
#include "fuyao/site.h"

typedef struct fy_found_device {
    char address[32];        /* 0000:3b:00.0 */
    unsigned vendor, device; /* PCI ids */
    int numa;                /* node of its memory; -1 unknown */
    const fy_chip *chip;     /* of the catalogue; NULL unknown */
    const char *name, *uuid; /* as its driver says, "" unknown; owned by the arena */
    double power_w, limit_w; /* NAN unknown */
} fy_found_device;

typedef struct fy_machine {
    const char *host;         /* name without domain */
    int processors;           /* >= 1 */
    int64_t memory_mib;       /* -1 unknown */
    fy_found_device *devices; /* [n_devices] in order of PCI addresses: their numbers, as the
                                 driver counts with CUDA_DEVICE_ORDER=PCI_BUS_ID */
    int n_devices;
} fy_machine;

/*
 * Look around. Cannot fail: what is not there is not listed.
 *   root   folder that holds `sys`; "" = this machine's own
 *   nvml   NULL = none
 * Owned by the arena.
 */
fy_machine fy_discover(const fy_catalog *catalog, const char *root, const fy_nvml *nvml,
                       fy_arena *arena);

/*
 * This machine as a site of one node: its accelerators, or, where it has none, a slot for each
 * processor (devices of a chip called `cpu`). Where it has accelerators of several kinds, those
 * that there are most of, the first of equals; *note (may be NULL) says in one line what was found
 * and what is left out. A chip that the catalogue does not know is made up from its ids, with
 * nothing known of it.
 * Owned by the arena; do not free it as a site.
 */
const fy_site *fy_machine_site(const fy_machine *machine, const fy_catalog *catalog,
                               const char **note, fy_arena *arena);

#endif
