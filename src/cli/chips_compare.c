/* SPDX-License-Identifier: MIT */
/*
 * `fuyao chips compare A B...`: ratios of every number, then slowdown and energy per unit of work
 * by kind of work, the numbers that decide, and what becomes of claims made about the pair.
 */
#include "cli/chips.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

static const char *const bound_names[FY_N_BOUNDS] = {"compute-bound", "memory-bound", "link-bound",
                                                     "host-bound"};

/* Is the number known on any of the chips? */
static bool known_somewhere(const fy_chip *const chips[], int n, const chips_field *f,
                            const chips_options *options)
{
    for (int i = 0; i < n; i++) {
        if (fy_known(chips_number(chips[i], f, options->strict).mid)) {
            return true;
        }
    }
    return false;
}

static void print_numbers(const fy_chip *const chips[], int n, const chips_options *options)
{
    const fy_chip *b = chips[n - 1];
    cli_table *table = cli_table_new();
    cli_table_column(table, "QUANTITY", CLI_LEFT);
    for (int i = 0; i < n - 1; i++) {
        cli_table_column(table, chips[i]->id, CLI_LEFT);
        cli_table_column(table, "RATIO", CLI_RIGHT);
    }
    cli_table_column(table, b->id, CLI_LEFT);
    for (int k = 0; k < chips_n_fields; k++) {
        const chips_field *f = &chips_fields[k];
        char text[CHIPS_TEXT];
        if (!known_somewhere(chips, n, f, options)) {
            continue;
        }
        fy_range y = chips_number(b, f, options->strict);
        cli_table_row(table);
        cli_table_cell(table, "%s", f->label);
        for (int i = 0; i < n - 1; i++) {
            fy_range x = chips_number(chips[i], f, options->strict);
            bool ratio = y.mid > 0 && fy_known(x.mid) && strcmp(f->key, "year") != 0;
            cli_table_cell(table, "%s", chips_text(text, x, f->dim));
            cli_table_cell(table, "%s", ratio ? chips_ratio(text, x.mid / y.mid) : "");
        }
        cli_table_cell(table, "%s", chips_text(text, y, f->dim));
    }
    cli_table_print(table);
    printf("after a number: nothing = data sheet or listing, r = recalled, d = derived, "
           "m = measured, a = assumed\n");
}

static void add_work(cli_table *table, const fy_catalog *catalog, const fy_chip *a,
                     const fy_chip *b, const char *name, const double share[FY_N_BOUNDS],
                     const chips_options *options)
{
    char text[CHIPS_TEXT];
    const fy_range r[] = {
        fy_slowdown_of_mix(catalog, a, b, share, options->strict),
        fy_energy_of_mix(catalog, a, b, share, options->strict),
    };
    cli_table_row(table);
    cli_table_cell(table, "%s", name);
    for (int i = 0; i < 2; i++) {
        cli_table_cell(table, "%s%s", chips_ratio_range(text, r[i]),
                       chips_grade_letter(r[i].grade == FY_GRADE_ASSUMED ? FY_GRADE_ASSUMED
                                                                         : FY_GRADE_UNKNOWN));
        cli_table_cell(table, "%s", fy_known(r[i].mid) ? chips_ratio(text, r[i].mid) : "");
    }
}

/* `75 % compute, 12 % memory, ...` */
static void add_shares(cli_table *table, const double share[FY_N_BOUNDS])
{
    static const char *const names[FY_N_BOUNDS] = {"compute", "memory", "link", "host"};
    char text[120] = "";
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        if (share[i] > 0) {
            size_t at = strlen(text);
            snprintf(text + at, sizeof text - at, "%s%.3g %% %s", at > 0 ? ", " : "",
                     share[i] * 100, names[i]);
        }
    }
    cli_table_cell(table, "%s", text);
}

