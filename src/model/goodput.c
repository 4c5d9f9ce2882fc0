/* SPDX-License-Identifier: MIT */
#include "fuyao/goodput.h"

#include "base/rng.h"

#include <math.h>

static const double least_interval_s = 1e-3;

static double best_interval_s(double d, double m)
{
    double half = d / (2 * m);
    if (half >= 1) {
        return m;
    }
    double t = sqrt(2 * d * m) * (1 + sqrt(half) / 3 + half / 9) - d;
    return t > least_interval_s ? t : least_interval_s;
}

fy_goodput fy_goodput_of(double work_s, int nodes, const fy_failures *f)
{
    double m = f->node_mtbf_s / nodes;
    double d = f->checkpoint_s;
    if (isnan(m) || isnan(d) || isnan(f->restart_s) || isnan(work_s)) {
        return (fy_goodput){NAN, NAN, NAN, NAN};
    }
    fy_goodput g = {.interval_s = best_interval_s(d, m)};
    double t = g.interval_s < work_s ? g.interval_s : work_s;
    g.wall_s = m * fy_rng_exp(f->restart_s / m) * (fy_rng_exp((t + d) / m) - 1) * work_s / t;
    g.failures = g.wall_s / m;
    g.share = work_s / g.wall_s;
    return g;
}
