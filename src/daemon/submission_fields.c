/* SPDX-License-Identifier: MIT */
/* The table of a submission's fields, and the texts that more than one place reads. */
#include "daemon/submission_fields.h"

#include "base/num.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(fy_submission, member)
#define ONE(k, member, l, h)                                                                       \
    {                                                                                              \
#member, FY_FIELD_##k, AT(member), 0, l, h                                                 \
    }
#define MANY(k, member, h)                                                                         \
    {                                                                                              \
#member, FY_FIELD_##k, AT(member), AT(n_##member), 1, h                                    \
    }
#define SPAN(member, l)                                                                            \
    {                                                                                              \
#member, FY_FIELD_INT64, AT(member), 0, l, FY_NUM_MAX_US                                   \
    }

enum { MAX_NAME = 120, MAX_PATH = 4095, MAX_WORKERS = 1 << 20, MAX_DEVICES = 4096 };

const fy_submission_field fy_submission_fields[] = {
    ONE(LINE, name, 1, MAX_NAME),
    ONE(LINE, tenant, 1, MAX_NAME),
    ONE(LINE, key, 1, MAX_NAME),
    ONE(LINE, comment, 1, 1000),
    ONE(SCRIPT, script, 1, FY_SUBMISSION_MAX_SCRIPT),
    MANY(WORDS, args, 4096),
    ONE(PATH, workdir, 1, MAX_PATH),
    MANY(PAIRS, environment, 4096),
    ONE(PATTERN, output, 1, MAX_PATH),
    ONE(PATTERN, error, 1, MAX_PATH),
    ONE(LAUNCH, launch, 0, 0),
    ONE(PRIORITY, priority, 0, 0),
    ONE(INT, workers, 1, MAX_WORKERS),
    ONE(INT, min_workers, 1, MAX_WORKERS),
    ONE(INT, max_workers, 1, MAX_WORKERS),
    ONE(INT, devices, 0, MAX_DEVICES),
    ONE(INT, milli, 0, 999),
    ONE(INT, spares, 0, MAX_WORKERS),
    ONE(INT64, cpu_milli, 0, 1000000000),
    ONE(INT64, memory_mib, 0, 1000000000),
    MANY(CHIPS, chips, 64),
    ONE(LINE, workload, 1, MAX_NAME),
    ONE(INT, batch, 0, 1 << 30),
    ONE(REAL, work, 0, 0),
    ONE(FLAG, service, 0, 0),
    SPAN(estimate_us, 1),
    SPAN(time_limit_us, 1),
    SPAN(deadline_us, 0),
    SPAN(min_run_us, 0),
    MANY(IDS, after, 1000),
    MANY(INDICES, array, FY_SUBMISSION_MAX_TASKS),
    ONE(INT, array_limit, 0, FY_SUBMISSION_MAX_TASKS),
    ONE(FLAG, hold, 0, 0),
    ONE(FLAG, requeue, 0, 0),
    ONE(SIGNAL, checkpoint_signal, 0, 0),
    ONE(FLAG, signal_script, 0, 0),
    SPAN(signal_before_us, 0),
    {"grace_us", FY_FIELD_INT64, AT(grace_us), 0, 0, 86400000000},
    SPAN(checkpoint_interval_us, 0),
    SPAN(checkpoint_cost_us, 0),
    SPAN(restart_cost_us, 0),
};
const int fy_submission_n_fields = sizeof fy_submission_fields / sizeof *fy_submission_fields;

fy_submission fy_submission_default(void)
{
    return (fy_submission){.name = "job",
                           .workdir = "/",
                           .launch = FY_LAUNCH_ONCE,
                           .priority = FY_NORMAL,
                           .workers = 1,
                           .min_workers = 1,
                           .max_workers = 1,
                           .devices = 1,
                           .work = NAN,
                           .estimate_us = -1,
                           .time_limit_us = -1,
                           .deadline_us = -1,
                           .requeue = true,
                           .signal_before_us = -1,
                           .grace_us = 30000000,
                           .checkpoint_interval_us = -1,
                           .checkpoint_cost_us = -1,
                           .restart_cost_us = -1};
}

/* ------------------------------------------------------------------ signals */

enum { LAST_SIGNAL = 64 };

int fy_signal_of(const char *name)
{
    int64_t number;

    if (fy_num_int(name, strlen(name), 1, LAST_SIGNAL, &number) == FY_NUM_OK) {
        return (int)number;
    }
    if (strncmp(name, "SIG", 3) == 0) {
        name += 3;
    }
    for (int i = 1; i <= LAST_SIGNAL; i++) {
        const char *known = sigabbrev_np(i);

        if (known != NULL && strcmp(known, name) == 0) {
            return i;
        }
    }
    return 0;
}

const char *fy_signal_name(int signo)
{
    return sigabbrev_np(signo);
}

/* ------------------------------------------------------------------ texts */

/* U+2028 to U+202E and U+2066 to U+2069: ends of lines, and what turns the rest of a line round. */
static bool turns_lines(unsigned char second, unsigned char third)
{
    return (second == 0x80 && third >= 0xa8 && third <= 0xae) ||
           (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

long fy_text_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = i + 1 < len ? (unsigned char)text[i + 1] : 0;
        unsigned char last = i + 2 < len ? (unsigned char)text[i + 2] : 0;

        if ((c == 0xe2 && turns_lines(next, last)) || c < 0x20 || c == 0x7f ||
            (c == 0xc2 && next >= 0x80 && next < 0xa0)) {
            return (long)i;
        }
    }
    return -1;
}

