/* SPDX-License-Identifier: MIT */
/* Predicates from text, by recursive descent; the grammar stands in predicate.h. */
#include "base/units.h"
#include "supply/predicate_internal.h"

#include <stdio.h>
#include <string.h>

typedef struct parser {
    const char *at;
    const fy_term_named *terms;
    int n_terms, open; /* brackets and "not"s around here */
    fy_arena *arena;
    fy_err *err;
    int rc;
} parser;

static const char *const quantity_names[FY_N_QUANTITIES] = {"tpp", "density", "io", "memory",
                                                            "data_centre"};

static int quantity_of(const char *word)
{
    for (int i = 0; i < FY_N_QUANTITIES; i++) {
        if (strcmp(word, quantity_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

bool fy_predicate_reserves(const char *name)
{
    return strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "not") == 0 ||
           quantity_of(name) >= 0;
}

static const fy_predicate *wrong(parser *p, const char *want)
{
    if (p->rc == 0) {
        p->rc = *p->at == '\0'
                    ? fy_fail(p->err, FY_EPARSE, "ends where %s should stand", want)
                    : fy_fail(p->err, FY_EPARSE, "\"%.24s\": %s should stand here", p->at, want);
    }
    return NULL;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip_blanks(parser *p)
{
    while (*p->at == ' ') {
        p->at++;
    }
}

enum { WORD = 32 };

/* The word that stands next, "" if none does; it is not taken. */
static size_t peek_word(parser *p, char out[WORD])
{
    size_t n = 0;
    skip_blanks(p);
    while (is_word_byte(p->at[n])) {
        n++;
    }
    snprintf(out, WORD, "%.*s", (int)(n < WORD ? n : WORD - 1), p->at);
    return n;
}

static bool take_word(parser *p, const char *word)
{
    char next[WORD];
    size_t n = peek_word(p, next);
    if (n == 0 || strcmp(next, word) != 0) {
        return false;
    }
    p->at += n;
    return true;
}

static bool take_char(parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c) {
        return false;
    }
    p->at++;
    return true;
}

static const fy_predicate *node(parser *p, fy_predicate made)
{
    made.size = 1 + (made.a != NULL ? made.a->size : 0) + (made.b != NULL ? made.b->size : 0);
    int left = made.a != NULL ? made.a->depth : 0, right = made.b != NULL ? made.b->depth : 0;
    made.depth = 1 + (left > right ? left : right);
    if (made.size > FY_PREDICATE_MAX_SIZE || made.depth > FY_PREDICATE_MAX_DEPTH) {
        if (p->rc == 0) {
            p->rc = fy_fail(p->err, FY_ERANGE, "more than %d comparisons, or nested deeper than %d",
                            FY_PREDICATE_MAX_SIZE, FY_PREDICATE_MAX_DEPTH);
        }
        return NULL;
    }
    fy_predicate *kept = fy_arena_alloc(p->arena, sizeof *kept);
    *kept = made;
    return kept;
}

static bool take_compare(parser *p, fy_compare *out)
{
    if (take_char(p, '<')) {
        *out = *p->at == '=' ? FY_AT_MOST : FY_LESS;
    } else if (take_char(p, '>')) {
        *out = *p->at == '=' ? FY_AT_LEAST : FY_MORE;
    } else {
        return false;
    }
    p->at += *p->at == '=' ? 1 : 0;
    return true;
}

/* A limit reaches to the bracket, "and" or "or" behind it. */
static bool take_limit(parser *p, fy_dim dim, double *limit)
{
    char text[64], word[WORD];
    skip_blanks(p);
    size_t n = strspn(p->at, "0123456789.eE+-");
    const char *from = p->at;
    p->at += n;
    size_t unit = strcspn(p->at, " )"); /* `85%`: without a blank */
    if (unit == 0 && peek_word(p, word) > 0 && strcmp(word, "and") != 0 &&
        strcmp(word, "or") != 0) {
        unit = strcspn(p->at, " )");
    }
    p->at += unit;
    size_t len = (size_t)(p->at - from);
    while (len > 0 && from[len - 1] == ' ') {
        len--;
    }
    snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), from);
    p->rc = fy_units_parse(text, dim, FY_NOT_NEGATIVE, limit, p->err);
    return p->rc == 0;
}

static const fy_predicate *parse_compare(parser *p, int quantity)
{
    fy_predicate made = {.kind = P_COMPARE, .what = 1U << quantity};
    if (made.what == FY_RULE_DATA_CENTRE) {
        made.compare = FY_AT_LEAST;
        made.limit = 1;
        return node(p, made);
    }
    while (take_char(p, '+')) {
        char word[WORD];
        size_t n = peek_word(p, word);
        int more = n > 0 ? quantity_of(word) : -1;
        unsigned both = made.what | (more >= 0 ? 1U << more : 0);
        if (more < 0 || both == made.what || (both & ~(FY_RULE_IO | FY_RULE_MEMORY)) != 0) {
            return wrong(p, "io or memory, once each (only they can be added)");
        }
        made.what = both;
        p->at += n;
    }
    if (!take_compare(p, &made.compare)) {
        return wrong(p, "one of < <= >= >");
    }
    bool rate = (made.what & (FY_RULE_IO | FY_RULE_MEMORY)) != 0;
    if (!take_limit(p, rate ? FY_DIM_BYTES_PER_S : FY_DIM_RATIO, &made.limit)) {
        return NULL;
    }
    return node(p, made);
}

static const fy_predicate *parse_either(parser *p);

static const fy_predicate *parse_one(parser *p)
{
    char word[WORD];
    const fy_predicate *inner = NULL;
    if (p->open >= FY_PREDICATE_MAX_DEPTH) {
        return wrong(p, "nothing nested this deep");
    }
    if (take_char(p, '(')) {
        p->open++;
        inner = parse_either(p);
        p->open--;
        return inner != NULL && !take_char(p, ')') ? wrong(p, "and, or, or )") : inner;
    }
    if (take_word(p, "not")) {
        p->open++;
        inner = parse_one(p);
        p->open--;
        return inner != NULL ? node(p, (fy_predicate){.kind = P_NOT, .a = inner}) : NULL;
    }
    size_t n = peek_word(p, word);
    int quantity = n > 0 ? quantity_of(word) : -1;
    if (quantity >= 0) {
        p->at += n;
        return parse_compare(p, quantity);
    }
    for (int i = 0; i < p->n_terms && n > 0; i++) {
        if (strcmp(p->terms[i].name, word) == 0) {
            p->at += n;
            return p->terms[i].is;
        }
    }
    return wrong(p, "tpp, density, io, memory, data_centre or a term named before");
}

static const fy_predicate *parse_both(parser *p)
{
    const fy_predicate *left = parse_one(p);
    while (left != NULL && take_word(p, "and")) {
        const fy_predicate *right = parse_one(p);
        left = right == NULL ? NULL : node(p, (fy_predicate){.kind = P_AND, .a = left, .b = right});
    }
    return left;
}

static const fy_predicate *parse_either(parser *p)
{
    const fy_predicate *left = parse_both(p);
    while (left != NULL && take_word(p, "or")) {
        const fy_predicate *right = parse_both(p);
        left = right == NULL ? NULL : node(p, (fy_predicate){.kind = P_OR, .a = left, .b = right});
    }
    return left;
}

int fy_predicate_parse(const fy_predicate **out, const char *text, const fy_term_named *terms,
                       int n_terms, fy_arena *arena, fy_err *err)
{
    parser p = {.at = text, .terms = terms, .n_terms = n_terms, .arena = arena, .err = err};
    const fy_predicate *made = parse_either(&p);
    skip_blanks(&p);
    if (made != NULL && *p.at != '\0') {
        (void)wrong(&p, "and, or, or the end");
    }
    if (p.rc == 0) {
        *out = made;
    }
    return p.rc;
}
