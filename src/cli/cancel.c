/* SPDX-License-Identifier: MIT */
/* `fuyao cancel`: end jobs, or send running ones a signal. */
#include "cli/cancel.h"

#include "cli/cmd.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: fuyao cancel [-s SIGNAL] JOB...\n"
    "       fuyao cancel [-s SIGNAL] [--user NAME] [--name NAME] [--tenant NAME]\n"
    "End jobs: a running one gets its checkpoint signal or TERM, and KILL after its grace.\n\n"
    "  -s, --signal NAME   send this to running jobs and end none\n"
    "  --socket PATH\n";

static int touch(cli_client *client, const cli_cancel *what, int64_t id)
{
    char path[96];
    json_t *body = NULL;
    int code;

    snprintf(path, sizeof path, "/v1/jobs/%lld/%s", (long long)id,
             what->signal != NULL ? "signal" : "cancel");
    if (what->signal != NULL) {
        body = json_object();
        json_object_set_new(body, "signal", json_string(what->signal));
    }
    code = cli_post(client, path, body, NULL);
    json_decref(body);
    return code;
}

static int touch_chosen(cli_client *client, const cli_cancel *what)
{
    json_t *answer = NULL;
    const json_t *jobs;
    int worst = cli_queue_get(client, &what->filter, &answer);

    jobs = json_object_get(answer, "jobs");
    for (size_t i = 0; i < json_array_size(jobs) && worst < CLI_ENVIRONMENT; i++) {
        int code = touch(client, what, cli_int_of(json_array_get(jobs, i), "id", -1));

        worst = code > worst ? code : worst;
    }
    json_decref(answer);
    return worst;
}

int cli_cancel_jobs(const cli_cancel *what)
{
    cli_client *client = NULL;
    int worst = 0;

    for (int i = 0; i < what->n_ids; i++) { /* all of them, before the first is touched */
        int64_t id;

        worst = cli_read_id("cancel", what->ids[i], &id);
        if (worst != 0) {
            return worst;
        }
    }
    worst = cli_client_open(&client, what->socket, what->program);
    if (worst == 0 && what->chosen) {
        worst = touch_chosen(client, what);
    }
    for (int i = 0; i < what->n_ids && worst < CLI_ENVIRONMENT; i++) {
        int64_t id;
        int code = cli_read_id("cancel", what->ids[i], &id);

        code = code == 0 ? touch(client, what, id) : code;
        worst = code > worst ? code : worst;
    }
    cli_client_close(client);
    return worst;
}

int cmd_cancel(int argc, char **argv)
{
    static const struct option options[] = {{"signal", required_argument, NULL, 's'},
                                            {"user", required_argument, NULL, 'u'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"tenant", required_argument, NULL, 'A'},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_cancel what = {.program = "fuyao"};
    int code = 0, opt;

    while ((opt = cli_next_option(argc, argv, ":hs:u:n:A:", options, usage, &common, &code)) >= 0) {
        if (opt == 's') {
            what.signal = optarg;
        } else {
            what.chosen = true;
            *(opt == 'u'   ? &what.filter.user
              : opt == 'n' ? &what.filter.name
                           : &what.filter.tenant) = optarg;
        }
    }
    if (opt == -2) {
        return code;
    }
    what.ids = argv + optind;
    what.n_ids = argc - optind;
    what.socket = common.socket;
    if (what.n_ids == 0 && !what.chosen) {
        return cli_fail(CLI_USAGE, "cancel: name a job; `fuyao queue` lists them");
    }
    if (what.n_ids > 0 && what.chosen) {
        return cli_fail(CLI_USAGE, "cancel: name jobs, or --user, --name and --tenant, not both");
    }
    return cli_cancel_jobs(&what);
}
