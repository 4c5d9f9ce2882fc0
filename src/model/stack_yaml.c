/* SPDX-License-Identifier: MIT */
/* Stacks and fitted constants from YAML (data/stacks/): docs/stacks.md describes the keys. */
#include "base/doc.h"
#include "base/num.h"
#include "fuyao/calibrate.h"
#include "fuyao/plan.h"
#include "model/stack.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct raw_stack {
    char *id, *name, *near, *source, *attention, *capture, *recompute, *overlap;
    bool fused_elementwise, fused_norm, fused_loss, fused_optimizer, main_grads_fp32;
    bool seq_parallel, grouped_experts, p2p_scatter, shards_weights, dropout, unpadded_vocab,
        dedup_dispatch, fp8_dispatch, keeps_products, keeps_outputs, fp8_inputs,
        recompute_stops_early, merges_parts;
    unsigned zero, buffer_mb;
    unsigned fp8_weight_bytes, gradient_bytes, optimizer_bytes, loss_bytes, loss_bytes_selective;
} raw_stack;

typedef struct raw_stacks {
    raw_stack *stacks;
    unsigned n_stacks;
} raw_stacks;

typedef struct raw_fitted {
    char *chip, *family, *stack, *without, *spread;
    char *shares, *pressed, *precisions; /* of fy_reach */
    bool experts, sharded;
    unsigned devices;
    unsigned rows;
    char *value[FY_N_CONSTANTS];
} raw_fitted;

typedef struct raw_constants {
    raw_fitted *constants;
    unsigned n_constants;
} raw_constants;

enum { OPTIONAL_TEXT = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };

#define TEXT(type, key, flags, max) CYAML_FIELD_STRING_PTR(#key, flags, type, key, 1, max)
#define FLAG(key)                   CYAML_FIELD_BOOL(#key, CYAML_FLAG_OPTIONAL, raw_stack, key)
#define VALUE(key, at)              CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, raw_fitted, value[at], 1, 40)

static const cyaml_schema_field_t stack_fields[] = {
    TEXT(raw_stack, id, CYAML_FLAG_POINTER, 40),
    TEXT(raw_stack, name, CYAML_FLAG_POINTER, 100),
    TEXT(raw_stack, near, OPTIONAL_TEXT, 40),
    TEXT(raw_stack, source, CYAML_FLAG_POINTER, 1000),
    TEXT(raw_stack, attention, CYAML_FLAG_POINTER, 40),
    TEXT(raw_stack, capture, CYAML_FLAG_POINTER, 40),
    TEXT(raw_stack, recompute, CYAML_FLAG_POINTER, 40),
    TEXT(raw_stack, overlap, OPTIONAL_TEXT, 40),
    FLAG(fused_elementwise),
    FLAG(fused_norm),
    FLAG(fused_loss),
    FLAG(fused_optimizer),
    FLAG(main_grads_fp32),
    FLAG(seq_parallel),
    FLAG(grouped_experts),
    FLAG(p2p_scatter),
    FLAG(shards_weights),
    FLAG(dropout),
    FLAG(unpadded_vocab),
    FLAG(dedup_dispatch),
    FLAG(fp8_dispatch),
    FLAG(keeps_products),
    FLAG(keeps_outputs),
    FLAG(recompute_stops_early),
    FLAG(merges_parts),
    FLAG(fp8_inputs),
    CYAML_FIELD_UINT("zero", CYAML_FLAG_OPTIONAL, raw_stack, zero),
    CYAML_FIELD_UINT("buffer_mb", CYAML_FLAG_OPTIONAL, raw_stack, buffer_mb),
    CYAML_FIELD_UINT("fp8_weight_bytes", CYAML_FLAG_DEFAULT, raw_stack, fp8_weight_bytes),
    CYAML_FIELD_UINT("gradient_bytes", CYAML_FLAG_DEFAULT, raw_stack, gradient_bytes),
    CYAML_FIELD_UINT("optimizer_bytes", CYAML_FLAG_DEFAULT, raw_stack, optimizer_bytes),
    CYAML_FIELD_UINT("loss_bytes", CYAML_FLAG_DEFAULT, raw_stack, loss_bytes),
    CYAML_FIELD_UINT("loss_bytes_selective", CYAML_FLAG_OPTIONAL, raw_stack, loss_bytes_selective),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t stack_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_stack, stack_fields)};
