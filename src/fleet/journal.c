/* SPDX-License-Identifier: MIT */
/*
 * Writing the journal. A run writes tens of millions of lines, so numbers are written by hand and a
 * line is made in one buffer that grows to the longest.
 */
#include "fleet/journal.h"

#include "base/arena.h"
#include "base/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char fy_journal_header[] = "fuyao-journal 1\n";

/* ------------------------------------------------------------------ the grammar */

static const char *const rack_words[] = {"new", "last", NULL};
static const char *const priority_words[] = {"high", "normal", "spot", NULL};
static const char *const end_words[] = {"finish", "fail", "cancel", NULL};

#define EV(key, field, type)                                                                       \
    {                                                                                              \
        key, offsetof(fy_event, field), type, FY_JH_EVENT, NULL                                    \
    }
#define ND(key, field, type, words)                                                                \
    {                                                                                              \
        key, offsetof(fy_node_record, field), type, FY_JH_NODE, words                              \
    }
#define TN(key, field, type)                                                                       \
    {                                                                                              \
        key, offsetof(fy_tenant_record, field), type, FY_JH_TENANT, NULL                           \
    }
#define JB(key, field, type, words)                                                                \
    {                                                                                              \
        key, offsetof(fy_job_record, field), type, FY_JH_JOB, words                                \
    }
#define PL(key, field, type)                                                                       \
    {                                                                                              \
        key, offsetof(fy_place, field), type, FY_JH_PLACE, NULL                                    \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, FY_JT_I64, FY_JH_EVENT, NULL                                                      \
    }
#define JOB     EV("job", job, FY_JT_I64)
#define ATTEMPT EV("attempt", attempt, FY_JT_I32)
#define NODE    EV("node", node, FY_JT_I32)

static const fy_journal_field chip_fields[] = {EV("chip", chip, FY_JT_I32),
                                               EV("name", name, FY_JT_TEXT), END};
static const fy_journal_field node_fields[] = {ND("name", name, FY_JT_TEXT, NULL),
                                               ND("chip", chip, FY_JT_I32, NULL),
                                               ND("devices", devices, FY_JT_I32, NULL),
                                               ND("cpu_milli", cpu_milli, FY_JT_I64, NULL),
                                               ND("memory_mib", memory_mib, FY_JT_I64, NULL),
                                               ND("rack", rack, FY_JT_WORD, rack_words),
                                               ND("idle_mw", idle_mw, FY_JT_POWER, NULL),
                                               ND("active_mw", active_mw, FY_JT_POWER, NULL),
                                               ND("overhead_mw", overhead_mw, FY_JT_POWER, NULL),
                                               END};
static const fy_journal_field of_node[] = {NODE, END};
static const fy_journal_field reserved_fields[] = {NODE, EV("tenant", tenant, FY_JT_I32),
                                                   EV("from_us", a, FY_JT_I64),
                                                   EV("to_us", b, FY_JT_I64), END};
static const fy_journal_field tenant_fields[] = {
    EV("tenant", tenant, FY_JT_I32),           TN("name", name, FY_JT_TEXT),
    TN("weight", weight, FY_JT_DOUBLE),        TN("borrow_milli", borrow_milli, FY_JT_I64),
    TN("guarantee_milli", n, FY_JT_GUARANTEE), END};
static const fy_journal_field submitted_fields[] = {
    JOB,
    JB("name", name, FY_JT_TEXT, NULL),
    JB("tenant", tenant, FY_JT_I32, NULL),
    JB("priority", priority, FY_JT_WORD, priority_words),
    JB("workers", workers, FY_JT_I32, NULL),
    JB("min", min_workers, FY_JT_I32, NULL),
    JB("max", max_workers, FY_JT_I32, NULL),
    JB("spares", spares, FY_JT_I32, NULL),
    JB("devices", devices, FY_JT_I32, NULL),
    JB("milli", milli, FY_JT_I32, NULL),
    JB("cpu_milli", cpu_milli, FY_JT_I64, NULL),
    JB("memory_mib", memory_mib, FY_JT_I64, NULL),
    JB("rates", n_rates, FY_JT_RATES, NULL),
    JB("work_q", work_q, FY_JT_I64, NULL),
    JB("unit_q", q_per_unit, FY_JT_DOUBLE, NULL),
    JB("end", end, FY_JT_WORD, end_words),
    JB("interval_us", checkpoint_interval_us, FY_JT_I64, NULL),
    JB("checkpoint_us", checkpoint_cost_us, FY_JT_I64, NULL),
    JB("restart_us", restart_cost_us, FY_JT_I64, NULL),
    JB("limit_us", limit_us, FY_JT_I64, NULL),
    JB("deadline_us", deadline_us, FY_JT_I64, NULL),
    JB("min_run_us", min_run_us, FY_JT_I64, NULL),
    JB("after", n_after, FY_JT_AFTER, NULL),
    JB("array", array_of, FY_JT_I64, NULL),
    JB("array_limit", array_limit, FY_JT_I32, NULL),
    END};
