/* SPDX-License-Identifier: MIT */
/*
 * One program of the site's at work: a process group of its own, its environment built by the
 * caller, standard input empty, what it prints read and all of it dropped but the first line. It is
 * killed with its group at its time limit. Nothing here waits.
 */
#ifndef FUYAO_DAEMON_HOOK_PROCESS_H
#define FUYAO_DAEMON_HOOK_PROCESS_H

#include "fuyao/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { FY_HOOK_LINE = 160 };

typedef struct fy_hook_process {
    pid_t pid;
    int ended, out;      /* pidfd and the pipe it prints to: readable where there is work */
    int64_t deadline_us; /* monotonic clock */
    int64_t limit_us;
    bool late, whole; /* killed at its limit; its first line is complete */
    size_t n;
    char line[FY_HOOK_LINE];
} fy_hook_process;

int64_t fy_hook_now_us(void); /* monotonic clock */

/* Start it. environment: NULL-ended. Errors: FY_EIO: it cannot be run. */
int fy_hook_start(fy_hook_process *p, const char *program, char *const environment[],
                  int64_t limit_us, fy_err *err) FY_NODISCARD;

/*
 * Read, look, and kill it where it is late. True: it is over and nothing of its group lives; *why
 * is then empty where it ended with status 0, else one line for people.
 */
bool fy_hook_poll(fy_hook_process *p, char why[FY_HOOK_LINE + 80]);

/* End it at once. */
void fy_hook_kill(fy_hook_process *p);

#endif
