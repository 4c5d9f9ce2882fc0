/* SPDX-License-Identifier: MIT */
/*
 * Recovery: the state from the last snapshot and the records after it.
 *
 * A policy may note things while it decides, so each round is decided again and must say what the
 * journal says; then the policy is as it was. Where it says something else (another version of the
 * program wrote the journal) the journal holds: what it has is applied, and afterwards the policy
 * takes over anew, in a first round of its own.
 */
#include "daemon/ctl_state.h"

#include <stdlib.h>
#include <string.h>

typedef struct held_line {
    char *text;
    size_t len;
} held_line;

typedef struct recovery {
    fy_ctl *ctl;
    held_line *lines; /* [n] a round and the decisions that follow it */
    size_t n, room, said;
    bool differs; /* the policy once decided otherwise */
} recovery;

static int apply_line(recovery *r, const char *line, size_t len, const char *body, size_t body_len,
                      fy_err *err)
{
    fy_event event;
    int status = fy_journal_decode(r->ctl->reader, line, len, &event, err);

    if (status == 0) {
        r->ctl->now_us = event.t_us;
        status = ctl_take(r->ctl, &event, body, body_len, err);
    }
    return status;
}

/* The policy says something: is it what the journal has next? */
static int compare(void *ctx, const fy_event *event, fy_err *err)
{
    recovery *r = ctx;
    const held_line *want = r->said < r->n ? &r->lines[r->said] : NULL;

    fy_journal_encode(event, &r->ctl->line);
    if (want == NULL || r->ctl->line.len - 1 != want->len ||
        memcmp(r->ctl->line.text, want->text, want->len) != 0) {
        r->differs = true;
        return FY_EINVAL; /* the round is over: nothing of this was applied */
    }
    r->said++;
    r->ctl->now_us = event->t_us;
    return ctl_take(r->ctl, event, NULL, 0, err);
}

/* Decide the held round again, then apply what the journal has beyond it. */
static int settle(recovery *r, fy_err *err)
{
    fy_ctl *ctl = r->ctl;
    fy_event event;
    int status = 0;

    r->said = 0;
    if (r->n > 0 && !r->differs) {
        fy_err ignored = {0};

        status = fy_journal_decode(ctl->reader, r->lines[0].text, r->lines[0].len, &event, err);
        if (status == 0 && event.config != NULL) {
            status = ctl_open_named(ctl, event.name, event.config, err);
        }
        if (status == 0 && ctl->sched != NULL) {
            (void)!fy_sched_round(ctl->sched, event.t_us, compare, r, &ignored);
        }
    }
    r->differs |= r->said < r->n;
    for (; status == 0 && r->said < r->n; r->said++) {
        status = apply_line(r, r->lines[r->said].text, r->lines[r->said].len, NULL, 0, err);
    }
    for (size_t i = 0; i < r->n; i++) {
        free(r->lines[i].text);
    }
    r->n = 0;
    return status;
}

static void hold(recovery *r, const fy_record *record)
{
    held_line *line;

    r->lines = fy_grow(r->lines, &r->room, r->n + 1, sizeof *r->lines);
    line = &r->lines[r->n++];
    line->text = fy_calloc(record->len + 1, 1);
    line->len = record->len;
    memcpy(line->text, record->line, record->len);
}

static bool is_decision(const fy_event *event)
{
    return event->kind == FY_EV_STARTING ||
           (event->kind == FY_EV_STOPPING && fy_reason_is_policy(event->reason));
}

static int take_record(void *ctx, const fy_record *record, fy_err *err)
{
    recovery *r = ctx;
    fy_event event;
    int status = fy_journal_decode(r->ctl->reader, record->line, record->len, &event, err);
    bool round = status == 0 && event.kind == FY_EV_ROUND;

    if (status == 0 && r->n > 0 && (round || !is_decision(&event))) {
        status = settle(r, err);
    }
    if (status == 0 && (round || r->n > 0)) {
        hold(r, record);
    } else if (status == 0) {
        status = apply_line(r, record->line, record->len, record->body, record->body_len, err);
    }
    return status == 0 ? 0 : fy_fail_prefix(err, status, "record %lld", (long long)record->seq);
}

int ctl_recover(fy_ctl *ctl, bool *anew, fy_err *err)
{
    recovery r = {.ctl = ctl};
    const void *bytes;
    size_t len;
    int64_t seq;
    int status = fy_store_snapshot_get(ctl->store, &bytes, &len, &seq, err);

    ctl->recovering = true;
    if (status == 0 && bytes != NULL) {
        status = ctl_load(ctl, bytes, len, err);
    }
    if (status == 0) {
        status = fy_store_read(ctl->store, seq, -1, take_record, &r, err);
    }
    if (status == 0) {
        status = settle(&r, err);
    }
    for (size_t i = 0; i < r.n; i++) {
        free(r.lines[i].text);
    }
    free(r.lines);
    ctl->recovering = false;
    ctl->n_acts = 0; /* the first full look says what there is to do */
    ctl->tally = (fy_tally_live){0};
    *anew = r.differs;
    return status;
}
