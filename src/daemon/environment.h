/* SPDX-License-Identifier: MIT */
/*
 * The environment of a run's processes, built from nothing (docs/engine.md lists it). In this
 * order, a later entry replacing an earlier one of that name:
 *
 *     the user's own (HOME USER ... PATH) < the run's (FUYAO_* SLURM_* CUDA_* MASTER_*)
 *     < what the daemon adds < what the submission asks for < FUYAO_RUN, FUYAO_PROGRESS
 *     < one worker's (RANK LOCAL_RANK SLURM_PROCID ...), where one process a worker is started
 */
#ifndef FUYAO_DAEMON_ENVIRONMENT_H
#define FUYAO_DAEMON_ENVIRONMENT_H

#include "base/arena.h"
#include "daemon/engine.h"

typedef struct fy_user_home {
    const char *user, *home, *shell;
} fy_user_home;

typedef struct fy_environment {
    const char *const *all;  /* [n] NAME=VALUE, owned by the arena */
    const char *const *each; /* [workers][n_each] of one process, in order of rank */
    int n, n_each;
    int workers; /* processes that are started: 1, or the whole gang */
} fy_environment;

/*
 *   address  where the first worker listens (MASTER_ADDR)
 *   folder   the run's folder
 */
fy_environment fy_environment_build(const fy_run_spec *spec, const fy_user_home *home,
                                    const char *address, const char *folder, fy_arena *arena);

/* Whether a name may stand in an environment: letters, digits, underscores, no digit in front. */
bool fy_environment_name(const char *name);

#endif
