/* SPDX-License-Identifier: MIT */
/*
 * `fuyao chips compare --workload MODEL`: what the planner says of one model on as many devices of
 * each chip, each with its own best layout, and the shares of time on the reference chip, with
 * which the roofline answers the same question.
 */
#include "base/arena.h"
#include "cli/chips.h"
#include "cli/cmd.h"
#include "cli/plan_ask.h"
#include "cli/table.h"
#include "fuyao/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 8, MOST = 4096 };

/* One chip's best layout. */
typedef struct answer {
    const fy_chip *chip;
    fy_cluster cluster;
    fy_search_result found;
} answer;

struct chips_plan {
    fy_workloads *workloads;
    fy_stacks *stacks;
    const fy_workload *workload;
    answer answers[CHIPS_MAX_COMPARED]; /* [n], the reference last */
    int n;
};

/* ------------------------------------------------------------------ searching */

static int find(const chips_plan *p, const fy_catalog *catalog, answer *a, const fy_chip *chip,
                int devices)
{
    const fy_server *server = fy_catalog_usual_server(catalog, chip);
    const fy_stack *stack = fy_stacks_find(p->stacks, "megatron-core");
    fy_err err = {0};

    if (stack == NULL) {
        return cli_fail(CLI_ENVIRONMENT, "data/stacks has no megatron-core");
    }
    a->chip = chip;
    a->cluster = (fy_cluster){.chip = chip,
                              .devices = devices,
                              .per_node = server != NULL ? server->chips : FEWEST,
                              .nic_bytes_per_s =
                                  server != NULL ? server->nic_bits_per_s.mid / 8 : (double)NAN,
                              .power_cap_w = (double)NAN,
                              .link_group = server != NULL ? fy_server_link_group(server) : 0};
    fy_constants constants = fy_stacks_constants(p->stacks, stack, chip, NULL);
    fy_search_spec spec = {.model = &p->workload->model,
                           .cluster = &a->cluster,
                           .stack = stack,
                           .constants = &constants,
                           .global_batch = p->workload->global_batch,
                           .precision = p->workload->precision,
                           .pins = fy_pins_none(),
                           .prices = {(double)NAN, (double)NAN, (double)NAN, (double)NAN},
                           .top = 1};
    fy_search_free(&a->found);
    return fy_search_run(&a->found, &spec, &err) == 0 ? 0 : cli_fail_err(&err);
}

/* `devices` of each; 0: the fewest, in doublings, on which the model fits on every chip. */
static int find_all(chips_plan *p, const fy_catalog *catalog, const fy_chip *const chips[],
                    int devices)
{
    int n = devices > 0 ? devices : FEWEST;

    for (;;) {
        bool too_big = false;

        for (int i = 0; i < p->n; i++) {
            int code = find(p, catalog, &p->answers[i], chips[i], n);

            if (code != 0) {
                return code;
            }
            too_big = too_big || p->answers[i].found.has_closest;
        }
        if (devices > 0 || !too_big || n >= MOST) {
            return 0;
        }
        n *= 2;
    }
}

static int load(chips_plan *p, const char *name)
{
    char folder[CLI_PATH_MAX];
    fy_err err = {0};
    int code = cli_data_dir(folder);

    if (code != 0) {
        return code;
    }
    if (fy_workloads_load(&p->workloads, folder, &err) != 0 ||
        fy_stacks_load(&p->stacks, folder, &err) != 0) {
        return cli_fail_err(&err);
    }
    p->workload = fy_workloads_find(p->workloads, name);
    return 0;
}

static const fy_estimate *estimate_of(const answer *a)
{
    return a->found.n_top > 0 ? &a->found.top[0].estimate : NULL;
}

static void say_why_none(char *out, size_t size, const answer *a)
{
    const fy_memory *m = &a->found.closest.estimate.memory;

    if (a->found.unknown != NULL) {
        (void)snprintf(out, size, "unknown: its %s", a->found.unknown);
    } else if (a->found.has_closest) {
        (void)snprintf(out, size, "does not fit: %.3g GiB too much on a device",
                       (m->reserved + m->bytes[FY_M_CONTEXT] - m->capacity) / 1073741824);
    } else {
        (void)snprintf(out, size, "no layout uses them");
    }
}

