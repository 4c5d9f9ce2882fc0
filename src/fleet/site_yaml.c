/* SPDX-License-Identifier: MIT */
/* Fleet files (data/fleets/): docs/catalogue.md describes the keys. */
#include "base/arena.h"
#include "base/doc.h"
#include "base/units.h"
#include "fleet/site.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct raw_pool {
    char *name, *server, *chip;
    char *nodes, *devices, *devices_per_chip, *cpu, *memory, *nodes_per_rack;
    char *idle, *active, *overhead;
} raw_pool;

typedef struct raw_guarantee {
    char *chip, *devices;
} raw_guarantee;

typedef struct raw_tenant {
    char *name, *weight, *borrow;
    raw_guarantee *guarantee;
    unsigned n_guarantee;
} raw_tenant;

typedef struct raw_site {
    char *name, *note, *currency, *pue, *price, *power_cap;
    raw_pool *pools;
    unsigned n_pools;
    raw_tenant *tenants;
    unsigned n_tenants;
} raw_site;

enum {
    NEEDED = CYAML_FLAG_POINTER,
    OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
    MAX_NODES = 10 * 1000 * 1000,
    MAX_DEVICES = 4096,
    MAX_POOLS = 100000,
};

#define TEXT(type, key, flags, max) CYAML_FIELD_STRING_PTR(#key, flags, type, key, 1, max)

static const cyaml_schema_field_t pool_fields[] = {
    TEXT(raw_pool, name, NEEDED, 60),
    TEXT(raw_pool, server, OPTIONAL, 40),
    TEXT(raw_pool, chip, OPTIONAL, 40),
    TEXT(raw_pool, nodes, NEEDED, 20),
    TEXT(raw_pool, devices, OPTIONAL, 20),
    TEXT(raw_pool, devices_per_chip, OPTIONAL, 20),
    TEXT(raw_pool, cpu, OPTIONAL, 20),
    TEXT(raw_pool, memory, OPTIONAL, 40),
    TEXT(raw_pool, nodes_per_rack, OPTIONAL, 20),
    TEXT(raw_pool, idle, OPTIONAL, 80),
    TEXT(raw_pool, active, OPTIONAL, 80),
    TEXT(raw_pool, overhead, OPTIONAL, 80),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t pool_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_pool, pool_fields)};

static const cyaml_schema_field_t guarantee_fields[] = {
    TEXT(raw_guarantee, chip, NEEDED, 40),
    TEXT(raw_guarantee, devices, NEEDED, 20),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t guarantee_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_guarantee, guarantee_fields)};

static const cyaml_schema_field_t tenant_fields[] = {
    TEXT(raw_tenant, name, NEEDED, 60),
    TEXT(raw_tenant, weight, OPTIONAL, 20),
    TEXT(raw_tenant, borrow, OPTIONAL, 20),
    CYAML_FIELD_SEQUENCE_COUNT("guarantee", OPTIONAL, raw_tenant, guarantee, n_guarantee,
                               &guarantee_schema, 0, FY_MAX_CHIPS),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t tenant_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_tenant, tenant_fields)};

static const cyaml_schema_field_t site_fields[] = {
    TEXT(raw_site, name, NEEDED, 60),
    TEXT(raw_site, note, OPTIONAL, 1000),
    TEXT(raw_site, currency, OPTIONAL, 3),
    TEXT(raw_site, pue, OPTIONAL, 80),
    TEXT(raw_site, price, OPTIONAL, 80),
    TEXT(raw_site, power_cap, OPTIONAL, 40),
    CYAML_FIELD_SEQUENCE_COUNT("pools", NEEDED, raw_site, pools, n_pools, &pool_schema, 1,
                               MAX_POOLS),
    CYAML_FIELD_SEQUENCE_COUNT("tenants", OPTIONAL, raw_site, tenants, n_tenants, &tenant_schema, 0,
                               MAX_POOLS),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t site_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_site, site_fields)};

