/* SPDX-License-Identifier: MIT */
/*
 * bench-rules DATA: how long the rules take for all chips of the catalogue, processor time.
 *
 *   load      data/rules, by the one that reads it
 *   changes   all chips on every day on which a rule or duty begins or ends, both gates and duty
 *   days      the same on every day from 2022-01-01 to the last that the facts reach
 */
#include "fuyao/supply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 5 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Each answer counts, so that none can be left out. */
static unsigned ask_all(const fy_catalog *catalog, const fy_rules *rules, int day)
{
    unsigned sum = 0;
    fy_rule_query query = {.day = day, .to = "CN"};
    for (int i = 0; i < fy_catalog_n_chips(catalog); i++) {
        const fy_chip *chip = fy_catalog_chip(catalog, i);
        for (int g = 0; g < FY_N_GATES; g++) {
            sum += fy_rules_gate(rules, chip, (fy_gate)g, &query).possible;
        }
        sum += fy_rules_duty(rules, chip, &query) > 0;
    }
    return sum;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print(const char *what, int n_days, unsigned sum, double ms[RUNS])
{
    qsort(ms, RUNS, sizeof *ms, by_size);
    printf("%-8s %5d days  %8.3f ms  (check %u)\n", what, n_days, ms[RUNS / 2], sum);
}

int main(int argc, char **argv)
{
    fy_catalog *catalog = NULL;
    fy_rules *rules = NULL;
    fy_err err = {0};
    double ms[RUNS];
    int n = 0, from = 0;
    unsigned sum = 0;
    if (argc != 2 || fy_catalog_load(&catalog, argv[1], &err) != 0) {
        fprintf(stderr, "bench-rules: %s\n", argc != 2 ? "usage: bench-rules DATA" : err.text);
        return 2;
    }
    for (int k = 0; k < RUNS; k++) {
        double start = now_ms();
        fy_rules_free(rules);
        if (fy_rules_load(&rules, argv[1], &err) != 0) {
            fprintf(stderr, "bench-rules: %s\n", err.text);
            return 2;
        }
        ms[k] = now_ms() - start;
    }
    print("load", 0, 0, ms);
    for (int k = 0; k < RUNS; k++) {
        double start = now_ms();
        n = 0;
        sum = 0;
        for (int day = 0; day <= fy_rules_last_day(rules); day = fy_rules_next_change(rules, day)) {
            sum += ask_all(catalog, rules, day);
            n++;
        }
        ms[k] = now_ms() - start;
    }
    print("changes", n, sum, ms);
    if (fy_date_parse("2022-01-01", &from, &err) != 0) {
        return 2;
    }
    for (int k = 0; k < RUNS; k++) {
        double start = now_ms();
        n = 0;
        sum = 0;
        for (int day = from; day <= fy_rules_last_day(rules); day++) {
            sum += ask_all(catalog, rules, day);
            n++;
        }
        ms[k] = now_ms() - start;
    }
    print("days", n, sum, ms);
    fy_rules_free(rules);
    fy_catalog_free(catalog);
    return 0;
}
