/* SPDX-License-Identifier: MIT */
/*
 * Several types of chip over many counts of them, whole trainings on them, and flags for a
 * framework where it can run such a plan.
 */
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/plan_mixed.h"
#include "cli/table.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

enum {
    MAX_POINTS = 24, /* doublings of 1 up to FY_MAX_DEVICES, and both ends */
    MAX_STAGES = 1024,
};

/* ------------------------------------------------------------------------------- training */

/* The longer of two times; unknown where one is. */
static double longer(double a, double b)
{
    return fy_known(a) && !(b <= a) ? b : a;
}

plan_training plan_mixed_training(const plan_mixed *m, const fy_mixed_ranked *r)
{
    const plan_question *q = &m->type[0];
    plan_training t = {.steps = q->tokens / ((double)m->spec.global_batch * q->model.seq_len)};
    fy_failures all = {.restart_s = 0};
    double per_s = 0; /* failures of all nodes */
    int nodes = 0;
    for (int i = 0; i < r->plan.n_parts; i++) {
        const fy_mixed_part *p = &r->plan.part[i];
        const plan_question *of = &m->type[p->type];
        const fy_failures *f = &of->failures;
        int n = (p->devices + of->cluster.per_node - 1) / of->cluster.per_node;
        nodes += n;
        per_s += n / f->node_mtbf_s;
        /* the slowest writer and starter holds up all; unknown stays unknown */
        all.checkpoint_s = longer(all.checkpoint_s, f->checkpoint_s);
        all.restart_s = longer(all.restart_s, f->restart_s);
    }
    all.node_mtbf_s = nodes / per_s;
    t.work_s = t.steps * r->estimate.step_s;
    t.goodput = fy_goodput_of(t.work_s, nodes, &all);
    t.wall_s = fy_known(t.goodput.wall_s) ? t.goodput.wall_s : t.work_s;
    return t;
}

bool plan_mixed_meets(const plan_mixed *m, const plan_training *t)
{
    return !fy_known(m->type[0].ask->deadline_s) || t->wall_s <= m->type[0].ask->deadline_s;
}

/* ------------------------------------------------------------------------------- curve */

typedef struct point {
    int devices[FY_MAX_TYPES];
    bool fits, meets;
    fy_mixed_ranked best;
    plan_training training;
} point;

/* The next count of a type: doubled, at most the last one. */
static int next_count(int now, int high)
{
    return now <= high / 2 ? 2 * now : high;
}

/* Returns 0, or an exit code after printing. */
static int measure(point *p, plan_mixed *m)
{
    fy_err err = {0};
    fy_mixed_result found;
    for (int k = 0; k < m->n; k++) {
        m->spec.types[k].cluster.devices = p->devices[k];
    }
    if (fy_mixed_run(&found, &m->spec, &err) != 0) {
        return cli_fail_err(&err);
    }
    if (found.unknown != NULL) {
        return cli_fail(CLI_NO, "unknown: %s of %s", found.unknown,
                        m->type[found.unknown_type].chip->id);
    }
    p->fits = found.found;
    if (p->fits) {
        p->best = found.best;
        p->training = plan_mixed_training(m, &p->best);
        p->meets = plan_mixed_meets(m, &p->training);
    }
    return 0;
}

static void show_row(cli_table *t, const plan_mixed *m, const point *p)
{
    char text[PLAN_TEXT];
    const fy_mixed_estimate *e = &p->best.estimate;
    double steps = p->training.steps;
    cli_table_row(t);
    for (int k = 0; k < m->n; k++) {
        cli_table_cell(t, "%d", p->devices[k]);
    }
    if (!p->fits) {
        cli_table_cell(t, "no plan fits");
        return;
    }
    cli_table_cell(t, "%.4g s", e->step_s);
    cli_table_cell(t, "%.4g", e->tokens_per_s);
    cli_table_cell(t, "%.1f %%", e->mfu * 100);
    cli_table_cell(t, "%s", fy_mixed_kind_name(p->best.plan.kind));
    if (fy_known(steps)) {
        cli_table_cell(t, "%s", plan_time_text(text, p->training.wall_s));
        cli_table_cell(t, "%s", plan_energy_text(text, e->site_j * steps));
        cli_table_cell(t, "%s", plan_money_text(text, &m->type[0], e->money * steps));
        if (fy_known(m->type[0].ask->deadline_s)) {
            cli_table_cell(t, "%s", p->meets ? "yes" : "no");
        }
    }
}

static void show(const plan_mixed *m, const point *points, int n)
{
    const plan_question *q = &m->type[0];
    cli_table *t = cli_table_new();
    for (int k = 0; k < m->n; k++) {
        cli_table_column(t, m->type[k].chip->id, CLI_RIGHT);
    }
    cli_table_column(t, "STEP", CLI_RIGHT);
    cli_table_column(t, "TOKENS/S", CLI_RIGHT);
    cli_table_column(t, "MFU", CLI_RIGHT);
    cli_table_column(t, "KIND", CLI_LEFT);
    if (fy_known(q->tokens)) {
        cli_table_column(t, "TRAINING", CLI_RIGHT);
        cli_table_column(t, "ENERGY", CLI_RIGHT);
        cli_table_column(t, "MONEY", CLI_RIGHT);
        if (fy_known(q->ask->deadline_s)) {
            cli_table_column(t, "IN TIME", CLI_LEFT);
        }
    }
    for (int i = 0; i < n; i++) {
        show_row(t, m, &points[i]);
    }
    printf("%s, %s, %s, batch %d x %d tokens; counts are the most that may be used\n",
           q->workload->name, q->stack->id, fy_precision_name(q->precision), q->batch,
           q->model.seq_len);
    cli_table_print(t);
}

