/* SPDX-License-Identifier: MIT */
/*
 * Reading the journal: strictly, one way to write each line (see journal.h). Memory is bounded by
 * the longest line; what is decoded is borrowed from the reader until the next line.
 */
#include "base/arena.h"
#include "base/num.h"
#include "fleet/journal.h"

#include <stdlib.h>
#include <string.h>

struct fy_journal_reader {
    fy_node_record node;
    fy_tenant_record tenant;
    fy_job_record job;
    fy_place place;
    fy_mix_record mix;
    fy_mix_class *classes;
    size_t classes_room;
    char *text; /* decoded text of the line */
    size_t text_len, text_room;
    int64_t *ints; /* guarantees or dependencies */
    size_t ints_room;
    fy_rate *rates;
    size_t rates_room;
    fy_chunk *chunks;
    size_t chunks_room;
    int32_t *devices;
    size_t devices_room;
};

/* The rest of the line. */
typedef struct cursor {
    const char *at, *end, *begin;
    const char *key; /* of the field being read */
    fy_err *err;
} cursor;

static int wrong(const cursor *c, const char *what)
{
    return fy_fail(c->err, FY_EPARSE, "column %td: %s%s%s", c->at - c->begin + 1,
                   c->key != NULL ? c->key : "", c->key != NULL ? ": " : "", what);
}

static bool take(cursor *c, char want)
{
    bool ok = c->at < c->end && *c->at == want;

    c->at += ok;
    return ok;
}

static bool ends(const cursor *c)
{
    return c->at == c->end || *c->at == ' ';
}

/* A decimal integer in low .. high, written in the one way there is. */
static int read_int(cursor *c, int64_t low, int64_t high, int64_t *out)
{
    const char *from = c->at;
    bool negative = take(c, '-');
    const char *digits = c->at;
    uint64_t v = 0;
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;

    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        uint64_t digit = (uint64_t)(*c->at - '0');

        if (v > (most - digit) / 10) {
            c->at = from;
            return wrong(c, "this number does not fit 64 bits");
        }
        v = v * 10 + digit;
    }
    if (c->at == digits || (*digits == '0' && (c->at > digits + 1 || negative))) {
        c->at = from;
        return wrong(c, "give an integer without sign or zeros before it");
    }
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    if (*out < low || *out > high) {
        c->at = from;
        return wrong(c, "this number is out of range");
    }
    return 0;
}

