/* SPDX-License-Identifier: MIT */
/*
 * The fields of a submission, one table for reading, writing and naming them. Used by the reader,
 * the writer and their tests; nobody else.
 */
#ifndef FUYAO_DAEMON_SUBMISSION_FIELDS_H
#define FUYAO_DAEMON_SUBMISSION_FIELDS_H

#include "daemon/submission.h"

typedef enum fy_field_kind {
    FY_FIELD_LINE,    /* text of low..high bytes without control characters */
    FY_FIELD_PATH,    /* the same, absolute */
    FY_FIELD_PATTERN, /* the same with %j %A %a %x %% only */
    FY_FIELD_SCRIPT,  /* text with newlines */
    FY_FIELD_WORDS,   /* args */
    FY_FIELD_PAIRS,   /* environment */
    FY_FIELD_CHIPS,
    FY_FIELD_IDS,     /* after */
    FY_FIELD_INDICES, /* array */
    FY_FIELD_PRIORITY,
    FY_FIELD_LAUNCH,
    FY_FIELD_SIGNAL,
    FY_FIELD_FLAG,  /* bool */
    FY_FIELD_INT,   /* int, low..high */
    FY_FIELD_INT64, /* int64_t, low..high */
    FY_FIELD_REAL   /* double, > 0, at most 1e18 */
} fy_field_kind;

typedef struct fy_submission_field {
    const char *name;
    fy_field_kind kind;
    size_t at, count_at; /* offsets in fy_submission; count_at of lists only */
    int64_t low, high;   /* of numbers the range, of texts the length, of lists the count */
} fy_submission_field;

extern const fy_submission_field fy_submission_fields[]; /* canonical order */
extern const int fy_submission_n_fields;

/* FY_EINVAL: no such field; names those there are, most alike first, as many as the line holds. */
int fy_submission_unknown(const char *key, fy_err *err);

/* The signal named "USR1", "SIGUSR1" or "10"; 0 = none. */
int fy_signal_of(const char *name);
/* Its name without SIG, NULL for a number without one. */
const char *fy_signal_name(int signo);

/* Offset of the first control character (C0, DEL, in UTF-8 C1, U+2028 to U+202E, U+2066 to U+2069:
 * what ends a line or turns it round) in `text`, or -1. */
long fy_text_control(const char *text, size_t len);

/* A text from outside as it may stand in an error: cut at 60 bytes, '?' for control characters.
 * Returns `out`. */
enum { FY_SHOWN_TEXT = 64 };
char *fy_text_shown(char out[FY_SHOWN_TEXT], const char *text);

/* Indices such as "0-9,20-30:5", sorted, owned by the arena. Errors: FY_EINVAL, without a field's
 * name. */
int fy_indices_read(const int **out, int *n, const char *text, fy_arena *arena,
                    fy_err *err) FY_NODISCARD;

#endif
