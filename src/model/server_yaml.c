/* SPDX-License-Identifier: MIT */
/* Server models from YAML (data/servers/): docs/catalogue.md describes the keys. */
#include "model/catalog.h"

#include <stdio.h>
#include <string.h>

typedef struct raw_server {
    char *id, *name, *chip, *chips, *topology, *source, *confidence;
    char *cpu, *memory, *network, *nics, *max_power, *overhead;
} raw_server;

typedef struct raw_file {
    raw_server *servers;
    unsigned n_servers;
} raw_file;

enum { OPTIONAL_TEXT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, MAX_CHIPS = 4096 };

#define TEXT(key, flags, max) CYAML_FIELD_STRING_PTR(#key, flags, raw_server, key, 1, max)

static const cyaml_schema_field_t server_fields[] = {
    TEXT(id, CYAML_FLAG_POINTER, 40),
    TEXT(name, CYAML_FLAG_POINTER, 100),
    TEXT(chip, CYAML_FLAG_POINTER, 40),
    TEXT(chips, CYAML_FLAG_POINTER, 10),
    TEXT(topology, OPTIONAL_TEXT, 40),
    TEXT(cpu, OPTIONAL_TEXT, 40),
    TEXT(memory, OPTIONAL_TEXT, 40),
    TEXT(network, OPTIONAL_TEXT, 40),
    TEXT(nics, OPTIONAL_TEXT, 40),
    TEXT(max_power, OPTIONAL_TEXT, 40),
    TEXT(overhead, OPTIONAL_TEXT, 80),
    TEXT(source, CYAML_FLAG_POINTER, 1000),
    TEXT(confidence, CYAML_FLAG_POINTER, 40),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t server_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_server, server_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("servers", CYAML_FLAG_POINTER, raw_file, servers, n_servers,
                               &server_schema, 1, 1000),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_file, file_fields)};

static int read_range(const fy_doc *doc, const char *where, const char *key, const char *text,
                      fy_dim dim, const fy_server *server, fy_range *out, fy_err *err)
{
    double v[3];
    *out = fy_range_unknown();
    if (text == NULL) {
        return 0;
    }
    int rc = fy_units_parse_range(text, dim, FY_POSITIVE, v, err);
    if (rc != 0) {
        char path[96];
        snprintf(path, sizeof path, "%s.%s", where, key);
        return fy_doc_prefix(doc, path, key, err, rc);
    }
    *out =
        (fy_range){v[0], v[1], v[2], (fy_grade)fy_grade_from(server->confidence), server->source};
    return 0;
}

/* The numbers of a server, once its texts are there. */
static int read_numbers(const fy_doc *doc, const raw_server *raw, const char *where, fy_server *s,
                        fy_err *err)
{
    fy_range chips;
    const struct {
        const char *key, *text;
        fy_dim dim;
        fy_range *to;
    } numbers[] = {
        {"chips", raw->chips, FY_DIM_COUNT, &chips},
        {"cpu", raw->cpu, FY_DIM_COUNT, &s->cpu_cores},
        {"memory", raw->memory, FY_DIM_BYTES, &s->memory_bytes},
        {"network", raw->network, FY_DIM_BITS_PER_S, &s->nic_bits_per_s},
        {"nics", raw->nics, FY_DIM_COUNT, &s->nics},
        {"max_power", raw->max_power, FY_DIM_POWER, &s->max_power_w},
        {"overhead", raw->overhead, FY_DIM_POWER, &s->overhead_w},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int rc = read_range(doc, where, numbers[i].key, numbers[i].text, numbers[i].dim, s,
                            numbers[i].to, err);
        if (rc != 0) {
            return rc;
        }
    }
    if (chips.mid > MAX_CHIPS) {
        return fy_doc_fail(doc, where, err, FY_ERANGE, "chips: more than %d in one server",
                           MAX_CHIPS);
    }
    s->chips = (int)chips.mid;
    return 0;
}

static int read_server(fy_catalog *catalog, const fy_doc *doc, const raw_server *raw, unsigned at,
                       fy_server *server, fy_err *err)
{
    fy_arena *arena = &catalog->arena;
    char where[32];
    snprintf(where, sizeof where, "servers[%u]", at);
    const fy_chip *chip = fy_catalog_find_chip(catalog, raw->chip);
    if (chip == NULL) {
        return fy_doc_fail(doc, where, err, FY_ENOENT, "server \"%s\": no chip \"%s\"", raw->id,
                           raw->chip);
    }
    if (fy_catalog_find_server(catalog, raw->id) != NULL) {
        return fy_doc_fail(doc, where, err, FY_EINVAL, "server \"%s\" is there twice", raw->id);
    }
    if (fy_grade_from(raw->confidence) < 0) {
        return fy_doc_fail(doc, where, err, FY_EPARSE,
                           "confidence \"%s\" is none of datasheet, measured, recalled, derived",
                           raw->confidence);
    }
    *server = (fy_server){
        .id = fy_arena_strdup(arena, raw->id),
        .name = fy_arena_strdup(arena, raw->name),
        .chip = chip->id,
        .intra_topology = raw->topology != NULL ? fy_arena_strdup(arena, raw->topology) : "",
        .source = fy_arena_strdup(arena, raw->source),
        .confidence = fy_arena_strdup(arena, raw->confidence),
    };
    return read_numbers(doc, raw, where, server, err);
}

int fy_catalog_add_servers(fy_catalog *catalog, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_load(&doc, path, &file_schema, err);
    if (rc != 0) {
        return rc;
    }
    const raw_file *file = fy_doc_data(doc);
    int need = catalog->n_servers + (int)file->n_servers;
    fy_server *servers = fy_arena_alloc(&catalog->arena, (size_t)need * sizeof *servers);
    if (catalog->n_servers > 0) {
        memcpy(servers, catalog->servers, (size_t)catalog->n_servers * sizeof *servers);
    }
    catalog->servers = servers;
    for (unsigned i = 0; i < file->n_servers && rc == 0; i++) {
        rc = read_server(catalog, doc, &file->servers[i], i, &servers[catalog->n_servers], err);
        catalog->n_servers += rc == 0 ? 1 : 0;
    }
    fy_doc_free(doc);
    return rc;
}

int fy_server_link_group(const fy_server *server)
{
    return strcmp(server->intra_topology, "nvlink-pairs") == 0 ? 2 : 0;
}
