/* SPDX-License-Identifier: MIT */
#include "daemon/order.h"

#include <string.h>

/* The numbers in front, in this order. */
typedef struct head {
    int64_t magic, size; /* of the whole order in bytes */
    int64_t job, attempt, uid, gid, drop, workers, checkpoint_signal, append;
    int64_t max_processes, max_file_bytes, cpu_milli, memory_mib;
    int64_t n_argv, n_env, n_each, n_groups;
} head;

enum { MAGIC = 0x66796f31, N_TEXTS = 7 };

/* A string, or nothing: NULL and "" differ by a mark in front. */
static void put(fy_str *out, const char *text)
{
    fy_str_add(out, text != NULL ? "+" : "-", 1);
    fy_str_add(out, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
}

static void put_list(fy_str *out, const char *const *list, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        put(out, list[i]);
    }
}

void fy_order_pack(fy_str *out, const fy_order *o)
{
    size_t from = out->len;
    head h = {
        .magic = MAGIC,
        .job = o->key.job,
        .attempt = o->key.attempt,
        .uid = (int64_t)o->uid,
        .gid = (int64_t)o->gid,
        .drop = o->drop,
        .workers = o->workers,
        .checkpoint_signal = o->checkpoint_signal,
        .append = o->append,
        .max_processes = o->max_processes,
        .max_file_bytes = o->max_file_bytes,
        .cpu_milli = o->cpu_milli,
        .memory_mib = o->memory_mib,
        .n_argv = o->n_argv,
        .n_env = o->n_env,
        .n_each = o->n_each,
        .n_groups = o->n_groups,
    };
    const char *const texts[N_TEXTS] = {o->boot,   o->folder, o->cgroup, o->workdir,
                                        o->output, o->error,  o->script};

    fy_str_add(out, (const char *)&h, sizeof h);
    fy_str_add(out, (const char *)o->groups, (size_t)o->n_groups * sizeof *o->groups);
    put_list(out, texts, N_TEXTS);
    put_list(out, o->argv, o->n_argv);
    put_list(out, o->env, o->n_env);
    put_list(out, o->each, (int64_t)o->workers * o->n_each);
    h.size = (int64_t)(out->len - from);
    memcpy(out->text + from, &h, sizeof h);
}

typedef struct reader {
    const char *at, *end;
    bool ok;
} reader;

static const char *get(reader *r)
{
    const char *text = r->at + 1, *nul;

    if (!r->ok || r->at >= r->end || (*r->at != '+' && *r->at != '-') ||
        (nul = memchr(text, '\0', (size_t)(r->end - text))) == NULL ||
        (*r->at == '-' && nul != text)) {
        r->ok = false;
        return NULL;
    }
    text = *r->at == '+' ? text : NULL;
    r->at = nul + 1;
    return text;
}

/* [n] strings, none of which is nothing. */
static const char *const *get_list(reader *r, int64_t n, fy_arena *arena)
{
    const char **list;

    if (n > (r->end - r->at) / 2) { /* each takes two bytes at least */
        r->ok = false;
        return NULL;
    }
    list = fy_arena_alloc(arena, ((size_t)n + 1) * sizeof *list);
    for (int64_t i = 0; i < n; i++) {
        list[i] = get(r);
        r->ok = r->ok && list[i] != NULL;
    }
    return list;
}

static bool within(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

static bool sane(const head *h, size_t len)
{
    return h->magic == MAGIC && h->size == (int64_t)len && h->job >= 0 &&
           within(h->attempt, 1, INT32_MAX) && within(h->uid, 0, UINT32_MAX) &&
           within(h->gid, 0, UINT32_MAX) && within(h->drop, 0, 1) && within(h->append, 0, 1) &&
           within(h->workers, 1, FY_ORDER_LIST) && within(h->checkpoint_signal, 0, 64) &&
           h->max_processes >= 0 && h->max_file_bytes >= 0 && h->cpu_milli >= 0 &&
           h->memory_mib >= 0 && within(h->n_argv, 0, FY_ORDER_LIST) &&
           within(h->n_env, 0, FY_ORDER_LIST) && within(h->n_each, 0, 64) &&
           within(h->n_groups, 0, 65536) &&
           len - sizeof *h >= (size_t)h->n_groups * sizeof(int64_t);
}

static void copy_numbers(fy_order *out, const head *h)
{
    *out = (fy_order){
        .key = {.job = h->job, .attempt = (int32_t)h->attempt},
        .uid = (uid_t)h->uid,
        .gid = (gid_t)h->gid,
        .drop = h->drop != 0,
        .workers = (int)h->workers,
        .checkpoint_signal = (int)h->checkpoint_signal,
        .append = h->append != 0,
        .max_processes = h->max_processes,
        .max_file_bytes = h->max_file_bytes,
        .cpu_milli = h->cpu_milli,
        .memory_mib = h->memory_mib,
        .n_argv = (int)h->n_argv,
        .n_env = (int)h->n_env,
        .n_each = (int)h->n_each,
        .n_groups = (int)h->n_groups,
    };
}

int fy_order_unpack(fy_order *out, const char *bytes, size_t len, fy_arena *arena, fy_err *err)
{
    reader r = {.at = bytes, .end = bytes + len, .ok = true};
    int64_t *groups;
    head h;

    if (len < sizeof h) {
        return fy_fail(err, FY_EPARSE, "an order of %zu bytes is cut short", len);
    }
    memcpy(&h, bytes, sizeof h);
    if (!sane(&h, len)) {
        return fy_fail(err, FY_EPARSE, "an order's numbers make no sense");
    }
    copy_numbers(out, &h);
    groups = fy_arena_alloc(arena, ((size_t)h.n_groups + 1) * sizeof *groups);
    memcpy(groups, bytes + sizeof h, (size_t)h.n_groups * sizeof *groups);
    out->groups = groups;
    r.at += sizeof h + (size_t)h.n_groups * sizeof *groups;
    out->boot = get(&r);
    out->folder = get(&r);
    out->cgroup = get(&r);
    out->workdir = get(&r);
    out->output = get(&r);
    out->error = get(&r);
    out->script = get(&r);
    out->argv = get_list(&r, h.n_argv, arena);
    out->env = get_list(&r, h.n_env, arena);
    out->each = get_list(&r, h.workers * h.n_each, arena);
    if (!r.ok || r.at != r.end || out->boot == NULL || out->folder == NULL ||
        out->workdir == NULL || out->output == NULL || (out->script == NULL && out->n_argv == 0)) {
        return fy_fail(err, FY_EPARSE, "an order's texts are incomplete");
    }
    return 0;
}
