/* SPDX-License-Identifier: MIT */
/* The store's table of file operations on the failing disk. */
#include "base/arena.h"
#include "support/fault_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSED = -1, LOCK = -2 };

static int new_handle(fault_disk *disk, int file)
{
    disk->handles = fy_grow(disk->handles, &disk->handles_room, (size_t)disk->n_handles + 1,
                            sizeof *disk->handles);
    disk->handles[disk->n_handles] = (fault_handle){.file = file};
    return disk->n_handles++;
}

static int make_folder(void *ctx, const char *path)
{
    if (fault_lookup(ctx, path) >= 0) {
        return 0;
    }
    if (fault_due(ctx, FAULT_OPEN)) {
        return -fault_errno(ctx);
    }
    (void)fault_make(ctx, path, true);
    return 1;
}

static int create(void *ctx, const char *path, bool fresh)
{
    fault_disk *disk = ctx;
    int file = fault_lookup(disk, path);
    int status;

    if (fault_due(disk, FAULT_OPEN)) {
        return -fault_errno(disk);
    }
    if (file >= 0 && fresh) {
        return -EEXIST;
    }
    if (file < 0) {
        file = fault_make(disk, path, false);
    } else if ((status = fault_truncate(disk, disk->files[file], 0)) != 0) {
        return status;
    }
    return new_handle(disk, file);
}

static int open_file(void *ctx, const char *path)
{
    int file = fault_lookup(ctx, path);

    if (fault_due(ctx, FAULT_OPEN)) {
        return -fault_errno(ctx);
    }
    return file >= 0 ? new_handle(ctx, file) : -ENOENT;
}

static int64_t read_some(void *ctx, int handle, void *bytes, size_t len)
{
    fault_disk *disk = ctx;
    fault_handle *h = &disk->handles[handle];
    const fault_image *image = &disk->files[h->file]->cache;
    size_t left = image->len > (size_t)h->at ? image->len - (size_t)h->at : 0;
    size_t n = left < len ? left : len;

    if (fault_due(disk, FAULT_READ)) {
        return -fault_errno(disk);
    }
    if (n > 0) {
        memcpy(bytes, image->bytes + h->at, n);
        h->at += (int64_t)n;
    }
    return (int64_t)n;
}

static int write_all(void *ctx, int handle, const void *bytes, size_t len)
{
    fault_disk *disk = ctx;
    fault_handle *h = &disk->handles[handle];
    int status = fault_write(disk, disk->files[h->file], bytes, len, h->at);

    h->at += (int64_t)len;
    return status;
}

static int sync_file(void *ctx, int handle)
{
    fault_disk *disk = ctx;

    return fault_sync(disk, disk->files[disk->handles[handle].file]);
}

static int renew(void *ctx, const char *path)
{
    fault_disk *disk = ctx;
    int file = fault_lookup(disk, path);
    int status = 0;
    uint8_t *bytes;
    size_t len;

    if (file < 0) {
        return 0;
    }
    len = disk->files[file]->cache.len;
    bytes = fy_calloc(len + 1, 1);
    if (len > 0) {
        memcpy(bytes, disk->files[file]->cache.bytes, len);
        status = fault_write(disk, disk->files[file], bytes, len, 0);
    }
    free(bytes);
    return status == 0 ? fault_sync(disk, disk->files[file]) : status;
}

static void close_file(void *ctx, int handle)
{
    fault_disk *disk = ctx;

    if (disk->handles[handle].file == LOCK) {
        disk->locked = false;
    }
    disk->handles[handle].file = CLOSED;
    while (disk->n_handles > 0 && disk->handles[disk->n_handles - 1].file == CLOSED) {
        disk->n_handles--;
    }
}

static int rename_file(void *ctx, const char *from, const char *to)
{
    return fault_rename(ctx, from, to);
}

static int remove_file(void *ctx, const char *path)
{
    return fault_remove(ctx, path);
}

static int sync_folder(void *ctx, const char *path)
{
    return fault_sync_folder(ctx, path);
}

static int each(void *ctx, const char *path, fy_name_fn each_name, void *arg)
{
    fault_disk *disk = ctx;
    size_t len = strlen(path);
    int status = 0;

    if (fault_due(disk, FAULT_OPEN)) {
        return -fault_errno(disk);
    }
    if (fault_lookup(disk, path) < 0) {
        return -ENOENT;
    }
    for (size_t i = 0; status == 0 && i < disk->cached.n; i++) {
        const char *name = disk->cached.names[i].path;

        if (strncmp(name, path, len) == 0 && name[len] == '/' &&
            strchr(name + len + 1, '/') == NULL) {
            status = each_name(arg, name + len + 1);
        }
    }
    return status;
}

static int64_t room(void *ctx, const char *path)
{
    (void)path;
    return ((fault_disk *)ctx)->full ? 0 : (int64_t)1 << 40;
}

static int lock(void *ctx, const char *path, int64_t *pid)
{
    fault_disk *disk = ctx;

    *pid = 1;
    if (fault_due(disk, FAULT_OPEN)) {
        return -fault_errno(disk);
    }
    if (disk->locked) {
        return -EWOULDBLOCK;
    }
    if (fault_lookup(disk, path) < 0) {
        (void)fault_make(disk, path, false);
    }
    disk->locked = true;
    return new_handle(disk, LOCK);
}

void fault_files_init(fault_disk *disk)
{
    disk->table = (fy_files){.ctx = disk,
                             .make_folder = make_folder,
                             .create = create,
                             .open = open_file,
                             .read = read_some,
                             .write = write_all,
                             .sync = sync_file,
                             .renew = renew,
                             .close = close_file,
                             .rename = rename_file,
                             .remove = remove_file,
                             .sync_folder = sync_folder,
                             .each = each,
                             .room = room,
                             .lock = lock};
}

const fy_files *fault_disk_files(fault_disk *disk)
{
    return &disk->table;
}
