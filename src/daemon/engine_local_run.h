/* SPDX-License-Identifier: MIT */
/* The inside of the local engine, shared by its files. */
#ifndef FUYAO_DAEMON_ENGINE_LOCAL_RUN_H
#define FUYAO_DAEMON_ENGINE_LOCAL_RUN_H

#include "base/arena.h"
#include "base/str.h"
#include "daemon/cgroup.h"
#include "daemon/engine_local.h"
#include "daemon/environment.h"
#include "daemon/nvml.h"
#include "daemon/order.h"
#include "daemon/run_record.h"
#include "daemon/shim.h"
#include "daemon/zygote.h"

#include <math.h>

enum { FY_LOCAL_USERS = 64, FY_LOCAL_HINTS = 1 << 20 };

typedef struct fy_local_user {
    uid_t uid;
    gid_t gid;
    char *name, *home, *shell; /* owned */
    int64_t *groups;           /* [n_groups], owned */
    int n_groups;
} fy_local_user;

typedef struct fy_local {
    fy_engine engine; /* first */
    fy_zygote zygote;
    fy_nvml *nvml; /* NULL = none */
    fy_cgroups groups;
    char *state;  /* owned */
    int runs;     /* folder STATE/run */
    int fifo;     /* STATE/hints */
    char tag[40]; /* of this state folder: names the control groups of its runs, beside those of
                     other daemons on this machine */
    int n_spares; /* folders spare-0 .. that wait for a run */
    char boot[FY_BOOT_ID];
    int64_t max_processes, max_file_bytes;
    int64_t processes_before; /* of this user when the engine opened, where it is not root */
    char **nodes;
    int n_nodes;
    fy_local_user users[FY_LOCAL_USERS]; /* those seen last */
    int n_users, next_user;
    fy_str packed; /* room for an order */
    fy_str hinted; /* what the FIFO held */
    size_t hint_at;
    char isolation[800];
    char text[FY_RUN_TEXT];
} fy_local;

/*
 * A run's folder, file and record, and its lock where nobody holds it. All changes to a run that
 * has no shim are made under that lock, so that two can never make different ones.
 */
typedef struct fy_local_claim {
    int folder, run; /* -1 where there is none */
    bool locked;     /* the lock is ours: no shim lives, and no order is on its way to one */
    fy_run_record record;
} fy_local_claim;

/* `make`: make what is missing. Errors: FY_EIO; the claim is to be dropped in any case. */
int fy_local_claim_run(fy_local *e, fy_run_key key, bool make, fy_local_claim *claim, fy_err *err);
void fy_local_claim_drop(fy_local_claim *claim);

/* Write an end (`refused`, `lost`) into a run that is locked. Returns 0 or FY_EIO. */
int fy_local_end(fy_local_claim *claim, const char *verb, const char *text);

/* The shim of this run, whose lock is ours, has vanished: kill what it left, then write down that
 * the run is lost. Returns whether it is. */
bool fy_local_bury(fy_local *e, fy_run_key key, fy_local_claim *claim);

bool fy_local_frozen(const fy_run_record *record);

/* It waits in the kernel, for the disk or for a child that is not its program yet. */
bool fy_local_deaf(const fy_run_record *record);
void fy_local_empty(int folder); /* remove the files in it */

/* engine_local_spare.c: keep the folder of a run that has ended (false: it cannot be kept; true: it
 * bears the run's name no more); give one to a run that has none; remove what is left of before. */
bool fy_local_spare_keep(fy_local *e, const char *name, const fy_local_claim *claim);
bool fy_local_spare_take(fy_local *e, const char *name);
void fy_local_spare_sweep(fy_local *e);

int fy_local_look(fy_engine *engine, fy_run_key key, fy_run *out, fy_err *err);
int fy_local_list(fy_engine *engine, fy_run_fn each, void *ctx, fy_err *err);

/* Of whom a run is: name, home, groups; borrowed until some 60 other users have been asked for. */
const fy_local_user *fy_local_user_of(fy_local *e, uid_t uid, gid_t gid);
void fy_local_user_free(fy_local_user *user);
int64_t fy_local_processes_now(void);

#endif
