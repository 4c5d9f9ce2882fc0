/* SPDX-License-Identifier: MIT */
/* The store's life: open, append, commit, die, close. */
#include "daemon/store.h"

#include "base/arena.h"
#include "daemon/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_BATCH_BYTES = 8 << 20, CHECKPOINT_PAGES = 4096, TIDY_RECORDS = 1024 };

/* ------------------------------------------------------------------ failing */

int fy_store_sql_fail(const fy_store *store, const char *what, fy_err *err)
{
    int code = sqlite3_extended_errcode(store->db);
    bool damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;

    return fy_fail(err, damaged ? FY_EPARSE : FY_EIO, "cannot %s %s/state.db: %s (%s)%s", what,
                   store->folder, sqlite3_errmsg(store->db), sqlite3_errstr(code),
                   damaged ? "; restore a backup (docs/operate.md, Recovery)" : "");
}

int fy_store_die(fy_store *store, const char *what, fy_err *err)
{
    fy_err why;

    (void)fy_store_sql_fail(store, what, &why);
    store->dead = true;
    memcpy(store->why, why.text, sizeof store->why);
    return fy_fail(err, FY_EIO, "%s", why.text);
}

int fy_store_refuse(const fy_store *store, fy_err *err)
{
    return store->dead ? fy_fail(err, FY_EIO, "the state has stopped: %s", store->why) : 0;
}

void fy_store_warn(fy_store *store, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(store->warning, sizeof store->warning, fmt, args);
    va_end(args);
}

const char *fy_store_warning(const fy_store *store)
{
    return store->warning;
}

bool fy_store_step(fy_store *store, fy_store_sql which)
{
    bool done = sqlite3_step(store->sql[which]) == SQLITE_DONE;

    return sqlite3_reset(store->sql[which]) == SQLITE_OK && done;
}

/* ------------------------------------------------------------------ opening */

char *fy_store_path(const fy_store *store, const char *name)
{
    fy_str path = {0};

    fy_str_printf(&path, "%s/%s", store->folder, name);
    return path.text;
}

static int count_pages(void *ctx, sqlite3 *db, const char *name, int pages)
{
    fy_store *store = ctx;

    (void)db;
    (void)name;
    if (pages < store->log_pages) { /* it began anew */
        store->log_tried = 0;
    }
    store->log_pages = pages;
    return SQLITE_OK;
}

int fy_store_log_due(const fy_store *store)
{
    return (store->log_pages - store->log_tried) / store->checkpoint_pages;
}

/* A reader may hold back a part, or the log's new beginning: trying again before the log has grown
 * would be of no use. */
int fy_store_checkpoint(fy_store *store, int mode, fy_err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(store->db, NULL, mode, NULL, NULL);

    store->log_tried = store->log_pages;
    return rc == SQLITE_OK || rc == SQLITE_BUSY ? 0 : fy_store_die(store, "copy the log into", err);
}

static int folder_fail(const fy_store *store, const char *what, int status, fy_err *err)
{
    return fy_fail(err, FY_EIO, "cannot %s the state folder %s: %s", what, store->folder,
                   strerror(-status));
}

/* The folder may have been made by a process that died before it synced the one above; where that
 * one is not ours to read, an operator made it. */
static int make_folders(const fy_store *store, fy_err *err)
{
    const fy_files *files = store->files;
    char *archive = fy_store_path(store, "archive");
    char *parent = fy_store_path(store, "..");
    int made = files->make_folder(files->ctx, store->folder);
    int status = made >= 0 ? files->sync_folder(files->ctx, parent) : made;

    status = status == -EACCES && made == 0 ? 0 : status;
    status = status == 0 ? files->make_folder(files->ctx, archive) : status;
    free(archive);
    free(parent);
    return status < 0 ? folder_fail(store, "make", status, err) : 0;
}

static int take_lock(fy_store *store, fy_err *err)
{
    char *path = fy_store_path(store, "lock");
    int64_t pid = 0;

    store->lock = store->files->lock(store->files->ctx, path, &pid);
    free(path);
    if (store->lock == -EWOULDBLOCK) {
        return fy_fail(err, FY_EINVAL,
                       "process %lld uses the state folder %s: stop it first, or name another "
                       "folder",
                       (long long)pid, store->folder);
    }
    return store->lock < 0 ? folder_fail(store, "lock", store->lock, err) : 0;
}

