/* SPDX-License-Identifier: MIT */
/* `fuyao rules` for people: one day as a table, one chip through time. */
#include "base/str.h"
#include "cli/rules.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

static const char not_advice[] = "Not legal advice.";

/* ------------------------------------------------------------------------------------- numbers */

static bool is_rate(unsigned what)
{
    return (what & (FY_RULE_IO | FY_RULE_MEMORY)) != 0;
}

static const char *what_of(unsigned what)
{
    switch (what) {
    case FY_RULE_TPP:
        return "TPP";
    case FY_RULE_DENSITY:
        return "density";
    case FY_RULE_IO:
        return "I/O";
    case FY_RULE_MEMORY:
        return "memory";
    default:
        return "memory + I/O";
    }
}

/* GB/s throughout, as the rules have it, and all digits: a limit is met or it is not. */
static void put_number(fy_str *s, double value, bool rate)
{
    fy_str_printf(s, "%.10g", rate ? value / 1e9 : value);
}

static void put_fact(fy_str *s, const fy_rule_fact *f)
{
    static const char *const signs[] = {[FY_LESS] = "<",
                                        [FY_AT_MOST] = "<=",
                                        [FY_AT_LEAST] = ">=",
                                        [FY_MORE] = ">",
                                        [FY_CANNOT_TELL] = "?"};
    bool rate = is_rate(f->what), part = isinf(f->high);
    if (f->what == FY_RULE_DATA_CENTRE) {
        fy_str_puts(s, f->compare == FY_CANNOT_TELL ? "for data centres?"
                       : f->compare == FY_AT_LEAST  ? "for data centres"
                                                    : "not for data centres");
        return;
    }
    fy_str_printf(s, "%s ", what_of(f->what));
    if (part && f->low == 0) {
        fy_str_puts(s, "unknown");
        return;
    }
    fy_str_puts(s, part ? "at least " : "");
    put_number(s, f->low, rate);
    fy_str_printf(s, " %s ", signs[f->compare]);
    put_number(s, f->limit, rate);
    fy_str_puts(s, rate ? " GB/s" : "");
}

static void put_facts(fy_str *s, const fy_ruling *r)
{
    if (r->rule != NULL && r->n_facts == 0) {
        fy_str_puts(s, "by name");
    }
    unsigned said = 0; /* what is wholly unknown is said once, whatever the limits */
    for (int i = 0, n = 0; i < r->n_facts; i++) {
        const fy_rule_fact *f = &r->facts[i];
        bool unknown = f->low == 0 && isinf(f->high);
        if (unknown && (said & 1U << f->what) != 0) {
            continue;
        }
        said |= unknown ? 1U << f->what : 0;
        fy_str_puts(s, n++ > 0 ? ", " : "");
        put_fact(s, f);
    }
}

/* `licence`; `notify or free` where that is open; `was licence` after the last day of the facts. */
static void put_outcome(fy_str *s, const fy_ruling *r)
{
    bool later = r->outcome != r->so_far;
    if (r->so_far != FY_OUTCOME_UNKNOWN) {
        fy_str_printf(s, "%s%s", later ? "unknown, was " : "", fy_outcome_name(r->so_far));
        return;
    }
    fy_str_puts(s, "unknown: ");
    for (int i = FY_OUTCOME_FREE, n = 0; i < FY_N_OUTCOMES; i++) {
        if ((r->possible & 1U << i) != 0) {
            fy_str_printf(s, "%s%s", n++ > 0 ? " or " : "", fy_outcome_name((fy_outcome)i));
        }
    }
}

static void put_import(fy_str *s, const fy_ruling *r)
{
    if (r->rule == NULL && r->possible == 1U << FY_OUTCOME_FREE) {
        fy_str_puts(s, "-");
        return;
    }
    put_outcome(s, r);
    if (r->rule != NULL) {
        fy_str_printf(s, " (%s)", r->rule->id);
    }
}

static void put_duty(fy_str *s, double duty, bool beyond)
{
    if (fy_known(duty)) {
        fy_str_printf(s, duty > 0 ? "%.4g %%" : "-", 100 * duty);
    } else {
        fy_str_puts(s, beyond ? "-" : "unknown");
    }
}

/* ------------------------------------------------------------------------------------- a table */

static void end_cell(cli_table *table, fy_str *s)
{
    cli_table_cell(table, "%s", s->text != NULL ? s->text : "");
    fy_str_clear(s);
    fy_str_puts(s, "");
}

static void add_answer(cli_table *table, const rules_answer *a, bool beyond)
{
    const fy_ruling *out = &a->gate[FY_GATE_EXPORT];
    fy_str s = {0};
    put_outcome(&s, out);
    end_cell(table, &s);
    cli_table_cell(table, "%s", out->rule != NULL ? out->rule->id : "-");
    put_import(&s, &a->gate[FY_GATE_IMPORT]);
    end_cell(table, &s);
    put_duty(&s, a->duty, beyond);
    end_cell(table, &s);
    put_facts(&s, out);
    end_cell(table, &s);
    fy_str_free(&s);
}

