/* SPDX-License-Identifier: MIT */
/*
 * The files that one run writes: a row for each job, and the journal with its SHA-256. A file
 * appears under its name when it is whole; until then, and after any failure, there is none.
 */
#include "base/num.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/sim.h"
#include "cli/temporary.h"

#include <nettle/sha2.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ no file twice */

typedef struct named {
    const char *option, *path;
} named;

static int status_of(const char *path, struct stat *st)
{
    return strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, st) : stat(path, st);
}

/* The same name in the same folder, for files that are not there yet. */
static bool same_name(const char *a, const char *b)
{
    const char *name_a = strrchr(a, '/'), *name_b = strrchr(b, '/');
    struct stat in_a, in_b;
    char folder[PATH_MAX];

    if (strcmp(name_a != NULL ? name_a + 1 : a, name_b != NULL ? name_b + 1 : b) != 0) {
        return false;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", name_a != NULL ? (int)(name_a - a) + 1 : 1,
                   name_a != NULL ? a : ".");
    if (stat(folder, &in_a) != 0) {
        return false;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", name_b != NULL ? (int)(name_b - b) + 1 : 1,
                   name_b != NULL ? b : ".");
    return stat(folder, &in_b) == 0 && in_a.st_dev == in_b.st_dev && in_a.st_ino == in_b.st_ino;
}

/* Do both name one file? A character device (/dev/null) holds nothing that could be lost. */
static bool same_file(const char *a, const char *b)
{
    struct stat st_a, st_b;
    bool there_a = status_of(a, &st_a) == 0, there_b = status_of(b, &st_b) == 0;

    if (there_a && there_b) {
        return st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino && !S_ISCHR(st_a.st_mode);
    }
    return !there_a && !there_b && (strcmp(a, b) == 0 || same_name(a, b));
}

