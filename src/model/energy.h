/* SPDX-License-Identifier: MIT */
/*
 * Mean power of a device over a step, from what it does with its time. A device that computes runs
 * into its power limit; one that streams, communicates or waits does not.
 */
#ifndef FUYAO_MODEL_ENERGY_H
#define FUYAO_MODEL_ENERGY_H

#include "fuyao/plan.h"

/* Of waiting for a neighbour, on the way from idle power to the limit. */
#define FY_WAITING_SHARE 0.2

/* Fill device_w and energy_j from the terms; NAN where the chip's power is unknown. */
void fy_energy_fill(fy_estimate *estimate, const fy_cluster *cluster);

#endif
