/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the bytes are a fleet's snapshot, as they are, and as the body of a frame whose
 * length and hash are right. Either is refused with a reason, or it is a fleet that keeps every
 * invariant, saves the same bytes again, and lets time go on.
 */
#include "fleet/snapshot.h"

#include "base/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 16, MOST_DEVICES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *what, const char *why)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, why);
        abort();
    }
}

static void try_bytes(const void *bytes, size_t len)
{
    fy_fleet *fleet = NULL;
    fy_str again = {0};
    fy_err err = {0};

    if (fy_fleet_load(&fleet, bytes, len, &err) != 0) {
        demand(err.text[0] != '\0' && fleet == NULL, "load", "refused without a reason");
        return;
    }
    fy_fleet_save(fleet, &again);
    demand(again.len == len && memcmp(again.text, bytes, len) == 0, "save", "other bytes");
    demand(fy_fleet_check(fleet, &err) == 0, "check", err.text);
    if (fleet->n_devices < MOST_DEVICES && fleet->now_us < 900000000000000000) {
        fy_fleet_integrate(fleet, fleet->now_us + 1000000);
        demand(fy_fleet_check(fleet, &err) == 0, "check a second later", err.text);
    }
    fy_str_free(&again);
    fy_fleet_free(fleet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_str framed = {0};
    size_t begin;

    if (size > MOST_BYTES) {
        return 0;
    }
    try_bytes(data, size);
    begin = fy_pack_begin(&framed, fy_snapshot_magic);
    fy_str_add(&framed, (const char *)data, size);
    fy_pack_end(&framed, begin);
    try_bytes(framed.text, framed.len);
    fy_str_free(&framed);
    return 0;
}