static cli_table *new_table(const char *first)
{
    const char *const headers[] = {first, "EXPORT", "RULE", "IMPORT", "DUTY", "BY THESE NUMBERS"};
    cli_table *table = cli_table_new();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        cli_table_column(table, headers[i], i == 5 ? CLI_WRAP : CLI_LEFT);
    }
    return table;
}

static void print_end(const rules_ask *ask)
{
    char day[FY_DATE_TEXT];
    printf("Facts up to %s; sources and what is unknown: docs/rules.md. %s\n",
           fy_date_format(day, fy_rules_last_day(ask->rules)), not_advice);
}

/* The rules that decided a row above, with what they say and what comes with them. */
static void print_rule(const fy_rule *rule)
{
    char from[FY_DATE_TEXT];
    printf("%s (from %s%s, %s): %s", rule->id, fy_date_format(from, rule->from_day),
           rule->letter ? ", by letter" : "", rule->confidence, rule->text);
    if (fy_known(rule->revenue_share)) {
        printf(" Price: %.4g %% of the revenue.", 100 * rule->revenue_share);
    }
    if (fy_known(rule->volume_share)) {
        printf(" Cap: %.4g %% of %s.", 100 * rule->volume_share, rule->volume_of);
    }
    if (fy_known(rule->volume_devices)) {
        printf(" Volume: %.0f devices.", rule->volume_devices);
    }
    if (rule->delivered != NULL) {
        printf(" Delivered: %s.", rule->delivered);
    }
    putchar('\n');
}

static void print_used(const rules_ask *ask, const bool *used)
{
    for (int i = 0; i < fy_rules_count(ask->rules); i++) {
        if (used[i]) {
            print_rule(fy_rules_at(ask->rules, i));
        }
    }
}

enum { MAX_RULES = 2048 };

static void mark(const rules_ask *ask, const rules_answer *a, bool *used)
{
    for (int g = 0; g < FY_N_GATES; g++) {
        for (int i = 0; i < fy_rules_count(ask->rules) && i < MAX_RULES; i++) {
            used[i] = used[i] || a->gate[g].rule == fy_rules_at(ask->rules, i);
        }
    }
}

void rules_print(const rules_ask *ask)
{
    bool used[MAX_RULES] = {false};
    char day[FY_DATE_TEXT], last[FY_DATE_TEXT];
    bool beyond = ask->query.day > fy_rules_last_day(ask->rules);
    cli_table *table = new_table("CHIP");
    for (int i = 0; i < ask->n_chips; i++) {
        rules_answer a = rules_of(ask, ask->chips[i], ask->query.day);
        mark(ask, &a, used);
        cli_table_row(table);
        cli_table_cell(table, "%s", ask->chips[i]->id);
        add_answer(table, &a, beyond);
    }
    printf("Rules on %s, to %s\n\n", fy_date_format(day, ask->query.day), ask->query.to);
    cli_table_print(table);
    putchar('\n');
    print_used(ask, used);
    if (beyond) {
        printf("What holds after %s is not known here.\n",
               fy_date_format(last, fy_rules_last_day(ask->rules)));
    }
    print_end(ask);
}

static void print_events(const rules_ask *ask)
{
    puts("\nDated facts that decide no chip by a number:");
    for (int i = 0; i < fy_rules_n_events(ask->rules); i++) {
        const fy_rule_event *e = fy_rules_event(ask->rules, i);
        char day[FY_DATE_TEXT];
        printf("%s %s (%s): %s\n", fy_date_format(day, e->day), e->id, e->confidence, e->text);
    }
    putchar('\n');
}

void rules_print_history(const rules_ask *ask)
{
    bool used[MAX_RULES] = {false};
    int days[RULES_MAX_CHANGES];
    for (int i = 0; i < ask->n_chips; i++) {
        const fy_chip *chip = ask->chips[i];
        cli_table *table = new_table("FROM");
        int n = rules_changes(ask, chip, days);
        for (int k = 0; k < n; k++) {
            char day[FY_DATE_TEXT];
            rules_answer a = rules_of(ask, chip, days[k]);
            mark(ask, &a, used);
            cli_table_row(table);
            cli_table_cell(table, "%s", k == 0 ? "the start" : fy_date_format(day, days[k]));
            add_answer(table, &a, false);
        }
        printf("%s, to %s", chip->id, ask->query.to);
        printf(fy_known(chip->year.mid) ? ", made since %.0f\n\n" : "\n\n", chip->year.mid);
        cli_table_print(table);
        putchar('\n');
    }
    print_used(ask, used);
    print_events(ask);
    print_end(ask);
}
