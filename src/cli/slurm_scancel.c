/* SPDX-License-Identifier: MIT */
/* scancel: end jobs by id, array, user, name or tenant, or send them a signal. */
#include "base/arena.h"
#include "base/num.h"
#include "cli/cancel.h"
#include "cli/cmd.h"
#include "cli/slurm.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: scancel [-s SIGNAL] ID... | [-u USER] [--me] [-n NAME] [-A TENANT]\n"
    "End jobs, or send them a signal. The id of an array's first task ends all its tasks, ID_INDEX "
    "one.\n";

static const struct option known[] = {{"user", required_argument, NULL, 'u'},
                                      {"me", no_argument, NULL, 1},
                                      {"name", required_argument, NULL, 'n'},
                                      {"jobname", required_argument, NULL, 'n'},
                                      {"account", required_argument, NULL, 'A'},
                                      {"signal", required_argument, NULL, 's'},
                                      {"quiet", no_argument, NULL, 'Q'},
                                      {"full", no_argument, NULL, 'f'},
                                      {"batch", no_argument, NULL, 'b'},
                                      {"socket", required_argument, NULL, 4},
                                      {"help", no_argument, NULL, 5},
                                      {NULL, 0, NULL, 0}};

/* Ids of jobs as texts, each owned. */
typedef struct id_list {
    char **ids;
    size_t n, room;
} id_list;

static void add_id(id_list *list, int64_t id)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%lld", (long long)id);
    list->ids = fy_grow(list->ids, &list->room, list->n + 1, sizeof *list->ids);
    list->ids[list->n++] = strdup(digits);
}

/* What "17", "17_3" or "17_[0-4]" names among the jobs that have not ended. */
static int find_ids(const json_t *jobs, const char *text, id_list *list)
{
    size_t len = strcspn(text, "_"), before = list->n;
    int64_t id, index = -1;

    if (fy_num_int(text, len, 0, INT64_MAX, &id) != FY_NUM_OK ||
        (text[len] == '_' &&
         fy_num_int(text + len + 1, strlen(text + len + 1), 0, INT64_MAX, &index) != FY_NUM_OK)) {
        return slurm_fail("scancel", "Invalid job id %.40s", text);
    }
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        const json_t *job = json_array_get(jobs, i);

        if (cli_int_of(job, "array_of", -1) == id &&
            (index < 0 || cli_int_of(job, "array_index", -1) == index)) {
            add_id(list, cli_int_of(job, "id", -1));
        }
    }
    if (list->n == before && index < 0) {
        add_id(list, id); /* the daemon says what is wrong with it */
    } else if (list->n == before) {
        return slurm_fail("scancel", "Kill job error on job id %.40s: Invalid job id specified",
                          text);
    }
    return 0;
}

static int cancel_ids(cli_cancel *what, int n, char **texts)
{
    cli_client *client = NULL;
    cli_queue_filter all = {0};
    json_t *answer = NULL;
    id_list list = {0};
    int worst = cli_client_open(&client, what->socket, what->program);

    if (worst == 0) {
        worst = cli_queue_get(client, &all, &answer);
    }
    for (int i = 0; i < n && worst < CLI_ENVIRONMENT; i++) {
        int code = find_ids(json_object_get(answer, "jobs"), texts[i], &list);

        worst = code > worst ? code : worst;
    }
    json_decref(answer);
    cli_client_close(client);
    if (list.n > 0) {
        what->ids = list.ids;
        what->n_ids = (int)list.n;
        int code = cli_cancel_jobs(what);

        worst = code > worst ? code : worst;
    }
    for (size_t i = 0; i < list.n; i++) {
        free(list.ids[i]);
    }
    free(list.ids);
    return worst;
}

int slurm_scancel(int argc, char **argv)
{
    cli_cancel what = {.program = "scancel"};
    int opt, code;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, "u:n:A:s:Qfb", known, NULL)) != -1) {
        if (opt == 5) {
            fputs(usage, stdout);
            return 0;
        }
        if (opt == 's') {
            what.signal = optarg;
        } else if (opt == 4) {
            what.socket = optarg;
        } else if (opt == '?') {
            return slurm_fail("scancel", "unknown option %.60s", argv[optind - 1]);
        } else if (opt == 1 || opt == 'u') {
            const struct passwd *me = getpwuid(geteuid());

            what.filter.user = opt == 'u' ? optarg : me != NULL ? me->pw_name : "nobody";
            what.chosen = true;
        } else if (opt == 'n' || opt == 'A') {
            *(opt == 'n' ? &what.filter.name : &what.filter.tenant) = optarg;
            what.chosen = true;
        }
    }
    if (optind == argc && !what.chosen) {
        return slurm_fail("scancel", "No job identification provided");
    }
    if (optind < argc && what.chosen) { /* ids and a filter: Slurm takes both at once, we do not */
        return slurm_fail("scancel", "name jobs, or --user, --name and --account, not both");
    }
    code = optind < argc ? cancel_ids(&what, argc - optind, argv + optind) : cli_cancel_jobs(&what);
    return code != 0 ? 1 : 0;
}
