/* SPDX-License-Identifier: MIT */
/* `fuyao nodes`: machines, their chips and devices, and what is wrong with them. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] = "usage: fuyao nodes [--json] [--socket PATH]\n"
                            "The nodes: their chips, how many devices are idle, why one is "
                            "drained.\n";

static void put_node(cli_table *table, const json_t *node)
{
    const json_t *jobs = json_object_get(node, "jobs");
    const char *reserved = cli_text_of(node, "reserved_for"), *reason = cli_text_of(node, "reason");
    char shown[200], other[200], from[CLI_CLOCK], to[CLI_CLOCK];
    fy_str list = {0};

    for (size_t i = 0; i < json_array_size(jobs); i++) {
        fy_str_printf(&list, "%s%lld", i > 0 ? "," : "",
                      (long long)json_integer_value(json_array_get(jobs, i)));
    }
    cli_table_row(table);
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(node, "name")));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(node, "chip")));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(node, "state")));
    cli_table_cell(table, "%lld", (long long)cli_int_of(node, "devices", 0));
    cli_table_cell(table, "%.4g", cli_number_of(node, "idle_devices"));
    cli_table_cell(table, "%s", list.len > 0 ? list.text : "-");
    fy_str_free(&list);
    if (reserved != NULL) {
        cli_table_cell(table, "%s%sreserved for %s from %s to %s",
                       reason != NULL ? cli_shown(other, sizeof other, reason) : "",
                       reason != NULL ? "; " : "", cli_shown(shown, sizeof shown, reserved),
                       cli_date(from, cli_number_of(node, "reserved_from_s")),
                       cli_date(to, cli_number_of(node, "reserved_to_s")));
    } else {
        cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, reason));
    }
}

static void print_nodes(const json_t *answer)
{
    const json_t *nodes = json_object_get(answer, "nodes");
    cli_table *table = cli_table_new();

    cli_say_virtual(answer);
    cli_table_column(table, "NODE", CLI_LEFT);
    cli_table_column(table, "CHIP", CLI_LEFT);
    cli_table_column(table, "STATE", CLI_LEFT);
    cli_table_column(table, "DEVICES", CLI_RIGHT);
    cli_table_column(table, "IDLE", CLI_RIGHT);
    cli_table_column(table, "JOBS", CLI_LEFT);
    cli_table_column(table, "NOTE", CLI_LEFT);
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        put_node(table, json_array_get(nodes, i));
    }
    cli_table_print(table);
}

int cmd_nodes(int argc, char **argv)
{
    return cli_view("nodes", "/v1/nodes", usage, print_nodes, argc, argv);
}
