/* SPDX-License-Identifier: MIT */
/* Who asks: the table of users, peers of a Unix socket, tokens. */
#include "daemon/auth.h"
#include "daemon/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void map(const fy_auth *auth, uid_t uid, gid_t gid, const char *tenant, fy_scope scope)
{
    const gid_t groups[] = {7001, 7002};
    fy_identity who;
    fy_err err = {0};

    if (fy_auth_map(auth, uid, gid, groups, 2, &who, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(who.who.tenant, tenant);
    assert_int_equal(who.who.scope, scope);
    assert_int_equal(who.who.uid, uid);
}

static void users_have_their_own_tenant(void **state)
{
    fy_auth *auth = NULL;

    (void)state;
    assert_int_equal(fy_auth_open(&auth, NULL, 0, NULL, NULL), 0);
    map(auth, 54321, 54321, "uid-54321", FY_SCOPE_SUBMIT);
    map(auth, 0, 0, "root", FY_SCOPE_OPERATE);
    fy_identity self;
    assert_int_equal(fy_auth_map(auth, geteuid(), getegid(), NULL, 0, &self, NULL), 0);
    assert_int_equal(self.who.scope, FY_SCOPE_OPERATE);
    fy_auth_close(auth);
}

static void the_first_rule_that_fits_decides(void **state)
{
    const fy_auth_rule rules[] = {
        {.user = "54321", .tenant = "vision", .scope = FY_SCOPE_READ},
        {.group = "7002", .tenant = "speech", .scope = FY_SCOPE_OPERATE},
        {.user = "54322", .tenant = "never", .scope = FY_SCOPE_READ}, /* 7002 came first */
        {.refuse = true},
    };
    fy_auth *auth = NULL;
    fy_identity who;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_auth_open(&auth, rules, 4, NULL, NULL), 0);
    map(auth, 54321, 1, "vision", FY_SCOPE_READ);
    map(auth, 54322, 1, "speech", FY_SCOPE_OPERATE);
    map(auth, 0, 7002, "speech", FY_SCOPE_OPERATE);
    assert_int_equal(fy_auth_map(auth, 54323, 1, NULL, 0, &who, &err), FY_EINVAL);
    assert_string_equal(err.text, "user uid-54323 may not use this daemon");
    assert_int_equal(fy_auth_map(auth, 0, 0, NULL, 0, &who, NULL), 0); /* root is never shut out */
    fy_auth_close(auth);
}

static void unknown_names_change_nothing(void **state)
{
    const fy_auth_rule good = {.user = "root", .tenant = "admin", .scope = FY_SCOPE_READ};
    const fy_auth_rule bad = {.group = "no-such-group"};
    fy_auth *auth = NULL;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_auth_open(&auth, &good, 1, NULL, NULL), 0);
    unsigned before = fy_auth_generation(auth);
    assert_int_equal(fy_auth_rules(auth, &bad, 1, &err), FY_ENOENT);
    assert_string_equal(err.text,
                        "rule 1 of the users' table: this machine has no group 'no-such-group'");
    assert_int_equal(fy_auth_generation(auth), before);
    map(auth, 0, 0, "admin", FY_SCOPE_OPERATE);
    assert_int_equal(fy_auth_rules(auth, NULL, 0, &err), 0);
    assert_int_not_equal(fy_auth_generation(auth), before);
    map(auth, 0, 0, "root", FY_SCOPE_OPERATE);
    fy_auth_close(auth);
}

