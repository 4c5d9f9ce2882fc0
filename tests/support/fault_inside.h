/* SPDX-License-Identifier: MIT */
/* What the two sides of the failing disk share. Private to fault_*.c. */
#ifndef FUYAO_TESTS_FAULT_INSIDE_H
#define FUYAO_TESTS_FAULT_INSIDE_H

#include "base/rng.h"
#include "support/fault_disk.h"

#include <stddef.h>

typedef struct fault_image {
    uint8_t *bytes;
    size_t len, room;
} fault_image;

/* A write or truncation that no sync has followed. */
typedef struct fault_change {
    bool truncate;
    int64_t offset; /* or the new length */
    size_t len;
    uint8_t *bytes;
} fault_change;

typedef struct fault_file {
    bool folder;
    fault_image cache, disk;
    fault_change *changes; /* [n_changes] */
    size_t n_changes, changes_room;
    void **shm; /* [n_shm] regions of SQLite's shared memory */
    int n_shm;
    int shared[8]; /* locks on it: holders */
    bool exclusive[8];
} fault_file;

typedef struct fault_name {
    char *path;
    int file;
} fault_name;

typedef struct fault_names {
    fault_name *names; /* [n] */
    size_t n, room;
} fault_names;

/* A name that changed in a folder that was not synced since. */
typedef struct fault_move {
    char *from, *to; /* "" = none */
    int file;
} fault_move;

typedef struct fault_handle {
    int file; /* -1 = closed; -2 = the lock */
    int64_t at;
} fault_handle;

struct fault_disk {
    fy_rng rng;
    fault_file **files; /* [n_files] */
    int n_files;
    size_t files_room;
    fault_names cached, durable;
    fault_move *moves; /* [n_moves] */
    size_t n_moves, moves_room;
    fault_handle *handles; /* [n_handles] */
    int n_handles;
    size_t handles_room;
    bool locked;
    fy_files table;
    void *vfs;
    /* the fault */
    unsigned ops;
    int64_t n, count;
    fault_kind kind;
    bool fired, full, gone;
    bool now; /* it fires with this very operation */
};

bool fault_due(fault_disk *disk, fault_op op);
int fault_errno(const fault_disk *disk);              /* of the fault that was due */
int fault_lookup(fault_disk *disk, const char *path); /* file, -1 = none */
int fault_make(fault_disk *disk, const char *path, bool folder);
int fault_write(fault_disk *disk, fault_file *file, const void *bytes, size_t len, int64_t offset);
int fault_truncate(fault_disk *disk, fault_file *file, int64_t len);
int fault_sync(fault_disk *disk, fault_file *file);
int fault_sync_folder(fault_disk *disk, const char *path);
int fault_remove(fault_disk *disk, const char *path);
int fault_rename(fault_disk *disk, const char *from, const char *to);

void fault_files_init(fault_disk *disk);                     /* fault_files.c */
void fault_vfs_register(fault_disk *disk, const char *name); /* fault_vfs.c */
void fault_vfs_unregister(fault_disk *disk);
void fault_vfs_forget(fault_file *file);

#endif
