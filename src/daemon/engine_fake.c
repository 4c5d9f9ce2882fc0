/* SPDX-License-Identifier: MIT */
/* The verbs of the fake engine, and what it shows. */
#include "daemon/engine_fake_run.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fy_fake_options fy_fake_honest(void)
{
    return (fy_fake_options){
        .seed = 1,
        .start_us = 1000,
        .stop_us = 1000,
        .run_us = 60000000,
        .run_low = 1,
        .run_high = 1,
    };
}

fy_fake_options fy_fake_hostile(uint64_t seed)
{
    return (fy_fake_options){
        .seed = seed,
        .start_us = 2000000,
        .stop_us = 3000000,
        .run_us = 60000000,
        .run_low = 0.2,
        .run_high = 3,
        .fail = 0.05,
        .crash = 0.03,
        .refuse = 0.03,
        .lose = 0.03,
        .vanish = 0.03,
        .deaf = 0.2,
        .late = 0.3,
        .late_us = 30000000,
        .drop_verb = 0.05,
        .error = 0.05,
        .drop_hint = 0.3,
        .repeat_hint = 0.2,
        .stray_hint = 0.05,
        .reorder = true,
        .hide = 0.05,
        .lie = 0.1,
        .wild = 0.1,
    };
}

/* ------------------------------------------------------------------ verbs */

/* Whether a verb is carried out; *code is what it returns. */
static bool obeys(fy_fake *fake, int *code, fy_err *err)
{
    *code = 0;
    if (fake_silent(fake)) {
        if (fake->silent_errors) {
            *code = fy_fail(err, FY_EIO, "fake engine: no answer");
        }
        return false;
    }
    if (fake_chance(fake, fake->o.error)) {
        *code = fy_fail(err, FY_EIO, "fake engine: out of order");
        return fy_rng_below(&fake->rng, 2) == 0;
    }
    return !fake_chance(fake, fake->o.drop_verb);
}

static void refuse(fy_fake *fake, fake_run *r)
{
    r->truth = FAKE_GONE;
    r->refused = true;
    r->show_begin_us = r->show_end_us = fy_fake_shown_from(fake);
    fy_fake_hint_of(fake, r, r->show_end_us);
}

/* The rate that the submission states for a chip, 1 where it states none. */
static double stated_rate(const fy_submission *what, const char *chip)
{
    for (int i = 0; what != NULL && i < what->n_chips; i++) {
        if ((chip == NULL || strcmp(what->chips[i].chip, chip) == 0) && what->chips[i].rate > 0) {
            return what->chips[i].rate;
        }
    }
    return 1;
}

/* How much of the job's work earlier attempts have saved, 0 to 1. */
static double saved_before(fy_fake *fake, fy_run_key key)
{
    const fake_run *last;

    key.attempt--;
    last = key.attempt >= 1 ? fake_find(fake, key) : NULL;
    if (last == NULL || !last->checkpointed || last->length_us <= 0) {
        return last != NULL ? last->before : 0;
    }
    return last->before +
           (1 - last->before) * (double)(last->end_us - last->begin_us) / (double)last->length_us;
}

static void plan_run(fy_fake *fake, fake_run *r, const fy_run_spec *spec)
{
    const fy_submission *what = spec->what;
    double low = fake->o.run_low, high = fake->o.run_high;
    double first = stated_rate(what, NULL);
    int64_t estimate_us =
        what != NULL && what->estimate_us > 0 ? what->estimate_us : fake->o.run_us;

    if (high > low) {
        low += (high - low) * fy_rng_unit(&fake->rng);
    }
    r->before = saved_before(fake, spec->key);
    r->length_us = (int64_t)((double)estimate_us * low * first / stated_rate(what, spec->chip) *
                             (1 - r->before));
    r->work = what != NULL && what->work > 0 ? what->work : (double)estimate_us / 1e6 * first;
    r->milli = what != NULL ? what->milli : 0;
    r->checkpoint_signal = what != NULL ? what->checkpoint_signal : 0;
    r->checkpoint_us =
        what != NULL && what->checkpoint_cost_us > 0 ? what->checkpoint_cost_us : 1000;
    r->deaf = fake_chance(fake, fake->o.deaf);
    r->plan_finished = true;
    if (fake_chance(fake, fake->o.fail)) {
        r->plan_code = 1;
        r->plan_finished = false;
    } else if (fake_chance(fake, fake->o.crash)) {
        r->plan_signal = SIGSEGV;
        r->plan_finished = false;
    }
}

