/* SPDX-License-Identifier: MIT */
/* The live history as lines: what `fuyao serve` has in its state folder. */
#include "base/arena.h"
#include "cli/replay.h"
#include "daemon/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_database(const char *path)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL */
    char bytes[sizeof magic] = "";
    FILE *file = fopen(path, "rb");
    size_t n = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;

    if (file != NULL) {
        (void)fclose(file); /* it was only read */
    }
    return n == sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

char *replay_state_folder(const char *path)
{
    struct stat info;
    const char *slash = strrchr(path, '/');

    if (stat(path, &info) != 0) {
        return NULL;
    }
    if (S_ISDIR(info.st_mode)) {
        return strdup(path);
    }
    if (!S_ISREG(info.st_mode) || !is_database(path)) {
        return NULL;
    }
    return slash != NULL ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
}

/* Much at a time: where the archive is read from again, its file is read from its beginning. */
enum { FILL_BYTES = 32 << 20, ENOUGH = 1 };

static int take(void *ctx, const fy_record *record, fy_err *err)
{
    replay_file *file = ctx;

    (void)err;
    file->buffer = fy_grow(file->buffer, &file->room, file->end + record->len + 1, 1);
    memcpy(file->buffer + file->end, record->line, record->len);
    file->buffer[file->end + record->len] = '\n';
    file->end += record->len + 1;
    file->filled = record->seq;
    return file->end >= FILL_BYTES ? ENOUGH : 0;
}

int64_t replay_state_fill(replay_file *file, fy_err *err)
{
    size_t before = file->end;
    int status = fy_store_read(file->store, file->filled, -1, take, file, err);

    /* What came before an error is handed out first; the next call meets it again. */
    return status < 0 && file->end == before ? status : (int64_t)(file->end - before);
}
