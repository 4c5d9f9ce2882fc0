/* SPDX-License-Identifier: MIT */
/* Which layouts there are: one rule a part of the layout. */
#include "model/search.h"

/* A causal context is cut into 2 cp parts, each at least one block of rows of a flash kernel. */
enum { MIN_CONTEXT_PART = 64 };

static bool pinned(int pin)
{
    return pin != FY_FREE;
}

/* All d <= n that divide n, ascending. */
static fy_values divisors(fy_arena *arena, int n)
{
    fy_values v = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) { /* count, then fill */
        int count = 0;
        for (int d = 1; d <= n / d; d++) {
            if (n % d != 0) {
                continue;
            }
            if (pass == 1) {
                v.at[count] = d;
                v.at[v.n - 1 - count] = n / d;
            }
            count++;
        }
        if (pass == 0) {
            int root = 1;
            while (root < n / root) {
                root++;
            }
            v.n = 2 * count - (root * root == n ? 1 : 0);
            v.at = fy_arena_alloc(arena, (size_t)v.n * sizeof *v.at);
        }
    }
    return v;
}

static fy_values up_to(fy_arena *arena, int n)
{
    fy_values v = {fy_arena_alloc(arena, (size_t)n * sizeof(int)), n};
    for (int i = 0; i < n; i++) {
        v.at[i] = i + 1;
    }
    return v;
}

/* Chunks of equal layers; what counts as a layer besides: the head; embedding and head; both and
 * the layers that predict further tokens, which leaves the last stage some only where stages have
 * more. The least number of a stage's layers with which a number of chunks goes. */
static const int *interleaved(fy_arena *arena, const fy_model *m)
{
    int more = 2 + m->mtp_layers;
    int all = m->layers + more;
    int *deals = fy_arena_alloc(arena, ((size_t)all + 1) * sizeof *deals);
    deals[0] = all + 1;
    for (int n = 1; n <= all; n++) {
        bool plain = m->layers % n == 0 || (m->layers + 1) % n == 0 || (m->layers + 2) % n == 0;
        deals[n] = plain ? 0 : all % n == 0 ? more + 1 : all + 1;
    }
    return deals;
}

/* Stages of sharding that a stack has: all, but none where it has none and not without the weights
 * where it always shards those. */
static fy_values shardings(fy_arena *arena, const fy_search_spec *spec)
{
    fy_values v = {fy_arena_alloc(arena, 4 * sizeof(int)), 0};
    if (pinned(spec->pins.zero)) {
        v.at[v.n++] = spec->pins.zero;
        return v;
    }
    int first = spec->stack->shards_weights ? 2 : 0;
    int last = spec->stack->zero > 0 ? 3 : 0;
    for (int z = first; z <= last; z++) {
        v.at[v.n++] = z;
    }
    return v;
}

static int check_sizes(const fy_search_spec *spec, fy_err *err)
{
    int devices = spec->cluster->devices;
    if (devices < 1 || devices > FY_MAX_DEVICES) {
        return fy_fail(err, FY_ERANGE, "%d devices: from 1 to %d can be planned", devices,
                       FY_MAX_DEVICES);
    }
    if (spec->global_batch < 1 || spec->global_batch > FY_MAX_BATCH) {
        return fy_fail(err, FY_ERANGE,
                       "a global batch of %d sequences: from 1 to %d can be planned",
                       spec->global_batch, FY_MAX_BATCH);
    }
    if (spec->top < 1 || spec->top > FY_MAX_TOP) {
        return fy_fail(err, FY_ERANGE, "the best %d layouts: from 1 to %d can be kept", spec->top,
                       FY_MAX_TOP);
    }
    return 0;
}

