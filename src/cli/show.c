/* SPDX-License-Identifier: MIT */
/* `fuyao show`: everything about one job. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: fuyao show JOB [--json] [--socket PATH]\n"
                            "Everything about one job: what it asks for, where it runs, its "
                            "attempts, what was lost.\n";

static void line(const char *name, const char *text)
{
    char shown[1000];

    if (text != NULL) {
        printf("%-12s %s\n", name, cli_shown(shown, sizeof shown, text));
    }
}

static void instant(const json_t *job, const char *name, const char *key)
{
    char text[CLI_CLOCK];

    if (cli_number_of(job, key) > 0) {
        line(name, cli_date(text, cli_number_of(job, key)));
    }
}

static void print_places(const json_t *job)
{
    const json_t *nodes = json_object_get(job, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i), *devices = json_object_get(node, "devices");
        char shown[200];

        printf("%-12s %s", i == 0 ? "nodes" : "",
               cli_shown(shown, sizeof shown, cli_text_of(node, "node")));
        for (size_t k = 0; k < json_array_size(devices); k++) {
            printf("%s%lld", k == 0 ? ": devices " : ",",
                   (long long)json_integer_value(json_array_get(devices, k)));
        }
        putchar('\n');
    }
}

static void print_attempts(const json_t *job)
{
    const json_t *list = json_object_get(job, "attempts");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *a = json_array_get(list, i);
        char from[CLI_CLOCK], span[CLI_CLOCK], chip[100], how[100];
        double lost = cli_number_of(a, "lost_device_s");
        double s = cli_number_of(a, "ended_s") - cli_number_of(a, "started_s");

        printf("attempt %-4lld %s for %s on %s: %s", (long long)cli_int_of(a, "attempt", 0),
               cli_date(from, cli_number_of(a, "started_s")), cli_clock(span, s),
               cli_shown(chip, sizeof chip, cli_text_of(a, "chip")),
               cli_shown(how, sizeof how, cli_text_of(a, "how")));
        if (cli_int_of(a, "exit", 0) != 0) {
            printf(", exit %lld", (long long)cli_int_of(a, "exit", 0));
        }
        if (cli_int_of(a, "signal", 0) != 0) {
            printf(", signal %lld", (long long)cli_int_of(a, "signal", 0));
        }
        if (lost > 0) {
            printf(", %.4g device-seconds lost, charged to nobody", lost);
        }
        putchar('\n');
    }
}

static void print_work(const json_t *job)
{
    double work = cli_number_of(job, "work"), done = cli_number_of(job, "done");

    if (work > 0 && !isnan(done)) {
        printf("%-12s %.6g of %.6g (%.1f %%)\n", "work", done, work, 100 * done / work);
    }
}

static void print_end(const json_t *job)
{
    const json_t *end = json_object_get(job, "end");

    if (cli_int_of(end, "signal", 0) != 0) {
        printf("%-12s by signal %lld\n", "ended", (long long)cli_int_of(end, "signal", 0));
    } else if (json_is_integer(json_object_get(end, "exit"))) {
        printf("%-12s with exit status %lld\n", "ended", (long long)cli_int_of(end, "exit", 0));
    }
    line("", cli_text_of(end, "text"));
}

static void print_job(const json_t *job)
{
    const json_t *what = json_object_get(job, "submission");

    cli_say_virtual(job);
    printf("%-12s %lld\n", "job", (long long)cli_int_of(job, "id", -1));
    line("name", cli_text_of(job, "name"));
    line("tenant", cli_text_of(job, "tenant"));
    line("user", cli_text_of(job, "user"));
    line("state", cli_text_of(job, "state"));
    line("why", cli_text_of(job, "why"));
    line("stopping", cli_text_of(job, "stopping"));
    line("note", cli_text_of(job, "note"));
    line("priority", cli_text_of(job, "priority"));
    printf("%-12s %lld, %lld devices\n", "workers", (long long)cli_int_of(job, "workers", 1),
           (long long)cli_int_of(job, "devices", 0));
    line("chip", cli_text_of(job, "chip"));
    print_places(job);
    line("workload", cli_text_of(what, "workload"));
    print_work(job);
    instant(job, "submitted", "submitted_s");
    instant(job, "started", "started_s");
    instant(job, "expected end", "expected_end_s");
    instant(job, "ended", "ended_s");
    print_end(job);
    line("folder", cli_text_of(what, "workdir"));
    line("output", cli_text_of(job, "output"));
    line("comment", cli_text_of(what, "comment"));
    print_attempts(job);
}

int cmd_show(int argc, char **argv)
{
    static const struct option options[] = {CLI_COMMON_OPTIONS};
    cli_common common = {0};
    cli_client *client = NULL;
    json_t *job = NULL;
    int64_t id;
    char path[64];
    int code = 0;

    if (cli_next_option(argc, argv, ":h", options, usage, &common, &code) == -2) {
        return code;
    }
    if (optind + 1 != argc) {
        return cli_fail(CLI_USAGE, "show: name one job; `fuyao queue` lists them");
    }
    code = cli_read_id("show", argv[optind], &id);
    if (code != 0) {
        return code;
    }
    snprintf(path, sizeof path, "/v1/jobs/%lld", (long long)id);
    code = cli_client_open(&client, common.socket, "fuyao");
    if (code == 0) {
        code = cli_get(client, path, &job);
    }
    if (code == 0 && common.json) {
        cli_print_json(job);
    } else if (code == 0) {
        print_job(job);
    }
    json_decref(job);
    cli_client_close(client);
    return code;
}
