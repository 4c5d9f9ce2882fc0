/* SPDX-License-Identifier: MIT */
/*
 * The shipped rules: every limit at and just below it, the dated changes of autumn 2023, unknown
 * numbers, both gates, duties; the checks of ../shared where that folder is; and the lines about
 * bad input.
 */
#include "base/doc.h"
#include "supply/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct world {
    fy_catalog *catalog;
    fy_rules *rules;
} world;

static int open_world(void **state)
{
    static world w;
    fy_err err = {0};
    const char *data = getenv("FUYAO_DATA");
    if (data == NULL || fy_catalog_load(&w.catalog, data, &err) != 0 ||
        fy_rules_load(&w.rules, data, &err) != 0) {
        fprintf(stderr, "%s\n", data == NULL ? "FUYAO_DATA is not set" : err.text);
        return -1;
    }
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world *w = *state;
    fy_rules_free(w->rules);
    fy_catalog_free(w->catalog);
    return 0;
}

static int day_of(const char *text)
{
    int day = 0;
    fy_err err = {0};
    if (fy_date_parse(text, &day, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return day;
}

static fy_range known(double x)
{
    return (fy_range){x, x, x, isnan(x) ? FY_GRADE_UNKNOWN : FY_GRADE_DATASHEET, NULL};
}

/* A chip by what rules look at; link and memory in GB/s, PCIe by generation. */
static fy_chip made(const char *form, double tpp, double density, double link, double pcie,
                    double memory)
{
    return (fy_chip){.id = "made-up",
                     .vendor = "NVIDIA",
                     .form = form,
                     .tpp = known(tpp),
                     .performance_density = known(density),
                     .link_bytes_per_s = known(link * 1e9),
                     .pcie_gen = known(pcie),
                     .memory_bytes_per_s = known(memory * 1e9),
                     .node_nm = known(4)};
}

static fy_ruling exported(const world *w, const fy_chip *chip, const char *day)
{
    fy_rule_query query = {.day = day_of(day), .to = "CN"};
    return fy_rules_gate(w->rules, chip, FY_GATE_EXPORT, &query);
}

static void expect(const world *w, const char *what, const fy_chip *chip, const char *day,
                   fy_outcome want)
{
    fy_ruling r = exported(w, chip, day);
    if (r.outcome != want) {
        fail_msg("%s on %s: %s (%s), not %s", what, day, fy_outcome_name(r.outcome),
                 r.rule != NULL ? r.rule->id : "no rule", fy_outcome_name(want));
    }
}

static const fy_chip *chip_of(const world *w, const char *id)
{
    const fy_chip *chip = fy_catalog_find_chip(w->catalog, id);
    if (chip == NULL) {
        fail_msg("no chip %s", id);
    }
    return chip;
}

/* ---------------------------------------------------------------------------------- the limits */

#define R2_DAY "2022-11-15"
#define R3_DAY "2024-01-01"
#define R5_DAY "2025-05-01"
#define R7_DAY "2026-02-01"

static void test_limits(void **state)
{
    static const struct {
        const char *form;
        double tpp, density, link, pcie, memory;
        const char *day;
        fy_outcome want;
    } cases[] = {
        /* R2: 4800 and 600 together; PCIe gen 4 is 64 of it, gen 5 128 */
        {"SXM5", 4799.999, 5, 900, 5, 1000, R2_DAY, FY_OUTCOME_FREE},
        {"SXM5", 4800, 5, 900, 5, 1000, R2_DAY, FY_OUTCOME_LICENCE},
        {"SXM5", 4800, 5, 535, 4, 1000, R2_DAY, FY_OUTCOME_FREE},
        {"SXM5", 4800, 5, 536, 4, 1000, R2_DAY, FY_OUTCOME_LICENCE},
        {"SXM5", 9999, 5, 471, 5, 1000, R2_DAY, FY_OUTCOME_FREE},
        {"SXM5", 9999, 5, 472, 5, 1000, R2_DAY, FY_OUTCOME_LICENCE},
        /* R3, 3A090.a: 4800 alone, or 1600 and 5.92 */
        {"PCIe", 4799.999, 1.5999, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        {"PCIe", 4800, 1.5999, 0, 4, 500, R3_DAY, FY_OUTCOME_LICENCE},
        {"PCIe-consumer", 4799.999, 9, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        {"PCIe-consumer", 4800, 9, 0, 4, 500, R3_DAY, FY_OUTCOME_NOTIFY},
        {"PCIe-workstation", 4800, 9, 0, 4, 500, R3_DAY, FY_OUTCOME_NOTIFY},
        {"PCIe", 1600, 5.92, 0, 4, 500, R3_DAY, FY_OUTCOME_LICENCE},
        {"PCIe", 1600, 5.9199, 0, 4, 500, R3_DAY, FY_OUTCOME_NOTIFY},
        {"PCIe", 1599.999, 5.92, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        /* R3, 3A090.b: 1600 and 3.2, or 2400 and 1.6 */
        {"PCIe", 1600, 3.1999, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        {"PCIe", 1600, 3.2, 0, 4, 500, R3_DAY, FY_OUTCOME_NOTIFY},
        {"PCIe", 2399.999, 3.1999, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        {"PCIe", 2400, 1.6, 0, 4, 500, R3_DAY, FY_OUTCOME_NOTIFY},
        {"PCIe", 2400, 1.5999, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        {"PCIe-consumer", 2400, 4, 0, 4, 500, R3_DAY, FY_OUTCOME_FREE},
        /* R5: 1400 of memory, 1100 of I/O, 1700 of both */
        {"SXM5", 1000, 1, 0, 4, 1399, R5_DAY, FY_OUTCOME_FREE},
        {"SXM5", 1000, 1, 0, 4, 1400, R5_DAY, FY_OUTCOME_LICENCE},
        {"SXM5", 1000, 1, 1035, 4, 599, R5_DAY, FY_OUTCOME_FREE},
        {"SXM5", 1000, 1, 1036, 4, 599, R5_DAY, FY_OUTCOME_LICENCE},
        {"SXM5", 1000, 1, 536, 4, 1099, R5_DAY, FY_OUTCOME_FREE},
        {"SXM5", 1000, 1, 536, 4, 1100, R5_DAY, FY_OUTCOME_LICENCE},
        {"SXM5", 1000, 1, 236, 4, 1399, R5_DAY, FY_OUTCOME_FREE}, /* 1699 */
        {"SXM5", 1000, 1, 237, 4, 1399, R5_DAY, FY_OUTCOME_LICENCE},
        {"SXM5", 1000, 1, 0, 4, 1400, R3_DAY, FY_OUTCOME_FREE}, /* before the letters */
        /* R7: under 21000 and under 6500 */
        {"SXM6", 20999, 20, 900, 5, 6499, R7_DAY, FY_OUTCOME_CASE_BY_CASE},
        {"SXM6", 21000, 20, 900, 5, 6499, R7_DAY, FY_OUTCOME_DENY},
        {"SXM6", 20999, 20, 900, 5, 6500, R7_DAY, FY_OUTCOME_DENY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[40];
        fy_chip chip = made(cases[i].form, cases[i].tpp, cases[i].density, cases[i].link,
                            cases[i].pcie, cases[i].memory);
        snprintf(what, sizeof what, "limit %zu", i);
        expect(*state, what, &chip, cases[i].day, cases[i].want);
    }
}

static void test_duty(void **state)
{
    static const struct {
        double tpp, memory, want;
    } cases[] = {
        {14000, 4500, 0.25},  {13999.999, 4500, 0}, {17500, 5000, 0.25}, {17500.001, 5000, 0},
        {15832, 4499, 0},     {15832, 5001, 0},     {20800, 5800, 0.25}, {21100, 6200, 0.25},
        {21100.001, 6200, 0}, {20919, 5799, 0},     {20919, 6201, 0},    {36000, NAN, 0},
    };
    const world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_chip chip = made("SXM5", cases[i].tpp, 20, 900, 5, cases[i].memory);
        fy_rule_query query = {.day = day_of("2026-01-15"), .to = "CN"};
        assert_true(fy_rules_duty(w->rules, &chip, &query) == cases[i].want);
        query.day--;
        assert_true(fy_rules_duty(w->rules, &chip, &query) == 0);
    }
    fy_chip open = made("SXM5", 15832, 20, 900, 5, NAN);
    fy_rule_query query = {.day = day_of("2026-01-15"), .to = "CN"};
    assert_true(isnan(fy_rules_duty(w->rules, &open, &query)));
}

/* ------------------------------------------------------------------------------------ unknowns */

static void test_unknown(void **state)
{
    const world *w = *state;
    fy_chip no_tpp = made("PCIe", NAN, NAN, 0, 5, 500);
    expect(w, "I/O decides alone", &no_tpp, R2_DAY, FY_OUTCOME_FREE);
    expect(w, "TPP is wanting", &no_tpp, R3_DAY, FY_OUTCOME_UNKNOWN);
    fy_ruling r = exported(w, &no_tpp, R3_DAY);
    assert_true(r.rule == NULL && r.n_facts > 0 && r.facts[0].what == FY_RULE_TPP);
    assert_int_equal(r.facts[0].compare, FY_CANNOT_TELL);
    assert_int_equal(r.possible,
                     1U << FY_OUTCOME_FREE | 1U << FY_OUTCOME_NOTIFY | 1U << FY_OUTCOME_LICENCE);

    fy_chip no_pcie = made("SXM6", 9999, 20, 600, NAN, NAN);
    expect(w, "a lower bound is enough", &no_pcie, R2_DAY, FY_OUTCOME_LICENCE);
    no_pcie.link_bytes_per_s = known(599e9);
    expect(w, "a lower bound is not enough", &no_pcie, R2_DAY, FY_OUTCOME_UNKNOWN);

    fy_chip no_memory = made("SXM6", 28000, 20, 900, 5, NAN);
    expect(w, "one false term denies", &no_memory, R7_DAY, FY_OUTCOME_DENY);
    no_memory.tpp = known(20999);
    expect(w, "case by case or deny", &no_memory, R7_DAY, FY_OUTCOME_UNKNOWN);
    assert_int_equal(exported(w, &no_memory, R7_DAY).possible,
                     1U << FY_OUTCOME_CASE_BY_CASE | 1U << FY_OUTCOME_DENY);

    fy_chip no_form = made("", 2000, 4, 0, 4, 500);
    expect(w, "for what is it made?", &no_form, R3_DAY, FY_OUTCOME_UNKNOWN);
    no_form.tpp = known(1599);
    expect(w, "whatever it is made for", &no_form, R3_DAY, FY_OUTCOME_FREE);

    fy_chip assumed = made("PCIe", 1600, 3.2, 0, 4, 500);
    assumed.tpp.grade = FY_GRADE_ASSUMED;
    expect(w, "what is assumed is no fact", &assumed, R3_DAY, FY_OUTCOME_UNKNOWN);

    fy_chip planar = made("PCIe", 1600, NAN, 0, 3, 500);
    expect(w, "density unknown", &planar, R3_DAY, FY_OUTCOME_UNKNOWN);
    planar.node_nm = known(28);
    expect(w, "density does not apply", &planar, R3_DAY, FY_OUTCOME_FREE);

    fy_chip nameless = made("PCIe", 100, 0.1, 0, 4, 1400);
    nameless.vendor = "";
    expect(w, "who made it?", &nameless, R5_DAY, FY_OUTCOME_UNKNOWN);
    nameless.vendor = "Google";
    expect(w, "a maker without a letter", &nameless, R5_DAY, FY_OUTCOME_FREE);
}

/* ------------------------------------------------------------------------------------- history */

static void test_autumn_2023(void **state)
{
    static const char *const by_letter[] = {"a800-80-sxm4", "a800-80-pcie", "h800-sxm5",
                                            "h800-pcie", "l40s"};
    static const char *const to_licence[] = {"l4", "biren-br104", "gaudi2-hl225b"};
    static const char *const to_notify[] = {"a30", "a40", "l40", "rtx4090"};
    const world *w = *state;
    for (int i = 0; i < 5; i++) {
        expect(w, by_letter[i], chip_of(w, by_letter[i]), "2023-10-22", FY_OUTCOME_FREE);
        expect(w, by_letter[i], chip_of(w, by_letter[i]), "2023-10-23", FY_OUTCOME_LICENCE);
        fy_ruling r = exported(w, chip_of(w, by_letter[i]), "2023-10-23");
        assert_true(r.rule->letter);
        assert_string_equal(r.rule->id, "R3a");
        expect(w, by_letter[i], chip_of(w, by_letter[i]), "2023-11-17", FY_OUTCOME_LICENCE);
    }
    for (int i = 0; i < 3; i++) {
        expect(w, to_licence[i], chip_of(w, to_licence[i]), "2023-11-16", FY_OUTCOME_FREE);
        expect(w, to_licence[i], chip_of(w, to_licence[i]), "2023-11-17", FY_OUTCOME_LICENCE);
    }
    for (int i = 0; i < 4; i++) {
        expect(w, to_notify[i], chip_of(w, to_notify[i]), "2023-11-16", FY_OUTCOME_FREE);
        expect(w, to_notify[i], chip_of(w, to_notify[i]), "2023-11-17", FY_OUTCOME_NOTIFY);
    }
}

/* Of the chips that were there, these and no others changed on these days. */
static void test_only_these_change(void **state)
{
    static const struct {
        const char *day, *chips;
    } changes[] = {
        {"2023-10-23", " a800-80-pcie a800-80-sxm4 h800-pcie h800-sxm5 l40s"},
        {"2023-11-17", " a30 a40 biren-br104 gaudi2-hl225b l4 l40 rtx4090"},
    };
    const world *w = *state;
    for (int k = 0; k < 2; k++) {
        char found[400] = "", before[FY_DATE_TEXT];
        fy_date_format(before, day_of(changes[k].day) - 1);
        for (int i = 0; i < fy_catalog_n_chips(w->catalog); i++) {
            const fy_chip *chip = fy_catalog_chip(w->catalog, i);
            fy_ruling x = exported(w, chip, before), y = exported(w, chip, changes[k].day);
            bool there = chip->year.mid <= 2023 && x.outcome != FY_OUTCOME_UNKNOWN &&
                         y.outcome != FY_OUTCOME_UNKNOWN;
            if (there && x.outcome != y.outcome) {
                size_t n = strlen(found);
                snprintf(found + n, sizeof found - n, " %s", chip->id);
            }
        }
        assert_string_equal(found, changes[k].chips);
    }
}

static void test_gates(void **state)
{
    const world *w = *state;
    const fy_chip *h200 = chip_of(w, "h200-sxm5");
    fy_rule_query q = {.day = day_of("2026-01-15"), .to = "CN"};
    fy_ruling out = fy_rules_gate(w->rules, h200, FY_GATE_EXPORT, &q);
    fy_ruling in = fy_rules_gate(w->rules, h200, FY_GATE_IMPORT, &q);
    assert_int_equal(out.outcome, FY_OUTCOME_CASE_BY_CASE);
    assert_true(out.rule->volume_share == 0.5 && out.rule->delivered != NULL);
    assert_int_equal(in.outcome, FY_OUTCOME_DENY);
    assert_int_equal(fy_ruling_both(&out, &in), FY_OUTCOME_DENY);
    q.day = day_of("2026-01-28");
    in = fy_rules_gate(w->rules, h200, FY_GATE_IMPORT, &q);
    assert_int_equal(in.outcome, FY_OUTCOME_CASE_BY_CASE);
    assert_int_equal(fy_ruling_both(&out, &in), FY_OUTCOME_CASE_BY_CASE);
    q.to = "HK"; /* the importer's rules are for CN */
    in = fy_rules_gate(w->rules, h200, FY_GATE_IMPORT, &q);
    assert_int_equal(in.outcome, FY_OUTCOME_FREE);
    assert_true(fy_rules_know(w->rules, "MO") && !fy_rules_know(w->rules, "DE"));

    /* What is open on one side need not matter. */
    fy_ruling open = {.possible = 1U << FY_OUTCOME_FREE | 1U << FY_OUTCOME_AVOID};
    assert_int_equal(fy_ruling_both(&out, &open), FY_OUTCOME_CASE_BY_CASE);
    open.possible |= 1U << FY_OUTCOME_LICENCE;
    assert_int_equal(fy_ruling_both(&out, &open), FY_OUTCOME_UNKNOWN);

    /* A rule left out, whole or one clause. */
    const char *r7[] = {"R7"}, *deny[] = {"R7.deny"};
    const fy_chip *b200 = chip_of(w, "b200");
    q = (fy_rule_query){.day = day_of("2026-02-01"), .to = "CN", .without = r7, .n_without = 1};
    assert_int_equal(fy_rules_gate(w->rules, h200, FY_GATE_EXPORT, &q).outcome,
                     FY_OUTCOME_LICENCE); /* the letters still hold */
    q.without = deny;
    assert_int_equal(fy_rules_gate(w->rules, h200, FY_GATE_EXPORT, &q).outcome,
                     FY_OUTCOME_CASE_BY_CASE);
    assert_string_equal(fy_rules_gate(w->rules, b200, FY_GATE_EXPORT, &q).rule->id, "R5.wide");
    assert_true(fy_rules_have(w->rules, "R3") && fy_rules_have(w->rules, "R7t"));
    assert_false(fy_rules_have(w->rules, "R9"));
}

/* After the last day of the facts nothing is claimed, but what held last is there. */
static void test_after_the_facts(void **state)
{
    const world *w = *state;
    fy_rule_query q = {.day = fy_rules_last_day(w->rules), .to = "CN"};
    const fy_chip *b200 = chip_of(w, "b200");
    assert_int_equal(fy_rules_gate(w->rules, b200, FY_GATE_EXPORT, &q).outcome, FY_OUTCOME_DENY);
    q.day++;
    fy_ruling r = fy_rules_gate(w->rules, b200, FY_GATE_EXPORT, &q);
    assert_int_equal(r.outcome, FY_OUTCOME_UNKNOWN);
    assert_int_equal(r.so_far, FY_OUTCOME_DENY);
    assert_true(isnan(fy_rules_duty(w->rules, b200, &q)));
}

/* Chips and makers that rules name are in the catalogue. */
static void test_names(void **state)
{
    const world *w = *state;
    for (int i = 0; i < w->rules->n_rules; i++) {
        const fy_rule_entry *e = &w->rules->rules[i];
        for (int k = 0; k < e->chips.n; k++) {
            (void)chip_of(w, e->chips.items[k]);
        }
        for (int k = 0; k < e->vendors.n; k++) {
            int n = 0;
            for (int c = 0; c < fy_catalog_n_chips(w->catalog); c++) {
                n += strcmp(fy_catalog_chip(w->catalog, c)->vendor, e->vendors.items[k]) == 0;
            }
            if (n == 0) {
                fail_msg("%s: no chip is by %s", e->shown.id, e->vendors.items[k]);
            }
        }
    }
}

/* ---------------------------------------------------------------------------- the shared checks */

/* The outcome in the words of the checks. */
static const char *token(const fy_ruling *r)
{
    static const char *const words[FY_N_OUTCOMES] = {"UNKNOWN",      "FREE",    "NOTIFY", "AVOID",
                                                     "CASE_BY_CASE", "LICENCE", "DENY"};
    if (r->rule != NULL && r->outcome == FY_OUTCOME_LICENCE &&
        strncmp(r->rule->id, "R5.", 3) == 0) {
        return "LICENCE_L";
    }
    return r->rule != NULL && r->rule->revenue_share == 0.15 ? "LICENSED_15PCT" : words[r->outcome];
}

/* A rule stands for a day when it was the newest, without the chips licensed by name. */
static fy_rule_query query_of(const char *rule_or_date)
{
    static const char *const by_name[] = {"R6"};
    static const struct {
        const char *rule, *day;
    } newest[] = {{"R2", R2_DAY}, {"R3", R3_DAY}, {"R5", R5_DAY}, {"R7", "2026-01-15"}};
    for (int i = 0; i < 4; i++) {
        if (strcmp(newest[i].rule, rule_or_date) == 0) {
            return (fy_rule_query){
                .day = day_of(newest[i].day), .to = "CN", .without = by_name, .n_without = 1};
        }
    }
    return (fy_rule_query){.day = day_of(rule_or_date), .to = "CN"};
}

static void check_line(const world *w, char *line)
{
    char *rest = line, *chip = strsep(&rest, ","), *at = strsep(&rest, ",");
    char *expected = strsep(&rest, ","), *duty = strsep(&rest, ",");
    assert_non_null(duty);
    fy_rule_query query = query_of(at);
    fy_ruling r = fy_rules_gate(w->rules, chip_of(w, chip), FY_GATE_EXPORT, &query);
    if (strcmp(token(&r), expected) != 0) {
        fail_msg("%s, %s: %s (%s), not %s", chip, at, token(&r),
                 r.rule != NULL ? r.rule->id : "no rule", expected);
    }
    double want = strcmp(duty, "25%") == 0 ? 0.25 : 0;
    if (fy_rules_duty(w->rules, chip_of(w, chip), &query) != want) {
        fail_msg("%s, %s: duty is not %g", chip, at, want);
    }
}

/* The outcomes that lie beside the source, where they do. */
static const char *shared_checks(void)
{
    static char path[4096];
    const char *root = getenv("ROOT");

    snprintf(path, sizeof path, "%s/../shared/facts/export-checks.csv", root != NULL ? root : ".");
    return path;
}

static void test_shared_checks(void **state)
{
    char *text = NULL;
    size_t len = 0;
    fy_err err = {0};
    assert_int_equal(fy_read_file(&text, &len, shared_checks(), 1 << 20, &err), 0);
    int n = 0;
    char *rest = text, *line = strsep(&rest, "\n"); /* the header */
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        check_line(*state, line);
        n++;
    }
    free(text);
    assert_int_equal(n, 329);
}

/* ----------------------------------------------------------------------------------- bad input */

#define RULE(rest)                                                                                 \
    "rules:\n  - id: X1\n    gate: export\n    to: [CN]\n    text: t\n    source: s\n"             \
    "    confidence: read\n" rest

static void test_bad_input(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {RULE("    from: 2023-02-30\n    outcome: free\n    when: tpp > 1\n"),
         "f:8: from: \"2023-02-30\" is not a date"},
        {RULE("    from: 2023-1-01\n    outcome: free\n    when: tpp > 1\n"), "f:8: from: "},
        {RULE(
             "    from: 2023-01-02\n    until: 2023-01-01\n    outcome: free\n    when: tpp > 1\n"),
         "f:9: until: 2023-01-01 is before from"},
        {RULE("    from: 2023-01-02\n    outcome: maybe\n    when: tpp > 1\n"),
         "f:9: outcome: \"maybe\" is none of"},
        {RULE("    from: 2023-01-02\n    outcome: free\n"), "f:2: rule \"X1\" needs chips"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp >= 4800 GB\n"),
         "f:10: when: "},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: memory >= 1400\n"),
         "f:10: when: "},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: speed > 1\n"),
         "f:10: when: \"speed > 1\": tpp, density"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp + io > 1\n"),
         "f:10: when: \"io > 1\": io or memory"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp > 1 density > 1\n"),
         "f:10: when: "},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: (tpp > 1\n"),
         "f:10: when: ends where"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp = 1\n"),
         "f:10: when: \"= 1\": one of"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp > 1\n    volume_share: 50 "
              "%\n"),
         "f:11: volume_share and volume_of"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp > 1\n    revenue_share: 150 "
              "%\n"),
         "f:11: revenue_share: 150 % is more than 1"},
        {RULE("    from: 2023-01-02\n    outcome: free\n    when: tpp > 1\n    vedors: [A]\n"),
         "f:"},
        {"terms:\n  - name: and\n    when: tpp > 1\n", "f:2: name: \"and\" must be"},
        {"terms:\n  - name: a\n    when: a or tpp > 1\n", "f:3: when: \"a or tpp > 1\": tpp,"},
        {"terms:\n  - name: a\n    when: tpp > 1\n  - name: a\n    when: tpp > 1\n",
         "f:4: name: term \"a\" is there twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_rules *rules = NULL;
        fy_err err = {0};
        int rc = fy_rules_parse(&rules, "f", cases[i].text, strlen(cases[i].text), &err);
        if (rc == 0 || strncmp(err.text, cases[i].want, strlen(cases[i].want)) != 0) {
            fail_msg("case %zu: \"%s\" does not begin with \"%s\"", i, err.text, cases[i].want);
        }
    }
}

static void test_dates(void **state)
{
    char text[FY_DATE_TEXT];
    int day = -1;
    (void)state;
    assert_int_equal(day_of("1970-01-01"), 0);
    assert_int_equal(day_of("2000-03-01") - day_of("2000-02-28"), 2);
    assert_int_equal(day_of("2100-03-01") - day_of("2100-02-28"), 1);
    assert_int_equal(day_of("2023-11-17"), 19678);
    for (int d = 0; d <= day_of("2199-12-31"); d++) { /* every day, in order */
        assert_int_equal(fy_date_parse(fy_date_format(text, d), &day, NULL), 0);
        assert_int_equal(day, d);
    }
    static const char *const bad[] = {"",           "2023",       "2023-13-01",
                                      "2023-00-01", "2023-11-31", "2023-11-1",
                                      "2023/11/01", "1969-12-31", "2023-11-01 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fy_date_parse(bad[i], &day, NULL), FY_EPARSE);
    }
}

/* What is not there is not handed to cmocka, whose skip() meson takes for a failure. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_duty),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_autumn_2023),
        cmocka_unit_test(test_only_these_change),
        cmocka_unit_test(test_gates),
        cmocka_unit_test(test_after_the_facts),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_shared_checks), /* last: it may be left out */
    };
    size_t n = sizeof tests / sizeof *tests;

    if (access(shared_checks(), R_OK) != 0) {
        printf("# skipped: no ../shared/facts/export-checks.csv beside the source\n");
        (void)fflush(stdout);
        n--;
    }
    return _cmocka_run_group_tests("rules", tests, n, open_world, close_world);
}
