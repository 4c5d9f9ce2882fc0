/* SPDX-License-Identifier: MIT */
/* A plan as JSON; docs/plan.md lists the members. What is unknown is null. */
#include "cli/cmd.h"
#include "cli/json.h"
#include "cli/plan_ask.h"

#include <jansson.h>

#include <stdio.h>

static void set(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, cli_json_real(x));
}

static json_t *layout_json(const fy_layout *l)
{
    char overlap[PLAN_TEXT];
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:b, s:i, s:s, "
                     "s:s, s:s}",
                     "tp", l->tp, "pp", l->pp, "dp", l->dp, "ep", l->ep, "cp", l->cp, "vpp", l->vpp,
                     "first_layers", l->first_layers, "last_layers", l->last_layers, "microbatch",
                     l->microbatch, "global_batch", l->global_batch, "recompute",
                     fy_recompute_name(l->recompute), "recompute_layers", l->recompute_layers,
                     "seq_parallel", l->seq_parallel, "zero", l->zero, "precision",
                     fy_precision_name(l->precision), "overlap",
                     plan_overlap_text(overlap, l->overlap), "schedule",
                     l->schedule == FY_ZERO_BUBBLE ? "zero-bubble" : "1f1b");
}

static json_t *memory_json(const fy_memory *m)
{
    json_t *o = json_object();
    json_t *terms = json_object();
    for (int i = 0; i < FY_N_MEMORY_TERMS; i++) {
        set(terms, fy_memory_term_name((fy_memory_term)i), m->bytes[i]);
    }
    json_object_set_new(o, "terms_bytes", terms);
    set(o, "allocated_bytes", m->allocated);
    set(o, "reserved_bytes", m->reserved);
    set(o, "device_used_bytes", m->device_used);
    set(o, "capacity_bytes", m->capacity);
    set(o, "spare_bytes", m->capacity - m->reserved - m->bytes[FY_M_CONTEXT]);
    json_object_set_new(o, "fits", json_boolean(m->fits));
    json_object_set_new(o, "runs", json_boolean(m->runs));
    return o;
}

static json_t *costs_json(const plan_question *q, const fy_estimate *e, int devices)
{
    plan_costs c = plan_costs_of(q, e, devices);
    json_t *o = json_object();
    set(o, "site_energy_j", c.site_j);
    set(o, "money", c.money);
    set(o, "money_low", c.money_low);
    set(o, "money_high", c.money_high);
    set(o, "electricity", c.electricity);
    json_object_set_new(o, "currency", json_string(q->currency));
    set(o, "training_tokens", q->tokens);
    set(o, "training_steps", c.steps);
    set(o, "training_work_s", c.work_s);
    set(o, "training_wall_s", c.goodput.wall_s);
    set(o, "training_failures", c.goodput.failures);
    set(o, "checkpoint_interval_s", c.goodput.interval_s);
    set(o, "goodput", c.goodput.share);
    return o;
}

static json_t *ranked_json(const plan_question *q, const fy_ranked *r, int devices)
{
    const fy_estimate *e = &r->estimate;
    json_t *o = json_object();
    json_t *terms = json_object();
    for (int i = 0; i < FY_N_TERMS; i++) {
        set(terms, fy_term_name((fy_term)i), e->term_s[i]);
    }
    json_object_set_new(o, "layout", layout_json(&r->layout));
    set(o, "value", r->value);
    set(o, "step_s", e->step_s);
    set(o, "low_s", e->low_s);
    set(o, "high_s", e->high_s);
    json_object_set_new(o, "terms_s", terms);
    set(o, "tokens_per_s", e->tokens_per_s);
    set(o, "mfu", e->mfu);
    set(o, "device_w", e->device_w);
    set(o, "energy_j", e->energy_j);
    json_object_set_new(o, "memory", memory_json(&e->memory));
    json_object_set_new(o, "costs", costs_json(q, e, devices));
    return o;
}

static json_t *list_json(const plan_question *q, const fy_ranked *list, int n, int devices)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++) {
        json_array_append_new(a, ranked_json(q, &list[i], devices));
    }
    return a;
}

static json_t *counts_json(const fy_search_counts *n)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "space", (json_int_t)n->space, "evaluated",
                     (json_int_t)n->evaluated, "too_big", (json_int_t)n->too_big, "refused",
                     (json_int_t)n->refused, "skipped", (json_int_t)n->skipped);
}

/* What every answer says of the question. */
static json_t *head_json(const plan_question *q)
{
    bool assumed = q->constants.grade == FY_GRADE_ASSUMED;
    json_t *o = json_object();
    json_object_set_new(o, "schema", json_integer(1));
    json_object_set_new(o, "workload", json_string(q->workload->id));
    json_object_set_new(o, "chip", json_string(q->chip->id));
    json_object_set_new(o, "per_node", json_integer(q->cluster.per_node));
    json_object_set_new(o, "nodes_from", json_string(q->shape_from));
    set(o, "network_bytes_per_s", q->cluster.nic_bytes_per_s);
    json_object_set_new(o, "stack", json_string(q->stack->id));
    json_object_set_new(o, "constants_grade", json_string(assumed ? "assumed" : "fitted"));
    json_object_set_new(o, "objective", json_string(fy_objective_name(q->ask->objective)));
    return o;
}

static void print(json_t *o)
{
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout); /* a failed write shows in ferror(stdout) */
    json_decref(o);
}

void plan_json(const plan_question *q, const plan_answer *a)
{
    json_t *o = head_json(q);
    json_object_set_new(o, "devices", json_integer(a->devices));
    json_object_set_new(o, "counts", counts_json(&a->found.counts));
    json_object_set_new(o, "layouts", list_json(q, a->found.top, a->found.n_top, a->devices));
    json_object_set_new(o, "front", list_json(q, a->found.front, a->found.n_front, a->devices));
    print(o);
}

/* The best layout on that many devices; null where none fits. */
static json_t *point_json(const plan_question *q, const plan_point *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "devices", json_integer(p->devices));
    json_object_set_new(o, "best", p->fits ? ranked_json(q, &p->best, p->devices) : json_null());
    return o;
}

void plan_json_curve(const plan_question *q, const plan_point *points, int n)
{
    json_t *o = head_json(q);
    json_t *a = json_array();
    for (int i = 0; i < n; i++) {
        json_array_append_new(a, point_json(q, &points[i]));
    }
    json_object_set_new(o, "points", a);
    print(o);
}

void plan_json_deadline(const plan_question *q, const plan_point *const *points, int tried,
                        int meeting)
{
    static const char *const names[] = {"fewest", "cheapest", "coolest"};
    json_t *o = head_json(q);
    set(o, "deadline_s", q->ask->deadline_s);
    set(o, "training_tokens", q->tokens);
    json_object_set_new(o, "most_devices", json_integer(q->high));
    json_object_set_new(o, "tried", json_integer(tried));
    json_object_set_new(o, "meeting", json_integer(meeting));
    for (int i = 0; i < 3; i++) {
        bool known = i != 1 || fy_known(points[i]->costs.money);
        json_object_set_new(o, names[i], known ? point_json(q, points[i]) : json_null());
    }
    print(o);
}