static const fy_journal_field of_job[] = {JOB, END};
static const fy_journal_field of_attempt[] = {JOB, ATTEMPT, END};
static const fy_journal_field failed_fields[] = {JOB, ATTEMPT, NODE, EV("again", a, FY_JT_I64),
                                                 END};
static const fy_journal_field progress_fields[] = {JOB, ATTEMPT, EV("done_q", a, FY_JT_I64), END};
static const fy_journal_field limits_fields[] = {JOB, EV("limit", a, FY_JT_I64), END};
static const fy_journal_field mix_fields[] = {EV("classes", mix, FY_JT_MIX), END};
static const fy_journal_field round_fields[] = {EV("hash", a, FY_JT_I64),
                                                EV("policy", name, FY_JT_TEXT),
                                                EV("config", config, FY_JT_TEXT), END};
static const fy_journal_field starting_fields[] = {JOB,
                                                   ATTEMPT,
                                                   EV("reason", reason, FY_JT_REASON),
                                                   PL("chip", chip, FY_JT_I32),
                                                   PL("place", chunks, FY_JT_PLACE),
                                                   END};
static const fy_journal_field started_fields[] = {JOB, ATTEMPT, EV("rate_q", a, FY_JT_I64),
                                                  EV("pause_us", b, FY_JT_I64), END};
static const fy_journal_field stopping_fields[] = {JOB, ATTEMPT, EV("reason", reason, FY_JT_REASON),
                                                   EV("for", a, FY_JT_I64), END};
static const fy_journal_field stopped_fields[] = {JOB, ATTEMPT, EV("saved", a, FY_JT_I64), END};
static const fy_journal_field moved_fields[] = {JOB,
                                                ATTEMPT,
                                                EV("rate_q", a, FY_JT_I64),
                                                EV("pause_us", b, FY_JT_I64),
                                                PL("chip", chip, FY_JT_I32),
                                                PL("place", chunks, FY_JT_PLACE),
                                                END};
static const fy_journal_field rated_fields[] = {JOB, ATTEMPT, EV("rate_q", a, FY_JT_I64), END};

static const fy_journal_field *const fields[FY_N_EVENT_KINDS] = {
    [FY_EV_CHIP_ADDED] = chip_fields,
    [FY_EV_NODE_ADDED] = node_fields,
    [FY_EV_NODE_DOWN] = of_node,
    [FY_EV_NODE_UP] = of_node,
    [FY_EV_NODE_DRAINED] = of_node,
    [FY_EV_NODE_RESUMED] = of_node,
    [FY_EV_NODE_RESERVED] = reserved_fields,
    [FY_EV_TENANT_SET] = tenant_fields,
    [FY_EV_SUBMITTED] = submitted_fields,
    [FY_EV_CANCELLED] = of_job,
    [FY_EV_FINISHED] = of_attempt,
    [FY_EV_FAILED] = failed_fields,
    [FY_EV_PROGRESS] = progress_fields,
    [FY_EV_LIMITS] = limits_fields,
    [FY_EV_HELD] = of_job,
    [FY_EV_RELEASED] = of_job,
    [FY_EV_MIX] = mix_fields,
    [FY_EV_ROUND] = round_fields,
    [FY_EV_STARTING] = starting_fields,
    [FY_EV_STARTED] = started_fields,
    [FY_EV_STOPPING] = stopping_fields,
    [FY_EV_STOPPED] = stopped_fields,
    [FY_EV_RESIZING] = moved_fields,
    [FY_EV_MOVED] = moved_fields,
    [FY_EV_CHECKPOINTED] = of_attempt,
    [FY_EV_RATED] = rated_fields,
};

const fy_journal_field *fy_journal_fields(fy_event_kind kind)
{
    return fields[kind];
}

bool fy_journal_escapes(unsigned char byte)
{
    return byte <= ' ' || byte == '=' || byte == '%' || byte == 127;
}

/* ------------------------------------------------------------------ writing */

static char *room_for(fy_journal_line *line, size_t more)
{
    if (line->room - line->len < more) {
        line->text = fy_grow(line->text, &line->room, line->len + more, 1);
    }
    return line->text + line->len;
}

static void put_bytes(fy_journal_line *line, const char *bytes, size_t len)
{
    memcpy(room_for(line, len), bytes, len);
    line->len += len;
}

static void put_char(fy_journal_line *line, char c)
{
    *room_for(line, 1) = c;
    line->len++;
}

static void put_int(fy_journal_line *line, int64_t value)
{
    char digits[24];
    char *to = room_for(line, sizeof digits);
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t n = 0;

    if (value < 0) {
        *to++ = '-';
        line->len++;
    }
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    line->len += n;
    while (n > 0) {
        *to++ = digits[--n];
    }
}

