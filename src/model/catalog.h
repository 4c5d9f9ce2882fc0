/* SPDX-License-Identifier: MIT */
/*
 * The catalogue as its loaders fill it. Private to the model: everything is owned by the arena and
 * immutable once fy_catalog_load has returned.
 */
#ifndef FUYAO_MODEL_CATALOG_H
#define FUYAO_MODEL_CATALOG_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/units.h"
#include "fuyao/chip.h"
#include "fuyao/compare.h"

#include <cyaml/cyaml.h>

/* A named set of chip or server ids, for assumptions that hold for all of them. */
typedef struct fy_class {
    const char *name;
    const char **members; /* [n_members] */
    int n_members;
} fy_class;

struct fy_catalog {
    fy_arena arena;
    fy_chip *chips; /* [n_chips], sorted by id */
    int n_chips;
    fy_server *servers; /* [n_servers], sorted by id */
    int n_servers;
    fy_class *classes;
    int n_classes;
    fy_assumption *assumptions;
    int n_assumptions;
    fy_measured *measured;
    int n_measured;
    fy_claim *claims;
    int n_claims;
    fy_mix *mixes;
    int n_mixes;
    int room_chips, room_servers;
};

/* A YAML list of texts, as libcyaml fills it. */
typedef struct fy_texts {
    const char **items;
    unsigned n_items;
} fy_texts;

extern const cyaml_schema_value_t fy_text_schema; /* one entry of such a list */

/*
 * Load one file into the catalogue. `path` is borrowed. Errors as fy_catalog_load.
 */
int fy_catalog_add_chips(fy_catalog *catalog, const char *path, fy_err *err) FY_NODISCARD;
int fy_catalog_add_servers(fy_catalog *catalog, const char *path, fy_err *err) FY_NODISCARD;
int fy_catalog_add_assumptions(fy_catalog *catalog, const char *path, fy_err *err) FY_NODISCARD;
int fy_catalog_add_evidence(fy_catalog *catalog, const char *path, fy_err *err) FY_NODISCARD;

/* Chips from memory; `name` stands for the file in errors. */
int fy_catalog_parse_chips(fy_catalog *catalog, const char *name, const char *text, size_t len,
                           fy_err *err) FY_NODISCARD;

/* Fill idle, active and overhead power and prices that are unknown; needs chips and servers. */
void fy_catalog_fill_gaps(fy_catalog *catalog);

/* A range that is unknown, and one that is exactly `value`. */
fy_range fy_range_unknown(void);
fy_range fy_range_exact(double value, fy_grade grade, const char *source);

/* x * y and x / y for ranges of positive numbers; unknown where either is; the worse grade. */
fy_range fy_range_times(fy_range x, fy_range y);
fy_range fy_range_over(fy_range x, fy_range y);

/* The word for a grade in YAML (`datasheet`, `measured`, ...); -1 if it is none. */
int fy_grade_from(const char *word);

#endif