/* Where the chain stands: what is archived, the last record (checked against the one before it). */
static int find_place(fy_store *store, fy_err *err)
{
    sqlite3_stmt *stmt = NULL;
    fy_link at;
    int status = 0;
    const char *text = "SELECT b.seq, b.hash, (SELECT max(seq) FROM record),"
                       " (SELECT min(seq) FROM record) FROM base b";

    if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_bytes(stmt, 1) != FY_HASH_BYTES) {
        status = fy_store_sql_fail(store, "read the end of", err);
    } else {
        store->base.seq = sqlite3_column_int64(stmt, 0);
        memcpy(store->base.hash, sqlite3_column_blob(stmt, 1), FY_HASH_BYTES);
        store->last = store->base;
        store->last.seq = sqlite3_column_type(stmt, 2) != SQLITE_NULL
                              ? sqlite3_column_int64(stmt, 2)
                              : store->base.seq;
        store->oldest = sqlite3_column_type(stmt, 3) != SQLITE_NULL ? sqlite3_column_int64(stmt, 3)
                                                                    : store->base.seq + 1;
    }
    (void)sqlite3_finalize(stmt);
    if (status == 0 && store->last.seq < store->base.seq) {
        store->last.seq = store->base.seq;
    }
    store->committed = store->last.seq;
    if (status != 0 || store->last.seq == store->base.seq) {
        return status;
    }
    at.seq = store->last.seq - 1;
    status = fy_store_link_get(store, at.seq, &at, err);
    status = status == 0 ? fy_store_rows(store, &at, 1, NULL, NULL, err) : status;
    store->last = at;
    return status;
}

static int find_snapshots(fy_store *store, fy_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "SELECT seq FROM snapshot ORDER BY seq DESC LIMIT 2", -1,
                                &stmt, NULL);

    for (int i = 0; rc == SQLITE_OK && i < 2 && (rc = sqlite3_step(stmt)) == SQLITE_ROW; i++) {
        store->snapshots[i] = sqlite3_column_int64(stmt, 0);
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_OK || rc == SQLITE_DONE ? 0 : fy_store_sql_fail(store, "read", err);
}

/*
 * A commit whose sync failed may stand in the page cache, look whole to this process and never
 * reach the disk: what we append behind it would be lost with it when the power fails, and a log of
 * which only a first part is on the disk would be laid over a newer database. So the log is written
 * over itself and synced before SQLite sees it, and then copied into the database.
 */
static int renew_log(const fy_store *store, fy_err *err)
{
    char *path = fy_store_path(store, "state.db-wal");
    int status = store->files->renew(store->files->ctx, path);

    free(path);
    return status < 0 ? folder_fail(store, "write again the log of", status, err) : 0;
}

static int settle(fy_store *store, fy_err *err)
{
    int status;

    (void)sqlite3_wal_hook(store->db, count_pages, store);
    (void)sqlite3_busy_timeout(store->db, 500);
    status = fy_store_checkpoint(store, SQLITE_CHECKPOINT_TRUNCATE, err);
    (void)sqlite3_busy_timeout(store->db, 5000);
    return status;
}

/* An empty file is an empty database; SQLite itself would make one that others may read. One that
 * is there is not opened: closing it again would drop this process's locks on it. */
static int make_database(const fy_store *store, const char *path, fy_err *err)
{
    const fy_files *files = store->files;
    int handle = files->create(files->ctx, path, true);

    if (handle >= 0) {
        files->close(files->ctx, handle);
        return 0;
    }
    return handle == -EEXIST ? 0
                             : fy_fail(err, FY_EIO, "cannot make %s: %s", path, strerror(-handle));
}

static int open_database(fy_store *store, const fy_store_options *options, fy_err *err)
{
    char *path = fy_store_path(store, "state.db");
    int flags = options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int status = options->read_only ? 0 : make_database(store, path, err);
    int rc;

    if (status != 0) {
        free(path);
        return status;
    }
    rc = sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                         options->vfs);
    if (store->db == NULL) {
        status = fy_fail(err, FY_EIO, "cannot open %s: out of memory", path);
    } else if (rc != SQLITE_OK) {
        status = fy_fail(err, (rc & 0xff) == SQLITE_CANTOPEN ? FY_ENOENT : FY_EIO,
                         "cannot open %s: %s", path, strerror(sqlite3_system_errno(store->db)));
    }
    status = status == 0 ? fy_store_prepare(store, path, err) : status;
    free(path);
    return status;
}