static void print_work(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                       const fy_mix mixes[], int n_mixes, bool planned,
                       const chips_options *options)
{
    cli_table *table = cli_table_new();
    cli_table_column(table, "WORK", CLI_LEFT);
    cli_table_column(table, "SLOWDOWN", CLI_LEFT);
    cli_table_column(table, "BEST GUESS", CLI_RIGHT);
    cli_table_column(table, "ENERGY", CLI_LEFT);
    cli_table_column(table, "BEST GUESS", CLI_RIGHT);
    cli_table_column(table, "SHARES OF TIME", CLI_LEFT);
    for (int i = 0; i < FY_HOST; i++) {
        double share[FY_N_BOUNDS] = {0};
        share[i] = 1;
        add_work(table, catalog, a, b, bound_names[i], share, options);
        cli_table_cell(table, "all");
    }
    for (int i = 0; i < n_mixes; i++) {
        add_work(table, catalog, a, b, mixes[i].name, mixes[i].share, options);
        add_shares(table, mixes[i].share);
    }
    printf("\n%s: time and energy per unit of work, in those of %s\n", a->id, b->id);
    cli_table_print(table);
    if (options->strict == FY_STRICT) {
        puts("energy is that of the chips alone, by their power limits");
        return;
    }
    printf("energy is that of the chips alone; a = rests on an assumed share of a clock or of a "
           "power\nlimit%s\n",
           planned ? "" : "; the shares of time of the mixes are assumed too");
}

/* The two rates that a bound's ratio of data sheets rests on. */
static void print_peak(const fy_chip *a, const fy_chip *b, fy_bound bound)
{
    char ratio[CHIPS_TEXT], on_a[FY_UNITS_TEXT], on_b[FY_UNITS_TEXT];
    fy_dim dim = bound == FY_COMPUTE ? FY_DIM_FLOP_PER_S : FY_DIM_BYTES_PER_S;
    fy_basis x = fy_slowdown_basis(a, b, bound);
    fy_range r = fy_chip_slowdown(a, b, bound);
    bool same = strcmp(x.what_a, x.what_b) == 0;
    if (!fy_known(r.mid)) {
        printf("  %-13s unknown\n", bound_names[bound]);
        return;
    }
    fy_units_format(on_a, x.on_a.mid, dim);
    fy_units_format(on_b, x.on_b.mid, dim);
    printf("  %-13s %s of %s over %s%s%s: %s\n", bound_names[bound], x.what_b, on_b,
           same ? "" : x.what_a, same ? "" : " of ", on_a, chips_ratio(ratio, r.mid));
}

static void print_sustained(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                            const chips_options *options)
{
    const fy_chip *const pair[] = {a, b};
    int known = 0;
    for (int i = 0; i < 2; i++) {
        fy_range s = fy_sustained_share(catalog, pair[i], options->strict);
        char range[CHIPS_TEXT] = "";
        if (!fy_known(s.mid)) {
            continue;
        }
        if (s.low < s.high) {
            snprintf(range, sizeof range, "%.3g .. %.3g %%, ", s.low * 100, s.high * 100);
        }
        printf("  %-13s %s sustains %.3g %% of it in large matrix products (%s%s)\n", "",
               pair[i]->id, s.mid * 100, range, chips_grade_word(s.grade));
        known++;
    }
    if (known == 2 && (fy_sustains_no_less(a, b) || fy_sustains_no_less(b, a))) {
        bool on_a = fy_sustains_no_less(a, b);
        printf("  %-13s at %s that ratio: %s has no less power and bandwidth for its peak\n", "",
               on_a ? "most" : "least", (on_a ? a : b)->id);
    }
}

static void print_measured(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b)
{
    for (int i = 0; i < fy_catalog_n_measured(catalog); i++) {
        const fy_measured *m = fy_catalog_measured(catalog, i);
        if (!fy_measured_applies(catalog, m, a, b)) {
            continue;
        }
        char text[CHIPS_TEXT];
        printf("  %-13s %s on %s against %s: %s\n", m->outlier ? "left out" : "measured",
               chips_ratio_range(text, m->value), m->chip, m->against, m->what);
    }
}

