/* SPDX-License-Identifier: MIT */
/*
 * What the controller adds to a run's environment: how often it was restarted, where the daemon
 * listens, and the planner's layout. All else is the engine's (environment.h); docs/engine.md lists
 * everything. And the paths of a run's outputs.
 */
#include "daemon/ctl_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LAYOUT = 16, MOST_PAIRS = 8 + MOST_LAYOUT };

typedef struct building {
    fy_pair *pairs;
    int n;
    fy_arena *arena;
} building;

static void put(building *b, const char *key, const char *value)
{
    b->pairs[b->n++] = (fy_pair){key, value};
}

static void put_int(building *b, const char *key, int64_t value)
{
    put(b, key, fy_arena_printf(b->arena, "%" PRId64, value));
}

static void put_layout(building *b, const fy_ctl *ctl, const fy_job *job, const fy_submission *what)
{
    fy_pair found[MOST_LAYOUT];
    const fy_layouts *layouts = ctl->options.layouts;
    int n = 0;

    if (layouts != NULL && ctl_site_chip(ctl, job->chip) >= 0) {
        n = layouts->find(layouts->ctx, what->workload, what->batch, ctl_site_chip(ctl, job->chip),
                          job->working * job->rec.devices, b->arena, found, MOST_LAYOUT);
    }
    for (int i = 0; i < n; i++) {
        put(b, found[i].key, found[i].value);
    }
}

const fy_pair *ctl_environment(fy_ctl *ctl, const fy_job *job, const fy_submission *what,
                               fy_arena *arena, int *n)
{
    building b = {.arena = arena};

    b.pairs = fy_arena_alloc(arena, MOST_PAIRS * sizeof *b.pairs);
    put_int(&b, "FUYAO_RESTART_COUNT", job->attempt - 1);
    put_int(&b, "FUYAO_DEVICES_PER_WORKER", job->rec.devices);
    if (ctl->options.socket != NULL) { /* where a run may report its progress */
        put(&b, "FUYAO_SOCKET", ctl->options.socket);
    }
    if (what->workload != NULL) {
        put(&b, "FUYAO_WORKLOAD", what->workload);
        put_layout(&b, ctl, job, what);
    }
    *n = b.n;
    return b.pairs;
}

void ctl_expand_into(const fy_job *job, const fy_live *live, const char *workdir,
                     const char *pattern, fy_str *out)
{
    const char *folder = workdir != NULL ? workdir : "/";

    if (pattern[0] != '/') {
        fy_str_puts(out, folder);
        fy_str_puts(out, folder[strlen(folder) - 1] == '/' ? "" : "/");
    }
    for (const char *p = pattern; *p != '\0'; p++) {
        size_t plain = strcspn(p, "%");
        if (plain > 0 || p[1] == '\0') {
            fy_str_add(out, p, plain > 0 ? plain : 1);
            p += plain > 0 ? plain - 1 : 0;
            continue;
        }
        p++;
        if (*p == 'j' || (*p == 'A' && live->array_index < 0)) {
            fy_json_int(out, job->id);
        } else if (*p == 'A') {
            fy_json_int(out, job->rec.array_of);
        } else if (*p == 'a') {
            fy_json_int(out, live->array_index >= 0 ? live->array_index : 0);
        } else if (*p == 'x') {
            for (const char *c = job->rec.name; *c != '\0'; c++) { /* a name makes no folders */
                fy_str_add(out, *c == '/' ? "_" : c, 1);
            }
        } else if (*p == '%') {
            fy_str_add(out, "%", 1);
        } else {
            fy_str_printf(out, "%%%c", *p);
        }
    }
}

const char *ctl_expand(const fy_job *job, const fy_live *live, const fy_submission *what,
                       const char *pattern, fy_arena *arena)
{
    fy_str s = {0};
    const char *out;

    ctl_expand_into(job, live, what->workdir, pattern, &s);
    out = fy_arena_strdup(arena, s.text != NULL ? s.text : "");
    fy_str_free(&s);
    return out;
}
