/* SPDX-License-Identifier: MIT */
/*
 * The journal on disk: SQLite in WAL mode with synchronous FULL, one connection, one thread.
 *
 * Records are appended in memory and become durable together with the next commit; nobody is told
 * and nothing is done before that. A failed commit kills the store: every later call refuses, the
 * daemon exits and recovers from what the disk has; no write or fsync is tried again.
 *
 * A record is one line of the fleet's journal and an optional body (JSON) that the fleet does not
 * read: who asked, what runs, how it ended. Each record's hash covers its predecessor's, its line
 * and its body.
 *
 *     append, append, ... ─► commit ─► answers and acts ─► tidy
 *     snapshot every so often ─► records before the last but one go to archive/DATE-FIRST.journal
 *
 * The folder holds state.db (with -wal and -shm while a daemon runs), lock and archive/. A process
 * that forks without exec must close what it inherits: the lock is the open file's.
 */
#ifndef FUYAO_DAEMON_STORE_H
#define FUYAO_DAEMON_STORE_H

#include "daemon/store_files.h"
#include "fuyao/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fy_store fy_store;

typedef struct fy_record {
    int64_t seq;      /* from 1, without gaps */
    const char *line; /* without newline */
    size_t len;
    const char *body; /* NULL = none */
    size_t body_len;
} fy_record;

/* Returns 0, or another code that stops the reading and is handed on. */
typedef int (*fy_record_fn)(void *ctx, const fy_record *record, fy_err *err);

typedef struct fy_store_options {
    const char *folder;    /* state folder: state.db, lock, archive/ */
    bool read_only;        /* no lock, no migration, the state as it is now even while a daemon goes
                              on: for `fuyao replay STATE.db` and backups */
    const char *vfs;       /* NULL = SQLite's own; tests name theirs */
    const fy_files *files; /* NULL = the system's; tests bring theirs */
    int checkpoint_pages;  /* length of the log at which tidy copies it; 0 = 4096, 16 MiB */
    int tidy_records;      /* records that one call of tidy moves; 0 = 1024 */
} fy_store_options;

/*
 * Open or create. Errors: FY_EIO, FY_EINVAL (another daemon holds the lock: its pid is named; a
 * newer schema), FY_EPARSE (the chain is broken: at which record, and what to do).
 */
int fy_store_open(fy_store **out, const fy_store_options *options, fy_err *err) FY_NODISCARD;
void fy_store_close(fy_store *store); /* NULL allowed; what was not committed is gone */

/* The newest whole snapshot: *bytes is borrowed until the next call, NULL where there is none;
 * *seq = the record it follows (0 where there is none). Where the newest is broken, the one before
 * it is handed out and fy_store_warning says so. */
int fy_store_snapshot_get(fy_store *store, const void **bytes, size_t *len, int64_t *seq,
                          fy_err *err) FY_NODISCARD;

/*
 * Committed records with seq > `after`, at most `most` (-1 = all), in order, from the archive and
 * the database, checking the chain. `each` may append, but not commit. Errors: FY_EPARSE (the chain
 * is broken: at which record), FY_ENOENT (an archive file is missing), FY_EIO, or each's own.
 */
int fy_store_read(fy_store *store, int64_t after, int64_t most, fy_record_fn each, void *ctx,
                  fy_err *err) FY_NODISCARD;

/* Append a record to the batch (copied; no newline in the line); returns its seq. Cannot fail;
 * after a failure of the store the commit refuses. */
int64_t fy_store_append(fy_store *store, const char *line, size_t len, const char *body,
                        size_t body_len);

/* A snapshot of the state after all records appended so far, for the next commit (copied). Older
 * ones but the last go, and the records that they alone needed go to the archive. */
void fy_store_snapshot_put(fy_store *store, const void *bytes, size_t len);

/* A row of history for people: an ended job (replaces an older row of that id); next commit. */
typedef struct fy_past_job {
    int64_t id, submit_us, end_us;
    const char *tenant, *name, *state; /* state: as in `fuyao queue` */
    const char *json;                  /* its full object as `fuyao show --json` prints it */
} fy_past_job;
void fy_store_past_put(fy_store *store, const fy_past_job *job);
/* The full object of an ended job: *json borrowed until the next call, NULL where unknown. */
int fy_store_past_get(fy_store *store, int64_t id, const char **json, fy_err *err) FY_NODISCARD;
/* Ended jobs with id < before (-1 = newest), newest first, at most `most`; tenant NULL = all. */
typedef int (*fy_past_fn)(void *ctx, const fy_past_job *job, fy_err *err);
int fy_store_past_list(fy_store *store, int64_t before, int most, const char *tenant,
                       fy_past_fn each, void *ctx, fy_err *err) FY_NODISCARD;

/* Everything appended becomes durable; free where there is nothing. Errors: FY_EIO (disk full,
 * I/O): the store is dead. */
int fy_store_commit(fy_store *store, fy_err *err) FY_NODISCARD;

/*
 * One bounded piece of housekeeping (milliseconds): copying the write-ahead log into the database,
 * moving old records to the archive. Call it after the answers of a commit have gone out, so that
 * nobody waits for it; commit does what has been left undone for too long. Returns 1 where more
 * remains, 0 where nothing does, or FY_EIO: the store is dead, but what was committed is durable.
 */
int fy_store_tidy(fy_store *store, fy_err *err) FY_NODISCARD;

/* One line about what went wrong and lost nothing (a broken snapshot, an archive that could not be
 * written); "" where nothing did. */
const char *fy_store_warning(const fy_store *store);

int64_t fy_store_last(const fy_store *store);         /* seq of the last record appended */
int64_t fy_store_committed(const fy_store *store);    /* ... committed */
int64_t fy_store_archived(const fy_store *store);     /* records up to this one are in archive/ */
int64_t fy_store_snapshot_seq(const fy_store *store); /* record that the last snapshot follows */
int64_t fy_store_room_bytes(const fy_store *store);   /* free on the disk; below the reserve the
                                                         daemon stops accepting; -1 unknown */

/*
 * A consistent copy of a state folder, in use or not (SQLite's backup and the archive files), as a
 * folder `to` that must not exist. It is whole and on the disk when this returns 0.
 */
int fy_store_backup(const char *folder, const char *to, fy_err *err) FY_NODISCARD;

/* Access tokens (hashed) live beside the journal. Put and drop are durable at once (apart from the
 * batch); a failure kills the store as one of commit does. */
typedef struct fy_token {
    const char *name, *tenant, *scope; /* scope: read, submit or operate */
    int64_t uid;                       /* never 0 */
    const char *hash;                  /* hex SHA-256 of the secret */
    int64_t created_us;
} fy_token;
typedef int (*fy_token_fn)(void *ctx, const fy_token *token, fy_err *err);
int fy_store_token_put(fy_store *store, const fy_token *token, fy_err *err) FY_NODISCARD;
/* FY_ENOENT where there is none of that name. */
int fy_store_token_drop(fy_store *store, const char *name, fy_err *err) FY_NODISCARD;
int fy_store_token_list(fy_store *store, fy_token_fn each, void *ctx, fy_err *err) FY_NODISCARD;

#endif
