/* SPDX-License-Identifier: MIT */
/*
 * Sums over predictions: errors by set, ranking by group, memory by kind, coverage of intervals.
 * A run's prediction is made before anything measured is looked at.
 */
#include "fuyao/accuracy.h"

#include "base/arena.h"
#include "model/stack.h"

#include <stdlib.h>
#include <string.h>

typedef struct work {
    fy_accuracy out; /* first, so that the caller's pointer is ours */
    fy_arena arena;
    fy_run_result *rows;
    fy_set_accuracy *sets;
    fy_ranking *rankings;
    fy_constants_used *constants;
    double *values; /* [n_rows] scratch */
    const fy_run_world *world;
} work;

enum { MIN_GROUP = 4 };
static const double close_pair = 1.03;
static const double memory_below = 0.95;

/* ------------------------------------------------------------------ statistics */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double fy_quantile(double *values, int n, double q)
{
    double at = q * (n - 1);
    int below = (int)at;

    if (n == 0) {
        return NAN;
    }
    qsort(values, (size_t)n, sizeof *values, by_value);
    return below + 1 < n ? values[below] + (at - below) * (values[below + 1] - values[below])
                         : values[n - 1];
}

/* NAN where n is 0. */
static double mean(const double *values, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum / n;
}

double fy_tau_b(const double *predicted, const double *measured, int n)
{
    double agree = 0, contrary = 0, equal = 0;

    for (int i = 0; i < n; i++) {
        for (int k = i + 1; k < n; k++) {
            double low = fmin(measured[i], measured[k]), high = fmax(measured[i], measured[k]);
            double order = (predicted[i] - predicted[k]) * (measured[i] - measured[k]);

            if (high < low * close_pair) {
                continue;
            }
            agree += order > 0;
            contrary += order < 0;
            equal += order == 0;
        }
    }
    return (agree - contrary) / sqrt((agree + contrary) * (agree + contrary + equal));
}

/* ------------------------------------------------------------------ rows */

static double memory_of(const fy_memory *m, fy_memory_kind kind)
{
    switch (kind) {
    case FY_MEMORY_DEVICE_USED:
    case FY_MEMORY_STATED:
        return m->device_used;
    case FY_MEMORY_TORCH_PEAK:
    case FY_MEMORY_NONE:
    case FY_N_MEMORY_KINDS:
        break;
    }
    return m->reserved;
}

/* What speaks against the prediction: the planner's refusal, or a number it misses. */
static int predict(const work *w, const fy_run *run, const char *without, fy_prediction *p,
                   fy_err *err)
{
    int rc = fy_run_predict(p, &run->spec, w->world, without, err);

    if (rc == 0 && !fy_known(p->estimate.step_s)) {
        rc = fy_fail(err, FY_EINVAL, "unknown: %s",
                     p->estimate.unknown != NULL ? p->estimate.unknown : "a rate of the chip");
    }
    return rc;
}

static bool same_constants(const fy_constants *a, const fy_constants *b)
{
    for (int i = 0; i < FY_N_CONSTANTS; i++) {
        if (!(a->value[i] >= b->value[i] && a->value[i] <= b->value[i])) {
            return false;
        }
    }
    return true;
}

static void left_out(const work *w, fy_run_result *r)
{
    const fy_run *run = r->run;
    const fy_prediction *all = &r->prediction;
    fy_constants c = fy_stacks_constants(w->world->stacks, all->stack, all->chip, run->set);
    fy_prediction p;
    fy_err err;

    if (c.rows == 0) {
        return; /* nothing was fitted on any other set */
    }
    if (strchr(run->spec.chip, '+') == NULL && same_constants(&c, &all->constants)) {
        r->error_left_out = r->error;
    } else if (predict(w, run, run->set, &p, &err) == 0) {
        r->error_left_out = p.estimate.step_s / run->measured.step_s - 1;
    }
}

static void judge_row(work *w, fy_run_result *r)
{
    const fy_run *run = r->run;
    fy_err err = {0};

    r->status = run->status;
    r->reason = run->reason;
    r->error = r->error_left_out = r->memory_bytes = r->memory_error = NAN;
    if (run->status == FY_RUN_SKIPPED) {
        return;
    }
    if (predict(w, run, NULL, &r->prediction, &err) != 0) {
        if (run->status == FY_RUN_OK) {
            r->status = FY_RUN_SKIPPED;
            r->reason = fy_arena_strdup(&w->arena, err.text);
        } else {
            r->reason = fy_arena_printf(&w->arena, "%s; %s", run->reason, err.text);
        }
        return;
    }
    r->predicted = true;
    r->memory_bytes = memory_of(&r->prediction.estimate.memory, run->measured.memory_kind);
    if (strcmp(run->set, "other") != 0) {
        r->memory_error = r->memory_bytes / run->measured.peak_memory_bytes - 1;
    }
    if (r->status == FY_RUN_OK) {
        r->error = r->prediction.estimate.step_s / run->measured.step_s - 1;
        left_out(w, r);
    }
}

