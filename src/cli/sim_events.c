/* SPDX-License-Identifier: MIT */
/*
 * --events FILE: dated changes from outside, as CSV with the columns time_s, event, name, until_s,
 * tenant, count. Everything that the fleet file can tell is checked here, with file:line.
 *
 * A window is known from the beginning (or from the end of the node's window before it): nothing
 * starts that would reach into it, what still runs at time_s goes back to the queue, and at until_s
 * the node is as before.
 */
#include "base/csv.h"
#include "base/num.h"
#include "cli/sim.h"

#include <stdlib.h>
#include <string.h>

enum { TIME, EVENT, NAME, UNTIL, TENANT, COUNT, N_COLUMNS };
static const char *const columns[] = {"time_s", "event", "name", "until_s", "tenant", "count"};

static const char *const words[] = {
    [FY_HAPPEN_DOWN] = "down",       [FY_HAPPEN_UP] = "up",
    [FY_HAPPEN_DRAIN] = "drain",     [FY_HAPPEN_RESUME] = "resume",
    [FY_HAPPEN_WINDOW] = "window",   [FY_HAPPEN_CLEAR] = "", /* part of a window */
    [FY_HAPPEN_DELIVER] = "deliver", [FY_HAPPEN_CANCEL] = "cancel",
};
enum { N_WORDS = sizeof words / sizeof words[0] };

typedef struct reader {
    sim_events *events;
    const fy_site *site;
    fy_csv csv;
    int at[N_COLUMNS]; /* -1 = no such column */
    fy_err *err;
} reader;

static fy_field field(const reader *r, int column)
{
    return r->at[column] >= 0 ? r->csv.fields[r->at[column]] : (fy_field){"", 0};
}

static int wrong(const reader *r, int column, const char *right)
{
    char shown[FY_SHOWN];

    return fy_fail(r->err, FY_EPARSE, "%s:%lld: %s '%s': give %s", r->csv.name,
                   (long long)r->csv.line, columns[column], fy_field_shown(shown, field(r, column)),
                   right);
}

static void add(sim_events *events, fy_happening h)
{
    events->list = fy_grow(events->list, &events->room, events->n + 1, sizeof *events->list);
    events->list[events->n++] = h;
}

/* ------------------------------------------------------------------ names */

/* POOL-0000 and on, as fy_site_events names nodes. */
static bool is_node(const fy_site *site, fy_field name)
{
    for (int p = 0; p < site->n_pools; p++) {
        size_t len = strlen(site->pools[p].name);
        int64_t number;

        if (name.len >= len + 5 && memcmp(name.text, site->pools[p].name, len) == 0 &&
            name.text[len] == '-' && (name.len == len + 5 || name.text[len + 1] != '0') &&
            fy_num_int(name.text + len + 1, name.len - len - 1, 0, site->pools[p].nodes - 1,
                       &number) == FY_NUM_OK) {
            return true;
        }
    }
    return false;
}

static bool is_pool(const fy_site *site, fy_field name)
{
    for (int p = 0; p < site->n_pools; p++) {
        if (fy_field_is(name, site->pools[p].name)) {
            return true;
        }
    }
    return false;
}

static bool is_tenant(const fy_site *site, fy_field name)
{
    for (int t = 0; t < site->n_tenants; t++) {
        if (fy_field_is(name, site->tenants[t].name)) {
            return true;
        }
    }
    return false;
}