static void take_devices(fy_fake *fake, fake_run *r, const fy_run_spec *spec)
{
    int32_t n = 0;

    for (int32_t i = 0; i < spec->n_nodes; i++) {
        n += spec->nodes[i].n_devices;
    }
    r->devices = fy_arena_alloc(&fake->arena, (size_t)n * sizeof *r->devices);
    for (int32_t i = 0; i < spec->n_nodes; i++) {
        const fy_run_node *node = &spec->nodes[i];
        const char *name = fy_arena_strdup(&fake->arena, node->name);

        for (int32_t k = 0; k < node->n_devices; k++) {
            r->devices[r->n_devices++] = (fy_fake_device){.node = name, .device = node->devices[k]};
        }
    }
}

static int start(fy_engine *engine, const fy_run_spec *spec, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    fake_run *r = fake_find(fake, spec->key);
    int code;

    if (!obeys(fake, &code, err)) {
        return code;
    }
    if (r != NULL) {
        if (r->forgotten) { /* a real engine has nothing left by which to know better */
            fy_fake_breach(fake, "an attempt was asked for after it was forgotten", r, r);
        }
        return code;
    }
    r = fy_fake_add_run(fake, spec->key);
    plan_run(fake, r, spec);
    take_devices(fake, r, spec);
    if (fake_chance(fake, fake->o.refuse)) {
        refuse(fake, r);
        return code;
    }
    r->begin_us = fake->now_us + fake_up_to(fake, fake->o.start_us);
    if (fake_chance(fake, fake->o.late)) {
        r->begin_us += fake_up_to(fake, fake->o.late_us);
    }
    fy_fake_schedule(fake, r, r->begin_us);
    return code;
}

static int send(fy_engine *engine, fy_run_key key, int signo, bool script, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    fake_run *r = fake_find(fake, key);
    int code;

    (void)script;
    if (!obeys(fake, &code, err) || r == NULL || r->truth != FAKE_ALIVE || r->deaf) {
        return code;
    }
    if (signo == r->checkpoint_signal && signo != 0) {
        r->checkpointed = true;
        fy_fake_end_by(fake, r, fake->now_us + r->checkpoint_us, 0, 0, false);
    } else if (signo == SIGTERM) {
        fy_fake_end_by(fake, r, fake->now_us + fake_up_to(fake, fake->o.stop_us), 0, SIGTERM,
                       false);
    }
    return code;
}

static int stop(fy_engine *engine, fy_run_key key, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    fake_run *r = fake_find(fake, key);
    int code;

    if (!obeys(fake, &code, err)) {
        return code;
    }
    if (r == NULL) {
        refuse(fake, fy_fake_add_run(fake, key));
    } else if (r->forgotten) {
        r->forgotten = false;
        r->tomb = true;
        fy_fake_keep(fake, r);
    } else if (r->truth == FAKE_ASKED) {
        fy_heap_remove(&fake->due, &fake->pos, (int32_t)r->number);
        r->begin_us = -1;
        refuse(fake, r);
    } else if (r->truth == FAKE_ALIVE) {
        r->frozen = false;
        fy_fake_end_by(fake, r, fake->now_us + fake_up_to(fake, fake->o.stop_us), 0, SIGKILL,
                       false);
        r->checkpointed = false;
    }
    return code;
}

static int forget(fy_engine *engine, fy_run_key key, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    fake_run *r = fake_find(fake, key);
    int code;

    if (obeys(fake, &code, err) && r != NULL && r->truth == FAKE_GONE && !r->forgotten) {
        r->forgotten = true;
        fy_fake_drop(fake->kept, &fake->n_kept, r->number);
    }
    return code;
}

/* ------------------------------------------------------------------ what it shows */

static double progress_of(fy_fake *fake, const fake_run *r, int64_t at_us)
{
    double part = r->length_us > 0 ? (double)(at_us - r->begin_us) / (double)r->length_us : 1;

    if (fake_chance(fake, fake->o.wild)) {
        switch (fy_rng_below(&fake->rng, 4)) {
        case 0:
            return NAN;
        case 1:
            return -1;
        case 2:
            return 0;
        default:
            return r->work * 1e6;
        }
    }
    return r->work * (r->before + (1 - r->before) * (part > 1 ? 1 : part));
}

static fy_run nothing(fy_run_key key)
{
    return (fy_run){.key = key,
                    .progress = NAN,
                    .saved = NAN,
                    .cpu_s = NAN,
                    .max_rss_kib = -1,
                    .energy_j = NAN};
}

