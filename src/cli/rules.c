/* SPDX-License-Identifier: MIT */
/* `fuyao rules`: what may be bought on a day, by which rule, by which numbers. */
#include "cli/rules.h"

#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: fuyao rules [CHIP...] [--date D] [--to CN] [--history] [--without RULE]... [--json]\n"
    "\n"
    "What the rules on export and import say of each chip of the catalogue on a day, which rule\n"
    "decided, and by which numbers. Not legal advice.\n"
    "\n"
    "  --date D        a day such as 2023-11-17; today where it is not given\n"
    "  --to CN         where the chip goes: CN, HK or MO\n"
    "  --history       each chip named through time, in place of one day\n"
    "  --without RULE  as if there were no such rule (R3), or no such clause (R3.notify)\n"
    "  --json          JSON instead of tables\n";

rules_answer rules_of(const rules_ask *ask, const fy_chip *chip, int day)
{
    rules_answer a;
    fy_rule_query query = ask->query;
    query.day = day;
    for (int g = 0; g < FY_N_GATES; g++) {
        a.gate[g] = fy_rules_gate(ask->rules, chip, (fy_gate)g, &query);
    }
    a.both = fy_ruling_both(&a.gate[FY_GATE_EXPORT], &a.gate[FY_GATE_IMPORT]);
    a.duty = fy_rules_duty(ask->rules, chip, &query);
    return a;
}

static bool same(const rules_answer *a, const rules_answer *b)
{
    for (int g = 0; g < FY_N_GATES; g++) {
        const fy_ruling *x = &a->gate[g], *y = &b->gate[g];
        if (x->possible != y->possible || x->rule != y->rule || x->n_facts != y->n_facts) {
            return false;
        }
        for (int i = 0; i < x->n_facts; i++) {
            if (x->facts[i].what != y->facts[i].what || x->facts[i].limit != y->facts[i].limit) {
                return false;
            }
        }
    }
    return a->duty == b->duty || (!fy_known(a->duty) && !fy_known(b->duty));
}

int rules_changes(const rules_ask *ask, const fy_chip *chip, int days[RULES_MAX_CHANGES])
{
    int n = 0, last = fy_rules_last_day(ask->rules);
    rules_answer before = {0};
    for (int day = 0; day <= last && n < RULES_MAX_CHANGES;
         day = fy_rules_next_change(ask->rules, day)) {
        rules_answer now = rules_of(ask, chip, day);
        if (n == 0 || !same(&now, &before)) {
            days[n++] = day;
        }
        before = now;
    }
    return n;
}

/* Without --date the day is today's, of the calendar where the program runs. */
static int today(void)
{
    time_t now = time(NULL);
    struct tm t;
    char text[FY_DATE_TEXT + 20];
    int day = 0;
    if (localtime_r(&now, &t) == NULL || strftime(text, sizeof text, "%Y-%m-%d", &t) == 0 ||
        fy_date_parse(text, &day, NULL) != 0) {
        return 0;
    }
    return day;
}

typedef struct options {
    const char *date, *to;
    const char **without; /* room for argc */
    int n_without;
    bool history, json, help;
} options;

static int read_options(int argc, char **argv, options *o)
{
    static const struct option long_options[] = {
        {"date", required_argument, NULL, 'd'},
        {"to", required_argument, NULL, 't'},
        {"without", required_argument, NULL, 'w'},
        {"history", no_argument, NULL, 'H'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->date = optarg;
            break;
        case 't':
            o->to = optarg;
            break;
        case 'w':
            o->without[o->n_without++] = strncmp(optarg, "rule:", 5) == 0 ? optarg + 5 : optarg;
            break;
        case 'H':
            o->history = true;
            break;
        case 'j':
            o->json = true;
            break;
        case 'h':
            o->help = true;
            return 0;
        case ':':
            return cli_fail(CLI_USAGE, "rules: %s needs a value", argv[optind - 1]);
        default:
            return cli_fail(CLI_USAGE, "rules: unknown option %s; `fuyao rules --help`",
                            argv[optind - 1]);
        }
    }
    return 0;
}

/* The chips named, or all. */
static int find_chips(const fy_catalog *catalog, int n, char **ids, rules_ask *ask)
{
    int all = fy_catalog_n_chips(catalog);
    ask->n_chips = n > 0 ? n : all;
    ask->chips = calloc((size_t)ask->n_chips + 1, sizeof *ask->chips);
    if (ask->chips == NULL) {
        abort();
    }
    for (int i = 0; i < ask->n_chips; i++) {
        int rc = 0;
        if (n > 0) {
            rc = cli_find_chip(catalog, ids[i], &ask->chips[i]);
        } else {
            ask->chips[i] = fy_catalog_chip(catalog, i);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int check(const options *o, const fy_rules *rules, rules_ask *ask)
{
    fy_err err = {0};
    ask->rules = rules;
    ask->query = (fy_rule_query){
        .to = o->to != NULL ? o->to : "CN", .without = o->without, .n_without = o->n_without};
    ask->history = o->history;
    ask->json = o->json;
    if (o->date == NULL) {
        ask->query.day = today();
    } else if (fy_date_parse(o->date, &ask->query.day, &err) != 0) {
        return cli_fail(CLI_USAGE, "rules: --date: %s", err.text);
    }
    if (!fy_rules_know(rules, ask->query.to)) {
        return cli_fail(CLI_USAGE,
                        "rules: no rules are known for --to %.20s; they are for CN, HK, MO",
                        ask->query.to);
    }
    for (int i = 0; i < o->n_without; i++) {
        if (!fy_rules_have(rules, o->without[i])) {
            return cli_fail(CLI_USAGE, "rules: --without: there is no rule \"%.40s\"",
                            o->without[i]);
        }
    }
    return 0;
}

static void print(const rules_ask *ask)
{
    if (ask->json) {
        rules_print_json(ask);
    } else if (ask->history) {
        rules_print_history(ask);
    } else {
        rules_print(ask);
    }
}

static int answer(const options *o, int n, char **ids)
{
    char dir[CLI_PATH_MAX];
    rules_ask ask = {0};
    fy_catalog *catalog = NULL;
    fy_rules *rules = NULL;
    fy_err err = {0};
    if (o->history && o->date != NULL) {
        return cli_fail(CLI_USAGE, "rules: --history shows all days; it goes without --date");
    }
    if (o->history && n == 0) {
        return cli_fail(CLI_USAGE, "rules: --history needs a chip, for example "
                                   "`fuyao rules h20-96-sxm5 --history`");
    }
    int rc = cli_data_dir(dir);
    rc = rc != 0 ? rc : cli_catalog(&catalog);
    if (rc == 0 && fy_rules_load(&rules, dir, &err) != 0) {
        rc = cli_fail_err(&err);
    }
    rc = rc != 0 ? rc : check(o, rules, &ask);
    rc = rc != 0 ? rc : find_chips(catalog, n, ids, &ask);
    if (rc == 0) {
        print(&ask);
    }
    free(ask.chips);
    fy_rules_free(rules);
    fy_catalog_free(catalog);
    return rc;
}

int cmd_rules(int argc, char **argv)
{
    options o = {.without = calloc((size_t)argc + 1, sizeof *o.without)};
    if (o.without == NULL) {
        abort();
    }
    int rc = read_options(argc, argv, &o);
    if (rc == 0 && o.help) {
        fputs(usage, stdout);
    } else if (rc == 0) {
        rc = answer(&o, argc - optind, argv + optind);
    }
    free(o.without);
    return rc;
}
