/* SPDX-License-Identifier: MIT */
/* Evaluation of predicates in three values, and the comparisons that decide them. */
#include "supply/predicate_internal.h"

static fy_truth negated(fy_truth t)
{
    return t == FY_UNDECIDED ? FY_UNDECIDED : t == FY_TRUE ? FY_FALSE : FY_TRUE;
}

static fy_compare opposite(fy_compare c)
{
    static const fy_compare of[] = {[FY_LESS] = FY_AT_LEAST,
                                    [FY_AT_MOST] = FY_MORE,
                                    [FY_AT_LEAST] = FY_LESS,
                                    [FY_MORE] = FY_AT_MOST,
                                    [FY_CANNOT_TELL] = FY_CANNOT_TELL};
    return of[c];
}

static void sum_of(unsigned what, const fy_quantities *q, double *low, double *high)
{
    *low = *high = 0;
    for (int i = 0; i < FY_N_QUANTITIES; i++) {
        if ((what & 1U << i) != 0) {
            *low += q->low[i];
            *high += q->high[i];
        }
    }
}

static bool holds(double x, fy_compare c, double limit)
{
    return c == FY_LESS      ? x < limit
           : c == FY_AT_MOST ? x <= limit
           : c == FY_MORE    ? x > limit
                             : x >= limit;
}

static fy_truth compare(const fy_predicate *p, const fy_quantities *q)
{
    double low, high;
    sum_of(p->what, q, &low, &high);
    bool at_low = holds(low, p->compare, p->limit), at_high = holds(high, p->compare, p->limit);
    return at_low != at_high ? FY_UNDECIDED
           : at_low          ? FY_TRUE
                             : FY_FALSE; /* comparisons are monotone */
}

fy_truth fy_predicate_of(const fy_predicate *p, const fy_quantities *q)
{
    if (p->kind == P_COMPARE) {
        return compare(p, q);
    }
    fy_truth a = fy_predicate_of(p->a, q);
    if (p->kind == P_NOT) {
        return negated(a);
    }
    fy_truth decides = p->kind == P_AND ? FY_FALSE : FY_TRUE;
    if (a == decides) {
        return a;
    }
    fy_truth b = fy_predicate_of(p->b, q);
    return b == decides ? b : a == FY_UNDECIDED ? a : b;
}

/* Of two comparisons with one quantity in one direction the tighter says both. */
static void add_fact(fy_facts *facts, fy_rule_fact f)
{
    for (int i = 0; i < facts->n; i++) {
        fy_rule_fact *g = &facts->item[i];
        if (g->what != f.what || g->compare != f.compare) {
            continue;
        }
        if (f.compare == FY_CANNOT_TELL) {
            if (g->limit == f.limit) {
                return;
            }
            continue;
        }
        bool below = f.compare == FY_LESS || f.compare == FY_AT_MOST;
        if (below ? f.limit < g->limit : f.limit > g->limit) {
            *g = f;
        }
        return;
    }
    if (facts->n < FY_RULE_MAX_FACTS) {
        facts->item[facts->n++] = f;
    }
}

void fy_predicate_explain(const fy_predicate *p, const fy_quantities *q, fy_facts *facts)
{
    fy_truth t = fy_predicate_of(p, q);
    if (p->kind == P_COMPARE) {
        fy_rule_fact f = {.what = p->what, .limit = p->limit};
        sum_of(p->what, q, &f.low, &f.high);
        f.compare = t == FY_UNDECIDED ? FY_CANNOT_TELL
                    : t == FY_TRUE    ? p->compare
                                      : opposite(p->compare);
        add_fact(facts, f);
        return;
    }
    if (p->kind == P_NOT) {
        fy_predicate_explain(p->a, q, facts);
        return;
    }
    /* One side is enough for the value that decides alone; for the other, both are needed. */
    bool alone = t == (p->kind == P_AND ? FY_FALSE : FY_TRUE);
    const fy_predicate *const sides[] = {p->a, p->b};
    for (int i = 0; i < 2; i++) {
        if (fy_predicate_of(sides[i], q) == t) {
            fy_predicate_explain(sides[i], q, facts);
            if (alone) {
                return;
            }
        }
    }
}
