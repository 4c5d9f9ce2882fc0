/* SPDX-License-Identifier: MIT */
/* How one workload is read from YAML, and the loader from memory. Private to the model. */
#ifndef FUYAO_MODEL_WORKLOAD_YAML_H
#define FUYAO_MODEL_WORKLOAD_YAML_H

#include "base/arena.h"
#include "base/doc.h"
#include "fuyao/workload.h"

#include <stddef.h>

enum { FY_WORKLOAD_NAME = 80 }; /* letters of a name or alias at most */

extern const cyaml_schema_value_t fy_workloads_schema; /* of a file of workloads */

/* Entries of a document loaded by that schema. */
int fy_workload_count(const fy_doc *doc);

/*
 * Read entry `i` of the document into *out, whose texts and lists are owned by ARENA.
 * Errors: FY_EPARSE, FY_ERANGE, FY_EINFEASIBLE with file:line.
 */
int fy_workload_read(fy_workload *out, fy_arena *arena, const fy_doc *doc, int i,
                     fy_err *err) FY_NODISCARD;

/* As fy_workloads_load for one file in memory; `name` stands for the file in errors. */
int fy_workloads_parse(fy_workloads **out, const char *name, const char *text, size_t len,
                       fy_err *err) FY_NODISCARD;

#endif
