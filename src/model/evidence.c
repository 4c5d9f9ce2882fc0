/* SPDX-License-Identifier: MIT */
/* Measurements, claims and kinds of work from data/evidence.yaml. */
#include "model/catalog.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct raw_measured {
    char *chip, *against, *quantity, *bound, *value, *outlier, *what, *source;
} raw_measured;

typedef struct raw_claim {
    char *id, *text, *chip, *quantity, *low, *high, *source;
    fy_texts against;
} raw_claim;

typedef struct raw_mix {
    char *id, *name, *compute, *memory, *link, *host, *training, *source;
} raw_mix;

typedef struct raw_file {
    raw_measured *measured;
    raw_claim *claims;
    raw_mix *mixes;
    unsigned n_measured, n_claims, n_mixes;
} raw_file;

enum { NEEDED = CYAML_FLAG_POINTER, OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };

#define TEXT(type, key, flags, max) CYAML_FIELD_STRING_PTR(#key, flags, type, key, 1, max)

static const cyaml_schema_field_t measured_fields[] = {
    TEXT(raw_measured, chip, NEEDED, 40),
    TEXT(raw_measured, against, OPTIONAL, 40),
    TEXT(raw_measured, quantity, NEEDED, 40),
    TEXT(raw_measured, bound, OPTIONAL, 20),
    TEXT(raw_measured, value, NEEDED, 80),
    TEXT(raw_measured, outlier, OPTIONAL, 5),
    TEXT(raw_measured, what, NEEDED, 400),
    TEXT(raw_measured, source, NEEDED, 200),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t measured_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_measured, measured_fields)};

static const cyaml_schema_field_t claim_fields[] = {
    TEXT(raw_claim, id, NEEDED, 40),
    TEXT(raw_claim, text, NEEDED, 200),
    TEXT(raw_claim, chip, NEEDED, 40),
    CYAML_FIELD_SEQUENCE_COUNT("against", NEEDED, raw_claim, against.items, against.n_items,
                               &fy_text_schema, 1, 100),
    TEXT(raw_claim, quantity, NEEDED, 40),
    TEXT(raw_claim, low, NEEDED, 40),
    TEXT(raw_claim, high, OPTIONAL, 40),
    TEXT(raw_claim, source, NEEDED, 200),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t claim_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_claim, claim_fields)};

static const cyaml_schema_field_t mix_fields[] = {
    TEXT(raw_mix, id, NEEDED, 40),
    TEXT(raw_mix, name, NEEDED, 80),
    TEXT(raw_mix, compute, NEEDED, 20),
    TEXT(raw_mix, memory, NEEDED, 20),
    TEXT(raw_mix, link, NEEDED, 20),
    TEXT(raw_mix, host, NEEDED, 20),
    TEXT(raw_mix, training, OPTIONAL, 5),
    TEXT(raw_mix, source, NEEDED, 200),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t mix_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_mix, mix_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("measured", OPTIONAL, raw_file, measured, n_measured,
                               &measured_schema, 0, 10000),
    CYAML_FIELD_SEQUENCE_COUNT("claims", OPTIONAL, raw_file, claims, n_claims, &claim_schema, 0,
                               1000),
    CYAML_FIELD_SEQUENCE_COUNT("mixes", OPTIONAL, raw_file, mixes, n_mixes, &mix_schema, 0, 1000),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_file, file_fields)};

/* What every step needs; `where` is the path of the record at hand. */
typedef struct loader {
    fy_catalog *catalog;
    const fy_doc *doc;
    char where[40];
    fy_err *err;
} loader;

/* The catalogue's own copy of a chip's id. */
static int read_chip(loader *l, const char *key, const char *id, const char **out)
{
    const fy_chip *chip = fy_catalog_find_chip(l->catalog, id);
    if (chip == NULL) {
        return fy_doc_fail(l->doc, l->where, l->err, FY_ENOENT, "%s: no chip \"%s\"", key, id);
    }
    *out = chip->id;
    return 0;
}

/* Position of `word` among `words`; fails naming the record otherwise. */
static int read_word(loader *l, const char *key, const char *word, const char *const words[], int n,
                     int *out)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return 0;
        }
    }
    return fy_doc_fail(l->doc, l->where, l->err, FY_EPARSE, "%s: \"%s\" is not known here", key,
                       word);
}

static int read_flag(loader *l, const char *key, const char *word, bool *out)
{
    static const char *const words[] = {"no", "yes"};
    int at = 0;
    int rc = word == NULL ? 0 : read_word(l, key, word, words, 2, &at);
    *out = at == 1;
    return rc;
}

static int read_number(loader *l, const char *key, const char *text, double *out)
{
    int rc = fy_units_parse(text, FY_DIM_RATIO, FY_NOT_NEGATIVE, out, l->err);
    return rc == 0 ? 0 : fy_doc_prefix(l->doc, l->where, key, l->err, rc);
}

