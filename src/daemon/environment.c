/* SPDX-License-Identifier: MIT */
#include "daemon/environment.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct builder {
    const char **all;
    size_t n, room;
    fy_arena *arena;
} builder;

enum { EACH_MOST = 8, MASTER_PORT_LOW = 15000, MASTER_PORTS = 17000 };

bool fy_environment_name(const char *name)
{
    if (name[0] == '\0' || (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '_')) {
            return false;
        }
    }
    return true;
}

static void set(builder *b, const char *name, const char *value)
{
    const char *entry = fy_arena_printf(b->arena, "%s=%s", name, value);
    size_t len = strlen(name) + 1;

    for (size_t i = 0; i < b->n; i++) {
        if (strncmp(b->all[i], entry, len) == 0) {
            b->all[i] = entry;
            return;
        }
    }
    b->all = fy_grow(b->all, &b->room, b->n + 1, sizeof *b->all);
    b->all[b->n++] = entry;
}

static void set_int(builder *b, const char *name, int64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    set(b, name, text);
}

static void set_pairs(builder *b, const fy_pair *pairs, int n)
{
    for (int i = 0; i < n; i++) {
        if (fy_environment_name(pairs[i].key)) {
            set(b, pairs[i].key, pairs[i].value);
        }
    }
}

static const char *device_list(const fy_run_node *node, fy_arena *arena)
{
    fy_str text = {0};
    const char *copy;

    fy_str_puts(&text, "");
    for (int32_t i = 0; i < node->n_devices; i++) {
        fy_str_printf(&text, "%s%d", i > 0 ? "," : "", (int)node->devices[i]);
    }
    copy = fy_arena_strdup(arena, text.text != NULL ? text.text : "");
    fy_str_free(&text);
    return copy;
}

static void set_nodes(builder *b, const fy_run_spec *spec, int64_t workers)
{
    fy_str names = {0}, tasks = {0};

    fy_str_puts(&names, "");
    for (int32_t i = 0; i < spec->n_nodes; i++) {
        fy_str_printf(&names, "%s%s", i > 0 ? "," : "", spec->nodes[i].name);
        fy_str_printf(&tasks, "%s%d", i > 0 ? "," : "", (int)spec->nodes[i].workers);
    }
    set_int(b, "FUYAO_NODES", spec->n_nodes);
    set(b, "FUYAO_NODELIST", names.text != NULL ? names.text : "");
    set_int(b, "SLURM_NNODES", spec->n_nodes);
    set_int(b, "SLURM_JOB_NUM_NODES", spec->n_nodes);
    set(b, "SLURM_JOB_NODELIST", names.text != NULL ? names.text : "");
    set(b, "SLURM_NODELIST", names.text != NULL ? names.text : "");
    set(b, "SLURM_TASKS_PER_NODE", tasks.text != NULL ? tasks.text : "");
    set_int(b, "SLURM_NTASKS", workers);
    set_int(b, "SLURM_NPROCS", workers);
    set_int(b, "FUYAO_WORKERS", workers);
    fy_str_free(&names);
    fy_str_free(&tasks);
}

static void set_run(builder *b, const fy_run_spec *spec, int64_t workers)
{
    set_int(b, "FUYAO_JOB_ID", spec->key.job);
    set_int(b, "FUYAO_ATTEMPT", spec->key.attempt);
    set(b, "FUYAO_JOB_NAME", spec->name != NULL ? spec->name : "job");
    set(b, "FUYAO_CHIP", spec->chip != NULL ? spec->chip : "");
    if (spec->tenant != NULL) {
        set(b, "FUYAO_TENANT", spec->tenant);
        set(b, "SLURM_JOB_ACCOUNT", spec->tenant);
    }
    if (spec->token != NULL) {
        set(b, "FUYAO_RUN_TOKEN", spec->token);
    }
    if (spec->virtual_devices) {
        set(b, "FUYAO_VIRTUAL", "1");
    }
    set_int(b, "SLURM_JOB_ID", spec->key.job);
    set_int(b, "SLURM_JOBID", spec->key.job);
    set(b, "SLURM_JOB_NAME", spec->name != NULL ? spec->name : "job");
    set_int(b, "SLURM_RESTART_COUNT", spec->key.attempt - 1);
    set(b, "SLURM_PROCID", "0"); /* of the one process; each worker's own replaces them */
    set(b, "SLURM_LOCALID", "0");
    set(b, "SLURM_NODEID", "0");
    set(b, "SLURM_SUBMIT_DIR", spec->what->workdir != NULL ? spec->what->workdir : "/");
    if (spec->array_index >= 0) {
        set_int(b, "FUYAO_ARRAY_INDEX", spec->array_index);
        set_int(b, "SLURM_ARRAY_TASK_ID", spec->array_index);
        set_int(b, "SLURM_ARRAY_JOB_ID", spec->array_job);
    }
    set_nodes(b, spec, workers);
}

