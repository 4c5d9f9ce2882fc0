/* SPDX-License-Identifier: MIT */
/* A plan for people: the layout, its step, where time and memory go, what it costs, rivals. */
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/plan_ask.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

static const double gib = 1073741824.0;

static const char *grade_word(fy_grade grade)
{
    static const char *const words[] = {"given",   "datasheet", "measured", "recalled",
                                        "derived", "fitted",    "assumed"};
    return words[grade];
}

/* 1234567 as 1,234,567. */
static char *grouped(char out[PLAN_TEXT], long long n)
{
    char plain[32];
    int len = snprintf(plain, sizeof plain, "%lld", n);
    int at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = plain[i];
    }
    out[at] = '\0';
    return out;
}

static void show_head(const plan_question *q, const plan_answer *a)
{
    char net[FY_UNITS_TEXT];
    int per_node = a->cluster.per_node;
    int nodes = (a->devices + per_node - 1) / per_node;
    fy_params p = fy_model_params(&q->model);
    printf("%s: %.4g B parameters, batch %d x %d tokens, %s, %s\n", q->workload->name,
           p.total / 1e9, q->batch, q->model.seq_len, fy_precision_name(q->precision),
           q->stack->id);
    printf("%d %s in %d node%s of %d (%s)", a->devices, q->chip->id, nodes, nodes == 1 ? "" : "s",
           per_node, q->shape_from);
    if (nodes > 1) {
        printf(", network %s a node",
               fy_units_format(net, q->cluster.nic_bytes_per_s, FY_DIM_BYTES_PER_S));
    }
    if (a->devices != q->high && q->low == q->high) {
        printf("; no layout of all %d is faster", q->high);
    }
    puts("");
    plan_show_grade(q);
}

static void show_counts(const plan_question *q, const fy_search_counts *n)
{
    char space[PLAN_TEXT], done[PLAN_TEXT], big[PLAN_TEXT], refused[PLAN_TEXT], skipped[PLAN_TEXT];
    printf("\nBest by %s of %s layouts: %s estimated, %s beyond memory, %s left out by rules",
           fy_objective_name(q->ask->objective), grouped(space, n->space),
           grouped(done, n->evaluated), grouped(big, n->too_big), grouped(refused, n->refused));
    if (n->skipped > 0) {
        printf(", %s that cannot be better", grouped(skipped, n->skipped));
    }
    puts("");
}

static void show_step(const plan_question *q, const plan_answer *a, const fy_estimate *e)
{
    char power[FY_UNITS_TEXT], server[FY_UNITS_TEXT];
    (void)q;
    printf("  step      %.4g s (%.4g .. %.4g in 8 of 10 cases)\n", e->step_s, e->low_s, e->high_s);
    printf("  tokens    %.4g /s, %.4g /s a device\n", e->tokens_per_s,
           e->tokens_per_s / a->devices);
    printf("  MFU       %.1f %% of the dense peak\n", e->mfu * 100);
    printf("  power     %s a device", fy_units_format(power, e->device_w, FY_DIM_POWER));
    if (fy_known(a->prices.overhead_w)) {
        printf(", %s with its share of the server",
               fy_units_format(server, e->device_w + a->prices.overhead_w, FY_DIM_POWER));
    } else {
        printf(", the server's own unknown");
    }
    if (fy_known(a->prices.pue)) {
        printf(", PUE %.3g\n", a->prices.pue);
    } else {
        printf(", PUE unknown\n");
    }
}

static void show_terms(const fy_estimate *e)
{
    static const char bar[] = "########################################";
    cli_table *t = cli_table_new();
    cli_table_column(t, "TIME", CLI_LEFT);
    cli_table_column(t, "SECONDS", CLI_RIGHT);
    cli_table_column(t, "SHARE", CLI_RIGHT);
    cli_table_column(t, "", CLI_LEFT);
    for (int i = 0; i < FY_N_TERMS; i++) {
        double share = e->term_s[i] / e->step_s;
        if (!(e->term_s[i] > 0)) {
            continue;
        }
        cli_table_row(t);
        cli_table_cell(t, "%s", fy_term_name((fy_term)i));
        cli_table_cell(t, "%.4g", e->term_s[i]);
        cli_table_cell(t, "%.1f %%", share * 100);
        cli_table_cell(t, "%.*s", (int)(share * 40 + 0.5), bar);
    }
    puts("");
    cli_table_print(t);
}

