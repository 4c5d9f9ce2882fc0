/* SPDX-License-Identifier: MIT */
/* The configuration read again: everything is looked at before anything is changed. */
#include "base/num.h"
#include "daemon/ctl_state.h"

#include <math.h>
#include <string.h>

int64_t fy_power_cap_mw(double cap_w, const fy_site *site)
{
    double watts = fy_known(cap_w) ? cap_w : site->power_cap_w;
    double pue = fy_known(site->pue.high) ? site->pue.high : 1;

    if (!fy_known(watts)) {
        return -1;
    }
    return watts * 1000 / pue < 9e18 ? (int64_t)(watts * 1000 / pue) : -1;
}

/* The fleet under the cap that is wanted: what runs goes on, nothing starts that would exceed it.
 */
int ctl_set_cap(fy_ctl *ctl, int64_t cap_mw, fy_err *err)
{
    fy_event event = ctl_event(ctl, FY_EV_LIMITS);
    int64_t wanted = cap_mw >= 0 ? cap_mw : FY_NEVER;

    event.a = cap_mw;
    return ctl->fleet->power_cap_mw == wanted ? 0 : ctl_emit(ctl, &event, NULL, 0, err);
}

static int check_chips(const fy_ctl *ctl, const fy_site *site, fy_err *err)
{
    int n = ctl->fleet->n_chips;

    for (int c = 0; c < site->n_chips; c++) {
        bool known = false;

        for (int k = 0; k < ctl->fleet->n_chips; k++) {
            known |= strcmp(ctl->fleet->pools[k].name, site->chips[c]->id) == 0;
        }
        n += known ? 0 : 1;
    }
    return n > FY_MAX_CHIPS
               ? fy_fail(err, FY_EINVAL, "the fleet would have %d chips; %d is the most", n,
                         FY_MAX_CHIPS)
               : 0;
}

static int check_policy(fy_ctl *ctl, const fy_sched_options *options, fy_err *err)
{
    fy_sched *trial;
    int status = fy_sched_open(&trial, ctl->fleet, options, err);

    if (status == 0) {
        fy_sched_close(trial);
    }
    return status;
}

int fy_ctl_reload(fy_ctl *ctl, const fy_ctl_options *options, fy_err *err)
{
    int status;

    ctl_tick(ctl);
    status = check_chips(ctl, options->site, err);
    status = status == 0 ? check_policy(ctl, &options->sched, err) : status;
    if (status == 0 && options->shadow.policy != NULL) {
        status = check_policy(ctl, &options->shadow, err);
    }
    if (status != 0) {
        return status;
    }
    ctl->options.site = options->site;
    ctl->options.planner = options->planner;
    ctl->options.default_estimate_us = options->default_estimate_us;
    ctl->options.power_cap_mw = options->power_cap_mw;
    fy_ctl_quotas(ctl, options->quotas, options->n_quotas);
    status = ctl_fit_site(ctl, err);
    if (status == 0) {
        status = ctl_set_cap(ctl, options->power_cap_mw, err);
    }
    if (status == 0 && !fy_sched_same(ctl->sched, &options->sched)) {
        status = ctl_change_policy(ctl, &options->sched, err);
    }
    return status == 0 ? ctl_set_shadow(ctl, &options->shadow, err) : status;
}
