/* SPDX-License-Identifier: MIT */
/* Ending jobs or sending them a signal, for `fuyao cancel` and scancel. */
#ifndef FUYAO_CLI_CANCEL_H
#define FUYAO_CLI_CANCEL_H

#include "cli/queue.h"

typedef struct cli_cancel {
    const char *program; /* before messages */
    const char *socket;
    const char *signal;      /* NULL: cancel */
    cli_queue_filter filter; /* which jobs, where `chosen` */
    bool chosen;             /* by the filter; the ids named narrow it no further */
    char *const *ids;        /* [n_ids] */
    int n_ids;
} cli_cancel;

/* Returns the worst exit code of all. */
int cli_cancel_jobs(const cli_cancel *what);

#endif
