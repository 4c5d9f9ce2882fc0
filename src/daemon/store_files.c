/* SPDX-License-Identifier: MIT */
/* The operating system's side of the store's files. */
#include "daemon/store_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int system_make_folder(void *ctx, const char *path)
{
    struct stat info;

    (void)ctx;
    if (mkdir(path, 0700) == 0) {
        return 1;
    }
    if (errno != EEXIST) {
        return -errno;
    }
    return stat(path, &info) != 0 ? -errno : S_ISDIR(info.st_mode) ? 0 : -ENOTDIR;
}

static int system_create(void *ctx, const char *path, bool fresh)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (fresh ? O_EXCL : O_TRUNC);
    int fd = open(path, flags, 0600);

    (void)ctx;
    return fd >= 0 ? fd : -errno;
}

static int system_open(void *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    (void)ctx;
    return fd >= 0 ? fd : -errno;
}

static int64_t system_read(void *ctx, int handle, void *bytes, size_t len)
{
    ssize_t n;

    (void)ctx;
    do {
        n = read(handle, bytes, len);
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : -errno;
}

static int system_write(void *ctx, int handle, const void *bytes, size_t len)
{
    const char *at = bytes;

    (void)ctx;
    while (len > 0) {
        ssize_t n = write(handle, at, len);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int system_sync(void *ctx, int handle)
{
    (void)ctx;
    return fsync(handle) == 0 ? 0 : -errno; /* never tried again */
}

static int system_renew(void *ctx, const char *path)
{
    enum { RENEW_BYTES = 1 << 16 };
    char bytes[RENEW_BYTES];
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    off_t at = 0;
    ssize_t n = 0;
    int status;

    (void)ctx;
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    while ((n = pread(fd, bytes, sizeof bytes, at)) > 0 && pwrite(fd, bytes, (size_t)n, at) == n) {
        at += n;
    }
    status = n == 0 ? 0 : errno != 0 ? -errno : -EIO;
    status = status == 0 && fsync(fd) != 0 ? -errno : status;
    (void)close(fd);
    return status;
}

static void system_close(void *ctx, int handle)
{
    (void)ctx;
    (void)close(handle); /* what matters was synced before */
}

static int system_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return rename(from, to) == 0 ? 0 : -errno;
}

static int system_remove(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path) == 0 ? 0 : -errno;
}

static int system_sync_folder(void *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status;

    (void)ctx;
    if (fd < 0) {
        return -errno;
    }
    status = fsync(fd) == 0 ? 0 : -errno;
    (void)close(fd);
    return status;
}

static int system_each(void *ctx, const char *path, fy_name_fn each, void *arg)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int status = 0;

    (void)ctx;
    if (folder == NULL) {
        return -errno;
    }
    errno = 0;
    while (status == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            status = each(arg, entry->d_name);
        }
        errno = 0;
    }
    status = status == 0 ? -errno : status;
    (void)closedir(folder);
    return status;
}

static int64_t system_room(void *ctx, const char *path)
{
    struct statvfs info;

    (void)ctx;
    if (statvfs(path, &info) != 0) {
        return -errno;
    }
    return (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

static int system_lock(void *ctx, const char *path, int64_t *pid)
{
    char text[24];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    ssize_t n;

    (void)ctx;
    *pid = 0;
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int status = -errno;

        n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        *pid = strtoll(text, NULL, 10);
        (void)close(fd);
        return status;
    }
    n = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        /* The lock holds without the number, too: on a full disk, say. */
    }
    return fd;
}

const fy_files fy_files_system = {
    .make_folder = system_make_folder,
    .create = system_create,
    .open = system_open,
    .read = system_read,
    .write = system_write,
    .sync = system_sync,
    .renew = system_renew,
    .close = system_close,
    .rename = system_rename,
    .remove = system_remove,
    .sync_folder = system_sync_folder,
    .each = system_each,
    .room = system_room,
    .lock = system_lock,
};
