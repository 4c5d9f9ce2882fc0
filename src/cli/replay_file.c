/* SPDX-License-Identifier: MIT */
/* A journal line by line: bytes, not text, so that a NUL or a missing newline is seen. */
#include "base/arena.h"
#include "cli/replay.h"
#include "daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 1 << 18, LONGEST_LINE = 1 << 28 };

static int open_state(replay_file *file, const char *folder, fy_err *err)
{
    fy_store_options options = {.folder = folder, .read_only = true};

    return fy_store_open(&file->store, &options, err);
}

int replay_file_open(replay_file *file, const char *path, fy_err *err)
{
    char *folder = strcmp(path, "-") != 0 ? replay_state_folder(path) : NULL;
    const char *line = "";
    size_t len = 0;
    size_t want = strlen(fy_journal_header) - 1;
    int status;

    *file = (replay_file){.path = strcmp(path, "-") == 0 ? "standard input" : path};
    if (folder != NULL) {
        status = open_state(file, folder, err);
        free(folder);
        return status;
    }
    file->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file->file == NULL) {
        return fy_fail(err, errno == ENOENT ? FY_ENOENT : FY_EIO, "cannot read %s: %s", path,
                       strerror(errno));
    }
    status = replay_file_next(file, &line, &len, err);
    if (status < 0 && status != FY_EPARSE && status != FY_ERANGE) {
        return status;
    }
    if (status != REPLAY_LINE || len != want || memcmp(line, fy_journal_header, want) != 0) {
        return fy_fail(err, FY_EPARSE, "%s:1: not a journal: its first line must be \"%.*s\"",
                       file->path, (int)want, fy_journal_header);
    }
    return 0;
}

/* More bytes after those not yet handed out. Returns how many, 0 at the end, or FY_EIO. */
static int64_t fill(replay_file *file, fy_err *err)
{
    size_t n;

    if (file->end > file->begin) {
        memmove(file->buffer, file->buffer + file->begin, file->end - file->begin);
    }
    file->end -= file->begin;
    file->begin = 0;
    if (file->store != NULL) {
        return replay_state_fill(file, err);
    }
    file->buffer = fy_grow(file->buffer, &file->room, file->end + READ_BYTES, 1);
    errno = 0;
    n = fread(file->buffer + file->end, 1, READ_BYTES, file->file);
    file->end += n;
    if (n == 0 && ferror(file->file) != 0) {
        return fy_fail(err, FY_EIO, "cannot read %s: %s", file->path, strerror(errno));
    }
    return (int64_t)n;
}

static int next_line(replay_file *file, const char **line, size_t *len, fy_err *err)
{
    size_t seen = 0;

    file->line++;
    for (;;) {
        size_t have = file->end - file->begin;
        const char *from = have > 0 ? file->buffer + file->begin : file->buffer;
        const char *eol = have > seen ? memchr(from + seen, '\n', have - seen) : NULL;
        int64_t more;

        if (eol != NULL) {
            *line = from;
            *len = (size_t)(eol - from);
            file->begin += *len + 1;
            return REPLAY_LINE;
        }
        if (have > LONGEST_LINE) {
            return fy_fail(err, FY_ERANGE, "%s:%lld: this line is too long for any event",
                           file->path, (long long)file->line);
        }
        seen = have;
        more = fill(file, err);
        if (more < 0) {
            return (int)more;
        }
        if (more == 0 && have == 0) {
            return REPLAY_END;
        }
        if (more == 0) {
            return fy_fail(err, FY_EPARSE, "%s:%lld: the last line is cut off: it has no newline",
                           file->path, (long long)file->line);
        }
    }
}

/* An archive's file that begins in the middle of a history cannot be replayed alone. */
static int check_note(const replay_file *file, const char *line, size_t len, fy_err *err)
{
    char text[64];
    long long first = 0;

    (void)snprintf(text, sizeof text, "%.*s", (int)(len < 60 ? len : 60), line);
    if (sscanf(text, "# records from %lld,", &first) == 1 && first > 1) {
        return fy_fail(err, FY_EINVAL,
                       "%s begins with record %lld of a longer history: name the state folder",
                       file->path, first);
    }
    return REPLAY_LINE;
}

int replay_file_next(replay_file *file, const char **line, size_t *len, fy_err *err)
{
    int got;

    do {
        got = next_line(file, line, len, err);
        if (got == REPLAY_LINE && file->line == 2 && *len > 0 && **line == '#') {
            got = check_note(file, *line, *len, err);
        }
    } while (got == REPLAY_LINE && *len > 0 && **line == '#');
    return got;
}

void replay_file_close(replay_file *file)
{
    if (file->file != NULL && file->file != stdin) {
        (void)fclose(file->file); /* it was only read */
    }
    fy_store_close(file->store);
    free(file->buffer);
}
