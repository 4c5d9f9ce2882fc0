/* SPDX-License-Identifier: MIT */
/* `fuyao gen`: a synthetic multi-tenant trace for a fleet, as canonical CSV. */
#include "base/num.h"
#include "cli/cmd.h"
#include "cli/planner.h"
#include "cli/temporary.h"
#include "fuyao/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: fuyao gen --fleet FILE [OPTION...]\n"
    "Write a synthetic multi-tenant trace for a fleet, as canonical CSV.\n\n"
    "  --fleet FILE          the fleet (data/fleets/NAME.yaml)\n"
    "  --days D              time over which jobs are submitted; default 30\n"
    "  --load L              share of the fleet's device time that is demanded; default 0.9\n"
    "  --seed N              equal seeds give equal bytes; default 1\n"
    "  --jobs N              that many jobs: durations are scaled to the load\n"
    "  --tenants N           default: the fleet's, or 12\n"
    "  --multi-node SHARE    gangs larger than a node; default as in Philly\n"
    "  --failures SHARE      jobs that fail; default 0.413 (Acme)\n"
    "  --cancellations SHARE jobs that are cancelled; default 0.068 (Acme)\n"
    "  --services SHARE      of the load, held by services; default 0.1\n"
    "  --workloads[=ID,...]  training jobs name a workload of data/workloads, of these or of the\n"
    "                        usual ones, and take their rates from the planner\n"
    "  -o, --output FILE     instead of standard output; appears when it is whole\n\n"
    "Rates come from the roofline mix against the fleet's most numerous chip; chips without\n"
    "known rates get jobs of their own. docs/traces.md describes the model and its sources.\n";

/* ------------------------------------------------------------------ output */

enum { BUFFER_BYTES = 1 << 18 };

/* A file that gets its name when it is whole; a device or standard output is written in place. */
typedef struct output {
    int fd;
    const char *path; /* for messages */
    char *temporary;  /* owned; NULL where written in place */
    int error;        /* errno of the first failure, 0 = none */
    size_t used;
    char buffer[BUFFER_BYTES];
} output;

