/* SPDX-License-Identifier: MIT */
/*
 * Whole trainings: what failures, checkpoints and restarts add to the time that the steps take.
 */
#ifndef FUYAO_GOODPUT_H
#define FUYAO_GOODPUT_H

typedef struct fy_failures {
    double node_mtbf_s;  /* mean time between failures of one node; any of them stops the job */
    double checkpoint_s; /* training waits so long for each checkpoint */
    double restart_s;    /* from a failure until training goes on from the last checkpoint */
} fy_failures;

typedef struct fy_goodput {
    double interval_s; /* of work between checkpoints that costs least */
    double wall_s;     /* expected, from start to end */
    double failures;   /* expected, over wall_s */
    double share;      /* of wall_s in steps that count */
} fy_goodput;

/*
 * Expected wall time of `work_s` seconds of steps on `nodes` nodes that fail independently, at any
 * time alike. With M = node_mtbf_s / nodes, checkpoint d, restart R and interval t
 *     wall = M e^(R/M) (e^((t + d)/M) - 1) work / t
 *     t = sqrt(2 d M) (1 + sqrt(d/2M)/3 + (d/2M)/9) - d,   M where d >= 2 M
 * Source: Daly 2006 (FGCS 22, 303), equations 13 and 37; Young 1974 is t's first term. Checked in
 * tests/unit/model/test_goodput.c. NAN in all where a number is unknown; a checkpoint that costs
 * nothing is written after every 1e-3 s.
 */
fy_goodput fy_goodput_of(double work_s, int nodes, const fy_failures *failures);

#endif
