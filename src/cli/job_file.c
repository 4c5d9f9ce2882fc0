/* SPDX-License-Identifier: MIT */
/*
 * Jobs in files: the directives of a script and YAML. Of a script only the lines before its first
 * command are looked at, as sbatch does; the script itself goes along unchanged.
 */
#include "base/doc.h"
#include "cli/job_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ words of a directive */

enum { MAX_WORDS = 256 };

/*
 * Cut a line into words as a shell would: blanks part, quotes and \ hold together, " #" ends it.
 * The words are written into `room`, which is as large as the line with its NUL.
 */
static int cut_line(const char *line, size_t len, char *room, char *words[MAX_WORDS], fy_err *err)
{
    int n = 0;
    char quote = '\0';
    bool inside = false;

    for (size_t i = 0; i < len; i++) {
        char c = line[i];

        if (quote == '\0' && (c == ' ' || c == '\t' || c == '\r')) {
            if (inside) {
                *room++ = '\0';
            }
            inside = false;
            continue;
        }
        if (quote == '\0' && c == '#' && !inside) {
            break;
        }
        if (!inside) {
            if (n == MAX_WORDS) {
                return fy_fail(err, FY_EPARSE, "more than %d words", MAX_WORDS);
            }
            words[n++] = room;
            inside = true;
        }
        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        } else if (c == '\\' && quote != '\'' && i + 1 < len) {
            *room++ = line[++i];
        } else {
            *room++ = c;
        }
    }
    *room = '\0';
    return quote != '\0' ? fy_fail(err, FY_EPARSE, "a quote (%c) is not closed", quote) : n;
}

/* Does the line begin with `mark` and then a blank or its end? */
static bool is_directive(const char *line, size_t len, const char *mark)
{
    size_t n = strlen(mark);

    return len >= n && strncmp(line, mark, n) == 0 &&
           (len == n || strchr(" \t\r", line[n]) != NULL);
}

static int take_line(cli_job *job, const char *line, size_t len, fy_err *err)
{
    char *room = fy_arena_alloc(&job->arena, len + 1);
    char *words[MAX_WORDS];
    int used = 0, n = cut_line(line, len, room, words, err);

    if (n < 0) {
        return n;
    }
    if (cli_job_words(job, words, n, CLI_UNKNOWN_SWALLOWS, &used, err) != 0) {
        return FY_EINVAL;
    }
    if (used < n) {
        cli_job_warn(job, "\"%.60s\" is passed over: it is no option", words[used]);
    }
    return 0;
}

/* The directives of one mark. Warnings that arise get the line before them. */
static int take_directives(cli_job *job, const char *name, const char *text, size_t len,
                           const char *mark, fy_err *err)
{
    int number = 1;

    for (const char *line = text; line < text + len; number++) {
        const char *end = memchr(line, '\n', (size_t)(text + len - line));
        size_t line_len = (size_t)((end != NULL ? end : text + len) - line);
        size_t blank = 0;

        while (blank < line_len && strchr(" \t\r", line[blank]) != NULL) {
            blank++;
        }
        if (blank < line_len && line[blank] != '#') {
            return 0; /* the first command */
        }
        if (is_directive(line, line_len, mark)) {
            fy_str before = job->warnings;
            int rc;

            job->warnings = (fy_str){0};
            job->from_slurm = job->from_slurm || mark[1] == 'S';
            rc = take_line(job, line + strlen(mark), line_len - strlen(mark), err);
            for (char *at = job->warnings.text; at != NULL && *at != '\0';) {
                size_t to = strcspn(at, "\n");

                fy_str_printf(&before, "%.120s:%d: %.*s\n", name, number, (int)to, at);
                at += to + 1;
            }
            fy_str_free(&job->warnings);
            job->warnings = before;
            if (rc != 0) {
                return fy_fail_prefix(err, rc, "%.120s:%d", name, number);
            }
        }
        line += line_len + 1;
    }
    return 0;
}

int cli_job_script(cli_job *job, const char *name, const char *text, size_t len, fy_err *err)
{
    json_t *script;
    int rc;

    if (len == 0 || memchr(text, '\0', len) != NULL || len > CLI_JOB_MAX_FILE) {
        return fy_fail(err, FY_EPARSE, "%.120s: %s", name,
                       len == 0                 ? "the script is empty"
                       : len > CLI_JOB_MAX_FILE ? "a script has at most 1 MiB"
                                                : "holds a byte 0: a program is started from a "
                                                  "script, or after --");
    }
    script = json_stringn(text, len);
    if (script == NULL) {
        return fy_fail(err, FY_EPARSE, "%.120s: is not UTF-8", name);
    }
    json_object_set_new(job->fields, "script", script);
    rc = take_directives(job, name, text, len, "#SBATCH", err);
    return rc != 0 ? rc : take_directives(job, name, text, len, "#FUYAO", err);
}

/* ------------------------------------------------------------------ YAML */

