/* SPDX-License-Identifier: MIT */
#include "trace/names.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_STEM = 40, /* longer stems and numbers are fingerprinted */
    MAX_DIGITS = 18,
    MAX_RUNS = 16,
    SHORT_RUN = 64, /* a run that ends below this length becomes fingerprints */
};

/* A name as stem and number: "job-007" is ("job-", 7, three digits). */
typedef struct stem {
    char text[MAX_STEM];
    size_t len;
    int width; /* digits, if the first is a zero and there are others; else 0 */
    int64_t number;
} stem;

/* Jobs first.number .. +count-1 have the sequence numbers from `sequence` on. */
typedef struct run {
    stem first;
    int64_t count, sequence;
} run;

typedef struct entry {
    uint64_t a, b; /* fingerprint; a == 0: empty */
    int64_t sequence;
} entry;

struct fy_names {
    run runs[MAX_RUNS]; /* the last one grows */
    int n_runs;
    entry *table; /* open addressing, [room], at most half full */
    size_t room, used;
};

fy_names *fy_names_new(void)
{
    return fy_calloc(1, sizeof(fy_names));
}

void fy_names_free(fy_names *names)
{
    if (names != NULL) {
        free(names->table);
        free(names);
    }
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static entry fingerprint(const char *text, size_t len)
{
    entry e = {.a = 0x243f6a8885a308d3u ^ len, .b = 0x13198a2e03707344u + len};

    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;

        memcpy(&word, text + i, len - i < 8 ? len - i : 8);
        e.a = mix(e.a + word);
        e.b = mix(e.b ^ (word * 0x9e3779b97f4a7c15u));
    }
    e.a = e.a == 0 ? 1 : e.a;
    return e;
}

static entry *slot_of(entry *table, size_t room, const entry *e)
{
    size_t i = (size_t)e->b & (room - 1);

    while (table[i].a != 0 && (table[i].a != e->a || table[i].b != e->b)) {
        i = (i + 1) & (room - 1);
    }
    return &table[i];
}

static void table_add(fy_names *names, const char *text, size_t len, int64_t sequence)
{
    entry e = fingerprint(text, len);

    if ((names->used + 1) * 2 > names->room) {
        size_t room = names->room == 0 ? 256 : names->room * 2;
        entry *table = fy_calloc(room, sizeof *table);

        for (size_t i = 0; i < names->room; i++) {
            if (names->table[i].a != 0) {
                *slot_of(table, room, &names->table[i]) = names->table[i];
            }
        }
        free(names->table);
        names->table = table;
        names->room = room;
    }
    e.sequence = sequence;
    *slot_of(names->table, names->room, &e) = e;
    names->used++;
}

/* Split a name; false if it does not end in a number of a size that can count up. */
static bool split(const char *text, size_t len, stem *out)
{
    size_t begin = len;

    while (begin > 0 && len - begin < MAX_DIGITS && text[begin - 1] >= '0' &&
           text[begin - 1] <= '9') {
        begin--;
    }
    if (begin == len || begin > MAX_STEM ||
        (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9')) {
        return false;
    }
    memcpy(out->text, text, begin);
    out->len = begin;
    out->width = text[begin] == '0' && len - begin > 1 ? (int)(len - begin) : 0;
    out->number = 0;
    for (size_t i = begin; i < len; i++) {
        out->number = out->number * 10 + (text[i] - '0');
    }
    return true;
}

static int digits_of(int64_t number)
{
    int n = 1;

    while (number >= 10) {
        number /= 10;
        n++;
    }
    return n;
}

/*
 * Distance of `s` behind the start of `r`, or -1 if it cannot belong to it. A run of zero-padded
 * names goes on, unpadded, where the number has outgrown the padding: 09, 10.
 */
static int64_t offset_in(const run *r, const stem *s)
{
    bool padded = r->first.width > 0;
    int digits = digits_of(s->number);

    if (s->len != r->first.len || memcmp(s->text, r->first.text, s->len) != 0) {
        return -1;
    }
    if (padded ? (s->width == 0 ? digits != r->first.width : s->width != r->first.width)
               : s->width != 0) {
        return -1;
    }
    return s->number < r->first.number ? -1 : s->number - r->first.number;
}

static size_t put_name(const run *r, int64_t i, char out[MAX_STEM + MAX_DIGITS + 2])
{
    int64_t number = r->first.number + i;
    int digits = digits_of(number);
    size_t len = r->first.len;

    memcpy(out, r->first.text, len);
    digits = digits < r->first.width ? r->first.width : digits;
    for (int d = digits - 1; d >= 0; d--) {
        out[len + (size_t)d] = (char)('0' + number % 10);
        number /= 10;
    }
    return len + (size_t)digits;
}

static void dissolve(fy_names *names, const run *r)
{
    char name[MAX_STEM + MAX_DIGITS + 2];

    for (int64_t i = 0; i < r->count; i++) {
        size_t len = put_name(r, i, name);

        table_add(names, name, len, r->sequence + i);
    }
}

/* Start a run; a short last run, or the oldest where there are too many, is dissolved. */
static void start_run(fy_names *names, const stem *s, int64_t sequence)
{
    if (names->n_runs > 0 && names->runs[names->n_runs - 1].count < SHORT_RUN) {
        dissolve(names, &names->runs[--names->n_runs]);
    }
    if (names->n_runs == MAX_RUNS) {
        dissolve(names, &names->runs[0]);
        memmove(&names->runs[0], &names->runs[1], (MAX_RUNS - 1) * sizeof(run));
        names->n_runs--;
    }
    names->runs[names->n_runs++] = (run){.first = *s, .count = 1, .sequence = sequence};
}

int64_t fy_names_find(const fy_names *names, const char *text, size_t len)
{
    stem s;

    if (split(text, len, &s)) {
        for (int i = names->n_runs - 1; i >= 0; i--) {
            int64_t offset = offset_in(&names->runs[i], &s);

            if (offset >= 0 && offset < names->runs[i].count) {
                return names->runs[i].sequence + offset;
            }
        }
    }
    if (names->room > 0) {
        entry e = fingerprint(text, len);
        const entry *found = slot_of(names->table, names->room, &e);

        return found->a != 0 ? found->sequence : -1;
    }
    return -1;
}

bool fy_names_add(fy_names *names, const char *text, size_t len, int64_t sequence)
{
    run *last = names->n_runs > 0 ? &names->runs[names->n_runs - 1] : NULL;
    bool can_run;
    stem s;

    if (fy_names_find(names, text, len) >= 0) {
        return false;
    }
    can_run = split(text, len, &s);
    if (last != NULL && can_run && offset_in(last, &s) == last->count &&
        sequence == last->sequence + last->count) {
        last->count++;
    } else if (can_run) {
        start_run(names, &s, sequence);
    } else {
        table_add(names, text, len, sequence);
    }
    return true;
}
