/* SPDX-License-Identifier: MIT */
/* A plan on several types of chip for people: who holds what, and what each type adds. */
#include "base/units.h"
#include "cli/plan_mixed.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

static const double gib = 1073741824.0;

static void add(char *out, int count, int layers)
{
    size_t at = strlen(out);
    if (count > 0) {
        snprintf(out + at, PLAN_TEXT - at, "%s%d x %d", at > 0 ? ", " : "", count, layers);
    }
}

char *plan_stages_text(char out[PLAN_TEXT], const plan_mixed *m, const fy_mixed_plan *plan, int at)
{
    const fy_mixed_part *p = &plan->part[at];
    out[0] = '\0';
    if (plan->kind != FY_MIXED_PIPELINE) {
        snprintf(out, PLAN_TEXT, "%d on %d", m->type[0].model.layers, p->stages);
        return out;
    }
    bool head = at == 0;
    bool tail = at == plan->n_parts - 1;
    int others = p->stages - head - tail;
    int odd = others > 0 ? p->middle % others : 0;
    if (head) {
        add(out, 1, plan->first);
    }
    if (others > 0) {
        add(out, odd, p->middle / others + 1);
        add(out, others - odd, p->middle / others);
    }
    if (tail) {
        add(out, 1, plan->last);
    }
    return out;
}

static void show_head(const plan_mixed *m)
{
    const plan_question *q = &m->type[0];
    fy_params p = fy_model_params(&q->model);
    char net[FY_UNITS_TEXT];
    printf("%s: %.4g B parameters, batch %d x %d tokens, %s, %s\n", q->workload->name,
           p.total / 1e9, q->batch, q->model.seq_len, fy_precision_name(q->precision),
           q->stack->id);
    for (int k = 0; k < m->n; k++) {
        const plan_question *t = &m->type[k];
        printf("up to %d %s in nodes of %d (%s), network %s a node\n", t->high, t->chip->id,
               t->cluster.per_node, t->shape_from,
               fy_units_format(net, t->cluster.nic_bytes_per_s, FY_DIM_BYTES_PER_S));
    }
}

static void show_step(const plan_mixed *m)
{
    static const char *const kinds[FY_N_MIXED_KINDS] = {
        "one type alone", "whole replicas of each type", "pipelines over the types"};
    const fy_mixed_estimate *e = &m->found.best.estimate;
    char energy[PLAN_TEXT], site[PLAN_TEXT], money[PLAN_TEXT];
    printf("\nBest by %s: %s\n", fy_objective_name(m->spec.objective),
           kinds[m->found.best.plan.kind]);
    printf("  step      %.4g s (%.4g .. %.4g in 8 of 10 cases)\n", e->step_s, e->low_s, e->high_s);
    printf("  tokens    %.4g /s\n", e->tokens_per_s);
    printf("  MFU       %.1f %% of the dense peak\n", e->mfu * 100);
    printf("  energy    %s a step, %s with servers and site as far as known\n",
           plan_energy_text(energy, e->energy_j), plan_energy_text(site, e->site_j));
    printf("  money     %s a step\n", plan_money_text(money, &m->type[0], e->money));
    plan_training t = plan_mixed_training(m, &m->found.best);
    if (fy_known(t.wall_s)) {
        double deadline_s = m->type[0].ask->deadline_s;
        char time[PLAN_TEXT];
        printf("  training  %.3g tokens in %s, %s, %s", m->type[0].tokens,
               plan_time_text(time, t.wall_s), plan_energy_text(site, e->site_j * t.steps),
               plan_money_text(money, &m->type[0], e->money * t.steps));
        if (fy_known(t.goodput.share)) {
            printf("; %.1f %% of the time in steps that count", t.goodput.share * 100);
        }
        if (fy_known(deadline_s)) {
            printf("; the deadline is %s", plan_mixed_meets(m, &t) ? "met" : "not met");
        }
        puts("");
    }
    if (e->exchange_s > 0) {
        printf("  exchange  %.4g s of the step sum gradients between the types\n", e->exchange_s);
    }
}

