/* SPDX-License-Identifier: MIT */
/* Rows of the queue as /v1/jobs answers them, for `fuyao queue`, squeue and scancel. */
#ifndef FUYAO_CLI_QUEUE_H
#define FUYAO_CLI_QUEUE_H

#include "cli/client.h"

typedef struct cli_queue_filter {
    const char *tenant, *user, *name, *states; /* NULL = all */
    bool full;
} cli_queue_filter;

/*
 * All pages: *answer is that of the first with the jobs of all, owned by the caller. Returns 0 or
 * an exit code after printing why.
 */
int cli_queue_get(cli_client *client, const cli_queue_filter *filter, json_t **answer) FY_NODISCARD;

#endif
