/* SPDX-License-Identifier: MIT */
/* Ended jobs and access tokens: rows that are no part of the chain. */
#include "daemon/store_internal.h"

#include <inttypes.h>
#include <string.h>

/* Without memory for it SQLite hands out NULL, and says so afterwards: see `fine`. */
static const char *text(sqlite3_stmt *stmt, int column)
{
    const char *it = (const char *)sqlite3_column_text(stmt, column);

    return it != NULL ? it : "";
}

static bool fine(const fy_store *store)
{
    return sqlite3_errcode(store->db) != SQLITE_NOMEM;
}

int fy_store_past_get(fy_store *store, int64_t id, const char **json, fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_PAST_GET];
    int status = fy_store_refuse(store, err);
    int rc;

    *json = NULL;
    if (status != 0) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, id);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        fy_str_clear(&store->out);
        fy_str_puts(&store->out, text(stmt, 0));
        *json = fine(store) ? store->out.text : NULL;
        status = fine(store) ? 0 : fy_store_sql_fail(store, "read", err);
    } else if (rc != SQLITE_DONE) {
        status = fy_store_sql_fail(store, "read", err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

int fy_store_past_list(fy_store *store, int64_t before, int most, const char *tenant,
                       fy_past_fn each, void *ctx, fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[tenant != NULL ? FY_SQL_PAST_LIST_TENANT : FY_SQL_PAST_LIST];
    int status = fy_store_refuse(store, err);
    int rc = SQLITE_DONE;

    if (status != 0) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, before >= 0 ? before : INT64_MAX);
    sqlite3_bind_int(stmt, 2, most);
    if (tenant != NULL) {
        sqlite3_bind_text(stmt, 3, tenant, -1, SQLITE_STATIC);
    }
    while (status == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        fy_past_job job = {.id = sqlite3_column_int64(stmt, 0),
                           .submit_us = sqlite3_column_int64(stmt, 1),
                           .end_us = sqlite3_column_int64(stmt, 2),
                           .tenant = text(stmt, 3),
                           .name = text(stmt, 4),
                           .state = text(stmt, 5),
                           .json = text(stmt, 6)};

        status = fine(store) ? each(ctx, &job, err) : fy_store_sql_fail(store, "read", err);
    }
    if (status == 0 && rc != SQLITE_DONE) {
        status = fy_store_sql_fail(store, "read", err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

/* ------------------------------------------------------------------ tokens */

static int check_token(const fy_token *token, fy_err *err)
{
    uint8_t hash[FY_HASH_BYTES];

    if (token->name[0] == '\0' || token->tenant[0] == '\0') {
        return fy_fail(err, FY_EINVAL, "a token needs a name and a tenant");
    }
    if (token->uid <= 0) {
        return fy_fail(err, FY_EINVAL, "token %s: its user id must be above 0, not %" PRId64,
                       token->name, token->uid);
    }
    if (strcmp(token->scope, "read") != 0 && strcmp(token->scope, "submit") != 0 &&
        strcmp(token->scope, "operate") != 0) {
        return fy_fail(err, FY_EINVAL, "token %s: scope %s is none of read, submit, operate",
                       token->name, token->scope);
    }
    if (!fy_chain_unhex(hash, token->hash, strlen(token->hash))) {
        return fy_fail(err, FY_EINVAL, "token %s: its hash must be 64 hex digits", token->name);
    }
    return 0;
}

int fy_store_token_put(fy_store *store, const fy_token *token, fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_TOKEN_PUT];
    int status = fy_store_refuse(store, err);

    status = status == 0 ? check_token(token, err) : status;
    if (status != 0) {
        return status;
    }
    sqlite3_bind_text(stmt, 1, token->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, token->tenant, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, token->scope, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 4, token->uid);
    sqlite3_bind_text(stmt, 5, token->hash, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 6, token->created_us);
    return fy_store_step(store, FY_SQL_TOKEN_PUT) ? 0 : fy_store_die(store, "write", err);
}

int fy_store_token_drop(fy_store *store, const char *name, fy_err *err)
{
    int status = fy_store_refuse(store, err);

    if (status != 0) {
        return status;
    }
    sqlite3_bind_text(store->sql[FY_SQL_TOKEN_DROP], 1, name, -1, SQLITE_STATIC);
    if (!fy_store_step(store, FY_SQL_TOKEN_DROP)) {
        return fy_store_die(store, "write", err);
    }
    return sqlite3_changes(store->db) > 0
               ? 0
               : fy_fail(err, FY_ENOENT, "there is no token named %s", name);
}

int fy_store_token_list(fy_store *store, fy_token_fn each, void *ctx, fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_TOKEN_LIST];
    int status = fy_store_refuse(store, err);
    int rc = SQLITE_DONE;

    while (status == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        fy_token token = {.name = text(stmt, 0),
                          .tenant = text(stmt, 1),
                          .scope = text(stmt, 2),
                          .uid = sqlite3_column_int64(stmt, 3),
                          .hash = text(stmt, 4),
                          .created_us = sqlite3_column_int64(stmt, 5)};

        status = fine(store) ? each(ctx, &token, err) : fy_store_sql_fail(store, "read", err);
    }
    if (status == 0 && rc != SQLITE_DONE) {
        status = fy_store_sql_fail(store, "read", err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}
