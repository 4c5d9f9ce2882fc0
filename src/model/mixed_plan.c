/* SPDX-License-Identifier: MIT */
/* One plan on several types by itself: is it of the class, and what does it cost. */
#include "model/mixed.h"

#include <string.h>

static const char *const kind_names[FY_N_MIXED_KINDS] = {
    [FY_MIXED_ONE] = "one",
    [FY_MIXED_DATA] = "data",
    [FY_MIXED_PIPELINE] = "pipeline",
};

const char *fy_mixed_kind_name(fy_mixed_kind kind)
{
    return kind_names[kind];
}

unsigned fy_mixed_overlap(const fy_mixed_spec *spec, const fy_layout *l)
{
    if (spec->pins.overlap != FY_FREE) {
        return (unsigned)spec->pins.overlap;
    }
    unsigned can = spec->stack->overlap;
    can &= ~(unsigned)(l->tp > 1 ? 0 : FY_OVERLAP_TP);
    can &= ~(unsigned)(l->ep > 1 ? 0 : FY_OVERLAP_EP);
    can &= ~(unsigned)(l->pp > 1 ? 0 : FY_OVERLAP_PP);
    can &= ~(unsigned)(l->dp * l->cp > 1 ? 0 : FY_OVERLAP_DP);
    return can;
}

static int check_types(const fy_mixed_spec *spec, const fy_mixed_plan *plan, fy_err *err)
{
    unsigned seen = 0;
    int most = plan->kind == FY_MIXED_ONE ? 1 : spec->n_types;
    int least = plan->kind == FY_MIXED_ONE ? 1 : 2;
    if (plan->n_parts < least || plan->n_parts > most) {
        return fy_fail(err, FY_EINFEASIBLE, "plan: %d parts of %d types", plan->n_parts,
                       spec->n_types);
    }
    for (int i = 0; i < plan->n_parts; i++) {
        const fy_mixed_part *p = &plan->part[i];
        if (p->type < 0 || p->type >= spec->n_types || (seen & 1u << p->type)) {
            return fy_fail(err, FY_EINFEASIBLE, "plan: part %d has no type of its own", i);
        }
        seen |= 1u << p->type;
        const fy_layout *l = &p->layout;
        double devices = (double)l->tp * l->cp * l->dp * p->stages;
        if (devices < p->devices || devices > p->devices) {
            return fy_fail(err, FY_EINFEASIBLE, "plan: part %d has %d devices, its layout %.0f", i,
                           p->devices, devices);
        }
    }
    return 0;
}

static int check_replicas(const fy_mixed_spec *spec, const fy_mixed_plan *plan, fy_err *err)
{
    int64_t sequences = 0;
    const char *vendor = spec->types[plan->part[0].type].cluster.chip->vendor;
    for (int i = 0; i < plan->n_parts; i++) {
        const fy_mixed_part *p = &plan->part[i];
        fy_cluster cluster = spec->types[p->type].cluster;
        cluster.devices = p->devices;
        int rc = fy_layout_check(&p->layout, spec->model, &cluster, err);
        if (rc != 0) {
            return rc;
        }
        if (p->layout.global_batch % (p->layout.dp * p->layout.microbatch) != 0) {
            return fy_fail(err, FY_EINFEASIBLE, "plan: part %d: microbatches do not divide", i);
        }
        if (strcmp(vendor, cluster.chip->vendor) != 0) {
            return fy_fail(err, FY_EINFEASIBLE, "plan: gradients are not summed across vendors");
        }
        sequences += p->layout.global_batch;
    }
    if (sequences != spec->global_batch) {
        return fy_fail(err, FY_EINFEASIBLE, "plan: %lld of %d sequences", (long long)sequences,
                       spec->global_batch);
    }
    return 0;
}

/* Does the part share what a pipeline has in common with its first one? */
static bool in_common(const fy_layout *a, const fy_layout *b)
{
    return a->cp == b->cp && a->dp == b->dp && a->pp == b->pp && a->zero == b->zero &&
           a->microbatch == b->microbatch && a->global_batch == b->global_batch &&
           a->schedule == b->schedule && a->precision == b->precision && b->vpp == 1;
}

static int check_pipeline(const fy_mixed_spec *spec, const fy_mixed_plan *plan, fy_err *err)
{
    int layers = plan->first + plan->last;
    int stages = 0;
    const fy_layout *common = &plan->part[0].layout;
    for (int i = 0; i < plan->n_parts; i++) {
        const fy_mixed_part *p = &plan->part[i];
        int others = p->stages - (i == 0) - (i == plan->n_parts - 1);
        if (!in_common(common, &p->layout)) {
            return fy_fail(err, FY_EINFEASIBLE, "plan: part %d: what is common differs", i);
        }
        if (p->stages < 1 || p->middle < others || (others == 0 && p->middle != 0)) {
            return fy_fail(err, FY_EINFEASIBLE, "plan: part %d: %d layers on %d stages", i,
                           p->middle, others);
        }
        layers += p->middle;
        stages += p->stages;
    }
    if (layers != spec->model->layers || stages != common->pp ||
        plan->first < fy_mixed_least_first(spec->model) || plan->last < 1) {
        return fy_fail(err, FY_EINFEASIBLE, "plan: %d of %d layers on %d of %d stages", layers,
                       spec->model->layers, stages, common->pp);
    }
    if (spec->global_batch % (common->dp * common->microbatch) != 0) {
        return fy_fail(err, FY_EINFEASIBLE, "plan: microbatches do not divide the batch");
    }
    return 0;
}

int fy_mixed_evaluate(fy_mixed_estimate *out, const fy_mixed_spec *spec, const fy_mixed_plan *plan,
                      fy_err *err)
{
    fy_mixed_context context;
    fy_parts parts[FY_MAX_TYPES];
    const fy_parts *of[FY_MAX_TYPES] = {&parts[0], &parts[1], &parts[2]};
    int rc = check_types(spec, plan, err);
    if (rc == 0) {
        rc = plan->kind == FY_MIXED_PIPELINE ? check_pipeline(spec, plan, err)
                                             : check_replicas(spec, plan, err);
    }
    if (rc != 0) {
        return rc;
    }
    fy_mixed_context_make(&context, spec);
    for (int i = 0; i < plan->n_parts; i++) {
        fy_slice slice = fy_slice_of(&plan->part[i].layout);
        parts[i] = fy_parts_cost(&context.costing[plan->part[i].type], &slice);
    }
    fy_mixed_compose(out, &context, plan, of);
    return 0;
}