static void the_kernel_says_who_connected(void **state)
{
    fy_auth *auth = NULL;
    fy_identity who;
    int pair[2];

    (void)state;
    assert_int_equal(fy_auth_open(&auth, NULL, 0, NULL, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(fy_auth_peer(auth, pair[0], &who, NULL), 0);
    assert_int_equal(who.who.uid, geteuid());
    assert_int_equal(who.who.gid, getegid());
    (void)close(pair[0]);
    (void)close(pair[1]);
    assert_int_equal(fy_auth_peer(auth, pair[0], &who, NULL), FY_EIO);
    fy_auth_close(auth);
}

static fy_store *store_in(char folder[64])
{
    fy_store *store = NULL;
    fy_err err = {0};

    if (folder[0] == '\0') {
        (void)strcpy(folder, "/tmp/fuyao-auth-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    if (fy_store_open(&store, &(fy_store_options){.folder = folder}, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return store;
}

static int bearer(const fy_auth *auth, const char *word, const char *secret, fy_identity *who)
{
    char header[200];

    (void)snprintf(header, sizeof header, "%s%s", word, secret);
    return fy_auth_bearer(auth, header, who, NULL);
}

static void tokens_outlive_the_daemon(void **state)
{
    char folder[64] = "", secret[FY_TOKEN_TEXT], other[FY_TOKEN_TEXT], command[128];
    fy_store *store = store_in(folder);
    fy_auth *auth = NULL;
    fy_identity who;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_auth_open(&auth, NULL, 0, store, NULL), 0);
    assert_int_equal(
        fy_auth_token_new(auth, "ci", "vision", 4321, FY_SCOPE_SUBMIT, 5, secret, NULL), 0);
    assert_int_equal(strlen(secret), FY_TOKEN_TEXT - 1);
    assert_int_equal(fy_auth_token_new(auth, "ci", "vision", 4321, FY_SCOPE_SUBMIT, 5, other, &err),
                     FY_EINVAL);
    assert_string_equal(err.text, "there is a token ci: drop it first");
    assert_int_equal(fy_auth_token_new(auth, "x", "a", 0, FY_SCOPE_READ, 5, other, NULL),
                     FY_EINVAL);
    assert_int_equal(fy_auth_token_new(auth, "a b", "a", 1, FY_SCOPE_READ, 5, other, NULL),
                     FY_EINVAL);
    assert_int_equal(fy_auth_token_new(auth, "x", "", 1, FY_SCOPE_READ, 5, other, NULL), FY_EINVAL);
    fy_auth_close(auth);
    fy_store_close(store);

    store = store_in(folder);
    assert_int_equal(fy_auth_open(&auth, NULL, 0, store, NULL), 0);
    assert_int_equal(bearer(auth, "Bearer ", secret, &who), 0);
    assert_int_equal(bearer(auth, "bearer  ", secret, &who), 0);
    assert_string_equal(who.who.tenant, "vision");
    assert_int_equal(who.who.uid, 4321);
    assert_int_equal(who.who.scope, FY_SCOPE_SUBMIT);
    assert_int_equal(bearer(auth, "", secret, &who), FY_EINVAL);
    assert_int_equal(bearer(auth, "Bearer ", "", &who), FY_EINVAL);
    secret[10] = secret[10] == 'a' ? 'b' : 'a';
    assert_int_equal(bearer(auth, "Bearer ", secret, &who), FY_EINVAL);
    fy_str list = {0};
    fy_auth_token_list(auth, &list);
    assert_non_null(strstr(list.text, "\"name\": \"ci\""));
    assert_null(strstr(list.text, "fuyao_")); /* no secret, no hash */
    fy_str_free(&list);
    assert_int_equal(fy_auth_token_drop(auth, "ci", NULL), 0);
    assert_int_equal(fy_auth_token_drop(auth, "ci", NULL), FY_ENOENT);
    fy_auth_close(auth);
    fy_store_close(store);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void buckets_fill_at_their_rate(void **state)
{
    fy_meters meters = {0};
    fy_meter *meter = fy_meter_of(&meters, 256, 3, 1000);

    (void)state;
    assert_ptr_equal(fy_meter_of(&meters, 256, 3, 1000), meter);
    assert_ptr_not_equal(fy_meter_of(&meters, 0, 3, 1000), meter); /* the same slot */
    assert_ptr_not_equal(fy_meter_of(&meters, FY_NOBODY, 3, 1000), meter);
    for (int i = 0; i < 3; i++) {
        assert_true(fy_meter_take(meter, 10, 3, 1000));
    }
    assert_false(fy_meter_take(meter, 10, 3, 1000));
    assert_false(fy_meter_take(meter, 10, 3, 1099));
    assert_true(fy_meter_take(meter, 10, 3, 1100));
    assert_false(fy_meter_take(meter, 10, 3, 1100));
    assert_false(fy_meter_take(meter, 10, 3, 500)); /* a clock that steps back gives nothing */
    for (int i = 0; i < 3; i++) {
        assert_true(fy_meter_take(meter, 10, 3, 90000)); /* full is full */
    }
    assert_false(fy_meter_take(meter, 10, 3, 90000));
    assert_true(fy_meter_take(meter, 0, 3, 90000)); /* no rate, no limit */
    fy_meters_free(&meters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_have_their_own_tenant),
        cmocka_unit_test(the_first_rule_that_fits_decides),
        cmocka_unit_test(unknown_names_change_nothing),
        cmocka_unit_test(the_kernel_says_who_connected),
        cmocka_unit_test(tokens_outlive_the_daemon),
        cmocka_unit_test(buckets_fill_at_their_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
