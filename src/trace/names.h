/* SPDX-License-Identifier: MIT */
/*
 * The names of a trace's jobs, so that a second one is noticed and a dependency is found. Names
 * that count up (job-1, job-2, ...: the generator's, and most public ones) cost nothing: they are
 * kept as runs. All others are kept as 128-bit fingerprints, 24 bytes a job.
 */
#ifndef FUYAO_TRACE_NAMES_H
#define FUYAO_TRACE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fy_names fy_names;

fy_names *fy_names_new(void);
void fy_names_free(fy_names *names); /* NULL allowed */

/* Note that job `sequence` is called `text`; false, and nothing noted, if another one is. */
bool fy_names_add(fy_names *names, const char *text, size_t len, int64_t sequence);

/* Sequence number of the job called `text`, or -1. */
int64_t fy_names_find(const fy_names *names, const char *text, size_t len);

#endif
