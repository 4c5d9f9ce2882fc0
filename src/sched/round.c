/* SPDX-License-Identifier: MIT */
/*
 * The round: the one loop body that the simulator and the daemon both call. It writes down that the
 * policy ran, lets it decide, and turns each decision into its intent event at once, so that the
 * policy sees the devices it has just given away as taken.
 */
#include "sched/open.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fy_policy_ops *const policies[] = {
    &fy_policy_fifo, &fy_policy_backfill, &fy_policy_srtf, &fy_policy_srsf,
    &fy_policy_las,  &fy_policy_fair,     &fy_policy_gain,
};
enum { N_POLICIES = sizeof policies / sizeof policies[0] };

static const fy_setting_info settings_known[] = {
    {"fifo.chip", "preference", "preference | draw: which of the chips with room a job takes"},
    {"fifo.anew", "no", "yes: choose chips anew at each decision, moving jobs that run"},
    {"fair.halflife", "86400",
     "seconds in which a tenant's past usage counts half; 0 = not at all"},
    {"fair.reclaim", "yes", "yes | no: stop borrowers' jobs for what a guarantee covers"},
    {"las.levels", "2", "levels of attained service, 1 to 16"},
    {"las.first", "57600", "device-seconds at which the first level ends; each next is 4 x as far"},
    {"las.promote", "0", "a job that waited this many times its run time is at level 0 again"},
    {"gain.period", "900", "least seconds between two looks at the whole fleet"},
    {NULL, NULL, NULL},
};

const fy_setting_info *fy_setting_list(void)
{
    return settings_known;
}

const fy_policy_info *fy_policy_at(int i)
{
    return i >= 0 && i < N_POLICIES ? &policies[i]->info : NULL;
}

/* ------------------------------------------------------------------ settings */

static const char *find_setting(const fy_settings *settings, const char *key)
{
    const char *value = NULL;

    for (int i = 0; i < settings->n; i++) {
        if (strcmp(settings->list[i].key, key) == 0) {
            value = settings->list[i].value;
        }
    }
    return value;
}

double fy_settings_number(const fy_settings *settings, const char *key, double fallback, double low,
                          double high, fy_err *err)
{
    const char *text = find_setting(settings, key);
    char *end;
    double value;

    if (text == NULL) {
        return fallback;
    }
    value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= low && value <= high)) {
        if (err->code == 0) {
            fy_fail(err, FY_EINVAL, "--set %s=%s: give a number from %g to %g", key, text, low,
                    high);
        }
        return fallback;
    }
    return value;
}

int fy_settings_choice(const fy_settings *settings, const char *key, const char *const *choices,
                       int fallback, fy_err *err)
{
    const char *text = find_setting(settings, key);

    for (int i = 0; text != NULL && choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0) {
            return i;
        }
    }
    if (text != NULL && err->code == 0) {
        char list[120] = "";

        for (int i = 0; choices[i] != NULL; i++) {
            size_t len = strlen(list);

            (void)snprintf(list + len, sizeof list - len, "%s%s", i > 0 ? " or " : "", choices[i]);
        }
        fy_fail(err, FY_EINVAL, "--set %s=%s: give %s", key, text, list);
    }
    return fallback;
}

