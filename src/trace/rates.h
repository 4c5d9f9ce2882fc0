/* SPDX-License-Identifier: MIT */
/*
 * Measured rates that come in a file of their own: Gavel's table (JSON) and Sia's folder of
 * profiles (CSV). Both are read strictly: a missing entry is an error or "not measured", never a
 * guess, and a rate of 0 means that the job cannot run there.
 */
#ifndef FUYAO_TRACE_RATES_H
#define FUYAO_TRACE_RATES_H

#include "fuyao/job.h"
#include "fuyao/site.h"

#include <stdio.h>

/* ------------------------------------------------------------------ Gavel */

typedef struct fy_gavel_rates fy_gavel_rates;

/*
 * Read `{"v100": {"('job type', scale)": {"null": steps per second, ...}, ...}, ...}`.
 *   site    borrowed; the types must be in its catalogue, those it lacks are counted
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE, with the file's name (and line for bad JSON).
 */
int fy_gavel_rates_load(fy_gavel_rates **out, const char *path, const fy_site *site,
                        fy_err *err) FY_NODISCARD;
int fy_gavel_rates_parse(fy_gavel_rates **out, const char *name, const char *text, size_t len,
                         const fy_site *site, fy_err *err) FY_NODISCARD;
void fy_gavel_rates_free(fy_gavel_rates *rates); /* NULL allowed */

/*
 * The rates of a job type on `scale` devices: fills `accept` [FY_MAX_CHIPS], fastest first, and
 * sets *n_absent (types with a rate that the site lacks). Returns their number; -1 if no type has
 * an entry for the job type at that scale.
 */
int fy_gavel_rates_of(const fy_gavel_rates *rates, const char *job_type, int scale,
                      fy_accept *accept, int *n_absent);

/* ------------------------------------------------------------------ Sia */

typedef struct fy_sia_rates fy_sia_rates;

/* The folder of profiles; files are read when an application first needs them. Never fails. */
fy_sia_rates *fy_sia_rates_new(const char *folder, const fy_site *site);
void fy_sia_rates_free(fy_sia_rates *rates); /* NULL allowed */

/*
 * Iterations of application `name` at global batch size `batch`: the last `iteration` of
 * validation-<batch>.csv. Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE.
 */
int fy_sia_work(fy_sia_rates *rates, const char *name, int batch, double *work,
                fy_err *err) FY_NODISCARD;

/*
 * Iterations a second of application `name` with `replicas` replicas and global batch `batch` on
 * each of the site's chips, fastest first, as fy_gavel_rates_of. Errors: as fy_sia_work.
 */
int fy_sia_rates_of(fy_sia_rates *rates, const char *name, int replicas, int batch,
                    fy_accept *accept, int *n_accept, int *n_absent, fy_err *err) FY_NODISCARD;

/* Order `accept` by rate, fastest first, stably. */
void fy_sort_by_rate(fy_accept *accept, int n);

#endif