static const cyaml_schema_field_t stacks_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("stacks", CYAML_FLAG_POINTER, raw_stacks, stacks, n_stacks,
                               &stack_schema, 1, 100),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t stacks_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_stacks, stacks_fields)};

static const cyaml_schema_field_t fitted_fields[] = {
    TEXT(raw_fitted, chip, OPTIONAL_TEXT, 40),
    TEXT(raw_fitted, family, OPTIONAL_TEXT, 40),
    TEXT(raw_fitted, stack, OPTIONAL_TEXT, 40),
    TEXT(raw_fitted, without, OPTIONAL_TEXT, 60),
    CYAML_FIELD_UINT("rows", CYAML_FLAG_DEFAULT, raw_fitted, rows),
    TEXT(raw_fitted, spread, CYAML_FLAG_POINTER, 40),
    CYAML_FIELD_UINT("devices", CYAML_FLAG_OPTIONAL, raw_fitted, devices),
    TEXT(raw_fitted, precisions, OPTIONAL_TEXT, 80),
    CYAML_FIELD_BOOL("experts", CYAML_FLAG_OPTIONAL, raw_fitted, experts),
    CYAML_FIELD_BOOL("sharded", CYAML_FLAG_OPTIONAL, raw_fitted, sharded),
    TEXT(raw_fitted, pressed, OPTIONAL_TEXT, 40),
    TEXT(raw_fitted, shares, OPTIONAL_TEXT, 400),
    VALUE("matmul", FY_C_MATMUL),
    VALUE("memory", FY_C_MEMORY),
    VALUE("attention", FY_C_ATTENTION),
    VALUE("gap", FY_C_GAP),
    VALUE("launch", FY_C_LAUNCH),
    VALUE("link", FY_C_LINK),
    VALUE("network", FY_C_NETWORK),
    VALUE("latency", FY_C_LATENCY),
    VALUE("exposed", FY_C_EXPOSED),
    VALUE("step", FY_C_STEP),
    VALUE("micro", FY_C_MICRO),
    VALUE("jitter", FY_C_JITTER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t fitted_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, raw_fitted, fitted_fields)};
static const cyaml_schema_field_t constants_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("constants", CYAML_FLAG_POINTER, raw_constants, constants,
                               n_constants, &fitted_schema, 1, 2000),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t constants_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_constants, constants_fields)};

/* Index of `word` in `words`, or -1. */
static int find_word(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *const kernels[] = {"unfused", "fused-softmax", "flash1", "flash2", "flash3"};
static const char *const captures[] = {"eager", "compiled", "captured"};
static const char *const overlaps[] = {"tp", "dp", "pp", "ep"};

static int read_overlap(const fy_doc *doc, const char *where, const char *text, unsigned *out,
                        fy_err *err)
{
    char copy[48];
    char *save = NULL;
    *out = 0;
    snprintf(copy, sizeof copy, "%s", text != NULL ? text : "");
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        int at = find_word(word, overlaps, 4);
        if (at < 0) {
            return fy_doc_fail(doc, where, err, FY_EPARSE,
                               "overlap: \"%s\" is none of tp, dp, pp, ep", word);
        }
        *out |= 1U << at;
    }
    return 0;
}

/* What is more than this of a weight or a logit is a slip. */
static bool bytes_are_absurd(const raw_stack *raw)
{
    const unsigned most = 1000;
    return raw->fp8_weight_bytes > most || raw->gradient_bytes > most ||
           raw->optimizer_bytes > most || raw->loss_bytes > most ||
           raw->loss_bytes_selective > most;
}

