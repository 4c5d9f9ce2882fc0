/* SPDX-License-Identifier: MIT */
/*
 * The table of a job's options, Fuyao's own and Slurm's, and the reading of words by it. One table
 * serves `fuyao submit`, sbatch, #FUYAO and #SBATCH lines and the keys of a YAML file.
 */
#include "base/num.h"
#include "cli/job_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEEDED     CLI_WORD_NEEDED
#define NONE       CLI_WORD_NONE
#define IN(member) offsetof(cli_job, member)
#define FIELD(n, l, k, f)                                                                          \
    {                                                                                              \
        n, l, NEEDED, JOB_##k, f, 0, 0, 0, NULL                                                    \
    }
#define COUNT(n, l, f, lo, hi)                                                                     \
    {                                                                                              \
        n, l, NEEDED, JOB_COUNT, f, 0, lo, hi, NULL                                                \
    }
#define FLAG(n, l, k, f)                                                                           \
    {                                                                                              \
        n, l, NONE, JOB_##k, f, 0, 0, 0, NULL                                                      \
    }
#define SWITCH(n, l, m)                                                                            \
    {                                                                                              \
        n, l, NONE, JOB_SWITCH, NULL, IN(m), 0, 0, NULL                                            \
    }
#define OWN(n, l, f)                                                                               \
    {                                                                                              \
        n, l, NEEDED, JOB_SPECIAL, NULL, 0, 0, 0, f                                                \
    }
#define SLURM(n, l, k, m, hi)                                                                      \
    {                                                                                              \
        n, l, NEEDED, JOB_##k, NULL, IN(slurm.m), 0, hi, NULL                                      \
    }
#define IGNORED(n, l, w, why)                                                                      \
    {                                                                                              \
        n, l, w, JOB_IGNORED, why, 0, 0, 0, NULL                                                   \
    }

static const char sites[] = "that is the site's or the cluster's choice";
static const char no_mail[] = "no mail is sent";
static const char no_tasks[] = "tasks are not bound here";