static void show_end(fy_fake *fake, const fake_run *r, fy_run *out)
{
    out->state = FY_RUN_EXITED;
    out->ended_us = r->end_us < 0 ? r->show_end_us : r->end_us;
    out->refused = r->refused;
    out->lost = r->lost;
    if (r->refused) {
        (void)snprintf(fake->text, sizeof fake->text, "refused: no \"\\directory\"\n%0*d",
                       fake_chance(fake, fake->o.lie) ? 500 : 1, 0);
        out->text = fake->text;
    } else if (!r->lost) {
        out->exit_code = r->exit_code;
        out->exit_signal = r->exit_signal;
        out->checkpointed = r->checkpointed;
        out->cpu_s = (double)(r->end_us - r->begin_us) / 1e6;
        out->max_rss_kib = 1000;
    }
}

static fy_run shown(fy_fake *fake, const fake_run *r)
{
    fy_run out = nothing(fake_key(r));
    int64_t seen_us;

    if (r->truth == FAKE_ASKED) {
        out.state = (r->id.job & 1) != 0 ? FY_RUN_STARTING : FY_RUN_NONE;
        return out;
    }
    if (r->tomb) {
        out.state = FY_RUN_EXITED;
        out.refused = true;
        return out;
    }
    if (fake->now_us < r->show_begin_us) {
        return out;
    }
    if (!r->refused) {
        out.state = FY_RUN_RUNNING;
        out.started_us = r->begin_us;
        out.frozen = r->frozen;
        seen_us = r->truth == FAKE_GONE ? r->end_us : fake->now_us;
        out.progress = progress_of(fake, r, seen_us);
        out.progress_us = seen_us;
        if (r->checkpointed && r->truth == FAKE_GONE) {
            out.saved = out.progress;
        }
    }
    if (r->truth == FAKE_GONE && fake->now_us >= r->show_end_us) {
        show_end(fake, r, &out);
    }
    return out;
}

static int out_of_order(fy_fake *fake, fy_err *err)
{
    if ((fake_silent(fake) && fake->silent_errors) || fake_chance(fake, fake->o.error)) {
        return fy_fail(err, FY_EIO, "fake engine: no answer");
    }
    return 0;
}

static int look(fy_engine *engine, fy_run_key key, fy_run *out, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    fake_run *r = fake_find(fake, key);
    int code = out_of_order(fake, err);

    *out = nothing(key);
    if (code == 0 && r != NULL && !r->forgotten && !fake_silent(fake)) {
        *out = shown(fake, r);
    }
    return code;
}

/* A run that nobody asked for, an attempt before the present one, or an end told again. */
static void tell_a_lie(fy_fake *fake, fy_run_fn each, void *ctx)
{
    fy_run_key key = {.job = (int64_t)fy_rng_below(&fake->rng, 1000000) + 1000000, .attempt = 1};
    fy_run out = nothing(key);
    fake_run *r = fake->n_runs > 0 ? fake->runs[fy_rng_below(&fake->rng, fake->n_runs)] : NULL;
    uint64_t kind = fy_rng_below(&fake->rng, 3);

    out.state = FY_RUN_RUNNING;
    out.started_us = fake->now_us;
    if (kind == 1 && r != NULL && r->id.attempt > 1) {
        out.key = fake_key(r);
        out.key.attempt--;
        if (fake_find(fake, out.key) != NULL && fake_find(fake, out.key)->truth != FAKE_GONE) {
            return;
        }
        out.state = fy_rng_below(&fake->rng, 2) == 0 ? FY_RUN_EXITED : FY_RUN_RUNNING;
    } else if (kind == 2 && r != NULL && r->truth == FAKE_GONE && r->show_end_us <= fake->now_us) {
        out = shown(fake, r);
    }
    each(ctx, &out);
}

static int list(fy_engine *engine, fy_run_fn each, void *ctx, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    int code = out_of_order(fake, err);

    if (code != 0 || fake_silent(fake)) {
        return code;
    }
    for (size_t i = 0; i < fake->n_kept; i++) {
        fy_run out = shown(fake, fake->runs[fake->kept[i]]);

        if (out.state != FY_RUN_NONE && !fake_chance(fake, fake->o.hide)) {
            each(ctx, &out);
        }
    }
    if (fake_chance(fake, fake->o.lie)) {
        tell_a_lie(fake, each, ctx);
    }
    return 0;
}