char *fy_text_shown(char out[FY_SHOWN_TEXT], const char *text)
{
    size_t len = strnlen(text, 61);
    bool cut = len > 60;

    len = cut ? 57 : len;
    while (cut && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
        len--; /* not in the middle of a character */
    }
    memcpy(out, text, len);
    snprintf(out + len, FY_SHOWN_TEXT - len, "%s", cut ? "..." : "");
    for (long bad = fy_text_control(out, len); bad >= 0; bad = fy_text_control(out, len)) {
        int bytes = (unsigned char)out[bad] == 0xc2 ? 2 : (unsigned char)out[bad] == 0xe2 ? 3 : 1;

        memset(out + bad, '?', (size_t)bytes);
    }
    return out;
}

/* ------------------------------------------------------------------ indices */

enum { LAST_INDEX = 4000000 };

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

/* One of "7", "0-9", "0-9:3". Returns false where it is none of them. */
static bool read_range(const char *text, size_t len, int64_t range[3])
{
    const char *colon = memchr(text, ':', len);
    const char *dash = memchr(text, '-', len);
    const char *end = text + len;
    const char *stop = colon != NULL ? colon : end;

    if (dash == NULL) {
        range[2] = 1;
        return colon == NULL && fy_num_int(text, len, 0, LAST_INDEX, &range[0]) == FY_NUM_OK &&
               (range[1] = range[0], true);
    }
    range[2] = 1;
    return dash < stop &&
           fy_num_int(text, (size_t)(dash - text), 0, LAST_INDEX, &range[0]) == FY_NUM_OK &&
           fy_num_int(dash + 1, (size_t)(stop - dash - 1), range[0], LAST_INDEX, &range[1]) ==
               FY_NUM_OK &&
           (colon == NULL || fy_num_int(colon + 1, (size_t)(end - colon - 1), 1, LAST_INDEX,
                                        &range[2]) == FY_NUM_OK);
}

int fy_indices_read(const int **out, int *n, const char *text, fy_arena *arena, fy_err *err)
{
    int *list = NULL, *kept;
    size_t used = 0, room = 0;
    char shown[FY_SHOWN_TEXT];
    bool sorted = true;
    int rc = 0;

    for (const char *at = text; rc == 0;) {
        size_t len = strcspn(at, ",");
        int64_t range[3] = {0, 0, 1};

        if (!read_range(at, len, range)) {
            rc = fy_fail(err, FY_EINVAL,
                         "\"%s\" is no list of indices; write for example 0-9 or 1,5,20-30:2, "
                         "indices up to %d",
                         fy_text_shown(shown, text), LAST_INDEX);
        }
        for (int64_t i = range[0]; rc == 0 && i <= range[1]; i += range[2]) {
            if (used == FY_SUBMISSION_MAX_TASKS) {
                rc = fy_fail(err, FY_EINVAL, "\"%s\" has more than %d tasks",
                             fy_text_shown(shown, text), FY_SUBMISSION_MAX_TASKS);
                break;
            }
            list = fy_grow(list, &room, used + 1, sizeof *list);
            list[used++] = (int)i;
        }
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    for (size_t i = 1; sorted && i < used; i++) {
        sorted = list[i - 1] <= list[i];
    }
    if (rc == 0 && used > 0) {
        if (!sorted) { /* those of a stored job are in order; each start reads them */
            qsort(list, used, sizeof *list, by_value);
        }
        for (size_t i = 1; i < used && rc == 0; i++) {
            if (list[i] == list[i - 1]) {
                rc = fy_fail(err, FY_EINVAL, "\"%s\" names task %d twice",
                             fy_text_shown(shown, text), list[i]);
            }
        }
    }
    if (rc == 0 && used > 0) {
        kept = fy_arena_alloc(arena, used * sizeof *kept);
        memcpy(kept, list, used * sizeof *kept);
        *out = kept;
        *n = (int)used;
    }
    free(list);
    return rc;
}

/* ------------------------------------------------------------------ a field that is not there */

/* Insertions, deletions and substitutions between two short names. */
static int distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    int row[MOST + 1];
    int n = (int)strnlen(b, MOST);

    for (int j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (int i = 0; a[i] != '\0' && i < MOST; i++) {
        int diagonal = row[0];

        row[0] = i + 1;
        for (int j = 1; j <= n; j++) {
            int best = diagonal + (a[i] == b[j - 1] ? 0 : 1);

            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

int fy_submission_unknown(const char *key, fy_err *err)
{
    enum { MOST = 50, ROOM = 150 };
    char list[ROOM + 8] = "", shown[FY_SHOWN_TEXT];
    bool taken[MOST] = {false};
    size_t used = 0;
    int left = fy_submission_n_fields;

    _Static_assert(FY_ERR_TEXT > ROOM + 80, "the list fits into an error");
    while (left > 0) {
        int best = -1, best_distance = 0;

        for (int i = 0; i < fy_submission_n_fields; i++) {
            int d = taken[i] ? 0 : distance(key, fy_submission_fields[i].name);

            if (!taken[i] && (best < 0 || d < best_distance)) {
                best = i;
                best_distance = d;
            }
        }
        taken[best] = true;
        size_t len = strlen(fy_submission_fields[best].name) + (used > 0 ? 2 : 0);
        if (used + len > ROOM) {
            break;
        }
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                                 fy_submission_fields[best].name);
        left--;
    }
    return fy_fail(err, FY_EINVAL, "no field \"%s\"; there are %s%s", fy_text_shown(shown, key),
                   list, left > 0 ? ", ..." : "");
}