static const cli_job_option options[] = {
    /* what runs */
    FIELD("name", 'J', TEXT, "name"),
    FIELD("job-name", 0, TEXT, "name"),
    FIELD("comment", 0, TEXT, "comment"),
    FIELD("key", 0, TEXT, "key"),
    FIELD("tenant", 'A', TEXT, "tenant"),
    FIELD("account", 0, TEXT, "tenant"),
    FIELD("launch", 0, TEXT, "launch"),
    OWN("env", 0, job_take_env),
    OWN("export", 0, job_take_export),
    OWN("chdir", 'D', job_take_folder),
    OWN("workdir", 0, job_take_folder),
    OWN("output", 'o', job_take_output),
    OWN("error", 'e', job_take_error),
    {"wrap", 0, NEEDED, JOB_WORDING, NULL, IN(wrap), 0, 0, NULL},

    /* what it asks for */
    OWN("chips", 0, job_take_chips),
    OWN("rate", 0, job_take_rate),
    COUNT("workers", 0, "workers", 1, 1 << 20),
    COUNT("min-workers", 0, "min_workers", 1, 1 << 20),
    COUNT("max-workers", 0, "max_workers", 1, 1 << 20),
    COUNT("devices", 0, "devices", 0, 4096),
    COUNT("spares", 0, "spares", 0, 1 << 20),
    OWN("share", 0, job_take_share),
    OWN("cpus", 0, job_take_cpus),
    FIELD("workload", 0, TEXT, "workload"),
    COUNT("batch", 0, "batch", 1, 1 << 30),
    FIELD("tokens", 0, AMOUNT, "work"),
    FIELD("steps", 0, AMOUNT, "work"),
    FIELD("work", 0, AMOUNT, "work"),
    FLAG("service", 0, YES, "service"),
    FIELD("priority", 0, TEXT, "priority"),
    OWN("qos", 'q', job_take_qos),
    FIELD("estimate", 0, SPAN, "estimate_us"),
    FIELD("time", 't', MINUTES, "time_limit_us"),
    FIELD("deadline", 0, INSTANT, "deadline_us"),
    FIELD("min-run", 0, SPAN, "min_run_us"),

    /* order among jobs, interruption */
    OWN("after", 0, job_take_dependency),
    OWN("dependency", 'd', job_take_dependency),
    OWN("array", 'a', job_take_array),
    FLAG("hold", 'H', YES, "hold"),
    FLAG("requeue", 0, YES, "requeue"),
    FLAG("no-requeue", 0, NO, "requeue"),
    OWN("signal", 0, job_take_signal),
    FIELD("grace", 0, SPAN, "grace_us"),
    FIELD("checkpoint-interval", 0, SPAN, "checkpoint_interval_us"),
    FIELD("checkpoint-cost", 0, SPAN, "checkpoint_cost_us"),
    FIELD("restart-cost", 0, SPAN, "restart_cost_us"),

    /* Slurm's sizes */
    OWN("nodes", 'N', job_take_nodes),
    SLURM("ntasks", 'n', NUMBER, tasks, 1 << 20),
    SLURM("ntasks-per-node", 0, NUMBER, tasks_per_node, 4096),
    SLURM("cpus-per-task", 'c', NUMBER, cpus_per_task, 65536),
    OWN("gres", 0, job_take_gres),
    OWN("gpus", 'G', job_take_gpus),
    OWN("gpus-per-node", 0, job_take_gpus_per_node),
    OWN("gpus-per-task", 0, job_take_gpus_per_task),
    SLURM("mem", 0, SIZE, memory_mib, 0),
    SLURM("memory", 0, SIZE, memory_mib, 0),
    SLURM("mem-per-cpu", 0, SIZE, memory_per_cpu_mib, 0),
    SLURM("mem-per-gpu", 0, SIZE, memory_per_gpu_mib, 0),
    OWN("constraint", 'C', job_take_constraint),

    /* what the client does */
    SWITCH("parsable", 0, parsable),
    SWITCH("wait", 'W', wait),
    SWITCH("dry-run", 0, dry_run),
    SWITCH("test-only", 0, dry_run),
    SWITCH("json", 0, json),
    SWITCH("print", 0, print),
    SWITCH("quiet", 'Q', quiet),
    SWITCH("help", 'h', help),
    {"socket", 0, NEEDED, JOB_WORDING, NULL, IN(socket), 0, 0, NULL},

    /* what has no meaning here */
    {"exclusive", 0, CLI_WORD_OPTIONAL, JOB_IGNORED, "whole devices are never shared", 0, 0, 0,
     NULL},
    IGNORED("partition", 'p', NEEDED, "there are no partitions; --chips names chips"),
    IGNORED("nodelist", 'w', NEEDED, "nodes are chosen by the policy"),
    IGNORED("exclude", 'x', NEEDED, "nodes are chosen by the policy"),
    IGNORED("mail-type", 0, NEEDED, no_mail),
    IGNORED("mail-user", 0, NEEDED, no_mail),
    IGNORED("reservation", 0, NEEDED, "reservations are by tenant"),
    IGNORED("licenses", 'L', NEEDED, sites),
    IGNORED("nice", 0, CLI_WORD_OPTIONAL, "there are the priorities high, normal and spot"),
    IGNORED("cluster", 'M', NEEDED, sites),
    IGNORED("clusters", 0, NEEDED, sites),
    IGNORED("begin", 'b', NEEDED, "--hold keeps a job until it is released"),
    IGNORED("switches", 0, NEEDED, sites),
    IGNORED("open-mode", 0, NEEDED, "outputs are appended to"),
    IGNORED("input", 'i', NEEDED, "standard input is empty"),
    IGNORED("cpu-freq", 0, NEEDED, sites),
    IGNORED("gpu-freq", 0, NEEDED, sites),
    IGNORED("gpu-bind", 0, NEEDED, no_tasks),
    IGNORED("ntasks-per-socket", 0, NEEDED, no_tasks),
    IGNORED("ntasks-per-core", 0, NEEDED, no_tasks),
    IGNORED("ntasks-per-gpu", 0, NEEDED, no_tasks),
    IGNORED("cores-per-socket", 0, NEEDED, no_tasks),
    IGNORED("sockets-per-node", 0, NEEDED, no_tasks),
    IGNORED("threads-per-core", 0, NEEDED, no_tasks),
    IGNORED("distribution", 'm', NEEDED, no_tasks),
    IGNORED("hint", 0, NEEDED, no_tasks),
    IGNORED("mem-bind", 0, NEEDED, no_tasks),
    IGNORED("cpus-per-gpu", 0, NEEDED, "--cpus-per-task says it"),
    IGNORED("tmp", 0, NEEDED, sites),
    IGNORED("uid", 0, NEEDED, "a job runs as who hands it in"),
    IGNORED("gid", 0, NEEDED, "a job runs as who hands it in"),
    IGNORED("get-user-env", 0, CLI_WORD_OPTIONAL, "--export=ALL takes the environment along"),
    IGNORED("kill-on-invalid-dep", 0, NEEDED, "a job whose dependency failed is held"),
    IGNORED("profile", 0, NEEDED, sites),
    IGNORED("wckey", 0, NEEDED, sites),
    IGNORED("verbose", 'v', NONE, "nothing more is said"),
    IGNORED("oversubscribe", 's', NONE, "whole devices are never shared"),
    IGNORED("overcommit", 'O', NONE, no_tasks),
    IGNORED("ignore-pbs", 0, NONE, "#PBS lines are not read"),
};
enum { N_OPTIONS = sizeof options / sizeof *options };

