/* SPDX-License-Identifier: MIT */
/* What truly happens in the fake engine: runs begin and end, hints go out, breaches are seen. */
#include "daemon/engine_fake_run.h"

#include <stdio.h>
#include <string.h>

void fy_fake_breach(fy_fake *fake, const char *what, const fake_run *a, const fake_run *b)
{
    if (fake->violation[0] == '\0') {
        (void)snprintf(fake->violation, sizeof fake->violation,
                       "at %.6f s: %s: job %lld attempt %lld and job %lld attempt %lld",
                       (double)fake->now_us / 1e6, what, (long long)a->id.job,
                       (long long)a->id.attempt, (long long)b->id.job, (long long)b->id.attempt);
    }
}

void fy_fake_drop(size_t *numbers, size_t *n, size_t number)
{
    for (size_t i = 0; i < *n; i++) {
        if (numbers[i] == number) {
            numbers[i] = numbers[--*n];
            return;
        }
    }
}

void fy_fake_keep(fy_fake *fake, const fake_run *r)
{
    fake->kept = fy_grow(fake->kept, &fake->room_kept, fake->n_kept + 1, sizeof(size_t));
    fake->kept[fake->n_kept++] = r->number;
}

fake_run *fy_fake_add_run(fy_fake *fake, fy_run_key key)
{
    fake_run *r = fy_arena_alloc(&fake->arena, sizeof *r);

    r->id = (fake_run_id){.job = key.job, .attempt = key.attempt};
    r->begin_us = r->end_us = -1;
    HASH_ADD(hh, fake->by_id, id, sizeof r->id, r);
    fake->runs = fy_grow(fake->runs, &fake->room_runs, fake->n_runs + 1, sizeof(fake_run *));
    r->number = fake->n_runs;
    fake->runs[fake->n_runs++] = r;
    fy_fake_keep(fake, r);
    return r;
}

/* ------------------------------------------------------------------ hints */

void fy_fake_push_hint(fy_fake *fake, fy_run_key key, int64_t due_us)
{
    fake->hints = fy_grow(fake->hints, &fake->room_hints, fake->n_hints + 1, sizeof *fake->hints);
    fake->hints[fake->n_hints++] = (pending_hint){.key = key, .due_us = due_us};
}

void fy_fake_hint_of(fy_fake *fake, const fake_run *r, int64_t due_us)
{
    if (!fake_chance(fake, fake->o.drop_hint)) {
        fy_fake_push_hint(fake, fake_key(r), due_us);
    }
    if (fake_chance(fake, fake->o.repeat_hint)) {
        fy_fake_push_hint(fake, fake_key(r), due_us + fake_up_to(fake, fake->o.late_us));
    }
    if (fake_chance(fake, fake->o.stray_hint)) {
        fy_run_key stray = {.job = (int64_t)fy_rng_below(&fake->rng, 1000000), .attempt = 1};

        fy_fake_push_hint(fake, stray, due_us);
    }
}

