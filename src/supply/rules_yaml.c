/* SPDX-License-Identifier: MIT */
/* Rules from YAML (data/rules/): docs/rules.md describes the keys. */
#include "base/doc.h"
#include "base/units.h"
#include "model/catalog.h"
#include "supply/rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct raw_term {
    char *name, *when;
} raw_term;

typedef struct raw_rule {
    char *id, *gate, *from, *until, *when, *outcome, *text, *source, *confidence, *delivered;
    char *revenue_share, *volume_share, *volume_of, *volume_devices, *duty;
    fy_texts chips, vendors, to;
    bool letter;
} raw_rule;

typedef struct raw_event {
    char *id, *day, *text, *source, *confidence;
} raw_event;

typedef struct raw_file {
    raw_term *terms;
    raw_rule *rules, *duties;
    raw_event *events;
    unsigned n_terms, n_rules, n_duties, n_events;
} raw_file;

typedef struct raw_index {
    char *last_day;
    fy_texts files;
} raw_index;

enum {
    TEXT = CYAML_FLAG_POINTER,
    OPTIONAL_TEXT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
    MAX_LINE = 1000,
    MAX_ID = 24,
    MAX_ITEMS = 200
};

#define STRING(type, key, flags, most) CYAML_FIELD_STRING_PTR(#key, flags, type, key, 1, most)
#define NAMES(key, flags, least)                                                                   \
    CYAML_FIELD_SEQUENCE_COUNT(#key, flags, raw_rule, key.items, key.n_items, &fy_text_schema,     \
                               least, 64)
#define LIST(key, schema)                                                                          \
    CYAML_FIELD_SEQUENCE_COUNT(#key, OPTIONAL_TEXT, raw_file, key, n_##key, schema, 0, MAX_ITEMS)

static const cyaml_schema_field_t term_fields[] = {
    STRING(raw_term, name, TEXT, MAX_ID),
    STRING(raw_term, when, TEXT, MAX_LINE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t term_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_term, term_fields)};

static const cyaml_schema_field_t rule_fields[] = {
    STRING(raw_rule, id, TEXT, MAX_ID),
    STRING(raw_rule, gate, TEXT, 20),
    STRING(raw_rule, from, TEXT, 20),
    STRING(raw_rule, until, OPTIONAL_TEXT, 20),
    STRING(raw_rule, when, OPTIONAL_TEXT, MAX_LINE),
    STRING(raw_rule, outcome, TEXT, 20),
    STRING(raw_rule, text, TEXT, MAX_LINE),
    STRING(raw_rule, source, TEXT, MAX_LINE),
    STRING(raw_rule, confidence, TEXT, 40),
    STRING(raw_rule, delivered, OPTIONAL_TEXT, MAX_LINE),
    STRING(raw_rule, revenue_share, OPTIONAL_TEXT, 40),
    STRING(raw_rule, volume_share, OPTIONAL_TEXT, 40),
    STRING(raw_rule, volume_of, OPTIONAL_TEXT, MAX_LINE),
    STRING(raw_rule, volume_devices, OPTIONAL_TEXT, 40),
    CYAML_FIELD_BOOL("letter", CYAML_FLAG_OPTIONAL, raw_rule, letter),
    NAMES(chips, OPTIONAL_TEXT, 1),
    NAMES(vendors, OPTIONAL_TEXT, 1),
    NAMES(to, TEXT, 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_rule, rule_fields)};

static const cyaml_schema_field_t duty_fields[] = {
    STRING(raw_rule, id, TEXT, MAX_ID),
    STRING(raw_rule, from, TEXT, 20),
    STRING(raw_rule, until, OPTIONAL_TEXT, 20),
    STRING(raw_rule, when, TEXT, MAX_LINE),
    STRING(raw_rule, duty, TEXT, 40),
    STRING(raw_rule, text, TEXT, MAX_LINE),
    STRING(raw_rule, source, TEXT, MAX_LINE),
    STRING(raw_rule, confidence, TEXT, 40),
    NAMES(to, TEXT, 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t duty_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_rule, duty_fields)};

static const cyaml_schema_field_t event_fields[] = {
    STRING(raw_event, id, TEXT, MAX_ID),     STRING(raw_event, day, TEXT, 20),
    STRING(raw_event, text, TEXT, MAX_LINE), STRING(raw_event, source, TEXT, MAX_LINE),
    STRING(raw_event, confidence, TEXT, 40), CYAML_FIELD_END,
};
static const cyaml_schema_value_t event_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_event, event_fields)};

static const cyaml_schema_field_t file_fields[] = {
    LIST(terms, &term_schema),   LIST(rules, &rule_schema), LIST(duties, &duty_schema),
    LIST(events, &event_schema), CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_file, file_fields)};