static bool delivers(const sim_events *events)
{
    for (size_t i = 0; i < events->n; i++) {
        if (events->list[i].kind == FY_HAPPEN_DELIVER) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ windows */

/* Announced once the node's window before it has ended; windows come in order of time. */
static int add_window(reader *r, const fy_happening *h)
{
    int64_t announced_us = 0;

    for (size_t i = 0; i < r->events->n; i++) {
        const fy_happening *old = &r->events->list[i];

        if (old->kind == FY_HAPPEN_WINDOW && old->until_us > old->from_us &&
            strcmp(old->name, h->name) == 0) {
            if (old->until_us > h->from_us) {
                return wrong(r, TIME, "windows of one node in order of time, none overlapping");
            }
            announced_us = old->until_us;
        }
    }
    add(r->events, (fy_happening){.kind = FY_HAPPEN_WINDOW,
                                  .t_us = announced_us,
                                  .from_us = h->from_us,
                                  .until_us = h->until_us,
                                  .name = h->name,
                                  .tenant = h->tenant});
    add(r->events, (fy_happening){.kind = FY_HAPPEN_CLEAR, .t_us = h->from_us, .name = h->name});
    add(r->events, (fy_happening){.kind = FY_HAPPEN_WINDOW, .t_us = h->until_us, .name = h->name});
    return 0;
}

/* ------------------------------------------------------------------ rows */

static int read_kind(const reader *r, fy_happening *h)
{
    fy_field text = field(r, EVENT);

    for (int k = 0; k < N_WORDS; k++) {
        if (text.len > 0 && fy_field_is(text, words[k])) {
            h->kind = (fy_happening_kind)k;
            return 0;
        }
    }
    return wrong(r, EVENT, "down, up, drain, resume, window, deliver or cancel");
}

static int check_name(const reader *r, const fy_happening *h)
{
    fy_field name = field(r, NAME);

    if (h->kind == FY_HAPPEN_DELIVER) {
        return is_pool(r->site, name) ? 0 : wrong(r, NAME, "a pool of the fleet");
    }
    if (h->kind == FY_HAPPEN_CANCEL) {
        return name.len > 0 ? 0 : wrong(r, NAME, "the name of a job");
    }
    return is_node(r->site, name) || delivers(r->events)
               ? 0
               : wrong(r, NAME, "a node of the fleet: the name of its pool, '-', four digits");
}

/* until_s and tenant belong to windows, count to deliveries. */
static int read_rest(reader *r, fy_happening *h)
{
    fy_field until = field(r, UNTIL), tenant = field(r, TENANT), count = field(r, COUNT);
    int64_t n = 0;

    if (h->kind == FY_HAPPEN_WINDOW) {
        if (fy_num_us(until.text, until.len, FY_NUM_EXACT, &h->until_us) != FY_NUM_OK ||
            h->until_us <= h->t_us) {
            return wrong(r, UNTIL, "the window's end in seconds, after time_s");
        }
        if (tenant.len > 0 && !is_tenant(r->site, tenant)) {
            return wrong(r, TENANT, "a tenant of the fleet file, or nothing for maintenance");
        }
    } else if (until.len > 0 || tenant.len > 0) {
        return wrong(r, until.len > 0 ? UNTIL : TENANT, "nothing, except for a window");
    }
    if (h->kind == FY_HAPPEN_DELIVER) {
        if (fy_num_int(count.text, count.len, 1, 1000000, &n) != FY_NUM_OK) {
            return wrong(r, COUNT, "a number of nodes from 1 to 1000000");
        }
        h->count = (int)n;
    } else if (count.len > 0) {
        return wrong(r, COUNT, "nothing, except for a delivery");
    }
    h->tenant = fy_arena_strndup(&r->events->arena, tenant.text, tenant.len);
    return 0;
}

static int read_row(reader *r)
{
    fy_field time = field(r, TIME), name = field(r, NAME);
    fy_happening h = {0};
    int status;

    if (fy_num_us(time.text, time.len, FY_NUM_EXACT, &h.t_us) != FY_NUM_OK) {
        return wrong(r, TIME, "seconds from 0 to 1e12");
    }
    status = read_kind(r, &h);
    status = status == 0 ? check_name(r, &h) : status;
    status = status == 0 ? read_rest(r, &h) : status;
    if (status != 0) {
        return status;
    }
    h.name = fy_arena_strndup(&r->events->arena, name.text, name.len);
    h.from_us = h.t_us;
    if (h.kind == FY_HAPPEN_WINDOW) {
        return add_window(r, &h);
    }
    add(r->events, h);
    return 0;
}

static int read_header(reader *r)
{
    int status = fy_csv_header(&r->csv, r->err);

    if (status <= 0) {
        return status < 0 ? status
                          : fy_fail(r->err, FY_EPARSE,
                                    "%s: is empty; its first line is "
                                    "time_s,event,name,until_s,tenant,count",
                                    r->csv.name);
    }
    for (int c = 0; c < N_COLUMNS; c++) {
        r->at[c] = fy_csv_column(&r->csv, columns[c]);
        if (r->at[c] < 0 && c <= NAME) {
            return fy_fail(r->err, FY_EPARSE, "%s:1: column %s is missing", r->csv.name,
                           columns[c]);
        }
    }
    for (int i = 0; i < r->csv.n_header; i++) {
        int c = 0;

        while (c < N_COLUMNS && r->at[c] != i) {
            c++;
        }
        if (c == N_COLUMNS) {
            char shown[FY_SHOWN];

            return fy_fail(r->err, FY_EPARSE,
                           "%s:1: column '%s' is unknown; the columns are "
                           "time_s,event,name,until_s,tenant,count",
                           r->csv.name, fy_field_shown(shown, r->csv.header[i]));
        }
    }
    return 0;
}

int sim_events_read(sim_events *events, const char *path, const fy_site *site, fy_err *err)
{
    reader r = {.events = events, .site = site, .err = err};
    int status = fy_csv_open(&r.csv, path, err);

    if (status != 0) {
        return status;
    }
    r.csv.separator = ',';
    r.csv.quotes = true;
    status = read_header(&r);
    while (status == 0 && (status = fy_csv_next(&r.csv, err)) > 0) {
        status = read_row(&r);
    }
    fy_csv_close(&r.csv);
    return status;
}

void sim_events_free(sim_events *events)
{
    fy_arena_free(&events->arena);
    free(events->list);
}
