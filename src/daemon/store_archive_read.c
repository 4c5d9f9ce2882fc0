/* SPDX-License-Identifier: MIT */
/* Records out of the archive's files again, each checked against its hash. */
#include "base/arena.h"
#include "base/num.h"
#include "daemon/store_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct archive_name {
    int64_t first;
    char name[48];
} archive_name;

typedef struct archive_names {
    archive_name *names; /* [n] */
    size_t n, room;
} archive_names;

bool fy_store_archive_first(const char *name, int64_t *first)
{
    static const char shape[] = "0000-00-00-";
    const char *number = name + sizeof shape - 1, *end;

    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == '0' ? !isdigit((unsigned char)name[i]) : name[i] != shape[i]) {
            return false;
        }
    }
    end = strchr(number, '.');
    return end != NULL && strcmp(end, ".journal") == 0 &&
           fy_num_int(number, (size_t)(end - number), 1, INT64_MAX, first) == FY_NUM_OK;
}

static int note_name(void *arg, const char *name)
{
    archive_names *names = arg;
    int64_t first;

    if (fy_store_archive_first(name, &first) && strlen(name) < sizeof names->names[0].name) {
        archive_name *slot;

        names->names = fy_grow(names->names, &names->room, names->n + 1, sizeof *names->names);
        slot = &names->names[names->n++];
        slot->first = first;
        memcpy(slot->name, name, strlen(name) + 1);
    }
    return 0;
}

/* The file in which `seq` would be: the one that begins last at or before it. */
static const char *file_of(const archive_names *names, int64_t seq)
{
    const archive_name *best = NULL;

    for (size_t i = 0; i < names->n; i++) {
        const archive_name *it = &names->names[i];

        if (it->first <= seq && (best == NULL || it->first > best->first ||
                                 (it->first == best->first && strcmp(it->name, best->name) > 0))) {
            best = it;
        }
    }
    return best != NULL ? best->name : NULL;
}

typedef struct archive_reader {
    const fy_files *files;
    int handle;
    fy_str buffer;
    size_t begin;
    const char *name;  /* for messages */
    fy_str line, body; /* of the record that is being read */
    bool has_line, has_body;
    fy_link at;
} archive_reader;

/* The next line without its newline; 1, 0 at the end, or an error. */
static int next_line(archive_reader *r, const char **line, size_t *len, fy_err *err)
{
    enum { READ_BYTES = 1 << 16 };

    for (size_t seen = 0;;) {
        size_t have = r->buffer.len - r->begin;
        const char *from = have > 0 ? r->buffer.text + r->begin : "";
        const char *eol = have > seen ? memchr(from + seen, '\n', have - seen) : NULL;
        char more[READ_BYTES];
        int64_t n;

        if (eol != NULL) {
            *line = from;
            *len = (size_t)(eol - from);
            r->begin += *len + 1;
            return 1;
        }
        seen = have;
        if (r->begin > 0 && have > 0) {
            memmove(r->buffer.text, r->buffer.text + r->begin, have);
        }
        r->buffer.len = have;
        r->begin = 0;
        n = r->files->read(r->files->ctx, r->handle, more, sizeof more);
        if (n < 0) {
            return fy_fail(err, FY_EIO, "cannot read %s: %s", r->name, strerror((int)-n));
        }
        if (n == 0) {
            return have == 0 ? 0
                             : fy_fail(err, FY_EPARSE,
                                       "%s is cut off: its last line has no newline", r->name);
        }
        fy_str_add(&r->buffer, more, (size_t)n);
    }
}

static void unescape(fy_str *out, const char *bytes, size_t len)
{
    fy_str_clear(out);
    for (size_t i = 0; i < len; i++) {
        bool code = bytes[i] == '%' && i + 2 < len;

        if (code && memcmp(bytes + i, "%0A", 3) == 0) {
            fy_str_puts(out, "\n");
            i += 2;
        } else if (code && memcmp(bytes + i, "%25", 3) == 0) {
            fy_str_puts(out, "%");
            i += 2;
        } else {
            fy_str_add(out, bytes + i, 1);
        }
    }
}

/* "# records from N, after HASH" */
static bool read_begin(archive_reader *r, const char *line, size_t len)
{
    static const char before[] = "# records from ", between[] = ", after ";
    const size_t n_before = sizeof before - 1, n_between = sizeof between - 1;
    const char *number = line + n_before, *comma, *hex;
    int64_t first;

    if (len < n_before || memcmp(line, before, n_before) != 0) {
        return false;
    }
    comma = memchr(number, ',', len - n_before);
    if (comma == NULL || (size_t)(line + len - comma) < n_between) {
        return false;
    }
    hex = comma + n_between;
    if (memcmp(comma, between, n_between) != 0 ||
        fy_num_int(number, (size_t)(comma - number), 1, INT64_MAX, &first) != FY_NUM_OK ||
        !fy_chain_unhex(r->at.hash, hex, (size_t)(line + len - hex))) {
        return false;
    }
    r->at.seq = first - 1;
    return true;
}

