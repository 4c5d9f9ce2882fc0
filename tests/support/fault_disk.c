/* SPDX-License-Identifier: MIT */
/* Files, folders and faults. SQLite's side is in fault_vfs.c. */
#include "support/fault_disk.h"

#include "base/arena.h"
#include "support/fault_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR_BYTES = 512 };

/* ------------------------------------------------------------------ faults */

bool fault_due(fault_disk *disk, fault_op op)
{
    disk->now = false;
    if (disk->gone) {
        return true;
    }
    if (disk->full && op == FAULT_WRITE) {
        return true;
    }
    if (disk->n == 0 || (disk->ops & op) == 0) {
        return false;
    }
    disk->count++;
    if (disk->count != disk->n) {
        return false;
    }
    disk->fired = disk->now = true;
    if (disk->kind == FAULT_FULL) {
        disk->full = true;
        return op == FAULT_WRITE;
    }
    disk->gone = disk->kind == FAULT_DEATH;
    return true;
}

int fault_errno(const fault_disk *disk)
{
    return disk->full ? ENOSPC : EIO;
}

void fault_disk_arm(fault_disk *disk, unsigned ops, int64_t n, fault_kind kind)
{
    disk->ops = ops;
    disk->n = n;
    disk->kind = kind;
    disk->count = 0;
    disk->fired = disk->full = disk->gone = false;
}

bool fault_disk_fired(const fault_disk *disk)
{
    return disk->fired;
}

int64_t fault_disk_count(const fault_disk *disk)
{
    return disk->count;
}

/* ------------------------------------------------------------------ bytes */

static void image_write(fault_image *image, int64_t offset, const void *bytes, size_t len)
{
    size_t end = (size_t)offset + len;

    image->bytes = fy_grow(image->bytes, &image->room, end + 1, 1);
    if (end > image->len) {
        memset(image->bytes + image->len, 0, end - image->len);
        image->len = end;
    }
    if (len > 0) {
        memcpy(image->bytes + offset, bytes, len);
    }
}

static void image_truncate(fault_image *image, int64_t len)
{
    if ((size_t)len > image->len) {
        image_write(image, len, "", 0);
    }
    image->len = (size_t)len;
}

static void image_copy(fault_image *to, const fault_image *from)
{
    to->len = 0;
    image_write(to, 0, from->bytes, from->len);
}

static void change_apply(fault_image *image, const fault_change *change)
{
    if (change->truncate) {
        image_truncate(image, change->offset);
    } else {
        image_write(image, change->offset, change->bytes, change->len);
    }
}

/* Some sectors of a write reached the disk. */
static void change_tear(fault_image *image, const fault_change *change, fy_rng *rng)
{
    for (size_t at = 0; at < change->len;) {
        size_t left = SECTOR_BYTES - ((size_t)change->offset + at) % SECTOR_BYTES;
        size_t n = left < change->len - at ? left : change->len - at;

        if (fy_rng_below(rng, 2) == 0) {
            image_write(image, change->offset + (int64_t)at, change->bytes + at, n);
        }
        at += n;
    }
}

static void forget_changes(fault_file *file)
{
    for (size_t i = 0; i < file->n_changes; i++) {
        free(file->changes[i].bytes);
    }
    file->n_changes = 0;
}

static fault_change *add_change(fault_file *file)
{
    file->changes =
        fy_grow(file->changes, &file->changes_room, file->n_changes + 1, sizeof *file->changes);
    return &file->changes[file->n_changes++];
}

static void put_bytes(fault_file *file, const void *bytes, size_t len, int64_t offset)
{
    fault_change *change = add_change(file);

    *change = (fault_change){.offset = offset, .len = len, .bytes = fy_calloc(len + 1, 1)};
    memcpy(change->bytes, bytes, len);
    image_write(&file->cache, offset, bytes, len);
}

int fault_write(fault_disk *disk, fault_file *file, const void *bytes, size_t len, int64_t offset)
{
    if (fault_due(disk, FAULT_WRITE)) {
        /* What a process was writing as it died, or until the disk was full. */
        if (disk->now && disk->kind != FAULT_ERROR) {
            put_bytes(file, bytes, len / 2, offset);
        }
        return -fault_errno(disk);
    }
    put_bytes(file, bytes, len, offset);
    return 0;
}

