/* SPDX-License-Identifier: MIT */
#include "support/history.h"

#include "base/arena.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CHIPS = 64, WHOLE = 1000 };

typedef struct device {
    int32_t node, lent_milli;
    int64_t from_us; /* of the present loans */
    history_wide held;
    int64_t added_us;
} device;

typedef struct node {
    int32_t chip, first, n;
    int64_t cpu_free, memory_free;
    bool down, drained;
} node;

typedef struct span {
    int64_t from_us, to_us;
} span;

typedef struct job {
    int32_t tenant, workers, min, max, spares, devices, milli;
    int64_t cpu_milli, memory_mib;
    uint64_t chips; /* bit a chip that it accepts */
    int64_t *after;
    int32_t n_after;
    history_state state;
    int32_t attempt, chip;
    int32_t *lent; /* [n_lent] devices of the present attempt */
    int32_t n_lent;
    int32_t *on; /* [n_on] node, workers, node, workers ... */
    int32_t n_on;
    int64_t from_us; /* of the present place */
    history_wide held;
    span *spans; /* [attempt] */
} job;

struct history {
    int64_t records, now_us;
    device *devices;
    size_t n_devices, devices_room;
    node *nodes;
    size_t n_nodes, nodes_room;
    job *jobs;
    size_t n_jobs, jobs_room;
    history_wide tenants[4096];
    int32_t n_tenants, n_chips;
    history_wide chips[MOST_CHIPS];
    char broken[300];
    bool is_broken;
    const char *kind, *end; /* of the line that is being read */
    char *line;
    size_t line_room;
};

history *history_new(void)
{
    return fy_calloc(1, sizeof(history));
}

void history_free(history *h)
{
    if (h == NULL) {
        return;
    }
    for (size_t i = 0; i < h->n_jobs; i++) {
        free(h->jobs[i].after);
        free(h->jobs[i].lent);
        free(h->jobs[i].on);
        free(h->jobs[i].spans);
    }
    free(h->jobs);
    free(h->nodes);
    free(h->devices);
    free(h->line);
    free(h);
}

__attribute__((format(printf, 2, 3))) static void breach(history *h, const char *format, ...)
{
    char text[240];
    va_list args;

    if (h->is_broken) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    h->is_broken = true;
    (void)snprintf(h->broken, sizeof h->broken, "record %" PRId64 ": %s", h->records, text);
}

/* ------------------------------------------------------------------ a line */

/* The text after " key=", up to the next space; NULL where there is none. */
static const char *value(const history *h, const char *key)
{
    char want[32];
    const char *at;

    (void)snprintf(want, sizeof want, " %s=", key);
    at = strstr(h->kind, want);
    return at != NULL ? at + strlen(want) : NULL;
}

static int64_t number(history *h, const char *key)
{
    const char *text = value(h, key);
    char *rest;
    int64_t n;

    if (text == NULL) {
        breach(h, "no %s in \"%.60s\"", key, h->kind);
        return -1;
    }
    n = strtoll(text, &rest, 10);
    if (rest == text || (*rest != ' ' && *rest != '\0')) {
        breach(h, "%s is no number in \"%.60s\"", key, h->kind);
    }
    return n;
}

static bool is(const history *h, const char *kind)
{
    size_t len = strlen(kind);

    return strncmp(h->kind, kind, len) == 0 && (h->kind[len] == ' ' || h->kind[len] == '\0');
}

/* Numbers at *at, `mark` between them, up to the value's end. */
static bool next_number(const char **at, int64_t *out)
{
    char *rest;

    if (**at == ' ' || **at == '\0') {
        return false;
    }
    *out = strtoll(*at, &rest, 10);
    if (rest == *at) {
        return false;
    }
    *at = rest;
    return true;
}

/* ------------------------------------------------------------------ nodes and devices */

