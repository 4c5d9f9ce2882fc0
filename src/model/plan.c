/* SPDX-License-Identifier: MIT */
/* Names of the planner's terms, and which layouts make sense. */
#include "model/pipeline.h"

#include <string.h>

static const char *const term_names[FY_N_TERMS] = {
    [FY_T_MATMUL] = "matmul",
    [FY_T_ATTENTION] = "attention",
    [FY_T_ELEMENTWISE] = "elementwise",
    [FY_T_EMBEDDING] = "embedding",
    [FY_T_RECOMPUTE] = "recompute",
    [FY_T_HOST] = "host",
    [FY_T_TP] = "tp",
    [FY_T_CP] = "cp",
    [FY_T_EP] = "ep",
    [FY_T_PP] = "pp",
    [FY_T_BUBBLE] = "bubble",
    [FY_T_DP] = "dp",
    [FY_T_OPTIMIZER] = "optimizer",
    [FY_T_JITTER] = "jitter",
};
static const char *const memory_names[FY_N_MEMORY_TERMS] = {
    [FY_M_WEIGHTS] = "weights",     [FY_M_GRADIENTS] = "gradients",
    [FY_M_OPTIMIZER] = "optimizer", [FY_M_ACTIVATIONS] = "activations",
    [FY_M_WORKSPACE] = "workspace", [FY_M_ALLOCATOR] = "allocator",
    [FY_M_CONTEXT] = "context",
};
static const char *const recompute_names[FY_N_RECOMPUTES] = {
    [FY_RECOMPUTE_NONE] = "none",
    [FY_RECOMPUTE_SELECTIVE] = "selective",
    [FY_RECOMPUTE_FULL] = "full",
};

const char *fy_term_name(fy_term term)
{
    return term_names[term];
}

const char *fy_memory_term_name(fy_memory_term term)
{
    return memory_names[term];
}

const char *fy_recompute_name(fy_recompute recompute)
{
    return recompute_names[recompute];
}

int fy_recompute_find(const char *name)
{
    for (int i = 0; i < FY_N_RECOMPUTES; i++) {
        if (strcmp(name, recompute_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

int fy_precision_check(fy_precision precision, const fy_chip *chip, fy_err *err)
{
    bool bf16 = precision == FY_PREC_BF16 || precision == FY_PREC_BF16_PURE;
    if (bf16 && fy_known(chip->fp16.mid) && !fy_known(chip->bf16.mid)) {
        return fy_fail(err, FY_EINFEASIBLE, "%s has no bf16: precision fp16 or fp32 would be right",
                       chip->id);
    }
    return 0;
}

static int check_degrees(const fy_layout *l, const fy_cluster *cluster, fy_err *err)
{
    if (l->tp < 1 || l->pp < 1 || l->dp < 1 || l->ep < 1 || l->cp < 1 || l->vpp < 1 ||
        l->microbatch < 1 || l->global_batch < 1) {
        return fy_fail(err, FY_EINFEASIBLE, "layout: every degree and batch must be at least 1");
    }
    double devices = (double)l->tp * l->pp * l->dp * l->cp;
    if (devices > cluster->devices || devices < cluster->devices) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "layout: tp %d x pp %d x dp %d x cp %d = %.0f devices, there are %d", l->tp,
                       l->pp, l->dp, l->cp, devices, cluster->devices);
    }
    if (cluster->per_node < 1) {
        return fy_fail(err, FY_EINFEASIBLE, "cluster: a node needs at least one device");
    }
    return 0;
}

/* Layers of the ends, and those computed again. */
static int check_stages(const fy_layout *l, const fy_model *m, fy_err *err)
{
    int between = l->pp > 2 ? l->pp - 2 : 0;
    int rest = m->layers - l->first_layers - l->last_layers;
    bool given = l->first_layers != 0 || l->last_layers != 0;
    if (given && (l->pp == 1 || l->first_layers < 1 || l->last_layers < 1 ||
                  rest < between * l->vpp || (between == 0 && rest != 0) ||
                  (l->vpp > 1 && between > 0 && rest % (between * l->vpp) != 0))) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "layout: %d layers on the first and %d on the last stage leave %d for %d "
                       "stages between them",
                       l->first_layers, l->last_layers, rest, between);
    }
    if (l->recompute_layers != 0 && (l->recompute != FY_RECOMPUTE_FULL || l->recompute_layers < 0 ||
                                     l->recompute_layers >= fy_largest_chunk(m, l))) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "layout: %d layers of a stage computed again: full recomputation of fewer "
                       "than the %d of the largest",
                       l->recompute_layers, fy_largest_chunk(m, l));
    }
    return 0;
}

int fy_layout_check(const fy_layout *l, const fy_model *m, const fy_cluster *cluster, fy_err *err)
{
    int rc = check_degrees(l, cluster, err);
    rc = rc ? rc : fy_precision_check(l->precision, cluster->chip, err);
    if (rc != 0) {
        return rc;
    }
    if (l->pp * (l->pp > 1 ? l->vpp : 1) > m->layers + 2 + m->mtp_layers) {
        return fy_fail(err, FY_EINFEASIBLE, "layout: pp %d x vpp %d stages for %d layers", l->pp,
                       l->vpp, m->layers);
    }
    rc = check_stages(l, m, err);
    if (rc != 0) {
        return rc;
    }
    if (l->pp == 1 && l->vpp > 1) {
        return fy_fail(err, FY_EINFEASIBLE, "layout: vpp %d needs pp of 2 or more", l->vpp);
    }
    if (l->tp > m->heads && m->heads > 0) {
        return fy_fail(err, FY_EINFEASIBLE, "layout: tp %d for %d attention heads", l->tp,
                       m->heads);
    }
    if (m->experts == 0 && l->ep > 1) {
        return fy_fail(err, FY_EINFEASIBLE, "layout: ep %d for a model without experts", l->ep);
    }
    if (l->ep > 1 && (m->experts % l->ep != 0 || (l->dp * l->cp * l->tp) % l->ep != 0)) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "layout: ep %d must divide %d experts and dp x cp x tp = %d", l->ep,
                       m->experts, l->dp * l->cp * l->tp);
    }
    double least_w = 0.28 * cluster->chip->tdp_w.mid; /* H100: 200 of 700 W can be set */
    if (cluster->power_cap_w < least_w) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "cluster: a power cap of %.0f W; %s can be set to %.0f W and more",
                       cluster->power_cap_w, cluster->chip->id, least_w);
    }
    if (l->zero < 0 || l->zero > 3) {
        return fy_fail(err, FY_EINFEASIBLE, "layout: zero %d is none of 0, 1, 2, 3", l->zero);
    }
    return 0;
}
