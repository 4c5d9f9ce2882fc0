/* SPDX-License-Identifier: MIT */
/* `fuyao reload`: the daemon reads its configuration again. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>

static const char usage[] = "usage: fuyao reload [--socket PATH]\n"
                            "Have the daemon read its configuration again: users, quotas, policy, "
                            "hooks, power cap and what\n"
                            "the fleet file has gained. A file with a mistake changes nothing.\n";

int cmd_reload(int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    int code = 0;

    if (cli_next_option(argc, argv, ":h", options, usage, &common, &code) == -2) {
        return code;
    }
    if (optind < argc) {
        return cli_fail(CLI_USAGE, "reload: \"%.60s\" is one word too many", argv[optind]);
    }
    code = cli_client_open(&client, common.socket, "fuyao");
    code = code == 0 ? cli_post(client, "/v1/reload", NULL, NULL) : code;
    cli_client_close(client);
    return code;
}
