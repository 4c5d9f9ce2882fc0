/* SPDX-License-Identifier: MIT */
/* Results as tables for people: one line a run; pools and tenants below it where there is one. */
#include "base/units.h"
#include "cli/sim_results.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(fy_sim_result, member)

static const double s_per_h = 3600;

/* ------------------------------------------------------------------ cells */

static void cell(cli_table *table, double value, double unit)
{
    char text[FY_UNITS_TEXT];

    cli_table_cell(table, "%s", fy_known(value) ? fy_units_format_number(text, value / unit) : "-");
}

static void cell_share(cli_table *table, double share)
{
    if (fy_known(share)) {
        cli_table_cell(table, "%.1f %%", share * 100);
    } else {
        cli_table_cell(table, "-");
    }
}

static void cell_range(cli_table *table, fy_sim_range e, double unit)
{
    char low[FY_UNITS_TEXT], high[FY_UNITS_TEXT];

    if (!fy_known(e.mid)) {
        cli_table_cell(table, "unknown");
        return;
    }
    (void)fy_units_format_number(low, e.low / unit);
    (void)fy_units_format_number(high, e.high / unit);
    cli_table_cell(table, strcmp(low, high) != 0 ? "%s .. %s" : "%s", low, high);
}

/* An energy column: kWh where not even the largest is a hundredth of an MWh. */
typedef struct energy_unit {
    const char *header;
    double kwh;
} energy_unit;

static energy_unit energy_unit_for(double largest_kwh)
{
    return largest_kwh < 10 ? (energy_unit){"ENERGY kWh", 1} : (energy_unit){"ENERGY MWh", 1000};
}

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

/* ------------------------------------------------------------------ what was assumed */

static bool is_oracle(const char *policy)
{
    const fy_policy_info *p;

    for (int i = 0; (p = fy_policy_at(i)) != NULL; i++) {
        if (strcmp(p->name, policy) == 0) {
            return p->oracle;
        }
    }
    return false;
}

static void print_unknown_power(const fy_site *site)
{
    bool any = false;

    for (int c = 0; c < site->n_chips; c++) {
        for (int p = 0; p < site->n_pools; p++) {
            if (site->pools[p].chip == c && !fy_known(site->pools[p].active_w.mid)) {
                printf("%s%s",
                       any ? ", " : "power unknown, not in the energy: ", site->chips[c]->id);
                any = true;
                break;
            }
        }
    }
    fputs(any ? "\n" : "", stdout);
}

static void print_header(const sim_plan *plan)
{
    const sim_input *input = plan->input;
    const fy_site *site = plan->site;
    int64_t devices = 0;

    for (int p = 0; p < site->n_pools; p++) {
        devices += (int64_t)site->pools[p].nodes * site->pools[p].devices;
    }
    printf("fleet  %s: %lld device%s of %d type%s\n", site->name, (long long)devices,
           plural(devices), site->n_chips, plural(site->n_chips));
    printf("trace  %s: %s%lld job%s, format %s", plan->options->trace,
           input->whole ? "" : "more than ", (long long)input->n_jobs,
           plural((int64_t)input->n_jobs), input->about.format);
    printf(strcmp(input->about.tested, "real data") != 0 ? " (%s)\n" : "\n", input->about.tested);
    printf("costs  default: %lld s to restart, a free checkpoint every %lld min where the trace "
           "states none (assumed)\n",
           (long long)(FY_DEFAULT_RESTART_US / 1000000),
           (long long)(FY_DEFAULT_CHECKPOINT_US / 60000000));
    cli_planner_print(input->planner, input->n_planned);
    print_unknown_power(site);
    putchar('\n');
}

/* ------------------------------------------------------------------ a line a run */

static void run_columns(cli_table *table, const char *energy)
{
    const char *const headers[] = {"POLICY", "COSTS",   "ENDED", "JCT h",  "P50",
                                   "P99",    "WAIT h",  "RHO",   "UTIL",   "ALLOC",
                                   "FRAG",   "PREEMPT", energy,  "PEAK kW"};

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        cli_table_column(table, headers[i], i < 2 ? CLI_LEFT : CLI_RIGHT);
    }
}

