/* SPDX-License-Identifier: MIT */
/*
 * Whole replicas: the best layout of one type for the whole batch, and of several types for shares
 * of it. For every type a list of options (so many sequences on so many devices in so long), of
 * which none is as good as another in all that a plan's value depends on; then all combinations
 * whose sequences add up. Nothing is listed that cannot be part of a plan within the limit.
 */
#include "model/energy.h"
#include "model/mixed.h"

#include <stdlib.h>
#include <string.h>

typedef struct option {
    fy_layout layout;
    const fy_mixed_slice *slice;
    int devices;
    double step_s, value; /* alone, without exchange */
    double net;           /* value less what waiting as long as the step would cost */
} option;

typedef struct cell {
    option *at; /* [n] */
    int n;
    size_t room;
} cell;

/* What options are wanted of a type. */
typedef struct want {
    fy_mixed_walk *walk;
    int type;
    int low, high; /* sequences */
    double limit;  /* value of the whole plan */
    double others; /* least value of a sequence elsewhere */
    cell *cells;   /* [high - low + 1]; NULL: of one type alone, offered as plans */
} want;

/* ------------------------------------------------------------------------------- options */

/* Could a plan with so many sequences there be within the limit? The value is linear in them. */
static bool hopeful(const want *w, const fy_mixed_slice *s, double sequences, double devices)
{
    double v = fy_mixed_slice_value(w->walk, w->type, s, sequences, devices);
    if (w->walk->spec->objective != FY_BY_TIME) {
        v += (w->walk->spec->global_batch - sequences) * w->others;
    }
    return v * (1 - FY_MIXED_ROUNDING) <= w->limit;
}

static bool dominates(const option *a, const option *b, bool time)
{
    if (time) {
        return a->step_s <= b->step_s && a->devices >= b->devices;
    }
    return a->devices == b->devices && a->step_s <= b->step_s && a->net <= b->net;
}

static void keep(cell *c, const option *o, bool time)
{
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        if (dominates(&c->at[i], o, time)) {
            return;
        }
    }
    for (int i = 0; i < c->n; i++) {
        if (!dominates(o, &c->at[i], time)) {
            c->at[n++] = c->at[i];
        }
    }
    c->at = fy_grow(c->at, &c->room, (size_t)n + 1, sizeof *c->at);
    c->at[n] = *o;
    c->n = n + 1;
}

/* A device's cost of waiting a second for other types. */
static double waiting_value(const fy_mixed_walk *w, int type)
{
    const fy_cluster *c = &w->spec->types[type].cluster;
    double limit = fy_power_limit_w(c);
    const fy_mixed_rates *r = &w->context.rates[type];
    return w->spec->objective == FY_BY_TIME
               ? 0
               : r->second + r->joule * FY_WAITING_SHARE * (limit - c->chip->idle_w.mid);
}

static void estimate(want *w, const fy_mixed_slice *s, const fy_layout *l, int devices)
{
    fy_mixed_walk *walk = w->walk;
    const fy_parts *parts = &s->parts;
    fy_mixed_estimate e;
    fy_mixed_plan plan = {
        .kind = FY_MIXED_ONE, .n_parts = 1, .part = {{w->type, devices, *l, l->pp, 0}}};
    fy_mixed_compose(&e, &walk->context, &plan, &parts);
    walk->out->counts.evaluated++;
    if (w->cells == NULL) {
        fy_mixed_offer(walk, &plan, &e);
        double best = fy_mixed_best_value(walk);
        w->limit = best < w->limit ? best : w->limit;
        return;
    }
    bool time = walk->spec->objective == FY_BY_TIME;
    double x = fy_mixed_exchange_s(&walk->context, w->type, devices, 2);
    if (time && (e.step_s + x) * (1 - FY_MIXED_ROUNDING) > w->limit) {
        return;
    }
    option o = {.layout = *l,
                .slice = s,
                .devices = devices,
                .step_s = e.step_s,
                .value = e.value,
                .net = e.value - waiting_value(walk, w->type) * devices * e.step_s};
    keep(&w->cells[l->global_batch - w->low], &o, time);
}

