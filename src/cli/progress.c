/* SPDX-License-Identifier: MIT */
/*
 * `fuyao progress`: a run says how far it is, by a call. The same can be said without one, by a
 * line in the file $FUYAO_PROGRESS; where the file is out of reach (a container) the call is not.
 */
#include "base/num.h"
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao progress DONE\n"
    "Called by a job: it has done so many units of its work (steps, tokens). Reads FUYAO_JOB_ID,\n"
    "FUYAO_ATTEMPT and FUYAO_RUN_TOKEN, which every run has.\n\n"
    "  --socket PATH\n";

static int read_number(const char *name, int64_t *out)
{
    const char *text = getenv(name);

    if (text == NULL || fy_num_int(text, strlen(text), 0, INT64_MAX, out) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE, "progress: %s is not set: this is called by a job's own run",
                        name);
    }
    return 0;
}

static int report(const cli_common *common, double done)
{
    cli_client *client = NULL;
    const char *token = getenv("FUYAO_RUN_TOKEN");
    int64_t job = 0, attempt = 0;
    char path[64];
    json_t *body;
    int code = read_number("FUYAO_JOB_ID", &job);

    code = code == 0 ? read_number("FUYAO_ATTEMPT", &attempt) : code;
    if (code == 0 && token == NULL) {
        code = cli_fail(CLI_USAGE, "progress: FUYAO_RUN_TOKEN is not set");
    }
    code = code == 0 ? cli_client_open(&client, common->socket, "fuyao") : code;
    if (code == 0) {
        body = json_pack("{s:I, s:s, s:f}", "attempt", (json_int_t)attempt, "token", token, "done",
                         done);
        (void)snprintf(path, sizeof path, "/v1/jobs/%lld/progress", (long long)job);
        code = cli_post(client, path, body, NULL);
        json_decref(body);
    }
    cli_client_close(client);
    return code;
}

int cmd_progress(int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    char *end = NULL;
    double done;
    int code = 0;

    if (cli_next_option(argc, argv, ":h", options, usage, &common, &code) == -2) {
        return code;
    }
    if (optind + 1 != argc) {
        return cli_fail(CLI_USAGE, "progress: say how many units are done, one number");
    }
    done = strtod(argv[optind], &end);
    if (end == argv[optind] || *end != '\0' || !(done >= 0 && done < 1e18)) {
        return cli_fail(CLI_USAGE, "progress: '%.40s' is no number of units done", argv[optind]);
    }
    return report(&common, done);
}
