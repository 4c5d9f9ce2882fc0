/* SPDX-License-Identifier: MIT */
/*
 * Predicates of rules: `tpp >= 4800 and (data_centre or memory + io >= 1700 GB/s)`.
 *
 *     either  := both { "or" both }             both := one { "and" one }
 *     one     := "not" one | "(" either ")" | "data_centre" | TERM | sum COMPARE NUMBER [UNIT]
 *     sum     := quantity { "+" quantity }      quantity := tpp | density | io | memory
 *     COMPARE := < | <= | >= | >
 *
 * A quantity is an interval: a point where it is known, from 0 up where it is not. A comparison
 * that holds for the whole interval is true, one that holds for none of it false, else unknown.
 */
#ifndef FUYAO_SUPPLY_PREDICATE_H
#define FUYAO_SUPPLY_PREDICATE_H

#include "base/arena.h"
#include "fuyao/compare.h"
#include "fuyao/supply.h"

typedef struct fy_predicate fy_predicate; /* borrowed from the arena it was parsed into */

/* A predicate with a name, to be used in those after it. */
typedef struct fy_term_named {
    const char *name;
    const fy_predicate *is;
} fy_term_named;

enum { FY_PREDICATE_MAX_SIZE = 256, FY_PREDICATE_MAX_DEPTH = 32 };

/*
 * Parse `text`; `terms` are those it may name. Owned by ARENA.
 * Errors: FY_EPARSE (what stands where, what would be right), FY_ERANGE (too large; a limit's
 * unit or size).
 */
int fy_predicate_parse(const fy_predicate **out, const char *text, const fy_term_named *terms,
                       int n_terms, fy_arena *arena, fy_err *err) FY_NODISCARD;

/* Is `name` a word of the language itself? */
bool fy_predicate_reserves(const char *name);

enum { FY_N_QUANTITIES = 5 }; /* one for each bit of FY_RULE_* */

/* What a predicate looks at, by bit number: each lies in low .. high. */
typedef struct fy_quantities {
    double low[FY_N_QUANTITIES], high[FY_N_QUANTITIES];
} fy_quantities;

fy_truth fy_predicate_of(const fy_predicate *p, const fy_quantities *q);

typedef struct fy_facts {
    fy_rule_fact item[FY_RULE_MAX_FACTS];
    int n;
} fy_facts;

/*
 * Add the comparisons that decide p's value; of like ones the tightest stays. What does not fit is
 * left out.
 */
void fy_predicate_explain(const fy_predicate *p, const fy_quantities *q, fy_facts *facts);

#endif
