/* SPDX-License-Identifier: MIT */
/* A training on several types of chip: what is asked of each, and the answer. */
#ifndef FUYAO_CLI_PLAN_MIXED_H
#define FUYAO_CLI_PLAN_MIXED_H

#include "cli/plan_ask.h"
#include "fuyao/mixed.h"

typedef struct plan_mixed {
    const char *on; /* as typed */
    bool json;
    plan_question type[FY_MAX_TYPES]; /* of each type alone; n of them */
    int n;
    fy_mixed_spec spec;
    fy_mixed_result found;
    double without[FY_MAX_TYPES]; /* best value without a type; INFINITY: nothing fits */
} plan_mixed;

/* A whole training; NAN = unknown. */
typedef struct plan_training {
    double steps, work_s, wall_s; /* wall: with failures where they are known */
    fy_goodput goodput;
} plan_training;

plan_training plan_mixed_training(const plan_mixed *m, const fy_mixed_ranked *ranked);
bool plan_mixed_meets(const plan_mixed *m, const plan_training *training); /* the deadline */
int plan_mixed_curve(plan_mixed *m);      /* one or more types with a range; exit code */
int plan_mixed_emit(const plan_mixed *m); /* flags of Megatron-LM; exit code */

void plan_mixed_show(const plan_mixed *m);
void plan_mixed_json(const plan_mixed *m);

/* Layers of a part's stages in their order as `1 stage of 9, 4 of 10`; stages of replicas too. */
char *plan_stages_text(char out[PLAN_TEXT], const plan_mixed *m, const fy_mixed_plan *plan, int at);

#endif
