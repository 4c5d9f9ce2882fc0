/* SPDX-License-Identifier: MIT */
/*
 * What clients do to a centre, by a seed: jobs of every kind, cancelled, held, released and put
 * back; and the end, where an honest engine and an operator let everything come to its end.
 */
#ifndef FUYAO_TESTS_LIVE_LOAD_H
#define FUYAO_TESTS_LIVE_LOAD_H

#include "base/rng.h"
#include "fleet/state.h"
#include "live/centre.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MOST_JOBS = 4096 };

static const char *const policies[] = {"fair", "las", "fifo", "backfill", "gain"};

typedef struct tally {
    bool acknowledged[MOST_JOBS], cancelled[MOST_JOBS];
    int64_t n;
    int deaths;
} tally;

static inline fy_submission random_job(fy_rng *rng, char name[32])
{
    fy_submission job = fy_submission_default();
    static const char *const argv[] = {"/bin/true"};
    static const fy_chip_rate chips[2][2] = {{{"chip-a", 2}, {"chip-b", 1}},
                                             {{"chip-b", 3}, {"chip-a", 1}}};

    (void)snprintf(name, 32, "job-%u", (unsigned)(fy_rng_u64(rng) % 1000));
    job.name = name;
    job.args = argv;
    job.n_args = 1;
    job.workdir = "/tmp";
    job.workers = job.min_workers = job.max_workers = (int)(fy_rng_u64(rng) % 4) + 1;
    job.devices = (int)(fy_rng_u64(rng) % 2) + 1;
    job.estimate_us = (int64_t)(fy_rng_u64(rng) % 120 + 1) * HAND_US;
    job.grace_us = (int64_t)(fy_rng_u64(rng) % 5) * HAND_US;
    if (fy_rng_u64(rng) % 3 == 0) {
        job.checkpoint_signal = 10;
    }
    if (fy_rng_u64(rng) % 4 == 0) {
        job.time_limit_us = (int64_t)(fy_rng_u64(rng) % 200 + 1) * HAND_US;
    }
    if (fy_rng_u64(rng) % 5 == 0) {
        job.requeue = false;
    }
    if (fy_rng_u64(rng) % 2 == 0) {
        job.chips = chips[fy_rng_u64(rng) % 2];
        job.n_chips = 2;
    }
    job.hold = fy_rng_u64(rng) % 12 == 0;
    job.priority = (fy_priority)(fy_rng_u64(rng) % 3);
    return job;
}

static const fy_who tenants[3] = {
    {.uid = 1001, .gid = 1001, .user = "u0", .tenant = "t0", .scope = FY_SCOPE_SUBMIT},
    {.uid = 1002, .gid = 1002, .user = "u1", .tenant = "t1", .scope = FY_SCOPE_SUBMIT},
    {.uid = 1003, .gid = 1003, .user = "u2", .tenant = "t2", .scope = FY_SCOPE_SUBMIT},
};

/* What one client does; what it may count on is noted only after the commit. */
static inline void random_command(centre *c, fy_rng *rng, tally *seen, int64_t *first,
                                  int64_t *cancelled)
{
    const fy_who *who = &tenants[fy_rng_u64(rng) % 3];
    uint64_t what = fy_rng_u64(rng) % 10;
    int64_t id = seen->n > 0 ? (int64_t)(fy_rng_u64(rng) % (uint64_t)seen->n) : 0;
    fy_err err = {0};

    *first = *cancelled = -1;
    if (what < 6 && seen->n < MOST_JOBS) {
        char name[32];
        fy_submission job = random_job(rng, name);
        bool again;
        int count;

        assert_int_equal(fy_ctl_submit(c->ctl, who, &job, first, &count, &again, &err), 0);
    } else if (what == 6) {
        if (fy_ctl_job(c->ctl, &centre_root, id, FY_VERB_CANCEL, &err) == 0) {
            *cancelled = id;
        }
    } else if (what == 7) {
        (void)!fy_ctl_job(c->ctl, &centre_root, id, FY_VERB_HOLD, &err);
    } else if (what == 8) {
        (void)!fy_ctl_job(c->ctl, &centre_root, id, FY_VERB_RELEASE, &err);
    } else {
        (void)!fy_ctl_job(c->ctl, &centre_root, id, FY_VERB_REQUEUE, &err);
    }
}

/* The state as of now: time alone changes no decision, but the integrals that the digest has. */
static inline uint64_t digest_now(centre *c)
{
    fy_fleet *fleet = (fy_fleet *)(uintptr_t)fy_ctl_fleet(c->ctl);

    fy_fleet_integrate(fleet, c->now_us);
    return fy_fleet_digest(fleet);
}

static inline bool known(centre *c, int64_t id, const char **json)
{
    fy_err err = {0};
    fy_str text = {0};
    bool found = fy_ctl_view_job(c->ctl, &centre_root, id, &text, &err) == 0;

    *json = NULL;
    fy_str_free(&text);
    return found;
}

static inline void check(centre *c, const tally *seen)
{
    const char *json;

    for (int64_t id = 0; id < seen->n; id++) {
        if (seen->acknowledged[id] && !known(c, id, &json)) {
            fail_msg("job %lld was acknowledged and is lost", (long long)id);
        }
    }
    if (fy_fake_violation(c->fake) != NULL) {
        fail_msg("%s", fy_fake_violation(c->fake));
    }
    if (fy_fleet_check(fy_ctl_fleet(c->ctl), &c->err) != 0) {
        fail_msg("%s", c->err.text);
    }
}

/* An operator lets go of whatever is held or drained, jobs included that nobody was told of: their
 * commit came through though the daemon died in it. */
static inline void open_up(centre *c)
{
    char name[16];

    for (int64_t id = 0; id < (int64_t)fy_ctl_fleet(c->ctl)->n_ids; id++) {
        (void)!fy_ctl_job(c->ctl, &centre_root, id, FY_VERB_RELEASE, &c->err);
    }
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "p%d-%04d", i / 3, i % 3);
        assert_int_equal(fy_ctl_node(c->ctl, &centre_root, name, FY_NODE_RESUME, NULL, &c->err), 0);
    }
}

static inline const char *left_over(centre *c)
{
    static fy_str text;
    fy_job_filter filter = {.after = -1, .full = true};

    fy_str_clear(&text);
    fy_ctl_view_jobs(c->ctl, &centre_root, &filter, &text);
    return text.text;
}

/* With an honest engine everything that is not held ends. */
static inline void drain(centre *c)
{
    fy_fake_options honest = fy_fake_honest();

    fy_fake_set(c->fake, &honest);
    for (int i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            open_up(c);
        }
        int64_t next = fy_fake_next(c->fake);
        int64_t wake = fy_ctl_wake(c->ctl);

        next = wake < next ? wake : next;
        next = next > c->now_us ? next : c->now_us + 1000;
        next = next < c->now_us + 10 * HAND_US ? next : c->now_us + 10 * HAND_US;
        if (centre_turn(c, next) != 0) {
            fail_msg("%s", c->err.text);
        }
        if (fy_ctl_fleet(c->ctl)->n_live == 0) {
            return;
        }
    }
    print_message("%s\n", left_over(c));
    fail_msg("jobs are left that never ended");
}

#endif
