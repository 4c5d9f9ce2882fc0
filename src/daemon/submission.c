/* SPDX-License-Identifier: MIT */
/*
 * A submission read from JSON, strictly: every key is known, of the right type and in range, and
 * what is said together makes sense. Whether the site has that chip, workload or tenant is the
 * controller's question.
 */
#include "daemon/submission.h"

#include "daemon/submission_fields.h"

#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef const fy_submission_field field;

enum { MAX_WORD = 128 << 10, MAX_WORDS_BYTES = 1 << 20, MAX_CHIP = 64 };

static void *member(fy_submission *s, size_t at)
{
    return (char *)s + at;
}

/* ------------------------------------------------------------------ what is wrong */

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with decimals";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
    default:
        return "null";
    }
}

static int wrong_type(field *f, const json_t *value, const char *wants, fy_err *err)
{
    return fy_fail(err, FY_EINVAL, "%s: holds %s; it wants %s%s", f->name, type_name(value), wants,
                   json_is_null(value) ? ", or leave it out" : "");
}

/* ------------------------------------------------------------------ numbers and words */

static int read_int(field *f, const json_t *value, int64_t *out, fy_err *err)
{
    if (!json_is_integer(value)) {
        return wrong_type(f, value, "a whole number", err);
    }
    *out = json_integer_value(value);
    if (*out < f->low || *out > f->high) {
        return fy_fail(err, FY_EINVAL, "%s: %lld is out of range; it wants %lld to %lld", f->name,
                       (long long)*out, (long long)f->low, (long long)f->high);
    }
    return 0;
}

/* A number of work or a rate: positive and sane. `what` names it. */
static int read_real(const char *what, const json_t *value, double *out, fy_err *err)
{
    double number = json_number_value(value);

    if (!json_is_number(value)) {
        return fy_fail(err, FY_EINVAL, "%s: holds %s; it wants a number", what, type_name(value));
    }
    if (!(number > 0 && number <= 1e18)) {
        return fy_fail(err, FY_EINVAL, "%s: %g is out of range; it wants more than 0, at most 1e18",
                       what, number);
    }
    *out = number;
    return 0;
}

