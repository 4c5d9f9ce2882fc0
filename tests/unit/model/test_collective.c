/* SPDX-License-Identifier: MIT */
/*
 * Collectives by hand on a machine of 4 devices a node, 100 GB/s a link, 40 GB/s a node's NICs,
 * 1 us a step in the node, 5 us between nodes.
 */
#include "../../planner.h"
#include "model/collective.h"

static void test_groups(void **state)
{
    static const struct {
        int size, stride, per_node, in_node, sharing;
    } cases[] = {
        {1, 1, 8, 1, 8}, {4, 1, 8, 4, 2}, {8, 1, 8, 8, 1}, {16, 1, 8, 8, 1},
        {8, 2, 8, 4, 2}, {8, 4, 8, 2, 4}, {8, 8, 8, 1, 8}, {64, 16, 8, 1, 8},
        {2, 4, 8, 2, 4}, {4, 1, 1, 1, 1}, {8, 3, 8, 2, 4}, {12, 1, 8, 8, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_group g = fy_group_make(cases[i].size, cases[i].stride, cases[i].per_node);
        if (g.size != cases[i].size || g.in_node != cases[i].in_node ||
            g.sharing != cases[i].sharing) {
            fail_msg("case %zu: in_node %d, sharing %d", i, g.in_node, g.sharing);
        }
    }
}

/* A link that joins pairs: neighbours use it; two devices apart, and rings of four, PCIe. */
static void test_pairs(void **state)
{
    fy_machine mc = toy_machine();
    (void)state;
    mc.link_group = 2;
    mc.pcie_bps = 20e9;
    near("a pair", fy_all_gather_s(&mc, fy_group_make(2, 1, 4), 1e9), 0.5 / 100 + 1e-6, 1e-12);
    near("apart", fy_all_gather_s(&mc, fy_group_make(2, 2, 4), 1e9), 0.5 / 20 + 1e-6, 1e-12);
    near("four", fy_all_gather_s(&mc, fy_group_make(4, 1, 4), 1e9), 0.75 / 20 + 3e-6, 1e-12);
    near("to one", fy_send_s(&mc, true, 1e9), 1.0 / 20 + 1e-6, 1e-12);
}

/* 1 GB over 4 in a node: 2 x 3/4 x 1e9 / 100e9 = 15 ms, and twice 3 us. */
static void test_ring(void **state)
{
    fy_machine mc = toy_machine();
    fy_group node = fy_group_make(4, 1, 4);
    (void)state;
    near("in the node", fy_all_reduce_s(&mc, node, 1e9), 15e-3 + 6e-6, 1e-12);
    near("half of it", fy_all_gather_s(&mc, node, 1e9), 7.5e-3 + 3e-6, 1e-12);
    /* 8 over two nodes, alone on the NICs: 2 x 7/8 / 40e9; 3 steps inside, one doubling */
    fy_group two = fy_group_make(8, 1, 4);
    near("two nodes", fy_all_reduce_s(&mc, two, 1e9), 1.75 / 40 + 2 * (3e-6 + 5e-6), 1e-12);
    /* one member a node, four groups share the NICs: 10 GB/s; 16 nodes are four doublings */
    fy_group rails = fy_group_make(16, 4, 4);
    near("rails", fy_all_reduce_s(&mc, rails, 1e9), 2 * 15.0 / 16 / 10 + 2 * 20e-6, 1e-12);
    /* a gather has no tree: 15 steps between nodes; over two nodes 6 inside and one between */
    near("gather", fy_all_gather_s(&mc, rails, 1e9), 15.0 / 16 / 10 + 75e-6, 1e-12);
    near("gather, two nodes", fy_all_gather_s(&mc, two, 1e9), 0.875 / 40 + 11e-6, 1e-12);
    mc.sync_s = 30e-6;
    near("handing over", fy_all_gather_s(&mc, node, 1e9), 7.5e-3 + 33e-6, 1e-12);
    assert_true(fy_all_reduce_s(&mc, fy_group_make(1, 1, 4), 1e9) == 0);
    assert_true(fy_all_gather_s(&mc, node, 0) == 0);
}

/* NICs faster than a link do not help where a node has several members; one member uses them. */
static void test_slower_tier(void **state)
{
    fy_machine mc = toy_machine();
    (void)state;
    mc.net_bps = 400e9;
    near("link", fy_all_gather_s(&mc, fy_group_make(8, 1, 4), 8e9), 7e9 / 100e9 + 11e-6, 1e-12);
    near("own NICs", fy_all_gather_s(&mc, fy_group_make(2, 1, 1), 8e9), 4e9 / 400e9 + 5e-6, 1e-12);
    mc.net_bps = NAN;
    assert_true(isnan(fy_all_gather_s(&mc, fy_group_make(8, 1, 4), 8e9)));
    assert_false(isnan(fy_all_gather_s(&mc, fy_group_make(4, 1, 4), 8e9)));
}

/*
 * The switch of NVLink adds: bytes / rate + 2 latencies, where less than the ring. Bus bandwidth of
 * 8 H100 is then about 480 GB/s of 450 each way x 0.74 x 1.75 = 583 ideal (nccl-tests, published:
 * 1.3 times the ring's).
 */
static void test_switch(void **state)
{
    fy_machine mc = toy_machine();
    fy_group node = fy_group_make(4, 1, 4);
    (void)state;
    mc.reduce_bps = 80e9;
    near("switch", fy_all_reduce_s(&mc, node, 1e9), 12.5e-3 + 2e-6, 1e-12);
    near("gathers do not add", fy_all_gather_s(&mc, node, 1e9), 7.5e-3 + 3e-6, 1e-12);
    near("not between nodes", fy_all_reduce_s(&mc, fy_group_make(8, 1, 4), 1e9), 1.75 / 40 + 16e-6,
         1e-12);
    near("two members: the ring", fy_all_reduce_s(&mc, fy_group_make(2, 1, 4), 1e9), 10e-3 + 2e-6,
         1e-12);
    fy_machine h100 = real_machine(*state, "h100-sxm5");
    fy_group eight = fy_group_make(8, 1, 8);
    double with = fy_all_reduce_s(&h100, eight, 8e9);
    h100.reduce_bps = 0;
    near("480 of 370", fy_all_reduce_s(&h100, eight, 8e9) / with, 480.0 / 370, 0.01);
}

/* Of k copies dealt to n places at random, n (1 - (1 - 1/n)^k) places get one. */
static void test_places(void **state)
{
    (void)state;
    near("one", fy_places_hit(4, (fy_choice){1, 0, 0}), 1, 1e-12);
    near("two on four", fy_places_hit(4, (fy_choice){2, 0, 0}), 4 * (1 - 9.0 / 16), 1e-12);
    near("one place", fy_places_hit(1, (fy_choice){8, 0, 0}), 1, 1e-12);
    near("none", fy_places_hit(4, (fy_choice){0, 0, 0}), 0, 0);
    /* 8 of 256 experts on 8 nodes: 8 (1 - (7/8)^8) = 5.25 nodes, at most 4 as DeepSeek-V3 routes */
    near("anywhere", fy_places_hit(8, (fy_choice){8, 0, 0}), 5.2513, 1e-4);
    near("four groups", fy_places_hit(8, (fy_choice){8, 8, 4}), 4, 1e-12);
    /* 64 devices: two experts among the 8 of each chosen node: 4 x 8 (1 - (7/8)^2) */
    near("devices", fy_places_hit(64, (fy_choice){8, 8, 4}), 4 * 8 * (1 - 49.0 / 64), 1e-12);
    /* a node of two groups: four groups at random on four nodes */
    near("two a node", fy_places_hit(4, (fy_choice){8, 8, 4}), 4 * (1 - 81.0 / 256), 1e-12);
    /* three experts in four groups: no more places than experts */
    near("few", fy_places_hit(8, (fy_choice){3, 8, 4}), 3, 1e-12);
}

static void test_routes(void **state)
{
    fy_machine mc = toy_machine();
    fy_group nodes = fy_group_make(64, 1, 8);
    (void)state;
    mc.dispatch_bps = 50e9;
    fy_route each = fy_route_each(&mc);
    near("each far", each.far, 1, 0);
    near("each near", each.near, 1, 0);
    near("library's rate", each.net_bps, 40e9, 0);
    fy_route once = fy_route_once(&mc, nodes, (fy_choice){8, 8, 4});
    near("far", once.far, 4.0 / 8, 1e-12);
    near("near", once.near, 7.5 / 8, 1e-12);
    near("own rate", once.net_bps, 50e9, 0);
    near("no copies", fy_route_once(&mc, nodes, (fy_choice){0, 0, 0}).far, 1, 0);
}

static void test_dispatch(void **state)
{
    fy_machine mc = toy_machine();
    fy_group node = fy_group_make(4, 1, 4);
    fy_group four = fy_group_make(16, 1, 4);
    fy_route each = fy_route_each(&mc);
    fy_route once = {.far = 0.5, .near = 1, .net_bps = mc.net_bps};
    (void)state;
    assert_true(fy_group_crosses(four));
    assert_false(fy_group_crosses(node));
    /* 3 of 4 copies leave the device */
    near("in the node", fy_dispatch_s(&mc, node, 1e9, each), 0.75 / 100 + 4e-6, 1e-12);
    /* 12 of 16 leave the node, 10 GB/s a device; 16 is four doublings */
    near("between", fy_dispatch_s(&mc, four, 1e9, each), 0.75 / 10 + 4e-6 + 20e-6, 1e-12);
    /* sent once a node: half of them; the rest is spread on the link, 15/16 - 3/8 at 100 GB/s */
    near("once a node", fy_dispatch_s(&mc, four, 1e9, once), 0.375 / 10 + 24e-6, 1e-12);
    once.net_bps = 80e9;
    near("own rate", fy_dispatch_s(&mc, four, 1e9, once), 0.375 / 20 + 24e-6, 1e-12);
    once.net_bps = 4e12;
    near("link decides", fy_dispatch_s(&mc, four, 1e9, once), (15.0 / 16 - 0.375) / 100 + 24e-6,
         1e-12);
    once.near = 0.8;
    near("once a device", fy_dispatch_s(&mc, four, 1e9, once),
         (0.8 * 15.0 / 16 - 0.375) / 100 + 24e-6, 1e-12);
    assert_true(fy_dispatch_s(&mc, fy_group_make(1, 1, 4), 1e9, each) == 0);
}

static void test_send(void **state)
{
    fy_machine mc = toy_machine();
    (void)state;
    near("in the node", fy_send_s(&mc, true, 1e9), 10e-3 + 1e-6, 1e-12);
    near("a quarter of the NICs", fy_send_s(&mc, false, 1e9), 100e-3 + 5e-6, 1e-12);
}

static int setup(void **state)
{
    *state = open_catalog();
    return 0;
}

static int teardown(void **state)
{
    fy_catalog_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups), cmocka_unit_test(test_ring),
        cmocka_unit_test(test_pairs),  cmocka_unit_test(test_slower_tier),
        cmocka_unit_test(test_switch), cmocka_unit_test(test_places),
        cmocka_unit_test(test_routes), cmocka_unit_test(test_dispatch),
        cmocka_unit_test(test_send),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