static json_t *point_json(const plan_mixed *m, const point *p)
{
    const fy_mixed_estimate *e = &p->best.estimate;
    json_t *o = json_object();
    json_t *devices = json_object();
    for (int k = 0; k < m->n; k++) {
        json_object_set_new(devices, m->type[k].chip->id, json_integer(p->devices[k]));
    }
    json_object_set_new(o, "devices", devices);
    json_object_set_new(o, "fits", json_boolean(p->fits));
    if (!p->fits) {
        return o;
    }
    json_object_set_new(o, "kind", json_string(fy_mixed_kind_name(p->best.plan.kind)));
    json_object_set_new(o, "step_s", cli_json_real(e->step_s));
    json_object_set_new(o, "low_s", cli_json_real(e->low_s));
    json_object_set_new(o, "high_s", cli_json_real(e->high_s));
    json_object_set_new(o, "tokens_per_s", cli_json_real(e->tokens_per_s));
    json_object_set_new(o, "mfu", cli_json_real(e->mfu));
    json_object_set_new(o, "energy_j", cli_json_real(e->energy_j));
    json_object_set_new(o, "site_energy_j", cli_json_real(e->site_j));
    json_object_set_new(o, "money", cli_json_real(e->money));
    json_object_set_new(o, "training_wall_s", cli_json_real(p->training.wall_s));
    json_object_set_new(o, "in_time", json_boolean(p->meets));
    return o;
}

static void print_json(const plan_mixed *m, const point *points, int n)
{
    json_t *o = json_object();
    json_t *a = json_array();
    for (int i = 0; i < n; i++) {
        json_array_append_new(a, point_json(m, &points[i]));
    }
    json_object_set_new(o, "schema", json_integer(1));
    json_object_set_new(o, "workload", json_string(m->type[0].workload->id));
    json_object_set_new(o, "on", json_string(m->on));
    json_object_set_new(o, "points", a);
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout); /* a failed write shows in ferror(stdout) */
    json_decref(o);
}

int plan_mixed_curve(plan_mixed *m)
{
    point points[MAX_POINTS];
    int n = 0;
    bool any = false;
    bool more = true;
    memset(points, 0, sizeof points);
    for (int k = 0; k < m->n; k++) {
        points[0].devices[k] = m->type[k].low;
    }
    while (more) {
        int code = measure(&points[n], m);
        if (code != 0) {
            return code;
        }
        any = any || (points[n].fits && points[n].meets);
        more = false;
        for (int k = 0; k < m->n && n + 1 < MAX_POINTS; k++) {
            int now = points[n].devices[k];
            points[n + 1].devices[k] = next_count(now, m->type[k].high);
            more = more || now < m->type[k].high;
        }
        n++;
    }
    if (m->json) {
        print_json(m, points, n);
    } else {
        show(m, points, n);
    }
    return any ? CLI_OK : CLI_NO;
}

/* ------------------------------------------------------------------------------- flags */

/* Do the types' stages differ in nothing but their layers? */
static bool alike(const fy_mixed_plan *plan)
{
    const fy_layout *a = &plan->part[0].layout;
    for (int i = 1; i < plan->n_parts; i++) {
        const fy_layout *b = &plan->part[i].layout;
        if (a->tp != b->tp || a->ep != b->ep || a->seq_parallel != b->seq_parallel ||
            a->recompute != b->recompute || a->overlap != b->overlap) {
            return false;
        }
    }
    return true;
}

/* Layers of every stage in order. */
static void stage_layers(int *layers, const fy_mixed_plan *plan)
{
    int at = 0;
    for (int i = 0; i < plan->n_parts; i++) {
        const fy_mixed_part *p = &plan->part[i];
        bool head = i == 0;
        bool tail = i == plan->n_parts - 1;
        int others = p->stages - head - tail;
        if (head) {
            layers[at++] = plan->first;
        }
        for (int k = 0; k < others; k++) {
            layers[at++] = p->middle / others + (k < p->middle % others);
        }
        if (tail) {
            layers[at++] = plan->last;
        }
    }
}

int plan_mixed_emit(const plan_mixed *m)
{
    const fy_mixed_plan *plan = &m->found.best.plan;
    const fy_mixed_part *p = &plan->part[0];
    const plan_question *q = &m->type[p->type];
    int layers[MAX_STAGES];
    if (plan->kind == FY_MIXED_DATA || !alike(plan) || p->layout.pp > MAX_STAGES) {
        return cli_fail(CLI_NO,
                        "Megatron-LM runs all devices alike; the best plan has %s of its own on "
                        "each type; --fix tp=N, or --emit for one type of chip",
                        plan->kind == FY_MIXED_DATA ? "replicas" : "a layout");
    }
    fy_ranked best = {.layout = p->layout};
    plan_answer a = {.cluster = q->cluster, .found = {.top = &best, .n_top = 1}};
    for (int i = 0; i < plan->n_parts; i++) {
        a.devices += plan->part[i].devices;
    }
    if (plan->kind == FY_MIXED_ONE) {
        return plan_emit(q, &a);
    }
    for (int i = 1; i < plan->n_parts; i++) {
        if (m->type[plan->part[i].type].cluster.per_node != q->cluster.per_node) {
            return cli_fail(CLI_NO,
                            "torchrun wants nodes with as many devices each; %s and %s "
                            "differ",
                            q->chip->id, m->type[plan->part[i].type].chip->id);
        }
    }
    stage_layers(layers, plan);
    return plan_emit_stages(q, &a, layers);
}
