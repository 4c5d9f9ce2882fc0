/* SPDX-License-Identifier: MIT */
/* `fuyao explain`: why a job waits, when it is expected to start, what would start it now. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] = "usage: fuyao explain JOB [--json] [--socket PATH]\n"
                            "Why a job waits, the evidence, when it is expected to start, and the "
                            "cheapest change\nthat would start it now.\n";

static void line(const char *name, const char *text)
{
    char shown[1000];

    if (text != NULL) {
        printf("%-10s %s\n", name, cli_shown(shown, sizeof shown, text));
    }
}

/* The daemon's sentences; --json has the numbers behind them. */
static void print_why(const json_t *answer)
{
    cli_say_virtual(answer);
    printf("%-10s %lld\n", "job", (long long)cli_int_of(answer, "id", -1));
    line("state", cli_text_of(answer, "state"));
    line("why", cli_text_of(answer, "why"));
    line("expected", cli_text_of(answer, "expected"));
    line("change", cli_text_of(json_object_get(answer, "change"), "text"));
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
        print_why(answer);
    }
    json_decref(answer);
    cli_client_close(client);
    return code;
}
