/* SPDX-License-Identifier: MIT */
/* `fuyao queue`: jobs that have not ended, or those that were asked for. */
#include "cli/queue.h"

#include "cli/cmd.h"
#include "cli/table.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] = "usage: fuyao queue [OPTION...]\n"
                            "Jobs that wait or run.\n\n"
                            "  --tenant NAME, --user NAME, --name NAME    only these\n"
                            "  --state S[,S...]   blocked held waiting starting running stopping; "
                            "finished failed cancelled\n"
                            "                     timeout show what has ended\n"
                            "  -a, --all          all states\n"
                            "  -i, --watch S      again every S seconds\n"
                            "  --json, --socket PATH\n";

int cli_queue_get(cli_client *client, const cli_queue_filter *filter, json_t **answer)
{
    int64_t after = 0;
    int code;

    *answer = NULL;
    do {
        fy_str url = {0};
        json_t *page = NULL;

        fy_str_puts(&url, "/v1/jobs");
        cli_query(&url, "tenant", filter->tenant);
        cli_query(&url, "user", filter->user);
        cli_query(&url, "name", filter->name);
        cli_query(&url, "state", filter->states);
        cli_query(&url, "full", filter->full ? "1" : NULL);
        if (after > 0) {
            char digits[24];

            snprintf(digits, sizeof digits, "%lld", (long long)after);
            cli_query(&url, "after", digits);
        }
        code = cli_get(client, url.text, &page);
        fy_str_free(&url);
        if (code != 0) {
            json_decref(*answer);
            *answer = NULL;
            return code;
        }
        int64_t next = cli_int_of(page, "next", -1);
        after = next > after ? next : -1;
        if (*answer == NULL) {
            *answer = page;
        } else {
            json_array_extend(json_object_get(*answer, "jobs"), json_object_get(page, "jobs"));
            json_decref(page);
        }
    } while (after > 0);
    json_object_del(*answer, "next");
    return 0;
}

/* "4x8", a share such as 0.25, or "-" without devices. */
static void put_size(cli_table *table, const json_t *job)
{
    int64_t workers = cli_int_of(job, "workers", 1), devices = cli_int_of(job, "devices", 0);
    double share = cli_number_of(job, "share");

    if (share > 0) {
        cli_table_cell(table, "%.4g", share);
    } else if (devices == 0) {
        cli_table_cell(table, "-");
    } else if (workers > 1 && devices % workers == 0) {
        cli_table_cell(table, "%lldx%lld", (long long)workers, (long long)(devices / workers));
    } else {
        cli_table_cell(table, "%lld", (long long)devices);
    }
}

static void put_row(cli_table *table, const json_t *job, double now_s)
{
    char text[CLI_CLOCK], shown[200];
    double started = cli_number_of(job, "started_s"), ended = cli_number_of(job, "ended_s");
    double first = cli_number_of(job, "first_started_s");
    int64_t nodes = cli_int_of(job, "n_nodes", 0);
    const char *node = cli_text_of(job, "node"), *reason = cli_text_of(job, "reason");

    cli_table_row(table);
    cli_table_cell(table, "%lld", (long long)cli_int_of(job, "id", -1));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(job, "name")));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(job, "tenant")));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(job, "user")));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(job, "state")));
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(job, "priority")));
    put_size(table, job);
    cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, cli_text_of(job, "chip")));
    cli_table_cell(table, "%s", cli_clock(text, isnan(ended) ? now_s - started : ended - first));
    if (node != NULL && nodes > 1) {
        cli_table_cell(table, "%s and %lld more", cli_shown(shown, sizeof shown, node),
                       (long long)(nodes - 1));
    } else {
        cli_table_cell(table, "%s", cli_shown(shown, sizeof shown, node != NULL ? node : reason));
    }
}

static void print_queue(const json_t *answer)
{
    cli_table *table = cli_table_new();
    const json_t *jobs = json_object_get(answer, "jobs");

    cli_say_virtual(answer);
    cli_table_column(table, "ID", CLI_RIGHT);
    cli_table_column(table, "NAME", CLI_LEFT);
    cli_table_column(table, "TENANT", CLI_LEFT);
    cli_table_column(table, "USER", CLI_LEFT);
    cli_table_column(table, "STATE", CLI_LEFT);
    cli_table_column(table, "PRIORITY", CLI_LEFT);
    cli_table_column(table, "DEVICES", CLI_RIGHT);
    cli_table_column(table, "CHIP", CLI_LEFT);
    cli_table_column(table, "TIME", CLI_RIGHT);
    cli_table_column(table, "NODE or REASON", CLI_LEFT);
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        put_row(table, json_array_get(jobs, i), cli_number_of(answer, "now_s"));
    }
    cli_table_print(table);
}

static const char all_states[] = "blocked,held,waiting,starting,running,stopping,finished,failed,"
                                 "cancelled,timeout";

static int read_seconds(const char *text, int64_t *s)
{
    return cli_read_id("queue", text, s) != 0 || *s < 1 || *s > 86400
               ? cli_fail(CLI_USAGE, "queue: --watch wants seconds, 1 to 86400")
               : 0;
}

static int look(cli_client *client, const cli_queue_filter *filter, bool json)
{
    json_t *answer = NULL;
    int code = cli_queue_get(client, filter, &answer);

    if (code == 0 && json) {
        cli_print_json(answer);
    } else if (code == 0) {
        print_queue(answer);
    }
    json_decref(answer);
    return code;
}

int cmd_queue(int argc, char **argv)
{
    static const struct option options[] = {{"tenant", required_argument, NULL, 1},
                                            {"user", required_argument, NULL, 'u'},
                                            {"name", required_argument, NULL, 2},
                                            {"state", required_argument, NULL, 's'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"watch", required_argument, NULL, 'i'},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_queue_filter filter = {0};
    cli_client *client = NULL;
    int64_t watch_s = 0;
    int code = 0, opt;

    while (code == 0 &&
           (opt = cli_next_option(argc, argv, ":hau:s:i:", options, usage, &common, &code)) >= 0) {
        if (opt == 1) {
            filter.tenant = optarg;
        } else if (opt == 2) {
            filter.name = optarg;
        } else if (opt == 'u') {
            filter.user = optarg;
        } else if (opt == 's') {
            filter.states = optarg;
        } else if (opt == 'a') {
            filter.states = all_states;
        } else {
            code = read_seconds(optarg, &watch_s);
        }
    }
    if (code != 0 || opt == -2) {
        return code;
    }
    if (optind < argc) {
        return cli_fail(CLI_USAGE, "queue: unexpected argument %.60s; `fuyao queue --help`",
                        argv[optind]);
    }
    code = cli_client_open(&client, common.socket, "fuyao");
    while (code == 0) {
        code = look(client, &filter, common.json);
        if (watch_s == 0 || code != 0) {
            break;
        }
        putchar('\n');
        (void)fflush(stdout);
        nanosleep(&(struct timespec){.tv_sec = watch_s}, NULL);
        code = ferror(stdout) ? CLI_ENVIRONMENT : 0;
    }
    cli_client_close(client);
    return code;
}
