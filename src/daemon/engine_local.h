/* SPDX-License-Identifier: MIT */
/*
 * The local engine: runs are processes of this machine, each under a shim that outlives the
 * daemon. It keeps nothing in memory that it could not read again: what is true stands in
 *
 *     STATE/run/JOB.ATTEMPT/   run (the shim's record, locked while it lives), script, progress
 *     STATE/hints              a FIFO through which shims say where to look; may lose, never lie
 *
 * so an engine that is opened after the death of another one finds all runs as they are. Only one
 * process at a time may have it open on a state folder (the store's lock sees to that).
 */
#ifndef FUYAO_DAEMON_ENGINE_LOCAL_H
#define FUYAO_DAEMON_ENGINE_LOCAL_H

#include "daemon/engine.h"

typedef struct fy_local_options {
    const char *state;        /* folder, absolute; is made where it is missing */
    const char *const *nodes; /* [n_nodes] names that this machine goes by */
    int n_nodes;
    bool no_cgroups;
    bool read_power;       /* of this machine's GPUs, where NVML is there: not of virtual devices */
    int64_t max_processes; /* of a run; without control groups: of all a user's runs; 0 = none */
    int64_t max_file_bytes; /* of each file that a run writes, its output too; 0 = none */
} fy_local_options;

fy_local_options fy_local_defaults(void); /* 4,096 processes, no limit on files */

/*
 * Open, and fork the zygote: from the main thread, best before the process has grown.
 * Errors: FY_EIO, FY_EINVAL (a state folder that is not absolute).
 */
int fy_local_open(fy_engine **out, const fy_local_options *options, fy_err *err) FY_NODISCARD;

/* What separates runs from each other here, in one or two sentences; borrowed. */
const char *fy_local_isolation(const fy_engine *engine);

#endif
