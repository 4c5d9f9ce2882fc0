/* SPDX-License-Identifier: MIT */
/* Work and rates as integers: a job's unit of work is so many quanta, a power of ten. */
#ifndef FUYAO_FLEET_QUANTA_H
#define FUYAO_FLEET_QUANTA_H

#include "fuyao/event.h"

/* Quanta to the unit: the largest power of ten, at most 1e12, that keeps work and rates in range.
 */
double fy_quanta_per_unit(const fy_job_spec *spec);

/* A rate [units/s] in quanta a second: at least 1 where it is above 0, else 0. */
int64_t fy_quanta(double rate, double q_per_unit);

/* Best first, equal ones in their order: the preference of a job that named no chip. */
void fy_rates_sort(fy_rate *rates, int n);

#endif
