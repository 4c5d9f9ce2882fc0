/* SPDX-License-Identifier: MIT */
/*
 * What every trace format shares: an open trace, the table of a format's reader, and typed access
 * to the fields of the current row. To add a format, write one file with a `fy_reader` and name it
 * in trace.c. A row function starts from fy_job_spec_default and fills in what the row states; it
 * never guesses, clamps or leaves out.
 */
#ifndef FUYAO_TRACE_READER_H
#define FUYAO_TRACE_READER_H

#include "base/arena.h"
#include "base/csv.h"
#include "base/num.h"
#include "base/str.h"
#include "fuyao/trace.h"
#include "trace/chips.h"
#include "trace/names.h"

typedef struct fy_column {
    const char *name;
    bool needed; /* the format is recognised by its needed columns */
} fy_column;

enum { FY_MAX_COLUMNS = 40 };

typedef struct fy_reader {
    const char *name, *tested;
    char separator;
    bool quotes;
    const fy_column *columns; /* ended by a NULL name */
    bool only_columns;        /* a header with any other column is refused */
    bool streamed;            /* rows must be in order of submission; else read whole and sorted */
    bool relative;            /* instants are shifted so that the first submission is 0 */
    bool named;               /* job names come from the file, so they can occur twice */
    bool (*shape)(const char *line, size_t len); /* the format has no header: recognise a line */
    /* Prepare (rates, state); NULL = nothing to do, and then --rates is refused. */
    int (*open)(fy_trace *trace, fy_err *err);
    /* The current row as a job: 1, 0 if the row is not a job, or an error. */
    int (*row)(fy_trace *trace, fy_job_spec *job, fy_err *err);
    void (*close)(fy_trace *trace); /* NULL = nothing to do */
} fy_reader;

struct fy_trace {
    fy_csv csv;
    const fy_site *site;
    const char *rates_path; /* borrowed while opening */
    const fy_planner *planner;
    bool skip_bad;
    const fy_reader *reader;
    fy_trace_info info;
    fy_arena arena;  /* lives as long as the trace */
    fy_names *names; /* where the reader is `named` or has dependencies */
    fy_chip_lists *lists;
    void *state;                    /* of the reader, in `arena` or freed by close */
    int column[FY_MAX_COLUMNS];     /* index of the reader's i-th column in the file, or -1 */
    fy_accept accept[FY_MAX_CHIPS]; /* of the current row, where it has rates of its own */
    fy_str text;                    /* of the current row: a made-up name */
    int64_t data_rows;              /* rows seen, bad ones included */
    int64_t last_us;                /* submission of the last job handed out */
    char **skipped;                 /* [min(info.skipped, 1000)] */
    size_t skipped_room;
    bool failed; /* an error was returned: no further job */

    fy_job_spec *jobs; /* [n_jobs] of a sorted format, in `arena` but for the array */
    size_t n_jobs, jobs_room, next_job;
    bool loaded;
};

/* All formats, ended by NULL. */
extern const fy_reader *const fy_readers[];
extern const fy_reader fy_reader_canonical, fy_reader_philly, fy_reader_pai, fy_reader_openb,
    fy_reader_spot, fy_reader_gavel, fy_reader_sia, fy_reader_swf, fy_reader_sacct;

/* As fy_trace_open, from `len` bytes of text called `name` in messages. */
int fy_trace_open_bytes(fy_trace **out, const char *name, const void *bytes, size_t len,
                        const fy_trace_options *options, fy_err *err) FY_NODISCARD;

/* The job a row describes before anything is said: any chip, rate 1, no name. */
fy_job_spec fy_row_job(fy_trace *trace);

/* Fail with "file:line: " before the text. */
int fy_row_fail(const fy_trace *trace, fy_err *err, int code, const char *fmt, ...) FY_PRINTF(4, 5);

/*
 * The fields of the current row, by the reader's column number. The first failure is kept in `rc`
 * and in the message; what is returned then lies in the range that was asked for.
 */
typedef struct fy_row {
    const fy_trace *trace;
    fy_err *err;
    int rc; /* 0, or the first error */
} fy_row;

fy_row fy_row_begin(const fy_trace *trace, fy_err *err);
bool fy_row_has(const fy_row *row, int column);       /* the column exists and is not empty */
fy_field fy_row_field(const fy_row *row, int column); /* empty if absent; never NULL */

/* Say that a field is wrong and what would be right: "must be `right`". Returns the code. */
int fy_row_wrong(fy_row *row, int column, int code, const char *right);

/* A number in [low, high], which must be there (int64_t) or may be absent (default `absent`). */
int64_t fy_row_int(fy_row *row, int column, int64_t low, int64_t high);
int64_t fy_row_int_or(fy_row *row, int column, int64_t low, int64_t high, int64_t absent);
double fy_row_double(fy_row *row, int column, double low, double high);

/* Seconds as microseconds, which must be there or may be absent (default `absent`). */
int64_t fy_row_us(fy_row *row, int column, fy_num_round round);
int64_t fy_row_us_or(fy_row *row, int column, fy_num_round round, int64_t absent);

/* Text of 1 to 255 bytes without control bytes, `|` or a leading `#`; "" where absent and allowed.
 */
const char *fy_row_name(fy_row *row, int column);
const char *fy_row_name_or_empty(fy_row *row, int column);

/* Give the job the chips called `names` (separated by `|`; "" = any), rate 1 on each. */
void fy_row_chips(fy_row *row, int column, fy_trace *trace, fy_field names, fy_job_spec *job);

/* Limits that keep sums and products inside 64 bits. */
enum { FY_MAX_WORKERS = 1000000, FY_MAX_DEVICES = 1000000 };
#define FY_MAX_MILLI 1000000000000000
#define FY_MAX_MIB   1000000000000000

/* The job works for `duration_us` on a chip of rate 1. */
void fy_job_set_duration(fy_job_spec *job, int64_t duration_us);

/*
 * Seconds since 1970-01-01 of "YYYY-MM-DD HH:MM:SS" or "YYYY-MM-DDTHH:MM:SS", taken as UTC; false
 * if the text is anything else, or no such day or time.
 */
bool fy_parse_date(const char *text, size_t len, int64_t *out_s);

#endif
