/* SPDX-License-Identifier: MIT */
/*
 * The daemon dies at thousands of seeded points while tenants submit, cancel and hold jobs and a
 * hostile engine shows the truth badly. A checker then proves from the journal and from the
 * engine's own marks: no acknowledged job is lost, none ran twice at once, no device was
 * over-committed, and a fresh reading of the journal leads to the same state.
 */
#include "base/rng.h"
#include "fleet/state.h"
#include "live/centre.h"
#include "support/fault_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MOST_JOBS = 4096, ROUNDS = 400, STEPS = 40 };
enum { FAULTY_LIVES = 300, FAULTY_DEATHS = 12, MOST_OPERATIONS = 120 };

static const char *const policies[] = {"fair", "las", "fifo", "backfill", "gain"};

typedef struct tally {
    bool acknowledged[MOST_JOBS], cancelled[MOST_JOBS];
    int64_t n;
    int deaths;
} tally;

static fy_submission random_job(fy_rng *rng, char name[32])
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
static void random_command(centre *c, fy_rng *rng, tally *seen, int64_t *first, int64_t *cancelled)
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
static uint64_t digest_now(centre *c)
{
    fy_fleet *fleet = (fy_fleet *)(uintptr_t)fy_ctl_fleet(c->ctl);

    fy_fleet_integrate(fleet, c->now_us);
    return fy_fleet_digest(fleet);
}

static void reopen(centre *c, tally *seen)
{
    uint64_t before = digest_now(c);
    int64_t ticket = fy_ctl_ticket(c->ctl);
    bool same = ticket == fy_ctl_committed(c->ctl);

    centre_kill(c);
    if (centre_open(c) != 0) {
        fail_msg("%s", c->err.text);
    }
    if (same) { /* it stands where it stood, its policy too: nothing new is in the journal */
        assert_int_equal(fy_ctl_ticket(c->ctl), ticket);
        assert_true(digest_now(c) == before);
    }
    seen->deaths++;
}

static bool known(centre *c, int64_t id, const char **json)
{
    fy_err err = {0};
    fy_str text = {0};
    bool found = fy_ctl_view_job(c->ctl, &centre_root, id, &text, &err) == 0;

    *json = NULL;
    fy_str_free(&text);
    return found;
}

static void check(centre *c, const tally *seen)
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

static void one_step(centre *c, fy_rng *rng, tally *seen)
{
    int64_t first, cancelled;

    random_command(c, rng, seen, &first, &cancelled);
    if (fy_rng_u64(rng) % 8 == 0) { /* it dies before the commit: nobody was told */
        reopen(c, seen);
        return;
    }
    if (centre_turn(c, c->now_us + (int64_t)(fy_rng_u64(rng) % 8) * HAND_US / 4) != 0) {
        fail_msg("%s", c->err.text);
    }
    if (first >= 0) {
        seen->acknowledged[first] = true;
        seen->n = first + 1;
    }
    if (cancelled >= 0) {
        seen->cancelled[cancelled] = true;
    }
    if (fy_rng_u64(rng) % 8 == 0) {
        reopen(c, seen);
    }
}

/* An operator lets go of whatever is held or drained, jobs included that nobody was told of: their
 * commit came through though the daemon died in it. */
static void open_up(centre *c, const tally *seen)
{
    char name[16];

    for (int64_t id = 0; id < seen->n + 2 * FAULTY_DEATHS; id++) {
        (void)!fy_ctl_job(c->ctl, &centre_root, id, FY_VERB_RELEASE, &c->err);
    }
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "p%d-%04d", i / 3, i % 3);
        assert_int_equal(fy_ctl_node(c->ctl, &centre_root, name, FY_NODE_RESUME, NULL, &c->err), 0);
    }
}

static const char *left_over(centre *c)
{
    static fy_str text;
    fy_job_filter filter = {.after = -1, .full = true};

    fy_str_clear(&text);
    fy_ctl_view_jobs(c->ctl, &centre_root, &filter, &text);
    return text.text;
}

