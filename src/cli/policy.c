/* SPDX-License-Identifier: MIT */
/* `fuyao policy`: which policy decides, and another from now on. */
#include "base/num.h"
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao policy [[--shadow] NAME [--placement NAME] [--set KEY=VALUE]... [--seed N]]\n"
    "Say which policy decides, or let another decide from now on; running jobs go on.\n\n"
    "  --shadow   it runs along on a copy of the fleet and decides nothing; what it would have "
    "done\n"
    "             is shown by `fuyao usage --shadow`. The name none ends it.\n"
    "  --socket PATH, --json\n";

static int ask(const cli_common *common)
{
    cli_client *client = NULL;
    json_t *answer = NULL;
    int code = cli_client_open(&client, common->socket, "fuyao");

    if (code == 0) {
        code = cli_get(client, "/v1/status", &answer);
    }
    if (code == 0) {
        char shown[100], other[100];
        const char *policy = cli_text_of(answer, "policy");
        const char *placement = cli_text_of(answer, "placement");
        const char *shadow = cli_text_of(answer, "shadow");

        if (common->json) {
            json_t *both = json_object();

            json_object_set(both, "policy", json_object_get(answer, "policy"));
            json_object_set(both, "placement", json_object_get(answer, "placement"));
            if (shadow != NULL) {
                json_object_set(both, "shadow", json_object_get(answer, "shadow"));
            }
            cli_print_json(both);
            json_decref(both);
        } else {
            printf("%s, placement %s\n", cli_shown(shown, sizeof shown, policy),
                   cli_shown(other, sizeof other, placement));
            if (shadow != NULL) {
                printf("%s runs along\n", cli_shown(shown, sizeof shown, shadow));
            }
        }
    }
    json_decref(answer);
    cli_client_close(client);
    return code;
}

/* KEY=VALUE into the settings. */
static int add_setting(json_t *settings, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text ||
        json_object_setn_new(settings, text, (size_t)(equals - text), json_string(equals + 1)) !=
            0) {
        return cli_fail(CLI_USAGE, "policy: --set is '%.60s'; it must be KEY=VALUE", text);
    }
    return 0;
}

int cmd_policy(int argc, char **argv)
{
    static const struct option options[] = {{"placement", required_argument, NULL, 'p'},
                                            {"set", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'n'},
                                            {"shadow", no_argument, NULL, 'w'},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    json_t *body = json_object(), *settings = json_object();
    int64_t seed;
    int code = 0, opt;

    while (code == 0 &&
           (opt = cli_next_option(argc, argv, ":h", options, usage, &common, &code)) >= 0) {
        if (opt == 'p') {
            json_object_set_new(body, "placement", json_string(optarg));
        } else if (opt == 'w') {
            json_object_set_new(body, "shadow", json_true());
        } else if (opt == 's') {
            code = add_setting(settings, optarg);
        } else if (fy_num_int(optarg, strlen(optarg), 0, INT64_MAX, &seed) == FY_NUM_OK) {
            json_object_set_new(body, "seed", json_integer(seed));
        } else {
            code =
                cli_fail(CLI_USAGE, "policy: --seed is '%.40s'; it must be a whole number", optarg);
        }
    }
    bool more = json_object_size(body) + json_object_size(settings) > 0;
    if (json_object_size(settings) > 0) {
        json_object_set(body, "settings", settings);
    }
    if (code == 0 && opt != -2) {
        if (optind + 1 < argc || (optind == argc && more)) {
            code = cli_fail(CLI_USAGE, "policy: name one policy; `fuyao sim --help` lists them");
        } else if (optind == argc) {
            code = ask(&common);
        } else {
            json_object_set_new(body, "policy", json_string(argv[optind]));
            code = cli_client_open(&client, common.socket, "fuyao");
            code = code == 0 ? cli_post(client, "/v1/policy", body, NULL) : code;
        }
    }
    cli_client_close(client);
    json_decref(settings);
    json_decref(body);
    return code;
}