/* Can a pipeline of this shape be within the limit by time? */
static bool fast_enough(const want *w, const fy_mixed_slice *s, const fy_layout *l)
{
    fy_floor slice = {.stages_s = s->stages_s};
    return w->walk->spec->objective != FY_BY_TIME ||
           fy_pipeline_floor(&slice, l).step_s * (1 - FY_MIXED_ROUNDING) <= w->limit;
}

/* A layout dealt for as many microbatches as stages and more, and settled for so many that memory
 * keeps no more of them. */
typedef struct settled {
    fy_layout dealt, layout;
    bool is_dealt, known, fits;
} settled;

/* Layers of the ends: the same for all with as many microbatches as stages. */
static void deal(const want *w, const fy_mixed_slice *s, fy_layout *l, settled *many)
{
    const fy_space *space = &w->walk->table[w->type].space;
    bool enough = l->global_batch >= l->dp * l->microbatch * l->pp;
    if (enough && many->is_dealt) {
        l->first_layers = many->dealt.first_layers;
        l->last_layers = many->dealt.last_layers;
        return;
    }
    fy_space_deal(space, l, &s->costs);
    if (enough) {
        many->dealt = *l;
        many->is_dealt = true;
    }
}

/* Settle a layout for its sequences; from twice the stages on it is the same for all. */
static bool settle(const want *w, const fy_mixed_slice *s, fy_layout *l, settled *many)
{
    const fy_mixed_spec *spec = w->walk->spec;
    const fy_costing *c = &w->walk->context.costing[w->type];
    bool full = l->global_batch / (l->dp * l->microbatch) >= 2 * l->pp;
    bool same = full && !spec->stack->shards_weights; /* else buffers for every microbatch */
    fy_memory memory;
    if (!same) {
        return fy_layout_settle(l, &memory, c, &s->parts, &spec->pins);
    }
    if (!many->known) {
        many->layout = *l;
        many->fits = fy_layout_settle(&many->layout, &memory, c, &s->parts, &spec->pins);
        many->known = true;
    }
    l->first_layers = many->layout.first_layers;
    l->last_layers = many->layout.last_layers;
    l->recompute_layers = many->layout.recompute_layers;
    return many->fits;
}

/* Every number of sequences from `least` on, in whole microbatches for every replica. */
static void each_sequences(want *w, const fy_mixed_slice *s, fy_layout l, int devices, int least)
{
    const fy_mixed_table *t = &w->walk->table[w->type];
    int unit = l.dp * l.microbatch;
    bool time = w->walk->spec->objective == FY_BY_TIME;
    settled many = {.known = false};
    for (int n = least; n <= w->high; n += unit) {
        fy_layout one = l;
        one.global_batch = n;
        if (!hopeful(w, s, n, devices)) {
            if (time) {
                return; /* more sequences take longer */
            }
            continue;
        }
        if (!fast_enough(w, s, &one)) {
            continue;
        }
        deal(w, s, &one, &many);
        if (fy_space_runs(&t->space, &one) && settle(w, s, &one, &many)) {
            one.overlap = fy_mixed_overlap(w->walk->spec, &one);
            estimate(w, s, &one, devices);
        }
    }
}

static void visit(want *w, const fy_mixed_slice *s, fy_layout l, int devices, int least)
{
    const fy_mixed_table *t = &w->walk->table[w->type];
    const fy_model *m = w->walk->spec->model;
    int most = m->layers + 2 + m->mtp_layers;
    for (l.vpp = 1; l.pp * l.vpp <= most && (l.vpp == 1 || l.pp > 1); l.vpp++) {
        if (!fy_space_virtual(&t->space, &l, l.vpp)) {
            continue;
        }
        for (int z = 0; z < t->space.zero.n; z++) {
            l.zero = t->space.zero.at[z];
            if (fy_space_zero(&t->space, &l, l.zero)) {
                each_sequences(w, s, l, devices, least);
            }
        }
    }
}

/* Every number of microbatches for so many replicas of so many stages. */
static void each_share(want *w, const fy_mixed_slice *s, fy_layout l)
{
    fy_mixed_table *t = &w->walk->table[w->type];
    int devices = l.tp * l.cp * l.pp * l.dp;
    int unit = l.dp * l.microbatch;
    int least = (w->low + unit - 1) / unit * unit;
    if (!hopeful(w, s, least, devices) && !hopeful(w, s, w->high, devices)) {
        return;
    }
    t->cluster.devices = devices;
    l.global_batch = unit;
    int pp = l.pp;
    if (!fy_space_tensor(&t->space, l.tp) || !fy_space_context(&t->space, &l, l.cp) ||
        !fy_space_expert(&t->space, &l, l.ep) || !fy_space_pipeline(&t->space, &l, pp)) {
        return;
    }
    visit(w, s, l, devices, least);
}

