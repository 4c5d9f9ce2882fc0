/* SPDX-License-Identifier: MIT */
/* Work and rates as integers. */
#include "fleet/quanta.h"

static const double largest_q = 4e18; /* below 2^62: sums of two still fit */

double fy_quanta_per_unit(const fy_job_spec *spec)
{
    double most = fy_known(spec->work) ? spec->work : 1;
    double q = 1e12;

    for (int i = 0; i < spec->n_accept; i++) {
        most = spec->accept[i].rate > most ? spec->accept[i].rate : most;
        most = spec->accept[i].rate_spread > most ? spec->accept[i].rate_spread : most;
    }
    most *= (double)spec->max_workers / spec->workers; /* elastic gangs scale their rate */
    while (q > 1e-6 && most * q > largest_q) {
        q /= 10;
    }
    return q;
}

int64_t fy_quanta(double rate, double q_per_unit)
{
    double out = rate > 0 ? rate * q_per_unit : 0;

    return rate > 0 && out < 1 ? 1 : (int64_t)(out + 0.5);
}

void fy_rates_sort(fy_rate *rates, int n)
{
    for (int i = 1; i < n; i++) {
        fy_rate rate = rates[i];
        int k = i;

        for (; k > 0 && rates[k - 1].rate_q < rate.rate_q; k--) {
            rates[k] = rates[k - 1];
        }
        rates[k] = rate;
    }
}