static const cyaml_schema_field_t index_fields[] = {
    STRING(raw_index, last_day, TEXT, 20),
    CYAML_FIELD_SEQUENCE_COUNT("files", TEXT, raw_index, files.items, files.n_items,
                               &fy_text_schema, 1, MAX_ITEMS),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t index_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_index, index_fields)};

/* --------------------------------------------------------------------------------- one value */

/* What is read: where it stands, so that an error names its line. */
typedef struct place {
    fy_rules *rules;
    const fy_doc *doc;
    const char *list; /* "rules" */
    unsigned at;
    fy_err *err;
} place;

enum { PATH = 64 };

static char *path_of(const place *p, const char *key, char out[PATH])
{
    snprintf(out, PATH, "%s[%u].%s", p->list, p->at, key);
    return out;
}

static int prefixed(const place *p, const char *key, int rc)
{
    char path[PATH];
    return rc == 0 ? 0 : fy_doc_prefix(p->doc, path_of(p, key, path), key, p->err, rc);
}

static int read_day(const place *p, const char *key, const char *text, int absent, int *day)
{
    *day = absent;
    return text == NULL ? 0 : prefixed(p, key, fy_date_parse(text, day, p->err));
}

/* A share or a count, NAN where the key is absent. */
static int read_number(const place *p, const char *key, const char *text, fy_dim dim, double most,
                       double *out)
{
    char path[PATH];
    *out = NAN;
    if (text == NULL) {
        return 0;
    }
    int rc = fy_units_parse(text, dim, FY_NOT_NEGATIVE, out, p->err);
    if (rc == 0 && *out > most) {
        return fy_doc_fail(p->doc, path_of(p, key, path), p->err, FY_ERANGE,
                           "%s: %.40s is more than %g", key, text, most);
    }
    return prefixed(p, key, rc);
}

static int read_when(const place *p, const char *text, const fy_predicate **out)
{
    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    fy_rules *r = p->rules;
    return prefixed(p, "when",
                    fy_predicate_parse(out, text, r->terms, r->n_terms, &r->arena, p->err));
}

static const char *kept(const place *p, const char *text)
{
    return text != NULL ? fy_arena_strdup(&p->rules->arena, text) : NULL;
}

static fy_names names_of(const place *p, fy_texts texts)
{
    const char **items = fy_arena_alloc(&p->rules->arena, (texts.n_items + 1) * sizeof *items);
    for (unsigned i = 0; i < texts.n_items; i++) {
        items[i] = kept(p, texts.items[i]);
    }
    return (fy_names){items, (int)texts.n_items};
}

static int read_destinations(const place *p, fy_texts texts, fy_names *out)
{
    char path[PATH];
    for (unsigned i = 0; i < texts.n_items; i++) {
        const char *t = texts.items[i];
        if (!(isupper((unsigned char)t[0]) && isupper((unsigned char)t[1]) && t[2] == '\0')) {
            return fy_doc_fail(p->doc, path_of(p, "to", path), p->err, FY_EPARSE,
                               "to: \"%.40s\" is not a code of two letters such as CN", t);
        }
    }
    *out = names_of(p, texts);
    return 0;
}

static int check_id(const place *p, const char *id)
{
    char path[PATH];
    size_t good = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");
    if (id[good] != '\0' || id[0] == '.') {
        return fy_doc_fail(p->doc, path_of(p, "id", path), p->err, FY_EPARSE,
                           "id: \"%.40s\" has more than letters, digits, - and .", id);
    }
    for (int i = 0; i < p->rules->n_rules; i++) {
        if (strcmp(p->rules->rules[i].shown.id, id) == 0) {
            return fy_doc_fail(p->doc, path_of(p, "id", path), p->err, FY_EINVAL,
                               "id: rule \"%.40s\" is there twice", id);
        }
    }
    return 0;
}

/* --------------------------------------------------------------------------------- one item */