/* What every step of loading needs. */
typedef struct loader {
    fy_doc *doc;
    fy_site *site;
    fy_arena *arena;
    fy_err *err;
} loader;

/* A whole number lowest..highest, or `missing` where the text is absent. */
static int read_count(loader *l, const char *where, const char *key, const char *text,
                      double lowest, double highest, double missing, double *out)
{
    char path[96];
    snprintf(path, sizeof path, "%s.%s", where, key);
    *out = missing;
    if (text == NULL) {
        return 0;
    }
    int rc = fy_units_parse(text, FY_DIM_COUNT, FY_ANY_SIGN, out, l->err);
    if (rc != 0) {
        return fy_doc_prefix(l->doc, path, key, l->err, rc);
    }
    if (*out < lowest || *out > highest) {
        return fy_doc_fail(l->doc, path, l->err, FY_ERANGE, "%s: must lie between %.0f and %.0f",
                           key, lowest, highest);
    }
    return 0;
}

/* A quantity or range; left as it is where the text is absent. */
static int read_range(loader *l, const char *where, const char *key, const char *text, fy_dim dim,
                      fy_range *out)
{
    char path[96];
    double v[3];
    snprintf(path, sizeof path, "%s%s%s", where, *where != '\0' ? "." : "", key);
    if (text == NULL) {
        return 0;
    }
    int rc = fy_units_parse_range(text, dim, FY_NOT_NEGATIVE, v, l->err);
    if (rc != 0) {
        return fy_doc_prefix(l->doc, path, key, l->err, rc);
    }
    *out = (fy_range){v[0], v[1], v[2], FY_GRADE_DATASHEET, "the fleet file"};
    return 0;
}

/* `assumed SCOPE`: the range of data/assumptions.yaml for that scope. */
static int read_assumed(loader *l, const char *key, const char *scope, const char *quantity,
                        const char *unit, fy_range *out)
{
    const fy_assumption *a = fy_catalog_assumption(l->site->catalog, scope, quantity, unit);
    if (a == NULL) {
        return fy_doc_fail(l->doc, key, l->err, FY_ENOENT,
                           "%s: no assumption \"%s\" of %s for \"%s\"", key, quantity, unit, scope);
    }
    *out = (fy_range){a->low, a->mid, a->high, FY_GRADE_ASSUMED, a->source};
    return 0;
}

static int read_power_terms(loader *l, const raw_site *raw)
{
    static const char assumed_word[] = "assumed ";
    const size_t n = sizeof assumed_word - 1;
    fy_site *s = l->site;
    const fy_range unknown = {NAN, NAN, NAN, FY_GRADE_UNKNOWN, NULL};
    s->pue = s->price_per_kwh = unknown;
    s->power_cap_w = NAN;
    s->currency = raw->currency != NULL ? fy_arena_strdup(l->arena, raw->currency) : "CNY";
    bool usd = strcmp(s->currency, "USD") == 0;
    if (!usd && strcmp(s->currency, "CNY") != 0) {
        return fy_doc_fail(l->doc, "currency", l->err, FY_EINVAL, "currency must be CNY or USD");
    }
    int rc = 0;
    if (raw->pue != NULL && strncmp(raw->pue, assumed_word, n) == 0) {
        rc = read_assumed(l, "pue", raw->pue + n, "pue", "ratio", &s->pue);
    } else {
        rc = read_range(l, "", "pue", raw->pue, FY_DIM_RATIO, &s->pue);
    }
    if (rc == 0 && fy_known(s->pue.low) && s->pue.low < 1) {
        rc = fy_doc_fail(l->doc, "pue", l->err, FY_ERANGE, "pue: must be 1 or more");
    }
    if (rc == 0 && raw->price != NULL && strncmp(raw->price, assumed_word, n) == 0) {
        rc = read_assumed(l, "price", raw->price + n, "electricity_price",
                          usd ? "USD/kWh" : "CNY/kWh", &s->price_per_kwh);
    } else if (rc == 0) {
        rc = read_range(l, "", "price", raw->price, usd ? FY_DIM_USD_PER_KWH : FY_DIM_CNY_PER_KWH,
                        &s->price_per_kwh);
    }
    fy_range cap = unknown;
    if (rc == 0) {
        rc = read_range(l, "", "power_cap", raw->power_cap, FY_DIM_POWER, &cap);
        s->power_cap_w = cap.mid;
    }
    return rc;
}