static int read_i32(cursor *c, int32_t *out)
{
    int64_t value = 0;
    int status = read_int(c, INT32_MIN, INT32_MAX, &value);

    *out = (int32_t)value;
    return status;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Text up to the next space. The decoded bytes of a line are never more than its own. */
static int read_text(fy_journal_reader *reader, cursor *c, const char **out)
{
    char *to = reader->text + reader->text_len;
    size_t n = 0;

    for (; !ends(c); c->at++) {
        unsigned char byte = (unsigned char)*c->at;

        if (byte == '%') {
            int high = c->end - c->at > 2 ? hex_digit(c->at[1]) : -1;
            int low = high >= 0 ? hex_digit(c->at[2]) : -1;

            if (low < 0 || high * 16 + low == 0 ||
                !fy_journal_escapes((unsigned char)(high * 16 + low))) {
                return wrong(c, "% must begin the code %XX of a byte that needs one");
            }
            byte = (unsigned char)(high * 16 + low);
            c->at += 2;
        } else if (fy_journal_escapes(byte)) {
            return wrong(c, "this byte must be written as %XX");
        }
        to[n++] = (char)byte;
    }
    to[n++] = '\0';
    reader->text_len += n;
    *out = to;
    return 0;
}

static int read_double(cursor *c, double *out)
{
    const char *from = c->at;
    char again[FY_NUM_TEXT];
    size_t len;

    while (!ends(c)) {
        c->at++;
    }
    len = (size_t)(c->at - from);
    if (fy_num_double(from, len, out) != FY_NUM_OK || fy_num_put_double(again, *out) != len ||
        memcmp(again, from, len) != 0) {
        c->at = from;
        return wrong(c, "give a number as short as it can be");
    }
    return 0;
}

/* Separators up to the end of the value: one less than the items, if there are any. */
static size_t count_items(const cursor *c, char separator)
{
    size_t n = ends(c) ? 0 : 1;

    for (const char *p = c->at; p < c->end && *p != ' '; p++) {
        n += *p == separator;
    }
    return n;
}

static int read_ints(fy_journal_reader *reader, cursor *c, const int64_t **out, int *count)
{
    size_t n = count_items(c, ',');
    int status = n <= INT32_MAX ? 0 : wrong(c, "too many");

    if (status != 0) {
        return status;
    }
    reader->ints = fy_grow(reader->ints, &reader->ints_room, n + 1, sizeof *reader->ints);
    for (size_t i = 0; i < n && status == 0; i++) {
        status = i == 0 || take(c, ',') ? read_int(c, INT64_MIN, INT64_MAX, &reader->ints[i])
                                        : wrong(c, "give integers separated by commas");
    }
    *out = reader->ints;
    *count = (int)n;
    return status;
}

static int read_power(cursor *c, int64_t mw[FY_N_ESTIMATES])
{
    int status = 0;

    for (int i = 0; i < FY_N_ESTIMATES && status == 0; i++) {
        status = i == 0 || take(c, ',') ? read_int(c, 0, INT64_MAX, &mw[i])
                                        : wrong(c, "give three numbers: low,mid,high");
    }
    return status;
}

static int read_rate(cursor *c, fy_rate *rate)
{
    if (read_i32(c, &rate->chip) != 0) {
        return FY_EPARSE;
    }
    if (!take(c, ':') || read_int(c, 0, INT64_MAX, &rate->rate_q) != 0 || !take(c, ':') ||
        read_int(c, 0, INT64_MAX, &rate->spread_q) != 0 || !take(c, ':')) {
        return wrong(c, "give chip:rate:spread:grade");
    }
    return read_i32(c, &rate->grade);
}

static int read_rates(fy_journal_reader *reader, cursor *c)
{
    size_t n = count_items(c, ',');
    int status = n <= INT32_MAX ? 0 : wrong(c, "too many");

    if (status != 0) {
        return status;
    }
    reader->rates = fy_grow(reader->rates, &reader->rates_room, n + 1, sizeof *reader->rates);
    for (size_t i = 0; i < n && status == 0; i++) {
        status = i == 0 || take(c, ',') ? read_rate(c, &reader->rates[i])
                                        : wrong(c, "give rates separated by commas");
    }
    reader->job.rates = reader->rates;
    reader->job.n_rates = (int)n;
    return status;
}

static int read_class(cursor *c, fy_mix_class *cls)
{
    if (read_int(c, 0, INT64_MAX, &cls->cpu_milli) != 0) {
        return FY_EPARSE;
    }
    if (!take(c, ':') || read_i32(c, &cls->devices) != 0 || !take(c, ':') ||
        read_i32(c, &cls->milli) != 0 || !take(c, ':')) {
        return wrong(c, "give cpu_milli:devices:milli:weight");
    }
    return read_int(c, 1, INT64_MAX, &cls->weight);
}

static int read_mix(fy_journal_reader *reader, cursor *c)
{
    size_t n = count_items(c, ',');
    int status = n <= INT32_MAX ? 0 : wrong(c, "too many");

    if (status != 0) {
        return status;
    }
    reader->classes =
        fy_grow(reader->classes, &reader->classes_room, n + 1, sizeof *reader->classes);
    for (size_t i = 0; i < n && status == 0; i++) {
        status = i == 0 || take(c, ',') ? read_class(c, &reader->classes[i])
                                        : wrong(c, "give classes separated by commas");
    }
    reader->mix = (fy_mix_record){.classes = reader->classes, .n = (int)n};
    return status;
}

/* node*workers:device,... ; *per_worker is -1 before the first chunk. */
static int read_chunk(fy_journal_reader *reader, cursor *c, fy_chunk *chunk, int *per_worker)
{
    int32_t first = reader->place.n_devices;
    int64_t n;

    if (read_i32(c, &chunk->node) != 0) {
        return FY_EPARSE;
    }
    if (!take(c, '*') || read_i32(c, &chunk->workers) != 0 || chunk->workers < 1 ||
        chunk->workers > INT32_MAX - reader->place.workers || !take(c, ':')) {
        return wrong(c, "give node*workers:device,device,...");
    }
    while (c->at < c->end && *c->at != ' ' && *c->at != ';') {
        if (reader->place.n_devices > first && !take(c, ',')) {
            return wrong(c, "give device numbers separated by commas");
        }
        if (read_i32(c, &reader->devices[reader->place.n_devices]) != 0) {
            return FY_EPARSE;
        }
        reader->place.n_devices++;
    }
    n = reader->place.n_devices - first;
    *per_worker = *per_worker < 0 ? (int)(n / chunk->workers) : *per_worker;
    reader->place.workers += chunk->workers;
    return n == (int64_t)*per_worker * chunk->workers
               ? 0
               : wrong(c, "each worker must have equally many devices");
}

static int read_place(fy_journal_reader *reader, cursor *c)
{
    size_t chunks = count_items(c, ';');
    size_t devices = chunks + count_items(c, ',');
    int per_worker = -1;
    int status = devices <= INT32_MAX ? 0 : wrong(c, "too many");

    if (status != 0) {
        return status;
    }
    reader->chunks = fy_grow(reader->chunks, &reader->chunks_room, chunks + 1, sizeof(fy_chunk));
    reader->devices = fy_grow(reader->devices, &reader->devices_room, devices + 1, sizeof(int32_t));
    for (size_t i = 0; i < chunks && status == 0; i++) {
        status = i == 0 || take(c, ';') ? read_chunk(reader, c, &reader->chunks[i], &per_worker)
                                        : wrong(c, "give chunks separated by semicolons");
    }
    reader->place.n_chunks = (int32_t)chunks;
    reader->place.chunks = reader->chunks;
    reader->place.devices = reader->devices;
    return status;
}

/* The word up to the next space, among `n` that `name` tells. */
static int read_word(cursor *c, int n, const char *(*name)(int), const char *const *words,
                     int32_t *out)
{
    const char *from = c->at;

    while (!ends(c)) {
        c->at++;
    }
    for (int i = 0; words != NULL ? words[i] != NULL : i < n; i++) {
        const char *word = words != NULL ? words[i] : name(i);

        if (strlen(word) == (size_t)(c->at - from) && memcmp(word, from, strlen(word)) == 0) {
            *out = i;
            return 0;
        }
    }
    c->at = from;
    return wrong(c, "unknown word");
}

static const char *reason_name(int reason)
{
    return fy_reason_name((fy_reason)reason);
}

static const char *kind_name(int kind)
{
    return fy_event_name((fy_event_kind)kind);
}

static int read_value(fy_journal_reader *reader, cursor *c, fy_event *event,
                      const fy_journal_field *field)
{
    void *const homes[] = {[FY_JH_EVENT] = event,
                           [FY_JH_NODE] = &reader->node,
                           [FY_JH_TENANT] = &reader->tenant,
                           [FY_JH_JOB] = &reader->job,
                           [FY_JH_PLACE] = &reader->place};
    void *at = (char *)homes[field->home] + field->offset;
    int32_t reason = 0;

    switch (field->type) {
    case FY_JT_I64:
        return read_int(c, INT64_MIN, INT64_MAX, at);
    case FY_JT_I32:
        return read_i32(c, at);
    case FY_JT_TEXT:
        return read_text(reader, c, at);
    case FY_JT_DOUBLE:
        return read_double(c, at);
    case FY_JT_POWER:
        return read_power(c, at);
    case FY_JT_WORD:
        return read_word(c, 0, NULL, field->words, at);
    case FY_JT_REASON:
        if (read_word(c, FY_N_REASONS, reason_name, NULL, &reason) != 0) {
            return FY_EPARSE;
        }
        event->reason = (fy_reason)reason;
        return 0;
    case FY_JT_RATES:
        return read_rates(reader, c);
    case FY_JT_AFTER:
        return read_ints(reader, c, &reader->job.after, &reader->job.n_after);
    case FY_JT_GUARANTEE:
        return read_ints(reader, c, &reader->tenant.guarantee_milli, &reader->tenant.n);
    case FY_JT_PLACE:
        return read_place(reader, c);
    case FY_JT_MIX:
        return read_mix(reader, c);
    }
    return FY_EPARSE;
}

static int read_field(fy_journal_reader *reader, cursor *c, fy_event *event,
                      const fy_journal_field *field)
{
    size_t len = strlen(field->key);

    c->key = field->key;
    if (!take(c, ' ') || (size_t)(c->end - c->at) < len + 1 ||
        memcmp(c->at, field->key, len) != 0 || c->at[len] != '=') {
        return wrong(c, "this key must come here");
    }
    c->at += len + 1;
    if (read_value(reader, c, event, field) != 0) {
        return FY_EPARSE;
    }
    return ends(c) ? 0 : wrong(c, "the value goes on after its end");
}

/* Only what the kind has is handed out. */
static void hand_out(fy_journal_reader *reader, fy_event *event)
{
    for (const fy_journal_field *f = fy_journal_fields(event->kind); f->key != NULL; f++) {
        event->node_record = f->home == FY_JH_NODE ? &reader->node : event->node_record;
        event->tenant_record = f->home == FY_JH_TENANT ? &reader->tenant : event->tenant_record;
        event->job_record = f->home == FY_JH_JOB ? &reader->job : event->job_record;
        event->place = f->home == FY_JH_PLACE ? &reader->place : event->place;
        event->mix = f->type == FY_JT_MIX ? &reader->mix : event->mix;
    }
}

int fy_journal_decode(fy_journal_reader *reader, const char *line, size_t len, fy_event *event,
                      fy_err *err)
{
    cursor c = {.at = line, .end = line + len, .begin = line, .err = err};
    int32_t kind = 0;

    *event = (fy_event){.job = -1, .a = -1, .node = -1, .tenant = -1, .chip = -1};
    reader->place = (fy_place){0};
    reader->text_len = 0;
    reader->text = fy_grow(reader->text, &reader->text_room, len + 1, 1);
    if (read_int(&c, INT64_MIN, INT64_MAX, &event->t_us) != 0) {
        return FY_EPARSE;
    }
    if (!take(&c, ' ')) {
        return wrong(&c, "a space and the kind of event must come here");
    }
    if (read_word(&c, FY_N_EVENT_KINDS, kind_name, NULL, &kind) != 0) {
        return FY_EPARSE;
    }
    event->kind = (fy_event_kind)kind;
    for (const fy_journal_field *f = fy_journal_fields(event->kind); f->key != NULL; f++) {
        if (read_field(reader, &c, event, f) != 0) {
            return FY_EPARSE;
        }
    }
    c.key = NULL;
    if (c.at != c.end) {
        return wrong(&c, "the line goes on after its last key");
    }
    if (event->config != NULL && event->config[0] == '\0') {
        event->config = NULL;
    }
    hand_out(reader, event);
    return 0;
}

fy_journal_reader *fy_journal_reader_new(void)
{
    return fy_calloc(1, sizeof(fy_journal_reader));
}

void fy_journal_reader_free(fy_journal_reader *reader)
{
    if (reader != NULL) {
        free(reader->text);
        free(reader->ints);
        free(reader->classes);
        free(reader->rates);
        free(reader->chunks);
        free(reader->devices);
        free(reader);
    }
}
