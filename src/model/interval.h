/* SPDX-License-Identifier: MIT */
/*
 * How wide the 80 % interval of a step is. It grows with the distance from the runs that the
 * constants were fitted on: where a term takes a larger share of the step than in any of them (all
 * of it where the constants are another's), with devices beyond theirs, with a precision or a
 * feature that none of them had, and where host time hardly hides behind the device's.
 */
#ifndef FUYAO_MODEL_INTERVAL_H
#define FUYAO_MODEL_INTERVAL_H

#include "model/fit.h"

/* z of a two-sided 80 % interval. */
#define FY_Z80 1.2816

/*
 * Standard deviation of ln(predicted / true) of an estimate whose terms and pressed_s are filled.
 * All borrowed.
 */
double fy_interval_spread(const fy_estimate *e, const fy_model *model, const fy_layout *layout,
                          int devices, const fy_constants *constants);

/* Low and high around step_s for such a deviation. */
void fy_interval_fill(fy_estimate *out, double spread);

/* The deviation that an estimate's interval was made with. */
double fy_interval_spread_of(const fy_estimate *e);

/* How far `rows` reach, as the constants fitted on them keep it. */
void fy_interval_reach(fy_reach *out, const fy_fit_row *rows, int n, const fy_constants *constants);

#endif