int fy_store_open(fy_store **out, const fy_store_options *options, fy_err *err)
{
    fy_store *store = fy_calloc(1, sizeof *store);
    int status = 0;

    store->folder = strdup(options->folder);
    store->files = options->files != NULL ? options->files : &fy_files_system;
    store->read_only = options->read_only;
    store->lock = -1;
    store->checkpoint_pages =
        options->checkpoint_pages > 0 ? options->checkpoint_pages : CHECKPOINT_PAGES;
    store->tidy_records = options->tidy_records > 0 ? options->tidy_records : TIDY_RECORDS;
    if (!options->read_only) {
        status = make_folders(store, err);
        status = status == 0 ? take_lock(store, err) : status;
    }
    status = status == 0 && !options->read_only ? renew_log(store, err) : status;
    status = status == 0 ? open_database(store, options, err) : status;
    status = status == 0 && !options->read_only ? settle(store, err) : status;
    status = status == 0 ? find_place(store, err) : status;
    status = status == 0 ? find_snapshots(store, err) : status;
    if (status != 0) {
        store->dead = true;
        fy_store_close(store);
        return status;
    }
    *out = store;
    return 0;
}

void fy_store_close(fy_store *store)
{
    if (store == NULL) {
        return;
    }
    fy_store_archive_drop(store);
    fy_store_unprepare(store);
    if (store->db != NULL) {
        if (store->dead || store->read_only) { /* a dead store writes nothing more */
            (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        }
        (void)sqlite3_close(store->db);
    }
    if (store->lock >= 0) {
        store->files->close(store->files->ctx, store->lock);
    }
    fy_str_free(&store->batch.bytes);
    free(store->batch.records);
    free(store->batch.past);
    free(store->batch.snapshot);
    fy_str_free(&store->out);
    free(store->folder);
    free(store);
}

/* ------------------------------------------------------------------ appending */

static size_t keep(fy_batch *batch, const char *bytes, size_t len)
{
    size_t at = batch->bytes.len;

    fy_str_add(&batch->bytes, bytes, len);
    return at;
}

int64_t fy_store_append(fy_store *store, const char *line, size_t len, const char *body,
                        size_t body_len)
{
    fy_batch *batch = &store->batch;
    fy_batch_record *record;

    assert(!store->read_only);
    assert(len > 0 && memchr(line, '\n', len) == NULL);
    if (store->dead) {
        return ++store->last.seq;
    }
    fy_chain(&store->last, line, len, body, body_len);
    batch->records =
        fy_grow(batch->records, &batch->records_room, batch->n_records + 1, sizeof *batch->records);
    record = &batch->records[batch->n_records++];
    *record = (fy_batch_record){
        .line = keep(batch, line, len), .len = len, .body_len = body_len, .has_body = body != NULL};
    record->body = body != NULL ? keep(batch, body, body_len) : 0;
    memcpy(record->hash, store->last.hash, FY_HASH_BYTES);
    return store->last.seq;
}

void fy_store_snapshot_put(fy_store *store, const void *bytes, size_t len)
{
    fy_batch *batch = &store->batch;

    batch->snapshot = fy_grow(batch->snapshot, &batch->snapshot_room, len + 1, 1);
    memcpy(batch->snapshot, bytes, len);
    batch->snapshot_len = len;
    batch->snapshot_seq = store->last.seq;
    batch->has_snapshot = true;
}

void fy_store_past_put(fy_store *store, const fy_past_job *job)
{
    fy_batch *batch = &store->batch;

    if (store->dead) {
        return;
    }
    batch->past = fy_grow(batch->past, &batch->past_room, batch->n_past + 1, sizeof *batch->past);
    batch->past[batch->n_past++] =
        (fy_batch_past){.id = job->id,
                        .submit_us = job->submit_us,
                        .end_us = job->end_us,
                        .tenant = keep(batch, job->tenant, strlen(job->tenant) + 1),
                        .name = keep(batch, job->name, strlen(job->name) + 1),
                        .state = keep(batch, job->state, strlen(job->state) + 1),
                        .json = keep(batch, job->json, strlen(job->json) + 1)};
}

/* ------------------------------------------------------------------ committing */

static bool put_records(fy_store *store)
{
    const fy_batch *batch = &store->batch;
    sqlite3_stmt *stmt = store->sql[FY_SQL_RECORD_PUT];

    for (size_t i = 0; i < batch->n_records; i++) {
        const fy_batch_record *r = &batch->records[i];
        const char *bytes = batch->bytes.text;

        sqlite3_bind_int64(stmt, 1, store->committed + 1 + (int64_t)i);
        sqlite3_bind_text64(stmt, 2, bytes + r->line, r->len, SQLITE_STATIC, SQLITE_UTF8);
        if (r->has_body) {
            sqlite3_bind_text64(stmt, 3, bytes + r->body, r->body_len, SQLITE_STATIC, SQLITE_UTF8);
        } else {
            sqlite3_bind_null(stmt, 3);
        }
        sqlite3_bind_blob(stmt, 4, r->hash, FY_HASH_BYTES, SQLITE_STATIC);
        if (!fy_store_step(store, FY_SQL_RECORD_PUT)) {
            return false;
        }
    }
    return true;
}

static bool put_past(fy_store *store)
{
    const fy_batch *batch = &store->batch;
    sqlite3_stmt *stmt = store->sql[FY_SQL_PAST_PUT];

    for (size_t i = 0; i < batch->n_past; i++) {
        const fy_batch_past *p = &batch->past[i];
        const char *bytes = batch->bytes.text;

        sqlite3_bind_int64(stmt, 1, p->id);
        sqlite3_bind_int64(stmt, 2, p->submit_us);
        sqlite3_bind_int64(stmt, 3, p->end_us);
        sqlite3_bind_text(stmt, 4, bytes + p->tenant, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 5, bytes + p->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 6, bytes + p->state, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 7, bytes + p->json, -1, SQLITE_STATIC);
        if (!fy_store_step(store, FY_SQL_PAST_PUT)) {
            return false;
        }
    }
    return true;
}

static bool put_snapshot(fy_store *store)
{
    const fy_batch *batch = &store->batch;
    sqlite3_stmt *stmt = store->sql[FY_SQL_SNAPSHOT_PUT];
    uint8_t hash[FY_HASH_BYTES];

    if (!batch->has_snapshot) {
        return true;
    }
    fy_chain_bytes(hash, batch->snapshot, batch->snapshot_len);
    sqlite3_bind_int64(stmt, 1, batch->snapshot_seq);
    sqlite3_bind_blob64(stmt, 2, batch->snapshot, batch->snapshot_len, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 3, hash, sizeof hash, SQLITE_STATIC);
    return fy_store_step(store, FY_SQL_SNAPSHOT_PUT) && fy_store_step(store, FY_SQL_SNAPSHOT_DROP);
}

/* The batch is in the database: what of it the store keeps in mind. */
static void settled(fy_store *store)
{
    fy_batch *batch = &store->batch;

    store->committed += (int64_t)batch->n_records;
    if (batch->has_snapshot && batch->snapshot_seq != store->snapshots[0]) {
        store->snapshots[1] = store->snapshots[0];
        store->snapshots[0] = batch->snapshot_seq;
    }
    batch->n_records = 0;
    batch->n_past = 0;
    batch->has_snapshot = false;
    fy_str_clear(&batch->bytes);
    if (batch->bytes.room > KEEP_BATCH_BYTES) {
        fy_str_free(&batch->bytes);
    }
}

int fy_store_commit(fy_store *store, fy_err *err)
{
    fy_batch *batch = &store->batch;
    bool had_snapshot = batch->has_snapshot;
    int status = fy_store_refuse(store, err);
    int more = 1;
    fy_err later;

    if (status != 0 || (batch->n_records == 0 && batch->n_past == 0 && !batch->has_snapshot)) {
        return status;
    }
    if (!fy_store_step(store, FY_SQL_BEGIN) || !put_records(store) || !put_past(store) ||
        !put_snapshot(store) || !fy_store_step(store, FY_SQL_COMMIT)) {
        return fy_store_die(store, "write", err);
    }
    settled(store);
    /* What nobody tidied: the log four times over its length, or a snapshot's worth of records
     * behind. An error here kills the store, but this commit stands. */
    while (more > 0 && (fy_store_log_due(store) >= 4 || (had_snapshot && store->archiving.open))) {
        more = fy_store_tidy(store, &later);
    }
    return 0;
}

/* ------------------------------------------------------------------ asking */

int64_t fy_store_last(const fy_store *store)
{
    return store->last.seq;
}

int64_t fy_store_committed(const fy_store *store)
{
    return store->committed;
}

int64_t fy_store_archived(const fy_store *store)
{
    return store->base.seq;
}

int64_t fy_store_snapshot_seq(const fy_store *store)
{
    return store->snapshots[0];
}

int64_t fy_store_room_bytes(const fy_store *store)
{
    int64_t room = store->files->room(store->files->ctx, store->folder);

    return room >= 0 ? room : -1;
}
