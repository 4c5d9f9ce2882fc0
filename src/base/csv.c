/* SPDX-License-Identifier: MIT */
#include "base/csv.h"

#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_BYTES = 256 * 1024,
    MAX_ROW_BYTES = 16 * 1024 * 1024, /* a longer row is not a table */
    MAX_COLUMNS = 4096,
    PEEK_BYTES = 64 * 1024,
};

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(fy_calloc(size, 1), text, size);
}

int fy_csv_open(fy_csv *csv, const char *path, fy_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");

    *csv = (fy_csv){.separator = ',', .quotes = true, .next_line = 1};
    if (file == NULL) {
        return fy_fail(err, errno == ENOENT ? FY_ENOENT : FY_EIO, "%s: cannot be read: %s", path,
                       strerror(errno));
    }
    csv->name = copy_text(standard ? "standard input" : path);
    csv->file = file;
    csv->close_file = !standard;
    csv->room = BUFFER_BYTES;
    csv->buffer = fy_realloc(NULL, csv->room + 1, 1);
    return 0;
}

int fy_csv_open_bytes(fy_csv *csv, const char *name, const void *bytes, size_t len, fy_err *err)
{
    (void)err;
    *csv = (fy_csv){.separator = ',', .quotes = true, .next_line = 1};
    csv->name = copy_text(name);
    csv->eof = true;
    csv->room = len;
    csv->end = len;
    csv->buffer = fy_realloc(NULL, len + 1, 1);
    if (len > 0) {
        memcpy(csv->buffer, bytes, len);
    }
    if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        csv->start = 3;
    }
    return 0;
}

void fy_csv_close(fy_csv *csv)
{
    if (csv->close_file) {
        (void)fclose(csv->file);
    }
    free(csv->name);
    free(csv->fields);
    free(csv->begins);
    free(csv->header);
    free(csv->buffer);
    *csv = (fy_csv){0};
}

static int break_off(fy_csv *csv, fy_err *err, int code, const char *what)
{
    csv->broken = true;
    return fy_fail(err, code, "%s:%lld: %s", csv->name, (long long)csv->next_line, what);
}

static int fail_nul(const fy_csv *csv, fy_err *err)
{
    return fy_fail(err, FY_EPARSE, "%s:%lld: a NUL byte; this is not a text file", csv->name,
                   (long long)csv->line);
}

/* Read more behind what is left, moved to the front. Sets eof at the end. */
static int refill(fy_csv *csv, fy_err *err)
{
    size_t left = csv->end - csv->start;
    bool first = csv->line == 0 && csv->start == 0;
    size_t got;

    if (left > 0 && csv->start > 0) {
        memmove(csv->buffer, csv->buffer + csv->start, left);
    }
    csv->start = 0;
    csv->end = left;
    if (left == csv->room) {
        if (left >= MAX_ROW_BYTES) {
            return break_off(csv, err, FY_EPARSE,
                             "the row is longer than 16 MiB; is this a text table?");
        }
        csv->room *= 2;
        csv->buffer = fy_realloc(csv->buffer, csv->room + 1, 1);
    }
    got = fread(csv->buffer + csv->end, 1, csv->room - csv->end, csv->file);
    csv->end += got;
    if (ferror(csv->file)) {
        csv->broken = true;
        return fy_fail(err, FY_EIO, "%s: cannot be read: %s", csv->name, strerror(errno));
    }
    csv->eof = got == 0 || feof(csv->file);
    if (first && left == 0 && csv->end >= 3 && memcmp(csv->buffer, "\xef\xbb\xbf", 3) == 0) {
        csv->start = 3;
    }
    return 0;
}

/* Offset of the line feed at or behind `from`, or of the end of the input; reads as needed. */
static int find_line_end(fy_csv *csv, size_t from, size_t *length, fy_err *err)
{
    for (;;) {
        const char *line = csv->buffer + csv->start;
        size_t have = csv->end - csv->start;
        const char *lf = have > from ? memchr(line + from, '\n', have - from) : NULL;
        int rc;

        if (lf != NULL) {
            *length = (size_t)(lf - line);
            return 0;
        }
        if (csv->eof) {
            *length = have;
            return 0;
        }
        from = have;
        rc = refill(csv, err);
        if (rc < 0) {
            return rc;
        }
    }
}

