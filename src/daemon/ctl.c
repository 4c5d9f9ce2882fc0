/* SPDX-License-Identifier: MIT */
/*
 * The controller's frame: opening and recovery, the one way an event is taken, and the turn.
 */
#include "base/num.h"
#include "daemon/ctl_state.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SETTINGS = 64 };

static const int64_t room_reserve_bytes = 64 << 20; /* below this nothing new is accepted */

fy_ctl_options fy_ctl_defaults(void)
{
    return (fy_ctl_options){.sched = {.policy = "fair"},
                            .power_cap_mw = -1,
                            .default_estimate_us = 3600 * 1000000LL,
                            .start_timeout_us = 10 * 1000000LL,
                            .list_period_us = 5 * 1000000LL,
                            .snapshot_every = 25000,
                            .default_output = "fuyao-%j.out",
                            .secret = ""};
}

/* ------------------------------------------------------------------ events */

fy_event ctl_event(const fy_ctl *ctl, fy_event_kind kind)
{
    return (fy_event){.t_us = ctl->now_us,
                      .kind = kind,
                      .job = -1,
                      .node = -1,
                      .tenant = -1,
                      .chip = -1,
                      .a = -1};
}

fy_event ctl_job_event(const fy_ctl *ctl, fy_event_kind kind, const fy_job *job)
{
    fy_event event = ctl_event(ctl, kind);

    event.job = job->id;
    event.attempt = job->attempt;
    return event;
}

void ctl_act(fy_ctl *ctl, fy_act act)
{
    ctl->acts = fy_grow(ctl->acts, &ctl->acts_room, ctl->n_acts + 1, sizeof *ctl->acts);
    ctl->acts[ctl->n_acts++] = act;
}

int ctl_take(fy_ctl *ctl, const fy_event *event, const char *body, size_t len, fy_err *err)
{
    const fy_job *job = event->job >= 0 ? fy_fleet_job(ctl->fleet, event->job) : NULL;
    int status = fy_fleet_apply(ctl->fleet, event, err);

    if (status != 0) {
        return status;
    }
#ifdef FY_CHECK
    status = fy_fleet_check(ctl->fleet, err);
    if (status != 0) {
        return status;
    }
#endif
    if (job == NULL && event->kind == FY_EV_SUBMITTED) {
        job = fy_fleet_job(ctl->fleet, event->job);
    }
    if (ctl->sched != NULL) {
        fy_sched_observe(ctl->sched, event, job);
    }
    ctl->dirty |= event->kind != FY_EV_ROUND;
    return ctl_note(ctl, event, job, body, len, err);
}

int ctl_emit(fy_ctl *ctl, const fy_event *event, const char *body, size_t len, fy_err *err)
{
    const fy_job *job = event->job >= 0 ? fy_fleet_job(ctl->fleet, event->job) : NULL;
    int32_t waiting = ctl->fleet->n_waiting;
    int status = ctl_take(ctl, event, body, len, err);

    if (status == 0) {
        fy_journal_encode(event, &ctl->line);
        (void)fy_store_append(ctl->store, ctl->line.text, ctl->line.len - 1, body, len);
        if (ctl->shadow != NULL) {
            ctl_shadow_see(ctl, event, job, waiting);
        }
    }
    return status;
}

static int emit_plain(void *ctx, const fy_event *event, fy_err *err)
{
    return ctl_emit(ctx, event, NULL, 0, err);
}

/* ------------------------------------------------------------------ the policy */

/*
 * A policy is opened by its first round, which names it and its settings, on the fleet as it is
 * then; so reading the journal opens it at the same place. Jobs that are there already are shown
 * to it one by one, in the order of their ids.
 */
static int open_policy(fy_ctl *ctl, const fy_sched_options *options, fy_err *err)
{
    fy_sched *sched;
    int status = fy_sched_open(&sched, ctl->fleet, options, err);

    if (status == 0) {
        fy_sched_close(ctl->sched);
        ctl->sched = sched;
    }
    return status;
}

