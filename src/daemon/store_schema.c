/* SPDX-License-Identifier: MIT */
/*
 * Tables, settings and statements. The version of the schema is the file's user_version; each step
 * of `steps` leads from one version to the next, all in one transaction.
 */
#include "daemon/store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLICATION_ID = 0x46754a31 }; /* "FuJ1" */

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, line TEXT NOT NULL, body TEXT,"
    " hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE base (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL,"
    " hash BLOB NOT NULL) STRICT;" /* records up to seq are in the archive */
    "INSERT INTO base VALUES (1, 0, zeroblob(32));"
    "CREATE TABLE snapshot (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, hash BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE past (id INTEGER PRIMARY KEY, submit_us INTEGER NOT NULL,"
    " end_us INTEGER NOT NULL, tenant TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,"
    " json TEXT NOT NULL) STRICT;"
    "CREATE INDEX past_tenant ON past (tenant, id);"
    "CREATE TABLE token (name TEXT PRIMARY KEY, tenant TEXT NOT NULL, scope TEXT NOT NULL"
    " CHECK (scope IN ('read', 'submit', 'operate')), uid INTEGER NOT NULL CHECK (uid > 0),"
    " hash TEXT NOT NULL UNIQUE, created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};
enum { SCHEMA = sizeof steps / sizeof steps[0] };

static const char *const sql[FY_N_SQL] = {
    [FY_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [FY_SQL_COMMIT] = "COMMIT",
    [FY_SQL_RECORD_PUT] = "INSERT INTO record VALUES (?1, ?2, ?3, ?4)",
    [FY_SQL_RECORD_GET] = "SELECT hash FROM record WHERE seq = ?1",
    [FY_SQL_RECORD_LIST] =
        "SELECT seq, line, body, hash FROM record WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [FY_SQL_RECORD_DROP] = "DELETE FROM record WHERE seq <= ?1",
    [FY_SQL_BASE_PUT] = "UPDATE base SET seq = ?1, hash = ?2",
    [FY_SQL_SNAPSHOT_PUT] = "INSERT OR REPLACE INTO snapshot VALUES (?1, ?2, ?3)",
    [FY_SQL_SNAPSHOT_DROP] = ("DELETE FROM snapshot WHERE seq NOT IN"
                              " (SELECT seq FROM snapshot ORDER BY seq DESC LIMIT 2)"),
    [FY_SQL_SNAPSHOT_LIST] = "SELECT seq, bytes, hash FROM snapshot ORDER BY seq DESC",
    [FY_SQL_PAST_PUT] = "INSERT OR REPLACE INTO past VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [FY_SQL_PAST_GET] = "SELECT json FROM past WHERE id = ?1",
    [FY_SQL_PAST_LIST] = ("SELECT id, submit_us, end_us, tenant, name, state, json FROM past"
                          " WHERE id < ?1 ORDER BY id DESC LIMIT ?2"),
    [FY_SQL_PAST_LIST_TENANT] = ("SELECT id, submit_us, end_us, tenant, name, state, json FROM past"
                                 " WHERE tenant = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2"),
    [FY_SQL_TOKEN_PUT] = "INSERT OR REPLACE INTO token VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [FY_SQL_TOKEN_DROP] = "DELETE FROM token WHERE name = ?1",
    [FY_SQL_TOKEN_LIST] =
        "SELECT name, tenant, scope, uid, hash, created_us FROM token ORDER BY name",
};

static int exec(fy_store *store, const char *text, const char *what, fy_err *err)
{
    return sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : fy_store_sql_fail(store, what, err);
}

/* The first column of the only row, as a number; -1 where there is none. */
static int64_t ask(fy_store *store, const char *text)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        value = sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_finalize(stmt);
    return value;
}

static int migrate(fy_store *store, int64_t from, fy_err *err)
{
    char text[96];
    int status = exec(store, "BEGIN IMMEDIATE", "start an upgrade", err);

    for (int64_t v = from; status == 0 && v < SCHEMA; v++) {
        status = exec(store, steps[v], "upgrade", err);
    }
    (void)snprintf(text, sizeof text,
                   "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION_ID,
                   SCHEMA);
    return status == 0 ? exec(store, text, "finish an upgrade", err) : status;
}

static int check_schema(fy_store *store, const char *path, fy_err *err)
{
    int64_t version = ask(store, "PRAGMA user_version");
    int64_t tables = ask(store, "SELECT count(*) FROM sqlite_schema");

    if (version < 0 || tables < 0) {
        return fy_store_sql_fail(store, "read", err);
    }
    if (tables > 0 && ask(store, "PRAGMA application_id") != APPLICATION_ID) {
        return fy_fail(err, FY_EINVAL, "%s is a database, but not a state of fuyao's", path);
    }
    if (version > SCHEMA) {
        return fy_fail(err, FY_EINVAL,
                       "%s was written by a newer fuyao (schema %lld, this one knows up to %d): "
                       "run that version, or restore a backup made before the upgrade",
                       path, (long long)version, SCHEMA);
    }
    if (version < SCHEMA && store->read_only) {
        return fy_fail(err, FY_EINVAL,
                       "%s has schema %lld, this fuyao reads %d: `fuyao serve` upgrades it at its "
                       "next start",
                       path, (long long)version, SCHEMA);
    }
    return version < SCHEMA ? migrate(store, version, err) : 0;
}

/*
 * FULL syncs the log at each commit; automatic checkpoints are off because tidy does them when
 * nobody waits, and because SQLite passes over their errors; without memory mapping a bad sector is
 * an error and no signal.
 */
static int settings(fy_store *store, fy_err *err)
{
    static const char writing[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                  "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY";
    static const char both[] = "PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON";
    int status;

    (void)sqlite3_busy_timeout(store->db, 5000); /* a reader may be reading the log for the first
                                                    time after a crash */
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    status = exec(store, both, "set up", err);
    if (status != 0 || store->read_only) {
        return status;
    }
    status = exec(store, writing, "set up", err);
    if (status == 0 && ask(store, "PRAGMA synchronous") != 2) {
        return fy_fail(err, FY_EIO, "SQLite does not take synchronous = FULL");
    }
    return status;
}

int fy_store_prepare(fy_store *store, const char *path, fy_err *err)
{
    int status = settings(store, err);

    /*
     * The log is open now, and nothing was written since. If a process died between making it and
     * its first sync, its name may not be on the disk, and a log of before, that was deleted, may
     * come back when the power fails: it would be laid over a newer database. SQLite syncs the
     * folder only where it made the log itself.
     */
    if (status == 0 && !store->read_only &&
        store->files->sync_folder(store->files->ctx, store->folder) != 0) {
        return fy_fail(err, FY_EIO, "cannot sync the state folder %s", store->folder);
    }
    /* A reader keeps one view of the state from here on. */
    if (status == 0 && store->read_only) {
        status = exec(store, "BEGIN", "read", err);
    }
    status = status == 0 ? check_schema(store, path, err) : status;
    for (int i = 0; status == 0 && i < FY_N_SQL; i++) {
        if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &store->sql[i],
                               NULL) != SQLITE_OK) {
            status = fy_store_sql_fail(store, "prepare", err);
        }
    }
    return status;
}

void fy_store_unprepare(fy_store *store)
{
    for (int i = 0; i < FY_N_SQL; i++) {
        (void)sqlite3_finalize(store->sql[i]);
        store->sql[i] = NULL;
    }
}
