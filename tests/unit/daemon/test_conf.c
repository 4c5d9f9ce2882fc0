/* SPDX-License-Identifier: MIT */
/* The configuration: values as meant, mistakes named, and every key in the handbook. */
#include "daemon/conf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(fy_conf *conf, const char *text, fy_err *err)
{
    return fy_conf_parse(conf, "fuyao.yaml", text, strlen(text), err);
}

static void everything(void **state)
{
    static const char text[] = "state: /srv/fuyao\n"
                               "socket: /run/f/s\n"
                               "socket_mode: \"0660\"\n"
                               "listen: 127.0.0.1:8787\n"
                               "fleet: /etc/fuyao/fleet.yaml\n"
                               "devices: real\n"
                               "policy: las\n"
                               "placement: fgd\n"
                               "seed: 7\n"
                               "settings: [las.levels=3]\n"
                               "default_estimate: 2 h\n"
                               "snapshot_every: 1000\n"
                               "connections: 100\n"
                               "connections_per_user: 10\n"
                               "body: 2 MB\n"
                               "requests_per_s: 50\n"
                               "prolog: /opt/prolog\n"
                               "prolog_limit: 30 s\n"
                               "epilog: /opt/epilog\n"
                               "epilog_limit: 2 min\n"
                               "health_check: /opt/check\n"
                               "health_check_limit: 5 s\n"
                               "health_check_every: 10 min\n"
                               "auto_resume: yes\n"
                               "power_cap: 2 MW\n"
                               "shadow: fifo\n"
                               "users:\n"
                               "  - {user: lin, tenant: vision, scope: operate}\n"
                               "  - {group: guests, scope: none}\n"
                               "quotas:\n"
                               "  - {queued: 100, time_limit: 1 d, default_time_limit: 1 h}\n"
                               "  - {tenant: vision, devices: 64}\n";
    fy_conf conf;
    fy_err err = {0};

    (void)state;
    if (parse(&conf, text, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(conf.state, "/srv/fuyao");
    assert_int_equal(conf.socket_mode, 0660);
    assert_true(conf.real_devices);
    assert_string_equal(conf.sched.policy, "las");
    assert_int_equal(conf.sched.seed, 7);
    assert_string_equal(conf.sched.settings[0].value, "3");
    assert_int_equal(conf.default_estimate_us, 7200 * 1000000LL);
    assert_int_equal(conf.snapshot_every, 1000);
    assert_int_equal(conf.http.body_bytes, 2000000);
    assert_string_equal(conf.hooks.programs[FY_HOOK_PROLOG].path, "/opt/prolog");
    assert_int_equal(conf.hooks.programs[FY_HOOK_PROLOG].limit_us, 30 * 1000000LL);
    assert_int_equal(conf.hooks.programs[FY_HOOK_EPILOG].limit_us, 120 * 1000000LL);
    assert_string_equal(conf.hooks.programs[FY_HOOK_HEALTH].path, "/opt/check");
    assert_int_equal(conf.hooks.health_every_us, 600 * 1000000LL);
    assert_true(conf.hooks.auto_resume);
    assert_true(conf.power_cap_w > 1999999 && conf.power_cap_w < 2000001);
    assert_string_equal(conf.shadow, "fifo");
    assert_int_equal(conf.n_rules, 2);
    assert_int_equal(conf.rules[0].scope, FY_SCOPE_OPERATE);
    assert_true(conf.rules[1].refuse);
    assert_int_equal(conf.n_quotas, 2);
    assert_null(conf.quotas[0].tenant);
    assert_int_equal(conf.quotas[0].default_limit_us, 3600 * 1000000LL);
    assert_int_equal(conf.quotas[1].devices, 64);
    assert_int_equal(conf.quotas[1].queued, -1);
    fy_conf_free(&conf);
}

static void nothing(void **state)
{
    fy_conf conf;
    fy_err err = {0};

    (void)state;
    assert_int_equal(parse(&conf, "{}\n", &err), 0);
    assert_null(conf.sched.policy);
    assert_null(conf.shadow);
    assert_true(isnan(conf.power_cap_w));
    assert_int_equal(conf.default_estimate_us, -1);
    assert_null(conf.hooks.programs[FY_HOOK_PROLOG].path);
    assert_int_equal(conf.hooks.programs[FY_HOOK_PROLOG].limit_us, 60 * 1000000LL);
    fy_conf_free(&conf);
}

static void mistakes(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"prologue: /bin/true\n", "prologue"},
        {"prolog: true\n", "must be an absolute path"},
        {"prolog_limit: 30\n", "prolog_limit"},
        {"health_check_every: 0 s\n", "health_check_every"},
        {"auto_resume: maybe\n", "is not one of no, yes"},
        {"power_cap: 3 h\n", "power_cap"},
        {"power_cap: -1 W\n", "power_cap"},
        {"users: [{scope: king}]\n", "scope: king is not one of"},
        {"quotas: [{queued: many}]\n", "queued: many is no whole number"},
        {"settings: [las.levels]\n", "is not key=value"},
        {"socket_mode: 999\n", "socket_mode"},
        {"body: 1 B\n", "out of range"},
        {"snapshot_every: 1000000\n", "snapshot_every"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fy_conf conf;
        fy_err err = {0};

        assert_int_not_equal(parse(&conf, cases[i].text, &err), 0);
        if (strstr(err.text, cases[i].says) == NULL || strstr(err.text, "fuyao.yaml") == NULL) {
            fail_msg("%s says \"%s\", not \"%s\"", cases[i].text, err.text, cases[i].says);
        }
        assert_null(strchr(err.text, '\n'));
    }
}

/* docs/operate.md has each key at the beginning of a row of its table: | `key` | */
static void handbook(void **state)
{
    static char text[200000];
    const char *folder = getenv("ROOT");
    char path[1000];
    FILE *f;

    (void)state;
    assert_non_null(folder); /* meson says where the source is */
    (void)snprintf(path, sizeof path, "%s/docs/operate.md", folder);
    f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    assert_true(fy_conf_key(0) != NULL);
    for (int i = 0; fy_conf_key(i) != NULL; i++) {
        char row[100];

        (void)snprintf(row, sizeof row, "\n| `%s` |", fy_conf_key(i));
        if (strstr(text, row) == NULL) {
            fail_msg("docs/operate.md does not explain the key %s", fy_conf_key(i));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(nothing),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(handbook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