static void each_slice(want *w, const fy_mixed_slice *s)
{
    const fy_mixed_table *t = &w->walk->table[w->type];
    fy_layout l = s->layout;
    int block = l.tp * l.cp;
    if (!hopeful(w, s, w->low, t->devices) && !hopeful(w, s, w->high, t->devices)) {
        return;
    }
    int dp_most = t->devices / block;
    if (dp_most > w->high / l.microbatch) {
        dp_most = w->high / l.microbatch;
    }
    for (l.dp = 1; l.dp <= dp_most; l.dp++) {
        int most = t->devices / (block * l.dp);
        most = most < w->walk->spec->model->layers ? most : w->walk->spec->model->layers;
        for (l.pp = most; l.pp >= 1; l.pp--) {
            if (w->cells == NULL && w->high % (l.dp * l.microbatch) != 0) {
                break;
            }
            each_share(w, s, l);
        }
    }
}

static void options_of(want *w)
{
    const fy_mixed_table *t = &w->walk->table[w->type];
    for (size_t i = 0; i < t->n_slices; i++) {
        each_slice(w, &t->slices[i]);
    }
}

void fy_mixed_one(fy_mixed_walk *walk, int type)
{
    int all = walk->spec->global_batch;
    want w = {.walk = walk, .type = type, .low = all, .high = all};
    w.limit = fy_mixed_best_value(walk);
    options_of(&w);
}

/* ------------------------------------------------------------------------------- together */

typedef struct mix {
    fy_mixed_walk *walk;
    want want[FY_MAX_TYPES];
    int types[FY_MAX_TYPES], n; /* that take part */
    const option *chosen[FY_MAX_TYPES];
    double limit;
} mix;

static void offer(mix *m)
{
    fy_mixed_estimate e;
    const fy_parts *parts[FY_MAX_TYPES];
    fy_mixed_plan plan = {.kind = FY_MIXED_DATA, .n_parts = m->n};
    for (int i = 0; i < m->n; i++) {
        const option *o = m->chosen[i];
        plan.part[i] = (fy_mixed_part){m->types[i], o->devices, o->layout, o->layout.pp, 0};
        parts[i] = &o->slice->parts;
    }
    fy_mixed_compose(&e, &m->walk->context, &plan, parts);
    m->walk->out->counts.evaluated++;
    fy_mixed_offer(m->walk, &plan, &e);
    double best = fy_mixed_best_value(m->walk);
    m->limit = best < m->limit ? best : m->limit;
}

/* Least value of what is chosen, `left` sequences elsewhere. */
static double chosen_value(const mix *m, int n, int left)
{
    double step = 0;
    double exchange = 0;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const option *o = m->chosen[i];
        double x = fy_mixed_exchange_s(&m->walk->context, m->types[i], o->devices, m->n);
        step = o->step_s > step ? o->step_s : step;
        exchange = x > exchange ? x : exchange;
        sum += o->value;
    }
    if (m->walk->spec->objective == FY_BY_TIME) {
        return step + exchange;
    }
    double least = n < m->n ? INFINITY : 0;
    for (int i = n; i < m->n; i++) {
        double v = m->walk->table[m->types[i]].least_value;
        least = v < least ? v : least;
    }
    return sum + (left > 0 ? left * least : 0);
}

static void combine(mix *m, int i, int left)
{
    const want *w = &m->want[m->types[i]];
    bool last = i + 1 == m->n;
    int low = last ? left : w->low;
    int high = w->high < left - (m->n - 1 - i) ? w->high : left - (m->n - 1 - i);
    for (int n = low > w->low ? low : w->low; n <= high; n++) {
        const cell *c = &w->cells[n - w->low];
        for (int k = 0; k < c->n; k++) {
            m->chosen[i] = &c->at[k];
            if (chosen_value(m, i + 1, left - n) * (1 - FY_MIXED_ROUNDING) > m->limit) {
                continue;
            }
            if (last) {
                offer(m);
            } else {
                combine(m, i + 1, left - n);
            }
        }
    }
}

