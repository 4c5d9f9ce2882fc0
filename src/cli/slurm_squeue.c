/* SPDX-License-Identifier: MIT */
/* squeue: the queue in the columns that scripts cut at. */
#include "cli/cmd.h"
#include "cli/queue.h"
#include "cli/slurm.h"

#include <getopt.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: squeue [-u USER,...] [--me] [-j ID,...] [-p CHIP,...] [-t STATE,...] [-n NAME,...]\n"
    "              [-A TENANT,...] [-h] [-l] [-o FORMAT] [-S KEY] [--start] [-i SECONDS] [--json]\n"
    "The queue as Slurm prints it; `fuyao queue` says more. A chip stands where a partition "
    "would.\n"
    "FORMAT: %[.][WIDTH]LETTER of aACDeEFijkKlLmMnNopPqQrRStTuUVZ; KEY: a letter of it, -KEY\n"
    "downwards.\n";

static const char usual[] = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R";
static const char long_usual[] = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R";
static const char start_usual[] = "%.18i %.9P %.8j %.8u %.2t %.19S %.6D %20Y %R";

typedef struct squeue_row {
    const json_t *job, *what; /* `what`: its submission */
    double now_s;
} squeue_row;

static const struct {
    const char *ours, *letters, *word;
} states[] = {
    {"blocked", "PD", "PENDING"},     {"held", "PD", "PENDING"},
    {"waiting", "PD", "PENDING"},     {"starting", "CF", "CONFIGURING"},
    {"running", "R", "RUNNING"},      {"stopping", "CG", "COMPLETING"},
    {"finished", "CD", "COMPLETED"},  {"failed", "F", "FAILED"},
    {"cancelled", "CA", "CANCELLED"}, {"timeout", "TO", "TIMEOUT"},
};
enum { N_STATES = sizeof states / sizeof *states };

static int state_of(const json_t *job)
{
    const char *state = cli_text_of(job, "state");

    for (int i = 0; i < N_STATES; i++) {
        if (state != NULL && strcmp(states[i].ours, state) == 0) {
            return i;
        }
    }
    return 2;
}

/* ------------------------------------------------------------------ fields */

static void put(fy_str *out, const char *text, const char *otherwise)
{
    fy_str_puts(out, text != NULL ? text : otherwise);
}

static void put_id(fy_str *out, const void *row)
{
    const json_t *job = ((const squeue_row *)row)->job;
    int64_t index = cli_int_of(job, "array_index", -1);

    if (index >= 0) {
        fy_str_printf(out, "%lld_%lld", (long long)cli_int_of(job, "array_of", 0),
                      (long long)index);
    } else {
        fy_str_printf(out, "%lld", (long long)cli_int_of(job, "id", 0));
    }
}

static void put_own_id(fy_str *out, const void *row)
{
    fy_str_printf(out, "%lld", (long long)cli_int_of(((const squeue_row *)row)->job, "id", 0));
}

static void put_array(fy_str *out, const void *row)
{
    const json_t *job = ((const squeue_row *)row)->job;

    fy_str_printf(out, "%lld", (long long)cli_int_of(job, "array_of", cli_int_of(job, "id", 0)));
}

static void put_index(fy_str *out, const void *row)
{
    int64_t index = cli_int_of(((const squeue_row *)row)->job, "array_index", -1);

    if (index >= 0) {
        fy_str_printf(out, "%lld", (long long)index);
    } else {
        fy_str_puts(out, "N/A");
    }
}

/* The chip that it holds, else the first that it accepts. */
static const char *chip_of(const squeue_row *r)
{
    const json_t *first = json_array_get(json_object_get(r->what, "chips"), 0);
    const char *chip = cli_text_of(r->job, "chip");

    if (chip == NULL) {
        chip = json_is_object(first) ? cli_text_of(first, "chip") : json_string_value(first);
    }
    return chip != NULL ? chip : "any";
}

static void put_chip(fy_str *out, const void *row)
{
    fy_str_puts(out, chip_of(row));
}