int fault_truncate(fault_disk *disk, fault_file *file, int64_t len)
{
    if (fault_due(disk, FAULT_TRUNCATE)) {
        return -fault_errno(disk);
    }
    *add_change(file) = (fault_change){.truncate = true, .offset = len};
    image_truncate(&file->cache, len);
    return 0;
}

/* Each change since the last sync reached the disk, or did not, or was torn. */
static void lose_some(fault_disk *disk, fault_file *file, bool tear)
{
    uint64_t manner = fy_rng_below(&disk->rng, 4); /* none, a first part, each by itself */
    size_t keep = file->n_changes > 0 ? fy_rng_below(&disk->rng, file->n_changes + 1) : 0;

    for (size_t i = 0; i < file->n_changes; i++) {
        const fault_change *change = &file->changes[i];
        uint64_t draw = fy_rng_below(&disk->rng, 4);

        if (manner == 0 || (manner == 1 && i >= keep)) {
            continue;
        }
        if (manner == 1 || draw < 2) {
            change_apply(&file->disk, change);
        } else if (draw == 2 && tear && !change->truncate) {
            change_tear(&file->disk, change, &disk->rng);
        }
    }
    forget_changes(file);
}

int fault_sync(fault_disk *disk, fault_file *file)
{
    if (fault_due(disk, FAULT_SYNC)) {
        if (!disk->gone) {
            lose_some(disk, file, false);
        }
        return -fault_errno(disk);
    }
    for (size_t i = 0; i < file->n_changes; i++) {
        change_apply(&file->disk, &file->changes[i]);
    }
    forget_changes(file);
    return 0;
}

/* ------------------------------------------------------------------ names */

/* "a/b/.." is "a". */
static char *plain(const char *path)
{
    size_t len = strlen(path);
    char *out = strdup(path);

    if (out == NULL) {
        abort();
    }
    if (len > 3 && strcmp(out + len - 3, "/..") == 0) {
        char *slash;

        out[len - 3] = '\0';
        slash = strrchr(out, '/');
        *(slash != NULL ? slash : out) = '\0';
    }
    return out;
}

static bool in_folder(const char *name, const char *folder)
{
    size_t len = strlen(folder);
    const char *slash = strrchr(name, '/');

    return len == 0 ? slash == NULL : slash == name + len && strncmp(name, folder, len) == 0;
}

static fault_name *find(fault_names *names, const char *path)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->names[i].path, path) == 0) {
            return &names->names[i];
        }
    }
    return NULL;
}

static void names_put(fault_names *names, const char *path, int file)
{
    fault_name *name = find(names, path);

    if (name == NULL) {
        names->names = fy_grow(names->names, &names->room, names->n + 1, sizeof *names->names);
        name = &names->names[names->n++];
        name->path = strdup(path);
    }
    name->file = file;
}

static void names_drop(fault_names *names, const char *path)
{
    fault_name *name = find(names, path);

    if (name != NULL) {
        free(name->path);
        *name = names->names[--names->n];
    }
}

static void names_copy(fault_names *to, const fault_names *from)
{
    while (to->n > 0) {
        free(to->names[--to->n].path);
    }
    for (size_t i = 0; i < from->n; i++) {
        names_put(to, from->names[i].path, from->names[i].file);
    }
}

static void move_apply(fault_names *names, const fault_move *move)
{
    if (move->from[0] != '\0') {
        names_drop(names, move->from);
    }
    if (move->to[0] != '\0') {
        names_put(names, move->to, move->file);
    }
}

static void move_free(fault_move *move)
{
    free(move->from);
    free(move->to);
}

/* A name changes: in the cache now, on the disk when its folder is synced. */
static void move(fault_disk *disk, const char *from, const char *to, int file)
{
    fault_move *it;

    disk->moves = fy_grow(disk->moves, &disk->moves_room, disk->n_moves + 1, sizeof *disk->moves);
    it = &disk->moves[disk->n_moves++];
    *it = (fault_move){.from = strdup(from), .to = strdup(to), .file = file};
    move_apply(&disk->cached, it);
}