bool fy_fake_take_hint(fy_engine *engine, fy_run_key *key)
{
    fy_fake *fake = (fy_fake *)engine;
    size_t from = 0;

    if (fake_silent(fake) || fake->n_hints == 0) {
        return false;
    }
    if (fake->o.reorder) {
        from = (size_t)fy_rng_below(&fake->rng, fake->n_hints);
    }
    for (size_t k = 0; k < fake->n_hints; k++) {
        size_t i = (from + k) % fake->n_hints;

        if (fake->hints[i].due_us <= fake->now_us) {
            *key = fake->hints[i].key;
            memmove(&fake->hints[i], &fake->hints[i + 1],
                    (fake->n_hints - i - 1) * sizeof *fake->hints);
            fake->n_hints--;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ what truly happens */

static bool share_a_device(const fake_run *a, const fake_run *b)
{
    for (int32_t i = 0; i < a->n_devices; i++) {
        for (int32_t k = 0; k < b->n_devices; k++) {
            if (a->devices[i].device == b->devices[k].device &&
                strcmp(a->devices[i].node, b->devices[k].node) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void check_begin(fy_fake *fake, const fake_run *r)
{
    int milli = r->milli > 0 ? r->milli : 1000;

    for (size_t i = 0; i < fake->n_live; i++) {
        const fake_run *other = fake->runs[fake->live[i]];

        if (other->id.job == r->id.job) {
            fy_fake_breach(fake, "a job runs twice at once", r, other);
        }
        if (share_a_device(r, other)) {
            milli += other->milli > 0 ? other->milli : 1000;
            if (milli > 1000) {
                fy_fake_breach(fake, "a device is over-committed", r, other);
            }
        }
    }
}

void fy_fake_schedule(fy_fake *fake, const fake_run *r, int64_t at_us)
{
    int32_t number = (int32_t)r->number;

    fy_heap_set(&fake->due, &fake->pos, number, at_us, number);
}

int64_t fy_fake_shown_from(fy_fake *fake)
{
    return fake->now_us + (fake_chance(fake, fake->o.late) ? fake_up_to(fake, fake->o.late_us) : 0);
}

static void begin(fy_fake *fake, fake_run *r)
{
    r->truth = FAKE_ALIVE;
    r->begin_us = fake->now_us;
    r->end_us = fake->now_us + r->length_us;
    check_begin(fake, r);
    fake->live = fy_grow(fake->live, &fake->room_live, fake->n_live + 1, sizeof(size_t));
    fake->live[fake->n_live++] = r->number;
    r->show_begin_us = fy_fake_shown_from(fake);
    r->frozen = fake_chance(fake, fake->o.vanish);
    fy_fake_hint_of(fake, r, r->show_begin_us);
    fy_fake_schedule(fake, r, r->end_us);
}

void fy_fake_end(fy_fake *fake, fake_run *r)
{
    r->truth = FAKE_GONE;
    r->end_us = fake->now_us;
    r->exit_code = r->plan_code;
    r->exit_signal = r->plan_signal;
    r->finished = r->plan_finished;
    r->lost = r->lost || fake_chance(fake, fake->o.lose);
    r->show_end_us = fy_fake_shown_from(fake);
    if (r->show_end_us < r->show_begin_us) {
        r->show_end_us = r->show_begin_us;
    }
    fy_fake_drop(fake->live, &fake->n_live, r->number);
    fy_fake_hint_of(fake, r, r->show_end_us);
}

/* Change how and when a run that is alive ends; only ever sooner. */
void fy_fake_end_by(fy_fake *fake, fake_run *r, int64_t at_us, int code, int signo, bool finished)
{
    if (at_us < r->end_us) {
        r->end_us = at_us;
        r->plan_code = code;
        r->plan_signal = signo;
        r->plan_finished = finished;
        fy_fake_schedule(fake, r, at_us);
    }
}

void fy_fake_advance(fy_fake *fake, int64_t now_us)
{
    const fy_heap_entry *top;

    while ((top = fy_heap_top(&fake->due)) != NULL && top->key <= now_us) {
        fake_run *r = fake->runs[top->item];

        fake->now_us = top->key > fake->now_us ? top->key : fake->now_us;
        fy_heap_remove(&fake->due, &fake->pos, top->item);
        if (r->truth == FAKE_ASKED) {
            begin(fake, r);
        } else if (r->truth == FAKE_ALIVE) {
            fy_fake_end(fake, r);
        }
    }
    fake->now_us = now_us > fake->now_us ? now_us : fake->now_us;
}

int64_t fy_fake_next(const fy_fake *fake)
{
    const fy_heap_entry *top = fy_heap_top(&fake->due);
    int64_t next_us = top != NULL ? top->key : INT64_MAX;

    for (size_t i = 0; i < fake->n_hints; i++) {
        next_us = fake->hints[i].due_us < next_us ? fake->hints[i].due_us : next_us;
    }
    if (next_us != INT64_MAX && fake->silent_until_us > next_us) {
        return fake->silent_until_us;
    }
    return next_us;
}
