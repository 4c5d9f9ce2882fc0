/* SPDX-License-Identifier: MIT */
#include "base/doc.h"

#include "base/arena.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* One value in the document: where it stands. The tree is only used to find lines for errors. */
typedef struct node {
    int parent; /* index, -1 for the root */
    int index;  /* position in the parent's sequence, -1 in a mapping */
    int line;   /* from 1 */
    const char *key;
} node;

struct fy_doc {
    char *name;
    const cyaml_schema_value_t *schema;
    void *data;
    node *nodes;
    size_t n_nodes, room;
    fy_arena keys;
};

/* A text of the file may hold line breaks: an error is one line all the same. Returns `code`. */
static int one_line(fy_err *err, int code)
{
    for (char *p = err != NULL ? err->text : NULL; p != NULL && *p != '\0'; p++) {
        if (iscntrl((unsigned char)*p)) {
            *p = ' ';
        }
    }
    return code;
}

/* ------------------------------------------------------------------ first pass: limits, lines */

typedef struct level {
    int node;    /* the open collection */
    int count;   /* values seen in it */
    bool is_map; /* else a sequence */
    char *key;   /* mapping: the key whose value comes next, NULL when a key comes next */
} level;

typedef struct scan {
    fy_doc *doc;
    level levels[FY_DOC_MAX_DEPTH + 1];
    int depth;
    int documents;
} scan;

static int add_node(scan *s, int line)
{
    fy_doc *doc = s->doc;
    level *top = s->depth > 0 ? &s->levels[s->depth - 1] : NULL;
    doc->nodes = fy_grow(doc->nodes, &doc->room, doc->n_nodes + 1, sizeof *doc->nodes);
    node *n = &doc->nodes[doc->n_nodes];
    *n = (node){.parent = top != NULL ? top->node : -1, .index = -1, .line = line};
    if (top != NULL && top->is_map) {
        n->key = top->key;
        top->key = NULL;
    } else if (top != NULL) {
        n->index = top->count;
    }
    if (top != NULL) {
        top->count++;
    }
    return (int)doc->n_nodes++;
}

static int scan_fail(const scan *s, int line, fy_err *err, const char *what)
{
    return fy_fail(err, FY_EPARSE, "%s:%d: %s", s->doc->name, line, what);
}

static int scan_scalar(scan *s, const yaml_event_t *e, int line, fy_err *err)
{
    level *top = s->depth > 0 ? &s->levels[s->depth - 1] : NULL;
    const char *text = (const char *)e->data.scalar.value;
    if (memchr(text, '\0', e->data.scalar.length) != NULL) {
        return scan_fail(s, line, err, "a NUL character in a text; remove it");
    }
    if (e->data.scalar.anchor != NULL || e->data.scalar.tag != NULL) {
        return scan_fail(s, line, err, "anchors and tags are not allowed; write the value itself");
    }
    if (top != NULL && top->is_map && top->key == NULL) {
        top->key = fy_arena_strdup(&s->doc->keys, text);
        return 0;
    }
    add_node(s, line);
    return 0;
}

static int scan_open(scan *s, bool is_map, bool marked, int line, fy_err *err)
{
    if (marked) {
        return scan_fail(s, line, err, "anchors and tags are not allowed; write the value itself");
    }
    const level *top = s->depth > 0 ? &s->levels[s->depth - 1] : NULL;
    if (top != NULL && top->is_map && top->key == NULL) {
        return scan_fail(s, line, err, "a key must be a plain text");
    }
    if (s->depth >= FY_DOC_MAX_DEPTH) {
        return scan_fail(s, line, err, "nested too deeply");
    }
    int n = add_node(s, line);
    s->levels[s->depth++] = (level){.node = n, .is_map = is_map};
    return 0;
}

