/* SPDX-License-Identifier: MIT */
/*
 * The table of rates: an answer has the same bits whatever was asked before it, is kept, and is the
 * best layout's; no rate comes with a reason. Uses the shipped data, but no number of it.
 */
#include "base/rng.h"
#include "fuyao/rates.h"
#include "fuyao/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 60 };

typedef struct world {
    fy_catalog *catalog;
    fy_workloads *workloads;
    fy_stacks *stacks;
} world;

static int open_world(void **state)
{
    static world w;
    const char *folder = getenv("FUYAO_DATA");
    fy_err err = {0};

    assert_non_null(folder);
    if (fy_catalog_load(&w.catalog, folder, &err) != 0 ||
        fy_workloads_load(&w.workloads, folder, &err) != 0 ||
        fy_stacks_load(&w.stacks, folder, &err) != 0) {
        fail_msg("%s", err.text);
    }
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world *w = *state;

    fy_stacks_free(w->stacks);
    fy_workloads_free(w->workloads);
    fy_catalog_free(w->catalog);
    return 0;
}

static fy_rates *new_rates(const world *w)
{
    fy_rates *rates = NULL;

    assert_int_equal(fy_rates_new(&rates, w->stacks, NULL), 0);
    return rates;
}

/* Small models on few devices, so that brute force of the order is cheap; some cannot run. */
static fy_rate_key random_key(const world *w, fy_rng *rng)
{
    static const char *const names[] = {"gpt3-125m",          "opt-1.3b",       "vit-b-16",
                                        "llama2-7b",          "llama2-7b-lora", "bloom-176b",
                                        "xpeng-driving-2022", "mistral-7b"};
    static const char *const chips[] = {"h20-96-sxm5", "h800-sxm5",    "a10",
                                        "l20",         "ascend-910b2", "alibaba-series-1"};
    fy_rate_key key = {.workload = fy_workloads_find(w->workloads, names[fy_rng_below(rng, 8)]),
                       .chip = fy_catalog_find_chip(w->catalog, chips[fy_rng_below(rng, 6)]),
                       .batch = fy_rng_below(rng, 3) == 0 ? 64 : 0,
                       .devices = 1 << fy_rng_below(rng, 5),
                       .per_node = fy_rng_below(rng, 2) == 0 ? 8 : 4,
                       .nic_bytes_per_s = fy_rng_below(rng, 4) == 0 ? (double)NAN : 50e9};

    assert_non_null(key.workload);
    assert_non_null(key.chip);
    return key;
}

static bool same(const fy_planned_rate *a, const fy_planned_rate *b)
{
    bool known = fy_known(a->per_s);

    return known == fy_known(b->per_s) && (a->why == NULL) == (b->why == NULL) &&
           (a->why == NULL || strcmp(a->why, b->why) == 0) && a->devices == b->devices &&
           (!known || (a->per_s == b->per_s && a->low == b->low && a->high == b->high));
}

static void order_of_asking_changes_nothing(void **state)
{
    const world *w = *state;
    fy_rate_key keys[KEYS];
    const fy_planned_rate *first[KEYS];
    fy_rates *a = new_rates(w), *b = new_rates(w);
    fy_rng rng = fy_rng_seed(7);
    int64_t searches;
    int some = 0;

    for (int i = 0; i < KEYS; i++) {
        keys[i] = random_key(w, &rng);
        first[i] = fy_rates_find(a, &keys[i]);
        some += fy_known(first[i]->per_s);
        if (fy_known(first[i]->per_s) == (first[i]->why != NULL)) {
            fail_msg("%s on %d %s: %g", keys[i].workload->id, keys[i].devices, keys[i].chip->id,
                     first[i]->per_s);
        }
        assert_true(!fy_known(first[i]->per_s) ||
                    (first[i]->low <= first[i]->per_s && first[i]->per_s <= first[i]->high &&
                     first[i]->low > 0 && first[i]->devices <= keys[i].devices));
    }
    assert_true(some > KEYS / 4 && some < KEYS);
    searches = fy_rates_searches(a);
    for (int i = 0; i < 1000; i++) { /* again, at random: the same place in the table, no search */
        int k = (int)fy_rng_below(&rng, KEYS);

        assert_ptr_equal(fy_rates_find(a, &keys[k]), first[k]);
    }
    assert_int_equal(fy_rates_searches(a), searches);
    for (int i = KEYS - 1; i >= 0; i--) { /* another table, backwards */
        assert_true(same(fy_rates_find(b, &keys[i]), first[i]));
    }
    assert_true(fy_rates_keys(a) <= KEYS && fy_rates_keys(a) == fy_rates_keys(b));
    fy_rates_free(a);
    fy_rates_free(b);
}

