/* SPDX-License-Identifier: MIT */
/* The store's contract on a real disk: what is committed is there again, in order and whole. */
#include "base/str.h"
#include "daemon/store.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct place {
    char root[64], folder[80], copy[80];
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);

    assert_non_null(p);
    (void)snprintf(p->root, sizeof p->root, "/tmp/fuyao-test-store-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    (void)snprintf(p->folder, sizeof p->folder, "%s/state", p->root);
    (void)snprintf(p->copy, sizeof p->copy, "%s/copy", p->root);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf %s", p->root);
    assert_int_equal(system(command), 0);
    free(p);
    return 0;
}

static fy_store *open_store(const char *folder, bool read_only)
{
    fy_store_options options = {.folder = folder, .read_only = read_only};
    fy_store *store = NULL;
    fy_err err = {0};

    if (fy_store_open(&store, &options, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return store;
}

static int open_fails(const char *folder, const char *text)
{
    fy_store_options options = {.folder = folder};
    fy_store *store = NULL;
    fy_err err = {0};
    int status = fy_store_open(&store, &options, &err);

    assert_int_not_equal(status, 0);
    if (strstr(err.text, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    }
    return status;
}

/* Record `n` of the test's history: every third has a body, one of them empty, one awkward. */
static void line_of(int64_t n, char line[64])
{
    (void)snprintf(line, 64, "%lld round n=%lld", (long long)n * 1000000, (long long)n);
}

static const char *body_of(int64_t n)
{
    static const char *const bodies[] = {"{\"job\":1}", "", "100%25\n{\"a\":\"%0A\"}\n\n#: x"};

    return n % 3 == 0 ? bodies[n / 3 % 3] : NULL;
}

static void append(fy_store *store, int64_t from, int64_t to)
{
    for (int64_t n = from; n <= to; n++) {
        char line[64];
        const char *body = body_of(n);

        line_of(n, line);
        assert_int_equal(
            fy_store_append(store, line, strlen(line), body, body != NULL ? strlen(body) : 0), n);
    }
}

static void commit(fy_store *store)
{
    fy_err err;

    if (fy_store_commit(store, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void tidy(fy_store *store)
{
    fy_err err;
    int more;

    while ((more = fy_store_tidy(store, &err)) > 0) {
    }
    if (more < 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(fy_store_warning(store), "");
}

static int check_record(void *ctx, const fy_record *record, fy_err *err)
{
    int64_t *next = ctx;
    char line[64];
    const char *body = body_of(record->seq);

    (void)err;
    assert_int_equal(record->seq, (*next)++);
    line_of(record->seq, line);
    assert_int_equal(record->len, strlen(line));
    assert_memory_equal(record->line, line, record->len);
    assert_int_equal(record->body == NULL, body == NULL);
    if (body != NULL) {
        assert_int_equal(record->body_len, strlen(body));
        assert_memory_equal(record->body, body, record->body_len);
    }
    return 0;
}

/* Records after..to are there and no other after them. */
static void check(fy_store *store, int64_t after, int64_t to)
{
    fy_err err;
    int64_t next = after + 1;

    if (fy_store_read(store, after, -1, check_record, &next, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(next, to + 1);
}

static void sql(const char *folder, const char *text)
{
    sqlite3 *db;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/state.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ------------------------------------------------------------------ */

static void what_is_committed_is_there_again(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);

    assert_int_equal(fy_store_last(store), 0);
    append(store, 1, 10);
    assert_int_equal(fy_store_committed(store), 0);
    commit(store);
    assert_int_equal(fy_store_committed(store), 10);
    append(store, 11, 12);
    commit(store);
    commit(store); /* nothing: nothing happens */
    append(store, 13, 15);
    check(store, 0, 12); /* what is not committed is not read */
    check(store, 12, 12);
    fy_store_close(store);

    store = open_store(p->folder, false);
    assert_int_equal(fy_store_last(store), 12);
    assert_int_equal(fy_store_committed(store), 12);
    check(store, 0, 12);
    check(store, 7, 12);
    append(store, 13, 13);
    commit(store);
    check(store, 11, 13);
    assert_true(fy_store_room_bytes(store) > 0);
    fy_store_close(store);
}

static int stop_at(void *ctx, const fy_record *record, fy_err *err)
{
    return record->seq < *(int64_t *)ctx ? 0 : fy_fail(err, FY_ERANGE, "enough");
}

static void reading_stops_where_it_is_told(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    int64_t at = 3;
    int64_t next = 1;
    fy_err err;

    append(store, 1, 10);
    commit(store);
    assert_int_equal(fy_store_read(store, 0, -1, stop_at, &at, &err), FY_ERANGE);
    assert_string_equal(err.text, "enough");
    assert_int_equal(fy_store_read(store, 0, 4, check_record, &next, &err), 0);
    assert_int_equal(next, 5);
    next = 9;
    assert_int_equal(fy_store_read(store, 8, 0, check_record, &next, &err), 0);
    assert_int_equal(next, 9);
    fy_store_close(store);
}

static void a_second_daemon_is_refused_and_the_first_named(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    char text[32];

    (void)snprintf(text, sizeof text, "process %lld uses", (long long)getpid());
    assert_int_equal(open_fails(p->folder, text), FY_EINVAL);
    append(store, 1, 1);
    commit(store); /* the first one goes on */
    fy_store_close(store);
    fy_store_close(open_store(p->folder, false));
}

static void a_record_that_was_changed_is_named(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    int64_t next = 1;
    fy_err err;

    append(store, 1, 9);
    commit(store);
    fy_store_close(store);
    sql(p->folder, "UPDATE record SET body = '{\"job\":2}' WHERE seq = 4");
    store = open_store(p->folder, false);
    assert_int_equal(fy_store_read(store, 0, -1, check_record, &next, &err), FY_EPARSE);
    assert_int_equal(next, 4); /* those before it were handed out, it was not */
    assert_non_null(strstr(err.text, "record 4 does not match its hash"));
    fy_store_close(store);
    sql(p->folder, "DELETE FROM record WHERE seq = 4");
    store = open_store(p->folder, false);
    next = 1;
    assert_int_equal(fy_store_read(store, 0, -1, check_record, &next, &err), FY_EPARSE);
    assert_non_null(strstr(err.text, "record 4 is missing"));
    fy_store_close(store);
    sql(p->folder, "UPDATE record SET line = '9 x' WHERE seq = 9");
    assert_int_equal(open_fails(p->folder, "record 9 does not match"), FY_EPARSE);
}

static void a_newer_schema_is_refused(void **state)
{
    const place *p = *state;

    fy_store_close(open_store(p->folder, false));
    sql(p->folder, "PRAGMA user_version = 99");
    assert_int_equal(open_fails(p->folder, "newer fuyao (schema 99"), FY_EINVAL);
}

static void a_foreign_database_is_refused(void **state)
{
    const place *p = *state;

    fy_store_close(open_store(p->folder, false));
    sql(p->folder, "PRAGMA application_id = 7");
    assert_int_equal(open_fails(p->folder, "not a state of fuyao's"), FY_EINVAL);
}

static void check_snapshot(fy_store *store, int64_t want, const char *text)
{
    const void *bytes;
    size_t len;
    int64_t seq;
    fy_err err;

    assert_int_equal(fy_store_snapshot_get(store, &bytes, &len, &seq, &err), 0);
    assert_int_equal(seq, want);
    assert_int_equal(len, text != NULL ? strlen(text) : 0);
    if (text != NULL) {
        assert_memory_equal(bytes, text, len);
    } else {
        assert_null(bytes);
    }
}

static void put_snapshot(fy_store *store, const char *text)
{
    fy_store_snapshot_put(store, text, strlen(text));
    commit(store);
}

static void records_before_the_last_snapshot_but_one_go_to_the_archive(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    char path[160];

    check_snapshot(store, 0, NULL);
    append(store, 1, 5000);
    put_snapshot(store, "one");
    append(store, 5001, 10000);
    put_snapshot(store, "two");
    tidy(store);
    assert_int_equal(fy_store_archived(store), 5000);
    append(store, 10001, 10002);
    put_snapshot(store, "three");
    tidy(store);
    assert_int_equal(fy_store_archived(store), 10000);
    assert_int_equal(fy_store_snapshot_seq(store), 10002);
    append(store, 10003, 10004);
    commit(store);
    check(store, 0, 10004);
    check(store, 4999, 10004);
    check(store, 5000, 10004);
    check(store, 10000, 10004);
    fy_store_close(store);
    /* 5,000 s and the next second after 1970 began, the same day */
    (void)snprintf(path, sizeof path, "%s/archive/1970-01-01-000000005001.journal", p->folder);
    assert_int_equal(access(path, R_OK), 0);

    store = open_store(p->folder, false);
    check_snapshot(store, 10002, "three");
    check(store, 0, 10004);
    fy_store_close(store);
    assert_int_equal(unlink(path), 0);
    store = open_store(p->folder, false);
    {
        int64_t next = 1;
        fy_err err;

        assert_int_equal(fy_store_read(store, 0, -1, check_record, &next, &err), FY_ENOENT);
        assert_int_equal(next, 5001);
        assert_non_null(strstr(err.text, "no file holds record 5001"));
    }
    check(store, 10000, 10004);
    fy_store_close(store);
}

static void a_change_in_the_archive_is_named(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    char command[256];
    int64_t next = 1;
    fy_err err;

    append(store, 1, 50);
    put_snapshot(store, "one");
    append(store, 51, 60);
    put_snapshot(store, "two");
    tidy(store);
    (void)snprintf(command, sizeof command, "sed -i 's/ n=30$/ n=31/' %s/archive/*.journal",
                   p->folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(fy_store_read(store, 0, -1, check_record, &next, &err), FY_EPARSE);
    assert_non_null(strstr(err.text, "record 30 does not match its hash"));
    fy_store_close(store);
}

static void a_broken_snapshot_is_passed_over_with_a_warning(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);

    append(store, 1, 5);
    put_snapshot(store, "one");
    append(store, 6, 9);
    put_snapshot(store, "two");
    fy_store_close(store);
    sql(p->folder, "UPDATE snapshot SET bytes = x'00' WHERE seq = 9");
    store = open_store(p->folder, false);
    assert_string_equal(fy_store_warning(store), "");
    check_snapshot(store, 5, "one");
    assert_non_null(strstr(fy_store_warning(store), "after record 9 is broken"));
    check(store, 5, 9);
    fy_store_close(store);
}

/* ------------------------------------------------------------------ rows */

static int add_past(void *ctx, const fy_past_job *job, fy_err *err)
{
    (void)err;
    fy_str_printf(ctx, "%lld %s %s %s %s|", (long long)job->id, job->tenant, job->name, job->state,
                  job->json);
    return 0;
}

static void put_past(fy_store *store, int64_t id, const char *tenant, const char *state)
{
    char json[32];
    fy_past_job job = {
        .id = id, .submit_us = 1, .end_us = 2, .tenant = tenant, .name = "n", .state = state};

    (void)snprintf(json, sizeof json, "{\"id\":%lld}", (long long)id);
    job.json = json;
    fy_store_past_put(store, &job);
}

static void ended_jobs_are_kept(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    const char *json;
    fy_str out = {0};
    fy_err err;

    put_past(store, 1, "a", "finished");
    put_past(store, 2, "b", "failed");
    put_past(store, 3, "a", "failed");
    commit(store);
    put_past(store, 3, "a", "finished"); /* replaces */
    commit(store);
    fy_store_close(store);
    store = open_store(p->folder, false);
    assert_int_equal(fy_store_past_get(store, 2, &json, &err), 0);
    assert_string_equal(json, "{\"id\":2}");
    assert_int_equal(fy_store_past_get(store, 4, &json, &err), 0);
    assert_null(json);
    assert_int_equal(fy_store_past_list(store, -1, 2, NULL, add_past, &out, &err), 0);
    assert_string_equal(out.text, "3 a n finished {\"id\":3}|2 b n failed {\"id\":2}|");
    fy_str_clear(&out);
    assert_int_equal(fy_store_past_list(store, 3, 9, "a", add_past, &out, &err), 0);
    assert_string_equal(out.text, "1 a n finished {\"id\":1}|");
    fy_str_free(&out);
    fy_store_close(store);
}

static int add_token(void *ctx, const fy_token *token, fy_err *err)
{
    (void)err;
    fy_str_printf(ctx, "%s %s %s %lld %.4s %lld|", token->name, token->tenant, token->scope,
                  (long long)token->uid, token->hash, (long long)token->created_us);
    return 0;
}

static void tokens_are_kept_and_checked(void **state)
{
    const place *p = *state;
    fy_store *store = open_store(p->folder, false);
    fy_token token = {.name = "ci",
                      .tenant = "a",
                      .scope = "submit",
                      .uid = 1000,
                      .hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                      .created_us = 5};
    fy_str out = {0};
    fy_err err;

    assert_int_equal(fy_store_token_put(store, &token, &err), 0);
    token.uid = 0;
    assert_int_equal(fy_store_token_put(store, &token, &err), FY_EINVAL);
    token.uid = 1;
    token.scope = "root";
    assert_int_equal(fy_store_token_put(store, &token, &err), FY_EINVAL);
    token.scope = "read";
    token.hash = "secret";
    assert_int_equal(fy_store_token_put(store, &token, &err), FY_EINVAL);
    fy_store_close(store);
    store = open_store(p->folder, false);
    assert_int_equal(fy_store_token_list(store, add_token, &out, &err), 0);
    assert_string_equal(out.text, "ci a submit 1000 0123 5|");
    assert_int_equal(fy_store_token_drop(store, "other", &err), FY_ENOENT);
    assert_int_equal(fy_store_token_drop(store, "ci", &err), 0);
    fy_str_clear(&out);
    assert_int_equal(fy_store_token_list(store, add_token, &out, &err), 0);
    assert_int_equal(out.len, 0);
    fy_str_free(&out);
    fy_store_close(store);
}

/* ------------------------------------------------------------------ beside a daemon */

static void a_reader_sees_one_state_while_the_writer_goes_on(void **state)
{
    const place *p = *state;
    fy_store *writer = open_store(p->folder, false);
    fy_store *reader;

    append(writer, 1, 100);
    put_snapshot(writer, "one");
    append(writer, 101, 200);
    commit(writer);
    reader = open_store(p->folder, true);
    check(reader, 0, 200);
    append(writer, 201, 300);
    put_snapshot(writer, "two");
    tidy(writer); /* moves 1 to 100 away under the reader's hands */
    assert_int_equal(fy_store_archived(writer), 100);
    check(reader, 0, 200);
    check_snapshot(reader, 100, "one");
    fy_store_close(reader);
    check(writer, 0, 300);
    reader = open_store(p->folder, true);
    check(reader, 0, 300);
    fy_store_close(reader);
    fy_store_close(writer);
    reader = open_store(p->folder, true); /* with no daemon, too */
    check(reader, 0, 300);
    fy_store_close(reader);
}

enum { BACKUPS = 20 };

/* Another process, forked before this one opens a database: SQLite's connections must not be taken
 * along. It waits for a word, makes its backups and ends. */
static pid_t fork_backups(const place *p, int *go)
{
    int ends[2];
    pid_t child;
    char word;
    fy_err err;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child > 0) {
        (void)close(ends[0]);
        *go = ends[1];
        return child;
    }
    (void)close(ends[1]);
    if (read(ends[0], &word, 1) != 1) {
        _exit(2);
    }
    for (int i = 0; i < BACKUPS; i++) {
        char to[128];

        (void)snprintf(to, sizeof to, "%s%d", p->copy, i);
        if (fy_store_backup(p->folder, to, &err) != 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            _exit(1);
        }
    }
    _exit(0);
}

static void a_backup_while_another_process_writes_is_whole(void **state)
{
    const place *p = *state;
    int go = -1;
    int done = 0;
    int64_t n = 1000;
    pid_t child = fork_backups(p, &go);
    fy_store *store = open_store(p->folder, false);

    append(store, 1, 600);
    put_snapshot(store, "s");
    append(store, 601, n);
    put_snapshot(store, "s");
    tidy(store);
    assert_int_equal(write(go, "g", 1), 1);
    (void)close(go);
    while (waitpid(child, &done, WNOHANG) == 0) {
        append(store, n + 1, n + 50);
        n += 50;
        if (n % 500 == 0) {
            put_snapshot(store, "s");
        }
        commit(store);
        tidy(store);
    }
    assert_true(WIFEXITED(done) && WEXITSTATUS(done) == 0);
    check(store, 0, n);
    fy_store_close(store);
    for (int i = 0; i < BACKUPS; i++) {
        char to[128];
        fy_store *copy;

        (void)snprintf(to, sizeof to, "%s%d", p->copy, i);
        copy = open_store(to, false); /* a daemon starts on it */
        assert_true(fy_store_last(copy) >= 1000 && fy_store_last(copy) <= n);
        assert_true(fy_store_archived(copy) >= 600);
        check(copy, 0, fy_store_last(copy));
        fy_store_close(copy);
    }
}

static void a_backup_never_overwrites(void **state)
{
    const place *p = *state;
    fy_err err;

    fy_store_close(open_store(p->folder, false));
    assert_int_equal(fy_store_backup(p->folder, p->copy, &err), 0);
    assert_int_equal(fy_store_backup(p->folder, p->copy, &err), FY_EINVAL);
    assert_non_null(strstr(err.text, "is there already"));
    assert_int_not_equal(fy_store_backup("/nowhere/state", "/tmp/fuyao-never", &err), 0);
    assert_int_not_equal(access("/tmp/fuyao-never", F_OK), 0);
}

#define AT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT(what_is_committed_is_there_again),
        AT(reading_stops_where_it_is_told),
        AT(a_second_daemon_is_refused_and_the_first_named),
        AT(a_record_that_was_changed_is_named),
        AT(a_newer_schema_is_refused),
        AT(a_foreign_database_is_refused),
        AT(records_before_the_last_snapshot_but_one_go_to_the_archive),
        AT(a_change_in_the_archive_is_named),
        AT(a_broken_snapshot_is_passed_over_with_a_warning),
        AT(ended_jobs_are_kept),
        AT(tokens_are_kept_and_checked),
        AT(a_reader_sees_one_state_while_the_writer_goes_on),
        AT(a_backup_while_another_process_writes_is_whole),
        AT(a_backup_never_overwrites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
