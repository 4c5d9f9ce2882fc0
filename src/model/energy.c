/* SPDX-License-Identifier: MIT */
#include "model/energy.h"

#include "model/machine.h"

/*
 * Share of the way from idle power to the limit while a term runs. Matrix products run at the
 * limit where their demand exceeds it (their clock gives way: machine.c), else below it
 * (fy_matrix_power); so do the other terms that are mostly products. Streaming at full bandwidth
 * draws about 0.6 of it, collectives about 0.4 with their spinning kernels, waiting for the host or
 * a neighbour about 0.15. Assumed, from the power that published runs draw: 90 % of the limit at 55
 * % MFU.
 */
static const double share[FY_N_TERMS] = {
    [FY_T_MATMUL] = 1.0,
    [FY_T_ATTENTION] = 0.95,
    [FY_T_ELEMENTWISE] = 0.6,
    [FY_T_EMBEDDING] = 0.85,
    [FY_T_RECOMPUTE] = 0.95,
    [FY_T_HOST] = 0.15,
    [FY_T_TP] = 0.45,
    [FY_T_CP] = 0.45,
    [FY_T_EP] = 0.4,
    [FY_T_PP] = 0.3,
    [FY_T_BUBBLE] = FY_WAITING_SHARE,
    [FY_T_DP] = 0.35,
    [FY_T_OPTIMIZER] = 0.6,
    [FY_T_JITTER] = 0.2,
};

void fy_energy_fill(fy_estimate *e, const fy_cluster *cluster)
{
    double limit = fy_power_limit_w(cluster);
    double idle = cluster->chip->idle_w.mid;
    double matrix = fy_matrix_power(cluster->chip, limit);
    double busy = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        bool products =
            i == FY_T_MATMUL || i == FY_T_ATTENTION || i == FY_T_EMBEDDING || i == FY_T_RECOMPUTE;
        busy += (products ? share[i] * matrix : share[i]) * e->term_s[i];
    }
    e->device_w = idle + (limit - idle) * busy / e->step_s;
    e->energy_j = e->device_w * e->step_s * cluster->devices;
}
