/* SPDX-License-Identifier: MIT */
/* Discovery on machines that are folders: which accelerators are found, what stays unknown, and the
 * site that comes of it. */
#include "daemon/discover.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static fy_catalog *catalog;

typedef struct on_bus {
    const char *address, *vendor, *device, *numa, *class;
} on_bus;

static void put(const char *folder, const char *name, const char *text)
{
    char path[300];
    FILE *file;

    if (text != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "%s\n", text);
        assert_int_equal(fclose(file), 0);
    }
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void make_folders(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    (void)mkdir(path, 0755);
}

/* The machine with these devices on its bus. */
static fy_machine look(const on_bus *devices, int n, fy_arena *arena)
{
    char root[] = "/tmp/fuyao-discover-XXXXXX", folder[200];
    fy_machine machine;

    assert_non_null(mkdtemp(root));
    for (int i = 0; i < n; i++) {
        (void)snprintf(folder, sizeof folder, "%s/sys/bus/pci/devices/%s", root,
                       devices[i].address);
        make_folders(folder);
        put(folder, "vendor", devices[i].vendor);
        put(folder, "device", devices[i].device);
        put(folder, "numa_node", devices[i].numa);
        put(folder, "class", devices[i].class);
    }
    machine = fy_discover(catalog, root, NULL, arena);
    assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    return machine;
}

static void known_accelerators_are_found_in_order(void **state)
{
    static const on_bus bus[] = {
        {"0000:5e:00.0", "0x10de", "0x2330", "1", "0x030200"},
        {"0000:3b:00.0", "0x10de", "0x2330", "0", "0x030200"},
        {"0000:00:00.0", "0x8086", "0x2020", "-1", "0x060000"}, /* a bridge */
        {"0000:00:02.0", "0x8086", "0x3e92", "-1", "0x030000"}, /* a screen's adapter */
        {"0000:01:00.0", "0x15b3", "0x101b", "0", "0x020700"},  /* a network card */
    };
    fy_arena arena = {0};
    fy_machine m = look(bus, 5, &arena);
    const fy_site *site;
    const char *note;

    (void)state;
    assert_int_equal(m.n_devices, 2);
    assert_string_equal(m.devices[0].address, "0000:3b:00.0");
    assert_string_equal(m.devices[1].address, "0000:5e:00.0");
    assert_int_equal(m.devices[0].numa, 0);
    assert_int_equal(m.devices[1].numa, 1);
    assert_string_equal(m.devices[0].chip->id, "h100-sxm5");
    assert_true(isnan(m.devices[0].power_w));
    site = fy_machine_site(&m, catalog, &note, &arena);
    assert_int_equal(site->pools[0].devices, 2);
    assert_ptr_equal(site->chips[0], m.devices[0].chip);
    assert_string_equal(note, "2 x h100-sxm5");
    fy_arena_free(&arena);
}

static void what_the_catalogue_does_not_know_stays_unknown(void **state)
{
    static const on_bus bus[] = {
        {"0000:3b:00.0", "0x10de", "0xfffe", NULL, "0x030000"},
        {"0000:3c:00.0", "0xabcd", "0x0001", "-1", "0x120000"},
        {"0000:3d:00.0", "0xabcd", "0x0001", "7", "0x120000"},
    };
    fy_arena arena = {0};
    fy_machine m = look(bus, 3, &arena);
    const fy_site *site;
    const char *note;

    (void)state;
    assert_int_equal(m.n_devices, 3);
    assert_null(m.devices[0].chip);
    assert_int_equal(m.devices[0].numa, -1);
    assert_int_equal(m.devices[2].numa, 7);
    site = fy_machine_site(&m, catalog, &note, &arena);
    assert_string_equal(site->chips[0]->id, "pci-abcd-0001");
    assert_true(isnan(site->chips[0]->bf16.mid) && isnan(site->chips[0]->memory_bytes.mid));
    assert_int_equal(site->pools[0].devices, 2);
    assert_string_equal(note, "2 x pci-abcd-0001; 1 accelerators of other kinds left out");
    fy_arena_free(&arena);
}

