/* SPDX-License-Identifier: MIT */
/* A submission as canonical JSON: keys in the table's order, and only what is not the default. */
#include "base/str.h"
#include "daemon/submission.h"
#include "daemon/submission_fields.h"

#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef const fy_submission_field field;

static const void *member(const fy_submission *s, size_t at)
{
    return (const char *)s + at;
}

static json_t *chips_of(const fy_submission *s)
{
    json_t *list = json_array();

    for (int i = 0; i < s->n_chips; i++) {
        json_t *name = json_string(s->chips[i].chip);

        if (fy_known(s->chips[i].rate)) {
            json_t *object = json_object();

            json_object_set_new(object, "chip", name);
            json_object_set_new(object, "rate", json_real(s->chips[i].rate));
            name = object;
        }
        json_array_append_new(list, name);
    }
    return list;
}

/* Ascending indices as runs: 0-9,20,22. */
static json_t *indices_of(const fy_submission *s)
{
    fy_str text = {0};
    json_t *value;

    for (int i = 0, j; i < s->n_array; i = j) {
        for (j = i + 1; j < s->n_array && s->array[j] == s->array[j - 1] + 1; j++) {
        }
        fy_str_printf(&text, "%s%d", i > 0 ? "," : "", s->array[i]);
        if (j > i + 1) {
            fy_str_printf(&text, "-%d", s->array[j - 1]);
        }
    }
    value = json_string(text.text);
    fy_str_free(&text);
    return value;
}

static json_t *signal_of(int signo)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%d", signo);
    return json_string(fy_signal_name(signo) != NULL ? fy_signal_name(signo) : digits);
}

static json_t *list_of(field *f, const fy_submission *s)
{
    json_t *value;

    if (*(const int *)member(s, f->count_at) == 0) {
        return NULL;
    }
    if (f->kind == FY_FIELD_CHIPS) {
        return chips_of(s);
    }
    if (f->kind == FY_FIELD_INDICES) {
        return indices_of(s);
    }
    if (f->kind == FY_FIELD_PAIRS) {
        value = json_object();
        for (int i = 0; i < s->n_environment; i++) {
            json_object_set_new(value, s->environment[i].key, json_string(s->environment[i].value));
        }
        return value;
    }
    value = json_array();
    for (int i = 0; f->kind == FY_FIELD_WORDS && i < s->n_args; i++) {
        json_array_append_new(value, json_string(s->args[i]));
    }
    for (int i = 0; f->kind == FY_FIELD_IDS && i < s->n_after; i++) {
        json_array_append_new(value, json_integer(s->after[i]));
    }
    return value;
}

static json_t *text_of(const char *text, const char *usual)
{
    return text == NULL || (usual != NULL && strcmp(text, usual) == 0) ? NULL : json_string(text);
}

/* The field's value; NULL where it is the default. */
static json_t *value_of(field *f, const fy_submission *s, const fy_submission *usual)
{
    const void *at = member(s, f->at), *other = member(usual, f->at);
    static const char *const priorities[] = {"high", "normal", "spot"};

    switch (f->kind) {
    case FY_FIELD_LINE:
    case FY_FIELD_PATH:
    case FY_FIELD_PATTERN:
    case FY_FIELD_SCRIPT:
        return text_of(*(const char *const *)at, *(const char *const *)other);
    case FY_FIELD_WORDS:
    case FY_FIELD_PAIRS:
    case FY_FIELD_CHIPS:
    case FY_FIELD_IDS:
    case FY_FIELD_INDICES:
        return list_of(f, s);
    case FY_FIELD_PRIORITY:
        return s->priority != usual->priority ? json_string(priorities[s->priority]) : NULL;
    case FY_FIELD_LAUNCH:
        return s->launch == FY_LAUNCH_EACH ? json_string("each") : NULL;
    case FY_FIELD_SIGNAL:
        return *(const int *)at != 0 ? signal_of(*(const int *)at) : NULL;
    case FY_FIELD_FLAG:
        return *(const bool *)at != *(const bool *)other ? json_boolean(*(const bool *)at) : NULL;
    case FY_FIELD_INT:
        return *(const int *)at != *(const int *)other ? json_integer(*(const int *)at) : NULL;
    case FY_FIELD_INT64:
        return *(const int64_t *)at != *(const int64_t *)other ? json_integer(*(const int64_t *)at)
                                                               : NULL;
    case FY_FIELD_REAL:
        return fy_known(*(const double *)at) ? json_real(*(const double *)at) : NULL;
    }
    return NULL;
}

const char *fy_submission_write(const fy_submission *s, fy_arena *arena, size_t *len)
{
    fy_submission usual = fy_submission_default();
    json_t *object = json_object();
    size_t size;
    char *text;

    usual.min_workers = usual.max_workers = s->workers;
    for (int i = 0; i < fy_submission_n_fields; i++) {
        json_t *value = value_of(&fy_submission_fields[i], s, &usual);

        if (value != NULL) {
            json_object_set_new(object, fy_submission_fields[i].name, value);
        }
    }
    size = json_dumpb(object, NULL, 0, JSON_COMPACT);
    text = fy_arena_alloc(arena, size + 1);
    (void)json_dumpb(object, text, size, JSON_COMPACT);
    json_decref(object);
    if (len != NULL) {
        *len = size;
    }
    return text;
}
