/* SPDX-License-Identifier: MIT */
#include "daemon/request.h"

#include <stdbool.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode one piece in place; `query` turns "+" into a blank and lets "/" through. */
static int decode(char *text, bool query, fy_err *err)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        char c = *from;
        if (c == '%') {
            int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
            if (low < 0) {
                return fy_fail(err, FY_EPARSE, "the address has a bad escape: %%XX is right");
            }
            c = (char)(high << 4 | low);
            from += 2;
            if (c == '/' && !query) {
                return fy_fail(err, FY_EPARSE, "a part of the path may not hold an escaped /");
            }
        } else if (c == '+' && query) {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            return fy_fail(err, FY_EPARSE, "the address holds a control character");
        }
        *to++ = c;
    }
    *to = '\0';
    return 0;
}

/* Cut the text at the next `separator`; returns what follows it, NULL after the last piece. */
static char *cut(char *text, char separator)
{
    char *end = strchr(text, separator);

    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return end + 1;
}

static int read_path(fy_uri *out, char *text, fy_err *err)
{
    if (*text != '/') {
        return fy_fail(err, FY_EPARSE, "the address must begin with /");
    }
    for (char *piece = text + 1, *next; piece != NULL; piece = next) {
        next = cut(piece, '/');
        if (*piece == '\0') {
            if (next == NULL) {
                break; /* "/" alone, or a last "/" */
            }
            return fy_fail(err, FY_EPARSE, "the path has an empty part");
        }
        if (out->n_segments == FY_URI_SEGMENTS) {
            return fy_fail(err, FY_EPARSE, "the path has more than %d parts", FY_URI_SEGMENTS);
        }
        int code = decode(piece, false, err);
        if (code != 0) {
            return code;
        }
        out->segments[out->n_segments++] = piece;
    }
    return 0;
}

static int read_query(fy_uri *out, char *text, fy_err *err)
{
    for (char *piece = text, *next; piece != NULL; piece = next) {
        next = cut(piece, '&');
        if (*piece == '\0') {
            continue;
        }
        if (out->n_args == FY_URI_ARGS) {
            return fy_fail(err, FY_EPARSE, "more than %d parameters", FY_URI_ARGS);
        }
        char *value = cut(piece, '=');
        if (value == NULL) {
            value = piece + strlen(piece);
        }
        int code = decode(piece, true, err);
        if (code == 0) {
            code = decode(value, true, err);
        }
        if (code != 0) {
            return code;
        }
        if (fy_uri_get(out, piece) != NULL) {
            return fy_fail(err, FY_EPARSE, "parameter %.60s is given twice", piece);
        }
        out->args[out->n_args++] = (fy_uri_arg){.key = piece, .value = value};
    }
    return 0;
}

int fy_uri_parse(fy_uri *out, char *text, fy_err *err)
{
    char *query;
    int code;

    out->n_segments = out->n_args = 0;
    if (strchr(text, '#') != NULL) {
        return fy_fail(err, FY_EPARSE, "the address holds a #, which clients keep to themselves");
    }
    query = cut(text, '?');
    code = read_path(out, text, err);
    if (code != 0 || query == NULL) {
        return code;
    }
    return read_query(out, query, err);
}

const char *fy_uri_get(const fy_uri *uri, const char *key)
{
    for (int i = 0; i < uri->n_args; i++) {
        if (strcmp(uri->args[i].key, key) == 0) {
            return uri->args[i].value;
        }
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(const char *text, size_t at, size_t len)
{
    while (at < len && is_blank(text[at])) {
        at++;
    }
    return at;
}

char fy_json_first(const char *text, size_t len)
{
    size_t at = skip_blanks(text, 0, len);

    return at < len ? text[at] : '\0';
}

/* After the string that opens at `at`; `len` where it never ends. */
static size_t skip_string(const char *text, size_t at, size_t len)
{
    for (at++; at < len && text[at] != '"'; at++) {
        if (text[at] == '\\') {
            at++;
        }
    }
    return at < len ? at + 1 : len;
}

/* The comma or bracket that ends the element which begins at `at`; `len` where there is none. */
static size_t skip_element(const char *text, size_t at, size_t len)
{
    long depth = 0;

    while (at < len) {
        char c = text[at];
        if (c == '"') {
            at = skip_string(text, at, len);
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']')) {
            return at;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        if (depth < 0) {
            return len;
        }
        at++;
    }
    return len;
}

int fy_json_split(const char *text, size_t len, int most, fy_json_part_fn each, void *ctx,
                  fy_err *err)
{
    size_t at = skip_blanks(text, 0, len);
    int n = 0;

    if (at == len || text[at] != '[') {
        return fy_fail(err, FY_EPARSE, "this is not a JSON array");
    }
    at = skip_blanks(text, at + 1, len);
    bool more = at < len && text[at] != ']';
    while (more) {
        size_t end = skip_element(text, at, len), last = end;
        while (last > at && is_blank(text[last - 1])) {
            last--;
        }
        if (end == len) {
            return fy_fail(err, FY_EPARSE, "element %d of the array does not end", n);
        }
        if (last == at) {
            return fy_fail(err, FY_EPARSE, "element %d of the array is empty", n);
        }
        if (n == most) {
            return fy_fail(err, FY_ERANGE, "more than %d elements in one request", most);
        }
        int code = each(ctx, n, text + at, last - at, err);
        if (code != 0) {
            return code;
        }
        n++;
        more = text[end] == ',';
        at = more ? skip_blanks(text, end + 1, len) : end;
    }
    if (at == len || skip_blanks(text, at + 1, len) != len) {
        return fy_fail(err, FY_EPARSE,
                       at == len ? "the array does not end" : "there is text after the array");
    }
    return n;
}
