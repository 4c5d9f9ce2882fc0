/* SPDX-License-Identifier: MIT */
/* With --fix: why the given layout is slow and what the best one gains. */
#include "cli/cmd.h"
#include "cli/plan_ask.h"
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct change {
    int term;
    double s;
} change;

static int by_size(const void *a, const void *b)
{
    double x = ((const change *)a)->s;
    double y = ((const change *)b)->s;
    return (x < y) - (x > y);
}

static void show_gain(const plan_question *q, const fy_ranked *mine, const fy_ranked *best)
{
    char layout[PLAN_TEXT];
    change changes[FY_N_TERMS];
    if (!(best->value < mine->value)) {
        printf("\nNothing is gained by other values than those fixed.\n");
        return;
    }
    for (int i = 0; i < FY_N_TERMS; i++) {
        changes[i] = (change){i, mine->estimate.term_s[i] - best->estimate.term_s[i]};
    }
    qsort(changes, FY_N_TERMS, sizeof changes[0], by_size);
    printf("\nWithout --fix the best by %s is %.1f %% better: %.4g s a step\n  %s\n",
           fy_objective_name(q->ask->objective), (1 - best->value / mine->value) * 100,
           best->estimate.step_s, plan_layout_text(layout, &best->layout));
    printf("  what is fixed costs:");
    for (int i = 0; i < 4 && changes[i].s > 0.001 * mine->estimate.step_s; i++) {
        printf("%s %s %+.3g s", i > 0 ? "," : "", fy_term_name((fy_term)changes[i].term),
               changes[i].s);
    }
    double back = 0;
    for (int i = 0; i < FY_N_TERMS; i++) {
        back += changes[i].s < 0 ? changes[i].s : 0;
    }
    printf("; all else %+.3g s\n", back);
}

int plan_show_mine(const plan_question *q)
{
    plan_answer mine;
    plan_answer best;
    plan_question free_question = *q;
    free_question.pins = fy_pins_none();
    int code = plan_answer_find(&mine, q, q->high);
    if (code != 0) {
        return code;
    }
    code = plan_answer_find(&best, &free_question, q->high);
    if (code == 0 && mine.found.n_top > 0 && best.found.n_top > 0) {
        show_gain(q, &mine.found.top[0], &best.found.top[0]);
    }
    if (code == 0) {
        plan_answer_free(&best);
    }
    plan_answer_free(&mine);
    return code;
}
