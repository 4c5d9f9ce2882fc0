/* SPDX-License-Identifier: MIT */
/*
 * The store dies at every operation in turn: of files, of SQLite's memory; by an error, a full
 * disk, the end of the process or of the power. Opened again it has all that was committed, in
 * order, its chain whole; of the batch that was on its way all or nothing; and it goes on.
 */
#include "base/rng.h"
#include "base/str.h"
#include "daemon/store.h"
#include "support/fault_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 12, MOST_TOKENS = 64, MOST_PAST = 64, MOST_TIDY = 10000 };

/* What must be there, and what may. */
typedef struct truth {
    int64_t last, snapshot;
    int64_t past[MOST_PAST];
    int n_past;
} truth;

typedef struct run {
    fault_disk *disk;
    uint64_t seed, stream;
    truth sure, maybe; /* committed; and with the batch on its way */
    int64_t tokens[MOST_TOKENS];
    int n_tokens;
    int64_t maybe_token; /* 0 = none on its way */
    const char *plan;    /* for messages */
    int64_t n;
    int rounds; /* of recovery */
} run;

#define MUST(r, condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail_msg("%s, operation %lld, seed %llu: %s", (r)->plan, (long long)(r)->n,            \
                     (unsigned long long)(r)->seed, #condition);                                   \
        }                                                                                          \
    } while (0)

/* ------------------------------------------------------------------ a history made of numbers */

static void line_of(const run *r, int64_t seq, fy_str *line)
{
    fy_rng rng = fy_rng_stream(r->seed, (uint64_t)seq);

    fy_str_clear(line);
    fy_str_printf(line, "%lld round n=%llu", (long long)seq * 1000,
                  (unsigned long long)fy_rng_u64(&rng));
}

/* No body, a small one, or one of several pages. */
static bool body_of(const run *r, int64_t seq, fy_str *body)
{
    fy_rng rng = fy_rng_stream(r->seed, (uint64_t)seq + (1ULL << 32));
    uint64_t kind = fy_rng_below(&rng, 8);
    uint64_t len = kind < 4 ? 0 : kind < 7 ? fy_rng_below(&rng, 300) : fy_rng_below(&rng, 12000);

    fy_str_clear(body);
    fy_str_puts(body, "{");
    while (body->len < len) {
        fy_str_printf(body, "%llx%%\n", (unsigned long long)fy_rng_u64(&rng));
    }
    return kind >= 4;
}

static void snapshot_of(const run *r, int64_t seq, fy_str *bytes)
{
    fy_rng rng = fy_rng_stream(r->seed, (uint64_t)seq + (1ULL << 33));
    uint64_t len = fy_rng_below(&rng, 9000);

    fy_str_clear(bytes);
    fy_str_puts(bytes, "S");
    while (bytes->len < len) {
        fy_str_printf(bytes, "%llx", (unsigned long long)fy_rng_u64(&rng));
    }
}

/* ------------------------------------------------------------------ work */

static int open_store(run *r, fy_store **store, fy_err *err)
{
    fy_store_options options = {.folder = "state",
                                .vfs = "fault",
                                .files = fault_disk_files(r->disk),
                                .checkpoint_pages = 12,
                                .tidy_records = 5};

    return fy_store_open(store, &options, err);
}

static int check_record(void *ctx, const fy_record *record, fy_err *err)
{
    run *r = ctx;
    fy_str text = {0};

    (void)err;
    line_of(r, record->seq, &text);
    MUST(r, record->len == text.len && memcmp(record->line, text.text, text.len) == 0);
    MUST(r, body_of(r, record->seq, &text) == (record->body != NULL));
    MUST(r, record->body == NULL ||
                (record->body_len == text.len && memcmp(record->body, text.text, text.len) == 0));
    fy_str_free(&text);
    return 0;
}

static void put_batch(run *r, fy_store *store, fy_rng *rng)
{
    fy_str line = {0};
    fy_str body = {0};
    int64_t first = fy_store_last(store) + 1;
    int64_t last = first + (int64_t)fy_rng_below(rng, 5);

    r->maybe = r->sure;
    for (int64_t seq = first; seq <= last; seq++) {
        bool has_body = body_of(r, seq, &body);

        line_of(r, seq, &line);
        MUST(r, fy_store_append(store, line.text, line.len, has_body ? body.text : NULL,
                                has_body ? body.len : 0) == seq);
    }
    r->maybe.last = last;
    if (fy_rng_below(rng, 3) == 0) {
        snapshot_of(r, last, &body);
        fy_store_snapshot_put(store, body.text, body.len);
        r->maybe.snapshot = last;
    }
    if (fy_rng_below(rng, 4) == 0 && r->maybe.n_past < MOST_PAST) {
        fy_past_job job = {.id = first, .tenant = "t", .name = "n", .state = "s", .json = "{}"};

        fy_store_past_put(store, &job);
        r->maybe.past[r->maybe.n_past++] = first;
    }
    fy_str_free(&line);
    fy_str_free(&body);
}