/* With an honest engine everything that is not held ends. */
static void drain(centre *c, const tally *seen)
{
    fy_fake_options honest = fy_fake_honest();

    fy_fake_set(c->fake, &honest);
    for (int i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            open_up(c, seen);
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

static int whole_life(uint64_t seed)
{
    fy_rng rng = fy_rng_seed(seed);
    centre c;
    tally *seen = fy_calloc(1, sizeof *seen);
    fy_fake_options hostile = fy_fake_hostile(seed);
    int deaths;

    centre_init(&c, policies[seed % 5], &hostile);
    c.options.snapshot_every = 60;
    if (centre_open(&c) != 0) {
        fail_msg("seed %d: %s", (int)seed, c.err.text);
    }
    for (int i = 0; i < STEPS; i++) {
        one_step(&c, &rng, seen);
        check(&c, seen);
    }
    drain(&c, seen);
    check(&c, seen);
    deaths = seen->deaths;
    free(seen);
    centre_free(&c);
    return deaths;
}

static void no_acknowledged_job_is_lost_and_none_runs_twice(void **state)
{
    int deaths = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        deaths += whole_life(seed);
    }
    print_message("# %d deaths\n", deaths);
}

/* ------------------------------------------------------------------ on a disk that fails */

typedef struct replayed {
    fy_fleet *fleet;
    fy_journal_reader *reader;
} replayed;

static int apply_record(void *ctx, const fy_record *record, fy_err *err)
{
    replayed *it = ctx;
    fy_event event;
    int status = fy_journal_decode(it->reader, record->line, record->len, &event, err);

    return status == 0 ? fy_fleet_apply(it->fleet, &event, err) : status;
}

/* The whole history, archived records first, leads to the state in which the daemon is. */
static void replay_all(centre *c)
{
    replayed it = {.fleet = fy_fleet_new(), .reader = fy_journal_reader_new()};

    assert_int_equal(fy_ctl_ticket(c->ctl), fy_ctl_committed(c->ctl));
    if (fy_store_read(c->store, 0, -1, apply_record, &it, &c->err) != 0) {
        fail_msg("%s", c->err.text);
    }
    assert_true(fy_store_archived(c->store) > 0);
    fy_fleet_integrate(it.fleet, c->now_us);
    assert_true(fy_fleet_digest(it.fleet) == digest_now(c));
    fy_journal_reader_free(it.reader);
    fy_fleet_free(it.fleet);
}

/* Work until the fault; what a turn that failed took in was acknowledged to nobody. */
static void work_until_fault(centre *c, fy_rng *rng, tally *seen, fault_disk *disk)
{
    int status = centre_open(c);

    for (int i = 0; status == 0 && !fault_disk_fired(disk); i++) {
        int64_t first, cancelled;

        random_command(c, rng, seen, &first, &cancelled);
        status = centre_turn(c, c->now_us + (int64_t)(fy_rng_u64(rng) % 8) * HAND_US / 4);
        if (first >= 0 && fy_ctl_committed(c->ctl) == fy_ctl_ticket(c->ctl)) {
            seen->acknowledged[first] = true;
            seen->n = first + 1;
        }
        assert_true(i < 10 * MOST_OPERATIONS);
    }
    if (c->ctl != NULL) {
        centre_kill(c);
    } else {
        fy_store_close(c->store);
        c->store = NULL;
    }
    seen->deaths++;
}

static int faulty_life(uint64_t seed)
{
    fy_rng rng = fy_rng_stream(seed, 7);
    centre c;
    tally *seen = fy_calloc(1, sizeof *seen);
    fy_fake_options hostile = fy_fake_hostile(seed);
    fault_disk *disk = fault_disk_new("fault", seed);
    int deaths;

    centre_init(&c, policies[seed % 5], &hostile);
    c.options.snapshot_every = 40;
    c.disk = (fy_store_options){.folder = "state",
                                .vfs = "fault",
                                .files = fault_disk_files(disk),
                                .checkpoint_pages = 40,
                                .tidy_records = 16};
    for (int i = 0; i < FAULTY_DEATHS; i++) {
        static const fault_kind kinds[] = {FAULT_DEATH, FAULT_DEATH, FAULT_ERROR, FAULT_SHORT};

        fault_disk_arm(disk, FAULT_CHANGES, 1 + (int64_t)fy_rng_below(&rng, MOST_OPERATIONS),
                       kinds[fy_rng_below(&rng, 4)]);
        work_until_fault(&c, &rng, seen, disk);
        if (fy_rng_below(&rng, 2) == 0) {
            fault_disk_power(disk);
        } else {
            fault_disk_restart(disk);
        }
        if (centre_open(&c) != 0) {
            fail_msg("seed %d, death %d: %s", (int)seed, i, c.err.text);
        }
        check(&c, seen);
        centre_kill(&c);
    }
    if (centre_open(&c) != 0) {
        fail_msg("%s", c.err.text);
    }
    drain(&c, seen);
    check(&c, seen);
    replay_all(&c);
    deaths = seen->deaths;
    free(seen);
    centre_free(&c);
    fault_disk_free(disk);
    return deaths;
}

/* A sync failed and half the log stayed off the disk; copied into the database and deleted, the
 * rest of it came back with the power and was laid over the newer pages. */
static void a_half_lost_log_is_not_laid_over_a_newer_database(void **state)
{
    (void)state;
    (void)faulty_life(100);
}

static void a_failing_disk_loses_no_acknowledged_job(void **state)
{
    int deaths = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= FAULTY_LIVES; seed++) {
        deaths += faulty_life(seed);
    }
    print_message("# %d deaths\n", deaths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_lost_log_is_not_laid_over_a_newer_database),
        cmocka_unit_test(a_failing_disk_loses_no_acknowledged_job),
        cmocka_unit_test(no_acknowledged_job_is_lost_and_none_runs_twice),
    };

    return cmocka_run_group_tests_name("kill points", tests, NULL, NULL);
}
