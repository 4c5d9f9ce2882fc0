/* SPDX-License-Identifier: MIT */
/*
 * Traces: public formats as published, and Fuyao's canonical CSV. A trace is read as a stream in
 * order of submission; formats whose files are not in that order are read whole and sorted, stably.
 */
#ifndef FUYAO_TRACE_H
#define FUYAO_TRACE_H

#include "fuyao/job.h"
#include "fuyao/rates.h"
#include "fuyao/site.h"

#include <stdio.h>

typedef struct fy_trace fy_trace;

typedef struct fy_trace_options {
    const fy_site *site; /* borrowed: names of chips are resolved against it */
    const char *format;  /* NULL = recognise by header or shape; else a name of fy_trace_formats */
    const char *rates_path;    /* NULL, a Gavel throughput table (JSON) or a Sia profiles folder */
    const fy_planner *planner; /* NULL: a job that names a workload is a bad row */
    bool skip_bad;             /* count and list bad rows instead of stopping */
    double round_s;            /* unused by readers; 0 */
} fy_trace_options;

typedef struct fy_trace_info {
    const char *format; /* name of the format */
    const char *tested; /* "real data", or "from the published schema, untested on real data" */
    int64_t rows;       /* jobs handed out so far */
    int64_t skipped;    /* bad rows passed over (skip_bad) */
    bool states_costs;  /* some row states checkpoint interval, cost or restart */
    bool states_limits; /* some row states a time limit */
} fy_trace_info;

/*
 * Open a trace. `path` "-" is standard input.
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE (unrecognised; names the formats), FY_EINVAL (needs
 * --rates).
 */
int fy_trace_open(fy_trace **out, const char *path, const fy_trace_options *options,
                  fy_err *err) FY_NODISCARD;

/*
 * The next job in order of submission. Returns 1 and fills *job (strings and arrays borrowed until
 * the next call), 0 at the end, or a negative code with "file:line: what; what would be right".
 */
int fy_trace_next(fy_trace *trace, fy_job_spec *job, fy_err *err) FY_NODISCARD;

fy_trace_info fy_trace_about(const fy_trace *trace);

/* The i-th skipped row's message (0 <= i < min(skipped, 1000)); borrowed from the trace. */
const char *fy_trace_skipped(const fy_trace *trace, int64_t i);

void fy_trace_close(fy_trace *trace); /* NULL allowed */

/* Names and one-line descriptions of all formats, ended by a NULL name. */
typedef struct fy_trace_format {
    const char *name, *summary;
} fy_trace_format;
const fy_trace_format *fy_trace_formats(void);

/* ------------------------------------------------------------------ canonical CSV, generator */

/* A sink for text: returns 0, or a negative code if the bytes could not be taken. */
typedef int (*fy_write_fn)(void *ctx, const char *bytes, size_t len);

/*
 * Write the canonical header line, and one job as a canonical row that reads back to an equal job.
 * Errors: what `write` returns; FY_EINVAL for a job with n_absent > 0 (those names are not known).
 */
int fy_canonical_header(fy_write_fn write, void *ctx) FY_NODISCARD;
int fy_canonical_row(const fy_job_spec *job, const fy_site *site, fy_write_fn write,
                     void *ctx) FY_NODISCARD;

typedef struct fy_gen_options {
    const fy_site *site;
    double days; /* > 0 */
    double load; /* demanded share of the fleet's device-seconds, > 0 */
    uint64_t seed;
    int64_t jobs;            /* 0 = as many as days and load give; else this many at that load */
    int tenants;             /* 0 = default; unequal weights and demand */
    double multi_node_share; /* share of gangs larger than one node; NAN = default */
    double failure_share, cancel_share; /* of jobs; NAN = default from published marginals */
    const fy_planner *planner; /* NULL: rates of all work come from roofline mixes; else training
                                  jobs name workloads */
    const fy_workload *const *workloads; /* [n_workloads] to draw from; none: the usual ones */
    int n_workloads;
    double services_share; /* share of the demanded devices held by services; NAN = default */
} fy_gen_options;

fy_gen_options fy_gen_options_default(const fy_site *site);

/* Generate a trace; equal options give equal bytes. Jobs come in order of submission. */
typedef struct fy_gen fy_gen;
int fy_gen_open(fy_gen **out, const fy_gen_options *options, fy_err *err) FY_NODISCARD;
int fy_gen_next(fy_gen *gen, fy_job_spec *job); /* 1 = a job, 0 = end */
void fy_gen_close(fy_gen *gen);

#endif
