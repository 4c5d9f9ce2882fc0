/* SPDX-License-Identifier: MIT */
/*
 * bench-store FOLDER [SECONDS]: what the disk under FOLDER allows, and what the store makes of it.
 * First f, one fdatasync of a page; then commits of one record and of many, with how often the log
 * is copied varied, SECONDS each (0: f alone). Refuses tmpfs, which syncs nothing.
 */
#include "daemon/store.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { SYNCS = 1000, BODY_BYTES = 500 };

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double at(double *sorted, int n, double share)
{
    return sorted[(int)((n - 1) * share)] * 1e3;
}

static void stop(const char *text)
{
    (void)fprintf(stderr, "bench-store: %s\n", text);
    exit(3);
}

static const char *file_system(const char *folder)
{
    struct statfs info;

    if (statfs(folder, &info) != 0) {
        stop("no such folder");
    }
    switch ((unsigned long)info.f_type) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
        stop("a file system in memory syncs nothing: name a folder on a disk");
        return "";
    case EXT4_SUPER_MAGIC:
        return "ext4";
    case XFS_SUPER_MAGIC:
        return "xfs";
    case BTRFS_SUPER_MAGIC:
        return "btrfs";
    case OVERLAYFS_SUPER_MAGIC:
        return "overlayfs";
    default:
        return "another file system";
    }
}

/* One page written over and over, as the log is once it has its length. */
static void measure_sync(const char *folder)
{
    static double s[SYNCS];
    char path[256];
    char page[4096];
    int fd;

    (void)snprintf(path, sizeof path, "%s/bench-sync", folder);
    memset(page, 7, sizeof page);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; fd >= 0 && i < 64; i++) {
        if (write(fd, page, sizeof page) != (ssize_t)sizeof page) {
            stop("cannot write");
        }
    }
    if (fd < 0 || fsync(fd) != 0) {
        stop("cannot write there");
    }
    for (int i = 0; i < SYNCS; i++) {
        double t = now_s();

        if (pwrite(fd, page, sizeof page, (off_t)(i % 64) * 4096) != (ssize_t)sizeof page ||
            fdatasync(fd) != 0) {
            stop("cannot sync");
        }
        s[i] = now_s() - t;
    }
    (void)close(fd);
    (void)unlink(path);
    qsort(s, SYNCS, sizeof *s, by_value);
    printf("f, one fdatasync of a page on %s: p50 %.3f ms, p99 %.3f ms\n", file_system(folder),
           at(s, SYNCS, 0.5), at(s, SYNCS, 0.99));
}

/* Some seconds of commits of `batch` records; tidy's time is counted apart. */
static void measure_commits(const char *folder, int batch, int pages, double seconds)
{
    static double s[1 << 20];
    fy_store_options options = {.checkpoint_pages = pages};
    fy_store *store = NULL;
    fy_err err = {0};
    char path[256];
    char command[300];
    char body[BODY_BYTES];
    double began;
    double tidied = 0;
    double longest = 0;
    int n = 0;

    (void)snprintf(path, sizeof path, "%s/bench-state", folder);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    memset(body, 'b', sizeof body);
    options.folder = path;
    if (system(command) != 0 || fy_store_open(&store, &options, &err) != 0) {
        stop(err.text);
    }
    began = now_s();
    while (now_s() - began < seconds && n < (int)(sizeof s / sizeof *s)) {
        double t = now_s();
        double then;

        for (int i = 0; i < batch; i++) {
            char line[128];
            int len = snprintf(line, sizeof line, "%lld progress job=%lld attempt=1 done=%d",
                               (long long)fy_store_last(store), (long long)n, i);

            (void)fy_store_append(store, line, (size_t)len, body, sizeof body);
        }
        if (fy_store_commit(store, &err) != 0) {
            stop(err.text);
        }
        then = now_s();
        s[n++] = then - t;
        while (fy_store_tidy(store, &err) > 0) {
        }
        t = now_s() - then;
        tidied += t;
        longest = t > longest ? t : longest;
    }
    began = now_s() - began;
    qsort(s, (size_t)n, sizeof *s, by_value);
    printf("%8d %8d %10.0f %10.0f %8.3f %8.3f %9.2f %% %9.1f\n", batch, pages, n / began,
           (double)n * batch / began, at(s, n, 0.5), at(s, n, 0.99), 100 * tidied / began,
           longest * 1e3);
    fy_store_close(store);
    if (system(command) != 0) {
        stop("cannot remove what was made");
    }
}

int main(int argc, char **argv)
{
    static const int pages[] = {250, 1000, 4096, 16384};
    const char *folder = argc > 1 ? argv[1] : ".";
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 3;

    measure_sync(folder);
    if (seconds <= 0) {
        return 0;
    }
    printf("\n%8s %8s %10s %10s %8s %8s %11s %9s\n", "a commit", "log", "commits/s", "records/s",
           "p50 ms", "p99 ms", "tidying", "most ms");
    measure_commits(folder, 1, 4096, seconds);
    measure_commits(folder, 10, 4096, seconds);
    measure_commits(folder, 1000, 4096, seconds);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        measure_commits(folder, 100, pages[i], seconds);
    }
    return 0;
}