static void set_devices(builder *b, const fy_run_spec *spec)
{
    if (spec->n_nodes > 0) {
        const char *devices = device_list(&spec->nodes[0], b->arena);

        set(b, "FUYAO_DEVICES", devices);
        set(b, "CUDA_VISIBLE_DEVICES", devices);   /* "" where it has none: it sees none */
        set(b, "CUDA_DEVICE_ORDER", "PCI_BUS_ID"); /* the order in which they are numbered */
        set(b, "SLURM_JOB_GPUS", devices);
        set_int(b, "SLURM_GPUS_ON_NODE", spec->nodes[0].n_devices);
    }
}

/* The worker `rank`, the `local` one of its node. */
static void add_worker(const char **row, int *n, const fy_run_spec *spec, int32_t node,
                       int32_t local, int64_t rank, fy_arena *arena)
{
    const char *devices = device_list(&spec->nodes[node], arena);

    *n = 0;
    row[(*n)++] = fy_arena_printf(arena, "RANK=%lld", (long long)rank);
    row[(*n)++] = fy_arena_printf(arena, "LOCAL_RANK=%d", (int)local);
    row[(*n)++] = fy_arena_printf(arena, "SLURM_PROCID=%lld", (long long)rank);
    row[(*n)++] = fy_arena_printf(arena, "SLURM_LOCALID=%d", (int)local);
    row[(*n)++] = fy_arena_printf(arena, "SLURM_NODEID=%d", (int)node);
    row[(*n)++] = fy_arena_printf(arena, "LOCAL_WORLD_SIZE=%d", (int)spec->nodes[node].workers);
    row[(*n)++] = fy_arena_printf(arena, "FUYAO_DEVICES=%s", devices);
    row[(*n)++] = fy_arena_printf(arena, "CUDA_VISIBLE_DEVICES=%s", devices);
}

static void add_workers(fy_environment *out, const fy_run_spec *spec, int64_t workers,
                        fy_arena *arena)
{
    const char **each = fy_arena_alloc(arena, (size_t)workers * EACH_MOST * sizeof *each);
    int64_t rank = 0;

    for (int32_t i = 0; i < spec->n_nodes; i++) {
        for (int32_t k = 0; k < spec->nodes[i].workers; k++, rank++) {
            add_worker(each + rank * EACH_MOST, &out->n_each, spec, i, k, rank, arena);
        }
    }
    out->each = each;
    out->workers = (int)rank;
}

fy_environment fy_environment_build(const fy_run_spec *spec, const fy_user_home *home,
                                    const char *address, const char *folder, fy_arena *arena)
{
    builder b = {.arena = arena};
    fy_environment out = {.workers = 1};
    const char **all;
    int64_t workers = 0;

    for (int32_t i = 0; i < spec->n_nodes; i++) {
        workers += spec->nodes[i].workers;
    }
    set(&b, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
    set(&b, "HOME", home->home);
    set(&b, "USER", home->user);
    set(&b, "LOGNAME", home->user);
    set(&b, "SHELL", home->shell);
    set(&b, "LANG", "C.UTF-8");
    set_run(&b, spec, workers);
    set_devices(&b, spec);
    set(&b, "MASTER_ADDR", address);
    set_int(&b, "MASTER_PORT", MASTER_PORT_LOW + spec->key.job % MASTER_PORTS);
    if (spec->what->launch == FY_LAUNCH_EACH) {
        set_int(&b, "WORLD_SIZE", workers);
    }
    set_pairs(&b, spec->environment, spec->n_environment);
    set_pairs(&b, spec->what->environment, spec->what->n_environment);
    set(&b, "FUYAO_RUN", folder);
    set(&b, "FUYAO_PROGRESS", fy_arena_printf(arena, "%s/progress", folder));
    if (spec->what->launch == FY_LAUNCH_EACH && workers > 0) {
        add_workers(&out, spec, workers, arena);
    }
    all = fy_arena_alloc(arena, b.n * sizeof *all);
    memcpy(all, b.all, b.n * sizeof *all);
    free(b.all);
    out.all = all;
    out.n = (int)b.n;
    return out;
}
