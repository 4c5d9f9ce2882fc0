/* SPDX-License-Identifier: MIT */
/*
 * Layers of a pipeline over several types whose shape is given: how many the first, the last and
 * the other stages of each type can hold in time and memory, then every division among them.
 */
#include "model/memory.h"
#include "model/mixed_pipe.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST, LAST, OTHER, N_TABLES };

/* ------------------------------------------------------------------------------- stages */

void fy_mixed_stage_table(const fy_mixed_pipe *p, int type, fy_mixed_slice *s)
{
    const fy_mixed_walk *w = p->walk;
    const fy_costing *c = &w->context.costing[type];
    if (s->stage_s != NULL) {
        return;
    }
    size_t row = (size_t)p->layers + 1;
    s->stage_s = fy_calloc(N_TABLES * row, sizeof *s->stage_s);
    fy_layout l = s->layout;
    l.pp = 2;
    l.overlap = fy_mixed_overlap(w->spec, &l);
    for (int n = 1; n <= p->layers; n++) {
        for (int which = 0; which < N_TABLES; which++) {
            fy_stage stage = fy_mixed_stage(w->spec->model, n, which == FIRST, which == LAST);
            s->stage_s[(size_t)which * row + (size_t)n] =
                fy_stage_share_of(c, &l, &s->parts, &stage, 0, 1).once_s;
        }
    }
}

static double stage_s(const fy_mixed_pipe *p, int at, int which, int layers)
{
    const double *table = p->pick[at]->stage_s;
    return table[which * (p->layers + 1) + layers] + 2 * p->hop[at];
}

/* ------------------------------------------------------------------------------- layers */

static void offer(fy_mixed_pipe *p)
{
    fy_mixed_walk *w = p->walk;
    const fy_parts *parts[FY_MAX_TYPES];
    for (int i = 0; i < p->n; i++) {
        parts[i] = &p->pick[i]->parts;
    }
    if (!fy_mixed_fits(&w->context, &p->plan, parts)) {
        return;
    }
    fy_mixed_estimate e;
    fy_mixed_compose(&e, &w->context, &p->plan, parts);
    w->out->counts.evaluated++;
    fy_mixed_offer(w, &p->plan, &e);
    double best = fy_mixed_best_value(w);
    p->limit = best < p->limit ? best : p->limit;
}

static void each_zero(fy_mixed_pipe *p, double stages_s, double joule)
{
    const fy_space *space = &p->walk->table[p->order[0]].space;
    for (int z = 0; z < space->zero.n; z++) {
        fy_layout l = p->plan.part[0].layout;
        l.zero = space->zero.at[z];
        double step = p->grown * (stages_s + p->sync[l.zero]);
        if (fy_mixed_beyond(p, fy_mixed_by_time(p) ? step : p->held * step + joule)) {
            continue;
        }
        if (fy_space_zero(space, &l, l.zero) && fy_space_runs(space, &l)) {
            for (int i = 0; i < p->n; i++) {
                p->plan.part[i].layout.zero = l.zero;
            }
            offer(p);
        }
    }
}

/* Slowest stage and sum of all with the layers of the plan, then everything. */
static void weigh(fy_mixed_pipe *p)
{
    int end = p->n - 1;
    double first = stage_s(p, 0, FIRST, p->plan.first);
    double last = stage_s(p, end, LAST, p->plan.last);
    double slowest = first > last ? first : last;
    double sum = first + last;
    double joule = 0;
    for (int i = 0; i < p->n; i++) {
        int n = p->other[i];
        int layers = p->plan.part[i].middle;
        joule += p->joule[i] * (layers + (i == 0 ? p->plan.first - p->leading : 0) +
                                (i == end ? p->plan.last : 0));
        if (n == 0) {
            continue;
        }
        int odd = layers % n;
        double low = stage_s(p, i, OTHER, layers / n);
        double high = odd > 0 ? stage_s(p, i, OTHER, layers / n + 1) : low;
        slowest = high > slowest ? high : slowest;
        sum += odd * high + (n - odd) * low;
    }
    each_zero(p, p->extra + p->layer_gain * slowest + p->sum_share * sum, joule);
}

/* Deal `left` layers to the stages of part `at` and of those behind it that are no end. */
static void each_middle(fy_mixed_pipe *p, int at, int left)
{
    if (at == p->n) {
        if (left == 0) {
            weigh(p);
        }
        return;
    }
    int least_behind = 0;
    int most_behind = 0;
    for (int i = at + 1; i < p->n; i++) {
        least_behind += p->other[i];
        most_behind += p->other[i] * p->cap[i];
    }
    int low = left - most_behind > p->other[at] ? left - most_behind : p->other[at];
    int most = p->other[at] * p->cap[at];
    int high = left - least_behind < most ? left - least_behind : most;
    for (int n = low; n <= high; n++) {
        p->plan.part[at].middle = n;
        each_middle(p, at + 1, left - n);
    }
}

/* The most layers on such a stage within the time. */
static int most_layers(const fy_mixed_pipe *p, int at, int which, double within_s)
{
    int n = 0;
    while (n < p->layers && stage_s(p, at, which, n + 1) <= within_s) {
        n++;
    }
    return n;
}

/*
 * Seconds that gradients and the update of one stage take at least, when no stage has fewer layers
 * than this nor more time than `within_s` for hiding them.
 */