/* What bounds each term; waiting in the pipeline and for the slowest is bound as the rest is. */
static void shares_of(const fy_estimate *e, double share[FY_N_BOUNDS])
{
    static const int bound[FY_N_TERMS] = {[FY_T_MATMUL] = FY_COMPUTE,
                                          [FY_T_ATTENTION] = FY_COMPUTE,
                                          [FY_T_ELEMENTWISE] = FY_MEMORY,
                                          [FY_T_EMBEDDING] = FY_COMPUTE,
                                          [FY_T_RECOMPUTE] = FY_COMPUTE,
                                          [FY_T_HOST] = FY_HOST,
                                          [FY_T_TP] = FY_LINK,
                                          [FY_T_CP] = FY_LINK,
                                          [FY_T_EP] = FY_LINK,
                                          [FY_T_PP] = FY_LINK,
                                          [FY_T_BUBBLE] = FY_N_BOUNDS,
                                          [FY_T_DP] = FY_LINK,
                                          [FY_T_OPTIMIZER] = FY_MEMORY,
                                          [FY_T_JITTER] = FY_N_BOUNDS};
    double sum = 0;

    for (int t = 0; t < FY_N_TERMS; t++) {
        if (bound[t] < FY_N_BOUNDS) {
            share[bound[t]] += e->term_s[t];
            sum += e->term_s[t];
        }
    }
    for (int b = 0; b < FY_N_BOUNDS; b++) {
        share[b] /= sum;
    }
}

int chips_plan_open(chips_plan **out, const fy_catalog *catalog, const fy_chip *const chips[],
                    int n, const chips_options *options, fy_mix *mix)
{
    chips_plan *p = fy_calloc(1, sizeof *p);
    const answer *reference = &p->answers[n - 1];
    char why[120];
    int code = load(p, options->workload);

    *out = p;
    p->n = n;
    if (code != 0 || p->workload == NULL) {
        return code;
    }
    if (p->workload->kind == FY_BLACK_BOX || p->workload->global_batch <= 0) {
        return cli_fail(CLI_NO, "unknown: %s of %s",
                        p->workload->kind == FY_BLACK_BOX ? "the sizes" : "the global batch",
                        p->workload->id);
    }
    code = find_all(p, catalog, chips, options->devices);
    if (code == 0 && estimate_of(reference) == NULL) {
        say_why_none(why, sizeof why, reference);
        code = cli_fail(CLI_NO, "%s on %d %s, the reference: %s; --devices N gives it more",
                        p->workload->id, reference->cluster.devices, reference->chip->id, why);
    }
    if (code == 0) {
        *mix = (fy_mix){.id = p->workload->id,
                        .name = p->workload->id,
                        .source = "the planner's terms on the reference chip"};
        shares_of(estimate_of(reference), mix->share);
    }
    return code;
}

void chips_plan_close(chips_plan *p)
{
    if (p != NULL) {
        for (int i = 0; i < p->n; i++) {
            fy_search_free(&p->answers[i].found);
        }
        fy_stacks_free(p->stacks);
        fy_workloads_free(p->workloads);
        free(p);
    }
}

bool chips_plan_found(const chips_plan *p)
{
    return p->workload != NULL;
}

/* ------------------------------------------------------------------ ratios */

/* Of step times; the two intervals are taken as independent, their half widths added in squares. */
static fy_range slowdown(const answer *a, const answer *b)
{
    const fy_estimate *x = estimate_of(a), *y = estimate_of(b);
    fy_range r = {NAN, NAN, NAN, FY_GRADE_UNKNOWN, NULL};

    if (x != NULL && y != NULL) {
        double up = hypot(x->high_s / x->step_s - 1, y->step_s / y->low_s - 1);
        double down = hypot(x->step_s / x->low_s - 1, y->high_s / y->step_s - 1);

        r.mid = x->step_s / y->step_s;
        r.low = r.mid / (1 + down);
        r.high = r.mid * (1 + up);
        r.grade = FY_GRADE_FITTED;
    }
    return r;
}

/* Energy of the chips alone, of a token. */
static double token_j(const answer *a)
{
    const fy_estimate *e = estimate_of(a);

    return e != NULL ? e->energy_j / (e->tokens_per_s * e->step_s) : (double)NAN;
}

/* As uncertain as the time: power is not known to be more certain, but has no interval. */
static fy_range energy(const answer *a, const answer *b)
{
    fy_range r = slowdown(a, b);
    double ratio = token_j(a) / token_j(b);

    r.low *= ratio / r.mid;
    r.high *= ratio / r.mid;
    r.mid = ratio;
    return r;
}

/* ------------------------------------------------------------------ printing */