static int read_stack(fy_stacks *stacks, const fy_doc *doc, const raw_stack *raw, unsigned at,
                      fy_err *err)
{
    char where[32];
    snprintf(where, sizeof where, "stacks[%u]", at);
    int kernel = find_word(raw->attention, kernels, 5);
    int capture = find_word(raw->capture, captures, 3);
    int recompute = fy_recompute_find(raw->recompute);
    if (kernel < 0 || capture < 0 || recompute < 0 || raw->zero > 3) {
        return fy_doc_fail(
            doc, where, err, FY_EPARSE,
            "stack \"%s\": attention is one of unfused, fused-softmax, flash1, "
            "flash2, flash3; capture of eager, compiled, captured; recompute of none, "
            "selective, full; zero of 0 to 3",
            raw->id);
    }
    if (bytes_are_absurd(raw)) {
        return fy_doc_fail(doc, where, err, FY_EPARSE,
                           "stack \"%s\": at most 1000 bytes of a weight or a logit", raw->id);
    }
    if (fy_stacks_find(stacks, raw->id) != NULL) {
        return fy_doc_fail(doc, where, err, FY_EINVAL, "stack \"%s\" is there twice", raw->id);
    }
    fy_arena *arena = &stacks->arena;
    fy_stack *s = &stacks->stacks[stacks->n_stacks];
    *s = (fy_stack){
        .id = fy_arena_strdup(arena, raw->id),
        .name = fy_arena_strdup(arena, raw->name),
        .source = fy_arena_strdup(arena, raw->source),
        .attention = (fy_attention_kernel)kernel,
        .capture = (fy_capture)capture,
        .fused_elementwise = raw->fused_elementwise,
        .fused_norm = raw->fused_norm,
        .fused_loss = raw->fused_loss,
        .fused_optimizer = raw->fused_optimizer,
        .main_grads_fp32 = raw->main_grads_fp32,
        .seq_parallel = raw->seq_parallel,
        .grouped_experts = raw->grouped_experts,
        .p2p_scatter = raw->p2p_scatter,
        .shards_weights = raw->shards_weights,
        .dropout = raw->dropout,
        .dedup_dispatch = raw->dedup_dispatch,
        .fp8_dispatch = raw->fp8_dispatch,
        .unpadded_vocab = raw->unpadded_vocab,
        .keeps_products = raw->keeps_products,
        .keeps_outputs = raw->keeps_outputs,
        .recompute_stops_early = raw->recompute_stops_early,
        .merges_parts = raw->merges_parts,
        .fp8_inputs = raw->fp8_inputs,
        .fp8_weight_bytes = (int)raw->fp8_weight_bytes,
        .gradient_bytes = (int)raw->gradient_bytes,
        .optimizer_bytes = (int)raw->optimizer_bytes,
        .loss_bytes = (int)raw->loss_bytes,
        .loss_bytes_selective =
            (int)(raw->loss_bytes_selective > 0 ? raw->loss_bytes_selective : raw->loss_bytes),
        .buffer_bytes = raw->buffer_mb * 1e6,
        .zero = (int)raw->zero,
        .recompute = (fy_recompute)recompute,
    };
    stacks->near[stacks->n_stacks] = raw->near != NULL ? fy_arena_strdup(arena, raw->near) : NULL;
    stacks->n_stacks++;
    return read_overlap(doc, where, raw->overlap, &s->overlap, err);
}

static int read_stacks(fy_stacks *stacks, const fy_doc *doc, fy_err *err)
{
    const raw_stacks *file = fy_doc_data(doc);
    stacks->stacks = fy_arena_alloc(&stacks->arena, file->n_stacks * sizeof *stacks->stacks);
    stacks->near = fy_arena_alloc(&stacks->arena, file->n_stacks * sizeof *stacks->near);
    for (unsigned i = 0; i < file->n_stacks; i++) {
        int rc = read_stack(stacks, doc, &file->stacks[i], i, err);
        if (rc != 0) {
            return rc;
        }
    }
    for (int i = 0; i < stacks->n_stacks; i++) {
        if (stacks->near[i] != NULL && fy_stacks_find(stacks, stacks->near[i]) == NULL) {
            return fy_doc_fail(doc, "stacks", err, FY_ENOENT, "stack \"%s\": no stack \"%s\"",
                               stacks->stacks[i].id, stacks->near[i]);
        }
    }
    return 0;
}

/* Shares of a rate divide; times and other shares may be 0. */
static bool divides(int constant)
{
    return constant == FY_C_MATMUL || constant == FY_C_MEMORY || constant == FY_C_ATTENTION ||
           constant == FY_C_LINK || constant == FY_C_NETWORK;
}

