/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `fuyao replay` share. Private to the command.
 *
 *     (replay_state ─►) replay_file ─► replay (apply) ─► replay_verify (decide again, compare)
 *                                                    └─► replay_again (another policy: simulate)
 */
#ifndef FUYAO_CLI_REPLAY_H
#define FUYAO_CLI_REPLAY_H

#include "fuyao/sim.h"

#include <stdint.h>
#include <stdio.h>

/* A journal as lines; a line is borrowed until the next. */
typedef struct replay_file {
    const char *path; /* for messages */
    FILE *file;
    char *buffer;
    size_t begin, end, room;
    int64_t line;           /* number of the line read last, from 1; of a state, its record */
    struct fy_store *store; /* where the lines come from a state; else NULL */
    int64_t filled;         /* last record in the buffer */
} replay_file;

enum { REPLAY_END = 0, REPLAY_LINE = 1 };

/*
 * Open `path` (- is standard input) and read its header; or a state folder or its state.db,
 * archived records first, also while a daemon goes on. Errors: FY_ENOENT, FY_EIO, FY_EPARSE where
 * it is no journal.
 */
int replay_file_open(replay_file *file, const char *path, fy_err *err) FY_NODISCARD;

/*
 * The next line without its newline; lines that begin with # are notes and passed over.
 * REPLAY_LINE, REPLAY_END, or FY_EIO, FY_ERANGE (a line too long for any event), FY_EPARSE (the
 * last line is cut off).
 */
int replay_file_next(replay_file *file, const char **line, size_t *len, fy_err *err);
void replay_file_close(replay_file *file);

/* A replay in progress. */
typedef struct replay {
    replay_file file;
    fy_fleet *fleet;
    fy_journal_reader *reader;
    int64_t counts[FY_N_EVENT_KINDS];
    int64_t applied;
    bool verify;
    struct replay_verify *check; /* of replay_verify.c; NULL = no verification */
    struct replay_again *again;  /* of replay_again.c; NULL = no other policy */
} replay;

/* ------------------------------------------------------------------ replay_state.c */

/* The state folder that `path` names, itself or by its state.db; NULL where it names none (a
 * journal, say). Owned by caller. */
char *replay_state_folder(const char *path);

/* Add to the buffer the lines that come next, many at a time. How many bytes, or an error. */
int64_t replay_state_fill(replay_file *file, fy_err *err);

/* ------------------------------------------------------------------ replay_verify.c */

/* Where a policy decides otherwise than the journal: the answer is no. */
enum { REPLAY_DIFFERS = 100 };

struct replay_verify *replay_verify_new(void);
void replay_verify_free(struct replay_verify *check);

/*
 * One line of the journal with its event: applies it or, at a round, lets the policy decide and
 * compares what it says with the lines that follow. Returns 0, an error, or REPLAY_DIFFERS with
 * the difference in `err`.
 */
int replay_verify_line(replay *r, const char *line, size_t len, const fy_event *event,
                       fy_err *err) FY_NODISCARD;

/* The journal is over: what no round has followed is applied. */
int replay_verify_end(replay *r, fy_err *err) FY_NODISCARD;
int64_t replay_verify_rounds(const replay *r);
int64_t replay_verify_decisions(const replay *r);

/* ------------------------------------------------------------------ replay_again.c */

/* What another policy makes of the same world. */
struct replay_again *replay_again_new(void);
void replay_again_free(struct replay_again *again);

/* Take note of an event that the fleet has just applied. */
void replay_again_note(replay *r, const fy_event *event);

typedef struct replay_outcome {
    fy_sim_result *result; /* owned by caller */
    double modelled;  /* share of device time on chips that the job never ran on in the journal */
    int64_t left_out; /* events that a simulation does not take: holds, limits of jobs, ... */
} replay_outcome;

/* Simulate under `policy`. */
int replay_again_run(replay *r, const char *policy, replay_outcome *out, fy_err *err) FY_NODISCARD;

#endif
