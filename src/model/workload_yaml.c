/* SPDX-License-Identifier: MIT */
/* Workloads from YAML (data/workloads/): docs/workloads.md describes the keys. Source of every
 * size: the row's `source`, or the cell's note. */
#include "model/workload_yaml.h"

#include "base/units.h"
#include "model/catalog.h"

#include <stdio.h>
#include <string.h>

/* Keys of fy_model: counts, and yes or no. Each key is its field's name. */
#define COUNTS(X)                                                                                  \
    X(layers)                                                                                      \
    X(hidden)                                                                                      \
    X(heads)                                                                                       \
    X(kv_heads)                                                                                    \
    X(head_dim)                                                                                    \
    X(ffn)                                                                                         \
    X(seq_len)                                                                                     \
    X(vocab)                                                                                       \
    X(window)                                                                                      \
    X(window_every)                                                                                \
    X(experts)                                                                                     \
    X(shared_experts)                                                                              \
    X(experts_per_token)                                                                           \
    X(expert_ffn)                                                                                  \
    X(dense_layers)                                                                                \
    X(expert_groups)                                                                               \
    X(chosen_groups)                                                                               \
    X(q_rank)                                                                                      \
    X(kv_rank)                                                                                     \
    X(nope_dim)                                                                                    \
    X(rope_dim)                                                                                    \
    X(v_dim)                                                                                       \
    X(mtp_layers)                                                                                  \
    X(patch_dim)                                                                                   \
    X(lora_rank)
#define SWITCHES(X)                                                                                \
    X(gated)                                                                                       \
    X(tied)                                                                                        \
    X(causal)                                                                                      \
    X(bias)                                                                                        \
    X(parallel_block)                                                                              \
    X(qk_norm)

enum {
#define X(key) CELL_##key,
    COUNTS(X) N_COUNTS,
    CELL_before_switches = N_COUNTS - 1,
    SWITCHES(X) N_CELLS
#undef X
};

static const struct cell {
    const char *key;
    size_t at; /* offset of the int or bool in fy_model */
} cells[N_CELLS] = {
#define X(key) {#key, offsetof(fy_model, key)},
    COUNTS(X) SWITCHES(X)
#undef X
};

typedef struct raw_note {
    char *cell, *text;
} raw_note;

typedef struct raw_rate {
    char *chip, *devices, *rate, *confidence, *source;
} raw_rate;

typedef struct raw_workload {
    char *id, *name, *source, *confidence, *kind, *memory;
    char *attention, *position, *norm, *global_batch, *precision, *train_tokens;
    fy_texts aliases;
    raw_note *notes;
    raw_rate *rates;
    unsigned n_notes, n_rates;
    char *cell[N_CELLS];
} raw_workload;

typedef struct raw_file {
    raw_workload *workloads;
    unsigned n_workloads;
} raw_file;

enum {
    OPTIONAL_TEXT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
    OPTIONAL_LIST = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
    MAX_LINE = 1000,
    MAX_IN_FILE = 1000
};

static const cyaml_schema_field_t note_fields[] = {
    CYAML_FIELD_STRING_PTR("cell", CYAML_FLAG_POINTER, raw_note, cell, 1, 40),
    CYAML_FIELD_STRING_PTR("text", CYAML_FLAG_POINTER, raw_note, text, 1, MAX_LINE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t note_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_note, note_fields)};

static const cyaml_schema_field_t rate_fields[] = {
    CYAML_FIELD_STRING_PTR("chip", CYAML_FLAG_POINTER, raw_rate, chip, 1, 40),
    CYAML_FIELD_STRING_PTR("devices", CYAML_FLAG_POINTER, raw_rate, devices, 1, 40),
    CYAML_FIELD_STRING_PTR("rate", CYAML_FLAG_POINTER, raw_rate, rate, 1, 60),
    CYAML_FIELD_STRING_PTR("confidence", CYAML_FLAG_POINTER, raw_rate, confidence, 1, 40),
    CYAML_FIELD_STRING_PTR("source", CYAML_FLAG_POINTER, raw_rate, source, 1, MAX_LINE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rate_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_rate, rate_fields)};

