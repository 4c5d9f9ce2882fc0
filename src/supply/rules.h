/* SPDX-License-Identifier: MIT */
/* Rules as they are held, and their reader from memory. */
#ifndef FUYAO_SUPPLY_RULES_H
#define FUYAO_SUPPLY_RULES_H

#include "base/arena.h"
#include "fuyao/supply.h"
#include "supply/predicate.h"

#include <stddef.h>

/* Names, none of them: the scope is not limited. Owned by ARENA. */
typedef struct fy_names {
    const char *const *items;
    int n;
} fy_names;

typedef struct fy_rule_entry {
    fy_rule shown;
    fy_names chips, vendors, to;
    const fy_predicate *when; /* NULL: the scope alone decides */
} fy_rule_entry;

typedef struct fy_duty {
    const char *id, *text, *source, *confidence;
    int from_day, until_day;
    double share; /* of the price */
    fy_names to;
    const fy_predicate *when;
} fy_duty;

/* What the files hold grows here; all of it is owned by `arena`. */
struct fy_rules {
    fy_arena arena;
    int last_day;
    fy_term_named *terms;
    fy_rule_entry *rules;
    fy_duty *duties;
    fy_rule_event *events;
    int n_terms, n_rules, n_duties, n_events;
};

/*
 * One file of rules from memory; `name` stands for it in errors. It reaches any day.
 * Errors: as fy_rules_load.
 */
int fy_rules_parse(fy_rules **out, const char *name, const char *text, size_t len,
                   fy_err *err) FY_NODISCARD;

#endif
