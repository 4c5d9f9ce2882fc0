/* SPDX-License-Identifier: MIT */
/* What the parts of `fuyao chips` share. Private to the command. */
#ifndef FUYAO_CLI_CHIPS_H
#define FUYAO_CLI_CHIPS_H

#include "base/units.h"
#include "fuyao/compare.h"

#include <jansson.h>

enum { CHIPS_MAX_COMPARED = 8, CHIPS_TEXT = 96 };

typedef struct chips_options {
    bool json;
    fy_strictness strict;
    const char *workload; /* NULL = every mix of the catalogue */
    int devices;          /* of each chip, for a workload of data/workloads; 0 = as few as fit */
} chips_options;

/* One number of a chip: its name in YAML and JSON, its name for people, where it is. */
typedef struct chips_field {
    const char *key, *label;
    size_t at;
    fy_dim dim;
    const char *json_unit;
} chips_field;

extern const chips_field chips_fields[];
extern const int chips_n_fields;

/* The field's number in `chip`; unknown where strict and the number is assumed. */
fy_range chips_number(const fy_chip *chip, const chips_field *field, fy_strictness strict);

/* `value` with its unit and a letter for its grade (none for a data sheet). Returns `out`. */
char *chips_text(char out[CHIPS_TEXT], fy_range value, fy_dim dim);

/* A ratio with 3 significant digits, trailing zeros kept: 0.150, 1.19, 33.5. Returns `out`. */
char *chips_ratio(char out[CHIPS_TEXT], double value);
char *chips_ratio_range(char out[CHIPS_TEXT], fy_range value); /* `4.30 .. 6.69` */

const char *chips_grade_letter(fy_grade grade);
const char *chips_grade_word(fy_grade grade);

/* A range as JSON: null where unknown. The reference is the caller's. */
json_t *chips_json_range(fy_range value, const char *unit);
void chips_print_json(json_t *root); /* and drop it */

/* The commands; each returns an exit code. */
int chips_list(const fy_catalog *catalog, const chips_options *options);
int chips_show(const fy_catalog *catalog, const fy_chip *chip, const chips_options *options);
int chips_compare(const fy_catalog *catalog, const fy_chip *const chips[], int n,
                  const chips_options *options);

/* Where a comparison's evidence ends up: text, or one member of the JSON. `plan`: NULL = none. */
typedef struct chips_plan chips_plan;
int chips_compare_json(const fy_catalog *catalog, const fy_chip *const chips[], int n,
                       const fy_mix mixes[], int n_mixes, const chips_plan *plan,
                       const chips_options *options);

/* ------------------------------------------------------------------ a model: chips_plan.c */

/*
 * Plan the workload that --workload names on each chip, the last one being the reference.
 *   out   the caller's to close, whatever is returned
 *   mix   filled with the shares of its time on the reference
 * Returns 0 (chips_plan_found: is there such a workload?) or an exit code after printing why.
 */
int chips_plan_open(chips_plan **out, const fy_catalog *catalog, const fy_chip *const chips[],
                    int n, const chips_options *options, fy_mix *mix);
void chips_plan_close(chips_plan *plan); /* NULL allowed */
bool chips_plan_found(const chips_plan *plan);
void chips_plan_print(const chips_plan *plan, int i);   /* chip i against the reference */
json_t *chips_plan_json(const chips_plan *plan, int i); /* the caller's */

#endif