int fy_space_open(fy_space *space, const fy_search_spec *spec, fy_err *err)
{
    *space = (fy_space){.spec = spec};
    int rc = fy_precision_check(spec->precision, spec->cluster->chip, err);
    rc = rc ? rc : check_sizes(spec, err);
    rc = rc ? rc : fy_pins_check(spec, err);
    if (rc != 0) {
        return rc;
    }
    space->devices = divisors(&space->arena, spec->cluster->devices);
    space->batch = divisors(&space->arena, spec->global_batch);
    space->experts = divisors(&space->arena, spec->model->experts > 0 ? spec->model->experts : 1);
    space->layers = up_to(&space->arena, spec->model->layers + 2 + spec->model->mtp_layers);
    space->zero = shardings(&space->arena, spec);
    space->deals = interleaved(&space->arena, spec->model);
    space->flash = spec->stack->attention == FY_ATTN_FLASH1 ||
                   spec->stack->attention == FY_ATTN_FLASH2 ||
                   spec->stack->attention == FY_ATTN_FLASH3;
    return 0;
}

void fy_space_close(fy_space *space)
{
    fy_arena_free(&space->arena);
}

/* ------------------------------------------------------------------------------------- rules */

bool fy_space_tensor(const fy_space *space, int tp)
{
    const fy_model *m = space->spec->model;
    int per_node = space->spec->cluster->per_node;
    if (pinned(space->spec->pins.tp)) {
        return tp == space->spec->pins.tp;
    }
    int kv = m->kv_heads > 0 ? m->kv_heads : m->heads;
    bool heads = m->heads % tp == 0 && (kv % tp == 0 || tp % kv == 0);
    bool width = m->ffn % tp == 0;
    bool nodes =
        space->spec->cluster->devices <= per_node || per_node % tp == 0 || tp % per_node == 0;
    return heads && width && nodes;
}

bool fy_space_context(const fy_space *space, const fy_layout *l, int cp)
{
    const fy_model *m = space->spec->model;
    if (space->spec->cluster->devices % (l->tp * cp) != 0) {
        return false;
    }
    if (pinned(space->spec->pins.cp)) {
        return cp == space->spec->pins.cp;
    }
    return cp == 1 || (space->flash && m->seq_len % (2 * cp) == 0 &&
                       m->seq_len / (2 * cp) >= MIN_CONTEXT_PART);
}

bool fy_space_expert(const fy_space *space, const fy_layout *l, int ep)
{
    const fy_model *m = space->spec->model;
    if ((space->spec->cluster->devices) % ep != 0) {
        return false;
    }
    if (pinned(space->spec->pins.ep)) {
        return ep == space->spec->pins.ep;
    }
    return ep > 1 || m->experts == 0 || m->expert_ffn % l->tp == 0;
}

bool fy_space_sequence(const fy_space *space, const fy_layout *l, int seq_parallel)
{
    const fy_search_spec *spec = space->spec;
    if (pinned(spec->pins.seq_parallel)) {
        return seq_parallel == spec->pins.seq_parallel;
    }
    int tokens = spec->model->seq_len / l->cp;
    return !seq_parallel || (l->tp > 1 && spec->stack->seq_parallel && tokens % l->tp == 0);
}

bool fy_space_recompute(const fy_space *space, int recompute)
{
    int pin = space->spec->pins.recompute;
    bool part = !pinned(space->spec->pins.recompute_layers) || recompute == FY_RECOMPUTE_FULL;
    return part && (!pinned(pin) || recompute == pin);
}

bool fy_space_microbatch(const fy_space *space, int microbatch)
{
    int pin = space->spec->pins.microbatch;
    return !pinned(pin) || microbatch == pin;
}

bool fy_space_pipeline(const fy_space *space, fy_layout *l, int pp)
{
    const fy_search_spec *spec = space->spec;
    int rest = spec->cluster->devices / (l->tp * l->cp);
    if (pp > spec->model->layers || rest % pp != 0) {
        return false;
    }
    if (pinned(spec->pins.pp) && pp != spec->pins.pp) {
        return false;
    }
    l->pp = pp;
    l->dp = rest / pp;
    if (pinned(spec->pins.dp) && l->dp != spec->pins.dp) {
        return false;
    }
    return l->global_batch % l->dp == 0 && l->global_batch / l->dp % l->microbatch == 0 &&
           (l->dp * l->cp * l->tp) % l->ep == 0;
}