int sim_files_check(const sim_options *o)
{
    const named files[] = {{"--jobs-out", o->jobs_out}, {"--journal-out", o->journal_out},
                           {"--trace", o->trace},       {"--fleet", o->fleet},
                           {"--rates", o->rates},       {"--events", o->events}};
    const size_t n = sizeof files / sizeof files[0], n_written = 2;

    for (size_t i = 0; i < n_written; i++) {
        for (size_t k = i + 1; k < n; k++) {
            if (files[i].path != NULL && files[k].path != NULL &&
                same_file(files[i].path, files[k].path)) {
                return cli_fail(CLI_USAGE, "sim: %s %.100s is the file of %s too; give it another",
                                files[i].option, files[i].path, files[k].option);
            }
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ whole or not at all */

typedef struct sim_file {
    const char *path;
    char *temporary; /* owned; NULL where written in place (not a regular file) */
    FILE *file;
    int error; /* errno of the first failure, 0 = none */
} sim_file;

static int refuse(const sim_file *file, fy_err *err)
{
    return fy_fail(err, FY_EIO, "cannot write %.150s: %s", file->path, strerror(file->error));
}

/* What the call just made says: `ok`, or errno for later. */
static void note(sim_file *file, bool ok)
{
    if (!ok && file->error == 0) {
        file->error = errno != 0 ? errno : EIO;
    }
}

static void sim_file_put(sim_file *file, const char *bytes, size_t len)
{
    if (file->error == 0) {
        note(file, fwrite(bytes, 1, len, file->file) == len);
    }
}

static int sim_file_open(sim_file *file, const char *path, fy_err *err)
{
    struct stat st;
    int fd;

    *file = (sim_file){.path = path};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        file->file = fopen(path, "we"); /* a device or a pipe: nothing to put in its place */
        note(file, file->file != NULL);
        return file->error != 0 ? refuse(file, err) : 0;
    }
    fd = cli_temporary_open(&file->temporary, path);
    if (fd >= 0) {
        file->file = fdopen(fd, "w");
    }
    note(file, file->file != NULL);
    return file->error != 0 ? refuse(file, err) : 0;
}

static int sim_file_close(sim_file *file, bool keep, fy_err *err)
{
    int status = 0;

    if (file->file != NULL) {
        note(file, fclose(file->file) == 0);
        if (keep && file->error == 0 && file->temporary != NULL) {
            note(file, rename(file->temporary, file->path) == 0);
        }
        if ((!keep || file->error != 0) && file->temporary != NULL) {
            (void)unlink(file->temporary);
        }
        status = keep && file->error != 0 ? refuse(file, err) : 0;
    }
    cli_temporary_forget(file->temporary);
    return status;
}

/* ------------------------------------------------------------------ jobs */

struct sim_output {
    sim_file jobs, journal;
    bool hash;
    struct sha256_ctx sha;
    fy_journal_line line;
    fy_str row;
};

static void put_text(fy_str *row, const char *text)
{
    if (strpbrk(text, ",\"\n\r") == NULL) {
        fy_str_puts(row, text);
        return;
    }
    fy_str_puts(row, "\"");
    for (const char *p = text; *p != '\0'; p++) {
        fy_str_add(row, p, 1);
        if (*p == '"') {
            fy_str_puts(row, "\"");
        }
    }
    fy_str_puts(row, "\"");
}

static void put_us(fy_str *row, int64_t us)
{
    char text[FY_NUM_TEXT];

    fy_str_puts(row, ",");
    if (us >= 0) {
        fy_str_add(row, text, fy_num_put_us(text, us));
    }
}

static void put_real(fy_str *row, double value)
{
    if (fy_known(value)) {
        fy_str_printf(row, ",%.6g", value);
    } else {
        fy_str_puts(row, ",");
    }
}

static const char jobs_header[] =
    "job,tenant,state,chip,submit_s,start_s,end_s,wait_s,workers,devices,milli,attempts,"
    "preemptions,failures,device_s,lost_device_s,rho,deadline_s,reason\n";

static void write_job(void *ctx, const fy_sim_job *job)
{
    sim_output *output = ctx;
    fy_str *row = &output->row;

    fy_str_clear(row);
    put_text(row, job->name);
    fy_str_puts(row, ",");
    put_text(row, job->tenant);
    fy_str_printf(row, ",%s,%s", job->state, job->chip);
    put_us(row, job->submit_us);
    put_us(row, job->start_us);
    put_us(row, job->end_us);
    put_us(row, job->wait_us);
    fy_str_printf(row, ",%d,%d,%d,%d,%d,%d", job->workers, job->devices, job->milli, job->attempts,
                  job->preemptions, job->failures);
    put_real(row, job->device_s);
    put_real(row, job->lost_device_s);
    put_real(row, job->rho);
    put_us(row, job->deadline_us);
    fy_str_puts(row, ",");
    put_text(row, job->reason != NULL ? job->reason : "");
    fy_str_puts(row, "\n");
    sim_file_put(&output->jobs, row->text, row->len); /* closing reports what failed */
}

/* ------------------------------------------------------------------ journal */

static int put_journal(sim_output *output, const char *text, size_t len, fy_err *err)
{
    if (output->hash) {
        sha256_update(&output->sha, len, (const uint8_t *)text);
    }
    if (output->journal.file != NULL) {
        sim_file_put(&output->journal, text, len);
    }
    return output->journal.error != 0 ? refuse(&output->journal, err) : 0;
}

static int write_event(void *ctx, const fy_event *event, fy_err *err)
{
    sim_output *output = ctx;

    fy_journal_encode(event, &output->line);
    return put_journal(output, output->line.text, output->line.len, err);
}

/* ------------------------------------------------------------------ both */

int sim_output_open(sim_output **out, const sim_options *options, fy_sim_options *sim, fy_err *err)
{
    sim_output *output = fy_calloc(1, sizeof *output);
    int status = 0;

    *out = output;
    if (options->jobs_out != NULL) {
        status = sim_file_open(&output->jobs, options->jobs_out, err);
        sim->job_done = write_job;
        sim->job_done_ctx = output;
        if (status == 0) {
            sim_file_put(&output->jobs, jobs_header, sizeof jobs_header - 1);
        }
    }
    if (status == 0 && options->journal_out != NULL) {
        status = sim_file_open(&output->journal, options->journal_out, err);
    }
    if (status == 0 && (options->hash || options->journal_out != NULL)) {
        output->hash = true;
        sha256_init(&output->sha);
        sim->journal = write_event;
        sim->journal_ctx = output;
        status = put_journal(output, fy_journal_header, strlen(fy_journal_header), err);
    }
    return status;
}

int sim_output_close(sim_output *output, bool keep, char sha256[65], fy_err *err)
{
    int status = sim_file_close(&output->jobs, keep, err);
    int second = sim_file_close(&output->journal, keep && status == 0, status == 0 ? err : NULL);

    if (output->hash && keep) {
        uint8_t digest[SHA256_DIGEST_SIZE];

        sha256_digest(&output->sha, sizeof digest, digest);
        for (size_t i = 0; i < sizeof digest; i++) {
            (void)snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
        }
    }
    fy_journal_line_free(&output->line);
    fy_str_free(&output->row);
    free(output);
    return status != 0 ? status : second;
}
