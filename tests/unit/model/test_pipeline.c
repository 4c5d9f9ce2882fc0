/* SPDX-License-Identifier: MIT */
/* Layers dealt to stages, and the bubble, against the layouts of papers and by hand. */
#include "../../planner.h"
#include "model/pipeline.h"

static double layers(const fy_stage *s)
{
    return s->dense + s->moe;
}

static fy_stages deal(const fy_model *m, int pp, int vpp)
{
    fy_layout l = {.pp = pp, .vpp = vpp};
    return fy_stages_deal(m, &l);
}

static void test_deal(void **state)
{
    static const struct {
        int layers, pp, vpp, first, middle, last;
    } cases[] = {
        {96, 8, 1, 12, 12, 12}, /* GPT-3 (arXiv 2104.04473) */
        {96, 8, 6, 12, 12, 12}, /* ... interleaved by twos */
        {126, 16, 1, 7, 8, 7},  /* Llama 3 405B: one less on the ends (arXiv 2407.21783, 3.3.2) */
        {126, 16, 8, 7, 8, 7},  {79, 8, 1, 10, 10, 9}, /* the head counts as a layer */
        {61, 8, 1, 8, 8, 5},   /* DeepSeek-V3's layers: a short last stage */
        {33, 2, 1, 17, 0, 16}, /* no middle */
        {2, 4, 1, 0, 1, 0},    /* the ends hold embedding and head alone */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_model m = {.layers = cases[i].layers};
        fy_stages s = deal(&m, cases[i].pp, cases[i].vpp);
        double first = layers(&s.at[FY_STAGE_FIRST]);
        double middle = layers(&s.at[FY_STAGE_MIDDLE]);
        double last = layers(&s.at[FY_STAGE_LAST]);
        if (fabs(first - cases[i].first) > 0 || fabs(last - cases[i].last) > 0 ||
            (cases[i].pp > 2 && fabs(middle - cases[i].middle) > 0)) {
            fail_msg("case %zu: %g, %g, %g", i, first, middle, last);
        }
        assert_int_equal(s.middle + s.less, cases[i].pp - 2);
        assert_true(s.at[FY_STAGE_FIRST].embedding && s.at[FY_STAGE_LAST].head);
        assert_false(s.at[FY_STAGE_FIRST].head || s.at[FY_STAGE_LAST].embedding);
    }
    fy_model m = {.layers = 32};
    fy_stages one = deal(&m, 1, 1);
    assert_true(one.at[0].embedding && one.at[0].head && one.middle == 0);
    near("all", one.at[0].dense, 32, 0);
}

/* Whatever the counts, the stages hold at least all layers, and none a negative number. */
static void test_deal_all(void **state)
{
    (void)state;
    for (int n = 1; n <= 130; n++) {
        fy_model m = {.layers = n};
        for (int pp = 1; pp <= n + 2 && pp <= 64; pp++) {
            fy_stages s = deal(&m, pp, 1);
            double sum = layers(&s.at[0]) + s.middle * layers(&s.at[1]) + layers(&s.at[2]) +
                         s.less * layers(&s.at[FY_STAGE_LESS]);
            bool positive = layers(&s.at[0]) >= 0 && layers(&s.at[1]) >= 0 && layers(&s.at[2]) >= 0;
            if (!positive || !(sum >= n)) {
                fail_msg("%d layers on %d stages: %g, %d x %g, %g", n, pp, layers(&s.at[0]),
                         s.middle, layers(&s.at[1]), layers(&s.at[2]));
            }
        }
    }
}

/* DeepSeek-V3: three dense layers, all on the first stage. */
static void test_dense_first(void **state)
{
    fy_model m = {.layers = 61, .experts = 256, .dense_layers = 3};
    fy_stages s = deal(&m, 8, 1);
    (void)state;
    near("first, dense", s.at[FY_STAGE_FIRST].dense, 3, 0);
    near("first, experts", s.at[FY_STAGE_FIRST].moe, 5, 0);
    near("middle, dense", s.at[FY_STAGE_MIDDLE].dense, 0, 0);
    near("middle, experts", s.at[FY_STAGE_MIDDLE].moe, 8, 0);
    near("last, experts", s.at[FY_STAGE_LAST].moe, 5, 0);
    /* with a block more for a second token: interleaved as in Megatron's E t | (t t |) x 30 m L,
     * which is 7 layers, 6 times 8, 6; else one layer beside that block and two passes of the head
     */
    m.mtp_layers = 1;
    s = deal(&m, 8, 4);
    near("interleaved, first", layers(&s.at[FY_STAGE_FIRST]), 7, 0);
    near("interleaved, last", layers(&s.at[FY_STAGE_LAST]), 6, 0);
    s = deal(&m, 16, 1);
    near("plain, middle", layers(&s.at[FY_STAGE_MIDDLE]), 4, 0);
    near("plain, last", layers(&s.at[FY_STAGE_LAST]), 1, 0);
    m.mtp_layers = 0;
    m.dense_layers = 30; /* every second one, more than a stage holds: spread evenly */
    m.layers = 60;
    s = deal(&m, 4, 1);
    near("spread", s.at[FY_STAGE_MIDDLE].dense, 7.5, 1e-12);
    near("spread", s.at[FY_STAGE_MIDDLE].moe, 7.5, 1e-12);
}

/*
 * Narayanan et al. 2021, section 2.2: (p - 1)(tf + tb) lost, over m (tf + tb) of work; interleaved
 * over v; ZB-H1 a third (arXiv 2401.10241, table 2).
 */
static void test_bubble(void **state)
{
    fy_stages s = {.middle = 6};
    fy_layout l = {.pp = 8, .vpp = 1};
    double equal[FY_N_STAGES] = {0.3, 0.3, 0.3};
    (void)state;
    near("p - 1", fy_bubble_s(&s, equal, &l, 64), 7 * 0.3, 1e-12);
    near("whatever m", fy_bubble_s(&s, equal, &l, 8), 7 * 0.3, 1e-12);
    l.schedule = FY_ZERO_BUBBLE;
    near("a third", fy_bubble_s(&s, equal, &l, 64), 7 * 0.3 / 3, 1e-12);
    l.schedule = FY_1F1B;
    l.vpp = 4;
    near("interleaved", fy_bubble_s(&s, equal, &l, 64), 7 * 0.3 / 4, 1e-12);
    near("as many as stages", fy_bubble_s(&s, equal, &l, 8), 7 * 0.3 / 4, 1e-12);
    near("fewer", fy_bubble_s(&s, equal, &l, 7), 7 * 0.3, 1e-12);
    l.vpp = 1;
    double uneven[FY_N_STAGES] = {0.2, 0.3, 0.5}; /* all but the slowest are waited for once */
    near("uneven", fy_bubble_s(&s, uneven, &l, 64), 0.2 + 6 * 0.3, 1e-12);
    s.middle = 0;
    l.pp = 2;
    double two[FY_N_STAGES] = {0.2, 0, 0.5};
    near("two stages", fy_bubble_s(&s, two, &l, 64), 0.2, 1e-12);
    l.pp = 1;
    near("one stage", fy_bubble_s(&s, two, &l, 64), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deal),
        cmocka_unit_test(test_deal_all),
        cmocka_unit_test(test_dense_first),
        cmocka_unit_test(test_bubble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
