/* SPDX-License-Identifier: MIT */
/*
 * What the rules say of a chip on a day. The rules of a gate are asked in the order of the files;
 * the first in force that holds decides. Where one is unknown its outcome stays possible and the
 * next is asked: if all that is possible is one outcome, that is the answer.
 */
#include "supply/rules.h"

#include <string.h>

static const char *const outcome_words[FY_N_OUTCOMES] = {
    [FY_OUTCOME_UNKNOWN] = "unknown",
    [FY_OUTCOME_FREE] = "free",
    [FY_OUTCOME_NOTIFY] = "notify",
    [FY_OUTCOME_AVOID] = "avoid",
    [FY_OUTCOME_CASE_BY_CASE] = "case by case",
    [FY_OUTCOME_LICENCE] = "licence",
    [FY_OUTCOME_DENY] = "deny",
};

const char *fy_outcome_name(fy_outcome outcome)
{
    return (unsigned)outcome < FY_N_OUTCOMES ? outcome_words[outcome] : "unknown";
}

/* ---------------------------------------------------------------------------------- quantities */

/*
 * A number as an interval: what is assumed in the catalogue is no fact, so it counts as unknown.
 * All quantities are >= 0.
 */
static void take(fy_quantities *q, int bit, fy_range value)
{
    bool fact = fy_known(value.mid) && value.grade != FY_GRADE_ASSUMED;
    q->low[bit] = fact ? value.low : 0;
    q->high[bit] = fact ? value.high : (double)INFINITY;
}

/* PCIe x16, both directions, in the round figures of the trade: 16 GB/s in generation 2. */
static fy_range pcie_bytes_per_s(const fy_chip *chip)
{
    fy_range r = chip->pcie_gen;
    if (!fy_known(r.mid) || r.mid < 1 || r.mid > 9) {
        return (fy_range){.low = NAN, .mid = NAN, .high = NAN};
    }
    r.low = r.mid = r.high = 4e9 * (double)(1 << (int)r.mid);
    return r;
}

/* The form says what a chip is made for; no form, no answer. */
static fy_range data_centre(const fy_chip *chip)
{
    bool no = strstr(chip->form, "consumer") != NULL || strstr(chip->form, "workstation") != NULL;
    double v = chip->form[0] == '\0' ? (double)NAN : no ? 0 : 1;
    return (fy_range){.low = v, .mid = v, .high = v, .grade = FY_GRADE_DERIVED};
}

enum { BIT_TPP, BIT_DENSITY, BIT_IO, BIT_MEMORY, BIT_DATA_CENTRE };

/* Area counts where transistors are not planar; the last planar process was of 20 nm. */
static const double smallest_planar_nm = 16;

static fy_quantities quantities_of(const fy_chip *chip)
{
    fy_quantities q, part;
    take(&q, BIT_TPP, chip->tpp);
    take(&q, BIT_DENSITY, chip->performance_density);
    if (!fy_known(chip->performance_density.mid) && chip->node_nm.mid > smallest_planar_nm) {
        q.low[BIT_DENSITY] = q.high[BIT_DENSITY] = 0;
    }
    take(&q, BIT_IO, chip->link_bytes_per_s);
    take(&part, BIT_IO, pcie_bytes_per_s(chip));
    q.low[BIT_IO] += part.low[BIT_IO]; /* one unknown addend leaves a lower bound */
    q.high[BIT_IO] += part.high[BIT_IO];
    take(&q, BIT_MEMORY, chip->memory_bytes_per_s);
    take(&q, BIT_DATA_CENTRE, data_centre(chip));
    q.high[BIT_DATA_CENTRE] = q.high[BIT_DATA_CENTRE] > 1 ? 1 : q.high[BIT_DATA_CENTRE];
    return q;
}

/* --------------------------------------------------------------------------------------- scope */