static void judge_rows(work *w, const fy_runs *runs)
{
    fy_accuracy *a = &w->out;

    a->n_rows = fy_runs_count(runs);
    a->rows = w->rows = fy_calloc((size_t)a->n_rows + 1, sizeof *w->rows);
    w->values = fy_calloc((size_t)a->n_rows + 1, sizeof *w->values);
    for (int i = 0; i < a->n_rows; i++) {
        w->rows[i].run = fy_runs_at(runs, i);
        judge_row(w, &w->rows[i]);
        a->n_ok += w->rows[i].status == FY_RUN_OK;
        a->n_skipped += w->rows[i].status == FY_RUN_SKIPPED;
        a->n_not_comparable += w->rows[i].status == FY_RUN_NOT_COMPARABLE;
    }
}

/* ------------------------------------------------------------------ sets */

/* Fill w->values with |e| of the set's rows; `left` the left-out errors. Returns how many. */
static int errors_of(work *w, const char *set, bool left)
{
    int n = 0;

    for (int i = 0; i < w->out.n_rows; i++) {
        const fy_run_result *r = &w->rows[i];
        double e = left ? r->error_left_out : r->error;

        if (fy_known(e) && strcmp(r->run->set, set) == 0) {
            w->values[n++] = e;
        }
    }
    return n;
}

static void absolute(double *values, int n)
{
    for (int i = 0; i < n; i++) {
        values[i] = fabs(values[i]);
    }
}

static fy_set_accuracy set_of(work *w, const char *set)
{
    fy_set_accuracy s = {.set = set};

    s.n = errors_of(w, set, false);
    s.bias = mean(w->values, s.n);
    absolute(w->values, s.n);
    s.mape = mean(w->values, s.n);
    s.median = fy_quantile(w->values, s.n, 0.5);
    s.p90 = fy_quantile(w->values, s.n, 0.9);
    int n = errors_of(w, set, true);
    absolute(w->values, n);
    s.mape_left_out = mean(w->values, n);
    return s;
}

static void sum_sets(work *w)
{
    fy_set_accuracy *sets = NULL;
    size_t room = 0;
    int n = 0;

    for (int i = 0; i < w->out.n_rows; i++) {
        const char *set = w->rows[i].run->set;
        bool known = w->rows[i].status != FY_RUN_OK;

        for (int k = n - 1; k >= 0 && !known; k--) {
            known = strcmp(sets[k].set, set) == 0;
        }
        if (!known) {
            sets = fy_grow(sets, &room, (size_t)n + 1, sizeof *sets);
            sets[n++] = set_of(w, set);
        }
    }
    w->out.sets = w->sets = sets;
    w->out.n_sets = n;
}

/* ------------------------------------------------------------------ ranking */

/* Equal for runs of the same architecture on the same devices with the same batch. */
static char *group_of(work *w, const fy_run_spec *s)
{
    const fy_model *m = &s->model;
    char *experts = fy_arena_strdup(&w->arena, "");

    if (m->experts > 0) {
        experts = fy_arena_printf(&w->arena, " experts=%d+%d top=%d expert_ffn=%d dense=%d",
                                  m->experts, m->shared_experts, m->experts_per_token,
                                  m->expert_ffn, m->dense_layers);
    }
    return fy_arena_printf(&w->arena,
                           "layers=%d hidden=%d heads=%d/%d/%d ffn=%d%s seq=%d vocab=%d%s%s%s on "
                           "%s:%d batch=%d",
                           m->layers, m->hidden, m->heads, m->kv_heads, m->head_dim, m->ffn,
                           m->gated ? "g" : "", m->seq_len, m->vocab,
                           m->attention == FY_MLA ? " mla" : "", m->lora_rank > 0 ? " lora" : "",
                           experts, s->chip, s->n_chips, s->layout.global_batch);
}

typedef struct keyed {
    const char *key;
    const fy_run_result *row;
} keyed;

/* By key, then in the file's order, so that equal input gives equal output. */
static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order != 0 ? order : x->row < y->row ? -1 : x->row > y->row;
}

static fy_ranking rank(const keyed *group, int n, double *predicted, double *measured)
{
    fy_ranking r = {.group = group[0].key, .n = n};
    int fastest = 0;
    double best = INFINITY;

    for (int i = 0; i < n; i++) {
        predicted[i] = group[i].row->prediction.estimate.step_s;
        measured[i] = group[i].row->run->measured.step_s;
        fastest = predicted[i] < predicted[fastest] ? i : fastest;
        best = fmin(best, measured[i]);
    }
    r.tau_b = fy_tau_b(predicted, measured, n);
    r.regret = measured[fastest] / best - 1;
    return r;
}

