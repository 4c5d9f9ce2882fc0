/* SPDX-License-Identifier: MIT */
/* The fit: constants planted in made-up rows come back, and without rows nothing moves. */
#include "../../planner.h"
#include "model/fit.h"

enum { N_ROWS = 12 };

typedef struct bench {
    fy_catalog *catalog;
    fy_constants prior;
    fy_fit_row rows[N_ROWS];
} bench;

static const fy_stack stack = {.id = "made-up",
                               .attention = FY_ATTN_FLASH2,
                               .fused_elementwise = true,
                               .fused_norm = true,
                               .fused_loss = true,
                               .fused_optimizer = true,
                               .main_grads_fp32 = true,
                               .seq_parallel = true,
                               .gradient_bytes = 4,
                               .optimizer_bytes = 12,
                               .loss_bytes = 6};

/* Models of different sizes over tp, pp and dp, so that products, streams and links all count. */
static void fill(bench *b)
{
    static const int tp[] = {1, 2, 4, 8};
    const fy_chip *chip = fy_catalog_find_chip(b->catalog, "a100-80-sxm4");
    for (int i = 0; i < N_ROWS; i++) {
        int pp = i % 3 == 0 ? 1 : 2;
        int hidden = 1024 * (1 + i % 4);
        fy_fit_row *r = &b->rows[i];
        *r = (fy_fit_row){.model = {.layers = 8,
                                    .hidden = hidden,
                                    .heads = hidden / 128,
                                    .kv_heads = hidden / 128,
                                    .head_dim = 128,
                                    .ffn = 4 * hidden,
                                    .seq_len = 2048,
                                    .vocab = 51200,
                                    .causal = true},
                          .layout = {.tp = tp[i % 4],
                                     .pp = pp,
                                     .dp = 16 / tp[i % 4] / pp,
                                     .ep = 1,
                                     .cp = 1,
                                     .vpp = 1,
                                     .microbatch = 1 + i % 2,
                                     .global_batch = 64,
                                     .precision = FY_PREC_BF16},
                          .cluster = {.chip = chip,
                                      .devices = 16,
                                      .per_node = 8,
                                      .nic_bytes_per_s = 200e9,
                                      .power_cap_w = NAN},
                          .stack = &stack,
                          .weight = 1};
    }
}

static double step_s(const fy_fit_row *r, const fy_constants *c)
{
    fy_estimate e;
    assert_int_equal(fy_plan_estimate(&e, &r->model, &r->layout, &r->cluster, r->stack, c, NULL),
                     0);
    return e.step_s;
}

static void plant(bench *b, const fy_constants *truth)
{
    for (int i = 0; i < N_ROWS; i++) {
        b->rows[i].measured_s = step_s(&b->rows[i], truth);
    }
}

/* Within what the prior pulls; the predictions themselves within 2 %. */
static void test_planted(void **state)
{
    bench *b = *state;
    fy_constants truth = b->prior;
    truth.value[FY_C_MATMUL] *= 0.9;
    truth.value[FY_C_LINK] *= 0.85;
    truth.value[FY_C_STEP] *= 2;
    plant(b, &truth);
    fy_constants found = fy_fit(b->rows, N_ROWS, &b->prior);
    assert_int_equal(found.rows, N_ROWS);
    assert_int_equal(found.grade, FY_GRADE_FITTED);
    near("matmul", found.value[FY_C_MATMUL], truth.value[FY_C_MATMUL], 0.05);
    near("link", found.value[FY_C_LINK], truth.value[FY_C_LINK], 0.12);
    near("step", found.value[FY_C_STEP], truth.value[FY_C_STEP], 0.3);
    double errors[N_ROWS];
    assert_int_equal(fy_fit_errors(b->rows, N_ROWS, &found, errors), N_ROWS);
    for (int i = 0; i < N_ROWS; i++) {
        between("error", errors[i], 0, 0.02);
    }
    assert_true(found.spread < 0.02);
    fy_constants again = fy_fit(b->rows, N_ROWS, &b->prior);
    assert_memory_equal(found.value, again.value, sizeof found.value);
}

