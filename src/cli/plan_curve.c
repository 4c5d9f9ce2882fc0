/* SPDX-License-Identifier: MIT */
/* One question over many counts of devices: scaling curves, and the counts that meet a deadline. */
#include "cli/cmd.h"
#include "cli/plan_ask.h"
#include "cli/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_POINTS = 24 }; /* doublings of 1 up to FY_MAX_DEVICES, and both ends */

/* Returns 0, or an exit code after printing. */
static int measure(plan_point *p, const plan_question *q, int devices)
{
    plan_answer a;
    *p = (plan_point){.devices = devices};
    fy_err err = {0};
    a.cluster = plan_cluster(q, devices);
    fy_search_spec spec = plan_spec(q, &a.cluster);
    spec.top = 1;
    spec.front = false;
    if (fy_search_run(&a.found, &spec, &err) != 0) {
        return err.code == FY_EINFEASIBLE ? 0 : cli_fail_err(&err);
    }
    int code = 0;
    if (a.found.unknown != NULL) {
        code = cli_fail(CLI_NO, "unknown: the %s of %s", a.found.unknown, q->chip->id);
    } else if (a.found.n_top > 0) {
        p->best = a.found.top[0];
        p->costs = plan_costs_of(q, &p->best.estimate, devices);
        p->fits = true;
    }
    fy_search_free(&a.found);
    return code;
}

static void columns(cli_table *t, const plan_question *q)
{
    cli_table_column(t, "DEVICES", CLI_RIGHT);
    cli_table_column(t, "STEP", CLI_RIGHT);
    cli_table_column(t, "TOKENS/S", CLI_RIGHT);
    cli_table_column(t, "SCALING", CLI_RIGHT);
    cli_table_column(t, "MFU", CLI_RIGHT);
    cli_table_column(t, "W/DEVICE", CLI_RIGHT);
    cli_table_column(t, fy_known(q->tokens) ? "TRAINING" : "1e12 TOKENS", CLI_RIGHT);
    cli_table_column(t, "ENERGY", CLI_RIGHT);
    cli_table_column(t, "MONEY", CLI_RIGHT);
    cli_table_column(t, "LAYOUT", CLI_LEFT);
}

/* How often a step is done for the training, else for 1e12 tokens. */
static double times(const plan_question *q)
{
    return (fy_known(q->tokens) ? q->tokens : 1e12) / ((double)q->batch * q->model.seq_len);
}

static double wall_s(const plan_question *q, const plan_point *p)
{
    double steps = times(q) * p->best.estimate.step_s;
    return fy_known(p->costs.goodput.wall_s) ? p->costs.goodput.wall_s : steps;
}

static void row(cli_table *t, const plan_question *q, const char *name, const plan_point *p,
                const plan_point *first)
{
    char text[PLAN_TEXT];
    const fy_estimate *e = &p->best.estimate;
    cli_table_row(t);
    if (name != NULL) {
        cli_table_cell(t, "%s", name);
    }
    cli_table_cell(t, "%d", p->devices);
    if (!p->fits) {
        cli_table_cell(t, "no layout fits");
        return;
    }
    double each = e->tokens_per_s / p->devices;
    double base = first->best.estimate.tokens_per_s / first->devices;
    cli_table_cell(t, "%.4g s", e->step_s);
    cli_table_cell(t, "%.4g", e->tokens_per_s);
    cli_table_cell(t, "%.1f %%", each / base * 100);
    cli_table_cell(t, "%.1f %%", e->mfu * 100);
    cli_table_cell(t, "%.0f", e->device_w);
    cli_table_cell(t, "%s", plan_time_text(text, wall_s(q, p)));
    cli_table_cell(t, "%s", plan_energy_text(text, p->costs.site_j * times(q)));
    cli_table_cell(t, "%s", plan_money_text(text, q, p->costs.money * times(q)));
    cli_table_cell(t, "%s", plan_layout_text(text, &p->best.layout));
}

static void show_curve(const plan_question *q, const plan_point *points, int n)
{
    const plan_point *first = &points[0];
    cli_table *t = cli_table_new();
    columns(t, q);
    for (int i = 0; i < n; i++) {
        first = first->fits ? first : &points[i];
        row(t, q, NULL, &points[i], first);
    }
    printf("%s on %s, %s, %s, batch %d x %d tokens; scaling against the first row that fits\n",
           q->workload->name, q->chip->id, q->stack->id, fy_precision_name(q->precision), q->batch,
           q->model.seq_len);
    plan_show_grade(q);
    cli_table_print(t);
}

