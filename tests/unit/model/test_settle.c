/* SPDX-License-Identifier: MIT */
/* Layers dealt so that the slowest stage is fastest, against every deal there is. */
#include "../../planner.h"
#include "base/rng.h"
#include "model/settle.h"

static int layers_of(const fy_stage *s)
{
    return (int)(s->dense + s->moe + 0.5);
}

/* Time of the slowest stage of a deal. */
static double slowest(const fy_model *m, const fy_layer_costs *c, const fy_layout *l)
{
    fy_stages s = fy_stages_deal(m, l);
    double most = 0;
    for (int i = 0; i < FY_N_STAGES; i++) {
        const fy_stage *at = &s.at[i];
        double t = at->dense * c->dense_s + at->moe * c->moe_s + (at->embedding ? c->first_s : 0) +
                   (at->head ? c->last_s : 0);
        if (fy_stages_of(&s, i) > 0 && t > most) {
            most = t;
        }
    }
    return most;
}

/* The least of it over all numbers of layers on the ends. */
static double least(const fy_model *m, const fy_layer_costs *c, fy_layout l)
{
    l.first_layers = l.last_layers = 0;
    double best = slowest(m, c, &l);
    for (int first = m->dense_layers > 1 ? m->dense_layers : 1; first < m->layers; first++) {
        for (int last = 1; first + last <= m->layers; last++) {
            int rest = m->layers - first - last;
            if (l.pp == 2 ? rest != 0 : rest < l.pp - 2) {
                continue;
            }
            l.first_layers = first;
            l.last_layers = last;
            double t = slowest(m, c, &l);
            best = t < best ? t : best;
        }
    }
    return best;
}

static void test_every_deal(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        fy_rng rng = fy_rng_stream(1, (uint64_t)i);
        fy_model m = {.layers = 2 + (int)fy_rng_below(&rng, 60)};
        fy_layer_costs c = {
            .dense_s = 1, .first_s = fy_rng_unit(&rng), .last_s = 3 * fy_rng_unit(&rng)};
        if (fy_rng_below(&rng, 2)) {
            m.experts = 8;
            m.dense_layers = (int)fy_rng_below(&rng, 3);
            c.moe_s = 0.5 + fy_rng_unit(&rng);
        }
        fy_layout l = {.pp = 2 + (int)fy_rng_below(&rng, 20), .vpp = 1};
        fy_layout as_is = l;
        int most = m.dense_layers > 1 ? m.dense_layers + 1 + l.pp - 2 : l.pp;
        fy_stages s = fy_stages_deal(&m, &as_is);
        if (most > m.layers || layers_of(&s.at[FY_STAGE_FIRST]) < m.dense_layers) {
            continue;
        }
        fy_layout_balance(&l, &m, &c);
        double want = least(&m, &c, l);
        if (!(slowest(&m, &c, &l) <= want * (1 + 1e-8))) {
            fail_msg("case %d: %d layers on %d: %d and %d on the ends, %g, not %g", i, m.layers,
                     l.pp, l.first_layers, l.last_layers, slowest(&m, &c, &l), want);
        }
    }
}

/* Llama 3 405B: one layer less on the ends (arXiv 2407.21783, 3.3.2), which is as it is dealt;
 * with a costlier head the last stage gives away one more. */
static void test_llama(void **state)
{
    (void)state;
    fy_model m = {.layers = 126};
    fy_layout l = {.pp = 16, .vpp = 1};
    fy_layer_costs c = {.dense_s = 1, .first_s = 0.1, .last_s = 0.8};
    fy_layout_balance(&l, &m, &c);
    fy_stages s = fy_stages_deal(&m, &l);
    assert_int_equal(layers_of(&s.at[FY_STAGE_FIRST]), 7);
    assert_int_equal(layers_of(&s.at[FY_STAGE_MIDDLE]), 8);
    assert_int_equal(layers_of(&s.at[FY_STAGE_LAST]), 7);
    c.last_s = 1.8;
    fy_layout_balance(&l, &m, &c);
    assert_int_equal(l.first_layers, 8);
    assert_int_equal(l.last_layers, 6);
}

/* Interleaved: virtual stages of two layers, what is missing on the ends. */
static void test_interleaved(void **state)
{
    (void)state;
    fy_model m = {.layers = 30};
    fy_layout l = {.pp = 4, .vpp = 4};
    fy_layer_costs c = {.dense_s = 1, .first_s = 0.1, .last_s = 1.7};
    fy_layout_balance(&l, &m, &c);
    assert_int_equal(l.first_layers, 8);
    assert_int_equal(l.last_layers, 6);
    c.last_s = 0.9;
    fy_layout_balance(&l, &m, &c);
    assert_int_equal(l.first_layers, 0); /* 7 and 7, as it is */
}

/* Of the layers of a stage the first ones are computed again, dense ones before experts. */
static void test_part(void **state)
{
    (void)state;
    fy_model m = {.layers = 61, .experts = 256, .dense_layers = 3, .mtp_layers = 1};
    fy_layout l = {.pp = 16, .vpp = 1, .recompute = FY_RECOMPUTE_FULL, .first_layers = 5};
    l.last_layers = 1;
    l.recompute_layers = 4;
    fy_stages s = fy_stages_deal(&m, &l);
    assert_int_equal(s.less, 1);
    near("dense, all again", s.at[FY_STAGE_FIRST].plain_dense, 0, 0);
    near("one of two", s.at[FY_STAGE_FIRST].plain_moe, 1, 0);
    near("all four", s.at[FY_STAGE_MIDDLE].plain_moe, 0, 0);
    near("all three", s.at[FY_STAGE_LESS].plain_moe, 0, 0);
    assert_int_equal(fy_largest_chunk(&m, &l), 5);
    assert_int_equal(fy_plain_mtp(&m, &l), 1);
    l.recompute_layers = 0;
    assert_int_equal(fy_plain_mtp(&m, &l), 0);
    l = (fy_layout){.pp = 4, .vpp = 4, .recompute = FY_RECOMPUTE_FULL, .recompute_layers = 1};
    m = (fy_model){.layers = 32};
    s = fy_stages_deal(&m, &l);
    near("half of each virtual stage", s.at[FY_STAGE_MIDDLE].plain_dense, 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_deal),
        cmocka_unit_test(test_llama),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
