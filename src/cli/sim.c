/* SPDX-License-Identifier: MIT */
/*
 * `fuyao sim`: which runs the options ask for (policies x costs x seeds), each with a source and
 * files of its own, side by side; then what came of them.
 */
#include "cli/sim.h"

#include "cli/cmd.h"
#include "cli/sim_results.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ one run */

static void count_reason(sim_reasons *reasons, const char *text)
{
    int k = 0;

    while (k < reasons->n && strcmp(reasons->list[k].text, text) != 0) {
        k++;
    }
    if (k < SIM_MAX_REASONS) {
        reasons->list[k].text = text;
        reasons->list[k].jobs++;
        reasons->n = k == reasons->n ? k + 1 : reasons->n;
    }
}

/* Why jobs have not started, counted; and every job to the file, if there is one. */
static void note_job(void *ctx, const fy_sim_job *job)
{
    sim_run *run = ctx;

    if (run->write_job != NULL) {
        run->write_job(run->write_job_ctx, job);
    }
    if (strcmp(job->state, "never") == 0) {
        count_reason(&run->never, job->reason);
    } else if (strcmp(job->state, "waiting") == 0 || strcmp(job->state, "held") == 0) {
        count_reason(&run->waiting, job->reason);
    }
}

static int64_t to_us(double s)
{
    return (int64_t)(s * 1e6 + 0.5);
}

static fy_sim_options sim_of(const sim_plan *plan, sim_run *run)
{
    const sim_options *o = plan->options;
    fy_sim_options sim = fy_sim_options_default(plan->site);

    sim.sched = (fy_sched_options){.policy = run->policy,
                                   .placement = o->placement,
                                   .settings = o->settings,
                                   .n_settings = o->n_settings,
                                   .seed = run->seed};
    sim.costs = run->costs;
    sim.limits = o->limits;
    sim.limit_factor = o->limit_factor;
    sim.rho = o->rho;
    sim.round_us = to_us(o->round_s);
    sim.round_hold_us = to_us(o->round_hold_s);
    sim.whole_steps = o->whole_steps;
    sim.until_us = fy_known(o->until_s) ? to_us(o->until_s) : INT64_MAX;
    sim.mtbf_s = o->mtbf_s;
    sim.repair_s = o->repair_s;
    sim.rack_share = o->rack_share;
    sim.seed = run->seed;
    sim.power_cap_w = o->power_cap_w;
    sim.happenings = plan->events.list;
    sim.n_happenings = (int)plan->events.n;
    sim.mix_jobs = plan->input->jobs;
    sim.n_mix_jobs = (int64_t)plan->input->n_jobs;
    sim.progress = sim_progress_note;
    sim.progress_ctx = run;
    return sim;
}

static int run_trace(const sim_plan *plan, sim_run *run, fy_sim_options *sim)
{
    sim_source source;
    int status = sim_source_open(&source, plan->input, &run->err);

    if (status == 0) {
        double begun_s = sim_cpu_s();

        sim->source = (fy_source){sim_source_next, &source};
        status = fy_sim_run(&run->result, sim, &run->err);
        run->cpu_s = sim_cpu_s() - begun_s - source.read_s;
    }
    sim_source_close(&source, plan->input);
    return status;
}

static int run_inflation(const sim_plan *plan, sim_run *run, const fy_sim_options *sim)
{
    double begun_s = sim_cpu_s();
    int status = fy_sim_inflate(&run->result, sim, plan->input->jobs, (int64_t)plan->input->n_jobs,
                                plan->options->inflate, run->seed, &run->err);

    run->cpu_s = sim_cpu_s() - begun_s;
    return status;
}

static bool do_run(void *ctx, int i)
{
    const sim_plan *plan = ctx;
    sim_run *run = &plan->runs[i];
    fy_sim_options sim = sim_of(plan, run);
    sim_output *output;
    int closed;

    run->status = sim_output_open(&output, plan->options, &sim, &run->err);
    run->write_job = sim.job_done;
    run->write_job_ctx = sim.job_done_ctx;
    sim.job_done = note_job;
    sim.job_done_ctx = run;
    if (run->status == 0) {
        run->status = fy_known(plan->options->inflate) ? run_inflation(plan, run, &sim)
                                                       : run_trace(plan, run, &sim);
    }
    closed = sim_output_close(output, run->status == 0, run->sha256,
                              run->status == 0 ? &run->err : NULL);
    run->status = run->status != 0 ? run->status : closed;
    return run->status == 0;
}

/* ------------------------------------------------------------------ all runs */

static void plan_runs(sim_plan *plan)
{
    const sim_options *o = plan->options;
    int n = 0;

    plan->n_runs = o->n_policies * o->n_costs * o->n_seeds;
    plan->runs = fy_calloc((size_t)plan->n_runs, sizeof *plan->runs);
    for (int p = 0; p < o->n_policies; p++) {
        for (int c = 0; c < o->n_costs; c++) {
            for (int s = 0; s < o->n_seeds; s++) {
                plan->runs[n++] = (sim_run){.policy = o->policies[p],
                                            .costs = o->costs[c],
                                            .seed = o->seeds_given ? (uint64_t)s + 1 : o->seed};
            }
        }
    }
}