static bool names_have(fy_names names, const char *word)
{
    for (int i = 0; i < names.n; i++) {
        if (strcmp(names.items[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* Is `id` the rule, or a clause of it: `R3` names `R3.notify` too? */
static bool is_of(const char *id, const char *rule)
{
    size_t len = strlen(rule);
    return strncmp(id, rule, len) == 0 && (id[len] == '\0' || id[len] == '.');
}

static bool left_out(const char *id, const fy_rule_query *query)
{
    for (int i = 0; i < query->n_without; i++) {
        if (is_of(id, query->without[i])) {
            return true;
        }
    }
    return false;
}

static bool asked(const char *id, int from_day, int until_day, fy_names to,
                  const fy_rule_query *query)
{
    return query->day >= from_day && query->day <= until_day && names_have(to, query->to) &&
           !left_out(id, query);
}

static fy_truth names_chip(const fy_rule_entry *rule, const fy_chip *chip)
{
    if (rule->chips.n > 0 && !names_have(rule->chips, chip->id)) {
        return FY_FALSE;
    }
    if (rule->vendors.n == 0) {
        return FY_TRUE;
    }
    return chip->vendor[0] == '\0'                   ? FY_UNDECIDED
           : names_have(rule->vendors, chip->vendor) ? FY_TRUE
                                                     : FY_FALSE;
}

/* ------------------------------------------------------------------------------------- verdict */

typedef struct verdict {
    unsigned possible;
    const fy_rule *holds; /* the first that surely does */
    fy_facts yes, no, open;
} verdict;

static void ask(verdict *v, const fy_rule_entry *rule, const fy_chip *chip, const fy_quantities *q)
{
    fy_truth scope = names_chip(rule, chip);
    if (scope == FY_FALSE) {
        return;
    }
    fy_truth when = rule->when != NULL ? fy_predicate_of(rule->when, q) : FY_TRUE;
    if (when == FY_FALSE) {
        fy_predicate_explain(rule->when, q, &v->no);
        return;
    }
    v->possible |= 1U << rule->shown.outcome;
    bool sure = scope == FY_TRUE && when == FY_TRUE;
    if (rule->when != NULL) {
        fy_predicate_explain(rule->when, q, sure ? &v->yes : &v->open);
    }
    if (sure) {
        v->holds = &rule->shown;
    }
}

static fy_outcome only_one(unsigned possible)
{
    for (int i = FY_OUTCOME_FREE; i < FY_N_OUTCOMES; i++) {
        if (possible == 1U << i) {
            return (fy_outcome)i;
        }
    }
    return FY_OUTCOME_UNKNOWN;
}

fy_ruling fy_rules_gate(const fy_rules *rules, const fy_chip *chip, fy_gate gate,
                        const fy_rule_query *query)
{
    fy_quantities q = quantities_of(chip);
    verdict v = {0};
    for (int i = 0; i < rules->n_rules && v.holds == NULL; i++) {
        const fy_rule_entry *rule = &rules->rules[i];
        if (rule->shown.gate == gate &&
            asked(rule->shown.id, rule->shown.from_day, rule->shown.until_day, rule->to, query)) {
            ask(&v, rule, chip, &q);
        }
    }
    if (v.holds == NULL) {
        v.possible |= 1U << FY_OUTCOME_FREE;
    }
    fy_ruling out = {.possible = v.possible, .so_far = only_one(v.possible)};
    bool open = out.so_far == FY_OUTCOME_UNKNOWN;
    const fy_facts *facts = open ? &v.open : v.holds != NULL ? &v.yes : &v.no;
    out.outcome = query->day > rules->last_day ? FY_OUTCOME_UNKNOWN : out.so_far;
    out.rule = open ? NULL : v.holds;
    out.n_facts = facts->n;
    memcpy(out.facts, facts->item, sizeof out.facts);
    return out;
}

/* Every pair that is possible gives the stricter of the two; one answer, or none. */
fy_outcome fy_ruling_both(const fy_ruling *exporter, const fy_ruling *importer)
{
    unsigned possible = 0;
    if (exporter->outcome != exporter->so_far || importer->outcome != importer->so_far) {
        return FY_OUTCOME_UNKNOWN; /* after the last day of the facts */
    }
    for (int i = FY_OUTCOME_FREE; i < FY_N_OUTCOMES; i++) {
        for (int k = FY_OUTCOME_FREE; k < FY_N_OUTCOMES; k++) {
            if ((exporter->possible & 1U << i) != 0 && (importer->possible & 1U << k) != 0) {
                possible |= 1U << (i > k ? i : k);
            }
        }
    }
    return only_one(possible);
}

double fy_rules_duty(const fy_rules *rules, const fy_chip *chip, const fy_rule_query *query)
{
    fy_quantities q = quantities_of(chip);
    for (int i = 0; i < rules->n_duties; i++) {
        const fy_duty *d = &rules->duties[i];
        fy_truth t = asked(d->id, d->from_day, d->until_day, d->to, query)
                         ? fy_predicate_of(d->when, &q)
                         : FY_FALSE;
        if (t != FY_FALSE) {
            return t == FY_TRUE && query->day <= rules->last_day ? d->share : (double)NAN;
        }
    }
    return query->day <= rules->last_day ? 0 : (double)NAN;
}

/* ------------------------------------------------------------------------------------- look-up */

int fy_rules_last_day(const fy_rules *rules)
{
    return rules->last_day;
}

int fy_rules_count(const fy_rules *rules)
{
    return rules->n_rules;
}

const fy_rule *fy_rules_at(const fy_rules *rules, int i)
{
    return &rules->rules[i].shown;
}

int fy_rules_n_events(const fy_rules *rules)
{
    return rules->n_events;
}

const fy_rule_event *fy_rules_event(const fy_rules *rules, int i)
{
    return &rules->events[i];
}

bool fy_rules_know(const fy_rules *rules, const char *to)
{
    for (int i = 0; i < rules->n_rules; i++) {
        if (names_have(rules->rules[i].to, to)) {
            return true;
        }
    }
    return false;
}

bool fy_rules_have(const fy_rules *rules, const char *id)
{
    for (int i = 0; i < rules->n_rules; i++) {
        if (is_of(rules->rules[i].shown.id, id)) {
            return true;
        }
    }
    for (int i = 0; i < rules->n_duties; i++) {
        if (is_of(rules->duties[i].id, id)) {
            return true;
        }
    }
    return false;
}

static void nearer(int day, int candidate, int *best)
{
    if (candidate > day && candidate < *best) {
        *best = candidate;
    }
}

int fy_rules_next_change(const fy_rules *rules, int day)
{
    int best = FY_DAY_NEVER;
    for (int i = 0; i < rules->n_rules; i++) {
        nearer(day, rules->rules[i].shown.from_day, &best);
        nearer(day, rules->rules[i].shown.until_day + 1, &best);
    }
    for (int i = 0; i < rules->n_duties; i++) {
        nearer(day, rules->duties[i].from_day, &best);
        nearer(day, rules->duties[i].until_day + 1, &best);
    }
    return best;
}