/* Server and chip that a pool names; the chip may follow from the server. */
static int read_model(loader *l, const raw_pool *raw, const char *where, const fy_server **server,
                      const fy_chip **chip)
{
    const fy_catalog *catalog = l->site->catalog;
    *server = NULL;
    if (raw->server != NULL) {
        *server = fy_catalog_find_server(catalog, raw->server);
        if (*server == NULL) {
            return fy_doc_fail(l->doc, where, l->err, FY_ENOENT, "no server \"%s\"", raw->server);
        }
    }
    const char *id = raw->chip != NULL ? raw->chip : *server != NULL ? (*server)->chip : NULL;
    if (id == NULL) {
        return fy_doc_fail(l->doc, where, l->err, FY_EINVAL, "pool %s: name a server or a chip",
                           raw->name);
    }
    *chip = fy_catalog_find_chip(catalog, id);
    if (*chip == NULL) {
        return fy_doc_fail(l->doc, where, l->err, FY_ENOENT,
                           "pool %s: no chip \"%s\" (`fuyao chips` lists them)", raw->name, id);
    }
    return 0;
}

/* Power of a pool, of the chip and the server unless the pool states it; and its network. */
static int read_pool_power(loader *l, const raw_pool *raw, const char *where,
                           const fy_server *server, const fy_chip *chip, fy_pool_spec *pool)
{
    double per = pool->devices_per_chip;
    assert(chip != NULL); /* read_model saw to it */
    pool->idle_w = fy_site_per_device(chip->idle_w, per);
    pool->active_w = fy_site_per_device(chip->active_w, per);
    pool->overhead_w =
        server != NULL ? server->overhead_w : (fy_range){NAN, NAN, NAN, FY_GRADE_UNKNOWN, NULL};
    pool->nic_bytes_per_s = server != NULL ? server->nic_bits_per_s.mid / 8 : (double)NAN;
    int rc = read_range(l, where, "idle", raw->idle, FY_DIM_POWER, &pool->idle_w);
    if (rc == 0) {
        rc = read_range(l, where, "active", raw->active, FY_DIM_POWER, &pool->active_w);
    }
    return rc != 0
               ? rc
               : read_range(l, where, "overhead", raw->overhead, FY_DIM_POWER, &pool->overhead_w);
}

/* Counts of a pool: nodes, devices, CPU, memory. */
static int read_pool_shape(loader *l, const raw_pool *raw, const char *where,
                           const fy_server *server, fy_pool_spec *pool)
{
    double nodes, devices, per, cpu, rack;
    double cpu_default = server != NULL ? server->cpu_cores.mid : (double)NAN;
    double bytes = server != NULL ? server->memory_bytes.mid : (double)NAN;
    int rc = read_count(l, where, "nodes", raw->nodes, 1, MAX_NODES, NAN, &nodes);
    if (rc == 0) {
        rc = read_count(l, where, "devices_per_chip", raw->devices_per_chip, 1, 64, 1, &per);
    }
    if (rc == 0) {
        rc = read_count(l, where, "devices", raw->devices, 1, MAX_DEVICES,
                        server != NULL ? (double)server->chips * per : (double)NAN, &devices);
    }
    if (rc == 0 && isnan(devices)) {
        rc = fy_doc_fail(l->doc, where, l->err, FY_EINVAL,
                         "pool %s: say how many devices a node has, or name a server", raw->name);
    }
    if (rc == 0) {
        rc = read_count(l, where, "cpu", raw->cpu, 0, 1e6, cpu_default, &cpu);
    }
    if (rc == 0) {
        rc = read_count(l, where, "nodes_per_rack", raw->nodes_per_rack, 1, MAX_NODES, 0, &rack);
    }
    fy_range memory = {bytes, bytes, bytes, FY_GRADE_DATASHEET, NULL};
    if (rc == 0) {
        rc = read_range(l, where, "memory", raw->memory, FY_DIM_BYTES, &memory);
    }
    if (rc != 0) {
        return rc;
    }
    pool->nodes = (int)nodes;
    pool->devices = (int)devices;
    pool->devices_per_chip = (int)per;
    pool->nodes_per_rack = (int)rack;
    pool->cpu_milli = isnan(cpu) ? -1 : (int64_t)(cpu * 1000);
    pool->memory_mib = isnan(memory.mid) ? -1 : (int64_t)(memory.mid / 1048576.0);
    return 0;
}

