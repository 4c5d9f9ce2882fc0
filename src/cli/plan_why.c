/* SPDX-License-Identifier: MIT */
/* What limits a plan and what would lift it, how sure it is, and why there is none. */
#include "cli/cmd.h"
#include "cli/plan_ask.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

static const double gib = 1073741824.0;

typedef enum limit { COMPUTE, MEMORY, LINK, HOST, PIPELINE, N_LIMITS } limit;

static const char *const limit_names[N_LIMITS] = {"compute", "memory", "link", "host", "pipeline"};

static limit limit_of(fy_term term)
{
    switch (term) {
    case FY_T_ELEMENTWISE:
    case FY_T_OPTIMIZER:
        return MEMORY;
    case FY_T_HOST:
        return HOST;
    case FY_T_TP:
    case FY_T_CP:
    case FY_T_EP:
    case FY_T_PP:
    case FY_T_DP:
        return LINK;
    case FY_T_BUBBLE:
    case FY_T_JITTER:
        return PIPELINE;
    case FY_T_MATMUL:
    case FY_T_ATTENTION:
    case FY_T_EMBEDDING:
    case FY_T_RECOMPUTE:
    case FY_N_TERMS:
        break;
    }
    return COMPUTE;
}

/* ------------------------------------------------------------------------------- what lifts */

/* The question once more with 10 % more of one thing. */
typedef struct lift {
    fy_chip chip;
    fy_cluster cluster;
    fy_constants constants;
    int batch; /* times the batch */
    const char *what;
} lift;

enum { N_LIFTS = 6 };

static lift make_lift(const plan_question *q, const plan_answer *a, int which)
{
    static const char *const what[N_LIFTS] = {"10 % more matrix rate", "10 % more memory bandwidth",
                                              "10 % more device link", "10 % more network",
                                              "10 % less host work",   "twice the batch"};
    lift l = {*q->chip, a->cluster, q->constants, 1, what[which]};
    switch (which) {
    case 0:
        l.constants.value[FY_C_MATMUL] *= 1.1;
        break;
    case 1:
        l.chip.memory_bytes_per_s.mid *= 1.1;
        break;
    case 2:
        l.chip.link_bytes_per_s.mid *= 1.1;
        break;
    case 3:
        l.cluster.nic_bytes_per_s *= 1.1;
        break;
    case 4:
        l.constants.value[FY_C_LAUNCH] *= 0.9;
        l.constants.value[FY_C_STEP] *= 0.9;
        l.constants.value[FY_C_MICRO] *= 0.9;
        break;
    default:
        l.batch = 2;
        break;
    }
    return l;
}

/* Gain in tokens a second of the same layout. */
static double lifted(const plan_question *q, lift *l, const fy_ranked *best)
{
    fy_estimate e;
    fy_layout layout = best->layout;
    layout.global_batch *= l->batch;
    l->cluster.chip = &l->chip;
    if (fy_plan_estimate(&e, &q->model, &layout, &l->cluster, q->stack, &l->constants, NULL) != 0) {
        return NAN;
    }
    return e.tokens_per_s / best->estimate.tokens_per_s - 1;
}

static void show_lifts(const plan_question *q, const plan_answer *a)
{
    const fy_ranked *best = &a->found.top[0];
    bool first = true;
    printf("would lift it:");
    for (int i = 0; i < N_LIFTS; i++) {
        lift l = make_lift(q, a, i);
        double gain = lifted(q, &l, best);
        if (gain >= 0.0005) {
            printf("%s %s %+.1f %%", first ? "" : ",", l.what, gain * 100);
            first = false;
        }
    }
    puts(first ? " nothing by itself" : " tokens/s");
}

/* ------------------------------------------------------------------------------- how sure */

static const char *grade_word(fy_grade grade)
{
    static const char *const words[] = {"unknown", "datasheet", "measured", "recalled",
                                        "derived", "fitted",    "assumed"};
    return words[grade];
}

