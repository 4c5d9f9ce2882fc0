/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that are the same for ever on every machine: xoshiro256** seeded by splitmix64
 * (Blackman and Vigna 2018, published as public domain), and distributions built from + - * / and
 * sqrt only (fy_rng_log and fy_rng_exp included), so that equal seeds give equal bytes whatever the
 * compiler, libm or CPU.
 */
#ifndef FUYAO_BASE_RNG_H
#define FUYAO_BASE_RNG_H

#include <stdint.h>

typedef struct fy_rng {
    uint64_t s[4];
} fy_rng;

fy_rng fy_rng_seed(uint64_t seed);

/* An independent stream named by `stream` under the same seed. */
fy_rng fy_rng_stream(uint64_t seed, uint64_t stream);

uint64_t fy_rng_u64(fy_rng *rng);
double fy_rng_unit(fy_rng *rng);                /* uniform in [0, 1), 53 bits */
uint64_t fy_rng_below(fy_rng *rng, uint64_t n); /* uniform in 0 .. n-1, n >= 1, without bias */
double fy_rng_exponential(fy_rng *rng, double mean);
double fy_rng_normal(fy_rng *rng); /* mean 0, variance 1 (polar method) */
double fy_rng_lognormal(fy_rng *rng, double median, double sigma);

/* Natural logarithm of x > 0 and exponential function, to about 1e-15 relative. */
double fy_rng_log(double x);
double fy_rng_exp(double x);

#endif
