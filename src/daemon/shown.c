/* SPDX-License-Identifier: MIT */
/* The words for a job's state that people and JSON see. */
#include "daemon/ctl.h"

const char *fy_shown_name(fy_shown_state state)
{
    static const char *const names[FY_N_SHOWN] = {
        [FY_SHOWN_BLOCKED] = "blocked",     [FY_SHOWN_HELD] = "held",
        [FY_SHOWN_WAITING] = "waiting",     [FY_SHOWN_STARTING] = "starting",
        [FY_SHOWN_RUNNING] = "running",     [FY_SHOWN_STOPPING] = "stopping",
        [FY_SHOWN_FINISHED] = "finished",   [FY_SHOWN_FAILED] = "failed",
        [FY_SHOWN_CANCELLED] = "cancelled", [FY_SHOWN_TIMEOUT] = "timeout",
    };

    return (unsigned)state < FY_N_SHOWN ? names[state] : "unknown";
}