#define TEXT(key, flags, max) CYAML_FIELD_STRING_PTR(#key, flags, raw_workload, key, 1, max)

static const cyaml_schema_field_t workload_fields[] = {
    TEXT(id, CYAML_FLAG_POINTER, 40),
    TEXT(name, CYAML_FLAG_POINTER, FY_WORKLOAD_NAME),
    TEXT(source, CYAML_FLAG_POINTER, MAX_LINE),
    TEXT(confidence, CYAML_FLAG_POINTER, 40),
    TEXT(kind, OPTIONAL_TEXT, 40),
    TEXT(memory, OPTIONAL_TEXT, MAX_LINE),
    TEXT(attention, OPTIONAL_TEXT, 40),
    TEXT(position, OPTIONAL_TEXT, 40),
    TEXT(norm, OPTIONAL_TEXT, 40),
    TEXT(global_batch, OPTIONAL_TEXT, 40),
    TEXT(precision, OPTIONAL_TEXT, 40),
    TEXT(train_tokens, OPTIONAL_TEXT, 40),
    CYAML_FIELD_SEQUENCE_COUNT("aliases", OPTIONAL_LIST, raw_workload, aliases.items,
                               aliases.n_items, &fy_text_schema, 0, 32),
    CYAML_FIELD_SEQUENCE_COUNT("notes", OPTIONAL_LIST, raw_workload, notes, n_notes, &note_schema,
                               0, 64),
    CYAML_FIELD_SEQUENCE_COUNT("rates", OPTIONAL_LIST, raw_workload, rates, n_rates, &rate_schema,
                               0, 64),
#define X(key) CYAML_FIELD_STRING_PTR(#key, OPTIONAL_TEXT, raw_workload, cell[CELL_##key], 1, 40),
    COUNTS(X) SWITCHES(X)
#undef X
        CYAML_FIELD_END,
};
static const cyaml_schema_value_t workload_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_workload, workload_fields)};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("workloads", CYAML_FLAG_POINTER, raw_file, workloads, n_workloads,
                               &workload_schema, 1, MAX_IN_FILE),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t fy_workloads_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_file, file_fields)};

/* One entry being read. */
typedef struct reader {
    fy_arena *arena;
    const fy_doc *doc;
    const raw_workload *raw;
    unsigned at;
} reader;

static int fail(const reader *r, const char *key, fy_err *err, int code, const char *what,
                const char *value)
{
    char path[96];
    snprintf(path, sizeof path, "workloads[%u].%.40s", r->at, key);
    return fy_doc_fail(r->doc, path, err, code, "%s: %s%.60s", key, what, value);
}

/* Put file, line and key before what `rc` left in err. */
static int prefix(const reader *r, const char *key, fy_err *err, int rc)
{
    char path[96];
    snprintf(path, sizeof path, "workloads[%u].%.60s", r->at, key);
    return fy_doc_prefix(r->doc, path, key, err, rc);
}

/* Which of `words` is `text`? `fallback` where there is no text; a negative code if none. */
static int read_word(const reader *r, const char *key, const char *text, const char *const *words,
                     int n, int fallback, fy_err *err)
{
    char all[160] = "";
    if (text == NULL) {
        return fallback;
    }
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    char what[240];
    snprintf(what, sizeof what, "\"%.40s\" is none of ", text);
    return fail(r, key, err, FY_EPARSE, what, all);
}

static int read_count(const reader *r, const char *key, const char *text, double most,
                      double *value, fy_err *err)
{
    int rc = fy_units_parse(text, FY_DIM_COUNT, FY_NOT_NEGATIVE, value, err);
    if (rc != 0) {
        return prefix(r, key, err, rc);
    }
    if (*value > most) {
        char limit[FY_UNITS_TEXT], what[120];
        fy_units_format_number(limit, most);
        snprintf(what, sizeof what, "%.40s is absurd; at most ", text);
        return fail(r, key, err, FY_ERANGE, what, limit);
    }
    return 0;
}

