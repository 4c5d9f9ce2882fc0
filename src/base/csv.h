/* SPDX-License-Identifier: MIT */
/*
 * A reader of tables in text: comma, tab or bar between fields, one row a line, as a stream in
 * constant memory. Quoted fields (RFC 4180: "a ""b""", line breaks inside allowed), CRLF, a UTF-8
 * byte order mark, blank lines and a last line without a line feed are understood; a NUL byte, a
 * quote inside an unquoted field, text behind a closing quote and a quote that is never closed are
 * errors with file:line. Blanks belong to the field. It refuses to guess: no separators detected,
 * no type inferred, no short row filled up.
 */
#ifndef FUYAO_BASE_CSV_H
#define FUYAO_BASE_CSV_H

#include "fuyao/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Part of the reader's buffer, NUL-terminated (a NUL never occurs inside). */
typedef struct fy_field {
    const char *text;
    size_t len;
} fy_field;

typedef struct fy_csv {
    char *name;       /* for messages; owned */
    char separator;   /* '\n' = none: a line is one field */
    bool quotes;      /* a leading '"' quotes a field */
    int64_t line;     /* line on which the current row starts, from 1 */
    fy_field *fields; /* [n_fields] of the current row; borrowed until the next call */
    int n_fields;
    fy_field *header; /* [n_header] after fy_csv_header; owned */
    int n_header;
    bool broken; /* the last error is about the stream, not the row: no further row */

    FILE *file; /* NULL: all of it is in the buffer */
    bool close_file;
    bool eof;
    char *buffer; /* owned; [room + 1] */
    size_t room, start, end;
    int64_t next_line;
    size_t field_room;
    size_t *begins; /* offsets of fields while a quoted row may still move; owned */
    size_t begin_room;
} fy_csv; /* zero-initialised is valid and empty */

/*
 * Open `path` ("-" = standard input), or a copy of `len` bytes in memory called `name`. The caller
 * may then set `separator` and `quotes` (',' and true).
 * Errors: FY_ENOENT, FY_EIO.
 */
int fy_csv_open(fy_csv *csv, const char *path, fy_err *err) FY_NODISCARD;
int fy_csv_open_bytes(fy_csv *csv, const char *name, const void *bytes, size_t len,
                      fy_err *err) FY_NODISCARD;
void fy_csv_close(fy_csv *csv);

/*
 * Look at the first line that is not blank without taking it: *line is borrowed until the next
 * call, without its line break, cut at 64 KiB. Returns 1, 0 at the end, or an error.
 */
int fy_csv_peek(fy_csv *csv, fy_field *line, fy_err *err) FY_NODISCARD;

/*
 * The next row that is not blank: 1 and `fields`, 0 at the end, or an error with "file:line: ...".
 * After fy_csv_header a row whose number of fields differs from the header's is FY_EPARSE. After
 * an error the next call goes on behind the row, unless `broken` is set.
 */
int fy_csv_next(fy_csv *csv, fy_err *err) FY_NODISCARD;

/* Take the next row as header: names must be unique and not empty. Returns as fy_csv_next. */
int fy_csv_header(fy_csv *csv, fy_err *err) FY_NODISCARD;

/* Index of the column called `name`, or -1. */
int fy_csv_column(const fy_csv *csv, const char *name);

bool fy_field_is(fy_field field, const char *text);

enum { FY_SHOWN = 48 };

/* `field` as it may be shown in a message: cut to fit, unprintable bytes as '?'. Returns `out`. */
const char *fy_field_shown(char out[FY_SHOWN], fy_field field);

#endif