static double sync_floor_s(const fy_mixed_pipe *p, int at, int which, int layers, int zero,
                           double within_s)
{
    const fy_mixed_walk *w = p->walk;
    const fy_costing *c = &w->context.costing[p->order[at]];
    fy_layout l = p->plan.part[at].layout;
    bool hidden = (l.overlap & FY_OVERLAP_DP) != 0;
    fy_stage stage = fy_mixed_stage(w->spec->model, layers, which == FIRST, which == LAST);
    l.zero = zero;
    l.overlap &= ~(unsigned)FY_OVERLAP_DP;
    double sync = fy_stage_sync_s(c, &w->spec->types[p->order[at]].cluster, &l, &p->pick[at]->parts,
                                  &stage, (fy_passes){0, 0}, 1);
    if (zero >= 3 || w->spec->stack->shards_weights) {
        sync = 0;        /* with every microbatch; not bounded here */
    } else if (hidden) { /* dense layers and experts hide behind the same computation */
        double share = 1 - c->machine.exposed;
        double left = sync - (w->spec->model->experts > 0 ? 2 : 1) * share * within_s;
        sync = left > sync * (1 - share) ? left : sync * (1 - share);
    }
    return sync + fy_stage_update_s(c, &l, &p->pick[at]->parts, &stage);
}

/* The stages that cannot have fewer layers than so many give a floor for gradients and update. */
static void set_sync(fy_mixed_pipe *p, int first, int last, int spare, double within_s)
{
    const fy_space *space = &p->walk->table[p->order[0]].space;
    for (int z = 0; z < space->zero.n; z++) {
        int zero = space->zero.at[z];
        double most = sync_floor_s(p, 0, FIRST, first, zero, within_s);
        double s = sync_floor_s(p, p->n - 1, LAST, last, zero, within_s);
        most = s > most ? s : most;
        for (int i = 0; i < p->n; i++) {
            int all = p->other[i] * p->cap[i] - spare;
            int most_of_one = p->other[i] > 0 ? (all + p->other[i] - 1) / p->other[i] : 0;
            if (p->other[i] > 0) {
                s = sync_floor_s(p, i, OTHER, most_of_one > 1 ? most_of_one : 1, zero, within_s);
                most = s > most ? s : most;
            }
        }
        p->sync[zero] = most * (1 - FY_MIXED_ROUNDING);
    }
}

/* The most layers, up to `most`, that fit on such a stage, the one with that rank. */
static int fitting_layers(const fy_mixed_pipe *p, int at, int which, int rank, int zero, int most)
{
    const fy_mixed_walk *w = p->walk;
    fy_layout l = p->plan.part[at].layout;
    int low = 0;
    l.zero = zero;
    while (low < most) { /* memory grows with layers */
        int n = most - low > 8 ? (low + most + 1) / 2 : most;
        fy_memory m;
        memset(&m, 0, sizeof m);
        fy_stage stage = fy_mixed_stage(w->spec->model, n, which == FIRST, which == LAST);
        fy_memory_stage(&m, &w->context.costing[p->order[at]], &l, &p->pick[at]->parts, &stage,
                        rank, p->microbatches);
        if (m.fits) {
            low = n;
        } else {
            most = n - 1;
        }
    }
    return low;
}

/* ... under the sharding that lets it hold most. */
static int holding_layers(const fy_mixed_pipe *p, int at, int which, int rank, int most)
{
    const fy_space *space = &p->walk->table[p->order[0]].space;
    fy_layout l = p->plan.part[0].layout;
    int best = 0;
    for (int z = 0; z < space->zero.n && best < most; z++) {
        l.zero = space->zero.at[z];
        if (fy_space_zero(space, &l, l.zero) && fy_space_runs(space, &l)) {
            int n = fitting_layers(p, at, which, rank, l.zero, most);
            best = n > best ? n : best;
        }
    }
    return best;
}

void fy_mixed_layers(fy_mixed_pipe *p, double within_s)
{
    int end = p->n - 1;
    int least = fy_mixed_least_first(p->walk->spec->model);
    int first = most_layers(p, 0, FIRST, within_s);
    int last = most_layers(p, end, LAST, within_s);
    int middle = 0;
    int others = 0;
    for (int i = 0; i < p->n; i++) {
        p->other[i] = p->stages[i] - (i == 0) - (i == end);
        p->cap[i] = p->other[i] > 0 ? most_layers(p, i, OTHER, within_s) : 0;
        middle += p->other[i] * p->cap[i];
        others += p->other[i];
    }
    if (first + last + middle < p->layers) {
        return;
    }
    first = holding_layers(p, 0, FIRST, 0, first);
    last = holding_layers(p, end, LAST, p->plan.part[0].layout.pp - 1, last);
    middle = 0;
    for (int i = 0, rank = 0; i < p->n; rank += p->stages[i], i++) {
        p->cap[i] = holding_layers(p, i, OTHER, rank + (i == 0), p->cap[i]);
        if (p->other[i] > 0 && p->cap[i] == 0) {
            return;
        }
        middle += p->other[i] * p->cap[i];
    }
    int spare = first + last + middle - p->layers;
    if (spare < 0 || first < least || last < 1) {
        return;
    }
    set_sync(p, first - spare > least ? first - spare : least, last - spare > 1 ? last - spare : 1,
             spare, within_s);
    for (int x = least; x <= first; x++) {
        int low = p->layers - x - middle > 1 ? p->layers - x - middle : 1;
        for (int y = low; y <= last && x + y + others <= p->layers; y++) {
            p->plan.first = x;
            p->plan.last = y;
            each_middle(p, 0, p->layers - x - y);
        }
    }
}
