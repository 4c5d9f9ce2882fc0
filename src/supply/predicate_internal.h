/* SPDX-License-Identifier: MIT */
/* The tree of a predicate: made by predicate_parse.c, walked by predicate.c. */
#ifndef FUYAO_SUPPLY_PREDICATE_INTERNAL_H
#define FUYAO_SUPPLY_PREDICATE_INTERNAL_H

#include "supply/predicate.h"

typedef enum predicate_kind { P_COMPARE, P_NOT, P_AND, P_OR } predicate_kind;

struct fy_predicate {
    predicate_kind kind;
    unsigned what;      /* P_COMPARE: sum of these ... */
    fy_compare compare; /* ... against */
    double limit;
    const fy_predicate *a, *b; /* P_NOT: a; P_AND, P_OR: both */
    int size, depth;           /* of the tree, terms it names included */
};

#endif
