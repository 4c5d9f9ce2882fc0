/* SPDX-License-Identifier: MIT */
/*
 * The environment of a run, built from nothing, and the paths of its outputs. The names are those
 * that launchers and scripts read already (SLURM_*, CUDA_VISIBLE_DEVICES, MASTER_ADDR, WORLD_SIZE)
 * beside Fuyao's own; docs/engine.md lists them. RANK and what else differs from worker to worker
 * is the engine's part.
 */
#include "daemon/ctl_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_LAYOUT = 16, FIXED_PAIRS = 48 + MOST_LAYOUT };

typedef struct building {
    fy_pair *pairs;
    int n;
    fy_arena *arena;
} building;

static void put(building *b, const char *key, const char *value)
{
    for (int i = 0; i < b->n; i++) { /* a later one wins */
        if (strcmp(b->pairs[i].key, key) == 0) {
            b->pairs[i].value = value;
            return;
        }
    }
    b->pairs[b->n++] = (fy_pair){key, value};
}

static void put_int(building *b, const char *key, int64_t value)
{
    put(b, key, fy_arena_printf(b->arena, "%" PRId64, value));
}

/* Node names, one after the other with commas. */
static const char *node_list(const fy_ctl *ctl, const fy_job *job, fy_arena *arena)
{
    fy_str s = {0};
    const char *out;

    for (int32_t i = 0; i < job->n_holds; i++) {
        fy_str_printf(&s, "%s%s", i > 0 ? "," : "", ctl->fleet->nodes[job->holds[i].node].name);
    }
    out = fy_arena_strdup(arena, s.text != NULL ? s.text : "");
    fy_str_free(&s);
    return out;
}

/* Devices of the first node: what a single script sees. */
static const char *device_list(const fy_ctl *ctl, const fy_job *job, fy_arena *arena)
{
    const fy_hold *hold = job->n_holds > 0 ? &job->holds[0] : NULL;
    int32_t per_worker = job->rec.milli > 0 ? 1 : job->rec.devices;
    fy_str s = {0};
    const char *out;

    for (int32_t k = 0; hold != NULL && k < hold->workers * per_worker; k++) {
        fy_str_printf(&s, "%s%d", k > 0 ? "," : "",
                      job->devices[hold->first + k] - ctl->fleet->nodes[hold->node].first_device);
    }
    out = fy_arena_strdup(arena, s.text != NULL ? s.text : "");
    fy_str_free(&s);
    return out;
}

/* A port that two jobs on a node are unlikely to share. */
static int64_t master_port(const fy_job *job)
{
    return 20000 + job->id % 20000;
}

static void put_slurm(building *b, const fy_ctl *ctl, const fy_job *job, const fy_live *live)
{
    put_int(b, "SLURM_JOB_ID", job->id);
    put_int(b, "SLURM_JOBID", job->id);
    put(b, "SLURM_JOB_NAME", job->rec.name);
    put(b, "SLURM_JOB_NODELIST", node_list(ctl, job, b->arena));
    put_int(b, "SLURM_NNODES", job->n_holds);
    put_int(b, "SLURM_JOB_NUM_NODES", job->n_holds);
    put_int(b, "SLURM_NTASKS", job->working);
    put_int(b, "SLURM_RESTART_COUNT", job->attempt - 1);
    if (job->rec.cpu_milli > 0) {
        put_int(b, "SLURM_CPUS_PER_TASK", (job->rec.cpu_milli + 999) / 1000);
    }
    put(b, "SLURM_JOB_ACCOUNT", ctl->fleet->tenants[job->tenant].name);
    if (live->array_index >= 0) {
        put_int(b, "SLURM_ARRAY_TASK_ID", live->array_index);
        put_int(b, "SLURM_ARRAY_JOB_ID", job->rec.array_of);
    }
}

static void put_layout(building *b, const fy_ctl *ctl, const fy_job *job, const fy_submission *what)
{
    fy_pair found[MOST_LAYOUT];
    const fy_layouts *layouts = ctl->options.layouts;
    int n = 0;

    if (layouts != NULL) {
        n = layouts->find(layouts->ctx, what->workload, what->batch, job->chip,
                          job->working * job->rec.devices, b->arena, found, MOST_LAYOUT);
    }
    for (int i = 0; i < n; i++) {
        put(b, found[i].key, found[i].value);
    }
}

const fy_pair *ctl_environment(fy_ctl *ctl, const fy_job *job, const fy_live *live,
                               const fy_submission *what, fy_arena *arena, int *n)
{
    fy_run_key key = {job->id, job->attempt};
    building b = {.arena = arena};
    char token[33];

    b.pairs = fy_arena_alloc(arena, (size_t)(FIXED_PAIRS + what->n_environment) * sizeof *b.pairs);
    put(&b, "PATH", "/usr/local/bin:/usr/bin:/bin");
    put(&b, "LANG", "C.UTF-8");
    for (int i = 0; i < what->n_environment; i++) {
        put(&b, what->environment[i].key, what->environment[i].value);
    }
    put_int(&b, "FUYAO_JOB_ID", job->id);
    put_int(&b, "FUYAO_ATTEMPT", job->attempt);
    put(&b, "FUYAO_JOB_NAME", job->rec.name);
    put(&b, "FUYAO_TENANT", ctl->fleet->tenants[job->tenant].name);
    put(&b, "FUYAO_CHIP", ctl->fleet->pools[job->chip].name);
    put_int(&b, "FUYAO_WORKERS", job->working);
    put_int(&b, "FUYAO_DEVICES_PER_WORKER", job->rec.devices);
    put(&b, "FUYAO_NODELIST", node_list(ctl, job, arena));
    put(&b, "FUYAO_VIRTUAL", ctl->options.virtual_devices ? "1" : "0");
    put_int(&b, "FUYAO_RESTART_COUNT", job->attempt - 1);
    ctl_token(ctl, key, token);
    put(&b, "FUYAO_TOKEN", fy_arena_strdup(arena, token));
    if (what->workload != NULL) {
        put(&b, "FUYAO_WORKLOAD", what->workload);
        put_layout(&b, ctl, job, what);
    }
    put_slurm(&b, ctl, job, live);
    if (job->rec.devices > 0 && job->rec.milli == 0) {
        put(&b, "CUDA_VISIBLE_DEVICES", device_list(ctl, job, arena));
    }
    put(&b, "MASTER_ADDR", "127.0.0.1");
    put_int(&b, "MASTER_PORT", master_port(job));
    put_int(&b, "WORLD_SIZE", what->launch == FY_LAUNCH_EACH ? job->working : 1);
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
