/* SPDX-License-Identifier: MIT */
/* What the local engine sees: folders, locks, records, /proc. */
#include "daemon/engine_local_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_record(fy_local_claim *claim)
{
    char bytes[FY_RUN_RECORD];
    ssize_t n = pread(claim->run, bytes, sizeof bytes, 0);

    fy_run_record_parse(bytes, n > 0 ? (size_t)n : 0, &claim->record);
}

/* 0, FY_ENOENT where there is none and none is to be made, or FY_EIO. */
static int open_run(fy_local *e, const char *name, bool make, fy_local_claim *claim)
{
    const int folder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const int file = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

    claim->folder = openat(e->runs, name, folder);
    if (claim->folder < 0 && make && errno == ENOENT) {
        if (!fy_local_spare_take(e, name) && mkdirat(e->runs, name, 0711) != 0) {
            return FY_EIO;
        }
        claim->folder = openat(e->runs, name, folder);
    }
    if (claim->folder >= 0) {
        claim->run = openat(claim->folder, "run", make ? file | O_CREAT : file, 0600);
    }
    if (claim->run < 0) {
        return errno == ENOENT && !make ? FY_ENOENT : FY_EIO;
    }
    return 0;
}

int fy_local_claim_run(fy_local *e, fy_run_key key, bool make, fy_local_claim *claim, fy_err *err)
{
    char name[FY_RUN_NAME];
    int code;

    memset(claim, 0, sizeof *claim);
    claim->folder = claim->run = -1;
    fy_run_name(name, key);
    code = open_run(e, name, make, claim);
    if (code == FY_ENOENT) {
        return 0;
    }
    if (code != 0) {
        return fy_fail(err, FY_EIO, "cannot use %s/run/%s: %s", e->state, name, strerror(errno));
    }
    read_record(claim);
    if (claim->record.end == FY_RECORD_OPEN && flock(claim->run, LOCK_EX | LOCK_NB) == 0) {
        claim->locked = true;
        read_record(claim); /* its shim may have written the end before it let go */
    }
    return 0;
}

void fy_local_claim_drop(fy_local_claim *claim)
{
    if (claim->run >= 0) {
        (void)close(claim->run); /* the lock goes with its last descriptor */
    }
    if (claim->folder >= 0) {
        (void)close(claim->folder);
    }
}

int fy_local_end(fy_local_claim *claim, const char *verb, const char *text)
{
    char clean[FY_RUN_TEXT];

    fy_run_text(clean, text);
    if (dprintf(claim->run, "%s %lld %s\n", verb, (long long)fy_wall_us(), clean) < 0) {
        return FY_EIO;
    }
    read_record(claim);
    return 0;
}

/* ------------------------------------------------------------------ without a shim */

/* What a vanished shim has left is known by the run's folder in its environment, or by the shim's
 * session while its first process still lives. Nothing older than the shim is touched. */
static bool is_left_over(const fy_run_record *record, const fy_process *p, bool session,
                         const char *mark)
{
    return p->start >= record->shim_start && p->state != 'Z' && p->state != 'X' &&
           ((session && p->session == record->shim_pid) || fy_process_has(p->pid, mark));
}

static size_t kill_left_over(const fy_local *e, fy_run_key key, const fy_run_record *record)
{
    char name[FY_RUN_NAME], mark[4200];
    fy_process *all, job;
    size_t n = fy_process_all(&all), found = 0;
    bool session = fy_process_read(record->job_pid, &job) && job.start == record->job_start &&
                   job.session == record->shim_pid;

    fy_run_name(name, key);
    (void)snprintf(mark, sizeof mark, "FUYAO_RUN=%s/run/%s", e->state, name);
    for (size_t i = 0; i < n; i++) {
        if (is_left_over(record, &all[i], session, mark)) {
            found++;
            (void)fy_process_signal(all[i].pid, all[i].start, SIGKILL);
        }
    }
    free(all);
    return found;
}

