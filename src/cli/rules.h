/* SPDX-License-Identifier: MIT */
/* What the files of `fuyao rules` share: the question, and its answers as tables and as JSON. */
#ifndef FUYAO_CLI_RULES_H
#define FUYAO_CLI_RULES_H

#include "fuyao/supply.h"

typedef struct rules_ask {
    const fy_rules *rules;
    const fy_chip **chips; /* n_chips of them */
    int n_chips;
    fy_rule_query query;
    bool history, json;
} rules_ask;

/* One chip on one day: both gates, what they come to, and the duty. */
typedef struct rules_answer {
    fy_ruling gate[FY_N_GATES];
    fy_outcome both;
    double duty; /* share of the price */
} rules_answer;

rules_answer rules_of(const rules_ask *ask, const fy_chip *chip, int day);

/*
 * The days on which the answer for the chip changes, the first day of all included:
 * another outcome, rule or duty, or the same by other limits. Returns how many.
 */
enum { RULES_MAX_CHANGES = 256 };
int rules_changes(const rules_ask *ask, const fy_chip *chip, int days[RULES_MAX_CHANGES]);

void rules_print(const rules_ask *ask);
void rules_print_history(const rules_ask *ask);
void rules_print_json(const rules_ask *ask);

#endif
