/* SPDX-License-Identifier: MIT */
/*
 * What a run's shim writes down, and what its job reports: two small text files in the run's folder
 * STATE/run/JOB.ATTEMPT, read strictly because a job that is not isolated may have written them.
 *
 *   run        lines, appended each by one write; the shim holds a flock on it as long as it lives
 *       fuyao-run 1 BOOT PID START US             the shim
 *       job PID START US                          its first process: the run has begun
 *       signal NUMBER US                          the first TERM or checkpoint signal
 *       exit CODE SIGNAL CHECKPOINTED CPU_US RSS_KIB US TEXT
 *       refused US TEXT                           it never began
 *       lost US TEXT                              written by the daemon: nobody saw the end
 *   progress   written by the job: a line DONE or DONE saved; the last whole one counts
 *
 * BOOT is the machine's boot id, START a process's start time in ticks, US wall-clock microseconds.
 */
#ifndef FUYAO_DAEMON_RUN_RECORD_H
#define FUYAO_DAEMON_RUN_RECORD_H

#include "daemon/engine.h"
#include "daemon/process.h"

enum { FY_RUN_TEXT = 200, FY_RUN_RECORD = 8192, FY_PROGRESS_TAIL = 4096 };

typedef enum fy_record_end {
    FY_RECORD_OPEN,
    FY_RECORD_EXIT,
    FY_RECORD_REFUSED,
    FY_RECORD_LOST
} fy_record_end;

typedef struct fy_run_record {
    bool shim; /* there is a shim's line */
    char boot[FY_BOOT_ID];
    pid_t shim_pid, job_pid; /* job: the first */
    uint64_t shim_start, job_start;
    int64_t job_us; /* 0: not begun */
    fy_record_end end;
    int exit_code, exit_signal;
    bool checkpointed;
    int64_t cpu_us, rss_kib, end_us;
    char text[FY_RUN_TEXT]; /* "" = none; printable UTF-8 or ASCII, no control characters */
} fy_run_record;

/* Read a run file's bytes. What is malformed, and a last line without its newline, is passed
 * over; the first end counts. */
void fy_run_record_parse(const char *bytes, size_t len, fy_run_record *out);

/* Read the tail of a progress file: *done and *saved are untouched where it holds neither. Returns
 * whether it holds a report. `whole`: the bytes begin where the file begins. */
bool fy_progress_parse(const char *bytes, size_t len, bool whole, double *done, double *saved);

/* Read the file `name` in the folder: no link is followed, nothing but a regular file is read, and
 * at most FY_PROGRESS_TAIL bytes of it. *us = when it was written. */
bool fy_progress_read(int folder, const char *name, double *done, double *saved, int64_t *us);

/* The text of a message as it may stand in a record: control characters become blanks. */
void fy_run_text(char out[FY_RUN_TEXT], const char *text);

/* JOB.ATTEMPT; false: it is no run folder's name. */
bool fy_run_name_parse(const char *name, fy_run_key *key);
enum { FY_RUN_NAME = 40 };
void fy_run_name(char out[FY_RUN_NAME], fy_run_key key);

int64_t fy_wall_us(void);

#endif
