/* SPDX-License-Identifier: MIT */
/*
 * A copy of a state while a daemon goes on. The source is opened for reading only and pinned to one
 * view: it never writes, nor copies the log, so that the one writer stays one (two that copy the
 * log at once can corrupt a database of SQLite's before 3.51.3).
 */
#include "daemon/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int copy_database(const fy_store *from, const char *path, fy_err *err)
{
    sqlite3 *to = NULL;
    sqlite3_backup *backup;
    sqlite3_stmt *check = NULL;
    bool whole = false;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    int status;

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(to, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    }
    backup = rc == SQLITE_OK ? sqlite3_backup_init(to, "main", from->db, "main") : NULL;
    if (backup != NULL) {
        (void)sqlite3_backup_step(backup, -1);
        rc = sqlite3_backup_finish(backup);
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_errcode(to);
    }
    if (rc == SQLITE_OK) {
        whole = sqlite3_prepare_v2(to, "PRAGMA quick_check(1)", -1, &check, NULL) == SQLITE_OK &&
                sqlite3_step(check) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;
        (void)sqlite3_finalize(check);
    }
    status = rc != SQLITE_OK ? fy_fail(err, FY_EIO, "cannot write %s: %s", path, sqlite3_errstr(rc))
             : !whole        ? fy_fail(err, FY_EPARSE, "%s: the copy is not sound", path)
                             : 0;
    (void)sqlite3_close(to);
    return status;
}

typedef struct copying {
    const fy_store *from;
    const char *to; /* folder */
    fy_err *err;
} copying;

static int copy_file(const fy_files *files, const char *from, const char *to)
{
    enum { COPY_BYTES = 1 << 16 };
    char *bytes = malloc(COPY_BYTES);
    int in = bytes != NULL ? files->open(files->ctx, from) : -ENOMEM;
    int out = in >= 0 ? files->create(files->ctx, to, false) : in;
    int64_t n = out >= 0 ? 1 : out;

    while (out >= 0 && n > 0) {
        n = files->read(files->ctx, in, bytes, COPY_BYTES);
        if (n > 0) {
            int wrote = files->write(files->ctx, out, bytes, (size_t)n);

            n = wrote == 0 ? n : wrote;
        }
    }
    n = n == 0 ? files->sync(files->ctx, out) : n;
    if (in >= 0) {
        files->close(files->ctx, in);
    }
    if (out >= 0) {
        files->close(files->ctx, out);
    }
    free(bytes);
    return (int)n;
}

static int copy_name(void *arg, const char *name)
{
    copying *c = arg;
    const fy_files *files = c->from->files;
    fy_str from = {0};
    fy_str to = {0};
    int64_t first;
    int status = 0;

    if (!fy_store_archive_first(name, &first) || first > c->from->base.seq) {
        return 0;
    }
    fy_str_printf(&from, "%s/archive/%s", c->from->folder, name);
    fy_str_printf(&to, "%s/archive/%s", c->to, name);
    status = copy_file(files, from.text, to.text);
    if (status != 0) {
        (void)fy_fail(c->err, FY_EIO, "cannot copy %s to %s: %s", from.text, to.text,
                      strerror(-status));
    }
    fy_str_free(&from);
    fy_str_free(&to);
    return status;
}

static int sync_copy(const fy_files *files, const char *partial, const char *to, fy_err *err)
{
    fy_str path = {0};
    int status;

    fy_str_printf(&path, "%s/archive", partial);
    status = files->sync_folder(files->ctx, path.text);
    status = status == 0 ? files->sync_folder(files->ctx, partial) : status;
    status = status == 0 ? files->rename(files->ctx, partial, to) : status;
    fy_str_clear(&path);
    fy_str_printf(&path, "%s/..", to);
    status = status == 0 ? files->sync_folder(files->ctx, path.text) : status;
    fy_str_free(&path);
    return status == 0 ? 0 : fy_fail(err, FY_EIO, "cannot finish %s: %s", to, strerror(-status));
}

static int copy_all(fy_store *from, const char *partial, fy_err *err)
{
    const fy_files *files = from->files;
    copying c = {.from = from, .to = partial, .err = err};
    fy_str path = {0};
    int status = files->make_folder(files->ctx, partial);

    fy_str_printf(&path, "%s/archive", partial);
    status = status >= 0 ? files->make_folder(files->ctx, path.text) : status;
    if (status < 0) {
        status = fy_fail(err, FY_EIO, "cannot make %s: %s", path.text, strerror(-status));
        fy_str_free(&path);
        return status;
    }
    fy_str_clear(&path);
    fy_str_printf(&path, "%s/state.db", partial);
    (void)files->remove(files->ctx, path.text);          /* of a backup that was broken off */
    status = files->create(files->ctx, path.text, true); /* for its mode */
    if (status >= 0) {
        files->close(files->ctx, status);
        status = copy_database(from, path.text, err);
    } else {
        status = fy_fail(err, FY_EIO, "cannot make %s: %s", path.text, strerror(-status));
    }
    fy_str_clear(&path);
    fy_str_printf(&path, "%s/archive", from->folder);
    if (status == 0 && from->base.seq > 0) {
        (void)fy_fail(err, FY_EIO, "cannot read %s", path.text);
        status = files->each(files->ctx, path.text, copy_name, &c) == 0 ? 0 : FY_EIO;
    }
    fy_str_free(&path);
    return status;
}

int fy_store_backup(const char *folder, const char *to, fy_err *err)
{
    fy_store_options options = {.folder = folder, .read_only = true};
    const fy_files *files = &fy_files_system;
    fy_store *from = NULL;
    fy_str partial = {0};
    int there = files->open(files->ctx, to);
    int status;

    if (there != -ENOENT) {
        if (there >= 0) {
            files->close(files->ctx, there);
        }
        return fy_fail(err, FY_EINVAL, "%s is there already: name a folder that is not", to);
    }
    status = fy_store_open(&from, &options, err);
    if (status != 0) {
        return status;
    }
    fy_str_printf(&partial, "%s.partial", to);
    status = copy_all(from, partial.text, err);
    status = status == 0 ? sync_copy(files, partial.text, to, err) : status;
    fy_str_free(&partial);
    fy_store_close(from);
    return status;
}