static void add_node(history *h)
{
    int64_t n = number(h, "devices");
    node *added;

    h->nodes = fy_grow(h->nodes, &h->nodes_room, h->n_nodes + 1, sizeof *h->nodes);
    added = &h->nodes[h->n_nodes++];
    *added = (node){.chip = (int32_t)number(h, "chip"),
                    .first = (int32_t)h->n_devices,
                    .n = (int32_t)n,
                    .cpu_free = number(h, "cpu_milli"),
                    .memory_free = number(h, "memory_mib")};
    if (added->chip < 0 || added->chip >= h->n_chips) {
        breach(h, "a node of chip %d, which there is not", added->chip);
    }
    for (int64_t i = 0; i < n && !h->is_broken; i++) {
        h->devices = fy_grow(h->devices, &h->devices_room, h->n_devices + 1, sizeof *h->devices);
        h->devices[h->n_devices++] =
            (device){.node = (int32_t)h->n_nodes - 1, .from_us = h->now_us, .added_us = h->now_us};
    }
}

static void node_state(history *h)
{
    int64_t n = number(h, "node");

    if (n < 0 || (size_t)n >= h->n_nodes) {
        breach(h, "node %" PRId64 " is not there", n);
    } else if (is(h, "node-down") || is(h, "node-up")) {
        h->nodes[n].down = is(h, "node-down");
    } else {
        h->nodes[n].drained = is(h, "node-drained");
    }
}

static void count_device(device *d, int64_t now_us)
{
    d->held += (history_wide)(now_us - d->from_us) * d->lent_milli;
    d->from_us = now_us;
}

static void lend(history *h, int32_t number_of, int32_t milli)
{
    device *d = &h->devices[number_of];

    count_device(d, h->now_us);
    d->lent_milli += milli;
    if (d->lent_milli > WHOLE || d->lent_milli < 0) {
        breach(h, "device %d has %d milli lent", number_of, d->lent_milli);
    }
}

/* ------------------------------------------------------------------ places */

static int32_t share(const job *j)
{
    return j->milli > 0 ? j->milli : WHOLE;
}

/* What the job has held since its place last changed. */
static void count_job(history *h, job *j)
{
    history_wide held = (history_wide)(h->now_us - j->from_us) * j->n_lent * share(j);

    j->held += held;
    h->tenants[j->tenant] += held;
    h->chips[j->chip] += held;
    j->from_us = h->now_us;
}

static void give_back(history *h, job *j)
{
    count_job(h, j);
    for (int32_t i = 0; i < j->n_lent; i++) {
        lend(h, j->lent[i], -share(j));
    }
    for (int32_t i = 0; i < j->n_on; i += 2) {
        h->nodes[j->on[i]].cpu_free += j->cpu_milli * j->on[i + 1];
        h->nodes[j->on[i]].memory_free += j->memory_mib * j->on[i + 1];
    }
    j->n_lent = j->n_on = 0;
}

/* One chunk, node*workers:device,device,... */
static bool take_chunk(history *h, job *j, const char **at, bool fresh)
{
    int64_t on, workers, dev, n = 0, each = j->milli > 0 ? 1 : j->devices;
    node *where;

    if (!next_number(at, &on) || **at != '*' || on < 0 || (size_t)on >= h->n_nodes) {
        return false;
    }
    ++*at;
    if (!next_number(at, &workers) || **at != ':' || workers < 1) {
        return false;
    }
    ++*at;
    where = &h->nodes[on];
    if (where->chip != j->chip) {
        breach(h, "node %" PRId64 " is not of chip %d", on, j->chip);
    }
    if (fresh && (where->down || where->drained)) {
        breach(h, "a start on node %" PRId64 ", which is down or drained", on);
    }
    where->cpu_free -= j->cpu_milli * workers;
    where->memory_free -= j->memory_mib * workers;
    if (where->cpu_free < 0 || where->memory_free < 0) {
        breach(h, "node %" PRId64 " has no processors or memory left for that", on);
    }
    while (next_number(at, &dev)) {
        if (dev < where->first || dev >= where->first + where->n) {
            breach(h, "device %" PRId64 " is not of node %" PRId64, dev, on);
            return true;
        }
        lend(h, (int32_t)dev, share(j));
        j->lent = fy_realloc(j->lent, (size_t)j->n_lent + 1, sizeof *j->lent);
        j->lent[j->n_lent++] = (int32_t)dev;
        n++;
        if (**at == ',') {
            ++*at;
        }
    }
    if (n != workers * each) {
        breach(h, "%" PRId64 " workers on %" PRId64 " devices, %" PRId64 " each", workers, n, each);
    }
    j->on = fy_realloc(j->on, (size_t)j->n_on + 2, sizeof *j->on);
    j->on[j->n_on++] = (int32_t)on;
    j->on[j->n_on++] = (int32_t)workers;
    return true;
}

