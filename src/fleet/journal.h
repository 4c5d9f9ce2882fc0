/* SPDX-License-Identifier: MIT */
/*
 * The journal's grammar as one table that both encoder and decoder walk, so that they cannot
 * differ:
 *
 *     line   = t_us " " kind { " " key "=" value } "\n"      every key of the kind, in the table's
 * order int    = decimal, no leading zeros, no plus sign double = as fy_num_put_double writes it
 *     text   = bytes; control, space, "=", "%" and 127 as %XX (upper case)
 *     list   = items separated by ","; nothing where it is empty
 *     mix    = list of cpu_milli:devices:milli:weight
 *     rates  = list of chip:rate_q:spread_q:grade
 *     place  = chunks separated by ";", each node*workers:device,device,...
 *
 * There is one way to write a line, and the decoder takes no other.
 */
#ifndef FUYAO_FLEET_JOURNAL_H
#define FUYAO_FLEET_JOURNAL_H

#include "fuyao/fleet.h"

#include <stddef.h>

typedef enum fy_journal_type {
    FY_JT_I64,
    FY_JT_I32,
    FY_JT_TEXT,
    FY_JT_DOUBLE,
    FY_JT_POWER,  /* int64_t [FY_N_ESTIMATES] */
    FY_JT_WORD,   /* an int that stands for one of `words` */
    FY_JT_REASON, /* an fy_reason by its name */
    FY_JT_RATES,  /* these lists and the place have one home each: */
    FY_JT_AFTER,  /* the offset is not used */
    FY_JT_GUARANTEE,
    FY_JT_PLACE,
    FY_JT_MIX,
} fy_journal_type;

/* The struct that the offset counts from. */
typedef enum fy_journal_home {
    FY_JH_EVENT,
    FY_JH_NODE,
    FY_JH_TENANT,
    FY_JH_JOB,
    FY_JH_PLACE,
} fy_journal_home;

typedef struct fy_journal_field {
    const char *key; /* NULL ends a kind's fields */
    size_t offset;
    fy_journal_type type;
    fy_journal_home home;
    const char *const *words; /* NULL-ended */
} fy_journal_field;

/* The fields of a kind, in order. */
const fy_journal_field *fy_journal_fields(fy_event_kind kind);

/* Must this byte be written as %XX? */
bool fy_journal_escapes(unsigned char byte);

#endif
