/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the store share. Private to src/daemon/store*.c.
 *
 *     store.c          open, append, commit, close
 *     store_schema.c   tables, migrations, statements
 *     store_chain.c    the hash of a record
 *     store_read.c     records and snapshots out again
 *     store_archive.c  old records to files; tidy
 *     store_archive_read.c  and from them
 *     store_rows.c     ended jobs, tokens
 *     store_backup.c   a copy of it all
 */
#ifndef FUYAO_DAEMON_STORE_INTERNAL_H
#define FUYAO_DAEMON_STORE_INTERNAL_H

#include "base/str.h"
#include "daemon/store.h"

#include <sqlite3.h>

enum { FY_HASH_BYTES = 32, FY_HASH_HEX = 65 };

typedef struct fy_link {
    int64_t seq;
    uint8_t hash[FY_HASH_BYTES];
} fy_link; /* a record's place in the chain; seq 0 with a hash of zeros is its beginning */

typedef enum fy_store_sql {
    FY_SQL_BEGIN,
    FY_SQL_COMMIT,
    FY_SQL_RECORD_PUT,
    FY_SQL_RECORD_GET,
    FY_SQL_RECORD_LIST,
    FY_SQL_RECORD_DROP,
    FY_SQL_BASE_PUT,
    FY_SQL_SNAPSHOT_PUT,
    FY_SQL_SNAPSHOT_DROP,
    FY_SQL_SNAPSHOT_LIST,
    FY_SQL_PAST_PUT,
    FY_SQL_PAST_GET,
    FY_SQL_PAST_LIST,
    FY_SQL_PAST_LIST_TENANT,
    FY_SQL_TOKEN_PUT,
    FY_SQL_TOKEN_DROP,
    FY_SQL_TOKEN_LIST,
    FY_N_SQL
} fy_store_sql;

/* What waits for the next commit; offsets into `bytes`. */
typedef struct fy_batch_record {
    size_t line, len, body, body_len;
    bool has_body;
    uint8_t hash[FY_HASH_BYTES];
} fy_batch_record;

typedef struct fy_batch_past {
    int64_t id, submit_us, end_us;
    size_t tenant, name, state, json; /* each ends in a NUL */
} fy_batch_past;

typedef struct fy_batch {
    fy_str bytes;
    fy_batch_record *records; /* [n_records] */
    size_t n_records, records_room;
    fy_batch_past *past; /* [n_past] */
    size_t n_past, past_room;
    void *snapshot; /* NULL = none */
    size_t snapshot_len, snapshot_room;
    int64_t snapshot_seq;
    bool has_snapshot;
} fy_batch;

/* An archive file half written. */
typedef struct fy_archiving {
    bool open;
    int handle;
    int64_t first, target;
    fy_link at; /* last record written */
    char name[48];
    fy_str text;
} fy_archiving;

struct fy_store {
    char *folder;
    const fy_files *files;
    sqlite3 *db;
    sqlite3_stmt *sql[FY_N_SQL];
    int lock; /* handle; -1 = none */
    bool read_only, dead;
    char why[FY_ERR_TEXT]; /* it is dead */
    char warning[FY_ERR_TEXT];

    fy_link last;         /* appended */
    int64_t committed;    /* seq */
    fy_link base;         /* archived */
    int64_t oldest;       /* row that is still in the table, though maybe archived */
    int64_t snapshots[2]; /* seq of the newest and the one before it; 0 = none */
    fy_batch batch;

    int checkpoint_pages, tidy_records; /* as in the options */
    int log_pages, log_tried;           /* pages in the log; when it was last copied */
    fy_archiving archiving;
    int64_t no_archive_before; /* snapshot whose archive failed: not again for this one */
    fy_str out;                /* what was handed out last */
};

/* ------------------------------------------------------------------ store_chain.c */

/* The next link: *link becomes the hash of (its hash, line, body) with seq + 1. */
void fy_chain(fy_link *link, const char *line, size_t len, const char *body, size_t body_len);
void fy_chain_bytes(uint8_t hash[FY_HASH_BYTES], const void *bytes, size_t len); /* SHA-256 */
void fy_chain_hex(char hex[FY_HASH_HEX], const uint8_t hash[FY_HASH_BYTES]);
bool fy_chain_unhex(uint8_t hash[FY_HASH_BYTES], const char *hex, size_t len);
/* FY_EPARSE that names the record. */
int fy_chain_broken(const char *where, int64_t seq, fy_err *err);

/* ------------------------------------------------------------------ store_schema.c */

/* Settings, the schema (made, migrated or refused) and the statements. */
int fy_store_prepare(fy_store *store, const char *path, fy_err *err) FY_NODISCARD;
void fy_store_unprepare(fy_store *store);

/* ------------------------------------------------------------------ store.c */

/* An error of SQLite's as ours: FY_EPARSE for a damaged file, else FY_EIO. */
int fy_store_sql_fail(const fy_store *store, const char *what, fy_err *err);
/* The same, and the store is dead. */
int fy_store_die(fy_store *store, const char *what, fy_err *err);
int fy_store_refuse(const fy_store *store, fy_err *err); /* 0 where it lives */
void fy_store_warn(fy_store *store, const char *fmt, ...) FY_PRINTF(2, 3);
/* Step a statement that returns no rows and reset it. Returns false on failure. */
bool fy_store_step(fy_store *store, fy_store_sql which);
int fy_store_checkpoint(fy_store *store, int mode, fy_err *err) FY_NODISCARD;
int fy_store_log_due(const fy_store *store); /* how many times over the log is to be copied */
int fy_store_link_get(fy_store *store, int64_t seq, fy_link *link, fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ store_read.c */

/* Records of the table after `at`, at most `most`; *at moves on with each. */
int fy_store_rows(fy_store *store, fy_link *at, int64_t most, fy_record_fn each, void *ctx,
                  fy_err *err) FY_NODISCARD;

/* ------------------------------------------------------------------ store_archive*.c */

extern const char fy_store_archive_header[]; /* its first line */

/* Records of the archive after `after` and up to store->base; *left (-1 = all) counts down. */
int fy_store_archive_read(fy_store *store, int64_t after, int64_t *left, fy_record_fn each,
                          void *ctx, fy_err *err) FY_NODISCARD;
/* Is this the name of an archive file? Its first record. */
bool fy_store_archive_first(const char *name, int64_t *first);
void fy_store_archive_drop(fy_store *store);                  /* what is half written */
char *fy_store_path(const fy_store *store, const char *name); /* owned by caller */

#endif