static int put_token(run *r, fy_store *store, fy_err *err)
{
    char name[24];
    char hash[65];
    fy_token token = {.name = name, .tenant = "t", .scope = "read", .uid = 7, .hash = hash};
    int64_t id = r->sure.last;
    int status;

    if (r->n_tokens == MOST_TOKENS || r->maybe_token != 0) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%lld", (long long)id);
    (void)snprintf(hash, sizeof hash, "%064lld", (long long)id);
    r->maybe_token = id;
    status = fy_store_token_put(store, &token, err);
    if (status == 0) {
        r->tokens[r->n_tokens++] = id;
        r->maybe_token = 0;
    }
    return status;
}

static int tidy_all(run *r, fy_store *store, fy_err *err)
{
    int more = 1;

    for (int i = 0; more > 0; i++) {
        MUST(r, i < MOST_TIDY);
        more = fy_store_tidy(store, err);
    }
    return more;
}

static int any_past(void *ctx, const fy_past_job *job, fy_err *err)
{
    run *r = ctx;

    (void)err;
    MUST(r, job->tenant[0] == 't' && job->name[0] == 'n' && job->json[0] == '{');
    return 0;
}

static int any_token(void *ctx, const fy_token *token, fy_err *err)
{
    run *r = ctx;

    (void)err;
    MUST(r, strlen(token->hash) == 64 && token->uid == 7);
    return 0;
}

/* Look at everything, as the daemon does between its commits: what is handed out is right. */
static int look(run *r, fy_store *store, fy_err *err)
{
    const char *json = NULL;
    const void *bytes;
    size_t len;
    int64_t seq;
    int status = fy_store_read(store, fy_store_last(store) / 2, -1, check_record, r, err);

    status = status == 0 ? fy_store_past_list(store, -1, 3, NULL, any_past, r, err) : status;
    if (status == 0 && r->sure.n_past > 0) {
        status = fy_store_past_get(store, r->sure.past[0], &json, err);
        MUST(r, status != 0 || strcmp(json, "{}") == 0);
    }
    status = status == 0 ? fy_store_token_list(store, any_token, r, err) : status;
    status = status == 0 ? fy_store_snapshot_get(store, &bytes, &len, &seq, err) : status;
    MUST(r, status != 0 || seq == r->sure.snapshot);
    return status;
}

