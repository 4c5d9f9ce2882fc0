/* SPDX-License-Identifier: MIT */
/*
 * Quantities with units, in text: `96 GB`, `4.0 TB/s`, `400 W`, `1.853 GHz`, `10 min`, `12 %`.
 *
 * Parsing is strict: the whole text is one decimal number, at most one space, and one unit of the
 * wanted dimension; hexadecimal, nan, inf, overflow and thousands separators are refused, and the
 * error says what would be right. Values are SI inside (bytes, seconds, watts, hertz); printing
 * chooses a prefix and shows 4 significant digits. Knows nothing of chips; allocates nothing.
 */
#ifndef FUYAO_BASE_UNITS_H
#define FUYAO_BASE_UNITS_H

#include "fuyao/error.h"

#include <stddef.h>

typedef enum fy_dim {
    FY_DIM_RATIO,       /* no unit, or %                              -> 1 */
    FY_DIM_COUNT,       /* a whole number without unit                -> 1 */
    FY_DIM_BYTES,       /* B kB MB GB TB PB, KiB MiB GiB TiB          -> B */
    FY_DIM_CACHE,       /* as FY_DIM_BYTES, printed in KiB and MiB     -> B */
    FY_DIM_BYTES_PER_S, /* B/s kB/s MB/s GB/s TB/s, GiB/s ...         -> B/s */
    FY_DIM_BITS_PER_S,  /* bit/s kbit/s Mbit/s Gbit/s Tbit/s          -> bit/s */
    FY_DIM_FLOP_PER_S,  /* FLOP/s ... TFLOP/s PFLOP/s                 -> FLOP/s */
    FY_DIM_OP_PER_S,    /* OP/s ... TOP/s POP/s, TOPS                 -> OP/s */
    FY_DIM_POWER,       /* W kW MW                                    -> W */
    FY_DIM_TIME,        /* us ms s min h d                            -> s */
    FY_DIM_FREQUENCY,   /* Hz kHz MHz GHz                             -> Hz */
    FY_DIM_ENERGY,      /* J kJ MJ Wh kWh MWh                         -> J */
    FY_DIM_AREA,        /* mm2                                        -> mm2 */
    FY_DIM_LENGTH,      /* nm                                         -> nm */
    FY_DIM_USD,         /* USD, or $ before the number                -> USD */
    FY_DIM_CNY,         /* CNY                                        -> CNY */
    FY_DIM_USD_PER_KWH, /* USD/kWh                                    -> USD/kWh */
    FY_DIM_CNY_PER_KWH, /* CNY/kWh                                    -> CNY/kWh */
    FY_N_DIMS
} fy_dim;

/* Which values make sense where the text stands. */
typedef enum fy_sign { FY_ANY_SIGN, FY_NOT_NEGATIVE, FY_POSITIVE } fy_sign;

/*
 * Parse `text` (NUL-terminated) as one quantity of dimension `dim` into *value (SI).
 * Errors: FY_EPARSE (not a number, wrong or missing unit), FY_ERANGE (overflow, sign, not whole).
 * *value is untouched on error.
 */
int fy_units_parse(const char *text, fy_dim dim, fy_sign sign, double *value,
                   fy_err *err) FY_NODISCARD;

/*
 * Parse a range `LOW .. MID .. HIGH UNIT` (one unit for all three, or one after each) or a single
 * quantity, which gives three equal numbers. Low <= mid <= high.
 *   range   [3]: low, mid, high; untouched on error
 * Errors: as fy_units_parse; FY_ERANGE when the three are out of order.
 */
int fy_units_parse_range(const char *text, fy_dim dim, fy_sign sign, double range[3],
                         fy_err *err) FY_NODISCARD;

enum { FY_UNITS_TEXT = 32 };

/* `value` (SI) as text for a person, 4 significant digits; "unknown" for NAN. Returns `out`. */
char *fy_units_format(char out[FY_UNITS_TEXT], double value, fy_dim dim);

/* A plain number with 4 significant digits, no exponent from 1e-4 up to 1e15. Returns `out`. */
char *fy_units_format_number(char out[FY_UNITS_TEXT], double value);

#endif