static fy_sim_range mean_estimate(const sim_run *runs, int n, size_t at)
{
    return (fy_sim_range){sim_mean_real(runs, n, at + offsetof(fy_sim_range, low)),
                          sim_mean_real(runs, n, at + offsetof(fy_sim_range, mid)),
                          sim_mean_real(runs, n, at + offsetof(fy_sim_range, high))};
}

static void dashes(cli_table *table, int n)
{
    for (int i = 0; i < n; i++) {
        cli_table_cell(table, "-");
    }
}

/* Jobs that only arrive: nothing ends, waits or is worked on, and no time passes. */
static void inflation_row(cli_table *table, const sim_run *runs, int n)
{
    dashes(table, 7);
    cell_share(table, sim_mean_real(runs, n, AT(allocated)));
    cell_share(table, sim_mean_real(runs, n, AT(fragmented)));
    dashes(table, 2);
    cell_range(table, mean_estimate(runs, n, AT(peak_kw)), 1);
}

static void run_row(cli_table *table, const sim_run *runs, int n, double energy_kwh)
{
    const fy_sim_result *first = runs[0].result;
    sim_field jct = {NULL, "", SIM_REAL, AT(jct_s.mean)};
    sim_mean m = sim_mean_at(runs, n, &jct);
    char text[FY_UNITS_TEXT];

    cli_table_row(table);
    cli_table_cell(table, "%s%s", first->policy, is_oracle(first->policy) ? "*" : "");
    cli_table_cell(table, "%s", first->costs);
    if (first->n_fill > 0) {
        inflation_row(table, runs, n);
        return;
    }
    cli_table_cell(table, "%.0f/%.0f", sim_mean_count(runs, n, AT(finished)),
                   sim_mean_count(runs, n, AT(jobs)));
    if (n > 1 && fy_known(m.mean)) {
        cli_table_cell(table, "%s +-%.2g", fy_units_format_number(text, m.mean / s_per_h),
                       (m.high - m.mean) / s_per_h);
    } else {
        cell(table, m.mean, s_per_h);
    }
    cell(table, sim_mean_real(runs, n, AT(jct_s.p50)), s_per_h);
    cell(table, sim_mean_real(runs, n, AT(jct_s.p99)), s_per_h);
    cell(table, sim_mean_real(runs, n, AT(wait_s.mean)), s_per_h);
    cell(table, sim_mean_real(runs, n, AT(rho_mean)), 1);
    cell_share(table, sim_mean_real(runs, n, AT(utilization)));
    cell_share(table, sim_mean_real(runs, n, AT(allocated)));
    cell_share(table, sim_mean_real(runs, n, AT(fragmented)));
    cell(table, sim_mean_count(runs, n, AT(preemptions)), 1);
    cell_range(table, mean_estimate(runs, n, AT(energy_kwh)), energy_kwh);
    cell_range(table, mean_estimate(runs, n, AT(peak_kw)), 1);
}

static void print_runs(const sim_plan *plan)
{
    cli_table *table = cli_table_new();
    const int n = plan->options->n_seeds;
    bool oracle = false;
    double largest = 0;
    energy_unit unit;

    for (int i = 0; i < plan->n_runs; i += n) {
        largest = fmax(largest, sim_mean_real(&plan->runs[i], n, AT(energy_kwh.mid)));
    }
    unit = energy_unit_for(plan->runs[0].result->n_fill > 0 ? (double)INFINITY : largest);
    run_columns(table, unit.header);
    for (int i = 0; i < plan->n_runs; i += n) {
        run_row(table, &plan->runs[i], n, unit.kwh);
        oracle |= is_oracle(plan->runs[i].policy);
    }
    cli_table_print(table);
    if (oracle) {
        puts("* knows the true remaining time, which nobody can");
    }
}

/* ------------------------------------------------------------------ one run's details */

