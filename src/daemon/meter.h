/* SPDX-License-Identifier: MIT */
/*
 * How much of the daemon one uid has in its hands: connections, event streams, bytes of bodies
 * under way, requests a second (a bucket that fills at a steady rate), and the time that answering
 * takes (another, which may be overdrawn by one request). One is kept for each uid
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
    double spent_ms; /* time of the daemon that was taken and is not made up for yet */
    int64_t rested_ms;
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

/* Note that answering took `ms`. */
void fy_meter_spend(fy_meter *meter, double ms);

/* May it ask again? It may have taken `most_ms` beyond its share (0 to 1) of the time since then;
 * share <= 0: always true. */
bool fy_meter_rested(fy_meter *meter, double share, double most_ms, int64_t now_ms);

void fy_meters_free(fy_meters *meters);

#endif
