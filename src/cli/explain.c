/* SPDX-License-Identifier: MIT */
/* `fuyao explain`: why a job waits, when it is expected to start, what would start it now. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: fuyao explain JOB [--json] [--socket PATH]\n"
                            "Why a job waits, the evidence, when it is expected to start, and the "
                            "cheapest change\nthat would start it now.\n";

static void print_value(const char *name, const json_t *value, int depth);

static void print_members(const json_t *object, int depth)
{
    const char *key;
    json_t *value;

    /* json_object_foreach reads only */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        print_value(key, value, depth);
    }
}

/* One fact a line; what is inside another stands further in. */
static void print_value(const char *name, const json_t *value, int depth)
{
    size_t len = strlen(name);
    char shown[1000], date[CLI_CLOCK];

    if (strcmp(name, "virtual") == 0 || json_is_null(value)) {
        return;
    }
    printf("%*s%-*s ", 2 * depth, "", 22 - 2 * depth, name);
    if (json_is_object(value)) {
        putchar('\n');
        print_members(value, depth + 1);
    } else if (json_is_array(value)) {
        putchar('\n');
        for (size_t i = 0; i < json_array_size(value); i++) {
            print_value("-", json_array_get(value, i), depth + 1);
        }
    } else if (json_is_string(value)) {
        puts(cli_shown(shown, sizeof shown, json_string_value(value)));
    } else if (json_is_boolean(value)) {
        puts(json_is_true(value) ? "yes" : "no");
    } else if (len > 2 && strcmp(name + len - 2, "_s") == 0 && json_number_value(value) > 1e9) {
        puts(cli_date(date, json_number_value(value)));
    } else if (json_is_integer(value)) {
        printf("%lld\n", (long long)json_integer_value(value));
    } else {
        printf("%.6g\n", json_number_value(value));
    }
}

int cmd_explain(int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    json_t *answer = NULL;
    int64_t id;
    char path[64];
    int code = 0;

    if (cli_next_option(argc, argv, ":h", options, usage, &common, &code) == -2) {
        return code;
    }
    if (optind + 1 != argc) {
        return cli_fail(CLI_USAGE, "explain: name one job; `fuyao queue` lists them");
    }
    code = cli_read_id("explain", argv[optind], &id);
    if (code != 0) {
        return code;
    }
    snprintf(path, sizeof path, "/v1/jobs/%lld/explain", (long long)id);
    code = cli_client_open(&client, common.socket, "fuyao");
    if (code == 0) {
        code = cli_get(client, path, &answer);
    }
    if (code == 0 && common.json) {
        cli_print_json(answer);
    } else if (code == 0) {
        cli_say_virtual(answer);
        print_members(answer, 0);
    }
    json_decref(answer);
    cli_client_close(client);
    return code;
}