/* Open the policy that a scheduler's first round names: `placement=P seed=N key=value ...`. */
int ctl_open_named(fy_ctl *ctl, const char *policy, const char *config, fy_err *err)
{
    fy_setting settings[MOST_SETTINGS];
    fy_sched_options options = {.policy = policy, .settings = settings};
    fy_arena arena = {0};
    char *text = fy_arena_strdup(&arena, config);
    char *rest = NULL;
    int64_t seed;
    int status = 0;

    for (char *word = strtok_r(text, " ", &rest); word != NULL && status == 0;
         word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');

        if (value == NULL || options.n_settings == MOST_SETTINGS) {
            status = fy_fail(err, FY_EPARSE, "config: \"%s\" is no setting", word);
            break;
        }
        *value++ = '\0';
        if (strcmp(word, "placement") == 0) {
            options.placement = value;
        } else if (strcmp(word, "seed") != 0) {
            settings[options.n_settings++] = (fy_setting){word, value};
        } else if (fy_num_int(value, strlen(value), 0, INT64_MAX, &seed) != FY_NUM_OK) {
            status = fy_fail(err, FY_EPARSE, "config: seed=%s is no seed", value);
        } else {
            options.seed = (uint64_t)seed;
        }
    }
    if (status == 0) {
        status = open_policy(ctl, &options, err);
    }
    fy_arena_free(&arena);
    return status;
}

int ctl_restore_policy(fy_ctl *ctl, const char *policy, const char *config, const void *bytes,
                       size_t len, fy_err *err)
{
    int status = policy == NULL || config == NULL
                     ? fy_fail(err, FY_EPARSE, "snapshot: it names no policy")
                     : ctl_open_named(ctl, policy, config, err);

    if (status == 0) {
        fy_sched_told(ctl->sched);
        status = fy_sched_load(ctl->sched, bytes, len, err);
    }
    return status;
}

static int round_once(fy_ctl *ctl, fy_err *err)
{
    int decided = fy_sched_round(ctl->sched, ctl->now_us, emit_plain, ctl, err);

    ctl->dirty = false; /* what was decided gives the policy nothing new; answers will */
    ctl->tally.rounds++;
    return decided < 0 ? decided : 0;
}

/* ------------------------------------------------------------------ the site */

