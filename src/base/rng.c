/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ln 2 in two parts: the first has 21 trailing zero bits, so that n * ln2_high is exact. */
static const double ln2_high = 0x1.62e42feep-1;
static const double ln2_low = 0x1.a39ef35793c76p-33;

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

fy_rng fy_rng_seed(uint64_t seed)
{
    fy_rng rng;

    for (int i = 0; i < 4; i++) {
        rng.s[i] = splitmix64(&seed);
    }
    return rng;
}

fy_rng fy_rng_stream(uint64_t seed, uint64_t stream)
{
    uint64_t state = stream;

    return fy_rng_seed(seed ^ splitmix64(&state));
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t fy_rng_u64(fy_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double fy_rng_unit(fy_rng *rng)
{
    return (double)(fy_rng_u64(rng) >> 11) * 0x1p-53;
}

uint64_t fy_rng_below(fy_rng *rng, uint64_t n)
{
    uint64_t reject = (0 - n) % n; /* 2^64 mod n values too many */
    uint64_t x;

    assert(n > 0);
    do {
        x = fy_rng_u64(rng);
    } while (x < reject);
    return x % n;
}

/*
 * ln x = e ln 2 + 2 atanh((m-1)/(m+1)) with x = m 2^e and m in [sqrt(1/2), sqrt 2): the series in
 * z^2 <= 0.0295 has 12 terms left below 1e-18.
 */
double fy_rng_log(double x)
{
    uint64_t bits;
    int e;
    double m, z, z2, sum = 0;

    assert(x > 0 && x < (double)INFINITY);
    if (x < 0x1p-1000) {
        return fy_rng_log(x * 0x1p200) - 200 * (ln2_high + ln2_low);
    }
    memcpy(&bits, &x, sizeof bits);
    e = (int)(bits >> 52) - 1022;
    bits = (bits & 0x000fffffffffffffu) | 0x3fe0000000000000u; /* m in [1/2, 1) */
    memcpy(&m, &bits, sizeof m);
    if (m < 0.70710678118654752) {
        m *= 2;
        e -= 1;
    }
    z = (m - 1) / (m + 1);
    z2 = z * z;
    for (int k = 23; k >= 1; k -= 2) {
        sum = sum * z2 + 1.0 / k;
    }
    return e * ln2_high + (e * ln2_low + 2 * z * sum);
}

/* exp x = 2^n exp(r) with |r| <= ln2 / 2: the Taylor series needs 18 terms. */
double fy_rng_exp(double x)
{
    double n, r, sum = 1, scale = 1;
    uint64_t bits;

    if (x > 709) {
        return (double)INFINITY;
    }
    if (x < -708) {
        return 0;
    }
    n = x / (ln2_high + ln2_low);
    n = (double)(int64_t)(n < 0 ? n - 0.5 : n + 0.5);
    r = (x - n * ln2_high) - n * ln2_low;
    for (int k = 18; k >= 1; k--) {
        sum = 1 + r * sum / k;
    }
    bits = (uint64_t)((int64_t)n + 1023) << 52;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

double fy_rng_exponential(fy_rng *rng, double mean)
{
    return -mean * fy_rng_log(1 - fy_rng_unit(rng));
}

double fy_rng_normal(fy_rng *rng)
{
    double u, v, s;

    do {
        u = 2 * fy_rng_unit(rng) - 1;
        v = 2 * fy_rng_unit(rng) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s <= 0);
    return u * sqrt(-2 * fy_rng_log(s) / s);
}

double fy_rng_lognormal(fy_rng *rng, double median, double sigma)
{
    return median * fy_rng_exp(sigma * fy_rng_normal(rng));
}