static bool same_vendor(const fy_mixed_spec *s, const int *types, int n)
{
    for (int i = 1; i < n; i++) {
        if (strcmp(s->types[types[0]].cluster.chip->vendor,
                   s->types[types[i]].cluster.chip->vendor) != 0) {
            return false;
        }
    }
    return true;
}

static void each_subset(mix *m)
{
    const fy_mixed_spec *spec = m->walk->spec;
    unsigned can = 0;
    for (int k = 0; k < spec->n_types; k++) {
        can |= m->want[k].cells != NULL ? 1u << k : 0;
    }
    for (unsigned set = 1; set <= can; set++) {
        m->n = 0;
        for (int k = 0; k < spec->n_types; k++) {
            if (set & 1u << k) {
                m->types[m->n++] = k;
            }
        }
        if (!(set & ~can) && m->n >= 2 && same_vendor(spec, m->types, m->n)) {
            combine(m, 0, spec->global_batch);
        }
    }
}

/* The most sequences that a type can take within the limit. */
static int most_sequences(const fy_mixed_walk *w, int type, double limit, double others)
{
    const fy_mixed_table *t = &w->table[type];
    double all = w->spec->global_batch;
    double most = all;
    limit *= 1 + FY_MIXED_ROUNDING;
    if (w->spec->objective == FY_BY_TIME) {
        most = limit * t->devices / t->least_device_s;
    } else if (t->least_value > others) {
        most = (limit - all * others) / (t->least_value - others);
    }
    return most >= all - 1 ? (int)all - 1 : most > 0 ? (int)most : 0;
}

/* The type with least devices of those left: its options are found soonest. */
static int next_want(const mix *m, unsigned done)
{
    int at = -1;
    for (int k = 0; k < m->walk->spec->n_types; k++) {
        if (!(done & 1u << k) &&
            (at < 0 || m->walk->table[k].devices < m->walk->table[at].devices)) {
            at = k;
        }
    }
    return at;
}

/*
 * Options of all types, as long as two may have some. What a type cannot take the others have to.
 *   sum   of the most that each may take
 */
static void fill_wants(mix *m, int sum)
{
    int n = m->walk->spec->n_types;
    int some = 0; /* types with options */
    unsigned done = 0;
    for (int i = 0; i < n && some + n - i >= 2; i++) {
        int k = next_want(m, done);
        want *w = &m->want[k];
        int most = 0;
        done |= 1u << k;
        w->low = m->walk->spec->global_batch - (sum - w->high);
        w->low = w->low > 1 ? w->low : 1;
        if (w->low <= w->high) {
            w->cells = fy_calloc((size_t)(w->high - w->low) + 1, sizeof *w->cells);
            options_of(w);
            for (int c = 0; c <= w->high - w->low; c++) {
                most = w->cells[c].n > 0 ? w->low + c : most;
            }
        }
        some += most > 0;
        sum -= w->high - most;
    }
}

static void set_wants(mix *m, double limit)
{
    fy_mixed_walk *walk = m->walk;
    int n = walk->spec->n_types;
    int sum = 0;
    for (int k = 0; k < n; k++) {
        want *w = &m->want[k];
        *w = (want){.walk = walk, .type = k, .limit = limit, .others = INFINITY};
        for (int j = 0; j < n; j++) {
            double v = walk->table[j].least_value;
            w->others = j != k && v < w->others ? v : w->others;
        }
        w->high = most_sequences(walk, k, limit, w->others);
        sum += w->high;
    }
    fill_wants(m, sum);
}

static void drop(mix *m)
{
    for (int k = 0; k < m->walk->spec->n_types; k++) {
        want *w = &m->want[k];
        for (int i = 0; w->cells != NULL && i <= w->high - w->low; i++) {
            free(w->cells[i].at);
        }
        free(w->cells);
        w->cells = NULL;
    }
}

void fy_mixed_data(fy_mixed_walk *walk, double limit)
{
    mix m = {.walk = walk, .limit = limit};
    set_wants(&m, limit);
    each_subset(&m);
    drop(&m);
}
