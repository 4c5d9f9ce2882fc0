/* SPDX-License-Identifier: MIT */
/* Answers to what is asked: searches, and what the found layouts cost. */
#include "cli/cmd.h"
#include "cli/plan_ask.h"

fy_cluster plan_cluster(const plan_question *q, int devices)
{
    fy_cluster c = q->cluster;
    c.devices = devices;
    return c;
}

fy_search_spec plan_spec(const plan_question *q, const fy_cluster *cluster)
{
    bool top = q->ask->top > 0;
    return (fy_search_spec){
        .model = &q->model,
        .cluster = cluster,
        .stack = q->stack,
        .constants = &q->constants,
        .global_batch = q->batch,
        .precision = q->precision,
        .pins = q->pins,
        .objective = q->ask->objective,
        .prices = q->prices,
        .top = top ? q->ask->top : PLAN_RIVALS + 1,
        .distinct = top ? FY_DISTINCT_LAYOUT : FY_DISTINCT_SHAPE,
        .front = true,
        .effort = q->ask->brute_force ? FY_BRUTE_FORCE : FY_BOUNDED,
    };
}

static int search(plan_answer *out, const plan_question *q, int devices)
{
    fy_err err = {0};
    out->devices = devices;
    out->cluster = plan_cluster(q, devices);
    fy_search_spec spec = plan_spec(q, &out->cluster);
    return fy_search_run(&out->found, &spec, &err) == 0 ? 0 : cli_fail_err(&err);
}

int plan_answer_find(plan_answer *out, const plan_question *q, int devices)
{
    *out = (plan_answer){.prices = q->prices};
    int code = search(out, q, devices);
    if (code != 0 || q->ask->fix != NULL) {
        return code;
    }
    fy_search_spec spec = plan_spec(q, &out->cluster);
    int fewer = fy_search_fewer(&spec, &out->found, q->cluster.per_node);
    if (fewer != devices) {
        fy_search_free(&out->found);
        code = search(out, q, fewer);
    }
    return code;
}

void plan_answer_free(plan_answer *answer)
{
    fy_search_free(&answer->found);
}

plan_costs plan_costs_of(const plan_question *q, const fy_estimate *e, int devices)
{
    double hours = e->step_s / 3600 * devices;
    plan_costs c = {.site_j = fy_site_energy_j(e, &q->prices, devices),
                    .money = fy_step_money(e, &q->prices, devices)};
    c.electricity = c.site_j / 3.6e6 * q->kwh.mid;
    double known = fy_known(q->prices.kwh) ? c.electricity : 0;
    c.money_low = c.money_high = c.money;
    if (fy_known(q->device_hour.mid)) {
        c.money_low = q->device_hour.low * hours + known;
        c.money_high = q->device_hour.high * hours + known;
    }
    c.steps = q->tokens / ((double)q->batch * q->model.seq_len);
    c.work_s = c.steps * e->step_s;
    int nodes = (devices + q->cluster.per_node - 1) / q->cluster.per_node;
    c.goodput = fy_goodput_of(c.work_s, nodes, &q->failures);
    return c;
}