static int read_pool(loader *l, const raw_pool *raw, unsigned at, fy_pool_spec *pool)
{
    char where[32];
    const fy_server *server;
    const fy_chip *chip = NULL;
    snprintf(where, sizeof where, "pools[%u]", at);
    pool->name = fy_arena_strdup(l->arena, raw->name);
    int rc = read_model(l, raw, where, &server, &chip);
    if (rc == 0) {
        pool->chip = fy_site_add_chip(l->site, chip);
        rc = pool->chip >= 0 ? 0
                             : fy_doc_fail(l->doc, where, l->err, FY_ERANGE,
                                           "more than %d chip types in one fleet", FY_MAX_CHIPS);
    }
    if (rc == 0) {
        rc = read_pool_shape(l, raw, where, server, pool);
    }
    return rc != 0 ? rc : read_pool_power(l, raw, where, server, chip, pool);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Refuse two pools or tenants of one name. */
static int check_unique(loader *l, const char *list, const char **names, size_t n)
{
    if (n > 1) {
        qsort(names, n, sizeof *names, by_name);
    }
    for (size_t i = 1; i < n; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            return fy_doc_fail(l->doc, list, l->err, FY_EINVAL,
                               "%s: the name \"%s\" is there twice", list, names[i]);
        }
    }
    return 0;
}

static int read_pools(loader *l, const raw_site *raw)
{
    fy_site *s = l->site;
    int64_t nodes = 0;
    const char **names = fy_arena_alloc(l->arena, raw->n_pools * sizeof *names);
    s->pools = fy_arena_alloc(l->arena, raw->n_pools * sizeof *s->pools);
    for (unsigned i = 0; i < raw->n_pools; i++) {
        int rc = read_pool(l, &raw->pools[i], i, &s->pools[i]);
        if (rc != 0) {
            return rc;
        }
        names[i] = s->pools[i].name;
        nodes += s->pools[i].nodes;
        s->n_pools++;
    }
    if (nodes > MAX_NODES) {
        return fy_doc_fail(l->doc, "pools", l->err, FY_ERANGE, "more than %d nodes in one fleet",
                           MAX_NODES);
    }
    return check_unique(l, "pools", names, raw->n_pools);
}

/* ------------------------------------------------------------------------------------- tenants */

static int read_guarantee(loader *l, const raw_guarantee *raw, const char *where,
                          fy_tenant_spec *tenant)
{
    double devices;
    int chip = fy_site_chip(l->site, raw->chip, strlen(raw->chip));
    if (chip < 0) {
        return fy_doc_fail(l->doc, where, l->err, FY_ENOENT, "guarantee: this fleet has no \"%s\"",
                           raw->chip);
    }
    int rc = read_count(l, where, "devices", raw->devices, 0, 1e9, 0, &devices);
    if (rc == 0 && tenant->guarantee_milli[chip] != 0) {
        rc = fy_doc_fail(l->doc, where, l->err, FY_EINVAL, "guarantee: \"%s\" is there twice",
                         raw->chip);
    }
    if (rc == 0) {
        tenant->guarantee_milli[chip] = (int64_t)devices * 1000;
    }
    return rc;
}

