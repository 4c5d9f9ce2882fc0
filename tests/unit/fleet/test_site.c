/* SPDX-License-Identifier: MIT */
/* Fleets: device counts by type as published, names of chips, power, and what is refused. */
#include "fuyao/site.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *data_dir(void)
{
    const char *dir = getenv("FUYAO_DATA");
    return dir != NULL ? dir : "data";
}

static int load(void **state)
{
    fy_catalog *catalog = NULL;
    int rc = fy_catalog_load(&catalog, data_dir(), NULL);
    *state = catalog;
    return rc;
}

static int unload(void **state)
{
    fy_catalog_free(*state);
    return 0;
}

static fy_site *fleet(void **state, const char *name)
{
    char path[1024];
    fy_err err = {0};
    fy_site *site = NULL;
    snprintf(path, sizeof path, "%s/fleets/%s.yaml", data_dir(), name);
    if (fy_site_load(&site, *state, path, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    assert_non_null(site);
    assert_string_equal(site->name, name);
    return site;
}

static int devices(const fy_site *site, const char *chip)
{
    int n = 0;
    for (int i = 0; i < site->n_pools; i++) {
        const fy_pool_spec *p = &site->pools[i];
        n += strcmp(site->chips[p->chip]->id, chip) == 0 ? p->nodes * p->devices : 0;
    }
    return n;
}

static int nodes(const fy_site *site)
{
    int n = 0;
    for (int i = 0; i < site->n_pools; i++) {
        n += site->pools[i].nodes;
    }
    return n;
}

static void devices_by_type_are_as_published(void **state)
{
    static const struct {
        const char *fleet, *chip;
        int nodes, devices; /* nodes of the whole fleet, devices of that chip */
    } cases[] = {
        {"alibaba-2026", "a100-80-sxm4", 4278, 3456},
        {"alibaba-2026", "a10", 4278, 2494},
        {"alibaba-2026", "h800-sxm5", 4278, 1752},
        {"alibaba-2026", "a800-80-sxm4", 4278, 176},
        {"alibaba-2026", "alibaba-series-1", 4278, 1558},
        {"alibaba-2026", "alibaba-series-2", 4278, 976},
        {"openb-2023", "alibaba-g2", 1213, 4392},
        {"openb-2023", "t4", 1213, 842},
        {"openb-2023", "alibaba-g3", 1213, 312},
        {"openb-2023", "p100-pcie", 1213, 265},
        {"openb-2023", "v100-sxm2", 1213, 204},
        {"openb-2023", "v100-sxm2-16", 1213, 195},
        {"openb-2023", "a10", 1213, 2},
        {"philly-500", "p100-pcie", 63, 500},
        {"pai-800", "p100-pcie", 100, 800},
        {"gavel-36x3", "k80", 3, 36},
        {"gavel-36x3", "v100-sxm2", 3, 36},
        {"gavel-12x3", "p100-pcie", 3, 12},
        {"sia-64", "t4", 11, 24},
        {"sia-64", "rtx2080ti", 11, 24},
        {"sia-64", "a100-40-sxm4", 11, 16},
        {"small-mixed", "h800-sxm5", 10, 16},
        {"small-mixed", "ascend-910b2", 10, 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_site *site = fleet(state, cases[i].fleet);
        assert_int_equal(nodes(site), cases[i].nodes);
        assert_int_equal(devices(site, cases[i].chip), cases[i].devices);
        assert_true(site->pue.low >= 1 && site->price_per_kwh.low > 0);
        fy_site_free(site);
    }
}

static void openb_keeps_the_order_of_its_list(void **state)
{
    fy_site *site = fleet(state, "openb-2023");
    static const struct {
        const char *chip;
        int nodes, devices;
        int64_t cpu_milli, memory_mib;
    } first[] = {{"p100-pcie", 22, 2, 64000, 262144},
                 {"alibaba-g3", 1, 8, 128000, 786432},
                 {"v100-sxm2", 2, 8, 96000, 786432},
                 {"v100-sxm2-16", 1, 4, 32000, 131072},
                 {"alibaba-g2", 9, 8, 96000, 393216}};
    assert_int_equal(site->n_pools, 405);
    for (int i = 0; i < 5; i++) {
        const fy_pool_spec *p = &site->pools[i];
        assert_string_equal(site->chips[p->chip]->id, first[i].chip);
        assert_int_equal(p->nodes, first[i].nodes);
        assert_int_equal(p->devices, first[i].devices);
        assert_int_equal(p->cpu_milli, first[i].cpu_milli);
        assert_int_equal(p->memory_mib, first[i].memory_mib);
    }
    fy_site_free(site);
}

static void chips_go_by_id_or_by_a_traces_name(void **state)
{
    static const struct {
        const char *fleet, *name, *chip; /* NULL: absent, "": unknown */
    } cases[] = {
        {"gavel-36x3", "v100", "v100-sxm2"},
        {"gavel-36x3", "p100", "p100-pcie"},
        {"gavel-36x3", "k80", "k80"},
        {"gavel-36x3", "t4", NULL},
        {"gavel-36x3", "T4", NULL},
        {"gavel-36x3", "nonsense", ""},
        {"openb-2023", "P100", "p100-pcie"},
        {"openb-2023", "V100M16", "v100-sxm2-16"},
        {"openb-2023", "V100M32", "v100-sxm2"},
        {"openb-2023", "G2", "alibaba-g2"},
        {"openb-2023", "G3", "alibaba-g3"},
        {"openb-2023", "A10", "a10"},
        {"alibaba-2026", "H800", "h800-sxm5"},
        {"alibaba-2026", "A100-SXM4-80GB", "a100-80-sxm4"},
        {"alibaba-2026", "GPU-series-1", "alibaba-series-1"},
        {"sia-64", "aws", "t4"},
        {"sia-64", "rtx", "rtx2080ti"},
        {"sia-64", "dgx", "a100-40-sxm4"},
        {"sia-64", "quad", NULL},
        {"sia-64", "azure", NULL},
        {"sia-64", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_site *site = fleet(state, cases[i].fleet);
        int at = fy_site_chip(site, cases[i].name, strlen(cases[i].name));
        if (cases[i].chip == NULL) {
            assert_int_equal(at, FY_CHIP_ABSENT);
        } else if (cases[i].chip[0] == '\0') {
            assert_int_equal(at, FY_CHIP_UNKNOWN);
        } else {
            assert_true(at >= 0);
            assert_string_equal(site->chips[at]->id, cases[i].chip);
        }
        fy_site_free(site);
    }
}

static void a_die_has_half_the_power_of_its_card(void **state)
{
    fy_site *site = fleet(state, "gavel-36x3");
    const fy_pool_spec *k80 = &site->pools[2];
    assert_int_equal(k80->devices_per_chip, 2);
    assert_true(fabs(k80->active_w.mid - 0.65 * 300 / 2) < 1e-9);
    assert_true(site->pools[0].active_w.mid == site->chips[site->pools[0].chip]->active_w.mid);
    fy_site_free(site);
}

static void tenants_have_guarantees(void **state)
{
    fy_site *site = fleet(state, "small-mixed");
    int h800 = fy_site_chip(site, "h800-sxm5", 9);
    assert_int_equal(site->n_tenants, 3);
    assert_int_equal(site->tenants[0].guarantee_milli[h800], 8000);
    assert_int_equal(site->tenants[1].guarantee_milli[h800], 4000);
    assert_int_equal(site->tenants[2].guarantee_milli[h800], 0);
    assert_int_equal(site->tenants[0].borrow_milli, -1);
    assert_int_equal(site->tenants[1].borrow_milli, 24000);
    fy_site_free(site);
}

static void chips_can_be_replaced(void **state)
{
    fy_site *site = fleet(state, "alibaba-2026"), *copy = NULL;
    fy_err err = {0};
    assert_int_equal(fy_site_replace(&copy, site, "h800-sxm5", "h20-96-sxm5", 0, &err), 0);
    assert_int_equal(devices(copy, "h20-96-sxm5"), 1752);
    assert_int_equal(devices(copy, "h800-sxm5"), 0);
    assert_int_equal(fy_site_chip(copy, "h800-sxm5", 9), FY_CHIP_ABSENT);
    fy_site_free(copy);
    assert_int_equal(fy_site_replace(&copy, site, "H800", "h20-96-sxm5", 1.4, &err), 0);
    assert_int_equal(devices(copy, "h20-96-sxm5"), 306 * 8); /* equal power: 1752 x 700/500 */
    assert_int_equal(devices(copy, "a100-80-sxm4"), 3456);
    fy_site_free(copy);
    assert_int_equal(fy_site_replace(&copy, site, "t4", "l4", 0, &err), FY_ENOENT);
    assert_int_equal(fy_site_replace(&copy, site, "a10", "nonsense", 0, &err), FY_ENOENT);
    assert_int_equal(fy_site_replace(&copy, site, "a10", "l4", -1, &err), FY_ERANGE);
    fy_site_free(site);

    site = fleet(state, "small-mixed");
    assert_int_equal(fy_site_replace(&copy, site, "h800-sxm5", "h20-96-sxm5", 0.5, &err), 0);
    int h20 = fy_site_chip(copy, "h20-96-sxm5", 11);
    assert_int_equal(devices(copy, "h20-96-sxm5"), 24);
    assert_int_equal(copy->tenants[0].guarantee_milli[h20], 4000);
    assert_int_equal(copy->tenants[2].guarantee_milli[h20], 8000);
    fy_site_free(site); /* the copy stands alone */
    assert_string_equal(copy->tenants[2].name, "serving");
    fy_site_free(copy);
}

static void bad_fleets_are_refused(void **state)
{
#define HEAD "name: x\n"
#define POOL "pools:\n  - {name: a, chip: t4, nodes: 2, devices: 4}\n"
    static const struct {
        const char *text, *says;
    } cases[] = {
        {HEAD "pools: []\n", ":2: this list must not be empty"},
        {HEAD "pools:\n  - {name: a, chip: t5, nodes: 1, devices: 1}\n", ":3: pool a: no chip"},
        {HEAD "pools:\n  - {name: a, server: s, nodes: 1}\n", "no server \"s\""},
        {HEAD "pools:\n  - {name: a, nodes: 1, devices: 1}\n", "name a server or a chip"},
        {HEAD "pools:\n  - {name: a, chip: t4, nodes: 1}\n", "how many devices"},
        {HEAD "pools:\n  - {name: a, chip: t4, nodes: 0, devices: 1}\n", ":3: nodes: must lie"},
        {HEAD "pools:\n  - {name: a, chip: t4, nodes: -1, devices: 1}\n", "nodes: must lie"},
        {HEAD "pools:\n  - {name: a, chip: t4, nodes: 1e9, devices: 1}\n", "nodes: must lie"},
        {HEAD "pools:\n  - {name: a, chip: t4, nodes: nan, devices: 1}\n", "nodes: \"nan\""},
        {HEAD "pools:\n  - {name: a, chip: t4, nodes: 1, devices: 1, memory: 5}\n", "has no unit"},
        {HEAD POOL "  - {name: a, chip: t4, nodes: 1, devices: 1}\n", "\"a\" is there twice"},
        {HEAD "pue: 0.9\n" POOL, ":2: pue: must be 1 or more"},
        {HEAD "pue: assumed nowhere\n" POOL, "no assumption"},
        {HEAD "price: 0.1 USD/kWh\n" POOL, "yuan"},
        {HEAD "currency: EUR\n" POOL, "CNY or USD"},
        {HEAD "power_cap: -1 W\n" POOL, "negative"},
        {HEAD POOL "tenants:\n  - {name: t, weight: 0}\n", "must be positive"},
        {HEAD POOL "tenants:\n  - name: t\n    guarantee: [{chip: l4, devices: 1}]\n",
         "has no \"l4\""},
        {HEAD POOL "tenants:\n  - name: t\n    guarantee: [{chip: t4, devices: 9}]\n",
         "guarantees of 9 t4, but the fleet has 8"},
        {HEAD POOL "tenants: [{name: t}, {name: t}]\n", "\"t\" is there twice"},
        {POOL, "\"name\" is missing"},
        {"", "empty"},
    };
    char path[] = "/tmp/fuyao-site-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_site *site = NULL;
        fy_err err = {0};
        size_t len = strlen(cases[i].text);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, cases[i].text, len, 0), (ssize_t)len);
        int rc = fy_site_load(&site, *state, path, &err);
        if (rc == 0 || strstr(err.text, cases[i].says) == NULL) {
            fprintf(stderr, "case %zu: %s\n", i, err.text);
        }
        assert_true(rc < 0);
        assert_null(site);
        assert_non_null(strstr(err.text, cases[i].says));
    }
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_by_type_are_as_published),
        cmocka_unit_test(openb_keeps_the_order_of_its_list),
        cmocka_unit_test(chips_go_by_id_or_by_a_traces_name),
        cmocka_unit_test(a_die_has_half_the_power_of_its_card),
        cmocka_unit_test(tenants_have_guarantees),
        cmocka_unit_test(chips_can_be_replaced),
        cmocka_unit_test(bad_fleets_are_refused),
    };
    return cmocka_run_group_tests_name("fleet/site", tests, load, unload);
}