static void show_parts(const plan_mixed *m)
{
    const fy_mixed_plan *plan = &m->found.best.plan;
    bool pipeline = plan->kind == FY_MIXED_PIPELINE;
    char text[PLAN_TEXT], power[FY_UNITS_TEXT];
    cli_table *t = cli_table_new();
    cli_table_column(t, "CHIP", CLI_LEFT);
    cli_table_column(t, "DEVICES", CLI_RIGHT);
    cli_table_column(t, pipeline ? "STAGES x LAYERS" : "LAYERS ON STAGES", CLI_LEFT);
    cli_table_column(t, "REPLICAS", CLI_RIGHT);
    cli_table_column(t, "BATCH EACH", CLI_RIGHT);
    cli_table_column(t, "SHARE", CLI_RIGHT);
    cli_table_column(t, "WAITS", CLI_RIGHT);
    cli_table_column(t, "GiB", CLI_RIGHT);
    cli_table_column(t, "POWER", CLI_RIGHT);
    for (int i = 0; i < plan->n_parts; i++) {
        const fy_mixed_part *p = &plan->part[i];
        const fy_estimate *e = &m->found.best.estimate.part[i];
        double share = (double)p->layout.global_batch / m->spec.global_batch;
        cli_table_row(t);
        cli_table_cell(t, "%s", m->type[p->type].chip->id);
        cli_table_cell(t, "%d", p->devices);
        cli_table_cell(t, "%s", plan_stages_text(text, m, plan, i));
        cli_table_cell(t, "%d", p->layout.dp);
        cli_table_cell(t, "%d", p->layout.global_batch / p->layout.dp);
        cli_table_cell(t, "%.1f %%", share * 100);
        cli_table_cell(t, "%.1f %%", e->term_s[FY_T_BUBBLE] / e->step_s * 100);
        cli_table_cell(t, "%.1f of %.1f", e->memory.device_used / gib, e->memory.capacity / gib);
        cli_table_cell(t, "%s", fy_units_format(power, e->device_w, FY_DIM_POWER));
    }
    puts("");
    cli_table_print(t);
    for (int i = 0; i < plan->n_parts; i++) {
        printf("  %s: %s\n", m->type[plan->part[i].type].chip->id,
               plan_layout_text(text, &plan->part[i].layout));
    }
}

static void show_terms(const plan_mixed *m)
{
    const fy_mixed_ranked *best = &m->found.best;
    cli_table *t = cli_table_new();
    cli_table_column(t, "SECONDS", CLI_LEFT);
    for (int i = 0; i < best->plan.n_parts; i++) {
        cli_table_column(t, m->type[best->plan.part[i].type].chip->id, CLI_RIGHT);
    }
    for (int term = 0; term < FY_N_TERMS; term++) {
        bool some = false;
        for (int i = 0; i < best->plan.n_parts; i++) {
            some = some || best->estimate.part[i].term_s[term] > 1e-9;
        }
        if (!some) {
            continue;
        }
        cli_table_row(t);
        cli_table_cell(t, "%s", fy_term_name((fy_term)term));
        for (int i = 0; i < best->plan.n_parts; i++) {
            cli_table_cell(t, "%.4g", best->estimate.part[i].term_s[term]);
        }
    }
    puts("\nMean of the devices of each type; bubble is all waiting for others:");
    cli_table_print(t);
}

/* What a type contributes: the best without it. */
static void show_without(const plan_mixed *m)
{
    double best = m->found.best.estimate.value;
    puts("");
    for (int k = 0; k < m->n; k++) {
        if (m->without[k] < (double)INFINITY) {
            printf("without %s %+.1f %% %s\n", m->type[k].chip->id,
                   (m->without[k] / best - 1) * 100, fy_objective_name(m->spec.objective));
        } else {
            printf("without %s nothing fits\n", m->type[k].chip->id);
        }
    }
}

void plan_mixed_show(const plan_mixed *m)
{
    show_head(m);
    show_step(m);
    show_parts(m);
    show_terms(m);
    show_without(m);
}
