/* SPDX-License-Identifier: MIT */
/* `fuyao usage`: device-hours by tenant and by chip. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: fuyao usage [--shadow] [--json] [--socket PATH]\n"
                            "Device-hours held by each tenant, and of each chip how much was in "
                            "use.\n\n"
                            "  --shadow   the policy that decides beside the one that runs along\n";

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

/* One row: live, shadow, and the difference. */
static void put_row(cli_table *table, const char *what, const char *format, double live,
                    double shadow)
{
    char text[3][40];
    const double values[3] = {live, shadow, shadow - live};
    bool whole = strcmp(format, "whole") == 0;

    for (int i = 0; i < 3; i++) {
        int digits = whole ? 0 : i < 2 || fabs(values[i]) < 1000 ? 3 : 1;

        snprintf(text[i], sizeof text[i], i == 2 ? "%+.*f" : "%.*f", digits, values[i]);
    }
    cli_table_row(table);
    cli_table_cell(table, "%s", what);
    for (int i = 0; i < 3; i++) {
        cli_table_cell(table, "%s", text[i]);
    }
}

static void print_shadow(const json_t *answer)
{
    static const struct {
        const char *key, *what, *format;
    } rows[] = {
        {"mean_wait_s", "mean wait [s]", "real"}, {"started", "runs started", "whole"},
        {"finished", "jobs finished", "whole"},   {"failed", "jobs failed", "whole"},
        {"preemptions", "preemptions", "whole"},  {"waiting", "waiting now", "whole"},
        {"running", "running now", "whole"},
    };
    const json_t *live = json_object_get(answer, "live"),
                 *beside = json_object_get(answer, "shadow");
    const json_t *held[2] = {json_object_get(live, "tenants"), json_object_get(beside, "tenants")};
    char from[CLI_CLOCK], to[CLI_CLOCK], shown[200], name[240];
    cli_table *table = cli_table_new();

    cli_say_virtual(answer);
    printf("From %s to %s, %lld jobs.%s\n", cli_date(from, cli_number_of(answer, "since_s")),
           cli_date(to, cli_number_of(answer, "until_s")), (long long)cli_int_of(answer, "jobs", 0),
           cli_flag_of(answer, "behind") ? " The shadow is behind." : "");
    cli_table_column(table, "", CLI_LEFT);
    cli_table_column(table, cli_shown(shown, sizeof shown, cli_text_of(live, "policy")), CLI_RIGHT);
    (void)snprintf(name, sizeof name, "shadow %s", cli_text_of(beside, "policy"));
    cli_table_column(table, name, CLI_RIGHT);
    cli_table_column(table, "DIFFERENCE", CLI_RIGHT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_row(table, rows[i].what, rows[i].format, cli_number_of(live, rows[i].key),
                cli_number_of(beside, rows[i].key));
    }
    for (size_t i = 0; i < json_array_size(held[0]); i++) {
        const json_t *a = json_array_get(held[0], i), *b = json_array_get(held[1], i);

        (void)snprintf(name, sizeof name, "device-hours of %s",
                       cli_shown(shown, sizeof shown, cli_text_of(a, "tenant")));
        put_row(table, name, "real", cli_number_of(a, "device_hours"),
                b != NULL ? cli_number_of(b, "device_hours") : 0);
    }
    cli_table_print(table);
    if (cli_int_of(answer, "guessed", 0) > 0) {
        printf("%lld jobs of the shadow ended as estimated: they have not begun in truth.\n",
               (long long)cli_int_of(answer, "guessed", 0));
    }
}

int cmd_usage(int argc, char **argv)
{
    bool shadow = false;
    int kept = 1;

    for (int i = 1; i < argc; i++) { /* what cli_view does not know */
        if (strcmp(argv[i], "--shadow") == 0) {
            shadow = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    return shadow ? cli_view("usage", "/v1/usage?shadow=1", usage, print_shadow, kept, argv)
                  : cli_view("usage", "/v1/usage", usage, print_usage, kept, argv);
}
