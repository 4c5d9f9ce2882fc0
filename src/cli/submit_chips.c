/* SPDX-License-Identifier: MIT */
/*
 * Names of chips as people and scripts of Slurm write them: `h800` is every chip of the catalogue
 * that is an h800 (h800-sxm5, h800-pcie, ...), in the catalogue's order. What the catalogue does
 * not know stays, and the daemon says what it thinks of it.
 */
#include "cli/submit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *name_of(const json_t *chip)
{
    return json_string_value(json_is_object(chip) ? json_object_get(chip, "chip") : chip);
}

static bool is_meant(const fy_chip *chip, const char *name)
{
    size_t len = strlen(name);

    for (int i = 0; i < chip->n_aliases; i++) {
        if (strcasecmp(chip->aliases[i], name) == 0) {
            return true;
        }
    }
    return strncasecmp(chip->id, name, len) == 0 && (chip->id[len] == '-' || chip->id[len] == '\0');
}

/* The place of the chip `id` in the list; its length where it is not there. */
static size_t place_of(const json_t *list, const char *id)
{
    size_t i = 0;

    while (i < json_array_size(list) && strcmp(name_of(json_array_get(list, i)), id) != 0) {
        i++;
    }
    return i;
}

/* The chip `id` in place of the one that was written, with the rate that was said last. */
static void add(json_t *list, const json_t *written, const char *id)
{
    json_t *rate = json_object_get(written, "rate"), *value = json_string(id);
    size_t at = place_of(list, id);

    if (rate != NULL) {
        json_t *object = json_object();

        json_object_set_new(object, "chip", value);
        json_object_set(object, "rate", rate);
        value = object;
    }
    if (at == json_array_size(list)) {
        json_array_append_new(list, value);
    } else if (rate != NULL) {
        json_array_set_new(list, at, value);
    } else {
        json_decref(value);
    }
}

void cli_submit_chips(json_t *fields, const fy_catalog *catalog)
{
    const json_t *written = json_object_get(fields, "chips");
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(written); i++) {
        const json_t *chip = json_array_get(written, i);
        const char *name = name_of(chip);
        bool exact = fy_catalog_find_chip(catalog, name) != NULL, found = false;

        for (int c = 0; !exact && c < fy_catalog_n_chips(catalog); c++) {
            if (is_meant(fy_catalog_chip(catalog, c), name)) {
                add(list, chip, fy_catalog_chip(catalog, c)->id);
                found = true;
            }
        }
        if (!found) {
            add(list, chip, name);
        }
    }
    json_object_set_new(fields, "chips", list);
}
