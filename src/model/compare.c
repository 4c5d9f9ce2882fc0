/* SPDX-License-Identifier: MIT */
/*
 * One chip against another. A slowdown is a range because nobody knows how well an unnamed program
 * uses either chip: it is the hull of what the data sheets give, what both chips sustain, and what
 * was measured on them or on chips that are the same for that kind of work.
 */
#include "model/catalog.h"

#include <math.h>
#include <string.h>

static bool same_number(fy_range x, fy_range y)
{
    return fy_known(x.mid) && fy_known(y.mid) && fabs(x.mid - y.mid) <= 0.005 * y.mid;
}

/* Does what was measured on `of` speak for `chip`, for work of that bound? */
static bool stands_for(const fy_chip *of, const fy_chip *chip, fy_bound bound)
{
    if (of == chip) {
        return true;
    }
    if (of == NULL || strcmp(of->arch, chip->arch) != 0 || chip->arch[0] == '\0') {
        return false;
    }
    bool compute = same_number(of->bf16, chip->bf16);
    switch (bound) {
    case FY_COMPUTE:
        return compute;
    case FY_MEMORY:
        return same_number(of->memory_bytes_per_s, chip->memory_bytes_per_s);
    case FY_LINK:
        return same_number(of->link_bytes_per_s, chip->link_bytes_per_s);
    case FY_HOST:
        return true;
    case FY_N_BOUNDS: /* work between bounds: both must agree */
        return compute && same_number(of->memory_bytes_per_s, chip->memory_bytes_per_s);
    }
    return false;
}

bool fy_measured_applies(const fy_catalog *catalog, const fy_measured *m, const fy_chip *a,
                         const fy_chip *b)
{
    return m->against != NULL && stands_for(fy_catalog_find_chip(catalog, m->chip), a, m->bound) &&
           stands_for(fy_catalog_find_chip(catalog, m->against), b, m->bound);
}

/* Widen *r to hold x; an unknown *r becomes [x, x]. */
static void include(fy_range *r, double x)
{
    if (!fy_known(r->mid)) {
        *r = fy_range_exact(x, FY_GRADE_DERIVED, NULL);
        return;
    }
    r->low = x < r->low ? x : r->low;
    r->high = x > r->high ? x : r->high;
}

fy_range fy_sustained_share(const fy_catalog *catalog, const fy_chip *chip, fy_strictness strict)
{
    fy_range share = fy_range_unknown();
    for (int i = 0; i < catalog->n_measured; i++) {
        const fy_measured *m = &catalog->measured[i];
        if (m->against == NULL && strcmp(m->quantity, "gemm_share") == 0 &&
            stands_for(fy_catalog_find_chip(catalog, m->chip), chip, FY_COMPUTE)) {
            if (!fy_known(share.mid)) {
                share = m->value;
            }
            include(&share, m->value.low);
            include(&share, m->value.high);
        }
    }
    const fy_assumption *a =
        fy_catalog_assumption(catalog, chip->id, "sustained_clock_share", NULL);
    if (strict == FY_STRICT || a == NULL) {
        return share;
    }
    if (!fy_known(share.mid)) {
        return (fy_range){a->low, a->mid, a->high, FY_GRADE_ASSUMED, a->source};
    }
    include(&share, a->low);
    include(&share, a->high);
    share.grade = FY_GRADE_ASSUMED;
    return share;
}

bool fy_sustains_no_less(const fy_chip *a, const fy_chip *b)
{
    return a->arch[0] != '\0' && strcmp(a->arch, b->arch) == 0 &&
           a->tdp_w.mid / a->bf16.mid >= b->tdp_w.mid / b->bf16.mid &&
           a->memory_bytes_per_s.mid / a->bf16.mid >= b->memory_bytes_per_s.mid / b->bf16.mid;
}

/*
 * Put the ratio of sustained rates into *r, by interval arithmetic: the shares of the two chips are
 * not known to be high or low together. All but this: of one architecture, the chip with no less
 * power and bandwidth for its peak sustains no smaller a share of it, so that the ratio of the
 * peaks bounds that of the sustained rates. `fuyao chips compare` says where that holds.
 */
static void include_sustained(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                              fy_strictness strict, fy_range *r)
{
    const double peak = r->mid;
    fy_range on_a = fy_sustained_share(catalog, a, strict);
    fy_range on_b = fy_sustained_share(catalog, b, strict);
    if (!fy_known(on_a.mid) || !fy_known(on_b.mid)) {
        return;
    }
    const double most = fy_sustains_no_less(a, b) ? peak : (double)INFINITY;
    const double least = fy_sustains_no_less(b, a) ? peak : 0;
    include(r, fmax(least, fmin(most, peak * on_b.low / on_a.high)));
    include(r, fmax(least, fmin(most, peak * on_b.high / on_a.low)));
    r->mid = fmax(least, fmin(most, peak * on_b.mid / on_a.mid));
    r->grade = on_a.grade == FY_GRADE_ASSUMED || on_b.grade == FY_GRADE_ASSUMED ? FY_GRADE_ASSUMED
                                                                                : FY_GRADE_DERIVED;
}

/* Put the measurements that apply into *r; the first one gives its middle. */
static void include_measured(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                             fy_bound bound, fy_range *r)
{
    bool first = true;
    for (int i = 0; i < catalog->n_measured; i++) {
        const fy_measured *m = &catalog->measured[i];
        if (m->outlier || m->bound != bound) {
            continue;
        }
        bool forward = fy_measured_applies(catalog, m, a, b);
        if (!forward && !fy_measured_applies(catalog, m, b, a)) {
            continue;
        }
        fy_range v = m->value;
        include(r, forward ? v.low : 1 / v.low);
        include(r, forward ? v.high : 1 / v.high);
        if (first) {
            r->mid = forward ? v.mid : 1 / v.mid;
        }
        first = false;
    }
}

