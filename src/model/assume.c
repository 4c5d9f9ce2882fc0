/* SPDX-License-Identifier: MIT */
/*
 * Assumptions: ranges with a reason for what is unknown, and filling the catalogue's gaps by them.
 * A filled number has grade `assumed`, keeps its whole range and names the assumption's source; a
 * number that is known is never touched. The more exact scope wins: an id, then a class it is a
 * member of, then "*".
 */
#include "model/catalog.h"

#include <stdio.h>
#include <string.h>

typedef struct raw_class {
    char *name;
    fy_texts members;
} raw_class;

typedef struct raw_assumption {
    char *scope, *quantity, *range, *unit, *reason, *source;
} raw_assumption;

typedef struct raw_file {
    raw_class *classes;
    unsigned n_classes;
    raw_assumption *assumptions;
    unsigned n_assumptions;
} raw_file;

#define TEXT(type, key, max) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, type, key, 1, max)

static const cyaml_schema_field_t class_fields[] = {
    TEXT(raw_class, name, 40),
    CYAML_FIELD_SEQUENCE_COUNT("members", CYAML_FLAG_POINTER, raw_class, members.items,
                               members.n_items, &fy_text_schema, 1, 1000),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t class_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_class, class_fields)};

static const cyaml_schema_field_t assumption_fields[] = {
    TEXT(raw_assumption, scope, 40),
    TEXT(raw_assumption, quantity, 60),
    TEXT(raw_assumption, range, 100),
    TEXT(raw_assumption, unit, 80),
    TEXT(raw_assumption, reason, 300),
    TEXT(raw_assumption, source, 200),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t assumption_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_assumption, assumption_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("classes", CYAML_FLAG_POINTER, raw_file, classes, n_classes,
                               &class_schema, 0, 1000),
    CYAML_FIELD_SEQUENCE_COUNT("assumptions", CYAML_FLAG_POINTER, raw_file, assumptions,
                               n_assumptions, &assumption_schema, 0, 10000),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_file, file_fields)};

static int read_class(fy_catalog *catalog, const fy_doc *doc, const raw_class *raw, unsigned at,
                      fy_class *out, fy_err *err)
{
    fy_arena *arena = &catalog->arena;
    int n = (int)raw->members.n_items;
    *out = (fy_class){.name = fy_arena_strdup(arena, raw->name),
                      .members = fy_arena_alloc(arena, (size_t)n * sizeof *out->members),
                      .n_members = n};
    for (int i = 0; i < n; i++) {
        const char *id = raw->members.items[i];
        if (fy_catalog_find_chip(catalog, id) == NULL &&
            fy_catalog_find_server(catalog, id) == NULL) {
            char where[64];
            snprintf(where, sizeof where, "classes[%u].members[%d]", at, i);
            return fy_doc_fail(doc, where, err, FY_ENOENT, "class %s: no chip or server \"%s\"",
                               raw->name, id);
        }
        out->members[i] = fy_arena_strdup(arena, id);
    }
    return 0;
}

static int read_assumption(fy_catalog *catalog, const fy_doc *doc, const raw_assumption *raw,
                           unsigned at, fy_assumption *out, fy_err *err)
{
    fy_arena *arena = &catalog->arena;
    double v[3];
    int rc = fy_units_parse_range(raw->range, FY_DIM_RATIO, FY_NOT_NEGATIVE, v, err);
    if (rc != 0) {
        char where[64];
        snprintf(where, sizeof where, "assumptions[%u].range", at);
        return fy_doc_prefix(doc, where, "range", err, rc);
    }
    *out = (fy_assumption){
        .scope = fy_arena_strdup(arena, raw->scope),
        .quantity = fy_arena_strdup(arena, raw->quantity),
        .low = v[0],
        .mid = v[1],
        .high = v[2],
        .unit = fy_arena_strdup(arena, raw->unit),
        .reason = fy_arena_strdup(arena, raw->reason),
        .source = fy_arena_strdup(arena, raw->source),
    };
    return 0;
}