/* Keys whose value is one text; in the order in which they are taken. */
static const char *const single_keys[] = {"name",
                                          "comment",
                                          "key",
                                          "tenant",
                                          "launch",
                                          "workdir",
                                          "output",
                                          "error",
                                          "workers",
                                          "min-workers",
                                          "max-workers",
                                          "devices",
                                          "spares",
                                          "share",
                                          "cpus",
                                          "memory",
                                          "workload",
                                          "batch",
                                          "tokens",
                                          "steps",
                                          "work",
                                          "service",
                                          "priority",
                                          "estimate",
                                          "time",
                                          "deadline",
                                          "min-run",
                                          "array",
                                          "hold",
                                          "requeue",
                                          "signal",
                                          "grace",
                                          "checkpoint-interval",
                                          "checkpoint-cost",
                                          "restart-cost",
                                          "script"};
enum { N_SINGLE = sizeof single_keys / sizeof *single_keys };

/* Keys whose value is a list of texts. */
static const char *const list_keys[] = {"chips", "rate", "env", "after", "command"};
enum { N_LISTS = sizeof list_keys / sizeof *list_keys, COMMAND = 4, MAX_LIST = 4096 };

typedef struct raw_list {
    char **items;
    unsigned n;
} raw_list;

typedef struct raw_job {
    char *single[N_SINGLE];
    raw_list lists[N_LISTS];
} raw_job;

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 131072)};

/* The schema is made of the two lists of keys, once. */
static void make_schema(cyaml_schema_field_t fields[N_SINGLE + N_LISTS + 1])
{
    memset(fields, 0, (N_SINGLE + N_LISTS + 1) * sizeof *fields);
    for (size_t i = 0; i < N_SINGLE; i++) {
        fields[i] = (cyaml_schema_field_t){
            .key = single_keys[i],
            .data_offset = (uint32_t)(offsetof(raw_job, single) + i * sizeof(char *)),
            .value = {
                CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char, 0, 1 << 20)}};
    }
    for (size_t i = 0; i < N_LISTS; i++) {
        uint32_t at = (uint32_t)(offsetof(raw_job, lists) + i * sizeof(raw_list));

        fields[N_SINGLE + i] = (cyaml_schema_field_t){
            .key = list_keys[i],
            .data_offset = at,
            .count_offset = at + (uint32_t)offsetof(raw_list, n),
            .count_size = sizeof(unsigned),
            .value = {CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, char *,
                                           &text_schema, 0, MAX_LIST)}};
    }
}

/* A flag's value is a word: true is the option, false its contrary. */
static int take_flag(cli_job *job, const cli_job_option *o, const char *value, fy_err *err)
{
    bool yes = strcmp(value, "true") == 0 || strcmp(value, "yes") == 0;

    if (!yes && strcmp(value, "false") != 0 && strcmp(value, "no") != 0) {
        return fy_fail(err, FY_EINVAL, "\"%.40s\" is neither true nor false", value);
    }
    json_object_set_new(job->fields, o->field, json_boolean(yes));
    return 0;
}

static int take_single(cli_job *job, const char *key, const char *value, fy_err *err)
{
    const cli_job_option *o = cli_job_option_named(key, strlen(key));

    if (o == NULL) { /* script */
        json_object_set_new(job->fields, key, json_string(value));
        return 0;
    }
    return o->word == CLI_WORD_NONE ? take_flag(job, o, value, err)
                                    : cli_job_take(job, o, value, err);
}

/* Each item for itself, but the chips, which are one list. */
static int take_list(cli_job *job, int which, const raw_list *list, fy_err *err)
{
    const char *key = list_keys[which];
    const cli_job_option *o = cli_job_option_named(key, strlen(key));
    fy_str joined = {0};
    int rc = 0;

    if (which == COMMAND) {
        cli_job_args(job, list->items, (int)list->n);
        return 0;
    }
    for (unsigned i = 0; i < list->n && rc == 0; i++) {
        bool together = strcmp(key, "chips") == 0 || strcmp(key, "after") == 0;

        if (together) {
            fy_str_printf(&joined, "%s%s", i > 0 ? "," : "", list->items[i]);
        } else {
            rc = cli_job_take(job, o, list->items[i], err);
        }
    }
    if (joined.len > 0) {
        rc = cli_job_take(job, o, joined.text, err);
    }
    fy_str_free(&joined);
    return rc;
}

int cli_job_yaml(cli_job *job, const char *name, const char *text, size_t len, fy_err *err)
{
    cyaml_schema_field_t fields[N_SINGLE + N_LISTS + 1];
    cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, raw_job, fields)};
    const raw_job *raw;
    fy_doc *doc = NULL;
    int rc = 0;

    make_schema(fields);
    rc = fy_doc_parse(&doc, name, text, len, &schema, err);
    if (rc != 0) {
        return rc;
    }
    raw = fy_doc_data(doc);
    for (int i = 0; i < N_SINGLE && rc == 0; i++) {
        if (raw->single[i] != NULL && take_single(job, single_keys[i], raw->single[i], err) != 0) {
            rc =
                fy_fail_prefix(err, FY_EINVAL, "%.100s:%d", name, fy_doc_line(doc, single_keys[i]));
        }
    }
    for (int i = 0; i < N_LISTS && rc == 0; i++) {
        if (raw->lists[i].n > 0 && take_list(job, i, &raw->lists[i], err) != 0) {
            rc = fy_fail_prefix(err, FY_EINVAL, "%.100s:%d", name, fy_doc_line(doc, list_keys[i]));
        }
    }
    fy_doc_free(doc);
    return rc;
}
