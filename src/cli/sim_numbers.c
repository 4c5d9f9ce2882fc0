/* SPDX-License-Identifier: MIT */
/*
 * The numbers of a result by name, and their means over seeds with 95 % confidence intervals by
 * Student's t: half-width = t(0.975, n - 1) x s / sqrt(n).
 */
#include "cli/sim_results.h"

#include <string.h>

#define AT(member) offsetof(fy_sim_result, member)

const sim_field sim_fields[] = {
    {NULL, "jobs", SIM_COUNT, AT(jobs)},
    {NULL, "finished", SIM_COUNT, AT(finished)},
    {NULL, "unfinished", SIM_COUNT, AT(unfinished)},
    {NULL, "never_placeable", SIM_COUNT, AT(never_placeable)},
    {NULL, "failed", SIM_COUNT, AT(failed)},
    {NULL, "cancelled", SIM_COUNT, AT(cancelled)},
    {NULL, "dropped", SIM_COUNT, AT(dropped)},
    {"jct_s", "mean", SIM_REAL, AT(jct_s.mean)},
    {"jct_s", "p50", SIM_REAL, AT(jct_s.p50)},
    {"jct_s", "p90", SIM_REAL, AT(jct_s.p90)},
    {"jct_s", "p99", SIM_REAL, AT(jct_s.p99)},
    {"jct_s", "max", SIM_REAL, AT(jct_s.max)},
    {"wait_s", "mean", SIM_REAL, AT(wait_s.mean)},
    {"wait_s", "p50", SIM_REAL, AT(wait_s.p50)},
    {"wait_s", "p90", SIM_REAL, AT(wait_s.p90)},
    {"wait_s", "p99", SIM_REAL, AT(wait_s.p99)},
    {"wait_s", "max", SIM_REAL, AT(wait_s.max)},
    {NULL, "makespan_s", SIM_REAL, AT(makespan_s)},
    {NULL, "utilization", SIM_REAL, AT(utilization)},
    {NULL, "allocated", SIM_REAL, AT(allocated)},
    {NULL, "fragmented", SIM_REAL, AT(fragmented)},
    {NULL, "preemptions", SIM_COUNT, AT(preemptions)},
    {NULL, "lost_work_device_s", SIM_REAL, AT(lost_work_device_s)},
    {"rho", "mean", SIM_REAL, AT(rho_mean)},
    {"rho", "p99", SIM_REAL, AT(rho_p99)},
    {"rho", "worst", SIM_REAL, AT(rho_worst)},
    {"rho", "unfair", SIM_REAL, AT(rho_unfair)},
    {"energy_kwh", "low", SIM_REAL, AT(energy_kwh.low)},
    {"energy_kwh", "mid", SIM_REAL, AT(energy_kwh.mid)},
    {"energy_kwh", "high", SIM_REAL, AT(energy_kwh.high)},
    {"busy_kwh", "low", SIM_REAL, AT(busy_kwh.low)},
    {"busy_kwh", "mid", SIM_REAL, AT(busy_kwh.mid)},
    {"busy_kwh", "high", SIM_REAL, AT(busy_kwh.high)},
    {"cost", "low", SIM_REAL, AT(cost.low)},
    {"cost", "mid", SIM_REAL, AT(cost.mid)},
    {"cost", "high", SIM_REAL, AT(cost.high)},
    {"peak_kw", "low", SIM_REAL, AT(peak_kw.low)},
    {"peak_kw", "mid", SIM_REAL, AT(peak_kw.mid)},
    {"peak_kw", "high", SIM_REAL, AT(peak_kw.high)},
    {NULL, "events", SIM_COUNT, AT(events)},
    {NULL, "rounds", SIM_COUNT, AT(rounds)},
    {NULL, NULL, SIM_COUNT, 0},
};

/* t(0.975, n) for n = 1 .. 30 degrees of freedom; beyond, 1.96 + 2.37 / n is within 0.002. */
static const double student[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                 2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                 2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                 2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
enum { N_STUDENT = sizeof student / sizeof student[0] };

static bool none_negative(const double *values, int n)
{
    for (int i = 0; i < n; i++) {
        if (values[i] < 0) {
            return false;
        }
    }
    return true;
}

sim_mean sim_mean_of(const double *values, int n)
{
    double sum = 0, squares = 0, half;
    sim_mean out = {.low = NAN, .high = NAN};

    for (int i = 0; i < n; i++) {
        sum += values[i];
    }
    out.mean = sum / n;
    if (n > 1) {
        for (int i = 0; i < n; i++) {
            squares += (values[i] - out.mean) * (values[i] - out.mean);
        }
        half = (n - 1 <= N_STUDENT ? student[n - 2] : 1.96 + 2.37 / (n - 1)) *
               sqrt(squares / (n - 1) / n);
        out.low = out.mean - half;
        if (out.low < 0 && none_negative(values, n)) {
            out.low = 0; /* times, counts, shares and the like are never below it */
        }
        out.high = out.mean + half;
    }
    return out;
}

static double number(const fy_sim_result *result, const sim_field *field)
{
    const char *at = (const char *)result + field->at;
    int64_t count;
    double real;

    if (field->kind == SIM_COUNT) {
        memcpy(&count, at, sizeof count);
        return (double)count;
    }
    memcpy(&real, at, sizeof real);
    return real;
}

sim_mean sim_mean_at(const sim_run *runs, int n, const sim_field *field)
{
    double values[SIM_MAX_SEEDS];

    for (int i = 0; i < n; i++) {
        values[i] = number(runs[i].result, field);
    }
    return sim_mean_of(values, n);
}

double sim_mean_real(const sim_run *runs, int n, size_t at)
{
    return sim_mean_at(runs, n, &(sim_field){NULL, "", SIM_REAL, at}).mean;
}

double sim_mean_count(const sim_run *runs, int n, size_t at)
{
    return sim_mean_at(runs, n, &(sim_field){NULL, "", SIM_COUNT, at}).mean;
}
