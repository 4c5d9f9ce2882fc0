/* SPDX-License-Identifier: MIT */
/* `fuyao backup`: a copy of a daemon's state, whether it runs or not. */
#include "cli/cmd.h"
#include "daemon/store.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: fuyao backup STATE TO\n"
    "Copy the state folder STATE, also while `fuyao serve` works in it, to TO, which must not be "
    "there.\n"
    "The copy is whole and on the disk when the command returns; it is a state folder itself.\n";

int cmd_backup(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    fy_err err = {0};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return CLI_OK;
        }
        return cli_fail(CLI_USAGE, "backup: no option %.60s; `fuyao backup --help` tells more",
                        argv[optind - 1]);
    }
    if (optind != argc - 2) {
        return cli_fail(CLI_USAGE, "backup: name the state folder and the folder to make");
    }
    return fy_store_backup(argv[optind], argv[optind + 1], &err) == 0 ? CLI_OK : cli_fail_err(&err);
}