fy_range fy_slowdown(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b, fy_bound bound,
                     fy_strictness strict)
{
    fy_range r = fy_chip_slowdown(a, b, bound);
    if (a == b || !fy_known(r.mid)) {
        return r;
    }
    if (bound == FY_COMPUTE) {
        include_sustained(catalog, a, b, strict, &r);
    }
    include_measured(catalog, a, b, bound, &r);
    return r;
}

/* Add a known range times a share of the work; what is assumed makes the sum so. */
static void add_share(fy_range *sum, double share, fy_range r)
{
    sum->low += share * r.low;
    sum->mid += share * r.mid;
    sum->high += share * r.high;
    sum->grade = r.grade == FY_GRADE_ASSUMED ? FY_GRADE_ASSUMED : sum->grade;
}

fy_range fy_slowdown_of_mix(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                            const double share[FY_N_BOUNDS], fy_strictness strict)
{
    fy_range sum = fy_range_exact(0, FY_GRADE_DERIVED, NULL);
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        if (share[i] == 0) {
            continue;
        }
        fy_range r = fy_slowdown(catalog, a, b, (fy_bound)i, strict);
        if (!fy_known(r.mid)) {
            return fy_range_unknown();
        }
        add_share(&sum, share[i], r);
    }
    return sum;
}

fy_range fy_power_ratio(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                        fy_bound bound, fy_strictness strict)
{
    static const char *const quantity[FY_N_BOUNDS] = {
        [FY_COMPUTE] = "active_share_of_tdp_training",
        [FY_MEMORY] = "active_share_of_tdp_decode",
        [FY_LINK] = "active_share_of_tdp_communication",
        [FY_HOST] = "allocated_but_idle_share_of_tdp",
    };
    fy_range limits = fy_range_over(a->tdp_w, b->tdp_w);
    const fy_assumption *on_a = fy_catalog_assumption(catalog, a->id, quantity[bound], NULL);
    const fy_assumption *on_b = fy_catalog_assumption(catalog, b->id, quantity[bound], NULL);
    if (strict == FY_STRICT || on_a == on_b || on_a == NULL || on_b == NULL) {
        return limits; /* one unknown share on both sides cancels */
    }
    fy_range x = {on_a->low, on_a->mid, on_a->high, FY_GRADE_ASSUMED, on_a->source};
    fy_range y = {on_b->low, on_b->mid, on_b->high, FY_GRADE_ASSUMED, on_b->source};
    return fy_range_times(limits, fy_range_over(x, y));
}

fy_range fy_energy_of_mix(const fy_catalog *catalog, const fy_chip *a, const fy_chip *b,
                          const double share[FY_N_BOUNDS], fy_strictness strict)
{
    fy_range sum = fy_range_exact(0, FY_GRADE_DERIVED, NULL);
    for (int i = 0; i < FY_N_BOUNDS; i++) {
        if (share[i] == 0) {
            continue;
        }
        fy_bound bound = (fy_bound)i;
        fy_range e = fy_range_times(fy_slowdown(catalog, a, b, bound, strict),
                                    fy_power_ratio(catalog, a, b, bound, strict));
        if (!fy_known(e.mid)) {
            return fy_range_unknown();
        }
        add_share(&sum, share[i], e);
    }
    return sum;
}

/* Widen *r to hold the range x; its grade is the worse of both. */
static void include_range(fy_range *r, fy_range x)
{
    if (!fy_known(x.mid)) {
        return;
    }
    if (!fy_known(r->mid)) {
        *r = x;
        return;
    }
    include(r, x.low);
    include(r, x.high);
    r->grade = x.grade == FY_GRADE_ASSUMED ? FY_GRADE_ASSUMED : r->grade;
}

fy_range fy_claim_value(const fy_catalog *catalog, const fy_claim *claim, const fy_chip *a,
                        const fy_chip *b, fy_strictness strict)
{
    if (claim->kind == FY_CLAIM_PEAK_RATIO) {
        return fy_chip_slowdown(b, a, FY_COMPUTE);
    }
    fy_range r = fy_range_unknown();
    for (int i = 0; i <= FY_HOST + catalog->n_mixes; i++) { /* each pure bound, then each mix */
        double pure[FY_N_BOUNDS] = {0};
        const double *share = pure;
        if (i < FY_HOST) {
            pure[i] = 1;
        } else if (i == FY_HOST || strict == FY_STRICT ||
                   !catalog->mixes[i - FY_HOST - 1].training) {
            continue; /* waiting for the host says nothing of the chip; mixes are assumed */
        } else {
            share = catalog->mixes[i - FY_HOST - 1].share;
        }
        include_range(&r, claim->kind == FY_CLAIM_SLOWDOWN
                              ? fy_slowdown_of_mix(catalog, a, b, share, strict)
                              : fy_energy_of_mix(catalog, a, b, share, strict));
    }
    return r;
}

bool fy_claim_is_about(const fy_claim *claim, const fy_chip *chip)
{
    for (int i = 0; i < claim->n_against; i++) {
        if (strcmp(claim->against[i], chip->id) == 0) {
            return true;
        }
    }
    return false;
}

fy_truth fy_claim_truth(const fy_claim *claim, fy_range value)
{
    if (!fy_known(value.mid)) {
        return FY_UNDECIDED;
    }
    if (value.high < claim->low || value.low >= claim->high) {
        return FY_FALSE;
    }
    return value.low >= claim->low && value.high < claim->high ? FY_TRUE : FY_UNDECIDED;
}
