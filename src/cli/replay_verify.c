/* SPDX-License-Identifier: MIT */
/*
 * `fuyao replay --verify`: the policy decides again at each round, from the world's events and the
 * engine's answers alone, and every decision must be the journal's, byte for byte. The policy is
 * known only at the first round, so what comes before is kept until then.
 */
#include "base/arena.h"
#include "base/num.h"
#include "cli/replay.h"
#include "fleet/state.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SETTINGS = 64 };

struct replay_verify {
    fy_sched *sched; /* NULL before the first round */
    char *kept;      /* lines before it, each with its newline */
    size_t kept_len, kept_room;
    fy_journal_line said; /* what the policy says */
    int64_t rounds, decisions;
    fy_arena arena; /* texts of the configuration */
    fy_err *err;
    const char *line; /* the round's own line while it is compared */
    size_t len;
};

struct replay_verify *replay_verify_new(void)
{
    return fy_calloc(1, sizeof(struct replay_verify));
}

void replay_verify_free(struct replay_verify *check)
{
    if (check != NULL) {
        fy_sched_close(check->sched);
        fy_journal_line_free(&check->said);
        fy_arena_free(&check->arena);
        free(check->kept);
        free(check);
    }
}

int64_t replay_verify_rounds(const replay *r)
{
    return r->check->rounds;
}

int64_t replay_verify_decisions(const replay *r)
{
    return r->check->decisions;
}

/* Apply, and let the policy see it as the simulator does. */
static int apply(replay *r, const fy_event *event, fy_err *err)
{
    const fy_job *job = event->job >= 0 ? fy_fleet_job(r->fleet, event->job) : NULL;
    int status = fy_fleet_apply(r->fleet, event, err);

    if (status != 0) {
        return fy_fail_prefix(err, status, "%s:%lld", r->file.path, (long long)r->file.line);
    }
    if (job == NULL && event->kind == FY_EV_SUBMITTED) {
        job = fy_fleet_job(r->fleet, event->job);
    }
    if (r->check->sched != NULL) {
        fy_sched_observe(r->check->sched, event, job);
    }
    r->counts[event->kind]++;
    r->applied++;
    return 0;
}

/* What the policy says next must be the journal's next line. */
static int compare(void *ctx, const fy_event *event, fy_err *err)
{
    replay *r = ctx;
    struct replay_verify *check = r->check;
    size_t said;

    if (event->kind != FY_EV_ROUND) {
        int got = replay_file_next(&r->file, &check->line, &check->len, err);

        if (got < 0) {
            return got;
        }
        check->len = got == REPLAY_END ? 0 : check->len;
        check->decisions++;
    }
    fy_journal_encode(event, &check->said);
    said = check->said.len - 1;
    if (said != check->len || memcmp(check->said.text, check->line, said) != 0) {
        (void)fy_fail(err, REPLAY_DIFFERS,
                      "%s:%lld: the policy says \"%.*s\", the journal %s%.*s%s", r->file.path,
                      (long long)r->file.line, (int)(said < 70 ? said : 70), check->said.text,
                      check->len > 0 ? "\"" : "has ended", (int)(check->len < 70 ? check->len : 70),
                      check->line, check->len > 0 ? "\"" : "");
        return -REPLAY_DIFFERS;
    }
    return apply(r, event, err);
}

/* ------------------------------------------------------------------ the first round */

/* `placement=P seed=N key=value ...` */
static int read_config(replay *r, const fy_event *event, fy_sched_options *options,
                       fy_setting settings[MOST_SETTINGS], fy_err *err)
{
    char *text = fy_arena_strdup(&r->check->arena, event->config != NULL ? event->config : "");
    char *rest = NULL;
    int64_t seed;

    options->policy = fy_arena_strdup(&r->check->arena, event->name);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');

        if (value == NULL || options->n_settings == MOST_SETTINGS) {
            return fy_fail(err, FY_EPARSE, "%s:%lld: config: \"%s\" is no setting", r->file.path,
                           (long long)r->file.line, word);
        }
        *value++ = '\0';
        if (strcmp(word, "placement") == 0) {
            options->placement = value;
        } else if (strcmp(word, "seed") == 0) {
            if (fy_num_int(value, strlen(value), 0, INT64_MAX, &seed) != FY_NUM_OK) {
                return fy_fail(err, FY_EPARSE, "%s:%lld: config: seed=%s is no seed", r->file.path,
                               (long long)r->file.line, value);
            }
            options->seed = (uint64_t)seed;
        } else {
            settings[options->n_settings++] = (fy_setting){word, value};
        }
    }
    return 0;
}

