/* SPDX-License-Identifier: MIT */
/* A plan on several types of chip as JSON; docs/plan.md lists the members. Unknown is null. */
#include "cli/json.h"
#include "cli/plan_mixed.h"

#include <jansson.h>

#include <stdio.h>

static void set(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, cli_json_real(x));
}

/* Layers of every stage of one replica on this type. */
static json_t *layers_json(const fy_mixed_plan *plan, int at)
{
    const fy_mixed_part *p = &plan->part[at];
    bool head = at == 0;
    bool tail = at == plan->n_parts - 1;
    int others = p->stages - head - tail;
    json_t *a = json_array();
    if (head) {
        json_array_append_new(a, json_integer(plan->first));
    }
    for (int i = 0; i < others; i++) {
        json_array_append_new(a, json_integer(p->middle / others + (i < p->middle % others)));
    }
    if (tail) {
        json_array_append_new(a, json_integer(plan->last));
    }
    return a;
}

static json_t *part_json(const plan_mixed *m, int at)
{
    const fy_mixed_plan *plan = &m->found.best.plan;
    const fy_mixed_part *p = &plan->part[at];
    const fy_layout *l = &p->layout;
    const fy_estimate *e = &m->found.best.estimate.part[at];
    bool pipeline = plan->kind == FY_MIXED_PIPELINE;
    char overlap[PLAN_TEXT];
    json_t *terms = json_object();
    for (int i = 0; i < FY_N_TERMS; i++) {
        set(terms, fy_term_name((fy_term)i), e->term_s[i]);
    }
    json_t *o =
        json_pack("{s:s, s:i, s:i, s:i, s:i}", "chip", m->type[p->type].chip->id, "devices",
                  p->devices, "replicas", l->dp, "sequences", l->global_batch, "stages", p->stages);
    json_object_set_new(o, "layers", pipeline ? layers_json(plan, at) : json_null());
    json_object_set_new(o, "layout",
                        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:b, s:i, s:s}", "tp",
                                  l->tp, "pp", l->pp, "dp", l->dp, "ep", l->ep, "cp", l->cp, "vpp",
                                  l->vpp, "microbatch", l->microbatch, "recompute",
                                  fy_recompute_name(l->recompute), "seq_parallel", l->seq_parallel,
                                  "zero", l->zero, "overlap",
                                  plan_overlap_text(overlap, l->overlap)));
    json_object_set_new(o, "terms_s", terms);
    set(o, "device_used_bytes", e->memory.device_used);
    set(o, "capacity_bytes", e->memory.capacity);
    set(o, "device_w", e->device_w);
    set(o, "energy_j", e->energy_j);
    return o;
}

void plan_mixed_json(const plan_mixed *m)
{
    const fy_mixed_estimate *e = &m->found.best.estimate;
    json_t *o = json_object();
    json_t *parts = json_array();
    json_t *without = json_object();
    for (int i = 0; i < m->found.best.plan.n_parts; i++) {
        json_array_append_new(parts, part_json(m, i));
    }
    for (int k = 0; k < m->n; k++) {
        set(without, m->type[k].chip->id, m->without[k]);
    }
    json_object_set_new(o, "schema", json_integer(1));
    json_object_set_new(o, "workload", json_string(m->type[0].workload->id));
    json_object_set_new(o, "on", json_string(m->on));
    json_object_set_new(o, "stack", json_string(m->spec.stack->id));
    json_object_set_new(o, "objective", json_string(fy_objective_name(m->spec.objective)));
    json_object_set_new(o, "global_batch", json_integer(m->spec.global_batch));
    json_object_set_new(o, "kind", json_string(fy_mixed_kind_name(m->found.best.plan.kind)));
    set(o, "value", e->value);
    set(o, "step_s", e->step_s);
    set(o, "low_s", e->low_s);
    set(o, "high_s", e->high_s);
    set(o, "exchange_s", e->exchange_s);
    set(o, "tokens_per_s", e->tokens_per_s);
    set(o, "mfu", e->mfu);
    set(o, "energy_j", e->energy_j);
    set(o, "site_energy_j", e->site_j);
    set(o, "money", e->money);
    plan_training t = plan_mixed_training(m, &m->found.best);
    set(o, "training_tokens", m->type[0].tokens);
    set(o, "training_steps", t.steps);
    set(o, "training_work_s", t.work_s);
    set(o, "training_wall_s", t.wall_s);
    set(o, "goodput", t.goodput.share);
    json_object_set_new(o, "in_time", json_boolean(plan_mixed_meets(m, &t)));
    json_object_set_new(o, "parts", parts);
    json_object_set_new(o, "value_without", without);
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', stdout); /* a failed write shows in ferror(stdout) */
    json_decref(o);
}
