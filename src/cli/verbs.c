/* SPDX-License-Identifier: MIT */
/* `fuyao hold`, `release` and `requeue`: one word for each of the jobs named. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>

static int run_verb(const char *verb, const char *meaning, int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    char usage[300];
    int code = 0, worst;

    snprintf(usage, sizeof usage, "usage: fuyao %s JOB... [--socket PATH]\n%s\n", verb, meaning);
    if (cli_next_option(argc, argv, ":h", options, usage, &common, &code) == -2) {
        return code;
    }
    if (optind == argc) {
        return cli_fail(CLI_USAGE, "%s: name a job; `fuyao queue` lists them", verb);
    }
    for (int i = optind; i < argc; i++) { /* all of them, before the first is touched */
        int64_t id;

        code = cli_read_id(verb, argv[i], &id);
        if (code != 0) {
            return code;
        }
    }
    worst = cli_client_open(&client, common.socket, "fuyao");
    for (int i = optind; i < argc && worst < CLI_ENVIRONMENT; i++) {
        char path[96];

        snprintf(path, sizeof path, "/v1/jobs/%s/%s", argv[i], verb);
        code = cli_post(client, path, NULL, NULL);
        worst = code > worst ? code : worst;
    }
    cli_client_close(client);
    return worst;
}

int cmd_hold(int argc, char **argv)
{
    return run_verb("hold", "Keep waiting jobs from starting until they are released.", argc, argv);
}

int cmd_release(int argc, char **argv)
{
    return run_verb("release", "Let held jobs start.", argc, argv);
}

int cmd_requeue(int argc, char **argv)
{
    return run_verb("requeue", "Stop running jobs, with their checkpoint, and queue them again.",
                    argc, argv);
}
