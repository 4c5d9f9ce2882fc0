/* SPDX-License-Identifier: MIT */
/*
 * The shim: one small process a run, forked by the zygote, that outlives the daemon. It holds the
 * run's lock, starts the job, waits for it, kills what the job leaves behind, and writes down how
 * it ended. It decides nothing and knows no daemon: what it is asked for comes as one real-time
 * signal with a value, what it tells is the run's record, and a hint into the FIFO STATE/hints.
 *
 *     zygote ─fork─► shim ─fork─► job (drops privileges, opens files, exec)
 *                      └── subreaper: whatever the job starts is below it, for ever
 */
#ifndef FUYAO_DAEMON_SHIM_H
#define FUYAO_DAEMON_SHIM_H

#include "daemon/order.h"

#include <signal.h>

/* The value of the signal FY_SHIM_CONTROL: a signal's number, and what to do with it. */
enum {
    FY_SHIM_SCRIPT = 1 << 8, /* only to the processes that the shim started */
    FY_SHIM_KILL = 1 << 9    /* kill everything */
};
#define FY_SHIM_CONTROL (SIGRTMIN + 5)

/*
 * Be the shim of an order [len] until its run has ended; does not return.
 *   run      the run's file, open for appending, locked
 *   folder   the run's folder
 */
_Noreturn void fy_shim_main(int run, int folder, const char *bytes, size_t len);

/*
 * Become the worker `worker` of an order. Called in the child of the shim; what fails is written
 * to `errors` as one line and the process ends.
 *   inside it is in its control group already
 *   shim   the shim's pid: with it dies its child
 */
_Noreturn void fy_shim_exec(const fy_order *order, int worker, bool inside, int errors, pid_t shim);

#endif
