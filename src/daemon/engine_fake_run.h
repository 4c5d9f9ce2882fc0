/* SPDX-License-Identifier: MIT */
/* The inside of the fake engine, shared by its two files: engine_fake_truth.c holds what truly
 * happens, engine_fake.c the verbs and what is shown. */
#ifndef FUYAO_DAEMON_ENGINE_FAKE_RUN_H
#define FUYAO_DAEMON_ENGINE_FAKE_RUN_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/rng.h"
#include "daemon/engine_fake.h"

#include <uthash.h>

typedef enum fake_truth { FAKE_ASKED, FAKE_ALIVE, FAKE_GONE } fake_truth;

typedef struct fake_run_id {
    int64_t job, attempt; /* both 64 bits: no padding in a hash key */
} fake_run_id;

typedef struct fake_run {
    fake_run_id id;
    fake_truth truth;
    bool forgotten; /* the daemon has dropped it */
    bool refused, lost, frozen, checkpointed, finished;
    int64_t begin_us, end_us;           /* while ASKED / ALIVE: planned */
    int64_t show_begin_us, show_end_us; /* from when on it is seen */
    int exit_code, exit_signal;
    int plan_code, plan_signal; /* how it will end by itself */
    bool plan_finished;
    bool deaf;
    int checkpoint_signal;
    int64_t checkpoint_us; /* what a checkpoint takes */
    double work;
    double before;     /* share of its work that earlier attempts saved */
    int64_t length_us; /* of what is left */
    int milli;
    fy_fake_device *devices;
    int32_t n_devices;
    size_t number; /* in fake->runs */
    bool tomb;     /* killed after it was forgotten: shown as refused */
    UT_hash_handle hh;
} fake_run;

typedef struct pending_hint {
    fy_run_key key;
    int64_t due_us;
} pending_hint;

typedef struct fake_node {
    char *name, *why;
    bool up;
} fake_node;

struct fy_fake {
    fy_engine engine; /* first */
    fy_fake_options o;
    fy_rng rng;
    int64_t now_us;
    int64_t silent_until_us;
    bool silent_errors;
    fake_run **runs; /* [n_runs] in the order in which they were asked for */
    size_t n_runs, room_runs;
    fake_run *by_id;
    size_t *live; /* [n_live] numbers of runs that are ALIVE */
    size_t n_live, room_live;
    size_t *kept; /* [n_kept] runs that are not forgotten */
    size_t n_kept, room_kept;
    fy_heap due; /* of runs, by the instant of their next transition */
    fy_heap_pos pos;
    pending_hint *hints;
    size_t n_hints, room_hints;
    fake_node *nodes;
    size_t n_nodes, room_nodes;
    char violation[240];
    char text[600];
    fy_arena arena;
};

/* Draws only where there is a chance, so that an honest engine is the same for every seed. */
static inline bool fake_chance(fy_fake *fake, double of)
{
    return of > 0 && fy_rng_unit(&fake->rng) < of;
}

static inline int64_t fake_up_to(fy_fake *fake, int64_t most_us)
{
    return most_us > 0 ? 1 + (int64_t)fy_rng_below(&fake->rng, (uint64_t)most_us) : 0;
}

static inline bool fake_silent(const fy_fake *fake)
{
    return fake->now_us < fake->silent_until_us;
}

static inline fy_run_key fake_key(const fake_run *r)
{
    return (fy_run_key){.job = r->id.job, .attempt = (int32_t)r->id.attempt};
}

static inline fake_run *fake_find(fy_fake *fake, fy_run_key key)
{
    fake_run_id id = {.job = key.job, .attempt = key.attempt};
    fake_run *r = NULL;

    HASH_FIND(hh, fake->by_id, &id, sizeof id, r);
    return r;
}

/* Remember the first breach of what must never be. */
void fy_fake_breach(fy_fake *fake, const char *what, const fake_run *a, const fake_run *b);
void fy_fake_drop(size_t *numbers, size_t *n, size_t number);
void fy_fake_keep(fy_fake *fake, const fake_run *r);
fake_run *fy_fake_add_run(fy_fake *fake, fy_run_key key);
void fy_fake_push_hint(fy_fake *fake, fy_run_key key, int64_t due_us);
void fy_fake_hint_of(fy_fake *fake, const fake_run *r, int64_t due_us);
bool fy_fake_take_hint(fy_engine *engine, fy_run_key *key);
void fy_fake_schedule(fy_fake *fake, const fake_run *r, int64_t at_us);
int64_t fy_fake_shown_from(fy_fake *fake);
void fy_fake_end(fy_fake *fake, fake_run *r);
void fy_fake_end_by(fy_fake *fake, fake_run *r, int64_t at_us, int code, int signo, bool finished);

#endif
