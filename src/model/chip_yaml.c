/* SPDX-License-Identifier: MIT */
/* Chips from YAML (data/chips/): docs/catalogue.md describes the keys. Source of every figure: the
 * row's `source`, or the cell's note. */
#include "model/catalog.h"

#include <stdio.h>
#include <string.h>

/* key in YAML (and in notes), field of fy_chip, dimension, what values make sense */
#define CELLS(X)                                                                                   \
    X(year, year, FY_DIM_COUNT, FY_POSITIVE)                                                       \
    X(sms, sms, FY_DIM_COUNT, FY_POSITIVE)                                                         \
    X(boost, boost_hz, FY_DIM_FREQUENCY, FY_POSITIVE)                                              \
    X(fp64, fp64, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                  \
    X(fp32, fp32, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                  \
    X(tf32, tf32, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                  \
    X(bf16, bf16, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                  \
    X(fp16, fp16, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                  \
    X(fp8, fp8, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                    \
    X(fp4, fp4, FY_DIM_FLOP_PER_S, FY_POSITIVE)                                                    \
    X(int8, int8, FY_DIM_OP_PER_S, FY_POSITIVE)                                                    \
    X(memory, memory_bytes, FY_DIM_BYTES, FY_POSITIVE)                                             \
    X(bandwidth, memory_bytes_per_s, FY_DIM_BYTES_PER_S, FY_POSITIVE)                              \
    X(l2, l2_bytes, FY_DIM_CACHE, FY_POSITIVE)                                                     \
    X(link, link_bytes_per_s, FY_DIM_BYTES_PER_S, FY_NOT_NEGATIVE)                                 \
    X(pcie, pcie_gen, FY_DIM_COUNT, FY_POSITIVE)                                                   \
    X(tdp, tdp_w, FY_DIM_POWER, FY_POSITIVE)                                                       \
    X(idle, idle_w, FY_DIM_POWER, FY_POSITIVE)                                                     \
    X(active, active_w, FY_DIM_POWER, FY_POSITIVE)                                                 \
    X(die, die_mm2, FY_DIM_AREA, FY_POSITIVE)                                                      \
    X(node, node_nm, FY_DIM_LENGTH, FY_POSITIVE)                                                   \
    X(tpp, tpp, FY_DIM_RATIO, FY_POSITIVE)                                                         \
    X(performance_density, performance_density, FY_DIM_RATIO, FY_POSITIVE)                         \
    X(price, price_usd, FY_DIM_USD, FY_POSITIVE)

enum {
#define X(key, field, dim, sign) CELL_##key,
    CELLS(X)
#undef X
        N_CELLS
};

static const struct cell {
    const char *key;
    size_t at; /* offset of the fy_range in fy_chip */
    fy_dim dim;
    fy_sign sign;
} cells[N_CELLS] = {
#define X(key, field, dim, sign) {#key, offsetof(fy_chip, field), dim, sign},
    CELLS(X)
#undef X
};

typedef struct raw_note {
    char *cell, *grade, *text;
} raw_note;

typedef struct raw_chip {
    char *id, *name, *vendor, *stack, *arch, *form, *memory_type, *link_name, *pci_ids;
    char *source, *confidence;
    fy_texts aliases;
    raw_note *notes;
    unsigned n_notes;
    char *cell[N_CELLS];
} raw_chip;

typedef struct raw_file {
    raw_chip *chips;
    unsigned n_chips;
} raw_file;

enum { OPTIONAL_TEXT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, MAX_LINE = 1000 };

const cyaml_schema_value_t fy_text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, MAX_LINE)};

static const cyaml_schema_field_t note_fields[] = {
    CYAML_FIELD_STRING_PTR("cell", CYAML_FLAG_POINTER, raw_note, cell, 1, 40),
    CYAML_FIELD_STRING_PTR("grade", OPTIONAL_TEXT, raw_note, grade, 1, 40),
    CYAML_FIELD_STRING_PTR("text", OPTIONAL_TEXT, raw_note, text, 1, MAX_LINE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t note_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_note, note_fields)};

static const cyaml_schema_field_t chip_fields[] = {
    CYAML_FIELD_STRING_PTR("id", CYAML_FLAG_POINTER, raw_chip, id, 1, 40),
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, raw_chip, name, 1, 80),
    CYAML_FIELD_STRING_PTR("vendor", OPTIONAL_TEXT, raw_chip, vendor, 1, 40),
    CYAML_FIELD_STRING_PTR("stack", OPTIONAL_TEXT, raw_chip, stack, 1, 40),
    CYAML_FIELD_STRING_PTR("arch", OPTIONAL_TEXT, raw_chip, arch, 1, 40),
    CYAML_FIELD_STRING_PTR("form", OPTIONAL_TEXT, raw_chip, form, 1, 40),
    CYAML_FIELD_STRING_PTR("memory_type", OPTIONAL_TEXT, raw_chip, memory_type, 1, 40),
    CYAML_FIELD_STRING_PTR("link_name", OPTIONAL_TEXT, raw_chip, link_name, 1, 40),
    CYAML_FIELD_STRING_PTR("pci_ids", OPTIONAL_TEXT, raw_chip, pci_ids, 1, 80),
    CYAML_FIELD_STRING_PTR("source", CYAML_FLAG_POINTER, raw_chip, source, 1, MAX_LINE),
    CYAML_FIELD_STRING_PTR("confidence", CYAML_FLAG_POINTER, raw_chip, confidence, 1, 40),
    CYAML_FIELD_SEQUENCE_COUNT("aliases", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, raw_chip,
                               aliases.items, aliases.n_items, &fy_text_schema, 0, 32),
    CYAML_FIELD_SEQUENCE_COUNT("notes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, raw_chip, notes,
                               n_notes, &note_schema, 0, 64),
#define X(key, field, dim, sign)                                                                   \
    CYAML_FIELD_STRING_PTR(#key, OPTIONAL_TEXT, raw_chip, cell[CELL_##key], 1, 100),
    CELLS(X)
#undef X
        CYAML_FIELD_END,
};
static const cyaml_schema_value_t chip_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_chip, chip_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("chips", CYAML_FLAG_POINTER, raw_file, chips, n_chips, &chip_schema,
                               1, 1000),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_file, file_fields)};

static const char *text_or_empty(fy_arena *arena, const char *text)
{
    return text != NULL ? fy_arena_strdup(arena, text) : "";
}

/* The note for a cell, NULL if there is none. */
static const raw_note *note_of(const raw_chip *raw, const char *key)
{
    for (unsigned i = 0; i < raw->n_notes; i++) {
        if (strcmp(raw->notes[i].cell, key) == 0) {
            return &raw->notes[i];
        }
    }
    return NULL;
}

static int read_cell(const fy_doc *doc, const raw_chip *raw, const char *where, int c,
                     fy_chip *chip, fy_err *err)
{
    fy_range *field = (fy_range *)(void *)((char *)chip + cells[c].at);
    char path[96];
    double v[3];
    *field = fy_range_unknown();
    if (raw->cell[c] == NULL) {
        return 0;
    }
    snprintf(path, sizeof path, "%s.%s", where, cells[c].key);
    int rc = fy_units_parse_range(raw->cell[c], cells[c].dim, cells[c].sign, v, err);
    if (rc != 0) {
        return fy_doc_prefix(doc, path, cells[c].key, err, rc);
    }
    int grade = fy_grade_from(chip->confidence);
    const raw_note *note = note_of(raw, cells[c].key);
    if (note != NULL && note->grade != NULL) {
        grade = fy_grade_from(note->grade);
        if (grade < 0) {
            return fy_doc_fail(doc, path, err, FY_EPARSE, "%s: unknown grade \"%.40s\"",
                               cells[c].key, note->grade);
        }
    }
    *field = (fy_range){v[0], v[1], v[2], (fy_grade)grade, chip->source};
    return 0;
}

static int read_notes(const fy_doc *doc, const raw_chip *raw, const char *where, fy_arena *arena,
                      fy_chip *chip, fy_err *err)
{
    const char **notes = fy_arena_alloc(arena, (raw->n_notes + 1) * sizeof *notes);
    for (unsigned i = 0; i < raw->n_notes; i++) {
        const raw_note *n = &raw->notes[i];
        bool text_cell = strcmp(n->cell, "memory_type") == 0 || strcmp(n->cell, "form") == 0 ||
                         strcmp(n->cell, "pci_ids") == 0 || strcmp(n->cell, "vendor") == 0;
        int c = 0;
        while (c < N_CELLS && strcmp(cells[c].key, n->cell) != 0) {
            c++;
        }
        if (c == N_CELLS && !text_cell) {
            char path[80];
            snprintf(path, sizeof path, "%.40s.notes[%u]", where, i);
            return fy_doc_fail(doc, path, err, FY_EPARSE, "a note on an unknown cell \"%.40s\"",
                               n->cell);
        }
        if (n->text != NULL) {
            notes[chip->n_notes++] = fy_arena_printf(arena, "%s: %s", n->cell, n->text);
        }
    }
    chip->notes = notes;
    return 0;
}

static int read_chip(fy_catalog *catalog, const fy_doc *doc, const raw_chip *raw, unsigned at,
                     fy_chip *chip, fy_err *err)
{
    fy_arena *arena = &catalog->arena;
    char where[40];
    snprintf(where, sizeof where, "chips[%u]", at);
    *chip = (fy_chip){
        .id = fy_arena_strdup(arena, raw->id),
        .name = fy_arena_strdup(arena, raw->name),
        .vendor = text_or_empty(arena, raw->vendor),
        .vendor_stack = text_or_empty(arena, raw->stack),
        .arch = text_or_empty(arena, raw->arch),
        .form = text_or_empty(arena, raw->form),
        .memory_type = text_or_empty(arena, raw->memory_type),
        .link_name = text_or_empty(arena, raw->link_name),
        .pci_ids = text_or_empty(arena, raw->pci_ids),
        .source = fy_arena_strdup(arena, raw->source),
        .confidence = fy_arena_strdup(arena, raw->confidence),
        .n_aliases = (int)raw->aliases.n_items,
    };
    if (fy_catalog_find_chip(catalog, chip->id) != NULL) {
        return fy_doc_fail(doc, where, err, FY_EINVAL, "chip \"%s\" is there twice", chip->id);
    }
    if (fy_grade_from(chip->confidence) < 0) {
        snprintf(where, sizeof where, "chips[%u].confidence", at);
        return fy_doc_fail(doc, where, err, FY_EPARSE,
                           "confidence \"%s\" is none of datasheet, measured, recalled, derived",
                           chip->confidence);
    }
    const char **aliases = fy_arena_alloc(arena, (raw->aliases.n_items + 1) * sizeof *aliases);
    for (unsigned i = 0; i < raw->aliases.n_items; i++) {
        aliases[i] = fy_arena_strdup(arena, raw->aliases.items[i]);
    }
    chip->aliases = aliases;
    int rc = read_notes(doc, raw, where, arena, chip, err);
    for (int c = 0; c < N_CELLS && rc == 0; c++) {
        rc = read_cell(doc, raw, where, c, chip, err);
    }
    return rc;
}

/* Take the chips of a loaded document into the catalogue. */
static int add_all(fy_catalog *catalog, const fy_doc *doc, fy_err *err)
{
    const raw_file *file = fy_doc_data(doc);
    int need = catalog->n_chips + (int)file->n_chips, rc = 0;
    fy_chip *chips = fy_arena_alloc(&catalog->arena, (size_t)need * sizeof *chips);
    if (catalog->n_chips > 0) {
        memcpy(chips, catalog->chips, (size_t)catalog->n_chips * sizeof *chips);
    }
    catalog->chips = chips;
    for (unsigned i = 0; i < file->n_chips && rc == 0; i++) {
        rc = read_chip(catalog, doc, &file->chips[i], i, &chips[catalog->n_chips], err);
        catalog->n_chips += rc == 0 ? 1 : 0;
    }
    return rc;
}

int fy_catalog_add_chips(fy_catalog *catalog, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_load(&doc, path, &file_schema, err);
    if (rc == 0) {
        rc = add_all(catalog, doc, err);
        fy_doc_free(doc);
    }
    return rc;
}

int fy_catalog_parse_chips(fy_catalog *catalog, const char *name, const char *text, size_t len,
                           fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_parse(&doc, name, text, len, &file_schema, err);
    if (rc == 0) {
        rc = add_all(catalog, doc, err);
        fy_doc_free(doc);
    }
    return rc;
}
