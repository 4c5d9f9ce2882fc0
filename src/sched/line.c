/* SPDX-License-Identifier: MIT */
#include "sched/line.h"

#include "base/arena.h"

#include <stdlib.h>

enum { FIRST_SIZE = 16 };

static void know(fy_line_places *places, int32_t slot)
{
    size_t old = places->room;

    places->at = fy_grow(places->at, &places->room, (size_t)slot + 1, sizeof *places->at);
    for (size_t i = old; i < places->room; i++) {
        places->at[i] = -1;
    }
}

/* Close the gaps of those who have left, in twice the room of those who have not. */
static void close_ranks(fy_line *line, fy_line_places *places)
{
    fy_line old = *line;
    size_t size = FIRST_SIZE;

    while (size < 2 * (old.n_inside + 1)) {
        size *= 2;
    }
    *line = (fy_line){.size = size, .n_inside = old.n_inside};
    line->least = fy_calloc(2 * size, sizeof *line->least);
    line->slots = fy_calloc(size, sizeof *line->slots);
    for (size_t i = 0; i < size; i++) {
        line->least[size + i] = INT64_MAX;
        line->slots[i] = -1;
    }
    for (size_t p = 0; p < old.n; p++) {
        if (old.slots[p] >= 0) {
            places->at[old.slots[p]] = (int32_t)line->n;
            line->slots[line->n] = old.slots[p];
            line->least[size + line->n++] = old.least[old.size + p];
        }
    }
    for (size_t i = size - 1; i > 0; i--) {
        int64_t a = line->least[2 * i];
        int64_t b = line->least[2 * i + 1];

        line->least[i] = a < b ? a : b;
    }
    fy_line_free(&old);
}

void fy_line_join(fy_line *line, fy_line_places *places, int32_t slot)
{
    know(places, slot);
    if (line->n == line->size) {
        close_ranks(line, places);
    }
    places->at[slot] = (int32_t)line->n;
    line->slots[line->n++] = slot;
    line->n_inside++;
}

void fy_line_set(fy_line *line, const fy_line_places *places, int32_t slot, int64_t number)
{
    size_t i = line->size + (size_t)places->at[slot];

    line->least[i] = number;
    for (i /= 2; i > 0; i /= 2) {
        int64_t a = line->least[2 * i];
        int64_t b = line->least[2 * i + 1];

        line->least[i] = a < b ? a : b;
    }
}

void fy_line_leave(fy_line *line, fy_line_places *places, int32_t slot)
{
    if ((size_t)slot < places->room && places->at[slot] >= 0) {
        fy_line_set(line, places, slot, INT64_MAX);
        line->slots[places->at[slot]] = -1;
        line->n_inside--;
        places->at[slot] = -1;
    }
}

int32_t fy_line_first(const fy_line *line, int64_t most)
{
    size_t i = 1;

    if (line->size == 0 || line->least[1] > most) {
        return -1;
    }
    while (i < line->size) {
        i = 2 * i + (line->least[2 * i] > most);
    }
    return line->slots[i - line->size];
}

void fy_line_free(fy_line *line)
{
    free(line->least);
    free(line->slots);
    *line = (fy_line){0};
}