/* One of two or three words; *out is its place in the list. */
static int read_word(field *f, const json_t *value, const char *const *words, int n, int *out,
                     fy_err *err)
{
    char shown[FY_SHOWN_TEXT];

    if (!json_is_string(value)) {
        return wrong_type(f, value, "a word", err);
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(json_string_value(value), words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return fy_fail(err, FY_EINVAL, "%s: \"%s\" is none of %s, %s%s%s", f->name,
                   fy_text_shown(shown, json_string_value(value)), words[0], words[1],
                   n > 2 ? ", " : "", n > 2 ? words[2] : "");
}

static const char *const priorities[] = {"high", "normal", "spot"};
static const char *const launches[] = {"once", "each"};

static int read_signal(field *f, const json_t *value, int *out, fy_err *err)
{
    char shown[FY_SHOWN_TEXT];

    if (!json_is_string(value)) {
        return wrong_type(f, value, "a signal's name such as USR1", err);
    }
    *out = fy_signal_of(json_string_value(value));
    if (*out == 0) {
        return fy_fail(err, FY_EINVAL,
                       "%s: \"%s\" is no signal; write for example USR1, TERM or 10", f->name,
                       fy_text_shown(shown, json_string_value(value)));
    }
    return 0;
}

/* ------------------------------------------------------------------ texts */

static int check_pattern(field *f, const char *text, fy_err *err)
{
    for (const char *at = strchr(text, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] == '\0' || strchr("jaAx%", at[1]) == NULL) {
            char shown[FY_SHOWN_TEXT];

            return fy_fail(err, FY_EINVAL,
                           "%s: \"%s\" has a %% that means nothing; there are %%j (job), %%A "
                           "(first of its array), %%a (index in it), %%x (name), %%%%",
                           f->name, fy_text_shown(shown, text));
        }
    }
    return 0;
}

static int read_text(field *f, const json_t *value, fy_arena *arena, const char **out, fy_err *err)
{
    const char *text = json_string_value(value);
    char shown[FY_SHOWN_TEXT];
    size_t len;
    long bad;

    if (text == NULL) {
        return wrong_type(f, value, "a text", err);
    }
    len = json_string_length(value);
    if ((int64_t)len < f->low || (int64_t)len > f->high) {
        return len == 0 ? fy_fail(err, FY_EINVAL, "%s: is empty; leave it out", f->name)
                        : fy_fail(err, FY_EINVAL, "%s: has %zu bytes, more than %lld", f->name, len,
                                  (long long)f->high);
    }
    bad = f->kind == FY_FIELD_SCRIPT ? -1 : fy_text_control(text, len);
    if (bad >= 0) {
        return fy_fail(err, FY_EINVAL, "%s: \"%s\" has a control character at byte %ld", f->name,
                       fy_text_shown(shown, text), bad);
    }
    if (f->kind == FY_FIELD_PATH && text[0] != '/') {
        return fy_fail(err, FY_EINVAL, "%s: \"%s\" is no absolute path; it begins with /", f->name,
                       fy_text_shown(shown, text));
    }
    *out = fy_arena_strndup(arena, text, len);
    return f->kind == FY_FIELD_PATTERN ? check_pattern(f, text, err) : 0;
}

/* ------------------------------------------------------------------ lists */

/* One word of a command or value of its environment; *total counts the bytes of all. */
static int read_value(const char *what, const json_t *value, fy_arena *arena, size_t *total,
                      const char **out, fy_err *err)
{
    size_t len = json_string_length(value);

    if (!json_is_string(value)) {
        return fy_fail(err, FY_EINVAL, "%s: holds %s; it wants a text", what, type_name(value));
    }
    *total += len + 1;
    if (len > MAX_WORD || *total > MAX_WORDS_BYTES) {
        return fy_fail(err, FY_EINVAL, "%s: is too long; one text at most %d KiB, all %d KiB", what,
                       MAX_WORD >> 10, MAX_WORDS_BYTES >> 10);
    }
    *out = fy_arena_strndup(arena, json_string_value(value), len);
    return 0;
}

static int read_words(field *f, const json_t *value, fy_arena *arena, fy_submission *out,
                      fy_err *err)
{
    size_t n = json_array_size(value), total = 0;
    const char **words = fy_arena_alloc(arena, n * sizeof *words);

    for (size_t i = 0; i < n; i++) {
        char what[32];

        snprintf(what, sizeof what, "%s[%zu]", f->name, i);
        if (read_value(what, json_array_get(value, i), arena, &total, &words[i], err) != 0) {
            return FY_EINVAL;
        }
    }
    out->args = words;
    return 0;
}

static bool is_variable(const char *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    return key[0] != '\0' && key[strspn(key, letters)] == '\0' && (key[0] < '0' || key[0] > '9');
}

static int read_pairs(const json_t *value, fy_arena *arena, fy_submission *out, fy_err *err)
{
    fy_pair *pairs = fy_arena_alloc(arena, json_object_size(value) * sizeof *pairs);
    size_t total = 0;
    int n = 0;
    const char *key;
    json_t *each;

    /* the macro wants a mutable object, which it only reads */
    json_object_foreach((json_t *)(uintptr_t)value, key, each)
    {
        char shown[FY_SHOWN_TEXT], what[FY_SHOWN_TEXT + 16];

        snprintf(what, sizeof what, "environment.%s", fy_text_shown(shown, key));
        if (!is_variable(key) || strlen(key) > 200) {
            return fy_fail(err, FY_EINVAL,
                           "environment: \"%s\" is no name of a variable; letters, digits and _, "
                           "no digit first",
                           shown);
        }
        total += strlen(key);
        pairs[n].key = fy_arena_strdup(arena, key);
        if (read_value(what, each, arena, &total, &pairs[n].value, err) != 0) {
            return FY_EINVAL;
        }
        n++;
    }
    out->environment = pairs;
    return 0;
}

/* A chip is its name, or an object with its name and the gang's rate on it. */
static int read_chip(const json_t *value, const char *what, fy_arena *arena, fy_chip_rate *out,
                     fy_err *err)
{
    const json_t *name = json_is_object(value) ? json_object_get(value, "chip") : value;
    const json_t *rate = json_object_get(value, "rate");
    char shown[FY_SHOWN_TEXT], rate_of[64];
    size_t len = json_string_length(name);

    if (json_object_size(value) > (rate != NULL ? 2 : 1) || !json_is_string(name)) {
        return fy_fail(err, FY_EINVAL,
                       "%s: it wants a chip's name, or {\"chip\": NAME, \"rate\": UNITS A SECOND}",
                       what);
    }
    if (len == 0 || len > MAX_CHIP || fy_text_control(json_string_value(name), len) >= 0) {
        return fy_fail(err, FY_EINVAL, "%s: \"%s\" is no name of a chip; `fuyao chips` lists them",
                       what, fy_text_shown(shown, json_string_value(name)));
    }
    *out = (fy_chip_rate){fy_arena_strndup(arena, json_string_value(name), len), NAN};
    snprintf(rate_of, sizeof rate_of, "%s.rate", what);
    return rate != NULL ? read_real(rate_of, rate, &out->rate, err) : 0;
}

static int read_chips(const json_t *value, fy_arena *arena, fy_submission *out, fy_err *err)
{
    size_t n = json_array_size(value);
    fy_chip_rate *chips = fy_arena_alloc(arena, n * sizeof *chips);

    for (size_t i = 0; i < n; i++) {
        char what[32];

        snprintf(what, sizeof what, "chips[%zu]", i);
        if (read_chip(json_array_get(value, i), what, arena, &chips[i], err) != 0) {
            return FY_EINVAL;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(chips[i].chip, chips[j].chip) == 0) {
                return fy_fail(err, FY_EINVAL, "chips: \"%s\" stands there twice", chips[i].chip);
            }
        }
    }
    out->chips = chips;
    return 0;
}