#define TEXT_FIELD(name, from, key, otherwise)                                                     \
    static void name(fy_str *out, const void *row)                                                 \
    {                                                                                              \
        put(out, cli_text_of(((const squeue_row *)row)->from, key), otherwise);                    \
    }
TEXT_FIELD(put_name, job, "name", "")
TEXT_FIELD(put_user, job, "user", "nobody")
TEXT_FIELD(put_tenant, job, "tenant", "")
TEXT_FIELD(put_priority, job, "priority", "normal")
TEXT_FIELD(put_folder, what, "workdir", "/")
TEXT_FIELD(put_comment, what, "comment", "(null)")

static void put_letters(fy_str *out, const void *row)
{
    fy_str_puts(out, states[state_of(((const squeue_row *)row)->job)].letters);
}

static void put_word(fy_str *out, const void *row)
{
    fy_str_puts(out, states[state_of(((const squeue_row *)row)->job)].word);
}

static void put_span(fy_str *out, double s)
{
    char text[CLI_CLOCK];

    fy_str_puts(out, cli_clock(text, s));
}

static void put_time(fy_str *out, const void *row)
{
    const squeue_row *r = row;
    double from = cli_number_of(r->job, "started_s"), to = cli_number_of(r->job, "ended_s");

    from = isnan(from) ? cli_number_of(r->job, "first_started_s") : from;
    put_span(out, isnan(from) ? 0 : (isnan(to) ? r->now_s : to) - from);
}

static void put_limit(fy_str *out, const void *row)
{
    double us = cli_number_of(((const squeue_row *)row)->what, "time_limit_us");

    if (isnan(us)) {
        fy_str_puts(out, "UNLIMITED");
    } else {
        put_span(out, us / 1e6);
    }
}

static void put_left(fy_str *out, const void *row)
{
    const squeue_row *r = row;
    double us = cli_number_of(r->what, "time_limit_us");
    double from = cli_number_of(r->job, "started_s");

    if (isnan(us)) {
        fy_str_puts(out, "UNLIMITED");
    } else {
        put_span(out, us / 1e6 - (isnan(from) ? 0 : r->now_s - from));
    }
}

static void put_instant(fy_str *out, double s)
{
    char text[CLI_CLOCK];

    fy_str_puts(out, isnan(s) || s <= 0 ? "N/A" : cli_date(text, s));
}

static void put_start(fy_str *out, const void *row)
{
    const json_t *job = ((const squeue_row *)row)->job;
    double s = cli_number_of(job, "started_s");

    s = isnan(s) ? cli_number_of(job, "first_started_s") : s;
    put_instant(out, isnan(s) ? cli_number_of(job, "expected_start_s") : s);
}

static void put_end(fy_str *out, const void *row)
{
    const json_t *job = ((const squeue_row *)row)->job;
    double s = cli_number_of(job, "ended_s");

    put_instant(out, isnan(s) ? cli_number_of(job, "expected_end_s") : s);
}

static void put_submitted(fy_str *out, const void *row)
{
    put_instant(out, cli_number_of(((const squeue_row *)row)->job, "submitted_s"));
}

static void put_n_nodes(fy_str *out, const void *row)
{
    const json_t *job = ((const squeue_row *)row)->job;

    fy_str_printf(out, "%lld",
                  (long long)cli_int_of(job, "n_nodes", cli_int_of(job, "workers", 1)));
}

static void put_cpus(fy_str *out, const void *row)
{
    const squeue_row *r = row;
    long long each = cli_int_of(r->what, "cpu_milli", 0);
    long long workers = cli_int_of(r->job, "workers", 1);

    fy_str_printf(out, "%lld", (each + 999) / 1000 * workers);
}

static void put_memory(fy_str *out, const void *row)
{
    fy_str_printf(out, "%lldM",
                  (long long)cli_int_of(((const squeue_row *)row)->what, "memory_mib", 0));
}