static void show_memory(const fy_memory *m)
{
    cli_table *t = cli_table_new();
    cli_table_column(t, "MEMORY", CLI_LEFT);
    cli_table_column(t, "GiB", CLI_RIGHT);
    cli_table_column(t, "OF CAPACITY", CLI_RIGHT);
    for (int i = 0; i < FY_N_MEMORY_TERMS; i++) {
        cli_table_row(t);
        cli_table_cell(t, "%s", fy_memory_term_name((fy_memory_term)i));
        cli_table_cell(t, "%.2f", m->bytes[i] / gib);
        cli_table_cell(t, "%.1f %%", m->bytes[i] / m->capacity * 100);
    }
    puts("");
    cli_table_print(t);
    printf("allocated %.2f GiB, reserved %.2f, in use on the fullest device %.2f of %.2f usable\n",
           m->allocated / gib, m->reserved / gib, m->device_used / gib, m->capacity / gib);
    double spare = m->capacity - m->reserved - m->bytes[FY_M_CONTEXT];
    if (m->fits) {
        printf("fits with %.2f GiB (%.1f %%) to spare beside what is reserved and context\n",
               spare / gib, spare / m->capacity * 100);
    } else if (m->runs) {
        printf("runs short of memory: %.2f GiB of what the allocator reserves is missing\n",
               -spare / gib);
    }
}

static void money_cell(cli_table *t, const plan_question *q, const plan_costs *c, double times)
{
    char mid[PLAN_TEXT], low[PLAN_TEXT], high[PLAN_TEXT];
    plan_money_text(mid, q, c->money * times);
    if (c->money_low < c->money_high) {
        cli_table_cell(t, "%s (%s .. %s)", mid, plan_money_text(low, q, c->money_low * times),
                       plan_money_text(high, q, c->money_high * times));
    } else {
        cli_table_cell(t, "%s", mid);
    }
}

static void costs_row(cli_table *t, const plan_question *q, const plan_costs *c,
                      const fy_estimate *e, const char *what, double times)
{
    char text[PLAN_TEXT];
    cli_table_row(t);
    cli_table_cell(t, "%s", what);
    cli_table_cell(t, "%s", plan_time_text(text, e->step_s * times));
    cli_table_cell(t, "%s", plan_energy_text(text, e->energy_j * times));
    cli_table_cell(t, "%s", plan_energy_text(text, c->site_j * times));
    money_cell(t, q, c, times);
    if (fy_known(q->kwh.mid)) {
        cli_table_cell(t, "%s", plan_money_text(text, q, c->electricity * times));
    }
}

static void show_goodput(const plan_question *q, const plan_costs *c)
{
    char wall[PLAN_TEXT], every[PLAN_TEXT], mtbf[PLAN_TEXT];
    const fy_goodput *g = &c->goodput;
    if (!fy_known(g->wall_s)) {
        printf("failures unknown: give --mtbf, --checkpoint and --restart\n");
        return;
    }
    printf("with failures %s: %.3g of them, checkpoint every %s, %.1f %% of the time counts\n"
           "  (%s: a node fails every %s, a checkpoint takes %.3g s, a restart %.3g min)\n",
           plan_time_text(wall, g->wall_s), g->failures, plan_time_text(every, g->interval_s),
           g->share * 100, grade_word(q->failures_grade),
           plan_time_text(mtbf, q->failures.node_mtbf_s), q->failures.checkpoint_s,
           q->failures.restart_s / 60);
}