int fy_catalog_add_assumptions(fy_catalog *catalog, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_load(&doc, path, &file_schema, err);
    if (rc != 0) {
        return rc;
    }
    const raw_file *file = fy_doc_data(doc);
    fy_arena *arena = &catalog->arena;
    catalog->classes = fy_arena_alloc(arena, (file->n_classes + 1) * sizeof(fy_class));
    catalog->assumptions = fy_arena_alloc(arena, (file->n_assumptions + 1) * sizeof(fy_assumption));
    for (unsigned i = 0; i < file->n_classes && rc == 0; i++) {
        rc = read_class(catalog, doc, &file->classes[i], i, &catalog->classes[i], err);
        catalog->n_classes++;
    }
    for (unsigned i = 0; i < file->n_assumptions && rc == 0; i++) {
        rc = read_assumption(catalog, doc, &file->assumptions[i], i, &catalog->assumptions[i], err);
        catalog->n_assumptions++;
    }
    fy_doc_free(doc);
    return rc;
}

static bool is_member(const fy_catalog *catalog, const char *class_name, const char *id)
{
    for (int i = 0; i < catalog->n_classes; i++) {
        const fy_class *c = &catalog->classes[i];
        if (strcmp(c->name, class_name) != 0) {
            continue;
        }
        for (int k = 0; k < c->n_members; k++) {
            if (strcmp(c->members[k], id) == 0) {
                return true;
            }
        }
    }
    return false;
}

const fy_assumption *fy_catalog_assumption(const fy_catalog *catalog, const char *id,
                                           const char *quantity, const char *unit)
{
    const fy_assumption *best = NULL;
    int best_rank = 0; /* 3 the id itself, 2 a class, 1 "*" */
    for (int i = 0; i < catalog->n_assumptions; i++) {
        const fy_assumption *a = &catalog->assumptions[i];
        if (strcmp(a->quantity, quantity) != 0 || (unit != NULL && strcmp(a->unit, unit) != 0)) {
            continue;
        }
        int rank = strcmp(a->scope, id) == 0          ? 3
                   : is_member(catalog, a->scope, id) ? 2
                   : strcmp(a->scope, "*") == 0       ? 1
                                                      : 0;
        if (rank > best_rank) {
            best = a;
            best_rank = rank;
        }
    }
    return best;
}

/* The range of an assumption, as it is or times `times`; unknown where there is none. */
static fy_range assumed(fy_catalog *catalog, const char *id, const char *quantity, const char *unit,
                        fy_range times)
{
    const fy_assumption *a = fy_catalog_assumption(catalog, id, quantity, unit);
    if (a == NULL || !fy_known(times.mid)) {
        return fy_range_unknown();
    }
    return (fy_range){a->low * times.low, a->mid * times.mid, a->high * times.high,
                      FY_GRADE_ASSUMED,
                      fy_arena_printf(&catalog->arena, "%s (%s)", a->reason, a->source)};
}

void fy_catalog_fill_gaps(fy_catalog *catalog)
{
    const fy_range one = fy_range_exact(1, FY_GRADE_ASSUMED, NULL);
    for (int i = 0; i < catalog->n_chips; i++) {
        fy_chip *c = &catalog->chips[i];
        if (!fy_known(c->idle_w.mid)) {
            c->idle_w = assumed(catalog, c->id, "idle_share_of_tdp", NULL, c->tdp_w);
        }
        if (!fy_known(c->active_w.mid)) {
            c->active_w = assumed(catalog, c->id, "active_share_of_tdp_training", NULL, c->tdp_w);
        }
        if (!fy_known(c->price_usd.mid)) {
            c->price_usd = assumed(catalog, c->id, "purchase_price", "USD/device", one);
        }
    }
    for (int i = 0; i < catalog->n_servers; i++) {
        fy_server *s = &catalog->servers[i];
        if (!fy_known(s->overhead_w.mid)) {
            double devices = (double)s->chips;
            s->overhead_w = assumed(catalog, s->id, "overhead_w", "W/server", one);
            if (!fy_known(s->overhead_w.mid)) {
                s->overhead_w = assumed(catalog, s->id, "overhead_w", "W/device",
                                        fy_range_exact(devices, FY_GRADE_ASSUMED, NULL));
            }
        }
    }
}
