/* SPDX-License-Identifier: MIT */
/*
 * Speed of the search on one core: rows of docs/benchmarks.md. Processor seconds, the table of
 * parts included, the median of five runs; brute force and bounds must agree to the last bit.
 */
#include "fuyao/mixed.h"
#include "fuyao/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_RUNS = 5 };

static const struct row {
    const char *workload, *chip;
    int devices, batch; /* 0: the workload's */
    const char *reach;  /* brute force; with bounds */
} rows[] = {
    {"gpt3-175b", "a100-80-sxm4", 512, 1536, "10 s; 0.1 s"},
    {"megatron-1t", "a100-80-sxm4", 4096, 3072, "10 s; 0.1 s"},
    {"llama3-405b", "h100-sxm5", 16384, 2048, ""},
    {"deepseek-v3", "h800-sxm5", 2048, 0, ""},
};

typedef struct timing {
    double s;
    fy_search_counts counts;
    fy_ranked best;
} timing;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static timing run(fy_search_spec spec, fy_effort effort)
{
    timing t = {0};
    double s[N_RUNS];
    spec.effort = effort;
    for (int i = 0; i < N_RUNS; i++) {
        fy_search_result r;
        fy_err err = {0};
        double start = now_s();
        if (fy_search_run(&r, &spec, &err) != 0 || r.n_top == 0) {
            fprintf(stderr, "bench: %s\n", err.code != 0 ? err.text : "nothing fits");
            exit(1);
        }
        s[i] = now_s() - start;
        t.counts = r.counts;
        t.best = r.top[0];
        fy_search_free(&r);
    }
    qsort(s, N_RUNS, sizeof s[0], ascending);
    t.s = s[N_RUNS / 2];
    return t;
}

static void measure(const struct row *row, const fy_catalog *catalog, const fy_workloads *workloads,
                    const fy_stacks *stacks)
{
    const fy_workload *w = fy_workloads_find(workloads, row->workload);
    const fy_chip *chip = fy_catalog_find_chip(catalog, row->chip);
    const fy_stack *stack = fy_stacks_find(stacks, "megatron-core");
    if (w == NULL || chip == NULL || stack == NULL) {
        fprintf(stderr, "bench: no %s or %s\n", row->workload, row->chip);
        exit(1);
    }
    fy_cluster cluster = {chip, row->devices, 8, 200e9, NAN, 0, 1};
    fy_constants constants = fy_stacks_constants(stacks, stack, chip, NULL);
    fy_search_spec spec = {.model = &w->model,
                           .cluster = &cluster,
                           .stack = stack,
                           .constants = &constants,
                           .global_batch = row->batch > 0 ? row->batch : w->global_batch,
                           .precision = w->precision,
                           .pins = fy_pins_none(),
                           .prices = {NAN, NAN, NAN, NAN},
                           .top = 1};
    timing all = run(spec, FY_BRUTE_FORCE);
    timing bounded = run(spec, FY_BOUNDED);
    if (memcmp(&all.best.value, &bounded.best.value, sizeof all.best.value) != 0 ||
        fy_layout_order(&all.best.layout, &bounded.best.layout) != 0) {
        fprintf(stderr, "bench: %s: bounds changed the answer\n", row->workload);
        exit(1);
    }
    printf("| %s on %d %s | %s | %lld | %lld | %.3f s | %.2f million/s | %.3f s |\n", w->name,
           row->devices, row->chip, row->reach, (long long)all.counts.space,
           (long long)all.counts.evaluated, all.s, (double)all.counts.evaluated / all.s / 1e6,
           bounded.s);
}

/* Llama 3 405B on 64 H800 and 512 H20: the best plan over both types, with bounds. */
static void measure_mixed(const fy_catalog *catalog, const fy_workloads *workloads,
                          const fy_stacks *stacks)
{
    static const char *const chips[] = {"h800-sxm5", "h20-96-sxm5"};
    static const int devices[] = {64, 512};
    static const double nics[] = {400e9, 200e9};
    const fy_workload *w = fy_workloads_find(workloads, "llama3-405b");
    const fy_stack *stack = fy_stacks_find(stacks, "megatron-core");
    fy_mixed_spec spec = {.model = &w->model,
                          .stack = stack,
                          .n_types = 2,
                          .global_batch = w->global_batch,
                          .precision = w->precision,
                          .pins = fy_pins_none()};
    double s[N_RUNS];
    for (int k = 0; k < 2; k++) {
        const fy_chip *chip = fy_catalog_find_chip(catalog, chips[k]);
        spec.types[k] = (fy_mixed_type){.cluster = {chip, devices[k], 8, nics[k], NAN, 0, 1},
                                        .constants = fy_stacks_constants(stacks, stack, chip, NULL),
                                        .prices = {NAN, NAN, NAN, NAN}};
    }
    fy_mixed_result r = {.found = false};
    for (int i = 0; i < N_RUNS; i++) {
        fy_err err = {0};
        double start = now_s();
        if (fy_mixed_run(&r, &spec, &err) != 0 || !r.found) {
            fprintf(stderr, "bench: %s\n", err.code != 0 ? err.text : "nothing fits");
            exit(1);
        }
        s[i] = now_s() - start;
    }
    qsort(s, N_RUNS, sizeof s[0], ascending);
    printf("| %s on 64 h800-sxm5 and 512 h20-96-sxm5 | 1 s | | %lld | | | %.3f s |\n", w->name,
           (long long)r.counts.evaluated, s[N_RUNS / 2]);
}

int main(int argc, char **argv)
{
    fy_catalog *catalog = NULL;
    fy_workloads *workloads = NULL;
    fy_stacks *stacks = NULL;
    fy_err err = {0};
    const char *data = argc > 1 ? argv[1] : "data";
    if (fy_catalog_load(&catalog, data, &err) != 0 ||
        fy_workloads_load(&workloads, data, &err) != 0 ||
        fy_stacks_load(&stacks, data, &err) != 0) {
        fprintf(stderr, "bench: %s\n", err.text);
        return 1;
    }
    puts("| one core | reach | layouts | fit, evaluated in full | brute force | rate | bounds |\n"
         "|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        measure(&rows[i], catalog, workloads, stacks);
    }
    measure_mixed(catalog, workloads, stacks);
    fy_stacks_free(stacks);
    fy_workloads_free(workloads);
    fy_catalog_free(catalog);
    return 0;
}
