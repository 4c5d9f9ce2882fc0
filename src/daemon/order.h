/* SPDX-License-Identifier: MIT */
/*
 * An order: what a shim is told to start, with everything resolved, so that it need look up
 * nothing. The daemon packs it into a memory file that goes through the zygote to the shim.
 * Numbers, then strings each with its NUL; read strictly, so that a broken one is refused.
 */
#ifndef FUYAO_DAEMON_ORDER_H
#define FUYAO_DAEMON_ORDER_H

#include "base/arena.h"
#include "base/str.h"
#include "daemon/engine.h"

enum { FY_ORDER_MAX = 32 * 1024 * 1024, FY_ORDER_LIST = 1 << 20 };

typedef struct fy_order {
    fy_run_key key;
    uid_t uid;
    gid_t gid;
    bool drop;                     /* become uid and gid: the daemon is root */
    int workers;                   /* processes to start, >= 1 */
    int checkpoint_signal;         /* 0 = none */
    bool append;                   /* outputs are kept: not the first attempt */
    int64_t max_processes;         /* 0 = no limit; so below */
    int64_t max_file_bytes;        /* of each file it writes */
    int64_t cpu_milli, memory_mib; /* with cgroups only */
    const char *boot;              /* boot id */
    const char *folder;            /* the run's, absolute */
    const char *cgroup;            /* folder of the run's group, to be made; NULL = none */
    const char *workdir, *output;
    const char *error;       /* NULL = with output */
    const char *script;      /* its text; NULL: argv[0] is the program */
    const char *const *argv; /* [n_argv] */
    const char *const *env;  /* [n_env] NAME=VALUE */
    const char *const *each; /* [workers][n_each] NAME=VALUE, of one worker */
    const int64_t *groups;   /* [n_groups] supplementary */
    int n_argv, n_env, n_each, n_groups;
} fy_order;

void fy_order_pack(fy_str *out, const fy_order *order);

/* Read `bytes` [len], which must outlive the order; lists are owned by the arena.
 * Errors: FY_EPARSE. */
int fy_order_unpack(fy_order *out, const char *bytes, size_t len, fy_arena *arena,
                    fy_err *err) FY_NODISCARD;

#endif