static size_t without_return(const char *line, size_t len)
{
    return len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

/* Take blank lines. Returns 1 with the next line's length, 0 at the end, or an error. */
static int skip_blank(fy_csv *csv, size_t *length, fy_err *err)
{
    if (csv->broken) {
        return 0;
    }
    for (;;) {
        int rc = find_line_end(csv, 0, length, err);

        if (rc < 0) {
            return rc;
        }
        if (csv->start + *length == csv->end && *length == 0) {
            return 0;
        }
        if (without_return(csv->buffer + csv->start, *length) > 0) {
            return 1;
        }
        csv->start += *length + (csv->start + *length < csv->end ? 1 : 0);
        csv->next_line++;
    }
}

int fy_csv_peek(fy_csv *csv, fy_field *line, fy_err *err)
{
    size_t length;
    int rc = skip_blank(csv, &length, err);

    if (rc > 0) {
        *line =
            (fy_field){csv->buffer + csv->start, without_return(csv->buffer + csv->start, length)};
        line->len = line->len > PEEK_BYTES ? PEEK_BYTES : line->len;
    }
    return rc;
}

static void add_field(fy_csv *csv, char *text, size_t len)
{
    csv->fields =
        fy_grow(csv->fields, &csv->field_room, (size_t)csv->n_fields + 1, sizeof *csv->fields);
    text[len] = '\0'; /* over the separator, the line break or a closing quote */
    csv->fields[csv->n_fields++] = (fy_field){text, len};
}

/* Bytes of `word` that equal the byte repeated in `pattern`, marked by their high bit; the lowest
 * mark is always right (Mycroft 1987; carries only spoil higher ones). */
static uint64_t marks(uint64_t word, uint64_t pattern)
{
    uint64_t x = word ^ pattern;

    return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

static char *find_separator(char *p, const char *end, char separator)
{
    uint64_t pattern = 0x0101010101010101u * (unsigned char)separator;

    for (; end - p >= 8; p += 8) {
        uint64_t word, found;

        memcpy(&word, p, sizeof word);
        found = marks(word, pattern);
        if (found != 0) {
            return p + __builtin_ctzll(found) / 8;
        }
    }
    while (p < end && *p != separator) {
        p++;
    }
    return p;
}

/* The usual row: no quotes in it. */
static void split_plain(fy_csv *csv, char *line, size_t len)
{
    char *end = line + len;

    for (char *p = line;; p++) {
        char *stop = p < end && *p == csv->separator ? p : find_separator(p, end, csv->separator);

        add_field(csv, p, (size_t)(stop - p));
        p = stop;
        if (p == end) {
            return;
        }
    }
}

/* As add_field, but by offset: the buffer may still move before the row is whole. */
static void add_span(fy_csv *csv, size_t begin, size_t len)
{
    csv->begins =
        fy_grow(csv->begins, &csv->begin_room, (size_t)csv->n_fields + 1, sizeof *csv->begins);
    csv->fields =
        fy_grow(csv->fields, &csv->field_room, (size_t)csv->n_fields + 1, sizeof *csv->fields);
    csv->begins[csv->n_fields] = begin;
    csv->fields[csv->n_fields++].len = len;
}

/*
 * Unquote the field at offset `at` of the row in place. The row may grow over further lines:
 * *length is then moved to the end of the last. *at ends behind the field.
 */
static int split_quoted(fy_csv *csv, size_t *at, size_t *length, int *lines, fy_err *err)
{
    size_t begin = *at + 1, from = begin, to = begin;

    for (;;) {
        char *row = csv->buffer + csv->start;
        int rc;

        if (from == *length) { /* the line ends inside the quotes: take the line feed too */
            if (csv->start + *length >= csv->end && csv->eof) {
                csv->broken = true; /* what was meant to be a row is anyone's guess from here */
                return fy_fail(err, FY_EPARSE, "%s:%lld: a quote is opened and never closed",
                               csv->name, (long long)csv->line);
            }
            rc = find_line_end(csv, *length + 1, length, err);
            if (rc < 0) {
                return rc;
            }
            ++*lines;
            row = csv->buffer + csv->start;
            if (memchr(row + from, '\0', *length - from) != NULL) {
                return fail_nul(csv, err);
            }
            row[to++] = row[from++];
        } else if (row[from] != '"') {
            row[to++] = row[from++];
        } else if (from + 1 < *length && row[from + 1] == '"') {
            row[to++] = '"';
            from += 2;
        } else {
            *at = from + 1;
            add_span(csv, begin, to - begin);
            return 0;
        }
    }
}

static int split_bare(fy_csv *csv, size_t *at, size_t length, fy_err *err)
{
    char *row = csv->buffer + csv->start;
    size_t begin = *at;
    size_t stop = (size_t)(find_separator(row + begin, row + length, csv->separator) - row);

    if (memchr(row + begin, '"', stop - begin) != NULL) {
        return fy_fail(err, FY_EPARSE,
                       "%s:%lld: a quote inside an unquoted field; quote the field and double the "
                       "quote",
                       csv->name, (long long)csv->line);
    }
    *at = stop;
    add_span(csv, begin, stop - begin);
    return 0;
}

/* A row with quotes in it; on return *length covers all its lines, even after an error. */
static int split_mixed(fy_csv *csv, size_t *length, int *lines, fy_err *err)
{
    size_t at = 0;
    char *row;

    for (;;) {
        bool quoted;
        size_t end;
        int rc;

        row = csv->buffer + csv->start;
        quoted = at < *length && row[at] == '"';
        end = without_return(row, *length);
        rc = quoted ? split_quoted(csv, &at, length, lines, err) : split_bare(csv, &at, end, err);
        if (rc < 0) {
            return rc;
        }
        row = csv->buffer + csv->start;
        end = without_return(row, *length);
        if (at >= end) {
            break;
        }
        if (row[at] != csv->separator) {
            return fy_fail(err, FY_EPARSE, "%s:%lld: text behind a closing quote", csv->name,
                           (long long)csv->line);
        }
        at++;
    }
    for (int i = 0; i < csv->n_fields; i++) {
        char *text = row + csv->begins[i];

        text[csv->fields[i].len] = '\0';
        csv->fields[i].text = text;
    }
    return 0;
}

static int check_width(const fy_csv *csv, fy_err *err)
{
    if (csv->n_header > 0 && csv->n_fields != csv->n_header) {
        return fy_fail(err, FY_EPARSE, "%s:%lld: %d fields where the header has %d; is it cut off?",
                       csv->name, (long long)csv->line, csv->n_fields, csv->n_header);
    }
    return 0;
}

int fy_csv_next(fy_csv *csv, fy_err *err)
{
    size_t length;
    char *row;
    int lines = 1;
    int rc = skip_blank(csv, &length, err);

    if (rc <= 0) {
        return rc;
    }
    csv->line = csv->next_line;
    csv->n_fields = 0;
    row = csv->buffer + csv->start;
    if (memchr(row, '\0', length) != NULL) {
        rc = fail_nul(csv, err);
    } else if (csv->quotes && memchr(row, '"', length) != NULL) {
        rc = split_mixed(csv, &length, &lines, err);
    } else {
        split_plain(csv, row, without_return(row, length));
        rc = 0;
    }
    csv->start += length;
    csv->start += csv->start < csv->end ? 1 : 0;
    csv->next_line += lines;
    if (rc == 0) {
        rc = check_width(csv, err);
    }
    return rc < 0 ? rc : 1;
}

int fy_csv_header(fy_csv *csv, fy_err *err)
{
    int rc;
    size_t bytes = 0;
    char *text;

    csv->n_header = 0;
    rc = fy_csv_next(csv, err);
    if (rc <= 0) {
        return rc;
    }
    if (csv->n_fields > MAX_COLUMNS) {
        return fy_fail(err, FY_EPARSE, "%s:%lld: more than %d columns; this is not a table",
                       csv->name, (long long)csv->line, MAX_COLUMNS);
    }
    for (int i = 0; i < csv->n_fields; i++) {
        bytes += sizeof(fy_field) + csv->fields[i].len + 1;
        if (csv->fields[i].len == 0) {
            return fy_fail(err, FY_EPARSE, "%s:%lld: column %d has no name", csv->name,
                           (long long)csv->line, i + 1);
        }
        for (int j = 0; j < i; j++) {
            if (fy_field_is(csv->fields[j], csv->fields[i].text)) {
                char shown[FY_SHOWN];

                return fy_fail(err, FY_EPARSE, "%s:%lld: column '%s' occurs twice", csv->name,
                               (long long)csv->line, fy_field_shown(shown, csv->fields[i]));
            }
        }
    }
    free(csv->header);
    csv->header = fy_calloc(1, bytes);
    text = (char *)(csv->header + csv->n_fields);
    for (int i = 0; i < csv->n_fields; i++) {
        memcpy(text, csv->fields[i].text, csv->fields[i].len + 1);
        csv->header[i] = (fy_field){text, csv->fields[i].len};
        text += csv->fields[i].len + 1;
    }
    csv->n_header = csv->n_fields;
    return 1;
}

int fy_csv_column(const fy_csv *csv, const char *name)
{
    for (int i = 0; i < csv->n_header; i++) {
        if (fy_field_is(csv->header[i], name)) {
            return i;
        }
    }
    return -1;
}

bool fy_field_is(fy_field field, const char *text)
{
    return strlen(text) == field.len && memcmp(field.text, text, field.len) == 0;
}

const char *fy_field_shown(char out[FY_SHOWN], fy_field field)
{
    size_t n = field.len < FY_SHOWN ? field.len : FY_SHOWN - 4;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)field.text[i];

        out[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    strcpy(out + n, n < field.len ? "..." : "");
    return out;
}
