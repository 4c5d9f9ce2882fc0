/* SPDX-License-Identifier: MIT */
/*
 * Supply: which chips may be bought on which day. Dated export and import rules (data/rules,
 * docs/rules.md) as predicates over a chip's numbers, evaluated in three values: what is unknown
 * stays unknown unless the other terms decide.
 *
 * There is no clock here: the day comes in as an argument. States what rules say, for lawful
 * planning; searches for no way around a rule. Not legal advice.
 */
#ifndef FUYAO_SUPPLY_H
#define FUYAO_SUPPLY_H

#include "fuyao/chip.h"
#include "fuyao/error.h"

#include <stdbool.h>

/* ---------------------------------------------------------------------------------------- days */

enum { FY_DATE_TEXT = 12, FY_DAY_NEVER = 1 << 24 };

/* `2023-11-17` as days since 1970-01-01; years 1970 to 2199. Errors: FY_EPARSE, day untouched. */
int fy_date_parse(const char *text, int *day, fy_err *err) FY_NODISCARD;
char *fy_date_format(char out[FY_DATE_TEXT], int day); /* returns `out` */

/* --------------------------------------------------------------------------------------- rules */

/* Mildest first: of two gates the later value is the stricter. */
typedef enum fy_outcome {
    FY_OUTCOME_UNKNOWN = 0,
    FY_OUTCOME_FREE,
    FY_OUTCOME_NOTIFY,       /* notice first; may still be refused */
    FY_OUTCOME_AVOID,        /* buyers are told to keep away; no formal ban */
    FY_OUTCOME_CASE_BY_CASE, /* a licence, each request weighed */
    FY_OUTCOME_LICENCE,      /* a licence, presumed to be denied */
    FY_OUTCOME_DENY,
    FY_N_OUTCOMES
} fy_outcome;

const char *fy_outcome_name(fy_outcome outcome); /* "case by case" */

/* Who decides: the exporter's government, or the importer's. */
typedef enum fy_gate { FY_GATE_EXPORT, FY_GATE_IMPORT, FY_N_GATES } fy_gate;

/* What a rule looks at: a mask, because memory and I/O may be added. */
enum {
    FY_RULE_TPP = 1,         /* total processing performance: TOPS x bits, the greatest */
    FY_RULE_DENSITY = 2,     /* TPP / die area [1/mm2]; 0 on a planar process */
    FY_RULE_IO = 4,          /* device link and PCIe x16, both directions [B/s] */
    FY_RULE_MEMORY = 8,      /* memory bandwidth [B/s] */
    FY_RULE_DATA_CENTRE = 16 /* made or marketed for data centres: 0 or 1 */
};

typedef enum fy_compare {
    FY_LESS,
    FY_AT_MOST,
    FY_AT_LEAST,
    FY_MORE,
    FY_CANNOT_TELL /* the number is not known well enough for `limit` */
} fy_compare;

/* A number and the limit it was held against: `compare` is what is true of them. */
typedef struct fy_rule_fact {
    unsigned what;      /* FY_RULE_*, or their sum */
    double low, high;   /* the number lies between; high is infinite where only a part is known */
    fy_compare compare; /* of the number with `limit` */
    double limit;       /* unit as of `what` */
} fy_rule_fact;

/* A rule as data/rules has it. Texts are borrowed from the rules; shares are of 1, NAN if none. */
typedef struct fy_rule {
    const char *id;   /* `R3.licence`: a clause of R3 */
    const char *text; /* what it says, in our words */
    const char *source, *confidence;
    const char
        *delivered; /* what is known to have been shipped under it; NULL if nothing is said */
    fy_gate gate;
    fy_outcome outcome;
    int from_day, until_day; /* first and last day in force; FY_DAY_NEVER if it has no end */
    bool letter;             /* by letter to makers, not by regulation */
    double revenue_share;    /* of the seller's revenue there, to the exporter's government */
    double volume_share;     /* cap: share of ... */
    const char *volume_of;   /* ... this; NULL if there is no such cap */
    double volume_devices;   /* cap in devices */
} fy_rule;

/* A dated fact that decides no chip by a number. */
typedef struct fy_rule_event {
    int day;
    const char *id, *text, *source, *confidence;
} fy_rule_event;

enum { FY_RULE_MAX_FACTS = 16 };

/* What one gate says of a chip on a day. */
typedef struct fy_ruling {
    fy_outcome outcome;  /* unknown also where the day is after the last that the facts reach */
    fy_outcome so_far;   /* the same by the rules known, whatever the day */
    unsigned possible;   /* 1 << outcome of each that the unknown numbers leave open */
    const fy_rule *rule; /* that decided; NULL if none holds, or where it is open which */
    fy_rule_fact facts[FY_RULE_MAX_FACTS]; /* the numbers that decided, or that are wanting */
    int n_facts;
} fy_ruling;

typedef struct fy_rule_query {
    int day;
    const char *to;             /* destination: ISO code of two letters */
    const char *const *without; /* leave these rules out, n_without of them: `R3` or `R3.notify` */
    int n_without;
} fy_rule_query;

typedef struct fy_rules fy_rules;

/*
 * Load data_dir/rules. `out` is owned by the caller, freed with fy_rules_free.
 * Errors: FY_ENOENT, FY_EIO, FY_EPARSE, FY_ERANGE, FY_EINVAL with file:line.
 */
int fy_rules_load(fy_rules **out, const char *data_dir, fy_err *err) FY_NODISCARD;
void fy_rules_free(fy_rules *rules); /* NULL allowed */

int fy_rules_last_day(const fy_rules *rules); /* the last that the facts reach */
int fy_rules_count(const fy_rules *rules);
const fy_rule *fy_rules_at(const fy_rules *rules, int i); /* in the order in which they decide */
int fy_rules_n_events(const fy_rules *rules);
const fy_rule_event *fy_rules_event(const fy_rules *rules, int i); /* by day */

/* Does any rule name the destination? */
bool fy_rules_know(const fy_rules *rules, const char *to);
/* Is there a rule, or a clause of a rule, with that id? */
bool fy_rules_have(const fy_rules *rules, const char *id);

/* What a gate says: the first rule in force that holds decides, FREE if none does. Pure. */
fy_ruling fy_rules_gate(const fy_rules *rules, const fy_chip *chip, fy_gate gate,
                        const fy_rule_query *query);

/* Both gates together: the stricter outcome, unknown where what is open could change it. */
fy_outcome fy_ruling_both(const fy_ruling *exporter, const fy_ruling *importer);

/* Duty on the chip on its way, as a share of its price: 0 if none, NAN if unknown. */
double fy_rules_duty(const fy_rules *rules, const fy_chip *chip, const fy_rule_query *query);

/* The next day after `day` on which a rule or duty begins or has ended; FY_DAY_NEVER if none. */
int fy_rules_next_change(const fy_rules *rules, int day);

#endif