static int nodes(fy_engine *engine, fy_node_fn each, void *ctx, fy_err *err)
{
    fy_fake *fake = (fy_fake *)engine;
    int code = out_of_order(fake, err);

    for (size_t i = 0; code == 0 && i < fake->n_nodes; i++) {
        fy_node_seen seen = {.name = fake->nodes[i].name,
                             .up = fake->nodes[i].up,
                             .why = fake->nodes[i].why,
                             .power_w = NAN};

        each(ctx, &seen);
    }
    return code;
}

static int no_fd(const fy_engine *engine)
{
    (void)engine;
    return -1;
}

static void no_work(fy_engine *engine)
{
    (void)engine;
}

/* ------------------------------------------------------------------ by hand, and its life */

void fy_fake_silence(fy_fake *fake, int64_t until_us, bool errors)
{
    fake->silent_until_us = until_us;
    fake->silent_errors = errors;
}

bool fy_fake_finish(fy_fake *fake, fy_run_key key, int exit_code, int exit_signal)
{
    fake_run *r = fake_find(fake, key);

    if (r == NULL || r->truth != FAKE_ALIVE) {
        return false;
    }
    fy_heap_remove(&fake->due, &fake->pos, (int32_t)r->number);
    r->plan_code = exit_code;
    r->plan_signal = exit_signal;
    r->plan_finished = exit_code == 0 && exit_signal == 0;
    fy_fake_end(fake, r);
    return true;
}

bool fy_fake_lose(fy_fake *fake, fy_run_key key)
{
    fake_run *r = fake_find(fake, key);

    if (r == NULL || r->truth != FAKE_ALIVE) {
        return false;
    }
    r->lost = true;
    return fy_fake_finish(fake, key, 0, SIGKILL);
}

void fy_fake_node(fy_fake *fake, const char *name, bool up, const char *why)
{
    size_t i = 0;

    while (i < fake->n_nodes && strcmp(fake->nodes[i].name, name) != 0) {
        i++;
    }
    if (i == fake->n_nodes) {
        fake->nodes = fy_grow(fake->nodes, &fake->room_nodes, i + 1, sizeof *fake->nodes);
        fake->nodes[fake->n_nodes++] = (fake_node){.name = fy_arena_strdup(&fake->arena, name)};
    }
    fake->nodes[i].up = up;
    fake->nodes[i].why = why != NULL ? fy_arena_strdup(&fake->arena, why) : NULL;
}

size_t fy_fake_marks(const fy_fake *fake)
{
    return fake->n_runs;
}

fy_fake_mark fy_fake_mark_get(const fy_fake *fake, size_t i)
{
    const fake_run *r = fake->runs[i];
    bool began = r->truth == FAKE_ALIVE || (r->truth == FAKE_GONE && !r->refused);

    return (fy_fake_mark){
        .key = fake_key(r),
        .began_us = began ? r->begin_us : -1,
        .ended_us = began && r->truth == FAKE_GONE ? r->end_us : -1,
        .devices = r->devices,
        .n_devices = r->n_devices,
        .milli = r->milli,
        .exit_code = r->exit_code,
        .exit_signal = r->exit_signal,
        .checkpointed = r->checkpointed,
        .finished = r->finished,
    };
}

const char *fy_fake_violation(const fy_fake *fake)
{
    return fake->violation[0] != '\0' ? fake->violation : NULL;
}

static void close_nothing(fy_engine *engine)
{
    (void)engine;
}

fy_fake *fy_fake_new(const fy_fake_options *options)
{
    static const fy_engine_ops ops = {
        .name = "fake",
        .start = start,
        .signal = send,
        .kill = stop,
        .forget = forget,
        .look = look,
        .list = list,
        .nodes = nodes,
        .hint = fy_fake_take_hint,
        .fd = no_fd,
        .work = no_work,
        .close = close_nothing,
    };
    fy_fake *fake = fy_calloc(1, sizeof *fake);

    fake->engine.ops = &ops;
    fake->rng = fy_rng_seed(options->seed);
    fake->o = *options;
    fake->silent_until_us = INT64_MIN;
    return fake;
}

void fy_fake_set(fy_fake *fake, const fy_fake_options *options)
{
    fake->o = *options;
}

fy_engine *fy_fake_engine(fy_fake *fake)
{
    return &fake->engine;
}

void fy_fake_free(fy_fake *fake)
{
    if (fake == NULL) {
        return;
    }
    HASH_CLEAR(hh, fake->by_id);
    fy_heap_free(&fake->due);
    fy_heap_pos_free(&fake->pos);
    free(fake->runs);
    free(fake->live);
    free(fake->kept);
    free(fake->hints);
    free(fake->nodes);
    fy_arena_free(&fake->arena);
    free(fake);
}
