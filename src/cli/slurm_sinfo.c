/* SPDX-License-Identifier: MIT */
/* sinfo: the nodes in the columns that scripts cut at. */
#include "cli/cmd.h"
#include "cli/slurm.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: sinfo [-N] [-R] [-h] [-o FORMAT] [-p CHIP,...] [-n NODES] [-t STATE,...] [--json]\n"
    "The nodes as Slurm prints them; `fuyao nodes` says more. A chip stands where a partition "
    "would.\n"
    "FORMAT: %[.][WIDTH]LETTER of aAcCDEGlmNPRtT.\n";

static const char usual[] = "%9P %.5a %.10l %.6D %.6t %N";
static const char by_node[] = "%N %.6D %.9P %6t";
static const char reasons[] = "%20E %9u %19H %N";

/* Nodes that print alike but for their names. */
typedef struct sinfo_row {
    const json_t *first;
    const char **names; /* [n], owned */
    size_t n;
    int64_t devices;
} sinfo_row;

static const struct {
    const char *ours, *letters, *word;
} states[] = {{"idle", "idle", "idle"},
              {"mixed", "mix", "mixed"},
              {"allocated", "alloc", "allocated"},
              {"draining", "drng", "draining"},
              {"drained", "drain", "drained"},
              {"down", "down*", "down*"}};
enum { N_STATES = sizeof states / sizeof *states };

static int state_of(const json_t *node)
{
    const char *state = cli_text_of(node, "state");

    for (int i = 0; i < N_STATES; i++) {
        if (state != NULL && strcmp(states[i].ours, state) == 0) {
            return i;
        }
    }
    return N_STATES - 1;
}

/* ------------------------------------------------------------------ fields */

static const json_t *node_of(const void *row)
{
    return ((const sinfo_row *)row)->first;
}

static void put_chip(fy_str *out, const void *row)
{
    const char *chip = cli_text_of(node_of(row), "chip");

    fy_str_puts(out, chip != NULL ? chip : "none");
}

static void put_up(fy_str *out, const void *row)
{
    (void)row;
    fy_str_puts(out, "up");
}

static void put_infinite(fy_str *out, const void *row)
{
    (void)row;
    fy_str_puts(out, "infinite");
}

static void put_count(fy_str *out, const void *row)
{
    fy_str_printf(out, "%zu", ((const sinfo_row *)row)->n);
}

static void put_letters(fy_str *out, const void *row)
{
    fy_str_puts(out, states[state_of(node_of(row))].letters);
}

static void put_word(fy_str *out, const void *row)
{
    fy_str_puts(out, states[state_of(node_of(row))].word);
}

static void put_names(fy_str *out, const void *row)
{
    const sinfo_row *r = row;

    slurm_hostlist(out, r->names, r->n);
}

static void put_gres(fy_str *out, const void *row)
{
    const char *chip = cli_text_of(node_of(row), "chip");
    int64_t devices = cli_int_of(node_of(row), "devices", 0);

    if (devices > 0) {
        fy_str_printf(out, "gpu:%s:%lld", chip != NULL ? chip : "any", (long long)devices);
    } else {
        fy_str_puts(out, "(null)");
    }
}

static void put_cpus(fy_str *out, const void *row)
{
    double cpus = cli_number_of(node_of(row), "cpus");

    fy_str_printf(out, "%.0f", cpus > 0 ? cpus : 0);
}

static void put_reason(fy_str *out, const void *row)
{
    const char *reason = cli_text_of(node_of(row), "reason");

    fy_str_puts(out, reason != NULL ? reason : "none");
}

static void put_unknown(fy_str *out, const void *row)
{
    (void)row;
    fy_str_puts(out, "Unknown");
}

static const slurm_field fields[] = {
    {'P', "PARTITION", put_chip},     {'R', "PARTITION", put_chip}, {'a', "AVAIL", put_up},
    {'l', "TIMELIMIT", put_infinite}, {'D', "NODES", put_count},    {'t', "STATE", put_letters},
    {'T', "STATE", put_word},         {'N', "NODELIST", put_names}, {'G', "GRES", put_gres},
    {'c', "CPUS", put_cpus},          {'E', "REASON", put_reason},  {'u', "USER", put_unknown},
    {'H', "TIMESTAMP", put_unknown},  {'m', "MEMORY", put_unknown}, {'\0', NULL, NULL},
};

/* ------------------------------------------------------------------ rows */

typedef struct sinfo_options {
    const char *format, *chips, *nodes, *states, *socket;
    bool no_header, each, reasons, json;
    long again_s;
} sinfo_options;

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
    return json_equal(json_object_get(a, key), json_object_get(b, key)) ||
           (json_object_get(a, key) == NULL && json_object_get(b, key) == NULL);
}

static bool together(const sinfo_options *o, const json_t *a, const json_t *b)
{
    return !o->each && same_text(a, b, "chip") && state_of(a) == state_of(b) &&
           same_text(a, b, "devices") && same_text(a, b, "cpus") &&
           (!o->reasons || same_text(a, b, "reason"));
}

