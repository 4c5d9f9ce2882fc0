/* SPDX-License-Identifier: MIT */
/*
 * YAML documents: a thin layer on libcyaml that turns the first problem into one line of fy_err
 * with file and line. Schemas are libcyaml's; a document is loaded into the structs its schema
 * describes and freed as a whole. Anchors, aliases, tags, several documents in one file, unknown
 * and duplicate keys, control characters and files over FY_DOC_MAX_BYTES are refused. Prints
 * nothing; the only I/O is reading the named file.
 */
#ifndef FUYAO_BASE_DOC_H
#define FUYAO_BASE_DOC_H

#include "fuyao/error.h"

#include <cyaml/cyaml.h>

#include <stddef.h>

enum { FY_DOC_MAX_BYTES = 4 << 20, FY_DOC_MAX_DEPTH = 12, FY_DOC_MAX_NODES = 400000 };

typedef struct fy_doc fy_doc;

/*
 * Read the file at `path` and load it by `schema` (a CYAML_MAPPING with CYAML_FLAG_POINTER).
 *   out     owned by caller, freed with fy_doc_free
 *   schema  borrowed; must outlive the document
 * Errors: FY_ENOENT, FY_EIO (cannot be read), FY_EPARSE ("file:line: what is wrong").
 */
int fy_doc_load(fy_doc **out, const char *path, const cyaml_schema_value_t *schema,
                fy_err *err) FY_NODISCARD;

/* The same from memory; `name` stands for the file in errors (copied). */
int fy_doc_parse(fy_doc **out, const char *name, const char *text, size_t len,
                 const cyaml_schema_value_t *schema, fy_err *err) FY_NODISCARD;

/* The struct that the schema describes; borrowed from the document, never NULL. */
const void *fy_doc_data(const fy_doc *doc);

/*
 * Line (from 1) of the value at `path`, e.g. `chips[3].tdp`; where a part of the path is absent,
 * the line of the longest part that is there.
 */
int fy_doc_line(const fy_doc *doc, const char *path);

/* Fail with "file:line: " and the formatted text; `path` as for fy_doc_line. Returns `code`. */
int fy_doc_fail(const fy_doc *doc, const char *path, fy_err *err, int code, const char *fmt, ...)
    FY_PRINTF(5, 6);

/* Put "file:line: key: " before the text that a lower layer left in `err`. Returns `code`. */
int fy_doc_prefix(const fy_doc *doc, const char *path, const char *key, fy_err *err, int code);

void fy_doc_free(fy_doc *doc); /* NULL allowed */

/*
 * The whole file at `path` in memory, NUL-terminated, freed by the caller with free().
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE (larger than max_bytes).
 */
int fy_read_file(char **text, size_t *len, const char *path, size_t max_bytes,
                 fy_err *err) FY_NODISCARD;

#endif