/* Its two first lines. */
static int read_head(archive_reader *r, fy_err *err)
{
    const char *line = NULL;
    size_t len = 0;
    int got = next_line(r, &line, &len, err);

    if (got < 0) {
        return got;
    }
    if (got == 1 && line != NULL && len + 1 == strlen(fy_store_archive_header) &&
        memcmp(line, fy_store_archive_header, len) == 0) {
        got = next_line(r, &line, &len, err);
        if (got == 1 && read_begin(r, line, len)) {
            return 0;
        }
    }
    return got < 0 ? got
                   : fy_fail(err, FY_EPARSE,
                             "%s is no archive of a fuyao state: its first two lines "
                             "are not what they should be",
                             r->name);
}

/* A whole record, or 0 at the end. */
static int next_record(archive_reader *r, fy_record *record, fy_err *err)
{
    uint8_t hash[FY_HASH_BYTES];
    const char *line = NULL;
    size_t len = 0;
    int got;

    while ((got = next_line(r, &line, &len, err)) == 1) {
        if (len >= 3 && memcmp(line, "#: ", 3) == 0) {
            unescape(&r->body, line + 3, len - 3);
            r->has_body = true;
        } else if (len >= 3 && memcmp(line, "#= ", 3) == 0 && r->has_line) {
            const char *body = r->has_body ? (r->body.len > 0 ? r->body.text : "") : NULL;

            fy_chain(&r->at, r->line.text, r->line.len, body, r->has_body ? r->body.len : 0);
            if (!fy_chain_unhex(hash, line + 3, len - 3) ||
                memcmp(hash, r->at.hash, FY_HASH_BYTES) != 0) {
                return fy_chain_broken(r->name, r->at.seq, err);
            }
            *record = (fy_record){.seq = r->at.seq,
                                  .line = r->line.text,
                                  .len = r->line.len,
                                  .body = body,
                                  .body_len = r->has_body ? r->body.len : 0};
            r->has_line = r->has_body = false;
            return 1;
        } else if (len > 0 && line[0] != '#') {
            if (r->has_line) {
                return fy_chain_broken(r->name, r->at.seq + 1, err);
            }
            fy_str_clear(&r->line);
            fy_str_add(&r->line, line, len);
            r->has_line = true;
        }
    }
    return got;
}

/* Hand out what one file has after `at`; *at moves on. */
static int read_file(fy_store *store, const char *name, fy_link *at, bool known, int64_t *left,
                     fy_record_fn each, void *ctx, fy_err *err)
{
    archive_reader r = {.files = store->files, .name = name};
    fy_str path = {0};
    fy_record record = {0};
    int status;

    fy_str_printf(&path, "%s/archive/%s", store->folder, name);
    r.handle = r.files->open(r.files->ctx, path.text);
    if (r.handle < 0) {
        status = fy_fail(err, FY_EIO, "cannot read %s: %s", path.text, strerror(-r.handle));
        fy_str_free(&path);
        return status;
    }
    status = read_head(&r, err);
    if (status == 0 && known && r.at.seq == at->seq &&
        memcmp(r.at.hash, at->hash, FY_HASH_BYTES) != 0) {
        status = fy_chain_broken(name, r.at.seq, err);
    }
    while (status == 0 && *left != 0 && r.at.seq < store->base.seq) {
        int got = next_record(&r, &record, err);

        if (got <= 0) {
            status = got;
            break;
        }
        if (record.seq > at->seq) {
            status = each(ctx, &record, err);
            *left -= *left > 0;
        }
    }
    if (r.at.seq > at->seq) {
        *at = r.at;
    }
    r.files->close(r.files->ctx, r.handle);
    fy_str_free(&path);
    fy_str_free(&r.buffer);
    fy_str_free(&r.line);
    fy_str_free(&r.body);
    return status;
}

int fy_store_archive_read(fy_store *store, int64_t after, int64_t *left, fy_record_fn each,
                          void *ctx, fy_err *err)
{
    archive_names names = {0};
    fy_link at = {.seq = after};
    bool known = after == 0;
    char *folder = fy_store_path(store, "archive");
    int status = store->files->each(store->files->ctx, folder, note_name, &names);

    if (status != 0 && status != -ENOENT) {
        status = fy_fail(err, FY_EIO, "cannot read %s: %s", folder, strerror(-status));
    } else {
        status = 0;
    }
    while (status == 0 && *left != 0 && at.seq < store->base.seq) {
        const char *name = file_of(&names, at.seq + 1);
        int64_t before = at.seq;

        status = name != NULL ? read_file(store, name, &at, known, left, each, ctx, err) : 0;
        known = true;
        if (status == 0 && at.seq == before && *left != 0) {
            status = fy_fail(err, FY_ENOENT,
                             "%s: no file holds record %lld: put the archive files of this state "
                             "back (docs/operate.md, Recovery)",
                             folder, (long long)before + 1);
        }
    }
    if (status == 0 && at.seq == store->base.seq &&
        memcmp(at.hash, store->base.hash, FY_HASH_BYTES) != 0) {
        status = fy_chain_broken(folder, at.seq, err);
    }
    free(names.names);
    free(folder);
    return status;
}