static int read_tenant(loader *l, const raw_tenant *raw, unsigned at, fy_tenant_spec *tenant)
{
    char where[32], path[80];
    fy_range weight = {1, 1, 1, FY_GRADE_DATASHEET, NULL};
    double borrow;
    snprintf(where, sizeof where, "tenants[%u]", at);
    tenant->name = fy_arena_strdup(l->arena, raw->name);
    tenant->guarantee_milli = fy_arena_alloc(l->arena, (size_t)l->site->n_chips * sizeof(int64_t));
    int rc = read_range(l, where, "weight", raw->weight, FY_DIM_RATIO, &weight);
    if (rc == 0 && weight.mid <= 0) {
        rc = fy_doc_fail(l->doc, where, l->err, FY_ERANGE, "tenant %s: the weight must be positive",
                         raw->name);
    }
    if (rc == 0) {
        const char *text =
            raw->borrow != NULL && strcmp(raw->borrow, "unlimited") == 0 ? NULL : raw->borrow;
        rc = read_count(l, where, "borrow", text, 0, 1e9, -1, &borrow);
    }
    for (unsigned i = 0; i < raw->n_guarantee && rc == 0; i++) {
        snprintf(path, sizeof path, "%s.guarantee[%u]", where, i);
        rc = read_guarantee(l, &raw->guarantee[i], path, tenant);
    }
    if (rc == 0) {
        tenant->weight = weight.mid;
        tenant->borrow_milli = borrow < 0 ? -1 : (int64_t)borrow * 1000;
    }
    return rc;
}

/* Guarantees of one chip must fit in its devices. */
static int check_guarantees(loader *l)
{
    const fy_site *s = l->site;
    for (int c = 0; c < s->n_chips; c++) {
        int64_t sum = 0;
        for (int t = 0; t < s->n_tenants; t++) {
            sum += s->tenants[t].guarantee_milli[c] / 1000;
        }
        if (sum > fy_site_devices_of(s, c)) {
            return fy_doc_fail(l->doc, "tenants", l->err, FY_EINFEASIBLE,
                               "guarantees of %lld %s, but the fleet has %lld", (long long)sum,
                               s->chips[c]->id, (long long)fy_site_devices_of(s, c));
        }
    }
    return 0;
}

static int read_tenants(loader *l, const raw_site *raw)
{
    fy_site *s = l->site;
    const char **names = fy_arena_alloc(l->arena, (raw->n_tenants + 1) * sizeof *names);
    s->tenants = fy_arena_alloc(l->arena, (raw->n_tenants + 1) * sizeof *s->tenants);
    for (unsigned i = 0; i < raw->n_tenants; i++) {
        int rc = read_tenant(l, &raw->tenants[i], i, &s->tenants[i]);
        if (rc != 0) {
            return rc;
        }
        names[i] = s->tenants[i].name;
        s->n_tenants++;
    }
    int rc = check_unique(l, "tenants", names, raw->n_tenants);
    return rc != 0 ? rc : check_guarantees(l);
}

/* ------------------------------------------------------------------------------------ the site */

int fy_site_load(fy_site **out, const fy_catalog *catalog, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_load(&doc, path, &site_schema, err);
    if (rc != 0) {
        return rc;
    }
    const raw_site *raw = fy_doc_data(doc);
    fy_site *site = fy_site_new(catalog);
    loader l = {.doc = doc, .site = site, .arena = site->own, .err = err};
    site->name = fy_arena_strdup(l.arena, raw->name);
    site->note = raw->note != NULL ? fy_arena_strdup(l.arena, raw->note) : "";
    rc = read_power_terms(&l, raw);
    if (rc == 0) {
        rc = read_pools(&l, raw);
    }
    if (rc == 0) {
        rc = read_tenants(&l, raw);
    }
    fy_doc_free(doc);
    if (rc != 0) {
        fy_site_free(site);
        return rc;
    }
    *out = site;
    return 0;
}