static void print_power(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                        const chips_options *options)
{
    char text[CHIPS_TEXT], limits[CHIPS_TEXT];
    fy_range r = fy_power_ratio(catalog, a, b, FY_COMPUTE, options->strict);
    if (!fy_known(r.mid)) {
        printf("  %-13s unknown: a power limit is missing\n", "power");
        return;
    }
    printf("  %-13s limits of %.4g over %.4g W: %s", "power", a->tdp_w.mid, b->tdp_w.mid,
           chips_ratio(limits, a->tdp_w.mid / b->tdp_w.mid));
    if (r.low < r.high) {
        printf("; with assumed shares of them in training: %s", chips_ratio_range(text, r));
    }
    fputc('\n', stdout);
}

static void print_deciding(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                           const chips_options *options)
{
    printf("\nwhat decides\n");
    print_peak(a, b, FY_COMPUTE);
    print_sustained(catalog, a, b, options);
    print_peak(a, b, FY_MEMORY);
    print_peak(a, b, FY_LINK);
    print_power(catalog, a, b, options);
    print_measured(catalog, a, b);
}

static void print_claim(const fy_catalog *catalog, const fy_claim *claim, const fy_chip *a,
                        const fy_chip *b, const chips_options *options)
{
    static const char *const truths[] = {"FALSE", "TRUE", "UNDECIDED"};
    char text[CHIPS_TEXT], low[CHIPS_TEXT], high[CHIPS_TEXT];
    fy_range v = fy_claim_value(catalog, claim, a, b, options->strict);
    fy_truth truth = fy_claim_truth(claim, v);
    printf("  \"%s\"\n    %s: %s against %s; holds ", claim->text, truths[truth],
           chips_ratio_range(text, v), b->id);
    if (isinf(claim->high)) {
        printf("from %s on\n", chips_ratio(low, claim->low));
    } else {
        printf("from %s to %s\n", chips_ratio(low, claim->low), chips_ratio(high, claim->high));
    }
    for (int k = 0; k < claim->n_against; k++) {
        const fy_chip *other = fy_catalog_find_chip(catalog, claim->against[k]);
        fy_range w = fy_claim_value(catalog, claim, a, other, options->strict);
        if (other != b && fy_claim_truth(claim, w) != truth) {
            printf("    %s against %s, where it is %s\n", truths[fy_claim_truth(claim, w)],
                   other->id, chips_ratio_range(text, w));
        }
    }
}

static void print_claims(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                         const chips_options *options)
{
    bool first = true;
    for (int i = 0; i < fy_catalog_n_claims(catalog); i++) {
        const fy_claim *claim = fy_catalog_claim(catalog, i);
        if (strcmp(claim->chip, a->id) != 0 || !fy_claim_is_about(claim, b)) {
            continue;
        }
        fputs(first ? "\nclaims (those on training are taken over all bounds and training mixes)\n"
                    : "",
              stdout);
        first = false;
        print_claim(catalog, claim, a, b, options);
    }
}