static void print_pools(const fy_sim_result *result)
{
    cli_table *table = cli_table_new();
    double largest = 0;
    energy_unit unit;

    for (int i = 0; i < result->n_pools; i++) {
        largest = fmax(largest, result->pools[i].energy_kwh.mid);
    }
    unit = energy_unit_for(largest);
    cli_table_column(table, "CHIP", CLI_LEFT);
    cli_table_column(table, "DEVICES", CLI_RIGHT);
    cli_table_column(table, "ALLOC", CLI_RIGHT);
    cli_table_column(table, "UTIL", CLI_RIGHT);
    cli_table_column(table, unit.header, CLI_RIGHT);
    for (int i = 0; i < result->n_pools; i++) {
        const fy_sim_pool *p = &result->pools[i];

        cli_table_row(table);
        cli_table_cell(table, "%s", p->chip);
        cli_table_cell(table, "%lld", (long long)p->devices);
        cell_share(table, p->allocated);
        cell_share(table, p->utilization);
        cell_range(table, p->energy_kwh, unit.kwh);
    }
    putchar('\n');
    cli_table_print(table);
}

static void print_tenants(const fy_sim_result *result)
{
    cli_table *table = cli_table_new();

    cli_table_column(table, "TENANT", CLI_LEFT);
    cli_table_column(table, "JOBS", CLI_RIGHT);
    cli_table_column(table, "JCT h", CLI_RIGHT);
    cli_table_column(table, "DEVICE h", CLI_RIGHT);
    cli_table_column(table, "RHO", CLI_RIGHT);
    for (int i = 0; i < result->n_tenants; i++) {
        const fy_sim_tenant *t = &result->tenants[i];

        cli_table_row(table);
        cli_table_cell(table, "%s", t->name);
        cli_table_cell(table, "%lld", (long long)t->jobs);
        cell(table, t->jct_mean_s, s_per_h);
        cell(table, t->device_s, s_per_h);
        cell(table, t->rho_mean, 1);
    }
    putchar('\n');
    cli_table_print(table);
}

/* Every tenth per cent of the inflation experiment. */
static void print_fill(const fy_sim_result *result)
{
    cli_table *table = cli_table_new();

    cli_table_column(table, "ARRIVED", CLI_RIGHT);
    cli_table_column(table, "ALLOC", CLI_RIGHT);
    cli_table_column(table, "FRAG", CLI_RIGHT);
    for (int i = 0; i < result->n_fill; i += 10) {
        cli_table_row(table);
        cell_share(table, result->fill[i].arrived);
        cell_share(table, result->fill[i].allocated);
        cell_share(table, result->fill[i].fragmented);
    }
    putchar('\n');
    cli_table_print(table);
}

/* Which jobs have no place depends on the fleet and the trace, not on the run: said once. */
static void print_never(const sim_run *run)
{
    const fy_sim_result *r = run->result;

    if (r->never_placeable > 0) {
        printf("%lld job%s can never be placed:", (long long)r->never_placeable,
               plural(r->never_placeable));
        for (int k = 0; k < run->never.n; k++) {
            printf("%s %lld %s", k > 0 ? ";" : "", (long long)run->never.list[k].jobs,
                   run->never.list[k].text);
        }
        putchar('\n');
    }
}

/* The most frequent reason why what had not ended does not run. */
static void print_waiting(const sim_reasons *why)
{
    int most = 0;

    for (int k = 1; k < why->n; k++) {
        most = why->list[k].jobs > why->list[most].jobs ? k : most;
    }
    if (why->n > 0 && why->list[most].text[0] != '\0') {
        printf("; %lld of them: %s", (long long)why->list[most].jobs, why->list[most].text);
    }
}

static void print_left(const sim_plan *plan)
{
    for (int i = 0; i < plan->n_runs; i += plan->options->n_seeds) {
        const fy_sim_result *r = plan->runs[i].result;

        if (r->unfinished > 0 && r->n_fill == 0) {
            printf("%s, %s: %lld job%s had not ended when the run did", r->policy, r->costs,
                   (long long)r->unfinished, plural(r->unfinished));
            print_waiting(&plan->runs[i].waiting);
            putchar('\n');
        }
        if (r->dropped > 0) {
            printf("%s: %lld arrival%s found no place\n", r->policy, (long long)r->dropped,
                   plural(r->dropped));
        }
    }
}

void sim_print_table(const sim_plan *plan)
{
    print_header(plan);
    print_runs(plan);
    print_never(&plan->runs[0]);
    print_left(plan);
    if (plan->n_runs == 1) {
        const fy_sim_result *result = plan->runs[0].result;

        if (result->n_fill > 0) {
            print_fill(result);
        } else {
            print_pools(result);
            print_tenants(result);
        }
    }
}
