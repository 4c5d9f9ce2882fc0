/* SPDX-License-Identifier: MIT */
/*
 * What must hold whenever a centre stands open with nothing uncommitted, read off its journal
 * (archive and database) from the first record on: see support/history.h. The engine's own marks
 * are the second witness.
 */
#ifndef FUYAO_TESTS_LIVE_PROVE_H
#define FUYAO_TESTS_LIVE_PROVE_H

#include "live/load.h"
#include "support/history.h"

typedef struct proof {
    history *told;      /* by the independent reader */
    fy_fleet *replayed; /* by the fleet itself */
    fy_journal_reader *reader;
} proof;

static inline int proof_record(void *ctx, const fy_record *record, fy_err *err)
{
    proof *p = ctx;
    fy_event event;
    int status = fy_journal_decode(p->reader, record->line, record->len, &event, err);

    history_line(p->told, record->seq, record->line, record->len);
    return status == 0 ? fy_fleet_apply(p->replayed, &event, err) : status;
}

/* The fleet's accounts are the reader's. */
static inline void proof_accounts(const fy_fleet *fleet, const history *told, int64_t now_us)
{
    for (int i = 0; i < fleet->n_chips; i++) {
        assert_true(fleet->pools[i].held_int == history_held_chip(told, i));
    }
    for (size_t i = 0; i < fleet->n_tenants; i++) {
        assert_true(fleet->tenants[i].held_int == history_held_tenant(told, (int32_t)i));
    }
    for (int64_t id = 0; id < history_jobs(told); id++) {
        const fy_job *job = fy_fleet_job(fleet, id);

        if (job != NULL) {
            fy_wide now = job->held_milli > 0 ? (fy_wide)(now_us - job->held_at_us) : 0;

            assert_true(job->held_int + now * job->held_milli == history_held_job(told, id));
            assert_int_equal(job->attempt, history_attempts(told, id));
        } else {
            assert_true(id == 0 || history_job(told, id) >= HISTORY_FINISHED);
        }
    }
}

/* What truly ran lay within what the journal says that it was given. */
static inline void proof_marks(const centre *c, const history *told)
{
    for (size_t i = 0; i < fy_fake_marks(c->fake); i++) {
        fy_fake_mark mark = fy_fake_mark_get(c->fake, i);
        int64_t from_us, to_us;

        if (mark.began_us < 0) {
            continue;
        }
        if (!history_span(told, mark.key.job, mark.key.attempt, &from_us, &to_us)) {
            fail_msg("run %d.%d is in no journal", (int)mark.key.job, mark.key.attempt);
        }
        assert_true(mark.began_us >= from_us);
        if (to_us >= 0 && (mark.ended_us < 0 || mark.ended_us > to_us)) {
            fail_msg("run %d.%d lived on to %lld, its devices were given away at %lld",
                     (int)mark.key.job, mark.key.attempt, (long long)mark.ended_us,
                     (long long)to_us);
        }
    }
}

/* Everything; the caller looks at more in what was told and frees both. */
static inline proof prove(centre *c, const tally *seen)
{
    proof p = {history_new(), fy_fleet_new(), fy_journal_reader_new()};
    int64_t records = fy_ctl_committed(c->ctl);

    assert_int_equal(fy_ctl_ticket(c->ctl), records);
    if (fy_store_read(c->store, 0, -1, proof_record, &p, &c->err) != 0) {
        fail_msg("%s", c->err.text);
    }
    history_close(p.told, c->now_us);
    if (history_broken(p.told) != NULL) {
        fail_msg("%s", history_broken(p.told));
    }
    assert_int_equal(history_records(p.told), records);
    fy_fleet_integrate(p.replayed, c->now_us);
    assert_true(fy_fleet_digest(p.replayed) == digest_now(c));
    proof_accounts(p.replayed, p.told, c->now_us);
    proof_accounts(fy_ctl_fleet(c->ctl), p.told, c->now_us);
    proof_marks(c, p.told);
    if (seen != NULL) {
        check(c, seen);
    }
    fy_journal_reader_free(p.reader);
    return p;
}

static inline void proof_free(proof *p)
{
    history_free(p->told);
    fy_fleet_free(p->replayed);
}

static inline void prove_all(centre *c, const tally *seen)
{
    proof p = prove(c, seen);

    proof_free(&p);
}

#endif