static void take_place(history *h, job *j, bool fresh)
{
    const char *at = value(h, "place");
    int32_t workers = 0;

    j->chip = (int32_t)number(h, "chip");
    if (h->is_broken || at == NULL || j->chip < 0 || j->chip >= h->n_chips ||
        (j->chips >> j->chip & 1) == 0) {
        breach(h, "a place on a chip that the job does not accept");
        return;
    }
    j->from_us = h->now_us;
    while (take_chunk(h, j, &at, fresh) && *at == ';') {
        at++;
    }
    if (*at != ' ' && *at != '\0') {
        breach(h, "a place that cannot be read: \"%.40s\"", at);
    }
    for (int32_t i = 1; i < j->n_on; i += 2) {
        workers += j->on[i];
    }
    if (workers < j->min || workers > j->max + j->spares) {
        breach(h, "%d workers of a gang of %d to %d", workers, j->min, j->max + j->spares);
    }
}

/* ------------------------------------------------------------------ jobs */

static void submit(history *h)
{
    const char *at;
    int64_t id = number(h, "job"), n;
    job j = {.tenant = (int32_t)number(h, "tenant"),
             .workers = (int32_t)number(h, "workers"),
             .min = (int32_t)number(h, "min"),
             .max = (int32_t)number(h, "max"),
             .spares = (int32_t)number(h, "spares"),
             .devices = (int32_t)number(h, "devices"),
             .milli = (int32_t)number(h, "milli"),
             .cpu_milli = number(h, "cpu_milli"),
             .memory_mib = number(h, "memory_mib"),
             .state = HISTORY_WAITING};

    if (id == 1 && h->n_jobs == 0) { /* a daemon's jobs count from 1 */
        h->jobs = fy_grow(h->jobs, &h->jobs_room, 1, sizeof *h->jobs);
        h->jobs[h->n_jobs++] = (job){.state = HISTORY_NONE};
    }
    if (id != (int64_t)h->n_jobs) {
        breach(h, "job %" PRId64 " is submitted where %zu is next", id, h->n_jobs);
    }
    if (j.tenant < 0 || j.tenant >= h->n_tenants) {
        breach(h, "job %" PRId64 " is of no tenant", id);
    }
    for (at = value(h, "rates"); at != NULL && next_number(&at, &n);) {
        j.chips |= n >= 0 && n < MOST_CHIPS ? (uint64_t)1 << n : 0;
        at += strcspn(at, ", ");
        at += *at == ',';
    }
    for (at = value(h, "after"); at != NULL && next_number(&at, &n);) {
        if (n < 0 || n >= id) {
            breach(h, "job %" PRId64 " waits for job %" PRId64, id, n);
        }
        j.after = fy_realloc(j.after, (size_t)j.n_after + 1, sizeof *j.after);
        j.after[j.n_after++] = n;
        at += *at == ',';
    }
    h->jobs = fy_grow(h->jobs, &h->jobs_room, h->n_jobs + 1, sizeof *h->jobs);
    h->jobs[h->n_jobs++] = j;
}

