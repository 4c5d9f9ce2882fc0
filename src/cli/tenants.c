/* SPDX-License-Identifier: MIT */
/* `fuyao tenants`: guarantees, weights and what each holds now. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <math.h>
#include <stdio.h>

static const char usage[] = "usage: fuyao tenants [--json] [--socket PATH]\n"
                            "The tenants: what each is guaranteed, may borrow and holds.\n";

/* "h800-sxm5 64, h20-96-sxm5 8", or "-". */
static void put_chips(cli_table *table, const json_t *object)
{
    fy_str list = {0};
    const char *key;
    json_t *value;

    /* json_object_foreach reads only */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char shown[100];

        fy_str_printf(&list, "%s%s %.4g", list.len > 0 ? ", " : "",
                      cli_shown(shown, sizeof shown, key), json_number_value(value));
    }
    cli_table_cell(table, "%s", list.len > 0 ? list.text : "-");
    fy_str_free(&list);
}

/* "100 jobs, 64 devices, at most 24 h, 1 h if not stated", or "-". */
static void put_limits(cli_table *table, const json_t *limits)
{
    int64_t queued = cli_int_of(limits, "queued", -1), devices = cli_int_of(limits, "devices", -1);
    double most = cli_number_of(limits, "time_limit_s");
    double fallback = cli_number_of(limits, "default_time_limit_s");
    fy_str list = {0};

    if (queued >= 0) {
        fy_str_printf(&list, ", %lld jobs", (long long)queued);
    }
    if (devices >= 0) {
        fy_str_printf(&list, ", %lld devices a job", (long long)devices);
    }
    if (!isnan(most)) {
        fy_str_printf(&list, ", at most %.4g h", most / 3600);
    }
    if (!isnan(fallback)) {
        fy_str_printf(&list, ", %.4g h if not stated", fallback / 3600);
    }
    cli_table_cell(table, "%s", list.len > 0 ? list.text + 2 : "-");
    fy_str_free(&list);
}

static void print_tenants(const json_t *answer)
{
    const json_t *tenants = json_object_get(answer, "tenants");
    cli_table *table = cli_table_new();

    cli_say_virtual(answer);
    cli_table_column(table, "TENANT", CLI_LEFT);
    cli_table_column(table, "WEIGHT", CLI_RIGHT);
    cli_table_column(table, "GUARANTEED", CLI_LEFT);
    cli_table_column(table, "MAY BORROW", CLI_RIGHT);
    cli_table_column(table, "HOLDS", CLI_LEFT);
    cli_table_column(table, "JOBS", CLI_RIGHT);
    cli_table_column(table, "WAITING", CLI_RIGHT);
    cli_table_column(table, "LIMITS", CLI_LEFT);
    for (size_t i = 0; i < json_array_size(tenants); i++) {
        const json_t *t = json_array_get(tenants, i);
        double borrow = cli_number_of(t, "borrow_devices");
        char shown[200];

        cli_table_row(table);
        cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(t, "tenant")));
        cli_table_cell(table, "%.4g", cli_number_of(t, "weight"));
        put_chips(table, json_object_get(t, "guarantee"));
        if (isnan(borrow)) {
            cli_table_cell(table, "any");
        } else {
            cli_table_cell(table, "%.4g", borrow);
        }
        put_chips(table, json_object_get(t, "held"));
        cli_table_cell(table, "%lld", (long long)cli_int_of(t, "jobs", 0));
        cli_table_cell(table, "%lld", (long long)cli_int_of(t, "waiting", 0));
        put_limits(table, json_object_get(t, "limits"));
    }
    cli_table_print(table);
}

int cmd_tenants(int argc, char **argv)
{
    return cli_view("tenants", "/v1/tenants", usage, print_tenants, argc, argv);
}
