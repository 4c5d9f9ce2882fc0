/* SPDX-License-Identifier: MIT */
/*
 * `fuyao replay`: a journal's events through the state machine once more. What comes out is the
 * state itself: the simulator that wrote the journal ended in the same one, digest for digest.
 */
#include "cli/replay.h"

#include "base/arena.h"
#include "cli/cmd.h"
#include "cli/table.h"
#include "fleet/state.h"

#include <jansson.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao replay JOURNAL|STATE [OPTION...]\n"
    "Apply a journal's events again and say what state they lead to. - is standard input; STATE "
    "is\n"
    "the folder of `fuyao serve` or its state.db, also while it runs.\n\n"
    "  --verify       let the policy decide again at each round: the same decisions? (else exit "
    "1)\n"
    "  --policy NAME  take only what the world did, and simulate another policy on it\n"
    "  --json         JSON instead of tables\n";

enum { OPT_VERIFY = 256, OPT_POLICY, OPT_JSON, OPT_HELP };

typedef struct replay_args {
    const char *path, *policy;
    bool verify, json;
} replay_args;

static const double us_per_s = 1e6;

/* ------------------------------------------------------------------ the command line */

static int read_args(replay_args *args, bool *stop, int argc, char **argv)
{
    static const struct option options[] = {{"verify", no_argument, NULL, OPT_VERIFY},
                                            {"policy", required_argument, NULL, OPT_POLICY},
                                            {"json", no_argument, NULL, OPT_JSON},
                                            {"help", no_argument, NULL, OPT_HELP},
                                            {NULL, 0, NULL, 0}};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case OPT_VERIFY:
            args->verify = true;
            break;
        case OPT_POLICY:
            args->policy = optarg;
            break;
        case OPT_JSON:
            args->json = true;
            break;
        case OPT_HELP:
            fputs(usage, stdout);
            *stop = true;
            return 0;
        case ':':
            return cli_fail(CLI_USAGE, "replay: %s needs a value", argv[optind - 1]);
        default:
            return cli_fail(CLI_USAGE, "replay: no option %.60s; `fuyao replay --help` lists them",
                            argv[optind - 1]);
        }
    }
    if (optind != argc - 1) {
        return cli_fail(CLI_USAGE,
                        "replay: name one journal or state folder (- is standard input)");
    }
    if (args->verify && args->policy != NULL) {
        return cli_fail(CLI_USAGE, "replay: --verify runs the journal's own policy, not another");
    }
    args->path = argv[optind];
    return 0;
}

/* ------------------------------------------------------------------ applying */

static int apply_line(replay *r, const char *line, size_t len, fy_err *err)
{
    fy_event event;
    int status = fy_journal_decode(r->reader, line, len, &event, err);

    if (status == 0 && r->check != NULL) {
        return replay_verify_line(r, line, len, &event, err);
    }
    status = status == 0 ? fy_fleet_apply(r->fleet, &event, err) : status;
    if (status != 0) {
        return fy_fail_prefix(err, status, "%s:%lld", r->file.path, (long long)r->file.line);
    }
    r->counts[event.kind]++;
    r->applied++;
    if (r->again != NULL) {
        replay_again_note(r, &event);
    }
    return 0;
}

static int apply_all(replay *r, fy_err *err)
{
    const char *line;
    size_t len;
    int got;

    while ((got = replay_file_next(&r->file, &line, &len, err)) == REPLAY_LINE) {
        int status = apply_line(r, line, len, err);

        if (status != 0) {
            return status;
        }
    }
    if (got == FY_EPARSE) {
        fy_err cut = *err;

        return fy_fail(err, FY_EPARSE, "%s; the %lld events before it were applied", cut.text,
                       (long long)r->applied);
    }
    return got == REPLAY_END && r->check != NULL ? replay_verify_end(r, err) : got;
}

/* ------------------------------------------------------------------ the state */

static double held_device_s(const fy_fleet *fleet)
{
    fy_wide held = 0;

    for (int c = 0; c < fleet->n_chips; c++) {
        held += fleet->pools[c].held_int;
    }
    return (double)held / FY_WHOLE / us_per_s;
}

