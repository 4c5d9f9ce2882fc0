/* SPDX-License-Identifier: MIT */
/*
 * An independent reader of the journal: it takes the lines of a history one by one, from first
 * principles (its own parser, its own books, nothing of the fleet's), and says where the history
 * promises what cannot be:
 *
 *   - records without gaps, time that never goes back, each job submitted once, in order
 *   - attempts 1, 2, 3 ... of a job, none begun before the one before it is over
 *   - a job starts only where it waits, is not held, and what it depends on finished well
 *   - every device of a place exists, is of that chip and node, and is not lent beyond 1000 milli;
 *     the processors and memory of a node are not lent beyond what it has; a drained node or one
 *     that is down starts nothing
 *   - the gang has as many workers and devices as it asked for
 *   - held time, counted device by device, adds up: by job, by tenant and by chip, and is no more
 *     than the wall clock allows
 *
 *     history_new ─► history_line ... ─► history_broken == NULL? ─► history_close ─► sums
 */
#ifndef FUYAO_TESTS_HISTORY_H
#define FUYAO_TESTS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 history_wide;

typedef struct history history;

typedef enum history_state {
    HISTORY_NONE, /* no such job */
    HISTORY_WAITING,
    HISTORY_HELD,
    HISTORY_STARTING,
    HISTORY_RUNNING,
    HISTORY_STOPPING,
    HISTORY_FINISHED,
    HISTORY_FAILED,
    HISTORY_CANCELLED
} history_state;

history *history_new(void);
void history_free(history *h); /* NULL allowed */

/* Record number `seq` (from 1). After the first breach nothing more is read. */
void history_line(history *h, int64_t seq, const char *line, size_t len);

/* Count held time up to `now_us` and compare the sums. */
void history_close(history *h, int64_t now_us);

/* NULL while all is well, else the first breach in one line; borrowed. */
const char *history_broken(const history *h);

int64_t history_records(const history *h);
int64_t history_end_us(const history *h);
int64_t history_jobs(const history *h); /* ids are below; the first is 0 or, of a daemon, 1 */
history_state history_job(const history *h, int64_t id);
int32_t history_attempts(const history *h, int64_t id);

/* Held time so far [milli-device us]: of one job, tenant, chip, or everything. */
history_wide history_held_job(const history *h, int64_t id);
history_wide history_held_tenant(const history *h, int32_t tenant);
history_wide history_held_chip(const history *h, int32_t chip);
history_wide history_held(const history *h);

/* The place of an attempt: when it was begun and over (-1: not yet; false: there is none). */
bool history_span(const history *h, int64_t id, int32_t attempt, int64_t *from_us, int64_t *to_us);

#endif
