/* SPDX-License-Identifier: MIT */
/* The configuration file: its schema, and from texts to values. */
#include "daemon/conf.h"

#include "base/doc.h"
#include "base/num.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct raw_user {
    char *user, *group, *tenant, *scope;
} raw_user;

typedef struct raw_quota {
    char *tenant, *queued, *devices, *time_limit, *default_time_limit;
} raw_quota;

typedef struct raw_conf {
    char *state, *socket, *socket_mode, *listen, *fleet, *devices, *policy, *placement, *seed;
    char *default_estimate, *snapshot_every;
    char *connections, *connections_per_user, *body, *requests_per_s;
    char *prolog, *prolog_limit, *epilog, *epilog_limit;
    char *health_check, *health_check_limit, *health_check_every, *auto_resume;
    char *power_cap, *shadow;
    char **settings;
    unsigned n_settings;
    raw_user *users;
    unsigned n_users;
    raw_quota *quotas;
    unsigned n_quotas;
} raw_conf;

enum {
    OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
    MOST_RULES = 10000,
    MOST_SETTINGS = 64,
    MOST_PATH = 4000,
};

#define TEXT(type, key, max) CYAML_FIELD_STRING_PTR(#key, OPTIONAL, type, key, 1, max)

static const cyaml_schema_field_t user_fields[] = {
    TEXT(raw_user, user, 100),
    TEXT(raw_user, group, 100),
    TEXT(raw_user, tenant, 120),
    TEXT(raw_user, scope, 20),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t user_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_user, user_fields)};

static const cyaml_schema_field_t quota_fields[] = {
    TEXT(raw_quota, tenant, 120),
    TEXT(raw_quota, queued, 20),
    TEXT(raw_quota, devices, 20),
    TEXT(raw_quota, time_limit, 40),
    TEXT(raw_quota, default_time_limit, 40),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t quota_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_quota, quota_fields)};

static const cyaml_schema_value_t setting_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 3, 200)};

static const cyaml_schema_field_t conf_fields[] = {
    TEXT(raw_conf, state, MOST_PATH),
    TEXT(raw_conf, socket, 107),
    TEXT(raw_conf, socket_mode, 8),
    TEXT(raw_conf, listen, 100),
    TEXT(raw_conf, fleet, MOST_PATH),
    TEXT(raw_conf, devices, 20),
    TEXT(raw_conf, policy, 40),
    TEXT(raw_conf, placement, 40),
    TEXT(raw_conf, seed, 20),
    TEXT(raw_conf, default_estimate, 40),
    TEXT(raw_conf, snapshot_every, 20),
    TEXT(raw_conf, connections, 20),
    TEXT(raw_conf, connections_per_user, 20),
    TEXT(raw_conf, body, 40),
    TEXT(raw_conf, requests_per_s, 20),
    TEXT(raw_conf, prolog, MOST_PATH),
    TEXT(raw_conf, prolog_limit, 40),
    TEXT(raw_conf, epilog, MOST_PATH),
    TEXT(raw_conf, epilog_limit, 40),
    TEXT(raw_conf, health_check, MOST_PATH),
    TEXT(raw_conf, health_check_limit, 40),
    TEXT(raw_conf, health_check_every, 40),
    TEXT(raw_conf, auto_resume, 8),
    TEXT(raw_conf, power_cap, 40),
    TEXT(raw_conf, shadow, 40),
    CYAML_FIELD_SEQUENCE_COUNT("settings", OPTIONAL, raw_conf, settings, n_settings,
                               &setting_schema, 0, MOST_SETTINGS),
    CYAML_FIELD_SEQUENCE_COUNT("users", OPTIONAL, raw_conf, users, n_users, &user_schema, 0,
                               MOST_RULES),
    CYAML_FIELD_SEQUENCE_COUNT("quotas", OPTIONAL, raw_conf, quotas, n_quotas, &quota_schema, 0,
                               MOST_RULES),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t conf_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_conf, conf_fields)};

typedef struct loader {
    fy_doc *doc;
    fy_conf *conf;
    fy_err *err;
    int status; /* of the first mistake */
} loader;

/* ------------------------------------------------------------------ values */

static const char *keep(loader *l, const char *text)
{
    return text != NULL ? fy_arena_strdup(&l->conf->arena, text) : NULL;
}

static void wrong(loader *l, const char *where, const char *key, const char *text,
                  const char *right)
{
    if (l->status == 0) {
        l->status = fy_doc_fail(l->doc, where, l->err, FY_ERANGE, "%s: %s %s", key, text, right);
    }
}

/* A whole number low..high; `missing` where the text is absent. */
static int64_t whole(loader *l, const char *where, const char *key, const char *text, int64_t low,
                     int64_t high, int64_t missing)
{
    int64_t value = missing;

    if (text != NULL && fy_num_int(text, strlen(text), low, high, &value) != FY_NUM_OK) {
        char right[80];

        (void)snprintf(right, sizeof right, "is no whole number from %lld to %lld", (long long)low,
                       (long long)high);
        wrong(l, where, key, text, right);
    }
    return value;
}

