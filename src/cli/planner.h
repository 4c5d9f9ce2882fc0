/* SPDX-License-Identifier: MIT */
/*
 * The planner behind jobs that name a workload: one table of rates for all runs of a command, which
 * they share under a lock, and an account of which jobs asked it for what. The workloads and stacks
 * are loaded when a job first names one.
 */
#ifndef FUYAO_CLI_PLANNER_H
#define FUYAO_CLI_PLANNER_H

#include "fuyao/rates.h"

#include <jansson.h>

typedef struct cli_planner cli_planner;

/*
 *   site        borrowed; on which jobs will run
 *   read_site   borrowed; which a trace is read against: `site`, but for --replace
 *   renumbered  NULL, or [FY_MAX_CHIPS]: chip of read_site -> chip of site
 */
cli_planner *cli_planner_new(const fy_site *site, const fy_site *read_site, const int *renumbered);
void cli_planner_free(cli_planner *planner); /* NULL allowed */

/* What readers and the generator take; borrowed. Its functions may be called from any thread. */
const fy_planner *cli_planner_face(cli_planner *planner);

struct fy_layouts;
/* The layout of a workload on a chip of the site, for the runs that the daemon starts; borrowed. */
const struct fy_layouts *cli_planner_layouts(cli_planner *planner);

/* From now on asking is no longer counted as a job's: a trace may be read more than once. */
void cli_planner_counted(cli_planner *planner);

/* Say what rests on the planner, of `jobs` jobs with its rates; nothing where there are none. */
void cli_planner_print(cli_planner *planner, int64_t jobs);
json_t *cli_planner_json(cli_planner *planner, int64_t jobs); /* the caller's; null if unused */

#endif
