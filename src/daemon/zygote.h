/* SPDX-License-Identifier: MIT */
/*
 * The zygote: a small process, forked before the daemon opens or grows anything, that forks the
 * shims. A fork costs what the forker has mapped, so it is cheap from here and dear from a daemon
 * with a large fleet in memory. It talks over a socket pair with descriptors, starts what is
 * handed to it, and ends with the daemon; shims are nobody's children then.
 */
#ifndef FUYAO_DAEMON_ZYGOTE_H
#define FUYAO_DAEMON_ZYGOTE_H

#include "fuyao/error.h"

#include <sys/types.h>

typedef struct fy_zygote {
    int socket; /* -1 = none */
    pid_t pid;
} fy_zygote;

/* Errors: FY_EIO. */
int fy_zygote_open(fy_zygote *zygote, fy_err *err) FY_NODISCARD;
void fy_zygote_close(fy_zygote *zygote);

/*
 * Have a shim started for the run whose file, folder and order these descriptors are; they stay
 * the caller's. A zygote that has died is forked anew. Errors: FY_EIO (busy, or out of processes:
 * ask again).
 */
int fy_zygote_start(fy_zygote *zygote, int run, int folder, int order, fy_err *err) FY_NODISCARD;

#endif
