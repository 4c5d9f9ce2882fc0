/* SPDX-License-Identifier: MIT */
/* `fuyao rules --json`. */
#include "cli/json.h"
#include "cli/rules.h"

#include <stdio.h>

static json_t *day_json(int day)
{
    char text[FY_DATE_TEXT];
    return day < FY_DAY_NEVER ? json_string(fy_date_format(text, day)) : json_null();
}

static json_t *fact_json(const fy_rule_fact *f)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{FY_RULE_TPP, "tpp"},
                 {FY_RULE_DENSITY, "density"},
                 {FY_RULE_IO, "io"},
                 {FY_RULE_MEMORY, "memory"},
                 {FY_RULE_DATA_CENTRE, "data_centre"}};
    static const char *const signs[] = {[FY_LESS] = "<",
                                        [FY_AT_MOST] = "<=",
                                        [FY_AT_LEAST] = ">=",
                                        [FY_MORE] = ">",
                                        [FY_CANNOT_TELL] = "unknown"};
    json_t *sum = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((f->what & names[i].bit) != 0) {
            json_array_append_new(sum, json_string(names[i].name));
        }
    }
    const char *unit = (f->what & (FY_RULE_IO | FY_RULE_MEMORY)) != 0 ? "B/s"
                       : f->what == FY_RULE_DENSITY                   ? "1/mm2"
                                                                      : "";
    return json_pack("{s:o, s:f, s:o, s:s, s:f, s:s}", "sum_of", sum, "low", f->low, "high",
                     cli_json_real(f->high), "compare", signs[f->compare], "limit", f->limit,
                     "unit", unit);
}

static json_t *rule_json(const fy_rule *r)
{
    if (r == NULL) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:o, s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", r->id,
                     "from", day_json(r->from_day), "until", day_json(r->until_day), "letter",
                     (int)r->letter, "text", r->text, "source", r->source, "confidence",
                     r->confidence, "delivered", cli_json_text(r->delivered), "revenue_share",
                     cli_json_real(r->revenue_share), "volume_share",
                     cli_json_real(r->volume_share), "volume_of", cli_json_text(r->volume_of),
                     "volume_devices", cli_json_real(r->volume_devices));
}

static json_t *gate_json(const fy_ruling *r)
{
    json_t *possible = json_array(), *facts = json_array();
    for (int i = FY_OUTCOME_FREE; i < FY_N_OUTCOMES; i++) {
        if ((r->possible & 1U << i) != 0) {
            json_array_append_new(possible, json_string(fy_outcome_name((fy_outcome)i)));
        }
    }
    for (int i = 0; i < r->n_facts; i++) {
        json_array_append_new(facts, fact_json(&r->facts[i]));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "outcome", fy_outcome_name(r->outcome), "so_far",
                     fy_outcome_name(r->so_far), "possible", possible, "rule", rule_json(r->rule),
                     "facts", facts);
}

static json_t *answer_json(const rules_ask *ask, const fy_chip *chip, int day)
{
    rules_answer a = rules_of(ask, chip, day);
    return json_pack("{s:o, s:s, s:o, s:o, s:o}", "day", day_json(day), "outcome",
                     fy_outcome_name(a.both), "export", gate_json(&a.gate[FY_GATE_EXPORT]),
                     "import", gate_json(&a.gate[FY_GATE_IMPORT]), "duty", cli_json_real(a.duty));
}

static json_t *events_json(const fy_rules *rules)
{
    json_t *list = json_array();
    for (int i = 0; i < fy_rules_n_events(rules); i++) {
        const fy_rule_event *e = fy_rules_event(rules, i);
        json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s, s:s}", "id", e->id, "day",
                                              day_json(e->day), "text", e->text, "source",
                                              e->source, "confidence", e->confidence));
    }
    return list;
}

/*
 * {"to", "last_day", "note", "chips": [{"id", "days": [ANSWER...]}]}; one day, or with --history
 * each day from which the answer is another, the first being 1970-01-01 for "from the start", and
 * "events": [{"id", "day", "text", "source", "confidence"}] beside "chips".
 * ANSWER: {"day", "outcome" (both gates together), "export", "import": GATE, "duty": share or null}
 * GATE: {"outcome", "so_far", "possible": [...], "rule": RULE or null, "facts": [{"sum_of": [...],
 * "low", "high" (null = no upper end), "compare", "limit", "unit"}]}
 */
void rules_print_json(const rules_ask *ask)
{
    json_t *chips = json_array();
    for (int i = 0; i < ask->n_chips; i++) {
        int days[RULES_MAX_CHANGES] = {ask->query.day};
        int n = ask->history ? rules_changes(ask, ask->chips[i], days) : 1;
        json_t *list = json_array();
        for (int k = 0; k < n; k++) {
            json_array_append_new(list, answer_json(ask, ask->chips[i], days[k]));
        }
        json_array_append_new(chips,
                              json_pack("{s:s, s:o}", "id", ask->chips[i]->id, "days", list));
    }
    json_t *root = json_pack("{s:s, s:o, s:s, s:o}", "to", ask->query.to, "last_day",
                             day_json(fy_rules_last_day(ask->rules)), "note", "not legal advice",
                             "chips", chips);
    if (ask->history) {
        json_object_set_new(root, "events", events_json(ask->rules));
    }
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout); /* a failed write shows in ferror(stdout) */
    json_decref(root);
}
