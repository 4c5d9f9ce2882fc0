/* SPDX-License-Identifier: MIT */
/*
 * A trial: a copy of a fleet and its policy on which things are tried out. Engines answer at once,
 * as in the simulator: what is started runs, what is stopped is gone, and what was not saved in a
 * checkpoint is lost.
 *
 * A pass is what happens at one instant when the policy is let decide: round after round until it
 * stops nobody any more. Nothing is decided for its sake that would not be decided then: a policy
 * that looks at the whole fleet once in a period looks only if that is due.
 */
#ifndef FUYAO_SCHED_TRIAL_H
#define FUYAO_SCHED_TRIAL_H

#include "base/heap.h"
#include "base/str.h"
#include "fleet/state.h"
#include "fuyao/sched.h"

/* Bytes of a fleet and its policy from which trials are made. Freed with fy_trial_free_bytes. */
typedef struct fy_trial_bytes {
    const fy_sched *like;
    fy_str fleet, sched;
} fy_trial_bytes;

typedef struct fy_trial_answer {
    int64_t job;
    int32_t attempt;
    bool start;
} fy_trial_answer;

typedef struct fy_trial {
    fy_fleet *fleet;
    fy_sched *sched;
    fy_heap ends; /* of what runs, by instant: its work done, or at its time limit */
    fy_heap_pos pos;
    fy_trial_answer *answers;
    size_t n_answers, answers_room;
    bool dirty;            /* something has happened since the last pass */
    int64_t watch;         /* the job of interest */
    bool started;          /* it has been started ... */
    int32_t chip, workers; /* ... there, spares included */
} fy_trial;

void fy_trial_take(fy_trial_bytes *bytes, const fy_sched *sched);
void fy_trial_free_bytes(fy_trial_bytes *bytes);

/*
 * A copy that watches job `watch`, which asks for `rec` instead of its own record where that is not
 * NULL (it must wait). What is starting or stopping is answered. Errors: FY_EINVAL for a record
 * that makes no sense, FY_EPARSE never with bytes just taken.
 */
int fy_trial_open(fy_trial *trial, const fy_trial_bytes *bytes, int64_t now_us, int64_t watch,
                  const fy_job_record *rec, fy_err *err) FY_NODISCARD;
void fy_trial_close(fy_trial *trial);

/* An event of the given kind about nothing, at the trial's instant. */
fy_event fy_trial_event(const fy_trial *trial, fy_event_kind kind);

/* Apply an event and tell the policy. An fy_event_fn. */
int fy_trial_emit(void *trial, const fy_event *event, fy_err *err) FY_NODISCARD;

/* One pass at the trial's instant. Errors: FY_EINVAL where the policy's decision is refused, or it
 * stops jobs without end. */
int fy_trial_pass(fy_trial *trial, fy_err *err) FY_NODISCARD;

/* Let time go on to the next instant at which anything happens, and let it happen, pass included.
 * Returns 1, 0 where nothing will ever happen, or a negative code. */
int fy_trial_step(fy_trial *trial, fy_err *err) FY_NODISCARD;

/* fy_ahead_start from bytes that are taken already (ahead.c). */
struct fy_ahead;
int fy_ahead_of(struct fy_ahead *out, const fy_trial_bytes *bytes, int64_t now_us, int64_t id,
                int most_steps, fy_err *err) FY_NODISCARD;

#endif