static void put_text(fy_journal_line *line, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (fy_journal_escapes(c)) {
            put_bytes(line, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
        } else {
            put_char(line, *p);
        }
    }
}

static void put_double(fy_journal_line *line, double value)
{
    char text[FY_NUM_TEXT] = "nan"; /* which no decoder takes: the fleet refuses it before */

    put_bytes(line, text, isfinite(value) ? fy_num_put_double(text, value) : 3);
}

static void put_ints(fy_journal_line *line, const int64_t *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (i > 0) {
            put_char(line, ',');
        }
        put_int(line, list[i]);
    }
}

static void put_rates(fy_journal_line *line, const fy_job_record *rec)
{
    for (int i = 0; i < rec->n_rates; i++) {
        if (i > 0) {
            put_char(line, ',');
        }
        put_int(line, rec->rates[i].chip);
        put_char(line, ':');
        put_int(line, rec->rates[i].rate_q);
        put_char(line, ':');
        put_int(line, rec->rates[i].spread_q);
        put_char(line, ':');
        put_int(line, rec->rates[i].grade);
    }
}

static void put_mix(fy_journal_line *line, const fy_mix_record *mix)
{
    for (int i = 0; i < mix->n; i++) {
        if (i > 0) {
            put_char(line, ',');
        }
        put_int(line, mix->classes[i].cpu_milli);
        put_char(line, ':');
        put_int(line, mix->classes[i].devices);
        put_char(line, ':');
        put_int(line, mix->classes[i].milli);
        put_char(line, ':');
        put_int(line, mix->classes[i].weight);
    }
}

static void put_place(fy_journal_line *line, const fy_place *place)
{
    int per_worker = place->workers > 0 ? place->n_devices / place->workers : 0;
    int d = 0;

    for (int c = 0; c < place->n_chunks; c++) {
        int n = place->chunks[c].workers * per_worker;

        if (c > 0) {
            put_char(line, ';');
        }
        put_int(line, place->chunks[c].node);
        put_char(line, '*');
        put_int(line, place->chunks[c].workers);
        put_char(line, ':');
        for (int i = 0; i < n; i++, d++) {
            if (i > 0) {
                put_char(line, ',');
            }
            put_int(line, place->devices[d]);
        }
    }
}

static void put_value(fy_journal_line *line, const fy_event *event, const fy_journal_field *field)
{
    const void *const homes[] = {[FY_JH_EVENT] = event,
                                 [FY_JH_NODE] = event->node_record,
                                 [FY_JH_TENANT] = event->tenant_record,
                                 [FY_JH_JOB] = event->job_record,
                                 [FY_JH_PLACE] = event->place};
    const void *at = (const char *)homes[field->home] + field->offset;

    switch (field->type) {
    case FY_JT_I64:
        put_int(line, *(const int64_t *)at);
        break;
    case FY_JT_I32:
        put_int(line, *(const int32_t *)at);
        break;
    case FY_JT_TEXT:
        put_text(line, *(const char *const *)at);
        break;
    case FY_JT_DOUBLE:
        put_double(line, *(const double *)at);
        break;
    case FY_JT_POWER:
        put_ints(line, at, FY_N_ESTIMATES);
        break;
    case FY_JT_WORD:
        put_text(line, field->words[*(const int32_t *)at]);
        break;
    case FY_JT_REASON:
        put_text(line, fy_reason_name(event->reason));
        break;
    case FY_JT_RATES:
        put_rates(line, event->job_record);
        break;
    case FY_JT_AFTER:
        put_ints(line, event->job_record->after, event->job_record->n_after);
        break;
    case FY_JT_GUARANTEE: /* NULL says that there are none, however many chips */
        put_ints(line, event->tenant_record->guarantee_milli,
                 event->tenant_record->guarantee_milli != NULL ? event->tenant_record->n : 0);
        break;
    case FY_JT_PLACE:
        put_place(line, event->place);
        break;
    case FY_JT_MIX:
        put_mix(line, event->mix);
        break;
    }
}

void fy_journal_encode(const fy_event *event, fy_journal_line *line)
{
    const char *kind = fy_event_name(event->kind);

    line->len = 0;
    put_int(line, event->t_us);
    put_char(line, ' ');
    put_bytes(line, kind, strlen(kind));
    for (const fy_journal_field *field = fields[event->kind]; field->key != NULL; field++) {
        put_char(line, ' ');
        put_bytes(line, field->key, strlen(field->key));
        put_char(line, '=');
        put_value(line, event, field);
    }
    put_char(line, '\n');
}

void fy_journal_line_free(fy_journal_line *line)
{
    free(line->text);
    *line = (fy_journal_line){0};
}
