/* SPDX-License-Identifier: MIT */
/* Options of a job whose value is more than a number or a word. */
#include "base/num.h"
#include "cli/job_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(cli_job *job, const char *field, json_t *value)
{
    json_object_set_new(job->fields, field, value);
}

static int set_text(cli_job *job, const char *field, const char *text, size_t len, fy_err *err)
{
    json_t *value = json_stringn(text, len);

    if (value == NULL) {
        return fy_fail(err, FY_EINVAL, "the value is not UTF-8");
    }
    set(job, field, value);
    return 0;
}

/* ------------------------------------------------------------------ chips */

/* Make `chips` the list of these names. */
static int set_chips(cli_job *job, const char *names, const char *between, fy_err *err)
{
    json_t *list = json_array();
    int rc = 0;

    for (const char *at = names; rc == 0;) {
        size_t len = strcspn(at, between);
        json_t *name = json_stringn(at, len);

        if (len == 0 || name == NULL) {
            json_decref(name);
            rc = fy_fail(err, FY_EINVAL,
                         "\"%.60s\" is no list of chips; write for example "
                         "h800-sxm5,h20-96-sxm5, best first",
                         names);
            break;
        }
        json_array_append_new(list, name);
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    if (rc != 0) {
        json_decref(list);
        return rc;
    }
    set(job, "chips", list);
    return 0;
}

int job_take_chips(cli_job *job, const char *value, fy_err *err)
{
    if (strcmp(value, "any") == 0) {
        json_object_del(job->fields, "chips");
        return 0;
    }
    return set_chips(job, value, ",", err);
}

/* CHIP=UNITS A SECOND: adds to the chips or says it of one that is there. */
int job_take_rate(cli_job *job, const char *value, fy_err *err)
{
    const char *equals = strchr(value, '=');
    json_t *list = json_object_get(job->fields, "chips");
    json_t *name, *object;
    double rate;

    if (equals == NULL || equals == value || cli_read_amount(equals + 1, &rate, NULL) != 0) {
        return fy_fail(err, FY_EINVAL,
                       "\"%.60s\" is no rate; write CHIP=UNITS, for example h800-sxm5=12.5 steps "
                       "a second",
                       value);
    }
    name = json_stringn(value, (size_t)(equals - value));
    if (name == NULL) {
        return fy_fail(err, FY_EINVAL, "the value is not UTF-8");
    }
    object = json_object();
    json_object_set_new(object, "chip", name);
    json_object_set_new(object, "rate", json_real(rate));
    if (list == NULL) {
        set(job, "chips", list = json_array());
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *is = json_array_get(list, i);
        const json_t *its = json_is_object(is) ? json_object_get(is, "chip") : is;

        if (json_equal(its, name)) {
            json_array_set_new(list, i, object);
            return 0;
        }
    }
    json_array_append_new(list, object);
    return 0;
}

/* [gpu:][TYPE:]N. Returns false where it is none of that. */
static bool read_gpus(const char *text, size_t len, int64_t *n, const char **type, size_t *type_len)
{
    const char *end = text + len, *colon = memrchr(text, ':', len);
    const char *digits = colon != NULL ? colon + 1 : text;

    *type_len = 0;
    *type = text;
    if (fy_num_int(digits, (size_t)(end - digits), 0, 1 << 20, n) != FY_NUM_OK) {
        *n = 1; /* a type alone is one of it */
        *type_len = len;
        return len > 0 && memchr(text, ':', len) == NULL && (text[0] < '0' || text[0] > '9');
    }
    *type_len = colon != NULL ? (size_t)(colon - text) : 0;
    return colon == NULL || *type_len > 0;
}

static int take_gpus(cli_job *job, const char *text, size_t len, int64_t *n, fy_err *err)
{
    const char *type;
    size_t type_len;
    char *name;

    if (!read_gpus(text, len, n, &type, &type_len)) {
        return fy_fail(err, FY_EINVAL,
                       "\"%.60s\" is no number of devices; write for example 8 or "
                       "h800:8",
                       text);
    }
    if (type_len == 0) {
        return 0;
    }
    name = fy_arena_strndup(&job->arena, type, type_len);
    return set_chips(job, name, ",", err);
}

/* A list of generic resources; those that are no gpu are named and passed over. */
int job_take_gres(cli_job *job, const char *value, fy_err *err)
{
    for (const char *at = value;;) {
        size_t len = strcspn(at, ",");

        if (strncmp(at, "gpu", 3) == 0 && (len == 3 || at[3] == ':')) {
            job->slurm.gpus_per_node = 1;
            if (len > 3 && take_gpus(job, at + 4, len - 4, &job->slurm.gpus_per_node, err) != 0) {
                return FY_EINVAL;
            }
        } else if (len != 4 || strncmp(at, "none", 4) != 0) {
            cli_job_warn(job, "--gres=%.*s is passed over: only gpu is known",
                         (int)(len < 60 ? len : 60), at);
        }
        if (at[len] == '\0') {
            return 0;
        }
        at += len + 1;
    }
}

int job_take_gpus(cli_job *job, const char *value, fy_err *err)
{
    return take_gpus(job, value, strlen(value), &job->slurm.gpus, err);
}

int job_take_gpus_per_node(cli_job *job, const char *value, fy_err *err)
{
    return take_gpus(job, value, strlen(value), &job->slurm.gpus_per_node, err);
}

int job_take_gpus_per_task(cli_job *job, const char *value, fy_err *err)
{
    return take_gpus(job, value, strlen(value), &job->slurm.gpus_per_task, err);
}

/* Features joined by | are chips, one as good as the other; more than that is passed over. */
int job_take_constraint(cli_job *job, const char *value, fy_err *err)
{
    size_t len = strlen(value);
    bool bracket = len > 2 && value[0] == '[' && value[len - 1] == ']';
    char *names = fy_arena_strndup(&job->arena, value + (bracket ? 1 : 0), len - (bracket ? 2 : 0));

    if (strpbrk(names, "&*,()[]") != NULL) {
        cli_job_warn(job, "--constraint=%.60s is passed over: only chips joined by | are known",
                     value);
        return 0;
    }
    return set_chips(job, names, "|", err);
}

/* ------------------------------------------------------------------ sizes */

/* N, or N-M of which the smaller is what is needed. */
int job_take_nodes(cli_job *job, const char *value, fy_err *err)
{
    size_t len = strcspn(value, "-");
    int64_t most;

    if (fy_num_int(value, len, 1, 1 << 20, &job->slurm.nodes) != FY_NUM_OK ||
        (value[len] == '-' &&
         fy_num_int(value + len + 1, strlen(value + len + 1), 1, 1 << 20, &most) != FY_NUM_OK)) {
        return fy_fail(err, FY_EINVAL, "\"%.40s\" is no number of nodes; write for example 4",
                       value);
    }
    return 0;
}

/* A share of one device: 0.25 or 25 %. */
int job_take_share(cli_job *job, const char *value, fy_err *err)
{
    size_t digits = strspn(value, "0123456789.");
    const char *unit = value + digits + strspn(value + digits, " ");
    double share;

    if (fy_num_double(value, digits, &share) == FY_NUM_OK &&
        (unit[0] == '\0' || strcmp(unit, "%") == 0)) {
        double milli = share * (unit[0] == '%' ? 10 : 1000) + 0.5;

        if (milli >= 1 && milli < 1000) {
            set(job, "milli", json_integer((json_int_t)milli));
            return 0;
        }
    }
    return fy_fail(err, FY_EINVAL,
                   "\"%.40s\" is no share of a device; write for example 0.25 or 25 %%", value);
}

int job_take_cpus(cli_job *job, const char *value, fy_err *err)
{
    double cpus;

    if (fy_num_double(value, strlen(value), &cpus) != FY_NUM_OK || !(cpus >= 0.001) ||
        cpus > 65536) {
        return fy_fail(err, FY_EINVAL, "\"%.40s\" is no number of processors a worker", value);
    }
    set(job, "cpu_milli", json_integer((json_int_t)(cpus * 1000 + 0.5)));
    return 0;
}

int job_take_qos(cli_job *job, const char *value, fy_err *err)
{
    if (strcmp(value, "high") != 0 && strcmp(value, "normal") != 0 && strcmp(value, "spot") != 0) {
        cli_job_warn(job, "--qos=%.60s is passed over: there are high, normal and spot", value);
        return 0;
    }
    return set_text(job, "priority", value, strlen(value), err);
}

/* ------------------------------------------------------------------ order, interruption */

/* afterok:1:2,afterok:3 or bare ids; another kind is refused, for it must not be forgotten. */
int job_take_dependency(cli_job *job, const char *value, fy_err *err)
{
    json_t *ids = json_array();

    for (const char *at = value;;) {
        size_t len = strcspn(at, ",:");
        int64_t id;

        if (fy_num_int(at, len, 0, INT64_MAX, &id) == FY_NUM_OK) {
            json_array_append_new(ids, json_integer(id));
        } else if (len != 7 || strncmp(at, "afterok", 7) != 0 || at[len] != ':') {
            json_decref(ids);
            return fy_fail(err, FY_EINVAL,
                           "\"%.60s\" cannot be waited for; write for example afterok:17:18 (no "
                           "other kind is known)",
                           value);
        }
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    set(job, "after", ids);
    return 0;
}

/* INDICES[%LIMIT] */
int job_take_array(cli_job *job, const char *value, fy_err *err)
{
    size_t len = strcspn(value, "%");
    int64_t limit;

    json_object_del(job->fields, "array_limit");
    if (value[len] == '%') {
        const char *digits = value + len + 1;

        if (fy_num_int(digits, strlen(digits), 1, 100000, &limit) != FY_NUM_OK) {
            return fy_fail(err, FY_EINVAL,
                           "\"%.60s\" has no number after %%; write for example 0-9%%2", value);
        }
        set(job, "array_limit", json_integer(limit));
    }
    return set_text(job, "array", value, len, err);
}

/* [{R|B}:]SIGNAL[@SECONDS]; Slurm's 60 s where no time is said. */
int job_take_signal(cli_job *job, const char *value, fy_err *err)
{
    const char *at = value;
    bool script = false;
    int64_t before_us = 60000000;

    while ((at[0] == 'B' || at[0] == 'R') && (at[1] == ':' || at[1] == 'B' || at[1] == 'R')) {
        script = script || at[0] == 'B';
        at += at[1] == ':' ? 2 : 1;
    }
    size_t len = strcspn(at, "@");
    if (at[len] == '@') {
        int64_t s;
        const char *time = at + len + 1;

        if (fy_num_int(time, strlen(time), 0, 65535, &s) == FY_NUM_OK) {
            before_us = s * 1000000;
        } else if (cli_read_span(time, CLI_BARE_NO, &before_us, err) != 0) {
            return FY_EINVAL;
        }
    }
    set(job, "signal_script", json_boolean(script));
    set(job, "signal_before_us", json_integer(before_us));
    return set_text(job, "checkpoint_signal", at, len, err);
}

/* ------------------------------------------------------------------ paths and environment */

/* What stands for %c in a path; NULL = it stays. */
static const char *replacement(const cli_job *job, char c)
{
    switch (c) {
    case 'J':
        return "%j";
    case 'u':
        return job->user;
    case 'b':
        return "%a";
    case 'N':
        return "node";
    case 'n':
    case 't':
        return "0";
    case 's':
        return "batch";
    default:
        return NULL;
    }
}

/* A path with Slurm's patterns turned into ours: %4j loses its width, %u is written out. */
int job_take_path(cli_job *job, const char *field, const char *value, fy_err *err)
{
    fy_str path = {0};
    int rc;

    for (const char *at = value; *at != '\0'; at++) {
        const char *pattern = at[0] == '%' ? at + 1 + strspn(at + 1, "0123456789") : at;
        const char *with = at[0] == '%' ? replacement(job, *pattern) : NULL;

        if (at[0] != '%' || *pattern == '\0') {
            fy_str_add(&path, at, 1);
            continue;
        }
        if (with != NULL) {
            fy_str_puts(&path, with);
        } else {
            fy_str_printf(&path, "%%%c", *pattern);
        }
        if (strchr("Nnts", *pattern) != NULL) {
            cli_job_warn(job, "--%s: %%%c is written as \"%s\": there is one output a job", field,
                         *pattern, with);
        }
        at = pattern;
    }
    rc = set_text(job, field, path.text != NULL ? path.text : "", path.len, err);
    fy_str_free(&path);
    return rc;
}

int job_take_output(cli_job *job, const char *value, fy_err *err)
{
    return job_take_path(job, "output", value, err);
}

int job_take_error(cli_job *job, const char *value, fy_err *err)
{
    return job_take_path(job, "error", value, err);
}

int job_take_folder(cli_job *job, const char *value, fy_err *err)
{
    const char *path =
        value[0] == '/' ? value : fy_arena_printf(&job->arena, "%s/%s", job->folder, value);

    return set_text(job, "workdir", path, strlen(path), err);
}

/* NAME=VALUE */
int job_take_env(cli_job *job, const char *value, fy_err *err)
{
    const char *equals = strchr(value, '=');
    json_t *text;

    if (equals == NULL || equals == value) {
        return fy_fail(err, FY_EINVAL, "\"%.60s\" is no variable; write NAME=VALUE", value);
    }
    text = json_string(equals + 1);
    if (text == NULL ||
        json_object_setn_new(job->variables, value, (size_t)(equals - value), text) != 0) {
        return fy_fail(err, FY_EINVAL, "the value is not UTF-8");
    }
    return 0;
}

/* ALL, NONE, NIL, or a list of NAME=VALUE and of NAMES whose values are taken along. */
int job_take_export(cli_job *job, const char *value, fy_err *err)
{
    char *copy = fy_arena_strdup(&job->arena, value), *save = NULL;

    job->export = CLI_EXPORT_NONE;
    for (char *word = strtok_r(copy, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
        if (strcmp(word, "ALL") == 0) {
            job->export = CLI_EXPORT_ALL;
        } else if (strchr(word, '=') != NULL) {
            if (job_take_env(job, word, err) != 0) {
                return FY_EINVAL;
            }
        } else if (strcmp(word, "NONE") != 0 && strcmp(word, "NIL") != 0) {
            json_object_set_new(job->variables, word, json_null()); /* its value: at the end */
        }
    }
    return 0;
}
