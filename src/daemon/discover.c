/* SPDX-License-Identifier: MIT */
#include "daemon/discover.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VENDOR_NVIDIA = 0x10de, CLASS_VGA = 0x0300, CLASS_3D = 0x0302, CLASS_ACCELERATOR = 0x1200 };

/* A number in a file of sysfs, such as 0x10de or -1; `missing` where there is none. */
static long number_of(const char *folder, const char *name, long missing)
{
    char path[512], text[32];
    char *end;
    ssize_t n;
    long value;
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        return missing;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (n <= 0) {
        return missing;
    }
    text[n] = '\0';
    value = strtol(text, &end, 0);
    return end == text || (*end != '\n' && *end != '\0') ? missing : value;
}

static bool lists(const char *ids, unsigned vendor, unsigned device)
{
    char want[16];

    (void)snprintf(want, sizeof want, "%04x:%04x", vendor & 0xffff, device & 0xffff);
    for (const char *at = ids; at != NULL && (at = strstr(at, want)) != NULL; at++) {
        if ((at == ids || at[-1] == ' ') && (at[9] == '\0' || at[9] == ' ')) {
            return true;
        }
    }
    return false;
}

/* The chip with that id; *n = how many have it. */
static const fy_chip *chip_of(const fy_catalog *catalog, unsigned vendor, unsigned device, int *n)
{
    const fy_chip *found = NULL;

    *n = 0;
    for (int i = 0; i < fy_catalog_n_chips(catalog); i++) {
        const fy_chip *chip = fy_catalog_chip(catalog, i);

        if (lists(chip->pci_ids, vendor, device)) {
            found = chip;
            (*n)++;
        }
    }
    return found;
}

/* Whether what the catalogue does not know is an accelerator all the same. A screen's adapter is
 * one only where NVIDIA made it. */
static bool accelerates(unsigned vendor, long class)
{
    long kind = class >> 8;

    return kind == CLASS_3D || kind == CLASS_ACCELERATOR ||
           (kind == CLASS_VGA && vendor == VENDOR_NVIDIA);
}

static void ask_driver(fy_found_device *d, const fy_nvml *nvml, fy_arena *arena)
{
    d->name = d->uuid = "";
    d->power_w = d->limit_w = (double)NAN;
    for (int i = 0; i < fy_nvml_count(nvml); i++) {
        fy_nvml_device seen = fy_nvml_get(nvml, i);

        if (strcmp(seen.address, d->address) == 0) {
            d->name = fy_arena_strdup(arena, seen.name);
            d->uuid = fy_arena_strdup(arena, seen.uuid);
            d->power_w = seen.power_w;
            d->limit_w = seen.limit_w;
        }
    }
}

/* false: no accelerator. */
static bool read_device(fy_found_device *d, const char *folder, const char *address,
                        const fy_catalog *catalog)
{
    long vendor = number_of(folder, "vendor", -1), device = number_of(folder, "device", -1);
    int n;

    if (vendor < 0 || vendor > 0xffff || device < 0 || device > 0xffff) {
        return false;
    }
    *d = (fy_found_device){.vendor = (unsigned)vendor, .device = (unsigned)device};
    fy_pci_address(d->address, address);
    d->chip = chip_of(catalog, d->vendor, d->device, &n);
    if (n == 0 && !accelerates(d->vendor, number_of(folder, "class", 0))) {
        return false;
    }
    d->chip = n == 1 ? d->chip : NULL;
    d->numa = (int)number_of(folder, "numa_node", -1);
    d->numa = d->numa >= 0 ? d->numa : -1;
    return true;
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const fy_found_device *)a)->address, ((const fy_found_device *)b)->address);
}

static void find_devices(fy_machine *m, const fy_catalog *catalog, const char *root,
                         const fy_nvml *nvml, fy_arena *arena)
{
    const char *path = fy_arena_printf(arena, "%s/sys/bus/pci/devices", root);
    DIR *dir = opendir(path);
    fy_found_device *found = NULL, one;
    struct dirent *entry;
    size_t n = 0, room = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' &&
            read_device(&one, fy_arena_printf(arena, "%s/%s", path, entry->d_name), entry->d_name,
                        catalog)) {
            ask_driver(&one, nvml, arena);
            found = fy_grow(found, &room, n + 1, sizeof *found);
            found[n++] = one;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    if (n > 0) {
        qsort(found, n, sizeof *found, by_address);
        m->devices = fy_arena_alloc(arena, n * sizeof *found);
        memcpy(m->devices, found, n * sizeof *found);
        m->n_devices = (int)n;
    }
    free(found);
}

fy_machine fy_discover(const fy_catalog *catalog, const char *root, const fy_nvml *nvml,
                       fy_arena *arena)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    char host[64] = "here";
    fy_machine m = {
        .processors = processors >= 1 && processors <= 4096 ? (int)processors : 1,
        .memory_mib = pages > 0 && page > 0 ? (int64_t)pages * (page / 1024) / 1024 : -1,
    };

    (void)gethostname(host, sizeof host - 1);
    host[sizeof host - 1] = '\0';
    host[strcspn(host, ".")] = '\0';
    m.host = fy_arena_strdup(arena, host[0] != '\0' ? host : "here");
    find_devices(&m, catalog, root, nvml, arena);
    return m;
}

