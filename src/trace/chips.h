/* SPDX-License-Identifier: MIT */
/*
 * Lists of chip names as jobs give them ("a100|h800"), resolved against a site. Traces repeat few
 * lists millions of times, so the last ones are kept.
 */
#ifndef FUYAO_TRACE_CHIPS_H
#define FUYAO_TRACE_CHIPS_H

#include "base/csv.h"
#include "fuyao/job.h"
#include "fuyao/site.h"

/* A resolved list. */
typedef struct fy_chip_list {
    int n_named;            /* names in the list, in order; 0 = none named */
    int chip[FY_MAX_CHIPS]; /* [n_named] index into the site's chips, or FY_CHIP_ABSENT */
    int n_absent;
    bool any;                       /* empty, or starting with `*`: the job named no chip */
    fy_accept accept[FY_MAX_CHIPS]; /* [n_accept] rate 1, grade measured, in order of preference */
    int n_accept;
} fy_chip_list;

typedef struct fy_chip_lists fy_chip_lists;

fy_chip_lists *fy_chip_lists_new(const fy_site *site); /* borrows the site */
void fy_chip_lists_free(fy_chip_lists *lists);         /* NULL allowed */

/*
 * The list `text`, names separated by `|`; "" means every chip of the site. A first name `*` says
 * that the job named no chip although some follow.
 * Returns 0 and sets *out (borrowed until the next call), or FY_EPARSE with what is wrong and what
 * would be right, without a place.
 */
int fy_chip_lists_get(fy_chip_lists *lists, fy_field text, const fy_chip_list **out,
                      fy_err *err) FY_NODISCARD;

#endif
