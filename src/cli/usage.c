/* SPDX-License-Identifier: MIT */
/* `fuyao usage`: device-hours by tenant and by chip. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <math.h>
#include <stdio.h>

static const char usage[] = "usage: fuyao usage [--json] [--socket PATH]\n"
                            "Device-hours held by each tenant, and of each chip how much was in "
                            "use.\n";

static void print_by_tenant(const json_t *list)
{
    cli_table *table = cli_table_new();
    double all = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        double hours = cli_number_of(json_array_get(list, i), "device_hours");

        all += isnan(hours) ? 0 : hours;
    }
    cli_table_column(table, "TENANT", CLI_LEFT);
    cli_table_column(table, "DEVICE-HOURS", CLI_RIGHT);
    cli_table_column(table, "SHARE", CLI_RIGHT);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *t = json_array_get(list, i);
        double hours = cli_number_of(t, "device_hours");
        char shown[200];

        cli_table_row(table);
        cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(t, "tenant")));
        cli_table_cell(table, "%.3f", hours);
        cli_table_cell(table, all > 0 ? "%.1f %%" : "-", 100 * hours / all);
    }
    cli_table_print(table);
}

static void print_by_chip(const json_t *list)
{
    cli_table *table = cli_table_new();

    cli_table_column(table, "CHIP", CLI_LEFT);
    cli_table_column(table, "DEVICES", CLI_RIGHT);
    cli_table_column(table, "HELD HOURS", CLI_RIGHT);
    cli_table_column(table, "ALL HOURS", CLI_RIGHT);
    cli_table_column(table, "HELD", CLI_RIGHT);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        double held = cli_number_of(c, "held_device_hours"),
               all = cli_number_of(c, "all_device_hours");
        char shown[200];

        cli_table_row(table);
        cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(c, "chip")));
        cli_table_cell(table, "%lld", (long long)cli_int_of(c, "devices", 0));
        cli_table_cell(table, "%.3f", held);
        cli_table_cell(table, "%.3f", all);
        cli_table_cell(table, all > 0 ? "%.1f %%" : "-", 100 * held / all);
    }
    cli_table_print(table);
}

static void print_usage(const json_t *answer)
{
    cli_say_virtual(answer);
    print_by_tenant(json_object_get(answer, "tenants"));
    putchar('\n');
    print_by_chip(json_object_get(answer, "chips"));
}

int cmd_usage(int argc, char **argv)
{
    return cli_view("usage", "/v1/usage", usage, print_usage, argc, argv);
}
