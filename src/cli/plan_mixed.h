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

void plan_mixed_show(const plan_mixed *m);
void plan_mixed_json(const plan_mixed *m);

/* Layers of a part's stages in their order as `1 stage of 9, 4 of 10`; stages of replicas too. */
char *plan_stages_text(char out[PLAN_TEXT], const plan_mixed *m, const fy_mixed_plan *plan, int at);

#endif