static int read_number(const fy_doc *doc, const char *where, const char *key, const char *text,
                       double low, double *out, fy_err *err)
{
    if (fy_num_double(text, strlen(text), out) != FY_NUM_OK || *out < low || *out > 1e3) {
        return fy_doc_fail(doc, where, err, FY_EPARSE,
                           "%s: \"%.40s\" is not a number from %g to 1000", key, text, low);
    }
    return 0;
}

/* `matmul 0.61 attention 0.2`: terms that are left out took no time in any run. */
static int read_shares(const fy_doc *doc, const char *where, const char *text, double *share,
                       fy_err *err)
{
    char copy[404];
    char *save = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        const char *number = strtok_r(NULL, " ", &save);
        int at = 0;
        while (at < FY_N_TERMS && strcmp(word, fy_term_name((fy_term)at)) != 0) {
            at++;
        }
        if (at == FY_N_TERMS || number == NULL) {
            return fy_doc_fail(doc, where, err, FY_EPARSE,
                               "shares: \"%.40s\": give a term and its share, again and again",
                               word);
        }
        int rc = read_number(doc, where, "shares", number, 0, &share[at], err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int read_precisions(const fy_doc *doc, const char *where, const char *text, unsigned *out,
                           fy_err *err)
{
    char copy[84];
    char *save = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        int at = fy_precision_find(word);
        if (at < 0) {
            return fy_doc_fail(doc, where, err, FY_EPARSE, "precisions: \"%.40s\" is none", word);
        }
        *out |= 1U << at;
    }
    return 0;
}

/* How far the fitted runs reach; a file that does not say has no reach. */
static int read_reach(const fy_doc *doc, const char *where, const raw_fitted *raw, fy_reach *out,
                      fy_err *err)
{
    if (raw->devices == 0) {
        if (raw->shares != NULL || raw->precisions != NULL || raw->pressed != NULL) {
            return fy_doc_fail(doc, where, err, FY_EPARSE,
                               "devices: shares, pressed and precisions need the largest run's");
        }
        return 0;
    }
    if (raw->devices > INT_MAX) {
        return fy_doc_fail(doc, where, err, FY_EPARSE, "devices: at most %d", INT_MAX);
    }
    *out =
        (fy_reach){.devices = (int)raw->devices, .experts = raw->experts, .sharded = raw->sharded};
    int rc = raw->shares != NULL ? read_shares(doc, where, raw->shares, out->share, err) : 0;
    if (rc == 0 && raw->pressed != NULL) {
        rc = read_number(doc, where, "pressed", raw->pressed, 0, &out->pressed, err);
    }
    if (rc == 0 && raw->precisions != NULL) {
        rc = read_precisions(doc, where, raw->precisions, &out->precisions, err);
    }
    return rc;
}

static int read_fitted(fy_stacks *stacks, const fy_doc *doc, const raw_fitted *raw, unsigned at,
                       fy_err *err)
{
    char where[40];
    snprintf(where, sizeof where, "constants[%u]", at);
    fy_constants c = {.grade = FY_GRADE_FITTED, .rows = (int)raw->rows};
    int rc = read_number(doc, where, "spread", raw->spread, 0, &c.spread, err);
    for (int i = 0; i < FY_N_CONSTANTS && rc == 0; i++) {
        rc = read_number(doc, where, fy_constant_name((fy_constant)i), raw->value[i],
                         divides(i) ? 1e-3 : 0, &c.value[i], err);
    }
    rc = rc == 0 ? read_reach(doc, where, raw, &c.reach, err) : rc;
    if (rc != 0) {
        return rc;
    }
    if (raw->rows > INT_MAX) {
        return fy_doc_fail(doc, where, err, FY_EPARSE, "rows: at most %d", INT_MAX);
    }
    if (raw->family == NULL && (raw->chip != NULL || raw->stack != NULL || raw->without != NULL)) {
        return fy_doc_fail(doc, where, err, FY_EPARSE,
                           "family is missing; only the prior has none, nor a stack");
    }
    if (raw->family == NULL) { /* the prior */
        c.grade = FY_GRADE_ASSUMED;
        stacks->prior = c;
        return 0;
    }
    if (raw->stack == NULL || fy_stacks_find(stacks, raw->stack) == NULL) {
        return fy_doc_fail(doc, where, err, FY_ENOENT, "no stack \"%s\"",
                           raw->stack != NULL ? raw->stack : "");
    }
    stacks->fitted[stacks->n_fitted++] = (fy_fitted){
        .chip = raw->chip != NULL ? fy_arena_strdup(&stacks->arena, raw->chip) : NULL,
        .family = fy_arena_strdup(&stacks->arena, raw->family),
        .stack = fy_arena_strdup(&stacks->arena, raw->stack),
        .without = raw->without != NULL ? fy_arena_strdup(&stacks->arena, raw->without) : "",
        .constants = c,
    };
    return 0;
}

static int read_constants(fy_stacks *stacks, const fy_doc *doc, fy_err *err)
{
    const raw_constants *file = fy_doc_data(doc);
    size_t room = (size_t)stacks->n_fitted + file->n_constants;
    fy_fitted *fitted = fy_arena_alloc(&stacks->arena, room * sizeof *fitted);
    if (stacks->n_fitted > 0) {
        memcpy(fitted, stacks->fitted, (size_t)stacks->n_fitted * sizeof *fitted);
    }
    stacks->fitted = fitted;
    for (unsigned i = 0; i < file->n_constants; i++) {
        int rc = read_fitted(stacks, doc, &file->constants[i], i, err);
        if (rc != 0) {
            return rc;
        }
    }
    if (!(stacks->prior.value[FY_C_MATMUL] > 0)) {
        return fy_doc_fail(doc, "constants", err, FY_EPARSE,
                           "one entry without a family is needed: the prior");
    }
    return 0;
}

int fy_stacks_add_constants(fy_stacks *stacks, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int old = stacks->n_fitted;
    int rc = fy_doc_load(&doc, path, &constants_schema, err);
    rc = rc == 0 ? read_constants(stacks, doc, err) : rc;
    for (int i = old; i < stacks->n_fitted; i++) {
        stacks->fitted[i].site = true;
    }
    fy_doc_free(doc);
    return rc;
}

/* Hand over what was read, or free it. */
static int finish(fy_stacks **out, fy_stacks *stacks, int rc)
{
    if (rc != 0) {
        fy_stacks_free(stacks);
        return rc;
    }
    *out = stacks;
    return 0;
}

int fy_stacks_load(fy_stacks **out, const char *data_dir, fy_err *err)
{
    static const struct {
        const char *file;
        const cyaml_schema_value_t *schema;
        int (*read)(fy_stacks *, const fy_doc *, fy_err *);
    } parts[] = {{"stacks", &stacks_schema, read_stacks},
                 {"prior", &constants_schema, read_constants},
                 {"constants", &constants_schema, read_constants}};
    fy_stacks *stacks = fy_calloc(1, sizeof *stacks);
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) {
        fy_doc *doc = NULL;
        char *path = fy_arena_printf(&stacks->arena, "%s/stacks/%s.yaml", data_dir, parts[i].file);
        rc = fy_doc_load(&doc, path, parts[i].schema, err);
        rc = rc == 0 ? parts[i].read(stacks, doc, err) : rc;
        fy_doc_free(doc);
    }
    return finish(out, stacks, rc);
}

int fy_stacks_parse(fy_stacks **out, const char *stacks_name, const char *text, size_t len,
                    const char *constants_name, const char *constants, size_t constants_len,
                    fy_err *err)
{
    fy_stacks *stacks = fy_calloc(1, sizeof *stacks);
    fy_doc *doc = NULL;
    int rc = fy_doc_parse(&doc, stacks_name, text, len, &stacks_schema, err);
    rc = rc == 0 ? read_stacks(stacks, doc, err) : rc;
    fy_doc_free(doc);
    if (rc == 0) {
        doc = NULL;
        rc = fy_doc_parse(&doc, constants_name, constants, constants_len, &constants_schema, err);
        rc = rc == 0 ? read_constants(stacks, doc, err) : rc;
        fy_doc_free(doc);
    }
    return finish(out, stacks, rc);
}

void fy_stacks_free(fy_stacks *stacks)
{
    if (stacks != NULL) {
        fy_arena_free(&stacks->arena);
        free(stacks);
    }
}
