/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text, strictly: the whole field must be the number, in plain ASCII, finite and in
 * range; no blanks, no hexadecimal, no `inf` or `nan`, no locale. Both ways: what is written here
 * reads back to the same value.
 */
#ifndef FUYAO_BASE_NUM_H
#define FUYAO_BASE_NUM_H

#include <stddef.h>
#include <stdint.h>

typedef enum fy_num {
    FY_NUM_OK = 0,
    FY_NUM_NOT,      /* not a number, or not only a number */
    FY_NUM_RANGE,    /* a number, but out of range */
    FY_NUM_DECIMALS, /* finer than a microsecond */
} fy_num;

/* Seconds are at most 1e12 (31,700 years), so that sums of instants fit 64 bits of microseconds. */
#define FY_NUM_MAX_US 1000000000000000000

typedef enum fy_num_round { FY_NUM_EXACT, FY_NUM_NEAREST } fy_num_round;

/* A decimal integer in [low, high], `len` bytes; a leading `+` is refused. */
fy_num fy_num_int(const char *text, size_t len, int64_t low, int64_t high, int64_t *out);

/* A decimal number such as -1.5e-3, correctly rounded; at most 127 bytes. */
fy_num fy_num_double(const char *text, size_t len, double *out);

/*
 * Plain decimal seconds >= 0 as microseconds, without passing through a double. What is finer than
 * a microsecond is refused (FY_NUM_EXACT) or rounded half up (FY_NUM_NEAREST).
 */
fy_num fy_num_us(const char *text, size_t len, fy_num_round round, int64_t *out);

enum { FY_NUM_TEXT = 40 }; /* room for any number written below, with its NUL */

/* Write a number, NUL-terminated, and return its length. */
size_t fy_num_put_int(char *out, int64_t value);
size_t fy_num_put_us(char *out, int64_t value_us); /* >= 0, as seconds: 1500000 is 1.5 */
size_t fy_num_put_double(char *out, double value); /* finite; reads back to the same value */

#endif