static void add_row(cli_table *table, const char *label, const char *on_a, const char *on_b,
                    fy_range ratio)
{
    char text[CHIPS_TEXT];

    cli_table_row(table);
    cli_table_cell(table, "%s", label);
    cli_table_cell(table, "%s", on_a);
    cli_table_cell(table, "%s", fy_known(ratio.mid) ? chips_ratio(text, ratio.mid) : "");
    cli_table_cell(table, "%s", fy_known(ratio.mid) ? chips_ratio_range(text, ratio) : "");
    cli_table_cell(table, "%s", on_b);
}

static void show_estimates(const answer *a, const answer *b)
{
    static const fy_range none = {NAN, NAN, NAN, FY_GRADE_UNKNOWN, NULL};
    const answer *const both[] = {a, b};
    char step[2][PLAN_TEXT], tokens[2][CHIPS_TEXT], watts[2][CHIPS_TEXT], joules[2][PLAN_TEXT];
    cli_table *table = cli_table_new();

    for (int i = 0; i < 2; i++) {
        const fy_estimate *e = estimate_of(both[i]);
        char low[PLAN_TEXT], high[PLAN_TEXT], text[FY_UNITS_TEXT];

        (void)snprintf(step[i], PLAN_TEXT, "%.60s .. %.60s", plan_time_text(low, e->low_s),
                       plan_time_text(high, e->high_s));
        (void)snprintf(tokens[i], CHIPS_TEXT, "%s",
                       fy_units_format_number(text, e->tokens_per_s / both[i]->cluster.devices));
        (void)snprintf(watts[i], CHIPS_TEXT, "%s",
                       fy_units_format(text, e->device_w, FY_DIM_POWER));
        (void)plan_energy_text(joules[i], token_j(both[i]));
    }
    cli_table_column(table, "QUANTITY", CLI_LEFT);
    cli_table_column(table, a->chip->id, CLI_LEFT);
    cli_table_column(table, "RATIO", CLI_RIGHT);
    cli_table_column(table, "80 %", CLI_LEFT);
    cli_table_column(table, b->chip->id, CLI_LEFT);
    add_row(table, "step", step[0], step[1], slowdown(a, b));
    add_row(table, "tokens/s a device", tokens[0], tokens[1], none);
    add_row(table, "power of a device", watts[0], watts[1], none);
    add_row(table, "energy a token", joules[0], joules[1], energy(a, b));
    cli_table_print(table);
}

void chips_plan_print(const chips_plan *p, int i)
{
    const answer *a = &p->answers[i], *b = &p->answers[p->n - 1];
    char text[PLAN_TEXT];

    printf("\n%s, batch %d, %s, on %d of each: the planner's best layouts (megatron-core)\n",
           p->workload->id, p->workload->global_batch, fy_precision_name(p->workload->precision),
           b->cluster.devices);
    if (estimate_of(a) == NULL) {
        say_why_none(text, sizeof text, a);
        printf("%s: %s\n", a->chip->id, text);
        return;
    }
    show_estimates(a, b);
    printf("%s: %s\n", a->chip->id, plan_layout_text(text, &a->found.top[0].layout));
    printf("%s: %s\n", b->chip->id, plan_layout_text(text, &b->found.top[0].layout));
    puts(
        "the 80 % of the ratios take the two predictions' errors as independent; energy is that of "
        "the\nchips alone. The roofline's answer follows, with the planner's shares of time:");
}

json_t *chips_plan_json(const chips_plan *p, int i)
{
    const answer *const both[] = {&p->answers[i], &p->answers[p->n - 1]};
    json_t *out =
        json_pack("{s:s, s:i, s:s, s:i}", "workload", p->workload->id, "batch",
                  p->workload->global_batch, "precision", fy_precision_name(p->workload->precision),
                  "devices", both[1]->cluster.devices);

    for (int k = 0; k < 2; k++) {
        const fy_estimate *e = estimate_of(both[k]);
        char text[PLAN_TEXT];
        json_t *one;

        if (e == NULL) {
            say_why_none(text, sizeof text, both[k]);
            one = json_pack("{s:s}", "why", text);
        } else {
            one = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "step_s", e->step_s, "low80_s",
                            e->low_s, "high80_s", e->high_s, "tokens_per_s", e->tokens_per_s,
                            "device_w", e->device_w, "token_j", token_j(both[k]), "layout",
                            plan_layout_text(text, &both[k]->found.top[0].layout));
        }
        json_object_set_new(out, k == 0 ? "value" : "reference", one);
    }
    json_object_set_new(out, "slowdown", chips_json_range(slowdown(both[0], both[1]), ""));
    json_object_set_new(out, "energy", chips_json_range(energy(both[0], both[1]), ""));
    return out;
}
