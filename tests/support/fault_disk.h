/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory that fails when it is told to: as a VFS of SQLite's and as the store's table of
 * file operations, both on the same files, so that one count runs through all of them.
 *
 * What is written lies in a cache until it is synced. When the power fails, each write since then
 * is kept, lost or torn by sectors, each on its own, and of the changes of a folder that was not
 * synced only some first ones remain. A sync that fails has written some of the pages and, as Linux
 * does, forgets that the others were ever dirty: the cache still shows them.
 *
 *     fault_disk_arm ─► work ─► fault_disk_fired? ─► close ─► fault_disk_restart or _power ─► look
 */
#ifndef FUYAO_TESTS_FAULT_DISK_H
#define FUYAO_TESTS_FAULT_DISK_H

#include "daemon/store_files.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct fault_disk fault_disk;

/* What may fail; bits. */
typedef enum fault_op {
    FAULT_WRITE = 1,
    FAULT_SYNC = 2, /* of a file or a folder */
    FAULT_TRUNCATE = 4,
    FAULT_OPEN = 8, /* of a file, a folder's list, shared memory or the lock */
    FAULT_RENAME = 16,
    FAULT_REMOVE = 32,
    FAULT_READ = 64,
    FAULT_MEMORY = 128, /* SQLite's; needs fault_memory_install */
    FAULT_CHANGES = 63, /* all that changes the disk, and open */
} fault_op;

typedef enum fault_kind {
    FAULT_ERROR, /* this one fails, the next work again */
    FAULT_SHORT, /* a write stops in the middle; else as FAULT_ERROR */
    FAULT_FULL,  /* from here on nothing can be written until the disk is armed again */
    FAULT_DEATH, /* this one and all after it do nothing, as for a process that is gone */
} fault_kind;

fault_disk *fault_disk_new(const char *vfs_name, uint64_t seed); /* registers the VFS */
void fault_disk_free(fault_disk *disk);
const fy_files *fault_disk_files(fault_disk *disk);

/* The nth operation (from 1) of these kinds from now on fails; n = 0: none does. */
void fault_disk_arm(fault_disk *disk, unsigned ops, int64_t n, fault_kind kind);
bool fault_disk_fired(const fault_disk *disk);
int64_t fault_disk_count(const fault_disk *disk); /* such operations since it was armed */

/* The process is gone (close what it had open first): its locks too. Disarms. */
void fault_disk_restart(fault_disk *disk);
/* The power failed as well. */
void fault_disk_power(fault_disk *disk);

/* Let SQLite allocate through the disk that was made last. Before its first use. */
void fault_memory_install(void);

#endif