/* Do the layers that are given for the ends leave as many as the stages between them need? */
static bool ends_fit(const fy_space *space, const fy_layout *l, int vpp)
{
    const fy_pins *p = &space->spec->pins;
    int rest = space->spec->model->layers - p->first_layers - p->last_layers;
    int others = l->pp - 2;
    if (!pinned(p->first_layers)) {
        return true;
    }
    return others > 0 ? rest >= others * vpp && (vpp == 1 || rest % (others * vpp) == 0)
                      : others == 0 && rest == 0;
}

bool fy_space_virtual(const fy_space *space, const fy_layout *l, int vpp)
{
    if ((pinned(space->spec->pins.vpp) && vpp != space->spec->pins.vpp) ||
        !ends_fit(space, l, vpp)) {
        return false;
    }
    if (vpp == 1 || (l->pp > 1 && pinned(space->spec->pins.first_layers))) {
        return true;
    }
    const fy_model *m = space->spec->model;
    int all = m->layers + 2 + m->mtp_layers;
    return l->pp > 1 && l->pp * vpp <= all &&
           all / l->pp >= space->deals[(size_t)l->pp * (size_t)vpp];
}

void fy_space_deal(const fy_space *space, fy_layout *l, const fy_layer_costs *costs)
{
    const fy_pins *p = &space->spec->pins;
    l->first_layers = l->last_layers = l->recompute_layers = 0;
    if (l->pp > 1 && pinned(p->first_layers)) {
        l->first_layers = p->first_layers;
        l->last_layers = p->last_layers;
    } else if (l->pp > 1) {
        fy_layout_balance(l, space->spec->model, costs);
    }
    if (p->recompute_layers > 0 && l->recompute == FY_RECOMPUTE_FULL) {
        bool all = p->recompute_layers == fy_largest_chunk(space->spec->model, l);
        l->recompute_layers = all ? 0 : p->recompute_layers;
    }
}

bool fy_space_zero(const fy_space *space, const fy_layout *l, int zero)
{
    if (pinned(space->spec->pins.zero)) {
        return zero == space->spec->pins.zero;
    }
    return l->dp * l->cp > 1 || zero == space->zero.at[0];
}

bool fy_space_overlap(const fy_space *space, const fy_layout *l, unsigned which, unsigned bits)
{
    const fy_search_spec *spec = space->spec;
    if (pinned(spec->pins.overlap)) {
        return bits == ((unsigned)spec->pins.overlap & which);
    }
    unsigned can = spec->stack->overlap & which;
    bool linked = l->tp > spec->cluster->per_node || fy_cluster_linked(spec->cluster, l->tp);
    can &= ~(unsigned)(l->tp > 1 && linked ? 0 : FY_OVERLAP_TP);
    can &= ~(unsigned)(l->ep > 1 ? 0 : FY_OVERLAP_EP);
    if (which & FY_OVERLAP_PP) {
        can &= ~(unsigned)(l->pp > 1 ? 0 : FY_OVERLAP_PP);
    }
    if (which & FY_OVERLAP_DP) {
        can &= ~(unsigned)(l->dp * l->cp > 1 ? 0 : FY_OVERLAP_DP);
    }
    return (bits & ~can) == 0;
}

bool fy_space_near(const fy_space *space, const fy_layout *l)
{
    return l->tp <= space->spec->cluster->per_node || pinned(space->spec->pins.tp);
}

bool fy_space_runs(const fy_space *space, const fy_layout *l)
{
    const fy_stack *stack = space->spec->stack;
    int microbatches = l->global_batch / (l->dp * l->microbatch);
    bool rounds = l->vpp == 1 || microbatches % l->pp == 0;
    bool part =
        l->recompute_layers == 0 || l->recompute_layers < fy_largest_chunk(space->spec->model, l);
    bool shards = l->zero < 2 || l->zero <= stack->zero || pinned(space->spec->pins.zero);
    return rounds && shards && part && fy_space_near(space, l);
}
