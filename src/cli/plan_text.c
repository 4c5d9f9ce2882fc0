/* SPDX-License-Identifier: MIT */
/* Layouts and quantities of a plan as text. */
#include "base/units.h"
#include "cli/plan_ask.h"

#include <stdio.h>
#include <string.h>

const char *plan_overlap_text(char out[PLAN_TEXT], unsigned overlap)
{
    static const char *const words[] = {"tp", "dp", "pp", "ep"};
    static const unsigned bits[] = {FY_OVERLAP_TP, FY_OVERLAP_DP, FY_OVERLAP_PP, FY_OVERLAP_EP};
    out[0] = '\0';
    for (int i = 0; i < 4; i++) {
        if (overlap & bits[i]) {
            size_t at = strlen(out);
            snprintf(out + at, PLAN_TEXT - at, "%s%s", at > 0 ? "+" : "", words[i]);
        }
    }
    if (out[0] == '\0') {
        snprintf(out, PLAN_TEXT, "none");
    }
    return out;
}

char *plan_layout_text(char out[PLAN_TEXT], const fy_layout *l)
{
    char overlap[PLAN_TEXT];
    char extra[32] = "";
    char deal[64] = "";
    char part[32] = "";
    if (l->ep > 1) {
        snprintf(extra, sizeof extra, " ep %d", l->ep);
    }
    if (l->first_layers > 0) {
        snprintf(deal, sizeof deal, " first_layers %d last_layers %d", l->first_layers,
                 l->last_layers);
    }
    if (l->recompute_layers > 0) {
        snprintf(part, sizeof part, " recompute_layers %d", l->recompute_layers);
    }
    snprintf(out, PLAN_TEXT,
             "tp %d pp %d dp %d cp %d%s vpp %d%s microbatch %d recompute %s%s%s zero %d overlap "
             "%s%s",
             l->tp, l->pp, l->dp, l->cp, extra, l->vpp, deal, l->microbatch,
             fy_recompute_name(l->recompute), part, l->seq_parallel ? " sp" : "", l->zero,
             plan_overlap_text(overlap, l->overlap),
             l->schedule == FY_ZERO_BUBBLE ? " zero-bubble" : "");
    return out;
}

/* 1,234 or 1.23 million: amounts people pay. */
char *plan_money_text(char out[PLAN_TEXT], const plan_question *q, double value)
{
    if (!fy_known(value)) {
        snprintf(out, PLAN_TEXT, "unknown");
    } else if (value >= 1e6) {
        snprintf(out, PLAN_TEXT, "%.3g M %s", value / 1e6, q->currency);
    } else if (value >= 1000) {
        snprintf(out, PLAN_TEXT, "%.0f %s", value, q->currency);
    } else {
        snprintf(out, PLAN_TEXT, "%.3g %s", value, q->currency);
    }
    return out;
}

char *plan_time_text(char out[PLAN_TEXT], double seconds)
{
    if (!fy_known(seconds)) {
        snprintf(out, PLAN_TEXT, "unknown");
    } else if (seconds >= 2 * 86400) {
        snprintf(out, PLAN_TEXT, "%.1f days", seconds / 86400);
    } else if (seconds >= 2 * 3600) {
        snprintf(out, PLAN_TEXT, "%.1f h", seconds / 3600);
    } else if (seconds >= 120) {
        snprintf(out, PLAN_TEXT, "%.1f min", seconds / 60);
    } else if (seconds >= 1) {
        snprintf(out, PLAN_TEXT, "%.4g s", seconds);
    } else {
        snprintf(out, PLAN_TEXT, "%.4g ms", seconds * 1e3);
    }
    return out;
}

char *plan_energy_text(char out[PLAN_TEXT], double joules)
{
    char text[FY_UNITS_TEXT];
    if (fy_known(joules) &&
        joules >= 3.6e5) { /* from a tenth of a kilowatt-hour up as people are billed */
        double kwh = joules / 3.6e6;
        if (kwh >= 1e6) {
            snprintf(out, PLAN_TEXT, "%.4g GWh", kwh / 1e6);
        } else if (kwh >= 1e3) {
            snprintf(out, PLAN_TEXT, "%.4g MWh", kwh / 1e3);
        } else {
            snprintf(out, PLAN_TEXT, "%.4g kWh", kwh);
        }
    } else {
        snprintf(out, PLAN_TEXT, "%s", fy_units_format(text, joules, FY_DIM_ENERGY));
    }
    return out;
}

void plan_show_grade(const plan_question *q)
{
    const fy_chip *chip = q->chip;
    if (q->constants.grade == FY_GRADE_ASSUMED) {
        bool nvidia = chip->vendor != NULL && strcmp(chip->vendor, "NVIDIA") == 0;
        const char *on = nvidia || chip->vendor == NULL ? chip->arch : chip->vendor;
        printf("%s was never fitted on %s: its constants are assumed, from runs on other chips\n",
               q->stack->id, on != NULL && on[0] != '\0' ? on : chip->id);
    }
}