static void show_costs(const plan_question *q, const plan_answer *a, const fy_estimate *e)
{
    plan_costs c = plan_costs_of(q, e, a->devices);
    double tokens = (double)q->batch * q->model.seq_len;
    char what[PLAN_TEXT];
    cli_table *t = cli_table_new();
    cli_table_column(t, "COSTS", CLI_LEFT);
    cli_table_column(t, "TIME", CLI_RIGHT);
    cli_table_column(t, "DEVICES", CLI_RIGHT);
    cli_table_column(t, fy_known(a->prices.pue) ? "SITE" : "SERVERS", CLI_RIGHT);
    cli_table_column(t, "MONEY", CLI_RIGHT);
    if (fy_known(q->kwh.mid)) {
        cli_table_column(t, "ELECTRICITY", CLI_RIGHT);
    }
    costs_row(t, q, &c, e, "a step", 1);
    costs_row(t, q, &c, e, "1e12 tokens", 1e12 / tokens);
    if (fy_known(q->tokens)) {
        snprintf(what, sizeof what, "%.4g tokens", q->tokens);
        costs_row(t, q, &c, e, what, c.steps);
    }
    puts("");
    cli_table_print(t);
    if (fy_known(q->device_hour.mid)) {
        printf("device hour: %.3g %s, %s\n", q->device_hour.mid, q->currency,
               grade_word(q->device_hour.grade));
    }
    if (fy_known(q->tokens)) {
        show_goodput(q, &c);
    }
}

/* The term that makes the other one worse: the largest difference. */
static int deciding_term(const fy_estimate *best, const fy_estimate *other)
{
    int at = 0;
    for (int i = 1; i < FY_N_TERMS; i++) {
        if (other->term_s[i] - best->term_s[i] > other->term_s[at] - best->term_s[at]) {
            at = i;
        }
    }
    return at;
}

static void show_rivals(const plan_question *q, const fy_search_result *found)
{
    char layout[PLAN_TEXT];
    if (found->n_top < 2) {
        return;
    }
    cli_table *t = cli_table_new();
    cli_table_column(t, q->ask->top > 0 ? "NEXT" : "RIVAL", CLI_RIGHT);
    cli_table_column(t, "STEP", CLI_RIGHT);
    cli_table_column(t, "LAYOUT", CLI_LEFT);
    cli_table_column(t, "DECIDES", CLI_LEFT);
    const fy_ranked *best = &found->top[0];
    for (int i = 1; i < found->n_top; i++) {
        const fy_ranked *r = &found->top[i];
        int term = deciding_term(&best->estimate, &r->estimate);
        cli_table_row(t);
        cli_table_cell(t, "%+.2f %%", (r->value / best->value - 1) * 100);
        cli_table_cell(t, "%.4g s", r->estimate.step_s);
        cli_table_cell(t, "%s", plan_layout_text(layout, &r->layout));
        cli_table_cell(t, "%s %+.3g s", fy_term_name((fy_term)term),
                       r->estimate.term_s[term] - best->estimate.term_s[term]);
    }
    puts("");
    cli_table_print(t);
}

static void show_front(const fy_search_result *found)
{
    char layout[PLAN_TEXT], energy[PLAN_TEXT];
    if (found->n_front < 2) {
        return;
    }
    printf("\nFaster or with less energy, none both (%d layouts):\n", found->n_front);
    cli_table *t = cli_table_new();
    cli_table_column(t, "STEP", CLI_RIGHT);
    cli_table_column(t, "ENERGY", CLI_RIGHT);
    cli_table_column(t, "LAYOUT", CLI_LEFT);
    for (int i = 0; i < found->n_front; i++) {
        const fy_ranked *r = &found->front[i];
        cli_table_row(t);
        cli_table_cell(t, "%.4g s", r->estimate.step_s);
        cli_table_cell(t, "%s", plan_energy_text(energy, r->estimate.energy_j));
        cli_table_cell(t, "%s", plan_layout_text(layout, &r->layout));
    }
    cli_table_print(t);
}

void plan_show(const plan_question *q, const plan_answer *a)
{
    char layout[PLAN_TEXT];
    const fy_ranked *best = &a->found.top[0];
    show_head(q, a);
    show_counts(q, &a->found.counts);
    printf("  %s\n", plan_layout_text(layout, &best->layout));
    show_step(q, a, &best->estimate);
    show_terms(&best->estimate);
    plan_show_why(q, a);
    show_memory(&best->estimate.memory);
    show_costs(q, a, &best->estimate);
    show_rivals(q, &a->found);
    show_front(&a->found);
}
