/* SPDX-License-Identifier: MIT */
#include "daemon/meter.h"

#include "base/arena.h"

#include <stdlib.h>

fy_meter *fy_meter_of(fy_meters *meters, int64_t uid, double burst, int64_t now_ms)
{
    fy_meter **head = &meters->buckets[(uint64_t)uid % 256];

    for (fy_meter *meter = *head; meter != NULL; meter = meter->next) {
        if (meter->uid == uid) {
            return meter;
        }
    }
    fy_meter *meter = fy_calloc(1, sizeof *meter);
    *meter = (fy_meter){
        .uid = uid, .bucket = burst, .filled_ms = now_ms, .rested_ms = now_ms, .next = *head};
    *head = meter;
    return meter;
}

bool fy_meter_take(fy_meter *meter, double rate_per_s, double burst, int64_t now_ms)
{
    if (rate_per_s <= 0) {
        return true;
    }
    if (now_ms > meter->filled_ms) {
        meter->bucket += rate_per_s * (double)(now_ms - meter->filled_ms) / 1000;
        meter->bucket = meter->bucket > burst ? burst : meter->bucket;
        meter->filled_ms = now_ms;
    }
    if (meter->bucket < 1) {
        return false;
    }
    meter->bucket -= 1;
    return true;
}

void fy_meter_spend(fy_meter *meter, double ms)
{
    meter->spent_ms += ms > 0 ? ms : 0;
}

bool fy_meter_rested(fy_meter *meter, double share, double most_ms, int64_t now_ms)
{
    if (share <= 0) {
        return true;
    }
    if (now_ms > meter->rested_ms) {
        meter->spent_ms -= share * (double)(now_ms - meter->rested_ms);
        meter->spent_ms = meter->spent_ms > 0 ? meter->spent_ms : 0;
        meter->rested_ms = now_ms;
    }
    return meter->spent_ms <= most_ms;
}

void fy_meters_free(fy_meters *meters)
{
    for (size_t i = 0; i < sizeof meters->buckets / sizeof meters->buckets[0]; i++) {
        for (fy_meter *meter = meters->buckets[i], *next; meter != NULL; meter = next) {
            next = meter->next;
            free(meter);
        }
        meters->buckets[i] = NULL;
    }
}