static bool wanted(const sinfo_options *o, const json_t *node)
{
    const char *name = cli_text_of(node, "name");
    int state = state_of(node);

    return name != NULL &&
           (o->chips == NULL || slurm_in_list(o->chips, cli_text_of(node, "chip"))) &&
           (o->nodes == NULL || slurm_in_hostlist(o->nodes, name)) &&
           (o->states == NULL || slurm_in_list(o->states, states[state].letters) ||
            slurm_in_list(o->states, states[state].word)) &&
           (!o->reasons || cli_text_of(node, "reason") != NULL);
}

/* By chip, then by state, in the order of the first node of each. */
static size_t gather(const sinfo_options *o, const json_t *nodes, sinfo_row *rows)
{
    size_t n = 0, all = json_array_size(nodes);

    for (size_t i = 0; i < all; i++) {
        const json_t *node = json_array_get(nodes, i);
        size_t r = 0;

        if (!wanted(o, node)) {
            continue;
        }
        while (r < n && !together(o, rows[r].first, node)) {
            r++;
        }
        if (r == n) {
            rows[n++] = (sinfo_row){.first = node, .names = calloc(all, sizeof(char *))};
        }
        if (rows[r].names == NULL) {
            abort();
        }
        rows[r].names[rows[r].n++] = cli_text_of(node, "name");
    }
    return n;
}

static int print_nodes(const sinfo_options *o, const json_t *answer)
{
    const json_t *nodes = json_object_get(answer, "nodes");
    sinfo_row *rows = calloc(json_array_size(nodes) + 1, sizeof *rows);
    size_t n;
    char bad = '\0';
    bool right = true;

    if (rows == NULL) {
        abort();
    }
    n = gather(o, nodes, rows);
    if (!o->no_header) {
        right = slurm_print(o->format, fields, NULL, &bad);
    }
    for (size_t i = 0; i < n; i++) {
        right = right && slurm_print(o->format, fields, &rows[i], &bad);
        free(rows[i].names);
    }
    free(rows);
    return right ? 0 : slurm_fail("sinfo", "Invalid node format specification: %c", bad);
}

static int look(cli_client *client, const sinfo_options *o)
{
    json_t *answer = NULL;
    int code = cli_get(client, "/v1/nodes", &answer);

    if (code == 0 && o->json) {
        cli_print_json(answer);
    } else if (code == 0) {
        code = print_nodes(o, answer);
    }
    json_decref(answer);
    return code != 0 ? 1 : 0;
}

/* ------------------------------------------------------------------ options */

static const struct option known[] = {{"Node", no_argument, NULL, 'N'},
                                      {"list-reasons", no_argument, NULL, 'R'},
                                      {"noheader", no_argument, NULL, 'h'},
                                      {"long", no_argument, NULL, 'l'},
                                      {"all", no_argument, NULL, 'a'},
                                      {"exact", no_argument, NULL, 'e'},
                                      {"format", required_argument, NULL, 'o'},
                                      {"partition", required_argument, NULL, 'p'},
                                      {"nodes", required_argument, NULL, 'n'},
                                      {"states", required_argument, NULL, 't'},
                                      {"iterate", required_argument, NULL, 'i'},
                                      {"json", no_argument, NULL, 3},
                                      {"socket", required_argument, NULL, 4},
                                      {"help", no_argument, NULL, 5},
                                      {NULL, 0, NULL, 0}};

static int read_options(int argc, char **argv, sinfo_options *o)
{
    int opt;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, "NRhlaeo:p:n:t:i:", known, NULL)) != -1) {
        const char **text = opt == 'o'   ? &o->format
                            : opt == 'p' ? &o->chips
                            : opt == 'n' ? &o->nodes
                            : opt == 't' ? &o->states
                            : opt == 4   ? &o->socket
                                         : NULL;
        if (text != NULL) {
            *text = optarg;
        } else if (opt == 'N') {
            o->each = true;
            o->format = o->format == NULL ? by_node : o->format;
        } else if (opt == 'R') {
            o->reasons = true;
            o->format = o->format == NULL ? reasons : o->format;
        } else if (opt == 'h') {
            o->no_header = true;
        } else if (opt == 'i') {
            o->again_s = strtol(optarg, NULL, 10);
        } else if (opt == 3) {
            o->json = true;
        } else if (opt == 5) {
            fputs(usage, stdout);
            return -1;
        } else if (opt == '?') {
            fprintf(stderr, "sinfo: warning: %.60s is passed over: no such option\n",
                    argv[optind - 1]);
        }
    }
    o->format = o->format == NULL ? usual : o->format;
    return 0;
}

int slurm_sinfo(int argc, char **argv)
{
    sinfo_options o = {0};
    cli_client *client = NULL;
    int code = read_options(argc, argv, &o);

    if (code != 0) {
        return 0;
    }
    code = cli_client_open(&client, o.socket, "sinfo");
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
