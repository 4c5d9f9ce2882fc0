/* SPDX-License-Identifier: MIT */
/* `fuyao logs`: a job's output, as it is or as it grows. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] = "usage: fuyao logs [-f] [--from BYTE] JOB [--socket PATH]\n"
                            "A job's output; with -f as it grows, until the job has ended.\n";

/* Print what there is from *at on. Returns 0 or an exit code. */
static int print_from(cli_client *client, int64_t id, int64_t *at)
{
    for (;;) {
        cli_answer answer;
        char path[96];
        size_t got;
        int code;

        snprintf(path, sizeof path, "/v1/jobs/%lld/output?from=%lld", (long long)id,
                 (long long)*at);
        code = cli_request(client, path, NULL, 0, &answer);
        if (code == 0) {
            code = cli_refused(client, &answer);
        }
        got = answer.body.len;
        if (code == 0 && got > 0) {
            (void)fwrite(answer.body.text, 1, got, stdout);
        }
        fy_str_free(&answer.body);
        if (code != 0 || got == 0) {
            return code;
        }
        *at += (int64_t)got;
        if (ferror(stdout)) {
            return CLI_ENVIRONMENT;
        }
    }
}

static int has_ended(cli_client *client, int64_t id, bool *ended)
{
    char path[64];
    json_t *job = NULL;
    int code;

    snprintf(path, sizeof path, "/v1/jobs/%lld", (long long)id);
    code = cli_get(client, path, &job);
    *ended = code == 0 && cli_has_ended(cli_text_of(job, "state"));
    json_decref(job);
    return code;
}

/* First the state, then the output: what was written before the end is not missed. */
static int follow(cli_client *client, int64_t id, int64_t at)
{
    for (;;) {
        bool ended;
        int code = has_ended(client, id, &ended);

        if (code == 0) {
            code = print_from(client, id, &at);
        }
        if (code != 0 || ended) {
            return code;
        }
        if (fflush(stdout) != 0) {
            return CLI_ENVIRONMENT;
        }
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
}

int cmd_logs(int argc, char **argv)
{
    static const struct option options[] = {{"follow", no_argument, NULL, 'f'},
                                            {"from", required_argument, NULL, 1},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    int64_t id, from = 0;
    bool following = false;
    int code = 0, opt;

    while (code == 0 &&
           (opt = cli_next_option(argc, argv, ":hf", options, usage, &common, &code)) >= 0) {
        if (opt == 'f') {
            following = true;
        } else {
            code = cli_read_id("logs --from", optarg, &from);
        }
    }
    if (code != 0 || opt == -2) {
        return code;
    }
    if (optind + 1 != argc) {
        return cli_fail(CLI_USAGE, "logs: name one job; `fuyao queue` lists them");
    }
    code = cli_read_id("logs", argv[optind], &id);
    if (code != 0) {
        return code;
    }
    code = cli_client_open(&client, common.socket, "fuyao");
    if (code == 0) {
        code = following ? follow(client, id, from) : print_from(client, id, &from);
    }
    cli_client_close(client);
    return code;
}
