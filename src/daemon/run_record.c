/* SPDX-License-Identifier: MIT */
#include "daemon/run_record.h"

#include "base/num.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int64_t fy_wall_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void fy_run_text(char out[FY_RUN_TEXT], const char *text)
{
    size_t n = 0;

    while (n + 1 < FY_RUN_TEXT && text[n] != '\0') {
        unsigned char c = (unsigned char)text[n];

        out[n] = c < 0x20 || c >= 0x7f ? (c >= 0x80 ? '?' : ' ') : (char)c;
        n++;
    }
    out[n] = '\0';
}

void fy_run_name(char out[FY_RUN_NAME], fy_run_key key)
{
    (void)snprintf(out, FY_RUN_NAME, "%lld.%d", (long long)key.job, (int)key.attempt);
}

bool fy_run_name_parse(const char *name, fy_run_key *key)
{
    const char *dot = strchr(name, '.');
    int64_t job, attempt;

    if (dot == NULL || fy_num_int(name, (size_t)(dot - name), 0, INT64_MAX, &job) != FY_NUM_OK ||
        fy_num_int(dot + 1, strlen(dot + 1), 1, INT32_MAX, &attempt) != FY_NUM_OK) {
        return false;
    }
    *key = (fy_run_key){.job = job, .attempt = (int32_t)attempt};
    return true;
}

/* ------------------------------------------------------------------ the run file */

typedef struct words {
    const char *at, *end;
    bool ok;
} words;

static size_t word(words *w, const char **text)
{
    size_t len = 0;

    *text = w->at;
    while (w->at + len < w->end && w->at[len] != ' ') {
        len++;
    }
    w->ok = w->ok && len > 0;
    w->at += len;
    if (w->at < w->end) {
        w->at++;
    }
    return len;
}

static int64_t number(words *w, int64_t low, int64_t high)
{
    const char *text;
    size_t len = word(w, &text);
    int64_t value = 0;

    if (!w->ok || fy_num_int(text, len, low, high, &value) != FY_NUM_OK) {
        w->ok = false;
        return 0;
    }
    return value;
}

static void rest(words *w, char out[FY_RUN_TEXT])
{
    char text[FY_RUN_TEXT] = "";
    size_t len = (size_t)(w->end - w->at);

    if (len >= sizeof text) {
        len = sizeof text - 1;
    }
    memcpy(text, w->at, len);
    fy_run_text(out, text);
}

static void read_shim(words *w, fy_run_record *out)
{
    const char *boot;
    size_t len;
    fy_run_record r = *out;

    (void)number(w, 1, 1);
    len = word(w, &boot);
    if (len >= FY_BOOT_ID) {
        return;
    }
    memcpy(r.boot, boot, len);
    r.boot[len] = '\0';
    r.shim_pid = (pid_t)number(w, 1, INT32_MAX);
    r.shim_start = (uint64_t)number(w, 0, INT64_MAX);
    (void)number(w, 0, INT64_MAX); /* when */
    r.shim = true;
    if (w->ok && !out->shim) {
        *out = r;
    }
}

static void read_job(words *w, fy_run_record *out)
{
    pid_t pid = (pid_t)number(w, 1, INT32_MAX);
    uint64_t start = (uint64_t)number(w, 0, INT64_MAX);
    int64_t us = number(w, 1, INT64_MAX);

    if (w->ok && out->job_us == 0) {
        out->job_pid = pid;
        out->job_start = start;
        out->job_us = us;
    }
}

static void read_exit(words *w, fy_run_record *out)
{
    fy_run_record r = *out;

    r.exit_code = (int)number(w, 0, 255);
    r.exit_signal = (int)number(w, 0, 64);
    r.checkpointed = number(w, 0, 1) != 0;
    r.cpu_us = number(w, 0, INT64_MAX);
    r.rss_kib = number(w, 0, INT64_MAX);
    r.end_us = number(w, 0, INT64_MAX);
    if (w->ok) {
        r.end = FY_RECORD_EXIT;
        rest(w, r.text);
        *out = r;
    }
}

static void read_line(const char *line, size_t len, fy_run_record *out)
{
    words w = {.at = line, .end = line + len, .ok = true};
    const char *verb;
    size_t n = word(&w, &verb);

    if (n == 9 && memcmp(verb, "fuyao-run", n) == 0) {
        read_shim(&w, out);
    } else if (n == 3 && memcmp(verb, "job", n) == 0) {
        read_job(&w, out);
    } else if (out->end != FY_RECORD_OPEN) {
        return;
    } else if (n == 4 && memcmp(verb, "exit", n) == 0) {
        read_exit(&w, out);
    } else if ((n == 7 && memcmp(verb, "refused", n) == 0) ||
               (n == 4 && memcmp(verb, "lost", n) == 0)) {
        int64_t us = number(&w, 0, INT64_MAX);

        if (w.ok) {
            out->end = n == 4 ? FY_RECORD_LOST : FY_RECORD_REFUSED;
            out->end_us = us;
            rest(&w, out->text);
        }
    }
}

void fy_run_record_parse(const char *bytes, size_t len, fy_run_record *out)
{
    const char *at = bytes, *end = bytes + len, *newline;

    memset(out, 0, sizeof *out);
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        read_line(at, (size_t)(newline - at), out);
        at = newline + 1;
    }
}

/* ------------------------------------------------------------------ progress */

/* DONE or DONE saved; false: neither. */
static bool report(const char *line, size_t len, double *done, bool *saved)
{
    static const char word_saved[] = " saved";
    size_t n = sizeof word_saved - 1;

    *saved = len > n && memcmp(line + len - n, word_saved, n) == 0;
    return fy_num_double(line, *saved ? len - n : len, done) == FY_NUM_OK && *done >= 0;
}

bool fy_progress_parse(const char *bytes, size_t len, bool whole, double *done, double *saved)
{
    const char *end = memrchr(bytes, '\n', len);
    bool has_done = false;

    while (end != NULL) { /* from the last line up, until one says `saved` */
        const char *before = memrchr(bytes, '\n', (size_t)(end - bytes));
        const char *line = before != NULL ? before + 1 : bytes;
        double value;
        bool is_saved;

        if ((before != NULL || whole) && report(line, (size_t)(end - line), &value, &is_saved)) {
            *done = has_done ? *done : value;
            has_done = true;
            if (is_saved) {
                *saved = value;
                break;
            }
        }
        end = before;
    }
    return has_done;
}

bool fy_progress_read(int folder, const char *name, double *done, double *saved, int64_t *us)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    char tail[FY_PROGRESS_TAIL];
    struct stat st;
    bool found = false;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        off_t from = st.st_size > FY_PROGRESS_TAIL ? st.st_size - FY_PROGRESS_TAIL : 0;
        ssize_t n = pread(fd, tail, sizeof tail, from);

        if (n > 0 && fy_progress_parse(tail, (size_t)n, from == 0, done, saved)) {
            *us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
            found = true;
        }
    }
    (void)close(fd);
    return found;
}