int plan_curve(const plan_question *q)
{
    plan_point points[MAX_POINTS];
    int n = 0;
    bool any = false;
    int devices = q->low;
    for (bool last = false; !last; devices = devices <= q->high / 2 ? 2 * devices : q->high) {
        assert(n < MAX_POINTS);
        last = devices == q->high;
        int code = measure(&points[n], q, devices);
        if (code != 0) {
            return code;
        }
        any = points[n++].fits || any;
    }
    if (q->ask->json) {
        plan_json_curve(q, points, n);
    } else {
        show_curve(q, points, n);
    }
    return any ? CLI_OK : CLI_NO;
}

/* ------------------------------------------------------------------------------- deadline */

/* Counts of whole nodes with factors 2, 3 and 5 only: others cut neither model nor batch. */
static bool is_smooth(int n)
{
    for (int f = 2; f <= 5; f++) {
        while (n % f == 0) {
            n /= f;
        }
    }
    return n == 1;
}

typedef struct winners {
    plan_point fewest, cheapest, coolest;
    double shortest_s; /* of all that fit; 0: none does */
    int shortest_on;   /* devices */
    int tried, meeting;
} winners;

static void consider(winners *w, const plan_question *q, const plan_point *p)
{
    w->tried++;
    if (!p->fits) {
        return;
    }
    double takes_s = wall_s(q, p);
    if (!(w->shortest_s > 0) || takes_s < w->shortest_s) {
        w->shortest_s = takes_s;
        w->shortest_on = p->devices;
    }
    if (takes_s > q->ask->deadline_s) {
        return;
    }
    if (w->meeting++ == 0) {
        w->fewest = w->cheapest = w->coolest = *p;
        return;
    }
    if (p->costs.money < w->cheapest.costs.money) {
        w->cheapest = *p;
    }
    if (p->costs.site_j < w->coolest.costs.site_j) {
        w->coolest = *p;
    }
}

/* Fewest devices that could do it at the full dense rate: below that nothing needs a search. */
static int least_devices(const plan_question *q)
{
    double flops = q->tokens * fy_model_flops_per_token(&q->model, false);
    double peak = fmax(fy_known(q->chip->fp8.mid) ? q->chip->fp8.mid : 0,
                       fmax(q->chip->bf16.mid, q->chip->fp16.mid));
    double least = flops / peak / q->ask->deadline_s / 2; /* causal attention may be halved */
    return least < q->high ? (int)least : q->high;
}

static int too_late(const plan_question *q, const winners *w, const char *deadline)
{
    char shortest[2 * PLAN_TEXT] = "it fits on none";
    if (w->shortest_s > 0) {
        char takes[PLAN_TEXT];
        plan_time_text(takes, w->shortest_s);
        snprintf(shortest, sizeof shortest, "at best it takes %s, on %d", takes, w->shortest_on);
    }
    return cli_fail(CLI_NO,
                    "%s does not train %.4g tokens in %s on up to %d %s: %s (%d count%s tried)",
                    q->workload->id, q->tokens, deadline, q->high, q->chip->id, shortest, w->tried,
                    w->tried == 1 ? "" : "s");
}

static int show_winners(const plan_question *q, const winners *w)
{
    const plan_point *const points[] = {&w->fewest, &w->cheapest, &w->coolest};
    static const char *const names[] = {"fewest devices", "least money", "least energy"};
    char deadline[PLAN_TEXT];
    plan_time_text(deadline, q->ask->deadline_s);
    if (w->meeting == 0) {
        return too_late(q, w, deadline);
    }
    if (q->ask->json) {
        plan_json_deadline(q, points, w->tried, w->meeting);
        return CLI_OK;
    }
    printf("%s, %.4g tokens in %s on up to %d %s: %d of %d counts do\n", q->workload->name,
           q->tokens, deadline, q->high, q->chip->id, w->meeting, w->tried);
    plan_show_grade(q);
    cli_table *t = cli_table_new();
    cli_table_column(t, "", CLI_LEFT);
    columns(t, q);
    for (int i = 0; i < 3; i++) {
        bool known = i != 1 || fy_known(points[i]->costs.money);
        row(t, q, known ? names[i] : "(money unknown)", points[i], &w->fewest);
    }
    cli_table_print(t);
    return CLI_OK;
}

int plan_deadline(const plan_question *q)
{
    if (!fy_known(q->tokens)) {
        return cli_fail(CLI_NO, "unknown: the tokens of the training; give --tokens");
    }
    winners w = {0};
    int per_node = q->cluster.per_node;
    int from = least_devices(q);
    from = q->low < q->high && q->low > from ? q->low : from;
    for (int n = 1; n <= q->high; n = n < per_node ? n * 2 : n + per_node) {
        plan_point p;
        n = n > per_node ? n / per_node * per_node : n;
        if (n < from || !is_smooth(n >= per_node ? n / per_node : n)) {
            continue;
        }
        int code = measure(&p, q, n);
        if (code != 0) {
            return code;
        }
        consider(&w, q, &p);
    }
    return show_winners(q, &w);
}