/* The counts and switches that are there; the others keep what is in *model. */
static int read_cells(const reader *r, fy_model *model, fy_err *err)
{
    static const char *const words[] = {"no", "yes"};
    for (int c = 0; c < N_CELLS; c++) {
        char *field = (char *)model + cells[c].at;
        const char *text = r->raw->cell[c];
        if (text == NULL) {
            continue;
        }
        if (c < N_COUNTS) {
            double value = 0;
            int rc = read_count(r, cells[c].key, text, FY_MAX_SIZE, &value, err);
            if (rc != 0) {
                return rc;
            }
            *(int *)(void *)field = (int)value;
        } else {
            int yes = read_word(r, cells[c].key, text, words, 2, 0, err);
            if (yes < 0) {
                return yes;
            }
            *(bool *)(void *)field = yes == 1;
        }
    }
    return 0;
}

/* Sizes that follow from others by convention. */
static void fill_sizes(const reader *r, fy_model *m)
{
    char *const *cell = r->raw->cell;
    if (cell[CELL_kv_heads] == NULL) {
        m->kv_heads = m->attention == FY_MQA ? 1 : m->heads;
    }
    if (cell[CELL_head_dim] == NULL) {
        m->head_dim = m->attention == FY_MLA                      ? m->nope_dim + m->rope_dim
                      : m->heads > 0 && m->hidden % m->heads == 0 ? m->hidden / m->heads
                                                                  : 0;
    }
    if (r->raw->attention == NULL) {
        m->attention = m->kv_heads == m->heads ? FY_MHA : m->kv_heads == 1 ? FY_MQA : FY_GQA;
    }
}

static int missing(const reader *r, const char *key, fy_err *err)
{
    char path[40];
    snprintf(path, sizeof path, "workloads[%u]", r->at);
    return fy_doc_fail(r->doc, path, err, FY_EPARSE, "workload \"%s\": the key \"%s\" is missing",
                       r->raw->id, key);
}

/* The check's message starts with the key, which gives the line. */
static int check_model(const reader *r, fy_workload_kind kind, const fy_model *m, fy_err *err)
{
    fy_err own;
    char path[96];
    int rc = fy_model_check(m, kind, &own);
    if (rc == 0) {
        return 0;
    }
    snprintf(path, sizeof path, "workloads[%u].%.*s", r->at, (int)strcspn(own.text, ":"), own.text);
    return fy_doc_fail(r->doc, path, err, rc, "%s: %s", r->raw->id, own.text);
}

/* Do all keys of `needed` stand there? */
static int check_there(const reader *r, const int *needed, size_t n, fy_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (r->raw->cell[needed[i]] == NULL) {
            return missing(r, cells[needed[i]].key, err);
        }
    }
    return 0;
}

/* The three keys that take a word. */
static int read_words(const reader *r, fy_model *m, fy_err *err)
{
    static const char *const positions[] = {"none", "learned", "rotary", "alibi"};
    static const char *const norms[] = {"layer", "rms"};
    static const char *const attentions[] = {"mha", "gqa", "mqa", "mla"};
    const raw_workload *raw = r->raw;
    if (raw->position == NULL || raw->norm == NULL) {
        return missing(r, raw->position == NULL ? "position" : "norm", err);
    }
    int position = read_word(r, "position", raw->position, positions, 4, 0, err);
    int norm = position < 0 ? position : read_word(r, "norm", raw->norm, norms, 2, 0, err);
    int attention =
        norm < 0 ? norm
                 : read_word(r, "attention", raw->attention, attentions, FY_N_ATTENTIONS, 0, err);
    if (attention < 0) {
        return attention;
    }
    m->position = (fy_position)position;
    m->norm = (fy_norm)norm;
    m->attention = (fy_attention)attention;
    return 0;
}

