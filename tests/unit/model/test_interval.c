/* SPDX-License-Identifier: MIT */
/* How wide an interval is: what widens it, and that nothing else does. */
#include "../../planner.h"
#include "model/interval.h"

typedef struct scene {
    fy_estimate e;
    fy_model model;
    fy_layout layout;
    int devices;
    fy_constants c;
} scene;

/* A step of 10 s that is like the fitted runs in all respects. */
static scene like_the_runs(void)
{
    scene s = {.e = {.step_s = 10, .pressed_s = 1},
               .layout = {.precision = FY_PREC_BF16, .zero = 1},
               .devices = 64,
               .c = {.spread = 0.06}};
    s.e.term_s[FY_T_MATMUL] = 7;
    s.e.term_s[FY_T_TP] = 3;
    s.c.reach = (fy_reach){.devices = 64, .precisions = 1U << FY_PREC_BF16, .pressed = 0.1};
    s.c.reach.share[FY_T_MATMUL] = 0.7;
    s.c.reach.share[FY_T_TP] = 0.3;
    return s;
}

static double spread(const scene *s)
{
    return fy_interval_spread(&s->e, &s->model, &s->layout, s->devices, &s->c);
}

static void test_like(void **state)
{
    scene s = like_the_runs();
    (void)state;
    near("the pair's own", spread(&s), 0.06, 1e-12);
    s.devices = 8; /* fewer devices and smaller shares are no distance */
    s.c.reach.share[FY_T_MATMUL] = 0.9;
    near("inside", spread(&s), 0.06, 1e-12);
    fy_interval_fill(&s.e, 0.1);
    near("low", s.e.low_s, 10 / 1.12816, 1e-12);
    near("high", s.e.high_s, 11.2816, 1e-12);
    near("back", fy_interval_spread_of(&s.e), 0.1, 1e-12);
}

/* Deviations add as squares: 0.06 and one more of 0.08 make 0.10. */
static void test_one_by_one(void **state)
{
    scene s = like_the_runs();
    double own = 0.06 * 0.06;
    (void)state;
    s.c.reach.share[FY_T_TP] = 0.1; /* 0.2 of the step beyond, known to 0.3 */
    near("a term", spread(&s), sqrt(own + 0.06 * 0.06), 1e-12);
    s = like_the_runs();
    s.devices = 256;
    near("two doublings", spread(&s), sqrt(own + 0.06 * 0.06), 1e-12);
    s = like_the_runs();
    s.layout.precision = FY_PREC_FP8;
    near("a precision", spread(&s), sqrt(own + 0.06 * 0.06), 1e-12);
    s = like_the_runs();
    s.layout.zero = 3;
    near("shards", spread(&s), sqrt(own + 0.05 * 0.05), 1e-12);
    s = like_the_runs();
    s.model.experts = 8;
    near("experts", spread(&s), sqrt(own + 0.10 * 0.10), 1e-12);
    s = like_the_runs();
    s.e.pressed_s = 2;
    near("a slow host", spread(&s), sqrt(own + 0.08 * 0.08), 1e-12);
    s.e.pressed_s = 500;
    near("not believed", spread(&s), sqrt(own + 0.24 * 0.24), 1e-12);
}

/* Constants without reach: every term counts, and so do precision and features. */
static void test_borrowed(void **state)
{
    scene s = like_the_runs();
    (void)state;
    s.c.reach = (fy_reach){.devices = 0};
    near("borrowed", spread(&s),
         sqrt(0.06 * 0.06 + 0.07 * 0.07 + 0.09 * 0.09 + 0.06 * 0.06 + 0.08 * 0.08), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like),
        cmocka_unit_test(test_one_by_one),
        cmocka_unit_test(test_borrowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
