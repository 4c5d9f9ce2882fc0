/* SPDX-License-Identifier: MIT */
/*
 * Why a job waits, when it is expected to start, and what single change would start it now. All of
 * it is found on copies of the fleet and its policy: nothing here changes them.
 */
#ifndef FUYAO_EXPLAIN_H
#define FUYAO_EXPLAIN_H

#include "fuyao/sched.h"

/* ------------------------------------------------------------------ looking ahead */

typedef enum fy_ahead_what {
    FY_AHEAD_STARTS, /* at start_us, on `chip` */
    FY_AHEAD_LATER,  /* not by start_us, which is as far as was looked */
    FY_AHEAD_NEVER,  /* everything that can end by itself has ended, and it has not started */
} fy_ahead_what;

typedef struct fy_ahead {
    fy_ahead_what what;
    int64_t start_us;
    int chip, workers; /* -1 where it does not start; spares included */
    int steps;         /* instants looked at */
} fy_ahead;

/*
 * Let the policy run ahead from `now_us` until waiting job `id` starts, nothing more happens, or
 * `most_steps` instants have been looked at. What runs ends when its work is done at its present
 * rate, or at its time limit; a service never ends; reservations of nodes end when they say;
 * nothing arrives, nothing fails, and nobody is released. Errors: FY_ENOENT (no such job),
 * FY_EINVAL (it does not wait; the policy's decision was refused).
 */
int fy_ahead_start(fy_ahead *out, const fy_sched *sched, int64_t now_us, int64_t id, int most_steps,
                   fy_err *err) FY_NODISCARD;

#endif
