/* SPDX-License-Identifier: MIT */
/*
 * Results as JSON: the members that docs/sim.md lists, shares as fractions of 1, unknown as null.
 * With --seeds a number is the mean over the seeds; `ci95` stands beside a member called mean, and
 * at the end of the run for every other number of the top.
 */
#include "cli/json.h"
#include "cli/sim_results.h"

#include <string.h>

static json_t *interval(sim_mean m)
{
    return json_pack("{s:o, s:o}", "low", cli_json_real(m.low), "high", cli_json_real(m.high));
}

static json_t *range(fy_range r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "low", cli_json_real(r.low), "mid",
                     cli_json_real(r.mid), "high", cli_json_real(r.high), "source",
                     cli_json_text(r.source));
}

/* ------------------------------------------------------------------ one policy and costs */

/* The object in which the field stands: the run itself, or its group. */
static json_t *home_of(json_t *run, const sim_field *field)
{
    json_t *group;

    if (field->group == NULL) {
        return run;
    }
    group = json_object_get(run, field->group);
    if (group == NULL) {
        group = json_object();
        json_object_set_new(run, field->group, group);
    }
    return group;
}

static void put_field(json_t *run, json_t *ci95, const sim_run *runs, int n, const sim_field *field)
{
    sim_mean m = sim_mean_at(runs, n, field);
    json_t *home = home_of(run, field);

    json_object_set_new(home, field->name,
                        field->kind == SIM_COUNT && n == 1 ? json_integer((json_int_t)m.mean)
                                                           : cli_json_real(m.mean));
    if (n > 1 && field->group == NULL) {
        json_object_set_new(ci95, field->name, interval(m));
    } else if (n > 1 && (strcmp(field->name, "mean") == 0 || strcmp(field->name, "mid") == 0)) {
        json_object_set_new(home, "ci95", interval(m));
    }
}

static const fy_sim_tenant *tenant_called(const fy_sim_result *result, const char *name)
{
    for (int i = 0; i < result->n_tenants; i++) {
        if (strcmp(result->tenants[i].name, name) == 0) {
            return &result->tenants[i];
        }
    }
    return NULL;
}

static json_t *tenants_json(const sim_run *runs, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < runs[0].result->n_tenants; i++) {
        const char *name = runs[0].result->tenants[i].name;
        double jobs[SIM_MAX_SEEDS], jct[SIM_MAX_SEEDS], device[SIM_MAX_SEEDS], rho[SIM_MAX_SEEDS];
        int count = 0;
        sim_mean m;
        json_t *o;

        for (int k = 0; k < n; k++) {
            const fy_sim_tenant *t = tenant_called(runs[k].result, name);

            if (t != NULL) {
                jobs[count] = (double)t->jobs;
                jct[count] = t->jct_mean_s;
                device[count] = t->device_s;
                rho[count++] = t->rho_mean;
            }
        }
        m = sim_mean_of(jct, count);
        o = json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", cli_json_text(name), "jobs",
                      n == 1 ? json_integer((json_int_t)runs[0].result->tenants[i].jobs)
                             : cli_json_real(sim_mean_of(jobs, count).mean),
                      "jct_mean_s", cli_json_real(m.mean), "device_s",
                      cli_json_real(sim_mean_of(device, count).mean), "rho_mean",
                      cli_json_real(sim_mean_of(rho, count).mean));
        if (n > 1) {
            json_object_set_new(o, "ci95", json_pack("{s:o}", "jct_mean_s", interval(m)));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *pools_json(const sim_run *runs, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < runs[0].result->n_pools; i++) {
        const fy_sim_pool *first = &runs[0].result->pools[i];
        fy_sim_pool sum = {0};

        for (int k = 0; k < n; k++) {
            const fy_sim_pool *p = &runs[k].result->pools[i];

            sum.allocated += p->allocated / n;
            sum.utilization += p->utilization / n;
            sum.energy_kwh.low += p->energy_kwh.low / n;
            sum.energy_kwh.mid += p->energy_kwh.mid / n;
            sum.energy_kwh.high += p->energy_kwh.high / n;
        }
        json_array_append_new(
            list,
            json_pack("{s:s, s:I, s:o, s:o, s:{s:o, s:o, s:o}}", "chip", first->chip, "devices",
                      (json_int_t)first->devices, "allocated", cli_json_real(sum.allocated),
                      "utilization", cli_json_real(sum.utilization), "energy_kwh", "low",
                      cli_json_real(sum.energy_kwh.low), "mid", cli_json_real(sum.energy_kwh.mid),
                      "high", cli_json_real(sum.energy_kwh.high)));
    }
    return list;
}

