/* SPDX-License-Identifier: MIT */
/*
 * Gavel's throughput table: steps a second by chip type, job type and scale factor, measured alone
 * (the entry "null"; entries for co-located pairs are not read). A type TYPE_unconsolidated holds
 * where a gang spans nodes; where a table has that type but not the job's entry, the gang has not
 * been measured spread and must not span.
 * Source: stanford-futuredata/gavel, scheduler/simulation_throughputs.json; Narayanan et al.,
 * OSDI'20.
 */
#include "base/arena.h"
#include "base/csv.h"
#include "base/str.h"
#include "trace/rates.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TYPES = FY_MAX_CHIPS };

static const char spread_suffix[] = "_unconsolidated";

typedef struct chip_rates {
    const json_t *alone;  /* "('job type', scale)" -> {"null": rate}; borrowed from root */
    const json_t *spread; /* the same where a gang spans nodes; NULL = the table has none */
    int chip;             /* index into the site's chips, or FY_CHIP_ABSENT */
} chip_rates;

struct fy_gavel_rates {
    json_t *root; /* owned */
    chip_rates types[MAX_TYPES];
    int n_types;
};

/* Every rate of a type must be a number >= 0 (JSON has no infinity), so that look-ups cannot fail.
 */
static int check_type(const char *name, const char *type, json_t *entries, fy_err *err)
{
    if (!json_is_object(entries)) {
        return fy_fail(err, FY_EPARSE, "%s: '%.40s' must hold job types and their rates", name,
                       type);
    }
    for (void *at = json_object_iter(entries); at != NULL;
         at = json_object_iter_next(entries, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *entry = json_object_get(json_object_iter_value(at), "null");
        if (!json_is_number(entry) || json_number_value(entry) < 0 ||
            json_number_value(entry) > 1e18) {
            return fy_fail(err, FY_ERANGE,
                           "%s: '%.20s', \"%.60s\": \"null\" must be steps a second, 0 to 1e18",
                           name, type, key);
        }
    }
    return 0;
}

static int add_type(fy_gavel_rates *rates, const char *name, const char *type, json_t *alone,
                    const fy_site *site, fy_err *err)
{
    char key[128];
    int chip = fy_site_chip(site, type, strlen(type));
    int rc = check_type(name, type, alone, err);

    if (rc < 0) {
        return rc;
    }
    if (chip == FY_CHIP_UNKNOWN) {
        char shown[FY_SHOWN];

        return fy_fail(err, FY_EPARSE,
                       "%s: chip '%s' is not in the catalogue; use an id or alias that `fuyao "
                       "chips` lists",
                       name, fy_field_shown(shown, (fy_field){type, strlen(type)}));
    }
    if (rates->n_types == MAX_TYPES) {
        return fy_fail(err, FY_ERANGE, "%s: more than %d chip types", name, MAX_TYPES);
    }
    (void)snprintf(key, sizeof key, "%s%s", type, spread_suffix);
    rates->types[rates->n_types++] =
        (chip_rates){.alone = alone, .spread = json_object_get(rates->root, key), .chip = chip};
    return 0;
}

static bool is_spread(const char *type)
{
    size_t len = strlen(type), suffix = sizeof spread_suffix - 1;

    return len > suffix && strcmp(type + len - suffix, spread_suffix) == 0;
}

static int add_types(fy_gavel_rates *rates, const char *name, const fy_site *site, fy_err *err)
{
    int rc = 0;

    for (void *at = json_object_iter(rates->root); at != NULL && rc == 0;
         at = json_object_iter_next(rates->root, at)) {
        const char *type = json_object_iter_key(at);
        json_t *entries = json_object_iter_value(at);

        if (is_spread(type)) {
            rc = check_type(name, type, entries, err);
        } else {
            rc = add_type(rates, name, type, entries, site, err);
        }
    }
    if (rc == 0 && rates->n_types == 0) {
        rc = fy_fail(err, FY_EPARSE, "%s: holds no chip type", name);
    }
    return rc;
}

static int from_json(fy_gavel_rates **out, const char *name, json_t *root, const json_error_t *why,
                     const fy_site *site, fy_err *err)
{
    fy_gavel_rates *rates;
    int rc;

    *out = NULL;
    if (root == NULL) {
        return fy_fail(err, FY_EPARSE, "%s:%d: not JSON: %.150s", name, why->line, why->text);
    }
    rates = fy_calloc(1, sizeof *rates);
    rates->root = root;
    if (!json_is_object(root)) {
        rc = fy_fail(err, FY_EPARSE, "%s: must be an object of chip types", name);
    } else {
        rc = add_types(rates, name, site, err);
    }
    if (rc < 0) {
        fy_gavel_rates_free(rates);
        return rc;
    }
    *out = rates;
    return 0;
}

int fy_gavel_rates_parse(fy_gavel_rates **out, const char *name, const char *text, size_t len,
                         const fy_site *site, fy_err *err)
{
    json_error_t why;

    return from_json(out, name, json_loadb(text, len, JSON_REJECT_DUPLICATES, &why), &why, site,
                     err);
}

int fy_gavel_rates_load(fy_gavel_rates **out, const char *path, const fy_site *site, fy_err *err)
{
    json_error_t why;
    json_t *root;
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        return fy_fail(err, errno == ENOENT ? FY_ENOENT : FY_EIO, "%s: cannot be read: %s", path,
                       strerror(errno));
    }
    root = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL && ferror(file)) {
        (void)fclose(file);
        return fy_fail(err, FY_EIO, "%s: cannot be read; is it a file?", path);
    }
    (void)fclose(file);
    return from_json(out, path, root, &why, site, err);
}

void fy_gavel_rates_free(fy_gavel_rates *rates)
{
    if (rates != NULL) {
        json_decref(rates->root);
        free(rates);
    }
}

/* The rate, or -1 if it has not been measured. */
static double rate_of(const json_t *entries, const char *key)
{
    const json_t *entry = json_object_get(json_object_get(entries, key), "null");

    return entry != NULL ? json_number_value(entry) : -1;
}

void fy_sort_by_rate(fy_accept *accept, int n)
{
    for (int i = 1; i < n; i++) {
        fy_accept moved = accept[i];
        int at = i;

        while (at > 0 && accept[at - 1].rate < moved.rate) {
            accept[at] = accept[at - 1];
            at--;
        }
        accept[at] = moved;
    }
}

int fy_gavel_rates_of(const fy_gavel_rates *rates, const char *job_type, int scale,
                      fy_accept *accept, int *n_absent)
{
    fy_str key = {0};
    bool measured = false;
    int n = 0;

    *n_absent = 0;
    fy_str_printf(&key, "('%s', %d)", job_type, scale);
    for (int i = 0; i < rates->n_types; i++) {
        const chip_rates *type = &rates->types[i];
        double rate = rate_of(type->alone, key.text);
        double spread = type->spread != NULL ? rate_of(type->spread, key.text) : rate;

        measured = measured || rate >= 0;
        if (rate > 0 && type->chip == FY_CHIP_ABSENT) {
            ++*n_absent;
        } else if (rate > 0) {
            accept[n++] = (fy_accept){.chip = type->chip,
                                      .rate = rate,
                                      .rate_spread = spread > 0 ? spread : 0,
                                      .grade = FY_GRADE_MEASURED};
        }
    }
    fy_str_free(&key);
    fy_sort_by_rate(accept, n);
    return measured ? n : -1;
}