static int64_t span_us(loader *l, const char *where, const char *key, const char *text)
{
    double seconds = -1;

    if (text == NULL || l->status != 0) {
        return -1;
    }
    if (fy_units_parse(text, FY_DIM_TIME, FY_POSITIVE, &seconds, l->err) != 0) {
        l->status = fy_doc_prefix(l->doc, where, key, l->err, l->err->code);
        return -1;
    }
    return seconds < 3e9 ? (int64_t)(seconds * 1e6) : (int64_t)3e15;
}

static int choice(loader *l, const char *where, const char *key, const char *text,
                  const char *const *words, int missing)
{
    char right[120] = "is not one of";

    for (int i = 0; text != NULL && words[i] != NULL; i++) {
        size_t len = strlen(right);

        if (strcmp(words[i], text) == 0) {
            return i;
        }
        (void)snprintf(right + len, sizeof right - len, "%s %s", i > 0 ? "," : "", words[i]);
    }
    if (text != NULL) {
        wrong(l, where, key, text, right);
    }
    return missing;
}

/* ------------------------------------------------------------------ parts */

static void read_users(loader *l, const raw_conf *raw)
{
    static const char *const scopes[] = {"read", "submit", "operate", "none", NULL};
    fy_auth_rule *rules = fy_arena_alloc(&l->conf->arena, (raw->n_users + 1) * sizeof *rules);

    for (unsigned i = 0; i < raw->n_users; i++) {
        const raw_user *user = &raw->users[i];
        char where[40];
        int scope;

        (void)snprintf(where, sizeof where, "users[%u].scope", i);
        scope = choice(l, where, "scope", user->scope, scopes, FY_SCOPE_SUBMIT);
        rules[i] = (fy_auth_rule){.user = keep(l, user->user),
                                  .group = keep(l, user->group),
                                  .tenant = keep(l, user->tenant),
                                  .scope = scope < 3 ? (fy_scope)scope : FY_SCOPE_READ,
                                  .refuse = scope == 3};
    }
    l->conf->rules = rules;
    l->conf->n_rules = (int)raw->n_users;
}

static void read_quotas(loader *l, const raw_conf *raw)
{
    fy_quota *quotas = fy_arena_alloc(&l->conf->arena, (raw->n_quotas + 1) * sizeof *quotas);

    for (unsigned i = 0; i < raw->n_quotas; i++) {
        const raw_quota *quota = &raw->quotas[i];
        char where[40];

        (void)snprintf(where, sizeof where, "quotas[%u]", i);
        quotas[i] = (fy_quota){
            .tenant = keep(l, quota->tenant),
            .queued = whole(l, where, "queued", quota->queued, 0, 1000000000, -1),
            .devices = whole(l, where, "devices", quota->devices, 0, 1000000000, -1),
            .time_limit_us = span_us(l, where, "time_limit", quota->time_limit),
            .default_limit_us = span_us(l, where, "default_time_limit", quota->default_time_limit),
        };
    }
    l->conf->quotas = quotas;
    l->conf->n_quotas = (int)raw->n_quotas;
}

static void read_policy(loader *l, const raw_conf *raw)
{
    fy_setting *settings =
        fy_arena_alloc(&l->conf->arena, (raw->n_settings + 1) * sizeof *settings);

    for (unsigned i = 0; i < raw->n_settings; i++) {
        char *text = fy_arena_strdup(&l->conf->arena, raw->settings[i]);
        char *value = strchr(text, '=');
        char where[40];

        (void)snprintf(where, sizeof where, "settings[%u]", i);
        if (value == NULL) {
            wrong(l, where, "settings", text, "is not key=value");
            return;
        }
        *value++ = '\0';
        settings[i] = (fy_setting){text, value};
    }
    l->conf->sched = (fy_sched_options){
        .policy = keep(l, raw->policy),
        .placement = keep(l, raw->placement),
        .settings = settings,
        .n_settings = (int)raw->n_settings,
        .seed = (uint64_t)whole(l, "seed", "seed", raw->seed, 0, INT64_MAX, 0),
    };
}

static void read_http(loader *l, const raw_conf *raw)
{
    fy_http_options *http = &l->conf->http;
    double bytes = (double)http->body_bytes;

    http->connections = (int)whole(l, "connections", "connections", raw->connections, 4, 1000000,
                                   http->connections);
    http->connections_per_uid =
        (int)whole(l, "connections_per_user", "connections_per_user", raw->connections_per_user, 1,
                   1000000, http->connections_per_uid);
    http->rate_per_s = (double)whole(l, "requests_per_s", "requests_per_s", raw->requests_per_s, 0,
                                     1000000000, (int64_t)http->rate_per_s);
    if (raw->body != NULL && l->status == 0 &&
        fy_units_parse(raw->body, FY_DIM_BYTES, FY_POSITIVE, &bytes, l->err) != 0) {
        l->status = fy_doc_prefix(l->doc, "body", "body", l->err, l->err->code);
    }
    if (bytes < 1024 || bytes > 1e9) {
        wrong(l, "body", "body", raw->body, "is out of range: 1 kB to 1 GB");
    }
    http->body_bytes = (size_t)bytes;
}