static int read_term(const place *p, const raw_term *raw)
{
    fy_rules *r = p->rules;
    char path[PATH];
    size_t good = strspn(raw->name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (raw->name[good] != '\0' || isdigit((unsigned char)raw->name[0]) != 0 ||
        fy_predicate_reserves(raw->name)) {
        return fy_doc_fail(p->doc, path_of(p, "name", path), p->err, FY_EPARSE,
                           "name: \"%.40s\" must be of a-z, 0-9 and _, and no word of predicates",
                           raw->name);
    }
    for (int i = 0; i < r->n_terms; i++) {
        if (strcmp(r->terms[i].name, raw->name) == 0) {
            return fy_doc_fail(p->doc, path_of(p, "name", path), p->err, FY_EINVAL,
                               "name: term \"%.40s\" is there twice", raw->name);
        }
    }
    const fy_predicate *when = NULL;
    int rc = read_when(p, raw->when, &when);
    if (rc == 0) {
        r->terms[r->n_terms++] = (fy_term_named){kept(p, raw->name), when};
    }
    return rc;
}

static int read_words(const place *p, const raw_rule *raw, fy_rule *rule)
{
    char path[PATH];
    int outcome = FY_OUTCOME_FREE;
    while (outcome < FY_N_OUTCOMES &&
           strcmp(raw->outcome, fy_outcome_name((fy_outcome)outcome)) != 0) {
        outcome++;
    }
    if (outcome == FY_N_OUTCOMES) {
        return fy_doc_fail(p->doc, path_of(p, "outcome", path), p->err, FY_EPARSE,
                           "outcome: \"%.40s\" is none of free, notify, avoid, case by case, "
                           "licence, deny",
                           raw->outcome);
    }
    bool import = strcmp(raw->gate, "import") == 0;
    if (!import && strcmp(raw->gate, "export") != 0) {
        return fy_doc_fail(p->doc, path_of(p, "gate", path), p->err, FY_EPARSE,
                           "gate: \"%.40s\" is neither export nor import", raw->gate);
    }
    rule->outcome = (fy_outcome)outcome;
    rule->gate = import ? FY_GATE_IMPORT : FY_GATE_EXPORT;
    return 0;
}

static int read_days(const place *p, const raw_rule *raw, int *from, int *until)
{
    char path[PATH];
    int rc = read_day(p, "from", raw->from, 0, from);
    rc = rc != 0 ? rc : read_day(p, "until", raw->until, FY_DAY_NEVER, until);
    if (rc == 0 && *until < *from) {
        return fy_doc_fail(p->doc, path_of(p, "until", path), p->err, FY_ERANGE,
                           "until: %.40s is before from", raw->until);
    }
    return rc;
}

static int read_caps(const place *p, const raw_rule *raw, fy_rule *rule)
{
    char path[PATH];
    if ((raw->volume_share == NULL) != (raw->volume_of == NULL)) {
        return fy_doc_fail(p->doc, path_of(p, "volume_share", path), p->err, FY_EINVAL,
                           "volume_share and volume_of go together: a share of what?");
    }
    int rc =
        read_number(p, "revenue_share", raw->revenue_share, FY_DIM_RATIO, 1, &rule->revenue_share);
    rc = rc != 0 ? rc
                 : read_number(p, "volume_share", raw->volume_share, FY_DIM_RATIO, 1,
                               &rule->volume_share);
    return rc != 0 ? rc
                   : read_number(p, "volume_devices", raw->volume_devices, FY_DIM_COUNT, 1e12,
                                 &rule->volume_devices);
}

static int read_rule(const place *p, const raw_rule *raw)
{
    fy_rule_entry e = {.shown = {.id = kept(p, raw->id),
                                 .text = kept(p, raw->text),
                                 .source = kept(p, raw->source),
                                 .confidence = kept(p, raw->confidence),
                                 .delivered = kept(p, raw->delivered),
                                 .volume_of = kept(p, raw->volume_of),
                                 .letter = raw->letter},
                       .chips = names_of(p, raw->chips),
                       .vendors = names_of(p, raw->vendors)};
    int rc = check_id(p, raw->id);
    rc = rc != 0 ? rc : read_words(p, raw, &e.shown);
    rc = rc != 0 ? rc : read_days(p, raw, &e.shown.from_day, &e.shown.until_day);
    rc = rc != 0 ? rc : read_destinations(p, raw->to, &e.to);
    rc = rc != 0 ? rc : read_caps(p, raw, &e.shown);
    rc = rc != 0 ? rc : read_when(p, raw->when, &e.when);
    if (rc == 0 && e.when == NULL && e.chips.n == 0 && e.vendors.n == 0) {
        char path[PATH];
        return fy_doc_fail(p->doc, path_of(p, "id", path), p->err, FY_EINVAL,
                           "rule \"%.40s\" needs chips, vendors or when: else it is for all",
                           raw->id);
    }
    if (rc == 0) {
        p->rules->rules[p->rules->n_rules++] = e;
    }
    return rc;
}

static int read_duty(const place *p, const raw_rule *raw)
{
    fy_duty d = {.id = kept(p, raw->id),
                 .text = kept(p, raw->text),
                 .source = kept(p, raw->source),
                 .confidence = kept(p, raw->confidence)};
    int rc = check_id(p, raw->id);
    rc = rc != 0 ? rc : read_days(p, raw, &d.from_day, &d.until_day);
    rc = rc != 0 ? rc : read_destinations(p, raw->to, &d.to);
    rc = rc != 0 ? rc : read_number(p, "duty", raw->duty, FY_DIM_RATIO, 100, &d.share);
    rc = rc != 0 ? rc : read_when(p, raw->when, &d.when);
    if (rc == 0) {
        p->rules->duties[p->rules->n_duties++] = d;
    }
    return rc;
}

static int read_event(const place *p, const raw_event *raw)
{
    fy_rule_event e = {.id = kept(p, raw->id),
                       .text = kept(p, raw->text),
                       .source = kept(p, raw->source),
                       .confidence = kept(p, raw->confidence)};
    int rc = read_day(p, "day", raw->day, 0, &e.day);
    if (rc == 0) {
        p->rules->events[p->rules->n_events++] = e;
    }
    return rc;
}

/* ------------------------------------------------------------------------------------- files */

/* Room for `more` behind the `n` there are. */
static void *roomier(fy_arena *arena, const void *old, int n, unsigned more, size_t size)
{
    void *all = fy_arena_alloc(arena, ((size_t)n + more + 1) * size);
    if (n > 0) {
        memcpy(all, old, (size_t)n * size);
    }
    return all;
}

static int add_file(fy_rules *r, const fy_doc *doc, fy_err *err)
{
    const raw_file *f = fy_doc_data(doc);
    int rc = 0;
    r->terms = roomier(&r->arena, r->terms, r->n_terms, f->n_terms, sizeof *r->terms);
    r->rules = roomier(&r->arena, r->rules, r->n_rules, f->n_rules, sizeof *r->rules);
    r->duties = roomier(&r->arena, r->duties, r->n_duties, f->n_duties, sizeof *r->duties);
    r->events = roomier(&r->arena, r->events, r->n_events, f->n_events, sizeof *r->events);
    for (unsigned i = 0; i < f->n_terms && rc == 0; i++) {
        rc = read_term(&(place){r, doc, "terms", i, err}, &f->terms[i]);
    }
    for (unsigned i = 0; i < f->n_rules && rc == 0; i++) {
        rc = read_rule(&(place){r, doc, "rules", i, err}, &f->rules[i]);
    }
    for (unsigned i = 0; i < f->n_duties && rc == 0; i++) {
        rc = read_duty(&(place){r, doc, "duties", i, err}, &f->duties[i]);
    }
    for (unsigned i = 0; i < f->n_events && rc == 0; i++) {
        rc = read_event(&(place){r, doc, "events", i, err}, &f->events[i]);
    }
    return rc;
}

static int by_day(const void *a, const void *b)
{
    const fy_rule_event *x = a, *y = b;
    return x->day != y->day ? (x->day < y->day ? -1 : 1) : strcmp(x->id, y->id);
}

static int finish(fy_rules **out, fy_rules *r, int rc)
{
    if (rc != 0) {
        fy_rules_free(r);
        return rc;
    }
    if (r->n_events > 0) {
        qsort(r->events, (size_t)r->n_events, sizeof *r->events, by_day);
    }
    *out = r;
    return 0;
}

int fy_rules_load(fy_rules **out, const char *data_dir, fy_err *err)
{
    fy_rules *r = fy_calloc(1, sizeof *r);
    fy_doc *index_doc = NULL;
    const char *path = fy_arena_printf(&r->arena, "%s/rules/index.yaml", data_dir);
    int rc = fy_doc_load(&index_doc, path, &index_schema, err);
    if (rc == 0) {
        const raw_index *index = fy_doc_data(index_doc);
        rc = fy_date_parse(index->last_day, &r->last_day, err);
        rc = rc == 0 ? 0 : fy_doc_prefix(index_doc, "last_day", "last_day", err, rc);
        for (unsigned i = 0; i < index->files.n_items && rc == 0; i++) {
            fy_doc *doc = NULL;
            path = fy_arena_printf(&r->arena, "%s/rules/%s", data_dir, index->files.items[i]);
            rc = fy_doc_load(&doc, path, &file_schema, err);
            rc = rc != 0 ? rc : add_file(r, doc, err);
            fy_doc_free(doc);
        }
    }
    fy_doc_free(index_doc);
    return finish(out, r, rc);
}

int fy_rules_parse(fy_rules **out, const char *name, const char *text, size_t len, fy_err *err)
{
    fy_rules *r = fy_calloc(1, sizeof *r);
    fy_doc *doc = NULL;
    r->last_day = FY_DAY_NEVER;
    int rc = fy_doc_parse(&doc, name, text, len, &file_schema, err);
    rc = rc != 0 ? rc : add_file(r, doc, err);
    fy_doc_free(doc);
    return finish(out, r, rc);
}

void fy_rules_free(fy_rules *rules)
{
    if (rules != NULL) {
        fy_arena_free(&rules->arena);
        free(rules);
    }
}
