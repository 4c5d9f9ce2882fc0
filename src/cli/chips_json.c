/* SPDX-License-Identifier: MIT */
/* `fuyao chips ... --json`: ranges and comparisons as JSON. */
#include "cli/chips.h"
#include "cli/cmd.h"

#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const bound_keys[FY_N_BOUNDS] = {"compute", "memory", "link", "host"};

json_t *chips_json_range(fy_range value, const char *unit)
{
    if (!fy_known(value.mid)) {
        return json_null();
    }
    return json_pack("{s:f, s:f, s:f, s:s, s:s}", "low", value.low, "mid", value.mid, "high",
                     value.high, "unit", unit, "grade", chips_grade_word(value.grade));
}

void chips_print_json(json_t *root)
{
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout); /* a failed write shows in ferror(stdout) */
    json_decref(root);
}

static json_t *numbers(const fy_chip *a, const fy_chip *b, const chips_options *options)
{
    json_t *o = json_object();
    for (int i = 0; i < chips_n_fields; i++) {
        const chips_field *f = &chips_fields[i];
        fy_range x = chips_number(a, f, options->strict);
        fy_range y = chips_number(b, f, options->strict);
        double ratio = y.mid > 0 ? x.mid / y.mid : (double)NAN;
        json_object_set_new(o, f->key,
                            json_pack("{s:o, s:o, s:o}", "value", chips_json_range(x, f->json_unit),
                                      "reference", chips_json_range(y, f->json_unit), "ratio",
                                      fy_known(ratio) ? json_real(ratio) : json_null()));
    }
    return o;
}

static json_t *work(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                    const double share[FY_N_BOUNDS], const chips_options *options)
{
    return json_pack(
        "{s:o, s:o}", "slowdown",
        chips_json_range(fy_slowdown_of_mix(catalog, a, b, share, options->strict), ""), "energy",
        chips_json_range(fy_energy_of_mix(catalog, a, b, share, options->strict), ""));
}

static json_t *bounds(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                      const chips_options *options)
{
    json_t *o = json_object();
    for (int i = 0; i < FY_HOST; i++) {
        double share[FY_N_BOUNDS] = {0};
        share[i] = 1;
        json_object_set_new(o, bound_keys[i], work(catalog, a, b, share, options));
    }
    return o;
}

static json_t *mixes_json(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                          const fy_mix mixes[], int n, const chips_options *options)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const double *w = mixes[i].share;
        json_t *o = work(catalog, a, b, w, options);
        json_object_set_new(o, "id", json_string(mixes[i].id));
        json_object_set_new(o, "name", json_string(mixes[i].name));
        json_object_set_new(o, "source", json_string(mixes[i].source));
        json_object_set_new(o, "shares",
                            json_pack("{s:f, s:f, s:f, s:f}", "compute", w[0], "memory", w[1],
                                      "link", w[2], "host", w[3]));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *measured_json(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b)
{
    json_t *list = json_array();
    for (int i = 0; i < fy_catalog_n_measured(catalog); i++) {
        const fy_measured *m = fy_catalog_measured(catalog, i);
        if (!fy_measured_applies(catalog, m, a, b)) {
            continue;
        }
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "chip", m->chip, "against",
                              m->against, "what", m->what, "source", m->source, "outlier",
                              (int)m->outlier, "slowdown", chips_json_range(m->value, ""));
        json_object_set_new(
            o, "bound", m->bound == FY_N_BOUNDS ? json_null() : json_string(bound_keys[m->bound]));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *claims_json(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                           const chips_options *options)
{
    static const char *const truths[] = {"false", "true", "undecided"};
    static const char *const kinds[] = {"peak_ratio", "slowdown", "energy"};
    json_t *list = json_array();
    for (int i = 0; i < fy_catalog_n_claims(catalog); i++) {
        const fy_claim *claim = fy_catalog_claim(catalog, i);
        if (strcmp(claim->chip, a->id) != 0 || !fy_claim_is_about(claim, b)) {
            continue;
        }
        json_t *against = json_array();
        for (int k = -1; k < claim->n_against; k++) { /* the reference first, then the others */
            const fy_chip *other = k < 0 ? b : fy_catalog_find_chip(catalog, claim->against[k]);
            if (k >= 0 && other == b) {
                continue;
            }
            fy_range v = fy_claim_value(catalog, claim, a, other, options->strict);
            json_array_append_new(against, json_pack("{s:s, s:o, s:s}", "chip", other->id, "value",
                                                     chips_json_range(v, ""), "truth",
                                                     truths[fy_claim_truth(claim, v)]));
        }
        json_t *high = isinf(claim->high) ? json_null() : json_real(claim->high);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:f, s:o, s:o, s:s}", "id",
                                              claim->id, "text", claim->text, "quantity",
                                              kinds[claim->kind], "low", claim->low, "high", high,
                                              "against", against, "source", claim->source));
    }
    return list;
}

/*
 * {"reference": id, "strict": bool, "chips": [{"id",
 *   "numbers": {KEY: {"value", "reference": RANGE or null, "ratio": number or null}},
 *   "plan" (where --workload names a model): {"workload", "batch", "precision", "devices",
 *     "value", "reference": {"step_s", "low80_s", "high80_s", "tokens_per_s", "device_w",
 *     "token_j", "layout"} or {"why"}, "slowdown", "energy": RANGE or null},
 *   "bounds": {"compute" | "memory" | "link": {"slowdown", "energy": RANGE or null}},
 *   "mixes": [{"id", "name", "source", "shares": {...}, "slowdown", "energy"}],
 *   "sustained": {"value", "reference"}, "power_ratio": RANGE or null,
 *   "measured": [{"chip", "against", "bound", "what", "source", "outlier", "slowdown"}],
 *   "claims": [{"id", "text", "quantity", "low", "high" (null = no upper end), "source",
 *               "against": [{"chip", "value", "truth": "true" | "false" | "undecided"}]}]}]}
 * RANGE is {"low", "mid", "high", "unit", "grade"}; the reference is the first of "against".
 */
int chips_compare_json(const fy_catalog *catalog, const fy_chip *const chips[], int n,
                       const fy_mix mixes[], int n_mixes, const chips_plan *plan,
                       const chips_options *options)
{
    const fy_chip *b = chips[n - 1];
    json_t *list = json_array();
    for (int i = 0; i < n - 1; i++) {
        const fy_chip *a = chips[i];
        json_t *o = json_object();
        json_object_set_new(o, "id", json_string(a->id));
        json_object_set_new(o, "numbers", numbers(a, b, options));
        if (plan != NULL) {
            json_object_set_new(o, "plan", chips_plan_json(plan, i));
        }
        json_object_set_new(o, "bounds", bounds(catalog, a, b, options));
        json_object_set_new(o, "mixes", mixes_json(catalog, a, b, mixes, n_mixes, options));
        json_object_set_new(
            o, "sustained",
            json_pack("{s:o, s:o}", "value",
                      chips_json_range(fy_sustained_share(catalog, a, options->strict), ""),
                      "reference",
                      chips_json_range(fy_sustained_share(catalog, b, options->strict), "")));
        json_object_set_new(
            o, "power_ratio",
            chips_json_range(fy_power_ratio(catalog, a, b, FY_COMPUTE, options->strict), ""));
        json_object_set_new(o, "measured", measured_json(catalog, a, b));
        json_object_set_new(o, "claims", claims_json(catalog, a, b, options));
        json_array_append_new(list, o);
    }
    chips_print_json(json_pack("{s:s, s:b, s:o}", "reference", b->id, "strict",
                               (int)(options->strict == FY_STRICT), "chips", list));
    return CLI_OK;
}
