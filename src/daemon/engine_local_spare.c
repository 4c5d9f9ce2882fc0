/* SPDX-License-Identifier: MIT */
/*
 * Spare folders. Each run has a folder with two files; making and removing them a thousand times a
 * second costs more than the runs themselves on some file systems (ext4 without a journal passes
 * over every inode removed in the last minutes). So the folder of a run that is forgotten is kept,
 * emptied, for the next run of this daemon.
 *
 * A folder bears a run's name only while it is that run's: it is renamed first and emptied then,
 * and what a daemon before us left is removed.
 */
#include "daemon/engine_local_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_SPARES = 256, SPARE_NAME = 32 };

static const char prefix[] = "spare-";

static void spare_name(char out[SPARE_NAME], int number)
{
    (void)snprintf(out, SPARE_NAME, "%s%d", prefix, number);
}

/* Nothing but a run file and perhaps a progress file, which is then emptied. */
static bool is_plain(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;
    bool plain = dir != NULL;
    struct stat st;
    int fd;

    while (plain && (entry = readdir(dir)) != NULL) {
        plain = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                strcmp(entry->d_name, "run") == 0 || strcmp(entry->d_name, "progress") == 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    fd = plain ? openat(folder, "progress", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0) {
        plain =
            fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && ftruncate(fd, 0) == 0;
        (void)close(fd);
    }
    return plain && (fd >= 0 || faccessat(folder, "progress", F_OK, AT_SYMLINK_NOFOLLOW) != 0);
}

bool fy_local_spare_keep(fy_local *e, const char *name, const fy_local_claim *claim)
{
    char spare[SPARE_NAME];

    if (e->n_spares == MOST_SPARES || flock(claim->run, LOCK_EX | LOCK_NB) != 0 ||
        !is_plain(claim->folder)) {
        return false; /* its shim is about to end, or the job left something */
    }
    spare_name(spare, e->n_spares);
    if (renameat(e->runs, name, e->runs, spare) != 0) {
        return false;
    }
    if (ftruncate(claim->run, 0) == 0) {
        e->n_spares++;
    } else {
        fy_local_empty(claim->folder);
        (void)unlinkat(e->runs, spare, AT_REMOVEDIR);
    }
    return true;
}

bool fy_local_spare_take(fy_local *e, const char *name)
{
    char spare[SPARE_NAME];

    if (e->n_spares == 0) {
        return false;
    }
    spare_name(spare, --e->n_spares);
    return renameat(e->runs, spare, e->runs, name) == 0;
}

void fy_local_spare_sweep(fy_local *e)
{
    int copy = openat(e->runs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int folder =
            strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0
                ? openat(e->runs, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                : -1;

        if (folder >= 0) {
            fy_local_empty(folder);
            (void)close(folder);
            (void)unlinkat(e->runs, entry->d_name, AT_REMOVEDIR);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}
