/* SPDX-License-Identifier: MIT */
/*
 * The store's own work with files (lock, archive, backup), as a table, so that a test can let the
 * Nth of these calls fail or the power go off in it. SQLite's files go through its VFS.
 *
 * Every function returns 0 (or what it says) or a negative errno.
 */
#ifndef FUYAO_DAEMON_STORE_FILES_H
#define FUYAO_DAEMON_STORE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called with each name in a folder; returns 0, or a negative errno that stops. */
typedef int (*fy_name_fn)(void *arg, const char *name);

typedef struct fy_files {
    void *ctx;
    int (*make_folder)(void *ctx, const char *path); /* 1 = made, 0 = was there; mode 0700 */
    /* A handle to write to, mode 0600. An old file is emptied, or, where it must be fresh, left
     * alone: -EEXIST. */
    int (*create)(void *ctx, const char *path, bool fresh);
    int (*open)(void *ctx, const char *path);                        /* a handle to read from */
    int64_t (*read)(void *ctx, int handle, void *bytes, size_t len); /* bytes read, 0 at the end */
    int (*write)(void *ctx, int handle, const void *bytes, size_t len); /* all of them */
    int (*sync)(void *ctx, int handle);
    /* Write a file's bytes over themselves and sync it; 0 where there is none. */
    int (*renew)(void *ctx, const char *path);
    void (*close)(void *ctx, int handle);
    int (*rename)(void *ctx, const char *from, const char *to); /* replaces */
    int (*remove)(void *ctx, const char *path);
    int (*sync_folder)(void *ctx, const char *path); /* names made in it last */
    int (*each)(void *ctx, const char *path, fy_name_fn each, void *arg);
    int64_t (*room)(void *ctx, const char *path); /* bytes free where `path` lies */
    /* A handle that holds the lock until it is closed or the process ends; -EWOULDBLOCK where
     * another one has it, *pid = whose that is (0 unknown). */
    int (*lock)(void *ctx, const char *path, int64_t *pid);
} fy_files;

/* The operating system's. */
extern const fy_files fy_files_system;

#endif