static int read_model(const reader *r, fy_workload_kind kind, fy_model *m, fy_err *err)
{
    static const int needed[] = {CELL_layers, CELL_hidden, CELL_heads, CELL_seq_len, CELL_vocab};
    static const int latent[] = {CELL_kv_rank, CELL_nope_dim, CELL_rope_dim, CELL_v_dim};
    *m = (fy_model){.causal = kind == FY_LANGUAGE};
    int rc = check_there(r, needed, sizeof needed / sizeof *needed, err);
    if (rc == 0) {
        rc = read_words(r, m, err);
    }
    if (rc == 0 && m->attention == FY_MLA) {
        rc = check_there(r, latent, sizeof latent / sizeof *latent, err);
    }
    if (rc == 0) {
        rc = read_cells(r, m, err);
    }
    if (rc != 0) {
        return rc;
    }
    fill_sizes(r, m);
    if (m->head_dim == 0 && r->raw->cell[CELL_head_dim] == NULL && m->heads > 0) {
        return fail(r, "head_dim", err, FY_EPARSE, "missing, and hidden is not a multiple of heads",
                    "");
    }
    return check_model(r, kind, m, err);
}

/* `12.5 samples/s` */
static int read_samples(const char *text, double *value, fy_err *err)
{
    static const char unit[] = " samples/s";
    char number[64];
    size_t len = strlen(text), tail = sizeof unit - 1;
    if (len <= tail || len >= sizeof number || strcmp(text + len - tail, unit) != 0 ||
        text[len - tail - 1] == '%') {
        return fy_fail(err, FY_EPARSE, "\"%.40s\" is not a rate; write for example 12.5 samples/s",
                       text);
    }
    memcpy(number, text, len - tail);
    number[len - tail] = '\0';
    return fy_units_parse(number, FY_DIM_RATIO, FY_POSITIVE, value, err);
}

static int read_rate(const reader *r, unsigned i, fy_workload_rate *out, fy_err *err)
{
    const raw_rate *raw = &r->raw->rates[i];
    char key[40];
    double devices = 0;
    snprintf(key, sizeof key, "rates[%u].devices", i);
    int rc = read_count(r, key, raw->devices, FY_MAX_SIZE, &devices, err);
    if (rc == 0 && devices == 0) {
        rc = fail(r, key, err, FY_ERANGE, "must be positive", "");
    }
    if (rc == 0) {
        snprintf(key, sizeof key, "rates[%u].rate", i);
        rc = read_samples(raw->rate, &out->samples_per_s, err);
        rc = rc == 0 ? 0 : prefix(r, key, err, rc);
    }
    int grade = fy_grade_from(raw->confidence);
    if (rc == 0 && grade < 0) {
        snprintf(key, sizeof key, "rates[%u].confidence", i);
        rc = fail(r, key, err, FY_EPARSE, "unknown grade ", raw->confidence);
    }
    if (rc == 0) {
        out->chip = fy_arena_strdup(r->arena, raw->chip);
        out->devices = (int)devices;
        out->grade = (fy_grade)grade;
        out->source = fy_arena_strdup(r->arena, raw->source);
    }
    return rc;
}

/* What only black boxes have, and what they must not have. */
static int read_black_box(const reader *r, fy_workload *w, fy_err *err)
{
    const raw_workload *raw = r->raw;
    const char *stray = raw->attention != NULL  ? "attention"
                        : raw->position != NULL ? "position"
                        : raw->norm != NULL     ? "norm"
                                                : NULL;
    for (int c = 0; c < N_CELLS && stray == NULL; c++) {
        stray = raw->cell[c] != NULL ? cells[c].key : NULL;
    }
    if (stray != NULL) {
        return fail(r, stray, err, FY_EINFEASIBLE, "a black box has no sizes, only rates", "");
    }
    fy_workload_rate *rates = fy_arena_alloc(r->arena, (raw->n_rates + 1) * sizeof *rates);
    for (unsigned i = 0; i < raw->n_rates; i++) {
        int rc = read_rate(r, i, &rates[i], err);
        if (rc != 0) {
            return rc;
        }
    }
    w->rates = rates;
    w->n_rates = (int)raw->n_rates;
    w->memory_note = raw->memory != NULL ? fy_arena_strdup(r->arena, raw->memory) : NULL;
    return 0;
}