static void read_hook(loader *l, fy_hook_kind kind, const char *path, const char *limit)
{
    fy_hook_program *program = &l->conf->hooks.programs[kind];
    char key[40];
    int64_t limit_us;

    (void)snprintf(key, sizeof key, "%s_limit", fy_hook_name(kind));
    limit_us = span_us(l, key, key, limit);
    program->path = keep(l, path);
    program->limit_us = limit_us > 0 ? limit_us : program->limit_us;
    if (path != NULL && path[0] != '/') {
        wrong(l, fy_hook_name(kind), fy_hook_name(kind), path, "must be an absolute path");
    }
}

static void read_hooks(loader *l, const raw_conf *raw)
{
    static const char *const words[] = {"no", "yes", NULL};
    int64_t every_us =
        span_us(l, "health_check_every", "health_check_every", raw->health_check_every);

    read_hook(l, FY_HOOK_PROLOG, raw->prolog, raw->prolog_limit);
    read_hook(l, FY_HOOK_EPILOG, raw->epilog, raw->epilog_limit);
    read_hook(l, FY_HOOK_HEALTH, raw->health_check, raw->health_check_limit);
    l->conf->hooks.health_every_us = every_us > 0 ? every_us : l->conf->hooks.health_every_us;
    l->conf->hooks.auto_resume =
        choice(l, "auto_resume", "auto_resume", raw->auto_resume, words, 0) == 1;
}

static double read_power(loader *l, const char *text)
{
    double watts = (double)NAN;

    if (text != NULL && l->status == 0 &&
        fy_units_parse(text, FY_DIM_POWER, FY_POSITIVE, &watts, l->err) != 0) {
        l->status = fy_doc_prefix(l->doc, "power_cap", "power_cap", l->err, l->err->code);
    }
    return watts;
}

static unsigned read_mode(loader *l, const char *text)
{
    char *end;
    unsigned long mode = text != NULL ? strtoul(text, &end, 8) : 0666;

    if (text != NULL && (*end != '\0' || mode > 0777)) {
        wrong(l, "socket_mode", "socket_mode", text, "is no mode such as \"0660\"");
    }
    return (unsigned)mode;
}

/* ------------------------------------------------------------------ loading */

fy_conf fy_conf_defaults(void)
{
    return (fy_conf){.default_estimate_us = -1,
                     .snapshot_every = -1,
                     .hooks = fy_hooks_defaults(),
                     .power_cap_w = (double)NAN,
                     .socket_mode = 0666,
                     .http = fy_http_defaults()};
}

static int from_doc(fy_conf *out, fy_doc *doc, fy_err *err)
{
    static const char *const kinds[] = {"virtual", "real", NULL};
    const raw_conf *raw = fy_doc_data(doc);
    loader l = {.doc = doc, .conf = out, .err = err};

    *out = fy_conf_defaults();
    out->state = keep(&l, raw->state);
    out->socket = keep(&l, raw->socket);
    out->listen = keep(&l, raw->listen);
    out->fleet = keep(&l, raw->fleet);
    out->real_devices = choice(&l, "devices", "devices", raw->devices, kinds, 0) == 1;
    out->socket_mode = read_mode(&l, raw->socket_mode);
    out->default_estimate_us =
        span_us(&l, "default_estimate", "default_estimate", raw->default_estimate);
    out->snapshot_every =
        (int)whole(&l, "snapshot_every", "snapshot_every", raw->snapshot_every, 100, 50000, -1);
    read_policy(&l, raw);
    read_users(&l, raw);
    read_quotas(&l, raw);
    read_http(&l, raw);
    read_hooks(&l, raw);
    out->power_cap_w = read_power(&l, raw->power_cap);
    out->shadow = keep(&l, raw->shadow);
    if (l.status != 0) {
        fy_conf_free(out);
    }
    return l.status;
}

int fy_conf_load(fy_conf *out, const char *path, fy_err *err)
{
    fy_doc *doc;
    int status = fy_doc_load(&doc, path, &conf_schema, err);

    if (status == 0) {
        status = from_doc(out, doc, err);
        fy_doc_free(doc);
    }
    return status;
}

int fy_conf_parse(fy_conf *out, const char *name, const char *text, size_t len, fy_err *err)
{
    fy_doc *doc;
    int status = fy_doc_parse(&doc, name, text, len, &conf_schema, err);

    if (status == 0) {
        status = from_doc(out, doc, err);
        fy_doc_free(doc);
    }
    return status;
}

void fy_conf_free(fy_conf *conf)
{
    fy_arena_free(&conf->arena);
}

const char *fy_conf_key(int i)
{
    enum {
        TOP = sizeof conf_fields / sizeof conf_fields[0] - 1,
        USER = sizeof user_fields / sizeof user_fields[0] - 1,
        QUOTA = sizeof quota_fields / sizeof quota_fields[0] - 1
    };

    return i < 0                    ? NULL
           : i < TOP                ? conf_fields[i].key
           : i < TOP + USER         ? user_fields[i - TOP].key
           : i < TOP + USER + QUOTA ? quota_fields[i - TOP - USER].key
                                    : NULL;
}
