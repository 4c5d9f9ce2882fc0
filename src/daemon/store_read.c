/* SPDX-License-Identifier: MIT */
/* Records and snapshots out again; nothing is handed out that does not match its hash. */
#include "daemon/store_internal.h"

#include <stdio.h>
#include <string.h>

int fy_store_link_get(fy_store *store, int64_t seq, fy_link *link, fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_RECORD_GET];
    int status = 0;
    int rc;

    if (seq == store->base.seq || seq == store->last.seq) {
        *link = seq == store->base.seq ? store->base : store->last;
        return 0;
    }
    sqlite3_bind_int64(stmt, 1, seq);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == FY_HASH_BYTES) {
        link->seq = seq;
        memcpy(link->hash, sqlite3_column_blob(stmt, 0), FY_HASH_BYTES);
    } else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        status = fy_fail(err, FY_EPARSE,
                         "%s/state.db: record %lld is missing; restore a backup (docs/operate.md, "
                         "Recovery)",
                         store->folder, (long long)seq);
    } else {
        status = fy_store_sql_fail(store, "read", err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

static const char *text_or_null(sqlite3_stmt *stmt, int column)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) {
        return NULL;
    }
    return (const char *)sqlite3_column_text(stmt, column);
}

static int take_row(const fy_store *store, sqlite3_stmt *stmt, fy_link *at, fy_record_fn each,
                    void *ctx, fy_err *err)
{
    fy_record record = {.seq = sqlite3_column_int64(stmt, 0),
                        .line = text_or_null(stmt, 1),
                        .len = (size_t)sqlite3_column_bytes(stmt, 1),
                        .body = text_or_null(stmt, 2),
                        .body_len = (size_t)sqlite3_column_bytes(stmt, 2)};
    char where[96];

    if (record.seq != at->seq + 1) {
        return fy_fail(err, FY_EPARSE,
                       "%s/state.db: record %lld is missing; restore a backup (docs/operate.md, "
                       "Recovery)",
                       store->folder, (long long)at->seq + 1);
    }
    if (sqlite3_errcode(store->db) == SQLITE_NOMEM) {
        return fy_store_sql_fail(store, "read", err);
    }
    if (record.line != NULL) {
        fy_chain(at, record.line, record.len, record.body, record.body_len);
    }
    if (record.line == NULL || sqlite3_column_bytes(stmt, 3) != FY_HASH_BYTES ||
        memcmp(at->hash, sqlite3_column_blob(stmt, 3), FY_HASH_BYTES) != 0) {
        (void)snprintf(where, sizeof where, "%.80s/state.db", store->folder);
        return fy_chain_broken(where, record.seq, err);
    }
    return each != NULL ? each(ctx, &record, err) : 0;
}

int fy_store_rows(fy_store *store, fy_link *at, int64_t most, fy_record_fn each, void *ctx,
                  fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_RECORD_LIST];
    int status = 0;
    int rc;

    sqlite3_bind_int64(stmt, 1, at->seq);
    sqlite3_bind_int64(stmt, 2, most);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && status == 0) {
        status = take_row(store, stmt, at, each, ctx, err);
        if (status != 0) {
            break;
        }
    }
    if (status == 0 && rc != SQLITE_DONE) {
        status = fy_store_sql_fail(store, "read", err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

int fy_store_read(fy_store *store, int64_t after, int64_t most, fy_record_fn each, void *ctx,
                  fy_err *err)
{
    int64_t left = most;
    fy_link at = {0};
    int status = fy_store_refuse(store, err);

    if (status == 0 && after < store->base.seq) {
        status = fy_store_archive_read(store, after, &left, each, ctx, err);
        after = store->base.seq;
    }
    if (status != 0 || left == 0 || after >= store->committed) {
        return status;
    }
    status = fy_store_link_get(store, after, &at, err);
    return status == 0 ? fy_store_rows(store, &at, left, each, ctx, err) : status;
}

int fy_store_snapshot_get(fy_store *store, const void **bytes, size_t *len, int64_t *seq,
                          fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_SNAPSHOT_LIST];
    int status = fy_store_refuse(store, err);
    int rc = SQLITE_DONE;

    *bytes = NULL;
    *len = 0;
    *seq = 0;
    while (status == 0 && *bytes == NULL && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint8_t hash[FY_HASH_BYTES];
        const void *blob = sqlite3_column_blob(stmt, 1);
        size_t n = (size_t)sqlite3_column_bytes(stmt, 1);

        fy_chain_bytes(hash, blob, n);
        if (sqlite3_column_bytes(stmt, 2) != FY_HASH_BYTES ||
            memcmp(hash, sqlite3_column_blob(stmt, 2), FY_HASH_BYTES) != 0) {
            fy_store_warn(store, "the snapshot after record %lld is broken and was passed over",
                          (long long)sqlite3_column_int64(stmt, 0));
            continue;
        }
        fy_str_clear(&store->out);
        fy_str_add(&store->out, blob != NULL ? blob : "", n);
        *bytes = store->out.text;
        *len = n;
        *seq = sqlite3_column_int64(stmt, 0);
    }
    if (status == 0 && rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = fy_store_sql_fail(store, "read a snapshot of", err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}
