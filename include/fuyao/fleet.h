/* SPDX-License-Identifier: MIT */
/*
 * The fleet: nodes, devices, tenants and jobs as one state machine with one mutator.
 *
 * `fy_fleet_apply` is the only function that changes a fleet. It refuses an event that makes no
 * sense in the present state and then changes nothing. Progress, energy and attained service are
 * anchored at the last change of rate and integrated lazily, in integers (microseconds, work
 * quanta, milliwatts; products in 128 bits), so a passing clock changes no number.
 */
#ifndef FUYAO_FLEET_H
#define FUYAO_FLEET_H

#include "fuyao/event.h"
#include "fuyao/site.h"

#include <stddef.h>

typedef struct fy_fleet fy_fleet;

/* An empty fleet. Owned by caller. Cannot fail. */
fy_fleet *fy_fleet_new(void);
void fy_fleet_free(fy_fleet *fleet); /* NULL allowed */

/*
 * Apply one event. event->t_us must not lie before the last event's.
 * Errors: FY_EINVAL with text (unknown job, stale attempt, device not free, ...); state unchanged.
 * O(k log n) for a gang on k nodes; allocates nothing in the steady state.
 */
int fy_fleet_apply(fy_fleet *fleet, const fy_event *event, fy_err *err) FY_NODISCARD;

/* A place for events: called once for each, in order. Returns 0 or a negative code (stops). */
typedef int (*fy_event_fn)(void *ctx, const fy_event *event, fy_err *err);

/* Hand the events that build `site` (chips, nodes, tenants) at instant `t_us` to `emit`. */
int fy_site_events(const fy_site *site, int64_t t_us, fy_event_fn emit, void *ctx,
                   fy_err *err) FY_NODISCARD;

/* The same for `count` nodes like those of `pool`, named from number `first` on: a delivery. */
int fy_pool_events(const fy_pool_spec *pool, int first, int count, int64_t t_us, fy_event_fn emit,
                   void *ctx, fy_err *err) FY_NODISCARD;

/*
 * Check every invariant from first principles (no device over-committed, gangs whole, counters and
 * free sets equal to a recount, work and energy conserved). O(size). FY_EINVAL names the first
 * broken one.
 */
int fy_fleet_check(const fy_fleet *fleet, fy_err *err) FY_NODISCARD;

/* A 64-bit digest of everything that decides the future, equal for equal states. O(size). */
uint64_t fy_fleet_digest(const fy_fleet *fleet);

/* ------------------------------------------------------------------ snapshots */

struct fy_str;

/*
 * Append the whole state as bytes: a frame with its own version, length and hash. Equal states of
 * one history give equal bytes on any machine. Between two events only.
 */
void fy_fleet_save(const fy_fleet *fleet, struct fy_str *out);

/*
 * A fleet from such bytes: equal digest, equal accounts, and every later event has the same effect.
 * Owned by caller. Errors: FY_EPARSE where the bytes are torn, damaged, of another version, or no
 * state that events can lead to; *out is then left alone.
 */
int fy_fleet_load(fy_fleet **out, const void *bytes, size_t len, fy_err *err) FY_NODISCARD;

/* A copy, to try things on. Owned by caller. Cannot fail. O(size). */
fy_fleet *fy_fleet_copy(const fy_fleet *fleet);

/* ------------------------------------------------------------------ journal */

/*
 * The journal: one line of text an event, `t_us kind key=value ...`, in fixed key order, so that
 * equal histories are equal bytes. The first line names the format and version.
 */
typedef struct fy_journal_line {
    char *text; /* owned; freed with fy_journal_line_free */
    size_t len, room;
} fy_journal_line; /* zero-initialised is valid */

extern const char fy_journal_header[]; /* "fuyao-journal 1\n" */

/* Replace *line by the event's line, newline included. */
void fy_journal_encode(const fy_event *event, fy_journal_line *line);
void fy_journal_line_free(fy_journal_line *line);

/*
 * Decode one line (`len` bytes, without newline). Payloads are borrowed from `reader` until the
 * next call. Errors: FY_EPARSE with what is wrong and what would be right.
 */
typedef struct fy_journal_reader fy_journal_reader;
fy_journal_reader *fy_journal_reader_new(void);
int fy_journal_decode(fy_journal_reader *reader, const char *line, size_t len, fy_event *event,
                      fy_err *err) FY_NODISCARD;
void fy_journal_reader_free(fy_journal_reader *reader);

#endif