/* ------------------------------------------------------------------ as a site */

static bool same_kind(const fy_found_device *a, const fy_found_device *b)
{
    return a->chip != NULL ? a->chip == b->chip
                           : b->chip == NULL && a->vendor == b->vendor && a->device == b->device;
}

static int count_kind(const fy_machine *m, const fy_found_device *kind)
{
    int n = 0;

    for (int i = 0; i < m->n_devices; i++) {
        n += same_kind(kind, &m->devices[i]);
    }
    return n;
}

static fy_range known_to_be(double value, const char *source)
{
    return (fy_range){
        .low = value, .mid = value, .high = value, .grade = FY_GRADE_ASSUMED, .source = source};
}

static fy_range unknown(void)
{
    double nan = (double)NAN;

    return (fy_range){.low = nan, .mid = nan, .high = nan};
}

/* A chip of which nothing is known but what it is called. */
static const fy_chip *made_up(const char *id, const char *name, fy_arena *arena)
{
    fy_chip *chip = fy_arena_alloc(arena, sizeof *chip);
    fy_range u = unknown();

    *chip = (fy_chip){.id = id,
                      .name = name,
                      .vendor = "",
                      .vendor_stack = "",
                      .arch = "",
                      .form = "",
                      .memory_type = "",
                      .link_name = "",
                      .pci_ids = "",
                      .source = "found on this machine",
                      .confidence = ""};
    chip->year = chip->sms = chip->boost_hz = chip->fp64 = chip->fp32 = chip->tf32 = u;
    chip->bf16 = chip->fp16 = chip->fp8 = chip->fp4 = chip->int8 = chip->memory_bytes = u;
    chip->memory_bytes_per_s = chip->l2_bytes = chip->link_bytes_per_s = chip->pcie_gen = u;
    chip->tdp_w = chip->idle_w = chip->active_w = chip->die_mm2 = chip->node_nm = chip->tpp = u;
    chip->performance_density = chip->price_usd = u;
    return chip;
}

static const fy_chip *chip_for(const fy_found_device *d, fy_arena *arena)
{
    const char *id;

    if (d->chip != NULL) {
        return d->chip;
    }
    id = fy_arena_printf(arena, "pci-%04x-%04x", d->vendor, d->device);
    return made_up(id, d->name[0] != '\0' ? d->name : "an accelerator that is not in the catalogue",
                   arena);
}

static fy_range or_zero(fy_range range)
{
    return fy_known(range.mid) ? range : known_to_be(0, "not known: left out of the sum");
}

const fy_site *fy_machine_site(const fy_machine *m, const fy_catalog *catalog, const char **note,
                               fy_arena *arena)
{
    fy_site *site = fy_arena_alloc(arena, sizeof *site);
    fy_pool_spec *pool = fy_arena_alloc(arena, sizeof *pool);
    const fy_found_device *kind = m->n_devices > 0 ? &m->devices[0] : NULL;
    const fy_chip *chip;
    int n = m->processors;

    for (int i = 1; i < m->n_devices; i++) {
        kind = count_kind(m, &m->devices[i]) > count_kind(m, kind) ? &m->devices[i] : kind;
    }
    if (kind != NULL) {
        chip = chip_for(kind, arena);
        n = count_kind(m, kind);
    } else {
        chip = made_up("cpu", "a processor", arena);
    }
    if (note != NULL) {
        *note =
            n < m->n_devices
                ? fy_arena_printf(arena, "%d x %s; %d accelerators of other kinds left out", n,
                                  chip->id, m->n_devices - n)
            : kind != NULL
                ? fy_arena_printf(arena, "%d x %s%s", n, chip->id,
                                  kind->chip == NULL ? ", which the catalogue does not know" : "")
                : fy_arena_printf(arena, "no accelerators: %d CPU slots", n);
    }
    *pool = (fy_pool_spec){.name = m->host,
                           .nodes = 1,
                           .devices = n,
                           .devices_per_chip = 1,
                           .cpu_milli = (int64_t)m->processors * 1000,
                           .memory_mib = m->memory_mib,
                           .idle_w = or_zero(chip->idle_w),
                           .active_w = or_zero(chip->active_w),
                           .overhead_w = known_to_be(0, "not known"),
                           .nic_bytes_per_s = (double)NAN};
    *site = (fy_site){.name = m->host,
                      .note = "this machine",
                      .n_chips = 1,
                      .pools = pool,
                      .n_pools = 1,
                      .pue = known_to_be(1, "this machine alone"),
                      .price_per_kwh = unknown(),
                      .currency = "USD",
                      .power_cap_w = (double)NAN,
                      .catalog = catalog};
    site->chips[0] = chip;
    return site;
}