static json_t *fill_json(const sim_run *runs, int n)
{
    json_t *list = json_array();
    int rows = runs[0].result->n_fill;

    for (int k = 1; k < n; k++) {
        rows = runs[k].result->n_fill < rows ? runs[k].result->n_fill : rows;
    }
    for (int i = 0; i < rows; i++) {
        double allocated[SIM_MAX_SEEDS], fragmented[SIM_MAX_SEEDS];
        sim_mean a, f;
        json_t *o;

        for (int k = 0; k < n; k++) {
            allocated[k] = runs[k].result->fill[i].allocated;
            fragmented[k] = runs[k].result->fill[i].fragmented;
        }
        a = sim_mean_of(allocated, n);
        f = sim_mean_of(fragmented, n);
        o = json_pack("{s:o, s:o, s:o}", "arrived", cli_json_real(runs[0].result->fill[i].arrived),
                      "allocated", cli_json_real(a.mean), "fragmented", cli_json_real(f.mean));
        if (n > 1) {
            json_object_set_new(
                o, "ci95",
                json_pack("{s:o, s:o}", "allocated", interval(a), "fragmented", interval(f)));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static void put_ends(json_t *run, const sim_run *runs, int n)
{
    double cpu_s = 0;
    char digest[20];

    for (int k = 0; k < n; k++) {
        cpu_s += runs[k].cpu_s / n;
    }
    (void)snprintf(digest, sizeof digest, "%016llx", (unsigned long long)runs[0].result->digest);
    json_object_set_new(run, "cpu_s", cli_json_real(cpu_s));
    json_object_set_new(run, "digest", n == 1 ? json_string(digest) : json_null());
    json_object_set_new(run, "journal_sha256",
                        n == 1 && runs[0].sha256[0] != '\0' ? json_string(runs[0].sha256)
                                                            : json_null());
}

static json_t *run_json(const sim_run *runs, int n)
{
    const fy_sim_result *first = runs[0].result;
    json_t *ci95 = json_object();
    json_t *run = json_pack("{s:s, s:s, s:s}", "policy", first->policy, "placement",
                            first->placement, "costs", first->costs);

    if (n > 1) {
        json_object_set_new(run, "seeds", json_integer(n));
    }
    for (const sim_field *f = sim_fields; f->name != NULL; f++) {
        put_field(run, ci95, runs, n, f);
        if (strcmp(f->name, "high") == 0 && strcmp(f->group, "cost") == 0) {
            json_object_set_new(run, "currency", cli_json_text(first->currency));
        }
    }
    json_object_set_new(
        run, "assumed_energy_share",
        cli_json_real(sim_mean_real(runs, n, offsetof(fy_sim_result, assumed_energy_share))));
    json_object_set_new(run, "tenants", tenants_json(runs, n));
    json_object_set_new(run, "pools", pools_json(runs, n));
    json_object_set_new(run, "fill", fill_json(runs, n));
    put_ends(run, runs, n);
    if (n > 1) {
        json_object_set(run, "ci95", ci95);
    }
    json_decref(ci95);
    return run;
}

/* ------------------------------------------------------------------ the whole */

/* Power of each chip that rests on assumptions, as of the first pool that has it. */
static json_t *power_json(const fy_site *site)
{
    json_t *list = json_array();
    bool seen[FY_MAX_CHIPS] = {false};

    for (int p = 0; p < site->n_pools; p++) {
        const fy_pool_spec *pool = &site->pools[p];
        bool known = fy_known(pool->active_w.mid) && pool->active_w.grade != FY_GRADE_ASSUMED &&
                     pool->idle_w.grade != FY_GRADE_ASSUMED &&
                     pool->overhead_w.grade != FY_GRADE_ASSUMED;

        if (!known && !seen[pool->chip]) {
            json_array_append_new(
                list, json_pack("{s:s, s:o, s:o, s:o}", "chip", site->chips[pool->chip]->id,
                                "idle_w", range(pool->idle_w), "active_w", range(pool->active_w),
                                "node_w", range(pool->overhead_w)));
        }
        seen[pool->chip] = true;
    }
    return list;
}

static json_t *assumed_json(const sim_plan *plan)
{
    const fy_site *site = plan->site;

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "restart_s",
                     cli_json_real((double)FY_DEFAULT_RESTART_US / 1e6), "checkpoint_s",
                     cli_json_real((double)FY_DEFAULT_CHECKPOINT_US / 1e6), "mix_jobs",
                     json_integer((json_int_t)plan->input->n_jobs), "pue", range(site->pue),
                     "price_per_kwh", range(site->price_per_kwh), "power", power_json(site),
                     "planner", cli_planner_json(plan->input->planner, plan->input->n_planned));
}

void sim_print_json(const sim_plan *plan)
{
    const sim_options *o = plan->options;
    json_t *runs = json_array();
    json_t *root;

    for (int i = 0; i < plan->n_runs; i += o->n_seeds) {
        json_array_append_new(runs, run_json(&plan->runs[i], o->n_seeds));
    }
    root = json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "fleet", plan->site->name, "trace",
                     cli_json_text(o->trace), "format", plan->input->about.format, "format_tested",
                     plan->input->about.tested, "assumed", assumed_json(plan), "runs", runs);
    if (o->skip_bad) {
        json_object_set_new(root, "skipped_rows",
                            json_integer((json_int_t)plan->input->about.skipped));
    }
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    putchar('\n');
    json_decref(root);
}
