/* SPDX-License-Identifier: MIT */
/* The catalogue as a whole (load, find, free) and the plain arithmetic of ranges and slowdowns. */
#include "model/catalog.h"

#include <stdlib.h>
#include <string.h>

/* data/catalog.yaml: which files make up the catalogue, relative to it. */
typedef struct raw_index {
    fy_texts chips, servers;
    char *assumptions, *evidence;
} raw_index;

static const cyaml_schema_field_t index_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("chips", CYAML_FLAG_POINTER, raw_index, chips.items, chips.n_items,
                               &fy_text_schema, 1, 1000),
    CYAML_FIELD_SEQUENCE_COUNT("servers", CYAML_FLAG_POINTER, raw_index, servers.items,
                               servers.n_items, &fy_text_schema, 0, 1000),
    CYAML_FIELD_STRING_PTR("assumptions", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, raw_index,
                           assumptions, 1, 200),
    CYAML_FIELD_STRING_PTR("evidence", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, raw_index,
                           evidence, 1, 200),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t index_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_index, index_fields)};

typedef int (*add_fn)(fy_catalog *catalog, const char *path, fy_err *err);

static int add_files(fy_catalog *catalog, const char *folder, const char *const *names, unsigned n,
                     add_fn add, fy_err *err)
{
    for (unsigned i = 0; i < n; i++) {
        int rc = add(catalog, fy_arena_printf(&catalog->arena, "%s/%s", folder, names[i]), err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int by_chip_id(const void *a, const void *b)
{
    return strcmp(((const fy_chip *)a)->id, ((const fy_chip *)b)->id);
}

static int by_server_id(const void *a, const void *b)
{
    return strcmp(((const fy_server *)a)->id, ((const fy_server *)b)->id);
}

int fy_catalog_load(fy_catalog **out, const char *data_dir, fy_err *err)
{
    fy_catalog *c = fy_calloc(1, sizeof *c);
    fy_doc *doc = NULL;
    const char *path = fy_arena_printf(&c->arena, "%s/catalog.yaml", data_dir);
    int rc = fy_doc_load(&doc, path, &index_schema, err);
    if (rc == 0) {
        const raw_index *index = fy_doc_data(doc);
        const char *one;
        rc = add_files(c, data_dir, index->chips.items, index->chips.n_items, fy_catalog_add_chips,
                       err);
        if (rc == 0) {
            rc = add_files(c, data_dir, index->servers.items, index->servers.n_items,
                           fy_catalog_add_servers, err);
        }
        if (rc == 0 && (one = index->assumptions) != NULL) {
            rc = add_files(c, data_dir, &one, 1, fy_catalog_add_assumptions, err);
        }
        if (rc == 0 && (one = index->evidence) != NULL) {
            rc = add_files(c, data_dir, &one, 1, fy_catalog_add_evidence, err);
        }
    }
    fy_doc_free(doc);
    if (rc != 0) {
        fy_catalog_free(c);
        return rc;
    }
    qsort(c->chips, (size_t)c->n_chips, sizeof *c->chips, by_chip_id);
    if (c->n_servers > 0) {
        qsort(c->servers, (size_t)c->n_servers, sizeof *c->servers, by_server_id);
    }
    fy_catalog_fill_gaps(c);
    *out = c;
    return 0;
}

void fy_catalog_free(fy_catalog *catalog)
{
    if (catalog != NULL) {
        fy_arena_free(&catalog->arena);
        free(catalog);
    }
}

int fy_catalog_n_chips(const fy_catalog *catalog)
{
    return catalog->n_chips;
}

const fy_chip *fy_catalog_chip(const fy_catalog *catalog, int i)
{
    return &catalog->chips[i];
}

int fy_catalog_n_servers(const fy_catalog *catalog)
{
    return catalog->n_servers;
}

const fy_server *fy_catalog_server(const fy_catalog *catalog, int i)
{
    return &catalog->servers[i];
}

const fy_chip *fy_catalog_find_chip(const fy_catalog *catalog, const char *id)
{
    for (int i = 0; i < catalog->n_chips; i++) {
        if (strcmp(catalog->chips[i].id, id) == 0) {
            return &catalog->chips[i];
        }
    }
    return NULL;
}

const fy_server *fy_catalog_find_server(const fy_catalog *catalog, const char *id)
{
    for (int i = 0; i < catalog->n_servers; i++) {
        if (strcmp(catalog->servers[i].id, id) == 0) {
            return &catalog->servers[i];
        }
    }
    return NULL;
}

static const char *const grade_words[] = {
    [FY_GRADE_UNKNOWN] = "unknown",   [FY_GRADE_DATASHEET] = "datasheet",
    [FY_GRADE_MEASURED] = "measured", [FY_GRADE_RECALLED] = "recalled",
    [FY_GRADE_DERIVED] = "derived",   [FY_GRADE_FITTED] = "fitted",
    [FY_GRADE_ASSUMED] = "assumed",
};
enum { N_GRADES = sizeof grade_words / sizeof *grade_words };

const char *fy_grade_name(fy_grade grade)
{
    return (unsigned)grade < N_GRADES ? grade_words[grade] : "unknown";
}

int fy_grade_from(const char *word)
{
    for (int i = FY_GRADE_DATASHEET; i < N_GRADES; i++) {
        if (strcmp(grade_words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

/* -------------------------------------------------------------------------------------- ranges */

fy_range fy_range_unknown(void)
{
    return (fy_range){.low = NAN, .mid = NAN, .high = NAN, .grade = FY_GRADE_UNKNOWN};
}

fy_range fy_range_exact(double value, fy_grade grade, const char *source)
{
    return (fy_range){value, value, value, grade, source};
}

/* The grade of what is computed from both: assumed if either is, else derived. */
static fy_grade worse(fy_range x, fy_range y)
{
    bool assumed = x.grade == FY_GRADE_ASSUMED || y.grade == FY_GRADE_ASSUMED;
    return assumed ? FY_GRADE_ASSUMED : FY_GRADE_DERIVED;
}

fy_range fy_range_times(fy_range x, fy_range y)
{
    if (!fy_known(x.mid) || !fy_known(y.mid)) {
        return fy_range_unknown();
    }
    return (fy_range){x.low * y.low, x.mid * y.mid, x.high * y.high, worse(x, y), NULL};
}

fy_range fy_range_over(fy_range x, fy_range y)
{
    if (!fy_known(x.mid) || !fy_known(y.mid) || y.low <= 0) {
        return fy_range_unknown();
    }
    return (fy_range){x.low / y.high, x.mid / y.mid, x.high / y.low, worse(x, y), NULL};
}

/*
 * Rate between two devices [B/s, both directions]: the device link, else PCIe x16 where it is known
 * that there is no link (8 GT/s a lane in generation 3, doubled by each later one, 128b/130b).
 */
static fy_range path_bytes_per_s(const fy_chip *chip, const char **what)
{
    *what = "device link";
    if (!(chip->link_bytes_per_s.high == 0) || !fy_known(chip->pcie_gen.mid)) {
        return chip->link_bytes_per_s;
    }
    *what = "PCIe x16";
    double bytes_per_s = 2 * 16e9 * 128 / 130;
    for (int gen = 3; gen < (int)chip->pcie_gen.mid && gen < 10; gen++) {
        bytes_per_s *= 2;
    }
    return fy_range_exact(bytes_per_s, FY_GRADE_DERIVED, "PCIe x16");
}

/* The dense 16-bit rate: BF16, else FP16. */
static fy_range half_rate(const fy_chip *chip, const char **what)
{
    bool bf16 = fy_known(chip->bf16.mid);
    *what = bf16 ? "dense BF16" : "dense FP16";
    return bf16 ? chip->bf16 : chip->fp16;
}

fy_basis fy_slowdown_basis(const fy_chip *a, const fy_chip *b, fy_bound bound)
{
    fy_basis x = {fy_range_unknown(), fy_range_unknown(), "rate", "rate"};
    switch (bound) {
    case FY_COMPUTE: /* the best training rate that both have */
        x.on_a = half_rate(a, &x.what_a);
        x.on_b = half_rate(b, &x.what_b);
        if (!fy_known(x.on_a.mid) || !fy_known(x.on_b.mid)) {
            x = (fy_basis){a->fp32, b->fp32, "vector FP32", "vector FP32"};
        }
        break;
    case FY_MEMORY:
        x = (fy_basis){a->memory_bytes_per_s, b->memory_bytes_per_s, "memory bandwidth",
                       "memory bandwidth"};
        break;
    case FY_LINK:
        x.on_a = path_bytes_per_s(a, &x.what_a);
        x.on_b = path_bytes_per_s(b, &x.what_b);
        break;
    case FY_HOST:
    case FY_N_BOUNDS:
        break;
    }
    return x;
}

fy_range fy_chip_slowdown(const fy_chip *a, const fy_chip *b, fy_bound bound)
{
    if (bound == FY_HOST) {
        return fy_range_exact(1, FY_GRADE_DERIVED, NULL);
    }
    fy_basis x = fy_slowdown_basis(a, b, bound);
    return fy_range_over(x.on_b, x.on_a);
}

fy_range fy_chip_slowdown_mix(const fy_chip *a, const fy_chip *b, const double w[FY_N_BOUNDS])
{
    fy_range sum = fy_range_exact(0, FY_GRADE_DERIVED, NULL);
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        if (w[i] == 0) {
            continue;
        }
        fy_range r = fy_chip_slowdown(a, b, (fy_bound)i);
        if (!fy_known(r.mid)) {
            return fy_range_unknown();
        }
        sum.low += w[i] * r.low;
        sum.mid += w[i] * r.mid;
        sum.high += w[i] * r.high;
        sum.grade = worse(sum, r);
    }
    return sum;
}