static int read_measured(loader *l, const raw_measured *raw, fy_measured *m)
{
    static const char *const quantities[] = {"slowdown", "gemm_share"};
    static const char *const bounds[] = {"compute", "memory", "link", "host"};
    fy_arena *arena = &l->catalog->arena;
    double v[3];
    int at = 0, bound = FY_N_BOUNDS;
    int rc = read_chip(l, "chip", raw->chip, &m->chip);
    if (rc == 0 && raw->against != NULL) {
        rc = read_chip(l, "against", raw->against, &m->against);
    }
    if (rc == 0) {
        rc = read_word(l, "quantity", raw->quantity, quantities, 2, &at);
    }
    if (rc == 0 && (at == 0) != (raw->against != NULL)) {
        rc = fy_doc_fail(l->doc, l->where, l->err, FY_EINVAL,
                         "a slowdown is against another chip, a gemm_share is not");
    }
    if (rc == 0 && raw->bound != NULL) {
        rc = read_word(l, "bound", raw->bound, bounds, FY_N_BOUNDS, &bound);
    }
    if (rc == 0) {
        rc = read_flag(l, "outlier", raw->outlier, &m->outlier);
    }
    if (rc == 0) {
        rc = fy_units_parse_range(raw->value, FY_DIM_RATIO, FY_POSITIVE, v, l->err);
        rc = rc == 0 ? 0 : fy_doc_prefix(l->doc, l->where, "value", l->err, rc);
    }
    if (rc == 0) {
        m->quantity = quantities[at];
        m->bound = (fy_bound)bound;
        m->what = fy_arena_strdup(arena, raw->what);
        m->source = fy_arena_strdup(arena, raw->source);
        m->value = (fy_range){v[0], v[1], v[2], FY_GRADE_MEASURED, m->source};
    }
    return rc;
}

static int read_claim(loader *l, const raw_claim *raw, fy_claim *c)
{
    static const char *const kinds[] = {"peak_ratio", "slowdown", "energy"};
    fy_arena *arena = &l->catalog->arena;
    int kind = 0;
    c->id = fy_arena_strdup(arena, raw->id);
    c->text = fy_arena_strdup(arena, raw->text);
    c->source = fy_arena_strdup(arena, raw->source);
    c->high = INFINITY;
    c->n_against = (int)raw->against.n_items;
    c->against = fy_arena_alloc(arena, (size_t)c->n_against * sizeof *c->against);
    int rc = read_chip(l, "chip", raw->chip, &c->chip);
    for (int i = 0; i < c->n_against && rc == 0; i++) {
        rc = read_chip(l, "against", raw->against.items[i], &c->against[i]);
    }
    if (rc == 0) {
        rc = read_word(l, "quantity", raw->quantity, kinds, 3, &kind);
        c->kind = (fy_claim_kind)kind;
    }
    if (rc == 0) {
        rc = read_number(l, "low", raw->low, &c->low);
    }
    if (rc == 0 && raw->high != NULL) {
        rc = read_number(l, "high", raw->high, &c->high);
    }
    if (rc == 0 && !(c->low < c->high)) {
        rc = fy_doc_fail(l->doc, l->where, l->err, FY_ERANGE, "low must be less than high");
    }
    return rc;
}

static int read_mix(loader *l, const raw_mix *raw, fy_mix *m)
{
    fy_arena *arena = &l->catalog->arena;
    const char *const keys[FY_N_BOUNDS] = {"compute", "memory", "link", "host"};
    const char *const texts[FY_N_BOUNDS] = {raw->compute, raw->memory, raw->link, raw->host};
    double sum = 0;
    m->id = fy_arena_strdup(arena, raw->id);
    m->name = fy_arena_strdup(arena, raw->name);
    m->source = fy_arena_strdup(arena, raw->source);
    int rc = read_flag(l, "training", raw->training, &m->training);
    for (int i = 0; i < FY_N_BOUNDS && rc == 0; i++) {
        rc = read_number(l, keys[i], texts[i], &m->share[i]);
        sum += m->share[i];
    }
    if (rc == 0 && fabs(sum - 1) > 1e-9) {
        rc = fy_doc_fail(l->doc, l->where, l->err, FY_ERANGE,
                         "the shares of %s sum to %.4g; they must sum to 1", raw->id, sum);
    }
    return rc;
}

static int read_records(loader *l, const raw_file *file)
{
    fy_catalog *c = l->catalog;
    int rc = 0;
    c->measured = fy_arena_alloc(&c->arena, (file->n_measured + 1) * sizeof *c->measured);
    c->claims = fy_arena_alloc(&c->arena, (file->n_claims + 1) * sizeof *c->claims);
    c->mixes = fy_arena_alloc(&c->arena, (file->n_mixes + 1) * sizeof *c->mixes);
    for (unsigned i = 0; i < file->n_measured && rc == 0; i++) {
        snprintf(l->where, sizeof l->where, "measured[%u]", i);
        rc = read_measured(l, &file->measured[i], &c->measured[c->n_measured++]);
    }
    for (unsigned i = 0; i < file->n_claims && rc == 0; i++) {
        snprintf(l->where, sizeof l->where, "claims[%u]", i);
        rc = read_claim(l, &file->claims[i], &c->claims[c->n_claims++]);
    }
    for (unsigned i = 0; i < file->n_mixes && rc == 0; i++) {
        snprintf(l->where, sizeof l->where, "mixes[%u]", i);
        rc = read_mix(l, &file->mixes[i], &c->mixes[c->n_mixes++]);
    }
    return rc;
}

int fy_catalog_add_evidence(fy_catalog *catalog, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_load(&doc, path, &file_schema, err);
    if (rc != 0) {
        return rc;
    }
    loader l = {.catalog = catalog, .doc = doc, .err = err};
    rc = read_records(&l, fy_doc_data(doc));
    fy_doc_free(doc);
    return rc;
}

int fy_catalog_n_claims(const fy_catalog *catalog)
{
    return catalog->n_claims;
}

const fy_claim *fy_catalog_claim(const fy_catalog *catalog, int i)
{
    return &catalog->claims[i];
}

int fy_catalog_n_mixes(const fy_catalog *catalog)
{
    return catalog->n_mixes;
}

const fy_mix *fy_catalog_mix(const fy_catalog *catalog, int i)
{
    return &catalog->mixes[i];
}

int fy_catalog_n_measured(const fy_catalog *catalog)
{
    return catalog->n_measured;
}

const fy_measured *fy_catalog_measured(const fy_catalog *catalog, int i)
{
    return &catalog->measured[i];
}