static void show_grades(const plan_question *q)
{
    const fy_chip *c = q->chip;
    fy_range rate = fy_known(c->bf16.mid) ? c->bf16 : c->fp16;
    printf("how sure: constants %s", grade_word(q->constants.grade));
    if (q->constants.rows > 0) {
        printf(" on %d runs", q->constants.rows);
    }
    printf("; matrix rate %s, memory bandwidth %s, link %s, network %s, power %s; workload %s\n",
           grade_word(rate.grade), grade_word(c->memory_bytes_per_s.grade),
           grade_word(c->link_bytes_per_s.grade),
           fy_known(q->ask->network_bps)
               ? "given"
               : grade_word(q->server != NULL ? q->server->nic_bits_per_s.grade : FY_GRADE_UNKNOWN),
           grade_word(c->tdp_w.grade), grade_word(q->workload->grade));
}

void plan_show_why(const plan_question *q, const plan_answer *a)
{
    const fy_estimate *e = &a->found.top[0].estimate;
    double share[N_LIMITS] = {0};
    int most = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        share[limit_of((fy_term)i)] += e->term_s[i] / e->step_s;
    }
    printf("\nlimited by");
    for (int i = 0; i < N_LIMITS; i++) {
        most = share[i] > share[most] ? i : most;
    }
    printf(" %s:", limit_names[most]);
    for (int i = 0; i < N_LIMITS; i++) {
        printf("%s %s %.1f %%", i > 0 ? "," : "", limit_names[i], share[i] * 100);
    }
    puts("");
    show_lifts(q, a);
    show_grades(q);
}

/* ------------------------------------------------------------------------------- no plan */

/* The fewest devices, doubling, on which something fits; 0 = none up to 64 times as many. */
static int devices_that_fit(const plan_question *q, int devices)
{
    for (int times = 2; times <= 64 && devices <= FY_MAX_DEVICES / times; times *= 2) {
        fy_cluster cluster = plan_cluster(q, devices * times);
        fy_search_spec spec = plan_spec(q, &cluster);
        fy_search_result r;
        spec.top = 1;
        spec.front = false;
        if (fy_search_run(&r, &spec, NULL) != 0) {
            continue; /* what is fixed does not go with so many */
        }
        bool some = r.n_top > 0;
        fy_search_free(&r);
        if (some) {
            return devices * times;
        }
    }
    return 0;
}

static int show_too_big(const plan_question *q, const plan_answer *a)
{
    const fy_ranked *c = &a->found.closest;
    const fy_memory *m = &c->estimate.memory;
    char layout[PLAN_TEXT];
    double missing = m->reserved + m->bytes[FY_M_CONTEXT] - m->capacity;
    const fy_pins *p = &q->pins;
    bool all = p->tp != FY_FREE && p->pp != FY_FREE && p->dp != FY_FREE && p->cp != FY_FREE;
    int enough = all ? 0 : devices_that_fit(q, a->devices);
    char fits[80];
    snprintf(fits, sizeof fits, "%s",
             all ? "more devices need tp, pp, dp or cp free"
                 : "no count up to 64 times as many does");
    if (enough > 0) {
        snprintf(fits, sizeof fits, "%d devices do", enough);
    }
    return cli_fail(
        CLI_NO,
        "%s does not fit on %d %s: %.2f GiB missing on a device of %.2f usable, at best "
        "(%s); %s",
        q->workload->id, a->devices, q->chip->id, missing / gib, m->capacity / gib,
        plan_layout_text(layout, &c->layout), fits);
}

int plan_show_nothing(const plan_question *q, const plan_answer *a)
{
    const fy_search_counts *n = &a->found.counts;
    if (a->found.unknown != NULL) {
        return cli_fail(CLI_NO, "unknown: the %s of %s", a->found.unknown, q->chip->id);
    }
    if (a->found.has_closest) {
        return show_too_big(q, a);
    }
    if (n->space > 0) {
        return cli_fail(CLI_NO,
                        "the rules leave out all %lld layouts on %d %s with a batch of "
                        "%d; interleaved stages need microbatches in multiples of pp, zero=2 and 3 "
                        "a stack that shards so",
                        (long long)n->space, a->devices, q->chip->id, q->batch);
    }
    return cli_fail(CLI_NO,
                    "no layout of %s uses %d %s with a batch of %d%s; tp divides heads and width, "
                    "dp x microbatch the batch, pp at most %d layers",
                    q->workload->id, a->devices, q->chip->id, q->batch,
                    q->ask->fix != NULL ? " and what is fixed" : "", q->model.layers);
}