int fault_sync_folder(fault_disk *disk, const char *path)
{
    char *folder = plain(path);
    size_t kept = 0;

    if (fault_due(disk, FAULT_SYNC)) {
        free(folder);
        return -fault_errno(disk);
    }
    for (size_t i = 0; i < disk->n_moves; i++) {
        fault_move *it = &disk->moves[i];

        if (in_folder(it->to[0] != '\0' ? it->to : it->from, folder)) {
            move_apply(&disk->durable, it);
            move_free(it);
        } else {
            disk->moves[kept++] = *it;
        }
    }
    disk->n_moves = kept;
    free(folder);
    return 0;
}

int fault_lookup(fault_disk *disk, const char *path)
{
    const fault_name *name = find(&disk->cached, path);

    return name != NULL ? name->file : -1;
}

int fault_make(fault_disk *disk, const char *path, bool folder)
{
    int file = disk->n_files;

    disk->files = fy_grow(disk->files, &disk->files_room, (size_t)file + 1, sizeof(fault_file *));
    disk->files[disk->n_files++] = fy_calloc(1, sizeof(fault_file));
    disk->files[file]->folder = folder;
    move(disk, "", path, file);
    return file;
}

int fault_remove(fault_disk *disk, const char *path)
{
    if (fault_due(disk, FAULT_REMOVE)) {
        return -fault_errno(disk);
    }
    if (fault_lookup(disk, path) < 0) {
        return -ENOENT;
    }
    move(disk, path, "", -1);
    return 0;
}

int fault_rename(fault_disk *disk, const char *from, const char *to)
{
    int file = fault_lookup(disk, from);

    if (fault_due(disk, FAULT_RENAME)) {
        return -fault_errno(disk);
    }
    if (file < 0) {
        return -ENOENT;
    }
    move(disk, from, to, file);
    return 0;
}

/* ------------------------------------------------------------------ the end of a process */

void fault_disk_restart(fault_disk *disk)
{
    fault_disk_arm(disk, 0, 0, FAULT_ERROR);
    disk->locked = false;
    for (int f = 0; f < disk->n_files; f++) {
        fault_vfs_forget(disk->files[f]); /* shared memory lives as long as the process */
    }
}

/* Is the folder of this name still there? */
static bool reachable(fault_names *names, const char *path)
{
    char folder[256];
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return true;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return find(names, folder) != NULL && reachable(names, folder);
}

void fault_disk_power(fault_disk *disk)
{
    size_t keep = disk->n_moves > 0 ? fy_rng_below(&disk->rng, disk->n_moves + 1) : 0;

    fault_disk_restart(disk);
    for (size_t i = 0; i < disk->n_moves; i++) {
        if (i < keep) {
            move_apply(&disk->durable, &disk->moves[i]);
        }
        move_free(&disk->moves[i]);
    }
    disk->n_moves = 0;
    for (size_t i = 0; i < disk->durable.n;) {
        if (reachable(&disk->durable, disk->durable.names[i].path)) {
            i++;
        } else {
            names_drop(&disk->durable, disk->durable.names[i].path);
            i = 0;
        }
    }
    names_copy(&disk->cached, &disk->durable);
    for (int f = 0; f < disk->n_files; f++) {
        lose_some(disk, disk->files[f], true);
        image_copy(&disk->files[f]->cache, &disk->files[f]->disk);
    }
}

/* ------------------------------------------------------------------ the whole */

fault_disk *fault_disk_new(const char *vfs_name, uint64_t seed)
{
    fault_disk *disk = fy_calloc(1, sizeof *disk);

    disk->rng = fy_rng_seed(seed);
    fault_files_init(disk);
    fault_vfs_register(disk, vfs_name);
    return disk;
}

static void free_files(fault_disk *disk)
{
    for (int f = 0; f < disk->n_files; f++) {
        fault_file *file = disk->files[f];

        forget_changes(file);
        fault_vfs_forget(file);
        free(file->changes);
        free(file->cache.bytes);
        free(file->disk.bytes);
        free(file);
    }
    disk->n_files = 0;
    for (size_t i = 0; i < disk->n_moves; i++) {
        move_free(&disk->moves[i]);
    }
    disk->n_moves = 0;
}

void fault_disk_free(fault_disk *disk)
{
    static const fault_names none;

    fault_vfs_unregister(disk);
    free_files(disk);
    names_copy(&disk->cached, &none);
    names_copy(&disk->durable, &none);
    free(disk->cached.names);
    free(disk->durable.names);
    free(disk->files);
    free(disk->moves);
    free(disk->handles);
    free(disk);
}
