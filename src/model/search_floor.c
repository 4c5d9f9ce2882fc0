/* SPDX-License-Identifier: MIT */
/*
 * Floors of the search. A pipeline's slowest stage takes at least the mean of its stages, and the
 * stages together hold all layers; so of a slice, whatever pp, vpp and sharding,
 *     step >= microbatches / pp x time of all layers = batch tp cp / (devices microbatch) x ...
 * and no term of a step is negative.
 */
#include "model/energy.h"
#include "model/search.h"

#include <string.h>

void fy_layer_terms(double t[FY_N_TERMS], const fy_block *b)
{
    const fy_pass *f = &b->forward;
    const fy_pass *r = &b->backward;
    const fy_pass *a = &b->again;
    memset(t, 0, FY_N_TERMS * sizeof *t);
    t[FY_T_MATMUL] = f->matmul + r->matmul;
    t[FY_T_ATTENTION] = f->attention + r->attention;
    t[FY_T_ELEMENTWISE] = f->elementwise + r->elementwise;
    t[FY_T_RECOMPUTE] = a->matmul + a->attention + a->elementwise;
    t[FY_T_TP] = f->tp + r->tp + a->tp;
    t[FY_T_CP] = f->cp + r->cp + a->cp;
    t[FY_T_EP] = f->ep + r->ep + a->ep;
}

static double sum_terms(const double t[FY_N_TERMS])
{
    double s = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        s += t[i];
    }
    return s;
}

/* Mean power of a device with this mix of terms [W]. */
static double power_w(const double t[FY_N_TERMS], const fy_cluster *cluster)
{
    fy_estimate e;
    memset(&e, 0, sizeof e);
    memcpy(e.term_s, t, sizeof e.term_s);
    e.step_s = sum_terms(t);
    if (!(e.step_s > 0)) {
        return INFINITY;
    }
    fy_energy_fill(&e, cluster);
    return e.device_w;
}

/* Can launching ever take longer than running? Where it can, a stage may wait at low power. */
static bool host_waits(const fy_costing *c, const fy_pass *p)
{
    return p->kernels * c->machine.launch_s > fy_pass_s(p);
}

static bool block_waits(const fy_costing *c, const fy_block *b)
{
    return host_waits(c, &b->forward) || host_waits(c, &b->backward) || host_waits(c, &b->again);
}

static bool ends_wait(const fy_costing *c, const fy_ends *e)
{
    return host_waits(c, &e->embedding_forward) || host_waits(c, &e->embedding_backward) ||
           host_waits(c, &e->head_forward) || host_waits(c, &e->head_backward);
}

static void plain_terms(double t[FY_N_TERMS], const fy_block *b)
{
    fy_block plain = *b;
    memset(&plain.again, 0, sizeof plain.again);
    fy_layer_terms(t, &plain);
}

/* Least power of what a stage may be busy with: it may hold more of one kind than of another. */
static double least_power_w(const fy_costing *c, const fy_cluster *cluster, const fy_parts *p,
                            bool fewest)
{
    double t[FY_N_TERMS];
    const fy_pass *ends[] = {&p->ends.embedding_forward, &p->ends.embedding_backward,
                             &p->ends.head_forward, &p->ends.head_backward};
    bool waits = ends_wait(c, &p->ends);
    fy_layer_terms(t, &p->dense);
    double least = power_w(t, cluster);
    waits = waits || (sum_terms(t) > 0 && block_waits(c, &p->dense));
    fy_layer_terms(t, &p->moe);
    double moe = power_w(t, cluster);
    least = moe < least ? moe : least;
    waits = waits || (sum_terms(t) > 0 && block_waits(c, &p->moe));
    for (int i = 0; fewest && i < 2; i++) {
        plain_terms(t, i == 0 ? &p->dense : &p->moe);
        double w = power_w(t, cluster);
        least = w < least ? w : least;
    }
    for (int i = 0; i < 4; i++) {
        memset(t, 0, sizeof t);
        t[FY_T_EMBEDDING] = ends[i]->matmul + ends[i]->elementwise;
        t[FY_T_TP] = ends[i]->tp;
        double w = power_w(t, cluster);
        least = w < least ? w : least;
    }
    if (waits) {
        memset(t, 0, sizeof t);
        t[FY_T_HOST] = 1;
        double w = power_w(t, cluster);
        least = w < least ? w : least;
    }
    return least;
}

/* Device time of embedding and head, and of layers that predict further tokens [s]. */
static double ends_s(const fy_model *m, const fy_ends *e, double further_s)
{
    double head = fy_pass_s(&e->head_forward) + fy_pass_s(&e->head_backward);
    return fy_pass_s(&e->embedding_forward) + fy_pass_s(&e->embedding_backward) + head +
           m->mtp_layers * (head + further_s);
}

fy_floor fy_slice_floor(const fy_costing *c, const fy_cluster *cluster, const fy_layout *l,
                        const fy_parts *p, bool fewest)
{
    const fy_model *m = c->model;
    double dense[FY_N_TERMS];
    double moe[FY_N_TERMS];
    void (*terms)(double *, const fy_block *) = fewest ? plain_terms : fy_layer_terms;
    terms(dense, &p->dense);
    terms(moe, &p->moe);
    double n_dense = m->experts > 0 ? m->dense_layers : m->layers;
    double all = n_dense * sum_terms(dense) + (m->layers - n_dense) * sum_terms(moe);
    double times =
        (double)l->global_batch * l->tp * l->cp / ((double)cluster->devices * l->microbatch);
    fy_floor f = {.step_s = times * all};
    f.stages_s = all + ends_s(m, &p->ends, sum_terms(m->experts > 0 ? moe : dense));
    f.energy_j = f.step_s * least_power_w(c, cluster, p, fewest) * cluster->devices;
    return f;
}

/* The slowest stage is at least the mean, and the others are waited for once. */
fy_floor fy_pipeline_floor(const fy_floor *slice, const fy_layout *l)
{
    fy_floor f = *slice;
    double microbatches = (double)l->global_batch / ((double)l->dp * l->microbatch);
    double waited = microbatches < l->pp ? 1 : 1.0 / l->vpp;
    if (l->schedule == FY_ZERO_BUBBLE && l->vpp == 1) {
        waited /= 3;
    }
    double step = slice->stages_s * ((microbatches - waited) / l->pp + waited);
    f.step_s = step > f.step_s ? step : f.step_s;
    return f;
}
