/* SPDX-License-Identifier: MIT */
/* Scores of nodes for one worker (or a gang that fits on one node), cached by what is asked. */
#ifndef FUYAO_FLEET_SCORE_H
#define FUYAO_FLEET_SCORE_H

#include "fleet/place.h"

/* What one node must give. */
typedef struct fy_want {
    uint64_t mask;
    int64_t cpu_milli, memory_mib;
    int devices, milli;
} fy_want;

typedef struct fy_score_cache fy_score_cache; /* one for each (cpu, devices, milli) */

typedef struct fy_scorer {
    fy_score_cache *caches; /* [n], owned */
    size_t n, room;
    int32_t *hash; /* [buckets] heads of chains of caches, -1 = empty */
    size_t buckets;
    double at[100]; /* (F before - F after) / 1000 from which the score is s */
} fy_scorer;

void fy_scorer_init(fy_scorer *scorer);
void fy_scorer_free(fy_scorer *scorer);

/* The node fgd chooses and the device of a share (-1 else), or -1. */
int fy_fgd_best(fy_scorer *scorer, const fy_fleet *fleet, const fy_job *job, const fy_want *want,
                int *device);

/* The node bestfit chooses, or -1. */
int fy_bestfit_best(const fy_fleet *fleet, const fy_job *job, const fy_want *want);

/* The fullest device of the node on which `milli` fit, or -1. */
int fy_fullest_device(const fy_fleet *fleet, const fy_node *node, int milli);

/* Does the node have what is wanted (chip and openness aside)? */
bool fy_node_fits(const fy_fleet *fleet, const fy_node *node, const fy_want *want);

#endif