static bool at_work(const job *j)
{
    return j->state == HISTORY_STARTING || j->state == HISTORY_RUNNING ||
           j->state == HISTORY_STOPPING;
}

static void starting(history *h, job *j, int64_t id)
{
    if (j->state != HISTORY_WAITING) {
        breach(h, "job %" PRId64 " starts in state %d", id, (int)j->state);
    }
    for (int32_t i = 0; i < j->n_after; i++) {
        if (h->jobs[j->after[i]].state != HISTORY_FINISHED) {
            breach(h, "job %" PRId64 " starts before job %" PRId64 " finished", id, j->after[i]);
        }
    }
    if (number(h, "attempt") != j->attempt + 1) {
        breach(h, "job %" PRId64 " has had %d attempts", id, j->attempt);
    }
    j->attempt++;
    j->spans = fy_realloc(j->spans, (size_t)j->attempt, sizeof *j->spans);
    j->spans[j->attempt - 1] = (span){h->now_us, -1};
    j->state = HISTORY_STARTING;
    take_place(h, j, true);
}

static void over(history *h, job *j, history_state then)
{
    if (at_work(j)) {
        give_back(h, j);
        j->spans[j->attempt - 1].to_us = h->now_us;
    }
    j->state = then;
}

/* An attempt's own events name the present one; which of them fit the state. */
static void of_attempt(history *h, job *j, int64_t id)
{
    bool fits = at_work(j);

    if (number(h, "attempt") != j->attempt) {
        breach(h, "job %" PRId64 " is at attempt %d", id, j->attempt);
    }
    if (is(h, "started")) {
        fits = j->state == HISTORY_STARTING;
        j->state = HISTORY_RUNNING;
    } else if (is(h, "stopping")) {
        fits = j->state == HISTORY_STARTING || j->state == HISTORY_RUNNING;
        j->state = HISTORY_STOPPING;
    } else if (fits && is(h, "stopped")) {
        over(h, j, HISTORY_WAITING);
    } else if (fits && is(h, "finished")) {
        over(h, j, HISTORY_FINISHED);
    } else if (fits && is(h, "failed")) {
        over(h, j, number(h, "again") == 1 ? HISTORY_WAITING : HISTORY_FAILED);
    } else if (fits && (is(h, "resizing") || is(h, "moved"))) {
        give_back(h, j);
        take_place(h, j, false);
    }
    if (!fits) {
        breach(h, "job %" PRId64 " is in state %d: \"%.40s\"", id, (int)j->state, h->kind);
    }
}

static void of_job(history *h)
{
    int64_t id = number(h, "job");
    job *j = id >= 0 && (size_t)id < h->n_jobs ? &h->jobs[id] : NULL;

    if (j == NULL || j->state == HISTORY_NONE || j->state >= HISTORY_FINISHED) {
        breach(h, "job %" PRId64 " is %s: \"%.40s\"", id, j == NULL ? "not there" : "over",
               h->kind);
    } else if (is(h, "starting")) {
        starting(h, j, id);
    } else if (is(h, "cancelled")) {
        over(h, j, HISTORY_CANCELLED);
    } else if (is(h, "held")) {
        j->state = HISTORY_HELD;
    } else if (is(h, "released")) {
        j->state = HISTORY_WAITING;
    } else if (!is(h, "limits")) {
        of_attempt(h, j, id);
    }
}

static void take_line(history *h)
{
    if (is(h, "chip")) {
        if (number(h, "chip") != h->n_chips++) {
            breach(h, "chips are not numbered in order");
        }
    } else if (is(h, "node")) {
        add_node(h);
    } else if (is(h, "tenant")) {
        int64_t n = number(h, "tenant");

        h->n_tenants += n == h->n_tenants;
        if (n < 0 || n >= h->n_tenants || h->n_tenants >= 4096) {
            breach(h, "tenants are not numbered in order");
        }
    } else if (strncmp(h->kind, "node-", 5) == 0) {
        if (!is(h, "node-reserved")) {
            node_state(h);
        }
    } else if (is(h, "submitted")) {
        submit(h);
    } else if (value(h, "job") != NULL && number(h, "job") >= 0) {
        of_job(h);
    }
}

