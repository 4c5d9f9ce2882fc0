/* SPDX-License-Identifier: MIT */
/* `fuyao drain`, `resume` and `reserve`: what operators do with nodes. */
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/job.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char drain_usage[] =
    "usage: fuyao drain --reason TEXT NODE... [--socket PATH]\n"
    "Start nothing new on the nodes; what runs there goes on. Everybody sees the reason.\n";
static const char resume_usage[] = "usage: fuyao resume NODE... [--socket PATH]\n"
                                   "Use drained nodes again.\n";
static const char reserve_usage[] =
    "usage: fuyao reserve --tenant NAME --from WHEN --to WHEN NODE... [--socket PATH]\n"
    "Keep nodes for a tenant. WHEN is 2026-12-01T08:00, with Z for UTC, or +2h from now.\n";

/* Post the same body to each node named; `body` is transferred. */
static int post_nodes(const char *verb, json_t *body, const cli_common *common, int argc,
                      char **argv)
{
    cli_client *client = NULL;
    int worst = cli_client_open(&client, common->socket, "fuyao");

    for (int i = optind; i < argc && worst < CLI_ENVIRONMENT; i++) {
        fy_str path = {0};
        int code;

        fy_str_puts(&path, "/v1/nodes/");
        cli_escape(&path, argv[i]);
        fy_str_printf(&path, "/%s", verb);
        code = cli_post(client, path.text, body, NULL);
        worst = code > worst ? code : worst;
        fy_str_free(&path);
    }
    json_decref(body);
    cli_client_close(client);
    return worst;
}

static int nobody_named(const char *verb)
{
    return cli_fail(CLI_USAGE, "%s: name a node; `fuyao nodes` lists them", verb);
}

int cmd_drain(int argc, char **argv)
{
    static const struct option options[] = {{"reason", required_argument, NULL, 'r'},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    const char *reason = NULL;
    json_t *body;
    int code = 0, opt;

    while ((opt = cli_next_option(argc, argv, ":hr:", options, drain_usage, &common, &code)) >= 0) {
        reason = optarg;
    }
    if (opt == -2) {
        return code;
    }
    if (reason == NULL || reason[0] == '\0') {
        return cli_fail(CLI_USAGE, "drain: --reason TEXT is needed; others will read it");
    }
    if (optind == argc) {
        return nobody_named("drain");
    }
    body = json_object();
    json_object_set_new(body, "reason", json_string(reason));
    return post_nodes("drain", body, &common, argc, argv);
}

int cmd_resume(int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    int code = 0;

    if (cli_next_option(argc, argv, ":h", options, resume_usage, &common, &code) == -2) {
        return code;
    }
    return optind == argc ? nobody_named("resume")
                          : post_nodes("resume", json_object(), &common, argc, argv);
}

static int read_when(const char *option, const char *text, int64_t *us)
{
    struct timespec now;
    fy_err err = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    if (cli_read_instant(text, (int64_t)now.tv_sec * 1000000, us, &err) != 0) {
        return cli_fail(CLI_USAGE, "reserve: --%s: %s", option, err.text);
    }
    return 0;
}

int cmd_reserve(int argc, char **argv)
{
    static const struct option options[] = {{"tenant", required_argument, NULL, 't'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 'u'},
                                            CLI_COMMON_OPTIONS};
    cli_common common = {0};
    const char *tenant = NULL;
    int64_t from = -1, to = -1;
    json_t *body;
    int code = 0, opt;

    while (code == 0 &&
           (opt = cli_next_option(argc, argv, ":h", options, reserve_usage, &common, &code)) >= 0) {
        if (opt == 't') {
            tenant = optarg;
        } else {
            code = read_when(opt == 'f' ? "from" : "to", optarg, opt == 'f' ? &from : &to);
        }
    }
    if (code != 0 || opt == -2) {
        return code;
    }
    if (tenant == NULL || from < 0 || to < 0) {
        return cli_fail(CLI_USAGE, "reserve: --tenant, --from and --to are needed");
    }
    if (optind == argc) {
        return nobody_named("reserve");
    }
    body = json_object();
    json_object_set_new(body, "tenant", json_string(tenant));
    json_object_set_new(body, "from_us", json_integer(from));
    json_object_set_new(body, "to_us", json_integer(to));
    return post_nodes("reserve", body, &common, argc, argv);
}