static double mean_error(const bench *b, const fy_constants *c)
{
    double errors[N_ROWS];
    double sum = 0;
    int n = fy_fit_errors(b->rows, N_ROWS, c, errors);
    for (int i = 0; i < n; i++) {
        sum += errors[i] / n;
    }
    return sum;
}

/* The same rows many times over outweigh the prior. */
static void test_many_rows(void **state)
{
    enum { TIMES = 60 };
    bench *b = *state;
    fy_constants truth = b->prior;
    truth.value[FY_C_LATENCY] *= 4;
    truth.value[FY_C_MEMORY] *= 0.6;
    plant(b, &truth);
    fy_fit_row *many = calloc((size_t)TIMES * N_ROWS, sizeof *many);
    assert_non_null(many);
    for (int i = 0; i < TIMES * N_ROWS; i++) {
        many[i] = b->rows[i % N_ROWS];
    }
    fy_constants few = fy_fit(b->rows, N_ROWS, &b->prior);
    fy_constants found = fy_fit(many, TIMES * N_ROWS, &b->prior);
    double error = mean_error(b, &found);
    assert_true(error > 0 && error < 0.95 * mean_error(b, &few));
    free(many);
}

/* Rows that agree with the prior, and no rows, leave it where it is. */
static void test_stays(void **state)
{
    bench *b = *state;
    plant(b, &b->prior);
    fy_constants same = fy_fit(b->rows, N_ROWS, &b->prior);
    assert_memory_equal(same.value, b->prior.value, sizeof same.value);
    fy_constants none = fy_fit(NULL, 0, &b->prior);
    assert_memory_equal(none.value, b->prior.value, sizeof none.value);
    assert_int_equal(none.rows, 0);
    near("spread", none.spread, 0, 0);
}

/* One absurd row costs linearly: it cannot drag the others along. */
static void test_outlier(void **state)
{
    bench *b = *state;
    plant(b, &b->prior);
    b->rows[5].measured_s *= 3;
    fy_constants found = fy_fit(b->rows, N_ROWS, &b->prior);
    for (int i = 0; i < N_ROWS; i++) {
        if (i != 5) {
            near("others", step_s(&b->rows[i], &found), b->rows[i].measured_s, 0.08);
        }
    }
}

/* What cannot be estimated takes no part. */
static void test_left_out(void **state)
{
    bench *b = *state;
    double errors[N_ROWS];
    plant(b, &b->prior);
    b->rows[3].cluster.nic_bytes_per_s = NAN;
    assert_int_equal(fy_fit_errors(b->rows, N_ROWS, &b->prior, errors), N_ROWS - 1);
    assert_int_equal(fy_fit(b->rows, N_ROWS, &b->prior).rows, N_ROWS - 1);
    b->rows[3].cluster.nic_bytes_per_s = 200e9;
}

/* The central 80 % of a normal reach to 1.2816 deviations. */
static void test_spread(void **state)
{
    double errors[] = {0.5, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.12816, 0.9};
    (void)state;
    near("eight of ten below", fy_fit_spread(errors, 10), 0.5 / 1.2816, 1e-12);
    near("sorted", errors[9], 0.9, 0);
    double one[] = {0.12816};
    near("one", fy_fit_spread(one, 1), 0.1, 1e-12);
    near("none", fy_fit_spread(one, 0), 0, 0);
}

static int setup(void **state)
{
    static bench b;
    b.catalog = open_catalog();
    b.prior = ideal_constants();
    const double prior[FY_N_CONSTANTS] = {0.92, 0.8,  0.95, 3e-6, 7e-6, 0.75,
                                          0.75, 6e-6, 0.15, 0.02, 2e-4, 0.003};
    memcpy(b.prior.value, prior, sizeof prior);
    fill(&b);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    fy_catalog_free(((bench *)*state)->catalog);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),   cmocka_unit_test(test_stays),
        cmocka_unit_test(test_many_rows), cmocka_unit_test(test_stays),
        cmocka_unit_test(test_outlier),   cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_spread),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
