/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the bytes are a journal. Every line that decodes must encode to itself; what the
 * fleet accepts must keep every invariant, what it refuses must change nothing.
 */
#include "fuyao/fleet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_EVENTS = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *what, const char *why)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, why);
        abort();
    }
}

static void try_line(fy_fleet *fleet, fy_journal_reader *reader, const char *line, size_t len)
{
    uint64_t before = fy_fleet_digest(fleet);
    fy_journal_line again = {0};
    fy_event event;
    fy_err err = {0};

    if (fy_journal_decode(reader, line, len, &event, &err) != 0) {
        demand(err.text[0] != '\0', "decode", "refused without a reason");
        return;
    }
    fy_journal_encode(&event, &again);
    demand(again.len == len + 1 && memcmp(again.text, line, len) == 0, "encode", "another line");
    fy_journal_line_free(&again);
    if (event.kind == FY_EV_NODE_ADDED && event.node_record->devices > 64) {
        return; /* legal, and slow to check after every event */
    }
    if (fy_fleet_apply(fleet, &event, &err) != 0) {
        demand(fy_fleet_digest(fleet) == before, "apply", "a refused event changed something");
    }
    demand(fy_fleet_check(fleet, &err) == 0, "check", err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_fleet *fleet = fy_fleet_new();
    fy_journal_reader *reader = fy_journal_reader_new();
    const char *at = (const char *)data;
    const char *end = at + size;

    for (int i = 0; at < end && i < MOST_EVENTS; i++) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));

        eol = eol != NULL ? eol : end;
        try_line(fleet, reader, at, (size_t)(eol - at));
        at = eol < end ? eol + 1 : end;
    }
    fy_journal_reader_free(reader);
    fy_fleet_free(fleet);
    return 0;
}