const cli_job_option *cli_job_option_named(const char *name, size_t len)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        if (strncmp(options[i].name, name, len) == 0 && options[i].name[len] == '\0') {
            return &options[i];
        }
    }
    return NULL;
}

const cli_job_option *cli_job_option_letter(char letter)
{
    for (int i = 0; i < N_OPTIONS && letter != '\0'; i++) {
        if (options[i].letter == letter) {
            return &options[i];
        }
    }
    return NULL;
}

void cli_job_warn(cli_job *job, const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (job->warnings.len < 65536) { /* a script of a million wrong lines is not worth more */
        fy_str_printf(&job->warnings, "%s\n", text);
    }
}

/* ------------------------------------------------------------------ one option */

static void set(cli_job *job, const char *field, json_t *value)
{
    json_object_set_new(job->fields, field, value);
}

static int take_number(const cli_job_option *o, const char *value, int64_t *out, fy_err *err)
{
    int64_t low = o->kind == JOB_COUNT ? o->low : 1;

    if (fy_num_int(value, strlen(value), low, o->high, out) != FY_NUM_OK) {
        return fy_fail(err, FY_EINVAL, "\"%.40s\" is no whole number from %lld to %lld", value,
                       (long long)low, (long long)o->high);
    }
    return 0;
}

static int take_time(cli_job *job, const cli_job_option *o, const char *value, fy_err *err)
{
    int64_t us = -1;
    int rc;

    if (o->kind == JOB_MINUTES && (strcasecmp(value, "unlimited") == 0 ||
                                   strcasecmp(value, "infinite") == 0 || strcmp(value, "0") == 0)) {
        json_object_del(job->fields, o->field);
        return 0;
    }
    rc = o->kind == JOB_INSTANT
             ? cli_read_instant(value, job->now_us, &us, err)
             : cli_read_span(value, o->kind == JOB_MINUTES ? CLI_BARE_MINUTES : CLI_BARE_NO, &us,
                             err);
    if (rc == 0) {
        set(job, o->field, json_integer(us));
    }
    return rc;
}

static int take(cli_job *job, const cli_job_option *o, const char *value, fy_err *err)
{
    void *at = (char *)job + o->at;
    int64_t n = 0;
    double amount;
    json_t *text;
    int rc = 0;

    switch (o->kind) {
    case JOB_TEXT:
        text = json_string(value);
        if (text == NULL) {
            return fy_fail(err, FY_EINVAL, "the value is not UTF-8");
        }
        set(job, o->field, text);
        return 0;
    case JOB_COUNT:
        rc = take_number(o, value, &n, err);
        set(job, o->field, json_integer(n));
        return rc;
    case JOB_AMOUNT:
        rc = cli_read_amount(value, &amount, err);
        if (rc == 0) {
            set(job, o->field, json_real(amount));
        }
        return rc;
    case JOB_SPAN:
    case JOB_MINUTES:
    case JOB_INSTANT:
        return take_time(job, o, value, err);
    case JOB_YES:
    case JOB_NO:
        set(job, o->field, json_boolean(o->kind == JOB_YES));
        return 0;
    case JOB_SIZE:
        return cli_read_memory(value, at, err);
    case JOB_NUMBER:
        return take_number(o, value, at, err);
    case JOB_SWITCH:
        *(bool *)at = true;
        return 0;
    case JOB_WORDING:
        *(const char **)at = fy_arena_strdup(&job->arena, value);
        return 0;
    case JOB_IGNORED:
        cli_job_warn(job, "--%s is passed over: %s", o->name, o->field);
        return 0;
    case JOB_SPECIAL:
        return o->take(job, value, err);
    }
    return rc;
}