/* What came before the first round, now that the policy is known. */
static int apply_kept(replay *r, fy_err *err)
{
    struct replay_verify *check = r->check;
    const char *end;
    int64_t line = r->file.line;
    fy_event event;
    int status = 0;

    if (check->kept_len == 0) {
        return 0;
    }
    end = check->kept + check->kept_len;
    r->file.line = 1;
    for (const char *p = check->kept; p < end && status == 0;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));

        r->file.line++;
        status = fy_journal_decode(r->reader, p, (size_t)(eol - p), &event, err);
        status = status == 0 ? apply(r, &event, err) : status;
        p = eol + 1;
    }
    check->kept_len = 0;
    if (status == 0) {
        r->file.line = line;
    }
    return status;
}

static int open_policy(replay *r, const fy_event *event, fy_err *err)
{
    fy_setting settings[MOST_SETTINGS];
    fy_sched_options options = {.settings = settings};
    int status = read_config(r, event, &options, settings, err);

    if (status == 0) {
        status = fy_sched_open(&r->check->sched, r->fleet, &options, err);
        status = status != 0
                     ? fy_fail_prefix(err, status, "%s:%lld", r->file.path, (long long)r->file.line)
                     : apply_kept(r, err);
    }
    return status;
}

/* ------------------------------------------------------------------ lines */

static int decide(replay *r, const char *line, size_t len, const fy_event *event, fy_err *err)
{
    struct replay_verify *check = r->check;
    int64_t now_us = event->t_us;
    char *copy; /* reading on moves the line */
    int status;

    if (check->sched == NULL) {
        copy = fy_arena_strndup(&check->arena, line, len);
        status = open_policy(r, event, err);
        if (status != 0) {
            return status;
        }
        line = copy;
    } else if (event->config != NULL) { /* an operator changed the policy: it takes over at work */
        copy = fy_arena_strndup(&check->arena, line, len);
        fy_sched_close(check->sched);
        check->sched = NULL;
        status = open_policy(r, event, err);
        if (status != 0) {
            return status;
        }
        line = copy;
    }
    check->line = line;
    check->len = len;
    check->rounds++;
    status = fy_sched_round(check->sched, now_us, compare, r, err);
    return status == -REPLAY_DIFFERS ? REPLAY_DIFFERS : (status < 0 ? status : 0);
}

int replay_verify_line(replay *r, const char *line, size_t len, const fy_event *event, fy_err *err)
{
    struct replay_verify *check = r->check;

    if (event->kind == FY_EV_ROUND) {
        return decide(r, line, len, event, err);
    }
    if (event->kind == FY_EV_STARTING ||
        (event->kind == FY_EV_STOPPING && fy_reason_is_policy(event->reason))) {
        (void)fy_fail(err, REPLAY_DIFFERS, "%s:%lld: %s of job %lld: the policy does not say this",
                      r->file.path, (long long)r->file.line, fy_event_name(event->kind),
                      (long long)event->job);
        return REPLAY_DIFFERS;
    }
    if (check->sched == NULL) {
        check->kept = fy_grow(check->kept, &check->kept_room, check->kept_len + len + 1, 1);
        memcpy(check->kept + check->kept_len, line, len);
        check->kept[check->kept_len + len] = '\n';
        check->kept_len += len + 1;
        return 0;
    }
    return apply(r, event, err);
}

int replay_verify_end(replay *r, fy_err *err)
{
    return apply_kept(r, err);
}