/* Returns 0, or the first error. */
static int work(run *r, fy_store *store, int steps, fy_err *err)
{
    fy_rng rng = fy_rng_stream(r->seed, ++r->stream);

    for (int i = 0; i < steps; i++) {
        int status;

        put_batch(r, store, &rng);
        status = fy_store_commit(store, err);
        if (status != 0) {
            return status;
        }
        MUST(r, fy_store_committed(store) == r->maybe.last);
        r->sure = r->maybe;
        status = fy_rng_below(&rng, 6) == 0 ? put_token(r, store, err) : 0;
        if (status == 0 && fy_rng_below(&rng, 2) == 0) {
            status = tidy_all(r, store, err);
        }
        if (status == 0 && fy_rng_below(&rng, 4) == 0) {
            status = look(r, store, err);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ looking */

static int count_token(void *ctx, const fy_token *token, fy_err *err)
{
    run *r = ctx;
    int64_t id = strtoll(token->name, NULL, 10);
    bool known = id == r->maybe_token;

    (void)err;
    for (int i = 0; i < r->n_tokens; i++) {
        known = known || r->tokens[i] == id;
    }
    MUST(r, known);
    if (id == r->maybe_token) {
        r->tokens[r->n_tokens++] = id; /* it got there after all */
        r->maybe_token = 0;
    }
    return 0;
}

static int count_past(void *ctx, const fy_past_job *job, fy_err *err)
{
    run *r = ctx;

    (void)err;
    r->sure.n_past--;
    MUST(r, r->sure.n_past >= 0 && r->sure.past[r->sure.n_past] == job->id);
    return 0;
}

typedef struct reading {
    run *r;
    int64_t next;
} reading;

static int check_next(void *ctx, const fy_record *record, fy_err *err)
{
    reading *it = ctx;
    run *r = it->r;

    MUST(r, record->seq == it->next);
    it->next++;
    return check_record(r, record, err);
}

/* The batch on its way: all of it or nothing. */
static void look_at_batch(run *r, const fy_store *store)
{
    MUST(r, fy_store_last(store) == r->sure.last || fy_store_last(store) == r->maybe.last);
    if (fy_store_last(store) == r->maybe.last) {
        r->sure = r->maybe;
    }
    r->maybe = r->sure;
}

static void check_store(run *r, fy_store *store)
{
    fy_err err = {0};
    reading it = {.r = r, .next = 1};
    fy_str want = {0};
    const void *bytes;
    size_t len;
    int64_t seq;
    int n_past;

    look_at_batch(r, store);
    if (fy_store_read(store, 0, -1, check_next, &it, &err) != 0) {
        fail_msg("%s, operation %lld, seed %llu: %s", r->plan, (long long)r->n,
                 (unsigned long long)r->seed, err.text);
    }
    MUST(r, it.next == r->sure.last + 1);
    MUST(r, fy_store_snapshot_get(store, &bytes, &len, &seq, &err) == 0);
    MUST(r, seq == r->sure.snapshot);
    if (seq > 0) {
        snapshot_of(r, seq, &want);
        MUST(r, len == want.len && memcmp(bytes, want.text, len) == 0);
    }
    fy_str_free(&want);
    n_past = r->sure.n_past;
    MUST(r, fy_store_past_list(store, -1, MOST_PAST + 1, NULL, count_past, r, &err) == 0);
    MUST(r, r->sure.n_past == 0);
    r->sure.n_past = n_past;
    MUST(r, fy_store_token_list(store, count_token, r, &err) == 0);
    r->maybe_token = 0;
    MUST(r, fy_store_warning(store)[0] == '\0');
}

/* A commit or two and nothing else: they lie in the log behind what the last life left there. */
static int commits(run *r, fy_store *store, fy_err *err)
{
    fy_rng rng = fy_rng_stream(r->seed, ++r->stream);
    int status = 0;

    for (int64_t i = 0; status == 0 && i < 1 + r->n % 3; i++) {
        put_batch(r, store, &rng);
        status = fy_store_commit(store, err);
        r->sure = r->maybe;
    }
    return status;
}

/* Open again: everything is there; it goes on; and again, after the power failed. */
static void recover(run *r)
{
    fy_store *store = NULL;
    fy_err err = {0};

    for (int round = 0; round < r->rounds; round++) {
        if (open_store(r, &store, &err) != 0) {
            fail_msg("%s, operation %lld, seed %llu: opened again: %s", r->plan, (long long)r->n,
                     (unsigned long long)r->seed, err.text);
        }
        check_store(r, store);
        if ((round + r->n) % 2 == 0) {
            MUST(r, commits(r, store, &err) == 0);
        } else {
            MUST(r, work(r, store, 4, &err) == 0);
            MUST(r, tidy_all(r, store, &err) == 0);
        }
        if (round == 0) { /* with all that is open, as if pulled out */
            fault_disk_arm(r->disk, FAULT_CHANGES, 1, FAULT_DEATH);
        }
        fy_store_close(store);
        fault_disk_power(r->disk);
    }
}

/* ------------------------------------------------------------------ plans */

typedef struct plan {
    const char *name;
    unsigned ops;
    fault_kind kind;
    bool power;
} plan;

static const plan plans[] = {
    {"the process dies", FAULT_CHANGES, FAULT_DEATH, false},
    {"the power fails", FAULT_CHANGES, FAULT_DEATH, true},
    {"an error", FAULT_CHANGES, FAULT_ERROR, false},
    {"an error, then the power fails", FAULT_CHANGES, FAULT_ERROR, true},
    {"a sync fails, then the power", FAULT_SYNC, FAULT_ERROR, true},
    {"a short write", FAULT_WRITE, FAULT_SHORT, false},
    {"the disk is full", FAULT_WRITE, FAULT_FULL, false},
    {"the disk is full, then the power fails", FAULT_WRITE, FAULT_FULL, true},
    {"a read fails", FAULT_READ, FAULT_ERROR, false},
    {"no memory", FAULT_MEMORY, FAULT_ERROR, false},
};

/* A commit that failed is the last one. */
static void check_dead(run *r, fy_store *store)
{
    fy_err err = {0};
    truth maybe = r->maybe;
    int64_t last = fy_store_last(store);

    MUST(r, fy_store_append(store, "1 x", 3, NULL, 0) == last + 1);
    MUST(r, fy_store_commit(store, &err) == FY_EIO);
    MUST(r, fy_store_tidy(store, &err) == FY_EIO);
    MUST(r, fy_store_read(store, 0, -1, check_record, r, &err) == FY_EIO);
    MUST(r, strstr(err.text, "has stopped: cannot") != NULL);
    r->maybe = maybe;
}

/* One life, up to the fault or the end of the work. Returns whether the fault came. */
static bool live(run *r, const plan *how, int64_t n)
{
    fy_store *store = NULL;
    fy_err err = {0};
    bool fired;

    fault_disk_arm(r->disk, how->ops, n, how->kind);
    if (open_store(r, &store, &err) == 0) {
        int status;

        look_at_batch(r, store);
        status = work(r, store, STEPS, &err);
        if (status != 0 && r->maybe.last != r->sure.last) {
            check_dead(r, store);
        }
        fy_store_close(store);
    }
    fired = fault_disk_fired(r->disk);
    if (how->power) {
        fault_disk_power(r->disk);
    } else {
        fault_disk_restart(r->disk);
    }
    return fired;
}

/* A life and death, and for the disk's faults a second one that ends early, while it recovers. */
static bool die_at(const plan *how, uint64_t seed, int64_t n)
{
    bool disk = (how->ops & (FAULT_READ | FAULT_MEMORY)) == 0;
    run r = {.disk = fault_disk_new("fault", seed * 1000003 + (uint64_t)n),
             .seed = seed,
             .plan = how->name,
             .n = n,
             .rounds = disk ? 2 : 1};
    bool fired = live(&r, how, n);

    if (fired && disk) {
        (void)live(&r, how, 1 + n % 17);
    }
    recover(&r);
    fault_disk_free(r.disk);
    return fired;
}

static void every_operation_may_fail(void **state)
{
    const char *seeds = getenv("FUYAO_SEEDS");
    uint64_t n_seeds = seeds != NULL ? strtoull(seeds, NULL, 10) : 2;
    int64_t deaths = 0;

    (void)state;
    for (size_t p = 0; p < sizeof plans / sizeof plans[0]; p++) {
        int64_t before = deaths;

        /* Memory has ten times as many operations as the disk: its own share of the time. */
        uint64_t last = plans[p].ops == FAULT_MEMORY ? (n_seeds + 3) / 4 : n_seeds;

        for (uint64_t seed = 1; seed <= last; seed++) {
            for (int64_t n = 1; die_at(&plans[p], seed, n); n++) {
                deaths++;
            }
        }
        print_message("# %lld times: %s\n", (long long)(deaths - before), plans[p].name);
    }
    assert_true(deaths > 3000);
}

/* ------------------------------------------------------------------ what was found */

/* The folder above was synced only by the process that made the state folder: where that one died
 * in between, the next one's commits were lost with the folder. */
static void a_folder_made_by_a_process_that_died_outlives_the_power(void **state)
{
    run r = {
        .disk = fault_disk_new("fault", 1), .seed = 3, .plan = "a new folder", .n = 2, .rounds = 2};
    fy_store *store = NULL;
    fy_err err = {0};

    (void)state;
    fault_disk_arm(r.disk, FAULT_CHANGES, 2, FAULT_DEATH);
    assert_int_not_equal(open_store(&r, &store, &err), 0);
    fault_disk_restart(r.disk);
    recover(&r);
    fault_disk_free(r.disk);
}

/* Once the log was copied, tidy copied it again and again until the next commit. */
static void tidy_ends_when_the_log_is_copied(void **state)
{
    run r = {.disk = fault_disk_new("fault", 1), .seed = 1, .plan = "tidy"};
    fy_store *store = NULL;
    fy_err err = {0};
    int calls = 0;

    (void)state;
    assert_int_equal(open_store(&r, &store, &err), 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(fy_store_append(store, "1 x", 3, NULL, 0), i + 1);
        assert_int_equal(fy_store_commit(store, &err), 0);
    }
    while (fy_store_tidy(store, &err) > 0) {
        calls++;
        assert_true(calls < 3);
    }
    assert_int_equal(calls, 1);
    fy_store_close(store);
    fault_disk_free(r.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_made_by_a_process_that_died_outlives_the_power),
        cmocka_unit_test(tidy_ends_when_the_log_is_copied),
        cmocka_unit_test(every_operation_may_fail),
    };

    fault_memory_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