int cli_job_take(cli_job *job, const cli_job_option *o, const char *value, fy_err *err)
{
    if (o->word == CLI_WORD_NEEDED && value == NULL) {
        return fy_fail(err, FY_EINVAL, "--%s needs a value", o->name);
    }
    if (o->word == CLI_WORD_NONE && value != NULL) {
        return fy_fail(err, FY_EINVAL, "--%s takes no value", o->name);
    }
    value = value != NULL ? value : "";
    return take(job, o, value, err) != 0 ? fy_fail_prefix(err, FY_EINVAL, "--%s", o->name) : 0;
}

/* ------------------------------------------------------------------ words */

typedef struct reading {
    cli_job *job;
    char *const *words;
    int n, at;
    cli_unknown unknown;
} reading;

/* The word after the present one, taken; NULL where there is none. */
static const char *next_word(reading *r)
{
    return r->at + 1 < r->n ? r->words[++r->at] : NULL;
}

/* An option that nobody knows; `whole`: its value came with it. */
static int meet_unknown(reading *r, const char *shown, bool whole, fy_err *err)
{
    if (r->unknown == CLI_UNKNOWN_FAILS) {
        return fy_fail(err, FY_EINVAL, "no option %.60s; `fuyao submit --help`", shown);
    }
    cli_job_warn(r->job, "%.60s is passed over: no such option", shown);
    if (!whole && r->unknown == CLI_UNKNOWN_SWALLOWS && r->at + 1 < r->n &&
        r->words[r->at + 1][0] != '-') {
        r->at++;
    }
    return 0;
}

static int read_long(reading *r, const char *word, fy_err *err)
{
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    const cli_job_option *o = cli_job_option_named(word, len);

    if (o == NULL) {
        char shown[64];

        snprintf(shown, sizeof shown, "--%.*s", (int)(len < 60 ? len : 60), word);
        return meet_unknown(r, shown, value != NULL, err);
    }
    if (o->word == CLI_WORD_NEEDED && value == NULL) {
        value = next_word(r);
    }
    return cli_job_take(r->job, o, value, err);
}

/* Letters after one dash: flags together, or one with its value at once or in the next word. */
static int read_letters(reading *r, const char *letters, fy_err *err)
{
    for (const char *at = letters; *at != '\0'; at++) {
        const cli_job_option *o = cli_job_option_letter(*at);
        const char *value = NULL;
        int rc;

        if (o == NULL) {
            char shown[3] = {'-', *at, '\0'};

            return meet_unknown(r, shown, at[1] != '\0', err);
        }
        if (o->word == CLI_WORD_NEEDED) {
            value = at[1] == '=' ? at + 2 : at[1] != '\0' ? at + 1 : next_word(r);
        }
        rc = cli_job_take(r->job, o, value, err);
        if (rc != 0 || o->word == CLI_WORD_NEEDED) {
            return rc;
        }
    }
    return 0;
}

int cli_job_words(cli_job *job, char *const *words, int n, cli_unknown unknown, int *used,
                  fy_err *err)
{
    reading r = {job, words, n, 0, unknown};
    int rc = 0;

    for (; r.at < n && rc == 0; r.at++) {
        const char *word = words[r.at];

        if (strcmp(word, "--") == 0) {
            r.at++;
            break;
        }
        if (word[0] != '-' || word[1] == '\0') {
            break;
        }
        rc = word[1] == '-' ? read_long(&r, word + 2, err) : read_letters(&r, word + 1, err);
    }
    *used = r.at;
    return rc;
}