static int read_ids(field *f, const json_t *value, fy_arena *arena, fy_submission *out, fy_err *err)
{
    size_t n = json_array_size(value);
    int64_t *ids = fy_arena_alloc(arena, n * sizeof *ids);

    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(value, i);

        if (!json_is_integer(id) || json_integer_value(id) < 0) {
            return fy_fail(err, FY_EINVAL, "%s[%zu]: it wants a job's id, a whole number", f->name,
                           i);
        }
        ids[i] = json_integer_value(id);
    }
    out->after = ids;
    return 0;
}

/* A list or object with 1..high members; its count is set where all of it could be read. */
static int read_many(field *f, const json_t *value, fy_arena *arena, fy_submission *out,
                     fy_err *err)
{
    bool pairs = f->kind == FY_FIELD_PAIRS;
    size_t n = pairs ? json_object_size(value) : json_array_size(value);
    int rc;

    if (pairs ? !json_is_object(value) : !json_is_array(value)) {
        return wrong_type(f, value, pairs ? "an object of texts" : "a list", err);
    }
    if ((int64_t)n > f->high) {
        return fy_fail(err, FY_EINVAL, "%s: has %zu entries, more than %lld", f->name, n,
                       (long long)f->high);
    }
    if (n == 0) {
        return 0;
    }
    if (pairs) {
        rc = read_pairs(value, arena, out, err);
    } else if (f->kind == FY_FIELD_WORDS) {
        rc = read_words(f, value, arena, out, err);
    } else if (f->kind == FY_FIELD_CHIPS) {
        rc = read_chips(value, arena, out, err);
    } else {
        rc = read_ids(f, value, arena, out, err);
    }
    if (rc == 0) {
        *(int *)member(out, f->count_at) = (int)n;
    }
    return rc;
}

