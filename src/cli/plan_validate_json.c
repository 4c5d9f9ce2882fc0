/* SPDX-License-Identifier: MIT */
/*
 * `fuyao plan --validate --json`: the members that docs/plan.md lists; errors and shares as
 * fractions of 1, unknown as null.
 */
#include "base/num.h"
#include "cli/json.h"
#include "cli/plan.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

static const double bytes_per_gib = 1024.0 * 1024 * 1024;

/* ------------------------------------------------------------------ a row */

/* Numbers as numbers, words as words. */
static json_t *cell_value(const fy_run_spec *spec, fy_run_cell cell)
{
    char shown[FY_CELL_TEXT];
    double value;
    int64_t whole;
    size_t len = strlen(fy_run_cell_text(shown, spec, cell));

    if (fy_num_int(shown, len, INT64_MIN, INT64_MAX, &whole) == FY_NUM_OK) {
        return json_integer((json_int_t)whole);
    }
    return fy_num_double(shown, len, &value) == FY_NUM_OK ? json_real(value) : cli_json_text(shown);
}

/* A dense model has no cells of experts to fill. */
static bool applies(const fy_run_spec *spec, int cell)
{
    return spec->model.experts > 0 || cell < FY_CELL_EXPERTS || cell > FY_CELL_DENSE_LAYERS;
}

static json_t *filled_json(const fy_run *run, const fy_prediction *p)
{
    json_t *filled = json_object();

    for (int i = 0; i < FY_N_CELLS; i++) {
        fy_origin from = p->spec.origin[i];

        if (from != FY_ORIGIN_BLANK && from != FY_ORIGIN_GIVEN && applies(&p->spec, i)) {
            json_object_set_new(filled, fy_run_cell_name((fy_run_cell)i),
                                json_pack("{s:o, s:s}", "value",
                                          cell_value(&p->spec, (fy_run_cell)i), "from",
                                          fy_origin_name(from)));
        }
    }
    if (strchr(run->spec.chip, '+') != NULL) {
        json_object_set_new(filled, "chip",
                            json_pack("{s:s, s:s}", "value", p->chip->id, "from", "slowest"));
    }
    if (p->layouts > 1) {
        json_object_set_new(filled, "search",
                            json_pack("{s:i, s:i, s:o, s:o}", "layouts", p->layouts, "fitting",
                                      p->fitting, "fastest_s", cli_json_real(p->fastest_s),
                                      "slowest_s", cli_json_real(p->slowest_s)));
    }
    return filled;
}

static json_t *terms_json(const fy_estimate *e)
{
    json_t *terms = json_object();

    for (int i = 0; i < FY_N_TERMS; i++) {
        json_object_set_new(terms, fy_term_name((fy_term)i), cli_json_real(e->term_s[i]));
    }
    return terms;
}

static json_t *row_json(const fy_run_result *r)
{
    const fy_estimate *e = &r->prediction.estimate;
    bool there = r->predicted;
    json_t *row = json_object();

    json_object_set_new(row, "id", cli_json_text(r->run->id));
    json_object_set_new(row, "set", cli_json_text(r->run->set));
    json_object_set_new(row, "status", json_string(fy_run_status_name(r->status)));
    json_object_set_new(row, "reason", cli_json_text(r->reason));
    json_object_set_new(row, "t_measured_s", cli_json_real(r->run->measured.step_s));
    json_object_set_new(row, "t_predicted_s", there ? cli_json_real(e->step_s) : json_null());
    json_object_set_new(row, "lo80", there ? cli_json_real(e->low_s) : json_null());
    json_object_set_new(row, "hi80", there ? cli_json_real(e->high_s) : json_null());
    json_object_set_new(row, "terms", there ? terms_json(e) : json_object());
    json_object_set_new(row, "fits", there ? json_boolean(e->memory.fits) : json_null());
    json_object_set_new(row, "mem_predicted_gib",
                        there ? cli_json_real(r->memory_bytes / bytes_per_gib) : json_null());
    json_object_set_new(row, "filled", there ? filled_json(r->run, &r->prediction) : json_object());
    return row;
}

/* ------------------------------------------------------------------ sums */

static json_t *sets_json(const fy_accuracy *a)
{
    json_t *list = json_array();

    for (int i = 0; i < a->n_sets; i++) {
        const fy_set_accuracy *s = &a->sets[i];

        json_array_append_new(list, json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "set",
                                              cli_json_text(s->set), "n", s->n, "mape",
                                              cli_json_real(s->mape), "median",
                                              cli_json_real(s->median), "p90",
                                              cli_json_real(s->p90), "bias", cli_json_real(s->bias),
                                              "mape_left_out", cli_json_real(s->mape_left_out)));
    }
    return list;
}

static json_t *ranking_json(const fy_accuracy *a)
{
    json_t *list = json_array();

    for (int i = 0; i < a->n_rankings; i++) {
        const fy_ranking *r = &a->rankings[i];

        json_array_append_new(
            list, json_pack("{s:o, s:i, s:o, s:o}", "group", cli_json_text(r->group), "n", r->n,
                            "tau_b", cli_json_real(r->tau_b), "regret", cli_json_real(r->regret)));
    }
    return list;
}

static json_t *memory_json(const fy_accuracy *a)
{
    json_t *list = json_array();

    for (int i = 0; i < a->n_memory; i++) {
        const fy_memory_accuracy *m = &a->memory[i];

        json_array_append_new(
            list, json_pack("{s:s, s:i, s:o, s:o}", "kind", fy_memory_kind_name(m->kind), "n", m->n,
                            "mape", cli_json_real(m->mape), "below", cli_json_real(m->below)));
    }
    return list;
}

static json_t *constants_json(const fy_accuracy *a)
{
    json_t *list = json_array();

    for (int i = 0; i < a->n_constants; i++) {
        const fy_constants_used *c = &a->constants[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:i}", "chip_family",
                                              cli_json_text(c->chip_family), "stack",
                                              cli_json_text(c->stack), "n", c->n));
    }
    return list;
}

void plan_validate_json(const fy_accuracy *a)
{
    json_t *rows = json_array();
    json_t *root;

    for (int i = 0; i < a->n_rows; i++) {
        json_array_append_new(rows, row_json(&a->rows[i]));
    }
    root = json_pack("{s:i, s:{s:i, s:i, s:i, s:i}}", "schema", 1, "counts", "rows", a->n_rows,
                     "ok", a->n_ok, "skipped", a->n_skipped, "not_comparable", a->n_not_comparable);
    json_object_set_new(root, "constants", constants_json(a));
    json_object_set_new(root, "sets", sets_json(a));
    json_object_set_new(root, "ranking", ranking_json(a));
    json_object_set_new(root, "memory", memory_json(a));
    json_object_set_new(root, "coverage80", cli_json_real(a->coverage80));
    json_object_set_new(root, "width80", cli_json_real(a->width80));
    json_object_set_new(root, "rows", rows);
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(root);
}
