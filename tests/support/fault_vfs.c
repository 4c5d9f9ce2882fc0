/* SPDX-License-Identifier: MIT */
/* The failing disk as a VFS of SQLite's, with shared memory and its locks in the heap. */
#include "base/arena.h"
#include "support/fault_inside.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct vfs_file {
    sqlite3_file base;
    fault_disk *disk;
    int file;
    char folder[256]; /* of a log just made: its name becomes durable with its first sync */
    uint8_t shared, exclusive; /* locks of shared memory that this connection has */
} vfs_file;

static fault_file *file_of(const vfs_file *f)
{
    return f->disk->files[f->file];
}

static int code_of(int status, int otherwise)
{
    return status == 0 ? SQLITE_OK : status == -ENOSPC ? SQLITE_FULL : otherwise;
}

/* ------------------------------------------------------------------ a file */

static int vfs_close(sqlite3_file *file)
{
    (void)file; /* its bytes belong to the disk */
    return SQLITE_OK;
}

static int vfs_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    const vfs_file *f = (vfs_file *)file;
    const fault_image *image = &file_of(f)->cache;
    size_t left = image->len > (size_t)offset ? image->len - (size_t)offset : 0;
    size_t n = left < (size_t)len ? left : (size_t)len;

    if (fault_due(f->disk, FAULT_READ)) {
        return SQLITE_IOERR_READ;
    }
    if (n > 0) {
        memcpy(bytes, image->bytes + offset, n);
    }
    memset((char *)bytes + n, 0, (size_t)len - n);
    return n == (size_t)len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    const vfs_file *f = (vfs_file *)file;

    return code_of(fault_write(f->disk, file_of(f), bytes, (size_t)len, offset),
                   SQLITE_IOERR_WRITE);
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 len)
{
    const vfs_file *f = (vfs_file *)file;

    return code_of(fault_truncate(f->disk, file_of(f), len), SQLITE_IOERR_TRUNCATE);
}

static int vfs_sync(sqlite3_file *file, int flags)
{
    vfs_file *f = (vfs_file *)file;
    int status = fault_sync(f->disk, file_of(f));

    (void)flags;
    if (status == 0 && f->folder[0] != '\0') { /* as SQLite's own VFS does for a log */
        status = fault_sync_folder(f->disk, f->folder);
        f->folder[0] = '\0';
    }
    return code_of(status, SQLITE_IOERR_FSYNC);
}

static int vfs_size(sqlite3_file *file, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)file_of((vfs_file *)file)->cache.len;
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK; /* one process; in WAL mode the shared memory's locks decide */
}

static int vfs_reserved(sqlite3_file *file, int *reserved)
{
    (void)file;
    *reserved = 0;
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *file)
{
    (void)file;
    return 512;
}

static int vfs_character(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ------------------------------------------------------------------ shared memory */

static int vfs_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    const vfs_file *f = (vfs_file *)file;
    fault_file *it = file_of(f);

    *out = NULL;
    if (region >= it->n_shm && extend == 0) {
        return SQLITE_OK;
    }
    if (fault_due(f->disk, FAULT_OPEN)) {
        return SQLITE_IOERR_SHMMAP;
    }
    while (it->n_shm <= region) {
        it->shm = fy_realloc(it->shm, (size_t)it->n_shm + 1, sizeof *it->shm);
        it->shm[it->n_shm++] = fy_calloc((size_t)size, 1);
    }
    *out = it->shm[region];
    return SQLITE_OK;
}

static int vfs_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    vfs_file *f = (vfs_file *)file;
    fault_file *it = file_of(f);

    for (int i = offset; i < offset + n; i++) {
        uint8_t bit = (uint8_t)(1 << i);
        bool taken = (f->shared & bit) == 0 && it->shared[i] > 0;

        if ((flags & SQLITE_SHM_LOCK) != 0 && (f->exclusive & bit) == 0 &&
            (it->exclusive[i] || (taken && (flags & SQLITE_SHM_EXCLUSIVE) != 0))) {
            return SQLITE_BUSY;
        }
    }
    for (int i = offset; i < offset + n; i++) {
        uint8_t bit = (uint8_t)(1 << i);
        uint8_t *held = (flags & SQLITE_SHM_SHARED) != 0 ? &f->shared : &f->exclusive;
        bool want = (flags & SQLITE_SHM_LOCK) != 0;

        if (((*held & bit) != 0) == want) {
            continue;
        }
        *held = (uint8_t)(*held ^ bit);
        if ((flags & SQLITE_SHM_SHARED) != 0) {
            it->shared[i] += want ? 1 : -1;
        } else {
            it->exclusive[i] = want;
        }
    }
    return SQLITE_OK;
}