static int read_indices(const json_t *value, field *f, fy_arena *arena, fy_submission *out,
                        fy_err *err)
{
    if (!json_is_string(value)) {
        return wrong_type(f, value, "a text such as \"0-9\"", err);
    }
    return fy_indices_read(&out->array, &out->n_array, json_string_value(value), arena, err) != 0
               ? fy_fail_prefix(err, FY_EINVAL, "%s", f->name)
               : 0;
}

/* ------------------------------------------------------------------ the whole */

static int read_field(field *f, const json_t *value, fy_arena *arena, fy_submission *out,
                      fy_err *err)
{
    void *to = member(out, f->at);
    int64_t number = 0;
    int word = 0, rc;

    switch (f->kind) {
    case FY_FIELD_LINE:
    case FY_FIELD_PATH:
    case FY_FIELD_PATTERN:
    case FY_FIELD_SCRIPT:
        return read_text(f, value, arena, (const char **)to, err);
    case FY_FIELD_WORDS:
    case FY_FIELD_PAIRS:
    case FY_FIELD_CHIPS:
    case FY_FIELD_IDS:
        return read_many(f, value, arena, out, err);
    case FY_FIELD_INDICES:
        return read_indices(value, f, arena, out, err);
    case FY_FIELD_PRIORITY:
        rc = read_word(f, value, priorities, 3, &word, err);
        out->priority = (fy_priority)word;
        return rc;
    case FY_FIELD_LAUNCH:
        rc = read_word(f, value, launches, 2, &word, err);
        out->launch = (fy_launch)word;
        return rc;
    case FY_FIELD_SIGNAL:
        return read_signal(f, value, to, err);
    case FY_FIELD_FLAG:
        *(bool *)to = json_is_true(value);
        return json_is_boolean(value) ? 0 : wrong_type(f, value, "true or false", err);
    case FY_FIELD_INT:
        rc = read_int(f, value, &number, err);
        *(int *)to = (int)(rc == 0 ? number : 0);
        return rc;
    case FY_FIELD_INT64:
        return read_int(f, value, to, err);
    case FY_FIELD_REAL:
        return read_real(f->name, value, to, err);
    }
    return 0;
}

/* What is said together must make sense. */
static int check(const fy_submission *s, fy_err *err)
{
    if (s->script == NULL && (s->n_args == 0 || s->args[0][0] == '\0')) {
        return fy_fail(err, FY_EINVAL, "nothing to run: give `script`, or the command in `args`");
    }
    if (s->min_workers > s->workers || s->max_workers < s->workers) {
        return fy_fail(err, FY_EINVAL,
                       "workers: %d must lie within min_workers %d and max_workers %d", s->workers,
                       s->min_workers, s->max_workers);
    }
    if (s->milli > 0 && (s->max_workers != 1 || s->devices != 1)) {
        return fy_fail(err, FY_EINVAL,
                       "milli: a share of a device is for one worker with one device, not for %d "
                       "with %d",
                       s->max_workers, s->devices);
    }
    if (((int64_t)s->max_workers + s->spares) * s->devices > 1 << 30) {
        return fy_fail(err, FY_EINVAL, "workers: %d of %d devices are too many", s->max_workers,
                       s->devices);
    }
    if (s->service && (fy_known(s->work) || s->estimate_us >= 0)) {
        return fy_fail(err, FY_EINVAL, "service: has no end; leave out `work` and `estimate_us`");
    }
    if (s->array_limit > 0 && s->n_array == 0) {
        return fy_fail(err, FY_EINVAL, "array_limit: there is no `array` that it could limit");
    }
    if (s->checkpoint_signal == 0 && (s->signal_script || s->signal_before_us >= 0)) {
        return fy_fail(err, FY_EINVAL, "%s: there is no `checkpoint_signal` to send",
                       s->signal_script ? "signal_script" : "signal_before_us");
    }
    return 0;
}