static int check_policy(const sim_plan *plan, const char *name, fy_err *err)
{
    fy_fleet *fleet = fy_fleet_new();
    fy_sched *sched = NULL;
    sim_run run = {.policy = name};
    fy_sim_options sim = sim_of(plan, &run);
    int status = fy_sched_open(&sched, fleet, &sim.sched, err);

    fy_sched_close(sched);
    fy_fleet_free(fleet);
    return status;
}

/*
 * A policy, placement or setting that does not exist is found before anything is read; a setting's
 * value also where its policy is not among those to run.
 */
static int check_sched(const sim_plan *plan, fy_err *err)
{
    const fy_policy_info *known;
    int status = 0;

    for (int i = 0; i < plan->options->n_policies && status == 0; i++) {
        status = check_policy(plan, plan->options->policies[i], err);
    }
    for (int i = 0; (known = fy_policy_at(i)) != NULL && status == 0; i++) {
        status = check_policy(plan, known->name, err);
    }
    return status;
}

/* Where the trace states costs, the second run counts those; both were planned as default. */
static int choose_costs(sim_plan *plan, fy_err *err)
{
    const sim_options *o = plan->options;
    bool states = plan->input->about.states_costs;

    if (o->costs_given && o->costs[0] == FY_COSTS_TRACE && !states) {
        return fy_fail(err, FY_EINVAL,
                       "--set costs=trace: %.100s states no costs; leave it out or say default",
                       o->trace);
    }
    for (int i = 0; i < plan->n_runs && !o->costs_given; i++) {
        if (plan->runs[i].costs == FY_COSTS_DEFAULT && states) {
            plan->runs[i].costs = FY_COSTS_TRACE;
        }
    }
    return 0;
}

static int run_all(sim_plan *plan, fy_err *err)
{
    int status = 0;

    sim_progress_begin(plan);
    cli_parallel(plan->n_runs, do_run, plan);
    sim_progress_end();
    for (int i = 0; i < plan->n_runs && status == 0; i++) {
        status = plan->runs[i].status;
        *err = status != 0 ? plan->runs[i].err : *err;
    }
    return status;
}

/* ------------------------------------------------------------------ what the runs share */

typedef struct world {
    fy_catalog *catalog;
    fy_site *site, *replaced; /* replaced: NULL without --replace */
    sim_replace replace;
    cli_planner *planner;
    sim_input input;
} world;

static int load_world(world *w, sim_plan *plan, fy_err *err)
{
    const sim_options *o = plan->options;
    int status = fy_site_load(&w->site, w->catalog, o->fleet, err);

    if (status == 0 && o->replace_from != NULL) {
        status = fy_site_replace(&w->replaced, w->site, o->replace_from, o->replace_to,
                                 o->replace_ratio, err);
        if (status == 0) {
            sim_replace_init(&w->replace, w->site, w->replaced, o->replace_from, o->replace_to);
        }
    }
    if (status != 0) {
        return status;
    }
    plan->site = w->replaced != NULL ? w->replaced : w->site;
    plan->input = &w->input;
    w->planner =
        cli_planner_new(plan->site, w->site, w->replaced != NULL ? w->replace.renumbered : NULL);
    w->replace.planner = cli_planner_face(w->planner);
    w->input = (sim_input){.options = o,
                           .read_site = w->site,
                           .replace = w->replaced != NULL ? &w->replace : NULL,
                           .planner = w->planner,
                           .n_runs = plan->n_runs,
                           .spool = -1};
    status = check_sched(plan, err);
    if (status == 0 && o->events != NULL) {
        status = sim_events_read(&plan->events, o->events, plan->site, err);
    }
    status = status == 0 ? sim_input_open(&w->input, err) : status;
    return status == 0 ? choose_costs(plan, err) : status;
}

static void free_world(world *w, sim_plan *plan)
{
    for (int i = 0; i < plan->n_runs; i++) {
        fy_sim_result_free(plan->runs[i].result);
    }
    free(plan->runs);
    sim_events_free(&plan->events);
    sim_input_close(&w->input);
    cli_planner_free(w->planner);
    fy_site_free(w->replaced);
    fy_site_free(w->site);
    fy_catalog_free(w->catalog);
}

static int simulate(const sim_options *options)
{
    world w = {.input.spool = -1};
    sim_plan plan = {.options = options};
    fy_err err = {0};
    int rc = cli_catalog(&w.catalog);

    if (rc != 0) {
        return rc;
    }
    plan_runs(&plan);
    if (load_world(&w, &plan, &err) != 0 || run_all(&plan, &err) != 0) {
        rc = cli_fail_err(&err);
    } else {
        sim_input_report(&w.input);
        (options->json ? sim_print_json : sim_print_table)(&plan);
    }
    free_world(&w, &plan);
    return rc;
}

int cmd_sim(int argc, char **argv)
{
    sim_options options;
    bool stop;
    int rc = sim_options_read(&options, &stop, argc, argv);

    (void)signal(SIGXFSZ, SIG_IGN); /* a file grown too large is a failed write, reported as one */
    if (rc == 0 && !stop) {
        rc = simulate(&options);
    }
    sim_options_free(&options);
    return rc;
}
