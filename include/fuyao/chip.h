/* SPDX-License-Identifier: MIT */
/*
 * The catalogue: what is known of each accelerator type and server model, with grade and source.
 *
 * A number is a `fy_range`: low = mid = high where it is known exactly, NAN in all three where it
 * is unknown (never 0), a true range where data/assumptions.yaml fills a gap. The catalogue is
 * loaded once into an arena and immutable afterwards, so `const` pointers into it are shared
 * freely; they are borrowed from the catalogue and live as long as it does.
 */
#ifndef FUYAO_CHIP_H
#define FUYAO_CHIP_H

#include "fuyao/error.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum fy_grade {
    FY_GRADE_UNKNOWN = 0, /* no value */
    FY_GRADE_DATASHEET,   /* read in a datasheet or a public listing */
    FY_GRADE_MEASURED,    /* measured, here or elsewhere */
    FY_GRADE_RECALLED,    /* from memory of a datasheet, not read again */
    FY_GRADE_DERIVED,     /* computed from other numbers */
    FY_GRADE_FITTED,      /* fitted to measurements */
    FY_GRADE_ASSUMED,     /* a reasoned range from data/assumptions.yaml */
} fy_grade;

/* The grade as a word: "datasheet", "measured", ... */
const char *fy_grade_name(fy_grade grade);

/* One number with its uncertainty. Unit: said by the field that holds it. */
typedef struct fy_range {
    double low, mid, high; /* low <= mid <= high, or all NAN */
    fy_grade grade;
    const char *source; /* borrowed from the catalogue; NULL if unknown */
} fy_range;

static inline bool fy_known(double x)
{
    return !isnan(x);
}

/* Work of which kind limits: shares of the reference time, and slowdowns, are indexed by these. */
typedef enum fy_bound { FY_COMPUTE, FY_MEMORY, FY_LINK, FY_HOST, FY_N_BOUNDS } fy_bound;

typedef struct fy_chip {
    const char *id;     /* `h20-96-sxm5` */
    const char *name;   /* `H20 96GB SXM5` */
    const char *vendor; /* "" if unknown */
    const char *vendor_stack;
    const char *arch;
    const char *form;
    const char *memory_type;
    const char *link_name;
    const char *pci_ids;        /* vendor:device, space separated */
    const char *const *aliases; /* names in public traces, n_aliases of them */
    int n_aliases;
    const char *source;       /* of the row */
    const char *confidence;   /* of the row: read, recalled, derived, ... */
    const char *const *notes; /* "cell: note", n_notes of them */
    int n_notes;
    fy_range year;
    fy_range sms;                  /* count; what is counted depends on the vendor */
    fy_range boost_hz;             /* clock that gives the tensor peak */
    fy_range fp64, fp32, tf32;     /* dense rates [FLOP/s]; fp64 and fp32 are vector rates */
    fy_range bf16, fp16, fp8, fp4; /* dense tensor rates [FLOP/s] */
    fy_range int8;                 /* dense [OP/s] */
    fy_range memory_bytes;         /* maker's figure */
    fy_range memory_bytes_per_s;
    fy_range l2_bytes;
    fy_range link_bytes_per_s; /* both directions together, PCIe not included; 0 = no link */
    fy_range pcie_gen;
    fy_range tdp_w, idle_w, active_w; /* per device; active = training, mean */
    fy_range die_mm2, node_nm, tpp, performance_density, price_usd;
} fy_chip;

typedef struct fy_server {
    const char *id, *name, *chip, *intra_topology, *source, *confidence;
    int chips;               /* accelerators in one server */
    fy_range cpu_cores;      /* cores, or vCPUs where the source is a trace */
    fy_range memory_bytes;   /* host memory */
    fy_range nic_bits_per_s; /* sum over the compute NICs, one direction */
    fy_range nics;
    fy_range max_power_w;
    fy_range overhead_w; /* power beside the accelerators */
} fy_server;

/* Devices that the server's link joins where it is not all of them: 2 for `nvlink-pairs`; else 0.
 */
int fy_server_link_group(const fy_server *server);

/* One row of data/assumptions.yaml: a range for what is unknown. */
typedef struct fy_assumption {
    const char *scope; /* chip or server id, class, region, or "*" */
    const char *quantity;
    double low, mid, high;
    const char *unit, *reason, *source;
} fy_assumption;

typedef struct fy_catalog fy_catalog;

/*
 * Load data/chips, data/servers and data/assumptions.yaml below the folder `data_dir` and fill gaps
 * through the assumptions (the more exact scope wins: id, then class, then "*").
 *   out       owned by caller, freed with fy_catalog_free
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE with file:line.
 */
int fy_catalog_load(fy_catalog **out, const char *data_dir, fy_err *err) FY_NODISCARD;
void fy_catalog_free(fy_catalog *catalog); /* NULL allowed */

int fy_catalog_n_chips(const fy_catalog *catalog);
const fy_chip *fy_catalog_chip(const fy_catalog *catalog, int i); /* 0 <= i < n, sorted by id */
int fy_catalog_n_servers(const fy_catalog *catalog);
const fy_server *fy_catalog_server(const fy_catalog *catalog, int i);

/* The chip or server with that id, or NULL. */
const fy_chip *fy_catalog_find_chip(const fy_catalog *catalog, const char *id);
const fy_server *fy_catalog_find_server(const fy_catalog *catalog, const char *id);

/* The assumption that holds for `id` (id, its classes, then "*"), or NULL. */
const fy_assumption *fy_catalog_assumption(const fy_catalog *catalog, const char *id,
                                           const char *quantity, const char *unit);

/*
 * Slowdown of work on chip `a` against chip `b` by bound: time on a / time on b, as a range.
 *   bound   FY_COMPUTE: ratio of the best dense training rate both have (BF16, else FP16, ...);
 *           FY_MEMORY: ratio of memory bandwidths; FY_HOST: 1; FY_LINK: ratio of device links,
 *           PCIe x16 standing in where it is known that a chip has no link
 * Returns a range with NANs where a rate is unknown on either side.
 */
fy_range fy_chip_slowdown(const fy_chip *a, const fy_chip *b, fy_bound bound);

/*
 * The roofline mix: slowdown = sum_i w[i] r_i over the shares w of the reference time on `b`
 * (w[FY_COMPUTE..FY_HOST] >= 0, summing to 1). A bound with share 0 may be unknown.
 */
fy_range fy_chip_slowdown_mix(const fy_chip *a, const fy_chip *b, const double w[FY_N_BOUNDS]);

#endif