/* The rate is the search's best, and the workload's own batch is the same question said twice. */
static void a_rate_is_the_best_layouts(void **state)
{
    const world *w = *state;
    const fy_stack *stack = fy_stacks_find(w->stacks, "megatron-core");
    fy_rate_key key = {.workload = fy_workloads_find(w->workloads, "llama2-7b"),
                       .chip = fy_catalog_find_chip(w->catalog, "h800-sxm5"),
                       .devices = 8,
                       .per_node = 8,
                       .nic_bytes_per_s = (double)NAN};
    fy_cluster cluster = {key.chip, 8, 8, (double)NAN, (double)NAN, 0, 1};
    fy_constants constants = fy_stacks_constants(w->stacks, stack, key.chip, NULL);
    fy_search_spec spec = {.model = &key.workload->model,
                           .cluster = &cluster,
                           .stack = stack,
                           .constants = &constants,
                           .global_batch = key.workload->global_batch,
                           .precision = key.workload->precision,
                           .pins = fy_pins_none(),
                           .top = 1};
    fy_search_result found;
    fy_rates *rates = new_rates(w);
    const fy_planned_rate *rate = fy_rates_find(rates, &key);

    assert_int_equal(fy_search_run(&found, &spec, NULL), 0);
    assert_int_equal(found.n_top, 1);
    assert_true(rate->per_s == found.top[0].estimate.tokens_per_s);
    key.batch = key.workload->global_batch;
    assert_ptr_equal(fy_rates_find(rates, &key), rate);
    assert_int_equal(fy_rates_keys(rates), 1);
    fy_search_free(&found);
    fy_rates_free(rates);
}

static void a_black_box_has_what_was_measured(void **state)
{
    const world *w = *state;
    fy_workload_rate measured = {"h800-sxm5", 8, 123, FY_GRADE_MEASURED, "here"};
    fy_workload black = {.id = "black", .kind = FY_BLACK_BOX, .rates = &measured, .n_rates = 1};
    fy_rate_key key = {.workload = &black,
                       .chip = fy_catalog_find_chip(w->catalog, "h800-sxm5"),
                       .devices = 8,
                       .per_node = 8,
                       .nic_bytes_per_s = 50e9};
    fy_rates *rates = new_rates(w);

    assert_true(fy_rates_find(rates, &key)->per_s == 123);
    assert_int_equal(fy_rates_find(rates, &key)->grade, FY_GRADE_MEASURED);
    key.devices = 16;
    assert_false(fy_known(fy_rates_find(rates, &key)->per_s));
    assert_non_null(strstr(fy_rates_find(rates, &key)->why, "not measured"));
    assert_int_equal(fy_rates_searches(rates), 0);
    fy_rates_free(rates);
}

/* Two pools of one chip: the shape that holds most devices counts; spread is never faster. */
static void a_site_is_asked_by_its_usual_nodes(void **state)
{
    const world *w = *state;
    fy_pool_spec pools[] = {{.chip = 0, .nodes = 3, .devices = 4, .nic_bytes_per_s = 10e9},
                            {.chip = 0, .nodes = 2, .devices = 8, .nic_bytes_per_s = 50e9}};
    fy_site site = {.chips = {fy_catalog_find_chip(w->catalog, "a100-80-sxm4")},
                    .n_chips = 1,
                    .pools = pools,
                    .n_pools = 2,
                    .catalog = w->catalog};
    fy_rate_ask ask = {.workload = fy_workloads_find(w->workloads, "gpt3-1.3b"), .devices = 8};
    fy_rate_key key = {.workload = ask.workload,
                       .chip = site.chips[0],
                       .devices = 8,
                       .per_node = 8,
                       .nic_bytes_per_s = 50e9};
    fy_rates *rates = new_rates(w);
    fy_accept accept = {0};

    assert_ptr_equal(fy_rates_on_site(rates, &site, &ask, &accept), fy_rates_find(rates, &key));
    assert_true(accept.rate > 0 && accept.rate_spread > 0 && accept.rate_spread <= accept.rate);
    assert_int_equal(accept.grade, FY_GRADE_DERIVED);
    pools[0].nodes = 5; /* now most stand in nodes of four */
    key.per_node = 4;
    key.nic_bytes_per_s = 10e9;
    assert_ptr_equal(fy_rates_on_site(rates, &site, &ask, &accept), fy_rates_find(rates, &key));
    pools[0].nic_bytes_per_s = (double)NAN; /* then that of the usual server, by devices */
    assert_true(fy_known(fy_rates_on_site(rates, &site, &ask, &accept)->per_s));
    ask.devices = 1;
    (void)fy_rates_on_site(rates, &site, &ask, &accept);
    assert_true(accept.rate == accept.rate_spread);
    fy_rates_free(rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_asking_changes_nothing),
        cmocka_unit_test(a_rate_is_the_best_layouts),
        cmocka_unit_test(a_black_box_has_what_was_measured),
        cmocka_unit_test(a_site_is_asked_by_its_usual_nodes),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