static void vfs_shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int vfs_shm_unmap(sqlite3_file *file, int drop)
{
    (void)drop;
    for (int i = 0; i < 8; i++) {
        (void)vfs_shm_lock(file, i, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
        (void)vfs_shm_lock(file, i, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    }
    return SQLITE_OK;
}

void fault_vfs_forget(fault_file *file)
{
    for (int i = 0; i < file->n_shm; i++) {
        free(file->shm[i]);
    }
    free(file->shm);
    file->shm = NULL;
    file->n_shm = 0;
    memset(file->shared, 0, sizeof file->shared);
    memset(file->exclusive, 0, sizeof file->exclusive);
}

/* ------------------------------------------------------------------ the file system */

static const sqlite3_io_methods io_methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_lock,
    .xCheckReservedLock = vfs_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_character,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *got)
{
    fault_disk *disk = vfs->pAppData;
    vfs_file *f = (vfs_file *)file;
    const char *slash;

    memset(f, 0, sizeof *f);
    if (path == NULL || fault_due(disk, FAULT_OPEN)) { /* temporary files stay in memory */
        return SQLITE_CANTOPEN;
    }
    f->disk = disk;
    f->file = fault_lookup(disk, path);
    if (f->file < 0 && (flags & SQLITE_OPEN_CREATE) == 0) {
        return SQLITE_CANTOPEN;
    }
    if (f->file < 0) {
        slash = strrchr(path, '/');
        f->file = fault_make(disk, path, false);
        if (slash != NULL && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0) {
            memcpy(f->folder, path, (size_t)(slash - path));
        }
    }
    if (got != NULL) {
        *got = flags;
    }
    f->base.pMethods = &io_methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    fault_disk *disk = vfs->pAppData;
    char folder[256];
    const char *slash = strrchr(path, '/');
    int status = fault_remove(disk, path);

    if (status == -ENOENT) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    if (status == 0 && sync_folder != 0 && slash != NULL) {
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
        status = fault_sync_folder(disk, folder);
    }
    return code_of(status, SQLITE_IOERR_DELETE);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *there)
{
    int file = fault_lookup(vfs->pAppData, path);
    fault_disk *disk = vfs->pAppData;

    *there = file >= 0;
    if (flags == SQLITE_ACCESS_EXISTS && file >= 0 && disk->files[file]->cache.len == 0) {
        *there = 0; /* as SQLite's own VFS: an empty log is none */
    }
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int room, char *out)
{
    (void)vfs;
    if ((int)strlen(path) >= room) {
        return SQLITE_CANTOPEN;
    }
    memcpy(out, path, strlen(path) + 1);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
    fault_disk *disk = vfs->pAppData;

    for (int i = 0; i < len; i++) {
        out[i] = (char)fy_rng_u64(&disk->rng);
    }
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *ms)
{
    (void)vfs;
    *ms = 0;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    (void)len;
    (void)out;
    return 0;
}

/* ------------------------------------------------------------------ SQLite's memory */

static sqlite3_mem_methods system_memory;
static fault_disk *memory_disk;

static bool no_memory(void)
{
    return memory_disk != NULL && (memory_disk->ops & FAULT_MEMORY) != 0 &&
           fault_due(memory_disk, FAULT_MEMORY);
}

static void *memory_malloc(int size)
{
    return no_memory() ? NULL : system_memory.xMalloc(size);
}

static void *memory_realloc(void *old, int size)
{
    return no_memory() ? NULL : system_memory.xRealloc(old, size);
}

void fault_memory_install(void)
{
    sqlite3_mem_methods ours;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_memory) != SQLITE_OK) {
        abort();
    }
    ours = system_memory;
    ours.xMalloc = memory_malloc;
    ours.xRealloc = memory_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK) {
        abort();
    }
}

/* ------------------------------------------------------------------ coming and going */

void fault_vfs_register(fault_disk *disk, const char *name)
{
    sqlite3_vfs *vfs = fy_calloc(1, sizeof *vfs);

    *vfs = (sqlite3_vfs){.iVersion = 2,
                         .szOsFile = sizeof(vfs_file),
                         .mxPathname = 255,
                         .zName = name,
                         .pAppData = disk,
                         .xOpen = vfs_open,
                         .xDelete = vfs_delete,
                         .xAccess = vfs_access,
                         .xFullPathname = vfs_full_path,
                         .xRandomness = vfs_random,
                         .xSleep = vfs_sleep,
                         .xGetLastError = vfs_error,
                         .xCurrentTimeInt64 = vfs_time};
    disk->vfs = vfs;
    memory_disk = disk;
    if (sqlite3_vfs_register(vfs, 0) != SQLITE_OK) {
        abort();
    }
}

void fault_vfs_unregister(fault_disk *disk)
{
    memory_disk = memory_disk == disk ? NULL : memory_disk;
    (void)sqlite3_vfs_unregister(disk->vfs);
    free(disk->vfs);
}