static int32_t node_called(const fy_fleet *fleet, const char *name)
{
    for (size_t i = 0; i < fleet->n_nodes; i++) {
        if (strcmp(fleet->nodes[i].name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

typedef struct growing {
    fy_ctl *ctl;
    bool *kept; /* [n_nodes at the start] the site has it still */
    int32_t n_before;
    int32_t chip_of[FY_MAX_CHIPS]; /* of the site's chips, the fleet's number */
    int n_chips;
} growing;

/* Does the tenant have what the record says already? */
static bool tenant_is(const fy_fleet *fleet, int32_t number, const fy_tenant_record *rec)
{
    const fy_tenant *tenant = &fleet->tenants[number];
    bool same = tenant->weight == rec->weight && tenant->borrow_milli == rec->borrow_milli;

    for (int c = 0; c < fleet->n_chips; c++) {
        int64_t wanted = rec->guarantee_milli != NULL && c < rec->n ? rec->guarantee_milli[c] : 0;

        same &= tenant->guarantee_milli[c] == wanted;
    }
    return same;
}

/* One event that would build the site anew: only what is new becomes an event. */
static int grow(void *ctx, const fy_event *wanted, fy_err *err)
{
    growing *g = ctx;
    fy_fleet *fleet = g->ctl->fleet;
    fy_event event = *wanted;
    fy_node_record record;
    fy_tenant_record tenant;
    int64_t guarantee[FY_MAX_CHIPS] = {0};

    event.t_us = g->ctl->now_us;
    if (event.kind == FY_EV_CHIP_ADDED) {
        for (int c = 0; c < fleet->n_chips; c++) {
            if (strcmp(fleet->pools[c].name, event.name) == 0) {
                g->chip_of[g->n_chips++] = c;
                return 0;
            }
        }
        event.chip = g->chip_of[g->n_chips++] = fleet->n_chips;
    } else if (event.kind == FY_EV_NODE_ADDED) {
        int32_t old = node_called(fleet, event.node_record->name);

        if (old >= 0) {
            g->kept[old] = g->kept[old] || old < g->n_before;
            return 0;
        }
        record = *event.node_record;
        record.chip = g->chip_of[record.chip];
        event.node_record = &record;
        event.node = (int32_t)fleet->n_nodes;
    } else if (event.kind == FY_EV_TENANT_SET) {
        int32_t old = ctl_tenant(g->ctl, event.tenant_record->name);

        tenant = *event.tenant_record;
        for (int c = 0; c < tenant.n && tenant.guarantee_milli != NULL; c++) {
            guarantee[g->chip_of[c]] = tenant.guarantee_milli[c];
        }
        tenant.guarantee_milli = guarantee;
        tenant.n = fleet->n_chips;
        event.tenant_record = &tenant;
        if (old >= 0 && tenant_is(fleet, old, event.tenant_record)) {
            return 0;
        }
        event.tenant = old >= 0 ? old : (int32_t)fleet->n_tenants;
    }
    return ctl_emit(g->ctl, &event, NULL, 0, err);
}

/* A node of the journal that the site no longer names starts nothing more. */
static int drain_gone(fy_ctl *ctl, const growing *g, fy_err *err)
{
    static const char body[] = "{\"reason\":\"no longer in the fleet's file\"}";
    int status = 0;

    for (int32_t i = 0; i < g->n_before && status == 0; i++) {
        if (!g->kept[i] && !ctl->fleet->nodes[i].drained) {
            fy_event event = ctl_event(ctl, FY_EV_NODE_DRAINED);

            event.node = i;
            status = ctl_emit(ctl, &event, body, sizeof body - 1, err);
        }
    }
    return status;
}

int ctl_fit_site(fy_ctl *ctl, fy_err *err)
{
    growing g = {.ctl = ctl, .n_before = (int32_t)ctl->fleet->n_nodes};
    int status;

    g.kept = fy_calloc(ctl->fleet->n_nodes + 1, sizeof *g.kept);
    status = fy_site_events(ctl->options.site, ctl->now_us, grow, &g, err);
    if (status == 0) {
        status = drain_gone(ctl, &g, err);
    }
    free(g.kept);
    return status;
}

/* ------------------------------------------------------------------ the disk */

static void look_at_room(fy_ctl *ctl)
{
    int64_t room = fy_store_room_bytes(ctl->store);

    ctl->full = room >= 0 && room < room_reserve_bytes;
}

static int commit(fy_ctl *ctl, fy_err *err)
{
    if (fy_store_last(ctl->store) > fy_store_committed(ctl->store)) {
        ctl->tally.commits++;
        if (fy_store_commit(ctl->store, err) != 0) {
            return FY_EIO;
        }
    } else if (!ctl->full) { /* a full disk is looked at again though nothing is accepted */
        return 0;
    }
    look_at_room(ctl);
    return 0;
}

/* ------------------------------------------------------------------ opening */

static void keep_sched(fy_ctl *ctl, const fy_sched_options *sched)
{
    fy_setting *settings =
        fy_arena_alloc(&ctl->arena, (size_t)(sched->n_settings + 1) * sizeof *settings);

    for (int i = 0; i < sched->n_settings; i++) {
        settings[i] = (fy_setting){fy_arena_strdup(&ctl->arena, sched->settings[i].key),
                                   fy_arena_strdup(&ctl->arena, sched->settings[i].value)};
    }
    ctl->want = *sched;
    ctl->want.settings = settings;
    ctl->want.policy = fy_arena_strdup(&ctl->arena, sched->policy);
    ctl->want.placement =
        sched->placement != NULL ? fy_arena_strdup(&ctl->arena, sched->placement) : NULL;
}

void fy_ctl_quotas(fy_ctl *ctl, const fy_quota *list, int n)
{
    fy_quota *quotas;

    fy_arena_free(&ctl->quota_arena);
    quotas = fy_arena_alloc(&ctl->quota_arena, (size_t)(n + 1) * sizeof *quotas);
    for (int i = 0; i < n; i++) {
        quotas[i] = list[i];
        quotas[i].tenant =
            list[i].tenant != NULL ? fy_arena_strdup(&ctl->quota_arena, list[i].tenant) : NULL;
    }
    ctl->options.quotas = quotas;
    ctl->options.n_quotas = n;
}

static void keep_options(fy_ctl *ctl, const fy_ctl_options *options)
{
    ctl->options = *options;
    fy_ctl_quotas(ctl, options->quotas, options->n_quotas);
    ctl->options.default_output = fy_arena_strdup(&ctl->arena, options->default_output);
    ctl->options.socket =
        options->socket != NULL ? fy_arena_strdup(&ctl->arena, options->socket) : NULL;
    ctl->options.secret = fy_arena_strdup(&ctl->arena, options->secret);
    keep_sched(ctl, &options->sched);
}

/* The configured policy runs from now on: its first round, which names it, is taken at once. */
static int begin_policy(fy_ctl *ctl, fy_err *err)
{
    int status = open_policy(ctl, &ctl->want, err);

    return status == 0 ? round_once(ctl, err) : status;
}

int fy_ctl_open(fy_ctl **out, const fy_ctl_options *options, fy_store *store, fy_engine *engine,
                int64_t now_us, fy_err *err)
{
    fy_ctl *ctl = fy_calloc(1, sizeof *ctl);
    bool anew = false;
    int status;

    ctl->store = store;
    ctl->engine = engine;
    ctl->fleet = fy_fleet_new();
    ctl->reader = fy_journal_reader_new();
    keep_options(ctl, options);
    status = ctl_recover(ctl, &anew, err);
    ctl->now_us = now_us > ctl->fleet->now_us ? now_us : ctl->fleet->now_us;
    if (status == 0 && (anew || ctl->sched == NULL || !fy_sched_same(ctl->sched, &ctl->want))) {
        status = begin_policy(ctl, err);
    }
    if (status == 0) {
        status = ctl_fit_site(ctl, err);
    }
    if (status == 0) {
        status = ctl_set_cap(ctl, ctl->options.power_cap_mw, err);
    }
    if (status == 0) {
        status = ctl_set_shadow(ctl, &options->shadow, err);
    }
    if (status == 0) {
        status = fy_store_commit(store, err);
    }
    look_at_room(ctl);
    ctl->next_list_us = ctl->now_us;
    ctl->dirty = true;
    if (status != 0) {
        fy_ctl_close(ctl);
        return status;
    }
    *out = ctl;
    return 0;
}

void fy_ctl_close(fy_ctl *ctl)
{
    if (ctl == NULL) {
        return;
    }
    ctl_shadow_free(ctl);
    ctl_lives_free(ctl);
    ctl_keys_free(ctl);
    for (size_t i = 0; i < ctl->drain_room; i++) {
        free(ctl->drain_reasons[i]);
    }
    free(ctl->drain_reasons);
    free(ctl->live_of_tenant);
    free(ctl->acts);
    fy_heap_free(&ctl->due);
    fy_heap_pos_free(&ctl->due_pos);
    fy_str_free(&ctl->body);
    fy_journal_line_free(&ctl->line);
    fy_journal_reader_free(ctl->reader);
    fy_sched_close(ctl->sched);
    fy_fleet_free(ctl->fleet);
    fy_arena_free(&ctl->quota_arena);
    fy_arena_free(&ctl->arena);
    free(ctl);
}

int ctl_change_policy(fy_ctl *ctl, const fy_sched_options *sched, fy_err *err)
{
    keep_sched(ctl, sched);
    return begin_policy(ctl, err);
}

int fy_ctl_policy(fy_ctl *ctl, const fy_who *who, const fy_sched_options *sched, fy_err *err)
{
    fy_sched *trial;

    if (who->scope < FY_SCOPE_OPERATE) {
        return fy_fail(err, FY_EINVAL, "only operators change the policy");
    }
    ctl_tick(ctl);
    if (fy_sched_open(&trial, ctl->fleet, sched, err) != 0) {
        return FY_EINVAL;
    }
    fy_sched_close(trial);
    return ctl_change_policy(ctl, sched, err);
}

/* ------------------------------------------------------------------ the turn */

static int snapshot_if_due(fy_ctl *ctl)
{
    if (fy_store_last(ctl->store) - fy_store_snapshot_seq(ctl->store) >=
        ctl->options.snapshot_every) {
        fy_str bytes = {0};

        ctl_save(ctl, &bytes);
        fy_store_snapshot_put(ctl->store, bytes.text, bytes.len);
        fy_str_free(&bytes);
    }
    return 0;
}

int fy_ctl_turn(fy_ctl *ctl, int64_t now_us, fy_err *err)
{
    int status;

    ctl->now_us = now_us > ctl->now_us ? now_us : ctl->now_us;
    fy_fleet_tick(ctl->fleet, ctl->now_us);
    if (ctl->engine->ops->work != NULL) {
        ctl->engine->ops->work(ctl->engine);
    }
    status = ctl_take_hints(ctl, err);
    if (status == 0) {
        status = ctl_take_hooks(ctl, err);
    }
    if (status == 0 && ctl->next_list_us <= ctl->now_us) {
        status = ctl_look_all(ctl, err);
    }
    if (status == 0) {
        status = ctl_take_due(ctl, err);
    }
    if (status == 0 && (ctl->dirty || fy_sched_wake(ctl->sched) <= ctl->now_us)) {
        status = round_once(ctl, err);
    }
    if (status == 0) {
        (void)snapshot_if_due(ctl);
        status = commit(ctl, err);
    }
    if (status == 0) {
        ctl_do_acts(ctl);
        ctl_shadow_work(ctl);
    }
    return status;
}

int64_t fy_ctl_wake(const fy_ctl *ctl)
{
    const fy_heap_entry *top = fy_heap_top(&ctl->due);
    int64_t at = fy_sched_wake(ctl->sched);

    at = at < ctl->next_list_us ? at : ctl->next_list_us;
    at = ctl_shadow_wake(ctl) < at ? ctl_shadow_wake(ctl) : at;
    if (top != NULL && top->key < at) {
        at = top->key;
    }
    return ctl->dirty || ctl->n_acts > 0 ? ctl->now_us : at;
}

void fy_ctl_clock(fy_ctl *ctl, int64_t (*now)(void *ctx), void *ctx)
{
    ctl->clock = now;
    ctl->clock_ctx = ctx;
}

void ctl_tick(fy_ctl *ctl)
{
    int64_t now_us = ctl->clock != NULL ? ctl->clock(ctl->clock_ctx) : ctl->now_us;

    ctl->now_us = now_us > ctl->now_us ? now_us : ctl->now_us;
    fy_fleet_tick(ctl->fleet, ctl->now_us);
}

int64_t fy_ctl_now(const fy_ctl *ctl)
{
    return ctl->now_us;
}

int fy_ctl_tidy(fy_ctl *ctl, fy_err *err)
{
    return fy_store_tidy(ctl->store, err);
}

int64_t fy_ctl_ticket(const fy_ctl *ctl)
{
    return fy_store_last(ctl->store);
}

int64_t fy_ctl_committed(const fy_ctl *ctl)
{
    return fy_store_committed(ctl->store);
}

const fy_fleet *fy_ctl_fleet(const fy_ctl *ctl)
{
    return ctl->fleet;
}