static int check_settings(const fy_sched_options *options, fy_err *err)
{
    for (int i = 0; i < options->n_settings; i++) {
        const fy_setting_info *info = settings_known;

        while (info->key != NULL && strcmp(info->key, options->settings[i].key) != 0) {
            info++;
        }
        if (info->key == NULL) {
            return fy_fail(err, FY_EINVAL, "--set %s: no such setting; fuyao sim --help lists them",
                           options->settings[i].key);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ opening */

static uint64_t hash_text(uint64_t h, const char *text)
{
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return (h ^ 0xff) * 0x100000001b3u;
}

static const fy_policy_ops *find_policy(const char *name)
{
    for (int i = 0; i < N_POLICIES; i++) {
        if (strcmp(policies[i]->info.name, name) == 0) {
            return policies[i];
        }
    }
    return NULL;
}

static void write_config(fy_sched *sched, const fy_sched_options *options, const char *placement)
{
    fy_str_printf(&sched->config, "placement=%s seed=%" PRIu64, placement, options->seed);
    for (int i = 0; i < options->n_settings; i++) {
        fy_str_printf(&sched->config, " %s=%s", options->settings[i].key,
                      options->settings[i].value);
    }
}

/* The options, owned by the policy's arena. */
static void keep_options(fy_sched *sched, const fy_sched_options *options, const char *placement)
{
    size_t n = (size_t)options->n_settings;
    fy_setting *settings = fy_arena_alloc(&sched->arena, n * sizeof *settings + 1);

    for (size_t i = 0; i < n; i++) {
        settings[i].key = fy_arena_strdup(&sched->arena, options->settings[i].key);
        settings[i].value = fy_arena_strdup(&sched->arena, options->settings[i].value);
    }
    sched->options = (fy_sched_options){.policy = sched->ops->info.name,
                                        .placement = fy_arena_strdup(&sched->arena, placement),
                                        .settings = settings,
                                        .n_settings = options->n_settings,
                                        .seed = options->seed};
}

int fy_sched_open(fy_sched **out, fy_fleet *fleet, const fy_sched_options *options, fy_err *err)
{
    const fy_policy_ops *ops = find_policy(options->policy);
    const char *placement = options->placement != NULL ? options->placement : "pack";
    fy_settings settings = {options->settings, options->n_settings, options->seed};
    fy_err first = {0};
    fy_sched *sched;

    if (ops == NULL) {
        char list[160] = "";

        for (int i = 0; i < N_POLICIES; i++) {
            size_t len = strlen(list);

            (void)snprintf(list + len, sizeof list - len, "%s%s", i > 0 ? ", " : "",
                           policies[i]->info.name);
        }
        return fy_fail(err, FY_EINVAL, "no policy '%s'; there are %s", options->policy, list);
    }
    if (fy_placement_find(placement) == FY_N_PLACEMENTS) {
        return fy_fail(err, FY_EINVAL, "no placement '%s'; there are pack, spread, bestfit, fgd",
                       placement);
    }
    if (check_settings(options, err) != 0) {
        return FY_EINVAL;
    }
    sched = fy_calloc(1, sizeof *sched);
    sched->ops = ops;
    sched->fleet = fleet;
    sched->placer = fy_placer_new(fy_placement_find(placement));
    sched->hash = hash_text(hash_text(0xcbf29ce484222325u, options->policy), placement);
    for (int i = 0; i < options->n_settings; i++) {
        sched->hash =
            hash_text(hash_text(sched->hash, options->settings[i].key), options->settings[i].value);
    }
    write_config(sched, options, placement);
    keep_options(sched, options, placement);
    sched->policy = ops->open(fleet, &settings, &first);
    if (first.code != 0) {
        fy_sched_close(sched);
        return fy_fail(err, first.code, "%s", first.text);
    }
    fy_sched_adopt(sched);
    *out = sched;
    return 0;
}

void fy_sched_close(fy_sched *sched)
{
    if (sched != NULL) {
        sched->ops->close(sched->policy);
        fy_placer_free(sched->placer);
        fy_str_free(&sched->config);
        fy_arena_free(&sched->arena);
        free(sched);
    }
}

void fy_sched_observe(fy_sched *sched, const fy_event *event, const fy_job *job)
{
    static const uint32_t quiet = 1u << FY_EV_STARTING | 1u << FY_EV_STARTED |
                                  1u << FY_EV_STOPPING | 1u << FY_EV_CHECKPOINTED;

    sched->stirred = event->kind != FY_EV_ROUND && (sched->stirred || !(quiet >> event->kind & 1));
    sched->ops->observe(sched->policy, sched->fleet, event, job);
}

bool fy_sched_same(const fy_sched *sched, const fy_sched_options *options)
{
    fy_sched other = {0};
    bool same;

    write_config(&other, options, options->placement != NULL ? options->placement : "pack");
    same = strcmp(sched->ops->info.name, options->policy) == 0 &&
           strcmp(sched->config.text, other.config.text) == 0;
    fy_str_free(&other.config);
    return same;
}

const char *fy_sched_name(const fy_sched *sched)
{
    return sched->ops->info.name;
}

const char *fy_sched_config(const fy_sched *sched)
{
    return sched->config.text;
}

void fy_sched_told(fy_sched *sched)
{
    sched->told = true;
}

int64_t fy_sched_wake(const fy_sched *sched)
{
    return sched->ops->wake != NULL ? sched->ops->wake(sched->policy, sched->fleet) : FY_NEVER;
}

fy_reason fy_sched_explain(const fy_sched *sched, int64_t id, int64_t *other)
{
    const fy_job *job = fy_fleet_job(sched->fleet, id);

    *other = -1;
    if (job == NULL) {
        return FY_WHY_NONE;
    }
    if (job->state == FY_JOB_BLOCKED || (job->state == FY_JOB_HELD && job->n_open < 0)) {
        for (int i = 0; i < job->rec.n_after; i++) {
            if (sched->fleet->slot_of[job->rec.after[i]] != FY_ENDED_OK) {
                *other = job->rec.after[i];
                break;
            }
        }
        return job->n_open < 0 ? FY_WHY_NEVER_DEPENDS : FY_WHY_DEPENDS;
    }
    if (job->state == FY_JOB_HELD) {
        return FY_WHY_HELD;
    }
    if (job->state != FY_JOB_WAITING || job->never != FY_WHY_NONE) {
        return job->never;
    }
    return sched->ops->explain(sched->policy, sched->fleet, job, other);
}

/* ------------------------------------------------------------------ deciding */

static bool intend(fy_round *round, const fy_event *event)
{
    if (round->status == 0) {
        round->status = round->emit(round->ctx, event, round->err);
        round->n_decisions += round->status == 0;
    }
    return round->status == 0;
}

bool fy_round_start(fy_round *round, fy_job *job, const fy_place *place, fy_reason reason)
{
    return intend(round, &(fy_event){.t_us = round->now_us,
                                     .kind = FY_EV_STARTING,
                                     .job = job->id,
                                     .attempt = job->attempt + 1,
                                     .node = -1,
                                     .tenant = -1,
                                     .chip = -1,
                                     .a = -1,
                                     .place = place,
                                     .reason = reason});
}

bool fy_round_stop(fy_round *round, fy_job *job, fy_reason reason, int64_t other)
{
    bool ok = intend(round, &(fy_event){.t_us = round->now_us,
                                        .kind = FY_EV_STOPPING,
                                        .job = job->id,
                                        .attempt = job->attempt,
                                        .node = -1,
                                        .tenant = -1,
                                        .chip = -1,
                                        .a = other,
                                        .reason = reason});

    round->n_stops += ok;
    return ok;
}

/* Most workers an elastic job could get on a chip of `mask`, at least its minimum. */
static int most_workers(const fy_fleet *fleet, const fy_job *job, uint64_t mask)
{
    const fy_job_record *rec = &job->rec;
    int most = rec->min_workers;

    for (uint64_t left = mask; left != 0; left &= left - 1) {
        const fy_pool *pool = &fleet->pools[__builtin_ctzll(left)];
        int room = rec->devices > 0 ? pool->n_whole / rec->devices - rec->spares : rec->max_workers;

        most = room > most ? room : most;
    }
    return most < rec->max_workers ? most : rec->max_workers;
}

/* The chips of `mask` on which no limit forbids the job `milli`; *why: of the first that does. */
static uint64_t allowed(const fy_fleet *fleet, const fy_job *job, uint64_t mask, int64_t milli,
                        fy_reason *why)
{
    uint64_t open = 0;

    *why = FY_WHY_NONE;
    for (uint64_t left = mask; left != 0; left &= left - 1) {
        int chip = __builtin_ctzll(left);
        fy_reason limit = fy_fleet_may_start(fleet, job, chip, milli);

        open |= limit == FY_WHY_NONE ? (uint64_t)1 << chip : 0;
        *why = *why == FY_WHY_NONE ? limit : *why;
    }
    return open;
}

/* One group of equally fast chips. */
static fy_reason try_group(fy_round *round, fy_job *job, uint64_t mask, fy_reason reason)
{
    const fy_job_record *rec = &job->rec;
    int chip = __builtin_ctzll(mask);
    int workers =
        rec->max_workers > rec->min_workers ? most_workers(round->fleet, job, mask) : rec->workers;
    int64_t unit = fy_gang_milli(1, rec->devices, rec->milli);
    fy_place place;

    for (;; workers = workers > 2 * rec->min_workers ? workers / 2 : rec->min_workers) {
        int all = workers + rec->spares;
        fy_reason limit;
        uint64_t open = allowed(round->fleet, job, mask, unit * all, &limit);

        if (open != 0 && fy_placer_find(round->placer, round->fleet, job, open, all, &place)) {
            (void)fy_round_start(round, job, &place, reason);
            return FY_WHY_NONE;
        }
        limit = open != 0 ? FY_WHY_NONE : limit;
        if (workers <= rec->min_workers) {
            bool enough = round->fleet->pools[chip].idle_milli >= unit * all;

            return limit != FY_WHY_NONE ? limit : (enough ? FY_WHY_FRAGMENTED : FY_WHY_NO_DEVICES);
        }
    }
}

fy_reason fy_round_try(fy_round *round, fy_job *job, uint64_t mask, fy_reason reason)
{
    const fy_rate *rates = job->rec.rates;
    fy_reason first = FY_WHY_NONE; /* of its first choice: what stands most in its way */

    for (int i = 0; i < job->rec.n_rates;) {
        uint64_t group = 0;
        int k = i;

        for (; k < job->rec.n_rates && rates[k].rate_q == rates[i].rate_q &&
               rates[k].spread_q == rates[i].spread_q;
             k++) {
            group |= (uint64_t)1 << rates[k].chip;
        }
        group = rates[i].rate_q > 0 ? group & mask : 0;
        i = k;
        if (group != 0) {
            fy_reason why = try_group(round, job, group, reason);

            if (why == FY_WHY_NONE) {
                return why;
            }
            first = first == FY_WHY_NONE ? why : first;
        }
    }
    return first != FY_WHY_NONE ? first : FY_WHY_NO_DEVICES;
}

int fy_sched_round(fy_sched *sched, int64_t now_us, fy_event_fn emit, void *ctx, fy_err *err)
{
    fy_round round = {.fleet = sched->fleet,
                      .placer = sched->placer,
                      .now_us = now_us,
                      .emit = emit,
                      .ctx = ctx,
                      .err = err};

    round.status = emit(ctx,
                        &(fy_event){.t_us = now_us,
                                    .kind = FY_EV_ROUND,
                                    .job = -1,
                                    .node = -1,
                                    .tenant = -1,
                                    .chip = -1,
                                    .a = (int64_t)sched->hash,
                                    .name = sched->ops->info.name,
                                    .config = sched->told ? NULL : sched->config.text},
                        err);
    sched->told = true;
    if (round.status == 0) {
        sched->ops->decide(sched->policy, &round);
    }
    return round.status < 0 ? round.status : round.n_decisions;
}