bool fy_local_bury(fy_local *e, fy_run_key key, fy_local_claim *claim)
{
    if (strcmp(claim->record.boot, e->boot) != 0) {
        return fy_local_end(claim, "lost", "the machine was restarted") == 0;
    }
    if (e->groups.runs != NULL) {
        char group[4300];

        (void)snprintf(group, sizeof group, "%s/%s-%lld.%d", e->groups.runs, e->tag,
                       (long long)key.job, (int)key.attempt);
        (void)fy_cgroup_kill(group);
        fy_cgroup_remove(group);
    }
    for (int i = 0; i < 8; i++) { /* what was forked meanwhile; more at the next look */
        if (kill_left_over(e, key, &claim->record) == 0) {
            return fy_local_end(claim, "lost", "its shim was killed; nobody saw how it ended") == 0;
        }
    }
    return false;
}

/* The state of a run's shim as proc(5) has it; 0 where it has gone. */
static char shim_state(const fy_run_record *record)
{
    fy_process shim;
    bool there = fy_process_read(record->shim_pid, &shim) && shim.start == record->shim_start;

    return there ? shim.state : '\0';
}

bool fy_local_frozen(const fy_run_record *record)
{
    return shim_state(record) == 'T' || shim_state(record) == 't';
}

bool fy_local_deaf(const fy_run_record *record)
{
    return shim_state(record) == 'D';
}

void fy_local_empty(int folder)
{
    int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (unlinkat(folder, entry->d_name, 0) != 0) {
            (void)unlinkat(folder, entry->d_name, AT_REMOVEDIR);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* ------------------------------------------------------------------ look and list */

static void show_end(fy_local *e, const fy_run_record *r, fy_run *out)
{
    out->state = FY_RUN_EXITED;
    out->ended_us = r->end_us;
    out->refused = r->end == FY_RECORD_REFUSED;
    out->lost = r->end == FY_RECORD_LOST;
    if (r->end == FY_RECORD_EXIT) {
        out->exit_code = r->exit_code;
        out->exit_signal = r->exit_signal;
        out->cpu_s = (double)r->cpu_us / 1e6;
        out->max_rss_kib = r->rss_kib;
    }
    out->checkpointed =
        (r->end == FY_RECORD_EXIT && r->checkpointed) || (out->saved >= out->progress);
    if (r->text[0] != '\0') {
        memcpy(e->text, r->text, sizeof e->text);
        out->text = e->text;
    }
}

int fy_local_look(fy_engine *engine, fy_run_key key, fy_run *out, fy_err *err)
{
    fy_local *e = (fy_local *)engine;
    fy_local_claim claim;
    fy_run_record *r = &claim.record;
    int code = fy_local_claim_run(e, key, false, &claim, err);
    bool begun;

    *out = (fy_run){.key = key,
                    .progress = NAN,
                    .saved = NAN,
                    .cpu_s = NAN,
                    .max_rss_kib = -1,
                    .energy_j = NAN};
    if (code != 0 || claim.run < 0) {
        fy_local_claim_drop(&claim);
        return code;
    }
    begun = r->shim;
    if (claim.locked && begun && r->end == FY_RECORD_OPEN && !fy_local_bury(e, key, &claim)) {
        out->text = "its shim was killed; what it left behind is being killed";
    }
    if (r->job_us > 0) {
        out->started_us = r->job_us;
        (void)fy_progress_read(claim.folder, "progress", &out->progress, &out->saved,
                               &out->progress_us);
    }
    if (r->end != FY_RECORD_OPEN) {
        show_end(e, r, out);
    } else if (begun || !claim.locked) {
        out->state = r->job_us > 0 ? FY_RUN_RUNNING : FY_RUN_STARTING;
        out->frozen = !claim.locked && begun && fy_local_frozen(r);
    }
    fy_local_claim_drop(&claim);
    return 0;
}

int fy_local_list(fy_engine *engine, fy_run_fn each, void *ctx, fy_err *err)
{
    fy_local *e = (fy_local *)engine;
    int copy = openat(e->runs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;
    int code = 0;

    if (dir == NULL) {
        return fy_fail(err, FY_EIO, "cannot read %s/run: %s", e->state, strerror(errno));
    }
    while (code == 0 && (entry = readdir(dir)) != NULL) {
        fy_run_key key;
        fy_run run;

        if (!fy_run_name_parse(entry->d_name, &key)) {
            continue;
        }
        code = fy_local_look(engine, key, &run, err);
        if (code == 0 && run.state != FY_RUN_NONE) {
            each(ctx, &run);
        }
    }
    (void)closedir(dir);
    return code;
}
