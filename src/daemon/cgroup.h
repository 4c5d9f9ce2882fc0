/* SPDX-License-Identifier: MIT */
/*
 * Control groups, version 2: one a run, below the daemon's own, where the kernel and who started
 * the daemon permit it (systemd: Delegate=yes). Limits what the run takes together, and kills all
 * of it at once. What is not permitted is said, once, and not missed.
 */
#ifndef FUYAO_DAEMON_CGROUP_H
#define FUYAO_DAEMON_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct fy_cgroups {
    char *runs;             /* folder in which a run's group is made; NULL = none; owned */
    bool memory, pids, cpu; /* controllers that limit there */
    char why[240];          /* one line: what is limited, or why nothing is */
} fy_cgroups;

/*
 * Find and prepare. Moves this process into a group `daemon` of its own, because only the leaves of
 * the tree hold processes.
 *   mount   where version 2 is mounted; NULL = find it (tests name a folder of their own)
 *   own     path of this process's group below it; NULL = as /proc/self/cgroup says
 * Never fails: where there is no way, out->runs is NULL and out->why says why.
 */
void fy_cgroups_open(fy_cgroups *out, const char *mount, const char *own);
void fy_cgroups_close(fy_cgroups *groups);

/* A run's group: make it and set what is limited (0 = not). What cannot be limited is passed over:
 * `why` has said so. */
bool fy_cgroup_make(const char *folder, int64_t memory_mib, int64_t max_processes,
                    int64_t cpu_milli);
bool fy_cgroup_join(const char *folder); /* this process enters */
/* A child that is born in the group and calls child(ctx), which must end in exec or _exit; as after
 * vfork it may share memory with its parent, which goes on only then. A process that enters later
 * (fy_cgroup_join) has to be moved, for which the kernel first waits until all processors have
 * passed a quiet point: some ten milliseconds. Its pid, or -1: not possible that way. */
pid_t fy_cgroup_fork(const char *folder, void (*child)(void *ctx), void *ctx);
bool fy_cgroup_kill(const char *folder); /* everything in it; false: not possible that way */
void fy_cgroup_remove(const char *folder);

#endif
