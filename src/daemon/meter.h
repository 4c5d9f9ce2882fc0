/* SPDX-License-Identifier: MIT */
/*
 * How much of the daemon one uid has in its hands: connections, event streams, bytes of bodies
 * under way, requests a second (a bucket that fills at a steady rate). One is kept for each uid
 * that ever connected, and one (FY_NOBODY) for clients of TCP that have shown no token yet.
 */
#ifndef FUYAO_DAEMON_METER_H
#define FUYAO_DAEMON_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FY_NOBODY (-1)

typedef struct fy_meter {
    int64_t uid;
    int connections, streams;
    size_t body_bytes; /* promised by requests that are not complete */
    double bucket;     /* requests that may come at once */
    int64_t filled_ms;
    struct fy_meter *next;
} fy_meter;

/* All of them; zero-initialised is valid and empty. */
typedef struct fy_meters {
    fy_meter *buckets[256];
} fy_meters;

/* The meter of a uid, made where there is none. Never NULL; lives as long as the meters. */
fy_meter *fy_meter_of(fy_meters *meters, int64_t uid, double burst, int64_t now_ms);

/* Take one request out of the bucket; false where it is empty. rate <= 0: always true. */
bool fy_meter_take(fy_meter *meter, double rate_per_s, double burst, int64_t now_ms);

void fy_meters_free(fy_meters *meters);

#endif