static void sum_rankings(work *w)
{
    fy_ranking *rankings = NULL;
    size_t room = 0;
    int n = 0, n_out = 0;
    keyed *rows = fy_calloc((size_t)w->out.n_ok + 1, sizeof *rows);
    double *measured = fy_calloc((size_t)w->out.n_ok + 1, sizeof *measured);

    for (int i = 0; i < w->out.n_rows; i++) {
        if (w->rows[i].status == FY_RUN_OK) {
            rows[n++] = (keyed){group_of(w, &w->rows[i].prediction.spec), &w->rows[i]};
        }
    }
    qsort(rows, (size_t)n, sizeof *rows, by_key);
    for (int from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && strcmp(rows[to].key, rows[from].key) == 0) {
            to++;
        }
        if (to - from >= MIN_GROUP) {
            rankings = fy_grow(rankings, &room, (size_t)n_out + 1, sizeof *rankings);
            rankings[n_out++] = rank(rows + from, to - from, w->values, measured);
        }
    }
    free(measured);
    free(rows);
    w->out.rankings = w->rankings = rankings;
    w->out.n_rankings = n_out;
}

/* ------------------------------------------------------------------ the rest */

static void sum_memory(work *w)
{
    for (int kind = FY_MEMORY_NONE + 1; kind < FY_N_MEMORY_KINDS; kind++) {
        fy_memory_accuracy m = {.kind = (fy_memory_kind)kind};
        int below = 0;

        for (int i = 0; i < w->out.n_rows; i++) {
            const fy_run_result *r = &w->rows[i];

            if ((int)r->run->measured.memory_kind == kind && fy_known(r->memory_error)) {
                w->values[m.n++] = fabs(r->memory_error);
                below += r->memory_error + 1 < memory_below;
            }
        }
        if (m.n > 0) {
            m.mape = mean(w->values, m.n);
            m.below = (double)below / m.n;
            w->out.memory[w->out.n_memory++] = m;
        }
    }
}

static void sum_intervals(work *w)
{
    int n = 0, inside = 0;

    for (int i = 0; i < w->out.n_rows; i++) {
        const fy_run_result *r = &w->rows[i];
        const fy_estimate *e = &r->prediction.estimate;

        if (r->status == FY_RUN_OK) {
            double measured = r->run->measured.step_s;

            inside += measured >= e->low_s && measured <= e->high_s;
            w->values[n++] = (e->high_s - e->low_s) / 2 / e->step_s;
        }
    }
    w->out.coverage80 = (double)inside / n;
    w->out.width80 = fy_quantile(w->values, n, 0.5);
}

/* Constants fitted for the pair: those that are its own and not the prior's. */
static int n_fitted(const fy_prediction *p, const fy_stacks *stacks)
{
    int n = 0;

    for (int i = 0; i < FY_N_CONSTANTS && p->constants.grade == FY_GRADE_FITTED; i++) {
        n += p->constants.value[i] < stacks->prior.value[i] ||
             p->constants.value[i] > stacks->prior.value[i];
    }
    return n;
}

static void sum_constants(work *w)
{
    fy_constants_used *list = NULL;
    size_t room = 0;
    int n = 0;

    for (int i = 0; i < w->out.n_rows; i++) {
        const fy_prediction *p = &w->rows[i].prediction;
        bool known = !w->rows[i].predicted;

        for (int k = 0; k < n && !known; k++) {
            known = strcmp(list[k].chip_family, p->chip->arch) == 0 &&
                    strcmp(list[k].stack, p->stack->id) == 0;
        }
        if (!known) {
            list = fy_grow(list, &room, (size_t)n + 1, sizeof *list);
            list[n++] =
                (fy_constants_used){p->chip->arch, p->stack->id, n_fitted(p, w->world->stacks)};
        }
    }
    w->out.constants = w->constants = list;
    w->out.n_constants = n;
}

fy_accuracy *fy_accuracy_of(const fy_runs *runs, const fy_run_world *world)
{
    work *w = fy_calloc(1, sizeof *w);

    w->world = world;
    judge_rows(w, runs);
    sum_sets(w);
    sum_rankings(w);
    sum_memory(w);
    sum_intervals(w);
    sum_constants(w);
    free(w->values);
    w->values = NULL;
    return &w->out;
}

void fy_accuracy_free(fy_accuracy *accuracy)
{
    work *w = (work *)accuracy;

    if (w != NULL) {
        fy_arena_free(&w->arena);
        free(w->sets);
        free(w->rankings);
        free(w->constants);
        free(w->rows);
        free(w);
    }
}