static void print_state_json(const replay *r)
{
    const fy_fleet *fleet = r->fleet;
    char digest[20];
    json_t *kinds = json_object();
    json_t *out;

    (void)snprintf(digest, sizeof digest, "%016llx", (unsigned long long)fy_fleet_digest(fleet));
    for (int k = 0; k < FY_N_EVENT_KINDS; k++) {
        if (r->counts[k] > 0) {
            json_object_set_new(kinds, fy_event_name((fy_event_kind)k), json_integer(r->counts[k]));
        }
    }
    out = json_pack("{s:I, s:f, s:o, s:{s:i, s:i, s:i}, s:f, s:s}", "events",
                    (json_int_t)r->applied, "t_s", (double)fleet->now_us / us_per_s, "kinds", kinds,
                    "jobs", "live", fleet->n_live, "waiting", fleet->n_waiting, "running",
                    fleet->n_running, "device_s", held_device_s(fleet), "digest", digest);
    if (r->check != NULL) {
        json_object_set_new(out, "verified",
                            json_pack("{s:I, s:I}", "rounds", (json_int_t)replay_verify_rounds(r),
                                      "decisions", (json_int_t)replay_verify_decisions(r)));
    }
    (void)json_dumpf(out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(out);
}

static void print_state(const replay *r)
{
    const fy_fleet *fleet = r->fleet;
    cli_table *table = cli_table_new();

    cli_table_column(table, "EVENT", CLI_LEFT);
    cli_table_column(table, "NUMBER", CLI_RIGHT);
    for (int k = 0; k < FY_N_EVENT_KINDS; k++) {
        if (r->counts[k] > 0) {
            cli_table_row(table);
            cli_table_cell(table, "%s", fy_event_name((fy_event_kind)k));
            cli_table_cell(table, "%lld", (long long)r->counts[k]);
        }
    }
    cli_table_print(table);
    printf("\n%lld events up to %.6f s: %d jobs live, %d waiting, %d running; %.1f device-hours "
           "held\n",
           (long long)r->applied, (double)fleet->now_us / us_per_s, fleet->n_live, fleet->n_waiting,
           fleet->n_running, held_device_s(fleet) / 3600);
    if (r->check != NULL) {
        printf("the policy took the same %lld decisions in %lld rounds\n",
               (long long)replay_verify_decisions(r), (long long)replay_verify_rounds(r));
    }
    printf("digest %016llx\n", (unsigned long long)fy_fleet_digest(fleet));
}

/* ------------------------------------------------------------------ another policy */

static void put_count(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void put_number(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, fy_known(value) ? json_real(value) : json_null());
}

static void print_outcome(const replay_outcome *out, bool json)
{
    const fy_sim_result *s = out->result;

    if (json) {
        json_t *object = json_object();

        json_object_set_new(object, "policy", json_string(s->policy));
        put_count(object, "jobs", s->jobs);
        put_count(object, "finished", s->finished);
        put_count(object, "unfinished", s->unfinished);
        put_count(object, "never_placeable", s->never_placeable);
        put_number(object, "jct_mean_s", s->jct_s.mean);
        put_number(object, "wait_mean_s", s->wait_s.mean);
        put_number(object, "makespan_s", s->makespan_s);
        put_number(object, "utilization", s->utilization);
        put_number(object, "allocated", s->allocated);
        put_count(object, "preemptions", s->preemptions);
        put_number(object, "modelled_device_share", out->modelled);
        put_count(object, "events_left_out", out->left_out);
        (void)json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        putchar('\n');
        json_decref(object);
        return;
    }
    printf("under %s: %lld jobs, %lld finished, %lld unfinished, %lld never placeable\n", s->policy,
           (long long)s->jobs, (long long)s->finished, (long long)s->unfinished,
           (long long)s->never_placeable);
    printf(
        "completion %.1f s in the mean, %.1f s at the 99th percentile; wait %.1f s in the mean\n",
        s->jct_s.mean, s->jct_s.p99, s->wait_s.mean);
    printf("allocated %.1f %%, utilization %.1f %%, %lld preemptions, makespan %.1f s\n",
           s->allocated * 100, s->utilization * 100, (long long)s->preemptions, s->makespan_s);
    printf("%.1f %% of the device time is modelled: on chips where the journal has no run of the "
           "job\n",
           out->modelled * 100);
    if (out->left_out > 0) {
        printf("%lld events that a simulation does not take were left out\n",
               (long long)out->left_out);
    }
}

/* ------------------------------------------------------------------ the command */

static int run(replay *r, const replay_args *args, fy_err *err)
{
    replay_outcome outcome = {0};
    int status = replay_file_open(&r->file, args->path, err);

    status = status == 0 ? apply_all(r, err) : status;
    if (status != 0) {
        return status;
    }
    fy_fleet_integrate(r->fleet, r->fleet->now_us);
    if (args->policy == NULL) {
        args->json ? print_state_json(r) : print_state(r);
        return 0;
    }
    status = replay_again_run(r, args->policy, &outcome, err);
    if (status == 0) {
        print_outcome(&outcome, args->json);
        fy_sim_result_free(outcome.result);
    }
    return status;
}

int cmd_replay(int argc, char **argv)
{
    replay_args args = {0};
    replay r = {0};
    fy_err err = {0};
    bool stop = false;
    int status = read_args(&args, &stop, argc, argv);

    if (status != 0 || stop) {
        return status;
    }
    r.fleet = fy_fleet_new();
    r.reader = fy_journal_reader_new();
    r.check = args.verify ? replay_verify_new() : NULL;
    r.again = args.policy != NULL ? replay_again_new() : NULL;
    status = run(&r, &args, &err);
    replay_file_close(&r.file);
    replay_verify_free(r.check);
    replay_again_free(r.again);
    fy_journal_reader_free(r.reader);
    fy_fleet_free(r.fleet);
    if (status == REPLAY_DIFFERS) {
        return cli_fail(CLI_NO, "%s", err.text);
    }
    return status != 0 ? cli_fail_err(&err) : CLI_OK;
}
