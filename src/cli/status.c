/* SPDX-License-Identifier: MIT */
/* `fuyao status`: the daemon itself. */
#include "cli/client.h"
#include "cli/cmd.h"

#include <math.h>
#include <stdio.h>

static const char usage[] = "usage: fuyao status [--json] [--socket PATH]\n"
                            "The daemon: policy, engine, whether it accepts jobs, its queue and "
                            "chips.\n";

static void print_status(const json_t *s)
{
    const json_t *chips = json_object_get(s, "chips");
    char shown[300], other[300];

    cli_say_virtual(s);
    printf("policy   %s, placement %s\n", cli_shown(shown, sizeof shown, cli_text_of(s, "policy")),
           cli_shown(other, sizeof other, cli_text_of(s, "placement")));
    printf("engine   %s, %s", cli_shown(shown, sizeof shown, cli_text_of(s, "engine")),
           cli_flag_of(s, "engine_answers") ? "answers" : "does not answer");
    if (cli_text_of(s, "engine_why") != NULL) {
        printf(": %s", cli_shown(shown, sizeof shown, cli_text_of(s, "engine_why")));
    }
    printf("\njobs     %lld waiting, %lld running; new ones are %s\n",
           (long long)cli_int_of(s, "waiting", 0), (long long)cli_int_of(s, "running", 0),
           cli_flag_of(s, "accepting") ? "accepted" : "refused: the disk is nearly full");
    if (!isnan(cli_number_of(s, "power_cap_w"))) {
        printf("power    at most %.4g kW for the devices\n",
               cli_number_of(s, "power_cap_w") / 1000);
    }
    printf("journal  %lld events\n", (long long)cli_int_of(s, "events", 0));
    if (cli_text_of(s, "warning") != NULL) {
        printf("warning  %s\n", cli_shown(shown, sizeof shown, cli_text_of(s, "warning")));
    }
    printf("nodes    %lld\n", (long long)cli_int_of(s, "nodes", 0));
    for (size_t i = 0; i < json_array_size(chips); i++) {
        const json_t *c = json_array_get(chips, i);

        printf("%-8s %s: %lld devices, %lld up, %.4g held\n", i == 0 ? "chips" : "",
               cli_shown(shown, sizeof shown, cli_text_of(c, "chip")),
               (long long)cli_int_of(c, "devices", 0), (long long)cli_int_of(c, "up", 0),
               cli_number_of(c, "held"));
    }
}

int cmd_status(int argc, char **argv)
{
    return cli_view("status", "/v1/status", usage, print_status, argc, argv);
}
