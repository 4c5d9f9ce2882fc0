/* SPDX-License-Identifier: MIT */
/*
 * Old records as files that people and `fuyao replay` can read:
 *
 *     fuyao-journal 1
 *     # records from 1, after 0000...                     hash of the record before
 *     0 chip name=h20-96-sxm5 ...                         a line of the journal
 *     #: {"user":"li",...}                                its body, if it has one; % and newline
 *                                                         as %25 and %0A
 *     #= 5f0c...                                          its hash
 *     # to 50000
 *
 * A file is written beside its place, synced, renamed, and the folder synced, before the database
 * forgets: what a crash leaves half done is done again and gives the same file.
 */
#include "base/arena.h"
#include "daemon/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK_BYTES = 1 << 20, CHUNK_FULL = 1 };

const char fy_store_archive_header[] = "fuyao-journal 1\n";
static const char partial[] = "archive/partial";

void fy_store_archive_drop(fy_store *store)
{
    if (store->archiving.open) {
        store->files->close(store->files->ctx, store->archiving.handle);
    }
    fy_str_free(&store->archiving.text);
    store->archiving = (fy_archiving){0};
}

/* The day of a record: its line begins with microseconds. */
static void day_of(char day[16], const fy_record *record)
{
    time_t s = (time_t)(strtoll(record->line, NULL, 10) / 1000000);
    struct tm tm;

    if (gmtime_r(&s, &tm) == NULL || strftime(day, 16, "%Y-%m-%d", &tm) == 0) {
        (void)snprintf(day, 16, "0000-00-00");
    }
}

static void escape(fy_str *out, const char *bytes, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '%' || bytes[i] == '\n') {
            fy_str_add(out, bytes + from, i - from);
            fy_str_puts(out, bytes[i] == '%' ? "%25" : "%0A");
            from = i + 1;
        }
    }
    fy_str_add(out, bytes + from, len - from);
}

static int add_record(void *ctx, const fy_record *record, fy_err *err)
{
    fy_store *store = ctx;
    fy_archiving *a = &store->archiving;
    char hex[FY_HASH_HEX];
    char day[16];

    (void)err;
    if (record->seq == a->first) {
        day_of(day, record);
        (void)snprintf(a->name, sizeof a->name, "%s-%012" PRId64 ".journal", day, a->first);
    }
    fy_str_add(&a->text, record->line, record->len);
    fy_str_puts(&a->text, "\n");
    if (record->body != NULL) {
        fy_str_puts(&a->text, "#: ");
        escape(&a->text, record->body, record->body_len);
        fy_str_puts(&a->text, "\n");
    }
    fy_chain_hex(hex, a->at.hash);
    fy_str_printf(&a->text, "#= %s\n", hex);
    return a->text.len >= CHUNK_BYTES ? CHUNK_FULL : 0;
}

static int begin(fy_store *store)
{
    fy_archiving *a = &store->archiving;
    char *path = fy_store_path(store, partial);
    char hex[FY_HASH_HEX];
    int handle = store->files->create(store->files->ctx, path, false);

    free(path);
    if (handle < 0) {
        return handle;
    }
    *a = (fy_archiving){.open = true,
                        .handle = handle,
                        .first = store->base.seq + 1,
                        .target = store->snapshots[1],
                        .at = store->base};
    fy_chain_hex(hex, a->at.hash);
    fy_str_printf(&a->text, "%s# records from %" PRId64 ", after %s\n", fy_store_archive_header,
                  a->first, hex);
    return 0;
}

/* The file is whole: it gets its name, and the database may forget. */
static int finish(fy_store *store)
{
    const fy_files *files = store->files;
    char *from = fy_store_path(store, partial);
    char *folder = fy_store_path(store, "archive");
    fy_str to = {0};
    int status;

    fy_str_printf(&to, "%s/%s", folder, store->archiving.name);
    status = files->rename(files->ctx, from, to.text);
    status = status == 0 ? files->sync_folder(files->ctx, folder) : status;
    free(from);
    free(folder);
    fy_str_free(&to);
    return status;
}

/* Some records more. Returns 0, a negative errno, or BROKEN. */
enum { BROKEN = -1000 };

static int write_some(fy_store *store, fy_err *err)
{
    const fy_files *files = store->files;
    fy_archiving *a = &store->archiving;
    int64_t left = a->target - a->at.seq;
    int status =
        fy_store_rows(store, &a->at, left < store->tidy_records ? left : store->tidy_records,
                      add_record, store, err);

    if (status < 0) {
        return BROKEN;
    }
    if (a->at.seq == a->target) {
        fy_str_printf(&a->text, "# to %" PRId64 "\n", a->target);
    }
    status = files->write(files->ctx, a->handle, a->text.text, a->text.len);
    status = status == 0 ? files->sync(files->ctx, a->handle) : status;
    fy_str_clear(&a->text);
    return status;
}

/* The archive now holds what it was to hold. */
static int move_base(fy_store *store, fy_err *err)
{
    sqlite3_stmt *stmt = store->sql[FY_SQL_BASE_PUT];
    fy_link to = store->archiving.at;

    fy_store_archive_drop(store);
    sqlite3_bind_int64(stmt, 1, to.seq);
    sqlite3_bind_blob(stmt, 2, to.hash, FY_HASH_BYTES, SQLITE_STATIC);
    if (!fy_store_step(store, FY_SQL_BASE_PUT)) {
        return fy_store_die(store, "write", err);
    }
    store->base = to;
    return 1;
}

/*
 * One step. A file that cannot be written loses nothing, the records stay in the database: it is a
 * warning, and the next snapshot's turn to try, from an empty file.
 */
static int archive_step(fy_store *store, fy_err *err)
{
    fy_err why = {0};
    int status = store->archiving.open ? 0 : begin(store);

    status = status == 0 ? write_some(store, &why) : status;
    if (status == 0 && store->archiving.at.seq == store->archiving.target) {
        status = finish(store);
        if (status == 0) {
            return move_base(store, err);
        }
    }
    if (status == 0) {
        return 1;
    }
    fy_store_warn(store, "old records stay in the database: cannot write to %.80s/archive: %s",
                  store->folder, status == BROKEN ? why.text : strerror(-status));
    fy_store_archive_drop(store);
    store->no_archive_before = store->snapshots[0];
    return 0;
}

static int drop_rows(fy_store *store, fy_err *err)
{
    int64_t to = store->oldest + store->tidy_records - 1;

    to = to < store->base.seq ? to : store->base.seq;
    sqlite3_bind_int64(store->sql[FY_SQL_RECORD_DROP], 1, to);
    if (!fy_store_step(store, FY_SQL_RECORD_DROP)) {
        return fy_store_die(store, "write", err);
    }
    store->oldest = to + 1;
    return 1;
}

int fy_store_tidy(fy_store *store, fy_err *err)
{
    int status = fy_store_refuse(store, err);

    if (status != 0) {
        return status;
    }
    if (fy_store_log_due(store) > 0) {
        status = fy_store_checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, err);
        return status < 0 ? status : 1;
    }
    if (store->oldest <= store->base.seq) {
        return drop_rows(store, err);
    }
    if (store->archiving.open || (store->snapshots[1] > store->base.seq &&
                                  store->snapshots[0] != store->no_archive_before)) {
        return archive_step(store, err);
    }
    return 0;
}