static const fy_submission_field *find_field(const char *name)
{
    for (int i = 0; i < fy_submission_n_fields; i++) {
        if (strcmp(fy_submission_fields[i].name, name) == 0) {
            return &fy_submission_fields[i];
        }
    }
    return NULL;
}

static int read_object(fy_submission *out, json_t *object, fy_arena *arena, fy_err *err)
{
    const char *key;
    json_t *value;

    *out = fy_submission_default();
    if (!json_is_object(object)) {
        return fy_fail(err, FY_EINVAL, "a submission is an object with `script` or `args`, not %s",
                       type_name(object));
    }
    out->min_workers = out->max_workers = -1;
    json_object_foreach(object, key, value)
    {
        field *f = find_field(key);
        int rc =
            f == NULL ? fy_submission_unknown(key, err) : read_field(f, value, arena, out, err);

        if (rc != 0) {
            return rc;
        }
    }
    out->min_workers = out->min_workers < 0 ? out->workers : out->min_workers;
    out->max_workers = out->max_workers < 0 ? out->workers : out->max_workers;
    return check(out, err);
}

/* Parsed JSON; NULL with an error. */
static json_t *parse(const char *json, size_t len, fy_err *err)
{
    json_error_t why;
    json_t *value = NULL;
    char shown[FY_SHOWN_TEXT];

    if (len > FY_SUBMISSION_MAX_BYTES) {
        (void)fy_fail(err, FY_EINVAL, "the submission has %zu bytes, more than %d", len,
                      FY_SUBMISSION_MAX_BYTES);
        return NULL;
    }
    value = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (value == NULL) {
        (void)fy_fail(err, FY_EPARSE, "not JSON, line %d column %d: %s", why.line, why.column,
                      json_error_code(&why) == json_error_null_character
                          ? "a text holds \\u0000"
                          : fy_text_shown(shown, why.text));
    }
    return value;
}

int fy_submission_read(fy_submission *out, const char *json, size_t len, fy_arena *arena,
                       fy_err *err)
{
    json_t *value = parse(json, len, err);
    int rc;

    *out = fy_submission_default();
    if (value == NULL) {
        return len > FY_SUBMISSION_MAX_BYTES ? FY_EINVAL : FY_EPARSE;
    }
    rc = read_object(out, value, arena, err);
    json_decref(value);
    return rc;
}

int fy_submission_read_list(fy_submission **out, int *n, bool *list, const char *json, size_t len,
                            fy_arena *arena, fy_err *err)
{
    json_t *value = parse(json, len, err);
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    fy_submission *all;
    int rc = 0;

    *out = NULL;
    *n = 0;
    if (value == NULL) {
        return len > FY_SUBMISSION_MAX_BYTES ? FY_EINVAL : FY_EPARSE;
    }
    if (list != NULL) {
        *list = json_is_array(value);
    }
    if (count == 0 || count > FY_SUBMISSION_MAX_BULK) {
        json_decref(value);
        return fy_fail(err, FY_EINVAL, "a list of %zu submissions; it may hold 1 to %d", count,
                       FY_SUBMISSION_MAX_BULK);
    }
    all = fy_arena_alloc(arena, count * sizeof *all);
    for (size_t i = 0; i < count && rc == 0; i++) {
        bool in_list = json_is_array(value);

        rc = read_object(&all[i], in_list ? json_array_get(value, i) : value, arena, err);
        if (rc != 0 && in_list) {
            rc = fy_fail_prefix(err, rc, "[%zu]", i);
        }
    }
    json_decref(value);
    if (rc == 0) {
        *out = all;
        *n = (int)count;
    }
    return rc;
}
