/* SPDX-License-Identifier: MIT */
/*
 * --replace: what a job's rates become where one chip stands in for another. The trace is read
 * against the fleet as it was, so that the names and rates in it mean what they meant; then each
 * rate on the chip that went is scaled by the roofline mix:
 *
 *     rate on new = rate on old x (sum_i w_i r_i(old)) / (sum_i w_i r_i(new))
 *
 * r_i: slowdown against the chip on which the mix's shares w_i count. That is the chip of rate 1;
 * where the job accepts none such, the fleet's chip against which its rates are explained best. A
 * job without a mix whose rates reach the replaced chip cannot be told, and says so. Rates
 * by the planner are those of the new chip already; rates that a job states for a workload follow
 * the planner's ratio.
 */
#include "base/rng.h"
#include "cli/sim.h"

#include <math.h>
#include <string.h>

enum { LARGEST_GANG = 1000000 }; /* that is planned */

void sim_replace_init(sim_replace *replace, const fy_site *from_site, const fy_site *to_site,
                      const char *from, const char *to)
{
    *replace = (sim_replace){.from_site = from_site,
                             .to_site = to_site,
                             .from = fy_site_chip(from_site, from, strlen(from)),
                             .to = fy_site_chip(to_site, to, strlen(to))};
    for (int c = 0; c < from_site->n_chips; c++) {
        const char *id = from_site->chips[c]->id;

        replace->renumbered[c] =
            c == replace->from ? replace->to : fy_site_chip(to_site, id, strlen(id));
    }
}

/* How badly do the job's rates fit shares that count on `ref`? Squared logarithms; NAN: unknown. */
static double misfit(const sim_replace *replace, const fy_job_spec *job, const fy_chip *ref)
{
    double sum = 0;

    for (int i = 0; i < job->n_accept; i++) {
        const fy_chip *chip = replace->from_site->chips[job->accept[i].chip];
        double ratio = job->accept[i].rate * fy_chip_slowdown_mix(chip, ref, job->mix).mid;

        if (!(ratio > 0 && ratio < (double)INFINITY)) {
            return (double)NAN;
        }
        sum += fy_rng_log(ratio) * fy_rng_log(ratio);
    }
    return sum;
}

static const fy_chip *reference(const sim_replace *replace, const fy_job_spec *job)
{
    const fy_site *site = replace->from_site;
    const fy_chip *best = NULL;
    double least = (double)INFINITY;

    for (int i = 0; i < job->n_accept; i++) {
        if (job->accept[i].rate == 1) {
            return site->chips[job->accept[i].chip];
        }
    }
    for (int c = 0; c < site->n_chips; c++) {
        double off = misfit(replace, job, site->chips[c]);

        if (off < least) {
            least = off;
            best = site->chips[c];
        }
    }
    return best;
}

/* A job that states rates of a workload: as much faster or slower as the planner says. */
static double planned_factor(const sim_replace *replace, const fy_job_spec *job)
{
    const fy_planner *planner = replace->planner;
    int64_t gang = (int64_t)job->workers * job->devices;
    fy_rate_ask ask = {.workload = job->workload,
                       .batch = job->batch,
                       .chip = replace->from,
                       .devices = (int)(gang > LARGEST_GANG ? 0 : gang)};
    fy_accept now = {0}, was = {0};

    if (job->workload == NULL || job->milli > 0 || job->devices == 0 || gang > LARGEST_GANG ||
        !planner->rate(planner->ctx, &ask, &now)) {
        return (double)NAN;
    }
    ask.reference = true;
    return planner->rate(planner->ctx, &ask, &was) ? now.rate / was.rate : (double)NAN;
}

static int scale_rate(const sim_replace *replace, const fy_job_spec *job, fy_accept *accept,
                      fy_err *err)
{
    const fy_chip *old = replace->from_site->chips[replace->from];
    const fy_chip *new = replace->to_site->chips[replace->to];
    double factor = planned_factor(replace, job);

    if (!fy_known(factor) && !fy_known(job->mix[0])) {
        return fy_fail(err, FY_EINVAL,
                       "--replace %s=%s: job '%.60s' states no mix of compute, memory, link and "
                       "host, so its rate on %s cannot be known; give mix in the trace",
                       old->id, new->id, job->name, new->id);
    }
    if (!fy_known(factor)) {
        const fy_chip *ref = reference(replace, job);

        factor = ref != NULL ? fy_chip_slowdown_mix(old, ref, job->mix).mid /
                                   fy_chip_slowdown_mix(new, ref, job->mix).mid
                             : (double)NAN;
    }
    if (!(factor > 0)) {
        return fy_fail(err, FY_EINVAL,
                       "--replace %s=%s: job '%.60s': the catalogue lacks a number that its mix "
                       "needs, so its rate on %s cannot be known",
                       old->id, new->id, job->name, new->id);
    }
    accept->rate *= factor;
    accept->rate_spread *= factor;
    accept->grade = FY_GRADE_DERIVED;
    return 0;
}

int sim_replace_job(const sim_replace *replace, fy_job_spec *job, fy_accept *accept, fy_err *err)
{
    bool has_new = false;
    int n = 0;

    for (int i = 0; i < job->n_accept; i++) {
        has_new |= job->accept[i].chip != replace->from &&
                   replace->renumbered[job->accept[i].chip] == replace->to;
    }
    for (int i = 0; i < job->n_accept; i++) {
        fy_accept a = job->accept[i];

        if (a.chip == replace->from) {
            int status;

            if (has_new) {
                continue; /* the job states its own rate on the new chip */
            }
            status = job->planned ? 0 : scale_rate(replace, job, &a, err);
            if (status != 0) {
                return status;
            }
        }
        a.chip = replace->renumbered[a.chip];
        accept[n++] = a;
    }
    job->accept = accept;
    job->n_accept = n;
    return 0;
}