static void put_gres(fy_str *out, const void *row)
{
    const squeue_row *r = row;
    int64_t workers = cli_int_of(r->job, "workers", 1);

    fy_str_printf(out, "gres:gpu:%s:%lld", chip_of(r),
                  (long long)(cli_int_of(r->job, "devices", 0) / (workers > 0 ? workers : 1)));
}

static void put_list(fy_str *out, const void *row)
{
    const json_t *nodes = json_object_get(((const squeue_row *)row)->job, "nodes");
    size_t n = json_array_size(nodes);
    const char **names = calloc(n + 1, sizeof *names);

    for (size_t i = 0; names != NULL && i < n; i++) {
        const char *name = cli_text_of(json_array_get(nodes, i), "node");

        names[i] = name != NULL ? name : "?";
    }
    if (names != NULL) {
        slurm_hostlist(out, names, n);
    }
    free(names);
}

/* Slurm's word where it has one, else ours. */
static const char *reason_of(const json_t *job)
{
    static const char *const words[][2] = {{"no-devices", "Resources"},
                                           {"fragmented", "Resources"},
                                           {"behind", "Priority"},
                                           {"reserved", "Priority"},
                                           {"tenant-limit", "AssocGrpGRES"},
                                           {"array-limit", "JobArrayTaskLimit"},
                                           {"power-cap", "PowerNotAvail"},
                                           {"depends", "Dependency"},
                                           {"held", "JobHeldUser"},
                                           {"never-depends", "DependencyNeverSatisfied"},
                                           {"never-chip", "BadConstraints"},
                                           {"never-size", "BadConstraints"},
                                           {"never-tight", "BadConstraints"},
                                           {"never-power", "BadConstraints"},
                                           {"window", "ReqNodeNotAvail"},
                                           {"next-round", "None"}};
    const char *reason = cli_text_of(job, "reason");

    for (size_t i = 0; reason != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i][0], reason) == 0) {
            return words[i][1];
        }
    }
    return reason != NULL ? reason : "None";
}

static void put_reason(fy_str *out, const void *row)
{
    fy_str_puts(out, reason_of(((const squeue_row *)row)->job));
}

static void put_list_or_reason(fy_str *out, const void *row)
{
    const json_t *job = ((const squeue_row *)row)->job;

    if (strcmp(states[state_of(job)].letters, "PD") == 0) {
        fy_str_printf(out, "(%s)", reason_of(job));
    } else {
        put_list(out, row);
    }
}

static void put_none(fy_str *out, const void *row)
{
    (void)row;
    fy_str_puts(out, "(null)");
}

static const slurm_field fields[] = {
    {'i', "JOBID", put_id},
    {'A', "JOBID", put_own_id},
    {'F', "ARRAY_JOB_ID", put_array},
    {'K', "ARRAY_TASK_ID", put_index},
    {'P', "PARTITION", put_chip},
    {'j', "NAME", put_name},
    {'u', "USER", put_user},
    {'U', "USER", put_user},
    {'t', "ST", put_letters},
    {'T', "STATE", put_word},
    {'M', "TIME", put_time},
    {'l', "TIME_LIMIT", put_limit},
    {'L', "TIME_LEFT", put_left},
    {'D', "NODES", put_n_nodes},
    {'R', "NODELIST(REASON)", put_list_or_reason},
    {'N', "NODELIST", put_list},
    {'r', "REASON", put_reason},
    {'a', "ACCOUNT", put_tenant},
    {'q', "QOS", put_priority},
    {'Q', "PRIORITY", put_priority},
    {'p', "PRIORITY", put_priority},
    {'S', "START_TIME", put_start},
    {'e', "END_TIME", put_end},
    {'V', "SUBMIT_TIME", put_submitted},
    {'Z', "WORK_DIR", put_folder},
    {'k', "COMMENT", put_comment},
    {'C', "CPUS", put_cpus},
    {'m', "MIN_MEMORY", put_memory},
    {'b', "TRES_PER_NODE", put_gres},
    {'Y', "SCHEDNODES", put_none},
    {'n', "REQ_NODES", put_none},
    {'E', "DEPENDENCY", put_none},
    {'o', "COMMAND", put_name},
    {'\0', NULL, NULL},
};

