/* SPDX-License-Identifier: MIT */
#include "fuyao/calibrate.h"

#include "base/arena.h"
#include "model/fit.h"
#include "model/interval.h"
#include "model/stack.h"

#include <stdlib.h>
#include <string.h>

struct fy_calibration {
    fy_arena arena;
    fy_calibrated *entries; /* [n] */
    int n;
    size_t room;
};

enum { MAX_PAIRS = 64, MAX_SETS = 64, FOLDS = 5, ENOUGH_DENSE = 8, ROUNDS = 3 };

/* One row that takes part, with its pair and set as indices. */
typedef struct part {
    fy_fit_row row;
    int pair, set;
} part;

typedef struct kind {
    const char *family, *stack;
} kind;

typedef struct work {
    part *parts; /* [n] */
    int n;
    kind pairs[MAX_PAIRS];
    int n_pairs;
    const char *sets[MAX_SETS];
    int n_sets;
} work;

static int index_of(const char **names, int *n, int max, const char *name)
{
    for (int i = 0; i < *n; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    if (*n == max) {
        return -1;
    }
    names[*n] = name;
    return (*n)++;
}

static int pair_of(work *w, const char *family, const char *stack)
{
    for (int i = 0; i < w->n_pairs; i++) {
        if (strcmp(w->pairs[i].family, family) == 0 && strcmp(w->pairs[i].stack, stack) == 0) {
            return i;
        }
    }
    if (w->n_pairs == MAX_PAIRS) {
        return -1;
    }
    w->pairs[w->n_pairs] = (kind){family, stack};
    return w->n_pairs++;
}

/* Put a run among the parts; false where it cannot take part. */
static bool take(work *w, const fy_run *run, const fy_run_world *world)
{
    fy_prediction p;
    bool timed = run->status != FY_RUN_SKIPPED && run->measured.step_s > 0;
    if (!timed || strchr(run->spec.chip, '+') != NULL ||
        fy_run_predict(&p, &run->spec, world, NULL, NULL) != 0) {
        return false;
    }
    part *to = &w->parts[w->n];
    to->row = (fy_fit_row){
        .model = p.spec.model,
        .layout = p.spec.layout,
        .cluster = {.chip = p.chip,
                    .devices = p.spec.n_chips,
                    .per_node = p.spec.chips_per_node,
                    .nic_bytes_per_s = p.spec.nic_bytes_per_s,
                    .power_cap_w = (double)NAN},
        .stack = p.stack,
        .measured_s = run->measured.step_s,
        /* single runs of many kinds, some of them second statements: a word, not a vote */
        .weight = run->status == FY_RUN_OK ? 1 : 0.25,
    };
    to->pair = pair_of(w, p.chip->arch != NULL ? p.chip->arch : "", p.stack->id);
    to->set = index_of(w->sets, &w->n_sets, MAX_SETS, run->set);
    w->n += to->pair >= 0 && to->set >= 0 ? 1 : 0;
    return true;
}

static void gather(work *w, const fy_runs *const *tables, int n_tables, const fy_run_world *world)
{
    w->n = 0;
    for (int t = 0; t < n_tables; t++) {
        for (int i = 0; i < fy_runs_count(tables[t]); i++) {
            take(w, fy_runs_at(tables[t], i), world);
        }
    }
}

static int dense_rows(const work *w, int pair, int out)
{
    int n = 0;
    for (int i = 0; i < w->n; i++) {
        const part *p = &w->parts[i];
        n += p->pair == pair && p->set != out && p->row.model.experts == 0 ? 1 : 0;
    }
    return n;
}

/*
 * Rows of one pair, without set `out` (-1: none), in (`kept` true) or of every FOLDS-th row.
 * A set's weight grows with the fourth root of its rows.
 */
static int pick(const work *w, int pair, int out, int fold, bool kept, fy_fit_row *rows)
{
    int in_set[MAX_SETS] = {0};
    int n = 0;
    int seen = 0;
    /* mixtures of experts are bound by other things than these constants: enough dense rows decide
     */
    bool dense = dense_rows(w, pair, out) >= ENOUGH_DENSE;
    for (int i = 0; i < w->n; i++) {
        in_set[w->parts[i].set] += w->parts[i].pair == pair ? 1 : 0;
    }
    for (int i = 0; i < w->n; i++) {
        const part *p = &w->parts[i];
        if (p->pair != pair || p->set == out || (dense && p->row.model.experts > 0)) {
            continue;
        }
        bool here = fold < 0 || (seen % FOLDS == fold) != kept;
        seen++;
        if (here) {
            rows[n] = p->row;
            double root = sqrt((double)in_set[p->set]);
            rows[n++].weight = p->row.weight / (root * sqrt(root));
        }
    }
    return n;
}

/* Keep dense models: mixtures of experts have an uncertainty of their own (step.c). */
static int only_dense(fy_fit_row *rows, int n)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (rows[i].model.experts == 0) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

/* Spread of the errors of rows that took no part: each fold predicted by a fit on the others. */
static double held_out_spread(const work *w, int pair, int out, const fy_constants *prior,
                              fy_fit_row *rows)
{
    double *errors = fy_calloc((size_t)w->n + 1, sizeof *errors);
    int n = 0;
    for (int fold = 0; fold < FOLDS; fold++) {
        int used = pick(w, pair, out, fold, true, rows);
        fy_constants c = fy_fit(rows, used, prior);
        int left = pick(w, pair, out, fold, false, rows);
        left = only_dense(rows, left);
        n += fy_fit_errors(rows, left, &c, errors + n);
    }
    double spread = fy_fit_spread(errors, n);
    free(errors);
    return spread;
}

static void add(fy_calibration *c, const work *w, int pair, int out, const fy_constants *prior,
                fy_fit_row *rows)
{
    int n = pick(w, pair, out, -1, true, rows);
    fy_constants fitted = *prior;
    fitted.rows = 0;
    if (n > 0) {
        fitted = fy_fit(rows, n, prior);
        /* rows of one table are kin: what is judged elsewhere spreads wider */
        double held = held_out_spread(w, pair, out, prior, rows);
        double kin = n < 8 || !(held > 0) ? prior->spread : 1.25 * held;
        fitted.spread = kin < 0.03 ? 0.03 : kin > 0.6 ? 0.6 : kin;
        n = pick(w, pair, out, -1, true, rows);
        fy_interval_reach(&fitted.reach, rows, n, &fitted);
    }
    c->entries = fy_grow(c->entries, &c->room, (size_t)c->n + 1, sizeof *c->entries);
    c->entries[c->n++] = (fy_calibrated){
        .family = fy_arena_strdup(&c->arena, w->pairs[pair].family),
        .stack = fy_arena_strdup(&c->arena, w->pairs[pair].stack),
        .without = out < 0 ? "" : fy_arena_strdup(&c->arena, w->sets[out]),
        .constants = fitted,
    };
}

static bool has_set(const work *w, int pair, int set)
{
    for (int i = 0; i < w->n; i++) {
        if (w->parts[i].pair == pair && w->parts[i].set == set) {
            return true;
        }
    }
    return false;
}

/* A copy of the world's stacks whose fitted entries are those of the calibration so far. */
static fy_stacks with_entries(const fy_stacks *stacks, fy_calibration *c)
{
    fy_stacks copy = *stacks;
    copy.n_fitted = c->n;
    copy.fitted = fy_arena_alloc(&c->arena, ((size_t)c->n + 1) * sizeof *copy.fitted);
    for (int i = 0; i < c->n; i++) {
        const fy_calibrated *e = &c->entries[i];
        copy.fitted[i] = (fy_fitted){NULL, e->family, e->stack, e->without, false, e->constants};
    }
    return copy;
}

fy_calibration *fy_calibrate(const fy_runs *const *tables, int n_tables, const fy_run_world *world,
                             fy_left_out left_out)
{
    fy_calibration *c = fy_calloc(1, sizeof *c);
    work w = {0};
    size_t most = 1;
    for (int t = 0; t < n_tables; t++) {
        most += (size_t)fy_runs_count(tables[t]);
    }
    w.parts = fy_calloc(most, sizeof *w.parts);
    fy_fit_row *rows = fy_calloc(most, sizeof *rows);
    const fy_constants *prior = &world->stacks->prior;
    for (int round = 0; round < ROUNDS; round++) {
        fy_stacks stacks = round == 0 ? *world->stacks : with_entries(world->stacks, c);
        fy_run_world now = *world;
        now.stacks = &stacks;
        gather(&w, tables, n_tables, &now);
        c->n = 0;
        for (int pair = 0; pair < w.n_pairs; pair++) {
            add(c, &w, pair, -1, prior, rows);
            for (int set = 0; set < w.n_sets; set++) {
                if (round == ROUNDS - 1 && left_out == FY_EACH_SET_LEFT_OUT &&
                    has_set(&w, pair, set)) {
                    add(c, &w, pair, set, prior, rows);
                }
            }
        }
    }
    free(rows);
    free(w.parts);
    return c;
}

void fy_calibration_free(fy_calibration *c)
{
    if (c != NULL) {
        fy_arena_free(&c->arena);
        free(c->entries);
        free(c);
    }
}

int fy_calibration_count(const fy_calibration *c)
{
    return c->n;
}

const fy_calibrated *fy_calibration_at(const fy_calibration *c, int i)
{
    return &c->entries[i];
}
