/* SPDX-License-Identifier: MIT */
/* From what was said to the submission's JSON: Slurm's sizes become a gang, the environment is
 * taken along where that was asked for, and the whole is checked as the daemon will check it. */
#include "cli/job.h"
#include "daemon/submission.h"

#include <stdlib.h>
#include <string.h>

void cli_job_open(cli_job *job, const char *folder, const char *user, int64_t now_us)
{
    *job = (cli_job){.fields = json_object(),
                     .variables = json_object(),
                     .slurm = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                     .folder = folder,
                     .user = user,
                     .now_us = now_us};
    json_object_set_new(job->fields, "workdir", json_string(folder));
}

void cli_job_close(cli_job *job)
{
    json_decref(job->fields);
    json_decref(job->variables);
    fy_str_free(&job->warnings);
    fy_arena_free(&job->arena);
}

static bool has(const cli_job *job, const char *field)
{
    return json_object_get(job->fields, field) != NULL;
}

/* Set what no option of Fuyao's own has said. */
static void fill(cli_job *job, const char *field, int64_t value)
{
    if (!has(job, field)) {
        json_object_set_new(job->fields, field, json_integer(value));
    }
}

void cli_job_args(cli_job *job, char *const *words, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++) {
        json_t *word = json_string(words[i]);

        /* what is no UTF-8 is refused later, as the null it becomes */
        json_array_append_new(list, word != NULL ? word : json_null());
    }
    json_object_set_new(job->fields, "args", list);
}

/* ------------------------------------------------------------------ sizes */

static int64_t or_one(int64_t value)
{
    return value > 0 ? value : 1;
}

/*
 * Slurm counts nodes, tasks and devices; here a gang has workers with devices each, and a worker
 * lies on one node. So a node of theirs is a worker of ours; devices without nodes are one worker
 * up to eight, else workers of eight where that divides, else of one; tasks with devices of their
 * own, or tasks alone, are workers.
 */
static int gang(cli_job *job, int64_t *workers, int64_t *devices, fy_err *err)
{
    const cli_job_slurm *s = &job->slurm;

    *workers = or_one(s->nodes);
    *devices = 0;
    if (s->gpus_per_node >= 0) {
        *devices = s->gpus_per_node;
    } else if (s->gpus_per_task >= 0) {
        int64_t tasks = s->tasks > 0 ? s->tasks : *workers * or_one(s->tasks_per_node);

        if (tasks % *workers != 0) {
            return fy_fail(err, FY_EINVAL, "%lld tasks do not divide over %lld nodes",
                           (long long)tasks, (long long)*workers);
        }
        *devices = s->gpus_per_task * (s->nodes > 0 ? tasks / *workers : 1);
        *workers = s->nodes > 0 ? *workers : tasks;
    } else if (s->gpus >= 0) {
        if (s->nodes < 0 && s->gpus > 8) {
            *workers = s->gpus % 8 == 0 ? s->gpus / 8 : s->gpus;
        }
        if (s->gpus % *workers != 0) {
            return fy_fail(err, FY_EINVAL, "%lld devices do not divide over %lld nodes",
                           (long long)s->gpus, (long long)*workers);
        }
        *devices = s->gpus / *workers;
    } else if (s->nodes < 0 && s->tasks > 0) {
        *workers = s->tasks;
    }
    return 0;
}

static int fill_sizes(cli_job *job, fy_err *err)
{
    const cli_job_slurm *s = &job->slurm;
    int64_t workers, devices, tasks, cpus;
    bool sized = s->nodes >= 0 || s->tasks >= 0 || s->gpus >= 0 || s->gpus_per_node >= 0 ||
                 s->gpus_per_task >= 0 || job->from_slurm;

    if (gang(job, &workers, &devices, err) != 0) {
        return FY_EINVAL;
    }
    tasks = s->tasks > 0 ? (s->tasks + workers - 1) / workers : or_one(s->tasks_per_node);
    cpus = tasks * or_one(s->cpus_per_task);
    if (sized) {
        fill(job, "workers", workers);
        if (!has(job, "milli")) {
            fill(job, "devices", devices);
        }
    }
    if (s->cpus_per_task > 0 || s->tasks > 0 || s->tasks_per_node > 0) {
        fill(job, "cpu_milli", cpus * 1000);
    }
    if (s->memory_mib > 0) {
        fill(job, "memory_mib", s->memory_mib);
    } else if (s->memory_per_cpu_mib > 0) {
        fill(job, "memory_mib", s->memory_per_cpu_mib * cpus);
    } else if (s->memory_per_gpu_mib > 0) {
        fill(job, "memory_mib", s->memory_per_gpu_mib * devices);
    }
    return 0;
}

/* ------------------------------------------------------------------ environment */

/* Is it one that the daemon makes, or that means nothing elsewhere? */
static bool is_ours(const char *pair)
{
    static const char *const prefixes[] = {"SLURM_", "FUYAO_", "SBATCH_", "_="};

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(pair, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_name(const char *name, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    return len > 0 && strspn(name, letters) >= len && (name[0] < '0' || name[0] > '9');
}

static void fill_environment(cli_job *job, char *const *environment)
{
    json_t *all = json_object();
    const char *key;
    json_t *value;

    for (int i = 0; environment != NULL && environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        size_t len = equals != NULL ? (size_t)(equals - environment[i]) : 0;
        const json_t *asked = NULL;
        json_t *text;

        if (!is_name(environment[i], len)) {
            continue; /* exported functions of a shell, for example */
        }
        asked = json_object_getn(job->variables, environment[i], len);
        text = json_string(equals + 1);
        if (text != NULL &&
            (json_is_null(asked) || (job->export == CLI_EXPORT_ALL && !is_ours(environment[i])))) {
            json_object_setn_new(all, environment[i], len, text);
        } else {
            json_decref(text);
        }
    }
    json_object_foreach(job->variables, key, value)
    {
        if (json_is_string(value)) {
            json_object_set(all, key, value);
        } else if (json_object_get(all, key) == NULL) {
            cli_job_warn(job, "--export: %.60s is not set here", key);
        }
    }
    if (json_object_size(all) > 0) {
        json_object_set_new(job->fields, "environment", all);
    } else {
        json_decref(all);
    }
}

/* ------------------------------------------------------------------ the whole */

static void fill_wrap(cli_job *job)
{
    if (job->wrap != NULL) {
        json_t *script = json_string(fy_arena_printf(&job->arena, "#!/bin/sh\n%s\n", job->wrap));

        json_object_set_new(job->fields, "script", script != NULL ? script : json_null());
        if (!has(job, "name")) {
            json_object_set_new(job->fields, "name", json_string("wrap"));
        }
    }
}

int cli_job_finish(cli_job *job, char *const *environment, const char **json, size_t *len,
                   fy_err *err)
{
    fy_submission submission;
    size_t size;
    char *text;
    int rc;

    fill_wrap(job);
    if (fill_sizes(job, err) != 0) {
        return FY_EINVAL;
    }
    fill_environment(job, environment);
    size = json_dumpb(job->fields, NULL, 0, JSON_COMPACT);
    text = fy_arena_alloc(&job->arena, size + 1);
    (void)json_dumpb(job->fields, text, size, JSON_COMPACT);
    rc = fy_submission_read(&submission, text, size, &job->arena, err);
    if (rc == 0) {
        *json = fy_submission_write(&submission, &job->arena, len);
    }
    return rc;
}