/* Is it the name of a mix? */
static bool is_mix(const fy_catalog *catalog, const char *name)
{
    for (int i = 0; i < fy_catalog_n_mixes(catalog); i++) {
        if (strcmp(fy_catalog_mix(catalog, i)->id, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The mix that --workload names, or shares such as `compute=0.6,memory=0.4`; 0 or an exit code. */
static int find_workload(const fy_catalog *catalog, const char *name, fy_mix *out)
{
    static const char *const keys[FY_N_BOUNDS] = {"compute", "memory", "link", "host"};
    char copy[200], known[400] = "";
    for (int i = 0; i < fy_catalog_n_mixes(catalog); i++) {
        const fy_mix *m = fy_catalog_mix(catalog, i);
        if (strcmp(m->id, name) == 0) {
            *out = *m;
            return 0;
        }
        size_t at = strlen(known);
        snprintf(known + at, sizeof known - at, "%s%s", at > 0 ? ", " : "", m->id);
    }
    *out = (fy_mix){.id = name, .name = name, .source = "the command line"};
    snprintf(copy, sizeof copy, "%s", name);
    double sum = 0;
    char *save = NULL;
    for (char *p = strtok_r(copy, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(p, '=');
        int at = 0;
        fy_err err = {0};
        if (equals == NULL) {
            break;
        }
        *equals = '\0';
        while (at < FY_N_BOUNDS && strcmp(keys[at], p) != 0) {
            at++;
        }
        if (at == FY_N_BOUNDS) {
            return cli_fail(CLI_USAGE,
                            "--workload: no share \"%s\"; they are compute, memory, "
                            "link and host",
                            p);
        }
        if (fy_units_parse(equals + 1, FY_DIM_RATIO, FY_NOT_NEGATIVE, &out->share[at], &err) != 0) {
            return cli_fail(CLI_USAGE, "--workload: %s: %s", p, err.text);
        }
        sum += out->share[at];
    }
    if (sum == 0) {
        return cli_fail(CLI_USAGE,
                        "--workload: \"%.60s\" is none of %s, nor a workload of data/workloads, "
                        "nor shares like compute=0.6,memory=0.4",
                        name, known);
    }
    if (sum < 0.9999 || sum > 1.0001) {
        return cli_fail(CLI_USAGE, "--workload: the shares sum to %.4g; they must sum to 1", sum);
    }
    return 0;
}

static int compare(const fy_catalog *catalog, const fy_chip *const chips[], int n,
                   const fy_mix *mixes, int n_mixes, const chips_plan *plan,
                   const chips_options *options)
{
    if (options->json) {
        return chips_compare_json(catalog, chips, n, mixes, n_mixes, plan, options);
    }
    print_numbers(chips, n, options);
    for (int i = 0; i < n - 1; i++) {
        if (plan != NULL) {
            chips_plan_print(plan, i);
        }
        print_work(catalog, chips[i], chips[n - 1], mixes, n_mixes, plan != NULL, options);
        print_deciding(catalog, chips[i], chips[n - 1], options);
        print_claims(catalog, chips[i], chips[n - 1], options);
    }
    return CLI_OK;
}

/* With --workload: a mix, shares, or a model that the planner knows. */
static int compare_workload(const fy_catalog *catalog, const fy_chip *const chips[], int n,
                            const chips_options *options)
{
    chips_plan *plan = NULL;
    bool planned = false;
    fy_mix one;
    int rc = 0;

    if (!is_mix(catalog, options->workload) && strchr(options->workload, '=') == NULL) {
        rc = chips_plan_open(&plan, catalog, chips, n, options, &one);
        planned = rc == 0 && chips_plan_found(plan);
    }
    if (rc == 0 && !planned) {
        rc = find_workload(catalog, options->workload, &one);
    }
    if (rc == 0 && options->devices > 0 && !planned) {
        rc = cli_fail(CLI_USAGE, "--devices goes with a workload of data/workloads");
    }
    if (rc == 0) {
        rc = compare(catalog, chips, n, &one, 1, planned ? plan : NULL, options);
    }
    chips_plan_close(plan);
    return rc;
}

int chips_compare(const fy_catalog *catalog, const fy_chip *const chips[], int n,
                  const chips_options *options)
{
    int n_mixes = fy_catalog_n_mixes(catalog);

    if (options->workload != NULL) {
        return compare_workload(catalog, chips, n, options);
    }
    if (options->strict == FY_STRICT) {
        n_mixes = 0; /* the catalogue's mixes are assumed */
    }
    return compare(catalog, chips, n, n_mixes > 0 ? fy_catalog_mix(catalog, 0) : NULL, n_mixes,
                   NULL, options);
}
