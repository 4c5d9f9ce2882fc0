/* SPDX-License-Identifier: MIT */
/* What the writing and the reading side of a fleet's snapshot share. */
#ifndef FUYAO_FLEET_SNAPSHOT_H
#define FUYAO_FLEET_SNAPSHOT_H

#include "base/pack.h"
#include "fleet/state.h"

extern const char fy_snapshot_magic[]; /* 8 bytes, the last of them the version */

/* Load bytes that fy_fleet_save has just made in this process: neither their hash nor the
 * invariants are checked again. Owned by caller. */
fy_fleet *fy_fleet_reload(const void *bytes, size_t len);

/* ------------------------------------------------------------------ reading */

#define FY_LOAD_SPAN 1000000000000000000           /* most of a span or an event's instant [us] */
#define FY_LOAD_FAR  4000000000000000000           /* most of an instant and a few spans [us] */
enum { FY_LOAD_TIME = 104, FY_LOAD_ENERGY = 124 }; /* bits of sums, far above what is reached */

/* A fleet being read. */
typedef struct fy_load {
    fy_fleet *fleet;
    fy_unpack in;
    const char *what; /* first fault found, NULL = none but what `in` says */
    fy_chunk *chunks;
    int32_t *devices;
    fy_rate *rates;
    int64_t *after;
    char *name;
    size_t chunks_room, devices_room, rates_room, after_room, name_room;
    fy_err *err;
} fy_load;

bool fy_load_bad(fy_load *l, const char *what);  /* false, and remembers the first `what` */
bool fy_load_fine(fy_load *l, const char *what); /* false after a fault */
const char *fy_load_name(fy_load *l);            /* borrowed until the next name */
fy_wide fy_load_wide(fy_load *l, fy_wide low, int bits);
int64_t fy_load_instant(fy_load *l);
int32_t fy_load_int32(fy_load *l, int64_t low, int64_t high);
bool fy_load_never(int64_t never); /* one of the reasons for never */
bool fy_load_jobs(fy_load *l);     /* snapshot_jobs.c: all slots */

#endif
