/* SPDX-License-Identifier: MIT */
/* `fuyao token`: access tokens for loopback TCP, made and dropped by operators. */
#include "base/num.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/table.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao token                                   list them, without their secrets\n"
    "       fuyao token new NAME --tenant T --uid N [--scope read|submit|operate]\n"
    "       fuyao token drop NAME\n"
    "Access tokens for programs that reach the daemon over loopback TCP (FUYAO_TOKEN). A token "
    "stands\n"
    "for one tenant and one user, never root; its secret is printed once and kept nowhere.\n\n"
    "  --socket PATH, --json\n";

static int list(const cli_common *common)
{
    cli_client *client = NULL;
    json_t *answer = NULL;
    int code = cli_client_open(&client, common->socket, "fuyao");

    code = code == 0 ? cli_get(client, "/v1/tokens", &answer) : code;
    if (code == 0 && common->json) {
        cli_print_json(answer);
    } else if (code == 0) {
        const json_t *tokens = json_object_get(answer, "tokens");
        cli_table *table = cli_table_new();

        cli_table_column(table, "NAME", CLI_LEFT);
        cli_table_column(table, "TENANT", CLI_LEFT);
        cli_table_column(table, "UID", CLI_RIGHT);
        cli_table_column(table, "SCOPE", CLI_LEFT);
        for (size_t i = 0; i < json_array_size(tokens); i++) {
            const json_t *token = json_array_get(tokens, i);
            char name[130], tenant[130];

            cli_table_row(table);
            cli_table_cell(table, "%s", cli_shown(name, sizeof name, cli_text_of(token, "name")));
            cli_table_cell(table, "%s",
                           cli_shown(tenant, sizeof tenant, cli_text_of(token, "tenant")));
            cli_table_cell(table, "%lld", (long long)cli_int_of(token, "uid", -1));
            cli_table_cell(table, "%s", cli_text_of(token, "scope"));
        }
        cli_table_print(table);
    }
    json_decref(answer);
    cli_client_close(client);
    return code;
}

static int make(const cli_common *common, json_t *body)
{
    cli_client *client = NULL;
    json_t *answer = NULL;
    int code = cli_client_open(&client, common->socket, "fuyao");

    code = code == 0 ? cli_post(client, "/v1/tokens", body, &answer) : code;
    if (code == 0 && common->json) {
        cli_print_json(answer);
    } else if (code == 0) {
        puts(cli_text_of(answer, "token"));
    }
    json_decref(answer);
    cli_client_close(client);
    return code;
}

static int drop(const cli_common *common, const char *name)
{
    cli_client *client = NULL;
    fy_str path = {0};
    int code = cli_client_open(&client, common->socket, "fuyao");

    fy_str_puts(&path, "/v1/tokens/");
    cli_escape(&path, name);
    fy_str_puts(&path, "/drop");
    code = code == 0 ? cli_post(client, path.text, NULL, NULL) : code;
    fy_str_free(&path);
    cli_client_close(client);
    return code;
}

/* What the words ask for, once the options are read into `body`. */
static int act(const cli_common *common, json_t *body, int words, char **word)
{
    bool options = json_object_size(body) > 0;

    if (words == 0 && !options) {
        return list(common);
    }
    if (words == 2 && strcmp(word[0], "drop") == 0 && !options) {
        return drop(common, word[1]);
    }
    if (words != 2 || strcmp(word[0], "new") != 0) {
        return cli_fail(CLI_USAGE, "token: say nothing, new NAME or drop NAME");
    }
    if (json_object_get(body, "tenant") == NULL || json_object_get(body, "uid") == NULL) {
        return cli_fail(CLI_USAGE, "token: new %.60s needs --tenant and --uid", word[1]);
    }
    json_object_set_new(body, "name", json_string(word[1]));
    if (json_object_get(body, "scope") == NULL) {
        json_object_set_new(body, "scope", json_string("submit"));
    }
    return make(common, body);
}

int cmd_token(int argc, char **argv)
{
    static const struct option options[] = {{"tenant", required_argument, NULL, 't'},
                                            {"uid", required_argument, NULL, 'u'},
                                            {"scope", required_argument, NULL, 's'},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    json_t *body = json_object();
    int64_t uid;
    int code = 0, opt;

    while (code == 0 &&
           (opt = cli_next_option(argc, argv, ":h", options, usage, &common, &code)) >= 0) {
        if (opt == 't' || opt == 's') {
            json_object_set_new(body, opt == 't' ? "tenant" : "scope", json_string(optarg));
        } else if (fy_num_int(optarg, strlen(optarg), 1, UINT32_MAX - 1, &uid) == FY_NUM_OK) {
            json_object_set_new(body, "uid", json_integer(uid));
        } else {
            code = cli_fail(CLI_USAGE, "token: --uid is '%.40s'; it must be a user's number, not 0",
                            optarg);
        }
    }
    if (code == 0 && opt != -2) {
        code = act(&common, body, argc - optind, argv + optind);
    }
    json_decref(body);
    return code;
}