void history_line(history *h, int64_t seq, const char *line, size_t len)
{
    char *rest;
    int64_t t_us;

    if (h->is_broken) {
        return;
    }
    h->line = fy_grow(h->line, &h->line_room, len + 1, 1);
    memcpy(h->line, line, len);
    h->line[len] = '\0';
    t_us = strtoll(h->line, &rest, 10);
    h->kind = *rest == ' ' ? rest + 1 : rest;
    if (seq != h->records + 1) {
        breach(h, "record %" PRId64 " follows", seq);
    }
    h->records = seq;
    if (rest == h->line || t_us < h->now_us) {
        breach(h, "time goes back from %" PRId64 " to %" PRId64, h->now_us, t_us);
    }
    h->now_us = t_us;
    take_line(h);
}

/* ------------------------------------------------------------------ sums */

void history_close(history *h, int64_t now_us)
{
    history_wide by_job = 0, by_tenant = 0, by_chip = 0, by_device = 0;

    h->now_us = now_us > h->now_us ? now_us : h->now_us;
    for (size_t i = 0; i < h->n_jobs; i++) {
        if (at_work(&h->jobs[i])) {
            count_job(h, &h->jobs[i]);
        }
        by_job += h->jobs[i].held;
    }
    for (int32_t i = 0; i < h->n_tenants; i++) {
        by_tenant += h->tenants[i];
    }
    for (int32_t c = 0; c < h->n_chips; c++) {
        by_chip += h->chips[c];
    }
    for (size_t i = 0; i < h->n_devices; i++) {
        device *d = &h->devices[i];

        count_device(d, h->now_us);
        by_device += d->held;
        if (d->held > (history_wide)(h->now_us - d->added_us) * WHOLE) {
            breach(h, "device %zu was held longer than it was there", i);
        }
    }
    if (by_job != by_device || by_tenant != by_device || by_chip != by_device) {
        breach(h, "held time by device does not equal that by job, tenant or chip");
    }
}

const char *history_broken(const history *h)
{
    return h->is_broken ? h->broken : NULL;
}

int64_t history_records(const history *h)
{
    return h->records;
}

int64_t history_end_us(const history *h)
{
    return h->now_us;
}

int64_t history_jobs(const history *h)
{
    return (int64_t)h->n_jobs;
}

history_state history_job(const history *h, int64_t id)
{
    return id >= 0 && (size_t)id < h->n_jobs ? h->jobs[id].state : HISTORY_NONE;
}

int32_t history_attempts(const history *h, int64_t id)
{
    return id >= 0 && (size_t)id < h->n_jobs ? h->jobs[id].attempt : 0;
}

history_wide history_held_job(const history *h, int64_t id)
{
    return h->jobs[id].held;
}

history_wide history_held_tenant(const history *h, int32_t tenant)
{
    return h->tenants[tenant];
}

history_wide history_held_chip(const history *h, int32_t chip)
{
    return h->chips[chip];
}

history_wide history_held(const history *h)
{
    history_wide held = 0;

    for (int32_t c = 0; c < h->n_chips; c++) {
        held += h->chips[c];
    }
    return held;
}

bool history_span(const history *h, int64_t id, int32_t attempt, int64_t *from_us, int64_t *to_us)
{
    if (id < 0 || (size_t)id >= h->n_jobs || attempt < 1 || attempt > h->jobs[id].attempt) {
        return false;
    }
    *from_us = h->jobs[id].spans[attempt - 1].from_us;
    *to_us = h->jobs[id].spans[attempt - 1].to_us;
    return true;
}