static int scan_event(scan *s, const yaml_event_t *e, fy_err *err)
{
    int line = (int)e->start_mark.line + 1;
    if (s->doc->n_nodes >= FY_DOC_MAX_NODES) {
        return scan_fail(s, line, err, "too many values for one file");
    }
    switch ((int)e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (s->documents++ > 0) {
            return scan_fail(s, line, err, "a second document; put one document in a file");
        }
        return 0;
    case YAML_ALIAS_EVENT:
        return scan_fail(s, line, err, "aliases are not allowed; write the value itself");
    case YAML_SCALAR_EVENT:
        return scan_scalar(s, e, line, err);
    case YAML_SEQUENCE_START_EVENT:
        return scan_open(
            s, false, e->data.sequence_start.anchor != NULL || e->data.sequence_start.tag != NULL,
            line, err);
    case YAML_MAPPING_START_EVENT:
        return scan_open(s, true,
                         e->data.mapping_start.anchor != NULL || e->data.mapping_start.tag != NULL,
                         line, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        s->depth--;
        return 0;
    default:
        return 0;
    }
}

static int scan_text(fy_doc *doc, const char *text, size_t len, fy_err *err)
{
    yaml_parser_t parser;
    scan s = {.doc = doc};
    int rc = 0;
    if (yaml_parser_initialize(&parser) == 0) {
        abort(); /* out of memory */
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    for (bool more = true; more && rc == 0;) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            /* a quote that is never closed: where it was opened says more than the end */
            bool at_end = parser.context != NULL && parser.problem != NULL &&
                          strstr(parser.problem, "end of stream") != NULL;
            size_t line = 1 + (at_end ? parser.context_mark.line : parser.problem_mark.line);
            const char *what = parser.problem != NULL ? parser.problem : "malformed";
            rc = parser.error == YAML_READER_ERROR
                     ? fy_fail(err, FY_EPARSE, "%s: not a text file (%s)", doc->name, what)
                     : fy_fail(err, FY_EPARSE, "%s:%zu: not valid YAML: %s", doc->name, line, what);
            break;
        }
        rc = scan_event(&s, &event, err);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (rc == 0 && doc->n_nodes == 0) {
        rc = fy_fail(err, FY_EPARSE, "%s: the file is empty", doc->name);
    }
    return rc;
}

/* --------------------------------------------------------------- second pass: libcyaml's schema */

/* What libcyaml says about the first error: the first line, and the place of the innermost value.
 */
typedef struct complaint {
    char text[160];
    int line;
} complaint;

static void collect(cyaml_log_t severity, void *ctx, const char *fmt, va_list args) FY_PRINTF(3, 0);

static void collect(cyaml_log_t severity, void *ctx, const char *fmt, va_list args)
{
    complaint *c = ctx;
    char text[200];
    (void)severity;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    const char *at = strstr(text, "(line: ");
    if (c->text[0] == '\0') {
        const char *what = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
        snprintf(c->text, sizeof c->text, "%.150s", what);
    } else if (at != NULL && c->line == 0) {
        c->line = (int)strtol(at + 7, NULL, 10);
    }
}

static void *resize(void *ctx, void *old, size_t size)
{
    (void)ctx;
    if (size == 0) {
        free(old);
        return NULL;
    }
    return fy_realloc(old, size, 1);
}

static cyaml_config_t config(complaint *c)
{
    return (cyaml_config_t){
        .log_fn = collect,
        .log_ctx = c,
        .mem_fn = resize,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

/* The line at or after `from` on which `key` stands as a key; `from` if there is none. */
static int line_of_key(const fy_doc *doc, int from, const char *key)
{
    for (size_t i = 0; i < doc->n_nodes; i++) {
        const node *n = &doc->nodes[i];
        if (n->line >= from && n->key != NULL && strcmp(n->key, key) == 0) {
            return n->line;
        }
    }
    return from;
}

/* The line on which a mapping has `key` for the second time; `from` if there is none. */
static int line_of_duplicate(const fy_doc *doc, int from, const char *key)
{
    for (size_t i = 0; i < doc->n_nodes; i++) {
        const node *n = &doc->nodes[i];
        if (n->line < from || n->key == NULL || strcmp(n->key, key) != 0) {
            continue;
        }
        for (size_t k = i - 1; k > (size_t)n->parent; k--) { /* a parent stands before its values */
            const node *earlier = &doc->nodes[k];
            if (earlier->parent == n->parent && earlier->key != NULL &&
                strcmp(earlier->key, key) == 0) {
                return n->line;
            }
        }
    }
    return from;
}

/* libcyaml's words in ours: what is wrong and what would be right. */
static int schema_fail(const fy_doc *doc, const complaint *c, cyaml_err_t code, fy_err *err)
{
    int line = c->line > 0 ? c->line : 1;
    const char *colon = strchr(c->text, ':');
    const char *name = colon != NULL && colon[1] == ' ' ? colon + 2 : "";
    if (code == CYAML_ERR_INVALID_KEY) {
        return fy_fail(err, FY_EPARSE, "%s:%d: unknown key \"%s\"", doc->name,
                       line_of_key(doc, line, name), name);
    }
    if (strncmp(c->text, "Mapping field already seen", 26) == 0) {
        return fy_fail(err, FY_EPARSE, "%s:%d: duplicate key \"%s\"; give it once", doc->name,
                       line_of_duplicate(doc, line, name), name);
    }
    if (code == CYAML_ERR_MAPPING_FIELD_MISSING) {
        return fy_fail(err, FY_EPARSE, "%s:%d: the key \"%s\" is missing", doc->name, line, name);
    }
    if (code == CYAML_ERR_STRING_LENGTH_MIN) {
        return fy_fail(err, FY_EPARSE, "%s:%d: empty value; leave out what is unknown", doc->name,
                       line);
    }
    if (code == CYAML_ERR_SEQUENCE_ENTRIES_MIN || code == CYAML_ERR_SEQUENCE_ENTRIES_MAX) {
        bool few = code == CYAML_ERR_SEQUENCE_ENTRIES_MIN;
        return fy_fail(err, FY_EPARSE, "%s:%d: %s", doc->name, line,
                       few ? "this list must not be empty" : "too many entries in this list");
    }
    if (code == CYAML_ERR_STRING_LENGTH_MAX) {
        return fy_fail(err, FY_EPARSE, "%s:%d: text too long", doc->name, line);
    }
    if (strstr(c->text, "Expecting MAPPING") != NULL) {
        return fy_fail(err, FY_EPARSE, "%s:%d: expected `key: value` lines here", doc->name, line);
    }
    if (strstr(c->text, "Expecting SEQUENCE") != NULL) {
        return fy_fail(err, FY_EPARSE, "%s:%d: expected a list here", doc->name, line);
    }
    if (strstr(c->text, "Expecting STRING") != NULL) {
        return fy_fail(err, FY_EPARSE, "%s:%d: expected one value here, not a list or a group",
                       doc->name, line);
    }
    return fy_fail(err, FY_EPARSE, "%s:%d: %s", doc->name, line,
                   c->text[0] != '\0' ? c->text : cyaml_strerror(code));
}

int fy_doc_parse(fy_doc **out, const char *name, const char *text, size_t len,
                 const cyaml_schema_value_t *schema, fy_err *err)
{
    fy_doc *doc = fy_calloc(1, sizeof *doc);
    doc->schema = schema;
    doc->name = fy_arena_strdup(&doc->keys, name);
    int rc = len > FY_DOC_MAX_BYTES
                 ? fy_fail(err, FY_EPARSE, "%s: larger than %d bytes", name, FY_DOC_MAX_BYTES)
                 : scan_text(doc, text, len, err);
    if (rc == 0) {
        complaint c = {.line = 0};
        cyaml_config_t cfg = config(&c);
        cyaml_err_t code =
            cyaml_load_data((const uint8_t *)text, len, &cfg, schema, &doc->data, NULL);
        if (code != CYAML_OK) {
            doc->data = NULL;
            rc = schema_fail(doc, &c, code, err);
        } else if (doc->data == NULL) {
            rc = fy_fail(err, FY_EPARSE, "%s: the file is empty", name);
        }
    }
    if (rc != 0) {
        fy_doc_free(doc);
        return one_line(err, rc);
    }
    *out = doc;
    return 0;
}

int fy_read_file(char **text, size_t *len, const char *path, size_t max_bytes, fy_err *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fy_fail(err, errno == ENOENT || errno == ENOTDIR ? FY_ENOENT : FY_EIO, "%s: %s",
                       path, strerror(errno));
    }
    char *bytes = NULL;
    size_t room = 0, n = 0, got;
    int rc = 0;
    do {
        bytes = fy_grow(bytes, &room, n + 65536, 1);
        errno = 0;
        got = fread(bytes + n, 1, room - n - 1, file);
        n += got;
    } while (got > 0 && n <= max_bytes);
    if (ferror(file) != 0) {
        rc = fy_fail(err, FY_EIO, "%s: %s", path, strerror(errno));
    } else if (n > max_bytes) {
        rc = fy_fail(err, FY_EPARSE, "%s: larger than %zu bytes", path, max_bytes);
    }
    fclose(file);
    if (rc != 0) {
        free(bytes);
        return rc;
    }
    bytes[n] = '\0';
    *text = bytes;
    *len = n;
    return 0;
}

int fy_doc_load(fy_doc **out, const char *path, const cyaml_schema_value_t *schema, fy_err *err)
{
    char *text = NULL;
    size_t len = 0;
    int rc = fy_read_file(&text, &len, path, FY_DOC_MAX_BYTES, err);
    if (rc == 0) {
        rc = fy_doc_parse(out, path, text, len, schema, err);
        free(text);
    }
    return rc;
}

const void *fy_doc_data(const fy_doc *doc)
{
    return doc->data;
}

void fy_doc_free(fy_doc *doc)
{
    if (doc == NULL) {
        return;
    }
    if (doc->data != NULL) {
        complaint c = {.line = 0};
        cyaml_config_t cfg = config(&c);
        cyaml_free(&cfg, doc->schema, doc->data, 0);
    }
    free(doc->nodes);
    fy_arena_free(&doc->keys);
    free(doc);
}

/* -------------------------------------------------------------------------------------- places */

/* The child of `parent` with that key (len bytes), or index where key is NULL; -1 if none. */
static int child(const fy_doc *doc, int parent, const char *key, size_t len, int index)
{
    for (size_t i = 0; i < doc->n_nodes; i++) {
        const node *n = &doc->nodes[i];
        if (n->parent != parent) {
            continue;
        }
        if (key == NULL
                ? n->index == index
                : n->key != NULL && strlen(n->key) == len && memcmp(n->key, key, len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int fy_doc_line(const fy_doc *doc, const char *path)
{
    int at = doc->n_nodes > 0 ? 0 : -1;
    int line = at == 0 ? doc->nodes[0].line : 1;
    for (const char *p = path; at >= 0 && *p != '\0';) {
        if (*p == '[') {
            char *end = NULL;
            long index = strtol(p + 1, &end, 10);
            at = child(doc, at, NULL, 0, (int)index);
            p = *end == ']' ? end + 1 : end;
        } else {
            p += *p == '.' ? 1 : 0;
            size_t len = strcspn(p, ".[");
            at = child(doc, at, p, len, -1);
            p += len;
        }
        line = at >= 0 ? doc->nodes[at].line : line;
    }
    return line;
}

int fy_doc_fail(const fy_doc *doc, const char *path, fy_err *err, int code, const char *fmt, ...)
{
    char text[FY_ERR_TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return one_line(err, fy_fail(err, code, "%s:%d: %s", doc->name, fy_doc_line(doc, path), text));
}

int fy_doc_prefix(const fy_doc *doc, const char *path, const char *key, fy_err *err, int code)
{
    fy_fail_prefix(err, code, "%s:%d: %s", doc->name, fy_doc_line(doc, path), key);
    return one_line(err, code);
}