static void flush(output *out)
{
    size_t done = 0;

    while (done < out->used && out->error == 0) {
        ssize_t n = write(out->fd, out->buffer + done, out->used - done);

        if (n < 0 && errno != EINTR) {
            out->error = errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    out->used = 0;
}

/* A fy_write_fn. */
static int put(void *ctx, const char *bytes, size_t len)
{
    output *out = ctx;

    while (len > 0 && out->error == 0) {
        size_t room = BUFFER_BYTES - out->used;
        size_t part = len < room ? len : room;

        memcpy(out->buffer + out->used, bytes, part);
        out->used += part;
        bytes += part;
        len -= part;
        if (out->used == BUFFER_BYTES) {
            flush(out);
        }
    }
    return out->error != 0 ? FY_EIO : 0;
}

/* `path` NULL: standard output. */
static void open_output(output *out, const char *path)
{
    struct stat st;

    out->path = path != NULL ? path : "standard output";
    out->fd = STDOUT_FILENO;
    if (path == NULL) {
        return;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        out->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        out->fd = cli_temporary_open(&out->temporary, path);
    }
    out->error = out->fd < 0 ? errno : out->error;
}

/* Give the file its name, or take it away; frees `out`. Returns an exit code after printing why. */
static int close_output(output *out)
{
    int code = CLI_OK;

    flush(out);
    if (out->fd >= 0 && out->fd != STDOUT_FILENO && close(out->fd) != 0 && out->error == 0) {
        out->error = errno;
    }
    if (out->temporary != NULL && out->error == 0 && rename(out->temporary, out->path) != 0) {
        out->error = errno;
    }
    if (out->error != 0) {
        code =
            cli_fail(CLI_ENVIRONMENT, "cannot write %.150s: %s", out->path, strerror(out->error));
        if (out->temporary != NULL) {
            (void)unlink(out->temporary);
        }
    }
    cli_temporary_forget(out->temporary);
    free(out);
    return code;
}

/* ------------------------------------------------------------------ options */

typedef struct gen_arguments {
    const char *fleet, *path;
    bool planned;          /* --workloads */
    const char *workloads; /* its list, NULL = the usual ones */
    fy_gen_options gen;
} gen_arguments;

enum {
    OPT_FLEET = 256,
    OPT_DAYS,
    OPT_LOAD,
    OPT_SEED,
    OPT_JOBS,
    OPT_TENANTS,
    OPT_WIDE,
    OPT_FAILURES,
    OPT_CANCELLATIONS,
    OPT_SERVICES,
    OPT_WORKLOADS
};

static const struct option long_options[] = {
    {"fleet", required_argument, NULL, OPT_FLEET},
    {"days", required_argument, NULL, OPT_DAYS},
    {"load", required_argument, NULL, OPT_LOAD},
    {"seed", required_argument, NULL, OPT_SEED},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"tenants", required_argument, NULL, OPT_TENANTS},
    {"multi-node", required_argument, NULL, OPT_WIDE},
    {"failures", required_argument, NULL, OPT_FAILURES},
    {"cancellations", required_argument, NULL, OPT_CANCELLATIONS},
    {"services", required_argument, NULL, OPT_SERVICES},
    {"workloads", optional_argument, NULL, OPT_WORKLOADS},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int take_number(const char *name, const char *text, double low, double high, double *out)
{
    if (fy_num_double(text, strlen(text), out) != FY_NUM_OK || !(*out >= low && *out <= high)) {
        return cli_fail(CLI_USAGE, "gen: --%s is '%.60s'; it must be a number from %g to %g", name,
                        text, low, high);
    }
    return 0;
}

static int take_count(const char *name, const char *text, int64_t low, int64_t high, int64_t *out)
{
    if (fy_num_int(text, strlen(text), low, high, out) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE,
                        "gen: --%s is '%.60s'; it must be a whole number from %lld to %lld", name,
                        text, (long long)low, (long long)high);
    }
    return 0;
}

static int take_option(int opt, gen_arguments *a)
{
    fy_gen_options *gen = &a->gen;
    int64_t n = 0;
    int code = 0;

    switch (opt) {
    case OPT_FLEET:
        a->fleet = optarg;
        break;
    case 'o':
        a->path = optarg;
        break;
    case OPT_DAYS:
        code = take_number("days", optarg, 0.001, 36500, &gen->days);
        break;
    case OPT_LOAD:
        code = take_number("load", optarg, 0.0001, 100, &gen->load);
        break;
    case OPT_SEED:
        code = take_count("seed", optarg, 0, INT64_MAX, &n);
        gen->seed = (uint64_t)n;
        break;
    case OPT_JOBS:
        code = take_count("jobs", optarg, 1, 1000000000, &gen->jobs);
        break;
    case OPT_TENANTS:
        code = take_count("tenants", optarg, 1, 1000, &n);
        gen->tenants = (int)n;
        break;
    case OPT_WIDE:
        code = take_number("multi-node", optarg, 0, 1, &gen->multi_node_share);
        break;
    case OPT_FAILURES:
        code = take_number("failures", optarg, 0, 1, &gen->failure_share);
        break;
    case OPT_CANCELLATIONS:
        code = take_number("cancellations", optarg, 0, 1, &gen->cancel_share);
        break;
    case OPT_SERVICES:
        code = take_number("services", optarg, 0, 1, &gen->services_share);
        break;
    case OPT_WORKLOADS:
        a->planned = true;
        a->workloads = optarg;
        break;
    default:
        break;
    }
    return code;
}

/* Returns 0, or an exit code after printing; *stop: there is nothing more to do. */
static int read_arguments(int argc, char **argv, gen_arguments *a, bool *stop)
{
    int opt, code = 0;

    opterr = 0;
    while (code == 0 && (opt = getopt_long(argc, argv, ":ho:", long_options, NULL)) != -1) {
        if (opt == 'h') {
            fputs(usage, stdout);
            *stop = true;
            return 0;
        }
        if (opt == ':') {
            code = cli_fail(CLI_USAGE, "gen: %.60s needs a value", argv[optind - 1]);
        } else if (opt == '?') {
            code = cli_fail(CLI_USAGE, "gen: unknown option %.60s; `fuyao gen --help`",
                            argv[optind - 1]);
        } else {
            code = take_option(opt, a);
        }
    }
    if (code == 0 && optind < argc) {
        code =
            cli_fail(CLI_USAGE, "gen: unexpected argument %.60s; `fuyao gen --help`", argv[optind]);
    }
    if (code == 0 && a->fleet == NULL) {
        code = cli_fail(CLI_USAGE, "gen: --fleet FILE is needed; `fuyao gen --help`");
    }
    return code;
}

/* ------------------------------------------------------------------ the command */

static int write_trace(fy_gen *gen, const fy_site *site, output *out)
{
    fy_job_spec job;
    int rc = fy_canonical_header(put, out);

    while (rc == 0 && fy_gen_next(gen, &job) > 0) {
        rc = fy_canonical_row(&job, site, put, out);
    }
    return rc;
}

enum { MAX_WORKLOADS = 64 };

/* The workloads that --workloads=ID,... names; 0 or an exit code. */
static int find_workloads(const char *list, const fy_planner *planner,
                          const fy_workload *out[MAX_WORKLOADS], int *n)
{
    char copy[2000], *save = NULL;

    if (strlen(list) >= sizeof copy) {
        return cli_fail(CLI_USAGE, "gen: --workloads is too long");
    }
    (void)snprintf(copy, sizeof copy, "%s", list);
    for (char *p = strtok_r(copy, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
        fy_err err = {0};

        if (*n == MAX_WORKLOADS) {
            return cli_fail(CLI_USAGE, "gen: --workloads names more than %d", MAX_WORKLOADS);
        }
        if (planner->find(planner->ctx, p, &out[*n], &err) != 0) {
            return cli_fail_err(&err);
        }
        if (out[*n] == NULL) {
            return cli_fail(CLI_USAGE, "gen: no workload \"%.60s\"; data/workloads has them", p);
        }
        ++*n;
    }
    return *n > 0 ? 0 : cli_fail(CLI_USAGE, "gen: --workloads= names none");
}

static int generate(const fy_site *site, gen_arguments *a, const fy_planner *planner)
{
    const fy_workload *list[MAX_WORKLOADS];
    output *out;
    fy_gen *gen;
    fy_err err = {0};

    a->gen.site = site;
    a->gen.planner = a->planned ? planner : NULL;
    a->gen.workloads = list;
    if (a->workloads != NULL) {
        int code = find_workloads(a->workloads, planner, list, &a->gen.n_workloads);

        if (code != 0) {
            return code;
        }
    }
    if (fy_gen_open(&gen, &a->gen, &err) != 0) {
        return cli_fail_err(&err);
    }
    out = calloc(1, sizeof *out);
    if (out == NULL) {
        abort();
    }
    open_output(out, a->path);
    if (out->error == 0) {
        (void)write_trace(gen, site, out); /* a failed write is kept in `out` */
    }
    fy_gen_close(gen);
    return close_output(out);
}

int cmd_gen(int argc, char **argv)
{
    gen_arguments a = {.gen = fy_gen_options_default(NULL)};
    fy_catalog *catalog;
    fy_site *site;
    fy_err err = {0};
    bool stop = false;
    int code = read_arguments(argc, argv, &a, &stop);

    if (code != 0 || stop) {
        return code;
    }
    (void)signal(SIGXFSZ, SIG_IGN); /* a file grown too large is a failed write, reported as one */
    code = cli_catalog(&catalog);
    if (code != 0) {
        return code;
    }
    if (fy_site_load(&site, catalog, a.fleet, &err) != 0) {
        code = cli_fail_err(&err);
    } else {
        cli_planner *planner = cli_planner_new(site, site, NULL);

        code = generate(site, &a, cli_planner_face(planner));
        cli_planner_free(planner);
        fy_site_free(site);
    }
    fy_catalog_free(catalog);
    return code;
}