/* Published batch, precision and length of the training, as far as known. */
static int read_training(const reader *r, fy_workload *w, fy_err *err)
{
    const raw_workload *raw = r->raw;
    w->train_tokens = NAN;
    w->precision = FY_PREC_BF16;
    if (raw->precision != NULL) {
        const char *names[FY_N_PRECISIONS];
        for (int i = 0; i < FY_N_PRECISIONS; i++) {
            names[i] = fy_precision_name((fy_precision)i);
        }
        int p = read_word(r, "precision", raw->precision, names, FY_N_PRECISIONS, 0, err);
        if (p < 0) {
            return p;
        }
        w->precision = (fy_precision)p;
    } else if (w->kind != FY_BLACK_BOX) {
        return missing(r, "precision", err);
    }
    double batch = 0;
    if (raw->global_batch != NULL) {
        int rc = read_count(r, "global_batch", raw->global_batch, FY_MAX_SIZE, &batch, err);
        if (rc != 0) {
            return rc;
        }
    }
    w->global_batch = (int)batch;
    return raw->train_tokens == NULL
               ? 0
               : read_count(r, "train_tokens", raw->train_tokens, 1e15, &w->train_tokens, err);
}

static int read_texts(const reader *r, fy_workload *w, fy_err *err)
{
    const raw_workload *raw = r->raw;
    const char **aliases = fy_arena_alloc(r->arena, (raw->aliases.n_items + 1) * sizeof *aliases);
    const char **notes = fy_arena_alloc(r->arena, (raw->n_notes + 1) * sizeof *notes);
    int grade = fy_grade_from(raw->confidence);
    if (grade < 0) {
        return fail(r, "confidence", err, FY_EPARSE, "unknown grade ", raw->confidence);
    }
    for (unsigned i = 0; i < raw->aliases.n_items; i++) {
        if (strlen(raw->aliases.items[i]) > FY_WORKLOAD_NAME) {
            return fail(r, "aliases", err, FY_ERANGE,
                        "longer than 80 letters: ", raw->aliases.items[i]);
        }
        aliases[i] = fy_arena_strdup(r->arena, raw->aliases.items[i]);
    }
    for (unsigned i = 0; i < raw->n_notes; i++) {
        const cyaml_schema_field_t *f = workload_fields;
        while (f->key != NULL && strcmp(f->key, raw->notes[i].cell) != 0) {
            f++;
        }
        if (f->key == NULL) {
            return fail(r, "notes", err, FY_EPARSE, "a note on an unknown cell ",
                        raw->notes[i].cell);
        }
        notes[i] = fy_arena_printf(r->arena, "%s: %s", raw->notes[i].cell, raw->notes[i].text);
    }
    w->id = fy_arena_strdup(r->arena, raw->id);
    w->name = fy_arena_strdup(r->arena, raw->name);
    w->source = fy_arena_strdup(r->arena, raw->source);
    w->grade = (fy_grade)grade;
    w->aliases = aliases;
    w->n_aliases = (int)raw->aliases.n_items;
    w->notes = notes;
    w->n_notes = (int)raw->n_notes;
    return 0;
}

static int read_workload(const reader *r, fy_workload *w, fy_err *err)
{
    static const char *const kinds[] = {"language", "vision", "black-box"};
    int rc = read_texts(r, w, err);
    if (rc != 0) {
        return rc;
    }
    int kind = read_word(r, "kind", r->raw->kind, kinds, 3, FY_LANGUAGE, err);
    if (kind < 0) {
        return kind;
    }
    w->kind = (fy_workload_kind)kind;
    rc = read_training(r, w, err);
    if (rc != 0) {
        return rc;
    }
    if (w->kind == FY_BLACK_BOX) {
        return read_black_box(r, w, err);
    }
    if (r->raw->n_rates > 0 || r->raw->memory != NULL) {
        return fail(r, r->raw->n_rates > 0 ? "rates" : "memory", err, FY_EINFEASIBLE,
                    "only a black box has it", "");
    }
    return read_model(r, w->kind, &w->model, err);
}

int fy_workload_count(const fy_doc *doc)
{
    const raw_file *file = fy_doc_data(doc);
    return (int)file->n_workloads;
}

int fy_workload_read(fy_workload *out, fy_arena *arena, const fy_doc *doc, int i, fy_err *err)
{
    const raw_file *file = fy_doc_data(doc);
    reader r = {arena, doc, &file->workloads[i], (unsigned)i};
    return read_workload(&r, out, err);
}
