/* SPDX-License-Identifier: MIT */
/* Sums over predictions, against numbers worked out by hand. */
#include "fuyao/accuracy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void quantiles(void **state)
{
    double v[] = {4, 1, 3, 2};

    (void)state;
    assert_true(near(fy_quantile(v, 4, 0.5), 2.5));
    assert_true(near(fy_quantile(v, 4, 0.9), 3.7));
    assert_true(near(fy_quantile(v, 1, 0.9), 1));
    assert_true(isnan(fy_quantile(v, 0, 0.5)));
}

static void tau_counts_pairs_that_differ(void **state)
{
    static const double measured[] = {1.00, 1.02, 1.10, 2.00};
    static const double same[] = {1, 2, 3, 4}, contrary[] = {4, 3, 2, 1}, one_off[] = {1, 5, 3, 4};
    static const double tied[] = {1, 1, 1, 4}, equal[] = {1, 1, 1, 1};

    (void)state;
    assert_true(near(fy_tau_b(same, measured, 4), 1));
    assert_true(near(fy_tau_b(contrary, measured, 4), -1));
    /* five pairs count: the first two rows are 2 % apart */
    assert_true(near(fy_tau_b(one_off, measured, 4), (3.0 - 2) / 5));
    /* 3 agree, 2 are predicted equal: 3 / sqrt(3 x 5) */
    assert_true(near(fy_tau_b(tied, measured, 4), 3 / sqrt(15)));
    assert_true(isnan(fy_tau_b(equal, measured, 4)));
    assert_true(isnan(fy_tau_b(same, equal, 4)));
    assert_true(isnan(fy_tau_b(same, measured, 1)));
}

/* The terms of a row add up, and it lies within its interval. */
static void check_row(const fy_run_result *r)
{
    const fy_estimate *p = &r->prediction.estimate;
    double terms = 0;

    for (int k = 0; k < FY_N_TERMS; k++) {
        terms += p->term_s[k];
    }
    assert_true(fabs(terms / p->step_s - 1) < 1e-9);
    assert_true(p->low_s < p->step_s && p->step_s < p->high_s);
}

/* A row's result must be what its parts say; the data itself is made up. */
static void sums_follow_from_rows(void **state)
{
    static const char text[] =
        "id,model,chip,n_chips,stack,global_batch,step_s,set,tp,pp,microbatch,peak_memory_gib,"
        "memory_kind\n"
        "1,llama2-7b,a100-80-sxm4,8,nemo,64,10,s,1,1,1,1,stated\n"
        "2,llama2-7b,a100-80-sxm4,8,nemo,64,10,s,2,1,1,1000,stated\n"
        "3,llama2-7b,a100-80-sxm4,8,nemo,64,11,s,4,1,1,,\n"
        "4,llama2-7b,a100-80-sxm4,8,nemo,64,12,t,8,1,1,,\n"
        "5,llama2-7b,a100-80-sxm4,8,nemo,64,12,other,8,1,1,,\n"
        "6,llama2-7b,a100-80-sxm4,8,kubric,64,12,t,8,1,1,,\n";
    const char *data = getenv("FUYAO_DATA");
    fy_catalog *catalog;
    fy_workloads *workloads;
    fy_stacks *stacks;
    fy_runs *runs;
    fy_accuracy *a;
    double e[4], sum = 0, sum_abs = 0;
    int inside = 0;

    (void)state;
    data = data != NULL ? data : "data";
    assert_int_equal(fy_catalog_load(&catalog, data, NULL), 0);
    assert_int_equal(fy_workloads_load(&workloads, data, NULL), 0);
    assert_int_equal(fy_stacks_load(&stacks, data, NULL), 0);
    assert_int_equal(fy_runs_parse(&runs, "t", text, sizeof text - 1, NULL), 0);
    a = fy_accuracy_of(runs, &(fy_run_world){catalog, workloads, stacks});
    assert_int_equal(a->n_rows, 6);
    assert_int_equal(a->n_ok, 4);
    assert_int_equal(a->n_not_comparable, 1);
    assert_int_equal(a->n_skipped, 1);
    for (int i = 0; i < 4; i++) {
        const fy_run_result *r = &a->rows[i];
        const fy_estimate *p = &r->prediction.estimate;

        check_row(r);
        inside += r->run->measured.step_s >= p->low_s && r->run->measured.step_s <= p->high_s;
        e[i] = p->step_s / r->run->measured.step_s - 1;
        sum += i < 3 ? e[i] : 0;
        sum_abs += i < 3 ? fabs(e[i]) : 0;
    }
    assert_int_equal(a->n_sets, 2);
    assert_string_equal(a->sets[0].set, "s");
    assert_int_equal(a->sets[0].n, 3);
    assert_true(near(a->sets[0].bias, sum / 3));
    assert_true(near(a->sets[0].mape, sum_abs / 3));
    assert_true(near(a->sets[1].p90, fabs(e[3])));
    assert_int_equal(a->n_rankings, 1);
    assert_int_equal(a->rankings[0].n, 4);
    assert_int_equal(a->n_memory, 1);
    assert_int_equal(a->memory[0].kind, FY_MEMORY_STATED);
    assert_int_equal(a->memory[0].n, 2);
    assert_true(near(a->memory[0].below, 0.5));
    assert_true(near(a->coverage80, inside / 4.0));
    assert_int_equal(a->n_constants, 1);
    assert_true(a->constants[0].n <= 12);
    fy_accuracy_free(a);
    fy_runs_free(runs);
    fy_stacks_free(stacks);
    fy_workloads_free(workloads);
    fy_catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(tau_counts_pairs_that_differ),
        cmocka_unit_test(sums_follow_from_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
