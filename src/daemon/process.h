/* SPDX-License-Identifier: MIT */
/*
 * Processes of this machine as /proc shows them. A process is known by pid, start time and boot
 * id, never by its pid alone: signals go through a pidfd that was checked after it was opened, so
 * that no signal ever reaches a process that got a dead one's number.
 */
#ifndef FUYAO_DAEMON_PROCESS_H
#define FUYAO_DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct fy_process {
    pid_t pid, parent, session;
    char state;     /* R S D Z T t X ... */
    uint64_t start; /* clock ticks after boot */
} fy_process;

enum { FY_BOOT_ID = 37 }; /* room for a boot id and its NUL */

/* This boot's id; "" where the kernel does not tell. */
void fy_boot_id(char out[FY_BOOT_ID]);

/* Read the text of /proc/PID/stat strictly; false: malformed. The name in it may hold anything. */
bool fy_process_parse(const char *text, size_t len, fy_process *out);

/* false: there is no such process. */
bool fy_process_read(pid_t pid, fy_process *out);

/* A pidfd of the process with that pid and start time, or -1. Owned by the caller. */
int fy_process_open(pid_t pid, uint64_t start);

/* Send a signal to the process with that pid and start time; false: there is none, or not ours. */
bool fy_process_signal(pid_t pid, uint64_t start, int signo);
/* The same as sigqueue does, with a value. */
bool fy_process_queue(pid_t pid, uint64_t start, int signo, int value);

/* All processes in order of their pids: *out has to be freed. Returns how many. */
size_t fy_process_all(fy_process **out);

/* Keep of `all` [n] those that descend from `root` (not itself) and are no zombies; returns how
 * many, in the same array. */
size_t fy_process_below(fy_process *all, size_t n, pid_t root);

/* Whether the environment that a process was started with has `entry` (NAME=VALUE). */
bool fy_process_has(pid_t pid, const char *entry);

#endif