/* ------------------------------------------------------------------ which and in what order */

typedef struct squeue_options {
    const char *users, *ids, *chips, *states, *names, *tenants, *format, *sort, *socket;
    bool no_header, start, json;
    long again_s;
} squeue_options;

static bool has_state(const char *list, const json_t *job)
{
    int i = state_of(job);

    return slurm_in_list(list, "all") || slurm_in_list(list, states[i].letters) ||
           slurm_in_list(list, states[i].word);
}

static bool wanted(const squeue_options *o, const squeue_row *r)
{
    fy_str id = {0}, own = {0}, array = {0};
    bool yes = true;

    if (o->ids != NULL) {
        put_id(&id, r);
        put_own_id(&own, r);
        put_array(&array, r);
        yes = slurm_in_list(o->ids, id.text) || slurm_in_list(o->ids, own.text) ||
              slurm_in_list(o->ids, array.text);
    }
    fy_str_free(&id);
    fy_str_free(&own);
    fy_str_free(&array);
    return yes && (o->users == NULL || slurm_in_list(o->users, cli_text_of(r->job, "user"))) &&
           (o->chips == NULL || slurm_in_list(o->chips, chip_of(r))) &&
           (o->names == NULL || slurm_in_list(o->names, cli_text_of(r->job, "name"))) &&
           (o->tenants == NULL || slurm_in_list(o->tenants, cli_text_of(r->job, "tenant"))) &&
           (o->states == NULL || has_state(o->states, r->job)) &&
           (!o->start || strcmp(states[state_of(r->job)].letters, "PD") == 0);
}

/* Numbers by their value, else texts; qsort_r's context is the list of keys. */
static int by_keys(const void *a, const void *b, void *ctx)
{
    for (const char *key = ctx; *key != '\0'; key++) {
        bool down = *key == '-';
        fy_str x = {0}, y = {0};
        int order = 0;

        key += *key == '-' || *key == '+';
        for (const slurm_field *f = fields; f->letter != '\0'; f++) {
            if (f->letter == *key) {
                f->put(&x, a);
                f->put(&y, b);
                fy_str_puts(&x, ""); /* a text even where the field is empty */
                fy_str_puts(&y, "");
                double nx = strtod(x.text, NULL), ny = strtod(y.text, NULL);
                order = nx < ny ? -1 : nx > ny ? 1 : strcmp(x.text, y.text);
                break;
            }
        }
        fy_str_free(&x);
        fy_str_free(&y);
        if (order != 0) {
            return down ? -order : order;
        }
        if (*key == '\0') {
            break;
        }
        key += key[1] == ',';
    }
    return 0;
}

static int print_rows(const squeue_options *o, const json_t *answer)
{
    const json_t *jobs = json_object_get(answer, "jobs");
    size_t n = 0, all = json_array_size(jobs);
    squeue_row *rows = calloc(all + 1, sizeof *rows);
    char keys[64], bad = '\0';
    bool right = true;

    if (rows == NULL) {
        abort();
    }
    for (size_t i = 0; i < all; i++) {
        const json_t *job = json_array_get(jobs, i);

        rows[n] =
            (squeue_row){job, json_object_get(job, "submission"), cli_number_of(answer, "now_s")};
        n += wanted(o, &rows[n]);
    }
    /* as squeue: what runs last, and so the queue's order by state and id */
    snprintf(keys, sizeof keys, "%s", o->sort != NULL ? o->sort : "t,A");
    qsort_r(rows, n, sizeof *rows, by_keys, keys);
    if (!o->no_header) {
        right = slurm_print(o->format, fields, NULL, &bad);
    }
    for (size_t i = 0; right && i < n; i++) {
        right = slurm_print(o->format, fields, &rows[i], &bad);
    }
    free(rows);
    return right ? 0 : slurm_fail("squeue", "Invalid job format specification: %c", bad);
}