static void a_machine_without_accelerators_has_processors(void **state)
{
    static const on_bus bus[] = {
        {"0000:00:02.0", "0x8086", "0x3e92", "-1", "0x030000"},
        {"0000:00:03.0", "rubbish", "0x2330", "0", "0x030200"},
        {"0000:00:04.0", "0x10de", NULL, "0", "0x030200"},
        {"0000:00:05.0", "0x10de", "0x23300000000000", "0", "0x030200"},
    };
    fy_arena arena = {0};
    fy_machine m = look(bus, 4, &arena);
    const fy_site *site = fy_machine_site(&m, catalog, NULL, &arena);

    (void)state;
    assert_int_equal(m.n_devices, 0);
    assert_true(m.processors >= 1 && m.memory_mib > 0 && m.host[0] != '\0');
    assert_string_equal(site->chips[0]->id, "cpu");
    assert_int_equal(site->pools[0].devices, m.processors);
    m = fy_discover(catalog, "/no/such/root", NULL, &arena);
    assert_int_equal(m.n_devices, 0);
    fy_arena_free(&arena);
}

/* Each id of the catalogue leads back to the chip that has it, or to none where several do. */
static void ids_of_the_catalogue_lead_back(void **state)
{
    int n_ids = 0;

    (void)state;
    for (int i = 0; i < fy_catalog_n_chips(catalog); i++) {
        const fy_chip *chip = fy_catalog_chip(catalog, i);
        char vendor[12], device[12];
        unsigned v, d;

        if (sscanf(chip->pci_ids, "%x:%x", &v, &d) == 2) {
            fy_arena arena = {0};
            on_bus bus = {"0000:3b:00.0", vendor, device, "0", "0x030200"};
            fy_machine m;

            (void)snprintf(vendor, sizeof vendor, "0x%x", v);
            (void)snprintf(device, sizeof device, "0x%x", d);
            m = look(&bus, 1, &arena);
            assert_int_equal(m.n_devices, 1);
            assert_true(m.devices[0].chip == chip || m.devices[0].chip == NULL);
            n_ids += m.devices[0].chip == chip;
            fy_arena_free(&arena);
        }
    }
    assert_true(n_ids > 20);
}

static void addresses_of_both_spellings_agree(void **state)
{
    char out[32];

    (void)state;
    fy_pci_address(out, "00000000:3B:00.0");
    assert_string_equal(out, "0000:3b:00.0");
    fy_pci_address(out, "00010000:3B:00.0");
    assert_string_equal(out, "00010000:3b:00.0");
    fy_pci_address(out, "0000:3b:00.0");
    assert_string_equal(out, "0000:3b:00.0");
}

static void no_library_is_no_trouble(void **state)
{
    (void)state;
    assert_null(fy_nvml_open("/no/such/library.so"));
    assert_null(fy_nvml_open("libm.so.6")); /* a library, but not that one */
    assert_int_equal(fy_nvml_count(NULL), 0);
    assert_true(isnan(fy_nvml_power_w(NULL)));
    fy_nvml_close(NULL);
}

static int load(void **state)
{
    (void)state;
    return fy_catalog_load(&catalog, getenv("FUYAO_DATA"), NULL);
}

static int unload(void **state)
{
    (void)state;
    fy_catalog_free(catalog);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_accelerators_are_found_in_order),
        cmocka_unit_test(what_the_catalogue_does_not_know_stays_unknown),
        cmocka_unit_test(a_machine_without_accelerators_has_processors),
        cmocka_unit_test(ids_of_the_catalogue_lead_back),
        cmocka_unit_test(addresses_of_both_spellings_agree),
        cmocka_unit_test(no_library_is_no_trouble),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
