/* SPDX-License-Identifier: MIT */
/* A job's gang on a site, as the question that the table of rates answers. */
#include "fuyao/rates.h"

/* Of the site's nodes with that chip the shape that holds most devices. */
static const fy_pool_spec *usual_pool(const fy_site *site, int chip)
{
    const fy_pool_spec *best = NULL;
    int64_t most = 0;

    for (int i = 0; i < site->n_pools; i++) {
        const fy_pool_spec *pool = &site->pools[i];
        int64_t n = 0;

        for (int k = 0; k < site->n_pools; k++) {
            bool like = site->pools[k].chip == chip && site->pools[k].devices == pool->devices;

            n += like ? (int64_t)site->pools[k].nodes * pool->devices : 0;
        }
        if (pool->chip == chip && n > most) {
            most = n;
            best = pool;
        }
    }
    return best;
}

static double network_of(const fy_site *site, const fy_pool_spec *pool)
{
    const fy_server *s = fy_catalog_usual_server(site->catalog, site->chips[pool->chip]);

    if (pool->nic_bytes_per_s > 0) {
        return pool->nic_bytes_per_s;
    }
    return s != NULL ? s->nic_bits_per_s.mid / 8 * pool->devices / s->chips : (double)NAN;
}

const fy_planned_rate *fy_rates_on_site(fy_rates *rates, const fy_site *site,
                                        const fy_rate_ask *ask, fy_accept *out)
{
    const fy_pool_spec *pool = usual_pool(site, ask->chip);
    fy_rate_key key = {.workload = ask->workload,
                       .chip = site->chips[ask->chip],
                       .batch = ask->batch,
                       .devices = ask->devices,
                       .per_node = pool->devices,
                       .nic_bytes_per_s = network_of(site, pool)};
    const fy_planned_rate *compact, *spread;
    int on_node = ask->devices < pool->devices ? ask->devices : pool->devices;

    compact = fy_rates_find(rates, &key);
    spread = compact;
    if (fy_known(compact->per_s) && on_node > 1 && ask->workload->kind != FY_BLACK_BOX) {
        key.per_node = on_node / 2;
        key.nic_bytes_per_s *= (double)key.per_node / pool->devices;
        spread = fy_rates_find(rates, &key);
    }
    out->rate = compact->per_s;
    out->rate_spread = spread->per_s < compact->per_s ? spread->per_s : compact->per_s;
    if (!fy_known(spread->per_s)) {
        out->rate_spread = 0;
    }
    out->grade = compact->grade;
    return compact;
}