static int look(cli_client *client, const squeue_options *o)
{
    static const char everything[] = "blocked,held,waiting,starting,running,stopping,finished,"
                                     "failed,cancelled,timeout";
    cli_queue_filter filter = {.full = true, .states = o->states != NULL ? everything : NULL};
    json_t *answer = NULL;
    int code = cli_queue_get(client, &filter, &answer);

    if (code == 0 && o->json) {
        cli_print_json(answer);
    } else if (code == 0) {
        code = print_rows(o, answer);
    }
    json_decref(answer);
    return code != 0 ? 1 : 0;
}

/* ------------------------------------------------------------------ options */

static const struct option known[] = {{"user", required_argument, NULL, 'u'},
                                      {"users", required_argument, NULL, 'u'},
                                      {"me", no_argument, NULL, 1},
                                      {"jobs", required_argument, NULL, 'j'},
                                      {"job", required_argument, NULL, 'j'},
                                      {"partition", required_argument, NULL, 'p'},
                                      {"states", required_argument, NULL, 't'},
                                      {"state", required_argument, NULL, 't'},
                                      {"name", required_argument, NULL, 'n'},
                                      {"account", required_argument, NULL, 'A'},
                                      {"noheader", no_argument, NULL, 'h'},
                                      {"long", no_argument, NULL, 'l'},
                                      {"array", no_argument, NULL, 'r'},
                                      {"all", no_argument, NULL, 'a'},
                                      {"format", required_argument, NULL, 'o'},
                                      {"sort", required_argument, NULL, 'S'},
                                      {"start", no_argument, NULL, 2},
                                      {"iterate", required_argument, NULL, 'i'},
                                      {"json", no_argument, NULL, 3},
                                      {"socket", required_argument, NULL, 4},
                                      {"help", no_argument, NULL, 5},
                                      {NULL, 0, NULL, 0}};

static const char *my_name(void)
{
    const struct passwd *me = getpwuid(geteuid());

    return me != NULL ? me->pw_name : "nobody";
}

/* Returns 0 to go on, 1 after an error, -1 after help. */
static int read_options(int argc, char **argv, squeue_options *o)
{
    int opt;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, "u:j:p:t:n:A:hlrao:S:i:", known, NULL)) != -1) {
        const char **text = opt == 'u'   ? &o->users
                            : opt == 'j' ? &o->ids
                            : opt == 'p' ? &o->chips
                            : opt == 't' ? &o->states
                            : opt == 'n' ? &o->names
                            : opt == 'A' ? &o->tenants
                            : opt == 'o' ? &o->format
                            : opt == 'S' ? &o->sort
                            : opt == 4   ? &o->socket
                                         : NULL;
        if (text != NULL) {
            *text = optarg;
        } else if (opt == 1) {
            o->users = my_name();
        } else if (opt == 'h') {
            o->no_header = true;
        } else if (opt == 'l') {
            o->format = long_usual;
        } else if (opt == 2) {
            o->start = true;
            o->format = start_usual;
        } else if (opt == 3) {
            o->json = true;
        } else if (opt == 'i') {
            o->again_s = strtol(optarg, NULL, 10);
        } else if (opt == 5) {
            fputs(usage, stdout);
            return -1;
        } else if (opt == '?') {
            fprintf(stderr, "squeue: warning: %.60s is passed over: no such option\n",
                    argv[optind - 1]);
        }
    }
    return 0;
}

int slurm_squeue(int argc, char **argv)
{
    squeue_options o = {.format = usual};
    cli_client *client = NULL;
    int code = read_options(argc, argv, &o);

    if (code != 0) {
        return code < 0 ? 0 : code;
    }
    code = cli_client_open(&client, o.socket, "squeue");
    while (code == 0) {
        code = look(client, &o);
        if (o.again_s <= 0 || fflush(stdout) != 0) {
            break;
        }
        nanosleep(&(struct timespec){.tv_sec = o.again_s}, NULL);
    }
    cli_client_close(client);
    return code != 0 ? 1 : 0;
}
